"""Rocket.Chat's own end-to-end cases for departments, agents and monitors, each asked of the sandbox.

They are those of ``tests/end-to-end/api/livechat/10-departments.ts``, ``01-agents.ts`` and ``22-monitors.ts``.
"""

from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.state import DEFAULT_PERMISSIONS

API = "/api/v1/livechat"
DEPARTMENT = f"{API}/department"
#: Releases that the cases are true of: those of before 6.14 from clones of that time, later ones from the newest files.
LINES = ["6.13", "7.0", "7.5", "7.10", "8.0", "8.8", "8.9", "documented"]
#: Where ``POST …/agents`` is still validated by `check`.
CHECKED = {"6.13", "7.0", "7.5", "7.10"}


def fields(name: str = "D", **more: Any) -> dict[str, Any]:
    return {"name": name, "enabled": True, "showOnOfflineForm": True, "showOnRegistration": True, "email": f"{name}@example.org", **more}


class Server:
    """A workspace of an administrator, a manager, a monitor and three agents, to which a case adds what it needs."""

    def __init__(self, call: Callable[..., Any], clock: Any, version: str, missing: tuple[str, ...], changes: dict[str, Any]) -> None:
        roles = {"admin": ["admin"], "manager": ["livechat-manager"], "monitor": ["livechat-monitor", "livechat-agent"]}
        agents = {"away": {"status": "offline"}, "busy": {"statusLivechat": "not-available"}, "ready": {"statusLivechat": "available"}}
        users = [{"_id": f"u-{name}", "username": name, "roles": held} for name, held in roles.items()]
        users += [{"_id": f"u-{name}", "username": name, "roles": ["livechat-agent"], **more} for name, more in agents.items()]
        permissions = {**DEFAULT_PERMISSIONS, **{permission: [] for permission in missing}}
        state = {"license": ["livechat-enterprise"], "users": users, "permissions": permissions}
        self.version = version
        self.sandbox = Sandbox({**state, **changes}, clock=clock, server_version=version)
        self._call = call

    def ask(self, method: str, path: str, body: Any = None, *, as_: str = "admin", status: int = 200, **query: str) -> Any:
        """The body of the answer, which has this status."""
        reply = self._call(self.sandbox, as_, method, path, body, **query)
        assert reply.status == status, reply.body
        return reply.json

    def department(self, name: str = "D", *agents: str) -> str:
        """The id of a new department with these agents."""
        body = {"department": fields(name), "agents": [{"agentId": f"u-{agent}"} for agent in agents]}
        return str(self.ask("POST", DEPARTMENT, body)["department"]["_id"])

    def names(self, path: str = DEPARTMENT, **query: Any) -> list[str]:
        """The names of the departments listed."""
        return [one["name"] for one in self.ask("GET", path, **query)["departments"]]


@pytest.fixture(params=LINES)
def start(request: Any, call: Callable[..., Any], clock: Any) -> Callable[..., Server]:
    """A function that starts a server of each line, on which nobody has the permissions named, with changes to its state."""
    return lambda *missing, **changes: Server(call, clock, request.param, missing, changes)


VIEW = ("view-livechat-departments", "view-l-room")
CHANGE = ("manage-livechat-departments", "add-livechat-department-agents")


