"""TODO."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import pandas as pd

from bulkjob import __version__
from bulkjob.records import AgentWish, Before, Outcome, RowResult, Sheet, UnitWish, Wish

#: Version of the format; a journal of another one is not continued.
FORMAT: Final = 1


JOURNAL_FILE: Final = "journal.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What a run directory belongs to, from its first journalled write on."""

    sheet_sha256: str
    sheet_name: str
    server: str
    agents: Literal["add", "mirror"]
    unit_route: Literal["auto", "unit", "department"]
    skip_invalid: bool
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

    def sheet(self) -> Sheet:
        """The sheet as it was read."""
        cells = pd.DataFrame(dict(enumerate(self.cells)), index=pd.Index(self.rows, dtype="int64"), dtype="str")
        return Sheet(
            name=self.name,
            sha256=self.sha256,
            sheet_name=self.sheet_name,
            headers=self.headers,
            letters=self.letters,
            positions=self.positions,
            cells=cells,
        )


class Rows(msgspec.Struct, frozen=True, kw_only=True, tag="rows"):
    """Rows that needed no write."""

    rows: tuple[RowResult, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A wish, and what it found: the unit's id, the agent's place, or nothing."""

    department: str
    rows: tuple[int, ...]
    unit: str | None = None
    agent: str | None = None
    username: str = ""
    present: bool = True
    count: int | None = None
    order: int | None = None
    before: Before = None


class Intent(msgspec.Struct, frozen=True, kw_only=True, tag="intent"):
    """A write that is about to go out."""

    number: int
    operation: str
    method: str
    path: str
    body: Mapping[str, object]
    changes: tuple[Change, ...]
    picture: Mapping[str, object]


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag="outcome"):
    """What became of a write."""

    number: int
    outcomes: tuple[Outcome, ...]
    rows: tuple[RowResult, ...]


Record = Opened | Kept | Rows | Intent | Settled


_encode = msgspec.json.Encoder().encode


_decode = msgspec.json.Decoder(Record).decode


# ------------------------------------------------------------------------------------------------------------------- lines


def line_of(record: Record) -> bytes:
    """A record as its line. Half a surrogate pair, which no file can hold, becomes a replacement character."""
    try:
        text = _encode(record)
    except UnicodeEncodeError:
        text = _encode(_storable(msgspec.to_builtins(record)))
    return b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text)


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
_HEAD: Final = re.compile(rb'\{"crc32":"[0-9a-f]{8}","record":')


_EXAMPLE: Final = b'{"crc32":"00000000","record":'


_PREFIX: Final = len(_EXAMPLE)


def records_of(data: bytes) -> tuple[list[Record], int]:
    """The records of a journal, and how many of its bytes they are: what follows is a line of ours that was torn.

    Raises `ValueError`, with a clause on what is wrong, for a damaged line, a record of another format or shape, and for anything else.
    """
    records: list[Record] = []
    whole = 0
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        text = line[_PREFIX:-2]
        if line != b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text):
            if whole + len(line) == len(data) and _is_torn(line):
                break
            raise ValueError(f"line {number} is damaged" if records or _HEAD.match(line) else "it is not a journal of bulkjob's")
        records.append(_record(text, number))
        whole += len(line)
    return records, whole


def _is_torn(line: bytes) -> bool:
    """Whether the last line of a file is the beginning of one of ours: no line end, and as much of its head as there is."""
    return not line.endswith(b"\n") and _HEAD.match(line[:_PREFIX] + _EXAMPLE[len(line) :]) is not None


def _record(text: bytes, number: int) -> Record:
    try:
        record: Record = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"line {number} is no record that this version of bulkjob knows ({error})") from None
    if isinstance(record, Opened) and record.format != FORMAT:
        raise ValueError(f"line {number} is of format {record.format}, which this version of bulkjob does not know")
    return record


def change_of(wish: Wish, before: Before) -> Change:
    """A wish as the journal spells it."""
    if isinstance(wish, UnitWish):
        return Change(department=wish.department_id, rows=wish.rows, unit=wish.unit_id, before=before)
    return Change(
        department=wish.department_id,
        rows=wish.rows,
        agent=wish.agent_id,
        username=wish.username,
        present=wish.present,
        count=wish.count,
        order=wish.order,
        before=before,
    )


def wish_of(change: Change) -> Wish:
    if change.agent is None:
        return UnitWish(department_id=change.department, unit_id=change.unit, rows=change.rows)
    return AgentWish(
        department_id=change.department,
        agent_id=change.agent,
        username=change.username,
        present=change.present,
        count=change.count,
        order=change.order,
        rows=change.rows,
    )
