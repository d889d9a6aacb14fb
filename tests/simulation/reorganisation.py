"""Sheets with everything that the two endpoints carry: names, fields, monitors and new units, under faults and kills; by seed.

What must come out is worked out from the sheet by this module alone, and compared with all that the server holds.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bulkjob.records.server import ADD_AGENTS
from bulkjob.rundir import JOURNAL_FILE, ROLLBACK
from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.state_file import DEFAULT_PERMISSIONS
from bulkjob.vocabulary import Exit
from tests.simulation import laws
from tests.simulation.history import Call, Picture
from tests.simulation.more import DESK, delaying
from tests.simulation.papers import papers
from tests.simulation.scenario import NAMES, TOKEN, Row, Scenario, Trouble, Wanted, plain_scenario_of
from tests.simulation.simulation import UNDISTURBED, Ended, Simulation, Told, Trigger
from tests.simulation.world import Server
from tests.support.states import State

Facts = dict[tuple[str, ...], Any]
"""What the server holds, thing by thing; units that are new go by their names."""

#: Of a department: cell's column → field, and what the two kinds of cell say.
_TEXTS = {"new department name": "name", "department email": "email", "department description": "description"}
_CHOICES = {
    "department enabled": "enabled",
    "department show on registration": "showOnRegistration",
    "department show on offline form": "showOnOfflineForm",
}
_FIELDS = (*_TEXTS.values(), *_CHOICES.values(), "chatClosingTags", "archived")
_MONITORS = {"w0": "watch", "w2": "mia", "w3": "noor"}
"""Who holds the role; no two names are a letter apart."""

#: What may keep a row from being done, whatever the job does.
_EXCUSED = frozenset({"department-archived", "rejected", "last-department-in-unit"})
_NOT_PERMITTED = frozenset({"unit-not-permitted", "department-not-permitted", "agents-not-permitted"})


def facts_of(sandbox: Sandbox, old: Iterable[str]) -> Facts:
    """All that the server holds and a sheet can ask for. ``old``: the units that were there at the beginning, which go by their ids."""
    state, known = sandbox.store, set(old)
    named = {
        one["_id"]: one["_id"] if one["_id"] in known else f"new {one['name'].casefold()}"
        for one in state.collection.values()
        if one.get("type") == "u"
    }
    facts: Facts = {}
    for one in state.collection.values():
        if one.get("type") == "u":
            key = named[one["_id"]]
            if ("unit", key) in facts:
                facts["two units", key] = True
            facts["unit", key] = one["name"] if key in known else one["name"].casefold()
            facts["visibility", key] = one["visibility"]
        else:
            parent = one.get("parentId") or None
            facts["of", one["_id"]] = named.get(parent, parent) if parent else None
            facts |= {("field", one["_id"], name): one.get(name, "") for name in _FIELDS}
    for row in state.rows():
        facts["place", row["departmentId"], row["agentId"]] = (row.get("count", 0), row.get("order", 0))
    for row in state.monitors.values():
        if "livechat-monitor" in state.users[row["monitorId"]]["roles"]:
            facts["monitor", named[row["unitId"]], row["monitorId"]] = True
    return facts


@dataclass(slots=True)
class Meant:
    """What a sheet asks for, fact by fact; ``rows`` says which rows hang on which facts."""

    facts: Facts = field(default_factory=dict)
    rows: list[list[tuple[str, ...]]] = field(default_factory=list)


@dataclass(slots=True)
class _Sheet:
    """A sheet in the making."""

    chance: random.Random
    state: State
    creates: bool = False
    """Whether it makes a unit in any case."""
    renames: bool = False
    """Whether everything gets a new name."""
    rows: list[tuple[Row, Facts]] = field(default_factory=list)
    departments: dict[str, str] = field(default_factory=dict)
    """Id → new name."""
    units: dict[str, str] = field(default_factory=dict)
    by_id: set[str] = field(default_factory=set)
    """What is renamed by its id."""

    def called(self, thing: State, renamed: Mapping[str, str]) -> str:
        """One of the ways to call a thing: its id, its name, or the one that it is to have.

        What a row renames by its id, no other row calls by its old name: nothing would say what that was once it is renamed.
        """
        identifier = thing["_id"]
        names: list[str] = [identifier, *([renamed[identifier]] if identifier in renamed else [])]
        chosen: str = self.chance.choice(names if identifier in self.by_id else [*names, thing["name"]])
        return chosen

    def renamed_as(self, thing: State) -> str:
        """What the row that renames a thing calls it."""
        return str(thing["_id"] if thing["_id"] in self.by_id else thing["name"])

    def add(self, facts: Facts, about: str = "", /, **cells: str) -> None:
        """A row, and what it asks for; ``about``: its department's id."""
        row = Row(cells={name.replace("_", " "): text for name, text in cells.items()}, department=about)
        self.rows.append((row, facts))

    def build(self) -> None:
        """Rows about everything there is, in any order."""
        chance, state = self.chance, self.state
        self.departments = {one["_id"]: f"Renamed {one['_id']}" for one in state["departments"] if self.renames or chance.random() < 0.3}
        self.units = {one["_id"]: f"Unit called {one['_id']}" for one in state["units"] if self.renames or chance.random() < 0.4}
        self.by_id = {identifier for identifier in (*self.departments, *self.units) if chance.random() < 0.4}
        new = [f"fresh {number}" for number in range(chance.choice([1, 1, 2] if self.creates else [0, 1, 1, 2]))]
        for one in state["departments"]:
            self._department(one, new)
        for one in state["units"]:
            self._unit(one)
        for name in new:
            self._new_unit(name)
        if not self.rows:
            one = state["departments"][0]
            self.add({("field", one["_id"], "enabled"): False}, one["_id"], department=one["_id"], department_enabled="no")
        self.rows += [row for row in self.rows if chance.random() < 0.08]
        chance.shuffle(self.rows)

    def _department(self, one: State, new: list[str]) -> None:
        chance, identifier = self.chance, one["_id"]
        units = self.state["units"]
        if chance.random() < (0.8 if self.creates else 0.5):
            to = chance.choice([None, *new, *new, *(unit["_id"] for unit in units)])
            text = "-" if to is None else to if to in new else self.called(next(unit for unit in units if unit["_id"] == to), self.units)
            facts: Facts = {("of", identifier): f"new {to}" if to in new else to}
            self.add(facts, identifier, department=self.called(one, self.departments), unit=_respelt(chance, text) if to in new else text)
        if identifier in self.departments:
            name = self.departments[identifier]
            self.add({("field", identifier, "name"): name}, identifier, department=self.renamed_as(one), new_department_name=name)
        for column, name in _CHOICES.items():
            if chance.random() < 0.12:
                value = chance.random() < 0.5
                cell = chance.choice(["yes", "TRUE", "1"] if value else ["no", "False", "0"])
                self.add(
                    {("field", identifier, name): value},
                    identifier,
                    **{"department": self.called(one, self.departments), column.replace(" ", "_"): cell},
                )
        for column in ("department email", "department description"):
            if chance.random() < 0.15:
                text = chance.choice([f"{identifier}@new.example", f"other@{identifier}.example"])
                cell, text = ("-", "") if column.endswith("description") and chance.random() < 0.3 else (text, text)
                self.add(
                    {("field", identifier, _TEXTS[column]): text},
                    identifier,
                    **{"department": self.called(one, self.departments), column.replace(" ", "_"): cell},
                )
        for user in self.state["users"]:
            if user["roles"] == ["livechat-agent"] and chance.random() < 0.12:
                wanted = Wanted(present=chance.random() < 0.7, order=chance.choice([None, 1, 2]))
                self._agent(one, user["_id"], wanted)

    def _agent(self, one: State, agent: str, wanted: Wanted) -> None:
        facts: Facts = {("place", one["_id"], agent): wanted}
        cells = {"agent": NAMES[agent], "order": "" if wanted.order is None or not wanted.present else str(wanted.order)}
        action = "" if wanted.present else "remove"
        self.add(facts, one["_id"], department=self.called(one, self.departments), action=action, **cells)

    def _unit(self, one: State) -> None:
        chance, identifier = self.chance, one["_id"]
        if identifier in self.units:
            name = self.units[identifier]
            self.add({("unit", identifier): name}, unit=self.renamed_as(one), new_unit_name=name)
        if chance.random() < 0.2:
            value = chance.choice(["public", "private"])
            self.add({("visibility", identifier): value}, unit=self.called(one, self.units), unit_visibility=value.title())
        for user, name in _MONITORS.items():
            if chance.random() < 0.25:
                leaves = chance.random() < 0.4
                self.add(
                    {("monitor", identifier, user): not leaves},
                    unit=self.called(one, self.units),
                    unit_monitor=chance.choice([user, name, f"@{name}"]),
                    action="remove" if leaves else "",
                )

    def _new_unit(self, name: str) -> None:
        chance = self.chance
        if not any(("of", row.department) in facts and facts["of", row.department] == f"new {name}" for row, facts in self.rows):
            return
        if chance.random() < 0.5:
            self.add({("visibility", f"new {name}"): "private"}, unit=_respelt(chance, name), unit_visibility="private")
        for user, username in _MONITORS.items():
            if chance.random() < 0.4:
                self.add({("monitor", f"new {name}", user): True}, unit=_respelt(chance, name), unit_monitor=username)


