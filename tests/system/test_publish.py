"""A directory's files in a store: all of them, under its name, the summary last; and what is said where that fails."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tenacity

from bulkjob.settings import Secret, Settings
from bulkjob.system.publish import below, published
from bulkjob.system.store_failures import StoreFailed
from bulkjob.vocabulary import Exit
from tests.support.stores import ObjectStore, WebStore, object_store, web_store

FILES = {"journal.jsonl": b"{}\n", "results.csv": b"row\n", "report.html": b"<p>", "summary.json": b"{}"}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(tenacity.wait_random_exponential, "__call__", lambda *_: 0.0)


@pytest.fixture
def web() -> Iterator[WebStore]:
    """A web server that takes files."""
    with web_store() as store:
        yield store


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    """An S3 server."""
    with object_store() as store:
        yield store


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run directory with files, and with what is none of them."""
    folder = tmp_path / "night"
    (folder / "rollback").mkdir(parents=True)
    for name, data in {**FILES, ".lock": b"", ".results.csv.part": b"half", "rollback/results.csv": b"other"}.items():
        (folder / name).write_bytes(data)
    (folder / "retry.csv").symlink_to("/etc/passwd")
    return folder


def publish(directory: Path, address: str, *, gone: tuple[str, ...] = (), **settings: Any) -> str:
    """Copies, with two attempts for each file."""
    given = Settings(**{"retries": 2, "timeout": 5.0, "publish": Secret(address), **settings})
    return asyncio.run(published(directory, PurePosixPath("night"), given, last="summary.json", gone=gone))


def failed(directory: Path, address: str, **more: Any) -> StoreFailed:
    """Why it cannot be copied."""
    with pytest.raises(StoreFailed) as failure:
        publish(directory, address, **more)
    return failure.value


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("s3://b", "s3://b/a b/c"),
        ("s3://b/x/", "s3://b/x/a b/c"),
        ("https://h/x", "https://h/x/a%20b/c"),
        ("https://h/x/?sig=a%2Fb", "https://h/x/a%20b/c?sig=a%2Fb"),
        ("https://bücher.example", "https://xn--bcher-kva.example/a%20b/c"),
    ],
)
def test_what_lies_below_an_address(address: str, whole: str) -> None:
    """A name goes behind the path, before the query; on a web server as escapes."""
    assert below(address, PurePosixPath("a b/c")) == whole


