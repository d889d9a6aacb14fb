"""A monitor of a unit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self

import msgspec

from bulkjob.changes.change import Asked, Outcome, Prior, Words
from bulkjob.changes.drafts import UnitDraft
from bulkjob.changes.entries import AboutUnit, Line, NameOf, Thing
from bulkjob.changes.gone import unit_missing
from bulkjob.phrases import one_line
from bulkjob.records import Monitor, Naming, Server, Workspace
from bulkjob.vocabulary import Code, Status


class UnitMonitor(Asked, frozen=True, kw_only=True, eq=False, tag="unit-monitor"):
    """Somebody who is to supervise a unit; ``present`` False: who is not to."""

    part: ClassVar[str] = "monitor"
    rank: ClassVar[int] = 1
    being: ClassVar[str] = "they are"

    unit_id: str
    monitor_id: str
    username: str
    present: bool = True

    @property
    def target(self) -> tuple[str, ...]:
        return "unit", self.unit_id, "monitor", self.monitor_id

    @property
    def wanted(self) -> Prior:
        return self.present

    def found(self, state: Workspace) -> Prior:
        return self.monitor_id in state.monitors.get(self.unit_id, {})

    def missing(self, state: Workspace) -> Outcome | None:
        return unit_missing(self.unit_id, state)

    def obstacle(self, state: Workspace, server: Server) -> Outcome | None:  # noqa: ARG002 - which route is open is the plan's to say
        return None

    def in_units(self, ids: Mapping[str, str]) -> Self:
        return msgspec.structs.replace(self, unit_id=ids.get(self.unit_id, self.unit_id))

    def undone(self, prior: Prior, rows: Sequence[int]) -> "UnitMonitor":
        return msgspec.structs.replace(self, present=prior is True, rows=tuple(rows))

    def apply_to_unit(self, draft: UnitDraft) -> None:
        if self.present:
            draft.monitors.setdefault(self.monitor_id, Monitor(id=self.monitor_id, username=self.username))
        else:
            draft.monitors.pop(self.monitor_id, None)

    # ------------------------------------------------------------------------------------------------------------ words

    def described(self, prior: Prior, naming: Naming) -> str:  # noqa: ARG002 - as the others take it
        return "one of its monitors" if prior is True else "none of its monitors"

    def words(self, prior: Prior, naming: Naming) -> Words:  # noqa: ARG002 - as the others take it
        monitor, unit = naming.agent(self.monitor_id, self.username), naming.unit(self.unit_id)
        done = "added to" if self.present else "removed from"
        return Words(
            done=f"Monitor {monitor} {done} unit {unit}.",
            planned=f"Monitor {monitor} will be {done} unit {unit}.",
            thing=f"Monitor {monitor} of unit {unit}",
            subject=f"Monitor {monitor}",
            deed=f"{done} unit {unit}",
            state=f"{monitor} is {'a' if self.present else 'no'} monitor of unit {unit}",
            opposite="the user was not among the unit's monitors" if self.present else "the user was still one of the unit's monitors",
        )

    # ------------------------------------------------------------------------------------------------------------- plan

    def entry(self, found: Prior, naming: Naming, status: Status, code: Code | None) -> "UnitMonitorEntry":
        return UnitMonitorEntry(
            unit=Thing(id=self.unit_id, name=naming.unit_name(self.unit_id)),
            monitor=Thing(id=self.monitor_id, name=self.username),
            found=found is True,
            wanted=self.present,
            rows=self.rows,
            status=status,
            code=code,
        )


class UnitMonitorEntry(AboutUnit, frozen=True, kw_only=True, tag="unit-monitor"):
    """A unit's monitor in a plan's document."""

    monitor: Thing
    found: bool
    wanted: bool
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None

    def change(self) -> UnitMonitor:
        """What it asks for."""
        return UnitMonitor(
            unit_id=self.unit.id, monitor_id=self.monitor.id, username=self.monitor.name, present=self.wanted, rows=self.rows
        )

    def prior(self) -> Prior:
        """What the plan found."""
        return self.found

    def lines(self, name: NameOf) -> Iterable[Line]:  # noqa: ARG002 - as the others take it
        """The monitor under the unit."""
        monitor = f"@{one_line(self.monitor.name)}" if self.monitor.name else self.monitor.id
        yield Line(section="unit", about=self.unit, sign="+" if self.wanted else "−", text=f"monitor {monitor}")
