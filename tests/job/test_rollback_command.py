"""`bulkjob rollback` as it is typed: what it refuses, what it puts back, and that what it says is so."""

import json
from pathlib import Path
from typing import Any

import pytest

from bulkjob.vocabulary import Exit
from tests.support.program import SECRET, Program
from tests.support.rehearsal import results_of
from tests.support.servers import serving
from tests.support.states import State, differences, places

SHEET = """\
department,unit,agent,order,action,note
alpha,south,cid,4,,first
alpha,south,ann,,remove,second
beta,north,bob,,,so already
free,,bob,,,third
"""


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """Moves a department, adds an agent, removes one, adds another elsewhere; the third row is so already."""
    path = tmp_path / "reorg.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


@pytest.fixture
def secret(small: State) -> State:
    """The small workspace, whose administrator has a token that can be searched for."""
    small["users"][0]["token"] = SECRET
    return small


def words(out: str) -> str:
    """What was printed, without its line breaks."""
    return " ".join(out.split())


def writes(served: Any) -> list[tuple[str, str]]:
    return [(call["method"], call["path"]) for call in served.sandbox.calls() if call["method"] != "GET"]


class TestRefused:
    def test_nothing_there(self, program: Program, tmp_path: Path) -> None:
        """A directory that is not there, a file, and one that holds no run are 66, and nothing is made in them."""
        (tmp_path / "file").touch()
        (tmp_path / "holiday").mkdir()
        for name, reason in (
            ("gone", 'There is no directory "gone".'),
            ("file", 'There is no directory "file".'),
            ("holiday", "holiday is not a run directory."),
        ):
            done = program("rollback", name, url="http://127.0.0.1:9")
            assert (done.exit, done.out) == (Exit.NO_INPUT, "")
            assert done.err == f'bulkjob: {reason} Give the path after "Report:" at the end of the run.\n'
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "holiday"]

    def test_run_that_changed_nothing(self, program: Program, secret: State, tmp_path: Path) -> None:
        """Of a run that sent nothing there is nothing to put back: 66 says so."""
        (tmp_path / "so.csv").write_text("department,agent\nbeta,bob\n", encoding="utf-8")
        with serving(secret) as served:
            assert program("run", "so.csv", "--run-dir", "run", url=served.url).exit == Exit.OK
            done = program("rollback", "run", url=served.url)
        assert (done.exit, done.out) == (Exit.NO_INPUT, "")
        assert done.err == "bulkjob: The run in run has changed nothing (it left no journal.jsonl), so there is nothing to put back.\n"
        assert not (tmp_path / "run" / "rollback").exists()

    def test_another_server(self, program: Program, secret: State, sheet: Path, tmp_path: Path) -> None:
        """What was done on one server is not undone on another: 73, naming both, without a call."""
        with serving(secret) as served, serving(secret) as other:
            program("run", sheet, "--run-dir", "run", url=served.url)
            done = program("rollback", "run", url=other.url)
            assert other.sandbox.calls() == []
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
        assert served.url in done.err
        assert other.url in done.err
        assert not (tmp_path / "run" / "rollback").exists()

    def test_damaged_journal(self, program: Program, secret: State, sheet: Path, tmp_path: Path) -> None:
        """A journal that was edited is not believed: 73, without a call."""
        with serving(secret) as served:
            program("run", sheet, "--run-dir", "run", url=served.url)
            calls = len(served.sandbox.calls())
            journal = tmp_path / "run" / "journal.jsonl"
            journal.write_bytes(journal.read_bytes().replace(b"u-cid", b"u-bob"))
            done = program("rollback", "run", url=served.url)
            assert len(served.sandbox.calls()) == calls
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
        assert "is damaged" in done.err
        assert "--run-dir" not in done.err

    def test_what_lies_in_its_own_place(self, program: Program, secret: State, sheet: Path, tmp_path: Path) -> None:
        """A rollback has no other directory to choose, and is not told to: what is in the way is to be moved, or its journal mended."""
        with serving(secret) as served:
            program("run", sheet, "--run-dir", "run", url=served.url)
            own = tmp_path / "run" / "rollback"
            own.touch()
            done = program("rollback", "run", url=served.url)
            assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
            assert done.err == "bulkjob: The run directory run/rollback cannot be written: it is a file. Move it away.\n"
            own.unlink()
            own.mkdir()
            (own / "journal.jsonl").write_text("precious", encoding="utf-8")
            done = program("rollback", "run", url=served.url)
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
        assert "Nothing was sent. If there is an undamaged copy of it, put that in its place." in done.err
        assert "--run-dir" not in done.err

    def test_closed_afterwards(self, program: Program, secret: State, sheet: Path) -> None:
        """A run that was rolled back is closed: `run` there is 73, without a call, and leaves its report as it is."""
        with serving(secret) as served:
            program("run", sheet, "--run-dir", "run", url=served.url)
            program("rollback", "run", url=served.url)
            calls, report = len(served.sandbox.calls()), Path("run/results.csv").read_bytes()
            done = program("run", sheet, "--run-dir", "run", url=served.url)
            assert len(served.sandbox.calls()) == calls
        assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
        assert "The run in run was rolled back, and is closed." in done.err
        assert Path("run/results.csv").read_bytes() == report

    @pytest.mark.parametrize("lost", ["all", "every line", "all but the first write"])
    def test_journal_that_tells_less_than_the_report(self, program: Program, secret: State, sheet: Path, lost: str) -> None:
        """A journal that is gone, or has lost its end, is 73 where the report tells of more: nothing is said to be back that is not."""
        with serving(secret) as served:
            program("run", sheet, "--run-dir", "run", url=served.url)
            journal = Path("run/journal.jsonl")
            lines = journal.read_bytes().splitlines(keepends=True)
            if lost == "all":
                journal.unlink()
            else:
                second = [number for number, line in enumerate(lines) if b'"intent"' in line][1]
                journal.write_bytes(b"" if lost == "every line" else b"".join(lines[:second]))
            calls = len(writes(served))
            for command in (("rollback", "run"), ("run", sheet, "--run-dir", "run")):
                done = program(*command, url=served.url)
                assert done.exit == Exit.CANNOT_CREATE
                assert "summary.json beside it tells of 3 changed rows" in done.err
            assert len(writes(served)) == calls

    def test_summary_of_somebody_else(self, program: Program, secret: State, sheet: Path) -> None:
        """What is no summary of ours in the run directory tells nothing."""
        with serving(secret) as served:
            for text in ('{"changes": {"updated": "3"}}', '{"changes": 3}', "[]", "[" * 100_000, '{"changes": {"updated": true}}'):
                Path("run").mkdir(exist_ok=True)
                Path("run/summary.json").write_text(text, encoding="utf-8")
                done = program("run", sheet, "--run-dir", "run", url=served.url)
                assert done.exit == Exit.OK, done.err


