"""Answers without an end, and headers that are too long."""

import asyncio
import gzip
import os
from typing import Any

import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.http import LARGEST_ANSWER
from bulkjob.vocabulary import Code
from tests.support.connections import PUT, connection, response, send
from tests.support.sockets import listening


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


@pytest.mark.parametrize("value", [b'{"_id":"a"}', b'"\\ud800"', b"{}"])
async def test_an_answer_of_too_many_entries_is_given_up(value: bytes) -> None:
    """What is within the bound for bytes may still be far beyond what memory holds of it: so short are its entries."""

    async def large(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"[" + b",".join([value] * (1_000_001 if b"{" in value else 5_000_002)) + b"]"))

    async with listening(large) as server:
        failed = await send(server.url)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code) == (Next.REPEAT, Code.BAD_RESPONSE)
    assert "1,000,000 entries" in failed.said


_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
_NOTHING = gzip.compress(b"")


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
        (_CHUNKED + b"\r\n", b"1\r\n[\r\n"),
        (_CHUNKED + b"\r\n1;", b"x"),
        (_CHUNKED + b"content-encoding: gzip\r\n\r\n", b"%x\r\n%b\r\n" % (len(_NOTHING), _NOTHING)),
    ],
    ids=["continue", "hints", "pieces", "extension", "packed nothing"],
)
async def test_what_comes_around_an_answer_has_a_bound(*, begin: bytes, more: bytes) -> None:
    """A server that says hardly anything, in many pieces, is not listened to until the time for a call is over."""
    written = 0

    async def flood(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(begin)
        while not writer.transport.is_closing():
            writer.write(more * (50_000 // len(more)))
            written += 50_000
            await writer.drain()

    async with listening(flood) as server:
        failed = await send(server.url, PUT)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.BAD_RESPONSE, True)
    assert "more than 1 MB around" in failed.said
    assert written < LARGEST_ANSWER


async def test_an_answer_in_small_pieces_is_read() -> None:
    """Pieces as servers make them are no flood, nor is a body that packing has made larger, nor one answer after another."""
    text = b"[" + b"1," * 1_000_000 + b"1]"
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(text[at : at + 100]), text[at : at + 100]) for at in range(0, len(text), 100))
    packed = gzip.compress(os.urandom(3_000_000))

    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        if b"/me" in request:
            writer.write(_CHUNKED + b"\r\n" + pieces + b"0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed)

    async with listening(answer) as server, connection(server.url) as transport:
        for _ in range(3):
            assert (await transport.send(endpoints.me())).body == text
            assert len((await transport.send(PUT)).body) == 3_000_000


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
        failed = await send(server.url, PUT, timeout=1.0)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.TIMEOUT, True)
