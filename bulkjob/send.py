"""Carries out one operation: reads what its call is made from, sends it, looks at what the server holds then.

What to send is decided in `compose`, what became of it in `verify`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from bulkjob import compose, verify
from bulkjob.compose import Composed
from bulkjob.journal import Journal
from bulkjob.naming import Naming
from bulkjob.operations import AgentsPost, AgentWish, DepartmentPut, Operation, Outcome, UnitPost, UnitWish, Wish
from bulkjob.records import Department, Membership, Monitor
from bulkjob.rocketchat import wire
from bulkjob.rocketchat.client import Client, Written
from bulkjob.rocketchat.pace import Ticket
from bulkjob.rocketchat.wire import CallFailed, DepartmentState, Failure, Next, Request, Route, StoredUnit
from bulkjob.server import Server, stop_for
from bulkjob.vocabulary import Code, Status, Stop
from bulkjob.workspace import NeverComplete, first_failure, read_departments, read_members

T = TypeVar("T")

#: Before 6.6 a PUT is answered before its agents are stored: they are looked for after each of these many seconds.
_LATE = (0.1, 0.5, 2.0)

_UNREADABLE = Failure(next=Next.ROW, code=Code.BAD_RESPONSE, said="the list kept changing while it was read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of an operation."""

    outcomes: Mapping[Wish, Outcome]
    number: int | None = None
    """Of its write in the journal; None where nothing was sent."""
    pending: tuple[Wish, ...] = ()
    """The wishes that the write carried, as the journal lists them."""
    stop: Stop | None = None
    """Why the job cannot go on after it."""
    warnings: tuple[str, ...] = ()


