"""What a sheet asks of this server and this account, as far as it can be told without reading every department's own list of agents."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bulkjob.changes import (
    ALREADY_SO,
    Change,
    DepartmentAgent,
    DepartmentField,
    DepartmentUnit,
    NewUnit,
    Plan,
    UnitField,
    UnitMonitor,
)
from bulkjob.plan import make_plan, refuse_many_removals, resolve_names
from bulkjob.records import MANAGE_UNITS, UNIT_ROLES, CheckedSheet, Problem, Server, Workspace, is_new_unit
from bulkjob.settings import Choices, MaxRemovals
from bulkjob.vocabulary import Code, Status, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would come of the sheet tonight."""

    problems: tuple[Problem, ...] = ()
    unlisted_units: tuple[str, ...] = ()
    """Units that the sheet names and that this account cannot look up."""
    undecided: int = 0
    """Rows whose agent is no live-chat agent, where it was not read whether the department has that user in its list."""
    moves: int = 0
    """Departments whose unit changes."""
    into_new: int = 0
    """How many of them go to a unit that is created: its creation carries them."""
    changes: int = 0
    """Places of agents that change, or may: a row that gives a number is not compared with the number that is stored."""
    monitors: int = 0
    """Monitors of units who come or go, or may: where a unit's monitors were not read, nobody can tell."""
    department_fields: int = 0
    """Fields of departments that change: names, addresses …"""
    unit_fields: int = 0
    """The same of units; those that are created have theirs from the beginning."""
    new_units: int = 0
    outside: int = 0
    """Departments that would leave or enter a unit which this account, a monitor, does not supervise."""
    failing: Mapping[Code, int] = field(default_factory=dict)
    """Rows that will fail whatever happens, by code."""
    refusals: tuple[Stop, ...] = ()
    """What would end the run before its first write."""

    @property
    def is_whole(self) -> bool:
        """Whether every row of the sheet could be understood."""
        return not (self.problems or self.unlisted_units or self.undecided)


def outlook_of(
    checked: CheckedSheet,
    workspace: Workspace,
    server: Server,
    *,
    choices: Choices,
    max_removals: MaxRemovals | None,
    members_known: bool,
) -> Outlook:
    """What would come of the sheet; ``members_known``: departments' own lists were read where they decide who is meant.

    What ``mirror`` removes is left out: that needs every department's list.
    """
    resolution = resolve_names(checked, workspace, creates_units=choices.create_units)
    undecided = {problem.row for problem in resolution.problems if problem.code is Code.UNKNOWN_AGENT and not members_known}
    wanted = [row for row in resolution.wanted if not (choices.skip_invalid and resolution.holds_back(row))]
    # The plan of an account that may do everything, on a server that can, tells what the sheet needs.
    boundless = replace(server, version=None, permissions=None, modules=None, account=replace(server.account, roles=UNIT_ROLES))
    # Where a unit's monitors were not read, nobody is known to be among them.
    workspace = replace(workspace, monitors={**{row.unit_id: {} for row in wanted if row.unit_id}, **workspace.monitors})
    plan = make_plan(wanted, replace(workspace, role_holders=workspace.role_holders or {}), boundless, Choices())
    pending = [change for change in plan.changes if _may_be_left(change, plan)]
    kinds = Counter(map(type, pending))
    moves = [change for change in pending if isinstance(change, DepartmentUnit)]
    failing: Mapping[Code, int] = {}
    refusals: tuple[Stop, ...] = ()
    try:
        plan = make_plan(wanted, workspace, server, replace(choices, agents="add"))
        codes = [(change, outcome.code) for change, outcome in plan.settled.items() if outcome.status is Status.FAILED]
        failing = Counter(code for change, code in codes if code for _ in change.rows)
        refuse_many_removals(plan, workspace, max_removals)
    except Stop as stop:
        refusals = (stop,)
    return Outlook(
        problems=tuple(problem for problem in resolution.problems if problem.row not in undecided),
        unlisted_units=resolution.unlisted_units,
        undecided=len(undecided),
        moves=len(moves),
        into_new=sum(is_new_unit(move.unit_id) for move in moves),
        changes=kinds[DepartmentAgent],
        monitors=kinds[UnitMonitor],
        department_fields=kinds[DepartmentField],
        unit_fields=sum(isinstance(change, UnitField) and not is_new_unit(change.unit_id) for change in pending),
        new_units=kinds[NewUnit],
        outside=sum(_is_outside(move, workspace) for move in moves) if _knows_own_units(server, workspace) else 0,
        failing=failing,
        refusals=refusals,
    )


def _may_be_left(change: Change, plan: Plan) -> bool:
    """Whether something may have to be done for it."""
    outcome = plan.settled.get(change)
    return outcome is None or (outcome == ALREADY_SO and _has_number(change))


def _has_number(change: Change) -> bool:
    return isinstance(change, DepartmentAgent) and change.present and change.has_numbers


def _knows_own_units(server: Server, workspace: Workspace) -> bool:
    """Whether the list of units is that of the units which this account monitors: all that the server lets it change (since 7.5)."""
    return server.restricted_to_own_units and not server.may(MANAGE_UNITS) and workspace.units is not None


def _is_outside(move: DepartmentUnit, workspace: Workspace) -> bool:
    units = workspace.units or {}
    return any(unit_id and unit_id not in units for unit_id in (workspace.departments[move.department_id].parent_id, move.unit_id))
