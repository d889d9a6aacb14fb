"""From rows to changes: rows that ask for the same are one change."""

from collections import defaultdict
from collections.abc import Iterable

from bulkjob.changes import DepartmentAgent, DepartmentUnit
from bulkjob.plan.resolve import Wanted
from bulkjob.records import Workspace


def units_asked(wanted: Iterable[Wanted]) -> list[DepartmentUnit]:
    """One change for each department whose unit rows name, by first row."""
    rows: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for row in wanted:
        if row.about_unit:
            rows[row.department_id, row.unit_id].append(row.row)
    return [
        DepartmentUnit(department_id=department_id, unit_id=unit_id, rows=tuple(numbers))
        for (department_id, unit_id), numbers in rows.items()
    ]


def agents_asked(wanted: Iterable[Wanted]) -> list[DepartmentAgent]:
    """One change for each agent and department, by first row, with the count and the order that any of the rows gives."""
    rows: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    for row in wanted:
        if row.agent_id:
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
        if row.agent_id:
            named[row.department_id].add(row.agent_id)
        if row.agent_id and not row.removes:
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
        for member in workspace.members[department_id].values()
        if member.agent_id not in named[department_id]
    ]
