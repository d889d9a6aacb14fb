"""Files that a reader sees whole or not at all."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bulkjob.vocabulary import Exit, Stop


def to_disk(file: int) -> None:
    """Waits until the disk keeps what was written to a file descriptor."""
    # Not everywhere is there a call that leaves the file's times alone.
    getattr(os, "fdatasync", os.fsync)(file)


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, durably: written beside it, then renamed over it.

    Raises `Stop` (``CANNOT_CREATE``) if that cannot be done; then whatever was at ``path`` is still there, and nothing beside it.
    """
    write_together({path: data})


def write_together(files: Mapping[Path, bytes | None]) -> None:
    """The same for files of one folder that belong together: all are written before the first is renamed. None takes a file away.

    Raises `Stop` (``CANNOT_CREATE``) if that cannot be done; if it is for want of room, all that was there is still there.
    """
    parts = {path: _beside(path) for path, data in files.items() if data is not None}
    try:
        for path, beside in parts.items():
            with _named(path, "written"):
                _write_durably(beside, files[path] or b"")
        for path in files:
            if path in parts:
                with _named(path, "written"):
                    parts[path].replace(path)
            else:
                remove_whole(path)
    except BaseException:
        for beside in parts.values():
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in files}:
        with _named(folder, "written"):
            _sync_folder(folder)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _named(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Stop(Exit.CANNOT_CREATE, f"{path} cannot be {what}: {error.strerror or error}.") from error


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def remove_whole(path: Path) -> None:
    """Take away what an earlier run left at ``path``; nothing happens where nothing is.

    Raises `Stop` (``CANNOT_CREATE``) if it is there and cannot be removed.
    """
    with _named(path, "removed"):
        path.unlink(missing_ok=True)
        _beside(path).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the folder's entries durable, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and user-space file systems have no fsync for folders; the file itself is synced all the same.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
