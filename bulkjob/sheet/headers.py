"""A `Grid` becomes a `Sheet`: which header means which column, what is dropped, which cells are flawed."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.records import OutcomeColumn, Problem, Sheet
from bulkjob.sheet import messages, row_messages, size_messages
from bulkjob.sheet.columns import stripped_column
from bulkjob.sheet.formats.bounds import MOST_FLAWS, MOST_OF_HEADERS
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.text import (
    column_in_plural,
    column_letter,
    column_meant,
    columns_by_other_words,
    columns_by_words,
    columns_in_short,
    header_key,
    is_remedy_header,
    one_letter_off,
    reminds,
    several_in_one,
    stripped,
    words_of,
)
from bulkjob.sheet.values import ABOUT_UNIT
from bulkjob.vocabulary import OUTCOME_COLUMNS, SHEET_COLUMNS, Code, Exit, Stop

_OUTCOME_KEYS = frozenset(map(header_key, OUTCOME_COLUMNS))
_NUMBERS = ("count", "order")
#: Without it a sheet is one about units only.
_DEPARTMENT = "department"
_UNIT = "unit"
#: So many are looked at for headers that do not come first.
_FIRST_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Which columns of the file are kept, and what they mean."""

    kept: tuple[int, ...]
    dropped: tuple[int, ...]
    meant: Mapping[str, int]
    """Name in `SHEET_COLUMNS` → column of the file."""
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def sheet_of(grid: Grid, name: str, sha256: str) -> Sheet:
    """The sheet that the grid means; raises `Stop` where its headers do not make one."""
    if sum(map(len, grid.headers)) > MOST_OF_HEADERS:
        raise Stop(Exit.BAD_SHEET, messages.row_too_long(name, grid.header_row, MOST_OF_HEADERS, "a row of headers"))
    grid = _with_slipped(grid)
    columns = _columns(grid, name)
    if grid.unfit:
        raise Stop(Exit.BAD_SHEET, grid.unfit)
    texts = {index: _column(grid, index, columns) for index in columns.kept}
    empty_tail = _unnamed_and_empty(grid.headers, texts)
    kept = [index for index in columns.kept if index not in empty_tail]
    frame = pa.table([texts[index] for index in kept], names=[str(index) for index in range(len(kept))]).to_pandas()
    frame.columns = range(len(kept))
    frame.index = np.asarray(grid.numbers)
    place = {index: position for position, index in enumerate(kept)}
    return Sheet(
        name=name,
        sha256=sha256,
        sheet_name=grid.sheet_name,
        headers=tuple(grid.headers[index] for index in kept),
        letters=tuple(map(column_letter, kept)),
        positions={column: place[index] for column, index in columns.meant.items()},
        cells=frame,
        header_row=grid.header_row,
        too_short=grid.too_short,
        beyond=grid.beyond,
        outcome_columns=tuple(_outcome_column(grid, index) for index in columns.dropped),
        notes=(
            *grid.notes,
            messages.columns_read(list(columns.meant), [grid.headers[index] for index in kept if index not in columns.meant.values()]),
            *columns.notes,
        ),
        warnings=(*grid.warnings, *columns.warnings),
        flaws=_flaws(grid, name, columns.meant),
    )


def _with_slipped(grid: Grid) -> Grid:
    """The grid of an annotated.xlsx, whose last column stands behind what has slipped to the right of the headers: that is beyond them."""
    last = len(grid.headers) - 1
    width = last
    while width > 0 and not grid.headers[width - 1]:
        width -= 1
    if width == last or not is_remedy_header(grid.headers[last]):
        return grid
    rows, beyond = grid.numbers.to_pylist(), {row: list(texts) for row, texts in grid.beyond.items()}
    for index in range(width, last):
        for row, text in zip(rows, grid.columns[index].to_pylist(), strict=True):
            if stripped(text):
                beyond.setdefault(row, []).append((index, text))
    found = {row: tuple(sorted(beyond[row])) for row in sorted(beyond)}
    return replace(grid, headers=grid.headers[:width], columns=grid.columns[:width], beyond=found)


