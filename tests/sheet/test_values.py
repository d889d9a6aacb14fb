"""What the columns about departments and units take."""

import pytest

from bulkjob.records.sheet import DEPARTMENT_COLUMNS, UNIT_COLUMNS
from bulkjob.sheet import value_of

YES_OR_NO = [column for column, field in DEPARTMENT_COLUMNS.items() if field in ("enabled", "showOnRegistration", "showOnOfflineForm")]


@pytest.mark.parametrize("column", YES_OR_NO)
def test_yes_and_no(column: str) -> None:
    """Yes, true and 1 are one thing, no, false and 0 the other, in any case; nothing else is either."""
    assert {value_of(column, text) for text in ("yes", "Yes", "true", "TRUE", "1")} == {True}
    assert {value_of(column, text) for text in ("no", "NO", "false", "False", "0")} == {False}
    assert {value_of(column, text) for text in ("y", "on", "ja", "2", "1.0", "01", "-", "yes no", "ｙｅｓ")} == {None}


def test_visibility() -> None:
    """Public and private in any case, as the server writes them."""
    said = [value_of("unit visibility", text) for text in ("public", "Public", "PRIVATE", "secret", "-", "public ")]
    assert said == ["public", "public", "private", None, None, None]


@pytest.mark.parametrize("text", ["a@b", "Sales@Example.com", "a b@c", "ä@ö"])
def test_addresses(text: str) -> None:
    """One @ with something on both sides is an address, as it stands."""
    assert value_of("department email", text) == text


@pytest.mark.parametrize("text", ["a", "@", "a@", "@b", "a@b@c", "a@@b", "a@b,c@d", "-"])
def test_no_addresses(text: str) -> None:
    """Anything else is none."""
    assert value_of("department email", text) is None


@pytest.mark.parametrize("column", ["new unit name", "new department name"])
def test_new_names(column: str) -> None:
    """A name is any text but dashes alone, to the letter."""
    assert [value_of(column, text) for text in ("Sales", "a  b", "- a", "007")] == ["Sales", "a  b", "- a", "007"]
    assert {value_of(column, text) for text in ("-", "--", "–", "—", "- –")} == {None}


def test_descriptions() -> None:
    """A plain dash is none; everything else is what it is."""
    assert [value_of("department description", text) for text in ("-", "--", "–", "a\nb", "no")] == ["", "--", "–", "a\nb", "no"]


def test_every_column_has_a_meaning() -> None:
    """There is no column about a department or a unit of which nobody knows what it takes."""
    for column in (*DEPARTMENT_COLUMNS, *UNIT_COLUMNS):
        assert value_of(column, "public" if "visibility" in column else "1" if column in YES_OR_NO else "a@b") is not None
