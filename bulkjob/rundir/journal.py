"""The journal of a run: what was there before each write and what was meant by it, on disk before the write goes out; its outcome after.

``journal.jsonl`` is only ever appended to; `format` says what its lines hold. An intent is synced before its write goes out, an outcome
with the next intent or at the end. A line that a crash has torn, or left zeros of,
is the last one, and is cut off; nothing else ever is. While a run appends, the file is locked.
"""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Final, cast

from bulkjob.changes import AnyChange, Change, Outcome, Prior
from bulkjob.phrases import listed
from bulkjob.records import NO_MEANINGS, Meanings, RowResult, Sheet
from bulkjob.rocketchat import Request
from bulkjob.rundir.directory import taken
from bulkjob.rundir.format import Concluded, Intent, Kept, Names, Opened, Owner, Rows, Written, line_of, records_of
from bulkjob.rundir.history import UNDAMAGED, History, Seen, history_of, read_records
from bulkjob.settings import Choices
from bulkjob.system import open_ordinary, sync_folder, to_disk
from bulkjob.vocabulary import Exit, Stop

#: Turns of the event loop before a sync, so that more intents share it: each turn of a busy loop brings some, an idle loop makes them in no
#: time.
TURNS: Final = 20


# ----------------------------------------------------------------------------------------------------------------- writing


