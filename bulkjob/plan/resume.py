"""What an earlier attempt's journal means for the next one."""

from collections.abc import Mapping
from dataclasses import replace

from bulkjob.changes import (
    ALREADY_SO,
    Change,
    DepartmentPut,
    NewUnit,
    OncePerRows,
    Operation,
    Outcome,
    Plan,
    UnitDelete,
    UnitPost,
    rows_of,
)
from bulkjob.plan.order import units_around
from bulkjob.plan.past import written_last
from bulkjob.plan.prepared import Prepared
from bulkjob.records import Department, Workspace
from bulkjob.rundir import History
from bulkjob.vocabulary import Status


def continued(prepared: Prepared, history: History) -> Prepared:
    """The plan as it is for a run that goes on: what earlier attempts did is credited to it, what they left half done is in it."""
    if not history.attempts and not history.pending_repairs:
        return prepared
    plan = with_credit(with_past(prepared.plan, history, prepared.workspace), history)
    if not prepared.server.unit_route_lacks():
        plan = repaired(plan, history.pending_repairs, prepared.workspace.departments)
    return replace(prepared, plan=plan)


def with_past(plan: Plan, history: History, workspace: Workspace) -> Plan:
    """The plan with what an earlier attempt did, or may have done, and nothing asks for any more, because it is so.

    Of a unit that it has made rows ask only what else they want of it, and whom ``mirror`` has removed is not there to be removed.
    """
    asked = set(plan.changes)
    # Rows that are held back or invalid this time ask for nothing, nor do those that are done.
    asking = rows_of(plan.changes) - history.rows.keys()
    left_of = OncePerRows(lambda rows: tuple(row for row in rows if row in asking))
    done: dict[Change, Outcome] = {}
    for attempt in history.attempts:
        change = attempt.change
        if attempt.status is Status.FAILED or not _is_asked_once(change) or change in asked:
            continue
        rows = left_of(change.rows)
        if rows and not change.missing(workspace) and change.is_so(change.found(workspace)):
            done[change.limited_to(rows)] = ALREADY_SO
    units = tuple(change for change in done if isinstance(change, NewUnit))
    others = tuple(change for change in done if not isinstance(change, NewUnit))
    return replace(plan, changes=(*units, *plan.changes, *others), settled={**plan.settled, **done})


def _is_asked_once(change: Change) -> bool:
    """Whether nothing asks for it any more once it is so."""
    return change.ends_assignment or (isinstance(change, NewUnit) and change.present)


def with_credit(plan: Plan, history: History) -> Plan:
    """The plan with what earlier attempts wrote, or may have written: what is so by them was updated by this run.

    That was known already where another part of the row failed; else the server is seen to hold it only now, or just before a write.
    """
    plan = replace(plan, earlier=written_last(history.attempts))
    return replace(plan, settled={change: plan.credited(change, outcome) for change, outcome in plan.settled.items()})


def repaired(plan: Plan, pending: Mapping[str, frozenset[str]], departments: Mapping[str, Department]) -> Plan:
    """The plan with a write of each unit that an earlier attempt took departments from and did not come to write itself.

    ``pending``: unit id → those departments. No list of the server's shows that a unit's counter still counts them.
    """
    going = {operation.unit_id for operation in plan.operations if isinstance(operation, UnitDelete)}
    pending = {unit_id: lost for unit_id, lost in pending.items() if unit_id not in going}
    last = {operation.unit_id: operation.id for operation in plan.operations if isinstance(operation, UnitPost)}
    added = [UnitPost(unit_id=unit_id, changes=(), lost=lost, after=()) for unit_id, lost in pending.items() if unit_id not in last]
    written = {post.unit_id: post.id for post in added}

    def amended(operation: Operation) -> Operation:
        if isinstance(operation, UnitPost) and last[operation.unit_id] == operation.id:
            return replace(operation, lost=operation.lost | pending.get(operation.unit_id, frozenset()))
        if isinstance(operation, DepartmentPut):
            before = [written[unit_id] for unit_id in sorted(units_around(operation, departments)) if unit_id in written]
            return replace(operation, after=(*operation.after, *before))
        return operation

    return replace(plan, operations=(*added, *map(amended, plan.operations)))