def _respelt(chance: random.Random, name: str) -> str:
    """A name that differs in case or blanks: still the same new unit."""
    return chance.choice([name, name.title(), name.upper(), f" {name}"])


#: Seeds from here on have an account that lacks something, or reaches no more than its own units.
POOR = 1_000_000

#: Seeds from here on are killed while a unit is being made, or while things are being renamed, and by nothing else.
CREATING = 2_000_000
RENAMING = 3_000_000

#: Seeds from here on have late commits.
LATE = 4_000_000


def reorganisation_of(seed: int) -> tuple[Scenario, list[Facts]]:
    """The scenario of a seed, and what each row asks for."""
    scenario, facts = _whole(seed)
    if POOR <= seed < CREATING:
        return _poor(scenario, random.Random(f"bulkjob poor {seed}")), facts  # noqa: S311 - must be the same again
    if seed >= LATE:
        return delaying(scenario, random.Random(f"bulkjob late {seed}")), facts  # noqa: S311 - must be the same again
    return scenario, facts


def _poor(scenario: Scenario, chance: random.Random) -> Scenario:
    """An account without one of the permissions, or that is restricted to its own units."""
    state = scenario.state
    lost = chance.choice(["", "manage-livechat-monitors", "manage-livechat-units", "manage-livechat-departments", ADD_AGENTS])
    roles = [DESK] if lost else [DESK, "livechat-monitor"]
    state["users"].append(
        {"_id": "poor", "username": "the.poor", "roles": [*roles, *(["livechat-manager"] if lost else [])], "token": TOKEN}
    )
    every = {permission: [*(granted or ()), DESK] for permission, granted in DEFAULT_PERMISSIONS.items()}
    every |= {lost: ["admin"]} if lost else {}
    state["permissions"] = every | {"api-bypass-rate-limit": ["admin"]}
    if not lost:
        for unit in state["units"]:
            if chance.random() < 0.6:
                state["unitMonitors"].append(
                    {"_id": f"poor-{unit['_id']}", "monitorId": "poor", "username": "the.poor", "unitId": unit["_id"]}
                )
                unit["numMonitors"] += 1
    return replace(scenario, user="poor")


