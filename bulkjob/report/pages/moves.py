"""What changed, or will: who went where, unit by unit and department by department, and what that leaves bare."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from bulkjob.changes import Thing
from bulkjob.phrases import named, one_line
from bulkjob.records import Naming, Workspace
from bulkjob.report.pages.kinds import Made, assignment_of, move_of
from bulkjob.report.pages.naturally import natural
from bulkjob.report.pages.ribbons import matrix_of, ribbons_of
from bulkjob.report.pages.story import Flow, Group, Mark, Moves, Watch
from bulkjob.vocabulary import Status

#: What a page names one by one of each kind; of the rest it gives the number.
MOST_FLOWS: Final = 200
MOST_GROUPS: Final = 400
MOST_MARKS: Final = 100
MOST_NAMES: Final = 100


_NO_UNIT: Final = "No unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How the pages call departments, units and agents."""

    naming: Naming
    with_ids: frozenset[str] = frozenset()
    """What shares its name with another one of its kind."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Id → what the sheet calls it, for what the server was not asked about."""

    def of(self, thing: Thing) -> str:
        """A thing by its name, with its id where the name fits several."""
        name = one_line(thing.name or self.words.get(thing.id, ""))
        return named(name, thing.id) if name and thing.id in self.with_ids else name or one_line(thing.id)

    def department(self, department_id: str) -> str:
        """A department."""
        return self.of(Thing(id=department_id, name=self.naming.department_name(department_id)))

    def unit(self, unit_id: str | None) -> str:
        """A unit, or that there is none."""
        return _NO_UNIT if unit_id is None else self.of(Thing(id=unit_id, name=self.naming.unit_name(unit_id)))


def moves_of(everything: Sequence[Made], names: Names, *, totals: str) -> Moves:
    """All of it, sorted by name; flows by size. ``totals``: how much it is, as a sentence; blank for nothing."""
    flows = _flows(everything, names)
    units, departments = _grouped(everything, names, "unit"), _grouped(everything, names, "department")
    return Moves(
        totals=totals,
        flows=tuple(flows[:MOST_FLOWS]),
        more_flows=max(len(flows) - MOST_FLOWS, 0),
        ribbons=ribbons_of(flows),
        matrix=matrix_of(flows),
        units=tuple(islice(_told(units, names), MOST_GROUPS)),
        more_units=max(len(units) - MOST_GROUPS, 0),
        departments=tuple(islice(_told(departments, names), MOST_GROUPS)),
        more_departments=max(len(departments) - MOST_GROUPS, 0),
    )


def _flows(everything: Iterable[Made], names: Names) -> list[Flow]:
    found: dict[tuple[str | None, str | None], list[str]] = {}
    for move in filter(None, map(move_of, everything)):
        found.setdefault((move.origin, move.target), []).append(move.department_id)
    flows = []
    for (origin, target), departments in found.items():
        called = sorted(map(names.department, departments), key=natural)
        shown, more = tuple(called[:MOST_NAMES]), max(len(called) - MOST_NAMES, 0)
        flows.append(Flow(origin=names.unit(origin), target=names.unit(target), departments=shown, more=more))
    return sorted(flows, key=lambda flow: (-flow.number, natural(flow.origin), natural(flow.target)))


def _grouped(everything: Iterable[Made], names: Names, section: str) -> list[tuple[str, list[Made]]]:
    """The changes of each unit or department, beside moves, by its name."""
    groups: dict[str, list[Made]] = {}
    for made in everything:
        kind, identifier, *_ = made.change.target
        if kind == section and move_of(made) is None:
            groups.setdefault(identifier, []).append(made)
    name = names.unit if section == "unit" else names.department
    return sorted(((name(identifier), found) for identifier, found in groups.items()), key=lambda group: natural(group[0]))


def _told(groups: Iterable[tuple[str, list[Made]]], names: Names) -> Iterator[Group]:
    """What the changes say of themselves where a plan is listed."""
    for name, found in groups:
        lines = [
            line
            for made in found[:MOST_MARKS]
            for line in made.change.entry(made.prior, names.naming, Status.SUCCESS, None).lines(names.of)
            if line.section == made.change.target[0]
        ]
        marks = tuple(Mark(sign=line.sign, text=one_line(line.text)) for line in lines)
        yield Group(name=name, marks=marks, more=max(len(found) - MOST_MARKS, 0))


# ------------------------------------------------------------------------------------------------------ what is left bare


def emptied(everything: Sequence[Made], workspace: Workspace, names: Names) -> Watch | None:
    """The units that this leaves without a department."""
    after = {department.id: department.parent_id for department in workspace.departments.values()}
    before = dict(after)
    for made in everything:
        if move := move_of(made):
            before[move.department_id] = move.origin
            if not made.earlier:
                after[move.department_id] = move.target
    units = {unit for unit in before.values() if unit} - {unit for unit in after.values() if unit}
    return watch_of("Units without departments now", sorted(map(names.unit, units), key=natural))


def without_agents(everything: Sequence[Made], workspace: Workspace, names: Names) -> Watch | None:
    """The departments that this leaves without an agent; of those whose agents are not known nothing is said."""
    coming: dict[str, set[str]] = {}
    going: dict[str, set[str]] = {}
    for assignment in (assignment_of(made) for made in everything if not made.earlier):
        if assignment:
            (coming if assignment.present else going).setdefault(assignment.department_id, set()).add(assignment.agent_id)
    listed = _listed_agents(workspace) if going else {}
    bare = []
    for department_id, gone in going.items():
        there = workspace.members.get(department_id)
        present = set(there) if there is not None else listed.get(department_id)
        if present is not None and not (present - gone) | coming.get(department_id, set()):
            bare.append(names.department(department_id))
    return watch_of("Departments without an agent now", sorted(bare, key=natural))


def _listed_agents(workspace: Workspace) -> dict[str, set[str]]:
    """Department id → its agents by the agents' own lists, where the server tells these."""
    found: dict[str, set[str]] = {}
    for agent in workspace.agents.values():
        for department_id in agent.department_ids or ():
            found.setdefault(department_id, set()).add(agent.id)
    return found


def watch_of(title: str, items: Sequence[str], shown: Callable[[str], str] = str) -> Watch | None:
    """A list of things to look at; None for an empty one."""
    if not items:
        return None
    return Watch(title=title, items=tuple(map(shown, items[:MOST_NAMES])), more=max(len(items) - MOST_NAMES, 0))
