"""What the headers mean: which columns are read, which are only carried, and what is said of those that come near."""

from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook

from bulkjob.sheet.text import several_in_one

Look = Callable[..., Any]

TITLES = {
    "CSV": "Reorganisation 2026\n\nas agreed\nDepartment,Unit,Agent\nA,u,x\n",
    "semicolons": "Reorganisation 2026\n\nas agreed\nDepartment;Unit;Agent\nA;u;x\n",
    "a title with a comma": '"Reorganisation, 2026"\n\nas agreed;\nDepartment;Unit;Agent\nA;u;x\n',
    "a title above a later column": ",Reorganisation\n\n,as agreed\nDepartment,Unit,Agent\nA,u,x\n",
    "a title that is a header, too": "Unit\n\nNorth\nDepartment,Unit,Agent\nA,u,x\n",
}


@pytest.mark.parametrize("case", TITLES)
def test_headers_below_a_title_are_found(case: str, look: Look) -> None:
    """Where the headers come later than the first row, the refusal says where they are and what to delete."""
    assert look(TITLES[case]).stop.message == "The headers of sheet.csv seem to be in row 4; delete rows 1 to 3, so that they come first."


NEAR_TITLES = {
    "near headers": (
        "Reorganisation 2026\n\nDept,Business Unit,Username\nA,u,x\n",
        "headers of sheet.csv seem to be in row 3; delete rows 1 to 2",
    ),
    "semicolons": ("Reorganisation\nDepartment name;Agent username\nA;x\n", "seem to be in row 2; delete row 1"),
    "names with such words": ("Team,note\nUnit one,Agent Smith\n", 'no "department" column'),
    "a title with such a word": ("Dept\nSales department\nOrder desk\n", 'Did you mean "Dept"?'),
}


@pytest.mark.parametrize("case", NEAR_TITLES)
def test_headers_that_only_come_near_below_a_title_are_found(case: str, look: Look) -> None:
    """A lone title above several headers that remind of the table's is told as a title."""
    text, words = NEAR_TITLES[case]
    assert words in look(text).stop.message


def test_headers_in_full_width_letters_are_asked_for(look: Look) -> None:
    """What looks like a header of the table, but is written with the letters of a Japanese keyboard, is told as one that comes near."""
    assert 'Did you mean "Ｄｅｐａｒｔｍｅｎｔ"?' in look("Ｄｅｐａｒｔｍｅｎｔ,Ｕｎｉｔ\nSales,North\n").stop.message
    (warning,) = look("department,unit,Ａｇｅｎｔ\nSales,North,anna\n").sheet.warnings
    assert 'rename it to "agent"' in warning


TOGETHER = {
    "whole rows in quotation marks": '"Department,Unit,Agent"\n"Sales,North,anna"\n',
    "the same of cells in quotation marks": '"""Department"",""Unit"",""Agent"""\n"""Sales"",""North"",""anna"""\n',
    "another separator than the first line announces": "sep=,\nDepartment;Unit;Agent\nSales;North;anna\n",
    "full-width commas": "Department，Unit，Agent\nSales，North，anna\n",
    "columns made with blanks": "Department   Unit    Agent\nSales        North   anna\n",
}


@pytest.mark.parametrize("case", TOGETHER)
def test_headers_that_stand_together_in_one_cell_are_told_so(case: str, look: Look) -> None:
    """Renaming that cell would make a column of what are several."""
    message = look(TOGETHER[case]).stop.message
    assert "stand together in one cell" in message
    assert "Text to Columns" in message
    assert "rename" not in message


def test_thousands_of_headers_are_each_looked_through_in_part() -> None:
    """What stands together in a cell is looked for at its beginning, however much there is of it."""
    assert several_in_one("department,unit" + ",x" * 100_000)
    assert not several_in_one("x," * 21 + "department,unit")


def test_headers_in_one_cell_of_a_workbook_are_told_the_same(look: Look, saved: Callable[..., bytes]) -> None:
    """A text of separated values that was pasted into the first column is no table yet."""
    book = Workbook()
    for row in (["department|unit|agent"], ["Sales|North|anna"]):
        book.active.append(row)
    assert "stand together in one cell" in look(saved(book), "p.xlsx").stop.message


@pytest.mark.parametrize("header", ["Department (name, not id)", "Department, Rocket.Chat", "Department  name"])
def test_a_header_with_a_comma_is_one_header(header: str, look: Look) -> None:
    """What only comes near one column of the table is asked for."""
    assert f'Did you mean "{" ".join(header.split())}"?' in look(f'"{header}",Who\nSales,anna\n').stop.message


def test_headers_below_a_title_of_a_workbook(look: Look, saved: Callable[..., bytes]) -> None:
    """The same in a workbook."""
    book = Workbook()
    for row in (["Reorganisation 2026"], ["Department", "Unit"], ["A", "u"]):
        book.active.append(row)
    assert "in row 2; delete row 1," in look(saved(book), "p.xlsx").stop.message


