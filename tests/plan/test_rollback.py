"""The way back: what is put back, what is so already, and what is left alone."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bulkjob.changes.change import Attempt, Change, Outcome, Place, Prior, settled
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.plan.rollback import way_back
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Department, Membership, Unit, Workspace
from bulkjob.vocabulary import Code, Effect, Status

ASKED = DepartmentAgent(department_id="d1", agent_id="a1", username="anna", present=True, count=None, order=None, rows=(3,))
SERVER = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)


def place(count: int = 0, order: int = 0, *, doubled: bool = False) -> Place:
    """An agent's place in the department."""
    return Place(count=count, order=order, doubled=doubled)


def workspace(parent: str | None = "u2", present: Place | None = None) -> Workspace:
    """One department, in a unit or not, with the agent or not."""
    members = {}
    if present:
        assert present.count is not None
        assert present.order is not None
        members = {
            "a1": Membership(agent_id="a1", username="anna", count=present.count, order=present.order, doubled=present.doubled),
        }
    return Workspace(
        departments={"d1": Department(id="d1", name="Sales", parent_id=parent, archived=False)},
        units={"u3": Unit(id="u3", name="EMEA", visibility="public")},
        agents={},
        members={"d1": members},
    )


def asked(**what: Any) -> DepartmentAgent:
    """The agent's place as the run was asked for it."""
    return msgspec.structs.replace(ASKED, **what)


def moved(before: str | None, after: str | None, status: Status | None = Status.SUCCESS, row: int = 2) -> Attempt:
    """A department's change of unit."""
    return attempt(DepartmentUnit(department_id="d1", unit_id=after, rows=(row,)), before, status)


def attempt(change: Change, before: Prior, status: Status | None = Status.SUCCESS) -> Attempt:
    return Attempt(change=change, prior=before, outcome=None, status=status)


def outcome_of(made: list[Attempt], now: Workspace) -> tuple[Change, Outcome | None]:
    """The one change of a way back, and its outcome if it needs no call."""
    back = way_back(made)
    ((change, attempts),) = back.items()
    return change, settled(change, now, SERVER, attempts)


def same(change: Change, other: Change) -> bool:
    """Whether two changes ask for the same, and for the same rows."""
    return bool(change == other) and change.rows == other.rows


def test_a_unit_goes_back() -> None:
    """A department that is where the run put it goes back to where it was, also to no unit."""
    for before in ("u1", None):
        change, outcome = outcome_of([moved(before, "u2")], workspace("u2"))
        assert same(change, DepartmentUnit(department_id="d1", unit_id=before, rows=(2,)))
        assert outcome is None


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
    for made in (moved("u1", "u2"), attempt(ASKED, None)):
        _, outcome = outcome_of([made], now)
        assert outcome is not None
        assert outcome.code is Code.DEPARTMENT_GONE


def test_several_attempts_go_back_to_the_first() -> None:
    """A change that was tried in two attempts goes back to what the first one found, for the rows of both."""
    made = [moved("u1", "u2", None, row=2), moved("u2", "u3", row=5)]
    change, outcome = outcome_of(made, workspace("u3"))
    assert same(change, DepartmentUnit(department_id="d1", unit_id="u1", rows=(2, 5)))
    assert outcome is None


def test_an_agent_whom_any_attempt_may_have_added_leaves() -> None:
    """Of several attempts of unknown outcome one is enough: chats may have raised the count above what the last one was to lower."""
    lowered = asked(count=1, order=0)
    made = [attempt(lowered, None, None), attempt(lowered, place(count=2), None)]
    change, outcome = outcome_of(made, workspace(present=place(count=4)))
    assert same(change, asked(present=False))
    assert outcome is None


def test_what_is_known_to_have_failed_is_no_change() -> None:
    """A write that the server refused is not put back, whatever holds now."""
    assert way_back([moved("u1", "u2", Status.FAILED)]) == {}


@pytest.mark.parametrize("now", [place(), place(count=3)])
def test_an_agent_who_was_added_leaves(now: Place) -> None:
    """Somebody who was added is removed, also after some chats."""
    change, outcome = outcome_of([attempt(ASKED, None)], workspace(present=now))
    assert same(change, asked(present=False))
    assert outcome is None


