"""How far rows are while changes are settled one after the other."""

from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.change import ALREADY_SO, Change, Outcome, failed
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.execute.executor import Tally
from bulkjob.vocabulary import Code, Status
from tests.support.work import lines_executed


def agent(name: str, *rows: int) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=name, username=name, rows=rows)


def leaving(name: str, rows: tuple[int, ...]) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=name, username=name, present=False, mirrored=True, rows=rows)


@given(st.data())
def test_a_row_is_done_when_all_that_it_asks_for_is_settled(data: st.DataObject) -> None:
    """In whatever order changes are settled, a row is done once, by the last of its own; it has failed as soon as one of them has."""
    together = tuple(sorted(data.draw(st.sets(st.integers(2, 5), min_size=1))))
    own: list[Change] = [agent(f"a{row}", row) for row in data.draw(st.sets(st.integers(2, 5)))]
    removals: list[Change] = [
        leaving(f"r{place}", data.draw(st.sampled_from([together, (3, 4)]))) for place in range(data.draw(st.integers(0, 4)))
    ]
    changes = [*own, DepartmentUnit(department_id="d1", unit_id="emea", rows=(2, 3)), *removals]
    tally = Tally(changes)
    left, told = data.draw(st.permutations(changes)), list[int]()
    while left:
        now, left = left[: (size := data.draw(st.integers(1, 3)))], left[size:]
        outcomes = {change: data.draw(st.sampled_from([ALREADY_SO, failed(Code.REJECTED)])) for change in now}
        finished = tally.settle(outcomes)
        told += finished
        waiting = {row for change in left for row in change.rows}
        assert set(finished) == {row for change in now for row in change.rows} - waiting
        bad = {row for change, outcome in tally.outcomes.items() if outcome.status is Status.FAILED for row in change.rows}
        assert tally.failed == bad
        assert tally.done == len(told)
        assert all((tally.parts.of(row).decisive[1].status is Status.FAILED) == (row in bad) for row in finished)
    assert sorted(told) == sorted({row for change in changes for row in change.rows})


def test_work_grows_with_rows_and_removals() -> None:
    """Twice the rows and the removals that ``mirror`` makes for all of them are twice the steps, whatever became of the removals."""

    def work(number: int, outcome: Outcome) -> int:
        rows = tuple(range(number))
        changes = [*(agent(f"a{row}", row) for row in rows), *(leaving(f"r{place}", rows) for place in rows)]

        def settle() -> None:
            tally = Tally(changes)
            done = tally.settle(dict.fromkeys(changes, outcome))
            assert len(done) == number
            assert len([tally.parts.of(row) for row in done]) == number

        return lines_executed(settle)

    for outcome in (ALREADY_SO, failed(Code.REJECTED)):
        assert work(200, outcome) <= 2.2 * work(100, outcome)