class Listings:
    """Fresh lists of all departments. Who asks while one is waiting for its turn shares it: it is read later than they asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: dict[bool, asyncio.Task[dict[str, Department]]] = {}

    async def fresh(self, *, finishing: bool = False) -> Mapping[str, Department]:
        """All departments by id, as they were at some moment after the call. Raises `CallFailed`, `Closed`."""
        if finishing not in self._waiting:
            self._waiting[finishing] = asyncio.create_task(self._read(finishing=finishing))
        return await asyncio.shield(self._waiting[finishing])

    async def _read(self, *, finishing: bool) -> dict[str, Department]:
        try:
            ticket = await self._client.reserve(wire.LIST_DEPARTMENTS, finishing=finishing)
        finally:
            del self._waiting[finishing]
        try:
            return await read_departments(self._client, ticket=ticket, finishing=finishing)
        except NeverComplete:
            raise CallFailed(_UNREADABLE) from None


class _Writing(Protocol[T]):
    """How one kind of operation is written."""

    @property
    def route(self) -> Route: ...

    async def compose(self) -> Composed[T]:
        """The call, made from what is read now. Raises `CallFailed`, `Closed`."""

    async def look(self, composed: Composed[T]) -> T | None:
        """What a write of unknown outcome would have been answered, if it is seen to have been carried out. Raises `CallFailed`."""

    async def judge(self, composed: Composed[T], written: Written[T]) -> Mapping[Wish, Outcome]:
        """What became of the wishes that the call carried. Raises `CallFailed`."""

    def warnings(self, composed: Composed[T], written: Written[T]) -> tuple[str, ...]:
        """What else was seen."""


class Sender:
    """Carries out operations one by one."""

    def __init__(self, client: Client, server: Server, naming: Naming, journal: Journal) -> None:
        self._client = client
        self._journal = journal
        self._server = server
        self._naming = naming
        self._listings = Listings(client)
        self.under_way: dict[str, tuple[Wish, ...]] = {}
        """Operation id → the wishes of its write, from just before it goes out until its outcome is known."""

    async def carry_out(self, operation: Operation) -> Carried:
        """What became of the operation's wishes.

        Raises `Closed` if nothing was sent because the job is being interrupted, `Stop` (73) if the intent could not be put on disk.
        """
        match operation:
            case UnitPost():
                return await self._write(operation, _UnitWriting(operation, self._client, self._server, self._naming, self._listings))
            case DepartmentPut():
                return await self._write(operation, _DepartmentWriting(operation, self._client, self._server, self._naming))
            case AgentsPost():
                return await self._write(operation, _AgentsWriting(operation, self._client))

    async def _write(self, operation: Operation, writing: _Writing[T]) -> Carried:
        ticket = await self._client.reserve(writing.route)
        try:
            composed = await writing.compose()
            if composed.request is None:
                self._client.give_back(writing.route, ticket)
                return Carried(outcomes=composed.settled)
            number = await self._journal.intent(operation.id, composed.request, composed.before, composed.picture)
        except CallFailed as failed:
            self._client.give_back(writing.route, ticket)
            return self._unread(operation, failed)
        except BaseException:
            self._client.give_back(writing.route, ticket)
            raise
        carried = await self._sent(operation, writing, composed, composed.request, ticket)
        return replace(carried, number=number, pending=composed.pending)

    async def _sent(
        self, operation: Operation, writing: _Writing[T], composed: Composed[T], request: Request[T], ticket: Ticket
    ) -> Carried:
        self.under_way[operation.id] = composed.pending
        written: Written[T] | None = None
        started = asyncio.get_running_loop().time()
        try:
            written = await self._client.write(request, ticket, lambda: writing.look(composed))
            outcomes = await writing.judge(composed, written)
            warnings = writing.warnings(composed, written)
            return Carried(outcomes={**composed.settled, **outcomes}, warnings=warnings)
        except CallFailed as failed:
            seconds = asyncio.get_running_loop().time() - started
            outcome = verify.unverified(written, failed) if written else verify.outcome_of_failure(failed, seconds)
            return self._failed(operation, composed, outcome, failed)
        finally:
            if not _cancelling():
                del self.under_way[operation.id]

    def _unread(self, operation: Operation, failed: CallFailed) -> Carried:
        """What the call would have been made from could not be read: nothing was sent."""
        if failed.failure.next is Next.JOB:
            return Carried(outcomes={}, stop=stop_for(failed.failure))
        outcome = Outcome(status=Status.FAILED, code=failed.failure.code, said=failed.failure.said)
        return Carried(outcomes=dict.fromkeys(operation.wishes, outcome), warnings=self._unrepaired(operation, failed))

    def _failed(self, operation: Operation, composed: Composed[T], outcome: Outcome, failed: CallFailed) -> Carried:
        return Carried(
            outcomes={**composed.settled, **dict.fromkeys(composed.pending, outcome)},
            stop=stop_for(failed.failure) if failed.failure.next is Next.JOB else None,
            warnings=self._unrepaired(operation, failed),
        )

    def _unrepaired(self, operation: Operation, failed: CallFailed) -> tuple[str, ...]:
        """A unit that only lost departments is written for its counters' sake; that nobody could do so fails no row."""
        if isinstance(operation, UnitPost) and not operation.wishes:
            unit, said = self._naming.unit(operation.unit_id), failed.failure.said
            return (f"The number of departments that Rocket.Chat shows for unit {unit} may be wrong now: writing it failed ({said}).",)
        return ()


