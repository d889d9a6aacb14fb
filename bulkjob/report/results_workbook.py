"""results.xlsx: the verdict and what to do about it, then every row of the sheet, those that need somebody first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line, rows_listed
from bulkjob.records import RowResult, Sheet
from bulkjob.report.row_words import CHANGED, CORRECT, Reason, problems_first, reasons_of, row_word
from bulkjob.report.summary import Ending, row_counts
from bulkjob.report.terminal import verdict_of
from bulkjob.report.text_cells import fitting
from bulkjob.report.workbook import MOST_COLUMNS, OUTCOME, Formats, Page, for_paper, rendered, write_outcome, write_outcome_headers
from bulkjob.vocabulary import Exit, Status

#: So many rows take some twenty seconds to write as a workbook, and no spreadsheet program is quick with more.
MOST_RESULT_ROWS: Final = 200_000


#: Behind the sheet's own columns, for whoever runs the program.
_AFTER: Final = (("Code", 22), ("Attempts", 10), ("HTTP status", 12), ("Seconds", 10))


_NARROWEST, _WIDEST = 10, 40


_ROWS_FOR_WIDTH: Final = 200


_ROWS_AT_ONCE: Final = 2_000


#: Of the first worksheet, in characters.
_WIDTHS: Final = (10, 16, 34, 80)


_SHOWN_WARNINGS: Final = 50


def render_results_workbook(
    sheet: Sheet, results: Mapping[int, RowResult], ending: Ending, *, annotated: bool = False, scratch: Path | None = None
) -> bytes:
    """results.xlsx. Of a sheet that is too large the last rows, which need nobody, are left out, and it says so.

    ``annotated``: whether annotated.xlsx lies beside it. ``scratch``: where temporary files go. Raises `OSError` where these find no room.
    """
    columns = len(OUTCOME) + len(sheet.headers) + len(_AFTER)

    def write(workbook: Any, formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
        _write_summary(Page(workbook.add_worksheet("Summary"), formats, _WIDTHS), results, ending, annotated=annotated)
        _write_rows(workbook.add_worksheet("Rows"), sheet, problems_first(results), formats)

    return rendered(write, cells=min(len(results), MOST_RESULT_ROWS) * columns, scratch=scratch)


# --------------------------------------------------------------------------------------------------------- the first worksheet


def _write_summary(page: Page, results: Mapping[int, RowResult], ending: Ending, *, annotated: bool) -> None:
    page.title(f"{one_line(ending.sheet_name)}: {verdict_of(ending, row_counts(results.values()))}")
    if ending.message:
        page.sentence(one_line(ending.message, MESSAGE_LIMIT))
    page.sentence(f"Run directory: {one_line(ending.run_dir)} · bulkjob {ending.bulkjob_version}")
    page.heading("What to do")
    for step in [*_steps(results, ending, annotated=annotated)] or [_START_AGAIN]:
        page.sentence(step)
    if reasons := reasons_of(results.values()):
        page.heading("Not put back, by reason" if ending.undoes else "Not in place, by reason")
        page.headers(("Rows", "Status", "Which", "What happened and what to do"))
        for reason in reasons:
            page.line((len(reason.results), reason.word, rows_listed([one.row for one in reason.results]), _example(reason)))
    page.row_counts(map(row_word, results.values()))
    _write_warnings(page, ending.figures.warnings)
    page.heading("How to read this file")
    for line in _guide(len(results), undoes=ending.undoes):
        page.sentence(line)


def _write_warnings(page: Page, warnings: Sequence[str]) -> None:
    if warnings:
        page.heading("Warnings")
    for warning in warnings[:_SHOWN_WARNINGS]:
        page.sentence(one_line(warning, MESSAGE_LIMIT))
    if (more := len(warnings) - _SHOWN_WARNINGS) > 0:
        page.sentence(f"{counted(more, 'more warning')} in summary.json.")


def _example(reason: Reason) -> str:
    """What the first of its rows says; whose message that is, where there are more."""
    first = reason.results[0]
    message = one_line(first.message, MESSAGE_LIMIT) or str(reason.code or "")
    return message if len(reason.results) == 1 else f"Row {first.row}, for example: {message}"


def _steps(results: Mapping[int, RowResult], ending: Ending, *, annotated: bool) -> Iterator[str]:
    """What people with no terminal can do; the commands are printed for whoever started the run."""
    statuses = {result.status for result in results.values()}
    if ending.exit_code is Exit.OK:
        yield "Nothing left to do."
    elif ending.undoes:
        yield _LEFT_ALONE
    else:
        if annotated:
            yield _CORRECT_INVALID + (" Rows that are in place already do no harm in it." if ending.owned else "")
        if Status.FAILED in statuses:
            yield _MEND_FAILED
        if Status.NOT_SENT in statuses and Status.FAILED not in statuses:
            yield _SEND_LATER + (
                "with the corrected sheet." if annotated else "with the same sheet, once what is said at the top is settled."
            )
        if ending.retry and ending.owned:
            yield f"{ending.retry} has only the rows that are left: it can be corrected and sent back instead of the whole sheet."


_LEFT_ALONE: Final = (
    "Rows that somebody has changed since the run were left alone: look at them in Rocket.Chat, and change them there by hand if need be. "
    "For the others, fix what the messages name; then whoever started the rollback starts it again, and it picks up where it left off."
)


_CORRECT_INVALID: Final = (
    "Invalid rows: open annotated.xlsx, correct the red cells as its last column says, save it, and send it back to whoever runs bulkjob."
)


_MEND_FAILED: Final = (
    "Failed rows: fix what the messages below name (in Rocket.Chat, or with an administrator); then whoever runs bulkjob starts it again "
    "with the same sheet. It picks up where it left off, and rows that are in place are not sent again."
)


_START_AGAIN: Final = "Every row is in place. Whoever runs bulkjob settles what is said at the top, and starts it again."


_SEND_LATER: Final = "Rows not sent: nothing is wrong with them. They go out when bulkjob is started again "


def _guide(rows: int, *, undoes: bool) -> Iterator[str]:
    yield 'The worksheet "Rows" has every row of your sheet: first those that need somebody, then what was changed, then what was right.'
    if rows > MOST_RESULT_ROWS:
        yield f"Only the first {MOST_RESULT_ROWS:,} are in it; results.csv has all {rows:,}."
    yield "Row numbers are those of your sheet. Use the arrows in the headers to show only some rows, such as those that failed."
    if undoes:
        yield f"{CHANGED}: bulkjob put it back, and saw that it is so now. {CORRECT}: it was as before the run; nothing was sent."
    else:
        yield f"{CHANGED}: bulkjob changed it, and saw that it is so now. {CORRECT}: it was so before; nothing was sent."
    yield "failed: it was tried, or could not be. invalid: something in the row must be corrected first. not sent: nothing was sent for it."


# -------------------------------------------------------------------------------------------------------------------- the rows


def _write_rows(worksheet: Any, sheet: Sheet, results: Sequence[RowResult], formats: Formats) -> None:  # noqa: ANN401  # xlsxwriter ships no types
    own = range(min(len(sheet.headers), MOST_COLUMNS - len(OUTCOME) - len(_AFTER)))
    first_after = len(OUTCOME) + len(own)
    write_outcome_headers(worksheet, formats)
    some = sheet.cells.head(_ROWS_FOR_WIDTH)
    widths = [(sheet.headers[position], _width(sheet.headers[position], some[position].tolist())) for position in own]
    for column, (header, width) in enumerate([*widths, *_AFTER], start=len(OUTCOME)):
        worksheet.set_column(column, column, width)
        worksheet.write_string(0, column, fitting(header), formats.head)
    # Row and status stay in sight.
    worksheet.freeze_panes(1, 2)
    worksheet.autofilter(0, 0, max(min(len(results), MOST_RESULT_ROWS), 1), first_after + len(_AFTER) - 1)
    for_paper(worksheet, headers=0)
    for line, (result, cells) in enumerate(_with_cells(sheet, results[:MOST_RESULT_ROWS], own), start=1):
        write_outcome(worksheet, line, result, formats)
        for column, text in enumerate(cells, start=len(OUTCOME)):
            if text:
                worksheet.write_string(line, column, fitting(text), formats.text)
        if result.code:
            worksheet.write_string(line, first_after, str(result.code), formats.text)
        for column, number in enumerate((result.attempts, result.http_status), start=first_after + 1):
            if number is not None:
                worksheet.write_number(line, column, number, formats.number)
        if result.seconds is not None:
            worksheet.write_number(line, first_after + 3, round(result.seconds, 3), formats.seconds)
    if (more := len(results) - MOST_RESULT_ROWS) > 0:
        worksheet.write_string(MOST_RESULT_ROWS + 1, 2, f"{counted(more, 'more row')} in results.csv.", formats.wrapped)


def _with_cells(sheet: Sheet, results: Sequence[RowResult], own: Iterable[int]) -> Iterator[tuple[RowResult, tuple[str, ...]]]:
    """Each result with the cells of its row; some rows at a time, as all cells as texts of their own would take much room."""
    for start in range(0, len(results), _ROWS_AT_ONCE):
        some = results[start : start + _ROWS_AT_ONCE]
        frame = sheet.cells.loc[[result.row for result in some]]
        yield from zip(some, zip(*(frame[position].tolist() for position in own), strict=True), strict=True)


def _width(header: str, texts: Sequence[str]) -> int:
    longest = max(map(len, [header, *texts[:_ROWS_FOR_WIDTH]]))
    return min(max(longest + 3, _NARROWEST), _WIDEST)
