"""What each server release does differently."""

from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.versions import capabilities

DEPARTMENT = "/api/v1/livechat/department/dept-a"
UNITS = "/api/v1/livechat/units"
FIVE = {"name": "New", "email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
ALL = ["6.0", "6.3", "6.5", "6.6", "6.12", "6.13", "7.0", "7.4", "7.5", "7.6", "7.10", "8.0", "8.8", "8.9", "9.0", "documented"]
#: With the newer HTTP stack, and with permissions before the rate limit.
HONO = {"7.5", "7.6", "7.10", "8.0", "8.8", "8.9", "9.0", "documented"}
LATEST = {"8.0", "8.8", "8.9", "9.0", "documented"}


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
    assert call(at("documented"), "anonymous", "GET", "/api/info").json == {"version": "8.9", "success": True}


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
    if version in LATEST:
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
    newer = version in HONO
    assert (reply.status, reply.json.get("success")) == (401, False if newer else None)
    assert reply.json.get("message") == (None if version == "9.0" else "You must be logged in to do this.")


@pytest.mark.parametrize("version", ALL)
def test_refused_calls_and_the_quota(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A 403 costs quota and shows it before 8.0, and neither from then on."""
    reply = call(at(version), "nobody", "PUT", DEPARTMENT, {})
    assert reply.status == 403
    assert ("x-ratelimit-remaining" in reply.headers) == (version not in LATEST)


@pytest.mark.parametrize("version", ALL)
def test_units_without_the_permission(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """From 7.5 on the list of units is open to all and shows the caller's own, which may be none."""
    sandbox = at(version)
    if version in HONO:
        assert [unit["_id"] for unit in call(sandbox, "monitor", "GET", UNITS).json["units"]] == ["unit-a"]
        assert call(sandbox, "nobody", "GET", UNITS).json["units"] == []
    else:
        assert call(sandbox, "monitor", "GET", UNITS).status == 403
    assert call(sandbox, "nobody", "GET", f"{UNITS}/unit-a").status == 403


@pytest.mark.parametrize("version", ALL)
def test_no_licence(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Without a licence the unit routes do not exist, or say so from 7.5 on."""
    reply = call(at(version, license=[]), "admin", "GET", UNITS)
    if version in HONO:
        assert (reply.status, reply.json["errorType"]) == (400, "error-action-not-allowed")
    else:
        assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("version", ALL)
def test_unknown_unit_and_route(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """What is not there is told by 200 and null, or by the way of the HTTP stack."""
    newer = version in HONO
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


@pytest.mark.parametrize("version", [*ALL, "hidden"])
def test_headers_for_who_is_exempt(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """On the newest line an exempt account is counted and told the limit, and still never refused; before, it is told nothing."""
    sandbox = Sandbox(at(version).state(), clock=lambda: 0.0, server_version=version, rate_limit="2/60")
    replies = [call(sandbox, "admin", "GET", DEPARTMENT) for _ in range(4)]
    assert [reply.status for reply in replies] == [200] * 4
    newest = version in {"8.9", "9.0", "documented", "hidden"}
    assert [reply.headers.get("x-ratelimit-remaining") for reply in replies] == (["1", "0", "0", "0"] if newest else [None] * 4)
    assert call(sandbox, "manager", "GET", DEPARTMENT).status == (429 if newest else 200)


@pytest.mark.parametrize("version", ALL)
def test_pages_of_a_units_departments(version: str, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """Before the newest line each page of a unit's departments is the first one; the offset asked for is echoed all the same."""
    sandbox = at(version)
    for path in (f"{UNITS}/unit-a/departments", f"{UNITS}/unit-a/departments/available"):
        pages = [call(sandbox, "admin", "GET", path, count="1", offset=offset).json for offset in ("0", "1")]
        assert [page["offset"] for page in pages] == [0, 1]
        assert (pages[0]["departments"] == pages[1]["departments"]) == (version not in {"8.9", "9.0", "documented"})


def test_a_handlers_403(at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """A handler that looks at permissions itself says unauthorized, and from 9.0 on forbidden."""
    for version, word in (("7.0", "unauthorized"), ("8.9", "unauthorized"), ("9.0", "forbidden")):
        reply = call(at(version), "nobody", "GET", "/api/v1/livechat/users/agent")
        assert (reply.status, reply.json) == (403, {"success": False, "error": word})


# As documented


@pytest.mark.parametrize("unit", [{}, {"_id": None}, {"_id": ""}])
def test_documented_ways_out_of_a_unit(unit: Any, at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """As documented, a unit without an id and one with null take the department out, and so does an empty id."""
    reply = call(at("documented"), "admin", "PUT", DEPARTMENT, {"department": FIVE, "departmentUnit": unit})
    assert (reply.status, "parentId" in reply.json["department"]) == (200, False)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "must have required property 'department'"),
        ({"department": {key: FIVE[key] for key in FIVE if key != "name"}}, "must have required property 'name'"),
        ({"department": FIVE, "unit": {}}, "must NOT have additional properties"),
        ({"department": FIVE, "departmentUnit": None}, "must be object"),
        ({"department": FIVE, "departmentUnit": {"invalidProperty": True}}, "must NOT have additional properties"),
        ({"department": FIVE, "agents": [{"username": "agent3"}]}, "must have required property 'agentId'"),
        ({"department": {**FIVE, "enabled": "perhaps"}}, "must be boolean"),
    ],
)
def test_documented_refusals(body: Any, error: str, at: Callable[..., Sandbox], call: Callable[..., Any], workspace: Any) -> None:
    """As documented, a PUT is refused by schema, and nothing is done."""
    sandbox = at("documented")
    reply = call(sandbox, "admin", "PUT", DEPARTMENT, body)
    assert (reply.status, reply.json) == (400, {"success": False, "error": f"{error} [invalid-params]", "errorType": "invalid-params"})
    assert sandbox.state() == workspace


def test_documented_values(at: Callable[..., Sandbox], call: Callable[..., Any]) -> None:
    """As documented, values are taken for what they should be, and an agent's numbers as numbers or as text."""
    agents = [{"agentId": "u-agent3", "username": "agent3", "count": "4", "order": 2}]
    body = {"department": {**FIVE, "enabled": "false"}, "agents": agents, "departmentUnit": {"_id": "unit-b"}}
    reply = call(at("documented"), "admin", "PUT", DEPARTMENT, body)
    assert (reply.status, reply.json["department"]["enabled"], reply.json["department"]["parentId"]) == (200, False, "unit-b")
    assert [(row["count"], row["order"]) for row in reply.json["agents"] if row["agentId"] == "u-agent3"] == [(4, 2)]


# Switches


def test_what_a_release_does_can_be_switched(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Each thing that releases do differently can be switched by itself: what is unsure of the real server can be tried both ways."""
    sandbox = Sandbox(workspace, clock=clock, server_version="7.0", toggles={"omitted_unit_removes": False, "unlinks_by_unset": True})
    assert call(sandbox, "admin", "PUT", DEPARTMENT, {"department": FIVE}).json["department"]["parentId"] == "unit-a"
    out = call(sandbox, "admin", "PUT", DEPARTMENT, {"department": FIVE, "departmentUnit": {}}).json["department"]
    assert "parentId" not in out
    with pytest.raises(ValueError, match="'omit_unit' is nothing that a release can do"):
        capabilities("7.0", {"omit_unit": True})


def test_slow_refusals(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """If asked for, a 401 and a 403 are held back for half a second to a second, and nothing else is."""
    sandbox = Sandbox(workspace, clock=clock, toggles={"slow_refusals": True})
    headers = [{}, {"X-User-Id": "u-nobody", "X-Auth-Token": "token-nobody"}, {"X-User-Id": "u-admin", "X-Auth-Token": "token-admin"}]
    replies = [sandbox.answer("GET", f"{UNITS}/unit-a", {}, one, b"") for one in headers]
    assert [(reply.status, 0.5 <= reply.seconds <= 1) for reply in replies] == [(401, True), (403, True), (200, False)]
    assert replies[2].seconds == 0
