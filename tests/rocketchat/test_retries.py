"""What is sent again, what is looked up first, and what is neither."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.patience import BACKOFF, LONGEST_BACKOFF
from bulkjob.rocketchat.transport import Written
from bulkjob.vocabulary import Code
from tests.support.clients import (
    READ,
    TIMED_OUT,
    UNREACHED,
    FakeTransport,
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


@settings(deadline=None)
@given(draw=st.floats(0.0, 1.0, exclude_max=True), attempts=st.integers(1, 9))
def test_backoff_is_exponential_with_full_jitter(on_virtual_time: Run, draw: float, attempts: int) -> None:
    """There are as many attempts as allowed, and the wait before each is a random share of a bound that doubles up to a ceiling."""

    async def main() -> tuple[list[float], int]:
        transport = FakeTransport(in_order(*[UNREACHED] * 20))
        failed = await failing(write(client(transport, attempts=attempts, draw=lambda: draw), no_look))
        return transport.writes, failed.attempts

    moments, reported = on_virtual_time(main())
    waits = [later - sooner - 0.1 for sooner, later in pairwise(moments)]
    assert len(moments) == reported == attempts
    # Before the last one a probe is answered, as nobody else was in all that time.
    waits[-1:] = [wait - 0.1 for wait in waits[-1:]]
    assert waits == pytest.approx([draw * min(LONGEST_BACKOFF, BACKOFF * 2**number) for number in range(attempts - 1)])


def test_a_read_is_simply_repeated(on_virtual_time: Run) -> None:
    """A read that fails is sent again until it is answered, and each further attempt is counted as a retry."""

    async def main() -> tuple[Any, int]:
        on = client(FakeTransport(in_order(page(502), TIMED_OUT, page(200), route=READ.route.pattern)))
        return await on.call(READ), on.figures.retries

    state, retries = on_virtual_time(main())
    assert (state.department, retries) == (None, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 405])
def test_a_refusal_is_not_repeated(on_virtual_time: Run, status: int) -> None:
    """The server's own no that came before any change is final: one call, no look, no probe."""

    async def main() -> tuple[CallFailed, FakeTransport]:
        transport = FakeTransport(in_order(*[answer({"success": False, "error": "Match error: Missing key"}, status)] * 3))
        return await failing(write(client(transport), no_look)), transport

    failed, transport = on_virtual_time(main())
    assert (len(transport.calls), failed.attempts, failed.failure.undecided) == (1, 1, False)
    assert failed.failure.next is (Next.JOB if status in (401, 403) else Next.ROW)


AFTER_THE_WORK = answer({"success": False, "error": "Business hour 17 not found"}, 400)
A_DRIVERS = answer({"success": False, "error": "not primary"}, 400)


def test_a_refusal_that_may_have_come_after_the_work_is_looked_up(on_virtual_time: Run) -> None:
    """A 400 that is not known to come first is looked up: what is seen to be so has been done, by that one call."""

    async def main() -> tuple[Written[Any], FakeTransport]:
        transport = FakeTransport(in_order(AFTER_THE_WORK))

        async def look() -> str:
            return "seen"

        return await write(client(transport), look), transport

    written, transport = on_virtual_time(main())
    assert (written.value, written.attempts, written.status, len(transport.calls)) == ("seen", 1, 400, 1)


def test_a_refusal_that_is_not_seen_to_be_done_stays_in_doubt(on_virtual_time: Run) -> None:
    """What is not seen to be so has failed with the server's words, is not sent again, and may have been done in part all the same."""

    async def main() -> tuple[CallFailed, FakeTransport]:
        transport = FakeTransport(in_order(*[AFTER_THE_WORK] * 3))
        return await failing(write(client(transport))), transport

    failed, transport = on_virtual_time(main())
    failure = failed.failure
    assert (failure.code, failure.next, failure.said, failure.status) == (Code.REJECTED, Next.ROW, "Business hour 17 not found", 400)
    assert (failure.undecided, failure.looked_up, failed.attempts, len(transport.calls)) == (True, True, 1, 1)


def test_a_databases_words_are_looked_up_and_sent_again(on_virtual_time: Run) -> None:
    """A database that is not to be had for a moment costs attempts, with a look before each, like any other that is lost."""

    async def main() -> tuple[Written[Any], int]:
        transport = FakeTransport(in_order(A_DRIVERS, A_DRIVERS))
        looks = 0

        async def look() -> None:
            nonlocal looks
            looks += 1

        return await write(client(transport), look), looks

    written, looks = on_virtual_time(main())
    assert (written.attempts, written.status, looks) == (3, 200, 2)


