"""No secret comes in with a sheet: where a cell, a header or a name holds one, ``***`` takes its place before anything else sees it.

A cell that is read is then no good, as ``***`` would be looked for, or written, in the place of what was meant.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.settings import Mask
from bulkjob.sheet.formats.grid import Grid, Oddity
from bulkjob.vocabulary import Code

#: Bytes of a column that are looked at together, and how many of them once more with those that follow: longer than any spelling.
_AT_ONCE: Final = 2**17
_OVERLAP: Final = 2**14


#: Texts that are looked at together.
_TEXTS: Final = 500


def without_secrets(grid: Grid, mask: Mask) -> Grid:
    """The grid as the rest of the program may see it."""
    columns = [_masked_column(column, mask) for column in grid.columns]
    beyond = [text for texts in grid.beyond.values() for _, text in texts]
    shown = dict(zip(beyond, _masked(beyond, mask), strict=True))
    return replace(
        grid,
        headers=tuple(_masked(grid.headers, mask)),
        columns=tuple(columns),
        sheet_name=mask.text(grid.sheet_name),
        beyond={row: tuple((column, shown[text]) for column, text in texts) for row, texts in grid.beyond.items()},
        oddities=(*(replace(odd, text=mask.text(odd.text)) for odd in grid.oddities), *_oddities(grid, columns)),
        exact=dict(zip(grid.exact, _masked(grid.exact.values(), mask), strict=True)),
        unfit=mask.text(grid.unfit),
        notes=tuple(map(mask.text, grid.notes)),
        warnings=tuple(map(mask.text, grid.warnings)),
    )


def _masked(texts: Iterable[str], mask: Mask) -> list[str]:
    """The texts without secrets; a number of them is looked at together, as most have none."""
    masked: list[str] = []
    texts = list(texts)
    for at in range(0, len(texts), _TEXTS):
        some = texts[at : at + _TEXTS]
        masked += map(mask.text, some) if mask.suspects(" ".join(some).encode("utf-8", "surrogatepass")) else some
    return masked


def _masked_column(column: pa.ChunkedArray, mask: Mask) -> pa.ChunkedArray:
    if not any(_is_suspect(chunk, mask) for chunk in column.chunks):
        return column
    return pa.chunked_array([_masked(column.to_pylist(), mask)], column.type)


def _oddities(grid: Grid, columns: Sequence[pa.ChunkedArray]) -> Iterator[Oddity]:
    """The cells that are others now."""
    for index, (before, after) in enumerate(zip(grid.columns, columns, strict=True)):
        if after is not before:
            for row, was, text in zip(grid.numbers.to_pylist(), before.to_pylist(), after.to_pylist(), strict=True):
                if was != text:
                    yield Oddity(row=row, column=index, code=Code.BAD_VALUE, text=text)


def _is_suspect(chunk: pa.Array, mask: Mask) -> bool:
    """Whether a text of the column may hold a secret, by the bytes of all of them, one behind the other."""
    if not (data := chunk.buffers()[-1]):
        return False
    return any(mask.suspects(data[at : at + _AT_ONCE + _OVERLAP].to_pybytes()) for at in range(0, len(data), _AT_ONCE))
