"""Windows of a rate limit as the server announces them, by the headers of its answers."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.lengths import WindowLength
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, Limit, OnTheirWay, RateLimit

#: Two announced ends closer than this, in seconds, are the same window (both are made from a rounded "now").
SAME_WINDOW = 0.05


#: Windows that are over and still remembered: an answer that was under way for so long is an old one.
_REMEMBERED = 64


#: How long the latest window lasts is believed before it is over, if that is no longer than this, in seconds.
_BELIEVED = 900.0


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

    def __init__(self, clock: ServerClock, length: WindowLength) -> None:
        self._clock = clock
        self._length = length
        self._lasting = _Lasting()
        self._calls = 0
        self._windows: list[_Window] = []
        self._over: deque[float] = deque(maxlen=_REMEMBERED)
        self._lost = 0
        """Lost calls that may have counted in a window that no answer has told of."""
        self._lost_until = -inf

    def limit(self) -> Limit:
        """See `Windows`."""
        window, certain = self._length.seconds()
        return Limit(calls=self._calls, window=window, certain=certain)

    def longest(self) -> float:
        """See `Windows`."""
        return self._lasting.longest()

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
        closed = [window for window in self._windows if window.room(self._calls, calls) < wanted]
        self._lasting.waited_for(window.reset for window in closed)
        return max(map(self._end, closed), default=now)

    def lost(self, sent: float, now: float) -> None:  # noqa: ARG002 - others need it
        """See `Windows`."""
        self._close(now)
        for window in self._windows:
            window.used += 1
        self._lost += 1
        self._lost_until = now + DEFAULT_WINDOW

    def disproved(self, now: float) -> None:
        """See `Windows`."""
        self._close(now)
        self._over.extend(window.reset for window in self._windows)
        self._windows = []
        self._lost = 0
        self._lasting.disproved()

    def answered(self, told: RateLimit, calls: OnTheirWay, *, sent: float, received: float, refused: bool, wait: float | None) -> bool:
        """Takes in what an answer announces; returns whether it is about a window that is not over, as far as anybody knows."""
        self._calls = told.limit
        window = self._announced(told, calls, sent, received)
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

    def _announced(self, told: RateLimit, calls: OnTheirWay, sent: float, received: float) -> _Window | None:
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
        if told.remaining == told.limit - 1:
            self._length.first(sent=sent, received=received, reset=told.reset)
        self._lasting.began(told.reset, alone=not self._windows)
        ends = ends if ends != inf else received + DEFAULT_WINDOW
        window = _Window(reset=told.reset, ends=ends, used=self._lost, remaining=told.limit, told_at=calls.sendings)
        self._windows.append(window)
        return window

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


class _Lasting:
    """How long windows have been seen to last: from the end of one that was waited for to the end of the next."""

    def __init__(self) -> None:
        self._last: float | None = None
        """The end of the latest window, by the server's clock."""
        self._waited = False
        """Whether somebody has waited for it."""
        self._lasts: float | None = None
        """Seconds between it and the one before; None where nobody had waited for that."""
        self._longest = 0.0
        """Of the windows that are over."""
        self._several = False

    def longest(self) -> float:
        """Where several processes were seen, two ends may be theirs, and tell nothing below the default."""
        lasts = self._lasts if self._lasts is not None and self._lasts <= _BELIEVED else 0.0
        seen = max(self._longest, lasts) or DEFAULT_WINDOW
        return max(seen, DEFAULT_WINDOW) if self._several else seen

    def waited_for(self, resets: Iterable[float]) -> None:
        self._waited = self._waited or any(reset == self._last for reset in resets)

    def began(self, reset: float, *, alone: bool) -> None:
        self._several = self._several or not alone
        if self._lasts is not None and alone:
            self._longest = max(self._longest, self._lasts)
        self._lasts = reset - self._last if self._last is not None and self._waited and reset > self._last else None
        self._last, self._waited = reset, False

    def disproved(self) -> None:
        """The latest window was over long before the end that was announced."""
        self._last = self._lasts = None
