"""What the body of a write is made from: the thing as it is, to which each change adds what it asks for."""

from dataclasses import dataclass, field

from bulkjob.records import MemberChange, Monitor


@dataclass(slots=True, kw_only=True)
class UnitDraft:
    """A whole unit, as ``POST livechat/units/:id`` replaces it."""

    id: str
    name: str
    visibility: str
    monitors: dict[str, Monitor]
    departments: dict[str, None]
    """Ids, in the order in which they are sent."""


@dataclass(slots=True, kw_only=True)
class DepartmentDraft:
    """What ``PUT livechat/department/:id`` stores, or ``POST …/agents`` of it."""

    fields: dict[str, object] = field(default_factory=dict)
    unit_id: str | None = None
    upserts: dict[str, MemberChange] = field(default_factory=dict)
    """Agent id → what is to be stored."""
    removals: dict[str, str] = field(default_factory=dict)
    """Agent id → username."""
