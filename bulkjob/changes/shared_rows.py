"""Rows that several changes share, as all removals do that ``mirror`` makes in one department: looked through, and kept in files, once.

Changes share rows where these are the same tuple and the changes stand one after the other. Rows that are equal and not the same give the
same results; they only cost more.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import is_
from typing import Generic, TypeVar

import msgspec

from bulkjob.changes.change import Change
from bulkjob.changes.kinds import AnyChange, AnyEntry

T = TypeVar("T")
A = TypeVar("A", bound=AnyChange | AnyEntry)


def rows_of(changes: Iterable[Change]) -> set[int]:
    """All rows that ask for any of them."""
    found: set[int] = set()
    find = OncePerRows(found.update)
    for change in changes:
        find(change.rows)
    return found


class OncePerRows(Generic[T]):
    """A function of the rows of changes, called once for all those that share them."""

    def __init__(self, function: Callable[..., T]) -> None:
        self._function = function
        self._last: tuple[tuple[tuple[int, ...], ...], T] | None = None

    def __call__(self, *rows: tuple[int, ...]) -> T:
        """What the function says of the rows of one change, or of several."""
        if self._last is None or len(self._last[0]) != len(rows) or not all(map(is_, self._last[0], rows)):
            self._last = rows, self._function(*rows)
        return self._last[1]


class SharedRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that ask for several changes, as a file holds them."""

    rows: tuple[int, ...]
    changes: tuple[int, ...]
    """By their places in the list beside, from 0."""


def held_once(asking: Sequence[A]) -> tuple[tuple[A, ...], tuple[SharedRows, ...]]:
    """Changes as a file holds them, without the rows that they share, and these rows."""
    runs = ([place for place, _ in run] for _, run in groupby(enumerate(asking), key=lambda each: id(each[1].rows)))
    shared = tuple(SharedRows(rows=asking[places[0]].rows, changes=tuple(places)) for places in runs if len(places) > 1)
    return _with_rows(asking, {place: () for group in shared for place in group.changes}), shared


def given_back(asking: Sequence[A], shared: Iterable[SharedRows]) -> tuple[A, ...]:
    """Changes with the rows that a file holds for several of them. Raises `ValueError` where one of these is not there."""
    rows = {place: group.rows for group in shared for place in group.changes}
    if any(not 0 <= place < len(asking) for place in rows):
        raise ValueError("it holds the rows of a change that is not there")
    return _with_rows(asking, rows)


def _with_rows(asking: Sequence[A], rows: dict[int, tuple[int, ...]]) -> tuple[A, ...]:
    return tuple(msgspec.structs.replace(each, rows=rows[place]) if place in rows else each for place, each in enumerate(asking))
