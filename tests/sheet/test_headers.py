"""What the headers mean: which columns are read, which are only carried, and what is said of those that come near."""

from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook

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


@pytest.mark.parametrize("header", ["Dept", "Department Name", "departmentName", "Departement", "dept.", "DEPARTMENT_ID"])
def test_a_header_near_department_is_asked_for(header: str, look: Look) -> None:
    """Where the column department is missing, the header that is likely meant is named."""
    message = look(f"{header},unit\nA,u\n").stop.message
    assert f'Did you mean "{header}"?' in message
    assert 'rename it to "department"' in message


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
