"""One request to whoever is told of the end."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bulkjob.settings import ProxyVariables, Settings
from bulkjob.system import posting
from bulkjob.system.posting import sent
from tests.support.connections import CERTIFICATE
from tests.support.sockets import listening
from tests.support.stores import WebStore, web_store


@pytest.fixture
def web() -> Iterator[WebStore]:
    """A web server."""
    with web_store() as store:
        yield store


def post(address: str, **settings: Any) -> str:
    """Posts something; why it was not taken."""
    return sent(address, b"{}", "application/json", Settings(**settings))


def test_it_arrives(web: WebStore) -> None:
    """The body arrives with its kind, and the password of the address as one."""
    assert post(web.url.replace("//", "//me:p%40ss@") + "/hooks/Ä b?x=1") == ""
    [request] = web.requests
    assert (request.method, request.path, request.body) == ("POST", "/hooks/%C3%84%20b?x=1", b"{}")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize("status", [302, 307, 400, 404, 500])
def test_what_is_not_taken(web: WebStore, status: int) -> None:
    """Any answer but 2xx is told by its status; no redirect is followed."""
    web.instead("POST", "/hook", (status, {"Location": "/elsewhere"}))
    assert post(f"{web.url}/hook") == f"HTTP {status}"
    assert len(web.requests) == 1


def test_nobody_is_there(web: WebStore) -> None:
    """What fails is told without anything of the address."""
    assert post("http://127.0.0.1:9/secret") == "no connection (Connection refused)"
    assert "secret" not in post("http://nowhere.invalid/secret")
    web.instead("POST", "/hook", 0)
    assert "secret" not in post(f"{web.url}/hook?secret")
    assert "connection" in post(f"{web.url}/hook")


def test_the_proxy_is_asked(web: WebStore) -> None:
    """The proxy of the settings is asked, with its password, and none where NO_PROXY names the host."""
    proxies = ProxyVariables.of({"HTTP_PROXY": web.url.replace("//", "//me:p%40ss@"), "NO_PROXY": "nowhere.invalid"})
    assert post("http://hooks.example/x", proxies=proxies) == ""
    assert web.requests[0].path == "http://hooks.example/x"
    assert web.requests[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
    assert post("http://nowhere.invalid/x", proxies=proxies) != ""


async def test_certificates(tls: ssl.SSLContext) -> None:
    """A certificate that nobody vouches for is not trusted; ``--ca-file`` vouches."""

    async def talk(_: bytes, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with listening(talk, tls) as server:
        assert "not trusted" in await asyncio.to_thread(post, server.url)
        assert await asyncio.to_thread(post, server.url, ca_file=CERTIFICATE) == ""


def test_it_never_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever hangs, also the look-up of a name, which nothing can end, the time is kept."""
    over = []

    def hang(*_: object) -> list[object]:
        time.sleep(30)
        over.append(True)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    assert sent("http://hooks.example/x", b"", "text/plain", Settings(), seconds=0.05) == "no answer within the time limit"
    assert over == []
    assert posting.LONGEST == 10
