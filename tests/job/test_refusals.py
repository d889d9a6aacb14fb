"""Runs that are refused or stopped: one clear sentence, the right exit code, and, once the sheet was read, every row in the report."""

import itertools
import json
import math
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkjob.vocabulary import Exit
from tests.support.program import Program
from tests.support.rehearsal import rehearse, results_of
from tests.support.servers import answering, serving
from tests.support.states import State, places
from tests.support.workspaces import SAMPLES

SHEET = "department,unit,agent,owner\nalpha,south,,Kim\n,,,\nbeta,,cid,'=x\nfree,-,,\n"


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """A sheet that fits the small workspace, with a blank row."""
    path = tmp_path / "sheet.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def refused(done: Any, code: Exit, reason: str = "refused") -> str:
    """Hold a refusal to its form: the exit code, every row once as `not_sent`, the reason on standard output; returns the message."""
    assert done.exit == code, done.out + done.err
    told = [(row["row"], row["department"], row["owner"]) for row in done.rows]
    assert told == [("2", "alpha", "Kim"), ("4", "beta", "'=x"), ("5", "free", "")]
    assert {(row["status"], row["change"], row["code"]) for row in done.rows} == {("not_sent", "", reason)}
    assert {(row["attempts"], row["http_status"], row["seconds"]) for row in done.rows} == {("", "", "")}
    summary = json.loads((done.folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["exit_code"] == code
    assert summary["rows"] == {"total": 3, "success": 0, "failed": 0, "invalid": 0, "not_sent": 3}
    message = str(summary["message"])
    assert " ".join(message.split()) in " ".join(done.out.split())
    assert message.endswith(".")
    assert "Traceback" not in done.out + done.err
    assert done.out.splitlines()[-1] == "Report: run"
    assert (done.folder / "retry.csv").exists()
    return message


def unread(done: Any, code: Exit) -> str:
    """Hold a refusal of the file itself to its form: one sentence on standard error, no run directory."""
    assert done.exit == code
    assert done.out == ""
    assert done.rows == []
    [sentence] = done.err.splitlines()
    assert sentence.startswith("bulkjob: ")
    assert sentence.endswith(".")
    assert len(sentence) < 300
    return str(sentence)


#: How Excel keeps a workbook with a password: a container with an encrypted package in it.
ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016) + "EncryptedPackage".encode("utf-16-le") + bytes(1000)

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("none.csv", None, Exit.NO_INPUT, "none.csv"),
        (".", None, Exit.NO_INPUT, "folder"),
        ("garbage.csv", bytes(range(256)) * 20, Exit.BAD_SHEET, "garbage.csv"),
        ("garbage.xlsx", b"PK\x03\x04" + bytes(range(256)) * 20, Exit.BAD_SHEET, "garbage.xlsx"),
        ("empty.csv", b"", Exit.BAD_SHEET, "empty"),
        ("blank.csv", b"\n , ,\n\n", Exit.BAD_SHEET, "blank.csv"),
        ("other.csv", b"name,unit\nSales,North\n", Exit.BAD_SHEET, "department"),
        ("twice.csv", b"department,unit,Unit\na,b,c\n", Exit.BAD_SHEET, "unit"),
        ("plural.csv", b"department,units\na,b\n", Exit.BAD_SHEET, "units"),
        ("secret.xlsx", ENCRYPTED, Exit.BAD_SHEET, "secret.xlsx"),
    ],
)
def test_sheet_that_cannot_be_read(program: Program, tmp_path: Path, *, name: str, content: bytes | None, code: Exit, said: str) -> None:
    """A file that is no sheet ends in one sentence and its exit code, before a run directory is made or the server is called."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert said in unread(program("run", name, "--run-dir", "run", url=NOWHERE), code)
    assert not (tmp_path / "run").exists()


def test_no_such_worksheet(program: Program, tmp_path: Path) -> None:
    """A worksheet that the workbook does not have is 65, and the sentence names those that it has."""
    done = program("run", SAMPLES / "reorganisation.xlsx", "--sheet-name", "Tabelle1", "--run-dir", "run", url=NOWHERE)
    assert "Reorganisation" in unread(done, Exit.BAD_SHEET)


def test_too_many_rows(program: Program, sheet: Path) -> None:
    """A sheet larger than --max-rows is 65."""
    assert "2" in unread(program("run", sheet, "--max-rows", "2", "--run-dir", "run", url=NOWHERE), Exit.BAD_SHEET)


def test_settings_come_before_the_sheet(program: Program, tmp_path: Path) -> None:
    """Command line, settings, sheet, run directory, server: the first thing that is wrong is what is said."""
    assert program("run", "none.csv", "--concurrency", "0").exit == Exit.USAGE
    missing = program("run", "none.csv")
    assert (missing.exit, missing.rows) == (Exit.BAD_SETTING, [])
    assert "address: --url or ROCKETCHAT_URL" in missing.err
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert unread(program("run", "none.csv", "--run-dir", "file", url=NOWHERE), Exit.NO_INPUT)
    (tmp_path / "a.csv").write_text("department,unit\na,b\n", encoding="utf-8")
    assert "file" in unread(program("run", "a.csv", "--run-dir", "file", url=NOWHERE), Exit.CANNOT_CREATE)


def test_a_refusal_counts_what_contradicts(program: Program, tmp_path: Path) -> None:
    """The sentence counts the rows that the report calls invalid, those that contradict each other by what is written included."""
    rows = "alpha,,anna,x\nbeta,south,,\nbeta,north,,\nfree,,bob,1\n"
    (tmp_path / "bad.csv").write_text(f"department,unit,agent,count\n{rows}", encoding="utf-8")
    done = program("run", "bad.csv", "--run-dir", "run", url="http://127.0.0.1:9")
    assert [row["status"] for row in done.rows] == ["invalid", "invalid", "invalid", "not_sent"]
    said = "3 rows are invalid, so nothing was sent. Correct them, or send the 1 other row with --skip-invalid."
    assert said in " ".join(done.out.split())


def test_invalid_sheet_needs_no_server(program: Program, tmp_path: Path) -> None:
    """From a sheet that does not validate nothing is sent, not even a question: the invalid rows say why, the others `refused`."""
    (tmp_path / "a.csv").write_text("department,agent,count\na,b,\nb,c,many\n", encoding="utf-8")
    done = program("run", "a.csv", "--run-dir", "run", url=NOWHERE)
    assert done.exit == Exit.BAD_SHEET
    assert [(row["status"], row["code"]) for row in done.rows] == [("not_sent", "refused"), ("invalid", "bad-number")]
    assert "Traceback" not in done.err


def test_unreachable(program: Program, sheet: Path) -> None:
    """A server that refuses connections, or whose name nobody knows, is 69: all rows `unavailable`."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        message = refused(program("run", sheet, "--run-dir", "run", "--retries", "2", url=closed), Exit.UNAVAILABLE, "unavailable")
    assert closed.removeprefix("http://") in message
    done = program("run", sheet, "--run-dir", "run", "--retries", "1", url="http://no-such-host.invalid")
    assert "no-such-host.invalid" in refused(done, Exit.UNAVAILABLE, "unavailable")


