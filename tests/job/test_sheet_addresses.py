"""Sheets that lie at an address, with every command that takes one."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import tenacity

from bulkjob.sheet import source
from bulkjob.vocabulary import Exit
from tests.support.program import SECRET, Program
from tests.support.servers import Served, serving
from tests.support.states import State
from tests.support.stores import KEY, KEY_ID, WebStore, object_store, web_store

SHEET = b"department,unit,agent\nalpha,south,\nbeta,,cid\n"
SIGNATURE = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(tenacity.wait_random_exponential, "__call__", lambda *_: 0.0)


@pytest.fixture
def web() -> Iterator[WebStore]:
    """A web server with sheets."""
    with web_store(reorg__csv=SHEET) as store:
        store.files[f"/My%20Sheet.csv?sig={SIGNATURE}"] = SHEET
        yield store


@pytest.fixture
def served(small: State) -> Iterator[Served]:
    """The small workspace."""
    small["users"][0]["token"] = SECRET
    with serving(small) as served:
        yield served


class TestEveryCommand:
    def test_validate(self, program: Program, web: WebStore) -> None:
        """A sheet is checked without an account; its name is the last part of the path."""
        done = program("validate", f"{web.url}/reorg.csv")
        assert done.exit == Exit.OK
        assert "No problems in 2 rows" in done.out
        assert f"bulkjob plan {web.url}/reorg.csv" in done.out

    def test_plan_and_doctor(self, program: Program, web: WebStore, served: Served) -> None:
        """So do those that look at the server."""
        assert program("plan", f"{web.url}/reorg.csv", url=served.url).exit == Exit.OK
        assert program("doctor", f"{web.url}/reorg.csv", url=served.url).exit == Exit.OK
        assert len([request for request in web.requests if request.path == "/reorg.csv"]) == 2

    def test_run(self, program: Program, web: WebStore, served: Served, tmp_path: Path) -> None:
        """The run directory is called after the sheet, and belongs to what the sheet holds, not to where it lies."""
        assert program("run", f"{web.url}/reorg.csv", url=served.url).exit == Exit.OK
        [folder] = (tmp_path / "runs").iterdir()
        assert folder.name.endswith("Z-reorg")
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        assert summary["sheet_sha256"] == hashlib.sha256(SHEET).hexdigest()
        (tmp_path / "copy.csv").write_bytes(SHEET)
        assert program("run", "copy.csv", "--run-dir", folder, url=served.url).exit == Exit.OK

    @pytest.mark.parametrize("command", ["validate", "plan", "run", "doctor"])
    def test_what_cannot_be_fetched(self, program: Program, web: WebStore, served: Served, tmp_path: Path, command: str) -> None:
        """An address at which nothing lies is 66, before a run directory is made."""
        done = program(command, f"{web.url}/none.csv", url=served.url)
        assert done.exit == Exit.NO_INPUT
        assert "HTTP 404" in done.out + done.err
        assert not (tmp_path / "runs").exists()

    def test_a_store_that_keeps_failing(self, program: Program, web: WebStore, served: Served) -> None:
        """It is asked as often as ``--retries`` says, and then it is 69; each attempt is in the log."""
        web.instead("GET", "/reorg.csv", 503)
        done = program("run", f"{web.url}/reorg.csv", "--retries", "3", url=served.url)
        assert done.exit == Exit.UNAVAILABLE
        assert len(web.requests) == 3
        assert "attempt 2 of 3" in done.err
        assert done.err.splitlines()[-1].endswith("also at the last of 3 attempts. Run the same command later.")
        assert program("doctor", f"{web.url}/reorg.csv", "--retries", "1", url=served.url).exit == Exit.UNAVAILABLE

    def test_wrong_usage(self, program: Program, served: Served) -> None:
        """An address that cannot be used is wrong usage."""
        for address in ("ftp://h/x.csv", "s3://bucket", "https://h:99999/x.csv"):
            assert program("run", address, url=served.url).exit == Exit.USAGE


class TestBounds:
    def test_too_large(self, program: Program, web: WebStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """No more is read than a file may be large."""
        monkeypatch.setattr(source, "LARGEST_FILE", 2**21)
        web.files["/large.csv"] = SHEET + b"alpha,south,\n" * 2**20
        done = program("validate", f"{web.url}/large.csv")
        assert done.exit == Exit.BAD_SHEET
        assert "larger than" in done.err

    def test_garbage(self, program: Program, web: WebStore) -> None:
        """What cannot be a sheet is said as of a file, also where it does not end soon."""
        for data in (bytes(range(256)) * 20, bytes(range(256)) * 2**13, b"%PDF-1.7", b""):
            web.files["/x.xlsx"] = data
            done = program("validate", f"{web.url}/x.xlsx")
            assert (done.exit, "x.xlsx" in done.err) == (Exit.BAD_SHEET, True)


class TestSecrets:
    def test_in_no_output(self, program: Program, web: WebStore, served: Served, tmp_path: Path) -> None:
        """Password and signature of an address are sent, and shown nowhere, whatever the end is."""
        address = web.url.replace("//", "//me:hunter2hunter2@") + f"/My%20Sheet.csv?sig={SIGNATURE}"
        shown = [
            program("validate", address),
            program("plan", address, "--out", "plan.json", url=served.url),
            program("run", address, "--run-dir", "run", url=served.url),
            program("run", address, "--plan", "none.json", "--run-dir", "run", url=served.url),
            program("doctor", address, url=served.url),
        ]
        web.instead("GET", f"/My%20Sheet.csv?sig={SIGNATURE}", 500)
        shown += [program(command, address, "--retries", "2", url=served.url) for command in ("run", "doctor")]
        assert [done.exit for done in shown] == [0, 0, 0, 66, 0, 69, 69]
        assert ["/My%20Sheet.csv?***" in done.out + done.err for done in shown] == [True, True, False, False, True, True, True]
        said = "".join(done.out + done.err for done in shown)
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        for secret in ("hunter2", SIGNATURE):
            assert secret not in said
            assert not [data for data in files if secret.encode() in data]

    def test_a_defect(self, program: Program, web: WebStore, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor are they in the traceback of a defect that has the address in it."""
        address = web.url.replace("//", "//me:hunter2hunter2@") + f"/My%20Sheet.csv?sig={SIGNATURE}"

        def broken(*_: object, **__: object) -> None:
            raise KeyError(address)

        monkeypatch.setattr(source, "parse", broken)
        done = program("run", address, url=served.url)
        assert done.exit == Exit.DEFECT
        assert "KeyError" in done.err
        assert not [secret for secret in ("hunter2", SIGNATURE) if secret in done.err]


class TestObjectStore:
    def test_a_sheet_in_a_bucket(self, program: Program, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sheet is run from an S3 store with the usual AWS settings; their keys are in no output."""
        with object_store() as store:
            store.settings(monkeypatch)
            store.make("sheets", {"in/My Sheet.csv": SHEET})
            done = [
                program("run", "s3://sheets/in/My Sheet.csv", url=served.url),
                program("validate", "s3://sheets/none.csv"),
                program("validate", "s3://nothing/none.csv"),
            ]
        assert [one.exit for one in done] == [0, 66, 66]
        [folder] = (tmp_path / "runs").iterdir()
        assert folder.name.endswith("Z-My-Sheet")
        for secret in (KEY, KEY_ID):
            assert not [one for one in done if secret in one.out + one.err]
            assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]

    def test_without_the_package(self, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the extra it is 78, with the line that installs it."""
        monkeypatch.setattr("bulkjob.system.store_packages.find_spec", lambda _: None)
        done = program("validate", "s3://sheets/x.csv")
        assert done.exit == Exit.BAD_SETTING
        assert done.err == 'bulkjob: s3://sheets/x.csv needs an extra package. Install it: python3 -m pip install "bulkjob[s3]"\n'
