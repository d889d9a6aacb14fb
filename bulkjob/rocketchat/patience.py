"""How long and how often a call is tried."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

#: Full jitter: the wait before attempt n + 1 is drawn from 0 to this many seconds times 2ⁿ⁻¹ …
BACKOFF: Final = 0.5


#: … but never from more than this.
LONGEST_BACKOFF: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """What a call may cost before it is given up; the same for all calls of a job."""

    attempts: int
    """For a call that keeps failing."""
    patience: float
    """For all the calls of one operation, in seconds."""
    draw: Callable[[], float]
    """A random number from 0 to 1."""

    def backoff(self, failed: int) -> float:
        """Seconds to wait after so many failures: full jitter, so that calls that failed together do not come back together."""
        # (Beyond 2⁶⁴ times nothing is less than the longest, and a float ends.)
        return self.draw() * min(LONGEST_BACKOFF, BACKOFF * 2.0 ** min(failed - 1, 64))


class Patience:
    """The seconds that the calls of one operation may still take. Waits that the server's limit asks for take none."""

    def __init__(self, seconds: float = inf) -> None:
        self._left = seconds

    def spend(self, seconds: float) -> None:
        """Takes from it what a call, or the pause before one, has taken."""
        self._left -= seconds

    @property
    def is_over(self) -> bool:
        """Whether no call of the operation is repeated any more."""
        return self._left <= 0
