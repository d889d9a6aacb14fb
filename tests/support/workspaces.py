"""Workspaces to run a job against."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.support.states import State

SAMPLES = Path(__file__).parents[2] / "samples"


def sample_workspace() -> State:
    """The workspace of `samples/`."""
    state: State = json.loads((SAMPLES / "workspace.json").read_text(encoding="utf-8"))
    return state


def small_workspace() -> State:
    """Three departments in two units and one in none, three agents, and accounts of all kinds; only `admin` is not limited by anything."""
    return deepcopy(_SMALL)


def _user(name: str, *roles: str) -> State:
    return {"_id": f"u-{name}", "username": name, "roles": ["user", *roles]}


def _department(identifier: str, unit: str | None, **more: Any) -> State:
    whole: State = {
        "_id": identifier,
        "name": identifier.capitalize(),
        "email": f"{identifier}@example.org",
        "enabled": True,
        "showOnRegistration": True,
        "showOnOfflineForm": False,
        "type": "d",
        "numAgents": 0,
        **more,
    }
    return {**whole, "parentId": unit, "ancestors": [unit]} if unit else whole


def _unit(identifier: str, count: int) -> State:
    return {"_id": identifier, "name": identifier.upper(), "visibility": "public", "type": "u", "numMonitors": 1, "numDepartments": count}


_SMALL: State = {
    "license": ["livechat-enterprise"],
    "users": [
        _user("admin", "admin"),
        _user("manager", "livechat-manager"),
        _user("monitor", "livechat-monitor"),
        _user("second", "livechat-monitor"),
        _user("custom", "custom"),
        _user("ann", "livechat-agent"),
        _user("bob", "livechat-agent"),
        _user("cid", "livechat-agent"),
    ],
    "departments": [
        _department("alpha", "north", numAgents=2, description="first", waitingQueueMessage="wait"),
        _department("beta", "north", numAgents=1),
        _department("gamma", "south"),
        _department("old", "south", archived=True, enabled=False),
        _department("free", None),
    ],
    "units": [_unit("north", 2), _unit("south", 2)],
    "unitMonitors": [
        {"_id": "m1", "monitorId": "u-monitor", "username": "monitor", "unitId": "north"},
        {"_id": "m2", "monitorId": "u-second", "username": "second", "unitId": "south"},
    ],
    "departmentAgents": [
        {"_id": "p1", "agentId": "u-ann", "departmentId": "alpha", "username": "ann", "departmentEnabled": True, "count": 7, "order": 1},
        {"_id": "p2", "agentId": "u-bob", "departmentId": "alpha", "username": "bob", "departmentEnabled": True, "count": 3, "order": 2},
        {"_id": "p3", "agentId": "u-bob", "departmentId": "beta", "username": "bob", "departmentEnabled": True, "count": 5, "order": 0},
    ],
}
