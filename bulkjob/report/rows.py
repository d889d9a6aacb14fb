"""From what became of changes to what is reported of rows: every row of the sheet exactly once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, islice

import msgspec

from bulkjob.changes import ByRow, Change, MirroredOutcome, Outcome, PartsOfRows, Plan, RowParts, is_mirrored
from bulkjob.plan import RunState
from bulkjob.records import Naming, Problem, RowResult, Server
from bulkjob.report.messages import (
    MIRRORED_SHOWN,
    Evidence,
    Part,
    failure_message,
    held_back_message,
    joined,
    mirrored_message,
    success_message,
    unsent_message,
)
from bulkjob.vocabulary import UNSENT_CODE, Code, Effect, Exit, Status, Stop

#: What a plan says of a change that it will write.
PLANNED = Outcome(status=Status.PLANNED)


#: Endings whose code says enough about the rows that the job did not come to.
_PLAIN_ENDS = (Exit.ROWS_NOT_DONE, Exit.UNAVAILABLE, Exit.INTERRUPTED)


_ORDER = {code: place for place, code in enumerate(Code)}


def row_results(state: RunState, stop: Stop | None) -> dict[int, RowResult]:
    """The outcome of each row of the sheet, in its order; ``stop`` is what ended the job before its end."""
    return _results(state, state.changes, state.outcomes, stop)


def planned_results(state: RunState, plan: Plan | None, stop: Stop | None = None) -> dict[int, RowResult]:
    """What will become of each row of the sheet, as far as is known; ``stop`` is what would end a run before its first write."""
    if plan is None or stop is not None:
        return _results(state, (), None, stop)
    return _results(state, plan.changes, plan.settled, None, undecided=PLANNED)


def _results(
    state: RunState,
    changes: Sequence[Change],
    outcomes: Mapping[Change, Outcome] | None,
    stop: Stop | None,
    undecided: Outcome | None = None,
) -> dict[int, RowResult]:
    """``undecided``: of a change that has no outcome; None: nothing was sent for it."""
    problems: dict[int, list[Problem]] = defaultdict(list)
    for problem in (*state.checked.problems, *state.problems):
        problems[problem.row].append(problem)
    nothing = _nothing_sent(stop)
    asked = ByRow(() if outcomes is None else changes)
    parts = PartsOfRows(asked, outcomes or {}, undecided or nothing)
    results = {}
    # Made of all changes: once, not for each row.
    naming = state.naming
    for row in map(int, state.checked.sheet.cells.index):
        if row in state.earlier:
            results[row] = state.earlier[row]
        elif row in problems:
            results[row] = _invalid(row, problems[row])
        elif row in state.held_back:
            results[row] = RowResult(row=row, status=Status.NOT_SENT, code=Code.REFUSED, message=held_back_message())
        elif row in asked:
            results[row] = row_result(row, parts.of(row), naming, server=state.server, undoes=state.undoes)
        else:
            results[row] = _unsent(row, nothing, undoes=state.undoes)
    return results


def _nothing_sent(stop: Stop | None) -> Outcome:
    """The outcome of what the job did not come to; where its end is no matter of course, with the sentence that ended it."""
    if stop is None:
        return Outcome(status=Status.NOT_SENT, code=Code.REFUSED)
    return Outcome(status=Status.NOT_SENT, code=UNSENT_CODE[stop.exit_code], said="" if stop.exit_code in _PLAIN_ENDS else stop.message)


def _invalid(row: int, problems: list[Problem]) -> RowResult:
    """What is said of an invalid row: the first of its codes in the order of `Code`, and all that is wrong with it in that order."""
    ordered = sorted(problems, key=lambda problem: _ORDER[problem.code])
    message = " ".join(dict.fromkeys(problem.message for problem in ordered))
    return RowResult(row=row, status=Status.INVALID, code=ordered[0].code, message=message)


def _unsent(row: int, nothing: Outcome, *, undoes: bool) -> RowResult:
    return RowResult(row=row, status=Status.NOT_SENT, code=nothing.code, message=_unsent_message(nothing, undoes=undoes))


def _unsent_message(nothing: Outcome, *, undoes: bool) -> str:
    return unsent_message(nothing.code or Code.INTERRUPTED, nothing.said, undoes=undoes)


def row_result(row: int, parts: RowParts, naming: Naming, *, server: Server | None = None, undoes: bool = False) -> RowResult:
    """What became of the row's own changes; then whom ``mirror`` has removed for it, or what hindered that."""
    decisive = parts.decisive
    _, outcome = decisive
    succeeded = outcome.status is Status.SUCCESS
    together = _mirrored(parts.mirrored, naming)
    # A rollback may have nothing to say of a row but who is back for it.
    own_tell = decisive in parts.own or (succeeded and (parts.own or together))
    told = parts.own if own_tell else [*parts.own, decisive]
    failed = (each.decisive for each in parts.mirrored if each.decisive[1].status is Status.FAILED)
    reported = [*told, *(part for part in failed if part not in told)]
    own = [joined([_part(change, each, naming, server=server, undoes=undoes) for change, each in reported])] if reported else []
    return RowResult(
        row=row,
        status=outcome.status,
        change=(Effect.UPDATED if parts.is_updated else Effect.UNCHANGED) if succeeded else Effect.NONE,
        code=None if succeeded else outcome.code,
        message=" ".join(own + together),
        attempts=outcome.attempts,
        http_status=outcome.http_status,
        seconds=outcome.seconds,
    )


def _mirrored(outcomes: Sequence[MirroredOutcome], naming: Naming) -> list[str]:
    """Whom ``mirror`` has removed, and who is back from that, if anybody, as sentences."""
    kinds = (False, [each.removed for each in outcomes]), (True, [each.returned for each in outcomes])
    return [
        mirrored_message(
            [naming.agent(change.agent_id, change.username) for change in islice(chain(*moved), MIRRORED_SHOWN)], many, back=back
        )
        for back, moved in kinds
        if (many := sum(map(len, moved)))
    ]


def _part(change: Change, outcome: Outcome, naming: Naming, *, server: Server | None, undoes: bool) -> Part:
    prior = change.found(naming.workspace) if isinstance(outcome.prior, msgspec.UnsetType) else outcome.prior
    words = change.words(prior, naming)
    if outcome.status is Status.SUCCESS:
        message = success_message(words, outcome.change)
    elif outcome.status is Status.PLANNED:
        message = words.planned
    elif outcome.status is Status.NOT_SENT:
        message = _unsent_message(outcome, undoes=undoes)
    else:
        evidence = Evidence(
            said=outcome.said,
            http_status=outcome.http_status,
            attempts=outcome.attempts,
            seen=outcome.seen,
            looked_up=outcome.looked_up,
        )
        message = failure_message(outcome.code or Code.NOT_APPLIED, change.part, words, evidence, server=server, undoes=undoes)
    # A removal that `mirror` asks for is about another agent than the row's own.
    name = "mirror" if is_mirrored(change) else change.part
    return Part(name=name, state=words.state, status=outcome.status, change=outcome.change, message=message)
