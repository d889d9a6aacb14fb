"""What changed, who is left bare, and how it is drawn."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes import ALREADY_SO, DepartmentAgent, Outcome
from bulkjob.changes.change import Attempt, Place
from bulkjob.report.pages.naturally import natural
from bulkjob.report.pages.ribbons import MOST_RIBBONS, matrix_of, ribbons_of
from bulkjob.report.pages.story import Flow, Story
from bulkjob.vocabulary import Status
from tests.support.pages import agent, done, move, state_of, story_of, workspace

THERE = workspace(
    {"a": "north", "b": "north", "c": "south", "d": None},
    units={"north": "North", "south": "South", "west": "West"},
    agents={"ann": ["a"], "bob": ["c"], "cid": ["c"]},
)


def flows_of(story: Story) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(flow.origin, flow.target, flow.departments) for flow in story.moves.flows]


def groups_of(story: Story) -> dict[str, list[str]]:
    return {group.name: [f"{mark.sign} {mark.text}" for mark in group.marks] for group in story.moves.departments}


class TestMoves:
    def test_flows_gather_departments(self) -> None:
        """Departments that went the same way are one flow, the largest first; what was already so is none."""
        outcomes = {
            move("a", "west", 2): done("north"),
            move("b", "west", 3): done("north"),
            move("d", "south", 4): done(None),
            move("c", None, 5): done("south"),
            move("c", "south", 6): ALREADY_SO,
        }
        story = story_of(state_of("department,unit\na,west\nb,west\nd,south\nc,-\nc,south\n", THERE, outcomes))
        assert flows_of(story) == [
            ("North", "West", ("Dept a", "Dept b")),
            ("No unit", "South", ("Dept d",)),
            ("South", "No unit", ("Dept c",)),
        ]
        assert story.moves.totals == "4 departments moved."

    def test_agents_by_department(self) -> None:
        """Who came, who left and what was changed of whom, by name, under the department."""
        outcomes = {
            agent("a", "bob", 2, order=3): done(),
            agent("a", "ann", 3, present=False): done(Place(count=1, order=0)),
            agent("c", "bob", 4, order=2): done(Place(count=1, order=1)),
        }
        story = story_of(state_of("department,agent\na,bob\na,ann\nc,bob\n", THERE, outcomes))
        assert groups_of(story) == {"Dept a": ["+ @bob order 3", "− @ann"], "Dept c": ["~ @bob order 1 to 2"]}
        assert story.moves.totals == "1 agent added, 1 removed and 1 other change made."

    def test_earlier_attempts_count(self) -> None:
        """A run that went on tells what its earlier attempts did, from the state that the first of them found."""
        made = Attempt(change=move("a", "west", 2), prior="north", outcome=None, status=Status.SUCCESS)
        unknown = Attempt(change=move("c", "west", 4), prior="south", outcome=None, status=None)
        outcomes = {move("b", "west", 3): done("north")}
        there = workspace({"a": "west", "b": "north", "c": "south"}, units={"north": "North", "south": "South", "west": "West"})
        story = story_of(state_of("department,unit\na,west\nb,west\nc,west\n", there, outcomes, attempts=(made, unknown)))
        assert flows_of(story) == [("North", "West", ("Dept a", "Dept b"))]
        assert [(watch.title, watch.items) for watch in story.watch] == [("Units without departments now", ("North",))]

    def test_unknown_names_are_the_sheets(self) -> None:
        """Where the workspace could not be read again, departments go by what the sheet calls them."""
        made = Attempt(change=move("x1", "y1", 2), prior=None, outcome=None, status=Status.SUCCESS)
        story = story_of(state_of("department,unit\nSales,West\n", None, {}, attempts=(made,)))
        assert flows_of(story) == [("No unit", "y1", ("Sales",))]


class TestBare:
    @pytest.mark.parametrize(("more", "bare"), [({}, True), ({agent("a", "cid", 3): done()}, False)])
    def test_department_without_agents(self, more: dict[DepartmentAgent, Outcome], bare: bool) -> None:  # noqa: FBT001
        """A department is named whose last agent left, unless another one came."""
        outcomes = {agent("a", "ann", 2, present=False): done(Place()), agent("c", "bob", 4, present=False): done(Place()), **more}
        story = story_of(state_of("department,agent\na,ann\na,cid\nc,bob\n", THERE, outcomes))
        found = [watch.items for watch in story.watch if watch.title == "Departments without an agent now"]
        assert found == ([("Dept a",)] if bare else [])

    def test_unit_with_a_department_left_is_not_empty(self) -> None:
        """Only a unit that had departments and has none is named."""
        story = story_of(
            state_of("department,unit\na,west\nc,west\n", THERE, {move("a", "west", 2): done("north"), move("c", "west", 3): done("south")})
        )
        assert [watch.items for watch in story.watch] == [("South",)]

    def test_warnings_are_told_by_when_they_were_known(self) -> None:
        """What the plan said, and what was noticed on the way, stand apart."""
        state = state_of("department,unit\na,west\n", THERE, {}, foretold=["It will rain."], warnings=["It will rain.", "It rains."])
        assert [(watch.title, watch.items) for watch in story_of(state).watch] == [
            ("What was noticed on the way", ("It rains.",)),
            ("What the plan said before the first change", ("It will rain.",)),
        ]


units = st.sampled_from([f"Unit {number}" for number in range(6)])
some_flows = st.dictionaries(st.tuples(units, units), st.integers(1, 9), min_size=1).map(
    lambda found: [Flow(origin=origin, target=target, departments=("x",) * number) for (origin, target), number in found.items()]
)


class TestDrawing:
    @given(some_flows)
    def test_few_are_ribbons_and_many_a_table(self, flows: list[Flow]) -> None:
        """Every flow is drawn in one of the two, and every department counts once."""
        ribbons, matrix = ribbons_of(flows), matrix_of(flows)
        assert (ribbons is not None, matrix is not None) == (len(flows) <= MOST_RIBBONS, len(flows) > MOST_RIBBONS)
        number = sum(flow.number for flow in flows)
        if ribbons:
            assert len(ribbons.ribbons) == len(flows)
            assert sum(post.number for post in ribbons.posts) == 2 * number
            assert all(post.y >= 0 and post.y + post.height <= ribbons.height for post in ribbons.posts)
        if matrix:
            assert sum(row.total for row in matrix.rows) + matrix.more == number

    def test_posts_do_not_overlap(self) -> None:
        """However thin a ribbon is, its unit's name has a line to itself."""
        flows = [Flow(origin=f"U{place}", target="All", departments=("x",), more=place * 500) for place in range(12)]
        ribbons = ribbons_of(flows)
        assert ribbons is not None
        tops = [post.y for post in ribbons.posts if post.left]
        assert all(after - before >= 16 for before, after in pairwise(tops))

    def test_nothing_is_not_drawn(self) -> None:
        """Without a move there is no picture."""
        assert (ribbons_of([]), matrix_of([])) == (None, None)


def test_numbers_in_names_are_numbers() -> None:
    """Names are in the order in which people count."""
    assert sorted(["Unit 10", "unit 9", "Unit 2b", "10", "Àrea", "2"], key=natural) == [
        "2",
        "10",
        "unit 2b".capitalize(),
        "unit 9",
        "Unit 10",
        "Àrea",
    ]
