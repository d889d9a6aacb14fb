"""Many runs in one table and one verdict: what their summaries say, and the exit code that follows from all of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line, printable
from bulkjob.report.lines import rows_of, sentence, spaced
from bulkjob.report.summary import RowCounts
from bulkjob.vocabulary import Exit

#: Which of several exit codes the whole has: the first of these that occurs; 0 if none does.
GRAVITY: Final = (
    Exit.DEFECT,
    Exit.BAD_SETTING,
    Exit.NO_PERMISSION,
    Exit.CANNOT_CREATE,
    Exit.NO_INPUT,
    Exit.BAD_SHEET,
    Exit.UNAVAILABLE,
    Exit.INTERRUPTED,
    Exit.ROWS_NOT_DONE,
)


NO_ROWS: Final = RowCounts(total=0, updated=0, unchanged=0, failed=0, invalid=0, not_sent=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What is known of one run."""

    path: str
    """Its directory, as it was given or found."""
    exit_code: Exit
    rows: RowCounts = NO_ROWS
    seconds: float = 0.0
    message: str = ""
    """What stopped it, or why nothing is known of it; blank if it reached its end."""
    known: bool = True
    """Whether its summary could be read; if not, the rest is what that counts as."""


def read_summary(path: str, data: bytes) -> RunSummary:
    """What a summary.json says; one that cannot be read counts as a run that was interrupted."""
    try:
        # (A lone surrogate is no text that could be printed or written.)
        document = json.loads(data.decode("utf-8"))
        return _of(path, document)
    except (ValueError, KeyError, TypeError, RecursionError):
        return unread(path, "its summary.json cannot be read")


def unread(path: str, why: str, exit_code: Exit = Exit.INTERRUPTED) -> RunSummary:
    """A run of which nothing is known but why."""
    return RunSummary(path=path, exit_code=exit_code, message=why, known=False)


def _of(path: str, document: Mapping[str, object]) -> RunSummary:
    rows, changes = document["rows"], document["changes"]
    exit_code = Exit(_whole(document["exit_code"]))
    if not isinstance(rows, dict) or not isinstance(changes, dict) or exit_code not in (Exit.OK, *GRAVITY):
        raise ValueError("no summary of a run")
    seconds, message = document.get("duration_seconds", 0.0), document.get("message", "")
    return RunSummary(
        path=path,
        exit_code=exit_code,
        rows=RowCounts(
            total=_whole(rows["total"]),
            updated=_whole(changes["updated"]),
            unchanged=_whole(changes["unchanged"]),
            failed=_whole(rows["failed"]),
            invalid=_whole(rows["invalid"]),
            not_sent=_whole(rows["not_sent"]),
        ),
        seconds=float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < _LONGEST else 0.0,
        message=one_line(message, MESSAGE_LIMIT) if isinstance(message, str) else "",
    )


#: Seconds of a run that anybody would wait for; more is no number of seconds.
_LONGEST: Final = 1e9


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**9:
        raise ValueError("no count")
    return value


# ------------------------------------------------------------------------------------------------------------------ verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Many runs together."""

    runs: Sequence[RunSummary]
    expected: int | None = None
    """How many there should be; None where nobody says."""

    @property
    def missing(self) -> int:
        """How many of those expected there are not."""
        return max(0, (self.expected or 0) - len(self.runs))

    @property
    def exit_code(self) -> Exit:
        """Of all of them together; a run that is missing counts as one that was interrupted."""
        codes = {run.exit_code for run in self.runs} | ({Exit.INTERRUPTED} if self.missing else set())
        return next((code for code in GRAVITY if code in codes), Exit.OK)

    @property
    def rows(self) -> RowCounts:
        """Of all of them added up."""
        every = [run.rows for run in self.runs]
        return RowCounts(
            total=sum(rows.total for rows in every),
            updated=sum(rows.updated for rows in every),
            unchanged=sum(rows.unchanged for rows in every),
            failed=sum(rows.failed for rows in every),
            invalid=sum(rows.invalid for rows in every),
            not_sent=sum(rows.not_sent for rows in every),
        )


