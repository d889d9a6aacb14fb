"""What time the server has, by our clock. `now` is always the caller's monotonic seconds."""

from math import inf

#: How far two clocks may drift apart, in seconds for each second.
DRIFT = 1e-4


#: For so many seconds after the server itself has told the time, a ``Date`` that contradicts it is taken for a proxy's and ignored.
_BELIEVED = 600.0


#: Seconds that rounding may add to the end of a window.
_ROUNDED = 0.1


class ServerClock:
    """By how much the server's clock differs from ours, as an interval that every answer narrows.

    An answer tells what the server's clock showed at some moment between ``sent`` and ``received``, which bounds the difference from both
    sides: a ``Date`` loosely, as it comes in whole seconds, a stored ``_updatedAt`` to within the round trip.
    """

    def __init__(self) -> None:
        self._least = -inf
        self._most = inf
        self._at = 0.0
        self._own_at = -inf

    def observe(self, *, sent: float, received: float, earliest: float, latest: float, own: bool = False, before: float = inf) -> bool:
        """Narrows the interval, or replaces it with an observation that contradicts it: a clock was set, or another process answered.

        ``own``: the time was told by the process that keeps the windows, or by one beside it, and not by a proxy that dates answers.
        ``before``: when the call was let through, the server's clock showed less than this, so that a later ``Date`` is somebody else's.
        Returns whether waits that were worked out before are wrong now.
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
        """When, by our clock, the server's has passed ``server_time`` for certain; infinite if nothing is known of it."""
        if self._least == -inf:
            return inf
        at = server_time - self._least
        return at + DRIFT * max(0.0, at - self._at) + 0.002

    def until(self, server_time: float, now: float) -> tuple[float, float] | None:
        """At least and at most how many seconds it takes from ``now`` until the server's clock shows ``server_time``; below 0 once it has.

        None while there is no bound from either side.
        """
        if self._least == -inf or self._most == inf:
            return None
        return server_time - self._most - now, server_time - self._least - now
