"""`bulkjob summary` as it is typed: which directories are runs, and what becomes of those that are none."""

import json
import os
from pathlib import Path

import pytest

from bulkjob.vocabulary import Exit
from tests.support.program import SECRET, Program
from tests.support.servers import serving
from tests.support.states import State


def make(folder: Path, code: int | None, *more: str) -> Path:
    """A run directory with this exit code in its summary; None: without a summary. ``more``: other files in it."""
    folder.mkdir(parents=True)
    if code is not None:
        rows = {"total": 3, "success": 2, "failed": 1, "invalid": 0, "not_sent": 0}
        summary = {"exit_code": code, "rows": rows, "changes": {"updated": 2, "unchanged": 0}, "message": ""}
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    for name in more:
        (folder / name).touch()
    return folder


def codes(program: Program, *arguments: object) -> tuple[int, dict[str, int], int]:
    """The exit code, that of each run, and how many are missing."""
    done = program("summary", *arguments, "--json")
    document = json.loads(done.out)
    assert document["exit_code"] == done.exit
    return done.exit, {run["directory"]: run["exit_code"] for run in document["runs"]}, document["missing"]


def test_runs_as_they_are_written(program: Program, small: State, tmp_path: Path) -> None:
    """What ``run`` writes is read; a rollback is not looked into, but may be named."""
    small["users"][0]["token"] = SECRET
    (tmp_path / "good.csv").write_text("department,unit\nalpha,south\n", encoding="utf-8")
    (tmp_path / "bad.csv").write_text("department,unit\nalpha,nowhere\n", encoding="utf-8")
    with serving(small) as served:
        assert program("run", "good.csv", "--run-dir", "runs/good", url=served.url).exit == Exit.OK
        assert program("run", "bad.csv", "--run-dir", "runs/bad", url=served.url).exit == Exit.BAD_SHEET
        assert program("rollback", "runs/good", url=served.url).exit == Exit.OK
    assert codes(program, "runs") == (65, {"runs/bad": 65, "runs/good": 0}, 0)
    assert codes(program, "runs/good", "runs/good/rollback") == (0, {"runs/good": 0, "runs/good/rollback": 0}, 0)
    done = program("summary", "runs")
    assert done.exit == Exit.BAD_SHEET
    assert done.out.splitlines()[-1] == "1 of 2 runs is not done (exit code 65): 1 of 2 rows in place."


@pytest.mark.parametrize("code", [0, 1, 65, 66, 69, 70, 73, 75, 77, 78])
def test_every_exit_code(program: Program, tmp_path: Path, code: int) -> None:
    """One run alone has its own exit code."""
    make(tmp_path / "a", code)
    assert codes(program, "a") == (code, {"a": code}, 0)


def test_what_holds_runs(program: Program, tmp_path: Path) -> None:
    """A directory that is no run itself holds them directly; deeper ones are somebody else's. Numbers are in their order."""
    for name in ("0", "2", "10", "reorg"):
        make(tmp_path / "runs" / name, 0)
    make(tmp_path / "runs" / "2" / "rollback", 1)
    make(tmp_path / "runs" / "2" / "deeper", 1)
    exit_code, found, _ = codes(program, "runs")
    assert (exit_code, [*found]) == (0, ["runs/0", "runs/2", "runs/10", "runs/reorg"])


def test_runs_without_a_summary(program: Program, tmp_path: Path) -> None:
    """A run that was killed, one that never began, and one whose summary is no such thing count as 75."""
    make(tmp_path / "runs" / "killed", None, ".lock", "journal.jsonl")
    make(tmp_path / "runs" / "never", None)
    make(tmp_path / "runs" / "folder", None, "results.csv")
    (tmp_path / "runs" / "folder" / "summary.json").mkdir()
    make(tmp_path / "runs" / "pipe", None)
    os.mkfifo(tmp_path / "runs" / "pipe" / "summary.json")
    make(tmp_path / "runs" / "half", None)
    (tmp_path / "runs" / "half" / "summary.json").write_text('{"exit_code": 0, "rows"', encoding="utf-8")
    names = ("folder", "half", "killed", "never", "pipe")
    assert codes(program, "runs") == (75, {f"runs/{name}": 75 for name in names}, 0)
    assert codes(program, "runs/killed") == (75, {"runs/killed": 75}, 0)
    assert codes(program, "runs/never") == (75, {"runs/never": 75}, 0)


def test_what_is_no_run(program: Program, tmp_path: Path) -> None:
    """Files, hidden folders, a rollback and what a file system has for itself do not count among the runs."""
    make(tmp_path / "runs" / "a", 0)
    for name in (".snapshot", "lost+found", "rollback"):
        make(tmp_path / "runs" / name, None)
    (tmp_path / "runs" / "notes.txt").touch()
    assert codes(program, "runs") == (0, {"runs/a": 0}, 0)


def test_a_directory_that_is_not_there(program: Program, tmp_path: Path) -> None:
    """It is 66, as is a file; the others are summed up all the same, and what is graver decides."""
    make(tmp_path / "a", 69)
    (tmp_path / "file").touch()
    assert codes(program, "gone", "a", "file") == (66, {"gone": 66, "a": 69, "file": 66}, 0)
    make(tmp_path / "b", 73)
    assert codes(program, "gone", "b")[0] == 73


def test_no_run_counts_twice(program: Program, tmp_path: Path) -> None:
    """A run that is named and held by another directory that is named is one run."""
    make(tmp_path / "runs" / "a", 0)
    (tmp_path / "link").symlink_to("runs/a")
    assert codes(program, "runs", "runs/a", "./runs/", "link") == (0, {"runs/a": 0}, 0)


def test_what_is_expected(program: Program, tmp_path: Path) -> None:
    """Those that are missing count as 75, and the verdict says how many."""
    make(tmp_path / "runs" / "0", 0)
    make(tmp_path / "runs" / "1", 0)
    assert codes(program, "runs", "--expect", "2") == (0, {"runs/0": 0, "runs/1": 0}, 0)
    assert codes(program, "runs", "--expect", "40") == (75, {"runs/0": 0, "runs/1": 0}, 38)
    done = program("summary", "runs", "--expect", "3")
    assert "1 run of 3 expected is missing." in done.out
    make(tmp_path / "none", None)
    assert codes(program, "none", "--expect", "1") == (75, {"none": 75}, 0)


def test_names_are_shown_as_text(program: Program, tmp_path: Path) -> None:
    """A directory's name moves no cursor; machines get it as it is."""
    make(tmp_path / "a\x1b[2J\nb", 0)
    assert "\x1b" not in program("summary", "a\x1b[2J\nb").out
    assert codes(program, "a\x1b[2J\nb")[1] == {"a\x1b[2J\nb": 0}


@pytest.mark.parametrize("arguments", [(), ("a", "--expect"), ("a", "--expect", "-1"), ("a", "--expect", "x"), ("a", "--url", "http://x")])
def test_wrong_usage(program: Program, arguments: tuple[str, ...]) -> None:
    """Without a directory, and with what it does not take, it is wrong usage."""
    assert program("summary", *arguments).exit == Exit.USAGE
