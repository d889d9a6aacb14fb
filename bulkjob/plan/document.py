"""A plan as a file: what was found, what is wanted, and what is to be sent; for people to approve and for ``run --plan`` to hold to.

One JSON object. The lists that grow with the sheet have one entry a line, in an order that depends on nothing but sheet and workspace,
so that two plans can be compared line by line.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from bulkjob import __version__
from bulkjob.plan.forecast import Forecast, duration_text, operation_calls
from bulkjob.records import (
    AgentsPost,
    AgentWish,
    DepartmentPut,
    Operation,
    Plan,
    RowResult,
    Server,
    Sheet,
    UnitPost,
    UnitWish,
    Wish,
    Workspace,
)
from bulkjob.rocketchat import endpoints
from bulkjob.vocabulary import Code, Status, Stop

#: Version of the format; a plan of another one is not carried out.
FORMAT: Final = 1


PLAN_FILE: Final = "plan.json"


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A department, unit or agent."""

    id: str
    name: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's place in a department; a number is null where it was not read, or is to stay as it is."""

    count: int | None = None
    order: int | None = None


class UnitEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="about", tag="unit"):
    """A department and its unit; null is none."""

    department: Thing
    found: Thing | None
    wanted: Thing | None
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What it is about, whatever is asked."""
        return self.department.id, None


class AgentEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="about", tag="agent"):
    """An agent and the place in a department; null is none."""

    department: Thing
    agent: Thing
    found: Place | None
    wanted: Place | None
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What it is about, whatever is asked."""
        return self.department.id, self.agent.id


Entry = UnitEntry | AgentEntry


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one kind."""

    method: str
    route: str
    count: int


class OperationEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One write."""

    id: str
    method: str
    path: str
    wishes: tuple[int, ...]
    """By their place in the document's list, from 0."""
    after: tuple[str, ...]
    """The operations that must have ended before."""
    calls: tuple[Calls, ...]
    """What it costs; the lists of departments that several units share are in the totals only."""
    verified: str
    """How it is seen afterwards that it has done what it should."""


class SheetEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The sheet that the plan is for."""

    name: str
    sha256: str
    sheet_name: str


class ServerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The server that the plan is for."""

    url: str
    version: str


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that the plan depends on."""

    agents: Literal["add", "mirror"]
    unit_route: Literal["auto", "unit", "department"]
    skip_invalid: bool


class ForecastEntry(msgspec.Struct, frozen=True, kw_only=True):
    """How long it takes."""

    text: str
    seconds: float
    unlimited_seconds: float
    limit: int | None
    """Calls of each route in a window; null where the server announced no limit."""
    window_seconds: float | None
    reading_calls: int
    """Calls before the first write."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a run would end before its first write."""

    exit_code: int
    message: str


class RowEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What will become of a row."""

    row: int
    status: Status
    change: str
    code: Code | None
    message: str


class PlanDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The whole plan."""

    format: int = FORMAT
    bulkjob: str = __version__
    sheet: SheetEntry
    server: ServerEntry
    options: Choices
    refused: Refusal | None
    statuses: dict[str, int]
    """How many rows have which status."""
    removals: int
    """Agents who leave a department."""
    calls: tuple[Calls, ...]
    forecast: ForecastEntry | None
    warnings: tuple[str, ...]
    operations: tuple[OperationEntry, ...]
    wishes: tuple[Entry, ...]
    rows: tuple[RowEntry, ...]


# ---------------------------------------------------------------------------------------------------------------- making


def document_of(
    *,
    sheet: Sheet,
    server_url: str,
    choices: Choices,
    results: Iterable[RowResult],
    warnings: Sequence[str],
    refused: Stop | None = None,
    decided: tuple[Plan, Workspace, Server, Forecast] | None = None,
) -> PlanDocument:
    """The document of a plan; ``decided`` None where it did not come to one."""
    rows = tuple(_row(result) for result in results)
    counts = Counter(row.status for row in rows)
    head = PlanDocument(
        sheet=SheetEntry(name=sheet.name, sha256=sheet.sha256, sheet_name=sheet.sheet_name),
        server=ServerEntry(url=server_url, version=decided[2].version_text if decided else ""),
        options=choices,
        refused=Refusal(exit_code=int(refused.exit_code), message=refused.message) if refused else None,
        statuses={str(status): counts[status] for status in Status if counts[status]},
        removals=0,
        calls=(),
        forecast=None,
        warnings=tuple(warnings),
        operations=(),
        wishes=(),
        rows=rows,
    )
    if decided is None:
        return head
    plan, workspace, server, forecast = decided
    places = {wish: place for place, wish in enumerate(plan.wishes)}
    return msgspec.structs.replace(
        head,
        removals=plan.removals,
        calls=tuple(Calls(method=cost.route.method, route=cost.route.pattern, count=cost.count) for cost in forecast.calls),
        forecast=_forecast(forecast),
        operations=tuple(_operation(operation, places, server) for operation in plan.operations),
        wishes=tuple(entry_of(wish, plan, workspace) for wish in plan.wishes),
    )


