"""The merged areas of a worksheet, many at a time: which cells they hide, and which rows show the cell at their top."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bulkjob.sheet import messages
from bulkjob.sheet.formats.bounds import LAST_ROW, MOST_COLUMNS, MOST_MERGES
from bulkjob.vocabulary import Exit, Stop

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Merges:
    """The merged areas of a worksheet as its file lists them; raises `Stop` where they are more than a sheet may have."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._corners = array("q")

    def add(self, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        """One more area, from the first to the last of each; columns count from 0."""
        if len(self._corners) >= 4 * MOST_MERGES:
            raise Stop(Exit.BAD_SHEET, messages.too_many_merges(self._name, MOST_MERGES))
        first_row, last_row = sorted(min(row, LAST_ROW) for row in rows)
        first_column, last_column = sorted(min(column, MOST_COLUMNS - 1) for column in columns)
        self._corners.extend((first_row, last_row, first_column, last_column))

    def areas(self) -> "Areas":
        """The areas of more than one cell, each once."""
        corners = np.frombuffer(self._corners, np.int64).reshape(-1, 4).T
        corners = corners[:, (corners[0] < corners[1]) | (corners[2] < corners[3])]
        corners = corners[:, np.lexsort(corners)]
        different = np.any(np.diff(corners, prepend=-1) != 0, axis=0)
        return Areas(*corners[:, different])


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """Merged areas: the first and last row and column of each."""

    first_rows: Integers
    last_rows: Integers
    first_columns: Integers
    last_columns: Integers

    def __len__(self) -> int:
        return len(self.first_rows)

    def among(self, columns: Integers) -> tuple[Integers, Integers]:
        """How many of these columns, which ascend, lie within each area, and the place of the first of them."""
        places = np.searchsorted(columns, self.first_columns)
        return np.searchsorted(columns, self.last_columns, side="right") - places, places

    def by_column(self, columns: Integers) -> Iterator[tuple[int, "Areas"]]:
        """The areas that reach into each of these columns, which ascend; columns without one are left out."""
        counts, firsts = self.among(columns)
        areas = np.repeat(np.arange(len(self)), counts)
        places = np.arange(len(areas)) - np.repeat(np.cumsum(counts) - counts - firsts, counts)
        order = np.argsort(places, kind="stable")
        ends = np.searchsorted(places[order], np.arange(len(columns) + 1))
        for place, (start, end) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
            if start < end:
                yield int(columns[place]), self.only(areas[order[start:end]])

    def only(self, which: Integers | Mask) -> "Areas":
        """Some of the areas."""
        return Areas(self.first_rows[which], self.last_rows[which], self.first_columns[which], self.last_columns[which])

    def covered(self, column: int, rows: Integers) -> Mask:
        """Which rows of a column, into which all these areas reach, lie under an area without being the first cell of it."""
        begun = np.searchsorted(np.sort(self.first_rows), rows, side="right")
        ended = np.searchsorted(np.sort(self.last_rows), rows, side="left")
        tops = np.sort(self.first_rows[self.first_columns == column])
        own = np.searchsorted(tops, rows, side="right") - np.searchsorted(tops, rows, side="left")
        under: Mask = begun - ended > own
        return under

    def until(self, last_row: int, last_possible_row: int) -> "Areas":
        """The areas, of which those to the very end of the worksheet end with its last row: they mean all the rest, not a million rows."""
        ends = np.where(self.last_rows >= last_possible_row, last_row, self.last_rows)
        return Areas(self.first_rows, ends, self.first_columns, self.last_columns)

    def shown_again(self, column: int, rows: Integers, *, below: int) -> tuple[Integers, Integers]:
        """Of each area whose first cell is in one of ``rows``, which ascend: how many rows below show it again, and its place among them.

        Areas that begin in or above row ``below`` are not meant.
        """
        starts = self.only((self.first_columns == column) & (self.first_rows > below) & (self.first_rows < self.last_rows))
        starts = starts.only(np.isin(starts.first_rows, rows))
        return starts.last_rows - starts.first_rows, np.searchsorted(rows, starts.first_rows)
