"""What is told of departments and units that somebody has deleted since a job began: by their names, and what is left to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkjob.vocabulary import Exit
from tests.job.test_past import Moment, moments
from tests.support.pasts import Case
from tests.support.rehearsal import Ran, rehearse
from tests.support.rollbacks import roll_back
from tests.support.states import State

GONE = "the unit is no longer there"


def without(kind: str, identifier: str) -> Callable[[State], State]:
    """What a state is once somebody has deleted a department or a unit."""

    def deleted(state: State) -> State:
        left = {**state, kind: [each for each in state[kind] if each["_id"] != identifier]}
        left["departments"] = [
            {**each, "parentId": None, "ancestors": None} if each.get("parentId") == identifier else each for each in left["departments"]
        ]
        left["unitMonitors"] = [each for each in state["unitMonitors"] if each["unitId"] != identifier]
        left["departmentAgents"] = [each for each in state["departmentAgents"] if each["departmentId"] != identifier]
        return left

    return deleted


@pytest.mark.parametrize("route", ["unit", "department"])
class TestRunThatGoesOn:
    def test_department_is_called_by_its_name(self, small: State, tmp_path: Path, route: str) -> None:
        """By the one that the sheet has, and by both where the run has renamed it."""
        case = Case(
            rows=[
                {"department": "Beta", "agent": "cid"},
                {"department": "Gamma", "new department name": "Gamma Two"},
                {"department": "Gamma", "agent": "ann"},
                {"department": "Alpha", "agent": "cid"},
            ],
            past=[],
            options={"unit_route": route},
        )
        _, found = moments(case, tmp_path, small)
        first = next(moment for moment in found if moment.attempts() and not any("/gamma" in path for _, path in moment.writes))
        ran = case.run(first.folder, without("departments", "gamma")(first.state))
        assert [row["code"] for row in ran.rows] == ["", "department-gone", "department-gone", ""]
        assert ran.rows[1]["message"].startswith('Department "Gamma" → "Gamma Two" (gamma) was not renamed')
        assert 'department "Gamma" → "Gamma Two" (gamma)' in ran.rows[2]["message"]
        last = next(moment for moment in found if any("/gamma" in path for _, path in moment.writes))
        ran = case.run(last.folder, without("departments", "gamma")(last.state))
        assert ran.rows[1]["message"].startswith('Department "Gamma" → "Gamma Two" (gamma) was not renamed')

    def test_move_into_a_unit_that_is_gone(self, small: State, tmp_path: Path, route: str) -> None:
        """Nothing is sent for it, and what to do is said, on either route alike; the unit goes by its name."""
        case = Case(
            rows=[{"department": "Alpha", "unit": "SOUTH"}, {"department": "Free", "unit": "SOUTH"}],
            past=[],
            options={"unit_route": route},
        )
        _, found = moments(case, tmp_path, small)
        moment = next(moment for moment in found if moment.attempts() and not moment.writes)
        ran = case.run(moment.folder, without("units", "south")(moment.state))
        assert ran.writes == []
        assert ran.column("code") == ["rejected", "rejected"]
        assert ran.rows[0]["message"] == (
            f'Department "Alpha" (alpha) was not moved to unit "SOUTH" (south) from "NORTH" (north): {GONE}. '
            "Leave the row out of the sheet, or name the unit that replaces it."
        )


def rolled_back(ran: Ran, *, gone: str) -> Any:
    """A rollback after a unit was deleted, and the same once more: what the first one says, which is what the second one says."""
    first = roll_back(ran.folder, without("units", gone)(ran.after))
    second = roll_back(ran.folder, first.after)
    assert (first.exit, second.exit) == (Exit.ROWS_NOT_DONE, Exit.ROWS_NOT_DONE)
    assert (first.writes, second.writes) == ([], [])
    assert first.rows == second.rows
    return first.rows[0]


class TestRollback:
    @pytest.mark.parametrize("route", ["unit", "department"])
    def test_monitor_of_a_unit_that_is_gone(self, small: State, tmp_path: Path, route: str) -> None:
        """Nothing is left to put back; nobody is told to grant what the account has."""
        ran = rehearse(tmp_path, small, "unit,unit monitor\nSOUTH,monitor\n", unit_route=route)
        row = rolled_back(ran, gone="south")
        assert (row["code"], row["message"]) == (
            "rejected",
            f'Monitor @monitor (u-monitor) was not removed from unit "SOUTH" (south): {GONE}. There is nothing left to put back.',
        )

    @pytest.mark.parametrize("route", ["unit", "department"])
    def test_department_whose_unit_is_gone(self, small: State, tmp_path: Path, route: str) -> None:
        """It cannot go home: nothing is sent, however often it is tried."""
        ran = rehearse(tmp_path, small, [{"department": "Alpha", "unit": "SOUTH"}], unit_route=route)
        row = rolled_back(ran, gone="north")
        assert row["code"] == "rejected"
        assert row["message"].endswith(
            f' from "SOUTH" (south): {GONE}. Put the department by hand, in Rocket.Chat, into the unit that it belongs to now.'
        )

    def test_unit_that_was_renamed_and_is_gone(self, small: State, tmp_path: Path) -> None:
        """It goes by the name that the run has given it, and the one that it would get back."""
        ran = rehearse(tmp_path, small, "unit,new unit name\nSOUTH,Southern\n")
        row = rolled_back(ran, gone="south")
        assert row["message"] == (
            f'Unit "Southern" → "SOUTH" (south) was not renamed to "SOUTH": {GONE}. There is nothing left to put back.'
        )


class TestUnitThatAKilledRunHasMade:
    """It is renamed by somebody before anybody undoes the run."""

    def test_known_by_the_run_that_went_on(self, small: State, tmp_path: Path) -> None:
        """Once a later attempt has found it by its name, its id is known for good: its department goes home."""
        moment = killed_while_making(tmp_path, small)
        ran = NEW_UNIT.run(moment.folder, moment.state)
        assert ran.exit == Exit.OK
        back = roll_back(moment.folder / "run", renamed(ran.after, "West", "Far West"))
        unit = next(each for each in ran.after["units"] if each["name"] == "West")
        assert set(back.writes) == {("POST", "livechat/units/:id")}
        assert [row["code"] for row in back.rows] == ["changed-meanwhile"]
        assert f'Unit "Far West" ({unit["_id"]}) was not deleted' in back.rows[0]["message"]
        assert next(each for each in back.after["departments"] if each["_id"] == "alpha")["parentId"] == "north"

    def test_unknown(self, small: State, tmp_path: Path) -> None:
        """Nobody can tell whose unit it is: the department stays there, and nobody is told that nothing was changed."""
        moment = killed_while_making(tmp_path, small)
        back = roll_back(moment.folder / "run", renamed(moment.state, "West", "Far West"))
        assert (back.exit, back.writes) == (Exit.ROWS_NOT_DONE, [])
        assert [row["code"] for row in back.rows] == ["changed-meanwhile"]
        assert 'it is in unit "Far West"' in back.rows[0]["message"]


NEW_UNIT = Case(rows=[{"department": "Alpha", "unit": "West"}], past=[], options={"create_units": True})


def killed_while_making(folder: Path, state: State) -> Moment:
    """What a kill leaves once the unit is made and before anybody knows of it."""
    _, found = moments(NEW_UNIT, folder, state)
    return next(moment for moment in found if moment.writes and moment.lost())


def renamed(state: State, name: str, new: str) -> State:
    """What a state is once somebody has renamed a unit."""
    return {**state, "units": [{**each, "name": new} if each["name"] == name else each for each in state["units"]]}
