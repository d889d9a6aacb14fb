"""Files that a reader sees whole or not at all."""

import errno
import os
from pathlib import Path

from bulkjob.vocabulary import Exit, Stop


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, durably: written beside it, then renamed over it.

    Raises `Stop` (``CANNOT_CREATE``) if that cannot be done; then whatever was at ``path`` is still there, and nothing beside it.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise Stop(Exit.CANNOT_CREATE, f"{path} cannot be written: {error.strerror or error}.") from error


def remove_whole(path: Path) -> None:
    """Take away what an earlier run left at ``path``; nothing happens where nothing is.

    Raises `Stop` (``CANNOT_CREATE``) if it is there and cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Stop(Exit.CANNOT_CREATE, f"{path} cannot be removed: {error.strerror or error}.") from error


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
