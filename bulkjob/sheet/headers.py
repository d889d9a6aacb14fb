"""A `Grid` becomes a `Sheet`: which header means which column, what is dropped, which cells are flawed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.records import OutcomeColumn, Problem, Sheet
from bulkjob.sheet import messages
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.text import column_letter, header_key, one_letter_off, stripped, stripped_column
from bulkjob.vocabulary import OUTCOME_COLUMNS, SHEET_COLUMNS, Code, Exit, Stop

_OUTCOME_KEYS = frozenset(map(header_key, OUTCOME_COLUMNS))
_NUMBERS = ("count", "order")


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
    columns = _columns(grid.headers, name)
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
        notes=(*grid.notes, *columns.notes),
        warnings=(*grid.warnings, *columns.warnings),
        flaws=_flaws(grid, columns.meant),
    )


def _columns(headers: Sequence[str], name: str) -> _Columns:
    meant: dict[str, int] = {}
    kept: list[int] = []
    dropped: list[int] = []
    others: list[tuple[int, str]] = []
    for index, header in enumerate(headers):
        key = header_key(header)
        if key in _OUTCOME_KEYS:
            dropped.append(index)
            continue
        kept.append(index)
        if key not in SHEET_COLUMNS:
            others.append((index, key))
        elif key in meant:
            first = meant[key]
            both = (column_letter(first), headers[first]), (column_letter(index), header)
            raise Stop(Exit.BAD_SHEET, messages.same_column_twice(name, key, *both))
        else:
            meant[key] = index
    for index, key in others:
        singular = key.removesuffix("s")
        if singular != key and singular in SHEET_COLUMNS and singular not in meant:
            raise Stop(Exit.BAD_SHEET, messages.plural_header(name, headers[index], singular, column_letter(index)))
    near = [(index, column) for index, key in others if (column := one_letter_off(key)) and column not in meant]
    if "department" not in meant:
        hint = next((headers[index] for index, column in near if column == "department"), None)
        raise Stop(Exit.BAD_SHEET, messages.no_department(name, headers, hint))
    return _Columns(
        kept=tuple(kept),
        dropped=tuple(dropped),
        meant={column: meant[column] for column in SHEET_COLUMNS if column in meant},
        warnings=tuple(messages.near_header(headers[index], column, column_letter(index)) for index, column in near),
        notes=(messages.dropped_columns([headers[index] for index in dropped]),) if dropped else (),
    )


def _outcome_column(grid: Grid, index: int) -> OutcomeColumn:
    texts = grid.columns[index].to_pandas()
    texts.index = np.asarray(grid.numbers)
    return OutcomeColumn(letter=column_letter(index), header=grid.headers[index], texts=texts)


def _column(grid: Grid, index: int, columns: _Columns) -> pa.ChunkedArray:
    """The column's text: of the six columns without blanks at the ends, of count and order the number itself."""
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


def _flaws(grid: Grid, meant: Mapping[str, int]) -> tuple[Problem, ...]:
    headers = {index: column for column, index in meant.items()}
    width = max((index for index, header in enumerate(grid.headers) if header), default=0) + 1
    rows = set(grid.numbers.to_pylist()) if grid.oddities else set()
    found = [
        Problem(row=row, column="", cell="", value="", code=Code.RAGGED_ROW, message=messages.too_short(cells, width))
        for row, cells in grid.too_short.items()
    ]
    found += [
        Problem(row=row, column="", cell=f"{column_letter(index)}{row}", value=text, code=Code.RAGGED_ROW, message=messages.beyond(text))
        for row, ((index, text), *_) in grid.beyond.items()
    ]
    found += [
        Problem(
            row=odd.row,
            column=headers[odd.column],
            cell=f"{column_letter(odd.column)}{odd.row}",
            value=odd.text,
            code=odd.code,
            message=messages.odd_cell(odd.code, odd.text),
        )
        for odd in grid.oddities
        if odd.column in headers and odd.row in rows
    ]
    return tuple(sorted(found, key=lambda problem: problem.row))
