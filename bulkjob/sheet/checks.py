"""What can be said about a sheet without a server, column by column: `check`.

Masks over whole columns find the rows; only rows that have a problem are ever looked at one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.records import CheckedSheet, Problem, Sheet, Suspect
from bulkjob.sheet import messages
from bulkjob.sheet.assignments import Assignments
from bulkjob.sheet.columns import comparable_column, stripped_column
from bulkjob.sheet.formats.numbers import ERROR_TEXTS
from bulkjob.vocabulary import SHEET_COLUMNS, Code

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

#: What the server's counters hold: a signed 32-bit integer, not below 0.
LARGEST_NUMBER = 2**31 - 1
_BLANK, _BAD = -1, -2
_ADD, _REMOVE = 0, 1
_ACTIONS = {"": _ADD, "add": _ADD, "remove": _REMOVE}
_DASHES = ("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212", "\u00ad", "--")
#: What reading alone can see of a cell.
_FLAWS = frozenset({Code.RAGGED_ROW, Code.EXCEL_DATE, Code.EXCEL_ERROR, Code.EXCEL_NUMBER, Code.EXCEL_FORMULA})
_LOOKS_SHORTENED = r"\A[0-9][.,][0-9]+E\+[0-9]{2,3}\z"


def check(sheet: Sheet) -> CheckedSheet:
    """The sheet with the problems of its rows, and an assignment for each row that has none.

    Rows that contradict each other are no problem yet: what contradicts is decided by ids, and `with_contradictions` goes by what is
    written.
    """
    flaws = (*sheet.flaws, *_error_texts(sheet))
    columns = _Columns.of(sheet, flaws)
    problems = _sorted(sheet, [*flaws, *_cell_problems(columns)])
    invalid = np.isin(columns.rows, np.fromiter({problem.row for problem in problems}, np.int64))
    return CheckedSheet(
        sheet=sheet,
        problems=tuple(problems),
        warnings=(*sheet.warnings, *_warnings(columns)),
        assignments=_assignments(columns, ~invalid),
        suspects=tuple(
            Suspect(row, department, unit)
            for row, department, unit in zip(
                columns.rows[invalid].tolist(), _where(columns.department, invalid), _where(columns.unit, invalid), strict=True
            )
            if department or unit
        ),
    )


def with_contradictions(checked: CheckedSheet) -> CheckedSheet:
    """The same with the problems of rows that contradict each other by what is written, for whoever has no ids."""
    columns = _Columns.of(checked.sheet, [problem for problem in checked.problems if problem.code in _FLAWS])
    found = [*_unit_conflicts(columns), *_agent_conflicts(columns)]
    if not found:
        return checked
    rows = {problem.row for problem in found}
    return replace(
        checked,
        problems=tuple(_sorted(checked.sheet, [*checked.problems, *found])),
        assignments=[assignment for assignment in checked.assignments if assignment.row not in rows],
    )


def _sorted(sheet: Sheet, problems: list[Problem]) -> list[Problem]:
    place = {"": -1, **{name: sheet.positions.get(name, len(sheet.headers)) for name in SHEET_COLUMNS}}
    return sorted(problems, key=lambda problem: (problem.row, place[problem.column]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The six columns of the sheet as Arrow texts and as numbers; a column that the sheet lacks is blank throughout."""

    sheet: Sheet
    rows: Integers
    department: pa.Array
    unit: pa.Array
    agent: pa.Array
    """Without ``@``, as agents are compared."""
    written_agent: pa.Array
    """As it stands: federated usernames begin with ``@``."""
    count: Integers
    """Or `_BLANK`, or `_BAD`."""
    order: Integers
    action: Integers
    """`_ADD`, `_REMOVE`, or `_BAD`."""
    ragged: Mask
    """Rows of which nobody can say which cell belongs to which column: nothing else is said about them."""
    flawed: frozenset[tuple[int, str]]
    """(row, column) of cells that are not what people typed: they have their problem already."""

    @classmethod
    def of(cls, sheet: Sheet, flaws: Sequence[Problem]) -> "_Columns":
        """The columns, with what reading has found wrong with them."""
        rows = np.asarray(sheet.cells.index, dtype=np.int64)
        texts = {name: _texts(sheet, name) for name in SHEET_COLUMNS}
        ragged = [problem.row for problem in flaws if problem.code is Code.RAGGED_ROW]
        agent = texts["agent"]
        if pc.any(pc.starts_with(agent, "@")).as_py():
            agent = stripped_column(pc.replace_substring_regex(agent, r"\A@", ""))
        return cls(
            sheet=sheet,
            rows=rows,
            department=texts["department"],
            unit=texts["unit"],
            agent=agent,
            written_agent=texts["agent"],
            count=_by_value(texts["count"], _number),
            order=_by_value(texts["order"], _number),
            action=_by_value(texts["action"], lambda text: _ACTIONS.get(text.lower(), _BAD)),
            ragged=np.isin(rows, ragged) if ragged else np.zeros(len(rows), np.bool_),
            flawed=frozenset((problem.row, problem.column) for problem in flaws),
        )

    def text(self, name: str, index: int) -> str:
        """The cell's text as the sheet has it."""
        position = self.sheet.positions.get(name)
        return "" if position is None else str(self.sheet.cells.iloc[index, position])

    def sound(self, name: str) -> Mask:
        """The rows whose cell in that column is what people typed."""
        flawed = [row for row, column in self.flawed if column == name]
        return ~(self.ragged | np.isin(self.rows, flawed)) if flawed else ~self.ragged

    def problem(self, index: int, name: str, code: Code, message: str, value: str | None = None) -> Problem:
        """The problem of one cell, with its address."""
        row = int(self.rows[index])
        return Problem(
            row=row,
            column=name,
            cell=self.sheet.address(row, name),
            value=self.text(name, index) if value is None else value,
            code=code,
            message=message,
        )


