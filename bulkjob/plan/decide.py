"""What has to be sent so that the server holds what the sheet asks for, in which order; decided without sending anything."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from bulkjob.plan.order import arrivals, concerned, in_order, unit_posts
from bulkjob.plan.resolve import Wanted
from bulkjob.records import (
    ADD_AGENTS,
    ALREADY_SO,
    MANAGE_DEPARTMENTS,
    REQUIRED_FIELDS,
    AgentsPost,
    AgentWish,
    Department,
    DepartmentPut,
    Operation,
    Outcome,
    Plan,
    Server,
    UnitPost,
    UnitWish,
    Wish,
    Workspace,
    failed,
)
from bulkjob.vocabulary import Code, Exit, Stop

_FORBIDDEN = frozenset({Code.AGENTS_NOT_PERMITTED, Code.UNIT_NOT_PERMITTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator decided."""

    mirror: bool = False
    unit_route: Literal["auto", "unit", "department"] = "auto"


def make_plan(
    wanted: Iterable[Wanted], workspace: Workspace, server: Server, options: Options, done: Collection[int] = frozenset()
) -> Plan:
    """The plan for rows whose names are resolved; ``done`` are the rows that an earlier attempt brought to success.

    Raises `Stop` (77) where the account cannot do a single row, or the server is one that no route to a unit is open to.
    """
    rows = tuple(wanted)
    agents = _agent_wishes(rows) + (_mirrored(rows, workspace) if options.mirror else [])
    wishes: list[Wish] = [*_unit_wishes(rows), *agents]
    left = [replace(wish, rows=tuple(row for row in wish.rows if row not in done)) for wish in wishes]
    plan = plan_wishes([wish for wish in left if wish.rows], workspace, server, options)
    if not done:
        _refuse_if_nothing_is_permitted(plan)
    return plan


def plan_wishes(
    wishes: Iterable[Wish], workspace: Workspace, server: Server, options: Options, settled: Mapping[Wish, Outcome] = MappingProxyType({})
) -> Plan:
    """The plan for wishes, of which ``settled`` are known to need no call. Raises `Stop` as `make_plan`."""
    return _Planning(tuple(wishes), workspace, server, options, settled).plan()


