"""The gate against a limiter of its own, simulated here: fixed windows as Meteor's ``rate-limit`` keeps them."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from math import inf, isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.rocketchat.pacing.clock import DRIFT, ServerClock
from bulkjob.rocketchat.pacing.gate import LEAST_HOLD, LONGEST_HOLD, STARVING, Gate
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, RateLimit, Ticket

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


@law
@given(
    limit=limits,
    window=windows,
    concurrency=st.integers(1, 32),
    journeys=journeys,
    skew=st.sampled_from([0.0, 1.8e9, 1.8e9 + 7 * 3600, 1.8e9 - 7 * 3600]),
    drift=st.floats(-DRIFT, DRIFT),
    age=st.floats(0.0, 1.0),
)
def test_alone_no_call_is_refused(
    *, limit: int, window: float, concurrency: int, journeys: list[tuple[float, float, float]], skew: float, drift: float, age: float
) -> None:
    """Whoever is alone on a route is never refused, at any concurrency, latency, window and difference of the clocks.

    Only while no window of more than the default was seen, one call tries each time that the default has gone by.
    """
    world = World(limit=limit, window=window, concurrency=concurrency, journeys=journeys, skew=skew, drift=drift, elapsed=window * age)
    assert world.run().refusals <= (0 if window <= DEFAULT_WINDOW else window / DEFAULT_WINDOW)


@law
@given(
    limit=limits, window=windows, concurrency=st.integers(1, 32), journeys=journeys, drift=st.floats(-DRIFT, DRIFT), age=st.floats(0.0, 1.0)
)
def test_a_wait_ends_as_soon_as_the_clock_is_sure(
    *, limit: int, window: float, concurrency: int, journeys: list[tuple[float, float, float]], drift: float, age: float
) -> None:
    """A wait outlasts the window by no more than what ``Date`` and the way back leave uncertain."""
    world = World(limit=limit, window=window, concurrency=concurrency, journeys=journeys, drift=drift, elapsed=window * age).run()
    assert world.latest_start <= DATE_LOSES + max(back for _, _, back in journeys) + ROUNDING


@pytest.mark.parametrize("concurrency", [1, 8])
def test_every_window_is_used_up(concurrency: int) -> None:
    """A hundred calls at ten a minute take nine full windows after the first, and hardly more."""
    world = World(limit=10, window=60.0, concurrency=concurrency, journeys=[(0.02, 0.05, 0.02)], calls=100).run()
    assert (world.refusals, world.ended < 9 * 61.2) == (0, True)


@law
@given(window=st.floats(0.2, DEFAULT_WINDOW - 3), concurrency=st.integers(1, 16), journeys=journeys)
def test_without_a_date_the_default_window_is_waited_for(
    window: float, concurrency: int, journeys: list[tuple[float, float, float]]
) -> None:
    """Where no answer tells the server's time, nothing is refused as long as the window is no longer than Rocket.Chat's own."""
    assert World(limit=5, window=window, concurrency=concurrency, journeys=journeys, calls=25, dated=False).run().refusals == 0


def test_without_a_date_a_longer_window_is_learnt() -> None:
    """Where no answer tells the server's time, a window longer than the default is refused once, and then known."""
    world = World(limit=5, window=300.0, concurrency=4, journeys=[(0.02, 0.05, 0.02)], calls=60, dated=False).run()
    assert world.refusals <= 2 * 4


@law
@given(
    window=windows,
    concurrency=st.integers(1, 8),
    journeys=journeys,
    texts=st.booleans(),
    every=st.floats(0.05, 3.0),
    drift=st.floats(-DRIFT, DRIFT),
)
def test_a_second_client_costs_refusals_at_most(
    *, window: float, concurrency: int, journeys: list[tuple[float, float, float]], texts: bool, every: float, drift: float
) -> None:
    """Somebody else's calls in the same windows lead to refusals, never to a gate that stays shut."""
    strangers = [every * number for number in range(200)]
    world = World(limit=10, window=window, concurrency=concurrency, journeys=journeys, texts=texts, drift=drift, strangers=strangers)
    assert world.run().ended > 0


