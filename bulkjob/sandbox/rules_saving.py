"""Saving departments and their agents: what a PUT, a POST and ``POST …/agents`` do to a workspace.

The order of checks and writes is that of Rocket.Chat's ``departmentsLib.ts`` (``LivechatTyped.ts`` before 7.2), ``LivechatDepartment.ts``,
``Helper.ts`` (``updateDepartmentAgents``) and ``manageDepartmentUnit.ts``: a refusal in the middle leaves what was written before it.
"""

from collections.abc import Callable
from typing import Final

from bulkjob.sandbox import business_hours
from bulkjob.sandbox.links import manage_unit
from bulkjob.sandbox.match import Optional, Pattern, anything, array, boolean, integer, list_of, one_of, shape, text
from bulkjob.sandbox.rules import Call, Refusal, check, check_schema, coded, failure
from bulkjob.sandbox.schema import AGENTS_BODY
from bulkjob.sandbox.state import Document

_SAVE: Final = {"method": "livechat:saveDepartment"}


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
    unit = call.body.get("departmentUnit", {} if call.can.omitted_unit_removes else None) if call.can.department_unit else None
    department_id = call.ids[0]
    enabled_before = (call.state.get(department_id) or {}).get("enabled")
    saved = _save(call, department_id, department, unit)
    places = _PLACES_NAMED if call.can.put_agents_need_username else _PLACES

    def save_agents() -> None:
        check({"upsert": given}, places)
        _save_agents(call, department_id, given or [], [], enabled=saved.get("enabled"))

    if given is not None and call.can.put_agents_late:
        return stored(call), save_agents
    if given is not None:
        save_agents()
    if enabled_before and not saved.get("enabled"):
        business_hours.leave(call, saved)
    if unit is not None:
        manage_unit(call, department_id, unit.get("_id"))
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
        manage_unit(call, department["_id"], unit.get("_id"))
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


def creation_available(call: Call) -> bool:
    """Whether another department may be created: one is free, more take a licence."""
    # Units are in the same collection, and count.
    return call.state.premium or not call.state.collection


def _save(call: Call, department_id: str | None, fields: Document, unit: Document | None) -> Document:
    """Write the department's own fields and return it as stored; `unit` is only asked whether it would leave its unit empty."""
    state = call.state
    before = state.get(department_id) if department_id is not None else None
    if unit is not None and not unit.get("_id") and before and before.get("parentId") and state.count_children(before["parentId"]) == 1:
        raise coded("error-unit-cant-be-empty", "The last department in a unit can't be removed", **_SAVE)
    if before is None and not creation_available(call):
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
    latest = state.get(department_id)
    if latest is None:
        # Somebody has deleted it since the checks.
        raise failure(f"Department {department_id} not found")
    return latest


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
