"""From the history of a run to a plan that puts back what it changed."""

from bulkjob.changes import DepartmentAgent, DepartmentUnit
from bulkjob.plan.decide import plan_changes, without_rows
from bulkjob.plan.preparation import Warn, calls_made, with_units_out_of_reach
from bulkjob.plan.prepared import Prepared
from bulkjob.plan.rollback import way_back
from bulkjob.plan.state import RunState
from bulkjob.records import CheckedSheet, RowResult
from bulkjob.rocketchat import Client, inspect_server, read_workspace, with_members
from bulkjob.rundir import History
from bulkjob.settings import Settings
from bulkjob.sheet import sheet_of_texts
from bulkjob.vocabulary import Effect, Status

_UNTOUCHED = "The run changed nothing for this row, so there is nothing to put back."


def state_of_rollback(history: History) -> RunState:
    """What is known of a rollback before it begins: the rows that the run did not touch need nothing."""
    kept = history.sheet
    if kept is None:
        raise ValueError("a journal without a sheet tells nothing of rows")
    sheet = sheet_of_texts(
        kept.cells,
        rows=kept.rows,
        positions=kept.positions,
        headers=kept.headers,
        letters=kept.letters,
        name=kept.name,
        sha256=kept.sha256,
        sheet_name=kept.sheet_name,
    )
    touched = {row for attempt in history.attempts if attempt.status is not Status.FAILED for row in attempt.change.rows}
    untouched = {
        row: RowResult(row=row, status=Status.SUCCESS, change=Effect.UNCHANGED, message=_UNTOUCHED)
        for row in sheet.cells.index.tolist()
        if row not in touched
    }
    checked = CheckedSheet(sheet=sheet, problems=(), warnings=(), assignments=(), suspects=())
    return RunState(checked=checked, earlier=untouched, undoes=True)


class Undoing:
    """The way back: a `Preparing` whose changes are what was there before."""

    def __init__(self, settings: Settings, state: RunState, history: History) -> None:
        self.prepared: Prepared | None = None
        self._settings = settings
        self._state = state
        self._history = history

    def check(self) -> None:
        """Nothing can be refused before the server has told what it holds."""

    async def plan(self, client: Client, warn: Warn) -> Prepared:
        """The plan of what is to be put back and was not by an earlier attempt. Raises `Stop`."""
        state = self._state
        server = state.server = await inspect_server(client)
        for warning in server.warnings:
            warn(warning)
        made = [attempt for attempt in self._history.attempts if attempt.status is not Status.FAILED]
        names_units = any(isinstance(attempt.change, DepartmentUnit) for attempt in made)
        members = {attempt.change.department_id for attempt in made if isinstance(attempt.change, DepartmentAgent)}
        workspace = await read_workspace(client, server, names_units=names_units, names_agents=False)
        workspace = state.workspace = await with_members(client, workspace, members & workspace.departments.keys())
        back = way_back(made)
        left = without_rows(back, state.earlier.keys())
        moves = ((change.department_id, change.unit_id) for change in left if isinstance(change, DepartmentUnit))
        workspace = state.workspace = await with_units_out_of_reach(client, workspace, server, moves)
        plan = plan_changes(left, workspace, server, self._settings.choices, back)
        for warning in plan.warnings:
            warn(warning)
        self.prepared = Prepared(server=server, workspace=workspace, plan=plan, reading=calls_made(client), limit=client.limit)
        return self.prepared
