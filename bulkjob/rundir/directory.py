"""The directory that a run writes its report into: made, locked for one process, and named by time and sheet."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bulkjob.vocabulary import Exit, Stop

RUNS = Path("runs")


#: The directory below a run's own in which its rollback works.
ROLLBACK = "rollback"


#: The file in a run directory whose lock keeps other processes out.
LOCK = ".lock"


_OTHERWISE = ", or choose another one with --run-dir"


#: Bytes of a sheet's name in its directory's: with the time and a number it stays below the 255 of common file systems.
_LONGEST_STEM = 200


#: Seconds between two tries to get a lock that another process holds.
_LOCK_TRIES_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """A run directory that this process alone writes to."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


class _Unusable(Exception):
    """A directory that this process cannot work in; its text ends with what would mend that, without a full stop."""

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
    73 if the directory cannot be written or locked, 75 if another process is working in it.
    """
    try:
        directory = _made(path) if path is not None else _new(RUNS, f"{now:%Y%m%dT%H%M%SZ}-{_stem(sheet_name)}")
        lock = _locked(directory, lock_timeout)
    except _Unusable as unusable:
        raise Stop(unusable.exit_code, f"{unusable}{otherwise}.") from None
    try:
        yield RunDirectory(directory)
    finally:
        os.close(lock)


def _stem(sheet_name: str) -> str:
    """The sheet's name without its ending, as a part of a path that needs no quoting and fits the file system, which counts bytes."""
    readable = re.sub(r"[^\w.-]+", "-", Path(sheet_name).stem).strip("-.")[:80]
    return readable.encode()[:_LONGEST_STEM].decode(errors="ignore") or "sheet"


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
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


def _locked(directory: Path, timeout: float) -> int:
    """An open lock; the system frees it when the process ends, however that happens."""
    try:
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise _unwritable(directory, error) from None
    try:
        taken = _taken_within(lock, timeout)
    except OSError as error:
        # Some network file systems have no locks.
        os.close(lock)
        raise _unwritable(directory, error) from None
    except BaseException:
        os.close(lock)
        raise
    if not taken:
        os.close(lock)
        raise _Unusable(Exit.INTERRUPTED, f"Another run is working in {directory}. Wait until it has ended")
    return lock


def _taken_within(lock: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not _taken(lock):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_LOCK_TRIES_EVERY, left))
    return True


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(path: Path, error: OSError) -> "_Unusable":
    reason = error.strerror or str(error)
    return _Unusable(Exit.CANNOT_CREATE, f"The run directory {path} cannot be written: {reason}. Make it writable")
