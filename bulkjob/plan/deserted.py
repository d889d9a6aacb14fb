"""The departments that a plan would leave without any agent: whoever writes to them would wait in vain."""

from collections import defaultdict
from collections.abc import Iterable

from bulkjob.changes import Change, DepartmentAgent
from bulkjob.records import Naming, Workspace


def deserted_departments(changes: Iterable[Change], workspace: Workspace) -> list[str]:
    """A warning for each department that ``changes`` leave without agents, as far as it is known who is in it.

    Who is in a department is in its own list, where that was read, else in what the list of agents says of each of them.
    """
    by_department: dict[str, list[DepartmentAgent]] = defaultdict(list)
    for change in changes:
        if isinstance(change, DepartmentAgent):
            by_department[change.department_id].append(change)
    losing = {identifier for identifier, own in by_department.items() if not any(change.present for change in own)}
    present = _present(losing, workspace)
    naming = Naming(workspace)
    return [
        f"Department {naming.department(identifier)} will be left without any agent."
        for identifier in sorted(losing)
        if present[identifier] and present[identifier] <= {change.agent_id for change in by_department[identifier]}
    ]


def _present(departments: set[str], workspace: Workspace) -> dict[str, set[str]]:
    """Department → the ids of its agents."""
    found = {identifier: set(workspace.members.get(identifier, ())) for identifier in departments}
    for agent in workspace.agents.values():
        for identifier in (agent.department_ids or frozenset()) & (departments - workspace.members.keys()):
            found[identifier].add(agent.id)
    return found
