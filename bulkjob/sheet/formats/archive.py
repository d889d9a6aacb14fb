"""The parts of an `.xlsx` or `.ods` file: a zip archive whose unpacked size is bounded before anything is unpacked."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self
from xml.parsers import expat

from bulkjob.sheet import messages
from bulkjob.sheet.formats.bounds import (
    DEEPEST_ELEMENT,
    LARGEST_DIRECTORY,
    LARGEST_UNPACKED,
    LARGEST_WHOLE_PART,
    MOST_ELEMENTS,
    MOST_ELEMENTS_OF_WHOLE_PART,
    MOST_ELEMENTS_PER_BYTE,
    MOST_REFERENCES,
)
from bulkjob.vocabulary import Exit, Stop

CHUNK = 2**20
_MOST_NAMES = 1000
_END_OF_DIRECTORY = b"PK\x05\x06"
#: How parts are packed in workbooks (ISO 29500-2; OpenDocument 1.3, part 2). The others unpack at once whatever a piece holds, which may
#: be gigabytes, however little the list of parts says.
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """A zip file's parts by name; names compare without case, as Excel's do. Every failure is a `Stop`."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.size = len(data)
        """In bytes, as it is packed."""
        self._elements = MOST_ELEMENTS + MOST_ELEMENTS_PER_BYTE * len(data)
        self._references = MOST_REFERENCES + MOST_ELEMENTS_PER_BYTE * len(data)
        end = data.rfind(_END_OF_DIRECTORY)
        if end >= 0 and int.from_bytes(data[end + 12 : end + 16], "little") > LARGEST_DIRECTORY:
            raise Stop(Exit.BAD_SHEET, messages.too_many_parts(name, LARGEST_DIRECTORY))
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            parts = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError, EOFError, OverflowError):
            raise self.damaged() from None
        if sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            raise Stop(Exit.BAD_SHEET, messages.unpacks_too_large(name, LARGEST_UNPACKED))
        self._parts: dict[str, zipfile.ZipInfo] = {}
        self._unsure: set[str] = set()
        for part in parts:
            key = part.filename.replace("\\", "/").lstrip("/").lower()
            other = self._parts.setdefault(key, part)
            if (other.CRC, other.file_size) != (part.CRC, part.file_size):
                self._unsure.add(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._zip.close()

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._parts

    @property
    def parts(self) -> list[str]:
        """The names of all parts, in lower case."""
        return list(self._parts)

    @property
    def media_type(self) -> str:
        """What an OpenDocument file says about itself; blank for other files."""
        return self.whole("mimetype").decode("latin-1").strip() if "mimetype" in self else ""

    @property
    def is_open_document(self) -> bool:
        """Whether this is an OpenDocument file rather than Excel's."""
        return "content.xml" in self and "xl/workbook.xml" not in self

    @property
    def is_encrypted(self) -> bool:
        """Whether this is an OpenDocument spreadsheet all of whose parts are encrypted as one, so that none of them is to be seen."""
        return "encrypted-package" in self and "opendocument.spreadsheet" in self.media_type

    def damaged(self) -> Stop:
        """The end of a job whose workbook is not what it should be."""
        return Stop(Exit.BAD_SHEET, messages.not_a_workbook(self.name))

    def chunks(self, part: str) -> Iterator[bytes]:
        """The part's bytes, a chunk at a time; raises `Stop` where it is missing or damaged."""
        info = self._parts.get(part.lower())
        if info is None:
            raise self.damaged()
        if part.lower() in self._unsure:
            raise Stop(Exit.BAD_SHEET, messages.part_twice(self.name))
        if info.flag_bits & 1:
            raise Stop(Exit.BAD_SHEET, messages.encrypted(self.name))
        if info.compress_type not in _PACKINGS:
            raise Stop(Exit.BAD_SHEET, messages.other_packing(self.name))
        try:
            with self._zip.open(info) as stream:
                while chunk := stream.read(CHUNK):
                    # Each of them takes as long as a hundred letters.
                    self._references -= chunk.count(b"&") + chunk.count(b"_x")
                    if self._references < 0:
                        raise Stop(Exit.BAD_SHEET, messages.too_many_elements(self.name))
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, RuntimeError, NotImplementedError, EOFError):
            raise self.damaged() from None

    def whole(self, part: str) -> bytes:
        """All bytes of a part that is small in an honest file."""
        info = self._parts.get(part.lower())
        if info is not None and info.file_size > LARGEST_WHOLE_PART:
            raise Stop(Exit.BAD_SHEET, messages.unpacks_too_large(self.name, LARGEST_WHOLE_PART))
        return b"".join(self.chunks(part))

    def elements(self, part: str, *paths: str) -> list[list[dict[str, str]]]:
        """The attributes of the elements on each of these paths below the root of a small XML part; paths are of names without prefixes."""
        found: dict[str, list[dict[str, str]]] = {path: [] for path in paths}
        deepest = max(path.count("/") for path in paths) + 2
        inside: list[str] = []
        count = 0

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal count
            count += 1
            if count > MOST_ELEMENTS_OF_WHOLE_PART:
                raise Stop(Exit.BAD_SHEET, messages.too_many_elements_of_part(self.name, MOST_ELEMENTS_OF_WHOLE_PART))
            inside.append(tag)
            if len(inside) <= deepest and (kept := found.get("/".join(inside[1:]))) is not None:
                kept.append(attributes)

        def end(_: str) -> None:
            inside.pop()

        self.walk(iter((self.whole(part),)), start, end, lambda _: None)
        return list(found.values())

    def walk(
        self, chunks: Iterator[bytes], start: Callable[[str, dict[str, str]], None], end: Callable[[str], None], text: Callable[[str], None]
    ) -> None:
        """Calls back for each element and text of an XML part in turn; elements' names come without their prefix, attributes' as they are.

        Raises `Stop` for XML that is damaged, or has more elements than a file of this size would honestly have.
        """
        depth = 0
        names = _Bare()

        def refuse(*_: object) -> None:
            raise self.damaged()

        def started(tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            self._elements -= 1
            if self._elements < 0:
                raise Stop(Exit.BAD_SHEET, messages.too_many_elements(self.name))
            if depth > DEEPEST_ELEMENT:
                raise Stop(Exit.BAD_SHEET, messages.too_deep(self.name, DEEPEST_ELEMENT))
            start(names[tag], attributes)

        def ended(tag: str) -> None:
            nonlocal depth
            depth -= 1
            end(names[tag])

        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = refuse
        parser.StartElementHandler = started
        parser.EndElementHandler = ended
        parser.CharacterDataHandler = text
        try:
            for chunk in chunks:
                parser.Parse(chunk, False)  # noqa: FBT003  # expat takes it by position only
            parser.Parse(b"", True)  # noqa: FBT003
        except (expat.ExpatError, ValueError, LookupError):
            raise self.damaged() from None


class _Bare(dict[str, str]):
    """Names of elements → the same without prefix; a document has few different ones."""

    def __missing__(self, tag: str) -> str:
        name = tag.rpartition(":")[2]
        if len(self) < _MOST_NAMES:
            self[tag] = name
        return name
