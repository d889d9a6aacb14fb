"""Which rows have to stay together because one renames what the other names."""

from collections.abc import Mapping

import pytest

from bulkjob.plan.renamers import renaming_rows
from bulkjob.plan.state import RunState
from bulkjob.records.meanings import Meanings
from bulkjob.sheet import check, parse


def renamers(text: str, column: str = "department", known: Mapping[str, str] | None = None) -> dict[int, set[int]]:
    sheet = check(parse(text.encode(), "s.csv")).sheet
    return {row: set(rows) for row, rows in renaming_rows(sheet, column, known or {}).items()}


HEAD = "department;new department name\n"


def test_by_the_sheets_words() -> None:
    """Where nobody knows what texts mean, rows belong to the renaming that gives or takes the name that they use, in any case."""
    text = f"{HEAD}Sales;Vertrieb\nSALES;\n vertrieb\u00a0;\nSupport;\n;\n"
    assert renamers(text) == {2: {2}, 3: {2}, 4: {2}}


def test_by_ids() -> None:
    """Where that is known, rows belong to it that use the old name, the new one or the id, and no others that only look like it."""
    known = {"Sales": "d1", "sales": "d2", "Vertrieb": "d1"}
    text = f"{HEAD}Sales;Vertrieb\nd1;\nVertrieb;\nsales;\nvertrieb;\n"
    assert renamers(text, known=known) == {2: {2}, 3: {2}, 4: {2}}


def test_known_in_part() -> None:
    """A text that nobody knows the meaning of goes by its words beside those that are known."""
    assert renamers(f"{HEAD}Sales;Vertrieb\nvertrieb;\nd1;\n", known={"Sales": "d1"}) == {2: {2}, 3: {2}, 4: {2}}


def test_several() -> None:
    """Every row that renames a thing belongs to each that names it; a chain of names holds together by its texts."""
    assert renamers(f"{HEAD}Sales;Vertrieb\nd1;Vertrieb\nSales;\n", known={"Sales": "d1"}) == {2: {2, 3}, 3: {2, 3}, 4: {2, 3}}
    assert renamers(f"{HEAD}A;B\nB;C\nC;\n") == {2: {2}, 3: {2, 3}, 4: {3}}


@pytest.mark.parametrize("text", [f"{HEAD}Sales;\nSales;\n", "department;unit\nSales;-\n", "unit;unit visibility\nEMEA;public\n"])
def test_nothing_is_renamed(text: str) -> None:
    """Without a new name no rows belong together, nor in a sheet without such a column."""
    assert renamers(text) == {}


def test_of_a_run() -> None:
    """A run knows both, departments and units, by what it found out; a row that names two renamed things has the rows of both."""
    text = "department;unit;new department name;new unit name\nSales;;Vertrieb;\nSupport;EMEA;;Europe\nd1;u1;;\nSupport;;Help;\n"
    state = RunState(checked=check(parse(text.encode(), "s.csv")))
    state.meanings = Meanings(departments={"Sales": "d1", "Support": "d2"}, units={"EMEA": "u1"})
    assert {row: set(rows) for row, rows in state.renamers.items()} == {2: {2}, 3: {3, 5}, 4: {2, 3}, 5: {5}}
    # In an attempt that ends early, what the one before has kept.
    state.kept, state.meanings = state.meanings, Meanings()
    assert state.renamers[4] == {2, 3}
    assert RunState(checked=state.checked).renamers[3] == {3, 5}
