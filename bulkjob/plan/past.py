"""What journals tell of a job's past: what earlier attempts wrote last, and what departments and units were called before.

Everything that is known of names comes together in `naming_of`: for a run that goes on, a rollback, and a rollback that goes on alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

from bulkjob.changes import Attempt, Change, DepartmentField, NewUnit, UnitField
from bulkjob.records import Meanings, Naming, Workspace
from bulkjob.vocabulary import Status


def written_last(attempts: Iterable[Attempt]) -> dict[Change, Attempt]:
    """Each change that earlier attempts made, or may have made → the last attempt at it, with the state that their work began from."""
    earlier: dict[Change, Attempt] = {}
    for attempt in attempts:
        if attempt.status is Status.FAILED:
            continue
        before = earlier.get(attempt.change)
        # The last one decides; but what it found may be the work of the one before.
        found = before.prior if before and before.still_holds(attempt.prior) else attempt.prior
        earlier[attempt.change] = replace(attempt, prior=found)
    return earlier


def naming_of(
    workspace: Workspace, changes: Sequence[Change], attempts: Iterable[Attempt], *, undone: Iterable[Attempt] = (), meanings: Meanings
) -> Naming:
    """How a job calls the things of its workspace.

    What an earlier attempt has renamed goes by both names, as it does for the one that renames it; what is no longer there goes by the
    name that is known of it. ``attempts``: the job's own earlier ones. ``undone``: of a rollback, those of the run that is undone.
    ``meanings``: what texts of the sheet meant.
    """
    own = tuple(attempts)
    renamed = {change.target[1]: str(change.value) for change in changes if _renames(change)}
    former: dict[str, str] = {}
    for change, attempt in written_last(each for each in own if _renames(each.change)).items():
        now = change.found(workspace)
        if _renames(change) and isinstance(attempt.prior, str) and (now is None or attempt.still_holds(now)):
            former[change.target[1]], renamed[change.target[1]] = attempt.prior, str(change.value)
    remembered = {
        **_names_of_sheet(meanings, renamed),
        **_names_of_attempts((*undone, *own)),
        **{change.unit_id: change.name for change in changes if isinstance(change, NewUnit)},
    }
    return Naming(workspace, renamed, former=former, remembered=remembered)


def _renames(change: Change) -> TypeGuard[DepartmentField | UnitField]:
    return isinstance(change, DepartmentField | UnitField) and change.field == "name"


def _names_of_sheet(meanings: Meanings, renamed: Mapping[str, str]) -> dict[str, str]:
    """Id → what the sheet calls it: by its present name rather than by the one that the sheet gives it, and by the first that it has."""
    found: dict[str, str] = {}
    texts = [(text, identifier) for known in (meanings.departments, meanings.units) for text, identifier in known.items()]
    for text, identifier in reversed(texts):
        if text != identifier and (identifier not in found or text != renamed.get(identifier)):
            found[identifier] = text
    return found


def _names_of_attempts(attempts: Iterable[Attempt]) -> dict[str, str]:
    """Id → the last name that a write is known to have given it, or to have found."""
    found: dict[str, str] = {}
    for attempt in attempts:
        change = attempt.change
        if isinstance(change, NewUnit):
            found[change.unit_id] = change.name
        elif _renames(change) and attempt.status is Status.SUCCESS:
            found[change.target[1]] = str(change.value)
        elif _renames(change) and isinstance(attempt.prior, str):
            found[change.target[1]] = attempt.prior
    return found
