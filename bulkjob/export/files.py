"""An `Export` as a file: CSV for programs, a workbook with drop-down lists for people."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import xlsxwriter

from bulkjob.export.rows import Export, ExportRow
from bulkjob.phrases import one_line
from bulkjob.report import csv_of_rows
from bulkjob.sheet import LARGEST_NUMBER
from bulkjob.vocabulary import NO_UNIT, SHEET_COLUMNS

#: Below the row of headers.
MOST_WORKBOOK_ROWS: Final = 1_048_575


_MEANINGS: Final[Mapping[str, str]] = {
    "department": "The department's name or id. Each department has one row for each of its agents, or a single row if it has none.",
    "unit": f"The name or id of its unit. Blank: leave its unit as it is. {NO_UNIT} : take it out of its unit.",
    "agent": "The username or id of an agent of this department. Blank: the row is about the unit only.",
    "count": "The agent's routing counter there: the next chat goes to the lowest. It rises with every chat. Blank: keep what it is.",
    "order": "The agent's place among equal counters there, lowest first. Blank: keep what it is, 0 for a new agent.",
    "action": "add, or blank: the agent is to be in the department. remove: the agent is to leave it.",
}


_HINTS: Final = (
    "Edit what is to change, delete the rows that are not needed, add rows below. What the sheet does not mention stays as it is.",
    "To move an agent: one row with the old department and remove, one row with the new department.",
    "All rows of a department must name the same unit; or leave it blank in all but one.",
)


_WIDTHS: Final = (10, 60)


_TEXT_COLUMNS: Final = ("department", "unit", "agent", "action")


_CELL_OF: Final[Mapping[str, Callable[[ExportRow], str | int | None]]] = {
    "department": lambda row: row.department,
    "unit": lambda row: row.unit,
    "agent": lambda row: row.agent,
    "count": lambda row: row.count,
    "order": lambda row: row.order,
    # Blank means add; the column is there for whoever wants to write "remove".
    "action": lambda _: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an export comes from, for whoever opens it later."""

    url: str
    moment: datetime
    """When it was made, in UTC."""


def columns_of(*, with_counts: bool) -> tuple[str, ...]:
    """The headers of an export, in the documentation's order."""
    return tuple(column for column in SHEET_COLUMNS if with_counts or column != "count")


def render_csv(export: Export, *, with_counts: bool) -> bytes:
    """The export as CSV: UTF-8 with BOM, no cell a formula."""
    columns = columns_of(with_counts=with_counts)
    cells = (["" if (value := _CELL_OF[column](row)) is None else str(value) for column in columns] for row in export.rows)
    return csv_of_rows([columns, *cells])


def render_xlsx(export: Export, origin: Origin, *, with_counts: bool) -> bytes:
    """The export as a workbook: the sheet, what its columns mean, and (hidden) the lists that its drop-downs show."""
    columns = columns_of(with_counts=with_counts)
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": origin.moment})
        writer = _Writer(workbook)
        writer.assignments(export, columns)
        writer.explanation(export, origin, columns)
        writer.lists(export.choices)
    return file.getvalue()


class _Writer:
    """Writes every text by `write_string`, which makes neither formulas nor links of it."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self._workbook = workbook
        self._head = workbook.add_format({"bold": True, "bg_color": "#D9E2EC", "bottom": 1})
        self._bold = workbook.add_format({"bold": True})
        self._wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        # "Text", so that what people type there stays as they typed it: 007, 1-2, 1e5.
        self._text = workbook.add_format({"num_format": "@"})

    def assignments(self, export: Export, columns: Sequence[str]) -> None:
        """The first sheet: what `run` reads."""
        sheet = self._workbook.add_worksheet("Assignments")
        for index, column in enumerate(columns):
            sheet.write_string(0, index, column, self._head)
            values = [_CELL_OF[column](row) for row in export.rows]
            cell_format = self._text if column in _TEXT_COLUMNS else None
            for row, value in enumerate(values, start=1):
                if isinstance(value, int):
                    sheet.write_number(row, index, value)
                elif value:
                    sheet.write_string(row, index, value, cell_format)
            longest = max((len(str(value)) for value in (column, *values) if value is not None), default=0)
            sheet.set_column(index, index, min(max(longest + 4, _WIDTHS[0]), _WIDTHS[1]), cell_format)
            if rule := _rule(column, export.choices):
                sheet.data_validation(1, index, MOST_WORKBOOK_ROWS, index, rule)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(export.rows), 1), len(columns) - 1)

    def explanation(self, export: Export, origin: Origin, columns: Sequence[str]) -> None:
        """The second sheet: what the columns mean, how to go on, and which names stand behind ids."""
        sheet = self._workbook.add_worksheet("How to use")
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 90)
        lines: list[tuple[str, str]] = [(column, _MEANINGS[column]) for column in columns]
        lines += [("", hint) for hint in _HINTS]
        lines += [("exported from", origin.url), ("at (UTC)", f"{origin.moment:%Y-%m-%d %H:%M}")]
        if export.stand_ins:
            lines.append(("id", "Stands in the sheet because the name alone would not be understood:"))
            # In quotation marks: a name may begin in a way that would be taken for markup.
            lines += [
                (one.id, f"{one.column} “{one_line(one.name)}”" if one.name else f"{one.column} without a name to show")
                for one in export.stand_ins
            ]
        sheet.write_string(0, 0, "column", self._head)
        sheet.write_string(0, 1, "meaning", self._head)
        for row, (word, meaning) in enumerate(lines, start=1):
            sheet.write_string(row, 0, word, self._bold)
            sheet.write_string(row, 1, meaning, self._wrapped)
        sheet.freeze_panes(1, 0)

    def lists(self, choices: Mapping[str, Sequence[str]]) -> None:
        """The third, hidden sheet: a list inside a drop-down itself may have no more than 255 characters."""
        sheet = self._workbook.add_worksheet("Lists")
        for index, (column, texts) in enumerate(choices.items()):
            sheet.write_string(0, index, column, self._head)
            for row, text in enumerate(texts, start=1):
                sheet.write_string(row, index, text, self._text)
        sheet.hide()


def _rule(column: str, choices: Mapping[str, Sequence[str]]) -> Mapping[str, object] | None:
    """What a spreadsheet program offers and accepts in a column's cells; None for whatever there is."""
    if column in ("count", "order"):
        message = f"A whole number from 0 to {LARGEST_NUMBER}, or nothing."
        bounds = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": LARGEST_NUMBER}
        return {**bounds, "error_title": column, "error_message": message}
    if column == "action":
        message = "Write add or remove, or nothing (which means add)."
        return {"validate": "list", "source": ["add", "remove"], "error_title": column, "error_message": message}
    if not choices[column]:
        return None
    letter = "ABC"[list(choices).index(column)]
    return {
        "validate": "list",
        "source": f"=Lists!${letter}$2:${letter}${len(choices[column]) + 1}",
        # No more than a warning: an id, or what was made in the workspace since, is right as well.
        "error_type": "warning",
        "error_title": column,
        "error_message": f"The workspace had no {column} of this name when the sheet was exported. Check the spelling.",
    }
