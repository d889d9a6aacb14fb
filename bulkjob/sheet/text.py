"""What the text of a cell and of a header means: blanks, comparable names, column letters. `columns` has the same for whole columns."""

import re
import unicodedata
from typing import Final

from bulkjob.vocabulary import REMEDY_COLUMN, SHEET_COLUMNS

#: Not white space to Unicode, yet nothing to see: zero-width space, non-joiner, joiner, word joiner, BOM, Mongolian separator.
ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff\u180e"

#: White space as `str.isspace` has it, which all lies in the Basic Multilingual Plane; the non-breaking spaces are among it.
SPACES: Final = "".join(chr(code) for code in range(0x10000) if chr(code).isspace())

#: What is removed from both ends of a text.
BLANKS: Final = SPACES + ZERO_WIDTH

_RUN_OF_SPACES: Final = f"[{re.escape(SPACES)}]+"
_SPACE_RUN = re.compile(_RUN_OF_SPACES)
_IGNORED_IN_HEADERS = re.compile(f"[{re.escape(BLANKS)}_-]+")
#: Where a word begins within another: ``agentUsername``.
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HYPHEN = re.compile(r"[-\u2010-\u2015]")
_WORD = re.compile(r"[^\W_]+")
#: In characters. What is longer is no header of the table's; thousands of long texts would take minutes to look through for words.
_LONGEST_HEADER: Final = 1_000


def stripped(text: str) -> str:
    """The text without blanks, non-breaking and zero-width spaces at its ends."""
    return text.strip(BLANKS)


def comparable(text: str) -> str:
    """The form in which names of the sheet and of the server are compared: ends stripped, NFC, inner runs of blanks as one space."""
    return _SPACE_RUN.sub(" ", unicodedata.normalize("NFC", text.strip(BLANKS)))


def caseless(text: str) -> str:
    """The form in which names are compared that may differ in case."""
    return comparable(comparable(text).casefold())


def only_dashes(text: str) -> bool:
    """Whether there is nothing but dashes of whatever kind, and blanks, in a text that is not blank."""
    return bool(stripped(text)) and all(_is_dash(letter) or letter in BLANKS for letter in text)


def _is_dash(letter: str) -> bool:
    # The minus sign and the soft hyphen look like one, and are none to Unicode.
    return unicodedata.category(letter) == "Pd" or letter in "\u2212\u00ad"


def header_key(header: str) -> str:
    """The form in which headers are compared: case, blanks, ``_`` and ``-`` do not matter. A very long one is compared as it is."""
    if len(header) > _LONGEST_HEADER:
        return header
    return _IGNORED_IN_HEADERS.sub("", unicodedata.normalize("NFC", header)).casefold()


def is_remedy_header(header: str) -> bool:
    """Whether a column is the last one of annotated.xlsx, below whose first line more may be said."""
    return header_key(header.partition("\n")[0]) == header_key(REMEDY_COLUMN)


def words_of(header: str) -> frozenset[str]:
    """The words of a header in small letters, however they are joined: ``agentUsername``, ``business_unit``, ``e-mail`` (and ``email``).

    Those of its beginning, if it is very long.
    """
    # Full-width letters are the same words.
    text = _HUMP.sub(" ", unicodedata.normalize("NFKC", header[:_LONGEST_HEADER]))
    whole = _HYPHEN.sub("", text)
    return frozenset(word.casefold() for spelling in (text, whole) for word in _WORD.findall(spelling))


def column_letter(index: int) -> str:
    """The letters a spreadsheet shows above the column, counted from 0: 0 is ``A``, 26 is ``AA``."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """The column's index from 0; inverse of `column_letter`."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def _without_thing(column: str) -> str:
    return " ".join(word for word in column.split() if word not in ("unit", "department"))


_COLUMNS: Final = {header_key(column): column for column in SHEET_COLUMNS}


def column_meant(header: str) -> str | None:
    """The column of `SHEET_COLUMNS` that a header stands for; None if it stands for none."""
    return _COLUMNS.get(header_key(header))


