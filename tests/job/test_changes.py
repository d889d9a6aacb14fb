"""What a run changes, and what it leaves alone: the sandbox's state before and after, compared whole."""

import io
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bulkjob.sandbox.state import DEFAULT_PERMISSIONS
from bulkjob.settings.values import MaxRemovals
from bulkjob.vocabulary import Exit
from tests.support.rehearsal import rehearse
from tests.support.rollbacks import roll_back
from tests.support.states import State, differences, parents, places, wrong_counters
from tests.support.workspaces import SAMPLES

MOVES: list[dict[str, object]] = [
    {"department": "Alpha", "unit": "SOUTH", "agent": "@cid", "count": 4, "order": 9},
    {"department": "gamma", "unit": "NORTH"},
    {"department": "Beta", "agent": "ann"},
    {"department": "alpha", "agent": "u-ann", "action": "remove"},
    {"department": "Alpha", "agent": "bob", "order": 5},
    {"department": "free", "unit": "north", "agent": "bob"},
]
AFTER_MOVES: dict[str, Any] = {
    "units": {"alpha": "south", "gamma": "north", "free": "north"},
    "agents": {
        ("alpha", "u-cid"): (4, 9),
        ("alpha", "u-ann"): None,
        ("alpha", "u-bob"): (3, 5),
        ("beta", "u-ann"): (0, 0),
        ("free", "u-bob"): (0, 0),
    },
}

VERSIONS = ["6.0", "6.5", "6.12", "6.13", "7.0", "7.5", "8.0", "hidden"]


@pytest.mark.parametrize("version", VERSIONS)
def test_unit_route(small: State, tmp_path: Path, version: str) -> None:
    """Written as whole units, exactly the sheet's changes are there afterwards, on every server line."""
    ran = rehearse(tmp_path, small, MOVES, version=version)
    assert ran.exit == Exit.OK, ran.said
    assert differences(ran.before, ran.after, **AFTER_MOVES) == []
    assert set(ran.column("change")) == {"updated"}
    # The two units exchange departments: one of them is written twice.
    assert Counter(ran.writes) == {
        ("POST", "livechat/units/:id"): 3,
        ("PUT", "livechat/department/:id"): 2,
        ("POST", "livechat/department/:id/agents"): 1,
    }


@pytest.mark.parametrize("version", ["6.13", "7.0", "7.5", "8.0", "hidden"])
@pytest.mark.parametrize("user", ["admin", "manager"])
def test_department_route(small: State, tmp_path: Path, version: str, user: str) -> None:
    """Written department by department, exactly the same changes are there."""
    ran = rehearse(tmp_path, small, MOVES, version=version, user=user, unit_route="department", rate_limit="off")
    assert ran.exit == Exit.OK, ran.said
    assert differences(ran.before, ran.after, **AFTER_MOVES) == []
    assert Counter(ran.writes) == {("PUT", "livechat/department/:id"): 4, ("POST", "livechat/department/:id/agents"): 1}


@pytest.mark.parametrize("route", ["unit", "department"])
def test_second_run(small: State, tmp_path: Path, route: str) -> None:
    """A second run writes nothing, reports every row `unchanged`, and makes no call per department unless numbers are asked for."""
    plain = [{name: cell for name, cell in row.items() if name not in ("count", "order")} for row in MOVES]
    first = rehearse(tmp_path / "1", small, plain, unit_route=route)
    second = rehearse(tmp_path / "2", first.after, plain, unit_route=route)
    assert (second.exit, second.writes, set(second.column("change"))) == (Exit.OK, [], {"unchanged"})
    assert not any(":id" in call["route"] for call in second.calls)
    assert second.after == second.before
    numbers = rehearse(tmp_path / "3", first.after, [*plain, {"department": "Beta", "agent": "bob", "count": 5}], unit_route=route)
    assert [call["path"] for call in numbers.calls if ":id" in call["route"]] == ["/api/v1/livechat/department/beta/agents"]
    assert (numbers.exit, numbers.writes) == (Exit.OK, [])


