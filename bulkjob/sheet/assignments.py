"""The valid rows of a sheet as `Assignment`s, made only while somebody walks through them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.records import Assignment

#: So many rows at a time become Python values.
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Assignments(Sequence[Assignment]):
    """One assignment per row of ``table``; equal to any sequence of the same assignments."""

    table: pa.Table
    """Columns row, department, unit, agent (text), count, order (null where blank), removes."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Assignment]:
        for start in range(0, len(self), _ROWS_AT_ONCE):
            columns = [column.to_pylist() for column in self.table.slice(start, _ROWS_AT_ONCE).columns]
            for row, department, unit, agent, count, order, removes in zip(*columns, strict=True):
                yield Assignment(row=row, department=department, unit=unit, agent=agent, count=count, order=order, removes=removes)

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