def _texts(sheet: Sheet, name: str) -> pa.Array:
    position = sheet.positions.get(name)
    if position is None:
        return pa.array(np.full(len(sheet.cells), ""), pa.large_string()) if len(sheet.cells) else pa.array([], pa.large_string())
    column = pa.array(sheet.cells[position])
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column.cast(pa.large_string())


def _by_value(texts: pa.Array, meaning: Callable[[str], int]) -> Integers:
    """What each text means; each different text is asked for once."""
    encoded = texts.dictionary_encode()
    values = np.fromiter(map(meaning, encoded.dictionary.to_pylist()), np.int64)
    return values[np.asarray(encoded.indices)] if len(values) else values


def _number(text: str) -> int:
    """The number, `_BLANK` or `_BAD`; ``5.0`` is how some programs write 5."""
    if not text:
        return _BLANK
    whole, point, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and (not fraction or fraction.strip("0"))):
        return _BAD
    digits = whole.lstrip("0") or "0"
    return int(digits) if len(digits) <= len(str(LARGEST_NUMBER)) and int(digits) <= LARGEST_NUMBER else _BAD


def _blank(texts: pa.Array) -> Mask:
    return np.asarray(pc.equal(texts, ""))


def _where(texts: pa.Array, mask: Mask) -> list[str]:
    found: list[str] = texts.filter(pa.array(mask)).to_pylist()
    return found


def _indices(mask: Mask) -> list[int]:
    found: list[int] = np.flatnonzero(mask).tolist()
    return found


def _error_texts(sheet: Sheet) -> Iterator[Problem]:
    """Error values that have come as text, as in a CSV that a spreadsheet program wrote."""
    known = {(problem.row, problem.column) for problem in sheet.flaws}
    ragged = {problem.row for problem in sheet.flaws if problem.code is Code.RAGGED_ROW}
    for name, position in sheet.positions.items():
        texts = _texts(sheet, name)
        mask = pc.or_(pc.is_in(texts, ERROR_TEXTS), pc.match_substring_regex(texts, r"\A#{3,}\z"))
        for index in _indices(np.asarray(mask)):
            row, value = int(sheet.cells.index[index]), str(sheet.cells.iloc[index, position])
            if (row, name) not in known and row not in ragged:
                yield Problem(
                    row=row,
                    column=name,
                    cell=sheet.address(row, name),
                    value=value,
                    code=Code.EXCEL_ERROR,
                    message=messages.odd_cell(Code.EXCEL_ERROR, value),
                )


def _cell_problems(columns: _Columns) -> Iterator[Problem]:
    """What one row shows by itself."""
    no_department, no_unit, no_agent = _blank(columns.department), _blank(columns.unit), _blank(columns.agent)
    only_at = no_agent & ~_blank(_texts(columns.sheet, "agent"))
    for index in _indices(no_department & columns.sound("department")):
        yield columns.problem(index, "department", Code.MISSING_DEPARTMENT, messages.MISSING_DEPARTMENT)
    for index in _indices(no_unit & no_agent & ~only_at & columns.sound("unit") & columns.sound("agent")):
        yield columns.problem(index, "", Code.NOTHING_TO_DO, messages.NOTHING_TO_DO, "")
    numbers = {"count": columns.count, "order": columns.order}
    for name, values in numbers.items():
        for index in _indices((values == _BAD) & columns.sound(name)):
            yield columns.problem(index, name, Code.BAD_NUMBER, messages.bad_number(name, columns.text(name, index)))
    for index in _indices((columns.action == _BAD) & columns.sound("action")):
        yield columns.problem(index, "action", Code.BAD_ACTION, messages.bad_action(columns.text("action", index)))
    for index in _indices(only_at & columns.sound("agent")):
        yield columns.problem(index, "agent", Code.AGENT_NEEDED, messages.ONLY_AT_SIGN)
    filled = {name: ~_blank(_texts(columns.sheet, name)) for name in ("count", "order", "action")}
    needs = filled["count"] | filled["order"] | filled["action"]
    for index in _indices(needs & no_agent & ~only_at & columns.sound("agent")):
        given = [name for name, mask in filled.items() if mask[index]]
        yield columns.problem(index, "agent", Code.AGENT_NEEDED, messages.agent_needed(given))


