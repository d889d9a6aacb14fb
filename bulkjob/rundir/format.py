"""The journal's format: one JSON object a line, ``{"crc32":"…","record":{…}}``, the checksum being that of the record's own text.

Records, by their ``type``:

* ``opened``: format, program version, and whom the directory belongs to: sheet, server, settings. The first line of each attempt.
* ``sheet``: the sheet as it was read, once.
* ``names``: what the sheet's texts were taken to mean: in a run that goes on they keep that meaning. Once, and again where a later attempt
  has found the id of a unit that was made when nobody got the answer.
* ``rows``: rows that needed no write, with their results.
* ``intent``: a numbered write: operation, method, path and body, each change with what it found, and a snapshot of the thing as a whole.
* ``outcome``: of the write with that number: what became of each of its changes, in their order, and the rows that are success by it.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from bulkjob import __version__
from bulkjob.changes import AnyChange, Outcome, Prior, SharedRows, given_back, held_once
from bulkjob.records import Meanings, RowResult, Sheet
from bulkjob.rundir.format_1 import IntentOfFormat1, OpenedOfFormat1
from bulkjob.settings import Choices

#: Version of the format; a journal of another one is not continued.
FORMAT: Final = 4


JOURNAL_FILE: Final = "journal.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What a run directory belongs to, from its first journalled write on."""

    sheet_sha256: str
    sheet_name: str
    server: str
    choices: Choices
    plan_sha256: str = ""


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    """The beginning of an attempt."""

    format: int = FORMAT
    bulkjob: str = __version__
    owner: Owner


class Kept(msgspec.Struct, frozen=True, kw_only=True, tag="sheet"):
    """The sheet as it was read, so that a rollback can report on its rows without the file."""

    name: str
    sha256: str
    sheet_name: str
    headers: tuple[str, ...]
    letters: tuple[str, ...]
    positions: dict[str, int]
    rows: tuple[int, ...]
    cells: tuple[tuple[str, ...], ...]
    """By column."""

    @classmethod
    def of(cls, sheet: Sheet) -> "Kept":
        """A sheet as the journal keeps it."""
        return cls(
            name=sheet.name,
            sha256=sheet.sha256,
            sheet_name=sheet.sheet_name,
            headers=sheet.headers,
            letters=sheet.letters,
            positions=dict(sheet.positions),
            rows=tuple(sheet.cells.index.tolist()),
            cells=tuple(tuple(sheet.cells[position].tolist()) for position in range(len(sheet.headers))),
        )


class Names(msgspec.Struct, frozen=True, kw_only=True, tag="names"):
    """What the sheet's texts were taken to mean."""

    names: Meanings


