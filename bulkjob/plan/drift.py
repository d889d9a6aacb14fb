"""Whether a plan that was approved still fits the workspace, and if it does, what of it is left to do."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

import msgspec

from bulkjob.changes import (
    AgentsPost,
    AnyEntry,
    Change,
    DepartmentAgent,
    DepartmentPut,
    OncePerRows,
    Operation,
    Place,
    Plan,
    UnitPost,
    agree,
    department_put_id,
    given_back,
    held_once,
    unit_post_id,
)
from bulkjob.phrases import counted, one_line
from bulkjob.plan.document import PlanDocument
from bulkjob.plan.order import in_order
from bulkjob.plan.refusals import PlanRefused
from bulkjob.records import Department, Membership, Naming, Sheet, Unit, Workspace
from bulkjob.settings import canonical_address
from bulkjob.vocabulary import Status

#: Differences that are listed; the rest is counted.
_LISTED: Final = 15


class Drifted(PlanRefused):
    """The approved plan no longer fits the workspace."""

    def __init__(self, differences: tuple[str, ...]) -> None:
        """``differences``: one sentence each."""
        found = counted(len(differences), "difference")
        super().__init__(f"The approved plan no longer fits the workspace ({found}). Nothing was sent. A new plan is needed.")
        self.differences = differences

    @property
    def listed(self) -> tuple[str, ...]:
        """A screenful of the differences, and how many more there are."""
        rest = len(self.differences) - _LISTED
        lines = tuple(one_line(difference) for difference in self.differences[:_LISTED])
        return lines if rest <= 0 else (*lines, f"… and {counted(rest, 'more difference')}.")


def refuse_other_plan(document: PlanDocument, sheet: Sheet, server_url: str) -> None:
    """Raises `Stop` (65) if the plan was made for another sheet or server."""
    made_for = document.sheet
    if (made_for.sha256, made_for.sheet_name) != (sheet.sha256, sheet.sheet_name):
        worksheet = f", worksheet {made_for.sheet_name}" if made_for.sheet_name not in ("", sheet.sheet_name) else ""
        made = f"{made_for.name}{worksheet}"
        raise PlanRefused(f"The plan was made for another sheet, or for an earlier version of it ({made}). Nothing was sent.")
    if canonical_address(document.server.url) != server_url:
        raise PlanRefused(f"The plan was made for another server ({document.server.url}, not {server_url}). Nothing was sent.")


def with_made(document: PlanDocument, made: Mapping[str, str]) -> PlanDocument:
    """The document with units that were to be made and are there by now by their ids: a unit of that name is taken for the plan's."""
    if not made:
        return document
    words = {**made, **{unit_post_id(old, repairs=False): unit_post_id(new, repairs=False) for old, new in made.items()}}
    changes, shared = held_once(document.changes)
    told = msgspec.to_builtins(msgspec.structs.replace(document, changes=changes))
    known = msgspec.convert(_replaced(told, words), PlanDocument)
    return msgspec.structs.replace(known, changes=given_back(known.changes, shared))


def _replaced(value: object, words: Mapping[str, str]) -> object:
    """The same with other ids: of things and operations, and of those that operations come after. Other texts are the sheet's."""
    match value:
        case {"id": str(identifier), "after": [*after], **rest}:
            others = {key: _replaced(item, words) for key, item in rest.items()}
            return {**others, "id": words.get(identifier, identifier), "after": [words.get(before, before) for before in after]}
        case {"id": str(identifier), **rest}:
            return {**{key: _replaced(item, words) for key, item in rest.items()}, "id": words.get(identifier, identifier)}
        case dict():
            return {key: item if key == "names" else _replaced(item, words) for key, item in value.items()}
        case list() | tuple():
            return [_replaced(item, words) for item in value]
        case _:
            return value


def as_planned(workspace: Workspace, document: PlanDocument) -> Workspace:
    """The workspace with the counters that have only risen since the plan, which every chat does, as the plan found or wants them."""
    members: dict[str, dict[str, Membership]] = {}
    for entry in document.changes:
        change = entry.change()
        if not isinstance(change, DepartmentAgent) or change.department_id not in workspace.members:
            continue
        places = members.setdefault(change.department_id, dict(workspace.members[change.department_id]))
        member = places.get(change.agent_id)
        if member is not None:
            places[change.agent_id] = msgspec.structs.replace(member, count=_count_as_planned(member, entry))
    return replace(workspace, members={**workspace.members, **members})


def _count_as_planned(member: Membership, entry: AnyEntry) -> int:
    """The found count first: a plan's write is rather repeated than taken to be done."""
    for place in (entry.prior(), entry.change().wanted):
        if isinstance(place, Place) and place.count is not None and place.order in (None, member.order) and place.count <= member.count:
            return place.count
    return member.count


def hold_to(document: PlanDocument, plan: Plan, workspace: Workspace, done: Collection[int]) -> Plan:
    """The plan in the approved form; raises `Drifted` if it is not what was approved, or a part of it.

    ``plan`` and ``workspace`` are those of now, the latter by `as_planned`. ``done``: rows that an earlier attempt brought to success;
    they are not looked at again.
    """
    naming = _naming(document, workspace)
    is_done = OncePerRows(lambda rows: all(row in done for row in rows))
    entries = [entry for entry in document.changes if not is_done(entry.rows)]
    carriers = _carriers(document)
    drifted = {entry.change().target: difference for entry in entries if (difference := _difference(entry, workspace, naming))}
    plan = _in_approved_form(plan, carriers)
    others = [*_not_approved(plan, document, carriers, naming, drifted), *_not_possible(entries, plan, workspace, naming, drifted)]
    if drifted or others:
        raise Drifted((*drifted.values(), *others))
    return plan


