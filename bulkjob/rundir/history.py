"""What the lines of a journal add up to: what was written, what became of it, and which rows need no further look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from bulkjob.changes import Attempt, DepartmentAgent, DepartmentUnit, Outcome
from bulkjob.records import RowResult
from bulkjob.rundir.directory import ROLLBACK
from bulkjob.rundir.format import JOURNAL_FILE, Concluded, Intent, Kept, Opened, Owner, Record, Rows, records_of
from bulkjob.settings import canonical_address
from bulkjob.system import to_disk
from bulkjob.vocabulary import Code, Exit, Status, Stop


def refuse_closed(directory: Path) -> None:
    """Raises `Stop` (73) for a run that was rolled back: going on with it would undo the undoing."""
    if (directory / ROLLBACK / JOURNAL_FILE).exists():
        message = f"The run in {directory} was rolled back, and is closed. Nothing was sent; choose another directory with --run-dir."
        raise Stop(Exit.CANNOT_CREATE, message)


#: Of a call that was sent more than once, the code is the last sending's: a limit's refusal may follow an answer that was lost.
_DOUBTFUL = frozenset({Code.TIMEOUT, Code.CONNECTION, Code.SERVER_ERROR, Code.BAD_RESPONSE, Code.RATE_LIMITED})


# ----------------------------------------------------------------------------------------------------------------- history


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a journal tells."""

    owner: Owner | None = None
    """None as long as nothing was written."""
    sheet: Kept | None = None
    rows: Mapping[int, RowResult] = field(default_factory=dict)
    """The rows that are success."""
    attempts: tuple[Attempt, ...] = ()
    """Every change that went out, in the order of the intents; one that was tried twice stands twice."""
    pending_repairs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Unit id → the departments that other units took from it, if it was not written since: its counter may still count them."""


def history_of(records: Iterable[Record]) -> History:
    """What the records of a journal add up to."""
    owner: Owner | None = None
    sheet: Kept | None = None
    rows: dict[int, RowResult] = {}
    intents: dict[int, Intent] = {}
    outcomes: dict[int, tuple[Outcome, ...]] = {}
    for record in records:
        match record:
            case Opened():
                # Versions before this one kept the address as it was typed.
                owner = replace(record.owner, server=canonical_address(record.owner.server))
            case Kept():
                sheet = record
            case Rows():
                rows.update((row.row, row) for row in record.rows)
            case Intent():
                intents[record.number] = record
            case Concluded():
                rows.update((row.row, row) for row in record.rows)
                outcomes[record.number] = record.outcomes
    attempts = tuple(
        Attempt(change=written.change, prior=written.prior, outcome=outcome, status=_known(outcome) if outcome else None)
        for number, intent in intents.items()
        for written, outcome in zip(intent.changes, outcomes.get(number, (None,) * len(intent.changes)), strict=True)
    )
    repairs = _pending_repairs(intents, outcomes)
    return History(owner=owner, sheet=sheet, rows=rows, attempts=_with_mirrored(attempts, owner), pending_repairs=repairs)


def _with_mirrored(attempts: tuple[Attempt, ...], owner: Owner | None) -> tuple[Attempt, ...]:
    """The attempts with the removals that ``mirror`` asked for marked, which the journal's first format did not: their rows add others."""
    if owner is None or owner.choices.agents != "mirror":
        return attempts
    adding = {row for attempt in attempts if not attempt.change.ends_assignment for row in attempt.change.rows}

    def told(attempt: Attempt) -> Attempt:
        change = attempt.change
        if not isinstance(change, DepartmentAgent) or change.present or change.mirrored or adding.isdisjoint(change.rows):
            return attempt
        return replace(attempt, change=msgspec.structs.replace(change, mirrored=True))

    return tuple(map(told, attempts))


def _pending_repairs(intents: Mapping[int, Intent], outcomes: Mapping[int, tuple[Outcome, ...]]) -> Mapping[str, frozenset[str]]:
    pending: dict[str, set[str]] = defaultdict(set)
    for number, intent in intents.items():
        unit = intent.snapshot.get("unit")
        if not isinstance(unit, Mapping):
            continue
        known = outcomes.get(number)
        if known is not None and all(outcome.status is Status.SUCCESS for outcome in known):
            pending.pop(unit["id"], None)
        for place, written in enumerate(intent.changes):
            perhaps = known is None or _known(known[place]) is not Status.FAILED
            change, prior = written.change, written.prior
            moved = isinstance(change, DepartmentUnit) and change.unit_id == unit["id"] and prior != change.unit_id
            if perhaps and moved and isinstance(prior, str):
                pending[prior].add(change.department_id)
    return {unit_id: frozenset(departments) for unit_id, departments in pending.items()}


def _known(outcome: Outcome) -> Status | None:
    """None for a write that got no good answer, or was not looked up: a server may carry it out after it was seen not to have done so."""
    return None if outcome.code in _DOUBTFUL or not outcome.looked_up else outcome.status


def read_history(path: Path) -> History | None:
    """What the journal of a run that is to be undone tells; None if there is no file. Raises `Stop` (73) for one that is damaged."""
    records = read_records(path, "Nothing was sent. If there is an undamaged copy of it, put that in its place.")
    return None if records is None else history_of(records)


def read_records(path: Path, remedy: str) -> list[Record] | None:
    """The records of a journal; None if there is none. Raises `Stop` (73), which ends with ``remedy``, for one that is damaged."""
    try:
        with path.open("rb") as file:
            data = file.read()
            # A killed attempt may have left lines that the disk was not told to keep yet: what is believed now must stay so.
            to_disk(file.fileno())
        return records_of(data)[0]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise Stop(Exit.CANNOT_CREATE, f"The journal {path} cannot be read ({error}). {remedy}") from None
