"""Whether the server was seen to hold what was wished for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.change import AgentChange, agent_holds, unit_holds
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.execute.verify import held, outcome_of_agent, outcome_of_failure, outcome_of_unit, unverified
from bulkjob.records.naming import Naming
from bulkjob.records.workspace import Department, Membership, Unit, Workspace
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.transport import Written
from bulkjob.vocabulary import Code, Effect, Status

ANNA = DepartmentAgent(department_id="d1", agent_id="u-anna", username="anna", present=True, count=5, order=2, rows=(2,))
GONE = replace(ANNA, present=False, count=None, order=None)
TO_EMEA = DepartmentUnit(department_id="d1", unit_id="emea", rows=(2,))
TO_NONE = DepartmentUnit(department_id="d1", unit_id=None, rows=(2,))
WRITTEN = Written(value=None, attempts=2, status=200, seconds=0.5)
NAMING = Naming(Workspace(departments={}, units={"apac": Unit(id="apac", name="APAC", visibility="public")}, agents={}))

numbers = st.integers(0, 2**31 - 1)


def member(count: int = 5, order: int = 2) -> Membership:
    return Membership(agent_id="u-anna", username="anna", count=count, order=order)


def department(parent_id: str | None) -> Department:
    return Department(id="d1", name="Sales", parent_id=parent_id, archived=False)


def sent(count: int = 5, order: int = 2, before: int | None = None) -> AgentChange:
    return AgentChange(agent_id="u-anna", username="anna", count=count, order=order, count_before=before)


class TestAgents:
    @given(numbers, numbers, st.none() | numbers)
    def test_what_was_stored_as_sent_holds(self, count: int, order: int, before: int | None) -> None:
        """An agent seen with exactly the numbers that were sent is there as asked, whatever was there before."""
        assert agent_holds(ANNA, sent(count, order, before), member(count, order))

    def test_risen_count_holds(self) -> None:
        """A count above the one that was sent is a chat that came in between."""
        assert agent_holds(ANNA, sent(5), member(count=6))
        assert agent_holds(ANNA, sent(5, before=9), member(count=6))

    def test_fallen_count_does_not_hold(self) -> None:
        """A count below the one that was sent was not stored, or not for long."""
        assert not agent_holds(ANNA, sent(5), member(count=4))

    @pytest.mark.parametrize("seen", [9, 10])
    def test_count_that_was_not_lowered_does_not_hold(self, seen: int) -> None:
        """A count that was to fall and is seen no lower than before is no proof of anything: the server did not do it."""
        assert not agent_holds(ANNA, sent(5, before=9), member(count=seen))

    def test_a_changed_order_tells_that_a_count_was_lowered(self) -> None:
        """A chat right after a write that lowers a count and changes the order does not make it look undone."""
        wish = replace(ANNA, count=8, order=2)
        assert agent_holds(wish, wish.change(member(count=9, order=1)), member(count=9, order=2))
        assert not agent_holds(wish, wish.change(member(count=9, order=1)), member(count=9, order=1))

    @pytest.mark.parametrize("order", [1, 3])
    def test_order_must_be_as_sent(self, order: int) -> None:
        """Nobody but a person changes an order: any other is not what was asked for."""
        assert not agent_holds(ANNA, sent(), member(order=order))

    def test_presence(self) -> None:
        """Who was to come must be there, who was to leave must not."""
        assert not agent_holds(ANNA, sent(), None)
        assert agent_holds(GONE, None, None)
        assert not agent_holds(GONE, None, member())

    def test_success_has_the_figures_of_the_write(self) -> None:
        """What was seen to hold is an update, with the attempts, status and seconds of its write."""
        outcome = outcome_of_agent(ANNA, sent(), member(), WRITTEN)
        assert (outcome.status, outcome.change, outcome.code) == (Status.SUCCESS, Effect.UPDATED, None)
        assert (outcome.attempts, outcome.http_status, outcome.seconds) == (2, 200, 0.5)

    def test_yes_without_deed_is_not_applied(self) -> None:
        """A 200 after which the agent is not as asked says what was seen instead."""
        elsewhere = outcome_of_agent(ANNA, sent(), member(count=1, order=0), WRITTEN)
        nowhere = outcome_of_agent(ANNA, sent(), None, WRITTEN)
        assert (elsewhere.status, elsewhere.change, elsewhere.code) == (Status.FAILED, Effect.NONE, Code.NOT_APPLIED)
        assert elsewhere.seen == "they are there with count 1 and order 0"
        assert (nowhere.code, nowhere.seen, nowhere.http_status) == (Code.NOT_APPLIED, "they are not there", 200)


class TestUnits:
    def test_only_the_unit_asked_for_holds(self) -> None:
        """A department holds in its unit only, or in none where none was asked for; one that is gone holds nowhere."""
        assert unit_holds(TO_EMEA, department("emea"))
        assert unit_holds(TO_NONE, department(None))
        assert not unit_holds(TO_EMEA, department("apac"))
        assert not unit_holds(TO_EMEA, department(None))
        assert not unit_holds(TO_NONE, department("emea"))
        assert not unit_holds(TO_NONE, None)

    def test_outcomes(self) -> None:
        """Where it is not so, the outcome says where the department is, by the unit's name and id."""
        done = outcome_of_unit(TO_EMEA, department("emea"), WRITTEN, NAMING, unheard=Code.NOT_APPLIED)
        elsewhere = outcome_of_unit(TO_EMEA, department("apac"), WRITTEN, NAMING, unheard=Code.NOT_APPLIED)
        nowhere = outcome_of_unit(TO_EMEA, department(None), WRITTEN, NAMING, unheard=Code.UNIT_NOT_PERMITTED)
        gone = outcome_of_unit(TO_EMEA, None, WRITTEN, NAMING, unheard=Code.NOT_APPLIED)
        assert (done.status, done.change, done.code, done.seconds) == (Status.SUCCESS, Effect.UPDATED, None, 0.5)
        assert (elsewhere.status, elsewhere.code, elsewhere.seen) == (Status.FAILED, Code.NOT_APPLIED, 'it is in unit "APAC" (apac)')
        assert (nowhere.code, nowhere.seen) == (Code.UNIT_NOT_PERMITTED, "it is in no unit")
        assert (gone.status, gone.code) == (Status.FAILED, Code.DEPARTMENT_GONE)


class TestUnknownOutcome:
    def test_all_wishes_of_the_write_must_hold(self) -> None:
        """A write whose answer was lost counts as carried out only if everything it carried is there."""
        changes = {"u-anna": sent()}
        both = (TO_EMEA, ANNA)
        assert held(both, changes, {"d1": department("emea")}, {"u-anna": member()})
        assert not held(both, changes, {"d1": department("apac")}, {"u-anna": member()})
        assert not held(both, changes, {"d1": department("emea")}, {})
        assert not held(both, changes, {}, {"u-anna": member()})

    def test_lowered_count_is_not_taken_for_done(self) -> None:
        """A lost answer to a lowering of a count is no success while the old count is still there."""
        wish = replace(ANNA, count=0, order=None)
        changes = {"u-anna": wish.change(member(count=17))}
        assert not held((wish,), changes, {}, {"u-anna": member(count=17)})
        assert held((wish,), changes, {}, {"u-anna": member(count=0)})


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
