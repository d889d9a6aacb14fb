"""The transport against aioresponses, and against servers on loopback that break in ways that aioresponses cannot."""

import asyncio
import gc
import json
import logging
import ssl
import traceback
from base64 import b64encode
from collections.abc import Mapping
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
from bulkjob.rocketchat.http import LARGEST_ANSWER, Credentials, HttpTransport, connected
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.settings import ProxyVariables, Secret, Settings
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


@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_a_proxy_is_used_where_a_variable_names_one(scheme: str) -> None:
    """``HTTP_PROXY`` is honoured, with a scheme before it and without."""
    async with listening(well) as server:
        environ = {"HTTP_PROXY": f"{scheme}127.0.0.1:{server.port}"}
        answer = await send("http://chat.example.org", endpoints.info(), environ=environ)
    assert isinstance(answer, Answer)
    assert server.requests[0].startswith(b"GET http://chat.example.org/api/info HTTP/1.1")


@pytest.mark.parametrize("url", ["http://chat.example.org", "https://chat.example.org"])
async def test_a_proxy_is_told_its_password_and_a_tunnel_nothing_else(url: str) -> None:
    """User name and password of a proxy reach it; what opens a tunnel has no header of the account."""
    async with listening(well) as server:
        proxy = f"http://somebody:p%40ss@127.0.0.1:{server.port}"
        await send(url, endpoints.me(), environ={"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}, timeout=1.0)
    head = server.requests[0].lower()
    assert b"proxy-authorization: basic " + b64encode(b"somebody:p@ss").lower() in head
    assert head.startswith((b"connect chat.example.org:443 ", b"get http://"))
    assert (b"x-auth-token" in head, b"x-user-id" in head) == ((False, False) if url.startswith("https") else (True, True))


async def test_a_proxy_that_is_not_there_is_named() -> None:
    """Where no connection to the proxy comes about, the message says that it is the proxy, without its password."""
    async with listening(well) as server:
        pass
    proxy = f"http://somebody:hunter2@127.0.0.1:{server.port}"
    failed = await send("http://chat.example.org", environ={"HTTP_PROXY": proxy})
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.CONNECTION, False)
    assert f"the proxy http://127.0.0.1:{server.port}" in failed.said
    assert "hunter2" not in failed.said


async def test_a_server_that_is_not_there_is_told_in_the_systems_words() -> None:
    """Where nothing listens, the message says so as people know it, with the address once."""
    async with listening(well) as server:
        pass
    failed = await send(server.url)
    assert isinstance(failed, Failure)
    assert failed.said == f"no connection to 127.0.0.1:{server.port} (connection refused)"


async def test_no_proxy_is_honoured() -> None:
    """``NO_PROXY`` names hosts that are reached directly."""
    async with listening(well) as server:
        environ = {"http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}
        assert isinstance(await send(server.url, endpoints.info(), environ=environ), Answer)


async def test_nothing_else_of_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``~/.netrc`` holds for the server is not sent, and a proxy that the process's environment names later is not used."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with listening(well) as server:
        assert isinstance(await send(server.url), Answer)
    assert b"authorization" not in server.requests[0].lower()


async def test_a_long_header_is_read() -> None:
    """A response header of nine kilobytes, as single sign-on sets them, is no broken answer."""

    async def with_long_header(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"{}", more=f"x-context: {'a' * 9216}\r\n"))

    async with listening(with_long_header) as server:
        answer = await send(server.url)
    assert isinstance(answer, Answer)
    assert len(answer.headers["x-context"]) == 9216


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


async def test_a_proxy_that_refuses_carried_nothing() -> None:
    """A proxy that makes no tunnel is told as that; it never saw the token."""

    async def refuse(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

    async with listening(refuse) as server:
        failed = await send("https://chat.example.org", environ={"https_proxy": server.url})
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.CONNECTION, False)
    assert "407" in failed.said
    assert TOKEN.encode() not in b"".join(server.requests)


# --------------------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize(("request_", "undecided"), [(PUT, True), (endpoints.me(), False)], ids=["PUT", "GET"])
async def test_an_answer_without_an_end_is_given_up(*, request_: Request[Any], undecided: bool) -> None:
    """No more is read of an answer than 64 MB; the message names the bound, and what a write did is not known."""
    written = 0

    async def endless(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.transport.is_closing():
            writer.write(b"[" * 1_000_000)
            written += 1_000_000
            await writer.drain()

    async with listening(endless) as server:
        failed = await send(server.url, request_)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.status, failed.undecided) == (Next.REPEAT, Code.BAD_RESPONSE, None, undecided)
    assert "64 MB" in failed.said
    assert written < 2 * LARGEST_ANSWER


async def test_a_large_answer_within_the_bound_is_read() -> None:
    """An answer of exactly 64 MB is an answer."""

    async def large(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b" " * LARGEST_ANSWER))

    async with listening(large) as server:
        answer = await send(server.url)
    assert isinstance(answer, Answer)
    assert len(answer.body) == LARGEST_ANSWER


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"["),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["head", "body", "continue"],
)
async def test_an_answer_that_drips_ends_in_time(*, begin: bytes, drop: bytes) -> None:
    """An answer that comes a few bytes at a time, without an end, is given up when the time for a call is over."""

    async def drip(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        while not writer.transport.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with listening(drip) as server:
        failed = await send(server.url, PUT, timeout=0.3)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.TIMEOUT, True)


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
    assert "--ca-file" in failed.remedy
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
    assert "another name" in failed.said
    assert "--ca-file" not in failed.remedy


