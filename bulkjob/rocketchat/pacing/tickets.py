"""Limits as a server announces them, and the tickets on which calls go out."""

from dataclasses import dataclass
from math import inf
from typing import Protocol

import msgspec

#: Rocket.Chat's default window, in seconds: assumed where nothing tells the server's time.
DEFAULT_WINDOW = 60.0


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What ``X-RateLimit-*`` announce for the route that was called."""

    limit: int
    remaining: int
    reset: float
    """When the window ends, in seconds since the epoch by the server's clock (the header has milliseconds)."""


class ServerTime(msgspec.Struct, frozen=True, kw_only=True):
    """What the server's clock showed at some moment between a call and its answer, in seconds since the epoch."""

    earliest: float
    latest: float
    own: bool
    """Whether it was told by what keeps the windows or stores the documents; a ``Date`` may come from a proxy."""
    before: float = inf
    """The end of the window that the answer announces: the server's clock showed less when it let the call through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many calls of a route the server lets through in a window."""

    calls: int
    window: float
    """How long the window lasts, in seconds."""
    certain: bool = True
    """Whether that was seen; otherwise it is assumed: the server's default, or more where more was seen to be left of one."""


class Ticket(msgspec.Struct, frozen=True):
    """The right to send one call."""

    number: int


class OnTheirWay:
    """The calls of a route that may still count in a window: those that have a ticket, and those that wait for their answer."""

    def __init__(self) -> None:
        self._numbered = 0
        self._tickets: set[Ticket] = set()
        self._spare: dict[Ticket, None] = {}
        """Those for calls that may come later or not at all, in the order in which they were taken."""
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
        """How many of them were sent after the first ``sendings`` calls, or are still to be sent."""
        return len(self._tickets) + sum(number > sendings for number, _ in self._sent.values())

    def claim(self, ticket: Ticket) -> bool:
        """Returns whether a ticket is still good; from now on it is no longer spare, as its call is about to go out."""
        self._spare.pop(ticket, None)
        return ticket in self._tickets

    def new(self, *, spare: bool = False) -> Ticket:
        """A new ticket."""
        self._numbered += 1
        ticket = Ticket(self._numbered)
        self._tickets.add(ticket)
        if spare:
            self._spare[ticket] = None
        return ticket

    def give_back(self, ticket: Ticket) -> None:
        """Takes back a ticket; nothing happens if it was used."""
        self._tickets.discard(ticket)
        self._spare.pop(ticket, None)

    def withdraw(self) -> bool:
        """Takes back the spare ticket that was taken last; returns whether it did.

        Not while a call is on its way, or about to be: its answer may make room, and its sender waits for no turn of this route.
        """
        if not self._spare or self._sent or len(self._tickets) > len(self._spare):
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
        """A call is no longer on its way; returns its number among all calls sent, and when it was sent."""
        return self._sent.pop(ticket)


class Windows(Protocol):
    """What a gate asks of a route's windows, however they came to be known."""

    def limit(self) -> Limit | None:
        """What the route allows, as far as it is known."""

    def room(self, calls: OnTheirWay, now: float) -> int:
        """How many more calls may be sent, beside those on their way, so that none is refused."""

    def opens(self, calls: OnTheirWay, now: float, wanted: int) -> float:
        """When there will be room for so many calls, unless an answer makes some sooner; infinite if only an answer can tell."""

    def lost(self, sent: float, now: float) -> None:
        """A call has ended, and nobody knows whether it counted, and in which window."""

    def disproved(self, now: float) -> None:
        """A call was let through although there was no room for it: the window that closed the route is over."""

    def longest(self) -> float:
        """How many seconds the longest window seen so far has lasted; the server's default until one was seen."""
