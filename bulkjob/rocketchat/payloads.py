"""What Rocket.Chat's JSON holds, read field by field and by type; what has another shape is `Unexpected`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import msgspec

from bulkjob.phrases import one_line
from bulkjob.records import REQUIRED_FIELDS, Account, Agent, Department, Membership, Monitor, Unit
from bulkjob.rocketchat.call import Unexpected

T = TypeVar("T")


T_co = TypeVar("T_co", covariant=True)


#: Beyond this JavaScript's numbers leave whole ones out: no counter and no list of Rocket.Chat's comes there.
LARGEST: Final = 2**53


#: A version that is told has a few characters; what is longer is cut, and is no release.
_VERSION_AT_MOST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """A part of a list."""

    items: tuple[T_co, ...]
    total: int


class DepartmentState(msgspec.Struct, frozen=True, kw_only=True):
    """One department as ``GET`` and ``PUT livechat/department/:id`` answer it."""

    department: Department | None
    """None where there is none with this id (answered with 200)."""
    members: tuple[Membership, ...] | None
    """None where the account may not see them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUnit:
    """What ``POST livechat/units`` and ``POST livechat/units/:id`` say they stored; the count is the server's word only."""

    id: str
    monitors: int | None


@dataclass(frozen=True, slots=True)
class _Fields:
    """A JSON object whose fields are read by type."""

    of: Mapping[str, object] = field(repr=False)

    def text(self, key: str) -> str:
        value = self.of.get(key)
        if not isinstance(value, str):
            raise Unexpected(f"{key!r} is not text")
        return value

    def id(self, key: str) -> str:
        """A text that is not blank: what stands in a path must not be missing there."""
        value = self.text(key)
        if not value:
            raise Unexpected(f"{key!r} is blank")
        return value

    def of_one(self, key: str, wanted: str) -> None:
        """Refuses what is another one's: a cache or a proxy that mixes up answers must not make its mistake ours."""
        found = self.of.get(key, wanted)
        if found != wanted:
            raise Unexpected(f"{key!r} is {found!r}, and {wanted!r} was asked for")

    def text_or_blank(self, key: str) -> str:
        value = self.of.get(key)
        return value if isinstance(value, str) else ""

    def text_or_none(self, key: str) -> str | None:
        value = self.of.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str, default: int | None = None) -> int:
        value = self.of.get(key)
        if type(value) is int and -LARGEST <= value <= LARGEST:
            return value
        value = default if value is None else value
        # (No comparison holds for what is not a number, NaN.)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
            raise Unexpected(f"{key!r} is not a number")
        return int(value)


def _object(payload: object) -> Mapping[str, object]:
    if not isinstance(payload, dict):
        raise Unexpected("not a JSON object")
    return payload


