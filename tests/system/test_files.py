"""Files that are there whole or not at all."""

import os
from pathlib import Path

import pytest

from bulkjob.system.files import remove_whole, write_whole
from bulkjob.vocabulary import Exit, Stop


def test_the_file_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    """Afterwards the folder holds the new file alone, readable as the umask says."""
    path = tmp_path / "results.csv"
    path.write_bytes(b"an older and longer one")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_leftover_of_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    """What a run that was killed left beside the file is taken over."""
    (tmp_path / ".results.csv.part").write_bytes(b"half of a much longer fil")
    write_whole(tmp_path / "results.csv", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"results.csv": b"new"}


def test_a_folder_that_is_not_there_stops_the_job(tmp_path: Path) -> None:
    """Where it cannot be written, the job ends with 73 and a sentence that names the file."""
    with pytest.raises(Stop, match=r"results\.csv cannot be written: No such file or directory") as caught:
        write_whole(tmp_path / "gone" / "results.csv", b"new")
    assert caught.value.exit_code is Exit.CANNOT_CREATE


def test_a_failure_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails half-way, the old file is still there whole, and no part of the new one."""
    path = tmp_path / "results.csv"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Stop, match="No space left on device"):
        write_whole(path, b"new")
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"results.csv": b"old"}


def test_a_folder_in_the_way_stops_the_job(tmp_path: Path) -> None:
    """A folder of the file's name is neither replaced nor removed."""
    (tmp_path / "results.csv" / "kept").mkdir(parents=True)
    with pytest.raises(Stop) as caught:
        write_whole(tmp_path / "results.csv", b"new")
    assert caught.value.exit_code is Exit.CANNOT_CREATE
    with pytest.raises(Stop, match="cannot be removed"):
        remove_whole(tmp_path / "results.csv")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "results.csv"]


def test_removing_what_may_not_be_there(tmp_path: Path) -> None:
    """An old retry.csv goes, and that there is none is no error."""
    path = tmp_path / "retry.csv"
    path.write_bytes(b"old")
    remove_whole(path)
    remove_whole(path)
    assert not path.exists()
