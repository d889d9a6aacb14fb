"""The cells of an `.xlsx` worksheet many at a time, for XML as spreadsheet programs write it.

Every tag of the rows has to be accounted for: a row, an empty cell, or a cell of a shape that is known here; other cells go to the same
`XmlReader` that reads the whole worksheet where this refuses (`OtherXmlError`). So both ways come to the same cells.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet.columns import stripped_column
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.bounds import LARGEST_WHOLE_PART, LAST_ROW, LONGEST_ROW, MOST_COLUMNS
from bulkjob.sheet.formats.cells import Cells, Integers, Surroundings
from bulkjob.sheet.formats.markup import (
    Mask,
    OtherXmlError,
    Tags,
    attributes_of,
    require_utf8,
    rows_of,
    texts_of,
    unescaped,
    with_line_ends,
)
from bulkjob.sheet.formats.numbers import PLAIN_WHOLE
from bulkjob.sheet.formats.xlsx_cells import PLAIN_STYLE, Workbook, XmlReader, unescaped_units

_BEGIN, _END, _ROW_END = b"<sheetData>", b"</sheetData>", b"</row>"
#: With one of these a row says that it is not hidden.
_NO: Final = (b"0", b"false")


def read_at_once(archive: Archive, part: str, workbook: Workbook, cells: Cells, around: Surroundings) -> None:
    """Keeps the worksheet's cells; raises `OtherXmlError` where that is not certain to be right."""
    stream = archive.chunks(part)
    head, body = _head(stream)
    last = 0
    ended = False
    searched = 0
    while not ended:
        place = body.find(_END, max(searched - len(_END), 0))
        ended = place >= 0
        cut = place if ended else body.rfind(_ROW_END, max(searched - len(_ROW_END), 0)) + len(_ROW_END)
        if ended or cut >= len(_ROW_END):
            last = _Rows.of(with_line_ends(bytes(body[:cut]))).keep(archive, workbook, cells, around, after=last)
            del body[:cut]
        searched = len(body)
        if not ended:
            chunk = next(stream, b"")
            if not chunk or len(body) > LONGEST_ROW:
                raise OtherXmlError
            body += chunk
    rest = bytes(body) + b"".join(stream)
    if b"<!" in rest or b"<?" in rest:
        raise OtherXmlError
    # What stands around the rows is XML like any other once they are gone.
    reader = XmlReader(cells, around, workbook)
    archive.walk(iter((head + _BEGIN, rest)), reader.start, reader.end, reader.text)


def _head(stream: Iterator[bytes]) -> tuple[bytes, bytearray]:
    """What stands before the rows, and the beginning of the rows."""
    data = bytearray()
    searched = 0
    for chunk in stream:
        data += chunk
        place = data.find(_BEGIN, max(searched - len(_BEGIN), 0))
        if place >= 0:
            head = bytes(data[:place])
            require_utf8(head)
            if b"<!" in head or b"<worksheet" not in head:
                raise OtherXmlError
            return head, data[place + len(_BEGIN) :]
        searched = len(data)
        if searched > LARGEST_WHOLE_PART:
            break
    raise OtherXmlError


