"""plan.xlsx: every change that a plan would make, in all and one by one, and what could go wrong, for whoever approves it."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from bulkjob.changes import AnyEntry, Line, Thing
from bulkjob.phrases import MESSAGE_LIMIT, counted, named, one_line, rows_listed
from bulkjob.plan import PlanDocument, RowEntry
from bulkjob.records import RowResult
from bulkjob.report.row_words import place_of, planned_word
from bulkjob.report.totals import totals_text
from bulkjob.report.workbook import MOST_ROWS, Formats, Page, rendered
from bulkjob.vocabulary import Effect, Status

#: What the sign of a line means.
_DEEDS: Final = {"+": "add", "~": "change", "−": "remove"}


_SUMMARY: Final = (10, 16, 34, 80)


_CHANGES: Final = (36, 26, 12, 60, 30)


_ROWS: Final = (8, 18, 24, 100)


def render_plan_workbook(document: PlanDocument, *, with_ids: Collection[str] = (), scratch: Path | None = None) -> bytes:
    """plan.xlsx. ``with_ids``: the things that are named with their ids, as others bear their names.

    ``scratch``: where the temporary files of a large one go. Raises `OSError` where these find no room.
    """

    def name(thing: Thing) -> str:
        text = one_line(thing.name)
        return named(text, thing.id) if thing.id in with_ids or not text else f'"{text}"'

    planned = [entry for entry in document.changes if entry.status is Status.PLANNED]
    lines = [(line, entry) for entry in planned for line in entry.lines(name)]

    def write(workbook: Any, formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
        _write_summary(Page(workbook.add_worksheet("Plan"), formats, _SUMMARY), document)
        sections: tuple[Literal["unit", "department"], ...] = ("unit", "department")
        for section in sections:
            there = [(line, entry) for line, entry in lines if line.section == section]
            _write_changes(Page(workbook.add_worksheet(f"{section.capitalize()}s"), formats, _CHANGES), section, there)
        _write_rows(Page(workbook.add_worksheet("Rows"), formats, _ROWS), document.rows)

    cells = len(lines) * len(_CHANGES) + len(document.rows) * len(_ROWS)
    return rendered(write, cells=cells, scratch=scratch)


# -------------------------------------------------------------------------------------------------------- the first worksheet


def _write_summary(page: Page, document: PlanDocument) -> None:
    version = f" (Rocket.Chat {one_line(document.server.version)})" if document.server.version else ""
    page.title(f"Plan for {one_line(document.sheet.name)}: {totals_text(document.changes) or 'nothing to change'}")
    page.sentence(f"Nothing has been changed yet. Server: {one_line(document.server.url)}{version}")
    if document.refused:
        page.heading("This plan would be refused")
        page.sentence(one_line(document.refused.message, MESSAGE_LIMIT))
    page.row_counts(map(_word, document.rows))
    page.heading("What could go wrong")
    undone = [row for row in document.rows if row.status not in (Status.SUCCESS, Status.PLANNED)]
    if not undone and not document.warnings:
        page.sentence("Nothing that can be seen from here.")
    for warning in document.warnings:
        page.sentence(one_line(warning, MESSAGE_LIMIT))
    if undone:
        page.sentence(f'{counted(len(undone), "row")} would not be in place: the worksheet "Rows" begins with them.')
    _write_duration(page, document)
    page.heading("How to read this file")
    page.sentence(
        'The worksheets "Units" and "Departments" have every change: what is added (+), changed (~) or removed (−) where. '
        "A department that moves is in both: under the unit that it leaves, under the one that it joins, and by itself."
    )
    page.sentence("Row numbers are those of the sheet. What is not named in this file stays as it is.")


def _write_duration(page: Page, document: PlanDocument) -> None:
    if document.forecast is None or not document.calls:
        return
    total, reading = sum(call.count for call in document.calls), document.forecast.reading_calls
    page.heading("How long, and why")
    page.sentence(document.forecast.text)
    page.sentence(f"{counted(reading + total, 'call')}: {reading:,} to read the workspace, {total:,} for the changes and their checks.")
    page.headers(("Calls", "Method", "Route"))
    for call in document.calls:
        page.line((call.count, call.method, call.route))


# ------------------------------------------------------------------------------------------------------------- the others


def _write_changes(page: Page, section: str, lines: Sequence[tuple[Line, AnyEntry]]) -> None:
    page.headers((section.capitalize(), "Id", "Change", "What", "Asked for in"))
    ordered = sorted(lines, key=lambda each: (each[0].about.name.casefold(), each[0].about.id))
    for line, entry in ordered[: MOST_ROWS - 2]:
        text = one_line(line.text, MESSAGE_LIMIT)
        page.line((one_line(line.about.name), one_line(line.about.id), f"{line.sign} {_DEEDS[line.sign]}", text, rows_listed(entry.rows)))
    page.as_table(len(_CHANGES))


def _write_rows(page: Page, rows: Sequence[RowEntry]) -> None:
    page.headers(("Row", "Status", "Code", "Message"))
    for row in sorted(rows, key=lambda row: place_of(_word(row)))[: MOST_ROWS - 2]:
        page.line((row.row, _word(row), str(row.code or ""), one_line(row.message, MESSAGE_LIMIT)))
    page.as_table(len(_ROWS))


def _word(row: RowEntry) -> str:
    return planned_word(RowResult(row=row.row, status=row.status, change=Effect(row.change)))
