"""Records as the first format of the journal held them; kept, so that runs of that version can be continued and undone."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from bulkjob.changes import AnyChange, DepartmentAgent, DepartmentUnit, Prior


class OwnerOfFormat1(msgspec.Struct, frozen=True, kw_only=True):
    """What a run directory belongs to."""

    sheet_sha256: str
    sheet_name: str
    server: str
    agents: Literal["add", "mirror"]
    unit_route: Literal["auto", "unit", "department"]
    skip_invalid: bool
    plan_sha256: str = ""


class OpenedOfFormat1(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    """The beginning of an attempt."""

    format: int
    bulkjob: str
    owner: OwnerOfFormat1


class ChangeOfFormat1(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a department's unit, or, with ``agent``, of an agent's place."""

    department: str
    rows: tuple[int, ...]
    unit: str | None = None
    agent: str | None = None
    username: str = ""
    present: bool = True
    count: int | None = None
    order: int | None = None
    before: Prior = None

    def of_today(self) -> AnyChange:
        """The same as a change of today's kinds."""
        if self.agent is None:
            return DepartmentUnit(department_id=self.department, unit_id=self.unit, rows=self.rows)
        return DepartmentAgent(
            department_id=self.department,
            agent_id=self.agent,
            username=self.username,
            present=self.present,
            count=self.count,
            order=self.order,
            rows=self.rows,
        )


class IntentOfFormat1(msgspec.Struct, frozen=True, kw_only=True, tag="intent"):
    """A write that is about to go out."""

    number: int
    operation: str
    method: str
    path: str
    body: Mapping[str, object]
    changes: tuple[ChangeOfFormat1, ...]
    picture: Mapping[str, object]
