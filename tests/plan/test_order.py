"""Which operation comes after which."""

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import Operation, UnitPost
from bulkjob.plan.order import arrivals, concerned, fewest_cuts, in_order, sorter_of, unit_posts
from bulkjob.records.workspace import Department
from tests.support.work import lines_executed

Graph = Mapping[str, Collection[str]]

UNITS = "ABCDEF"


def department(identifier: str, parent_id: str | None) -> Department:
    return Department(id=identifier, name=identifier.upper(), parent_id=parent_id, archived=False)


def moves_of(places: Iterable[tuple[str | None, str | None]]) -> tuple[list[DepartmentUnit], dict[str, Department]]:
    """A department d0, d1 … for each (unit it is in, unit it shall be in), and a change for each that moves."""
    departments = {f"d{number}": department(f"d{number}", old) for number, (old, _) in enumerate(places)}
    changes = [
        DepartmentUnit(department_id=f"d{number}", unit_id=new, rows=(number + 2,))
        for number, (old, new) in enumerate(places)
        if old != new
    ]
    return changes, departments


def before(operations: Collection[Operation]) -> dict[str, set[str]]:
    """Operation → all those that have ended when it begins, because it names them or they name each other."""
    ended: dict[str, set[str]] = {}
    for operation in in_order(operations):
        ended[operation.id] = {*operation.after}.union(*(ended[other] for other in operation.after))
    return ended


def cycles(graph: Graph, without: Collection[str]) -> bool:
    """Whether a graph has a cycle once some nodes are taken out."""
    left = {node: {other for other in graph[node] if other in graph and other not in without} for node in graph if node not in without}
    while free := {node for node, others in left.items() if not others}:
        left = {node: others - free for node, others in left.items() if node not in free}
    return bool(left)


places = st.one_of(
    st.lists(st.tuples(st.none() | st.sampled_from(UNITS), st.none() | st.sampled_from(UNITS)), max_size=12),
    # Every possible exchange of four units or none: cycles within cycles.
    st.sets(st.sampled_from([(old, new) for old in UNITS[:4] for new in UNITS[:4] if old != new])).map(sorted),
)
laws = settings(deadline=None)


