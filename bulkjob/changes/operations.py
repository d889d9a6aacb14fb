"""What a plan is made of: changes, what is known to become of some, and the operations that carry the others.

A plan settles the changes that need no call (already so, or certain to fail) and gives each other one to exactly one *operation*, which is
one write. An operation knows what it costs; its call is made by `execute` from what the server holds at that moment.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final, Protocol

from bulkjob.changes.change import Attempt, Change, Outcome, Prior, credited
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_field import DepartmentField
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.drafts import DepartmentDraft, UnitDraft
from bulkjob.changes.new_unit import NewUnit
from bulkjob.changes.unit_field import UnitField
from bulkjob.changes.unit_monitor import UnitMonitor
from bulkjob.records import Server
from bulkjob.rocketchat import Route, endpoints

_GET_UNIT: Final = endpoints.unit("").route
_GET_MONITORS: Final = endpoints.unit_monitors("").route
_GET_DEPARTMENT: Final = endpoints.department("").route


class UnitChange(Change, Protocol):
    """A change that the ``POST`` of a unit can carry."""

    def apply_to_unit(self, draft: UnitDraft) -> None:
        """Adds what is asked for to the unit's draft."""


class DepartmentChange(Change, Protocol):
    """A change that the ``PUT`` of a department can carry."""

    def apply_to_department(self, draft: DepartmentDraft, prior: Prior) -> None:
        """Adds what is asked for to the department's draft, beside what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a write: calls whose turns are waited for side by side, and so many round trips."""

    routes: tuple[Route, ...] = ()
    lists_departments: bool = False
    """Whether it also reads the list of all departments, which writes that wait at the same time share."""
    trips: int
    """Round trips one after the other, once the turns have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms writes are made, as far as their cost depends on it."""

    server: Server
    shares_lists: bool = False
    """Whether a department that loses or gains agents is looked up in the list that writes share, rather than by a call of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPost:
    """``POST livechat/units/:id``: the whole unit, with the departments that come and go, the monitors, and what changes of it itself."""

    unit_id: str
    changes: tuple[UnitChange, ...]
    """Empty where the call only repairs the counters of a unit that others took departments from."""
    lost: frozenset[str]
    """The departments that operations before this one take out of the unit."""
    after: tuple[str, ...]
    """Ids of the operations that must have ended before, whatever became of them."""

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return unit_post_id(self.unit_id, repairs=not self.changes)

    @property
    def request_line(self) -> tuple[str, str]:
        """Method and path of its write."""
        return endpoints.POST_UNIT.method, endpoints.unit(self.unit_id).path

    def verified(self, terms: Terms) -> str:
        """How it is seen afterwards that it has done what it should."""
        del terms
        if not self.changes:
            return "nothing from the sheet: it only makes the server count the unit's departments again"
        return _seen_of_a_unit(self.changes)

    def stages(self, terms: Terms) -> tuple[Stage, ...]:
        """Waiting for a turn, reading and writing, looking."""
        del terms
        return (
            Stage(routes=(endpoints.POST_UNIT,), trips=0),
            Stage(routes=(_GET_UNIT, _GET_MONITORS), lists_departments=True, trips=2),
            *((_look_at_a_unit(self.changes),) if self.changes else ()),
        )


def _look_at_a_unit(changes: Sequence[UnitChange]) -> Stage:
    """What is looked at after a unit was written: only what was to change."""
    routes = [
        *([_GET_UNIT] if any(isinstance(change, UnitField) for change in changes) else []),
        *([_GET_MONITORS] if any(isinstance(change, UnitMonitor) for change in changes) else []),
    ]
    return Stage(routes=tuple(routes), lists_departments=any(isinstance(change, DepartmentUnit) for change in changes), trips=1)


def _seen_of_a_unit(changes: Sequence[UnitChange]) -> str:
    kinds = {type(change) for change in changes}
    shown = [
        *(["a fresh list of the departments shows each of them in the unit that is wanted"] if DepartmentUnit in kinds else []),
        *(["the unit, read afresh, has the name and visibility that are wanted"] if kinds & {UnitField, NewUnit} else []),
        *(["a fresh list of its monitors shows what is wanted"] if UnitMonitor in kinds else []),
    ]
    return "; ".join(shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCreate:
    """``POST livechat/units``: a unit that is not there yet, with its monitors and the departments that come to it.

    One of its name that has appeared meanwhile is written instead, by ``POST livechat/units/:id``.
    """

    lost: ClassVar[frozenset[str]] = frozenset()
    """No operation takes departments out of a unit that is not there yet."""

    unit_id: str
    """What stands for its id (`new_unit`)."""
    changes: tuple[UnitChange, ...]
    """That there is such a unit (`NewUnit`) first."""
    after: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return unit_post_id(self.unit_id, repairs=False)

    @property
    def request_line(self) -> tuple[str, str]:
        """Method and path of its write."""
        request = endpoints.CREATE_UNIT
        return request.method, f"/api/v1/{request.pattern}"

    def verified(self, terms: Terms) -> str:
        """How it is seen afterwards that it has done what it should."""
        del terms
        return _seen_of_a_unit(self.changes)

    def stages(self, terms: Terms) -> tuple[Stage, ...]:
        """Waiting for a turn, listing units and writing, looking."""
        del terms
        look = _look_at_a_unit(self.changes)
        return (
            Stage(routes=(endpoints.CREATE_UNIT,), trips=0),
            Stage(routes=(endpoints.LIST_UNITS,), lists_departments=True, trips=2),
            Stage(routes=tuple(dict.fromkeys((_GET_UNIT, *look.routes))), lists_departments=look.lists_departments, trips=1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDelete:
    """``DELETE livechat/units/:id``: a unit that a run has made and that is to go again. Departments of no other unit go free by it."""

    unit_id: str
    changes: tuple[NewUnit | DepartmentUnit, ...]
    after: tuple[str, ...]

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return f"unit/{self.unit_id}/delete"

    @property
    def request_line(self) -> tuple[str, str]:
        """Method and path of its write."""
        return endpoints.DELETE_UNIT.method, endpoints.unit(self.unit_id).path

    def verified(self, terms: Terms) -> str:
        """How it is seen afterwards that it has done what it should."""
        del terms
        return "a fresh list of the units shows that it is gone"

    def stages(self, terms: Terms) -> tuple[Stage, ...]:
        """Waiting for a turn, reading and writing, looking."""
        del terms
        return (
            Stage(routes=(endpoints.DELETE_UNIT,), trips=0),
            Stage(routes=(endpoints.LIST_UNITS, _GET_MONITORS), lists_departments=True, trips=2),
            Stage(
                routes=(endpoints.LIST_UNITS,), lists_departments=any(isinstance(each, DepartmentUnit) for each in self.changes), trips=1
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentPut:
    """``PUT livechat/department/:id``: the department's unit (None: as it is then), agents that are new or change, and its own fields."""

    department_id: str
    unit: DepartmentUnit | None
    agents: tuple[DepartmentAgent, ...]
    fields: tuple[DepartmentField, ...] = ()
    after: tuple[str, ...]

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return department_put_id(self.department_id)

    @property
    def changes(self) -> tuple[DepartmentChange, ...]:
        """All that it carries, the unit first."""
        return (*((self.unit,) if self.unit else ()), *self.agents, *self.fields)

    @property
    def request_line(self) -> tuple[str, str]:
        """Method and path of its write."""
        return endpoints.PUT_DEPARTMENT.method, endpoints.department(self.department_id).path

    def verified(self, terms: Terms) -> str:
        """How it is seen afterwards that it has done what it should."""
        late = terms.server.answers_puts_early and self.agents
        shown = "a fresh list of the department's agents" if late else "the answer"
        return f"{shown} shows what is wanted; a count above it is a chat that came in between"

    def stages(self, terms: Terms) -> tuple[Stage, ...]:
        """Waiting for a turn, reading and writing; before 6.6 the agents are looked at afterwards."""
        looks = (Stage(routes=(endpoints.LIST_MEMBERS,), trips=1),) if self.agents and terms.server.answers_puts_early else ()
        return Stage(routes=(endpoints.PUT_DEPARTMENT,), trips=0), Stage(routes=(_GET_DEPARTMENT,), trips=2), *looks


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsPost:
    """``POST livechat/department/:id/agents``: agents that leave, and those that are new or change along with them."""

    department_id: str
    changes: tuple[DepartmentAgent, ...]
    after: tuple[str, ...]

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return f"agents/{self.department_id}"

    @property
    def request_line(self) -> tuple[str, str]:
        """Method and path of its write."""
        return endpoints.POST_AGENTS.method, endpoints.department_agents(self.department_id, 0, 0).path

    def verified(self, terms: Terms) -> str:
        """How it is seen afterwards that it has done what it should."""
        del terms
        return "a fresh list of the department's agents shows what is wanted; a count above it is a chat that came in between"

    def stages(self, terms: Terms) -> tuple[Stage, ...]:
        """Waiting for a turn, reading and writing, looking."""
        department = () if terms.shares_lists else (_GET_DEPARTMENT,)
        return (
            Stage(routes=(endpoints.POST_AGENTS,), trips=0),
            Stage(routes=(endpoints.LIST_MEMBERS,), trips=1),
            Stage(routes=department, lists_departments=terms.shares_lists, trips=2),
            Stage(routes=(endpoints.LIST_MEMBERS,), trips=1),
        )


