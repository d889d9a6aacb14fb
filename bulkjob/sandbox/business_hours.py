"""What happens to a business hour when a department stops working.

As in Rocket.Chat's ``business-hour/Multiple.ts`` (``onDepartmentDisabled``), the same from 6.14.0-develop to the newest code: there is
no way back, and a department that is enabled again is in no business hour. The settings ``Livechat_enable_business_hours`` (true) and
``Livechat_business_hour_type`` (``Multiple``, also if left out) of a state put this in force. The state may list the business hours as
``businessHours`` (``_id``, ``type`` ``custom`` or ``default``, ``active``); without that list, those that departments name are assumed to
exist, and so is the default one.
"""

from bulkjob.sandbox.rules import Call, failure
from bulkjob.sandbox.state import Document

_MULTIPLE = "Multiple"


def leave(call: Call, department: Document) -> None:
    """Take a department that was disabled, archived or deleted out of its business hour, and disable that if it was its last one.

    Raises a refusal where the workspace has no default business hour: the department is out of its own by then.
    """
    state, hour_id = call.state, department.get("businessHourId")
    if not hour_id or not _in_force(call):
        return
    hours = state.others("businessHours")
    if hours is not None and hour_id not in hours:
        return
    if (state.get(department["_id"]) or {}).get("businessHourId") == hour_id:
        state.update(department["_id"], {}, unset=("businessHourId",))
    if hours is None:
        return
    if not any(hour.get("type") == "default" for hour in hours.values()):
        raise failure("Default business hour not found")
    others = (other.get("businessHourId") for other in state.collection.values() if other["_id"] != department["_id"])
    if hour_id not in others:
        state.update_other("businessHours", hour_id, {"active": False})


def _in_force(call: Call) -> bool:
    settings = call.state.settings
    return (
        call.state.premium
        and settings.get("Livechat_enable_business_hours") is True
        # Where the state does not say: only this type puts departments into business hours of their own.
        and settings.get("Livechat_business_hour_type", _MULTIPLE) == _MULTIPLE
    )
