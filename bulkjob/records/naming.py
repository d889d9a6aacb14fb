"""The workspace's things as messages name them: by name and id."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bulkjob.phrases import named, named_agent, printable
from bulkjob.records.workspace import Department, Unit, Workspace

#: What a unit that is still to be made is known by begins so; no id of Rocket.Chat's does. Its name follows.
_NEW: Final = "new: "


def new_unit(name: str) -> str:
    """What stands for the id of a unit that is still to be made."""
    return f"{_NEW}{name}"


def is_new_unit(unit_id: str | None) -> bool:
    """Whether this stands for a unit that is still to be made."""
    return unit_id is not None and unit_id.startswith(_NEW)


def name_of_new(unit_id: str) -> str:
    """The name of a unit that is still to be made."""
    return unit_id.removeprefix(_NEW)


@dataclass(frozen=True, slots=True)
class Naming:
    """Names by id; an id that is not known stands for itself."""

    workspace: Workspace
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Department or unit id → the name that the job gives it: such a thing is called by both names."""
    former: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Id → the name that it had before the job, of those that bear another one by now."""
    remembered: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Id → a name that is known of it, for what is not in the workspace (any more)."""

    def department(self, department_id: str) -> str:
        """A department by name and id."""
        return self._named(self.department_name(department_id), department_id)

    def department_name(self, department_id: str) -> str:
        """Its name alone; blank where it is not known."""
        return self._name(department_id, self.workspace.departments.get(department_id))

    def unit(self, unit_id: str) -> str:
        """A unit by name and id; of one that is still to be made by its name."""
        return named(name_of_new(unit_id), "new") if is_new_unit(unit_id) else self._named(self.unit_name(unit_id), unit_id)

    def unit_name(self, unit_id: str) -> str:
        """Its name alone; blank where it is not known."""
        if is_new_unit(unit_id):
            return name_of_new(unit_id)
        return self._name(unit_id, (self.workspace.units or {}).get(unit_id))

    def agent(self, agent_id: str, username: str) -> str:
        """An agent, or a monitor."""
        return named_agent(username, agent_id)

    def _name(self, identifier: str, thing: Department | Unit | None) -> str:
        return self.former.get(identifier) or (thing.name if thing else self.remembered.get(identifier, ""))

    def _named(self, name: str, identifier: str) -> str:
        other = self.renamed.get(identifier, name)
        if not name or other == name:
            return named(name, identifier)
        return f'"{printable(name)}" → "{printable(other)}" ({printable(identifier)})'
