"""The windows of a rate limit whose headers a proxy strips, as the server's refusals let us guess them.

No clock of its own: `now`, `sent` and `received` are the caller's monotonic seconds.
"""

from math import ceil, inf

from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, Limit, OnTheirWay

_UNBOUNDED = 1_000_000


#: After so many windows, one call more than the known number is tried; after twice as many each time that it is refused …
_FIRST_TRIAL = 4


#: … but at least once in so many windows.
_RAREST_TRIAL = 64


class GuessedWindows:
    """The windows of a route as far as refusals without headers tell of them.

    "You must wait N seconds" tells when a window ends. In the next one, which we see from its beginning, we count the calls that pass, and
    from then on send as many in each window. Now and then we send one more: somebody else may have used part of the window in which we
    counted.
    """

    def __init__(self) -> None:
        self._calls: int | None = None
        self._length = inf
        """Windows last at most so many seconds."""
        self._trial = self._until_trial = _FIRST_TRIAL
        # Of the present window:
        self._whole = False
        """Whether we saw its beginning."""
        self._edge = -inf
        """Calls that were sent before this belong to the window before, or may belong to either."""
        self._began = inf
        """When the first of its calls was sent."""
        self._ends = self._told_end = inf
        """Its latest possible end, and the end that refusals told."""
        self._passed = 0
        self._gone = 0
        """Calls that were refused or lost."""
        self._refused = False

    def limit(self) -> Limit | None:
        """See `Windows`. None until we have seen a window from its beginning up to a refusal."""
        return None if self._calls is None or self._length == inf else Limit(calls=self._calls, window=float(ceil(self._length)))

    def longest(self) -> float:
        """See `Windows`."""
        return DEFAULT_WINDOW if self._length == inf else self._length

    def disproved(self, now: float) -> None:
        """See `Windows`."""
        self._told_end = self._ends = min(self._ends, now)
        self._close(now)

    def room(self, calls: OnTheirWay, now: float) -> int:
        """See `Windows`. Unbounded while nothing has been counted yet."""
        self._close(now)
        if self._refused:
            return -len(calls)
        if self._calls is None:
            return _UNBOUNDED
        return self._calls + self._tries() - self._passed - self._gone - len(calls)

    def opens(self, calls: OnTheirWay, now: float, wanted: int) -> float:  # noqa: ARG002 - others need it
        """See `Windows`."""
        self._close(now)
        if self._ends == inf and not len(calls):
            # All calls of this window are lost: nobody has told when it began.
            self._ends = now + self._length
        return self._ends

    def lost(self, sent: float, now: float) -> None:
        """See `Windows`."""
        self._close(now)
        if sent >= self._edge:
            self._gone += 1

    def passed(self, sent: float, received: float) -> None:
        """A call was answered, and not refused."""
        self._close(received)
        if sent >= self._edge:
            self._passed += 1
            self._began = min(self._began, sent)
            self._ends = min(self._ends, received + self._length)

    def refused(self, sent: float, received: float, wait: float) -> None:
        """A call was refused; its window ends within ``wait`` seconds."""
        self._close(received)
        if sent < self._edge:
            return
        self._gone += 1
        self._refused = True
        self._told_end = min(self._told_end, received + wait)
        self._ends = min(self._ends, self._told_end)

    def _tries(self) -> int:
        return int(self._until_trial <= 0)

    def _close(self, now: float) -> None:
        if now < self._ends:
            return
        if self._refused and self._whole and self._passed:
            self._trial = min(2 * self._trial, _RAREST_TRIAL) if self._calls else _FIRST_TRIAL
            self._calls, self._until_trial = self._passed, self._trial
            self._length = min(self._length, self._told_end - self._began)
        elif self._calls and self._passed > self._calls:
            self._calls = self._passed
        elif self._calls:
            self._until_trial -= 1
        self._whole, self._edge = True, now
        self._began = self._ends = self._told_end = inf
        self._passed, self._gone, self._refused = 0, 0, False
