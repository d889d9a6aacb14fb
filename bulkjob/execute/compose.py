"""An operation's call, made from what the server holds at this moment."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Generic, TypeVar

import msgspec

from bulkjob.changes import (
    LEFT_BEHIND,
    UNIT_GONE,
    AgentsPost,
    Attempt,
    Change,
    DepartmentDraft,
    DepartmentField,
    DepartmentPut,
    DepartmentUnit,
    NewUnit,
    Outcome,
    Prior,
    UnitChange,
    UnitCreate,
    UnitDelete,
    UnitDraft,
    UnitPost,
    failed,
    settled,
)
from bulkjob.plan import missing_fields
from bulkjob.records import Monitor, Server, Unit, Workspace
from bulkjob.rocketchat import DepartmentState, Request, StoredUnit, endpoints
from bulkjob.vocabulary import Code, Status

T = TypeVar("T")

Attempts = Mapping[Change, Sequence[Attempt]]


class Composed(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What an operation comes down to."""

    request: Request[T] | None
    """None where nothing needs to be sent."""
    pending: Mapping[Change, Prior] = msgspec.field(default_factory=dict)
    """The changes that the request carries, each with what it found."""
    settled: Mapping[Change, Outcome]
    """The changes that turned out not to need it, or not to be possible."""
    snapshot: Mapping[str, object] = msgspec.field(default_factory=dict)
    """What the request replaces, as JSON, for whoever has to put it back by hand."""


def unit_call(
    operation: UnitPost, unit: Unit | None, monitors: Iterable[Monitor], *, state: Workspace, server: Server, attempts: Attempts
) -> Composed[StoredUnit]:
    """The whole unit as it is now, with the changes applied: whatever else is in it stays in it."""
    known: dict[Change, Outcome] = {}
    for change in operation.changes:
        if outcome := settled(change, state, server, attempts.get(change, ())) or _unwritable(unit, server):
            known[change] = outcome
        elif isinstance(change, DepartmentUnit) and change.unit_id is None and (elsewhere := change.found(state)) != operation.unit_id:
            said = f"somebody has meanwhile put it into unit {elsewhere}; run again to take it out of there"
            known[change] = failed(Code.REJECTED, said)
    pending: dict[Change, Prior] = {change: change.found(state) for change in operation.changes if change not in known}
    held = [department.id for department in state.departments.values() if department.parent_id == operation.unit_id]
    lost = not operation.lost <= frozenset(held)
    repairs = lost and unit is not None and unit.counted != len(held)
    if unit is None or unit.visibility is None or not (pending or repairs):
        return Composed(request=None, settled=known)
    kept = {monitor.id: monitor for monitor in monitors}
    draft = UnitDraft(id=unit.id, name=unit.name, visibility=unit.visibility, monitors=dict(kept), departments=dict.fromkeys(held))
    _apply(operation.changes, pending, draft)
    return Composed(
        request=endpoints.post_unit(_unit_of(draft), draft.monitors.values(), draft.departments),
        pending=pending,
        settled=known,
        snapshot=_snapshot(unit, kept.values(), held),
    )


def creation_call(operation: UnitCreate, *, state: Workspace, server: Server, attempts: Attempts) -> Composed[StoredUnit]:
    """A unit that is not there yet, with everything that is asked of it. ``state`` goes by what stands for its id."""
    known, pending = _sorted_out(operation.changes, state, server, attempts)
    refused = next((outcome for change, outcome in known.items() if isinstance(change, NewUnit)), None)
    if refused is None and known and all(isinstance(change, NewUnit) for change in pending):
        # Nothing that was asked of the unit can be done any more: it would stay empty.
        refused = next(iter(known.values()))
    if refused is not None:
        return Composed(request=None, settled={**known, **dict.fromkeys(pending, refused)})
    draft = UnitDraft(id=operation.unit_id, name="", visibility="", monitors={}, departments={})
    _apply(operation.changes, pending, draft)
    unit = _unit_of(draft)
    return Composed(
        request=endpoints.create_unit(unit, draft.monitors.values(), draft.departments),
        pending=pending,
        settled=known,
        snapshot=_snapshot(unit, (), ()),
    )