def _killed(chance: random.Random) -> tuple[Trouble, ...]:
    """Kills in the midst of the first writes, one after the other."""
    return tuple(
        Trouble(end="kill", after_writes=chance.choice([0, 1, 1, 1, 2, 3]), after_steps=chance.randint(0, 40), tears=chance.random() < 0.5)
        for _ in range(chance.randint(1, 3))
    )


def _whole(seed: int) -> tuple[Scenario, list[Facts]]:
    base = plain_scenario_of(seed)
    chance = random.Random(f"bulkjob reorganisation {seed}")  # noqa: S311 - must be the same again for the same seed
    state = base.state
    state["users"] += [{"_id": user, "username": name, "roles": ["livechat-monitor"]} for user, name in _MONITORS.items() if user != "w0"]
    sheet = _Sheet(chance, state, creates=CREATING <= seed < RENAMING, renames=RENAMING <= seed < LATE)
    sheet.build()
    settings = {
        **base.settings,
        "agents": "add",
        "skip_invalid": False,
        "max_failures": 0,
        "create_units": True,
        "unit_route": chance.choice(["auto", "auto", "department"]),
    }
    version = base.version if chance.random() < 0.3 and settings["unit_route"] == "auto" else chance.choice(["6.13", "7.0", "7.10", "8.0"])
    quiet = _killed(chance) if CREATING <= seed < LATE else tuple(_without_colleagues(trouble) for trouble in base.runs)
    back = None if base.rollbacks is None else tuple(map(_without_colleagues, base.rollbacks))
    forth = None if base.returns is None else tuple(map(_without_colleagues, base.returns))
    scenario = replace(
        base,
        rows=tuple(row for row, _ in sheet.rows),
        settings=settings,
        version=version,
        runs=quiet,
        finishes=True,
        between=Trouble(),
        rollbacks=back,
        returns=forth,
    )
    return scenario, [facts for _, facts in sheet.rows]


