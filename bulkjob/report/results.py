"""results.csv: every row of the sheet once, in the sheet's order, with what became of it."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from bulkjob.records import RowResult, Sheet
from bulkjob.sheet import guard
from bulkjob.vocabulary import OUTCOME_COLUMNS


def results_rows(sheet: Sheet, results: Mapping[int, RowResult]) -> Iterator[tuple[str, ...]]:
    """Return the report as text cells: one tuple per row of the sheet, in its order, the sheet's own cells before the outcome columns.

    A ragged row has as many cells as the others, or the outcome columns would slip: missing ones are blank, what stands beyond the
    headers is left out. Raises `ValueError` unless there is exactly one result for each row of the sheet: that is a defect, never to be
    papered over.
    """
    rows: list[int] = sheet.cells.index.tolist()
    _insist_on_every_row_once(rows, results)
    columns = [sheet.cells[position].tolist() for position in range(len(sheet.headers))]
    own = zip(*columns, strict=True) if columns else iter([()] * len(rows))
    return ((*cells, *_outcome_cells(results[row])) for row, cells in zip(rows, own, strict=True))


def render_results(sheet: Sheet, results: Mapping[int, RowResult]) -> bytes:
    """Return results.csv; raises `ValueError` as `results_rows` does."""
    return csv_of_rows(chain([(*sheet.headers, *OUTCOME_COLUMNS)], results_rows(sheet, results)))


def csv_of_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """Return the rows, which may differ in length, as a CSV that Excel opens: UTF-8 with BOM, CRLF, no cell a formula."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(map(guard, row) for row in rows)
    # A server's words may hold half a surrogate pair, which no file can, or NUL, which makes a file that nobody reads.
    return text.getvalue().replace("\0", "?").encode("utf-8-sig", errors="replace")


def _insist_on_every_row_once(rows: Sequence[int], results: Mapping[int, RowResult]) -> None:
    known = set(rows)
    defects = (
        (
            "row numbers that occur twice",
            [] if len(known) == len(rows) else sorted(row for row, times in Counter(rows).items() if times > 1),
        ),
        ("rows without a result", sorted(known - results.keys())),
        ("results of no row", sorted(results.keys() - known)),
        ("results kept for another row", [row for row in known & results.keys() if results[row].row != row]),
    )
    if found := [f"{what}: {culprits[:5]}" for what, culprits in defects if culprits]:
        raise ValueError("the report would not show every row once; " + "; ".join(found))


def _outcome_cells(result: RowResult) -> tuple[str, ...]:
    """Return the outcome columns of one row, in the order of `vocabulary.OUTCOME_COLUMNS`."""
    return (
        str(result.row),
        str(result.status),
        str(result.change),
        str(result.code or ""),
        result.message,
        _number(result.attempts),
        _number(result.http_status),
        "" if result.seconds is None else f"{result.seconds:.3f}",
    )


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
