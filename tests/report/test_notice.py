"""The end in a few lines, for a chat room and for ``kubectl describe``."""

import json
from dataclasses import replace

from bulkjob.report.notice import Notice, render_notice, termination_text, verdict_on
from bulkjob.report.summary import Ending, RowCounts, RunFigures
from bulkjob.vocabulary import Exit

ROWS = RowCounts(total=61, updated=41, unchanged=11, failed=9, invalid=0, not_sent=0)
END = Ending(
    exit_code=Exit.ROWS_NOT_DONE,
    message='Stopped: agent @anna in "Vertrieb".',
    sheet_name="anna.csv",
    sheet_sha256="",
    run_dir="runs/night",
    bulkjob_version="1",
    figures=RunFigures(),
)
NOTICE = Notice(ending=END, rows=ROWS, verdict=verdict_on(END, ROWS), published="s3://b/night")


def text(notice: Notice) -> str:
    """What the webhook is posted."""
    document = json.loads(render_notice(notice))
    assert document.keys() == {"text"}
    return str(document["text"])


def test_what_a_chat_room_is_told() -> None:
    """The verdict, what is left and where the report lies; nothing else."""
    assert text(NOTICE).splitlines() == [
        "bulkjob run: 9 of 61 rows failed; 52 are in place: 41 changed, 11 already correct.",
        "Left: 9 rows.",
        "Report: runs/night",
        "Copied to: s3://b/night",
    ]


def test_no_names_in_a_chat_room() -> None:
    """What stopped the job may name people and departments, and so may the sheet's own name."""
    assert not [name for name in ("anna", "Vertrieb") if name in text(NOTICE)]


def test_nothing_is_left() -> None:
    """Where all is done, nothing is said to be left; where there is no report, that is said."""
    rows = replace(ROWS, failed=0, total=52)
    done = replace(END, exit_code=Exit.OK, message="")
    assert "Left" not in text(replace(NOTICE, ending=done, rows=rows, verdict=verdict_on(done, rows)))
    none = replace(END, reported=False, run_dir="")
    assert "No report was written." in text(replace(NOTICE, ending=none, published=""))


def test_what_kubectl_shows() -> None:
    """A few lines: the verdict, what stopped the job, where the report lies, and the exit code; no line that somebody else has written."""
    odd = replace(END, run_dir="runs/\x1b[2J\nnight")
    assert termination_text(replace(NOTICE, ending=odd)).splitlines() == [
        "bulkjob run: 9 of 61 rows failed; 52 are in place: 41 changed, 11 already correct.",
        'Stopped: agent @anna in "Vertrieb".',
        r"Report: runs/\u001b[2J night",
        "Copied to: s3://b/night",
        "Exit code: 1",
    ]


def test_a_copy_that_failed() -> None:
    """The rows are told of as they are, and the exit code is what the program leaves with; why is told in the pod alone."""
    why = "The files of runs/night could not be copied to s3://b: there is no such bucket."
    failed = replace(NOTICE, ending=replace(END, exit_code=Exit.CANNOT_CREATE, message=why), unpublished=why, published="")
    assert text(failed).splitlines()[0] == NOTICE.verdict
    assert text(failed).splitlines()[-1] == "The report could not be copied to its store (exit code 73)."
    lines = termination_text(failed).splitlines()
    assert lines.count(why) == 1
    assert lines[-1] == "Exit code: 73"
