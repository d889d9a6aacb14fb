"""What a rate limit lets through: limits, and a ticket for each call that may go."""

from dataclasses import dataclass
from math import inf
from typing import Protocol

#: Rocket.Chat's default window, in seconds: assumed where nothing tells the server's time.
DEFAULT_WINDOW = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What ``X-RateLimit-*`` announce for the route that was called."""

    limit: int
    remaining: int
    reset: float
    """When the window ends, in seconds since the epoch by the server's clock (the header has milliseconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTime:
    """What the server's clock showed at some moment between a call and its answer, in seconds since the epoch."""

    earliest: float
    latest: float
    own: bool
    """Whether it was told by what keeps the windows or stores the documents; a ``Date`` may be a proxy's."""
    before: float = inf
    """The end of the window that the same answer announces: when the call was let through, the server's clock showed less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many calls of a route the server lets through."""

    calls: int
    window: float
    """In so many seconds."""
    certain: bool = True
    """Whether the window's length was seen; else it is the server's default."""


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

    def disproved(self, now: float) -> None:
        """A call was let through although there was no room for it: whatever closed the route is over."""

    def longest(self) -> float:
        """Seconds that the longest window seen so far has lasted; the server's default as long as none was seen."""
