"""results.csv: every row of the sheet once, in the sheet's order, with what became of it."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import pandas as pd

from bulkjob.records import RowResult, Sheet
from bulkjob.sheet.apostrophe import guard
from bulkjob.vocabulary import OUTCOME_COLUMNS


def results_frame(sheet: Sheet, results: Mapping[int, RowResult]) -> pd.DataFrame:
    """Return the report as text cells, one row per row of the sheet and in its order, index = row numbers.

    The sheet's own columns are labelled by position as in `Sheet.cells`, the outcome columns behind them by name. A ragged row has as many
    cells as the others, or the outcome columns would slip: missing ones are blank, what stands beyond the headers is left out.
    Raises `ValueError` unless there is exactly one result for each row of the sheet: that is a defect, never to be papered over.
    """
    rows: list[int] = sheet.cells.index.tolist()
    _insist_on_every_row_once(rows, results)
    outcomes = [_outcome_cells(results[row]) for row in rows]
    added = pd.DataFrame(outcomes, index=sheet.cells.index, columns=pd.Index(OUTCOME_COLUMNS, dtype=object), dtype=object)
    return pd.concat([sheet.cells, added], axis="columns")


def render_results(sheet: Sheet, results: Mapping[int, RowResult]) -> bytes:
    """Return results.csv; raises `ValueError` as `results_frame` does."""
    return csv_bytes((*sheet.headers, *OUTCOME_COLUMNS), results_frame(sheet, results))


def csv_bytes(headers: Sequence[str], frame: pd.DataFrame) -> bytes:
    """Return ``frame`` as a CSV that Excel opens: UTF-8 with BOM, CRLF, quoted where needed, no cell or header a formula.

    ``headers`` go by position, because a sheet's own may repeat or be blank.
    """
    columns = [frame.iloc[:, position].tolist() for position in range(len(headers))]
    return csv_of_rows(chain([headers], zip(*columns, strict=True)))


def csv_of_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """Return the rows, which may differ in length, as `csv_bytes` writes them."""
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
