"""Files that a reader sees whole or not at all, and places that can or cannot be written to.

Nothing here follows a link that lies where a file of ours is to be, or opens a pipe or a device there.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bulkjob.vocabulary import Exit, Stop

#: Of a file that is tried: no block of the disk is needed for less.
_TRIAL: Final = b"written by bulkjob to see whether it can be, and removed at once\n"


#: What lies where a file should, by the kind in its mode.
_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def to_disk(file: int) -> None:
    """Has the disk keep what was written to a file descriptor. Raises `OSError`."""
    # Not everywhere is there a call that leaves the file's times alone.
    getattr(os, "fdatasync", os.fsync)(file)


# --------------------------------------------------------------------------------------------------------- whole, or not at all


#: What a file is to hold, as a whole or in pieces.
Content = bytes | Iterable[bytes]


def write_whole(path: Path, data: Content) -> None:
    """Put ``data`` at ``path``, durably: written beside it, then renamed over it. A link there is replaced, not followed.

    Raises `Stop` (``CANNOT_CREATE``) if that cannot be done; then whatever was at ``path`` is still there, and nothing beside it.
    """
    write_together({path: data})


def write_together(files: Mapping[Path, Content | None]) -> None:
    """The same for files of one folder that belong together: all are written before the first is renamed. None takes a file away.

    Raises `Stop` (``CANNOT_CREATE``) if that cannot be done; if it is for want of room, all that was there is still there.
    """
    parts = {path: part_of(path) for path, data in files.items() if data is not None}
    try:
        for path, part in parts.items():
            with _named(path, "written"):
                _write_durably(part, files[path] or b"")
        for path in files:
            if path in parts:
                with _named(path, "written"):
                    parts[path].replace(path)
            else:
                remove_whole(path)
    except BaseException:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in files}:
        with _named(folder, "written"):
            sync_folder(folder)


def part_of(path: Path) -> Path:
    """Where a file lies until it is whole."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def _named(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Stop(Exit.CANNOT_CREATE, f"{path} cannot be {what}: {error.strerror or error}.") from error


def _write_durably(path: Path, data: Content) -> None:
    # What a killed attempt left; a link is taken away, not what it leads to.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "wb") as file:
        file.writelines((data,) if isinstance(data, bytes) else data)
        file.flush()
        os.fsync(file.fileno())


def remove_whole(path: Path) -> None:
    """Take away what an earlier run left at ``path``; nothing happens where nothing is.

    Raises `Stop` (``CANNOT_CREATE``) if it is there and cannot be removed.
    """
    with _named(path, "removed"):
        path.unlink(missing_ok=True)
        part_of(path).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable, where the file system can. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network and user-space file systems have no fsync for folders; the file itself is synced all the same.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


# ------------------------------------------------------------------------------------------------------- what lies in a place


def foreign_kind(path: Path) -> str | None:
    """What lies at ``path`` where a file of ours is to be: ``a symbolic link``; None for an ordinary file, or nothing. Raises `OSError`."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "not an ordinary file")


def open_ordinary(path: Path, flags: int) -> int:
    """An open ordinary file, at ``path`` itself and not where a link there leads to; the caller closes it.

    Raises `OSError`, also for anything that is no ordinary file, with words for people in its ``strerror``.
    """
    if kind := foreign_kind(path):
        raise OSError(errno.EINVAL, f"it is {kind}")
    # Without waiting: a pipe that was put there in between would never be opened.
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    return file


#: Bytes that are read at a time where nothing says how many there are.
_PIECE: Final = 2**16
#: Of a file of settings, or of one that holds a secret, in bytes.
_LARGEST_OF_SETTINGS: Final = 2**16


def setting_text(path: Path) -> str:
    """What stands in a file of settings, or with a secret in it. Raises `OSError`, also for a large one, and `UnicodeDecodeError`."""
    text = read_at_most(path, _LARGEST_OF_SETTINGS, "64 KB").decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_at_most(path: Path, most: int, words: str) -> bytes:
    """The bytes of a file or a pipe. Raises `OSError`; with words for people in its ``strerror`` if there are more than ``most``."""
    pieces: list[bytes] = []
    held = 0
    with path.open("rb") as file:
        # As much memory as is asked for is taken at once: a file is read in one piece of its size, a pipe in small ones.
        size = os.fstat(file.fileno()).st_size
        while held <= most and (piece := file.read(min(most + 1 - held, max(size - held, _PIECE)))):
            pieces.append(piece)
            held += len(piece)
    if held > most:
        raise OSError(errno.EFBIG, f"it is larger than {words}")
    return b"".join(pieces)


def same_file(one: Path, other: Path) -> bool:
    """Whether both paths lead to one file that is there: by links, in another spelling of its name, or as a second name of it."""
    try:
        return one.samefile(other)
    except OSError:
        # One of them is not there, or may not be looked at: then it cannot be overwritten by way of the other either.
        return False


# ---------------------------------------------------------------------------------------------------- places to be written to


def try_folder(folder: Path) -> None:
    """Write a file in ``folder`` and remove it again. Raises `OSError` where that cannot be done, also for want of room."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".bulkjob-try-") as file:
        file.write(_TRIAL)
        file.flush()
        os.fsync(file.fileno())


def refuse_unwritable(path: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Make sure that a file can be put at ``path``, before the work that it is to tell of. ``inputs``: files that it may not replace.

    Raises `Stop` (``CANNOT_CREATE``).
    """
    for given in inputs:
        if same_file(path, given):
            message = f"{path} is {'the sheet itself' if path == given else f'the same file as {given}'}. Choose another name."
            raise Stop(Exit.CANNOT_CREATE, message)
    with _named(path, "written"):
        kind = foreign_kind(path)
    if kind is not None:
        raise Stop(Exit.CANNOT_CREATE, f"{path} is {kind}. Name a file.")
    if not path.parent.is_dir():
        raise Stop(Exit.CANNOT_CREATE, f"{path} cannot be written: there is no directory {path.parent}. Make it first.")
    try:
        try_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Stop(Exit.CANNOT_CREATE, f"{path} cannot be written: in {path.parent} no file can be made ({reason}).") from error


def writable_folder(folder: Path, names: Iterable[str], *, inputs: Iterable[Path] = ()) -> None:
    """The same for files of these names in a folder, which is made if it is not there. Raises `Stop` (``CANNOT_CREATE``)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(Exit.CANNOT_CREATE, f"{folder} cannot be made: {error.strerror or error}.") from error
    inputs = tuple(inputs)
    for name in names:
        refuse_unwritable(folder / name, inputs=inputs)
