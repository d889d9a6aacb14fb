"""Numbers of workbooks as people saw them."""

# ruff: noqa: E501  # tables read best with a case on a line

import time

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.sheet.formats.numbers import are_errors, is_date_format, iso_date, iso_text, plain, shown

SHOWN = [
    (7, "000", "007"),
    (7, "0", "7"),
    (7.5, "0", "8"),
    (1234.5, "#,##0.00", "1,234.50"),
    (1234567, "#,##0", "1,234,567"),
    (0, "#,##0", "0"),
    (0, "#", ""),
    (0.5, "#.##", ".5"),
    (3.1, "0.0##", "3.1"),
    (12.5, ".00", "12.50"),
    (0.5, ".0", ".5"),
    (-7, ".##", "-7."),
    (0.5, ".0%", "50.0%"),
    (-5, "0", "-5"),
    (-5, "0;(0)", "(5)"),
    (0, "0;-0;nil", "nil"),
    (0.256, "0%", "26%"),
    (1500000, "0.0,,", "1.5"),
    (1234567890, "000-000-0000", "123-456-7890"),
    (42, '"EMP-"0000', "EMP-0042"),
    (42, "\\#0", "#42"),
    (42, "[Red]0", "42"),
    (42, "[$€-407] 0.00", "€ 42.00"),
    (42, '0.00" h"', "42.00 h"),
    (42, "0_)", "42"),
    (42, "General", "42"),
    (42, '"No. "General', "No. 42"),
    (0, "0;-0;;@", ""),
    (7, ";;;", ""),
    (7, ";-0", ""),
    (-7, ";-0", "-7"),
    (0, ';;"none"', "none"),
    (12300, "0.0E+00", "1.2E+04"),
    (0, "0.00E+00", "0.00E+00"),
    (12.5, "0.0E+0", "1.3E+1"),
    (12345, "##0.0E+0", "12.3E+3"),
    (0.0005, "##0.0E+0", "500.0E-6"),
    (999_960, "##0.0E+0", "1.0E+6"),
    (0.25, "# ?/?", "0.25"),
    (5, "[>3]0;00", "5"),
    (5, "@", "5"),
    (5, "", "5"),
    (5, '"', "5"),
]


@pytest.mark.parametrize(("value", "code", "text"), SHOWN)
def test_a_number_in_a_format(value: float, code: str, text: str) -> None:
    """A number comes as its cell's format shows it, or without a format where that is beyond us."""
    assert shown(value, code)[0] == text


@given(st.floats(allow_nan=True, allow_infinity=True), st.text(st.sampled_from('0#?.,%E+-;"\\[]$_*@ /geneRaldmy€'), max_size=14))
def test_no_format_is_too_odd(value: float, code: str) -> None:
    """Whatever the format and the number, there is a text to show."""
    text, lost = shown(value, code)
    assert isinstance(text, str)
    assert isinstance(lost, bool)
    assert isinstance(is_date_format(code), bool)


