"""A limiter with fixed windows, as Meteor's ``rate-limit`` keeps them, and a world in which a gate is tried against it."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import inf, isfinite

from hypothesis import settings
from hypothesis import strategies as st

from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.gate import Gate
from bulkjob.rocketchat.pacing.tickets import RateLimit, Ticket

#: A whole second is lost in ``Date``; the rest is rounding and drift.
DATE_LOSES = 1.0
ROUNDING = 0.1

PLENTY = 5_000

#: A slow machine breaks no law.
law = settings(deadline=None)


@dataclass
class Limiter:
    """Counts calls by fixed windows that the server's clock measures; a call after a window's end begins the next."""

    limit: int
    window_ms: int
    began_ms: int
    counts: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def arrive(self, now_ms: int) -> tuple[bool, int, int]:
        """Whether a call passes, what the window has left, and when it ends."""
        if now_ms - self.began_ms > self.window_ms:
            self.began_ms, self.count = now_ms, 0
        self.count += 1
        self.counts[self.began_ms] = self.count
        return self.count <= self.limit, max(0, self.limit - self.count), self.began_ms + self.window_ms


@dataclass(frozen=True, kw_only=True)
class Told:
    """An answer."""

    ticket: Ticket
    sent: float
    passed: bool
    limit: RateLimit | None
    wait: float | None


@dataclass(kw_only=True)
class World:
    """One client with so many slots, a network, and a server with a clock of its own."""

    limit: int
    window: float
    concurrency: int
    journeys: list[tuple[float, float, float]]
    """Seconds to the server, in its handler, and back; used in turn."""
    calls: int = 40
    skew: float = 1.8e9
    drift: float = 0.0
    elapsed: float = 0.0
    """How old the server's window is when the client begins."""
    dated: bool = True
    texts: bool = True
    """Whether a 429 says in words how long to wait."""
    lost: frozenset[int] = frozenset()
    """Calls, by number, whose answer never comes: the client gives up after `patience`."""
    patience: float = 30.0
    strangers: list[float] = field(default_factory=list)
    """When calls of somebody else arrive."""
    stepped: tuple[float, float] = (inf, 0.0)
    """When the server's clock is set, and by how much."""
    headers: bool = True
    """Whether the announcements come through; a proxy may strip them."""
    others: tuple[float, ...] = ()
    """How old the windows of further processes are."""
    routing: tuple[int, ...] = ()
    """The process that each call goes to, used in turn; blank for one after the other."""

    refusals: int = 0
    latest_start: float = -inf
    """How long after the true end of a window its waiting ended, at worst."""
    ended: float = 0.0

    def __post_init__(self) -> None:
        self.now = 0.0
        self.pending, self.in_flight, self.sent = self.calls, 0, 0
        self.limiter = Limiter(self.limit, round(self.window * 1000), self.server_ms() - round(self.elapsed * 1000))
        further = [Limiter(self.limit, round(self.window * 1000), self.server_ms() - round(age * 1000)) for age in self.others]
        self.processes = [self.limiter, *further]
        self.refused_at: list[float] = []
        self.clock = ServerClock()
        self.gate = Gate(self.clock)
        self.order = count()
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        for moment in self.strangers:
            self.at(moment, self.intrude)

    def server_time(self) -> float:
        moment, step = self.stepped
        return self.skew + self.now * (1 + self.drift) + (step if self.now >= moment else 0.0)

    def server_ms(self) -> int:
        return int(self.server_time() * 1000)

    def at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self.events, (moment, next(self.order), event))

    def run(self) -> "World":
        """Until every call has been answered well, or has lost its answer."""
        for _ in range(PLENTY):
            wait = self.send()
            if not self.pending and not self.in_flight:
                self.ended = self.now
                return self
            moment = min(self.now + wait, self.events[0][0] if self.events else inf)
            assert isfinite(moment), "the gate waits for an answer, and none is on its way"
            self.now = max(self.now, moment)
            while self.events and self.events[0][0] <= self.now:
                heapq.heappop(self.events)[2]()
        raise AssertionError(f"not done after {PLENTY} steps: {self.pending} calls left at {self.now}")

    def send(self) -> float:
        """Sends what may go out; seconds until the gate lets the next one through, infinite if it waits for something else."""
        while self.pending and self.in_flight < self.concurrency:
            wait = self.gate.wait(self.now)
            if wait > 0:
                if isfinite(wait):
                    true_end = (self.limiter.began_ms / 1000 + self.window - self.skew) / (1 + self.drift)
                    self.latest_start = max(self.latest_start, self.now + wait - max(true_end, self.now))
                return wait
            ticket = self.gate.take()
            assert self.gate.holds(ticket, self.now)
            self.gate.sent(ticket, self.now)
            there, handled, back = self.journeys[self.sent % len(self.journeys)]
            self.at(self.now + there, partial(self.arrive, ticket, self.sent, self.now, handled, back))
            self.pending, self.in_flight, self.sent = self.pending - 1, self.in_flight + 1, self.sent + 1
        return inf

    def process(self, number: int) -> Limiter:
        place = self.routing[number % len(self.routing)] if self.routing else number
        return self.processes[place % len(self.processes)]

    def arrive(self, ticket: Ticket, number: int, sent: float, handled: float, back: float) -> None:
        passed, remaining, reset_ms = self.process(number).arrive(self.server_ms())
        told = RateLimit(limit=self.limit, remaining=remaining, reset=reset_ms / 1000) if self.headers else None
        wait = None if passed or not self.texts else float(-(-(reset_ms - self.server_ms()) // 1000))
        if number in self.lost:
            self.at(max(sent + self.patience, self.now), partial(self.lose, ticket))
        else:
            self.at(
                self.now + (handled if passed else 0.0),
                partial(self.answer, back, Told(ticket=ticket, sent=sent, passed=passed, limit=told, wait=wait)),
            )

    def intrude(self) -> None:
        self.limiter.arrive(self.server_ms())

    def answer(self, back: float, told: "Told") -> None:
        self.at(self.now + back, partial(self.receive, told, float(int(self.server_time()))))

    def receive(self, told: "Told", date: float) -> None:
        self.in_flight -= 1
        if told.limit and told.wait is not None:
            now = told.limit.reset - told.wait
            self.clock.observe(sent=told.sent, received=self.now, earliest=now, latest=now + 1.001, own=True)
        elif self.dated:
            self.clock.observe(sent=told.sent, received=self.now, earliest=date, latest=date + 1.2)
        self.gate.answered(told.ticket, told.limit, received=self.now, refused=not told.passed, wait=told.wait)
        if not told.passed:
            self.refused_at.append(self.now)
            self.refusals += 1
            self.pending += 1

    def lose(self, ticket: Ticket) -> None:
        self.in_flight -= 1
        self.gate.lost(ticket, self.now)


seconds = st.floats(0.001, 2.0)
journeys = st.lists(st.tuples(st.floats(0.001, 1.0), st.floats(0.0, 20.0), st.floats(0.001, 1.0)), min_size=1, max_size=12)
windows = st.one_of(st.floats(0.2, 2.0), st.sampled_from([10.0, 60.0, 300.0]))
limits = st.integers(1, 20)


def announced(*, remaining: int, reset: float, limit: int = 10) -> RateLimit:
    return RateLimit(limit=limit, remaining=remaining, reset=reset)


def known_clock(offset: float = 1000.0) -> ServerClock:
    """A clock that knows the server's time to the millisecond: ours plus `offset`."""
    clock = ServerClock()
    clock.observe(sent=0.0, received=0.0, earliest=offset, latest=offset + 0.001)
    return clock


def send(gate: Gate, now: float) -> Ticket:
    ticket = gate.take()
    gate.sent(ticket, now)
    return ticket


def open_gate(clock: ServerClock, *, remaining: int, reset: float, received: float = 0.0) -> Gate:
    gate = Gate(clock)
    gate.answered(send(gate, received), announced(remaining=remaining, reset=reset), received=received, refused=False)
    return gate


def spend(gate: Gate, now: float) -> list[Ticket]:
    """The calls that may go out at once."""
    sent: list[Ticket] = []
    while len(sent) < PLENTY and gate.wait(now) <= 0:
        sent.append(send(gate, now))
    return sent
