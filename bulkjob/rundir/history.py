"""What the lines of a journal add up to: what was written, what became of it, and which rows need no further look."""

import os
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from bulkjob.changes import Attempt, DepartmentAgent, DepartmentUnit, Outcome, rows_of, stand_in
from bulkjob.phrases import counted
from bulkjob.records import NO_MEANINGS, Meanings, RowResult, is_new_unit
from bulkjob.rundir.directory import ROLLBACK, SUMMARY_FILE, read_summary_file
from bulkjob.rundir.format import JOURNAL_FILE, Concluded, Intent, Kept, Names, Opened, Owner, Record, Rows, records_of
from bulkjob.settings import canonical_address
from bulkjob.system import open_ordinary, to_disk
from bulkjob.vocabulary import Code, Exit, Status, Stop


def refuse_closed(directory: Path, otherwise: str) -> None:
    """Raises `Stop` (73) for a run that was rolled back: going on with it would undo the undoing. ``otherwise``: what to do instead."""
    if os.path.lexists(directory / ROLLBACK / JOURNAL_FILE):
        message = f"The run in {directory} was rolled back, and is closed. Nothing was sent; {otherwise}"
        raise Stop(Exit.CANNOT_CREATE, message)


#: Of a call that was sent more than once, the code is the last sending's: a limit's refusal may follow an answer that was lost.
_DOUBTFUL = frozenset({Code.TIMEOUT, Code.CONNECTION, Code.SERVER_ERROR, Code.BAD_RESPONSE, Code.RATE_LIMITED})


#: Bytes by which a journal is known: less than the first line of one has.
_BEGINNING: Final = 64


#: What to do about a journal that cannot be used and is needed.
UNDAMAGED = "Nothing was sent. If there is an undamaged copy of it, put that in its place."


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
    names: Meanings = NO_MEANINGS
    """What the sheet's texts were taken to mean when the first write went out."""
    made: Mapping[str, str] = field(default_factory=dict)
    """What stood for units that were to be made (`new_unit`) → their ids, where the journal tells; `attempts` and `names` have these."""


def history_of(records: Iterable[Record]) -> History:
    """What the records of a journal add up to."""
    owner: Owner | None = None
    sheet: Kept | None = None
    rows: dict[int, RowResult] = {}
    intents: dict[int, Intent] = {}
    outcomes: dict[int, tuple[Outcome, ...]] = {}
    known: list[Meanings] = [NO_MEANINGS]
    for record in records:
        match record:
            case Opened():
                # Versions before this one kept the address as it was typed.
                owner = replace(record.owner, server=canonical_address(record.owner.server))
            case Kept():
                sheet = record
            case Names(names=names):
                known.append(names)
            case Rows():
                rows.update((row.row, row) for row in record.rows)
            case Intent():
                intents[record.number] = record
            case Concluded():
                rows.update((row.row, row) for row in record.rows)
                outcomes[record.number] = record.outcomes
    made = {**_units_found(known), **_units_made(intents, outcomes)}
    attempts = tuple(
        Attempt(change=written.change.in_units(made), prior=written.prior, outcome=outcome, status=_known(outcome) if outcome else None)
        for number, intent in intents.items()
        for written, outcome in zip(intent.changes, outcomes.get(number, (None,) * len(intent.changes)), strict=True)
    )
    return History(
        owner=owner,
        sheet=sheet,
        rows=rows,
        attempts=_with_mirrored(attempts, owner),
        pending_repairs=_pending_repairs(intents, outcomes),
        names=known[-1].in_units(made),
        made=made,
    )


def _units_made(intents: Mapping[int, Intent], outcomes: Mapping[int, tuple[Outcome, ...]]) -> Mapping[str, str]:
    """What stood for units that were to be made → their ids, where an outcome tells."""
    return {
        stand_in(written.change): outcome.made
        for number, known in outcomes.items()
        for written, outcome in zip(intents[number].changes, known, strict=True)
        if outcome.made
    }


def _units_found(known: Sequence[Meanings]) -> Mapping[str, str]:
    """What stood for units that were to be made → their ids, of those that a later attempt has found to be there."""
    last = known[-1].units
    found = ((unit, last.get(text, unit)) for names in known for text, unit in names.units.items() if is_new_unit(unit))
    return {unit: identifier for unit, identifier in found if not is_new_unit(identifier)}


def _with_mirrored(attempts: tuple[Attempt, ...], owner: Owner | None) -> tuple[Attempt, ...]:
    """The attempts with the removals that ``mirror`` asked for marked, which the journal's first format did not: their rows add others."""
    if owner is None or owner.choices.agents != "mirror":
        return attempts
    adding = rows_of(attempt.change for attempt in attempts if not attempt.change.ends_assignment)

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
            if perhaps and isinstance(change, DepartmentUnit) and change.unit_id == unit["id"] != prior and isinstance(prior, str):
                pending[prior].add(change.department_id)
    return {unit_id: frozenset(departments) for unit_id, departments in pending.items()}


def _known(outcome: Outcome) -> Status | None:
    """None for a write that got no good answer, or was not looked up: a server may carry it out after it was seen not to have done so."""
    return None if outcome.code in _DOUBTFUL or outcome.undecided or not outcome.looked_up else outcome.status


