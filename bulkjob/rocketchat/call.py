"""One call to Rocket.Chat: a request that knows how its own answer is to be read, and the answer as it came."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from bulkjob.rocketchat.bodies import decoded

T_co = TypeVar("T_co", covariant=True)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """What the rate limiter counts by: method and path pattern, without the API prefix."""

    method: str
    pattern: str


class Request(msgspec.Struct, Generic[T_co], frozen=True, kw_only=True):
    """One call, and how its answer is read."""

    route: Route
    path: str
    """From the server's root, percent-encoded."""
    read: Callable[[object], T_co]
    """Turns the JSON value of a good answer into what was asked for; raises `Unexpected`."""
    shape: Callable[[bytes], T_co] | None = None
    """Does so for the bytes of one in its usual shape, sooner; raises `ValueError` for any other."""
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None

    @property
    def writes(self) -> bool:
        """Whether the call changes anything on the server."""
        return self.route.method != "GET"


class Answer(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """An HTTP answer as it came; with a dictionary, as it keeps the value that its body was decoded to."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @cached_property
    def payload(self) -> object:
        """The JSON value of the body, or `NOT_JSON`."""
        return decoded(self.body)


class Unexpected(Exception):
    """An answer is JSON, but not what this endpoint answers."""