def column_in_plural(header: str) -> str | None:
    """The column of `SHEET_COLUMNS` of which a header is the plural, or another spelling."""
    key = header_key(header)
    return _COLUMNS.get(key.removesuffix("s")) or _COLUMNS.get(re.sub(r"ies\Z", "y", key))


#: What the columns about departments and units are called by people who leave those words out.
_SHORT: Final = {
    short: tuple(column for column in SHEET_COLUMNS if header_key(_without_thing(column)) == short)
    for short in map(header_key, map(_without_thing, SHEET_COLUMNS))
    if short and short not in _COLUMNS
}


def columns_in_short(header: str) -> tuple[str, ...]:
    """The columns of `SHEET_COLUMNS` of whose names a header lacks only the unit or the department; one letter may be off."""
    text = header_key(header)
    return next((columns for key, columns in _SHORT.items() if key == text or _is_one_edit(text, key)), ())


#: A header that contains one of these words may have been meant to be read, as that column.
_TELLING: Final = {
    "department": "department",
    "unit": "unit",
    "agent": "agent",
    "monitor": "unit monitor",
    "visibility": "unit visibility",
    "email": "department email",
    "description": "department description",
    "count": "count",
    "order": "order",
    "action": "action",
}
#: What may be an agent's or a unit's as well as a department's.
_ANYBODYS: Final = frozenset(("email", "description"))
#: What is longer is a text that happens to have such a word, in characters.
_LONGEST_REMINDING: Final = 100
#: What comes between headers in one cell: what separates cells elsewhere, or blanks that make columns.
_APART = re.compile(r"[,;\t|\uff0c\uff1b\u3001]|  +")
_QUOTES: Final = f"{BLANKS}\"'\u201c\u201d"
#: So many of them are looked at: there may be thousands of such cells.
_MOST_IN_ONE: Final = 20
#: Words that people use for others of them.
_OTHER_WORDS: Final = {
    **dict.fromkeys(("departments", "dept", "dep", "depts", "dpt"), "department"),
    "units": "unit",
    "agents": "agent",
    "monitors": "unit monitor",
}


def columns_by_words(header: str) -> tuple[str, ...]:
    """The columns of `SHEET_COLUMNS` of which a header has the words among others; where it has all of a long one's, only that."""
    words = words_of(header)
    if whole := tuple(column for column in SHEET_COLUMNS if " " in column and words.issuperset(column.split())):
        return whole
    told = words & _TELLING.keys()
    if told & {"unit", "agent", "monitor"}:
        told -= _ANYBODYS
    return tuple(column for word, column in _TELLING.items() if word in told)


def columns_by_other_words(header: str) -> tuple[str, ...]:
    """The same by plurals and short words, which may as well mean something else."""
    return tuple(dict.fromkeys(_OTHER_WORDS[word] for word in sorted(words_of(header) & _OTHER_WORDS.keys())))


def reminds(header: str) -> bool:
    """Whether a header is one of the table's, or has a word of one's."""
    if len(header) > _LONGEST_REMINDING:
        return False
    return bool(column_meant(header) or columns_by_words(header) or columns_by_other_words(header))


def several_in_one(header: str) -> bool:
    """Whether several headers stand in the cell of one, as where a row is in quotation marks as a whole."""
    parts = _APART.split(header[:_LONGEST_HEADER], _MOST_IN_ONE)
    return any(column_meant(part.strip(_QUOTES)) for part in parts) and sum(map(reminds, parts)) > 1


def one_letter_off(header: str) -> str | None:
    """The column of `SHEET_COLUMNS` that a header is one letter from: added, missing, wrong or two swapped; None if none or itself."""
    text = header_key(header)
    return next((column for key, column in _COLUMNS.items() if key != text and _is_one_edit(text, key)), None)


def _is_one_edit(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    rest_left, rest_right = left[start:], right[start:]
    return (
        rest_left[1:] == rest_right
        or rest_left == rest_right[1:]
        or rest_left[1:] == rest_right[1:]
        or (rest_left[:2] == rest_right[1::-1] and rest_left[2:] == rest_right[2:])
    )
