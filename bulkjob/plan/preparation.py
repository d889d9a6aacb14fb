"""From a sheet to a plan that may be sent: reads the workspace, resolves names, plans, and holds all that against the guards.

`run` and `plan` share it: whatever refuses the one refuses the other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bulkjob.plan.approval import Approved
from bulkjob.plan.decide import Options, make_plan, plan_wishes
from bulkjob.plan.document import Choices, PlanDocument, document_of
from bulkjob.plan.drift import as_planned, hold_to, refuse_other_plan
from bulkjob.plan.forecast import Forecast, forecast_of
from bulkjob.plan.guards import refuse_many_removals, refuse_problems, refuse_unlisted_units
from bulkjob.plan.resolve import Resolution, departments_to_read, resolve_names
from bulkjob.plan.rollback import departments_changed, way_back
from bulkjob.plan.routes import shared_out
from bulkjob.records import CheckedSheet, Known, Naming, Plan, Problem, RowResult, Server, UnitWish, Wish, Workspace
from bulkjob.rocketchat import Client, Route, inspect_server, read_workspace, with_members
from bulkjob.rocketchat.pacing import Limit
from bulkjob.rundir import History
from bulkjob.settings import Settings
from bulkjob.vocabulary import Change, Status, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan, and what it was made from."""

    server: Server
    workspace: Workspace
    plan: Plan
    reading: Mapping[Route, int]
    """The calls that it took to make it."""
    limit: Limit | None
    """What the server was seen to allow; None where it announced no limit."""

    def forecast(self, concurrency: int) -> Forecast:
        """What carrying it out costs."""
        return forecast_of(self.plan.operations, self.server, reading=self.reading, limit=self.limit, concurrency=concurrency)


class Preparing(Protocol):
    """The way to the plan of a job: a sheet's, or back from one that was carried out."""

    known: Known
    """What has been found out so far, so that every ending can be reported."""
    server: Server | None
    prepared: Prepared | None
    """Also where a guard then refuses the plan."""

    def check(self) -> None:
        """Refuses what can be refused without asking the server. Raises `Stop`."""

    async def plan(self, client: Client, warn: Callable[[str], None]) -> Prepared:
        """The plan that may be sent. Raises `Stop`."""


class Preparation:
    """The way to one plan, and what is known on it so far, so that every ending can be reported."""

    def __init__(self, settings: Settings, known: Known, *, approved: Approved | None = None) -> None:
        self.known = known
        self.server: Server | None = None
        self.prepared: Prepared | None = None
        """Also where a guard then refuses the plan."""
        self._settings = settings
        self._approved = approved.document if approved else None

    def check(self) -> None:
        """What can be refused without asking the server. Raises `Stop` (65)."""
        if self._approved:
            refuse_other_plan(self._approved, self.known.checked.sheet, self._settings.url)
        if not self._settings.choices.skip_invalid:
            refuse_problems(self._left(self.known.checked.problems))

    async def plan(self, client: Client, warn: Callable[[str], None]) -> Prepared:
        """The plan that may be sent. Raises `Stop`."""
        server = self.server = await inspect_server(client)
        for warning in server.warnings:
            warn(warning)
        workspace = await self._read(client, server)
        if self._approved:
            workspace = as_planned(workspace, self._approved)
        plan = self._planned(self._resolve(workspace, server), workspace, server)
        if self._approved:
            plan = hold_to(self._approved, plan, workspace, self.known.earlier.keys())
        elif client.limit:
            plan = shared_out(plan, server, client.limit.calls)
        prepared = Prepared(server=server, workspace=workspace, plan=plan, reading=calls_made(client), limit=client.limit)
        self.prepared = prepared
        for warning in plan.warnings:
            warn(warning)
        refuse_many_removals(plan, workspace, self._settings.max_removals)
        return prepared

    async def _read(self, client: Client, server: Server) -> Workspace:
        assignments = self.known.checked.assignments
        names_units = any(assignment.unit for assignment in assignments)
        names_agents = any(assignment.agent for assignment in assignments)
        workspace = await read_workspace(client, server, names_units=names_units, names_agents=names_agents)
        mirror = self._settings.choices.agents == "mirror"
        return await with_members(client, workspace, departments_to_read(assignments, workspace, mirror=mirror))

    def _resolve(self, workspace: Workspace, server: Server) -> Resolution:
        resolution = resolve_names(self.known.checked, workspace)
        self.known = replace(self.known, problems=resolution.problems, naming=Naming(workspace))
        refuse_unlisted_units(resolution.unlisted_units, server)
        if self._settings.choices.skip_invalid:
            held_back = frozenset(row.row for row in resolution.wanted if row.department_id in resolution.about)
            self.known = replace(self.known, held_back=held_back)
        else:
            refuse_problems(self._left(resolution.problems))
        return resolution

    def _planned(self, resolution: Resolution, workspace: Workspace, server: Server) -> Plan:
        wanted = [row for row in resolution.wanted if row.row not in self.known.held_back]
        options = Options(mirror=self._settings.choices.agents == "mirror", unit_route=self._settings.choices.unit_route)
        return make_plan(wanted, workspace, server, options, self.known.earlier.keys())

    def _left(self, problems: tuple[Problem, ...]) -> list[Problem]:
        """Those of rows that no earlier attempt brought to success."""
        return [problem for problem in problems if problem.row not in self.known.earlier]


