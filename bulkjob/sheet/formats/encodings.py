"""Which encoding the bytes of a text file are in."""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le", "UTF-32"),
    (b"\x00\x00\xfe\xff", "utf-32-be", "UTF-32"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
)
#: Of the beginning, in bytes; enough to see where the zero bytes of UTF-16 are.
_LOOKED_AT = 4096
#: What separates cells and lines, and what a word of the table's headers looks like, in each order of the bytes.
_SIGNS = {codec: frozenset(sign.encode(codec) for sign in ",;\t\n\r") for codec in ("utf-16-le", "utf-16-be")}
_WORDS = {"utf-16-le": re.compile(rb"(?:[A-Za-z]\x00){3}"), "utf-16-be": re.compile(rb"(?:\x00[A-Za-z]){3}")}
#: Nearly all bytes are letters in it.
_LAST_RESORT = "cp1252"
_PIECE = 2**24
#: A letter outside ASCII in UTF-8.
_WHOLE_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
#: What may follow a word in Windows-1252, and makes a letter of UTF-8 together with its last one by chance: ``ß“``, ``É…``, ``é »``.
_CLOSING = rb"[\x85\x8b\x91-\x97\x99\x9b\xa0\xab\xae\xb4\xbb]"
#: A letter in UTF-8 that has not come about so.
_SURE_LETTER = re.compile(
    rb"[\xc2\xc3][\x80-\xbf]|[\xc4-\xdf](?!" + _CLOSING + rb")[\x80-\xbf]|"
    rb"[\xe0-\xef](?!" + _CLOSING + rb"{2})[\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
#: So much of a line is looked at on either side of such a letter, in bytes.
_AROUND = 2**16
_LINE_END = re.compile(rb"[\r\n]")
_HIGH = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The bytes of a file as text."""

    utf8: bytes
    """Without byte order mark; where ``mixed``, as they came."""
    encoding: str
    """In words."""
    guessed: bool = False
    """Whether it was read so only because nothing else fits, and letters outside ASCII may have come out wrong."""
    mixed: bool = False
    """Whether some of it is UTF-8 and some is not."""


def text_of(data: bytes) -> Text | None:
    """The text that the bytes mean; None where they are no text."""
    text = next((text for text in _readings(data) if text is not None), None)
    return None if text is None or b"\x00" in text.utf8 else text


def _readings(data: bytes) -> Iterator[Text | None]:
    for mark, codec, words in _BOMS:
        if data.startswith(mark):
            yield _decoded(data[len(mark) :], codec, f"{words} with byte order mark")
            return
    if codec := utf16_without_mark(data):
        yield _decoded(data, codec, "UTF-16 without byte order mark")
        return
    if _is_utf8(data):
        yield Text(utf8=data, encoding="UTF-8")
    elif _holds_utf8(data):
        # Read in any other encoding, a letter of those rows would be two or three wrong ones.
        yield Text(utf8=data, encoding="UTF-8", mixed=True)
    else:
        yield _decoded(data, _LAST_RESORT, "Windows-1252")


def utf16_without_mark(beginning: bytes) -> str:
    """The codec of a text that begins so, if that is UTF-16 as its zero bytes show; else blank."""
    beginning = beginning[:_LOOKED_AT]
    if b"\x00" not in beginning:
        return ""
    first, second = beginning[0::2].count(0), beginning[1::2].count(0)
    if beginning[1:2] == b"\x00" and second > 4 * first:
        return "utf-16-le"
    if beginning[:1] == b"\x00" and first > 4 * second:
        return "utf-16-be"
    return _utf16_by_signs(beginning)


def _utf16_by_signs(beginning: bytes) -> str:
    """The same by the signs that every table has, whatever its script: what separates cells and lines, and a word in Latin letters."""
    units = [beginning[start : start + 2] for start in range(0, len(beginning), 2)]
    if b"\x00\x00" in units:
        return ""
    signs = {codec: sum(unit in found for unit in units) for codec, found in _SIGNS.items()}
    codec = max(signs, key=signs.__getitem__)
    word = next((match for match in _WORDS[codec].finditer(beginning) if match.start() % 2 == 0), None)
    return codec if word and min(signs.values()) * 4 < signs[codec] else ""


def begins_like_text(beginning: bytes) -> bool:
    """Whether a text file may begin so."""
    return b"\x00" not in beginning or any(beginning.startswith(mark) for mark, _, _ in _BOMS) or bool(utf16_without_mark(beginning))


def _decoded(data: bytes, codec: str, words: str) -> Text | None:
    if codec == "utf-8":
        return Text(utf8=data, encoding=words) if _is_utf8(data) else Text(utf8=data, encoding=words, mixed=True)
    decoder = codecs.getincrementaldecoder(codec)()
    utf8 = io.BytesIO()
    try:
        # A piece at a time: the whole as text would take up to four times its bytes.
        for start in range(0, len(data), _PIECE):
            utf8.write(decoder.decode(data[start : start + _PIECE]).encode())
        utf8.write(decoder.decode(b"", final=True).encode())
    except UnicodeError:
        return None
    return Text(utf8=utf8.getvalue(), encoding=words, guessed=codec == _LAST_RESORT)


def _holds_utf8(data: bytes) -> bool:
    """Whether there is a line in which at least as many letters are UTF-8, and not by chance, as bytes are not."""
    end = 0
    while letter := _SURE_LETTER.search(data, end):
        nearest = max(end, letter.start() - _AROUND)
        start = max(nearest, *(data.rfind(mark, nearest, letter.start()) + 1 for mark in (b"\n", b"\r")))
        line_end = _LINE_END.search(data, letter.start(), letter.start() + _AROUND)
        end = line_end.start() if line_end else min(len(data), letter.start() + _AROUND)
        strays = len(_HIGH.findall(data, start, end)) - sum(map(len, _WHOLE_LETTER.findall(data, start, end)))
        if len(_SURE_LETTER.findall(data, start, end)) >= strays:
            return True
    return False


def _is_utf8(data: bytes) -> bool:
    """Whether all of it is UTF-8; nothing is copied, as it may be a gigabyte."""
    ends = pa.array([0, len(data)], pa.int64()).buffers()[1]
    try:
        pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(data)]).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True
