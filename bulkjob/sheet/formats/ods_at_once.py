"""The rows of an `.ods` worksheet many at a time, for XML as spreadsheet programs write it.

Rows whose cells hold a text or a plain number, or nothing, are read here; every other row goes to the reader that reads the whole document
where this refuses (`OtherXmlError`). So both ways come to the same cells.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet import messages
from bulkjob.sheet.columns import stripped_column
from bulkjob.sheet.formats.bounds import LONGEST_ROW, MOST_COLUMNS
from bulkjob.sheet.formats.cells import Cells, Integers
from bulkjob.sheet.formats.markup import Mask, OtherXmlError, Tags, require_utf8, rows_of, with_line_ends, without_references
from bulkjob.sheet.formats.numbers import lost_digits, number_of, plain
from bulkjob.vocabulary import Exit, Stop

_ROW_BEGIN = re.compile(rb"<table:table-row[ />]")
_ROW_END, _TABLE_END = b"</table:table-row>", b"</table:table>"
_CELL, _COVERED, _ROW = b"table:table-cell", b"table:covered-table-cell", b"table:table-row"
#: (That it begins where the blanks do spares looking at each of a long run of them for the rest of the run.)
_ATTRIBUTE = re.compile(r'(?<!\s)\s++([\w:.-]++)="([^"<&]*+)"')
_MOST_REPEATS: Final = 2**31
_NUMERIC: Final = ("float", "percentage", "currency")
#: The attributes that mean something here, with their usual prefixes.
_PREFIXES: Final = {
    **dict.fromkeys(("number-rows-repeated", "number-columns-repeated", "number-rows-spanned", "formula", "visibility"), "table"),
    **dict.fromkeys(("value-type", "value", "string-value"), "office"),
}
#: Those of LibreOffice's own, which only repeat others.
_ONLY_REPEATING: Final = ("calcext", "loext")


def rows_apart(stream: Iterator[bytes], keep: Callable[[bytes], None]) -> Iterator[bytes]:
    """The document without its rows; ``keep`` gets those, some whole ones at a time, where they stand. Raises `OtherXmlError`."""
    buffer = bytearray(next(stream, b""))
    require_utf8(bytes(buffer[:200]))
    among_rows = False
    while buffer:
        cut = _whole_rows(buffer) if among_rows else _before_rows(buffer)
        if among_rows and cut:
            keep(with_line_ends(bytes(buffer[:cut])))
        elif cut:
            yield bytes(buffer[:cut])
        del buffer[:cut]
        if among_rows and buffer.find(_TABLE_END) >= 0:
            among_rows = False
        elif not among_rows and _ROW_BEGIN.match(buffer):
            among_rows = True
        else:
            chunk = next(stream, b"")
            if not chunk or len(buffer) > LONGEST_ROW:
                break
            buffer += chunk
    if len(buffer) > LONGEST_ROW:
        raise OtherXmlError
    yield bytes(buffer)


def _before_rows(buffer: bytearray) -> int:
    """Where the first row begins; without one, where a tag begins of which the rest is still to come."""
    found = _ROW_BEGIN.search(buffer)
    last = buffer.rfind(b"<")
    cut = found.start() if found else last if last >= 0 else len(buffer)
    if b"<!" in buffer[:cut]:
        raise OtherXmlError
    return cut


def _whole_rows(buffer: bytearray) -> int:
    """Where the last whole row ends, of those before the end of the table."""
    place = buffer.find(_TABLE_END)
    end = buffer.rfind(_ROW_END, 0, place if place >= 0 else len(buffer))
    if end < 0 and place >= 0:
        raise OtherXmlError
    return end + len(_ROW_END) if end >= 0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What the attributes of a cell or row say."""

    repeats: int = 1
    hidden: bool = False
    number: str | None = None
    """The number that the cell holds, as a cell without a format shows it."""
    is_plain: bool = True
    """Whether the cell's text is all that there is to it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Meanings:
    """What `_Meaning` says, of many tags."""

    repeats: Integers
    is_hidden: Mask
    numbers: pa.Array
    is_plain: Mask

    @classmethod
    def of(cls, tags: Tags, opened: Integers, name_lengths: Integers, repeats: str) -> "_Meanings":
        """What the attributes of each of these tags say, ``repeats`` how often; different ones are few, and each is looked at once."""
        texts, codes = tags.different(tags.starts[opened] + 1 + name_lengths, tags.ends[opened] - tags.closed[opened])
        known = [_meaning(text.decode(), repeats) for text in texts]
        return cls(
            repeats=np.array([meaning.repeats for meaning in known], np.int64)[codes],
            is_hidden=np.array([meaning.hidden for meaning in known], np.bool_)[codes],
            numbers=pa.array([meaning.number for meaning in known], pa.string()).take(pa.array(codes)),
            is_plain=np.array([meaning.is_plain for meaning in known], np.bool_)[codes],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Some whole rows; what is said of cells comes in their order."""

    tags: Tags
    opens: Integers
    """Each row's first tag."""
    closes: Integers
    """Each row's last tag."""
    firsts: Integers
    """The number of each row, or of the first of those that it stands for."""
    lasts: Integers
    is_hidden: Mask
    """Which rows are."""
    rows: Integers
    """The row of each cell, as an index."""
    columns: Integers
    repeats: Integers
    texts: pa.Array
    """Of each cell; blank ones as nothing."""
    is_simple: Mask
    """Which cells say nothing that is not here."""

    @classmethod
    def of(cls, data: bytes, before: int) -> "Rows":
        """The rows of this XML, numbered from behind ``before``; raises `OtherXmlError` unless every tag has its place."""
        tags = Tags(data)
        row_opens, row_closes = tags.element(_ROW), tags.named(b"/" + _ROW + b">")
        covered = tags.element(_COVERED)
        cells = np.flatnonzero(tags.element(_CELL) | covered)
        opens = np.flatnonzero(row_opens)
        beyond = np.zeros(8, np.bool_)
        closing = tags.named(b"/" + _CELL + b">") | tags.named(b"/" + _COVERED + b">")
        shape = (tags.element(b"text:p") & ~tags.closed, tags.named(b"/text:p>"), closing)
        has_text = ~tags.closed[cells]
        for offset, mask in enumerate(shape, start=1):
            has_text &= np.append(mask, beyond)[cells + offset]
        ends = _ends(tags, cells, has_text, np.append(np.flatnonzero(closing), len(tags)))
        rows = rows_of(tags, cells, ends, row_opens, row_closes)
        closes = opens.copy()
        closes[~tags.closed[opens]] = np.flatnonzero(row_closes)
        of_rows = _Meanings.of(tags, opens, np.full(len(opens), len(_ROW)), "table:number-rows-repeated")
        lasts = before + np.cumsum(of_rows.repeats)
        firsts = np.append(before, lasts[:-1]) + 1 if len(lasts) else lasts
        meanings = _Meanings.of(tags, cells, np.where(covered[cells], len(_COVERED), len(_CELL)), "table:number-columns-repeated")
        texts = _texts(tags, cells, has_text & ~covered[cells])
        as_shown = np.asarray(pc.fill_null(pc.equal(texts, meanings.numbers), True))  # noqa: FBT003  # pyarrow takes it by position
        simple = meanings.is_plain & as_shown & (has_text | tags.closed[cells])
        return cls(
            tags=tags, opens=opens, closes=closes, firsts=firsts, lasts=lasts, is_hidden=of_rows.is_hidden, rows=rows,
            columns=_columns(rows, meanings.repeats), repeats=meanings.repeats, texts=texts,
            is_simple=simple | covered[cells] & tags.closed[cells],
        )  # fmt: skip

    def keep(self, cells: Cells) -> Iterator[tuple[int, bytes]]:
        """Keeps the cells of all rows that are simple; gives the number of each other row and its XML."""
        filled = np.asarray(pc.not_equal(self.texts, ""))
        left = np.zeros(len(self.opens), np.bool_)
        left[self.rows[~self.is_simple]] = True
        # A row that stands for several is repeated by the other reader, cell by cell.
        left[self.rows[filled & (self.lasts > self.firsts)[self.rows]]] = True
        kept = np.flatnonzero(filled & ~left[self.rows])
        repeats = self.repeats[kept]
        if np.any(self.columns[kept] + repeats > MOST_COLUMNS):
            raise Stop(Exit.BAD_SHEET, messages.too_many_columns(cells.name, MOST_COLUMNS))
        texts = self.texts.take(pa.array(kept))
        more = int(repeats.sum()) - len(kept)
        if more:
            cells.expect_repeated(more, 0)
            cells.expect_text(int((np.asarray(pc.binary_length(texts)).astype(np.int64) * repeats).sum()))
            texts = texts.take(pa.array(np.repeat(np.arange(len(kept)), repeats)))
        offsets = np.arange(len(texts)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        cells.add(np.repeat(self.columns[kept], repeats) + offsets, np.repeat(self.firsts[self.rows[kept]], repeats), texts)
        for row in np.flatnonzero(left).tolist():
            yield int(self.firsts[row]), self.tags.fragment(int(self.opens[row]), int(self.closes[row]))

    def hidden(self) -> list[tuple[int, int]]:
        """First and last number of the rows that are hidden."""
        return list(zip(self.firsts[self.is_hidden].tolist(), self.lasts[self.is_hidden].tolist(), strict=True))


def _ends(tags: Tags, cells: Integers, has_text: Mask, closing: Integers) -> Integers:
    """The last tag of each cell."""
    ends = closing[np.searchsorted(closing, cells)]
    ends[tags.closed[cells]] = cells[tags.closed[cells]]
    ends[has_text] = cells[has_text] + 3
    return ends


def _columns(rows: Integers, repeats: Integers) -> Integers:
    """The column of each cell, counted from 0 in each row."""
    before = np.cumsum(repeats) - repeats
    begins = np.flatnonzero(np.diff(rows, prepend=-1))
    return before - np.repeat(before[begins], np.diff(np.append(begins, len(rows))))


def _texts(tags: Tags, cells: Integers, has_text: Mask) -> pa.Array:
    """The text of each cell, as far as it has one of the usual kind."""
    opened = cells[has_text] + 1
    shown = without_references(tags.segments(tags.ends[opened] + 1, tags.starts[opened + 1]))
    shown = pc.if_else(pc.equal(stripped_column(shown), ""), "", shown)
    places = np.full(len(cells), -1, np.int64)
    places[has_text] = np.arange(len(opened))
    return shown.take(pa.array(places, mask=places < 0)).fill_null("")


def _meaning(text: str, says_how_often: str) -> _Meaning:
    named: dict[str, str] = dict(_ATTRIBUTE.findall(text))
    if _ATTRIBUTE.sub("", text).strip() or any(map(_is_unusual, named)):
        raise OtherXmlError
    repeats = named.get(says_how_often, "1")
    if not (repeats.isascii() and repeats.isdigit()) or len(repeats) > 12:
        raise OtherXmlError
    kind = named.get("office:value-type")
    number = None
    is_plain = named.get("table:number-rows-spanned", "1") == "1" and "office:string-value" not in named and "table:formula" not in named
    value = number_of(named.get("office:value", "")) if kind in _NUMERIC else None
    if value is not None:
        number, is_plain = plain(value), is_plain and not lost_digits(value)
    elif kind not in (None, "string"):
        is_plain = False
    hidden = named.get("table:visibility") in ("collapse", "filter")
    return _Meaning(repeats=min(max(int(repeats), 1), _MOST_REPEATS), hidden=hidden, number=number, is_plain=is_plain)


def _is_unusual(name: str) -> bool:
    """Whether an attribute would mean something with its usual prefix, and has another one."""
    prefix, _, local = name.rpartition(":")
    return prefix != _PREFIXES.get(local, prefix) and prefix not in _ONLY_REPEATING
