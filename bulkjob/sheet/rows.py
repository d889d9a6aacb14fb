"""The rows of a sheet by column, as Arrow texts, as numbers and as values: what `checks` and `contradictions` look at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.records import DEPARTMENT_COLUMNS, UNIT_COLUMNS, Problem, Sheet
from bulkjob.sheet.columns import stripped_column
from bulkjob.sheet.values import value_of
from bulkjob.vocabulary import Code

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

#: What the server's counters hold: a signed 32-bit integer, not below 0.
LARGEST_NUMBER: Final = 2**31 - 1
#: In the place of a number: the cell is blank, or says nothing that its column takes.
BLANK, BAD = -1, -2
ADD, REMOVE = 0, 1
_ACTIONS: Final = {"": ADD, "add": ADD, "remove": REMOVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What the cells of a column mean."""

    distinct: tuple[str | bool, ...]
    places: Integers
    """Of each row: the place of its value in `distinct`, or `BLANK`, or `BAD`."""

    @property
    def column(self) -> pa.Array:
        """The values of the rows, null where there is none."""
        return pa.array(self.distinct).take(pa.array(self.places, mask=self.places < 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The columns that mean something; one that the sheet lacks is blank throughout, and costs next to nothing."""

    sheet: Sheet
    numbers: Integers
    """Of the rows, as the spreadsheet shows them."""
    texts: Mapping[str, pa.Array]
    """By the names in `SHEET_COLUMNS`, of the columns that the sheet has."""
    department: pa.Array
    unit: pa.Array
    agent: pa.Array
    """Without ``@``, as people are compared."""
    written_agent: pa.Array
    """As it stands: federated usernames begin with ``@``."""
    monitor: pa.Array
    """Without ``@``."""
    count: Integers
    """Or `BLANK`, or `BAD`."""
    order: Integers
    action: Integers
    """`ADD`, `REMOVE`, or `BAD`."""
    meanings: Mapping[str, Values]
    """Of the columns about departments and units that the sheet has."""
    ragged: Mask
    """Rows of which nobody can say which cell belongs to which column: nothing else is said about them."""
    flawed: frozenset[tuple[int, str]]
    """(row, column) of cells that are not what people typed: they have their problem already."""

    @classmethod
    def of(cls, sheet: Sheet, flaws: Sequence[Problem]) -> "Rows":
        """The columns, with what reading has found wrong with them."""
        numbers = np.asarray(sheet.cells.index, dtype=np.int64)
        texts = {name: texts_of(sheet, name) for name in sheet.positions}
        nothing = pa.repeat(pa.scalar("", pa.large_string()), len(numbers))
        ragged = [problem.row for problem in flaws if problem.code is Code.RAGGED_ROW]

        def named(name: str) -> pa.Array:
            return texts.get(name, nothing)

        return cls(
            sheet=sheet,
            numbers=numbers,
            texts=texts,
            department=named("department"),
            unit=named("unit"),
            agent=_without_at(named("agent")),
            written_agent=named("agent"),
            monitor=_without_at(named("unit monitor")),
            count=_by_value(named("count"), _number),
            order=_by_value(named("order"), _number),
            action=_by_value(named("action"), lambda text: _ACTIONS.get(text.lower(), BAD)),
            meanings={name: _values(column, name) for name, column in texts.items() if name in DEPARTMENT_COLUMNS or name in UNIT_COLUMNS},
            ragged=np.isin(numbers, ragged) if ragged else np.zeros(len(numbers), np.bool_),
            flawed=frozenset((problem.row, problem.column) for problem in flaws),
        )

    def text(self, name: str, index: int) -> str:
        """The cell's text as the sheet has it."""
        return str(self.texts[name][index].as_py()) if name in self.texts else ""

    def filled(self, *names: str) -> Mask:
        """The rows with something in one of these columns."""
        found: Mask = np.zeros(len(self.numbers), np.bool_)
        for name in names:
            if name in self.texts:
                found = found | ~blank(self.texts[name])
        return found

    def given(self, mask: Mask, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """The place of each row of the mask, with those of the columns in which it has something."""
        filled = {name: self.filled(name) for name in names if name in self.texts}
        for index in where(mask):
            yield index, [name for name, there in filled.items() if there[index]]

    def sound(self, name: str) -> Mask:
        """The rows whose cell in that column is what people typed."""
        flawed = [row for row, column in self.flawed if column == name]
        return ~(self.ragged | np.isin(self.numbers, flawed)) if flawed else ~self.ragged

    def problem(self, index: int, name: str, code: Code, message: str, value: str | None = None) -> Problem:
        """The problem of one cell, with its address."""
        row = int(self.numbers[index])
        return Problem(
            row=row,
            column=name,
            cell=self.sheet.address(row, name),
            value=self.text(name, index) if value is None else value,
            code=code,
            message=message,
        )


def texts_of(sheet: Sheet, name: str) -> pa.Array:
    """The texts of a column that the sheet has, in one piece."""
    column = pa.array(sheet.cells[sheet.positions[name]])
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column.cast(pa.large_string())


def blank(texts: pa.Array) -> Mask:
    """Which of the texts are blank."""
    return np.asarray(pc.equal(texts, ""))


def where(mask: Mask) -> list[int]:
    """The places at which a mask is set."""
    found: list[int] = np.flatnonzero(mask).tolist()
    return found


def _without_at(texts: pa.Array) -> pa.Array:
    if not pc.any(pc.starts_with(texts, "@")).as_py():
        return texts
    return stripped_column(pc.replace_substring_regex(texts, r"\A@", ""))


def _by_value(texts: pa.Array, meaning: Callable[[str], int]) -> Integers:
    """What each text means; each different text is asked for once."""
    encoded = texts.dictionary_encode()
    values = np.fromiter(map(meaning, encoded.dictionary.to_pylist()), np.int64)
    return values[np.asarray(encoded.indices)] if len(values) else values


def _values(texts: pa.Array, name: str) -> Values:
    places: dict[str | bool, int] = {}

    def place(text: str) -> int:
        value = value_of(name, text) if text else None
        return places.setdefault(value, len(places)) if value is not None else BAD if text else BLANK

    found = _by_value(texts, place)
    return Values(distinct=tuple(places), places=found)


def _number(text: str) -> int:
    """The number, `BLANK` or `BAD`; ``5.0`` is how some programs write 5."""
    if not text:
        return BLANK
    whole, point, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and (not fraction or fraction.strip("0"))):
        return BAD
    digits = whole.lstrip("0") or "0"
    return int(digits) if len(digits) <= len(str(LARGEST_NUMBER)) and int(digits) <= LARGEST_NUMBER else BAD
