"""Additions that are shared out between two routes."""

from collections import Counter
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Operation, Plan, UnitPost, calls_of
from bulkjob.plan.order import in_order
from bulkjob.plan.prepared import Prepared
from bulkjob.plan.routes import shared_out
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Department, Workspace
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.pacing.tickets import Limit

LIMIT = 10


def server(version: tuple[int, int] = (7, 0)) -> Server:
    account = Account(id="me", username="me", roles=frozenset({"livechat-manager"}))
    return Server(version=Version(*version), version_text="", account=account, permissions=None, modules=None)


def change(department: str, *, present: bool = True) -> DepartmentAgent:
    return DepartmentAgent(department_id=department, agent_id="u", username="u", present=present, count=None, order=None, rows=(2,))


def put(number: int, *, unit: bool = False) -> DepartmentPut:
    department = f"d{number}"
    moved = DepartmentUnit(department_id=department, unit_id="unit", rows=(2,)) if unit else None
    return DepartmentPut(department_id=department, unit=moved, agents=(change(department),), after=("unit/a/repair",) if not unit else ())


def removal(number: int) -> AgentsPost:
    return AgentsPost(department_id=f"r{number}", changes=(change(f"r{number}", present=False),), after=())


UNIT = UnitPost(unit_id="a", changes=(), lost=frozenset(), after=())


def prepared(*operations: Operation, calls: int | None = LIMIT, version: tuple[int, int] = (7, 0), departments: int = 100) -> Prepared:
    """A plan of these operations in a workspace of so many departments, under a limit of so many calls a minute."""
    changes = tuple(change for operation in operations for change in operation.changes)
    there = {f"w{number}": Department(id=f"w{number}", name="", parent_id=None, archived=False) for number in range(departments)}
    return Prepared(
        server=server(version),
        workspace=Workspace(departments=there, units=None, agents={}),
        plan=Plan(changes=changes, settled={}, operations=operations, warnings=()),
        reading={endpoints.LIST_DEPARTMENTS: 1},
        limit=None if calls is None else Limit(calls=calls, window=60.0),
        concurrency=8,
    )


def needed(each: Prepared, calls: int = LIMIT) -> int:
    """How many windows the busiest route needs, if a window lets so many calls through."""
    total = sum((calls_of(operation, each.terms) for operation in each.plan.operations), start=Counter())
    return ceil(max(total.values(), default=0) / calls)


def kinds(shared: Prepared) -> Counter[str]:
    return Counter(type(operation).__name__ for operation in shared.plan.operations)


@pytest.mark.parametrize(("departments", "without", "shared", "posts"), [(30, 3, 2, 10), (100, 10, 7, 30), (300, 30, 20, 100)])
def test_a_third_of_the_windows_is_saved(*, departments: int, without: int, shared: int, posts: int) -> None:
    """Two thirds by PUT, which is read once, one third by POST, which is read twice: both end after two thirds of the windows."""
    before = prepared(UNIT, *(put(number) for number in range(departments)))
    after = shared_out(before)
    assert (needed(before), needed(after)) == (without, shared)
    assert kinds(after) == {"UnitPost": 1, "DepartmentPut": departments - posts, "AgentsPost": posts}


def test_the_forecast_knows() -> None:
    """What is shared out is foretold to end sooner."""
    before = prepared(UNIT, *(put(number) for number in range(300)))
    seconds = [each.forecast.seconds for each in (before, shared_out(before))]
    assert seconds == [pytest.approx(29 * 60, abs=60), pytest.approx(19 * 60, abs=90)]


@pytest.mark.parametrize("departments", [0, 1, 10])
def test_what_fits_into_a_window_stays(departments: int) -> None:
    """Where one window is enough, nothing is moved to another route."""
    before = prepared(UNIT, *(put(number) for number in range(departments)))
    assert shared_out(before) is before


