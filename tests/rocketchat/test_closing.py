"""A client that is closed: what is in flight is finished, and nothing else is started."""

import asyncio
from typing import Any

import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.failures import CallFailed
from bulkjob.rocketchat.turns import Closed
from tests.support.clients import READ, TIMED_OUT, UNIT, UNREACHED, FakeTransport, FixedWindow, Run, client, in_order, no_look, write


def test_closing_stops_what_waits_for_its_turn(on_virtual_time: Run) -> None:
    """After `close` who waits for a window gets `Closed` at once, and so does every new call."""

    async def main() -> tuple[list[Any], float, int]:
        transport = FakeTransport(FixedWindow(2, 60.0).reply)
        on = client(transport)
        calls = [asyncio.create_task(on.call(READ)) for _ in range(6)]
        await asyncio.sleep(5)
        on.close()
        results = await asyncio.gather(*calls, on.call(endpoints.me()), on.reserve(UNIT.route), return_exceptions=True)
        return results, asyncio.get_running_loop().time(), len(transport.calls)

    results, ended, sent = on_virtual_time(main())
    assert [type(result) for result in results[2:]] == [Closed] * 6
    assert (ended, sent) == (5, 2)


def test_closing_stops_what_waits_for_a_slot(on_virtual_time: Run) -> None:
    """After `close` nothing goes out that had its turn but not yet a slot, also on a turn taken before; what is in flight is finished."""

    async def main() -> tuple[list[Any], int]:
        transport = FakeTransport(in_order())
        on = client(transport, concurrency=1)
        await on.call(READ)
        ticket = await on.reserve(UNIT.route)
        calls = [asyncio.create_task(on.call(READ)) for _ in range(4)]
        await asyncio.sleep(0.05)
        on.close()
        results = await asyncio.gather(*calls, on.write(UNIT, ticket, no_look), return_exceptions=True)
        return results, len(transport.calls)

    results, sent = on_virtual_time(main())
    assert [type(result) for result in results[1:]] == [Closed] * 4
    assert not isinstance(results[0], BaseException)
    assert sent == 2


def test_closing_makes_no_room(on_virtual_time: Run) -> None:
    """`close` sends away who waits for a slot, and nobody else gets in for it: what finishes something goes out as the slots allow."""

    async def main() -> tuple[list[Any], int]:
        transport = FakeTransport(in_order())
        on = client(transport, concurrency=2)
        await on.call(READ)
        calls = [asyncio.create_task(on.call(READ, finishing=number % 2 == 0)) for number in range(12)]
        await asyncio.sleep(0.05)
        on.close()
        return await asyncio.gather(*calls, return_exceptions=True), transport.peak

    results, most = on_virtual_time(main())
    assert [type(result) for result in results[3::2]] == [Closed] * 5
    assert not any(isinstance(result, BaseException) for result in results[::2])
    assert most == 2


def test_closing_lets_the_finishing_calls_through(on_virtual_time: Run) -> None:
    """A call that finishes something in flight waits for its turn and is sent, after `close` too."""

    async def main() -> tuple[Any, float]:
        on = client(FakeTransport(FixedWindow(2, 60.0).reply), draw=lambda: 0.5)
        await asyncio.gather(on.call(READ), on.call(READ))
        stopped = asyncio.create_task(on.call(READ))
        finishing = asyncio.create_task(on.call(READ, finishing=True))
        await asyncio.sleep(1)
        on.close()
        await asyncio.gather(stopped, return_exceptions=True)
        return await finishing, asyncio.get_running_loop().time()

    state, ended = on_virtual_time(main())
    assert state.department is None
    assert ended > 60


def test_closing_ends_a_backoff(on_virtual_time: Run) -> None:
    """A call that waits before its next attempt is not sent again after `close`; what it certainly did not do is `Closed`."""

    async def main() -> tuple[list[Any], float]:
        on = client(FakeTransport(lambda request, before: UNREACHED))
        calls = [asyncio.create_task(on.call(READ)), asyncio.create_task(write(on, no_look))]
        await asyncio.sleep(0.2)
        on.close()
        return await asyncio.gather(*calls, return_exceptions=True), asyncio.get_running_loop().time()

    results, ended = on_virtual_time(main())
    assert [type(result) for result in results] == [Closed, Closed]
    assert ended == pytest.approx(0.2)


@pytest.mark.parametrize("done", [True, False])
def test_closing_still_looks_up_what_is_in_flight(*, on_virtual_time: Run, done: bool) -> None:
    """A write of unknown outcome is looked up after `close`, so that its row is told truthfully; it is not sent again."""

    async def main() -> tuple[Any, int]:
        transport = FakeTransport(in_order(*[TIMED_OUT] * 9))
        on = client(transport)

        async def look() -> Any:
            await on.call(READ, finishing=True)
            return "seen" if done else None

        task = asyncio.create_task(write(on, look))
        await asyncio.sleep(0.05)
        on.close()
        results: list[Any] = await asyncio.gather(task, return_exceptions=True)
        return results[0], len(transport.writes)

    result, sent = on_virtual_time(main())
    assert sent == 1
    assert result.value == "seen" if done else isinstance(result, CallFailed)
