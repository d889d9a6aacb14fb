"""From rows to changes: rows that ask for the same are one change."""

from collections import defaultdict
from collections.abc import Iterable

from bulkjob.changes import Change, DepartmentAgent, DepartmentField, DepartmentUnit, NewUnit, UnitField, UnitMonitor
from bulkjob.plan.wanted import Wanted
from bulkjob.records import Workspace, is_new_unit, name_of_new


def changes_asked(wanted: Iterable[Wanted], workspace: Workspace, *, mirror: bool) -> list[Change]:
    """Everything that rows ask for, kind by kind, each by first row. ``mirror``: also the removals that follow from it."""
    rows = tuple(wanted)
    return [
        *new_units_asked(rows),
        *units_asked(rows),
        *agents_asked(rows),
        *(mirrored(rows, workspace) if mirror else []),
        *monitors_asked(rows),
        *department_fields_asked(rows),
        *unit_fields_asked(rows),
    ]


def new_units_asked(wanted: Iterable[Wanted]) -> list[NewUnit]:
    """One change for each unit that is to be made: all rows that name it ask for it."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row in wanted:
        if row.unit_id is not None and is_new_unit(row.unit_id):
            rows[row.unit_id].append(row.row)
    return [NewUnit(unit_id=unit_id, name=name_of_new(unit_id), rows=tuple(numbers)) for unit_id, numbers in rows.items()]


def units_asked(wanted: Iterable[Wanted]) -> list[DepartmentUnit]:
    """One change for each department whose unit rows name, by first row."""
    rows: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for row in wanted:
        if row.department_id is not None and row.about_unit:
            rows[row.department_id, row.unit_id].append(row.row)
    return [
        DepartmentUnit(department_id=department_id, unit_id=unit_id, rows=tuple(numbers))
        for (department_id, unit_id), numbers in rows.items()
    ]


def agents_asked(wanted: Iterable[Wanted]) -> list[DepartmentAgent]:
    """One change for each agent and department, by first row, with the count and the order that any of the rows gives."""
    rows: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    for row in wanted:
        if row.agent_id and row.department_id is not None:
            rows[row.department_id, row.agent_id].append(row)
    return [
        DepartmentAgent(
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


def mirrored(wanted: Iterable[Wanted], workspace: Workspace) -> list[DepartmentAgent]:
    """The removal of the agents who have no row in a department to which some row adds one."""
    rows: dict[str, list[int]] = defaultdict(list)
    named: dict[str, set[str]] = defaultdict(set)
    for row in wanted:
        if row.agent_id and row.department_id is not None:
            named[row.department_id].add(row.agent_id)
            if not row.removes:
                rows[row.department_id].append(row.row)
    return [
        DepartmentAgent(
            department_id=department_id,
            agent_id=member.agent_id,
            username=member.username,
            present=False,
            mirrored=True,
            rows=numbers,
        )
        for department_id, numbers in ((identifier, tuple(numbers)) for identifier, numbers in rows.items())
        for member in workspace.members.get(department_id, {}).values()
        if member.agent_id not in named[department_id]
    ]


def monitors_asked(wanted: Iterable[Wanted]) -> list[UnitMonitor]:
    """One change for each monitor and unit, by first row."""
    rows: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    for row in wanted:
        if row.monitor_id and row.unit_id is not None:
            rows[row.unit_id, row.monitor_id].append(row)
    return [
        UnitMonitor(
            unit_id=unit_id,
            monitor_id=monitor_id,
            username=group[0].monitor_name,
            present=not group[0].monitor_leaves,
            rows=tuple(row.row for row in group),
        )
        for (unit_id, monitor_id), group in rows.items()
    ]


def department_fields_asked(wanted: Iterable[Wanted]) -> list[DepartmentField]:
    """One change for each field of a department, by first row."""
    rows: dict[tuple[str, str], tuple[str | bool, list[int]]] = {}
    for row in wanted:
        for name, value in row.department_fields:
            if row.department_id is not None:
                rows.setdefault((row.department_id, name), (value, []))[1].append(row.row)
    return [
        DepartmentField(department_id=department_id, field=name, value=value, rows=tuple(numbers))
        for (department_id, name), (value, numbers) in rows.items()
    ]


def unit_fields_asked(wanted: Iterable[Wanted]) -> list[UnitField]:
    """One change for each field of a unit, by first row."""
    rows: dict[tuple[str, str], tuple[str, list[int]]] = {}
    for row in wanted:
        for name, value in row.unit_fields:
            if row.unit_id is not None:
                rows.setdefault((row.unit_id, name), (value, []))[1].append(row.row)
    return [UnitField(unit_id=unit_id, field=name, value=value, rows=tuple(numbers)) for (unit_id, name), (value, numbers) in rows.items()]
