"""What becomes of a department, and of others, when it is disabled, deleted or left by its unit."""

from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Sandbox

DEPARTMENT = "/api/v1/livechat/department"
FIVE = {"name": "New", "email": "a@example.org", "enabled": False, "showOnRegistration": True, "showOnOfflineForm": True}
ON = {"Livechat_enable_business_hours": True, "Livechat_business_hour_type": "Multiple"}
HOURS = [{"_id": "day", "type": "custom", "active": True}, {"_id": "default", "type": "default", "active": True}]


@pytest.fixture
def hours(workspace: Any, clock: Any) -> Callable[..., Sandbox]:
    """A function that starts a server where the first departments named have the business hour ``day``."""

    def start(*departments: str, settings: Any = ON, business_hours: Any = HOURS, **changes: Any) -> Sandbox:
        for department in workspace["departments"]:
            if department["_id"] in departments:
                department["businessHourId"] = "day"
        extras = {} if business_hours is None else {"businessHours": business_hours}
        return Sandbox({**workspace, **extras, "settings": {**workspace["settings"], **settings}, **changes}, clock=clock)

    return start


def left(sandbox: Sandbox) -> tuple[list[str], Any]:
    """Which departments are in a business hour, and which business hours are active."""
    state = sandbox.state()
    active = [hour["_id"] for hour in state["businessHours"] if hour["active"]] if "businessHours" in state else None
    return [department["_id"] for department in state["departments"] if "businessHourId" in department], active


def put(call: Callable[..., Any], sandbox: Sandbox, *, enabled: bool) -> Any:
    body = {"department": {**FIVE, "enabled": enabled}, "departmentUnit": {"_id": "unit-b"}}
    return call(sandbox, "admin", "PUT", f"{DEPARTMENT}/dept-a", body)


