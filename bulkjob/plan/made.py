"""Units that a run has made, or may have made: which id stands behind what stood for it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bulkjob.changes import Attempt, stand_in
from bulkjob.records import Meanings, Workspace, is_new_unit, name_of_new
from bulkjob.sheet import caseless


def units_made(kept: Meanings, attempts: Iterable[Attempt], workspace: Workspace) -> dict[str, str]:
    """What stood for a unit (`new_unit`) → the id of the one unit of that name that is there now.

    Just before a unit was to be made there was none of its name: one that is there has been made then, or by somebody else since, and is
    taken for it. Of two nobody can tell.
    """
    ids: dict[str, list[str]] = {}
    for unit in (workspace.units or {}).values():
        ids.setdefault(caseless(unit.name), []).append(unit.id)
    stand_ins = {unit_id for unit_id in kept.units.values() if is_new_unit(unit_id)}
    stand_ins |= {stand_in(attempt.change) for attempt in attempts} - {""}
    found = {unit: ids.get(caseless(name_of_new(unit)), []) for unit in stand_ins}
    return {unit: known[0] for unit, known in found.items() if len(known) == 1}


def in_units(attempts: Iterable[Attempt], made: Mapping[str, str]) -> tuple[Attempt, ...]:
    """The attempts with units that have been made by their ids."""
    return tuple(replace(attempt, change=attempt.change.in_units(made)) for attempt in attempts) if made else tuple(attempts)
