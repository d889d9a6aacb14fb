"""What the texts of a sheet mean where it gives things new names, or names units that are still to be made."""

from collections.abc import Iterable

import pytest

from bulkjob.plan.meaning import SheetNames
from bulkjob.plan.names import Directory
from bulkjob.plan.resolve import Resolution, resolve_names
from bulkjob.records.meanings import NO_MEANINGS, Meanings
from bulkjob.records.naming import new_unit
from bulkjob.records.sheet import Assignment
from bulkjob.records.workspace import Department, Monitor, Unit, Workspace
from bulkjob.sheet import check, parse
from bulkjob.vocabulary import Code


def workspace(departments: Iterable[tuple[str, str]] = (), units: Iterable[tuple[str, str]] = ()) -> Workspace:
    """(id, name) pairs; a department whose name begins with ``†`` is archived."""
    return Workspace(
        departments={
            identifier: Department(id=identifier, name=name.removeprefix("†"), parent_id=None, archived=name.startswith("†"))
            for identifier, name in departments
        },
        units={identifier: Unit(id=identifier, name=name, visibility="public") for identifier, name in units},
        agents={},
        monitors={identifier: {} for identifier, _ in units},
        role_holders={"u-mo": Monitor(id="u-mo", username="mo")},
    )


def department(text: str, new: str = "", row: int = 2) -> Assignment:
    return Assignment(row=row, department=text, department_fields=(("name", new),) if new else ())


def unit(text: str, new: str = "", monitor: str = "", row: int = 2, *, removes: bool = False) -> Assignment:
    return Assignment(row=row, unit=text, unit_fields=(("name", new),) if new else (), monitor=monitor, removes=removes)


def meant(there: Workspace, *assignments: Assignment, kept: Meanings = NO_MEANINGS) -> list[tuple[str, ...]]:
    """What the department of each assignment means, or else its unit."""
    names = SheetNames(Directory(there), assignments, kept=kept)
    return [names.departments.find(each.department) if each.department else names.unit(each) for each in assignments]


BEFORE = workspace([("d1", "Sales"), ("d2", "Support")], [("u1", "EMEA"), ("u2", "APAC")])
AFTER = workspace([("d1", "Vertrieb"), ("d2", "Support")], [("u1", "Europe"), ("u2", "APAC")])


class TestOldAndNewNames:
    @pytest.mark.parametrize("there", [BEFORE, AFTER])
    @pytest.mark.parametrize("backwards", [False, True])
    def test_all_rows_mean_the_same(self, there: Workspace, *, backwards: bool) -> None:
        """Before the renaming as after it, rows that use the old name, the new one or the id mean the same thing, in any order."""
        rows = [department("Sales", "Vertrieb"), department("Vertrieb"), department("Sales"), department("d1")]
        rows += [unit("EMEA", "Europe"), unit("Europe"), unit("EMEA"), unit("u1")]
        rows = rows[::-1] if backwards else rows
        expected = [("u1",)] * 4 + [("d1",)] * 4 if backwards else [("d1",)] * 4 + [("u1",)] * 4
        assert meant(there, *rows) == expected

    @pytest.mark.parametrize("spelling", ["vertrieb", "VERTRIEB", "  Vertrieb\u00a0"])
    def test_new_name_in_another_spelling(self, spelling: str) -> None:
        """A new name is compared as any name is: case and blanks at the ends do not matter."""
        assert meant(BEFORE, department("Sales", "Vertrieb"), department(spelling)) == [("d1",), ("d1",)]

    def test_names_that_are_there_win(self) -> None:
        """A name that something bears today means that, whatever the sheet makes of the name."""
        rows = [department("d1", "Support"), department("d2", "Sales"), department("Support"), department("Sales")]
        assert meant(BEFORE, *rows) == [("d1",), ("d2",), ("d2",), ("d1",)]

    def test_ids_win(self) -> None:
        """An exact id means the thing that has it, also where a row gives that text to another as its new name."""
        assert meant(BEFORE, department("Sales", "d2"), department("d2")) == [("d1",), ("d2",)]

    def test_renamed_already_by_case_only(self) -> None:
        """A renaming that differs in case only keeps all spellings known."""
        there = workspace([("d1", "SALES")])
        assert meant(there, department("sales", "SALES"), department("Sales")) == [("d1",), ("d1",)]

    def test_two_things_with_one_new_name(self) -> None:
        """A new name that two things are to get fits both."""
        assert meant(BEFORE, department("Sales", "One"), department("Support", "One"), department("One"))[2] == ("d1", "d2")

    def test_new_name_of_something_unknown(self) -> None:
        """Where neither the present name nor the new one is there, both are unknown."""
        assert meant(BEFORE, department("Nobody", "Anybody"), department("Anybody"), department("Nobody")) == [(), (), ()]

    def test_a_sheet_that_took_an_old_name_again(self) -> None:
        """Where somebody has made a new thing of the old name since, that name means the new thing."""
        there = workspace([("d1", "Vertrieb"), ("d3", "Sales")])
        assert meant(there, department("Sales", "Vertrieb"), department("Vertrieb")) == [("d3",), ("d1",)]

    def test_it_is_said(self) -> None:
        """What is taken to be renamed already is said in a sentence with both names; before the renaming there is nothing to say."""
        text = b"department;new department name;department enabled\nSales;Vertrieb;\nSales;;yes\n"
        before, after = (resolve_names(check(parse(text, "s.csv")), there) for there in (BEFORE, AFTER))
        assert before.warnings == ()
        (said,) = after.warnings
        assert '"Sales"' in said
        assert '"Vertrieb"' in said
        assert [row.department_id for row in after.wanted] == ["d1", "d1"]


