"""A run that goes on: what earlier attempts did, and what they left half done."""

from dataclasses import replace

from bulkjob.changes.change import Attempt
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import DepartmentPut, Plan, UnitPost
from bulkjob.plan.resume import credited, repaired, with_removed
from bulkjob.records.results import RowResult
from bulkjob.records.workspace import Department, Membership, Workspace
from bulkjob.rundir.history import History
from bulkjob.vocabulary import Effect, Status

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


def test_a_write_that_is_planned_anyhow_serves() -> None:
    """The last write of the unit that the plan has is made although its own wishes may turn out to be so already."""
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


def test_whom_mirror_has_removed_is_credited() -> None:
    """A removal of unknown outcome that nothing asks for any more, because the agent is gone, was made by this run."""
    removal = replace(ASKED, agent_id="a2", username="ben", present=False, rows=(2, 3))
    made = Attempt(wish=removal, before=Membership(agent_id="a2", username="ben", count=0, order=0), status=None)
    history = History(made=(made,), rows={3: RowResult(row=3, status=Status.SUCCESS)})
    gone = Workspace(departments=DEPARTMENTS, units=None, agents={}, members={"d2": {}})
    there = replace(gone, members={"d2": {"a2": Membership(agent_id="a2", username="ben", count=0, order=0)}})
    wish = replace(removal, rows=(2,))
    credit = credited(with_removed(plan(), history, gone), history)
    assert credit.wishes == (wish,)
    assert credit.settled[wish].change is Effect.UPDATED
    assert with_removed(plan(), history, there) == plan()
    assert with_removed(replace(plan(), changes=(wish,)), history, gone).settled == {}
