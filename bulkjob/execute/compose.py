"""An operation's call, made from what the server holds at this moment."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Generic, TypeVar

from bulkjob.plan import missing_fields
from bulkjob.records import (
    ALREADY_SO,
    AgentChange,
    AgentsPost,
    AgentWish,
    Before,
    Department,
    DepartmentPut,
    Membership,
    Monitor,
    Outcome,
    Server,
    Unit,
    UnitPost,
    UnitWish,
    Wish,
    failed,
)
from bulkjob.rocketchat import Request, endpoints, payloads
from bulkjob.vocabulary import Code

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed(Generic[T]):
    """What an operation comes down to."""

    request: Request[T] | None
    """None where nothing needs to be sent."""
    pending: tuple[Wish, ...]
    """The wishes that the request carries."""
    settled: Mapping[Wish, Outcome]
    """The wishes that turned out not to need it, or not to be possible."""
    changes: Mapping[str, AgentChange]
    """Agent id → what the request stores for them."""
    before: Mapping[Wish, Before] = field(default_factory=dict)
    """What each pending wish found."""
    picture: Mapping[str, object] = field(default_factory=dict)
    """What the request replaces, as JSON, for whoever has to put it back by hand."""

    @property
    def agents(self) -> tuple[AgentWish, ...]:
        """Those of the pending wishes that are about agents."""
        return tuple(wish for wish in self.pending if isinstance(wish, AgentWish))


def unit_call(
    operation: UnitPost, unit: Unit | None, monitors: Iterable[Monitor], departments: Mapping[str, Department], server: Server
) -> Composed[payloads.StoredUnit]:
    """The whole unit as it is now, with the wishes applied: whatever else is in it stays in it."""
    settled: dict[Wish, Outcome] = {}
    for wish in operation.wishes:
        if outcome := _unit_settled(wish, operation.unit_id, departments.get(wish.department_id)):
            settled[wish] = outcome
        elif unit is None and server.restricted_to_own_units:
            settled[wish] = failed(Code.UNIT_NOT_PERMITTED, "the account is not a monitor of this unit")
        elif unit is None or unit.visibility is None:
            reason = "the unit is no longer there" if unit is None else "the stored unit has no visibility, which a change must carry"
            settled[wish] = failed(Code.REJECTED, reason)
    pending = tuple(wish for wish in operation.wishes if wish not in settled)
    left = any(
        department_id not in departments or departments[department_id].parent_id != operation.unit_id for department_id in operation.lost
    )
    if unit is None or unit.visibility is None or not (pending or left):
        return Composed(request=None, pending=(), settled=settled, changes={})
    gained = {wish.department_id: None for wish in pending if wish.unit_id is not None}
    released = {wish.department_id for wish in pending if wish.unit_id is None}
    held = {department.id: None for department in departments.values() if department.parent_id == operation.unit_id}
    members = [department_id for department_id in {**held, **gained} if department_id not in released]
    kept = tuple(monitors)
    return Composed(
        request=endpoints.post_unit(unit, kept, members),
        pending=pending,
        settled=settled,
        changes={},
        before={wish: departments[wish.department_id].parent_id for wish in pending},
        picture={"unit": asdict(unit), "monitors": [asdict(monitor) for monitor in kept], "departments": list(held)},
    )


def put_call(
    operation: DepartmentPut, department: Department | None, members: Mapping[str, Membership], server: Server
) -> Composed[payloads.DepartmentState]:
    """The five required fields as they are, the unit as it is or shall be, and those agents only that are new or change."""
    settled: dict[Wish, Outcome] = {}
    for wish in operation.wishes:
        if department is None:
            settled[wish] = failed(Code.DEPARTMENT_GONE)
        elif wish.holds(members.get(wish.agent_id)) if isinstance(wish, AgentWish) else department.parent_id == wish.unit_id:
            settled[wish] = ALREADY_SO
        elif department.archived:
            settled[wish] = failed(Code.DEPARTMENT_ARCHIVED)
        elif missing := missing_fields(department):
            settled[wish] = failed(Code.REJECTED, f"the stored department lacks {missing}, which a change must carry")
    pending = tuple(wish for wish in operation.wishes if wish not in settled)
    if department is None or not pending:
        return Composed(request=None, pending=(), settled=settled, changes={})
    changes = {wish.agent_id: wish.change(members.get(wish.agent_id)) for wish in pending if isinstance(wish, AgentWish)}
    unit_id = operation.unit.unit_id if operation.unit in pending and operation.unit else department.parent_id
    request = endpoints.put_department(
        department.id, department.required, unit_id=unit_id, knows_units=server.knows_department_unit, members=changes.values()
    )
    return Composed(
        request=request,
        pending=pending,
        settled=settled,
        changes=changes,
        before={wish: members.get(wish.agent_id) if isinstance(wish, AgentWish) else department.parent_id for wish in pending},
        picture={"department": dict(department.required), "unit": department.parent_id},
    )


def agents_call(operation: AgentsPost, members: Mapping[str, Membership]) -> Composed[bool]:
    """The agents who leave and are there, and those who are new or change."""
    settled: dict[Wish, Outcome] = {wish: ALREADY_SO for wish in operation.wishes if wish.holds(members.get(wish.agent_id))}
    pending = tuple(wish for wish in operation.wishes if wish not in settled)
    if not pending:
        return Composed(request=None, pending=(), settled=settled, changes={})
    changes = {wish.agent_id: wish.change(members.get(wish.agent_id)) for wish in pending if wish.present}
    leaving = [members[wish.agent_id] for wish in pending if not wish.present]
    return Composed(
        request=endpoints.post_department_agents(operation.department_id, changes.values(), leaving),
        pending=pending,
        settled=settled,
        changes=changes,
        before={wish: members.get(wish.agent_id) for wish in pending},
    )


def _unit_settled(wish: UnitWish, unit_id: str, department: Department | None) -> Outcome | None:
    if department is None:
        return failed(Code.DEPARTMENT_GONE)
    if department.parent_id == wish.unit_id:
        return ALREADY_SO
    if department.archived:
        return failed(Code.DEPARTMENT_ARCHIVED)
    if wish.unit_id is None and department.parent_id != unit_id:
        return failed(Code.REJECTED, f"somebody put it into the unit {department.parent_id} meanwhile; run again to take it out of that")
    return None