class TestArchived:
    THERE = workspace([("d1", "†Sales"), ("d2", "Support")])

    def test_name_of_an_archived_one_counts_as_not_there(self) -> None:
        """A name that only an archived department bears means what the sheet gives that name to."""
        assert meant(self.THERE, department("Support", "Sales"), department("Sales")) == [("d2",), ("d2",)]

    def test_old_name_of_an_archived_one(self) -> None:
        """Where the present name is only an archived department's, and the new one is there, the thing has been renamed already."""
        there = workspace([("d1", "†Sales"), ("d2", "Vertrieb")])
        assert meant(there, department("Sales", "Vertrieb"), department("Sales")) == [("d2",), ("d2",)]

    def test_archived_one_that_is_renamed(self) -> None:
        """An archived department is meant where nothing else fits, by its name and by the new one (its rows fail later)."""
        assert meant(self.THERE, department("Sales", "Vertrieb"), department("Vertrieb"), department("Sales")) == [("d1",)] * 3


class TestKept:
    def test_meanings_are_kept(self) -> None:
        """In a run that goes on, a text means what it meant when the plan was made, whatever is called so by now."""
        kept = Meanings(departments={"Sales": "d1", "Vertrieb": "d1"}, units={"EMEA": "u1"})
        there = workspace([("d1", "Vertrieb"), ("d3", "Sales")], [("u1", "Europe"), ("u3", "EMEA")])
        rows = [department("Sales", "Vertrieb"), department("Vertrieb"), department("Sales"), unit("EMEA")]
        assert meant(there, *rows, kept=kept) == [("d1",), ("d1",), ("d1",), ("u1",)]

    def test_new_name_of_a_kept_one(self) -> None:
        """A new name means what the kept text of the row that gives it means."""
        there = workspace([("d1", "renamed by hand")])
        kept = Meanings(departments={"Sales": "d1"})
        assert meant(there, department("Sales", "Vertrieb"), department("Vertrieb"), kept=kept) == [("d1",), ("d1",)]

    def test_without_ids(self) -> None:
        """What texts meant leaves out texts that are ids: these mean themselves."""
        found = resolve_names(check(parse(b"department;unit\nSales;EMEA\nd2;u2\n", "s.csv")), BEFORE)
        assert found.meanings == Meanings(departments={"Sales": "d1"}, units={"EMEA": "u1"})


def resolved(rows: str, *, creates: bool = True, there: Workspace = BEFORE) -> Resolution:
    text = "department;unit;unit monitor;new unit name;unit visibility;action\n" + rows
    return resolve_names(check(parse(text.encode(), "s.csv")), there, creates_units=creates)


def units_of(found: Resolution) -> list[str | None]:
    return [row.unit_id for row in found.wanted]


def codes_of(found: Resolution) -> list[tuple[int, Code]]:
    return [(problem.row, problem.code) for problem in found.problems]


