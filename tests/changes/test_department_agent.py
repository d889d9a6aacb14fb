"""An agent's place in a department."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.change import Place, Prior
from bulkjob.changes.department_agent import DepartmentAgent, DepartmentAgentEntry
from bulkjob.changes.drafts import DepartmentDraft
from bulkjob.changes.entries import Line, Thing
from bulkjob.records.naming import Naming
from bulkjob.records.workspace import Agent, Department, MemberChange, Membership, Workspace, members_by_id
from bulkjob.vocabulary import Code, Status

ANNA = DepartmentAgent(department_id="d1", agent_id="u-anna", username="anna", present=True, count=5, order=2, rows=(2,))
THERE = DepartmentAgent(department_id="d1", agent_id="u-anna", username="anna", rows=(2,))
GONE = DepartmentAgent(department_id="d1", agent_id="u-anna", username="anna", present=False, rows=(2,))
SALES = Workspace(departments={"d1": Department(id="d1", name="Sales", parent_id=None, archived=False)}, units=None, agents={})
NAMING = Naming(SALES)

numbers = st.integers(0, 2**31 - 1)


def place(count: int = 5, order: int = 2, *, doubled: bool = False) -> Place:
    return Place(count=count, order=order, doubled=doubled)


def asking(**what: Any) -> DepartmentAgent:
    return msgspec.structs.replace(THERE, **what)


def test_places_without_numbers_are_one() -> None:
    """A place of which no number is known or asked for, as most are, is the same one for every row."""
    agents = {"u-anna": Agent(id="u-anna", username="anna", department_ids=frozenset({"d1"}))}
    there = Workspace(departments={}, units=None, agents=agents)
    wanted = asking(agent_id="u-bob").wanted
    assert wanted == Place()
    assert THERE.wanted is wanted
    assert THERE.found(there) is wanted


class TestFound:
    def test_departments_own_list(self) -> None:
        """Where a department's own list was read, it says who is there with which numbers; the agents' list is not asked."""
        agents = {"u-anna": Agent(id="u-anna", username="anna", department_ids=frozenset({"d1"}))}
        listed = {"u-anna": Membership(agent_id="u-anna", username="anna", count=3, order=4, doubled=True)}
        there = Workspace(departments={}, units=None, agents=agents, members={"d1": listed})
        assert ANNA.found(there) == place(3, 4, doubled=True)
        assert ANNA.found(Workspace(departments={}, units=None, agents=agents, members={"d1": {}})) is None

    def test_rows_of_one_agent(self) -> None:
        """A list with two rows of one agent, as an answer to a write may hold, tells that they are stored twice."""
        rows = [Membership(agent_id=f"u-{name}", username=name, count=3, order=4) for name in ("anna", "bob", "anna")]
        there = Workspace(departments={}, units=None, agents={}, members={"d1": members_by_id(rows)})
        assert ANNA.found(there) == place(3, 4, doubled=True)
        assert asking(agent_id="u-bob").found(there) == place(3, 4)

    def test_agents_list_of_departments(self) -> None:
        """Else the agents' list says who is there, and nothing of numbers; an agent of whom it does not say is not there."""
        for departments, found in ((frozenset({"d1"}), Place()), (frozenset({"d2"}), None), (None, None)):
            agents = {"u-anna": Agent(id="u-anna", username="anna", department_ids=departments)}
            assert ANNA.found(Workspace(departments={}, units=None, agents=agents, members={"d2": {}})) == found
        assert ANNA.found(SALES) is None


