"""Departments and their agents: what the endpoints under ``livechat/department`` do to a workspace.

The order of checks and writes is that of Rocket.Chat's ``departmentsLib.ts``, ``Helper.ts`` (``updateDepartmentAgents``) and
``manageDepartmentUnit.ts``: a refusal in the middle leaves what was written before it.
"""

from collections.abc import Callable
from typing import Final

from bulkjob.sandbox.match import Optional, Pattern, anything, array, boolean, integer, list_of, one_of, shape, text
from bulkjob.sandbox.rules import Call, Refusal, check, check_schema, coded, contains, failure, page
from bulkjob.sandbox.schema import AGENTS_BODY
from bulkjob.sandbox.state import Document

_SAVE: Final = {"method": "livechat:saveDepartment"}


# Reading


def listing(call: Call) -> Document:
    """The departments of the workspace, a page of them."""
    query = call.query
    shown = query.get("showArchived") == "true"
    return _list(call, lambda department: shown or not department.get("archived"), enabled=query.get("enabled") == "true")


def archived(call: Call) -> Document:
    """The archived departments, a page of them."""
    return _list(call, lambda department: bool(department.get("archived")), enabled=False)


def _list(call: Call, wanted: Callable[[Document], bool], *, enabled: bool) -> Document:
    asked, query = page(call), call.query
    reach = call.reach() if query.get("onlyMyDepartments") == "true" else None
    found = [
        department
        for department in call.state.collection.values()
        if department.get("type", "d") == "d"
        and wanted(department)
        and (not enabled or department.get("enabled") is True)
        and department["_id"] != query.get("excludeDepartmentId")
        and contains(query.get("text"), department.get("name"))
        and (reach is None or not reach.isdisjoint(department.get("ancestors") or ()))
    ]
    return asked.answer("departments", asked.cut(asked.order(found, {"name": 1})), len(found))


def one(call: Call) -> Document:
    """One department, null if there is none; its agents too, unless they are not asked for or not for the caller."""
    department = call.state.get(call.ids[0])
    if department is not None and call.query.get("onlyMyDepartments") == "true":
        reach = call.reach()
        if reach is not None and reach.isdisjoint(department.get("ancestors") or ()):
            department = None
    body: Document = {"department": department, "success": True}
    if call.query.get("includeAgents", "true") == "true" and call.may("view-livechat-departments"):
        body["agents"] = call.state.rows_of(call.ids[0])
    return body


def agents(call: Call) -> Document:
    """The agents of a department, a page of them."""
    asked = page(call)
    rows = call.state.rows_of(call.ids[0])
    return asked.answer("agents", asked.cut(asked.order(rows, {"username": 1})), len(rows))


def creation_available(call: Call) -> Document:
    """Whether another department may be created."""
    return {"isDepartmentCreationAvailable": _creation_available(call), "success": True}


# Writing


def stored(call: Call) -> Document:
    """A department and all its agents as they are stored: the answer to a PUT."""
    return {"department": call.state.get(call.ids[0]), "agents": call.state.rows_of(call.ids[0]), "success": True}


def put(call: Call) -> tuple[Document, Callable[[], None] | None]:
    """Save a department; the second value, if any, saves its agents after the answer has been given."""
    check(call.body, _PUT_WITH_UNIT if call.can.department_unit else _PUT)
    department, given = call.body["department"], call.body.get("agents")
    if not call.may("manage-livechat-departments"):
        raise failure("error-not-allowed") if call.can.put_refusal_named else Refusal(400, {"success": False})
    if not call.may("add-livechat-department-agents"):
        given = None
    unit = call.body.get("departmentUnit", {}) if call.can.department_unit else None
    department_id = call.ids[0]
    saved = _save(call, department_id, department, unit)
    places = _PLACES_NAMED if call.can.put_agents_need_username else _PLACES

    def save_agents() -> None:
        check({"upsert": given}, places)
        _save_agents(call, department_id, given or [], [], enabled=saved.get("enabled"))

    if given is not None and call.can.put_agents_late:
        return stored(call), save_agents
    if given is not None:
        save_agents()
    if unit is not None:
        _manage_unit(call, department_id, unit.get("_id"))
    return stored(call), None


def create(call: Call) -> Document:
    """Create a department; the answer shows it as it was before it came into a unit."""
    check(call.body, _PUT_WITH_UNIT if call.can.department_unit else _PUT)
    unit = call.body.get("departmentUnit", {}) if call.can.department_unit else None
    department = dict(_save(call, None, call.body["department"], unit))
    given = call.body.get("agents") or []
    check({"upsert": given}, _PLACES)
    _save_agents(call, department["_id"], given, [], enabled=department.get("enabled"))
    if unit is not None:
        _manage_unit(call, department["_id"], unit.get("_id"))
    return {"department": department, "agents": call.state.rows_of(department["_id"]), "success": True}


