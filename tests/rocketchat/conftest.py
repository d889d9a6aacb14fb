"""What the tests of the Rocket.Chat layer share: virtual time, the aioresponses bridge, and servers that break on purpose."""

import asyncio
import runpy
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses

VirtualTimeLoop = runpy.run_path(str(Path(__file__).parent.parent / "virtual_time.py"))["VirtualTimeLoop"]

Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="session")
def on_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """A function that runs a coroutine on a loop that never really waits, and returns its result."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run


class _BridgedResponse(aiohttp.ClientResponse):
    """aiohttp 3.14 wants a ``stream_writer`` that aioresponses 0.7.9 does not give (aioresponses#289)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


class Replies:
    """Answers that aioresponses gives in place of a server, and the requests that it saw."""

    def __init__(self, mocked: aioresponses) -> None:
        self._mocked = mocked

    def add(self, method: str, url: str, **answer: Any) -> None:
        """The next answer to this call; ``answer`` as aioresponses takes it."""
        self._mocked.add(url, method=method, response_class=_BridgedResponse, **answer)

    @property
    def seen(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Method, URL and arguments of every request, in order of their first appearance."""
        return [(method, str(url), call.kwargs) for (method, url), calls in self._mocked.requests.items() for call in calls]


@pytest.fixture
def replies() -> Any:
    with aioresponses() as mocked:
        yield Replies(mocked)


@pytest.fixture
def serve() -> Callable[..., AbstractAsyncContextManager[SimpleNamespace]]:
    """A function that serves ``talk`` on a port of loopback for as long as its context lasts.

    ``talk`` gets each request's head with its body, and writes what it likes; what was received is in ``requests``.
    """

    @asynccontextmanager
    async def serve(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[SimpleNamespace]:
        requests: list[bytes] = []

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while head := await _head(reader):
                    body = await reader.readexactly(_length(head))
                    requests.append(head + body)
                    await talk(head + body, writer)
            except ConnectionError:
                pass  # the client has gone, which is what some tests are about
            finally:
                writer.close()

        server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        try:
            yield SimpleNamespace(url=f"http{'s' if tls else ''}://127.0.0.1:{port}", port=port, requests=requests)
        finally:
            server.close()

    return serve


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
