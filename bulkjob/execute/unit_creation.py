"""``POST livechat/units``: a unit that is not there yet; one of its name that has appeared meanwhile is written instead."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from msgspec import structs

from bulkjob.changes import ALREADY_SO, Change, DepartmentUnit, NewUnit, Outcome, UnitCreate, UnitPost, failed, settled
from bulkjob.execute import compose
from bulkjob.execute.compose import Composed
from bulkjob.execute.unit import UnitWriting, monitors_sent
from bulkjob.phrases import listed, quoted
from bulkjob.records import Department, Monitor, Unit, Workspace, name_of_new
from bulkjob.rocketchat import Client, Route, StoredUnit, Written, endpoints
from bulkjob.sheet import caseless
from bulkjob.vocabulary import Code


@dataclass(slots=True, kw_only=True)
class UnitCreation:
    """The making of one unit. What it reads is told by what stands for the unit's id, so that changes find themselves."""

    operation: UnitCreate
    post: UnitWriting
    """Writes a unit that is there, of whichever operation."""
    route: Route = endpoints.CREATE_UNIT
    unit_id: str = ""
    """The unit's own id, once it is known."""
    monitors: tuple[Monitor, ...] = ()
    """Those who are expected to be there after the write."""
    looked: bool = False
    """Whether the making has been sent, and nobody knows whether it has been carried out."""

    async def compose(self) -> Composed[StoredUnit]:
        """Lists the units afresh: what bears the name by now is the unit; else it is made from the departments as they are."""
        units, departments = await self.post.listings.both()
        if self.looked and self._arrives(units, departments):
            units, departments = await self.post.listings.both()
        same = self._of_this_name(units)
        if len(same) > 1:
            return Composed(request=None, settled=dict.fromkeys(self.operation.changes, self._two(same)))
        if same:
            self.unit_id = same[0].id
            return await self._composed_for(same[0].id)
        composed = compose.creation_call(
            self.operation, state=self._state(departments, None, ()), server=self.post.server, attempts=self.post.attempts
        )
        self.monitors = monitors_sent(composed)
        return composed

    async def _composed_for(self, unit_id: str) -> Composed[StoredUnit]:
        """What the unit that is there lacks; for an account that may not write units that are there, whether it lacks anything."""
        if lacks := self.post.server.unit_route_lacks():
            unit = await self.client.call(endpoints.unit(unit_id))
            state = self._state(await self.post.listings.fresh(), unit, ())
            not_permitted = failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks))
            found: dict[Change, Outcome] = {
                change: settled(change, state, self.post.server, self.post.attempts.get(change, ())) or not_permitted
                for change in self.operation.changes
            }
            found |= {change: structs.replace(ALREADY_SO, made=unit_id) for change in found if isinstance(change, NewUnit)}
            return Composed(request=None, settled=found)
        writing = self._writing(unit_id)
        own: dict[Change, Change] = {change.in_units({self.operation.unit_id: unit_id}): change for change in self.operation.changes}
        composed = await writing.compose()
        self.monitors = writing.monitors
        known: dict[Change, Outcome] = {own[change]: outcome for change, outcome in composed.settled.items()}
        known |= {change: structs.replace(ALREADY_SO, made=unit_id) for change in self.operation.changes if isinstance(change, NewUnit)}
        return Composed(
            request=composed.request,
            pending={own[change]: prior for change, prior in composed.pending.items()},
            settled=known,
            snapshot=composed.snapshot,
        )

    @property
    def client(self) -> Client:
        """What it is sent by."""
        return self.post.client

    def _writing(self, unit_id: str) -> UnitWriting:
        changes = tuple(
            change.in_units({self.operation.unit_id: unit_id}) for change in self.operation.changes if not isinstance(change, NewUnit)
        )
        return replace(self.post, operation=UnitPost(unit_id=unit_id, changes=changes, lost=frozenset(), after=()))

    @property
    def ignored(self) -> Mapping[Change, Outcome]:
        """Nothing is known of what the server ignores."""
        return {}

    async def look(self) -> Workspace:
        """Looks for the unit by its name, and at what is in it."""
        self.looked = True
        same = self._of_this_name(await self.post.listings.units(finishing=True))
        self.unit_id = same[0].id if len(same) == 1 else ""
        return await self._seen(self.operation.changes)

    def answer(self, after: Workspace) -> StoredUnit:
        """As the ``POST`` would have answered; of monitors a look tells nothing."""
        del after
        return StoredUnit(id=self.unit_id, monitors=None)

    async def judged(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> Workspace:
        """By fresh readings of the unit that the answer names."""
        self.unit_id = written.value.id
        return await self._seen(composed.pending)

    def warn(self, composed: Composed[StoredUnit], written: Written[StoredUnit]) -> None:
        """Nothing else is seen here: each monitor is a change of its own."""

    def _of_this_name(self, units: Mapping[str, Unit]) -> list[Unit]:
        name = caseless(name_of_new(self.operation.unit_id))
        return [unit for unit in units.values() if caseless(unit.name) == name]

    def _arrives(self, units: Mapping[str, Unit], departments: Mapping[str, Department]) -> bool:
        """Whether a department that was to come is in a unit that is not in the list: it has been made since that was read."""
        coming = {change.department_id for change in self.operation.changes if isinstance(change, DepartmentUnit)}
        parents = {departments[identifier].parent_id for identifier in coming & departments.keys()}
        return not parents - {None} <= units.keys()

    def _two(self, units: Collection[Unit]) -> Outcome:
        ids = listed(sorted(unit.id for unit in units))
        return failed(Code.NOT_APPLIED, f"{len(units)} units are called {quoted(name_of_new(self.operation.unit_id))} ({ids})")

    async def _seen(self, changes: Collection[Change]) -> Workspace:
        if not self.unit_id:
            return self._state(await self.post.listings.fresh(finishing=True), None, ())
        # A call that only adds to a unit which is there asks for no `NewUnit`; that it is there was seen.
        after = await self._writing(self.unit_id).seen([*changes, *self.operation.changes[:1]])
        return self._state(after.departments, (after.units or {}).get(self.unit_id), after.monitors.get(self.unit_id, {}).values())

    def _state(self, departments: Mapping[str, Department], unit: Unit | None, monitors: Collection[Monitor]) -> Workspace:
        """What is there, with what stands for the unit's id in the place of that."""
        stand_in, own = self.operation.unit_id, self.unit_id
        told = {
            identifier: structs.replace(department, parent_id=stand_in) if own and department.parent_id == own else department
            for identifier, department in departments.items()
        }
        return Workspace(
            departments=told,
            units={**(self.post.naming.workspace.units or {}), **({stand_in: unit} if unit else {})},
            agents={},
            monitors={stand_in: {monitor.id: monitor for monitor in monitors}},
        )
