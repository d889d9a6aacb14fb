"""How near the job comes to the least time that a rate limit allows, alone and beside others, and how well `plan` foretells it.

Everything is counted at the server, a sandbox whose windows are shorter than Rocket.Chat's minute: what is not the windows weighs the more.
"""

import asyncio
import csv
import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Aim, Figure, spread_of
from benchmarks.processes import account, sandbox
from benchmarks.results import Measured, Table
from benchmarks.strategies import Limit, Turn, added, bucket, second_client, spaced, unpaced
from benchmarks.workspaces import LIST_DEPARTMENTS, Calls, calls_at, workspace, write_sheet

#: Nearly all of the time is waiting, so that several cases are measured at a time, each with a server of its own.
_AT_A_TIME: Final = 3

_USUAL: Final = Limit(20, 2.5)

#: Seconds that Rocket.Chat's windows last.
_MINUTE: Final = 60

#: Requests in flight where nobody says otherwise.
_DEFAULT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done: so many departments with one new agent each, so many departments that come into as many units."""

    name: str
    agents: int = 0
    moves: int = 0
    limit: Limit = _USUAL

    @property
    def departments(self) -> int:
        """How many there are; one more for somebody else."""
        return max(self.agents, self.moves) + 1

    def state(self) -> dict[str, object]:
        """The workspace: nobody is in a department, and no department in a unit."""
        return workspace([None] * self.departments, units=self.moves, agents=1, places={})

    def sheet(self, path: Path) -> str:
        """A row for each department."""
        rows = [
            (f"d{number}", "agent0" if number < self.agents else "", f"u{number}" if number < self.moves else "")
            for number in range(self.departments - 1)
        ]
        return write_sheet(path, ("department", "agent", "unit"), rows)

    @property
    def least(self) -> float:
        """Seconds from the first call to the last, if nothing took any time but the windows of the busiest route.

        An agent is added by one reading and one ``PUT`` of the department, or by one ``POST`` between two readings of its list, and the
        two ways are shared out so that they end together; what moves takes one ``POST`` of the unit.
        """
        shared = min(max(self._windows(puts), self._windows(2 * (self.agents - puts))) for puts in range(self.agents + 1))
        return (max(shared, self._windows(self.moves)) - 1) * self.limit.window

    @property
    def least_by_puts(self) -> float:
        """The same of who knows no other way to add an agent than the ``PUT``."""
        return (self._windows(self.agents) - 1) * self.limit.window

    def _windows(self, calls: int) -> int:
        return math.ceil(calls / self.limit.calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of a table."""

    work: Work
    way: str = "bulkjob"
    turn: Callable[[Limit], Turn] | None = None
    """None: the job."""
    in_flight: int = _DEFAULT
    turns: int = 1
    shared: bool = False
    """Whether a second client takes from the same windows all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a case."""

    calls: Calls
    done: int
    lost: int
    """Attempts that were lost to refusals."""
    least: float
    foretold: float | None = None
    """Seconds, by `plan`."""


ALONE: Final = (
    Case(work=Work(name="100 agents", agents=100), in_flight=1),
    Case(work=Work(name="100 agents", agents=100), turns=3),
    Case(work=Work(name="100 agents", agents=100), in_flight=64),
    Case(work=Work(name="300 agents", agents=300)),
    Case(work=Work(name="40 units alone", moves=40, limit=Limit(10, 5)), turns=3),
    Case(work=Work(name="100 agents and 60 units together", agents=100, moves=60), turns=3),
    Case(work=Work(name="60 agents and 100 units together", agents=60, moves=100), turns=3),
)

BESIDE: Final = (
    Case(work=Work(name="100 agents", agents=100), way="bulkjob, beside a second client", shared=True),
    Case(work=Work(name="100 agents", agents=100), way="backoff, 5 attempts", turn=unpaced),
    Case(work=Work(name="100 agents", agents=100), way="fixed spacing, then backoff", turn=spaced),
    Case(work=Work(name="100 agents", agents=100), way="token bucket, then backoff", turn=bucket),
    Case(work=Work(name="100 agents", agents=100), way="token bucket, beside a second client", turn=bucket, shared=True),
)


def measure(bench: Bench) -> Measured:
    """The job alone with its forecast, and then among other ways and other clients."""
    quick = bench.scale < 0.5
    cases = [*(case for case in ALONE for _ in range(1 if quick else case.turns)), *BESIDE]
    if quick:
        cases = [case for case in cases if case.work.agents <= 100 and case.in_flight == _DEFAULT and not case.shared]
    roaming = replace(bench, cores=frozenset())
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        seen = list(pool.map(lambda numbered: _seen(roaming, numbered[1], bench.folder / str(numbered[0])), enumerate(cases)))
    tables = {"beside": _beside([(case, one) for case, one in zip(cases, seen, strict=True) if case in BESIDE])}
    tables["alone"], figures = _alone(
        [(case, [one for each, one in zip(cases, seen, strict=True) if each == case]) for case in ALONE if case in cases]
    )
    return Measured(tables, figures)


