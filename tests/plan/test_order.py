"""Which operation comes after which."""

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import Operation, UnitPost
from bulkjob.plan.order import arrivals, concerned, fewest_cuts, in_order, unit_posts
from bulkjob.records.workspace import Department

Graph = Mapping[str, Collection[str]]

UNITS = "ABCDEF"


def department(identifier: str, parent_id: str | None) -> Department:
    return Department(id=identifier, name=identifier.upper(), parent_id=parent_id, archived=False)


def moves_of(places: Iterable[tuple[str | None, str | None]]) -> tuple[list[DepartmentUnit], dict[str, Department]]:
    """A department d0, d1 … for each (unit it is in, unit it shall be in), and a wish for each that moves."""
    departments = {f"d{number}": department(f"d{number}", old) for number, (old, _) in enumerate(places)}
    wishes = [
        DepartmentUnit(department_id=f"d{number}", unit_id=new, rows=(number + 2,))
        for number, (old, new) in enumerate(places)
        if old != new
    ]
    return wishes, departments


def before(operations: Collection[Operation]) -> dict[str, set[str]]:
    """Operation → all those that have ended when it begins, because it names them or they name each other."""
    ended: dict[str, set[str]] = {}
    for operation in in_order(operations):
        ended[operation.id] = {*operation.after}.union(*(ended[other] for other in operation.after))
    return ended


def circles(graph: Graph, without: Collection[str]) -> bool:
    """Whether a graph has a circle once some nodes are taken out."""
    left = {node: {other for other in graph[node] if other in graph and other not in without} for node in graph if node not in without}
    while free := {node for node, others in left.items() if not others}:
        left = {node: others - free for node, others in left.items() if node not in free}
    return bool(left)


places = st.one_of(
    st.lists(st.tuples(st.none() | st.sampled_from(UNITS), st.none() | st.sampled_from(UNITS)), max_size=12),
    # Every possible exchange of four units or none: knots within knots.
    st.sets(st.sampled_from([(old, new) for old in UNITS[:4] for new in UNITS[:4] if old != new])).map(sorted),
)
laws = settings(deadline=None)


