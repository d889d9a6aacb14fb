"""What a run that goes on tells of its rows: the past as it was, whenever the process before it was killed or interrupted."""

import asyncio
import os
import runpy
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bulkjob.changes.change import Attempt, Change, by_row
from bulkjob.rundir.format import JOURNAL_FILE, Concluded, Intent, records_of
from bulkjob.rundir.history import read_history
from bulkjob.settings.values import MaxRemovals
from bulkjob.vocabulary import Exit

JOB = runpy.run_path(str(Path(__file__).parent / "conftest.py"))
rehearse = JOB["rehearse"]

#: Seconds that each call takes: a write is carried out when half of them are over.
LATENCY = 0.25

State = dict[str, Any]
Rows = Sequence[dict[str, object]]

#: From a unit to another, to none, from none; an agent who is new, whose numbers change, who leaves; both in one row.
ROWS: Rows = [
    {"department": "alpha", "unit": "south"},
    {"department": "beta", "unit": "-"},
    {"department": "free", "unit": "north"},
    {"department": "alpha", "agent": "cid", "count": 4, "order": 9},
    {"department": "beta", "agent": "bob", "order": 5},
    {"department": "alpha", "agent": "ann", "action": "remove"},
    {"department": "gamma", "unit": "north", "agent": "cid"},
    {"department": "free", "agent": "ann", "order": 2},
]
PAST = [
    'Moved to unit "SOUTH" (south) from "NORTH" (north).',
    'Taken out of unit "NORTH" (north).',
    'Put into unit "NORTH" (north).',
    "Added agent @cid (u-cid) with count 4 and order 9.",
    "Changed agent @bob (u-bob) to order 5.",
    "Removed agent @ann (u-ann).",
    'Moved to unit "NORTH" (north) from "SOUTH" (south). Added agent @cid (u-cid).',
    "Added agent @ann (u-ann) with order 2.",
]