def _columns(grid: Grid, name: str) -> _Columns:
    headers = grid.headers
    meant: dict[str, int] = {}
    dropped: list[int] = []
    others: list[int] = []
    for index, header in enumerate(headers):
        key, column = header_key(header), column_meant(header)
        if key in _OUTCOME_KEYS or is_remedy_header(header):
            dropped.append(index)
        elif column is None:
            others.append(index)
        elif column in meant:
            both = (column_letter(meant[column]), headers[meant[column]]), (column_letter(index), header)
            raise Stop(Exit.BAD_SHEET, messages.same_column_twice(name, column, *both))
        else:
            meant[column] = index
    _require_columns(grid, name, meant, others)
    return _Columns(
        kept=tuple(index for index in range(len(headers)) if index not in set(dropped)),
        dropped=tuple(dropped),
        meant={column: meant[column] for column in SHEET_COLUMNS if column in meant},
        warnings=tuple(filter(None, (_telling(headers[index], index, meant) for index in others))),
        notes=(messages.dropped_columns([headers[index] for index in dropped]),) if dropped else (),
    )


def _require_columns(grid: Grid, name: str, meant: Mapping[str, int], others: Sequence[int]) -> None:
    """Raises `Stop` where a column that is needed is missing, or one goes by its plural: with the likely cause."""
    if not meant and (row := _headers_further_down(grid)):
        raise Stop(Exit.BAD_SHEET, messages.headers_further_down(name, row))
    for index in others:
        singular = column_in_plural(grid.headers[index])
        if singular and singular not in meant:
            raise Stop(Exit.BAD_SHEET, messages.plural_header(name, grid.headers[index], singular, column_letter(index)))
    if _DEPARTMENT not in meant:
        _require_units(grid, name, meant, others)


def _require_units(grid: Grid, name: str, meant: Mapping[str, int], others: Sequence[int]) -> None:
    """Raises `Stop` unless the sheet, which has no department column, is certain to be one about units only."""
    headers = grid.headers
    wrong = [index for index in others if one_letter_off(headers[index]) == _DEPARTMENT]
    within = [index for index in others if _DEPARTMENT in words_of(headers[index])]
    if not _suffice(meant):
        if row := _headers_further_down(grid) or _near_headers_further_down(grid):
            raise Stop(Exit.BAD_SHEET, messages.headers_further_down(name, row))
        if together := next((headers[index] for index in others if several_in_one(headers[index])), None):
            raise Stop(Exit.BAD_SHEET, messages.headers_in_one_cell(name, together, grid.header_row))
        near = [*sorted({*wrong, *(index for index in others if _DEPARTMENT in columns_by_other_words(headers[index]))}), *within]
        hint = headers[near[0]] if near else None
        lacks_unit = any(column in meant for column in ABOUT_UNIT)
        raise Stop(Exit.BAD_SHEET, messages.no_department(name, headers, grid.header_row, hint, units_only=_UNIT if lacks_unit else ""))
    if near := [*wrong, *within]:
        raise Stop(Exit.BAD_SHEET, messages.perhaps_department(name, headers[near[0]], column_letter(near[0])))


def _suffice(columns: Container[str | None]) -> bool:
    """Whether rows with these columns can ask for something."""
    return _DEPARTMENT in columns or (_UNIT in columns and any(column in columns for column in ABOUT_UNIT))


def _headers_further_down(grid: Grid) -> int:
    """The row among the first 20 that would do as the row of headers; 0 if there is none."""
    return next((row for row, texts in _first_rows(grid) if _suffice(set(map(column_meant, texts)))), 0)


def _near_headers_further_down(grid: Grid) -> int:
    """The same for headers that only come near, of which there are several below a title; 0 if there are none."""
    titles = [header for header in grid.headers if header]
    if len(titles) > 1 or any(map(reminds, titles)):
        return 0
    return next((row for row, texts in _first_rows(grid) if sum(map(reminds, texts)) > 1), 0)


