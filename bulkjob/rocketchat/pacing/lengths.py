"""How long the server's windows last. It is one setting for all routes, and no answer tells it.

Rocket.Chat tells when a window ends, but not when it began (Meteor's ``rate-limit``). A window begins with the first call after the end of
the one before, so the first call of a window announces a whole window, unless the window was open already: a route that nobody has called
yet has had one open since the server's start. One announcement does not tell which it is, but two do. Windows that calls have opened end
as far apart as the calls were made; windows that were open before end at one instant, or anywhere.
"""

from collections import deque
from dataclasses import dataclass
from math import floor

from bulkjob.rocketchat.pacing.clock import DRIFT, ServerClock
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW

#: If two calls are closer together than this, in seconds, nothing follows from how far apart their windows end.
_APART = 0.1


#: What rounding to milliseconds and a server that is busy for a moment may add, in seconds.
_ROUNDED = 0.01


#: How many first calls are remembered.
_REMEMBERED = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _First:
    """The first call that a window counted."""

    sent: float
    received: float
    reset: float
    """The end of the window, by the server's clock, as the answer announced it."""


class WindowLength:
    """How long windows last, as far as the first calls of windows tell; shared by all routes of a server."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._firsts: deque[_First] = deque(maxlen=_REMEMBERED)
        self._openers: tuple[_First, _First] | None = None
        """The latest two calls that have certainly opened their windows."""

    def first(self, *, sent: float, received: float, reset: float) -> None:
        """Takes in the first call that a window counted, which may have opened it."""
        found = _First(sent=sent, received=received, reset=reset)
        self._openers = next(((earlier, found) for earlier in self._firsts if _opened(earlier, found)), self._openers)
        self._firsts.append(found)

    def seconds(self) -> tuple[float, bool]:
        """The length, and whether it is certain. If not, it is the server's default, or more if some window had more than that left."""
        if self._openers is not None and (bounds := self._bounds(self._openers)) is not None:
            return _roundest(*bounds), True
        left = [ahead[0] for first in self._firsts if (ahead := self._clock.until(first.reset, first.received)) is not None]
        return max([DEFAULT_WINDOW, *(_roundest(least, least + 1.0) for least in left if least > DEFAULT_WINDOW)]), False

    def _bounds(self, openers: tuple[_First, _First]) -> tuple[float, float] | None:
        """At least and at most how many seconds the windows of both can last; None while the server's time is not known."""
        least, most = 0.0, float("inf")
        for first in openers:
            ahead = self._clock.until(first.reset, first.received)
            if ahead is None:
                return None
            least, most = max(least, ahead[0]), min(most, ahead[1] + first.received - first.sent)
        return (least, most) if least <= most else None


def _opened(earlier: _First, later: _First) -> bool:
    """Whether two calls have opened their windows: these end as far apart as the calls can have been let through."""
    if later.sent - earlier.received < _APART:
        return False
    slack = _ROUNDED + DRIFT * (later.received - earlier.sent)
    least, most = later.sent - earlier.received - slack, later.received - earlier.sent + slack
    return least <= later.reset - earlier.reset <= most


def _roundest(least: float, most: float) -> float:
    """The roundest number of seconds between two bounds, such as somebody may have typed into the server's settings."""
    middle = max((least + most) / 2, 0.001)
    for step in (60.0, 10.0, 5.0, 1.0, 0.5, 0.1):
        nearest = floor(middle / step + 0.5) * step
        if nearest > 0 and least <= nearest <= most:
            return nearest
    return round(middle, 3)
