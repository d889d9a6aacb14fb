"""An approved plan with fields, monitors, names and new units: what fits, what has drifted, and what is taken for done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bulkjob.vocabulary import Exit
from tests.support.rehearsal import Ran, foresee, rehearse
from tests.support.states import State, parents

SHEET = (
    "department;unit;unit monitor;unit visibility;new unit name;department email;department description;department enabled\n"
    "alpha;;;;;new@example.org;;\n"
    "alpha;;;;;;West: new: West;\n"
    "beta;;;;;;;no\n"
    ";NORTH;second;;;;;\n"
    ";NORTH;;;Norden;;;\n"
    ";SOUTH;;private;;;;\n"
    "free;West;;private;;;;\n"
    ";west;@monitor;;;;;\n"
)


@pytest.fixture
def approved(small: State, tmp_path: Path) -> Callable[[State], Ran]:
    """A function that carries out the plan that was made for the workspace as it was, on a workspace as it is by then."""
    sheet, plan = tmp_path / "sheet.csv", tmp_path / "plan.json"
    sheet.write_text(SHEET, encoding="utf-8")
    seen = foresee(tmp_path / "plan", small, sheet, out=plan, create_units=True)
    assert (seen.exit, seen.before) == (Exit.OK, seen.after)

    def carry_out(state: State) -> Ran:
        return rehearse(tmp_path / "run", state, sheet, create_units=True, plan=plan)

    return carry_out


def one(state: State, key: str, identifier: str) -> State:
    found: State = next(each for each in state[key] if each["_id"] == identifier)
    return found


def with_unit(state: State, name: str = "West", **more: object) -> State:
    unit = {"_id": "u9", "name": name, "visibility": "private", "type": "u", "numMonitors": 0, "numDepartments": 0, **more}
    state["units"].append(unit)
    return unit


def test_as_it_was(small: State, approved: Callable[[State], Ran]) -> None:
    """Carried out on the workspace as it was, the plan does all that the sheet asks."""
    ran = approved(small)
    assert ran.exit == Exit.OK, ran.said
    assert set(ran.column("change")) == {"updated"}
    assert one(ran.after, "departments", "alpha")["description"] == "West: new: West"


def _address(state: State) -> None:
    one(state, "departments", "alpha")["email"] = "third@example.org"


def _description(state: State) -> None:
    one(state, "departments", "alpha")["description"] = "third"


def _no_description(state: State) -> None:
    del one(state, "departments", "alpha")["description"]


def _unit_name(state: State) -> None:
    one(state, "units", "north")["name"] = "Nordpol"


def _new_unit_of_another_visibility(state: State) -> None:
    with_unit(state, visibility="public")


DRIFTED = {
    _address: 'Address of department "Alpha" (alpha): was "alpha@example.org" when planned, is now "third@example.org"',
    _description: 'Description of department "Alpha" (alpha): was "first" when planned, is now "third"',
    _no_description: 'Description of department "Alpha" (alpha): was "first" when planned, is now none',
    _unit_name: 'Name of unit "Nordpol" (north): was "NORTH" when planned, is now "Nordpol" (the plan wants it "Norden")',
    _new_unit_of_another_visibility: 'Visibility of unit "West" (u9): was none when planned, is now "public" (the plan wants it "private")',
}


@pytest.mark.parametrize(("change", "said"), DRIFTED.items())
def test_drift(small: State, approved: Callable[[State], Ran], change: Callable[[State], None], said: str) -> None:
    """A field that is neither as the plan found it nor as it wants it has drifted: it is named alone, and nothing is sent."""
    change(small)
    ran = approved(small)
    assert (ran.exit, ran.writes) == (Exit.BAD_SHEET, [])
    assert said in " ".join(ran.said.split())
    assert "(1 difference)" in " ".join(ran.said.split())


def _done_by_hand(state: State) -> None:
    one(state, "departments", "alpha")["email"] = "new@example.org"
    one(state, "departments", "beta")["enabled"] = False
    one(state, "units", "north")["name"] = "Norden"
    state["unitMonitors"].append({"_id": "m9", "monitorId": "u-second", "username": "second", "unitId": "north"})


def _others(state: State) -> None:
    one(state, "departments", "alpha")["showOnOfflineForm"] = True
    one(state, "departments", "gamma")["name"] = "Gamma 2"
    one(state, "units", "north")["visibility"] = "private"
    state["unitMonitors"].append({"_id": "m9", "monitorId": "u-monitor", "username": "monitor", "unitId": "south"})


def _blanks(state: State) -> None:
    one(state, "departments", "alpha")["email"] = " new@example.org "


@pytest.mark.parametrize("change", [_done_by_hand, _others, _blanks])
def test_no_drift(small: State, approved: Callable[[State], Ran], change: Callable[[State], None]) -> None:
    """What is done already, what the plan only carries along, and what it is not about, is none."""
    change(small)
    ran = approved(small)
    assert ran.exit == Exit.OK, ran.said
    unit, monitors = one(ran.after, "units", "north"), {(row["unitId"], row["username"]) for row in ran.after["unitMonitors"]}
    assert (unit["name"], ("north", "second") in monitors) == ("Norden", True)
    if change is _others:
        assert (unit["visibility"], ("south", "monitor") in monitors) == ("private", True)


@pytest.mark.parametrize("name", ["West", "WEST"])
def test_unit_of_that_name(small: State, approved: Callable[[State], Ran], name: str) -> None:
    """A unit of the name that was to be created is taken for the plan's; what the sheet's texts are stays what they are."""
    with_unit(small, name)
    ran = approved(small)
    assert ran.exit == Exit.OK, ran.said
    assert ("POST", "livechat/units") not in ran.writes
    assert parents(ran.after)["free"] == "u9"
    assert one(ran.after, "departments", "alpha")["description"] == "West: new: West"


def test_text_that_looks_like_a_stand_in(small: State, tmp_path: Path) -> None:
    """A description that is what stands for the unit in the plan's file is a description all the same."""
    sheet, plan = tmp_path / "sheet.csv", tmp_path / "plan.json"
    sheet.write_text("department;unit;department description\nfree;West;new: West\n", encoding="utf-8")
    foresee(tmp_path / "plan", small, sheet, out=plan, create_units=True)
    with_unit(small)
    ran = rehearse(tmp_path / "run", small, sheet, create_units=True, plan=plan)
    assert ran.exit == Exit.OK, ran.said
    assert one(ran.after, "departments", "free")["description"] == "new: West"