def _alone(found: Sequence[tuple[Case, Sequence[Seen]]]) -> tuple[Table, list[Figure]]:
    columns = ["work", "limit", "in flight", "429s", "lists of departments", "took", "least", "took ÷ least", "foretold", "foretold ÷ took"]
    table, figures = Table(columns, []), []
    for case, seen in found:
        assert {one.done for one in seen} == {case.work.departments - 1}
        took, limit = spread_of([one.calls.seconds for one in seen]), case.work.limit
        what = f"{case.work.name}, {case.in_flight} in flight"
        ratio = Figure(what=f"{what}: took ÷ least", spread=spread_of([one.calls.seconds / one.least for one in seen]), aim=Aim(1.05))
        refused, lists = (
            spread_of([float(number) for number in numbers]).told(0)
            for numbers in ([one.calls.refused for one in seen], [one.calls.counts[LIST_DEPARTMENTS] for one in seen])
        )
        times = f"{took.told()} s", f"{case.work.least:.2f} s", ratio.told(bold=True)
        figures.append(ratio)
        table.rows.append([case.work.name, f"{limit.calls} in {limit.window:g} s", str(case.in_flight), refused, lists, *times, "", ""])
        if foretold := [one.foretold for one in seen if one.foretold is not None]:
            told = [guess / one.calls.seconds for guess, one in zip(foretold, seen, strict=True)]
            table.rows[-1][-2:] = [f"{spread_of(foretold).median:.2f} s", spread_of(told).told(bold=True)]
            off = spread_of([abs(share - 1) for share in told])
            figures.append(Figure(what=f"{what}: forecast off by", spread=off, aim=Aim(0.1)))
    return table, figures


def _beside(found: Sequence[tuple[Case, Seen]]) -> Table:
    table = Table(["way", "done", "busiest route", "429s", "attempts lost", "took", "least", "took ÷ least"], [])
    for case, seen in found:
        counts = [seen.done, max(seen.calls.counts.values()), seen.calls.refused, seen.lost]
        comparable = not case.shared and seen.done == case.work.departments - 1
        least = [f"{seen.least:.2f} s", f"**{seen.calls.seconds / seen.least:.2f}**"] if comparable else ["", ""]
        table.rows.append([case.way, *map(str, counts), f"{seen.calls.seconds:.2f} s", *least])
    return table


def _seen(bench: Bench, case: Case, folder: Path) -> Seen:
    """Carries out a case, with a sandbox that has been up for longer than a window."""
    folder.mkdir()
    with sandbox(case.work.state(), "--rate-limit", str(case.work.limit)) as url:
        time.sleep(case.work.limit.window * 1.1)
        return asyncio.run(_carried_out(bench, case, folder, url))


async def _carried_out(bench: Bench, case: Case, folder: Path, url: str) -> Seen:
    spare = case.work.departments - 1
    least = case.work.least if case.turn is None else case.work.least_by_puts
    # One call after the other would take long in a minute's windows, too, if each took as long as a forecast assumes.
    foretold = await asyncio.to_thread(_foretold, bench, case, folder) if case in ALONE and case.in_flight == _DEFAULT else None
    since = time.time()
    async with second_client(url, spare, case.work.limit) if case.shared else nullcontext():
        if case.turn is None:
            done, lost = await asyncio.to_thread(_run, bench, case, folder, url)
        else:
            done = await added(url, case.turn(case.work.limit), case.work.limit, departments=case.work.agents, in_flight=case.in_flight)
            lost = 0
    calls = calls_at(url, since)
    return Seen(calls=calls, done=done, lost=lost if case.turn is None else calls.refused, least=least, foretold=foretold)


def _foretold(bench: Bench, case: Case, folder: Path) -> float:
    """Seconds that `plan` says the run will take behind the same limit in a minute, told in the windows of the case."""
    sheet, plan, limit = case.work.sheet(folder / "sheet.csv"), folder / "plan.json", case.work.limit
    with sandbox(case.work.state(), "--rate-limit", f"{limit.calls}/{_MINUTE}") as url:
        bench.bulkjob("plan", sheet, "--out", str(plan), variables=account(url, "u-manager", "token-manager"))
    return float(json.loads(plan.read_bytes())["forecast"]["seconds"]) * limit.window / _MINUTE


def _run(bench: Bench, case: Case, folder: Path, url: str) -> tuple[int, int]:
    """Rows that are done, and attempts that were lost."""
    flags = ["--concurrency", str(case.in_flight), "--run-dir", str(folder / "run")]
    bench.bulkjob("run", case.work.sheet(folder / "sheet.csv"), *flags, variables=account(url, "u-manager", "token-manager"))
    summary = json.loads((folder / "run" / "summary.json").read_bytes())
    with (folder / "run" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        repeated = sum(row["attempts"] != "1" for row in csv.DictReader(file))
    return summary["rows"]["success"], summary["retries"] + repeated
