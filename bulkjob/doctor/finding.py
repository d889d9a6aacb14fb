"""A finding, and what decides whether something that is not there is missing or merely a hint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bulkjob.doctor.facts import Facts
from bulkjob.doctor.outlook import Outlook
from bulkjob.phrases import one_line
from bulkjob.records import Assignment
from bulkjob.rocketchat import Failure
from bulkjob.vocabulary import NO_UNIT, Exit


class State(StrEnum):
    """What the table says of a thing in one word."""

    OK = "ok"
    MISSING = "missing"
    HINT = "hint"
    """Good to know, or better to have; it changes no exit code."""


class Use(StrEnum):
    """What something is needed for, in the word that the table shows where no sheet tells."""

    ALWAYS = "always"
    UNITS = "units"
    AGENTS = "agents"
    DEPARTMENTS = "departments"
    """What a department is called, shows and holds."""
    UNIT_FIELDS = "unit fields"
    MONITORS = "monitors"
    NEW_UNITS = "new units"
    COMFORT = "speed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table."""

    state: State
    what: str
    said: str
    remedy: str = ""
    """What to grant or to change, and where; blank where there is nothing to do."""
    needed: str = ""
    """With a sheet whether it needs this (``yes``, ``no``), without one what needs it; blank for what is no matter of need."""
    exit_code: Exit = Exit.OK
    """With `State.MISSING`: how a run would end for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What is needed: by the sheet, or, without one, by any."""

    by_sheet: bool
    reads: frozenset[Use]
    """Whose lists have to be read."""
    writes: frozenset[Use]
    """What will be changed."""

    def fine(self, what: str, said: str, use: Use, uses: frozenset[Use]) -> Finding:
        """Something that is as it should be."""
        return Finding(state=State.OK, what=what, said=said, needed=self.word(use, uses))

    def lacking(  # noqa: PLR0917 - in the order of the table
        self, what: str, said: str, use: Use, uses: frozenset[Use], remedy: str, exit_code: Exit = Exit.NO_PERMISSION
    ) -> Finding:
        """Something that is not there: missing if ``use`` is among the ``uses``, else a hint."""
        needed = use in uses
        return Finding(
            state=State.MISSING if needed else State.HINT,
            what=what,
            said=said,
            remedy=remedy,
            needed=self.word(use, uses),
            exit_code=exit_code if needed else Exit.OK,
        )

    def word(self, use: Use, uses: frozenset[Use]) -> str:
        """What stands in the table's column about need."""
        if not self.by_sheet:
            return str(use)
        return "yes" if use in uses else "no"


def _names_unit(row: Assignment) -> bool:
    return row.unit not in ("", NO_UNIT)


#: What a row may ask for, and whether it does.
ASKED: Final[Mapping[Use, Callable[[Assignment], bool]]] = {
    Use.UNITS: lambda row: bool(row.department and row.unit),
    Use.AGENTS: lambda row: bool(row.agent),
    Use.DEPARTMENTS: lambda row: bool(row.department_fields),
    Use.UNIT_FIELDS: lambda row: bool(row.unit_fields),
    Use.MONITORS: lambda row: bool(row.monitor),
    # If any is new; which are, the server's list tells.
    Use.NEW_UNITS: _names_unit,
}


#: What is looked for where no sheet tells.
_BY_ITSELF: Final = frozenset({Use.ALWAYS, Use.UNITS, Use.AGENTS})


def needs_of(facts: Facts) -> Needs:
    """What the sheet needs; without one that can be read, everything."""
    if facts.assignments is None:
        return Needs(by_sheet=False, reads=_BY_ITSELF, writes=_BY_ITSELF)
    asked = frozenset({Use.ALWAYS, *(use for use, asks in ASKED.items() if any(map(asks, facts.assignments)))})
    if not (facts.sheet and facts.sheet.creates_units):
        asked -= {Use.NEW_UNITS}
    # Who only takes departments out of their units names none.
    named = {Use.UNITS} if any(map(_names_unit, facts.assignments)) else set()
    outlook = facts.outlook
    # What is so already needs no permission; but that can be said only of a sheet that is understood to its last row.
    known = outlook if outlook is not None and outlook.is_whole and not (facts.sheet and facts.sheet.mirror) else None
    return Needs(by_sheet=True, reads=asked - {Use.UNITS} | named, writes=asked - _done(known) if known else asked)


def _done(outlook: Outlook) -> frozenset[Use]:
    """What a sheet that is understood to its last row does not need, as there is nothing left of it to do."""
    left = {
        Use.UNITS: outlook.moves - outlook.into_new,
        Use.AGENTS: outlook.changes,
        Use.DEPARTMENTS: outlook.department_fields,
        Use.UNIT_FIELDS: outlook.unit_fields,
        Use.MONITORS: outlook.monitors,
        Use.NEW_UNITS: outlook.new_units,
    }
    return frozenset(use for use, number in left.items() if not number)


AGAIN: Final = "Try again; if this repeats, show this to whoever runs the server."


def joined_words(failure: Failure | None) -> str:
    """The words of a failure as the end of a sentence."""
    return one_line(failure.said).rstrip(".") if failure else ""
