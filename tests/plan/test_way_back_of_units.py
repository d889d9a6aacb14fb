"""The way back of new units, and of what else a run has changed of units and of departments themselves."""

from collections.abc import Mapping, Sequence

import msgspec

from bulkjob.changes.change import Attempt, Change, Prior
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_field import DepartmentField
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.new_unit import Held, NewUnit
from bulkjob.changes.unit_field import UnitField
from bulkjob.changes.unit_monitor import UnitMonitor
from bulkjob.plan.rollback import way_back, without_unmade
from bulkjob.records.naming import new_unit
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.vocabulary import Status

SUCCESS, FAILED = Status.SUCCESS, Status.FAILED
MADE = NewUnit(unit_id="u9", name="West", rows=(2, 3))
GONE = NewUnit(
    unit_id="u9",
    name="West",
    present=False,
    holds_only=Held(visibility="private", monitors=(("m1", "mo"),), departments=(("d1", "a"),)),
    rows=(2, 3),
)


WAS, WAS_NOT = True, False
"""Whether somebody was a monitor before."""


def attempt(change: Change, prior: Prior = None, status: Status | None = SUCCESS) -> Attempt:
    return Attempt(change=change, prior=prior, outcome=None, status=status)


def moved(department: str, unit: str | None, *rows: int) -> DepartmentUnit:
    return DepartmentUnit(department_id=department, unit_id=unit, rows=rows)


def monitor(name: str = "mo", unit: str = "u9", *, present: bool = True) -> UnitMonitor:
    return UnitMonitor(unit_id=unit, monitor_id=f"m-{name}", username=name, present=present, rows=(4,))


def visibility(value: str, unit: str = "u9") -> UnitField:
    return UnitField(unit_id=unit, field="visibility", value=value, rows=(5,))


def only(back: Mapping[Change, Sequence[Attempt]]) -> NewUnit:
    """The one change of units as such."""
    (change,) = [change for change in back if isinstance(change, NewUnit)]
    return change


class TestMade:
    def test_it_goes_with_all_that_is_in_it(self) -> None:
        """A unit that the run has made goes: its departments go home, its monitors and its visibility go with it."""
        made = [
            attempt(MADE),
            attempt(moved("d1", "u9", 2), "a"),
            attempt(moved("d2", "u9", 3)),
            attempt(monitor(), WAS_NOT),
            attempt(visibility("private")),
        ]
        back = way_back(made)
        assert [type(change).__name__ for change in back] == ["NewUnit", "DepartmentUnit", "DepartmentUnit"]
        unit = only(back)
        assert (unit.present, unit.unit_id, unit.rows) == (False, "u9", (2, 3))
        assert unit.holds_only == Held(visibility="private", monitors=(("m-mo", "mo"),), departments=(("d1", "a"), ("d2", None)))
        assert [change.wanted for change in back if isinstance(change, DepartmentUnit)] == ["a", None]

    def test_it_is_expected_as_it_was_left(self) -> None:
        """What later writes of the run changed of it counts: who left it again is not expected, the last visibility is."""
        made = [
            attempt(MADE),
            attempt(monitor(), WAS_NOT),
            attempt(monitor("mia"), WAS_NOT),
            attempt(monitor(present=False), WAS),
            attempt(visibility("private")),
        ]
        assert only(way_back(made)).holds_only == Held(visibility="private", monitors=(("m-mia", "mia"),))

    def test_what_failed_is_not_expected(self) -> None:
        """What is known to have failed is not in it."""
        made = [attempt(MADE), attempt(moved("d1", "u9", 2), "a", FAILED), attempt(monitor(), WAS_NOT, FAILED)]
        assert only(way_back(made)).holds_only == Held()

    def test_unknown_outcome_of_the_making(self) -> None:
        """Where nobody knows what became of the call, all of its monitors may be missing; more than it carried may not be there."""
        made = [attempt(MADE, status=None), attempt(monitor(), WAS_NOT, None), attempt(moved("d1", "u9", 2), "a", None)]
        assert only(way_back(made)).holds_only == Held(monitors=(("m-mo", "mo"),), perhaps=("m-mo",), departments=(("d1", "a"),))

    def test_unknown_outcome_of_a_later_write(self) -> None:
        """Where the unit is known to have been made, only those may be missing whom a later write of unknown outcome was to add."""
        made = [attempt(MADE), attempt(monitor(), WAS_NOT), attempt(monitor("mia"), WAS_NOT, None)]
        held = only(way_back(made)).holds_only
        assert (held.monitors, held.perhaps) == ((("m-mo", "mo"), ("m-mia", "mia")), ("m-mia",))

    def test_a_rollback_that_goes_on(self) -> None:
        """Where an earlier attempt of the rollback has begun to take it away, its monitors may be gone; nothing else is forgiven."""
        made = [attempt(MADE), attempt(monitor(), WAS_NOT), attempt(visibility("private"))]
        begun = attempt(msgspec.structs.replace(MADE, present=False), "u9", None)
        held = only(way_back(made, [begun])).holds_only
        assert held == Held(visibility="private", monitors=(("m-mo", "mo"),), perhaps=("m-mo",))
        assert only(way_back(made, [attempt(msgspec.structs.replace(MADE, present=False), "u9", FAILED)])).holds_only.perhaps == ()

    def test_making_that_failed(self) -> None:
        """A unit that was certainly not made does not go; what is about one that is there goes back by itself."""
        back = way_back([attempt(MADE, status=FAILED), attempt(monitor(unit="a"), WAS_NOT), attempt(visibility("private", "a"), "public")])
        assert [(change.target, change.wanted) for change in back] == [
            (("unit", "a", "monitor", "m-mo"), False),
            (("unit", "a", "field", "visibility"), "public"),
        ]

    def test_department_that_was_in_another_new_unit_before(self) -> None:
        """A department goes back to what the first write found, whatever came between."""
        made = [attempt(MADE), attempt(moved("d1", "u9", 2), "a", None), attempt(moved("d1", "u9", 2), "u9")]
        assert dict(only(way_back(made)).holds_only.departments) == {"d1": "a"}