def overview_document(overview: Overview) -> dict[str, object]:
    """The overview for machines."""
    return {
        "exit_code": int(overview.exit_code),
        "expected": overview.expected,
        "missing": overview.missing,
        **overview.rows.as_json,
        "runs": [
            {
                "directory": run.path,
                "exit_code": int(run.exit_code),
                "summary": run.known,
                "message": run.message,
                **run.rows.as_json,
                "duration_seconds": run.seconds,
            }
            for run in overview.runs
        ],
    }


def overview_lines(console: Console, overview: Overview, meanings: Mapping[Exit, str]) -> list[Text]:
    """The lines to print: a row for each run, then what is not as it should be, then the verdict in one sentence.

    ``meanings``: what each exit code says.
    """
    style = "bold green" if overview.exit_code is Exit.OK else "bold red"
    verdict = sentence(console, verdict_on_all(overview), style=style)
    return spaced([_table(console, overview.runs), _what_is_left(console, overview, meanings), verdict])


def verdict_on_all(overview: Overview) -> str:
    """One sentence on all runs together."""
    rows = overview.rows
    if overview.exit_code is Exit.OK:
        there = f"All {len(overview.runs):,} runs are" if len(overview.runs) != 1 else "The only run is"
        return f"{there} done: {counted(rows.total, 'row')} in place, {rows.updated:,} changed and {rows.unchanged:,} already correct."
    total = len(overview.runs) + overview.missing
    left = overview.missing + sum(run.exit_code is not Exit.OK for run in overview.runs)
    are = "is" if left == 1 else "are"
    unknown = overview.missing + sum(not run.known for run in overview.runs)
    known = f"{rows.success:,} of {counted(rows.total, 'row')} in place" if rows.total else "no row is known to be in place"
    beside = f"; nothing is known of {counted(unknown, 'run')}" if unknown and rows.total else ""
    return f"{left:,} of {counted(total, 'run')} {are} not done (exit code {int(overview.exit_code)}): {known}{beside}."


_COLUMNS: Final = ("run", "exit code", "rows", "changed", "already correct", "failed", "invalid", "not sent")


def _table(console: Console, runs: Sequence[RunSummary]) -> list[Text]:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    run, *figures = _COLUMNS
    table.add_column(run, overflow="fold")
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    for each in runs:
        table.add_row(*_cells(each))
    return rows_of(console, table)


def _cells(run: RunSummary) -> tuple[str, ...]:
    rows = run.rows
    counts = (rows.total, rows.updated, rows.unchanged, rows.failed, rows.invalid, rows.not_sent)
    return (printable(run.path), str(int(run.exit_code)), *(f"{count:,}" if run.known else "?" for count in counts))


def _what_is_left(console: Console, overview: Overview, meanings: Mapping[Exit, str]) -> list[Text]:
    """The gravest exit code first, and under each what its runs say."""
    left = [run for run in overview.runs if run.exit_code is not Exit.OK]
    ranked = sorted(left, key=lambda run: GRAVITY.index(run.exit_code))
    lines: list[Text] = []
    for code, runs in groupby(ranked, key=lambda run: run.exit_code):
        lines += sentence(console, f"Exit code {int(code)}: {meanings[code]}", style="bold")
        for run in runs:
            told = run.message or _undone(run.rows)
            lines += sentence(console, f"{printable(run.path)}: {told}", first="  ", others="    ", most=_LINES_PER_RUN)
    if overview.missing:
        are = "is" if overview.missing == 1 else "are"
        lines += sentence(console, f"{counted(overview.missing, 'run')} of {overview.expected:,} expected {are} missing.")
    return lines


#: Of what a run says of itself; its own report has all of it.
_LINES_PER_RUN: Final = 3


def _undone(rows: RowCounts) -> str:
    kinds = (("failed", rows.failed), ("invalid", rows.invalid), ("not sent", rows.not_sent))
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds if number) or "see its report"
