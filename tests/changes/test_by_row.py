"""What each row asks for, and what became of it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.by_row import ByRow, PartsOfRows
from bulkjob.changes.change import ALREADY_SO, Change, ChangeOutcome, Outcome, failed
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.vocabulary import Code, Effect, Status
from tests.support.work import lines_executed

UPDATED = Outcome(status=Status.SUCCESS, change=Effect.UPDATED)
OUTCOMES = (ALREADY_SO, UPDATED, failed(Code.REJECTED), Outcome(status=Status.PLANNED), Outcome(status=Status.NOT_SENT))
MOVE = DepartmentUnit(department_id="d1", unit_id="emea", rows=(2, 3))


def agent(name: str, *rows: int) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=name, username=name, rows=rows)


def leaving(name: str, rows: tuple[int, ...]) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=name, username=name, present=False, mirrored=True, rows=rows)


def decisive(parts: Sequence[ChangeOutcome]) -> ChangeOutcome:
    """What decides a row of which all parts are looked at one by one."""
    ranks = {Status.FAILED: 0, Status.NOT_SENT: 1, Status.PLANNED: 2, Status.SUCCESS: 3}
    return min(parts, key=lambda part: (ranks[part[1].status], part[1].change is not Effect.UPDATED))


def test_own_changes_by_rank() -> None:
    """Each row has its own changes in the order of their rank, the unit first."""
    anna, bob = agent("anna", 2), agent("bob", 3, 4)
    assert ByRow([anna, bob, MOVE]).own == {2: [MOVE, anna], 3: [MOVE, bob], 4: [bob]}


def test_removals_that_rows_share_are_one_group() -> None:
    """What ``mirror`` asks for on behalf of some rows is held once for all of them, in the order of the plan."""
    rows = (2, 3)
    asked = ByRow([agent("anna", 2), agent("bob", 3), leaving("cem", rows), leaving("dora", rows), leaving("emil", (3,))])
    (first,), (second, third) = asked.mirrored[2], asked.mirrored[3]
    assert first is second
    assert [change.agent_id for change in first.changes] == ["cem", "dora"]
    assert [change.agent_id for change in third.changes] == ["emil"]
    assert (2 in asked, 3 in asked, 4 in asked) == (True, True, False)


@given(st.data())
def test_parts_are_what_all_changes_of_a_row_come_to(data: st.DataObject) -> None:
    """However rows share removals, a row is decided by, is updated by and tells of the same as if each change were its own."""
    together = tuple(sorted(data.draw(st.sets(st.integers(2, 5), min_size=1))))
    # Equal rows that are not the same make groups of their own.
    again = (*together,)
    own = [agent(f"a{row}", row) for row in data.draw(st.sets(st.integers(2, 5)))]
    removals = [leaving(f"r{place}", data.draw(st.sampled_from([together, again, (3,)]))) for place in range(data.draw(st.integers(0, 5)))]
    changes: list[Change] = [*own, *([MOVE] if data.draw(st.booleans()) else []), *removals]
    outcomes = {change: data.draw(st.sampled_from(OUTCOMES)) for change in changes}
    asked = ByRow(changes)
    parts = PartsOfRows(asked, outcomes)
    for row in range(2, 6):
        mine = [change for change in sorted(changes, key=lambda change: change.rank) if row in change.rows]
        assert (row in asked) == bool(mine)
        if not mine:
            continue
        found = parts.of(row)
        ordered = sorted(mine, key=lambda change: change in removals)
        expected = decisive([(change, outcomes[change]) for change in ordered])
        assert found.decisive[1] == expected[1]
        assert (found.decisive[0] in removals) == (expected[0] in removals)
        assert found.is_updated == any(outcomes[change].change is Effect.UPDATED for change in mine)
        assert [change for change, _ in found.own] == [change for change in mine if change not in removals]
        made = {change for each in found.mirrored for change in each.removed}
        assert made == {change for change in mine if change in removals and outcomes[change].change is Effect.UPDATED}


def test_what_is_not_settled_is_no_part() -> None:
    """A change without an outcome is taken for what is said of such, or for a mistake where nothing is."""
    unsent = Outcome(status=Status.NOT_SENT)
    assert PartsOfRows(ByRow([MOVE]), {}, unsent).of(2).own == [(MOVE, unsent)]
    with pytest.raises(KeyError):
        PartsOfRows(ByRow([MOVE]), {}).of(2)


def test_work_grows_with_rows_and_removals() -> None:
    """Twice the rows and twice the removals that they share are twice the work, not four times."""

    def work(number: int) -> int:
        rows = tuple(range(number))
        changes = [*(agent(f"a{row}", row) for row in rows), *(leaving(f"r{place}", rows) for place in rows)]
        outcomes: dict[Change, Outcome] = dict.fromkeys(changes, UPDATED)

        def come_to() -> None:
            parts = PartsOfRows(ByRow(changes), outcomes)
            for row in rows:
                assert parts.of(row).is_updated

        return lines_executed(come_to)

    assert work(200) <= 2.2 * work(100)
