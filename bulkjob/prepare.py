"""From a sheet to a plan that may be sent: reads the workspace, resolves names, plans, and holds all that against the guards.

`run` and `plan` share it: whatever refuses the one refuses the other.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bulkjob.drift import as_planned, hold_to, refuse_other_plan
from bulkjob.forecast import Forecast, forecast_of
from bulkjob.guards import refuse_many_removals, refuse_problems, refuse_unlisted_units
from bulkjob.naming import Naming
from bulkjob.operations import Outcome, Plan
from bulkjob.plan import Options, make_plan
from bulkjob.plan_document import Choices, PlanDocument, document_of, parse_plan
from bulkjob.records import Problem, RowResult, Workspace
from bulkjob.resolve import Resolution, departments_to_read, resolve
from bulkjob.rocketchat.call import Route
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.windows import Limit
from bulkjob.rows import Known, row_results
from bulkjob.server import Server, inspect
from bulkjob.settings import Settings
from bulkjob.share import shared_out
from bulkjob.vocabulary import Exit, Status, Stop
from bulkjob.workspace import read_workspace, with_members

_PLANNED = Outcome(status=Status.PLANNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A plan that somebody has approved."""

    document: PlanDocument
    sha256: str
    """Of the file's bytes, in hex."""


def read_approved(path: Path) -> Approved:
    """The plan in a file. Raises `Stop`: 66 if it cannot be opened, 65 if it is no plan, or one of another format."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Stop(Exit.NO_INPUT, f"The plan {path} cannot be opened: {error.strerror or error}. Check the path after --plan.") from None
    try:
        document = parse_plan(data)
    except ValueError as error:
        message = f"The plan {path} cannot be read: {error}. Make a new one with bulkjob plan SHEET --out FILE."
        raise Stop(Exit.BAD_SHEET, message) from None
    return Approved(document=document, sha256=hashlib.sha256(data).hexdigest())


def with_choices_of(approved: Approved, settings: Settings) -> Settings:
    """The settings with those that a plan was made with: an approved plan stands as it was approved."""
    choices = approved.document.options
    return replace(settings, agents=choices.agents, unit_route=choices.unit_route, skip_invalid=choices.skip_invalid)


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
        if not self._settings.skip_invalid:
            refuse_problems(self._left(self.known.checked.problems))

    async def plan(self, client: Client, warn: Callable[[str], None]) -> Prepared:
        """The plan that may be sent. Raises `Stop`."""
        server = self.server = await inspect(client)
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
        mirror = self._settings.agents == "mirror"
        return await with_members(client, workspace, departments_to_read(assignments, workspace, mirror=mirror))

    def _resolve(self, workspace: Workspace, server: Server) -> Resolution:
        resolution = resolve(self.known.checked, workspace)
        self.known = replace(self.known, problems=resolution.problems, naming=Naming(workspace))
        refuse_unlisted_units(resolution.unlisted_units, server)
        if self._settings.skip_invalid:
            held_back = frozenset(row.row for row in resolution.wanted if row.department_id in resolution.about)
            self.known = replace(self.known, held_back=held_back)
        else:
            refuse_problems(self._left(resolution.problems))
        return resolution

    def _planned(self, resolution: Resolution, workspace: Workspace, server: Server) -> Plan:
        wanted = [row for row in resolution.wanted if row.row not in self.known.held_back]
        options = Options(mirror=self._settings.agents == "mirror", unit_route=self._settings.unit_route)
        return make_plan(wanted, workspace, server, options, self.known.earlier.keys())

    def _left(self, problems: tuple[Problem, ...]) -> list[Problem]:
        """Those of rows that no earlier attempt brought to success."""
        return [problem for problem in problems if problem.row not in self.known.earlier]

    # --------------------------------------------------------------------------------------------------------- telling

    def results(self, stop: Stop | None = None) -> dict[int, RowResult]:
        """What will become of each row of the sheet, as far as is known; ``stop`` is what would end a run before its first write."""
        known = self.known
        if self.prepared and stop is None:
            plan = self.prepared.plan
            known = replace(known, wishes=plan.wishes, outcomes={wish: plan.settled.get(wish, _PLANNED) for wish in plan.wishes})
        return row_results(known, stop)

    def document(self, warnings: tuple[str, ...], stop: Stop | None = None) -> PlanDocument:
        """The plan as a document; without operations where it did not come to a plan."""
        settings, prepared = self._settings, self.prepared
        return document_of(
            sheet=self.known.checked.sheet,
            server_url=settings.url,
            choices=Choices(agents=settings.agents, unit_route=settings.unit_route, skip_invalid=settings.skip_invalid),
            results=self.results(stop).values(),
            warnings=warnings,
            refused=stop,
            decided=(prepared.plan, prepared.workspace, prepared.server, prepared.forecast(settings.concurrency)) if prepared else None,
        )


def calls_made(client: Client) -> Counter[Route]:
    """The calls that a client has made so far."""
    calls: Counter[Route] = Counter()
    for (method, pattern, _), count in client.figures.calls.items():
        calls[Route(method=method, pattern=pattern)] += count
    return calls
