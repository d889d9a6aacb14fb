"""The way back: what is put back, what is so already, and what is left alone."""

from dataclasses import replace

import pytest

from bulkjob.changes.change import Attempt, Outcome, Prior
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.plan.rollback import departments_changed, way_back
from bulkjob.records.workspace import Department, Membership, Unit, Workspace
from bulkjob.vocabulary import Code, Effect, Status

ASKED = DepartmentAgent(department_id="d1", agent_id="a1", username="anna", present=True, count=None, order=None, rows=(3,))


def member(count: int = 0, order: int = 0) -> Membership:
    """An agent's place in the department."""
    return Membership(agent_id="a1", username="anna", count=count, order=order)


def workspace(parent: str | None = "u2", present: Membership | None = None) -> Workspace:
    """One department, in a unit or not, with the agent or not."""
    return Workspace(
        departments={"d1": Department(id="d1", name="Sales", parent_id=parent, archived=False)},
        units={"u3": Unit(id="u3", name="EMEA", visibility="public")},
        agents={},
        members={"d1": {"a1": present} if present else {}},
    )


def moved(before: str | None, after: str | None, status: Status | None = Status.SUCCESS, row: int = 2) -> Attempt:
    """A department's change of unit."""
    return Attempt(wish=DepartmentUnit(department_id="d1", unit_id=after, rows=(row,)), before=before, status=status)


def set_agent(wish: DepartmentAgent, before: Prior, status: Status | None = Status.SUCCESS) -> Attempt:
    """A change of an agent's place."""
    return Attempt(wish=wish, before=before, status=status)


def outcome_of(made: list[Attempt], now: Workspace) -> tuple[DepartmentUnit | DepartmentAgent, Outcome | None]:
    """The one wish of a way back, and its outcome if it needs no call."""
    back = way_back(made, now)
    (wish,) = back.wishes
    return wish, back.settled.get(wish)


def test_a_unit_goes_back() -> None:
    """A department that is where the run put it goes back to where it was, also to no unit."""
    assert outcome_of([moved("u1", "u2")], workspace("u2")) == (DepartmentUnit(department_id="d1", unit_id="u1", rows=(2,)), None)
    assert outcome_of([moved(None, "u2")], workspace("u2")) == (DepartmentUnit(department_id="d1", unit_id=None, rows=(2,)), None)


def test_a_unit_that_is_back_already_needs_no_call() -> None:
    """What somebody has put back by hand, or an earlier rollback, is already so."""
    _, outcome = outcome_of([moved("u1", "u2")], workspace("u1"))
    assert outcome is not None
    assert (outcome.status, outcome.change) == (Status.SUCCESS, Effect.UNCHANGED)


def test_a_unit_that_somebody_changed_since_is_left_alone() -> None:
    """A department that is neither where the run put it nor where it was is reported with where it is."""
    _, outcome = outcome_of([moved("u1", "u2")], workspace("u3"))
    assert outcome is not None
    assert (outcome.code, outcome.seen) == (Code.CHANGED_MEANWHILE, 'it is in unit "EMEA" (u3) now')


def test_a_department_that_is_gone_is_said() -> None:
    """There is nothing to put back in a department that was deleted."""
    now = replace(workspace(), departments={})
    for made in (moved("u1", "u2"), set_agent(ASKED, None)):
        _, outcome = outcome_of([made], now)
        assert outcome is not None
        assert outcome.code is Code.DEPARTMENT_GONE


def test_several_attempts_go_back_to_the_first() -> None:
    """A change that was tried in two attempts goes back to what the first one found, for the rows of both."""
    made = [moved("u1", "u2", None, row=2), moved("u2", "u3", row=5)]
    assert outcome_of(made, workspace("u3")) == (DepartmentUnit(department_id="d1", unit_id="u1", rows=(2, 5)), None)


