"""Faults on purpose: their grammar, their chance, and what they do to a call."""

from collections.abc import Callable
from typing import Any

import pytest

from bulkjob.sandbox import Fault, Sandbox
from bulkjob.sandbox.faults import Faults

ONE = "livechat/department/:id"
DEPARTMENT = "/api/v1/livechat/department/dept-a"
AGENTS = f"{DEPARTMENT}/agents"
ADD = {"upsert": [{"agentId": "u-agent3", "username": "agent3"}], "remove": []}
PUT = {
    "department": {"name": "New", "email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True},
    "departmentUnit": {"_id": "unit-b"},
}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", "......"),
        ("500", "555555"),
        ("500x2", "55...."),
        ("500+3", "...555"),
        ("500+1x2", ".55..."),
        ("500:0", "......"),
        ("500:1x1", "5....."),
        ("500@PUTx1", "5....."),
        ("500@GET", "......"),
        ("500@livechat/department/:id+1x1", ".5...."),
        ("500@PUT livechat/department/:idx1", "5....."),
        ("500@GET livechat/department/:id", "......"),
        ("500@livechat/units*", "......"),
        ("500@livechat/dep*x3", "555..."),
        ("500@livechat/units, 500x1", "5....."),
    ],
)
def test_grammar(spec: str, expected: str) -> None:
    """Kind, chance, method, route, calls that pass first and the number of hits are read as documented."""
    faults = Faults(spec)
    assert "".join("5" if faults.decide("PUT", ONE, DEPARTMENT) else "." for _ in expected) == expected


@pytest.mark.parametrize("spec", ["nonsense", "500:2", "500:x", "500x", "500+", "500:0.5:0.5", "reset", "500 x2"])
def test_bad_specification(spec: str) -> None:
    """What cannot be understood is refused in one sentence that shows it."""
    with pytest.raises(ValueError, match="fault"):
        Faults(spec)


def test_chance_follows_from_the_seed_and_the_call_alone() -> None:
    """The same calls meet the same faults in any order; another seed gives others."""
    calls = [("PUT", ONE, f"/d{number % 10}") for number in range(200)]

    def struck(order: list[int], seed: int) -> dict[tuple[str, int], bool]:
        faults, times, found = Faults("500:0.3", seed=seed), dict[str, int](), {}
        for number in order:
            path = calls[number][2]
            times[path] = times.get(path, 0) + 1
            found[path, times[path]] = faults.decide(*calls[number]) is not None
        return found

    there = struck(list(range(200)), 1)
    assert there == struck(list(reversed(range(200))), 1)
    assert there != struck(list(range(200)), 2)
    assert 30 < sum(there.values()) < 90


@pytest.mark.parametrize(("kind", "done"), [("reset-before", 0), ("reset-after", 1), ("timeout", 0), ("timeout-after", 1)])
def test_lost_answers(kind: str, done: int, workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A lost answer says nothing of whether the work was done; the list of calls shows status 0."""
    sandbox = Sandbox(workspace, clock=clock, faults=f"{kind}x1")
    reply = call(sandbox, "admin", "POST", AGENTS, ADD)
    assert (reply.status, reply.body, reply.fault, reply.lost) == (0, b"", Fault(kind), True)
    assert len(sandbox.state()["departmentAgents"]) == 3 + done
    assert [entry["status"] for entry in sandbox.calls()] == [0]
    assert call(sandbox, "admin", "GET", AGENTS).status == 200


@pytest.mark.parametrize("kind", ["429", "502", "503", "504"])
def test_proxy_pages(kind: str, workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A proxy answers with HTML and without rate-limit headers, and the server does nothing."""
    sandbox = Sandbox(workspace, clock=clock, faults=kind)
    reply = call(sandbox, "manager", "POST", AGENTS, ADD)
    assert (reply.status, reply.lost) == (int(kind), False)
    assert "html" in reply.headers["content-type"]
    assert not any(name.startswith("x-ratelimit") for name in reply.headers)
    assert len(sandbox.state()["departmentAgents"]) == 3


def test_500_and_truncate(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A 500 is the server's JSON with nothing done; a truncated answer is half of it, with the work done."""
    sandbox = Sandbox(workspace, clock=clock, faults="500x1,truncate")
    assert call(sandbox, "admin", "PUT", DEPARTMENT, PUT).body == b'{"success":false,"error":"Internal server error"}'
    cut = call(sandbox, "admin", "PUT", DEPARTMENT, PUT)
    assert cut.body.startswith(b'{"department":{')
    assert not cut.body.endswith(b"}")
    assert sandbox.state()["departments"][0]["name"] == "New"


@pytest.mark.parametrize(
    "write",
    [
        ("PUT", DEPARTMENT, PUT),
        ("POST", AGENTS, ADD),
        (
            "POST",
            "/api/v1/livechat/units/unit-a",
            {"unitData": {"name": "X", "visibility": "public"}, "unitMonitors": [], "unitDepartments": []},
        ),
    ],
)
def test_forget(write: tuple[str, str, Any], workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A forgotten write is answered with success and changes nothing; a PUT's answer shows what is stored."""
    sandbox = Sandbox(workspace, clock=clock, faults="forget")
    before = sandbox.state()
    answered = call(sandbox, "admin", *write)
    assert (answered.status, b'"success":true' in answered.body) == (200, True)
    assert sandbox.state() == before
    if write[0] == "PUT":
        assert b'"name":"Alpha"' in answered.body
    assert call(sandbox, "nobody", *write).status == 403


def test_restart(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A restart drops the call, begins every window anew and keeps what is stored."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="1/60", faults="restart+2x1")
    units = "/api/v1/livechat/units"
    assert [call(sandbox, "manager", "GET", units).status for _ in range(4)] == [200, 429, 0, 200]
    assert sandbox.restarts == 1