class TestUnitPosts:
    @laws
    @given(places)
    def test_each_changing_unit_is_written_once_and_cut_ones_twice(self, places: list[tuple[str | None, str | None]]) -> None:
        """A unit that gains or loses a department has one post, a unit that is cut out of a cycle a second one without changes."""
        changes, departments = moves_of(places)
        posts = unit_posts(changes, departments)
        changing = {unit for change in changes for unit in (change.unit_id, departments[change.department_id].parent_id) if unit}
        assert {post.unit_id for post in posts} == changing
        assert len({post.id for post in posts}) == len(posts)
        for unit in changing:
            own = [post for post in posts if post.unit_id == unit]
            assert len(own) in (1, 2)
            assert len(own) == 1 or [bool(post.changes) for post in own] == [True, False]

    @laws
    @given(places)
    def test_every_change_is_carried_once_by_the_unit_it_is_about(self, places: list[tuple[str | None, str | None]]) -> None:
        """A gain is written with the unit that takes it, a department for no unit with the unit that has it, and nothing twice."""
        changes, departments = moves_of(places)
        carried = [(post.unit_id, change) for post in unit_posts(changes, departments) for change in post.changes]
        assert sorted(carried, key=str) == sorted(
            ((change.unit_id or departments[change.department_id].parent_id, change) for change in changes), key=str
        )

    @laws
    @given(places)
    def test_posts_of_units_that_take_from_each_other_are_ordered(self, places: list[tuple[str | None, str | None]]) -> None:
        """No two writes that could touch one department are ever under way together: of giver and taker, one waits for the other."""
        changes, departments = moves_of(places)
        posts = unit_posts(changes, departments)
        ended = before(posts)
        for taking in posts:
            for change in taking.changes:
                old = departments[change.target[1]].parent_id
                for giving in posts:
                    if giving.unit_id == old and giving is not taking:
                        assert giving.id in ended[taking.id] or taking.id in ended[giving.id], (taking.id, giving.id)

    @laws
    @given(places)
    def test_last_post_of_a_giver_comes_after_its_takers(self, places: list[tuple[str | None, str | None]]) -> None:
        """The last write of a unit finds it as it will stay, and knows which departments others have taken by then."""
        changes, departments = moves_of(places)
        posts = unit_posts(changes, departments)
        ended = before(posts)
        last = {post.unit_id: post for post in posts}
        lost: dict[str, set[str]] = {unit_id: set() for unit_id in last}
        for taking in posts:
            for change in taking.changes:
                old = departments[change.target[1]].parent_id
                if change.wanted is not None and old is not None:
                    assert taking.id in ended[last[old].id]
                    lost[old].add(change.target[1])
        assert {unit_id: set(post.lost) for unit_id, post in last.items()} == lost

    @laws
    @given(places)
    def test_extra_calls_are_the_fewest(self, places: list[tuple[str | None, str | None]]) -> None:
        """There are no more second posts than units that have to be taken out so that no cycle of exchanges is left."""
        changes, departments = moves_of(places)
        posts = unit_posts(changes, departments)
        graph: dict[str, set[str]] = {unit: set() for unit in UNITS}
        for change in changes:
            old = departments[change.department_id].parent_id
            if old and change.unit_id:
                graph[old].add(change.unit_id)
        extra = len(posts) - len({post.unit_id for post in posts})
        assert extra == fewest_by_trying(graph)

    @laws
    @given(places)
    def test_order_does_not_depend_on_the_sheet(self, places: list[tuple[str | None, str | None]]) -> None:
        """The same moves in another order are the same calls, waiting for the same ones."""
        changes, departments = moves_of(places)
        there, back = (unit_posts(each, departments) for each in (changes, changes[::-1]))
        assert {post.id: (set(post.changes), post.lost, set(post.after)) for post in there} == {
            post.id: (set(post.changes), post.lost, set(post.after)) for post in back
        }

    def test_units_of_two_cycles_that_take_from_each_other_are_ordered(self) -> None:
        """Two units that are both written twice are ordered too where one takes from the other, whichever comes first by name."""
        for first, second in permutations(("A", "B")):
            pairs = [("A", "C"), ("C", "A"), ("B", "D"), ("D", "B"), (first, second)]
            changes, departments = moves_of(pairs)
            ended = before(unit_posts(changes, departments))
            assert "unit/A" in ended["unit/B"] or "unit/B" in ended["unit/A"]

    def test_chain_needs_no_extra_call(self) -> None:
        """Ten units that each hand a department on to the next cost eleven posts, the last taker's first."""
        changes, departments = moves_of([(f"u{number}", f"u{number + 1}") for number in range(10)])
        posts = in_order(unit_posts(changes, departments))
        assert [post.unit_id for post in posts] == [f"u{number}" for number in range(10, -1, -1)]

    def test_ring_needs_one_extra_call(self) -> None:
        """Ten units in a ring that each hand a department on to the next cost eleven posts: one of them is written twice."""
        changes, departments = moves_of([(f"u{number}", f"u{(number + 1) % 10}") for number in range(10)])
        assert len(unit_posts(changes, departments)) == 11

    def test_exchange_of_everything_needs_one_extra_call(self) -> None:
        """Two units that exchange all they have cost three posts: one, the other, and the first once more."""
        changes, departments = moves_of([("A", "B"), ("A", "B"), ("B", "A"), ("B", "A")])
        first, second, again = in_order(unit_posts(changes, departments))
        assert (first.unit_id, second.unit_id, again.unit_id) == ("A", "B", "A")
        assert not first.lost
        assert second.lost == {"d2", "d3"}
        assert not again.changes
        assert again.lost == {"d0", "d1"}

    def test_units_without_anything_in_common_do_not_wait(self) -> None:
        """Moves that have no unit in common can go side by side."""
        changes, departments = moves_of([(None, "A"), (None, "B"), ("C", None)])
        assert [post.after for post in unit_posts(changes, departments)] == [(), (), ()]


