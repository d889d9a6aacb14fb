"""How measurements are told: medians, ratios of neighbours, exponents, aims."""

import pytest

from benchmarks.figures import Aim, Figure, Spread, exponent, ratios, seconds, spread_of


def test_spread_is_the_median_and_the_middle_half() -> None:
    """A quarter of the values lies below it and a quarter above; one value alone is all three."""
    assert spread_of([5, 1, 4, 2, 3]) == Spread(2, 3, 4)
    assert spread_of([7]) == Spread(7, 7, 7)
    assert spread_of([1, 3]) == Spread(1.5, 2, 2.5)


def test_ratios_are_those_of_neighbours() -> None:
    """A machine that is three times slower for a while changes both of a pair, and not their ratio."""
    assert ratios([2, 6, 2], [1, 3, 1]) == Spread(2, 2, 2)
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponent_is_the_power_of_the_growth(power: float) -> None:
    """What grows with a power of the size is told by that power, whatever it costs to begin with."""
    assert exponent([(size, 3 * size**power) for size in (10, 100, 1000)]) == pytest.approx(power)


def test_told_as_people_read_it() -> None:
    """With as many digits as say something, and without a spread where there is none."""
    assert Spread(1.1, 1.16, 1.2).told() == "1.16 (1.10 to 1.20)"
    assert Spread(1.1, 1.16, 1.2).told(bold=True) == "**1.16** (1.10 to 1.20)"
    assert Spread(1, 1, 1).told() == "1.00"
    assert Spread(1200, 1234.5, 1300).told(0) == "1,234 (1,200 to 1,300)"
    assert [seconds(value) for value in (0.0123, 3.4, 382.1)] == ["12 ms", "3.40 s", "382 s"]


@pytest.mark.parametrize(
    ("value", "aim", "met", "told"),
    [
        (1.3, Aim(1.3), True, "≤ 1.3"),
        (1.31, Aim(1.3), False, "≤ 1.3"),
        (0.75, Aim(0.75, at_least=True), True, "≥ 0.75"),
        (0.74, Aim(0.75, at_least=True), False, "≥ 0.75"),
        # What is told as the aim meets it.
        (1.3049, Aim(1.3), True, "≤ 1.3"),
    ],
)
def test_an_aim_is_met_or_not(value: float, aim: Aim, told: str, *, met: bool) -> None:
    """By the median, in the digits that are told, whichever side of the aim is the good one."""
    assert Figure(what="a write", spread=spread_of([value]), aim=aim).met is met
    assert aim.told() == told


def test_shares_of_both_kinds_of_aim_are_alike() -> None:
    """What takes twice what is allowed has a share of two, whichever way the aim goes."""
    assert Aim(2).share(4) == Aim(1, at_least=True).share(0.5) == 2
