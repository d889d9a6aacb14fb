"""Additions that are shared out between two routes."""

from collections import Counter
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Operation, Plan, UnitPost
from bulkjob.plan.forecast import forecast_of
from bulkjob.plan.routes import shared_out, windows
from bulkjob.records.server import Account, Server, Version
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.pacing.tickets import Limit

LIMIT = 10


def server(version: tuple[int, int] = (7, 0)) -> Server:
    account = Account(id="me", username="me", roles=frozenset({"livechat-manager"}))
    return Server(version=Version(*version), version_text="", account=account, permissions=None, modules=None)


def wish(department: str, *, present: bool = True) -> DepartmentAgent:
    return DepartmentAgent(department_id=department, agent_id="u", username="u", present=present, count=None, order=None, rows=(2,))


def put(number: int, *, unit: bool = False) -> DepartmentPut:
    department = f"d{number}"
    moved = DepartmentUnit(department_id=department, unit_id="unit", rows=(2,)) if unit else None
    return DepartmentPut(department_id=department, unit=moved, agents=(wish(department),), after=("unit/a/repair",) if not unit else ())


def removal(number: int) -> AgentsPost:
    return AgentsPost(department_id=f"r{number}", changes=(wish(f"r{number}", present=False),), after=())


UNIT = UnitPost(unit_id="a", changes=(), lost=frozenset(), after=())


def plan(*operations: Operation) -> Plan:
    wishes = tuple(wish for operation in operations for wish in operation.wishes)
    return Plan(changes=wishes, settled={}, operations=operations, warnings=())


def kinds(shared: Plan) -> Counter[str]:
    return Counter(type(operation).__name__ for operation in shared.operations)


@pytest.mark.parametrize(("departments", "without", "shared", "posts"), [(30, 3, 2, 10), (100, 10, 7, 30), (300, 30, 20, 100)])
def test_a_third_of_the_windows_is_saved(*, departments: int, without: int, shared: int, posts: int) -> None:
    """Two thirds by PUT, which is read once, one third by POST, which is read twice: both end after two thirds of the windows."""
    before = plan(UNIT, *(put(number) for number in range(departments)))
    after = shared_out(before, server(), LIMIT)
    assert (windows(before.operations, server(), LIMIT), windows(after.operations, server(), LIMIT)) == (without, shared)
    assert kinds(after) == {"UnitPost": 1, "DepartmentPut": departments - posts, "AgentsPost": posts}


def test_the_forecast_knows() -> None:
    """What is shared out is foretold to end sooner."""
    limit = Limit(calls=LIMIT, window=60.0)
    before = plan(UNIT, *(put(number) for number in range(300)))
    after = shared_out(before, server(), LIMIT)
    seconds = [
        forecast_of(each.operations, server(), reading={endpoints.LIST_DEPARTMENTS: 1}, limit=limit, concurrency=8).seconds
        for each in (before, after)
    ]
    assert seconds == [pytest.approx(29 * 60, abs=60), pytest.approx(19 * 60, abs=90)]


@pytest.mark.parametrize("departments", [0, 1, 10])
def test_what_fits_into_a_window_stays(departments: int) -> None:
    """Where one window is enough, nothing is moved to another route."""
    before = plan(UNIT, *(put(number) for number in range(departments)))
    assert shared_out(before, server(), LIMIT) is before


def test_no_more_than_pays_is_moved() -> None:
    """One department too many for a window: it goes by the other route, and no second one."""
    assert kinds(shared_out(plan(UNIT, *(put(number) for number in range(11))), server(), LIMIT))["AgentsPost"] == 1


def test_removals_have_used_the_route_already() -> None:
    """Where removals keep the agents' routes busy as long, additions stay with the PUT."""
    before = plan(UNIT, *(put(number) for number in range(20)), *(removal(number) for number in range(10)))
    assert shared_out(before, server(), LIMIT) is before


def test_an_old_server_gains_nothing() -> None:
    """Before 6.6 a PUT is looked up in the agents' list as well, so that sharing would only add calls."""
    before = plan(UNIT, *(put(number) for number in range(100)))
    assert shared_out(before, server((6, 5)), LIMIT) is before


@settings(deadline=None)
@given(additions=st.integers(0, 80), moves=st.integers(0, 40), removals=st.integers(0, 40), calls=st.integers(1, 30), old=st.booleans())
def test_sharing(*, additions: int, moves: int, removals: int, calls: int, old: bool) -> None:
    """Nobody finds a mix with fewer windows; units and removals keep their route, every wish is carried once, and after the same writes."""
    account = server((6, 5) if old else (7, 0))
    operations: list[Operation] = [
        UNIT,
        *map(put, range(additions)),
        *(put(100 + number, unit=True) for number in range(moves)),
        *map(removal, range(removals)),
    ]
    before = plan(*operations)
    after = shared_out(before, account, calls)
    assert [operation.wishes for operation in after.operations] == [operation.wishes for operation in operations]
    assert [operation.after for operation in after.operations] == [operation.after for operation in operations]
    kept = [new for new, old in zip(after.operations, operations, strict=True) if not (isinstance(old, DepartmentPut) and old.unit is None)]
    assert kept == [UNIT, *operations[1 + additions :]]
    least = min(_windows(additions - moved + moves, moved + removals, calls, old=old) for moved in range(additions + 1))
    assert windows(after.operations, account, calls) == max(least, 1)
    moved = sum(isinstance(new, AgentsPost) for new in after.operations) - removals
    assert not moved or _windows(additions - moved + 1 + moves, moved - 1 + removals, calls, old=old) > least


def _windows(puts: int, posts: int, calls: int, *, old: bool) -> int:
    """By hand: a PUT is read once, before 6.6 its agents are looked up; a POST is read before and after."""
    return max(ceil(puts / calls), ceil((2 * posts + (puts if old else 0)) / calls))
