"""The summary at the end of a run."""

from collections.abc import Callable

import pytest

from bulkjob.records.results import RowResult
from bulkjob.report.summary import Ending, RunFigures, row_counts
from bulkjob.report.terminal import next_step, summary_lines
from bulkjob.vocabulary import UNSENT_CODE, Code, Effect, Exit, Status

MakeEnding = Callable[..., Ending]

ENDINGS = [code for code in Exit if code not in {Exit.USAGE, Exit.NO_INPUT}]


def failures(number: int, message: str = "No.") -> list[RowResult]:
    return [RowResult(row=row, status=Status.FAILED, code=Code.REJECTED, message=message) for row in range(2, number + 2)]


@pytest.mark.parametrize("exit_code", ENDINGS)
def test_the_last_line_names_the_run_directory(make_ending: MakeEnding, exit_code: Exit) -> None:
    """However a run ends, its last line is ``Report: `` and the run directory, and nothing else."""
    lines = summary_lines(make_ending(exit_code, "It ended."), failures(3))
    assert lines[-1] == "Report: runs/20261123T005400Z-reorg"
    assert sum(line.startswith("Report: ") for line in lines) == 1


@pytest.mark.parametrize("exit_code", ENDINGS)
def test_the_next_step_is_one_sentence(make_ending: MakeEnding, exit_code: Exit) -> None:
    """Each ending has a next step of its own."""
    rows = row_counts(failures(1))
    step = next_step(make_ending(exit_code), rows)
    assert step.endswith(".")
    others = {next_step(make_ending(code), rows) for code in ENDINGS if code is not exit_code}
    assert step not in others


def test_a_run_that_was_done_already(make_ending: MakeEnding) -> None:
    """A second run says in its first line that all is so, and that nothing is left to do."""
    results = [RowResult(row=row, status=Status.SUCCESS, change=Effect.UNCHANGED) for row in range(2, 1502)]
    figures = RunFigures(calls=(("GET", "livechat/department", 200, 2),), duration_seconds=0.52)
    assert summary_lines(make_ending(Exit.OK, figures=figures), results) == [
        "reorg.csv: every row is as the sheet says",
        "",
        "  rows in the sheet     1,500",
        "  done                      0",
        "  already so            1,500",
        "  failed                    0",
        "  invalid                   0",
        "  not sent                  0",
        "",
        "2 calls to the server, 0 writes among them; 0.5 s in all.",
        "",
        "Next: nothing is left to do; results.csv says for each row what was done.",
        "",
        "Report: runs/20261123T005400Z-reorg",
    ]


def test_a_screenful_at_most(make_ending: MakeEnding) -> None:
    """Ten thousand failures with long messages and a hundred warnings still fit a screen, with the count of the rest."""
    results = failures(10_000, "word " * 200)
    results += [RowResult(row=20_000 + n, status=Status.INVALID, code=code) for n, code in enumerate(Code)]
    figures = RunFigures(warnings=tuple(f"warning {number}" for number in range(100)))
    lines = summary_lines(make_ending(Exit.ROWS_NOT_DONE, figures=figures), results, width=80)
    assert len(lines) <= 60
    assert max(len(line) for line in lines) <= 80
    text = "\n".join(lines)
    assert f"and {10_000 + len(Code) - 5:,} more rows" in text
    assert "and 96 more warnings" in text
    assert "failed: rejected" in text
    assert "10,000" in text


def test_what_failed_is_shown_before_what_was_not_sent(make_ending: MakeEnding) -> None:
    """Rows that were merely not sent do not push aside the row that says why."""
    unsent = [RowResult(row=row, status=Status.NOT_SENT, code=UNSENT_CODE[Exit.ROWS_NOT_DONE], message="Not sent.") for row in range(2, 90)]
    failed = RowResult(row=90, status=Status.FAILED, code=Code.TIMEOUT, message="Too late.")
    lines = summary_lines(make_ending(Exit.ROWS_NOT_DONE), [*unsent, failed])
    assert "  row 90  Too late." in lines
    assert "  and 88 more rows; results.csv has them all" in lines


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
    stripped = [line.replace("\x1b[1m", "").replace("\x1b[33m", "").replace("\x1b[31m", "").replace("\x1b[0m", "") for line in coloured]
    assert stripped == plain
