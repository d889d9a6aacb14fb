"""The whole run on one screen: sheet → assignments → plan → execute → verify → report."""

import asyncio
import logging
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

from bulkjob.execute import Execution, Executor
from bulkjob.plan import PLAN_FILE, Approved, Drifted, Preparing, continued, document_of_plan, render_plan
from bulkjob.records import Naming, Plan, Server, Sheet, Workspace
from bulkjob.report import RunFigures, planned_results, progress_display, row_result, summary_lines, write_report
from bulkjob.rocketchat import Client, Transport, client_of, connect, telling
from bulkjob.rundir import JOURNAL_FILE, History, Journal, Owner, RunDirectory, refuse_closed
from bulkjob.settings import Settings
from bulkjob.system import remove_whole, told_to, write_whole
from bulkjob.vocabulary import Exit, Stop

log = logging.getLogger("bulkjob")


#: Opens a transport to the server; a parameter, so that a test can put the sandbox's rules in the server's place.
Connection = Callable[[], AbstractAsyncContextManager[Transport]]


#: Seconds between two looks at how far the run is, for the display.
_TICK = 1.0


class Job:
    """One run, and what is known of it so far, so that every ending can be reported."""

    def __init__(self, settings: Settings, preparation: Preparing, owner: Owner, connection: Connection, *, undoes: bool = False) -> None:
        """``owner``: whom the run directory belongs to. ``undoes``: whether the job puts back what another one changed."""
        self._settings = settings
        self._connection = connection
        self._owner = owner
        self._undoes = undoes
        self._preparation = preparation
        self._figures = RunFigures(warnings=preparation.known.checked.warnings)
        self._executor: Executor | None = None
        self._interrupts = 0

    async def run(self, directory: RunDirectory) -> Exit:
        """Goes as far as it gets, then reports on every row."""
        started = time.monotonic()
        stop: Stop | None = None
        known = self._preparation.known
        # From the lock until the report is written: an interruption must not cost it.
        with told_to(lambda: self._interrupt(work)):
            refuse_closed(directory.path)
            journal = Journal(directory.path / JOURNAL_FILE, self._owner, known.checked.sheet)
            # Another run's directory is left alone: no report is written into it.
            history = journal.read()
            self._preparation.known = replace(known, earlier={**known.earlier, **history.rows})
            work = asyncio.ensure_future(self._work(directory, journal, history))
            try:
                await self._ended(work)
            except Stop as reason:
                stop = reason
            except Exception:
                self._report(directory, Stop(Exit.DEFECT, "bulkjob itself failed; this is a defect."), started)
                raise
            return self._report(directory, stop, started)

    async def _work(self, directory: RunDirectory, journal: Journal, history: History) -> None:
        settings, preparation = self._settings, self._preparation
        if history.owner is None:
            remove_whole(directory.path / PLAN_FILE)
        preparation.check()
        async with self._connection() as transport:
            client = client_of(settings, transport)
            try:
                async with telling(client):
                    prepared = await preparation.plan(client, self._warn)
                results = planned_results(preparation.known, prepared.plan).values()
                write_whole(
                    directory.path / PLAN_FILE, render_plan(document_of_plan(settings, preparation, results, self._figures.warnings))
                )
                plan = continued(prepared.plan, history, prepared.workspace, prepared.server)
                await self._execute(plan, client, prepared.server, journal)
            finally:
                self._count(client)
                await journal.close()

    async def _execute(self, plan: Plan, client: Client, server: Server, journal: Journal) -> None:
        """Sends what is planned and keeps what is known, also when it is cancelled."""
        settings = self._settings
        rows = len({row for wish in plan.wishes for row in wish.rows})
        before = client.figures.calls.total()
        with progress_display(rows, stream=sys.stderr, clock=time.monotonic) as shown:

            def show(done: int, failed: int) -> None:
                shown.advance(done, failed, client.waiting_for, calls=client.figures.calls.total() - before)

            naming = self._preparation.known.naming or Naming(Workspace(departments={}, units=None, agents={}))
            executor = Executor(
                plan,
                client,
                server,
                naming,
                journal,
                concurrency=settings.concurrency,
                max_failures=settings.max_failures,
                result_of=partial(row_result, naming=naming),
                report=show,
                warn=self._warn,
            )
            self._executor = executor
            ticking = asyncio.create_task(_every(_TICK, lambda: show(*executor.progress)))
            try:
                await executor.run()
            finally:
                ticking.cancel()
                self._conclude(plan, executor.so_far())

    def _conclude(self, plan: Plan, execution: Execution) -> None:
        self._preparation.known = replace(
            self._preparation.known, wishes=plan.wishes, outcomes=execution.outcomes, repairs_left=execution.repairs_left
        )
        if execution.stop:
            raise execution.stop

    def _interrupt(self, work: asyncio.Task[None]) -> None:
        """Lets what is in flight be finished, for the time of grace; ends the work at once where nothing is, and the second time."""
        self._interrupts += 1
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
        log.warning("%s", warning)
        self._figures = replace(self._figures, warnings=(*self._figures.warnings, warning))

    def _count(self, client: Client) -> None:
        figures = client.figures
        calls = tuple((method, route, status or 0, count) for (method, route, status), count in figures.calls.items())
        server = self._preparation.server
        self._figures = replace(
            self._figures,
            calls=calls,
            retries=figures.retries,
            wait_seconds=figures.wait_seconds,
            server_version=(server.version_text if server else "") or None,
        )

    def _report(self, directory: RunDirectory, stop: Stop | None, started: float) -> Exit:
        figures = replace(self._figures, duration_seconds=time.monotonic() - started)
        mirror = self._settings.agents == "mirror" and not self._undoes
        ending, results = write_report(directory, self._preparation.known, stop, figures, mirror=mirror, undoes=self._undoes)
        width = shutil.get_terminal_size((100, 24)).columns
        if isinstance(stop, Drifted):
            print("\n".join(stop.told), end="\n\n", flush=True)
        lines = summary_lines(ending, results.values(), width=width, colour=sys.stdout.isatty())
        print("\n".join(lines), flush=True)
        return ending.exit_code


def owner_of(settings: Settings, sheet: Sheet, approved: Approved | None) -> Owner:
    """Whom the run directory of this job belongs to."""
    return Owner(
        sheet_sha256=sheet.sha256,
        sheet_name=sheet.sheet_name,
        server=settings.url,
        agents=settings.agents,
        unit_route=settings.unit_route,
        skip_invalid=settings.skip_invalid,
        plan_sha256=approved.sha256 if approved else "",
    )


def _interrupted() -> Stop:
    message = "The job was interrupted before its end. No further call was started; the report says for each row what became of it."
    return Stop(Exit.INTERRUPTED, message)


async def _every(seconds: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        action()


def connection_of(settings: Settings) -> Connection:
    """How a job reaches its server."""
    return lambda: connect(settings)
