"""What people are told before a plan is carried out."""

from collections.abc import Mapping, Sequence

import pytest

from bulkjob.changes.change import ALREADY_SO, Change, Outcome, failed
from bulkjob.changes.department_field import DepartmentField
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.fields import Value
from bulkjob.changes.new_unit import NewUnit
from bulkjob.changes.operations import Plan
from bulkjob.plan.foreseen import foreseen
from bulkjob.records.naming import new_unit
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.vocabulary import Code


def workspace(
    homes: Mapping[str, str | None] | None = None,
    *,
    business_hours: Sequence[str] = (),
    archived: Sequence[str] = (),
    outside: Sequence[str] = (),
) -> Workspace:
    """Departments with their units; ``business_hours``: those that keep some."""
    return Workspace(
        departments={
            each: Department(
                id=each,
                name=f"Dep {each}",
                parent_id=home,
                archived=each in archived,
                business_hour_id="b1" if each in business_hours else None,
            )
            for each, home in (homes or {"d1": "emea", "d2": "apac"}).items()
        },
        units={each: Unit(id=each, name=each.upper(), visibility="public") for each in ("emea", "apac", "vertrieb")},
        outside=frozenset(outside),
        agents={},
    )


YES, NO = True, False


def warnings(there: Workspace, *changes: Change, settled: Mapping[Change, Outcome] | None = None) -> list[str]:
    return list(foreseen(Plan(changes=changes, settled=settled or {}, operations=(), warnings=()), there))


def enabled(value: Value, department: str = "d1") -> DepartmentField:
    return DepartmentField(department_id=department, field="enabled", value=value, rows=(2,))


def moved(department: str, unit: str | None) -> DepartmentUnit:
    return DepartmentUnit(department_id=department, unit_id=unit, rows=(2,))


def new(*names: str) -> list[NewUnit]:
    return [NewUnit(unit_id=new_unit(name), name=name, rows=(2,)) for name in names]


class TestBusinessHours:
    THERE = workspace(business_hours=["d1"])

    def test_disabling_takes_them_away_for_good(self) -> None:
        """Whoever disables a department that keeps business hours is told that nothing brings these back."""
        (said,) = warnings(self.THERE, enabled(NO))
        assert said.startswith('Disabling department "Dep d1" (d1) takes it out of its business hours for good')
        assert "rollback" in said

    def test_nothing_is_lost(self) -> None:
        """Where it keeps none, is enabled, is disabled already or cannot be, or another field changes, there is nothing to say."""
        other = DepartmentField(department_id="d1", field="showOnRegistration", value=False, rows=(2,))
        assert warnings(self.THERE, enabled(YES), other, enabled(NO, "d2")) == []
        for outcome in (ALREADY_SO, failed(Code.DEPARTMENT_ARCHIVED)):
            assert warnings(self.THERE, enabled(NO), settled={enabled(NO): outcome}) == []


class TestEmptied:
    def test_units_that_lose_all(self) -> None:
        """Each unit that is left without departments is named, also where a new unit takes them."""
        assert warnings(workspace(), moved("d1", None)) == ['Unit "EMEA" (emea) will be left without departments.']
        assert warnings(workspace(), *new("Central Europe"), moved("d2", new_unit("Central Europe"))) == [
            'Unit "APAC" (apac) will be left without departments.'
        ]

    def test_units_that_keep_one(self) -> None:
        """A unit that keeps or gains one is not, nor one whose department cannot leave, nor one that had none before."""
        assert warnings(workspace(), moved("d1", "apac"), moved("d2", "emea")) == []
        assert warnings(workspace({"d1": "emea", "d2": "emea"}, archived=["d2"]), moved("d1", None)) == []
        assert warnings(workspace(), moved("d1", None), settled={moved("d1", None): failed(Code.LAST_DEPARTMENT_IN_UNIT)}) == []

    def test_unit_that_goes(self) -> None:
        """A unit that is to go itself is left by all, and nobody needs to hear of it."""
        gone = NewUnit(unit_id="emea", name="EMEA", present=False, rows=(2,))
        assert warnings(workspace(), gone, moved("d1", "apac")) == []


class TestNewUnits:
    @pytest.mark.parametrize(
        ("name", "close"),
        [("EMAE", "EMEA"), ("EMMEA", "EMEA"), ("ema", "EMEA"), ("E-M.E A", "EMEA"), ("apäc", "APAC")],
    )
    def test_close_to_a_known_one(self, name: str, close: str) -> None:
        """A name that is one letter away from a unit's, or the same but for blanks, dashes and the like, is named beside that."""
        assert warnings(workspace(), *new(name)) == [
            f'The new unit "{name}" is called almost like "{close}". Check the spelling.',
        ]

    def test_close_to_another_new_one(self) -> None:
        """Two new units with such names are told of each other."""
        assert warnings(workspace(), *new("North", "Nord", "Norht")) == [
            'The new unit "North" is called almost like "Norht". Check the spelling.',
            'The new unit "Norht" is called almost like "North". Check the spelling.',
        ]

    @pytest.mark.parametrize("name", ["North", "EMEA West", "EM", "中部", "!!"])
    def test_nothing_to_say(self, name: str) -> None:
        """Other names are nobody's business, whatever letters they are made of."""
        assert warnings(workspace(), *new(name)) == []

    @pytest.mark.parametrize("name", ["5SmTeRpeXotkzfoqD", "507f1f77bcf86cd799439011", "abcdefghijklmnop1"])
    def test_like_an_id(self, name: str) -> None:
        """A name that looks like one of Rocket.Chat's own ids was perhaps meant as one."""
        (said,) = warnings(workspace(), *new(name))
        assert said == f'The new unit "{name}" looks like an id. If it was meant to be the id of a unit that is there, correct it.'

    @pytest.mark.parametrize(
        "name", ["Kundendienst West", "Telefonzentralen", "kundendienstebene", "ABCDEFGHIJKLMNOPQ", "5SmTeRpeXotkzfoq"]
    )
    def test_not_like_an_id(self, name: str) -> None:
        """Words are none, however long, nor what has another length."""
        assert warnings(workspace(), *new(name)) == []

    @pytest.mark.parametrize("name", ["Dep d1", "DEP d1"])
    def test_like_a_department(self, name: str) -> None:
        """A name that is a department's was perhaps written in the wrong column."""
        assert warnings(workspace(), *new(name)) == [
            f'The new unit "{name}" is called like a department. Check that the column is the right one.'
        ]

    def test_units_that_are_there(self) -> None:
        """Of a unit that is made already, or that goes, nothing is said."""
        made = NewUnit(unit_id="u9", name="EMAE", rows=(2,))
        assert warnings(workspace(), made, NewUnit(unit_id="u9", name="EMAE", present=False, rows=(2,))) == []

    def test_odd_names(self) -> None:
        """What cannot be printed does not get into the sentence."""
        (said,) = warnings(workspace(), *new("EM\u202eEA"))
        assert "\u202e" not in said


def test_units_of_others() -> None:
    """Each unit that the account sees and cannot change is named first."""
    assert warnings(workspace(outside=["apac", "emea"]), moved("d1", None)) == [
        'Unit "APAC" (apac) is not one of this account\'s own units, so the account cannot change it.',
        'Unit "EMEA" (emea) is not one of this account\'s own units, so the account cannot change it.',
        'Unit "EMEA" (emea) will be left without departments.',
    ]
