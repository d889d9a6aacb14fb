"""A server that repeats the token wherever it can: none of the program's outputs has it, whichever command is run."""

import base64
import http.server
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkjob.cli import main
from bulkjob.sandbox import Sandbox
from bulkjob.settings.table import SETTINGS
from bulkjob.vocabulary import Exit

TOKEN = "token-svc+secret/1"
STATE: dict[str, Any] = {
    "license": ["livechat-enterprise"],
    "users": [
        {"_id": "u-svc", "username": "svc", "roles": ["admin"], "token": TOKEN},
        {"_id": "u-ann", "username": "ann", "roles": ["livechat-agent"]},
    ],
    "departments": [
        {
            "_id": f"d{number}",
            "name": name,
            "email": "d@example.org",
            "enabled": True,
            "showOnRegistration": True,
            "showOnOfflineForm": True,
            "type": "d",
            "numAgents": 0,
        }
        for number, name in enumerate(["Sales", "Support"])
    ],
    "units": [{"_id": "unit-a", "name": "North", "visibility": "public", "type": "u", "numMonitors": 0, "numDepartments": 0}],
    "unitMonitors": [],
    "departmentAgents": [],
}
SHEET = "department,unit,agent\nSales,North,ann\nSupport,,ann\nSupport,North,\n"


class Echo:
    """A server on loopback that answers as the sandbox does, and works the token into its answers in the way of one ``trick``."""

    def __init__(self, trick: str) -> None:
        self.sandbox = Sandbox(STATE, clock=time.time)
        self.trick = trick
        self.echoes = 0

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        path, _, query = target.partition("?")
        given = self.sandbox.answer(method, urllib.parse.unquote(path), dict(urllib.parse.parse_qsl(query)), headers, body)
        status, sent, data = given.status, dict(given.headers), given.body
        spelt = {"escaped": "".join(f"\\u{ord(letter):04x}" for letter in TOKEN), "url": urllib.parse.quote(TOKEN, safe="")}.get(
            self.trick, TOKEN
        )
        writes = method != "GET"
        if self.trick == "version" and path == "/api/info":
            data = json.dumps({"version": f"7.0-{TOKEN}", "success": True}).encode()
        elif self.trick == "names" and not writes:
            data = data.replace(b'"Sales"', json.dumps(f"Sales {TOKEN}").encode()).replace(
                b'"North"', json.dumps(f"North {TOKEN}").encode()
            )
        elif self.trick == "redirect" and path != "/api/info":
            status, sent = 302, {"Location": f"https://login.example.org/?token={TOKEN}"}
        elif self.trick == "page":
            status, data = (502, f"<html>{'x' * 280}{TOKEN}</html>".encode()) if path.endswith("units") else (status, data)
        elif writes:
            status, data = 400, f'{{"success": false, "error": "bad header X-Auth-Token: {spelt}", "errorType": "{spelt}"}}'.encode()
        self.echoes += TOKEN.encode() in data or spelt.encode() in data or TOKEN in str(sent)
        return status, sent | {"X-Told": TOKEN}, data


@pytest.fixture(params=["plain", "escaped", "url", "version", "names", "redirect", "page"])
def echo(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Echo]:
    """The server, and a connection to it in the environment."""
    made = Echo(request.param)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's own name
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, data = made.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | headers | {"Content-Length": str(len(data))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_GET  # noqa: N815 - the base asks for these names

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for setting in SETTINGS:
        for name in (setting.variable, f"{setting.variable}_FILE"):
            monkeypatch.delenv(name or "-", raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROCKETCHAT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("ROCKETCHAT_USER_ID", "u-svc")
    monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN", TOKEN)
    yield made
    server.shutdown()
    server.server_close()


SHAPES = (TOKEN, urllib.parse.quote(TOKEN, safe=""), json.dumps(TOKEN)[1:-1], base64.b64encode(TOKEN.encode()).decode(), TOKEN[:-4])


def test_no_output_has_the_token_in_it(
    echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Plan, run, rollback, export and doctor: neither terminal, log, report, journal, summary nor plan holds it, whole or cut."""
    monkeypatch.chdir(tmp_path)
    Path("sheet.csv").write_text(SHEET, encoding="utf-8")
    (tmp_path / "out").mkdir()
    once = ["--retries", "1", "--timeout", "5"]
    codes = {
        main([*command, *once])
        for command in (
            ["plan", "sheet.csv", "--out", "out/plan.json", "--csv", "out/plan.csv"],
            ["plan", "sheet.csv", "--json"],
            ["doctor", "sheet.csv", "--run-dir", "night"],
            ["export", "out/now.csv"],
            ["export", "out/now.xlsx"],
            ["run", "sheet.csv", "--run-dir", "night"],
            ["rollback", "night"],
        )
    }
    said = capfd.readouterr()
    assert Exit.DEFECT not in codes
    assert echo.echoes
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    for shape in SHAPES:
        assert shape not in said.out
        assert shape not in said.err
        assert [path.name for path in written if shape.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("echo", ["plain"], indirect=True)
def test_no_output_has_a_token_from_the_sheet(
    echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A sheet, or its file's name, that has the token in it leaves it nowhere, in columns that are read or only carried."""
    monkeypatch.chdir(tmp_path)
    name = f"a {TOKEN.replace('/', '%2F')}.csv"
    Path(name).write_text(f"department,unit,agent,{TOKEN}\n{TOKEN},North,ann,x\nSales,North,ann,by {TOKEN}\n", encoding="utf-8")
    for more in ([], ["--skip-invalid"]):
        for command in (["plan", name, "--json"], ["plan", name, "--out", "out.json"], ["doctor", name], ["run", name]):
            assert main([*command, "--retries", "1", *(more if command[0] != "doctor" else [])]) != Exit.DEFECT
    assert main(["plan", f"none {name}"]) == Exit.NO_INPUT
    said = capfd.readouterr()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != name]
    assert written
    for shape in (*SHAPES[:-1], TOKEN.replace("/", "%2F")):
        assert shape not in said.out + said.err
        assert [path for path in written if shape.encode() in path.read_bytes() or shape in str(path)] == []
