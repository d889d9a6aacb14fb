"""Ends of windows that are in doubt, and accounts that are exempt."""

import pytest

from bulkjob.rocketchat.pacing.clock import ServerClock
from bulkjob.rocketchat.pacing.gate import STARVING, Gate
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW
from tests.support.limiters import PLENTY, announced, known_clock, open_gate, send, spend

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


@pytest.mark.parametrize("ends", ["lost", "given back", "unsent"])
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
    elif ends == "unsent":
        gate.sent(trying, 60.0)
        gate.unsent(trying)
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
