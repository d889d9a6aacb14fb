"""When the next call of a route may go out. No clock of its own: `now` is always the caller's monotonic seconds.

Rocket.Chat limits each route and method by fixed windows, which are the same for everybody (Meteor's ``rate-limit``). The first window that
we see may be nearly over, refused calls count, too, ``X-RateLimit-Reset`` tells the end of the window by the server's clock, and each
process of a server counts for itself. A `Gate` lets calls through while these windows have room.
"""

from math import inf

from bulkjob.rocketchat.pacing.announced import AnnouncedWindows
from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.guessed import GuessedWindows
from bulkjob.rocketchat.pacing.lengths import WindowLength
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, Limit, OnTheirWay, RateLimit, Ticket, Windows

#: A refused call waits at least so many seconds, even if the server names a moment that is past; twice as long after each further refusal …
LEAST_HOLD = 0.05


#: … up to this.
LONGEST_HOLD = 5.0


#: After so many seconds in which a limit lets nothing through, waiting is given up; after twice the longest window seen, if that is more.
STARVING = 900.0


#: An announced end is doubted if it is further away than windows last, by more than this many seconds: a ``Date`` is no more exact.
_UNSURE = 3.0


class Gate:
    """What the server's rate limit allows on one route.

    A closed gate opens at the end of the window that closed it. The announced end may be wrong (a proxy's clock, a reset years ahead), so
    after the time that the longest window has lasted, one call goes out as a try.
    """

    def __init__(self, clock: ServerClock, length: WindowLength | None = None, *, exempt: bool = False) -> None:
        """``exempt``: whatever is announced does not hold for the account, until a call of this route has been refused."""
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
        """How many calls had been sent when the route was last held: that these are refused, too, says nothing new."""
        self._closed_since = self._closed_until = -inf
        """When somebody began to wait, or the last try was made; and until when the gate is closed."""
        self._tries = False
        """Whether the next call is a try."""
        self._trying: Ticket | None = None
        self._refused_since: float | None = None
        """When the present series of refusals began; None if the last call was let through."""

    @property
    def limit(self) -> Limit | None:
        """What the route allows, as far as it is known; None if no limit was announced, or none holds for this account."""
        return self._windows.limit() if self._windows and not self._exempt else None

    def exempts(self) -> None:
        """Lets calls through whatever is announced, until one of them has been refused."""
        self._exempt = True

    def at_once(self, calls: int) -> int:
        """How many of these calls can be waited for together: one while nothing is known, and never more than a window allows."""
        if self._tries:
            return 1
        if self._exempt:
            return calls
        limit = self.limit
        return 1 if not self._known else min(calls, limit.calls) if limit else calls

    def wait(self, now: float, calls: int = 1) -> float:
        """Seconds until so many calls may go out: 0 for at once, infinite if a call that is on its way must be answered first.

        ``calls``: at most `at_once`. When this returns 0, ask `at_once` again: it may have become less.
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
        """Seconds to wait for an announced end before a call goes out as a try."""
        return self._windows.longest() if self._windows else DEFAULT_WINDOW

    def take(self, *, spare: bool = False) -> Ticket:
        """A ticket for one call; only after `wait` returned 0. ``spare``: the call may come later, or not at all."""
        ticket = self._calls.new(spare=spare)
        if self._tries:
            self._trying, self._tries = ticket, False
        return ticket

    def withdraws(self) -> bool:
        """Takes back a spare ticket if nothing but spare tickets keeps others waiting: their holders may be among those who wait."""
        return self._calls.withdraw()

    def claims(self, ticket: Ticket) -> bool:
        """Whether the ticket of a call that is about to go out is still good: a spare one may have been taken back meanwhile."""
        return self._calls.claim(ticket)

    def holds(self, ticket: Ticket, now: float) -> bool:
        """Whether a ticket may be used now: others may have used up the window since it was taken."""
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
        """Takes in what an answer announces. ``refused``: it was a 429; ``wait``: the seconds that its text names."""
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
        """Whether the limit has let nothing through for so long that waiting is given up."""
        return self._refused_since is not None and now - self._refused_since >= self.starving_after

    @property
    def starving_after(self) -> float:
        """Seconds after which waiting for a limit that lets nothing through is given up."""
        return max(STARVING, 2 * self._longest())

    def lost(self, ticket: Ticket, now: float) -> None:
        """A call got no answer, or one that says nothing about the limit."""
        _, sent = self._calls.end(ticket)
        self._tried(ticket, now, passed=False)
        if self._windows:
            self._windows.lost(sent, now)

    def unsent(self, ticket: Ticket) -> None:
        """A call never left, because no connection could be made: the server has not counted it."""
        self._calls.end(ticket)
        if ticket == self._trying:
            self._trying = None

    def _unannounced(self, sent: float, received: float, *, refused: bool, wait: float | None) -> bool:
        """Takes in an answer without the limit's headers; returns False if no window says how long a refused route is to be held."""
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
        """Holds the route for a while after a refusal that names no window which is still open."""
        if sending <= self._held_at:
            return
        self._held_at = self._calls.sendings
        self._held_until = max(self._held_until, received + (self._hold if wait is None else max(wait, LEAST_HOLD)))
        self._hold = min(2 * self._hold, LONGEST_HOLD)
