"""A workspace in memory: departments and units in one collection, as the server keeps them, with the indexes its rules need.

Documents are plain dictionaries, as in the database. A stored document changes only through the methods of `State`, and
values inside it are replaced, never changed in place, so that an answer can hold a document without copying it.

There are no transactions, as on the server: each change of one document is a step of its own, and a write can break off between two.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from bulkjob.sandbox.state_file import DEFAULT_PERMISSIONS, DEFAULT_SETTINGS, EXTRAS, Document, examine

__all__ = ["DEFAULT_PERMISSIONS", "DEFAULT_SETTINGS", "UNIT", "Broken", "Document", "State"]

UNIT: Final = "u"


class Broken(Exception):
    """The database gives up: what was written stays, and nothing more is written."""


class State:
    """Everything that is stored. Ids and times of what is added come from `rng` and `clock` (epoch seconds)."""

    def __init__(self, given: Mapping[str, Any], *, clock: Callable[[], float], rng: random.Random) -> None:
        """Take a copy of `given`; raise ValueError with one sentence if it is not a workspace."""
        examine(given)
        copy: dict[str, Any] = json.loads(json.dumps(dict(given)))
        self._clock = clock
        self._rng = rng
        self.license: list[str] = copy.get("license", [])
        self.settings: dict[str, Any] = copy.get("settings", dict(DEFAULT_SETTINGS))
        self.permissions: dict[str, list[str] | None] = copy.get("permissions", dict(DEFAULT_PERMISSIONS))
        self.users: dict[str, Document] = {user["_id"]: user for user in copy.get("users", [])}
        self.monitors: dict[str, Document] = {row["_id"]: row for row in copy.get("unitMonitors", [])}
        self.collection: dict[str, Document] = {}
        """Departments and units by id, in the order of their creation."""
        self._children: dict[str, dict[str, None]] = {}
        self._rows: dict[str, Document] = {}
        self._rows_of_department: dict[str, dict[str, Document]] = {}
        self._rows_of_agent: dict[tuple[str, str], list[Document]] = {}
        for document in copy.get("departments", []):
            self._store(document)
        for document in copy.get("units", []):
            self._store({**document, "type": UNIT})
        for row in copy.get("departmentAgents", []):
            self._store_row(row)
        self._extras: dict[str, dict[str, Document]] = {
            key: {document["_id"]: document for document in copy[key]} for key in EXTRAS if key in copy
        }
        self.steps = 0
        """How many documents were changed, made or deleted so far."""
        self._before_step: Callable[[], None] = _nothing

    def dump(self) -> dict[str, Any]:
        """A deep copy of everything, with all keys that a state file may have."""
        documents = self.collection.values()
        whole = {
            "license": self.license,
            "settings": self.settings,
            "permissions": self.permissions,
            "users": list(self.users.values()),
            "departments": [document for document in documents if document.get("type") != UNIT],
            "departmentAgents": list(self._rows.values()),
            "units": [document for document in documents if document.get("type") == UNIT],
            "unitMonitors": list(self.monitors.values()),
            **{key: list(documents.values()) for key, documents in self._extras.items()},
        }
        copy: dict[str, Any] = json.loads(json.dumps(whole))
        return copy

    # Steps

    @contextmanager
    def breaking_off(self, after: int) -> Iterator[None]:
        """Raise `Broken` in the place of any step beyond so many, for as long as the context lasts."""
        last = self.steps + after

        def stop() -> None:
            if self.steps >= last:
                raise Broken

        with self._interrupted(stop):
            yield

    @contextmanager
    def preceded(self, by: Callable[[], None]) -> Iterator[None]:
        """Call `by` once before the first step, if any is taken while the context lasts."""

        def once() -> None:
            self._before_step = _nothing
            by()

        with self._interrupted(once):
            yield

    @contextmanager
    def _interrupted(self, by: Callable[[], None]) -> Iterator[None]:
        self._before_step = by
        try:
            yield
        finally:
            self._before_step = _nothing

    def _step(self) -> None:
        self._before_step()
        self.steps += 1

    def now(self) -> str:
        """The time as the server writes it: ISO 8601 in milliseconds, UTC."""
        moment = datetime.fromtimestamp(int(self._clock() * 1000) / 1000, tz=UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    def new_id(self) -> str:
        """An id as the database makes them (24 hex digits) that nothing has yet."""
        while True:
            made = f"{self._rng.getrandbits(96):024x}"
            if made not in self.collection and made not in self._rows and made not in self.monitors:
                return made

    # Licence, permissions, roles

    @property
    def premium(self) -> bool:
        """Whether the licence has the module that units and monitors belong to."""
        return "livechat-enterprise" in self.license

    def may(self, user: Document, permission: str) -> bool:
        """Whether one of the user's roles holds the permission."""
        return not set(self.permissions.get(permission) or ()).isdisjoint(user.get("roles", ()))

    # Departments and units

    def get(self, document_id: str) -> Document | None:
        """The department or unit with this id."""
        return self.collection.get(document_id)

    def get_unit(self, unit_id: str) -> Document | None:
        """The unit with this id; None also where it is a department's."""
        document = self.collection.get(unit_id)
        return document if document is not None and document.get("type") == UNIT else None

    def children(self, unit_id: str) -> list[str]:
        """Ids of what has this unit as ``parentId``."""
        return list(self._children.get(unit_id, ()))

    def count_children(self, unit_id: str) -> int:
        """How many documents have this unit as ``parentId``."""
        return len(self._children.get(unit_id, ()))

    def insert(self, fields: Document) -> Document:
        """Store a new department or unit and return it; it gets an id unless it brings one."""
        document = {"_id": self.new_id(), **fields, "_updatedAt": self.now()}
        self._step()
        self._store(document)
        return document

    def update(self, document_id: str, fields: Mapping[str, Any], *, unset: tuple[str, ...] = ()) -> None:
        """Set and unset fields of a department or unit and stamp it; nothing happens if there is none."""
        if document_id not in self.collection:
            return
        self._step()
        document = self.collection.get(document_id)
        if document is None:
            return
        before = document.get("parentId")
        document.update(fields)
        document["_updatedAt"] = self.now()
        for key in unset:
            document.pop(key, None)
        if document.get("parentId") != before:
            self._unlink(document_id, before)
            self._link(document_id, document.get("parentId"))

    def increment_departments(self, unit_id: str, by: int) -> None:
        """Move a unit's ``numDepartments`` from whatever it is; nothing happens if there is no such unit."""
        document = self.collection.get(unit_id)
        if document is not None:
            self.update(unit_id, {"numDepartments": document.get("numDepartments", 0) + by})

    def delete(self, document_id: str) -> int:
        """Forget a department or unit, and nothing else; return how many were there, which may be none by now."""
        self._step()
        document = self.collection.pop(document_id, None)
        if document is None:
            return 0
        self._unlink(document_id, document.get("parentId"))
        return 1

    def _store(self, document: Document) -> None:
        self.collection[document["_id"]] = document
        self._link(document["_id"], document.get("parentId"))

    def _link(self, document_id: str, parent_id: object) -> None:
        if isinstance(parent_id, str) and parent_id:
            self._children.setdefault(parent_id, {})[document_id] = None

    def _unlink(self, document_id: str, parent_id: object) -> None:
        if isinstance(parent_id, str) and parent_id:
            self._children.get(parent_id, {}).pop(document_id, None)

    # Agents of departments

    def rows(self) -> Iterator[Document]:
        """Every agent's place in every department."""
        return iter(self._rows.values())

    def rows_of(self, department_id: str) -> list[Document]:
        """The places of one department, in the order of their creation."""
        return list(self._rows_of_department.get(department_id, {}).values())

    def count_rows(self, department_id: str) -> int:
        """How many places a department has."""
        return len(self._rows_of_department.get(department_id, ()))

    def save_row(self, department_id: str, agent_id: str, fields: Document) -> None:
        """Write an agent's place in a department: the first that is stored, else a new one."""
        self._step()
        stored = self._rows_of_agent.get((department_id, agent_id))
        stamped = {**fields, "_updatedAt": self.now()}
        if stored:
            stored[0].update(stamped)
        else:
            self._store_row({"_id": self.new_id(), "agentId": agent_id, "departmentId": department_id, **stamped})

    def enable_rows(self, department_id: str, *, enabled: object) -> None:
        """Write ``departmentEnabled`` into each place of a department."""
        for row in self.rows_of(department_id):
            self._step()
            row.update({"departmentEnabled": enabled, "_updatedAt": self.now()})

    def remove_agent(self, department_id: str, agent_id: str) -> None:
        """Take an agent out of a department, duplicates included."""
        if (department_id, agent_id) in self._rows_of_agent:
            self._step()
        for row in self._rows_of_agent.pop((department_id, agent_id), ()):
            del self._rows[row["_id"]]
            del self._rows_of_department[department_id][row["_id"]]

    def remove_rows(self, department_id: str) -> None:
        """Take every agent out of a department."""
        for agent_id in dict.fromkeys(row["agentId"] for row in self.rows_of(department_id)):
            self.remove_agent(department_id, agent_id)

    def _store_row(self, row: Document) -> None:
        self._rows[row["_id"]] = row
        self._rows_of_department.setdefault(row["departmentId"], {})[row["_id"]] = row
        self._rows_of_agent.setdefault((row["departmentId"], row["agentId"]), []).append(row)

    # Monitors of units

    def monitors_of(self, unit_id: str) -> list[Document]:
        """A unit's monitors."""
        return [row for row in self.monitors.values() if row["unitId"] == unit_id]

    def save_monitor(self, unit_id: str, monitor_id: str, username: str) -> None:
        """Write one monitor of a unit."""
        self._step()
        stamped = {"username": username, "_updatedAt": self.now()}
        for row in self.monitors.values():
            if row["unitId"] == unit_id and row["monitorId"] == monitor_id:
                row.update(stamped)
                return
        made = self.new_id()
        self.monitors[made] = {"_id": made, "monitorId": monitor_id, "unitId": unit_id, **stamped}

    def remove_monitors(self, unit_id: str, *, keeping: frozenset[str] = frozenset()) -> None:
        """Take a unit's monitors away, except those who are to be kept."""
        for row in self.monitors_of(unit_id):
            if row["monitorId"] not in keeping:
                self._step()
                self.monitors.pop(row["_id"], None)

    def dismiss(self, monitor_id: str) -> None:
        """Take a monitor out of every unit."""
        for row in [row for row in self.monitors.values() if row["monitorId"] == monitor_id]:
            self._step()
            self.monitors.pop(row["_id"], None)

    def set_roles(self, user_id: str, roles: list[str]) -> None:
        """Write a user's roles."""
        self._step()
        self.users[user_id]["roles"] = roles

    # What a state may have or lack

    def others(self, key: str) -> dict[str, Document] | None:
        """The documents of ``businessHours`` or ``rooms`` by id; None where the state says nothing of them."""
        return self._extras.get(key)

    def update_other(self, key: str, document_id: str, fields: Mapping[str, Any], *, unset: tuple[str, ...] = ()) -> None:
        """Set and unset fields of a business hour or a room."""
        self._step()
        document = self._extras[key][document_id]
        document.update(fields)
        document["_updatedAt"] = self.now()
        for field in unset:
            document.pop(field, None)


def _nothing() -> None:
    """No interruption."""