class TestConcerned:
    @laws
    @given(places, st.lists(st.none() | st.sampled_from(UNITS), max_size=6))
    def test_all_posts_that_hold_or_let_go_a_department_are_named(
        self, places: list[tuple[str | None, str | None]], others: list[str | None]
    ) -> None:
        """A call for a department waits for every post of the unit it is in and of the unit it goes to, and for no other."""
        changes, departments = moves_of([*places, *((place, place) for place in others)])
        posts = unit_posts(changes, departments)
        target = {change.department_id: change.unit_id for change in changes}
        found = concerned(posts, departments)
        for identifier, each in departments.items():
            units = {each.parent_id, target.get(identifier, each.parent_id)}
            assert set(found.get(identifier, ())) == {post.id for post in posts if post.unit_id in units}

    def test_arrivals_come_before_the_last_departure(self) -> None:
        """By the department route, one department stays in its unit until others have come in; all the others wait for nothing."""
        changes, departments = moves_of(
            [("A", None), ("B", "A"), ("B", "C"), ("C", None), ("A", None), ("B", "A"), ("A", "D"), ("D", None)]
        )
        assert arrivals(changes, departments) == {
            "d4": ("department/d1", "department/d5"),
            "d3": ("department/d2",),
            "d7": ("department/d6",),
        }

    @laws
    @given(places, st.randoms(use_true_random=False))
    def test_no_unit_that_others_come_into_is_ever_empty(self, places: list[tuple[str | None, str | None]], dice: random.Random) -> None:
        """Whichever order that keeps to it puts go out in, none that leaves for no unit is the last of a unit to which others come."""
        moves, departments = moves_of(places)
        waits = arrivals(moves, departments)
        coming = {move.unit_id for move in moves}
        now, done, left = {identifier: each.parent_id for identifier, each in departments.items()}, set[str](), list(moves)
        while left:
            ready = [move for move in left if done.issuperset(waits.get(move.department_id, ()))]
            move = dice.choice(ready)
            if move.unit_id is None and (old := now[move.department_id]) in coming:
                assert list(now.values()).count(old) > 1
            now[move.department_id] = move.unit_id
            done.add(f"department/{move.department_id}")
            left.remove(move)


def post(name: str, *after: str) -> UnitPost:
    """An operation with an id of its own that comes after others."""
    return UnitPost(unit_id=name, changes=(), lost=frozenset(), after=tuple(f"unit/{other}/repair" for other in after))


#: Operations that may only wait for those of a lower number, in an order of their own.
dependent = st.lists(st.sets(st.integers(0, 7), max_size=3), max_size=8).flatmap(
    lambda waits: st.permutations(
        [post(str(number), *(str(other) for other in sorted(before) if other < number)) for number, before in enumerate(waits)]
    )
)


