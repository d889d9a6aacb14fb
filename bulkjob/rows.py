"""From what became of wishes to what is reported of rows: every row of the sheet exactly once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bulkjob.naming import Naming
from bulkjob.operations import AgentWish, Outcome, UnitWish, Wish
from bulkjob.records import CheckedSheet, Problem, RowResult
from bulkjob.report.words import Evidence, Half, Subject, failure_message, joined, success_message, unsent_message
from bulkjob.vocabulary import UNSENT_CODE, Change, Code, Exit, Status, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a run has found out by its end, however early that is."""

    checked: CheckedSheet
    problems: tuple[Problem, ...] = ()
    """What the server's lists showed."""
    held_back: frozenset[int] = frozenset()
    """Rows that are valid, of departments that an invalid row is about."""
    wishes: tuple[Wish, ...] = ()
    outcomes: Mapping[Wish, Outcome] | None = None
    """Of the wishes that were settled; None before there is a plan."""
    naming: Naming | None = None

    @property
    def departments(self) -> dict[int, str]:
        """Row → what stands for its department: its id where that is known, else the sheet's word for it."""
        position = self.checked.sheet.positions["department"]
        cells = self.checked.sheet.cells
        words = dict(zip(cells.index.tolist(), cells[position].tolist(), strict=True))
        return words | {row: wish.department_id for wish in self.wishes for row in wish.rows}


def row_results(known: Known, stop: Stop | None) -> dict[int, RowResult]:
    """The outcome of each row of the sheet, in its order; ``stop`` is what ended the job before its end."""
    problems: dict[int, list[Problem]] = defaultdict(list)
    for problem in (*known.checked.problems, *known.problems):
        problems[problem.row].append(problem)
    wishes: dict[int, list[Wish]] = defaultdict(list)
    for wish in known.wishes:
        for row in wish.rows:
            wishes[row].append(wish)
    unsent = UNSENT_CODE[stop.exit_code if stop else Exit.BAD_SHEET]
    results = {}
    for row in map(int, known.checked.sheet.cells.index):
        if row in problems:
            results[row] = _invalid(row, problems[row])
        elif row in wishes and known.outcomes is not None and known.naming is not None:
            results[row] = _settled(row, wishes[row], known.outcomes, known.naming, unsent)
        else:
            reason = "another row about the same department is invalid" if row in known.held_back else ""
            results[row] = _unsent(row, Code.REFUSED if row in known.held_back else unsent, reason)
    return results


def _invalid(row: int, problems: list[Problem]) -> RowResult:
    message = " ".join(dict.fromkeys(problem.message for problem in problems))
    return RowResult(row=row, status=Status.INVALID, code=problems[0].code, message=message)


def _unsent(row: int, code: Code, reason: str = "") -> RowResult:
    return RowResult(row=row, status=Status.NOT_SENT, code=code, message=unsent_message(code, reason))


def _settled(row: int, wishes: Iterable[Wish], outcomes: Mapping[Wish, Outcome], naming: Naming, unsent: Code) -> RowResult:
    """The row's own wishes, the unit's first; of the agents whom ``mirror`` removes for it, only what went wrong."""
    nothing = Outcome(status=Status.NOT_SENT, code=unsent)
    halves = [(wish, outcomes.get(wish, nothing)) for wish in wishes]
    own = [half for half in halves if not _mirrored(half[0], halves)]
    decisive = _decisive(halves)
    told = own if decisive in own else [half for half in own if isinstance(half[0], UnitWish)] + [decisive]
    _, outcome = decisive
    succeeded = outcome.status is Status.SUCCESS
    changed = any(each.change is Change.UPDATED for _, each in halves)
    return RowResult(
        row=row,
        status=outcome.status,
        change=(Change.UPDATED if changed else Change.UNCHANGED) if succeeded else Change.NONE,
        code=None if succeeded else outcome.code,
        message=_message(told, naming),
        attempts=outcome.attempts,
        http_status=outcome.http_status,
        seconds=outcome.seconds,
    )


def _mirrored(wish: Wish, halves: list[tuple[Wish, Outcome]]) -> bool:
    """Whether a wish is another agent's removal that this row shares."""
    adds = any(isinstance(other, AgentWish) and other.present for other, _ in halves)
    return isinstance(wish, AgentWish) and not wish.present and adds


def _decisive(halves: list[tuple[Wish, Outcome]]) -> tuple[Wish, Outcome]:
    """The half that decides the row: the first that failed, else the first that was not sent, else the first that was written."""
    for status in (Status.FAILED, Status.NOT_SENT):
        for half in halves:
            if half[1].status is status:
                return half
    return next((half for half in halves if half[1].change is Change.UPDATED), halves[0])


def _message(halves: list[tuple[Wish, Outcome]], naming: Naming) -> str:
    worded = [_half(wish, outcome, naming) for wish, outcome in halves]
    return worded[0].message if len(worded) == 1 else joined(worded[0], worded[1])


def _half(wish: Wish, outcome: Outcome, naming: Naming) -> Half:
    subject = _subject(wish, naming)
    if outcome.status is Status.SUCCESS:
        message = success_message(subject, outcome.change)
    elif outcome.status is Status.NOT_SENT:
        message = unsent_message(outcome.code or Code.INTERRUPTED)
    else:
        evidence = Evidence(
            said=outcome.said,
            http_status=outcome.http_status,
            attempts=outcome.attempts,
            seen=outcome.seen,
            looked_up=outcome.looked_up,
        )
        message = failure_message(outcome.code or Code.NOT_APPLIED, subject, evidence)
    return Half(subject=subject, status=outcome.status, change=outcome.change, message=message)


def _subject(wish: Wish, naming: Naming) -> Subject:
    workspace = naming.workspace
    department = workspace.departments[wish.department_id]
    if isinstance(wish, UnitWish):
        return Subject(
            kind="unit",
            department=naming.department(wish.department_id),
            unit=naming.unit(wish.unit_id) if wish.unit_id else "",
            from_unit=naming.unit(department.parent_id) if department.parent_id else "",
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
