"""The apostrophe that keeps a cell of a CSV report from starting a formula in a spreadsheet program.

`take_off_guard` undoes `guard`: what a report says comes back unharmed when the report is fed back as a sheet.
"""

import re
from typing import Final

from bulkjob.vocabulary import NO_UNIT

#: What a spreadsheet program takes for the beginning of a formula.
STARTS_FORMULA: Final = r"[=+\-@\t\r]"
_NEEDS_GUARD = re.compile(rf"'*{STARTS_FORMULA}")
_IS_GUARDED = re.compile(rf"'+{STARTS_FORMULA}")


def guard(text: str) -> str:
    """The text as a CSV report writes it: an apostrophe before what could start a formula, or looks guarded; a lone ``-`` stays."""
    if text != NO_UNIT and _NEEDS_GUARD.match(text):
        return f"'{text}"
    return text


def take_off_guard(text: str) -> str:
    """The text that `guard` was given: exactly one guarding apostrophe is taken off."""
    return text[1:] if _IS_GUARDED.match(text) else text
