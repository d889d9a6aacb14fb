"""The sheet as it was read, what is wrong with it, and what its rows ask for.

A `Sheet` holds a frame of pandas, which those who read sheets make; whoever only hands a sheet on needs no pandas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from bulkjob.vocabulary import NO_UNIT, Code

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with one cell or row of the sheet."""

    row: int
    """The row's number as the spreadsheet shows it, from 1."""
    column: str
    """The header it is about, as `vocabulary.SHEET_COLUMNS` spells it; blank for the whole row."""
    cell: str
    """The address as a spreadsheet shows it (``C17``); blank for the whole row."""
    value: str
    """The cell's text as read."""
    code: Code
    message: str
    """What is wrong and what to do about it, for somebody who has never seen a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeColumn:
    """A column that a report had added and that is therefore not read; kept for whoever is shown the file as it came."""

    letter: str
    header: str
    texts: "pd.Series"
    """One per row of `Sheet.cells`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet as text: one row per row that is not blank, in the sheet's order."""

    name: str
    """The file's name without folders, for messages."""
    sha256: str
    """Of the file's bytes, in hex."""
    sheet_name: str
    """The worksheet that was read; blank for CSV."""
    headers: tuple[str, ...]
    """As people wrote them (ends stripped), by position; may repeat or be blank. Outcome columns are already dropped."""
    letters: tuple[str, ...]
    """By position, the column's letter in the file (``C``)."""
    positions: Mapping[str, int]
    """Name in `vocabulary.SHEET_COLUMNS` → position in `headers`; a column that the sheet lacks is absent."""
    cells: "pd.DataFrame"
    """Text only (no missing values): columns labelled by position, index = row numbers as the spreadsheet shows them."""
    header_row: int = 1
    """The row number of the headers."""
    too_short: Mapping[int, int] = field(default_factory=dict)
    """Row number → how many cells the row has in the file, of rows that end before the last header; in `cells` the rest is blank."""
    beyond: Mapping[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """Row number → (column of the file, from 0; text) of each text right of the last header; `cells` has no place for them."""
    outcome_columns: tuple[OutcomeColumn, ...] = ()
    notes: tuple[str, ...] = ()
    """What a person may want to know about how it was read: encoding, delimiter, hidden rows …"""
    warnings: tuple[str, ...] = ()
    """What a person should look at: headers a letter off, hidden rows that were read all the same …"""
    flaws: tuple[Problem, ...] = ()
    """Problems that only reading could see: ragged rows, dates, error values, lost digits, formulas without result."""

    def address(self, row: int, column: str) -> str:
        """The address of a row's cell in a column of `vocabulary.SHEET_COLUMNS`, as a spreadsheet shows it; blank if the sheet lacks it."""
        position = self.positions.get(column)
        return "" if position is None else f"{self.letters[position]}{row}"


#: The columns about a department itself, and what the server calls the field that each of them sets (``departmentsLib.ts``).
DEPARTMENT_COLUMNS: Final[Mapping[str, str]] = {
    "new department name": "name",
    "department enabled": "enabled",
    "department show on registration": "showOnRegistration",
    "department show on offline form": "showOnOfflineForm",
    "department email": "email",
    "department description": "description",
}


#: The same for the unit that a row names (``LivechatUnit.ts``).
UNIT_COLUMNS: Final[Mapping[str, str]] = {"unit visibility": "visibility", "new unit name": "name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one valid row of the sheet asks for, in the sheet's own words."""

    row: int
    department: str = ""
    """Name or id; blank: this row is about the unit only."""
    unit: str = ""
    """Name or id; blank: leave the unit as it is; `vocabulary.NO_UNIT`: take the department out of its unit."""
    agent: str = ""
    """Username (with or without ``@``) or id; blank: this row is about the unit only."""
    count: int | None = None
    order: int | None = None
    removes: bool = False
    """Whether the agent is to leave the department instead of being in it; in a row without an agent, the monitor the unit."""
    monitor: str = ""
    """Username (with or without ``@``) or id of somebody who supervises the unit; blank: the row says nothing about monitors."""
    department_fields: tuple[tuple[str, str | bool], ...] = ()
    """What the department itself is to have: (field as in `DEPARTMENT_COLUMNS`, value), without the columns that are blank."""
    unit_fields: tuple[tuple[str, str], ...] = ()
    """The same of the unit, as in `UNIT_COLUMNS`."""

    @property
    def monitor_leaves(self) -> bool:
        """Whether the monitor is to leave the unit; in a row with an agent the action is about the agent."""
        return self.removes and not self.agent


class Suspect(NamedTuple):
    """A row that has a problem, and what it is about by the sheet's words; blank where it names none."""

    row: int
    department: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSheet:
    """A sheet with everything that can be said about it without a server."""

    sheet: Sheet
    problems: tuple[Problem, ...]
    """Sorted by row, then by column."""
    warnings: tuple[str, ...]
    assignments: Sequence[Assignment]
    """One per row that has no problem, in the sheet's order; duplicates included. Made while they are walked through, so that
    a million of them cost nothing until somebody needs them."""
    suspects: tuple[Suspect, ...]
    """Of each row that has a problem and names a department or a unit."""

    @property
    def names_units(self) -> bool:
        """Whether some row names a unit, which has to be found in the server's list; `vocabulary.NO_UNIT` is no name."""
        return any(assignment.unit not in ("", NO_UNIT) for assignment in self.assignments)

    @property
    def asks_for_units(self) -> bool:
        """Whether some row says anything about a unit."""
        return any(assignment.unit for assignment in self.assignments)

    @property
    def names_agents(self) -> bool:
        """Whether some row names an agent."""
        return any(assignment.agent for assignment in self.assignments)

    @property
    def names_monitors(self) -> bool:
        """Whether some row names a monitor."""
        return any(assignment.monitor for assignment in self.assignments)
