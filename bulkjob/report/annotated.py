"""annotated.xlsx: the sheet as it came, the cells that must change marked, what to do in notes, a last column and a list of its own."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, Final

from bulkjob.records import CheckedSheet, Problem, Sheet
from bulkjob.report.text_cells import fitting
from bulkjob.report.workbook import MOST_COLUMNS, MOST_ROWS, Formats, for_paper, height_of, rendered
from bulkjob.sheet import column_index, column_letter, is_remedy_header
from bulkjob.vocabulary import REMEDY_COLUMN, Code

#: So many problems have a note and a link: more would make the file slow to open, and Excel takes no more than 65,530 links.
MOST_NOTES: Final = 10_000


_NOTES_EACH: Final = 3


#: The head of the last column: what it is, and how to read the whole; the reader knows it by its first line.
REMEDY_HEADER: Final = f"{REMEDY_COLUMN}\nCorrect the red cells, save the file, and send it back."


_REMEDY_WIDTH: Final = 70


#: Of a row with nothing to do, one of these must be filled in.
_TO_FILL: Final = ("unit", "agent")


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


def render_annotated(checked: CheckedSheet, *, scratch: Path | None = None) -> bytes:
    """annotated.xlsx: each cell at the address it has in the file, and of the worksheet's name.

    Cells are texts, as they were read. Marked are the cells that must change: of a row with nothing to do those to fill in, of one that is
    too short those that are missing. ``scratch``: where the temporary files of a large one go. Raises `ValueError` for a sheet that is
    `too_large`, and `OSError` where a large one finds no room for its temporary files.
    """
    if reason := too_large(checked.sheet):
        raise ValueError(reason)
    title = title_of(checked.sheet)

    def write(workbook: Any, formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
        _write_sheet(workbook.add_worksheet(title), checked, formats)
        second = _PROBLEMS if title.casefold() != _PROBLEMS.casefold() else f"{_PROBLEMS} found"
        _write_problems(workbook.add_worksheet(second), checked, title, formats)

    return rendered(write, cells=len(checked.sheet.cells) * max(len(checked.sheet.headers), 1), scratch=scratch)


def title_of(sheet: Sheet) -> str:
    """The worksheet's name: the one that was read, for a CSV file its own name, as far as Excel allows it."""
    name = _NOT_IN_TITLE.sub(" ", sheet.sheet_name or PurePath(sheet.name).stem)
    name = fitting(name)[:_LONGEST_TITLE].strip().strip("'")
    return name if name and name.casefold() != _RESERVED else "Sheet"


