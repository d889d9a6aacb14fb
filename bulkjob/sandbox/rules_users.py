"""Agents, managers, monitors, and what a client asks about itself and the server."""

from typing import Final

from bulkjob.sandbox.rules import Call, Page, coded, contains, failure, forbidden, page
from bulkjob.sandbox.state import Document

_ROLES: Final = {"agent": "livechat-agent", "manager": "livechat-manager"}
_MONITOR: Final = "livechat-monitor"


def listing(call: Call) -> Document:
    """The live-chat agents, with the departments they are in, or the managers: a page of them."""
    asked = page(call)
    kind = call.ids[0]
    if kind == "agent":
        if not call.may("transfer-livechat-guest", "edit-omnichannel-contact"):
            raise forbidden(call.can)
        return _agents(call, asked)
    if kind == "manager":
        if not call.may("view-livechat-manager"):
            raise forbidden(call.can)
        return _users(asked, "users", _holders(call, "livechat-manager"))
    raise failure("Invalid type")


def one(call: Call) -> Document:
    """An agent or manager by id; null for who is none, and from 8.0 on for nobody, who is refused before (``omnichannel/users.ts``)."""
    kind, user_id = call.ids
    user = call.state.users.get(user_id)
    if user is None and call.can.unknown_user_refused:
        raise failure("User not found")
    if kind not in _ROLES:
        raise failure("Invalid type")
    if user is None or _ROLES[kind] not in user.get("roles", ()):
        return {"user": None, "success": True}
    return {"user": shown(user), "success": True}


def monitors(call: Call) -> Document:
    """The users who hold the monitor's role, a page of them."""
    return _users(page(call), "monitors", _holders(call, _MONITOR))


def monitor(call: Call) -> Document:
    """One monitor by username, fields at the top level."""
    for user in call.state.users.values():
        if user["username"] == call.ids[0] and _MONITOR in user.get("roles", ()):
            return {**shown(user), "success": True}
    raise failure("invalid-user")


def add_monitor(call: Call) -> Document:
    """Give a user the monitor's role (``LivechatEnterprise.addMonitor``); who has it keeps it. The roles shown are those before."""
    user = _named(call)
    if user is None:
        raise coded("error-invalid-user", "Invalid user", method="livechat:addMonitor")
    roles = user.get("roles", [])
    if _MONITOR not in roles:
        call.state.set_roles(user["_id"], [*roles, _MONITOR])
    return {"_id": user["_id"], "username": user["username"], "roles": roles, "success": True}


def remove_monitor(call: Call) -> Document:
    """Take the monitor's role from a user, and him out of every unit (``LivechatEnterprise.removeMonitor``)."""
    user = _named(call)
    if user is None:
        raise failure("Invalid user")
    if _MONITOR in user.get("roles", ()):
        call.state.set_roles(user["_id"], [role for role in user["roles"] if role != _MONITOR])
    call.state.dismiss(user["_id"])
    return {"success": True}


def info(call: Call) -> Document:
    """The server's version: major and minor for everyone, the whole for who may see statistics."""
    body: Document = {"success": True}
    version = call.can.shown
    if version is None:
        return body
    if call.user and call.may("view-statistics"):
        return {**body, "version": version, "info": {"version": version}}
    return {**body, "version": ".".join(version.split(".")[:2])}


def me(call: Call) -> Document:
    """The caller."""
    user = call.user
    return {
        **{key: value for key, value in user.items() if key != "token"},
        **shown(user),
        "roles": user.get("roles", []),
        "active": user.get("active", True),
        "email": _emails(user)[0].get("address"),
        "success": True,
    }


def permissions(call: Call) -> Document:
    """Every permission with the roles that hold it."""
    now = call.state.now()
    known = call.state.permissions.items()
    update = [{"_id": name, "roles": roles, "_updatedAt": now} for name, roles in known if roles is not None]
    return {"update": update, "remove": [], "success": True}


def license_info(call: Call) -> Document:
    """The licence's modules."""
    body: Document = {"activeModules": call.state.license, "preventedActions": {}, "limits": {}, "tags": [], "trial": False}
    return {"license": body, "success": True}


def _named(call: Call) -> Document | None:
    """The user of the name in the body."""
    return next((user for user in call.state.users.values() if user["username"] == call.body["username"]), None)


def shown(user: Document) -> Document:
    """What lists show of a user; a state file need not say more than the username."""
    body: Document = {"_id": user["_id"], "username": user["username"], "emails": _emails(user), "status": _status(user)}
    optional: Document = {key: user[key] for key in ("name", "statusLivechat", "livechat") if key in user}
    if "livechat-agent" in user.get("roles", ()):
        optional.setdefault("statusLivechat", "available")
    return {**body, **optional}


def _agents(call: Call, asked: Page) -> Document:
    query = call.query
    if asked.count == 0:
        raise failure(
            "elements of arrays in $facet spec must be non-empty objects, sortedResults argument contained an element of type int: 0",
        )
    found = [
        user
        for user in _holders(call, "livechat-agent")
        if not (query.get("onlyAvailable") == "true" and (user.get("statusLivechat") == "not-available" or _status(user) == "offline"))
        and not (query.get("showIdleAgents") == "false" and _status(user) == "offline")
        and user["_id"] != query.get("excludeId")
    ]
    cut = _cut(asked, found)
    departments: dict[str, list[str]] = {user["_id"]: [] for user in cut}
    for row in call.state.rows():
        if row["agentId"] in departments:
            departments[row["agentId"]].append(row["departmentId"])
    users = [{"name": None, "livechat": None, **shown(user), "departments": departments[user["_id"]]} for user in cut]
    return asked.answer("users", users, len(found))


def _users(asked: Page, name: str, users: list[Document]) -> Document:
    return asked.answer(name, [shown(user) for user in _cut(asked, users)], len(users))


def _cut(asked: Page, users: list[Document]) -> list[Document]:
    return asked.cut(asked.order(users, {"name": 1}))


def _holders(call: Call, role: str) -> list[Document]:
    """The users who hold a role and match the ``text`` asked for."""
    needle = call.query.get("text")
    return [
        user
        for user in call.state.users.values()
        if role in user.get("roles", ())
        and (not needle or contains(needle, user["username"], user.get("name"), *(email.get("address") for email in _emails(user))))
    ]


def _emails(user: Document) -> list[Document]:
    return user.get("emails") or [{"address": f"{user['username']}@example.org", "verified": True}]


def _status(user: Document) -> str:
    return str(user.get("status", "online"))
