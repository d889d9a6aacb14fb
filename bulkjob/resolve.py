"""From the sheet's names to the server's ids, and the problems that only ids can show."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from bulkjob.records import Assignment, CheckedSheet, Department, Membership, Problem, Sheet, Workspace
from bulkjob.sheet import comparable
from bulkjob.vocabulary import NO_UNIT, Code

K = TypeVar("K", bound=Hashable)

#: Names that are not there get suggestions up to this many different ones: comparing is slow, and nobody reads more.
_SUGGESTED_AT_MOST = 100


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

    def find(self, text: str) -> tuple[str, ...]:
        """The ids that a text means: none if it is unknown, several if it is ambiguous."""
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

    def find_unit(self, text: str) -> tuple[str, ...]:
        return self.units.find(text) or ((text,) if text in self.unit_ids else ())

    def find_agent(self, text: str, department_id: str) -> tuple[str, ...]:
        """Live-chat agents first, then whoever else is in the department's list."""
        return self.agents.find(text) or self.members(department_id).find(text)

    def members(self, department_id: str) -> Names:
        members: Mapping[str, Membership] = self.workspace.members.get(department_id, {})
        return Names((member.agent_id, member.username) for member in members.values())

    def username(self, agent_id: str, department_id: str) -> str:
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
            self._about.update(self._directory.departments.find(assignment.department))
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
        if not candidates and self._directory.workspace.units is None:
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
        self._problems.append(_problem(self._checked.sheet, assignment.row, column, text, code, message))
        return None

    def _unknown(self, text: str, column: str, names: Names) -> str:
        if column == "department" and self._directory.find_unit(text):
            return f'"{text}" is a unit, not a department. Write the department\'s name here; units belong in the column "unit".'
        if column == "unit" and self._directory.departments.find(text):
            return f'"{text}" is a department, not a unit. Write the name of a unit here.'
        if column == "unit" and text in ("–", "—", "−", "‐", "‑"):
            return f'"{text}" is not a plain minus sign. To take the department out of its unit, write - (the key beside the zero).'
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
            if len(self._suggestions) >= _SUGGESTED_AT_MOST:
                return []
            self._suggestions[key] = names.nearest(text)
        return self._suggestions[key]

    def _contradictions(self, wanted: list[Wanted]) -> set[int]:
        """The rows that contradict each other once names are ids."""
        bad: set[int] = set()
        for rows in _grouped(wanted, lambda row: row.department_id if row.about_unit else None).values():
            if len({row.unit_id for row in rows}) > 1:
                bad |= self._contradict(rows, Code.CONFLICTING_UNIT, "unit", "This department is given different units", "unit")
        for rows in _grouped(wanted, lambda row: (row.department_id, row.agent_id) if row.agent_id else None).values():
            if len({row.removes for row in rows}) > 1:
                bad |= self._contradict(
                    rows, Code.CONFLICTING_AGENT, "action", "This agent is both added and removed in this department", "row"
                )
            for column in ("count", "order"):
                given = [row for row in rows if getattr(row, column) is not None]
                if len({getattr(row, column) for row in given}) > 1:
                    reason = f"This agent is given different values of {column} in this department"
                    bad |= self._contradict(given, Code.CONFLICTING_AGENT, column, reason, column)
        return bad

    def _contradict(self, rows: list[Wanted], code: Code, column: str, reason: str, what: str) -> set[int]:
        numbers = [row.row for row in rows]
        shown = ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")
        message = f"{reason} (rows {shown}; some of them by name, some by id). Keep one {what} and delete the others."
        sheet = self._checked.sheet
        self._problems.extend(_problem(sheet, number, column, _cell(sheet, number, column), code, message) for number in numbers)
        return set(numbers)


def _grouped(wanted: Iterable[Wanted], key: Callable[[Wanted], K | None]) -> Mapping[K, list[Wanted]]:
    groups: dict[K, list[Wanted]] = defaultdict(list)
    for row in wanted:
        if (found := key(row)) is not None:
            groups[found].append(row)
    return groups


def _cell(sheet: Sheet, row: int, column: str) -> str:
    position = sheet.positions.get(column)
    return "" if position is None else str(sheet.cells.at[row, position])


def _problem(sheet: Sheet, row: int, column: str, value: str, code: Code, message: str) -> Problem:
    position = sheet.positions.get(column)
    cell = "" if position is None else f"{sheet.letters[position]}{row}"
    return Problem(row=row, column=column, cell=cell, value=value, code=code, message=message)
