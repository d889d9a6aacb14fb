"""``bulkjob rollback``: puts back what a run changed, through the same planning, sending, looking and reporting as the run."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.job import Connection, Job, connection_of
from bulkjob.journal import NAME, History, Owner, read_history
from bulkjob.naming import Naming
from bulkjob.operations import UnitWish, Wish
from bulkjob.plan import Options, plan_wishes
from bulkjob.plan_document import Choices, PlanDocument, document_of
from bulkjob.prepare import Prepared, calls_made
from bulkjob.records import CheckedSheet, RowResult
from bulkjob.rocketchat.client import Client
from bulkjob.rollback import departments_changed, way_back
from bulkjob.rows import Known, row_results
from bulkjob.rundir import LOCK, ROLLBACK, opened
from bulkjob.server import Server, inspect
from bulkjob.settings import Settings
from bulkjob.vocabulary import Change, Exit, Status, Stop
from bulkjob.workspace import read_workspace, with_members

_UNTOUCHED = "The run changed nothing for this row, so there is nothing to put back."


def rollback(settings: Settings, run_dir: Path) -> Exit:
    """Puts back what the run in ``run_dir`` changed, and reports into `ROLLBACK` below it; run again, it goes on there.

    Raises `Stop`: 66 for a directory that holds no run, 73 for a run of another server, 75 while the run is still going on.
    """
    _refuse_no_run(run_dir)
    now = datetime.now(UTC)
    with opened(run_dir, "", now, lock_timeout=settings.lock_timeout, otherwise=""):
        # Read once nobody writes to it any more.
        history, owner = run_to_undo(run_dir, settings)
        with opened(run_dir / ROLLBACK, "", now, lock_timeout=settings.lock_timeout, otherwise="") as directory:
            return asyncio.run(undoing(settings, history, owner, connection_of(settings)).run(directory))


def _refuse_no_run(run_dir: Path) -> None:
    """Raises `Stop` (66) where no run has ever been, so that nothing is made there."""
    if not (run_dir / LOCK).exists() and not (run_dir / NAME).exists():
        reason = "is no directory" if not run_dir.is_dir() else "is no run directory"
        raise Stop(Exit.NO_INPUT, f"{run_dir} {reason}. Name the run directory that bulkjob run has named.")


def run_to_undo(run_dir: Path, settings: Settings) -> tuple[History, Owner]:
    """What the run in a directory did, and whose it is. Raises `Stop` (66, 73)."""
    history = read_history(run_dir / NAME)
    if history is None or history.owner is None or history.sheet is None:
        message = f"The run in {run_dir} has changed nothing (it left no {NAME}), so there is nothing to put back."
        raise Stop(Exit.NO_INPUT, message)
    if history.owner.server != settings.url:
        message = (
            f"The run in {run_dir} was sent to {history.owner.server}, and this rollback would be sent to {settings.url}. "
            f"Nothing was sent; give the run's own server with --url."
        )
        raise Stop(Exit.CANNOT_CREATE, message)
    return history, history.owner


def undoing(settings: Settings, history: History, owner: Owner, connection: Connection) -> Job:
    """The job that puts back what a run changed."""
    settings = replace(settings, agents=owner.agents, unit_route=owner.unit_route, skip_invalid=owner.skip_invalid)
    return Job(settings, Return(settings, history), owner, connection, undoes=True)


class Return:
    """The way back: a `Preparing` whose wishes are what was there before."""

    def __init__(self, settings: Settings, history: History) -> None:
        if history.sheet is None:
            message = "a journal without a sheet tells nothing of rows"
            raise ValueError(message)
        sheet = history.sheet.sheet()
        checked = CheckedSheet(sheet=sheet, problems=(), warnings=(), assignments=(), suspects=())
        touched = {row for made in history.made if made.status is not Status.FAILED for row in made.wish.rows}
        untouched = {
            row: RowResult(row=row, status=Status.SUCCESS, change=Change.UNCHANGED, message=_UNTOUCHED)
            for row in sheet.cells.index.tolist()
            if row not in touched
        }
        self.known = Known(checked=checked, earlier=untouched, undoes=True)
        self.server: Server | None = None
        self._settings = settings
        self._history = history
        self._prepared: Prepared | None = None

    def check(self) -> None:
        """Nothing can be refused before the server has told what it holds."""

    async def plan(self, client: Client, warn: Callable[[str], None]) -> Prepared:
        """The plan of what is to be put back and was not by an earlier attempt. Raises `Stop`."""
        server = self.server = await inspect(client)
        made = self._history.made
        names_units = any(isinstance(each.wish, UnitWish) for each in made)
        workspace = await read_workspace(client, server, names_units=names_units, names_agents=False)
        workspace = await with_members(client, workspace, departments_changed(made) & workspace.departments.keys())
        self.known = replace(self.known, naming=Naming(workspace))
        back = way_back(made, workspace)
        left = {wish: _left(wish, self.known.earlier) for wish in back.wishes}
        wishes = [wish for wish in left.values() if wish.rows]
        settled = {left[wish]: outcome for wish, outcome in back.settled.items()}
        plan = plan_wishes(wishes, workspace, server, Options(unit_route=self._settings.unit_route), settled)
        for warning in plan.warnings:
            warn(warning)
        self._prepared = Prepared(server=server, workspace=workspace, plan=plan, reading=calls_made(client), limit=client.limit)
        return self._prepared

    def document(self, warnings: tuple[str, ...]) -> PlanDocument:
        """The plan as a document."""
        settings, prepared = self._settings, self._prepared
        return document_of(
            sheet=self.known.checked.sheet,
            server_url=settings.url,
            choices=Choices(agents=settings.agents, unit_route=settings.unit_route, skip_invalid=settings.skip_invalid),
            results=row_results(self.known, None).values(),
            warnings=warnings,
            refused=None,
            decided=(prepared.plan, prepared.workspace, prepared.server, prepared.forecast(settings.concurrency)) if prepared else None,
        )


def _left(wish: Wish, earlier: Mapping[int, RowResult]) -> Wish:
    """A wish for the rows that no earlier attempt has put back."""
    return replace(wish, rows=tuple(row for row in wish.rows if row not in earlier))