class TestWeb:
    def test_the_files_arrive(self, web: WebStore, run_dir: Path) -> None:
        """Every ordinary file that is not hidden arrives whole, with kind and length, the summary last; links and folders do not."""
        shown = publish(run_dir, f"{web.url}/runs")
        assert shown == f"{web.url}/runs/night"
        assert web.files == {f"/runs/night/{name}": data for name, data in FILES.items()}
        assert [request.path.rpartition("/")[2] for request in web.requests][-1] == "summary.json"
        sent = {request.path.rpartition("/")[2]: request.headers for request in web.requests}
        assert sent["report.html"]["content-type"] == "text/html"
        assert sent["journal.jsonl"]["content-length"] == "3"

    def test_an_upload_that_breaks_is_tried_again(self, web: WebStore, run_dir: Path) -> None:
        """A connection that breaks in between, and a 503, cost an attempt; the file is whole in the end."""
        web.instead("PUT", "/night/results.csv", 0, 503, 201)
        publish(run_dir, web.url, retries=3)
        assert [request.body for request in web.requests if request.path == "/night/results.csv"] == [b"row\n"] * 3

    def test_what_keeps_failing_ends_it(self, web: WebStore, run_dir: Path) -> None:
        """Where a file cannot be copied, no other is tried, and the summary is not there to say that all were."""
        web.instead("PUT", "/night/report.html", 500)
        assert failed(run_dir, web.url).exit_code is Exit.UNAVAILABLE
        assert "/night/summary.json" not in web.files
        assert [request.path for request in web.requests].count("/night/report.html") == 2

    @pytest.mark.parametrize("status", [301, 302, 307, 403, 409])
    def test_an_answer_that_is_no_yes(self, web: WebStore, run_dir: Path, status: int) -> None:
        """A redirect, which leads to a page that asks who we are, is as little a success as a refusal is."""
        web.instead("PUT", "/night/journal.jsonl", (status, {"Location": "/login"}))
        assert failed(run_dir, web.url).exit_code is Exit.NO_INPUT
        assert len(web.requests) == 1

    def test_what_an_earlier_copy_left_is_removed(self, web: WebStore, run_dir: Path) -> None:
        """A file that the run does not have any more would be taken for its own; one that is not there is nobody's loss."""
        web.files.update({"/night/problems.csv": b"old", "/night/mine.txt": b"mine"})
        publish(run_dir, web.url, gone=("problems.csv", "annotated.xlsx", "results.csv"))
        assert web.files.keys() == {f"/night/{name}" for name in (*FILES, "mine.txt")}

    def test_what_may_not_be_removed_stays(self, web: WebStore, run_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
        """Where nothing may be removed, the copy is a success all the same, and the log says what may still be there."""
        web.instead("DELETE", "/night/problems.csv", 403)
        with caplog.at_level(logging.INFO, "bulkjob"):
            publish(run_dir, web.url, gone=("problems.csv",))
        assert "/night/summary.json" in web.files
        assert "problems.csv" in caplog.text

    def test_secrets_of_the_address(self, web: WebStore, run_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A password and a signature are sent, and neither shown nor logged, whatever happens."""
        web.instead("PUT", "/night/journal.jsonl?sig=abcdefgh12345678", 500, 500, 200)
        with caplog.at_level(logging.DEBUG, "bulkjob"):
            address = web.url.replace("//", "//me:hunter2hunter2@") + "/?sig=abcdefgh12345678"
            told = [failed(run_dir, address).said, publish(run_dir, address)]
        assert "/night/summary.json?sig=abcdefgh12345678" in web.files
        assert web.requests[-1].headers["authorization"].startswith("Basic ")
        assert not [secret for secret in ("hunter2", "abcdefgh") if secret in caplog.text + "".join(told)]


class TestObjectStore:
    @pytest.fixture(autouse=True)
    def _account(self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
        store.settings(monkeypatch)

    def test_the_files_arrive(self, store: ObjectStore, run_dir: Path) -> None:
        """They lie below the prefix, whole and with their kinds; what an earlier copy left of files that are no more is gone."""
        store.make("all", {"x/night/problems.csv": b"old", "x/night/other.txt": b"kept"})
        assert publish(run_dir, "s3://all/x/", gone=("problems.csv",)) == "s3://all/x/night"
        assert store.files("all") == {"x/night/other.txt": b"kept", **{f"x/night/{name}": data for name, data in FILES.items()}}
        assert store.types("all")["x/night/report.html"] == "text/html"

    def test_a_large_file(self, store: ObjectStore, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that goes in several parts arrives whole."""
        store.make("large", {})
        # (Of older releases only a file of 100 MB has parts.)
        monkeypatch.setattr("s3fs.core.calculate_chunksize", lambda *_, **__: 5 * 2**20, raising=False)
        data = bytes(range(256)) * 2**16
        (run_dir / "journal.jsonl").write_bytes(data)
        publish(run_dir, "s3://large")
        assert store.files("large")["night/journal.jsonl"] == data

    def test_no_such_bucket(self, run_dir: Path) -> None:
        """A bucket that is not there is not made."""
        assert failed(run_dir, "s3://nothing/x").said == "there is no such bucket"

    def test_rights(self, store: ObjectStore, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The right to put objects is all that is needed; without it, it is said that it is missing."""
        store.make("rights", {})
        with store.only(monkeypatch, "s3:PutObject"):
            publish(run_dir, "s3://rights", gone=("retry.xlsx",))
        with store.only(monkeypatch, "s3:GetObject"):
            assert "AccessDenied" in failed(run_dir, "s3://rights/other").said
        store.settings(monkeypatch)
        assert store.files("rights").keys() == {f"night/{name}" for name in FILES}

    def test_it_is_tried_again(self, web: WebStore, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """An upload that breaks, and a 503, cost an attempt; there are as many as ``--retries`` says."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", web.url)
        web.instead("PUT", "/b/night/results.csv", 0, 503, 200)
        publish(run_dir, "s3://b", retries=3)
        web.instead("PUT", "/b/night/report.html", 503)
        web.requests.clear()
        assert failed(run_dir, "s3://b", retries=3).exit_code is Exit.UNAVAILABLE
        assert [request.path for request in web.requests].count("/b/night/report.html") == 3


def test_a_file_that_cannot_be_read(web: WebStore, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no failure of the store's, and is not tried again."""

    def no(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", no)
    failure = failed(run_dir, web.url)
    assert failure.exit_code is Exit.CANNOT_CREATE
    assert "journal.jsonl cannot be read" in failure.said
    assert web.requests == []
