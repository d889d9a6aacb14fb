"""By which text a sheet names a thing of the workspace: its name if a reader comes back to the thing itself, else its id.

Whether a text means the same thing again is asked of those who will read it: the sheet's own check and the run's own `Directory`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bulkjob.export.texts import as_read
from bulkjob.plan import Directory
from bulkjob.records import Department, Membership, Monitor, Workspace
from bulkjob.sheet import comparable
from bulkjob.vocabulary import NO_UNIT

_NAMED: Final = ("department", "unit", "agent", "unit monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """An id that is written because the name would not come back to the same thing."""

    column: str
    id: str
    name: str
    """As the server has it; blank where it has none, or this account cannot see it."""


def natural(text: str) -> tuple[tuple[str, int, str], ...]:
    """A key that sorts as people would: whatever the case and the accents, numbers by their value (``Team 9`` before ``Team 10``)."""
    decomposed = unicodedata.normalize("NFKD", comparable(text).casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    numbered = ((words, digits.lstrip("0")) for words, digits in re.findall(r"([^0-9]*)([0-9]*)", plain))
    return tuple((words, len(number), number) for words, number in numbered)


class NameTexts:
    """The texts for everything that a workspace holds; None for what no text in a sheet would mean."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._directory = Directory(workspace)
        self._departments = [department for department in workspace.departments.values() if not department.archived]
        self.unit_names = {department.parent_id: "" for department in self._departments if department.parent_id}
        """Unit id → name, blank where it is not known, of those that are listed and those that a department is in."""
        self.unit_names |= {unit.id: unit.name for unit in (workspace.units or {}).values()}
        self._read = {column: as_read(column, texts) for column, texts in self._candidates().items()}
        self._stand_ins: dict[tuple[str, str], StandIn] = {}

    @property
    def stand_ins(self) -> tuple[StandIn, ...]:
        """Every id that has been given instead of a name so far, sorted."""
        return tuple(sorted(self._stand_ins.values(), key=lambda one: (_NAMED.index(one.column), natural(one.name), one.id)))

    def department(self, department: Department) -> str | None:
        """Of a department."""
        return self._text("department", department.id, department.name, self._directory.departments.find)

    def unit(self, unit_id: str) -> str | None:
        """Of a unit."""
        return self._text("unit", unit_id, self.unit_names.get(unit_id, ""), self._directory.find_unit)

    def username(self, member: Membership, department_id: str) -> str:
        """An agent's name as it is now, rather than when the agent came to the department."""
        return self._directory.username(member.agent_id, department_id)

    def agent(self, member: Membership, department_id: str) -> str | None:
        """Of an agent of a department."""
        username = self.username(member, department_id)
        return self._text("agent", member.agent_id, username, lambda text: self._directory.find_agent(text, department_id))

    def monitor(self, monitor_id: str, unit_id: str) -> str | None:
        """Of somebody who holds the role of a monitor, in a row about that unit."""
        username = self._role_holders[monitor_id].username
        return self._text("unit monitor", monitor_id, username, lambda text: self._directory.find_monitor(text, unit_id))

    def choices(self, *, full: bool) -> Mapping[str, tuple[str, ...]]:
        """Column → everything in the workspace that may be written there, sorted."""
        agents, monitors = self._workspace.agents.values(), self._role_holders.values()
        named: dict[str, list[tuple[str, str | None]]] = {
            "department": [(department.name, self.department(department)) for department in self._departments],
            "unit": [(name or unit_id, self.unit(unit_id)) for unit_id, name in self.unit_names.items()],
            "agent": [(agent.username, self._text("agent", agent.id, agent.username, self._directory.agents.find)) for agent in agents],
            **({"unit monitor": [(monitor.username, self.monitor(monitor.id, "")) for monitor in monitors]} if full else {}),
        }
        texts = {
            column: tuple(text for _, text in sorted(((natural(name), text) for name, text in pairs if text)))
            for column, pairs in named.items()
        }
        return {**texts, "unit": (NO_UNIT, *texts["unit"])}

    @property
    def _role_holders(self) -> Mapping[str, Monitor]:
        return self._workspace.role_holders or {}

    def _text(self, column: str, identifier: str, name: str, find: Callable[[str], tuple[str, ...]]) -> str | None:
        for text in (comparable(name), identifier):
            read = self._read[column].get(text, "")
            # `NO_UNIT` in the unit's column is no name, whatever units are called.
            if isinstance(read, str) and read and (column, read) != ("unit", NO_UNIT) and find(read) == (identifier,):
                if text == identifier and text != comparable(name):
                    self._stand_ins[column, identifier] = StandIn(column=column, id=identifier, name=name)
                return text
        return None

    def _candidates(self) -> Mapping[str, set[str]]:
        """Every text that may have to be written, by column."""
        members = [member for department in self._workspace.members.values() for member in department.values()]
        people = [
            *((agent.id, agent.username) for agent in self._workspace.agents.values()),
            *((one.agent_id, one.username) for one in members),
        ]
        things: dict[str, Iterable[tuple[str, str]]] = {
            "department": ((department.id, department.name) for department in self._departments),
            "unit": self.unit_names.items(),
            "agent": people,
            "unit monitor": ((monitor.id, monitor.username) for monitor in self._role_holders.values()),
        }
        return {column: {text for identifier, name in pairs for text in (identifier, comparable(name))} for column, pairs in things.items()}
