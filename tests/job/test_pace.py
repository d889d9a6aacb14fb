"""The whole job under a rate limit, with windows of a minute, on virtual time."""

import json
import logging
import random
import re
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from bulkjob.changes import Operation
from bulkjob.plan.forecast import _Rehearsal
from bulkjob.rocketchat import Request
from bulkjob.vocabulary import Exit
from tests.support.rehearsal import foresee, rehearse
from tests.support.states import State, places

LIMIT, WINDOW = 10, 60.0


def workspace(departments: int) -> State:
    """Departments without agents, one more for somebody else; the account is limited."""
    fields = {"enabled": True, "showOnRegistration": True, "showOnOfflineForm": True, "email": "somebody@example.org"}
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-manager", "username": "manager", "roles": ["livechat-manager"]},
            {"_id": "u-agent", "username": "agent", "roles": ["livechat-agent"]},
        ],
        "departments": [
            {"_id": f"d-{number}", "name": f"Department {number}", "type": "d", "numAgents": 0, **fields}
            for number in range(departments + 1)
        ],
    }


def rehearsed(folder: Path, departments: int, **more: Any) -> Any:
    rows = [{"department": f"d-{number}", "agent": "agent"} for number in range(departments)]
    ran = rehearse(folder, workspace(departments), rows, user="manager", rate_limit=f"{LIMIT}/{WINDOW:g}", latency=lambda _: 0.05, **more)
    assert ran.exit == Exit.OK, ran.said
    assert set(ran.column("status")) == {"success"}
    assert set(ran.column("attempts")) == {"1"}
    return ran


def least(ran: Any, without: str = "") -> float:
    """When the last call of the busiest route can go out, if its windows are used from the first moment on; passing over a route."""
    calls: dict[tuple[str, str], int] = {}
    for entry in ran.summary["calls"]:
        key = entry["method"], entry["route"]
        calls[key] = calls.get(key, 0) + entry["count"]
    calls.pop(("GET", without), None)
    return (ceil(max(calls.values()) / LIMIT) - 1) * WINDOW


def refused(ran: Any) -> int:
    return sum(entry["count"] for entry in ran.summary["calls"] if entry["status"] == 429)


@pytest.mark.parametrize(("departments", "concurrency"), [(100, 1), (100, 8), (100, 64), (300, 8)])
def test_alone_every_window_is_used_and_nothing_refused(tmp_path: Path, departments: int, concurrency: int) -> None:
    """Alone, the job is never refused and takes hardly more than the windows of the busiest route, at any concurrency."""
    ran = rehearsed(tmp_path, departments, concurrency=concurrency)
    assert refused(ran) == 0
    assert ran.seconds <= 1.05 * least(ran)


def test_additions_are_shared_out(tmp_path: Path) -> None:
    """A hundred departments take seven windows instead of ten: some go by the other route, and each is done and seen to be."""
    ran = rehearsed(tmp_path, 100)
    assert ran.seconds < 7 * WINDOW
    writes = dict.fromkeys(ran.write_paths)
    assert len(writes) == len(ran.writes) == 100
    assert {method for method, _ in writes} == {"PUT", "POST"}
    assert len(places(ran.after)) == 100


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_several_processes_are_used_side_by_side(tmp_path: Path, concurrency: int) -> None:
    """Behind three processes, each with a limit of its own, nothing is refused, and the windows of all of them are used."""
    ran = rehearsed(tmp_path, 200, processes=3, concurrency=concurrency)
    assert refused(ran) == 0
    assert ran.seconds < 0.6 * least(ran)


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_a_second_client_costs_time_and_nothing_else(tmp_path: Path, concurrency: int) -> None:
    """Somebody else who eats from the same windows costs no attempt and no row."""
    seen: list[str] = []

    def meddle(transport: Any, request: Any) -> None:
        seen.append(request.path)
        if len(seen) % 4 == 0:
            transport.call(request.route.method, re.sub(r"d-\d+", "d-100", request.path), request.body)

    ran = rehearsed(tmp_path, 100, concurrency=concurrency, meddle=meddle)
    assert ran.summary["retries"] == 0
    assert ran.seconds < 2.5 * least(ran)


def with_units(units: int, others: int) -> tuple[State, list[dict[str, str]]]:
    """As many units as departments that shall be in them, each unit with a monitor; and more departments, which shall get an agent."""
    state = workspace(units + others)
    state["users"][0]["roles"].append("livechat-monitor")
    state["units"] = [{"_id": f"u-{number}", "name": f"Unit {number}", "visibility": "public", "type": "u"} for number in range(units)]
    state["unitMonitors"] = [
        {"_id": f"m-{number}", "monitorId": "u-manager", "username": "manager", "unitId": f"u-{number}"} for number in range(units)
    ]
    moves = [{"department": f"d-{number}", "unit": f"u-{number}"} for number in range(units)]
    return state, moves + [{"department": f"d-{number}", "agent": "agent"} for number in range(units, units + others)]


