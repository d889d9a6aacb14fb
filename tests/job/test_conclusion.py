"""What is done with the end of a run or a rollback, whatever end it is: copied, measured, told; and no secret in any of it."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tenacity
from prometheus_client.parser import text_string_to_metric_families

from bulkjob.execute import Executor
from bulkjob.report import conclusion
from bulkjob.report.conclusion import published_name
from bulkjob.rundir import opened
from bulkjob.vocabulary import Exit
from tests.support.program import SECRET, Program
from tests.support.servers import Served, serving
from tests.support.states import State
from tests.support.stores import KEY, KEY_ID, ObjectStore, WebStore, object_store, web_store

SHEET = "department,unit,agent\nalpha,south,\nbeta,,cid\n"
REPORT = {"journal.jsonl", "plan.json", "report.html", "results.csv", "results.xlsx", "summary.json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchers:
    """Who is told of an end in these tests."""

    web: WebStore
    """Takes published files, the webhook's posts and the Pushgateway's."""
    termination: Path
    metrics: Path

    @property
    def texts(self) -> list[str]:
        """What the webhook was posted."""
        return [json.loads(request.body)["text"] for request in self.web.requests if request.path == "/hook/T0PS3CRET"]

    @property
    def words(self) -> str:
        """What the pod has as its last words."""
        return self.termination.read_text(encoding="utf-8")

    @property
    def exit_codes(self) -> tuple[float, float]:
        """What the file of metrics and the Pushgateway say."""
        pushed = [request.body for request in self.web.requests if request.path == "/push/metrics/job/bulkjob"]
        return _exit_code(self.metrics.read_bytes()), _exit_code(pushed[-1])


def _exit_code(data: bytes) -> float:
    [code] = [family for family in text_string_to_metric_families(data.decode()) if family.name == "bulkjob_exit_code"]
    return float(code.samples[0].value)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(tenacity.wait_random_exponential, "__call__", lambda *_: 0.0)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    """An S3 server."""
    with object_store() as store:
        yield store


@pytest.fixture
def served(small: State) -> Iterator[Served]:
    """The small workspace; its administrator has the token that no output may hold."""
    for user in small["users"]:
        if user["username"] == "admin":
            user["token"] = SECRET
    with serving(small) as served:
        yield served


@pytest.fixture
def watchers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watchers]:
    """Everybody is told; each address has a secret in it."""
    (tmp_path / "sheet.csv").write_text(SHEET, encoding="utf-8")
    termination = tmp_path / "termination-log"
    termination.touch()
    monkeypatch.setattr(conclusion, "TERMINATION_LOG", termination)
    with web_store() as web:
        secretly = web.url.replace("//", "//me:hunter2hunter2@")
        monkeypatch.setenv("BULKJOB_NOTIFY_URL", f"{web.url}/hook/T0PS3CRET")
        monkeypatch.setenv("BULKJOB_PUSHGATEWAY", f"{secretly}/push")
        monkeypatch.setenv("BULKJOB_PUBLISH", f"{secretly}/runs")
        monkeypatch.setenv("BULKJOB_METRICS_FILE", str(tmp_path / "bulkjob.prom"))
        yield Watchers(web=web, termination=termination, metrics=tmp_path / "bulkjob.prom")
        for secret in ("T0PS3CRET", "hunter2", SECRET, KEY, KEY_ID):
            told = [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
            sent = [request.path for request in web.requests if secret.encode() in request.body]
            assert told + sent == [], secret


def run(program: Program, served: Served, *more: object) -> tuple[int, str]:
    """Runs the sheet; the exit code, and all that was printed, which holds no secret."""
    done = program("run", "sheet.csv", "--run-dir", "run", *more, url=served.url)
    shown = done.out + done.err
    assert not [secret for secret in ("T0PS3CRET", "hunter2", SECRET, KEY, KEY_ID) if secret in shown]
    return done.exit, shown


class TestAReport:
    def test_everybody_is_told(self, program: Program, served: Served, watchers: Watchers) -> None:
        """The files lie below their directory's name, the figures are out, and everybody has the verdict and the place."""
        code, _ = run(program, served)
        assert code == Exit.OK
        copied = {path.removeprefix("/runs/run/"): data for path, data in watchers.web.files.items() if path.startswith("/runs/")}
        assert copied.keys() == REPORT
        assert copied == {name: (watchers.metrics.parent / "run" / name).read_bytes() for name in REPORT}
        assert watchers.exit_codes == (0, 0)
        where = watchers.web.url.replace("//", "//***@") + "/runs/run"
        verdict = "bulkjob run: All 2 rows are in place: 2 changed."
        assert watchers.words.splitlines() == [verdict, "Report: run", f"Copied to: {where}", "Exit code: 0"]
        assert watchers.texts == ["\n".join((verdict, "Report: run", f"Copied to: {where}"))]

    @pytest.mark.parametrize("text", [SHEET, "s3cr3t", "# HELP node_load1 1m load average.\n"])
    def test_no_other_file_becomes_the_metrics(self, program: Program, served: Served, watchers: Watchers, text: str) -> None:
        """A file that holds something else (the sheet itself, a password) is left as it is; an empty one is written to."""
        watchers.metrics.write_text(text, encoding="utf-8")
        code, shown = run(program, served)
        assert code == Exit.OK
        assert "bulkjob.prom holds something else" in shown
        assert watchers.metrics.read_text(encoding="utf-8") == text
        watchers.metrics.write_text("", encoding="utf-8")
        run(program, served)
        assert watchers.exit_codes == (0, 0)

    @pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "socket"])
    def test_what_is_no_file_does_not_become_the_metrics(
        self, program: Program, served: Served, watchers: Watchers, tmp_path: Path, kind: str
    ) -> None:
        """A link or a pipe is left as it is, as ``/dev/null`` would have to be."""
        other = tmp_path / "other"
        if kind == "pipe":
            os.mkfifo(watchers.metrics)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(os.path.relpath(watchers.metrics))
        else:
            watchers.metrics.symlink_to(other)
        if kind == "link":
            other.write_text("precious", encoding="utf-8")
        before = watchers.metrics.lstat()
        code, shown = run(program, served)
        assert code == Exit.OK
        assert "The metrics were not written" in shown
        assert (watchers.metrics.lstat().st_ino, watchers.metrics.lstat().st_mode) == (before.st_ino, before.st_mode)
        assert not other.exists() or other.read_text(encoding="utf-8") == "precious"

    def test_a_rollback_lies_in_its_run(self, program: Program, served: Served, watchers: Watchers) -> None:
        """A rollback's files lie below its run's, and what it has done is said to be a rollback."""
        run(program, served)
        assert program("rollback", "run", url=served.url).exit == Exit.OK
        assert {path.removeprefix("/runs/run/rollback/") for path in watchers.web.files if "/rollback/" in path} == REPORT
        assert watchers.texts[-1].startswith("bulkjob rollback: Everything that this run had changed is back as it was")

    def test_a_copy_that_fails_turns_0_into_73(self, program: Program, served: Served, watchers: Watchers) -> None:
        """All is done, but what was to be kept elsewhere is not: 73, also in the summary, and all are told why or that."""
        watchers.web.instead("PUT", "/runs/run/results.csv", 403)
        code, shown = run(program, served)
        assert code == Exit.CANNOT_CREATE
        assert "could not be copied to " + watchers.web.url.replace("//", "//***@") in shown
        summary = json.loads((watchers.metrics.parent / "run" / "summary.json").read_text(encoding="utf-8"))
        assert (summary["exit_code"], summary["rows"]["success"]) == (73, 2)
        assert "HTTP 403" in summary["message"]
        assert watchers.exit_codes == (73, 73)
        assert watchers.words.splitlines()[-1] == "Exit code: 73"
        assert watchers.texts[0].splitlines()[0] == "bulkjob run: All 2 rows are in place: 2 changed."
        assert "exit code 73" in watchers.texts[0]

    def test_a_copy_that_fails_changes_no_other_code(self, program: Program, served: Served, watchers: Watchers) -> None:
        """What stopped the job decides."""
        watchers.web.instead("PUT", "/runs/run/results.csv", 403)
        (watchers.metrics.parent / "sheet.csv").write_text("department,unit\nalpha,nowhere\n", encoding="utf-8")
        assert run(program, served)[0] == Exit.BAD_SHEET
        summary = json.loads((watchers.metrics.parent / "run" / "summary.json").read_text(encoding="utf-8"))
        assert summary["exit_code"] == 65
        assert watchers.exit_codes == (65, 65)
        assert "Left: 1 row." in watchers.texts[0]
        assert "nowhere" not in watchers.texts[0]

    def test_who_cannot_be_told_fails_nothing(self, program: Program, served: Served, watchers: Watchers) -> None:
        """Webhook, Pushgateway and metrics file that cannot be reached or written are a line of the log each."""
        watchers.web.instead("POST", "/hook/T0PS3CRET", 404)
        watchers.web.instead("POST", "/push/metrics/job/bulkjob", 0)
        watchers.metrics.mkdir()
        watchers.termination.unlink()
        code, shown = run(program, served)
        assert code == Exit.OK
        assert "The webhook could not be told of the end: HTTP 404." in shown
        assert "The pushgateway could not be told of the end: the connection broke" in shown
        assert "The metrics were not written" in shown
        assert not watchers.termination.exists()

    def test_what_an_earlier_run_left_in_the_store(self, program: Program, served: Served, watchers: Watchers) -> None:
        """A pod that is started again copies to the same place: rows that were left then are not left any more."""
        watchers.web.files["/runs/run/retry.csv"] = b"left by the pod before"
        run(program, served)
        assert {path.removeprefix("/runs/run/") for path in watchers.web.files if path.startswith("/runs/")} == REPORT

    def test_a_defect_is_told_of(self, program: Program, served: Served, watchers: Watchers, monkeypatch: pytest.MonkeyPatch) -> None:
        """Even when bulkjob itself fails, what is known is copied and told."""

        async def broken(_: object) -> None:
            raise KeyError("a defect")

        monkeypatch.setattr(Executor, "run", broken)
        assert run(program, served)[0] == Exit.DEFECT
        assert watchers.exit_codes == (70, 70)
        assert {"/runs/run/results.csv", "/runs/run/summary.json"} <= watchers.web.files.keys()
        assert "Exit code: 70" in watchers.words

    def test_an_object_store(
        self, program: Program, served: Served, watchers: Watchers, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With an S3 store the same; a bucket that is not there is 73; nothing of the account is anywhere."""
        store.settings(monkeypatch)
        store.make("night", {})
        monkeypatch.setenv("BULKJOB_PUBLISH", "s3://night/runs")
        assert run(program, served)[0] == Exit.OK
        assert store.files("night").keys() == {f"runs/run/{name}" for name in REPORT}
        assert not [data for data in store.files("night").values() for secret in (KEY, KEY_ID, SECRET) if secret.encode() in data]
        monkeypatch.setenv("BULKJOB_PUBLISH", "s3://nothing")
        code, shown = run(program, served)
        assert (code, "there is no such bucket" in shown) == (Exit.CANNOT_CREATE, True)


class TestNoReport:
    """Ends before there is a run directory: nothing to copy, but somebody to tell."""

    def ended(self, watchers: Watchers, code: Exit) -> None:
        """Holds what is told of such an end to its form."""
        assert watchers.exit_codes == (code, code)
        (text,) = watchers.texts
        assert text.startswith("bulkjob run: Nothing was changed")
        assert text.endswith(f" (exit code {code}).\nNo report was written.")
        assert watchers.words.splitlines()[-1] == f"Exit code: {code}"
        assert not [path for path in watchers.web.files if path.startswith("/runs/")]

    def test_no_sheet(self, program: Program, served: Served, watchers: Watchers) -> None:
        """A sheet that is not there."""
        (watchers.metrics.parent / "sheet.csv").unlink()
        assert run(program, served)[0] == Exit.NO_INPUT
        self.ended(watchers, Exit.NO_INPUT)
        assert "There is no file sheet.csv" in watchers.words

    def test_a_wrong_setting(self, program: Program, served: Served, watchers: Watchers, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of a setting that is wrong is told, too, as far as the others say whom."""
        monkeypatch.setenv("BULKJOB_RETRIES", "0")
        assert run(program, served)[0] == Exit.BAD_SETTING
        self.ended(watchers, Exit.BAD_SETTING)

    def test_a_directory_in_use(self, program: Program, served: Served, watchers: Watchers) -> None:
        """The run that is working there is not copied by one that only wanted to."""
        entered, left = threading.Event(), threading.Event()

        def work() -> None:
            with opened(watchers.metrics.parent / "run", "", datetime.now(UTC)):
                entered.set()
                left.wait(60)

        other = threading.Thread(target=work)
        other.start()
        entered.wait(60)
        try:
            assert run(program, served)[0] == Exit.INTERRUPTED
        finally:
            left.set()
            other.join()
        self.ended(watchers, Exit.INTERRUPTED)

    def test_a_directory_of_another_run(self, program: Program, served: Served, watchers: Watchers) -> None:
        """What lies in another run's directory is not copied once more."""
        run(program, served)
        watchers.web.requests.clear()
        watchers.web.files.clear()
        (watchers.metrics.parent / "sheet.csv").write_text(SHEET + "free,south,\n", encoding="utf-8")
        assert run(program, served)[0] == Exit.CANNOT_CREATE
        self.ended(watchers, Exit.CANNOT_CREATE)

    def test_an_interruption(self, program: Program, served: Served, watchers: Watchers, monkeypatch: pytest.MonkeyPatch) -> None:
        """A signal while the sheet is read."""

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("bulkjob.commands.run.sheet_at", interrupted)
        assert run(program, served)[0] == Exit.INTERRUPTED
        self.ended(watchers, Exit.INTERRUPTED)

    def test_a_package_that_is_missing(self, program: Program, served: Served, watchers: Watchers, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where files cannot be copied for want of a package, nothing is begun, and the line that installs it is said."""
        monkeypatch.setattr("bulkjob.system.store_packages.find_spec", lambda _: None)
        monkeypatch.setenv("BULKJOB_PUBLISH", "s3://night/runs")
        code, shown = run(program, served)
        assert (code, 'python3 -m pip install "bulkjob[s3]"' in shown) == (Exit.BAD_SETTING, True)
        assert served.sandbox.calls() == []

    def test_wrong_usage_is_nobodys_business(self, program: Program, served: Served, watchers: Watchers) -> None:
        """What was mistyped is told whoever has typed it."""
        assert run(program, served, "--retries", "0")[0] == Exit.USAGE
        assert (watchers.texts, watchers.words) == ([], "")


@pytest.mark.parametrize(
    ("path", "name"),
    [("runs/night", "night"), ("runs/night/rollback", "night/rollback"), ("runs/night/rollback/rollback", "night/rollback/rollback")],
)
def test_what_a_directory_is_called_in_the_store(tmp_path: Path, path: str, name: str) -> None:
    """A run's directory by its name, a rollback's within its run's."""
    assert str(published_name(tmp_path / path)) == name