def _objects(payload: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    items = payload.get(key)
    if not isinstance(items, list):
        raise Unexpected(f"{key!r} is not a list")
    return [_object(item) for item in items]


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def _listed_texts(payload: Mapping[str, object], key: str) -> frozenset[str]:
    """The texts of a list that must be there: without it nothing is known, which is not the same as none."""
    if not isinstance(payload.get(key), list):
        raise Unexpected(f"{key!r} is not a list")
    return _texts(payload[key])


def read_page(payload: object, key: str, item: Callable[[Mapping[str, object]], T]) -> Page[T]:
    """A part of a list: the entries below ``key``, each read by ``item``."""
    body = _object(payload)
    return Page(items=tuple(item(entry) for entry in _objects(body, key)), total=_Fields(body).number("total"))


def read_info(payload: object) -> str | None:
    """The version, None where it is hidden."""
    body = _object(payload)
    nested = body.get("info")
    version = _Fields(body).text_or_blank("version") or (_Fields(nested).text_or_blank("version") if isinstance(nested, dict) else "")
    if not version and body.get("success") is not True:
        raise Unexpected("neither a version nor success")
    return one_line(version, _VERSION_AT_MOST) or None


def read_account(payload: object) -> Account:
    """``GET me``."""
    body = _object(payload)
    fields = _Fields(body)
    return Account(id=fields.id("_id"), username=fields.text_or_blank("username"), roles=_listed_texts(body, "roles"))


def read_permissions(payload: object) -> Mapping[str, frozenset[str]]:
    """Permission → roles that have it."""
    return {_Fields(entry).id("_id"): _texts(entry.get("roles")) for entry in _objects(_object(payload), "update")}


def read_modules(payload: object) -> frozenset[str]:
    """The licence's active modules."""
    return _listed_texts(_object(_object(payload).get("license")), "activeModules")


def read_department(entry: Mapping[str, object]) -> Department:
    """A department of a list, or by itself."""
    fields = _Fields(entry)
    return Department(
        id=fields.id("_id"),
        name=fields.text_or_blank("name"),
        parent_id=fields.text_or_blank("parentId") or None,
        archived=entry.get("archived") is True,
        required={name: entry[name] for name, kind in REQUIRED_FIELDS.items() if isinstance(entry.get(name), kind)},
        description=fields.text_or_none("description"),
        business_hour_id=fields.text_or_none("businessHourId"),
    )


def read_department_state(payload: object, department_id: str) -> DepartmentState:
    """The department of that id and its agents."""
    body = _object(payload)
    if "department" not in body:
        raise Unexpected("no 'department'")
    entry = body["department"]
    if entry is not None:
        _Fields(_object(entry)).of_one("_id", department_id)
    # A unit's id reads as the unit itself, because both live in one collection; a PUT would turn the unit into a department.
    missing = entry is None or _object(entry).get("type") == "u"
    return DepartmentState(
        department=None if missing else read_department(_object(entry)),
        members=_members(_objects(body, "agents"), department_id) if "agents" in body else None,
    )


def _members(entries: Iterable[Mapping[str, object]], department_id: str) -> tuple[Membership, ...]:
    """One for each row: the collection has no unique index, so that simultaneous writers can store an agent twice."""
    return tuple(read_membership(entry, department_id) for entry in entries)


def read_membership(entry: Mapping[str, object], department_id: str) -> Membership:
    """An agent's place in the department of that id."""
    fields = _Fields(entry)
    fields.of_one("departmentId", department_id)
    return Membership(
        agent_id=fields.id("agentId"),
        username=fields.text_or_blank("username"),
        count=fields.number("count", 0),
        order=fields.number("order", 0),
    )


def read_unit(entry: Mapping[str, object]) -> Unit:
    """A unit of a list, or by itself."""
    fields = _Fields(entry)
    visibility, counted, monitors = entry.get("visibility"), entry.get("numDepartments"), entry.get("numMonitors")
    return Unit(
        id=fields.id("_id"),
        name=fields.text_or_blank("name"),
        visibility=visibility if isinstance(visibility, str) else None,
        counted=counted if type(counted) is int else None,
        monitors=monitors if type(monitors) is int else None,
    )


_NO_UNIT: Final = (None, {"statusCode": 200, "body": None}, {"success": True})


def read_unit_or_none(payload: object, unit_id: str) -> Unit | None:
    """An unknown id is ``null``, ``{"statusCode":200,"body":null}`` (Restivus since 5) or ``{"success":true}``."""
    if payload in _NO_UNIT:
        return None
    entry = _object(payload)
    _Fields(entry).of_one("_id", unit_id)
    # A write sends the name back as it is read here: one that is missing must not become a blank one.
    _Fields(entry).text("name")
    return read_unit(entry)


def read_role_holder(entry: Mapping[str, object]) -> Monitor:
    """A user who holds the role of a monitor."""
    username = entry.get("username")
    return Monitor(id=_Fields(entry).id("_id"), username=username if isinstance(username, str) else "")


def read_monitors(payload: object, unit_id: str) -> tuple[Monitor, ...]:
    """The monitors of the unit of that id, one per user."""
    entries = [_Fields(entry) for entry in _objects(_object(payload), "monitors")]
    for entry in entries:
        entry.of_one("unitId", unit_id)
    return tuple({entry.id("monitorId"): Monitor(id=entry.id("monitorId"), username=entry.text("username")) for entry in entries}.values())


def read_agent(entry: Mapping[str, object]) -> Agent:
    """A live-chat agent."""
    fields = _Fields(entry)
    return Agent(
        id=fields.id("_id"),
        username=fields.text_or_blank("username"),
        department_ids=_texts(entry["departments"]) if isinstance(entry.get("departments"), list) else None,
    )


def read_stored_unit(payload: object, unit_id: str | None) -> StoredUnit:
    """What was stored as the unit of that id, of any if it is None. No ``success`` here before 5.2."""
    body = _object(payload)
    if unit_id is not None:
        _Fields(body).of_one("_id", unit_id)
    monitors = body.get("numMonitors")
    return StoredUnit(id=_Fields(body).id("_id"), monitors=monitors if type(monitors) is int else None)
