"""Turns under a rate limit: reserved, outlived, given back, and taken two at a time."""

import asyncio

import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.pacing.tickets import Ticket
from tests.support.clients import BROKEN, READ, UNREACHED, FakeTransport, FixedWindow, Run, client, in_order


def test_a_reserved_turn_counts_in_its_window(on_virtual_time: Run) -> None:
    """A turn that was waited for ahead is one of the window's calls; the call goes out on it at once."""

    async def main() -> tuple[int, float, float]:
        server = FixedWindow(3, 60.0)
        on = client(FakeTransport(server.reply))
        await on.call(READ)
        tickets = [await on.reserve(READ.route) for _ in range(2)]
        late = asyncio.create_task(on.call(READ))
        await asyncio.sleep(5)
        assert not late.done()
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(on.call(READ, ticket=ticket) for ticket in tickets))
        used = asyncio.get_running_loop().time() - began
        await late
        return server.refused, used, asyncio.get_running_loop().time()

    refused, used, ended = on_virtual_time(main())
    assert (refused, used) == (0, pytest.approx(0.1))
    assert 60 < ended < 62


def test_a_turn_that_outlived_its_window_counts_in_the_next(on_virtual_time: Run) -> None:
    """A turn of a window that is over is one of the next window's, so that nothing is refused."""

    async def main() -> int:
        server = FixedWindow(3, 60.0)
        on = client(FakeTransport(server.reply))
        await on.call(READ)
        ticket = await on.reserve(READ.route)
        await asyncio.sleep(70)
        await asyncio.gather(*(on.call(READ) for _ in range(3)), on.call(READ, ticket=ticket))
        return server.refused

    assert on_virtual_time(main()) == 0


def test_a_turn_that_is_given_back_goes_to_the_next(on_virtual_time: Run) -> None:
    """Who waits for a turn gets one that another did not need, without waiting for the window's end."""

    async def main() -> float:
        on = client(FakeTransport(FixedWindow(2, 60.0).reply))
        await on.call(READ)
        ticket = await on.reserve(READ.route)
        waiting = asyncio.create_task(on.call(READ))
        await asyncio.sleep(3)
        on.give_back(READ.route, ticket)
        await waiting
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) < 4


def test_a_first_turn_given_back_lets_another_ask(on_virtual_time: Run) -> None:
    """The turn that was to ask for a route's limit may be given back: then the next call asks."""

    async def main() -> float:
        on = client(FakeTransport(in_order()))
        ticket = await on.reserve(READ.route)
        waiting = asyncio.create_task(on.call(READ))
        await asyncio.sleep(1)
        on.give_back(READ.route, ticket)
        await waiting
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) < 2


@pytest.mark.parametrize("moment", [0.05, 0.15], ids=["in flight", "waiting for a slot"])
def test_a_call_that_is_given_up_leaves_its_route_open(on_virtual_time: Run, moment: float) -> None:
    """A call that is cancelled, on its way or before, does not shut its route for the others."""

    async def main() -> list[object]:
        transport = FakeTransport(in_order(), takes=0.1)
        on = client(transport, concurrency=1)
        blocking = asyncio.create_task(on.call(endpoints.me())) if moment > 0.1 else None
        transport.takes = 0.3 if blocking else 0.1
        await asyncio.sleep(0)
        given_up = asyncio.create_task(on.call(READ))
        await asyncio.sleep(moment)
        given_up.cancel()
        ends = await asyncio.gather(given_up, return_exceptions=True)
        state = await on.call(READ)
        if blocking:
            await blocking
        return [*(type(end) for end in ends), state.members]

    assert on_virtual_time(main()) == [asyncio.CancelledError, ()]


def test_calls_that_are_given_up_cost_the_window_no_more_than_they_used(on_virtual_time: Run) -> None:
    """A turn whose call was cancelled before it went out is not lost to the window."""

    async def main() -> float:
        transport = FakeTransport(FixedWindow(3, 60.0).reply)
        on = client(transport, concurrency=1)
        await on.call(READ)
        transport.takes = 1.0
        blocking = asyncio.create_task(on.call(endpoints.me()))
        await asyncio.sleep(0)
        given_up = [asyncio.create_task(on.call(READ)) for _ in range(2)]
        await asyncio.sleep(0.1)
        for task in given_up:
            task.cancel()
        await asyncio.gather(blocking, *given_up, return_exceptions=True)
        await asyncio.gather(on.call(READ), on.call(READ))
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) < 10