class TestHolds:
    @given(numbers, numbers, st.none() | st.builds(place, numbers, numbers))
    def test_what_was_stored_as_sent_holds(self, count: int, order: int, prior: Place | None) -> None:
        """An agent seen with exactly the numbers that were sent is there as asked, whatever was there before."""
        assert asking(count=count, order=order).holds(prior, place(count, order))

    @given(st.none() | numbers, st.none() | numbers, st.none() | st.builds(place, numbers, numbers))
    def test_what_is_stored_for_it_holds(self, count: int | None, order: int | None, prior: Place | None) -> None:
        """Whatever is asked and found, what is to be stored for it is what is looked for afterwards."""
        change = asking(count=count, order=order)
        stored = change.stored(prior)
        now = place(stored.count, stored.order)
        assert change.is_so(now)
        assert change.holds(prior, now)

    def test_risen_count_holds(self) -> None:
        """A count above the one that was sent is a chat that came in between."""
        assert ANNA.holds(None, place(count=6))
        assert ANNA.holds(place(count=9), place(count=6))

    def test_fallen_count_does_not_hold(self) -> None:
        """A count below the one that was sent was not stored, or not for long."""
        assert not ANNA.holds(None, place(count=4))

    @pytest.mark.parametrize("seen", [9, 10])
    def test_count_that_was_not_lowered_does_not_hold(self, seen: int) -> None:
        """A count that was to fall and is seen no lower than before is no proof of anything: the server did not do it."""
        assert not ANNA.holds(place(count=9), place(count=seen))

    @pytest.mark.parametrize("seen", [9, 10])
    def test_count_that_was_lowered_for_certain_may_rise_above_what_it_was(self, seen: int) -> None:
        """Where the write is known to have been carried out, what is more since then came since then."""
        assert ANNA.holds(place(count=9), place(count=seen), certain=True)

    def test_a_changed_order_tells_that_a_count_was_lowered(self) -> None:
        """A chat right after a write that lowers a count and changes the order does not make it look undone."""
        change = asking(count=8, order=2)
        assert change.holds(place(count=9, order=1), place(count=9, order=2))
        assert not change.holds(place(count=9, order=1), place(count=9, order=1))

    @pytest.mark.parametrize("order", [1, 3])
    def test_order_must_be_as_sent(self, order: int) -> None:
        """Nobody but a person changes an order: any other is not what was asked for."""
        assert not ANNA.holds(None, place(order=order))
        assert not ANNA.holds(None, place(order=order), certain=True)

    def test_numbers_that_were_not_given_must_stay(self) -> None:
        """A number that was not asked for was stored as it was found: an order that is another by now was changed by somebody."""
        assert asking(count=5).holds(place(count=1, order=7), place(count=5, order=7))
        assert not asking(count=5).holds(place(count=1, order=7), place(count=5, order=0))

    def test_presence(self) -> None:
        """Who was to come must be there, who was to leave must not."""
        assert not ANNA.holds(None, None)
        assert GONE.holds(place(), None)
        assert not GONE.holds(place(), place())
        assert not GONE.holds(place(), place(), certain=True)

    def test_numbers_of_one_who_is_stored_twice_do_not_hold(self) -> None:
        """Who is still stored twice after a write of numbers has two of them; where none were asked for, being there is enough."""
        twice = place(doubled=True)
        for change in (ANNA, asking(count=5), asking(order=2)):
            assert not change.holds(twice, twice)
            assert not change.holds(twice, twice, certain=True)
            assert not change.is_so(twice)
            assert change.holds(twice, place())
        assert THERE.is_so(twice)
        assert THERE.holds(twice, twice)
        assert not GONE.is_so(twice)


class TestStored:
    @pytest.mark.parametrize(
        ("change", "prior", "stored"),
        [
            (THERE, None, (0, 0)),
            (THERE, place(7, 3), (7, 3)),
            (THERE, Place(), (0, 0)),
            (asking(count=1), place(7, 3), (1, 3)),
            (asking(order=1), place(7, 3), (7, 1)),
            (asking(count=0, order=0), place(7, 3), (0, 0)),
            (asking(order=1), None, (0, 1)),
        ],
    )
    def test_numbers(self, change: DepartmentAgent, prior: Prior, stored: tuple[int, int]) -> None:
        """A number that is not given stays what it is, and is 0 for an agent who is new."""
        assert change.stored(prior) == MemberChange(agent_id="u-anna", username="anna", count=stored[0], order=stored[1])


class TestDraft:
    @staticmethod
    def drafted(change: DepartmentAgent, prior: Prior) -> tuple[list[str], list[tuple[str, str]]]:
        draft = DepartmentDraft()
        change.apply_to_department(draft, prior)
        return list(draft.upserts), list(draft.removals.items())

    def test_who_comes_or_changes_is_upserted_and_who_leaves_removed(self) -> None:
        """An agent is in one of the two lists; the removal has the username, too."""
        assert self.drafted(ANNA, None) == (["u-anna"], [])
        assert self.drafted(ANNA, place(1, 1)) == (["u-anna"], [])
        assert self.drafted(GONE, place(1, 1)) == ([], [("u-anna", "anna")])

    def test_who_is_stored_twice_leaves_first(self) -> None:
        """An agent who is stored more than once is removed and put in again: an upsert would change only one of the rows."""
        assert self.drafted(ANNA, place(doubled=True)) == (["u-anna"], [("u-anna", "anna")])
        assert self.drafted(GONE, place(doubled=True)) == ([], [("u-anna", "anna")])


