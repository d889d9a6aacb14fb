"""One call on its way: what was sent, what was seen of it, and what is known of its changes at any moment."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from msgspec import structs

from bulkjob.changes import Change, Outcome, Prior
from bulkjob.execute import verify
from bulkjob.execute.compose import Composed
from bulkjob.execute.writing import Writing
from bulkjob.records import Workspace
from bulkjob.rocketchat import CallFailed, Next, NothingLeft, Request, Written
from bulkjob.rundir import Journal
from bulkjob.vocabulary import Effect, Status

T = TypeVar("T")


#: In the journal: of a call that was seen not to have been carried out, and is made anew.
_SUPERSEDED = Outcome(status=Status.FAILED, said="not carried out; made anew")


class Sending(Generic[T]):
    """A call from its first sending until its outcome is known. It is made anew, from what is read then, before it is sent again."""

    def __init__(
        self,
        operation: str,
        writing: Writing[T],
        composed: Composed[T],
        number: int,
        *,
        journal: Journal,
        under_way: dict[str, tuple[Change, ...]],
    ) -> None:
        """``number``: of the intent in the journal. ``under_way``: what nobody knows the outcome of, by operation; kept up to date here."""
        self.composed = composed
        self.number = number
        self.journalled = tuple(composed.pending)
        """The changes as the journal lists them under that number."""
        self.perhaps_made: dict[Change, Prior] = {}
        """The changes of sendings of unknown outcome, with what the first of them had found."""
        self.written: Written[T] | None = None
        self._operation = operation
        self._writing = writing
        self._journal = journal
        self._under_way = under_way
        self._seen: Workspace | None = None
        self._started = asyncio.get_running_loop().time()
        under_way[operation] = self.journalled

    async def look(self) -> T | None:
        """The answer to a sending of unknown outcome, if it is seen to have been carried out whole. Raises `CallFailed`."""
        for change, prior in self.composed.pending.items():
            self.perhaps_made.setdefault(change, prior)
        self._seen = None
        self._seen = await self._writing.look()
        held = bool(self.composed.pending) and verify.held(self.composed.pending, self._seen)
        return self._writing.answer(self._seen) if held else None

    async def again(self) -> Request[T]:
        """The call made anew, with an intent of its own where it is another one. Raises `CallFailed`, `NothingLeft`."""
        sent, composed = self.composed, await self._composed_anew()
        pending = {change: self._first_found(change, prior) for change, prior in composed.pending.items()}
        self.composed = structs.replace(composed, pending=pending)
        # What an earlier look showed of the changes that are left is no longer so.
        self._seen = None
        if self.composed.request is None:
            raise NothingLeft
        if sent.request is None or (self.composed.request.body, self.composed.pending) != (sent.request.body, sent.pending):
            known = self.settled()
            self._journal.outcome(self.number, [known.get(change, _SUPERSEDED) for change in self.journalled], ())
            self.number = await self._journal.intent(self._operation, self.composed.request, pending, self.composed.snapshot)
            self.journalled = tuple(pending)
        self._under_way[self._operation] = tuple(dict.fromkeys((*self.perhaps_made, *self.composed.pending)))
        return self.composed.request

    def settled(self, sent: Written[object] | None = None) -> dict[Change, Outcome]:
        """The changes that the call did not carry when it was sent last.

        What is so after a sending of unknown outcome was written by it, not found. ``sent``: how often the call was sent, and what came of
        it, where that is no good answer.
        """
        figures = self.written or sent
        return {change: self._credited(change, outcome, figures) for change, outcome in self.composed.settled.items()}

    def in_vain(self, error: CallFailed) -> Written[object]:
        """The figures of a call that failed for good, for what one of its sendings has made."""
        seconds = asyncio.get_running_loop().time() - self._started
        return Written(value=None, attempts=error.attempts, status=error.failure.status, seconds=seconds)

    def failed(self, error: CallFailed) -> Mapping[Change, Outcome]:
        """What is known of the changes that the call carried when it failed for good: each as it was seen, where it was looked at."""
        if self.written:
            outcome = verify.unverified(self.written, error)
        else:
            outcome = verify.outcome_of_failure(error, asyncio.get_running_loop().time() - self._started)
        found = {}
        for change, prior in self.composed.pending.items():
            before = self.perhaps_made.get(change, prior)
            if self._seen is not None and outcome.looked_up and verify.held({change: before}, self._seen):
                made = verify.made_id(change, self._seen)
                found[change] = structs.replace(
                    outcome, status=Status.SUCCESS, change=Effect.UPDATED, code=None, said="", made=made, prior=before
                )
            else:
                found[change] = structs.replace(outcome, prior=before)
        return found

    def doubted(self, outcomes: Mapping[Change, Outcome]) -> dict[Change, Outcome]:
        """What the last sending, which was answered, did not do an earlier one of unknown outcome may still do."""
        return {
            change: structs.replace(outcome, undecided=True) if outcome.status is Status.FAILED and change in self.perhaps_made else outcome
            for change, outcome in outcomes.items()
        }

    def _credited(self, change: Change, outcome: Outcome, sent: Written[object] | None) -> Outcome:
        if change not in self.perhaps_made:
            return outcome
        prior = self.perhaps_made[change]
        if outcome.status is Status.SUCCESS:
            updated = structs.replace(outcome, change=Effect.UPDATED, prior=prior)
        else:
            updated = structs.replace(outcome, undecided=True, prior=prior)
        return updated if sent is None else structs.replace(updated, attempts=sent.attempts, http_status=sent.status, seconds=sent.seconds)

    def _first_found(self, change: Change, prior: Prior) -> Prior:
        """What there was before the call: what is read now may be the work of a sending that arrived late, with a chat on top."""
        before = self.perhaps_made.get(change, prior)
        return before if change.holds(before, prior) else prior

    async def _composed_anew(self) -> Composed[T]:
        try:
            return await self._writing.compose()
        except CallFailed as failed:
            # What is read for a write has attempts of its own: the write is not tried once more for its sake.
            ends = Next.JOB if failed.failure.next is Next.JOB else Next.ROW
            raise CallFailed(replace(failed.failure, next=ends), failed.attempts) from None