def _write_sheet(worksheet: Any, checked: CheckedSheet, formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
    sheet = checked.sheet
    # What an earlier copy said is said anew.
    others = [one for one in sheet.outcome_columns if not is_remedy_header(one.header)]
    columns = [*map(column_index, sheet.letters), *(column_index(one.letter) for one in others)]
    texts = [*(sheet.cells[position].tolist() for position in sheet.cells.columns), *(one.texts.tolist() for one in others)]
    headers = [*sheet.headers, *(one.header for one in others)]
    for column, header, below in zip(columns, headers, texts, strict=True):
        longest = max(map(len, [header, *below[:_ROWS_FOR_WIDTH]]))
        worksheet.set_column(column, column, min(max(longest + 3, _NARROWEST), _WIDEST), formats.text)
    last = _remedy_column(checked, columns)
    remedies = _remedies(checked) if last is not None else {}
    _write_headers(worksheet, sheet, dict(zip(columns, headers, strict=True)), last, formats)
    notes = _notes(checked)
    marks = _by_row(notes)
    # Before the rows: where these are not kept in memory, nothing is taken for one that is written already.
    _write_notes(worksheet, notes)
    # Row by row, in order: that is what writing without keeping the cells in memory asks for.
    rows = sheet.cells.index.tolist()
    ready = worksheet.ready_rows([row - 1 for row in rows], columns, texts, formats.text)
    for row, cells, xml in zip(rows, zip(*texts, strict=True), ready, strict=True):
        if xml is not None and "\n" not in xml and row - 1 not in marks and row not in remedies and row not in sheet.beyond:
            worksheet.write_ready(row - 1, min(columns), max(columns), xml)
            continue
        remedy = remedies.get(row, "")
        there = dict(zip(columns, cells, strict=True)) | dict(sheet.beyond.get(row, ()))
        heights = [height_of(remedy, _REMEDY_WIDTH), *(height_of(text, math.inf) for text in there.values() if "\n" in text)]
        if height := max(filter(None, heights), default=None):
            worksheet.set_row(row - 1, height)
        _write_cells(worksheet, row - 1, there, marks.get(row - 1, frozenset()), formats)
        if remedy:
            worksheet.write_string(row - 1, last, fitting(remedy), formats.wrapped)


def _write_cells(worksheet: Any, line: int, there: Mapping[int, str], bad: frozenset[int], formats: Formats) -> None:  # noqa: ANN401  # as above
    for column, text in there.items():
        if text:
            worksheet.write_string(line, column, fitting(text), formats.bad if column in bad else formats.text)
    for column in bad:
        if not there.get(column):
            worksheet.write_blank(line, column, None, formats.bad)


def _write_notes(worksheet: Any, notes: Mapping[Place, Sequence[str]]) -> None:  # noqa: ANN401  # as above
    for (line, column), messages in notes.items():
        if messages:
            note = "\n\n".join(messages)
            # Six lines of some forty characters stand in a note of this size; a longer one is as much higher.
            size = {"x_scale": 2.2, "y_scale": max(1.0, len(note) / 200)}
            worksheet.write_comment(line, column, fitting(note), {"author": "bulkjob", "font_size": 9, **size})


def _write_headers(worksheet: Any, sheet: Sheet, headers: Mapping[int, str], last: int | None, formats: Formats) -> None:  # noqa: ANN401  # as above
    top = sheet.header_row - 1
    if last is not None:
        worksheet.set_column(last, last, _REMEDY_WIDTH)
        worksheet.set_row(top, height_of(REMEDY_HEADER, _REMEDY_WIDTH))
    worksheet.freeze_panes(sheet.header_row, 0)
    for_paper(worksheet, headers=top)
    for column, header in headers.items():
        worksheet.write_string(top, column, fitting(header), formats.head)
    if last is not None:
        worksheet.write_string(top, last, REMEDY_HEADER, formats.head)
        worksheet.autofilter(top, min(headers), max(int(sheet.cells.index.max()) - 1, top + 1), last)


def _remedy_column(checked: CheckedSheet, columns: Sequence[int]) -> int | None:
    """Right of everything; None where there is nothing to say, or no room."""
    column = 1 + max([*columns, *(column for extra in checked.sheet.beyond.values() for column, _ in extra)])
    return column if checked.problems and column < MOST_COLUMNS else None


def _remedies(checked: CheckedSheet) -> Mapping[int, str]:
    """Row → what to do about it; where several things are wrong, each on a line with its cell."""
    by_row: dict[int, dict[str, str]] = {}
    for problem in checked.problems:
        by_row.setdefault(problem.row, {}).setdefault(problem.message, problem.cell)
    return {
        row: "\n".join(f"{cell}: {message}" if cell and len(messages) > 1 else message for message, cell in messages.items())
        for row, messages in by_row.items()
    }


def _notes(checked: CheckedSheet) -> Mapping[Place, Sequence[str]]:
    """Each place to mark, with what its note says; nothing for those beyond `MOST_NOTES`, nor beyond a few of one problem."""
    notes: dict[Place, list[str]] = {}
    for number, problem in enumerate(checked.problems):
        for place, cell in enumerate(_places(problem, checked.sheet)):
            messages = notes.setdefault(cell, [])
            if number < MOST_NOTES and place < _NOTES_EACH and problem.message not in messages:
                messages.append(problem.message)
    return notes


def _by_row(places: Mapping[Place, object]) -> Mapping[int, frozenset[int]]:
    rows: dict[int, set[int]] = {}
    for row, column in places:
        rows.setdefault(row, set()).add(column)
    return {row: frozenset(columns) for row, columns in rows.items()}


def _places(problem: Problem, sheet: Sheet) -> Sequence[Place]:
    """The cells that must change, at least one; of a whole row of which nothing more is known, the first that has a header."""
    if letters := problem.cell.rstrip("0123456789"):
        return [(problem.row - 1, column_index(letters))]
    if problem.code is Code.NOTHING_TO_DO:
        found = [column_index(sheet.letters[sheet.positions[name]]) for name in _TO_FILL if name in sheet.positions]
    else:
        cells = sheet.too_short.get(problem.row, MOST_COLUMNS)
        found = [column for column in map(column_index, sheet.letters) if column >= cells]
    headed = (column_index(letter) for letter, header in zip(sheet.letters, sheet.headers, strict=True) if header)
    return [(problem.row - 1, column) for column in found or [next(headed)]]


def _write_problems(worksheet: Any, checked: CheckedSheet, title: str, formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
    for column, (header, width) in enumerate(zip(_HEADERS, _WIDTHS, strict=True)):
        worksheet.set_column(column, column, width)
        worksheet.write_string(0, column, header, formats.head)
    worksheet.freeze_panes(1, 0)
    for_paper(worksheet, headers=0)
    quoted = title.replace("'", "''")
    # The last line is for what does not fit.
    for line, problem in enumerate(islice(checked.problems, MOST_ROWS - 2), start=1):
        row, column = _places(problem, checked.sheet)[0]
        address = f"{column_letter(column)}{row + 1}"
        if height := height_of(problem.message, _WIDTHS[-1]):
            worksheet.set_row(line, height)
        worksheet.write_number(line, 0, problem.row, formats.number)
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
