"""Single calls: each goes out when its route's turn has come and a place is free, and its answer is told to whom it concerns."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf
from typing import Generic, TypeVar

import msgspec

from bulkjob.rocketchat import answers
from bulkjob.rocketchat.call import Answer, Request, Route
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.pacing import Gate, Limit, ServerClock, Ticket, WindowLength
from bulkjob.rocketchat.patience import Patience
from bulkjob.rocketchat.transport import NoAnswer, Transport
from bulkjob.rocketchat.turns import Closed, Figures, Lane, Places

T = TypeVar("T")


class Sending(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A call as it is to be sent."""

    request: Request[T]
    patience: Patience
    finishing: bool = False
    """Whether it belongs to something in flight, and is sent even after `Exchange.close`."""
    again: Callable[[], Awaitable[Request[T]]] | None = None
    """Makes the request anew, for another turn; the same request is good for that where there is none."""


class Exchange:
    """Sends calls through a transport, each route at the pace that the server announces."""

    def __init__(self, transport: Transport, *, concurrency: int) -> None:
        """Must be made in a running event loop."""
        self.figures = Figures()
        self.now = asyncio.get_running_loop().time
        self.answered = -inf
        """When the server last had an answer for anybody."""
        self._transport = transport
        self._places = Places(concurrency)
        self._closed = asyncio.Event()
        self._clock = ServerClock()
        self._length = WindowLength(self._clock)
        self._exempt = False
        self._lanes: dict[Route, Lane] = defaultdict(self._lane)

    def _lane(self) -> Lane:
        return Lane(Gate(self._clock, self._length, exempt=self._exempt), self._closed, self.figures)

    # ------------------------------------------------------------------------------------------------------ for everybody

    @property
    def waits_until(self) -> float | None:
        """When the last of those who wait for the server's limit may go, in the event loop's seconds; None if nobody waits for it."""
        return max((lane.waits_until for lane in self._lanes.values() if lane.waits_until is not None), default=None)

    @property
    def limit(self) -> Limit | None:
        """The tightest of the limits that hold for routes; None if there is none."""
        found = [limit for lane in self._lanes.values() if (limit := lane.gate.limit)]
        return min(found, key=lambda limit: limit.calls / limit.window, default=None)

    def seconds_until(self, server_time: float) -> tuple[float, float] | None:
        """At least and at most how many seconds it takes until the server's clock shows this; None while it has told no time."""
        return self._clock.until(server_time, self.now())

    def exempt(self) -> None:
        """From now on the limit that is announced counts on a route only once it has refused a call."""
        self._exempt = True
        for lane in self._lanes.values():
            lane.gate.exempts()
            lane.changed.set()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.is_set()

    def close(self) -> None:
        """Lets no further call start, except those that finish what is in flight; who waits for a turn or a place gets `Closed`."""
        if self._closed.is_set():
            return
        self._closed.set()
        # At once, not when a place is free: a call that never went out must not be given up as one in flight.
        self._places.close()
        for lane in self._lanes.values():
            lane.changed.set()

    async def pause(self, seconds: float, *, finishing: bool) -> None:
        """Waits so many seconds. Raises `Closed` at once when that comes, unless it is ``finishing`` something."""
        if finishing:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return
        raise Closed

    # -------------------------------------------------------------------------------------------------------------- turns

    async def enter(self, route: Route, *, finishing: bool) -> Ticket:
        """A turn of a route, waited for. Raises `Closed`."""
        (ticket,) = await self._lanes[route].enter(finishing=finishing)
        return ticket

    async def enter_twice(self, route: Route) -> tuple[Ticket, Ticket | None]:
        """Two turns of a route at once, where that can be. Raises `Closed`."""
        first, *second = await self._lanes[route].enter(2, finishing=False)
        return first, second[0] if second else None

    def leave(self, route: Route, ticket: Ticket) -> None:
        """Gives back a turn that was not used."""
        self._lanes[route].leave(ticket)

    async def anew(self, sending: Sending[T]) -> tuple[Sending[T], Ticket | None]:
        """What to send now, and the turn that it was made in; the call as it was, and no turn yet, if it cannot be made anew."""
        if sending.again is None:
            return sending, None
        route = sending.request.route
        while True:
            ticket = await self.enter(route, finishing=sending.finishing)
            try:
                request = await sending.again()
            except BaseException:
                self.leave(route, ticket)
                raise
            if request.route == route:
                return msgspec.structs.replace(sending, request=request), ticket
            # It has become another kind of call, with a turn of its own to wait for.
            self.leave(route, ticket)
            route = request.route

    # -------------------------------------------------------------------------------------------------------------- calls

    async def answer(self, sending: Sending[T], ticket: Ticket | None) -> T | Failure:
        """What a call is answered, or how it failed; refusals by the rate limit that name their end are waited out.

        Raises `Closed`, and whatever ``again`` raises.
        """
        while True:
            result = await self._once(sending, ticket)
            if not (isinstance(result, Failure) and result.next is Next.WAIT):
                return result
            gate = self._lanes[sending.request.route].gate
            if gate.starves(self.now()):
                said = (
                    f"its rate limit has not let any call of this kind through for {gate.starving_after / 60:.0f} minutes ({result.said})"
                )
                return replace(result, next=Next.JOB, said=said)
            sending, ticket = await self.anew(sending)

    async def _once(self, sending: Sending[T], ticket: Ticket | None) -> T | Failure:
        finishing = sending.finishing
        while True:
            route = sending.request.route
            lane = self._lanes[route]
            if ticket is None or not lane.gate.claims(ticket):
                ticket = await self.enter(route, finishing=finishing)
            try:
                await self._places.take(finishing=finishing)
            except (asyncio.CancelledError, Closed):
                lane.leave(ticket)
                raise
            try:
                if self._closed.is_set() and not finishing:
                    lane.leave(ticket)
                    raise Closed
                if lane.gate.holds(ticket, self.now()):
                    return await self._send(sending, lane, ticket)
            finally:
                self._places.give_back()
            # Somebody else has used up the window meanwhile. Made anew once at most: that may take longer than a window lasts.
            lane.leave(ticket)
            sending, ticket = await self.anew(sending)
            sending = msgspec.structs.replace(sending, again=None)

    async def _send(self, sending: Sending[T], lane: Lane, ticket: Ticket) -> T | Failure:
        request, sent = sending.request, self.now()
        key = request.route.method, request.route.pattern
        lane.gate.sent(ticket, sent)
        try:
            answer = await self._transport.send(request)
        except NoAnswer as nothing:
            self.figures.calls[*key, None] += 1
            if nothing.failure.unsent:
                lane.gate.unsent(ticket)
            else:
                lane.gate.lost(ticket, self.now())
            return nothing.failure
        except BaseException:
            lane.gate.lost(ticket, self.now())
            raise
        else:
            self.figures.calls[*key, answer.status] += 1
            return self._heard(request, answer, lane, ticket, sent=sent)
        finally:
            sending.patience.spend(self.now() - sent)
            lane.changed.set()

    def _heard(self, request: Request[T], answer: Answer, lane: Lane, ticket: Ticket, *, sent: float) -> T | Failure:
        """What an answer means, after its gate and the clock were told what it says about them."""
        received = self.now()
        result = answers.interpret(request, answer)
        if not (isinstance(result, Failure) and result.next in (Next.REPEAT, Next.JOB)):
            self.answered = received
        told = answers.server_time(request, answer)
        if told and self._clock.observe(
            sent=sent, received=received, earliest=told.earliest, latest=told.latest, own=told.own, before=told.before
        ):
            # Whoever waits for a moment of the server's has reckoned with another clock.
            for each in self._lanes.values():
                each.changed.set()
        _pass_on(answer, result, lane.gate, ticket, received)
        return result


def _pass_on(answer: Answer, result: object, gate: Gate, ticket: Ticket, received: float) -> None:
    """Tells a gate what an answer says about its limit."""
    limit = answers.rate_limit(answer)
    failure = result if isinstance(result, Failure) else None
    if failure and limit is None and failure.next not in (Next.ROW, Next.WAIT):
        # It may not have come as far as the limiter (a proxy's page; 401 and 403 since 8.0), and so says nothing about a limit.
        gate.lost(ticket, received)
    else:
        gate.answered(ticket, limit, received=received, refused=answer.status == 429, wait=failure.wait if failure else None)
