"""Files that cannot be opened, and what is known of those that can."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkjob.cli import main
from bulkjob.sheet import read_sheet
from bulkjob.vocabulary import Exit, Stop

Refused = Callable[[Path], Stop]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Stop]:
    """Why the file is no sheet; the command line says just that, in one sentence."""

    def refused(path: Path) -> Stop:
        with pytest.raises(Stop) as caught:
            read_sheet(path)
        stop = caught.value
        assert "\n" not in stop.message
        assert main(["validate", str(path)]) == stop.exit_code
        said = capsys.readouterr()
        assert (said.out, said.err) == ("", f"bulkjob: {stop.message}\n")
        return stop

    return refused


def test_a_missing_file(tmp_path: Path, refused: Refused) -> None:
    """A file that is not there is exit 66, with its path."""
    stop = refused(tmp_path / "reorg.csv")
    assert stop.exit_code is Exit.NO_INPUT
    assert "reorg.csv" in stop.message


def test_a_directory(tmp_path: Path, refused: Refused) -> None:
    """A directory is exit 66 and called a folder."""
    stop = refused(tmp_path)
    assert stop.exit_code is Exit.NO_INPUT
    assert "folder" in stop.message


def test_a_file_as_a_directory_of_the_path(tmp_path: Path, refused: Refused) -> None:
    """A path that leads through a file is exit 66."""
    (tmp_path / "a").write_text("x")
    assert refused(tmp_path / "a" / "b.csv").exit_code is Exit.NO_INPUT


def test_a_name_that_no_file_can_have(refused: Refused) -> None:
    """A NUL in the path is exit 66, not a traceback."""
    assert refused(Path("a\0b")).exit_code is Exit.NO_INPUT


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    """A file that may not be read is exit 66 and says so."""
    path = tmp_path / "reorg.csv"
    path.write_text("department\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        # The superuser reads everything: the refusal has to be played.
        monkeypatch.setattr(Path, "open", _refuse)
    stop = refused(path)
    assert stop.exit_code is Exit.NO_INPUT
    assert "permission" in stop.message


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_an_empty_file(tmp_path: Path, refused: Refused) -> None:
    """An empty file is exit 65."""
    path = tmp_path / "reorg.csv"
    path.touch()
    stop = refused(path)
    assert stop.exit_code is Exit.BAD_SHEET
    assert "reorg.csv is empty" in stop.message


def test_a_huge_file_is_not_read(tmp_path: Path, refused: Refused) -> None:
    """A file beyond all measure is refused by its size, unread."""
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    stop = refused(path)
    assert stop.exit_code is Exit.BAD_SHEET
    assert "larger" in stop.message


def test_a_sheet_knows_its_file(tmp_path: Path) -> None:
    """A sheet carries its file's name and the checksum of its bytes."""
    path = tmp_path / "reorg.csv"
    path.write_bytes(b"department,unit\nA,u\n")
    sheet = read_sheet(path)
    assert sheet.name == "reorg.csv"
    assert sheet.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sheet.sheet_name == ""
