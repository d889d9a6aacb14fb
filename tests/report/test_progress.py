"""The progress display."""

import io
import logging

import pytest

from bulkjob.report.progress import BarProgress, LogProgress, progress_display, progress_text


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


def test_a_log_line_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is called, there is one line every five seconds, and a last one for what was not yet said."""
    caplog.set_level(logging.INFO, logger="bulkjob")
    clock = Clock()
    with progress_display(600, stream=io.StringIO(), clock=clock) as shown:
        for done in range(1, 121):
            clock.now += 0.1
            shown.advance(done, failed=done // 50, calls=done)
    assert [record.getMessage() for record in caplog.records] == [
        "50 of 600 rows: 1 failed, 600 calls a minute",
        "100 of 600 rows: 2 failed, 600 calls a minute",
        "120 of 600 rows: 2 failed, 600 calls a minute",
    ]


def test_nothing_to_say_twice(caplog: pytest.LogCaptureFixture) -> None:
    """A run whose last state was just logged, or that never moved, says nothing more at its end."""
    caplog.set_level(logging.INFO, logger="bulkjob")
    clock = Clock()
    with LogProgress(2, clock=clock):
        pass
    with LogProgress(2, clock=clock) as shown:
        clock.now += 5
        shown.advance(2, 0)
    assert [record.getMessage() for record in caplog.records] == ["2 of 2 rows: 0 failed"]


def test_waiting_is_said() -> None:
    """A line says what is waited for, and leaves out a rate that it does not know."""
    assert progress_text(3, 1, 9, "the rate limit", calls=0, seconds=0.0) == "3 of 9 rows: 1 failed, waiting for the rate limit"


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """On a terminal the state is drawn there, brackets and all, and nothing is logged."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    caplog.set_level(logging.INFO, logger="bulkjob")
    terminal = Terminal()
    with progress_display(9, stream=terminal, clock=Clock()) as shown:
        assert isinstance(shown, BarProgress)
        shown.advance(3, 1, "[red]a reset")
    assert "3/9" in terminal.getvalue()
    assert "1 failed, waiting for [red]a reset" in terminal.getvalue()
    assert caplog.records == []
