"""When the next call of a route may go out, without a clock of its own: `now` is always the caller's monotonic seconds.

Rocket.Chat limits each route and method by fixed windows that everybody shares (Meteor's ``rate-limit``): the first window seen may be
short, refused calls count, and ``X-RateLimit-Reset`` is the end of the window by the server's clock. A `Gate` counts what the
window has left and waits for its end; a `ServerClock` tells when that is by ours.
"""

from dataclasses import dataclass
from math import inf

from bulkjob.rocketchat.wire import RateLimit

#: Rocket.Chat's default window, in seconds: assumed where nothing tells the server's time.
DEFAULT_WINDOW = 60.0

#: Two announced ends closer than this, in seconds, are the same window (both are made from a rounded "now").
SAME_WINDOW = 0.05

#: A refused call is not repeated sooner, in seconds, even if the server names a moment that is over.
LEAST_HOLD = 0.05

#: A window's length that is told by the server's clock in whole seconds may seem longer by this, in seconds.
_CLOCK_ERROR = 1.5

#: How far two clocks may drift apart, in seconds for each second.
DRIFT = 1e-4


class ServerClock:
    """The server's time by our clock, as an interval that every answer narrows.

    An answer that was asked for at ``sent`` and came at ``received``, and that names a time of the server's between the two, bounds the
    difference of the clocks from both sides. Whole seconds (``Date``) bound it loosely, a stored ``_updatedAt`` to within the round trip.
    """

    def __init__(self) -> None:
        self._least = -inf
        self._most = inf
        self._at = 0.0

    def observe(self, *, sent: float, received: float, earliest: float, latest: float) -> None:
        """Narrows the interval; an observation that contradicts it (a clock was set, another process answered) replaces it."""
        slack = DRIFT * max(0.0, received - self._at)
        least, most = earliest - received, latest - sent
        narrowed = max(self._least - slack, least), min(self._most + slack, most)
        self._least, self._most = narrowed if narrowed[0] <= narrowed[1] else (least, most)
        self._at = received

    def passed(self, server_time: float) -> float:
        """The time by our clock at which the server's has passed ``server_time`` for certain; infinite if nothing is known."""
        if self._least == -inf:
            return inf
        at = server_time - self._least
        return at + DRIFT * max(0.0, at - self._at) + 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many calls of a route the server lets through."""

    calls: int
    window: float
    """In so many seconds."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one call, taken out of one window."""

    window: int