@law
@given(window=windows, concurrency=st.integers(1, 8), lost=st.frozensets(st.integers(0, 39)), journeys=journeys, dated=st.booleans())
def test_lost_answers_do_not_shut_the_gate(
    *, window: float, concurrency: int, lost: frozenset[int], journeys: list[tuple[float, float, float]], dated: bool
) -> None:
    """However many answers get lost, the gate opens again."""
    world = World(limit=10, window=window, concurrency=concurrency, journeys=journeys, lost=lost, dated=dated)
    assert world.run().ended <= 40 * (world.patience + max(window, DEFAULT_WINDOW) + 24)


@law
@given(step=st.sampled_from([-7200.0, -30.0, 30.0, 7200.0]), moment=st.floats(1.0, 300.0), concurrency=st.integers(1, 8))
def test_a_server_whose_clock_is_set_is_followed(step: float, moment: float, concurrency: int) -> None:
    """The server's clock may be set by hours: the gate does not wait for a time that will not come."""
    world = World(limit=10, window=60.0, concurrency=concurrency, journeys=[(0.02, 0.05, 0.02)], stepped=(moment, step))
    # Set back, it refuses until it shows the same time again: one call tries each time that a window has gone by.
    tries = max(-step, 0.0) / DEFAULT_WINDOW + 1
    assert (world.run().ended < 3 * 7200 + 300, world.refusals <= 4 * concurrency + tries) == (True, True)


ages = st.lists(st.floats(0.0, 60.0), min_size=1, max_size=4)


@law
@given(ages=ages, routing=st.lists(st.integers(0, 4), max_size=60), concurrency=st.integers(1, 32), journeys=journeys, limit=limits)
def test_several_processes_refuse_nothing(
    *, ages: list[float], routing: list[int], concurrency: int, journeys: list[tuple[float, float, float]], limit: int
) -> None:
    """Behind several processes, each with windows of its own, whoever is alone is never refused, whichever call goes to which of them."""
    world = World(
        limit=limit, window=60.0, concurrency=concurrency, journeys=journeys, calls=100, others=tuple(ages), routing=tuple(routing)
    )
    assert world.run().refusals == 0


@law
@given(ages=ages, concurrency=st.integers(1, 16), limit=st.integers(5, 20), window=st.sampled_from([20.0, 60.0]))
def test_several_processes_let_more_through(*, ages: list[float], concurrency: int, limit: int, window: float) -> None:
    """Where calls go to the processes in turn, what each has left is used: nearly as many calls a window as all of them allow together."""
    ages = [age % window for age in ages]
    calls = 10 * limit
    world = World(limit=limit, window=window, concurrency=concurrency, journeys=[(0.02, 0.05, 0.02)], calls=calls, others=tuple(ages)).run()
    at_once = (len(ages) + 1) * limit - 2 * len(ages)
    assert world.refusals == 0
    assert world.ended <= (calls / at_once + 1) * (window + DATE_LOSES + ROUNDING)


def test_processes_that_were_started_together_are_used_side_by_side() -> None:
    """Three processes whose first windows end at the same moment are still seen not to be one: what is left is what the answers say."""
    world = World(limit=10, window=60.0, concurrency=4, journeys=[(0.02, 0.05, 0.02)], calls=28, others=(0.0, 0.0)).run()
    assert (world.refusals, world.ended < 30) == (0, True)


@law
@given(every=st.floats(0.5, 5.0), ages=ages, concurrency=st.integers(1, 16))
def test_a_second_client_behind_several_processes(*, every: float, ages: list[float], concurrency: int) -> None:
    """Somebody else who uses up one of several processes slows the gate down, and it neither stays shut nor runs against refusals."""
    strangers = [every * number for number in range(400)]
    world = World(
        limit=10, window=60.0, concurrency=concurrency, journeys=[(0.02, 0.05, 0.02)], calls=60, others=tuple(ages), strangers=strangers
    ).run()
    assert world.refusals <= (concurrency + 3) * (world.ended / 60 + 2)
    assert world.ended <= every * 400 + 7 * 62


# ----------------------------------------------------------------------------------------------- without announcements


@law
@given(limit=st.integers(2, 20), window=st.sampled_from([5.0, 20.0, 60.0]), concurrency=st.integers(1, 16), age=st.floats(0.0, 0.9))
def test_stripped_headers_are_made_up_for(*, limit: int, window: float, concurrency: int, age: float) -> None:
    """Where a proxy strips the headers, the first two windows end in refusals, and hardly any later one."""
    calls = limit * 12
    world = World(
        limit=limit,
        window=window,
        concurrency=concurrency,
        journeys=[(0.02, 0.05, 0.02)],
        calls=calls,
        headers=False,
        dated=False,
        elapsed=window * age,
    ).run()
    assert len([moment for moment in world.refused_at if moment > 2.5 * window + 3]) <= 2
    assert world.refusals <= 2 * concurrency + 2
    assert world.ended <= 14 * (window + 2)


