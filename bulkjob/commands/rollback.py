"""``bulkjob rollback``: puts back what a run changed, through the same planning, sending, looking and reporting as the run."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.job import Connection, Job, connection_of
from bulkjob.plan import Undoing, state_of_rollback
from bulkjob.report import Conclusion
from bulkjob.rundir import JOURNAL_FILE, LOCK, ROLLBACK, History, Owner, opened, read_history
from bulkjob.settings import Settings
from bulkjob.system import refuse_unusable_store
from bulkjob.vocabulary import Exit, Stop


def rollback(settings: Settings, run_dir: Path, conclusion: Conclusion) -> Exit:
    """Puts back what the run in ``run_dir`` changed, and reports into `ROLLBACK` below it; run again, it goes on there.

    ``conclusion``: what is done with the end. Raises `Stop`: 66 for a directory that holds no run, 73 for a run of another server, 75 while
    the run is still going on.
    """
    refuse_unusable_store(settings.publish.reveal())
    _refuse_no_run(run_dir)
    now = datetime.now(UTC)
    with opened(run_dir, "", now, lock_timeout=settings.lock_timeout, otherwise=""):
        # Read once nobody writes to it any more.
        history, owner = run_to_undo(run_dir, settings)
        with opened(run_dir / ROLLBACK, "", now, lock_timeout=settings.lock_timeout, otherwise="") as directory:
            return asyncio.run(undoing(settings, history, owner, connection_of(settings), conclusion).run(directory))


def _refuse_no_run(run_dir: Path) -> None:
    """Raises `Stop` (66) where no run has ever been, so that nothing is made there."""
    if not (run_dir / LOCK).exists() and not (run_dir / JOURNAL_FILE).exists():
        reason = f"{run_dir} is not a run directory." if run_dir.is_dir() else f'There is no directory "{run_dir}".'
        raise Stop(Exit.NO_INPUT, f'{reason} Give the path after "Report:" at the end of the run.')


def run_to_undo(run_dir: Path, settings: Settings) -> tuple[History, Owner]:
    """What the run in a directory did, and whose it is. Raises `Stop` (66, 73)."""
    history = read_history(run_dir / JOURNAL_FILE)
    if history is None or history.owner is None or history.sheet is None:
        message = f"The run in {run_dir} has changed nothing (it left no {JOURNAL_FILE}), so there is nothing to put back."
        raise Stop(Exit.NO_INPUT, message)
    if history.owner.server != settings.url:
        message = (
            f"The run in {run_dir} was sent to {history.owner.server}, and this rollback would be sent to {settings.url}. "
            "Nothing was sent. Give the run's own server with --url."
        )
        raise Stop(Exit.CANNOT_CREATE, message)
    return history, history.owner


def undoing(settings: Settings, history: History, owner: Owner, connection: Connection, conclusion: Conclusion | None = None) -> Job:
    """The job that puts back what a run changed."""
    settings = replace(settings, choices=owner.choices)
    state = state_of_rollback(history)
    return Job(settings, state, Undoing(settings, state, history), owner, connection, conclusion=conclusion)
