"""A server on a port of loopback that talks as it is told, byte by byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Talk = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Gets each request's head with its body, and writes what it likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where it listens, and what it was sent."""

    url: str
    port: int
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def listening(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Listening]:
    """Serves ``talk`` for as long as its context lasts."""
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
        yield Listening(url=f"http{'s' if tls else ''}://127.0.0.1:{port}", port=port, requests=requests)
    finally:
        server.close()


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
