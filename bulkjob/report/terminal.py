"""The end of a run in a screenful of text, for the person who started it."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line
from bulkjob.records import RowResult
from bulkjob.report.lines import cut, height_of, sentence, spaced
from bulkjob.report.next_steps import Step, step_lines
from bulkjob.report.row_words import Reason, reasons_of
from bulkjob.report.summary import Ending, RowCounts, RunFigures, row_counts
from bulkjob.vocabulary import Exit, Status

#: What the last line of standard output begins with; the rest of that line is the run directory.
REPORT_PREFIX: Final = "Report: "


#: The prompt, and the blank lines between the blocks that there always are.
_FRAME: Final = 5


#: How many reasons are shown, and in how many lines the message of a row: the first of these that fits.
_SIZES: Final = ((4, 5), (4, 4), (4, 3), (3, 3), (3, 2), (2, 3), (2, 2), (1, 3), (1, 2), (1, 1))


SHOWN_WARNINGS: Final = 3


#: Lines that warnings take at least, with the blank one before them.
_LEAST_OF_WARNINGS: Final = 4


_PAINT: Final = {Exit.OK: "bold green", Exit.ROWS_NOT_DONE: "bold yellow"}


def summary_lines(console: Console, ending: Ending, results: Iterable[RowResult], *, steps: Sequence[Step] = ()) -> list[Text]:
    """What to show at the end of a run: the verdict first and last, then `REPORT_PREFIX` and the run directory.

    So much as fits the screen, unless what to do next alone is longer; only a command or a path may be longer than a line.
    """
    results = list(results)
    reasons = reasons_of(results)
    verdict, style = verdict_of(ending, row_counts(results)), _PAINT.get(ending.exit_code, "bold red")
    head = [
        *sentence(console, f"{one_line(ending.sheet_name)}: {verdict}", style=style),
        *sentence(console, one_line(ending.message, MESSAGE_LIMIT)),
    ]
    everyone = " All rows are explained in results.csv." if reasons and ending.reported else ""
    traffic = sentence(console, _traffic(ending.figures) + everyone)
    # Above a long list the first line may have left the screen.
    last: list[Text] = [*(sentence(console, verdict, style=style) if reasons else []), Text(REPORT_PREFIX + ending.run_dir)]
    told = step_lines(console, steps)
    warnings = ending.figures.warnings
    room = console.height - _FRAME - sum(height_of(console, block) for block in (head, traffic, told, last))
    shown = _reasons(console, reasons, stopped=bool(ending.message), room=room - (_LEAST_OF_WARNINGS if warnings else 0))
    return spaced([head, shown, _warnings(console, warnings, room - len(shown) - 1), traffic, told, last])


def verdict_of(ending: Ending, rows: RowCounts) -> str:
    """One sentence or two on how a run or a rollback ended, with the rows that ended in each way."""
    if ending.exit_code is Exit.OK:
        kinds = _in_place(rows, undoes=ending.undoes)
        if ending.undoes:
            return f"Everything that this run had changed is back as it was: {kinds or 'there was nothing to put back'}."
        everyone = _everyone(rows.total)
        return f"{everyone} in place{f': {kinds}' if kinds else ''}."
    kinds = _in_place(rows, undoes=ending.undoes)
    counts = _left_and_in_place(rows, kinds, undoes=ending.undoes)
    if ending.exit_code is Exit.ROWS_NOT_DONE:
        return counts
    early = "Stopped early" if ending.owned else "Nothing was changed"
    why = _WHY.get(ending.exit_code, "")
    return f"{early}{f': {why}' if why else ''} (exit code {int(ending.exit_code)}). {counts}".rstrip()


def _everyone(rows: int) -> str:
    return f"All {rows:,} rows are" if rows > 1 else "The only row is" if rows else "The sheet has no rows; all is"


#: In a few words, what stopped a job; its own message says more.
_WHY: Final = {
    Exit.BAD_SHEET: "the sheet was refused",
    Exit.UNAVAILABLE: "Rocket.Chat stopped answering",
    Exit.DEFECT: "bulkjob itself failed",
    Exit.CANNOT_CREATE: "a file could not be written",
    Exit.INTERRUPTED: "it was interrupted",
    Exit.NO_PERMISSION: "Rocket.Chat refuses this account",
    Exit.BAD_SETTING: "a setting is wrong",
}


def _in_place(rows: RowCounts, *, undoes: bool) -> str:
    """``41 changed, 11 already correct``: what there is none of is left out."""
    kinds = (("put back" if undoes else "changed", rows.updated), ("already as before" if undoes else "already correct", rows.unchanged))
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds if number)


def _left_and_in_place(rows: RowCounts, kinds: str, *, undoes: bool) -> str:
    """``2 of 16 rows failed, 1 is invalid; 13 are in place: 5 changed, 8 already correct``, as a sentence."""
    missed = f"{rows.failed:,} {'was' if rows.failed == 1 else 'were'} not put back" if undoes else f"{rows.failed:,} failed"
    left = [
        said
        for number, said in (
            (rows.failed, missed),
            (rows.invalid, f"{rows.invalid:,} {'is' if rows.invalid == 1 else 'are'} invalid"),
            (rows.not_sent, f"{rows.not_sent:,} {'was' if rows.not_sent == 1 else 'were'} not sent"),
        )
        if number
    ]
    if rows.not_sent and rows.not_sent == rows.total:
        return f"None of the {rows.total:,} rows was sent." if rows.total > 1 else "The only row was not sent."
    place = "back" if undoes else "in place"
    if not left:
        return f"{_everyone(rows.total)} {place}: {kinds}." if kinds else ""
    number, _, what = left[0].partition(" ")
    first = f"{number} of {counted(rows.total, 'row')} {what}"
    there = f"; {rows.success:,} {'is' if rows.success == 1 else 'are'} {place}: {kinds}" if rows.success else ""
    return f"{', '.join([first, *left[1:]])}{there}."


# ----------------------------------------------------------------------------------------------------- what is not in place


def _reasons(console: Console, reasons: Sequence[Reason], *, stopped: bool, room: int) -> list[Text]:
    """One row for each reason, the gravest kind and the most frequent reason first, in so many lines, or in as few as there can be."""
    sizes = (_sized(console, reasons, shown, lines, stopped=stopped) for shown, lines in _SIZES)
    found: list[Text] = []
    for found in sizes:
        if len(found) <= room:
            break
    return found


def _sized(console: Console, reasons: Sequence[Reason], shown: int, most: int, *, stopped: bool) -> list[Text]:
    lines: list[Text] = []
    for reason in reasons[:shown]:
        lines += sentence(console, _heading(reason, stopped=stopped), style="bold")
        if not _says_the_same(reason, stopped=stopped):
            first = reason.results[0]
            lines += sentence(console, one_line(first.message, MESSAGE_LIMIT), first="  ", others="  ", most=most)
    if rest := reasons[shown:]:
        rows = counted(sum(len(reason.results) for reason in rest), "row")
        lines.append(cut(console, f"{rows} for {counted(len(rest), 'other reason')}"))
    return lines


def _heading(reason: Reason, *, stopped: bool) -> str:
    """``9 rows failed (rejected), for example row 12:``."""
    number = len(reason.results)
    verb = _VERBS[reason.results[0].status][number > 1]
    code = f" ({reason.code})" if reason.code else ""
    if _says_the_same(reason, stopped=stopped):
        return f"{counted(number, 'row')} {verb}{code}."
    row = reason.results[0].row
    return f"Row {row} {verb}{code}:" if number == 1 else f"{counted(number, 'row')} {verb}{code}, for example row {row}:"


_VERBS: Final = {
    Status.FAILED: ("failed", "failed"),
    Status.INVALID: ("is invalid", "are invalid"),
    Status.NOT_SENT: ("was not sent", "were not sent"),
    Status.PLANNED: ("was not sent", "were not sent"),
}


def _says_the_same(reason: Reason, *, stopped: bool) -> bool:
    """Whether its rows say only once more what stopped the job."""
    return stopped and reason.results[0].status is Status.NOT_SENT


def _warnings(console: Console, warnings: Sequence[str], room: int) -> list[Text]:
    """The first few in full where there is room, else fewer, in a line each; how many more there are."""
    if not warnings:
        return []
    texts = [one_line(warning, MESSAGE_LIMIT) for warning in warnings[:SHOWN_WARNINGS]]
    full = [line for text in texts for line in sentence(console, text, first="  ", others="    ")]
    found = _framed(console, full, len(warnings) - len(texts))
    while len(found) > room and texts:
        found = _framed(console, [cut(console, f"  {text}") for text in texts], len(warnings) - len(texts))
        texts.pop()
    return found


def _framed(console: Console, lines: list[Text], rest: int) -> list[Text]:
    more = [cut(console, f"  and {counted(rest, 'more warning')}; summary.json has them all")] if rest else []
    return [Text("Warnings", style="bold"), *lines, *more]


# ------------------------------------------------------------------------------------------------------------------- figures


def _traffic(figures: RunFigures) -> str:
    """One sentence on calls, and one on time: what is waited for by several routes at once is no more than the whole."""
    total = sum(count for *_, count in figures.calls)
    if not total:
        return "No call was made to the server."
    writes = sum(count for method, _, _, count in figures.calls if method != "GET")
    repeated = f", {figures.retries:,} repeated after an error" if figures.retries else ""
    much = figures.wait_seconds >= figures.duration_seconds / 2
    waited = f", {'most' if much else 'part'} of it waiting for the server's rate limit" if figures.wait_seconds >= 1 else ""
    return f"{counted(total, 'call')}, {writes:,} of them changes{repeated}. Took {duration(figures.duration_seconds)}{waited}."


def duration(seconds: float) -> str:
    """``0.5 s``, ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
