"""What ties a department to its unit, and rooms to the unit of their department.

As in Rocket.Chat's ``manageDepartmentUnit.ts``, ``LivechatDepartment.ts`` and ``LivechatRooms.ts``.
"""

from collections.abc import Collection

from bulkjob.sandbox.rules import Call
from bulkjob.sandbox.state import Document, State


def manage_unit(call: Call, department_id: str, unit_id: str | None) -> None:
    """Move a department into a unit, or out of its own; silently nothing where the caller may not or the unit is none.

    Rooms keep the tags that they have.
    """
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
    state.update(department_id, {"parentId": unit_id, "ancestors": ancestors_under(unit)})
    state.increment_departments(unit_id, 1)


def unlink(call: Call, department_id: str) -> None:
    """Take a department out of its unit, in the way of the server's release."""
    if call.can.unlinks_by_unset:
        call.state.update(department_id, {}, unset=("parentId", "ancestors"))
    else:
        call.state.update(department_id, {"parentId": None, "ancestors": None})


def ancestors_under(unit: Document) -> list[str]:
    """The ``ancestors`` of a department of this unit."""
    return [unit["_id"], *(unit.get("ancestors") or ())]


def tag_rooms(state: State, unit_id: str, department_ids: Collection[str]) -> None:
    """Tag the rooms of a unit's departments, open and closed ones, with the unit; take the tag off all others that have it."""
    for room in _rooms(state):
        tagged = unit_id in (room.get("departmentAncestors") or ())
        if room.get("departmentId") in department_ids:
            if not tagged:
                state.update_other("rooms", room["_id"], {"departmentAncestors": [unit_id]})
        elif tagged:
            state.update_other("rooms", room["_id"], {}, unset=("departmentAncestors",))


def untag_rooms(state: State, unit_id: str) -> None:
    """Take the tags off all rooms that have this unit among them."""
    tag_rooms(state, unit_id, ())


def free_rooms(state: State, department_id: str) -> None:
    """Take the rooms of a department out of it, and the tags of its unit off them."""
    for room in _rooms(state):
        if room.get("departmentId") == department_id:
            state.update_other("rooms", room["_id"], {}, unset=("departmentId", "departmentAncestors"))


def _rooms(state: State) -> list[Document]:
    return list((state.others("rooms") or {}).values())


def _can_manage(call: Call, unit_id: str) -> bool:
    # It is the role that counts, not the permission: a custom role with every permission changes no unit.
    if not {"admin", "livechat-manager"}.isdisjoint(call.user.get("roles", ())):
        return True
    reach = call.reach()
    return reach is not None and unit_id in reach