class Gate:
    """One route's place in the server's rate limit.

    A call counts in the window in which it arrives, and that may have begun after it was sent. Until the answer of such a stray tells,
    it is taken to count in the present window.
    """

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._limit: int | None = None
        self._known = False
        self._asking = False
        self._held_until = -inf
        self._unanswered = 0
        self._length = inf
        """The least time between the ends of two windows that was seen, in seconds; no window is longer."""
        self._last_reset = -inf
        """The announced end of the window before the present one."""
        self._opened_length = 0.0
        """The longest time from a call that a window counted first to its end, in seconds; no window is shorter."""
        # Of the present window:
        self._window = 0
        self._left = 0
        self._left_at_first = 0
        """What it had left, by the server's word, where our count of it begins."""
        self._strays = 0
        """Calls sent before our count begins, of which no answer has told yet where they counted."""
        self._reset: float | None = None
        """Its announced end; None until an answer has told."""
        self._fallback_end = inf
        self._refused_until = inf
        """Its end, by our clock, as a refusal's text tells it."""

    @property
    def limit(self) -> Limit | None:
        """What the route allows, the window's length as far as it was seen; None where no limit was announced."""
        if self._limit is None:
            return None
        if self._length != inf:
            return Limit(calls=self._limit, window=round(self._length, 1))
        usual = abs(self._opened_length - DEFAULT_WINDOW) <= _CLOCK_ERROR or not self._opened_length
        return Limit(calls=self._limit, window=DEFAULT_WINDOW if usual else max(1.0, round(self._opened_length)))

    def wait(self, now: float) -> float:
        """Seconds until a call may go out: 0 for at once, infinite if the answer of a call on its way must come first."""
        if self._held_until > now:
            return self._held_until - now
        if not self._known:
            return inf if self._asking else 0.0
        if self._limit is None:
            return 0.0
        if self._left <= 0 and self._end() <= now:
            self._open_window(now)
        return 0.0 if self._left > 0 else self._end() - now

    def take(self, now: float) -> Ticket:
        """Counts one call against the window. Only after `wait` was 0."""
        if self._limit is not None and self._end() <= now:
            self._open_window(now)
        self._asking = not self._known
        self._left -= 1
        return Ticket(window=self._window)

    def holds(self, ticket: Ticket, now: float) -> bool:
        """Whether a ticket's window is still open, so that the call may use it."""
        return self._limit is None or (ticket.window == self._window and self._end() > now)

    def give_back(self, ticket: Ticket) -> None:
        """Returns a ticket that was not used."""
        self._asking = False
        if ticket.window == self._window:
            self._left += 1

    def sent(self) -> None:
        """A call goes out; `answered` or `lost` follows."""
        self._unanswered += 1

    def answered(self, limit: RateLimit | None, *, received: float, refused: bool, wait: float | None = None) -> None:
        """Takes in what an answer announces; ``refused`` says that it was a 429, ``wait`` the seconds that its text names."""
        self._asking = False
        self._unanswered -= 1
        if limit is not None:
            self._announced(limit, received)
        elif not refused:
            self._known, self._limit = True, None
        if refused and (limit is not None or wait is not None):
            self._left = 0
            if wait is not None:
                self._refused_until = received + wait
            until = self._end() if wait is None else received + wait
            self._held_until = max(self._held_until, until if until != inf else 0.0, received + LEAST_HOLD)

    def lost(self) -> None:
        """A call got no answer that says anything about the limit."""
        self._asking = False
        self._unanswered -= 1

    def _announced(self, limit: RateLimit, received: float) -> None:
        limited = self._known and self._limit is not None
        self._known, self._limit = True, limit.limit
        self._see_length(limit, received)
        if limited and self._strays and self._precedes(limit.reset):
            self._strays -= 1
            self._left += 1
        elif limited and self._is_of_present(limit.reset):
            self._left = min(self._left, limit.remaining)
            if self._strays and limit.remaining > self._left_at_first:
                # It had counted before the call whose answer came first.
                self._strays -= 1
                self._left += 1
            if self._reset is None:
                # The others on their way may have counted sooner, in a window that nobody has told of.
                self._strays = self._unanswered
                self._announce_end(limit.reset, received)
        else:
            # A window that has begun unseen; or another process, or a clock that was set.
            self._begin(left=limit.remaining)
            self._announce_end(limit.reset, received)

    def _see_length(self, limit: RateLimit, received: float) -> None:
        """A call that a window counted first has most likely opened it."""
        ahead = self._clock.passed(limit.reset) - received
        if limit.remaining == limit.limit - 1 and ahead != inf:
            self._opened_length = max(self._opened_length, ahead)

    def _precedes(self, reset: float) -> bool:
        return reset <= self._last_reset + SAME_WINDOW if self._reset is None else reset < self._reset - SAME_WINDOW

    def _is_of_present(self, reset: float) -> bool:
        return not self._precedes(reset) and (self._reset is None or reset <= self._reset + SAME_WINDOW)

    def _open_window(self, now: float) -> None:
        """The window is over: the next call opens one of which only the limit is known."""
        self._begin(left=self._limit or 0)
        self._fallback_end = now + self._longest()

    def _begin(self, *, left: int) -> None:
        self._window += 1
        self._strays = self._unanswered
        self._left_at_first = left
        self._left = left - self._strays
        self._last_reset = self._last_reset if self._reset is None else self._reset
        self._reset = None
        self._refused_until = inf

    def _announce_end(self, reset: float, received: float) -> None:
        if reset > self._last_reset + SAME_WINDOW and self._last_reset != -inf:
            self._length = min(self._length, reset - self._last_reset)
        self._reset = reset
        self._fallback_end = received + self._longest()

    def _longest(self) -> float:
        return DEFAULT_WINDOW if self._length == inf else self._length + SAME_WINDOW

    def _end(self) -> float:
        """The end of the window by our clock, or a safe guess where no answer tells it; infinite while an answer is to come."""
        if self._reset is None:
            end = inf if self._unanswered else self._fallback_end
        else:
            end = self._clock.passed(self._reset)
            end = end if end != inf else self._fallback_end
        return min(end, self._refused_until)
