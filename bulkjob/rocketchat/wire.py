"""Requests and the meaning of answers, without I/O.

A `Request` knows how its own answer is to be read. `interpret` says what an answer means: the value that was asked for, or a
`Failure` that says what to do next. Sources are named by release and by file of the Rocket.Chat repository.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from math import isfinite
from typing import Final, Generic, TypeVar
from urllib.parse import quote

from bulkjob.records import Agent, Department, Membership, Monitor, Unit
from bulkjob.vocabulary import Code

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: The fields that a ``PUT livechat/department/:id`` must carry, with their types (``departmentsLib.ts``, ``check``).
REQUIRED_FIELDS: Final[dict[str, type]] = {
    "name": str,
    "email": str,
    "enabled": bool,
    "showOnRegistration": bool,
    "showOnOfflineForm": bool,
}

#: Rows a page may have at most unless the workspace's administrator says otherwise (``API_Upper_Count_Limit``).
PAGE_SIZE: Final = 100

_SAID_AT_MOST = 300

#: A stamp that is older than ``Date`` by more than this, in seconds, is an earlier write's.
_STALE = 2.0

_PARAMETER = re.compile(":[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the rate limiter counts by: method and path pattern, without the API prefix."""

    method: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[T_co]):
    """One call, and how its answer is read."""

    route: Route
    path: str
    """From the server's root, percent-encoded."""
    read: Callable[[object], T_co]
    """Turns the JSON value of a good answer into what was asked for; raises `Unexpected`."""
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None

    @property
    def writes(self) -> bool:
        """Whether the call changes anything on the server."""
        return self.route.method != "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer as it came."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


LIST_DEPARTMENTS: Final = Route(method="GET", pattern="livechat/department")
PUT_DEPARTMENT: Final = Route(method="PUT", pattern="livechat/department/:id")
POST_AGENTS: Final = Route(method="POST", pattern="livechat/department/:id/agents")
POST_UNIT: Final = Route(method="POST", pattern="livechat/units/:id")


class Unexpected(Exception):
    """An answer is JSON, but not what this endpoint answers."""


class Next(Enum):
    """What the caller of a failed call does next."""

    WAIT = auto()
    """Wait as long as the answer says, then send it again; costs no attempt."""
    REPEAT = auto()
    """Back off and send it again, as long as there are attempts."""
    ROW = auto()
    """This call will not succeed; others may."""
    JOB = auto()
    """No call will succeed: the job ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call did not give what was asked for."""

    next: Next
    code: Code
    said: str
    """The server's own words, or what the network said; cut to a readable length."""
    status: int | None = None
    error_type: str = ""
    """Rocket.Chat's ``errorType``, where there is one."""
    wait: float | None = None
    """Seconds that a 429's own text asks for; its headers are the gate's business."""
    undecided: bool = False
    """Whether the server may have carried out the call all the same."""
    untrusted: bool = False
    """Whether the server could not prove who it is."""


class CallFailed(Exception):
    """A call failed for good; the failure says how."""

    def __init__(self, failure: Failure, attempts: int = 1) -> None:
        super().__init__(failure.said)
        self.failure = failure
        self.attempts = attempts


# ---------------------------------------------------------------------------------------------------------------- answers


def interpret(request: Request[T], answer: Answer) -> T | Failure:
    """The value that `request` asked for, or why there is none."""
    payload, is_json = _json(answer.body)
    if 300 <= answer.status < 400:
        target = answer.headers.get("location", "an address it does not name")
        return Failure(next=Next.JOB, code=Code.REJECTED, said=f"redirected to {target}", status=answer.status)
    if answer.status == 429:
        return _too_many(answer, payload)
    if answer.status >= 500:
        said = said_by(payload) or _text(answer)
        return Failure(next=Next.REPEAT, code=Code.SERVER_ERROR, said=said, status=answer.status, undecided=request.writes)
    if not is_json or (answer.status >= 400 and not said_by(payload)):
        said = f"not an answer of Rocket.Chat's API: {_text(answer)}"
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said=said, status=answer.status, undecided=request.writes)
    if answer.status >= 400 or (isinstance(payload, dict) and payload.get("success") is False):
        return _refusal(answer.status, payload)
    try:
        return request.read(payload)
    except Unexpected as problem:
        said = f"an answer of another shape than this endpoint's: {problem}"
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said=said, status=answer.status, undecided=request.writes)


