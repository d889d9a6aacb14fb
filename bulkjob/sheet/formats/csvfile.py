"""CSV into a `Grid`: encoding, delimiter, true row numbers.

Two ways through the same file: Arrow's parser where a look at the bytes shows that nothing can go wrong (no quotes, and
Arrow itself refuses rows of unequal length), else the standard library's in strict mode. A row is a record, not a line:
that is what spreadsheet programs count.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.csv as pacsv  # type: ignore[import-untyped]

from bulkjob.sheet import messages
from bulkjob.sheet.apostrophe import take_off_guard
from bulkjob.sheet.columns import stripped_column, take_off_guard_column
from bulkjob.sheet.formats.bounds import LONGEST_CELL, LONGEST_ROW, MOST_BEYOND, MOST_BLANK_CELLS, MOST_BLANK_ROWS, MOST_CELLS, MOST_COLUMNS
from bulkjob.sheet.formats.encodings import text_of
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.text import BLANKS, column_meant, reminds, stripped
from bulkjob.vocabulary import Exit, Stop

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
#: What other programs put between cells.
_OTHER_DELIMITERS = {"|": "|", "^": "^", "~": "~", "¦": "¦", "\x1f": "the control character U+001F", "\x01": "the control character U+0001"}
#: What may separate cells, and as well the words of one header.
_WITHIN_HEADERS = {":": "colons", "/": "slashes"}
#: Excel's own hint, on a line before the headers that it neither shows nor counts.
_SEP_LINE = re.compile(rb'"?sep=([,;\t])"?(?:\r\n|\n|\r)', re.IGNORECASE)
#: So many rows at a time pass through Python lists: few enough to stay in the processor's cache.
_ROWS_AT_ONCE = 20_000
_CELLS_AT_ONCE = 4_000_000
#: So many pass before it is seen whether they fit.
_FEW_ROWS = 1000
#: Of the beginning, in bytes and rows: where the delimiter is looked for.
_BEGINNING, _FIRST_ROWS = 2**20, 20
#: Of each column in a block, on average, or more.
_BYTES_EACH = 1024
#: Of a row without any header of the table: so many cells are looked at for what only comes near one.
_FEW_HEADERS = 1000
#: Lines are read so many characters at a time.
_BLOCK = 2**18
#: A text as Excel exports it where nothing shall make a number of it: ``="007"``; blanks around it are none of it.
_AS_TEXT = re.compile(rf'[{re.escape(BLANKS)}]*+="([^"]*+(?:""[^"]*+)*+)"[{re.escape(BLANKS)}]*+')
_CONTROL_Z = b"\x1a"
#: Where one is looked for; what may come behind it are a few line ends.
_LAST_BYTES = 100
_BOM = b"\xef\xbb\xbf"


def read_csv(data: bytes, name: str, *, max_rows: int, notes: tuple[str, ...] = ()) -> Grid:
    """The file's rows as text; raises `Stop` where there are none to read."""
    if data.count(b"\n") > max_rows + MOST_BLANK_ROWS and b'"' not in data and b"\x00" not in data:
        raise Stop(Exit.BAD_SHEET, messages.too_many_rows(name, max_rows))
    found = text_of(data)
    if found is None:
        raise Stop(Exit.BAD_SHEET, messages.garbage(name))
    closed = found.utf8[-_LAST_BYTES:].rstrip(b"\r\n").endswith(_CONTROL_Z)
    text, delimiter = _delimiter(found.utf8.rstrip(b"\r\n" + _CONTROL_Z) if closed else found.utf8, name)
    if found.mixed:
        raise Stop(Exit.BAD_SHEET, messages.not_utf8(name, _rows_not_utf8(text, delimiter, name)))
    _require_line_ends(text, name)
    if text.count(delimiter.encode()) > 4 * MOST_CELLS:
        raise Stop(Exit.BAD_SHEET, messages.too_wide(name, 4 * MOST_CELLS))
    records = _records(text, delimiter, name)
    beginning = enumerate(islice(records, MOST_BLANK_ROWS), start=1)
    header_row, headers = next(((row, cells) for row, cells in beginning if any(map(stripped, cells))), (0, []))
    if not header_row:
        raise Stop(Exit.BAD_SHEET, messages.empty(name))
    headers = [stripped(_as_typed(header)) for header in headers]
    notes = (*notes, f"read as {found.encoding}, cells separated by {DELIMITERS[delimiter]}", *([messages.CONTROL_Z] if closed else []))
    grid = None
    if header_row == 1:
        grid = _at_once(text, delimiter, headers, max_rows)
    grid = grid or _record_by_record(records, header_row=header_row, headers=headers, name=name, max_rows=max_rows)
    if len(headers) * len(grid.numbers) > MOST_BLANK_CELLS and sum(map(_blank_cells, grid.columns)) > MOST_BLANK_CELLS:
        raise Stop(Exit.BAD_SHEET, messages.too_many_blank_cells(name, MOST_BLANK_CELLS))
    return replace(grid, notes=notes, warnings=(messages.guessed_encoding(name, found.encoding),) if found.guessed else ())


