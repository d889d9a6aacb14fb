"""``PUT livechat/department/:id``: made from the department as it is, judged by its answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bulkjob.changes import Change, DepartmentPut, Outcome, Prior, failed
from bulkjob.execute import compose, verify
from bulkjob.execute.compose import Attempts, Composed
from bulkjob.execute.listings import members_of
from bulkjob.execute.writing import Warn
from bulkjob.records import Department, Membership, Naming, Server, Workspace, members_by_id
from bulkjob.rocketchat import Client, DepartmentState, Route, Written, endpoints
from bulkjob.vocabulary import Code

#: Before 6.6 a PUT is answered before its agents are stored: they are looked for after each of these many seconds.
_LATE = (0.1, 0.5, 2.0)


@dataclass(slots=True, kw_only=True)
class DepartmentWriting:
    """One ``PUT`` of a department."""

    operation: DepartmentPut
    client: Client
    server: Server
    naming: Naming
    attempts: Attempts
    say: Warn
    before: Department | None = None
    route: Route = endpoints.PUT_DEPARTMENT

    async def compose(self) -> Composed[DepartmentState]:
        """Reads the department with its agents."""
        state = await self._read()
        self.before = state.departments.get(self.operation.department_id)
        return compose.put_call(self.operation, state, self.server, self.attempts)

    @property
    def ignored(self) -> Mapping[Change, Outcome]:
        """The server ignores the unit for a monitor who does not supervise it (``manageDepartmentUnit.ts``).

        Before 6.6 agents who are not there yet may still be stored: nobody waits for that (``departments.ts``).
        """
        coming = failed(Code.NOT_APPLIED, undecided=self.server.answers_puts_early)
        found: dict[Change, Outcome] = dict.fromkeys(self.operation.agents, coming)
        if self.operation.unit is not None and self.server.restricted_to_own_units:
            found[self.operation.unit] = failed(Code.UNIT_NOT_PERMITTED, "the account is not a monitor of this unit")
        return found

    async def look(self) -> Workspace:
        """Reads it once more."""
        return await self._read(finishing=True)

    def answer(self, after: Workspace) -> DepartmentState:
        """As the ``PUT`` would have answered."""
        members = after.members[self.operation.department_id]
        return DepartmentState(department=after.departments.get(self.operation.department_id), members=tuple(members.values()))

    async def judged(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> Workspace:
        """By the answer, which is read after the write; its agents by their own list where the answer comes before they are stored."""
        members = await self._members_after(composed, written)
        return self._state(written.value.department, members)

    def warn(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> None:
        """Says that somebody else has changed the department's unit at the same moment."""
        after = written.value.department
        if self.operation.unit in composed.pending or self.before is None or after is None or after.parent_id == self.before.parent_id:
            return
        was, now = (f"unit {self.naming.unit(parent)}" if parent else "no unit" for parent in (self.before.parent_id, after.parent_id))
        self.say(
            f"Department {self.naming.department(after.id)} was in {was} just before bulkjob changed it, and is now in {now}: "
            "somebody else changed it at the same moment. Check its unit."
        )

    async def _read(self, *, finishing: bool = False) -> Workspace:
        state = await self.client.call(endpoints.department(self.operation.department_id), finishing=finishing)
        if state.members is None:
            members = await members_of(self.client, self.operation.department_id, finishing=finishing)
        else:
            members = members_by_id(state.members)
        return self._state(state.department, members)

    async def _members_after(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> Mapping[str, Membership]:
        late = self.server.answers_puts_early and any(change in composed.pending for change in self.operation.agents)
        if written.value.members is not None and not late:
            return members_by_id(written.value.members)
        members: Mapping[str, Membership] = {}
        agents: dict[Change, Prior] = {change: composed.pending[change] for change in self.operation.agents if change in composed.pending}
        for seconds in _LATE if self.server.answers_puts_early else (0.0,):
            await asyncio.sleep(seconds)
            members = await members_of(self.client, self.operation.department_id, finishing=True)
            if verify.held(agents, self._state(written.value.department, members)):
                break
        return members

    def _state(self, department: Department | None, members: Mapping[str, Membership]) -> Workspace:
        identifier = self.operation.department_id
        departments = {} if department is None else {identifier: department}
        listed = self.naming.workspace
        return Workspace(departments=departments, units=listed.units, all_units=listed.all_units, agents={}, members={identifier: members})
