"""What all rules share: the call they decide on, the refusals they raise, pages of lists, and who may reach which unit."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkjob.sandbox.bodies import json_of
from bulkjob.sandbox.match import Pattern
from bulkjob.sandbox.schema import Invalid, Schema, validate
from bulkjob.sandbox.state import UNIT, Document, State
from bulkjob.sandbox.versions import Capabilities


class Refusal(Exception):
    """The call is answered with this status and body, and is not carried further."""

    def __init__(self, status: int, body: Document) -> None:
        """Keep what the client gets."""
        super().__init__(status, body)
        self.status = status
        self.body = body


def failure(message: str) -> Refusal:
    """A 400 with a plain error."""
    return Refusal(400, {"success": False, "error": message})


def coded(code: str, reason: str = "", **details: str) -> Refusal:
    """A 400 with a coded (Meteor) error."""
    body: Document = {"success": False, "error": f"{reason} [{code}]".strip(), "errorType": code}
    return Refusal(400, {**body, "details": details} if details else body)


def forbidden(can: Capabilities) -> Refusal:
    """The 403 of a handler that looks at permissions itself."""
    return Refusal(403, {"success": False, "error": "forbidden" if can.forbidden_in_403 else "unauthorized"})


UNAUTHORIZED: Final = {"success": False, "error": "User does not have the permissions required for this action [error-unauthorized]"}


def check(value: object, pattern: Pattern) -> None:
    """Raise the refusal that Meteor's `check` leads to, if `value` does not match."""
    if (found := pattern(value)) is not None:
        raise failure(str(found))


def check_schema(value: Any, schema: Schema, *, typed: bool = False) -> Any:  # noqa: ANN401 - JSON
    """`value` with its types coerced; raise the refusal that AJV leads to, if it does not fit.

    A `typed` route (``http-router/Router.ts``) says the same without the code behind it.
    """
    try:
        return validate(value, schema)
    except Invalid as invalid:
        refusal = coded("invalid-params", str(invalid))
        raise Refusal(400, {**refusal.body, "error": str(invalid)}) if typed else refusal from None


