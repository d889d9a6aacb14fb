"""Answers that aioresponses gives in place of a server."""

from dataclasses import dataclass
from typing import Any

import aiohttp
from aioresponses import aioresponses


@dataclass(frozen=True, slots=True)
class _NoWriter:
    output_size: int = 0


class _BridgedResponse(aiohttp.ClientResponse):
    """aiohttp 3.14 wants a ``stream_writer`` that aioresponses 0.7.9 does not give (aioresponses#289)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", _NoWriter())
        super().__init__(*args, **kwargs)


class Replies:
    """Answers that aioresponses gives in place of a server, and the requests that it saw."""

    def __init__(self, mocked: aioresponses) -> None:
        self._mocked = mocked

    def add(self, method: str, url: str, **answer: Any) -> None:
        """The next answer to this call; ``answer`` as aioresponses takes it."""
        self._mocked.add(url, method=method, response_class=_BridgedResponse, **answer)

    @property
    def seen(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Method, URL and arguments of every request, in order of their first appearance."""
        return [(method, str(url), call.kwargs) for (method, url), calls in self._mocked.requests.items() for call in calls]