def test_an_agent_who_was_removed_comes_back_with_their_numbers() -> None:
    """Somebody who was removed comes back with the count and the order they had, also one whom ``mirror`` had removed."""
    for removed in (asked(present=False), asked(present=False, mirrored=True)):
        change, outcome = outcome_of([attempt(removed, place(count=5, order=2))], workspace(present=None))
        assert same(change, asked(count=5, order=2))
        assert isinstance(change, DepartmentAgent)
        assert (change.mirrored, outcome) == (removed.mirrored, None)


@pytest.mark.parametrize(
    ("numbers", "before", "now", "back"),
    [
        ({"count": 0}, place(count=5, order=1), place(count=0, order=1), {"count": 5}),
        ({"count": 0}, place(count=5, order=1), place(count=2, order=1), {"count": 5}),
        ({"count": 0}, place(count=5, order=1), place(count=8, order=1), {"count": 5}),
        ({"order": 3}, place(count=5, order=1), place(count=9, order=3), {"order": 1}),
        ({"count": 9, "order": 3}, place(count=5, order=1), place(count=9, order=3), {"count": 5, "order": 1}),
    ],
)
def test_numbers_that_the_run_set_go_back(numbers: dict[str, int], before: Place, now: Place, back: dict[str, int]) -> None:
    """Of the two numbers only what the run set goes back; a count that has risen is a chat, not a change."""
    change, outcome = outcome_of([attempt(asked(**numbers), before)], workspace(present=now))
    assert same(change, asked(**back))
    assert outcome is None


@pytest.mark.parametrize(
    ("what", "before", "now"),
    [
        ({}, None, None),
        ({"order": 3}, place(count=5, order=1), place(count=6, order=1)),
        ({"present": False}, place(order=2), place(count=1, order=2)),
    ],
)
def test_an_agent_who_is_as_before_needs_no_call(what: dict[str, int], before: Place | None, now: Place | None) -> None:
    """What is as the run found it is already so."""
    _, outcome = outcome_of([attempt(asked(**what), before)], workspace(present=now))
    assert outcome is not None
    assert outcome.status is Status.SUCCESS


@pytest.mark.parametrize(
    ("what", "before", "now"),
    [
        ({"order": 3}, place(order=1), place(order=7)),
        ({"order": 3}, place(order=1), None),
        ({"present": False}, place(order=2), place(order=8)),
        ({"order": 3}, None, place(order=4)),
    ],
)
def test_an_agent_whom_somebody_changed_since_is_left_alone(what: dict[str, int], before: Place | None, now: Place | None) -> None:
    """What is neither as the run made it nor as it was is left alone, with what was found."""
    _, outcome = outcome_of([attempt(asked(**what), before)], workspace(present=now))
    assert outcome is not None
    assert outcome.code is Code.CHANGED_MEANWHILE
    assert outcome.seen


def test_numbers_that_the_run_did_not_set_stay_what_they_are() -> None:
    """An order that the run left alone may be any by now: only the count goes back."""
    change, outcome = outcome_of([attempt(asked(count=0), place(count=5, order=1))], workspace(present=place(count=0, order=1)))
    assert isinstance(change, DepartmentAgent)
    assert (change.count, change.order, outcome) == (5, None, None)


def test_each_thing_has_its_own_way_back() -> None:
    """A department's unit, and each agent's place in each department, go back by themselves; with them what was made of each."""
    made = [moved("u1", "u2"), attempt(ASKED, None), attempt(asked(agent_id="a2"), place(1, 1)), attempt(asked(department_id="d2"), None)]
    back = way_back([*made, attempt(asked(count=4, rows=(9,)), place(), None)])
    assert [change.target for change in back] == [each.change.target for each in made]
    assert [len(attempts) for attempts in back.values()] == [1, 2, 1, 1]
    assert [change.rows for change in back] == [(2,), (3, 9), (3,), (3,)]


def test_an_agent_who_is_stored_twice_as_before_needs_no_call() -> None:
    """A write of unknown outcome that found the agent stored twice, and was not carried out, is not put back."""
    found = place(count=5, order=1, doubled=True)
    _, outcome = outcome_of([attempt(asked(order=3), found, None)], workspace(present=found))
    assert outcome is not None
    assert (outcome.status, outcome.change) == (Status.SUCCESS, Effect.UNCHANGED)
