"""Virtual time, and answers in place of a server's."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from aioresponses import aioresponses

from tests.support.connections import CERTIFICATE
from tests.support.replies import Replies
from tests.support.virtual_time import VirtualTimeLoop


@pytest.fixture(scope="session")
def on_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """A function that runs a coroutine on a loop that never really waits, and returns its result."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run


@pytest.fixture
def replies() -> Iterator[Replies]:
    """Answers that stand in for every server while a test runs."""
    with aioresponses() as mocked:
        yield Replies(mocked)


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