#: With ``mirror``: somebody is added, somebody changes, and all others leave.
MIRRORED: Rows = [
    {"department": "alpha", "agent": "cid"},
    {"department": "beta", "agent": "bob", "order": 5},
    {"department": "beta", "unit": "south", "agent": "ann"},
]
MIRRORED_PAST = [
    "Added agent @cid (u-cid). Removed from the department, because no row names them: @ann (u-ann), @bob (u-bob).",
    "Changed agent @bob (u-bob) to order 5. Removed from the department, because no row names them: @cid (u-cid).",
    'Moved to unit "SOUTH" (south) from "NORTH" (north). Added agent @ann (u-ann). '
    "Removed from the department, because no row names them: @cid (u-cid).",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A sheet, how it is run, and what is to be told of its rows."""

    rows: Rows
    past: list[str]
    options: dict[str, Any]

    def run(self, folder: Path, state: State, **more: Any) -> Any:
        return rehearse(folder, state, self.rows, latency=lambda _: LATENCY, rate_limit="off", concurrency=1, **self.options, **more)


CASES = {
    "units": Case(rows=ROWS, past=PAST, options={"unit_route": "unit"}),
    "departments": Case(rows=ROWS, past=PAST, options={"unit_route": "department"}),
    "early answers": Case(rows=ROWS, past=PAST, options={"version": "6.5"}),
    "mirror": Case(rows=MIRRORED, past=MIRRORED_PAST, options={"agents": "mirror", "max_removals": MaxRemovals(count=1000)}),
}


@pytest.fixture
def workspace(small: State) -> State:
    """The small workspace; Cid is in Beta, too."""
    small["departmentAgents"].append({**small["departmentAgents"][2], "_id": "p4", "agentId": "u-cid", "username": "cid", "count": 2})
    small["departments"][1]["numAgents"] = 2
    return small


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a kill would leave."""

    folder: Path
    state: State
    writes: list[tuple[str, str]]
    """Method and path of each that the server had carried out."""

    @property
    def journal(self) -> Path:
        return self.folder / "run" / JOURNAL_FILE

    def attempts(self) -> Sequence[Attempt]:
        """What the journal knows of."""
        history = read_history(self.journal)
        return history.attempts if history else ()

    def lost(self) -> set[Change]:
        """The changes that were written, and of whose write the journal has no outcome."""
        records, _ = records_of(self.journal.read_bytes())
        concluded = {record.number for record in records if isinstance(record, Concluded)}
        carried_out = Counter(self.writes)
        found: set[Change] = set()
        for intent in (record for record in records if isinstance(record, Intent)):
            write = intent.method, intent.path
            if carried_out[write] and intent.number not in concluded:
                found |= {written.change for written in intent.changes}
            carried_out[write] -= 1
        return found


def moments(case: Case, folder: Path, state: State, **more: Any) -> tuple[Any, list[Moment]]:
    """A whole run, and what a kill would have left before each call, after each write, and at the end."""
    found: list[Moment] = []

    def note(sandbox: Any) -> None:
        copy = folder / f"moment-{len(found)}"
        shutil.copytree(folder / "run", copy / "run", ignore=shutil.ignore_patterns("*.csv", "*.xlsx", "summary.json"))
        writes = [(call["method"], call["path"]) for call in sandbox.calls() if call["method"] != "GET"]
        found.append(Moment(folder=copy, state=sandbox.state(), writes=writes))

    transports: list[Any] = []

    def meddle(transport: Any, request: Any) -> None:
        transports.append(transport)
        if (folder / "run" / JOURNAL_FILE).exists():
            note(transport.sandbox)
        if request.writes:
            # Once more when it was carried out, and its answer is on its way.
            asyncio.get_running_loop().call_later(LATENCY / 4, note, transport.sandbox)

    whole = case.run(folder, state, meddle=meddle, **more)
    note(transports[-1].sandbox)
    return whole, found


def deciding(attempts: Sequence[Attempt]) -> dict[int, Change]:
    """Row → the change of it whose write decides its figures."""
    return {row: changes[0] for row, changes in by_row(attempt.change for attempt in attempts).items()}


def figures(row: dict[str, str]) -> tuple[str, str, str]:
    return row["attempts"], row["http_status"], row["seconds"]


@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_moment(workspace: State, tmp_path: Path, name: str) -> None:
    """Killed at whatever call, the run that goes on tells each row as if there had been no kill.

    Attempts, HTTP status and seconds are those of the write that decided, unless it was killed before its outcome was known: nobody knows
    them then, and they are blank.
    """
    case = CASES[name]
    whole, found = moments(case, tmp_path, workspace)
    assert (whole.exit, whole.column("message")) == (Exit.OK, case.past)
    assert {(row["attempts"], row["http_status"]) for row in whole.rows} == {("1", "200")}
    decides = deciding(found[-1].attempts())
    assert len(found) > 2 * len(whole.writes)
    lost_ones = 0
    for moment in found:
        lost = moment.lost()
        answered = {attempt.change: attempt.outcome.seconds for attempt in moment.attempts() if attempt.outcome}
        lost_ones += bool(lost)
        ran = case.run(moment.folder, moment.state)
        assert ran.exit == Exit.OK, ran.said
        assert ran.column("message") == case.past
        assert set(ran.column("change")) == {"updated"}
        for row in ran.rows:
            change = decides[int(row["row"])]
            if change in lost:
                assert figures(row) == ("", "", ""), row
            else:
                assert figures(row) == ("1", "200", f"{answered[change]:.3f}" if change in answered else row["seconds"] or "some"), row
    assert lost_ones >= len(whole.writes)


@pytest.mark.parametrize("name", CASES)
def test_killed_twice(workspace: State, tmp_path: Path, name: str) -> None:
    """Killed once more while it goes on, it tells the past all the same."""
    case = CASES[name]
    _, found = moments(case, tmp_path, workspace)
    for moment in found[:: len(found) // 4]:
        _, again = moments(case, moment.folder, moment.state)
        for second in again[:: max(1, len(again) // 7)]:
            ran = case.run(second.folder, second.state)
            assert (ran.exit, ran.column("message")) == (Exit.OK, case.past)
            assert set(ran.column("change")) == {"updated"}


@pytest.mark.parametrize("fault", ["reset-after@P*", "reset-before@P*", "timeout-after@P*", "502@P*"])
@pytest.mark.parametrize("name", CASES)
def test_killed_while_an_answer_is_lost(workspace: State, tmp_path: Path, name: str, fault: str) -> None:
    """Where answers were lost before the kill, the past is told all the same, and no attempt is invented."""
    case = CASES[name]
    whole, found = moments(case, tmp_path, workspace, faults=fault.replace("P*", "POST") + "x2," + fault.replace("P*", "PUT") + "x2")
    assert (whole.exit, whole.column("message")) == (Exit.OK, case.past)
    assert {row["attempts"] for row in whole.rows} <= {"1", "2", "3"}
    for moment in found:
        ran = case.run(moment.folder, moment.state)
        assert (ran.exit, ran.column("message")) == (Exit.OK, case.past)
        for row in ran.rows:
            assert row["attempts"] in ("", "1", "2", "3")
            assert (row["attempts"] == "") == (row["seconds"] == "")


@pytest.mark.parametrize("signals", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_interrupted_at_any_call(workspace: State, tmp_path: Path, name: str, signals: int) -> None:
    """Interrupted at whatever call, once or twice, the run that goes on tells the past; what was answered keeps its figures."""
    case = CASES[name]
    whole, _ = moments(case, tmp_path / "whole", workspace)
    for place in range(len(whole.calls)):
        calls = 0

        def meddle(transport: Any, request: Any, place: int = place) -> None:
            nonlocal calls
            calls += 1
            if place < calls <= place + signals:
                os.kill(os.getpid(), signal.SIGINT)

        folder = tmp_path / str(place)
        ended = case.run(folder, workspace, meddle=meddle)
        assert ended.exit in (Exit.INTERRUPTED, Exit.OK)
        known = {row["row"]: row for row in ended.rows if row["status"] == "success"}
        for row, past in zip(ended.rows, case.past, strict=True):
            assert row["status"] != "success" or row["message"] == past
        ran = case.run(folder, ended.after)
        assert (ran.exit, ran.column("message")) == (Exit.OK, case.past)
        for row in ran.rows:
            assert row["row"] not in known or row == known[row["row"]]
            assert figures(row)[:2] in (("1", "200"), ("", ""))
            assert figures(row)[:2] == ("1", "200") or signals == 2
            assert (row["seconds"] == "") == (row["attempts"] == "")