def test_out_of_a_unit(small: State, tmp_path: Path) -> None:
    """A dash takes a department out of its unit by either route, and the report calls the unit by its name."""
    for route in ("unit", "department"):
        ran = rehearse(
            tmp_path / route, small, [{"department": "beta", "unit": "-"}, {"department": "free", "unit": "-"}], unit_route=route
        )
        assert ran.exit == Exit.OK, ran.said
        assert differences(ran.before, ran.after, units={"beta": None}, agents={}) == []
        assert ran.column("change") == ["updated", "unchanged"]
        assert ran.rows[0]["message"] == 'Taken out of unit "NORTH" (north).'


def test_archived_departments_stay_in_their_unit(small: State, tmp_path: Path) -> None:
    """A unit that is written keeps its archived departments; a row that would change one fails without a call."""
    rows = [
        {"department": "gamma", "unit": "-"},
        {"department": "Old", "unit": "north"},
        {"department": "Old", "unit": "south"},
        {"department": "Old", "agent": "ann"},
        {"department": "Old", "agent": "ann", "action": "remove"},
    ]
    # The fourth and the fifth contradict each other: one at a time.
    for left_out in (3, 4):
        ran = rehearse(tmp_path / str(left_out), small, [row for number, row in enumerate(rows) if number not in (1, left_out)])
        assert ran.column("status") == ["success", "success", "success" if left_out == 3 else "failed"]
        assert differences(ran.before, ran.after, units={"gamma": None}, agents={}) == []
    ran = rehearse(tmp_path / "move", small, rows[:2])
    assert (ran.exit, ran.column("code")) == (Exit.ROWS_NOT_DONE, ["", "department-archived"])
    assert differences(ran.before, ran.after, units={"gamma": None}, agents={}) == []


def test_monitors_who_lost_their_role(small: State, tmp_path: Path) -> None:
    """The names of monitors whom the server will drop from a unit are said before the unit is written, and only theirs."""
    small["users"].append({"_id": "u-former", "username": "former", "roles": ["user"]})
    small["unitMonitors"].append({"_id": "m3", "monitorId": "u-former", "username": "former", "unitId": "south"})
    small["units"][1]["numMonitors"] = 2
    log = io.StringIO()
    said: list[str] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.route.method == "POST":
            said.append(log.getvalue())

    rows = [{"department": "free", "unit": "south"}, {"department": "gamma", "unit": "north"}]
    ran = rehearse(tmp_path / "7", small, rows, meddle=meddle, log=log)
    assert ran.exit == Exit.OK
    [warning] = ran.summary["warnings"]
    assert "@former" in warning
    assert '"SOUTH" (south)' in warning
    assert "second" not in warning
    assert warning in next(text for text, (_, path) in zip(said, ran.write_paths, strict=True) if path.endswith("/south"))
    left = [monitor["username"] for monitor in ran.after["unitMonitors"]]
    assert left == ["monitor", "second"]
    # Servers before 6.6 keep them.
    ran = rehearse(tmp_path / "6", small, rows, version="6.5")
    assert (ran.summary["warnings"], len(ran.after["unitMonitors"])) == ([], 3)


def test_mirror(small: State, tmp_path: Path) -> None:
    """With `mirror`, whoever has no `add` row leaves a department that has one; departments with none keep everybody."""
    rows = [
        {"department": "alpha", "agent": "cid"},
        {"department": "beta", "agent": "ann", "action": "remove"},
        {"department": "beta", "unit": "south"},
    ]
    ran = rehearse(tmp_path, small, rows, agents="mirror")
    assert ran.exit == Exit.OK, ran.said
    agents = {("alpha", "u-cid"): (0, 0), ("alpha", "u-ann"): None, ("alpha", "u-bob"): None}
    assert differences(ran.before, ran.after, units={"beta": "south"}, agents=agents) == []
    again = rehearse(tmp_path / "2", ran.after, rows, agents="mirror")
    assert (again.writes, set(again.column("change"))) == ([], {"unchanged"})


