"""Calls with pacing, retries and a bound on the requests in flight: `answers` decides what an answer means, `pace` when to send."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import replace
from math import inf
from typing import TypeVar

import tenacity

from bulkjob.rocketchat import answers, endpoints
from bulkjob.rocketchat.attempts import Closed, Figures, Lane, Places
from bulkjob.rocketchat.call import Answer, Request, Route
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.pacing import STARVING, Gate, Limit, ServerClock, Ticket
from bulkjob.rocketchat.transport import NoAnswer, Transport, Written

T = TypeVar("T")


T_co = TypeVar("T_co", covariant=True)


#: Full jitter: the wait before attempt n + 1 is drawn from 0 to this many seconds times 2ⁿ⁻¹ …
BACKOFF = 0.5


#: … but never from more than this.
LONGEST_BACKOFF = 30.0


class _Health:
    """Whether the server answers anybody."""

    def __init__(self) -> None:
        self.answered = -inf
        """When it last did."""
        self.probing = asyncio.Lock()


class Client:
    """Sends requests through a transport, each route at the pace that the server announces."""

    def __init__(self, transport: Transport, *, concurrency: int, attempts: int, draw: Callable[[], float], patience: float = inf) -> None:
        """``attempts`` for a call that keeps failing, ``patience`` for the calls of one operation (`for_operation`), in seconds.

        ``draw`` gives random numbers from 0 to 1. Must be made in a running event loop.
        """
        self.figures = Figures()
        self._transport = transport
        self._attempts = attempts
        self._draw = draw
        self._now = asyncio.get_running_loop().time
        self._in_flight = Places(concurrency)
        self._clock = ServerClock()
        self._lanes: dict[Route, Lane] = defaultdict(lambda: Lane(self._clock))
        self._closed = asyncio.Event()
        self._health = _Health()
        self._patience = patience
        self._left = inf
        """Of the patience, in seconds; a client that is nobody's has no end of it."""

    def for_operation(self) -> "Client":
        """The same client for the calls of one operation: when these have used up its patience, none of them is repeated.

        What counts is the time from sending to answer, and between attempts; waits that the server's limit asks for do not.
        """
        one = copy(self)
        one._left = self._patience  # noqa: SLF001 - its own
        return one

    @property
    def waiting_for(self) -> str | None:
        """What keeps calls back at the moment; None if nothing does."""
        now = self._now()
        held = any(lane.turn.locked() and 0 < lane.gate.wait(now) < inf for lane in self._lanes.values())
        return "the server's rate limit" if held else None

    @property
    def limit(self) -> Limit | None:
        """The tightest of the limits that the server has announced for routes; None if it has announced none."""
        found = [limit for lane in self._lanes.values() if (limit := lane.gate.limit)]
        return min(found, key=lambda limit: limit.calls / limit.window, default=None)

    def close(self) -> None:
        """Lets no further call start, except those that finish what is in flight; who waits for a turn or a place gets `Closed`."""
        if self._closed.is_set():
            return
        self._closed.set()
        # At once, not when a place is free: a call that never went out must not be given up as one in flight.
        self._in_flight.close()
        for lane in self._lanes.values():
            lane.changed.set()

    # ------------------------------------------------------------------------------------------------------------ calls

    async def call(self, request: Request[T], *, ticket: Ticket | None = None, attempts: int | None = None, finishing: bool = False) -> T:
        """What a read asks for. Raises `CallFailed` once it is out of attempts, `Closed`.

        ``ticket``: from `reserve`, if the call's turn was waited for ahead. ``finishing``: the call belongs to something in flight and is
        sent even after `close`.
        """
        result = await self._attempt(request, ticket, finishing=finishing)
        if not isinstance(result, Failure):
            return result
        written = await self._repeat(request, result, attempts or self._attempts, look=None, finishing=finishing)
        return written.value

    async def write(
        self,
        request: Request[T],
        ticket: Ticket,
        look: Callable[[], Awaitable[T | None]],
        again: Callable[[], Awaitable[Request[T]]] | None = None,
    ) -> Written[T]:
        """Carries out a write, on a ticket from `reserve`. Raises `CallFailed`, `Closed`, and whatever ``again`` raises.

        ``look`` asks the server whether a write of unknown outcome was carried out, and returns what its answer would have told; None if
        it was not. Nothing is sent again before such a look. ``again`` makes the request anew, from what the server holds when its next
        turn has come: by then the first one may undo what somebody else has done since. Without it the same request is sent again.
        """
        started = self._now()
        result = await self._attempt(request, ticket, finishing=False, again=again)
        if not isinstance(result, Failure):
            return Written(value=result, attempts=1, status=200, seconds=self._now() - started)
        written = await self._repeat(request, result, self._attempts, look=look, finishing=False, again=again)
        return replace(written, seconds=self._now() - started)

    async def reserve(self, route: Route, *, finishing: bool = False) -> Ticket:
        """Waits for a route's turn ahead of the call, so that what the call is made from can be read when its turn has come."""
        return await self._enter(route, finishing=finishing)

    async def reserve_two(self, route: Route) -> tuple[Ticket, Ticket | None]:
        """Waits for two turns of a route at once: whoever has made the first call need not wait in the midst of things for the other.

        The second is missing where that cannot be: a window allows one call only, or nothing is known of the route yet. It may be taken
        back from who waits for other things meanwhile, so that nobody waits for each other; then it stands for a turn that is to come.
        """
        first, *second = await self._enter_together(route, 2, finishing=False)
        return first, second[0] if second else None

    def give_back(self, route: Route, ticket: Ticket) -> None:
        """Returns a reserved turn that turned out not to be needed."""
        lane = self._lanes[route]
        lane.gate.give_back(ticket)
        lane.changed.set()

    # ---------------------------------------------------------------------------------------------------------- retries

    async def _repeat(  # noqa: C901 - one story, whose turns share what is known by then
        self,
        request: Request[T],
        failure: Failure,
        attempts: int,
        *,
        look: Callable[[], Awaitable[T | None]] | None,
        finishing: bool,
        again: Callable[[], Awaitable[Request[T]]] | None = None,
    ) -> Written[T]:
        """Goes on after a first attempt that failed: looks, waits, sends again, until it is done or out of attempts."""
        failed_first = self._now()

        async def once_more(number: int) -> Written[T]:
            nonlocal failure
            if (seen := await self._seen(failure, look, number - 1)) is not None:
                return seen
            if number == attempts:
                await self._wait_for_any_answer(failed_first, failure, number - 1, finishing=finishing)
            self.figures.retries += 1
            anew, ticket = await self._anew(request, again, finishing=finishing)
            result = await self._attempt(anew, ticket, finishing=finishing, again=again)
            if not isinstance(result, Failure):
                return Written(value=result, attempts=number, status=200, seconds=0.0)
            failure = result
            raise CallFailed(failure, number)

        # One retrying object a call: a shared one mixes up the states of calls that run at the same time.
        retrying = tenacity.AsyncRetrying(
            stop=lambda state: state.attempt_number >= attempts - 1 or self._left <= 0,
            wait=lambda state: self._backoff(state.attempt_number + 1),
            retry=tenacity.retry_if_exception(_repeatable),
            sleep=lambda seconds: self._pause(seconds, finishing=finishing),
            reraise=True,
        )
        sent = 1
        if failure.next is Next.REPEAT and attempts > 1 and self._left > 0:
            try:
                await self._pause(self._backoff(1), finishing=finishing)
                async for attempt in retrying:
                    with attempt:
                        sent = attempt.retry_state.attempt_number + 1
                        return await once_more(sent)
            except CallFailed as failed:
                if not _repeatable(failed):
                    raise
            except Closed:
                if not failure.undecided:
                    raise
        if (seen := await self._seen(failure, look, sent)) is not None:
            return seen
        if look is not None:
            failure = replace(failure, undecided=False)
        if failure.next is Next.REPEAT:
            failure = await self._silence(failure) or failure
        raise CallFailed(failure, sent)

    async def _seen(self, failure: Failure, look: Callable[[], Awaitable[T | None]] | None, attempts: int) -> Written[T] | None:
        """What a look at the server tells of a write of unknown outcome; None if it was not carried out, or is known not to have been."""
        if not failure.undecided or look is None:
            return None
        try:
            seen = await look()
        except CallFailed as blind:
            ends = Next.JOB if blind.failure.next is Next.JOB else Next.ROW
            said = f"{failure.said}; and it could not be looked up: {blind.failure.said}"
            raise CallFailed(replace(failure, next=ends, said=said), attempts) from None
        return None if seen is None else Written(value=seen, attempts=attempts, status=failure.status, seconds=0.0)

    def _backoff(self, attempt: int) -> float:
        """Seconds to wait after the ``attempt``-th failure: full jitter, so that calls that failed together do not come back together."""
        return self._draw() * min(LONGEST_BACKOFF, BACKOFF * 2.0 ** (attempt - 1))

    async def _pause(self, seconds: float, *, finishing: bool) -> None:
        self._left -= seconds
        if finishing:
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return
        raise Closed

    async def _wait_for_any_answer(self, since: float, failure: Failure, sent: int, *, finishing: bool) -> None:
        """Before a call's last attempt, if nobody has had an answer since its first failure: that is no fault of this call's.

        A server that restarts answers the probes in time, and the last attempt goes to one that is there; an outage ends the job, with
        the attempt unsent: raises `CallFailed`. One probes for all.
        """
        async with self._health.probing:
            for number in range(1, self._attempts + 1):
                if self._health.answered >= since:
                    return
                if self._closed.is_set() and not finishing:
                    raise Closed
                silence = await self._silence(failure)
                if silence is None:
                    return
                if silence.status == 401 or number == self._attempts:
                    raise CallFailed(silence, sent)
                await self._pause(self._backoff(number), finishing=finishing)

    async def _silence(self, failure: Failure) -> Failure | None:
        """One read as a probe: None if it is answered; else what ends the job: that failure, or that the account is not let in any more."""
        probe = await self._attempt(endpoints.me(), None, finishing=True)
        if not isinstance(probe, Failure) or probe.next is Next.ROW:
            return None
        return probe if probe.status == 401 and probe.next is Next.JOB else replace(failure, next=Next.JOB)

    # ----------------------------------------------------------------------------------------------------- one attempt

    async def _attempt(
        self, request: Request[T], ticket: Ticket | None, *, finishing: bool, again: Callable[[], Awaitable[Request[T]]] | None = None
    ) -> T | Failure:
        """One attempt; refusals by the rate limit that name their end are waited out and do not count."""
        while True:
            result = await self._exchange(request, ticket, finishing=finishing, again=again)
            if not (isinstance(result, Failure) and result.next is Next.WAIT):
                return result
            if self._lanes[request.route].gate.starves(self._now()):
                said = f"its rate limit has let no call of this kind through for {STARVING / 60:.0f} minutes ({result.said})"
                return replace(result, next=Next.JOB, said=said)
            request, ticket = await self._anew(request, again, finishing=finishing)

    async def _anew(
        self, request: Request[T], again: Callable[[], Awaitable[Request[T]]] | None, *, finishing: bool
    ) -> tuple[Request[T], Ticket | None]:
        """What to send now, and the turn that it was made in; the request as it was, and no turn yet, if it cannot be made anew."""
        if again is None:
            return request, None
        ticket = await self._enter(request.route, finishing=finishing)
        try:
            return await again(), ticket
        except BaseException:
            self.give_back(request.route, ticket)
            raise

    async def _exchange(
        self, request: Request[T], ticket: Ticket | None, *, finishing: bool, again: Callable[[], Awaitable[Request[T]]] | None
    ) -> T | Failure:
        route, lane = request.route, self._lanes[request.route]
        while True:
            if ticket is None or not lane.gate.claims(ticket):
                ticket = await self._enter(route, finishing=finishing)
            try:
                await self._in_flight.take(finishing=finishing)
            except (asyncio.CancelledError, Closed):
                self.give_back(route, ticket)
                raise
            try:
                if self._closed.is_set() and not finishing:
                    self.give_back(route, ticket)
                    raise Closed
                if lane.gate.holds(self._now()):
                    return await self._send(request, lane, ticket)
            finally:
                self._in_flight.give_back()
            # Somebody else has used up the window meanwhile. Made anew once at most: that may take longer than a window lasts.
            self.give_back(route, ticket)
            request, ticket = await self._anew(request, again, finishing=finishing)
            again = None

    async def _send(self, request: Request[T], lane: Lane, ticket: Ticket) -> T | Failure:
        sent = self._now()
        lane.gate.sent(ticket, sent)
        key = request.route.method, request.route.pattern
        try:
            answer = await self._transport.send(request)
        except NoAnswer as nothing:
            self.figures.calls[*key, None] += 1
            lane.gate.lost(ticket, self._now())
            return nothing.failure
        except BaseException:
            lane.gate.lost(ticket, self._now())
            raise
        else:
            self.figures.calls[*key, answer.status] += 1
            result = answers.interpret(request, answer)
            received = self._now()
            if not (isinstance(result, Failure) and result.next in (Next.REPEAT, Next.JOB)):
                self._health.answered = received
            if told := answers.server_time(request, answer):
                self._clock.observe(sent=sent, received=received, earliest=told.earliest, latest=told.latest, own=told.own)
            _pass_on(answer, result, lane.gate, ticket, received)
            return result
        finally:
            self._left -= self._now() - sent
            lane.changed.set()

    async def _enter(self, route: Route, *, finishing: bool) -> Ticket:
        (ticket,) = await self._enter_together(route, 1, finishing=finishing)
        return ticket

    async def _enter_together(self, route: Route, calls: int, *, finishing: bool) -> list[Ticket]:
        """Waits until the route may be called so many times, or as often as it can be at once; first come first served."""
        lane = self._lanes[route]
        async with lane.turn:
            while True:
                if self._closed.is_set() and not finishing:
                    raise Closed
                asked = self._now()
                together = lane.gate.at_once(calls)
                wait = lane.gate.wait(asked, together)
                if wait <= 0:
                    return [lane.gate.take(spare=number > 0) for number in range(together)]
                if wait == inf and lane.gate.withdraws():
                    continue
                lane.changed.clear()
                try:
                    async with asyncio.timeout(None if wait == inf else wait):
                        await lane.changed.wait()
                except TimeoutError:
                    pass
                self.figures.wait_seconds += self._now() - asked if wait != inf else 0.0


def _pass_on(answer: Answer, result: object, gate: Gate, ticket: Ticket, received: float) -> None:
    """Tells a gate what an answer says about its limit."""
    limit = answers.rate_limit(answer)
    if limit is None and isinstance(result, Failure) and result.next not in (Next.ROW, Next.WAIT):
        # It may not have come as far as the limiter (a proxy's page; 401 and 403 since 8.0), and so says nothing about a limit.
        gate.lost(ticket, received)
        return
    wait = result.wait if isinstance(result, Failure) else None
    gate.answered(ticket, limit, received=received, refused=answer.status == 429, wait=wait)


def _repeatable(error: BaseException) -> bool:
    return isinstance(error, CallFailed) and error.failure.next is Next.REPEAT
