"""The strings that the cells of an `.xlsx` workbook share, each known by its place: one too few, and every later cell would be wrong."""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet import messages
from bulkjob.sheet.columns import stripped_column
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.bounds import LONGEST_CELL, LONGEST_ROW
from bulkjob.sheet.formats.markup import OtherXmlError, Tags, require_utf8, with_line_ends
from bulkjob.sheet.formats.xlsx_at_once import plain_texts
from bulkjob.sheet.formats.xlsx_cells import unescaped_units
from bulkjob.vocabulary import Exit, Stop

_ITEM_END = b"</si>"


def read_strings(archive: Archive, part: str) -> pa.Array:
    """The workbook's shared strings in their order; blank ones as nothing."""
    try:
        strings = pa.concat_arrays([pa.array([], pa.string()), *_at_once(archive, archive.chunks(part))])
    except OtherXmlError:
        strings = _by_parser(archive, archive.chunks(part))
    if len(strings) and pc.max(pc.utf8_length(strings)).as_py() > LONGEST_CELL:
        raise Stop(Exit.BAD_SHEET, messages.cell_too_long(archive.name, LONGEST_CELL))
    return strings


def _at_once(archive: Archive, stream: Iterator[bytes]) -> Iterator[pa.Array]:
    """The strings a chunk at a time; raises `OtherXmlError` where that is not certain to be right."""
    rest = bytearray(next(stream, b""))
    begin = rest.find(b"<sst")
    if begin < 0:
        raise OtherXmlError
    require_utf8(bytes(rest[: begin + 4]))
    begin = rest.find(b">", begin) + 1
    if begin == 0 or b"<!" in rest[:begin] or rest[begin - 2 : begin] == b"/>":
        raise OtherXmlError
    archive.walk(iter((bytes(rest[:begin]) + b"</sst>",)), lambda *_: None, lambda _: None, lambda _: None)
    del rest[:begin]
    searched = 0
    while True:
        cut = rest.rfind(_ITEM_END, max(searched - len(_ITEM_END), 0)) + len(_ITEM_END)
        if cut >= len(_ITEM_END):
            yield _strings(archive, with_line_ends(bytes(rest[:cut])))
            del rest[:cut]
        searched = len(rest)
        chunk = next(stream, b"")
        if not chunk:
            break
        if len(rest) > LONGEST_ROW:
            raise OtherXmlError
        rest += chunk
    if bytes(rest).strip() != b"</sst>":
        raise OtherXmlError


def _strings(archive: Archive, data: bytes) -> pa.Array:
    """The strings of some whole ``si`` elements: most hold nothing but a ``t``, the others are read by a parser."""
    tags = Tags(data)
    opens, closes = np.flatnonzero(tags.element(b"si")), np.flatnonzero(tags.named(b"/si>"))
    closed = tags.closed[opens]
    ends = opens.copy()
    if len(closes) != len(opens) - int(closed.sum()):
        raise OtherXmlError
    ends[~closed] = closes
    if not len(opens) or opens[0] != 0 or ends[-1] != len(tags) - 1 or np.any(opens[1:] != ends[:-1] + 1) or np.any(ends < opens):
        # Each begins where the one before has ended, so that none is passed over.
        raise OtherXmlError
    for name in (b"si", b"t"):
        named = np.flatnonzero(tags.element(name))
        tags.require_attributes(named, tags.starts[named] + 1 + len(name))
    beyond = np.zeros(8, np.bool_)
    texts_open, texts_close = np.append(tags.element(b"t") & ~tags.closed, beyond), np.append(tags.named(b"/t>"), beyond)
    simple = (ends == opens + 3) & texts_open[opens + 1] & texts_close[opens + 2]
    others = np.flatnonzero(~simple)
    texts = plain_texts(tags.segments(tags.ends[opens[simple] + 1] + 1, tags.starts[opens[simple] + 2]))
    if not len(others):
        return texts
    pieces = [tags.fragment(int(opens[index]), int(ends[index])) for index in others.tolist()]
    read = _by_parser(archive, iter((b"<sst>" + b"".join(pieces) + b"</sst>",)))
    places = np.empty(len(opens), np.int64)
    places[simple] = np.arange(len(texts))
    places[others] = len(texts) + np.arange(len(others))
    return pa.concat_arrays([texts, read]).take(pa.array(places))


def _by_parser(archive: Archive, chunks: Iterator[bytes]) -> pa.Array:
    strings: list[str] = []
    texts: list[str] = []
    inside: list[str] = []
    length = 0

    def start(tag: str, _: Mapping[str, str]) -> None:
        nonlocal length
        inside.append(tag)
        if tag == "si":
            texts.clear()
            length = 0

    def end(tag: str) -> None:
        inside.pop()
        if tag == "si":
            strings.append(unescaped_units("".join(texts)))

    def text(characters: str) -> None:
        # Phonetic readings (rPh) stand beside the text, not in it.
        nonlocal length
        if inside[-1] == "t" and "rPh" not in inside:
            texts.append(characters)
            length += len(characters)
            if length > 2 * LONGEST_CELL:
                raise Stop(Exit.BAD_SHEET, messages.cell_too_long(archive.name, LONGEST_CELL))

    archive.walk(chunks, start, end, text)
    array = pa.array(strings, pa.string())
    return pc.if_else(pc.equal(stripped_column(array), ""), "", array)
