"""The one place of these pages that looks at single kinds of change; everything else goes by what `Change` says of all of them.

A new kind needs nothing here: what it says of itself in a plan's listing is shown. Here stands only what is drawn or counted beyond that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bulkjob.changes import Change, DepartmentAgent, DepartmentUnit, Prior
from bulkjob.phrases import counted, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A change that was made, or is planned."""

    change: Change
    prior: Prior
    """What it found."""
    earlier: bool = False
    """Whether an earlier attempt of the same run made it, so that it was there when the workspace was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A department that goes from one unit to another; None is none."""

    department_id: str
    origin: str | None
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An agent who comes to a department, or leaves it."""

    department_id: str
    agent_id: str
    present: bool
    """Whether they are there afterwards."""


def move_of(made: Made) -> Move | None:
    """The move that a change is; None if it is none."""
    change, prior = made.change, made.prior
    if not isinstance(change, DepartmentUnit):
        return None
    return Move(department_id=change.department_id, origin=prior if isinstance(prior, str) else None, target=change.unit_id)


def assignment_of(made: Made) -> Assignment | None:
    """The agent who comes or leaves by a change; None if nobody does."""
    change = made.change
    if not isinstance(change, DepartmentAgent) or change.present == (made.prior is not None):
        return None
    return Assignment(department_id=change.department_id, agent_id=change.agent_id, present=change.present)


def totals_of(everything: Iterable[Made]) -> str:
    """How much was done, in one sentence: ``168 departments moved, 397 agents added and 63 removed.``; blank for nothing."""
    moves = added = removed = others = 0
    for made in everything:
        assignment = assignment_of(made)
        if move_of(made):
            moves += 1
        elif assignment is None:
            others += 1
        elif assignment.present:
            added += 1
        else:
            removed += 1
    agents = "" if added else " agents" if removed != 1 else " agent"
    parts = [
        f"{counted(moves, 'department')} moved" if moves else "",
        f"{counted(added, 'agent')} added" if added else "",
        f"{removed:,}{agents} removed" if removed else "",
        f"{counted(others, 'other change')} made" if others else "",
    ]
    found = [part for part in parts if part]
    return f"{listed(found)}." if found else ""