class TestUndone:
    @pytest.mark.parametrize(
        ("change", "prior", "back"),
        [
            (ANNA, None, {"present": False}),
            (GONE, place(7, 3), {"count": 7, "order": 3}),
            (asking(count=1), place(7, 3), {"count": 7}),
            (asking(order=1), place(7, 3), {"order": 3}),
            (asking(count=1, order=1), place(7, 3), {"count": 7, "order": 3}),
            # A number that was asked for and was so already was not set.
            (asking(count=7, order=1), place(7, 3), {"order": 3}),
            (GONE, place(7, 3, doubled=True), {"count": 7, "order": 3}),
        ],
    )
    def test_as_it_was(self, change: DepartmentAgent, prior: Prior, back: dict[str, Any]) -> None:
        """What the change set goes back to what it had found, and nothing else."""
        undone = msgspec.structs.replace(change, mirrored=not change.present).undone(prior, [4, 5])
        assert undone == asking(**back)
        assert (undone.rows, undone.mirrored, undone.username) == ((4, 5), not change.present, "anna")

    @given(st.none() | st.builds(place, numbers, numbers), st.none() | numbers, st.none() | numbers, st.booleans())
    def test_undone_after_done(self, prior: Place | None, count: int | None, order: int | None, present: bool) -> None:  # noqa: FBT001 - drawn
        """A change that is made and then undone leaves what was there before."""
        change = asking(count=count, order=order) if present else GONE
        stored = change.stored(prior)
        made = place(stored.count, stored.order) if present else None
        undone = change.undone(prior, [2])
        again = undone.stored(made)
        assert (place(again.count, again.order) if undone.present else None) == prior


class TestWords:
    @pytest.mark.parametrize(
        ("change", "prior", "done", "planned"),
        [
            (
                ANNA,
                None,
                "Added agent @anna (u-anna) with count 5 and order 2.",
                "Agent @anna (u-anna) will be added with count 5 and order 2.",
            ),
            (THERE, None, "Added agent @anna (u-anna).", "Agent @anna (u-anna) will be added."),
            (asking(count=0), place(), "Changed agent @anna (u-anna) to count 0.", "Agent @anna (u-anna) will be changed to count 0."),
            (GONE, place(), "Removed agent @anna (u-anna).", "Agent @anna (u-anna) will be removed."),
        ],
    )
    def test_deeds(self, change: DepartmentAgent, prior: Prior, done: str, planned: str) -> None:
        """Who was there was changed, who was not was added, with the numbers that were asked for."""
        words = change.words(prior, NAMING)
        assert (words.done, words.planned) == (done, planned)
        assert words.thing == 'Agent @anna (u-anna) in department "Sales" (d1)'

    @pytest.mark.parametrize(
        ("prior", "described"),
        [
            (None, "not there"),
            (Place(), "there"),
            (place(3, 4), "there with count 3 and order 4"),
            (Place(order=4), "there with order 4"),
            (place(0, 0), "there with count 0 and order 0"),
            (place(3, 4, doubled=True), "there with count 3 and order 4, more than once"),
        ],
    )
    def test_described(self, prior: Prior, described: str) -> None:
        """A place is told by the numbers that are known, and that it is there more than once."""
        assert ANNA.described(prior, NAMING) == described


class TestEntry:
    @pytest.mark.parametrize("change", [ANNA, THERE, msgspec.structs.replace(GONE, mirrored=True, rows=(2, 3)), asking(count=0)])
    @pytest.mark.parametrize("prior", [None, Place(), place(3, 4), place(3, 4, doubled=True)])
    def test_tells_all(self, change: DepartmentAgent, prior: Prior) -> None:
        """The document's entry gives the change and what was found back, to the last field."""
        entry = change.entry(prior, NAMING, Status.FAILED, Code.AGENTS_NOT_PERMITTED)
        read = msgspec.json.decode(msgspec.json.encode(entry), type=DepartmentAgentEntry)
        assert msgspec.to_builtins(read.change()) == msgspec.to_builtins(change)
        assert read.prior() == prior
        assert (read.status, read.code, read.rows) == (Status.FAILED, Code.AGENTS_NOT_PERMITTED, change.rows)
        assert (read.department, read.agent, read.units) == (Thing(id="d1", name="Sales"), Thing(id="u-anna", name="anna"), ())

    @pytest.mark.parametrize(
        ("change", "prior", "sign", "text"),
        [
            (GONE, place(), "−", "@anna"),
            (THERE, None, "+", "@anna"),
            (ANNA, None, "+", "@anna  count 5, order 2"),
            (ANNA, place(5, 1), "~", "@anna  order 1 to 2"),
            (ANNA, place(4, 1), "~", "@anna  count 4 to 5, order 1 to 2"),
        ],
    )
    def test_line(self, change: DepartmentAgent, prior: Prior, sign: Any, text: str) -> None:
        """In a listing the agent stands under the department: who comes, who goes, and which numbers change."""
        entry = change.entry(prior, NAMING, Status.PLANNED, None)
        assert list(entry.lines(lambda thing: thing.name)) == [Line(section="department", about=entry.department, sign=sign, text=text)]
