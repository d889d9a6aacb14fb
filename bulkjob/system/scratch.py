"""A place for temporary files where a file of ours is to be: a pod may have no other place that can be written to."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NAME: Final = ".temporary.part"


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """A new folder in a folder, with nothing in it; it goes with all that is in it when the context ends. Raises `OSError`.

    What a killed process left there goes as well. Only one process at a time may ask for it in a folder.
    """
    path = folder / _NAME
    _remove(path)
    path.mkdir()
    try:
        yield path
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    """Takes away what lies there; of a link the link, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
