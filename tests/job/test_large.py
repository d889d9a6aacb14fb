"""A reorganisation of a size that a company has: 5,000 rows, 1,000 departments, 60 units."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bulkjob.records import Naming
from bulkjob.vocabulary import Exit
from tests.support.rehearsal import rehearse
from tests.support.states import State, differences, parents, places

DEPARTMENTS, UNITS, AGENTS, ROWS = 1000, 60, 300, 5000
CHANCE = random.Random(2026)  # noqa: S311 - no secret


def _workspace() -> State:
    """150 departments in the first unit, the others spread over the rest; three agents in each."""
    parents = [0] * 150 + [1 + number % (UNITS - 1) for number in range(DEPARTMENTS - 150)]
    members = [CHANCE.sample(range(AGENTS), 3) for _ in range(DEPARTMENTS)]
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["admin"]},
            *({"_id": f"w{unit}", "username": f"watch{unit}", "roles": ["livechat-monitor"]} for unit in range(UNITS)),
            *({"_id": f"a{agent}", "username": f"agent{agent}", "roles": ["livechat-agent"]} for agent in range(AGENTS)),
        ],
        "units": [
            {
                "_id": f"u{unit}",
                "name": f"Unit {unit}",
                "visibility": "public",
                "type": "u",
                "numMonitors": 1,
                "numDepartments": parents.count(unit),
            }
            for unit in range(UNITS)
        ],
        "unitMonitors": [
            {"_id": f"m{unit}", "monitorId": f"w{unit}", "username": f"watch{unit}", "unitId": f"u{unit}"} for unit in range(UNITS)
        ],
        "departments": [
            {
                "_id": f"d{number}",
                "name": f"Department {number}",
                "email": f"d{number}@example.org",
                "enabled": True,
                "showOnRegistration": True,
                "showOnOfflineForm": True,
                "type": "d",
                "numAgents": 3,
                "parentId": f"u{parents[number]}",
                "ancestors": [f"u{parents[number]}"],
            }
            for number in range(DEPARTMENTS)
        ],
        "departmentAgents": [
            {
                "_id": f"p{number}-{agent}",
                "agentId": f"a{agent}",
                "departmentId": f"d{number}",
                "username": f"agent{agent}",
                "departmentEnabled": True,
                "count": CHANCE.randrange(100),
                "order": 0,
            }
            for number in range(DEPARTMENTS)
            for agent in members[number]
        ],
    }


def _sheet(state: State) -> list[dict[str, object]]:
    """Five rows for each department: the unit in all of them, three agents who come or stay, one who leaves from every fourth department.

    Every third department moves; each unit only to higher ones, so that no two exchange departments, but for one pair that does.
    """
    members: dict[str, list[str]] = {}
    for row in state["departmentAgents"]:
        members.setdefault(row["departmentId"], []).append(row["username"])
    rows: list[dict[str, object]] = []
    for number, department in enumerate(state["departments"]):
        unit = int(department["parentId"][1:])
        if number % 3 == 0 and unit < UNITS - 1:
            unit = CHANCE.randrange(unit + 1, UNITS)
        target = f"Unit {unit}" if number % 2 else f"u{unit}"
        inside = members[department["_id"]]
        outside = [f"agent{agent}" for agent in CHANCE.sample(range(AGENTS), 8) if f"agent{agent}" not in inside]
        stays: list[dict[str, object]] = [{"agent": inside[0]}, {"agent": inside[1]}]
        others: list[dict[str, object]] = [{"agent": inside[2]}, {"agent": inside[2]}]
        if number % 5:
            others = [{"agent": f"@{outside[0]}", "order": number % 7}, {"agent": outside[1]}]
        last: dict[str, object] = {"agent": inside[2], "action": "remove"} if number % 4 == 0 and number % 5 else {}
        rows += [{"department": department["name"], "unit": target, **more} for more in (*stays, *others, last)]
    assert len(rows) == ROWS
    return rows


@pytest.fixture(scope="module")
def big() -> tuple[State, list[dict[str, object]]]:
    """The workspace and the sheet for it."""
    state = _workspace()
    return state, _sheet(state)


def _asked(state: State, rows: list[dict[str, object]]) -> tuple[dict[str, str], dict[tuple[str, str], tuple[int, int] | None]]:
    identifiers = {document["name"]: document["_id"] for key in ("departments", "units") for document in state[key]}
    held = {(row["departmentId"], row["agentId"]): (row["count"], row["order"]) for row in state["departmentAgents"]}
    units: dict[str, str] = {}
    agents: dict[tuple[str, str], tuple[int, int] | None] = {}
    for row in rows:
        department = identifiers[str(row["department"])]
        units[department] = identifiers.get(str(row["unit"]), str(row["unit"]))
        if "agent" in row:
            place = department, str(row["agent"]).lstrip("@").replace("agent", "a")
            was = held.get(place, (0, 0))
            agents[place] = None if "action" in row else (was[0], int(str(row.get("order", was[1]))))
    return units, agents


def test_five_thousand_rows(big: tuple[State, list[dict[str, object]]], tmp_path: Path) -> None:
    """Every row is true on the server afterwards, nothing else changed, and no write was made that is not needed."""
    state, rows = big
    ran = rehearse(tmp_path / "1", state, rows, max_removals=None, concurrency=16)
    assert ran.exit == Exit.OK, ran.said
    units, agents = _asked(state, rows)
    assert differences(ran.before, ran.after, units=units, agents=agents) == []

    moved = {department: unit for department, unit in units.items() if unit != parents(ran.before)[department]}
    touched = {*moved.values(), *(parents(ran.before)[department] for department in moved)}
    before = places(ran.before)
    removals = {place[0] for place, numbers in agents.items() if numbers is None}
    additions = {place[0] for place, numbers in agents.items() if numbers is not None and numbers != before.get(place)} - removals
    assert len(moved) > 300
    assert len(removals) > 150
    assert Counter(ran.writes) == {
        ("POST", "livechat/units/:id"): len(touched),
        ("PUT", "livechat/department/:id"): len(additions),
        ("POST", "livechat/department/:id/agents"): len(removals),
    }
    reads = Counter(call["route"] for call in ran.calls if call["method"] == "GET")
    # One list to plan by; then for each unit one before and one after its write at most, shared by those that ask at the same time.
    assert reads["livechat/department"] <= 1 + 2 * len(touched)
    assert reads["livechat/units/:id"] == reads["livechat/units/:id/monitors"] == len(touched)
    # Each department that agents are written to is looked at once, by either route.
    assert reads["livechat/department/:id"] == len(additions) + len(removals)
    asked_for_numbers = {f"d{number}" for number in range(DEPARTMENTS) if number % 5}
    assert reads["livechat/department/:id/agents"] == len(asked_for_numbers) + 2 * len(removals)
    assert reads["livechat/units"] == 1
    assert reads["livechat/users/:type"] == AGENTS // 100

    again = rehearse(tmp_path / "2", ran.after, rows)
    assert (again.exit, again.writes, set(again.column("change"))) == (Exit.OK, [], {"unchanged"})


def test_names_are_collected_as_often_for_many_rows_as_for_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row's result takes the names that are there already: collecting them looks at every change, which no row may cost."""
    collected: list[int] = []

    def counted(*names: Any) -> Naming:
        collected[-1] += 1
        return Naming(*names)

    monkeypatch.setattr("bulkjob.plan.state.Naming", counted)
    state = _workspace()
    for number in (2, 40):
        collected.append(0)
        rows = [{"department": f"Department {place}", "agent": "agent0", "order": 7} for place in range(number)]
        assert rehearse(tmp_path / str(number), state, rows).exit == Exit.OK
    assert collected[0] == collected[1]


def test_large_unit(big: tuple[State, list[dict[str, object]]], tmp_path: Path) -> None:
    """A unit of 150 departments, more than a page holds, loses none when another joins, also with pages of 50."""
    state, _ = big
    paged = {**state, "settings": {"API_Upper_Count_Limit": 50, "API_Allow_Infinite_Count": False, "API_Default_Count": 50}}
    for number, given in enumerate((state, paged)):
        ran = rehearse(tmp_path / str(number), given, [{"department": "Department 999", "unit": "Unit 0"}])
        assert ran.exit == Exit.OK, ran.said
        assert differences(ran.before, ran.after, units={"d999": "u0"}, agents={}) == []
        assert len(ran.writes) == 2
