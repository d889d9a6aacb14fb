"""An `Export` as a file: CSV for programs, a workbook with drop-down lists for people."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import xlsxwriter

from bulkjob.export.rows import Export, ExportRow
from bulkjob.phrases import one_line
from bulkjob.report import csv_of_rows
from bulkjob.sheet import LARGEST_NUMBER, column_letter
from bulkjob.vocabulary import NO_UNIT, SHEET_COLUMNS

#: Below the row of headers.
MOST_WORKBOOK_ROWS: Final = 1_048_575


#: A workbook says when it was made; the template is the same whenever that is.
_TEMPLATE_MADE: Final = datetime(2026, 11, 23, tzinfo=UTC)


_MEANINGS: Final[Mapping[str, str]] = {
    "department": "The department's name or id: one row for each of its agents, or a single row if it has none.",
    "unit": f"The name or id of its unit. Blank: leave its unit as it is. {NO_UNIT} : take it out of its unit.",
    "agent": "The username or id of an agent of this department. Blank: the row is about the unit only.",
    "count": "The agent's routing counter there: the next chat goes to the lowest. It rises with every chat. Blank: keep what it is.",
    "order": "The agent's place among equal counters there, lowest first. Blank: keep what it is, 0 for a new agent.",
    "action": "add, or blank: the agent is to be in the department. remove: the agent is to leave it.",
    "unit monitor": "The username or id of somebody who supervises the unit. In a row without an agent, remove takes them out of it.",
    "unit visibility": "public or private: of the unit. Blank: leave it as it is.",
    "new unit name": "What the unit shall be called. Blank: keep its name.",
    "new department name": "What the department shall be called. Blank: keep its name.",
    "department enabled": "yes or no: whether the department takes chats. Blank: leave it as it is.",
    "department show on registration": "yes or no: whether visitors can choose it before a chat. Blank: leave it as it is.",
    "department show on offline form": "yes or no: whether visitors can choose it while nobody is there. Blank: leave it as it is.",
    "department email": "The department's address. Blank: leave it as it is.",
    "department description": f"Its description, which may have several lines. Blank: leave it as it is. {NO_UNIT} : none.",
}


_HINTS: Final = (
    "Edit what is to change, delete the rows that are not needed, add rows below. What the sheet does not mention stays as it is.",
    "To move an agent: one row with the old department and remove, one row with the new department.",
    "All rows of a department must name the same unit; or leave it blank in all but one.",
)


_HINTS_OF_UNITS: Final = (
    "A row without a department is about its unit alone: its monitors, its visibility and its name.",
    "What is said of a department or unit itself is needed in one of its rows only; two rows must not say different things.",
    "To have a new unit created: write its name in the unit's column, and run the sheet with --create-units.",
)


_WIDTHS: Final = (10, 60)


#: Everything else is text, also where it looks like a number.
_NUMBERS: Final = ("count", "order")


_CELL_OF: Final[Mapping[str, Callable[[ExportRow], str | int | None]]] = {
    "department": lambda row: row.department,
    "unit": lambda row: row.unit,
    "agent": lambda row: row.agent,
    "count": lambda row: row.count,
    "order": lambda row: row.order,
    # Blank means add; the column is there for whoever wants to write "remove".
    "action": lambda _: "",
}


#: The columns that stand in every export, the counter's apart.
_ALWAYS: Final = tuple(_CELL_OF)


_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "action": ("add", "remove"),
    "unit visibility": ("public", "private"),
    "department enabled": ("yes", "no"),
    "department show on registration": ("yes", "no"),
    "department show on offline form": ("yes", "no"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an export comes from, for whoever opens it later."""

    url: str
    moment: datetime
    """When it was made, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which columns an export has."""

    with_counts: bool = False
    full: bool = False
    """With what departments and units are themselves."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The headers, in the documentation's order."""
        names = SHEET_COLUMNS if self.full else _ALWAYS
        return tuple(column for column in names if self.with_counts or column != "count")


def render_csv(export: Export, extent: Extent) -> bytes:
    """The export as CSV: UTF-8 with BOM, no cell a formula."""
    cells = (["" if (value := _cell(row, column)) is None else str(value) for column in extent.columns] for row in export.rows)
    return csv_of_rows([extent.columns, *cells])


def render_xlsx(export: Export, extent: Extent, origin: Origin) -> bytes:
    """The export as a workbook: the sheet, what its columns mean, and (hidden) the lists that its drop-downs show."""
    told = [("exported from", origin.url), ("at (UTC)", f"{origin.moment:%Y-%m-%d %H:%M}")]
    return _workbook(export, extent, told, origin.moment)


def render_template() -> bytes:
    """A workbook with every column and no row, for a sheet that is written by hand."""
    return _workbook(Export(), Extent(with_counts=True, full=True), (), _TEMPLATE_MADE)


def _workbook(export: Export, extent: Extent, told: Sequence[tuple[str, str]], created: datetime) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": created})
        writer = _Writer(workbook)
        writer.assignments(export, extent.columns)
        writer.explanation(export, extent, told)
        if export.choices:
            writer.lists(export.choices)
    return file.getvalue()


def _cell(row: ExportRow, column: str) -> str | int | None:
    return _CELL_OF[column](row) if column in _CELL_OF else row.more.get(column, "")


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
            values = [_cell(row, column) for row in export.rows]
            cell_format = None if column in _NUMBERS else self._text
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

    def explanation(self, export: Export, extent: Extent, told: Sequence[tuple[str, str]]) -> None:
        """The second sheet: what the columns mean, how to go on, what else is to be told, and which names stand behind ids."""
        sheet = self._workbook.add_worksheet("How to use")
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 90)
        lines: list[tuple[str, str]] = [(column, _MEANINGS[column]) for column in extent.columns]
        lines += [("", hint) for hint in (*_HINTS, *(_HINTS_OF_UNITS if extent.full else ()))]
        lines += told
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
    if column in _NUMBERS:
        message = f"A whole number from 0 to {LARGEST_NUMBER}, or nothing."
        bounds = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": LARGEST_NUMBER}
        return {**bounds, "error_title": column, "error_message": message}
    if column in _WORDS:
        words = _WORDS[column]
        meaning = "means add" if column == "action" else "leaves it as it is"
        message = f"Write {' or '.join(words)}, or nothing (which {meaning})."
        return {"validate": "list", "source": list(words), "error_title": column, "error_message": message}
    if not choices.get(column):
        return None
    letter = column_letter(list(choices).index(column))
    return {
        "validate": "list",
        "source": f"=Lists!${letter}$2:${letter}${len(choices[column]) + 1}",
        # No more than a warning: an id, or what was made in the workspace since, is right as well.
        "error_type": "warning",
        "error_title": column,
        "error_message": f"The workspace had no {column} of this name when the sheet was exported. Check the spelling.",
    }
