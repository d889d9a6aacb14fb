"""What a state file may say: its keys, what a key that is left out stands for, and what makes it no workspace."""

from collections.abc import Mapping
from typing import Any, Final

Document = dict[str, Any]

DEFAULT_SETTINGS: Final[dict[str, Any]] = {
    "API_Enable_Rate_Limiter": True,
    "API_Enable_Rate_Limiter_Limit_Calls_Default": 10,
    "API_Enable_Rate_Limiter_Limit_Time_Default": 60000,
    "API_Upper_Count_Limit": 100,
    "API_Default_Count": 50,
    "API_Allow_Infinite_Count": True,
    "Livechat_enabled": True,
}

_MANAGERS: Final = ["admin", "livechat-manager"]
_MONITORS: Final = ["livechat-manager", "livechat-monitor", "admin"]

DEFAULT_PERMISSIONS: Final[dict[str, list[str] | None]] = {
    "view-livechat-departments": _MONITORS,
    "view-l-room": ["livechat-manager", "livechat-monitor", "livechat-agent", "admin"],
    "manage-livechat-departments": _MONITORS,
    "add-livechat-department-agents": _MONITORS,
    "remove-livechat-department": ["livechat-manager", "admin"],
    "manage-livechat-units": _MANAGERS,
    "manage-livechat-monitors": _MANAGERS,
    "manage-livechat-agents": _MONITORS,
    "transfer-livechat-guest": _MONITORS,
    "edit-omnichannel-contact": ["livechat-manager", "livechat-agent", "admin"],
    "view-livechat-manager": _MONITORS,
    "api-bypass-rate-limit": ["admin", "bot", "app"],
}

#: What a list of the state holds, with the texts that each item must have.
_COLLECTIONS: Final = {
    "users": ("_id", "username"),
    "departments": ("_id", "name"),
    "departmentAgents": ("_id", "agentId", "departmentId"),
    "units": ("_id", "name"),
    "unitMonitors": ("_id", "monitorId", "unitId"),
    "businessHours": ("_id",),
    "rooms": ("_id",),
}

#: Lists that a state may have or lack; those that it lacks are not shown either.
EXTRAS: Final = ("businessHours", "rooms")

_KEYS: Final = ("license", "settings", "permissions", *_COLLECTIONS)


def examine(given: Mapping[str, Any]) -> None:
    """Raise ValueError with one sentence on the first thing that makes this no workspace."""
    _demand(isinstance(given, Mapping), "the state is not a JSON object")
    for key in given:
        _demand(key in _KEYS, f"the state has an unknown key {key!r}; known are {', '.join(_KEYS)}")
    for key in ("settings", "permissions"):
        _demand(isinstance(given.get(key, {}), Mapping), f"{key!r} in the state is not an object")
    _demand(_is_texts(given.get("license", [])), "'license' in the state is not a list of module names")
    for permission, roles in given.get("permissions", {}).items():
        _demand(roles is None or _is_texts(roles), f"the permission {permission!r} in the state is not a list of roles")
    for key, texts in _COLLECTIONS.items():
        _examine_collection(key, texts, given.get(key, []))
    shared = {document["_id"] for document in given.get("departments", [])} & {unit["_id"] for unit in given.get("units", [])}
    _demand(not shared, f"the state has departments and units with the same _id: {', '.join(sorted(shared))}")


def _examine_collection(key: str, texts: tuple[str, ...], documents: Any) -> None:  # noqa: ANN401 - JSON
    _demand(isinstance(documents, list), f"{key!r} in the state is not a list")
    seen: set[str] = set()
    for number, document in enumerate(documents):
        _demand(isinstance(document, Mapping), f"{key}[{number}] in the state is not an object")
        for field in texts:
            _demand(isinstance(document.get(field), str), f"{key}[{number}] in the state has no {field!r}")
        _demand(_is_texts(document.get("roles", [])), f"{key}[{number}] in the state has roles that are not a list of names")
        _demand(document["_id"] not in seen, f"the state has two {key} with the _id {document['_id']!r}")
        seen.add(document["_id"])


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - what is demanded comes first
    if not holds:
        raise ValueError(otherwise)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
