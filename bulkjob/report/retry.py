"""retry.csv and retry.xlsx: the rows that are not a success, as a sheet to feed again."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bulkjob.records import RowResult, Sheet
from bulkjob.report.results import csv_of_rows
from bulkjob.report.text_cells import LONGEST_TEXT, fitting, units
from bulkjob.report.workbook import MOST_COLUMNS, OUTCOME, Formats, for_paper, rendered, write_outcome, write_outcome_headers
from bulkjob.sheet import column_index
from bulkjob.vocabulary import Status

#: So many rows take a second or two to write as a workbook; who has more works with programs anyway.
MOST_WORKBOOK_ROWS: Final = 20_000


#: A sheet that gives nothing a new name.
NOTHING_RENAMED: Final[Mapping[int, Collection[int]]] = MappingProxyType({})


#: A text further to the right of the headers than this comes nearer: a row of thousands of separators helps nobody.
_LONGEST_GAP: Final = 100


def render_retry(
    sheet: Sheet,
    results: Mapping[int, RowResult],
    *,
    departments: Mapping[int, str] | None = None,
    renamers: Mapping[int, Collection[int]] = NOTHING_RENAMED,
) -> bytes | None:
    """Return retry.csv with the sheet's own columns, in the sheet's order; None if every row is a success.

    A row with fewer cells than headers, or with something beyond them, comes as it came: fed again uncorrected, it is refused again.
    ``departments`` is for ``mirror``: row → whatever stands for its department (an id). All rows of a department
    come along as soon as one of them is there, because a mirrored department is emptied of the agents whom the sheet does not mention.
    A row it lacks stands for itself.
    ``renamers``: row → the rows that rename what it names, which come along, too: without them nobody would know what it means.
    """
    rows = _left(sheet, results, departments, renamers)
    return csv_of_rows([sheet.headers, *_cells(sheet, rows)]) if rows else None


def render_retry_workbook(
    sheet: Sheet,
    results: Mapping[int, RowResult],
    *,
    departments: Mapping[int, str] | None = None,
    renamers: Mapping[int, Collection[int]] = NOTHING_RENAMED,
    scratch: Path | None = None,
) -> bytes | None:
    """Return retry.xlsx with the same rows as `render_retry`, every cell a text; None also where only CSV can hold them.

    That is where they are more than `MOST_WORKBOOK_ROWS`, where a text or a row is too long, and where a row has fewer cells than headers:
    in a workbook nobody would see that. The columns of `OUTCOME` stand before the sheet's own, so that nothing that has slipped to the
    right of these comes to lie below them.
    """
    rows = _left(sheet, results, departments, renamers)
    if not rows or len(rows) > MOST_WORKBOOK_ROWS or not sheet.too_short.keys().isdisjoint(rows):
        return None
    table = [list(sheet.headers), *_cells(sheet, rows)]
    longest = max(map(len, table)) + len(OUTCOME)
    if longest > MOST_COLUMNS or any(units(cell) > LONGEST_TEXT for line in table for cell in line):
        return None
    own = len(OUTCOME)

    def write(workbook: Any, formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
        worksheet = workbook.add_worksheet("Retry")
        write_outcome_headers(worksheet, formats)
        worksheet.set_column(own, own + len(sheet.headers) - 1, 24, formats.text)
        worksheet.freeze_panes(1, 2)
        for_paper(worksheet, headers=0)
        worksheet.autofilter(0, 0, len(rows), own + len(sheet.headers) - 1)
        for number, line in enumerate(table):
            if number:
                write_outcome(worksheet, number, results[rows[number - 1]], formats)
            for column, text in enumerate(line, start=own):
                if text:
                    worksheet.write_string(number, column, fitting(text), formats.text if number else formats.head)

    return rendered(write, cells=sum(map(len, table)) + len(table) * own, scratch=scratch)


def _left(
    sheet: Sheet, results: Mapping[int, RowResult], departments: Mapping[int, str] | None, renamers: Mapping[int, Collection[int]]
) -> list[int]:
    """The rows that are not a success, and those that have to come along, as these bring others with them in their turn."""
    rows: list[int] = sheet.cells.index.tolist()
    together: dict[str, list[int]] = defaultdict(list)
    for row, department in (departments or {}).items():
        together[department].append(row)
    wanted: set[int] = set()
    left = [row for row in rows if results[row].status is not Status.SUCCESS]
    while left:
        row = left.pop()
        if row not in wanted:
            wanted.add(row)
            left += renamers.get(row, ())
            if departments is not None and row in departments:
                # Each department's rows come once.
                left += together.pop(departments[row], ())
    return [row for row in rows if row in wanted]


def _cells(sheet: Sheet, rows: list[int]) -> list[list[str]]:
    """Of each row as many cells as it had, without those of outcome columns."""
    frame = sheet.cells.loc[rows]
    lines = [list(cells) for cells in zip(*(frame[position].tolist() for position in frame.columns), strict=True)]
    for row, cells in zip(rows, lines, strict=True):
        if row in sheet.too_short:
            del cells[sum(column_index(letter) < sheet.too_short[row] for letter in sheet.letters) :]
        for column, text in sheet.beyond.get(row, ()):
            gap = column - len(sheet.outcome_columns) - len(cells)
            cells += [*[""] * min(gap, _LONGEST_GAP), text]
    return lines
