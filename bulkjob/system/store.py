"""Places in a network where files lie: a web server (http, https) or an object store (s3), by way of fsspec.

Nothing of what the libraries say is handed on: their messages hold addresses with passwords and signatures.
"""

import asyncio
import mimetypes
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from logging import WARNING
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import fsspec
import tenacity

from bulkjob.settings import Settings, in_ascii
from bulkjob.system.certificates import trusted
from bulkjob.system.connector import bounded_connector
from bulkjob.system.log import tell
from bulkjob.system.store_failures import StoreFailed, failed_with_status, failure_of
from bulkjob.system.store_packages import refuse_unusable_store
from bulkjob.vocabulary import Event, Exit, Stop

T = TypeVar("T")


#: Seconds until a connection is made, at most.
_CONNECTING: Final = 10.0


#: Seconds for one file, however slowly it comes; a gigabyte takes no longer on a line of 15 Mbit/s.
_LONGEST_TRANSFER: Final = 600.0


#: Bytes that are asked for at a time.
_PIECE: Final = 2**20


#: Seconds between attempts: full jitter up to this times 2ⁿ⁻¹ …
_BACKOFF: Final = 0.5
#: … but never longer than this.
_LONGEST_BACKOFF: Final = 30.0


class Store:
    """A store that is open. Its paths are whole addresses."""

    def __init__(self, files: Any, *, web: bool) -> None:  # noqa: ANN401 - fsspec has no types
        """``files``: a file system of fsspec, of a web server or another."""
        self._files = files
        self._web = web

    async def read(self, path: str, receive: Callable[[bytes], None]) -> None:
        """Hands on what lies at ``path``, piece by piece. Raises `StoreFailed`, and what ``receive`` raises."""
        # (Where a size is given, fsspec does not ask for it by a request of its own, which a signed address would not allow.)
        with _translated():
            file = await self._files.open_async(path, "rb", **({"size": 0} if self._web else {}))
            try:
                while piece := await file.read(_PIECE):
                    receive(piece)
            finally:
                await file.close()

    async def write(self, file: Path, path: str) -> None:
        """Puts a file at ``path``. Raises `StoreFailed`."""
        options = _web_options(file) if self._web else {}
        with _translated():
            await self._files._put_file(str(file), path, **options)  # noqa: SLF001 - so fsspec names what coroutines are to call

    async def remove(self, path: str) -> None:
        """Takes away what lies at ``path``; nothing happens where nothing does. Raises `StoreFailed`."""
        with _translated(), suppress(_Gone):
            if self._web:
                session = await self._files.set_session()
                async with session.delete(self._files.encode_url(path), allow_redirects=False):
                    pass
            else:
                await self._files._rm_file(path)  # noqa: SLF001 - as above


def _web_options(file: Path) -> dict[str, object]:
    """How a file is put on a web server. With its length: not every server takes a body in chunks."""
    kind, _ = mimetypes.guess_type(file.name)
    headers = {"Content-Length": str(file.stat().st_size), "Content-Type": kind or "application/octet-stream"}
    return {"headers": headers, "method": "put", "allow_redirects": False}


def opened(address: str, settings: Settings) -> AbstractAsyncContextManager[Store]:
    """The store of an address. Raises `StoreFailed`; `Stop` (78) for a ``--ca-file`` without certificates, or a package that is missing."""
    refuse_unusable_store(address)
    return _s3(settings) if address.startswith("s3://") else _web(address, settings)


@contextmanager
def _translated() -> Iterator[None]:
    """While open, what libraries raise is told as `StoreFailed`."""
    failure: StoreFailed | None = None
    try:
        yield
    except (StoreFailed, Stop):
        raise
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
    # Raised out here, so that no traceback shows the libraries' words.
    if failure is not None:
        raise failure


async def persistently(attempt: Callable[[], Awaitable[T]], attempts: int, doing: str) -> T:
    """What ``attempt`` returns, tried again where that may help. Raises `StoreFailed`. ``doing``: the beginning of a line of the log."""

    def say(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0
        message = f"{doing}: {error}; attempt {state.attempt_number} of {attempts}, the next one in {seconds:.0f} s."
        tell(Event.STORE_RETRY, message, level=WARNING, attempt=state.attempt_number, attempts=attempts)

    retrying = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_random_exponential(multiplier=_BACKOFF, max=_LONGEST_BACKOFF),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, StoreFailed) and error.exit_code is Exit.UNAVAILABLE),
        before_sleep=say,
        reraise=True,
    )
    return await retrying(_within, attempt)


