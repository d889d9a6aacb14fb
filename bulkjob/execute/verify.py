"""Whether the server was seen to hold what was wished for, and the outcome if it was not."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bulkjob.records import AgentChange, AgentWish, Department, Membership, Naming, Outcome, UnitWish, Wish, agent_holds, unit_holds
from bulkjob.rocketchat import CallFailed, Failure, Next, Written
from bulkjob.vocabulary import Change, Code, Status

#: The server's own reasons that have a code of their own, by ``errorType``.
_REASONS = {
    "error-unit-cant-be-empty": Code.LAST_DEPARTMENT_IN_UNIT,
    "error-department-not-found": Code.DEPARTMENT_GONE,
    "error-archived-department-cant-be-enabled": Code.DEPARTMENT_ARCHIVED,
}


#: How a call fails that a server in an outage has not taken in, if it is not undecided.
_OUTAGE = frozenset({Code.CONNECTION, Code.TIMEOUT, Code.RATE_LIMITED})


def outcome_of_unit(wish: UnitWish, department: Department | None, written: Written[object], naming: Naming, *, unheard: Code) -> Outcome:
    """What became of a unit wish, by the department as it was seen after the write; ``unheard`` is the code if the server did not do it."""
    if unit_holds(wish, department):
        return _success(written)
    if department is None:
        return replace(_failure(written), code=Code.DEPARTMENT_GONE)
    seen = f"it is in unit {naming.unit(department.parent_id)}" if department.parent_id else "it is in no unit"
    said = "the account is not a monitor of this unit" if unheard is Code.UNIT_NOT_PERMITTED else ""
    return replace(_failure(written), code=unheard, seen=seen, said=said)


def outcome_of_agent(wish: AgentWish, change: AgentChange | None, member: Membership | None, written: Written[object]) -> Outcome:
    """What became of an agent wish, by the agent's place in the department as it was seen after the write."""
    if agent_holds(wish, change, member):
        return _success(written)
    seen = f"they are there with count {member.count} and order {member.order}" if member else "they are not there"
    return replace(_failure(written), code=Code.NOT_APPLIED, seen=seen)


def never_arrived(failure: Failure) -> bool:
    """Whether a server that fails for everyone has seen nothing of a write: its rows are no worse off than those that were not tried."""
    return failure.next is Next.JOB and failure.code in _OUTAGE and not failure.undecided


def outcome_of_failure(error: CallFailed, seconds: float | None = None) -> Outcome:
    """What a write that failed for good means for the wishes it carried."""
    failure = error.failure
    code = _REASONS.get(failure.error_type, Code.REJECTED if failure.code is Code.REFUSED else failure.code)
    return Outcome(
        status=Status.FAILED,
        code=code,
        said=failure.said,
        looked_up=failure.looked_up or not failure.undecided,
        undecided=failure.undecided,
        attempts=error.attempts,
        http_status=failure.status,
        seconds=seconds,
    )


def unverified(written: Written[object], error: CallFailed) -> Outcome:
    """The outcome of wishes whose write was answered, but could not be looked up."""
    return replace(_failure(written), code=error.failure.code, said=error.failure.said, looked_up=False)


def held(
    wishes: Iterable[Wish], changes: Mapping[str, AgentChange], departments: Mapping[str, Department], members: Mapping[str, Membership]
) -> bool:
    """Whether all the wishes of a write whose outcome is unknown are seen to hold."""
    return all(
        agent_holds(wish, changes.get(wish.agent_id), members.get(wish.agent_id))
        if isinstance(wish, AgentWish)
        else unit_holds(wish, departments.get(wish.department_id))
        for wish in wishes
    )


def _success(written: Written[object]) -> Outcome:
    return replace(_failure(written), status=Status.SUCCESS, change=Change.UPDATED)


def _failure(written: Written[object]) -> Outcome:
    return Outcome(status=Status.FAILED, attempts=written.attempts, http_status=written.status, seconds=written.seconds)
