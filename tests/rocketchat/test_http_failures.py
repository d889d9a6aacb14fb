"""Connections that break, in ways that aioresponses cannot play."""

import asyncio
from typing import Any

import aiohttp
import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.vocabulary import Code
from tests.support.connections import BASE, POST, PUT, TOKEN, connection, cut_short, key, never, not_gzip, not_http, reset, send, well
from tests.support.replies import Replies
from tests.support.sockets import Talk, listening


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (reset, Code.CONNECTION),
        (cut_short, Code.BAD_RESPONSE),
        (not_http, Code.BAD_RESPONSE),
        (not_gzip, Code.BAD_RESPONSE),
    ],
)
@pytest.mark.parametrize(("request_", "undecided"), [(PUT, True), (POST, True), (endpoints.me(), False)], ids=["PUT", "POST", "GET"])
async def test_a_broken_answer_leaves_a_write_undecided(*, talk: Talk, code: Code, request_: Request[Any], undecided: bool) -> None:
    """Where the request went out and no whole answer came back, nobody knows what a write did; it went out exactly once."""
    async with listening(talk) as server:
        failed = await send(server.url, request_)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.status, failed.undecided, failed.unsent) == (Next.REPEAT, code, None, undecided, False)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("request_", "undecided"), [(PUT, True), (endpoints.me(), False)], ids=["PUT", "GET"])
async def test_a_timeout_leaves_a_write_undecided(*, request_: Request[Any], undecided: bool) -> None:
    """An answer that does not come in time is a timeout."""
    async with listening(never) as server:
        failed = await send(server.url, request_, timeout=1.0)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.TIMEOUT, undecided)


@pytest.mark.parametrize("request_", [PUT, POST, endpoints.me()], ids=["PUT", "POST", "GET"])
async def test_a_broken_kept_alive_connection_sees_each_call_once(request_: Request[Any]) -> None:
    """A call on a kept-alive connection that breaks is not sent again behind our back."""
    answered = 0

    async def once(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        answered += 1
        await (well if answered == 1 else reset)(request, writer)

    async with listening(once) as server, connection(server.url) as transport:
        await transport.send(endpoints.info())
        with pytest.raises(NoAnswer) as caught:
            await transport.send(request_)
    assert caught.value.failure.undecided is request_.writes
    assert len(server.requests) == 2


async def test_a_refused_connection_carried_nothing() -> None:
    """Where no connection was made, nothing can have been carried out."""
    async with listening(well) as server:
        pass
    failed = await send(server.url)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided, failed.unsent) == (Next.REPEAT, Code.CONNECTION, False, True)
    assert f"127.0.0.1:{server.port}" in failed.said


@pytest.mark.parametrize(
    ("error", "code", "undecided"),
    [
        (aiohttp.ClientConnectorDNSError(key(), OSError(-2, "Name or service not known")), Code.CONNECTION, False),
        (aiohttp.ConnectionTimeoutError("Connection timeout to host"), Code.TIMEOUT, False),
        (aiohttp.ServerDisconnectedError(), Code.CONNECTION, True),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), Code.CONNECTION, True),
        (aiohttp.SocketTimeoutError("Timeout on reading data"), Code.TIMEOUT, True),
        (ConnectionResetError(104, "Connection reset by peer"), Code.CONNECTION, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_what_the_network_says(*, replies: Replies, error: Exception, code: Code, undecided: bool) -> None:
    """Each kind of network failure has its code, and says whether a write may have been carried out, or never left."""
    replies.add("PUT", f"{BASE}/api/v1/livechat/department/a%2Fb%3Fc", exception=error)
    failed = await send(BASE)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided, failed.untrusted) == (Next.REPEAT, code, undecided, False)
    assert failed.unsent is not undecided


async def test_a_defect_of_ours_is_not_taken_for_the_networks(replies: Replies) -> None:
    """An exception that no network raises goes on its way."""
    replies.add("PUT", f"{BASE}/api/v1/livechat/department/a%2Fb%3Fc", exception=KeyError("a defect"))
    with pytest.raises(KeyError):
        await send(BASE)


async def test_a_proxy_that_refuses_carried_nothing() -> None:
    """A proxy that makes no tunnel at the moment is told as that; it never saw the token."""

    async def refuse(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")

    async with listening(refuse) as server:
        failed = await send("https://chat.example.org", environ={"https_proxy": server.url})
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided, failed.unsent) == (Next.REPEAT, Code.CONNECTION, False, True)
    assert "502" in failed.said
    assert TOKEN.encode() not in b"".join(server.requests)
