"""A rollback of a run directory: on virtual time, against the sandbox without a socket."""

import asyncio
import io
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bulkjob.commands.rollback import run_to_undo, undoing
from bulkjob.rundir.directory import ROLLBACK, opened
from bulkjob.sandbox import Sandbox
from bulkjob.settings.values import Settings
from bulkjob.vocabulary import Exit
from tests.support.in_process import EPOCH, InProcess
from tests.support.rehearsal import results_of
from tests.support.virtual_time import VirtualTimeLoop

State = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """How a rollback ended, and what it left."""

    exit: Exit
    rows: list[dict[str, str]]
    """Its results.csv, by header in lower case."""
    after: State
    said: str
    """Standard output."""


def roll_back(run_dir: Path, state: State, *, version: str = "7.0", rate_limit: str | None = None, meddle: Any = None) -> RolledBack:
    """Rolls back the run, or goes on with its rollback, as the account `admin`."""
    said = io.StringIO()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, redirect_stdout(said), redirect_stderr(io.StringIO()):
        loop = runner.get_loop()
        sandbox = Sandbox(state, clock=lambda: EPOCH + loop.time(), server_version=version, rate_limit=rate_limit)
        account = next(someone for someone in state["users"] if someone["username"] == "admin")

        @asynccontextmanager
        async def connection() -> Any:
            yield InProcess(sandbox, account, lambda _: 0.25, meddle)

        settings = Settings()
        history, owner = run_to_undo(run_dir, settings)
        with opened(run_dir / ROLLBACK, "", datetime.fromtimestamp(EPOCH, UTC)) as directory:
            code = runner.run(undoing(settings, history, owner, connection).run(directory))
        return RolledBack(exit=code, rows=results_of(run_dir / ROLLBACK), after=sandbox.state(), said=said.getvalue())
