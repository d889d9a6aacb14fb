"""When the next call of a route may go out, without a clock of its own: `now` is always the caller's monotonic seconds.

Rocket.Chat limits each route and method by fixed windows that everybody shares (Meteor's ``rate-limit``): the first window seen may be
short, refused calls count, ``X-RateLimit-Reset`` is the end of the window by the server's clock, and each process of a server counts for
itself. A `Gate` lets calls through as `windows` have room for them.
"""

from math import inf

from bulkjob.rocketchat.pacing.announced import AnnouncedWindows
from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.guessed import GuessedWindows
from bulkjob.rocketchat.pacing.lengths import WindowLength
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, Limit, OnTheirWay, RateLimit, Ticket, Windows

#: A refused call is not repeated sooner, in seconds, even if the server names a moment that is over; twice as long each time that goes on …
LEAST_HOLD = 0.05


#: … up to this.
LONGEST_HOLD = 5.0


#: Seconds for which a limit may let nothing through until waiting on helps nobody; twice the longest window seen, if that is more.
STARVING = 900.0


#: An announced end is doubted if it is further away by so many seconds than windows last; a ``Date`` does not tell it any better.
_UNSURE = 3.0


class Gate:
    """One route's place in the server's rate limit.

    A closed gate opens when the window ends that closed it; whoever has announced that end may be wrong (a proxy's clock, a reset years
    ahead). So nobody waits longer than the longest window that was seen without one call that tries.
    """

    def __init__(self, clock: ServerClock, length: WindowLength | None = None, *, exempt: bool = False) -> None:
        """``exempt``: the account is not limited, whatever is announced, until a call of this route has been refused."""
        self._clock = clock
        self._length = length or WindowLength(clock)
        self._exempt = exempt
        self._known = False
        self._windows: Windows | None = None
        """None where the route is not limited."""
        self._calls = OnTheirWay()
        self._held_until = -inf
        self._hold = LEAST_HOLD
        self._held_at = 0
        """How many calls had been sent when the route was last held: refusals of those say nothing new."""
        self._closed_since = self._closed_until = -inf
        """When somebody began to wait, or the last call tried, and until when the gate is closed."""
        self._tries = False
        """Whether the next call to go is one that tries."""
        self._trying: Ticket | None = None
        self._refused_since: float | None = None
        """When the first of the latest refusals came, since which nothing was let through."""

    @property
    def limit(self) -> Limit | None:
        """What the route allows, as far as it is known; None where no limit was announced, or none for this account."""
        return self._windows.limit() if self._windows and not self._exempt else None

    def exempts(self) -> None:
        """Lets calls through whatever is announced, until one of them has been refused."""
        self._exempt = True

    def at_once(self, calls: int) -> int:
        """How many of so many calls can be waited for together: one while nothing is known, and never more than a window allows."""
        if self._tries:
            return 1
        if self._exempt:
            return calls
        limit = self.limit
        return 1 if not self._known else min(calls, limit.calls) if limit else calls

    def wait(self, now: float, calls: int = 1) -> float:
        """Seconds until so many calls may go out: 0 for at once, infinite if the answer of a call on its way must come first.

        ``calls``: no more than `at_once`, which may be fewer once this was 0.
        """
        self._tries = False
        closed = self._closed_for(now, calls)
        if closed <= 0:
            self._closed_until = now
        if not 0 < closed < inf:
            return closed
        if now >= self._closed_until:
            self._closed_since = now
        self._closed_until = now + closed
        doubted = self._closed_since + self._longest() - now
        if doubted + _UNSURE >= closed:
            return closed
        if doubted > 0:
            return doubted
        self._tries = self._trying is None
        return 0.0 if self._tries else min(closed, self._longest())

    def _closed_for(self, now: float, calls: int) -> float:
        if self._held_until > now:
            return self._held_until - now
        if self._exempt:
            return 0.0
        if not self._known:
            return inf if len(self._calls) else 0.0
        if self._windows is None or self._windows.room(self._calls, now) >= calls:
            return 0.0
        return max(0.001, self._windows.opens(self._calls, now, calls) - now)

    def _longest(self) -> float:
        """How long to wait for an announced end, in seconds, before one call tries."""
        return self._windows.longest() if self._windows else DEFAULT_WINDOW

    def take(self, *, spare: bool = False) -> Ticket:
        """Leave to send one call. Only after `wait` was 0. ``spare``: for a call that may come later, or not at all."""
        ticket = self._calls.new(spare=spare)
        if self._tries:
            self._trying, self._tries = ticket, False
        return ticket

    def withdraws(self) -> bool:
        """Takes back a spare ticket where only spare ones keep others waiting, who might be the ones that they are kept for."""
        return not self._calls.unanswered and self._calls.withdraw()

    def claims(self, ticket: Ticket) -> bool:
        """Whether a ticket is still good, for a call that is about to go out: a spare one may have been taken back until then."""
        return self._calls.claim(ticket)

    def holds(self, ticket: Ticket, now: float) -> bool:
        """Whether a ticket may be used now: somebody else may have used up the window since it was taken."""
        if ticket == self._trying:
            return True
        if self._held_until > now:
            return False
        return self._exempt or self._windows is None or self._windows.room(self._calls, now) >= 0

    def give_back(self, ticket: Ticket) -> None:
        """Returns a ticket that was not used."""
        self._calls.give_back(ticket)
        if ticket == self._trying:
            self._trying = None

    def sent(self, ticket: Ticket, now: float) -> None:
        """A call goes out on its ticket; `answered`, `lost` or `unsent` follows."""
        self._calls.send(ticket, now)

    def answered(self, ticket: Ticket, limit: RateLimit | None, *, received: float, refused: bool, wait: float | None = None) -> None:
        """Takes in what an answer announces; ``refused`` says that it was a 429, ``wait`` the seconds that its text names."""
        sending, sent = self._calls.end(ticket)
        self._tried(ticket, received, passed=not refused)
        if limit is not None:
            if not isinstance(self._windows, AnnouncedWindows):
                self._windows = AnnouncedWindows(self._clock, self._length)
            held_by_window = self._windows.answered(limit, self._calls, sent=sent, received=received, refused=refused, wait=wait)
        else:
            held_by_window = self._unannounced(sent, received, refused=refused, wait=wait)
        if not refused:
            self._hold = LEAST_HOLD
            self._refused_since = None
        else:
            self._exempt = False
            self._refused_since = received if self._refused_since is None else self._refused_since
            if not held_by_window:
                self._hold_on(sending, received, wait)
        self._known = True

    def _tried(self, ticket: Ticket, now: float, *, passed: bool) -> None:
        if ticket != self._trying:
            return
        self._trying = None
        self._closed_since = now
        if passed:
            self._held_until = -inf
            if self._windows:
                self._windows.disproved(now)

    def starves(self, now: float) -> bool:
        """Whether the limit has let nothing through for too long."""
        return self._refused_since is not None and now - self._refused_since >= self.starving_after

    @property
    def starving_after(self) -> float:
        """Seconds after which a limit that lets nothing through is not waited for any longer."""
        return max(STARVING, 2 * self._longest())

    def lost(self, ticket: Ticket, now: float) -> None:
        """A call got no answer that says anything about the limit."""
        _, sent = self._calls.end(ticket)
        self._tried(ticket, now, passed=False)
        if self._windows:
            self._windows.lost(sent, now)

    def unsent(self, ticket: Ticket) -> None:
        """A call never left, so it counted nowhere: no connection was made for it."""
        self._calls.end(ticket)
        if ticket == self._trying:
            self._trying = None

    def _unannounced(self, sent: float, received: float, *, refused: bool, wait: float | None) -> bool:
        """Takes in an answer without headers; returns whether a window holds the route now."""
        if refused and wait is not None:
            if not isinstance(self._windows, GuessedWindows):
                self._windows = GuessedWindows()
            self._windows.refused(sent, received, wait)
            return True
        if refused:
            return False
        if isinstance(self._windows, GuessedWindows):
            self._windows.passed(sent, received)
        else:
            # This account is not limited, or not any longer.
            self._windows = None
        return True

    def _hold_on(self, sending: int, received: float, wait: float | None) -> None:
        """Holds a route whose refusals name no window that is still open."""
        if sending <= self._held_at:
            return
        self._held_at = self._calls.sendings
        self._held_until = max(self._held_until, received + (self._hold if wait is None else max(wait, LEAST_HOLD)))
        self._hold = min(2 * self._hold, LONGEST_HOLD)