def test_rows_that_say_the_same(small: State, tmp_path: Path) -> None:
    """Rows that are the same by text or by id share one write and its figures."""
    rows = [
        {"department": "Beta", "unit": "South", "agent": "cid", "order": 2},
        {"department": "beta", "unit": "south", "agent": "u-cid", "order": 2},
        {"department": "Beta", "unit": "South", "agent": "cid", "order": 2},
        {"department": "Beta", "agent": "@CID", "count": 6},
    ]
    ran = rehearse(tmp_path, small, rows)
    assert ran.exit == Exit.OK, ran.said
    assert differences(ran.before, ran.after, units={"beta": "south"}, agents={("beta", "u-cid"): (6, 2)}) == []
    assert len({(row["attempts"], row["http_status"], row["seconds"]) for row in ran.rows[:3]}) == 1
    # A unit that gains, one that loses, and the agent.
    assert len(ran.writes) == 3


def test_department_without_a_required_field(small: State, tmp_path: Path) -> None:
    """A department that lacks a field that a PUT must carry is given none: its agents go by their own route, its unit by the unit's."""
    del small["departments"][1]["email"]
    rows = [{"department": "beta", "unit": "south"}, {"department": "beta", "agent": "cid"}]
    ran = rehearse(tmp_path / "u", small, rows)
    assert ran.exit == Exit.OK
    assert differences(ran.before, ran.after, units={"beta": "south"}, agents={("beta", "u-cid"): (0, 0)}) == []
    ran = rehearse(tmp_path / "d", small, rows, unit_route="department")
    assert (ran.exit, ran.column("code"), ran.column("attempts")) == (Exit.ROWS_NOT_DONE, ["rejected", ""], ["", "1"])
    assert differences(ran.before, ran.after, units={}, agents={("beta", "u-cid"): (0, 0)}) == []
    assert ran.writes == [("POST", "livechat/department/:id/agents")]


def test_taking_unit_that_cannot_be_written(small: State, tmp_path: Path) -> None:
    """A department whose taking unit could not be written stays in the unit that has it, though that is written for others."""
    rows = [{"department": "alpha", "unit": "south"}, {"department": "free", "unit": "north"}]
    ran = rehearse(tmp_path, small, rows, faults="500@POST livechat/units/:idx1", retries=1, latency=lambda _: 0.1)
    assert [path.rpartition("/")[2] for _, path in ran.write_paths] == ["south", "north"]
    assert (ran.exit, ran.column("code")) == (Exit.ROWS_NOT_DONE, ["server-error", ""])
    assert differences(ran.before, ran.after, units={"free": "north"}, agents={}) == []


def test_last_department_in_a_unit(small: State, tmp_path: Path) -> None:
    """By the department route a unit is not emptied: the last of its departments in the sheet's order fails without a call."""
    small["departments"] = [department for department in small["departments"] if department["_id"] != "old"]
    small["units"][1]["numDepartments"] = 1
    rows = [{"department": "beta", "unit": "south"}, {"department": "alpha", "unit": "-"}, {"department": "gamma", "unit": "-"}]
    ran = rehearse(tmp_path, small, rows, unit_route="department")
    assert (ran.exit, ran.column("code")) == (Exit.ROWS_NOT_DONE, ["", "last-department-in-unit", ""])
    assert ran.rows[1]["attempts"] == ""
    assert differences(ran.before, ran.after, units={"beta": "south", "gamma": None}, agents={}) == []


def test_live_counters(small: State, tmp_path: Path) -> None:
    """A counter that the server raises while the job runs is not set back, and holds."""

    def meddle(transport: Any, request: Any) -> None:
        if request.route.method == "GET" and request.path.endswith("/department/alpha"):
            row = transport.sandbox.store.rows_of("alpha")[0]  # as routing does, between planning and writing
            row["count"] = 50

    ran = rehearse(tmp_path, small, [{"department": "alpha", "agent": "ann", "order": 8}], meddle=meddle)
    assert ran.exit == Exit.OK
    assert places(ran.after)["alpha", "u-ann"] == (50, 8)


