"""The transport against aioresponses, and against servers on loopback that break in ways that aioresponses cannot."""

import asyncio
import gc
import json
import logging
import ssl
import traceback
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from bulkjob.records.workspace import Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.http import connected
from bulkjob.rocketchat.transport import NoAnswer, Transport
from bulkjob.vocabulary import Code, Exit, Stop
from tests.support.replies import Replies
from tests.support.sockets import Talk, listening

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


class Secret:
    def reveal(self) -> str:
        return TOKEN


def connection(url: str, *, timeout: float = 30.0, ca_file: Path | None = None) -> AbstractAsyncContextManager[Transport]:
    return connected(url=url, user_id="u-admin", token=Secret(), timeout=timeout, concurrency=4, ca_file=ca_file)


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


# --------------------------------------------------------------------------------------------------------------- what is sent


async def test_the_account_and_the_body_go_out(replies: Replies) -> None:
    """A request has the account's headers and its JSON body; the answer comes back as it is, with header names in lower case."""
    replies.add(
        "PUT", f"{BASE}/api/v1/livechat/department/a%2Fb%3Fc", status=400, body=b'{"success":false}', headers={"X-RateLimit-Limit": "10"}
    )
    answer = await send(BASE + "/")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers["x-ratelimit-limit"]) == (400, b'{"success":false}', "10")
    [(method, url, sent)] = replies.seen
    assert (method, url) == ("PUT", f"{BASE}/api/v1/livechat/department/a%2Fb%3Fc")
    assert (sent["json"], sent["allow_redirects"]) == (PUT.body, False)


@pytest.mark.parametrize("status", [200, 204, 301, 302, 307, 401, 403, 404, 405, 413, 429, 500, 502, 503, 504])
async def test_every_status_is_an_answer(replies: Replies, status: int) -> None:
    """Whatever the status, the transport passes it on; a redirect is not followed."""
    replies.add("GET", f"{BASE}/api/info", status=status, body=b"<html>", headers={"Location": "http://elsewhere.example.org/"})
    answer = await send(BASE, endpoints.info())
    assert isinstance(answer, Answer)
    assert (answer.status, len(replies.seen)) == (status, 1)


@pytest.mark.parametrize("url_path", ["", "/chat", "/chat/"])
async def test_the_bytes_on_the_line(url_path: str) -> None:
    """Ids stay percent-encoded on the way, the query is encoded once, and the JSON is JSON."""
    async with listening(well) as server, connection(server.url + url_path) as transport:
        await transport.send(PUT)
        await transport.send(endpoints.department_agents("ü/é %", 0, 0))
    put, get = server.requests
    head, body = put.split(b"\r\n\r\n")
    lines = {line.lower(): line for line in head.decode().split("\r\n")}
    prefix = url_path.rstrip("/")
    assert f"put {prefix}/api/v1/livechat/department/a%2fb%3fc http/1.1" in lines
    assert {"x-user-id: u-admin", f"x-auth-token: {TOKEN}", "content-type: application/json", "accept: application/json"} <= lines.keys()
    assert json.loads(body) == PUT.body
    target = get.split(b" ")[1].decode()
    assert target.startswith(f"{prefix}/api/v1/livechat/department/%C3%BC%2F%C3%A9%20%25/agents?offset=0&count=0&sort=")
    assert b"content-type" not in get.lower()


async def test_cookies_are_not_kept() -> None:
    """A session cookie of a load balancer is not sent back: a route's calls would all go to one process."""

    async def with_cookie(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"{}", more="set-cookie: server=1\r\n"))

    # By name: aiohttp keeps no cookies of an address anyway.
    async with listening(with_cookie) as server, connection(server.url.replace("127.0.0.1", "localhost")) as transport:
        await transport.send(endpoints.me())
        await transport.send(endpoints.me())
    assert [b"cookie" in request.lower() for request in server.requests] == [False, False]


async def test_a_proxy_is_used_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """``HTTP_PROXY`` is honoured."""
    async with listening(well) as server:
        monkeypatch.setenv("http_proxy", server.url)
        answer = await send("http://chat.example.org", endpoints.info())
    assert isinstance(answer, Answer)
    assert server.requests[0].startswith(b"GET http://chat.example.org/api/info HTTP/1.1")


async def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """``NO_PROXY`` names hosts that are reached directly."""
    async with listening(well) as server:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert isinstance(await send(server.url, endpoints.info()), Answer)


# ------------------------------------------------------------------------------------------------------------------- failures


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
    assert (failed.next, failed.code, failed.status, failed.undecided) == (Next.REPEAT, code, None, undecided)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("request_", "undecided"), [(PUT, True), (endpoints.me(), False)], ids=["PUT", "GET"])
async def test_a_timeout_leaves_a_write_undecided(*, request_: Request[Any], undecided: bool) -> None:
    """An answer that does not come in time is a timeout."""
    async with listening(never) as server:
        failed = await send(server.url, request_, timeout=0.2)
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
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.CONNECTION, False)
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
    """Each kind of network failure has its code, and says whether a write may have been carried out."""
    replies.add("PUT", f"{BASE}/api/v1/livechat/department/a%2Fb%3Fc", exception=error)
    failed = await send(BASE)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided, failed.untrusted) == (Next.REPEAT, code, undecided, False)


async def test_a_defect_of_ours_is_not_taken_for_the_networks(replies: Replies) -> None:
    """An exception that no network raises goes on its way."""
    replies.add("PUT", f"{BASE}/api/v1/livechat/department/a%2Fb%3Fc", exception=KeyError("a defect"))
    with pytest.raises(KeyError):
        await send(BASE)


