"""What happens in one simulation, all of it from its seed: the workspace, the sheet, the settings, the trouble."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.states import State

TOKEN = "s3cret-Zx9-of-the-service-account"

NAMES = {"a0": "anna", "a1": "boris", "a2": "chen", "a3": "dalia", "a4": "emil", "a5": "farid"}
"""Agents' usernames by id. No two are a letter apart: who removes somebody unknown is asked whether he means such a one."""

#: Newer ones more often: they are where the routes differ.
VERSIONS = ("6.0", "6.5", "6.6", "6.12", "6.13", "6.13", "7.0", "7.0", "7.5", "8.0")

#: A fault of one kind on any call, on writes, on one route, once or with some probability.
KINDS = ("reset-before", "reset-after", "timeout", "timeout-after", "429", "500", "502", "503", "504", "truncate", "restart", "forget")
ROUTES = (
    "",
    "",
    "@PUT",
    "@POST livechat/units/:id",
    "@POST livechat/department/:id/agents",
    "@GET livechat/department*",
    "@GET livechat/units*",
)

KEEP = "keep"
"""The unit of a row that says nothing about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An agent's place as rows ask for it."""

    present: bool
    count: int | None = None
    order: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the sheet, and what it means."""

    cells: Mapping[str, str]
    department: str
    unit: str | None = KEEP
    agent: str = ""
    wanted: Wanted | None = None
    invalid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What disturbs one attempt."""

    faults: str = ""
    end: str = ""
    """Blank, ``kill``, ``interrupt``, or ``twice`` for a second interrupt some steps after the first."""
    after_writes: int = 0
    """The end comes once so many writes have begun …"""
    after_steps: int = 0
    """… and the loop has gone so many steps more."""
    second_after: int = 0
    """Steps from the first interrupt to the second."""
    tears: bool = False
    """Whether a kill loses what the disk was not told to keep."""
    edits: float = 0.0
    """The probability with which a colleague edits something while a call is on its way."""
    chats: float = 0.0
    """The probability with which a chat comes in meanwhile."""
    leaves: float = 0.0
    """The probability with which an agent loses the role, or is deleted, meanwhile."""
    late: float = 0.0
    """The share of the writes that are carried out late (`late`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One simulation."""

    seed: int
    state: State = field(repr=False)
    rows: tuple[Row, ...]
    user: str
    version: str
    rate_limit: str
    latencies: tuple[float, ...]
    sync: float
    """Seconds that the disk takes to keep what it was given."""
    settings: Mapping[str, Any]
    runs: tuple[Trouble, ...]
    """The attempts before the undisturbed one."""
    finishes: bool
    """Whether an undisturbed attempt follows, or the run is left half-finished."""
    between: Trouble
    """What colleagues and chats do between the run and its rollback."""
    rollbacks: tuple[Trouble, ...] | None
    """The rollback's attempts before the undisturbed one; None for no rollback."""
    returns: tuple[Trouble, ...] | None
    """The same of the rollback's rollback."""
    settles: bool = True
    """Whether late commits come before each undisturbed attempt, or whenever they like."""


def plain_scenario_of(seed: int) -> Scenario:
    """The simulation of a seed, without what `more` gives the later ones."""
    scenario = _scenario(seed)
    # Drawn apart, so that the seeds that have found something stay what they are.
    chance = random.Random(f"bulkjob restarting {seed}")  # noqa: S311 - must be the same again for the same seed
    if chance.random() >= 0.1:
        return scenario
    runs = tuple(_with_restart(chance, trouble) for trouble in scenario.runs)
    return replace(scenario, runs=runs, rollbacks=scenario.rollbacks and tuple(_with_restart(chance, one) for one in scenario.rollbacks))


