"""A connection to the workspace, ready for calls, as every command that talks to the server opens it."""

import asyncio
import logging
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Final

from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.http import Transport, connected
from bulkjob.settings import Settings
from bulkjob.vocabulary import Exit, Stop

#: Seconds between two lines of the log that say how far a reading is.
_EVERY: Final = 5.0

log = logging.getLogger("bulkjob")

#: Opens a transport; a parameter, so that a test can put the sandbox's rules in the server's place.
Connect = Callable[[Settings], AbstractAsyncContextManager[Transport]]


def connect(settings: Settings) -> AbstractAsyncContextManager[Transport]:
    """A transport over HTTP. Raises `Stop` (78) for a ``--ca-file`` that holds no certificates."""
    return connected(
        url=settings.url,
        user_id=settings.user_id,
        token=settings.auth_token,
        timeout=settings.timeout,
        concurrency=settings.concurrency,
        ca_file=settings.ca_file,
    )


@asynccontextmanager
async def opened(settings: Settings, connect: Connect = connect) -> AsyncIterator[Client]:
    """A client over a transport of its own."""
    async with connect(settings) as transport:
        yield Client(transport, concurrency=settings.concurrency, attempts=settings.retries, draw=random.random)


@asynccontextmanager
async def reading(client: Client, interrupted: str) -> AsyncIterator[None]:
    """While open, the log tells every few seconds how far it is, and SIGTERM or SIGINT ends what is inside with `Stop` (75, ``interrupted``)."""
    telling = asyncio.create_task(_tell(client))
    try:
        with _interruptible(interrupted):
            yield
    finally:
        telling.cancel()


async def _tell(client: Client) -> None:
    while True:
        await asyncio.sleep(_EVERY)
        waiting = f", waiting for {client.waiting_for}" if client.waiting_for else ""
        log.info("Reading: %d calls so far%s.", client.figures.calls.total(), waiting)


@contextmanager
def _interruptible(interrupted: str) -> Iterator[None]:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    signals: list[int] = []

    def interrupt(number: int) -> None:
        signals.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, interrupt, number)
    try:
        yield
    except asyncio.CancelledError:
        if not signals:
            raise
        raise Stop(Exit.INTERRUPTED, interrupted) from None
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
