"""How near the job comes to the least time that the server's rate limit allows, beside three other ways to keep to it.

    python benchmarks/pace.py [CALLS/SECONDS]

A sandbox in a process of its own, over HTTP, with a limit of 20 calls in 2.5 s unless told otherwise. The work: as many departments as a
row of the table says, each with one new agent. The others make one ``GET`` and one ``PUT`` of ``livechat/department/:id`` for each; the
job shares its additions out between that and ``POST livechat/department/:id/agents`` where that ends sooner. "Least" is the time between
the first call and the last one if nothing took any time but the windows of the busiest route; "took" goes to the last answer. A window of
2.5 s makes everything that is not the windows weigh 24 times what it does at Rocket.Chat's 60 s.
"""

import asyncio
import contextlib
import csv
import io
import json
import math
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path

from bulkjob.commands.run import job_of
from bulkjob.records.workspace import MemberChange
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request, Route
from bulkjob.rocketchat.session import connect
from bulkjob.rocketchat.transport import Transport
from bulkjob.rundir.directory import opened
from bulkjob.settings.secret import Secret
from bulkjob.settings.values import Settings
from bulkjob.sheet import check, read_sheet

CONCURRENCIES = (1, 8, 64)
SIZES = (100, 300)
LARGEST = 500
ATTEMPTS = 5

#: What the other strategies wait at first, in parts of a window: half a second in a minute.
BACKOFF = 0.5 / 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """As many calls of a route in so many seconds."""

    calls: int
    window: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a route's window has left when the work begins."""

    left: int
    seconds: float
    """Until the window ends; 0 if it is over, so that the first call opens a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of one way to do the work."""

    done: int
    took: float
    busiest: int
    """Calls of the route that had most."""
    refused: int
    lost: int = 0
    """Calls that were repeated, or given up, because they were refused."""


def least(number: int, limit: Limit, head: Head) -> float:
    """Seconds between the first possible call and the last one."""
    if head.seconds <= 0:
        return (math.ceil(number / limit.calls) - 1) * limit.window
    further = math.ceil(max(0, number - head.left) / limit.calls)
    return head.seconds + (further - 1) * limit.window if further else 0.0


# ------------------------------------------------------------------------------------------------------------- the server


def workspace(departments: int) -> dict[str, object]:
    """A workspace with a manager whom the limit holds for, and departments without agents; one more for the second client."""
    users = [
        {"_id": "u-manager", "username": "manager", "roles": ["livechat-manager"], "token": "token-manager"},
        {"_id": "u-agent", "username": "agent", "roles": ["livechat-agent"], "token": "token-agent"},
    ]
    fields = {"enabled": True, "showOnRegistration": True, "showOnOfflineForm": True, "email": "somebody@example.org"}
    named = [{"_id": f"d-{number}", "name": f"Department {number}", "type": "d", **fields} for number in range(departments + 1)]
    return {
        "license": ["livechat-enterprise"],
        "users": users,
        "departments": named,
        "departmentAgents": [],
        "units": [],
        "unitMonitors": [],
    }


