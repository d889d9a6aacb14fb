"""Units and their monitors: what the endpoints under ``livechat/units`` do to a workspace.

As in Rocket.Chat's ``LivechatEnterprise.ts`` (``saveUnit``, ``removeUnit``), ``LivechatUnit.ts`` and ``Department.ts`` (the listings):
a write replaces the whole unit, its counters come from the request, and other units' counters are left as they are. Nothing looks
whether the unit is still there when it is written: one that was deleted since the check gets monitors and departments, and a 200.
"""

from typing import Final

from bulkjob.sandbox.links import ancestors_under, tag_rooms, unlink, untag_rooms
from bulkjob.sandbox.match import UNDEFINED, Optional, boolean, list_of, shape, text
from bulkjob.sandbox.rules import Call, check, coded, contains, page
from bulkjob.sandbox.state import UNIT, Document


def listing(call: Call) -> Document:
    """The workspace's units, a page of them; from 7.5 on, only the caller's own without the permission."""
    asked = page(call)
    restricted = call.can.units_filtered and not call.may("manage-livechat-units")
    reach = (call.reach() or frozenset()) if restricted else None
    units = [
        unit
        for unit in call.state.collection.values()
        if unit.get("type") == UNIT and contains(call.query.get("text"), unit.get("name")) and (reach is None or unit["_id"] in reach)
    ]
    return asked.answer("units", asked.cut(asked.order(units, {"name": 1})), len(units))


def one(call: Call) -> Document | None:
    """One unit with its fields at the top level; None if there is none that the caller reaches."""
    unit = _reached(call, call.ids[0])
    return None if unit is None else {**unit, "success": True}


def save(call: Call) -> Document:
    """Replace a unit, or create one where the route names none; the answer repeats the request, whatever was stored."""
    unit_data, monitors, listed = _sent(call)
    state = call.state
    unit_id = call.ids[0] if call.ids else None
    unit = _reached(call, unit_id) if unit_id is not None else None
    if unit_id is not None and unit is None:
        raise coded("error-unit-not-found", "Unit not found", method="livechat:saveUnit")

    record = _record(unit_data, monitors, listed)
    if unit is None:
        unit = state.insert(record)
    else:
        state.update(unit["_id"], record)
    unit_id = unit["_id"]
    body = _echo(call, record, unit_id)
    state.remove_monitors(unit_id, keeping=frozenset(monitor_id for monitor_id, _ in monitors))
    for monitor_id, username in monitors:
        state.save_monitor(unit_id, monitor_id, username)
    for department_id in state.children(unit_id):
        if department_id not in listed:
            unlink(call, department_id)
    for department_id in listed:
        state.update(department_id, {"parentId": unit_id, "ancestors": ancestors_under(unit)})
    tag_rooms(state, unit_id, listed)
    return body


def forgotten(call: Call) -> Document:
    """The answer that `save` would give, with nothing saved."""
    unit_id = call.ids[0] if call.ids else call.state.new_id()
    return _echo(call, _record(*_sent(call)), unit_id)


def _echo(call: Call, record: Document, unit_id: str) -> Document:
    """The answer to a save: the record that was handed to the database, which stamps it where it updates, not where it inserts."""
    stamp = {"_updatedAt": call.state.now()} if call.ids else {}
    return {**record, **stamp, "_id": unit_id, "success": True}


def delete(call: Call) -> int:
    """Delete a unit and say how many that were; its departments stay, without one, and with ``ancestors`` that are an empty list."""
    state, unit_id = call.state, call.ids[0]
    unknown = coded("unit-not-found", "Unit not found", method="livechat:removeUnit")
    if _reached(call, unit_id) is None:
        raise unknown
    deleted = 0
    if call.can.unit_deleted_first:
        deleted = state.delete(unit_id)
        if not deleted:
            raise unknown
    state.remove_monitors(unit_id)
    for document_id in state.children(unit_id):
        ancestors = (state.collection[document_id].get("ancestors")) or ()
        state.update(document_id, {"ancestors": [item for item in ancestors if item != unit_id]}, unset=("parentId",))
    untag_rooms(state, unit_id)
    return deleted or state.delete(unit_id)


def departments(call: Call) -> Document:
    """A unit's departments, found by their ancestors; before the newest line unsorted, and ``offset`` is echoed and otherwise ignored."""
    asked = page(call)
    found = [document for document in call.state.collection.values() if call.ids[0] in (document.get("ancestors") or ())]
    if call.can.offset_honoured:
        found.sort(key=lambda document: (str(document.get("name", "")), document["_id"]))
    return asked.answer("departments", asked.cut(found, skip=call.can.offset_honoured), len(found))


def available(call: Call) -> Document:
    """The departments that a unit could have: those in no unit and its own, archived ones included; ``offset`` as above."""
    asked, unit_id = page(call), call.ids[0]
    mine = call.query.get("onlyMyDepartments") == "true"
    found = [
        document
        for document in call.state.collection.values()
        if document.get("type") != UNIT
        and (document.get("ancestors") or [unit_id]) == [unit_id]
        and contains(call.query.get("text"), document.get("name"))
        and (not mine or call.owns(document))
    ]
    found.sort(key=lambda document: str(document.get("name", "")))
    return asked.answer("departments", asked.cut(found, skip=call.can.offset_honoured), len(found))


def monitors(call: Call) -> Document:
    """A unit's monitors, all of them."""
    return {"monitors": call.state.monitors_of(call.ids[0]), "success": True}


def _reached(call: Call, unit_id: str) -> Document | None:
    unit = call.state.get_unit(unit_id)
    reach = call.reach()
    if unit is None or reach is None or unit_id in reach or not reach.isdisjoint(unit.get("ancestors") or ()):
        return unit
    return None


def _sent(call: Call) -> tuple[Document, list[tuple[str, str]], list[str]]:
    """What the body asks for: the unit's fields, monitors (id, username) as they will be stored, ids of departments as sent."""
    body = call.body if isinstance(call.body, dict) else {}
    unit_data, monitors, departments = (body.get(key, UNDEFINED) for key in ("unitData", "unitMonitors", "unitDepartments"))
    check(unit_data, _UNIT_DATA)
    check(monitors, _UNIT_MONITORS)
    check(departments, _UNIT_DEPARTMENTS)
    return unit_data, _monitors(call, monitors), [item["departmentId"] for item in departments]


def _record(unit_data: Document, monitors: list[tuple[str, str]], departments: list[str]) -> Document:
    return {
        "name": unit_data["name"],
        "visibility": unit_data["visibility"],
        "type": UNIT,
        "numMonitors": len(monitors),
        # As many as were sent, twice the same and unknown ones included.
        "numDepartments": len(departments),
    }


def _monitors(call: Call, sent: list[Document]) -> list[tuple[str, str]]:
    """Who is stored as monitor: (id, username)."""
    if not call.can.monitors_by_role:
        return [(item["monitorId"], item["username"]) for item in sent]
    users = (call.state.users.get(monitor_id) for monitor_id in dict.fromkeys(item["monitorId"] for item in sent))
    return [(user["_id"], user["username"]) for user in users if user is not None and "livechat-monitor" in user.get("roles", ())]


_UNIT_DATA: Final = shape(
    {
        "name": text,
        "visibility": text,
        "enabled": Optional(boolean),
        "description": Optional(text),
        "email": Optional(text),
        "showOnOfflineForm": Optional(boolean),
    }
)
_UNIT_MONITORS: Final = list_of(shape({"monitorId": text, "username": text}, more=True))
_UNIT_DEPARTMENTS: Final = list_of(shape({"departmentId": text}, more=True))
