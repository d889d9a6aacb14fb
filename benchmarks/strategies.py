"""Three other ways to keep to a rate limit, each with the same reading and `PUT` of each department, over bare aiohttp."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp

_ATTEMPTS: Final = 5

#: What is waited for at first after a refusal, in parts of a window: half a second in a minute.
_BACKOFF: Final = 0.5 / 60

_ACCOUNT: Final = {"X-User-Id": "u-manager", "X-Auth-Token": "token-manager"}

#: Waits until a call of a method may go out.
Turn = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limit:
    """As many calls of a route in so many seconds."""

    calls: int
    window: float

    def __str__(self) -> str:
        """As the sandbox takes it."""
        return f"{self.calls}/{self.window:g}"


def unpaced(_: Limit) -> Turn:
    """No pacing at all: whoever is refused comes back later."""

    async def turn(_: str) -> None:
        return

    return turn


def spaced(limit: Limit) -> Turn:
    """Calls of a route at equal distances."""
    following: dict[str, float] = defaultdict(float)

    async def turn(method: str) -> None:
        now = time.monotonic()
        following[method] = max(following[method] + limit.window / limit.calls, now)
        await asyncio.sleep(following[method] - now)

    return turn


def bucket(limit: Limit) -> Turn:
    """A bucket of tokens for each route: full at first, and refilled at the pace of the limit."""
    full: dict[str, float] = {}

    async def turn(method: str) -> None:
        now, drop = time.monotonic(), limit.window / limit.calls
        # When the bucket would be full if nobody took anything from now on.
        full[method] = max(full.get(method, now), now) + drop
        await asyncio.sleep(max(0.0, full[method] - now - limit.window))

    return turn


async def added(url: str, turn: Turn, limit: Limit, *, departments: int, in_flight: int) -> int:
    """Adds an agent to each department, and returns to how many; a call that is refused too often is given up."""
    slots = asyncio.Semaphore(in_flight)
    async with _session(url) as session:

        async def call(method: str, number: int) -> bool:
            for attempt in range(_ATTEMPTS):
                await turn(method)
                async with slots:
                    status = await _called(session, method, number)
                if status == 200:
                    return True
                await asyncio.sleep(random.random() * _BACKOFF * limit.window * 2**attempt)  # noqa: S311 - a jitter
            return False

        async def add(number: int) -> bool:
            return await call("GET", number) and await call("PUT", number)

        return sum(await asyncio.gather(*map(add, range(departments))))


@asynccontextmanager
async def second_client(url: str, department: int, limit: Limit) -> AsyncIterator[None]:
    """Somebody else who takes about a third of each window of both routes, as long as the context lasts."""

    async def eat() -> None:
        async with _session(url) as session:
            while True:
                for method in ("GET", "PUT"):
                    await _called(session, method, department)
                await asyncio.sleep(limit.window / limit.calls * 3 * random.uniform(0.5, 1.5))  # noqa: S311 - nobody's secret

    eating = asyncio.create_task(eat())
    try:
        yield
    finally:
        eating.cancel()
        await asyncio.wait([eating])


def _session(url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, headers=_ACCOUNT)


async def _called(session: aiohttp.ClientSession, method: str, number: int) -> int:
    """The status of a call about a department."""
    fields = {"name": f"Department {number}", "email": "somebody@example.org", "enabled": True}
    body = {
        "department": {**fields, "showOnRegistration": True, "showOnOfflineForm": True},
        "agents": [{"agentId": "a0", "username": "agent0", "count": 0, "order": 0}],
        "departmentUnit": {},
    }
    path = f"/api/v1/livechat/department/d{number}"
    async with session.request(method, path, json=None if method == "GET" else body) as response:
        await response.read()
        return response.status
