"""Laws of names, headers, column letters and of the apostrophe that guards formulas."""

from collections.abc import Callable

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.sheet import caseless, comparable, guard, only_dashes, take_off_guard
from bulkjob.sheet.columns import caseless_column, comparable_column, stripped_column, take_off_guard_column
from bulkjob.sheet.text import column_index, column_letter, column_meant, header_key, one_letter_off, stripped, words_of
from bulkjob.vocabulary import SHEET_COLUMNS

NAMES = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" \t\u00a0\u200b\u2003ae\u0301é'=-")), max_size=12)
FORMULAS = st.text(st.sampled_from("'=+-@\t\r\nab"), max_size=6)


@given(st.one_of(NAMES, FORMULAS))
def test_the_guard_comes_off_as_it_went_on(text: str) -> None:
    """What a report guards, the reader of sheets takes off again, whatever the text."""
    assert take_off_guard(guard(text)) == text


@given(st.one_of(NAMES, FORMULAS))
def test_no_guarded_text_starts_a_formula(text: str) -> None:
    """No cell of a report begins with a sign that starts a formula, but for the lone dash."""
    assert text == "-" or not guard(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("text", "guarded"),
    [("-", "-"), ("--", "'--"), ("=1", "'=1"), ("'=1", "''=1"), ("''@x", "'''@x"), ("'x", "'x"), ("", ""), ("a=b", "a=b"), ("'-", "''-")],
)
def test_guarded_texts(text: str, guarded: str) -> None:
    """The apostrophe stands exactly where the report's rule says."""
    assert guard(text) == guarded


@given(st.lists(st.one_of(NAMES, FORMULAS)))
def test_columns_are_treated_as_their_texts(texts: list[str]) -> None:
    """What is done to a whole column is what is done to each of its texts."""
    column = pa.chunked_array([texts], pa.string())
    assert take_off_guard_column(column).to_pylist() == list(map(take_off_guard, texts))
    assert stripped_column(column).to_pylist() == list(map(stripped, texts))
    assert comparable_column(pa.array(texts, pa.large_string())).to_pylist() == list(map(comparable, texts))
    assert caseless_column(pa.array(texts, pa.large_string())).to_pylist() == list(map(caseless, texts))


@given(NAMES)
def test_comparable_is_settled_at_once(text: str) -> None:
    """A comparable name compares as itself."""
    assert comparable(comparable(text)) == comparable(text)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (" Sales\u00a0", "Sales"),
        ("\u200b\ufeffSales\u2060", "Sales"),
        ("North \t\u00a0 West", "North West"),
        ("Ve\u0301lo", "V\u00e9lo"),
        ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
    ],
)
def test_names_that_compare_as_equal(left: str, right: str) -> None:
    """Names that people cannot tell apart compare as equal."""
    assert comparable(left) == comparable(right)


@pytest.mark.parametrize(("left", "right"), [("Sales", "sales"), ("A B", "AB"), ("1", "01"), ("ß", "ss"), ("\u212b1", "A1"), ("ﬁ", "fi")])
def test_names_that_do_not(left: str, right: str) -> None:
    """Names that differ in case, digits or letters stay apart."""
    assert comparable(left) != comparable(right)


@pytest.mark.parametrize("header", ["HTTP status", "http-status", " http_STATUS\u00a0", "H t t p s t a t u s"])
def test_headers_compare_without_dress(header: str) -> None:
    """Case, blanks, underscores and hyphens do not matter in headers."""
    assert header_key(header) == header_key("http_status")


@given(st.integers(0, 20_000))
def test_column_letters_and_numbers_are_inverse(index: int) -> None:
    """Each column has its own letters."""
    assert column_index(column_letter(index)) == index


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")])
def test_column_letters(index: int, letters: str) -> None:
    """Columns are lettered as spreadsheet programs letter them."""
    assert column_letter(index) == letters


@pytest.mark.parametrize("column", SHEET_COLUMNS)
@pytest.mark.parametrize("spelt", [str, str.upper, lambda column: f" {column.replace(' ', '_')}-"], ids=["as it is", "capitals", "joined"])
def test_every_column_is_meant_by_its_header(column: str, spelt: Callable[[str], str]) -> None:
    """A column's own header stands for it, whatever its case, blanks and hyphens: one of several words, too."""
    assert column_meant(spelt(column)) == column


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("agnet", "agent"),
        ("agen", "agent"),
        ("agents", "agent"),
        ("aagent", "agent"),
        ("orden", "order"),
        ("agent", None),
        ("nit", "unit"),
        ("x", None),
        ("", None),
    ],
)
def test_one_letter_off(header: str, column: str | None) -> None:
    """A letter added, missing, wrong or two swapped: that much and no more is a letter off."""
    assert one_letter_off(header) == column


@given(NAMES)
def test_a_name_is_one_in_any_case(text: str) -> None:
    """Names that compare as equal, or differ only in case, are one."""
    assert caseless(text) == caseless(comparable(text)) == caseless(text.casefold()) == caseless(caseless(text))


@pytest.mark.parametrize(("left", "right"), [("Sales", "sALES"), ("GROẞ", "gross"), ("Ve\u0301lo", "VÉLO"), (" A  b", "a\u00a0B")])
def test_names_that_differ_only_in_case_or_blanks(left: str, right: str) -> None:
    """Case counts for as little as in the server's names."""
    assert caseless(left) == caseless(right)


@pytest.mark.parametrize("text", ["-", "--", "–", "—-", "−", "\u00ad", "- -", " \u2011 ", "\uff0d"])
def test_only_dashes(text: str) -> None:
    """Dashes of every kind, blanks between and around them, are only dashes."""
    assert only_dashes(text)


@pytest.mark.parametrize("text", ["", " ", "-a", "_", "~", "- 1 -", "."])
def test_more_than_dashes(text: str) -> None:
    """One letter more, or none at all, is something else."""
    assert not only_dashes(text)


def test_very_long_headers_are_not_looked_through() -> None:
    """Thousands of headers as long as cells may be cost no more than a look at the beginning of each."""
    long = "agent unit " * 90_000
    assert words_of(long) == {"agent", "unit"}
    assert words_of("a " * 90_000 + "unit") == {"a"}
    assert header_key(long) is long
    assert column_meant(f"department{' ' * 900}") == "department"
