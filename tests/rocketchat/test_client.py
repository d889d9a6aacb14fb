"""The client on virtual time: what is in flight, and its pace under limits that are announced, refused or stripped of their headers."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import CallFailed
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW
from bulkjob.rocketchat.transport import Written
from bulkjob.vocabulary import Code
from tests.support.clients import READ, FakeTransport, FixedWindow, Reply, Run, answer, client, failing, in_order, no_look, page, write


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_no_more_in_flight_than_allowed(on_virtual_time: Run, concurrency: int) -> None:
    """No more requests are in flight at once than the concurrency, over all routes; and as many are, if there are as many."""

    async def main() -> int:
        transport = FakeTransport(in_order())
        on = client(transport, concurrency=concurrency)
        await asyncio.gather(*(on.call(READ) for _ in range(30)), *(write(on) for _ in range(30)))
        return transport.peak

    assert on_virtual_time(main()) == concurrency


@settings(deadline=None)
@given(calls=st.integers(1, 45), concurrency=st.integers(1, 16), limit=st.integers(1, 12), window=st.sampled_from([0.2, 2.0, 60.0, 300.0]))
def test_a_limited_route_is_never_refused(on_virtual_time: Run, calls: int, concurrency: int, limit: int, window: float) -> None:
    """A client that is alone gets no 429, unless it tries as windows are longer than it can know; and every call is answered."""

    async def main() -> tuple[int, int]:
        server = FixedWindow(limit, window)
        transport = FakeTransport(server.reply)
        on = client(transport, concurrency=concurrency)
        await asyncio.gather(*(on.call(READ) for _ in range(calls)))
        return server.refused, len(transport.calls)

    refused, made = on_virtual_time(main())
    assert refused <= (0 if window <= DEFAULT_WINDOW else window / DEFAULT_WINDOW)
    assert made == calls + refused


def test_other_routes_are_not_held_up(on_virtual_time: Run) -> None:
    """A route that waits for its window holds no other route up, even with a single slot."""

    async def main() -> tuple[float, float]:
        transport = FakeTransport(FixedWindow(5, 60.0).reply)
        on = client(transport, concurrency=1)
        reads = [asyncio.create_task(on.call(READ)) for _ in range(12)]
        await asyncio.sleep(5)
        waits = on.waiting_for
        began = asyncio.get_running_loop().time()
        await on.call(endpoints.me())
        took = asyncio.get_running_loop().time() - began
        await asyncio.gather(*reads)
        assert waits is not None
        assert waits.startswith("the server's rate limit until ")
        assert on.waiting_for is None
        return took, on.figures.wait_seconds

    took, waited = on_virtual_time(main())
    assert took < 1
    assert 100 < waited < 125


def test_a_route_is_first_come_first_served(on_virtual_time: Run) -> None:
    """Calls of a route go out in the order in which they asked, also over the ends of windows."""

    async def main() -> list[int]:
        on = client(FakeTransport(FixedWindow(3, 10.0).reply), concurrency=8)
        done: list[int] = []

        async def one(number: int) -> None:
            ticket = await on.reserve(READ.route)
            done.append(number)
            await on.call(READ, ticket=ticket)

        await asyncio.gather(*(one(number) for number in range(20)))
        return done

    assert on_virtual_time(main()) == list(range(20))


def test_a_refusal_that_names_its_end_costs_no_attempt(on_virtual_time: Run) -> None:
    """A 429 with headers or words is waited out however often it comes, and is no retry."""
    refused = answer({"success": False, "error": "You must wait 9 seconds before trying this endpoint again."}, 429)

    async def main() -> tuple[Written[Any], FakeTransport, Client]:
        transport = FakeTransport(in_order(*[refused] * 7))
        on = client(transport, attempts=2)
        return await write(on, no_look), transport, on

    written, transport, on = on_virtual_time(main())
    assert (written.attempts, written.status, on.figures.retries) == (1, 200, 0)
    assert [later - sooner >= 9 for sooner, later in pairwise(transport.writes)] == [True] * 7


def test_a_proxys_refusal_costs_attempts(on_virtual_time: Run) -> None:
    """A 429 that names no end is retried like a 503; nothing is looked up, as it was certainly not carried out."""

    async def main() -> tuple[CallFailed, FakeTransport]:
        transport = FakeTransport(in_order(*[page(429)] * 9))
        return await failing(write(client(transport, attempts=3), no_look)), transport

    failed, transport = on_virtual_time(main())
    assert (failed.attempts, failed.failure.code, len(transport.writes)) == (3, Code.RATE_LIMITED, 3)


@pytest.mark.parametrize(
    "broken", [page(502), page(403), answer({"success": False, "error": "unauthorized"}, 403)], ids=["502", "403", "V8 403"]
)
def test_an_answer_that_passed_no_limiter_does_not_open_the_gate(on_virtual_time: Run, broken: Answer) -> None:
    """An answer without the headers that never came to the limiter (a proxy's page, a 403 of 8.x) does not mean that there is no limit."""

    async def main() -> int:
        server = FixedWindow(10, 60.0)

        def reply(request: Request[Any], before: int) -> Reply:
            return broken if before == 9 else server.reply(request, before)

        on = client(FakeTransport(reply), concurrency=8)
        await asyncio.gather(*(on.call(READ) for _ in range(40)), return_exceptions=True)
        return server.refused

    assert on_virtual_time(main()) == 0


def test_a_limit_whose_headers_are_stripped_is_learnt(on_virtual_time: Run) -> None:
    """Where a proxy strips the headers, refusals in words teach the limit: later windows begin without any."""

    async def main() -> tuple[list[float], int, float]:
        server = FixedWindow(10, 60.0)
        refusals: list[float] = []

        def stripped(request: Request[Any], before: int) -> Reply:
            reply = server.reply(request, before)
            assert isinstance(reply, Answer)
            if reply.status == 429:
                refusals.append(asyncio.get_running_loop().time())
            return Answer(status=reply.status, headers={}, body=reply.body)

        on = client(FakeTransport(stripped), concurrency=8)
        await asyncio.gather(*(on.call(READ) for _ in range(100)))
        assert on.limit is not None
        return refusals, on.limit.calls, asyncio.get_running_loop().time()

    refusals, calls, ended = on_virtual_time(main())
    assert calls in (10, 11)
    assert len([moment for moment in refusals if moment > 130]) <= 2
    assert ended < 11 * 62
