"""The way back: from what a run changed to the changes that put it back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from bulkjob.changes import Attempt, Change, DepartmentUnit, Held, NewUnit, OncePerRows, UnitField, UnitMonitor, stand_in
from bulkjob.records import Workspace, new_unit
from bulkjob.vocabulary import Status


def way_back(attempts: Iterable[Attempt], earlier: Iterable[Attempt] = ()) -> Mapping[Change, Sequence[Attempt]]:
    """For each thing that a run changed, or may have changed, the change that puts it back, with what the run made of it.

    A change that was tried several times goes back to what it found the first time, for the rows that had asked for it. Whether what was
    made still holds is looked at when the plan is made, and once more just before the write. A unit that the run made goes with all that
    is in it but its departments; one that it took away is made anew, and has another id then. ``earlier``: what attempts of the same
    rollback made, or may have begun.
    """
    made = [attempt for attempt in attempts if attempt.status is not Status.FAILED]
    going = {attempt.change.unit_id for attempt in made if isinstance(attempt.change, NewUnit) and attempt.change.present}
    coming = {
        attempt.change.unit_id: new_unit(attempt.change.name)
        for attempt in made
        if isinstance(attempt.change, NewUnit) and not attempt.change.present
    }
    begun = {attempt.change.target for attempt in earlier if attempt.status is not Status.FAILED}
    found: dict[Change, Sequence[Attempt]] = {}
    rows_together = OncePerRows(lambda *rows: tuple(sorted({row for each in rows for row in each})))
    for group in _by_target(made):
        last = group[-1].change
        if isinstance(last, UnitField | UnitMonitor) and last.unit_id in going:
            continue
        rows = rows_together(*(attempt.change.rows for attempt in group))
        back = last.undone(group[0].prior, rows).in_units(coming)
        if isinstance(back, NewUnit) and not back.present:
            back = msgspec.structs.replace(back, holds_only=_held(back, made))
            back = back.begun() if back.target in begun else back
        found[back] = group
    return found


def _by_target(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """What was or may have been made, by what it was made of."""
    targets: dict[tuple[str, ...], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        targets[attempt.change.target].append(attempt)
    return list(targets.values())


def _held(unit: NewUnit, attempts: Sequence[Attempt]) -> Held:
    """What a unit holds that a run has made, as far as the run knows."""
    homes: dict[str, str | None] = {}
    monitors, perhaps = dict(unit.holds_only.monitors), set(unit.holds_only.perhaps)
    visibility = unit.holds_only.visibility
    certain = any(attempt.change.target == unit.target and attempt.status is Status.SUCCESS for attempt in attempts)
    for attempt in attempts:
        match attempt.change:
            case DepartmentUnit(department_id=department, unit_id=unit.unit_id):
                homes.setdefault(department, attempt.prior if isinstance(attempt.prior, str) else None)
            case UnitMonitor(unit_id=unit.unit_id, monitor_id=monitor, username=username, present=present):
                monitors.pop(monitor, None)
                if present:
                    monitors[monitor] = username
                if attempt.status is None:
                    perhaps.add(monitor)
            case UnitField(unit_id=unit.unit_id, field="visibility", value=value):
                visibility = str(value)
            case _:
                pass
    return Held(
        visibility=visibility,
        monitors=tuple(monitors.items()),
        perhaps=tuple(perhaps) if certain else tuple(monitors),
        departments=tuple(homes.items()),
    )


def without_unmade(attempts: Iterable[Attempt], workspace: Workspace) -> tuple[Attempt, ...]:
    """The attempts but those on units that turned out never to have been made.

    A department that is neither where it was found nor in a unit of that name may be in one that was made, and has another name by now.
    """
    known = {"", *(new_unit(unit.name) for unit in (workspace.units or {}).values())}
    return tuple(attempt for attempt in attempts if stand_in(attempt.change) in known or _has_left(attempt, workspace))


def _has_left(attempt: Attempt, workspace: Workspace) -> bool:
    change = attempt.change
    return isinstance(change, DepartmentUnit) and not change.missing(workspace) and change.found(workspace) != attempt.prior
