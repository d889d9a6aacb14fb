"""The outcome of one row, as the report tells it."""

import msgspec

from bulkjob.vocabulary import Code, Effect, Status


class RowResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row's outcome: the outcome columns of the report."""

    row: int
    status: Status
    change: Effect = Effect.NONE
    code: Code | None = None
    message: str = ""
    attempts: int | None = None
    http_status: int | None = None
    seconds: float | None = None
