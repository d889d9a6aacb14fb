"""A workspace for doctor to look at, and what it found there."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bulkjob.doctor.finding import Finding, State
from bulkjob.doctor.findings import exit_code_of
from bulkjob.sandbox.state import DEFAULT_PERMISSIONS
from bulkjob.vocabulary import Exit

SECRET = "s3cret-Zx9-of-the-service-account"
URL = "https://chat.example.org"
READ = ("view-livechat-departments", "transfer-livechat-guest")


def missing(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.what for finding in findings if finding.state is State.MISSING]


def hints(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.what for finding in findings if finding.state is State.HINT]


def one(findings: tuple[Finding, ...], what: str) -> Finding:
    [finding] = [finding for finding in findings if finding.what == what]
    return finding


def department(name: str, unit: str | None = None) -> dict[str, Any]:
    fields = {"_id": name, "name": name.title(), "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True, "type": "d"}
    return {**fields, "email": f"{name}@example.org", **({"parentId": unit, "ancestors": [unit]} if unit else {})}


def workspace(**changes: Any) -> dict[str, Any]:
    """Two units, four departments, three agents, and an account of each kind."""
    people = {
        "admin": ["admin"],
        "manager": ["user", "livechat-manager"],
        "monitor": ["user", "livechat-monitor"],
        "stranger": ["user", "livechat-monitor"],
        "agent": ["user", "livechat-agent"],
        "other": ["user", "livechat-agent"],
        "nobody": ["user"],
        "robot": ["user", "custom"],
    }
    state: dict[str, Any] = {
        "license": ["livechat-enterprise"],
        "users": [{"_id": f"u-{name}", "username": name, "roles": held} for name, held in people.items()],
        "units": [{"_id": f"unit-{name}", "name": name.title(), "visibility": "public", "type": "u"} for name in ("north", "south")],
        "departments": [
            department("sales", "unit-north"),
            department("help", "unit-north"),
            department("post", "unit-south"),
            department("web"),
        ],
        "departmentAgents": [
            {
                "_id": "p1",
                "agentId": "u-agent",
                "departmentId": "sales",
                "username": "agent",
                "departmentEnabled": True,
                "count": 3,
                "order": 0,
            }
        ],
        "unitMonitors": [{"_id": "m1", "monitorId": "u-monitor", "unitId": "unit-north", "username": "monitor"}],
        "permissions": copy.deepcopy(dict(DEFAULT_PERMISSIONS)),
    }
    return {**state, **changes}


def granted(*permissions: str) -> dict[str, Any]:
    """Permissions in which the role ``custom`` has exactly these."""
    held = copy.deepcopy(dict(DEFAULT_PERMISSIONS))
    return {"permissions": {name: [*(names or ()), *(["custom"] if name in permissions else [])] for name, names in held.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What doctor found, and what the server saw of it."""

    findings: tuple[Finding, ...]
    lines: list[str]
    calls: list[dict[str, Any]]
    seconds: float

    @property
    def code(self) -> Exit:
        return exit_code_of(self.findings)

    @property
    def missing(self) -> list[str]:
        return missing(self.findings)

    def one(self, what: str) -> Finding:
        return one(self.findings, what)


Examine = Callable[..., Seen]


MOVES = "department,unit,agent\nSales,South,\nWeb,,@other\n"
AGENTS = "department,agent\nWeb,other\n"
UNITS = "department,unit\nSales,South\n"
