"""The cells of a worksheet while it is read, in any order and many at a time; at the end a `Grid`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.sheet import messages
from bulkjob.sheet.formats.grid import Grid, Oddity
from bulkjob.sheet.text import column_letter, stripped
from bulkjob.vocabulary import Code, Exit, Stop

Integers = npt.NDArray[np.int64]

#: A million rows of twenty columns; about 2 GB of memory.
MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merged area, as far as it matters: its first column and its rows."""

    column: int
    first_row: int
    last_row: int


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What a worksheet says besides its cells."""

    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)


class Cells:
    """Texts by column and row; blank cells are not kept. Raises `Stop` when there are more than a sheet may have."""

    def __init__(self, name: str, max_rows: int) -> None:
        self._name = name
        self._max_rows = max_rows
        self._pieces: dict[int, list[tuple[Integers, pa.Array]]] = {}
        self._single: dict[int, tuple[list[int], list[str]]] = {}
        self._sizes: Counter[int] = Counter()
        self._oddities: dict[tuple[int, int], Oddity] = {}
        self._exact: dict[tuple[int, int], str] = {}

    def add(self, column: int, rows: Integers, texts: pa.Array) -> None:
        """Keeps many cells of one column; none of the texts may be blank."""
        self._pieces.setdefault(column, []).append((rows, texts))
        self._count(column, len(rows))

    def put(self, row: int, column: int, text: str, *, code: Code | None = None, exact: str | None = None) -> None:
        """Keeps one cell's text, why it is odd, and the number itself where the text shows it otherwise."""
        if not stripped(text):
            return
        rows, texts = self._single.setdefault(column, ([], []))
        rows.append(row)
        texts.append(text)
        self._count(column, 1)
        if code:
            self._oddities[row, column] = Oddity(row=row, column=column, code=code, text=text)
        if exact is not None and exact != text:
            self._exact[row, column] = exact

    def _count(self, column: int, cells: int) -> None:
        self._sizes[column] += cells
        # One row more than allowed, for the headers.
        if self._sizes[column] > self._max_rows + 1:
            raise Stop(Exit.BAD_SHEET, messages.too_many_rows(self._name, self._max_rows))
        if self._sizes.total() > MOST_CELLS:
            raise Stop(Exit.BAD_SHEET, messages.too_wide(self._name))

    def grid(self, sheet_name: str, notes: tuple[str, ...], around: Surroundings, *, last_possible_row: int) -> Grid:
        """The rows that are not blank, the first of them as headers."""
        columns = {column: self._column(column) for column in sorted(self._sizes)}
        numbers = _all_rows([rows for rows, _ in columns.values()])
        if not len(numbers):
            raise Stop(Exit.BAD_SHEET, messages.empty(self._name))
        header_row = int(numbers[0])
        merges = self._merges(around.merges, columns, numbers, last_possible_row)
        if merges:
            numbers = np.unique(np.concatenate([numbers, *(np.arange(merge.first_row, merge.last_row + 1) for merge in merges)]))
        if len(numbers) - 1 > self._max_rows:
            raise Stop(Exit.BAD_SHEET, messages.too_many_rows(self._name, self._max_rows))
        top = {column: stripped(_at(cells, header_row)) for column, cells in columns.items()}
        width = max(column for column, text in top.items() if text) + 1
        if width * len(numbers) > 4 * MOST_CELLS:
            raise Stop(Exit.BAD_SHEET, messages.too_wide(self._name))
        # A cell that comes twice counts as it came last.
        beyond: dict[int, dict[int, str]] = {}
        for column in (column for column in columns if column >= width):
            rows, texts = columns[column]
            for row, text in zip(rows.tolist(), texts.to_pylist(), strict=True):
                if row != header_row:
                    beyond.setdefault(row, {})[column] = text
        for merge in merges:
            self._spread(merge, columns[merge.column][0])
        body = numbers[1:]
        return Grid(
            headers=tuple(top.get(column, "") for column in range(width)),
            numbers=pa.array(body),
            columns=tuple(
                pa.chunked_array([_dense(columns.get(column), numbers, [merge for merge in merges if merge.column == column]).slice(1)])
                for column in range(width)
            ),
            header_row=header_row,
            sheet_name=sheet_name,
            beyond={row: tuple(texts.items()) for row, texts in beyond.items()},
            oddities=tuple(oddity for oddity in self._oddities.values() if oddity.row != header_row),
            exact=self._exact,
            notes=notes,
            warnings=tuple(_hidden(around, body, top)),
        )

    def _column(self, column: int) -> tuple[Integers, pa.Array]:
        """All cells of the column, in the order they came."""
        pieces = [*self._pieces.get(column, [])]
        if column in self._single:
            rows, texts = self._single[column]
            pieces.append((np.array(rows, np.int64), pa.array(texts, pa.string())))
        return np.concatenate([rows for rows, _ in pieces]), pa.concat_arrays([texts for _, texts in pieces])

    def _merges(
        self, merges: Sequence[Merge], columns: dict[int, tuple[Integers, pa.Array]], numbers: Integers, last_possible_row: int
    ) -> list[Merge]:
        """The merged areas that count: below the headers, over several rows, with a text at their top."""
        header_row, last_row = int(numbers[0]), int(numbers[-1])
        counting: list[Merge] = []
        tops = {column: frozenset(columns[column][0].tolist()) for column in {merge.column for merge in merges} & set(columns)}
        budget = 4 * MOST_CELLS
        for merge in merges:
            # A merge to the very end of the worksheet means "all the rest", not a million rows.
            end = last_row if merge.last_row >= last_possible_row else merge.last_row
            if merge.first_row <= header_row or end <= merge.first_row or merge.first_row not in tops.get(merge.column, ()):
                continue
            budget -= end - merge.first_row
            if budget < 0:
                raise Stop(Exit.BAD_SHEET, messages.too_wide(self._name))
            counting.append(replace(merge, last_row=end))
        return counting

    def _spread(self, merge: Merge, taken: Integers) -> None:
        """What is odd about the cell at the top is odd about each row of the merged area."""
        top = (merge.first_row, merge.column)
        if top not in self._oddities and top not in self._exact:
            return
        for row in set(range(merge.first_row + 1, merge.last_row + 1)) - set(taken.tolist()):
            if top in self._oddities:
                self._oddities[row, merge.column] = replace(self._oddities[top], row=row)
            if top in self._exact:
                self._exact[row, merge.column] = self._exact[top]