@law
@given(every=st.floats(0.3, 5.0), concurrency=st.integers(1, 8), moment=st.floats(0.0, 300.0))
def test_a_second_client_without_headers(*, every: float, concurrency: int, moment: float) -> None:
    """A guess that somebody else spoilt is corrected: once they are gone, the windows are used again."""
    strangers = [every * number for number in range(200) if every * number < moment]
    world = World(
        limit=10, window=20.0, concurrency=concurrency, journeys=[(0.02, 0.05, 0.02)], calls=200, headers=False, strangers=strangers
    ).run()
    assert world.ended <= moment + 200 / 10 * 22 * 2


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


def test_one_call_asks_first() -> None:
    """While nothing is known of a route's limit, one call is sent alone to ask."""
    gate = Gate(ServerClock())
    assert (len(spend(gate, 0.0)), gate.wait(0.0)) == (1, inf)


def test_without_announcements_nothing_is_held() -> None:
    """An answer without the headers says that this account is not limited."""
    gate = Gate(ServerClock())
    gate.answered(send(gate, 0.0), None, received=0.1, refused=False)
    assert len(spend(gate, 0.1)) == PLENTY
    assert gate.limit is None


def test_a_short_first_window_is_taken_as_it_is() -> None:
    """The first window seen began before the job: what others left of it is used, and its early end too."""
    gate = open_gate(known_clock(), remaining=3, reset=1005.0)
    sent = spend(gate, 0.5)
    assert len(sent) == 3
    for left, ticket in zip((2, 1, 0), sent, strict=True):
        gate.answered(ticket, announced(remaining=left, reset=1005.0), received=0.6, refused=False)
    assert gate.wait(0.6) == pytest.approx(4.4, abs=0.01)
    assert len(spend(gate, 5.1)) == 10


def test_a_late_answer_does_not_reopen_a_window() -> None:
    """A slow call's answer, which still announces the window before, gives no leave to send in the present one again."""
    gate = open_gate(known_clock(), remaining=9, reset=1060.0)
    slow = send(gate, 59.0)
    sent = spend(gate, 60.1)
    assert len(sent) == 9  # the slow one may yet arrive in this window
    for left, ticket in zip(range(9, 0, -1), sent, strict=True):
        gate.answered(ticket, announced(remaining=left, reset=1120.2), received=60.3, refused=False)
    gate.answered(slow, announced(remaining=8, reset=1060.0), received=65.0, refused=False)
    assert len(spend(gate, 65.0)) == 1


def test_calls_on_their_way_count_in_a_window_that_began_unseen() -> None:
    """An answer that announces a new window leaves room for the calls that are still on their way into it."""
    gate = open_gate(known_clock(), remaining=9, reset=1060.0)
    first, *_ = [send(gate, 59.9) for _ in range(5)]
    gate.answered(first, announced(remaining=9, reset=1120.05), received=60.06, refused=False)
    assert len(spend(gate, 60.06)) == 5


def test_a_ticket_outlives_its_window() -> None:
    """A turn that was taken in a window counts in the next, if it is used only then."""
    gate = open_gate(known_clock(), remaining=9, reset=1060.0)
    ticket = gate.take()
    assert gate.holds(ticket, 59.0)
    assert gate.holds(ticket, 60.1)
    assert len(spend(gate, 60.1)) == 9
    gate.give_back(ticket)
    assert len(spend(gate, 60.1)) == 1


def test_a_ticket_that_others_used_up_does_not_hold() -> None:
    """A turn is not to be used if somebody else has used up the window since it was taken; returned, it makes the others hold."""
    gate = open_gate(known_clock(), remaining=9, reset=1060.0)
    spare, ticket, asking = gate.take(), gate.take(), send(gate, 1.0)
    gate.answered(asking, announced(remaining=1, reset=1060.0), received=1.1, refused=False)
    assert not gate.holds(ticket, 1.1)
    gate.give_back(spare)
    assert gate.holds(ticket, 1.1)