# ---------------------------------------------------------------------------------------------------- colleagues at the same time


@pytest.mark.parametrize("fault", ["503@PUTx1", "reset-before@PUTx1", "429@PUTx1"])
def test_a_colleague_moves_the_department_before_a_repetition(small: State, tmp_path: Path, fault: str) -> None:
    """A PUT that is sent again carries the unit as it is by then, not as it was at the first sending."""
    sent: list[Any] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.route.method == "PUT":
            sent.append(request.body)
            if len(sent) == 2:
                return
            # After the first PUT has failed; here: while it is under way.
            for department, unit in (("alpha", "south"), ("beta", "north")):
                transport.sandbox.store.update(department, {"parentId": unit, "ancestors": [unit]})

    ran = rehearse(tmp_path, small, [{"department": "alpha", "agent": "cid"}], meddle=meddle, faults=fault)
    assert ran.exit == Exit.OK, ran.said
    assert len(sent) == 2
    assert parents(ran.after)["alpha"] == "south"


@pytest.mark.parametrize("fault", ["503@POSTx1", "reset-before@POSTx1", "429@POSTx1"])
def test_a_colleague_edits_the_unit_before_a_repetition(small: State, tmp_path: Path, fault: str) -> None:
    """A unit that is sent again is the unit as it is by then, with the sheet's changes."""
    sent: list[Any] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.route.method == "POST":
            sent.append(request.body)
            if len(sent) == 1:
                transport.sandbox.store.update("beta", {"parentId": "south", "ancestors": ["south"]})

    ran = rehearse(tmp_path, small, [{"department": "free", "unit": "south"}], meddle=meddle, faults=fault)
    assert ran.exit == Exit.OK, ran.said
    assert len(sent) == 2
    assert parents(ran.after) == {**parents(ran.before), "free": "south", "beta": "south"}


# ---------------------------------------------------------------------------------------------------------- writes that are ignored


def test_forgotten_writes(small: State, tmp_path: Path) -> None:
    """What the server says yes to and does not do is `not-applied`, whichever write it was."""
    for route in ("unit", "department"):
        ran = rehearse(tmp_path / route, small, MOVES, faults="forget", unit_route=route)
        assert (ran.exit, set(ran.column("status")), set(ran.column("code"))) == (Exit.ROWS_NOT_DONE, {"failed"}, {"not-applied"})
        assert ran.after == ran.before
        assert set(ran.column("http_status")) == {"200"}


def _with_monitor_of_west(state: State) -> State:
    """With a third unit, and a monitor of it alone who may change departments."""
    state["units"].append({"_id": "west", "name": "WEST", "visibility": "public", "type": "u", "numMonitors": 1, "numDepartments": 0})
    state["unitMonitors"].append({"_id": "m3", "monitorId": "u-monitor", "username": "monitor", "unitId": "west"})
    state["permissions"] = {
        "view-livechat-departments": ["livechat-monitor"],
        "manage-livechat-departments": ["livechat-monitor"],
        "add-livechat-department-agents": ["livechat-monitor"],
        "transfer-livechat-guest": ["livechat-monitor"],
        "manage-livechat-units": ["livechat-monitor"],
    }
    state["departments"].append({**state["departments"][1], "_id": "stays", "name": "Stays", "numAgents": 0})
    state["units"][0]["numDepartments"] = 3
    return state