async def _within(attempt: Callable[[], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(_LONGEST_TRANSFER):
            return await attempt()
    except TimeoutError:
        raise StoreFailed(Exit.UNAVAILABLE, f"a file took longer than {_LONGEST_TRANSFER:.0f} s") from None


# --------------------------------------------------------------------------------------------------------------- web servers


class _Gone(Exception):
    """Nothing lies there."""


def _judging(address: str) -> Callable[[aiohttp.ClientResponse], Awaitable[None]]:
    """Judges the answers to what was asked at ``address``, or where that leads to."""

    async def judge(response: aiohttp.ClientResponse) -> None:
        if response.method == "DELETE" and response.status in (404, 410):
            raise _Gone
        # Also a redirect of what was to be written is a failure: it leads to a page that asks who we are.
        if not 200 <= response.status < 300:
            raise failed_with_status(response.status)
        if address.startswith("https:") and response.url.scheme != "https":
            raise StoreFailed(Exit.NO_INPUT, "the address leads to one without encryption")

    return judge


@asynccontextmanager
async def _web(address: str, settings: Settings) -> AsyncIterator[Store]:
    try:
        proxy = settings.proxies.towards(address)
    except ValueError as problem:
        raise StoreFailed(Exit.BAD_SETTING, str(problem).rstrip(".")) from None
    certificates = trusted(settings.ca_file)

    async def session(**_: object) -> aiohttp.ClientSession:
        made = aiohttp.ClientSession(
            connector=bounded_connector(certificates=certificates),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(settings.timeout, _CONNECTING), sock_read=settings.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            raise_for_status=_judging(address),
            proxy=proxy.whole.reveal() if proxy else None,
        )
        # Else a request whose connection breaks would be sent a second time behind our back, and --retries would not say how often.
        made._retry_connection = False  # noqa: SLF001 - there is no public switch (aiohttp 3.14)
        return made

    files = fsspec.get_filesystem_class("https")(asynchronous=True, skip_instance_cache=True, encoded=True, get_client=session)
    opened_session = await files.set_session()
    try:
        yield Store(files, web=True)
    finally:
        await opened_session.close()


# ------------------------------------------------------------------------------------------------------------- object stores


@asynccontextmanager
async def _s3(settings: Settings) -> AsyncIterator[Store]:
    """An S3 store, as the usual AWS settings describe it; they are read by its library."""
    kind = fsspec.get_filesystem_class("s3")
    trusted(settings.ca_file)

    async def connected(proxies: dict[str, str]) -> Any:  # noqa: ANN401 - fsspec has no types
        files = kind(
            asynchronous=True,
            skip_instance_cache=True,
            use_listings_cache=False,
            client_kwargs={"verify": _certificate_file(settings)},
            config_kwargs={
                "proxies": proxies,
                # Each attempt is ours, so that --retries says how many there are.
                "retries": {"total_max_attempts": 1},
                "connect_timeout": min(settings.timeout, _CONNECTING),
                "read_timeout": settings.timeout,
            },
        )
        files.retries = 1
        with _translated():
            await files.set_session()
        files.s3.meta.events.register_last("before-call.s3", _without_expectation)
        return files

    files = await connected({})
    try:
        endpoint = str(files.s3.meta.endpoint_url)
        try:
            proxy = settings.proxies.towards(endpoint)
        except ValueError as problem:
            raise StoreFailed(Exit.BAD_SETTING, str(problem).rstrip(".")) from None
        if proxy is not None:
            await files.s3.close()
            files = await connected(dict.fromkeys(("http", "https"), proxy.whole.reveal()))
        yield Store(files, web=False)
    finally:
        await files.s3.close()


def _without_expectation(params: dict[str, Any], **_: object) -> None:
    """Takes a header away with which aiohttp waits for ever: for a store, or a proxy before it, that does not know how to say "go on"."""
    params["headers"].pop("Expect", None)


def _certificate_file(settings: Settings) -> str | bool:
    """The file of certificates, or True for those that the library brings along; ``AWS_CA_BUNDLE`` is one of the usual AWS settings."""
    if settings.ca_file is not None:
        return str(settings.ca_file)
    return os.environ.get("AWS_CA_BUNDLE") or ssl.get_default_verify_paths().cafile or True


def as_sent(address: str) -> str:
    """An address as `Store` takes it."""
    return address if address.startswith("s3://") else in_ascii(address)
