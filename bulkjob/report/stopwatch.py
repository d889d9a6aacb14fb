"""What the time of a run goes on: reading, changing, checking, waiting."""

from collections.abc import Callable

from bulkjob.report.summary import TimeSpent
from bulkjob.rocketchat import Answer, Request, Transport


class Stopwatch:
    """Follows the calls of one run; each second counts for the most telling thing that is under way."""

    def __init__(self, now: Callable[[], float], worked: Callable[[], float]) -> None:
        """``now``: the time in seconds. ``worked``: the processor's seconds that this program has taken so far."""
        self._now = now
        self._worked = worked
        self._looked: tuple[float, float] | None = None
        self._reads = self._writes = 0
        self._changing = False
        self._spent = dict.fromkeys(("reading", "changing", "checking", "waiting"), 0.0)

    def timing(self, transport: Transport) -> Transport:
        """The transport, whose calls are followed from now on."""
        self._looked = self._now(), self._worked()
        return _Timed(transport, self)

    @property
    def spent(self) -> TimeSpent:
        """Until the last call began or ended."""
        return TimeSpent(**self._spent)

    def began(self, *, write: bool) -> None:
        """A call goes out."""
        self._look()
        self._writes += write
        self._reads += not write
        self._changing |= write

    def ended(self, *, write: bool) -> None:
        """It was answered, or will not be."""
        self._look()
        self._writes -= write
        self._reads -= not write

    def _look(self) -> None:
        """Counts the time since the last look."""
        now, worked = self._now(), self._worked()
        since, before = self._looked or (now, worked)
        self._looked = now, worked
        if self._writes:
            self._spent["changing"] += now - since
        elif self._reads:
            self._spent["checking" if self._changing else "reading"] += now - since
        else:
            self._spent["waiting"] += max(now - since - (worked - before), 0.0)


class _Timed:
    """A transport whose calls a stopwatch follows."""

    def __init__(self, transport: Transport, stopwatch: Stopwatch) -> None:
        self._transport = transport
        self._stopwatch = stopwatch

    async def send(self, request: Request[object]) -> Answer:
        write = request.route.method != "GET"
        self._stopwatch.began(write=write)
        try:
            return await self._transport.send(request)
        finally:
            self._stopwatch.ended(write=write)
