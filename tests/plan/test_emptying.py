"""Which moves are given up so that no unit is left without departments, and at what cost that is found."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.plan.emptying import last_of_their_units
from bulkjob.records.workspace import Department
from tests.support.work import lines_executed


def department(identifier: str, parent_id: str | None) -> Department:
    return Department(id=identifier, name=identifier, parent_id=parent_id, archived=False)


def given_up_one_by_one(moves: Sequence[DepartmentUnit], departments: Mapping[str, Department]) -> set[DepartmentUnit]:
    """As a person would do it: while some unit would be left without departments, the last move in the sheet out of such is given up."""
    left = list(moves)
    while True:
        after = {identifier: each.parent_id for identifier, each in departments.items()}
        after.update((move.department_id, move.unit_id) for move in left)
        emptied = {each.parent_id for each in departments.values()} - {None, *after.values()}
        leaving = [move for move in left if departments[move.department_id].parent_id in emptied]
        if not leaving:
            return set(moves) - set(left)
        left.remove(max(leaving, key=lambda move: move.rows[0]))


class TestLastOfTheirUnits:
    @settings(max_examples=300)
    @given(
        st.lists(st.tuples(st.none() | st.sampled_from("abcde"), st.none() | st.sampled_from("abcdef"), st.booleans()), max_size=14),
        st.randoms(use_true_random=False),
    )
    def test_as_one_by_one(self, places: list[tuple[str | None, str | None, bool]], dice: random.Random) -> None:
        """The moves that are given up are those that go one by one, the last in the sheet first; the order of the moves does not matter."""
        there = {f"d{number}": department(f"d{number}", old) for number, (old, _, _) in enumerate(places)}
        moves = [
            DepartmentUnit(department_id=f"d{number}", unit_id=new, rows=(number + 2, 100))
            for number, (old, new, moved) in enumerate(places)
            if moved and old != new
        ]
        dice.shuffle(moves)
        assert last_of_their_units(moves, there) == given_up_one_by_one(moves, there)

    def test_unit_that_is_deleted_afterwards(self) -> None:
        """All may leave it; the units that they come from or go to are looked at as ever."""
        there = {name: department(name, unit) for name, unit in (("d0", "a"), ("d1", "a"), ("d2", "b"))}
        moves = [DepartmentUnit(department_id=f"d{number}", unit_id="c", rows=(number + 2,)) for number in range(3)]
        assert last_of_their_units(moves, there) == {moves[1], moves[2]}
        assert last_of_their_units(moves, there, ending={"a"}) == {moves[2]}

    @pytest.mark.parametrize("backwards", [False, True])
    def test_work_grows_with_the_moves(self, *, backwards: bool) -> None:
        """Where each move that is given up brings the next one down, twice the departments are about twice the work."""

        def work(number: int) -> int:
            there = {f"d{place}": department(f"d{place}", f"u{place}") for place in range(number)}
            moves = [DepartmentUnit(department_id=f"d{place}", unit_id=f"u{place + 1}", rows=(place,)) for place in range(number)]
            moves = moves[::-1] if backwards else moves
            assert len(given_up := last_of_their_units(moves, there)) == number, len(given_up)
            return lines_executed(lambda: last_of_their_units(moves, there))

        small = work(100)
        assert work(800) < 8 * small * 1.1
