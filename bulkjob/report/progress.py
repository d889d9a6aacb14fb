"""How far the run is: bars on a terminal, a log line every few seconds elsewhere."""

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from bulkjob.phrases import MESSAGE_LIMIT, counted, one_line
from bulkjob.records import RowResult
from bulkjob.report.standing import Standing, about, headline, rows_text, waiting_text
from bulkjob.report.summary import Ending, RowCounts
from bulkjob.report.terminal import verdict_of
from bulkjob.system import console_on, tell
from bulkjob.vocabulary import Event

#: Seconds between two log lines.
EVERY_SECONDS: Final = 10.0


#: Rows that failed are logged one by one up to so many.
LOGGED_FAILURES: Final = 100


class Display(Protocol):
    """Takes the state of a run as often as it changes; a context manager that tidies up at its end."""

    def started(self, *, rows: int, changes: int, seconds: float, run_dir: str) -> None:
        """Says what is to be done, before the first write."""

    def show(self, standing: Standing) -> None:
        """Shows where the run is. To be called now and then while nothing moves, too, so that people see that the job is alive."""

    def failed(self, result: RowResult) -> None:
        """Tells of a row that failed."""

    def ended(self, ending: Ending, rows: RowCounts) -> None:
        """Tells how the run ended; the summary on standard output says more."""

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def display_on(stream: TextIO, clock: Callable[[], float]) -> Display:
    """What shows the progress of a run: bars on ``stream`` if that is a terminal, else log lines."""
    return Bars(stream) if stream.isatty() else Lines(clock)


# ------------------------------------------------------------------------------------------------------------ off a terminal


class Lines:
    """A first line, one every `EVERY_SECONDS`, one for each failed row, and one at the end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._logged = 0.0
        self._failures = 0

    def started(self, *, rows: int, changes: int, seconds: float, run_dir: str) -> None:
        """See `Display`."""
        self._logged = self._clock()
        tell(
            Event.RUN_STARTED,
            f"{counted(rows, 'row')}, {counted(changes, 'change')} to make, {about(seconds)}. Run directory: {run_dir}",
            rows=rows,
            changes=changes,
            forecast_seconds=round(seconds),
            run_dir=run_dir,
        )

    def show(self, standing: Standing) -> None:
        """Logs it, unless something was logged a moment ago."""
        now = self._clock()
        if now - self._logged < EVERY_SECONDS:
            return
        self._logged = now
        said = [headline(standing), *([rows_text(standing)] if standing.rows else []), waiting_text(standing)]
        tell(
            Event.RUN_PROGRESS,
            ", ".join(filter(None, said)),
            phase=standing.phase,
            rows=standing.rows or None,
            done=standing.done if standing.rows else None,
            failed=standing.failed if standing.rows else None,
            units_done=standing.units[0] if standing.units[1] else None,
            units=standing.units[1] or None,
            departments_done=standing.departments[0] if standing.departments[1] else None,
            departments=standing.departments[1] or None,
            calls=standing.calls,
            waiting_seconds=None if standing.waiting is None else round(standing.waiting),
            left_seconds=None if standing.left is None else round(standing.left),
        )

    def failed(self, result: RowResult) -> None:
        """Logs the row, unless very many have failed already."""
        self._failures += 1
        if self._failures <= LOGGED_FAILURES:
            code = str(result.code or "")
            message = one_line(result.message, MESSAGE_LIMIT)
            tell(Event.ROW_FAILED, f"Row {result.row} failed ({code}): {message}", level=logging.WARNING, row=result.row, code=code)

    def ended(self, ending: Ending, rows: RowCounts) -> None:
        """See `Display`."""
        tell(
            Event.RUN_ENDED,
            f"{verdict_of(ending, rows)} {one_line(ending.message, MESSAGE_LIMIT)}".rstrip(),
            exit_code=int(ending.exit_code),
            rows=rows.total,
            changed=rows.updated,
            already_correct=rows.unchanged,
            failed=rows.failed,
            invalid=rows.invalid,
            not_sent=rows.not_sent,
            seconds=round(ending.figures.duration_seconds, 1),
            run_dir=ending.run_dir,
        )

    def __enter__(self) -> Self:
        self._logged = self._clock()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is left to tidy up."""


# ------------------------------------------------------------------------------------------------------------- on a terminal


class Bars:
    """A headline, bars for rows, units and departments, what is waited for; it vanishes at the end, when the summary takes its place."""

    def __init__(self, stream: TextIO) -> None:
        # What it draws with acts on the terminal on purpose; the words are ours.
        self._console = console_on(getattr(stream, "raw", stream))
        self._picture = Picture(self._console)
        self._live = Live(
            self._picture.group,
            console=self._console,
            transient=True,
            # What is printed meanwhile goes through the stream itself, which shows it as text.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._handlers = [
            handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler) and handler.stream is stream
        ]
        self._stream = stream

    def started(self, *, rows: int, changes: int, seconds: float, run_dir: str) -> None:
        """Nothing: the bars say it."""

    def show(self, standing: Standing) -> None:
        """Moves the bars."""
        self._picture.draw(standing)
        self._live.update(self._picture.group)

    def failed(self, result: RowResult) -> None:
        """Nothing: the bars count them, and the summary tells of them."""

    def ended(self, ending: Ending, rows: RowCounts) -> None:
        """Nothing: the summary follows."""

    def __enter__(self) -> Self:
        for handler in self._handlers:
            handler.setStream(_Above(self._console))
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()
        for handler in self._handlers:
            handler.setStream(self._stream)


class Picture:
    """What is drawn of a standing."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(30),
            TextColumn("{task.fields[said]}", markup=False),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self.group = Group("")

    def draw(self, standing: Standing) -> None:
        """Takes in where the run is."""
        if standing.rows:
            failed = f", {standing.failed:,} failed" if standing.failed else ""
            self._bar("rows", standing.done, standing.rows, failed)
        for name, (done, total) in (("units", standing.units), ("departments", standing.departments)):
            if total:
                self._bar(name, done, total, "")
        waiting = waiting_text(standing)
        parts: list[RenderableType] = [Text(headline(standing), style="bold"), *([self._bars] if self._tasks else [])]
        self.group = Group(*parts, *([Text(f"  {waiting}", style="yellow")] if waiting else []))

    def _bar(self, name: str, done: int, total: int, more: str) -> None:
        said = f"{done:,} of {total:,}{more}"
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, said=said)
        self._bars.update(self._tasks[name], completed=done, said=said)


class _Above:
    """Takes the lines of the log while the bars stand below them."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        """Prints a line above the bars."""
        if line := text.rstrip("\n"):
            self._console.print(Text(line), overflow="ignore", no_wrap=True, crop=False)
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""
