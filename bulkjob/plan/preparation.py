"""From a sheet to a plan that may be sent: reads the workspace, resolves names, plans, and holds all that against the guards.

`run` and `plan` share it: whatever refuses the one refuses the other.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from bulkjob.changes import Plan
from bulkjob.plan.approval import Approved
from bulkjob.plan.decide import make_plan
from bulkjob.plan.document import PlanDocument, document_of
from bulkjob.plan.drift import as_planned, hold_to, refuse_other_plan, with_made
from bulkjob.plan.guards import refuse_many_removals, refuse_problems, refuse_unlisted_units
from bulkjob.plan.made import in_units, units_made
from bulkjob.plan.meaning import SheetNames
from bulkjob.plan.names import Directory
from bulkjob.plan.prepared import Prepared
from bulkjob.plan.resolve import Resolution, departments_to_read, resolve_names, units_to_read
from bulkjob.plan.routes import shared_out
from bulkjob.plan.state import RunState
from bulkjob.records import MANAGE_MONITORS, MANAGE_UNITS, Problem, RowResult, Server, Workspace, is_new_unit
from bulkjob.rocketchat import Client, Route, inspect_server, read_workspace, with_members, with_monitors, with_units_outside
from bulkjob.settings import Settings
from bulkjob.sheet import comparable, with_contradictions
from bulkjob.system import tell
from bulkjob.vocabulary import Event, Stop

#: Takes a sentence that people should read at once.
Warn = Callable[[str], None]


class Preparing(Protocol):
    """The way to the plan of a job: a sheet's, or back from one that was carried out. It writes down in the state what it finds."""

    @property
    def prepared(self) -> Prepared | None:
        """The plan, also where a guard then refuses it."""

    def check(self) -> None:
        """Refuses what can be refused without asking the server. Raises `Stop`."""

    async def plan(self, client: Client, warn: Warn) -> Prepared:
        """The plan that may be sent. Raises `Stop`."""