class TestUnitPosts:
    @laws
    @given(places)
    def test_each_changing_unit_is_written_once_and_cut_ones_twice(self, places: list[tuple[str | None, str | None]]) -> None:
        """A unit that gains or loses a department has one post, a unit that is cut out of a circle a second one without wishes."""
        wishes, departments = moves_of(places)
        posts = unit_posts(wishes, departments)
        changing = {unit for wish in wishes for unit in (wish.unit_id, departments[wish.department_id].parent_id) if unit}
        assert {post.unit_id for post in posts} == changing
        assert len({post.id for post in posts}) == len(posts)
        for unit in changing:
            own = [post for post in posts if post.unit_id == unit]
            assert len(own) in (1, 2)
            assert len(own) == 1 or [bool(post.wishes) for post in own] == [True, False]

    @laws
    @given(places)
    def test_every_wish_is_carried_once_by_the_unit_it_is_about(self, places: list[tuple[str | None, str | None]]) -> None:
        """A gain is written with the unit that takes it, a department for no unit with the unit that has it, and nothing twice."""
        wishes, departments = moves_of(places)
        carried = [(post.unit_id, wish) for post in unit_posts(wishes, departments) for wish in post.wishes]
        assert sorted(carried, key=str) == sorted(
            ((wish.unit_id or departments[wish.department_id].parent_id, wish) for wish in wishes), key=str
        )

    @laws
    @given(places)
    def test_posts_of_units_that_take_from_each_other_are_ordered(self, places: list[tuple[str | None, str | None]]) -> None:
        """No two writes that could touch one department are ever under way together: of giver and taker, one waits for the other."""
        wishes, departments = moves_of(places)
        posts = unit_posts(wishes, departments)
        ended = before(posts)
        for taking in posts:
            for wish in taking.wishes:
                old = departments[wish.department_id].parent_id
                for giving in posts:
                    if giving.unit_id == old and giving is not taking:
                        assert giving.id in ended[taking.id] or taking.id in ended[giving.id], (taking.id, giving.id)

    @laws
    @given(places)
    def test_last_post_of_a_giver_comes_after_its_takers(self, places: list[tuple[str | None, str | None]]) -> None:
        """The last write of a unit finds it as it will stay, and knows which departments others have taken by then."""
        wishes, departments = moves_of(places)
        posts = unit_posts(wishes, departments)
        ended = before(posts)
        last = {post.unit_id: post for post in posts}
        lost: dict[str, set[str]] = {unit_id: set() for unit_id in last}
        for taking in posts:
            for wish in taking.wishes:
                old = departments[wish.department_id].parent_id
                if wish.unit_id is not None and old is not None:
                    assert taking.id in ended[last[old].id]
                    lost[old].add(wish.department_id)
        assert {unit_id: set(post.lost) for unit_id, post in last.items()} == lost

    @laws
    @given(places)
    def test_extra_calls_are_the_fewest(self, places: list[tuple[str | None, str | None]]) -> None:
        """There are no more second posts than units that have to be taken out so that no circle of exchanges is left."""
        wishes, departments = moves_of(places)
        posts = unit_posts(wishes, departments)
        graph: dict[str, set[str]] = {unit: set() for unit in UNITS}
        for wish in wishes:
            old = departments[wish.department_id].parent_id
            if old and wish.unit_id:
                graph[old].add(wish.unit_id)
        extra = len(posts) - len({post.unit_id for post in posts})
        assert extra == fewest_by_trying(graph)

    @laws
    @given(places)
    def test_order_does_not_depend_on_the_sheet(self, places: list[tuple[str | None, str | None]]) -> None:
        """The same moves in another order are the same calls, waiting for the same ones."""
        wishes, departments = moves_of(places)
        there, back = (unit_posts(each, departments) for each in (wishes, wishes[::-1]))
        assert {post.id: (set(post.wishes), post.lost, set(post.after)) for post in there} == {
            post.id: (set(post.wishes), post.lost, set(post.after)) for post in back
        }

    def test_units_of_two_circles_that_take_from_each_other_are_ordered(self) -> None:
        """Two units that are both written twice are ordered too where one takes from the other, whichever comes first by name."""
        for first, second in permutations(("A", "B")):
            pairs = [("A", "C"), ("C", "A"), ("B", "D"), ("D", "B"), (first, second)]
            wishes, departments = moves_of(pairs)
            ended = before(unit_posts(wishes, departments))
            assert "unit/A" in ended["unit/B"] or "unit/B" in ended["unit/A"]

    def test_chain_needs_no_extra_call(self) -> None:
        """Ten units that each hand a department on to the next cost eleven posts, the last taker's first."""
        wishes, departments = moves_of([(f"u{number}", f"u{number + 1}") for number in range(10)])
        posts = in_order(unit_posts(wishes, departments))
        assert [post.unit_id for post in posts] == [f"u{number}" for number in range(10, -1, -1)]

    def test_ring_needs_one_extra_call(self) -> None:
        """Ten units in a ring that each hand a department on to the next cost eleven posts: one of them is written twice."""
        wishes, departments = moves_of([(f"u{number}", f"u{(number + 1) % 10}") for number in range(10)])
        assert len(unit_posts(wishes, departments)) == 11

    def test_exchange_of_everything_needs_one_extra_call(self) -> None:
        """Two units that exchange all they have cost three posts: one, the other, and the first once more."""
        wishes, departments = moves_of([("A", "B"), ("A", "B"), ("B", "A"), ("B", "A")])
        first, second, again = in_order(unit_posts(wishes, departments))
        assert (first.unit_id, second.unit_id, again.unit_id) == ("A", "B", "A")
        assert not first.lost
        assert second.lost == {"d2", "d3"}
        assert not again.wishes
        assert again.lost == {"d0", "d1"}

    def test_units_without_anything_in_common_do_not_wait(self) -> None:
        """Moves that have no unit in common can go side by side."""
        wishes, departments = moves_of([(None, "A"), (None, "B"), ("C", None)])
        assert [post.after for post in unit_posts(wishes, departments)] == [(), (), ()]


