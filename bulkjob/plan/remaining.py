"""How long the rest of a run takes, by the forecast of what is left of it."""

from collections.abc import Set as AbstractSet
from dataclasses import replace

from bulkjob.plan.forecast import forecast_of
from bulkjob.plan.prepared import Prepared
from bulkjob.rocketchat.pacing import Limit


def seconds_left(prepared: Prepared, left: AbstractSet[str], *, limit: Limit | None) -> float:
    """Seconds until the operations with these ids have ended, at the pace that the server allows from now on.

    ``limit``: what the server is known to allow by now.
    """
    if len(left) == len(prepared.plan.operations) and limit == prepared.limit:
        # What the plan foretold, from where its reading ends.
        return prepared.forecast.seconds - prepared.forecast.reading_seconds
    operations = [
        replace(operation, after=tuple(before for before in operation.after if before in left))
        for operation in prepared.plan.operations
        if operation.id in left
    ]
    return forecast_of(operations, prepared.terms, reading={}, limit=limit, concurrency=prepared.concurrency).seconds
