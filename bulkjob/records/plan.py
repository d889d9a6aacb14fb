"""What a plan is made of: wishes, their outcomes, and the operations that carry them.

A *wish* is one thing that rows ask for: a department's unit, or an agent's place in a department. A plan settles the wishes that need no
call (already so, or certain to fail) and gives each other one to exactly one *operation*. `compose` makes an operation's call from
what the server holds at that moment; `verify` tells what became of its wishes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bulkjob.records.workspace import Department, MemberChange, Membership
from bulkjob.vocabulary import Change, Code, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWish:
    """A department shall be in a unit, or (``unit_id`` None) in none."""

    department_id: str
    unit_id: str | None
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWish:
    """An agent shall be in a department, with a count and an order if given, or (``present`` False) not be there."""

    department_id: str
    agent_id: str
    username: str
    present: bool
    count: int | None
    order: int | None
    rows: tuple[int, ...]
    """The rows that ask for it; of an agent whom ``mirror`` removes, the rows that say who stays."""

    def holds(self, member: Membership | None) -> bool:
        """Whether this is so, to the number."""
        if member is None or not self.present:
            return (member is not None) == self.present
        return self.count in (None, member.count) and self.order in (None, member.order)

    def change(self, member: Membership | None) -> "AgentChange":
        """What has to be stored for it: a number that is not given stays what it is, and is 0 for an agent who is new."""
        order = self.order if self.order is not None else member.order if member else 0
        return AgentChange(
            agent_id=self.agent_id,
            username=self.username,
            count=self.count if self.count is not None else member.count if member else 0,
            order=order,
            count_before=member.count if member and member.order == order else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChange(MemberChange):
    """What is to be stored for an agent, beside what was stored before: without that, nobody can tell whether a count has been lowered."""

    count_before: int | None
    """None for an agent who is new, and where the order changes, which tells by itself."""


Wish = UnitWish | AgentWish


def without_rows(wish: Wish) -> Wish:
    """What a wish asks for, whoever asks."""
    return replace(wish, rows=())


#: What a wish found before it was written: the id of the department's unit, the agent's place in it, or nothing.
Before = str | Membership | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a wish."""

    status: Status
    change: Change = Change.NONE
    code: Code | None = None
    said: str = ""
    """The server's own words, or the reason why nothing was sent."""
    seen: str = ""
    """What the server was found to hold instead, as a clause."""
    looked_up: bool = True
    """False where a write went out and what became of it could not be looked up."""
    undecided: bool = False
    """True where the write may have been carried out all the same, or yet be, whatever was seen afterwards."""
    attempts: int | None = None
    http_status: int | None = None
    seconds: float | None = None


#: A wish and what became of it.
Settled = tuple[Wish, Outcome]


ALREADY_SO = Outcome(status=Status.SUCCESS, change=Change.UNCHANGED)


def failed(code: Code, said: str = "") -> Outcome:
    """The outcome of a wish that fails without a call."""
    return Outcome(status=Status.FAILED, code=code, said=said)


def unit_post_id(unit_id: str, *, repairs: bool) -> str:
    """The id of the operation that writes a unit; one that only repairs its counters may come after another."""
    return f"unit/{unit_id}/repair" if repairs else f"unit/{unit_id}"


def department_put_id(department_id: str) -> str:
    """The id of the operation that puts a department; there is one at most."""
    return f"department/{department_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPost:
    """``POST livechat/units/:id``: the unit's departments, changed by the wishes (gains, and departments taken out of every unit)."""

    unit_id: str
    wishes: tuple[UnitWish, ...]
    """Empty where the call only repairs the counters of a unit that others took departments from."""
    lost: frozenset[str]
    """The departments that operations before this one take out of the unit."""
    after: tuple[str, ...]
    """Ids of the operations that must have ended before, whatever became of them."""

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return unit_post_id(self.unit_id, repairs=not self.wishes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentPut:
    """``PUT livechat/department/:id``: the department's unit (None: as it is then), and agents that are new or change."""

    department_id: str
    unit: UnitWish | None
    agents: tuple[AgentWish, ...]
    after: tuple[str, ...]

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return department_put_id(self.department_id)

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """All that it carries, the unit first."""
        return (*((self.unit,) if self.unit else ()), *self.agents)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsPost:
    """``POST livechat/department/:id/agents``: agents that leave, and those that are new or change along with them."""

    department_id: str
    wishes: tuple[AgentWish, ...]
    after: tuple[str, ...]

    @property
    def id(self) -> str:
        """What others name it by in ``after``."""
        return f"agents/{self.department_id}"


Operation = UnitPost | DepartmentPut | AgentsPost


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is to be done, and what is already known about the rest."""

    wishes: tuple[Wish, ...]
    """All of them; units first, each kind by first row."""
    settled: Mapping[Wish, Outcome]
    """The wishes that no operation carries."""
    operations: tuple[Operation, ...]
    """In an order that respects what each comes after."""
    warnings: tuple[str, ...]

    @property
    def removals(self) -> int:
        """How many agents leave a department."""
        wishes = (wish for operation in self.operations for wish in operation.wishes)
        return sum(isinstance(wish, AgentWish) and not wish.present for wish in wishes)


def unit_holds(wish: UnitWish, department: Department | None) -> bool:
    """Whether a department is in the unit it shall be in."""
    return department is not None and department.parent_id == wish.unit_id


def agent_holds(wish: AgentWish, change: AgentChange | None, member: Membership | None) -> bool:
    """Whether an agent is in the department with what was sent; a count above it is a chat that came in since.

    A count that was to be lowered and is no lower than before is none of these: nothing was stored.
    """
    if change is None or member is None:
        return (member is not None) == wish.present
    unchanged = change.count_before is not None and change.count < change.count_before <= member.count
    return member.count >= change.count and not unchanged and member.order == change.order
