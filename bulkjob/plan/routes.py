"""Which agents go by a ``PUT`` of their department and which by ``POST …/agents``, where the server's rate limit decides when the job ends.

Each of the two routes, and each of those that they are read by, has a limit of its own: shared out, additions end sooner.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from bulkjob.changes import AgentsPost, DepartmentPut, Operation, Terms, calls_of
from bulkjob.plan.prepared import Prepared
from bulkjob.rocketchat import Route


def shared_out(prepared: Prepared) -> Prepared:
    """The plan with as few windows of the server's limit as the choice of routes allows, by as few changes as that takes.

    Only departments that nothing but agents is asked for are moved from the ``PUT``, evenly spread over all of them.
    """
    if prepared.limit is None:
        return prepared
    plan, terms = prepared.plan, prepared.terms
    movable = [
        operation for operation in plan.operations if isinstance(operation, DepartmentPut) and not (operation.unit or operation.fields)
    ]
    moved = _fewest_windows(plan.operations, movable, terms, prepared.limit.calls)
    if not moved:
        return prepared
    posts: dict[str, Operation] = {
        operation.id: _posted(operation)
        for place, operation in enumerate(movable)
        if (place + 1) * moved // len(movable) > place * moved // len(movable)
    }
    operations = tuple(_free(posts.get(operation.id, operation), posts.keys()) for operation in plan.operations)
    return replace(prepared, plan=replace(plan, operations=operations))


def _free(operation: Operation, posted: AbstractSet[str]) -> Operation:
    """The operation without a wait for a ``PUT`` that has gone to the other route, where no write of a unit meets it."""
    if posted.isdisjoint(operation.after):
        return operation
    return replace(operation, after=tuple(before for before in operation.after if before not in posted))


def _fewest_windows(operations: Sequence[Operation], movable: Sequence[DepartmentPut], terms: Terms, calls: int) -> int:
    """How many of the movable operations go by the other route."""
    if not movable:
        return 0
    now = _calls(operations, terms)
    one_less, one_more = calls_of(movable[0], terms), calls_of(_posted(movable[0]), terms)
    routes = now.keys() | one_more.keys()
    needed = [
        (_windows({route: now[route] + moved * (one_more[route] - one_less[route]) for route in routes}, calls), moved)
        for moved in range(len(movable) + 1)
    ]
    return min(needed)[1]


def _calls(operations: Sequence[Operation], terms: Terms) -> Counter[Route]:
    total: Counter[Route] = Counter()
    for operation in operations:
        total.update(calls_of(operation, terms))
    return total


def _windows(calls: Mapping[Route, int], allowed: int) -> int:
    return -(-max(calls.values(), default=0) // allowed)


def _posted(operation: DepartmentPut) -> AgentsPost:
    return AgentsPost(department_id=operation.department_id, changes=operation.agents, after=operation.after)
