"""What people should know before a plan is carried out: what it empties, what the server does beside, what looks like a slip."""

from collections.abc import Iterable

from bulkjob.changes import DepartmentField, DepartmentUnit, NewUnit, Plan
from bulkjob.phrases import listed, quoted
from bulkjob.plan.deserted import deserted_departments
from bulkjob.plan.names import one_letter_away
from bulkjob.records import Naming, Workspace, is_new_unit
from bulkjob.sheet import caseless
from bulkjob.vocabulary import Status


def foreseen(plan: Plan, workspace: Workspace) -> Iterable[str]:
    """The warnings of a plan."""
    naming = Naming(workspace)
    yield from _foreign_units(workspace, naming)
    yield from _emptied(plan, workspace, naming)
    yield from deserted_departments([change for change in plan.changes if change not in plan.settled], workspace)
    yield from _out_of_business_hours(plan, workspace, naming)
    yield from _doubtful_new_units(plan, workspace)


def _foreign_units(workspace: Workspace, naming: Naming) -> Iterable[str]:
    """Each unit that this account may not change, though it sees it in the list."""
    for unit_id in sorted(workspace.outside):
        yield f"Unit {naming.unit(unit_id)} is not one of this account's own units, so the account cannot change it."


def _emptied(plan: Plan, workspace: Workspace, naming: Naming) -> Iterable[str]:
    """Each unit that the plan leaves without departments, if it is not to go itself."""
    after = {department.id: department.parent_id for department in workspace.departments.values()}
    before = {unit_id for unit_id in after.values() if unit_id}
    for change in plan.changes:
        if isinstance(change, DepartmentUnit) and change.department_id in after and _is_made(plan, change):
            after[change.department_id] = change.unit_id
    going = {change.unit_id for change in plan.changes if isinstance(change, NewUnit) and not change.present}
    for unit_id in sorted(before - set(after.values()) - going):
        yield f"Unit {naming.unit(unit_id)} will be left without departments."


def _is_made(plan: Plan, change: DepartmentUnit) -> bool:
    outcome = plan.settled.get(change)
    return outcome is None or outcome.status is Status.SUCCESS


def _out_of_business_hours(plan: Plan, workspace: Workspace, naming: Naming) -> Iterable[str]:
    """Each department that is disabled: the server takes it out of its business hours for good (``Multiple.ts``)."""
    for change in plan.changes:
        if not isinstance(change, DepartmentField) or change.field != "enabled" or change.value is True or change in plan.settled:
            continue
        department = workspace.departments.get(change.department_id)
        if department and department.business_hour_id:
            yield (
                f"Disabling department {naming.department(change.department_id)} takes it out of its business hours for good: Rocket.Chat "
                "does not put it back when the department is enabled again, and neither does a rollback."
            )


def _doubtful_new_units(plan: Plan, workspace: Workspace) -> Iterable[str]:
    """Each new unit whose name looks like a slip."""
    new = {change.name: change for change in plan.changes if isinstance(change, NewUnit) and is_new_unit(change.unit_id)}
    units = [unit.name for unit in (workspace.units or {}).values()]
    departments = {caseless(department.name) for department in workspace.departments.values()}
    for name in new:
        if caseless(name) in departments:
            yield f"The new unit {quoted(name)} is called like a department. Check that the column is the right one."
        elif _looks_like_an_id(name):
            yield f"The new unit {quoted(name)} looks like an id. If it was meant to be the id of a unit that is there, correct it."
        if close := _close(name, [*units, *(other for other in new if other != name)]):
            yield f"The new unit {quoted(name)} is called almost like {listed(map(quoted, close))}. Check the spelling."


def _close(name: str, others: Iterable[str]) -> list[str]:
    """Up to three names that are one letter away, or the same but for blanks, dashes and the like."""
    key = _letters(name)
    return [other for other in dict.fromkeys(others) if one_letter_away(name, other) or (key and key == _letters(other))][:3]


def _letters(name: str) -> str:
    return "".join(letter for letter in caseless(name) if letter.isalnum())


def _looks_like_an_id(name: str) -> bool:
    """Rocket.Chat's own ids have 17 letters and digits (some 24 hexadecimal ones), not all of them small or great letters."""
    kinds = {("digit" if letter.isdigit() else "upper" if letter.isupper() else "lower") for letter in name}
    return name.isascii() and name.isalnum() and len(name) in (17, 24) and len(kinds) > 1