def test_a_returned_ticket_is_somebody_elses() -> None:
    """A turn that is given back can be taken again."""
    gate = open_gate(known_clock(), remaining=1, reset=1060.0)
    ticket = gate.take()
    assert gate.wait(1.0) > 0
    gate.give_back(ticket)
    assert len(spend(gate, 1.0)) == 1


def test_another_process_neither_opens_nor_shuts_a_window() -> None:
    """An answer that announces another end is another process's: the first one's count stands, and both must have room."""
    gate = open_gate(known_clock(), remaining=2, reset=1060.0)
    gate.answered(send(gate, 1.0), announced(remaining=7, reset=1040.0), received=1.1, refused=False)
    assert len(spend(gate, 1.1)) == 2


def test_the_process_that_is_used_up_is_waited_for() -> None:
    """While one of several processes has nothing left, a call might come to it: the gate waits for this one's end and no other's."""
    gate = open_gate(known_clock(), remaining=7, reset=1060.0)
    gate.answered(send(gate, 1.0), announced(remaining=0, reset=1040.0), received=1.1, refused=False)
    assert gate.wait(1.1) == pytest.approx(38.9, abs=0.02)
    assert len(spend(gate, 40.1)) == 7


@pytest.mark.parametrize("known", [True, False], ids=["later call", "first call"])
def test_a_reset_that_is_over_is_not_hammered(*, known: bool) -> None:
    """Refusals that name a moment in the past and no time to wait are repeated more and more rarely, and at least every few seconds."""
    gate = open_gate(known_clock(), remaining=9, reset=1060.0) if known else Gate(known_clock())
    holds = []
    now = 1.0
    for _ in range(12):
        gate.answered(send(gate, now), announced(remaining=0, reset=900.0), received=now, refused=True)
        holds.append(gate.wait(now))
        now += holds[-1] + 1e-9
    assert holds[0] == pytest.approx(LEAST_HOLD)
    assert all(later >= sooner - 1e-6 for sooner, later in pairwise(holds))
    assert holds[-1] == pytest.approx(LONGEST_HOLD)
    gate.answered(send(gate, now), announced(remaining=5, reset=1100.0), received=now, refused=False)
    gate.answered(send(gate, now), announced(remaining=0, reset=900.0), received=now, refused=True)
    assert gate.wait(now) == pytest.approx(LEAST_HOLD)


def test_calls_that_are_refused_together_hold_once() -> None:
    """Many calls that are refused at the same time make the hold no longer than one of them would."""
    gate = open_gate(known_clock(), remaining=9, reset=1060.0)
    for ticket in spend(gate, 1.0):
        gate.answered(ticket, announced(remaining=0, reset=900.0), received=1.1, refused=True)
    assert gate.wait(1.1) == pytest.approx(LEAST_HOLD)


def test_a_refusal_in_words_holds_the_route() -> None:
    """A refusal without headers holds its route for the seconds that its text names, and no longer."""
    gate = Gate(ServerClock())
    gate.answered(send(gate, 0.0), None, received=1.0, refused=True, wait=7.0)
    assert gate.wait(1.0) == pytest.approx(7.0)
    assert gate.wait(8.1) == 0.0


def test_a_refusal_without_a_date_ends_when_its_text_says() -> None:
    """Where nothing tells the server's time, the seconds in a refusal's text do."""
    gate = open_gate(ServerClock(), remaining=9, reset=1060.0)
    gate.answered(send(gate, 1.0), announced(remaining=0, reset=1060.0), received=1.1, refused=True, wait=3.0)
    assert gate.wait(4.0) == pytest.approx(0.1)
    assert gate.wait(4.2) == 0.0


def test_a_lost_first_call_lets_another_ask() -> None:
    """The call that asked for the limit may get lost: then the next one asks."""
    gate = Gate(ServerClock())
    gate.lost(send(gate, 0.0), 1.0)
    assert gate.wait(1.0) == 0.0


@law
@given(offset=st.floats(-1e5, 1e5), calls=st.lists(st.tuples(seconds, seconds), min_size=1, max_size=30), drift=st.floats(-DRIFT, DRIFT))
def test_passed_is_never_early(offset: float, calls: list[tuple[float, float]], drift: float) -> None:
    """What the clock says has passed has passed, whatever the answers took; and it is late by the uncertainty at most."""

    def server(now: float) -> float:
        return 1e6 + offset + now * (1 + drift)

    clock, now = ServerClock(), 0.0
    assert clock.passed(1.0) == inf
    for there, back in calls:
        sent, made, now = now, now + there, now + there + back
        date = float(int(server(made)))
        clock.observe(sent=sent, received=now, earliest=date, latest=date + 1.2)
        for ahead in (1.0, 60.0, 300.0):
            target = server(now) + ahead
            assert server(clock.passed(target)) >= target
            assert clock.passed(target) <= now + ahead + DATE_LOSES + back + ROUNDING
        now += 10.0


