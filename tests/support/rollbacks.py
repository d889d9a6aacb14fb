"""A rollback of a run directory: on virtual time, against the sandbox without a socket."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.commands.rollback import run_to_undo, undoing
from bulkjob.rocketchat import Transport
from bulkjob.rundir.directory import ROLLBACK, opened
from bulkjob.sandbox import Sandbox
from bulkjob.settings.values import Settings
from bulkjob.vocabulary import Exit
from tests.support.in_process import EPOCH, InProcess, Meddling
from tests.support.rehearsal import results_of
from tests.support.states import State
from tests.support.virtual_time import VirtualTimeLoop


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """How a rollback ended, and what it left."""

    exit: Exit
    rows: list[dict[str, str]]
    """Its results.csv, by header in lower case."""
    after: State
    said: str
    """Standard output."""
    writes: list[tuple[str, str]]
    """Method and route of each call that is no reading."""


def roll_back(
    run_dir: Path,
    state: State,
    *,
    user: str = "admin",
    version: str = "7.0",
    rate_limit: str | None = None,
    faults: str | None = None,
    meddle: Meddling | None = None,
) -> RolledBack:
    """Rolls back the run, or goes on with its rollback."""
    said = io.StringIO()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, redirect_stdout(said), redirect_stderr(io.StringIO()):
        loop = runner.get_loop()
        sandbox = Sandbox(state, clock=lambda: EPOCH + loop.time(), server_version=version, rate_limit=rate_limit, faults=faults)
        account = next(someone for someone in state["users"] if someone["username"] == user)

        @asynccontextmanager
        async def connection() -> AsyncIterator[Transport]:
            yield InProcess(sandbox, account, lambda _: 0.25, meddle)

        settings = Settings()
        history, owner = run_to_undo(run_dir, settings)
        with opened(run_dir / ROLLBACK, "", datetime.fromtimestamp(EPOCH, UTC)) as directory:
            code = runner.run(undoing(settings, history, owner, connection).run(directory))
        writes = [(call["method"], call["route"]) for call in sandbox.calls() if call["method"] != "GET"]
        return RolledBack(exit=code, rows=results_of(run_dir / ROLLBACK), after=sandbox.state(), said=said.getvalue(), writes=writes)
