"""Calls with pacing, retries and a bound on the requests in flight, as everybody makes them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from math import inf
from typing import TypeVar

import msgspec

from bulkjob.rocketchat.attempts import Attempts, Look, Outage, never
from bulkjob.rocketchat.call import Request, Route
from bulkjob.rocketchat.exchange import Exchange, Sending
from bulkjob.rocketchat.failures import Failure
from bulkjob.rocketchat.pacing import Limit, Ticket
from bulkjob.rocketchat.patience import Patience, Retries
from bulkjob.rocketchat.transport import Transport, Written
from bulkjob.rocketchat.turns import Figures

T = TypeVar("T")


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Makes calls on behalf of a job, or of one of its operations; all of them share one exchange."""

    exchange: Exchange
    retries: Retries
    outage: Outage
    patience: Patience

    @classmethod
    def over(cls, transport: Transport, *, concurrency: int, attempts: int, draw: Callable[[], float], patience: float = inf) -> "Client":
        """A client over a transport. Must be made in a running event loop.

        ``concurrency``: requests in flight at most. ``attempts``, ``draw``, ``patience``: see `Retries`.
        """
        exchange = Exchange(transport, concurrency=concurrency)
        retries = Retries(attempts=attempts, patience=patience, draw=draw)
        return cls(exchange=exchange, retries=retries, outage=Outage(exchange, retries), patience=Patience())

    def for_operation(self) -> "Client":
        """The same client for the calls of one operation: when these have used up its patience, none of them is repeated.

        What counts is the time from sending to answer, and between attempts; waits that the server's limit asks for do not.
        """
        return msgspec.structs.replace(self, patience=Patience(self.retries.patience))

    # ------------------------------------------------------------------------------------------------------ for everybody

    @property
    def figures(self) -> Figures:
        """What all calls so far amount to."""
        return self.exchange.figures

    @property
    def limit(self) -> Limit | None:
        """The tightest of the limits that the server has announced for routes; None if it has announced none, or none for this account."""
        return self.exchange.limit

    @property
    def waiting_for(self) -> str | None:
        """What keeps calls back at the moment, until when by this machine's clock: ``the server's rate limit until 14:05:10 UTC``.

        None if nothing does.
        """
        until = self.exchange.waits_until
        if until is None:
            return None
        ends = datetime.now(UTC) + timedelta(seconds=max(0.0, until - self.exchange.now()))
        return f"the server's rate limit until {ends:%H:%M:%S} UTC"

    def seconds_until(self, server_time: float) -> tuple[float, float] | None:
        """At least and at most how many seconds it takes until the server's clock shows this; None while it has told no time."""
        return self.exchange.seconds_until(server_time)

    def exempt(self) -> None:
        """Tells that the account is not limited: what is announced counts on a route only once a call has been refused there.

        Newer servers announce their limit to accounts with the permission ``api-bypass-rate-limit``, too, and never refuse them.
        """
        self.exchange.exempt()

    def close(self) -> None:
        """Lets no further call start, except those that finish what is in flight; who waits for a turn or a place gets `Closed`."""
        self.exchange.close()

    # -------------------------------------------------------------------------------------------------------------- calls

    async def call(
        self,
        request: Request[T],
        *,
        ticket: Ticket | None = None,
        finishing: bool = False,
        final: Callable[[Failure], bool] = never,
    ) -> T:
        """What a read asks for. Raises `CallFailed` once it is out of attempts, `Closed`.

        ``ticket``: from `reserve`, if the call's turn was waited for ahead. ``finishing``: the call belongs to something in flight and is
        sent even after `close`. ``final``: failures that would be the same another time.
        """
        sending = Sending(request=request, patience=self.patience, finishing=finishing)
        return (await self._attempts(sending, final=final).carry_out(ticket)).value

    async def write(
        self, request: Request[T], ticket: Ticket, look: Look[T], again: Callable[[], Awaitable[Request[T]]] | None = None
    ) -> Written[T]:
        """Carries out a write, on a ticket from `reserve`. Raises `CallFailed`, `Closed`, and whatever ``again`` raises.

        ``look`` asks the server whether a write of unknown outcome was carried out, and returns what its answer would have told; None if
        it was not. Nothing is sent again before such a look. ``again`` makes the request anew, from what the server holds when its next
        turn has come: by then the first one may undo what somebody else has done since. Without it the same request is sent again.
        """
        sending = Sending(request=request, patience=self.patience, again=again)
        return await self._attempts(sending, look=look).carry_out(ticket)

    def _attempts(self, sending: Sending[T], *, look: Look[T] | None = None, final: Callable[[Failure], bool] = never) -> Attempts[T]:
        return Attempts(self.exchange, sending, retries=self.retries, outage=self.outage, look=look, final=final)

    # -------------------------------------------------------------------------------------------------------------- turns

    async def reserve(self, route: Route, *, finishing: bool = False) -> Ticket:
        """Waits for a route's turn ahead of the call, so that what the call is made from can be read when its turn has come."""
        return await self.exchange.enter(route, finishing=finishing)

    @asynccontextmanager
    async def turns(self, *requests: Request[object]) -> AsyncIterator[tuple[Ticket, ...]]:
        """A turn for each of these reads, waited for ahead, so that all are made at one time; what is not used is given back.

        Whoever holds a turn of one route and waits for another's must ask for both in the same order as everybody else.
        """
        tickets: list[Ticket] = []
        with ExitStack() as taken:
            for request in requests:
                ticket = await self.reserve(request.route)
                taken.callback(self.give_back, request.route, ticket)
                tickets.append(ticket)
            yield tuple(tickets)

    async def reserve_two(self, route: Route) -> tuple[Ticket, Ticket | None]:
        """Waits for two turns of a route at once: whoever has made the first call need not wait in the midst of things for the other.

        The second is missing where that cannot be: a window allows one call only, or nothing is known of the route yet. It may be taken
        back from who waits for other things meanwhile, so that nobody waits for each other; then it stands for a turn that is to come.
        """
        return await self.exchange.enter_twice(route)

    def give_back(self, route: Route, ticket: Ticket) -> None:
        """Returns a reserved turn that turned out not to be needed."""
        self.exchange.leave(route, ticket)
