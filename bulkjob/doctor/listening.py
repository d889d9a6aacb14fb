"""A transport that remembers what the server answered, for findings that only headers and statuses show."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bulkjob.doctor.facts import Window
from bulkjob.rocketchat import Answer, Failure, NoAnswer, Request, Transport, answers, endpoints

# --------------------------------------------------------------------------------------------------------------- listening


class Observed:
    """What the answers tell beside what was asked for: limits, the server's clock, and who failed with what."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.info: str | Failure | None = None
        self.account_failure: Failure | None = None
        self.windows: list[Window] = []
        self._now = now
        self._least, self._most = float("-inf"), float("inf")

    @property
    def clock_ahead(self) -> float:
        """Seconds by which the server's clock is ahead of ours at least, below 0: behind; 0 where they may agree."""
        return self._least if self._least > 0 else min(self._most, 0.0)

    @asynccontextmanager
    async def listening(self, connection: AbstractAsyncContextManager[Transport]) -> AsyncIterator[Transport]:
        """A connection whose answers are remembered here."""
        async with connection as transport:
            yield _Listening(transport, self)

    def failed(self, request: Request[object], failure: Failure) -> None:
        """Remembers that a call got no answer."""
        if request.route == endpoints.info().route:
            self.info = failure
        elif request.route == endpoints.me().route:
            self.account_failure = failure

    def answered(self, request: Request[object], answer: Answer, sent: float) -> None:
        """Remembers what an answer told; ``sent``: when the call was sent."""
        if request.route in (endpoints.info().route, endpoints.me().route):
            result = answers.interpret(request, answer)
            if isinstance(result, Failure):
                self.failed(request, result)
            elif request.route == endpoints.info().route:
                self.info = result if isinstance(result, str) else None
        times = answers.server_time(request, answer)
        limit = answers.rate_limit(answer)
        if times is not None:
            self._least, self._most = max(self._least, times.earliest - self._now()), min(self._most, times.latest - sent)
        if times is not None and limit is not None:
            self.windows.append(Window(calls=limit.limit, least=limit.reset - times.latest, most=limit.reset - times.earliest))

    def now(self) -> float:
        """The time, by the clock that the calls are timed with."""
        return self._now()


class _Listening:
    """A transport that lets `Observed` see every answer."""

    def __init__(self, transport: Transport, observed: Observed) -> None:
        self._transport = transport
        self._observed = observed

    async def send(self, request: Request[object]) -> Answer:
        sent = self._observed.now()
        try:
            answer = await self._transport.send(request)
        except NoAnswer as nothing:
            self._observed.failed(request, nothing.failure)
            raise
        self._observed.answered(request, answer, sent)
        return answer
