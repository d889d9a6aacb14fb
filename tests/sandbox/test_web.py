"""The sandbox over real HTTP: its own endpoints, lost answers, and the command."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.command import built_in_state, serve, settings, warning_of
from bulkjob.sandbox.web import running

ADMIN = {"X-User-Id": "u-admin", "X-Auth-Token": "token-admin"}
AGENTS = "/api/v1/livechat/department/dept-a/agents"
ADD = {"upsert": [{"agentId": "u-agent3", "username": "agent3"}], "remove": []}
PROGRAM = """
import sys
from pathlib import Path
from bulkjob.sandbox.command import serve

state = Path(sys.argv[1]) if len(sys.argv) > 1 else None
sys.exit(serve(host="127.0.0.1", port=0, state=state, rate_limit=None, server_version="7.0", latency_ms=0, faults=None, seed=None))
"""


async def test_own_endpoints(workspace: Any, clock: Any) -> None:
    """The state has all keys of a state file, the calls are those of others, and both need no sign-in."""
    sandbox = Sandbox(workspace, clock=clock)
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        async with session.post(url + AGENTS, json=ADD, headers=ADMIN) as answer:
            assert answer.status == 200
            assert answer.headers.getall("Date") == ["Fri, 15 Jan 2027 08:00:00 GMT"]
        async with session.get(f"{url}/_sandbox/state") as answer:
            assert await answer.json() == sandbox.state()
        async with session.get(f"{url}/_sandbox/calls") as answer:
            assert await answer.json() == [
                {"method": "POST", "route": "livechat/department/:id/agents", "path": AGENTS, "status": 200, "time": clock.now}
            ]
        async with session.post(f"{url}/_sandbox/state") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(("kind", "rows"), [("reset-before", 3), ("reset-after", 4)])
async def test_reset(kind: str, rows: int, workspace: Any, clock: Any) -> None:
    """A reset breaks the connection, before the work or after it."""
    sandbox = Sandbox(workspace, clock=clock, faults=kind)
    async with running(sandbox) as url, aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await session.post(url + AGENTS, json=ADD, headers=ADMIN)
    assert len(sandbox.state()["departmentAgents"]) == rows


async def test_timeout(workspace: Any, clock: Any) -> None:
    """A call that is not answered waits until the client has had enough, and holds up no other nor the server's end."""
    sandbox = Sandbox(workspace, clock=clock, faults="timeoutx2")
    async with aiohttp.ClientSession(headers=ADMIN) as session:
        async with running(sandbox) as url:
            with pytest.raises(TimeoutError):
                await session.post(url + AGENTS, json=ADD, timeout=aiohttp.ClientTimeout(total=0.1))
            waiting = asyncio.create_task(session.post(url + AGENTS, json=ADD))
            await _received(sandbox, 2)
            async with session.get(url + AGENTS) as answer:
                assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await waiting
    assert [entry["status"] for entry in sandbox.calls()] == [0, 0, 200]


async def test_restart_drops_what_is_in_flight(workspace: Any, clock: Any) -> None:
    """A restart breaks every connection with a call in flight, and the list of calls shows that none was answered."""
    sandbox = Sandbox(workspace, clock=clock, faults="restart+2x1")
    async with running(sandbox, latency_ms=2000) as url, aiohttp.ClientSession(headers=ADMIN) as session:
        # POST, because the client by itself repeats a GET whose connection broke.
        in_flight = asyncio.gather(*(session.post(url + AGENTS, json=ADD) for _ in range(2)), return_exceptions=True)
        await _received(sandbox, 2)
        # Straight to the server's core: its turn comes while the other two wait for the second half of their latency.
        assert sandbox.answer("GET", AGENTS, {}, ADMIN, b"").lost
        assert [isinstance(outcome, aiohttp.ClientError) for outcome in await in_flight] == [True, True]
    assert [entry["status"] for entry in sandbox.calls()] == [0, 0, 0]
    assert len(sandbox.state()["departmentAgents"]) == 4


async def _received(sandbox: Sandbox, calls: int) -> None:
    """Wait until the sandbox has received so many calls."""
    while len(sandbox.calls()) < calls:  # noqa: ASYNC110 - the sandbox's core knows no events
        await asyncio.sleep(0.005)


