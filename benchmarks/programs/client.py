"""One client in a process of its own: the order of one agent in each of so many departments is read, written, and seen in the answer.

    python benchmarks/programs/client.py WAY URL WRITES IN_FLIGHT ORDER

``WAY`` is one of `WAYS`; ``ORDER`` and the number before it must be new to the server. A fifth of the departments is written first and
does not count. Prints what the others took: seconds by the clock, and seconds of this process's processor time, of all its threads.
"""

import asyncio
import importlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

_REQUIRED: Final = ("name", "email", "enabled", "showOnRegistration", "showOnOfflineForm")

#: As every client but bulkjob's own sends them.
_ACCOUNT: Final = {"X-User-Id": "u-admin", "X-Auth-Token": "token-admin", "Accept": "application/json"}

#: What is written for each department: its address and the body that a reading of it comes down to.
_PATH: Final = "/api/v1/livechat/department/d{}"

#: (Seconds by the clock, seconds of the processor.)
Took = tuple[float, float]


def body_of(read: dict[str, Any], order: int) -> dict[str, object]:
    """The ``PUT`` that a reading comes down to."""
    department, (agent,) = read["department"], read["agents"]
    return {
        "department": {name: department[name] for name in _REQUIRED},
        "agents": [{"agentId": agent["agentId"], "username": agent["username"], "count": agent["count"], "order": order}],
        "departmentUnit": {"_id": parent} if (parent := department.get("parentId")) else {},
    }


def check(stored: dict[str, Any], order: int) -> None:
    """Insists that the answer shows what was written."""
    assert [agent["order"] for agent in stored["agents"]] == [order]


def _now() -> Took:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime


def _since(began: Took) -> Took:
    return tuple(now - then for now, then in zip(_now(), began, strict=True))  # type: ignore[return-value]


# ----------------------------------------------------------------------------------------------------------------- in one loop

#: Writes the departments of these numbers.
Write = Callable[[Iterator[int]], Awaitable[None]]