def test_a_clock_allows_for_drift() -> None:
    """What was exact five minutes ago is exact no longer: the server's clock may have run more slowly than ours."""
    assert known_clock(1000.0).passed(1300.0) * (1 - DRIFT) >= 300.0


def test_a_stamp_narrows_what_a_date_leaves_open() -> None:
    """A time to the millisecond makes the wait exact."""
    clock = ServerClock()
    clock.observe(sent=0.0, received=0.1, earliest=1000.0, latest=1001.2)
    assert clock.passed(1060.0) == pytest.approx(60.1, abs=0.02)
    clock.observe(sent=5.0, received=5.05, earliest=1005.8, latest=1005.801)
    assert clock.passed(1060.0) == pytest.approx(59.25, abs=0.02)


def test_a_proxys_date_does_not_spoil_what_the_server_said() -> None:
    """A ``Date`` that contradicts what the server itself has told of its time is a proxy's, and not believed."""
    clock = ServerClock()
    clock.observe(sent=0.0, received=0.1, earliest=1000.0, latest=1000.001, own=True)
    clock.observe(sent=1.0, received=1.1, earliest=900.0, latest=901.2)
    assert clock.passed(1060.0) == pytest.approx(60.1, abs=0.02)
    clock.observe(sent=2.0, received=2.1, earliest=2000.0, latest=2000.001, own=True)
    assert clock.passed(2060.0) == pytest.approx(62.1, abs=0.02)


# ---------------------------------------------------------------------------------------------------------- ends in doubt


FAR = 1000.0 + 365 * 86_400.0


def refused_gate(reset: float, *, wait: float | None = None) -> Gate:
    """A gate whose first call was refused at 0.0, by a server whose clock shows 1000."""
    gate = Gate(known_clock())
    gate.answered(send(gate, 0.0), announced(remaining=0, reset=reset), received=0.0, refused=True, wait=wait)
    return gate


@pytest.mark.parametrize("wait", [None, 365 * 86_400.0], ids=["by its header", "in words"])
def test_nobody_waits_for_years(wait: float | None) -> None:
    """A reset that is years ahead is waited for as long as a window lasts, then one call tries, and so on after each such time."""
    gate, now = refused_gate(FAR, wait=wait), 0.0
    for _ in range(5):
        assert gate.wait(now) == pytest.approx(DEFAULT_WINDOW)
        now += DEFAULT_WINDOW
        (trying,) = spend(gate, now)
        assert gate.wait(now) > 0
        gate.answered(trying, announced(remaining=0, reset=FAR), received=now, refused=True, wait=wait)


def test_a_proxys_years_are_not_waited_for() -> None:
    """A wait without headers, in words or in ``Retry-After``, is doubted in the same way."""
    gate = Gate(ServerClock())
    gate.answered(send(gate, 0.0), None, received=0.0, refused=True, wait=1e9)
    assert gate.wait(0.0) == pytest.approx(DEFAULT_WINDOW)
    (trying,) = spend(gate, DEFAULT_WINDOW)
    gate.answered(trying, None, received=DEFAULT_WINDOW, refused=False)
    assert gate.wait(DEFAULT_WINDOW) == 0.0


def test_a_try_that_is_let_through_opens_the_route() -> None:
    """Once a call was let through, the end that was announced was wrong: the others follow, by what its answer announces."""
    gate = refused_gate(FAR)
    gate.wait(0.0)
    (trying,) = spend(gate, 60.0)
    assert gate.holds(trying, 60.0)
    gate.answered(trying, announced(remaining=9, reset=1120.0), received=60.1, refused=False)
    assert len(spend(gate, 60.1)) == 9