@pytest.mark.parametrize(
    ("permissions", "method", "path"),
    [
        (VIEW, "GET", DEPARTMENT),
        (VIEW, "GET", f"{DEPARTMENT}/123"),
        (VIEW, "GET", f"{DEPARTMENT}/123/agents"),
        (VIEW, "GET", f"{DEPARTMENT}.autocomplete"),
        (VIEW, "GET", f"{DEPARTMENT}.listByIds"),
        (CHANGE, "PUT", f"{DEPARTMENT}/123"),
        (CHANGE, "POST", f"{DEPARTMENT}/123/agents"),
        (("manage-livechat-departments",), "POST", DEPARTMENT),
        (("manage-livechat-departments",), "POST", f"{DEPARTMENT}/123/archive"),
        (("manage-livechat-departments", "remove-livechat-department"), "DELETE", f"{DEPARTMENT}/123"),
        (("transfer-livechat-guest", "edit-omnichannel-contact"), "GET", f"{API}/users/agent"),
        (("view-livechat-manager",), "GET", f"{API}/users/manager"),
        (("view-livechat-manager",), "GET", f"{API}/users/agent/123"),
    ],
)
def test_without_the_permission(permissions: tuple[str, ...], method: str, path: str, start: Callable[..., Server]) -> None:
    """Each endpoint of departments and agents is refused to who has none of its permissions."""
    body: dict[str, Any] = (
        {"department": fields()} if method in {"POST", "PUT"} and not path.endswith("agents") else {"upsert": [], "remove": []}
    )
    start(*permissions).ask(method, path, body, status=403)


def test_one_department_without_a_licence(start: Callable[..., Server]) -> None:
    """Without a licence there may be one department, whose fields come back, and no second one."""
    server = start(license=[])
    made = server.ask("POST", DEPARTMENT, {"department": fields(allowReceiveForwardOffline=True)})["department"]
    assert {key: made[key] for key in fields()} == fields()
    assert made["allowReceiveForwardOffline"] is True
    server.ask("POST", DEPARTMENT, {"department": fields("second")}, status=400)
    assert len(server.names()) == 1


def test_departments_are_listed(start: Callable[..., Server]) -> None:
    """The list has pages, finds by name, and puts capitals before small letters."""
    server = start()
    for name in ("a test", "A test", "A test 123"):
        server.department(name)
    server.ask("GET", DEPARTMENT, count="invalid", status=400)
    assert len(server.names(count="1")) == 1
    assert server.names(text="test", count="2") == ["A test", "A test 123"]
    assert server.names(text="test") == ["A test", "A test 123", "a test"]
    assert server.names(text="A test 123") == ["A test 123"]


@pytest.mark.parametrize(
    "department",
    [
        {},
        fields(requestTagBeforeClosingChat=True),
        fields(requestTagBeforeClosingChat=True, chatClosingTags="not an array"),
        fields(fallbackForwardDepartment="not a department id"),
    ],
)
def test_a_department_that_is_not_created(department: Any, start: Callable[..., Server]) -> None:
    """Without its fields, without tags where they are asked for, or with a fallback that there is not, none is created."""
    server = start()
    server.ask("POST", DEPARTMENT, {"department": department}, status=400)
    assert server.names() == []


def test_departments_that_are_created(start: Callable[..., Server]) -> None:
    """Tags and their rule are stored, and a department may be disabled from the start."""
    server = start()
    tagged = fields(requestTagBeforeClosingChat=True, chatClosingTags=["tag"])
    made = server.ask("POST", DEPARTMENT, {"department": tagged})["department"]
    assert (made["requestTagBeforeClosingChat"], made["chatClosingTags"]) == (True, ["tag"])
    assert server.ask("POST", DEPARTMENT, {"department": fields(enabled=False)})["department"]["enabled"] is False


def test_a_department_is_read(start: Callable[..., Server]) -> None:
    """A department comes with its fields; one that there is not is null."""
    server = start()
    read = server.ask("GET", f"{DEPARTMENT}/{server.department()}")["department"]
    assert {key: read[key] for key in fields()} == fields()
    assert server.ask("GET", f"{DEPARTMENT}/123")["department"] is None


@pytest.mark.parametrize(
    "more", [{"agents": "not an array"}, {"agents": [{"notAValidKey": "x"}]}, {"agents": [{"upsert": [{"agentId": "x"}]}]}]
)
def test_a_put_with_wrong_agents(more: Any, start: Callable[..., Server]) -> None:
    """Agents that are no list, or no agents, are refused on a PUT."""
    server = start()
    server.ask("PUT", f"{DEPARTMENT}/{server.department()}", {"department": fields(), **more}, status=400)


