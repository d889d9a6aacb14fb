"""One operation carried out: what is read, what is sent, and what is seen afterwards."""

import asyncio
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from bulkjob.changes.change import Attempt, Outcome, Place
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Operation, Plan, Terms, UnitPost
from bulkjob.execute.compose import Attempts
from bulkjob.execute.sender import Sender, Sent
from bulkjob.records.naming import Naming
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.sheet import Sheet
from bulkjob.records.workspace import Unit, Workspace
from bulkjob.rocketchat.client import Client
from bulkjob.rundir.format import Owner
from bulkjob.rundir.journal import Journal
from bulkjob.sandbox import Sandbox
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Effect, Status
from tests.support.in_process import InProcess
from tests.support.virtual_time import VirtualTimeLoop

SERVER = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="u-admin", username="admin", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)
OWNER = Owner(sheet_sha256="ab", sheet_name="", server="", choices=Choices())
SHEET = Sheet(name="s.csv", sha256="ab", sheet_name="", headers=(), letters=(), positions={}, cells=pd.DataFrame(index=[2]))
NAMES = ("anna", "bob")


def state(*places: tuple[str, int, int], **department: Any) -> dict[str, Any]:
    """A workspace with one department and these agents in it: (name, count, order); who is named twice is stored twice."""
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["admin"]},
            *({"_id": f"u-{name}", "username": name, "roles": ["livechat-agent"]} for name in NAMES),
        ],
        "units": [
            {"_id": unit, "name": unit.upper(), "visibility": "public", "type": "u", "numMonitors": 0, "numDepartments": 0}
            for unit in ("emea", "apac")
        ],
        "unitMonitors": [],
        "departments": [
            {
                "_id": "d1",
                "name": "Sales",
                "email": "a@example.org",
                "enabled": True,
                "showOnRegistration": True,
                "showOnOfflineForm": True,
                "type": "d",
                "numAgents": len(places),
                **department,
            }
        ],
        "departmentAgents": [
            {"_id": f"p{number}", "departmentId": "d1", "agentId": f"u-{name}", "username": name, "count": count, "order": order}
            for number, (name, count, order) in enumerate(places)
        ],
    }


def agent(name: str, *, present: bool = True, count: int | None = None) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=f"u-{name}", username=name, present=present, count=count, rows=(2,))


def carried_out(
    operation: Operation, workspace: dict[str, Any], folder: Path, *, shares_lists: bool = False, attempts: Attempts = MappingProxyType({})
) -> SimpleNamespace:
    """What became of an operation, the calls that it took, the workspace afterwards, and whether anything was journalled."""

    async def work() -> SimpleNamespace:
        sandbox = Sandbox(workspace, clock=asyncio.get_running_loop().time, server_version="7.0")
        client = Client.over(
            InProcess(sandbox, {"_id": "u-admin", "username": "admin"}, lambda _: 0.0, None), concurrency=4, attempts=3, draw=lambda: 0.0
        )
        journal = Journal(folder / "journal.jsonl", OWNER, SHEET)
        plan = Plan(changes=operation.changes, settled={}, operations=(operation,), warnings=(), attempts=attempts)
        units = {unit: Unit(id=unit, name=unit.upper(), visibility="public") for unit in ("emea", "apac")}
        naming = Naming(Workspace(departments={}, units=units, agents={}))
        sender = Sender(plan, client, Terms(server=SERVER, shares_lists=shares_lists), naming=naming, journal=journal, warn=said.append)
        carried: Sent = await sender.carry_out(operation)
        await journal.close()
        assert sender.under_way == {}
        calls = sandbox.calls()
        return SimpleNamespace(
            carried=carried,
            routes=sorted(f"{call['method']} {call['route']}" for call in calls),
            places=sorted((row["agentId"], row["count"], row["order"]) for row in sandbox.state()["departmentAgents"]),
            journalled=(folder / "journal.jsonl").exists(),
        )

    said: list[str] = []
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        seen = runner.run(work())
    assert said == []
    return seen


