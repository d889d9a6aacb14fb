"""A department's unit."""

import msgspec
import pytest

from bulkjob.changes.change import Prior
from bulkjob.changes.department_unit import DepartmentUnit, DepartmentUnitEntry
from bulkjob.changes.drafts import DepartmentDraft, UnitDraft
from bulkjob.changes.entries import Line, Thing
from bulkjob.records.naming import Naming
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.vocabulary import Code, Status

TO_EMEA = DepartmentUnit(department_id="d1", unit_id="emea", rows=(2,))
TO_NONE = DepartmentUnit(department_id="d1", unit_id=None, rows=(2,))


def workspace(parent_id: str | None) -> Workspace:
    return Workspace(
        departments={"d1": Department(id="d1", name="Sales", parent_id=parent_id, archived=False)},
        units={unit_id: Unit(id=unit_id, name=unit_id.upper(), visibility="public") for unit_id in ("emea", "apac")},
        agents={},
    )


NAMING = Naming(workspace(None))


class TestHolds:
    def test_only_the_unit_asked_for_holds(self) -> None:
        """A department holds in its unit only, or in none where none was asked for, whatever it was in before."""
        for prior in ("apac", "emea", None):
            assert TO_EMEA.holds(prior, "emea")
            assert TO_NONE.holds(prior, None)
            assert not TO_EMEA.holds(prior, "apac")
            assert not TO_EMEA.holds(prior, None)
            assert not TO_NONE.holds(prior, "emea")

    def test_one_that_is_gone_is_missing(self) -> None:
        """A department that is gone is nowhere: nothing holds of it, not even that it is in no unit."""
        gone = Workspace(departments={}, units=None, agents={})
        for change in (TO_EMEA, TO_NONE):
            missing = change.missing(gone)
            assert missing is not None
            assert (missing.status, missing.code) == (Status.FAILED, Code.DEPARTMENT_GONE)
            assert change.missing(workspace("apac")) is None

    def test_found(self) -> None:
        """What is found is the unit that the department is in."""
        assert TO_EMEA.found(workspace("apac")) == "apac"
        assert TO_EMEA.found(workspace(None)) is None


class TestDrafts:
    def test_unit(self) -> None:
        """In a unit's body the department comes last, is there once, or is left out; the others keep their order."""
        for change, departments in ((TO_EMEA, ["d2", "d3", "d1"]), (TO_NONE, ["d2", "d3"])):
            draft = UnitDraft(id="emea", name="EMEA", visibility="public", monitors={}, departments={"d2": None, "d3": None})
            change.apply_to_unit(draft)
            change.apply_to_unit(draft)
            assert list(draft.departments) == departments
        draft = UnitDraft(id="apac", name="APAC", visibility="public", monitors={}, departments={"d1": None, "d2": None})
        TO_EMEA.apply_to_unit(draft)
        assert list(draft.departments) == ["d2"]

    @pytest.mark.parametrize(("change", "unit_id"), [(TO_EMEA, "emea"), (TO_NONE, None)])
    def test_department(self, change: DepartmentUnit, unit_id: str | None) -> None:
        """In a department's body it is the unit that is asked for, instead of the one that it is in."""
        draft = DepartmentDraft(unit_id="apac")
        change.apply_to_department(draft, "apac")
        assert draft.unit_id == unit_id


def test_undone() -> None:
    """A department goes back to the unit that it was in, or to none, for the rows that are told."""
    for change in (TO_EMEA, TO_NONE):
        for prior in ("apac", None):
            undone = change.undone(prior, [4, 5])
            assert (undone.department_id, undone.unit_id, undone.rows) == ("d1", prior, (4, 5))


@pytest.mark.parametrize(
    ("change", "prior", "done", "planned", "described"),
    [
        (TO_EMEA, None, 'Put into unit "EMEA" (emea).', 'Will be put into unit "EMEA" (emea).', "in no unit"),
        (
            TO_EMEA,
            "apac",
            'Moved to unit "EMEA" (emea) from "APAC" (apac).',
            'Will be moved to unit "EMEA" (emea) from "APAC" (apac).',
            'in unit "APAC" (apac)',
        ),
        (TO_NONE, "apac", 'Taken out of unit "APAC" (apac).', 'Will be taken out of unit "APAC" (apac).', 'in unit "APAC" (apac)'),
        (TO_NONE, None, "Taken out of its unit.", "Will be taken out of its unit.", "in no unit"),
    ],
)
def test_words(change: DepartmentUnit, prior: Prior, done: str, planned: str, described: str) -> None:
    """A department moves, is put into a unit or taken out of one, by the names of both."""
    words = change.words(prior, NAMING)
    assert (words.done, words.planned, change.described(prior, NAMING)) == (done, planned, described)
    assert (words.thing, words.subject) == ('Department "Sales" (d1)',) * 2


class TestEntry:
    @pytest.mark.parametrize("change", [TO_EMEA, TO_NONE, DepartmentUnit(department_id="d1", unit_id="gone", rows=(3, 9))])
    @pytest.mark.parametrize("prior", [None, "apac", "gone"])
    def test_tells_all(self, change: DepartmentUnit, prior: Prior) -> None:
        """The document's entry gives the change and what was found back, to the last field, also for a unit whose name is not known."""
        entry = change.entry(prior, NAMING, Status.PLANNED, None)
        read = msgspec.json.decode(msgspec.json.encode(entry), type=DepartmentUnitEntry)
        assert msgspec.to_builtins(read.change()) == msgspec.to_builtins(change)
        assert (read.prior(), read.status, read.code, read.department) == (prior, Status.PLANNED, None, Thing(id="d1", name="Sales"))
        assert [unit.id for unit in read.units] == [unit_id for unit_id in (prior, change.unit_id) if unit_id]

    def test_lines(self) -> None:
        """In a listing a move stands under the unit that gains, under the one that loses, and under the department."""
        entry = TO_EMEA.entry("apac", NAMING, Status.PLANNED, None)
        assert list(entry.lines(lambda thing: thing.name)) == [
            Line(section="unit", about=Thing(id="emea", name="EMEA"), sign="+", text="Sales  from APAC"),
            Line(section="unit", about=Thing(id="apac", name="APAC"), sign="−", text="Sales  to EMEA"),
            Line(section="department", about=Thing(id="d1", name="Sales"), sign="~", text="unit APAC to EMEA"),
        ]
        out = TO_NONE.entry("apac", NAMING, Status.PLANNED, None)
        assert [(line.sign, line.text) for line in out.lines(lambda thing: thing.name)] == [
            ("−", "Sales  to no unit"),
            ("~", "unit APAC to none"),
        ]