def post_agents(call: Call) -> Document:
    """Remove agents from a department, then add or change others."""
    if call.can.agents_schema:
        body = check_schema(call.body, AGENTS_BODY)
    else:
        body = call.body
        check(body, _AGENT_LISTS)
        check(body, _AGENT_PLACES)
    department = call.state.get(call.ids[0])
    if department is None:
        raise coded("error-department-not-found", "Department not found")
    _save_agents(call, call.ids[0], body["upsert"], body["remove"], enabled=department.get("enabled"))
    return {"success": True}


def archive(call: Call) -> Document:
    """Archive a department, which disables it."""
    if call.state.get(call.ids[0]) is None:
        raise failure("department-not-found")
    call.state.enable_rows(call.ids[0], enabled=False)
    call.state.update(call.ids[0], {"archived": True, "enabled": False})
    return {"success": True}


def unarchive(call: Call) -> Document:
    """Take a department out of the archive; it stays disabled, its agents' places do not."""
    if call.state.get(call.ids[0]) is None:
        raise coded("department-not-found")
    call.state.enable_rows(call.ids[0], enabled=True)
    call.state.update(call.ids[0], {"archived": False})
    return {"success": True}


def delete(call: Call) -> Document:
    """Delete a department, its agents' places and, under a licence, what other departments say of it."""
    state, department_id = call.state, call.ids[0]
    if call.can.removal_setting and state.settings.get("Omnichannel_enable_department_removal") is False:
        raise failure("error-department-removal-disabled")
    department = state.get(department_id)
    if department is None:
        raise failure("error-department-not-found")
    unit_id = department.get("parentId")
    state.delete(department_id)
    state.remove_rows(department_id)
    if state.premium:
        for other in list(state.collection.values()):
            if other.get("fallbackForwardDepartment") == department_id:
                state.update(other["_id"], {}, unset=("fallbackForwardDepartment",))
            forward = other.get("departmentsAllowedToForward")
            if isinstance(forward, list) and department_id in forward:
                state.update(other["_id"], {"departmentsAllowedToForward": [item for item in forward if item != department_id]})
        if unit_id and call.can.delete_decrements:
            state.increment_departments(unit_id, -1)
    return {"success": True}


def _creation_available(call: Call) -> bool:
    # Units are in the same collection, and count.
    return call.state.premium or not call.state.collection


def _save(call: Call, department_id: str | None, fields: Document, unit: Document | None) -> Document:
    """Write the department's own fields and return it as stored; `unit` is only asked whether it would leave its unit empty."""
    state = call.state
    before = state.get(department_id) if department_id is not None else None
    if unit is not None and not unit.get("_id") and before and before.get("parentId") and state.count_children(before["parentId"]) == 1:
        raise coded("error-unit-cant-be-empty", "The last department in a unit can't be removed", **_SAVE)
    if before is None and not _creation_available(call):
        raise coded("error-max-departments-number-reached", "Maximum number of departments reached", **_SAVE)
    if before and before.get("archived") and fields.get("enabled"):
        raise coded("error-archived-department-cant-be-enabled", "Archived departments cant be enabled", **_SAVE)
    known = _FIELDS if call.can.forward_list else _FIELDS_OLD
    check(fields, shape({**known, **{field: _CUSTOM for field in fields if field not in known}}))
    if fields.get("requestTagBeforeClosingChat") and not fields.get("chatClosingTags"):
        raise coded(
            "error-validating-department-chat-closing-tags",
            "At least one closing tag is required when the department requires tag(s) on closing conversations.",
            **_SAVE,
        )
    if department_id is not None and before is None:
        raise coded("error-department-not-found", "Department not found", **_SAVE)
    _check_fallback(call, department_id, fields.get("fallbackForwardDepartment"))
    return _write(call, department_id, before, fields)


def _check_fallback(call: Call, department_id: str | None, fallback: str | None) -> None:
    if department_id is not None and fallback == department_id:
        raise coded(
            "error-fallback-department-circular",
            "Cannot save department. Circular reference between fallback department and department",
        )
    if fallback and call.state.get(fallback) is None:
        raise coded("error-fallback-department-not-found", "Fallback department not found", **_SAVE)