def test_a_long_run_of_digits_is_looked_through_once() -> None:
    """What a format of many digits shows is not searched for an exponent from each of them."""
    started = time.process_time()
    for _ in range(20):
        assert shown(7.0, "0" * 20_000) == ("7".zfill(20_000), False)
    assert time.process_time() - started < 10
    assert shown(123.0, '0.0E+0"a12"') == ("1.2E+2a12", True)


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_whole_numbers_come_back_digit_by_digit(number: int) -> None:
    """A whole number of up to fifteen digits is shown in full."""
    assert plain(float(number)) == str(number)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1001.0, "1001"), (0.1 + 0.2, "0.3"), (1e15, "1000000000000000"), (1e21, "1E+21"), (1e-7, "0.0000001"), (1e-12, "1E-12"), (-0.0, "0")],
)
def test_plain_numbers(value: float, text: str) -> None:
    """A number without a format has at most fifteen digits, and no exponent unless it is huge or tiny."""
    assert plain(value) == text


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("yyyy-mm-dd", True), ("d/m/yy", True), ("[h]:mm", True), ("hh:mm", True), ("mmm", True), ("[$-407]d. mmmm yyyy", True),
        ("0.00", False), ("General", False), ('0 "days"', False), ("[Red]0", False), ("0\\d", False), ("@", False), ("", False), ('"My"0', False),
    ],
)  # fmt: skip
def test_date_formats(code: str, expected: bool) -> None:  # noqa: FBT001  # a column of the table
    """Formats that show a date, a time or a duration are told from those that only have such letters in their text."""
    assert is_date_format(code) is expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1900-01-01"),
        (59, "1900-02-28"),
        (61, "1900-03-01"),
        (46054, "2026-02-01"),
        (0.5, "12:00:00"),
        (46054.75, "2026-02-01T18:00:00"),
        (-1, "-1"),
    ],
)
def test_serial_numbers_are_dates(value: float, text: str) -> None:
    """A date's number is the day that the spreadsheet shows, also before March 1900."""
    assert iso_date(value, from_1904=False) == text


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("2009-01-01T10:59:59.9999999999984025", "2009-01-01T11:00:00"),
        ("2009-01-01T10:59:59.4", "2009-01-01T10:59:59"),
        ("2009-12-31T23:59:59.7", "2010-01-01"),
        ("2009-01-01", "2009-01-01"),
        ("2009-01-01T00:00:00", "2009-01-01"),
        ("2009-01-01T11:00:00Z", "2009-01-01T11:00:00"),
        ("9999-12-31T23:59:59.9", "9999-12-31T23:59:59.9"),
        ("12009-01-01", "12009-01-01"),
        ("tomorrow", "tomorrow"),
    ],
)
def test_a_written_moment_is_shown_to_whole_seconds(text: str, shown_as: str) -> None:
    """A moment that a workbook writes out is shown as one that it counts; what is none stays as it is."""
    assert iso_text(text) == shown_as


@pytest.mark.parametrize("value", [2_958_465.9999999999, 2_958_465.5, 1e308, float("inf"), float("nan"), -1.0])
@pytest.mark.parametrize("from_1904", [False, True])
def test_a_moment_beyond_the_calendar_is_a_number(value: float, from_1904: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """No number is too large to be shown where a date was meant."""
    assert iso_date(value, from_1904=from_1904)


ERRORS = """
    #N/A #REF! #VALUE! #DIV/0! #NAME? #NULL! #NUM! #SPILL! #GETTING_DATA #NV #BEZUG! #WERT! #ZAHL! #NUL! #VALEUR! #NOM? #NOMBRE!
    #¡NULO! #¡DIV/0! #¡VALOR! #¡REF! #¿NOMBRE? #¡NUM! #N/D #NULLO! #VALORE! #RIF! #NOME? #NÚM! #LEEG! #DEEL/0! #WAARDE! #VERW! #NAAM?
    #GETAL! #N/B #I/T #VÆRDI! #SKÄRNING! #VÄRDEFEL! #SAKNAS! #PUUTTUU! #ADR! #N/D! #DĚLENÍ_NULOU! #NENÍ_K_DISPOZICI #HIÁNYZIK #NÉV?
    #Н/Д #ЗНАЧ! #ССЫЛКА! #ИМЯ? #ДЕЛ/0! #YOK #BAŞV! #SAYI/0! #Δ/Υ #ΤΙΜΗ! Err:502 Erro:502 Ошибка:502 ### ########
"""
NAMES = "#1 #1! #Sales #sales! #SALES #A/B #IT ## # #! #? C# #Ok! N/A NA #N/A/x x#N/A Err:7 Room:502 #HR-Team!"


def test_errors_are_known_in_every_language() -> None:
    """What a cell with an error shows is known whatever the language of the program; a name with a ``#`` stays a name."""
    errors = [*ERRORS.split(), "#NU\u0301M!", "#DELENIE NULOU!", "Err\u00a0:508"]
    assert [text for text, error in zip(errors, are_errors(pa.array(errors)).to_pylist(), strict=True) if not error] == []
    assert [text for text, error in zip(NAMES.split(), are_errors(pa.array(NAMES.split())).to_pylist(), strict=True) if error] == []
