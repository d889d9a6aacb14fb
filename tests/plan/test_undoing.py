"""From the history of a run to a plan that puts back what it changed."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pandas as pd
import pytest

from bulkjob.changes.change import ALREADY_SO, Attempt, Change, Place, Prior
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.new_unit import NewUnit
from bulkjob.changes.operations import AgentsPost, UnitPost
from bulkjob.plan.prepared import Prepared
from bulkjob.plan.state import RunState
from bulkjob.plan.undoing import Undoing, state_of_rollback
from bulkjob.records.naming import new_unit
from bulkjob.records.results import RowResult
from bulkjob.records.sheet import Sheet
from bulkjob.rocketchat.client import Client
from bulkjob.rundir.format import Kept
from bulkjob.rundir.history import History
from bulkjob.sandbox import Sandbox
from bulkjob.settings import Settings
from bulkjob.vocabulary import Code, Effect, Status
from tests.support.in_process import InProcess
from tests.support.virtual_time import VirtualTimeLoop

SHEET = Sheet(
    name="s.csv",
    sha256="ab",
    sheet_name="",
    headers=("department",),
    letters=("A",),
    positions={"department": 0},
    cells=pd.DataFrame([[""]] * 5, index=range(2, 7), columns=range(1), dtype=str),
)


def department(identifier: str, unit: str | None = None) -> dict[str, Any]:
    return {
        "_id": identifier,
        "name": identifier.upper(),
        "email": "a@example.org",
        "enabled": True,
        "showOnRegistration": True,
        "showOnOfflineForm": True,
        "type": "d",
        "numAgents": 0,
        "parentId": unit,
        "ancestors": [unit] if unit else None,
    }


def state() -> dict[str, Any]:
    """Three departments, the first in a unit, with an agent in the second and third."""
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["admin"]},
            {"_id": "u-anna", "username": "anna", "roles": ["livechat-agent"]},
        ],
        "units": [
            {"_id": unit, "name": unit.upper(), "visibility": "public", "type": "u", "numMonitors": 0, "numDepartments": 0}
            for unit in ("emea", "apac")
        ],
        "unitMonitors": [],
        "departments": [department("d1", "emea"), department("d2"), department("d3")],
        "departmentAgents": [
            {"_id": f"p-{where}", "departmentId": where, "agentId": "u-anna", "username": "anna", "count": 4, "order": 1}
            for where in ("d2", "d3")
        ],
    }


def moved(*rows: int, status: Status | None = Status.SUCCESS) -> Attempt:
    return attempt(DepartmentUnit(department_id="d1", unit_id="emea", rows=rows), "apac", status)


def added(where: str, *rows: int, status: Status | None = Status.SUCCESS) -> Attempt:
    change = DepartmentAgent(department_id=where, agent_id="u-anna", username="anna", count=4, order=1, rows=rows)
    return attempt(change, None, status)


def attempt(change: Change, prior: Prior, status: Status | None) -> Attempt:
    return Attempt(change=change, prior=prior, outcome=None, status=status)


def planned(
    *attempts: Attempt, earlier: tuple[int, ...] = (), before: tuple[Attempt, ...] = (), there: dict[str, Any] | None = None
) -> tuple[Prepared, Counter[str]]:
    """The plan that puts back what was made, and how often which route was read for it.

    ``earlier``: the rows that an earlier attempt of the rollback put back. ``before``: what such attempts wrote.
    """

    async def work() -> tuple[Prepared, Counter[str]]:
        sandbox = Sandbox(there or state(), clock=asyncio.get_running_loop().time, server_version="7.0")
        client = Client.over(
            InProcess(sandbox, {"_id": "u-admin", "username": "admin"}, lambda _: 0.0, None), concurrency=4, attempts=3, draw=lambda: 0.0
        )
        history = History(sheet=Kept.of(SHEET), attempts=attempts)
        run = state_of_rollback(history)
        run.attempts = before
        run.earlier.update((row, RowResult(row=row, status=Status.SUCCESS)) for row in earlier)
        undoing = Undoing(Settings(), run, history)
        undoing.check()
        said: list[str] = []
        prepared = await undoing.plan(client, said.append)
        assert tuple(said) == prepared.plan.warnings
        assert undoing.prepared is prepared
        assert (run.workspace, run.server) == (prepared.workspace, prepared.server)
        calls = sandbox.calls()
        assert {call["method"] for call in calls} == {"GET"}
        assert sum(prepared.reading.values()) == len(calls)
        return prepared, Counter(call["path"].removeprefix("/api/v1/") for call in calls)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        result: tuple[Prepared, Counter[str]] = runner.run(work())
        return result


class Counted(dict[int, RowResult]):
    """Rows that need nothing more, and how often they were gone through."""

    gathered = 0

    def keys(self) -> Any:
        self.gathered += 1
        return super().keys()


class TestStateOfRollback:
    def test_rows_that_the_run_did_not_touch_need_nothing(self) -> None:
        """Rows of which nothing was written, or nothing successfully, are success at once; the others are open."""
        history = History(sheet=Kept.of(SHEET), attempts=(moved(2), added("d2", 3, 4, status=None), added("d3", 5, status=Status.FAILED)))
        run = state_of_rollback(history)
        assert run.undoes
        assert Kept.of(run.checked.sheet) == Kept.of(SHEET)
        assert {row: (result.status, result.change) for row, result in run.earlier.items()} == dict.fromkeys(
            (5, 6), (Status.SUCCESS, Effect.UNCHANGED)
        )

    def test_a_row_that_failed_once_and_was_done_later_is_touched(self) -> None:
        """A row is touched by any of the attempts."""
        history = History(sheet=Kept.of(SHEET), attempts=(moved(2, status=Status.FAILED), moved(2)))
        assert 2 not in state_of_rollback(history).earlier


class TestPlan:
    def test_what_was_made_goes_back(self) -> None:
        """A unit and an agent go back by the operations that any plan would send, and the plan keeps what was made of each."""
        prepared, _ = planned(moved(2), added("d2", 3))
        plan = prepared.plan
        assert plan.settled == {}
        assert plan.warnings == (
            'Unit "EMEA" (emea) will be left without departments.',
            'Department "D2" (d2) will be left without any agent.',
        )
        assert {type(operation) for operation in plan.operations} == {UnitPost, AgentsPost}
        assert [(change.target, change.wanted, change.rows) for change in plan.changes] == [
            (("department", "d1", "unit"), "apac", (2,)),
            (("department", "d2", "agent", "u-anna"), None, (3,)),
        ]
        assert {change.target: [each.prior for each in attempts] for change, attempts in plan.attempts.items()} == {
            ("department", "d1", "unit"): ["apac"],
            ("department", "d2", "agent", "u-anna"): [None],
        }

    def test_only_the_lists_that_are_needed_are_read(self) -> None:
        """Lists of agents are read of those departments only in which agents were or may have been changed, units only if some moved."""
        _, calls = planned(added("d2", 3, status=None), added("d3", 4, status=Status.FAILED))
        assert [path for path in calls if path.endswith("/agents")] == ["livechat/department/d2/agents"]
        assert "livechat/units" not in calls
        _, calls = planned(moved(2))
        assert not [path for path in calls if path.endswith("/agents")]
        assert calls["livechat/units"] == 1
        # Names of agents are in the journal.
        assert not [path for path in calls if path.startswith("livechat/users")]

    def test_department_that_was_deleted_since(self) -> None:
        """Of a department that is gone no list is asked for; its changes fail, the others go back."""
        there = state()
        there["departments"] = [each for each in there["departments"] if each["_id"] != "d2"]
        prepared, calls = planned(added("d2", 3), added("d3", 4), there=there)
        assert [path for path in calls if path.endswith("/agents")] == ["livechat/department/d3/agents"]
        assert [(change.target[1], outcome.code) for change, outcome in prepared.plan.settled.items()] == [("d2", Code.DEPARTMENT_GONE)]
        assert [operation.id for operation in prepared.plan.operations] == ["agents/d3"]

    def test_what_somebody_changed_since_is_left_alone(self) -> None:
        """What is neither as the run made it nor as it was before is settled, with what is there; what is back already is so."""
        there = state()
        there["departmentAgents"][0]["order"] = 7
        there["departmentAgents"].pop(1)
        prepared, _ = planned(added("d2", 3), added("d3", 4), there=there)
        first, second = prepared.plan.settled.values()
        assert (first.code, first.seen) == (Code.CHANGED_MEANWHILE, "they are there with count 4 and order 7 now")
        assert second == ALREADY_SO
        assert prepared.plan.operations == ()

    def test_rows_that_an_earlier_attempt_put_back(self) -> None:
        """A rollback that goes on leaves out the rows that are done; what other rows ask for, too, goes back for these."""
        prepared, _ = planned(moved(2), added("d2", 3, 4), earlier=(2, 3))
        assert [(change.target[1], change.rows) for change in prepared.plan.changes] == [("d2", (4,))]
        # What was made is known all the same: equality does not look at the rows.
        (operation,) = prepared.plan.operations
        assert all(change in prepared.plan.attempts for change in operation.changes)

    def test_unit_of_unknown_making_that_an_earlier_attempt_took_away(self) -> None:
        """It is no longer there to be found by its name; that it went is that attempt's work, and no row is told to be untouched."""
        made = attempt(NewUnit(unit_id=new_unit("West"), name="West", rows=(2,)), None, None)
        taken = attempt(NewUnit(unit_id="u9", name="West", present=False, rows=(2,)), "u9", None)
        prepared, _ = planned(made, before=(taken,))
        assert prepared.plan.settled == {taken.change: ALREADY_SO}
        prepared, _ = planned(made)
        assert prepared.plan.changes == ()

    def test_an_agent_who_was_stored_twice_comes_back_once(self) -> None:
        """An agent whom the run removed and the server had stored twice comes back with the numbers of one of the rows."""
        there = state()
        there["departmentAgents"] = []
        removed = DepartmentAgent(department_id="d2", agent_id="u-anna", username="anna", present=False, mirrored=True, rows=(2,))
        prepared, _ = planned(attempt(removed, Place(count=4, order=1, doubled=True), Status.SUCCESS), there=there)
        (change,) = prepared.plan.changes
        assert msgspec.to_builtins(change) == msgspec.to_builtins(
            DepartmentAgent(department_id="d2", agent_id="u-anna", username="anna", count=4, order=1, mirrored=True, rows=(2,))
        )
        assert prepared.plan.removals == 0


def test_rows_are_gone_through_as_often_for_many_as_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which rows need nothing more is gathered for all of them together, not once for each row of the sheet."""
    runs: list[RunState] = []
    made = state_of_rollback

    def counted(history: History) -> RunState:
        runs.append(made(history))
        runs[0].earlier = Counted(runs[0].earlier)
        return runs[0]

    monkeypatch.setattr("tests.plan.test_undoing.state_of_rollback", counted)
    planned(moved(2), added("d2", 3))
    assert isinstance(runs[0].earlier, Counted)
    assert runs[0].earlier.gathered < len(SHEET.cells)
