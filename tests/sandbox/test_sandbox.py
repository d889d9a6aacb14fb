"""The server as a whole: what it keeps, what it shows of itself, what a client asks before it starts."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.command import built_in_state
from bulkjob.sandbox.state import DEFAULT_PERMISSIONS, DEFAULT_SETTINGS

KEYS = {"license", "settings", "permissions", "users", "departments", "departmentAgents", "units", "unitMonitors"}
DEPARTMENT = "/api/v1/livechat/department/dept-a"

ADMIN = {"x-user-id": "u-admin", "x-auth-token": "token-admin", "content-type": "application/json"}


def test_round_trip(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """The state given as state again is the same, also after writes."""
    sandbox = Sandbox(workspace, clock=clock)
    assert sandbox.state() == workspace
    call(sandbox, "admin", "POST", f"{DEPARTMENT}/agents", {"upsert": [{"agentId": "u-agent3", "username": "x"}], "remove": []})
    changed = sandbox.state()
    assert changed != workspace
    assert Sandbox(changed, clock=clock).state() == changed


def test_same_ids_are_not_made_twice(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A state that was saved by a server with the same seed meets no id again."""
    add = {"upsert": [{"agentId": "u-agent3", "username": "x"}], "remove": []}
    first = Sandbox(workspace, clock=clock, seed=7)
    call(first, "admin", "POST", f"{DEPARTMENT}/agents", add)
    second = Sandbox(first.state(), clock=clock, seed=7)
    call(second, "admin", "POST", "/api/v1/livechat/department/dept-b/agents", add)
    ids = [row["_id"] for row in second.state()["departmentAgents"]]
    assert len(ids) == len(set(ids)) == 5


def test_the_given_state_is_copied(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Neither the state that was given nor one that was handed out moves with the server's."""
    given = json.loads(json.dumps(workspace))
    sandbox = Sandbox(given, clock=clock)
    sandbox.state()["departments"].clear()
    five = {"name": "N", "email": "", "enabled": False, "showOnRegistration": True, "showOnOfflineForm": True}
    assert call(sandbox, "admin", "PUT", DEPARTMENT, {"department": five}).status == 200
    assert given == workspace


def test_left_out_keys(clock: Any) -> None:
    """A key that the state leaves out has the usual settings and permissions, or is empty."""
    state = Sandbox({}, clock=clock).state()
    assert state.keys() == KEYS
    assert (state["settings"], state["permissions"]) == (DEFAULT_SETTINGS, DEFAULT_PERMISSIONS)
    assert [state[key] for key in sorted(KEYS - {"settings", "permissions"})] == [[]] * 6


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ([], "not a JSON object"),
        ({"deparments": []}, "unknown key 'deparments'"),
        ({"departments": {}}, "'departments' in the state is not a list"),
        ({"departments": [1]}, r"departments\[0\] in the state is not an object"),
        ({"departments": [{"_id": "a"}]}, r"departments\[0\] in the state has no 'name'"),
        ({"departments": [{"_id": "a", "name": "A"}] * 2}, "two departments with the _id 'a'"),
        ({"departments": [{"_id": "a", "name": "A"}], "units": [{"_id": "a", "name": "A"}]}, "the same _id: a"),
        ({"users": [{"_id": "u", "username": "u", "roles": "admin"}]}, "roles that are not a list"),
        ({"permissions": {"view-l-room": "admin"}}, "the permission 'view-l-room'"),
        ({"license": "livechat-enterprise"}, "'license'"),
        ({"settings": {"API_Enable_Rate_Limiter_Limit_Calls_Default": "10"}}, "whole numbers"),
    ],
)
def test_bad_state(state: Any, sentence: str, clock: Any) -> None:
    """What is no workspace is refused in one sentence that says why."""
    with pytest.raises(ValueError, match=sentence):
        Sandbox(state, clock=clock)


