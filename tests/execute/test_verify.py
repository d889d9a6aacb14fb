"""Whether the server was seen to hold what was asked for."""

import msgspec
import pytest

from bulkjob.changes.change import Change, Outcome, Place, Prior, failed
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.execute.verify import held, never_arrived, outcome_of_failure, outcomes_of, unverified
from bulkjob.records.naming import Naming
from bulkjob.records.workspace import Department, Membership, Unit, Workspace
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.transport import Written
from bulkjob.vocabulary import Code, Effect, Status

ANNA = DepartmentAgent(department_id="d1", agent_id="u-anna", username="anna", present=True, count=5, order=2, rows=(2,))
GONE = msgspec.structs.replace(ANNA, present=False, count=None, order=None)
TO_EMEA = DepartmentUnit(department_id="d1", unit_id="emea", rows=(2,))
TO_NONE = DepartmentUnit(department_id="d1", unit_id=None, rows=(2,))
WRITTEN = Written(value=None, attempts=2, status=200, seconds=0.5)
NAMING = Naming(Workspace(departments={}, units={"apac": Unit(id="apac", name="APAC", visibility="public")}, agents={}))


def member(count: int = 5, order: int = 2) -> Membership:
    return Membership(agent_id="u-anna", username="anna", count=count, order=order)


def after(parent_id: str | None = None, present: Membership | None = None) -> Workspace:
    """What was seen after the write: the department in a unit or none, with the agent or without."""
    department = Department(id="d1", name="Sales", parent_id=parent_id, archived=False)
    return Workspace(departments={"d1": department}, units=None, agents={}, members={"d1": {"u-anna": present} if present else {}})


NOTHING = Workspace(departments={}, units=None, agents={}, members={"d1": {}})


def outcome_of(change: Change, prior: Prior, seen: Workspace, ignored: Outcome | None = None) -> Outcome:
    found = outcomes_of({change: prior}, seen, WRITTEN, NAMING, ignored={change: ignored} if ignored else {})
    assert list(found) == [change]
    return found[change]


class TestAgents:
    def test_success_has_the_figures_of_the_write(self) -> None:
        """What was seen to hold is an update, with the attempts, status and seconds of its write, and what that had found."""
        outcome = outcome_of(ANNA, Place(count=1, order=1), after(present=member()))
        assert (outcome.status, outcome.change, outcome.code) == (Status.SUCCESS, Effect.UPDATED, None)
        assert (outcome.attempts, outcome.http_status, outcome.seconds) == (2, 200, 0.5)
        assert outcome.prior == Place(count=1, order=1)

    def test_yes_without_deed_is_not_applied(self) -> None:
        """A 200 after which the agent is not as asked says what was seen instead."""
        elsewhere = outcome_of(ANNA, None, after(present=member(count=1, order=0)))
        nowhere = outcome_of(ANNA, None, after())
        still = outcome_of(GONE, Place(count=5, order=2), after(present=member()))
        assert (elsewhere.status, elsewhere.change, elsewhere.code) == (Status.FAILED, Effect.NONE, Code.NOT_APPLIED)
        assert elsewhere.seen == "they are there with count 1 and order 0"
        assert (nowhere.code, nowhere.seen, nowhere.http_status) == (Code.NOT_APPLIED, "they are not there", 200)
        assert (still.code, still.seen) == (Code.NOT_APPLIED, "they are there with count 5 and order 2")

    def test_what_the_write_found_decides(self) -> None:
        """A count that is above what was sent is a chat, but not where it is no lower than the write had found it."""
        assert outcome_of(ANNA, Place(count=1, order=2), after(present=member(count=9))).status is Status.SUCCESS
        assert outcome_of(ANNA, Place(count=9, order=2), after(present=member(count=9))).code is Code.NOT_APPLIED

    @pytest.mark.parametrize(("count", "order", "undecided"), [(1, 1, False), (3, 1, False), (1, 0, True), (0, 1, True)])
    def test_what_is_no_longer_as_before_may_be_its_work(self, count: int, order: int, *, undecided: bool) -> None:
        """Neither as asked nor as before: nobody may say later that the write changed nothing. A counter rises by itself."""
        outcome = outcome_of(ANNA, Place(count=1, order=1), after(present=member(count, order)))
        assert (outcome.code, outcome.undecided) == (Code.NOT_APPLIED, undecided)


class TestUnits:
    def test_outcomes(self) -> None:
        """Where it is not so, the outcome says where the department is, by the unit's name and id."""
        done = outcome_of(TO_EMEA, "apac", after("emea"))
        elsewhere = outcome_of(TO_EMEA, None, after("apac"))
        nowhere = outcome_of(TO_EMEA, None, after(None), failed(Code.UNIT_NOT_PERMITTED, "not a monitor"))
        gone = outcome_of(TO_EMEA, None, NOTHING)
        out = outcome_of(TO_NONE, "emea", after(None))
        assert (done.status, done.change, done.code, done.seconds, done.prior) == (Status.SUCCESS, Effect.UPDATED, None, 0.5, "apac")
        assert (elsewhere.status, elsewhere.code, elsewhere.seen) == (Status.FAILED, Code.NOT_APPLIED, 'it is in unit "APAC" (apac)')
        assert (elsewhere.undecided, nowhere.undecided) == (True, False)
        assert (nowhere.code, nowhere.said, nowhere.seen) == (Code.UNIT_NOT_PERMITTED, "not a monitor", "it is in no unit")
        assert (gone.status, gone.code, gone.http_status) == (Status.FAILED, Code.DEPARTMENT_GONE, 200)
        assert (out.status, out.change) == (Status.SUCCESS, Effect.UPDATED)

    def test_what_is_known_of_the_ignored_is_said_of_these_only(self) -> None:
        """A reason why the server ignores a change is none where it has not ignored it."""
        assert outcome_of(TO_EMEA, None, after("emea"), failed(Code.UNIT_NOT_PERMITTED)).status is Status.SUCCESS
        assert outcome_of(TO_EMEA, None, NOTHING, failed(Code.UNIT_NOT_PERMITTED)).code is Code.DEPARTMENT_GONE

    def test_each_by_itself(self) -> None:
        """Of the changes of one write each has the outcome that was seen of it."""
        found = outcomes_of({TO_EMEA: None, ANNA: None}, after("emea"), WRITTEN, NAMING)
        assert {change: outcome.status for change, outcome in found.items()} == {TO_EMEA: Status.SUCCESS, ANNA: Status.FAILED}