def test_a_fallback_to_itself(start: Callable[..., Server]) -> None:
    """A department is no fallback of itself."""
    server = start()
    made = server.department()
    server.ask("PUT", f"{DEPARTMENT}/{made}", {"department": fields(fallbackForwardDepartment=made)}, status=400)


def test_a_department_is_deleted(start: Callable[..., Server]) -> None:
    """One that there is not is refused, one that there is goes."""
    server = start()
    assert server.ask("DELETE", f"{DEPARTMENT}/123", status=400)["error"] == "error-department-not-found"
    server.ask("DELETE", f"{DEPARTMENT}/{server.department()}")
    assert server.names() == []


def test_deleting_can_be_switched_off(start: Callable[..., Server]) -> None:
    """With the setting off, which the releases from 7.5 on have, no department is deleted."""
    server = start(settings={"Omnichannel_enable_department_removal": False})
    made = server.department()
    known = server.version not in {"6.13", "7.0"}
    answered = server.ask("DELETE", f"{DEPARTMENT}/{made}", status=400 if known else 200)
    assert answered.get("error") == ("error-department-removal-disabled" if known else None)


def test_rooms_of_a_deleted_department(start: Callable[..., Server]) -> None:
    """Rooms follow their department into a unit that is created with it, and lose both when it is deleted; other rooms keep theirs."""
    rooms = [{"_id": room, "departmentId": department} for room, department in (("r1", "d1"), ("r2", "d2"), ("r3", "d3"))]
    departments = [{"_id": one, "type": "d", "numAgents": 0, **fields(one)} for one in ("d1", "d2", "d3")]
    server = start(departments=departments, rooms=rooms)
    body = {"unitData": {"name": "U", "visibility": "public"}, "unitMonitors": []}
    made = server.ask("POST", f"{API}/units", {**body, "unitDepartments": [{"departmentId": "d1"}, {"departmentId": "d2"}]})["_id"]

    def tags() -> dict[str, Any]:
        return {room["_id"]: (room.get("departmentId"), room.get("departmentAncestors")) for room in server.sandbox.state()["rooms"]}

    assert tags() == {"r1": ("d1", [made]), "r2": ("d2", [made]), "r3": ("d3", None)}
    server.ask("DELETE", f"{DEPARTMENT}/d1")
    assert tags() == {"r1": (None, None), "r2": ("d2", [made]), "r3": ("d3", None)}


# Lookups


@pytest.mark.parametrize("query", [{}, {"selector": ""}, {"selector[name]": "test"}, {"selector": '{name: "test"'}])
def test_an_autocompletion_of_nothing(query: dict[str, str], start: Callable[..., Server]) -> None:
    """A selector that is missing, empty or no JSON is refused."""
    answered = start().ask("GET", f"{DEPARTMENT}.autocomplete", status=400, **query)
    assert (answered["success"], "error" in answered) == (False, True)


def test_an_autocompletion(start: Callable[..., Server]) -> None:
    """Departments are found by what their name begins with, without those that are excepted, with id and name alone."""
    server = start()
    first, second = server.department("test one"), server.department("Test two")
    server.department("a test")

    def items(selector: str) -> list[Any]:
        return list(server.ask("GET", f"{DEPARTMENT}.autocomplete", selector=selector)["items"])

    assert items('{"term":"test"}') == [{"_id": second, "name": "Test two"}, {"_id": first, "name": "test one"}]
    assert [item["name"] for item in items(f'{{"exceptions":["{first}"]}}')] == ["Test two", "a test"]
    assert items('{"term":"test","conditions":{"enabled":false}}') == []