def read_history(path: Path) -> History | None:
    """What the journal of a run that is to be undone tells; None if there is no file. Raises `Stop` (73) for one that is damaged."""
    found = read_records(path, UNDAMAGED)
    return None if found is None else history_of(found[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What tells whether a journal is still as it was when it was read."""

    size: int = 0
    crc32: int = 0
    whole: int = 0
    """Bytes of its whole lines; what follows is one that was torn."""

    def is_still(self, data: bytes) -> bool:
        """Whether the file holds the same now."""
        return (self.size, self.crc32) == (len(data), zlib.crc32(data))


def read_records(path: Path, remedy: str) -> tuple[list[Record], Seen] | None:
    """The records of a journal, all that were written, and what tells the file; None if there is none.

    Raises `Stop` (73) for one that cannot be read, that is damaged, from which something is missing, or that is somebody else's.
    """
    try:
        file = open_ordinary(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        _refuse_less_than_reported(path, (), remedy)
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), remedy) from None
    try:
        with os.fdopen(file, "rb") as opened:
            # What is none of ours may be of any size, and shows at once.
            records_of(opened.read(_BEGINNING))
            opened.seek(0)
            data = opened.read()
            # A killed attempt may have left lines that the disk was not told to keep yet: what is believed now must stay so.
            to_disk(opened.fileno())
        records, whole = records_of(data)
        _refuse_incomplete(records)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), remedy) from None
    except ValueError as error:
        raise _unreadable(path, str(error), remedy) from None
    except MemoryError:
        raise _unreadable(path, "there is not enough memory to read it", remedy) from None
    _refuse_less_than_reported(path, records, remedy)
    return records, Seen(size=len(data), crc32=zlib.crc32(data), whole=whole)


def _unreadable(path: Path, reason: str, remedy: str) -> Stop:
    return Stop(Exit.CANNOT_CREATE, f"The journal {path} cannot be used: {reason}. {remedy}")


# ---------------------------------------------------------------------------------------------------------- nothing is missing


def _refuse_less_than_reported(path: Path, records: Iterable[Record], remedy: str) -> None:
    """Raises `Stop` (73) for a journal that has lost its end, or everything: the report beside it tells of more rows that were changed.

    An intent is on disk before its write goes out; an outcome need not be, where the disk is full by then.
    """
    told = _rows_changed(path.parent)
    written = rows_of(written.change for record in records if isinstance(record, Intent) for written in record.changes)
    if len(written) < told:
        reason = f"{SUMMARY_FILE} beside it tells of {counted(told, 'changed row')}, and it holds writes for {len(written):,}"
        raise _unreadable(path, reason, remedy)


def _rows_changed(directory: Path) -> int:
    """How many changed rows the report of an earlier attempt tells of; 0 where there is none, or a file of somebody else's."""
    try:
        changes = msgspec.json.decode(read_summary_file(directory))["changes"]["updated"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0
    return changes if type(changes) is int else 0


def _refuse_incomplete(records: Sequence[Record]) -> None:
    """Raises `ValueError` where whole lines do not add up to what a run writes: some were taken out, put in, or moved.

    A line that nobody can miss may be gone all the same: the last ones, an outcome, or rows that needed no write. Then less is known than
    was, and what is not known is looked at again.
    """
    sheet: Kept | None = None
    for number, record in enumerate(records, start=1):
        match record:
            case Kept():
                if sheet is not None:
                    raise ValueError(f"line {number} holds the sheet a second time")
                sheet = record
                _refuse_misshapen(record, number)
            case Opened():
                pass
            case _ if sheet is None:
                raise ValueError(f"line {number} comes before the line with the sheet, which is missing")
    if records and not isinstance(records[0], Opened):
        raise ValueError("its first line is missing, which says whose it is")
    _refuse_gaps(records)
    _refuse_unknown_rows(records, frozenset(sheet.rows if sheet else ()))


def _refuse_gaps(records: Sequence[Record]) -> None:
    """Intents are numbered 1, 2, 3, …; an outcome comes once, after its intent, and tells of each of its changes."""
    changes: dict[int, int] = {}
    ended: set[int] = set()
    for number, record in enumerate(records, start=1):
        match record:
            case Intent(number=write):
                if write != len(changes) + 1:
                    raise ValueError(f"line {number} announces write {write}, where write {len(changes) + 1} should be: a line is missing")
                _refuse_nameless(record.snapshot.get("unit"), number)
                changes[write] = len(record.changes)
            case Concluded(number=write):
                if write not in changes:
                    raise ValueError(f"line {number} tells the outcome of write {write}, which no line before it announces")
                if write in ended:
                    raise ValueError(f"line {number} tells the outcome of write {write} a second time")
                if len(record.outcomes) != changes[write]:
                    message = f"line {number} tells {counted(len(record.outcomes), 'outcome')} of write {write}, which had "
                    raise ValueError(f"{message}{counted(changes[write], 'change')}")
                ended.add(write)
            case _:
                pass


def _refuse_nameless(unit: object, number: int) -> None:
    named = not isinstance(unit, Mapping) or isinstance(unit.get("id"), str)
    if not named:
        raise ValueError(f"line {number} tells of a unit without its id")


def _refuse_unknown_rows(records: Sequence[Record], rows: AbstractSet[int]) -> None:
    for number, record in enumerate(records, start=1):
        match record:
            case Rows(rows=results) | Concluded(rows=results):
                told = {result.row for result in results}
            case Intent(changes=changes):
                told = rows_of(written.change for written in changes)
            case _:
                told = set()
        if not told <= rows:
            raise ValueError(f"line {number} tells of row {min(told - rows)}, which the sheet does not have")


def _refuse_misshapen(sheet: Kept, number: int) -> None:
    columns = len(sheet.headers)
    whole = len(sheet.cells) == len(sheet.letters) == columns and all(len(column) == len(sheet.rows) for column in sheet.cells)
    if not whole or not all(0 <= position < columns for position in sheet.positions.values()):
        raise ValueError(f"line {number} holds a sheet whose columns differ in length")
