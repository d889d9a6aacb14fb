"""What each server release does differently."""

from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.versions import capabilities

DEPARTMENT = "/api/v1/livechat/department/dept-a"
UNITS = "/api/v1/livechat/units"
FIVE = {"name": "New", "email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
ALL = ["6.0", "6.3", "6.5", "6.6", "6.12", "6.13", "7.0", "7.4", "7.5", "8.0", "8.8"]


@pytest.fixture
def at(workspace: Any, clock: Any) -> Callable[..., Sandbox]:
    """A function that starts a server of a release, with changes to its workspace."""
    return lambda version, **changes: Sandbox({**workspace, **changes}, clock=clock, server_version=version)


@pytest.mark.parametrize("version", ["", "7", "seven", "7.x", "7.0.0.0", "-7.0", "7.0-rc"])
def test_bad_version(version: str) -> None:
    """What is no version is refused in one sentence that shows it."""
    with pytest.raises(ValueError, match="server version"):
        capabilities(version)


def test_info(at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Everyone sees major and minor; who may see statistics, all of it; a hidden version nobody."""
    permissions = {"view-statistics": ["admin"]}
    sandbox = at("6.12.3", permissions=permissions)
    assert call(sandbox, "anonymous", "GET", "/api/info").json == {"version": "6.12", "success": True}
    assert call(sandbox, "admin", "GET", "/api/info").json["version"] == "6.12.3"
    assert call(at("hidden"), "anonymous", "GET", "/api/info").json == {"success": True}


@pytest.mark.parametrize("version", ALL)
def test_department_unit(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """``departmentUnit`` is an unknown key before 6.13; from then on, a PUT without it empties the unit's link."""
    known = version not in {"6.0", "6.3", "6.5", "6.6", "6.12"}
    sandbox = at(version)
    with_unit = call(sandbox, "admin", "PUT", DEPARTMENT, {"department": FIVE, "departmentUnit": {"_id": "unit-b"}})
    assert with_unit.status == (200 if known else 400)
    if not known:
        assert with_unit.json == {"success": False, "error": "Match error: Unknown key in field departmentUnit"}
    without = call(at(version), "admin", "PUT", DEPARTMENT, {"department": FIVE}).json["department"]
    if version.startswith("8"):
        assert "parentId" not in without
        assert "ancestors" not in without
    else:
        assert without["parentId"] == (None if known else "unit-a")


@pytest.mark.parametrize("version", ALL)
def test_agents_of_a_put(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Before 6.6 an agent needs its username; from 6.1 to 6.5 the answer comes before the agents, and hides that they failed."""
    late, named = version in {"6.3", "6.5"}, version in {"6.0", "6.3", "6.5"}
    unit = {} if version.startswith("6") and version != "6.13" else {"departmentUnit": {"_id": "unit-a"}}
    sandbox = at(version)

    def put(**place: Any) -> Any:
        return call(sandbox, "admin", "PUT", DEPARTMENT, {"department": FIVE, "agents": [{"agentId": "u-agent3", **place}], **unit})

    bare = put()
    assert bare.status == (400 if named and not late else 200)
    assert call(sandbox, "admin", "GET", f"{DEPARTMENT}/agents").json["total"] == (2 if named else 3)
    full = put(username="agent3", count=5)
    assert [row["username"] for row in full.json["agents"]].count("agent3") == (0 if late else 1)
    rows = call(sandbox, "admin", "GET", f"{DEPARTMENT}/agents").json["agents"]
    assert [row["count"] for row in rows if row["agentId"] == "u-agent3"] == [5]


@pytest.mark.parametrize("version", ALL)
def test_anonymous(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """The 401 has no ``success`` with the older HTTP stack."""
    reply = call(at(version), "anonymous", "GET", "/api/v1/me")
    newer = version in {"7.5", "8.0", "8.8"}
    assert (reply.status, reply.json.get("success")) == (401, False if newer else None)
    assert reply.json["message"] == "You must be logged in to do this."


@pytest.mark.parametrize("version", ALL)
def test_refused_calls_and_the_quota(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A 403 costs quota and shows it before 8.0, and neither from then on."""
    reply = call(at(version), "nobody", "PUT", DEPARTMENT, {})
    assert reply.status == 403
    assert ("x-ratelimit-remaining" in reply.headers) == (not version.startswith("8"))


@pytest.mark.parametrize("version", ALL)
def test_units_without_the_permission(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """From 7.5 on the list of units is open to all and shows the caller's own, which may be none."""
    sandbox = at(version)
    if version in {"7.5", "8.0", "8.8"}:
        assert [unit["_id"] for unit in call(sandbox, "monitor", "GET", UNITS).json["units"]] == ["unit-a"]
        assert call(sandbox, "nobody", "GET", UNITS).json["units"] == []
    else:
        assert call(sandbox, "monitor", "GET", UNITS).status == 403
    assert call(sandbox, "nobody", "GET", f"{UNITS}/unit-a").status == 403


@pytest.mark.parametrize("version", ALL)
def test_no_licence(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Without a licence the unit routes do not exist, or say so from 7.5 on."""
    reply = call(at(version, license=[]), "admin", "GET", UNITS)
    if version in {"7.5", "8.0", "8.8"}:
        assert (reply.status, reply.json["errorType"]) == (400, "error-action-not-allowed")
    else:
        assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("version", ALL)
def test_unknown_unit_and_route(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """What is not there is told by 200 and null, or by the way of the HTTP stack."""
    newer = version in {"7.5", "8.0", "8.8"}
    sandbox = at(version)
    unknown = call(sandbox, "admin", "GET", f"{UNITS}/nope")
    assert (unknown.status, unknown.json) == (200, None if newer else {"statusCode": 200, "body": None})
    assert call(sandbox, "admin", "GET", "/api/v1/nothing").status == (404 if newer else 200)
    assert call(sandbox, "admin", "PATCH", DEPARTMENT).status == (404 if newer else 405)


def test_unreadable_body_with_the_newer_stack(at: Callable[..., Sandbox]) -> None:
    """The newer stack takes a body that it cannot read for an empty one."""
    headers = {"X-User-Id": "u-admin", "X-Auth-Token": "token-admin", "Content-Type": "application/json"}
    reply = at("8.0").answer("PUT", DEPARTMENT, {}, headers, b'{"department":')
    assert (reply.status, reply.body) == (400, b'{"success":false,"error":"Match error: Missing key \'department\'"}')


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"upsert": []}, "must have required property 'remove' [invalid-params]"),
        ({"upsert": [{"username": "agent3"}], "remove": []}, "must have required property 'agentId' [invalid-params]"),
        ({"upsert": [{"agentId": "a", "username": "b", "foo": 1}], "remove": []}, "must NOT have additional properties [invalid-params]"),
        ({"upsert": [], "remove": [{"agentId": "a"}]}, "must have required property 'username' [invalid-params]"),
        ({"upsert": [{"agentId": "a", "username": "b", "count": "x"}], "remove": []}, "must be number [invalid-params]"),
    ],
)
def test_agents_by_schema(body: Any, error: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """From 8.0 on the agents of a department are validated by a schema, in its words."""
    reply = call(at("8.0"), "admin", "POST", f"{DEPARTMENT}/agents", body)
    assert (reply.status, reply.json) == (400, {"success": False, "error": error, "errorType": "invalid-params"})


def test_put_without_permission_to_manage(at: Callable[..., Sandbox], call: Callable[..., Any], workspace: Any) -> None:
    """Before 6.6 a PUT by who may only add agents fails without a reason."""
    permissions = {**workspace["permissions"], "add-livechat-department-agents": ["user"]}
    for version, body in (("6.5", {"success": False}), ("6.6", {"success": False, "error": "error-not-allowed"})):
        reply = call(at(version, permissions=permissions), "nobody", "PUT", DEPARTMENT, {"department": FIVE})
        assert (reply.status, reply.json) == (400, body)


def test_monitors_without_the_role(at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A unit drops monitors who do not hold the role from 6.6 on; before, it stores what is sent."""
    body = {
        "unitData": {"name": "Unit A", "visibility": "public"},
        "unitMonitors": [{"monitorId": "u-agent1", "username": "somebody"}],
        "unitDepartments": [{"departmentId": "dept-a"}],
    }
    for version, stored in (("6.5", ["somebody"]), ("6.6", [])):
        sandbox = at(version)
        assert call(sandbox, "admin", "POST", f"{UNITS}/unit-a", body).json["numMonitors"] == len(stored)
        assert [row["username"] for row in call(sandbox, "admin", "GET", f"{UNITS}/unit-a/monitors").json["monitors"]] == stored


def test_licence_info_appears_in_6_5(at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """The licence's modules can be read by everyone from 6.5 on."""
    path = "/api/v1/licenses.info"
    assert call(at("6.5"), "nobody", "GET", path).json["license"]["activeModules"] == ["livechat-enterprise"]
    assert call(at("6.4"), "nobody", "GET", path).headers["content-type"].startswith("text/html")
