"""Answers without an end, and headers that are too long."""

import asyncio
from typing import Any

import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.http import LARGEST_ANSWER
from bulkjob.vocabulary import Code
from tests.support.connections import PUT, response, send
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
