"""Rows that several changes share: held once."""

from itertools import groupby

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.kinds import AnyChange
from bulkjob.changes.shared_rows import OncePerRows, SharedRows, given_back, held_once, rows_of


def asking(*rows: tuple[int, ...]) -> list[AnyChange]:
    """A change for each of these, of one agent after the other."""
    return [DepartmentAgent(department_id="d1", agent_id=f"a{place}", username="", rows=each) for place, each in enumerate(rows)]


tuples = st.lists(st.integers(2, 9), min_size=1, unique=True).map(tuple)


@given(st.lists(tuples, min_size=1, max_size=3).flatmap(lambda known: st.lists(st.sampled_from(known), max_size=8)))
def test_given_back(rows: list[tuple[int, ...]]) -> None:
    """What is held once is given back to each change, the same rows to all that shared them; others keep theirs."""
    changes = asking(*rows)
    held, shared = held_once(changes)
    runs = [key for key, _ in groupby(rows, key=id)]
    assert len([change for change in held if change.rows]) + len(shared) == len(runs)
    back = given_back(held, msgspec.json.decode(msgspec.json.encode(shared), type=tuple[SharedRows, ...]))
    assert [msgspec.structs.asdict(change) for change in back] == [msgspec.structs.asdict(change) for change in changes]
    assert held_once(back) == (held, shared)


def test_who_shares_with_nobody_keeps_its_rows() -> None:
    """Rows of one change alone stay with it, also where others have equal ones."""
    changes = asking((2, 3), (4,), tuple([2, 3]))  # noqa: C409 - another tuple than the first
    assert held_once(changes) == (tuple(changes), ())


@pytest.mark.parametrize("place", [-1, 2])
def test_rows_of_nothing(place: int) -> None:
    """Rows that are given to a change that is not there are a damage."""
    with pytest.raises(ValueError, match="not there"):
        given_back(asking((), ()), [SharedRows(rows=(2,), changes=(place,))])


def test_once_for_all_that_share_them() -> None:
    """A function of rows is called once for all the changes that share these one after the other, and for those of several so, too."""
    called: list[tuple[tuple[int, ...], ...]] = []

    def total(*rows: tuple[int, ...]) -> int:
        called.append(rows)
        return sum(map(sum, rows))

    many, one = tuple(range(100)), (1,)
    function = OncePerRows(total)
    assert [function(many), function(many), function(one), function(many, one), function(many, one)] == [4950, 4950, 1, 4951, 4951]
    assert called == [(many,), (one,), (many, one)]
    assert function(tuple(range(100))) == 4950


def test_all_rows() -> None:
    """The rows of changes are those that ask for any of them."""
    assert rows_of(asking((2, 3), (3, 4), (7,))) == {2, 3, 4, 7}
