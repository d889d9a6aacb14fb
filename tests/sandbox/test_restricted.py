"""Accounts that are restricted to their own units."""

from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Sandbox

API = "/api/v1/livechat"
FIVE = {"name": "New", "email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
UNIT: dict[str, Any] = {"unitData": {"name": "X", "visibility": "public"}, "unitMonitors": [], "unitDepartments": []}
OLD, NEW = ["6.13", "7.0", "7.5", "7.9"], ["7.10", "8.0", "8.8", "8.9", "documented"]


@pytest.fixture
def restricted(workspace: Any, clock: Any) -> Callable[..., Sandbox]:
    """A function that starts a server where agent1 has each permission by a role of his own, and further roles."""

    def start(version: str, *roles: str, **changes: Any) -> Sandbox:
        permissions = {name: [*(held or ()), "lead"] for name, held in workspace["permissions"].items() if name != "api-bypass-rate-limit"}
        users = [{**user, "roles": ["lead", *roles]} if user["username"] == "agent1" else user for user in workspace["users"]]
        return Sandbox({**workspace, "permissions": permissions, "users": users, **changes}, clock=clock, server_version=version)

    return start


def seen(sandbox: Sandbox, call: Callable[..., Any], unit_id: str = "unit-b") -> tuple[Any, ...]:
    """What agent1 gets who reads, writes and deletes a unit, and whether he can move a department into it."""
    read = call(sandbox, "agent1", "GET", f"{API}/units/{unit_id}")
    written = call(sandbox, "agent1", "POST", f"{API}/units/{unit_id}", UNIT)
    body = {"department": FIVE, "departmentUnit": {"_id": unit_id}}
    moved = call(sandbox, "agent1", "PUT", f"{API}/department/dept-b", body).json["department"].get("parentId") == unit_id
    deleted = call(sandbox, "agent1", "DELETE", f"{API}/units/{unit_id}")
    return (read.json or {}).get("_id"), written.status, moved, deleted.status


@pytest.mark.parametrize("version", OLD + NEW)
def test_a_role_of_ones_own(version: str, restricted: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Who holds the permissions by a role of his own reaches every unit, but moves no department into one."""
    assert seen(restricted(version), call) == ("unit-b", 200, False, 200)


@pytest.mark.parametrize("version", OLD + NEW)
def test_an_agent(version: str, restricted: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """With the agent's role besides, every unit still stands in the list, but from 7.10 on it reads and writes as unknown."""
    sandbox = restricted(version, "livechat-agent")
    assert [unit["_id"] for unit in call(sandbox, "agent1", "GET", f"{API}/units").json["units"]] == ["unit-a", "unit-b"]
    assert call(sandbox, "agent1", "GET", f"{API}/units/unit-b/departments").json["total"] == 1
    assert seen(sandbox, call) == ((None, 400, False, 400) if version in NEW else ("unit-b", 200, False, 200))


@pytest.mark.parametrize("version", NEW)
@pytest.mark.parametrize("role", ["livechat-agent", "livechat-monitor"])
def test_a_unit_of_ones_own(version: str, role: str, restricted: Callable[..., Sandbox], call: Callable[..., Any], workspace: Any) -> None:
    """A unit whose monitor the account is, it reaches in every way, and so does who is also a manager."""
    monitors = [{"_id": "m", "monitorId": "u-agent1", "unitId": "unit-b", "username": "agent1"}]
    assert seen(restricted(version, role, unitMonitors=monitors), call) == ("unit-b", 200, True, 200)
    assert seen(restricted(version, role, "livechat-manager"), call) == ("unit-b", 200, True, 200)


def test_refusals(restricted: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A unit outside the own ones is refused as one that there is not."""
    sandbox = restricted("7.10", "livechat-agent")
    assert call(sandbox, "agent1", "POST", f"{API}/units/unit-b", UNIT).json == {
        "success": False,
        "error": "Unit not found [error-unit-not-found]",
        "errorType": "error-unit-not-found",
        "details": {"method": "livechat:saveUnit"},
    }
    assert call(sandbox, "agent1", "DELETE", f"{API}/units/unit-b").json["errorType"] == "unit-not-found"


def test_a_new_unit_is_foreign(restricted: Callable[..., Sandbox], call: Callable[..., Any], clock: Any) -> None:
    """A restricted account may create a unit, which it then reaches only as its monitor."""
    sandbox = restricted("7.10", "livechat-agent", "livechat-monitor")
    monitors = [{"monitorId": "u-agent1", "username": "agent1"}]
    for sent, reached in (([], False), (monitors, True)):
        made = call(sandbox, "agent1", "POST", f"{API}/units", {**UNIT, "unitMonitors": sent}).json["_id"]
        clock.now += 10
        assert (call(sandbox, "agent1", "GET", f"{API}/units/{made}").json is not None) == reached


def test_what_is_remembered(restricted: Callable[..., Sandbox], call: Callable[..., Any], clock: Any) -> None:
    """For ten seconds an account that was looked up does not reach a unit whose monitor it has become."""
    sandbox = restricted("7.10", "livechat-agent", "livechat-monitor")
    path = f"{API}/units/unit-b"
    assert call(sandbox, "agent1", "GET", path).json is None
    call(sandbox, "admin", "POST", path, {**UNIT, "unitMonitors": [{"monitorId": "u-agent1", "username": "agent1"}]})
    clock.now += 9.9
    assert call(sandbox, "agent1", "GET", path).json is None
    clock.now += 0.1
    assert call(sandbox, "agent1", "GET", path).json["_id"] == "unit-b"


@pytest.mark.parametrize("version", NEW)
def test_without_any_unit(version: str, restricted: Callable[..., Sandbox], call: Callable[..., Any], clock: Any) -> None:
    """While there is no unit nobody is restricted; the first one is noticed within ten seconds."""
    sandbox = restricted(version, "livechat-agent", units=[], departments=[{"_id": "d", "type": "d", **FIVE}])
    mine = {"onlyMyDepartments": "true"}
    assert call(sandbox, "agent1", "GET", f"{API}/department", **mine).json["total"] == 1
    call(sandbox, "admin", "POST", f"{API}/units", UNIT)
    assert call(sandbox, "agent1", "GET", f"{API}/department", **mine).json["total"] == 1
    clock.now += 10
    assert call(sandbox, "agent1", "GET", f"{API}/department", **mine).json["total"] == 0