def _scenario(seed: int) -> Scenario:
    chance = random.Random(f"bulkjob {seed}")  # noqa: S311 - must be the same again for the same seed
    state = _workspace(chance)
    skip_invalid = chance.random() < 0.1
    mirror = not skip_invalid and chance.random() < 0.25
    version = chance.choice(VERSIONS)
    route = chance.choice(["auto", "auto", "auto", "unit", "department"])
    if route == "department" and _release(version) < (6, 13) and chance.random() < 0.9:
        version = "7.0"
    rows = _sheet(chance, state, bad=skip_invalid)
    colleague = chance.random() < 0.3
    chats = chance.random() < 0.25
    calm = chance.random() < 0.15

    def troubles(most: int) -> tuple[Trouble, ...]:
        times = chance.choice([0, *range(1, most + 1), *range(1, most + 1)])
        return tuple(_trouble(chance, calm=calm, edits=colleague, chats=chats) for _ in range(times))

    return Scenario(
        seed=seed,
        state=state,
        rows=rows,
        user=chance.choice(["admin", "boss"]),
        version=version,
        rate_limit=chance.choice(["off", "off", "10/60", "3/5", "2/1", "20/2"]),
        latencies=chance.choice([(0.0,), (0.001, 0.01, 0.2, 1.0), (0.05,), (0.01, 8.0)]),
        sync=chance.choice([0.0, 0.0, 0.003, 0.3]),
        settings={
            "concurrency": chance.choice([1, 2, 3, 4, 8, 8, 16]),
            "retries": chance.choice([1, 2, 3, 5, 5]),
            "agents": "mirror" if mirror else "add",
            "unit_route": route,
            "skip_invalid": skip_invalid,
            "max_failures": chance.choice([0, 0, 25, 1, 2]),
            "grace": chance.choice([0.0, 0.1, 2.0, 20.0, 20.0]),
        },
        runs=troubles(3),
        finishes=chance.random() < 0.75,
        between=Trouble(edits=0.5 if colleague else 0.0, chats=0.5 if chats else 0.0),
        rollbacks=troubles(2) if chance.random() < 0.7 else None,
        returns=troubles(1) if chance.random() < 0.4 else None,
    )


def _release(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)


# --------------------------------------------------------------------------------------------------------------- workspace


def _workspace(chance: random.Random) -> State:
    """A workspace that is consistent in itself: up to eight departments, four units, six agents."""
    units = [f"u{number}" for number in range(chance.choice([0, 1, 2, 2, 3, 3, 4]))]
    agents = [f"a{number}" for number in range(chance.randint(1, 6))]
    departments: list[State] = []
    places: list[State] = []
    for number in range(chance.randint(1, 8)):
        identifier = f"d{number}"
        unit = chance.choice([None, *units, *units, *units]) if units else None
        archived = chance.random() < 0.1
        members = [agent for agent in agents if chance.random() < 0.35]
        department: State = {
            "_id": identifier,
            "name": f"Department {number}",
            "email": f"{identifier}@example.org",
            "enabled": not archived,
            "showOnRegistration": chance.random() < 0.5,
            "showOnOfflineForm": chance.random() < 0.5,
            "type": "d",
            "numAgents": len(members),
            "archived": archived,
            "description": "as it was",
            "chatClosingTags": ["x"],
        }
        if unit:
            department |= {"parentId": unit, "ancestors": [unit]}
        if chance.random() < 0.06:
            del department["email"]
        departments.append(department)
        for agent in members:
            place = {"_id": f"p{len(places)}", "agentId": agent, "departmentId": identifier, "username": NAMES[agent]}
            numbers = {"count": chance.randint(0, 4), "order": chance.randint(0, 2), "departmentEnabled": not archived}
            places.append({**place, **numbers})
    monitors = _monitors(chance, units)
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "admin", "username": "admin", "roles": ["admin"], "token": TOKEN},
            {"_id": "boss", "username": "boss", "roles": ["livechat-manager"], "token": TOKEN},
            {"_id": "w0", "username": "watch", "roles": ["livechat-monitor"]},
            {"_id": "w1", "username": "retired", "roles": ["user"]},
            *({"_id": agent, "username": NAMES[agent], "roles": ["livechat-agent"]} for agent in agents),
        ],
        "departments": departments,
        "units": [
            {
                "_id": unit,
                "name": f"Unit {unit[1:]}",
                "visibility": chance.choice(["public", "private"]),
                "type": "u",
                "numMonitors": sum(monitor["unitId"] == unit for monitor in monitors),
                "numDepartments": sum(department.get("parentId") == unit for department in departments),
            }
            for unit in units
        ],
        "unitMonitors": monitors,
        "departmentAgents": places,
    }


def _monitors(chance: random.Random, units: list[str]) -> list[State]:
    """Some units' monitors; few of them hold the role no longer."""
    found: list[State] = []
    for unit in units:
        if chance.random() < 0.5:
            found.append({"_id": f"m{len(found)}", "monitorId": "w0", "username": "watch", "unitId": unit})
        if chance.random() < 0.05:
            found.append({"_id": f"m{len(found)}", "monitorId": "w1", "username": "retired", "unitId": unit})
    return found