class TestNewUnits:
    def test_only_with_the_setting(self) -> None:
        """Without --create-units a unit that the server does not know is unknown."""
        assert codes_of(resolved("Sales;West;;;;", creates=False)) == [(2, Code.UNKNOWN_UNIT)]
        assert units_of(resolved("Sales;West;;;;")) == [new_unit("West")]

    def test_spellings_are_one_unit(self) -> None:
        """Spellings that differ in case or blanks are one unit, written as in the first row that names it, with its ends stripped."""
        found = resolved(
            " West  Wing ;;;;;\nSales;\u00a0West  Wing ;;;;\nSupport;west wing;;;;\n;WEST WING;mo;;;\n;West\u00a0Wing;;;private;"
        )
        assert set(units_of(found)[-4:]) == {new_unit("West  Wing")}

    def test_other_names_are_other_units(self) -> None:
        """Names that differ in anything else are two units."""
        assert units_of(resolved("Sales;West;;;;\nSupport;West-;;;;")) == [new_unit("West"), new_unit("West-")]

    @pytest.mark.parametrize("row", [";West;mo;;;remove", ";West;;Wild West;;", "Sales;West;;Wild West;;", ";West;mo;Wild West;;"])
    def test_rows_that_make_none(self, row: str) -> None:
        """A row that renames a unit, or takes a monitor out of one, makes none: it speaks of a unit that should be there."""
        assert codes_of(resolved(row)) == [(2, Code.UNKNOWN_UNIT)]

    def test_row_with_an_agent_who_leaves(self) -> None:
        """Where the action is about an agent, the monitor is added, and the unit is made."""
        text = b"department;unit;unit monitor;agent;action\nSales;West;mo;anna;remove\n"
        found = resolve_names(check(parse(text, "s.csv")), BEFORE, creates_units=True)
        assert units_of(found) == [new_unit("West")]
        assert (found.wanted[0].monitor_leaves, found.wanted[0].monitor_id) == (False, "u-mo")

    @pytest.mark.parametrize("text", ["--", "–", "— -", "d2"])
    def test_what_is_no_name(self, text: str) -> None:
        """Dashes alone and a department's id are no unit's name; a department's name may be one."""
        assert codes_of(resolved(f"Sales;{text};;;;")) == [(2, Code.UNKNOWN_UNIT)]
        assert units_of(resolved("Sales;Support;;;;")) == [new_unit("Support")]

    def test_new_name_is_not_a_new_unit(self) -> None:
        """A name that a row gives to a unit that is there means that unit, and makes none."""
        assert units_of(resolved(";EMEA;;Europe;;\nSales;europe;;;;")) == ["u1", "u1"]

    def test_known_unit_is_meant_first(self) -> None:
        """A unit that is there is meant, in any case."""
        assert units_of(resolved("Sales;emea;;;;\nSupport;u2;;;;")) == ["u1", "u2"]

    @pytest.mark.parametrize("order", [[0, 1], [1, 0]])
    def test_invalid_row_holds_back_what_is_about_the_unit(self, order: list[int]) -> None:
        """Rows about a new unit itself that an invalid row names, too, are held back, by any spelling; moves into it go ahead."""
        pair = [";West;nobody;;;", ";WEST;;;private;"]
        found = resolved("\n".join([*(pair[place] for place in order), "Sales;west;;;;"]))
        assert [code for _, code in codes_of(found)] == [Code.UNKNOWN_MONITOR]
        assert {row.unit_text: found.holds_back(row) for row in found.wanted} == {"WEST": True, "west": False}

    def test_row_that_is_invalid_by_itself_holds_back_what_is_about_the_unit(self) -> None:
        """So does a row in which the sheet alone shows a mistake."""
        found = resolved(";West;mo;;loud;\n;west;mo;;;\nSales;West;;;;")
        assert {row.unit_text: found.holds_back(row) for row in found.wanted} == {"west": True, "West": False}

    def test_units_that_cannot_be_listed(self) -> None:
        """Where units cannot be listed nobody knows whether one has to be made: that is said, and none is."""
        unlisted = Workspace(departments=BEFORE.departments, units=None, agents={})
        found = resolved("Sales;West;;;;", there=unlisted)
        assert (found.unlisted_units, found.wanted) == (("West",), ())
