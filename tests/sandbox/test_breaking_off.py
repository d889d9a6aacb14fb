"""Writes that break off: a 400 in the words of what broke, before the work, after it or after a part of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Fault, Sandbox
from bulkjob.sandbox.kinds import WORDS

API = "/api/v1/livechat"
FIVE = {"name": "New", "email": "a@example.org", "enabled": False, "showOnRegistration": True, "showOnOfflineForm": True}
ADD = [{"agentId": "u-agent3", "username": "agent3"}]
UNIT = {
    "unitData": {"name": "X", "visibility": "private"},
    "unitMonitors": [{"monitorId": "u-monitor2", "username": "monitor2"}],
    "unitDepartments": [{"departmentId": "dept-a"}, {"departmentId": "dept-b"}],
}
WRITES = {
    "put": ("PUT", f"{API}/department/dept-a", {"department": FIVE, "agents": ADD, "departmentUnit": {"_id": "unit-b"}}),
    "agents": ("POST", f"{API}/department/dept-a/agents", {"upsert": ADD, "remove": [{"agentId": "u-agent1", "username": "agent1"}]}),
    "unit": ("POST", f"{API}/units/unit-a", UNIT),
    "new unit": ("POST", f"{API}/units", UNIT),
    "no unit": ("DELETE", f"{API}/units/unit-a", None),
    "new department": (
        "POST",
        f"{API}/department",
        {"department": FIVE, "agents": [{"agentId": "u-agent3"}], "departmentUnit": {"_id": "unit-b"}},
    ),
    "no department": ("DELETE", f"{API}/department/dept-a", None),
    "archive": ("POST", f"{API}/department/dept-a/archive", None),
}
EACH = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


def meaning(sandbox: Sandbox) -> str:
    """The state without what differs from one run to another."""
    return json.dumps(sandbox.state(), sort_keys=True)


@pytest.fixture
def broken(workspace: Any, clock: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    """A function that sends one write to a server with these faults: the reply, and the server."""

    def send(write: tuple[str, str, Any], faults: str | None, **more: Any) -> Any:
        sandbox = Sandbox(workspace, clock=clock, faults=faults, **more)
        return call(sandbox, "admin", *write), sandbox

    return send


@EACH
@pytest.mark.parametrize("words", WORDS)
def test_after_the_work(write: Any, words: str, broken: Callable[..., Any]) -> None:
    """The state is that of a write that succeeded, the answer a 400 without a code, in the words that were asked for."""
    reply, sandbox = broken(write, f"400-after={words}")
    assert (reply.status, reply.json.keys()) == (400, {"success", "error"})
    assert reply.json["error"] in WORDS[words]
    _, whole = broken(write, None)
    assert meaning(sandbox) == meaning(whole)


@EACH
def test_before_the_work(write: Any, broken: Callable[..., Any], workspace: Any) -> None:
    """The answer is the same, and nothing is done; a read is answered so, too."""
    reply, sandbox = broken(write, "400-before")
    assert (reply.status, reply.json["error"] in WORDS["network"]) == (400, True)
    assert sandbox.state() == workspace
    assert broken(("GET", f"{API}/units", None), "400-before")[0].status == 400


@EACH
@pytest.mark.parametrize("kind", ["400-half", "reset-half", "timeout-half"])
def test_half_of_the_work(write: Any, kind: str, broken: Callable[..., Any]) -> None:
    """Whatever the seed, the first change is made and the last is not; the work ends at each point in between."""
    _, whole = broken(write, None)
    ends = set()
    for seed in range(100):
        reply, sandbox = broken(write, kind, seed=seed)
        ends.add(sandbox.store.steps)
        assert reply.fault is Fault(kind)
        assert (reply.status, reply.lost) == ((400, False) if kind == "400-half" else (0, True))
    assert ends == set(range(1, whole.store.steps))


@EACH
def test_the_step_can_be_chosen(write: Any, broken: Callable[..., Any], workspace: Any) -> None:
    """With STEPS the work ends after so many changes: none of them, each further one, at last all."""
    _, whole = broken(write, None)
    states = [meaning(broken(write, f"400-half={steps}/driver")[1]) for steps in range(whole.store.steps + 2)]
    assert json.loads(states[0]) == workspace
    assert len(set(states)) == whole.store.steps + 1
    assert states[-1] == states[-2] == meaning(whole)


def test_the_order_of_a_put(broken: Callable[..., Any]) -> None:
    """A PUT changes the department, then each agent's enabling, then adds agents and counts them, then changes the unit."""

    def after(steps: int) -> tuple[Any, ...]:
        state = broken(WRITES["put"], f"400-half={steps}")[1].state()
        department = next(one for one in state["departments"] if one["_id"] == "dept-a")
        rows = [row for row in state["departmentAgents"] if row["departmentId"] == "dept-a"]
        counts = [one["numDepartments"] for one in state["units"]]
        return department["name"], [row["departmentEnabled"] for row in rows], department["numAgents"], department["parentId"], counts

    assert [after(steps) for steps in range(9)] == [
        ("Alpha", [True, True], 2, "unit-a", [2, 1]),
        ("New", [True, True], 2, "unit-a", [2, 1]),
        ("New", [False, True], 2, "unit-a", [2, 1]),
        ("New", [False, False], 2, "unit-a", [2, 1]),
        ("New", [False, False, False], 2, "unit-a", [2, 1]),
        ("New", [False, False, False], 3, "unit-a", [2, 1]),
        ("New", [False, False, False], 3, "unit-a", [1, 1]),
        ("New", [False, False, False], 3, "unit-b", [1, 1]),
        ("New", [False, False, False], 3, "unit-b", [1, 2]),
    ]