class Rows(msgspec.Struct, frozen=True, kw_only=True, tag="rows"):
    """Rows that needed no write."""

    rows: tuple[RowResult, ...]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A change that a write carries, and what it found."""

    change: AnyChange
    prior: Prior = None


class Intent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="intent"):
    """A write that is about to go out."""

    number: int
    operation: str
    method: str
    path: str
    body: Mapping[str, object]
    changes: tuple[Written, ...]
    snapshot: Mapping[str, object]
    """What the write replaces, for whoever has to put it back by hand."""
    shared_rows: tuple[SharedRows, ...] = ()
    """In a line: the rows that ask for several of its changes, as all removals of ``mirror`` have the same ones."""

    def in_line(self) -> "Intent":
        """The same as a line holds it, with rows that changes share by themselves."""
        changes, shared = held_once([written.change for written in self.changes])
        return self if not shared else self._with(changes, shared)

    def of_line(self) -> "Intent":
        """The same with all the rows of each change. Raises `ValueError` where rows are given to a change that is not there."""
        return self if not self.shared_rows else self._with(given_back([written.change for written in self.changes], self.shared_rows), ())

    def _with(self, changes: Iterable[AnyChange], shared: tuple[SharedRows, ...]) -> "Intent":
        written = tuple(Written(change=change, prior=each.prior) for change, each in zip(changes, self.changes, strict=True))
        return msgspec.structs.replace(self, changes=written, shared_rows=shared)


class Concluded(msgspec.Struct, frozen=True, kw_only=True, tag="outcome"):
    """What became of a write."""

    number: int
    outcomes: tuple[Outcome, ...]
    rows: tuple[RowResult, ...]


Record = Opened | Kept | Names | Rows | Intent | Concluded


_encode = msgspec.json.Encoder().encode


#: Format → what decodes a record of it.
_DECODERS: Final = {
    FORMAT: msgspec.json.Decoder(Record).decode,
    3: msgspec.json.Decoder(Record).decode,
    2: msgspec.json.Decoder(Record).decode,
    1: msgspec.json.Decoder(OpenedOfFormat1 | Kept | Rows | IntentOfFormat1 | Concluded).decode,
}


# ------------------------------------------------------------------------------------------------------------------- lines


def line_of(record: Record) -> bytes:
    """A record as its line. Half a surrogate pair, which no file can hold, becomes a replacement character."""
    record = record.in_line() if isinstance(record, Intent) else record
    try:
        text = _encode(record)
    except UnicodeEncodeError:
        text = _encode(_storable(msgspec.to_builtins(record)))
    return b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text)


class _Head(msgspec.Struct, frozen=True):
    format: int = 0


_peek: Final = msgspec.json.Decoder(_Head).decode


def _of_today(record: Record | OpenedOfFormat1 | IntentOfFormat1) -> Record:
    if isinstance(record, OpenedOfFormat1):
        return Opened(format=record.format, bulkjob=record.bulkjob, owner=_owner_of_today(record))
    if isinstance(record, IntentOfFormat1):
        return _intent_of_today(record)
    return record.of_line() if isinstance(record, Intent) else record


def _owner_of_today(record: OpenedOfFormat1) -> Owner:
    owner = record.owner
    choices = Choices(agents=owner.agents, unit_route=owner.unit_route, skip_invalid=owner.skip_invalid)
    return Owner(
        sheet_sha256=owner.sheet_sha256,
        sheet_name=owner.sheet_name,
        server=owner.server,
        choices=choices,
        plan_sha256=owner.plan_sha256,
    )


def _intent_of_today(intent: IntentOfFormat1) -> Intent:
    return Intent(
        number=intent.number,
        operation=intent.operation,
        method=intent.method,
        path=intent.path,
        body=intent.body,
        changes=tuple(Written(change=change.of_today(), prior=change.before) for change in intent.changes),
        snapshot=intent.picture,
    )


def _storable(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
        case list() | tuple():
            return [_storable(item) for item in value]
        case _:
            return value


#: Before the record's own text.
_BEFORE: Final = re.compile(rb'\{"crc32":"[0-9a-f]{8}","record":')


_EXAMPLE: Final = b'{"crc32":"00000000","record":'


_PREFIX: Final = len(_EXAMPLE)


def records_of(data: bytes) -> tuple[list[Record], int]:
    """The records of a journal, and how many of its bytes they are: what follows is a line of ours that was torn.

    Raises `ValueError`, with a clause on what is wrong, for a damaged line, a record of another format or shape, and for anything else.
    """
    records: list[Record] = []
    whole = 0
    version = FORMAT
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        if not _is_whole(line):
            if whole + len(line) == len(data) and _is_torn(line, first=not records):
                break
            raise ValueError(f"line {number} is damaged" if records or _BEFORE.match(line) else "it is not a bulkjob journal")
        version, record = _record(line[_PREFIX:-2], number, version)
        records.append(record)
        whole += len(line)
    return records, whole


def _is_whole(line: bytes) -> bool:
    """Whether a line is as it was written. Looked at where it is: it may be long, and need not be ours."""
    head = b'{"crc32":"%08x","record":' % zlib.crc32(memoryview(line)[_PREFIX:-2])
    return line.startswith(head) and line.endswith(b"}\n")


def _is_torn(line: bytes, *, first: bool) -> bool:
    """Whether the last line of a file is the beginning of one of ours: no line end, and as much of its head as there is.

    Where a machine lost its power, zeros may stand in the place of what was not on disk yet, of a whole line, too; ``first``: that nothing
    of ours stands before it, so that zeros alone are no line.
    """
    begun = line.rstrip(b"\0")
    if line.endswith(b"\n") or (first and not begun):
        return False
    return _BEFORE.match(begun[:_PREFIX] + _EXAMPLE[len(begun) :]) is not None


def _record(text: bytes, number: int, version: int) -> tuple[int, Record]:
    """The format that holds from this record on, and the record. ``version``: the format before it."""
    try:
        version = _peek(text).format or version
        if version in _DECODERS:
            return version, _of_today(_DECODERS[version](text))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ValueError(f"line {number} is not a record that this version of bulkjob knows ({error})") from None
    raise ValueError(f"line {number} is of format {version}, which this version of bulkjob does not know")
