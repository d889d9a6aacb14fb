"""The sandbox on a socket: carries each request to `Sandbox.answer` and its reply, or the lack of one, back."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from bulkjob.sandbox.faults import Fault
from bulkjob.sandbox.server import Reply, Sandbox

_LARGEST_BODY: Final = 50 * 1024 * 1024
_WAITING: Final = frozenset({Fault.TIMEOUT, Fault.TIMEOUT_AFTER})


def application(sandbox: Sandbox, *, latency_ms: float = 0) -> web.Application:
    """An aiohttp application that serves `sandbox`; half of the latency lies before the work is done, half after it."""
    carrier = _Carrier(sandbox, half_latency=latency_ms / 2000)
    app = web.Application(client_max_size=_LARGEST_BODY)
    app.router.add_route("*", "/{path:.*}", carrier.carry)
    app.on_shutdown.append(carrier.close)
    return app


@asynccontextmanager
async def running(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0, latency_ms: float = 0) -> AsyncIterator[str]:
    """Serve `sandbox` for as long as the context lasts and yield its base URL; port 0 picks a free one. Raises OSError."""
    runner = web.AppRunner(application(sandbox, latency_ms=latency_ms), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound: int = runner.addresses[0][1]
        yield f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


class _Carrier:
    def __init__(self, sandbox: Sandbox, *, half_latency: float) -> None:
        self._sandbox = sandbox
        self._half_latency = half_latency
        self._closing = asyncio.Event()

    async def close(self, _: web.Application) -> None:
        self._closing.set()

    async def carry(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        sandbox = self._sandbox
        body = await request.read()
        restarts = sandbox.restarts
        await self._wait()
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
        restarts = restarts + 1 if reply.fault is Fault.RESTART else restarts
        await self._wait()
        if sandbox.restarts != restarts:
            sandbox.drop(reply)
            return _reset(request)
        return await self._deliver(request, reply)

    async def _deliver(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.fault in _WAITING:
            await self._hold(request)
        if reply.lost:
            return _reset(request)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    async def _wait(self) -> None:
        if self._half_latency:
            await asyncio.sleep(self._half_latency)

    async def _hold(self, request: web.Request) -> None:
        """Keep a connection waiting until the client gives up or the server ends."""
        # No event tells that a client has gone.
        while request.transport is not None and not request.transport.is_closing() and not self._closing.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


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
