"""``POST livechat/units/:id``: made from the whole unit as it is, judged by a fresh list of the departments."""

from collections.abc import Mapping
from dataclasses import dataclass

from bulkjob.execute import compose, verify
from bulkjob.execute.compose import Composed
from bulkjob.execute.listings import Listings, Monitors
from bulkjob.execute.writing import Warn
from bulkjob.records import Monitor, Naming, Outcome, Server, UnitPost, UnitWish, Wish
from bulkjob.rocketchat import Client, Route, StoredUnit, Together, Written, endpoints
from bulkjob.vocabulary import Code


@dataclass(slots=True)
class UnitWriting:
    operation: UnitPost
    client: Client
    server: Server
    naming: Naming
    say: Warn
    listings: Listings
    role: Monitors
    monitors: tuple[Monitor, ...] = ()
    """Those who are expected to stay."""
    said: bool = False
    """Whether it was said who is not."""
    route: Route = endpoints.POST_UNIT

    async def compose(self) -> Composed[StoredUnit]:
        async with Together() as group:
            unit = group.start(self.client.call(endpoints.unit(self.operation.unit_id)))
            monitors = group.start(self.client.call(endpoints.unit_monitors(self.operation.unit_id)))
            departments = group.start(self.listings.fresh())
        self.monitors = monitors.result()
        composed = compose.unit_call(self.operation, unit.result(), self.monitors, departments.result(), self.server)
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
            names = ", ".join(self.naming.agent(monitor.id, monitor.username) for monitor in dropped)
            self.say(
                f"Writing unit {self.naming.unit(self.operation.unit_id)} takes monitors out of it who no longer hold the role "
                f"livechat-monitor: {names}. Rocket.Chat does so by itself; whoever shall stay needs the role first."
            )

    async def look(self, composed: Composed[StoredUnit]) -> tuple[StoredUnit, bool]:
        departments = await self.listings.fresh(finishing=True)
        held = bool(composed.pending) and verify.held(composed.pending, {}, departments, {})
        return StoredUnit(id=self.operation.unit_id, monitors=None), held

    async def judge(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> Mapping[Wish, Outcome]:
        if not composed.pending:
            return {}
        departments = await self.listings.fresh(finishing=True)
        return {
            wish: verify.outcome_of_unit(wish, departments.get(wish.department_id), written, self.naming, unheard=Code.NOT_APPLIED)
            for wish in composed.pending
            if isinstance(wish, UnitWish)
        }

    def warn(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> None:  # noqa: ARG002 - as the others take it
        stored = written.value.monitors
        if stored is not None and stored < len(self.monitors):
            names = ", ".join(self.naming.agent(monitor.id, monitor.username) for monitor in self.monitors)
            self.say(
                f"Unit {self.naming.unit(self.operation.unit_id)} has lost monitors: Rocket.Chat drops those who no longer hold the role "
                f"livechat-monitor. It had {names}, and has {stored} now."
            )
