"""Files that cannot be opened, and what is known of those that can."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import bulkjob
from bulkjob.cli import main
from bulkjob.phrases import printable
from bulkjob.settings import Mask, Secret, SheetAddress
from bulkjob.sheet import check, given_once, read_sheet
from bulkjob.vocabulary import Code, Exit, Stop

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
        assert (said.out, said.err) == ("", f"bulkjob: {printable(stop.message)}\n")
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


LONG = b"department,agent,comment\nA,ada," + b"x" * 900_000 + b"\nA,ben," + b"y" * 900_000 + b"\nA,cleo," + b"z" * 900_000 + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    # Whoever reads may have seen enough before all of it was written.
    with suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)


@pytest.fixture
def piped() -> Iterator[int]:
    """The reading end of a pipe through which a sheet of 2.7 MB comes, more than two pieces of it."""
    reading, writing = os.pipe()
    writer = threading.Thread(target=_write, args=(writing, LONG))
    writer.start()
    yield reading
    os.close(reading)
    writer.join()


def test_a_pipe_is_read_to_its_end(piped: int) -> None:
    """A sheet that comes through a pipe, in pieces as small as its buffer, is read to its end."""
    sheet = read_sheet(Path(f"/dev/fd/{piped}"))
    assert sheet.cells[1].to_list() == ["ada", "ben", "cleo"]
    assert sheet.sha256 == hashlib.sha256(LONG).hexdigest()


def test_a_pipe_that_brings_too_much_is_given_up(piped: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe whose end does not come is not read for ever: what is more than a file may have is refused, with the bound."""
    monkeypatch.setattr("bulkjob.sheet.reading.LARGEST_FILE", 2**21)
    with pytest.raises(Stop, match="is larger than 2 MB") as refused:
        read_sheet(Path(f"/dev/fd/{piped}"))
    assert refused.value.exit_code is Exit.BAD_SHEET


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    """The same for a FIFO."""
    path = tmp_path / "reorg.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(LONG,))
    writer.start()
    sheet = read_sheet(path)
    writer.join()
    assert (sheet.name, len(sheet.cells)) == ("reorg.csv", 3)


@pytest.mark.parametrize("argument", ["-", "/dev/stdin"])
def test_standard_input_is_read_to_its_end(argument: str) -> None:
    """A sheet from standard input, by either name, is read to its end; it is called `sheet`."""
    environment = {**os.environ, "PYTHONPATH": str(Path(bulkjob.__file__).parents[1])}
    code = (
        "import sys; from pathlib import Path; from bulkjob.sheet import read_sheet; "
        "sheet = read_sheet(Path(sys.argv[1])); print(sheet.name, len(sheet.cells))"
    )
    writer = [
        sys.executable,
        "-c",
        "import sys, time\nfor piece in range(6): print('department,unit' if not piece else 'A,' + 'u' * 600_000, flush=True)",
    ]
    with subprocess.Popen(writer, stdout=subprocess.PIPE) as sheet:
        read = subprocess.run(
            [sys.executable, "-c", code, argument], stdin=sheet.stdout, capture_output=True, text=True, env=environment, check=False
        )
    assert (read.stdout, read.stderr) == ("sheet 5\n", "")


def test_what_gives_a_sheet_only_once(tmp_path: Path) -> None:
    """Standard input, another open file, and a pipe; not a file or an address, and not what is not there by now."""
    pipe, file = tmp_path / "pipe", tmp_path / "-"
    os.mkfifo(pipe)
    file.write_text("department,unit\nA,B\n", encoding="utf-8")
    for once in (Path("-"), Path("/dev/stdin"), Path("/dev/fd/63"), Path("/proc/self/fd/5"), pipe):
        assert given_once(once)
    for again in (file, tmp_path / "gone.csv", file / "below", SheetAddress(Secret("https://example.com/a.csv"))):
        assert not given_once(again)


def test_closed_standard_input_is_no_sheet() -> None:
    """Without a standard input there is nothing to read, which is said as of any empty sheet."""
    environment = {**os.environ, "PYTHONPATH": str(Path(bulkjob.__file__).parents[1])}
    command = ["sh", "-c", f"exec {sys.executable} -m bulkjob validate /dev/stdin <&-"]
    read = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (read.returncode, read.stdout) == (Exit.BAD_SHEET, "")
    assert "sheet is empty" in read.stderr


def test_a_device_is_refused_as_soon_as_it_can_be_no_sheet(refused: Refused) -> None:
    """What never ends and begins with nothing that a sheet begins with is not read on."""
    assert refused(Path("/dev/zero")).exit_code is Exit.BAD_SHEET


SECRETS = Mask([Secret("s3cr3t-t0ken")])


@pytest.mark.parametrize("spelt", ["s3cr3t-t0ken", "S3CR3T-T0KEN", "s3cr3t%2Dt0ken", "s3cr3t-\u200bt0ken"])
def test_a_secret_in_a_sheet_goes_no_further(tmp_path: Path, spelt: str) -> None:
    """Where a header, a cell, what lies right of the headers or the file's name holds a secret, the sheet has ``***``."""
    path = tmp_path / f"x {spelt}.csv"
    path.write_text(f"department,unit,Note {spelt}\nA {spelt},U,n\nB,U,by {spelt}\nC,U,n,{spelt}\n", encoding="utf-8")
    checked = check(read_sheet(path, mask=SECRETS))
    sheet = checked.sheet
    assert sheet.name == "x ***.csv"
    assert sheet.headers == ("department", "unit", "Note ***")
    assert sheet.cells[0].tolist() == ["A ***", "B", "C"]
    assert sheet.cells[2].tolist() == ["n", "by ***", "n"]
    assert dict(sheet.beyond) == {4: ((3, "***"),)}
    assert [(problem.cell, problem.code) for problem in checked.problems if problem.row < 4] == [("A2", Code.BAD_VALUE)]
    assert spelt not in repr(checked)


def test_a_large_sheet_without_a_secret_costs_no_look_at_each_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether there is anything to be masked is asked of whole columns."""
    path = tmp_path / "sheet.csv"
    path.write_text("department,unit\n" + "".join(f"Sales {row},North\n" for row in range(20_000)), encoding="utf-8")
    asked: list[int] = []
    suspects = Mask.suspects

    def counted(mask: Mask, body: bytes) -> bool:
        asked.append(len(body))
        return suspects(mask, body)

    monkeypatch.setattr(Mask, "suspects", counted)
    assert len(read_sheet(path, mask=SECRETS).cells) == 20_000
    assert len(asked) < 30
