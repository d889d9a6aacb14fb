"""Departments: finding, archiving and deleting them. `rules_saving` changes them.

As in Rocket.Chat's ``omnichannel/departments.ts`` and its ``lib/departments.ts`` (reading), ``departmentsLib.ts`` and ``Departments.ts``.
"""

import re
from collections.abc import Callable, Mapping

from bulkjob.sandbox import business_hours
from bulkjob.sandbox.bodies import json_of
from bulkjob.sandbox.links import free_rooms
from bulkjob.sandbox.rules import Call, coded, contains, failure, page
from bulkjob.sandbox.rules_saving import creation_available
from bulkjob.sandbox.state import Document


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
    mine = query.get("onlyMyDepartments") == "true"
    found = [
        department
        for department in call.state.collection.values()
        if department.get("type", "d") == "d"
        and wanted(department)
        and (not enabled or department.get("enabled") is True)
        and department["_id"] != query.get("excludeDepartmentId")
        and contains(query.get("text"), department.get("name"))
        and (not mine or call.owns(department))
    ]
    return asked.answer("departments", asked.cut(asked.order(found, {"name": 1})), len(found))


def one(call: Call) -> Document:
    """One department, null if there is none; its agents too, unless they are not asked for or not for the caller."""
    department = call.state.get(call.ids[0])
    if department is not None and call.query.get("onlyMyDepartments") == "true" and not call.owns(department):
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


def autocomplete(call: Call) -> Document:
    """Id and name of whatever in the collection begins with the selector's ``term``, units included, sorted by name.

    As ``findByNameRegexWithExceptionsAndConditions``: ``exceptions`` are left out, ``conditions`` must all hold. With ``showArchived``,
    those that are expressly not archived are left out (``archived: {$ne: !showArchived}``).
    """
    query, selector = call.query, _selector(call)
    exceptions = selector.get("exceptions") or []
    left_out = exceptions if isinstance(exceptions, list) else [exceptions]
    term = str(selector.get("term") or "").strip().casefold()
    conditions = {"archived": {"$ne": query.get("showArchived") != "true"}, **_conditions(selector)}
    mine = query.get("onlyMyDepartments") == "true"
    found = [
        {"_id": document["_id"], "name": document["name"]}
        for document in call.state.collection.values()
        if str(document.get("name", "")).casefold().startswith(term)
        and document["_id"] not in left_out
        and all(_holds(document.get(field), condition) for field, condition in conditions.items())
        and (not mine or call.owns(document))
    ]
    return {"items": sorted(found, key=lambda document: document["name"]), "success": True}


def by_ids(call: Call) -> Document:
    """What of the collection has one of the ``ids``, units included; before 7.0 only the ``fields`` asked for."""
    names = _names(call.query, "ids")
    ids = [text for name, text in call.query.items() if name in names]
    if not any(ids):
        raise failure("The 'ids' param is required")
    if names == {"ids"} and len(ids) == 1:
        raise failure("The 'ids' param must be an array")
    found = [document for document in call.state.collection.values() if document["_id"] in ids]
    try:
        fields = _object(call.query.get("fields")) if call.can.fields_honoured else {}
    except ValueError:
        text = call.query["fields"]
        raise coded("error-invalid-fields", f'Invalid fields parameter provided: "{text}"', helperMethod="parseJsonQuery") from None
    return {"departments": [_projected(document, fields) for document in found], "success": True}


def _selector(call: Call) -> Document:
    """The selector of an autocompletion; raise the refusal of one that is missing or no JSON."""
    if not _names(call.query, "selector"):
        raise failure("The 'selector' param is required")
    # The server parses ``selector[name]=…`` as an object, and then fails to parse the object as JSON.
    text = call.query.get("selector", "[object Object]")
    if not text:
        raise failure("The 'selector' param is required")
    try:
        return _object(text)
    except ValueError:
        raise failure(f"Unexpected token in JSON: {text}") from None


def _object(text: str | None) -> Document:
    """What a parameter holds as JSON, nothing where that is no object; raises ValueError for what is no JSON."""
    value = json_of(text) if text else {}
    return value if isinstance(value, dict) else {}


def _conditions(selector: Document) -> Document:
    conditions = selector.get("conditions")
    return conditions if isinstance(conditions, dict) else {}


def _projected(document: Document, fields: Document) -> Document:
    """The document with only the fields that are set to 1, or without those that are set to 0."""
    wanted = {field for field, shown in fields.items() if shown}
    if wanted:
        return {field: value for field, value in document.items() if field in wanted | {"_id"}}
    return {field: value for field, value in document.items() if field not in fields}


def _names(query: Mapping[str, str], name: str) -> set[str]:
    """The parameters that make up ``name``: itself, ``name[]``, ``name[0]`` and so on."""
    return {key for key in query if key == name or re.fullmatch(rf"{name}\[\w*\]", key)}


def _holds(value: object, condition: object) -> bool:
    """Whether a field fulfils a condition: an equal value, or ``{"$ne": value}``."""
    if isinstance(condition, dict) and condition.keys() == {"$ne"}:
        return bool(value != condition["$ne"])
    return value == condition


def may_create(call: Call) -> Document:
    """Whether another department may be created."""
    return {"isDepartmentCreationAvailable": creation_available(call), "success": True}


def archive(call: Call) -> Document:
    """Archive a department, which disables it."""
    department = call.state.get(call.ids[0])
    if department is None:
        raise failure("department-not-found")
    call.state.enable_rows(call.ids[0], enabled=False)
    call.state.update(call.ids[0], {"archived": True, "enabled": False})
    business_hours.leave(call, department)
    return {"success": True}


def unarchive(call: Call) -> Document:
    """Take a department out of the archive; it stays disabled, its agents' places do not."""
    if call.state.get(call.ids[0]) is None:
        raise coded("department-not-found")
    call.state.enable_rows(call.ids[0], enabled=True)
    call.state.update(call.ids[0], {"archived": False})
    return {"success": True}


def delete(call: Call) -> Document:
    """Delete a department, its agents' places and, under a licence, its place in other departments' lists.

    Other departments keep its id as ``fallbackForwardDepartment``: the clean-up is for a field that does not exist
    (``LivechatDepartment.unsetFallbackDepartmentByDepartmentId``, up to the newest code).
    """
    state, department_id = call.state, call.ids[0]
    if call.can.removal_setting and state.settings.get("Omnichannel_enable_department_removal") is False:
        raise failure("error-department-removal-disabled")
    department = state.get(department_id)
    if department is None:
        raise failure("error-department-not-found")
    unit_id = department.get("parentId")
    had_agents = state.count_rows(department_id) > 0
    state.delete(department_id)
    state.remove_rows(department_id)
    free_rooms(state, department_id)
    if state.premium:
        for other in list(state.collection.values()):
            forward = other.get("departmentsAllowedToForward")
            if isinstance(forward, list) and department_id in forward:
                state.update(other["_id"], {"departmentsAllowedToForward": [item for item in forward if item != department_id]})
        if unit_id and call.can.delete_decrements:
            state.increment_departments(unit_id, -1)
    if had_agents:
        business_hours.leave(call, department)
    return {"success": True}
