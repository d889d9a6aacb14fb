"""Rows that contradict each other by what is written."""

# ruff: noqa: E501  # tables read best with a case on a line

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.records.sheet import DEPARTMENT_COLUMNS, UNIT_COLUMNS
from bulkjob.sheet import caseless, check, conflicting_monitor, conflicting_value, parse, with_contradictions
from bulkjob.vocabulary import SHEET_COLUMNS, Code
from tests.sheet.test_checks import meaning, row, rows_of, sheet

Look = Callable[..., Any]

CASES = {
    "a monitor added and removed": (["unit=u; unit monitor=m", "unit=U; unit monitor=@M; action=remove"], ["2 G2 conflicting-monitor", "3 G3 conflicting-monitor"]),
    "a monitor added in a row whose agent leaves": (["department=A; unit=u; agent=x; unit monitor=m; action=remove", "unit=u; unit monitor=m"], []),
    "a monitor removed, and added where an agent leaves": (["department=A; unit=u; agent=x; unit monitor=m; action=remove", "unit=u; unit monitor=m; action=remove"], ["2 G2 conflicting-monitor", "3 G3 conflicting-monitor"]),
    "a monitor of another unit": (["unit=u; unit monitor=m", "unit=v; unit monitor=m; action=remove"], []),
    "another monitor": (["unit=u; unit monitor=m", "unit=u; unit monitor=n; action=remove"], []),
    "an action that nobody knows": (["unit=u; unit monitor=m", "unit=u; unit monitor=m; action=move"], ["3 F3 bad-action"]),
    "two new names": (["department=A; new department name=X", "department=A; new department name=x"], ["2 J2 conflicting-value", "3 J3 conflicting-value"]),
    "new names that differ in blanks": (["department=A; new department name=X y", "department=A; new department name=X  y"], ["2 J2 conflicting-value", "3 J3 conflicting-value"]),
    "one department in two spellings": (["department=A  b; department email=a@b", "department=a B; department email=b@b"], ["2 N2 conflicting-value", "3 N3 conflicting-value"]),
    "values that mean the same": (["department=A; department enabled=yes", "department=A; department enabled=TRUE", "department=A; department enabled=1"], []),
    "visibilities in another case": (["unit=u; unit visibility=Public", "unit=u; unit visibility=public"], []),
    "two visibilities": (["unit=u; unit visibility=public", "unit=u; unit visibility=private", "unit=u; unit monitor=m"], ["2 H2 conflicting-value", "3 H3 conflicting-value"]),
    "two new names of a unit": (["department=A; unit=u; new unit name=X", "unit=u; new unit name=Y"], ["2 I2 conflicting-value", "3 I3 conflicting-value"]),
    "a blank agrees with any": (["department=A; department email=a@b", "department=A; unit=u"], []),
    "a value that is none": (["department=A; department email=a@b", "department=A; department email=b"], ["3 N3 bad-value"]),
    "a description and none": (["department=A; department description=-", "department=A; department description=x"], ["2 O2 conflicting-value", "3 O3 conflicting-value"]),
    "the same for another": (["department=A; department enabled=yes", "department=B; department enabled=no"], []),
    "departments in another case": (["department=A; unit=u", "department=a; unit=v"], ["2 B2 conflicting-unit", "3 B3 conflicting-unit"]),
    "agents in another case": (["department=A; agent=x; count=1", "department=a; agent=@X; count=2"], ["2 D2 conflicting-agent", "3 D3 conflicting-agent"]),
    "identical rows": (["department=A; unit=u; unit monitor=m; department enabled=no"] * 2, []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_contradicts(case: str, look: Look) -> None:
    """Rows that ask for two things of one are told so, all of them; names that differ only in case or blanks are one, values are not."""
    rows, expected = CASES[case]
    assert look(sheet(*map(row, rows))).problems == expected


def test_sentences() -> None:
    """Each says of what, in which rows, what they ask for, and what to do."""
    data = sheet(
        row("department=A; department enabled=no; unit=u; unit monitor=@m"),
        row("department=A; department enabled=TRUE"),
        row("unit=u; unit monitor=m; action=remove"),
    )
    checked = with_contradictions(check(parse(data.encode(), "s.csv")))
    assert {problem.code: problem.message for problem in checked.problems} == {
        Code.CONFLICTING_VALUE: 'Rows 2 and 3 ask for different values of department enabled for department "A": no, yes. Keep one of them in all these rows.',
        Code.CONFLICTING_MONITOR: 'Rows 2 and 4 both add and remove "@m" as a monitor of unit "u" (in a row with an agent, the action is about the agent, and the monitor is added). Keep one of these rows, or make them agree.',
    }


def test_values_that_look_the_same_are_said_to_differ() -> None:
    """Texts are compared to the letter: where the sentence cannot show the difference, it says so; many values are counted."""
    said = conflicting_value('department "A"', "department description", ["a  b", "a\nb"], [2, 3])
    assert said == (
        'Rows 2 and 3 ask for different values of department description for department "A": "a b", "a b" '
        "(which differ in blanks, in line ends, or further on than is shown here). Keep one of them in all these rows."
    )
    assert ': "0", "1", "2", "3", "4" and 3 more. ' in conflicting_value("x", "y", [str(number) for number in range(8)], range(2, 10))
    assert ": - (none), yes. " in conflicting_value("x", "y", ["", True], [2, 3])


def test_names_come_as_they_are_given() -> None:
    """Whoever knows ids names things by them."""
    assert '@m (u-m) as a monitor of unit "u" (unit-u) ' in conflicting_monitor("@m (u-m)", '"u" (unit-u)', [2, 5])


Row = dict[str, str]


def name_of(cell: str) -> str:
    return caseless(cell.removeprefix("@"))


def contradictory(one: Row, other: Row) -> set[tuple[Code, str]]:
    """In which columns, and by which code, two rows contradict each other, by the words of the documentation."""
    found = set()
    if one["department"] and name_of(one["department"]) == name_of(other["department"]):
        if one["unit"] and other["unit"] and name_of(one["unit"]) != name_of(other["unit"]):
            found.add((Code.CONFLICTING_UNIT, "unit"))
        found |= differing(one, other, DEPARTMENT_COLUMNS)
        if one["agent"].strip("@") and name_of(one["agent"]) == name_of(other["agent"]):
            numbers = {column: {int(each[column]) for each in (one, other) if each[column].isdigit()} for column in ("count", "order")}
            found |= {(Code.CONFLICTING_AGENT, column) for column, given in numbers.items() if len(given) > 1}
            actions = {each["action"].lower() or "add" for each in (one, other)}
            if actions == {"add", "remove"}:
                found.add((Code.CONFLICTING_AGENT, "action"))
    if one["unit"].strip("-") and name_of(one["unit"]) == name_of(other["unit"]):
        found |= differing(one, other, UNIT_COLUMNS)
        monitor = one["unit monitor"].strip("@")
        if monitor and not monitor.startswith("#") and name_of(one["unit monitor"]) == name_of(other["unit monitor"]):
            actions = {"add" if each["agent"] else each["action"].lower() or "add" for each in (one, other)}
            if actions == {"add", "remove"}:
                found.add((Code.CONFLICTING_MONITOR, "unit monitor"))
    return found


def differing(one: Row, other: Row, columns: Iterable[str]) -> set[tuple[Code, str]]:
    """The columns in which both have a value that they take, and not the same."""
    return {
        (Code.CONFLICTING_VALUE, column)
        for column in columns
        if None
        not in (both := [meaning(column, each[column]) if each[column] and each[column][0] != "#" else None for each in (one, other)])
        and both[0] != both[1]
    }


@given(st.lists(rows_of(SHEET_COLUMNS), min_size=2, max_size=7))
@settings(max_examples=150, deadline=None)
def test_the_contradictions_are_those_of_any_two_rows(rows: list[Row]) -> None:
    """A law: a row has a contradiction in a column exactly where some other row contradicts it there."""
    checked = with_contradictions(check(parse(sheet(*rows).encode(), "s.csv")))
    codes = {Code.CONFLICTING_UNIT, Code.CONFLICTING_AGENT, Code.CONFLICTING_MONITOR, Code.CONFLICTING_VALUE}
    found = {(problem.row, problem.code, problem.column) for problem in checked.problems if problem.code in codes}
    expected = {
        (number, code, column)
        for (first, one), (second, other) in combinations(enumerate(rows, start=2), 2)
        for code, column in contradictory(one, other)
        for number in (first, second)
    }
    assert found == expected
    assert {wish.row for wish in checked.assignments} == {*range(2, len(rows) + 2)} - {problem.row for problem in checked.problems}
