"""Files from a web server and from an S3 server: what comes, what is tried again, and what is said where it does not come."""

import asyncio
import ssl
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import tenacity

from bulkjob.settings import ProxyVariables, Settings
from bulkjob.system.fetching import fetched
from bulkjob.system.store_failures import StoreFailed
from bulkjob.vocabulary import Exit
from tests.support.connections import CERTIFICATE
from tests.support.sockets import listening
from tests.support.stores import KEY, ObjectStore, WebStore, object_store, web_store


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(tenacity.wait_random_exponential, "__call__", lambda *_: 0.0)


@pytest.fixture
def web() -> Iterator[WebStore]:
    """A web server with one file."""
    with web_store(sheet__csv=b"department,unit\n") as store:
        yield store


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    """An S3 server with one bucket and one file."""
    with object_store() as store:
        store.make("sheets", {"in/My Sheet.csv": b"department,unit\n"})
        yield store


def fetch(address: str, **settings: Any) -> bytes:
    """What lies there, with two attempts."""
    return fetched(address, Settings(**{"retries": 2, "timeout": 5.0, **settings}), lambda _: None, "It")


def failed(address: str, **settings: Any) -> StoreFailed:
    """Why it does not come."""
    with pytest.raises(StoreFailed) as failure:
        fetch(address, **settings)
    return failure.value


