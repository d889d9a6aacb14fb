"""One call, sent until it is answered for good: looked up where nobody knows what became of it, and sent again while that is worth it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Generic, TypeVar

import msgspec
import tenacity

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.exchange import Exchange, Sending
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.pacing import Ticket
from bulkjob.rocketchat.patience import Patience, Retries
from bulkjob.rocketchat.transport import NothingLeft, Written
from bulkjob.rocketchat.turns import Closed

T = TypeVar("T")


#: Asks the server whether a write was carried out, and returns what its answer would have told; None if it was not.
Look = Callable[[], Awaitable[T | None]]


def never(_: Failure) -> bool:
    """No failure is final: each may pass."""
    return False


class Outage:
    """Whether the server answers anybody: found out by one call for all."""

    def __init__(self, exchange: Exchange, retries: Retries) -> None:
        self._exchange = exchange
        self._retries = retries
        self._probing = asyncio.Lock()

    async def wait_for_any_answer(self, since: float, failure: Failure, sending: Sending[T]) -> Failure | None:
        """Before a call's last attempt, if nobody has had an answer since its first failure: that is no fault of this call's.

        A server that restarts answers the probes in time, and the last attempt goes to one that is there: None. Else what ends the job;
        the attempt is better not sent. Raises `Closed`.
        """
        async with self._probing:
            for number in range(1, self._retries.attempts + 1):
                if self._exchange.answered >= since:
                    return None
                if self._exchange.is_closed and not sending.finishing:
                    raise Closed
                silence = await self.met(failure, sending.patience)
                if silence is None or silence.status == 401 or number == self._retries.attempts:
                    return silence
                await self._exchange.pause(self._retries.backoff(number), finishing=sending.finishing)
        return None

    async def met(self, failure: Failure, patience: Patience) -> Failure | None:
        """One read as a probe: None if it is answered; else what ends the job: that failure, or that the account is not let in any more."""
        probe = await self._exchange.answer(Sending(request=endpoints.me(), patience=patience, finishing=True), None)
        if not isinstance(probe, Failure) or probe.next is Next.ROW:
            return None
        return probe if probe.status == 401 and probe.next is Next.JOB else replace(failure, next=Next.JOB)


class _Failed(Exception):
    """The latest sending was not answered well."""


class Attempts(Generic[T]):
    """The attempts that one call gets."""

    def __init__(
        self,
        exchange: Exchange,
        sending: Sending[T],
        *,
        retries: Retries,
        outage: Outage,
        look: Look[T] | None = None,
        final: Callable[[Failure], bool] = never,
    ) -> None:
        """``look`` is a write's: nothing whose outcome is unknown is sent again before it. ``final``: failures that would come again."""
        self._exchange = exchange
        self._sending = sending
        self._retries = retries
        self._outage = outage
        self._look = look
        self._final = final
        self._failure: Failure
        """Of the latest sending; none has failed before `_go_on`."""
        self._sent = 0
        self._failed_first = 0.0
        self._doubtful = False
        """Whether one of the sendings may have been carried out, although it was not answered so."""
        self._looked_after = 0
        """How many sendings there had been at the last look."""

    async def carry_out(self, ticket: Ticket | None) -> Written[T]:
        """What the call is answered. Raises `CallFailed`, `Closed`, and what ``again`` raises.

        ``ticket``: a turn that was waited for ahead.
        """
        started = self._exchange.now()
        result = await self._exchange.answer(self._sending, ticket)
        if not isinstance(result, Failure):
            return Written(value=result, attempts=1, status=200, seconds=self._exchange.now() - started)
        try:
            return msgspec.structs.replace(await self._go_on(result), seconds=self._exchange.now() - started)
        except NothingLeft as nothing:
            seconds = self._exchange.now() - started
            nothing.sent = Written(value=None, attempts=self._sent, status=self._failure.status, seconds=seconds)
            raise

    def _written(self, value: T, status: int | None) -> Written[T]:
        return Written(value=value, attempts=self._sent, status=status, seconds=0.0)

    # ------------------------------------------------------------------------------------------------- after a failure

    async def _go_on(self, failure: Failure) -> Written[T]:
        """After a first sending that failed: waits, looks, sends again, until it is done or not worth another attempt."""
        self._failed_first = self._exchange.now()
        self._count(failure)
        # One retrying object a call: a shared one mixes up the states of calls that run at the same time.
        retrying = tenacity.AsyncRetrying(
            stop=lambda _: not self._worth_it(),
            wait=lambda _: self._retries.backoff(self._sent),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, _Failed)),
            sleep=self._pause,
            reraise=True,
        )
        try:
            if self._worth_it():
                await self._pause(self._retries.backoff(1))
                return await retrying(self._once_more)
        except _Failed:
            pass
        except Closed:
            if not self._doubtful:
                raise
        return await self._given_up()

    def _count(self, failure: Failure) -> None:
        self._sent += 1
        self._failure = failure
        self._doubtful = self._doubtful or failure.undecided

    def _repeatable(self) -> bool:
        return self._failure.next is Next.REPEAT and not self._final(self._failure)

    def _worth_it(self) -> bool:
        return self._repeatable() and self._sent < self._retries.attempts and not self._sending.patience.is_over

    async def _pause(self, seconds: float) -> None:
        self._sending.patience.spend(seconds)
        await self._exchange.pause(seconds, finishing=self._sending.finishing)

    async def _once_more(self) -> Written[T]:
        if self._failure.undecided and (seen := await self._seen()) is not None:
            return seen
        if self._sent == self._retries.attempts - 1:
            silence = await self._outage.wait_for_any_answer(self._failed_first, self._failure, self._sending)
            if silence is not None:
                raise self._failed(silence)
        self._exchange.figures.retries += 1
        try:
            sending, ticket = await self._exchange.anew(self._sending)
        except CallFailed as failed:
            raise self._failed(failed.failure) from None
        result = await self._exchange.answer(sending, ticket)
        if isinstance(result, Failure):
            self._count(result)
            raise _Failed
        self._sent += 1
        return self._written(result, 200)

    async def _given_up(self) -> Written[T]:
        """What a last look tells. Raises `CallFailed` if that was not carried out; as the job's end where nobody is answered any more."""
        if self._doubtful and self._looked_after < self._sent and (seen := await self._seen()) is not None:
            return seen
        silence = await self._outage.met(self._failure, self._sending.patience) if self._repeatable() else None
        raise self._failed(silence or self._failure)

    async def _seen(self) -> Written[T] | None:
        """What a look at the server tells of a write of unknown outcome; None if it was not carried out. Raises `CallFailed`."""
        if self._look is None:
            return None
        try:
            seen = await self._look()
        except CallFailed as blind:
            ends = Next.JOB if blind.failure.next is Next.JOB else Next.ROW
            said = f"{self._failure.said}; and it could not be looked up: {blind.failure.said}"
            raise self._failed(replace(self._failure, next=ends, said=said)) from None
        self._looked_after = self._sent
        return None if seen is None else self._written(seen, self._failure.status)

    def _failed(self, failure: Failure) -> CallFailed:
        """The end of the call, with what is known by then of all its sendings."""
        looked_up = self._doubtful and self._looked_after == self._sent
        return CallFailed(replace(failure, undecided=self._doubtful, looked_up=looked_up), self._sent)
