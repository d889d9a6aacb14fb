"""A workspace that can be in one of two states, and the sheet that takes it from either into the other."""

import csv
from pathlib import Path
from typing import Any

from tests.support.states import State, differences, parents, places

#: Of one answer of the sandbox, so that a run of some sixty calls takes long enough to be hit.
LATENCY_MS = 16
UNITS, AGENTS = 3, 6
#: So many departments exchange an agent and change their unit; as many more only change an agent's order.
EXCHANGES = 12


def workspace() -> State:
    """Departments whose units and agents are those of turn 0."""
    moved = [f"d{number}" for number in range(EXCHANGES)]
    stays = [f"s{number}" for number in range(EXCHANGES)]
    agents = [
        {
            "agentId": f"u-a{agent}",
            "departmentId": department,
            "username": f"a{agent}",
            "departmentEnabled": True,
            "count": 5,
            "order": order,
        }
        for department, agent, order in (
            *((name, number % AGENTS, 0) for number, name in enumerate(moved)),
            *((name, number % AGENTS, 1) for number, name in enumerate(stays)),
            *((name, AGENTS, 3) for name in (*moved, *stays)),
        )
    ]
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["user", "admin"]},
            {"_id": "u-manager", "username": "manager", "roles": ["user", "livechat-manager"]},
            {"_id": "u-monitor", "username": "monitor", "roles": ["user", "livechat-monitor"]},
            *({"_id": f"u-a{agent}", "username": f"a{agent}", "roles": ["user", "livechat-agent"]} for agent in range(AGENTS + 1)),
        ],
        "departments": [
            *(_department(name, f"unit{number % UNITS}", agents=2) for number, name in enumerate(moved)),
            *(_department(name, "unit0", agents=2) for name in stays),
        ],
        "units": [
            {"_id": f"unit{unit}", "name": f"Unit {unit}", "visibility": "public", "type": "u", "numMonitors": 1, "numDepartments": count}
            for unit, count in ((0, EXCHANGES + EXCHANGES // UNITS), (1, EXCHANGES // UNITS), (2, EXCHANGES // UNITS))
        ],
        "unitMonitors": [
            {"_id": f"m{unit}", "monitorId": "u-monitor", "username": "monitor", "unitId": f"unit{unit}"} for unit in range(UNITS)
        ],
        "departmentAgents": [{"_id": f"p{number}", **agent} for number, agent in enumerate(agents)],
    }


def _department(identifier: str, unit: str, *, agents: int) -> State:
    return {
        "_id": identifier,
        "name": identifier.upper(),
        "email": f"{identifier}@example.org",
        "enabled": True,
        "showOnRegistration": True,
        "showOnOfflineForm": False,
        "type": "d",
        "numAgents": agents,
        "parentId": unit,
        "ancestors": [unit],
    }


class Turn:
    """One of the two places in which everything can be; a sheet for each, so that every run has the same work to do."""

    def __init__(self, number: int) -> None:
        self._number = number

    @property
    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Of the sheet: department, unit, agent, order, action."""
        rows = []
        for number in range(EXCHANGES):
            name, unit = f"d{number}", f"unit{(number + self._number) % UNITS}"
            rows.append((name, unit, f"a{(number + self._number) % AGENTS}", "", "add"))
            rows.append((name, "", f"a{(number + 1 - self._number) % AGENTS}", "", "remove"))
        return [*rows, *((f"s{number}", "", f"a{number % AGENTS}", str(1 + self._number), "") for number in range(EXCHANGES))]

    def sheet(self, folder: Path) -> Path:
        """The sheet as a file."""
        path = folder / f"turn{self._number}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("department", "unit", "agent", "order", "action"), *self.rows])
        return path

    def wrong(self, before: State, after: State) -> list[str]:
        """Where the state is anything else than the one before with what the sheet asks for."""
        units = {f"d{number}": f"unit{(number + self._number) % UNITS}" for number in range(EXCHANGES)}
        agents: dict[tuple[str, str], Any] = {}
        for number in range(EXCHANGES):
            stays, goes = (f"u-a{(number + place) % AGENTS}" for place in (self._number, 1 - self._number))
            agents[f"d{number}", goes] = None
            agents[f"d{number}", stays] = places(before).get((f"d{number}", stays), (0, 0))
            agents[f"s{number}", f"u-a{number % AGENTS}"] = (5, 1 + self._number)
        return differences(before, after, units=units, agents=agents)

    def holds(self, state: State, row: int) -> bool:
        """Whether a row of the sheet (numbered as the spreadsheet shows it) is so."""
        department, unit, agent, order, action = self.rows[row - 2]
        place = places(state).get((department, f"u-{agent}"))
        if unit and parents(state)[department] != unit:
            return False
        return (place is None) if action == "remove" else place is not None and order in ("", str(place[1]))