class TestUnknownOutcome:
    def test_all_changes_of_the_write_must_hold(self) -> None:
        """A write whose answer was lost counts as carried out only if everything it carried is there."""
        both: dict[Change, Prior] = {TO_EMEA: None, ANNA: None}
        assert held(both, after("emea", member()))
        assert not held(both, after("apac", member()))
        assert not held(both, after("emea"))
        assert not held(both, NOTHING)

    def test_nothing_holds_of_a_department_that_is_gone(self) -> None:
        """A removal is not seen to have been carried out where the whole department is gone."""
        assert not held({GONE: Place(count=5, order=2)}, NOTHING)
        assert not held({TO_NONE: "emea"}, NOTHING)

    def test_lowered_count_is_not_taken_for_done(self) -> None:
        """A lost answer to a lowering of a count is no success while the old count is still there."""
        change = msgspec.structs.replace(ANNA, count=0, order=None)
        assert not held({change: Place(count=17, order=2)}, after(present=member(count=17)))
        assert held({change: Place(count=17, order=2)}, after(present=member(count=0)))


class TestFailures:
    @pytest.mark.parametrize(
        ("error_type", "code"),
        [
            ("error-unit-cant-be-empty", Code.LAST_DEPARTMENT_IN_UNIT),
            ("error-department-not-found", Code.DEPARTMENT_GONE),
            ("error-archived-department-cant-be-enabled", Code.DEPARTMENT_ARCHIVED),
            ("error-fallback-department-circular", Code.REJECTED),
            ("", Code.REJECTED),
        ],
    )
    def test_code_by_the_servers_own_reason(self, error_type: str, code: Code) -> None:
        """What the server names by a code of its own has one of ours; anything else is rejected, with the server's words."""
        failure = Failure(next=Next.ROW, code=Code.REJECTED, said="No.", status=400, error_type=error_type)
        outcome = outcome_of_failure(CallFailed(failure, attempts=1), seconds=0.1)
        assert (outcome.status, outcome.code, outcome.said, outcome.http_status) == (Status.FAILED, code, "No.", 400)
        assert (outcome.attempts, outcome.seconds, outcome.looked_up) == (1, 0.1, True)

    def test_refused_account_is_a_rejected_row(self) -> None:
        """``refused`` is for rows for which nothing was sent: a row whose write got a 403 is rejected."""
        failure = Failure(next=Next.JOB, code=Code.REFUSED, said="unauthorized", status=403)
        assert outcome_of_failure(CallFailed(failure)).code is Code.REJECTED

    @pytest.mark.parametrize("code", [Code.TIMEOUT, Code.CONNECTION, Code.SERVER_ERROR, Code.BAD_RESPONSE, Code.RATE_LIMITED])
    def test_unknown_outcome_is_told(self, code: Code) -> None:
        """What went wrong on the way keeps its code, and says where nobody could look whether it was done all the same."""
        failure = Failure(next=Next.REPEAT, code=code, said="…", undecided=True)
        outcome = outcome_of_failure(CallFailed(failure, attempts=5))
        assert (outcome.code, outcome.attempts, outcome.looked_up) == (code, 5, False)

    def test_unverified_write_is_failed(self) -> None:
        """A write that was answered and could not be looked up is failed, with the figures of the write."""
        failure = Failure(next=Next.REPEAT, code=Code.SERVER_ERROR, said="down", status=503)
        outcome = unverified(WRITTEN, CallFailed(failure, attempts=5))
        assert (outcome.status, outcome.code, outcome.looked_up) == (Status.FAILED, Code.SERVER_ERROR, False)
        assert (outcome.attempts, outcome.http_status, outcome.said) == (2, 200, "down")

    @pytest.mark.parametrize(
        ("code", "next_", "undecided", "never"),
        [
            (Code.CONNECTION, Next.JOB, False, True),
            (Code.TIMEOUT, Next.JOB, False, True),
            (Code.RATE_LIMITED, Next.JOB, False, True),
            # It may have been carried out; it fails for this one only; the server has answered to it.
            (Code.TIMEOUT, Next.JOB, True, False),
            (Code.TIMEOUT, Next.ROW, False, False),
            (Code.REFUSED, Next.JOB, False, False),
        ],
    )
    def test_what_never_arrived(self, *, code: Code, next_: Next, undecided: bool, never: bool) -> None:
        """Rows whose write a server in an outage has seen nothing of are no worse off than those that were not tried."""
        assert never_arrived(Failure(next=next_, code=code, said="", undecided=undecided)) is never