class TestTakenAway:
    def test_it_comes_back_with_all(self) -> None:
        """A unit that a rollback took away is made again with its visibility and monitors; departments go to the new one."""
        back = way_back([attempt(moved("d1", "a", 2), "u9"), attempt(GONE, "u9"), attempt(moved("d2", None, 3), "u9")])
        assert [change.wanted for change in back] == [new_unit("West"), True, new_unit("West")]
        unit = only(back)
        assert (unit.unit_id, unit.name, unit.holds_only.visibility, unit.holds_only.monitors) == (
            new_unit("West"),
            "West",
            "private",
            (("m1", "mo"),),
        )

    def test_others_stay_where_they_are(self) -> None:
        """What is about other units keeps their ids."""
        back = way_back([attempt(moved("d1", "a", 2), "b"), attempt(GONE, "u9")])
        assert [change.wanted for change in back] == ["b", True]

    def test_deletion_that_failed(self) -> None:
        """A unit that was certainly not taken away is not made again: departments go back to it as it is."""
        back = way_back([attempt(moved("d1", "a", 2), "u9"), attempt(GONE, "u9", FAILED)])
        assert [change.wanted for change in back] == ["u9"]


class TestFields:
    def test_one_by_one(self) -> None:
        """Each field and each monitor goes back by itself, beside agents and units, for its own rows."""
        name = DepartmentField(department_id="d1", field="name", value="Vertrieb", rows=(2,))
        email = DepartmentField(department_id="d1", field="email", value="b@x", rows=(3,))
        made = [
            attempt(name, "Sales"),
            attempt(email, None),
            attempt(UnitField(unit_id="a", field="name", value="Europe", rows=(4,)), "EMEA", None),
            attempt(monitor(unit="a"), WAS_NOT),
            attempt(monitor("mia", "a", present=False), WAS),
            attempt(DepartmentAgent(department_id="d1", agent_id="a1", username="ann", rows=(6,))),
        ]
        back = way_back(made)
        assert [change.target for change in back] == [each.change.target for each in made]
        assert [change.wanted for change in back] == ["Sales", "", "EMEA", False, True, None]
        assert all(len(attempts) == 1 for attempts in back.values())

    def test_two_values(self) -> None:
        """A field that was written twice goes back to what was there before the first."""
        first, second = (DepartmentField(department_id="d1", field="name", value=value, rows=(row,)) for value, row in (("B", 2), ("C", 5)))
        ((change, attempts),) = way_back([attempt(first, "A", None), attempt(second, "B")]).items()
        assert (change.wanted, change.rows, len(attempts)) == ("A", (2, 5), 2)


def test_without_unmade() -> None:
    """Attempts on a unit that turned out never to have been made are left out, those on units that are there, or were made, stay.

    So does that on a department that is elsewhere by now: its new unit may only have another name.
    """
    west, east = new_unit("West"), new_unit("East")
    attempts = [
        attempt(NewUnit(unit_id=west, name="West", rows=(2,))),
        attempt(moved("d1", west, 2), "a"),
        attempt(moved("d9", west, 2), "a"),
        attempt(monitor(unit=west)),
        attempt(moved("d2", east, 3)),
        attempt(moved("d3", "a", 4)),
        attempt(moved("d4", None, 5), "a"),
        attempt(moved("d5", west, 6), "a"),
    ]
    parents = {"d1": "a", "d2": None, "d3": "a", "d4": None, "d5": "u7"}
    departments = {name: Department(id=name, name=name, parent_id=parent, archived=False) for name, parent in parents.items()}
    units = {identifier: Unit(id=identifier, name=name, visibility="public") for identifier, name in (("u7", "Far West"), ("u8", "East"))}
    assert without_unmade(attempts, Workspace(departments=departments, units=units, agents={})) == tuple(attempts[4:])
