"""The journal of a run: what was there before each write and what was meant by it, on disk before the write goes out; its outcome after.

``journal.jsonl`` is only ever appended to. Each line is one JSON object ``{"crc32":"…","record":{…}}``, the checksum being that of the
record's own text. Records, by their ``type``:

* ``opened``: format, program version, and whom the directory belongs to: sheet, server, settings. The first line of each attempt.
* ``sheet``: the sheet as it was read, once.
* ``rows``: rows that needed no write, with their results.
* ``intent``: a numbered write: operation, method, path and body, what each change found before, and a picture of the thing as a whole.
* ``outcome``: of the write with that number: what became of each of its changes, in their order, and the rows that are success by it.

An intent is synced before its write goes out, an outcome with the next intent or at the end. A line that a crash has torn is the last one,
and is cut off.
"""

import asyncio
import os
import zlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec
import pandas as pd

from bulkjob import __version__
from bulkjob.operations import AgentWish, Before, Outcome, UnitWish, Wish
from bulkjob.records import RowResult, Sheet
from bulkjob.rocketchat.call import Request
from bulkjob.vocabulary import Code, Exit, Status, Stop

#: Version of the format; a journal of another one is not continued.
FORMAT: Final = 1
NAME: Final = "journal.jsonl"
#: Turns of the event loop before a sync, so that more intents share it: each turn of a busy loop brings some, an idle loop makes them in no
#: time.
TURNS: Final = 20


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


#: Of a call that was sent more than once, the code is the last sending's: a limit's refusal may follow an answer that was lost.
_DOUBTFUL = frozenset({Code.TIMEOUT, Code.CONNECTION, Code.SERVER_ERROR, Code.BAD_RESPONSE, Code.RATE_LIMITED})

Record = Opened | Kept | Rows | Intent | Settled

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


# ------------------------------------------------------------------------------------------------------------------- lines


def line_of(record: Record) -> bytes:
    """A record as its line."""
    text = _encode(record)
    return b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text)


_PREFIX = len(b'{"crc32":"00000000","record":')


def records_of(data: bytes) -> tuple[list[Record], int]:
    """The records of a journal, and how many of its bytes they are: what follows is a line that was torn.

    Raises `ValueError` for a damaged line that is not the last, and for a record of another format.
    """
    records: list[Record] = []
    whole = 0
    lines = data.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        text = line[_PREFIX:-2]
        if line != b'{"crc32":"%08x","record":%b}\n' % (zlib.crc32(text), text):
            if number < len(lines):
                message = f"line {number} is damaged"
                raise ValueError(message)
            break
        record = _decode(text)
        if isinstance(record, Opened) and record.format != FORMAT:
            message = f"line {number} is of format {record.format}, which this version does not know"
            raise ValueError(message)
        records.append(record)
        whole += len(line)
    return records, whole