#: A cell that holds nothing but its value; one with a formula before it; one whose text is its own. What its tags begin with, and where the
#: text begins among them.
_SHAPES: Final = (
    ((b"v>", b"/v>", b"/c>"), 1),
    ((b"f", b"/f>", b"v>", b"/v>", b"/c>"), 3),
    ((b"is>", b"t", b"/t>", b"/is>", b"/c>"), 2),
)
_WITH_VALUE, _WITH_FORMULA, _WITH_OWN_TEXT, _OTHER, _EMPTY = range(5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Some whole rows; what is said of cells comes in their order."""

    tags: Tags
    cells: Integers
    """Each cell's first tag."""
    shapes: Integers
    """`_WITH_VALUE` and so on."""
    ends: Integers
    """Each cell's last tag."""
    columns: Integers
    rows: Integers
    numbers: Integers
    """Of the rows themselves."""
    attributes: list[bytes]
    """What the cells' first tags say behind the reference, each once."""
    codes: Integers
    """Which of these each cell's says."""
    hidden: Integers
    """The first tags of the rows that are hidden, or may be."""

    @classmethod
    def of(cls, data: bytes) -> "_Rows":
        """The rows of this XML; raises `OtherXmlError` unless every tag has its place."""
        tags = Tags(data)
        row_opens = tags.element(b"row")
        cells, parents = np.flatnonzero(tags.element(b"c")), np.flatnonzero(row_opens)
        shapes, ends = _shapes(tags, cells)
        within = rows_of(tags, cells, ends, row_opens, tags.named(b"/row>"))
        numbers, numbers_end = _numbers(tags, parents)
        columns, letters_end = _columns(tags, cells)
        # With the mark behind it a row's number has eight bytes at most, and each of its cells' references ends with the same ones.
        begins = tags.starts[parents] + len('<row r="')
        lengths = numbers_end - begins
        if not np.array_equal(tags.words(letters_end, lengths[within]), tags.words(begins, lengths)[within]):
            raise OtherXmlError
        said_of_rows, each = tags.different(numbers_end, tags.ends[parents] - tags.closed[parents])
        may_hide = [attributes_of(text, b"r").get(b"hidden", b"0") not in _NO for text in said_of_rows]
        for name in (b"f", b"t"):
            inner = np.flatnonzero(tags.element(name))
            tags.require_attributes(inner, tags.starts[inner] + 1 + len(name))
        attributes, codes = tags.different(letters_end + lengths[within], tags.ends[cells] - tags.closed[cells])
        return cls(
            tags=tags,
            cells=cells,
            shapes=shapes,
            ends=ends,
            columns=columns,
            rows=numbers[within],
            numbers=numbers,
            attributes=attributes,
            codes=codes,
            hidden=parents[np.array(may_hide, np.bool_)[each]],
        )

    def keep(self, archive: Archive, workbook: Workbook, cells: Cells, around: Surroundings, *, after: int) -> int:
        """Keeps all cells; returns the number of the last row, as ``after`` is that of the last row before these."""
        places = self.rows * MOST_COLUMNS + self.columns
        if np.any(places[1:] <= places[:-1]) or np.any(np.diff(self.numbers, prepend=after) <= 0):
            raise OtherXmlError
        meanings = [_kind_and_style(text) for text in self.attributes]
        codes = self.codes
        kinds = np.array([kind for kind, _ in meanings], dtype=object)
        is_plain = np.array([kind in ("", "n") and workbook.style(style) == PLAIN_STYLE for kind, style in meanings], np.bool_)
        has_value = self.shapes <= _WITH_FORMULA
        left = self.shapes < _EMPTY
        left &= ~self._keep_shared(workbook, cells, (has_value & (kinds == "s")[codes]).nonzero()[0])
        # A 0 that only keeps the place of a formula's result is for the reader to tell.
        is_certain = self.shapes == _WITH_VALUE if workbook.is_uncalculated else has_value
        left &= ~self._keep_plain(cells, (is_certain & is_plain[codes]).nonzero()[0])
        own = (self.shapes == _WITH_OWN_TEXT) & (kinds == "inlineStr")[codes]
        left &= ~self._keep_texts(cells, (own | (has_value & (kinds == "str")[codes])).nonzero()[0])
        self._keep_others(archive, XmlReader(cells, around, workbook), left)
        return int(self.numbers[-1]) if len(self.numbers) else after

    def _values(self, indices: Integers) -> tuple[Integers, Integers]:
        """Where the text of each of these cells begins and ends."""
        first = self.cells[indices] + np.array([begins for _, begins in _SHAPES])[self.shapes[indices]]
        return self.tags.ends[first] + 1, self.tags.starts[first + 1]

    def _done(self, indices: Integers) -> Mask:
        done: Mask = np.zeros(len(self.cells), np.bool_)
        done[indices] = True
        return done

    def _keep_shared(self, workbook: Workbook, cells: Cells, indices: Integers) -> Mask:
        """Keeps the cells whose value is the number of a string, as far as it is written with digits only."""
        starts, ends = self._values(indices)
        numbers, digits_end = self.tags.digits(starts, 9)
        sound = (digits_end == ends) & (ends > starts) & (numbers < len(workbook.strings))
        indices, numbers = indices[sound], numbers[sound]
        cells.expect_text(int(workbook.sizes[numbers].sum()))
        cells.add(self.columns[indices], self.rows[indices], workbook.strings.take(pa.array(numbers)))
        return self._done(indices)

    def _keep_plain(self, cells: Cells, indices: Integers) -> Mask:
        """Keeps the cells whose number is written as a cell without a format shows it."""
        texts, marked = texts_of(self.tags.segments(*self._values(indices)))
        sound = ~marked & np.asarray(pc.match_substring_regex(texts, PLAIN_WHOLE))
        indices = indices[sound]
        cells.add(self.columns[indices], self.rows[indices], texts.filter(pa.array(sound)))
        return self._done(indices)

    def _keep_texts(self, cells: Cells, indices: Integers) -> Mask:
        """Keeps the cells that hold their text themselves; those without one are left where a formula may have no result."""
        texts = plain_texts(self.tags.segments(*self._values(indices)))
        sound = np.asarray(pc.not_equal(texts, ""))
        indices = indices[sound]
        cells.add(self.columns[indices], self.rows[indices], texts.filter(pa.array(sound)))
        return self._done(indices)

    def _keep_others(self, archive: Archive, reader: XmlReader, left: Mask) -> None:
        """Keeps the cells that are like none of the many, and takes note of hidden rows."""
        hidden = (self.tags.fragment(row, row) for row in self.hidden.tolist())
        pieces = [b"</row>" + (tag[:-2] + b">" if tag.endswith(b"/>") else tag) for tag in hidden]
        number = 0
        for index in np.flatnonzero(left).tolist():
            if self.rows[index] != number:
                number = int(self.rows[index])
                pieces.append(b'</row><row r="%d">' % number)
            pieces.append(self.tags.fragment(int(self.cells[index]), int(self.ends[index])))
        if pieces:
            xml = b"<sheetData><row>", *pieces, b"</row></sheetData>"
            archive.walk(iter((b"".join(xml),)), reader.start, reader.end, reader.text)


def _numbers(tags: Tags, rows: Integers) -> tuple[Integers, Integers]:
    """The number that each row begins with, and where what it says besides begins; raises `OtherXmlError` unless all have one."""
    numbers, ends = tags.digits(tags.starts[rows] + len('<row r="'), 7)
    if not (tags.named(b'row r="')[rows].all() and tags.quotes_at(ends) and np.all((numbers > 0) & (numbers <= LAST_ROW))):
        raise OtherXmlError
    return numbers, ends + 1


def _columns(tags: Tags, cells: Integers) -> tuple[Integers, Integers]:
    """The column that each cell's reference begins with, and where its letters end; raises `OtherXmlError` unless all have one."""
    columns, ends = tags.letters(tags.starts[cells] + len('<c r="'), 3)
    if not (tags.named(b'c r="')[cells].all() and np.all((columns > 0) & (columns <= MOST_COLUMNS))):
        raise OtherXmlError
    return columns - 1, ends


def plain_texts(segments: pa.Array) -> pa.Array:
    """The segments as people saw them: references and ``_x000D_`` replaced, blank ones as nothing."""
    texts, marked = texts_of(segments, ("_x",))
    if marked.any():
        mended = [unescaped_units(unescaped(text)) for text in texts.filter(pa.array(marked)).to_pylist()]
        texts = pc.replace_with_mask(texts, pa.array(marked), pa.array(mended, pa.string()))
    return pc.if_else(pc.equal(stripped_column(texts), ""), "", texts)


def _shapes(tags: Tags, cells: Integers) -> tuple[Integers, Integers]:
    """The shape and the last tag of each cell."""
    shapes, ends = np.where(tags.closed[cells], _EMPTY, _OTHER), cells.copy()
    beyond = np.zeros(8, np.bool_)
    left = np.flatnonzero(~tags.closed[cells])
    for shape, (names, _) in enumerate(_SHAPES):
        if not len(left):
            break
        fits = np.ones(len(left), np.bool_)
        for offset, name in enumerate(names, start=1):
            mask = tags.named(name) if name.endswith(b">") else tags.element(name) & ~tags.closed
            fits &= np.concatenate([mask, beyond])[cells[left] + offset]
        shapes[left[fits]], ends[left[fits]] = shape, cells[left[fits]] + len(names)
        left = left[~fits]
    closing = np.append(np.flatnonzero(tags.named(b"/c>")), len(tags))
    ends[left] = closing[np.searchsorted(closing, cells[left])]
    return shapes, ends


def _kind_and_style(attributes: bytes) -> tuple[str, str]:
    """What ``t`` and ``s`` say in the rest of a cell's first tag."""
    named = attributes_of(attributes, b"r")
    return named.get(b"t", b"").decode(), named.get(b"s", b"").decode()