def said_by(payload: object) -> str:
    """The words in an error envelope of any server line (``error``, or ``message`` of the Restivus lines); blank if there are none."""
    if not isinstance(payload, dict):
        return ""
    for key in ("error", "message", "status"):
        words = payload.get(key)
        if isinstance(words, str) and words:
            return words[:_SAID_AT_MOST]
    return "the server gave no reason" if payload.get("success") is False else ""


def _refusal(status: int, payload: object) -> Failure:
    error_type = payload.get("errorType") if isinstance(payload, dict) else None
    ends_job = status in (401, 403)
    return Failure(
        next=Next.JOB if ends_job else Next.ROW,
        code=Code.REFUSED if ends_job else Code.REJECTED,
        said=said_by(payload),
        status=status,
        error_type=error_type if isinstance(error_type, str) else "",
    )


def _too_many(answer: Answer, payload: object) -> Failure:
    """A 429 of Rocket.Chat names its end in a header or in its text; a proxy's may do neither.

    The text is "You must wait N seconds …" (``ApiClass.ts``, ``enforceRateLimit``); ``Retry-After`` is a proxy's at best.
    """
    said = said_by(payload)
    wait = _named_wait(payload)
    if wait is None:
        wait = _number(answer.headers.get("retry-after", "")) or None
    named = wait is not None or rate_limit(answer) is not None
    return Failure(next=Next.WAIT if named else Next.REPEAT, code=Code.RATE_LIMITED, said=said or _text(answer), status=429, wait=wait)


def _named_wait(payload: object) -> float | None:
    """The seconds that a refusal's text tells to wait; None if it tells none."""
    words = said_by(payload).split()
    after = words.index("wait") + 1 if "wait" in words else len(words)
    return _number(words[after]) if after < len(words) else None


def _json(body: bytes) -> tuple[object, bool]:
    try:
        return json.loads(body), True
    except (ValueError, RecursionError):
        return None, False


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _text(answer: Answer) -> str:
    text = " ".join(answer.body[: 4 * _SAID_AT_MOST].decode("utf-8", "replace").split())
    kind = answer.headers.get("content-type", "no content type").split(";")[0]
    return f"HTTP {answer.status}, {kind}, {len(answer.body)} bytes: {text[:_SAID_AT_MOST]}"


# ------------------------------------------------------------------------------------------------------------- rate limit


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What ``X-RateLimit-*`` announce for the route that was called."""

    limit: int
    remaining: int
    reset: float
    """When the window ends, in seconds since the epoch by the server's clock (the header has milliseconds)."""


def rate_limit(answer: Answer) -> RateLimit | None:
    """The announced limit; None where the server does not limit this account, or something strips the headers."""
    try:
        limit = RateLimit(
            limit=int(answer.headers["x-ratelimit-limit"]),
            remaining=int(answer.headers["x-ratelimit-remaining"]),
            reset=int(answer.headers["x-ratelimit-reset"]) / 1000,
        )
    except (KeyError, ValueError):
        return None
    return limit if limit.limit > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTime:
    """What the server's clock showed at some moment between a call and its answer, in seconds since the epoch."""

    earliest: float
    latest: float
    own: bool
    """Whether it was told by what keeps the windows or stores the documents; a ``Date`` may be a proxy's."""


def server_time(request: Request[object], answer: Answer) -> ServerTime | None:
    """The time that an answer tells.

    There is ``Date``, in whole seconds, which servers renew once a second. A write stamps the department or unit that it stores with
    ``_updatedAt``, to the millisecond; one much older than ``Date`` was not made by this write. A refusal tells the end of its window
    twice: as a time, and in words as whole seconds from now, rounded up (``ApiClass.ts``).
    """
    if answer.status == 429 and (limit := rate_limit(answer)) and (wait := _named_wait(_json(answer.body)[0])) is not None:
        return ServerTime(earliest=limit.reset - wait, latest=limit.reset - wait + 1.001, own=True)
    try:
        date = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None
    stamp = _stamp(answer.body) if request.writes and answer.status == 200 else None
    if stamp is None or stamp < date - _STALE:
        return ServerTime(earliest=date, latest=date + 1.2, own=False)
    return ServerTime(earliest=stamp, latest=stamp + 0.001, own=True)


