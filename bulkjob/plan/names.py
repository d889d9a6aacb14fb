"""Which department, unit, agent or monitor a text means by today's names: ids first, then exact names, then names in another case."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from bulkjob.changes import Attempt, DepartmentAgent, UnitMonitor
from bulkjob.plan.alike import Alike
from bulkjob.records import Department, Membership, Workspace
from bulkjob.sheet import caseless, comparable


class Names:
    """One kind of thing by id and by name: an exact id wins over a name, an exact name over one that differs only in case."""

    def __init__(self, names: Iterable[tuple[str, str]], last: Iterable[tuple[str, str]] = ()) -> None:
        """From (id, name) pairs; those of ``last`` are meant only where nothing else fits."""
        groups = list(names), list(last)
        self._ids = {identifier for group in groups for identifier, _ in group}
        self._tiers = [(_by(group, comparable), _by(group, caseless)) for group in groups]
        self._known = {caseless(name): name for group in groups for _, name in group}
        self._found: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, text: str) -> tuple[str, ...]:
        """The ids that a text means: none if it is unknown, several if it is ambiguous. A sheet asks for the same text in many rows."""
        if text not in self._found:
            self._found[text] = self._find(text)
        return self._found[text]

    def _find(self, text: str) -> tuple[str, ...]:
        return next((found for tier in range(len(self._tiers)) if (found := self.of_tier(text, tier))), ())

    def of_tier(self, text: str, tier: int) -> tuple[str, ...]:
        """The ids that a text means among the things of the first rank (0), or of those that come last (1); an id is of either."""
        if text in self._ids:
            return (text,)
        exact, without_case = self._tiers[tier]
        return exact.get(comparable(text)) or without_case.get(caseless(text), ())

    def has(self, identifier: str) -> bool:
        """Whether there is a thing with this id."""
        return identifier in self._ids

    @property
    def names(self) -> Iterable[str]:
        """The names, one of those that differ only in case."""
        return self._known.values()

    def nearest(self, text: str) -> list[str]:
        """Up to three names that look like a text, the likeliest first."""
        return [self._known[key] for key in self._alike.nearest(caseless(text))]

    @cached_property
    def _alike(self) -> Alike:
        return Alike(self._known)


def _by(group: Iterable[tuple[str, str]], key: Callable[[str], str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for identifier, name in group:
        found[key(name)] = (*found.get(key(name), ()), identifier)
    return found


def spellings(text: str) -> tuple[str, ...]:
    """What a username may be that is written so: as it stands, else without a leading ``@``."""
    return (text, text[1:]) if text.startswith("@") and len(text) > 1 else (text,)


def one_letter_away(one: str, other: str) -> bool:
    """Whether one letter is changed, missing or added, or two neighbours are swapped; case makes no difference."""
    one, other = sorted((caseless(one), caseless(other)), key=len)
    if one == other or len(other) - len(one) > 1:
        return False
    start = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    swapped = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return swapped or one[start + 1 :] == other[start + 1 :]


class Directory:
    """The names of a workspace."""

    def __init__(self, workspace: Workspace, attempts: Iterable[Attempt] = ()) -> None:
        """``attempts``: of earlier attempts of the same run, whose agents are known even if no list has them any more."""
        self.workspace = workspace
        self._journalled: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for attempt in attempts:
            match attempt.change:
                case DepartmentAgent(department_id=department, agent_id=agent, username=username):
                    self._journalled["department", department][agent] = username
                case UnitMonitor(unit_id=unit, monitor_id=monitor, username=username):
                    self._journalled["unit", unit][monitor] = username
                case _:
                    pass
        present = [department for department in workspace.departments.values() if not department.archived]
        archived = [department for department in workspace.departments.values() if department.archived]
        self.departments = Names(_pairs(present), _pairs(archived))
        self.units = Names((unit.id, unit.name) for unit in (workspace.units or {}).values())
        # The unit that a department is in exists, whether or not this account can list it.
        self.unit_ids = {department.parent_id for department in present + archived if department.parent_id}
        self.agents = Names((agent.id, agent.username) for agent in workspace.agents.values())
        self.role_holders = Names((monitor.id, monitor.username) for monitor in (workspace.role_holders or {}).values())
        self._members: dict[str, Names] = {}
        self._monitors: dict[str, Names] = {}

    def find_unit(self, text: str) -> tuple[str, ...]:
        """The ids that a text in the unit column means."""
        return (text,) if text in self.unit_ids else self.units.find(text)

    def find_agent(self, text: str, department_id: str, *, leaves: bool = False) -> tuple[str, ...]:
        """Live-chat agents first, then whoever else is in the department's list, then whom an earlier attempt found there.

        Each is looked for as the text stands, then without a leading ``@``: federated names begin with one. ``leaves``: of somebody who is
        to leave and is not in the department, an entry of it that still bears the name as an old one is meant, too.
        """
        listed, journalled = self.members(department_id), Names(self._journalled["department", department_id].items())
        return _found(text, (self.agents, listed, journalled), listed, leaves=leaves)

    def find_monitor(self, text: str, unit_id: str, *, leaves: bool = False) -> tuple[str, ...]:
        """Those who hold the role of a monitor; to ``leaves`` the unit whoever is one of its monitors, too, as in `find_agent`."""
        listed, journalled = self.monitors(unit_id), Names(self._journalled["unit", unit_id].items())
        return _found(text, (self.role_holders, listed, journalled) if leaves else (self.role_holders,), listed, leaves=leaves)

    def mistyped(self, text: str, listed: Names) -> list[str]:
        """The usernames of a list that are one letter away from a text."""
        return [name for name in listed.names if any(one_letter_away(name, spelling) for spelling in spellings(text))]

    def members(self, department_id: str) -> Names:
        """Who is in a department's own list, as far as it was read."""
        if department_id not in self._members:
            members: Mapping[str, Membership] = self.workspace.members.get(department_id, {})
            self._members[department_id] = Names((member.agent_id, member.username) for member in members.values())
        return self._members[department_id]

    def monitors(self, unit_id: str) -> Names:
        """Who monitors a unit, as far as that was read."""
        if unit_id not in self._monitors:
            monitors = self.workspace.monitors.get(unit_id, {})
            self._monitors[unit_id] = Names((monitor.id, monitor.username) for monitor in monitors.values())
        return self._monitors[unit_id]

    def monitor_name(self, monitor_id: str, unit_id: str) -> str:
        """Of somebody whom `find_monitor` has found there."""
        for monitors in (self.workspace.role_holders or {}, self.workspace.monitors.get(unit_id, {})):
            if monitor_id in monitors:
                return monitors[monitor_id].username
        return self._journalled["unit", unit_id].get(monitor_id, "")

    def username(self, agent_id: str, department_id: str) -> str:
        """Of somebody whom `find_agent` has found there."""
        if agent_id in self.workspace.agents:
            return self.workspace.agents[agent_id].username
        member = self.workspace.members.get(department_id, {}).get(agent_id)
        return member.username if member else self._journalled["department", department_id].get(agent_id, "")


def _found(text: str, known: Iterable[Names], listed: Names, *, leaves: bool) -> tuple[str, ...]:
    """Whom a text means by the first of some lists that has the name; of somebody who leaves, an old name in ``listed`` counts, too."""
    for names in known:
        for spelling in spellings(text):
            if found := names.find(spelling):
                old = listed.find(spelling) if leaves and not any(map(listed.has, found)) else ()
                return tuple(dict.fromkeys((*found, *old)))
    return ()


def _pairs(departments: Iterable[Department]) -> list[tuple[str, str]]:
    return [(department.id, department.name) for department in departments]
