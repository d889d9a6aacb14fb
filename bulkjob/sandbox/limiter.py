"""The server's rate limiter: a fixed window for each route and method, counted for each client address.

As in Meteor's ``rate-limit`` package: a window is not started by the first call of a client but lies fixed since the
server's start, begins again at the first call after it has run out, and counts refused calls too.
"""

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

OFF: Final = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many calls a window allows."""

    calls: int
    window_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the limiter says of one call."""

    allowed: bool
    remaining: int
    """Calls that the window still has for this client."""
    reset_in_ms: int


def parse_limit(spec: str) -> Limit | None:
    """The limit that ``CALLS/SECONDS`` names (``10/60``, ``3/0.5``), None for ``off``; raise ValueError for anything else.

    A fraction of a millisecond is rounded up.
    """
    if spec == OFF:
        return None
    found = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)", spec, re.ASCII)
    if found is None:
        raise ValueError(f"the rate limit {spec!r} is not CALLS/SECONDS, such as 10/60 or 3/0.5, nor {OFF!r}")
    return limit_of(int(found[1]), math.ceil(Fraction(found[2]) * 1000))


def limit_of(calls: int, window_ms: int) -> Limit | None:
    """The limit of so many calls in a window; None, for none, where either is 0 (or less): the server registers no rule then."""
    return Limit(calls=calls, window_ms=window_ms) if calls > 0 and window_ms > 0 else None


@dataclass(slots=True)
class _Window:
    began_ms: int
    counts: dict[str, int] = field(default_factory=dict)


class Limiter:
    """The windows of one server process that was started at `started_ms` (epoch milliseconds)."""

    def __init__(self, limit: Limit, *, started_ms: int) -> None:
        """Start with every window begun at the server's start and nothing counted."""
        self.limit = limit
        self._started_ms = started_ms
        self._windows: dict[str, _Window] = {}

    def check(self, route: str, client: str, *, now_ms: int) -> Verdict:
        """Count one call of `client` on `route` and say whether it may pass."""
        window = self._windows.setdefault(route, _Window(began_ms=self._started_ms))
        if now_ms - window.began_ms > self.limit.window_ms:
            window.began_ms = now_ms
            window.counts.clear()
        count = window.counts[client] = window.counts.get(client, 0) + 1
        return Verdict(
            allowed=count <= self.limit.calls,
            remaining=max(0, self.limit.calls - count),
            reset_in_ms=window.began_ms + self.limit.window_ms - now_ms,
        )