def test_an_agent_whom_any_attempt_may_have_added_leaves() -> None:
    """Of several attempts of unknown outcome one is enough: chats may have raised the count above what the last one was to lower."""
    asked = replace(ASKED, count=1, order=0)
    made = [set_agent(asked, None, None), set_agent(asked, member(count=2), None)]
    wish, outcome = outcome_of(made, workspace(present=member(count=4)))
    assert (wish, outcome) == (replace(asked, present=False, count=None, order=None), None)


def test_what_is_known_to_have_failed_is_no_change() -> None:
    """A write that the server refused is not put back, whatever holds now."""
    assert way_back([moved("u1", "u2", Status.FAILED)], workspace("u2")).wishes == ()


@pytest.mark.parametrize("now", [member(), member(count=3)])
def test_an_agent_who_was_added_leaves(now: Membership) -> None:
    """Somebody who was added is removed, also after some chats."""
    wish, outcome = outcome_of([set_agent(ASKED, None)], workspace(present=now))
    assert isinstance(wish, DepartmentAgent)
    assert (wish.present, outcome) == (False, None)


def test_an_agent_who_was_removed_comes_back_with_their_numbers() -> None:
    """Somebody who was removed comes back with the count and the order they had."""
    removed = replace(ASKED, present=False)
    wish, outcome = outcome_of([set_agent(removed, member(count=5, order=2))], workspace(present=None))
    assert (wish, outcome) == (replace(ASKED, count=5, order=2), None)


@pytest.mark.parametrize(
    ("asked", "before", "now", "back"),
    [
        ({"count": 0}, member(count=5, order=1), member(count=0, order=1), {"count": 5}),
        ({"count": 0}, member(count=5, order=1), member(count=2, order=1), {"count": 5}),
        ({"count": 0}, member(count=5, order=1), member(count=8, order=1), {"count": 5}),
        ({"order": 3}, member(count=5, order=1), member(count=9, order=3), {"order": 1}),
        ({"count": 9, "order": 3}, member(count=5, order=1), member(count=9, order=3), {"count": 5, "order": 1}),
    ],
)
def test_numbers_that_the_run_set_go_back(asked: dict[str, int], before: Membership, now: Membership, back: dict[str, int]) -> None:
    """Of the two numbers only what the run set goes back; a count that has risen is a chat, not a change."""
    made = set_agent(replace(ASKED, **asked), before)  # type: ignore[arg-type]
    wish, outcome = outcome_of([made], workspace(present=now))
    assert (wish, outcome) == (replace(ASKED, **back), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "before", "now"),
    [
        ({}, None, None),
        ({"order": 3}, member(count=5, order=1), member(count=6, order=1)),
        ({"present": False}, member(order=2), member(count=1, order=2)),
    ],
)
def test_an_agent_who_is_as_before_needs_no_call(asked: dict[str, int], before: Membership | None, now: Membership | None) -> None:
    """What is as the run found it is already so."""
    made = set_agent(replace(ASKED, **asked), before)  # type: ignore[arg-type]
    _, outcome = outcome_of([made], workspace(present=now))
    assert outcome is not None
    assert outcome.status is Status.SUCCESS


@pytest.mark.parametrize(
    ("asked", "before", "now"),
    [
        ({"order": 3}, member(order=1), member(order=7)),
        ({"order": 3}, member(order=1), None),
        ({"present": False}, member(order=2), member(order=8)),
        ({"order": 3}, None, member(order=4)),
    ],
)
def test_an_agent_whom_somebody_changed_since_is_left_alone(
    asked: dict[str, int], before: Membership | None, now: Membership | None
) -> None:
    """What is neither as the run made it nor as it was is left alone, with what was found."""
    made = set_agent(replace(ASKED, **asked), before)  # type: ignore[arg-type]
    _, outcome = outcome_of([made], workspace(present=now))
    assert outcome is not None
    assert outcome.code is Code.CHANGED_MEANWHILE
    assert outcome.seen


def test_which_departments_are_to_be_read() -> None:
    """The lists of agents are needed of those departments only in which agents were changed."""
    other = replace(ASKED, department_id="d2")
    assert departments_changed([moved("u1", "u2"), set_agent(other, None)]) == {"d2"}