def test_silent_server(program: Program, sheet: Path) -> None:
    """A server that takes calls and never answers is 69."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = program("run", sheet, "--run-dir", "run", "--retries", "1", "--timeout", "0.3", url=url)
        message = refused(done, Exit.UNAVAILABLE, "unavailable")
    assert "time" in message


JSON = {"Content-Type": "application/json"}
HTML = ({"Content-Type": "text/html"}, b"<html><title>Intranet</title></html>")


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ((200, *HTML), Exit.BAD_SETTING, "not Rocket.Chat"),
        ((404, *HTML), Exit.BAD_SETTING, "not Rocket.Chat"),
        ((200, JSON, b'{"hello": "world"}'), Exit.BAD_SETTING, "not Rocket.Chat"),
        ((200, JSON, b'{"version": "5.4", "success": true}'), Exit.BAD_SETTING, "5.4"),
        ((301, {"Location": "https://chat.example.org/api/info"}, b""), Exit.BAD_SETTING, "https://chat.example.org"),
        ((302, {"Location": "/login"}, b""), Exit.BAD_SETTING, "/login"),
        ((502, *HTML), Exit.UNAVAILABLE, "502"),
        ((500, JSON, b'{"success": false, "error": "Internal server error"}'), Exit.UNAVAILABLE, "Internal server error"),
        ((401, JSON, b'{"message": "Unauthorized"}'), Exit.BAD_SETTING, "not Rocket.Chat"),
    ],
)
def test_first_answer(program: Program, sheet: Path, *, answer: Any, code: Exit, said: str) -> None:
    """Whatever answers at the address and is no Rocket.Chat that is served is 78; below that, a server that fails is 69."""
    with answering(lambda method, path: answer) as url:
        done = program("run", sheet, "--run-dir", "run", "--retries", "1", url=url)
    assert said in refused(done, code, "unavailable" if code is Exit.UNAVAILABLE else "refused")


def test_redirect_later(program: Program, sheet: Path) -> None:
    """A redirect of a later call is 78 and names its target; it is not followed, and no token goes there."""
    asked: list[str] = []

    def answer(method: str, path: str) -> Any:
        asked.append(path)
        if path == "/api/info":
            return 200, {"Content-Type": "application/json"}, b'{"version": "7.0", "success": true}'
        return 307, {"Location": f"/elsewhere{path}"}, b""

    with answering(answer) as url:
        assert "/elsewhere/api/v1/me" in refused(program("run", sheet, "--run-dir", "run", url=url), Exit.BAD_SETTING)
    assert not any(path.startswith("/elsewhere") for path in asked)


def test_wrong_certificate(program: Program, sheet: Path, tmp_path: Path) -> None:
    """A file of certificates that holds none is 78."""
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    done = program("run", sheet, "--run-dir", "run", "--ca-file", "ca.pem", url="https://127.0.0.1:9")
    assert done.exit == Exit.BAD_SETTING
    assert "ca.pem" in done.out + done.err


@pytest.mark.parametrize("version", ["6.0", "7.0", "8.0"])
def test_wrong_token(program: Program, sheet: Path, small: State, version: str) -> None:
    """A token that the server does not know is 77 on every line, before any list is read."""
    with serving(small, version=version) as served:
        done = program("run", sheet, "--run-dir", "run", url=served.url, token="wr0ng-token")
        message = refused(done, Exit.NO_PERMISSION)
        assert "ROCKETCHAT_AUTH_TOKEN" in message
        assert {call["route"] for call in served.sandbox.calls()} <= {"info", "me"}


@pytest.mark.parametrize(
    ("permission", "said"),
    [("view-livechat-departments", "departments"), ("transfer-livechat-guest", "agents")],
)
@pytest.mark.parametrize("version", ["6.5", "7.0", "8.0"])
def test_list_that_may_not_be_read(tmp_path: Path, small: State, *, permission: str, said: str, version: str) -> None:
    """A list that the job needs and may not read is 77; the sentence names the permission to grant."""
    small["permissions"] = {
        "view-livechat-departments": ["livechat-manager"],
        "view-l-room": ["nobody"],
        "transfer-livechat-guest": ["livechat-manager"],
        "edit-omnichannel-contact": ["nobody"],
        "manage-livechat-departments": ["livechat-manager"],
        "add-livechat-department-agents": ["livechat-manager"],
        "manage-livechat-units": ["livechat-manager"],
        "manage-livechat-monitors": ["livechat-manager"],
    }
    small["permissions"][permission] = ["nobody"]
    ran = rehearse(tmp_path, small, SHEET, user="manager", version=version)
    assert (ran.exit, set(ran.column("code")), ran.writes) == (Exit.NO_PERMISSION, {"refused"}, [])
    assert permission in ran.said
    assert said in ran.said


def test_token_that_is_revoked(tmp_path: Path, small: State) -> None:
    """A token revoked in the middle ends the job with 77; what was written before is told, what was not is `not_sent`."""

    def meddle(transport: Any, request: Any) -> None:
        if request.route.method == "POST":
            transport.sandbox.store.users["u-admin"]["token"] = "another"

    rows = [{"department": "alpha", "unit": "south"}, {"department": "gamma", "agent": "ann"}, {"department": "free", "agent": "bob"}]
    ran = rehearse(tmp_path, small, rows, meddle=meddle, concurrency=1)
    assert ran.exit == Exit.NO_PERMISSION
    assert ran.rows[0]["code"] == "rejected"
    for row in ran.rows[1:]:
        place = (row["department"], f"u-{row['agent']}")
        assert (row["status"] == "success") == (place in places(ran.after))
        assert row["code"] in ("", "refused")
    assert "ROCKETCHAT_AUTH_TOKEN" in ran.said


def more_departments(state: State, number: int) -> list[dict[str, str]]:
    """Adds so many departments, and returns a row for each that adds an agent."""
    names = [f"x{place}" for place in range(number)]
    state["departments"] += [{**state["departments"][4], "_id": name, "name": name.upper()} for name in names]
    return [{"department": name, "agent": "ann"} for name in names]


def at_put(number: int, happens: Callable[[Any], None]) -> Callable[[Any, Any], None]:
    """Meddles with the transport just before so many PUTs come to the server."""
    puts = itertools.count(1)

    def meddle(transport: Any, request: Any) -> None:
        if request.route.method == "PUT" and next(puts) == number:
            happens(transport)

    return meddle


def goes_away(transport: Any) -> None:
    """Connections are refused from now on."""
    transport.sandbox._refusing_until = math.inf  # noqa: SLF001 - a fault strikes a call; this strikes between two


def test_server_that_dies(tmp_path: Path, small: State) -> None:
    """A server that fails for everyone stops the job with 69 instead of failing row after row."""
    rows = more_departments(small, 30)
    ran = rehearse(tmp_path, small, rows, faults="503+40", retries=2, concurrency=2, max_failures=0)
    assert ran.exit == Exit.UNAVAILABLE
    assert ran.column("code").count("unavailable") > 10
    held = {place[0] for place in places(ran.after)}
    for row in ran.rows:
        assert (row["status"] == "success") <= (row["department"] in held)
    # Each worker tries its own call, its look and a probe, and no more.
    assert len(ran.calls) < 40 + 30


def test_server_that_goes_away(tmp_path: Path, small: State) -> None:
    """A row whose call never reached a server that is gone is `not_sent`, like those that were not tried."""
    rows = more_departments(small, 12)
    ran = rehearse(tmp_path, small, rows, meddle=at_put(5, goes_away), retries=3, concurrency=2, max_failures=0)
    assert ran.exit == Exit.UNAVAILABLE
    held = {place[0] for place in places(ran.after)}
    assert [row["status"] == "success" for row in ran.rows] == [row["department"] in held for row in ran.rows]
    assert 4 <= ran.column("status").count("success") < 12
    assert {(row["status"], row["code"]) for row in ran.rows if row["status"] != "success"} == {("not_sent", "unavailable")}


def test_server_that_goes_away_after_it_was_asked(tmp_path: Path, small: State) -> None:
    """A write that may have arrived once has failed, even if a look did not find it: a slow server may yet do it."""
    rows = [{"department": "gamma", "agent": "ann"}]
    ran = rehearse(tmp_path, small, rows, faults="reset-before@PUTx1", meddle=at_put(2, goes_away), retries=3)
    assert ran.exit == Exit.UNAVAILABLE
    assert [(row["status"], row["code"]) for row in ran.rows] == [("failed", "connection")]


@pytest.mark.parametrize(("seconds", "status"), [(50.0, "success"), (70.0, "failed")])
def test_operation_that_takes_too_long(tmp_path: Path, small: State, seconds: float, status: str) -> None:
    """A write is not repeated once its calls have taken the time of an operation: 2 × (30 s + 30 s)."""

    def latency(path: str) -> float:
        return seconds if path.endswith("department/gamma") else 0.0

    rows = [{"department": "gamma", "agent": "ann"}]
    ran = rehearse(tmp_path, small, rows, faults="429@PUTx1", latency=latency, retries=2)
    assert ran.column("status") == [status]
    assert [method for method, _ in ran.writes].count("PUT") == (2 if status == "success" else 1)


def test_server_that_restarts(tmp_path: Path, small: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart that is shorter than the attempts of a call and the probes before its last one costs no row."""
    rows = more_departments(small, 12)
    monkeypatch.setattr(random, "random", lambda: 0.9)
    ran = rehearse(tmp_path, small, rows, faults="refuse=5+20x1", concurrency=8, max_failures=1)
    assert (ran.exit, set(ran.column("status"))) == (Exit.OK, {"success"})


