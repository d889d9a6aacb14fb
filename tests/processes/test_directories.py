"""Run directories that are shared, full, or not to be written to."""

import json
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bulkjob.vocabulary import Exit
from tests.support.processes import Done, ServedApart, holds_open, ran, started, wait_for
from tests.support.reports import journalled, report_of
from tests.support.states import State, differences
from tests.support.turns import Turn

OPTIONS = ("--concurrency", "3", "--max-removals", "100%")


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mount(*arguments: object, command: str = "mount") -> str:
    """Why it could not be done; blank if it was."""
    path = shutil.which(command)
    if path is None:
        return f"there is no {command}"
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False)
    return (done.stderr.strip() or f"it failed with {done.returncode}") if done.returncode else ""


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own in a folder; without the right to have one, the test is passed over."""
    folder.mkdir()
    if refused := mount("-t", "tmpfs", "-o", options, "tmpfs", folder):
        pytest.skip(f"needs to mount a file system: {refused}")
    try:
        yield
    finally:
        assert not mount(folder, command="umount")


def true(turn: Turn, state: State, rows: list[dict[str, str]]) -> None:
    """Hold each row that is reported against the server's state."""
    assert [row["row"] for row in rows] == [str(row) for row in range(2, len(turn.rows) + 2)]
    for row in rows:
        if row["status"] != "failed":
            assert turn.holds(state, int(row["row"])) == (row["status"] == "success"), row


class TestTwoProcesses:
    def test_second_touches_nothing(self, shared: ServedApart, tmp_path: Path) -> None:
        """While one works in a directory, a second leaves with 75 and a sentence, without a call and without a file changed."""
        turn = shared.turn()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
        command = ("run", sheet, "--run-dir", folder, *OPTIONS)
        with started(shared.url, *command) as first:
            wait_for((folder / "journal.jsonl").exists, first)
            # Stands still, with the lock in its hands.
            first.send_signal(signal.SIGSTOP)
            before, calls = contents(folder), len(shared.calls())
            second = ran(shared.url, *command)
            back = ran(shared.url, "rollback", folder)
            assert contents(folder) == before
            assert [call for call in shared.calls()[calls:] if call["method"] == "GET"] == shared.calls()[calls:]
            first.send_signal(signal.SIGCONT)
            done = Done(first)
        assert (second.exit, second.out) == (Exit.INTERRUPTED, "")
        assert second.err == (
            f"bulkjob: Another run is working in {folder}. Wait until it has ended, or choose another one with --run-dir.\n"
        )
        assert (back.exit, back.out) == (Exit.INTERRUPTED, "")
        assert back.err == f"bulkjob: Another run is working in {folder}. Wait until it has ended.\n"
        assert done.exit == Exit.OK, done.out + done.err

    def test_second_waits(self, shared: ServedApart, tmp_path: Path) -> None:
        """With a lock timeout a rollback waits until the run has ended, and puts back also what that did while it waited."""
        turn, before = shared.turn(), shared.state()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
        with started(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS) as first:
            wait_for((folder / "journal.jsonl").exists, first)
            first.send_signal(signal.SIGSTOP)
            with started(shared.url, "rollback", folder, "--lock-timeout", "60") as back:
                wait_for(lambda: holds_open(back.pid, folder / ".lock"), back)
                first.send_signal(signal.SIGCONT)
                done, undone = Done(first), Done(back)
        assert done.exit == Exit.OK, done.out + done.err
        assert undone.exit == Exit.OK, undone.out + undone.err
        rows = report_of(folder / "rollback")
        assert {(row["status"], row["change"]) for row in rows} == {("success", "updated")}
        assert differences(before, shared.state(), units={}, agents={}) == []

    def test_lock_of_a_killed_owner(self, shared: ServedApart, tmp_path: Path) -> None:
        """What a killed process had locked is free at once."""
        turn = shared.turn()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
        command = ("run", sheet, "--run-dir", folder, *OPTIONS)
        with started(shared.url, *command) as first:
            wait_for((folder / "journal.jsonl").exists, first)
        assert ran(shared.url, *command).exit == Exit.OK


