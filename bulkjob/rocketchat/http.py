"""The thin layer over aiohttp: sends one request, returns one answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiohttp
from yarl import URL

from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.vocabulary import Code, Exit, Stop


class Revealable(Protocol):
    """A secret as the settings keep it."""

    def reveal(self) -> str:
        """The secret itself."""


class HttpTransport:
    """`Transport` over one aiohttp session, which carries the account's headers."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def send(self, request: Request[object]) -> Answer:
        """See `Transport`."""
        url = URL(self._base + request.path, encoded=True).update_query(request.query)
        try:
            async with self._session.request(request.route.method, url, json=request.body, allow_redirects=False) as response:
                body = await response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status, headers=headers, body=body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = _failure(error, writes=request.writes)
        # Raised out here, so that nothing leads to the exception itself: aiohttp keeps the request's headers in some, and so the token.
        raise NoAnswer(failure)


def _failure(error: Exception, *, writes: bool) -> Failure:
    """What a broken call means. Only a connection that was never made is certain not to have carried anything."""
    if (unconnected := _unconnected(error)) is not None:
        return unconnected
    if isinstance(error, TimeoutError):
        return Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer within the time limit", undecided=writes)
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError | ValueError):
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said="an answer that is cut short or is no HTTP", undecided=writes)
    return Failure(next=Next.REPEAT, code=Code.CONNECTION, said="the connection broke before the answer was there", undecided=writes)


def _unconnected(error: Exception) -> Failure | None:
    """What it means that no connection was made; None if one was."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or type(error.certificate_error).__name__
        said = f"the server's certificate is not trusted ({reason})"
        return Failure(next=Next.JOB, code=Code.CONNECTION, said=said, untrusted=True)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        reason = getattr(error.os_error, "reason", None) or type(error.os_error).__name__
        return Failure(next=Next.REPEAT, code=Code.CONNECTION, said=f"no TLS connection to {error.host}:{error.port} ({reason})")
    if isinstance(error, aiohttp.ClientConnectorError):
        said = f"no connection to {error.host}:{error.port} ({error.strerror or 'refused'})"
        return Failure(next=Next.REPEAT, code=Code.CONNECTION, said=said)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Failure(next=Next.REPEAT, code=Code.CONNECTION, said=f"the proxy makes no connection (HTTP {error.status})")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no connection within the time limit")
    return None


@asynccontextmanager
async def connected(
    *, url: str, user_id: str, token: Revealable, timeout: float, concurrency: int, ca_file: Path | None
) -> AsyncIterator[HttpTransport]:
    """A transport to the server at ``url``; ``timeout`` seconds for a call, at most ``concurrency`` connections.

    Raises `Stop` (78) for a ``ca_file`` that holds no certificates.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency, ssl=_certificates(ca_file)),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 10.0)),
        headers=_headers(user_id, token),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
    )
    # A PUT whose connection breaks would be sent a second time behind our back, after its first sending may have been carried out.
    # There is no public switch (aiohttp 3.14, ClientSession._request); `client` decides about repeating.
    session._retry_connection = False  # noqa: SLF001
    try:
        yield HttpTransport(session, url.rstrip("/"))
    finally:
        await session.close()
        await asyncio.sleep(0)


def _headers(user_id: str, token: Revealable) -> Mapping[str, str]:
    return {"X-User-Id": user_id, "X-Auth-Token": token.reveal(), "Accept": "application/json"}


def _certificates(ca_file: Path | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError):
        message = f"--ca-file {ca_file}: no readable file of certificates (PEM). Name the file with your company's root certificate."
        raise Stop(Exit.BAD_SETTING, message) from None
