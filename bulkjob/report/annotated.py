"""annotated.xlsx: the sheet as it came, bad cells marked, what to do about each in a note, and all problems on a second worksheet."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import PurePath
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from bulkjob.records import CheckedSheet, Problem, Sheet
from bulkjob.report.workbook import MOST_COLUMNS, MOST_ROWS, TextFormats, fitting
from bulkjob.sheet import column_index, column_letter

#: So many problems have a note and a link: more would make the file slow to open, and Excel takes no more than 65,530 links.
MOST_NOTES: Final = 10_000


#: More cells than this go through a temporary file instead of memory.
_MANY_CELLS: Final = 100_000


_PROBLEMS: Final = "Problems"


_HEADERS: Final = ("row", "column", "cell", "value", "code", "message")


_WIDTHS: Final = (8, 14, 8, 30, 20, 100)


_ROWS_FOR_WIDTH: Final = 200


_NARROWEST, _WIDEST = 8, 50


#: What Excel allows in a worksheet's name.
_LONGEST_TITLE: Final = 31


_NOT_IN_TITLE = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


_RESERVED: Final = "history"


Place = tuple[int, int]
"""(row, column), both from 0."""


def too_large(sheet: Sheet) -> str:
    """One sentence where no workbook can hold the sheet; blank where one can."""
    last_row = int(sheet.cells.index.max()) if len(sheet.cells) else sheet.header_row
    columns = 1 + max([*map(column_index, sheet.letters), *(column for extra in sheet.beyond.values() for column, _ in extra)])
    if last_row <= MOST_ROWS and columns <= MOST_COLUMNS:
        return ""
    return (
        f"annotated.xlsx was not written: an Excel file holds {MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns at most, "
        f"and {sheet.name} has {last_row:,} and {columns:,}; problems.csv has everything that is wrong with it."
    )


def render_annotated(checked: CheckedSheet) -> bytes:
    """annotated.xlsx: each cell at the address it has in the file, and of the worksheet's name.

    Cells are texts, as they were read. A problem of a whole row is marked at the row's first cell. Raises `ValueError` for a sheet that is
    `too_large`, and `OSError` where a large one finds no room for its temporary file.
    """
    if reason := too_large(checked.sheet):
        raise ValueError(reason)
    sheet = checked.sheet
    title = title_of(sheet)
    file = io.BytesIO()
    large = len(sheet.cells) * max(len(sheet.headers), 1) > _MANY_CELLS
    try:
        with xlsxwriter.Workbook(file, {"constant_memory": large, "in_memory": not large}) as workbook:
            workbook.use_zip64()  # only where the worksheet comes to more than 4 GB
            formats = TextFormats(workbook)
            _write_sheet(workbook.add_worksheet(title), checked, formats)
            second = _PROBLEMS if title.casefold() != _PROBLEMS.casefold() else f"{_PROBLEMS} found"
            _write_problems(workbook.add_worksheet(second), checked, title, formats)
    except FileCreateError as error:
        raise OSError(*error.args[0].args) from error
    return file.getvalue()


def title_of(sheet: Sheet) -> str:
    """The worksheet's name: the one that was read, for a CSV file its own name, as far as Excel allows it."""
    name = _NOT_IN_TITLE.sub(" ", sheet.sheet_name or PurePath(sheet.name).stem)
    name = fitting(name)[:_LONGEST_TITLE].strip().strip("'")
    return name if name and name.casefold() != _RESERVED else "Sheet"