def _write(call: Call, department_id: str | None, before: Document | None, fields: Document) -> Document:
    state = call.state
    if state.premium:
        fields = {**fields, "type": "d"}
    if not call.can.forward_list and isinstance(fields.get("departmentsAllowedToForward"), str):
        fields = {**fields, "departmentsAllowedToForward": [item for item in fields["departmentsAllowedToForward"].split(",") if item]}
    if department_id is None or before is None:
        made = fields.get("_id")
        if isinstance(made, str) and state.get(made) is not None:
            raise failure(
                "E11000 duplicate key error collection: rocketchat.rocketchat_livechat_department "
                f'index: _id_ dup key: {{ _id: "{made}" }}',
            )
        return state.insert(fields)
    if fields.get("_id", department_id) != department_id:
        raise failure("Performing an update on the path '_id' would modify the immutable field '_id'")
    was_enabled = before.get("enabled")
    state.update(department_id, fields)
    if was_enabled != fields["enabled"]:
        state.enable_rows(department_id, enabled=fields["enabled"])
    return before


def _save_agents(call: Call, department_id: str, upsert: list[Document], remove: list[Document], *, enabled: object) -> None:
    state = call.state
    for item in remove:
        state.remove_agent(department_id, item["agentId"])
    added = 0
    for item in upsert:
        user = state.users.get(item["agentId"])
        if user is None:
            continue
        fields = {
            "username": user.get("username", ""),
            "departmentEnabled": enabled,
            # What is not sent is not kept: it becomes 0.
            "count": item.get("count") or 0,
            "order": item.get("order") or 0,
        }
        state.save_row(department_id, item["agentId"], fields)
        added += 1
    if remove or added:
        state.update(department_id, {"numAgents": state.count_rows(department_id)})


def _manage_unit(call: Call, department_id: str, unit_id: str | None) -> None:
    """Move the department into a unit, or out of its own; silently nothing where the caller may not or the unit is none."""
    state = call.state
    department = state.get(department_id)
    if not state.premium or department is None:
        return
    current = department.get("parentId") or None
    if unit_id and unit_id in (department.get("ancestors") or ()):
        return
    if not all(_can_manage(call, one_id) for one_id in (unit_id, current) if one_id):
        return
    if not unit_id:
        if current:
            state.increment_departments(current, -1)
        unlink(call, department_id)
        return
    unit = state.get_unit(unit_id)
    if unit is None:
        return
    if current:
        state.increment_departments(current, -1)
    state.update(department_id, {"parentId": unit_id, "ancestors": [unit_id, *(unit.get("ancestors") or ())]})
    state.increment_departments(unit_id, 1)


def unlink(call: Call, department_id: str) -> None:
    """Take a department out of its unit, in the way of the server's release."""
    if call.can.unlinks_by_unset:
        call.state.update(department_id, {}, unset=("parentId", "ancestors"))
    else:
        call.state.update(department_id, {"parentId": None, "ancestors": None})


def _can_manage(call: Call, unit_id: str) -> bool:
    # It is the role that counts, not the permission: a custom role with every permission changes no unit.
    if not {"admin", "livechat-manager"}.isdisjoint(call.user.get("roles", ())):
        return True
    reach = call.reach()
    return reach is not None and unit_id in reach


# Shapes, with their keys in the server's order

_FIELDS: Final[dict[str, Pattern | Optional]] = {
    "enabled": boolean,
    "name": text,
    "description": Optional(text),
    "showOnRegistration": boolean,
    "email": text,
    "showOnOfflineForm": boolean,
    "requestTagBeforeClosingChat": Optional(boolean),
    "chatClosingTags": Optional(list_of(text)),
    "fallbackForwardDepartment": Optional(text),
    "departmentsAllowedToForward": Optional(list_of(text)),
    "allowReceiveForwardOffline": Optional(boolean),
}
_FIELDS_OLD: Final = {**_FIELDS, "departmentsAllowedToForward": Optional(text)}
_CUSTOM: Final = one_of(text, integer, boolean)
_PUT: Final = shape({"department": anything, "agents": Optional(array)})
_PUT_WITH_UNIT: Final = shape(
    {
        "department": anything,
        "agents": Optional(array),
        "departmentUnit": Optional(shape({"_id": Optional(text)})),
    }
)
_PLACE: Final = shape(
    {"agentId": text, "username": Optional(text), "count": Optional(integer), "order": Optional(integer)},
    more=True,
)
_PLACE_NAMED: Final = shape(
    {"agentId": text, "username": text, "count": Optional(integer), "order": Optional(integer)},
    more=True,
)
_PLACES: Final = shape({"upsert": Optional(list_of(_PLACE))}, more=True)
_PLACES_NAMED: Final = shape({"upsert": Optional(list_of(_PLACE_NAMED))}, more=True)
_AGENT_LISTS: Final = shape({"upsert": array, "remove": array}, more=True)
_AGENT_PLACES: Final = shape({"upsert": Optional(list_of(_PLACE_NAMED)), "remove": Optional(list_of(_PLACE))})