def _blank_cells(column: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.equal(column, "")).as_py() or 0)


def _require_line_ends(text: bytes, name: str) -> None:
    """Raises `Stop` where a line is far longer than a row can be: a line is held as a whole several times over."""
    for start in range(0, len(text) - LONGEST_ROW, LONGEST_ROW):
        if text.find(b"\n", start, start + LONGEST_ROW) < 0 and text.find(b"\r", start, start + LONGEST_ROW) < 0:
            raise Stop(Exit.BAD_SHEET, messages.row_too_long(name, text.count(b"\n", 0, start) + 1, LONGEST_ROW))


def _delimiter(text: bytes, name: str) -> tuple[bytes, str]:
    """The text without Excel's ``sep=`` line, and what separates its cells: of the three, the one that gives the best header row."""
    if announced := _SEP_LINE.match(text):
        return text[announced.end() :], announced[1].decode()
    scores: dict[str, tuple[int, int, int, int]] = {}
    others = [delimiter for delimiter in _OTHER_DELIMITERS if delimiter.encode() in text[:_BEGINNING]]
    for delimiter in (*DELIMITERS, *others):
        rows = [row for row in _first_rows(text, delimiter) if any(stripped(cell.strip(";,\t")) for cell in row)]
        found = [len({column_meant(_as_typed(header)) for header in row} - {None}) for row in rows]
        # Headers that stand further down still tell what separates them; that they do not come first is for others to say.
        near = 0 if any(found) else max((sum(map(reminds, row[:_FEW_HEADERS])) for row in rows), default=0)
        scores[delimiter] = (found[0] if found else 0, max(found, default=0), near, len(rows[0]) if rows else 0)
    best = max(DELIMITERS, key=scores.__getitem__)
    for other in others:
        if scores[other][1] > max(1, scores[best][1]):
            raise Stop(Exit.BAD_SHEET, messages.other_delimiter(name, _OTHER_DELIMITERS[other]))
    if (scores[best][1], scores[best][3]) == (0, 1) and (
        words := _apart_by(next(row[0] for row in _first_rows(text, best) if any(map(stripped, row))))
    ):
        raise Stop(Exit.BAD_SHEET, messages.other_delimiter(name, words))
    return text, best


def _apart_by(line: str) -> str:
    """What separates the headers in a line that holds none of the table's as it is, in words; blank where nothing does."""
    for delimiter, words in (*_OTHER_DELIMITERS.items(), *_WITHIN_HEADERS.items()):
        headers = [header for header in line.split(delimiter, MOST_COLUMNS) if stripped(header)]
        if len(headers) > 1 and sum(map(reminds, headers)) > (delimiter in _WITHIN_HEADERS):
            return words
    return ""