async def _in_a_loop(write: Write, writes: int, in_flight: int) -> Took:
    """So many workers that take the next department from one iterator, as simple as can be."""
    warming = iter(range(writes // 5))
    await asyncio.gather(*(write(warming) for _ in range(in_flight)))
    began, numbers = _now(), iter(range(writes))
    await asyncio.gather(*(write(numbers) for _ in range(in_flight)))
    return _since(began)


def by_aiohttp(url: str, writes: int, in_flight: int, order: int) -> Took:
    """The bare loop: the same reading, body, writing and look at the answer, and nothing else; JSON by msgspec."""
    aiohttp, msgspec = importlib.import_module("aiohttp"), importlib.import_module("msgspec")
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode

    async def main() -> Took:
        connector = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(url, headers=_ACCOUNT, connector=connector) as session:

            async def write(numbers: Iterator[int]) -> None:
                for number in numbers:
                    path = _PATH.format(number)
                    async with session.get(path) as response:
                        read = decode(await response.read())
                    body = encode(body_of(read, order))
                    async with session.put(path, data=body, headers={"Content-Type": "application/json"}) as response:
                        check(decode(await response.read()), order)

            return await _in_a_loop(write, writes, in_flight)

    return asyncio.run(main())


def by_httpx(url: str, writes: int, in_flight: int, order: int) -> Took:
    """The same with httpx's asynchronous client."""
    httpx = importlib.import_module("httpx")

    async def main() -> Took:
        limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
        async with httpx.AsyncClient(base_url=url, headers=_ACCOUNT, limits=limits) as session:

            async def write(numbers: Iterator[int]) -> None:
                for number in numbers:
                    path = _PATH.format(number)
                    read = (await session.get(path)).json()
                    check((await session.put(path, json=body_of(read, order))).json(), order)

            return await _in_a_loop(write, writes, in_flight)

    return asyncio.run(main())


# ----------------------------------------------------------------------------------------------------------------- in threads


def by_requests(url: str, writes: int, in_flight: int, order: int) -> Took:
    """A thread for each request in flight, one session of requests for all."""
    requests = importlib.import_module("requests")
    session = requests.Session()
    session.headers.update(_ACCOUNT)
    session.mount("http://", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=in_flight))

    def write(number: int) -> None:
        address = url + _PATH.format(number)
        read = session.get(address).json()
        check(session.put(address, json=body_of(read, order)).json(), order)

    with ThreadPoolExecutor(in_flight) as pool:
        list(pool.map(write, range(writes // 5)))
        began = _now()
        list(pool.map(write, range(writes)))
        return _since(began)


def by_rocketchat_api(url: str, writes: int, in_flight: int, order: int) -> Took:
    """One call after the other, as rocketchat_API makes them; it knows no departments, so its own ``call_api_…`` are called."""
    assert in_flight == 1
    module = importlib.import_module("rocketchat_API.rocketchat")
    rocket = module.RocketChat(user_id="u-admin", auth_token="token-admin", server_url=url)  # noqa: S106 - of a server of ours

    def write(number: int) -> None:
        method = f"livechat/department/d{number}"
        read = rocket.call_api_get(method)
        body = body_of(read if isinstance(read, dict) else read.json(), order)
        # (Its PUT does not exist; a POST costs the same, and the server takes either.)
        stored = rocket.call_api_post(method, **body, use_json=True)
        check(stored if isinstance(stored, dict) else stored.json(), order)

    for number in range(writes // 5):
        write(number)
    began = _now()
    for number in range(writes):
        write(number)
    return _since(began)


# ------------------------------------------------------------------------------------------------------------------- bulkjob


def by_bulkjob(url: str, writes: int, in_flight: int, order: int, *, journal: bool = True) -> Took:
    """What `bulkjob run` does from its first write to its last: the executor with journal, verification and row results."""
    with tempfile.TemporaryDirectory() as folder:
        for part, number in (("first", writes // 5), ("then", writes)):
            Path(folder, part).mkdir()
            took = _sent(url, number, in_flight, order - (part == "first"), Path(folder, part), journal=journal)
    return took


def _sent(url: str, writes: int, in_flight: int, order: int, folder: Path, *, journal: bool) -> Took:
    from bulkjob.execute import Executor  # noqa: PLC0415 - the other clients shall not carry its imports
    from bulkjob.plan import Preparation, RunState  # noqa: PLC0415
    from bulkjob.records import Naming  # noqa: PLC0415
    from bulkjob.report import row_result  # noqa: PLC0415
    from bulkjob.rocketchat import client_of, connect  # noqa: PLC0415
    from bulkjob.rundir import JOURNAL_FILE, Journal, Owner  # noqa: PLC0415
    from bulkjob.settings import Choices, Secret, Settings  # noqa: PLC0415
    from bulkjob.sheet import check as checked  # noqa: PLC0415
    from bulkjob.sheet import parse  # noqa: PLC0415
    from bulkjob.vocabulary import Effect  # noqa: PLC0415

    rows = "".join(f"d{number},agent0,{order}\n" for number in range(writes))
    sheet = checked(parse(f"department,agent,order\n{rows}".encode(), "writes.csv"))
    settings = Settings(url=url, user_id="u-admin", auth_token=Secret("token-admin"), concurrency=in_flight)
    owner = Owner(sheet_sha256=sheet.sheet.sha256, sheet_name="", server=url, choices=Choices())

    async def main() -> Took:
        async with connect(settings) as transport:
            client = client_of(settings, transport)
            prepared = await Preparation(settings, RunState(checked=sheet)).plan(client, lambda _: None)
            naming = Naming(prepared.workspace)
            kept = (Journal if journal else _forgetful(Journal))(folder / JOURNAL_FILE, owner, sheet.sheet)
            executor = Executor(
                prepared.plan,
                client,
                prepared.terms,
                naming,
                kept,
                concurrency=in_flight,
                max_failures=1,
                result_of=partial(row_result, naming=naming),
                warn=lambda _: None,
            )
            began = _now()
            execution = await executor.run()
            await kept.close()
            took = _since(began)
        assert [outcome.change for outcome in execution.outcomes.values()] == [Effect.UPDATED] * writes
        return took

    return asyncio.run(main())


def _forgetful(journal: type[Any]) -> type[Any]:
    """A journal that keeps nothing."""

    class Forgetful(journal):  # type: ignore[misc]
        def keep(self, rows: object) -> None:
            """Passes over them."""

        async def intent(self, *of: object) -> int:
            """Returns at once."""
            return 0

        def outcome(self, *of: object) -> None:
            """Returns at once."""

    return Forgetful


WAYS: Final[dict[str, Callable[[str, int, int, int], Took]]] = {
    "aiohttp": by_aiohttp,
    "bulkjob": by_bulkjob,
    "bulkjob without its journal": partial(by_bulkjob, journal=False),
    "httpx": by_httpx,
    "requests": by_requests,
    "rocketchat_API": by_rocketchat_api,
}


if __name__ == "__main__":
    way, address, *numbers = sys.argv[1:]
    print(json.dumps(WAYS[way](address, *map(int, numbers))))
