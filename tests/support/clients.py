"""A transport that answers as a test says, a limiter with fixed windows, and clients over them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from bulkjob.records.workspace import Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.transport import NoAnswer, Written
from bulkjob.vocabulary import Code

Run = Callable[[Any], Any]
EPOCH = 1_800_000_000
Reply = Answer | NoAnswer

UNIT = endpoints.post_unit(Unit(id="unit-a", name="Unit A", visibility="public"), [], ["dept-a"])
STORED = {"_id": "unit-a", "numMonitors": 0, "success": True}
ME = {"_id": "u-admin", "username": "admin", "roles": ["admin"], "success": True}
READ = endpoints.department("dept-a")
DEPARTMENT: dict[str, object] = {"department": None, "agents": [], "success": True}
GOOD = {"me": ME, "livechat/units/:id": STORED, "livechat/department/:id": DEPARTMENT}

UNREACHED = NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="refused", unsent=True))
BROKEN = NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="the connection broke"))
TIMED_OUT = NoAnswer(Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer", undecided=True))


def answer(payload: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, headers=headers or {}, body=json.dumps(payload).encode())


def page(status: int) -> Answer:
    return Answer(status=status, headers={"content-type": "text/html"}, body=b"<html>proxy</html>")


def good(request: Request[Any], headers: Mapping[str, str] | None = None) -> Answer:
    return answer(GOOD[request.route.pattern], headers=headers)


@dataclass
class FakeTransport:
    """Answers each request by `reply`, after `takes` seconds; remembers what was sent and when."""

    reply: Callable[[Request[Any], int], Reply]
    """Gets the request and how many of its route came before it."""
    takes: float = 0.1
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0

    async def send(self, request: Request[Any]) -> Answer:
        before = len(self.of(request.route.pattern, request.route.method))
        self.calls.append((asyncio.get_running_loop().time(), request.route.method, request.route.pattern))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.takes)
            reply = self.reply(request, before)
        finally:
            self.in_flight -= 1
        if isinstance(reply, NoAnswer):
            raise reply
        return reply

    def of(self, pattern: str, method: str = "") -> list[float]:
        """When the calls of one route went out."""
        return [moment for moment, called, route in self.calls if route == pattern and method in ("", called)]

    @property
    def writes(self) -> list[float]:
        return [moment for moment, method, _ in self.calls if method != "GET"]


def in_order(*replies: Reply, route: str = "livechat/units/:id") -> Callable[[Request[Any], int], Reply]:
    """Answers the calls of one route with these, then well; every other route well."""

    def reply(request: Request[Any], before: int) -> Reply:
        return replies[before] if request.route.pattern == route and before < len(replies) else good(request)

    return reply


def client(transport: FakeTransport, *, concurrency: int = 8, attempts: int = 5, draw: Callable[[], float] = lambda: 1.0) -> Client:
    return Client.over(transport, concurrency=concurrency, attempts=attempts, draw=draw)


async def unseen() -> None:
    return None


async def no_look() -> None:
    raise AssertionError("there is nothing to look for")


async def write(on: Client, look: Callable[[], Awaitable[Any]] = unseen) -> Written[Any]:
    return await on.write(UNIT, await on.reserve(UNIT.route), look)


async def failing(coroutine: Awaitable[Any]) -> CallFailed:
    try:
        done = await coroutine
    except CallFailed as failed:
        return failed
    raise AssertionError(f"it did not fail: {done}")


class FixedWindow:
    """The announcements of a server that limits each route; its clock shows 2027-01-15 08:00:00 when the loop's begins."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self.began: dict[str, float] = {}
        self.used: dict[str, int] = {}
        self.refused = 0

    def reply(self, request: Request[Any], before: int) -> Reply:
        now = asyncio.get_running_loop().time() + EPOCH
        route = request.route.pattern
        if now - self.began.get(route, 0.0) > self.window:
            self.began[route], self.used[route] = now, 0
        self.used[route] += 1
        reset = self.began[route] + self.window
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used[route])),
            "x-ratelimit-reset": str(int(reset * 1000)),
            "date": formatdate(int(now), usegmt=True),
        }
        if self.used[route] <= self.limit:
            return good(request, headers)
        self.refused += 1
        words = (
            f"Error, too many requests. Please slow down. You must wait {int(reset - now) + 1} seconds before trying this endpoint again."
        )
        return answer({"success": False, "error": f"{words} [error-too-many-requests]"}, 429, headers)
