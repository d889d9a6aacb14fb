"""Windows of a rate limit as the server announces them, by the headers of its answers."""

from collections import deque
from dataclasses import dataclass
from math import floor, inf

from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, Limit, OnTheirWay, RateLimit

#: Two announced ends closer than this, in seconds, are the same window (both are made from a rounded "now").
SAME_WINDOW = 0.05


#: Windows that are over and still remembered: an answer that was under way for so long is an old one.
_REMEMBERED = 64


@dataclass(slots=True, kw_only=True)
class _Window:
    """A window of one server process that is not over yet."""

    reset: float
    """Its end by the server's clock; tells the processes apart."""
    ends: float
    """Its end by ours, at the latest."""
    used: int
    """Calls of ours that counted in it, or are lost and may have."""
    remaining: int
    """The least that it was said to have left."""
    told_at: int
    """How many calls had been sent when that came: the later ones are not in it."""
    others: int = 0
    """Other people's calls in it, at least."""

    def room(self, limit: int, calls: OnTheirWay) -> int:
        """Should all calls on their way count here, as they may. Two ways of counting, of which each only ever counts too many as gone."""
        by_count = limit - self.others - self.used - len(calls)
        by_word = self.remaining - len(calls)
        return min(self.remaining - calls.sent_after(self.told_at), max(by_count, by_word))


class AnnouncedWindows:
    """The windows of a route as ``X-RateLimit-*`` announce them, of one server process or of several.

    Each process counts for itself, and nobody knows which one a call will come to. So a call goes out only while each process that has
    been heard of has room for it and for all that are on their way. One that has not been heard of, or whose window is over, has a whole
    window left, unless other people use it. What a call used turns out with its answer, and leaves the other processes' room untouched.
    """

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._calls = 0
        self._windows: list[_Window] = []
        self._over: deque[float] = deque(maxlen=_REMEMBERED)
        self._lost = 0
        """Lost calls that may have counted in a window that no answer has told of."""
        self._lost_until = -inf
        self._length: tuple[float, float] | None = None
        """At least and at most how many seconds the longest window lasts of which a call was seen that it counted first."""

    def limit(self) -> Limit:
        """The window's length is rounded to what somebody may have typed."""
        return Limit(calls=self._calls, window=_roundest(*self._length) if self._length else DEFAULT_WINDOW)

    def room(self, calls: OnTheirWay, now: float) -> int:
        """See `Windows`."""
        self._close(now)
        unheard_of = self._calls - self._lost - len(calls)
        return min([unheard_of, *(window.room(self._calls, calls) for window in self._windows)])

    def opens(self, calls: OnTheirWay, now: float, wanted: int) -> float:
        """See `Windows`."""
        self._close(now)
        if self._calls - len(calls) < wanted:
            return inf if len(calls) else self._lost_until
        if self._calls - self._lost - len(calls) < wanted:
            return self._lost_until
        return max((self._end(window) for window in self._windows if window.room(self._calls, calls) < wanted), default=now)

    def lost(self, sent: float, now: float) -> None:  # noqa: ARG002 - others need it
        """See `Windows`."""
        self._close(now)
        for window in self._windows:
            window.used += 1
        self._lost += 1
        self._lost_until = now + DEFAULT_WINDOW

    def answered(self, told: RateLimit, calls: OnTheirWay, *, received: float, refused: bool, wait: float | None) -> bool:
        """Takes in what an answer announces; returns whether it is about a window that is not over, as far as anybody knows."""
        self._calls = told.limit
        window = self._announced(told, calls, received)
        if window is None:
            return False
        window.used += 1
        window.others = max(window.others, told.limit - told.remaining - window.used - calls.unanswered)
        if told.remaining <= window.remaining:
            window.remaining, window.told_at = told.remaining, calls.sendings
        if refused:
            window.remaining = 0
            window.ends = min(window.ends, received + wait) if wait is not None else window.ends
        return True

    def _announced(self, told: RateLimit, calls: OnTheirWay, received: float) -> _Window | None:
        """The window that an answer is about; None where it is over."""
        self._close(received)
        for window in self._windows:
            if abs(window.reset - told.reset) <= SAME_WINDOW:
                return window
        if any(abs(reset - told.reset) <= SAME_WINDOW for reset in self._over):
            return None
        ends = self._clock.passed(told.reset)
        if ends <= received:
            return None
        self._see_length(told, received)
        ends = ends if ends != inf else received + DEFAULT_WINDOW
        window = _Window(reset=told.reset, ends=ends, used=self._lost, remaining=told.limit, told_at=calls.sendings)
        self._windows.append(window)
        return window

    def _see_length(self, told: RateLimit, received: float) -> None:
        """A call that a window counted first has most likely opened it."""
        ahead = self._clock.until(told.reset, received)
        if told.remaining == told.limit - 1 and ahead and (self._length is None or ahead[1] > self._length[1]):
            self._length = ahead

    def _close(self, now: float) -> None:
        over = [window for window in self._windows if self._end(window) <= now]
        if over:
            self._windows = [window for window in self._windows if window not in over]
            self._over.extend(window.reset for window in over)
        if over or now >= self._lost_until:
            self._lost = 0

    def _end(self, window: _Window) -> float:
        """By our clock. An end that was certain once stays so, even if the server's clock is set meanwhile."""
        window.ends = min(window.ends, self._clock.passed(window.reset))
        return window.ends


def _roundest(least: float, most: float) -> float:
    """The roundest number of seconds between two bounds: what somebody may have typed into the server's settings."""
    middle = max((least + most) / 2, 0.001)
    for step in (60.0, 10.0, 1.0, 0.5, 0.1):
        nearest = floor(middle / step + 0.5) * step
        if nearest > 0 and least <= nearest <= most:
            return nearest
    return round(middle, 3)
