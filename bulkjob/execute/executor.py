"""Carries out a plan: a pool of workers for each kind of write, every operation after those it waits for."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bulkjob.changes import (
    ByRow,
    Change,
    Mirrored,
    OncePerRows,
    Operation,
    Outcome,
    PartsOfRows,
    Plan,
    RowParts,
    Terms,
    UnitPost,
    under_way,
)
from bulkjob.execute.sender import Sender
from bulkjob.plan import sorter_of
from bulkjob.records import Naming, RowResult
from bulkjob.rocketchat import Client, Closed
from bulkjob.rundir import Journal
from bulkjob.vocabulary import Code, Exit, Status, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How it ended."""

    outcomes: Mapping[Change, Outcome]
    """Of every change that is decided; for those that are missing nothing was sent."""
    stop: Stop | None
    """Why not everything was carried out."""
    repairs_left: frozenset[str] = frozenset()
    """Ids of the units that were not written though their counters need it."""


class Tally:
    """How far the rows are: a row is done when each of its changes is settled."""

    def __init__(self, changes: Iterable[Change]) -> None:
        asked = ByRow(changes)
        self._left = Counter({row: len(own) for row, own in asked.own.items()})
        self._left.update({row: len(groups) for row, groups in asked.mirrored.items()})
        self._groups: dict[Change, Mirrored] = {change: group for group in asked.groups for change in group.changes}
        self._left_of_groups = {group: len(group.changes) for group in asked.groups}
        self.outcomes: dict[Change, Outcome] = {}
        self.parts = PartsOfRows(asked, self.outcomes)
        """Of rows that are done."""
        self.done = 0
        self.failed: set[int] = set()
        self._fail = OncePerRows(self.failed.update)

    def settle(self, outcomes: Mapping[Change, Outcome]) -> list[int]:
        """Takes in outcomes; returns the rows that are done by them."""
        self.outcomes.update(outcomes)
        finished = []
        for change, outcome in outcomes.items():
            for row in self._waiting_less(change):
                self._left[row] -= 1
                if not self._left[row]:
                    finished.append(row)
            if outcome.status is Status.FAILED:
                self._fail(change.rows)
        self.done += len(finished)
        return finished

    def _waiting_less(self, change: Change) -> tuple[int, ...]:
        """The rows that wait for one thing less once a change is settled; those that share removals wait for all of these together."""
        group = self._groups.get(change) if self._groups else None
        if group is None:
            return change.rows
        self._left_of_groups[group] -= 1
        return () if self._left_of_groups[group] else group.rows