def _first_rows(text: bytes, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    beginning = text[:_BEGINNING].decode("utf-8", "surrogateescape")
    rows: list[list[str]] = []
    try:
        for row in islice(csv.reader(io.StringIO(beginning, newline=""), delimiter=delimiter, strict=True), _FIRST_ROWS):
            rows.append(row)  # noqa: PERF402  # those before an error count
    except csv.Error:
        # Cut in the middle of a cell, or not separated so; what came before tells enough.
        return rows
    return rows


class _Blocks:
    """The lines of bytes of which some may be no UTF-8, many at a time; ``row`` is the record that is read, as its reader says."""

    def __init__(self, text: bytes, name: str) -> None:
        self._lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", errors="surrogateescape", newline="")
        self._name = name
        self.row = 0

    def __iter__(self) -> Iterator[list[str]]:
        """Some lines at a time; raises `Stop` before a record is held that is far longer than one can be."""
        row = length = 0
        while lines := self._lines.readlines(_BLOCK):
            length = 0 if self.row > row else length + sum(map(len, lines))
            row = self.row
            if length > LONGEST_ROW:
                raise Stop(Exit.BAD_SHEET, messages.row_too_long(self._name, row + 1, LONGEST_ROW))
            yield lines


def _records(text: bytes, delimiter: str, name: str) -> Iterator[list[str]]:
    """Each record, blank ones included; raises `Stop` where the quotation marks do not match, or for one of too many cells."""
    csv.field_size_limit(LONGEST_CELL)
    blocks = _Blocks(text, name)
    row = 0
    try:
        for row, cells in enumerate(csv.reader(chain.from_iterable(blocks), delimiter=delimiter, strict=True), start=1):
            blocks.row = row
            if len(cells) > MOST_COLUMNS:
                raise Stop(Exit.BAD_SHEET, messages.too_many_columns(name, MOST_COLUMNS))
            yield cells
    except csv.Error as error:
        too_long = "field limit" in str(error)
        sentence = messages.endless_cell(name, row + 1, LONGEST_CELL) if too_long else messages.broken_quotes(name, row + 1)
        raise Stop(Exit.BAD_SHEET, sentence) from None


def _rows_not_utf8(text: bytes, delimiter: str, name: str) -> list[int]:
    """The rows with bytes that are not UTF-8."""
    records = enumerate(_records(text, delimiter, name), start=1)
    return [row for row, cells in records if any(not cell.isascii() and _NOT_UTF8.search(cell) for cell in cells)]


#: What stands for such a byte in the text.
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def _as_typed(text: str) -> str:
    """The cell's text without what a program has put around it."""
    as_text = _AS_TEXT.fullmatch(text)
    return as_text[1].replace('""', '"') if as_text else take_off_guard(text)


def _as_typed_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """`_as_typed` of each text."""
    # Piece by piece: as Python's, all texts of a column would take several times the memory.
    return pa.chunked_array([_as_typed_piece(piece) for piece in column.chunks], pa.string())


def _as_typed_piece(piece: pa.Array) -> pa.Array:
    typed = take_off_guard_column(piece)
    formulas = pc.match_substring(piece, '="')
    if not pc.any(formulas).as_py():
        return typed
    return pc.replace_with_mask(typed, formulas, pa.array(map(_as_typed, piece.filter(formulas).to_pylist()), pa.string()))


def _at_once(text: bytes, delimiter: str, headers: list[str], max_rows: int) -> Grid | None:
    """The grid by Arrow's parser; None where the file has something that only the careful way reads right."""
    start = _end_of_line(text, 0)
    body = memoryview(text)[start:]
    end = len(body)
    while end and body[end - 1] in b"\r\n":
        end -= 1
    lines = text.count(b"\n", start)
    if not end or b'"' in text or bytes(body[:3]) == _BOM or lines > max_rows or len(headers) == 1:
        return None
    names = [str(index) for index in range(len(headers))]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(_own_copy(body[:end])),
            # Each block becomes a piece of each column: with many columns, small blocks would make more of pieces than of text.
            read_options=pacsv.ReadOptions(column_names=names, block_size=max(2**20, _BYTES_EACH * len(names))),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, quote_char=False, double_quote=False, escape_char=False, ignore_empty_lines=False
            ),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        # Rows of unequal length, a blank line, a row larger than Arrow's block.
        return None
    columns = tuple(table.columns)
    if any((longest := pc.max(pc.binary_length(column)).as_py()) and longest > LONGEST_CELL for column in columns):
        return None
    numbers = pa.array(np.arange(2, table.num_rows + 2))
    if (blank := _blank_rows(columns)) is not None:
        filled = pc.invert(blank)
        numbers, columns = numbers.filter(filled), tuple(column.filter(filled) for column in columns)
    if len(numbers) > max_rows:
        return None
    if b"'" in text:
        columns = tuple(map(take_off_guard_column, columns))
    return Grid(headers=tuple(headers), numbers=numbers, columns=columns)


