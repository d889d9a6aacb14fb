"""CSV into a `Grid`: encoding, delimiter, true row numbers.

Two ways through the same file: Arrow's parser where a look at the bytes shows that nothing can go wrong (no quotes, and
Arrow itself refuses rows of unequal length), else the standard library's in strict mode. A row is a record, not a line:
that is what spreadsheet programs count.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.csv as pacsv  # type: ignore[import-untyped]

from bulkjob.sheet import messages
from bulkjob.sheet.apostrophe import take_off_guard, take_off_guard_column
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.text import header_key, stripped, stripped_column
from bulkjob.vocabulary import SHEET_COLUMNS, Exit, Stop

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32-be", "UTF-32"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
)
#: Excel's own hint, on a line before the headers that it neither shows nor counts.
_SEP_LINE = re.compile(rb'"?sep=([,;\t])"?(?:\r\n|\n|\r)', re.IGNORECASE)
#: So many rows at a time pass through Python lists: few enough to stay in the processor's cache.
_ROWS_AT_ONCE = 20_000
#: Of a cell, in characters: none. The file has a bound, and strict mode finds the quotation mark that was never closed.
_LONGEST_CELL = 2**31 - 1


def read_csv(data: bytes, name: str, *, max_rows: int) -> Grid:
    """The file's rows as text; raises `Stop` where there are none to read."""
    text, encoding = _as_utf8(data, name)
    text, delimiter = _delimiter(text, name)
    records = _records(text, delimiter, name)
    header_row, headers = next(((row, cells) for row, cells in enumerate(records, start=1) if any(map(stripped, cells))), (0, []))
    if not header_row:
        raise Stop(Exit.BAD_SHEET, messages.empty(name))
    headers = [stripped(take_off_guard(header)) for header in headers]
    notes = (f"read as {encoding}, cells separated by {DELIMITERS[delimiter]}",)
    grid = None
    if header_row == 1:
        grid = _at_once(text, delimiter, headers, notes, max_rows)
    return grid or _record_by_record(records, header_row=header_row, headers=headers, notes=notes, name=name, max_rows=max_rows)


def _as_utf8(data: bytes, name: str) -> tuple[bytes, str]:
    """The text in UTF-8 without a byte order mark, and what the encoding was, in words."""
    for mark, codec, words in _BOMS:
        if data.startswith(mark):
            body = data[len(mark) :]
            try:
                decoded = body.decode(codec)
            except UnicodeDecodeError:
                raise Stop(Exit.BAD_SHEET, messages.garbage(name)) from None
            text, encoding = (body if codec == "utf-8" else decoded.encode()), f"{words} with byte order mark"
            break
    else:
        try:
            data.decode()
        except UnicodeDecodeError:
            try:
                text, encoding = data.decode("cp1252").encode(), "Windows-1252 (the file is not UTF-8; check names with accents)"
            except UnicodeDecodeError:
                raise Stop(Exit.BAD_SHEET, messages.garbage(name)) from None
        else:
            text, encoding = data, "UTF-8"
    if b"\x00" in text:
        raise Stop(Exit.BAD_SHEET, messages.garbage(name))
    return text, encoding


def _delimiter(text: bytes, name: str) -> tuple[bytes, str]:
    """The text without Excel's ``sep=`` line, and what separates its cells: of the three, the one that gives the best header row."""
    if announced := _SEP_LINE.match(text):
        return text[announced.end() :], announced[1].decode()
    known = set(SHEET_COLUMNS)
    best = (-1, -1, ",")
    for delimiter in DELIMITERS:
        try:
            headers = next((cells for cells in _records(text, delimiter, name) if any(stripped(cell.strip(";,\t")) for cell in cells)), [])
        except Stop:
            continue
        score = (len(known & {header_key(take_off_guard(header)) for header in headers}), len(headers))
        if score > best[:2]:
            best = (*score, delimiter)
    return text, best[2]


def _records(text: bytes, delimiter: str, name: str) -> Iterator[list[str]]:
    """Each record, blank ones included."""
    csv.field_size_limit(_LONGEST_CELL)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    row = 0
    try:
        for row, cells in enumerate(csv.reader(lines, delimiter=delimiter, strict=True), start=1):  # noqa: B007  # needed where the reader gives up
            yield cells
    except csv.Error:
        raise Stop(Exit.BAD_SHEET, messages.broken_quotes(name, row + 1)) from None


