"""The file in which Kubernetes looks for a container's last words, which ``kubectl describe`` then shows."""

import os
from pathlib import Path
from typing import Final

from bulkjob.system.files import open_ordinary

#: Where Kubernetes looks unless a pod says otherwise.
TERMINATION_LOG: Final = Path("/dev/termination-log")


#: Bytes that Kubernetes takes of it.
MOST: Final = 4096


def write_termination(path: Path, text: str) -> None:
    """Write ``text`` where that file is and can be written; nothing happens where it is not, as it makes sense only in a pod."""
    data = text.encode("utf-8", errors="replace")
    if len(data) > MOST:
        data = data[: MOST - len("…".encode())].decode("utf-8", errors="ignore").encode() + "…".encode()
    try:
        file = open_ordinary(path, os.O_WRONLY)
    except OSError:
        return
    try:
        os.ftruncate(file, 0)
        os.write(file, data)
    except OSError:
        return
    finally:
        os.close(file)
