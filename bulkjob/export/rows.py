"""What a workspace holds as the rows of a sheet that `run` accepts and finds unchanged; decided without reading or writing anything.

Whether a name means the same thing again is asked of those who will read it: the sheet's own `check` and the run's own `Directory`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bulkjob.plan import Directory
from bulkjob.records import Department, Membership, Naming, Workspace
from bulkjob.sheet import LARGEST_NUMBER, check, comparable, sheet_of_texts, stripped
from bulkjob.vocabulary import NO_UNIT

#: In UTF-16 units, as Excel counts them.
_LONGEST_CELL: Final = 32_767


#: Control characters, half surrogate pairs and non-characters: no file holds all of these, or nobody sees them.
_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


_NAMED: Final = ("department", "unit", "agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """One department and one of its agents, in the words of a sheet."""

    department: str
    unit: str
    """`NO_UNIT` for none; blank only where the unit's id itself cannot be written."""
    agent: str = ""
    """Blank for a department without agents."""
    count: int | None = None
    """None for one that a sheet may not hold."""
    order: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """An id that is written because the name would not come back to the same thing."""

    column: str
    id: str
    name: str
    """As the server has it; blank where it has none, or this account cannot see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A workspace's assignments as a sheet."""

    rows: tuple[ExportRow, ...]
    """By unit (none last), department, order and agent."""
    departments: int
    """How many the rows are about."""
    choices: Mapping[str, tuple[str, ...]]
    """Column → everything in the workspace that may be written there, sorted: what a drop-down list offers."""
    stand_ins: tuple[StandIn, ...]
    """Every id that a row or a choice has instead of a name, sorted."""
    left_out: tuple[str, ...]
    """What no text in a sheet would mean, as sentences."""


def export_of(workspace: Workspace) -> Export:
    """The sheet of a workspace, in which the agents of each department that is not archived were read."""
    return _Exporting(workspace).export()


