"""The sandbox on a socket: carries each request to `Sandbox.answer` and its reply, or the lack of one, back."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiohttp import web

from bulkjob.sandbox.kinds import WAITING, Fault
from bulkjob.sandbox.reply import Reply
from bulkjob.sandbox.server import Sandbox

_LARGEST_BODY: Final = 50 * 1024 * 1024
_PIECES: Final = 20


@asynccontextmanager
async def running(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0, latency_ms: float = 0) -> AsyncIterator[str]:
    """Serve `sandbox` for as long as the context lasts and yield its base URL; port 0 picks a free one. Raises OSError.

    Half of a call's latency lies before its work is done, half after it.
    """
    app = web.Application(client_max_size=_LARGEST_BODY)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    door = _Door(runner, host, port)
    carrier = _Carrier(sandbox, door, latency=latency_ms / 1000)
    app.router.add_route("*", "/{path:.*}", carrier.carry)
    app.on_shutdown.append(carrier.close)
    await runner.setup()
    try:
        await door.open()
        yield f"http://[{host}]:{door.port}" if ":" in host else f"http://{host}:{door.port}"
    finally:
        door.lock()
        await runner.cleanup()


class _Door:
    """The socket on which a runner listens, which can be shut for a while."""

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        self._runner = runner
        self._host = host
        self.port = port
        self._site: web.TCPSite | None = None
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen, from the second time on on the same port as the first; raises OSError."""
        site = web.TCPSite(self._runner, self._host, self.port)
        try:
            await site.start()
        except OSError:
            await site.stop()
            raise
        self._site = site
        self.port = self._runner.addresses[0][1]

    async def shut(self, seconds: float) -> None:
        """Refuse connections from now on, for so long; a door that is shut stays so for as long as it was to be."""
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
            self._opening = asyncio.create_task(self._open_in(seconds))

    async def _open_in(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        while self._site is None:
            try:
                await self.open()
            except OSError:
                # Another program has the port, for a moment as a rule.
                await asyncio.sleep(0.1)

    def lock(self) -> None:
        """Open no more."""
        if self._opening is not None:
            self._opening.cancel()


class _Carrier:
    def __init__(self, sandbox: Sandbox, door: _Door, *, latency: float) -> None:
        self._sandbox = sandbox
        self._door = door
        self._latency = latency
        self._closing = asyncio.Event()

    async def close(self, _: web.Application) -> None:
        self._closing.set()

    async def carry(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        sandbox = self._sandbox
        body = await request.read()
        restarts = sandbox.restarts
        half = (self._latency + sandbox.latency(request.method, request.rel_url.raw_path)) / 2
        await _wait(half)
        if sandbox.restarts != restarts:
            return _reset(request)
        reply = sandbox.answer(
            request.method,
            request.rel_url.raw_path,
            request.query,
            request.headers,
            body,
            address=request.remote or "",
        )
        if reply.fault is Fault.REFUSE:
            await self._door.shut(reply.seconds)
        await _wait(half)
        if sandbox.restarts != restarts:
            sandbox.drop(reply)
            return _reset(request)
        return await self._deliver(request, reply)

    async def _deliver(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.fault in WAITING:
            await self._hold(request)
        if reply.lost:
            return _reset(request)
        if reply.fault is Fault.SLOW:
            return await self._dribble(request, reply)
        await self._pause(reply.seconds)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    async def _dribble(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        """Send the head at once and the body in pieces, the last of them when its time is over."""
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.content_length = len(reply.body)
        await response.prepare(request)
        step = max(1, -(-len(reply.body) // _PIECES))
        restarts = self._sandbox.restarts
        # Who has gone needs no rest.
        with suppress(ConnectionError):
            for start in range(0, len(reply.body), step):
                await self._pause(reply.seconds / _PIECES)
                if self._sandbox.restarts != restarts:
                    self._sandbox.drop(reply)
                    _reset(request)
                    return response
                await response.write(reply.body[start : start + step])
            await response.write_eof()
        return response

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the server ends."""
        if not seconds:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _hold(self, request: web.Request) -> None:
        """Keep a connection waiting until the client gives up or the server ends."""
        # No event tells that a client has gone.
        while request.transport is not None and not request.transport.is_closing() and not self._closing.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _wait(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _reset(request: web.Request) -> web.Response:
    """Reset the connection under a request. The response returned finds nobody to be sent to."""
    transport = request.transport
    if transport is not None:
        plain = transport.get_extra_info("socket")
        if plain is not None:
            # Linger for no time: the client sees a reset, not an orderly end.
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)
