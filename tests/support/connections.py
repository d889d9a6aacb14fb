"""Connections to servers on loopback that answer, or break, as a test says."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from aiohttp.client_reqrep import ConnectionKey

from bulkjob.records.workspace import Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure
from bulkjob.rocketchat.http import Credentials, HttpTransport, connected
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.settings import ProxyVariables, Secret, Settings

TOKEN = "s3cr3t-t0ken"
BASE = "http://chat.example.org/sub"
PUT = endpoints.put_department(
    "a/b?c",
    {"name": "Ä", "email": "", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True},
    unit_id=None,
    knows_units=True,
    members=(),
)
POST = endpoints.post_unit(Unit(id="unit-a", name="Unit A", visibility="public"), [], ["dept-a"])
CERTIFICATE = Path(__file__).parent / "self-signed.pem"


def connection(
    url: str, *, timeout: float = 30.0, environ: Mapping[str, str] | None = None, **more: Any
) -> AbstractAsyncContextManager[HttpTransport]:
    """A transport as the settings of an environment make it."""
    proxies = ProxyVariables.of(environ or {})
    return connected(
        url=url,
        account=Credentials(user_id="u-admin", token=Secret(TOKEN)),
        timeout=timeout,
        concurrency=4,
        proxy=proxies.towards(url),
        secrets=Settings(proxies=proxies).secrets,
        **more,
    )


async def send(url: str, request: Request[Any] = PUT, **options: Any) -> Answer | Failure:
    """The answer to one request, or why there is none."""
    async with connection(url, **options) as transport:
        try:
            return await transport.send(request)
        except NoAnswer as nothing:
            return nothing.failure


def key() -> ConnectionKey:
    return ConnectionKey(
        host="chat.example.org", port=443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None, server_hostname=None
    )


def response(body: bytes, *, length: int | None = None, more: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body) if length is None else length}\r\n{more}\r\n".encode() + body


async def well(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(response(b'{"success":true}'))


async def never(request: bytes, writer: asyncio.StreamWriter) -> None:
    while not writer.transport.is_closing():  # noqa: ASYNC110 - no event tells that the client has gone
        await asyncio.sleep(0.01)


async def reset(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def cut_short(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(response(b'{"success"', length=100))
    await writer.drain()
    writer.close()


async def not_http(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


async def not_gzip(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(response(b"no gzip at all", more="content-encoding: gzip\r\n"))
