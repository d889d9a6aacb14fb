"""What the journal costs: the writes of a plan carried out with and without it, in turns, against a sandbox without latency.

    python benchmarks/journal.py [DEPARTMENTS [TURNS]]

Each turn writes every department once, at 32 requests in flight, the same code but for the journal: once with the real one, once with one
that keeps nothing. Told are the medians, and the median of the ratios of neighbours: those met the same machine. The sandbox runs in a
process of its own and without latency: what the journal costs is a larger part of a run there than anywhere else.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bulkjob.changes.change import Change, Outcome, Prior
from bulkjob.execute.executor import Executor
from bulkjob.plan.preparation import Preparation
from bulkjob.plan.state import RunState
from bulkjob.records.naming import Naming
from bulkjob.records.results import RowResult
from bulkjob.records.sheet import CheckedSheet
from bulkjob.report import row_result
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.session import opened
from bulkjob.rundir.format import JOURNAL_FILE, Owner
from bulkjob.rundir.journal import Journal
from bulkjob.settings import Choices, Secret, Settings
from bulkjob.sheet import check, parse
from bulkjob.vocabulary import Status

CONCURRENCY = 32
#: Of the throughput without a journal.
TARGET = 0.90


class Nothing(Journal):
    """A journal that keeps nothing."""

    def keep(self, rows: Iterable[RowResult]) -> None:
        """Passes over them."""

    async def intent(
        self, operation: str, request: Request[object], changes: Mapping[Change, Prior], snapshot: Mapping[str, object]
    ) -> int:
        """Returns at once."""
        return 0

    def outcome(self, number: int, outcomes: Sequence[Outcome], rows: Sequence[RowResult]) -> None:
        """Returns at once."""


def workspace(departments: int) -> dict[str, object]:
    """Departments with one agent each."""
    names = [f"d{number}" for number in range(departments)]
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["user", "admin"]},
            {"_id": "u-ann", "username": "ann", "roles": ["user", "livechat-agent"]},
        ],
        "departments": [
            {
                "_id": name,
                "name": name,
                "email": f"{name}@example.org",
                "enabled": True,
                "showOnRegistration": True,
                "showOnOfflineForm": False,
                "type": "d",
                "numAgents": 1,
            }
            for name in names
        ],
        "units": [],
        "unitMonitors": [],
        "departmentAgents": [
            {
                "_id": f"p{name}",
                "agentId": "u-ann",
                "departmentId": name,
                "username": "ann",
                "departmentEnabled": True,
                "count": 0,
                "order": 0,
            }
            for name in names
        ],
    }


def sheet(departments: int, turn: int) -> CheckedSheet:
    """Every department's agent gets the turn's number as order."""
    rows = "".join(f"d{number},ann,{turn}\n" for number in range(departments))
    return check(parse(f"department,agent,order\n{rows}".encode(), "turn.csv"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One turn."""

    writes: float
    """A second."""
    cpu: float
    """Seconds of this process's processor time for a write."""


async def turn_of(settings: Settings, checked: CheckedSheet, journal: Journal) -> Measured:
    """Carries out one turn."""
    async with opened(settings) as client:
        preparation = Preparation(settings, RunState(checked=checked))
        prepared = await preparation.plan(client, lambda _: None)
        naming = Naming(prepared.workspace)
        executor = Executor(
            prepared.plan,
            client,
            prepared.terms,
            naming,
            journal,
            concurrency=settings.concurrency,
            max_failures=1,
            result_of=partial(row_result, naming=naming),
            warn=lambda _: None,
        )
        before, cpu = time.perf_counter(), time.process_time()
        execution = await executor.run()
        seconds, cpu = time.perf_counter() - before, time.process_time() - cpu
        await journal.close()
    done = sum(outcome.status is Status.SUCCESS for outcome in execution.outcomes.values())
    if done != len(prepared.plan.operations) or execution.stop:
        raise SystemExit(f"only {done} of {len(prepared.plan.operations)} writes were carried out: {execution.stop}")
    return Measured(writes=done / seconds, cpu=cpu / done)


@contextmanager
def sandbox(state: Mapping[str, object], folder: Path) -> Iterator[str]:
    """The address of a sandbox in another process."""
    file = folder / "workspace.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    command = [sys.executable, "-m", "bulkjob", "sandbox", "--port", "0", "--rate-limit", "off", "--state", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield (process.stdout.readline() if process.stdout else "").strip().removeprefix("listening on ")
        finally:
            process.kill()


def main() -> None:
    """Measures, prints."""
    departments = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    for name in [name for name in os.environ if "proxy" in name.lower()]:
        del os.environ[name]
    found: dict[type[Journal], list[Measured]] = {Journal: [], Nothing: []}
    with tempfile.TemporaryDirectory() as place, sandbox(workspace(departments), Path(place)) as url:
        settings = Settings(url=url, user_id="u-admin", auth_token=Secret("token-admin"), concurrency=CONCURRENCY)
        owner = Owner(sheet_sha256="", sheet_name="", server=url, choices=Choices())
        # First the one, then the other, then the other way round; the first pair warms up and does not count.
        for turn in range(2 * turns + 2):
            kind = (Journal, Nothing, Nothing, Journal)[turn % 4]
            folder = Path(place, str(turn))
            folder.mkdir()
            checked = sheet(departments, turn + 1)
            journal = kind(folder / JOURNAL_FILE, replace(owner, sheet_sha256=str(turn)), checked.sheet)
            measured = asyncio.run(turn_of(settings, checked, journal))
            if turn > 1:
                found[kind].append(measured)
    pairs = list(zip(found[Journal], found[Nothing], strict=True))
    low, ratio, high = statistics.quantiles([one.writes / other.writes for one, other in pairs], n=4)
    cpu = statistics.median(one.cpu / other.cpu for one, other in pairs)
    with_it, without = (statistics.median(each.writes for each in found[kind]) for kind in (Journal, Nothing))
    print(
        f"{departments:,} writes at {CONCURRENCY} in flight, {turns} pairs: "
        f"{with_it:.0f} writes/s with the journal, {without:.0f} without; "
        f"throughput {ratio:.3f} (half of the pairs: {low:.3f} to {high:.3f}; at least {TARGET}), processor time {cpu:.3f}"
    )


if __name__ == "__main__":
    main()
