"""Files that are there whole or not at all."""

import os
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bulkjob.system.files import (
    foreign_kind,
    open_ordinary,
    read_at_most,
    refuse_unwritable,
    remove_whole,
    try_folder,
    writable_folder,
    write_whole,
)
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


def test_a_file_in_pieces(tmp_path: Path) -> None:
    """What comes in pieces is one file; where making them fails, the old one is still there, and no part of the new one."""
    path = tmp_path / "plan.json"
    write_whole(path, iter([b"{", b"}", b""]))
    assert path.read_bytes() == b"{}"

    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_whole(path, breaking())
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"plan.json": b"{}"}


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


class TestLinks:
    """What lies in the place of a file is never followed."""

    @pytest.mark.parametrize("name", ["results.csv", ".results.csv.part"])
    @pytest.mark.parametrize("link", [os.symlink, os.link])
    def test_linked_file_keeps_its_content(self, tmp_path: Path, name: str, link: Callable[[Path, Path], None]) -> None:
        """A link where the file or its beginning is to be is replaced; what it leads to is as it was."""
        precious = tmp_path / "precious"
        precious.write_bytes(b"precious")
        folder = tmp_path / "run"
        folder.mkdir()
        link(precious, folder / name)
        write_whole(folder / "results.csv", b"new")
        assert precious.read_bytes() == b"precious"
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"results.csv": b"new"}
        assert foreign_kind(folder / "results.csv") is None

    def test_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        """A named pipe in the place of the beginning keeps nobody waiting."""
        os.mkfifo(tmp_path / ".results.csv.part")
        write_whole(tmp_path / "results.csv", b"new")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"results.csv": b"new"}


#: What may lie in a file's place, by what is said of it.
FOREIGN: dict[str, Callable[[Path], object]] = {
    "a symbolic link": lambda path: path.symlink_to("elsewhere"),
    "a directory": Path.mkdir,
    "a named pipe": os.mkfifo,
    "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(os.path.relpath(path)),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_only_ordinary_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Whatever else lies in a file's place is told by its kind, without following it, waiting for it or changing it."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file"
    FOREIGN[kind](path)
    assert foreign_kind(path) == kind
    for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT | os.O_APPEND):
        with pytest.raises(OSError, match=f"it is {kind}"):
            open_ordinary(path, flags)
    with pytest.raises(Stop, match=f"is {kind}") as caught:
        refuse_unwritable(path)
    assert caught.value.exit_code is Exit.CANNOT_CREATE
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


class TestPlaces:
    """Whether something can be written is tried before the work."""

    def test_good_place_is_left_as_it_was(self, tmp_path: Path) -> None:
        """Trying leaves nothing behind, and an older file of that name alone."""
        (tmp_path / "plan.json").write_bytes(b"old")
        refuse_unwritable(tmp_path / "plan.json", inputs=[tmp_path / "sheet.csv"])
        refuse_unwritable(tmp_path / "rows.csv")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"plan.json": b"old"}

    def test_place_where_nothing_can_be_made(self, tmp_path: Path) -> None:
        """A folder that is not there, or takes no file whatever its permissions say, is 73 with the path."""
        for path in (tmp_path / "gone" / "plan.json", Path("/proc/plan.json")):
            with pytest.raises(Stop, match=f"{path} cannot be written: ") as caught:
                refuse_unwritable(path)
            assert caught.value.exit_code is Exit.CANNOT_CREATE

    def test_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk without room is found by trying, too."""

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left on device"):
            try_folder(tmp_path)
        with pytest.raises(Stop, match="No space left on device"):
            refuse_unwritable(tmp_path / "plan.json")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("link", [os.symlink, os.link, None])
    def test_input_is_not_replaced(self, tmp_path: Path, link: Callable[[Path, Path], None] | None) -> None:
        """What is read is never where something is written, by whatever name."""
        sheet, path = tmp_path / "sheet.csv", tmp_path / "rows.csv"
        sheet.write_bytes(b"department\n")
        if link is None:
            path = tmp_path / "below" / ".." / "sheet.csv"
            (tmp_path / "below").mkdir()
        else:
            link(sheet, path)
        with pytest.raises(Stop, match="Choose another name") as caught:
            refuse_unwritable(path, inputs=[sheet])
        assert caught.value.exit_code is Exit.CANNOT_CREATE

    def test_folder_is_made(self, tmp_path: Path) -> None:
        """A folder for several files is made with its parents; one that cannot be is 73."""
        writable_folder(tmp_path / "some" / "where", ["problems.csv"])
        assert list((tmp_path / "some" / "where").iterdir()) == []
        (tmp_path / "file").touch()
        with pytest.raises(Stop, match="cannot be made"):
            writable_folder(tmp_path / "file" / "below", ["problems.csv"])


def test_interrupted_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is interrupted while a file is written leaves the old one and no part of the new."""
    path = tmp_path / "results.csv"
    path.write_bytes(b"old")

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"results.csv": b"old"}


def test_a_bound_takes_no_memory(tmp_path: Path) -> None:
    """A small file is read into as much memory as it has bytes, however many it might have had."""
    path = tmp_path / "small"
    path.write_bytes(b"x" * 1000)
    tracemalloc.start()
    try:
        assert read_at_most(path, 2**30, "1 GB") == b"x" * 1000
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 1, 300_000, 300_001])
def test_a_pipe_is_read_to_its_end_or_bound(tmp_path: Path, size: int) -> None:
    """A pipe says nothing of its size, and gives little at a time."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"x" * size,))
    writer.start()
    if size > 300_000:
        with pytest.raises(OSError, match="larger than 300 KB"):
            read_at_most(path, 300_000, "300 KB")
    else:
        assert read_at_most(path, 300_000, "300 KB") == b"x" * size
    writer.join()
