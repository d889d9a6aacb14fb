"""The client on virtual time, over a transport that answers as each test says."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.records.workspace import Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.pacing.gate import STARVING
from bulkjob.rocketchat.pacing.tickets import DEFAULT_WINDOW, Limit, Ticket
from bulkjob.rocketchat.patience import BACKOFF, LONGEST_BACKOFF
from bulkjob.rocketchat.transport import NoAnswer, Written
from bulkjob.rocketchat.turns import Closed
from bulkjob.vocabulary import Code

Run = Callable[[Any], Any]
EPOCH = 1_800_000_000
Reply = Answer | NoAnswer

UNIT = endpoints.post_unit(Unit(id="unit-a", name="Unit A", visibility="public"), [], ["dept-a"])
STORED = {"_id": "unit-a", "numMonitors": 0, "success": True}
ME = {"_id": "u-admin", "username": "admin", "roles": ["admin"], "success": True}
READ = endpoints.department("dept-a")
DEPARTMENT: dict[str, object] = {"department": None, "agents": [], "success": True}
GOOD = {"me": ME, "livechat/units/:id": STORED, "livechat/department/:id": DEPARTMENT}

UNREACHED = NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="refused"))
TIMED_OUT = NoAnswer(Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer", undecided=True))


def answer(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, headers=headers or {}, body=json.dumps(payload).encode())


def page(status: int) -> Answer:
    return Answer(status=status, headers={"content-type": "text/html"}, body=b"<html>proxy</html>")


def good(request: Request[Any], headers: Mapping[str, str] | None = None) -> Answer:
    return answer(GOOD[request.route.pattern], headers=headers)


@dataclass
class FakeTransport:
    """Answers each request by `reply`, after `takes` seconds; remembers what was sent and when."""

    reply: Callable[[Request[Any], int], Reply]
    """Gets the request and how many of its route came before it."""
    takes: float = 0.1
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0

    async def send(self, request: Request[Any]) -> Answer:
        before = len(self.of(request.route.pattern, request.route.method))
        self.calls.append((asyncio.get_running_loop().time(), request.route.method, request.route.pattern))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.takes)
            reply = self.reply(request, before)
        finally:
            self.in_flight -= 1
        if isinstance(reply, NoAnswer):
            raise reply
        return reply

    def of(self, pattern: str, method: str = "") -> list[float]:
        """When the calls of one route went out."""
        return [moment for moment, called, route in self.calls if route == pattern and method in ("", called)]

    @property
    def writes(self) -> list[float]:
        return [moment for moment, method, _ in self.calls if method != "GET"]


def in_order(*replies: Reply, route: str = "livechat/units/:id") -> Callable[[Request[Any], int], Reply]:
    """Answers the calls of one route with these, then well; every other route well."""

    def reply(request: Request[Any], before: int) -> Reply:
        return replies[before] if request.route.pattern == route and before < len(replies) else good(request)

    return reply


def client(transport: FakeTransport, *, concurrency: int = 8, attempts: int = 5, draw: Callable[[], float] = lambda: 1.0) -> Client:
    return Client.over(transport, concurrency=concurrency, attempts=attempts, draw=draw)


async def unseen() -> None:
    return None


async def no_look() -> None:
    raise AssertionError("there is nothing to look for")


async def write(on: Client, look: Callable[[], Awaitable[Any]] = unseen) -> Written[Any]:
    return await on.write(UNIT, await on.reserve(UNIT.route), look)


async def failing(coroutine: Awaitable[Any]) -> CallFailed:
    try:
        done = await coroutine
    except CallFailed as failed:
        return failed
    raise AssertionError(f"it did not fail: {done}")


class FixedWindow:
    """The announcements of a server that limits each route; its clock shows 2027-01-15 08:00:00 when the loop's begins."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self.began: dict[str, float] = {}
        self.used: dict[str, int] = {}
        self.refused = 0

    def reply(self, request: Request[Any], before: int) -> Reply:
        now = asyncio.get_running_loop().time() + EPOCH
        route = request.route.pattern
        if now - self.began.get(route, 0.0) > self.window:
            self.began[route], self.used[route] = now, 0
        self.used[route] += 1
        reset = self.began[route] + self.window
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used[route])),
            "x-ratelimit-reset": str(int(reset * 1000)),
            "date": formatdate(int(now), usegmt=True),
        }
        if self.used[route] <= self.limit:
            return good(request, headers)
        self.refused += 1
        words = (
            f"Error, too many requests. Please slow down. You must wait {int(reset - now) + 1} seconds before trying this endpoint again."
        )
        return answer({"success": False, "error": f"{words} [error-too-many-requests]"}, 429, headers)


# ------------------------------------------------------------------------------------------------------- in flight, pace


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


# ----------------------------------------------------------------------------------------------------------------- retries


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
    """The route that waits longest, and until when."""

    async def main() -> Any:
        on = client(FakeTransport(FixedWindow(1, 60.0).reply))
        await on.call(READ)
        waiting = asyncio.create_task(on.call(READ))
        await asyncio.sleep(1)
        seen = on.waiting
        await waiting
        assert on.waiting is None
        return seen

    seen = on_virtual_time(main())
    assert seen.route == READ.route
    assert 60 <= seen.until <= 62


# ----------------------------------------------------------------------------------------------------------------- tickets


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


# ------------------------------------------------------------------------------------------------------------------- again


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


# ------------------------------------------------------------------------------------------------------------------- close


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


# -------------------------------------------------------------------------------------------------------------- two turns


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
        on = client(FakeTransport(lambda request, before: UNREACHED if next(lost, False) else server.reply(request, before)))
        await on.call(READ)
        now, later = await on.reserve_two(READ.route)
        await on.call(READ, ticket=now)
        await on.call(READ, ticket=later)
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) < 300


# ------------------------------------------------------------------------------------------------------- stripped headers


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
