"""What a plan comes to, in one line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from bulkjob.changes import AnyEntry, Change, DepartmentAgent, DepartmentField, DepartmentUnit, NewUnit, UnitField, UnitMonitor
from bulkjob.phrases import counted
from bulkjob.vocabulary import Status

#: What is done to things of a kind, in the order in which it is told.
_DEEDS: Final = ("create", "delete", "move", "add", "change", "remove", "rename")


def totals_text(entries: Iterable[AnyEntry]) -> str:
    """``12 units, 168 departments to move, 397 agents to add, 63 to remove``, of the changes that would be sent; blank for none."""
    planned = [entry for entry in entries if entry.status is Status.PLANNED]
    return ", ".join(_totals(planned))


def _totals(planned: list[AnyEntry]) -> Iterator[str]:
    if units := {unit.id for entry in planned for unit in entry.units}:
        yield counted(len(units), "unit")
    deeds = Counter(_deed(entry.change(), is_new=entry.prior() is None) for entry in planned)
    for noun in dict.fromkeys(noun for noun, _ in _ORDER):
        yield from _of(noun, {deed: deeds[noun, deed] for deed in _DEEDS if deeds[noun, deed]})
    for noun, deed in sorted(deeds.keys() - set(_ORDER)):
        yield f"{counted(deeds[noun, deed], noun)} to {deed}"


def _of(noun: str, deeds: Mapping[str, int]) -> Iterator[str]:
    for place, (deed, count) in enumerate(deeds.items()):
        # The noun is said once.
        yield f"{counted(count, noun) if not place else f'{count:,}'} to {deed}"


#: Which things are told of, and in which order.
_ORDER: Final = tuple(
    (noun, deed) for noun in ("unit", "department", "agent", "monitor", "department setting", "unit setting") for deed in _DEEDS
)


def _deed(change: Change, *, is_new: bool) -> tuple[str, str]:
    """What is done to what."""
    match change:
        case NewUnit():
            found = "unit", "create" if change.present else "delete"
        case UnitField(field="name"):
            found = "unit", "rename"
        case DepartmentField(field="name"):
            found = "department", "rename"
        case DepartmentUnit():
            found = "department", "move"
        case DepartmentAgent():
            found = "agent", "remove" if change.ends_assignment else "add" if is_new else "change"
        case UnitMonitor():
            found = "monitor", "add" if change.present else "remove"
        case DepartmentField():
            found = "department setting", "change"
        case UnitField():
            found = "unit setting", "change"
        case _:
            found = "other thing", "change"
    return found
