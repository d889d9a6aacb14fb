"""Carries out one operation: reads what its call is made from, sends it, looks at what the server holds then.

What to send is decided in `compose`, what became of it in `verify`.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from bulkjob import compose, verify
from bulkjob.compose import Composed
from bulkjob.journal import Journal
from bulkjob.naming import Naming
from bulkjob.operations import AgentsPost, AgentWish, DepartmentPut, Operation, Outcome, UnitPost, UnitWish, Wish
from bulkjob.records import Department, Membership, Monitor
from bulkjob.rocketchat import wire
from bulkjob.rocketchat.answers import CallFailed, Failure, Next
from bulkjob.rocketchat.call import Request, Route
from bulkjob.rocketchat.client import Client, Closed, Written
from bulkjob.rocketchat.readers import DepartmentState, StoredUnit
from bulkjob.rocketchat.windows import Ticket
from bulkjob.server import Server, stop_for
from bulkjob.vocabulary import Change, Code, Status, Stop
from bulkjob.workspace import NeverComplete, Together, read_departments, read_members, read_pages

T = TypeVar("T")

#: Takes a sentence that people should read at once.
Warn = Callable[[str], None]

#: Before 6.6 a PUT is answered before its agents are stored: they are looked for after each of these many seconds.
_LATE = (0.1, 0.5, 2.0)

#: In the journal: of a call that was seen not to have been carried out, and is made anew.
_SUPERSEDED = Outcome(status=Status.FAILED, said="not carried out; made anew")

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


class _Nothing(Exception):
    """Made anew, a call has nothing left to send."""


def _shared(reading: Coroutine[object, object, T]) -> asyncio.Task[T]:
    """A task that several may wait for, or, once they have all been given up, nobody: then its failure is nobody's either."""
    task = asyncio.create_task(reading)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class Listings:
    """Fresh lists of all departments. Who asks while one is waiting for its turn shares it: it is read later than they asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: dict[bool, asyncio.Task[dict[str, Department]]] = {}

    async def fresh(self, *, finishing: bool = False) -> Mapping[str, Department]:
        """All departments by id, as they were at some moment after the call. Raises `CallFailed`, `Closed`."""
        if finishing not in self._waiting:
            self._waiting[finishing] = _shared(self._read(finishing=finishing))
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


class Monitors:
    """Who holds the role of a monitor; asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reading: asyncio.Task[frozenset[str] | None] | None = None

    async def holders(self) -> frozenset[str] | None:
        """Their ids; None where that list is not to be had. Raises `CallFailed` where no call will succeed, `Closed`."""
        if self._reading is None:
            self._reading = _shared(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> frozenset[str] | None:
        try:
            return frozenset(await read_pages(self._client, wire.monitors, lambda monitor: monitor.id))
        except NeverComplete:
            return None
        except CallFailed as failed:
            # Only a warning hangs on this list: a refusal of it is no reason to end the job.
            if failed.failure.next is Next.JOB and failed.failure.status != 403:
                raise
            return None


class _Writing(Protocol[T]):
    """How one kind of operation is written."""

    @property
    def client(self) -> Client: ...

    @property
    def route(self) -> Route: ...

    async def compose(self) -> Composed[T]:
        """The call, made from what is read now. Raises `CallFailed`, `Closed`."""

    async def look(self, composed: Composed[T]) -> T | None:
        """What a write of unknown outcome would have been answered, if it is seen to have been carried out. Raises `CallFailed`."""

    async def judge(self, composed: Composed[T], written: Written[T]) -> Mapping[Wish, Outcome]:
        """What became of the wishes that the call carried. Raises `CallFailed`."""

    def warn(self, composed: Composed[T], written: Written[T]) -> None:
        """Says what else was seen."""


class Sender:
    """Carries out operations one by one."""

    def __init__(self, client: Client, server: Server, naming: Naming, journal: Journal, warn: Warn) -> None:
        self._client = client
        self._journal = journal
        self._server = server
        self._naming = naming
        self._warn = warn
        self._listings = Listings(client)
        self._monitors = Monitors(client)
        self.under_way: dict[str, tuple[Wish, ...]] = {}
        """Operation id → the wishes of its write, from just before it goes out until its outcome is known."""

    async def carry_out(self, operation: Operation) -> Carried:
        """What became of the operation's wishes.

        Raises `Closed` if nothing was sent because the job is being interrupted, `Stop` (73) if the intent could not be put on disk.
        """
        client = self._client.for_operation()
        match operation:
            case UnitPost():
                writing = _UnitWriting(
                    operation, client, self._server, self._naming, self._warn, listings=self._listings, role=self._monitors
                )
                return await self._write(operation, writing)
            case DepartmentPut():
                return await self._write(operation, _DepartmentWriting(operation, client, self._server, self._naming, self._warn))
            case AgentsPost():
                posting = _AgentsWriting(operation, client)
                try:
                    return await self._write(operation, posting)
                finally:
                    posting.release()

    async def _write(self, operation: Operation, writing: _Writing[T]) -> Carried:
        ticket = await writing.client.reserve(writing.route)
        try:
            composed = await writing.compose()
            if composed.request is None:
                writing.client.give_back(writing.route, ticket)
                return Carried(outcomes=composed.settled)
            number = await self._journal.intent(operation.id, composed.request, composed.before, composed.picture)
        except CallFailed as failed:
            writing.client.give_back(writing.route, ticket)
            return self._unread(operation, failed)
        except BaseException:
            writing.client.give_back(writing.route, ticket)
            raise
        return await self._sent(operation, writing, composed, request=composed.request, number=number, ticket=ticket)

    async def _sent(
        self, operation: Operation, writing: _Writing[T], composed: Composed[T], *, request: Request[T], number: int, ticket: Ticket
    ) -> Carried:
        """What became of a call that has something to send. Whatever else ends it, its wishes stay under way: nobody knows about them."""
        self.under_way[operation.id] = composed.pending
        sent_last = composed.pending
        perhaps_done: dict[Wish, None] = {}
        written: Written[T] | None = None
        started = asyncio.get_running_loop().time()

        async def look() -> T | None:
            perhaps_done.update(dict.fromkeys(composed.pending))
            return await writing.look(composed)

        async def again() -> Request[T]:
            nonlocal composed, number, sent_last
            sent, composed = composed, await self._composed_again(writing)
            sent_last = sent.pending
            if composed.request is None:
                raise _Nothing
            if sent.request is None or (composed.request.body, composed.before) != (sent.request.body, sent.before):
                now = _settled(composed, perhaps_done, None)
                self._journal.outcome(number, [now.get(wish, _SUPERSEDED) for wish in sent.pending], ())
                number = await self._journal.intent(operation.id, composed.request, composed.before, composed.picture)
            self.under_way[operation.id] = tuple(dict.fromkeys((*perhaps_done, *composed.pending)))
            return composed.request

        try:
            written = await writing.client.write(request, ticket, look, again)
            outcomes = await writing.judge(composed, written)
            writing.warn(composed, written)
            carried = Carried(outcomes={**_settled(composed, perhaps_done, written), **outcomes})
        except _Nothing:
            del self.under_way[operation.id]
            return Carried(outcomes=_settled(composed, perhaps_done, None), number=number, pending=sent_last)
        except CallFailed as failed:
            if written is None and not perhaps_done and verify.never_arrived(failed.failure):
                del self.under_way[operation.id]
                return Carried(outcomes=_settled(composed, perhaps_done, None), stop=stop_for(failed.failure))
            seconds = asyncio.get_running_loop().time() - started
            outcome = verify.unverified(written, failed) if written else verify.outcome_of_failure(failed, seconds)
            outcomes = {**_settled(composed, perhaps_done, None), **dict.fromkeys(composed.pending, outcome)}
            carried = self._failed(operation, failed, outcomes)
        except Closed:
            # Nothing was sent, or it was refused, or seen not to have been done.
            del self.under_way[operation.id]
            raise
        del self.under_way[operation.id]
        return replace(carried, number=number, pending=composed.pending)

    async def _composed_again(self, writing: _Writing[T]) -> Composed[T]:
        try:
            return await writing.compose()
        except CallFailed as failed:
            # What is read for a write has attempts of its own: the write is not tried once more for its sake.
            ends = Next.JOB if failed.failure.next is Next.JOB else Next.ROW
            raise CallFailed(replace(failed.failure, next=ends), failed.attempts) from None

    def _unread(self, operation: Operation, failed: CallFailed) -> Carried:
        """What the call would have been made from could not be read: nothing was sent."""
        if failed.failure.next is Next.JOB:
            return Carried(outcomes={}, stop=stop_for(failed.failure))
        outcome = Outcome(status=Status.FAILED, code=failed.failure.code, said=failed.failure.said)
        self._warn_unrepaired(operation, failed)
        return Carried(outcomes=dict.fromkeys(operation.wishes, outcome))

    def _failed(self, operation: Operation, failed: CallFailed, outcomes: Mapping[Wish, Outcome]) -> Carried:
        self._warn_unrepaired(operation, failed)
        return Carried(outcomes=outcomes, stop=stop_for(failed.failure) if failed.failure.next is Next.JOB else None)

    def _warn_unrepaired(self, operation: Operation, failed: CallFailed) -> None:
        """A unit that only lost departments is written for its counters' sake; that nobody could do so fails no row."""
        if isinstance(operation, UnitPost) and not operation.wishes:
            unit, said = self._naming.unit(operation.unit_id), failed.failure.said
            self._warn(f"The number of departments that Rocket.Chat shows for unit {unit} may be wrong now: writing it failed ({said}).")


def _settled(composed: Composed[T], perhaps_done: Collection[Wish], written: Written[T] | None) -> Mapping[Wish, Outcome]:
    """The wishes that a call did not carry when it was sent last. What is so after a sending of unknown outcome was written, not found."""

    def told(wish: Wish, outcome: Outcome) -> Outcome:
        if wish not in perhaps_done or outcome.status is not Status.SUCCESS:
            return outcome
        updated = replace(outcome, change=Change.UPDATED)
        if written is None:
            return updated
        return replace(updated, attempts=written.attempts, http_status=written.status, seconds=written.seconds)

    return {wish: told(wish, outcome) for wish, outcome in composed.settled.items()}


@dataclass(slots=True)
class _UnitWriting:
    operation: UnitPost
    client: Client
    server: Server
    naming: Naming
    say: Warn
    listings: Listings
    role: Monitors
    monitors: tuple[Monitor, ...] = ()
    """Those who are expected to stay."""
    said: bool = False
    """Whether it was said who is not."""
    route: Route = wire.POST_UNIT

    async def compose(self) -> Composed[StoredUnit]:
        async with Together() as group:
            unit = group.start(self.client.call(wire.unit(self.operation.unit_id)))
            monitors = group.start(self.client.call(wire.unit_monitors(self.operation.unit_id)))
            departments = group.start(self.listings.fresh())
        self.monitors = monitors.result()
        composed = compose.unit_call(self.operation, unit.result(), self.monitors, departments.result(), self.server)
        if composed.request is not None and self.server.drops_monitors:
            await self._say_who_is_dropped()
        return composed

    async def _say_who_is_dropped(self) -> None:
        holders = await self.role.holders() if self.monitors else None
        if holders is None:
            return
        dropped = [monitor for monitor in self.monitors if monitor.id not in holders]
        self.monitors = tuple(monitor for monitor in self.monitors if monitor.id in holders)
        if dropped and not self.said:
            self.said = True
            names = ", ".join(self.naming.agent(monitor.id, monitor.username) for monitor in dropped)
            self.say(
                f"Writing unit {self.naming.unit(self.operation.unit_id)} takes monitors out of it who no longer hold the role "
                f"livechat-monitor: {names}. Rocket.Chat does so by itself; whoever shall stay needs the role first."
            )

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

    def warn(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> None:  # noqa: ARG002 - as the others take it
        stored = written.value.monitors
        if stored is not None and stored < len(self.monitors):
            names = ", ".join(self.naming.agent(monitor.id, monitor.username) for monitor in self.monitors)
            self.say(
                f"Unit {self.naming.unit(self.operation.unit_id)} has lost monitors: Rocket.Chat drops those who no longer hold the role "
                f"livechat-monitor. It had {names}, and has {stored} now."
            )


@dataclass(slots=True)
class _DepartmentWriting:
    operation: DepartmentPut
    client: Client
    server: Server
    naming: Naming
    say: Warn
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

    def warn(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> None:
        after = written.value.department
        if self.operation.unit in composed.pending or self.before is None or after is None or after.parent_id == self.before.parent_id:
            return
        was, now = (f"unit {self.naming.unit(parent)}" if parent else "no unit" for parent in (self.before.parent_id, after.parent_id))
        self.say(
            f"Department {self.naming.department(after.id)} was in {was} just before it was written, and is in {now} now: "
            "somebody else changed it at the same moment. Check its unit."
        )


@dataclass(slots=True)
class _AgentsWriting:
    operation: AgentsPost
    client: Client
    route: Route = field(default=wire.POST_AGENTS)
    later: Ticket | None = None
    """The turn to look at what became of it, taken before it is sent: nothing that is written has to wait for it, which may be long."""

    async def compose(self) -> Composed[bool]:
        self.release()
        now, self.later = await self.client.reserve_two(wire.LIST_MEMBERS)
        return compose.agents_call(self.operation, await _members(self.client, self.operation.department_id, ticket=now))

    async def look(self, composed: Composed[bool]) -> bool | None:
        return verify.held(composed.pending, composed.changes, {}, await self._members_after()) or None

    async def judge(self, composed: Composed[bool], written: Written[bool]) -> Mapping[Wish, Outcome]:
        members = await self._members_after()
        return {
            wish: verify.outcome_of_agent(wish, composed.changes.get(wish.agent_id), members.get(wish.agent_id), written)
            for wish in composed.agents
        }

    async def _members_after(self) -> Mapping[str, Membership]:
        ticket, self.later = self.later, None
        return await _members(self.client, self.operation.department_id, ticket=ticket, finishing=True)

    def release(self) -> None:
        """Gives back a turn that was not needed."""
        if self.later is not None:
            self.client.give_back(wire.LIST_MEMBERS, self.later)
            self.later = None

    def warn(self, composed: Composed[bool], written: Written[bool]) -> None:
        """Nothing else is seen here."""


async def _members(
    client: Client, department_id: str, *, ticket: Ticket | None = None, finishing: bool = False
) -> Mapping[str, Membership]:
    try:
        return await read_members(client, department_id, ticket=ticket, finishing=finishing)
    except NeverComplete:
        raise CallFailed(_UNREADABLE) from None