MEMBERS, DEPARTMENT, LIST = (f"GET livechat/department{rest}" for rest in ("/:id/agents", "/:id", ""))
POST = "POST livechat/department/:id/agents"
BOTH = AgentsPost(department_id="d1", changes=(agent("anna"), agent("bob", present=False)), after=())


class TestAgentsPost:
    @pytest.mark.parametrize("shares_lists", [False, True])
    def test_one_look_at_the_department(self, tmp_path: Path, *, shares_lists: bool) -> None:
        """The department is looked at once, by a call of its own or in the list that writes share; its agents before and after."""
        seen = carried_out(BOTH, state(("bob", 3, 1)), tmp_path, shares_lists=shares_lists)
        assert seen.routes == sorted([LIST if shares_lists else DEPARTMENT, MEMBERS, MEMBERS, POST])
        assert {(outcome.status, outcome.change) for outcome in seen.carried.outcomes.values()} == {(Status.SUCCESS, Effect.UPDATED)}
        assert seen.places == [("u-anna", 0, 0)]

    @pytest.mark.parametrize("shares_lists", [False, True])
    @pytest.mark.parametrize(
        ("there", "code"),
        [
            (state(("bob", 3, 1), archived=True, enabled=False), Code.DEPARTMENT_ARCHIVED),
            ({**state(), "departments": []}, Code.DEPARTMENT_GONE),
        ],
    )
    def test_no_call_for_a_department_that_is_gone_or_archived(
        self, tmp_path: Path, there: dict[str, Any], code: Code, *, shares_lists: bool
    ) -> None:
        """A department that was deleted or archived since the plan is not written, and nothing is journalled: its changes fail."""
        seen = carried_out(BOTH, there, tmp_path, shares_lists=shares_lists)
        assert POST not in seen.routes
        assert (seen.journalled, seen.carried.number) == (False, None)
        assert seen.carried.outcomes == dict.fromkeys(BOTH.changes, Outcome(status=Status.FAILED, code=code))

    def test_an_agent_who_is_stored_twice_is_stored_once_afterwards(self, tmp_path: Path) -> None:
        """Of an agent with two rows in the department, one is left, with the numbers that are wanted."""
        change = agent("anna", count=5)
        operation = AgentsPost(department_id="d1", changes=(change,), after=())
        seen = carried_out(operation, state(("anna", 3, 1), ("bob", 2, 2), ("anna", 5, 1)), tmp_path)
        outcome = seen.carried.outcomes[change]
        assert (outcome.status, outcome.change) == (Status.SUCCESS, Effect.UPDATED)
        assert outcome.prior.doubled
        assert (outcome.prior.order, isinstance(outcome.prior, Place)) == (1, True)
        assert seen.places == [("u-anna", 5, 1), ("u-bob", 2, 2)]
        assert seen.routes.count(POST) == 1


BACK = DepartmentUnit(department_id="d1", unit_id=None, rows=(2,))


@pytest.mark.parametrize(
    "operation",
    [
        UnitPost(unit_id="emea", changes=(BACK,), lost=frozenset(), after=()),
        DepartmentPut(department_id="d1", unit=BACK, agents=(), after=()),
    ],
    ids=["unit", "department"],
)
def test_what_somebody_changed_just_before_the_write_is_told_by_name(tmp_path: Path, operation: Operation) -> None:
    """A department that somebody has moved between a rollback's plan and its write stays there, which is told by the unit's name."""
    made = Attempt(change=DepartmentUnit(department_id="d1", unit_id="emea", rows=(2,)), prior=None, outcome=None, status=Status.SUCCESS)
    seen = carried_out(operation, state(parentId="apac", ancestors=["apac"]), tmp_path, attempts={BACK: [made]})
    (outcome,) = seen.carried.outcomes.values()
    assert (outcome.code, outcome.seen) == (Code.CHANGED_MEANWHILE, 'it is in unit "APAC" (apac) now')
    assert all(route.startswith("GET ") for route in seen.routes)