def document_of_plan(
    settings: Settings,
    preparing: Preparing,
    results: Iterable[RowResult],
    warnings: Sequence[str],
    refused: Stop | None = None,
) -> PlanDocument:
    """The plan as a document; without operations where it did not come to a plan."""
    prepared = preparing.prepared
    return document_of(
        sheet=preparing.known.checked.sheet,
        server_url=settings.url,
        choices=Choices(agents=settings.choices.agents, unit_route=settings.choices.unit_route, skip_invalid=settings.choices.skip_invalid),
        results=results,
        warnings=warnings,
        refused=refused,
        decided=(prepared.plan, prepared.workspace, prepared.server, prepared.forecast(settings.concurrency)) if prepared else None,
    )


def calls_made(client: Client) -> Counter[Route]:
    """The calls that a client has made so far."""
    calls: Counter[Route] = Counter()
    for (method, pattern, _), count in client.figures.calls.items():
        calls[Route(method=method, pattern=pattern)] += count
    return calls


_UNTOUCHED = "The run changed nothing for this row, so there is nothing to put back."


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
        self.prepared: Prepared | None = None

    def check(self) -> None:
        """Nothing can be refused before the server has told what it holds."""

    async def plan(self, client: Client, warn: Callable[[str], None]) -> Prepared:
        """The plan of what is to be put back and was not by an earlier attempt. Raises `Stop`."""
        server = self.server = await inspect_server(client)
        made = self._history.made
        names_units = any(isinstance(each.wish, UnitWish) for each in made)
        workspace = await read_workspace(client, server, names_units=names_units, names_agents=False)
        workspace = await with_members(client, workspace, departments_changed(made) & workspace.departments.keys())
        self.known = replace(self.known, naming=Naming(workspace))
        back = way_back(made, workspace)
        left = {wish: _left(wish, self.known.earlier) for wish in back.wishes}
        wishes = [wish for wish in left.values() if wish.rows]
        settled = {left[wish]: outcome for wish, outcome in back.settled.items()}
        plan = plan_wishes(wishes, workspace, server, Options(unit_route=self._settings.choices.unit_route), settled)
        for warning in plan.warnings:
            warn(warning)
        self.prepared = Prepared(server=server, workspace=workspace, plan=plan, reading=calls_made(client), limit=client.limit)
        return self.prepared


def _left(wish: Wish, earlier: Mapping[int, RowResult]) -> Wish:
    """A wish for the rows that no earlier attempt has put back."""
    return replace(wish, rows=tuple(row for row in wish.rows if row not in earlier))