def _without_colleagues(trouble: Trouble) -> Trouble:
    return replace(trouble, edits=0.0, chats=0.0, leaves=0.0)


class Reorganisation(Simulation):
    """One seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        scenario, self._asked_facts = reorganisation_of(seed)
        super().__init__(seed, folder, scenario)
        self._units = [unit["_id"] for unit in scenario.state["units"]]
        self._last = self._facts()
        self._late: dict[tuple[str, ...], int] = {}
        """What a late commit was the last to change → when."""
        self._doubled = False
        """Whether a unit was made twice, once late."""
        self._excuses = _EXCUSED | (_NOT_PERMITTED if scenario.user == "poor" else frozenset())

    def run(self) -> Told:
        """The run, again in its own directory and in a fresh one, its rollback, and the way back from that."""
        with self._captured(), papers(self.told.seed):
            start = self._facts()
            ended = self._until_done()
            if ended is not None and ended.code in (Exit.OK, Exit.ROWS_NOT_DONE):
                self._hold(self._as_asked(start, ended))
                done, moment = self._facts(), self._server.moment
                self._nothing_is_left(ended)
                if self._scenario.rollbacks is not None and (self._run_dir / JOURNAL_FILE).exists():
                    self._back(self._run_dir, start, self._scenario.rollbacks)
                    strayed = any(sent <= moment < came for _, sent, came in self._server.record.strays)
                    if self._scenario.returns is not None and not strayed and (self._run_dir / ROLLBACK / JOURNAL_FILE).exists():
                        self._back(self._run_dir / ROLLBACK, done, self._scenario.returns)
            elif ended is not None and self._scenario.user == "poor":
                self._hold([] if ended.code in (Exit.NO_PERMISSION, Exit.BAD_SHEET) and not ended.writes else [f"exit {ended.code}"])
                self._hold(_differences(start, self._facts()) if not any(trouble.end for trouble in self._scenario.runs) else [])
            elif ended is not None:
                self._hold([] if ended.code == Exit.NO_PERMISSION and not ended.writes else [f"exit {ended.code} without any trouble"])
        self._hold(["something was logged with a traceback"] if "Traceback" in self._log.getvalue() else [])
        return self.told

    def _facts(self) -> Facts:
        return facts_of(self._server.sandbox, self._units)

    def _until_done(self) -> Ended | None:
        ended = None
        for trouble in [*self._scenario.runs, UNDISTURBED]:
            self._settle(trouble)
            ended = self._attempt("run", self._job, [self._run_dir], trouble)
        return ended

    def _nothing_is_left(self, ended: Ended) -> None:
        """A second run writes nothing, neither in the same directory nor in a fresh one."""
        if any(row["code"] in self._excuses for row in ended.rows) or self._late or self._doubled:
            return
        for directory in (self._run_dir, self._folder / "fresh"):
            again = self._attempt("run again", self._job, [directory], UNDISTURBED)
            if self._server.record.unsettled(self._begun):
                return
            self._hold([f"a second run in {directory.name} makes {again.writes} writes"] if again and again.writes else [])
            self._hold([f"a second run in {directory.name} ends with {again.code}"] if again and again.code else [])

    def _back(self, directory: Path, goal: Facts, troubles: Iterable[Trouble]) -> None:
        self._goal = Picture({})
        late, begun = bool(self._late), self._server.moment

        def job() -> Any:
            return self._undoing(directory)

        ended = None
        for trouble in [*troubles, UNDISTURBED]:
            self._settle(trouble)
            ended = self._attempt("rollback", job, [directory, directory / ROLLBACK], trouble)
        if ended is None or self._doubled or self._server.record.unsettled(self._begun):
            return
        failed = [row for row in ended.rows if row["status"] != "success"]
        poor, old = self._scenario.user == "poor", self._scenario.version in ("6.0", "6.5", "6.6", "6.12")
        excuses = self._excuses if self._scenario.settings["unit_route"] == "department" or poor else frozenset[str]()
        # What the making of a unit took along, such an account cannot give back there: it may not write the units that are there.
        excuses |= {"refused"} if poor and old else set()
        # What a late commit has made of things after it was written otherwise passes for somebody else's work.
        excuses |= {"changed-meanwhile"} if late or self._server.record.unsettled(begun) else set()
        self._hold(f"row {row['row']} of the rollback: {row['code']} {row['message']}" for row in failed if row["code"] not in excuses)
        if not failed:
            now = self._facts()
            self._hold(_differences(goal | self._made_late(directory / ROLLBACK, now), now))

    def _made_late(self, directory: Path, now: Facts) -> Facts:
        """What late commits have made after the attempts that reported the rows about it as success: nobody can know of that."""
        since = self._since.get(directory, {})

        def seen(key: tuple[str, ...]) -> int:
            about = [
                since.get(str(number), self._server.moment)
                for number, facts in enumerate(self._asked_facts, start=2)
                if any(key[1] in (*each[1:2], value) for each, value in facts.items())
            ]
            return min(about, default=self._server.moment)

        return {key: now.get(key) for key, moment in self._late.items() if moment > seen(key)}

    # --------------------------------------------------------------------------------------------------------- judging

    def _as_asked(self, start: Facts, ended: Ended) -> Iterator[str]:
        """Exactly what the sheet names has changed, as far as each row says that it is done."""
        meant: Facts = {}
        excused: set[tuple[str, ...]] = set()
        for asked, reported in zip(self._asked_facts, ended.rows, strict=True):
            if reported["status"] == "success":
                meant |= asked
            elif self._doubled or self._server.record.unsettled(self._begun):
                return
            elif reported["code"] in self._excuses:
                excused |= asked.keys()
            else:
                yield f"row {reported['row']} is {reported['code']}: {reported['message']}"
        if self._doubled:
            return
        now, expected = self._facts(), dict(start)
        for key, value in meant.items():
            expected |= {key: value} if key[0] != "place" else {key: _placed(start.get(key), value)}
        for key in meant:
            self._imply(key, meant, expected)
        expected |= self._made_late(self._run_dir, now)
        yield from _differences(
            {key: value for key, value in expected.items() if value not in (None, False) or key[0] in ("of", "field")}, now, excused
        )

    def _imply(self, key: tuple[str, ...], meant: Facts, expected: Facts) -> None:
        """A new unit comes into being with what is asked of it."""
        name = meant[key] if key[0] == "of" else key[1] if key[0] in ("visibility", "monitor") else None
        if isinstance(name, str) and name.startswith("new "):
            expected.setdefault(("unit", name), name.removeprefix("new "))
            expected.setdefault(("visibility", name), "public")

    def _judge(self, server: Server, call: Call, before: Picture, after: Picture) -> None:
        """No two units of one name, ever, unless the making of one of them came late, after the list was read for the other."""
        del before, after
        now = self._facts()
        for key in [key for key in self._last | now if self._last.get(key) != now.get(key)]:
            if self._late.get(key, 0) <= call.read:
                self._late.pop(key, None)
            if call.late:
                self._late[key] = server.moment
        self._last = now
        making = [came for target, _, came in server.record.strays if target[0] == "fields of unit"]
        self._doubled = self._doubled or (any(came > call.read for came in making) and any(key[0] == "two units" for key in now))
        if self._doubled:
            return
        names = Counter(one["name"].casefold() for one in server.sandbox.store.collection.values() if one.get("type") == "u")
        server.broken += [f"there are {count} units called {name}" for name, count in names.items() if count > 1]

    def _ended(self, code: int, directory: Path, trouble: Trouble, trigger: Trigger) -> Ended:
        del trouble, trigger
        rows = laws.results_of(directory)
        self.told.seen.update(f"row: {row['code']}" for row in rows if row["code"])
        self._note_since(directory, (row["row"] for row in rows if row["status"] == "success"))
        if (directory / JOURNAL_FILE).exists():
            done = self._done.setdefault(directory, {})
            self._hold(laws.success_stays(done, rows))
            done.update((row["row"], row) for row in rows if row["status"] == "success")
        return Ended(code=code, rows=rows, writes=self._server.writes)


def _placed(was: Any, wanted: Wanted) -> Any:
    if not wanted.present:
        return None
    count, order = was or (0, 0)
    return count, order if wanted.order is None else wanted.order


def _differences(expected: Facts, now: Facts, excused: Iterable[tuple[str, ...]] = ()) -> Iterator[str]:
    about = {key[1] for key in excused}
    for key in dict.fromkeys((*expected, *now)):
        if expected.get(key) != now.get(key) and key not in excused and key[1] not in about:
            yield f"{key} is {now.get(key)!r}, and should be {expected.get(key)!r}"
