"""What can be said about a sheet without a server, column by column: `check`.

Masks over whole columns find the rows; only rows that have a problem are ever looked at one by one.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.records import DEPARTMENT_COLUMNS, CheckedSheet, Problem, Sheet, Suspect
from bulkjob.sheet import messages, row_messages
from bulkjob.sheet.assignments import Assignments
from bulkjob.sheet.contradictions import contradictions
from bulkjob.sheet.formats.numbers import are_errors
from bulkjob.sheet.rows import BAD, REMOVE, Mask, Rows, blank, texts_of, where
from bulkjob.sheet.values import ABOUT_UNIT
from bulkjob.vocabulary import NO_UNIT, SHEET_COLUMNS, Code

#: A row that has something in one of these asks for something.
_ASKING = ("unit", "agent", *ABOUT_UNIT, *DEPARTMENT_COLUMNS)
#: A sheet that has no others can ask for less.
_FIRST_COLUMNS = frozenset({"department", "unit", "agent", "count", "order", "action"})
#: A row that has something in one of these needs a department.
_ABOUT_DEPARTMENT = ("agent", *DEPARTMENT_COLUMNS)
_DASHES = ("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212", "\u00ad", "\ufe58", "\ufe63", "\uff0d", "--")
#: What reading alone can see of a cell.
_FLAWS = frozenset({Code.RAGGED_ROW, Code.EXCEL_DATE, Code.EXCEL_ERROR, Code.EXCEL_NUMBER, Code.EXCEL_FORMULA})
_LOOKS_SHORTENED = r"\A[0-9][.,][0-9]+E\+[0-9]{2,3}\z"
#: The columns of names and usernames.
_NAMES = ("department", "unit", "agent", "unit monitor", "new unit name", "new department name")


def check(sheet: Sheet) -> CheckedSheet:
    """The sheet with the problems of its rows, and an assignment for each row that has none.

    Rows that contradict each other are no problem yet: what contradicts is decided by ids, and `with_contradictions` goes by what is
    written.
    """
    flaws = (*sheet.flaws, *_error_texts(sheet))
    rows = Rows.of(sheet, flaws)
    problems = _sorted(sheet, [*flaws, *_cell_problems(rows)])
    invalid = np.isin(rows.numbers, np.fromiter({problem.row for problem in problems}, np.int64))
    return CheckedSheet(
        sheet=sheet,
        problems=tuple(problems),
        warnings=(*sheet.warnings, *_warnings(rows)),
        assignments=_assignments(rows, ~invalid),
        suspects=tuple(
            Suspect(row, department, unit)
            for row, department, unit in zip(
                rows.numbers[invalid].tolist(), _masked(rows.department, invalid), _masked(rows.unit, invalid), strict=True
            )
            if department or unit
        ),
    )


def with_contradictions(checked: CheckedSheet) -> CheckedSheet:
    """The same with the problems of rows that contradict each other by what is written, for whoever has no ids."""
    rows = Rows.of(checked.sheet, [problem for problem in checked.problems if problem.code in _FLAWS])
    found = list(contradictions(rows))
    if not found:
        return checked
    bad = {problem.row for problem in found}
    return replace(
        checked,
        problems=tuple(_sorted(checked.sheet, [*checked.problems, *found])),
        assignments=[assignment for assignment in checked.assignments if assignment.row not in bad],
    )


def _sorted(sheet: Sheet, problems: list[Problem]) -> list[Problem]:
    place = {"": -1, **{name: sheet.positions.get(name, len(sheet.headers)) for name in SHEET_COLUMNS}}
    return sorted(problems, key=lambda problem: (problem.row, place[problem.column]))


def _masked(texts: pa.Array, mask: Mask) -> list[str]:
    found: list[str] = texts.filter(pa.array(mask)).to_pylist()
    return found


def _error_texts(sheet: Sheet) -> Iterator[Problem]:
    """Error values that have come as text, as in a CSV that a spreadsheet program wrote."""
    known = {(problem.row, problem.column) for problem in sheet.flaws}
    ragged = {problem.row for problem in sheet.flaws if problem.code is Code.RAGGED_ROW}
    for name in sheet.positions:
        texts = texts_of(sheet, name)
        for index in where(np.asarray(are_errors(texts))):
            row, value = int(sheet.cells.index[index]), str(texts[index].as_py())
            if (row, name) not in known and row not in ragged:
                yield Problem(
                    row=row,
                    column=name,
                    cell=sheet.address(row, name),
                    value=value,
                    code=Code.EXCEL_ERROR,
                    message=row_messages.odd_cell(Code.EXCEL_ERROR, value),
                )


def _cell_problems(rows: Rows) -> Iterator[Problem]:
    """What one row shows by itself."""
    yield from _without_department(rows)
    nothing = row_messages.NOTHING_TO_DO if rows.texts.keys() <= _FIRST_COLUMNS else row_messages.NOTHING_AT_ALL
    for index in where(~rows.filled(*_ASKING) & rows.sound("unit") & rows.sound("agent")):
        yield rows.problem(index, "", Code.NOTHING_TO_DO, nothing, "")
    for name, values in {"count": rows.count, "order": rows.order}.items():
        for index in where((values == BAD) & rows.sound(name)):
            yield rows.problem(index, name, Code.BAD_NUMBER, row_messages.bad_number(name, rows.text(name, index)))
    for index in where((rows.action == BAD) & rows.sound("action")):
        yield rows.problem(index, "action", Code.BAD_ACTION, row_messages.bad_action(rows.text("action", index)))
    yield from _without_agent(rows)
    yield from _without_unit(rows)
    yield from _bad_values(rows)


def _without_department(rows: Rows) -> Iterator[Problem]:
    """Rows without a department that are not about a unit only."""
    missing = blank(rows.department) & (rows.filled(*_ABOUT_DEPARTMENT) | ~rows.filled(*ABOUT_UNIT)) & rows.sound("department")
    about_unit = rows.filled(*ABOUT_UNIT)
    for index, needing in rows.given(missing, _ABOUT_DEPARTMENT):
        message = row_messages.missing_department(needing, about_unit=bool(about_unit[index]), has_column="department" in rows.texts)
        yield rows.problem(index, "department", Code.MISSING_DEPARTMENT, message)


def _without_agent(rows: Rows) -> Iterator[Problem]:
    """Rows with what only an agent can have, or, of an action, an agent or a monitor."""
    only_at = rows.filled("agent") & blank(rows.agent) & rows.sound("agent")
    for index in where(only_at):
        yield rows.problem(index, "agent", Code.AGENT_NEEDED, row_messages.only_at_sign("agent"))
    monitors = rows.filled("unit monitor")
    needs = rows.filled("count", "order") | (rows.filled("action") & ~monitors)
    for index, given in rows.given(needs & ~rows.filled("agent") & rows.sound("agent"), ("count", "order", "action")):
        only_an_agents = [name for name in given if name != "action" or not monitors[index]]
        message = row_messages.agent_needed(only_an_agents, monitors="unit monitor" in rows.texts)
        yield rows.problem(index, "agent", Code.AGENT_NEEDED, message)


def _without_unit(rows: Rows) -> Iterator[Problem]:
    """Rows that say something about a unit and name none."""
    leaves = np.asarray(pc.equal(rows.unit, NO_UNIT))
    needs = rows.filled(*ABOUT_UNIT) & (blank(rows.unit) | leaves) & rows.sound("unit")
    for index, given in rows.given(needs, ABOUT_UNIT):
        message = row_messages.unit_needed(given, leaves=bool(leaves[index]))
        yield rows.problem(index, "unit", Code.UNIT_NEEDED, message)


def _bad_values(rows: Rows) -> Iterator[Problem]:
    """What the columns about departments and units do not take."""
    for name, values in rows.meanings.items():
        for index in where((values.places == BAD) & rows.sound(name)):
            yield rows.problem(index, name, Code.BAD_VALUE, row_messages.bad_value(name, rows.text(name, index)))
    for index in where(rows.filled("unit monitor") & blank(rows.monitor) & rows.sound("unit monitor")):
        yield rows.problem(index, "unit monitor", Code.BAD_VALUE, row_messages.only_at_sign("unit monitor"))


def _warnings(rows: Rows) -> Iterator[str]:
    if long_dashes := _among(rows, "unit", _DASHES):
        yield messages.other_dash(long_dashes)
    if long_dashes := _among(rows, "department description", _DASHES):
        yield messages.other_dash_as_description(long_dashes)
    if dashes := _among(rows, "unit monitor", (NO_UNIT, *_DASHES)):
        yield messages.dash_as_monitor(dashes)
    shortened = np.zeros(len(rows.numbers), np.bool_)
    for name in _NAMES:
        if name in rows.texts:
            shortened |= np.asarray(pc.match_substring_regex(rows.texts[name], _LOOKS_SHORTENED))
    if shortened.any():
        yield messages.scientific_text(rows.numbers[shortened].tolist())


def _among(rows: Rows, name: str, texts: tuple[str, ...]) -> list[int]:
    """The numbers of the rows that have one of the texts in a column."""
    if name not in rows.texts:
        return []
    column = rows.texts[name]
    found: list[int] = rows.numbers[np.asarray(pc.is_in(column, pa.array(texts, column.type)))].tolist()
    return found


def _assignments(rows: Rows, valid: Mask) -> Assignments:
    table = pa.table(
        {
            "row": rows.numbers,
            "department": rows.department,
            "unit": rows.unit,
            "agent": rows.written_agent,
            "count": pa.array(rows.count, mask=rows.count < 0),
            "order": pa.array(rows.order, mask=rows.order < 0),
            "removes": rows.action == REMOVE,
            **({"monitor": rows.texts["unit monitor"]} if "unit monitor" in rows.texts else {}),
            **{name: values.column for name, values in rows.meanings.items()},
        }
    )
    return Assignments(table if valid.all() else table.filter(pa.array(valid)))
