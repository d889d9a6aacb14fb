"""The workspace's things as messages name them: by name and id."""

from dataclasses import dataclass

from bulkjob.phrases import named, named_agent
from bulkjob.records.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Naming:
    """Names by id; an id that is not known stands for itself."""

    workspace: Workspace

    def department(self, department_id: str) -> str:
        """A department by name and id."""
        return named(self.department_name(department_id), department_id)

    def department_name(self, department_id: str) -> str:
        """Its name alone; blank where it is not known."""
        department = self.workspace.departments.get(department_id)
        return department.name if department else ""

    def unit(self, unit_id: str) -> str:
        """A unit by name and id."""
        return named(self.unit_name(unit_id), unit_id)

    def unit_name(self, unit_id: str) -> str:
        """Its name alone; blank where it is not known."""
        unit = (self.workspace.units or {}).get(unit_id)
        return unit.name if unit else ""

    def agent(self, agent_id: str, username: str) -> str:
        """An agent."""
        return named_agent(username, agent_id)
