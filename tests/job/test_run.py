"""The command as it is typed, in a process of its own or in this one, against a server on a socket."""

import fcntl
import json
import os
import re
import signal
import termios
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bulkjob.vocabulary import Exit
from tests.support.processes import asleep, started, wait_for
from tests.support.program import SECRET, Program
from tests.support.rehearsal import rehearse, results_of
from tests.support.servers import serving
from tests.support.states import State, places
from tests.support.workspaces import SAMPLES


@pytest.fixture
def secret(sample: State) -> State:
    """The sample workspace, whose administrator has a token that can be searched for."""
    next(user for user in sample["users"] if user["username"] == "admin")["token"] = SECRET
    return sample


def test_twice(program: Program, secret: State) -> None:
    """The sample as newcomers see it: 0 and every row done; once more 0, no write, and every row `unchanged`; the token is nowhere."""
    with serving(secret) as served:
        first = program("run", SAMPLES / "reorganisation.csv", "--create-units", "--run-dir", "run", url=served.url)
        assert first.exit == Exit.OK, first.out
        calls = served.sandbox.calls()
        state = served.sandbox.state()
        second = program("run", SAMPLES / "reorganisation.xlsx", "--create-units", "--run-dir", "again/run", url=served.url)
        again = served.sandbox.calls()[len(calls) :]
    assert second.exit == Exit.OK
    rows = results_of(Path("again/run"))
    assert {(row["status"], row["change"]) for row in rows} == {("success", "unchanged")}
    assert {call["method"] for call in again} == {"GET"}
    assert served.sandbox.state() == state
    assert first.out.splitlines()[0] == "reorganisation.csv: All 67 rows are in place: 48 changed, 19 already correct."
    assert first.out.splitlines()[-1] == "Report: run"
    assert Counter(row["status"] for row in first.rows) == {"success": 67}
    # summary.json counts each call as the server did.
    counted = {(call["method"], call["route"], call["status"]): call["count"] for call in _summary(first.folder)["calls"]}
    assert counted == Counter((call["method"], call["route"], call["status"]) for call in calls)