async def _start(*arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode().strip()
    assert line.startswith("listening on http://127.0.0.1:")
    return process, line.removeprefix("listening on ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_command_serves_the_built_in_workspace(number: signal.Signals) -> None:
    """The command prints where it listens and what to use it with, and ends with 0 when it is told to."""
    process, url = await _start()
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
    settings = dict(line.split("=", 1) for line in lines)
    assert settings["ROCKETCHAT_URL"] == url
    headers = {"X-User-Id": settings["ROCKETCHAT_USER_ID"], "X-Auth-Token": settings["ROCKETCHAT_AUTH_TOKEN"]}
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/livechat/units", headers=headers) as answer:
        assert (answer.status, (await answer.json())["total"]) == (200, 3)
    process.send_signal(number)
    await process.communicate()
    assert process.returncode == 0


def test_settings_of_a_workspace(workspace: Any) -> None:
    """The settings are an administrator's and, for the limit, somebody's whom it holds for, with the tokens that the state gives them."""
    workspace["users"][0]["token"] = "of-the-state"
    url, user_id, token, limited = settings(workspace, "http://h").splitlines()
    assert (url, user_id, token) == ("ROCKETCHAT_URL=http://h", "ROCKETCHAT_USER_ID=u-admin", "ROCKETCHAT_AUTH_TOKEN=of-the-state")
    assert limited.endswith("ROCKETCHAT_USER_ID=u-manager ROCKETCHAT_AUTH_TOKEN=token-manager")
    only = {**built_in_state(), "permissions": workspace["permissions"]}
    only["users"] = [user for user in only["users"] if user["username"] == "manager"]
    assert settings(only, "http://h").splitlines()[1:] == ["ROCKETCHAT_USER_ID=u-manager", "ROCKETCHAT_AUTH_TOKEN=token-manager"]
    assert settings({**only, "users": []}, "http://h").splitlines()[1].startswith("# No account")


def test_who_can_reach_it() -> None:
    """An address that is not this machine's own is warned of."""
    assert [warning_of(host) for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost")] == [None] * 4
    assert [warning_of(host) for host in ("0.0.0.0", "::", "", "192.0.2.1", "a-name")].count(None) == 0  # noqa: S104 - none is listened on


def test_the_warning_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    """The warning is on standard error, before anything is served."""
    # The address is nobody's.
    with pytest.raises(ValueError, match=r"cannot listen on 192\.0\.2\.1:0"):
        serve(host="192.0.2.1", port=0, state=None, rate_limit=None, server_version="7.0", latency_ms=0, faults=None, seed=None)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{warning_of('192.0.2.1')}\n")


async def test_repeated_parameters(workspace: Any, clock: Any) -> None:
    """A list of ids may be one parameter several times."""
    async with running(Sandbox(workspace, clock=clock)) as url, aiohttp.ClientSession(headers=ADMIN) as session:
        for query in ("ids=dept-a&ids=dept-b", "ids[]=dept-a&ids[]=dept-b", "ids[0]=dept-a&ids[1]=dept-b"):
            async with session.get(f"{url}/api/v1/livechat/department.listByIds?{query}") as answer:
                assert [one["_id"] for one in (await answer.json())["departments"]] == ["dept-a", "dept-b"]


async def test_state_file_is_never_written(tmp_path: Path, workspace: Any) -> None:
    """A state file is read once and keeps its bytes, whatever is written to the server."""
    file = tmp_path / "state.json"
    file.write_text(json.dumps(workspace), encoding="utf-8")
    file.chmod(0o444)
    before = file.read_bytes(), file.stat().st_mtime_ns
    process, url = await _start(str(file))
    assert process.stdout is not None
    assert (await process.stdout.readline()).decode().strip() == f"ROCKETCHAT_URL={url}"
    async with aiohttp.ClientSession() as session, session.post(url + AGENTS, json=ADD, headers=ADMIN) as answer:
        assert answer.status == 200
    process.terminate()
    await process.communicate()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[" * 200_000, "is not JSON: it is nested too deeply"),
        ('{"units": 1}', "'units' in the state is not a list"),
    ],
)
def test_bad_state_file(text: str | None, sentence: str, tmp_path: Path) -> None:
    """A state file that cannot be served is refused in one sentence."""
    file = tmp_path / "state.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=sentence):
        serve(host="127.0.0.1", port=0, state=file, rate_limit=None, server_version="7.0", latency_ms=0, faults=None, seed=None)


async def test_taken_port(workspace: Any, clock: Any) -> None:
    """A port that is taken is told in one sentence."""
    async with running(Sandbox(workspace, clock=clock)) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM.replace("port=0", f"port={url.rsplit(':', 1)[1]}"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
    assert errors.decode().strip().splitlines()[-1].startswith("ValueError: cannot listen on 127.0.0.1:")


@pytest.mark.parametrize("latency_ms", [-1, float("nan"), float("inf")])
def test_bad_latency(latency_ms: float) -> None:
    """A latency that is none is refused in one sentence."""
    with pytest.raises(ValueError, match="the latency"):
        serve(host="127.0.0.1", port=0, state=None, rate_limit=None, server_version="7.0", latency_ms=latency_ms, faults=None, seed=None)
