"""How far a run is: on a terminal, and in a log."""

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from bulkjob.records.results import RowResult
from bulkjob.report.progress import LOGGED_FAILURES, Bars, Lines, Picture, display_on
from bulkjob.report.standing import Standing
from bulkjob.report.summary import Ending, RowCounts, RunFigures
from bulkjob.system.log import logging_to
from bulkjob.vocabulary import Code, Exit, Status
from tests.support.logs import logged
from tests.support.screens import drawn, screen

MIDDLE = Standing(
    phase="departments",
    calls=480,
    waiting=40.2,
    rows=800,
    done=312,
    failed=2,
    units=(12, 12),
    departments=(61, 168),
    left=1_001.0,
)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@contextmanager
def lines(clock: Clock) -> Iterator[tuple[Lines, list[Mapping[str, Any]]]]:
    """The lines of a run off a terminal, and what they left in the log."""
    with logged() as documents, Lines(clock) as display:
        yield display, documents


def seen(standing: Standing, width: int = 80) -> list[str]:
    on = screen(width, 24)
    picture = Picture(on)
    picture.draw(standing)
    return drawn(picture.group, on)


class TestOnATerminal:
    """What is drawn on 80 columns."""

    def test_reading(self) -> None:
        """Before there is a plan, the calls are counted."""
        assert seen(Standing(phase="reading", calls=12)) == ["Reading the workspace, 12 calls so far"]

    def test_waiting(self) -> None:
        """Rows of the whole sheet, units and departments have a bar; failures, the time left and what is waited for are said."""
        headline, rows, units, departments, waiting = seen(MIDDLE)
        assert headline == "Writing departments, about 17 minutes left"
        assert rows.split("━")[0].strip() == "rows"
        assert rows.endswith(" 312 of 800, 2 failed")
        assert units.endswith(" 12 of 12")
        assert departments.endswith(" 61 of 168")
        assert waiting == "  waiting 41 s for the server's rate limit"
        assert max(map(len, (headline, rows, units, departments, waiting))) <= 80

    def test_what_there_is_none_of_has_no_bar(self) -> None:
        """A sheet that moves no department has no bar for units."""
        lines = seen(Standing(phase="checking", rows=9, done=3, departments=(1, 4), left=3.0))
        assert [line.split()[0] for line in lines] == ["Checking", "rows", "departments"]

    def test_the_log_stands_above_the_bars(self) -> None:
        """What is logged meanwhile is printed above, whole, and afterwards the log goes where it went before."""
        terminal = Terminal()
        with logging_to(terminal):
            with display_on(terminal, Clock()) as display:
                assert isinstance(display, Bars)
                display.show(MIDDLE)
                logging.getLogger("bulkjob").warning("Unit [red]DACH[/] has lost monitors.")
            logging.getLogger("bulkjob").warning("afterwards")
        assert "Unit [red]DACH[/] has lost monitors." in terminal.getvalue()
        assert terminal.getvalue().endswith("afterwards\n")


class TestOffATerminal:
    """What a pod's log holds."""

    def test_a_first_line(self) -> None:
        """Before the first write it says how many rows and changes there are, how long that takes, and where the report will be."""
        with lines(Clock()) as (display, documents):
            display.started(rows=800, changes=628, seconds=1_001.0, run_dir="runs/x")
        [document] = documents
        assert document["event"] == "run.started"
        assert document["message"] == "800 rows, 628 changes to make, about 17 minutes. Run directory: runs/x"
        assert {name: document[name] for name in ("rows", "changes", "forecast_seconds", "run_dir")} == {
            "rows": 800,
            "changes": 628,
            "forecast_seconds": 1001,
            "run_dir": "runs/x",
        }

    def test_a_line_every_ten_seconds(self) -> None:
        """However often it is looked at, there is one line every ten seconds, with the figures as fields."""
        clock = Clock()
        with lines(clock) as (display, documents):
            for _ in range(250):
                clock.now += 0.1
                display.show(MIDDLE)
        assert len(documents) == 2
        assert documents[0]["message"] == (
            "Writing departments, about 17 minutes left, 312 of 800 rows, 2 failed, waiting 41 s for the server's rate limit"
        )
        fields = {name: value for name, value in documents[0].items() if name not in ("time", "level", "logger", "message")}
        assert fields == {
            "event": "run.progress",
            "phase": "departments",
            "rows": 800,
            "done": 312,
            "failed": 2,
            "units_done": 12,
            "units": 12,
            "departments_done": 61,
            "departments": 168,
            "calls": 480,
            "waiting_seconds": 40,
            "left_seconds": 1001,
        }

    def test_what_is_not_known_has_no_field(self) -> None:
        """While the workspace is read there are only calls."""
        clock = Clock()
        with lines(clock) as (display, documents):
            clock.now += 11
            display.show(Standing(phase="reading", calls=7))
        assert {*documents[0]} == {"time", "level", "logger", "message", "event", "phase", "calls"}

    def test_a_line_for_each_failed_row(self) -> None:
        """A row that fails is told with its code and message at once; of thousands the first hundred."""
        with lines(Clock()) as (display, documents):
            for row in range(2, 2 + 3 * LOGGED_FAILURES):
                display.failed(RowResult(row=row, status=Status.FAILED, code=Code.TIMEOUT, message="Too\nlate."))
        assert len(documents) == LOGGED_FAILURES
        first = documents[0]
        assert (first["event"], first["level"], first["row"], first["code"]) == ("row.failed", "warning", 2, "timeout")
        assert first["message"] == "Row 2 failed (timeout): Too late."

    def test_the_end(self) -> None:
        """The last line has the verdict, and the rows by what became of them."""
        ending = Ending(
            exit_code=Exit.ROWS_NOT_DONE,
            sheet_name="s.csv",
            sheet_sha256="",
            run_dir="runs/x",
            bulkjob_version="1",
            figures=RunFigures(duration_seconds=3.21),
        )
        with lines(Clock()) as (display, documents):
            display.ended(ending, RowCounts(total=9, updated=5, unchanged=2, failed=2, invalid=0, not_sent=0))
        [document] = documents
        assert document["message"] == "2 of 9 rows failed; 7 are in place: 5 changed, 2 already correct."
        assert (document["event"], document["exit_code"], document["failed"], document["seconds"]) == ("run.ended", 1, 2, 3.2)

    @pytest.mark.parametrize("stream", [io.StringIO()])
    def test_no_bars(self, stream: io.StringIO) -> None:
        """Where there is no terminal, nothing is drawn."""
        assert isinstance(display_on(stream, Clock()), Lines)
