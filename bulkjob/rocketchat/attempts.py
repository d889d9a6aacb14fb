"""What a client keeps between calls: its places, one lane for each route, and the figures of all calls so far."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from bulkjob.rocketchat.pacing import Gate, ServerClock


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

    def __init__(self, clock: ServerClock) -> None:
        self.gate = Gate(clock)
        self.turn = asyncio.Lock()
        self.changed = asyncio.Event()


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