class Preparation:
    """The way to the plan of a sheet."""

    def __init__(self, settings: Settings, state: RunState, *, approved: Approved | None = None) -> None:
        self.prepared: Prepared | None = None
        self._state = state
        self._settings = settings
        self._approved = approved.document if approved else None

    def check(self) -> None:
        """Says how the sheet was read, and refuses what can be refused without asking the server. Raises `Stop` (65)."""
        for note in self._state.checked.sheet.notes:
            tell(Event.SHEET_NOTE, note, sheet=self._state.checked.sheet.name)
        if self._approved:
            refuse_other_plan(self._approved, self._state.checked.sheet, self._settings.url)
        if not self._settings.choices.skip_invalid and self._of_rows_left(self._state.checked.problems):
            # Nobody comes to know ids now: what contradicts by what is written is said along with the rest.
            self._state.checked = with_contradictions(self._state.checked)
            problems = self._of_rows_left(self._state.checked.problems)
            refuse_problems(problems, sendable=self._sendable(problems, self._beside(problems)))

    async def plan(self, client: Client, warn: Warn) -> Prepared:
        """The plan that may be sent. Raises `Stop`."""
        state = self._state
        server = state.server = await inspect_server(client)
        for warning in server.warnings:
            warn(warning)
        workspace = await self._read(client, server)
        if self._approved:
            workspace = as_planned(workspace, self._approved)
        state.workspace = workspace
        resolution = self._resolve(workspace, server)
        for warning in resolution.warnings:
            warn(warning)
        moving = [workspace.departments.get(row.department_id or "") for row in resolution.wanted if row.about_unit]
        concerned = {row.unit_id for row in resolution.wanted} | {department.parent_id for department in moving if department}
        state.workspace = workspace = await with_units_out_of_reach(client, workspace, server, concerned)
        plan = self._planned(resolution, workspace, server)
        if self._approved:
            plan = hold_to(self._approved, plan, workspace, state.earlier.keys())
        prepared = prepared_by(client, self._settings, server=server, workspace=workspace, plan=plan)
        self.prepared = prepared = prepared if self._approved else shared_out(prepared)
        for warning in plan.warnings:
            warn(warning)
        refuse_many_removals(plan, workspace, self._settings.max_removals)
        return prepared

    async def _read(self, client: Client, server: Server) -> Workspace:
        """The lists that the sheet needs; what its names mean decides which departments' and units' own lists are among them."""
        state, choices = self._state, self._settings.choices
        checked = state.checked
        kept = state.kept or (self._approved.names if self._approved else state.kept)
        workspace = await read_workspace(client, server, names_units=checked.asks_for_units, names_agents=checked.names_agents)
        made = units_made(kept, state.attempts, workspace)
        state.kept = kept = kept.in_units(made)
        state.attempts = in_units(state.attempts, made)
        self._approved = self._approved and with_made(self._approved, made)
        directory = Directory(workspace)
        names = SheetNames(directory, checked.assignments, kept=kept, creates_units=choices.create_units)
        departments = departments_to_read(
            checked.assignments, names, directory, mirror=choices.agents == "mirror", free=client.limit is None
        )
        units = units_to_read(checked.assignments, names) if checked.names_monitors else frozenset()
        workspace = await with_members(client, workspace, departments)
        reads_monitors = checked.names_monitors and server.has_units and server.may(MANAGE_MONITORS)
        return await with_monitors(client, workspace, units) if reads_monitors else workspace

    def _resolve(self, workspace: Workspace, server: Server) -> Resolution:
        state, choices = self._state, self._settings.choices
        resolution = resolve_names(state.checked, workspace, state.attempts, kept=state.kept, creates_units=choices.create_units)
        state.problems, state.meanings = resolution.problems, resolution.meanings
        refuse_unlisted_units(resolution.unlisted_units, server)
        held_back = [row.row for row in resolution.wanted if resolution.holds_back(row)]
        if choices.skip_invalid:
            state.held_back = frozenset(held_back)
        else:
            problems = self._of_rows_left(resolution.problems)
            refuse_problems(problems, sendable=self._sendable(problems, held_back))
        return resolution

    def _planned(self, resolution: Resolution, workspace: Workspace, server: Server) -> Plan:
        state = self._state
        wanted = [row for row in resolution.wanted if row.row not in state.held_back]
        return make_plan(wanted, workspace, server, self._settings.choices, state.earlier.keys())

    def _beside(self, problems: Iterable[Problem]) -> list[int]:
        """Valid rows about a department that an invalid row is about, by what the sheet calls it."""
        called = {row: comparable(word).casefold() for row, word in self._state.departments.items()}
        about = {called[problem.row] for problem in problems if problem.row in called}
        return [row for row, word in called.items() if word in about]

    def _sendable(self, problems: Iterable[Problem], held_back: Iterable[int]) -> int:
        """How many rows ``--skip-invalid`` would let go ahead; with ``mirror`` it cannot be used."""
        if self._settings.choices.agents == "mirror":
            return 0
        rows = set(map(int, self._state.checked.sheet.cells.index))
        return len(rows - {problem.row for problem in problems} - set(held_back) - self._state.earlier.keys())

    def _of_rows_left(self, problems: Iterable[Problem]) -> list[Problem]:
        """Those of rows that no earlier attempt brought to success."""
        return [problem for problem in problems if problem.row not in self._state.earlier]


def document_of_plan(
    settings: Settings, state: RunState, prepared: Prepared | None, results: Iterable[RowResult], refused: Stop | None = None
) -> PlanDocument:
    """The plan as a document; without operations where it did not come to a plan."""
    return document_of(
        sheet=state.checked.sheet,
        server_url=settings.url,
        choices=settings.choices,
        results=results,
        warnings=state.warnings,
        refused=refused,
        prepared=prepared,
        names=state.meanings,
    )


async def with_units_out_of_reach(client: Client, workspace: Workspace, server: Server, units: Iterable[str | None]) -> Workspace:
    """The workspace with those of some units that this account cannot change.

    Nothing is asked for an account that is not restricted to its own units, or whose list of units tells. Raises `Stop` (69, 77).
    """
    if not server.restricted_to_own_units:
        return workspace
    concerned = [unit for unit in units if unit and not is_new_unit(unit)]
    if not server.may(MANAGE_UNITS):
        # Such an account may not read a unit by its id; the list, where it has one (since 7.5), is that of its own units.
        return workspace if workspace.units is None else replace(workspace, outside=frozenset(concerned) - workspace.units.keys())
    return await with_units_outside(client, workspace, concerned)


def prepared_by(client: Client, settings: Settings, *, server: Server, workspace: Workspace, plan: Plan) -> Prepared:
    """A plan, with the calls that the client has made for it and the limit that it has seen."""
    calls: Counter[Route] = Counter()
    for (method, pattern, _), count in client.figures.calls.items():
        calls[Route(method=method, pattern=pattern)] += count
    return Prepared(server=server, workspace=workspace, plan=plan, reading=calls, limit=client.limit, concurrency=settings.concurrency)
