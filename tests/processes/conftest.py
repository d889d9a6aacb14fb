"""What the tests of real processes share: a sandbox in another process, the program in its own, and what must be so afterwards."""

import csv
import io
import json
import os
import runpy
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bulkjob.rundir.format import JOURNAL_FILE, Intent, Settled, records_of
from bulkjob.vocabulary import OUTCOME_COLUMNS, Status

State = dict[str, Any]

#: Compares whole states, and tells the departments' units and the agents' places.
_JOB = runpy.run_path(str(Path(__file__).parents[1] / "job" / "conftest.py"))
differences, parents, places = _JOB["differences"], _JOB["parents"], _JOB["places"]

#: Of one answer of the sandbox, so that a run of some sixty calls takes long enough to be hit.
LATENCY_MS = 16
UNITS, AGENTS = 3, 6
#: So many departments exchange an agent and change their unit; as many more only change an agent's order.
EXCHANGES = 12


def workspace() -> State:
    """Departments whose units and agents are those of turn 0."""
    moved = [f"d{number}" for number in range(EXCHANGES)]
    stays = [f"s{number}" for number in range(EXCHANGES)]
    agents = [
        {
            "agentId": f"u-a{agent}",
            "departmentId": department,
            "username": f"a{agent}",
            "departmentEnabled": True,
            "count": 5,
            "order": order,
        }
        for department, agent, order in (
            *((name, number % AGENTS, 0) for number, name in enumerate(moved)),
            *((name, number % AGENTS, 1) for number, name in enumerate(stays)),
            *((name, AGENTS, 3) for name in (*moved, *stays)),
        )
    ]
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["user", "admin"]},
            {"_id": "u-manager", "username": "manager", "roles": ["user", "livechat-manager"]},
            {"_id": "u-monitor", "username": "monitor", "roles": ["user", "livechat-monitor"]},
            *({"_id": f"u-a{agent}", "username": f"a{agent}", "roles": ["user", "livechat-agent"]} for agent in range(AGENTS + 1)),
        ],
        "departments": [
            *(_department(name, f"unit{number % UNITS}", agents=2) for number, name in enumerate(moved)),
            *(_department(name, "unit0", agents=2) for name in stays),
        ],
        "units": [
            {"_id": f"unit{unit}", "name": f"Unit {unit}", "visibility": "public", "type": "u", "numMonitors": 1, "numDepartments": count}
            for unit, count in ((0, EXCHANGES + EXCHANGES // UNITS), (1, EXCHANGES // UNITS), (2, EXCHANGES // UNITS))
        ],
        "unitMonitors": [
            {"_id": f"m{unit}", "monitorId": "u-monitor", "username": "monitor", "unitId": f"unit{unit}"} for unit in range(UNITS)
        ],
        "departmentAgents": [{"_id": f"p{number}", **agent} for number, agent in enumerate(agents)],
    }


def _department(identifier: str, unit: str, *, agents: int) -> State:
    return {
        "_id": identifier,
        "name": identifier.upper(),
        "email": f"{identifier}@example.org",
        "enabled": True,
        "showOnRegistration": True,
        "showOnOfflineForm": False,
        "type": "d",
        "numAgents": agents,
        "parentId": unit,
        "ancestors": [unit],
    }


class Turn:
    """One of the two places in which everything can be; a sheet for each, so that every run has the same work to do."""

    def __init__(self, number: int) -> None:
        self._number = number

    @property
    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Of the sheet: department, unit, agent, order, action."""
        rows = []
        for number in range(EXCHANGES):
            name, unit = f"d{number}", f"unit{(number + self._number) % UNITS}"
            rows.append((name, unit, f"a{(number + self._number) % AGENTS}", "", "add"))
            rows.append((name, "", f"a{(number + 1 - self._number) % AGENTS}", "", "remove"))
        return [*rows, *((f"s{number}", "", f"a{number % AGENTS}", str(1 + self._number), "") for number in range(EXCHANGES))]

    def sheet(self, folder: Path) -> Path:
        """The sheet as a file."""
        path = folder / f"turn{self._number}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("department", "unit", "agent", "order", "action"), *self.rows])
        return path

    def wrong(self, before: State, after: State) -> list[str]:
        """Where the state is anything else than the one before with what the sheet asks for."""
        units = {f"d{number}": f"unit{(number + self._number) % UNITS}" for number in range(EXCHANGES)}
        agents: dict[tuple[str, str], Any] = {}
        for number in range(EXCHANGES):
            stays, goes = (f"u-a{(number + place) % AGENTS}" for place in (self._number, 1 - self._number))
            agents[f"d{number}", goes] = None
            agents[f"d{number}", stays] = places(before).get((f"d{number}", stays), (0, 0))
            agents[f"s{number}", f"u-a{number % AGENTS}"] = (5, 1 + self._number)
        found: list[str] = differences(before, after, units=units, agents=agents)
        return found

    def holds(self, state: State, row: int) -> bool:
        """Whether a row of the sheet (numbered as the spreadsheet shows it) is so."""
        department, unit, agent, order, action = self.rows[row - 2]
        place = places(state).get((department, f"u-{agent}"))
        if unit and parents(state)[department] != unit:
            return False
        return (place is None) if action == "remove" else place is not None and order in ("", str(place[1]))


class Served:
    """A sandbox in another process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _get(self, path: str) -> Any:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{self.url}/_sandbox/{path}", timeout=60) as answer:
            return json.load(answer)

    def state(self) -> State:
        state: State = self._get("state")
        return state

    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._get("calls")
        return calls

    def turn(self) -> Turn:
        """The turn that everything is not in by now."""
        return Turn(1 if parents(self.state())["d0"] == "unit0" else 0)


def writes_of(calls: Sequence[dict[str, Any]]) -> "Counter[tuple[str, str]]":
    """How often each thing was written."""
    return Counter((call["method"], call["path"].removeprefix("/api/v1/")) for call in calls if call["method"] != "GET")


def environment(url: str, *, user: str = "admin") -> dict[str, str]:
    """That of the program: nothing of this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("BULKJOB_")}
    return kept | {"ROCKETCHAT_URL": url, "ROCKETCHAT_USER_ID": f"u-{user}", "ROCKETCHAT_AUTH_TOKEN": f"token-{user}"}


@contextmanager
def served(state: State, folder: Path, *options: str) -> Iterator[Served]:
    """A sandbox with a workspace."""
    file = folder / "workspace.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    command = [sys.executable, "-m", "bulkjob", "sandbox", "--port", "0", "--state", str(file), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(process.stdout.readline().strip().removeprefix("listening on "))
        finally:
            process.kill()


@contextmanager
def started(
    url: str, *arguments: object, user: str = "admin", before: Sequence[str] = (), **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own; ``before`` goes before it on the command line."""
    command = [*before, sys.executable, "-m", "bulkjob", *map(str, arguments)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(url, user=user), **streams, **options) as process:
        try:
            yield process
        finally:
            process.kill()


class Done:
    """A process that has ended."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.out, self.err = process.communicate(timeout=60)
        self.exit = process.returncode
        self.said = " ".join((self.out + self.err).split())
        assert "Traceback" not in self.err, self.err
        assert "never retrieved" not in self.err, self.err


def ran(url: str, *arguments: object, **options: Any) -> Done:
    """The program, run to its end."""
    with started(url, *arguments, **options) as process:
        return Done(process)


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    """Waits until something is so that the running process brings about, or the process is over."""
    deadline = time.monotonic() + 60
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def holds_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    return any(entry.exists() and entry.resolve() == path.resolve() for entry in Path(f"/proc/{pid}/fd").iterdir())


def looks_after(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal, where the system tells; else that is taken for granted."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return True
    caught = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def report_of(folder: Path) -> list[dict[str, str]]:
    """The rows of results.csv, which is whole, and says the same as summary.json."""
    text = (folder / "results.csv").read_bytes().decode("utf-8-sig")
    assert text.endswith("\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header[-len(OUTCOME_COLUMNS) :] == list(OUTCOME_COLUMNS)
    results = [dict(zip(header, row, strict=True)) for row in rows]
    summary = json.loads((folder / "summary.json").read_bytes())
    counts = Counter(row["status"] for row in results)
    assert {name: count for name, count in summary["rows"].items() if count and name != "total"} == counts
    left = [row["row"] for row in results if row["status"] != "success"]
    assert (folder / "retry.csv").exists() == (bool(left) and folder.name != "rollback")
    assert not list(folder.glob(".*.part"))
    return results


def journalled(folder: Path) -> tuple[list[Intent], dict[int, Settled]]:
    """The intents of a run's journal, and the outcomes by number; nothing in it is damaged."""
    path = folder / JOURNAL_FILE
    records = records_of(path.read_bytes())[0] if path.exists() else []
    return [record for record in records if isinstance(record, Intent)], {
        record.number: record for record in records if isinstance(record, Settled)
    }


def done_by(folder: Path) -> set[tuple[str, str | None]]:
    """The changes, as department and agent (None: its unit), that the journal knows as done."""
    intents, settled = journalled(folder)
    return {
        (change.department, change.agent)
        for intent in intents
        if intent.number in settled
        for change, outcome in zip(intent.changes, settled[intent.number].outcomes, strict=True)
        if outcome.status is Status.SUCCESS
    }


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A sandbox that the tests of one worker use one after the other; each run leaves the workspace in one of the two turns."""
    with served(workspace(), tmp_path_factory.mktemp("sandbox"), "--rate-limit", "off", "--latency", str(LATENCY_MS)) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def tools() -> Any:
    """The functions above."""
    from types import SimpleNamespace

    return SimpleNamespace(
        Turn=Turn,
        Done=Done,
        Expired=subprocess.TimeoutExpired,
        served=served,
        started=started,
        ran=ran,
        wait_for=wait_for,
        holds_open=holds_open,
        looks_after=looks_after,
        report_of=report_of,
        journalled=journalled,
        done_by=done_by,
        writes_of=writes_of,
        workspace=workspace,
        places=places,
        parents=parents,
        differences=differences,
    )
