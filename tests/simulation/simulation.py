"""The whole job, from a sheet to its rollback, against the sandbox's rules on virtual time, broken in a way that follows from a seed."""

import asyncio
import csv
import hashlib
import io
import json
import logging
import random
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bulkjob.commands.rollback import run_to_undo, undoing
from bulkjob.commands.run import job_of
from bulkjob.job import Job
from bulkjob.rocketchat import Transport
from bulkjob.rundir import JOURNAL_FILE, ROLLBACK, RunDirectory, opened
from bulkjob.rundir.format import records_of
from bulkjob.rundir.history import history_of
from bulkjob.settings import MaxRemovals, Secret, Settings
from bulkjob.sheet import check, read_sheet
from bulkjob.vocabulary import SHEET_COLUMNS, Exit, Stop
from tests.simulation import laws, laws_of_rollback
from tests.simulation.disk import Disk
from tests.simulation.history import Call, Picture
from tests.simulation.loop import Killed, Loop
from tests.simulation.more import own_units, scenario_of
from tests.simulation.papers import papers
from tests.simulation.scenario import TOKEN, Row, Scenario, Trouble
from tests.simulation.world import Server

NOW = datetime(2026, 11, 23, tzinfo=UTC)
UNDISTURBED = Trouble()


@dataclass(slots=True)
class Told:
    """What a simulation has to tell."""

    seed: int
    broken: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    """One line per attempt."""
    digest: str = ""
    """Of every call and ending: the same for the same seed."""
    seen: Counter[str] = field(default_factory=Counter)
    """How often what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt that came to its end."""

    code: int
    rows: list[dict[str, str]] = field(repr=False)
    writes: int


class Trigger:
    """Ends an attempt when its time has come; called before each step of the loop."""

    def __init__(self, trouble: Trouble, loop: Loop, server: Server, chance: random.Random) -> None:
        self.fired = 0
        self._loop, self._server, self._trouble, self._chance = loop, server, trouble, chance
        self._left = trouble.after_steps if trouble.end else -1

    def __call__(self) -> None:
        if self._left < 0 or self._server.writes < self._trouble.after_writes:
            return
        if self._left:
            self._left -= 1
            return
        if self._trouble.end == "kill":
            self.fired += 1
            self._loop.run_only(self._chance.randint(0, self._loop.ready))
            raise Killed
        if self._loop.interrupt():
            self.fired += 1
            self._left = self._trouble.second_after if self._trouble.end == "twice" and self.fired == 1 else -1


