"""What a workspace holds as the rows of a sheet that `run` accepts and finds unchanged; decided without reading or writing anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bulkjob.export.fields import FieldTexts, Written
from bulkjob.export.names import NameTexts, StandIn, natural
from bulkjob.phrases import quoted
from bulkjob.records import Department, Membership, Naming, Unit, Workspace
from bulkjob.sheet import LARGEST_NUMBER
from bulkjob.vocabulary import NO_UNIT

#: A value that is left blank is quoted, so that people see what is meant, but not to its end.
_LONGEST_VALUE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """One department and one of its agents, or one unit and one of its monitors, in the words of a sheet."""

    department: str = ""
    """Blank in a row about a unit only."""
    unit: str
    """`NO_UNIT` for none; blank only where the unit's id itself cannot be written."""
    agent: str = ""
    """Blank for a department without agents."""
    count: int | None = None
    """None for one that a sheet may not hold."""
    order: int | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    """Of the columns about departments and units themselves: column → text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A workspace's assignments as a sheet; a full one also says what its departments and units are."""

    rows: tuple[ExportRow, ...] = ()
    """By unit (none last), of each unit first those about itself, then by department, order and agent."""
    departments: int = 0
    """How many the rows are about."""
    units: int = 0
    """How many have rows about themselves."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column → everything in the workspace that may be written there, sorted: what a drop-down list offers."""
    stand_ins: tuple[StandIn, ...] = ()
    """Every id that a row or a choice has instead of a name, sorted."""
    left_out: tuple[str, ...] = ()
    """What no text in a sheet would mean, or would leave as it is, as sentences."""


def export_of(workspace: Workspace, *, full: bool = False) -> Export:
    """The sheet of a workspace, in which the agents of each department that is not archived were read.

    ``full``: with what departments and units are; then who holds the role of a monitor was read, too, and the monitors of each unit.
    """
    return _Exporting(workspace, full=full).export()


class _Exporting:
    def __init__(self, workspace: Workspace, *, full: bool) -> None:
        self._workspace = workspace
        self._full = full
        self._names = NameTexts(workspace)
        self._naming = Naming(workspace)
        self._departments = [department for department in workspace.departments.values() if not department.archived]
        self._units = list((workspace.units or {}).values()) if full else []
        self._fields = FieldTexts(self._departments if full else (), self._units)
        self._left_out: dict[str, None] = {}

    def export(self) -> Export:
        placed = [
            *((self._place_of_unit(unit.id), tuple(self._unit_rows(unit))) for unit in self._units),
            *((self._place(department), tuple(self._rows(department))) for department in sorted(self._departments, key=self._place)),
        ]
        rows = [row for _, group in sorted(placed, key=lambda each: each[0]) for row in group]
        if self._full:
            self._name_units_unseen()
        choices = self._names.choices(full=self._full)
        return Export(
            rows=tuple(rows),
            departments=len({row.department for row in rows if row.department}),
            units=len({row.unit for row in rows if not row.department}),
            choices=choices,
            stand_ins=self._names.stand_ins,
            left_out=tuple(self._left_out),
        )

    def _place_of_unit(self, unit_id: str) -> tuple[object, ...]:
        return not unit_id, natural(self._names.unit_names.get(unit_id) or unit_id), unit_id

    def _place(self, department: Department) -> tuple[object, ...]:
        return *self._place_of_unit(department.parent_id or ""), natural(department.name), department.id

    def _leave_out(self, sentence: str) -> None:
        self._left_out[sentence] = None

    # ------------------------------------------------------------------------------------------------------ departments

    def _rows(self, department: Department) -> Iterable[ExportRow]:
        named = f"Department {self._naming.department(department.id)}"
        text = self._names.department(department)
        if text is None:
            self._leave_out(f"{named} is left out: it cannot be written in a sheet unambiguously.")
            return
        unit = NO_UNIT if department.parent_id is None else self._names.unit(department.parent_id)
        if unit is None:
            unit_named = self._naming.unit(department.parent_id or "")
            self._leave_out(f"Unit {unit_named} is left blank: it cannot be written in a sheet unambiguously.")
        more = self._cells(named, self._fields.of_department(department)) if self._full else {}
        rows = [row for member in self._members(department) if (row := self._row(department, text, unit or "", member))]
        rows = rows or [ExportRow(department=text, unit=unit or "")]
        if rows[0].agent or unit or more:
            yield replace(rows[0], more=more)
            yield from rows[1:]
        else:
            self._leave_out(f"{named} is left out: its row would ask for nothing.")

    def _members(self, department: Department) -> list[Membership]:
        members = self._workspace.members.get(department.id, {}).values()
        return sorted(members, key=lambda member: (member.order, natural(self._names.username(member, department.id)), member.agent_id))

    def _row(self, department: Department, text: str, unit: str, member: Membership) -> ExportRow | None:
        agent = self._names.agent(member, department.id)
        if agent is None:
            named = self._naming.agent(member.agent_id, member.username)
            where = self._naming.department(department.id)
            self._leave_out(f"Agent {named} of department {where} is left out: this agent cannot be written in a sheet unambiguously.")
            return None
        return ExportRow(department=text, unit=unit, agent=agent, count=_holdable(member.count), order=_holdable(member.order))

    # ------------------------------------------------------------------------------------------------------------ units

    def _unit_rows(self, unit: Unit) -> Iterable[ExportRow]:
        named = f"Unit {self._naming.unit(unit.id)}"
        text = self._names.unit(unit.id)
        if text is None:
            self._leave_out(f"{named} is left out: it cannot be written in a sheet unambiguously.")
            return
        fields = self._cells(named, self._fields.of_unit(unit))
        monitors = list(self._monitors(unit.id))
        for monitor in monitors:
            yield ExportRow(unit=text, more={"unit monitor": monitor, **fields})
        if fields and not monitors:
            yield ExportRow(unit=text, more=fields)
        elif not monitors:
            self._leave_out(f"{named} is left out: its row would ask for nothing.")

    def _monitors(self, unit_id: str) -> Iterable[str]:
        """The texts for a unit's monitors, sorted; one who lacks the role would make the row invalid."""
        holders = self._workspace.role_holders or {}
        monitors = self._workspace.monitors.get(unit_id, {}).values()
        for monitor in sorted(monitors, key=lambda one: (natural(one.username), one.id)):
            named = f"Monitor {self._naming.agent(monitor.id, monitor.username)} of unit {self._naming.unit(unit_id)} is left out"
            if monitor.id not in holders:
                self._leave_out(f"{named}: this user no longer has the role of a monitor.")
            elif text := self._names.monitor(monitor.id, unit_id):
                yield text
            else:
                self._leave_out(f"{named}: this monitor cannot be written in a sheet unambiguously.")

    def _name_units_unseen(self) -> None:
        """Says which units departments are in that the server does not list to this account."""
        listed, whole = self._workspace.units, self._workspace.all_units
        reason = "the server no longer has it" if whole and listed is not None else "this account cannot see it"
        for department in self._workspace.departments.values():
            if department.parent_id and department.parent_id not in (listed or {}):
                self._leave_out(f"Unit {self._naming.unit(department.parent_id)} is left out: {reason}.")

    def _cells(self, thing: str, written: Written) -> Mapping[str, str]:
        """The cells of a thing's fields; what is left blank is said."""
        for column, value in written.blank:
            self._leave_out(f'{thing}: "{column}" is left blank, because a sheet cannot hold {quoted(value, _LONGEST_VALUE)}.')
        return written.cells


def _holdable(number: int) -> int | None:
    return number if 0 <= number <= LARGEST_NUMBER else None
