"""The end of a run in a screenful of text, for the person who started it."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from bulkjob.phrases import counted, one_line
from bulkjob.records import RowResult
from bulkjob.report.summary import Ending, RowCounts, RunFigures, row_counts
from bulkjob.vocabulary import Exit, Status

#: What the last line of standard output begins with; the rest of that line is the run directory.
REPORT_PREFIX: Final = "Report: "


#: So many rows that are not a success are shown, each in at most so many lines; with the rest of the summary that is one screen.
SHOWN_ROWS: Final = 5


LINES_PER_ROW: Final = 3


SHOWN_REASONS: Final = 8


SHOWN_WARNINGS: Final = 4


_GREEN, _YELLOW, _RED, _BOLD, _PLAIN = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[0m"


def summary_lines(ending: Ending, results: Iterable[RowResult], *, width: int = 100, colour: bool = False) -> list[str]:
    """Return what to print at the end of a run; the last line is `REPORT_PREFIX` and the run directory.

    Plain text unless ``colour`` is asked for. ``width`` is in characters; only a line with the run directory's path may be longer.
    """
    results = list(results)
    rows = row_counts(results)
    undone = [result for result in results if result.status is not Status.SUCCESS]
    blocks = [
        [_headline(ending, rows, colour=colour)],
        _wrapped(one_line(ending.message), width) if ending.message else [],
        _counts(rows, undoes=ending.undoes, colour=colour),
        _reasons(undone),
        _first_undone(undone, width, "; results.csv has them all" if ending.reported else "", stopped=bool(ending.message)),
        _warnings(ending.figures.warnings, width),
        _wrapped(_traffic(ending.figures), width),
        # Not broken within a word, so that the path in it can be copied.
        textwrap.wrap(f"Next: {next_step(ending, rows)}", max(width, 40), break_long_words=False, break_on_hyphens=False),
    ]
    spaced = [line for block in blocks if block for line in (*block, "")]
    return [*spaced, REPORT_PREFIX + ending.run_dir]


def next_step(ending: Ending, rows: RowCounts) -> str:
    """Return the one sentence on what to do after this ending."""
    if ending.undoes:
        return _next_step_back(ending)
    again = (
        f"run the same sheet again with --run-dir {ending.run_dir}; it continues where it stopped, and what is already so is not sent again"
    )
    steps = {
        Exit.OK: "nothing is left to do; results.csv says for each row what was done.",
        Exit.ROWS_NOT_DONE: "put right what the messages in results.csv name, then run retry.csv, which holds the rows that are left, "
        f"or {again}.",
        Exit.BAD_SHEET: "nothing was sent; put right what is named above, then run the sheet again.",
        Exit.UNAVAILABLE: f"when the server answers again, {again}.",
        Exit.DEFECT: f"this is a defect in bulkjob, please report it with the log; to go on all the same, {again}.",
        Exit.CANNOT_CREATE: f"make the place writable, or choose another --run-dir if this one belongs to another run; then {again}."
        if rows.success or rows.failed
        else "make the run directory writable, or choose another with --run-dir, then run the sheet again.",
        Exit.INTERRUPTED: f"{again}.",
        Exit.NO_PERMISSION: f"put right what is named above (an administrator can, for permissions), then {again}.",
        Exit.BAD_SETTING: "correct the setting that is named above, then run the sheet again.",
    }
    # Wrong usage ends before there is a run; should it ever get here, the message is all there is to say.
    return steps.get(ending.exit_code, "see the message above.")


def _next_step_back(ending: Ending) -> str:
    """Return the same for a rollback, which is run again by its run's directory."""
    again = "run the same rollback again; it continues where it stopped, and what is back already is not sent again"
    steps = {
        Exit.OK: "nothing is left to do; the run directory is closed, so a new run of the sheet needs another one.",
        Exit.ROWS_NOT_DONE: "read the messages in results.csv; what somebody has changed since the run was left alone. Once what else they "
        f"name is put right, {again}.",
        Exit.UNAVAILABLE: f"when the server answers again, {again}.",
        Exit.DEFECT: f"this is a defect in bulkjob, please report it with the log; to go on all the same, {again}.",
        Exit.CANNOT_CREATE: f"make the place writable, then {again}.",
        Exit.INTERRUPTED: f"{again}.",
        Exit.NO_PERMISSION: f"have an administrator give the account what is named above, then {again}.",
        Exit.BAD_SETTING: f"correct the setting that is named above, then {again}.",
    }
    return steps.get(ending.exit_code, "see the message above.")


