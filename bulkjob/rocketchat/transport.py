"""What carries a request to the server, as a protocol; the adapter for aiohttp is `http`."""

from typing import Generic, Protocol

import msgspec

from bulkjob.rocketchat.call import Answer, Request, T_co
from bulkjob.rocketchat.failures import Failure


class Written(msgspec.Struct, Generic[T_co], frozen=True, kw_only=True):
    """A write that is known to have been carried out."""

    value: T_co
    attempts: int
    """Without refusals by the rate limit and without look-ups."""
    status: int | None
    """Of the last answer; None where the last attempt got none and a look-up told that it was carried out."""
    seconds: float
    """From the first sending to the certainty."""


class NothingLeft(Exception):
    """Raised where a call that is made anew turns out to have nothing left to send."""

    sent: Written[None] | None = None
    """How it was sent before, as far as the server may have taken it in; filled in on its way to whoever waits for the call."""


class NoAnswer(Exception):
    """A call got no answer; the failure says whether it may have been carried out."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.said)
        self.failure = failure


class Transport(Protocol):
    """Carries one request to the server."""

    async def send(self, request: Request[object]) -> Answer:
        """The server's answer, whatever it says. Raises `NoAnswer`."""
