"""A disk that forgets what it was not told to keep."""

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch


class Disk:
    """What of the journal is sure to be there after a crash."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], int] = {}
        self._open: set[int] = set()

    def keep(self, file: int) -> None:
        """What `os.fdatasync` does: the journal is the only file that is synced so."""
        found = os.fstat(file)
        self._kept[found.st_dev, found.st_ino] = found.st_size

    def kept(self, path: Path) -> int:
        """Bytes of a file that are sure to be there."""
        if not path.exists():
            return 0
        found = path.stat()
        return self._kept.get((found.st_dev, found.st_ino), 0)

    def tear(self, path: Path, chance: random.Random) -> None:
        """Loses some of what it was not told to keep."""
        if path.exists():
            size = path.stat().st_size
            os.truncate(path, chance.randint(min(self.kept(path), size), size))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """While open, syncing costs no time, and is taken note of, and so is what is open to be appended to: journals."""
        opened, closed = os.open, os.close

        def note_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            file = opened(path, flags, *args, **kwargs)
            if flags & os.O_APPEND:
                self._open.add(file)
            return file

        def note_close(file: int) -> None:
            self._open.discard(file)
            closed(file)

        try:
            with ExitStack() as stack:
                for name, stand_in in (("fsync", lambda _: None), ("fdatasync", self.keep), ("open", note_open), ("close", note_close)):
                    stack.enter_context(patch.object(os, name, stand_in, create=True))
                yield
        finally:
            self.release()

    def release(self) -> None:
        """Closes what a killed process has left open, as the system does: its locks are free then."""
        for file in sorted(self._open):
            os.close(file)
        self._open.clear()
