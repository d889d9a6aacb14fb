"""The file in which Kubernetes looks for a container's last words."""

import os
from pathlib import Path

from bulkjob.system.termination import MOST, write_termination


def test_it_is_written_where_it_is(tmp_path: Path) -> None:
    """The file that is there has the text afterwards, and nothing of an earlier one; it is not replaced, as it is mounted."""
    log = tmp_path / "termination-log"
    log.write_text("an earlier and longer one", encoding="utf-8")
    number = log.stat().st_ino
    write_termination(log, "Exit code: 0\n")
    assert (log.read_text(encoding="utf-8"), log.stat().st_ino) == ("Exit code: 0\n", number)


def test_it_is_not_made(tmp_path: Path) -> None:
    """Outside of a pod there is none, and none is made; what is no ordinary file is left alone."""
    write_termination(tmp_path / "none", "x")
    write_termination(tmp_path / "no" / "none", "x")
    os.mkfifo(tmp_path / "pipe")
    write_termination(tmp_path / "pipe", "x")
    (tmp_path / "link").symlink_to(tmp_path / "aim")
    (tmp_path / "aim").write_text("aim", encoding="utf-8")
    write_termination(tmp_path / "link", "x")
    assert (tmp_path / "aim").read_text(encoding="utf-8") == "aim"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aim", "link", "pipe"]


def test_it_is_not_longer_than_kubernetes_takes(tmp_path: Path) -> None:
    """What is too long is cut between letters."""
    log = tmp_path / "termination-log"
    log.touch()
    write_termination(log, "ä" * MOST)
    data = log.read_bytes()
    assert MOST - 3 <= len(data) <= MOST
    assert data.decode() == "ä" * ((MOST - 3) // 2) + "…"