def test_no_limit_no_reason() -> None:
    """Where the server limits nothing, nothing is moved."""
    before = prepared(*(put(number) for number in range(100)), calls=None)
    assert shared_out(before) is before


def test_no_more_than_pays_is_moved() -> None:
    """One department too many for a window: it goes by the other route, and no second one."""
    assert kinds(shared_out(prepared(UNIT, *(put(number) for number in range(11)))))["AgentsPost"] == 1


def test_removals_have_used_the_route_already() -> None:
    """Where removals keep the agents' routes busy as long, additions stay with the PUT."""
    before = prepared(UNIT, *(put(number) for number in range(20)), *(removal(number) for number in range(10)))
    assert shared_out(before) is before


def test_an_old_server_gains_nothing() -> None:
    """Before 6.6 a PUT is looked up in the agents' list as well, so that sharing would only add calls."""
    before = prepared(UNIT, *(put(number) for number in range(100)), version=(6, 5))
    assert shared_out(before) is before


def test_a_look_at_each_department_gains_nothing() -> None:
    """Where the list of departments is too long to be shared, either route looks at each department by a call of its own."""
    before = prepared(UNIT, *(put(number) for number in range(100)), departments=501)
    assert not before.terms.shares_lists
    assert shared_out(before) is before


def test_a_unit_does_not_wait_for_a_put_that_has_gone_to_the_other_route() -> None:
    """A unit that is written after the puts of its departments waits for those that are left, and the plan can be carried out."""
    puts = [put(number) for number in range(30)]
    behind = UnitPost(unit_id="b", changes=(), lost=frozenset(), after=tuple(each.id for each in puts))
    shared = shared_out(prepared(UNIT, *puts, behind))
    left = tuple(operation.id for operation in shared.plan.operations if isinstance(operation, DepartmentPut))
    assert kinds(shared)["AgentsPost"] == 10
    assert shared.plan.operations[-1].after == left
    assert len(in_order(shared.plan.operations)) == len(puts) + 2


@settings(deadline=None)
@given(
    additions=st.integers(0, 80),
    moves=st.integers(0, 40),
    removals=st.integers(0, 40),
    calls=st.integers(1, 30),
    old=st.booleans(),
    departments=st.sampled_from([1, 100, 101, 900]),
)
def test_sharing(*, additions: int, moves: int, removals: int, calls: int, old: bool, departments: int) -> None:
    """Nobody finds a mix with fewer windows; units and removals keep their route, each change is carried once, after the same writes."""
    operations: list[Operation] = [
        UNIT,
        *map(put, range(additions)),
        *(put(100 + number, unit=True) for number in range(moves)),
        *map(removal, range(removals)),
    ]
    before = prepared(*operations, calls=calls, version=(6, 5) if old else (7, 0), departments=departments)
    lists = before.terms.shares_lists
    shared = shared_out(before)
    after = shared.plan
    assert [operation.changes for operation in after.operations] == [operation.changes for operation in operations]
    assert [operation.after for operation in after.operations] == [operation.after for operation in operations]
    kept = [new for new, old in zip(after.operations, operations, strict=True) if not (isinstance(old, DepartmentPut) and old.unit is None)]
    assert kept == [UNIT, *operations[1 + additions :]]
    least = min(_windows(additions - moved + moves, moved + removals, calls, old=old, lists=lists) for moved in range(additions + 1))
    assert needed(shared, calls) == max(least, 1)
    moved = sum(isinstance(new, AgentsPost) for new in after.operations) - removals
    assert not moved or _windows(additions - moved + 1 + moves, moved - 1 + removals, calls, old=old, lists=lists) > least


def _windows(puts: int, posts: int, calls: int, *, old: bool, lists: bool) -> int:
    """By hand: a PUT reads its department, before 6.6 its agents are looked up; a POST is read before and after, its department beside."""
    departments = puts + (0 if lists else posts)
    return max(ceil(puts / calls), ceil(departments / calls), ceil((2 * posts + (puts if old else 0)) / calls))