async def test_a_proxy_that_refuses_carried_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that makes no tunnel is told as that; it never saw the token."""

    async def refuse(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

    async with listening(refuse) as server:
        monkeypatch.setenv("https_proxy", server.url)
        failed = await send("https://chat.example.org")
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.CONNECTION, False)
    assert "407" in failed.said
    assert TOKEN.encode() not in b"".join(server.requests)


# ----------------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_an_untrusted_certificate_ends_the_job(tls: ssl.SSLContext) -> None:
    """A certificate that nothing vouches for is not asked again, and nothing was sent to it."""
    async with listening(well, tls) as server:
        failed = await send(server.url)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.untrusted, failed.undecided) == (Next.JOB, Code.CONNECTION, True, False)
    assert "self-signed certificate" in failed.said
    assert server.requests == []


async def test_a_certificate_in_the_ca_file_is_trusted(tls: ssl.SSLContext) -> None:
    """``--ca-file`` makes a company's own certificate good."""
    async with listening(well, tls) as server:
        assert isinstance(await send(server.url, ca_file=CERTIFICATE), Answer)


async def test_a_certificate_for_another_name_ends_the_job(tls: ssl.SSLContext) -> None:
    """A certificate for another name is not trusted, whoever signed it."""
    async with listening(well, tls) as server:
        failed = await send(server.url.replace("127.0.0.1", "localhost"), ca_file=CERTIFICATE)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.untrusted) == (Next.JOB, True)


async def test_no_tls_at_all_is_no_question_of_trust() -> None:
    """A server that speaks no TLS is a connection that failed, nothing was carried; its certificate is not blamed."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        failed = await send(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.untrusted, failed.undecided) == (Next.REPEAT, Code.CONNECTION, False, False)
    assert "certificate" not in failed.said


@pytest.mark.parametrize("content", [None, "", "no certificates"])
async def test_a_ca_file_without_certificates_is_a_wrong_setting(tmp_path: Path, content: str | None) -> None:
    """A ``--ca-file`` that is missing or holds no certificates ends the program with 78, naming it."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Stop, match=r"ca\.pem") as stop:
        await send(BASE, ca_file=file)
    assert stop.value.exit_code == Exit.BAD_SETTING


# ------------------------------------------------------------------------------------------------------------------- secrets


def everything_about(error: BaseException) -> str:
    """Every way in which an exception, and those behind it, may be written down."""
    seen: list[str] = []
    link: BaseException | None = error
    while link is not None:
        seen += [str(link), repr(link), f"{link}", *traceback.format_exception(link, chain=True), repr(vars(link)), repr(link.args)]
        # What printers of locals would show of our own frames.
        seen += [
            repr(value)
            for frame, _ in traceback.walk_tb(link.__traceback__)
            if "bulkjob" in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename
            for value in frame.f_locals.values()
        ]
        link = link.__cause__ or link.__context__
    return "\n".join(seen)


@pytest.mark.parametrize("talk", [reset, cut_short, not_http, not_gzip, never])
async def test_no_failure_shows_the_token(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    """No failure of a call shows the token: not as text, not in a traceback with everything behind it, not in a log at DEBUG."""
    caplog.set_level(logging.DEBUG)
    async with listening(talk) as server, connection(server.url, timeout=0.3) as transport:
        with pytest.raises(NoAnswer) as caught:
            await transport.send(PUT)
    assert caught.value.__context__ is None
    assert TOKEN not in everything_about(caught.value)
    assert TOKEN not in repr(caught.value.failure)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("tls_too", [True, False])
async def test_no_failed_connection_shows_the_token(*, tls: ssl.SSLContext, tls_too: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Nor does a connection that was not made, or not trusted."""
    caplog.set_level(logging.DEBUG)
    async with listening(well, tls) as server:
        url = server.url
        if tls_too:
            async with connection(url) as transport:
                with pytest.raises(NoAnswer) as caught:
                    await transport.send(PUT)
    if not tls_too:
        async with connection(url) as transport:
            with pytest.raises(NoAnswer) as caught:
                await transport.send(PUT)
    assert TOKEN not in everything_about(caught.value)
    assert TOKEN not in caplog.text


async def test_no_object_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the transport nor a request or an answer shows the token when it is written down."""
    caplog.set_level(logging.DEBUG)
    async with listening(well) as server, connection(server.url) as transport:
        answer = await transport.send(PUT)
        for thing in (transport, PUT, PUT.route, answer, vars(transport)):
            assert TOKEN not in f"{thing} {thing!r}"
    assert TOKEN not in caplog.text


async def test_a_defect_on_the_way_does_not_show_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even an exception that nobody foresaw passes without the token in it."""

    async def broken(*_: Any, **__: Any) -> bytes:
        raise RuntimeError("a defect")

    monkeypatch.setattr(aiohttp.ClientResponse, "read", broken)
    async with listening(well) as server, connection(server.url) as transport:
        with pytest.raises(RuntimeError) as caught:
            await transport.send(PUT)
    assert TOKEN not in everything_about(caught.value)


async def test_closing_leaves_nothing_open() -> None:
    """When the connection's context ends, no socket is left: Python would warn, and warnings are errors here."""
    async with listening(well) as server, connection(server.url) as transport:
        await asyncio.gather(*(transport.send(endpoints.me()) for _ in range(4)))
    gc.collect()
    assert len(server.requests) == 4
