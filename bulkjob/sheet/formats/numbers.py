"""Numbers, dates and errors of workbooks as people saw them."""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet.formats.bounds import LONGEST_FORMAT

#: Cells that show one of these hold an error; the names of errors are translated, and most of them match `_ERROR_NAME`, too.
ERROR_TEXTS: Final = pa.array(
    [
        *("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#BUSY!"),
        *("#CONNECT!", "#UNKNOWN!", "#EXTERNAL!", "#PYTHON!", "#GETTING_DATA", "#ERROR!"),
        *("#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#ÜBERLAUF!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#¡REF!", "#¡VALOR!", "#¿NOMBRE?"),
        # "Not available" has no mark at its end in most languages.
        *("#N/B", "#N/D", "#N/V", "#I/T", "#Н/Д", "#Δ/Υ", "#YOK", "#SAKNAS", "#PUUTTUU", "#HIÁNYZIK", "#NEDOSTUPNÝ", "#NENÍ_K_DISPOZICI"),
        "#DELENIE NULOU!",
        *(f"Err:{number}" for number in range(501, 541)),
    ],
    pa.large_string(),
)
#: The name of an error in whatever language: capital letters behind a ``#``, and a mark at the end. ``#Sales`` and ``#1`` are none.
_ERROR_NAME: Final = r"\A#[¡¿]?\p{Lu}[\p{Lu}\p{M}0-9/_]*[!?]\z"
#: What LibreOffice shows with the number of an error that has no name.
_ERROR_NUMBER: Final = (
    r"\A(?:Err|Erro|Błąd|Chyba|Fehler|Feil|Fejl|Fel|Hata|Hiba|Virhe|Ошибка|Помилка|Грешка|错误|錯誤|エラー|오류)"
    r"[ \x{a0}\x{202f}]?:5[0-4][0-9]\z"
)
#: What shows where a column is too narrow for its number or date.
_TOO_NARROW: Final = r"\A#{3,}\z"

#: Excel keeps 15 digits of a number: a whole number from here on has lost some, or may have.
_LOST_DIGITS_FROM: Final = 10**15
_WRITTEN_OUT_BELOW: Final = 10**21
#: The stored text of a number that is what a cell without a format shows, too, and keeps all its digits.
PLAIN_WHOLE: Final = r"\A(?:-?[1-9][0-9]{0,14}|0)\z"


_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*", re.ASCII)


def number_of(text: str) -> float | None:
    """The number that a workbook has written so; None for what is none to it, as ``nan`` and ``1_0``."""
    return float(text) if _NUMBER.fullmatch(text) else None


def are_errors(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Which of the texts are what a cell with an error shows, whatever the language of the program that wrote it."""
    mask = pc.is_in(texts, ERROR_TEXTS)
    for pattern in (_ERROR_NAME, _ERROR_NUMBER, _TOO_NARROW):
        mask = pc.or_(mask, pc.match_substring_regex(texts, pattern))
    return mask


def plain(value: float) -> str:
    """The number as a wide cell without a format shows it: at most 15 digits, no ``.0``, no exponent unless huge or tiny."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < _LOST_DIGITS_FROM:
        return str(int(value))
    digits = Decimal(f"{value:.15g}")
    if Decimal("1e-9") <= abs(digits) < _WRITTEN_OUT_BELOW:
        return f"{digits:f}"
    return f"{value:.15G}"


def lost_digits(value: float) -> bool:
    """Whether the number is too long for a spreadsheet program to keep all its digits."""
    return abs(value) >= _LOST_DIGITS_FROM


# Formats

#: A run of digits is looked through once, from its first one.
_WITH_EXPONENT = re.compile(r"(?<![0-9])[0-9]++(?:\.[0-9]*+)?E[+-]?[0-9]+")
_LITERALS = re.compile(r'"([^"]*)"|\\(.)|[_*](.)|\[\$([^\]-]*)(?:-[^\]]*)?\]|\[[^\]]*\]', re.DOTALL)
_DATE_IDS: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
#: The formats that files name by number only; the others are dates, or depend on the language.
_BUILT_IN: Final = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    37: "#,##0 ;(#,##0)",
    38: "#,##0 ;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)",
    48: "##0.0E+0",
}