def deletion_call(operation: UnitDelete, *, state: Workspace, server: Server, attempts: Attempts) -> Composed[bool]:
    """A unit that is to go, if it is as it was left and its departments are home."""
    known, pending = _sorted_out(operation.changes, state, server, attempts)
    unit = (state.units or {}).get(operation.unit_id)
    held = sorted(department.id for department in state.departments.values() if department.parent_id == operation.unit_id)
    released = {change.department_id for change in pending if isinstance(change, DepartmentUnit)}
    stays = (outcome for change, outcome in known.items() if isinstance(change, NewUnit) and outcome.status is Status.FAILED)
    refused = next(stays, None)
    if unit is None and pending:
        refused = LEFT_BEHIND
    elif refused is None and (left := [identifier for identifier in held if identifier not in released]):
        refused = failed(Code.REJECTED, f"departments that the run put there are still in it ({', '.join(left[:5])})")
    if refused is not None:
        known.update(dict.fromkeys(pending, refused))
        pending = {}
    if unit is None or not pending:
        return Composed(request=None, settled=known)
    monitors = state.monitors.get(operation.unit_id, {}).values()
    return Composed(request=endpoints.delete_unit(unit.id), pending=pending, settled=known, snapshot=_snapshot(unit, monitors, held))


def _apply(changes: Iterable[UnitChange], pending: Container[Change], draft: UnitDraft) -> None:
    for change in changes:
        if change in pending:
            change.apply_to_unit(draft)


def _unit_of(draft: UnitDraft) -> Unit:
    return Unit(id=draft.id, name=draft.name, visibility=draft.visibility)


def _snapshot(unit: Unit, monitors: Iterable[Monitor], departments: Iterable[str]) -> Mapping[str, object]:
    return {
        "unit": {"id": unit.id, "name": unit.name, "visibility": unit.visibility},
        "monitors": [asdict(monitor) for monitor in monitors],
        "departments": list(departments),
    }


def _unwritable(unit: Unit | None, server: Server) -> Outcome | None:
    if unit is None and server.restricted_to_own_units:
        return failed(Code.UNIT_NOT_PERMITTED, "the account is not a monitor of this unit")
    if unit is None:
        return UNIT_GONE
    return (
        None
        if unit.visibility is not None
        else failed(Code.REJECTED, "the unit has no visibility on the server, and no change can be sent without one")
    )


def put_call(operation: DepartmentPut, state: Workspace, server: Server, attempts: Attempts) -> Composed[DepartmentState]:
    """The five required fields as they are, the unit as it is or is to be, and only the agents who are new or change.

    ``state`` holds the department, if it is still there, and its agents.
    """
    department = state.departments.get(operation.department_id)
    known, pending = _sorted_out(operation.changes, state, server, attempts)
    if department is not None and (incomplete := missing_fields(department, _supplied(pending))):
        known, pending = known | dict.fromkeys(pending, incomplete), {}
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
        snapshot={"department": dict(department.fields), "unit": department.parent_id, "business_hour": department.business_hour_id},
    )


def _supplied(changes: Iterable[Change]) -> frozenset[str]:
    return frozenset(change.field for change in changes if isinstance(change, DepartmentField))


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
    changes: Iterable[Change], state: Workspace, server: Server, attempts: Attempts
) -> tuple[dict[Change, Outcome], dict[Change, Prior]]:
    """The changes that need no call or cannot have one, each with its outcome; and the others, each with what it finds."""
    known: dict[Change, Outcome] = {}
    pending: dict[Change, Prior] = {}
    for change in changes:
        if outcome := settled(change, state, server, attempts.get(change, ())):
            known[change] = outcome
        else:
            pending[change] = change.found(state)
    return known, pending
