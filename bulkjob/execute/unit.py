"""``POST livechat/units/:id``: made from the whole unit as it is, judged by a fresh list of the departments."""

from collections.abc import Mapping
from dataclasses import dataclass

from bulkjob.changes import Change, Outcome, UnitPost
from bulkjob.execute import compose
from bulkjob.execute.compose import Attempts, Composed
from bulkjob.execute.listings import Listings, Monitors
from bulkjob.execute.writing import Warn
from bulkjob.plan import dropped_text
from bulkjob.records import Department, Monitor, Naming, Server, Workspace
from bulkjob.rocketchat import CallGroup, Client, Route, StoredUnit, Written, endpoints


@dataclass(slots=True, kw_only=True)
class UnitWriting:
    """One ``POST`` of a unit."""

    operation: UnitPost
    client: Client
    server: Server
    naming: Naming
    attempts: Attempts
    say: Warn
    listings: Listings
    role: Monitors
    monitors: tuple[Monitor, ...] = ()
    """Those who are expected to stay."""
    said: bool = False
    """Whether people have been told which monitors the server will drop."""
    route: Route = endpoints.POST_UNIT

    async def compose(self) -> Composed[StoredUnit]:
        """Reads the unit, its monitors and all departments."""
        async with CallGroup() as group:
            unit = group.start(self.client.call(endpoints.unit(self.operation.unit_id)))
            monitors = group.start(self.client.call(endpoints.unit_monitors(self.operation.unit_id)))
            departments = group.start(self.listings.fresh())
        self.monitors = monitors.result()
        composed = compose.unit_call(
            self.operation,
            unit.result(),
            self.monitors,
            state=self._state(departments.result()),
            server=self.server,
            attempts=self.attempts,
        )
        if composed.request is not None and self.server.drops_monitors:
            await self._say_who_is_dropped()
        return composed

    async def _say_who_is_dropped(self) -> None:
        holders = await self.role.holders() if self.monitors else None
        if holders is None:
            return
        dropped = [monitor for monitor in self.monitors if monitor.id not in holders]
        self.monitors = tuple(monitor for monitor in self.monitors if monitor.id in holders)
        if dropped and not self.said:
            self.said = True
            self.say(dropped_text(self.naming, self.operation.unit_id, tuple(dropped)))

    @property
    def ignored(self) -> Mapping[Change, Outcome]:
        """Nothing is known of what the server ignores."""
        return {}

    async def look(self) -> Workspace:
        """Reads a fresh list of the departments."""
        return self._state(await self.listings.fresh(finishing=True))

    def answer(self, after: Workspace) -> StoredUnit:
        """As the ``POST`` would have answered; of monitors a look tells nothing."""
        del after
        return StoredUnit(monitors=None)

    async def judged(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> Workspace:
        """By a fresh list of the departments: the answer only echoes what was sent."""
        del written
        return await self.look() if composed.pending else self._state({})

    def warn(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> None:
        """Says that the server has dropped monitors."""
        del composed
        stored = written.value.monitors
        if stored is not None and stored < len(self.monitors):
            names = ", ".join(self.naming.agent(monitor.id, monitor.username) for monitor in self.monitors)
            self.say(
                f"Unit {self.naming.unit(self.operation.unit_id)} has lost monitors: Rocket.Chat drops those who no longer hold the role "
                f"livechat-monitor. It had {names}, and has {stored} now."
            )

    def _state(self, departments: Mapping[str, Department]) -> Workspace:
        return Workspace(departments=departments, units=self.naming.workspace.units, agents={})
