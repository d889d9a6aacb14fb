"""What the time of a run goes on."""

import asyncio
from collections.abc import Callable

import pytest

from bulkjob.report.stopwatch import Stopwatch
from bulkjob.rocketchat import Answer, NoAnswer, Request, endpoints
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.vocabulary import Code


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = self.worked = 100.0

    def passes(self, seconds: float, *, working: bool = False) -> None:
        self.now += seconds
        self.worked += seconds if working else 0


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Server:
    """Takes a while over each call."""

    def __init__(self, clock: Clock, seconds: float = 1.0, failure: Exception | None = None) -> None:
        self.clock, self.seconds, self.failure = clock, seconds, failure

    async def send(self, request: Request[object]) -> Answer:
        self.clock.passes(self.seconds)
        if self.failure:
            raise self.failure
        return Answer(status=200, headers={}, body=b"{}")


def watch(clock: Clock) -> Stopwatch:
    return Stopwatch(lambda: clock.now, lambda: clock.worked)


def test_each_second_counts_once(clock: Clock) -> None:
    """Reading before the first write, writing, looking afterwards; in between waiting, but for what the program worked itself."""
    stopwatch = watch(clock)
    stopwatch.timing(Server(clock))
    steps: list[tuple[Callable[[], None], float]] = [
        (lambda: stopwatch.began(write=False), 3),
        (lambda: stopwatch.ended(write=False), 5),
        (lambda: stopwatch.began(write=True), 2),
        (lambda: stopwatch.began(write=False), 2),
        (lambda: stopwatch.ended(write=True), 4),
        (lambda: stopwatch.ended(write=False), 0),
    ]
    for step, seconds in steps:
        step()
        clock.passes(seconds)
    clock.passes(6, working=True)
    stopwatch.began(write=False)
    spent = stopwatch.spent
    assert (spent.reading, spent.changing, spent.checking, spent.waiting) == (3, 4, 4, 5)
    assert spent.total == 16


@pytest.mark.parametrize("failure", [None, NoAnswer(Failure(code=Code.TIMEOUT, said="late", next=Next.REPEAT))])
async def test_calls_are_followed(clock: Clock, failure: Exception | None) -> None:
    """A call that goes through the transport counts, whether or not it is answered."""
    stopwatch = watch(clock)
    transport = stopwatch.timing(Server(clock, 7.0, failure))
    results = await asyncio.gather(transport.send(endpoints.info()), return_exceptions=True)
    assert stopwatch.spent.reading == 7
    assert isinstance(results[0], NoAnswer) == (failure is not None)


def test_unused_stopwatch_tells_nothing(clock: Clock) -> None:
    """A run that never came to a call has spent nothing on calls."""
    clock.passes(9)
    assert watch(clock).spent.total == 0