@pytest.mark.parametrize(
    ("code", "said", "remedy"),
    [(10, "has expired", "renew"), (9, "not valid yet", "clock"), (62, "another name", "--url"), (64, "another name", "--url")]
    + [(code, "not trusted", "--ca-file") for code in (18, 19, 20, 21)],
)
async def test_each_flaw_of_a_certificate_has_its_remedy(*, replies: Replies, code: int, said: str, remedy: str) -> None:
    """``--ca-file`` is the remedy for an issuer that nobody knows, and for nothing else."""
    flaw = ssl.SSLCertVerificationError(1, "certificate verify failed")
    flaw.verify_code, flaw.verify_message = code, "what OpenSSL says of it."
    replies.add("GET", f"{BASE}/api/info", exception=aiohttp.ClientConnectorCertificateError(key(), flaw))
    failed = await send(BASE, endpoints.info())
    assert isinstance(failed, Failure)
    assert (failed.next, failed.untrusted, failed.undecided) == (Next.JOB, True, False)
    assert said in failed.said
    assert remedy in failed.remedy
    assert ("--ca-file" in failed.remedy) is (remedy == "--ca-file")


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

    def broken(*_: Any, **__: Any) -> bytes:
        raise RuntimeError("a defect")

    monkeypatch.setattr(aiohttp.StreamReader, "iter_any", broken)
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


SPELLINGS = {
    "plain": TOKEN,
    "twice": f"{TOKEN}{TOKEN}",
    "for a URL": "".join(f"%{byte:02X}" for byte in TOKEN.encode()),
    "in JSON": "".join(f"\\u{ord(letter):04x}" for letter in TOKEN),
    "in JSON, partly": TOKEN.replace("t", "\\u0074"),
    "for HTML": TOKEN.replace("-", "&#45;").replace("3", "&#x33;"),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("status", [200, 400, 502])
async def test_what_comes_back_has_no_token_in_it(*, spelling: str, status: int) -> None:
    """A server or proxy that repeats the token, however it spells it, is not heard with it: not in the body, not in a header."""

    async def echo(request: bytes, writer: asyncio.StreamWriter) -> None:
        body = f'{{"success": false, "error": "bad header X-Auth-Token: {spelling}, and more"}}'.encode()
        head = f"HTTP/1.1 {status} Echo\r\ncontent-length: {len(body)}\r\nlocation: /login?token={spelling}&x=1\r\n\r\n"
        writer.write(head.encode() + body)

    async with listening(echo) as server:
        answer = await send(server.url)
    assert isinstance(answer, Answer)
    assert json.loads(answer.body)["error"].replace("******", "***") == "bad header X-Auth-Token: ***, and more"
    assert answer.headers["location"].replace("******", "***") == "/login?token=***&x=1"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be"])
async def test_an_answer_in_another_encoding_has_no_token_in_it(encoding: str) -> None:
    """JSON may come in UTF-16 or UTF-32, and says the same in each."""

    async def echo(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(json.dumps({"error": f"ü {TOKEN}"}, ensure_ascii=False).encode(encoding)))

    async with listening(echo) as server:
        answer = await send(server.url)
    assert isinstance(answer, Answer)
    assert json.loads(answer.body) == {"error": "ü ***"}


async def test_a_proxys_password_does_not_come_back() -> None:
    """What a proxy repeats of its own password is not heard, whether it repeats it or the header that carried it."""
    carried = b64encode(b"somebody:correct-horse").decode()

    async def echo(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(f"correct-horse {carried} somebody:correct-horse".encode()))

    async with listening(echo) as server:
        environ = {"HTTP_PROXY": f"http://somebody:correct-horse@127.0.0.1:{server.port}"}
        answer = await send("http://chat.example.org", endpoints.info(), environ=environ)
    assert isinstance(answer, Answer)
    assert answer.body == b"*** *** ***"


async def test_what_was_masked_is_not_written_back() -> None:
    """A write that would store the mask in the place of what a server had stored is not sent."""

    async def echo(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(json.dumps({"name": TOKEN}).encode()))

    async with listening(echo) as server, connection(server.url) as transport:
        name = json.loads((await transport.send(endpoints.me())).body)["name"]
        unit = endpoints.post_unit(Unit(id="unit-a", name=name, visibility="public"), [], [])
        with pytest.raises(NoAnswer) as caught:
            await transport.send(unit)
        await transport.send(PUT)
    assert (caught.value.failure.next, caught.value.failure.undecided) == (Next.ROW, False)
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET", b"PUT"]