def test_a_long_table_below_a_title_is_told_the_same(look: Look) -> None:
    """The sentence is about the headers, not about the million cells that stand right of the title."""
    text = "Reorganisation\nDepartment,Unit,x,y\n" + "A,u,1,2\n" * 400_000
    assert "seem to be in row 2" in look(text).stop.message


def test_headers_beyond_the_first_twenty_rows_are_not_looked_for(look: Look) -> None:
    """A word far down in the table is no header."""
    assert 'no "department" column' in look("x,y\n" + "1,2\n" * 30 + "department,unit\n").stop.message


@pytest.mark.parametrize(
    "header", ["Dept", "Department Name", "departmentName", "Departement", "dept.", "DEPARTMENT_ID", "Departments (old)"]
)
def test_a_header_near_department_is_asked_for(header: str, look: Look) -> None:
    """Where the column department is missing, the header that is likely meant is named."""
    message = look(f"{header},unit\nA,u\n").stop.message
    assert f'Did you mean "{header}"?' in message
    assert 'rename it to "department"' in message


MISSING = {
    "Department Unit": "unit",
    "unit-department": "unit",
    "Unit – Agent": "unit",
    "Units (new)": "unit",
    "Team’s units": "unit",
    "Unit visibility (new)": "unit visibility",
    "Department email address": "department email",
    "new unit name 2026": "new unit name",
    "agent count": "count",
}


@pytest.mark.parametrize("header", MISSING)
def test_of_two_words_the_column_that_is_missing_is_named(header: str, look: Look) -> None:
    """A header may have the words of several columns; one that is read already is hardly meant."""
    (warning,) = look(f"department,agent,{header}\nA,x,u\n").checked.warnings
    assert warning.endswith(f'If this is the {MISSING[header]} column, rename it to "{MISSING[header]}".')


@pytest.mark.parametrize("header", ["agents username", "Username of agents"])
def test_a_plural_among_other_words_is_told(header: str, look: Look) -> None:
    """A plural counts where its column is missing, and means something else where that is there."""
    (warning,) = look(f"department,unit,{header}\nA,u,x\n").checked.warnings
    assert warning.endswith('rename it to "agent".')
    assert look(f"department,unit,agent,{header}\nA,u,x,y\n").checked.warnings == ()


@pytest.mark.parametrize("header", ["Agent email", "Monitor description", "e-mail of the agent"])
def test_what_an_agent_has_is_none_of_the_departments(header: str, look: Look) -> None:
    """An agent's address is not asked for as the department's."""
    (warning,) = look(f"department,agent,unit monitor,unit,{header}\nA,x,,u,y\n").checked.warnings
    assert "department email" not in warning
    assert "is read from column" in warning


TELLING = ["Business Unit", "business_unit", "BusinessUnit", "business-unit", "Unit (new)", "UNIT/TEAM"]


@pytest.mark.parametrize("header", TELLING)
def test_a_carried_header_with_a_known_word_is_warned_of(header: str, look: Look) -> None:
    """A column that may have been meant as one of the table's is said to be only carried, with what to do."""
    (warning,) = look(f"department,agent,{header}\nA,x,u\n").checked.warnings
    assert f'Column C, "{header}", is only carried' in warning
    assert 'rename it to "unit"' in warning


@pytest.mark.parametrize(
    "word", ["department", "unit", "agent", "monitor", "visibility", "email", "description", "count", "order", "action"]
)
def test_every_word_of_the_table_counts(word: str, look: Look) -> None:
    """Each word that a header of the table has is looked for in the others."""
    (warning,) = look(f"department,unit,old {word} name\nA,u,x\n").checked.warnings
    assert f'"old {word} name"' in warning


def test_a_word_whose_column_is_there_names_that_column(look: Look) -> None:
    """Where the column meant is there already, the warning says from which column it is read."""
    (warning,) = look("Unit code,department,unit\n7,A,u\n").checked.warnings
    assert warning == 'Column A, "Unit code", is only carried into the report; nothing is read from it. The unit is read from column C.'


@pytest.mark.parametrize("header", ["Account", "Country", "United", "Reordered", "Transaction", "Emails sent", "Region"])
def test_a_word_within_another_word_is_none(header: str, look: Look) -> None:
    """Only whole words count."""
    assert look(f"department,agent,{header}\nA,x,u\n").checked.warnings == ()


def test_an_e_mail_address_is_a_known_word(look: Look) -> None:
    """`E-mail` is `email` in two spellings."""
    assert '"E-mail address"' in look("department,unit,E-mail address\nA,u,x\n").checked.warnings[0]


def test_columns_read_and_carried_are_said_once(look: Look) -> None:
    """A note says which columns were read and which are only carried into the report."""
    notes = look("Agent,Department,Cost centre,,unit\nx,A,7,y,u\n").sheet.notes
    assert [note for note in notes if "columns read" in note] == [
        'columns read: department, unit, agent; only carried into the report: "Cost centre", one without a header'
    ]
    assert "columns read: department, unit; there are no others" in look("department,unit\nA,u\n").sheet.notes


