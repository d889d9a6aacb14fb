"""retry.csv: the rows that are not a success, as a sheet to feed again."""

from collections.abc import Mapping

from bulkjob.records import RowResult, Sheet
from bulkjob.report.results import csv_bytes
from bulkjob.vocabulary import Status


def render_retry(sheet: Sheet, results: Mapping[int, RowResult], *, departments: Mapping[int, str] | None = None) -> bytes | None:
    """Return retry.csv with the sheet's own columns, in the sheet's order; None if every row is a success.

    ``departments`` is for ``mirror``: row → whatever stands for its department (an id). All rows of a department
    come along as soon as one of them is there, because a mirrored department is emptied of the agents whom the sheet does not mention.
    A row it lacks stands for itself.
    """
    rows: list[int] = sheet.cells.index.tolist()
    wanted = {row for row in rows if results[row].status is not Status.SUCCESS}
    if not wanted:
        return None
    if departments is not None:
        touched = {departments[row] for row in wanted if row in departments}
        wanted |= {row for row in rows if departments.get(row) in touched}
    return csv_bytes(sheet.headers, sheet.cells.loc[[row for row in rows if row in wanted]])
