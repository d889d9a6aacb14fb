"""The way back: from what a run changed to the wishes that put it back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bulkjob.records import ALREADY_SO, AgentChange, AgentWish, Membership, Naming, Outcome, UnitWish, Wish, Workspace, agent_holds, failed
from bulkjob.rundir import Made
from bulkjob.vocabulary import Code, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """What a rollback has to do."""

    wishes: tuple[Wish, ...]
    """For each thing that the run changed, how it was before; with the rows that had asked for the change."""
    settled: Mapping[Wish, Outcome]
    """Those that are so already, and those that somebody has changed since."""


def way_back(made: Iterable[Made], workspace: Workspace) -> WayBack:
    """The wishes that put back what was made and still holds.

    A change that was tried several times goes back to what it found the first time. One whose outcome nobody knows counts if it is seen
    to hold. A count that rose since is no change of somebody else's: it was a chat.
    """
    wishes: list[Wish] = []
    settled: dict[Wish, Outcome] = {}
    for attempts in _by_target(made):
        first, last = attempts[0], attempts[-1]
        if isinstance(first.wish, UnitWish) and isinstance(last.wish, UnitWish):
            wish, outcome = _unit_back(first, last.wish, workspace)
        elif isinstance(first.wish, AgentWish) and isinstance(last.wish, AgentWish):
            wish, outcome = _agent_back(attempts, last.wish, workspace)
        else:
            continue
        wishes.append(wish)
        if outcome is not None:
            settled[wish] = outcome
    return WayBack(wishes=tuple(wishes), settled=settled)


def departments_changed(made: Iterable[Made]) -> frozenset[str]:
    """The departments whose agents a run changed."""
    return frozenset(each.wish.department_id for each in made if isinstance(each.wish, AgentWish))


def _by_target(made: Iterable[Made]) -> list[list[Made]]:
    """What was or may have been done, by the department's unit or the agent's place that it was done to."""
    targets: dict[tuple[str, str | None], list[Made]] = defaultdict(list)
    for each in made:
        if each.status is not Status.FAILED:
            agent = each.wish.agent_id if isinstance(each.wish, AgentWish) else None
            targets[each.wish.department_id, agent].append(each)
    return list(targets.values())


def _unit_back(first: Made, last: UnitWish, workspace: Workspace) -> tuple[Wish, Outcome | None]:
    before = first.before if isinstance(first.before, str) else None
    wish = UnitWish(department_id=last.department_id, unit_id=before, rows=tuple(sorted({*first.wish.rows, *last.rows})))
    department = workspace.departments.get(last.department_id)
    if department is None:
        return wish, failed(Code.DEPARTMENT_GONE)
    if department.parent_id == before:
        return wish, ALREADY_SO
    if department.parent_id == last.unit_id:
        return wish, None
    place = f"in unit {Naming(workspace).unit(department.parent_id)}" if department.parent_id else "in no unit"
    return wish, replace(failed(Code.CHANGED_MEANWHILE), seen=f"it is {place} now")


def _agent_back(attempts: list[Made], asked: AgentWish, workspace: Workspace) -> tuple[Wish, Outcome | None]:
    first = attempts[0]
    before = first.before if isinstance(first.before, Membership) else None
    wish = _as_before(asked, before, tuple(sorted({*first.wish.rows, *asked.rows})))
    if asked.department_id not in workspace.departments:
        return wish, failed(Code.DEPARTMENT_GONE)
    member = workspace.members[asked.department_id].get(asked.agent_id)
    if any(agent_holds(asked, _stored(made, asked), member) for made in attempts):
        return wish, None
    if _is_as_before(before, member):
        return wish, ALREADY_SO
    seen = f"they are there with count {member.count} and order {member.order} now" if member else "they are not there now"
    return wish, replace(failed(Code.CHANGED_MEANWHILE), seen=seen)


def _stored(made: Made, asked: AgentWish) -> AgentChange | None:
    """What was stored for an agent, or may have been; a count that was lowered for certain may have risen above what it was since."""
    if not asked.present:
        return None
    change = asked.change(made.before if isinstance(made.before, Membership) else None)
    return replace(change, count_before=None) if made.status is Status.SUCCESS else change


def _as_before(asked: AgentWish, before: Membership | None, rows: tuple[int, ...]) -> AgentWish:
    """An agent's place as it was; of numbers that the run did not set, whatever they are by now."""
    if before is None:
        return replace(asked, present=False, count=None, order=None, rows=rows)
    sets_count = not asked.present or asked.count not in (None, before.count)
    sets_order = not asked.present or asked.order not in (None, before.order)
    count, order = (before.count if sets_count else None), (before.order if sets_order else None)
    return replace(asked, present=True, count=count, order=order, rows=rows)


def _is_as_before(before: Membership | None, member: Membership | None) -> bool:
    if before is None or member is None:
        return before is None and member is None
    return member.order == before.order and member.count >= before.count