def _naming(document: PlanDocument, workspace: Workspace) -> Naming:
    """The names of now; of what is gone, the names that the plan has."""
    departments = {
        thing.id: Department(id=thing.id, name=thing.name, parent_id=None, archived=False)
        for entry in document.changes
        for thing in entry.departments
    }
    units = {unit.id: Unit(id=unit.id, name=unit.name, visibility=None) for entry in document.changes for unit in entry.units}
    named = replace(workspace, departments={**departments, **workspace.departments}, units={**units, **(workspace.units or {})})
    return Naming(named)


# ------------------------------------------------------------------------------------------------ what the workspace holds


def _difference(entry: AnyEntry, workspace: Workspace, naming: Naming) -> str | None:
    """How something is that is neither as the plan found it nor as it wants it; None if it is one of the two."""
    change, prior = entry.change(), entry.prior()
    if missing := change.missing(workspace):
        return f"{change.words(prior, naming).thing}: {missing.said or 'the department no longer exists'}."
    now = change.found(workspace)
    if agree(prior, now) or change.is_so(now):
        return None
    found, present, wanted = (change.described(state, naming) for state in (prior, now, change.wanted))
    return f"{change.words(prior, naming).thing}: was {found} when planned, is now {present} (the plan wants it {wanted})."


# -------------------------------------------------------------------------------------------------- what would be sent now


def _in_approved_form(plan: Plan, carriers: Mapping[Change, str]) -> Plan:
    """The plan with agents going by the route that was approved for them.

    Where a department's removals are done already, what is left could also go by a ``PUT``.
    """
    operations: list[Operation] = []
    for operation in plan.operations:
        if not (isinstance(operation, DepartmentPut) and _goes_by_post(operation, carriers)):
            operations.append(operation)
            continue
        after = operation.after
        if operation.unit or operation.fields:
            operations.append(replace(operation, agents=()))
            after = (operation.id,)
        operations.append(AgentsPost(department_id=operation.department_id, changes=operation.agents, after=after))
    present = {operation.id for operation in operations}
    renamed = {department_put_id(operation.department_id): operation.id for operation in operations if isinstance(operation, AgentsPost)}
    return replace(plan, operations=in_order([_following(operation, present, renamed) for operation in operations]))


def _following(operation: Operation, present: Collection[str], renamed: Mapping[str, str]) -> Operation:
    """The operation with what it comes after by its present name."""
    return replace(operation, after=tuple(before if before in present else renamed.get(before, before) for before in operation.after))


def _goes_by_post(operation: DepartmentPut, carriers: Mapping[Change, str]) -> bool:
    return bool(operation.agents) and all(carriers.get(change, "").startswith("agents/") for change in operation.agents)


def _carriers(document: PlanDocument) -> dict[Change, str]:
    """What is asked → the id of the operation that carries it in the approved plan."""
    return {document.changes[place].change(): operation.id for operation in document.operations for place in operation.changes}


def _not_approved(
    plan: Plan, document: PlanDocument, carriers: Mapping[Change, str], naming: Naming, drifted: Collection[tuple[str, ...]]
) -> Iterable[str]:
    """A sentence for each thing that would be sent now and is not in the approved plan; not again for what has drifted itself."""
    approved = {operation.id for operation in document.operations}
    for operation in plan.operations:
        for change in operation.changes:
            if carriers.get(change) != operation.id and change.target not in drifted:
                words = change.words(change.found(naming.workspace), naming)
                yield f"{words.subject} would be {words.deed}, which the approved plan does not contain."
        # Where departments have drifted, that other units are concerned follows from it.
        if isinstance(operation, UnitPost) and not (operation.changes or drifted or approved & _names(operation)):
            yield f"Unit {naming.unit(operation.unit_id)} would have to be written now, which the approved plan does not contain."


def _names(operation: UnitPost) -> set[str]:
    """The ids that the write of a unit may have: without its own changes, which are made, it is one that repairs."""
    return {unit_post_id(operation.unit_id, repairs=repairs) for repairs in (True, False)}


def _not_possible(
    entries: Iterable[AnyEntry], plan: Plan, workspace: Workspace, naming: Naming, drifted: Collection[tuple[str, ...]]
) -> Iterable[str]:
    """A sentence for each thing that was to be sent and cannot be any longer: the department is archived, a permission or the unit gone."""
    known = set(plan.changes)
    failing = {change: outcome.code for change, outcome in plan.settled.items() if outcome.status is Status.FAILED}
    for entry in entries:
        change = entry.change()
        if entry.status is not Status.PLANNED or change.target in drifted or (change in known and change not in failing):
            continue
        if change in failing or not change.is_so(change.found(workspace)):
            reason = f" ({failing[change]})" if change in failing else ""
            yield f"{change.words(entry.prior(), naming).thing}: can no longer be changed{reason}."