def test_defect(tmp_path: Path, small: State) -> None:
    """A defect in the middle leaves a whole report: what was seen done is `success`, what was on its way `failed`, the rest `not_sent`."""
    rows = more_departments(small, 9)

    def fails(_transport: Any) -> None:
        raise KeyError("a defect")

    with pytest.raises(ExceptionGroup):
        rehearse(tmp_path, small, rows, meddle=at_put(4, fails), concurrency=1)
    results = results_of(tmp_path / "run")
    assert [(row["status"], row["code"]) for row in results] == [
        *[("success", "")] * 3,
        ("failed", "timeout"),
        *[("not_sent", "interrupted")] * 5,
    ]
    assert json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))["exit_code"] == Exit.DEFECT


def test_call_that_fails_alone(tmp_path: Path, small: State) -> None:
    """One call that keeps failing on a server that answers otherwise costs its row alone."""
    rows = [{"department": "alpha", "agent": "cid"}, {"department": "beta", "agent": "cid"}, {"department": "free", "unit": "south"}]
    for fault, code, status in (
        ("500@PUT", "server-error", "500"),
        ("502@PUT", "server-error", "502"),
        ("reset-before@PUT", "connection", ""),
        ("timeout@PUT", "timeout", ""),
        ("429@PUT", "rate-limited", "429"),
    ):
        ran = rehearse(tmp_path / fault, small, rows, faults=fault, retries=3)
        assert ran.exit == Exit.ROWS_NOT_DONE
        assert ran.column("code") == [code, code, ""]
        assert ran.column("attempts") == ["3", "3", "1"]
        assert ran.column("http_status") == [status, status, "200"]
    # Answers that cannot be read, of writes that were carried out: a look tells.
    ran = rehearse(tmp_path / "truncate", small, rows, faults="truncate@PUT", retries=3)
    assert (ran.exit, ran.column("change")) == (Exit.OK, ["updated", "updated", "updated"])
    assert [method for method, _ in ran.writes].count("PUT") == 2