def test_monitor_of_other_units(small: State, tmp_path: Path) -> None:
    """A monitor changes departments of his own units only: elsewhere the server ignores him, and the row is `unit-not-permitted`."""
    rows = [
        {"department": "alpha", "unit": "west", "agent": "cid"},
        {"department": "gamma", "unit": "west", "agent": "cid"},
        {"department": "beta", "unit": "south"},
        {"department": "free", "unit": "west"},
    ]
    ran = rehearse(tmp_path, _with_monitor_of_west(small), rows, user="monitor", rate_limit="off")
    assert ran.exit == Exit.ROWS_NOT_DONE
    assert ran.column("code") == ["", "unit-not-permitted", "unit-not-permitted", ""]
    agents = {("alpha", "u-cid"): (0, 0), ("gamma", "u-cid"): (0, 0)}
    assert differences(ran.before, ran.after, units={"alpha": "west", "free": "west"}, agents=agents) == []
    assert "The agent part of this row was changed" in ran.rows[1]["message"]


@pytest.mark.parametrize("version", ["7.5", "8.0"])
def test_monitor_without_the_permission_for_units(small: State, tmp_path: Path, version: str) -> None:
    """From 7.5 on a monitor without `manage-livechat-units` sees the own units, and moves departments between them; others he may not."""
    state = _with_monitor_of_west(small)
    state["permissions"]["manage-livechat-units"] = ["admin"]
    rows = [{"department": "alpha", "unit": "west"}, {"department": "beta", "unit": "north"}, {"department": "gamma", "unit": "west"}]
    ran = rehearse(tmp_path, state, rows, user="monitor", version=version, rate_limit="off")
    assert ran.exit == Exit.ROWS_NOT_DONE, ran.said
    assert ran.column("code") == ["", "", "unit-not-permitted"]
    assert differences(ran.before, ran.after, units={"alpha": "west"}, agents={}) == []


def test_rollback_warns_of_the_server(small: State, tmp_path: Path) -> None:
    """What a run says of a server that hides its version, a rollback there says, too."""
    ran = rehearse(tmp_path, small, [{"department": "beta", "unit": "south"}], version="hidden", rate_limit="off")
    back = roll_back(ran.folder, ran.after, version="hidden", rate_limit="off")
    assert (ran.exit, back.exit) == (Exit.OK, Exit.OK)
    (warning,) = [line for line in ran.summary["warnings"] if "version" in line]
    assert warning in " ".join(back.said.split())


def test_monitor_of_other_units_rolls_back(small: State, tmp_path: Path) -> None:
    """What a monitor cannot put back, because the unit is none of his own, is known before anything is sent."""
    rows = [{"department": "beta", "unit": "south"}, {"department": "alpha", "unit": "north", "agent": "cid"}]
    permissions = _with_monitor_of_west(small).pop("permissions")
    ran = rehearse(tmp_path, small, rows, rate_limit="off")
    assert ran.exit == Exit.OK
    back = roll_back(ran.folder, {**ran.after, "permissions": permissions}, user="monitor", rate_limit="off")
    assert back.exit == Exit.ROWS_NOT_DONE
    assert [row["code"] for row in back.rows] == ["unit-not-permitted", ""]
    assert [route for _, route in back.writes] == ["livechat/department/:id/agents"]


def test_without_the_permission_for_agents(small: State, tmp_path: Path) -> None:
    """Without `add-livechat-department-agents` agents' rows fail unsent by either route, and the units' rows go on."""
    small["permissions"] = {**_default_permissions(), "add-livechat-department-agents": ["nobody"]}
    for route in ("unit", "department"):
        ran = rehearse(tmp_path / route, small, MOVES, user="manager", unit_route=route, rate_limit="off")
        assert ran.exit == Exit.ROWS_NOT_DONE
        codes = ["agents-not-permitted", "", "agents-not-permitted", "agents-not-permitted", "agents-not-permitted", "agents-not-permitted"]
        assert ran.column("code") == codes
        assert differences(ran.before, ran.after, units=AFTER_MOVES["units"], agents={}) == []
    ran = rehearse(tmp_path / "agents", small, MOVES[2:5], user="manager")
    assert (ran.exit, set(ran.column("code")), ran.writes) == (Exit.NO_PERMISSION, {"refused"}, [])


def _default_permissions() -> State:
    return json.loads(json.dumps(DEFAULT_PERMISSIONS))  # type: ignore[no-any-return]


