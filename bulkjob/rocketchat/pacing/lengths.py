"""How long the server's windows last: one setting for all routes, told by none of its answers.

Rocket.Chat tells when a window ends, not when it began (Meteor's ``rate-limit``). A window begins with the first call after the end of the
one before, so what a first call announces is a whole window, unless that window was open already: since the server's start, say, when
nobody has called the route yet. One announcement does not tell which. Two do: windows that calls have opened end as far apart as the calls
were made, windows that were open end at one instant, or anywhere.
"""

from collections import deque
from dataclasses import dataclass
from math import floor

from bulkjob.rocketchat.pacing.clock import DRIFT, ServerClock
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW

#: Two calls closer together than this, in seconds, do not tell whether their windows end that far apart.
_APART = 0.1


#: What rounding to milliseconds, and a server that is busy for a moment, may add, in seconds.
_ROUNDED = 0.01


#: First calls that are remembered.
_REMEMBERED = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """A call that its window counted first."""

    sent: float
    received: float
    reset: float
    """The end that it announced, by the server's clock."""


class WindowLength:
    """How long windows last, as far as first calls tell; shared by all routes of a server."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._firsts: deque[_First] = deque(maxlen=_REMEMBERED)
        self._openers: tuple[_First, _First] | None = None
        """Two calls that have opened their windows for certain: the latest pair that was seen."""

    def first(self, *, sent: float, received: float, reset: float) -> None:
        """Takes in a call that its window counted first; it may have opened it."""
        found = _First(sent=sent, received=received, reset=reset)
        self._openers = next(((earlier, found) for earlier in self._firsts if _opened(earlier, found)), self._openers)
        self._firsts.append(found)

    def seconds(self) -> tuple[float, bool]:
        """The length, and whether it is certain; where it is not, the server's default, or what is left of the longest window seen."""
        if self._openers is not None and (bounds := self._bounds(self._openers)) is not None:
            return _roundest(*bounds), True
        left = [ahead[0] for first in self._firsts if (ahead := self._clock.until(first.reset, first.received)) is not None]
        return max([DEFAULT_WINDOW, *(_roundest(least, least + 1.0) for least in left if least > DEFAULT_WINDOW)]), False

    def _bounds(self, openers: tuple[_First, _First]) -> tuple[float, float] | None:
        """The least and the most seconds that the windows of both can have lasted; None while the server's time is not known."""
        least, most = 0.0, float("inf")
        for first in openers:
            ahead = self._clock.until(first.reset, first.received)
            if ahead is None:
                return None
            least, most = max(least, ahead[0]), min(most, ahead[1] + first.received - first.sent)
        return (least, most) if least <= most else None


def _opened(earlier: _First, later: _First) -> bool:
    """Whether two calls have opened their windows: they end as far apart as the calls can have been let through."""
    if later.sent - earlier.received < _APART:
        return False
    slack = _ROUNDED + DRIFT * (later.received - earlier.sent)
    least, most = later.sent - earlier.received - slack, later.received - earlier.sent + slack
    return least <= later.reset - earlier.reset <= most


def _roundest(least: float, most: float) -> float:
    """The roundest number of seconds between two bounds: what somebody may have typed into the server's settings."""
    middle = max((least + most) / 2, 0.001)
    for step in (60.0, 10.0, 5.0, 1.0, 0.5, 0.1):
        nearest = floor(middle / step + 0.5) * step
        if nearest > 0 and least <= nearest <= most:
            return nearest
    return round(middle, 3)
