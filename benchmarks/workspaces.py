"""Workspaces and sheets for the sandbox, and what it has seen of a run."""

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import msgspec

#: (Method, route) as the sandbox tells them.
Route = tuple[str, str]

#: (Department, agent), both as numbers.
Place = tuple[int, int]

LIST_DEPARTMENTS: Route = ("GET", "livechat/department")
GET_DEPARTMENT: Route = ("GET", "livechat/department/:id")
PUT_DEPARTMENT: Route = ("PUT", "livechat/department/:id")
POST_UNIT: Route = ("POST", "livechat/units/:id")


def workspace(parents: Sequence[int | None], *, units: int, agents: int, places: Mapping[Place, int]) -> dict[str, object]:
    """Departments d0 to the last in the units of these numbers, agents a0 to the last in the ``places`` with these orders.

    Besides an administrator there is a manager, whom the rate limit holds for.
    """
    fields = {"enabled": True, "showOnRegistration": True, "showOnOfflineForm": True, "email": "somebody@example.org", "type": "d"}
    inside, held = Counter(department for department, _ in places), Counter(parents)
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["admin"], "token": "token-admin"},
            {"_id": "u-manager", "username": "manager", "roles": ["livechat-manager"], "token": "token-manager"},
            *({"_id": f"a{number}", "username": f"agent{number}", "roles": ["livechat-agent"]} for number in range(agents)),
        ],
        "departments": [
            {"_id": f"d{number}", "name": f"Department {number}", "numAgents": inside[number], **fields}
            | ({} if parent is None else {"parentId": f"u{parent}", "ancestors": [f"u{parent}"]})
            for number, parent in enumerate(parents)
        ],
        "units": [
            {
                "_id": f"u{number}",
                "name": f"Unit {number}",
                "visibility": "public",
                "type": "u",
                "numMonitors": 0,
                "numDepartments": held[number],
            }
            for number in range(units)
        ],
        "unitMonitors": [],
        "departmentAgents": [
            {"_id": f"p{department}-{agent}", "agentId": f"a{agent}", "departmentId": f"d{department}", "username": f"agent{agent}"}
            | {"departmentEnabled": True, "count": 0, "order": order}
            for (department, agent), order in places.items()
        ],
    }


def write_sheet(path: Path, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV with these rows; returns its path."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([headers, *rows])
    return str(path)


def fetched(url: str) -> bytes:
    """What lies at an address of a server of ours."""
    with build_opener(ProxyHandler({})).open(url) as answer:
        return bytes(answer.read())


class Call(msgspec.Struct, frozen=True):
    """A call that the sandbox has received."""

    method: str
    route: str
    status: int
    time: float

    @property
    def kind(self) -> Route:
        """What has a limit of its own."""
        return self.method, self.route


@dataclass(frozen=True, slots=True)
class Calls:
    """Those of a run."""

    made: Sequence[Call]

    @property
    def counts(self) -> Counter[Route]:
        """By route, without those that were refused."""
        return Counter(call.kind for call in self.made if call.status != 429)

    @property
    def refused(self) -> int:
        """How many the rate limit refused."""
        return sum(call.status == 429 for call in self.made)

    @property
    def writes(self) -> int:
        """How many were no readings."""
        return sum(call.method != "GET" for call in self.made)

    @property
    def seconds(self) -> float:
        """From the first to the last, by the server's clock."""
        return max((call.time for call in self.made), default=math.nan) - min((call.time for call in self.made), default=math.nan)


def calls_at(url: str, since: float = 0.0) -> Calls:
    """All that a sandbox has received since a moment of its clock."""
    return Calls([call for call in msgspec.json.decode(fetched(f"{url}/_sandbox/calls"), type=list[Call]) if call.time >= since])


def held_at(url: str) -> tuple[list[int | None], dict[Place, int]]:
    """What a sandbox holds now, as `workspace` takes it: the departments' units, and the agents' places with their orders."""
    state = json.loads(fetched(f"{url}/_sandbox/state"))
    parents = [int(parent[1:]) if (parent := each.get("parentId")) else None for each in state["departments"]]
    return parents, {(int(each["departmentId"][1:]), int(each["agentId"][1:])): each["order"] for each in state["departmentAgents"]}