def test_custom_role(small: State, tmp_path: Path) -> None:
    """With permissions from a role of one's own, `departmentUnit` is ignored: unit rows fail unsent, unless whole units can be written."""
    small["permissions"] = {name: [*(roles or ()), "custom"] for name, roles in _default_permissions().items()}
    small["permissions"]["manage-livechat-monitors"] = ["admin"]
    ran = rehearse(tmp_path / "a", small, MOVES, user="custom")
    assert ran.exit == Exit.ROWS_NOT_DONE
    assert ran.column("code") == ["unit-not-permitted", "unit-not-permitted", "", "", "", "unit-not-permitted"]
    assert differences(ran.before, ran.after, units={}, agents=AFTER_MOVES["agents"]) == []
    only_units = rehearse(tmp_path / "b", small, [MOVES[1]], user="custom")
    assert (only_units.exit, only_units.column("code"), only_units.writes) == (Exit.NO_PERMISSION, ["refused"], [])
    small["permissions"]["manage-livechat-monitors"] = ["custom"]
    whole = rehearse(tmp_path / "c", small, MOVES, user="custom", rate_limit="off")
    assert whole.exit == Exit.OK
    assert differences(whole.before, whole.after, **AFTER_MOVES) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_no_licence(small: State, tmp_path: Path, version: str) -> None:
    """Without a licence for units a sheet that names one ends with 77 before the first write; one that names none goes on."""
    small["license"] = []
    small["units"], small["unitMonitors"] = [], []
    for department in small["departments"]:
        department.pop("parentId", None)
        department.pop("ancestors", None)
    ran = rehearse(tmp_path / "a", small, MOVES, version=version, retries=2)
    assert (ran.exit, set(ran.column("status")), set(ran.column("code")), ran.writes) == (Exit.NO_PERMISSION, {"not_sent"}, {"refused"}, [])
    ran = rehearse(tmp_path / "b", small, MOVES[2:5], version=version)
    assert ran.exit == Exit.OK, ran.said
    agents = {key: value for key, value in AFTER_MOVES["agents"].items() if key[0] in ("beta", "alpha") and key[1] != "u-cid"}
    assert differences(ran.before, ran.after, units={}, agents=agents) == []


@pytest.mark.parametrize("version", ["6.13", "7.0", "7.5", "8.0", "hidden"])
def test_units_that_cannot_be_listed(small: State, tmp_path: Path, version: str) -> None:
    """Without `manage-livechat-units` a sheet that names a unit ends with 77 unsent, whether the list of units is refused or filtered."""
    small["permissions"] = {**_default_permissions(), "manage-livechat-units": ["admin"], "manage-livechat-monitors": ["admin"]}
    ran = rehearse(tmp_path / "a", small, MOVES, user="manager", version=version, rate_limit="off")
    assert (ran.exit, set(ran.column("status")), set(ran.column("code")), ran.writes) == (Exit.NO_PERMISSION, {"not_sent"}, {"refused"}, [])
    assert '"SOUTH"' in ran.said
    assert "manage-livechat-units" in ran.said
    ran = rehearse(tmp_path / "b", small, MOVES[2:5], user="manager", version=version, rate_limit="off")
    assert ran.exit == Exit.OK
    # The id of a unit that some department is in is always accepted.
    ran = rehearse(tmp_path / "c", small, [{"department": "free", "unit": "north"}], user="manager", version=version, rate_limit="off")
    assert ran.exit == Exit.OK, ran.said
    assert differences(ran.before, ran.after, units={"free": "north"}, agents={}) == []