def test_calls(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Each call is listed with route, path, status and time; the sandbox's own are not."""
    sandbox = Sandbox(workspace, clock=clock)
    start = clock.now
    for method, path in (
        ("GET", DEPARTMENT),
        ("GET", "/_sandbox/calls"),
        ("GET", "/api/info"),
        ("GET", "/api/v1/livechat/units/a%2Fb/monitors"),
        ("GET", "/nowhere"),
    ):
        call(sandbox, "admin", method, path)
        clock.now += 1
    call(sandbox, "anonymous", "GET", "/api/v1/me")
    assert sandbox.calls() == [
        {"method": "GET", "route": "livechat/department/:id", "path": DEPARTMENT, "status": 200, "time": start},
        {"method": "GET", "route": "info", "path": "/api/info", "status": 200, "time": start + 2},
        {
            "method": "GET",
            "route": "livechat/units/:id/monitors",
            "path": "/api/v1/livechat/units/a%2Fb/monitors",
            "status": 200,
            "time": start + 3,
        },
        {"method": "GET", "route": "", "path": "/nowhere", "status": 200, "time": start + 4},
        {"method": "GET", "route": "me", "path": "/api/v1/me", "status": 401, "time": start + 5},
    ]


def test_quoted_ids(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """An id may hold any character, also a slash."""
    workspace["departments"].append({**workspace["departments"][2], "_id": "a/b ü?", "name": "Odd"})
    sandbox = Sandbox(workspace, clock=clock)
    odd = call(sandbox, "admin", "GET", "/api/v1/livechat/department/a%2Fb%20%C3%BC%3F").json
    assert odd["department"]["name"] == "Odd"


def test_tokens(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A user signs in with the token that the state gives, which is nowhere shown."""
    workspace["users"][0]["token"] = "s3cret"
    sandbox = Sandbox(workspace, clock=clock)
    assert call(sandbox, "admin", "GET", "/api/v1/me").status == 401
    reply = sandbox.answer("GET", "/api/v1/me", {}, {"x-user-id": "u-admin", "x-auth-token": "s3cret"}, b"")
    assert reply.status == 200
    assert b"s3cret" not in reply.body


def test_who_am_i(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A client learns its roles, all permissions with theirs, and the licence."""
    sandbox = Sandbox(workspace, clock=clock)
    me = call(sandbox, "monitor", "GET", "/api/v1/me").json
    assert (me["_id"], me["username"], me["roles"], me["success"]) == ("u-monitor", "monitor", ["user", "livechat-monitor"], True)
    permissions = call(sandbox, "nobody", "GET", "/api/v1/permissions.listAll").json
    assert {item["_id"]: item["roles"] for item in permissions["update"]} == workspace["permissions"]
    assert permissions["remove"] == []


def test_monitors_access_is_remembered(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A monitor who was looked up before gets a new unit only ten seconds later."""
    sandbox = Sandbox(workspace, clock=clock)
    call(sandbox, "monitor2", "GET", "/api/v1/livechat/department", onlyMyDepartments="true")
    body = {
        "unitData": {"name": "Unit B", "visibility": "private"},
        "unitMonitors": [{"monitorId": "u-monitor2", "username": "monitor2"}],
        "unitDepartments": [{"departmentId": "dept-d"}],
    }
    assert call(sandbox, "admin", "POST", "/api/v1/livechat/units/unit-b", body).status == 200
    five = {"name": "N", "email": "", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}

    def put() -> Any:
        path = "/api/v1/livechat/department/dept-b"
        return call(sandbox, "monitor2", "PUT", path, {"department": five, "departmentUnit": {"_id": "unit-b"}}).json["department"]

    assert put().get("parentId") is None
    clock.now += 10
    assert put()["parentId"] == "unit-b"


def test_custom_role_changes_no_unit(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Every permission without one of the three roles: 200, fields saved, unit as it was."""
    workspace["permissions"] = {name: ["user"] for name in workspace["permissions"]}
    sandbox = Sandbox(workspace, clock=clock)
    five = {"name": "N", "email": "", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
    reply = call(sandbox, "nobody", "PUT", DEPARTMENT, {"department": five, "departmentUnit": {"_id": "unit-b"}})
    assert (reply.status, reply.json["department"]["name"], reply.json["department"]["parentId"]) == (200, "N", "unit-a")


def test_put_on_a_unit_makes_it_a_department(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Units and departments share a collection: a PUT on a unit's id is not refused."""
    sandbox = Sandbox(workspace, clock=clock)
    five = {"name": "N", "email": "", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
    assert call(sandbox, "admin", "PUT", "/api/v1/livechat/department/unit-b", {"department": five}).status == 200
    state = sandbox.state()
    assert [unit["_id"] for unit in state["units"]] == ["unit-a"]
    assert "unit-b" in [department["_id"] for department in state["departments"]]


def test_built_in_workspace(clock: Any, call: Callable[..., Any]) -> None:
    """The built-in workspace is sound: its counters are true and its people can sign in."""
    sandbox = Sandbox(built_in_state(), clock=clock)
    state = sandbox.state()
    for department in state["departments"]:
        assert department["numAgents"] == sum(row["departmentId"] == department["_id"] for row in state["departmentAgents"])
    for unit in state["units"]:
        assert unit["numDepartments"] == sum(department.get("parentId") == unit["_id"] for department in state["departments"])
        assert unit["numMonitors"] == sum(row["unitId"] == unit["_id"] for row in state["unitMonitors"])
    assert {row["agentId"] for row in state["departmentAgents"]} <= {user["_id"] for user in state["users"]}
    for account in ("admin", "manager", "monitor"):
        assert call(sandbox, account, "GET", "/api/v1/me").status == 200


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("livechat/department/dept-a/agents", {"sort": "[" * 5_000}, 400),
        ("livechat/department.autocomplete", {"selector": "[" * 5_000}, 400),
        ("livechat/department.autocomplete", {"selector": '{"term":"","conditions":[1]}'}, 200),
        ("livechat/units/unit-a/departments", {"count": "9" * 5_000}, 200),
        ("livechat/units", {"offset": "9" * 5_000}, 200),
    ],
)
def test_odd_parameters(path: str, query: dict[str, str], status: int, workspace: Any, clock: Any) -> None:
    """Whatever a parameter holds, the call is answered."""
    assert Sandbox(workspace, clock=clock).answer("GET", f"/api/v1/{path}", query, ADMIN, b"").status == status


@pytest.mark.parametrize("version", ["7.0", "8.0"])
def test_a_body_without_a_bottom(version: str, workspace: Any, clock: Any) -> None:
    """A body that is nested too deeply is broken JSON."""
    sandbox = Sandbox(workspace, clock=clock, server_version=version)
    assert sandbox.answer("PUT", "/api/v1/livechat/department/dept-a", {}, ADMIN, b"[" * 200_000).status == 400