class TestFull:
    @pytest.mark.parametrize("left", [0, 40_000])
    def test_disk(self, shared: ServedApart, tmp_path: Path, left: int) -> None:
        """On a disk of 1 MB that is full but for a rest, the job leaves with 73 and no half report; with room again, it ends the work."""
        turn, before = shared.turn(), shared.state()
        sheet, disk = turn.sheet(tmp_path), tmp_path / "disk"
        folder = disk / "run"
        with mounted(disk, "size=1m"):
            folder.mkdir()
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - left // 4096 * 4096))
            done = ran(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS)
            assert done.exit == Exit.CANNOT_CREATE, done.out + done.err
            assert "No space left on device" in done.said
            self.hold(turn, shared.state(), folder)
            ballast.unlink()
            again = ran(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS)
            assert again.exit == Exit.OK, again.out + again.err
            assert {row["status"] for row in report_of(folder)} == {"success"}
        assert turn.wrong(before, shared.state()) == []

    @pytest.mark.parametrize("size", [500, 30_000])
    def test_size_of_files(self, shared: ServedApart, tmp_path: Path, size: int) -> None:
        """Where no file may grow beyond a size, it is the same: 73, and what is reported is so."""
        turn, before = shared.turn(), shared.state()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        done = ran(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS, preexec_fn=limited)
        assert done.exit == Exit.CANNOT_CREATE, done.out + done.err
        assert "File too large" in done.said
        self.hold(turn, shared.state(), folder)
        again = ran(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS)
        assert again.exit == Exit.OK, again.out + again.err
        assert turn.wrong(before, shared.state()) == []

    @staticmethod
    def hold(turn: Turn, state: State, folder: Path) -> None:
        """There is a report that is whole and true, or none."""
        names = {path.name for path in folder.iterdir()} - {".lock"}
        assert names <= {"journal.jsonl", "plan.json", "results.csv", "retry.csv", "retry.xlsx", "summary.json"}
        if "results.csv" in names:
            true(turn, state, report_of(folder))
        else:
            assert names <= {"journal.jsonl", "plan.json"}
        if "plan.json" in names:
            json.loads((folder / "plan.json").read_bytes())
        journalled(folder)


class TestReadOnly:
    def test_file_system(self, shared: ServedApart, tmp_path: Path) -> None:
        """A directory on a file system that is read-only is refused with 73 before the first call."""
        sheet, disk, calls = shared.turn().sheet(tmp_path), tmp_path / "disk", len(shared.calls())
        with mounted(disk, "size=1m,ro"):
            for folder in (disk, disk / "run"):
                done = ran(shared.url, "run", sheet, "--run-dir", folder)
                assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
                assert done.err == (
                    f"bulkjob: The run directory {folder} cannot be written: Read-only file system. "
                    "Make it writable, or choose another one with --run-dir.\n"
                )
        assert len(shared.calls()) == calls

    def test_became_read_only(self, shared: ServedApart, tmp_path: Path) -> None:
        """So is one that was written to before."""
        sheet, disk, calls = shared.turn().sheet(tmp_path), tmp_path / "disk", len(shared.calls())
        with mounted(disk, "size=1m"):
            (disk / ".lock").touch()
            assert not mount("-o", "remount,ro", disk)
            assert ran(shared.url, "run", sheet, "--run-dir", disk).exit == Exit.CANNOT_CREATE
        assert len(shared.calls()) == calls

    def test_below_a_file(self, shared: ServedApart, tmp_path: Path) -> None:
        """A directory below a file cannot be: 73, before the first call."""
        sheet, calls = shared.turn().sheet(tmp_path), len(shared.calls())
        done = ran(shared.url, "run", sheet, "--run-dir", sheet / "run")
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
        assert len(shared.calls()) == calls
