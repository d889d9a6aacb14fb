"""Connections of aiohttp that end an answer which is hardly anything but what stands around its body.

A body has a bound where it is read. What a server sends besides (interim answers, headers, the ends of pieces, packed nothing) reaches
nobody who could count it, and takes far longer than a body of as many bytes.
"""

import functools
import ssl
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler

#: Bytes of an answer that may come beside its body and as many as that has.
MOST_AROUND: Final = 2**20


class TooMuchAroundError(aiohttp.ClientPayloadError):
    """An answer was given up, as more came around its body than `MOST_AROUND`."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_AROUND // 2**20} MB around the text of an answer")


class _Counting(ResponseHandler):
    """Counts what comes over one connection for one answer."""

    _came = 0

    def set_response_params(self, **params: Any) -> None:  # noqa: ANN401 - whatever the library's own takes
        """An answer begins."""
        self._came = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._came += len(data)
        super().data_received(data)
        body = self._payload.total_bytes if self._payload is not None else 0
        if self._came > MOST_AROUND + 2 * body and self.transport is not None and not self.transport.is_closing():
            self.transport.abort()
            self.set_exception(TooMuchAroundError())
            if self._payload is not None:
                self._payload.set_exception(TooMuchAroundError())


def bounded_connector(*, certificates: ssl.SSLContext | bool, limit: int = 100) -> aiohttp.TCPConnector:
    """A connector for at most ``limit`` connections at a time."""
    made = aiohttp.TCPConnector(limit=limit, ssl=certificates)
    protocol: type[ResponseHandler] = _Counting
    # There is no public way to say what makes a connection's protocol (aiohttp 3.14).
    made._factory = functools.partial(protocol, loop=made._loop)  # noqa: SLF001
    return made
