"""An operation's call, made from what the server holds at this moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Generic, TypeVar

from bulkjob.changes import (
    AgentsPost,
    Attempt,
    Change,
    DepartmentDraft,
    DepartmentPut,
    Outcome,
    Prior,
    UnitDraft,
    UnitPost,
    failed,
    settled,
)
from bulkjob.plan import missing_fields
from bulkjob.records import Monitor, Server, Unit, Workspace
from bulkjob.rocketchat import DepartmentState, Request, StoredUnit, endpoints
from bulkjob.vocabulary import Code

T = TypeVar("T")

Attempts = Mapping[Change, Sequence[Attempt]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed(Generic[T]):
    """What an operation comes down to."""

    request: Request[T] | None
    """None where nothing needs to be sent."""
    pending: Mapping[Change, Prior] = field(default_factory=dict)
    """The changes that the request carries, each with what it found."""
    settled: Mapping[Change, Outcome]
    """The changes that turned out not to need it, or not to be possible."""
    snapshot: Mapping[str, object] = field(default_factory=dict)
    """What the request replaces, as JSON, for whoever has to put it back by hand."""


def unit_call(
    operation: UnitPost, unit: Unit | None, monitors: Iterable[Monitor], *, state: Workspace, server: Server, attempts: Attempts
) -> Composed[StoredUnit]:
    """The whole unit as it is now, with the changes applied: whatever else is in it stays in it."""
    known: dict[Change, Outcome] = {}
    for change in operation.changes:
        if outcome := settled(change, state, server, attempts.get(change, ())) or _unwritable(unit, server):
            known[change] = outcome
        elif (elsewhere := change.found(state)) != operation.unit_id and change.wanted is None:
            said = f"somebody put it into the unit {elsewhere} meanwhile; run again to take it out of that"
            known[change] = failed(Code.REJECTED, said)
    pending: dict[Change, Prior] = {change: change.found(state) for change in operation.changes if change not in known}
    held = [department.id for department in state.departments.values() if department.parent_id == operation.unit_id]
    lost = not operation.lost <= frozenset(held)
    repairs = lost and unit is not None and unit.counted != len(held)
    if unit is None or unit.visibility is None or not (pending or repairs):
        return Composed(request=None, settled=known)
    kept = {monitor.id: monitor for monitor in monitors}
    draft = UnitDraft(id=unit.id, name=unit.name, visibility=unit.visibility, monitors=dict(kept), departments=dict.fromkeys(held))
    for change in operation.changes:
        if change in pending:
            change.apply_to_unit(draft)
    return Composed(
        request=endpoints.post_unit(
            Unit(id=draft.id, name=draft.name, visibility=draft.visibility), draft.monitors.values(), draft.departments
        ),
        pending=pending,
        settled=known,
        snapshot={
            "unit": {"id": unit.id, "name": unit.name, "visibility": unit.visibility},
            "monitors": [asdict(monitor) for monitor in kept.values()],
            "departments": held,
        },
    )


def _unwritable(unit: Unit | None, server: Server) -> Outcome | None:
    if unit is None and server.restricted_to_own_units:
        return failed(Code.UNIT_NOT_PERMITTED, "the account is not a monitor of this unit")
    if unit is None:
        return failed(Code.REJECTED, "the unit is no longer there")
    return None if unit.visibility is not None else failed(Code.REJECTED, "the stored unit has no visibility, which a change must carry")


def put_call(operation: DepartmentPut, state: Workspace, server: Server, attempts: Attempts) -> Composed[DepartmentState]:
    """The five required fields as they are, the unit as it is or is to be, and only the agents who are new or change.

    ``state`` holds the department, if it is still there, and its agents.
    """
    department = state.departments.get(operation.department_id)
    incomplete = missing_fields(department) if department else None
    known, pending = _sorted_out(operation.changes, state, server, attempts, otherwise=incomplete)
    if department is None or not pending:
        return Composed(request=None, settled=known)
    draft = DepartmentDraft(fields=dict(department.required), unit_id=department.parent_id)
    for change in operation.changes:
        if change in pending:
            change.apply_to_department(draft, pending[change])
    return Composed(
        request=endpoints.put_department(
            department.id,
            draft.fields,
            unit_id=draft.unit_id,
            knows_units=server.knows_department_unit,
            members=draft.upserts.values(),
        ),
        pending=pending,
        settled=known,
        snapshot={"department": dict(department.required), "unit": department.parent_id},
    )


def agents_call(operation: AgentsPost, state: Workspace, server: Server, attempts: Attempts) -> Composed[bool]:
    """The agents who leave and are there, and those who are new or change; ``state`` as for `put_call`."""
    known, pending = _sorted_out(operation.changes, state, server, attempts)
    if not pending:
        return Composed(request=None, settled=known)
    draft = DepartmentDraft()
    for change in operation.changes:
        if change in pending:
            change.apply_to_department(draft, pending[change])
    request = endpoints.post_department_agents(operation.department_id, draft.upserts.values(), draft.removals)
    return Composed(request=request, pending=pending, settled=known)


def _sorted_out(
    changes: Iterable[Change], state: Workspace, server: Server, attempts: Attempts, *, otherwise: Outcome | None = None
) -> tuple[dict[Change, Outcome], dict[Change, Prior]]:
    """The changes that need no call or cannot have one, each with its outcome; and the others, each with what it finds.

    ``otherwise``: the outcome of all that would need a call, where none can be made.
    """
    known: dict[Change, Outcome] = {}
    pending: dict[Change, Prior] = {}
    for change in changes:
        if outcome := settled(change, state, server, attempts.get(change, ())) or otherwise:
            known[change] = outcome
        else:
            pending[change] = change.found(state)
    return known, pending