@pytest.mark.parametrize("ends", ["lost", "given back"])
def test_a_try_that_came_to_nothing_is_made_again(ends: str) -> None:
    """A try whose answer is lost is made again after another window's time; one that never went out, at once."""
    gate = refused_gate(FAR)
    gate.wait(0.0)
    assert gate.wait(60.0) == 0
    trying = gate.take()
    assert gate.wait(60.0) > 0
    if ends == "given back":
        gate.give_back(trying)
        assert gate.wait(60.0) == 0
    else:
        gate.sent(trying, 60.0)
        gate.lost(trying, 61.0)
        assert gate.wait(61.0) == pytest.approx(DEFAULT_WINDOW)


def test_an_end_is_doubted_by_the_windows_that_were_seen() -> None:
    """Once the ends of two windows were seen, theirs is the time after which a call tries; a far end teaches nothing."""
    gate = open_gate(known_clock(), remaining=0, reset=1002.0)
    gate.wait(0.5)
    gate.answered(send(gate, 2.1), announced(remaining=0, reset=1004.0), received=2.1, refused=False)
    gate.wait(2.2)
    gate.answered(send(gate, 4.1), announced(remaining=0, reset=FAR), received=4.1, refused=False)
    assert gate.wait(4.1) == pytest.approx(2.0)


def test_a_longer_window_is_learnt() -> None:
    """Where windows last longer than the default, the second of them is waited for as long as it lasts."""
    gate = open_gate(known_clock(), remaining=0, reset=1300.0)
    gate.wait(0.5)
    gate.answered(send(gate, 300.1), announced(remaining=0, reset=1600.1), received=300.1, refused=False)
    assert gate.wait(300.2) == pytest.approx(300.0, abs=0.1)


def test_a_limit_that_lets_nothing_through_starves_in_time() -> None:
    """After a quarter of an hour of refusals, or twice the longest window seen, waiting helps nobody."""
    gate = refused_gate(FAR)
    assert (gate.starves(STARVING - 1), gate.starves(STARVING)) == (False, True)
    slow = open_gate(known_clock(), remaining=0, reset=1600.0)
    slow.wait(0.5)
    slow.answered(send(slow, 600.1), announced(remaining=0, reset=2200.0), received=600.1, refused=True)
    assert (slow.starves(600.1 + 1199.0), slow.starves(600.1 + 1201.0)) == (False, True)


# ----------------------------------------------------------------------------------------------------------------- exempt


def test_an_exempt_account_is_not_held_up_by_announcements() -> None:
    """An account that bypasses the limit sends as it likes, from its first call on, whatever is announced to it."""
    gate = Gate(known_clock(), exempt=True)
    first, *others = spend(gate, 0.0)
    assert len(others) == PLENTY - 1
    gate.answered(first, announced(remaining=0, reset=1060.0), received=0.1, refused=False)
    ticket = gate.take()
    assert (gate.wait(0.2), gate.at_once(2), gate.limit, gate.holds(ticket, 0.2)) == (0.0, 2, None, True)


def test_an_account_that_is_refused_is_not_exempt() -> None:
    """From its first refusal on, the announced windows hold for such an account, too."""
    gate = Gate(known_clock())
    gate.answered(send(gate, 0.0), announced(remaining=0, reset=1060.0), received=0.1, refused=False)
    assert gate.wait(0.1) > 0
    gate.exempts()
    gate.answered(send(gate, 1.0), announced(remaining=0, reset=1060.0), received=1.1, refused=True, wait=59.0)
    assert gate.wait(1.1) == pytest.approx(59.0, abs=0.1)
    assert gate.limit is not None


def test_two_turns_are_waited_for_together() -> None:
    """Whoever needs two turns waits until there is room for both, so that nobody holds one while waiting for another."""
    gate = open_gate(known_clock(), remaining=1, reset=1060.0)
    assert gate.at_once(2) == 2
    assert gate.wait(1.0) == 0
    assert gate.wait(1.0, 2) == pytest.approx(59.0, abs=0.02)
    assert gate.wait(60.1, 2) == 0


def test_two_turns_are_one_where_a_window_has_no_more() -> None:
    """A limit of one call, or a route of which nothing is known, gives one turn at a time; a route without a limit gives both."""
    single = Gate(known_clock())
    assert single.at_once(2) == 1
    single.answered(send(single, 0.0), announced(remaining=0, reset=1060.0, limit=1), received=0.1, refused=False)
    assert single.at_once(2) == 1
    assert single.wait(60.1, single.at_once(2)) == 0
    free = Gate(ServerClock())
    free.answered(send(free, 0.0), None, received=0.1, refused=False)
    assert (free.at_once(2), free.wait(0.1, 2)) == (2, 0.0)