def _first_rows(grid: Grid) -> Iterator[tuple[int, list[str]]]:
    """The first rows below the headers, each with its number and all of its texts."""
    numbers = grid.numbers.slice(0, _FIRST_ROWS - 1).to_pylist()
    cells = [column.slice(0, len(numbers)).to_pylist() for column in grid.columns]
    for place, row in enumerate(numbers):
        if row > grid.header_row + _FIRST_ROWS:
            break
        yield int(row), [column[place] for column in cells] + [text for _, text in grid.beyond.get(row, ())]


def _telling(header: str, index: int, meant: Mapping[str, int]) -> str:
    """The warning that a header which is not read looks like one that could be; blank if it does not."""
    column = one_letter_off(header)
    if column and column not in meant:
        return messages.near_header(header, column, column_letter(index))
    others = tuple(column for column in columns_by_other_words(header) if column not in meant)
    reminds_of = columns_in_short(header) or columns_by_words(header) or others
    if not reminds_of:
        return ""
    read_from = {column: column_letter(place) for column, place in meant.items()}
    return messages.telling_header(header, column_letter(index), reminds_of, read_from)


def _outcome_column(grid: Grid, index: int) -> OutcomeColumn:
    texts = grid.columns[index].to_pandas()
    texts.index = np.asarray(grid.numbers)
    return OutcomeColumn(letter=column_letter(index), header=grid.headers[index], texts=texts)


def _column(grid: Grid, index: int, columns: _Columns) -> pa.ChunkedArray:
    """The column's text: of those that mean something without blanks at the ends, of count and order the number itself."""
    texts = grid.columns[index]
    if index not in columns.meant.values():
        return texts
    if grid.exact and any(columns.meant.get(column) == index for column in _NUMBERS):
        rows = {row: position for position, row in enumerate(grid.numbers.to_pylist())}
        values = texts.to_pylist()
        for (row, column), number in grid.exact.items():
            if column == index and row in rows:
                values[rows[row]] = number
        texts = pa.chunked_array([values], pa.string())
    return stripped_column(texts)


def _unnamed_and_empty(headers: Sequence[str], texts: Mapping[int, pa.ChunkedArray]) -> set[int]:
    """The last columns, as far as they have neither header nor text: what is left of commas that a program writes for formatted cells."""
    empty: set[int] = set()
    for index in sorted(texts, reverse=True):
        if headers[index] or any(map(stripped, texts[index].unique().to_pylist())):
            break
        empty.add(index)
    return empty


def _flaws(grid: Grid, name: str, meant: Mapping[str, int]) -> tuple[Problem, ...]:
    headers = {index: column for column, index in meant.items()}
    if sum(odd.column in headers for odd in grid.oddities) > MOST_FLAWS:
        raise Stop(Exit.BAD_SHEET, size_messages.too_many_flaws(name, MOST_FLAWS))
    width = max((index for index, header in enumerate(grid.headers) if header), default=0) + 1
    rows = set(grid.numbers.to_pylist()) if grid.oddities else set()
    found = [
        Problem(row=row, column="", cell="", value="", code=Code.RAGGED_ROW, message=row_messages.too_short(cells, width))
        for row, cells in grid.too_short.items()
    ]
    found += [
        Problem(
            row=row, column="", cell=f"{column_letter(index)}{row}", value=text, code=Code.RAGGED_ROW, message=row_messages.beyond(text)
        )
        for row, ((index, text), *_) in grid.beyond.items()
    ]
    found += [
        Problem(
            row=odd.row,
            column=headers[odd.column],
            cell=f"{column_letter(odd.column)}{odd.row}",
            value=odd.text,
            code=odd.code,
            message=row_messages.odd_cell(odd.code, odd.text),
        )
        for odd in grid.oddities
        if odd.column in headers and odd.row in rows
    ]
    return tuple(sorted(found, key=lambda problem: problem.row))
