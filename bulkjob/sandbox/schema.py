"""The JSON schemas of some routes, validated as the server's AJV does: types are coerced, the first error is the answer.

Of a schema's keywords these are known, and tried in this order, as AJV does: ``type`` (with ``nullable``), ``enum``,
``items``, ``required``, ``additionalProperties``, ``properties``.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]


class Invalid(Exception):
    """The first thing that a schema does not allow, in AJV's words."""


def validate(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - JSON
    """`value` with its types coerced as the schema asks; raise `Invalid` where that cannot be."""
    if value is None and schema.get("nullable"):
        return None
    value = _coerce(value, schema["type"])
    if "enum" in schema and value not in schema["enum"]:
        raise Invalid("must be equal to one of the allowed values")
    if schema["type"] == "array":
        return [validate(item, schema["items"]) for item in value]
    if schema["type"] == "object":
        return _validate_object(value, schema)
    return value


def _validate_object(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    properties: Mapping[str, Schema] = schema["properties"]
    for name in schema.get("required", ()):
        if name not in value:
            raise Invalid(f"must have required property '{name}'")
    if not schema.get("additionalProperties", False) and not value.keys() <= properties.keys():
        raise Invalid("must NOT have additional properties")
    return {name: validate(item, properties[name]) if name in properties else item for name, item in value.items()}


def _coerce(value: Any, to: str) -> Any:  # noqa: ANN401, PLR0911 - JSON; one case per line of AJV's table
    match to, value:
        case ("string", str()) | ("boolean", bool()) | ("array", list()) | ("object", dict()):
            return value
        case "string", None:
            return ""
        case "string", bool():
            return "true" if value else "false"
        case "string", int() | float():
            return str(value)
        case "boolean", "false" | 0 | None:
            return False
        case "boolean", "true" | 1:
            return True
        case "number", bool() | None:
            return int(bool(value))
        case "number", int() | float():
            return value
        case ("number", str()) if (number := _number(value)) is not None:
            return number
        case _:
            raise Invalid(f"must be {to}")


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _object(properties: Mapping[str, Schema], *, required: tuple[str, ...] = (), more: bool = False) -> Schema:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": more}


_TEXT: Final[Schema] = {"type": "string"}
_BOOLEAN: Final[Schema] = {"type": "boolean"}
_NUMBER: Final[Schema] = {"type": "number"}
_OPTIONAL_TEXT: Final[Schema] = {"type": "string", "nullable": True}
_OPTIONAL_BOOLEAN: Final[Schema] = {"type": "boolean", "nullable": True}
_OPTIONAL_NUMBER: Final[Schema] = {"type": "number", "nullable": True}
_OPTIONAL_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT, "nullable": True}
_PAGE: Final[dict[str, Schema]] = {"count": _NUMBER, "offset": _NUMBER, "sort": _OPTIONAL_TEXT}

DEPARTMENTS_QUERY: Final = _object(
    {
        "text": _OPTIONAL_TEXT,
        "onlyMyDepartments": {"type": "string", "enum": ["true", "false"]},
        "enabled": _OPTIONAL_TEXT,
        "excludeDepartmentId": _OPTIONAL_TEXT,
        "showArchived": _OPTIONAL_TEXT,
        "query": _OPTIONAL_TEXT,
        **_PAGE,
    }
)

DEPARTMENTS_QUERY_WITH_FIELDS: Final = _object({**DEPARTMENTS_QUERY["properties"], "fields": _OPTIONAL_TEXT})

USERS_QUERY: Final = _object(
    {
        "text": _OPTIONAL_TEXT,
        "onlyAvailable": _OPTIONAL_TEXT,
        "excludeId": _OPTIONAL_TEXT,
        "showIdleAgents": _OPTIONAL_TEXT,
        "query": _OPTIONAL_TEXT,
        "fields": _OPTIONAL_TEXT,
        **_PAGE,
    }
)

AGENTS_QUERY: Final = _object(_PAGE)

_DEPARTMENT: Final = _object(
    {
        "name": _TEXT,
        "email": _TEXT,
        "enabled": _BOOLEAN,
        "showOnRegistration": _BOOLEAN,
        "showOnOfflineForm": _BOOLEAN,
        "description": _OPTIONAL_TEXT,
        "requestTagBeforeClosingChat": _OPTIONAL_BOOLEAN,
        "chatClosingTags": _OPTIONAL_TEXTS,
        "fallbackForwardDepartment": _OPTIONAL_TEXT,
        "departmentsAllowedToForward": _OPTIONAL_TEXTS,
    },
    required=("name", "email", "enabled", "showOnRegistration", "showOnOfflineForm"),
    more=True,
)

_NEW_PLACE: Final = _object({"agentId": _TEXT, "count": _OPTIONAL_NUMBER, "order": _OPTIONAL_NUMBER}, required=("agentId",))

CREATE_DEPARTMENT_WITHOUT_UNIT: Final = _object(
    {"department": _DEPARTMENT, "agents": {"type": "array", "items": _NEW_PLACE, "nullable": True}},
    required=("department",),
)

CREATE_DEPARTMENT: Final = _object(
    {**CREATE_DEPARTMENT_WITHOUT_UNIT["properties"], "departmentUnit": _object({"_id": _TEXT})},
    required=("department",),
)

#: What the published page "Update Department" shows of a PUT: as on create, but that an agent may have a username, as in its example.
#: It calls count and order strings and shows numbers: either is taken.
PUT_DEPARTMENT: Final = _object(
    {
        **CREATE_DEPARTMENT["properties"],
        "agents": {
            "type": "array",
            "items": _object({**_NEW_PLACE["properties"], "username": _OPTIONAL_TEXT}, required=("agentId",)),
            "nullable": True,
        },
    },
    required=("department",),
)

MONITOR_BODY: Final = _object({"username": _TEXT}, required=("username",))

_PLACE: Final[dict[str, Schema]] = {"agentId": _TEXT, "username": _TEXT, "count": _NUMBER, "order": _NUMBER, "name": _OPTIONAL_TEXT}

_STORED_PLACE: Final[dict[str, Schema]] = {
    **_PLACE,
    "departmentEnabled": _BOOLEAN,
    "departmentId": _TEXT,
    "_id": _TEXT,
    "_updatedAt": _TEXT,
}

AGENTS_BODY: Final = _object(
    {
        "upsert": {"type": "array", "items": _object(_PLACE, required=("agentId", "username"))},
        "remove": {"type": "array", "items": _object(_STORED_PLACE, required=("agentId", "username"))},
    },
    required=("upsert", "remove"),
)