class TestPutBack:
    def test_everything(self, program: Program, secret: State, sheet: Path) -> None:
        """All that the run changed is as before, all else untouched; each of the run's rows is told of once; again, nothing is sent."""
        with serving(secret) as served:
            before = served.sandbox.state()
            assert program("run", sheet, "--run-dir", "run", url=served.url).exit == Exit.OK
            done = program("rollback", "run", url=served.url)
            assert done.exit == Exit.OK, done.out + done.err
            assert differences(before, served.sandbox.state(), units={}, agents={}) == []
            sent = writes(served)
            again = program("rollback", "run", url=served.url)
            assert writes(served) == sent
        rows = results_of(Path("run/rollback"))
        assert [(row["row"], row["note"], row["status"], row["change"]) for row in rows] == [
            ("2", "first", "success", "updated"),
            ("3", "second", "success", "updated"),
            ("4", "so already", "success", "unchanged"),
            ("5", "third", "success", "updated"),
        ]
        assert rows[0]["message"] == 'Moved to unit "NORTH" (north) from "SOUTH" (south). Removed agent @cid (u-cid).'
        assert (
            rows[1]["message"] == 'Moved to unit "NORTH" (north) from "SOUTH" (south). Added agent @ann (u-ann) with count 7 and order 1.'
        )
        assert rows[2]["message"] == "The run changed nothing for this row, so there is nothing to put back."
        verdict = "reorg.csv: Everything that this run had changed is back as it was: 3 put back, 1 already as before."
        assert " ".join(done.out.split()).startswith(verdict + " ")
        assert done.out.splitlines()[-1] == "Report: run/rollback"
        assert "This run directory is closed" in words(done.out)
        assert again.exit == Exit.OK
        assert results_of(Path("run/rollback")) == rows
        assert sorted(path.name for path in Path("run/rollback").iterdir()) == [
            ".lock",
            "journal.jsonl",
            "plan.json",
            "report.html",
            "results.csv",
            "results.xlsx",
            "summary.json",
        ]

    def test_rollback_of_the_rollback(self, program: Program, secret: State, sheet: Path) -> None:
        """Rolled back itself, a rollback leaves what the run had made; that can be put back once more, where the refusal says."""
        with serving(secret) as served:
            before = served.sandbox.state()
            program("run", sheet, "--run-dir", "run", url=served.url)
            after = served.sandbox.state()
            program("rollback", "run", url=served.url)
            done = program("rollback", "run/rollback", url=served.url)
            assert done.exit == Exit.OK, done.out + done.err
            assert differences(after, served.sandbox.state(), units={}, agents={}) == []
            closed = program("rollback", "run", url=served.url)
            assert closed.exit == Exit.CANNOT_CREATE
            assert "was rolled back, and is closed" in closed.err
            assert "bulkjob rollback run/rollback/rollback" in closed.err
            again = program("rollback", "run/rollback/rollback", url=served.url)
            assert again.exit == Exit.OK, again.out + again.err
            assert differences(before, served.sandbox.state(), units={}, agents={}) == []

    def test_what_somebody_changed_since(self, program: Program, secret: State, sheet: Path) -> None:
        """What is no longer as the run left it is left alone, and told with what it is; the rest goes back; the exit code is 1."""
        with serving(secret) as served:
            program("run", sheet, "--run-dir", "run", url=served.url)
            place = next(row for row in served.sandbox.store.rows() if row["departmentId"] == "free")
            place["order"] = 9
            done = program("rollback", "run", url=served.url)
            assert places(served.sandbox.state())["free", "u-bob"] == (0, 9)
        assert done.exit == Exit.ROWS_NOT_DONE
        rows = results_of(Path("run/rollback"))
        assert [(row["status"], row["code"]) for row in rows] == [("success", "")] * 3 + [("failed", "changed-meanwhile")]
        assert rows[3]["message"] == (
            'Agent @bob (u-bob) was not removed from department "Free" (free): somebody has changed it since the run: '
            "they are there with count 0 and order 9 now; it was left alone. "
            "Look at it in Rocket.Chat, and change it there by hand if it should still be put back."
        )
        assert " ".join(done.out.split()).startswith(
            "reorg.csv: 1 of 4 rows was not put back; 3 are back: 2 put back, 1 already as before."
        )
        # A sheet to be run would do once more what could not be put back.
        assert not Path("run/rollback/retry.csv").exists()

    def test_half_finished_run(self, program: Program, secret: State, tmp_path: Path) -> None:
        """Of a run that stopped half-way, what it had done goes back, and rows that it did not come to are said to need nothing."""
        rows = "".join(f"{name},cid\n" for name in ("alpha", "beta", "gamma", "free"))
        (tmp_path / "many.csv").write_text(f"department,agent\n{rows}", encoding="utf-8")
        with serving(secret, faults="500@PUT+2x1") as served:
            before = served.sandbox.state()
            done = program(
                "run", "many.csv", "--run-dir", "run", "--concurrency", "1", "--retries", "1", "--max-failures", "1", url=served.url
            )
            assert done.exit == Exit.ROWS_NOT_DONE
            back = program("rollback", "run", url=served.url)
            assert back.exit == Exit.OK, back.out + back.err
            assert differences(before, served.sandbox.state(), units={}, agents={}) == []
        assert [row["change"] for row in results_of(Path("run/rollback"))].count("updated") == 2


