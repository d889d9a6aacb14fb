"""How many calls of a route the server's windows still have room for: as it announces them, or as its refusals let guess.

Pure: `now`, `sent` and `received` are the caller's monotonic seconds.
"""

from collections import deque
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Protocol

from bulkjob.rocketchat.answers import RateLimit
from bulkjob.rocketchat.clock import ServerClock

#: Rocket.Chat's default window, in seconds: assumed where nothing tells the server's time.
DEFAULT_WINDOW = 60.0

#: Two announced ends closer than this, in seconds, are the same window (both are made from a rounded "now").
SAME_WINDOW = 0.05

#: Windows that are over and still remembered: an answer that was under way for so long is an old one.
_REMEMBERED = 64

_UNBOUNDED = 1_000_000

#: Without headers: windows until one call more than the known number is tried; twice as many after each time that was refused.
_FIRST_TRIAL = 4
_RAREST_TRIAL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many calls of a route the server lets through."""

    calls: int
    window: float
    """In so many seconds."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one call."""

    number: int


class OnTheirWay:
    """The calls of a route that may yet count in a window: those with a ticket, and those whose answer is to come."""

    def __init__(self) -> None:
        self._numbered = 0
        self._tickets: set[Ticket] = set()
        self._spare: dict[Ticket, None] = {}
        """Those that are kept for later, in the order in which they were taken."""
        self._sent: dict[Ticket, tuple[int, float]] = {}
        self.sendings = 0
        """How many calls have been sent so far."""

    def __len__(self) -> int:
        return len(self._tickets) + len(self._sent)

    @property
    def unanswered(self) -> int:
        """How many have been sent and not ended."""
        return len(self._sent)

    def sent_after(self, sendings: int) -> int:
        """How many were or will be sent when so many had been sent before."""
        return len(self._tickets) + sum(number > sendings for number, _ in self._sent.values())

    def claim(self, ticket: Ticket) -> bool:
        """Returns whether a ticket is still good; it is about to be used then, and no longer spare."""
        self._spare.pop(ticket, None)
        return ticket in self._tickets

    def new(self, *, spare: bool = False) -> Ticket:
        """A ticket more."""
        self._numbered += 1
        ticket = Ticket(self._numbered)
        self._tickets.add(ticket)
        if spare:
            self._spare[ticket] = None
        return ticket

    def give_back(self, ticket: Ticket) -> None:
        """A ticket less; nothing for one that was used."""
        self._tickets.discard(ticket)
        self._spare.pop(ticket, None)

    def withdraw(self) -> bool:
        """Takes back the spare ticket that was taken last; returns whether there was one."""
        if not self._spare:
            return False
        ticket, _ = self._spare.popitem()
        self._tickets.discard(ticket)
        return True

    def send(self, ticket: Ticket, now: float) -> None:
        """A call goes out on its ticket."""
        self._tickets.remove(ticket)
        self.sendings += 1
        self._sent[ticket] = self.sendings, now

    def end(self, ticket: Ticket) -> tuple[int, float]:
        """A call is no longer on its way: which sending it was, and when."""
        return self._sent.pop(ticket)


class Windows(Protocol):
    """What a gate asks, whatever the windows are known from."""

    def limit(self) -> Limit | None:
        """What the route allows, as far as it is known."""

    def room(self, calls: OnTheirWay, now: float) -> int:
        """How many calls may be sent beside those on their way without any of them being refused."""

    def opens(self, calls: OnTheirWay, now: float, wanted: int) -> float:
        """When there will be room for so many again, unless an answer tells sooner; infinite if only an answer can tell."""

    def lost(self, sent: float, now: float) -> None:
        """A call ended of which nobody knows whether and where it counted."""


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


class GuessedWindows:
    """The windows of a route as far as refusals without headers tell: a proxy has stripped them.

    "You must wait N seconds" tells when a window ends. In the next one, which is seen from its beginning, the calls that pass are counted,
    and from then on as many are sent in each; now and then one more, as somebody else may have taken part of those that were counted.
    """

    def __init__(self) -> None:
        self._calls: int | None = None
        self._length = inf
        """A window lasts no longer, in seconds."""
        self._trial = self._until_trial = _FIRST_TRIAL
        # Of the present window:
        self._whole = False
        """Whether its beginning was seen."""
        self._edge = -inf
        """Calls sent sooner belong to the one before, or to neither for certain."""
        self._began = inf
        """When the first of its calls was sent."""
        self._ends = self._told_end = inf
        """At the latest; and as refusals tell it."""
        self._passed = 0
        self._gone = 0
        """Calls that were refused or lost."""
        self._refused = False

    def limit(self) -> Limit | None:
        """None until a window was seen from its beginning to a refusal."""
        return None if self._calls is None or self._length == inf else Limit(calls=self._calls, window=float(ceil(self._length)))

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
        """A call was answered, by whoever did not refuse it."""
        self._close(received)
        if sent >= self._edge:
            self._passed += 1
            self._began = min(self._began, sent)
            self._ends = min(self._ends, received + self._length)

    def refused(self, sent: float, received: float, wait: float) -> None:
        """A call was refused; the window ends after at most ``wait`` seconds."""
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


def _roundest(least: float, most: float) -> float:
    """The roundest number of seconds between two bounds: what somebody may have typed into the server's settings."""
    middle = max((least + most) / 2, 0.001)
    for step in (60.0, 10.0, 1.0, 0.5, 0.1):
        nearest = floor(middle / step + 0.5) * step
        if nearest > 0 and least <= nearest <= most:
            return nearest
    return round(middle, 3)
