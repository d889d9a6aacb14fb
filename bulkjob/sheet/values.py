"""What the columns about departments and units take, and what a text in one of them means: `value_of`."""

from collections.abc import Callable, Mapping
from typing import Final

from bulkjob.records import UNIT_COLUMNS
from bulkjob.sheet.text import only_dashes
from bulkjob.vocabulary import NO_UNIT

#: Whoever fills in one of these says something about the row's unit, and may leave the department blank.
ABOUT_UNIT: Final = ("unit monitor", *UNIT_COLUMNS)

#: In the column ``department description``: there shall be none.
_NO_DESCRIPTION: Final = NO_UNIT
_YES_OR_NO: Final[Mapping[str, bool]] = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_VISIBILITIES: Final = ("public", "private")


def value_of(column: str, text: str) -> str | bool | None:
    """What a text means in a column of `DEPARTMENT_COLUMNS` or `UNIT_COLUMNS`; None for what the column does not take.

    The text has no blanks at its ends and is not blank itself. Texts that mean the same have the same value.
    """
    return _MEANINGS[column](text)


def _name(text: str) -> str | None:
    return None if only_dashes(text) else text


def _visibility(text: str) -> str | None:
    return text.lower() if text.lower() in _VISIBILITIES else None


def _yes_or_no(text: str) -> bool | None:
    return _YES_OR_NO.get(text.lower())


def _address(text: str) -> str | None:
    before, at, after = text.partition("@")
    return text if before and at and after and "@" not in after else None


def _description(text: str) -> str:
    return "" if text == _NO_DESCRIPTION else text


_MEANINGS: Final[Mapping[str, Callable[[str], str | bool | None]]] = {
    "unit visibility": _visibility,
    "new unit name": _name,
    "new department name": _name,
    "department enabled": _yes_or_no,
    "department show on registration": _yes_or_no,
    "department show on offline form": _yes_or_no,
    "department email": _address,
    "department description": _description,
}
