"""All rows of the sheet, as far as a page can hold them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Final

from bulkjob.phrases import counted
from bulkjob.records import RowResult, Sheet
from bulkjob.report.pages.story import Count, Kind, Table, TableRow, kind_of
from bulkjob.report.row_words import planned_word, row_word
from bulkjob.vocabulary import Effect, Status

#: A browser scrolls and searches so many without a pause.
MOST_ROWS: Final = 20_000
#: Characters of all cells and messages together; a page of more is no attachment any longer.
MOST_TEXT: Final = 12_000_000


def words_of(*, undoes: bool = False, planned: bool = False) -> dict[Kind, str]:
    """How people call the ways in which a row ends."""
    words = {kind: (planned_word if planned else row_word)(result) for kind, result in _ONE_OF_EACH.items()}
    return words | ({Kind.CHANGED: "put back", Kind.CORRECT: "already as before"} if undoes else {})


_ONE_OF_EACH: Final = {
    kind_of(status, change): RowResult(row=0, status=status, change=change)
    for status in Status
    for change in ((Effect.UPDATED, Effect.UNCHANGED) if status is Status.SUCCESS else (Effect.NONE,))
}


def counts_of(results: Iterable[RowResult], words: Mapping[Kind, str]) -> tuple[Count, ...]:
    """How many rows ended in which way; what there is none of is left out."""
    numbers = dict.fromkeys(Kind, 0)
    for result in results:
        numbers[kind_of(result.status, result.change)] += 1
    return tuple(Count(kind=kind, word=words[kind], number=number) for kind, number in numbers.items() if number)


def table_of(sheet: Sheet, results: Mapping[int, RowResult], words: Mapping[Kind, str], *, rest: str) -> Table:
    """The rows in the sheet's order; of too many those that somebody has to look at come first. ``rest``: the file that has all of them."""
    rows = _chosen(sheet, results)
    total, left = len(sheet.cells), ""
    if len(rows) < total:
        left = (
            f"Only {len(rows):,} of {counted(total, 'row')} are on this page, those that need somebody first among them. "
            f"{f'All of them are in {rest}.' if rest else ''}".rstrip()
        )
    stem = re.sub(r"[^\w.-]+", "-", PurePath(sheet.name).stem).strip("-.")[:60]
    return Table(headers=sheet.headers, rows=rows, left_out=left, file=stem or "rows", words=words)


def _chosen(sheet: Sheet, results: Mapping[int, RowResult]) -> tuple[TableRow, ...]:
    """As many as fit, the undone before the others, then in the sheet's order."""
    numbers: list[int] = sheet.cells.index.tolist()
    done = (Status.SUCCESS, Status.PLANNED)
    # Sorting keeps the sheet's order among equals.
    places = sorted(range(len(numbers)), key=lambda place: results[numbers[place]].status in done)[:MOST_ROWS]
    cells = sheet.cells.iloc[places]
    texts = zip(*(cells[position].tolist() for position in cells.columns), strict=True) if len(cells.columns) else iter([()] * len(places))
    room = MOST_TEXT
    kept: list[tuple[int, TableRow]] = []
    for place, own in zip(places, texts, strict=True):
        result = results[numbers[place]]
        room -= sum(map(len, own)) + len(result.message)
        if room < 0 and kept:
            break
        kept.append((place, _row(result, own)))
    return tuple(row for _, row in sorted(kept, key=lambda one: one[0]))


def _row(result: RowResult, cells: tuple[str, ...]) -> TableRow:
    return TableRow(
        row=result.row,
        kind=kind_of(result.status, result.change),
        status=str(result.status),
        change=str(result.change),
        code=str(result.code or ""),
        message=result.message,
        cells=cells,
    )
