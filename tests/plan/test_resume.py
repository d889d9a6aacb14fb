"""A run that goes on: what earlier attempts did, and what they left half done."""

from dataclasses import replace

from msgspec import structs

from bulkjob.changes.change import ALREADY_SO, Attempt, Change, Outcome, Place, Prior, failed
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.new_unit import NewUnit
from bulkjob.changes.operations import DepartmentPut, Plan, UnitPost
from bulkjob.plan.resume import repaired, with_credit, with_past
from bulkjob.records.results import RowResult
from bulkjob.records.workspace import Department, Membership, Unit, Workspace
from bulkjob.rundir.history import History
from bulkjob.vocabulary import Code, Effect, Status

DEPARTMENTS = {
    name: Department(id=name, name=name, parent_id=unit, archived=False) for name, unit in (("d1", "u2"), ("d2", "u1"), ("d3", "u3"))
}
ASKED = DepartmentAgent(department_id="d2", agent_id="a1", username="anna", present=True, count=None, order=None, rows=(2,))
GAIN = DepartmentUnit(department_id="d3", unit_id="u1", rows=(3,))


def plan(*operations: UnitPost | DepartmentPut) -> Plan:
    """Of these operations."""
    return Plan(changes=(), settled={}, operations=operations, warnings=())


def test_a_unit_that_is_owed_a_write_gets_one() -> None:
    """It is written first, and no department of it is put at the same time; one of another unit does not wait."""
    other = DepartmentPut(department_id="d3", unit=None, agents=(), after=("x",))
    put = DepartmentPut(department_id="d2", unit=None, agents=(ASKED,), after=())
    repair, first, second = repaired(plan(put, other), {"u1": frozenset({"d1"})}, DEPARTMENTS).operations
    assert repair == UnitPost(unit_id="u1", changes=(), lost=frozenset({"d1"}), after=())
    assert first.after == (repair.id,)
    assert second == other


def test_nobody_is_put_into_a_unit_that_is_owed_a_write() -> None:
    """The write of a unit replaces all that it holds: whoever comes into it comes afterwards."""
    into = DepartmentPut(department_id="d3", unit=GAIN, agents=(), after=("x",))
    repair, put = repaired(plan(into), {"u1": frozenset({"d1"})}, DEPARTMENTS).operations
    assert put.after == ("x", repair.id)


def test_a_write_that_is_planned_anyhow_serves() -> None:
    """The last write of the unit that the plan has is made although its own changes may turn out to be so already."""
    early = UnitPost(unit_id="u1", changes=(GAIN,), lost=frozenset(), after=())
    late = UnitPost(unit_id="u1", changes=(), lost=frozenset({"d9"}), after=(early.id,))
    assert repaired(plan(early), {"u1": frozenset({"d1"})}, DEPARTMENTS).operations == (
        UnitPost(unit_id="u1", changes=(GAIN,), lost=frozenset({"d1"}), after=()),
    )
    assert repaired(plan(early, late), {"u1": frozenset({"d1"})}, DEPARTMENTS).operations == (
        early,
        UnitPost(unit_id="u1", changes=(), lost=frozenset({"d9", "d1"}), after=(early.id,)),
    )


def test_nothing_owed_nothing_added() -> None:
    """A plan that owes nothing stays what it is."""
    planned = plan(DepartmentPut(department_id="d2", unit=None, agents=(ASKED,), after=()))
    assert repaired(planned, {}, DEPARTMENTS) == planned


REMOVED = structs.replace(ASKED, agent_id="a2", username="ben", present=False, mirrored=True, rows=(2, 3))
BEFORE = Place(count=0, order=0)
GONE = Workspace(departments=DEPARTMENTS, units=None, agents={}, members={"d2": {}})


def attempt(change: Change, outcome: Outcome | None, status: Status | None, prior: Prior = BEFORE) -> Attempt:
    return Attempt(change=change, prior=prior, outcome=outcome, status=status)


def test_whom_mirror_has_removed_is_credited() -> None:
    """A removal of unknown outcome that nothing asks for any more, because the agent is gone, was made by this run, for the rows left."""
    history = History(attempts=(attempt(REMOVED, None, None),), rows={3: RowResult(row=3, status=Status.SUCCESS)})
    there = replace(GONE, members={"d2": {"a2": Membership(agent_id="a2", username="ben", count=0, order=0)}})
    asking = replace(plan(), changes=(ASKED, GAIN))
    credit = with_credit(with_past(asking, history, GONE), history)
    assert credit.changes == (ASKED, GAIN, REMOVED)
    assert [change.rows for change in credit.changes] == [(2,), (3,), (2,)]
    assert credit.settled[REMOVED].change is Effect.UPDATED
    assert with_past(asking, history, there) == asking


