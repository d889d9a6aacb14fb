"""Faults on purpose: their grammar, their chance, and what they do to a call."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bulkjob.sandbox import Fault, Sandbox
from bulkjob.sandbox.command import serve
from bulkjob.sandbox.faults import Faults, explanation
from bulkjob.sandbox.kinds import KINDS
from bulkjob.sandbox.web import running

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
        ("slow=3x2", "55...."),
        ("slow=1-2.5:1@PUT+1x1", ".5...."),
        ("refuse=exp(2)x1", "5....."),
        ("latency=40, editor, skew=-30, processes=2", "......"),
        ("latency=40, editor, 500x1", "5....."),
        ("400-half=2/driver@PUT livechat/department/:idx1", "5....."),
        ("400-after=other+1x1, reset-half=3x1, 504-afterx1", "555..."),
    ],
)
def test_grammar(spec: str, expected: str) -> None:
    """Kind, chance, method, route, calls that pass first and the number of hits are read as documented."""
    faults = Faults(spec)
    assert "".join("5" if faults.decide("PUT", ONE, DEPARTMENT) else "." for _ in expected) == expected


@pytest.mark.parametrize(
    "spec",
    [
        *("nonsense", "500:2", "500:x", "500x", "500+", "500:0.5:0.5", "reset", "500 x2"),
        *("500=3", "editor=1", "slow=", "slow=-1", "slow=3-2", "slow=exp(x)", "latency", "latency=-5", "latency=uniform"),
        *(
            "400-after=3",
            "400-before=2/driver",
            "reset-half=driver",
            "400-half=words",
            "400-half=-1",
            "timeout-half=1-2",
            "vanish=1",
            "504-after=1",
        ),
        *("skew", "skew=1-2", "skew=exp(3)", "skew=5:0.5", "skew=5x1", "processes", "processes=0", "processes=1.5", "processes=2@GET"),
    ],
)
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


def test_every_kind_is_told_in_the_same_words() -> None:
    """The help and docs/sandbox.md have a line for every kind, and each kind of the table can be asked for."""
    document = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    table = document.partition("<!-- table: faults -->\n")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [f"| `{kind}` | {meaning} |" for kind, meaning in KINDS.items()]
    values = {"SECONDS": "1", "MS": "1", "=N": "=1", "STEPS": "1", "WORDS": "driver"}
    names = [re.sub("|".join(values), lambda found: values[found[0]], kind.replace("[", "").replace("]", "")) for kind in KINDS]
    Faults(",".join(names))
    assert {name.partition("=")[0] for name in names} == {*Fault, "latency", "editor", "skew", "processes"}
    assert all(f"{kind} " in explanation() for kind in KINDS)


def test_faults_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The faults are explained on demand, without a server being started."""
    # The port would be refused.
    code = serve(host="127.0.0.1", port=-1, state=None, rate_limit=None, server_version="7.0", latency_ms=0, faults="help", seed=None)
    assert (code, capsys.readouterr().out) == (0, f"{explanation()}\n")


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [("latency=40", 0.04, 0.04), ("latency=20-60", 0.02, 0.06), ("latency=exp(40)", 0.0, 1.0)],
)
def test_latency_is_drawn(spec: str, low: float, high: float, workspace: Any, clock: Any) -> None:
    """A call's latency is fixed, even or with a tail, follows from the seed and the call, and the sandbox's own calls have none."""
    paths = [f"/api/v1/livechat/department/d{number % 10}" for number in range(500)]

    def drawn(seed: int) -> list[float]:
        sandbox = Sandbox(workspace, clock=clock, faults=spec, seed=seed)
        return [sandbox.latency("GET", path) for path in paths]

    seconds = drawn(1)
    assert low <= min(seconds)
    assert max(seconds) <= high
    assert sum(seconds) / 500 == pytest.approx(0.04, rel=0.2)
    assert drawn(1) == seconds
    assert (drawn(2) == seconds) == (low == high)
    assert Sandbox(workspace, clock=clock, faults=spec).latency("GET", "/_sandbox/calls") == 0


def test_latencies_are_mixed(workspace: Any, clock: Any) -> None:
    """Of several latencies the first that hits is taken; it stands in the way of no fault."""
    sandbox = Sandbox(workspace, clock=clock, faults=f"latency=3000:0.1,latency=5@GET {ONE},500", seed=3)
    seconds = [sandbox.latency("GET", DEPARTMENT) for _ in range(500)]
    assert set(seconds) == {3.0, 0.005}
    assert 25 < seconds.count(3.0) < 75
    assert {sandbox.latency("PUT", DEPARTMENT) for _ in range(100)} == {3.0, 0.0}
    assert sandbox.answer("GET", DEPARTMENT, {}, {}, b"").status == 500


