"""The directory that a run writes its report into: made, locked for one process, and named by time and sheet."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bulkjob.rundir.corrections import room_for_corrections
from bulkjob.rundir.format import JOURNAL_FILE
from bulkjob.system import foreign_kind, open_ordinary, part_of, same_file, try_folder
from bulkjob.vocabulary import Exit, Stop

RUNS: Final = Path("runs")


#: The directory below a run's own in which its rollback works.
ROLLBACK: Final = "rollback"


#: The file in a run directory whose lock keeps other processes out.
LOCK: Final = ".lock"


#: Where a run leaves its figures.
SUMMARY_FILE: Final = "summary.json"


#: Of such a file, in bytes: ours are some kilobytes.
_LARGEST_SUMMARY: Final = 2**24


#: The files of a run directory that a run replaces or takes away.
REPORT_FILES: Final = (
    *("results.csv", "results.xlsx", "report.html", "problems.csv", "annotated.xlsx", SUMMARY_FILE, "plan.json"),
    *("retry.csv", "retry.xlsx"),
)


_OTHERWISE: Final = ", or choose another one with --run-dir"


#: Bytes of a sheet's name in its directory's: with the time and a number it stays below the 255 of common file systems.
_LONGEST_STEM: Final = 200


#: Seconds between two tries to get a lock that another process holds.
_LOCK_TRIES_EVERY: Final = 0.2


def read_summary_file(directory: Path) -> bytes:
    """The figures that the latest attempt in a run directory has left, no more than can be ours.

    Raises `OSError`, also for what is no ordinary file, with words for people in its ``strerror``.
    """
    with os.fdopen(open_ordinary(directory / SUMMARY_FILE, os.O_RDONLY), "rb") as file:
        return file.read(_LARGEST_SUMMARY + 1)


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A run directory that this process alone writes to."""

    path: Path
    lock: tuple[int, int] | None = None
    """Device and number of the file that is locked; None where nobody else could come in."""

    def __str__(self) -> str:
        return str(self.path)

    def hold(self) -> None:
        """Make sure that the directory is still this process's own. Raises `Stop` (73) if its lock was taken away or replaced."""
        if self.lock is not None and _identity(self.path / LOCK) != self.lock:
            message = (
                f"Somebody has removed or replaced {self.path / LOCK} while the run was going on, so another run could begin there. "
                "No further call was started. Make sure that no other run is working in the directory, then run it again."
            )
            raise Stop(Exit.CANNOT_CREATE, message)


class _Unusable(Exception):
    """A directory that this process cannot work in; its text ends with what to do about it, without a full stop."""

    def __init__(self, exit_code: Exit, reason: str) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


@contextmanager
def opened(
    path: Path | None, sheet_name: str, now: datetime, *, lock_timeout: float = 0.0, otherwise: str = _OTHERWISE
) -> Iterator[RunDirectory]:
    """The run directory, made if it is not there, and kept from other processes as long as the context lasts.

    ``path`` None: a new one below `RUNS`, named by ``now`` (UTC) and the sheet. ``lock_timeout``: seconds to wait for another process
    to leave it. ``otherwise``: what people can do if they cannot have it. The lock is the kernel's (``flock``), which network file systems
    pass on to their server: it holds between machines, and is free as soon as its owner is gone, however that happened. Raises `Stop`:
    73 if the directory cannot be written or locked, or if something foreign lies where a file of a run would, 75 if another process is
    working in it.
    """
    with ExitStack() as locks:
        try:
            directory = _made(path) if path is not None else _new(RUNS, f"{now:%Y%m%dT%H%M%SZ}-{_stem(sheet_name)}")
            lock = _locked(directory, time.monotonic() + lock_timeout, locks)
            _refuse_unwritable(directory)
        except _Unusable as unusable:
            raise Stop(unusable.exit_code, f"{unusable}{otherwise}.") from None
        yield RunDirectory(directory, lock)


def _stem(sheet_name: str) -> str:
    """The sheet's name without its ending, as a part of a path that needs no quoting and fits the file system, which counts bytes."""
    readable = re.sub(r"[^\w.-]+", "-", Path(sheet_name).stem).strip("-.")[:80]
    return readable.encode()[:_LONGEST_STEM].decode(errors="ignore") or "sheet"


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        kind = foreign_kind(path) or "a file"
        raise _Unusable(Exit.CANNOT_CREATE, f"The run directory {path} cannot be written: it is {kind}. Move it away") from None
    except OSError as error:
        raise _unwritable(path, error) from None
    return path


def _new(parent: Path, name: str) -> Path:
    _made(parent)
    number = 1
    while True:
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _unwritable(path, error) from None
        else:
            return path


