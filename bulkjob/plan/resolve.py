"""From the sheet's names to the server's ids, and the problems that only ids can show."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bulkjob.changes import Attempt
from bulkjob.phrases import printable, quoted
from bulkjob.plan.contradictions import contradictions
from bulkjob.plan.meaning import SheetNames, is_unit_named
from bulkjob.plan.names import Directory, Names, spellings
from bulkjob.plan.taken import Taken, department_uses, taken_names, unit_uses
from bulkjob.plan.wanted import Wanted
from bulkjob.records import NO_MEANINGS, Assignment, CheckedSheet, Meanings, Naming, Problem, Workspace, is_new_unit
from bulkjob.sheet import only_dashes
from bulkjob.vocabulary import NO_UNIT, Code

#: Likely names are looked for so many times: some seconds, as each time costs the same however many names there are; nobody reads more.
_LOOKED_FOR_AT_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A sheet in the server's terms."""

    wanted: tuple[Wanted, ...]
    """One per row that has no problem, in the sheet's order."""
    problems: tuple[Problem, ...]
    """What the server's lists showed, by row."""
    about: frozenset[str]
    """The departments that a row with a problem is about, be it of the sheet or of the server's lists."""
    about_units: frozenset[str]
    """The units that such a row names."""
    unlisted_units: tuple[str, ...]
    """Units that the sheet names and that could not be looked up, because this account cannot list units."""
    meanings: Meanings = NO_MEANINGS
    """What the sheet's texts were taken to mean."""
    warnings: tuple[str, ...] = ()

    def holds_back(self, row: Wanted) -> bool:
        """Whether a valid row has to wait until an invalid one about the same thing is corrected; moves into a unit need not."""
        return row.department_id in self.about or (row.about_the_unit_itself and row.unit_id in self.about_units)


def departments_to_read(
    assignments: Iterable[Assignment], names: SheetNames, directory: Directory, *, mirror: bool, free: bool = False
) -> frozenset[str]:
    """The departments whose own lists of agents decide something: what counts and orders are, whom `mirror` removes, who else is there.

    ``free``: calls are not limited. Then the lists that somebody is to leave are read as well, so that the plan tells what is lost.
    """
    workspace = directory.workspace
    found: set[str] = set()
    named: dict[str, set[str]] = defaultdict(set)
    leaving: set[str] = set()
    for assignment in assignments:
        if not assignment.agent:
            continue
        departments = names.departments.find(assignment.department)
        if len(departments) != 1 or departments[0] not in workspace.departments:
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


def units_to_read(assignments: Iterable[Assignment], names: SheetNames) -> frozenset[str]:
    """The units whose monitors decide something, because rows name monitors of them."""
    found = {identifier for assignment in assignments if assignment.monitor for identifier in names.unit(assignment)}
    return frozenset(identifier for identifier in found if not is_new_unit(identifier))


def resolve_names(
    checked: CheckedSheet,
    workspace: Workspace,
    attempts: Iterable[Attempt] = (),
    *,
    kept: Meanings = NO_MEANINGS,
    creates_units: bool = False,
) -> Resolution:
    """What the sheet's rows mean on this server.

    ``attempts``: what earlier attempts of the same run made, and of whom. ``kept``: what its texts were taken to mean when the plan was
    made.
    """
    directory = Directory(workspace, attempts)
    return Resolving(
        checked, directory, SheetNames(directory, checked.assignments, kept=kept, creates_units=creates_units), kept
    ).resolution()


@dataclass(slots=True)
class _Meant:
    """What texts have turned out to mean, text by text."""

    departments: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    monitors: dict[str, str] = field(default_factory=dict)

    def frozen(self) -> Meanings:
        kinds = (self.departments, self.units, self.agents, self.monitors)
        departments, units, agents, monitors = ({text: it for text, it in kind.items() if text != it} for kind in kinds)
        return Meanings(departments=departments, units=units, agents=agents, monitors=monitors)


