"""`bulkjob sandbox`: serves a workspace until it is told to stop."""

import asyncio
import json
import math
import signal
import time
from importlib import resources
from pathlib import Path
from typing import Any

from bulkjob.sandbox.faults import explanation
from bulkjob.sandbox.server import Sandbox
from bulkjob.sandbox.web import running


def serve(
    *,
    host: str,
    port: int,
    state: Path | None,
    rate_limit: str | None,
    server_version: str,
    latency_ms: float,
    faults: str | None,
    seed: int | None,
) -> int:
    """Serve until SIGTERM or SIGINT and return 0.

    Prints ``listening on http://HOST:PORT`` when ready and, for the built-in workspace, the settings to use it with. Without a
    `seed` it is 0. Raises ValueError with one sentence for a state, specification or address that cannot be served.

    Of the `faults` ``help``, prints what they may be and serves nothing.
    """
    if faults == "help":
        print(explanation())  # noqa: T201 - the command's output
        return 0
    if not 0 <= latency_ms < math.inf:
        raise ValueError(f"the latency {latency_ms} is not a number of milliseconds from 0 up")
    sandbox = Sandbox(
        read_state(state) if state else built_in_state(),
        clock=time.time,
        server_version=server_version,
        rate_limit=rate_limit,
        faults=faults,
        seed=seed or 0,
    )
    asyncio.run(_serve(sandbox, host=host, port=port, latency_ms=latency_ms, built_in=state is None))
    return 0


def built_in_state() -> dict[str, Any]:
    """The small workspace that is served where no other is given."""
    text = resources.files("bulkjob.sandbox").joinpath("workspace.json").read_text(encoding="utf-8")
    state: dict[str, Any] = json.loads(text)
    return state


def read_state(path: Path) -> Any:  # noqa: ANN401 - whether it is a workspace is for the sandbox to say
    """The JSON of a state file; raises ValueError with one sentence."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"the state file {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"the state file {path} is not JSON: {error}") from error


async def _serve(sandbox: Sandbox, *, host: str, port: int, latency_ms: float, built_in: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(sandbox, host=host, port=port, latency_ms=latency_ms) as url:
            print(f"listening on {url}", flush=True)  # noqa: T201 - the command's output
            if built_in:
                print(_settings(url), flush=True)  # noqa: T201 - as above
            await stop.wait()
    except OSError as error:
        raise ValueError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _settings(url: str) -> str:
    return "\n".join(
        [
            f"ROCKETCHAT_URL={url}",
            "ROCKETCHAT_USER_ID=u-admin",
            "ROCKETCHAT_AUTH_TOKEN=token-admin",
            "# For an account that the rate limit holds for: ROCKETCHAT_USER_ID=u-manager ROCKETCHAT_AUTH_TOKEN=token-manager",
        ]
    )
