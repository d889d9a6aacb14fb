"""From the sheet's names to the server's ids, and the problems that only ids can show."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from bulkjob.records import Assignment, CheckedSheet, Department, Membership, Problem, Sheet, Workspace
from bulkjob.sheet import comparable
from bulkjob.sheet.messages import rows_listed
from bulkjob.vocabulary import NO_UNIT, Code

K = TypeVar("K", bound=Hashable)

#: Suggestions for names that are not there end after so many comparisons with names that are: some seconds, and nobody reads more.
_COMPARED_AT_MOST = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one valid row asks for, by ids."""

    row: int
    department_id: str
    about_unit: bool
    """Whether the row says anything about the department's unit."""
    unit_id: str | None = None
    """With `about_unit`: the unit it shall belong to, None for none."""
    agent_id: str | None = None
    username: str = ""
    count: int | None = None
    order: int | None = None
    removes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A sheet in the server's terms."""

    wanted: tuple[Wanted, ...]
    """One per row that has no problem, in the sheet's order."""
    problems: tuple[Problem, ...]
    """What the server's lists showed, by row."""
    about: frozenset[str]
    """The departments that a row with a problem is about, be it of the sheet or of the server's lists."""
    unlisted_units: tuple[str, ...]
    """Units that the sheet names and that could not be looked up, because this account cannot list units."""


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


def departments_to_read(assignments: Iterable[Assignment], workspace: Workspace, *, mirror: bool) -> frozenset[str]:
    """The departments whose own lists of agents decide something: what counts and orders are, whom `mirror` removes, who else is there."""
    directory = Directory(workspace)
    found: set[str] = set()
    for assignment in assignments:
        departments = directory.departments.find(assignment.department)
        if not assignment.agent or len(departments) != 1:
            continue
        agents = directory.agents.find(assignment.agent)
        compares = assignment.count is not None or assignment.order is not None or mirror
        silent = any(workspace.agents[agent].department_ids is None for agent in agents)
        if not agents or silent or (compares and not assignment.removes):
            found.update(departments)
    return frozenset(found)


def resolve(checked: CheckedSheet, workspace: Workspace) -> Resolution:
    """What the sheet's rows mean on this server."""
    return _Resolving(checked, workspace).resolution()


