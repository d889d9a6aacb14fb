"""The end of a run in a screenful of text, for the person who started it."""

from collections.abc import Iterable, Sequence
from typing import Final

from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line, wrapped
from bulkjob.records import RowResult
from bulkjob.report.next_steps import Step, step_lines
from bulkjob.report.summary import Ending, RowCounts, RunFigures, row_counts
from bulkjob.vocabulary import Exit, Status

#: What the last line of standard output begins with; the rest of that line is the run directory.
REPORT_PREFIX: Final = "Report: "


#: One row is shown of each of so many reasons, in at most so many lines; with the rest of the summary that is one screen.
SHOWN_REASONS: Final = 4


LINES_PER_ROW: Final = 3


SHOWN_WARNINGS: Final = 3


_GREEN, _YELLOW, _RED, _BOLD, _PLAIN = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[0m"


def summary_lines(
    ending: Ending, results: Iterable[RowResult], *, steps: Sequence[Step] = (), width: int = 100, colour: bool = False
) -> list[str]:
    """The lines to print at the end of a run: the verdict first and last, then `REPORT_PREFIX` and the run directory.

    Plain text unless ``colour`` is asked for. ``width`` is in characters; only a command or a path may be longer.
    """
    results = list(results)
    rows = row_counts(results)
    left = [result for result in results if result.status is not Status.SUCCESS]
    verdict = wrapped(f"{one_line(ending.sheet_name)}: {verdict_of(ending, rows)}", width)
    if colour:
        paint = {Exit.OK: _GREEN, Exit.ROWS_NOT_DONE: _YELLOW}.get(ending.exit_code, _RED)
        verdict = [f"{_BOLD}{paint}{line}{_PLAIN}" for line in verdict]
    blocks = [
        [*verdict, *wrapped(one_line(ending.message, MESSAGE_LIMIT), width)],
        _reasons(left, width, undoes=ending.undoes, reported=ending.reported, stopped=bool(ending.message)),
        _warnings(ending.figures.warnings, width),
        wrapped(_traffic(ending.figures), width),
        step_lines(steps, width),
        # Above a long list the first line may have left the screen.
        verdict if left else [],
    ]
    spaced = [line for block in blocks if block for line in (*block, "")]
    return [*(spaced[:-1] if left else spaced), REPORT_PREFIX + ending.run_dir]


def verdict_of(ending: Ending, rows: RowCounts) -> str:
    """One sentence on how a run or a rollback ended, with the rows that ended in each way."""
    everyone = f"all {rows.total:,} rows are" if rows.total > 1 else "the only row is" if rows.total else "the sheet has no rows, all is"
    if ending.exit_code is Exit.OK:
        everyone = everyone[0].upper() + everyone[1:]
        if ending.undoes:
            return f"Everything that this run had changed is back as it was: {_by_kind(rows, undoes=True)}."
        return f"{everyone} in place: {_by_kind(rows, undoes=False)}."
    counts = f": {_by_kind(rows, undoes=ending.undoes)}." if rows.total else "."
    if ending.exit_code is Exit.ROWS_NOT_DONE:
        left = rows.total - rows.success
        one, many, place = ("was", "were", "not put back") if ending.undoes else ("is", "are", "not in place")
        return f"{left:,} of {counted(rows.total, 'row')} {one if left == 1 else many} {place}{counts}"
    early = "Stopped early" if ending.owned else "Stopped before the first change"
    return f"{early} (exit code {int(ending.exit_code)}){counts}"


def _by_kind(rows: RowCounts, *, undoes: bool) -> str:
    """``41 changed, 11 already correct, 9 failed``: what there is none of is left out."""
    kinds = (
        ("put back" if undoes else "changed", rows.updated),
        ("already as before" if undoes else "already correct", rows.unchanged),
        ("failed", rows.failed),
        ("invalid", rows.invalid),
        ("not sent", rows.not_sent),
    )
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds if number) or "nothing to do"


def _reasons(left: Sequence[RowResult], width: int, *, undoes: bool, reported: bool, stopped: bool) -> list[str]:
    """One row for each reason, the gravest kind and the most frequent reason first."""
    groups: dict[tuple[Status, str], list[RowResult]] = {}
    for result in left:
        groups.setdefault((result.status, str(result.code or "")), []).append(result)
    ranked = sorted(groups.items(), key=lambda group: (_GRAVITY.get(group[0][0], 0), -len(group[1]), group[0][1]))
    lines = ["Not put back, by reason" if undoes else "Not in place, by reason"] if ranked else []
    for (status, code), results in ranked[:SHOWN_REASONS]:
        reason = ", ".join(filter(None, (str(status).replace("_", " "), code)))
        lines.append(f"  {reason}: {counted(len(results), 'row')}")
        # Rows that were merely not sent say the same as the message that stopped the job.
        if not (stopped and status is Status.NOT_SENT):
            lines += _example(results[0], width)
    rest = ranked[SHOWN_REASONS:]
    if rest:
        rows = sum(len(results) for _, results in rest)
        lines.append(f"  {counted(len(rest), 'other reason')}: {counted(rows, 'row')}")
    return [*lines, "  All of them are in results.csv."] if lines and reported else lines


_GRAVITY: Final = {Status.FAILED: 0, Status.INVALID: 1, Status.NOT_SENT: 2}


def _example(result: RowResult, width: int) -> list[str]:
    label = f"    row {result.row}  "
    text = one_line(result.message) or str(result.code or result.status)
    return wrapped(text, width, first=label, others=" " * len(label), most=LINES_PER_ROW)


def _warnings(warnings: Sequence[str], width: int) -> list[str]:
    if not warnings:
        return []
    lines = ["Warnings"]
    for warning in warnings[:SHOWN_WARNINGS]:
        lines += wrapped(one_line(warning, MESSAGE_LIMIT), width, first="  ", others="    ")
    if (rest := len(warnings) - SHOWN_WARNINGS) > 0:
        lines.append(f"  and {counted(rest, 'more warning')}; summary.json has them all")
    return lines


def _traffic(figures: RunFigures) -> str:
    """One sentence on calls, and one on time: what is waited for by several routes at once is no more than the whole."""
    total = sum(count for *_, count in figures.calls)
    writes = sum(count for method, _, _, count in figures.calls if method != "GET")
    repeated = f", {figures.retries:,} repeated after an error" if figures.retries else ""
    much = figures.wait_seconds >= figures.duration_seconds / 2
    waited = f", {'most' if much else 'part'} of it waiting for the server's rate limit" if figures.wait_seconds >= 1 else ""
    return f"{counted(total, 'call')}, {writes:,} of them changes{repeated}. Took {_duration(figures.duration_seconds)}{waited}."


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
