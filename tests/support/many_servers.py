"""Many workspaces in one process, each on a port of its own: ``python -m tests.support.many_servers FILE``.

FILE is a JSON list with an object for each: ``state``, and whatever else `bulkjob.sandbox.Sandbox` takes beside its clock; one with
``away_until`` listens only when a file of that name is there. Prints the list of their addresses as one line of JSON when all others are
there, and serves until it is killed.
"""

import asyncio
import json
import socket
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.web import running


async def serve(servers: list[dict[str, Any]]) -> None:
    """Serve them all, for good."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        addresses = []
        for server in servers:
            away_until = server.pop("away_until", None)
            sandbox = Sandbox(clock=time.time, **server)
            if away_until is None:
                addresses.append(await stack.enter_async_context(running(sandbox)))
                continue
            port = free_port()
            addresses.append(f"http://127.0.0.1:{port}")
            group.create_task(serve_later(sandbox, port, Path(away_until)))
        sys.stdout.write(f"{json.dumps(addresses)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def serve_later(sandbox: Sandbox, port: int, sign: Path) -> None:
    """Serve from when a file is there."""
    # No event tells that a file has come.
    while not sign.exists():  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    async with running(sandbox, port=port):
        await asyncio.Event().wait()


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
