"""What the transport sends, against aioresponses and servers on loopback."""

import asyncio
import json
from base64 import b64encode
from pathlib import Path

import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer
from bulkjob.rocketchat.failures import Failure, Next, stop_for
from bulkjob.vocabulary import Code, Exit
from tests.support.connections import BASE, PUT, TOKEN, connection, response, send, well
from tests.support.replies import Replies
from tests.support.sockets import listening


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
    assert (json.loads(sent["data"]), sent["allow_redirects"]) == (PUT.body, False)


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


@pytest.mark.parametrize(
    ("url", "status", "variable"),
    [
        ("http://chat.example.org", 407, "HTTP_PROXY"),
        ("https://chat.example.org", 407, "HTTPS_PROXY"),
        ("https://chat.example.org", 403, "HTTPS_PROXY"),
    ],
)
async def test_a_proxy_that_does_not_let_us_through_is_a_setting(url: str, status: int, variable: str) -> None:
    """A proxy that wants another login, or opens no tunnel to this server, has decided so: 78, with the variable that names it."""

    async def no(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n".encode())

    async with listening(no) as server:
        proxy = f"http://somebody:hunter2@127.0.0.1:{server.port}"
        failed = await send(url, environ={"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy})
    assert isinstance(failed, Failure)
    stop = stop_for(failed)
    assert (failed.undecided, failed.unsent, stop.exit_code) == (False, True, Exit.BAD_SETTING)
    assert f"the proxy http://127.0.0.1:{server.port}" in stop.message
    assert f"Check {variable}," in stop.message
    assert "hunter2" not in stop.message


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
