"""How far the run is: a bar on a terminal, a log line every few seconds elsewhere."""

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from bulkjob.phrases import counted

#: Seconds between two log lines.
EVERY_SECONDS: Final = 5.0


log = logging.getLogger("bulkjob")


class Progress(Protocol):
    """Takes the state of a run as often as it changes; a context manager that tidies up at its end."""

    def advance(self, done: int, failed: int, waiting: str | None = None, *, calls: int = 0) -> None:
        """Show that ``done`` rows of all have an outcome, ``failed`` among them; ``calls`` are those since the start.

        ``waiting`` says what is being waited for (``the rate limit``). All figures are totals, not steps. Also to be called now and then
        while nothing moves, so that a log shows that the job is alive.
        """

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def progress_display(total: int, *, stream: TextIO, clock: Callable[[], float]) -> Progress:
    """Return what shows the progress of ``total`` rows: a bar on ``stream`` if that is a terminal, else log lines."""
    return BarProgress(total, stream=stream, clock=clock) if stream.isatty() else LogProgress(total, clock=clock)


def progress_text(done: int, failed: int, total: int, waiting: str | None, *, calls: int, seconds: float) -> str:
    """Return one line on where a run is: ``120 of 600 rows: 2 failed, 580 calls a minute, waiting for the rate limit``."""
    parts = [f"{failed:,} failed"]
    if calls and seconds >= 1:
        parts.append(f"{calls * 60 / seconds:,.0f} calls a minute")
    if waiting:
        parts.append(f"waiting for {waiting}")
    return f"{done:,} of {counted(total, 'row')}: {', '.join(parts)}"


class LogProgress:
    """A log line at most every `EVERY_SECONDS`, and one at the end if rows were done since the last."""

    def __init__(self, total: int, *, clock: Callable[[], float]) -> None:
        self._total = total
        self._clock = clock
        self._started = self._logged = clock()
        self._untold = ""

    def advance(self, done: int, failed: int, waiting: str | None = None, *, calls: int = 0) -> None:
        """Log where the run is, unless it was said a moment ago."""
        now = self._clock()
        self._untold = progress_text(done, failed, self._total, waiting, calls=calls, seconds=now - self._started)
        if now - self._logged >= EVERY_SECONDS:
            self._logged = now
            self._say()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._say()

    def _say(self) -> None:
        if self._untold:
            log.info("%s", self._untold)
            self._untold = ""


class BarProgress:
    """A bar with the same words behind it; it vanishes at the end, when the summary takes its place."""

    def __init__(self, total: int, *, stream: TextIO, clock: Callable[[], float]) -> None:
        self._total = total
        self._clock = clock
        self._started = clock()
        self._bar = Bar(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            # Not markup: what is waited for may hold brackets.
            TextColumn("{task.description}", markup=False),
            # What it draws with acts on the terminal on purpose; the words are ours.
            console=Console(file=getattr(stream, "raw", stream)),
            transient=True,
            # What is printed meanwhile goes through the stream itself, which shows it as text.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=total)

    def advance(self, done: int, failed: int, waiting: str | None = None, *, calls: int = 0) -> None:
        """Move the bar."""
        text = progress_text(done, failed, self._total, waiting, calls=calls, seconds=self._clock() - self._started)
        self._bar.update(self._task, completed=done, description=text.partition(": ")[2])

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()