def test_a_read_that_the_database_fails_is_repeated(on_virtual_time: Run) -> None:
    """A read whose 400 has the words of a database costs one attempt."""

    async def main() -> int:
        on = client(FakeTransport(in_order(A_DRIVERS, route=READ.route.pattern)))
        await on.call(READ)
        return on.figures.retries

    assert on_virtual_time(main()) == 1


@pytest.mark.parametrize("last", [answer({"success": False, "error": "Match error: x"}, 400), UNREACHED], ids=["refused", "unreached"])
def test_an_earlier_sending_that_may_have_been_done_is_looked_up_at_the_end(on_virtual_time: Run, last: Reply) -> None:
    """Whatever the last sending was told: one before it may have been carried out after it was looked up."""

    async def main() -> tuple[Written[Any], int]:
        transport = FakeTransport(in_order(TIMED_OUT, last, last, last))
        looks = 0

        async def look() -> str | None:
            nonlocal looks
            looks += 1
            return None if looks == 1 else "seen"

        return await write(client(transport, attempts=2), look), looks

    written, looks = on_virtual_time(main())
    assert (written.value, written.attempts, looks) == ("seen", 2, 2)


@pytest.mark.parametrize("failure", [TIMED_OUT, page(500), page(502), page(503), page(504), page(200), answer({"success": True})])
def test_a_write_of_unknown_outcome_is_looked_up_first(on_virtual_time: Run, failure: Reply) -> None:
    """Between two sendings of a write whose outcome is unknown lies a look at what the server holds."""

    async def main() -> tuple[list[str], Written[Any]]:
        events: list[str] = []

        def reply(request: Request[Any], before: int) -> Reply:
            events.append("send")
            return failure if before < 2 else good(request)

        async def look() -> None:
            events.append("look")

        return events, await write(client(FakeTransport(reply)), look)

    events, written = on_virtual_time(main())
    assert events == ["send", "look", "send", "look", "send"]
    assert (written.attempts, written.status) == (3, 200)


def test_a_write_that_is_seen_done_is_not_sent_again(on_virtual_time: Run) -> None:
    """A look that shows the write carried out ends it, with what the look saw."""

    async def main() -> tuple[Written[Any], FakeTransport]:
        transport = FakeTransport(in_order(TIMED_OUT))

        async def look() -> str:
            return "seen"

        return await write(client(transport), look), transport

    written, transport = on_virtual_time(main())
    assert (written.value, written.attempts, written.status, len(transport.writes)) == ("seen", 1, None, 1)
    assert written.seconds >= 0.1


def test_the_last_attempt_is_looked_up_too(on_virtual_time: Run) -> None:
    """Out of attempts, a look may still find the write carried out: then it has not failed."""

    async def main() -> tuple[Written[Any], int]:
        transport = FakeTransport(in_order(*[TIMED_OUT] * 9))
        looks = 0

        async def look() -> str | None:
            nonlocal looks
            looks += 1
            return "seen" if looks == 3 else None

        return await write(client(transport, attempts=3), look), len(transport.writes)

    written, sent = on_virtual_time(main())
    assert (written.value, written.attempts, sent) == ("seen", 3, 3)


def test_a_connection_that_was_never_made_needs_no_look(on_virtual_time: Run) -> None:
    """What certainly did not reach the server is sent again without a look."""

    async def main() -> Written[Any]:
        return await write(client(FakeTransport(in_order(UNREACHED, UNREACHED))), no_look)

    assert on_virtual_time(main()).attempts == 3


def test_what_cannot_be_looked_up_is_not_sent_again(on_virtual_time: Run) -> None:
    """A write whose look fails has failed with its own code, and says that it could not be looked up."""

    async def main() -> tuple[CallFailed, int]:
        transport = FakeTransport(in_order(*[TIMED_OUT] * 9))

        async def look() -> None:
            raise CallFailed(Failure(next=Next.ROW, code=Code.REJECTED, said="no such list", status=400))

        return await failing(write(client(transport), look)), len(transport.writes)

    failed, sent = on_virtual_time(main())
    assert (sent, failed.attempts, failed.failure.next, failed.failure.code) == (1, 1, Next.ROW, Code.TIMEOUT)
    assert "no such list" in failed.failure.said
