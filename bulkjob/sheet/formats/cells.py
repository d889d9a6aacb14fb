"""The cells of a worksheet while it is read, in any order and many at a time; at the end a `Grid`."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet import messages, size_messages
from bulkjob.sheet.formats.bounds import (
    LAST_ROW,
    LONGEST_CELL,
    MOST_BEYOND,
    MOST_BLANK_CELLS,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ODD,
    MOST_OF_LONG_FORMATS,
    MOST_REPEATED,
    MOST_REPEATED_ODD,
    MOST_TEXT,
    MOST_TEXT_ANYWHERE,
    MOST_TEXT_PER_BYTE,
    ORDINARY_FORMAT,
)
from bulkjob.sheet.formats.grid import Grid, Oddity
from bulkjob.sheet.formats.merges import Areas, Merges
from bulkjob.sheet.text import column_letter, stripped
from bulkjob.vocabulary import Code, Exit, Stop

Integers = npt.NDArray[np.int64]
#: Rows, ascending, and texts of each column's cells.
_Columns = dict[int, tuple[Integers, pa.Array]]

#: So many cells are kept as Python values before they become arrays.
_MOST_SINGLE = 50_000
#: Rows that are looked at where a sheet is not to be read.
_FIRST_ROWS = 20


class Surroundings:
    """What a worksheet says besides its cells."""

    def __init__(self, name: str) -> None:
        self.hidden_rows: list[tuple[int, int]] = []
        """First and last."""
        self.hidden_columns = np.zeros(MOST_COLUMNS, np.bool_)
        self.merges = Merges(name)

    def hide_columns(self, first: int, last: int) -> None:
        """Takes note that the columns from ``first`` to ``last``, counted from 0, are hidden."""
        self.hidden_columns[max(first, 0) : last + 1] = True


class Cells:
    """Texts by column and row; blank cells are not kept. Raises `Stop` when they are more than a sheet may have."""

    def __init__(self, name: str, max_rows: int, packed: int) -> None:
        """``packed``: bytes of the file."""
        self.name = name
        self._most_text = min(MOST_TEXT, MOST_TEXT_ANYWHERE + MOST_TEXT_PER_BYTE * packed)
        self._max_rows = max_rows
        self._pieces: list[tuple[Integers, Integers, pa.Array]] = []
        self._single: tuple[list[int], list[int], list[str]] = ([], [], [])
        self._count = 0
        self._text = 0
        self._long_formats = 0
        self._repeated = 0
        self._repeated_odd = 0
        self._oddities: dict[tuple[int, int], Oddity] = {}
        self._exact: dict[tuple[int, int], str] = {}
        self._has_unseen = False
        """Whether there are cells whose format shows nothing of their number: they are blank, unless the number itself is asked for."""

    def add(self, columns: Integers, rows: Integers, texts: pa.Array) -> None:
        """Keeps many cells; texts may be blank only by being empty, and those are passed over."""
        filled = np.asarray(pc.not_equal(texts, ""))
        if not filled.all():
            columns, rows, texts = columns[filled], rows[filled], texts.filter(pa.array(filled))
        if not len(texts):
            return
        lengths = pc.utf8_length(texts)
        self._grow(len(texts), int(pc.sum(pc.binary_length(texts)).as_py()), longest=int(pc.max(lengths).as_py()))
        self._pieces.append((columns, rows, texts))

    def put(self, row: int, column: int, text: str, *, code: Code | None = None, exact: str | None = None) -> None:
        """Keeps one cell's text, why it is odd, and the number itself where the text shows it otherwise, or not at all."""
        if not stripped(text):
            if exact is None:
                return
            text, self._has_unseen = "", True
        self._grow(1, _size(text), longest=len(text))
        columns, rows, texts = self._single
        columns.append(column)
        rows.append(row)
        texts.append(text)
        if len(texts) >= _MOST_SINGLE:
            self._flush()
        if code:
            self._oddities[row, column] = Oddity(row=row, column=column, code=code, text=text)
        if exact is not None and exact != text:
            self._exact[row, column] = exact
        if len(self._oddities) + len(self._exact) > MOST_ODD:
            raise Stop(Exit.BAD_SHEET, size_messages.too_many_odd(self.name, MOST_ODD))

    def repeat(self, rows: range, columns: range, text: str, *, code: Code | None = None, exact: str | None = None) -> None:
        """Keeps the same cell at each of these places."""
        places = len(rows) * len(columns)
        if places > 1:
            self.expect_repeated(places, _size(text), odd=places if code or exact not in (None, text) else 0)
        for row in rows:
            for column in columns:
                self.put(row, column, text, code=code, exact=exact)

    def expect_text(self, size: int) -> None:
        """Raises `Stop` if ``size`` bytes more are more than the cells of a sheet may hold together."""
        if self._text + size > self._most_text:
            whose = "a sheet" if self._most_text == MOST_TEXT else "a workbook of its size"
            raise Stop(Exit.BAD_SHEET, messages.too_much_text(self.name, self._most_text, whose))

    def expect_format(self, length: int) -> None:
        """Raises `Stop` if one more number cannot be shown in a format of so many characters."""
        if length > ORDINARY_FORMAT:
            self._long_formats += length
            if self._long_formats > MOST_OF_LONG_FORMATS:
                raise Stop(Exit.BAD_SHEET, messages.too_much_format(self.name, MOST_OF_LONG_FORMATS))

    def expect_repeated(self, places: int, size: int, *, odd: int = 0) -> None:
        """Raises `Stop` if a cell of ``size`` bytes cannot be repeated at so many more places, ``odd`` of them remembered one by one."""
        self._repeated += places
        if self._repeated > MOST_REPEATED:
            raise Stop(Exit.BAD_SHEET, messages.too_many_repeated(self.name, MOST_REPEATED))
        self._repeated_odd += odd
        if self._repeated_odd > MOST_REPEATED_ODD:
            raise Stop(Exit.BAD_SHEET, messages.too_many_repeated_odd(self.name, MOST_REPEATED_ODD))
        self.expect_text(size * places)

    def _grow(self, cells: int, size: int, *, longest: int) -> None:
        self._count += cells
        self.expect_text(size)
        self._text += size
        if longest > LONGEST_CELL:
            raise Stop(Exit.BAD_SHEET, messages.cell_too_long(self.name, LONGEST_CELL))
        if self._count > MOST_CELLS:
            raise Stop(Exit.BAD_SHEET, messages.too_many_cells(self.name, MOST_CELLS))

    def _flush(self) -> None:
        columns, rows, texts = self._single
        if texts:
            self._pieces.append((np.array(columns, np.int64), np.array(rows, np.int64), pa.array(texts, pa.string())))
            self._single = ([], [], [])

    def grid(self, sheet_name: str, notes: tuple[str, ...], around: Surroundings, *, last_possible_row: int = LAST_ROW) -> Grid:
        """The rows that are not blank, the first of them as headers."""
        columns = self._by_column()
        if len(areas := around.merges.areas()):
            columns = self._merged(columns, areas, last_possible_row)
        if self._has_unseen:
            columns = _without_blank(columns)
        numbers = _all_rows([rows for rows, _ in columns.values()])
        if not len(numbers):
            raise Stop(Exit.BAD_SHEET, messages.empty(self.name))
        header_row = int(numbers[0])
        if len(numbers) - 1 > self._max_rows:
            raise Stop(Exit.BAD_SHEET, messages.too_many_rows(self.name, self._max_rows))
        top = {column: stripped(_at(cells, header_row)) for column, cells in columns.items()}
        width = max(column for column, text in top.items() if text) + 1
        filled = sum(len(rows) - bool(top[column]) for column, (rows, _) in columns.items() if column < width)
        if width * (len(numbers) - 1) - filled > MOST_BLANK_CELLS:
            raise Stop(Exit.BAD_SHEET, messages.too_many_blank_cells(self.name, MOST_BLANK_CELLS))
        body = numbers[1:]
        beyond, unfit = self._beyond(columns, width, numbers)
        return Grid(
            headers=tuple(top.get(column, "") for column in range(width)),
            numbers=pa.array(body),
            columns=tuple(pa.chunked_array([_dense(columns.get(column), numbers).slice(1)]) for column in range(width)),
            header_row=header_row,
            sheet_name=sheet_name,
            beyond=beyond,
            unfit=unfit,
            oddities=tuple(oddity for oddity in self._oddities.values() if oddity.row != header_row),
            exact=self._exact,
            notes=notes,
            warnings=tuple(_hidden(around, body, top)),
        )

    def _by_column(self) -> _Columns:
        """Rows, ascending, and texts of each column's cells; raises `Stop` where one cell comes twice."""
        self._flush()
        if not self._pieces:
            return {}
        columns = np.concatenate([piece[0] for piece in self._pieces])
        rows = np.concatenate([piece[1] for piece in self._pieces])
        texts = pa.concat_arrays([piece[2] for piece in self._pieces])
        self._pieces = []
        # A sort by 16-bit numbers costs no more than a pass over them, and what is left to sort in a column is a few runs.
        order = np.argsort(columns.astype(np.uint16), kind="stable")
        starts = np.flatnonzero(np.diff(columns[order], prepend=-1))
        ends = [*starts[1:].tolist(), len(columns)]
        for start, end in zip(starts.tolist(), ends, strict=True):
            here = rows[order[start:end]]
            if not np.all(here[1:] > here[:-1]):
                order[start:end] = order[start:end][np.argsort(here, kind="stable")]
        columns, rows = columns[order], rows[order]
        if np.any((columns[1:] == columns[:-1]) & (rows[1:] == rows[:-1])):
            raise Stop(Exit.BAD_SHEET, messages.cell_twice(self.name))
        texts = texts.take(pa.array(order))
        return {
            int(columns[start]): (rows[start:end], texts.slice(start, end - start))
            for start, end in zip(starts.tolist(), ends, strict=True)
        }

    def _merged(self, columns: _Columns, areas: Areas, last_possible_row: int) -> _Columns:
        """The columns as people see them: nothing under a merged area but its first cell, and that in each of the area's rows."""
        ascending = np.array(sorted(columns), np.int64)
        counts, _ = areas.among(ascending)
        # An area over many columns costs as much as many areas.
        self.expect_repeated(int(counts.sum()) - int(np.count_nonzero(counts)), 0)
        for column, here in areas.by_column(ascending):
            rows, texts = columns[column]
            covered = here.covered(column, rows)
            for row in rows[covered].tolist() if self._exact or self._oddities else ():
                self._oddities.pop((row, column), None)
                self._exact.pop((row, column), None)
            columns[column] = rows[~covered], texts.filter(pa.array(~covered))
        numbers = _all_rows([rows for rows, _ in (_without_blank(columns) if self._has_unseen else columns).values()])
        if len(numbers):
            for column, here in areas.until(int(numbers[-1]), last_possible_row).by_column(ascending):
                columns[column] = self._spread(column, columns[column], here, int(numbers[0]))
        return {column: cells for column, cells in columns.items() if len(cells[0])}

    def _spread(self, column: int, cells: tuple[Integers, pa.Array], areas: Areas, header_row: int) -> tuple[Integers, pa.Array]:
        """The column's cells, the first one of each merged area in each of its rows, and what is odd about it; headers stay as they are."""
        rows, texts = cells
        counts, places = areas.shown_again(column, rows, below=header_row)
        if not len(counts):
            return cells
        tops = rows[places]
        is_odd = np.array([(top, column) in self._oddities or (top, column) in self._exact for top in tops.tolist()], np.bool_)
        self.expect_repeated(int(counts.sum()), 0, odd=int(counts[is_odd].sum()))
        size = int((np.asarray(pc.binary_length(texts)).astype(np.int64)[places] * counts).sum())
        self.expect_text(size)
        self._text += size
        for top, count in zip(tops[is_odd].tolist(), counts[is_odd].tolist(), strict=True):
            self._repeat_odd(top, column, count)
        sources = np.repeat(places, counts)
        again = rows[sources] + np.arange(len(sources)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
        # Where areas of the same first cell overlap, a row comes twice.
        rows, first = np.unique(np.concatenate([rows, again]), return_index=True)
        return rows, texts.take(pa.array(np.concatenate([np.arange(len(texts)), sources])[first]))

    def _repeat_odd(self, top: int, column: int, count: int) -> None:
        """What is odd about a cell is odd about so many below it."""
        oddity, exact = self._oddities.get((top, column)), self._exact.get((top, column))
        for row in range(top + 1, top + count + 1):
            if oddity is not None:
                self._oddities[row, column] = replace(oddity, row=row)
            if exact is not None:
                self._exact[row, column] = exact

    def _beyond(self, columns: _Columns, width: int, numbers: Integers) -> tuple[dict[int, tuple[tuple[int, str], ...]], str]:
        """The texts right of the last header, by row, and the sentence that there are too many: then only the first rows' are given."""
        right = [column for column in columns if column >= width]
        many = sum(len(columns[column][0]) for column in right) > MOST_BEYOND
        last_row = int(numbers[min(_FIRST_ROWS, len(numbers) - 1)] if many else numbers[-1])
        found: dict[int, list[tuple[int, str]]] = {}
        for column in right:
            rows, texts = columns[column]
            first, end = np.searchsorted(rows, [int(numbers[0]) + 1, last_row + 1]).tolist()
            for row, text in zip(rows[first:end].tolist(), texts.slice(first, end - first).to_pylist(), strict=True):
                found.setdefault(row, []).append((column, text))
        sentence = messages.too_many_beyond(self.name, MOST_BEYOND) if many else ""
        return {row: tuple(texts) for row, texts in found.items()}, sentence


def _without_blank(columns: _Columns) -> _Columns:
    kept = {column: pc.not_equal(texts, "") for column, (_, texts) in columns.items()}
    filled = {column: (rows[np.asarray(kept[column])], texts.filter(kept[column])) for column, (rows, texts) in columns.items()}
    return {column: cells for column, cells in filled.items() if len(cells[0])}


def _size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def _all_rows(columns: Sequence[Integers]) -> Integers:
    """The row numbers of all columns, ascending; columns mostly have the same ones, and sorting them all would cost more than reading."""
    if not columns:
        return np.zeros(0, np.int64)
    longest = max(columns, key=len)
    others = [rows for rows in columns if not np.array_equal(rows, longest)]
    if all(_are_among(rows, longest) for rows in others):
        return longest
    return np.unique(np.concatenate([longest, *others]))


def _are_among(rows: Integers, ascending: Integers) -> bool:
    places = np.searchsorted(ascending, rows)
    return bool(np.all(ascending[np.minimum(places, len(ascending) - 1)] == rows))


def _at(cells: tuple[Integers, pa.Array], row: int) -> str:
    place = int(np.searchsorted(cells[0], row))
    return str(cells[1][place].as_py()) if place < len(cells[0]) and cells[0][place] == row else ""


def _dense(cells: tuple[Integers, pa.Array] | None, numbers: Integers) -> pa.Array:
    """One text per row number, blank where the column has none."""
    if cells is None:
        return pa.array(np.full(len(numbers), "", dtype=object), pa.string())
    rows, texts = cells
    if np.array_equal(rows, numbers):
        return texts
    source = np.full(len(numbers), -1, np.int64)
    source[np.searchsorted(numbers, rows)] = np.arange(len(rows))
    return texts.take(pa.array(source, mask=source < 0)).fill_null("")


def _hidden(around: Surroundings, body: Integers, top: dict[int, str]) -> list[str]:
    rows: list[int] = []
    if around.hidden_rows and len(body):
        spans = np.array(around.hidden_rows, np.int64)
        # How many spans have begun at each row, less those that have ended before it.
        begun = np.searchsorted(np.sort(spans[:, 0]), body, side="right")
        ended = np.searchsorted(np.sort(spans[:, 1]), body, side="left")
        rows = body[begun > ended].tolist()
    columns = [column_letter(column) for column in np.flatnonzero(around.hidden_columns).tolist() if top.get(column)]
    return [
        *([messages.hidden_rows(rows)] if rows else []),
        *([messages.hidden_columns(columns)] if columns else []),
    ]
