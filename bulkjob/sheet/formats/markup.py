"""XML as spreadsheet programs write it, tag by tag in arrays: far faster than a parser, as long as nothing is unusual.

`Tags` refuses (`OtherXmlError`) whatever could be read in two ways: comments, CDATA, a ``>`` in a text, characters that XML forbids.
Whoever is refused reads the same bytes with an XML parser (`Archive.walk`).
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_LESS, _GREATER, _QUOTE, _SLASH = b'<>"/'
#: Bytes that the arrays may be asked for beyond the end.
_PADDING = bytes(64)
#: So many bytes of each tag are looked at by columns of single bytes, which are gathered far faster than words.
_BY_BYTE = 3
#: What may follow an element's name.
_AFTER_NAME = np.isin(np.arange(256), list(b"> /\t\n"))
#: What keeps so many bytes of a word.
_KEPT = np.array([256**count - 1 for count in range(9)], np.uint64)
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));|&")
#: Of one tag, in bytes.
_LONGEST_ATTRIBUTES = 10_000
#: What attributes' names are made of where programs write them; XML allows letters of all languages besides.
_NAME_SIGNS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ENCODING = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)["']""")


class OtherXmlError(Exception):
    """The XML is written in a way that only a parser reads right."""


def with_line_ends(data: bytes) -> bytes:
    """The bytes with each line end as a line feed, which is what XML means by it."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def require_utf8(head: bytes) -> None:
    """Raises `OtherXmlError` unless a document that begins like this is UTF-8, by what it says and by its first bytes."""
    said = _ENCODING.match(head)
    if not head.startswith(b"<") or b"\x00" in head or (said and said[1].lower() != b"utf-8"):
        raise OtherXmlError


def unescaped(text: str) -> str:
    """The text with XML's references replaced; raises `OtherXmlError` for one that XML does not know."""
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    name, decimal, hexadecimal = match.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else 0
    if not (code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF):
        raise OtherXmlError
    return chr(code)


class Tags:
    """All tags of some XML in UTF-8; each is known by its place in the order of the text."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._bytes = np.frombuffer(data + _PADDING, np.uint8)
        shown = self._bytes[: len(data)]
        self.starts: Integers = np.flatnonzero(shown == _LESS)
        """Where each tag's ``<`` is."""
        self.ends: Integers = np.flatnonzero(shown == _GREATER)
        """Where each tag's ``>`` is."""
        if len(self.starts) != len(self.ends) or not self._alternate() or self._odd(shown):
            raise OtherXmlError
        self._windows: npt.NDArray[np.uint64] = np.ndarray(len(data) + 50, "<u8", buffer=self._bytes, strides=(1,))
        self._columns = [self._bytes[1 + place :].take(self.starts) for place in range(_BY_BYTE)]
        if np.any((self._columns[0] == ord("!")) | (self._columns[0] == ord("?"))):
            raise OtherXmlError
        self.closed: Mask = self._bytes[self.ends - 1] == _SLASH
        """Which tags close themselves: ``<c/>``."""

    def __len__(self) -> int:
        return len(self.starts)

    def _alternate(self) -> bool:
        return bool(np.all(self.starts < self.ends) and np.all(self.ends[:-1] < self.starts[1:]))

    def _odd(self, shown: npt.NDArray[np.uint8]) -> bool:
        """Whether there are characters that XML forbids."""
        control = int(np.count_nonzero(shown < 0x20))
        if control and control != self.data.count(b"\n") + self.data.count(b"\t"):
            return True
        # One byte is found far faster than three.
        return b"\xef" in self.data and (b"\xef\xbf\xbe" in self.data or b"\xef\xbf\xbf" in self.data)

    def words(self, places: Integers, lengths: Integers | int = 8) -> npt.NDArray[np.uint64]:
        """The bytes at each place, up to eight, as one number."""
        return self._windows[places] & _KEPT[lengths]

    def named(self, beginning: bytes) -> Mask:
        """Which tags begin so behind their ``<``."""
        mask: Mask = self._columns[0] == beginning[0]
        for column, wanted in zip(self._columns[1:], beginning[1:], strict=False):
            mask &= column == wanted
        for start in range(_BY_BYTE, len(beginning), 8):
            found = np.flatnonzero(mask)
            word = beginning[start : start + 8]
            same = self.words(self.starts[found] + 1 + start, len(word)) == int.from_bytes(word, "little")
            mask[found] = same
        return mask

    def element(self, name: bytes) -> Mask:
        """Which tags open an element of this name, with attributes or without."""
        mask = self.named(name)
        found = np.flatnonzero(mask)
        mask[found] = _AFTER_NAME[self._bytes[self.starts[found] + len(name) + 1]]
        return mask

    def letters(self, places: Integers, most: int) -> tuple[Integers, Integers]:
        """The number that the capital letters at each place mean as a column (A is 1), and where they end."""
        return self._figures(places, most, base=26, first=ord("A"), last=ord("Z"), worth=1)

    def digits(self, places: Integers, most: int) -> tuple[Integers, Integers]:
        """The number that the digits at each place mean, and where they end."""
        return self._figures(places, most, base=10, first=ord("0"), last=ord("9"), worth=0)

    def _figures(self, places: Integers, most: int, *, base: int, first: int, last: int, worth: int) -> tuple[Integers, Integers]:
        values, ends = np.zeros(len(places), np.int64), places.copy()
        going = np.ones(len(places), np.bool_)
        for _ in range(most):
            figures = self._bytes[ends].astype(np.int64)
            going &= (figures >= first) & (figures <= last)
            if not going.any():
                break
            values = np.where(going, values * base + (figures - first + worth), values)
            ends += going
        return values, ends

    def quotes_at(self, places: Integers) -> bool:
        """Whether there is a quotation mark at each of the places."""
        return bool(np.all(self._bytes[places] == _QUOTE))

    def segments(self, starts: Integers, ends: Integers) -> pa.Array:
        """The bytes from each start to its end, as an Arrow binary array; raises `OtherXmlError` unless they follow each other."""
        if not len(starts):
            return pa.array([], pa.binary())
        if not (np.all(starts <= ends) and np.all(ends[:-1] <= starts[1:])):
            raise OtherXmlError
        borders = np.empty(2 * len(starts), np.int32)
        borders[0::2], borders[1::2] = starts, ends
        # What lies between them comes along as every other segment; nothing is copied until the taking.
        both = pa.Array.from_buffers(pa.binary(), len(borders) - 1, [None, pa.py_buffer(borders), pa.py_buffer(self.data)])
        return both.take(pa.array(np.arange(0, len(borders) - 1, 2)))

    def different(self, starts: Integers, ends: Integers) -> tuple[list[bytes], Integers]:
        """The different texts between these places, and which of them stands at each."""
        encoded = self.segments(starts, ends).dictionary_encode()
        return encoded.dictionary.to_pylist(), np.asarray(encoded.indices)

    def require_attributes(self, tags: Integers, begins: Integers) -> None:
        """Raises `OtherXmlError` unless each of the tags goes on, from where its attributes begin, as tags usually do."""
        for text in self.segments(begins, self.ends[tags] - self.closed[tags]).unique().to_pylist():
            attributes_of(text)

    def fragment(self, first: int, last: int) -> bytes:
        """The text from tag ``first`` to tag ``last``, both included."""
        return self.data[self.starts[first] : self.ends[last] + 1]


