"""Signals while files are copied to a store that does not answer: the job ends in time, and what is known is told."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bulkjob.vocabulary import Exit
from tests.support.processes import Done, ServedApart, started, wait_for

OPTIONS = ("--concurrency", "3", "--max-removals", "100%", "--timeout", "600", "--run-dir")


@contextmanager
def silent() -> Iterator[tuple[str, threading.Event]]:
    """A web server that takes a request and never answers; its address, and what tells that one has come."""
    asked, over = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            asked.set()
            over.wait(60)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            over.set()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("grace", ["0.2", "600"])
def test_while_files_are_copied(shared: ServedApart, tmp_path: Path, grace: str) -> None:
    """Copying goes on for the time of grace, and ends at once with the second signal; all rows are done, but 73 says what is not."""
    sheet, folder = shared.turn().sheet(tmp_path), tmp_path / "run"
    with (
        silent() as (url, asked),
        started(shared.url, "run", sheet, "--publish", url, "--grace", grace, *OPTIONS, folder) as process,
    ):
        wait_for(asked.is_set, process)
        process.send_signal(signal.SIGTERM)
        # Two that come at once are one to the system.
        while grace == "600" and process.poll() is None:
            time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
        done = Done(process)
    assert done.exit == Exit.CANNOT_CREATE, done.out + done.err
    assert "told to end before all of it was copied" in done.err
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["rows"]["success"] == 36


def test_after_an_interrupted_run(shared: ServedApart, tmp_path: Path) -> None:
    """A run that was interrupted does not let whoever interrupted it wait for more than another time of grace: 75."""
    sheet, folder = shared.turn().sheet(tmp_path), tmp_path / "run"
    with silent() as (url, asked), started(shared.url, "run", sheet, "--publish", url, "--grace", "0.2", *OPTIONS, folder) as process:
        wait_for((folder / "journal.jsonl").exists, process)
        process.send_signal(signal.SIGTERM)
        done = Done(process)
    assert asked.is_set()
    assert done.exit == Exit.INTERRUPTED, done.out + done.err
    assert "told to end before all of it was copied" in done.err