@pytest.mark.parametrize("limit", [1, 2, 3, 8])
def test_two_turns_are_never_waited_for_by_halves(on_virtual_time: Run, limit: int) -> None:
    """Many who need two calls of a route each get them together: none of them sits on one turn while it waits for the other."""

    async def main() -> tuple[int, float, int]:
        server = FixedWindow(limit, 60.0)
        transport = FakeTransport(server.reply)
        on = client(transport, concurrency=8)
        apart: list[float] = []

        async def both() -> None:
            now, later = await on.reserve_two(READ.route)
            await on.call(READ, ticket=now)
            between = asyncio.get_running_loop().time()
            await on.call(READ, ticket=later)
            apart.append(asyncio.get_running_loop().time() - between)

        await on.call(READ)
        await asyncio.gather(*(both() for _ in range(20)))
        return server.refused, max(apart), len(transport.calls)

    refused, apart, calls = on_virtual_time(main())
    assert (refused, calls) == (0, 41)
    assert limit == 1 or apart < 1


def test_a_second_turn_that_is_not_needed_is_somebody_elses(on_virtual_time: Run) -> None:
    """Of two turns the second may be given back."""

    async def main() -> float:
        on = client(FakeTransport(FixedWindow(3, 60.0).reply))
        await on.call(READ)
        now, later = await on.reserve_two(READ.route)
        await on.call(READ, ticket=now)
        assert later is not None
        on.give_back(READ.route, later)
        await on.call(READ)
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) < 1


@pytest.mark.parametrize("limit", [2, 3])
def test_second_turns_that_are_kept_stop_nobody_for_good(on_virtual_time: Run, limit: int) -> None:
    """Where only turns that are kept for later fill a window, they are taken back: who keeps them may be waiting for just that window."""

    async def main() -> int:
        server = FixedWindow(limit, 60.0)
        on = client(FakeTransport(server.reply))
        await on.call(READ)
        kept: list[Ticket | None] = []
        while len(kept) < limit:
            now, later = await on.reserve_two(READ.route)
            await on.call(READ, ticket=now)
            kept.append(later)
        await on.call(READ)
        await asyncio.gather(*(on.call(READ, ticket=later) for later in kept))
        return server.refused

    assert on_virtual_time(main()) == 0


def test_a_lost_call_beside_a_turn_that_is_kept_is_forgotten_in_time(on_virtual_time: Run) -> None:
    """A call that is lost counts for a window's time at most, also while a turn is kept for later."""

    async def main() -> float:
        server = FixedWindow(2, 60.0)
        lost = iter([False, True])
        on = client(FakeTransport(lambda request, before: BROKEN if next(lost, False) else server.reply(request, before)))
        await on.call(READ)
        now, later = await on.reserve_two(READ.route)
        await on.call(READ, ticket=now)
        await on.call(READ, ticket=later)
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) < 300


@pytest.mark.parametrize("heard_of", [True, False], ids=["after an answer", "from the start"])
def test_connections_that_are_refused_use_up_no_window(on_virtual_time: Run, *, heard_of: bool) -> None:
    """A call that never left did not count on the server: as many as a window allows, refused one after the other, keep nobody waiting."""

    async def main() -> tuple[float, int]:
        server = FixedWindow(10, 60.0)
        refusals = iter([False] * heard_of + [True] * 10)
        transport = FakeTransport(lambda request, before: UNREACHED if next(refusals, False) else server.reply(request, before))
        on = client(transport, attempts=20, draw=lambda: 0.0)
        if heard_of:
            await on.call(READ)
        await on.call(READ)
        await asyncio.gather(*(on.call(READ) for _ in range(8)))
        return asyncio.get_running_loop().time(), server.refused

    ended, refused = on_virtual_time(main())
    assert (refused, ended < 5) == (0, True)