def texts_of(segments: pa.Array, also: Sequence[str] = ()) -> tuple[pa.Array, Mask]:
    """The segments as text, and which of them hold a reference (``&amp;``) or one of the signs in ``also``."""
    texts = segments.cast(pa.string())
    marked = np.zeros(len(texts), np.bool_)
    for sign in ("&", *also):
        marked |= np.asarray(pc.match_substring(texts, sign))
    return texts, marked


def without_references(segments: pa.Array) -> pa.Array:
    """The segments as text, references replaced."""
    texts, marked = texts_of(segments)
    if not marked.any():
        return texts
    mended = [unescaped(text) for text in texts.filter(pa.array(marked)).to_pylist()]
    return pc.replace_with_mask(texts, pa.array(marked), pa.array(mended, pa.string()))


def rows_of(tags: Tags, cells: Integers, ends: Integers, row_opens: Mask, row_closes: Mask) -> Integers:
    """The row that each cell stands in, by its place among the rows.

    Raises `OtherXmlError` unless each tag belongs to one cell or is a row's, and each cell stands in a row.
    """
    borders = np.flatnonzero(row_opens | row_closes)
    before = np.searchsorted(cells, borders)
    apart = not len(cells) or (int(ends[-1]) < len(tags) and np.all(cells <= ends) and np.all(ends[:-1] < cells[1:]))
    # Before a border comes the end of the last cell before it; where there is none, nothing.
    if not apart or np.any(np.append(ends, -1)[before - 1] >= borders) or int((ends - cells + 1).sum()) + len(borders) != len(tags):
        raise OtherXmlError
    begins, alone = (row_opens & ~tags.closed)[borders], (row_opens & tags.closed)[borders]
    depths = np.cumsum(begins.astype(np.int64) - row_closes[borders])
    if np.any((depths < 0) | (depths > 1)) or np.any(depths[alone]) or (len(depths) and depths[-1]):
        raise OtherXmlError
    # How many cells stand before the first border, and behind each.
    outside, *_ = counts = np.diff(before, prepend=0, append=len(cells))
    if outside or np.any(counts[1:][~begins]):
        raise OtherXmlError
    return np.repeat(np.arange(int(np.count_nonzero(row_opens))), counts[1:][begins | alone])


def attributes_of(text: bytes, *before: bytes) -> dict[bytes, bytes]:
    """The attributes in a tag's text, which come behind those ``before``; raises `OtherXmlError` for an unusual spelling, or one twice."""
    if len(text) > _LONGEST_ATTRIBUTES:
        raise OtherXmlError
    named = dict.fromkeys(before, b"")
    rest = text
    while rest.strip():
        name, equals, value = rest.partition(b'="')
        content, quote, rest = value.partition(b'"')
        key = name.lstrip(b" \n\t")
        is_name = key and name != key and (key[:1].isalpha() or key[:1] == b"_") and _NAME_SIGNS.issuperset(key)
        if not (equals and quote and is_name) or key in named or b"&" in content:
            raise OtherXmlError
        content.decode()
        named[key] = content
    return named
