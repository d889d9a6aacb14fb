"""A connection to the workspace, ready for calls, as every command that talks to the server opens it."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.http import Transport, connected
from bulkjob.settings import Settings

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