def test_departments_by_ids(start: Callable[..., Server]) -> None:
    """Departments are found by a list of ids, however the list is spelt; one id alone is none, and so is nothing."""
    server = start()
    first, second = server.department("first"), server.department("second")
    path = f"{DEPARTMENT}.listByIds"
    server.ask("GET", path, status=400)
    assert server.ask("GET", path, ids="test", status=400)["error"] == "The 'ids' param must be an array"
    assert server.names(path, **{"ids[0]": first, "ids[1]": second}) == ["first", "second"]
    alone: dict[str, Any] = {"ids[]": second}
    assert server.names(path, **alone) == ["second"]
    (shown,) = server.ask("GET", path, fields='{"email":1}', **alone)["departments"]
    assert ("name" in shown) == (server.version != "6.13")


# Agents of a department


def test_agents_are_listed(start: Callable[..., Server]) -> None:
    """A department that there is not, or without agents, has none; an agent's row says where he is and that it is enabled."""
    server = start()
    for department in ("test", server.department()):
        listed = server.ask("GET", f"{DEPARTMENT}/{department}/agents")
        assert (listed["agents"], listed["total"]) == ([], 0)
    made = server.department("D", "ready")
    listed = server.ask("GET", f"{DEPARTMENT}/{made}/agents")
    assert [(row["departmentId"], row["departmentEnabled"]) for row in listed["agents"]] == [(made, True)]
    assert listed["count"] == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, "Match error: Missing key 'upsert'"),
        ({"upsert": [{}], "remove": []}, "Match error: Missing key 'agentId' in field upsert[0]"),
    ],
)
def test_agents_that_are_not_added(body: Any, error: str, start: Callable[..., Server]) -> None:
    """Both lists, and an agent's id in each item, are asked for in the words of `check`, before the schema comes."""
    server = start()
    answered = server.ask("POST", f"{DEPARTMENT}/{server.department()}/agents", body, status=400)
    if server.version in CHECKED:
        assert answered == {"success": False, "error": error}
    else:
        assert answered["errorType"] == "invalid-params"


def test_agents_are_added(start: Callable[..., Server]) -> None:
    """An agent with id and name is added, but not to a department that there is not."""
    server = start()
    unknown = server.ask("POST", f"{DEPARTMENT}/test/agents", {"upsert": [], "remove": []}, status=400)
    assert unknown["error"] == "Department not found [error-department-not-found]"
    added = {"upsert": [{"agentId": "u-ready", "username": "ready"}], "remove": []}
    assert server.ask("POST", f"{DEPARTMENT}/{server.department()}/agents", added) == {"success": True}


def test_the_archive(start: Callable[..., Server]) -> None:
    """Nobody archives without signing in, nor what there is not; an archived department is listed until it is taken back."""
    server = start()
    server.ask("POST", f"{DEPARTMENT}/123/archive", as_="anonymous", status=401)
    server.ask("POST", f"{DEPARTMENT}/123/archive", status=400)
    made = server.department()
    server.ask("POST", f"{DEPARTMENT}/{made}/archive")
    assert server.names(f"{API}/departments/archived") == ["D"]
    server.ask("POST", f"{DEPARTMENT}/{made}/unarchive")
    assert server.names(f"{API}/departments/archived") == []


# Agents, managers, monitors


def test_people_are_listed(start: Callable[..., Server]) -> None:
    """Agents and managers are pages of users; those who are away or not available can be left out."""
    server = start()
    for kind in ("agent", "manager"):
        assert {"users", "offset", "total", "count"} <= server.ask("GET", f"{API}/users/{kind}").keys()

    def found(**query: Any) -> set[str]:
        return {user["username"] for user in server.ask("GET", f"{API}/users/agent", **query)["users"]}

    assert found(onlyAvailable="false") == {"away", "busy", "ready", "monitor"}
    assert found(onlyAvailable="true") == {"ready", "monitor"}
    assert found(showIdleAgents="true") == {"away", "busy", "ready", "monitor"}
    assert found(showIdleAgents="false") == {"busy", "ready", "monitor"}
    assert server.ask("GET", f"{API}/users/invalid-type", status=400)["error"] == "Invalid type"