class _Planning:
    def __init__(
        self, wishes: tuple[Wish, ...], workspace: Workspace, server: Server, options: Options, settled: Mapping[Wish, Outcome]
    ) -> None:
        self._workspace = workspace
        self._server = server
        self._options = options
        self._unit_wishes = [wish for wish in wishes if isinstance(wish, UnitWish)]
        self._agent_wishes = [wish for wish in wishes if isinstance(wish, AgentWish)]
        self._settled: dict[Wish, Outcome] = dict(settled)

    def plan(self) -> Plan:
        moves = [wish for wish in self._unit_wishes if wish not in self._settled and self._moves(wish)]
        changes = [wish for wish in self._agent_wishes if wish not in self._settled and self._changes(wish)]
        by_unit = self._takes_unit_route(moves)
        puts = [] if by_unit else self._permitted_puts(moves)
        posts = unit_posts(moves, self._workspace.departments) if by_unit else []
        return Plan(
            wishes=(*self._unit_wishes, *self._agent_wishes),
            settled=self._settled,
            operations=in_order((*posts, *self._department_operations(puts, changes, posts))),
            warnings=tuple(self._emptied(moves)),
        )

    # ----------------------------------------------------------------------------------------------------------- wishes

    def _moves(self, wish: UnitWish) -> bool:
        department = self._workspace.departments[wish.department_id]
        if department.parent_id == wish.unit_id:
            return self._settle(wish, ALREADY_SO)
        if department.archived:
            return self._settle(wish, failed(Code.DEPARTMENT_ARCHIVED))
        return True

    def _changes(self, wish: AgentWish) -> bool:
        department = self._workspace.departments[wish.department_id]
        if self._is_so(wish):
            return self._settle(wish, ALREADY_SO)
        if department.archived:
            return self._settle(wish, failed(Code.DEPARTMENT_ARCHIVED))
        if not self._server.may(ADD_AGENTS):
            return self._settle(wish, failed(Code.AGENTS_NOT_PERMITTED))
        return True

    def _settle(self, wish: Wish, outcome: Outcome) -> Literal[False]:
        self._settled[wish] = outcome
        return False

    def _is_so(self, wish: AgentWish) -> bool:
        """By the department's own list where it was read, else by the agent's list of departments: enough where no number is asked for."""
        if wish.department_id in self._workspace.members:
            return wish.holds(self._workspace.members[wish.department_id].get(wish.agent_id))
        agent = self._workspace.agents[wish.agent_id]
        return (wish.department_id in (agent.department_ids or ())) == wish.present

    # ----------------------------------------------------------------------------------------------------------- routes

    def _takes_unit_route(self, moves: list[UnitWish]) -> bool:
        """Whether units are written whole; settles the moves that cannot be done then."""
        server, route, lacks = self._server, self._options.unit_route, self._server.unit_route_lacks()
        if moves and not server.knows_department_unit and (route == "department" or lacks):
            reasons = "; ".join(lacks) or "--unit-route department was asked for"
            message = (
                f"Rocket.Chat {server.version_text} changes a department's unit only by writing whole units, which is not to be had here: "
                f"{reasons}. Nothing was sent. Update the server to 6.13 or later, or grant what is missing."
            )
            raise Stop(Exit.NO_PERMISSION, message)
        if route == "unit" and lacks:
            for wish in moves:
                self._settle(wish, failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks)))
            moves.clear()
        return route == "unit" or (route == "auto" and not lacks)

    def _permitted_puts(self, moves: list[UnitWish]) -> list[UnitWish]:
        """The moves that can be tried by ``departmentUnit``."""
        lacks = self._server.department_route_lacks()
        remaining = []
        for wish in moves:
            missing = missing_fields(self._workspace.departments[wish.department_id])
            if lacks:
                self._settle(wish, failed(Code.UNIT_NOT_PERMITTED, "; ".join(lacks)))
            elif missing:
                self._settle(wish, failed(Code.REJECTED, f"the stored department lacks {missing}, which a change must carry"))
            else:
                remaining.append(wish)
        while last := _last_of_a_unit(remaining, self._workspace.departments):
            self._settle(last, failed(Code.LAST_DEPARTMENT_IN_UNIT))
            remaining.remove(last)
        return remaining

    def _emptied(self, moves: list[UnitWish]) -> list[str]:
        """A warning for each unit that the plan leaves without departments."""
        after = {department.id: department.parent_id for department in self._workspace.departments.values()}
        before = {unit_id for unit_id in after.values() if unit_id}
        after.update((wish.department_id, wish.unit_id) for wish in moves if wish not in self._settled)
        units = self._workspace.units or {}
        named = {unit_id: f'"{units[unit_id].name}" ({unit_id})' if unit_id in units else f'"{unit_id}"' for unit_id in before}
        return [f"Unit {named[unit_id]} will be left without departments." for unit_id in sorted(before - set(after.values()))]

    # ------------------------------------------------------------------------------------------------------- operations

    def _department_operations(self, puts: list[UnitWish], changes: list[AgentWish], posts: list[UnitPost]) -> list[Operation]:
        units = {wish.department_id: wish for wish in puts}
        agents: dict[str, list[AgentWish]] = defaultdict(list)
        for wish in changes:
            agents[wish.department_id].append(wish)
        waits = concerned(posts, self._workspace.departments)
        for department_id, before in arrivals(puts, self._workspace.departments).items():
            waits[department_id] = (*waits.get(department_id, ()), *before)
        return [
            operation
            for department_id in dict.fromkeys((*units, *agents))
            for operation in self._for_department(
                department_id, units.get(department_id), tuple(agents.get(department_id, ())), waits.get(department_id, ())
            )
        ]

    def _for_department(
        self, department_id: str, unit: UnitWish | None, members: tuple[AgentWish, ...], after: tuple[str, ...]
    ) -> Iterable[Operation]:
        posted = bool(members) and self._posts_agents(self._workspace.departments[department_id], members)
        if unit or not posted:
            put = DepartmentPut(department_id=department_id, unit=unit, agents=() if posted else members, after=after)
            yield put
            after = (put.id,)
        if posted:
            yield AgentsPost(department_id=department_id, wishes=members, after=after)

    def _posts_agents(self, department: Department, wishes: tuple[AgentWish, ...]) -> bool:
        """Whether agents go by a route of their own: a ``PUT`` removes nobody, and needs all five fields and a permission more."""
        removes = any(not wish.present for wish in wishes)
        return removes or bool(missing_fields(department)) or not self._server.may(MANAGE_DEPARTMENTS)


