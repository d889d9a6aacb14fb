"""One call to Rocket.Chat: a request that knows how its own answer is to be read, and the answer as it came."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from bulkjob.rocketchat.bodies import decoded

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the rate limiter counts by: method and path pattern, without the API prefix."""

    method: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[T_co]):
    """One call, and how its answer is read."""

    route: Route
    path: str
    """From the server's root, percent-encoded."""
    read: Callable[[object], T_co]
    """Turns the JSON value of a good answer into what was asked for; raises `Unexpected`."""
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None

    @property
    def writes(self) -> bool:
        """Whether the call changes anything on the server."""
        return self.route.method != "GET"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer as it came; without slots, as it keeps the value that its body was decoded to."""

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
