"""The requests that this job makes, without I/O; each knows how its answer is read.

Sources are named by release and by file of the Rocket.Chat repository.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeVar
from urllib.parse import quote

from bulkjob.records import REQUIRED_FIELDS, Account, Agent, Department, MemberChange, Membership, Monitor, Unit
from bulkjob.rocketchat import payloads, shapes
from bulkjob.rocketchat.call import Request, Route
from bulkjob.rocketchat.payloads import DepartmentState, Page, StoredUnit

T = TypeVar("T")


#: Rows a page may have at most unless the workspace's administrator says otherwise (``API_Upper_Count_Limit``).
PAGE_SIZE: Final = 100


_PARAMETER = re.compile(":[a-z]+")


LIST_DEPARTMENTS: Final = Route(method="GET", pattern="livechat/department")


LIST_MEMBERS: Final = Route(method="GET", pattern="livechat/department/:id/agents")


PUT_DEPARTMENT: Final = Route(method="PUT", pattern="livechat/department/:id")


POST_AGENTS: Final = Route(method="POST", pattern="livechat/department/:id/agents")


POST_UNIT: Final = Route(method="POST", pattern="livechat/units/:id")


LIST_UNITS: Final = Route(method="GET", pattern="livechat/units")


CREATE_UNIT: Final = Route(method="POST", pattern="livechat/units")


DELETE_UNIT: Final = Route(method="DELETE", pattern="livechat/units/:id")


def info() -> Request[str | None]:
    """The server's version (``7.0``), None where it hides it. Not under ``/v1``: never rate limited, no account needed."""
    return Request(route=Route(method="GET", pattern="info"), path="/api/info", read=payloads.read_info)


def me() -> Request[Account]:
    """The account that the token belongs to."""
    return _get("me", read=payloads.read_account)


def permissions() -> Request[Mapping[str, frozenset[str]]]:
    """Permission → roles that have it."""
    return _get("permissions.listAll", read=payloads.read_permissions)


def licence() -> Request[frozenset[str]]:
    """The active modules of the licence; ``livechat-enterprise`` is what units need."""
    return _get("licenses.info", read=payloads.read_modules)


def departments(offset: int, count: int) -> Request[Page[Department]]:
    """A page of all departments, archived ones included, by id (a sort by name alone has no tiebreaker)."""
    return _list(
        LIST_DEPARTMENTS.pattern, offset, count, payloads.read_department, "departments", shape=shapes.departments, showArchived="true"
    )


def units(offset: int, count: int) -> Request[Page[Unit]]:
    """A page of the units. Since 7.5 those that the account may not see are left out unsaid, before that the answer is 403."""
    return _list(LIST_UNITS.pattern, offset, count, payloads.read_unit, "units")


def agents(offset: int, count: int) -> Request[Page[Agent]]:
    """A page of the live-chat agents. ``count=0`` fails here (a bare 0 becomes a stage of the aggregation)."""
    return _list("livechat/users/:type", offset, count, payloads.read_agent, "users", id="agent")


def department_agents(department_id: str, offset: int, count: int) -> Request[Page[Membership]]:
    """A page of a department's agents; empty for a department that is not there."""

    def read(entry: Mapping[str, object]) -> Membership:
        return payloads.read_membership(entry, department_id)

    def shape(body: bytes) -> Page[Membership]:
        return shapes.members(body, department_id)

    return _list(LIST_MEMBERS.pattern, offset, count, read, "agents", shape=shape, id=department_id)


def department(department_id: str) -> Request[DepartmentState]:
    """A department and, where the account may see them, its agents."""

    def read(payload: object) -> DepartmentState:
        return payloads.read_department_state(payload, department_id)

    def shape(body: bytes) -> DepartmentState:
        return shapes.department_state(body, department_id)

    return _get("livechat/department/:id", read=read, shape=shape, id=department_id)


def unit(unit_id: str) -> Request[Unit | None]:
    """A unit; None where there is none with this id, or this account may not see it (both 200)."""
    return _get("livechat/units/:id", read=lambda payload: payloads.read_unit_or_none(payload, unit_id), id=unit_id)


def monitors(offset: int, count: int) -> Request[Page[Monitor]]:
    """A page of the users who hold the role of a monitor. Needs ``manage-livechat-monitors``."""
    return _list("livechat/monitors", offset, count, payloads.read_role_holder, "monitors")


def unit_monitors(unit_id: str) -> Request[tuple[Monitor, ...]]:
    """The monitors of a unit. Needs ``manage-livechat-monitors``, not the units' permission."""
    return _get("livechat/units/:id/monitors", read=lambda payload: payloads.read_monitors(payload, unit_id), id=unit_id)