Operation = UnitPost | UnitCreate | UnitDelete | DepartmentPut | AgentsPost


#: Under a limit at least so many writes of units are under way at once, however few requests are: for one alone a list would be read
#: before it and another one after it.
_SHARING_LISTS: Final = 4


def under_way(kind: type[Operation], terms: Terms, concurrency: int) -> int:
    """How many operations of a kind are under way at once, with so many requests in flight at most."""
    shares = terms.shares_lists and kind in (UnitPost, UnitCreate, UnitDelete)
    return max(concurrency, _SHARING_LISTS) if shares else concurrency


def unit_post_id(unit_id: str, *, repairs: bool) -> str:
    """The id of the operation that writes a unit; one that only repairs its counters may come after another."""
    return f"unit/{unit_id}/repair" if repairs else f"unit/{unit_id}"


def department_put_id(department_id: str) -> str:
    """The id of the operation that puts a department; there is one at most."""
    return f"department/{department_id}"


def calls_of(operation: Operation, terms: Terms) -> Counter[Route]:
    """The calls of one operation that it shares with no other: lists of departments are shared."""
    return Counter(route for stage in operation.stages(terms) for route in stage.routes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is to be done, and what is already known about the rest."""

    changes: tuple[Change, ...]
    """All of them, kind by kind, each by first row."""
    settled: Mapping[Change, Outcome]
    """The changes that no operation carries."""
    operations: tuple[Operation, ...]
    """In an order that respects what each comes after."""
    warnings: tuple[str, ...]
    attempts: Mapping[Change, Sequence[Attempt]] = field(default_factory=lambda: MappingProxyType({}))
    """Of changes that put back: what the run made; what somebody has changed since is left alone, up to the moment of the write."""

    earlier: Mapping[Change, Attempt] = field(default_factory=lambda: MappingProxyType({}))
    """Of a run that goes on: what its earlier attempts wrote, or may have written."""

    def credited(self, change: Change, outcome: Outcome) -> Outcome:
        """The outcome of a change with what earlier attempts of the same run did for it."""
        return credited(outcome, self.earlier[change]) if change in self.earlier else outcome

    @property
    def removals(self) -> int:
        """How many agents leave a department."""
        return sum(change.ends_assignment for operation in self.operations for change in operation.changes)
