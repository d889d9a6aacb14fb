"""What the lines of a journal add up to: what was written, what became of it, and which rows need no further look."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bulkjob.records import Before, Outcome, RowResult, Wish
from bulkjob.rundir.directory import ROLLBACK
from bulkjob.rundir.format import JOURNAL_FILE, Intent, Kept, Opened, Owner, Record, Rows, Settled, records_of, wish_of
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
class Made:
    """One change that a run made, or may have made."""

    wish: Wish
    before: Before
    status: Status | None
    """None where nobody knows: the run ended before, or the write's outcome could not be looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a journal tells."""

    owner: Owner | None = None
    """None as long as nothing was written."""
    sheet: Kept | None = None
    rows: Mapping[int, RowResult] = field(default_factory=dict)
    """The rows that are success."""
    made: tuple[Made, ...] = ()
    """Every change that went out, in the order of the intents; a wish that was tried twice stands twice."""
    owed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Unit id → the departments that other units took from it, if it was not written since: its counter may still count them."""


def history_of(records: Iterable[Record]) -> History:
    """What the records of a journal add up to."""
    owner: Owner | None = None
    sheet: Kept | None = None
    rows: dict[int, RowResult] = {}
    intents: dict[int, Intent] = {}
    settled: dict[int, tuple[Outcome, ...]] = {}
    for record in records:
        match record:
            case Opened():
                owner = record.owner
            case Kept():
                sheet = record
            case Rows():
                rows.update((row.row, row) for row in record.rows)
            case Intent():
                intents[record.number] = record
            case Settled():
                rows.update((row.row, row) for row in record.rows)
                settled[record.number] = record.outcomes
    made = [
        Made(wish=wish_of(change), before=change.before, status=_known(settled[number][place]) if number in settled else None)
        for number, intent in intents.items()
        for place, change in enumerate(intent.changes)
    ]
    return History(owner=owner, sheet=sheet, rows=rows, made=tuple(made), owed=_owed(intents, settled))


def _owed(intents: Mapping[int, Intent], settled: Mapping[int, tuple[Outcome, ...]]) -> Mapping[str, frozenset[str]]:
    owed: dict[str, set[str]] = defaultdict(set)
    for number, intent in intents.items():
        unit = intent.picture.get("unit")
        if not isinstance(unit, Mapping):
            continue
        outcomes = settled.get(number)
        if outcomes is not None and all(outcome.status is Status.SUCCESS for outcome in outcomes):
            owed.pop(unit["id"], None)
        for place, change in enumerate(intent.changes):
            perhaps = outcomes is None or _known(outcomes[place]) is not Status.FAILED
            if perhaps and change.unit == unit["id"] and isinstance(change.before, str) and change.before != change.unit:
                owed[change.before].add(change.department)
    return {unit_id: frozenset(departments) for unit_id, departments in owed.items()}


def _known(outcome: Outcome) -> Status | None:
    """None for a write that got no good answer, or was not looked up: a server may carry it out after it was seen not to have done so."""
    return None if outcome.code in _DOUBTFUL or outcome.undecided or not outcome.looked_up else outcome.status


def read_history(path: Path) -> History | None:
    """What the journal of a run that is to be undone tells; None if there is no file. Raises `Stop` (73) for one that is damaged."""
    records = read_records(path, "Nothing was sent. If there is an undamaged copy of it, put that in its place.")
    return None if records is None else history_of(records)


def read_records(path: Path, remedy: str) -> list[Record] | None:
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
