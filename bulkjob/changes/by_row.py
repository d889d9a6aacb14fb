"""Which rows ask for which changes, and what became of all that a row asks for.

Each row that adds an agent to a department asks for every removal that ``mirror`` makes there. Such removals are held once for all of these
rows, so that nothing grows as rows times removals.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from bulkjob.changes.change import Change, ChangeOutcome, Outcome
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.vocabulary import Effect, Status

T = TypeVar("T")


class Mirrored(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The removals that ``mirror`` asks for on behalf of the same rows, or their way back; equal to nothing but itself."""

    rows: tuple[int, ...]
    """Those that say who stays."""
    changes: list[DepartmentAgent]


class MirroredOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of such removals, for each of their rows."""

    decisive: ChangeOutcome
    """What decides a row whose own parts decide less."""
    removed: Sequence[DepartmentAgent]
    """Those that were made by this run."""
    returned: Sequence[DepartmentAgent]
    """Their way back, as far as it was made by this run."""


class RowParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a row asks for, with what became of it."""

    own: Sequence[ChangeOutcome]
    """By rank, without what ``mirror`` asks for."""
    mirrored: Sequence[MirroredOutcome] = ()

    @property
    def decisive(self) -> ChangeOutcome:
        """What decides the row; its own parts before those of ``mirror`` that say the same."""
        return _decisive([*self.own, *(each.decisive for each in self.mirrored)])

    @property
    def is_updated(self) -> bool:
        """Whether any of it was written."""
        return any(outcome.change is Effect.UPDATED for _, outcome in self.own) or any(
            each.removed or each.returned for each in self.mirrored
        )


def is_mirrored(change: Change) -> bool:
    """Whether it is a removal that ``mirror`` asks for, and no row by itself; or the way back from one."""
    return isinstance(change, DepartmentAgent) and change.mirrored


def _decisive(parts: Sequence[ChangeOutcome]) -> ChangeOutcome:
    """The part that decides: the first that failed, else that was not sent or is planned, else that was written."""
    for status in (Status.FAILED, Status.NOT_SENT, Status.PLANNED):
        for part in parts:
            if part[1].status is status:
                return part
    return next((part for part in parts if part[1].change is Effect.UPDATED), parts[0])


class ByRow:
    """The changes that each row asks for."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.own: dict[int, list[Change]] = {}
        """Row → what it asks for itself, by rank."""
        self.mirrored: dict[int, list[Mirrored]] = {}
        """Row → what ``mirror`` asks for on its behalf: one group, unless some of its rows have come to an end before."""
        groups: dict[int, Mirrored] = {}
        for change in sorted(changes, key=lambda change: change.rank):
            if not isinstance(change, DepartmentAgent) or not change.mirrored:
                _add(self.own, change.rows, change)
            elif group := groups.get(id(change.rows)):
                group.changes.append(change)
            else:
                group = groups[id(change.rows)] = Mirrored(rows=change.rows, changes=[change])
                _add(self.mirrored, change.rows, group)
        self.groups: Collection[Mirrored] = groups.values()

    def __contains__(self, row: int) -> bool:
        return row in self.own or row in self.mirrored


def _add(found: dict[int, list[T]], rows: Iterable[int], thing: T) -> None:
    """Adds a thing to the list of each of the rows, most of which have no other."""
    for row in rows:
        if row in found:
            found[row].append(thing)
        else:
            # A list that is made with it has no room to spare.
            found[row] = [thing]


class PartsOfRows:
    """What became of what rows ask for, given what became of changes."""

    def __init__(self, asked: ByRow, outcomes: Mapping[Change, Outcome], otherwise: Outcome | None = None) -> None:
        """``outcomes`` may grow, as long as rows are asked for only when all that they ask for is there, or else is ``otherwise``."""
        self._asked = asked
        self._outcomes = outcomes
        self._otherwise = otherwise
        self._mirrored: dict[Mirrored, MirroredOutcome] = {}

    def of(self, row: int) -> RowParts:
        """A row's changes with their outcomes."""
        own = [(change, self._outcome(change)) for change in self._asked.own.get(row, ())]
        return RowParts(own=own, mirrored=[self._together(group) for group in self._asked.mirrored.get(row, ())])

    def _together(self, group: Mirrored) -> MirroredOutcome:
        if group not in self._mirrored:
            parts = [(change, self._outcome(change)) for change in group.changes]
            made = [change for change, outcome in parts if outcome.change is Effect.UPDATED]
            removed, returned = ([change for change in made if change.present is back] for back in (False, True))
            self._mirrored[group] = MirroredOutcome(decisive=_decisive(parts), removed=removed, returned=returned)
        return self._mirrored[group]

    def _outcome(self, change: Change) -> Outcome:
        outcome = self._outcomes.get(change, self._otherwise)
        if outcome is None:
            raise KeyError(change)
        return outcome