def _all_rows(columns: Sequence[Integers]) -> Integers:
    """The row numbers of all columns, ascending; columns mostly have the same ones, and sorting them all would cost more than reading."""
    if not columns:
        return np.zeros(0, np.int64)
    longest = max(columns, key=len)
    others = [rows for rows in columns if not np.array_equal(rows, longest)]
    if bool(np.all(longest[1:] > longest[:-1])) and all(_are_among(rows, longest) for rows in others):
        return longest
    return np.unique(np.concatenate([longest, *others]))


def _are_among(rows: Integers, ascending: Integers) -> bool:
    places = np.searchsorted(ascending, rows)
    return bool(np.all(ascending[np.minimum(places, len(ascending) - 1)] == rows))


def _at(cells: tuple[Integers, pa.Array], row: int) -> str:
    found = np.flatnonzero(cells[0] == row)
    return str(cells[1][int(found[-1])].as_py()) if len(found) else ""


def _dense(cells: tuple[Integers, pa.Array] | None, numbers: Integers, merges: Sequence[Merge]) -> pa.Array:
    """One text per row number, blank where the column has none; a cell that comes twice counts as it came last."""
    if cells is None:
        return pa.array(np.full(len(numbers), "", dtype=object), pa.string())
    rows, texts = cells
    if np.array_equal(rows, numbers):
        return texts
    source = np.full(len(numbers), -1, np.int64)
    source[np.searchsorted(numbers, rows)] = np.arange(len(rows))
    for merge in merges:
        first, end = np.searchsorted(numbers, [merge.first_row, merge.last_row + 1]).tolist()
        area = source[first:end]
        area[area < 0] = area[0]
    return texts.take(pa.array(source, mask=source < 0)).fill_null("")


def _hidden(around: Surroundings, body: Integers, top: dict[int, str]) -> list[str]:
    rows = np.intersect1d(np.array(around.hidden_rows, np.int64), body).tolist() if around.hidden_rows else []
    columns = [column_letter(column) for column in sorted(set(around.hidden_columns)) if top.get(column)]
    return [
        *([messages.hidden_rows(rows)] if rows else []),
        *([messages.hidden_columns(columns)] if columns else []),
    ]