class TestWeb:
    def test_it_comes_with_one_request(self, web: WebStore) -> None:
        """The file is asked for once, with GET, as the address is written: another request would break a signature."""
        web.files["/a%2Fb?sig=%2B%2F"] = b"signed"
        assert fetch(f"{web.url}/a%2Fb?sig=%2B%2F") == b"signed"
        assert [(request.method, request.path) for request in web.requests] == [("GET", "/a%2Fb?sig=%2B%2F")]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
    def test_what_is_decided_is_not_asked_again(self, web: WebStore, status: int) -> None:
        """A status of 4xx is final: 66, and the status is said."""
        web.instead("GET", "/x", status)
        failure = failed(f"{web.url}/x")
        assert failure.exit_code is Exit.NO_INPUT
        assert f"HTTP {status}" in failure.said
        assert len(web.requests) == 1

    @pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503, 504])
    def test_what_may_pass_is_tried_again(self, web: WebStore, status: int) -> None:
        """A broken connection, too many requests, and any 5xx are tried again; if they stay, it is 69."""
        web.instead("GET", "/sheet.csv", status, 200)
        fetch(f"{web.url}/sheet.csv")
        assert len(web.requests) == 2
        web.instead("GET", "/sheet.csv", status)
        assert failed(f"{web.url}/sheet.csv", retries=3).exit_code is Exit.UNAVAILABLE
        assert len(web.requests) == 5

    async def test_an_answer_that_is_cut_short_is_tried_again(self) -> None:
        """Half a file is none, whatever the status said."""
        bodies = [b"depart", b"department,unit\n"]

        async def talk(_: bytes, writer: Any) -> None:
            body = bodies.pop(0)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + body)
            await writer.drain()
            writer.close()

        async with listening(talk) as server:
            assert await asyncio.to_thread(fetch, f"{server.url}/x") == b"department,unit\n"

    def test_redirects_are_followed(self, web: WebStore) -> None:
        """A file may lie elsewhere; a circle ends."""
        web.instead("GET", "/moved", (302, {"Location": "/sheet.csv"}))
        assert fetch(f"{web.url}/moved") == b"department,unit\n"
        web.instead("GET", "/round", (302, {"Location": "/round"}))
        assert failed(f"{web.url}/round").exit_code is Exit.NO_INPUT

    def test_who_asks(self, web: WebStore) -> None:
        """A user name and a password in the address are sent as such; nothing else says who asks."""
        fetch(web.url.replace("//", "//me:hunter2@") + "/sheet.csv")
        assert web.requests[0].headers["authorization"] == "Basic bWU6aHVudGVyMg=="
        fetch(f"{web.url}/sheet.csv")
        assert not {"authorization", "x-auth-token", "x-user-id", "cookie"} & web.requests[1].headers.keys()

    def test_nobody_is_there(self) -> None:
        """A refused connection and an unknown name are 69, and the reason is said."""
        assert "connection refused" in failed("http://127.0.0.1:9/x").said
        unknown = failed("http://nowhere.invalid/x")
        assert (unknown.exit_code, unknown.said) == (Exit.UNAVAILABLE, "its name is not known")

    def test_the_proxy_is_asked(self, web: WebStore) -> None:
        """The proxy of the settings is asked, with its password; a host that it is not for is reached directly."""
        proxies = ProxyVariables.of({"HTTP_PROXY": web.url.replace("//", "//me:p%40ss@"), "NO_PROXY": "direct.invalid"})
        web.files["http://store.example/x"] = b"by the proxy"
        assert fetch("http://store.example/x", proxies=proxies) == b"by the proxy"
        assert web.requests[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
        assert failed("http://direct.invalid/x", proxies=proxies).said == "its name is not known"

    def test_a_proxy_that_cannot_be_used(self) -> None:
        """It is a wrong setting, and the variable is named."""
        failure = failed("https://store.example/x", proxies=ProxyVariables.of({"HTTPS_PROXY": "socks5://proxy"}))
        assert failure.exit_code is Exit.BAD_SETTING
        assert "HTTPS_PROXY" in failure.said

    async def test_certificates(self, tls: ssl.SSLContext) -> None:
        """A certificate that nobody vouches for is 78 and not asked again; ``--ca-file`` vouches."""

        async def talk(_: bytes, writer: Any) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
            await writer.drain()

        async with listening(talk, tls) as server:
            failure = await asyncio.to_thread(failed, f"{server.url}/x")
            assert failure.exit_code is Exit.BAD_SETTING
            assert "--ca-file" in failure.said
            assert await asyncio.to_thread(fetch, f"{server.url}/x", ca_file=CERTIFICATE) == b"ab"

    async def test_a_redirect_away_from_encryption_is_refused(self, tls: ssl.SSLContext, web: WebStore) -> None:
        """What was asked for with TLS is not taken without."""

        async def talk(_: bytes, writer: Any) -> None:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + f"{web.url}/sheet.csv".encode() + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

        async with listening(talk, tls) as server:
            failure = await asyncio.to_thread(failed, f"{server.url}/x", ca_file=CERTIFICATE)
        assert (failure.exit_code, failure.said) == (Exit.NO_INPUT, "the address leads to one without encryption")

    def test_whoever_watches_may_end_it(self, web: WebStore) -> None:
        """What is raised over what has come so far ends the reading, and is what is raised."""

        def watch(received: BytesIO) -> None:
            raise KeyError(received.getvalue())

        with pytest.raises(KeyError, match="department"):
            fetched(f"{web.url}/sheet.csv", Settings(), watch, "It")


class TestObjectStore:
    @pytest.fixture(autouse=True)
    def _account(self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
        store.settings(monkeypatch)

    def test_it_comes(self) -> None:
        """A key with a blank in it is one like any other."""
        assert fetch("s3://sheets/in/My Sheet.csv") == b"department,unit\n"

    @pytest.mark.parametrize(("address", "said"), [("s3://sheets/none.csv", "no such file"), ("s3://nothing/x.csv", "no such bucket")])
    def test_what_is_not_there(self, address: str, said: str) -> None:
        """A key and a bucket that are not there are 66."""
        failure = failed(address)
        assert failure.exit_code is Exit.NO_INPUT
        assert said in failure.said

    def test_missing_rights(self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """An account that may not read, and one with a wrong key, are told apart, and nothing of a key is said."""
        with store.only(monkeypatch, "s3:PutObject"):
            denied = failed("s3://sheets/in/My Sheet.csv")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
            wrong = failed("s3://sheets/in/My Sheet.csv")
        assert (denied.exit_code, wrong.exit_code) == (Exit.NO_INPUT, Exit.NO_INPUT)
        assert "AccessDenied" in denied.said
        assert "credentials" in wrong.said

    def test_no_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An account that is not set at all is a wrong setting."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        failure = failed("s3://sheets/x.csv")
        assert failure.exit_code is Exit.BAD_SETTING
        assert "AWS_ACCESS_KEY_ID" in failure.said

    def test_a_store_that_keeps_failing(self, web: WebStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answers of 5xx are tried again as often as ``--retries`` says and no oftener: 69."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", web.url)
        web.instead("GET", "/sheets/x.csv", 503)
        assert failed("s3://sheets/x.csv", retries=3).exit_code is Exit.UNAVAILABLE
        assert len(web.requests) == 3

    def test_nobody_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """So does a store that cannot be reached, and the reason is said."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        failure = failed("s3://sheets/x.csv")
        assert (failure.exit_code, failure.said) == (Exit.UNAVAILABLE, "no connection to it (connection refused)")

    def test_an_endpoint_that_is_no_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is a wrong setting."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "store.example")
        assert failed("s3://sheets/x.csv").exit_code is Exit.BAD_SETTING

    def test_the_proxy_is_asked(self, web: WebStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """The store is reached through the proxy of the settings, unless it is one that it is not for."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.invalid")
        web.files["http://store.invalid/sheets/x.csv"] = b"by the proxy"
        proxies = ProxyVariables.of({"HTTP_PROXY": web.url.replace("//", "//me:p%40ss@")})
        assert fetch("s3://sheets/x.csv", proxies=proxies) == b"by the proxy"
        assert web.requests[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
        direct = ProxyVariables.of({"HTTP_PROXY": web.url, "NO_PROXY": "store.invalid"})
        assert failed("s3://sheets/x.csv", proxies=direct).said == "its name is not known"

    async def test_certificates(self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
        """``--ca-file`` vouches for a store, too; without one, ``AWS_CA_BUNDLE`` does."""

        async def talk(_: bytes, writer: Any) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
            await writer.drain()

        async with listening(talk, tls) as server:
            monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
            monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
            failure = await asyncio.to_thread(failed, "s3://sheets/x.csv")
            assert failure.exit_code is Exit.BAD_SETTING
            assert "not trusted" in failure.said
            assert await asyncio.to_thread(fetch, "s3://sheets/x.csv", ca_file=CERTIFICATE) == b"ab"
            monkeypatch.setenv("AWS_CA_BUNDLE", str(CERTIFICATE))
            assert await asyncio.to_thread(fetch, "s3://sheets/x.csv") == b"ab"
