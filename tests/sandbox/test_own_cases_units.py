"""Rocket.Chat's own end-to-end cases for units (``tests/end-to-end/api/livechat/14-units.ts``), each asked of the sandbox."""

from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.state import DEFAULT_PERMISSIONS

UNITS = "/api/v1/livechat/units"
DEPARTMENT = "/api/v1/livechat/department"
#: The lines of releases that the cases are true of: from 7.5 on, and for those about ``departmentUnit`` from 6.13 on.
LINES = ["7.5", "7.10", "8.0", "8.8", "8.9", "documented"]
LINKS_ARE_NULL = {"6.13", "7.0", "7.5", "7.10"}


class Server:
    """A workspace of an administrator and two monitors, to which a case adds what it needs."""

    def __init__(self, call: Callable[..., Any], clock: Any, version: str, missing: tuple[str, ...]) -> None:
        roles = {"admin": "admin", "monitor1": "livechat-monitor", "monitor2": "livechat-monitor", "agent": "livechat-agent"}
        self.sandbox = Sandbox(
            {
                "license": ["livechat-enterprise"],
                "users": [{"_id": f"u-{name}", "username": name, "roles": [role]} for name, role in roles.items()],
                "permissions": {**DEFAULT_PERMISSIONS, **{permission: [] for permission in missing}},
            },
            clock=clock,
            server_version=version,
        )
        self._call = call

    def ask(self, method: str, path: str, body: Any = None, *, as_: str = "admin", status: int = 200, **query: str) -> Any:
        """The body of the answer, which has this status."""
        reply = self._call(self.sandbox, as_, method, path, body, **query)
        assert reply.status == status, reply.body
        return reply.json

    def department(self, name: str = "D", **more: Any) -> Any:
        """A new department, as it is stored."""
        made = self.ask("POST", DEPARTMENT, {"department": fields(name), **more})["department"]
        return self.read(made["_id"])

    def read(self, department_id: str) -> Any:
        return self.ask("GET", f"{DEPARTMENT}/{department_id}")["department"]

    def unit(self, *department_ids: str, name: str = "U", monitors: tuple[str, ...] = ("monitor1",)) -> Any:
        """A new unit, as the answer shows it."""
        return self.ask("POST", UNITS, unit(*department_ids, name=name, monitors=monitors))

    def put(self, department: Any, unit_id: str | None, *, name: str = "edited", as_: str = "admin", status: int = 200) -> Any:
        """Edit a department and its unit; the body of the answer."""
        body = {"department": fields(name), "departmentUnit": {} if unit_id is None else {"_id": unit_id}}
        return self.ask("PUT", f"{DEPARTMENT}/{department['_id']}", body, as_=as_, status=status)

    def count(self, unit_id: str) -> int:
        return int(self.ask("GET", f"{UNITS}/{unit_id}")["numDepartments"])


def fields(name: str = "D") -> dict[str, Any]:
    return {"name": name, "enabled": True, "showOnOfflineForm": True, "showOnRegistration": True, "email": f"{name}@example.org"}


def unit(*department_ids: str, name: str = "U", visibility: str = "public", monitors: tuple[str, ...] = ("monitor1",)) -> dict[str, Any]:
    return {
        "unitData": {"name": name, "visibility": visibility},
        "unitMonitors": [{"monitorId": f"u-{monitor}", "username": monitor} for monitor in monitors],
        "unitDepartments": [{"departmentId": department_id} for department_id in department_ids],
    }


@pytest.fixture(params=LINES)
def start(request: Any, call: Callable[..., Any], clock: Any) -> Callable[..., Server]:
    """A function that starts a server of each line, on which nobody has the permissions named."""
    return lambda *missing: Server(call, clock, request.param, missing)


def test_units_are_listed(start: Callable[..., Server]) -> None:
    """A unit is listed with its counters and type, and found by its name."""
    server = start()
    made = server.unit(server.department()["_id"])
    server.unit(name="other")
    (listed,) = [one for one in server.ask("GET", UNITS)["units"] if one["_id"] == made["_id"]]
    assert {key: listed[key] for key in ("name", "visibility", "type", "numMonitors", "numDepartments")} == {
        "name": "U",
        "visibility": "public",
        "type": "u",
        "numMonitors": 1,
        "numDepartments": 1,
    }
    assert [one["_id"] for one in server.ask("GET", UNITS, text="U")["units"]] == [made["_id"]]


def test_the_list_of_units_has_pages(start: Callable[..., Server]) -> None:
    """Two pages of one unit each show different units; capitals come before small letters."""
    server = start()
    for name in ("a test 1234", "A test 1234"):
        server.unit(name=name)
    pages = [server.ask("GET", UNITS, count="1", offset=offset) for offset in ("0", "1")]
    assert [page["count"] for page in pages] == [1, 1]
    assert pages[0]["units"][0]["_id"] != pages[1]["units"][0]["_id"]
    sorted_ = server.ask("GET", UNITS, sort='{"name":1}', text="test", count="2")["units"]
    assert [one["name"] for one in sorted_] == ["A test 1234", "a test 1234"]