def _at_once(text: bytes, delimiter: str, headers: list[str], notes: tuple[str, ...], max_rows: int) -> Grid | None:
    """The grid by Arrow's parser; None where the file has something that only the careful way reads right."""
    start = _end_of_line(text, 0)
    body = memoryview(text)[start:]
    end = len(body)
    while end and body[end - 1] in b"\r\n":
        end -= 1
    if not end or b'"' in text or bytes(body[:3]) == _BOMS[0][0] or text.count(b"\n", start) > max_rows or len(headers) == 1:
        return None
    names = [str(index) for index in range(len(headers))]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(pa.py_buffer(body[:end])),
            read_options=pacsv.ReadOptions(column_names=names),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, quote_char=False, double_quote=False, escape_char=False, ignore_empty_lines=False
            ),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        # Rows of unequal length, a blank line, a row larger than Arrow's block.
        return None
    columns = tuple(table.columns)
    numbers = pa.array(np.arange(2, table.num_rows + 2))
    if (blank := _blank_rows(columns)) is not None:
        filled = pc.invert(blank)
        numbers, columns = numbers.filter(filled), tuple(column.filter(filled) for column in columns)
    if len(numbers) > max_rows:
        return None
    if b"'" in text:
        columns = tuple(map(take_off_guard_column, columns))
    return Grid(headers=tuple(headers), numbers=numbers, columns=columns, notes=notes)


def _blank_rows(columns: tuple[pa.ChunkedArray | pa.Array, ...]) -> pa.ChunkedArray | pa.Array | None:
    """Which rows are blank; None where none is, as one column mostly shows at once."""
    blank = None
    for column in columns:
        here = pc.equal(stripped_column(column), "")
        blank = here if blank is None else pc.and_(blank, here)
        if not pc.any(blank).as_py():
            return None
    return blank


def _end_of_line(text: bytes, start: int) -> int:
    """Where the line after the one at ``start`` begins."""
    ends = [found for mark in (b"\n", b"\r") if (found := text.find(mark, start)) >= 0]
    if not ends:
        return len(text)
    end = min(ends)
    return end + (2 if text[end : end + 2] == b"\r\n" else 1)


def _record_by_record(
    records: Iterator[list[str]], *, header_row: int, headers: list[str], notes: tuple[str, ...], name: str, max_rows: int
) -> Grid:
    """The grid by the standard library's parser, which has read the header row already."""
    width = len(headers)
    needed = max((index for index, header in enumerate(headers) if header), default=0) + 1
    too_short: dict[int, int] = {}
    beyond: dict[int, tuple[tuple[int, str], ...]] = {}
    numbers: list[pa.Array] = [pa.array([], pa.int64())]
    chunks: list[list[pa.Array]] = [[] for _ in headers]
    first = header_row + 1
    kept = 0
    while rows := list(islice(records, _ROWS_AT_ONCE)):
        for index, cells in enumerate(rows):
            if len(cells) != width:
                if len(cells) < needed and any(map(stripped, cells)):
                    too_short[first + index] = len(cells)
                if extra := tuple((column, cell) for column, cell in enumerate(cells[width:], width) if stripped(cell)):
                    beyond[first + index] = extra
                rows[index] = (cells + [""] * (width - len(cells)))[:width]
        columns = tuple(pa.array([cells[index] for cells in rows], pa.string()) for index in range(width))
        here = pa.array(np.arange(first, first + len(rows)))
        if (blank := _blank_rows(columns)) is not None:
            # A row with nothing but text beyond the headers is not blank.
            filled = pc.or_(pc.invert(blank), pc.is_in(here, pa.array(list(beyond), pa.int64())))
            here, columns = here.filter(filled), tuple(column.filter(filled) for column in columns)
        first += len(rows)
        kept += len(here)
        if kept > max_rows:
            raise Stop(Exit.BAD_SHEET, messages.too_many_rows(name, max_rows))
        numbers.append(here)
        for chunk, column in zip(chunks, columns, strict=True):
            chunk.append(column)
    return Grid(
        headers=tuple(headers),
        numbers=pa.concat_arrays(numbers),
        columns=tuple(take_off_guard_column(pa.chunked_array(chunk, pa.string())) for chunk in chunks),
        header_row=header_row,
        too_short=too_short,
        beyond={row: tuple((column, take_off_guard(text)) for column, text in extra) for row, extra in beyond.items()},
        notes=notes,
    )
