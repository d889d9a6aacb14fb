"""Which unit's id stands behind what stood for it before it was made."""

import pytest

from bulkjob.changes.change import Attempt, Change, Prior
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.new_unit import NewUnit
from bulkjob.changes.unit_field import UnitField
from bulkjob.changes.unit_monitor import UnitMonitor
from bulkjob.plan.made import in_units, units_made
from bulkjob.records.meanings import NO_MEANINGS, Meanings
from bulkjob.records.naming import new_unit
from bulkjob.records.workspace import Unit, Workspace

WEST, EAST = new_unit("West"), new_unit("East")


def workspace(**units: str) -> Workspace:
    """Id → name."""
    there = {identifier: Unit(id=identifier, name=name, visibility="public") for identifier, name in units.items()}
    return Workspace(departments={}, units=there, agents={})


def attempt(change: Change, prior: Prior = None) -> Attempt:
    return Attempt(change=change, prior=prior, outcome=None, status=None)


def test_by_what_the_sheets_texts_meant() -> None:
    """A text that meant a unit to be made means the unit of that name that is there now; other texts keep what they meant."""
    kept = Meanings(units={"West": WEST, "west": WEST, "EMEA": "u1"})
    assert units_made(kept, (), workspace(u1="EMEA", u9="West")) == {WEST: "u9"}
    assert kept.in_units({WEST: "u9"}) == Meanings(units={"West": "u9", "west": "u9", "EMEA": "u1"})


@pytest.mark.parametrize(
    "change",
    [
        NewUnit(unit_id=WEST, name="West", rows=(2,)),
        DepartmentUnit(department_id="d1", unit_id=WEST, rows=(2,)),
        UnitField(unit_id=WEST, field="visibility", value="private", rows=(2,)),
        UnitMonitor(unit_id=WEST, monitor_id="m1", username="mo", rows=(2,)),
    ],
)
def test_by_what_was_attempted(change: Change) -> None:
    """So does what earlier attempts were about, whatever kind of change it was."""
    made = units_made(NO_MEANINGS, [attempt(change)], workspace(u9="West"))
    assert made == {WEST: "u9"}
    (told,) = in_units([attempt(change)], made)
    assert "u9" in (*told.change.target, told.change.wanted)
    assert WEST not in (*told.change.target, told.change.wanted)


@pytest.mark.parametrize("name", ["west", "WEST", " West\u00a0"])
def test_names_as_they_are_compared(name: str) -> None:
    """The unit is found by its name as any is: case and blanks at the ends do not matter."""
    assert units_made(Meanings(units={"West": WEST}), (), workspace(u9=name)) == {WEST: "u9"}


def test_of_two_nobody_can_tell() -> None:
    """Of two units of that name none is taken for it; nor is one where there is none, or where units were not read."""
    kept = Meanings(units={"West": WEST, "East": EAST})
    assert units_made(kept, (), workspace(u8="West", u9="west", u7="East")) == {EAST: "u7"}
    assert units_made(kept, (), workspace()) == {}
    assert units_made(kept, (), Workspace(departments={}, units=None, agents={})) == {}


def test_nothing_was_made() -> None:
    """What is about units that are there stays as it is."""
    attempts = (
        attempt(DepartmentUnit(department_id="d1", unit_id="u1", rows=(2,))),
        attempt(DepartmentUnit(department_id="d1", unit_id=None, rows=(2,))),
    )
    assert units_made(Meanings(units={"EMEA": "u1"}), attempts, workspace(u1="EMEA")) == {}
    assert in_units(attempts, {}) == attempts
    assert in_units(attempts, {WEST: "u9"}) == attempts
