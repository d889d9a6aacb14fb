"""The gate against a limiter that announces nothing."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.rocketchat.pacing.clock import DRIFT, ServerClock
from bulkjob.rocketchat.pacing.gate import LEAST_HOLD, LONGEST_HOLD, Gate
from tests.support.limiters import DATE_LOSES, PLENTY, ROUNDING, World, announced, known_clock, law, open_gate, seconds, send, spend


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
