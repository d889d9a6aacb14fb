"""What a write is made from has been read just before it, however the windows of the rate limit lie: on virtual time."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from bulkjob.rocketchat import Request
from bulkjob.settings import MaxRemovals
from bulkjob.vocabulary import Exit
from tests.support.rehearsal import rehearse
from tests.support.rollbacks import roll_back
from tests.support.states import State

#: Two lists may be begun so many seconds apart, and a call takes a quarter of one.
OF_ONE_TIME = 6.0

Sheet = str | list[dict[str, str]]


class Ages:
    """How old what a write is made from was when it went out: the longest times, in seconds, by what was read."""

    def __init__(self) -> None:
        self.read: dict[str, float] = {}
        self.longest: dict[str, float] = {}

    def __call__(self, _: Any, request: Request[Any]) -> None:
        now, path = asyncio.get_running_loop().time(), request.path.removeprefix("/api/v1/livechat/")
        if request.route.method == "GET":
            self.read[path] = now
            return
        for needed in self._made_from(request.route.method, path):
            self.longest[needed] = max(self.longest.get(needed, 0.0), now - self.read[needed])

    def _made_from(self, method: str, path: str) -> list[str]:
        if path == "units":
            return ["units", "department"]
        if re.fullmatch(r"units/[^/]+", path):
            return ["department", f"{path}/monitors", path if method == "POST" else "units"]
        return [path]

    @property
    def old(self) -> dict[str, float]:
        """Those that are older than what is read at one time."""
        return {needed: age for needed, age in self.longest.items() if age > OF_ONE_TIME}


def workspace(units: int, departments: int) -> State:
    """A unit has its departments in turn, and each department an agent."""
    fields = {"email": "x@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True, "type": "d", "numAgents": 1}
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-manager", "username": "manager", "roles": ["livechat-manager"]},
            {"_id": "u-ann", "username": "ann", "roles": ["livechat-agent"]},
            {"_id": "u-bob", "username": "bob", "roles": ["livechat-agent"]},
        ],
        "departments": [
            {"_id": f"d-{number}", "name": f"dep {number}", "parentId": f"unit-{number % units}", **fields} for number in range(departments)
        ],
        "units": [
            {"_id": f"unit-{number}", "name": f"unit {number}", "visibility": "public", "type": "u", "numMonitors": 0}
            | {"numDepartments": len(range(number, departments, units))}
            for number in range(units)
        ],
        "departmentAgents": [
            {"_id": f"r-{number}", "agentId": "u-ann", "departmentId": f"d-{number}", "username": "ann", "count": 1, "order": 1}
            for number in range(departments)
        ],
    }


def visibilities() -> tuple[State, Sheet]:
    return workspace(14, 14), "unit,unit visibility\n" + "".join(f"unit {number},private\n" for number in range(14))


def agents() -> tuple[State, Sheet]:
    moved = [{"department": f"dep {number}", "unit": f"unit {(number + 1) % 8}"} for number in range(12)]
    came = [{"department": f"dep {number}", "agent": "bob", "order": "3"} for number in range(0, 24, 2)]
    left = [{"department": f"dep {number}", "agent": "ann", "action": "remove"} for number in range(1, 24, 2)]
    return workspace(8, 24), [*moved, *came, *left]


def new_units() -> tuple[State, Sheet]:
    new = [{"department": f"dep {number}", "unit": f"new {number % 12}"} for number in range(24)]
    return workspace(12, 48), [*new, *({"department": f"dep {number}", "unit": f"unit {number % 11}"} for number in range(24, 48))]


@pytest.mark.parametrize("rate_limit", ["10/60", "3/60", "2/60"])
@pytest.mark.parametrize("made", [visibilities, agents, new_units])
def test_what_a_write_is_made_from_is_fresh(tmp_path: Path, made: Any, rate_limit: str) -> None:
    """No part of it waits for its turn while another one, which somebody may change meanwhile, has been read; nor on the way back."""
    state, sheet = made()
    ages = Ages()
    most = MaxRemovals(count=99)
    ran = rehearse(tmp_path, state, sheet, user="manager", rate_limit=rate_limit, meddle=ages, create_units=True, max_removals=most)
    assert (ran.exit, ages.old) == (Exit.OK, {})
    assert ages.longest
    back = Ages()
    rolled = roll_back(tmp_path / "run", ran.after, user="manager", rate_limit=rate_limit, meddle=back)
    assert (rolled.exit, back.old) == (Exit.OK, {})
    assert back.longest
