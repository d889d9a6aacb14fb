"""Carries out one operation: reads what its call is made from, sends it, looks at what the server holds then.

What to send is decided in `compose`, what became of it in `verify`.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bulkjob.execute import verify
from bulkjob.execute.agents import AgentsWriting
from bulkjob.execute.compose import Composed
from bulkjob.execute.department import DepartmentWriting
from bulkjob.execute.listings import Listings, Monitors
from bulkjob.execute.unit import UnitWriting
from bulkjob.execute.writing import Warn, Writing
from bulkjob.records import AgentsPost, DepartmentPut, Naming, Operation, Outcome, Server, UnitPost, Wish
from bulkjob.rocketchat import CallFailed, Client, Closed, Next, Request, Written, stop_for
from bulkjob.rocketchat.pacing import Ticket
from bulkjob.rundir import Journal
from bulkjob.vocabulary import Change, Status, Stop

T = TypeVar("T")


#: In the journal: of a call that was seen not to have been carried out, and is made anew.
_SUPERSEDED = Outcome(status=Status.FAILED, said="not carried out; made anew")


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
                writing = UnitWriting(
                    operation, client, self._server, self._naming, self._warn, listings=self._listings, role=self._monitors
                )
                return await self._write(operation, writing)
            case DepartmentPut():
                return await self._write(operation, DepartmentWriting(operation, client, self._server, self._naming, self._warn))
            case AgentsPost():
                posting = AgentsWriting(operation, client)
                try:
                    return await self._write(operation, posting)
                finally:
                    posting.release()

    async def _write(self, operation: Operation, writing: Writing[T]) -> Carried:
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
        self, operation: Operation, writing: Writing[T], composed: Composed[T], *, request: Request[T], number: int, ticket: Ticket
    ) -> Carried:
        """What became of a call that has something to send. Whatever else ends it, its wishes stay under way: nobody knows about them."""
        self.under_way[operation.id] = composed.pending
        sent_last = composed.pending
        perhaps_done: dict[Wish, None] = {}
        written: Written[T] | None = None
        seen: T | None = None
        started = asyncio.get_running_loop().time()

        async def look() -> T | None:
            nonlocal seen
            perhaps_done.update(dict.fromkeys(composed.pending))
            seen, held = await writing.look(composed)
            return seen if held else None

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
            if seen is not None and failed.failure.looked_up:
                outcomes.update(await _done_in_part(writing, composed, seen, outcome))
            carried = self._failed(operation, failed, outcomes)
        except Closed:
            # Nothing was sent, or it was refused, or seen not to have been done.
            del self.under_way[operation.id]
            raise
        del self.under_way[operation.id]
        return replace(carried, number=number, pending=composed.pending)

    async def _composed_again(self, writing: Writing[T]) -> Composed[T]:
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


async def _done_in_part(writing: Writing[T], composed: Composed[T], seen: T, outcome: Outcome) -> Mapping[Wish, Outcome]:
    """The wishes of a write of unknown outcome that are seen to hold, although others do not; none where nothing can be seen any more."""
    written = Written(value=seen, attempts=outcome.attempts or 1, status=outcome.http_status, seconds=outcome.seconds or 0.0)
    try:
        judged = await writing.judge(composed, written)
    except (CallFailed, Closed):
        return {}
    return {wish: found for wish, found in judged.items() if found.status is Status.SUCCESS}


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
