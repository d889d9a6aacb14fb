"""From the sheet's names to the server's ids, and the problems that only ids can show."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from bulkjob.changes import Attempt
from bulkjob.phrases import printable, rows_listed
from bulkjob.plan.names import Directory, Names, spellings
from bulkjob.records import Assignment, CheckedSheet, Naming, Problem, Sheet, Workspace
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


def departments_to_read(assignments: Iterable[Assignment], workspace: Workspace, *, mirror: bool, free: bool = False) -> frozenset[str]:
    """The departments whose own lists of agents decide something: what counts and orders are, whom `mirror` removes, who else is there.

    ``free``: calls are not limited. Then the lists that somebody is to leave are read as well, so that the plan tells what is lost.
    """
    directory = Directory(workspace)
    found: set[str] = set()
    named: dict[str, set[str]] = defaultdict(set)
    leaving: set[str] = set()
    for assignment in assignments:
        departments = directory.departments.find(assignment.department)
        if not assignment.agent or len(departments) != 1:
            continue
        (department,) = departments
        agents = next((ids for spelling in spellings(assignment.agent) if (ids := directory.agents.find(spelling))), ())
        named[department].update(agents)
        compares = not assignment.removes and (assignment.count is not None or assignment.order is not None or mirror)
        listed = [workspace.agents[agent].department_ids for agent in agents]
        silent = any(ids is None for ids in listed)
        there = any(ids and department in ids for ids in listed)
        if not agents or silent or compares or (assignment.removes and there and free):
            found.add(department)
        elif assignment.removes and not there:
            leaving.add(department)
    # Somebody whom no row names may bear the name of one who is to leave as an old one.
    others = {
        department
        for agent in (workspace.agents.values() if leaving else ())
        for department in leaving & (agent.department_ids or frozenset())
        if agent.id not in named[department]
    }
    return frozenset(found | others)


def resolve_names(checked: CheckedSheet, workspace: Workspace, attempts: Iterable[Attempt] = ()) -> Resolution:
    """What the sheet's rows mean on this server; ``attempts``: what earlier attempts of the same run made, and of whom."""
    return _Resolving(checked, Directory(workspace, attempts)).resolution()


class _Resolving:
    def __init__(self, checked: CheckedSheet, directory: Directory) -> None:
        self._checked = checked
        self._directory = directory
        self._naming = Naming(directory.workspace)
        self._problems: list[Problem] = []
        self._unlisted: dict[str, None] = {}
        self._about: set[str] = set()
        self._suggestions: dict[tuple[int, str], list[str]] = {}
        self._compared = 0

    def resolution(self) -> Resolution:
        wanted = [found for assignment in self._checked.assignments if (found := self._wanted(assignment))]
        bad = self._contradictions(wanted)
        self._about.update(row.department_id for row in wanted if row.row in bad)
        for suspect in self._checked.suspects:
            self._about.update(self._directory.departments.find(suspect.department))
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
            agent = self._agent(assignment, department)
        if department is None or unit is None or agent is None:
            return None
        return Wanted(
            row=assignment.row,
            department_id=department,
            about_unit=bool(assignment.unit),
            unit_id=unit or None,
            agent_id=agent or None,
            username=(self._directory.username(agent, department) or assignment.agent) if agent else "",
            count=assignment.count,
            order=assignment.order,
            removes=assignment.removes,
        )

    def _agent(self, assignment: Assignment, department: str) -> str | None:
        """The agent's id, or the text itself for somebody who is to leave and is no longer known anywhere; None for a problem."""
        candidates = self._directory.find_agent(assignment.agent, department, leaves=assignment.removes)
        if assignment.removes and not candidates:
            if not (likely := self._directory.mistyped(assignment.agent, department)):
                return assignment.agent
            meant = " or ".join(f'"{printable(name)}"' for name in likely)
            message = (
                f'Nobody called "{printable(assignment.agent)}" is in the department, but {meant} is. '
                "Correct the name, or delete the row if the agent has left already."
            )
            self._add_problem(assignment.row, "agent", assignment.agent, Code.UNKNOWN_AGENT, message)
            self._about.add(department)
            return None
        return self._one(assignment, "agent", candidates, self._directory.agents)

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
            ids = ", ".join(sorted(candidates))
            code = Code(f"ambiguous-{column}")
            message = f'"{printable(text)}" fits {len(candidates):,} {column}s. Write the id of the one you mean: {ids}.'
        else:
            code = Code(f"unknown-{column}")
            message = self._unknown(text, column, names)
        self._add_problem(assignment.row, column, text, code, message)
        self._about.update(self._directory.departments.find(assignment.department))
        return None

    def _unknown(self, text: str, column: str, names: Names) -> str:
        shown = printable(text)
        if column == "department" and self._directory.find_unit(text):
            return f'"{shown}" is a unit, not a department. Write the department\'s name here; units belong in the column "unit".'
        if column == "unit" and self._directory.departments.find(text):
            return f'"{shown}" is a department, not a unit. Write the name of a unit here.'
        if column == "unit" and text in ("–", "—", "−", "‐", "‑"):
            return f'"{text}" is not a plain minus sign. To take the department out of its unit, write a plain -.'
        if column == "agent":
            reason = f'There is no live-chat agent "{shown}", and nobody of that name is in the department. '
            remedy = "Check the spelling of the username, or make this user an agent first (Omnichannel → Agents)."
        else:
            reason, remedy = f'There is no {column} "{shown}" on the server. ', "Check the spelling, or create it first."
        nearest = self._nearest(names, text)
        meant = f"Did you mean {' or '.join(map(printable, nearest))}? " if nearest else ""
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
                department = self._naming.department(rows[0].department_id)
                said = f"Department {department} is given different units, {_listed(map(self._unit_named, units))},"
                bad |= self._contradict(rows, Code.CONFLICTING_UNIT, "unit", said)
        for rows in _repeated(wanted, lambda row: (row.department_id, row.agent_id) if row.agent_id else None):
            first = rows[0]
            named = self._naming.agent(first.agent_id or "", first.username)
            agent = f"Agent {named} in department {self._naming.department(first.department_id)}"
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
        cell = self._checked.sheet.address(row, column)
        self._problems.append(Problem(row=row, column=column, cell=cell, value=value, code=code, message=message))

    def _unit_named(self, unit_id: str | None) -> str:
        return self._naming.unit(unit_id) if unit_id else "none"


def _listed(texts: Iterable[str]) -> str:
    """``a and b``; ``a, b and 3 more``."""
    found = list(texts)
    shown, more = found[:5], len(found) - 5
    return ", ".join(shown) + f" and {more:,} more" if more > 0 else f"{', '.join(shown[:-1])} and {shown[-1]}"


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
