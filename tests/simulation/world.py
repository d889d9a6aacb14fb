"""The server of one simulation: latency, lost answers, a colleague at work in it, and a look at each write."""

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bulkjob.rocketchat import Answer, Failure, Next, NoAnswer, Request, endpoints
from bulkjob.rundir.format import Concluded, Intent, records_of
from bulkjob.sandbox import Fault, Reply, Sandbox
from bulkjob.sandbox.kinds import WAITING
from bulkjob.vocabulary import Code
from tests.simulation.disk import Disk
from tests.simulation.history import Call, Edit, Picture, Record, Target, picture_of
from tests.simulation.late import Delays
from tests.simulation.loop import Loop
from tests.simulation.scenario import NAMES, Scenario, Trouble
from tests.support.in_process import EPOCH, TIMEOUT, departments_in


class Server:
    """`Transport` onto a sandbox: latency, lost answers, a restart's victims, a colleague, and a look at each write."""

    def __init__(self, scenario: Scenario, judge: Callable[["Server", Call, Picture, Picture], None]) -> None:
        self._scenario = scenario
        self._judge = judge
        self._base = EPOCH
        self.loop: Loop | None = None
        self.sandbox = Sandbox(
            scenario.state,
            clock=lambda: self._base + (self.loop.time() if self.loop else 0.0),
            server_version=scenario.version,
            rate_limit=scenario.rate_limit,
            seed=scenario.seed,
        )
        self.moment = 0
        self.record = Record()
        self.now = picture_of(self.sandbox)
        for target, value in self.now.values.items():
            self.record.history[target] = [(0, value)]
        self.broken: list[str] = []
        """The laws that were seen broken."""
        self.in_flight: list[Call] = []
        self.most_in_flight = 0
        self.writes = 0
        """Begun in this attempt."""
        self.reads: dict[str, int] = {}
        """Path → the moment of the last good answer."""
        self.asked: dict[str, int] = {}
        """Path → the moment of what it was read together with, when it was first asked for since the last write of the unit."""
        self.delays = Delays(scenario.seed)
        self._late: Call | None = None
        self._chance = random.Random(0)  # noqa: S311 - seeded for each attempt
        self._trouble = Trouble()
        self._journal = Path()
        self._disk = Disk()
        self._read_to = 0
        self.intents: dict[int, Intent] = {}
        """Of this attempt's journal, as far as the disk keeps it; those without an outcome."""

    # ------------------------------------------------------------------------------------------------------ attempts

    def begin(self, loop: Loop, trouble: Trouble, chance: random.Random, journal: Path, disk: Disk) -> None:
        """A new attempt, on a loop whose time begins anew."""
        self.loop, self._trouble, self._chance, self._journal, self._disk = loop, trouble, chance, journal.resolve(), disk
        self.sandbox.set_faults(trouble.faults, seed=self._scenario.seed)
        self.in_flight.clear()
        self.most_in_flight = self.writes = self._read_to = 0
        self.reads.clear()
        self.asked.clear()
        self.intents.clear()

    def end(self) -> None:
        """The attempt is over: what is still on its way may arrive or not. Time goes on."""
        for call in self.in_flight:
            if not call.done and call.request.writes and self._chance.random() < 0.5:
                self._arrive(call)
        self._carry_out_late()
        self.in_flight.clear()
        if self.loop is not None:
            self._base += self.loop.time() + 60.0
            self.loop = None
        self._catch_up()

    def settle(self) -> None:
        """Whatever is still on its way comes to the server, undisturbed."""
        self.sandbox.set_faults("", seed=self._scenario.seed)
        self._carry_out_late(all_of_them=True)
        self._catch_up()

    @property
    def uncounted(self) -> list[str]:
        """The units whose number of departments is not what the server says."""
        state = self.sandbox.store
        units = [document for document in state.collection.values() if document.get("type") == "u"]
        return [unit["_id"] for unit in units if unit["numDepartments"] != state.count_children(unit["_id"])]

    # --------------------------------------------------------------------------------------------------------- calls

    async def send(self, request: Request[Any]) -> Answer:
        """As `Transport` has it."""
        self.moment += 1
        call = Call(request=request, sent=self.moment, restarts=self.sandbox.restarts)
        self.in_flight.append(call)
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight))
        if request.writes:
            self._begin_write(call)
        else:
            self.asked.setdefault(request.path, self._made_from(call))
        seconds = self._chance.choice(self._scenario.latencies)
        try:
            await asyncio.sleep(seconds / 2)
            if self.delays.take(call, self._trouble.late):
                return await self.delays.answered()
            reply = self._arrive(call)
            await asyncio.sleep(TIMEOUT if reply.fault in WAITING else seconds / 2)
        except asyncio.CancelledError:
            if request.writes and not call.done and self._chance.random() < 0.5:
                self._arrive(call)
            raise
        finally:
            if call in self.in_flight:
                self.in_flight.remove(call)
            if request.writes:
                self.asked.pop(request.path, None)
        if reply.fault is Fault.REFUSE and reply.call is None:
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="refused", unsent=True))
        if reply.lost or call.restarts != self.sandbox.restarts:
            code = Code.TIMEOUT if reply.fault in WAITING else Code.CONNECTION
            raise NoAnswer(Failure(next=Next.REPEAT, code=code, said="no answer", undecided=request.writes))
        return Answer(status=reply.status, headers=reply.headers, body=reply.body)

    def _made_from(self, call: Call) -> int:
        """Since when an edit is not in what is read together with this call: writes of units share a list, which comes first.

        Whoever reads it for several of them has its answer before the last one's unit is asked for.
        """
        lists = endpoints.departments(0, 0).path
        coming = any(other.request.path == lists for other in self.in_flight)
        return call.sent if coming else min(call.sent, self.reads.get(lists, call.sent))

    def _begin_write(self, call: Call) -> None:
        self.writes += 1
        self._read_journal()
        request = call.request
        call.read = (self.asked if "/units/" in request.path else self.reads).get(request.path, 0)
        if not any(intent.path == request.path and intent.body == (request.body or {}) for intent in self.intents.values()):
            self.broken.append(f"{request.path} was sent before its intent was on disk")
        for other in self.in_flight:
            if other is call or not other.request.writes:
                continue
            if both := self._overlap(request, other.request):
                self.broken.append(f"{request.path} and {other.request.path} are under way at the same time; both concern {sorted(both)}")

    def _concerned(self, request: Request[Any]) -> set[str]:
        """What no other write may concern at the same time: agents by a route of their own meet nothing of a unit's write."""
        kind, *named = request.path.split("/")[4:]
        if not named:
            return set(departments_in(request))
        identifier, *more = named
        if kind != "units":
            return {f"agents of {identifier}"} if more else {f"agents of {identifier}", identifier}
        return {identifier, *departments_in(request), *self.sandbox.store.children(identifier)}

    def _overlap(self, one: Request[Any], other: Request[Any]) -> set[str]:
        """What both concern: departments, and the unit that one of them replaces and the other puts a department into.

        Where somebody else, or a late commit, moves a department while the job is at work, no plan knows of it.
        """
        targets = [edit.target for edit in self.record.edits] + [target for target, _, _ in self.record.strays]
        moved = {target[1] for target in targets if target[0] == "unit"}
        both = (self._concerned(one) & self._concerned(other)) - moved
        for put, unit in ((one, other), (other, one)):
            into: Any = (put.body or {}).get("departmentUnit") or {}
            if into and unit.path.endswith(f"/units/{into['_id']}") and put.path.rpartition("/")[2] not in moved:
                both.add(into["_id"])
        return both

    def _read_journal(self) -> None:
        kept = self._disk.kept(self._journal)
        if kept <= self._read_to:
            return
        with self._journal.open("rb") as file:
            file.seek(self._read_to)
            records, _ = records_of(file.read(kept - self._read_to))
        self._read_to = kept
        for record in records:
            if isinstance(record, Intent):
                self.intents[record.number] = record
            elif isinstance(record, Concluded):
                self.intents.pop(record.number, None)

    def _arrive(self, call: Call) -> Reply:
        """The call comes to the server, and so may others that were put off."""
        self._catch_up()
        self._meddle()
        self._carry_out_late()
        return self._carry_out(call)

    def _carry_out_late(self, *, all_of_them: bool = False) -> None:
        for call in self.delays.due(all_of_them=all_of_them):
            self._catch_up()
            self._carry_out(call)
        self._catch_up()

    def _carry_out(self, call: Call) -> Reply:
        self.moment += 1
        request = call.request
        call.done = True
        headers = {"X-User-Id": self._scenario.user, "X-Auth-Token": self._token, "Content-Type": "application/json"}
        body = b"" if request.body is None else json.dumps(request.body).encode()
        reply = self.sandbox.answer(request.route.method, request.path, dict(request.query), headers, body)
        if request.writes:
            self._late = call
            self._look(call)
        elif reply.status == 200 and reply.fault is None:
            self.reads[request.path] = self.moment
        return reply

    @property
    def _token(self) -> str:
        token: str = next(user["token"] for user in self._scenario.state["users"] if user["_id"] == self._scenario.user)
        return token

    def _catch_up(self) -> None:
        """What the server left for after an answer (before 6.6) belongs to the write that it answered."""
        if self.sandbox.finish_late_work() and self._late is not None:
            self.moment += 1
            self._look(self._late)

    def _look(self, call: Call) -> None:
        before, self.now = self.now, picture_of(self.sandbox)
        self.record.write(self._note(before), call, self.moment)
        self._judge(self, call, before, self.now)

    def _note(self, before: Picture) -> list[Target]:
        changed = before.changed(self.now)
        for target in changed:
            self.record.history.setdefault(target, []).append((self.moment, self.now.values.get(target)))
        return changed

    # ------------------------------------------------------------------------------------------------------ colleague

    def _meddle(self) -> None:
        if self._chance.random() < self._trouble.edits:
            self.edit(self._chance)
        if self._chance.random() < self._trouble.chats:
            self.chat(self._chance)
        if self._trouble.leaves and self._chance.random() < self._trouble.leaves:
            self.leave(self._chance)

    def edit(self, chance: random.Random) -> None:
        """A colleague changes something."""
        state = self.sandbox.store
        departments = [document["_id"] for document in state.collection.values() if document.get("type") != "u"]
        units = [document["_id"] for document in state.collection.values() if document.get("type") == "u"]
        if not departments:
            return
        department = chance.choice(departments)
        agents = self._agents()
        if not agents:
            return
        agent = chance.choice(agents)
        kind = chance.choice(["move", "move", "remove", "place", "place", "describe", "rename", "archive", "delete"])
        if kind == "move" and units:
            unit = chance.choice([None, *units])
            state.update(department, {"parentId": unit, "ancestors": [unit] if unit else None})
        elif kind == "remove":
            state.remove_agent(department, agent)
        elif kind == "place":
            state.save_row(department, agent, {"username": NAMES[agent], "count": chance.randint(0, 4), "order": chance.randint(0, 2)})
        elif kind == "describe":
            state.update(department, {"description": f"by a colleague {self.moment}", "showOnRegistration": chance.random() < 0.5})
        elif kind == "rename" and units:
            state.update(chance.choice(units), {"name": f"Unit renamed {self.moment}"})
        elif kind == "archive" and chance.random() < 0.3:
            state.update(department, {"archived": True, "enabled": False})
        elif kind == "delete" and chance.random() < 0.15:
            state.remove_rows(department)
            state.delete(department)
        self._edited()

    def chat(self, chance: random.Random) -> None:
        """A chat comes in, and raises somebody's counter."""
        rows = list(self.sandbox.store.rows())
        if rows:
            row = chance.choice(rows)
            row["count"] = row.get("count", 0) + 1
            self._edited(chat=True)

    def leave(self, chance: random.Random) -> None:
        """An agent loses the role, or is deleted; departments list them still, or no longer."""
        agents = self._agents()
        if not agents:
            return
        agent, state = chance.choice(agents), self.sandbox.store
        if chance.random() < 0.5:
            state.set_roles(agent, ["user"])
        else:
            del state.users[agent]
        if chance.random() < 0.3:
            for row in [row for row in state.rows() if row["agentId"] == agent]:
                state.remove_agent(row["departmentId"], agent)
        self._edited(leave=True)

    def _agents(self) -> list[str]:
        return [user["_id"] for user in self.sandbox.store.users.values() if user["roles"] == ["livechat-agent"]]

    def _edited(self, *, chat: bool = False, leave: bool = False) -> None:
        self.moment += 1
        before, self.now = self.now, picture_of(self.sandbox)
        self.record.edits += [Edit(moment=self.moment, target=target, chat=chat, leave=leave) for target in self._note(before)]
