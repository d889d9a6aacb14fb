"""A unit as such: that it is made, or taken away again.

Until it is made it goes by a stand-in for its id (`new_unit`). What else rows ask of it (visibility, monitors, departments) are changes of
their own, which the call that makes it carries along.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self

import msgspec

from bulkjob.changes.change import Asked, Outcome, Prior, Words, failed
from bulkjob.changes.drafts import UnitDraft
from bulkjob.changes.entries import AboutUnit, Line, NameOf, Thing
from bulkjob.phrases import counted, listed, printable, quoted
from bulkjob.records import MANAGE_UNITS, Monitor, Naming, Server, Workspace, new_unit
from bulkjob.vocabulary import Code, Status


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit holds: to be made with, or expected to be found with before it is taken away."""

    visibility: str = "public"
    monitors: tuple[tuple[str, str], ...] = ()
    """(id, username)"""
    perhaps: tuple[str, ...] = ()
    """Ids of monitors who may be missing: nobody saw whether they were stored."""
    departments: tuple[tuple[str, str | None], ...] = ()
    """(id, the unit that it belongs to without this one)"""


class NewUnit(Asked, frozen=True, kw_only=True, eq=False, tag="new-unit"):
    """That there is a unit; ``present`` False: that it is taken away, as long as nobody has changed what it holds."""

    part: ClassVar[str] = "unit"
    rank: ClassVar[int] = 0
    being: ClassVar[str] = "the unit is"

    unit_id: str
    """Its id, or what stands for that."""
    name: str
    present: bool = True
    holds_only: Held = Held()

    @property
    def target(self) -> tuple[str, ...]:
        return "unit", self.unit_id, "itself"

    @property
    def wanted(self) -> Prior:
        return self.present

    def found(self, state: Workspace) -> Prior:
        """The unit's id; None if there is none."""
        unit = (state.units or {}).get(self.unit_id)
        return unit.id if unit else None

    def is_so(self, now: Prior) -> bool:
        return isinstance(now, str) == self.present

    def missing(self, state: Workspace) -> Outcome | None:  # noqa: ARG002 - as the others take it
        return None

    def obstacle(self, state: Workspace, server: Server) -> Outcome | None:
        if not server.may(MANAGE_UNITS):
            return failed(Code.UNIT_NOT_PERMITTED, f"the account lacks the permission {MANAGE_UNITS}")
        return None if self.present else self._changed_meanwhile(state)

    def _changed_meanwhile(self, state: Workspace) -> Outcome | None:
        unit = (state.units or {})[self.unit_id]
        expected, found = dict(self.holds_only.monitors), state.monitors.get(self.unit_id)
        homes = dict(self.holds_only.departments)
        inside = {department.id for department in state.departments.values() if department.parent_id == self.unit_id}
        naming = Naming(state)
        if (unit.name, unit.visibility) != (self.name, self.holds_only.visibility):
            seen = f"the unit is called {quoted(unit.name)} and is {printable(unit.visibility or 'without a visibility')} now"
        elif found is None and unit.monitors != len(expected):
            monitors = counted(unit.monitors, "monitor") if unit.monitors else "no monitors"
            seen = f"the unit has {monitors} now, whom this account may not list"
        elif found is not None and not expected.keys() - set(self.holds_only.perhaps) <= found.keys() <= expected.keys():
            seen = "the unit has other monitors now"
        elif strangers := sorted(inside - homes.keys()):
            seen = f"the unit holds {listed(map(naming.department, strangers[:5]))} now"
        elif gone := sorted(department for department, home in homes.items() if _elsewhere(department, {self.unit_id, home}, state)):
            seen = f"{listed(map(naming.department, gone[:5]))} {'is' if len(gone) == 1 else 'are'} in another unit now"
        else:
            return None
        return failed(Code.CHANGED_MEANWHILE, seen=seen)

    def undone(self, prior: Prior, rows: Sequence[int]) -> "NewUnit":
        """Taken away, or made once more, which gives it a new id."""
        if isinstance(prior, str):
            return msgspec.structs.replace(self, unit_id=new_unit(self.name), present=True, rows=tuple(rows))
        return msgspec.structs.replace(self, present=False, rows=tuple(rows))

    def begun(self) -> Self:
        """The same where taking it away may have been begun: its monitors are the first to go (``LivechatUnit.ts``)."""
        monitors = tuple(identifier for identifier, _ in self.holds_only.monitors)
        return msgspec.structs.replace(self, holds_only=msgspec.structs.replace(self.holds_only, perhaps=monitors))

    def in_units(self, ids: Mapping[str, str]) -> Self:
        return msgspec.structs.replace(self, unit_id=ids.get(self.unit_id, self.unit_id))

    def apply_to_unit(self, draft: UnitDraft) -> None:
        draft.name, draft.visibility = self.name, self.holds_only.visibility
        draft.monitors |= {identifier: Monitor(id=identifier, username=username) for identifier, username in self.holds_only.monitors}

    # ------------------------------------------------------------------------------------------------------------ words

    def described(self, prior: Prior, naming: Naming) -> str:  # noqa: ARG002 - as the others take it
        return "there" if isinstance(prior, str) or prior is True else "not there"

    def words(self, prior: Prior, naming: Naming) -> Words:  # noqa: ARG002 - as the others take it
        unit = quoted(self.name) if self.present else naming.unit(self.unit_id)
        done = "created" if self.present else "deleted"
        return Words(
            done=f"Unit {unit} {done}.",
            planned=f"Unit {unit} will be {done}.",
            thing=f"Unit {unit}",
            subject=f"Unit {unit}",
            deed=done,
            state=f"there is {'a' if self.present else 'no'} unit {unit}",
            opposite="there was no such unit" if self.present else "the unit was still there",
        )

    # ------------------------------------------------------------------------------------------------------------- plan

    def entry(self, found: Prior, naming: Naming, status: Status, code: Code | None) -> "NewUnitEntry":
        del naming
        return NewUnitEntry(
            unit=Thing(id=self.unit_id, name=self.name),
            found=isinstance(found, str),
            wanted=self.present,
            holds_only=self.holds_only,
            rows=self.rows,
            status=status,
            code=code,
        )


class NewUnitEntry(AboutUnit, frozen=True, kw_only=True, tag="new-unit"):
    """A unit that is made or taken away in a plan's document."""

    found: bool
    wanted: bool
    holds_only: Held
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None

    def change(self) -> NewUnit:
        """What it asks for."""
        return NewUnit(unit_id=self.unit.id, name=self.unit.name, present=self.wanted, holds_only=self.holds_only, rows=self.rows)

    def prior(self) -> Prior:
        """What the plan found."""
        return self.unit.id if self.found else None

    def lines(self, name: NameOf) -> Iterable[Line]:  # noqa: ARG002 - as the others take it
        """The unit by itself."""
        yield Line(section="unit", about=self.unit, sign="+" if self.wanted else "−", text="new unit" if self.wanted else "deleted")


def _elsewhere(department_id: str, homes: set[str | None], state: Workspace) -> bool:
    department = state.departments.get(department_id)
    return department is not None and department.parent_id not in homes
