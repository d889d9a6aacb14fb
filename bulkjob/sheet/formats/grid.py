"""What every reader makes of a file: headers and rows as text, before the headers mean anything.

The readers (`csvfile`, `xlsx`, `xls`, `ods`) differ in how they find the text; from a `Grid` on, all sheets are alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.vocabulary import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """A cell that is not what people typed; a problem only if its column turns out to be one that matters."""

    row: int
    column: int
    """From 0, as in the file."""
    code: Code
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A worksheet, or a CSV file, below its header row."""

    headers: tuple[str, ...]
    """The cells of the header row, by column of the file, up to the last that is not blank or the last cell the row has."""
    numbers: pa.Array
    """Row numbers as the spreadsheet shows them, ascending; without blank rows."""
    columns: tuple[pa.ChunkedArray, ...]
    """Text by column of the file, one per header."""
    header_row: int = 1
    sheet_name: str = ""
    too_short: Mapping[int, int] = field(default_factory=dict)
    """Row number → number of cells, for rows with fewer cells than the header row."""
    beyond: Mapping[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """Row number → (column, text) of each text right of the last header, from left to right."""
    oddities: tuple[Oddity, ...] = ()
    exact: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """(row number, column) → the number itself, where the cell's format shows it otherwise."""
    unfit: str = ""
    """The sentence why this is no sheet, though its first rows can be looked at for a better reason; blank for others."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
