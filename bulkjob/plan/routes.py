"""Which agents go by a ``PUT`` of their department and which by ``POST …/agents``, where the server's rate limit decides when the job ends.

Each of the two routes, and each of those that they are read by, has a limit of its own: shared out, additions end sooner.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bulkjob.plan.forecast import operation_calls
from bulkjob.records import AgentsPost, DepartmentPut, Operation, Plan, Server
from bulkjob.rocketchat import Route


def shared_out(plan: Plan, server: Server, calls: int) -> Plan:
    """The plan with as few windows of ``calls`` calls a route as the choice of routes allows, by as few changes as that takes.

    Only departments that nothing but agents is asked for are moved from the ``PUT``, evenly spread over all of them.
    """
    movable = [operation for operation in plan.operations if isinstance(operation, DepartmentPut) and operation.unit is None]
    moved = _fewest_windows(plan.operations, movable, server, calls)
    if not moved:
        return plan
    posts: dict[str, Operation] = {
        operation.id: _posted(operation)
        for place, operation in enumerate(movable)
        if (place + 1) * moved // len(movable) > place * moved // len(movable)
    }
    return replace(plan, operations=tuple(posts.get(operation.id, operation) for operation in plan.operations))


def windows(operations: Sequence[Operation], server: Server, calls: int) -> int:
    """How many windows the busiest route of the operations needs, if a window lets so many calls through."""
    return _windows(_calls(operations, server), calls)


def _fewest_windows(operations: Sequence[Operation], movable: Sequence[DepartmentPut], server: Server, calls: int) -> int:
    """How many of the movable operations go by the other route."""
    if not movable:
        return 0
    now = _calls(operations, server)
    one_less, one_more = operation_calls(movable[0], server), operation_calls(_posted(movable[0]), server)
    routes = now.keys() | one_more.keys()
    needed = [
        (_windows({route: now[route] + moved * (one_more[route] - one_less[route]) for route in routes}, calls), moved)
        for moved in range(len(movable) + 1)
    ]
    return min(needed)[1]


def _calls(operations: Sequence[Operation], server: Server) -> Counter[Route]:
    total: Counter[Route] = Counter()
    for operation in operations:
        total.update(operation_calls(operation, server))
    return total


def _windows(calls: Mapping[Route, int], allowed: int) -> int:
    return -(-max(calls.values(), default=0) // allowed)


def _posted(operation: DepartmentPut) -> AgentsPost:
    return AgentsPost(department_id=operation.department_id, wishes=operation.agents, after=operation.after)
