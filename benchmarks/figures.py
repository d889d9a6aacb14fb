"""Numbers, and how they are told: medians with the middle half, exponents of growth, seconds and bytes."""

import math
import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

#: Units that a figure may have, with the digits that it is told with.
_DIGITS: Final = {"": 2, "s": 2, "µs": 0}


class Spread(msgspec.Struct, frozen=True):
    """The median and the middle half of some values."""

    low: float
    median: float
    high: float

    def told(self, digits: int = 2, unit: str = "", *, bold: bool = False) -> str:
        """``1.16 (1.10 to 1.20)``; one value alone has no spread."""
        low, median, high = (f"{value:,.{digits}f}" for value in (self.low, self.median, self.high))
        shown = f"**{median}**{unit}" if bold else f"{median}{unit}"
        return shown if self.low == self.high else f"{shown} ({low} to {high})"


def spread_of(values: Sequence[float]) -> Spread:
    """Of one value or more."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def ratios(ones: Sequence[float], others: Sequence[float]) -> Spread:
    """Of each of the first to its neighbour among the second: neighbours met the same machine."""
    return spread_of([one / other for one, other in zip(ones, others, strict=True)])


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The power of the size that a cost grows with, by the points (size, cost): 1 where twice the size costs twice as much."""
    return statistics.linear_regression([math.log(size) for size, _ in points], [math.log(cost) for _, cost in points]).slope


class Aim(msgspec.Struct, frozen=True):
    """What a figure shall be: at most the bound, or at least."""

    bound: float
    at_least: bool = False

    def told(self, unit: str = "") -> str:
        """``≤ 1.3``."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}{f' {unit}' if unit else ''}"

    def share(self, value: float) -> float:
        """How much of what the aim allows the value takes: 1 is just met, less is better."""
        return self.bound / value if self.at_least else value / self.bound


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value that has an aim."""

    what: str
    spread: Spread
    aim: Aim
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the median meets the aim, in the digits that are told."""
        return self.aim.share(round(self.spread.median, _DIGITS[self.unit])) <= 1

    def told(self, *, bold: bool = False) -> str:
        """The value with its unit."""
        return self.spread.told(_DIGITS[self.unit], f" {self.unit}" if self.unit else "", bold=bold)


def seconds(value: float) -> str:
    """``566 ms``, ``3.40 s``, ``382 s``."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"