class _Resolving:
    def __init__(self, checked: CheckedSheet, workspace: Workspace) -> None:
        self._checked = checked
        self._directory = Directory(workspace)
        self._problems: list[Problem] = []
        self._unlisted: dict[str, None] = {}
        self._about: set[str] = set()
        self._suggestions: dict[tuple[int, str], list[str]] = {}
        self._compared = 0

    def resolution(self) -> Resolution:
        wanted = [found for assignment in self._checked.assignments if (found := self._wanted(assignment))]
        bad = self._contradictions(wanted)
        self._about.update(row.department_id for row in wanted if row.row in bad)
        for _, department in self._checked.suspects:
            self._about.update(self._directory.departments.find(department))
        return Resolution(
            wanted=tuple(row for row in wanted if row.row not in bad),
            problems=tuple(sorted(self._problems, key=lambda problem: problem.row)),
            about=frozenset(self._about),
            unlisted_units=tuple(self._unlisted),
        )

    def _wanted(self, assignment: Assignment) -> Wanted | None:
        department = self._one(
            assignment, "department", self._directory.departments.find(assignment.department), self._directory.departments
        )
        unit = self._unit(assignment)
        agent: str | None = ""
        if assignment.agent and department:
            candidates = self._directory.find_agent(assignment.agent, department)
            agent = self._one(assignment, "agent", candidates, self._directory.agents)
        if department is None or unit is None or agent is None:
            return None
        return Wanted(
            row=assignment.row,
            department_id=department,
            about_unit=bool(assignment.unit),
            unit_id=unit or None,
            agent_id=agent or None,
            username=self._directory.username(agent, department) if agent else "",
            count=assignment.count,
            order=assignment.order,
            removes=assignment.removes,
        )

    def _unit(self, assignment: Assignment) -> str | None:
        """The unit's id, blank where none is named; None for a problem."""
        if assignment.unit in ("", NO_UNIT):
            return ""
        candidates = self._directory.find_unit(assignment.unit)
        if not candidates and (self._directory.workspace.units is None or not self._directory.workspace.all_units):
            self._unlisted[assignment.unit] = None
            return None
        return self._one(assignment, "unit", candidates, self._directory.units)

    def _one(self, assignment: Assignment, column: str, candidates: tuple[str, ...], names: Names) -> str | None:
        if len(candidates) == 1:
            return candidates[0]
        text = str(getattr(assignment, column))
        if candidates:
            code = Code(f"ambiguous-{column}")
            message = f'"{text}" fits {len(candidates)} {column}s. Write the id of the one you mean: {", ".join(sorted(candidates))}.'
        else:
            code = Code(f"unknown-{column}")
            message = self._unknown(text, column, names)
        self._add_problem(assignment.row, column, text, code, message)
        self._about.update(self._directory.departments.find(assignment.department))
        return None

    def _unknown(self, text: str, column: str, names: Names) -> str:
        if column == "department" and self._directory.find_unit(text):
            return f'"{text}" is a unit, not a department. Write the department\'s name here; units belong in the column "unit".'
        if column == "unit" and self._directory.departments.find(text):
            return f'"{text}" is a department, not a unit. Write the name of a unit here.'
        if column == "unit" and text in ("–", "—", "−", "‐", "‑"):
            return f'"{text}" is not a plain minus sign. To take the department out of its unit, write a plain -.'
        if column == "agent":
            reason = f'There is no live-chat agent "{text}", and nobody of that name is in the department. '
            remedy = "Check the spelling of the username, or make this user an agent first (Omnichannel → Agents)."
        else:
            reason, remedy = f'There is no {column} "{text}" on the server. ', "Check the spelling, or create it first."
        nearest = self._nearest(names, text)
        meant = f"Did you mean {' or '.join(nearest)}? " if nearest else ""
        return reason + meant + remedy

    def _nearest(self, names: Names, text: str) -> list[str]:
        key = id(names), text
        if key not in self._suggestions:
            self._compared += len(names)
            if self._compared > _COMPARED_AT_MOST:
                return []
            self._suggestions[key] = names.nearest(text)
        return self._suggestions[key]

    def _contradictions(self, wanted: list[Wanted]) -> set[int]:
        """The rows that contradict each other once names are ids."""
        bad: set[int] = set()
        for rows in _repeated(wanted, lambda row: row.department_id if row.about_unit else None):
            units = dict.fromkeys(row.unit_id for row in rows)
            if len(units) > 1:
                said = f"Department {self._department(rows[0])} is given different units, {_listed(map(self._unit_named, units))},"
                bad |= self._contradict(rows, Code.CONFLICTING_UNIT, "unit", said)
        for rows in _repeated(wanted, lambda row: (row.department_id, row.agent_id) if row.agent_id else None):
            agent = f"Agent @{rows[0].username} ({rows[0].agent_id}) in department {self._department(rows[0])}"
            if len({row.removes for row in rows}) > 1:
                bad |= self._contradict(rows, Code.CONFLICTING_AGENT, "action", f"{agent} is both added and removed,")
            for column in ("count", "order"):
                given = [row for row in rows if getattr(row, column) is not None]
                values = dict.fromkeys(str(getattr(row, column)) for row in given)
                if len(values) > 1:
                    said = f"{agent} is given different {column}s, {_listed(values)},"
                    bad |= self._contradict(given, Code.CONFLICTING_AGENT, column, said)
        return bad

    def _contradict(self, rows: list[Wanted], code: Code, column: str, said: str) -> set[int]:
        numbers = [row.row for row in rows]
        message = f"{said} in {rows_listed(numbers)}. Keep one of them and correct or delete the other rows."
        for number in numbers:
            self._add_problem(number, column, _cell(self._checked.sheet, number, column), code, message)
        return set(numbers)

    def _add_problem(self, row: int, column: str, value: str, code: Code, message: str) -> None:
        sheet = self._checked.sheet
        position = sheet.positions.get(column)
        cell = "" if position is None else f"{sheet.letters[position]}{row}"
        self._problems.append(Problem(row=row, column=column, cell=cell, value=value, code=code, message=message))

    def _department(self, row: Wanted) -> str:
        return f'"{self._directory.workspace.departments[row.department_id].name}" ({row.department_id})'

    def _unit_named(self, unit_id: str | None) -> str:
        unit = (self._directory.workspace.units or {}).get(unit_id or "")
        return f'"{unit.name}" ({unit_id})' if unit else f'"{unit_id}"' if unit_id else "none"


def _listed(texts: Iterable[str]) -> str:
    """``a and b``; ``a, b and 3 more``."""
    found = list(texts)
    shown, more = found[:5], len(found) - 5
    return ", ".join(shown) + f" and {more} more" if more > 0 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _repeated(wanted: Iterable[Wanted], key: Callable[[Wanted], K | None]) -> list[list[Wanted]]:
    """The rows that have a key in common, where there are at least two."""
    groups: dict[K, list[Wanted]] = defaultdict(list)
    for row in wanted:
        if (found := key(row)) is not None:
            groups[found].append(row)
    return [rows for rows in groups.values() if len(rows) > 1]


def _cell(sheet: Sheet, row: int, column: str) -> str:
    position = sheet.positions.get(column)
    return "" if position is None else str(sheet.cells.at[row, position])
