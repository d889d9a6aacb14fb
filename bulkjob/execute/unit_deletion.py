"""``DELETE livechat/units/:id``: a unit that a run has made, if it is as it was left; judged by a fresh list of the units."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bulkjob.changes import Change, NewUnit, Outcome, UnitDelete
from bulkjob.execute import compose
from bulkjob.execute.compose import Attempts, Composed
from bulkjob.execute.listings import Listings
from bulkjob.records import MANAGE_MONITORS, Department, Monitor, Server, Unit, Workspace
from bulkjob.rocketchat import CallGroup, Client, Route, Written, endpoints


@dataclass(slots=True, kw_only=True)
class UnitDeletion:
    """One ``DELETE`` of a unit."""

    operation: UnitDelete
    client: Client
    server: Server
    attempts: Attempts
    listings: Listings
    route: Route = endpoints.DELETE_UNIT
    sent: bool = False
    """Whether a deletion has been made that may have gone out: what it does first is no longer as it was left."""

    async def compose(self) -> Composed[bool]:
        """Reads the units, this one's monitors, and all departments."""
        requests = [endpoints.unit_monitors(self.operation.unit_id)] if self.server.may(MANAGE_MONITORS) else []
        async with self.listings.waiting(self.client.turns(*requests)) as turns:
            units, departments = await self.listings.both()
            monitors = [await self.client.call(request, ticket=turn) for request, turn in zip(requests, turns, strict=True)]
        state = self._state(units, departments, monitors[0] if monitors else None)
        changes = tuple(change.begun() if self.sent and isinstance(change, NewUnit) else change for change in self.operation.changes)
        operation = replace(self.operation, changes=changes)
        composed = compose.deletion_call(operation, state=state, server=self.server, attempts=self.attempts)
        self.sent = composed.request is not None
        return composed

    @property
    def ignored(self) -> Mapping[Change, Outcome]:
        """Nothing is known of what the server ignores."""
        return {}

    async def look(self) -> Workspace:
        """Lists the units, and the departments that were to go free."""
        async with CallGroup() as group:
            units = group.start(self.listings.units(finishing=True))
            departments = group.start(self.listings.fresh(finishing=True)) if len(self.operation.changes) > 1 else None
        return self._state(units.result(), departments.result() if departments else {}, None)

    def answer(self, after: Workspace) -> bool:
        """The answer tells nothing."""
        del after
        return True

    async def judged(self, composed: Composed[bool], written: Written[bool]) -> Workspace:
        """By a fresh list of the units."""
        del composed, written
        return await self.look()

    def warn(self, composed: Composed[bool], written: Written[bool]) -> None:
        """Nothing else is seen here."""

    def _state(self, units: Mapping[str, Unit], departments: Mapping[str, Department], monitors: tuple[Monitor, ...] | None) -> Workspace:
        listed = {} if monitors is None else {self.operation.unit_id: {monitor.id: monitor for monitor in monitors}}
        return Workspace(departments=departments, units=units, agents={}, monitors=listed)