def test_the_list_of_units_without_the_permission(start: Callable[..., Server]) -> None:
    """Who may not manage units sees those that he monitors, which is none for an administrator."""
    server = start("manage-livechat-units")
    assert server.ask("GET", UNITS)["units"] == []


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("manage-livechat-units", "POST", UNITS),
        ("manage-livechat-units", "GET", f"{UNITS}/123"),
        ("manage-livechat-units", "POST", f"{UNITS}/123"),
        ("manage-livechat-units", "DELETE", f"{UNITS}/123"),
        ("manage-livechat-units", "GET", f"{UNITS}/123/departments"),
        ("manage-livechat-units", "GET", f"{UNITS}/123/departments/available"),
        ("manage-livechat-monitors", "GET", f"{UNITS}/123/monitors"),
        ("manage-livechat-monitors", "GET", "/api/v1/livechat/monitors"),
        ("manage-livechat-monitors", "GET", "/api/v1/livechat/monitors/123"),
    ],
)
def test_without_the_permission(permission: str, method: str, path: str, start: Callable[..., Server]) -> None:
    """Each endpoint of units and monitors is refused to who lacks its permission."""
    start(permission).ask(method, path, unit(), status=403)


def test_a_unit_is_created(start: Callable[..., Server]) -> None:
    """The answer to a new unit shows what was asked for, and its id; only who holds the monitor's role becomes a monitor."""
    server = start()
    made = server.unit(server.department()["_id"])
    assert {key: made[key] for key in made if key != "_id"} == {
        "name": "U",
        "visibility": "public",
        "type": "u",
        "numMonitors": 1,
        "numDepartments": 1,
        "success": True,
    }
    assert isinstance(made["_id"], str)
    assert server.unit(monitors=("agent",))["numMonitors"] == 0


def test_a_unit_is_read(start: Callable[..., Server]) -> None:
    """A unit's fields stand at the top level."""
    server = start()
    made = server.unit(server.department()["_id"])
    read = server.ask("GET", f"{UNITS}/{made['_id']}")
    assert {key: read[key] for key in made} == made


def test_a_unit_is_updated(start: Callable[..., Server]) -> None:
    """A unit gets another name and visibility; one that there is not is refused."""
    server = start()
    made = server.unit()
    updated = server.ask("POST", f"{UNITS}/{made['_id']}", unit(name="new", visibility="private"))
    assert (updated["name"], updated["visibility"], updated["_id"]) == ("new", "private", made["_id"])
    assert server.ask("POST", f"{UNITS}/123", unit(), status=400)["success"] is False


def test_the_last_unit_gets_a_department(start: Callable[..., Server]) -> None:
    """A department that a second unit is created with leaves the first one."""
    server = start()
    department = server.department()
    first, second = server.unit(department["_id"]), server.unit(department["_id"])
    assert server.ask("GET", f"{UNITS}/{first['_id']}/departments")["total"] == 0
    assert second["numDepartments"] == 1
    assert server.read(department["_id"])["parentId"] == second["_id"]


def test_what_a_unit_leaves_out_it_loses(start: Callable[..., Server]) -> None:
    """A department, or a monitor, that the request does not name is taken out of the unit."""
    server = start()
    made = server.unit(server.department()["_id"])
    assert server.ask("POST", f"{UNITS}/{made['_id']}", unit())["numDepartments"] == 0
    assert server.ask("POST", f"{UNITS}/{made['_id']}", unit(monitors=()))["numMonitors"] == 0
    assert server.ask("GET", f"{UNITS}/{made['_id']}/monitors")["monitors"] == []


def test_a_unit_is_deleted(start: Callable[..., Server]) -> None:
    """Deleting a unit answers the bare number of units deleted."""
    server = start()
    assert server.ask("DELETE", f"{UNITS}/{server.unit()['_id']}") == 1


def test_departments_of_a_unit(start: Callable[..., Server]) -> None:
    """A unit's departments are exactly its own; those that it could have contain its own."""
    server = start()
    department, made = server.department(), server.unit()
    server.put(department, made["_id"])
    listed = server.ask("GET", f"{UNITS}/{made['_id']}/departments")
    assert [one["_id"] for one in listed["departments"]] == [department["_id"]]
    available = server.ask("GET", f"{UNITS}/{made['_id']}/departments/available", text="")["departments"]
    assert made["_id"] in [one.get("parentId") for one in available]


def test_monitors_of_a_unit(start: Callable[..., Server]) -> None:
    """A unit's monitors are listed with id and name."""
    server = start()
    (monitor,) = server.ask("GET", f"{UNITS}/{server.unit()['_id']}/monitors")["monitors"]
    assert (monitor["monitorId"], monitor["username"]) == ("u-monitor1", "monitor1")


# A department's unit