def put_department(
    department_id: str, fields: Mapping[str, object], *, unit_id: str | None, knows_units: bool, members: Iterable[MemberChange]
) -> Request[DepartmentState]:
    """Stores ``fields`` and adds or changes ``members``; the department ends up in ``unit_id`` (None: in no unit).

    ``fields``: the five required ones, and the description if it is to be stored. What else a department has stays as it is.

    The unit is always said: since 6.13 a ``PUT`` without ``departmentUnit`` takes the department out of its unit
    (``departments.ts`` passes ``departmentUnit || {}``). Before 6.13 (``knows_units`` false) the key is unknown and refused.
    """
    stored = {name: fields[name] for name in REQUIRED_FIELDS}
    body: dict[str, object] = {"department": stored | {name: fields[name] for name in ("description",) if name in fields}}
    changes = [member.as_json() for member in members]
    if changes:
        body["agents"] = changes
    if knows_units:
        body["departmentUnit"] = {} if unit_id is None else {"_id": unit_id}
    return _send(PUT_DEPARTMENT, department_id, body, lambda payload: payloads.read_department_state(payload, department_id))


def post_department_agents(department_id: str, upsert: Iterable[MemberChange], remove: Mapping[str, str]) -> Request[bool]:
    """Removes agents (id → username) from a department, then adds or changes others; the answer tells nothing.

    Both keys must be there; unknown ones are refused.
    """
    body = {
        "upsert": [member.as_json() for member in upsert],
        "remove": [{"agentId": agent_id, "username": username} for agent_id, username in remove.items()],
    }
    return _send(POST_AGENTS, department_id, body, lambda _: True)


def post_unit(unit: Unit, monitors: Iterable[Monitor], department_ids: Iterable[str]) -> Request[StoredUnit]:
    """Replaces a whole unit: every monitor and department that is not in the body leaves it (``LivechatUnit.ts``)."""
    body = _whole_unit(unit, monitors, department_ids)
    return _send(POST_UNIT, unit.id, body, lambda payload: payloads.read_stored_unit(payload, unit.id))


def create_unit(unit: Unit, monitors: Iterable[Monitor], department_ids: Iterable[str]) -> Request[StoredUnit]:
    """Makes a unit; the server gives it an id, whatever ``unit`` says. Not idempotent, and its name need not be the only one."""
    body = _whole_unit(unit, monitors, department_ids)
    return _send(CREATE_UNIT, "", body, lambda payload: payloads.read_stored_unit(payload, None))


def delete_unit(unit_id: str) -> Request[bool]:
    """Takes a unit away, with its monitors; departments in it are released. The answer is a bare number."""
    return Request(route=DELETE_UNIT, path=_path(DELETE_UNIT.pattern, unit_id), read=lambda _: True)


def _whole_unit(unit: Unit, monitors: Iterable[Monitor], department_ids: Iterable[str]) -> dict[str, object]:
    if unit.visibility is None:
        message = "a unit without a visibility cannot be written back as it is"
        raise ValueError(message)
    return {
        "unitData": {"name": unit.name, "visibility": unit.visibility},
        "unitMonitors": [{"monitorId": monitor.id, "username": monitor.username} for monitor in monitors],
        "unitDepartments": [{"departmentId": department_id} for department_id in department_ids],
    }


def _get(
    pattern: str,
    *,
    read: Callable[[object], T],
    shape: Callable[[bytes], T] | None = None,
    query: tuple[tuple[str, str], ...] = (),
    id: str = "",  # noqa: A002
) -> Request[T]:
    return Request(route=Route(method="GET", pattern=pattern), path=_path(pattern, id), read=read, shape=shape, query=query)


def _send(route: Route, identifier: str, body: Mapping[str, object], read: Callable[[object], T]) -> Request[T]:
    return Request(route=route, path=_path(route.pattern, identifier), read=read, body=body)


def _list(
    pattern: str,
    offset: int,
    count: int,
    item: Callable[[Mapping[str, object]], T],
    key: str,
    *,
    shape: Callable[[bytes], Page[T]] | None = None,
    id: str = "",  # noqa: A002
    **more: str,
) -> Request[Page[T]]:
    query = (("offset", str(offset)), ("count", str(count)), ("sort", '{"_id":1}'), *more.items())
    return _get(pattern, read=lambda payload: payloads.read_page(payload, key, item), shape=shape, query=query, id=id)


@lru_cache(maxsize=1024)
def _path(pattern: str, identifier: str) -> str:
    """Made once for the reading and the writing of one department."""
    return "/api/v1/" + _PARAMETER.sub(quote(identifier, safe=""), pattern)
