"""A server that is gone for a while, patience, accounts without a limit, and what is told meanwhile."""

import asyncio
import json
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import CallFailed, Next
from bulkjob.rocketchat.pacing.gate import STARVING
from bulkjob.rocketchat.pacing.tickets import Limit
from bulkjob.rocketchat.transport import Written
from bulkjob.rocketchat.turns import Closed
from bulkjob.vocabulary import Code
from tests.support.clients import (
    EPOCH,
    READ,
    STORED,
    TIMED_OUT,
    UNIT,
    UNREACHED,
    FakeTransport,
    FixedWindow,
    Reply,
    Run,
    answer,
    client,
    failing,
    good,
    in_order,
    no_look,
    page,
    write,
)


def test_out_of_attempts_one_probe_decides(on_virtual_time: Run) -> None:
    """A call that is out of attempts is followed by one read: unanswered, it ends the job instead of the row."""

    async def main(*, answers: bool) -> tuple[CallFailed, int]:
        def reply(request: Request[Any], before: int) -> Reply:
            # The first probe comes before the last attempt: the server is there all the same.
            return good(request) if request.route.pattern == "me" and (answers or before == 0) else page(503)

        transport = FakeTransport(reply)
        return await failing(client(transport, attempts=3).call(READ)), len(transport.of("me"))

    for answers in (True, False):
        failed, probes = on_virtual_time(main(answers=answers))
        assert (probes, failed.attempts, failed.failure.code, failed.failure.status) == (2, 3, Code.SERVER_ERROR, 503)
        assert (failed.failure.next is Next.JOB) is not answers


def test_a_restart_costs_no_call_its_last_attempt(on_virtual_time: Run) -> None:
    """While nobody is answered, calls keep their last attempt and one of them probes: a server that comes back then finds them all."""

    async def main() -> tuple[list[Written[Any]], int, int]:
        def reply(request: Request[Any], before: int) -> Reply:
            return good(request) if asyncio.get_running_loop().time() > 5.0 else UNREACHED

        transport = FakeTransport(reply)
        one = client(transport, attempts=4)
        done = await asyncio.gather(*(write(one, no_look) for _ in range(8)))
        return done, len(transport.of("me")), len(transport.writes)

    # Attempts at 0, 0.6 and 1.7 s; probes at 3.8, 4.4 and 5.5 s.
    done, probes, writes = on_virtual_time(main())
    assert {written.attempts for written in done} == {4}
    assert (probes, writes) == (3, 32)


def test_an_outage_leaves_the_last_attempt_unsent(on_virtual_time: Run) -> None:
    """A server that answers no probe either ends the job, as soon as one call has probed for all; who waits for that is sent away."""

    async def main() -> tuple[list[Any], int, int]:
        transport = FakeTransport(lambda _request, _before: UNREACHED)
        one = client(transport, attempts=3)

        async def attempt() -> CallFailed:
            failed = await failing(write(one, no_look))
            one.close()
            return failed

        ended = await asyncio.gather(*(attempt() for _ in range(8)), return_exceptions=True)
        return ended, len(transport.of("me")), len(transport.writes)

    ended, probes, writes = on_virtual_time(main())
    assert (probes, writes) == (3, 16)
    (failed,) = (end for end in ended if isinstance(end, CallFailed))
    assert (failed.attempts, failed.failure.next, failed.failure.code) == (2, Next.JOB, Code.CONNECTION)
    assert sum(isinstance(end, Closed) for end in ended) == 7


def test_the_calls_of_an_operation_share_its_patience(on_virtual_time: Run) -> None:
    """Once an operation's calls have taken its time together, none of them is repeated; other operations have their own."""

    async def main() -> list[int]:
        def reply(request: Request[Any], before: int) -> Reply:
            return good(request) if request.route.pattern == "me" else page(503)

        transport = FakeTransport(reply, takes=10.0)
        everybody = Client.over(transport, concurrency=8, attempts=5, draw=lambda: 0.0, patience=70.0)
        one, other = everybody.for_operation(), everybody.for_operation()
        # Five attempts and two probes take the whole of it.
        short = Client.over(transport, concurrency=8, attempts=5, draw=lambda: 0.0, patience=35.0).for_operation()
        calls = (one, one, other, everybody, everybody, short)
        return [(await failing(each.call(READ))).attempts for each in calls]

    assert on_virtual_time(main()) == [5, 1, 5, 5, 5, 4]