class TestConcerned:
    @laws
    @given(places, st.lists(st.none() | st.sampled_from(UNITS), max_size=6))
    def test_all_posts_that_hold_or_let_go_a_department_are_named(
        self, places: list[tuple[str | None, str | None]], others: list[str | None]
    ) -> None:
        """A call for a department waits for every post of the unit it is in and of the unit it goes to, and for no other."""
        wishes, departments = moves_of([*places, *((place, place) for place in others)])
        posts = unit_posts(wishes, departments)
        target = {wish.department_id: wish.unit_id for wish in wishes}
        found = concerned(posts, departments)
        for identifier, each in departments.items():
            units = {each.parent_id, target.get(identifier, each.parent_id)}
            assert set(found.get(identifier, ())) == {post.id for post in posts if post.unit_id in units}

    def test_arrivals_come_before_a_departure(self) -> None:
        """By the department route, a department leaves its unit for none only after others have come in; others wait for nothing."""
        wishes, departments = moves_of([("A", None), ("B", "A"), ("B", "C"), ("C", None)])
        assert arrivals(wishes, departments) == {"d0": ("department/d1",), "d3": ("department/d2",)}


class TestInOrder:
    def test_circle_is_a_defect(self) -> None:
        """Operations that wait for each other are refused rather than silently left out."""
        posts = [
            UnitPost(unit_id=unit, changes=(), lost=frozenset(), after=(f"unit/{other}/repair",))
            for unit, other in (("A", "B"), ("B", "A"))
        ]
        with pytest.raises(ValueError, match="circle"):
            in_order(posts)

    def test_waiting_for_nobody_is_a_defect(self) -> None:
        """So is an operation that waits for one that is not in the plan."""
        with pytest.raises(ValueError, match="not there"):
            in_order([UnitPost(unit_id="A", changes=(), lost=frozenset(), after=("unit/B",))])


def fewest_by_trying(graph: Graph) -> int:
    return next(size for size in range(len(graph) + 1) if any(not circles(graph, without=cut) for cut in combinations(graph, size)))


def graphs(nodes: int) -> st.SearchStrategy[dict[str, set[str]]]:
    names = [f"n{number}" for number in range(nodes)]
    return st.fixed_dictionaries(
        {name: st.sets(st.sampled_from([*(other for other in names if other != name), "outside"]), max_size=4) for name in names}
    )


class TestFewestCuts:
    @laws
    @given(graphs(7))
    def test_no_fewer_would_do(self, graph: dict[str, set[str]]) -> None:
        """For small knots the cuts are as few as trying all of them finds, and no circle is left."""
        cuts = fewest_cuts(graph)
        assert not circles(graph, without=cuts)
        assert len(cuts) == fewest_by_trying(graph)

    @settings(laws, max_examples=25)
    @given(graphs(40))
    def test_large_knot_is_untied(self, graph: dict[str, set[str]]) -> None:
        """However large the knot, no circle is left."""
        assert not circles(graph, without=fewest_cuts(graph))

    def test_large_knot_is_untied_with_few(self) -> None:
        """A hub that exchanges with a hundred units is cut, not the hundred."""
        spokes = [f"n{number}" for number in range(100)]
        graph = {"hub": set(spokes)} | {spoke: {"hub"} for spoke in spokes}
        assert fewest_cuts(graph) == {"hub"}

    def test_deep_graph_needs_no_recursion(self) -> None:
        """A chain of ten thousand units is no problem, and a ring of as many needs one cut."""
        chain: dict[str, set[str]] = {f"n{number}": {f"n{number + 1}"} for number in range(10_000)}
        assert fewest_cuts(chain) == frozenset()
        assert len(fewest_cuts(chain | {"n9999": {"n0"}})) == 1