def _stamp(body: bytes) -> float | None:
    """When a write stored what it answers, in seconds since the epoch; agents in the answer may bear other people's stamps."""
    payload, _ = _json(body)
    stored = payload.get("department", payload) if isinstance(payload, dict) else None
    stamp = stored.get("_updatedAt") if isinstance(stored, dict) else None
    try:
        return datetime.fromisoformat(stamp).timestamp() if isinstance(stamp, str) else None
    except ValueError:
        return None


# --------------------------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """A part of a list."""

    items: tuple[T_co, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account that the job signs in with."""

    id: str
    username: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentState:
    """One department as ``GET`` and ``PUT livechat/department/:id`` answer it."""

    department: Department | None
    """None where there is none with this id (answered with 200)."""
    members: tuple[Membership, ...] | None
    """None where the account may not see them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUnit:
    """What ``POST livechat/units/:id`` says it stored; the counts are the server's word only."""

    id: str
    monitors: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """An agent to be put into a department, with what is to be stored."""

    agent_id: str
    username: str
    count: int
    order: int

    def as_json(self) -> dict[str, object]:
        # ``username`` is needed before 6.6 and ignored since; count and order left out would be stored as 0 (``Helper.ts``).
        return {"agentId": self.agent_id, "username": self.username, "count": self.count, "order": self.order}


def info() -> Request[str | None]:
    """The server's version (``7.0``), None where it hides it. Not under ``/v1``: never rate limited, no account needed."""
    return Request(route=Route(method="GET", pattern="info"), path="/api/info", read=_read_info)


def me() -> Request[Account]:
    return _get("me", read=_read_account)


def permissions() -> Request[Mapping[str, frozenset[str]]]:
    """Permission → roles that have it."""
    return _get("permissions.listAll", read=_read_permissions)


def licence() -> Request[frozenset[str]]:
    """The active modules of the licence; ``livechat-enterprise`` is what units need."""
    return _get("licenses.info", read=_read_modules)


def departments(offset: int, count: int) -> Request[Page[Department]]:
    """A page of all departments, archived ones included, by id (a sort by name alone has no tiebreaker)."""
    return _list(LIST_DEPARTMENTS.pattern, offset, count, _read_department, "departments", showArchived="true")


def units(offset: int, count: int) -> Request[Page[Unit]]:
    return _list("livechat/units", offset, count, _read_unit, "units")


def agents(offset: int, count: int) -> Request[Page[Agent]]:
    """A page of the live-chat agents. ``count=0`` fails here (a bare 0 becomes a stage of the aggregation)."""
    return _list("livechat/users/:type", offset, count, _read_agent, "users", id="agent")


def department_agents(department_id: str, offset: int, count: int) -> Request[Page[Membership]]:
    return _list("livechat/department/:id/agents", offset, count, _read_membership, "agents", id=department_id)


def department(department_id: str) -> Request[DepartmentState]:
    return _get("livechat/department/:id", read=_read_department_state, id=department_id)


def unit(unit_id: str) -> Request[Unit | None]:
    """A unit; None where there is none with this id, or this account may not see it (both 200)."""
    return _get("livechat/units/:id", read=_read_unit_or_none, id=unit_id)


def monitors(offset: int, count: int) -> Request[Page[Monitor]]:
    """A page of the users who hold the role of a monitor. Needs ``manage-livechat-monitors``."""
    return _list("livechat/monitors", offset, count, _read_role_holder, "monitors")


def unit_monitors(unit_id: str) -> Request[tuple[Monitor, ...]]:
    """The monitors of a unit. Needs ``manage-livechat-monitors``, not the units' permission."""
    return _get("livechat/units/:id/monitors", read=_read_monitors, id=unit_id)


def put_department(
    department_id: str, fields: Mapping[str, object], *, unit_id: str | None, knows_units: bool, members: Iterable[MemberChange]
) -> Request[DepartmentState]:
    """Stores the five required fields and adds or changes ``members``; the department ends up in ``unit_id`` (None: in no unit).

    The unit is always said: since 6.13 a ``PUT`` without ``departmentUnit`` takes the department out of its unit
    (``departments.ts`` passes ``departmentUnit || {}``). Before 6.13 (``knows_units`` false) the key is unknown and refused.
    """
    body: dict[str, object] = {"department": {name: fields[name] for name in REQUIRED_FIELDS}}
    changes = [member.as_json() for member in members]
    if changes:
        body["agents"] = changes
    if knows_units:
        body["departmentUnit"] = {} if unit_id is None else {"_id": unit_id}
    return _send(PUT_DEPARTMENT, department_id, body, _read_department_state)


def post_department_agents(department_id: str, upsert: Iterable[MemberChange], remove: Iterable[Membership]) -> Request[bool]:
    """Removes agents from a department, then adds or changes others; the answer tells nothing. Both keys must be there; unknown ones are refused."""
    body = {
        "upsert": [member.as_json() for member in upsert],
        "remove": [{"agentId": member.agent_id, "username": member.username} for member in remove],
    }
    return _send(POST_AGENTS, department_id, body, lambda _: True)


def post_unit(unit: Unit, monitors: Iterable[Monitor], department_ids: Iterable[str]) -> Request[StoredUnit]:
    """Replaces a whole unit: every monitor and department that is not in the body leaves it (``LivechatUnit.ts``)."""
    if unit.visibility is None:
        message = "a unit without a visibility cannot be written back as it is"
        raise ValueError(message)
    body = {
        "unitData": {"name": unit.name, "visibility": unit.visibility},
        "unitMonitors": [{"monitorId": monitor.id, "username": monitor.username} for monitor in monitors],
        "unitDepartments": [{"departmentId": department_id} for department_id in department_ids],
    }
    return _send(POST_UNIT, unit.id, body, _read_stored_unit)


def _get(pattern: str, *, read: Callable[[object], T], query: tuple[tuple[str, str], ...] = (), id: str = "") -> Request[T]:  # noqa: A002
    return Request(route=Route(method="GET", pattern=pattern), path=_path(pattern, id), read=read, query=query)


def _send(route: Route, identifier: str, body: Mapping[str, object], read: Callable[[object], T]) -> Request[T]:
    return Request(route=route, path=_path(route.pattern, identifier), read=read, body=body)


def _list(
    pattern: str,
    offset: int,
    count: int,
    item: Callable[[Mapping[str, object]], T],
    key: str,
    *,
    id: str = "",  # noqa: A002
    **more: str,
) -> Request[Page[T]]:
    query = (("offset", str(offset)), ("count", str(count)), ("sort", '{"_id":1}'), *more.items())
    return _get(pattern, read=lambda payload: _read_page(payload, key, item), query=query, id=id)


def _path(pattern: str, identifier: str) -> str:
    return "/api/v1/" + _PARAMETER.sub(quote(identifier, safe=""), pattern)


# ---------------------------------------------------------------------------------------------------------------- readers


@dataclass(frozen=True, slots=True)
class _Fields:
    """A JSON object whose fields are read by type."""

    of: Mapping[str, object] = field(repr=False)

    def text(self, key: str) -> str:
        value = self.of.get(key)
        if not isinstance(value, str):
            raise Unexpected(f"{key!r} is no text")
        return value

    def text_or_blank(self, key: str) -> str:
        value = self.of.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int | None = None) -> int:
        value = self.of.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise Unexpected(f"{key!r} is no number")
        return int(value)


