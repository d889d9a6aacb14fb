"""What has to be sent so that the server holds what the sheet asks for, in which order; decided without sending anything."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from types import MappingProxyType

from bulkjob.changes import (
    AgentsPost,
    Attempt,
    Change,
    DepartmentAgent,
    DepartmentPut,
    DepartmentUnit,
    Operation,
    Outcome,
    Plan,
    UnitPost,
    failed,
    settled,
)
from bulkjob.plan.asked import agents_asked, mirrored, units_asked
from bulkjob.plan.order import arrivals, concerned, in_order, unit_posts
from bulkjob.plan.resolve import Wanted
from bulkjob.records import ADD_AGENTS, MANAGE_DEPARTMENTS, Department, Naming, Server, Workspace
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Exit, Stop

_FORBIDDEN = frozenset({Code.AGENTS_NOT_PERMITTED, Code.UNIT_NOT_PERMITTED})


def make_plan(
    wanted: Iterable[Wanted], workspace: Workspace, server: Server, choices: Choices, done: Collection[int] = frozenset()
) -> Plan:
    """The plan for rows whose names are resolved; ``done`` are the rows that an earlier attempt brought to success.

    Raises `Stop` (77) where the account cannot do a single row, or the server is one that no route to a unit is open to.
    """
    rows = tuple(wanted)
    changes: list[Change] = [*units_asked(rows), *agents_asked(rows), *(mirrored(rows, workspace) if choices.agents == "mirror" else [])]
    plan = plan_changes(without_rows(changes, done), workspace, server, choices)
    if not done:
        _refuse_if_nothing_is_permitted(plan)
    return plan


def without_rows(changes: Iterable[Change], done: Collection[int]) -> list[Change]:
    """The changes that rows ask for which are not done, each for these rows only."""
    left = [change.limited_to([row for row in change.rows if row not in done]) if done else change for change in changes]
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
        for change in changes:
            if outcome := settled(change, self.workspace, self.server, self.attempts.get(change, ())):
                self.settled[change] = outcome
        left = [change for change in changes if change not in self.settled]
        moves = [change for change in left if isinstance(change, DepartmentUnit)]
        agents = [change for change in left if isinstance(change, DepartmentAgent)]
        by_unit = self._takes_unit_route(moves)
        moves = self._within_own_units(moves, by_unit=by_unit)
        tried = [move for move in moves if self._leaves_a_unit_that_is_gone(move)] if by_unit else moves
        puts = self._permitted_puts(tried)
        posts = unit_posts([move for move in moves if move not in tried], self.workspace.departments) if by_unit else []
        return Plan(
            changes=tuple(changes),
            settled=self.settled,
            operations=in_order((*posts, *self._department_operations(puts, agents, posts))),
            warnings=(*self._foreign_units(), *self._emptied(moves)),
            attempts=self.attempts,
        )

    # ----------------------------------------------------------------------------------------------------------- routes

    def _takes_unit_route(self, moves: list[DepartmentUnit]) -> bool:
        """Whether units are written whole; settles the moves that cannot be made then."""
        server, route, lacks = self.server, self.choices.unit_route, self.server.unit_route_lacks()
        if moves and not server.knows_department_unit and (route == "department" or lacks):
            reasons = "; ".join(lacks) or "--unit-route department was asked for"
            message = (
                f"Rocket.Chat {server.version_text} changes a department's unit only by writing whole units, which is not available here: "
                f"{reasons}. Nothing was sent. Update Rocket.Chat to 6.13 or later, or have what is missing granted."
            )
            raise Stop(Exit.NO_PERMISSION, message)
        if route == "unit" and lacks:
            self.settled.update(dict.fromkeys(moves, failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks))))
            moves.clear()
        return route == "unit" or (route == "auto" and not lacks)

    def _permitted_puts(self, moves: list[DepartmentUnit]) -> list[DepartmentUnit]:
        """The moves that can be tried by ``departmentUnit``."""
        lacks = self.server.department_route_lacks()
        tried = []
        for move in moves:
            if lacks:
                self.settled[move] = failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks))
            elif incomplete := missing_fields(self.workspace.departments[move.department_id]):
                self.settled[move] = incomplete
            else:
                tried.append(move)
        refused = _last_of_their_units(tried, self.workspace.departments)
        self.settled.update(dict.fromkeys(refused, failed(Code.LAST_DEPARTMENT_IN_UNIT)))
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
                self.settled[move] = failed(Code.UNIT_NOT_PERMITTED, "the account is restricted to its own units, and this is none of them")
            else:
                kept.append(move)
        return kept

    def _leaves_a_unit_that_is_gone(self, move: DepartmentUnit) -> bool:
        """Whether no unit can be written that would let the department go: the server leaves links to deleted units behind."""
        parent, units = self.workspace.departments[move.department_id].parent_id, self.workspace.units
        gone = units is not None and self.workspace.all_units and parent is not None and parent not in units
        return move.unit_id is None and gone and not self.server.department_route_lacks()

    def _foreign_units(self) -> Iterable[str]:
        """A warning for each unit that this account may not change, though it sees it in the list."""
        naming = Naming(self.workspace)
        for unit_id in sorted(self.workspace.outside):
            yield f"Unit {naming.unit(unit_id)} is not one of this account's own units, so the account cannot change it."

    def _emptied(self, moves: list[DepartmentUnit]) -> list[str]:
        """A warning for each unit that the plan leaves without departments."""
        after = {department.id: department.parent_id for department in self.workspace.departments.values()}
        before = {unit_id for unit_id in after.values() if unit_id}
        after.update((move.department_id, move.unit_id) for move in moves if move not in self.settled)
        naming = Naming(self.workspace)
        return [f"Unit {naming.unit(unit_id)} will be left without departments." for unit_id in sorted(before - set(after.values()))]

    # ------------------------------------------------------------------------------------------------------- operations

    def _department_operations(
        self, puts: list[DepartmentUnit], changes: list[DepartmentAgent], posts: list[UnitPost]
    ) -> Iterable[Operation]:
        units = {move.department_id: move for move in puts}
        agents: dict[str, list[DepartmentAgent]] = defaultdict(list)
        for change in changes:
            agents[change.department_id].append(change)
        waits = concerned(posts, self.workspace.departments)
        for department_id, before in arrivals(puts, self.workspace.departments).items():
            waits[department_id] = (*waits.get(department_id, ()), *before)
        for department_id in dict.fromkeys((*units, *agents)):
            after, members = waits.get(department_id, ()), tuple(agents.get(department_id, ()))
            yield from self._for_department(department_id, units.get(department_id), members, after)

    def _for_department(
        self, department_id: str, unit: DepartmentUnit | None, members: tuple[DepartmentAgent, ...], after: tuple[str, ...]
    ) -> Iterable[Operation]:
        posted = bool(members) and self._posts_agents(self.workspace.departments[department_id], members)
        if unit or not posted:
            put = DepartmentPut(department_id=department_id, unit=unit, agents=() if posted else members, after=after)
            yield put
            after = (put.id,)
        if posted:
            yield AgentsPost(department_id=department_id, changes=members, after=after)

    def _posts_agents(self, department: Department, changes: Sequence[DepartmentAgent]) -> bool:
        """Whether agents go by a route of their own: a ``PUT`` removes nobody, and needs all five fields and another permission."""
        members = self.workspace.members.get(department.id, {})
        removes = any(not change.present or (change.agent_id in members and members[change.agent_id].doubled) for change in changes)
        return removes or missing_fields(department) is not None or not self.server.may(MANAGE_DEPARTMENTS)


def missing_fields(department: Department) -> Outcome | None:
    """The outcome of a change that only a ``PUT`` can make, where the department lacks one of the fields that it must carry."""
    missing = department.missing_fields
    return failed(Code.REJECTED, f"the stored department lacks {', '.join(missing)}, which a change must carry") if missing else None


def _refuse_if_nothing_is_permitted(plan: Plan) -> None:
    """A row is done only if all of its changes are: where each has one that is forbidden, nothing is sent for the others either."""
    forbidden = {change: outcome for change, outcome in plan.settled.items() if outcome.code in _FORBIDDEN}
    rows = {row for change in plan.changes for row in change.rows}
    if rows and rows == {row for change in forbidden for row in change.rows}:
        reasons = dict.fromkeys(outcome.said or f"the account lacks the permission {ADD_AGENTS}" for outcome in forbidden.values())
        message = f"This account may not make any of the sheet's changes: {'; '.join(reasons)}. Nothing was sent."
        raise Stop(Exit.NO_PERMISSION, message)


def _last_of_their_units(moves: Sequence[DepartmentUnit], departments: Mapping[str, Department]) -> set[DepartmentUnit]:
    """The moves that must not be made, so that no unit is left without any department: of each unit the last in the sheet's order.

    A move that is not made leaves a unit without the department that it would have gained, which may then be in danger in its turn; the
    last move in the sheet's order is always given up first.
    """
    staying = Counter(department.parent_id for department in departments.values())
    leaving: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, move in enumerate(moves):
        origin = departments[move.department_id].parent_id
        staying[origin] -= 1
        staying[move.unit_id] += 1
        if origin:
            leaving[origin].append((-move.rows[0], place))
    for places in leaving.values():
        heapify(places)
    danger = [(leaving[unit_id][0], unit_id) for unit_id in leaving if not staying[unit_id]]
    heapify(danger)
    given_up: set[DepartmentUnit] = set()
    while danger:
        (_, place), unit_id = heappop(danger)
        if staying[unit_id]:
            continue
        heappop(leaving[unit_id])
        move = moves[place]
        given_up.add(move)
        staying[unit_id] += 1
        target = move.unit_id
        if target:
            staying[target] -= 1
            if not staying[target] and leaving.get(target):
                heappush(danger, (leaving[target][0], target))
    return given_up
