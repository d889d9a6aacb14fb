"""The summary at the end of a run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bulkjob.records.results import RowResult
from bulkjob.report.next_steps import Step
from bulkjob.report.summary import Ending, RowCounts, RunFigures, row_counts
from bulkjob.report.terminal import summary_lines as rendered
from bulkjob.report.terminal import verdict_of
from bulkjob.vocabulary import UNSENT_CODE, Code, Effect, Exit, Status
from tests.support.screens import screen, shown

MakeEnding = Callable[..., Ending]

IN_PLACE = "All 3 rows are in place: 2 changed, 1 already correct."
ENDINGS = [code for code in Exit if code not in {Exit.USAGE, Exit.NO_INPUT}]


def summary_lines(
    ending: Ending, results: Sequence[RowResult], *, steps: Sequence[Step] = (), width: int = 100, height: int = 40, colour: bool = False
) -> list[str]:
    """The summary as text."""
    on = screen(width, height, colour=colour)
    return shown(rendered(on, ending, results, steps=steps), on)


def failures(number: int, message: str = "No.") -> list[RowResult]:
    return [RowResult(row=row, status=Status.FAILED, code=Code.REJECTED, message=message) for row in range(2, number + 2)]


@pytest.mark.parametrize("exit_code", ENDINGS)
def test_the_last_line_names_the_run_directory(make_ending: MakeEnding, exit_code: Exit) -> None:
    """However a run ends, its last line is ``Report: `` and the run directory, and nothing else."""
    lines = summary_lines(make_ending(exit_code, "It ended."), failures(3))
    assert lines[-1] == "Report: runs/20261123T005400Z-reorg"
    assert sum(line.startswith("Report: ") for line in lines) == 1


def test_a_run_that_was_done_already(make_ending: MakeEnding) -> None:
    """A second run says in its first line that all is in place, and what to do last."""
    results = [RowResult(row=row, status=Status.SUCCESS, change=Effect.UNCHANGED) for row in range(2, 1502)]
    figures = RunFigures(calls=(("GET", "livechat/department", 200, 2),), duration_seconds=0.52)
    assert summary_lines(make_ending(Exit.OK, figures=figures), results, steps=[Step(text="Nothing left to do.")]) == [
        "reorg.csv: All 1,500 rows are in place: 1,500 already correct.",
        "",
        "2 calls, 0 of them changes. Took 0.5 s.",
        "",
        "Next: Nothing left to do.",
        "",
        "Report: runs/20261123T005400Z-reorg",
    ]


def test_a_long_message_is_shown_to_its_end(make_ending: MakeEnding) -> None:
    """What ended the job is told whole, with what to do about it, which comes last; so is a warning."""
    message = f"What answers is not Rocket.Chat ({'page ' * 70}). Check --url (ROCKETCHAT_URL)."
    figures = RunFigures(warnings=(f"{'Monitor ' * 50}. Give the role back.",))
    said = " ".join(" ".join(summary_lines(make_ending(Exit.BAD_SETTING, message, figures=figures), [])).split())
    assert "Check --url (ROCKETCHAT_URL)." in said
    assert "Give the role back." in said


def test_verdict_first_and_last(make_ending: MakeEnding) -> None:
    """Where rows are left, the verdict is the first line and the last but one: above, the screen may have scrolled on."""
    results = [*failures(9), *(RowResult(row=row, status=Status.SUCCESS, change=Effect.UPDATED) for row in range(20, 27))]
    lines = summary_lines(make_ending(Exit.ROWS_NOT_DONE), results)
    verdict = "9 of 16 rows failed; 7 are in place: 7 changed."
    assert (lines[0], lines[-2]) == (f"reorg.csv: {verdict}", verdict)


@pytest.mark.parametrize(
    ("exit_code", "owned", "undoes", "verdict"),
    [
        (Exit.OK, True, False, IN_PLACE),
        (Exit.OK, True, True, "Everything that this run had changed is back as it was: 2 put back, 1 already as before."),
        (Exit.UNAVAILABLE, True, False, "Stopped early: Rocket.Chat stopped answering (exit code 69). " + IN_PLACE),
        (Exit.NO_PERMISSION, False, False, "Nothing was changed: Rocket.Chat refuses this account (exit code 77). " + IN_PLACE),
    ],
)
def test_verdict(make_ending: MakeEnding, exit_code: Exit, owned: bool, undoes: bool, verdict: str) -> None:  # noqa: FBT001 - of the case
    """The verdict counts rows by what became of them; a rollback speaks of what its run had changed, and of nothing else."""
    results = [RowResult(row=row, status=Status.SUCCESS, change=Effect.UPDATED) for row in (2, 3)]
    results.append(RowResult(row=4, status=Status.SUCCESS, change=Effect.UNCHANGED))
    ending = replace(make_ending(exit_code), owned=owned, undoes=undoes)
    assert verdict_of(ending, row_counts(results)) == verdict


@pytest.mark.parametrize(
    ("undoes", "verdict"),
    [(False, "The only row is in place: 1 changed."), (True, "The only row is back: 1 put back.")],
)
def test_only_row_of_an_early_end(make_ending: MakeEnding, undoes: bool, verdict: str) -> None:  # noqa: FBT001 - of the case
    """A single row is no plural, and what a rollback has put back is back."""
    rows = RowCounts(total=1, updated=1, unchanged=0, failed=0, invalid=0, not_sent=0)
    ending = replace(make_ending(Exit.CANNOT_CREATE), owned=True, undoes=undoes)
    assert verdict_of(ending, rows).endswith(f"(exit code 73). {verdict}")


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((0, 0, 1, 0, 0), "1 of 1 row failed."),
        ((5, 2, 9, 0, 0), "9 of 16 rows failed; 7 are in place: 5 changed, 2 already correct."),
        ((1, 0, 2, 1, 3), "2 of 7 rows failed, 1 is invalid, 3 were not sent; 1 is in place: 1 changed."),
        ((0, 0, 0, 2, 0), "2 of 2 rows are invalid."),
        ((0, 0, 0, 0, 4), "None of the 4 rows was sent."),
    ],
)
def test_what_is_left_comes_first(make_ending: MakeEnding, counts: tuple[int, int, int, int, int], verdict: str) -> None:
    """Of a run that left rows, the verdict says first how many of them and why, then what is in place."""
    updated, unchanged, failed, invalid, not_sent = counts
    rows = RowCounts(total=sum(counts), updated=updated, unchanged=unchanged, failed=failed, invalid=invalid, not_sent=not_sent)
    assert verdict_of(make_ending(Exit.ROWS_NOT_DONE), rows) == verdict


@pytest.mark.parametrize("height", [24, 40])
def test_a_screenful_at_most(make_ending: MakeEnding, height: int) -> None:
    """Ten thousand failures with long messages and a hundred warnings still fit a screen, with the count of the rest."""
    results = failures(10_000, "word " * 200)
    results += [RowResult(row=20_000 + n, status=Status.INVALID, code=code) for n, code in enumerate(Code)]
    figures = RunFigures(warnings=tuple(f"warning {number}" for number in range(100)))
    steps = [Step(text="Do something. " * 4, command="bulkjob run " + "x" * 80)]
    lines = summary_lines(make_ending(Exit.ROWS_NOT_DONE, figures=figures), results, width=80, height=height, steps=steps)
    assert len(lines) < height - 1  # a command takes two lines, and the prompt one
    assert max(len(line) for line in lines if "xxx" not in line) <= 80
    text = "\n".join(lines)
    assert "10,000 rows failed (rejected), for example row 2:" in text
    assert re.search(r"^\d+ rows for \d+ other reasons$", text, flags=re.MULTILINE)
    assert re.search(r"and 9[789] more warnings", text)


def test_one_row_for_each_reason(make_ending: MakeEnding) -> None:
    """Of each reason one row is shown with its message, what failed before what was not sent."""
    unsent = [RowResult(row=row, status=Status.NOT_SENT, code=UNSENT_CODE[Exit.ROWS_NOT_DONE], message="Not sent.") for row in range(2, 90)]
    failed = [RowResult(row=row, status=Status.FAILED, code=Code.TIMEOUT, message=f"Too late ({row}).") for row in (90, 91)]
    alone = RowResult(row=92, status=Status.INVALID, code=Code.BAD_NUMBER, message="Not a number.")
    lines = summary_lines(make_ending(Exit.ROWS_NOT_DONE), [*unsent, *failed, alone])
    start = lines.index("2 rows failed (timeout), for example row 90:")
    assert lines[start + 1 : start + 7] == [
        "  Too late (90).",
        "Row 92 is invalid (bad-number):",
        "  Not a number.",
        "88 rows were not sent (stopped), for example row 2:",
        "  Not sent.",
        "",
    ]


def test_rows_that_were_not_sent_do_not_repeat_what_stopped_the_job(make_ending: MakeEnding) -> None:
    """A job that never got to the server says why once, not once a row."""
    unsent = [RowResult(row=row, status=Status.NOT_SENT, code=Code.UNAVAILABLE, message="Not sent.") for row in (2, 3)]
    lines = summary_lines(make_ending(Exit.UNAVAILABLE, "The server cannot be reached."), unsent)
    assert "The server cannot be reached." in lines
    assert not any("Not sent." in line for line in lines)


def test_no_control_characters_reach_the_terminal(make_ending: MakeEnding) -> None:
    """A server's words cannot move the cursor or colour the screen, and plain text has no escape sequences."""
    results = failures(1, "bad\x1b[2J\r\nword")
    figures = RunFigures(warnings=("also\x07 bad",))
    lines = summary_lines(make_ending(Exit.ROWS_NOT_DONE, "stop\x1b[31m", figures), results)
    assert all(line.isprintable() for line in lines)
    assert any(r"bad\u001b[2J word" in line for line in lines)


def test_colour_only_when_asked(make_ending: MakeEnding) -> None:
    """Colour adds escape sequences and changes no word, and never touches the last line."""
    plain = summary_lines(make_ending(Exit.ROWS_NOT_DONE), failures(2))
    coloured = summary_lines(make_ending(Exit.ROWS_NOT_DONE), failures(2), colour=True)
    assert coloured != plain
    assert coloured[-1] == plain[-1]
    stripped = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured]
    assert stripped == plain
