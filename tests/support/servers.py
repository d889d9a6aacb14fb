"""Servers on a port of this machine, each in a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.web import running
from tests.support.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A sandbox that answers at an address."""

    url: str
    sandbox: Sandbox


@contextmanager
def serving(
    state: State, *, version: str = "7.0", faults: str | None = None, rate_limit: str = "off", latency_ms: float = 0
) -> Iterator[Served]:
    """A sandbox on a socket, in a thread of its own: the sandbox may be looked into once all is quiet."""
    sandbox = Sandbox(state, clock=time.time, server_version=version, faults=faults, rate_limit=rate_limit)
    served: list[Served] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with running(sandbox, latency_ms=latency_ms) as url:
            served.append(Served(url=url, sandbox=sandbox))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield served[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@contextmanager
def answering(respond: Callable[[str, str], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A web server that answers each call, by method and path, as it is told; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = respond(self.command, self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def quoted(path: str, identifier: str) -> str:
    """The path of a call that names one thing by its id, as it is sent."""
    return f"/api/v1/{path}/{quote(identifier, safe='')}"