def test_many_carried_columns_are_counted(look: Look) -> None:
    """Not more than eight carried columns are named."""
    notes = look("department,unit" + "".join(f",c{index}" for index in range(1000)) + "\n").sheet.notes
    assert notes[-1].endswith('"c7" and 992 more')


NEAR = {
    "monitor": '"unit monitor"',
    "Monitors": '"unit monitor"',
    "email": '"department email"',
    "E-Mail": '"department email"',
    "emial": '"department email"',
    "new name": '"new unit name" or "new department name"',
    "New_Name": '"new unit name" or "new department name"',
    "visibility": '"unit visibility"',
    "enabled": '"department enabled"',
    "show on registration": '"department show on registration"',
    "Show on offline form": '"department show on offline form"',
    "Description": '"department description"',
    "monitor of the team": '"unit monitor"',
    "unit moniter": '"unit monitor"',
    "departement email": '"department email"',
}


@pytest.mark.parametrize("header", NEAR)
def test_a_header_near_a_long_one_is_carried_and_told_the_long_one(header: str, look: Look) -> None:
    """A column that a sheet happens to have is never taken for one of those with long headers; the warning names the full header."""
    seen = look(f"department,unit,{header}\nA,u,x\n")
    (warning,) = seen.checked.warnings
    assert warning.startswith(f'Column C, "{header}", ')
    assert warning.endswith(f"rename it to {NEAR[header]}.")
    assert seen.sheet.positions.keys() == {"department", "unit"}


def test_a_header_near_one_that_is_read_names_its_column(look: Look) -> None:
    """Where the long header is there, too, the warning says from where it is read; of two, the one that is not is named."""
    assert look("department,unit,monitor,unit monitor\nA,u,x,m\n").checked.warnings[0].endswith("The unit monitor is read from column D.")
    (warning,) = look("department,unit,new name,new unit name\nA,u,x,v\n").checked.warnings
    assert warning.endswith('If this is the new department name column, rename it to "new department name".')


@pytest.mark.parametrize(
    ("header", "column"),
    [("unit monitors", "unit monitor"), ("unit visibilities", "unit visibility"), ("Department Emails", "department email")],
)
def test_the_plural_of_a_long_header_is_refused(header: str, column: str, look: Look) -> None:
    """As of any other header of the table that is not there itself."""
    message = look(f"department,unit,{header}\nA,u,x\n").stop.message
    assert f'a column "{header}" (column C) but none called "{column}"' in message
    assert look(f"department,unit,{column},{header}\nA,u,,x\n").stop is None


@pytest.mark.parametrize("column", ["unit monitor", "unit visibility", "new unit name"])
def test_a_sheet_about_units_needs_no_departments(column: str, look: Look) -> None:
    """A sheet without departments is one about units only, if it has a unit and something to say about it."""
    seen = look(f"Unit,note,{column},department email\nu,x,public,\n")
    assert seen.problems == []
    assert [(wish.department, wish.unit) for wish in seen.checked.assignments] == [("", "u")]


REFUSED = {
    "no unit": ("unit monitor,note\nm,x\n", 'A sheet about units only needs the column "unit".'),
    "nothing about the unit": ("unit,agent\nu,x\n", 'sheet.csv has no "department" column. Headers found in row 1: "unit", "agent".'),
    "only what departments have": ("unit,department email\nu,a@b\n", 'no "department" column'),
    "a letter off": ("unit,unit monitor,Departmnt\nu,m,A\n", 'but "Departmnt" (column C). If this is the department column, rename it'),
    "the word within": ("unit,Old department,unit monitor\nu,A,m\n", 'but "Old department" (column B). If this is'),
    "the word joined to another": ("unit,departmentName,unit monitor\nu,A,m\n", 'but "departmentName" (column B).'),
    "the plural": ("unit,unit monitor,departments\nu,m,A\n", 'a column "departments" (column C) but none called "department"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_sheet_that_may_lack_departments_is_refused(case: str, look: Look) -> None:
    """Where the department may only be misspelt, or rows could ask for nothing, the sheet is not read as one about units."""
    text, words = REFUSED[case]
    assert words in look(text).stop.message


def test_another_word_for_department_is_pointed_out(look: Look) -> None:
    """What may be short for it is carried, with a warning, and no more than that where a department column is there."""
    (warning,) = look("unit,unit monitor,Dept\nu,m,A\n").checked.warnings
    assert warning.endswith('If this is the department column, rename it to "department".')
    assert look("department,unit,Dept\nA,u,x\n").checked.warnings == ()


def test_headers_of_a_sheet_about_units_below_a_title_are_found(look: Look) -> None:
    """Where the headers come later, it does not matter which kind of sheet they make."""
    assert "seem to be in row 3; delete rows 1 to 2" in look("Team leads 2026\n\nUnit,Unit monitor\nu,m\n").stop.message