def test_slow(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A slow answer is whole and its work done; the reply says how long it takes."""
    sandbox = Sandbox(workspace, clock=clock, faults="slow=7x1,slow")
    replies = [sandbox.answer("GET", "/api/info", {}, {}, b"") for _ in range(2)]
    assert [(reply.status, reply.fault, reply.lost, reply.seconds) for reply in replies] == [
        (200, Fault.SLOW, False, 7.0),
        (200, Fault.SLOW, False, 5.0),
    ]
    assert json.loads(replies[0].body)["success"] is True
    assert call(sandbox, "admin", "POST", AGENTS, ADD).status == 200
    assert len(sandbox.state()["departmentAgents"]) == 4


def test_refuse(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A server that refuses connections does nothing and takes note of nothing until its time is over, and has then restarted."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="1/60", faults="refuse=3+1x1")
    units = "/api/v1/livechat/units"
    seen = []
    for _ in range(4):
        seen.append(call(sandbox, "manager", "GET", units).status)
        clock.now += 1.5
    assert seen == [200, 0, 0, 200]
    assert (sandbox.restarts, [entry["status"] for entry in sandbox.calls()]) == (1, [200, 0, 200])
    # The window began when the server was there again, 4.5 s after the first call.
    clock.now = 1_800_000_000.0 + 4.5
    again = call(sandbox, "manager", "GET", units)
    assert (again.status, again.headers["x-ratelimit-reset"]) == (429, "1800000064500")


@pytest.mark.parametrize("skew", [-90, 0.5, 3600])
def test_skew(skew: float, workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """All that the server says of time is off by the same; the list of calls is not."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="2/60", faults=f"skew={skew}")
    reply = call(sandbox, "manager", "PUT", DEPARTMENT, PUT)
    assert parsedate_to_datetime(reply.headers["date"]).timestamp() == int(clock.now + skew)
    assert int(reply.headers["x-ratelimit-reset"]) == (clock.now + skew + 60) * 1000
    stamped = reply.json["department"]["_updatedAt"]
    assert stamped == {-90: "2027-01-15T07:58:30.000Z", 0.5: "2027-01-15T08:00:00.500Z", 3600: "2027-01-15T09:00:00.000Z"}[skew]
    assert sandbox.calls()[0]["time"] == clock.now
    clock.now += 60.001
    assert call(sandbox, "manager", "PUT", DEPARTMENT, PUT).headers["x-ratelimit-remaining"] == "1"


def test_processes(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Each of several processes has windows of its own, and a restart leaves as many."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="2/60", faults="processes=3,restart+7x1")
    replies = [call(sandbox, "manager", "GET", "/api/v1/livechat/units") for _ in range(7)]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["1"] * 3 + ["0"] * 4
    assert [reply.status for reply in replies] == [200] * 6 + [429]
    assert call(sandbox, "manager", "GET", "/api/v1/livechat/units").lost
    assert [call(sandbox, "manager", "GET", "/api/v1/livechat/units").headers["x-ratelimit-remaining"] for _ in range(4)] == ["1"] * 3 + [
        "0"
    ]


def test_429_storm(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """A storm is as many 429 as it says, on the route that it is about, whatever the rate limit is."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="off", faults=f"429@POST {ONE}/agents+1x20")
    statuses = [call(sandbox, "admin", "POST", AGENTS, ADD).status for _ in range(23)]
    assert statuses == [200, *[429] * 20, 200, 200]
    assert call(sandbox, "admin", "GET", AGENTS).status == 200


@pytest.mark.parametrize("seed", range(40))
def test_editor(seed: int, workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """Before a write, and only there, a colleague changes one thing that the path does not name, and what he did is listed."""
    sandbox = Sandbox(workspace, clock=clock, faults="editor,503", seed=seed)
    for _ in range(3):
        call(sandbox, "admin", "GET", AGENTS)
    assert (sandbox.state(), sandbox.edits()) == (workspace, [])
    path, named = (AGENTS, "dept-a") if seed % 2 else ("/api/v1/livechat/units/unit-a", "unit-a")
    call(sandbox, "admin", "POST", path, ADD)
    (edit,) = sandbox.edits()
    assert edit["time"] == clock.now
    assert named not in edit.values()
    assert _done_to(workspace, edit) == _meaning(sandbox.state())


def _done_to(state: Any, edit: dict[str, Any]) -> Any:
    """What the state means after one edit."""
    units, places, names = _meaning(state)
    if edit["edit"] == "move":
        units[edit["department"]] = edit["unit"]
    elif edit["edit"] == "add":
        places.add((edit["department"], edit["agent"]))
    elif edit["edit"] == "remove":
        places.remove((edit["department"], edit["agent"]))
    else:
        names[edit["unit"]] = edit["name"]
    return units, places, names


def _meaning(state: Any) -> Any:
    return (
        {department["_id"]: department.get("parentId") for department in state["departments"]},
        {(row["departmentId"], row["agentId"]) for row in state["departmentAgents"]},
        {unit["_id"]: unit["name"] for unit in state["units"]},
    )


def test_editor_follows_from_the_seed(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """With the same seed and calls a colleague does the same, in a fraction of the writes, and comes to every kind of edit."""

    def edits(seed: int) -> list[dict[str, Any]]:
        sandbox = Sandbox(workspace, clock=clock, faults="editor:0.3", seed=seed)
        for _ in range(100):
            call(sandbox, "admin", "POST", AGENTS, ADD)
        return sandbox.edits()

    there = edits(1)
    assert there == edits(1)
    assert there != edits(2)
    assert 15 < len(there) < 45
    assert {edit["edit"] for edit in there} == {"move", "add", "remove", "rename"}


def test_editor_keeps_the_counters(workspace: Any, clock: Any, call: Callable[..., Any]) -> None:
    """However much a colleague edits, the counters move by what he did, as the server's do."""
    sandbox = Sandbox(workspace, clock=clock, faults="editor,503", seed=5)
    off = _off(workspace)
    for _ in range(200):
        call(sandbox, "admin", "POST", "/api/v1/livechat/department/none/agents", ADD)
    assert len(sandbox.edits()) == 200
    touched = {edit["department"] for edit in sandbox.edits() if edit["edit"] in ("add", "remove")}
    assert {key: value for key, value in _off(sandbox.state()).items() if key not in touched} == {
        key: value for key, value in off.items() if key not in touched
    }
    assert [_off(sandbox.state())[department] for department in touched] == [0] * len(touched)


def _off(state: Any) -> dict[str, int]:
    """By how much each counter is wrong."""
    places = [row["departmentId"] for row in state["departmentAgents"]]
    children = [department.get("parentId") for department in state["departments"]]
    return {one["_id"]: one.get("numAgents", 0) - places.count(one["_id"]) for one in state["departments"]} | {
        one["_id"]: one.get("numDepartments", 0) - children.count(one["_id"]) for one in state["units"]
    }


def test_editor_finds_nothing(clock: Any, call: Callable[..., Any]) -> None:
    """In an empty workspace there is nothing to edit, and that is no error."""
    user = {"_id": "u-admin", "username": "admin", "roles": ["admin"]}
    sandbox = Sandbox({"users": [user]}, clock=clock, faults="editor")
    assert call(sandbox, "admin", "POST", AGENTS, ADD).status == 400
    assert sandbox.edits() == []


async def test_slow_over_http(workspace: Any, clock: Any) -> None:
    """The head of a slow answer comes at once, its body only with the time; a client that does not wait finds the work done."""
    sandbox = Sandbox(workspace, clock=clock, faults="slow=3600x1,slow=0.3")
    admin = {"X-User-Id": "u-admin", "X-Auth-Token": "token-admin"}
    async with running(sandbox) as url, aiohttp.ClientSession(headers=admin) as session:
        async with session.post(url + AGENTS, json=ADD) as answer:
            assert (answer.status, answer.content_length) == (200, 16)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer.read(), 0.1)
        assert len(sandbox.state()["departmentAgents"]) == 4
        began = time.monotonic()
        async with session.get(url + AGENTS) as answer:
            assert (await answer.json())["total"] == 3
        assert time.monotonic() - began >= 0.3


async def test_restart_cuts_a_slow_answer(workspace: Any, clock: Any) -> None:
    """An answer whose body is still on its way when the server restarts is cut off, and its call counts as not answered."""
    sandbox = Sandbox(workspace, clock=clock, faults="slow=2x1,restart")
    async with running(sandbox) as url, aiohttp.ClientSession() as session, session.get(f"{url}/api/info") as answer:
        assert sandbox.answer("GET", "/api/info", {}, {}, b"").lost
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
    assert [entry["status"] for entry in sandbox.calls()] == [0, 0]


async def test_refuse_over_http(workspace: Any) -> None:
    """While a server refuses connections a client is told so at once, and later the same address serves again."""
    sandbox = Sandbox(workspace, clock=time.time, faults="refuse=3600x1")
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(url + AGENTS, json=ADD)
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(url + AGENTS, json=ADD)
    sandbox = Sandbox(workspace, clock=time.time, faults="refuse=0.1x1")
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(url + AGENTS, json=ADD)
        while True:
            try:
                async with session.get(f"{url}/api/info") as answer:
                    assert answer.status == 200
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)


async def test_latency_over_http(workspace: Any, clock: Any) -> None:
    """A call takes at least the latency that the faults want."""
    sandbox = Sandbox(workspace, clock=clock, faults="latency=200x1")
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        began = time.monotonic()
        async with session.get(f"{url}/api/info") as answer:
            assert answer.status == 200
        assert time.monotonic() - began >= 0.2