def test_waiting_for_the_limit_costs_no_patience(on_virtual_time: Run) -> None:
    """An operation is not given up for waits that the server asks for, of its own calls or of others."""

    async def main() -> int:
        server = FixedWindow(2, 60.0)

        def reply(request: Request[Any], before: int) -> Reply:
            answered = server.reply(request, before)
            assert isinstance(answered, Answer)
            return answered if before == 4 or answered.status == 429 else page_with(answered)

        def page_with(answered: Answer) -> Answer:
            return Answer(status=503, headers={**answered.headers, "content-type": "text/html"}, body=b"<html>proxy</html>")

        transport = FakeTransport(reply)
        one = Client.over(transport, concurrency=8, attempts=5, draw=lambda: 0.0, patience=2.0).for_operation()
        await write(one)
        return len(transport.writes)

    assert on_virtual_time(main()) == 5


@pytest.mark.parametrize("window", [0.5, 60.0, 600.0])
def test_a_limit_that_lets_nothing_through_ends_the_job(on_virtual_time: Run, window: float) -> None:
    """A route that is refused for a quarter of an hour, window after window, is nobody's row: the job ends instead of waiting for ever."""

    async def main() -> tuple[set[Next], set[Code], float]:
        server = FixedWindow(0, window)
        transport = FakeTransport(lambda request, before: server.reply(request, before) if request is UNIT else good(request))
        one = client(transport)
        async with asyncio.timeout(10 * STARVING):
            failed = await asyncio.gather(*(failing(write(one, no_look)) for _ in range(3)))
        assert all("15 minutes" in each.failure.said for each in failed)
        return {each.failure.next for each in failed}, {each.failure.code for each in failed}, asyncio.get_running_loop().time()

    next_, codes, seconds = on_virtual_time(main())
    assert (next_, codes) == ({Next.JOB}, {Code.RATE_LIMITED})
    assert STARVING <= seconds < 1.1 * STARVING + 60


