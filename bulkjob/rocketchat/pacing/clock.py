"""What time the server has, by our clock. `now` is always the caller's monotonic seconds."""

from math import inf

#: How far two clocks may drift apart, in seconds for each second.
DRIFT = 1e-4


#: For so many seconds after the server has told the time itself, a ``Date`` that contradicts it is not believed: a proxy may have set it.
_BELIEVED = 600.0


#: Seconds that rounding may add to the end of a window.
_ROUNDED = 0.1


class ServerClock:
    """The server's time by our clock, as an interval that every answer narrows.

    An answer that was asked for at ``sent`` and came at ``received``, and that names a time of the server's between the two, bounds the
    difference of the clocks from both sides. Whole seconds (``Date``) bound it loosely, a stored ``_updatedAt`` to within the round trip.
    """

    def __init__(self) -> None:
        self._least = -inf
        self._most = inf
        self._at = 0.0
        self._own_at = -inf

    def observe(self, *, sent: float, received: float, earliest: float, latest: float, own: bool = False, before: float = inf) -> bool:
        """Narrows the interval; an observation that contradicts it (a clock was set, another process answered) replaces it.

        ``own``: the time was told by what keeps the windows, or beside it, and not by whoever dates answers. ``before``: the server's time
        was less than that when the call was let through, so a ``Date`` beyond it is somebody else's. Returns whether waits that were
        reckoned with the interval as it was are wrong now.
        """
        if not own and earliest - received > before - sent + _ROUNDED:
            return False
        slack = DRIFT * max(0.0, received - self._at)
        least, most = earliest - received, latest - sent
        narrowed = max(self._least - slack, least), min(self._most + slack, most)
        agrees = narrowed[0] <= narrowed[1]
        if not agrees and not own and received < self._own_at + _BELIEVED:
            return False
        replaced = not agrees or self._least == -inf
        self._least, self._most = narrowed if agrees else (least, most)
        self._at = received
        if own:
            self._own_at = received
        return replaced

    def passed(self, server_time: float) -> float:
        """The time by our clock at which the server's has passed ``server_time`` for certain; infinite if nothing is known."""
        if self._least == -inf:
            return inf
        at = server_time - self._least
        return at + DRIFT * max(0.0, at - self._at) + 0.002

    def until(self, server_time: float, now: float) -> tuple[float, float] | None:
        """At least and at most how many seconds are left from ``now``, a moment just past, until the server's time is ``server_time``."""
        if self._least == -inf or self._most == inf:
            return None
        return server_time - self._most - now, server_time - self._least - now