class Executor:
    """Runs one plan once."""

    def __init__(
        self,
        plan: Plan,
        client: Client,
        terms: Terms,
        naming: Naming,
        journal: Journal,
        *,
        concurrency: int,
        max_failures: int,
        result_of: Callable[[int, RowParts], RowResult],
        warn: Callable[[str], None],
    ) -> None:
        """``result_of`` words what became of a row, ``warn`` is told what people should read at once.

        ``max_failures``: nothing more is started once so many rows have failed in sending; 0 for no limit.
        """
        self._plan = plan
        self._client = client
        self._terms = terms
        self._sender = Sender(plan, client, terms, naming=naming, journal=journal, warn=warn)
        self._journal = journal
        self._concurrency = concurrency
        self._max_failures = max_failures
        self._result_of = result_of
        self._stop: Stop | None = None
        self._tally = Tally(plan.changes)
        self._failed_before_sending = 0
        self._passed_over: set[str] = set()
        self._queues: dict[type[Operation], asyncio.Queue[Operation | None]] = defaultdict(asyncio.Queue)
        self._unfinished = {operation.id for operation in plan.operations}
        self._operations = {operation.id: operation for operation in plan.operations}
        self._waits = sorter_of(plan.operations)

    async def run(self) -> Execution:
        """Carries out the plan until its end, or until it has to stop; cancelled, it tells what is known by then."""
        self._journal.keep(self._settle(self._plan.settled))
        self._failed_before_sending = len(self._tally.failed)
        kinds = {type(operation) for operation in self._plan.operations}
        self._queue_ready()
        if self._unfinished:
            async with asyncio.TaskGroup() as group:
                for kind in kinds:
                    for _ in range(self._workers(kind)):
                        group.create_task(self._work(self._queues[kind]))
        return self.so_far()

    @property
    def progress(self) -> tuple[int, int]:
        """Rows done, and rows failed among them."""
        return self._tally.done, len(self._tally.failed)

    @property
    def left(self) -> frozenset[str]:
        """Ids of the operations that have not ended."""
        return frozenset(self._unfinished)

    @property
    def under_way(self) -> frozenset[str]:
        """Ids of those of them whose write has gone out."""
        return frozenset(self._sender.under_way)

    def so_far(self) -> Execution:
        """How it stands; a write that was given up under way counts as failed, because nobody knows what it did."""
        given_up = Outcome(status=Status.FAILED, code=Code.TIMEOUT, said="it was given up when the job was interrupted", looked_up=False)
        unknown = {change: given_up for changes in self._sender.under_way.values() for change in changes}
        # An interruption, or a last row too many that failed, that came when nothing was left to start has stopped nothing.
        harmless = self._stop is not None and self._stop.exit_code in (Exit.INTERRUPTED, Exit.ROWS_NOT_DONE)
        stop = None if harmless and not self._unfinished and not self._passed_over else self._stop
        left = self._unfinished | self._passed_over
        repairs = frozenset(
            operation.unit_id
            for operation in self._plan.operations
            if isinstance(operation, UnitPost) and not operation.changes and operation.id in left
        )
        outcomes = {**unknown, **self._tally.outcomes} if unknown else self._tally.outcomes
        return Execution(outcomes=outcomes, stop=stop, repairs_left=repairs)

    def stop(self, stop: Stop) -> None:
        """Starts nothing more; what is in flight is finished. The first reason counts."""
        if self._stop is None:
            self._stop = stop
            self._client.close()

    async def _work(self, queue: asyncio.Queue[Operation | None]) -> None:
        while (operation := await queue.get()) is not None:
            if self._stop is None:
                await self._carry_out(operation)
            else:
                self._passed_over.add(operation.id)
            self._finish(operation)

    async def _carry_out(self, operation: Operation) -> None:
        try:
            sent = await self._sender.carry_out(operation)
        except Closed:
            self._passed_over.add(operation.id)
            return
        except Stop as stop:
            self.stop(stop)
            return
        if sent.stop:
            self.stop(sent.stop)
        outcomes = {change: self._plan.credited(change, outcome) for change, outcome in sent.outcomes.items()}
        rows = self._settle(outcomes)
        if sent.number is None:
            self._journal.keep(rows)
        else:
            try:
                self._journal.outcome(sent.number, [outcomes[change] for change in sent.journalled], rows)
            except Stop as stop:
                self.stop(stop)
        failed = len(self._tally.failed) - self._failed_before_sending
        if self._max_failures and failed >= self._max_failures:
            many = "1 failed row" if failed == 1 else f"{failed:,} failed rows"
            message = f"Stopped after {many} (the limit is {self._max_failures:,}, --max-failures). Read the report before you go on."
            self.stop(Stop(Exit.ROWS_NOT_DONE, message))

    def _settle(self, outcomes: Mapping[Change, Outcome]) -> list[RowResult]:
        """Takes in outcomes; returns the results of the rows that are success by them."""
        finished = self._tally.settle(outcomes)
        results = [self._result_of(row, self._tally.parts.of(row)) for row in finished]
        return [result for result in results if result.status is Status.SUCCESS]

    def _finish(self, operation: Operation) -> None:
        self._unfinished.discard(operation.id)
        self._waits.done(operation.id)
        self._queue_ready()
        if not self._unfinished:
            for kind, queue in self._queues.items():
                for _ in range(self._workers(kind)):
                    queue.put_nowait(None)

    def _workers(self, kind: type[Operation]) -> int:
        return under_way(kind, self._terms, self._concurrency)

    def _queue_ready(self) -> None:
        for identifier in self._waits.get_ready():
            operation = self._operations[identifier]
            self._queues[type(operation)].put_nowait(operation)
