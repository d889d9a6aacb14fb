"""The valid rows of a sheet as `Assignment`s, made only while somebody walks through them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, overload

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.records import DEPARTMENT_COLUMNS, UNIT_COLUMNS, Assignment

_TEXTS = ("department", "unit", "agent")
_OTHERS = ("row", "count", "order", "removes")
#: So many rows at a time become Python values.
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Assignments(Sequence[Assignment]):
    """One assignment per row of ``table``; equal to any sequence of the same assignments."""

    table: pa.Table
    """Columns row, department, unit, agent (text), count, order (null where blank), removes.

    Where the sheet has them also monitor (text), and those of `DEPARTMENT_COLUMNS` and `UNIT_COLUMNS` (values, null where blank).
    """

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Assignment]:
        known: dict[object, object] = {}
        for start in range(0, len(self), _ROWS_AT_ONCE):
            piece = self.table.slice(start, _ROWS_AT_ONCE)
            # Equal texts become one: a department stands in many rows, and its name is kept with each.
            columns = [[known.setdefault(value, value) for value in piece[name].to_pylist()] for name in _TEXTS]
            columns += [piece[name].to_pylist() for name in _OTHERS]
            monitors = piece["monitor"].to_pylist() if "monitor" in piece.column_names else repeat("", len(piece))
            fields = _fields(piece, DEPARTMENT_COLUMNS), _fields(piece, UNIT_COLUMNS)
            for department, unit, agent, row, count, order, removes, monitor, its, unit_its in zip(
                *columns, monitors, *fields, strict=True
            ):
                yield Assignment(
                    row=row,
                    department=department,
                    unit=unit,
                    agent=agent,
                    count=count,
                    order=order,
                    removes=removes,
                    monitor=monitor,
                    department_fields=its,
                    unit_fields=unit_its,
                )

    @overload
    def __getitem__(self, index: int) -> Assignment: ...

    @overload
    def __getitem__(self, index: slice) -> "Assignments": ...

    def __getitem__(self, index: int | slice) -> "Assignment | Assignments":
        if isinstance(index, slice):
            return Assignments(self.table.take(list(range(*index.indices(len(self))))))
        position = range(len(self))[index]
        return next(iter(Assignments(self.table.slice(position, 1))))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as of other sequences that compare by their items


def _fields(piece: pa.Table, columns: Mapping[str, str]) -> Iterable[tuple[tuple[str, Any], ...]]:
    """Of each row what the columns ask for, by the server's names of the fields."""
    present = [name for name in columns if name in piece.column_names]
    if not present:
        return repeat((), len(piece))
    fields = [columns[name] for name in present]
    rows = zip(*(piece[name].to_pylist() for name in present), strict=True)
    return [tuple((field, value) for field, value in zip(fields, values, strict=True) if value is not None) for values in rows]