# ----------------------------------------------------------------------------------------------------------------- history


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One change that a run made, or may have made."""

    wish: Wish
    before: Before
    status: Status | None
    """None where nobody knows: the run ended before, or the write's outcome could not be looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a journal tells."""

    owner: Owner | None = None
    """None as long as nothing was written."""
    sheet: Kept | None = None
    rows: Mapping[int, RowResult] = field(default_factory=dict)
    """The rows that are success."""
    made: tuple[Made, ...] = ()
    """Every change that went out, in the order of the intents; a wish that was tried twice stands twice."""
    owed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Unit id → the departments that other units took from it, if it was not written since: its counter may still count them."""


def history_of(records: Iterable[Record]) -> History:
    """What the records of a journal add up to."""
    owner: Owner | None = None
    sheet: Kept | None = None
    rows: dict[int, RowResult] = {}
    intents: dict[int, Intent] = {}
    settled: dict[int, tuple[Outcome, ...]] = {}
    for record in records:
        match record:
            case Opened():
                owner = record.owner
            case Kept():
                sheet = record
            case Rows():
                rows.update((row.row, row) for row in record.rows)
            case Intent():
                intents[record.number] = record
            case Settled():
                rows.update((row.row, row) for row in record.rows)
                settled[record.number] = record.outcomes
    made = [
        Made(wish=_wish(change), before=change.before, status=_known(settled[number][place]) if number in settled else None)
        for number, intent in intents.items()
        for place, change in enumerate(intent.changes)
    ]
    return History(owner=owner, sheet=sheet, rows=rows, made=tuple(made), owed=_owed(intents, settled))


def _owed(intents: Mapping[int, Intent], settled: Mapping[int, tuple[Outcome, ...]]) -> Mapping[str, frozenset[str]]:
    owed: dict[str, set[str]] = defaultdict(set)
    for number, intent in intents.items():
        unit = intent.picture.get("unit")
        if not isinstance(unit, Mapping):
            continue
        outcomes = settled.get(number)
        if outcomes is not None and all(outcome.status is Status.SUCCESS for outcome in outcomes):
            owed.pop(unit["id"], None)
        for place, change in enumerate(intent.changes):
            perhaps = outcomes is None or _known(outcomes[place]) is not Status.FAILED
            if perhaps and change.unit == unit["id"] and isinstance(change.before, str) and change.before != change.unit:
                owed[change.before].add(change.department)
    return {unit_id: frozenset(departments) for unit_id, departments in owed.items()}


def _known(outcome: Outcome) -> Status | None:
    """None for a write that got no good answer, or was not looked up: a server may carry it out after it was seen not to have done so."""
    return None if outcome.code in _DOUBTFUL or not outcome.looked_up else outcome.status


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


def _wish(change: Change) -> Wish:
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


def read_history(path: Path) -> History | None:
    """What the journal of a run that is to be undone tells; None if there is no file. Raises `Stop` (73) for one that is damaged."""
    records = _read(path, "Nothing was sent. If there is an undamaged copy of it, put that in its place.")
    return None if records is None else history_of(records)


def _read(path: Path, remedy: str) -> list[Record] | None:
    try:
        with path.open("rb") as file:
            data = file.read()
            # A killed attempt may have left lines that the disk was not told to keep yet: what is believed now must stay so.
            _to_disk(file.fileno())
        return records_of(data)[0]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise Stop(Exit.CANNOT_CREATE, f"The journal {path} cannot be read ({error}). {remedy}") from None


# ----------------------------------------------------------------------------------------------------------------- writing


class Journal:
    """Appends to one journal. An intent waits until it is on disk; intents that wait together are synced together, with all before them.

    An outcome waits for nothing: a process that is killed has written it all the same, and a machine that loses it looks at the server
    once more.
    """

    def __init__(self, path: Path, owner: Owner, sheet: Sheet, *, sync: Callable[[int], Awaitable[None]] | None = None) -> None:
        """``sheet`` is kept in a new journal.

        ``sync`` makes the disk keep what was written to a file descriptor; by default ``fdatasync`` in a thread.
        """
        self._path = path
        self._owner = owner
        self._sheet: Sheet | None = sheet
        self._sync = sync or _fsync
        self._file: int | None = None
        self._whole = 0
        """Bytes that are known to be on disk, all of them whole lines."""
        self._written = 0
        """Bytes that the file was given."""
        self._broken: str | None = None
        self._number = 0
        self._owned = False
        """Whether an earlier attempt has written into it."""
        self._settled: list[RowResult] = []
        """The rows that are success without a write and not in the journal yet."""
        self._waiting: list[bytes] = []
        self._syncing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    def read(self) -> History:
        """What earlier attempts left. Raises `Stop` (73) for a journal that is damaged or belongs to another run."""
        records = _read(self._path, "Nothing was sent; choose another --run-dir.")
        if records is None:
            return History()
        history = history_of(records)
        self._owned = history.owner is not None
        self._number = sum(isinstance(record, Intent) for record in records)
        self._sheet = None if history.sheet else self._sheet
        if history.owner is not None and history.owner != self._owner:
            differences = ", ".join(_differences(history.owner, self._owner))
            message = f"{self._path.parent} belongs to another run (another {differences}). Nothing was sent; choose another --run-dir."
            raise Stop(Exit.CANNOT_CREATE, message)
        return history

    def settled(self, rows: Iterable[RowResult]) -> None:
        """Keeps rows that needed no write. They go to disk with the next intent, or at the end of a run that has written before.

        Without an intent a directory belongs to nobody.
        """
        self._settled += rows

    async def intent(self, operation: str, request: Request[object], changes: Mapping[Wish, Before], picture: Mapping[str, object]) -> int:
        """Puts a write on disk before it goes out; returns its number. Raises `Stop` (73)."""
        lines = self._lines_before()
        self._number += 1
        number = self._number
        intent = Intent(
            number=number,
            operation=operation,
            method=request.route.method,
            path=request.path,
            body=request.body or {},
            changes=tuple(change_of(wish, before) for wish, before in changes.items()),
            picture=picture,
        )
        await self._append(b"".join((*lines, line_of(intent))))
        return number

    def _lines_before(self) -> list[bytes]:
        """What comes before the next line of a kind of its own: the beginning of the attempt, and rows that needed no write."""
        lines = []
        if self._file is None:
            self._open()
            lines.append(line_of(Opened(owner=self._owner)))
            if self._sheet is not None:
                lines.append(line_of(Kept.of(self._sheet)))
        if self._settled:
            lines.append(line_of(Rows(rows=tuple(self._settled))))
            self._settled.clear()
        return lines

    def outcome(self, number: int, outcomes: Sequence[Outcome], rows: Sequence[RowResult]) -> None:
        """Writes down what became of a write; it is on disk with the next intent, or when the journal is closed. Raises `Stop` (73)."""
        self._write(line_of(Settled(number=number, outcomes=tuple(outcomes), rows=tuple(rows))))

    async def close(self) -> None:
        """Puts everything on disk, also what nobody waits for any more, and lets go of the file. Raises `Stop` (73).

        Cancelled, it is so when all that is done: a report that follows may tell of nothing that the disk could forget.
        """
        closing = asyncio.create_task(self._close())
        cancelled = False
        while not closing.done():
            try:
                await asyncio.wait({closing})
            except asyncio.CancelledError:
                cancelled = True
        closing.result()
        if cancelled:
            raise asyncio.CancelledError

    async def _close(self) -> None:
        belongs = self._owned or self._file is not None
        try:
            if not self._broken and ((self._settled and belongs) or self._written > self._whole):
                await self._append(b"".join(self._lines_before()))
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        while under_way := {task for task in (self._syncing, self._next) if task is not None and not task.done()}:
            await asyncio.wait(under_way)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        """Opens the file to append to, cutting off a line that was torn."""
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            with open(self._file, "rb", closefd=False) as file:
                _, self._whole = records_of(file.read())
            self._written = self._whole
            os.ftruncate(self._file, self._whole)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from None

    async def _append(self, data: bytes) -> None:
        """Returns when the data is on disk: all that comes while one sync is under way goes with the next."""
        self._waiting.append(data)
        if self._next is None:
            self._next = asyncio.create_task(self._flush_after(self._syncing))
            # Who waited may have been given up by then: its failure is nobody's.
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._next)

    async def _flush_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self._syncing, self._next = self._next, None
        data, self._waiting = b"".join(self._waiting), []
        file = self._write(data)
        end = self._written
        try:
            await self._sync(file)
        except OSError as error:
            raise self._failed(file, error, self._whole) from None
        self._whole = end

    def _write(self, data: bytes) -> int:
        """Hands lines to the operating system, at once; returns the file."""
        if self._broken:
            raise self._unwritable(self._broken)
        if self._file is None:
            message = "the journal is not open"
            raise ValueError(message)
        before = self._written
        self._written += len(data)
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise self._failed(self._file, error, before) from None
        return self._file

    def _failed(self, file: int, error: OSError, keep: int) -> Stop:
        """Takes back all but the first ``keep`` bytes; nothing is appended after that, so that a torn line stays the last."""
        self._broken = error.strerror or str(error)
        with suppress(OSError):
            os.ftruncate(file, keep)
        return self._unwritable(self._broken)

    def _unwritable(self, reason: str) -> Stop:
        message = f"The journal {self._path} cannot be written: {reason}. Nothing that is not on disk was sent."
        return Stop(Exit.CANNOT_CREATE, message)


async def _fsync(file: int) -> None:
    await asyncio.get_running_loop().run_in_executor(None, _to_disk, file)


def _to_disk(file: int) -> None:
    # Not everywhere is there a call that leaves the file's times alone.
    getattr(os, "fdatasync", os.fsync)(file)


def _differences(one: Owner, other: Owner) -> Iterable[str]:
    words = {"sheet_sha256": "sheet", "sheet_name": "worksheet", "skip_invalid": "--skip-invalid", "plan_sha256": "--plan"}
    for name in Owner.__slots__:
        if getattr(one, name) != getattr(other, name):
            yield words.get(name, f"--{name.replace('_', '-')}" if name != "server" else "server")
