"""A write that is made anew for each attempt."""

import asyncio
from typing import Any

import pytest

from bulkjob.records.workspace import Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Request
from tests.support.clients import (
    UNIT,
    UNREACHED,
    FakeTransport,
    FixedWindow,
    Reply,
    Run,
    answer,
    client,
    good,
    in_order,
    no_look,
    page,
    unseen,
    write,
)


def numbered(number: int) -> Request[Any]:
    return endpoints.post_unit(Unit(id="unit-a", name=f"made {number}", visibility="public"), [], [])


@pytest.mark.parametrize(
    "failure", [page(502), UNREACHED, answer({"success": False, "error": "You must wait 9 seconds before trying again."}, 429)]
)
def test_what_is_sent_again_is_made_anew(on_virtual_time: Run, failure: Reply) -> None:
    """A write that has to be sent again is made from what the server holds then, after its turn has come."""

    async def main() -> tuple[list[str], list[float], list[float]]:
        sent: list[str] = []
        made: list[float] = []

        def reply(request: Request[Any], before: int) -> Reply:
            assert request.body is not None
            sent.append(request.body["unitData"]["name"])  # type: ignore[index]
            return failure if before < 2 else good(request)

        async def again() -> Request[Any]:
            made.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.5)
            return numbered(len(made))

        transport = FakeTransport(reply)
        on = client(transport)
        await on.write(numbered(0), await on.reserve(UNIT.route), unseen, again)
        return sent, made, transport.writes

    sent, made, writes = on_virtual_time(main())
    assert sent == ["made 0", "made 1", "made 2"]
    assert [later - sooner for sooner, later in zip(made, writes[1:], strict=True)] == pytest.approx([0.5, 0.5])


def test_a_turn_whose_request_cannot_be_made_is_given_back(on_virtual_time: Run) -> None:
    """If the second sending cannot be made, its turn goes to the next call, and the reason is told."""

    async def main() -> tuple[BaseException, int]:
        transport = FakeTransport(in_order(page(502)))
        on = client(transport)

        async def again() -> Request[Any]:
            raise LookupError("gone")

        (error,) = await asyncio.gather(on.write(UNIT, await on.reserve(UNIT.route), unseen, again), return_exceptions=True)
        await write(on)
        assert isinstance(error, LookupError)
        return error, len(transport.writes)

    assert on_virtual_time(main())[1] == 2


def test_a_turn_that_others_used_up_makes_the_request_anew(on_virtual_time: Run) -> None:
    """A write whose turn somebody else has used up meanwhile waits for another one, and is made anew when that has come."""

    async def main() -> tuple[list[float], list[float], int]:
        made: list[float] = []

        async def again() -> Request[Any]:
            made.append(asyncio.get_running_loop().time())
            return UNIT

        server = FixedWindow(4, 60.0)
        transport = FakeTransport(server.reply)
        on = client(transport)
        await write(on)
        ticket = await on.reserve(UNIT.route)
        for _ in range(2):
            server.reply(UNIT, 0)
        await write(on)
        await on.write(UNIT, ticket, no_look, again)
        return made, transport.writes, server.refused

    made, writes, refused = on_virtual_time(main())
    assert made == [pytest.approx(writes[-1])]
    assert writes[-1] > 60
    assert refused == 0


def test_a_request_that_takes_longer_than_a_window_is_sent_all_the_same(on_virtual_time: Run) -> None:
    """Where making a request takes longer than a window lasts, it goes out in the next one."""

    async def main() -> int:
        async def again() -> Request[Any]:
            await asyncio.sleep(3)
            return UNIT

        transport = FakeTransport(FixedWindow(2, 0.5).reply)
        on = client(transport)
        await write(on)
        ticket = await on.reserve(UNIT.route)
        await asyncio.sleep(3)
        await asyncio.wait_for(on.write(UNIT, ticket, no_look, again), 60)
        return len(transport.writes)

    assert on_virtual_time(main()) == 2