def test_a_limit_that_lets_one_call_through_now_and_then_is_waited_for(on_virtual_time: Run) -> None:
    """However long the others have to wait meanwhile: somebody else uses up three windows of four."""

    async def main() -> float:
        busy, free = FixedWindow(0, 200.0), FixedWindow(1, 200.0)

        def reply(request: Request[Any], before: int) -> Reply:
            if request is not UNIT:
                return good(request)
            return (busy if int(asyncio.get_running_loop().time() // 200) % 4 else free).reply(request, before)

        one = client(FakeTransport(reply))
        await asyncio.gather(*(write(one, no_look) for _ in range(4)))
        assert busy.refused > 4
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) > 2 * STARVING


def test_an_account_that_is_no_longer_let_in_is_told_as_that(on_virtual_time: Run) -> None:
    """A probe that is answered with a 401 says what the job ends with."""

    async def main() -> CallFailed:
        def reply(request: Request[Any], before: int) -> Reply:
            return (
                answer({"status": "error", "message": "You must be logged in to do this."}, 401)
                if before == 0 and (request.route.pattern == "me")
                else page(503)
            )

        return await failing(client(FakeTransport(reply), attempts=2).call(READ))

    failed = on_virtual_time(main())
    assert (failed.failure.next, failed.failure.status) == (Next.JOB, 401)


def test_calls_are_counted_by_route_and_status(on_virtual_time: Run) -> None:
    """Every call that went out is in the figures, those without an answer too."""

    async def main() -> Any:
        on = client(FakeTransport(in_order(TIMED_OUT, page(502))))
        await write(on)
        return on.figures.calls

    assert dict(on_virtual_time(main())) == {("POST", "livechat/units/:id", status): 1 for status in (None, 502, 200)}


def test_an_exempt_account_does_not_wait_for_what_is_announced(on_virtual_time: Run) -> None:
    """An account that bypasses the limit waits for no window, on routes that were called before it was told and on others."""

    async def main() -> tuple[float, object]:
        def reply(request: Request[Any], before: int) -> Reply:
            reset = str(int((asyncio.get_running_loop().time() + EPOCH + 60) * 1000))
            return good(request, {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})

        on = client(FakeTransport(reply))
        await on.call(READ)
        waiting = [asyncio.create_task(on.call(READ)) for _ in range(40)]
        await asyncio.sleep(1)
        on.exempt()
        await asyncio.gather(*waiting, *(write(on) for _ in range(40)))
        return asyncio.get_running_loop().time(), on.limit

    took, limit = on_virtual_time(main())
    assert (took < 5, limit) == (True, None)


@pytest.mark.parametrize("behind", [-600, 600])
def test_a_proxys_date_does_not_mislead(on_virtual_time: Run, behind: int) -> None:
    """A ``Date`` that is ten minutes off costs no ten minutes: what a write stores, and the end that is announced, tell the time, too."""

    async def main() -> tuple[float, int]:
        server = FixedWindow(10, 2.0)

        def reply(request: Request[Any], before: int) -> Reply:
            now = asyncio.get_running_loop().time() + EPOCH
            given = server.reply(request, before)
            assert isinstance(given, Answer)
            body = {**STORED, "_updatedAt": datetime.fromtimestamp(now, UTC).isoformat()}
            headers = {**given.headers, "date": formatdate(int(now) + behind, usegmt=True)}
            return Answer(status=given.status, headers=headers, body=json.dumps(body).encode() if given.status == 200 else given.body)

        on = client(FakeTransport(reply))
        await asyncio.gather(*(write(on) for _ in range(60)))
        return asyncio.get_running_loop().time(), server.refused

    took, refused = on_virtual_time(main())
    assert (took < 75, refused) == (True, 0)


def test_a_date_beyond_the_end_of_the_window_is_not_believed(on_virtual_time: Run) -> None:
    """Where nothing else tells the time, a ``Date`` later than the end that comes with it ends no window: nothing is refused."""

    async def main() -> int:
        server = FixedWindow(10, 60.0)

        def reply(request: Request[Any], before: int) -> Reply:
            given = server.reply(request, before)
            assert isinstance(given, Answer)
            date = formatdate(int(asyncio.get_running_loop().time() + EPOCH) + 600, usegmt=True)
            return Answer(status=given.status, headers={**given.headers, "date": date}, body=given.body)

        on = client(FakeTransport(reply))
        await asyncio.gather(*(on.call(READ) for _ in range(30)))
        return server.refused

    assert on_virtual_time(main()) == 0


@pytest.mark.parametrize("window", [20.0, 60.0])
def test_windows_that_were_open_are_not_taken_for_whole_ones(on_virtual_time: Run, window: float) -> None:
    """A while after a server's start what its open windows have left is no length; those that follow tell it."""

    async def main() -> tuple[Any, Any]:
        server = FixedWindow(10, window)
        reads = [READ, endpoints.me(), UNIT]
        server.began = {request.route.pattern: EPOCH - 12.0 for request in reads}
        server.used = dict.fromkeys(server.began, 0)
        on = client(FakeTransport(server.reply))
        for request in reads:
            await on.call(request)
            await asyncio.sleep(0.2)
        before = on.limit
        await asyncio.sleep(window)
        for request in reads:
            await on.call(request)
            await asyncio.sleep(0.2)
        return before, on.limit

    assert on_virtual_time(main()) == (Limit(calls=10, window=60.0, certain=False), Limit(calls=10, window=window))


def test_what_is_waited_for_is_told_with_its_end(on_virtual_time: Run) -> None:
    """It is known until when the last of those who wait has to, and said while somebody does."""

    async def main() -> Any:
        on = client(FakeTransport(FixedWindow(1, 60.0).reply))
        await on.call(READ)
        waiting = asyncio.create_task(on.call(READ))
        await asyncio.sleep(1)
        seen = on.exchange.waits_until
        assert (on.waiting_for or "").startswith("the server's rate limit until ")
        await waiting
        assert on.waiting_for is None
        return seen

    assert 60 <= on_virtual_time(main()) <= 62