def test_report_that_cannot_be_written(program: Program, small: State, sheet: Path, tmp_path: Path) -> None:
    """A report that could not be written is 73 before the first call, in one sentence that names the file."""
    (tmp_path / "other" / "results.csv").mkdir(parents=True)
    with serving(small) as served:
        done = program("run", sheet, "--run-dir", "other", url=served.url, token="token-admin")
        assert served.sandbox.calls() == []
    assert (done.exit, done.out) == (Exit.CANNOT_CREATE, "")
    assert done.err.startswith("bulkjob: other/results.csv is a directory, which bulkjob neither follows nor replaces. Move it away")


def test_no_rows(program: Program, small: State, tmp_path: Path) -> None:
    """A sheet that has headers and no rows, as an empty workspace is exported, asks for nothing: 0."""
    (tmp_path / "bare.csv").write_text("department,unit\n", encoding="utf-8")
    with serving(small) as served:
        done = program("run", "bare.csv", "--run-dir", "run", url=served.url, token="token-admin")
    assert (done.exit, done.rows) == (Exit.OK, [])


def test_list_of_units_that_is_cut_short(tmp_path: Path, small: State) -> None:
    """A list of units that cannot be read for the moment is the server's failure, 69, and no permission that the account lacks."""
    ran = rehearse(tmp_path, small, SHEET, faults="truncate@livechat/units", retries=2)
    assert (ran.exit, set(ran.column("code")), ran.writes) == (Exit.UNAVAILABLE, {"unavailable"}, [])