@pytest.mark.parametrize(("version", "goes"), [("7.5", "last"), ("7.6", "first"), ("8.8", "first")])
def test_the_order_of_a_deletion(version: str, goes: str, broken: Callable[..., Any], call: Callable[..., Any]) -> None:
    """A deletion that breaks off can be repeated where the unit goes last; where it goes first, its departments stay with its id."""
    unit_there = goes == "last"
    _, sandbox = broken(WRITES["no unit"], "400-half=1x1", server_version=version)
    state = sandbox.state()
    assert ("unit-a" in [unit["_id"] for unit in state["units"]]) == unit_there
    assert "unit-a" in [department.get("parentId") for department in state["departments"]]
    again = call(sandbox, "admin", *WRITES["no unit"])
    assert (again.status, again.json if unit_there else again.json["errorType"]) == ((200, 1) if unit_there else (400, "unit-not-found"))
    left = [department for department in sandbox.state()["departments"] if department.get("parentId") == "unit-a"]
    assert (left == []) == unit_there


@pytest.mark.parametrize("kind", ["400-half", "400-after", "reset-half", "timeout-half", "400-before"])
def test_who_is_refused_is_refused(kind: str, broken: Callable[..., Any], workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A call that would be refused before its first change is, in the usual words, if it is answered."""
    sandbox = Sandbox(workspace, clock=clock, faults=kind)
    statuses = [call(sandbox, as_, "PUT", f"{API}/department/dept-a", {"department": FIVE}).status for as_ in ("anonymous", "nobody")]
    lost = kind in ("reset-half", "timeout-half")
    assert statuses == ([0, 0] if lost else [401, 403])
    unknown = call(sandbox, "admin", "POST", f"{API}/units/none", UNIT)
    assert unknown.lost or ("unit-not-found" in str(unknown.json)) == (kind != "400-before")
    assert sandbox.state() == workspace


@pytest.mark.parametrize("kind", ["400-half", "400-after", "reset-half", "timeout-half", "vanish"])
def test_reads_are_not_touched(kind: str, broken: Callable[..., Any]) -> None:
    """What breaks off, or is deleted in between, is a write."""
    reply, _ = broken(("GET", f"{API}/units/unit-a", None), kind)
    assert (reply.status, reply.fault) == (200, None)


def test_a_400_tells_the_rate_limit(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A call that breaks off has passed the limiter, is counted, and says so."""
    sandbox = Sandbox(workspace, clock=clock, faults="400-after", rate_limit="2/60")
    replies = [call(sandbox, "manager", "POST", f"{API}/units", UNIT) for _ in range(3)]
    assert [reply.status for reply in replies] == [400, 400, 429]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["1", "0", "0"]


def test_a_proxy_that_waits_no_longer(broken: Callable[..., Any]) -> None:
    """The work is done, and what comes is a proxy's page."""
    reply, sandbox = broken(WRITES["agents"], "504-after")
    assert (reply.status, "Gateway Timeout" in reply.body.decode()) == (504, True)
    assert meaning(sandbox) == meaning(broken(WRITES["agents"], None)[1])


def test_a_unit_that_vanishes(broken: Callable[..., Any]) -> None:
    """A unit that is deleted between check and change is not there afterwards, the answer is 200, and its departments name it."""
    reply, sandbox = broken(WRITES["unit"], "vanish")
    assert (reply.status, reply.json["name"], reply.json["_id"]) == (200, "X", "unit-a")
    state = sandbox.state()
    assert [unit["_id"] for unit in state["units"]] == ["unit-b"]
    assert {one["_id"] for one in state["departments"] if one.get("parentId") == "unit-a"} == {"dept-a", "dept-b"}
    assert [(edit["edit"], edit["unit"]) for edit in sandbox.edits()] == [("delete", "unit-a")]


def test_a_department_that_vanishes(broken: Callable[..., Any]) -> None:
    """A department that is deleted between check and change is refused without a code."""
    reply, sandbox = broken(WRITES["put"], "vanish")
    assert (reply.status, reply.json) == (400, {"success": False, "error": "Department dept-a not found"})
    assert "dept-a" not in [one["_id"] for one in sandbox.state()["departments"]]
    assert [(edit["edit"], edit["department"]) for edit in sandbox.edits()] == [("delete", "dept-a")]


@pytest.mark.parametrize(("version", "answer"), [("7.5", (200, 0)), ("7.6", (400, "unit-not-found"))])
def test_a_deletion_that_comes_second(version: str, answer: Any, broken: Callable[..., Any]) -> None:
    """Of two who delete a unit at the same moment the second has deleted none, or is refused where the unit goes first."""
    reply, _ = broken(WRITES["no unit"], "vanish", server_version=version)
    assert (reply.status, reply.json if reply.status == 200 else reply.json["errorType"]) == answer


def test_a_new_unit_cannot_vanish(broken: Callable[..., Any]) -> None:
    """What is only being made is nobody's to delete."""
    reply, sandbox = broken(WRITES["new unit"], "vanish")
    assert (reply.status, sandbox.edits()) == (200, [])
