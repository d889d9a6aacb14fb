"""What must hold before the first write."""

from fractions import Fraction

import pytest

from bulkjob.changes.change import ALREADY_SO
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.operations import AgentsPost, Plan
from bulkjob.plan.guards import refuse_many_removals, refuse_problems, refuse_unlisted_units
from bulkjob.plan.refusals import TooManyRemovals
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.sheet import Problem
from bulkjob.records.workspace import Agent, Workspace
from bulkjob.settings.values import MaxRemovals
from bulkjob.vocabulary import Code, Exit, Stop
from tests.support.stops import stop_of

SERVER = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"clerk"})),
    permissions=frozenset({"view-livechat-departments"}),
    modules=None,
)


def problem(row: int, column: str = "agent") -> Problem:
    return Problem(row=row, column=column, cell="", value="", code=Code.UNKNOWN_AGENT, message="Wrong.")


def leaving(number: int, *, present: bool = False) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=f"u{number}", username="", present=present, count=None, order=None, rows=(2,))


def plan(removals: int) -> Plan:
    """With so many removals to send, one addition, and one removal that is so already."""
    sent = (*map(leaving, range(removals)), leaving(1000, present=True))
    so = leaving(1001)
    operation = AgentsPost(department_id="d1", changes=sent, after=())
    return Plan(changes=(*sent, so), settled={so: ALREADY_SO}, operations=(operation,), warnings=())


def workspace(assignments: int) -> Workspace:
    """With so many agent assignments, and an agent of whom the server does not say where they are."""
    agents = {f"u{n}": Agent(id=f"u{n}", username=f"u{n}", department_ids=frozenset({"d1"})) for n in range(assignments)}
    return Workspace(departments={}, units=None, agents=agents | {"x": Agent(id="x", username="x", department_ids=None)})


class TestProblems:
    def test_none_is_fine(self) -> None:
        """A sheet without problems goes on."""
        assert stop_of(refuse_problems, []) is None

    @pytest.mark.parametrize(
        ("problems", "words"),
        [
            ([problem(2)], r"1 row is invalid, so nothing was sent\. Correct it\."),
            ([problem(2), problem(2, "unit"), problem(3)], r"2 rows are invalid, so nothing was sent\. Correct them\."),
            ([problem(row) for row in range(2, 1502)], r"1,500 rows are invalid"),
        ],
    )
    def test_any_refuses_the_sheet(self, problems: list[Problem], words: str) -> None:
        """Invalid rows, counted once each, end the job with 65; without a row that could go ahead, correcting them is the only way."""
        with pytest.raises(Stop, match=words) as stopped:
            refuse_problems(problems)
        assert stopped.value.exit_code is Exit.BAD_SHEET
        assert "--skip-invalid" not in stopped.value.message

    def test_other_rows_can_go_ahead(self) -> None:
        """Where valid rows are left, the sentence says how to send them."""
        with pytest.raises(Stop, match=r"Correct it, or send the 12 other rows with --skip-invalid\."):
            refuse_problems([problem(2)], sendable=12)


class TestUnlistedUnits:
    def test_none_is_fine(self) -> None:
        """A sheet whose units are all known by id goes on where units cannot be listed."""
        assert stop_of(refuse_unlisted_units, [], SERVER) is None

    def test_names_and_reason(self) -> None:
        """Units that nobody can look up end the job with 77, with their names and what the account lacks."""
        with pytest.raises(Stop, match=r'\("EMEA", "APAC"\), but this account cannot list units: .*manage-livechat-units') as stopped:
            refuse_unlisted_units(["EMEA", "APAC"], SERVER)
        assert stopped.value.exit_code is Exit.NO_PERMISSION

    def test_many_names_are_cut(self) -> None:
        """Of very many names the first five are told."""
        with pytest.raises(Stop, match=r'"u0", "u1", "u2", "u3", "u4" and 4 more\)'):
            refuse_unlisted_units([f"u{number}" for number in range(9)], SERVER)


class TestRemovals:
    @pytest.mark.parametrize(
        ("removals", "assignments", "limit"),
        [
            (0, 0, MaxRemovals(count=0)),
            (20, 5, None),
            (20, 200, None),
            (30, 300, None),
            (30, 309, None),
            (7, 10, MaxRemovals(count=7)),
            (5, 10, MaxRemovals(percent=Fraction(50))),
        ],
    )
    def test_as_many_as_allowed(self, removals: int, assignments: int, limit: MaxRemovals | None) -> None:
        """Removals up to the limit go on: by default the larger of 20 and a tenth of all assignments."""
        assert stop_of(refuse_many_removals, plan(removals), workspace(assignments), limit) is None

    @pytest.mark.parametrize(
        ("removals", "assignments", "limit", "allowed"),
        [
            (1, 300, MaxRemovals(count=0), 0),
            (21, 200, None, 20),
            (31, 300, None, 30),
            (8, 10, MaxRemovals(count=7), 7),
            (6, 11, MaxRemovals(percent=Fraction(50)), 5),
        ],
    )
    def test_one_more_refuses_the_sheet(self, removals: int, assignments: int, limit: MaxRemovals | None, allowed: int) -> None:
        """One more ends the job with 65 before the first write, with the numbers."""
        with pytest.raises(Stop, match=f"removes {removals} of the workspace's {assignments} agent .* limit is {allowed}") as stopped:
            refuse_many_removals(plan(removals), workspace(assignments), limit)
        assert stopped.value.exit_code is Exit.BAD_SHEET
        assert isinstance(stopped.value, TooManyRemovals)
        assert stopped.value.removals == removals
