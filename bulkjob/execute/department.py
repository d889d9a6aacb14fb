"""``PUT livechat/department/:id``: made from the department as it is, judged by its answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bulkjob.execute import compose, verify
from bulkjob.execute.compose import Composed
from bulkjob.execute.listings import members_of
from bulkjob.execute.writing import Warn
from bulkjob.records import AgentWish, Department, DepartmentPut, Membership, Naming, Outcome, Server, Wish, agent_holds
from bulkjob.rocketchat import Client, DepartmentState, Route, Written, endpoints
from bulkjob.vocabulary import Code

#: Before 6.6 a PUT is answered before its agents are stored: they are looked for after each of these many seconds.
_LATE = (0.1, 0.5, 2.0)


@dataclass(slots=True)
class DepartmentWriting:
    operation: DepartmentPut
    client: Client
    server: Server
    naming: Naming
    say: Warn
    before: Department | None = None
    route: Route = endpoints.PUT_DEPARTMENT

    async def _state(self, *, finishing: bool = False) -> tuple[Department | None, Mapping[str, Membership]]:
        state = await self.client.call(endpoints.department(self.operation.department_id), finishing=finishing)
        if state.members is None:
            return state.department, await members_of(self.client, self.operation.department_id, finishing=finishing)
        return state.department, {member.agent_id: member for member in state.members}

    async def compose(self) -> Composed[DepartmentState]:
        self.before, members = await self._state()
        return compose.put_call(self.operation, self.before, members, self.server)

    async def look(self, composed: Composed[DepartmentState]) -> tuple[DepartmentState, bool]:
        department, members = await self._state(finishing=True)
        departments = {} if department is None else {department.id: department}
        held = verify.held(composed.pending, composed.changes, departments, members)
        return DepartmentState(department=department, members=tuple(members.values())), held

    async def judge(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> Mapping[Wish, Outcome]:
        unheard = Code.UNIT_NOT_PERMITTED if self.server.supervises_units else Code.NOT_APPLIED
        members = await self._members_after(composed, written)
        return {
            wish: verify.outcome_of_agent(wish, composed.changes.get(wish.agent_id), members.get(wish.agent_id), written)
            if isinstance(wish, AgentWish)
            else verify.outcome_of_unit(wish, written.value.department, written, self.naming, unheard=unheard)
            for wish in composed.pending
        }

    async def _members_after(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> Mapping[str, Membership]:
        if written.value.members is not None and not (self.server.answers_puts_early and composed.changes):
            return {member.agent_id: member for member in written.value.members}
        members: Mapping[str, Membership] = {}
        for seconds in _LATE if self.server.answers_puts_early else (0.0,):
            await asyncio.sleep(seconds)
            members = await members_of(self.client, self.operation.department_id, finishing=True)
            if all(agent_holds(wish, composed.changes[wish.agent_id], members.get(wish.agent_id)) for wish in composed.agents):
                break
        return members

    def warn(self, composed: Composed[DepartmentState], written: Written[DepartmentState]) -> None:
        after = written.value.department
        if self.operation.unit in composed.pending or self.before is None or after is None or after.parent_id == self.before.parent_id:
            return
        was, now = (f"unit {self.naming.unit(parent)}" if parent else "no unit" for parent in (self.before.parent_id, after.parent_id))
        self.say(
            f"Department {self.naming.department(after.id)} was in {was} just before it was written, and is in {now} now: "
            "somebody else changed it at the same moment. Check its unit."
        )
