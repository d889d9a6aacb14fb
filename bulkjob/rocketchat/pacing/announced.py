"""The windows of a rate limit as the headers of the server's answers announce them."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.lengths import WindowLength
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, Limit, OnTheirWay, RateLimit

#: Two announced ends that differ by less, in seconds, are of the same window: both were worked out from a rounded "now".
SAME_WINDOW = 0.05


#: How many windows that are over are remembered, to recognise an answer that was under way for a long time.
_REMEMBERED = 64


#: Until the latest window is over, the length that it seems to have is believed only up to so many seconds.
_BELIEVED = 900.0


@dataclass(slots=True, kw_only=True)
class _Window:
    """A window that is not over yet, of one server process."""

    reset: float
    """Its end by the server's clock; processes are told apart by it."""
    ends: float
    """Its latest possible end by our clock."""
    used: int
    """Our calls that counted in it, and lost ones that may have."""
    remaining: int
    """The lowest number of calls that an answer said were left in it."""
    told_at: int
    """How many calls we had sent when that answer came; later ones are not yet in that number."""
    others: int = 0
    """Other people's calls in it, at least so many."""

    def room(self, limit: int, calls: OnTheirWay) -> int:
        """The room that is left if all calls on their way count in this window.

        It is counted in two ways, by our own count and by what the server said. Each may find too little room, but never too much.
        """
        by_count = limit - self.others - self.used - len(calls)
        by_word = self.remaining - len(calls)
        return min(self.remaining - calls.sent_after(self.told_at), max(by_count, by_word))


class AnnouncedWindows:
    """The windows of a route as ``X-RateLimit-*`` announce them, of one server process or of several.

    Each process counts for itself, and nobody knows which one will get a call. So a call goes out only if every process that we have heard
    of has room for it and for all calls on their way. A process that we have not heard of, or whose window is over, has a whole window
    left, unless other people use it. The answer to a call tells which process's room it has used.
    """

    def __init__(self, clock: ServerClock, length: WindowLength) -> None:
        self._clock = clock
        self._length = length
        self._lasting = _Lasting()
        self._calls = 0
        self._windows: list[_Window] = []
        self._over: deque[float] = deque(maxlen=_REMEMBERED)
        self._lost = 0
        """Lost calls that may have counted in a window of which no answer has told."""
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
        """Takes in what an answer announces; returns whether its window is still open, as far as anybody knows."""
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
        """The window that an answer is about; None if that is over."""
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
        """The end of a window by our clock. Once it is certain it stays so, even if somebody sets the server's clock meanwhile."""
        window.ends = min(window.ends, self._clock.passed(window.reset))
        return window.ends


class _Lasting:
    """How long windows were seen to last: from the end of one for which somebody waited to the end of the next."""

    def __init__(self) -> None:
        self._last: float | None = None
        """The end of the latest window, by the server's clock."""
        self._waited = False
        """Whether somebody has waited for it."""
        self._lasts: float | None = None
        """Seconds from the end of the one before to that end; None if nobody had waited for the one before."""
        self._longest = 0.0
        """The same, the longest of all windows that are over."""
        self._several = False

    def longest(self) -> float:
        """See `Windows`. Two ends may belong to two processes; once several were seen, nothing below the default is believed."""
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
        """The latest window was over long before the end that it announced."""
        self._last = self._lasts = None
