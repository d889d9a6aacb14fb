"""Whether the server was seen to hold what was asked for, and the outcome if it was not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import structs

from bulkjob.changes import Change, Outcome, Prior, as_before, failed, seen, stand_in
from bulkjob.records import Naming, Workspace
from bulkjob.rocketchat import CallFailed, Failure, Next, Written
from bulkjob.vocabulary import Code, Effect, Status

#: The server's own reasons that have a code of their own, by ``errorType``.
_REASONS = {
    "error-unit-cant-be-empty": Code.LAST_DEPARTMENT_IN_UNIT,
    "error-department-not-found": Code.DEPARTMENT_GONE,
    "error-archived-department-cant-be-enabled": Code.DEPARTMENT_ARCHIVED,
}


#: How a call fails that a server in an outage has not taken in, if it is not undecided.
_OUTAGE = frozenset({Code.CONNECTION, Code.TIMEOUT, Code.RATE_LIMITED})


#: The server ignores nothing that is known beforehand.
NOTHING_IGNORED: Final[Mapping[Change, Outcome]] = MappingProxyType({})


def outcomes_of(
    pending: Mapping[Change, Prior],
    after: Workspace,
    written: Written[object],
    naming: Naming,
    *,
    ignored: Mapping[Change, Outcome] = NOTHING_IGNORED,
) -> dict[Change, Outcome]:
    """What became of the changes that a write carried, by what was seen after it.

    ``pending``: each with what it had found. ``ignored``: what is said of those that the server ignored, where more is known than that.
    """
    answered = Outcome(status=Status.FAILED, attempts=written.attempts, http_status=written.status, seconds=written.seconds)
    found = {}
    for change, prior in pending.items():
        missing, now = change.missing(after), change.found(after)
        if missing:
            outcome = structs.replace(answered, code=missing.code, said=missing.said)
        elif change.holds(prior, now):
            outcome = structs.replace(answered, status=Status.SUCCESS, change=Effect.UPDATED, made=made_id(change, after))
        else:
            told = ignored.get(change, failed(Code.NOT_APPLIED))
            # What is neither as before nor as asked has been changed: by the write in part, or by somebody else since.
            undecided = told.undecided or not as_before(prior, now)
            outcome = structs.replace(answered, code=told.code, said=told.said, seen=seen(change, now, naming), undecided=undecided)
        found[change] = structs.replace(outcome, prior=prior)
    return found


def made_id(change: Change, after: Workspace) -> str:
    """The id of the unit that was made, or had appeared, for a change that went by a stand-in for it; blank for any other change."""
    unit = (after.units or {}).get(stand_in(change))
    return unit.id if unit else ""


def held(pending: Mapping[Change, Prior], after: Workspace) -> bool:
    """Whether all the changes of a write whose outcome is unknown are seen to hold."""
    return all(not change.missing(after) and change.holds(prior, change.found(after)) for change, prior in pending.items())


def never_arrived(failure: Failure) -> bool:
    """Whether a server that fails for everyone has seen nothing of a write: its rows are no worse off than those that were not tried."""
    return failure.next is Next.JOB and failure.code in _OUTAGE and not failure.undecided


def outcome_of_failure(error: CallFailed, seconds: float | None = None) -> Outcome:
    """What a write that failed for good means for the changes it carried."""
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
    """The outcome of changes whose write was answered, but could not be looked up."""
    return Outcome(
        status=Status.FAILED,
        code=error.failure.code,
        said=error.failure.said,
        looked_up=False,
        attempts=written.attempts,
        http_status=written.status,
        seconds=written.seconds,
    )