def _cancelling() -> bool:
    """Whether the task is being given up, so that what its write did stays unknown."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(slots=True)
class _UnitWriting:
    operation: UnitPost
    client: Client
    server: Server
    naming: Naming
    listings: Listings
    monitors: tuple[Monitor, ...] = ()
    route: Route = wire.POST_UNIT

    async def compose(self) -> Composed[StoredUnit]:
        with first_failure():
            async with asyncio.TaskGroup() as group:
                unit = group.create_task(self.client.call(wire.unit(self.operation.unit_id)))
                monitors = group.create_task(self.client.call(wire.unit_monitors(self.operation.unit_id)))
                departments = group.create_task(self.listings.fresh())
        self.monitors = monitors.result()
        return compose.unit_call(self.operation, unit.result(), self.monitors, departments.result(), self.server)

    async def look(self, composed: Composed[StoredUnit]) -> StoredUnit | None:
        departments = await self.listings.fresh(finishing=True)
        held = composed.pending and verify.held(composed.pending, {}, departments, {})
        return StoredUnit(id=self.operation.unit_id, monitors=None) if held else None

    async def judge(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> Mapping[Wish, Outcome]:
        if not composed.pending:
            return {}
        departments = await self.listings.fresh(finishing=True)
        return {
            wish: verify.outcome_of_unit(wish, departments.get(wish.department_id), written, self.naming, unheard=Code.NOT_APPLIED)
            for wish in composed.pending
            if isinstance(wish, UnitWish)
        }

    def warnings(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> tuple[str, ...]:
        stored = written.value.monitors
        if stored is None or stored >= len(self.monitors):
            return ()
        return (
            f"Unit {self.naming.unit(self.operation.unit_id)} had {len(self.monitors)} monitors and has {stored} now: "
            "Rocket.Chat drops those who no longer hold the role livechat-monitor.",
        )


@dataclass(slots=True)
class _DepartmentWriting:
    operation: DepartmentPut
    client: Client
    server: Server
    naming: Naming
    before: Department | None = None
    route: Route = wire.PUT_DEPARTMENT

    async def _state(self, *, finishing: bool = False) -> tuple[Department | None, Mapping[str, Membership]]:
        state = await self.client.call(wire.department(self.operation.department_id), finishing=finishing)
        if state.members is None:
            return state.department, await _members(self.client, self.operation.department_id, finishing=finishing)
        return state.department, {member.agent_id: member for member in state.members}

    async def compose(self) -> Composed[DepartmentState]:
        self.before, members = await self._state()
        return compose.put_call(self.operation, self.before, members, self.server)

    async def look(self, composed: Composed[DepartmentState]) -> DepartmentState | None:
        department, members = await self._state(finishing=True)
        departments = {} if department is None else {department.id: department}
        held = verify.held(composed.pending, composed.changes, departments, members)
        return DepartmentState(department=department, members=tuple(members.values())) if held else None

    async def judge(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> Mapping[Wish, Outcome]:
        unheard = Code.UNIT_NOT_PERMITTED if self.server.supervises_units else Code.NOT_APPLIED
        members = await self._members_after(composed, written)
        return {
            wish: verify.outcome_of_agent(wish, composed.changes.get(wish.agent_id), members.get(wish.agent_id), written)
            if isinstance(wish, AgentWish)
            else verify.outcome_of_unit(wish, written.value.department, written, self.naming, unheard=unheard)
            for wish in composed.pending
        }

    async def _members_after(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> Mapping[str, Membership]:
        if written.value.members is not None and not (self.server.answers_puts_early and composed.changes):
            return {member.agent_id: member for member in written.value.members}
        members: Mapping[str, Membership] = {}
        for seconds in _LATE if self.server.answers_puts_early else (0.0,):
            await asyncio.sleep(seconds)
            members = await _members(self.client, self.operation.department_id, finishing=True)
            if all(verify.agent_holds(wish, composed.changes[wish.agent_id], members.get(wish.agent_id)) for wish in composed.agents):
                break
        return members

    def warnings(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> tuple[str, ...]:
        after = written.value.department
        if self.operation.unit in composed.pending or self.before is None or after is None or after.parent_id == self.before.parent_id:
            return ()
        was, now = (f"unit {self.naming.unit(parent)}" if parent else "no unit" for parent in (self.before.parent_id, after.parent_id))
        return (
            f"Department {self.naming.department(after.id)} was in {was} just before it was written, and is in {now} now: "
            "somebody else changed it at the same moment. Check its unit.",
        )


@dataclass(slots=True)
class _AgentsWriting:
    operation: AgentsPost
    client: Client
    route: Route = field(default=wire.POST_AGENTS)

    async def compose(self) -> Composed[bool]:
        return compose.agents_call(self.operation, await _members(self.client, self.operation.department_id))

    async def look(self, composed: Composed[bool]) -> bool | None:
        members = await _members(self.client, self.operation.department_id, finishing=True)
        return verify.held(composed.pending, composed.changes, {}, members) or None

    async def judge(self, composed: Composed[bool], written: Written[bool]) -> Mapping[Wish, Outcome]:
        members = await _members(self.client, self.operation.department_id, finishing=True)
        return {
            wish: verify.outcome_of_agent(wish, composed.changes.get(wish.agent_id), members.get(wish.agent_id), written)
            for wish in composed.agents
        }

    def warnings(self, composed: Composed[bool], written: Written[bool]) -> tuple[str, ...]:
        return ()


async def _members(client: Client, department_id: str, *, finishing: bool = False) -> Mapping[str, Membership]:
    try:
        return await read_members(client, department_id, finishing=finishing)
    except NeverComplete:
        raise CallFailed(_UNREADABLE) from None