def natural(text: str) -> tuple[tuple[str, int, str], ...]:
    """A key that sorts as people would: whatever the case and the accents, numbers by their value (``Team 9`` before ``Team 10``)."""
    decomposed = unicodedata.normalize("NFKD", comparable(text).casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    numbered = ((words, digits.lstrip("0")) for words, digits in re.findall(r"([^0-9]*)([0-9]*)", plain))
    return tuple((words, len(number), number) for words, number in numbered)


class _Exporting:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._directory = Directory(workspace)
        self._naming = Naming(workspace)
        self._departments = [department for department in workspace.departments.values() if not department.archived]
        self._units = {department.parent_id: "" for department in self._departments if department.parent_id}
        self._units |= {unit.id: unit.name for unit in (workspace.units or {}).values()}
        self._read = {column: _as_read(column, texts) for column, texts in self._candidates().items()}
        self._stand_ins: dict[tuple[str, str], StandIn] = {}
        self._left_out: dict[str, None] = {}

    def export(self) -> Export:
        rows = [row for department in sorted(self._departments, key=self._place) for row in self._rows(department)]
        choices = self._choices()
        return Export(
            rows=tuple(rows),
            departments=len({row.department for row in rows}),
            choices=choices,
            stand_ins=tuple(sorted(self._stand_ins.values(), key=lambda one: (_NAMED.index(one.column), natural(one.name), one.id))),
            left_out=tuple(self._left_out),
        )

    def _place(self, department: Department) -> tuple[object, ...]:
        unit_id = department.parent_id or ""
        unit = self._units.get(unit_id) or unit_id
        return not unit_id, natural(unit), unit_id, natural(department.name), department.id

    # ------------------------------------------------------------------------------------------------------------- rows

    def _rows(self, department: Department) -> Iterable[ExportRow]:
        text = self._department(department)
        if text is None:
            self._left_out[f"Department {self._naming.department(department.id)} is left out: no text in a sheet would mean it."] = None
            return
        unit = NO_UNIT if department.parent_id is None else self._unit(department.parent_id)
        if unit is None:
            named = self._naming.unit(department.parent_id or "")
            self._left_out[f"Unit {named} is left blank: no text in a sheet would mean it."] = None
        rows = [row for member in self._members(department) if (row := self._row(department, text, unit or "", member))]
        if rows or unit:
            yield from rows or [ExportRow(department=text, unit=unit or "")]

    def _members(self, department: Department) -> list[Membership]:
        members = self._workspace.members.get(department.id, {}).values()
        return sorted(
            members,
            key=lambda member: (member.order, natural(self._directory.username(member.agent_id, department.id)), member.agent_id),
        )

    def _row(self, department: Department, text: str, unit: str, member: Membership) -> ExportRow | None:
        agent = self._agent(member, department.id)
        if agent is None:
            named = self._naming.agent(member.agent_id, member.username)
            where = self._naming.department(department.id)
            self._left_out[f"Agent {named} of department {where} is left out: no text in a sheet would mean this agent."] = None
            return None
        return ExportRow(department=text, unit=unit, agent=agent, count=_holdable(member.count), order=_holdable(member.order))

    # ------------------------------------------------------------------------------------------------------------ texts

    def _department(self, department: Department) -> str | None:
        return self._text("department", department.id, department.name, self._directory.departments.find)

    def _unit(self, unit_id: str) -> str | None:
        return self._text("unit", unit_id, self._units.get(unit_id, ""), self._directory.find_unit)

    def _agent(self, member: Membership, department_id: str) -> str | None:
        username = self._directory.username(member.agent_id, department_id)
        return self._text("agent", member.agent_id, username, lambda text: self._directory.find_agent(text, department_id))

    def _text(self, column: str, identifier: str, name: str, find: Callable[[str], tuple[str, ...]]) -> str | None:
        """The thing's name if a reader of the sheet will come back to the thing itself, else its id; None if neither does."""
        for text in (comparable(name), identifier):
            read = self._read[column].get(text, "")
            # `NO_UNIT` in the unit's column is no name, whatever units are called.
            if read and (column, read) != ("unit", NO_UNIT) and find(read) == (identifier,):
                if text == identifier and text != comparable(name):
                    self._stand_ins[column, identifier] = StandIn(column=column, id=identifier, name=name)
                return text
        return None

    def _choices(self) -> Mapping[str, tuple[str, ...]]:
        agents = self._workspace.agents.values()
        named: dict[str, list[tuple[str, str | None]]] = {
            "department": [(department.name, self._department(department)) for department in self._departments],
            "unit": [(name or unit_id, self._unit(unit_id)) for unit_id, name in self._units.items()],
            "agent": [(agent.username, self._text("agent", agent.id, agent.username, self._directory.agents.find)) for agent in agents],
        }
        texts = {
            column: tuple(text for _, text in sorted(((natural(name), text) for name, text in pairs if text)))
            for column, pairs in named.items()
        }
        return {**texts, "unit": (NO_UNIT, *texts["unit"])}

    def _candidates(self) -> Mapping[str, set[str]]:
        """Every text that may have to be written, by column."""
        members = [member for department in self._workspace.members.values() for member in department.values()]
        people = [
            *((agent.id, agent.username) for agent in self._workspace.agents.values()),
            *((one.agent_id, one.username) for one in members),
        ]
        things: dict[str, Iterable[tuple[str, str]]] = {
            "department": ((department.id, department.name) for department in self._departments),
            "unit": self._units.items(),
            "agent": people,
        }
        return {column: {text for identifier, name in pairs for text in (identifier, comparable(name))} for column, pairs in things.items()}


def _as_read(column: str, texts: Iterable[str]) -> Mapping[str, str]:
    """What becomes of each text in a cell of this column; those that no cell holds, or that make a row invalid, are absent.

    A probe: a sheet with a row for each of them, and the sheet's own check.
    """
    fitting = [text for text in texts if _fits_a_cell(text)]
    if not fitting:
        return {}
    rows = [{"department": str(number), "unit": NO_UNIT, "agent": "", column: text} for number, text in enumerate(fitting)]
    sheet = sheet_of_texts(
        [[row[name] for row in rows] for name in _NAMED],
        rows=range(len(rows)),
        positions={name: position for position, name in enumerate(_NAMED)},
        headers=_NAMED,
        letters=("A", "B", "C"),
        name="",
    )
    return {fitting[assignment.row]: str(getattr(assignment, column)) for assignment in check(sheet).assignments}


def _fits_a_cell(text: str) -> bool:
    """Whether CSV files and workbooks give the text back as it is."""
    # What is between these two tags would get into a workbook as it is, not as text (xlsxwriter, sharedstrings.py).
    is_markup = text.startswith("<r>") and text.endswith("</r>")
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return bool(text) and text == stripped(text) and length <= _LONGEST_CELL and not is_markup and not _UNSTORABLE.search(text)


def _holdable(number: int) -> int | None:
    return number if 0 <= number <= LARGEST_NUMBER else None
