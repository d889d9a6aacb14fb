"""A department's unit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, Self

import msgspec

from bulkjob.changes.change import Asked, Outcome, Prior, Words, failed
from bulkjob.changes.drafts import DepartmentDraft, UnitDraft
from bulkjob.changes.entries import Line, NameOf, Thing
from bulkjob.changes.gone import unit_missing
from bulkjob.records import Naming, Server, Workspace
from bulkjob.vocabulary import Code, Status


class DepartmentUnit(Asked, frozen=True, kw_only=True, eq=False, tag="department-unit"):
    """The desired unit of a department; ``unit_id`` None: none."""

    part: ClassVar[str] = "unit"
    rank: ClassVar[int] = 0
    being: ClassVar[str] = "it is"

    department_id: str
    unit_id: str | None

    @property
    def target(self) -> tuple[str, ...]:
        return "department", self.department_id, "unit"

    @property
    def wanted(self) -> Prior:
        return self.unit_id

    def found(self, state: Workspace) -> Prior:
        department = state.departments.get(self.department_id)
        return department.parent_id if department else None

    def missing(self, state: Workspace) -> Outcome | None:
        return department_missing(self.department_id, state)

    def obstacle(self, state: Workspace, server: Server) -> Outcome | None:
        """A unit that is gone is one on either route; where permissions are not known, nobody knows whether the list is whole."""
        gone = unit_missing(self.unit_id, state) if self.unit_id and server.permissions is not None else None
        return department_archived(self.department_id, state) or gone

    def undone(self, prior: Prior, rows: Sequence[int]) -> "DepartmentUnit":
        return msgspec.structs.replace(self, unit_id=prior if isinstance(prior, str) else None, rows=tuple(rows))

    def in_units(self, ids: Mapping[str, str]) -> Self:
        return self if self.unit_id is None else msgspec.structs.replace(self, unit_id=ids.get(self.unit_id, self.unit_id))

    def apply_to_unit(self, draft: UnitDraft) -> None:
        if self.unit_id == draft.id:
            draft.departments[self.department_id] = None
        else:
            draft.departments.pop(self.department_id, None)

    def apply_to_department(self, draft: DepartmentDraft, prior: Prior) -> None:  # noqa: ARG002 - as the others take it
        draft.unit_id = self.unit_id

    # ------------------------------------------------------------------------------------------------------------ words

    def described(self, prior: Prior, naming: Naming) -> str:
        return f"in unit {naming.unit(prior)}" if isinstance(prior, str) else "in no unit"

    def words(self, prior: Prior, naming: Naming) -> Words:
        department = naming.department(self.department_id)
        unit, origin = (naming.unit(unit_id) if isinstance(unit_id, str) else "" for unit_id in (self.unit_id, prior))
        coming = f" from {origin}" if origin else ""
        if not unit:
            leaving = f"taken out of unit {origin}" if origin else "taken out of its unit"
            return Words(
                done=f"{leaving.capitalize()[0]}{leaving[1:]}.",
                planned=f"Will be {leaving}.",
                thing=f"Department {department}",
                subject=f"Department {department}",
                deed=leaving,
                state="the department is in no unit",
                opposite=f"the department was still in unit {origin}" if origin else "the department was still in a unit",
            )
        return Words(
            done=f"Moved to unit {unit}{coming}." if origin else f"Put into unit {unit}.",
            planned=f"Will be {'moved to' if origin else 'put into'} unit {unit}{coming}.",
            thing=f"Department {department}",
            subject=f"Department {department}",
            deed=f"moved to unit {unit}{coming}",
            state=f"the department is in unit {unit}",
            opposite=f"the department was not in unit {unit}",
        )

    # ------------------------------------------------------------------------------------------------------------- plan

    def entry(self, found: Prior, naming: Naming, status: Status, code: Code | None) -> "DepartmentUnitEntry":
        return DepartmentUnitEntry(
            department=Thing(id=self.department_id, name=naming.department_name(self.department_id)),
            found=_thing(found, naming),
            wanted=_thing(self.unit_id, naming),
            rows=self.rows,
            status=status,
            code=code,
        )


class DepartmentUnitEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="about", tag="unit"):
    """A department and its unit in a plan's document; null is none."""

    department: Thing
    found: Thing | None
    wanted: Thing | None
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None

    @property
    def departments(self) -> tuple[Thing, ...]:
        """The one that it is about."""
        return (self.department,)

    @property
    def units(self) -> tuple[Thing, ...]:
        """The units that it names."""
        return tuple(unit for unit in (self.found, self.wanted) if unit)

    def change(self) -> DepartmentUnit:
        """What it asks for."""
        return DepartmentUnit(department_id=self.department.id, unit_id=self.wanted.id if self.wanted else None, rows=self.rows)

    def prior(self) -> Prior:
        """What the plan found."""
        return self.found.id if self.found else None

    def lines(self, name: NameOf) -> Iterable[Line]:
        """The department under the unit that gains it, and under the one that loses it; the units under the department."""
        department = name(self.department)
        old, new = (name(unit) if unit else "" for unit in (self.found, self.wanted))
        if self.wanted:
            yield Line(section="unit", about=self.wanted, sign="+", text=f"{department}  from {old or 'no unit'}")
        if self.found:
            yield Line(section="unit", about=self.found, sign="−", text=f"{department}  to {new or 'no unit'}")
        yield Line(section="department", about=self.department, sign="~", text=f"unit {old or 'none'} to {new or 'none'}")


def _thing(unit_id: Prior, naming: Naming) -> Thing | None:
    return Thing(id=unit_id, name=naming.unit_name(unit_id)) if isinstance(unit_id, str) else None


#: A unit's deletion that broke off leaves departments that still name it; the last one cannot be taken out (``departmentsLib.ts``).
LEFT_BEHIND: Final = failed(
    Code.REJECTED, "the unit is gone, but the server still has the department in it; put it into another unit, then take it out of that"
)


def department_missing(department_id: str, state: Workspace) -> Outcome | None:
    """The outcome of a change of a department that is gone."""
    return None if department_id in state.departments else failed(Code.DEPARTMENT_GONE)


def department_archived(department_id: str, state: Workspace) -> Outcome | None:
    """The outcome of a change of an archived department, of which nothing is changed."""
    return failed(Code.DEPARTMENT_ARCHIVED) if state.departments[department_id].archived else None
