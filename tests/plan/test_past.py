"""What journals tell of names: those from before, those that the job gives, and those of what is no longer there."""

from dataclasses import replace

import pytest

from bulkjob.changes.change import Attempt, Change, Prior
from bulkjob.changes.department_field import DepartmentField
from bulkjob.changes.new_unit import NewUnit
from bulkjob.changes.unit_field import UnitField
from bulkjob.plan.past import naming_of
from bulkjob.records.meanings import NO_MEANINGS, Meanings
from bulkjob.records.naming import Naming
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.vocabulary import Status

NOTHING = Workspace(departments={}, units={}, agents={})
TO_SOUTHERN = UnitField(unit_id="u1", field="name", value="Southern", rows=(2,))
TO_VERTRIEB = DepartmentField(department_id="d1", field="name", value="Vertrieb", rows=(3,))


def there(unit: str = "South", department: str = "Sales") -> Workspace:
    return Workspace(
        departments={"d1": Department(id="d1", name=department, parent_id=None, archived=False)},
        units={"u1": Unit(id="u1", name=unit, visibility="public")},
        agents={},
    )


def attempt(change: Change, prior: Prior, status: Status | None = Status.SUCCESS) -> Attempt:
    return Attempt(change=change, prior=prior, outcome=None, status=status)


def named(
    workspace: Workspace, *changes: Change, own: tuple[Attempt, ...] = (), undone: tuple[Attempt, ...] = (), sheet: Meanings = NO_MEANINGS
) -> tuple[str, str]:
    """How the unit and the department are called."""
    naming: Naming = naming_of(workspace, changes, own, undone=undone, meanings=sheet)
    return naming.unit("u1"), naming.department("d1")


class TestRenamed:
    BOTH = '"South" → "Southern" (u1)', '"Sales" → "Vertrieb" (d1)'
    OWN = attempt(TO_SOUTHERN, "South"), attempt(TO_VERTRIEB, "Sales")

    def test_first_attempt(self) -> None:
        """What is about to be renamed goes by both names."""
        assert named(there(), TO_SOUTHERN, TO_VERTRIEB) == self.BOTH

    @pytest.mark.parametrize("status", [Status.SUCCESS, None])
    @pytest.mark.parametrize("changes", [(TO_SOUTHERN, TO_VERTRIEB), ()])
    def test_attempt_after(self, changes: tuple[Change, ...], status: Status | None) -> None:
        """The same once it is renamed, also where the rows that rename are done, and where nobody knows the write's outcome."""
        own = tuple(replace(each, status=status) for each in self.OWN)
        assert named(there("Southern", "Vertrieb"), *changes, own=own) == self.BOTH

    def test_what_was_not_carried_out(self) -> None:
        """A write that is seen not to have been carried out, of rows that ask for nothing any more, has renamed nothing."""
        assert named(there(), own=(replace(self.OWN[0], status=None),))[0] == '"South" (u1)'
        assert named(there(), own=(replace(self.OWN[0], status=Status.FAILED),))[0] == '"South" (u1)'

    def test_what_somebody_renamed_since(self) -> None:
        """A third name is the present one: that is what the job renames, or leaves."""
        assert named(there("Sud"), TO_SOUTHERN, own=self.OWN)[0] == '"Sud" → "Southern" (u1)'
        assert named(there("Sud"), own=self.OWN)[0] == '"Sud" (u1)'

    def test_several_attempts(self) -> None:
        """The name from before all of them counts, unless somebody gave it another one in between."""
        again = attempt(TO_SOUTHERN, "Southern", None)
        assert named(there("Southern"), own=(replace(self.OWN[0], status=None), again))[0] == '"South" → "Southern" (u1)'
        from_third = attempt(TO_SOUTHERN, "Sud", None)
        assert named(there("Southern"), own=(replace(self.OWN[0], status=None), from_third))[0] == '"Sud" → "Southern" (u1)'

    def test_what_the_run_renamed_that_is_undone(self) -> None:
        """A rollback that goes on calls it by the name that it had before the rollback, and the one that it has back."""
        back = UnitField(unit_id="u1", field="name", value="South", rows=(2,))
        assert named(there("South"), own=(attempt(back, "Southern"),), undone=self.OWN)[0] == '"Southern" → "South" (u1)'
        assert named(there("Southern"), undone=self.OWN)[0] == '"Southern" (u1)'


class TestGone:
    def test_by_the_sheet(self) -> None:
        """What nobody has journalled goes by what the sheet calls it; an id is no name."""
        sheet = Meanings(departments={"d1": "d1", "Sales": "d1", "sales": "d1"}, units={"u1": "u1"})
        assert named(NOTHING, sheet=sheet) == ('"u1"', '"Sales" (d1)')

    def test_not_by_the_name_that_the_sheet_gives_it(self) -> None:
        """Rows may use a new name: the present one is told before it."""
        sheet = Meanings(departments={"Vertrieb": "d1", "Sales": "d1"}, units={"Southern": "u1"})
        assert named(NOTHING, TO_VERTRIEB, TO_SOUTHERN, sheet=sheet) == ('"Southern" (u1)', '"Sales" → "Vertrieb" (d1)')

    def test_by_the_journal(self) -> None:
        """What was renamed goes by both names, or of a rollback by the one that the run had given it."""
        own = attempt(TO_SOUTHERN, "South"), attempt(TO_VERTRIEB, "Sales")
        assert named(NOTHING, own=own) == TestRenamed.BOTH
        assert named(NOTHING, undone=own) == ('"Southern" (u1)', '"Vertrieb" (d1)')
        unknown = tuple(replace(each, status=None) for each in own)
        assert named(NOTHING, undone=unknown) == ('"South" (u1)', '"Sales" (d1)')

    def test_unit_that_was_made(self) -> None:
        """A unit that was made, or taken away, has the name that it was made with."""
        made = NewUnit(unit_id="u1", name="West", rows=(2,))
        taken = NewUnit(unit_id="u1", name="West", present=False, rows=(2,))
        assert named(NOTHING, own=(attempt(made, None),))[0] == '"West" (u1)'
        assert named(NOTHING, undone=(attempt(made, None),))[0] == '"West" (u1)'
        assert named(NOTHING, taken)[0] == '"West" (u1)'
        assert named(there("Western"), taken, own=(attempt(taken, "u1", None),))[0] == '"Western" (u1)'