@pytest.mark.parametrize("concurrency", [1, 8, 64])
@pytest.mark.parametrize(("units", "others"), [(40, 0), (100, 0), (40, 100)])
def test_reads_cost_no_write_its_window(tmp_path: Path, units: int, others: int, concurrency: int) -> None:
    """Writes of units share the lists that they are made from and looked at by, and the forecast knows."""
    state, rows = with_units(units, others)
    limit, lag = f"{LIMIT}/{WINDOW:g}", random.Random(1)  # noqa: S311 - it only spreads the answers
    foreseen = foresee(tmp_path / "1", state, rows, user="manager", rate_limit=limit, as_json=True, concurrency=concurrency)
    ran = rehearse(
        tmp_path / "2", state, rows, user="manager", rate_limit=limit, concurrency=concurrency, latency=lambda _: lag.uniform(0.02, 0.2)
    )
    assert ran.exit == Exit.OK, ran.said
    assert refused(ran) == 0
    assert ran.seconds <= 1.05 * least(ran, without="livechat/department")
    assert ran.seconds == pytest.approx(json.loads(foreseen.said)["forecast"]["seconds"], rel=0.1)


def test_a_long_list_is_read_once_for_all_who_wait(tmp_path: Path) -> None:
    """Without a limit, too: of 24 writes, eight at a time, each needs a list before it and one after it."""
    state, rows = with_units(24, 977)
    ran = rehearse(tmp_path, state, rows[:24], user="manager", rate_limit="off", latency=lambda _: 0.05, concurrency=8)
    assert ran.exit == Exit.OK, ran.said
    lists = sum(entry["count"] for entry in ran.summary["calls"] if entry["route"] == "livechat/department")
    # (The first write is alone, as nothing is known of its route yet.)
    assert lists <= 1 + 2 * (1 + 24 / 8)


@pytest.mark.parametrize("limited", [True, False], ids=["shared out", "not shared out"])
def test_an_approved_plan_keeps_its_routes(tmp_path: Path, *, limited: bool) -> None:
    """A plan is sent by the routes that were approved, whatever the limit is when it is sent."""
    limits = f"{LIMIT}/{WINDOW:g}", "off"
    rows = [{"department": f"d-{number}", "agent": "agent"} for number in range(40)]
    file = tmp_path / "plan.json"
    seen = foresee(tmp_path / "1", workspace(40), rows, user="manager", rate_limit=limits[not limited], out=file)
    assert seen.exit == Exit.OK
    ran = rehearse(tmp_path / "2", workspace(40), rows, user="manager", rate_limit=limits[limited], plan=file)
    assert ran.exit == Exit.OK, ran.said
    assert {method for method, _ in ran.writes} == ({"PUT", "POST"} if limited else {"PUT"})


def test_a_wait_while_reading_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also before the first write the log says what is waited for, and until when."""
    rows = [{"department": f"d-{number}", "agent": "agent"} for number in range(15)]
    with caplog.at_level(logging.INFO, "bulkjob"):
        rehearse(tmp_path, workspace(15), rows, user="manager", rate_limit="10/60", latency=lambda _: 0.05, agents="mirror")
    assert re.search(r"Reading the workspace, \d+ calls so far, waiting \d+ s for the server's rate limit", caplog.text)


@pytest.mark.parametrize(("user", "walks"), [("admin", 1), ("manager", 2)])
def test_a_plan_is_gone_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str, walks: int) -> None:
    """Before the first write a forecast goes through the plan once, and under a limit once more as if there were none."""
    gone_through: list[object] = []
    before_the_first_write: list[int] = []

    def send(self: _Rehearsal, operations: Sequence[Operation]) -> None:
        gone_through.append(operations)
        _as_it_is(self, operations)

    def look(_: object, request: Request[Any]) -> None:
        if request.writes and not before_the_first_write:
            before_the_first_write.append(len(gone_through))

    _as_it_is = _Rehearsal.send
    monkeypatch.setattr(_Rehearsal, "send", send)
    state = workspace(3)
    state["users"].append({"_id": "u-admin", "username": "admin", "roles": ["admin"]})
    rows = [{"department": f"d-{number}", "agent": "agent"} for number in range(3)]
    assert rehearse(tmp_path, state, rows, user=user, rate_limit=f"{LIMIT}/{WINDOW:g}", meddle=look).exit == Exit.OK
    assert before_the_first_write == [walks]
