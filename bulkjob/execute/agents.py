"""``POST livechat/department/:id/agents``: made from the department's list as it is, judged by the list afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bulkjob.execute import compose, verify
from bulkjob.execute.compose import Composed
from bulkjob.execute.listings import members_of
from bulkjob.records import AgentsPost, Membership, Outcome, Wish
from bulkjob.rocketchat import Client, Route, Written, endpoints
from bulkjob.rocketchat.pacing import Ticket


@dataclass(slots=True)
class AgentsWriting:
    operation: AgentsPost
    client: Client
    route: Route = field(default=endpoints.POST_AGENTS)
    later: Ticket | None = None
    """The turn to look at what became of it, taken before it is sent: nothing that is written has to wait for it, which may be long."""

    async def compose(self) -> Composed[bool]:
        self.release()
        now, self.later = await self.client.reserve_two(endpoints.LIST_MEMBERS)
        return compose.agents_call(self.operation, await members_of(self.client, self.operation.department_id, ticket=now))

    async def look(self, composed: Composed[bool]) -> tuple[bool, bool]:
        return True, verify.held(composed.pending, composed.changes, {}, await self._members_after())

    async def judge(self, composed: Composed[bool], written: Written[bool]) -> Mapping[Wish, Outcome]:
        members = await self._members_after()
        return {
            wish: verify.outcome_of_agent(wish, composed.changes.get(wish.agent_id), members.get(wish.agent_id), written)
            for wish in composed.agents
        }

    async def _members_after(self) -> Mapping[str, Membership]:
        ticket, self.later = self.later, None
        return await members_of(self.client, self.operation.department_id, ticket=ticket, finishing=True)

    def release(self) -> None:
        """Gives back a turn that was not needed."""
        if self.later is not None:
            self.client.give_back(endpoints.LIST_MEMBERS, self.later)
            self.later = None

    def warn(self, composed: Composed[bool], written: Written[bool]) -> None:
        """Nothing else is seen here."""
