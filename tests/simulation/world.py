"""The world of one simulation: a loop that can be abandoned, a disk that forgets, a server with somebody else at work in it.

Tests are no package: `simulate` loads this with `runpy.run_path`.
"""

import asyncio
import json
import os
import random
import runpy
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.rundir.format import Intent, Settled, records_of
from bulkjob.sandbox import Fault, Reply, Sandbox
from bulkjob.sandbox.faults import Faults
from bulkjob.vocabulary import Code

VirtualTimeLoop: Any = runpy.run_path(str(Path(__file__).parent.parent / "virtual_time.py"))["VirtualTimeLoop"]

EPOCH = 1_800_000_000.0
TIMEOUT = 30.0

#: More than any attempt takes.
STEPS = 50_000

_VOLATILE = frozenset({"_updatedAt", "parentId", "ancestors", "numAgents", "numDepartments", "numMonitors"})


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


# ------------------------------------------------------------------------------------------------------------------- disk


class Disk:
    """What of the journal is sure to be there after a crash."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], int] = {}
        self._open: set[int] = set()

    def keep(self, file: int) -> None:
        """What `os.fdatasync` does: the journal is the only file that is synced so."""
        found = os.fstat(file)
        self._kept[found.st_dev, found.st_ino] = found.st_size

    def kept(self, path: Path) -> int:
        """Bytes of a file that are sure to be there."""
        if not path.exists():
            return 0
        found = path.stat()
        return self._kept.get((found.st_dev, found.st_ino), 0)

    def tear(self, path: Path, chance: random.Random) -> None:
        """Loses some of what it was not told to keep."""
        if path.exists():
            size = path.stat().st_size
            os.truncate(path, chance.randint(min(self.kept(path), size), size))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """While open, syncing costs no time, and is taken note of, and so is what is open to be appended to: journals."""
        opened, closed = os.open, os.close

        def note_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            file = opened(path, flags, *args, **kwargs)
            if flags & os.O_APPEND:
                self._open.add(file)
            return file

        def note_close(file: int) -> None:
            self._open.discard(file)
            closed(file)

        try:
            with ExitStack() as stack:
                for name, stand_in in (("fsync", lambda _: None), ("fdatasync", self.keep), ("open", note_open), ("close", note_close)):
                    stack.enter_context(patch.object(os, name, stand_in, create=True))
                yield
        finally:
            self.release()

    def release(self) -> None:
        """Closes what a killed process has left open, as the system does: its locks are free then."""
        for file in sorted(self._open):
            os.close(file)
        self._open.clear()


# ------------------------------------------------------------------------------------------------------------------- loop


class Loop(VirtualTimeLoop):  # type: ignore[misc]  # loaded at run time
    """Counts its steps, so that it can be stopped between any two; takes signals by hand."""

    def __init__(self, sync: float) -> None:
        super().__init__()
        self.on_step: Callable[[], None] = lambda: None
        self.handlers: dict[int, Callable[[], object]] = {}
        self._seconds_to_sync = sync
        self._steps = 0
        self._never: list[object] = []

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: Any) -> None:
        self.handlers[sig] = lambda: callback(*args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.handlers.pop(sig, None) is not None

    def interrupt(self) -> bool:
        """Whether there was anybody to take the signal."""
        handler = self.handlers.get(signal.SIGTERM)
        if handler is not None:
            handler()
        return handler is not None

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Does what a thread would do, after the time that a disk takes."""
        done: asyncio.Future[Any] = self.create_future()

        def finish() -> None:
            if not done.done():
                done.set_result(func(*args))

        self.call_later(self._seconds_to_sync, finish)
        return done

    def _run_once(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            message = "it goes on for ever"
            raise RuntimeError(message)
        self.on_step()
        super()._run_once()

    def run_only(self, handles: int) -> None:
        """Takes a part of the next step, by the number of callbacks that are ready."""
        while len(self._ready) > handles:
            # Kept, or a task that waits for nothing else would be gone before its time.
            self._never.append(self._ready.pop())
        if handles and self._ready:
            super()._run_once()

    @property
    def ready(self) -> int:
        """The callbacks of the next step."""
        return len(self._ready)

    def waiting(self) -> str:
        """Where each task stands, for whoever has to find out why they do."""
        places = []
        for task in asyncio.all_tasks(self):
            at: Any = task.get_coro()
            while inner := getattr(at, "cr_await", None):
                if getattr(inner, "cr_frame", None) is None:
                    break
                at = inner
            places.append(f"{task.get_name()} at {at.__qualname__} {Path(at.cr_code.co_filename).name}:{at.cr_frame.f_lineno}")
        return "; ".join(places)

    def abandon(self) -> None:
        """Throws away every task as it stands; none of them gets to do anything that is seen outside."""
        self.set_exception_handler(lambda *_: None)
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine: Any = task.get_coro()
            for _ in range(20):
                try:
                    coroutine.close()
                except RuntimeError:
                    # It waits for something else on its way out, which will never come.
                    continue
                except BaseException:  # noqa: BLE001, S110 - whatever it says, nobody is there to hear it
                    pass
                break
        self._ready.clear()
        self._never.clear()
        self.close()


# ------------------------------------------------------------------------------------------------------------------ state


@dataclass(frozen=True, slots=True)
class Picture:
    """What the server holds, by what can be changed by itself. Its keys are the *targets* that edits and writes have."""

    values: dict[tuple[str, ...], Any]

    def changed(self, later: "Picture") -> list[tuple[str, ...]]:
        """The targets that are otherwise in ``later``."""
        if self.values == later.values:
            return []
        return [key for key in self.values | later.values if self.values.get(key) != later.values.get(key)]


def picture_of(sandbox: Sandbox) -> Picture:
    """The present state: ``("unit", department)``, ``("place", department, agent)``, ``("monitor", …)`` and so on."""
    state = sandbox._state
    values: dict[tuple[str, ...], Any] = {}
    for document in state.collection.values():
        fields = {key: value for key, value in document.items() if key not in _VOLATILE}
        if document.get("type") == "u":
            values["fields of unit", document["_id"]] = fields
        else:
            values["fields of department", document["_id"]] = fields
            parent = document.get("parentId") or None
            values["unit", document["_id"]] = parent
            ancestors = document.get("ancestors") or []
            if ancestors != ([parent] if parent else []):
                values["odd ancestors", document["_id"]] = ancestors
    for row in state.rows():
        key = "place", row["departmentId"], row["agentId"]
        values[key] = "twice" if key in values else (row.get("count", 0), row.get("order", 0))
    for row in state.monitors.values():
        if row["monitorId"] != "w1":  # who holds the role no longer: the server drops him by itself
            values["monitor", row["unitId"], row["monitorId"]] = row["username"]
    return Picture(values)


# ----------------------------------------------------------------------------------------------------------------- server


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One call on its way."""

    request: Request[Any]
    sent: int
    """When, by `Server.moment`."""
    restarts: int
    read: int = 0
    """The moment of what it was made from: what somebody edits from then on until it arrives, it may overwrite."""
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody else did."""

    moment: int
    target: tuple[str, ...]
    chat: bool = False


@dataclass(slots=True)
class Record:
    """All that has happened to the server, in the order of its moments."""

    edits: list[Edit] = field(default_factory=list)
    history: dict[tuple[str, ...], list[tuple[int, Any]]] = field(default_factory=dict)
    """Target → (moment, value), each time that it changed."""

    def touched(self, target: tuple[str, ...], *, chats: bool = True) -> bool:
        """Whether somebody else edited it."""
        return any(edit.target == target and (chats or not edit.chat) for edit in self.edits)

    def last_edit(self, target: tuple[str, ...]) -> tuple[Any, ...]:
        """The value that somebody else gave it last; nothing if nobody has."""
        moments = [edit.moment for edit in self.edits if edit.target == target]
        return tuple(self.ever(target, moments[-1])[:1]) if moments else ()

    def ever(self, target: tuple[str, ...], since: int = 0) -> list[Any]:
        """The values that it has had from a moment on, the one that it had then included."""
        entries = self.history.get(target, [])
        before = [value for moment, value in entries if moment <= since][-1:]
        return (before or [None]) + [value for moment, value in entries if moment > since]


class Server:
    """`Transport` onto a sandbox: latency, lost answers, a restart's victims, a colleague, and a look at each write."""

    def __init__(self, scenario: Any, judge: Callable[["Server", Call, Picture, Picture], None]) -> None:
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
        """Path → the moment when it was first asked for since the last write of the unit."""
        self._late: Call | None = None
        self._chance = random.Random(0)  # noqa: S311 - seeded for each attempt
        self._trouble: Any = None
        self._journal = Path()
        self._disk = Disk()
        self._read_to = 0
        self.intents: dict[int, Intent] = {}
        """Of this attempt's journal, as far as the disk keeps it; those without an outcome."""

    # ------------------------------------------------------------------------------------------------------ attempts

    def begin(self, loop: Loop, trouble: Any, chance: random.Random, journal: Path, disk: Disk) -> None:
        """A new attempt, on a loop whose time begins anew."""
        self.loop, self._trouble, self._chance, self._journal, self._disk = loop, trouble, chance, journal.resolve(), disk
        self.sandbox._faults = Faults(trouble.faults, seed=self._scenario.seed)
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
        self.in_flight.clear()
        if self.loop is not None:
            self._base += self.loop.time() + 60.0
            self.loop = None
        self._catch_up()

    @property
    def uncounted(self) -> list[str]:
        """The units whose number of departments is not what the server says."""
        state = self.sandbox._state
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
            self.asked.setdefault(request.path, call.sent)
        seconds = self._chance.choice(self._scenario.latencies)
        try:
            await asyncio.sleep(seconds / 2)
            reply = self._arrive(call)
            await asyncio.sleep(TIMEOUT if reply.fault in (Fault.TIMEOUT, Fault.TIMEOUT_AFTER) else seconds / 2)
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
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="refused"))
        if reply.lost or call.restarts != self.sandbox.restarts:
            code = Code.TIMEOUT if reply.fault in (Fault.TIMEOUT, Fault.TIMEOUT_AFTER) else Code.CONNECTION
            raise NoAnswer(Failure(next=Next.REPEAT, code=code, said="no answer", undecided=request.writes))
        return Answer(status=reply.status, headers=reply.headers, body=reply.body)

    def _begin_write(self, call: Call) -> None:
        self.writes += 1
        self._read_journal()
        request = call.request
        call.read = (self.asked if "/units/" in request.path else self.reads).get(request.path, 0)
        if not any(intent.path == request.path and intent.body == request.body for intent in self.intents.values()):
            self.broken.append(f"{request.path} was sent before its intent was on disk")
        mine = self._concerned(request)
        # Where somebody else moves a department while the job is at work, no plan knows of it.
        moved = {edit.target[1] for edit in self.record.edits if edit.target[0] == "unit"}
        for other in self.in_flight:
            if other is call or not other.request.writes:
                continue
            if both := mine & self._concerned(other.request) - moved:
                self.broken.append(f"{request.path} and {other.request.path} are under way at the same time; both concern {sorted(both)}")

    def _concerned(self, request: Request[Any]) -> set[str]:
        """What no other write may concern at the same time: agents by a route of their own meet nothing of a unit's write."""
        kind, identifier, *more = request.path.split("/")[4:]
        if kind != "units":
            return {f"agents of {identifier}"} if more else {f"agents of {identifier}", identifier}
        sent = {item["departmentId"] for item in request.body["unitDepartments"]}  # type: ignore[index]
        return {identifier, *sent, *self.sandbox._state.children(identifier)}

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
            elif isinstance(record, Settled):
                self.intents.pop(record.number, None)

    def _arrive(self, call: Call) -> Reply:
        """The call comes to the server."""
        self._catch_up()
        self._meddle()
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
        return next(user["token"] for user in self._scenario.state["users"] if user["_id"] == self._scenario.user)

    def _catch_up(self) -> None:
        """What the server left for after an answer (before 6.6) belongs to the write that it answered."""
        if self.sandbox._late and self._late is not None:
            self.sandbox._catch_up()
            self.moment += 1
            self._look(self._late)

    def _look(self, call: Call) -> None:
        before, self.now = self.now, picture_of(self.sandbox)
        self._note(before)
        self._judge(self, call, before, self.now)

    def _note(self, before: Picture) -> list[tuple[str, ...]]:
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

    def edit(self, chance: random.Random) -> None:
        """A colleague changes something."""
        state = self.sandbox._state
        departments = [document["_id"] for document in state.collection.values() if document.get("type") != "u"]
        units = [document["_id"] for document in state.collection.values() if document.get("type") == "u"]
        if not departments:
            return
        department = chance.choice(departments)
        agent = chance.choice([user["_id"] for user in state.users.values() if user["roles"] == ["livechat-agent"]])
        kind = chance.choice(["move", "move", "remove", "place", "place", "describe", "rename", "archive", "delete"])
        if kind == "move" and units:
            unit = chance.choice([None, *units])
            state.update(department, {"parentId": unit, "ancestors": [unit] if unit else None})
        elif kind == "remove":
            state.remove_agent(department, agent)
        elif kind == "place":
            state.save_row(department, agent, {"username": f"agent.{agent}", "count": chance.randint(0, 4), "order": chance.randint(0, 2)})
        elif kind == "describe":
            state.update(department, {"description": f"by a colleague {self.moment}", "showOnRegistration": chance.random() < 0.5})
        elif kind == "rename" and units:
            state.update(chance.choice(units), {"name": f"Unit renamed {self.moment}"})
        elif kind == "archive" and chance.random() < 0.3:
            state.update(department, {"archived": True, "enabled": False})
        elif kind == "delete" and chance.random() < 0.15:
            state.remove_rows(department)
            state.delete(department)
        self._edited(chat=False)

    def chat(self, chance: random.Random) -> None:
        """A chat comes in, and raises somebody's counter."""
        rows = list(self.sandbox._state.rows())
        if rows:
            row = chance.choice(rows)
            row["count"] = row.get("count", 0) + 1
            self._edited(chat=True)

    def _edited(self, *, chat: bool) -> None:
        self.moment += 1
        before, self.now = self.now, picture_of(self.sandbox)
        self.record.edits += [Edit(moment=self.moment, target=target, chat=chat) for target in self._note(before)]
