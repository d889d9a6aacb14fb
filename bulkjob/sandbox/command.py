"""`bulkjob sandbox`: serves a workspace until it is told to stop."""

import asyncio
import ipaddress
import json
import math
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from bulkjob.sandbox.admission import token_of
from bulkjob.sandbox.bodies import json_of
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

    Prints ``listening on http://HOST:PORT`` when ready, then the settings to use it with; warns on standard error where others than this
    machine can reach `host`. `state` is read once and never written to. Without a `seed` it is 0. Raises ValueError with one sentence for
    a state, specification or address that cannot be served.

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
    if (warning := warning_of(host)) is not None:
        print(warning, file=sys.stderr, flush=True)  # noqa: T201 - the command's output
    asyncio.run(_serve(sandbox, host=host, port=port, latency_ms=latency_ms))
    return 0


def built_in_state() -> dict[str, Any]:
    """The small workspace that is served where no other is given."""
    text = resources.files("bulkjob.sandbox").joinpath("workspace.json").read_text(encoding="utf-8")
    state: dict[str, Any] = json.loads(text)
    return state


def read_state(path: Path) -> Any:  # noqa: ANN401 - whether it is a workspace is for the sandbox to say
    """The JSON of a state file; raises ValueError with one sentence."""
    try:
        return json_of(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"the state file {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ValueError(f"the state file {path} is not JSON: {error}") from error


async def _serve(sandbox: Sandbox, *, host: str, port: int, latency_ms: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running(sandbox, host=host, port=port, latency_ms=latency_ms) as url:
            print(f"listening on {url}", flush=True)  # noqa: T201 - the command's output
            print(settings(sandbox.state(), url), flush=True)  # noqa: T201 - as above
            await stop.wait()
    except OSError as error:
        raise ValueError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def settings(state: Mapping[str, Any], url: str) -> str:
    """The settings to use this workspace with, one a line: an administrator's, and an account's that the rate limit holds for.

    Where there is no such account, a comment says so. Tokens of a sandbox are no secrets.
    """
    able = [user for user in state["users"] if user.get("active", True) and _may(state, user, "manage-livechat-departments")]
    free = [user for user in able if _may(state, user, "api-bypass-rate-limit")]
    limited = [user for user in able if not _may(state, user, "api-bypass-rate-limit")]
    first, *_ = [*free, *limited, None]
    lines = [f"ROCKETCHAT_URL={url}"]
    if first is None:
        return "\n".join([*lines, "# No account of this workspace has the permission manage-livechat-departments."])
    lines += _account(first)
    if free and limited:
        lines.append(f"# For an account that the rate limit holds for: {' '.join(_account(limited[0]))}")
    return "\n".join(lines)


def _account(user: Mapping[str, Any]) -> list[str]:
    return [f"ROCKETCHAT_USER_ID={user['_id']}", f"ROCKETCHAT_AUTH_TOKEN={token_of(user)}"]


def _may(state: Mapping[str, Any], user: Mapping[str, Any], permission: str) -> bool:
    return not set(state["permissions"].get(permission) or ()).isdisjoint(user.get("roles", ()))


def warning_of(host: str) -> str | None:
    """What to say before listening on an address that others than this machine may reach; None for a loopback address."""
    with suppress(ValueError):
        if ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
            return None
    return f"Warning: other machines may reach this sandbox on {host or 'every address'}, and its tokens are easy to guess."
