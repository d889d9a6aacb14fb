"""What `text` and `apostrophe` do to single texts, done to whole Arrow columns; each function agrees with its twin there."""

from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet.apostrophe import STARTS_FORMULA
from bulkjob.sheet.text import BLANKS, caseless, comparable

#: Only texts with one of these can differ from their comparable form once their ends are stripped.
_MAY_DIFFER: Final = r"[^\x21-\x7e ]|  "

#: RE2's spelling of a guarded beginning; ``\A`` because a cell may hold line breaks.
_GUARD: Final = rf"\A'('*{STARTS_FORMULA})"


def stripped_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """`stripped` of each text of an Arrow string column."""
    return pc.utf8_trim(column, BLANKS)


def comparable_column(column: pa.Array) -> pa.Array:
    """`comparable` of each text of an Arrow string array; texts in plain ASCII never meet Python."""
    trimmed = stripped_column(column)
    may_differ = pc.match_substring_regex(trimmed, _MAY_DIFFER)
    if not pc.any(may_differ).as_py():
        return trimmed
    replacements = pa.array([comparable(text) for text in trimmed.filter(may_differ).to_pylist()], trimmed.type)
    return pc.replace_with_mask(trimmed, may_differ, replacements)


def caseless_column(column: pa.Array) -> pa.Array:
    """`caseless` of each text of an Arrow string array; texts in plain ASCII never meet Python."""
    texts = comparable_column(column)
    lower = pc.ascii_lower(texts)
    beyond = pc.invert(pc.string_is_ascii(texts))
    if not pc.any(beyond).as_py():
        return lower
    return pc.replace_with_mask(lower, beyond, pa.array(map(caseless, texts.filter(beyond).to_pylist()), lower.type))


def take_off_guard_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """`take_off_guard` of each text of an Arrow string column."""
    if not pc.any(pc.starts_with(column, "'")).as_py():
        return column
    return pc.replace_substring_regex(column, _GUARD, r"\1", max_replacements=1)
