"""From the history of a run to a plan that puts back what it changed."""

from collections.abc import Iterable, Sequence

from bulkjob.changes import Attempt, Change, DepartmentAgent, DepartmentField, DepartmentUnit, NewUnit, UnitField, UnitMonitor, rows_of
from bulkjob.phrases import quoted
from bulkjob.plan.decide import plan_changes, without_rows
from bulkjob.plan.made import in_units, units_made
from bulkjob.plan.preparation import Warn, prepared_by, with_units_out_of_reach
from bulkjob.plan.prepared import Prepared
from bulkjob.plan.rollback import way_back, without_unmade
from bulkjob.plan.state import RunState
from bulkjob.records import MANAGE_MONITORS, NO_MEANINGS, CheckedSheet, Naming, RowResult, Server, Workspace, new_unit
from bulkjob.rocketchat import Client, inspect_server, read_workspace, with_members, with_monitors
from bulkjob.rundir import History
from bulkjob.settings import Settings
from bulkjob.sheet import caseless, sheet_of_texts
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
    touched = rows_of(attempt.change for attempt in history.attempts if attempt.status is not Status.FAILED)
    untouched = {row: _untouched(row) for row in sheet.cells.index.tolist() if row not in touched}
    checked = CheckedSheet(sheet=sheet, problems=(), warnings=(), assignments=(), suspects=())
    return RunState(checked=checked, earlier=untouched, undone=history, undoes=True)


def _untouched(row: int) -> RowResult:
    return RowResult(row=row, status=Status.SUCCESS, change=Effect.UNCHANGED, message=_UNTOUCHED)


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
        names_units = any(_units_of(attempt) for attempt in made)
        workspace = await read_workspace(client, server, names_units=names_units, names_agents=False)
        made = _as_found(made, workspace, state.attempts)
        ids = {**state.made, **units_made(NO_MEANINGS, state.attempts, workspace)}
        state.attempts = in_units(state.attempts, ids)
        workspace = state.workspace = await self._with_lists(client, workspace, server, made)
        back = {change.in_units(ids): attempts for change, attempts in way_back(made, state.attempts).items()}
        known = rows_of(back) | state.earlier.keys()
        state.earlier |= {row: _untouched(row) for row in state.checked.sheet.cells.index.tolist() if row not in known}
        left = without_rows(back, state.earlier.keys())
        concerned = {unit for attempt in made for unit in _units_of(attempt)}
        concerned |= {department.parent_id for department in workspace.departments.values() if department.parent_id}
        workspace = state.workspace = await with_units_out_of_reach(client, workspace, server, concerned)
        plan = plan_changes(left, workspace, server, self._settings.choices, back)
        for warning in (*plan.warnings, *_beside(left, workspace)):
            warn(warning)
        self.prepared = prepared_by(client, self._settings, server=server, workspace=workspace, plan=plan)
        return self.prepared

    async def _with_lists(self, client: Client, workspace: Workspace, server: Server, made: Iterable[Attempt]) -> Workspace:
        """The workspace with the agents and monitors that were changed."""
        members = {attempt.change.department_id for attempt in made if isinstance(attempt.change, DepartmentAgent)}
        monitored = {attempt.change.unit_id for attempt in made if isinstance(attempt.change, UnitMonitor | NewUnit)}
        workspace = await with_members(client, workspace, members & workspace.departments.keys())
        if not monitored or not server.may(MANAGE_MONITORS):
            return workspace
        return await with_monitors(client, workspace, monitored & (workspace.units or {}).keys())


def _as_found(made: Sequence[Attempt], workspace: Workspace, earlier: Iterable[Attempt]) -> list[Attempt]:
    """What the run made, as the server shows it now: units by their ids, without what turned out never to have been done.

    ``earlier``: what attempts of the same rollback did: a unit that one of them took away, or may have, is no longer there to be found.
    """
    taken = (attempt.change for attempt in earlier if attempt.status is not Status.FAILED)
    ids = {new_unit(change.name): change.unit_id for change in taken if isinstance(change, NewUnit) and not change.present}
    made = in_units(made, {**units_made(NO_MEANINGS, made, workspace), **ids})
    there = workspace.units or {}
    kept = without_unmade(made, workspace)
    return [
        attempt
        for attempt in kept
        if not (isinstance(attempt.change, NewUnit) and not attempt.change.present and attempt.change.unit_id in there)
    ]


def _units_of(attempt: Attempt) -> set[str]:
    """The units that an attempt was about."""
    match attempt.change:
        case DepartmentUnit(unit_id=unit_id):
            prior = attempt.prior if isinstance(attempt.prior, str) else None
            return {unit for unit in (unit_id, prior) if unit} or {""}
        case UnitField(unit_id=unit_id) | UnitMonitor(unit_id=unit_id) | NewUnit(unit_id=unit_id):
            return {unit_id}
        case _:
            return set()


def _beside(changes: Iterable[Change], workspace: Workspace) -> Iterable[str]:
    """What people should know of names and business hours before they are put back."""
    naming = Naming(workspace)
    departments = [(found.id, found.name) for found in workspace.departments.values() if not found.archived]
    units = [(found.id, found.name) for found in (workspace.units or {}).values()]
    for change in changes:
        match change:
            case DepartmentField(field="name", value=str(name), department_id=identifier):
                if any(caseless(other) == caseless(name) and bearer != identifier for bearer, other in departments):
                    yield f"Another department is called {quoted(name)} by now; {naming.department(identifier)} gets that name back."
            case UnitField(field="name", value=str(name), unit_id=identifier):
                if any(caseless(other) == caseless(name) and bearer != identifier for bearer, other in units):
                    yield f"Another unit is called {quoted(name)} by now; unit {naming.unit(identifier)} gets that name back."
            case DepartmentField(field="enabled", value=True, department_id=identifier):
                yield (
                    f"Department {naming.department(identifier)} is enabled again; if it had business hours of its own before, Rocket.Chat "
                    "does not give them back (Omnichannel → Business Hours)."
                )
            case _:
                pass
