"""Whether a plan that was approved still fits the workspace, and if it does, what of it is left to do."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from bulkjob.phrases import named, named_agent, one_line
from bulkjob.plan.document import AgentEntry, Entry, Place, PlanDocument, Thing, UnitEntry, place_of, wish_of
from bulkjob.plan.order import in_order
from bulkjob.records import (
    AgentsPost,
    AgentWish,
    Department,
    DepartmentPut,
    Membership,
    Naming,
    Operation,
    Plan,
    Sheet,
    UnitPost,
    Wish,
    Workspace,
    department_put_id,
    unit_post_id,
)
from bulkjob.settings import canonical_address
from bulkjob.vocabulary import Exit, Status, Stop

#: A wish without its rows.
_Asked = tuple[str | bool | int | None, ...]


#: Differences that are told; the rest is counted.
_TOLD: Final = 15


class Drifted(Stop):
    """The approved plan no longer fits (65)."""

    def __init__(self, differences: tuple[str, ...]) -> None:
        """``differences``: one sentence each."""
        count = len(differences)
        found = "1 difference" if count == 1 else f"{count} differences"
        message = (
            f"The approved plan no longer fits the workspace ({found}). Nothing was sent. Look at what has changed, then make a new plan."
        )
        super().__init__(Exit.BAD_SHEET, message)
        self.differences = differences

    @property
    def told(self) -> tuple[str, ...]:
        """A screenful of the differences, and how many there are beside."""
        rest = len(self.differences) - _TOLD
        told = tuple(one_line(difference) for difference in self.differences[:_TOLD])
        return told if rest <= 0 else (*told, f"… and {rest} more.")


def refuse_other_plan(document: PlanDocument, sheet: Sheet, server_url: str) -> None:
    """Raises `Stop` (65) if the plan was made for another sheet or server."""
    made_for = document.sheet
    if (made_for.sha256, made_for.sheet_name) != (sheet.sha256, sheet.sheet_name):
        worksheet = f", worksheet {made_for.sheet_name}" if made_for.sheet_name not in ("", sheet.sheet_name) else ""
        made = f"{made_for.name}{worksheet}"
        message = f"The plan was made for another sheet, or for an earlier state of it ({made}). Nothing was sent. Make a new plan."
        raise Stop(Exit.BAD_SHEET, message)
    if canonical_address(document.server.url) != server_url:
        message = f"The plan was made for another server ({document.server.url}, not {server_url}). Nothing was sent. Make a new plan."
        raise Stop(Exit.BAD_SHEET, message)


def as_planned(workspace: Workspace, document: PlanDocument) -> Workspace:
    """The workspace with the counters that have only risen since the plan, which every chat does, as the plan found or wants them."""
    members: dict[str, dict[str, Membership]] = {}
    for entry in document.wishes:
        if not isinstance(entry, AgentEntry) or entry.department.id not in workspace.members:
            continue
        places = members.setdefault(entry.department.id, dict(workspace.members[entry.department.id]))
        member = places.get(entry.agent.id)
        if member is not None:
            places[entry.agent.id] = replace(member, count=_count_as_planned(member, entry))
    return replace(workspace, members={**workspace.members, **members})


def _count_as_planned(member: Membership, entry: AgentEntry) -> int:
    """The found count first: a plan's write is rather repeated than taken to be done."""
    for place in (entry.found, entry.wanted):
        if place is not None and place.count is not None and place.order in (None, member.order) and place.count <= member.count:
            return place.count
    return member.count


def hold_to(document: PlanDocument, plan: Plan, workspace: Workspace, done: Collection[int]) -> Plan:
    """The plan in the approved form; raises `Drifted` if it is not what was approved, or a part of it.

    ``plan`` and ``workspace`` are those of now, the latter by `as_planned`. ``done``: rows that an earlier attempt brought to success;
    they are not looked at again.
    """
    entries = [entry for entry in document.wishes if not all(row in done for row in entry.rows)]
    approved = _carriers(document)
    drifted = {entry.key: difference for entry in entries if (difference := _difference(entry, workspace))}
    plan = _in_approved_form(plan, approved)
    others = [*_not_approved(plan, document, approved, Naming(workspace), drifted), *_not_possible(entries, plan, workspace, drifted)]
    if drifted or others:
        raise Drifted((*drifted.values(), *others))
    return plan


# ------------------------------------------------------------------------------------------------ what the workspace holds


def _difference(entry: Entry, workspace: Workspace) -> str | None:
    """How something is that is neither as the plan found it nor as it wants it; None if it is one of the two."""
    department = workspace.departments.get(entry.department.id)
    subject = f"Department {_named(entry.department)}"
    if department is None:
        return f"{subject}: it is no longer there."
    if isinstance(entry, UnitEntry):
        if department.parent_id in (_id(entry.found), _id(entry.wanted)):
            return None
        return _told(subject, _in_unit(entry.found), _in_unit(_unit_now(department, workspace)), _in_unit(entry.wanted))
    now = place_of(entry.department.id, entry.agent.id, workspace)
    if _agree(entry.found, now) or _agree(entry.wanted, now):
        return None
    subject = f"Agent {named_agent(entry.agent.name, entry.agent.id)} in department {_named(entry.department)}"
    return _told(subject, _there(entry.found), _there(now), _there(entry.wanted))


def _agree(planned: Place | None, now: Place | None) -> bool:
    if planned is None or now is None:
        return planned is now
    return all(None in pair or pair[0] == pair[1] for pair in ((planned.count, now.count), (planned.order, now.order)))


def _is_as_wanted(entry: Entry, workspace: Workspace) -> bool:
    if isinstance(entry, UnitEntry):
        return workspace.departments[entry.department.id].parent_id == _id(entry.wanted)
    return _agree(entry.wanted, place_of(entry.department.id, entry.agent.id, workspace))