def test_rows_that_ask_for_nothing_this_time_are_credited_nothing() -> None:
    """A row that is held back or invalid this time is not told as done because mirror had removed somebody for it."""
    history = History(attempts=(attempt(REMOVED, None, None),))
    assert with_past(plan(), history, GONE) == plan()


def test_what_is_asked_for_still_is_not_credited_as_removed() -> None:
    """A removal that the plan holds itself is no removal that nothing asks for any more."""
    history = History(attempts=(attempt(REMOVED, None, None),))
    assert with_past(replace(plan(), changes=(REMOVED,)), history, GONE).settled == {}


def test_nothing_is_credited_of_a_department_that_is_gone() -> None:
    """Who was to be removed from a department that somebody has deleted since was not removed by this run."""
    history = History(attempts=(attempt(REMOVED, None, None),))
    deleted = Workspace(departments={"d1": DEPARTMENTS["d1"]}, units=None, agents={})
    assert with_past(plan(), history, deleted) == plan()


def test_what_is_known_to_have_failed_is_not_credited() -> None:
    """A removal that was refused, and somebody made since, is no work of this run's."""
    history = History(attempts=(attempt(REMOVED, Outcome(status=Status.FAILED), Status.FAILED),))
    assert with_past(plan(), history, GONE) == plan()


class TestUnitThatWasMade:
    MADE = NewUnit(unit_id="u9", name="West", rows=(3, 4))
    HELD = replace(GONE, units={"u9": Unit(id="u9", name="West", visibility="public")})

    def test_is_told_of_the_rows_that_ask_for_something_of_it(self) -> None:
        """Rows name it as any unit by now; that the run made it comes before what else they ask for, with the figures of that write."""
        done = Outcome(status=Status.SUCCESS, change=Effect.UPDATED, attempts=1, http_status=200, seconds=0.5)
        history = History(attempts=(attempt(self.MADE, done, Status.SUCCESS, None),))
        credit = with_credit(with_past(replace(plan(), changes=(GAIN,)), history, self.HELD), history)
        assert credit.changes == (self.MADE, GAIN)
        assert credit.changes[0].rows == (3,)
        assert credit.settled == {self.MADE: structs.replace(done, prior=None)}

    def test_is_told_where_the_outcome_of_its_making_is_unknown(self) -> None:
        """A unit that is there is taken for the one that was made."""
        history = History(attempts=(attempt(self.MADE, None, None, None),))
        credit = with_credit(with_past(replace(plan(), changes=(GAIN,)), history, self.HELD), history)
        assert credit.settled == {self.MADE: Outcome(status=Status.SUCCESS, change=Effect.UPDATED, prior=None)}

    def test_is_not_told_once_it_is_gone(self) -> None:
        """Nor is one whose making failed, or that the plan makes."""
        asking = replace(plan(), changes=(GAIN,))
        history = History(attempts=(attempt(self.MADE, None, None, None),))
        assert with_past(asking, history, replace(GONE, units={})) == asking
        assert with_past(asking, History(attempts=(attempt(self.MADE, None, Status.FAILED, None),)), self.HELD) == asking
        making = replace(plan(), changes=(self.MADE, GAIN))
        assert with_past(making, history, self.HELD) == making


def test_credit_tells_what_the_write_told() -> None:
    """What is so by an earlier attempt's write was updated, with the figures of the write that decided and what the first attempt found."""
    timeout = Outcome(status=Status.FAILED, code=Code.TIMEOUT, looked_up=False, attempts=5, http_status=None, seconds=9.0)
    done = Outcome(status=Status.SUCCESS, change=Effect.UPDATED, attempts=2, http_status=200, seconds=0.5)
    other = structs.replace(ASKED, agent_id="a3")
    settled = replace(plan(), changes=(ASKED, GAIN, other), settled=dict.fromkeys((ASKED, GAIN, other), ALREADY_SO))
    # The journal's rows are those of the attempt: what is credited is the change, whoever asks for it by now.
    tried = structs.replace(ASKED, rows=(7, 8))
    history = History(attempts=(attempt(tried, timeout, None, None), attempt(tried, done, Status.SUCCESS), attempt(GAIN, None, None, "u3")))
    credit = with_credit(settled, history)
    assert credit.settled[ASKED] == structs.replace(done, prior=None)
    assert credit.settled[GAIN] == Outcome(status=Status.SUCCESS, change=Effect.UPDATED, prior="u3")
    assert credit.settled[other] == ALREADY_SO
    assert credit.changes == settled.changes


def test_only_what_is_already_so_is_credited() -> None:
    """A change that fails now fails, whatever an earlier attempt made of it."""
    gone = failed(Code.DEPARTMENT_GONE)
    settled = replace(plan(), changes=(ASKED,), settled={ASKED: gone})
    assert with_credit(settled, History(attempts=(attempt(ASKED, None, None, None),))).settled == {ASKED: gone}
