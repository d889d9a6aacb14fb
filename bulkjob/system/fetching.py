"""A file in a store as bytes."""

from collections.abc import Callable
from io import BytesIO

from fsspec.asyn import get_loop, sync

from bulkjob.settings import Settings
from bulkjob.system.store import as_sent, opened, persistently


def fetched(address: str, settings: Settings, watch: Callable[[BytesIO], None], doing: str) -> bytes:
    """What lies at an https, http or s3 address, with ``--retries`` attempts.

    ``watch`` sees what has come so far, after each piece, and may end the reading by what it raises. ``doing``: the beginning of a line of
    the log about an attempt that failed. Raises `StoreFailed`, and `Stop` (78).
    """

    async def reading() -> bytes:
        async with opened(address, settings) as store:

            async def attempt() -> bytes:
                received = BytesIO()

                def receive(piece: bytes) -> None:
                    received.write(piece)
                    watch(received)

                await store.read(as_sent(address), receive)
                return received.getvalue()

            return await persistently(attempt, settings.retries, doing)

    # In a thread of fsspec's: some who read a sheet are in an event loop already, and a signal ends the waiting at once.
    data: bytes = sync(get_loop(), reading)
    return data
