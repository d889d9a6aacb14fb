"""What a plan comes to, in one line."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from bulkjob.changes import AnyEntry
from bulkjob.phrases import counted
from bulkjob.vocabulary import Status

_UNIT, _AGENT = "unit", "agent"


#: How the parts of a plan that have no words of their own are counted.
_DEEDS: Final = ("add", "change", "remove")


def totals_text(entries: Iterable[AnyEntry]) -> str:
    """``12 units, 168 departments to move, 397 agents to add, 63 to remove``, of the changes that would be sent; blank for none."""
    planned = [entry for entry in entries if entry.status is Status.PLANNED]
    return ", ".join(_totals(planned))


def _totals(planned: list[AnyEntry]) -> Iterator[str]:
    parts = [(entry, entry.change()) for entry in planned]
    if units := {unit.id for entry in planned for unit in entry.units}:
        yield counted(len(units), "unit")
    new = [change for _, change in parts if change.part == _UNIT and change.target[0] == _UNIT]
    if made := sum(change.wanted is True for change in new):
        yield f"{made:,} to create"
    if moves := sum(change.part == _UNIT for _, change in parts) - len(new):
        yield f"{counted(moves, 'department')} to move"
    deeds = Counter(
        "remove" if change.ends_assignment else "add" if entry.prior() is None else "change"
        for entry, change in parts
        if change.part == _AGENT
    )
    # The noun is said once.
    first = next((deed for deed in _DEEDS if deeds[deed]), "")
    for deed in _DEEDS:
        if deeds[deed]:
            yield f"{counted(deeds[deed], 'agent') if deed == first else f'{deeds[deed]:,}'} to {deed}"
    others = Counter(change.part for _, change in parts if change.part not in (_UNIT, _AGENT))
    for part, count in sorted(others.items()):
        yield f"{counted(count, 'other change')} ({part})"
