"""How far a run is: which phase, how many rows of the whole sheet, how long it still takes."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from bulkjob.changes import UnitCreate, UnitDelete, UnitPost, rows_of
from bulkjob.phrases import counted
from bulkjob.plan import Prepared

Phase = Literal["reading", "resolving", "units", "departments", "checking"]


_DOING: Final[dict[Phase, str]] = {
    "reading": "Reading the workspace",
    "resolving": "Looking up the sheet's names",
    "units": "Writing units",
    "departments": "Writing departments",
    "checking": "Checking the last changes",
}


_OF_UNITS: Final = (UnitCreate, UnitPost, UnitDelete)


#: Seconds for which a forecast of the rest is kept, at least, and for each operation that is left: one of 20,000 takes half a second.
_KEPT: Final = 10.0
_KEPT_EACH: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run is at a moment; all figures are totals, not steps."""

    phase: Phase
    calls: int = 0
    """Made so far."""
    waiting: float | None = None
    """Seconds until the server's rate limit lets the next call of the busiest kind go; None where nothing has to wait."""
    rows: int = 0
    """Of the whole sheet."""
    done: int = 0
    """Rows with an outcome, those of earlier attempts included."""
    failed: int = 0
    units: tuple[int, int] = (0, 0)
    """How many are written, of how many."""
    departments: tuple[int, int] = (0, 0)
    left: float | None = None
    """Seconds that it still takes; None where that is not known."""


def headline(standing: Standing) -> str:
    """What is going on: ``Writing departments, about 17 minutes left``."""
    left = f", {about(standing.left)} left" if standing.left is not None else f", {counted(standing.calls, 'call')} so far"
    return _DOING[standing.phase] + left


def waiting_text(standing: Standing) -> str:
    """``waiting 41 s for the server's rate limit``; blank where nothing waits."""
    if standing.waiting is None:
        return ""
    return f"waiting {math.ceil(standing.waiting)} s for the server's rate limit"


def rows_text(standing: Standing) -> str:
    """``312 of 800 rows, 2 failed``."""
    failed = f", {standing.failed:,} failed" if standing.failed else ""
    return f"{standing.done:,} of {counted(standing.rows, 'row')}{failed}"


def about(seconds: float) -> str:
    """A length of time that is still to come, as people say it."""
    if seconds < 60:
        return "less than a minute"
    minutes = math.ceil(seconds / 60)
    if minutes < 120:
        return f"about {counted(minutes, 'minute')}"
    hours, minutes = divmod(minutes, 60)
    return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"


class Course:
    """Follows a plan that is carried out."""

    def __init__(self, prepared: Prepared, rows: int, *, seconds_of: Callable[[frozenset[str]], float]) -> None:
        """``rows``: of the whole sheet. ``seconds_of``: how long operations take, by their ids."""
        plan = prepared.plan
        self._rows = rows
        # Rows that no change is about have their outcome already: they are invalid, held back, or were brought to success before.
        self._decided = rows - len(rows_of(plan.changes))
        self._units = frozenset(operation.id for operation in plan.operations if isinstance(operation, _OF_UNITS))
        self._all = tuple(operation.id for operation in plan.operations)
        self._seconds_of = seconds_of
        self._forecast: tuple[float, float] | None = None
        """When it was made, and the seconds that were left then."""

    def standing(
        self,
        now: float,
        progress: tuple[int, int],
        *,
        left: frozenset[str],
        under_way: frozenset[str],
        calls: int,
        waiting: float | None,
    ) -> Standing:
        """Where it is. ``progress``: rows of the plan that are done, and failed among them. ``left``: ids of the operations to come."""
        counts = Counter(identifier in self._units for identifier in left)
        units, departments = len(self._units), len(self._all) - len(self._units)
        return Standing(
            phase=self._phase(left, under_way),
            calls=calls,
            waiting=waiting,
            rows=self._rows,
            done=self._decided + progress[0],
            failed=progress[1],
            units=(units - counts[True], units),
            departments=(departments - counts[False], departments),
            left=self.seconds_left(now, left) + (waiting or 0.0),
        )

    def _phase(self, left: frozenset[str], under_way: frozenset[str]) -> Phase:
        if left <= under_way:
            return "checking"
        # What comes first in the plan is sent first: units, or departments where each is written by itself.
        first = next(identifier for identifier in self._all if identifier in left)
        return "units" if first in self._units else "departments"

    def seconds_left(self, now: float, left: frozenset[str]) -> float:
        """How long it still takes, by a forecast that is made anew only now and then. ``left``: ids of the operations to come."""
        if self._forecast is None or now - self._forecast[0] >= max(_KEPT, len(left) * _KEPT_EACH):
            self._forecast = now, self._seconds_of(left)
        made, seconds = self._forecast
        return max(seconds - (now - made), 0.0)