def _summary(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return summary


def test_directory_of_its_own(program: Program, secret: State, tmp_path: Path) -> None:
    """Without --run-dir a run makes one below `runs`, named by time and sheet, and names it in its last line."""
    with serving(secret) as served:
        names = [program("run", SAMPLES / "reorganisation.csv", "--create-units", url=served.url).out.splitlines()[-1] for _ in range(2)]
    assert len(set(names)) == 2
    for name in names:
        assert re.fullmatch(r"Report: runs/\d{8}T\d{6}Z-reorganisation(-2)?", name)
        assert (tmp_path / name.removeprefix("Report: ") / "results.csv").exists()


def test_mistakes(program: Program, secret: State) -> None:
    """The sheet full of mistakes is refused without a call, with every mistake in the report; with --skip-invalid the rest goes ahead."""
    with serving(secret) as served:
        refused = program("run", SAMPLES / "mistakes.csv", "--run-dir", "run", url=served.url)
        assert served.sandbox.calls() == []
        skipped = program("run", SAMPLES / "mistakes.csv", "--run-dir", "run", "--skip-invalid", url=served.url)
    assert refused.exit == Exit.BAD_SHEET
    assert {row["status"] for row in refused.rows} == {"invalid", "not_sent"}
    assert skipped.exit == Exit.ROWS_NOT_DONE
    assert [row["row"] for row in skipped.rows] == [row["row"] for row in refused.rows]
    assert all(row["message"] for row in skipped.rows)


def test_tokens_of_any_kind(program: Program, small: State) -> None:
    """A token that is a formula, holds quotes or more than a header may, is never shown; a wrong one ends with one sentence."""
    with serving(small) as served:
        Path("s.csv").write_text("department,agent\nalpha,cid\n", encoding="utf-8")
        for token in ("=1+1#'\"", "wrong-token-%41", "ünïcode-tøken"):
            done = program("run", "s.csv", "--run-dir", "run", url=served.url, token=token)
            assert done.exit in (Exit.NO_PERMISSION, Exit.BAD_SETTING)
            assert "Traceback" not in done.err


# ---------------------------------------------------------------------------------------------------------------- interruptions


@pytest.fixture
def many(small: State, tmp_path: Path) -> tuple[State, Path]:
    """The small workspace with sixty departments more, and a sheet that puts an agent into each."""
    small["departments"] += [{**small["departments"][4], "_id": f"x{number}", "name": f"X{number}"} for number in range(60)]
    sheet = tmp_path / "many.csv"
    sheet.write_text("department,agent\n" + "".join(f"x{number},ann\n" for number in range(60)), encoding="utf-8")
    return small, sheet


def writes(served: Any) -> int:
    return sum(call["method"] != "GET" for call in served.sandbox.calls())


def settled(served: Any, folder: Path) -> Counter[str]:
    """Hold a report to the server's state: every row once, what is `success` is there, what was not sent is not; counts the statuses."""
    rows = results_of(folder)
    assert [row["department"] for row in rows] == [f"x{number}" for number in range(60)]
    held = {department for department, _ in places(served.sandbox.state())}
    for row in rows:
        assert (row["department"] in held) or row["status"] != "success"
        assert (row["department"] not in held) or row["status"] != "not_sent"
        assert row["code"] in ("", "interrupted", "timeout")
    return Counter(row["status"] for row in rows)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted(many: tuple[State, Path], tmp_path: Path, number: int) -> None:
    """Interrupted, the job finishes what is in flight, starts no more, reports every row and leaves with 75; again, it ends the work."""
    state, sheet = many
    folder = tmp_path / "run"
    with serving(state, latency_ms=40) as served:
        with started(served.url, "run", sheet, "--run-dir", str(folder), "--concurrency", "2") as process:
            wait_for(lambda: writes(served) > 5, process)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert process.returncode == Exit.INTERRUPTED, out + err
        assert "Traceback" not in err
        statuses = settled(served, folder)
        assert statuses["success"] >= 5
        assert statuses["not_sent"] > 20
        assert statuses["failed"] == 0
        assert _summary(folder)["exit_code"] == Exit.INTERRUPTED
        assert out.splitlines()[-1] == f"Report: {folder}"
        before = writes(served)
        with started(served.url, "run", sheet, "--run-dir", str(folder)) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == Exit.OK, out + err
        assert settled(served, folder) == {"success": 60}
        assert writes(served) == before + statuses["not_sent"]


def test_interrupted_twice(many: tuple[State, Path], tmp_path: Path) -> None:
    """A second interrupt ends the job at once: what was in flight is `failed`, as nobody knows what became of it."""
    state, sheet = many
    options = ("--run-dir", str(tmp_path / "run"), "--concurrency", "2", "--timeout", "600", "--grace", "600")
    with serving(state, faults="timeout-after@PUT+3") as served, started(served.url, "run", sheet, *options) as process:
        wait_for(lambda: writes(served) == 5, process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == Exit.INTERRUPTED, out + err
        assert settled(served, tmp_path / "run") == {"success": 3, "failed": 2, "not_sent": 55}
        assert "could not check" in next(row["message"] for row in results_of(tmp_path / "run") if row["status"] == "failed")


def test_grace(many: tuple[State, Path], tmp_path: Path) -> None:
    """What is in flight is given up when the time of grace is over."""
    state, sheet = many
    options = ("--run-dir", str(tmp_path / "run"), "--concurrency", "2", "--timeout", "600", "--grace", "0.2")
    with serving(state, faults="timeout-after@PUT+3") as served, started(served.url, "run", sheet, *options) as process:
        wait_for(lambda: writes(served) == 5, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == Exit.INTERRUPTED, out + err
        assert settled(served, tmp_path / "run") == {"success": 3, "failed": 2, "not_sent": 55}


def test_interrupted_while_waiting(many: tuple[State, Path], tmp_path: Path) -> None:
    """A wait for the server's rate limit is given up at once."""
    state, sheet = many
    state["users"][0]["roles"] = ["livechat-manager"]
    with (
        serving(state, rate_limit="8/600") as served,
        started(served.url, "run", sheet, "--run-dir", str(tmp_path / "run"), "--grace", "600") as process,
    ):
        # A window of the one route, and of the other so many that each is read twice.
        wait_for(lambda: writes(served) == 12, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == Exit.INTERRUPTED, out + err
        assert settled(served, tmp_path / "run") == {"success": 12, "not_sent": 48}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a system that tells what a process waits for")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_while_reading(tmp_path: Path, number: int) -> None:
    """Interrupted while it still reads the sheet, the job leaves with 75 and one sentence; there is nothing to report on."""
    sheet = tmp_path / "sheet.csv"
    os.mkfifo(sheet)
    run = started("http://127.0.0.1:9", "run", sheet, "--run-dir", str(tmp_path / "run"))
    with run as process, sheet.open("w", encoding="utf-8") as writer:
        writer.write("department,agent\n")
        writer.flush()
        # Until it has read that, and sleeps until more comes.
        wait_for(lambda: not any(fcntl.ioctl(writer, termios.FIONREAD, bytes(4))), process)
        wait_for(lambda: asleep(process.pid), process)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (Exit.INTERRUPTED, "")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_interrupted_at_the_end(many: tuple[State, Path], tmp_path: Path) -> None:
    """An interruption that finds nothing left to do is none: the report is written, and the job leaves with 0."""
    state, sheet = many
    with (
        serving(state, latency_ms=40) as served,
        started(served.url, "run", sheet, "--run-dir", str(tmp_path / "run"), "--concurrency", "64") as process,
    ):
        wait_for(lambda: writes(served) == 60, process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == Exit.OK, out + err
        assert settled(served, tmp_path / "run") == {"success": 60}


def test_interrupted_with_nothing_left_but_failures(small: State, tmp_path: Path) -> None:
    """What stopped the job decides: an interruption during the last write stopped nothing, and rows that failed are 1, not 75."""
    puts: list[str] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.route.method == "PUT":
            puts.append(request.path)
            if len(puts) == last:
                os.kill(os.getpid(), signal.SIGTERM)

    rows = [{"department": name, "agent": "cid"} for name in ("alpha", "beta", "free")]
    for last, code, statuses in (
        (3, Exit.ROWS_NOT_DONE, ["failed", "success", "success"]),
        (2, Exit.INTERRUPTED, ["failed", "success", "not_sent"]),
    ):
        puts.clear()
        ran = rehearse(tmp_path / str(last), small, rows, meddle=meddle, faults="forgetx1", concurrency=1, latency=lambda _: 0.1)
        assert (ran.exit, ran.column("status")) == (code, statuses)
