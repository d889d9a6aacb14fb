"""What a run that goes on tells of its rows: the past as it was, whenever the process before it was killed or interrupted."""

import asyncio
import os
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bulkjob.changes.by_row import ByRow
from bulkjob.changes.change import Attempt, Change
from bulkjob.records import new_unit
from bulkjob.rundir.format import JOURNAL_FILE, Concluded, Intent, records_of
from bulkjob.rundir.history import read_history
from bulkjob.vocabulary import Exit, Status
from tests.support.pasts import CASES, LATENCY, Case, told
from tests.support.rehearsal import Ran
from tests.support.rollbacks import roll_back
from tests.support.states import State, differences, wrong_counters


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
        made = {new_unit(unit["name"]): unit["_id"] for unit in self.state["units"]}
        for intent in (record for record in records if isinstance(record, Intent)):
            write = intent.method, intent.path
            if carried_out[write] and intent.number not in concluded:
                found |= {written.change.in_units(made) for written in intent.changes}
            carried_out[write] -= 1
        return found


def moments(case: Case, folder: Path, state: State, **more: Any) -> tuple[Ran, list[Moment]]:
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
    asked = ByRow(attempt.change for attempt in attempts)
    rows = {row for attempt in attempts for row in attempt.change.rows}
    return {row: asked.own[row][0] if row in asked.own else asked.mirrored[row][0].changes[0] for row in rows}


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
    assert (whole.exit, told(whole)) == (Exit.OK, case.past)
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
        assert told(ran) == case.past
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
            assert (ran.exit, told(ran)) == (Exit.OK, case.past)
            assert set(ran.column("change")) == {"updated"}


@pytest.mark.parametrize("fault", ["reset-after@P*", "reset-before@P*", "timeout-after@P*", "502@P*"])
@pytest.mark.parametrize("name", CASES)
def test_killed_while_an_answer_is_lost(workspace: State, tmp_path: Path, name: str, fault: str) -> None:
    """Where answers were lost before the kill, the past is told all the same, and no attempt is invented."""
    case = CASES[name]
    whole, found = moments(case, tmp_path, workspace, faults=fault.replace("P*", "POST") + "x2," + fault.replace("P*", "PUT") + "x2")
    assert (whole.exit, told(whole)) == (Exit.OK, case.past)
    assert {row["attempts"] for row in whole.rows} <= {"1", "2", "3"}
    for moment in found[::4]:
        ran = case.run(moment.folder, moment.state)
        assert (ran.exit, told(ran)) == (Exit.OK, case.past)
        for row in ran.rows:
            assert row["attempts"] in ("", "1", "2", "3")
            assert (row["attempts"] == "") == (row["seconds"] == "")


