"""``POST livechat/department/:id/agents``: made from the department and its list as they are, judged by the list afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass

from bulkjob.changes import AgentsPost, Change, Outcome
from bulkjob.execute import compose
from bulkjob.execute.compose import Attempts, Composed
from bulkjob.execute.listings import Listings, members_of
from bulkjob.records import Department, Membership, Server, Workspace
from bulkjob.rocketchat import CallGroup, Client, Route, Written, endpoints
from bulkjob.rocketchat.pacing import Ticket


@dataclass(slots=True, kw_only=True)
class AgentsWriting:
    """One ``POST`` of a department's agents."""

    operation: AgentsPost
    client: Client
    server: Server
    attempts: Attempts
    listings: Listings | None
    """Where the department is looked up together with others; None: by a call of its own."""
    route: Route = endpoints.POST_AGENTS
    later: Ticket | None = None
    """The turn to look at what became of it, taken before it is sent: nothing that is written has to wait for it, which may be long."""
    department: Department | None = None

    async def compose(self) -> Composed[bool]:
        """Reads the department's list of agents, and whether the department is still there and not archived."""
        self.release()
        now, self.later = await self.client.reserve_two(endpoints.LIST_MEMBERS)
        try:
            members, self.department = await self._read(now)
        finally:
            self.client.give_back(endpoints.LIST_MEMBERS, now)
        return compose.agents_call(self.operation, self._state(members), self.server, self.attempts)

    @property
    def ignored(self) -> Mapping[Change, Outcome]:
        """Nothing is known of what the server ignores."""
        return {}

    async def look(self) -> Workspace:
        """Reads the list once more."""
        return self._state(await self._members_after())

    def answer(self, after: Workspace) -> bool:
        """The answer tells nothing."""
        del after
        return True

    async def judged(self, composed: Composed[bool], written: Written[bool]) -> Workspace:
        """By the department's list, read after the write."""
        del composed, written
        return await self.look()

    def warn(self, composed: Composed[bool], written: Written[bool]) -> None:
        """Nothing else is seen here."""

    def release(self) -> None:
        """Gives back a turn that was not needed."""
        if self.later is not None:
            self.client.give_back(endpoints.LIST_MEMBERS, self.later)
            self.later = None

    async def _read(self, turn: Ticket) -> tuple[Mapping[str, Membership], Department | None]:
        """The agents and the department, in one go: what is read of one must not wait for a turn to read the other."""
        identifier = self.operation.department_id
        if self.listings is not None:
            reading = await self.listings.begun()
            async with CallGroup() as group:
                members = group.start(members_of(self.client, identifier, ticket=turn))
                departments = group.start(reading)
            return members.result(), departments.result().get(identifier)
        request = endpoints.department(identifier)
        async with self.client.turns(request) as (other,):
            agents = await members_of(self.client, identifier, ticket=turn)
            # The last: nothing is written to a department that was archived or deleted while its agents were read.
            state = await self.client.call(request, ticket=other)
        return agents, state.department

    async def _members_after(self) -> Mapping[str, Membership]:
        ticket, self.later = self.later, None
        return await members_of(self.client, self.operation.department_id, ticket=ticket, finishing=True)

    def _state(self, members: Mapping[str, Membership]) -> Workspace:
        identifier = self.operation.department_id
        departments = {identifier: self.department} if self.department else {}
        return Workspace(departments=departments, units=None, agents={}, members={identifier: members})
