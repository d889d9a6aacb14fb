"""Who may send next: one lane for each route, in which calls wait for the server's limit, and the places of requests in flight."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from math import inf

from bulkjob.rocketchat.pacing import Gate, Ticket


class Closed(Exception):
    """The job is being interrupted: no new call is started."""


@dataclass(slots=True)
class Figures:
    """What a run's calls amounted to."""

    calls: Counter[tuple[str, str, int | None]] = field(default_factory=Counter)
    """By method, route pattern and HTTP status (None: no answer)."""
    retries: int = 0
    wait_seconds: float = 0.0
    """Spent waiting for the server's rate limit, summed over routes."""


class Lane:
    """The calls of one route, in the order in which they asked to go."""

    def __init__(self, gate: Gate, closed: asyncio.Event, figures: Figures) -> None:
        self.gate = gate
        self.changed = asyncio.Event()
        """Set whenever a gate that keeps somebody waiting may have opened, or will sooner than it said."""
        self.waits_until: float | None = None
        """When the gate opens for those who wait for the server's limit; None if nobody does."""
        self._turn = asyncio.Lock()
        self._closed = closed
        self._figures = figures
        self._now = asyncio.get_running_loop().time

    async def enter(self, calls: int = 1, *, finishing: bool) -> list[Ticket]:
        """Waits until the route may be called so many times, or as often as it can be at once; first come first served. Raises `Closed`."""
        async with self._turn:
            while True:
                if self._closed.is_set() and not finishing:
                    raise Closed
                asked = self._now()
                wait = self.gate.wait(asked, self.gate.at_once(calls))
                if wait <= 0:
                    return [self.gate.take(spare=number > 0) for number in range(self.gate.at_once(calls))]
                if wait == inf and self.gate.withdraws():
                    continue
                await self._change(asked, wait)

    async def _change(self, asked: float, wait: float) -> None:
        """Waits until something has changed, but no longer than so many seconds; without end for an answer that is on its way."""
        self.changed.clear()
        if wait == inf:
            await self.changed.wait()
            return
        self.waits_until = asked + wait
        try:
            async with asyncio.timeout(wait):
                await self.changed.wait()
        except TimeoutError:
            pass
        finally:
            self.waits_until = None
            self._figures.wait_seconds += self._now() - asked

    def leave(self, ticket: Ticket) -> None:
        """Gives back a turn that was not used."""
        self.gate.give_back(ticket)
        self.changed.set()


class Places:
    """The places of requests in flight, first come first served; a semaphore cannot send away those who wait."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._waiting: deque[tuple[asyncio.Future[None], bool]] = deque()

    async def take(self, *, finishing: bool) -> None:
        """Waits for a place. Raises `Closed`."""
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((place, finishing))
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled() and place.exception() is None:
                self.give_back()
            raise

    def give_back(self) -> None:
        """Leaves a place to who has waited longest."""
        while self._waiting:
            place, _ = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def close(self) -> None:
        """Sends away those who do not finish anything."""
        for place, finishing in self._waiting:
            if not finishing and not place.done():
                place.set_exception(Closed)
