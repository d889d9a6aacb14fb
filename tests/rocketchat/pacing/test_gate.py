"""The gate against a limiter that announces its windows, simulated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.rocketchat.pacing.clock import DRIFT
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW
from tests.support.limiters import DATE_LOSES, ROUNDING, World, journeys, law, limits, windows


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
