"""A connection to the workspace, ready for calls, as every command that talks to the server opens it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from bulkjob.phrases import counted
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.http import Credentials, connected
from bulkjob.rocketchat.patience import LONGEST_BACKOFF
from bulkjob.rocketchat.transport import Transport
from bulkjob.settings import Settings
from bulkjob.system import on_signals, tell
from bulkjob.vocabulary import Event, Exit, Stop

#: Seconds between two lines of the log that say how far a reading is.
_EVERY: Final = 5.0


#: Opens a transport; a parameter, so that a test can put the sandbox's rules in the server's place.
Connect = Callable[[Settings], AbstractAsyncContextManager[Transport]]


def connect(settings: Settings) -> AbstractAsyncContextManager[Transport]:
    """A transport over HTTP. Raises `Stop` (78) for a ``--ca-file`` that holds no certificates, and a proxy that cannot be used."""
    try:
        proxy = settings.proxies.towards(settings.url)
    except ValueError as problem:
        raise Stop(Exit.BAD_SETTING, str(problem)) from None
    return connected(
        url=settings.url,
        account=Credentials(user_id=settings.user_id, token=settings.auth_token),
        timeout=settings.timeout,
        concurrency=settings.concurrency,
        ca_file=settings.ca_file,
        proxy=proxy,
        secrets=settings.secrets,
    )


def client_of(settings: Settings, transport: Transport) -> Client:
    """A client that is as patient as the settings say. Must be made in a running event loop."""
    return Client.over(
        transport,
        concurrency=settings.concurrency,
        attempts=settings.retries,
        draw=random.random,
        patience=settings.retries * (settings.timeout + LONGEST_BACKOFF),
    )


@asynccontextmanager
async def opened(settings: Settings, connect: Connect = connect) -> AsyncIterator[Client]:
    """A client over a transport of its own."""
    async with connect(settings) as transport:
        yield client_of(settings, transport)


@asynccontextmanager
async def telling(client: Client) -> AsyncIterator[None]:
    """While open, the log tells every few seconds how many calls were made, what they wait for, and until when."""
    task = asyncio.create_task(_tell(client))
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def reading(client: Client, interrupted: str) -> AsyncIterator[None]:
    """While open, the log tells now and then how far it is, and a signal to end ends what is inside with `Stop` (75, ``interrupted``)."""
    task = asyncio.current_task()
    interruptions = 0

    def interrupt() -> None:
        nonlocal interruptions
        interruptions += 1
        if task is not None:
            task.cancel()

    try:
        with on_signals(interrupt):
            async with telling(client):
                yield
    except asyncio.CancelledError:
        if not interruptions:
            raise
        raise Stop(Exit.INTERRUPTED, interrupted) from None


async def _tell(client: Client) -> None:
    while True:
        await asyncio.sleep(_EVERY)
        waiting = f", waiting for {client.waiting_for}" if client.waiting_for else ""
        calls = client.figures.calls.total()
        tell(Event.CALLS_READING, f"Reading: {counted(calls, 'call')} so far{waiting}.", calls=calls)