def _headline(ending: Ending, rows: RowCounts, *, colour: bool) -> str:
    if ending.exit_code is Exit.OK:
        verdict, paint = "everything is as it was before the run" if ending.undoes else "every row is as the sheet says", _GREEN
    elif ending.exit_code is Exit.ROWS_NOT_DONE:
        undone = "not put back" if ending.undoes else "not done"
        verdict, paint = f"{counted(rows.total - rows.success, 'row')} of {rows.total:,} {undone}", _YELLOW
    else:
        verdict, paint = f"stopped before its end (exit code {int(ending.exit_code)})", _RED
    text = f"{one_line(ending.sheet_name)}: {verdict}"
    return f"{_BOLD}{paint}{text}{_PLAIN}" if colour else text


def _counts(rows: RowCounts, *, undoes: bool, colour: bool) -> list[str]:
    table = (
        ("rows in the sheet", rows.total, ""),
        ("put back" if undoes else "done", rows.updated, _GREEN),
        ("as it was" if undoes else "already so", rows.unchanged, _GREEN),
        ("failed", rows.failed, _RED),
        ("invalid", rows.invalid, _RED),
        ("not sent", rows.not_sent, _YELLOW),
    )
    lines = []
    for name, number, paint in table:
        line = f"  {name:<18}{number:>9,}"
        lines.append(f"{paint}{line}{_PLAIN}" if colour and paint and number else line)
    return lines


def _reasons(undone: Sequence[RowResult]) -> list[str]:
    """Return the codes with their counts, the most frequent first."""
    if not undone:
        return []
    reasons = Counter(f"{result.status.replace('_', ' ')}: {result.code}" if result.code else str(result.status) for result in undone)
    ranked = sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    lines = ["Reasons", *(f"  {reason:<40}{number:>9,}" for reason, number in ranked[:SHOWN_REASONS])]
    if rest := ranked[SHOWN_REASONS:]:
        lines.append(f"  {counted(len(rest), 'other reason'):<40}{sum(number for _, number in rest):>9,}")
    return lines


def _first_undone(undone: Sequence[RowResult], width: int, rest_is: str, *, stopped: bool) -> list[str]:
    # What failed on the server first: rows that were merely not sent say the same as the message that stopped the job.
    telling = [result for result in undone if result.status is not Status.NOT_SENT] or ([] if stopped else undone)
    shown = telling[:SHOWN_ROWS]
    if not shown:
        return []
    lines = ["Rows that are not done"]
    for result in shown:
        label = f"  row {result.row}  "
        text = one_line(result.message) or str(result.code or result.status)
        lines += textwrap.wrap(
            text, max(width, 40), initial_indent=label, subsequent_indent=" " * len(label), max_lines=LINES_PER_ROW, placeholder=" …"
        )
    if rest := len(undone) - len(shown):
        lines.append(f"  and {counted(rest, 'more row')}{rest_is}")
    return lines


def _warnings(warnings: Sequence[str], width: int) -> list[str]:
    if not warnings:
        return []
    lines = ["Warnings"]
    for warning in warnings[:SHOWN_WARNINGS]:
        lines += textwrap.wrap(one_line(warning), max(width, 40), initial_indent="  ", subsequent_indent="    ")
    if (rest := len(warnings) - SHOWN_WARNINGS) > 0:
        lines.append(f"  and {counted(rest, 'more warning')}; summary.json has them all")
    return lines


def _traffic(figures: RunFigures) -> str:
    """Return one sentence on calls, waiting and time."""
    total = sum(count for *_, count in figures.calls)
    writes = sum(count for method, _, _, count in figures.calls if method != "GET")
    parts = [f"{counted(total, 'call')} to the server, {counted(writes, 'write')} among them"]
    if figures.retries:
        parts.append(f"{counted(figures.retries, 'call')} repeated after an error")
    if figures.wait_seconds >= 1:
        parts.append(f"{_duration(figures.wait_seconds)} waited for the rate limit (all routes added up)")
    return f"{'; '.join(parts)}; {_duration(figures.duration_seconds)} in all."


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 40), break_on_hyphens=False)