def test_disabling_leaves_the_business_hour(hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A department that is disabled is in no business hour, which goes on for another, and enabling it does not bring it back."""
    sandbox = hours("dept-a", "dept-b")
    assert "businessHourId" not in put(call, sandbox, enabled=False).json["department"]
    assert left(sandbox) == (["dept-b"], ["day", "default"])
    assert "businessHourId" not in put(call, sandbox, enabled=True).json["department"]


def test_the_last_one_disables_the_business_hour(hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A business hour whose last department is disabled is disabled, too, and stays so."""
    sandbox = hours("dept-a")
    put(call, sandbox, enabled=False)
    assert left(sandbox) == ([], ["default"])
    put(call, sandbox, enabled=True)
    assert left(sandbox) == ([], ["default"])


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {}},
        {"settings": {**ON, "Livechat_enable_business_hours": False}},
        {"settings": {**ON, "Livechat_business_hour_type": "Single"}},
        {"license": []},
        {"business_hours": HOURS[1:]},
    ],
)
def test_where_business_hours_are_not_in_force(change: Any, hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Without the settings, the licence or the business hour itself, a disabled department keeps what it says of one."""
    sandbox = hours("dept-a", **change)
    assert put(call, sandbox, enabled=False).json["department"]["businessHourId"] == "day"


def test_business_hours_that_are_not_told(hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A state that lists no business hours has those that its departments name, and still shows none."""
    sandbox = hours("dept-a", business_hours=None)
    assert put(call, sandbox, enabled=False).status == 200
    assert left(sandbox) == ([], None)


def test_the_type_may_be_left_out(hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Business hours that are on and that departments name are of the type that lets departments have them."""
    sandbox = hours("dept-a", settings={"Livechat_enable_business_hours": True})
    assert "businessHourId" not in put(call, sandbox, enabled=False).json["department"]


def test_only_a_change_counts(hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A department that stays enabled, or was disabled before, keeps its business hour, and its agents' rows what they say."""
    sandbox = hours("dept-a")
    put(call, sandbox, enabled=True)
    assert left(sandbox) == (["dept-a"], ["day", "default"])
    sandbox = hours("dept-a")
    sandbox.store.update("dept-a", {"enabled": False})
    rows = put(call, sandbox, enabled=False).json["agents"]
    assert left(sandbox) == (["dept-a"], ["day", "default"])
    assert [row["departmentEnabled"] for row in rows] == [True, True]


def test_without_a_default_business_hour(hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Then a PUT is refused after all was written but the unit, and the department is out of its business hour."""
    sandbox = hours("dept-a", business_hours=HOURS[:1])
    reply = put(call, sandbox, enabled=False)
    assert (reply.status, reply.json) == (400, {"success": False, "error": "Default business hour not found"})
    department = next(one for one in sandbox.state()["departments"] if one["_id"] == "dept-a")
    assert (department["name"], department["enabled"], department["parentId"], "businessHourId" in department) == (
        "New",
        False,
        "unit-a",
        False,
    )
    assert left(sandbox) == ([], ["day"])


@pytest.mark.parametrize(("method", "path"), [("POST", "dept-a/archive"), ("DELETE", "dept-a")])
def test_archiving_and_deleting_leave_it_too(method: str, path: str, hours: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """So does a department that is archived, or deleted with its agents."""
    sandbox = hours("dept-a")
    assert call(sandbox, "admin", method, f"{DEPARTMENT}/{path}").status == 200
    assert left(sandbox) == ([], ["default"])


@pytest.mark.parametrize("licence", [[], ["livechat-enterprise"]])
def test_a_dangling_fallback(licence: list[str], workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A deleted department stays the fallback of another, which can be edited without saying so, and not with."""
    sandbox = Sandbox({**workspace, "license": licence}, clock=clock)
    assert call(sandbox, "admin", "DELETE", f"{DEPARTMENT}/dept-b").status == 200
    department = call(sandbox, "admin", "GET", f"{DEPARTMENT}/dept-a").json["department"]
    assert department["fallbackForwardDepartment"] == "dept-b"
    assert department["departmentsAllowedToForward"] == ([] if licence else ["dept-b"])
    body = {"department": FIVE, "departmentUnit": {"_id": "unit-a"}}
    echoed = {**body, "department": {**FIVE, "fallbackForwardDepartment": "dept-b"}}
    answers = [call(sandbox, "admin", "PUT", f"{DEPARTMENT}/dept-a", sent) for sent in (echoed, body)]
    assert [(answer.status, answer.json.get("errorType")) for answer in answers] == [
        (400, "error-fallback-department-not-found"),
        (200, None),
    ]
    assert answers[1].json["department"]["fallbackForwardDepartment"] == "dept-b"


@pytest.mark.parametrize("version", ["7.0", "7.6", "8.8", "8.9", "documented"])
def test_what_a_deleted_unit_leaves(version: str, workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Its departments have an empty list of ancestors and no parent, its monitors their role, its rooms no tag; others keep theirs."""
    rooms = [{"_id": "r1", "departmentId": "dept-a", "departmentAncestors": ["unit-a"]}, {"_id": "r2", "departmentAncestors": ["unit-b"]}]
    sandbox = Sandbox({**workspace, "rooms": rooms}, clock=clock, server_version=version)
    assert call(sandbox, "admin", "DELETE", "/api/v1/livechat/units/unit-a").json == 1
    state = sandbox.state()
    links = {one["_id"]: (one.get("parentId", "none"), one.get("ancestors")) for one in state["departments"]}
    assert (links["dept-a"], links["dept-a2"], links["dept-d"]) == (("none", []), ("none", []), ("unit-b", ["unit-b"]))
    assert [row for row in state["unitMonitors"] if row["unitId"] == "unit-a"] == []
    assert state["users"] == workspace["users"]
    assert [room.get("departmentAncestors") for room in state["rooms"]] == [None, ["unit-b"]]


def test_a_put_leaves_rooms_alone(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Rooms that were tagged with a department's unit stay so when a PUT moves it; a unit's POST tags them anew."""
    rooms = [{"_id": "r1", "departmentId": "dept-a", "departmentAncestors": ["unit-a"]}]
    sandbox = Sandbox({**workspace, "rooms": rooms}, clock=clock)
    put(call, sandbox, enabled=True)
    assert sandbox.state()["rooms"] == rooms
    body = {"unitData": {"name": "B", "visibility": "public"}, "unitMonitors": [], "unitDepartments": [{"departmentId": "dept-a"}]}
    call(sandbox, "admin", "POST", "/api/v1/livechat/units/unit-b", body)
    assert [room["departmentAncestors"] for room in sandbox.state()["rooms"]] == [["unit-b"]]
    call(sandbox, "admin", "POST", "/api/v1/livechat/units/unit-b", {**body, "unitDepartments": []})
    assert [room.get("departmentAncestors") for room in sandbox.state()["rooms"]] == [None]