class Access:
    """Which units and departments an account is restricted to, remembered for ten seconds as the server does (``getUnitsFromUser.ts``).

    A change of a unit's monitors or of a department's agents is therefore seen late by who was looked up shortly before, and so is
    the first unit of all.
    """

    _REMEMBERED_MS: Final = 10_000

    def __init__(self, can: Capabilities) -> None:
        """Remember nobody yet."""
        self._restricted = frozenset({"livechat-monitor", "livechat-agent"} if can.agents_restricted else {"livechat-monitor"})
        self._known: dict[str, tuple[int, frozenset[str]]] = {}
        self._units: tuple[int, bool] = (0, False)

    def reach(self, state: State, user: Document, now_ms: int) -> frozenset[str] | None:
        """Ids of the units that the user monitors and of the departments where he is an agent; None for who is not restricted.

        Nobody is while there is no unit.
        """
        if not self._has_units(state, now_ms):
            return None
        roles = frozenset(user.get("roles", ()))
        if roles.isdisjoint(self._restricted) or "admin" in roles or "livechat-manager" in roles:
            return None
        user_id = user["_id"]
        until, reached = self._known.get(user_id, (0, frozenset()))
        if now_ms >= until:
            units = {row["unitId"] for row in state.monitors.values() if row["monitorId"] == user_id}
            departments = {row["departmentId"] for row in state.rows() if row["agentId"] == user_id}
            reached = frozenset(units | departments)
            self._known[user_id] = (now_ms + self._REMEMBERED_MS, reached)
        return reached

    def _has_units(self, state: State, now_ms: int) -> bool:
        until, there = self._units
        if now_ms >= until:
            there = any(document.get("type") == UNIT for document in state.collection.values())
            self._units = (now_ms + self._REMEMBERED_MS, there)
        return there


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that was let through to its rule."""

    state: State
    can: Capabilities
    access: Access
    now_ms: int
    user: Document
    ids: tuple[str, ...]
    """What stands in the place of each ``:id`` of the route."""
    query: Mapping[str, str]
    body: Any

    def may(self, *permissions: str) -> bool:
        """Whether the caller has any of the permissions."""
        return any(self.state.may(self.user, permission) for permission in permissions)

    def reach(self) -> frozenset[str] | None:
        """What the caller is restricted to; None if to nothing."""
        return self.access.reach(self.state, self.user, self.now_ms)

    def owns(self, document: Document) -> bool:
        """Whether ``onlyMyDepartments`` lets this document pass (``addRoleBasedRestrictionsToDepartment.ts``)."""
        reach = self.reach()
        if document.get("type") == UNIT and (reach is not None or self.can.agents_restricted):
            return False
        if reach is None or not reach.isdisjoint(document.get("ancestors") or ()):
            return True
        return self.can.agents_restricted and document["_id"] in reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What ``count``, ``offset`` and ``sort`` ask for."""

    count: int
    """At most so many rows; 0: all."""
    offset: int
    sort: Mapping[str, int] | None

    def cut(self, rows: list[Document], *, skip: bool = True) -> list[Document]:
        """The rows of this page; without `skip`, the offset is not honoured (as where the server hands it on under a wrong name)."""
        if skip and self.offset < 0:
            raise failure(f"BSON field 'skip' value must be >= 0, actual value '{self.offset}'")
        rest = rows[self.offset :] if skip else rows
        # The database driver takes a negative limit for its absolute value.
        return rest[: abs(self.count)] if self.count else rest

    def order(self, rows: Iterable[Document], default: Mapping[str, int]) -> list[Document]:
        """All rows, sorted as asked for or by `default`."""
        ordered = list(rows)
        for key, direction in reversed(list((self.sort or default).items())):
            ordered.sort(key=lambda row, key=key: _rank(row.get(key)), reverse=direction < 0)  # type: ignore[misc]
        return ordered

    def answer(self, name: str, rows: list[Document], total: int) -> Document:
        """The body of a list under the key `name`."""
        return {name: rows, "count": len(rows), "offset": self.offset, "total": total, "success": True}


def page(call: Call) -> Page:
    """What page a list call asks for; raise a refusal for a ``sort`` that is none."""
    settings = call.state.settings
    default = settings.get("API_Default_Count", 50)
    count = _int(call.query["count"]) if "count" in call.query else default
    upper = settings.get("API_Upper_Count_Limit", 100)
    count = min(count, upper)
    if count == 0 and not settings.get("API_Allow_Infinite_Count", True):
        count = default
    return Page(count=count, offset=_int(call.query.get("offset", "")), sort=_sort(call.query.get("sort")))


def contains(needle: str | None, *texts: object) -> bool:
    """Whether one of the texts holds `needle`, in any case; no needle is in every text."""
    return not needle or any(isinstance(text, str) and needle.casefold() in text.casefold() for text in texts)


def _int(text: str) -> int:
    """What JavaScript's ``parseInt`` makes of a parameter, with 0 for what is no number (the database takes it so)."""
    found = re.match(r"\s*([+-]?\d{1,18})", text, re.ASCII)
    return int(found[1]) if found else 0


def _sort(text: str | None) -> Mapping[str, int] | None:
    if not text:
        return None
    try:
        sort = json_of(text)
    except ValueError:
        sort = None
    if not isinstance(sort, dict) or not all(type(direction) is int and direction in (1, -1) for direction in sort.values()):
        raise coded("error-invalid-sort", f'Invalid sort parameter provided: "{text}"', helperMethod="parseJsonQuery")
    return sort or None


def _rank(value: object) -> tuple[int, Any]:
    """A key that sorts values of all types as the database does: nothing, numbers, texts, the rest, truth values."""
    match value:
        case None:
            return (0, 0)
        case bool():
            return (4, value)
        case int() | float():
            return (1, value)
        case str():
            return (2, value)
        case _:
            return (3, json.dumps(value))