class TestStopped:
    def test_server_away(self, program: Program, secret: State, sheet: Path) -> None:
        """Where the server does not answer, the rollback is 69 and says how to go on: with the rollback, never with the sheet."""
        with serving(secret) as served:
            program("run", sheet, "--run-dir", "run", url=served.url)
        done = program("rollback", "run", "--retries", "1", url=served.url)
        assert done.exit == Exit.UNAVAILABLE, done.out + done.err
        rows = results_of(Path("run/rollback"))
        assert [row["status"] for row in rows] == ["not_sent", "not_sent", "success", "not_sent"]
        assert rows[0]["message"] == (
            "Nothing was sent for this row: Rocket.Chat could not be reached or kept failing. When it answers again, run the same rollback "
            "again."
        )
        assert "Next: When Rocket.Chat answers again, try again: bulkjob rollback run --retries 1" in words(done.out)
        for said in (*(row["message"] for row in rows), words(done.out)):
            assert "the sheet again" not in said
            assert "same sheet" not in said

    def test_goes_on(self, program: Program, secret: State, sheet: Path) -> None:
        """A rollback that was stopped goes on where it was: what is back is not written again, and all rows are in its report."""
        with serving(secret, faults="500@POST livechat/department/:id/agents+1x1") as served:
            before = served.sandbox.state()
            assert program("run", sheet, "--run-dir", "run", url=served.url).exit == Exit.OK
            stopped = program("rollback", "run", "--concurrency", "1", "--retries", "1", url=served.url)
            assert stopped.exit == Exit.ROWS_NOT_DONE, stopped.out + stopped.err
            assert "(what is back stays): bulkjob rollback run --concurrency 1 --retries 1" in words(stopped.out)
            sent = writes(served)
            (refused,) = {call["path"] for call in served.sandbox.calls() if call["status"] == 500}
            done = program("rollback", "run", url=served.url)
            assert done.exit == Exit.OK, done.out + done.err
            anew = writes(served)[len(sent) :]
            assert differences(before, served.sandbox.state(), units={}, agents={}) == []
        assert anew == [("POST", refused)]
        assert {row["status"] for row in results_of(Path("run/rollback"))} == {"success"}
        assert json.loads(Path("run/rollback/summary.json").read_bytes())["exit_code"] == 0
