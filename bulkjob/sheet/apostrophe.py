"""The apostrophe that keeps a cell of a CSV report from starting a formula in a spreadsheet program.

`take_off_guard` undoes `guard`: what a report says comes back unharmed when the report is fed back as a sheet.
"""

import re
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.vocabulary import NO_UNIT

_STARTS_FORMULA: Final = r"[=+\-@\t\r]"
_NEEDS_GUARD = re.compile(rf"'*{_STARTS_FORMULA}")
_IS_GUARDED = re.compile(rf"'+{_STARTS_FORMULA}")
#: RE2's spelling of the same; ``\A`` because a cell may hold line breaks.
_GUARD_OF_COLUMN: Final = rf"\A'('*{_STARTS_FORMULA})"


def guard(text: str) -> str:
    """The text as a CSV report writes it: an apostrophe before what could start a formula, or looks guarded; a lone ``-`` stays."""
    if text != NO_UNIT and _NEEDS_GUARD.match(text):
        return f"'{text}"
    return text


def take_off_guard(text: str) -> str:
    """The text that `guard` was given: exactly one guarding apostrophe is taken off."""
    return text[1:] if _IS_GUARDED.match(text) else text


def take_off_guard_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """`take_off_guard` of each text of an Arrow string column."""
    if not pc.any(pc.starts_with(column, "'")).as_py():
        return column
    return pc.replace_substring_regex(column, _GUARD_OF_COLUMN, r"\1", max_replacements=1)
