"""Answers in the shape that they usually have, read from their bytes at once: what is read often or is long.

`payloads` reads any shape of them, and the same from these; each function here raises `ValueError` where it has to.
"""

from typing import Annotated, Final, Literal

import msgspec

from bulkjob.records import Department, Membership
from bulkjob.rocketchat.payloads import LARGEST, DepartmentState, Page

_Id = Annotated[str, msgspec.Meta(min_length=1)]


_Whole = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]


class _Department(msgspec.Struct, rename={"id": "_id"}, gc=False):
    id: _Id
    name: str | None = None
    parentId: str | None = None  # noqa: N815 - as Rocket.Chat spells it, which is cheaper to keep than to rename
    archived: bool | None = None
    email: str | None = None
    enabled: bool | None = None
    showOnRegistration: bool | None = None  # noqa: N815
    showOnOfflineForm: bool | None = None  # noqa: N815
    description: str | None = None
    businessHourId: str | None = None  # noqa: N815
    type: str | None = None

    def record(self) -> Department:
        """As everybody else knows it."""
        stored = {
            "name": self.name,
            "email": self.email,
            "enabled": self.enabled,
            "showOnRegistration": self.showOnRegistration,
            "showOnOfflineForm": self.showOnOfflineForm,
        }
        return Department(
            id=self.id,
            name=self.name or "",
            parent_id=self.parentId or None,
            archived=self.archived is True,
            required=stored if None not in stored.values() else {name: value for name, value in stored.items() if value is not None},
            description=self.description,
            business_hour_id=self.businessHourId,
        )


class _Member(msgspec.Struct, gc=False):
    agentId: _Id  # noqa: N815
    departmentId: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815
    username: str | None = None
    count: _Whole | None = None
    order: _Whole | None = None

    def record(self) -> Membership:
        """As everybody else knows it."""
        return Membership(agent_id=self.agentId, username=self.username or "", count=self.count or 0, order=self.order or 0)


class _Departments(msgspec.Struct):
    departments: list[_Department]
    total: _Whole
    success: Literal[True] = True


class _Members(msgspec.Struct):
    agents: list[_Member]
    total: _Whole
    success: Literal[True] = True


class _State(msgspec.Struct):
    department: _Department | None
    agents: list[_Member] | msgspec.UnsetType = msgspec.UNSET
    success: Literal[True] = True


_DEPARTMENTS: Final = msgspec.json.Decoder(_Departments)


_MEMBERS: Final = msgspec.json.Decoder(_Members)


_STATE: Final = msgspec.json.Decoder(_State)


def departments(body: bytes) -> Page[Department]:
    """A page of departments."""
    page = _DEPARTMENTS.decode(body)
    return Page(items=tuple([entry.record() for entry in page.departments]), total=page.total)


def members(body: bytes, department_id: str) -> Page[Membership]:
    """A page of the agents of the department of that id."""
    page = _MEMBERS.decode(body)
    return Page(items=_records(page.agents, department_id), total=page.total)


def department_state(body: bytes, department_id: str) -> DepartmentState:
    """The department of that id and its agents."""
    state = _STATE.decode(body)
    found, agents = state.department, state.agents
    if found is not None and found.id != department_id:
        raise ValueError(found.id)
    return DepartmentState(
        department=None if found is None or found.type == "u" else found.record(),
        members=None if agents is msgspec.UNSET else _records(agents, department_id),
    )


def _records(agents: list[_Member], department_id: str) -> tuple[Membership, ...]:
    if {entry.departmentId for entry in agents} - {department_id, msgspec.UNSET}:
        raise ValueError(department_id)
    return tuple([entry.record() for entry in agents])
