"""A plan that may be sent, and what it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bulkjob.changes import Plan, Terms
from bulkjob.plan.forecast import Forecast, forecast_of
from bulkjob.records import Server, Workspace
from bulkjob.rocketchat import PAGE_SIZE, Route
from bulkjob.rocketchat.pacing import Limit


@dataclass(frozen=True, kw_only=True)  # without slots, so that it can keep its forecast
class Prepared:
    """A plan, and what it was made from."""

    server: Server
    workspace: Workspace
    plan: Plan
    reading: Mapping[Route, int]
    """The calls that it took to make it."""
    limit: Limit | None
    """What the server was seen to allow; None where it announced no limit."""
    concurrency: int
    """Requests in flight at most."""

    @property
    def terms(self) -> Terms:
        """On what terms the plan's writes are made."""
        return terms_of(self.server, self.limit, len(self.workspace.departments))

    @cached_property
    def forecast(self) -> Forecast:
        """What carrying it out costs."""
        return forecast_of(self.plan.operations, self.terms, reading=self.reading, limit=self.limit, concurrency=self.concurrency)


def terms_of(server: Server, limit: Limit | None, departments: int) -> Terms:
    """On what terms writes are made.

    Under a limit a list of all departments, which all writes that wait for it share, costs less than a call for each of them, as long as
    the list takes no more than half a window.
    """
    pages = -(-departments // PAGE_SIZE)
    return Terms(server=server, shares_lists=limit is not None and 2 * pages <= limit.calls)