# ------------------------------------------------------------------------------------------------------------------- sheet


def _sheet(chance: random.Random, state: State, *, bad: bool) -> tuple[Row, ...]:
    """Rows that do not contradict each other, in any order, some of them twice; with ``bad``, some that name nobody."""
    agents = [user["_id"] for user in state["users"] if user["roles"] == ["livechat-agent"]]
    units = [unit["_id"] for unit in state["units"]]
    movers = chance.choice([0.2, 0.5, 0.8])
    changers = chance.choice([0.05, 0.2, 0.4])
    spelt = {department["_id"]: chance.choice([department["_id"], department["name"]]) for department in state["departments"]}
    rows: list[Row] = []
    for department, spelling in spelt.items():
        unit = chance.choice([*units, *units, None]) if chance.random() < movers else KEEP
        places = {agent: _wanted(chance) for agent in agents if chance.random() < changers}
        shared = chance.random() < 0.5 and bool(places)
        if unit != KEEP and not shared:
            rows.append(_row(spelling, department, unit))
        rows += [
            _row(spelling, department, unit if shared and chance.random() < 0.7 else KEEP, agent, wanted)
            for agent, wanted in places.items()
        ]
        if bad and chance.random() < 0.3:
            rows.append(Row(cells={"department": spelling, "agent": "nobody"}, department=department, invalid=True))
    if not rows:
        department = chance.choice(list(spelt))
        rows.append(_row(spelt[department], department, KEEP, chance.choice(agents), _wanted(chance)))
    rows += [row for row in rows if chance.random() < 0.1]
    chance.shuffle(rows)
    return tuple(rows)


def _wanted(chance: random.Random) -> Wanted:
    if chance.random() < 0.3:
        return Wanted(present=False)
    numbers = [chance.choice([None, None, 0, 1, 2, 3]) for _ in range(2)]
    return Wanted(present=True, count=numbers[0], order=numbers[1])


def _row(spelling: str, department: str, unit: str | None, agent: str = "", wanted: Wanted | None = None) -> Row:
    cells = {"department": spelling, "unit": {KEEP: "", None: "-"}.get(unit, unit or "")}
    if wanted is not None:
        cells |= {
            "agent": f"@{NAMES[agent]}" if agent in ("a1", "a3") else agent,
            "count": "" if wanted.count is None else str(wanted.count),
            "order": "" if wanted.order is None else str(wanted.order),
            "action": "" if wanted.present else "remove",
        }
    return Row(cells=cells, department=department, unit=unit, agent=agent, wanted=wanted)


# ----------------------------------------------------------------------------------------------------------------- trouble


def _trouble(chance: random.Random, *, calm: bool, edits: bool, chats: bool) -> Trouble:
    """What disturbs one attempt; in ``calm`` there is nothing but its end."""
    faults = "" if calm else ",".join(_fault(chance) for _ in range(chance.choice([0, 0, 1, 1, 2])))
    return Trouble(
        faults=faults,
        end=chance.choice(["", "kill", "kill", "kill", "interrupt", "interrupt", "twice"]),
        after_writes=chance.choice([0, 1, 1, 1, 1, 2, 2, 3, 5]),
        after_steps=chance.choice([chance.randint(0, 12), chance.randint(0, 60)]),
        second_after=chance.randint(1, 30),
        tears=chance.random() < 0.5,
        edits=chance.choice([0.05, 0.3]) if edits else 0.0,
        chats=chance.choice([0.1, 0.5]) if chats else 0.0,
    )


def _with_restart(chance: random.Random, trouble: Trouble) -> Trouble:
    """A server that is away for a while, shorter or longer than a call has patience, beside all else."""
    fault = f"refuse={chance.choice([0.5, 3.0, 20.0, 50.0])}+{chance.randint(0, 30)}x1"
    return replace(trouble, faults=",".join(filter(None, [trouble.faults, fault])))


def _fault(chance: random.Random) -> str:
    kind = chance.choice(KINDS)
    probability = chance.choice(["", ":0.1", ":0.3", ":0.6"])
    route = chance.choice(ROUTES)
    skip = chance.choice(["", "+1", f"+{chance.randint(2, 25)}"])
    times = chance.choice(["x1", "x1", "x2", "x5", ""])
    return f"{kind}{probability}{route}{skip}{times}"