def _write_sheet(worksheet: Any, checked: CheckedSheet, formats: TextFormats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
    sheet = checked.sheet
    columns = [*map(column_index, sheet.letters), *(column_index(one.letter) for one in sheet.outcome_columns)]
    texts = [*(sheet.cells[position].tolist() for position in sheet.cells.columns), *(one.texts.tolist() for one in sheet.outcome_columns)]
    headers = [*sheet.headers, *(one.header for one in sheet.outcome_columns)]
    for column, header, below in zip(columns, headers, texts, strict=True):
        longest = max(map(len, [header, *below[:_ROWS_FOR_WIDTH]]))
        worksheet.set_column(column, column, min(max(longest + 2, _NARROWEST), _WIDEST), formats.text)
    worksheet.freeze_panes(sheet.header_row, 0)
    for column, header in zip(columns, headers, strict=True):
        worksheet.write_string(sheet.header_row - 1, column, fitting(header), formats.head)
    notes = _notes(checked)
    marks = _by_row(notes)
    # Row by row, in order: that is what writing without keeping the cells in memory asks for.
    for row, cells in zip(sheet.cells.index.tolist(), zip(*texts, strict=True), strict=True):
        there = dict(zip(columns, cells, strict=True)) | dict(sheet.beyond.get(row, ()))
        bad = marks.get(row - 1, frozenset())
        for column, text in there.items():
            if text:
                worksheet.write_string(row - 1, column, fitting(text), formats.bad if column in bad else formats.text)
        for column in bad:
            if not there.get(column):
                worksheet.write_blank(row - 1, column, None, formats.bad)
    for (line, column), messages in notes.items():
        if messages:
            note = "\n\n".join(messages)
            # Six lines of some forty characters stand in a note of this size; a longer one is as much higher.
            size = {"x_scale": 2.2, "y_scale": max(1.0, len(note) / 200)}
            worksheet.write_comment(line, column, fitting(note), {"author": "bulkjob", "font_size": 9, **size})


def _notes(checked: CheckedSheet) -> Mapping[Place, Sequence[str]]:
    """Each place to mark, with what its note says; nothing for those beyond `MOST_NOTES`."""
    notes: dict[Place, list[str]] = {}
    for number, problem in enumerate(checked.problems):
        messages = notes.setdefault(_place(problem, checked.sheet), [])
        if number < MOST_NOTES and problem.message not in messages:
            messages.append(problem.message)
    return notes


def _by_row(places: Mapping[Place, object]) -> Mapping[int, frozenset[int]]:
    rows: dict[int, set[int]] = {}
    for row, column in places:
        rows.setdefault(row, set()).add(column)
    return {row: frozenset(columns) for row, columns in rows.items()}


def _place(problem: Problem, sheet: Sheet) -> Place:
    """The problem's cell; of a whole row, the first that has a header."""
    letters = problem.cell.rstrip("0123456789") or next(
        letter for letter, header in zip(sheet.letters, sheet.headers, strict=True) if header
    )
    return problem.row - 1, column_index(letters)


def _write_problems(worksheet: Any, checked: CheckedSheet, title: str, formats: TextFormats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
    for column, (header, width) in enumerate(zip(_HEADERS, _WIDTHS, strict=True)):
        worksheet.set_column(column, column, width)
        worksheet.write_string(0, column, header, formats.head)
    worksheet.freeze_panes(1, 0)
    quoted = title.replace("'", "''")
    # The last line is for what does not fit.
    for line, problem in enumerate(islice(checked.problems, MOST_ROWS - 2), start=1):
        row, column = _place(problem, checked.sheet)
        address = f"{column_letter(column)}{row + 1}"
        worksheet.write_number(line, 0, problem.row, formats.wrapped)
        for index, text in enumerate((problem.column, address, problem.value, str(problem.code), problem.message), start=1):
            if text == address and index == 2 and line <= MOST_NOTES:
                worksheet.write_url(line, index, f"internal:'{quoted}'!{address}", formats.link, address)
            elif text:
                worksheet.write_string(line, index, fitting(text), formats.wrapped)
    worksheet.autofilter(0, 0, max(min(len(checked.problems), MOST_ROWS - 2), 1), len(_HEADERS) - 1)
    for line, remark in enumerate(_remarks(len(checked.problems)), start=min(len(checked.problems), MOST_ROWS - 2) + 1):
        worksheet.write_string(line, len(_HEADERS) - 1, remark, formats.wrapped)


def _remarks(problems: int) -> Iterator[str]:
    """What stands below the list: at most one line."""
    if not problems:
        yield "No problem found."
    elif problems > MOST_ROWS - 2:
        yield f"Not listed here, but in problems.csv: {problems - MOST_ROWS + 2:,} more."
    elif problems > MOST_NOTES:
        yield f"Only the first {MOST_NOTES:,} problems have a note and a link; the cells of all are marked."
