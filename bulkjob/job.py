"""The whole run on one screen: sheet → assignments → plan → execute → verify → report."""

import asyncio
import logging
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.ending import write_report
from bulkjob.execute import Execution, Executor
from bulkjob.guards import refuse_many_removals, refuse_problems, refuse_unlisted_units
from bulkjob.journal import NAME as JOURNAL
from bulkjob.journal import History, Journal, Owner
from bulkjob.naming import Naming
from bulkjob.operations import Plan
from bulkjob.plan import Options, make_plan
from bulkjob.records import CheckedSheet, Problem, Sheet, Workspace
from bulkjob.report.progress import progress
from bulkjob.report.summary import RunFigures
from bulkjob.report.terminal import summary_lines
from bulkjob.resolve import Resolution, departments_to_read, resolve
from bulkjob.resume import credited
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.http import Transport, connected
from bulkjob.rows import Known
from bulkjob.rundir import RunDirectory, opened
from bulkjob.server import Server, inspect
from bulkjob.settings import Settings
from bulkjob.sheet import check, read_sheet
from bulkjob.vocabulary import Exit, Stop
from bulkjob.workspace import read_workspace, with_members

log = logging.getLogger("bulkjob")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

#: Seconds between two looks at how far the run is, for the display.
_TICK = 1.0


def run(settings: Settings, sheet: Path) -> Exit:
    """Does the job, writes its report and sums it up on standard output. Raises `Stop` where there is nothing to report on yet."""
    with _leaving_at_once():
        checked = check(read_sheet(sheet, sheet_name=settings.sheet_name, max_rows=settings.max_rows))
    with opened(settings.run_dir, checked.sheet.name, datetime.now(UTC)) as directory:
        return asyncio.run(Job(settings, checked, _connection(settings)).run(directory))