class Resolving:
    """One sheet on its way from names to ids."""

    def __init__(self, checked: CheckedSheet, directory: Directory, names: SheetNames, kept: Meanings) -> None:
        self._checked = checked
        self._directory = directory
        self._names = names
        self._kept = kept
        self._naming = Naming(directory.workspace)
        self._meant = _Meant()
        self._problems: list[Problem] = []
        self._unlisted: dict[str, None] = {}
        self._about: set[str] = set()
        self._about_units: set[str] = set()
        self._suspected: set[str] = set()
        """What rows with a problem call their units."""
        self._suggestions: dict[tuple[int, str], list[str]] = {}

    def resolution(self) -> Resolution:
        """All rows in the server's terms."""
        wanted = [found for assignment in self._checked.assignments if (found := self._wanted(assignment))]
        bad = {*self._contradictions(wanted), *self._taken(wanted)}
        self._about.update(row.department_id for row in wanted if row.row in bad and row.department_id is not None)
        self._about_units.update(row.unit_id for row in wanted if row.row in bad and row.unit_id is not None)
        for suspect in self._checked.suspects:
            if suspect.department:
                self._about.update(self._names.departments.find(suspect.department))
            self._suspected.add(suspect.unit)
        # By now all rows have been looked at: what stands for units that are to be made is known.
        for text in self._suspected - {"", NO_UNIT}:
            self._about_units.update(self._names.units_named(text))
        return Resolution(
            wanted=tuple(row for row in wanted if row.row not in bad),
            problems=tuple(sorted(self._problems, key=lambda problem: problem.row)),
            about=frozenset(self._about),
            about_units=frozenset(self._about_units),
            unlisted_units=tuple(self._unlisted),
            meanings=self._meant.frozen(),
            warnings=tuple(self._renamed_already()),
        )

    def _wanted(self, assignment: Assignment) -> Wanted | None:
        department = self._department(assignment)
        unit = self._unit(assignment)
        agent: str | None = ""
        if assignment.agent and department:
            agent = self._agent(assignment, department)
        monitor: str | None = ""
        if assignment.monitor and unit:
            monitor = self._monitor(assignment, unit)
        if department is None or unit is None or agent is None or monitor is None:
            return None
        return Wanted(
            row=assignment.row,
            department_id=department or None,
            department_text=assignment.department,
            unit_given=bool(assignment.unit),
            unit_id=unit or None,
            unit_text=assignment.unit,
            agent_id=agent or None,
            username=(self._directory.username(agent, department) or assignment.agent) if agent else "",
            count=assignment.count,
            order=assignment.order,
            removes=assignment.removes,
            monitor_id=monitor or None,
            monitor_name=(self._directory.monitor_name(monitor, unit) or assignment.monitor) if monitor else "",
            department_fields=assignment.department_fields,
            unit_fields=assignment.unit_fields,
        )

    def _department(self, assignment: Assignment) -> str | None:
        """The department's id, blank in a row about a unit only; None for a problem."""
        text = assignment.department
        if not text:
            return ""
        found = self._one(assignment, "department", self._names.departments.find(text), self._directory.departments)
        if found:
            self._meant.departments[text] = found
        return found

    def _unit(self, assignment: Assignment) -> str | None:
        """The unit's id, or what stands for one that is to be made; blank where none is named; None for a problem."""
        if not is_unit_named(assignment):
            return ""
        candidates = self._names.unit(assignment)
        workspace = self._directory.workspace
        if workspace.units is None and (not candidates or is_new_unit(candidates[0])):
            self._unlisted[assignment.unit] = None
            return None
        if not candidates and not workspace.all_units:
            self._unlisted[assignment.unit] = None
            return None
        found = self._one(assignment, "unit", candidates, self._directory.units)
        if found:
            self._meant.units[assignment.unit] = found
        return found

    def _agent(self, assignment: Assignment, department: str) -> str | None:
        """The agent's id, or the text itself for somebody who is to leave and is no longer known anywhere; None for a problem."""
        if assignment.agent in self._kept.agents:
            return self._kept.agents[assignment.agent]
        candidates = self._directory.find_agent(assignment.agent, department, leaves=assignment.removes)
        if assignment.removes and not candidates:
            likely = self._directory.mistyped(assignment.agent, self._directory.members(department))
            return self._left_already(assignment, "agent", likely, "in the department")
        found = self._one(assignment, "agent", candidates, self._directory.agents)
        if found and self._directory.agents.has(found):
            self._meant.agents[assignment.agent] = found
        return found

    def _monitor(self, assignment: Assignment, unit: str) -> str | None:
        """The monitor's id, or the text itself where nobody can be known by it; None for a problem."""
        if assignment.monitor in self._kept.monitors:
            return self._kept.monitors[assignment.monitor]
        if self._directory.workspace.role_holders is None:
            return assignment.monitor
        leaves = assignment.monitor_leaves
        candidates = self._directory.find_monitor(assignment.monitor, unit, leaves=leaves)
        if leaves and not candidates:
            likely = self._directory.mistyped(assignment.monitor, self._directory.monitors(unit))
            return self._left_already(assignment, "monitor", likely, "a monitor of the unit")
        found = self._one(assignment, "monitor", candidates, self._directory.role_holders)
        if found and self._directory.role_holders.has(found):
            self._meant.monitors[assignment.monitor] = found
        return found

    def _left_already(self, assignment: Assignment, column: str, likely: Sequence[str], where: str) -> str | None:
        """The text itself of somebody who is to leave and whom nothing knows any more; None where it looks mistyped."""
        text = assignment.agent if column == "agent" else assignment.monitor
        if not likely:
            return text
        meant = " or ".join(f'"{printable(name)}"' for name in likely)
        message = (
            f'Nobody called "{printable(text)}" is {where}, but {meant} is. '
            f"Correct the name, or delete the row if the {column} has left already."
        )
        self._add_problem(assignment.row, _COLUMNS[column], text, Code(f"unknown-{column}"), message)
        self._mark(assignment)
        return None

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
        self._add_problem(assignment.row, _COLUMNS[column], text, code, message)
        self._mark(assignment)
        if column == "department":
            self._about.update(candidates)
        elif column == "unit":
            self._about_units.update(candidates)
        return None

    def _mark(self, assignment: Assignment) -> None:
        """Notes what a row with a problem is about."""
        if assignment.department:
            self._about.update(self._names.departments.find(assignment.department))
        self._suspected.add(assignment.unit)

    def _unknown(self, text: str, column: str, names: Names) -> str:
        shown = printable(text)
        if column == "department" and self._directory.find_unit(text):
            return f'"{shown}" is a unit, not a department. Write the department\'s name here; units belong in the column "unit".'
        if column == "unit" and self._directory.departments.find(text):
            return f'"{shown}" is a department, not a unit. Write the name of a unit here.'
        if column == "unit" and only_dashes(text):
            return f'"{text}" is not a plain minus sign. To take the department out of its unit, write a plain -.'
        if column == "agent":
            reason = f'"{shown}" is not a live-chat agent (agents are named by username), and nobody of that name is in the department. '
            remedy = "Check the spelling of the username, or make this user an agent first (Omnichannel → Agents)."
        elif column == "monitor":
            reason = f'Nobody called "{shown}" has the role of a monitor (livechat-monitor), without which Rocket.Chat ignores them. '
            remedy = "Check the spelling of the username, or make this user a monitor first (Omnichannel → Monitors)."
        else:
            reason = f'There is no {column} "{shown}" on the server. '
            remedy = f"Correct the name, or create the {column} in Rocket.Chat (Omnichannel → {column.capitalize()}s)."
        nearest = self._nearest(names, text)
        meant = f"Did you mean {' or '.join(map(printable, nearest))}? " if nearest else ""
        return reason + meant + remedy

    def _nearest(self, names: Names, text: str) -> list[str]:
        key = id(names), text
        if key not in self._suggestions:
            if len(self._suggestions) == _LOOKED_FOR_AT_MOST:
                return []
            self._suggestions[key] = names.nearest(text)
        return self._suggestions[key]

    # --------------------------------------------------------------------------------------------------- several rows

    def _contradictions(self, wanted: list[Wanted]) -> set[int]:
        """The rows that contradict each other once names are ids."""
        bad: set[int] = set()
        for found in contradictions(wanted, self._naming):
            for row in found.rows:
                self._add_problem(row, found.column, self._cell(row, found.column), found.code, found.message)
            bad.update(found.rows)
        return bad

    def _taken(self, wanted: list[Wanted]) -> set[int]:
        """The rows whose new names something else bears; in a run that goes on, and for an approved plan, that was looked at before."""
        if self._kept:
            return set()
        workspace, naming = self._directory.workspace, self._naming
        departments = {found.id: found.name for found in workspace.departments.values() if not found.archived}
        units = {found.id: found.name for found in (workspace.units or {}).values()}
        bad: set[int] = set()
        for taken in taken_names(department_uses(wanted), departments, lambda it: f"department {naming.department(it)}"):
            bad |= self._mark_taken(taken, "department", "new department name")
        for taken in taken_names(unit_uses(wanted), units, lambda it: f"unit {naming.unit(it)}"):
            bad |= self._mark_taken(taken, "unit", "new unit name")
        return bad

    def _mark_taken(self, taken: Taken, column: str, new: str) -> set[int]:
        for row in taken.renaming:
            self._add_problem(row, new, self._cell(row, new), Code.NAME_TAKEN, taken.message)
        for row in set(taken.using) - set(taken.renaming):
            self._add_problem(row, column, self._cell(row, column), Code.NAME_TAKEN, taken.message)
        return {*taken.renaming, *taken.using}

    def _renamed_already(self) -> Iterable[str]:
        """A sentence for each present name that nothing bears any more, while its new one is there."""
        for thing, kind in (("department", self._names.departments), ("unit", self._names.units)):
            for text, new in kind.renamed_already.items():
                yield (
                    f"There is no {thing} {quoted(text)} any more, but one called {quoted(new)}, as the sheet renames it: rows that use "
                    "the old name are taken to mean that one."
                )

    def _cell(self, row: int, column: str) -> str:
        sheet = self._checked.sheet
        position = sheet.positions.get(column)
        return "" if position is None else str(sheet.cells.at[row, position])

    def _add_problem(self, row: int, column: str, value: str, code: Code, message: str) -> None:
        cell = self._checked.sheet.address(row, column)
        self._problems.append(Problem(row=row, column=column, cell=cell, value=value, code=code, message=message))


#: What an assignment calls a cell → the column that it stands in.
_COLUMNS = {"department": "department", "unit": "unit", "agent": "agent", "monitor": "unit monitor"}
