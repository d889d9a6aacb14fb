"""The thin layer over aiohttp: sends one request, returns one answer without the account's secrets in it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from bulkjob.rocketchat.bodies import encoded
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.settings import MASK, Mask, Proxy, Secret, basic_authorization, proxy_variable
from bulkjob.system import MOST_AROUND, TooMuchAroundError, bounded_connector, trusted
from bulkjob.vocabulary import Code

#: Bytes of an answer's body at most; whole workspaces come in pages of some hundred kilobytes.
LARGEST_ANSWER: Final = 64 * 1024 * 1024


#: Objects in it at most, and values in all: the shorter they are, the more memory each byte of the answer takes.
MOST_OBJECTS: Final = 1_000_000
_MOST_VALUES: Final = 5_000_000


#: The status by which a proxy asks who it is talking to; only proxies have it (RFC 9110, 15.5.8).
_PROXY_LOGIN: Final = 407


#: Those below 500 that say that a call comes at a bad time.
_PASSING: Final = frozenset({408, 425, 429})


#: Bytes of a line of an answer's head. aiohttp's own 8,190 are less than what single sign-on puts before some servers.
_LONGEST_LINE: Final = 64 * 1024


#: Characters of a header that is remembered as it is shown.
_ORDINARY_HEADER: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whom the calls are made as."""

    user_id: str
    token: Secret


class HttpTransport:
    """`Transport` over one aiohttp session. Nothing that comes back through it has the token or a password in it."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, account: Credentials, proxy: Proxy | None, secrets: Iterable[Secret]
    ) -> None:
        self._session = session
        self._base = base
        self._secure = URL(base).scheme == "https"
        self._account = account
        self._proxy = proxy
        self._mask = Mask([account.token, *secrets])
        self._has_masked = False
        # Most are the same in every answer.
        self._known_header = lru_cache(maxsize=512)(self._mask.text)

    async def send(self, request: Request[object]) -> Answer:
        """See `Transport`."""
        body = None if request.body is None else encoded(request.body)
        if self._has_masked and body is not None and MASK.encode() in body:
            said = "what would be written back holds the account's token or a password, which bulkjob does not repeat"
            raise NoAnswer(Failure(next=Next.ROW, code=Code.REJECTED, said=said, unsent=True))
        url = URL(self._base + request.path, encoded=True)
        try:
            async with self._session.request(
                request.route.method,
                url.update_query(request.query) if request.query else url,
                data=body,
                allow_redirects=False,
                headers=self._headers(has_body=body is not None),
                proxy=self._proxy.address if self._proxy else None,
                proxy_headers=self._proxy_headers() if self._secure else None,
            ) as response:
                answered = await _body(response)
                if response.status == _PROXY_LOGIN and self._proxy:
                    failure = _refused_by(self._proxy, response.status, secure=self._secure)
                elif answered is None:
                    failure = _too_large(response.status, writes=request.writes)
                else:
                    return self._answer(response.status, response.headers, answered)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = _failure(error, self._proxy, secure=self._secure, writes=request.writes)
        # Raised out here, so that nothing leads to the exception itself: aiohttp keeps the request's headers in some, and so the token.
        raise NoAnswer(replace(failure, said=self._mask.text(failure.said)))

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        masked = self._mask.body(body)
        self._has_masked = self._has_masked or masked != body
        told = {name.lower(): self._header(value) for name, value in headers.items()}
        return Answer(status=status, headers=told, body=masked)

    def _header(self, value: str) -> str:
        return self._known_header(value) if len(value) <= _ORDINARY_HEADER else self._mask.text(value)

    def _headers(self, *, has_body: bool) -> dict[str, str]:
        """The headers of a request: not the session's, which aiohttp would send to a proxy that is asked for a tunnel."""
        return {
            "X-User-Id": self._account.user_id,
            "X-Auth-Token": self._account.token.reveal(),
            "Accept": "application/json",
            **({"Content-Type": "application/json"} if has_body else {}),
            # Without TLS there is no tunnel, and the request itself tells the proxy who asks.
            **({} if self._secure else self._proxy_headers()),
        }

    def _proxy_headers(self) -> dict[str, str]:
        if self._proxy is None or not self._proxy.credentials:
            return {}
        return {"Proxy-Authorization": basic_authorization(self._proxy.credentials).reveal()}


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body, unpacked; None if it is larger than `LARGEST_ANSWER`, of which no more is read then, or holds too much."""
    parts: list[bytes] = []
    left = LARGEST_ANSWER
    while part := await response.content.readany():
        left -= len(part)
        if left < 0:
            response.close()
            return None
        parts.append(part)
    body = b"".join(parts)
    return None if body.count(b"{") > MOST_OBJECTS or body.count(b",") > _MOST_VALUES else body


# ------------------------------------------------------------------------------------------------------------------- failures


def _too_large(status: int, *, writes: bool) -> Failure:
    most = f"{LARGEST_ANSWER // 1024 // 1024} MB, or {MOST_OBJECTS:,} entries"
    said = f"an answer (HTTP {status}) of more than {most}, which is the most that bulkjob reads"
    return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said=said, undecided=writes)


def _refused_by(proxy: Proxy, status: int, *, secure: bool) -> Failure:
    """What it means that a proxy does not pass a call on: it has decided so, and would again."""
    wants = "wants another user name or password" if status == _PROXY_LOGIN else "does not pass bulkjob's calls on to this server"
    return Failure(
        next=Next.JOB,
        code=Code.CONNECTION,
        said=f"the proxy {proxy.address} {wants} (HTTP {status})",
        remedy=f"Check {proxy_variable(secure=secure)}, and NO_PROXY if the server is to be reached without a proxy.",
        by_proxy=True,
        unsent=True,
    )


def _failure(error: Exception, proxy: Proxy | None, *, secure: bool, writes: bool) -> Failure:
    """What a broken call means. Only a connection that was never made is certain not to have carried anything."""
    if isinstance(error, aiohttp.ClientHttpProxyError) and proxy and 400 <= error.status < 500 and error.status not in _PASSING:
        return _refused_by(proxy, error.status, secure=secure)
    if (unconnected := _unconnected(error, proxy)) is not None:
        return replace(unconnected, unsent=True)
    if isinstance(error, TimeoutError):
        return Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer within the time limit", undecided=writes)
    if isinstance(error, TooMuchAroundError):
        most = f"{MOST_AROUND // 1024 // 1024} MB"
        said = f"an answer with more than {most} around its text (headers, ends of pieces, interim answers), the most that bulkjob reads"
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said=said, undecided=writes)
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError | ValueError):
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said="an answer that is cut short or is not HTTP", undecided=writes)
    return Failure(next=Next.REPEAT, code=Code.CONNECTION, said="the connection broke before the answer was there", undecided=writes)


def _unconnected(error: Exception, proxy: Proxy | None) -> Failure | None:  # noqa: PLR0911 - one for each way to fail
    """What it means that no connection was made; None if one was."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _untrusted(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        reason = getattr(error.os_error, "reason", None) or type(error.os_error).__name__
        return Failure(next=Next.REPEAT, code=Code.CONNECTION, said=f"no TLS connection to {error.host}:{error.port} ({reason})")
    if isinstance(error, aiohttp.ClientProxyConnectionError) and proxy is not None:
        said = f"no connection to the proxy {proxy.address} ({_reason(error.os_error)})"
        return Failure(next=Next.REPEAT, code=Code.CONNECTION, said=said)
    if isinstance(error, aiohttp.ClientConnectorError):
        said = f"no connection to {error.host}:{error.port} ({_reason(error.os_error)})"
        return Failure(next=Next.REPEAT, code=Code.CONNECTION, said=said)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Failure(next=Next.REPEAT, code=Code.CONNECTION, said=f"the proxy refuses the connection (HTTP {error.status})")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        way = f" to the proxy {proxy.address}" if proxy else ""
        return Failure(next=Next.REPEAT, code=Code.TIMEOUT, said=f"no connection{way} within the time limit")
    return None