class Journal:
    """Appends to one journal. An intent waits until it is on disk; intents that wait together are synced together, with all before them.

    An outcome waits for nothing: a process that is killed has written it all the same, and a machine that loses it looks at the server
    once more.
    """

    def __init__(
        self,
        path: Path,
        owner: Owner,
        sheet: Sheet,
        *,
        sync: Callable[[int], Awaitable[None]] | None = None,
        hold: Callable[[], None] = lambda: None,
    ) -> None:
        """``sheet`` is kept in a new journal.

        ``sync`` makes the disk keep what was written to a file descriptor; by default ``fdatasync`` in a thread. ``hold`` raises `Stop`
        where the directory is not this run's own any more; it is asked before intents are written.
        """
        self._hold = hold
        self._path = path
        self._owner = owner
        self._sheet: Sheet | None = sheet
        self._sync = sync or _fsync
        self._file: int | None = None
        self._seen: Seen | None = None
        """What the file was when it was read; None if it was not."""
        self._whole = 0
        """Bytes that are known to be on disk, all of them whole lines."""
        self._written = 0
        """Bytes that the file was given."""
        self._broken: str | None = None
        self._number = 0
        self._owned = False
        """Whether an earlier attempt has written into it."""
        self._kept_names = NO_MEANINGS
        """What the journal tells of the sheet's texts."""
        self._names: Meanings | None = None
        """What the sheet's texts mean, to be kept in a new journal, or in one that knows less."""
        self._unwritten_rows: list[RowResult] = []
        """The rows that are success without a write and not in the journal yet."""
        self._waiting: list[bytes] = []
        self._syncing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    @property
    def owned(self) -> bool:
        """Whether the directory belongs to this run's sheet: a write is in the journal."""
        return self._owned or self._number > 0

    def read(self, *, undoes: bool = False) -> History:
        """What earlier attempts left. ``undoes``: of a rollback, which has no other directory to choose.

        Raises `Stop` (73) for a journal that is damaged or belongs to another run.
        """
        found = read_records(self._path, UNDAMAGED if undoes else "Nothing was sent; choose another --run-dir.")
        if found is None:
            self._seen = Seen()
            return History()
        records, self._seen = found
        history = history_of(records)
        self._owned = history.owner is not None
        self._kept_names = history.names
        self._number = sum(isinstance(record, Intent) for record in records)
        self._sheet = None if history.sheet else self._sheet
        if history.owner is not None and history.owner != self._owner:
            differences = listed(_differences(history.owner, self._owner))
            remedy = (
                "Move it away; the run that it is of is another one."
                if undoes
                else "A corrected sheet and other settings need a run directory of their own: choose another one with --run-dir, or leave "
                "--run-dir out for a new one."
            )
            message = f"{self._path.parent} belongs to a run with another {differences}. Nothing was sent. {remedy}"
            raise Stop(Exit.CANNOT_CREATE, message)
        return history

    def keep(self, rows: Iterable[RowResult]) -> None:
        """Keeps rows that needed no write. They go to disk with the next intent, or at the end of a run that has written before.

        Without an intent a directory belongs to nobody.
        """
        self._unwritten_rows += rows

    def keep_names(self, names: Meanings, kept: Meanings) -> None:
        """Keeps what the sheet's texts mean, as it is when the first write goes out.

        ``kept``: what they meant to an earlier attempt, with the ids of units that have been found to be made by it: these are kept, too,
        as a unit may have another name by the time that somebody asks for it again.
        """
        names = kept if self._owned else names
        self._names = names if names != self._kept_names else None

    async def intent(
        self, operation: str, request: Request[object], changes: Mapping[Change, Prior], snapshot: Mapping[str, object]
    ) -> int:
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
            changes=tuple(Written(change=cast(AnyChange, change), prior=prior) for change, prior in changes.items()),
            snapshot=snapshot,
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
            if self._names is not None:
                lines.append(line_of(Names(names=self._names)))
        if self._unwritten_rows:
            lines.append(line_of(Rows(rows=tuple(self._unwritten_rows))))
            self._unwritten_rows.clear()
        return lines

    def outcome(self, number: int, outcomes: Sequence[Outcome], rows: Sequence[RowResult]) -> None:
        """Writes down what became of a write; it is on disk with the next intent, or when the journal is closed. Raises `Stop` (73)."""
        self._write(line_of(Concluded(number=number, outcomes=tuple(outcomes), rows=tuple(rows))))

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
            found = bool(self._unwritten_rows) or (self._names is not None and self._file is None)
            if not self._broken and ((found and belongs) or self._written > self._whole):
                await self._append(b"".join(self._lines_before()))
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        while under_way := {task for task in (self._syncing, self._next) if task is not None and not task.done()}:
            await asyncio.wait(under_way)
        if self._file is not None:
            os.close(self._file)
            self._file = self._seen = None

    def _open(self) -> None:
        """Opens the file to append to, and locks it, cutting off a line that was torn. Raises `Stop` (73, 75)."""
        self._hold()
        try:
            file = open_ordinary(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from None
        try:
            self._whole = self._made_ready(file)
        except OSError as error:
            os.close(file)
            raise self._unwritable(error.strerror or str(error)) from None
        except ValueError as error:
            os.close(file)
            raise self._unwritable(str(error)) from None
        except BaseException:
            os.close(file)
            raise
        self._file, self._written = file, self._whole

    def _made_ready(self, file: int) -> int:
        """How many bytes of the file are whole lines: all that it has now. Raises `OSError`, `ValueError`, and `Stop`."""
        if os.fstat(file).st_nlink > 1:
            raise OSError(errno.EMLINK, "it has a second name (a hard link), under which it would change, too; put a copy in its place")
        if not taken(file):
            raise Stop(Exit.INTERRUPTED, f"Another run is writing to the journal {self._path}. Nothing was sent; wait until it has ended.")
        with open(file, "rb", closefd=False) as opened:
            whole = self._whole_bytes(opened.read())
        os.ftruncate(file, whole)
        sync_folder(self._path.parent)
        return whole

    def _whole_bytes(self, data: bytes) -> int:
        """How many bytes of the file are whole lines. Raises `ValueError`, with a clause, if it is not what was read, or no journal."""
        if self._seen is None:
            return records_of(data)[1]
        if not self._seen.is_still(data):
            raise ValueError("somebody has changed it since it was read")
        return self._seen.whole

    async def _append(self, data: bytes) -> None:
        """Returns when the data is on disk: all that comes while one sync is under way goes with the next."""
        self._waiting.append(data)
        if self._next is None:
            self._next = asyncio.create_task(self._flush_after(self._syncing))
            # Whoever waited may have been cancelled by then; a failure that nobody awaits must not be logged as forgotten.
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._next)

    async def _flush_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self._syncing, self._next = self._next, None
        data, self._waiting = b"".join(self._waiting), []
        if data:
            self._hold_or_break()
        file = self._write(data)
        end = self._written
        try:
            await self._sync(file)
        except OSError as error:
            raise self._failed(file, error, self._whole) from None
        self._whole = end

    def _hold_or_break(self) -> None:
        """Raises `Stop` where the directory is somebody else's by now; then nothing is appended any more."""
        try:
            self._hold()
        except Stop as lost:
            self._broken = lost.message
            raise

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
        message = f"The journal {self._path} cannot be written: {reason}. Every request that was sent is in the journal."
        return Stop(Exit.CANNOT_CREATE, message)


async def _fsync(file: int) -> None:
    await asyncio.get_running_loop().run_in_executor(None, to_disk, file)


def _differences(one: Owner, other: Owner) -> Iterable[str]:
    words = {"sheet_sha256": "sheet", "sheet_name": "worksheet", "server": "server", "plan_sha256": "--plan"}
    yield from (word for name, word in words.items() if getattr(one, name) != getattr(other, name))
    for field in fields(Choices):
        if getattr(one.choices, field.name) != getattr(other.choices, field.name):
            yield f"--{field.name.replace('_', '-')}"