@contextmanager
def served(departments: int, limit: Limit, folder: Path) -> Iterator[str]:
    """The address of a sandbox that has been up for longer than a window."""
    state = folder / "workspace.json"
    state.write_text(json.dumps(workspace(departments)), encoding="utf-8")
    arguments = ["sandbox", "--port", "0", "--state", str(state), "--rate-limit", f"{limit.calls}/{limit.window:g}"]
    with subprocess.Popen([sys.executable, "-m", "bulkjob", *arguments], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().removeprefix("listening on ").strip()
            time.sleep(limit.window * 1.1)
            yield url
        finally:
            server.terminate()


def settings_for(url: str, concurrency: int) -> Settings:
    """The job's settings; everything else is the default."""
    return Settings(url=url, user_id="u-manager", auth_token=Secret("token-manager"), concurrency=concurrency)


class Recorder:
    """`Transport` that remembers when calls went out and were answered, and how."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.statuses: Counter[tuple[Route, int]] = Counter()
        self.began = math.inf
        self.ended = -math.inf

    async def send(self, request: Request[object]) -> Answer:
        """As the transport itself."""
        self.began = min(self.began, time.monotonic())
        answer = await self._transport.send(request)
        self.ended = time.monotonic()
        self.statuses[request.route, answer.status] += 1
        return answer

    def measured(self, *, done: int, lost: int) -> Measured:
        """All that was seen."""
        refused = sum(count for (_, status), count in self.statuses.items() if status == 429)
        routes: Counter[Route] = Counter()
        for (route, status), count in self.statuses.items():
            routes[route] += 0 if status == 429 else count
        return Measured(done=done, took=self.ended - self.began, busiest=max(routes.values()), refused=refused, lost=lost)


@asynccontextmanager
async def recorded(url: str, concurrency: int) -> AsyncIterator[Recorder]:
    """A recording transport to the sandbox."""
    async with connect(settings_for(url, concurrency)) as transport:
        yield Recorder(transport)


# ---------------------------------------------------------------------------------------------------------------- the job


async def by_the_job(url: str, departments: int, concurrency: int, folder: Path) -> Measured:
    """The work done by what `bulkjob run` runs, reading the lists and verification included."""
    sheet = folder / "sheet.csv"
    with sheet.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("department", "agent"), *((f"d-{number}", "u-agent") for number in range(departments))])
    quiet = io.StringIO()
    async with recorded(url, concurrency) as recorder:

        @asynccontextmanager
        async def connection() -> AsyncIterator[Recorder]:
            yield recorder

        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(quiet))
            stack.enter_context(contextlib.redirect_stderr(quiet))
            directory = stack.enter_context(opened(folder / "run", "sheet", datetime.now(UTC)))
            await job_of(settings_for(url, concurrency), check(read_sheet(sheet)), connection).run(directory)
    summary = json.loads((folder / "run" / "summary.json").read_text(encoding="utf-8"))
    with (folder / "run" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        repeated = sum(row["attempts"] != "1" for row in csv.DictReader(file))
    return recorder.measured(done=summary["rows"]["success"], lost=summary["retries"] + repeated)


# -------------------------------------------------------------------------------------------------------- other strategies

#: Waits until a call of a route may go out.
Turn = Callable[[Route], Awaitable[None]]


def unpaced(_: Limit) -> Turn:
    """No pacing at all."""
    return at_once


async def at_once(_: Route) -> None:
    """Whoever is refused comes back later."""


def spaced(limit: Limit) -> Turn:
    """Calls of a route at equal distances."""
    following: dict[Route, float] = defaultdict(float)

    async def turn(route: Route) -> None:
        now = time.monotonic()
        following[route] = max(following[route] + limit.window / limit.calls, now)
        await asyncio.sleep(following[route] - now)

    return turn


def bucket(limit: Limit) -> Turn:
    """A bucket of tokens for each route: full at first, and refilled at the pace of the limit."""
    full: dict[Route, float] = {}

    async def turn(route: Route) -> None:
        now, drop = time.monotonic(), limit.window / limit.calls
        # When the bucket would be full if nobody took anything from now on.
        full[route] = max(full.get(route, now), now) + drop
        await asyncio.sleep(max(0.0, full[route] - now - limit.window))

    return turn


async def by(turn: Turn, url: str, departments: int, concurrency: int, limit: Limit) -> Measured:
    """The same calls, paced by ``turn`` and repeated with backoff and full jitter; a call that is refused too often is given up."""
    slots = asyncio.Semaphore(concurrency)
    lost = 0
    async with recorded(url, concurrency) as recorder:

        async def call(request: Request[object]) -> bool:
            nonlocal lost
            for attempt in range(ATTEMPTS):
                await turn(request.route)
                async with slots:
                    answer = await recorder.send(request)
                if answer.status == 200:
                    return True
                lost += 1
                await asyncio.sleep(random.random() * BACKOFF * limit.window * 2**attempt)  # noqa: S311 - a jitter
            return False

        async def add(number: int) -> bool:
            identifier = f"d-{number}"
            return await call(endpoints.department(identifier)) and await call(put(identifier))

        done = sum(await asyncio.gather(*map(add, range(departments))))
    return recorder.measured(done=done, lost=lost)


def put(identifier: str) -> Request[object]:
    """The write of one department."""
    fields = {"name": f"Department {identifier[2:]}", "email": "somebody@example.org", "enabled": True}
    fields |= {"showOnRegistration": True, "showOnOfflineForm": True}
    change = MemberChange(agent_id="u-agent", username="agent", count=0, order=0)
    return endpoints.put_department(identifier, fields, unit_id=None, knows_units=True, members=[change])


# ------------------------------------------------------------------------------------------------------------ second client


@asynccontextmanager
async def second_client(url: str, identifier: str, limit: Limit) -> AsyncIterator[None]:
    """Somebody else who takes about a third of each window of the busy routes, as long as the context lasts."""
    async with connect(settings_for(url, 2)) as transport:

        async def eat() -> None:
            while True:
                for request in (endpoints.department(identifier), put(identifier)):
                    await transport.send(request)
                await asyncio.sleep(limit.window / limit.calls * 3 * random.uniform(0.5, 1.5))  # noqa: S311 - nobody's secret

        eating = asyncio.create_task(eat())
        try:
            yield
        finally:
            eating.cancel()
            await asyncio.wait([eating])


async def head_of(url: str, identifier: str, limit: Limit, taken: int) -> Head:
    """Opens a window of each busy route, takes so many calls from it, and tells what is left of it in its middle."""
    async with connect(settings_for(url, 1)) as transport:
        began = time.monotonic()
        for _ in range(taken):
            for request in (endpoints.department(identifier), put(identifier)):
                await transport.send(request)
    await asyncio.sleep(began + limit.window / 2 - time.monotonic())
    return Head(left=limit.calls - taken, seconds=began + limit.window - time.monotonic())


# ----------------------------------------------------------------------------------------------------------------- the table

FRESH = Head(left=0, seconds=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table."""

    name: str
    departments: int
    concurrency: int
    turn: Callable[[Limit], Turn] | None = None
    """None: the job."""
    taken: int = 0
    """Calls that the first window has lost before the work begins in its middle."""
    shared: bool = False
    """Whether a second client eats from the same windows."""


def cases() -> list[Case]:
    """All of them."""
    alone = [Case(name="bulkjob", departments=size, concurrency=slots) for size in SIZES for slots in CONCURRENCIES]
    return [
        *alone,
        Case(name="bulkjob", departments=LARGEST, concurrency=8),
        Case(name="bulkjob, first window half used", departments=100, concurrency=8, taken=10),
        Case(name="bulkjob, beside a second client", departments=100, concurrency=8, shared=True),
        Case(name="bulkjob, beside a second client", departments=100, concurrency=64, shared=True),
        Case(name="backoff, 5 attempts", departments=100, concurrency=8, turn=unpaced),
        Case(name="fixed spacing, then backoff", departments=100, concurrency=8, turn=spaced),
        Case(name="token bucket, then backoff", departments=100, concurrency=8, turn=bucket),
        Case(name="token bucket, beside a second client", departments=100, concurrency=8, turn=bucket, shared=True),
    ]


async def measure(case: Case, limit: Limit, folder: Path, url: str) -> tuple[Measured, float]:
    """What came of a case, and the least time it could have taken."""
    spare = f"d-{case.departments}"
    head = await head_of(url, spare, limit, case.taken) if case.taken else FRESH
    async with second_client(url, spare, limit) if case.shared else contextlib.nullcontext():
        if case.turn is None:
            measured = await by_the_job(url, case.departments, case.concurrency, folder)
        else:
            measured = await by(case.turn(limit), url, case.departments, case.concurrency, limit)
    return measured, least(measured.busiest if case.turn is None else case.departments, limit, head)


def line(case: Case, limit: Limit) -> str:
    """Measures a case; its line of the table."""
    with tempfile.TemporaryDirectory() as name, served(case.departments, limit, Path(name)) as url:
        measured, shortest = asyncio.run(measure(case, limit, Path(name), url))
    told = f"{shortest:.2f} s | {measured.took / shortest:.3f}" if not case.shared and measured.done == case.departments else "|"
    done = f"{measured.done} | {measured.busiest} | {measured.refused} | {measured.lost} | {measured.took:.2f} s | {told} |"
    return f"| {case.name} | {case.departments} | {case.concurrency} | {done}"


def main() -> None:
    """Measures and prints; two cases at a time, each with a server and a client of its own, as nearly all of the time is waiting."""
    calls, window = (sys.argv[1] if len(sys.argv) > 1 else "20/2.5").split("/")
    limit = Limit(calls=int(calls), window=float(window))
    print(f"{limit.calls} calls of each route in {limit.window:g} s")
    columns = "way | departments | in flight | done | busiest route | 429s | attempts lost | took | least | ratio"
    print(f"| {columns} |\n|{'---|' * 10}")
    with ProcessPoolExecutor(max_workers=2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for told in pool.map(line, cases(), repeat(limit)):
            print(told, flush=True)


if __name__ == "__main__":
    main()
