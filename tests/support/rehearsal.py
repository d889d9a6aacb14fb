"""The job, and the plan alone, from the sheet to the report: on virtual time, against the sandbox without a socket."""

import asyncio
import csv
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bulkjob.commands.plan import planned
from bulkjob.commands.run import job_of
from bulkjob.plan import read_approved
from bulkjob.rocketchat import Transport
from bulkjob.rundir import opened
from bulkjob.sandbox import Sandbox
from bulkjob.settings import Settings
from bulkjob.sheet import check, read_sheet
from bulkjob.vocabulary import OUTCOME_COLUMNS, Exit
from tests.support.in_process import EPOCH, InProcess, Meddling
from tests.support.states import State
from tests.support.virtual_time import VirtualTimeLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run and what it left behind."""

    exit: Exit
    rows: list[dict[str, str]]
    """results.csv, by header in lower case."""
    summary: dict[str, Any]
    before: State
    after: State
    calls: list[dict[str, Any]]
    said: str
    """Standard output."""
    log: str
    folder: Path
    most_in_flight: int = 0
    overlaps: list[str]
    homeless: set[str]
    seconds: float = 0.0
    """Of virtual time."""

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and route of each call that is no reading."""
        return [(call["method"], call["route"]) for call in self.calls if call["method"] != "GET"]

    @property
    def write_paths(self) -> list[tuple[str, str]]:
        return [(call["method"], call["path"]) for call in self.calls if call["method"] != "GET"]

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


def results_of(folder: Path) -> list[dict[str, str]]:
    """The rows of results.csv by header in lower case."""
    text = (folder / "results.csv").read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header[-len(OUTCOME_COLUMNS) :] == list(OUTCOME_COLUMNS)
    return [dict(zip((name.lower() for name in header), row, strict=True)) for row in rows]


def sheet_text(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str] = ("department", "unit", "agent", "count", "order", "action")
) -> str:
    """Rows as a CSV; a cell that a row lacks is blank."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([[row.get(column, "") for column in columns] for row in rows])
    return text.getvalue()


def _sheet_file(folder: Path, sheet: str | Path | Sequence[Mapping[str, object]]) -> Path:
    """The sheet as a file; made in the folder, unless it is one already."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(sheet, Path):
        return sheet
    path = folder / "sheet.csv"
    path.write_text(sheet if isinstance(sheet, str) else sheet_text(sheet), encoding="utf-8", newline="")
    return path


def rehearse(
    folder: Path,
    state: State,
    sheet: str | Path | Sequence[Mapping[str, object]],
    *,
    user: str = "admin",
    version: str = "7.0",
    faults: str | None = None,
    rate_limit: str | None = None,
    processes: int = 1,
    seed: int = 0,
    latency: Callable[[str], float] = lambda _: 0.0,
    meddle: Meddling | None = None,
    before_it: Callable[[Transport], Transport] = lambda transport: transport,
    log: io.StringIO | None = None,
    start: float = EPOCH,
    **settings: Any,
) -> Ran:
    """Runs the job once, on virtual time, and tells everything about it. ``before_it`` puts something between job and sandbox."""
    sheet = _sheet_file(folder, sheet)
    said, log = io.StringIO(), log or io.StringIO()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, ExitStack() as stack:
        loop = runner.get_loop()
        sandbox = Sandbox(
            state,
            clock=lambda: start + loop.time(),
            server_version=version,
            faults=faults,
            rate_limit=rate_limit,
            processes=processes,
            seed=seed,
        )
        account = next(someone for someone in state["users"] if someone["username"] == user)
        transport = InProcess(sandbox, account, latency, meddle)

        @asynccontextmanager
        async def connection() -> AsyncIterator[Transport]:
            yield before_it(transport)

        handler = logging.StreamHandler(log)
        # Of everybody: what asyncio says of a task that was forgotten is said in a run, too.
        logging.getLogger().addHandler(handler)
        stack.callback(logging.getLogger().removeHandler, handler)
        stack.enter_context(redirect_stdout(said))
        stack.enter_context(redirect_stderr(log))
        directory = stack.enter_context(opened(folder / "run", sheet.name, datetime.fromtimestamp(start, UTC)))
        before = sandbox.state()
        approved = read_approved(settings["plan"]) if settings.get("plan") else None
        job = job_of(Settings.of(settings), check(read_sheet(sheet)), connection, approved)
        code = runner.run(job.run(directory))
        return Ran(
            exit=code,
            rows=results_of(folder / "run"),
            summary=json.loads((folder / "run" / "summary.json").read_text(encoding="utf-8")),
            before=before,
            after=sandbox.state(),
            calls=sandbox.calls(),
            said=said.getvalue(),
            log=log.getvalue(),
            folder=folder / "run",
            most_in_flight=transport.most_in_flight,
            overlaps=transport.overlaps,
            homeless=transport.homeless,
            seconds=loop.time(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a plan said, and what it did to the server."""

    exit: Exit
    said: str
    """Standard output."""
    calls: list[dict[str, Any]]
    before: State
    after: State


def foresee(
    folder: Path,
    state: State,
    sheet: str | Path | Sequence[Mapping[str, object]],
    *,
    user: str = "admin",
    version: str = "7.0",
    rate_limit: str | None = None,
    out: Path | None = None,
    csv: Path | None = None,
    as_json: bool = False,
    **settings: Any,
) -> Foreseen:
    """Plans once, on virtual time: exit code, what was said, the calls, the state before and after."""
    sheet = _sheet_file(folder, sheet)
    said = io.StringIO()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, redirect_stdout(said):
        loop = runner.get_loop()
        sandbox = Sandbox(state, clock=lambda: EPOCH + loop.time(), server_version=version, rate_limit=rate_limit)
        account = next(someone for someone in state["users"] if someone["username"] == user)

        @asynccontextmanager
        async def connect(_: Settings) -> AsyncIterator[Transport]:
            yield InProcess(sandbox, account, lambda _: 0.0, None)

        before = sandbox.state()
        code = runner.run(planned(Settings.of(settings), sheet, out=out, csv=csv, as_json=as_json, connect=connect))
        return Foreseen(exit=code, said=said.getvalue(), calls=sandbox.calls(), before=before, after=sandbox.state())
