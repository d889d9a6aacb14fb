"""What has to be sent so that the server holds what the sheet asks for, in which order; decided without sending anything."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bulkjob.changes import (
    LEFT_BEHIND,
    AgentsPost,
    Attempt,
    Change,
    DepartmentAgent,
    DepartmentField,
    DepartmentPut,
    DepartmentUnit,
    NewUnit,
    OncePerRows,
    Operation,
    Outcome,
    Plan,
    UnitCreate,
    UnitDelete,
    UnitField,
    UnitMonitor,
    UnitPost,
    failed,
    rows_of,
    settled,
)
from bulkjob.plan.asked import changes_asked
from bulkjob.plan.emptying import last_of_their_units
from bulkjob.plan.foreseen import foreseen
from bulkjob.plan.order import UnitOperation, arrivals, concerned, in_order, unit_posts, units_around, without
from bulkjob.plan.wanted import Wanted
from bulkjob.records import ADD_AGENTS, MANAGE_DEPARTMENTS, MANAGE_MONITORS, MANAGE_UNITS, Department, Server, Workspace, is_new_unit
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Exit, Stop

#: Codes of what an account may not do → the permission that is missing where the outcome says no more.
_FORBIDDEN = {
    Code.AGENTS_NOT_PERMITTED: ADD_AGENTS,
    Code.UNIT_NOT_PERMITTED: MANAGE_UNITS,
    Code.DEPARTMENT_NOT_PERMITTED: MANAGE_DEPARTMENTS,
}


_NOT_OURS = failed(Code.UNIT_NOT_PERMITTED, "the account is restricted to its own units, and this is not one of them")


def make_plan(
    wanted: Iterable[Wanted], workspace: Workspace, server: Server, choices: Choices, done: Collection[int] = frozenset()
) -> Plan:
    """The plan for rows whose names are resolved; ``done`` are the rows that an earlier attempt brought to success.

    Raises `Stop` (77) where the account cannot do a single row, or the server is one that no route to a unit is open to.
    """
    rows = tuple(wanted)
    changes = changes_asked(rows, workspace, mirror=choices.agents == "mirror")
    plan = plan_changes(without_rows(changes, done), workspace, server, choices)
    if not done:
        _refuse_if_nothing_is_permitted(plan)
    return plan


def without_rows(changes: Iterable[Change], done: Collection[int]) -> list[Change]:
    """The changes that rows ask for which are not done, each for these rows only."""
    left_of = OncePerRows(lambda rows: tuple(row for row in rows if row not in done))
    left = [change.limited_to(left_of(change.rows)) if done else change for change in changes]
    return [change for change in left if change.rows]


def plan_changes(
    changes: Iterable[Change],
    workspace: Workspace,
    server: Server,
    choices: Choices,
    attempts: Mapping[Change, Sequence[Attempt]] = MappingProxyType({}),
) -> Plan:
    """The plan for changes. ``attempts``: of those that put back, what the run made. Raises `Stop` as `make_plan`."""
    planning = _Planning(workspace, server, choices, attempts)
    return planning.plan(tuple(changes))


@dataclass(slots=True)
class _Planning:
    workspace: Workspace
    server: Server
    choices: Choices
    attempts: Mapping[Change, Sequence[Attempt]]
    settled: dict[Change, Outcome] = field(default_factory=dict)

    def plan(self, changes: Sequence[Change]) -> Plan:
        self._settle_unread(changes)
        for change in changes:
            if change in self.settled:
                continue
            if outcome := settled(change, self.workspace, self.server, self.attempts.get(change, ())):
                self.settled[change] = outcome
        self._permit_units([change for change in changes if change not in self.settled])
        self._make_no_unit_in_vain(changes)
        left = [change for change in changes if change not in self.settled]
        moves = [change for change in left if isinstance(change, DepartmentUnit)]
        creating = [move for move in moves if is_new_unit(move.unit_id)]
        others = [move for move in moves if not is_new_unit(move.unit_id)]
        released, others = self._released(left, others)
        by_unit = self._takes_unit_route(others)
        others = self._within_own_units(others, by_unit=by_unit)
        tried, by_whole_unit = self._by_route(others, by_unit=by_unit)
        by_department = _ByDepartment.of(left)
        puts = self._permitted_puts(tried, creating, by_department, released)
        whole = [*creating, *by_whole_unit]
        posts = self._unit_operations(whole, [change for change in left if isinstance(change, UnitField | UnitMonitor | NewUnit)])
        operations = self._department_operations(puts, by_department, posts, by_unit=by_unit)
        deleting = self._deletions(left, operations, released)
        plan = Plan(
            changes=tuple(changes),
            settled=self.settled,
            operations=in_order((*operations, *deleting)),
            warnings=(),
            attempts=self.attempts,
        )
        return replace(plan, warnings=tuple(foreseen(plan, self.workspace)))

    # ----------------------------------------------------------------------------------------------------------- routes

    def _settle_unread(self, changes: Sequence[Change]) -> None:
        """Settles monitors of whom nothing could be read, though their unit is there: that somebody is not seen there proves nothing."""
        told = self.workspace.role_holders is not None
        refused = "the server did not tell who monitors the unit" if told else f"the account lacks the permission {MANAGE_MONITORS}"
        lacks = "; ".join(self.server.monitors_lack() or self.server.unit_route_lacks()) or refused
        for change in changes:
            if isinstance(change, UnitMonitor) and not change.missing(self.workspace):
                unread = change.unit_id not in self.workspace.monitors and not is_new_unit(change.unit_id)
                if unread or self.workspace.role_holders is None or not self.server.may(MANAGE_MONITORS):
                    self.settled[change] = failed(Code.UNIT_NOT_PERMITTED, lacks)

    def _permit_units(self, changes: Sequence[Change]) -> None:
        """Settles what this account may not change of units beside their departments, whichever route those take."""
        lacks = self.server.unit_route_lacks()
        may_not_make = self._lacks_for_new_units()
        for change in changes:
            match change:
                case NewUnit(present=False) if not self.server.has_units or change.unit_id in self.workspace.outside:
                    self.settled[change] = _NOT_OURS
                case NewUnit(present=True) | DepartmentUnit() | UnitField() | UnitMonitor() if change.unit_id and is_new_unit(
                    change.unit_id
                ):
                    if may_not_make:
                        self.settled[change] = failed(Code.UNIT_NOT_PERMITTED, may_not_make)
                case UnitField() | UnitMonitor() if lacks:
                    self.settled[change] = failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks))
                case UnitField() | UnitMonitor() if change.unit_id in self.workspace.outside:
                    self.settled[change] = _NOT_OURS
                case _:
                    pass

    def _make_no_unit_in_vain(self, changes: Sequence[Change]) -> None:
        """Settles the making of units of which nothing that is asked for can be done."""
        asked: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if isinstance(change, DepartmentUnit | UnitField | UnitMonitor) and change.unit_id and is_new_unit(change.unit_id):
                asked[change.unit_id].append(change)
        for change in changes:
            if isinstance(change, NewUnit) and change not in self.settled and (others := asked.get(change.unit_id)):
                outcomes = [self.settled.get(other) for other in others]
                if first := next((outcome for outcome in outcomes if all(outcomes)), None):
                    self.settled[change] = first

    def _lacks_for_new_units(self) -> str:
        """What keeps this account from making units, as a clause; blank if nothing does."""
        if not self.server.has_units:
            return "; ".join(self.server.unit_route_lacks())
        if not self.server.may(MANAGE_UNITS):
            return f"new units take the permission {MANAGE_UNITS}, which the account lacks"
        return "new units take an account that is not restricted to its own units" if self.server.restricted_to_own_units else ""

    def _takes_unit_route(self, moves: list[DepartmentUnit]) -> bool:
        """Whether units are written whole; settles the moves that cannot be made then."""
        server, route, lacks = self.server, self.choices.unit_route, self.server.unit_route_lacks()
        if moves and not server.knows_department_unit and (route == "department" or lacks):
            reasons = "; ".join(lacks) or "--unit-route department was asked for"
            message = (
                f"Rocket.Chat {server.version_text} can move departments only by writing whole units, and that is not possible here: "
                f"{reasons}. Nothing was sent. Update Rocket.Chat to 6.13 or later, or ask an administrator to grant what is missing."
            )
            raise Stop(Exit.NO_PERMISSION, message)
        if route == "unit" and lacks:
            self.settled.update(dict.fromkeys(moves, failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks))))
            moves.clear()
        return route == "unit" or (route == "auto" and not lacks)

    def _permitted_puts(
        self, moves: list[DepartmentUnit], creating: Sequence[DepartmentUnit], by_department: "_ByDepartment", ending: Collection[str]
    ) -> list[DepartmentUnit]:
        """The moves that can be tried by ``departmentUnit``.

        ``creating``: those that the making of a unit carries before. ``ending``: units that are deleted once everything has left them.
        """
        lacks = self.server.department_route_lacks()
        tried = []
        for move in moves:
            department = self.workspace.departments[move.department_id]
            if lacks:
                self.settled[move] = failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks))
            elif incomplete := missing_fields(department, by_department.supplied(move.department_id)):
                self.settled[move] = incomplete
            else:
                tried.append(move)
        refused = last_of_their_units(tried, self.workspace.departments, {move.department_id for move in creating}, ending)
        for move in refused:
            self.settled[move] = LEFT_BEHIND if self._leaves_a_unit_that_is_gone(move) else failed(Code.LAST_DEPARTMENT_IN_UNIT)
        return [move for move in tried if move not in refused]

    def _within_own_units(self, moves: list[DepartmentUnit], *, by_unit: bool) -> list[DepartmentUnit]:
        """The moves that an account can make which is restricted to its own units (``getUnitsFromUser.ts``); settles the others.

        Writing a unit needs that unit alone; for ``departmentUnit`` the server looks at the unit that the department leaves, too.
        """
        outside = self.workspace.outside
        kept = []
        for move in moves:
            parent = self.workspace.departments[move.department_id].parent_id
            needed = {move.unit_id or parent} if by_unit else {move.unit_id, parent}
            if needed & outside:
                self.settled[move] = _NOT_OURS
            else:
                kept.append(move)
        return kept

    def _by_route(self, moves: list[DepartmentUnit], *, by_unit: bool) -> tuple[list[DepartmentUnit], list[DepartmentUnit]]:
        """The moves that go by ``departmentUnit``, and those that go by writing whole units."""
        if not by_unit:
            return moves, []
        puts: list[DepartmentUnit] = []
        whole: list[DepartmentUnit] = []
        for move in moves:
            (puts if self._leaves_a_unit_that_is_gone(move) else whole).append(move)
        return puts, whole

    def _leaves_a_unit_that_is_gone(self, move: DepartmentUnit) -> bool:
        """Whether no unit can be written that would let the department go: the server leaves links to deleted units behind."""
        parent, units = self.workspace.departments[move.department_id].parent_id, self.workspace.units
        gone = units is not None and self.workspace.all_units and parent is not None and parent not in units
        return move.unit_id is None and gone and not self.server.department_route_lacks()

    # ------------------------------------------------------------------------------------------------------- operations

    def _unit_operations(self, moves: Sequence[DepartmentUnit], others: Sequence[UnitField | UnitMonitor | NewUnit]) -> list[UnitOperation]:
        """The writes of whole units; a unit that only loses departments is written only where the account can, and not if it goes."""
        own = [change for change in others if not (isinstance(change, NewUnit) and not change.present) and change not in self.settled]
        posts = unit_posts(moves, self.workspace.departments, own)
        gone = {change.unit_id for change in others if isinstance(change, NewUnit) and not change.present}
        lacks, outside = bool(self.server.unit_route_lacks()), self.workspace.outside
        idle = {post.id for post in posts if not post.changes and (lacks or post.unit_id in outside or post.unit_id in gone)}
        return without(posts, idle)

    def _released(
        self, changes: Sequence[Change], moves: Sequence[DepartmentUnit]
    ) -> tuple[dict[str, list[DepartmentUnit]], list[DepartmentUnit]]:
        """Unit that goes → the moves out of it to no unit, and all other moves.

        The end of a unit makes those by itself: one by one, the server would keep the last department in it.
        """
        released: dict[str, list[DepartmentUnit]] = {
            change.unit_id: [] for change in changes if isinstance(change, NewUnit) and not change.present
        }
        others: list[DepartmentUnit] = []
        for move in moves:
            freed = released.get(self.workspace.departments[move.department_id].parent_id or "")
            (others if move.unit_id is not None or freed is None else freed).append(move)
        return released, others

    def _deletions(
        self, changes: Sequence[Change], operations: Sequence[Operation], released: Mapping[str, Sequence[DepartmentUnit]]
    ) -> Iterable[UnitDelete]:
        """Units that go, each once everything that leaves it has gone home."""
        if not released:
            return
        before: dict[str | None, list[str]] = defaultdict(list)
        for operation in operations:
            for unit_id in self._written_or_left(operation):
                before[unit_id].append(operation.id)
        for change in changes:
            if isinstance(change, NewUnit) and not change.present and change not in self.settled:
                freed, after = released[change.unit_id], before[change.unit_id]
                yield UnitDelete(unit_id=change.unit_id, changes=(change, *freed), after=tuple(after))

    def _written_or_left(self, operation: Operation) -> Iterable[str | None]:
        """The unit that an operation writes, and those of today that its departments are in."""
        written = {operation.unit_id} if isinstance(operation, UnitPost) else set()
        moved = {change.department_id for change in operation.changes if isinstance(change, DepartmentUnit)}
        put = {operation.department_id} if isinstance(operation, DepartmentPut) else set()
        return written | {self.workspace.departments[identifier].parent_id for identifier in moved | put}

    def _department_operations(
        self, puts: list[DepartmentUnit], by_department: "_ByDepartment", posts: list[UnitOperation], *, by_unit: bool
    ) -> list[Operation]:
        """All operations. Where departments go by their own route, units are written after them, and new ones are made before."""
        units = {move.department_id: move for move in puts}
        leading = posts if by_unit else [post for post in posts if isinstance(post, UnitCreate)]
        waits = concerned(leading, self.workspace.departments)
        for department_id, before in arrivals(puts, self.workspace.departments).items():
            waits[department_id] = (*waits.get(department_id, ()), *before)
        found: list[Operation] = []
        for department_id in dict.fromkeys((*units, *by_department.agents, *by_department.fields)):
            found += self._for_department(department_id, units.get(department_id), by_department, waits.get(department_id, ()))
        if by_unit:
            return [*posts, *found]
        trailing = [post for post in posts if isinstance(post, UnitPost)]
        return [*leading, *found, *self._behind(trailing, found)]

    def _behind(self, posts: Sequence[UnitPost], operations: Sequence[Operation]) -> Iterable[UnitPost]:
        """The posts after the puts of every department that is in their unit, leaves it or comes to it."""
        concerning: dict[str, list[str]] = defaultdict(list)
        for put in operations:
            if isinstance(put, DepartmentPut):
                for unit_id in units_around(put, self.workspace.departments):
                    concerning[unit_id].append(put.id)
        return [replace(post, after=(*post.after, *concerning.get(post.unit_id, ()))) for post in posts]

    def _for_department(
        self, department_id: str, unit: DepartmentUnit | None, by_department: "_ByDepartment", after: tuple[str, ...]
    ) -> Iterable[Operation]:
        department = self.workspace.departments[department_id]
        members, fields = by_department.agents[department_id], by_department.fields[department_id]
        incomplete = missing_fields(department, by_department.supplied(department_id))
        if incomplete:
            self.settled.update(dict.fromkeys(fields, incomplete))
            fields = []
        posted = bool(members) and self._posts_agents(department, members, complete=incomplete is None)
        if unit or fields or (members and not posted):
            put = DepartmentPut(
                department_id=department_id, unit=unit, agents=() if posted else tuple(members), fields=tuple(fields), after=after
            )
            yield put
            after = (put.id,)
        if posted:
            yield AgentsPost(department_id=department_id, changes=tuple(members), after=after)

    def _posts_agents(self, department: Department, changes: Sequence[DepartmentAgent], *, complete: bool) -> bool:
        """Whether agents go by a route of their own: a ``PUT`` removes nobody, and needs all five fields and another permission."""
        members = self.workspace.members.get(department.id, {})
        removes = any(not change.present or (change.agent_id in members and members[change.agent_id].doubled) for change in changes)
        return removes or not complete or not self.server.may(MANAGE_DEPARTMENTS)


@dataclass(frozen=True, slots=True)
class _ByDepartment:
    """What is left to do in departments, beside their units."""

    agents: dict[str, list[DepartmentAgent]]
    fields: dict[str, list[DepartmentField]]

    @classmethod
    def of(cls, changes: Iterable[Change]) -> "_ByDepartment":
        agents: dict[str, list[DepartmentAgent]] = defaultdict(list)
        fields: dict[str, list[DepartmentField]] = defaultdict(list)
        for change in changes:
            if isinstance(change, DepartmentAgent):
                agents[change.department_id].append(change)
            elif isinstance(change, DepartmentField):
                fields[change.department_id].append(change)
        return cls(agents, fields)

    def supplied(self, department_id: str) -> frozenset[str]:
        """The fields that the sheet gives a department."""
        return frozenset(change.field for change in self.fields.get(department_id, ()))


def missing_fields(department: Department, supplied: Collection[str] = ()) -> Outcome | None:
    """The outcome of a change that only a ``PUT`` can make, where the department lacks one of the fields that it must carry.

    ``supplied``: those that the same call gives it.
    """
    missing = [name for name in department.missing_fields if name not in supplied]
    if not missing:
        return None
    return failed(Code.REJECTED, f"the department has no {' and no '.join(missing)} on the server, and no change can be sent without it")


def _refuse_if_nothing_is_permitted(plan: Plan) -> None:
    """A row is done only if all of its changes are: where each has one that is forbidden, nothing is sent for the others either."""
    forbidden = {change: outcome for change, outcome in plan.settled.items() if outcome.code in _FORBIDDEN}
    rows = rows_of(plan.changes)
    if rows and rows == rows_of(forbidden):
        reasons = dict.fromkeys(
            outcome.said or f"the account lacks the permission {_FORBIDDEN[outcome.code]}" for outcome in forbidden.values() if outcome.code
        )
        message = f"This account may not make any of the sheet's changes: {'; '.join(reasons)}. Nothing was sent."
        raise Stop(Exit.NO_PERMISSION, message)
