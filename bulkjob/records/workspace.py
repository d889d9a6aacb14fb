"""What the server holds, as far as this job needs it: departments, units, agents and their places."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec


class Membership(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An agent's place in one department (``livechat_department_agents``)."""

    agent_id: str
    username: str
    count: int
    order: int
    doubled: bool = False
    """Whether the server stores the agent there more than once (nothing keeps it from that); the numbers are those of one of the rows."""


def doubled(first: Membership, second: Membership) -> Membership:
    """The place of an agent of whom a department's list has two rows: the numbers of the later one."""
    del first
    return msgspec.structs.replace(second, doubled=True)


def members_by_id(members: Iterable[Membership]) -> dict[str, Membership]:
    """A department's list by agent id."""
    found: dict[str, Membership] = {}
    for member in members:
        found[member.agent_id] = doubled(found[member.agent_id], member) if member.agent_id in found else member
    return found


class Department(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A department as the server stores it, as far as this job needs it."""

    id: str
    name: str
    parent_id: str | None
    """The id of its unit; the server stores null or nothing at all for none."""
    archived: bool
    required: Mapping[str, object] = msgspec.field(default_factory=dict)
    """Those of the five fields a PUT must carry (`REQUIRED_FIELDS`) that are stored with the right type."""
    description: str | None = None
    """None where none is stored."""
    business_hour_id: str | None = None
    """Of the business hour that it keeps; disabling a department takes it out of that for good (``Multiple.ts``)."""

    @property
    def fields(self) -> Mapping[str, object]:
        """Those of the fields that a sheet can set which are stored with the right type."""
        return self.required if self.description is None else {**self.required, "description": self.description}

    @property
    def missing_fields(self) -> tuple[str, ...]:
        """Those of them that are not."""
        return tuple(name for name in REQUIRED_FIELDS if name not in self.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit as the server lists it."""

    id: str
    name: str
    visibility: str | None
    counted: int | None = None
    """How many departments the unit's counter says it has; it may be wrong, and says only whether it has to be put right."""
    monitors: int | None = None
    """How many monitors it had when it was written last; of use only to an account that may not list them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A unit's monitor as the server lists it."""

    id: str
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A user whom the server lists as a live-chat agent."""

    id: str
    username: str
    department_ids: frozenset[str] | None
    """The departments that have this agent in their list; None where the server does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What the server held when it was read, by id."""

    departments: Mapping[str, Department]
    """All of them, archived ones included."""
    units: Mapping[str, Unit] | None
    """None where the account cannot list units, or the job did not need them."""
    outside: frozenset[str] = frozenset()
    """Units that read as if they were not there, or are not listed: not those of this account, which is restricted to its own."""
    all_units: bool = True
    """False where `units` may lack some: since 7.5 the server leaves out, unsaid, those that the account does not monitor."""
    agents: Mapping[str, Agent]
    """The live-chat agents."""
    members: Mapping[str, Mapping[str, Membership]] = field(default_factory=dict)
    """Department id → agent id → place, of those departments whose lists were read."""
    monitors: Mapping[str, Mapping[str, Monitor]] = field(default_factory=dict)
    """Unit id → user id → monitor, of those units whose monitors were read."""
    role_holders: Mapping[str, Monitor] | None = None
    """Who holds the role of a monitor, by id; None where that was not read, or this account may not list it."""


#: The fields that a ``PUT livechat/department/:id`` must carry, with their types (``departmentsLib.ts``, ``check``).
REQUIRED_FIELDS: Final[dict[str, type]] = {
    "name": str,
    "email": str,
    "enabled": bool,
    "showOnRegistration": bool,
    "showOnOfflineForm": bool,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """An agent to be put into a department, with what is to be stored."""

    agent_id: str
    username: str
    count: int
    order: int

    def as_json(self) -> dict[str, object]:
        """As a request's body has it."""
        # ``username`` is needed before 6.6 and ignored since; count and order left out would be stored as 0 (``Helper.ts``).
        return {"agentId": self.agent_id, "username": self.username, "count": self.count, "order": self.order}
