"""From what became of wishes to what is reported of rows: every row of the sheet exactly once."""

from collections import defaultdict
from dataclasses import replace

from bulkjob.records import AgentWish, Known, Naming, Outcome, Plan, Problem, RowResult, Settled, UnitWish, Wish
from bulkjob.report.messages import (
    Evidence,
    Half,
    Subject,
    failure_message,
    held_back_message,
    joined,
    mirrored_message,
    planned_message,
    success_message,
    unsent_message,
)
from bulkjob.vocabulary import UNSENT_CODE, Change, Code, Exit, Status, Stop

PLANNED = Outcome(status=Status.PLANNED)


#: Endings whose code says enough about the rows that the job did not come to.
_PLAIN_ENDS = (Exit.ROWS_NOT_DONE, Exit.UNAVAILABLE, Exit.INTERRUPTED)


def row_results(known: Known, stop: Stop | None) -> dict[int, RowResult]:
    """The outcome of each row of the sheet, in its order; ``stop`` is what ended the job before its end."""
    problems: dict[int, list[Problem]] = defaultdict(list)
    for problem in (*known.checked.problems, *known.problems):
        problems[problem.row].append(problem)
    nothing = _nothing_sent(stop)
    halves: dict[int, list[Settled]] = defaultdict(list)
    if known.outcomes is not None:
        for wish in known.wishes:
            half = (wish, known.outcomes.get(wish, nothing))
            for row in wish.rows:
                halves[row].append(half)
    results = {}
    for row in map(int, known.checked.sheet.cells.index):
        if row in known.earlier:
            results[row] = known.earlier[row]
        elif row in problems:
            results[row] = _invalid(row, problems[row])
        elif row in known.held_back:
            results[row] = RowResult(row=row, status=Status.NOT_SENT, code=Code.REFUSED, message=held_back_message())
        elif row in halves and known.naming is not None:
            results[row] = row_result(row, halves[row], known.naming, undoes=known.undoes)
        else:
            results[row] = _unsent(row, nothing, undoes=known.undoes)
    return results


def planned_results(known: Known, plan: Plan | None, stop: Stop | None = None) -> dict[int, RowResult]:
    """What will become of each row of the sheet, as far as is known; ``stop`` is what would end a run before its first write."""
    if plan is not None and stop is None:
        known = replace(known, wishes=plan.wishes, outcomes={wish: plan.settled.get(wish, PLANNED) for wish in plan.wishes})
    return row_results(known, stop)


def _nothing_sent(stop: Stop | None) -> Outcome:
    """The outcome of what the job did not come to; where its end is no matter of course, with the sentence that ended it."""
    if stop is None:
        return Outcome(status=Status.NOT_SENT, code=Code.REFUSED)
    return Outcome(status=Status.NOT_SENT, code=UNSENT_CODE[stop.exit_code], said="" if stop.exit_code in _PLAIN_ENDS else stop.message)


def _invalid(row: int, problems: list[Problem]) -> RowResult:
    message = " ".join(dict.fromkeys(problem.message for problem in problems))
    return RowResult(row=row, status=Status.INVALID, code=problems[0].code, message=message)


def _unsent(row: int, nothing: Outcome, *, undoes: bool) -> RowResult:
    return RowResult(row=row, status=Status.NOT_SENT, code=nothing.code, message=_unsent_message(nothing, undoes=undoes))


def _unsent_message(nothing: Outcome, *, undoes: bool) -> str:
    return unsent_message(nothing.code or Code.INTERRUPTED, nothing.said, undoes=undoes)


def row_result(row: int, halves: list[Settled], naming: Naming, *, undoes: bool = False) -> RowResult:
    """The row's own wishes, the unit's first; then whom ``mirror`` has removed for it, or what hindered that."""
    adds = any(isinstance(wish, AgentWish) and wish.present for wish, _ in halves)
    own = [half for half in halves if isinstance(half[0], UnitWish) or half[0].present or not adds]
    decisive = _decisive(halves)
    _, outcome = decisive
    succeeded = outcome.status is Status.SUCCESS
    mirrored = [
        naming.agent(wish.agent_id, wish.username)
        for wish, each in halves
        if isinstance(wish, AgentWish) and (wish, each) not in own and each.change is Change.UPDATED
    ]
    message = _message(own if succeeded or decisive in own else [own[0], decisive], naming, undoes=undoes)
    changed = any(each.change is Change.UPDATED for _, each in halves)
    return RowResult(
        row=row,
        status=outcome.status,
        change=(Change.UPDATED if changed else Change.UNCHANGED) if succeeded else Change.NONE,
        code=None if succeeded else outcome.code,
        message=f"{message} {mirrored_message(mirrored)}" if mirrored else message,
        attempts=outcome.attempts,
        http_status=outcome.http_status,
        seconds=outcome.seconds,
    )


def _decisive(halves: list[Settled]) -> Settled:
    """The half that decides the row: the first that failed, else that was not sent or is planned, else that was written."""
    for status in (Status.FAILED, Status.NOT_SENT, Status.PLANNED):
        for half in halves:
            if half[1].status is status:
                return half
    return next((half for half in halves if half[1].change is Change.UPDATED), halves[0])


def _message(halves: list[Settled], naming: Naming, *, undoes: bool) -> str:
    worded = [_half(wish, outcome, naming, undoes=undoes) for wish, outcome in halves]
    return worded[0].message if len(worded) == 1 else joined(worded[0], worded[1])


def _half(wish: Wish, outcome: Outcome, naming: Naming, *, undoes: bool) -> Half:
    subject = _subject(wish, naming)
    if outcome.status is Status.SUCCESS:
        message = success_message(subject, outcome.change)
    elif outcome.status is Status.PLANNED:
        message = planned_message(subject)
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
        message = failure_message(outcome.code or Code.NOT_APPLIED, subject, evidence, undoes=undoes)
    return Half(subject=subject, status=outcome.status, change=outcome.change, message=message)


def _subject(wish: Wish, naming: Naming) -> Subject:
    workspace = naming.workspace
    department = workspace.departments.get(wish.department_id)
    if isinstance(wish, UnitWish):
        return Subject(
            kind="unit",
            department=naming.department(wish.department_id),
            unit=naming.unit(wish.unit_id) if wish.unit_id else "",
            from_unit=naming.unit(department.parent_id) if department and department.parent_id else "",
        )
    agent = workspace.agents.get(wish.agent_id)
    listed = workspace.members.get(wish.department_id)
    was_member = wish.agent_id in listed if listed is not None else agent is not None and wish.department_id in (agent.department_ids or ())
    return Subject(
        kind="agent",
        department=naming.department(wish.department_id),
        agent=naming.agent(wish.agent_id, wish.username),
        removes=not wish.present,
        was_member=was_member,
        count=wish.count,
        order=wish.order,
    )
