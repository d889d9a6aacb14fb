"""The whole run on one screen: sheet → assignments → plan → execute → verify → report."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.text import Text

from bulkjob.changes import RowParts
from bulkjob.execute import Execution, Executor
from bulkjob.plan import (
    PLAN_FILE,
    Approved,
    Drifted,
    Prepared,
    Preparing,
    RunState,
    continued,
    document_of_plan,
    pieces_of_plan,
    seconds_left,
)
from bulkjob.records import Naming, RowResult, Sheet
from bulkjob.report import (
    Commands,
    Conclusion,
    Course,
    Phase,
    RunFigures,
    Standing,
    Stopwatch,
    display_on,
    planned_results,
    row_counts,
    row_result,
    sentence,
    steps_after_rollback,
    steps_after_run,
    summary_lines,
    write_report,
)
from bulkjob.rocketchat import Client, Transport, client_of, connect
from bulkjob.rundir import JOURNAL_FILE, ROLLBACK, History, Journal, Owner, RunDirectory, refuse_closed
from bulkjob.settings import Settings, SheetAddress, command_line
from bulkjob.sheet import given_once
from bulkjob.system import console_on, on_signals, remove_whole, show, warn, write_whole
from bulkjob.vocabulary import Event, Exit, Status, Stop

#: Opens a transport to the server; a parameter, so that a test can put the sandbox's rules in the server's place.
Connection = Callable[[], AbstractAsyncContextManager[Transport]]


#: Seconds between two looks at how far the run is, for the display.
_TICK = 1.0


class Job:
    """One run: prepare, execute, report. What it finds out is in its state, so that every ending can be reported."""

    def __init__(  # noqa: PLR0917 - the parts of a job, in the order in which they are made
        self,
        settings: Settings,
        state: RunState,
        preparation: Preparing,
        owner: Owner,
        connection: Connection,
        sheet: Path | SheetAddress | None = None,
        conclusion: Conclusion | None = None,
    ) -> None:
        """``owner``: whom the run directory belongs to. ``sheet``: its path as it was given, for what is printed at the end.

        ``conclusion``: what is done with the end.
        """
        self._sheet = sheet or Path(state.checked.sheet.name)
        self.state = state
        self._settings = settings
        self._connection = connection
        self._owner = owner
        self._preparation = preparation
        self._conclusion = conclusion or Conclusion(settings)
        self._figures = RunFigures(server_url=settings.url)
        self._stopwatch = Stopwatch(time.monotonic, time.process_time)
        self._executor: Executor | None = None
        self._display = display_on(sys.stderr, _now)
        self._course: Course | None = None
        self._interrupts = 0

    async def run(self, directory: RunDirectory) -> Exit:
        """Goes as far as it gets, then reports on every row."""
        started = time.monotonic()
        self._figures = replace(self._figures, started=datetime.now(UTC))
        stop: Stop | None = None
        # From the lock until the report is written: an interruption must not cost it.
        with on_signals(lambda: self._interrupt(work), finally_ignored=True):
            refuse_closed(directory.path, self._instead(directory.path))
            journal = Journal(directory.path / JOURNAL_FILE, self._owner, self.state.checked.sheet, hold=directory.hold)
            # Another run's directory is left alone: no report is written into it.
            history = journal.read(undoes=self.state.undoes)
            self.state.earlier |= history.rows
            self.state.attempts, self.state.kept, self.state.made = history.attempts, history.names, history.made
            work = asyncio.ensure_future(self._work(directory, journal, history))
            try:
                with self._display:
                    await self._ended(work)
            except Stop as reason:
                stop = reason
            except Exception:
                await self._report(directory, Stop(Exit.DEFECT, "bulkjob itself failed; this is a defect."), started, owned=journal.owned)
                raise
            return await self._report(directory, stop, started, owned=journal.owned)

    def _instead(self, closed: Path) -> str:
        """What to do where a directory was rolled back: a run has another one, a rollback is put back from where its own is."""
        if not self.state.undoes:
            return "choose another directory with --run-dir."
        again = command_line("rollback", [closed / ROLLBACK], self._settings.typed)
        return f"to put back once more what that has brought back: {again}"

    async def _work(self, directory: RunDirectory, journal: Journal, history: History) -> None:
        if history.owner is None:
            remove_whole(directory.path / PLAN_FILE)
        self._preparation.check()
        async with self._connection() as transport:
            client = client_of(self._settings, self._stopwatch.timing(transport))
            ticking = asyncio.create_task(_every(_TICK, lambda: self._show(client)))
            try:
                prepared = await self._preparation.plan(client, self._warn)
                self._write_plan(prepared, directory)
                # By now units that earlier attempts made are known by their ids.
                known = replace(history, attempts=self.state.attempts)
                journal.keep_names(self.state.meanings, self.state.kept)
                await self._execute(continued(prepared, known), client, journal, directory)
            finally:
                ticking.cancel()
                self._count(client)
                await journal.close()

    def _write_plan(self, prepared: Prepared, directory: RunDirectory) -> None:
        """Writes what was decided to be sent."""
        results = planned_results(self.state, prepared.plan).values()
        document = document_of_plan(self._settings, self.state, prepared, results)
        write_whole(directory.path / PLAN_FILE, pieces_of_plan(document))

    async def _execute(self, prepared: Prepared, client: Client, journal: Journal, directory: RunDirectory) -> None:
        """Sends what is planned and keeps what is known, also when it is cancelled."""
        plan = self.state.plan = prepared.plan
        rows, naming = len(self.state.checked.sheet.cells), self.state.naming
        self._executor = Executor(
            plan,
            client,
            prepared.terms,
            naming,
            journal,
            concurrency=self._settings.concurrency,
            max_failures=self._settings.max_failures,
            result_of=partial(self._result, naming),
            warn=self._warn,
        )
        self._course = Course(prepared, rows, seconds_of=partial(self._seconds, prepared, client))
        left = sum(change not in plan.settled for change in plan.changes)
        seconds = self._course.seconds_left(_now(), self._executor.left)
        self._display.started(rows=rows, changes=left, seconds=seconds, run_dir=str(directory))
        self._show(client)
        try:
            await self._executor.run()
        finally:
            self._conclude(self._executor.so_far())

    def _seconds(self, prepared: Prepared, client: Client, left: frozenset[str]) -> float:
        return seconds_left(prepared, left, limit=client.limit)

    def _result(self, naming: Naming, row: int, parts: RowParts) -> RowResult:
        """What became of a row; told at once if it failed."""
        result = row_result(row, parts, naming, server=self.state.server, undoes=self.state.undoes)
        if result.status is Status.FAILED:
            self._display.failed(result)
        return result

    def _show(self, client: Client) -> None:
        """Shows how far the run is."""
        calls, until = client.figures.calls.total(), client.exchange.waits_until
        seconds = None if until is None else max(0.0, until - client.exchange.now())
        if self._course is None or self._executor is None:
            phase: Phase = "reading" if self.state.workspace is None else "resolving"
            self._display.show(Standing(phase=phase, calls=calls, waiting=seconds))
            return
        executor = self._executor
        self._display.show(
            self._course.standing(_now(), executor.progress, left=executor.left, under_way=executor.under_way, calls=calls, waiting=seconds)
        )

    def _conclude(self, execution: Execution) -> None:
        self.state.outcomes, self.state.repairs_left = execution.outcomes, execution.repairs_left
        if execution.stop:
            raise execution.stop

    def _interrupt(self, work: asyncio.Task[None]) -> None:
        """Lets what is in flight be finished, for the time of grace; ends the work at once where nothing is, and the second time."""
        self._interrupts += 1
        self._conclusion.interrupt(self._interrupts)
        if self._executor is None or self._interrupts > 1:
            work.cancel()
            return
        self._executor.stop(_interrupted())
        asyncio.get_running_loop().call_later(self._settings.grace, work.cancel)

    async def _ended(self, work: asyncio.Task[None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            if not self._interrupts:
                raise
            raise _interrupted() from None

    def _warn(self, warning: str) -> None:
        warn(Event.RUN_WARNING, warning)
        self.state.warnings.append(warning)

    def _count(self, client: Client) -> None:
        figures, server = client.figures, self.state.server
        self._figures = replace(
            self._figures,
            calls=tuple((method, route, status or 0, count) for (method, route, status), count in figures.calls.items()),
            retries=figures.retries,
            wait_seconds=figures.wait_seconds,
            server_version=(server.version_text if server else "") or None,
            spent=self._stopwatch.spent,
        )

    async def _report(self, directory: RunDirectory, stop: Stop | None, started: float, *, owned: bool) -> Exit:
        # All that is still needed of it is in the state; the report needs the room.
        self._executor = None
        figures = replace(self._figures, warnings=tuple(self.state.warnings), duration_seconds=time.monotonic() - started)
        mirror = self._settings.choices.agents == "mirror" and not self.state.undoes
        console = console_on(sys.stdout)
        undo = "" if self.state.undoes else command_line("rollback", [directory.path], self._settings.typed)
        ending, results = write_report(directory, self.state, stop, figures, mirror=mirror, owned=owned, undo=undo)
        self._display.ended(ending, row_counts(results.values()))
        if isinstance(stop, Drifted):
            show(console, [*(line for said in stop.listed for line in sentence(console, said, others="    ")), Text("")])
        if self.state.undoes:
            steps = steps_after_rollback(ending, self._settings, directory.path.parent)
        else:
            commands = Commands(sheet=self._sheet, settings=self._settings, given_once=given_once(self._sheet))
            steps = steps_after_run(ending, row_counts(results.values()), commands, stop)
        show(console, summary_lines(console, ending, results.values(), steps=steps))
        return await self._conclusion.reported(directory, ending, results, interrupted=self._interrupts > 0)


def owner_of(settings: Settings, sheet: Sheet, approved: Approved | None) -> Owner:
    """Whom the run directory of this job belongs to."""
    return Owner(
        sheet_sha256=sheet.sha256,
        sheet_name=sheet.sheet_name,
        server=settings.url,
        choices=settings.choices,
        plan_sha256=approved.sha256 if approved else "",
    )


def _interrupted() -> Stop:
    message = "Interrupted. Calls under way were finished, no new ones started."
    return Stop(Exit.INTERRUPTED, message)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _every(seconds: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        action()


def connection_of(settings: Settings) -> Connection:
    """How a job reaches its server."""
    return lambda: connect(settings)
