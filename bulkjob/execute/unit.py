"""``POST livechat/units/:id``: made from the whole unit as it is, judged by fresh readings of what was to change."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bulkjob.changes import Change, DepartmentUnit, NewUnit, Outcome, UnitField, UnitMonitor, UnitPost
from bulkjob.execute import compose
from bulkjob.execute.compose import Attempts, Composed
from bulkjob.execute.listings import Listings, Monitors
from bulkjob.execute.writing import Warn
from bulkjob.plan import dropped_text
from bulkjob.records import Department, Monitor, Naming, Server, Unit, Workspace
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
    """Those who are expected to be there after the write."""
    unit: Unit | None = None
    """As it was read before the write."""
    said: bool = False
    """Whether people have been told which monitors the server will drop."""
    route: Route = endpoints.POST_UNIT

    async def compose(self) -> Composed[StoredUnit]:
        """Reads the unit, its monitors and all departments at one time, and who holds the role of a monitor."""
        of_unit, of_monitors = endpoints.unit(self.operation.unit_id), endpoints.unit_monitors(self.operation.unit_id)
        # Their windows need not begin at the same time: what is read in one must not wait for that of the other.
        async with self.listings.waiting(self.client.turns(of_unit, of_monitors)) as (turn, turn_of_monitors):
            reading = await self.listings.begun()
            async with CallGroup() as group:
                holders = group.start(self.role.holders()) if self.server.drops_monitors else None
                unit = group.start(self.client.call(of_unit, ticket=turn))
                monitors = group.start(self.client.call(of_monitors, ticket=turn_of_monitors))
                departments = group.start(reading)
        self.unit = unit.result()
        composed = compose.unit_call(
            self.operation,
            self.unit,
            monitors.result(),
            state=self._state(departments.result(), self.unit, monitors.result()),
            server=self.server,
            attempts=self.attempts,
        )
        self.monitors = monitors_sent(composed)
        if composed.request is not None and holders is not None:
            self._say_who_is_dropped(holders.result())
        return composed

    def _say_who_is_dropped(self, holders: frozenset[str] | None) -> None:
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
        """Reads afresh what was to change: the departments, the unit, its monitors."""
        return await self.seen(self.operation.changes)

    async def seen(self, changes: Collection[Change]) -> Workspace:
        """What there is now of what some changes are about; of a unit itself what was there before the write, if none is about that."""
        kinds = {type(change) for change in changes}
        finishing = True
        async with CallGroup() as group:
            departments = group.start(self.listings.fresh(finishing=finishing)) if DepartmentUnit in kinds else None
            unit = (
                group.start(self.client.call(endpoints.unit(self.operation.unit_id), finishing=finishing))
                if kinds & {UnitField, NewUnit}
                else None
            )
            monitors = (
                group.start(self.client.call(endpoints.unit_monitors(self.operation.unit_id), finishing=finishing))
                if UnitMonitor in kinds
                else None
            )
        return self._state(
            departments.result() if departments else {}, unit.result() if unit else self.unit, monitors.result() if monitors else ()
        )

    def answer(self, after: Workspace) -> StoredUnit:
        """As the ``POST`` would have answered; of monitors a look tells nothing."""
        del after
        return StoredUnit(id=self.operation.unit_id, monitors=None)

    async def judged(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> Workspace:
        """By fresh readings: the answer only echoes what was sent."""
        del written
        return await self.seen(composed.pending)

    def warn(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> None:
        """Says that the server has dropped monitors."""
        del composed
        stored = written.value.monitors
        if stored is not None and stored < len(self.monitors):
            names = ", ".join(self.naming.agent(monitor.id, monitor.username) for monitor in self.monitors)
            self.say(
                f"Unit {self.naming.unit(self.operation.unit_id)} has lost monitors: Rocket.Chat drops those who no longer have the role "
                f"livechat-monitor. It had {names}, and has {stored} now."
            )

    def _state(self, departments: Mapping[str, Department], unit: Unit | None, monitors: Iterable[Monitor]) -> Workspace:
        identifier = self.operation.unit_id
        others = {other: known for other, known in (self.naming.workspace.units or {}).items() if other != identifier}
        return Workspace(
            departments=departments,
            units={**others, identifier: unit} if unit else others,
            # To an account that is restricted to its own units another one reads as if it were gone.
            all_units=not self.server.restricted_to_own_units,
            agents={},
            monitors={identifier: {monitor.id: monitor for monitor in monitors}},
        )


def monitors_sent(composed: Composed[StoredUnit]) -> tuple[Monitor, ...]:
    """The monitors that a call carries."""
    body = composed.request.body if composed.request else None
    sent = body.get("unitMonitors") if body else None
    if not isinstance(sent, list):
        return ()
    return tuple(Monitor(id=item["monitorId"], username=item["username"]) for item in sent)