@pytest.mark.parametrize("signals", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_interrupted_while_it_calls(workspace: State, tmp_path: Path, name: str, signals: int) -> None:
    """Interrupted at some call, once or twice, the run that goes on tells the past; what was answered keeps its figures."""
    case = CASES[name]
    whole, _ = moments(case, tmp_path / "whole", workspace)
    for place in range(0, len(whole.calls), 2):
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
        for row, message, past in zip(ended.rows, told(ended), case.past, strict=True):
            assert row["status"] != "success" or message == past
        ran = case.run(folder, ended.after)
        assert (ran.exit, told(ran)) == (Exit.OK, case.past)
        for row in ran.rows:
            assert row["row"] not in known or row == known[row["row"]]
            assert figures(row)[:2] in (("1", "200"), ("", ""))
            assert figures(row)[:2] == ("1", "200") or signals == 2
            assert (row["seconds"] == "") == (row["attempts"] == "")


@pytest.mark.parametrize("name", CASES)
def test_rollback_killed_at_any_moment(workspace: State, tmp_path: Path, name: str) -> None:
    """Killed at whatever call, the rollback that goes on puts everything back and tells each row as if there had been no kill."""
    case = CASES[name]
    ran = case.run(tmp_path, workspace)
    options = {"version": case.options.get("version", "7.0"), "rate_limit": "off"}
    found: list[tuple[Path, State]] = []

    def note(sandbox: Any) -> None:
        copy = tmp_path / f"moment-{len(found)}"
        shutil.copytree(ran.folder, copy)
        found.append((copy, sandbox.state()))

    def meddle(transport: Any, request: Any) -> None:
        note(transport.sandbox)
        if request.writes:
            asyncio.get_running_loop().call_later(LATENCY / 4, note, transport.sandbox)

    whole = roll_back(ran.folder, ran.after, meddle=meddle, **options)
    assert whole.exit == Exit.OK, whole.said
    assert not any("Already so" in row["message"] for row in whole.rows)
    for folder, state in found:
        back = roll_back(folder, state, **options)
        assert back.exit == Exit.OK, back.said
        assert [(row["message"], row["change"]) for row in back.rows] == [(row["message"], row["change"]) for row in whole.rows]
        assert differences(ran.before, back.after, units={}, agents={}) == []


def answered_at(found: Sequence[Moment], write: tuple[str, str], *, carried_out: bool) -> Moment:
    """What a kill leaves while a write is on its way: before the server has carried it out, or after."""

    def under_way(moment: Moment) -> bool:
        return (write in moment.writes) == carried_out and any(
            attempt.outcome is None for attempt in moment.attempts() if attempt.change.target[-1] == "unit"
        )

    return next(moment for moment in found if under_way(moment))


class TestAttempts:
    """One row whose unit is written first, then its agent: a run that takes several attempts."""

    CASE = Case(
        rows=[{"department": "gamma", "unit": "north", "agent": "cid", "count": 4}],
        past=[],
        options={"unit_route": "unit"},
    )
    POST = ("POST", "/api/v1/livechat/units/north")

    def test_figures_are_those_of_the_attempt_that_wrote(self, workspace: State, tmp_path: Path) -> None:
        """A write that was killed before it went out, and made by the next attempt, has that one's figures in the third."""
        _, found = moments(self.CASE, tmp_path, workspace)
        moment = answered_at(found, self.POST, carried_out=False)
        second = self.CASE.run(moment.folder, moment.state, faults="500@PUT", retries=1)
        assert second.column("status") != ["success"]
        third = self.CASE.run(moment.folder, second.after)
        assert (third.exit, third.writes) == (Exit.OK, [("PUT", "livechat/department/:id")])
        assert third.rows[0]["message"] == ('Moved to unit "NORTH" (north) from "SOUTH" (south). Added agent @cid (u-cid) with count 4.')
        assert figures(third.rows[0])[:2] == ("1", "200")

    def test_what_the_last_attempt_found_counts(self, workspace: State, tmp_path: Path) -> None:
        """Where a colleague moved the department between two attempts, it came from where the one that wrote had found it."""
        _, found = moments(self.CASE, tmp_path, workspace)
        moment = answered_at(found, self.POST, carried_out=False)
        gamma = next(department for department in moment.state["departments"] if department["_id"] == "gamma")
        gamma.update(parentId=None, ancestors=None)
        second = self.CASE.run(moment.folder, moment.state, faults="500@PUT", retries=1)
        third = self.CASE.run(moment.folder, second.after)
        assert third.rows[0]["message"] == 'Put into unit "NORTH" (north). Added agent @cid (u-cid) with count 4.'

    def test_write_that_arrives_late(self, workspace: State, tmp_path: Path) -> None:
        """What the server carries out only when the next attempt has read the workspace is this run's work all the same."""
        _, found = moments(self.CASE, tmp_path, workspace)
        moment = answered_at(found, self.POST, carried_out=False)
        (intent,) = (record for record in records_of(moment.journal.read_bytes())[0] if isinstance(record, Intent))
        lists = 0

        def meddle(transport: Any, request: Any) -> None:
            nonlocal lists
            if request.path == "/api/v1/livechat/department":
                lists += 1
                if lists == 2:
                    transport.call(intent.method, intent.path, dict(intent.body))

        ran = self.CASE.run(moment.folder, moment.state, meddle=meddle)
        assert lists >= 2
        assert ran.write_paths[0] == self.POST
        assert ran.write_paths.count(self.POST) == 1
        assert ran.rows[0]["message"] == ('Moved to unit "NORTH" (north) from "SOUTH" (south). Added agent @cid (u-cid) with count 4.')

    def test_chat_between_two_attempts(self, workspace: State, tmp_path: Path) -> None:
        """An agent whom a killed write has added was added by the run, also where a chat has raised the counter since."""
        case = Case(
            rows=[{"department": "gamma", "agent": "cid", "count": 4}, {"department": "gamma", "unit": "north"}], past=[], options={}
        )
        put = ("PUT", "/api/v1/livechat/department/gamma")
        _, found = moments(case, tmp_path, workspace)
        moment = next(one for one in found if put in one.writes and any(attempt.outcome is None for attempt in one.attempts()))
        place = next(one for one in moment.state["departmentAgents"] if one["departmentId"] == "gamma")
        place["count"] += 1
        ran = case.run(moment.folder, moment.state)
        assert ran.rows[0]["message"] == "Added agent @cid (u-cid) with count 4."

    def test_write_that_arrives_late_within_an_attempt(self, workspace: State, tmp_path: Path) -> None:
        """What was seen not to be so and then was, before it was sent again, is told and undone by what the first sending had found."""
        case = Case(rows=[{"department": "gamma", "agent": "cid", "count": 4}], past=[], options={})
        path = "/api/v1/livechat/department/gamma"
        bodies: list[Any] = []
        readings = 0

        def meddle(transport: Any, request: Any) -> None:
            nonlocal readings
            if request.path == path and request.writes:
                bodies.append(request.body)
            elif request.path == path and bodies:
                readings += 1
                # First it is looked for, then read to be made anew: by then it has arrived, and a chat has come.
                if readings == 2:
                    (agent,) = bodies[0]["agents"]
                    assert transport.call("PUT", path, {**bodies[0], "agents": [{**agent, "count": 5}]}).status == 200

        ran = case.run(tmp_path, workspace, faults="reset-before@PUTx1", meddle=meddle)
        assert (ran.exit, len(bodies)) == (Exit.OK, 2)
        assert ran.rows[0]["message"] == "Added agent @cid (u-cid) with count 4."
        history = read_history(ran.folder / JOURNAL_FILE)
        assert history is not None
        assert [attempt.prior for attempt in history.attempts if attempt.status is not Status.FAILED] == [None]

    def test_a_repair_is_made_once(self, workspace: State, tmp_path: Path) -> None:
        """Killed at whatever call, the run that goes on puts the counter of the unit that lost a department right, if it is not so yet."""
        case = Case(rows=[{"department": "gamma", "unit": "north"}], past=[], options={"unit_route": "unit"})
        whole, found = moments(case, tmp_path, workspace)
        repair = ("POST", "/api/v1/livechat/units/south")
        assert whole.write_paths[-1] == repair
        assert repair in found[-1].writes
        for moment in found:
            ran = case.run(moment.folder, moment.state)
            assert (ran.exit, wrong_counters(workspace, ran.after)) == (Exit.OK, [])
            assert (repair in ran.write_paths) is (repair not in moment.writes)