def test_one_of_the_people(start: Callable[..., Server]) -> None:
    """One is found by id; who lacks the role is null, and so is who is nobody, who is refused before 8.0."""
    server = start()
    assert server.ask("GET", f"{API}/users/agent/u-ready")["user"]["username"] == "ready"
    assert server.ask("GET", f"{API}/users/agent/u-manager")["user"] is None
    server.ask("GET", f"{API}/users/invalid-type/u-ready", status=400)
    if server.version in CHECKED:
        assert server.ask("GET", f"{API}/users/agent/nobody", status=400) == {"success": False, "error": "User not found"}
    else:
        assert server.ask("GET", f"{API}/users/agent/nobody") == {"user": None, "success": True}


def test_monitors_are_found(start: Callable[..., Server]) -> None:
    """A text finds exactly one monitor, a name him alone, and a name that is no monitor's is refused."""
    server = start()
    assert [user["username"] for user in server.ask("GET", f"{API}/monitors", text="monitor")["monitors"]] == ["monitor"]
    assert server.ask("GET", f"{API}/monitors/monitor")["username"] == "monitor"
    assert server.ask("GET", f"{API}/monitors/ready", status=400)["error"] == "invalid-user"


def test_only_my_departments(start: Callable[..., Server]) -> None:
    """A monitor sees the departments of his units, from 7.10 on also those where he is an agent; a manager sees all."""
    server = start()
    supervised, _, _ = server.department("supervised"), server.department("agent there", "monitor"), server.department("foreign")
    monitors = [{"monitorId": "u-monitor", "username": "monitor"}]
    body = {"unitData": {"name": "U", "visibility": "public"}, "unitMonitors": monitors}
    server.ask("POST", f"{API}/units", {**body, "unitDepartments": [{"departmentId": supervised}]})
    also = [] if server.version in {"6.13", "7.0", "7.5"} else ["agent there"]
    assert server.names(onlyMyDepartments="true", as_="monitor") == [*also, "supervised"]
    assert len(server.names(onlyMyDepartments="true", as_="manager")) == 3


@pytest.mark.parametrize("line", ["8.0", "8.8", "8.9"])
def test_monitors_are_appointed(line: str, call: Callable[..., Any], clock: Any) -> None:
    """A user is given the monitor's role, twice without harm, and loses it together with his units; who is nobody is refused."""
    server = Server(call, clock, line, (), {})
    create, delete = f"{API}/monitors.create", f"{API}/monitors.delete"
    for _ in range(2):
        assert server.ask("POST", create, {"username": "ready"})["username"] == "ready"
    body = {"unitData": {"name": "U", "visibility": "public"}, "unitDepartments": []}
    monitors = [{"monitorId": "u-ready", "username": "ready"}, {"monitorId": "u-monitor", "username": "monitor"}]
    assert server.ask("POST", f"{API}/units", {**body, "unitMonitors": monitors})["numMonitors"] == 2
    for _ in range(2):
        assert server.ask("POST", delete, {"username": "ready"}) == {"success": True}
    assert [row["username"] for row in server.sandbox.state()["unitMonitors"]] == ["monitor"]
    for username in ("invalid-username", ""):
        assert server.ask("POST", create, {"username": username}, status=400)["errorType"] == "error-invalid-user"
    assert server.ask("POST", delete, {"username": "nobody"}, status=400) == {"success": False, "error": "Invalid user"}
    assert server.ask("POST", create, {}, status=400) == {
        "success": False,
        "error": "must have required property 'username'",
        "errorType": "invalid-params",
    }


def test_monitors_are_not_appointed_before_8_0(call: Callable[..., Any], clock: Any) -> None:
    """The endpoints came with 8.0."""
    Server(call, clock, "7.10", (), {}).ask("POST", f"{API}/monitors.create", {"username": "ready"}, status=404)
