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

    def test_lock_that_somebody_removed(self, shared: ServedApart, tmp_path: Path) -> None:
        """Without the lock's file a second run still does not come in, and the first announces no further write; then it can be ended."""
        turn, before = shared.turn(), shared.state()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
        command = ("run", sheet, "--run-dir", folder, *OPTIONS)
        with started(shared.url, *command) as first:
            wait_for((folder / "journal.jsonl").exists, first)
            first.send_signal(signal.SIGSTOP)
            (folder / ".lock").unlink()
            second = ran(shared.url, *command)
            first.send_signal(signal.SIGCONT)
            done = Done(first)
        assert (second.exit, second.out) == (Exit.INTERRUPTED, "")
        assert done.exit == Exit.CANNOT_CREATE, done.out + done.err
        assert f"Somebody has removed or replaced {folder / '.lock'}" in done.said
        true(turn, shared.state(), report_of(folder))
        assert ran(shared.url, *command).exit == Exit.OK
        assert turn.wrong(before, shared.state()) == []


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
        reports = {"report.html", "results.csv", "results.xlsx", "retry.csv", "retry.xlsx", "summary.json"}
        assert names <= {"journal.jsonl", "plan.json", *reports}
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


class TestPlaces:
    """What cannot be written, or must not be, is refused before the first call."""

    @pytest.mark.parametrize(
        "arguments",
        [
            ("plan", "{sheet}", "--out", "/proc/plan.json"),
            ("plan", "{sheet}", "--csv", "/proc/rows.csv"),
            ("plan", "{sheet}", "--out", "{folder}"),
            ("plan", "{sheet}", "--csv", "{sheet}"),
            ("plan", "{sheet}", "--out", "{linked}"),
            ("validate", "{sheet}", "--out", "/proc/problems"),
            ("validate", "{sheet}", "--out", "/proc"),
            ("export", "/proc/now.csv"),
            ("export", "{folder}/gone/now.csv"),
            ("export", "{linked}", "--force"),
            ("run", "{sheet}", "--run-dir", "/proc"),
        ],
        ids=" ".join,
    )
    def test_place(self, shared: ServedApart, tmp_path: Path, arguments: tuple[str, ...]) -> None:
        """73 and one sentence, no call, and nothing has changed where it was tried."""
        sheet, folder, linked = shared.turn().sheet(tmp_path), tmp_path / "folder", tmp_path / "linked.csv"
        folder.mkdir()
        linked.symlink_to(sheet)
        before, calls = contents(tmp_path), len(shared.calls())
        done = ran(shared.url, *(argument.format(sheet=sheet, folder=folder, linked=linked) for argument in arguments))
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, ""), done.err
        assert done.err.count("\n") == 1
        assert len(shared.calls()) == calls
        assert contents(tmp_path) == before

    @pytest.mark.parametrize("name", ["retry.csv", "results.csv", "plan.json", "journal.jsonl"])
    def test_sheet_in_its_own_run_directory(self, shared: ServedApart, tmp_path: Path, name: str) -> None:
        """A sheet that was corrected where the run had left it is refused as it lies; its copy beside the directory is run."""
        turn, before = shared.turn(), shared.state()
        folder, calls = tmp_path / "run", len(shared.calls())
        folder.mkdir()
        turn.sheet(tmp_path).rename(folder / name)
        lay = contents(folder)
        done = ran(shared.url, "run", folder / name, "--run-dir", folder, *OPTIONS)
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
        assert f"Copy it first, to {tmp_path / 'run-'}{name} for example" in done.err
        assert contents(folder) == lay
        assert len(shared.calls()) == calls
        (folder / name).rename(tmp_path / f"run-{name}")
        assert ran(shared.url, "run", tmp_path / f"run-{name}", "--run-dir", folder, *OPTIONS).exit == Exit.OK
        assert turn.wrong(before, shared.state()) == []

    def test_plan_in_the_run_directory(self, shared: ServedApart, tmp_path: Path) -> None:
        """An approved plan under the name that the run gives its own is not replaced by it."""
        sheet, folder = shared.turn().sheet(tmp_path), tmp_path / "run"
        folder.mkdir()
        assert ran(shared.url, "plan", sheet, "--out", folder / "plan.json", *OPTIONS).exit == Exit.OK
        lay, calls = contents(folder), len(shared.calls())
        done = ran(shared.url, "run", sheet, "--plan", folder / "plan.json", "--run-dir", folder, *OPTIONS)
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
        assert "The plan" in done.err
        assert contents(folder) == lay
        assert len(shared.calls()) == calls
