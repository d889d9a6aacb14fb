"""The workspace's things as messages name them: by name and id."""

from dataclasses import dataclass

from bulkjob.phrases import named, named_agent
from bulkjob.records.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Naming:
    """Names by id; an id that is not known stands for itself."""

    workspace: Workspace

    def department(self, department_id: str) -> str:
        """A department."""
        department = self.workspace.departments.get(department_id)
        return named(department.name if department else "", department_id)

    def unit(self, unit_id: str) -> str:
        """A unit."""
        unit = (self.workspace.units or {}).get(unit_id)
        return named(unit.name if unit else "", unit_id)

    def agent(self, agent_id: str, username: str) -> str:
        """An agent."""
        return named_agent(username, agent_id)
