"""Secrets that no object shows, no proxy gets and no server gives back."""

import asyncio
import gc
import json
import logging
import ssl
import traceback
from base64 import b64encode
from typing import Any

import aiohttp
import pytest

from bulkjob.records.workspace import Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer
from bulkjob.rocketchat.failures import Next
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.settings import Mask
from tests.support.connections import PUT, TOKEN, connection, cut_short, never, not_gzip, not_http, reset, response, send, well
from tests.support.sockets import Talk, listening


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
    async with listening(talk) as server, connection(server.url, timeout=1.0) as transport:
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

    monkeypatch.setattr(aiohttp.StreamReader, "readany", broken)
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


async def test_a_header_that_comes_again_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in every answer (``timeout=5`` might begin an escape) costs no look for secrets each time."""
    looked: list[str] = []
    text = Mask.text

    def counted(mask: Mask, value: str) -> str:
        looked.append(value)
        return text(mask, value)

    monkeypatch.setattr(Mask, "text", counted)

    async def kept(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b'{"success":true}', more="keep-alive: timeout=5\r\n"))

    async with listening(kept) as server, connection(server.url) as transport:
        answers = [await transport.send(PUT) for _ in range(5)]
    assert [answer.headers["keep-alive"] for answer in answers] == ["timeout=5"] * 5
    assert looked.count("timeout=5") == 1