@pytest.mark.parametrize("version", ["6.0", "6.5", "6.12"])
def test_before_department_unit_was_known(small: State, tmp_path: Path, version: str) -> None:
    """Before 6.13 whoever cannot write whole units changes none, which is said before the first write; agents need no unit."""
    small["permissions"] = {**_default_permissions(), "manage-livechat-monitors": ["admin"]}
    for user, route in (("manager", "auto"), ("manager", "department"), ("admin", "department")):
        ran = rehearse(tmp_path / (user + route), small, MOVES, user=user, version=version, unit_route=route, rate_limit="off")
        assert (ran.exit, set(ran.column("code")), ran.writes) == (Exit.NO_PERMISSION, {"refused"}, [])
        assert "6.13" in ran.said
    ran = rehearse(tmp_path / "agents", small, MOVES[2:5], user="manager", version=version, rate_limit="off")
    assert ran.exit == Exit.OK
    assert ran.after["departments"][1]["parentId"] == "north"


def test_unit_route_that_is_not_to_be_had(small: State, tmp_path: Path) -> None:
    """Without `manage-livechat-monitors` units are never written whole: their monitors cannot be read, and would be lost."""
    small["permissions"] = {**_default_permissions(), "manage-livechat-monitors": ["admin"]}
    auto = rehearse(tmp_path / "auto", small, MOVES, user="manager", rate_limit="off")
    assert auto.exit == Exit.OK
    assert ("POST", "livechat/units/:id") not in auto.writes
    assert differences(auto.before, auto.after, **AFTER_MOVES) == []
    asked = rehearse(tmp_path / "asked", small, MOVES, user="manager", unit_route="unit", rate_limit="off")
    assert asked.column("code") == ["unit-not-permitted", "unit-not-permitted", "", "", "", "unit-not-permitted"]
    assert differences(asked.before, asked.after, units={}, agents=AFTER_MOVES["agents"]) == []


# ------------------------------------------------------------------------------------------------------------------ guards


def test_max_removals(small: State, tmp_path: Path) -> None:
    """More removals than allowed are refused before the first write, with the numbers; `remove` rows and `mirror` both count."""
    rows = [{"department": "alpha", "agent": name, "action": "remove"} for name in ("ann", "bob")]
    for limit, code in (
        (MaxRemovals(count=1), Exit.BAD_SHEET),
        (MaxRemovals(count=2), Exit.OK),
        (MaxRemovals(percent=Fraction(60)), Exit.BAD_SHEET),
        (None, Exit.OK),
    ):
        ran = rehearse(tmp_path / f"{limit}", small, rows, max_removals=limit)
        assert ran.exit == code
        if code:
            assert (set(ran.column("code")), ran.writes) == ({"refused"}, [])
            assert "2 of the workspace's 3 agent assignments" in ran.said
    ran = rehearse(
        tmp_path / "mirror", small, [{"department": "alpha", "agent": "cid"}], agents="mirror", max_removals=MaxRemovals(count=1)
    )
    assert (ran.exit, ran.writes) == (Exit.BAD_SHEET, [])
    # Somebody who is not there is no removal.
    ran = rehearse(
        tmp_path / "none", small, [{"department": "beta", "agent": "cid", "action": "remove"}], max_removals=MaxRemovals(count=0)
    )
    assert (ran.exit, ran.column("change")) == (Exit.OK, ["unchanged"])


def test_max_failures(small: State, tmp_path: Path) -> None:
    """Once so many rows have failed no further call is started: what is left is `stopped`, and the job ends with 1."""
    small["departments"] += [{**small["departments"][4], "_id": f"x{number:02}", "name": f"X{number:02}"} for number in range(40)]
    rows = [{"department": f"X{number:02}", "agent": "cid"} for number in range(40)]
    for limit, failed in ((25, 25), (3, 3), (0, 40)):
        ran = rehearse(tmp_path / str(limit), small, rows, faults="forget", max_failures=limit, concurrency=1)
        assert ran.exit == Exit.ROWS_NOT_DONE
        assert Counter(ran.column("code")) == {"not-applied": failed, **({"stopped": 40 - failed} if failed < 40 else {})}
        assert len(ran.writes) == failed
    ran = rehearse(tmp_path / "more", small, rows, faults="forget", max_failures=3, concurrency=8, latency=lambda _: 0.1)
    assert ran.column("status").count("failed") <= 3 + 8
    assert ran.exit == Exit.ROWS_NOT_DONE