class TestInOrder:
    @pytest.mark.parametrize("walk", [in_order, sorter_of])
    def test_cycle_is_a_defect(self, walk: Callable[[list[UnitPost]], object]) -> None:
        """Operations that wait for each other are refused rather than silently left out."""
        with pytest.raises(ValueError, match="cycle"):
            walk([post("A", "B"), post("B", "A")])

    @pytest.mark.parametrize("walk", [in_order, sorter_of])
    def test_waiting_for_nobody_is_a_defect(self, walk: Callable[[list[UnitPost]], object]) -> None:
        """So is an operation that waits for one that is not in the plan; all such names are told."""
        with pytest.raises(ValueError, match="not there: unit/B/repair, unit/C/repair"):
            walk([post("A", "C", "B")])

    @laws
    @given(dependent)
    def test_each_comes_once_and_after_what_it_names(self, posts: list[UnitPost]) -> None:
        """No operation is lost or made twice, and each comes behind those it waits for."""
        found = in_order(posts)
        assert sorted(found, key=id) == sorted(posts, key=id)
        places = {operation.id: place for place, operation in enumerate(found)}
        assert all(places[other] < places[operation.id] for operation in found for other in operation.after)

    @laws
    @given(dependent)
    def test_else_they_stay_as_they_came(self, posts: list[UnitPost]) -> None:
        """Operations that wait for the same keep their order; what is in order already is not moved."""
        found = in_order(posts)
        for after in {operation.after for operation in posts}:
            assert [each for each in found if each.after == after] == [each for each in posts if each.after == after]
        assert in_order(found) == found

    def test_what_is_ready_comes_in_the_order_of_the_operations(self) -> None:
        """A walk begins with those that wait for nothing, as they came; what waits comes when all that it names are done."""
        sorter = sorter_of([post("D", "B", "A"), post("C"), post("B"), post("A")])
        assert sorter.get_ready() == ("unit/C/repair", "unit/B/repair", "unit/A/repair")
        sorter.done("unit/B/repair")
        assert sorter.get_ready() == ()
        sorter.done("unit/A/repair")
        assert sorter.get_ready() == ("unit/D/repair",)


def fewest_by_trying(graph: Graph) -> int:
    return next(size for size in range(len(graph) + 1) if any(not cycles(graph, without=cut) for cut in combinations(graph, size)))


def graphs(nodes: int) -> st.SearchStrategy[dict[str, set[str]]]:
    names = [f"n{number}" for number in range(nodes)]
    return st.fixed_dictionaries(
        {name: st.sets(st.sampled_from([*(other for other in names if other != name), "outside"]), max_size=4) for name in names}
    )


class TestFewestCuts:
    @laws
    @given(graphs(7))
    def test_no_fewer_would_do(self, graph: dict[str, set[str]]) -> None:
        """For small graphs the cuts are as few as trying all of them finds, and no cycle is left."""
        cuts = fewest_cuts(graph)
        assert not cycles(graph, without=cuts)
        assert len(cuts) == fewest_by_trying(graph)

    @settings(laws, max_examples=25)
    @given(graphs(40))
    def test_large_graph_is_cut(self, graph: dict[str, set[str]]) -> None:
        """However large the graph, no cycle is left."""
        assert not cycles(graph, without=fewest_cuts(graph))

    def test_large_graph_is_cut_with_few(self) -> None:
        """A hub that exchanges with a hundred units is cut, not the hundred."""
        spokes = [f"n{number}" for number in range(100)]
        graph = {"hub": set(spokes)} | {spoke: {"hub"} for spoke in spokes}
        assert fewest_cuts(graph) == {"hub"}

    def test_work_in_a_knot_grows_with_its_exchanges(self) -> None:
        """In one dense knot, where many units have to be cut, four times the units are about four times the work."""

        def work(units: int) -> int:
            dice = random.Random(units)  # noqa: S311 - nobody's secret
            names = [f"n{number}" for number in range(units)]
            graph = {name: {*dice.sample(names, 10)} - {name} for name in names}
            assert len(fewest_cuts(graph)) > units // 2
            return lines_executed(lambda: fewest_cuts(graph))

        # What is left of a knot is looked through again whenever a quarter of it is gone.
        assert work(1600) < 1.3 * 4 * work(400)

    def test_deep_graph_needs_no_recursion(self) -> None:
        """A chain of ten thousand units is no problem, and a ring of as many needs one cut."""
        chain: dict[str, set[str]] = {f"n{number}": {f"n{number + 1}"} for number in range(10_000)}
        assert fewest_cuts(chain) == frozenset()
        assert len(fewest_cuts(chain | {"n9999": {"n0"}})) == 1