def format_code(number_format_id: int, custom: dict[int, str]) -> str:
    """The format's code; ``date`` for a date format that the file names by number only, blank for none."""
    if number_format_id in custom:
        return usable_format(custom[number_format_id])
    return "yyyy" if number_format_id in _DATE_IDS else _BUILT_IN.get(number_format_id, "")


def usable_format(code: str) -> str:
    """The format; blank for one that is longer than any program lets people write, as it would take long to look through."""
    return code if len(code) <= LONGEST_FORMAT else ""


@lru_cache(maxsize=4096)
def is_date_format(code: str) -> bool:
    """Whether cells of this format show a date, a time or a duration."""
    if re.search(r"\[(h+|m+|s+)\]", code, re.IGNORECASE):
        return True
    bare = _LITERALS.sub("", code.split(";", maxsplit=1)[0])
    return re.search(r"general|standard|@", bare, re.IGNORECASE) is None and re.search(r"[dmyhsDMYHS]", bare) is not None


def iso_date(value: float, *, from_1904: bool) -> str:
    """The date, time or moment that the serial number means, in ISO 8601; a number that is none comes back as a number."""
    if not 0 <= value < 2_958_466:  # 31 December 9999
        return plain(value)
    seconds = round(value * 86_400)
    if value < 1:
        return (datetime.min + timedelta(seconds=seconds)).time().isoformat()  # noqa: DTZ901  # a time of day has no zone
    if not from_1904 and value < 60:  # Excel's 1900 is a leap year: until 28 February its count is one behind
        seconds += 86_400
    start = datetime(1904, 1, 1, tzinfo=UTC) if from_1904 else datetime(1899, 12, 30, tzinfo=UTC)
    try:
        moment = (start + timedelta(seconds=seconds)).replace(tzinfo=None)
    except OverflowError:
        return plain(value)
    return moment.date().isoformat() if seconds % 86_400 == 0 else moment.isoformat()