def _keys(texts: pa.Array, *, fold: bool = False) -> Integers:
    """A number for each text, the same for texts that compare as equal (with ``fold``, whatever their case)."""
    encoded = comparable_column(texts).dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    keys = np.asarray(encoded.indices).astype(np.int64)
    if fold and len(keys):
        codes, _ = pd.factorize(np.array([text.casefold() for text in encoded.dictionary.to_pylist()], dtype=object))
        keys = codes.astype(np.int64)[keys]
    return keys


def _disagreeing(groups: Integers, values: Integers) -> Mask:
    """The rows whose group has more than one value."""
    if not len(groups):
        return np.zeros(0, np.bool_)
    span = int(values.max()) + 1
    pairs = pd.unique(groups * span + values)
    differ: Mask = np.bincount(pairs // span, minlength=int(groups.max()) + 1) > 1
    return differ[groups]


def _grouped(indices: Sequence[int], groups: Iterable[int]) -> Iterator[list[int]]:
    by_group: dict[int, list[int]] = {}
    for index, group in zip(indices, groups, strict=True):
        by_group.setdefault(group, []).append(index)
    yield from by_group.values()


def _unit_conflicts(columns: _Columns) -> Iterator[Problem]:
    """One department, two units. Units that differ only in case may be one; names on the server decide that."""
    considered = ~_blank(columns.department) & ~_blank(columns.unit) & columns.sound("department") & columns.sound("unit")
    indices = np.flatnonzero(considered)
    departments = _keys(columns.department)[indices]
    disagree = _disagreeing(departments, _keys(columns.unit, fold=True)[indices])
    for group in _grouped(indices[disagree].tolist(), departments[disagree].tolist()):
        units = list(dict.fromkeys(columns.text("unit", index) for index in group))
        rows = [int(columns.rows[index]) for index in group]
        message = messages.conflicting_unit(columns.text("department", group[0]), units, rows)
        for index in group:
            yield columns.problem(index, "unit", Code.CONFLICTING_UNIT, message)


def _agent_conflicts(columns: _Columns) -> Iterator[Problem]:
    """The same agent in the same department with differing count, order or action; a blank count or order agrees with any."""
    considered = ~_blank(columns.department) & ~_blank(columns.agent) & columns.sound("department") & columns.sound("agent")
    indices = np.flatnonzero(considered)
    agents = _keys(columns.agent)[indices]
    if not len(indices):
        return
    pairs, _ = pd.factorize(_keys(columns.department)[indices] * (int(agents.max()) + 1) + agents)
    repeated = np.bincount(pairs)[pairs] > 1
    indices, pairs = indices[repeated], pairs[repeated].astype(np.int64)
    for name, numbers in (("count", columns.count), ("order", columns.order), ("action", columns.action)):
        given = (numbers[indices] >= 0) & columns.sound(name)[indices]
        members, groups = indices[given], pairs[given]
        disagree = _disagreeing(groups, numbers[members])
        for group in _grouped(members[disagree].tolist(), groups[disagree].tolist()):
            values = list(dict.fromkeys(_said(columns, name, index) for index in group))
            rows = [int(columns.rows[index]) for index in group]
            message = messages.conflicting_agent(columns.text("agent", group[0]), columns.text("department", group[0]), name, values, rows)
            for index in group:
                yield columns.problem(index, name, Code.CONFLICTING_AGENT, message)


def _said(columns: _Columns, name: str, index: int) -> str:
    if name == "action":
        return "remove" if columns.action[index] == _REMOVE else "add"
    return str((columns.count if name == "count" else columns.order)[index])


def _warnings(columns: _Columns) -> Iterator[str]:
    dashes = np.asarray(pc.is_in(columns.unit, pa.array(_DASHES, columns.unit.type)))
    if dashes.any():
        yield messages.other_dash(columns.rows[dashes].tolist())
    shortened = np.zeros(len(columns.rows), np.bool_)
    for texts in (columns.department, columns.unit, columns.agent):
        shortened |= np.asarray(pc.match_substring_regex(texts, _LOOKS_SHORTENED))
    if shortened.any():
        yield messages.scientific_text(columns.rows[shortened].tolist())


def _assignments(columns: _Columns, valid: Mask) -> Assignments:
    table = pa.table(
        {
            "row": columns.rows,
            "department": columns.department,
            "unit": columns.unit,
            "agent": columns.written_agent,
            "count": pa.array(columns.count, mask=columns.count < 0),
            "order": pa.array(columns.order, mask=columns.order < 0),
            "removes": columns.action == _REMOVE,
        }
    )
    return Assignments(table if valid.all() else table.filter(pa.array(valid)))
