"""The directory that a run writes into: made, named, and locked for one process."""

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bulkjob.rundir.directory import opened
from bulkjob.vocabulary import Exit, Stop

NOW = datetime(2026, 11, 23, 0, 54, tzinfo=UTC)

LOCKING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bulkjob.rundir.directory import opened
from bulkjob.vocabulary import Stop
try:
    with opened(Path(sys.argv[1]), "reorg.csv", datetime.now(UTC)):
        print("mine", flush=True)
        sys.stdin.read()
except Stop as stop:
    print(stop.message, flush=True)
    sys.exit(stop.exit_code)
"""


def another(path: Path) -> subprocess.Popen[str]:
    """Another process that wants the directory, and keeps it until its standard input ends."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", LOCKING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


class TestName:
    @pytest.mark.parametrize(
        ("sheet", "name"),
        [
            ("reorg.csv", "reorg"),
            ("Reorg 2026 (final).xlsx", "Reorg-2026-final"),
            ("a.b.csv", "a.b"),
            ("Übersicht.xlsx", "Übersicht"),
            (".csv", "csv"),
            ("???.csv", "sheet"),
            ("-x-.csv", "x"),
            ("a" * 200 + ".csv", "a" * 80),
        ],
    )
    def test_time_and_sheet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sheet: str, name: str) -> None:
        """Without a directory of its own, a run gets one below ``runs``, by UTC time and the sheet's name, with nothing to be quoted."""
        monkeypatch.chdir(tmp_path)
        with opened(None, sheet, NOW) as directory:
            assert str(directory) == f"runs/20261123T005400Z-{name}"
            assert directory.path.is_dir()

    def test_name_of_many_bytes_fits_the_file_system(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name that a file may have is never too long for its run directory, whatever its script, and is cut between characters."""
        monkeypatch.chdir(tmp_path)
        for name in ("部" * 83, "é" * 120, "x" + "部" * 83):
            with opened(None, f"{name}.csv", NOW) as first, opened(None, f"{name}.csv", NOW) as second:
                assert first.path.name.removeprefix("20261123T005400Z-") in name
                assert second.path.name == f"{first.path.name}-2"

    def test_taken_name_gets_a_number(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of runs in the same second, the later ones get ``-2``, ``-3`` and so on, also after the first have ended."""
        monkeypatch.chdir(tmp_path)
        names = []
        for _ in range(3):
            with opened(None, "reorg.csv", NOW) as directory:
                names.append(directory.path.name)
        assert names == ["20261123T005400Z-reorg", "20261123T005400Z-reorg-2", "20261123T005400Z-reorg-3"]

    def test_file_of_that_name_counts_as_taken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever has the name keeps it."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs" / "20261123T005400Z-reorg").write_text("mine")
        with opened(None, "reorg.csv", NOW) as directory:
            assert directory.path.name == "20261123T005400Z-reorg-2"

    def test_given_directory_is_taken_as_it_is(self, tmp_path: Path) -> None:
        """A directory that was named is made with its parents, and used again by a later run, whatever is in it."""
        path = tmp_path / "some" / "where"
        with opened(path, "reorg.csv", NOW) as directory:
            (directory.path / "kept").touch()
        with opened(path, "other.csv", NOW + timedelta(days=1)) as directory:
            assert directory.path == path
            assert (path / "kept").exists()


class TestLock:
    def test_second_process_is_turned_away(self, tmp_path: Path) -> None:
        """Two processes never work in one directory: the second leaves with 75 and says why; after the first it is free."""
        with opened(tmp_path, "reorg.csv", NOW), another(tmp_path) as second:
            said, _ = second.communicate()
        assert second.returncode == Exit.INTERRUPTED
        assert said.startswith(f"Another run is working in {tmp_path}.")
        with another(tmp_path) as third:
            said, _ = third.communicate()
        assert (third.returncode, said) == (0, "mine\n")

    def test_lock_dies_with_its_process(self, tmp_path: Path) -> None:
        """A process that was killed leaves no lock behind."""
        with another(tmp_path) as first:
            assert first.stdout is not None
            assert first.stdout.readline() == "mine\n"
            with pytest.raises(Stop) as stopped, opened(tmp_path, "reorg.csv", NOW):
                pytest.fail("two processes in one directory")
            assert stopped.value.exit_code is Exit.INTERRUPTED
            first.kill()
            first.wait()
            with opened(tmp_path, "reorg.csv", NOW) as directory:
                assert directory.path == tmp_path

    def test_lock_is_given_back_after_a_failure(self, tmp_path: Path) -> None:
        """A run that fails leaves the directory to the next."""
        with pytest.raises(KeyError), opened(tmp_path, "reorg.csv", NOW):
            raise KeyError
        with opened(tmp_path, "reorg.csv", NOW):
            pass

    def test_file_system_without_locks_is_not_called_another_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where locking itself fails, that is said (73), and nobody is told to wait for a run that there is not."""

        def no_locks(descriptor: int, operation: int) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr("fcntl.flock", no_locks)
        with pytest.raises(Stop, match=os.strerror(errno.ENOLCK)) as stopped, opened(tmp_path, "reorg.csv", NOW):
            pytest.fail("no lock, no run")
        assert stopped.value.exit_code is Exit.CANNOT_CREATE


class TestUnwritable:
    def test_file_in_its_place(self, tmp_path: Path) -> None:
        """A file where the directory or one of its parents shall be is no run directory: 73, with the path."""
        path = tmp_path / "file"
        path.touch()
        for wanted in (path, path / "below"):
            with pytest.raises(Stop, match=f"The run directory {wanted} cannot be written: ") as stopped, opened(wanted, "reorg.csv", NOW):
                pytest.fail("a file is no directory")
            assert stopped.value.exit_code is Exit.CANNOT_CREATE

    def test_runs_is_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """So it is where ``runs`` itself cannot be made."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "runs").touch()
        with pytest.raises(Stop, match="runs cannot be written") as stopped, opened(None, "reorg.csv", NOW):
            pytest.fail("a file is no directory")
        assert stopped.value.exit_code is Exit.CANNOT_CREATE

    def test_lock_that_cannot_be_made(self, tmp_path: Path) -> None:
        """A directory into which no lock can be put is not written into."""
        (tmp_path / ".lock").mkdir()
        with pytest.raises(Stop) as stopped, opened(tmp_path, "reorg.csv", NOW):
            pytest.fail("no lock, no run")
        assert stopped.value.exit_code is Exit.CANNOT_CREATE


def test_a_lock_that_is_released_in_time_is_waited_for(tmp_path: Path) -> None:
    """With a lock timeout, the second process goes on as soon as the first has left the directory."""
    code = (
        "import fcntl, os, sys; lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / ".lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Stop) as stopped, opened(tmp_path, "reorg.csv", NOW, lock_timeout=0.05):
            pass
        assert stopped.value.exit_code is Exit.INTERRUPTED
        holder.stdin.close()
        with opened(tmp_path, "reorg.csv", NOW, lock_timeout=60) as directory:
            assert directory.path == tmp_path
