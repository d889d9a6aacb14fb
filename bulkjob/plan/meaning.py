"""What the texts of a sheet mean where the sheet itself gives things new names, or units that are still to be made.

A name that nothing bears, and that a row gives as a new one, means what that row renames. Where the present name is not there but the new
one is, the thing has been renamed already. In a run that goes on, and for an approved plan, texts keep the meaning that they had.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bulkjob.plan.names import Directory, Names
from bulkjob.records import NO_MEANINGS, Assignment, Meanings, new_unit
from bulkjob.sheet import caseless, comparable, only_dashes
from bulkjob.vocabulary import NO_UNIT


@dataclass(slots=True, kw_only=True)
class Kind:
    """What texts mean for one kind of thing."""

    names: Names
    present: Callable[[str], tuple[str, ...]]
    """The ids that a text means, archived things aside."""
    kept: Mapping[str, str]
    """What texts meant when the plan was made."""
    renamed_already: dict[str, str] = field(default_factory=dict)
    """Present name by the sheet, which nothing bears any more → the new name that is there instead."""
    _olds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _news: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def learn(self, renamings: Iterable[tuple[str, str]]) -> None:
        """Takes in what rows rename: (text, new name)."""
        for text, new in renamings:
            if present := self.present(text) or ((self.kept[text],) if text in self.kept else ()):
                _add(self._news, new, present)
            elif already := self.present(new):
                self.renamed_already[text] = new
                _add(self._olds, text, already)
            else:
                _add(self._news, new, self.names.find(text))

    def find(self, text: str) -> tuple[str, ...]:
        """The ids that a text means: none if it is unknown, several if it is ambiguous. A sheet asks for the same text in many rows."""
        if text not in self._found:
            self._found[text] = self._find(text)
        return self._found[text]

    def _find(self, text: str) -> tuple[str, ...]:
        if text in self.kept:
            return (self.kept[text],)
        return self.present(text) or _of(self._olds, text) or _of(self._news, text) or self.names.find(text)


def _add(known: dict[str, tuple[str, ...]], text: str, ids: tuple[str, ...]) -> None:
    for key in {comparable(text), caseless(text)}:
        known[key] = tuple(dict.fromkeys((*known.get(key, ()), *ids)))


def _of(known: Mapping[str, tuple[str, ...]], text: str) -> tuple[str, ...]:
    return known.get(comparable(text)) or known.get(caseless(text), ())


class SheetNames:
    """What the department and unit columns of one sheet mean in one workspace."""

    def __init__(
        self, directory: Directory, assignments: Iterable[Assignment], *, kept: Meanings = NO_MEANINGS, creates_units: bool = False
    ) -> None:
        self.departments = Kind(
            names=directory.departments, present=lambda text: directory.departments.of_tier(text, 0), kept=kept.departments
        )
        self.units = Kind(names=directory.units, present=directory.find_unit, kept=kept.units)
        self._creates_units = creates_units
        self._new_units: dict[str, str] = {}
        self._departments = directory.departments
        departments: dict[tuple[str, str], None] = {}
        units: dict[tuple[str, str], None] = {}
        for assignment in assignments:
            if new := renames_department(assignment):
                departments[assignment.department, new] = None
            if new := renames_unit(assignment):
                units[assignment.unit, new] = None
        self.departments.learn(departments)
        self.units.learn(units)

    def unit(self, assignment: Assignment) -> tuple[str, ...]:
        """The ids that a row's unit means, or what stands for the id of one that is to be made."""
        found = self.units.find(assignment.unit)
        if not found and self._may_be_made(assignment):
            return (self._new_units.setdefault(caseless(assignment.unit), new_unit(assignment.unit)),)
        return found

    def units_named(self, text: str) -> tuple[str, ...]:
        """The ids that a text means in whichever row: also what stands for a unit that other rows have asked to be made."""
        new = self._new_units.get(caseless(text))
        return self.units.find(text) or ((new,) if new else ())

    def _may_be_made(self, assignment: Assignment) -> bool:
        """A row that renames, or that removes a monitor, makes no unit; dashes and a department's id are no name for one."""
        asks = self._creates_units and not renames_unit(assignment) and not (assignment.monitor and assignment.monitor_leaves)
        return asks and not only_dashes(assignment.unit) and not self._departments.has(assignment.unit)


def renames_department(assignment: Assignment) -> str:
    """The new name that a row gives its department; blank for none."""
    return next((str(value) for name, value in assignment.department_fields if name == "name"), "")


def renames_unit(assignment: Assignment) -> str:
    """The new name that a row gives its unit; blank for none."""
    return next((value for name, value in assignment.unit_fields if name == "name"), "")


def is_unit_named(assignment: Assignment) -> bool:
    """Whether a row names a unit, which `vocabulary.NO_UNIT` does not."""
    return assignment.unit not in ("", NO_UNIT)