def _refuse_if_nothing_is_permitted(plan: Plan) -> None:
    """A row is done only if all of its wishes are: where each has one that is forbidden, nothing is sent for the others either."""
    forbidden = {wish: outcome for wish, outcome in plan.settled.items() if outcome.code in _FORBIDDEN}
    rows = {row for wish in plan.wishes for row in wish.rows}
    if rows and rows == {row for wish in forbidden for row in wish.rows}:
        reasons = dict.fromkeys(outcome.said or f"the account lacks the permission {ADD_AGENTS}" for outcome in forbidden.values())
        message = f"This account can do none of the sheet's rows: {'; '.join(reasons)}. Nothing was sent."
        raise Stop(Exit.NO_PERMISSION, message)


def missing_fields(department: Department) -> str:
    """Those of the fields that a ``PUT`` must carry that are not stored, as a clause; blank if there are all."""
    return ", ".join(name for name in REQUIRED_FIELDS if name not in department.required)


def _unit_wishes(wanted: Iterable[Wanted]) -> list[UnitWish]:
    rows: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for row in wanted:
        if row.about_unit:
            rows[row.department_id, row.unit_id].append(row.row)
    return [
        UnitWish(department_id=department_id, unit_id=unit_id, rows=tuple(numbers)) for (department_id, unit_id), numbers in rows.items()
    ]


def _agent_wishes(wanted: Iterable[Wanted]) -> list[AgentWish]:
    """One wish per agent and department: rows that agree are one wish, with the count and the order that any of them gives."""
    rows: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    for row in wanted:
        if row.agent_id:
            rows[row.department_id, row.agent_id].append(row)
    return [
        AgentWish(
            department_id=department_id,
            agent_id=agent_id,
            username=group[0].username,
            present=not group[0].removes,
            count=next((row.count for row in group if row.count is not None), None),
            order=next((row.order for row in group if row.order is not None), None),
            rows=tuple(row.row for row in group),
        )
        for (department_id, agent_id), group in rows.items()
    ]


def _mirrored(wanted: Iterable[Wanted], workspace: Workspace) -> list[AgentWish]:
    """The agents who have no row in a department for which some row says who is in it."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row in wanted:
        if row.agent_id and not row.removes:
            rows[row.department_id].append(row.row)
    named = {(row.department_id, row.agent_id) for row in wanted}
    return [
        AgentWish(
            department_id=department_id,
            agent_id=member.agent_id,
            username=member.username,
            present=False,
            count=None,
            order=None,
            rows=tuple(numbers),
        )
        for department_id, numbers in rows.items()
        for member in workspace.members[department_id].values()
        if (department_id, member.agent_id) not in named
    ]


def _last_of_a_unit(moves: list[UnitWish], departments: Mapping[str, Department]) -> UnitWish | None:
    """The last department in the sheet's order of a unit that these moves would leave without any; None if they leave none so."""
    after = {department.id: department.parent_id for department in departments.values()}
    after.update((wish.department_id, wish.unit_id) for wish in moves)
    filled = set(after.values())
    leaving = [wish for wish in moves if (departments[wish.department_id].parent_id or "") not in {"", *filled}]
    return max(leaving, key=lambda wish: wish.rows[0], default=None)
