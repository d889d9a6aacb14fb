"""Units that a run has made and a rollback takes away: only as they were left, and never with what others have put there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkjob.rocketchat import Request
from bulkjob.vocabulary import Exit
from tests.support.in_process import InProcess
from tests.support.rehearsal import Ran, rehearse
from tests.support.rollbacks import roll_back
from tests.support.states import State, parents
from tests.support.workspaces import small_workspace

SHEET = "department;unit;unit monitor;unit visibility\ngamma;West;@second;private\nfree;West;;\n"
DELETE = ("DELETE", "livechat/units/:id")
UNIT_ROUTE = "DELETE livechat/units/:id"
BEFORE = small_workspace()


@pytest.fixture(params=["7.0", "8.0"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Ran, str]:
    """A run that has made a unit of a department of another unit and one of none; on servers that delete in either order."""
    ran = rehearse(tmp_path, small_workspace(), SHEET, create_units=True, version=request.param)
    assert ran.exit == Exit.OK, ran.said
    return ran, request.param


def west(state: State) -> State:
    unit: State
    (unit,) = [unit for unit in state["units"] if unit["name"] == "West"]
    return unit


def without_it(state: State) -> bool:
    """Whether everything is as it was before the unit was made."""
    homes = {unit["_id"] for unit in state["units"]}
    return parents(state) == parents(BEFORE) and homes == {"north", "south"} and {row["unitId"] for row in state["unitMonitors"]} == homes


def _renamed(state: State) -> None:
    west(state)["name"] = "West 2"


def _made_public(state: State) -> None:
    west(state)["visibility"] = "public"


def _monitored(state: State) -> None:
    state["unitMonitors"].append({"_id": "m9", "monitorId": "u-monitor", "username": "monitor", "unitId": west(state)["_id"]})
    west(state)["numMonitors"] += 1


def _not_monitored(state: State) -> None:
    state["unitMonitors"] = [row for row in state["unitMonitors"] if row["unitId"] != west(state)["_id"]]
    west(state)["numMonitors"] -= 1


def _given_another(state: State) -> None:
    next(one for one in state["departments"] if one["_id"] == "beta").update(parentId=west(state)["_id"], ancestors=[west(state)["_id"]])


CHANGES = {
    _renamed: 'is called "West 2" and is private now',
    _made_public: "is public now",
    _monitored: "has other monitors now",
    _not_monitored: "has other monitors now",
    _given_another: 'holds "Beta" (beta) now',
}


class TestDeleted:
    @pytest.mark.parametrize("sheet", ["department;unit\ngamma;West\n", "department;unit\nalpha;West\ngamma;West\n"])
    def test_all_leave_it_by_their_own_route(self, tmp_path: Path, sheet: str) -> None:
        """Where departments are moved one at a time, the last one leaves, too, as the unit goes; the way back from there makes it again."""
        ran = rehearse(tmp_path, small_workspace(), sheet, create_units=True, unit_route="department")
        assert ran.exit == Exit.OK, ran.said
        back = roll_back(ran.folder, ran.after)
        assert back.exit == Exit.OK, back.said
        assert without_it(back.after)
        again = roll_back(ran.folder / "rollback", back.after)
        assert again.exit == Exit.OK, again.said
        there = {department: unit == west(ran.after)["_id"] for department, unit in parents(ran.after).items()}
        assert there == {department: unit == west(again.after)["_id"] for department, unit in parents(again.after).items()}

    def test_once_its_departments_are_home(self, made: tuple[Ran, str]) -> None:
        """Departments go home first, then the unit goes, which frees those that belonged to none; everything is as it was."""
        ran, version = made
        back = roll_back(ran.folder, ran.after, version=version)
        assert back.exit == Exit.OK, back.said
        assert without_it(back.after)
        assert back.writes == [("POST", "livechat/units/:id"), DELETE]
        assert [row["status"] for row in back.rows] == ["success", "success"]

    def test_gone_already(self, made: tuple[Ran, str]) -> None:
        """A unit that somebody has deleted is gone already; where the departments were is put back."""
        ran, version = made
        identifier = west(ran.after)["_id"]
        ran.after["units"] = [unit for unit in ran.after["units"] if unit["_id"] != identifier]
        ran.after["unitMonitors"] = [row for row in ran.after["unitMonitors"] if row["unitId"] != identifier]
        for department in ran.after["departments"]:
            if department.get("parentId") == identifier:
                del department["parentId"]
                department["ancestors"] = []
        back = roll_back(ran.folder, ran.after, version=version)
        assert DELETE not in back.writes
        # Gamma was taken out of the unit by whoever deleted it.
        assert [row["code"] for row in back.rows] == ["changed-meanwhile", ""]

    @pytest.mark.parametrize(("change", "said"), CHANGES.items())
    def test_changed_since(self, made: tuple[Ran, str], change: Callable[[State], None], said: str) -> None:
        """A unit whose name, visibility, monitors or departments somebody has changed stays, and it is said what is otherwise."""
        ran, version = made
        change(ran.after)
        back = roll_back(ran.folder, ran.after, version=version)
        assert back.exit == Exit.ROWS_NOT_DONE
        assert DELETE not in back.writes
        assert len(back.after["units"]) == 3
        assert {row["code"] for row in back.rows} == {"changed-meanwhile"}
        assert all(said in row["message"] for row in back.rows)
        # What the run had put there goes home all the same.
        assert parents(back.after)["gamma"] == "south"

    @pytest.mark.parametrize(("change", "said"), [each for each in CHANGES.items() if each[0] is not _not_monitored])
    def test_changed_just_before(self, made: tuple[Ran, str], change: Callable[[State], None], said: str) -> None:
        """So does one that somebody changes after the rollback was planned, up to the moment of the write."""
        ran, version = made

        def meddle(transport: InProcess, request: Request[Any]) -> None:
            # The write that takes the departments home, just before the unit is looked at once more.
            if request.route.method == "POST" and request.path.endswith("/south"):
                _carry_over(transport, change)

        back = roll_back(ran.folder, ran.after, version=version, meddle=meddle)
        assert DELETE not in back.writes
        assert len(back.after["units"]) == 3
        assert {row["code"] for row in back.rows} == {"changed-meanwhile"}
        assert said in back.rows[0]["message"]


def _carry_over(transport: InProcess, change: Callable[[State], None]) -> None:
    """Does to the sandbox what a change does to a state."""
    store, state = transport.sandbox.store, transport.sandbox.state()
    monitors = {row["_id"] for row in state["unitMonitors"]}
    change(state)
    for key in ("units", "departments"):
        for document in state[key]:
            fields = {
                name: value for name, value in document.items() if name != "_id" and store.collection[document["_id"]].get(name) != value
            }
            if fields:
                store.update(document["_id"], fields)
    for row in state["unitMonitors"]:
        if row["_id"] not in monitors:
            transport.call("POST", f"/api/v1/livechat/units/{row['unitId']}", _with_monitor(transport, row["unitId"], row))


def _with_monitor(transport: InProcess, unit_id: str, row: State) -> State:
    state = transport.sandbox.state()
    unit = next(unit for unit in state["units"] if unit["_id"] == unit_id)
    held = [{"monitorId": one["monitorId"], "username": one["username"]} for one in state["unitMonitors"] if one["unitId"] == unit_id]
    return {
        "unitData": {"name": unit["name"], "visibility": unit["visibility"]},
        "unitMonitors": [*held, {"monitorId": row["monitorId"], "username": row["username"]}],
        "unitDepartments": [{"departmentId": one["_id"]} for one in state["departments"] if one.get("parentId") == unit_id],
    }


class TestBrokenOff:
    @pytest.mark.parametrize("fault", ["reset-after", "timeout-after", "504-after", "400-after=driver", "400-after=other"])
    def test_answer_lost(self, made: tuple[Ran, str], fault: str) -> None:
        """A deletion whose answer was lost, or is an error that comes after it, is seen to be done, and is not sent again."""
        ran, version = made
        back = roll_back(ran.folder, ran.after, version=version, faults=f"{fault}@{UNIT_ROUTE}x1")
        assert back.exit == Exit.OK, back.said
        assert without_it(back.after)
        assert back.writes.count(DELETE) == 1

    @pytest.mark.parametrize("steps", [1, 2, 3])
    @pytest.mark.parametrize("fault", ["400-half", "reset-half"])
    def test_half_done(self, made: tuple[Ran, str], fault: str, steps: int) -> None:
        """One that broke off is finished as far as the server lets it; no row is a success whose department is not free.

        From 8 on the unit goes first: a department that it leaves behind as the last one has to be moved on by hand, which is said.
        """
        ran, version = made
        first = roll_back(ran.folder, ran.after, version=version, faults=f"{fault}={steps}@{UNIT_ROUTE}x1")
        free = parents(first.after)["free"]
        assert (first.rows[1]["status"] == "success") == (free is None), first.rows[1]["message"]
        second = roll_back(ran.folder, first.after, version=version)
        if free is not None:
            assert version == "8.0"
            assert (second.rows[1]["code"], second.writes) == ("rejected", [])
            assert "put it into another unit, then take it out of that" in second.rows[1]["message"]
            next(one for one in second.after["departments"] if one["_id"] == "free").update(parentId=None, ancestors=None)
            second = roll_back(ran.folder, second.after, version=version)
        assert second.exit == Exit.OK, second.said
        assert parents(second.after) == parents(BEFORE)
        assert {unit["_id"] for unit in second.after["units"]} == {"north", "south"}

    @pytest.mark.parametrize("fault", ["503", "400-before=other", "forget"])
    def test_refused(self, made: tuple[Ran, str], fault: str) -> None:
        """Where it fails, the rows fail, the unit stays, and the next rollback ends the work."""
        ran, version = made
        first = roll_back(ran.folder, ran.after, version=version, faults=f"{fault}@{UNIT_ROUTE}")
        assert first.exit != Exit.OK
        assert {row["status"] for row in first.rows} == {"failed"}
        assert west(first.after)
        second = roll_back(ran.folder, first.after, version=version)
        assert second.exit == Exit.OK, second.said
        assert without_it(second.after)


class TestRestored:
    def test_rollback_of_the_rollback(self, made: tuple[Ran, str]) -> None:
        """Rolled back once more the unit is there again, with all that it held; and that can be undone, too."""
        ran, version = made
        back = roll_back(ran.folder, ran.after, version=version)
        forth = roll_back(ran.folder / "rollback", back.after, version=version)
        assert forth.exit == Exit.OK, forth.said
        unit = west(forth.after)
        assert unit["visibility"] == "private"
        assert {row["username"] for row in forth.after["unitMonitors"] if row["unitId"] == unit["_id"]} == {"second"}
        assert parents(forth.after) == {**parents(BEFORE), "gamma": unit["_id"], "free": unit["_id"]}
        again = roll_back(ran.folder / "rollback" / "rollback", forth.after, version=version)
        assert again.exit == Exit.OK, again.said
        assert without_it(again.after)