class Job:
    """One run, and what is known of it so far, so that every ending can be reported."""

    def __init__(self, settings: Settings, checked: CheckedSheet, connection: Callable[[], AbstractAsyncContextManager[Transport]]) -> None:
        self._settings = settings
        self._connection = connection
        self._known = Known(checked=checked)
        self._figures = RunFigures(warnings=checked.warnings)
        self._executor: Executor | None = None
        self._interrupts = 0

    async def run(self, directory: RunDirectory) -> Exit:
        """Goes as far as it gets, then reports on every row."""
        started = time.monotonic()
        stop: Stop | None = None
        journal = Journal(directory.path / JOURNAL, owner_of(self._settings, self._known.checked.sheet), self._known.checked.sheet)
        # Another run's directory is left alone: no report is written into it.
        history = journal.read()
        self._known = replace(self._known, earlier=history.rows)
        work = asyncio.ensure_future(self._work(journal, history))
        # Until the report is written: an interruption then must not cost it.
        with _signals_to(lambda: self._interrupt(work)):
            try:
                await self._ended(work)
            except Stop as reason:
                stop = reason
            except Exception:
                self._report(directory, Stop(Exit.DEFECT, "bulkjob itself failed; this is a defect."), started)
                raise
            return self._report(directory, stop, started)

    async def _work(self, journal: Journal, history: History) -> None:
        settings, checked = self._settings, self._known.checked
        if not settings.skip_invalid:
            refuse_problems(self._left(checked.problems))
        async with self._connection() as transport:
            client = Client(transport, concurrency=settings.concurrency, attempts=settings.retries, draw=random.random)
            try:
                server = await inspect(client)
                self._figures = replace(self._figures, server_version=server.version_text or None)
                workspace = await self._read(client, server)
                resolution = self._resolve(workspace, server)
                plan = credited(self._plan(resolution, workspace, server), history)
                await self._execute(plan, client, server, journal)
            finally:
                journal.close()
                self._count(client)

    async def _read(self, client: Client, server: Server) -> Workspace:
        assignments = self._known.checked.assignments
        names_units = any(assignment.unit for assignment in assignments)
        names_agents = any(assignment.agent for assignment in assignments)
        workspace = await read_workspace(client, server, names_units=names_units, names_agents=names_agents)
        mirror = self._settings.agents == "mirror"
        return await with_members(client, workspace, departments_to_read(assignments, workspace, mirror=mirror))

    def _resolve(self, workspace: Workspace, server: Server) -> Resolution:
        resolution = resolve(self._known.checked, workspace)
        self._known = replace(self._known, problems=resolution.problems, naming=Naming(workspace))
        refuse_unlisted_units(resolution.unlisted_units, server)
        if self._settings.skip_invalid:
            held_back = frozenset(row.row for row in resolution.wanted if row.department_id in resolution.about)
            self._known = replace(self._known, held_back=held_back)
        else:
            refuse_problems(self._left(resolution.problems))
        return resolution

    def _plan(self, resolution: Resolution, workspace: Workspace, server: Server) -> Plan:
        settings = self._settings
        wanted = [row for row in resolution.wanted if row.row not in self._known.held_back]
        options = Options(mirror=settings.agents == "mirror", unit_route=settings.unit_route)
        plan = make_plan(wanted, workspace, server, options, self._known.earlier.keys())
        self._warn(plan.warnings)
        refuse_many_removals(plan, workspace, settings.max_removals)
        return plan

    def _left(self, problems: tuple[Problem, ...]) -> list[Problem]:
        """Those of rows that no earlier attempt brought to success."""
        return [problem for problem in problems if problem.row not in self._known.earlier]

    async def _execute(self, plan: Plan, client: Client, server: Server, journal: Journal) -> None:
        """Sends what is planned and keeps what is known, also when it is cancelled."""
        settings = self._settings
        rows = len({row for wish in plan.wishes for row in wish.rows})
        before = client.figures.calls.total()
        with progress(rows, stream=sys.stderr, clock=time.monotonic) as shown:

            def show(done: int, failed: int) -> None:
                shown.advance(done, failed, client.waiting_for, calls=client.figures.calls.total() - before)

            naming = self._known.naming or Naming(Workspace(departments={}, units=None, agents={}))
            executor = Executor(
                plan,
                client,
                server,
                naming,
                journal,
                concurrency=settings.concurrency,
                max_failures=settings.max_failures,
                report=show,
                warn=lambda warning: self._warn((warning,)),
            )
            self._executor = executor
            ticking = asyncio.create_task(_every(_TICK, lambda: show(*executor.progress)))
            try:
                await executor.run()
            finally:
                ticking.cancel()
                self._conclude(plan, executor.so_far())

    def _conclude(self, plan: Plan, execution: Execution) -> None:
        self._known = replace(self._known, wishes=plan.wishes, outcomes=execution.outcomes)
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

    def _warn(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            log.warning("%s", warning)
        self._figures = replace(self._figures, warnings=(*self._figures.warnings, *warnings))

    def _count(self, client: Client) -> None:
        figures = client.figures
        calls = tuple((method, route, status or 0, count) for (method, route, status), count in figures.calls.items())
        self._figures = replace(self._figures, calls=calls, retries=figures.retries, wait_seconds=figures.wait_seconds)

    def _report(self, directory: RunDirectory, stop: Stop | None, started: float) -> Exit:
        figures = replace(self._figures, duration_seconds=time.monotonic() - started)
        ending, results = write_report(directory, self._known, stop, figures, mirror=self._settings.agents == "mirror")
        width = shutil.get_terminal_size((100, 24)).columns
        lines = summary_lines(ending, results.values(), width=width, colour=sys.stdout.isatty())
        print("\n".join(lines), flush=True)
        return ending.exit_code


def owner_of(settings: Settings, sheet: Sheet) -> Owner:
    """Whom the run directory of this job belongs to."""
    return Owner(
        sheet_sha256=sheet.sha256,
        sheet_name=sheet.sheet_name,
        server=settings.url,
        agents=settings.agents,
        unit_route=settings.unit_route,
        skip_invalid=settings.skip_invalid,
    )


def _interrupted() -> Stop:
    message = "The job was interrupted before its end. No further call was started; the report says for each row what became of it."
    return Stop(Exit.INTERRUPTED, message)


@contextmanager
def _leaving_at_once() -> Iterator[None]:
    """While open, SIGTERM and SIGINT raise `Stop` (75): there is nothing yet that would have to be finished or reported on."""

    def leave(*_: object) -> None:
        # Not `Stop` itself, which a reader of foreign files might take for a flaw of the file.
        raise KeyboardInterrupt

    before = {number: signal.signal(number, leave) for number in _SIGNALS}
    try:
        yield
    except KeyboardInterrupt:
        raise Stop(Exit.INTERRUPTED, "The job was interrupted while the sheet was read. Nothing was sent.") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals_to(interrupt: Callable[[], None]) -> Iterator[None]:
    """While open, SIGTERM and SIGINT go to ``interrupt``."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _every(seconds: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        action()


def _connection(settings: Settings) -> Callable[[], AbstractAsyncContextManager[Transport]]:
    return lambda: connected(
        url=settings.url,
        user_id=settings.user_id,
        token=settings.auth_token,
        timeout=settings.timeout,
        concurrency=settings.concurrency,
        ca_file=settings.ca_file,
    )
