"""What an earlier attempt's journal means for the next one."""

from collections.abc import Mapping
from dataclasses import replace

from bulkjob.journal import History
from bulkjob.operations import ALREADY_SO, Outcome, Plan, Wish, without_rows
from bulkjob.vocabulary import Change, Status


def credited(plan: Plan, history: History) -> Plan:
    """The plan with its settled wishes told as they are: what is so by a write of an earlier attempt was updated by this run.

    Such a write was never known to be done when its attempt ended; now the server is seen to hold it.
    """
    tried = {without_rows(made.wish) for made in history.made if made.status is not Status.SUCCESS}
    settled: Mapping[Wish, Outcome] = {
        wish: replace(outcome, change=Change.UPDATED) if outcome == ALREADY_SO and without_rows(wish) in tried else outcome
        for wish, outcome in plan.settled.items()
    }
    return replace(plan, settled=settled)