def iso_text(text: str) -> str:
    """The date or moment that is written in ISO 8601, to whole seconds, as `iso_date` has it; text that is none as it is."""
    bare = text.removesuffix("Z")
    whole = re.sub(r"([.,][0-9]{1,6})[0-9]*\Z", r"\1", bare)
    try:
        moment = datetime.fromisoformat(whole)
        # The fraction may have more digits than a moment holds; one that rounds up counts.
        rounded = (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
    except (ValueError, OverflowError):
        return text
    is_date = "T" not in bare and " " not in bare
    at_midnight = (rounded.hour, rounded.minute, rounded.second) == (0, 0, 0)
    return rounded.date().isoformat() if is_date or at_midnight else rounded.isoformat()


def shown(value: float, code: str) -> tuple[str, bool]:
    """What a cell of this format shows, and whether the text shows the number with digits missing.

    Formats beyond digits, thousands, per cent, exponents, literal text and sections by sign fall back to `plain`.
    """
    try:
        text = _shown(Decimal(f"{value:.15g}"), code) if code else None
    except (InvalidOperation, ValueError, OverflowError):
        text = None
    if text is None:
        return plain(value), lost_digits(value)
    if exponent := _WITH_EXPONENT.search(text):
        return text, lost_digits(value) or float(exponent[0]) != abs(value)
    return text, lost_digits(value)


def _sections(code: str) -> list[str]:
    return re.findall(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[_*].|[^;"\\\[])+|(?:\A|(?<=;))(?=;|\Z)', code, re.DOTALL) or [code]


def _shown(value: Decimal, code: str) -> str | None:
    if re.search(r"\[[<>=]", code):
        return None
    sections = _sections(code)
    sign = "-" if value < 0 else ""
    section = sections[0]
    if value < 0 and len(sections) > 1:
        section, sign = sections[1], ""
    elif value == 0 and len(sections) > 2:  # the third section is for zero
        section = sections[2]
    if not section and len(sections) > 1:  # people leave a section empty to hide such numbers
        return ""
    text = _section(abs(value), section)
    return None if text is None else sign + text


def _section(value: Decimal, section: str) -> str | None:
    """The number without its sign in one section of a format."""
    literals: list[str] = []

    def kept(match: re.Match[str]) -> str:
        quoted, escaped, padding, currency = match.groups()
        if padding is not None:
            return ""
        literals.append(quoted if quoted is not None else escaped if escaped is not None else currency or "")
        return chr(0xE000 + len(literals) - 1)

    if any("\ue000" <= sign <= "\uf8ff" for sign in section):
        return None
    bare = _LITERALS.sub(kept, section)
    if re.search(r"general|standard", bare, re.IGNORECASE):
        text: str | None = re.sub(r"(?i)general|standard", lambda _: plain(float(value)), bare, count=1)
    else:
        text = _digits(value, bare)
    return None if text is None else re.sub("[\ue000-\uf8ff]", lambda sign: literals[ord(sign[0]) - 0xE000], text)


def _digits(value: Decimal, bare: str) -> str | None:
    if any(sign in bare for sign in '/@"'):
        return None
    body = re.search(r"\.?[0#?](?:.*[0#?])?[.,]*(?:E[+-][0#?]+)?", bare, re.DOTALL)
    if body is None:
        return bare if bare.strip() else None
    before, pattern, after = bare[: body.start()], body[0], bare[body.end() :]
    exponent = re.search(r"E([+-])([0#?]+)\Z", pattern)
    if exponent:
        number = _scientific(value, pattern[: exponent.start()], exponent[1], len(exponent[2]))
        return before + number + after
    trailing = len(pattern) - len(pattern.rstrip(","))
    scaled = value * 100 ** bare.count("%") / 1000**trailing
    whole_pattern, point, fraction_pattern = pattern.rstrip(",").partition(".")
    rounded = scaled.quantize(Decimal(1).scaleb(-len(re.findall(r"[0#?]", fraction_pattern))), ROUND_HALF_UP)
    whole, _, fraction = f"{rounded:f}".partition(".")
    return before + _whole(whole, whole_pattern or "#") + (point + _fraction(fraction, fraction_pattern) if point else "") + after


def _scientific(value: Decimal, mantissa: str, sign: str, width: int) -> str:
    """The number with an exponent, which is a multiple of how many places the mantissa has before its point."""
    whole_pattern, point, fraction_pattern = mantissa.partition(".")
    places, decimals = (len(re.findall(r"[0#?]", pattern)) for pattern in (whole_pattern, fraction_pattern))
    step, unit = max(places, 1), Decimal(1).scaleb(-decimals)
    power = value.adjusted() // step * step if value else 0
    rounded = value.scaleb(-power).quantize(unit, ROUND_HALF_UP)
    if rounded >= Decimal(10) ** step:
        power += step
        rounded = value.scaleb(-power).quantize(unit, ROUND_HALF_UP)
    whole, _, fraction = f"{rounded:f}".partition(".")
    shown_sign = "-" if power < 0 else "+" if sign == "+" else ""
    number = _whole(whole, whole_pattern or "#") + (point + _fraction(fraction, fraction_pattern) if point else "")
    return f"{number}E{shown_sign}{abs(power):0{width}d}"


def _whole(digits: str, pattern: str) -> str:
    """The digits before the point, put into the pattern from its right end."""
    thousands = re.search(r"[0#?],+[0#?]", pattern) is not None
    left = list("" if digits == "0" else digits)
    places = re.findall(r"[0#?]|[^0#?,]+|,", pattern)
    first = next((index for index, place in enumerate(places) if place in "0#?"), 0)
    out: list[str] = []
    count = 0
    for index in range(len(places) - 1, -1, -1):
        place = places[index]
        if place == ",":
            continue
        if place not in ("0", "#", "?"):
            out.append(place)
            continue
        taken = [left.pop()] if left else ["0"] if place == "0" else [" "] if place == "?" else []
        if index == first:
            taken += left[::-1]
            left = []
        for digit in taken:
            if thousands and count and count % 3 == 0:
                out.append(",")
            out.append(digit)
            count += 1
    return "".join(reversed(out))


def _fraction(digits: str, pattern: str) -> str:
    """The digits behind the point; ``#`` shows no zero at the end."""
    out: list[str] = []
    position = 0
    for place in pattern:
        if place in "0#?":
            if place == "0" or digits[position:].strip("0"):
                out.append(digits[position])
            position += 1
        else:
            out.append(place)
    return "".join(out)
