"""A plan as a file: what was found, what is wanted, and what is to be sent; for people to approve and for ``run --plan`` to hold to.

One JSON object. The lists that grow with the sheet have one entry a line, in an order that depends on nothing but sheet and workspace,
so that two plans can be compared line by line.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

import msgspec

from bulkjob import __version__
from bulkjob.changes import AnyEntry, Change, Operation, Outcome, Terms, calls_of
from bulkjob.plan.forecast import Forecast, duration_text
from bulkjob.plan.prepared import Prepared
from bulkjob.records import NO_MEANINGS, Meanings, Naming, RowResult, Sheet
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Status, Stop

#: Version of the format; a plan of another one is not carried out.
FORMAT: Final = 4
#: The formats that are still read.
READABLE: Final = (1, 2, 3, FORMAT)


PLAN_FILE: Final = "plan.json"


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
    changes: tuple[int, ...]
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


class RowEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    changes: tuple[AnyEntry, ...]
    rows: tuple[RowEntry, ...]
    names: Meanings = NO_MEANINGS
    """What the sheet's texts mean: carried out, the plan's ids count, whatever things are called by then."""


# ---------------------------------------------------------------------------------------------------------------- making


def document_of(
    *,
    sheet: Sheet,
    server_url: str,
    choices: Choices,
    results: Iterable[RowResult],
    warnings: Sequence[str],
    refused: Stop | None = None,
    prepared: Prepared | None = None,
    names: Meanings = NO_MEANINGS,
) -> PlanDocument:
    """The document of a plan; ``prepared`` None where it did not come to one."""
    rows = tuple(_row(result) for result in results)
    counts = Counter(row.status for row in rows)
    head = PlanDocument(
        sheet=SheetEntry(name=sheet.name, sha256=sheet.sha256, sheet_name=sheet.sheet_name),
        server=ServerEntry(url=server_url, version=prepared.server.version_text if prepared else ""),
        options=choices,
        refused=Refusal(exit_code=int(refused.exit_code), message=refused.message) if refused else None,
        statuses={str(status): counts[status] for status in Status if counts[status]},
        removals=0,
        calls=(),
        forecast=None,
        warnings=tuple(warnings),
        operations=(),
        changes=(),
        rows=rows,
        names=names,
    )
    return head if prepared is None else _with_plan(head, prepared)


def _with_plan(head: PlanDocument, prepared: Prepared) -> PlanDocument:
    plan, forecast = prepared.plan, prepared.forecast
    places = {change: place for place, change in enumerate(plan.changes)}
    naming = Naming(prepared.workspace)
    return msgspec.structs.replace(
        head,
        removals=plan.removals,
        calls=tuple(Calls(method=cost.route.method, route=cost.route.pattern, count=cost.count) for cost in forecast.calls),
        forecast=_forecast(forecast),
        operations=tuple(_operation(operation, places, prepared.terms) for operation in plan.operations),
        changes=tuple(_entry(change, plan.settled.get(change), naming) for change in plan.changes),
    )


def _entry(change: Change, outcome: Outcome | None, naming: Naming) -> AnyEntry:
    status, code = (outcome.status, outcome.code) if outcome else (Status.PLANNED, None)
    return cast(AnyEntry, change.entry(change.found(naming.workspace), naming, status, code))


def _row(result: RowResult) -> RowEntry:
    return RowEntry(row=result.row, status=result.status, change=result.change.value, code=result.code, message=result.message)


def _forecast(forecast: Forecast) -> ForecastEntry:
    return ForecastEntry(
        text=duration_text(forecast),
        seconds=round(forecast.seconds, 1),
        unlimited_seconds=round(forecast.unlimited_seconds, 1),
        limit=forecast.limit.calls if forecast.limit else None,
        window_seconds=forecast.limit.window if forecast.limit else None,
        reading_calls=forecast.reading,
    )


def _operation(operation: Operation, places: Mapping[Change, int], terms: Terms) -> OperationEntry:
    method, path = operation.request_line
    costs = sorted(calls_of(operation, terms).items(), key=lambda cost: (cost[0].method == "GET", cost[0].pattern))
    return OperationEntry(
        id=operation.id,
        method=method,
        path=path,
        changes=tuple(places[change] for change in operation.changes),
        after=operation.after,
        calls=tuple(Calls(method=route.method, route=route.pattern, count=count) for route, count in costs),
        verified=operation.verified(terms),
    )
