"""The directory that a run writes into: made, named, and locked for one process."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bulkjob.rundir.corrections import room_for_corrections
from bulkjob.rundir.directory import REPORT_FILES, is_own_file, opened, refuse_own_file
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
            assert wanted != path or stopped.value.message.endswith(": it is a file. Move it away, or choose another one with --run-dir.")

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


class TestLostLock:
    """A lock is no good if whoever removes its file lets a second run in."""

    def test_removed_lock_lets_nobody_in(self, tmp_path: Path) -> None:
        """The second process is turned away although the first one's lock file is gone, or is another one by now."""
        lock = tmp_path / ".lock"
        for made_anew in (False, True):
            with opened(tmp_path, "reorg.csv", NOW):
                lock.rename(tmp_path / "moved")
                if made_anew:
                    lock.touch()
                with another(tmp_path) as second:
                    said, _ = second.communicate()
                assert (second.returncode, said.split(".")[0]) == (Exit.INTERRUPTED, f"Another run is working in {tmp_path}".split(".")[0])

    def test_journal_in_use_lets_nobody_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where directories cannot be locked, a journal that a run is writing still keeps the second out when the lock file is gone."""
        locked = fcntl.flock

        def no_directories(descriptor: int, operation: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            locked(descriptor, operation)

        monkeypatch.setattr("fcntl.flock", no_directories)
        with (tmp_path / "journal.jsonl").open("ab") as journal, opened(tmp_path, "reorg.csv", NOW):
            locked(journal, fcntl.LOCK_EX)
            (tmp_path / ".lock").unlink()
            with pytest.raises(Stop) as stopped, opened(tmp_path, "reorg.csv", NOW):
                pytest.fail("two runs in one directory")
        assert stopped.value.exit_code is Exit.INTERRUPTED

    def test_owner_notices(self, tmp_path: Path) -> None:
        """The run whose lock is gone is told so, and by what; as long as it is there, it is not."""
        with opened(tmp_path, "reorg.csv", NOW) as directory:
            directory.hold()
            (tmp_path / ".lock").rename(tmp_path / "moved")
            for _ in range(2):
                with pytest.raises(Stop, match=r"removed or replaced .*\.lock") as stopped:
                    directory.hold()
                assert stopped.value.exit_code is Exit.CANNOT_CREATE
                (tmp_path / ".lock").touch()

    def test_lock_that_was_tidied_up_while_it_was_waited_for(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who gets the lock of a file that is not there any more locks the one that is."""
        locked = fcntl.flock
        files: list[int] = []

        def tidied(descriptor: int, operation: int) -> None:
            if not files:
                (tmp_path / ".lock").unlink()
            files.append(os.fstat(descriptor).st_ino)
            locked(descriptor, operation)

        monkeypatch.setattr("fcntl.flock", tidied)
        with opened(tmp_path, "reorg.csv", NOW) as directory:
            directory.hold()
            assert files[1] == (tmp_path / ".lock").stat().st_ino


NAMES = ("results.csv", "summary.json", "plan.json", "retry.xlsx", "journal.jsonl", ".lock", ".results.csv.part", "rollback")


class TestForeign:
    """What is not ours in a run directory is neither followed nor written over, and found before anything is sent."""

    @pytest.mark.parametrize("name", NAMES)
    def test_link(self, tmp_path: Path, name: str) -> None:
        """A link under a name of ours is 73, whether it leads somewhere or not, and what it leads to is as it was."""
        precious, folder = tmp_path / "precious", tmp_path / "run"
        folder.mkdir()
        (folder / name).symlink_to(precious)
        for exists in (False, True):
            if exists:
                precious.write_bytes(b"precious")
            with pytest.raises(Stop, match=name) as stopped, opened(folder, "reorg.csv", NOW):
                pytest.fail("a foreign file")
            assert stopped.value.exit_code is Exit.CANNOT_CREATE
            assert "a symbolic link" in stopped.value.message
        assert precious.read_bytes() == b"precious"

    @pytest.mark.parametrize("name", NAMES[:-1])
    @pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a named pipe"), (os.mkdir, "a directory")])
    def test_no_file(self, tmp_path: Path, name: str, make: Callable[[Path], None], kind: str) -> None:
        """A pipe is not waited for, and a directory is not removed."""
        make(tmp_path / name)
        with pytest.raises(Stop, match=kind) as stopped, opened(tmp_path, "reorg.csv", NOW):
            pytest.fail("no file")
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        assert (tmp_path / name).exists()

    def test_directory_that_is_a_link(self, tmp_path: Path) -> None:
        """A run directory may itself be reached by a link: that is what its owner has named."""
        (tmp_path / "volume").mkdir()
        (tmp_path / "run").symlink_to("volume")
        with opened(tmp_path / "run", "reorg.csv", NOW) as directory:
            directory.hold()


class TestOwnFiles:
    """A sheet that the run would overwrite or take away."""

    @pytest.mark.parametrize("name", [*REPORT_FILES, "journal.jsonl", ".results.csv.part"])
    def test_sheet_under_a_name_of_ours(self, tmp_path: Path, name: str) -> None:
        """Refused with 73 and a place where it may lie; nothing is written."""
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / name).write_bytes(b"department\n")
        with pytest.raises(Stop) as stopped:
            refuse_own_file(folder / name, folder)
        assert stopped.value.exit_code is Exit.CANNOT_CREATE
        assert f"Copy it first, to {tmp_path / 'run-'}{name} for example" in stopped.value.message
        assert [path.name for path in folder.iterdir()] == [name]
        refuse_own_file(room_for_corrections(folder, name), folder)

    def test_other_ways_to_the_same_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is the file that counts: by a link to it or to the directory, by a second name of it, or where the name is itself a link."""
        folder = tmp_path / "run"
        folder.mkdir()
        sheet = folder / "retry.csv"
        sheet.write_bytes(b"department\n")
        (tmp_path / "linked.csv").symlink_to(sheet)
        (tmp_path / "second.csv").hardlink_to(sheet)
        (tmp_path / "volume").symlink_to(folder)
        monkeypatch.chdir(folder)
        for path in (tmp_path / "linked.csv", tmp_path / "second.csv", tmp_path / "volume" / "retry.csv", Path("retry.csv")):
            for directory in (folder, Path(), tmp_path / "volume", tmp_path / "volume" / ".." / "run"):
                assert is_own_file(path, directory)

    def test_what_may_be_fed(self, tmp_path: Path) -> None:
        """A sheet elsewhere, under another name, of another directory, or from a stream is nobody's but its owner's."""
        folder, other = tmp_path / "run", tmp_path / "other"
        for each in (folder, other):
            each.mkdir()
            (each / "retry.csv").write_bytes(b"department\n")
            (each / "corrected.csv").write_bytes(b"department\n")
        for path in (folder / "corrected.csv", other / "retry.csv", tmp_path / "gone.csv", Path("-"), Path("/dev/stdin")):
            refuse_own_file(path, folder)
        refuse_own_file(folder / "retry.csv", None)
        refuse_own_file(folder / "retry.csv", tmp_path / "new")