class Simulation:
    """One seed."""

    def __init__(self, seed: int, folder: Path, scenario: Scenario | None = None) -> None:
        """``scenario``: another one than that of the seed."""
        self.told = Told(seed)
        self._scenario = scenario = scenario or scenario_of(seed)
        self._folder = folder
        self._run_dir = folder / "run"
        self._said, self._log = io.StringIO(), io.StringIO()
        self._disk = Disk()
        self._asked = laws.Asked.of(scenario)
        self._server = Server(scenario, self._judge)
        self._own = own_units(scenario)
        self._goals: list[Picture] = []
        """What rollbacks were to bring back, up to now."""
        self._goal: Picture | None = None
        """What a rollback brings back; None for the run itself."""
        self._attempts = 0
        self._done: dict[Path, dict[str, dict[str, str]]] = {}
        """Run directory → the rows that were reported as success in it."""
        self._since: dict[Path, dict[str, int]] = {}
        """Run directory → row → the moment in which the attempt began that first knew it to be success."""
        self._begun = 0
        """The moment in which the last attempt began."""
        self._settings = Settings.of(
            {
                "url": "https://chat.example.org",
                "user_id": scenario.user,
                "auth_token": Secret(TOKEN),
                "max_removals": MaxRemovals(count=1000),
                **scenario.settings,
            }
        )
        sheet = folder / "sheet.csv"
        sheet.write_text(sheet_text(scenario.rows), encoding="utf-8", newline="")
        self._checked = check(read_sheet(sheet))

    def run(self) -> Told:
        """The run, its rollback, and the way back from that."""
        with self._captured(), papers(self.told.seed):
            start, code = self._server.now, self._run()
            if code not in (Exit.NO_PERMISSION, Exit.BAD_SHEET) and self._scenario.rollbacks is not None:
                self._between()
                done, since = self._server.now, self._server.moment
                if self._roll_back(self._run_dir, start, 0, self._scenario.rollbacks):
                    self._closed()
                    if self._scenario.returns is not None:
                        self._roll_back(self._run_dir / ROLLBACK, done, since, self._scenario.returns)
        self._hold(laws.token_is_secret(TOKEN, (self._said.getvalue(), self._log.getvalue()), self._run_dir))
        self._hold(["something was logged with a traceback"] if "Traceback" in self._log.getvalue() else [])
        self.told.seen["agents who left meanwhile"] += len({edit.moment for edit in self._server.record.edits if edit.leave})
        self.told.seen[f"account: {self._scenario.user}"] += 1
        self.told.seen["changes that were made late"] += len(self._server.record.strays)
        calls = [[call["method"], call["path"], call["status"], round(call["time"], 6)] for call in self._server.sandbox.calls()]
        self.told.digest = hashlib.sha256(json.dumps([calls, self.told.story]).encode()).hexdigest()[:16]
        return self.told

    # ---------------------------------------------------------------------------------------------------------- the run

    def _run(self) -> int | None:
        """The exit code of its last attempt; None if it never came to an end."""
        scenario, server = self._scenario, self._server
        start, moment = server.now, server.moment
        ended: Ended | None = None
        troubles = [*scenario.runs, *([UNDISTURBED] if scenario.finishes or not scenario.runs else [])]
        for trouble in troubles:
            self._settle(trouble)
            ended = self._attempt("run", self._job, [self._run_dir], trouble)
            if ended is None:
                self._hold(laws.whole_files(self._run_dir, len(scenario.rows)))
                continue
            since = self._since[self._run_dir]
            self._hold(laws.success_is_held(scenario, self._asked, server, moment, ended.rows, since=since))
            if ended.code == Exit.NO_PERMISSION:
                self._hold(["there were writes before exit 77"] if ended.writes else [])
                return ended.code
        self._hold(laws.nothing_done_twice(self._run_dir / JOURNAL_FILE, server))
        undisturbed = troubles[-1] is UNDISTURBED and not server.record.unsettled(self._begun)
        if undisturbed and ended and not self._edited() and not self._kept_out(ended):
            self._hold(laws.finished(scenario, self._asked, server, start, ended.rows))
            self.told.seen["units whose counter is wrong in the end"] += len(server.uncounted)
            if scenario.seed % 4 == 0:
                begun, again = self._begun, self._attempt("run again", self._job, [self._run_dir], UNDISTURBED)
                if server.record.unsettled(begun):
                    return ended.code
                # Rows that fail side by side may be too many one after the other, and what was stopped goes on in the next run.
                pairs = zip(ended.rows, again.rows, strict=True) if again else ()
                told = [pair for pair in pairs if all(row["code"] != "stopped" for row in pair)]
                self._hold(
                    ["a second run writes"] if again and again.writes and not server.record.edits and not _tried_again(again) else []
                )
                self._hold(["a second run reports otherwise"] if any(one["status"] != other["status"] for one, other in told) else [])
        return ended.code if ended else None

    def _job(self) -> Job:
        return job_of(self._settings, self._checked, self._connection)

    def _between(self) -> None:
        chance = random.Random(f"between {self.told.seed}")  # noqa: S311 - must be the same again
        if chance.random() < self._scenario.between.edits:
            self._server.edit(chance)
        if chance.random() < self._scenario.between.chats:
            self._server.chat(chance)
        if chance.random() < self._scenario.between.leaves:
            self._server.leave(chance)

    def _closed(self) -> None:
        """A run that was rolled back is not gone on with."""
        if (self._run_dir / ROLLBACK / JOURNAL_FILE).exists():
            ended = self._attempt("run", self._job, [self._run_dir], UNDISTURBED)
            self._hold([] if ended and ended.code == Exit.CANNOT_CREATE and not ended.writes else ["a run that was rolled back goes on"])

    # ----------------------------------------------------------------------------------------------------- the way back

    def _roll_back(self, directory: Path, goal: Picture, since: int, troubles: Iterable[Trouble]) -> bool:
        """Whether there was a run to put back, that is to ``goal``, which was so at the moment ``since``."""
        scenario, server = self._scenario, self._server
        self._goal = goal
        self._goals.append(goal)
        begun = server.moment
        back = directory / ROLLBACK

        def job() -> Job:
            return self._undoing(directory)

        ended: Ended | None = None
        for trouble in [*troubles, UNDISTURBED]:
            self._settle(trouble)
            ended = self._attempt("rollback", job, [directory, back], trouble)
            if ended is None:
                self._hold(laws.whole_files(directory, len(scenario.rows)))
            elif ended.code == Exit.NO_INPUT:
                self._hold(
                    ["a run that changed something is not found"] if (directory / JOURNAL_FILE).exists() and self._synced(directory) else []
                )
                return False
            else:
                during, seen = (since, begun), self._since[back]
                self._hold(laws_of_rollback.success_is_back(scenario, self._asked, server, goal, ended.rows, during=during, seen=seen))
        if ended is None:
            return False
        self._hold(laws.nothing_done_twice(back / JOURNAL_FILE, server))
        last = self._begun
        if not self._edited(leaves=True) and not server.record.unsettled(last):
            self._hold(laws_of_rollback.all_back(scenario, server, goal, ended.rows, since=since, begun=begun))
        again = self._attempt("rollback again", job, [directory, back], UNDISTURBED)
        if server.record.unsettled(last):
            return True
        if not server.record.edits:
            self._hold(["a second rollback writes"] if again and again.writes and not _tried_again(again) else [])
        self._hold(["a second rollback ends otherwise"] if again and again.code != ended.code and not server.record.edits else [])
        return True

    def _settle(self, trouble: Trouble) -> None:
        if trouble is UNDISTURBED and self._scenario.settles:
            self._server.settle()

    def _undoing(self, directory: Path) -> Job:
        return undoing(self._settings, *run_to_undo(directory, self._settings), self._connection)

    def _synced(self, directory: Path) -> bool:
        return bool(self._disk.kept(directory / JOURNAL_FILE))

    def _edited(self, *, leaves: bool = False) -> bool:
        """Whether a colleague has been at work: chats do not count, nor who has left, unless it is asked for or a row adds them."""
        added = {target[2] for target, wanted in self._asked.places.items() if wanted.present}
        return any(
            not edit.chat and (not edit.leave or leaves or (edit.target[0] == "person" and edit.target[1] in added))
            for edit in self._server.record.edits
        )

    def _kept_out(self, ended: Ended) -> bool:
        """Whether an account that is restricted to its own units was refused before the first write."""
        return self._own is not None and ended.code in (Exit.NO_PERMISSION, Exit.BAD_SHEET)

    # ------------------------------------------------------------------------------------------------------ one attempt

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Transport]:
        yield self._server

    def _attempt(self, name: str, make: Callable[[], Job], directories: list[Path], trouble: Trouble) -> Ended | None:
        """One start of the program; None if it was killed."""
        self._attempts += 1
        self._begun = self._server.moment
        chance = random.Random(f"{self.told.seed} {self._attempts}")  # noqa: S311 - must be the same again
        random.seed(chance.random())
        loop = Loop(self._scenario.sync)
        loop.set_exception_handler(lambda _, context: self._hold([f"asyncio says: {context}"]))
        trigger = Trigger(trouble, loop, self._server, chance)
        directory = directories[-1]
        code: int | None = None
        with ExitStack() as stack:
            try:
                self._server.begin(loop, trouble, chance, directory / JOURNAL_FILE, self._disk)
                loop.on_step = trigger
                job = make()
                for each in directories:
                    stack.enter_context(opened(each, "", NOW))
                code = loop.run_until_complete(job.run(RunDirectory(directory)))
            except Killed:
                self._server.end()
                _abandon(loop)
            except Stop as stop:
                code = stop.exit_code
                self._server.end()
                self._tell(name, trouble, trigger, code)
                return Ended(code=code, rows=[], writes=self._server.writes)
            except Exception as error:
                error.add_note(f"{name} {self._attempts}, after {self._server.writes} writes; {trouble}; {loop.waiting()}")
                _abandon(loop)
                raise
            finally:
                if not loop.is_closed():
                    # The report is written: a kill changes nothing any more.
                    loop.on_step = lambda: None
                    self._server.end()
                    asyncio.runners._cancel_all_tasks(loop)  # type: ignore[attr-defined]  # noqa: SLF001 - as `asyncio.run` does
                    loop.close()
        if code is None:
            self._disk.release()
        self._tell(name, trouble, trigger, code)
        if self._server.most_in_flight > self._settings.concurrency:
            self._hold([f"{self._server.most_in_flight} requests in flight at --concurrency {self._settings.concurrency}"])
        self._hold(self._server.broken)
        self._server.broken.clear()
        if code is None:
            self._crashed(directory / JOURNAL_FILE, trouble, chance)
            return None
        return self._ended(code, directory, trouble, trigger)

    def _crashed(self, journal: Path, trouble: Trouble, chance: random.Random) -> None:
        if trouble.tears:
            self._disk.tear(journal, chance)
        if journal.exists():
            records, _ = records_of(journal.read_bytes())
            self._note_since(journal.parent, map(str, history_of(records).rows))

    def _ended(self, code: int, directory: Path, trouble: Trouble, trigger: Trigger) -> Ended:
        rows = laws.results_of(directory)
        summary = json.loads((directory / "summary.json").read_bytes())
        self._hold(laws.every_row_once(self._scenario, rows, summary, code))
        self._note_since(directory, (row["row"] for row in rows if row["status"] == "success"))
        self.told.seen.update(f"row: {row['code']}" for row in rows if row["code"])
        held_back = bool(self._asked.held_back) and self._goal is None
        # A journal that was killed before its first line was whole belongs to nobody, and keeps nothing.
        if (directory / JOURNAL_FILE).exists() and records_of((directory / JOURNAL_FILE).read_bytes())[0]:
            done = self._done.setdefault(directory, {})
            self._hold(laws.success_stays(done, rows))
            done.update((row["row"], row) for row in rows if row["status"] == "success")
        possible = self._possible(trouble, trigger)
        repairs = bool(self._asked.units) and self._settings.choices.unit_route != "department"
        self._hold(laws.exit_code_fits(rows, code, possible, held_back=held_back, repairs=repairs))
        return Ended(code=code, rows=rows, writes=self._server.writes)

    def _note_since(self, directory: Path, rows: Iterable[str]) -> None:
        since = self._since.setdefault(directory, {})
        for row in rows:
            since.setdefault(row, self._begun)

    def _possible(self, trouble: Trouble, trigger: Trigger) -> set[int]:
        codes = {Exit.OK, Exit.ROWS_NOT_DONE}
        if trouble.faults or trouble.late:
            codes |= {Exit.UNAVAILABLE, Exit.BAD_SETTING}
        if trigger.fired:
            codes.add(Exit.INTERRUPTED)
        if self._edited():
            codes |= {Exit.BAD_SHEET}
        if self._own is not None:
            codes |= {Exit.BAD_SHEET, Exit.NO_PERMISSION}
        if "400-before" in trouble.faults:
            # A list that the job needs is refused, in words that are nobody's fault but the account's.
            codes |= {Exit.NO_PERMISSION}
        if self._settings.choices.unit_route == "department" and self._scenario.version in ("6.0", "6.5", "6.6", "6.12"):
            codes.add(Exit.NO_PERMISSION)
        return {int(code) for code in codes}

    def _tell(self, name: str, trouble: Trouble, trigger: Trigger, code: int | None) -> None:
        end = "killed" if code is None else f"exit {int(code)}"
        disturbed = [trouble.faults] if trouble.faults else []
        disturbed += [f"{trouble.late} late"] if trouble.late else []
        disturbed += [f"{trouble.end} after {trouble.after_writes} writes and {trouble.after_steps} steps"] if trigger.fired else []
        self.told.story.append(f"{name}: {end}, {self._server.writes} writes" + (f" ({'; '.join(disturbed)})" if disturbed else ""))
        self.told.seen.update([f"{name}: {end}", f"{trouble.end if trigger.fired else 'nothing'} during {name}"])

    # --------------------------------------------------------------------------------------------------------- judging

    def _judge(self, server: Server, call: Call, before: Picture, after: Picture) -> None:
        """Holds one write against what it may change."""
        for target in before.changed(after):
            old, new = before.values.get(target), after.values.get(target)
            if self._goal is None:
                fine = laws.allowed_by_sheet(self._asked, target, old, new)
            else:
                ever = server.record.ever(target) if server.record.touched(target) or server.record.strayed(target) else []
                named = target in self._asked.units or target in self._asked.places or self._asked.unnamed(target)
                fine = named and laws_of_rollback.allowed_back(target, old, new, self._goal.values.get(target), ever)
                fine = fine and not laws_of_rollback.overwrites(self._asked, server, target, old, new, read=call.read, goals=self._goals)
            if call.late:
                fine = laws_of_rollback.allowed_late(self._asked, server, target, old, new, goals=self._goals)
            fine = fine and laws.within_own_units(self._own, target, (old, new), call.request.path)
            lost = any(edit.target == target and edit.moment > call.read for edit in server.record.edits)
            # So may be what a late commit does in the round trip of another write.
            lost = lost or any(changed == target and call.read < came < server.moment for changed, _, came in server.record.strays)
            self.told.seen["edits of a colleague overwritten in the window"] += lost and not fine
            if lost:
                server.record.crossed.add((target, server.moment))
            # A unit's write in the window takes a department back that a colleague has just moved; a later one lets it go again.
            if not (fine or lost or server.record.last_edit(target) == (new,)):
                server.broken.append(f"{call.request.route.method} {call.request.path} turned {target} from {old} into {new}")

    def _hold(self, broken: Iterable[str]) -> None:
        for sentence in broken:
            self.told.broken.append(f"{self.told.story[-1].split(':')[0] if self.told.story else 'run'} {self._attempts}: {sentence}")

    @contextmanager
    def _captured(self) -> Iterator[None]:
        handler = logging.StreamHandler(self._log)
        logging.getLogger().addHandler(handler)
        with redirect_stdout(self._said), redirect_stderr(self._log), self._disk.in_place():
            try:
                yield
            finally:
                logging.getLogger().removeHandler(handler)


def _abandon(loop: Loop) -> None:
    with warnings.catch_warnings():
        # Of coroutines that were made and never got to run.
        warnings.simplefilter("ignore", RuntimeWarning)
        loop.abandon()


def _tried_again(ended: Ended) -> bool:
    """Whether there is a row of which only the write itself tells that the server will not do it: each attempt tries it once more."""
    only_then = ("not-applied", "unit-not-permitted")
    return any((row["code"] in only_then and row["attempts"]) or "failed, too" in row["message"] for row in ended.rows)


def sheet_text(rows: Sequence[Row]) -> str:
    """The sheet as a CSV."""
    used = {column for row in rows for column in row.cells}
    columns = [column for place, column in enumerate(SHEET_COLUMNS) if place < 6 or column in used]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([[row.cells.get(column, "") for column in columns] for row in rows])
    return text.getvalue()