def _locked(directory: Path, deadline: float, locks: ExitStack) -> tuple[int, int]:
    """Locks the directory until ``locks`` are closed, or the process ends, however that happens; what identifies the lock's file.

    Three locks, as a file can be removed while it is locked, and then made anew by somebody else: the file; the directory itself, where
    the file system has that; and the journal, which a run that goes on has locked since its first write.
    """
    while True:
        try:
            _refuse_foreign(directory / LOCK)
            lock = open_ordinary(directory / LOCK, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise _unwritable(directory, error) from None
        with ExitStack() as kept:
            kept.callback(os.close, lock)
            _wait_for(lock, directory, deadline)
            # Between opening and locking the owner before may have ended, and somebody may have tidied up.
            found = _identity(lock)
            if found is not None and found == _identity(directory / LOCK):
                _lock_folder(directory, deadline, kept)
                _refuse_journal_in_use(directory, deadline)
                locks.push(kept.pop_all())
                return found


def _lock_folder(directory: Path, deadline: float, locks: ExitStack) -> None:
    """Locks the directory itself; passes it over where the file system locks only what was opened to be written, as NFS does."""
    try:
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(directory, error) from None
    locks.callback(os.close, folder)
    try:
        _wait_for(folder, directory, deadline)
    except _NoLocks:
        return


def _refuse_journal_in_use(directory: Path, deadline: float) -> None:
    try:
        journal = open_ordinary(directory / JOURNAL_FILE, os.O_RDWR)
    except OSError:
        # It is not there, or nothing that anybody could have locked; whoever reads it says so.
        return
    try:
        _wait_for(journal, directory, deadline)
    finally:
        os.close(journal)


class _NoLocks(_Unusable):
    """A file system that does not lock this; some that reach over a network lock nothing."""


def _wait_for(file: int, directory: Path, deadline: float) -> None:
    try:
        while not taken(file):
            left = deadline - time.monotonic()
            if left <= 0:
                raise _Unusable(Exit.INTERRUPTED, f"Another run is working in {directory}. Wait until it has ended")
            time.sleep(min(_LOCK_TRIES_EVERY, left))
    except OSError as error:
        reason = f"The run directory {directory} cannot be locked: {error.strerror or error}. Put it on a file system that has locks"
        raise _NoLocks(Exit.CANNOT_CREATE, reason) from None


def taken(file: int) -> bool:
    """Lock an open file for this process; False if another one has it. Raises `OSError` where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(file: Path | int) -> tuple[int, int] | None:
    """What tells a file, not its name, from every other one; None if it is not there."""
    try:
        found = file.lstat() if isinstance(file, Path) else os.fstat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


# ------------------------------------------------------------------------------------------------------ what may not lie there


def _refuse_unwritable(directory: Path) -> None:
    """What is not an ordinary file under one of our names is somebody else's; found now, it costs no report."""
    try:
        for name in (*REPORT_FILES, JOURNAL_FILE):
            for path in (directory / name, part_of(directory / name)):
                _refuse_foreign(path)
        if (directory / ROLLBACK).is_symlink():
            raise _Unusable(Exit.CANNOT_CREATE, f"{directory / ROLLBACK} is a symbolic link, which bulkjob does not follow. Move it away")
        try_folder(directory)
    except OSError as error:
        raise _unwritable(directory, error) from None


def _refuse_foreign(path: Path) -> None:
    """Raises `_Unusable` for what is no ordinary file, and `OSError` where nobody may look."""
    if kind := foreign_kind(path):
        raise _Unusable(Exit.CANNOT_CREATE, f"{path} is {kind}, which bulkjob neither follows nor replaces. Move it away")


def is_own_file(path: Path, directory: Path) -> bool:
    """Whether ``path`` leads to a file of a run directory that a run in it replaces or takes away, in whatever spelling or by what link.

    A sheet that was corrected may lie anywhere else, or be run with another run directory; `room_for_corrections` names such a place.
    """
    names = (*REPORT_FILES, JOURNAL_FILE, LOCK)
    return any(same_file(path, place) for name in names for place in (directory / name, part_of(directory / name)))


def refuse_own_file(path: Path, directory: Path | None, what: str = "sheet") -> None:
    """Raises `Stop` (73) for an input that a run in ``directory`` would overwrite; nothing is written before.

    ``directory`` None: a new one, in which nothing lies yet. ``what`` the input is: ``sheet``, ``plan``.
    """
    if directory is not None and is_own_file(path, directory):
        message = (
            f"The {what} {path} lies in the run directory {directory} under a name that the run itself writes to, so it would be lost. "
            f"Nothing was sent. Copy it first, to {room_for_corrections(directory, path.name)} for example, and name the copy."
        )
        raise Stop(Exit.CANNOT_CREATE, message)


def _unwritable(path: Path, error: OSError) -> _Unusable:
    reason = error.strerror or str(error)
    return _Unusable(Exit.CANNOT_CREATE, f"The run directory {path} cannot be written: {reason}. Make it writable")