def _reason(error: OSError) -> str:
    """Why no connection was made, in the system's words; asyncio's own have Python's spelling of the address in them."""
    # Names that nobody knows have numbers of the resolver's, which are negative, and its words.
    if error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or "it broke off").lower()


#: OpenSSL's reasons not to trust a certificate (x509_vfy.h) that no other file of certificates mends.
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_OTHER_HOST: Final = frozenset({62, 64})


def _untrusted(error: Exception) -> Failure:
    """What it means that the server's certificate is not good, and what to do about it."""
    code = getattr(error, "verify_code", 0)
    reason = getattr(error, "verify_message", "") or type(error).__name__
    if code == _EXPIRED:
        said, remedy = "the server's certificate has expired", "Whoever runs the server has to renew it"
    elif code == _NOT_YET_VALID:
        said, remedy = "the server's certificate is not valid yet", "Check this machine's clock; if it is right, the certificate is not"
    elif code in _OTHER_HOST:
        said = f"the server's certificate is for another name ({reason.rstrip('.')})"
        remedy = "Use the address that the certificate is for as --url (ROCKETCHAT_URL), or have the server given one for this address"
    else:
        said = f"the server's certificate is not trusted ({reason})"
        remedy = "If your company signs its own certificates, name the file with its root certificate with --ca-file (BULKJOB_CA_FILE)"
    return Failure(next=Next.JOB, code=Code.CONNECTION, said=said, untrusted=True, remedy=f"{remedy}.")


# ----------------------------------------------------------------------------------------------------------------- connection


@asynccontextmanager
async def connected(
    *,
    url: str,
    account: Credentials,
    timeout: float,
    concurrency: int,
    ca_file: Path | None = None,
    proxy: Proxy | None = None,
    secrets: Iterable[Secret] = (),
) -> AsyncIterator[HttpTransport]:
    """A transport to the server at ``url``; ``timeout`` seconds for a call, at most ``concurrency`` connections.

    ``secrets``: what must not come back through it, beside the token. Raises `Stop` (78) for a ``ca_file`` that holds no certificates.
    """
    session = aiohttp.ClientSession(
        connector=bounded_connector(certificates=True if ca_file is None else trusted(ca_file), limit=concurrency),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 10.0)),
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
    )
    # A PUT whose connection breaks would be sent a second time behind our back, after its first sending may have been carried out.
    # There is no public switch (aiohttp 3.14, ClientSession._request); `client` decides about repeating.
    session._retry_connection = False  # noqa: SLF001
    try:
        yield HttpTransport(session, url.rstrip("/"), account, proxy, secrets)
    finally:
        await session.close()
        await asyncio.sleep(0)
