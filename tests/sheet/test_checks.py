"""What is wrong with single rows, and what the others ask for: the columns about departments, units and monitors beside the first six."""

# ruff: noqa: E501  # tables read best with a case on a line

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.records.sheet import DEPARTMENT_COLUMNS, UNIT_COLUMNS, Assignment
from bulkjob.sheet import check, parse, with_contradictions
from bulkjob.vocabulary import SHEET_COLUMNS, Code

Look = Callable[..., Any]
Cells = Mapping[str, str]

FIRST_COLUMNS = SHEET_COLUMNS[:6]


def sheet(*rows: Cells, columns: Sequence[str] = SHEET_COLUMNS) -> str:
    """A CSV file with these columns."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([[row.get(column, "") for column in columns] for row in rows])
    return text.getvalue()


def row(text: str) -> Cells:
    """A row written as ``department=A; unit=u``."""
    return dict(cell.split("=", maxsplit=1) for cell in text.split("; ") if cell)


def asked(text: str) -> Assignment:
    """What a sheet of this one row asks for."""
    (assignment,) = check(parse(sheet(row(text)).encode(), "s.csv")).assignments
    return assignment


CASES = {
    "a monitor without a department": ("unit=u; unit monitor=m", []),
    "a visibility without a department": ("unit=u; unit visibility=public", []),
    "a new unit name without a department": ("unit=u; new unit name=v", []),
    "a unit alone": ("unit=u", ["2 A2 missing-department"]),
    "an agent beside what a unit needs": ("unit=u; unit monitor=m; agent=x", ["2 A2 missing-department"]),
    "a department's field beside what a unit needs": ("unit=u; unit monitor=m; department enabled=yes", ["2 A2 missing-department"]),
    "a department's field alone": ("department email=a@b", ["2 A2 missing-department"]),
    "a department's field": ("department=A; department email=a@b", []),
    "a department alone": ("department=A", ["2 - nothing-to-do"]),
    "nothing but an action": ("action=add", ["2 - nothing-to-do", "2 A2 missing-department", "2 C2 agent-needed"]),
    "a count for a monitor": ("unit=u; unit monitor=m; count=1", ["2 C2 agent-needed"]),
    "an order for a monitor": ("unit=u; unit monitor=m; order=1", ["2 C2 agent-needed"]),
    "an action for a monitor": ("unit=u; unit monitor=m; action=remove", []),
    "an action for nobody": ("department=A; unit=u; action=remove", ["2 C2 agent-needed"]),
    "an action for a visibility": ("unit=u; unit visibility=public; action=add", ["2 C2 agent-needed"]),
    "a monitor of no unit": ("department=A; unit monitor=m", ["2 B2 unit-needed"]),
    "a monitor out of every unit": ("department=A; unit=-; unit monitor=m", ["2 B2 unit-needed"]),
    "a visibility of no unit": ("department=A; unit visibility=public", ["2 B2 unit-needed"]),
    "a new name of no unit": ("new unit name=v", ["2 B2 unit-needed"]),
    "a new name of no unit, and out of it": ("unit=-; new unit name=v", ["2 B2 unit-needed"]),
    "another visibility": ("unit=u; unit visibility=secret", ["2 H2 bad-value"]),
    "neither yes nor no": ("department=A; department enabled=ja", ["2 K2 bad-value"]),
    "a number that is neither": ("department=A; department show on registration=2", ["2 L2 bad-value"]),
    "a dash for no": ("department=A; department show on offline form=-", ["2 M2 bad-value"]),
    "no address": ("department=A; department email=sales", ["2 N2 bad-value"]),
    "nothing before the @": ("department=A; department email=@sales", ["2 N2 bad-value"]),
    "nothing behind the @": ("department=A; department email=sales@", ["2 N2 bad-value"]),
    "two addresses": ("department=A; department email=a@b, c@d", ["2 N2 bad-value"]),
    "a dash for no address": ("department=A; department email=-", ["2 N2 bad-value"]),
    "a new name of a dash": ("department=A; new department name=-", ["2 J2 bad-value"]),
    "a new name of dashes": ("unit=u; new unit name=–—", ["2 I2 bad-value"]),
    "a new name with a dash": ("unit=u; new unit name=- x -", []),
    "a monitor that is only an @": ("unit=u; unit monitor=@", ["2 G2 bad-value"]),
    "an error where a value should be": ("department=A; department email=#N/A", ["2 N2 excel-error"]),
    "an error as a monitor": ("unit=u; unit monitor=#REF!", ["2 G2 excel-error"]),
    "a department that moves, and its new unit's monitor": ("department=A; unit=u; unit monitor=m", []),
    "everything at once": (
        "count=x; action=move; unit visibility=none; department enabled=?",
        ["2 A2 missing-department", "2 B2 unit-needed", "2 C2 agent-needed", "2 D2 bad-number", "2 F2 bad-action", "2 H2 bad-value", "2 K2 bad-value"],
    ),
}  # fmt: skip

SENTENCES = {
    "unit=u; unit monitor=m; agent=x; department enabled=yes": "The row has a value in agent and department enabled, but does not say which department it is about. Fill in the department; if the row is about the unit only, clear them.",
    "unit=u": "The row does not say which department it is about. Fill in the department, or delete the row.",
    "department=A": "The row names neither a unit nor an agent, and no other column says what is to change, so there is nothing to do. Fill in what is to change, or delete the row.",
    "department=A; unit=u; action=add": "The row has an action, but no agent and no unit monitor. Fill in one of them, or clear the action.",
    "unit=u; unit monitor=m; count=1; order=2; action=add": "The row has a count and an order but no agent. Fill in the agent, or clear the count and order.",
    "unit monitor=m; new unit name=v": "The row has a value in unit monitor and new unit name, but does not say which unit it is about. Fill in the unit, or clear them.",
    "department=A; unit=-; unit monitor=m": "The row has a value in unit monitor, but its unit is - (no unit). Write the unit that this is about, or clear it; a department is taken out of its unit in a row of its own.",
    "unit=u; unit visibility=secret": '"secret" does not fit in unit visibility. Write public or private, or leave the cell blank (then it stays as it is).',
    "department=A; department enabled=ja": '"ja" does not fit in department enabled. Write yes or no (true or false, and 1 or 0, are read the same way), or leave the cell blank (then it stays as it is).',
    "department=A; department email=x": '"x" does not fit in department email. Write one address, with one @ and something on both sides of it, like sales@example.com, or leave the cell blank (then it stays as it is).',
    "department=A; new department name=--": '"--" is only dashes, which would look like no name. Write a name, or leave new department name blank (then it stays as it is).',
    "unit=u; unit monitor=@": "The unit monitor is only an @ without a name. Type the username, or clear the cell.",
}  # fmt: skip


class TestCodes:
    """Each thing that can be wrong with a row."""

    @pytest.mark.parametrize("case", CASES)
    def test_each_has_its_code_and_place(self, case: str, look: Look) -> None:
        """Every problem of a row is found, each with its cell and its code, and only rows without one ask for something."""
        text, expected = CASES[case]
        seen = look(sheet(row(text)))
        assert seen.problems == expected
        assert len(seen.checked.assignments) == (not expected)

    @pytest.mark.parametrize("text", SENTENCES)
    def test_each_says_what_to_do(self, text: str) -> None:
        """What is wrong with a row is said in words, with the values that a column takes and what to do about it."""
        (problem,) = check(parse(sheet(row(text)).encode(), "s.csv")).problems
        assert problem.message == SENTENCES[text]

    def test_a_sheet_of_the_first_columns_is_told_what_it_always_was(self) -> None:
        """Where none of the later columns is there, no sentence speaks of them."""
        checked = check(parse(sheet({"department": "A"}, {"unit": "u", "action": "add"}, columns=FIRST_COLUMNS).encode(), "s.csv"))
        assert [problem.message for problem in checked.problems] == [
            "The row names neither a unit nor an agent, so there is nothing to do. Fill in one of them, or delete the row.",
            "The row does not say which department it is about. Fill in the department, or delete the row.",
            "The row has an action but no agent. Fill in the agent, or clear the action.",
        ]

    def test_a_sheet_without_departments_says_what_its_rows_lack(self) -> None:
        """Where there is no column for it, nobody is told to fill in a department; a place in the file there is none."""
        data = sheet({"unit": "u"}, {"unit": "u", "agent": "x", "unit monitor": "m"}, columns=("unit", "agent", "unit monitor"))
        first, second = check(parse(data.encode(), "s.csv")).problems
        assert (first.code, first.column, first.cell, second.cell) == (Code.MISSING_DEPARTMENT, "department", "", "")
        assert first.message == (
            "As the sheet has no department column, a row needs a value in unit monitor, unit visibility or new unit name. "
            "Fill in one of them, or delete the row; to say something about departments, add the column."
        )
        assert second.message == (
            "The row has a value in agent, but the sheet has no department column. Add one and fill it in, or clear it."
        )

    def test_suspects_name_department_and_unit(self) -> None:
        """Each invalid row that names a department or a unit is told apart, so that both can be left alone."""
        checked = check(
            parse(
                sheet(row("department=A; unit=u; count=1"), row("unit=v"), row("count=1"), row("unit=w; unit monitor=m")).encode(), "s.csv"
            )
        )
        assert checked.suspects == ((2, "A", "u"), (3, "", "v"))


class TestValues:
    """What a valid row asks for."""

    def test_all_columns(self) -> None:
        """Every column comes as what it means, under the name that the server has for it."""
        text = (
            "department=A; unit=u; agent=@x; count=1; order=2; action=Remove; unit monitor=@m; unit visibility=PRIVATE; new unit name=U 2; "
            "new department name=A  2; department enabled=no; department show on registration=True; department show on offline form=1; "
            "department email=Sales@Example.com; department description=All of  it"
        )
        assert asked(text) == Assignment(
            row=2,
            department="A",
            unit="u",
            agent="@x",
            count=1,
            order=2,
            removes=True,
            monitor="@m",
            department_fields=(
                ("name", "A  2"),
                ("enabled", False),
                ("showOnRegistration", True),
                ("showOnOfflineForm", True),
                ("email", "Sales@Example.com"),
                ("description", "All of  it"),
            ),
            unit_fields=(("visibility", "private"), ("name", "U 2")),
        )

    @pytest.mark.parametrize("action", ["", "add", "remove"])
    def test_the_action_is_the_agents_where_there_is_one(self, action: str) -> None:
        """In a row with an agent the monitor is added; alone it is what the action is about."""
        assert not asked(f"department=A; unit=u; agent=x; unit monitor=m; action={action}").monitor_leaves
        assert asked(f"unit=u; unit monitor=m; action={action}").monitor_leaves == (action == "remove")

    def test_blank_cells_ask_for_nothing(self) -> None:
        """A blank cell leaves the thing as it is; other rows of the same columns have their values all the same."""
        data = sheet(row("department=A; department enabled=yes"), row("department=B; unit=u"), row("department=C; department email=a@b"))
        assert [wish.department_fields for wish in check(parse(data.encode(), "s.csv")).assignments] == [
            (("enabled", True),),
            (),
            (("email", "a@b"),),
        ]

    @pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\n\n"])
    def test_line_ends_within_a_description_are_kept(self, ends: str) -> None:
        """Line ends within stay as the file has them; those at the ends are blanks like others."""
        data = sheet({"department": "A", "department description": f"{ends}one{ends}two {ends}"})
        (wish,) = check(parse(data.encode(), "s.csv")).assignments
        assert wish.department_fields == (("description", f"one{ends}two"),)

    def test_a_dash_is_no_description(self) -> None:
        """A plain dash means that there is none; any other is a text, which is pointed out."""
        checked = check(
            parse(sheet(row("department=A; department description=-"), row("department=B; department description=–")).encode(), "s.csv")
        )
        assert [wish.department_fields for wish in checked.assignments] == [(("description", ""),), (("description", "–"),)]
        assert checked.warnings == (
            "The department description in row 3 is a long dash, which is taken as it is; type a plain - for no description.",
        )

    def test_a_dash_as_monitor_is_pointed_out(self) -> None:
        """Nobody takes all monitors out of a unit by a dash: what it is read as, and how it is done, is said."""
        (warning,) = check(parse(sheet(row("unit=u; unit monitor=-")).encode(), "s.csv")).warnings
        assert warning == (
            "The unit monitor in row 2 is a dash, which is read as a username. To take monitors out of a unit, "
            "give each a row with the action remove, or do it in Rocket.Chat (Omnichannel → Units)."
        )

    def test_a_long_number_as_a_name_is_pointed_out(self) -> None:
        """A new name that looks like a shortened number is one to look at, as any name is."""
        (warning,) = check(parse(sheet(row("department=A; new department name=1.23E+15")).encode(), "s.csv")).warnings
        assert warning.startswith("Row 2: a name like 1.23E+15")

    def test_a_part_of_the_assignments_has_its_values(self) -> None:
        """One of them, some of them, and all of them walked through are the same."""
        rows = [row(f"department=D{number}; department enabled={number % 2}; unit=u; unit monitor=m{number}") for number in range(25_000)]
        assignments = check(parse(sheet(*rows).encode(), "s.csv")).assignments
        assert assignments[24_999] == list(assignments)[24_999]
        assert assignments[24_999].department_fields == (("enabled", True),)
        assert assignments[9_999:10_001] == [assignments[9_999], assignments[10_000]]
        assert assignments[10_000].monitor == "m10000"


#: Cells of all kinds; short, so that rows meet.
CELLS: Mapping[str, Sequence[str]] = {
    "department": ["", "A", "B", "a", "A  x", "A x"],
    "unit": ["", "-", "u", "U", "v"],
    "agent": ["", "x", "@x", "X", "y", "@"],
    "count": ["", "1", "2", "many"],
    "order": ["", "1", "01", "-1"],
    "action": ["", "add", "Remove", "move"],
    "unit monitor": ["", "m", "@m", "M", "n", "@", "#N/A"],
    "unit visibility": ["", "public", "Public", "private", "secret"],
    "new unit name": ["", "V", "v", "-", "–", "#REF!"],
    "new department name": ["", "D", "d", "--"],
    "department enabled": ["", "yes", "TRUE", "0", "ja"],
    "department show on registration": ["", "1", "no"],
    "department show on offline form": ["", "false", "2"],
    "department email": ["", "a@b", "A@b", "a", "a@b@c"],
    "department description": ["", "-", "one", "one\ntwo", "One"],
}


def rows_of(columns: Sequence[str]) -> st.SearchStrategy[dict[str, str]]:
    """Rows that are mostly blank, but never throughout: those are passed over."""
    cells = {column: st.one_of(st.just(""), st.sampled_from(CELLS[column])) for column in columns}
    return st.fixed_dictionaries(cells).filter(lambda row: any(row.values()))


YES_AND_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def meaning(column: str, text: str) -> str | bool | None:
    """What a cell means, said again in another way; None for what the column does not take."""
    if "enabled" in column or "show" in column:
        return YES_AND_NO.get(text.lower())
    if column == "unit visibility":
        return {"public": "public", "private": "private"}.get(text.lower())
    if column == "department email":
        return text if len(text.split("@")) == 2 and all(text.split("@")) else None
    if column == "department description":
        return text.removeprefix("-") if len(text) == 1 else text
    return None if not text.strip("-–") else text


def codes_of(row: Cells) -> set[Code]:
    """What is wrong with a row by itself, by the words of the documentation."""
    said = {column for column, text in row.items() if text}
    about_unit = said & {"unit monitor", "unit visibility", "new unit name"}
    about_department = said & set(DEPARTMENT_COLUMNS)
    found = set()
    if "department" not in said and ("agent" in said or about_department or not about_unit):
        found.add(Code.MISSING_DEPARTMENT)
    if not said & {"unit", "agent"} | about_unit | about_department:
        found.add(Code.NOTHING_TO_DO)
    if row["count"] == "many" or row["order"] == "-1":
        found.add(Code.BAD_NUMBER)
    if row["action"] == "move":
        found.add(Code.BAD_ACTION)
    if ("agent" not in said and (said & {"count", "order"} or ("action" in said and "unit monitor" not in said))) or row["agent"] == "@":
        found.add(Code.AGENT_NEEDED)
    if about_unit and row["unit"] in ("", "-"):
        found.add(Code.UNIT_NEEDED)
    errors = {column for column in said if row[column].startswith("#")}
    values = (said & (set(DEPARTMENT_COLUMNS) | set(UNIT_COLUMNS))) - errors
    if any(meaning(column, row[column]) is None for column in values) or row["unit monitor"] == "@":
        found.add(Code.BAD_VALUE)
    if errors:
        found.add(Code.EXCEL_ERROR)
    return found


def test_equal_texts_are_one() -> None:
    """Rows that name the same department, unit or agent hold the same text, however many they are: a name takes room once."""
    rows = "".join(f"Sales {number % 3},EMEA,agent {number % 7}\n" for number in range(25_000))
    found = list(check(parse(f"department,unit,agent\n{rows}".encode(), "reorg.csv")).assignments)
    for texts in ([row.department for row in found], [row.unit for row in found], [row.agent for row in found]):
        assert len(texts) == 25_000
        assert len(set(map(id, texts))) == len(set(texts))


class TestLaws:
    """Over any rows of all columns."""

    @given(st.lists(rows_of(SHEET_COLUMNS), min_size=1, max_size=6))
    @settings(max_examples=100, deadline=None)
    def test_each_row_has_exactly_the_codes_of_the_documentation(self, rows: list[dict[str, str]]) -> None:
        """A row has the codes that the documentation gives it, whatever stands beside it; the others have just what their cells mean."""
        checked = check(parse(sheet(*rows).encode(), "s.csv"))
        found: dict[int, set[Code]] = {number: set() for number in range(2, len(rows) + 2)}
        for problem in checked.problems:
            found[problem.row].add(problem.code)
        assert found == {number: codes_of(row) for number, row in enumerate(rows, start=2)}
        wishes = {wish.row: wish for wish in checked.assignments}
        assert wishes.keys() == {number for number, codes in found.items() if not codes}
        for number, wish in wishes.items():
            cells = rows[number - 2]
            assert (wish.department, wish.unit, wish.agent, wish.monitor) == tuple(
                cells[name] for name in ("department", "unit", "agent", "unit monitor")
            )
            assert wish.removes == (cells["action"] == "Remove")
            for fields, columns in ((wish.department_fields, DEPARTMENT_COLUMNS), (wish.unit_fields, UNIT_COLUMNS)):
                assert list(fields) == [(field, meaning(column, cells[column])) for column, field in columns.items() if cells[column]]

    @given(st.lists(rows_of(FIRST_COLUMNS), min_size=1, max_size=8))
    @settings(max_examples=60, deadline=None)
    def test_blank_columns_change_nothing(self, rows: list[dict[str, str]]) -> None:
        """A sheet of the first six columns means the same, and has the same problems, when it gains the others and leaves them blank."""
        narrow, wide = (
            with_contradictions(check(parse(sheet(*rows, columns=columns).encode(), "s.csv"))) for columns in (FIRST_COLUMNS, SHEET_COLUMNS)
        )
        assert list(narrow.assignments) == list(wide.assignments)
        assert narrow.suspects == wide.suspects
        assert [(each.row, each.cell, each.code) for each in narrow.problems] == [
            (each.row, each.cell, each.code) for each in wide.problems
        ]