def _own_copy(body: memoryview) -> pa.Buffer:
    """The same bytes in Arrow's own memory: its threads let go of them after the reading, and at the program's end of Python's no more."""
    copy = pa.allocate_buffer(len(body))
    np.frombuffer(copy, np.uint8)[:] = np.frombuffer(body, np.uint8)
    return copy


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


class _Fitted:
    """Records as wide as the header row, and what did not fit."""

    def __init__(self, records: Iterator[list[str]], first: int, headers: list[str]) -> None:
        self._records = records
        self._row = first
        self._width = len(headers)
        self._needed = max((index for index, header in enumerate(headers) if header), default=0) + 1
        self.too_short: dict[int, int] = {}
        self.beyond: dict[int, tuple[tuple[int, str], ...]] = {}
        self.many_beyond = 0

    def take(self, most: int) -> list[list[str]]:
        """The next rows, about so many; none at the end, or where too much stands beyond the headers."""
        rows: list[list[str]] = []
        while len(rows) < most and self.many_beyond <= MOST_BEYOND:
            few = list(islice(self._records, _FEW_ROWS))
            if not few:
                break
            rows += few if set(map(len, few)) == {self._width} else [self._fit(row, cells) for row, cells in enumerate(few, self._row)]
            self._row += len(few)
        return rows

    def _fit(self, row: int, cells: list[str]) -> list[str]:
        if len(cells) < self._needed and any(map(stripped, cells)):
            self.too_short[row] = len(cells)
        if extra := tuple((column, _as_typed(cell)) for column, cell in enumerate(cells[self._width :], self._width) if stripped(cell)):
            self.beyond[row] = extra
            self.many_beyond += len(extra)
        return (cells + [""] * (self._width - len(cells)))[: self._width]


def _record_by_record(records: Iterator[list[str]], *, header_row: int, headers: list[str], name: str, max_rows: int) -> Grid:
    """The grid by the standard library's parser, which has read the header row already."""
    width = len(headers)
    fitted = _Fitted(records, header_row + 1, headers)
    numbers: list[pa.Array] = [pa.array([], pa.int64())]
    chunks: list[list[pa.Array]] = [[] for _ in headers]
    first, kept = header_row + 1, 0
    while some := fitted.take(max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // width))):
        columns = tuple(pa.array([cells[index] for cells in some], pa.string()) for index in range(width))
        here = pa.array(np.arange(first, first + len(some)))
        if (blank := _blank_rows(columns)) is not None:
            # A row with nothing but text beyond the headers is not blank.
            filled = pc.or_(pc.invert(blank), pc.is_in(here, pa.array(list(fitted.beyond), pa.int64())))
            here, columns = here.filter(filled), tuple(column.filter(filled) for column in columns)
        first += len(some)
        kept += len(here)
        if kept > max_rows:
            raise Stop(Exit.BAD_SHEET, messages.too_many_rows(name, max_rows))
        if first - header_row - kept > MOST_BLANK_ROWS:
            raise Stop(Exit.BAD_SHEET, messages.too_many_blank_rows(name, MOST_BLANK_ROWS))
        if kept * width > 4 * MOST_CELLS:
            raise Stop(Exit.BAD_SHEET, messages.too_wide(name, 4 * MOST_CELLS))
        numbers.append(here)
        for chunk, column in zip(chunks, columns, strict=True):
            chunk.append(column)
    return Grid(
        headers=tuple(headers),
        numbers=pa.concat_arrays(numbers),
        columns=tuple(_as_typed_column(pa.chunked_array(chunk, pa.string())) for chunk in chunks),
        header_row=header_row,
        too_short=fitted.too_short,
        beyond=fitted.beyond,
        unfit=messages.too_many_beyond(name, MOST_BEYOND) if fitted.many_beyond > MOST_BEYOND else "",
    )