def _object(payload: object) -> Mapping[str, object]:
    if not isinstance(payload, dict):
        raise Unexpected("no JSON object")
    return payload


def _objects(payload: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    items = payload.get(key)
    if not isinstance(items, list):
        raise Unexpected(f"{key!r} is no list")
    return [_object(item) for item in items]


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def _read_page(payload: object, key: str, item: Callable[[Mapping[str, object]], T]) -> Page[T]:
    body = _object(payload)
    return Page(items=tuple(item(entry) for entry in _objects(body, key)), total=_Fields(body).number("total"))


def _read_info(payload: object) -> str | None:
    body = _object(payload)
    nested = body.get("info")
    version = _Fields(body).text_or_blank("version") or (_Fields(nested).text_or_blank("version") if isinstance(nested, dict) else "")
    if not version and body.get("success") is not True:
        raise Unexpected("neither a version nor success")
    return version or None


def _read_account(payload: object) -> Account:
    body = _object(payload)
    fields = _Fields(body)
    return Account(id=fields.text("_id"), username=fields.text_or_blank("username"), roles=_texts(body.get("roles")))


def _read_permissions(payload: object) -> Mapping[str, frozenset[str]]:
    return {_Fields(entry).text("_id"): _texts(entry.get("roles")) for entry in _objects(_object(payload), "update")}


def _read_modules(payload: object) -> frozenset[str]:
    return _texts(_object(_object(payload).get("license")).get("activeModules"))


def _read_department(entry: Mapping[str, object]) -> Department:
    fields = _Fields(entry)
    return Department(
        id=fields.text("_id"),
        name=fields.text_or_blank("name"),
        parent_id=fields.text_or_blank("parentId") or None,
        archived=entry.get("archived") is True,
        required={name: entry[name] for name, kind in REQUIRED_FIELDS.items() if isinstance(entry.get(name), kind)},
    )


def _read_department_state(payload: object) -> DepartmentState:
    body = _object(payload)
    if "department" not in body:
        raise Unexpected("no 'department'")
    entry = body["department"]
    # A unit's id reads as the unit itself, because both live in one collection; a PUT would turn the unit into a department.
    missing = entry is None or _object(entry).get("type") == "u"
    return DepartmentState(
        department=None if missing else _read_department(_object(entry)),
        members=_members(_objects(body, "agents")) if "agents" in body else None,
    )


def _members(entries: Iterable[Mapping[str, object]]) -> tuple[Membership, ...]:
    """One per agent: the collection has no unique index, so that simultaneous writers can store one twice."""
    return tuple({member.agent_id: member for member in map(_read_membership, entries)}.values())


def _read_membership(entry: Mapping[str, object]) -> Membership:
    fields = _Fields(entry)
    return Membership(
        agent_id=fields.text("agentId"),
        username=fields.text_or_blank("username"),
        count=fields.number("count", 0),
        order=fields.number("order", 0),
    )


def _read_unit(entry: Mapping[str, object]) -> Unit:
    fields = _Fields(entry)
    visibility = entry.get("visibility")
    return Unit(
        id=fields.text("_id"),
        name=fields.text_or_blank("name"),
        visibility=visibility if isinstance(visibility, str) else None,
    )


_NO_UNIT: Final = (None, {"statusCode": 200, "body": None}, {"success": True})


def _read_unit_or_none(payload: object) -> Unit | None:
    """An unknown id is ``null``, ``{"statusCode":200,"body":null}`` (Restivus since 5) or ``{"success":true}``."""
    return None if payload in _NO_UNIT else _read_unit(_object(payload))


def _read_role_holder(entry: Mapping[str, object]) -> Monitor:
    username = entry.get("username")
    return Monitor(id=_Fields(entry).text("_id"), username=username if isinstance(username, str) else "")


def _read_monitors(payload: object) -> tuple[Monitor, ...]:
    entries = [_Fields(entry) for entry in _objects(_object(payload), "monitors")]
    return tuple(
        {entry.text("monitorId"): Monitor(id=entry.text("monitorId"), username=entry.text("username")) for entry in entries}.values()
    )


def _read_agent(entry: Mapping[str, object]) -> Agent:
    fields = _Fields(entry)
    return Agent(
        id=fields.text("_id"),
        username=fields.text_or_blank("username"),
        department_ids=_texts(entry["departments"]) if isinstance(entry.get("departments"), list) else None,
    )


def _read_stored_unit(payload: object) -> StoredUnit:
    """No ``success`` here before 5.2."""
    body = _object(payload)
    monitors = body.get("numMonitors")
    return StoredUnit(id=_Fields(body).text("_id"), monitors=monitors if isinstance(monitors, int) else None)
