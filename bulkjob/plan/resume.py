"""What an earlier attempt's journal means for the next one."""

from collections.abc import Mapping
from dataclasses import replace

from bulkjob.plan.order import concerned
from bulkjob.records import (
    ALREADY_SO,
    AgentWish,
    Department,
    DepartmentPut,
    Operation,
    Outcome,
    Plan,
    Server,
    UnitPost,
    Wish,
    Workspace,
    without_rows,
)
from bulkjob.rundir import History
from bulkjob.vocabulary import Change, Status


def continued(plan: Plan, history: History, workspace: Workspace, server: Server) -> Plan:
    """The plan as it is for a run that goes on: what earlier attempts did is credited to it, what they left half done is in it."""
    plan = credited(with_removed(plan, history, workspace), history)
    return plan if server.unit_route_lacks() else repaired(plan, history.owed, workspace.departments)


def with_removed(plan: Plan, history: History, workspace: Workspace) -> Plan:
    """The plan with agents whom ``mirror`` removed in an earlier attempt, or may have: as they are gone, nothing asks for it any more."""
    asked = {without_rows(wish) for wish in plan.wishes}
    gone: dict[Wish, Outcome] = {}
    for made in history.made:
        wish = made.wish
        if made.status is Status.FAILED or not isinstance(wish, AgentWish) or wish.present or without_rows(wish) in asked:
            continue
        rows = tuple(row for row in wish.rows if row not in history.rows)
        if rows and wish.agent_id not in workspace.members.get(wish.department_id, {wish.agent_id: None}):
            gone[replace(wish, rows=rows)] = ALREADY_SO
    return replace(plan, wishes=(*plan.wishes, *gone), settled={**plan.settled, **gone})


def credited(plan: Plan, history: History) -> Plan:
    """The plan with its settled wishes told as they are: what is so by a write of an earlier attempt was updated by this run.

    That was known already where another half of the row failed; else the server is seen to hold it only now.
    """
    tried = {without_rows(made.wish) for made in history.made if made.status is not Status.FAILED}
    settled: Mapping[Wish, Outcome] = {
        wish: replace(outcome, change=Change.UPDATED) if outcome == ALREADY_SO and without_rows(wish) in tried else outcome
        for wish, outcome in plan.settled.items()
    }
    return replace(plan, settled=settled)


def repaired(plan: Plan, owed: Mapping[str, frozenset[str]], departments: Mapping[str, Department]) -> Plan:
    """The plan with a write of each unit that an earlier attempt took departments from and did not come to write itself.

    ``owed``: unit id → those departments. No list of the server's shows that a unit's counter still counts them.
    """
    last = {operation.unit_id: operation.id for operation in plan.operations if isinstance(operation, UnitPost)}
    added = [UnitPost(unit_id=unit_id, wishes=(), lost=lost, after=()) for unit_id, lost in owed.items() if unit_id not in last]
    waits = concerned(added, departments)

    def amended(operation: Operation) -> Operation:
        if isinstance(operation, UnitPost) and last[operation.unit_id] == operation.id:
            return replace(operation, lost=operation.lost | owed.get(operation.unit_id, frozenset()))
        if isinstance(operation, DepartmentPut):
            return replace(operation, after=(*operation.after, *waits.get(operation.department_id, ())))
        return operation

    return replace(plan, operations=(*added, *map(amended, plan.operations)))
