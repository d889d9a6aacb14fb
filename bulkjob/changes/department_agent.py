"""An agent's place in a department."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from bulkjob.changes.change import Asked, Outcome, Place, Prior, Words, failed, place
from bulkjob.changes.department_unit import department_archived, department_missing
from bulkjob.changes.drafts import DepartmentDraft
from bulkjob.changes.entries import AboutDepartment, Line, NameOf, Thing
from bulkjob.phrases import one_line
from bulkjob.records import ADD_AGENTS, MemberChange, Naming, Server, Workspace
from bulkjob.vocabulary import Code, Status


class DepartmentAgent(Asked, frozen=True, kw_only=True, eq=False, tag="department-agent"):
    """The desired place of an agent in a department, with a count and an order if given; ``present`` False: they are not to be there."""

    part: ClassVar[str] = "agent"
    rank: ClassVar[int] = 1
    being: ClassVar[str] = "they are"

    department_id: str
    agent_id: str
    username: str
    present: bool = True
    count: int | None = None
    order: int | None = None
    mirrored: bool = False
    """Whether the agent is removed because no row names them (``mirror``), or comes back from that; the rows say who stays."""

    @property
    def target(self) -> tuple[str, ...]:
        return "department", self.department_id, "agent", self.agent_id

    @property
    def wanted(self) -> Prior:
        return place(self.count, self.order) if self.present else None

    @property
    def ends_assignment(self) -> bool:
        return not self.present

    @property
    def has_numbers(self) -> bool:
        """Whether it asks for a count or an order."""
        return self.count is not None or self.order is not None

    # ------------------------------------------------------------------------------------------------------------ state

    def found(self, state: Workspace) -> Prior:
        """By the department's own list where that was read, else by the agent's list of departments, which has no numbers."""
        if self.department_id in state.members:
            member = state.members[self.department_id].get(self.agent_id)
            return Place(count=member.count, order=member.order, doubled=member.doubled) if member else None
        agent = state.agents.get(self.agent_id)
        return place(None, None) if agent and self.department_id in (agent.department_ids or ()) else None

    def holds(self, prior: Prior, now: Prior, *, certain: bool = False) -> bool:
        """A count above what was sent is a chat that came in since.

        One that was to be lowered and is no lower than before is none of these: nothing was stored, unless it is certain that it was.
        """
        if not isinstance(now, Place) or not self.present:
            return isinstance(now, Place) == self.present
        if self.has_numbers and now.doubled:
            return False
        stored = self.stored(prior)
        count = now.count or 0
        before = prior.count if isinstance(prior, Place) and prior.order == stored.order else None
        untouched = not certain and before is not None and stored.count < before <= count
        return count >= stored.count and not untouched and now.order == stored.order

    def stored(self, prior: Prior) -> MemberChange:
        """What has to be stored for it: a number that is not given stays what it is, and is 0 for an agent who is new."""
        before = prior if isinstance(prior, Place) else Place()
        return MemberChange(
            agent_id=self.agent_id,
            username=self.username,
            count=self.count if self.count is not None else before.count or 0,
            order=self.order if self.order is not None else before.order or 0,
        )

    def apply_to_department(self, draft: DepartmentDraft, prior: Prior) -> None:
        """An agent who is stored more than once leaves first: an upsert changes only one of the rows (``Helper.ts``)."""
        if self.present:
            draft.upserts[self.agent_id] = self.stored(prior)
        if not self.present or (isinstance(prior, Place) and prior.doubled):
            draft.removals[self.agent_id] = self.username

    def missing(self, state: Workspace) -> Outcome | None:
        return department_missing(self.department_id, state)

    def obstacle(self, state: Workspace, server: Server) -> Outcome | None:
        not_permitted = None if server.may(ADD_AGENTS) else failed(Code.AGENTS_NOT_PERMITTED)
        return department_archived(self.department_id, state) or not_permitted

    def undone(self, prior: Prior, rows: Sequence[int]) -> "DepartmentAgent":
        """The place as it was; of numbers that the run did not set, whatever they are by now."""
        if not isinstance(prior, Place):
            return msgspec.structs.replace(self, present=False, count=None, order=None, rows=tuple(rows))
        sets_count = not self.present or self.count not in (None, prior.count)
        sets_order = not self.present or self.order not in (None, prior.order)
        count, order = (prior.count if sets_count else None), (prior.order if sets_order else None)
        return msgspec.structs.replace(self, present=True, count=count, order=order, rows=tuple(rows))

    # ------------------------------------------------------------------------------------------------------------ words

    def described(self, prior: Prior, naming: Naming) -> str:  # noqa: ARG002 - as the others take it
        if not isinstance(prior, Place):
            return "not there"
        twice = ", more than once" if prior.doubled else ""
        return f"there{_after(' with ', _numbers(prior.count, prior.order))}{twice}"

    def words(self, prior: Prior, naming: Naming) -> Words:
        agent, department = naming.agent(self.agent_id, self.username), naming.department(self.department_id)
        thing = f"Agent {agent} in department {department}"
        if not self.present:
            return Words(
                done=f"Removed agent {agent}.",
                planned=f"Agent {agent} will be removed.",
                thing=thing,
                subject=f"Agent {agent}",
                deed=f"removed from department {department}",
                state=f"agent {agent} is not in the department",
                opposite="the agent was still in the department's list",
            )
        numbers = _numbers(self.count, self.order)
        state = f"agent {agent} is in the department{_after(' with ', numbers)}"
        if isinstance(prior, Place):
            return Words(
                done=f"Changed agent {agent}{_after(' to ', numbers)}.",
                planned=f"Agent {agent} will be changed{_after(' to ', numbers)}.",
                thing=thing,
                subject=f"Agent {agent} in department {department}",
                deed=f"changed{_after(' to ', numbers)}",
                state=state,
                opposite="the department's list still had other numbers for the agent",
            )
        return Words(
            done=f"Added agent {agent}{_after(' with ', numbers)}.",
            planned=f"Agent {agent} will be added{_after(' with ', numbers)}.",
            thing=thing,
            subject=f"Agent {agent}",
            deed=f"added to department {department}",
            state=state,
            opposite="the agent was not in the department's list as asked",
        )

    # ------------------------------------------------------------------------------------------------------------- plan

    def entry(self, found: Prior, naming: Naming, status: Status, code: Code | None) -> "DepartmentAgentEntry":
        return DepartmentAgentEntry(
            department=Thing(id=self.department_id, name=naming.department_name(self.department_id)),
            agent=Thing(id=self.agent_id, name=self.username),
            found=found if isinstance(found, Place) else None,
            wanted=place(self.count, self.order) if self.present else None,
            rows=self.rows,
            status=status,
            code=code,
            mirrored=self.mirrored,
        )


class DepartmentAgentEntry(AboutDepartment, frozen=True, kw_only=True, omit_defaults=False, tag="agent"):
    """An agent's place in a department in a plan's document; null is none."""

    agent: Thing
    found: Place | None
    wanted: Place | None
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None
    mirrored: bool = False

    def change(self) -> DepartmentAgent:
        """What it asks for."""
        return DepartmentAgent(
            department_id=self.department.id,
            agent_id=self.agent.id,
            username=self.agent.name,
            present=self.wanted is not None,
            count=self.wanted.count if self.wanted else None,
            order=self.wanted.order if self.wanted else None,
            rows=self.rows,
            mirrored=self.mirrored,
        )

    def prior(self) -> Prior:
        """What the plan found."""
        return self.found

    def lines(self, name: NameOf) -> Iterable[Line]:  # noqa: ARG002 - as the others take it
        """The agent under the department."""
        agent = f"@{one_line(self.agent.name)}" if self.agent.name else self.agent.id
        if self.wanted is None:
            yield Line(section="department", about=self.department, sign="−", text=agent)
        elif self.found is None:
            numbers = _numbers(self.wanted.count, self.wanted.order, ", ")
            yield Line(section="department", about=self.department, sign="+", text=f"{agent}{_after('  ', numbers)}")
        else:
            pairs = (("count", self.found.count, self.wanted.count), ("order", self.found.order, self.wanted.order))
            told = ", ".join(f"{word} {old} to {new}" for word, old, new in pairs if new is not None and new != old)
            yield Line(section="department", about=self.department, sign="~", text=f"{agent}{_after('  ', told)}")


def _numbers(count: int | None, order: int | None, between: str = " and ") -> str:
    return between.join(f"{word} {number}" for word, number in (("count", count), ("order", order)) if number is not None)


def _after(before: str, text: str) -> str:
    return before + text if text else ""