def test_rows_fed_again(small: State, tmp_path: Path) -> None:
    """retry.csv holds the rows that are not done, with the sheet's own cells, and finishes the sheet; it is absent when there are none."""
    rows = [
        {"department": "alpha", "unit": "south", "agent": "@cid"},
        {"department": "nowhere", "agent": "bob"},
        {"department": "free", "agent": "ann"},
        {"department": "beta", "agent": "nobody"},
        {"department": "beta", "unit": "south"},
    ]
    ran = rehearse(tmp_path / "1", small, rows, skip_invalid=True)
    assert (ran.exit, ran.column("code")) == (
        Exit.ROWS_NOT_DONE,
        ["", "unknown-department", "", "unknown-agent", "refused"],
    )
    assert (
        differences(ran.before, ran.after, units={"alpha": "south"}, agents={("alpha", "u-cid"): (0, 0), ("free", "u-ann"): (0, 0)}) == []
    )
    retry = (ran.folder / "retry.csv").read_text(encoding="utf-8-sig").splitlines()
    assert retry == ["department,unit,agent,count,order,action", "nowhere,,bob,,,", "beta,,nobody,,,", "beta,south,,,,"]
    mended = "\n".join(retry).replace("nowhere", "gamma").replace("nobody", "cid")
    again = rehearse(tmp_path / "2", ran.after, mended)
    assert (again.exit, set(again.column("change"))) == (Exit.OK, {"updated"})
    assert not (again.folder / "retry.csv").exists()
    # The report itself is a sheet, too.
    report = (ran.folder / "results.csv").read_text(encoding="utf-8-sig").replace("nowhere", "gamma").replace("nobody", "cid")
    whole = rehearse(tmp_path / "3", ran.after, report)
    assert whole.exit == Exit.OK
    assert whole.after["departmentAgents"][-1]["agentId"] in ("u-bob", "u-cid")


def test_rows_fed_again_with_mirror(small: State, tmp_path: Path) -> None:
    """With `mirror`, retry.csv has all rows of a department that has one to repeat: without them, it would be emptied of their agents."""
    rows = [
        {"department": "alpha", "agent": "ann"},
        {"department": "Alpha", "agent": "cid"},
        {"department": "beta", "agent": "bob"},
        {"department": "free", "unit": "south"},
    ]
    ran = rehearse(tmp_path / "1", small, rows, agents="mirror", faults="forget@POST livechat/department/:id/agents")
    assert ran.column("status") == ["failed", "failed", "success", "success"]
    retry = (ran.folder / "retry.csv").read_text(encoding="utf-8-sig")
    assert retry.splitlines()[1:] == ["alpha,,ann,,,", "Alpha,,cid,,,"]
    again = rehearse(tmp_path / "2", ran.after, retry, agents="mirror")
    assert again.exit == Exit.OK
    agents = {("alpha", "u-bob"): None, ("alpha", "u-cid"): (0, 0)}
    assert differences(ran.before, again.after, units={"free": "south"}, agents=agents) == []


# ---------------------------------------------------------------------------------------------------------------- the sample


@pytest.mark.parametrize("version", VERSIONS)
def test_sample_on_every_server_line(sample: State, tmp_path: Path, version: str) -> None:
    """The sample sheet ends well on every server line, CSV and workbook alike, and again writes nothing."""
    ran = rehearse(tmp_path / "1", sample, SAMPLES / "reorganisation.csv", version=version, create_units=True)
    assert ran.exit == Exit.OK, ran.said
    assert ["hides its version" in warning for warning in ran.summary["warnings"]] == [True] * (version == "hidden")
    assert not wrong_counters(ran.before, ran.after)
    again = rehearse(tmp_path / "2", ran.after, SAMPLES / "reorganisation.xlsx", version=version, create_units=True)
    assert (again.exit, again.writes, set(again.column("change"))) == (Exit.OK, [], {"unchanged"})