def test_a_department_is_created_with_a_wrong_unit(start: Callable[..., Server]) -> None:
    """An unknown key in the unit of a new department is refused by schema."""
    body = {"department": fields(), "departmentUnit": {"invalidProperty": True}}
    assert start().ask("POST", DEPARTMENT, body, status=400)["errorType"] == "invalid-params"


@pytest.mark.parametrize(("as_", "count"), [("admin", 1), ("monitor1", 1), ("monitor2", 0)])
def test_a_department_is_created_into_a_unit(as_: str, count: int, start: Callable[..., Server]) -> None:
    """A new department comes into a unit that the caller manages or monitors; else it is created without, and nothing is said."""
    server = start()
    made = server.unit()
    body = {"department": fields(), "departmentUnit": {"_id": made["_id"]}}
    created = server.ask("POST", DEPARTMENT, body, as_=as_)["department"]
    stored = server.read(created["_id"])
    assert {key: stored[key] for key in stored if key in ("parentId", "ancestors")} == (
        {"parentId": made["_id"], "ancestors": [made["_id"]]} if count else {}
    )
    assert server.count(made["_id"]) == count


def test_deleted_departments_are_counted_off(start: Callable[..., Server]) -> None:
    """A unit whose departments are all deleted counts none."""
    server = start()
    made = server.unit()
    for _ in range(2):
        department = server.department(departmentUnit={"_id": made["_id"]})
        server.ask("DELETE", f"{DEPARTMENT}/{department['_id']}")
    assert server.count(made["_id"]) == 0


@pytest.mark.parametrize("line", ["6.13", "7.0", "7.5", "7.10", "8.0", "8.8", "8.9"])
@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"invalidProperty": True}, "Match error: Unknown key in field departmentUnit.invalidProperty"),
        ({"_id": True}, "Match error: Expected string, got boolean in field departmentUnit._id"),
    ],
)
def test_a_put_with_a_wrong_unit(sent: Any, error: str, line: str, call: Callable[..., Any], clock: Any) -> None:
    """A unit that is none is refused on a PUT in the words of `check`, in every release."""
    server = Server(call, clock, line, ())
    department = server.department()
    answered = server.ask("PUT", f"{DEPARTMENT}/{department['_id']}", {"department": fields(), "departmentUnit": sent}, status=400)
    assert answered == {"success": False, "error": error}


@pytest.mark.parametrize("line", [*LINES, "6.13", "7.0"])
def test_in_and_out_of_a_unit(line: str, call: Callable[..., Any], clock: Any) -> None:
    """The whole walk of the end-to-end test: who may, moves a department in and out; for who may not, only its name changes."""
    server = Server(call, clock, line, ())
    made = server.unit(name="unit")
    first = server.department(departmentUnit={"_id": made["_id"]})
    assert server.put(first, None, status=400)["errorType"] == "error-unit-cant-be-empty"

    second = server.department("second")

    def edited(as_: str, unit_id: str | None) -> tuple[Any, ...]:
        name = f"{as_} {unit_id}"
        server.put(second, unit_id, name=name, as_=as_)
        stored = server.read(second["_id"])
        assert (stored["name"], stored["type"]) == (name, "d")
        return stored.get("parentId"), stored.get("ancestors"), server.count(made["_id"])

    inside, outside = (made["_id"], [made["_id"]], 2), (None, None, 1)
    assert edited("admin", made["_id"]) == inside
    assert edited("admin", None) == outside
    assert ("parentId" in server.read(second["_id"])) == (line in LINKS_ARE_NULL)
    assert edited("monitor2", made["_id"]) == outside
    assert edited("monitor1", made["_id"]) == inside
    assert edited("monitor2", None) == inside
    assert edited("monitor1", None) == outside


# The unit test of the same rule, ``manageDepartmentUnit.spec.ts``


@pytest.mark.parametrize(
    ("as_", "of", "to", "there"),
    [
        ("admin", "one", "one", "one"),
        ("monitor1", "one", "two", "one"),
        ("monitor1", "two", "one", "two"),
        ("admin", "one", "unknown", "one"),
        ("admin", "one", "two", "two"),
        ("monitor2", "one", "two", "two"),
    ],
)
def test_a_move_counts_on_both_sides(as_: str, of: str, to: str, there: str, start: Callable[..., Server]) -> None:
    """A department that is moved is counted off its old unit and on to its new one; one that is not moved is counted nowhere.

    The first monitor supervises one of the units, the second both.
    """
    server = start()
    ids = {
        "one": server.unit(name="one", monitors=("monitor1", "monitor2"))["_id"],
        "two": server.unit(name="two", monitors=("monitor2",))["_id"],
        "unknown": "unknown",
    }
    department = server.department(departmentUnit={"_id": ids[of]})
    server.put(department, ids[to], as_=as_)
    assert server.read(department["_id"])["parentId"] == ids[there]
    assert {name: server.count(ids[name]) for name in ("one", "two")} == {"one": int(there == "one"), "two": int(there == "two")}