def _row(result: RowResult) -> RowEntry:
    return RowEntry(row=result.row, status=result.status, change=str(result.change), code=result.code, message=result.message)


def _forecast(forecast: Forecast) -> ForecastEntry:
    return ForecastEntry(
        text=duration_text(forecast),
        seconds=round(forecast.seconds, 1),
        unlimited_seconds=round(forecast.unlimited_seconds, 1),
        limit=forecast.limit.calls if forecast.limit else None,
        window_seconds=forecast.limit.window if forecast.limit else None,
        reading_calls=forecast.reading,
    )


def _operation(operation: Operation, places: Mapping[Wish, int], server: Server) -> OperationEntry:
    match operation:
        case UnitPost():
            method, path = endpoints.POST_UNIT.method, endpoints.unit(operation.unit_id).path
            verified = "a fresh list of the departments shows each of them in the unit that is wanted"
            verified = verified if operation.wishes else "nothing of the sheet: it only lets the server count the unit's departments anew"
        case DepartmentPut():
            method, path = endpoints.PUT_DEPARTMENT.method, endpoints.department(operation.department_id).path
            late = server.answers_puts_early and operation.agents
            verified = "a fresh list of the department's agents" if late else "the answer"
            verified += " shows what is wanted; a count above it is a chat that came in between"
        case AgentsPost():
            method, path = endpoints.POST_AGENTS.method, endpoints.department_agents(operation.department_id, 0, 0).path
            verified = "a fresh list of the department's agents shows what is wanted; a count above it is a chat that came in between"
    costs = sorted(operation_calls(operation, server).items(), key=lambda cost: (cost[0].method == "GET", cost[0].pattern))
    return OperationEntry(
        id=operation.id,
        method=method,
        path=path,
        wishes=tuple(places[wish] for wish in operation.wishes),
        after=operation.after,
        calls=tuple(Calls(method=route.method, route=route.pattern, count=count) for route, count in costs),
        verified=verified,
    )


def entry_of(wish: Wish, plan: Plan, workspace: Workspace) -> Entry:
    """A wish with what is found in a workspace."""
    outcome = plan.settled.get(wish)
    status, code = (outcome.status, outcome.code) if outcome else (Status.PLANNED, None)
    known = workspace.departments.get(wish.department_id)
    department = Thing(id=wish.department_id, name=known.name if known else "")
    if isinstance(wish, UnitWish):
        return UnitEntry(
            department=department,
            found=_unit(known.parent_id if known else None, workspace),
            wanted=_unit(wish.unit_id, workspace),
            rows=wish.rows,
            status=status,
            code=code,
        )
    return AgentEntry(
        department=department,
        agent=Thing(id=wish.agent_id, name=wish.username),
        found=place_of(wish.department_id, wish.agent_id, workspace),
        wanted=Place(count=wish.count, order=wish.order) if wish.present else None,
        rows=wish.rows,
        status=status,
        code=code,
    )


def place_of(department_id: str, agent_id: str, workspace: Workspace) -> Place | None:
    """An agent's place in a department, by the department's own list where that was read, else by the agent's list of departments."""
    if department_id in workspace.members:
        member = workspace.members[department_id].get(agent_id)
        return Place(count=member.count, order=member.order) if member else None
    agent = workspace.agents.get(agent_id)
    return Place() if agent and department_id in (agent.department_ids or ()) else None


def _unit(unit_id: str | None, workspace: Workspace) -> Thing | None:
    if unit_id is None:
        return None
    unit = (workspace.units or {}).get(unit_id)
    return Thing(id=unit_id, name=unit.name if unit else "")


def wish_of(entry: Entry) -> Wish:
    """What an entry asks for."""
    if isinstance(entry, UnitEntry):
        return UnitWish(department_id=entry.department.id, unit_id=entry.wanted.id if entry.wanted else None, rows=entry.rows)
    return AgentWish(
        department_id=entry.department.id,
        agent_id=entry.agent.id,
        username=entry.agent.name,
        present=entry.wanted is not None,
        count=entry.wanted.count if entry.wanted else None,
        order=entry.wanted.order if entry.wanted else None,
        rows=entry.rows,
    )
