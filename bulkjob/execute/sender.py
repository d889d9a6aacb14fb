"""Carries out one operation: reads what its call is made from, sends it, looks at what the server holds then.

What to send is decided in `compose`, what became of it in `verify`; `sending` follows one call from its first sending to the certainty.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from bulkjob.changes import AgentsPost, Change, DepartmentPut, Operation, Outcome, Plan, Terms, UnitCreate, UnitDelete, UnitPost
from bulkjob.execute import verify
from bulkjob.execute.agents import AgentsWriting
from bulkjob.execute.compose import Composed
from bulkjob.execute.department import DepartmentWriting
from bulkjob.execute.listings import Listings, Monitors, SharedLists
from bulkjob.execute.sending import Sending
from bulkjob.execute.unit import UnitWriting
from bulkjob.execute.unit_creation import UnitCreation
from bulkjob.execute.unit_deletion import UnitDeletion
from bulkjob.execute.writing import Warn, Writing
from bulkjob.records import Naming
from bulkjob.rocketchat import CallFailed, Client, Closed, Next, NothingLeft, Request, stop_for
from bulkjob.rocketchat.pacing import Ticket
from bulkjob.rundir import Journal
from bulkjob.vocabulary import Status, Stop

T = TypeVar("T")


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an operation."""

    outcomes: Mapping[Change, Outcome]
    number: int | None = None
    """Of its write in the journal; None where nothing was sent."""
    journalled: tuple[Change, ...] = ()
    """The changes that the write sent, as the journal lists them."""
    stop: Stop | None = None
    """Why the job cannot go on after it."""


class Sender:
    """Carries out operations one by one."""

    def __init__(self, plan: Plan, client: Client, terms: Terms, *, naming: Naming, journal: Journal, warn: Warn) -> None:
        self._attempts = plan.attempts
        self._client = client
        self._journal = journal
        self._terms = terms
        self._naming = naming
        self._warn = warn
        self._lists = SharedLists(client, departments=len(naming.workspace.departments))
        self._monitors = Monitors(client)
        self.under_way: dict[str, tuple[Change, ...]] = {}
        """Operation id → the changes of its write, from just before it goes out until its outcome is known."""

    async def carry_out(self, operation: Operation) -> Sent:
        """What became of the operation's changes.

        Raises `Closed` if nothing was sent because the job is being interrupted, `Stop` (73) if the intent could not be put on disk.
        """
        client, server = self._client.for_operation(), self._terms.server
        match operation:
            case DepartmentPut():
                department = DepartmentWriting(
                    operation=operation, client=client, server=server, naming=self._naming, attempts=self._attempts, say=self._warn
                )
                return await self._write(operation, department)
            case AgentsPost():
                agents = AgentsWriting(
                    operation=operation,
                    client=client,
                    server=server,
                    attempts=self._attempts,
                    listings=Listings(self._lists) if self._terms.shares_lists else None,
                )
                try:
                    return await self._write(operation, agents)
                finally:
                    agents.release()
            case UnitDelete():
                with Listings(self._lists) as listings:
                    deletion = UnitDeletion(operation=operation, client=client, server=server, attempts=self._attempts, listings=listings)
                    return await self._write(operation, deletion)
            case _:
                with Listings(self._lists) as listings:
                    return await self._write(operation, self._writing_of_unit(operation, client, listings))

    def _writing_of_unit(self, operation: UnitPost | UnitCreate, client: Client, listings: Listings) -> UnitWriting | UnitCreation:
        post = UnitWriting(
            operation=(
                operation
                if isinstance(operation, UnitPost)
                else UnitPost(unit_id=operation.unit_id, changes=operation.changes, lost=operation.lost, after=())
            ),
            client=client,
            server=self._terms.server,
            naming=self._naming,
            attempts=self._attempts,
            say=self._warn,
            listings=listings,
            role=self._monitors,
        )
        return post if isinstance(operation, UnitPost) else UnitCreation(operation=operation, post=post)

    async def _write(self, operation: Operation, writing: Writing[T]) -> Sent:
        route = writing.route
        ticket = await writing.client.reserve(route)
        try:
            composed = await writing.compose()
            while composed.request is not None and composed.request.route != route:
                # It is another kind of call than was expected, with a turn of its own; what it is made from must not have waited for that.
                writing.client.give_back(route, ticket)
                route = composed.request.route
                ticket = await writing.client.reserve(route)
                composed = await writing.compose()
            if composed.request is None:
                writing.client.give_back(route, ticket)
                return Sent(outcomes=composed.settled)
            number = await self._journal.intent(operation.id, composed.request, composed.pending, composed.snapshot)
        except CallFailed as failed:
            writing.client.give_back(route, ticket)
            return self._unread(operation, failed)
        except BaseException:
            writing.client.give_back(route, ticket)
            raise
        return await self._sent(operation, writing, composed, request=composed.request, number=number, ticket=ticket)

    async def _sent(
        self, operation: Operation, writing: Writing[T], composed: Composed[T], *, request: Request[T], number: int, ticket: Ticket
    ) -> Sent:
        """What became of a call that has something to send. Whatever else ends it, its changes stay under way: nobody knows about them."""
        sending = Sending(operation.id, writing, composed, number, journal=self._journal, under_way=self.under_way)
        try:
            written = await writing.client.write(request, ticket, sending.look, sending.again)
            sending.written = written
            after = await writing.judged(sending.composed, written)
            outcomes = verify.outcomes_of(sending.composed.pending, after, written, self._naming, ignored=writing.ignored)
            writing.warn(sending.composed, written)
            sent = Sent(outcomes={**sending.settled(), **sending.doubted(outcomes)})
        except NothingLeft as nothing:
            sent = Sent(outcomes=sending.settled(nothing.sent))
        except CallFailed as failed:
            if sending.written is None and not sending.perhaps_made and verify.never_arrived(failed.failure):
                del self.under_way[operation.id]
                return Sent(outcomes=sending.settled(), stop=stop_for(failed.failure))
            self._warn_unrepaired(operation, failed)
            stop = stop_for(failed.failure) if failed.failure.next is Next.JOB else None
            sent = Sent(outcomes={**sending.settled(sending.in_vain(failed)), **sending.failed(failed)}, stop=stop)
        except Closed:
            # Nothing was sent, or it was refused, or seen not to have been done.
            del self.under_way[operation.id]
            raise
        del self.under_way[operation.id]
        return msgspec.structs.replace(sent, number=sending.number, journalled=sending.journalled)

    def _unread(self, operation: Operation, failed: CallFailed) -> Sent:
        """What the call would have been made from could not be read: nothing was sent."""
        if failed.failure.next is Next.JOB:
            return Sent(outcomes={}, stop=stop_for(failed.failure))
        outcome = Outcome(status=Status.FAILED, code=failed.failure.code, said=failed.failure.said)
        self._warn_unrepaired(operation, failed)
        return Sent(outcomes=dict.fromkeys(operation.changes, outcome))

    def _warn_unrepaired(self, operation: Operation, failed: CallFailed) -> None:
        """A unit that only lost departments is written for its counters' sake; that nobody could do so fails no row."""
        if isinstance(operation, UnitPost) and not operation.changes:
            unit, said = self._naming.unit(operation.unit_id), failed.failure.said
            self._warn(f"The number of departments that Rocket.Chat shows for unit {unit} may be wrong now: correcting it failed ({said}).")