def test_names_mean_the_plans_ids(small: State, tmp_path: Path) -> None:
    """Names mean what they meant when the plan was made, whatever is called so by now."""
    sheet, plan = tmp_path / "sheet.csv", tmp_path / "plan.json"
    sheet.write_text("department;department description\nAlpha;x\n", encoding="utf-8")
    foresee(tmp_path / "plan", small, sheet, out=plan)
    one(small, "departments", "alpha")["name"], one(small, "departments", "beta")["name"] = "Beta", "Alpha"
    ran = rehearse(tmp_path / "run", small, sheet, plan=plan)
    assert ran.exit == Exit.OK, ran.said
    assert (one(ran.after, "departments", "alpha")["description"], one(ran.after, "departments", "beta").get("description")) == ("x", None)


def test_retry_of_a_renaming(small: State, tmp_path: Path) -> None:
    """What is left of a sheet that renames is understood when it is fed again alone: the rows that rename are in it, too."""
    text = "unit;new unit name;unit visibility\nNORTH;Norden;\nSOUTH;Süden;\nsüden;;private\n"
    first = rehearse(tmp_path / "1", small, text, faults="forget@POST livechat/units/:id")
    assert first.exit == Exit.ROWS_NOT_DONE
    one(first.after, "units", "south")["name"] = "Süden"
    second = rehearse(tmp_path / "2", first.after, text, faults="400-before=other@POST livechat/units/:id")
    assert second.column("status") == ["failed", "success", "failed"]
    left = tmp_path / "2" / "run" / "retry.csv"
    third = rehearse(tmp_path / "3", second.after, left)
    assert third.exit == Exit.OK, third.said
    assert [row["unit"] for row in third.rows] == ["NORTH", "SOUTH", "süden"]
    assert (one(third.after, "units", "south")["visibility"], one(third.after, "units", "north")["name"]) == ("private", "Norden")
