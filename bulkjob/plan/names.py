"""Which department, unit or agent a text of the sheet means: ids first, then exact names, then names in another case."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches

from bulkjob.records import Department, Membership, Workspace
from bulkjob.sheet import comparable


class Names:
    """One kind of thing by id and by name: an exact id wins over a name, an exact name over one that differs only in case."""

    def __init__(self, names: Iterable[tuple[str, str]], last: Iterable[tuple[str, str]] = ()) -> None:
        """From (id, name) pairs; those of ``last`` are meant only where nothing else fits."""
        groups = list(names), list(last)
        self._ids = {identifier for group in groups for identifier, _ in group}
        self._tiers = [tier for group in groups for tier in (_by(group, comparable), _by(group, _caseless))]
        self._known = {_caseless(name): name for group in groups for _, name in group}
        self._found: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, text: str) -> tuple[str, ...]:
        """The ids that a text means: none if it is unknown, several if it is ambiguous. A sheet asks for the same text in many rows."""
        if text not in self._found:
            self._found[text] = self._find(text)
        return self._found[text]

    def _find(self, text: str) -> tuple[str, ...]:
        if text in self._ids:
            return (text,)
        keys = comparable(text), _caseless(text)
        return next((found for tier, key in zip(self._tiers, keys * 2, strict=True) if (found := tier.get(key))), ())

    def nearest(self, text: str) -> list[str]:
        """Up to three names that look like a text, the likeliest first."""
        return [self._known[key] for key in get_close_matches(_caseless(text), self._known, n=3, cutoff=0.6)]


def _by(group: Iterable[tuple[str, str]], key: Callable[[str], str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for identifier, name in group:
        found[key(name)] = (*found.get(key(name), ()), identifier)
    return found


def _caseless(text: str) -> str:
    return comparable(comparable(text).casefold())


class Directory:
    """The names of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        present = [department for department in workspace.departments.values() if not department.archived]
        archived = [department for department in workspace.departments.values() if department.archived]
        self.departments = Names(_pairs(present), _pairs(archived))
        self.units = Names((unit.id, unit.name) for unit in (workspace.units or {}).values())
        # The unit that a department is in exists, whether or not this account can list it.
        self.unit_ids = {department.parent_id for department in present + archived if department.parent_id}
        self.agents = Names((agent.id, agent.username) for agent in workspace.agents.values())
        self._members: dict[str, Names] = {}

    def find_unit(self, text: str) -> tuple[str, ...]:
        """The ids that a text in the unit column means."""
        return (text,) if text in self.unit_ids else self.units.find(text)

    def find_agent(self, text: str, department_id: str) -> tuple[str, ...]:
        """Live-chat agents first, then whoever else is in the department's list."""
        return self.agents.find(text) or self.members(department_id).find(text)

    def members(self, department_id: str) -> Names:
        """Who is in a department's own list, as far as it was read."""
        if department_id not in self._members:
            members: Mapping[str, Membership] = self.workspace.members.get(department_id, {})
            self._members[department_id] = Names((member.agent_id, member.username) for member in members.values())
        return self._members[department_id]

    def username(self, agent_id: str, department_id: str) -> str:
        """Of somebody whom `find_agent` has found there."""
        if agent_id in self.workspace.agents:
            return self.workspace.agents[agent_id].username
        return self.workspace.members[department_id][agent_id].username


def _pairs(departments: Iterable[Department]) -> list[tuple[str, str]]:
    return [(department.id, department.name) for department in departments]