def _id(thing: Thing | None) -> str | None:
    return thing.id if thing else None


def _told(subject: str, found: str, now: str, wanted: str) -> str:
    return f"{subject}: the plan found it {found}, now it is {now}, the plan wants it {wanted}."


def _in_unit(unit: Thing | None) -> str:
    return f"in unit {_named(unit)}" if unit else "in no unit"


def _there(place: Place | None) -> str:
    if place is None:
        return "not there"
    numbers = [f"{word} {number}" for word, number in (("count", place.count), ("order", place.order)) if number is not None]
    return "there" + (f" with {' and '.join(numbers)}" if numbers else "")


def _unit_now(department: Department, workspace: Workspace) -> Thing | None:
    if department.parent_id is None:
        return None
    unit = (workspace.units or {}).get(department.parent_id)
    return Thing(id=department.parent_id, name=unit.name if unit else "")


def _named(thing: Thing) -> str:
    return named(thing.name, thing.id)


# -------------------------------------------------------------------------------------------------- what would be sent now


def _in_approved_form(plan: Plan, approved: Mapping[_Asked, str]) -> Plan:
    """The plan with agents going by the route that was approved for them.

    Where a department's removals are done already, what is left could also go by a ``PUT``.
    """
    operations: list[Operation] = []
    for operation in plan.operations:
        if not (isinstance(operation, DepartmentPut) and _goes_by_post(operation, approved)):
            operations.append(operation)
            continue
        after = operation.after
        if operation.unit:
            operations.append(replace(operation, agents=()))
            after = (operation.id,)
        operations.append(AgentsPost(department_id=operation.department_id, wishes=operation.agents, after=after))
    present = {operation.id for operation in operations}
    renamed = {department_put_id(operation.department_id): operation.id for operation in operations if isinstance(operation, AgentsPost)}
    return replace(plan, operations=in_order([_following(operation, present, renamed) for operation in operations]))


def _following(operation: Operation, present: Collection[str], renamed: Mapping[str, str]) -> Operation:
    """The operation with what it comes after by its present name."""
    return replace(operation, after=tuple(before if before in present else renamed.get(before, before) for before in operation.after))


def _goes_by_post(operation: DepartmentPut, approved: Mapping[_Asked, str]) -> bool:
    return bool(operation.agents) and all(approved.get(_asked(wish), "").startswith("agents/") for wish in operation.agents)


def _carriers(document: PlanDocument) -> dict[_Asked, str]:
    """What is asked → the id of the operation that carries it in the approved plan."""
    return {_asked(wish_of(document.wishes[place])): operation.id for operation in document.operations for place in operation.wishes}


def _asked(wish: Wish) -> _Asked:
    """What a wish asks for, whoever asks."""
    if isinstance(wish, AgentWish):
        return wish.department_id, wish.agent_id, wish.present, wish.count, wish.order
    return wish.department_id, wish.unit_id


def _not_approved(
    plan: Plan, document: PlanDocument, carriers: Mapping[_Asked, str], naming: Naming, drifted: Collection[tuple[str, str | None]]
) -> Iterable[str]:
    """A sentence for each thing that would be sent now and is not in the approved plan; not again for what has drifted itself."""
    approved = {operation.id for operation in document.operations}
    for operation in plan.operations:
        for wish in operation.wishes:
            key = wish.department_id, wish.agent_id if isinstance(wish, AgentWish) else None
            if carriers.get(_asked(wish)) != operation.id and key not in drifted:
                yield f"{_sentence(wish, naming)}, which the plan does not hold."
        # Where departments have drifted, that other units are concerned follows from it.
        if isinstance(operation, UnitPost) and not (operation.wishes or drifted or approved & _names(operation)):
            yield f"Unit {naming.unit(operation.unit_id)} would have to be written now, which the plan does not hold."


def _names(operation: UnitPost) -> set[str]:
    """The ids that the write of a unit may have: without its own wishes, which are done, it is one that repairs."""
    return {unit_post_id(operation.unit_id, repairs=repairs) for repairs in (True, False)}


def _sentence(wish: Wish, naming: Naming) -> str:
    department = f"department {naming.department(wish.department_id)}"
    if not isinstance(wish, AgentWish):
        return f"{department.capitalize()[0]}{department[1:]} would " + (
            f"be put into unit {naming.unit(wish.unit_id)}" if wish.unit_id else "be taken out of its unit"
        )
    agent = f"Agent {naming.agent(wish.agent_id, wish.username)} would be"
    return f"{agent} put into {department}, or changed there" if wish.present else f"{agent} removed from {department}"


def _not_possible(entries: Iterable[Entry], plan: Plan, workspace: Workspace, drifted: Collection[tuple[str, str | None]]) -> Iterable[str]:
    """A sentence for each thing that was to be sent and cannot be any longer: the department is archived, a permission or the unit gone."""
    known = {_asked(wish) for wish in plan.wishes}
    failing = {_asked(wish): outcome.code for wish, outcome in plan.settled.items() if outcome.status is Status.FAILED}
    for entry in entries:
        if entry.status is not Status.PLANNED or entry.key in drifted:
            continue
        wish = _asked(wish_of(entry))
        if wish in known and wish not in failing:
            continue
        if wish in failing or not _is_as_wanted(entry, workspace):
            about = f"agent {named_agent(entry.agent.name, entry.agent.id)}" if isinstance(entry, AgentEntry) else "the unit"
            reason = f" ({failing[wish]})" if wish in failing else ""
            yield f"Department {_named(entry.department)}: {about} cannot be changed any longer{reason}."
