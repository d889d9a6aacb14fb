"""A colleague who works in the workspace by hand, at the same time as a client."""

import random
from collections.abc import Callable
from typing import Final

from bulkjob.sandbox.state import UNIT, Document, State


def edit(state: State, chance: random.Random, *, sparing: frozenset[str]) -> Document | None:
    """Change one thing and return what was done; None if there is nothing that could be changed.

    Departments and units in `sparing` are left alone, also as the one that a department leaves or enters. What is changed
    follows from `chance` and the state. Counters are kept as the server keeps them.
    """
    for kind in chance.sample(_KINDS, len(_KINDS)):
        done = kind(state, chance, sparing)
        if done is not None:
            return done
    return None


def _move(state: State, chance: random.Random, sparing: frozenset[str]) -> Document | None:
    """Put a department into another unit."""
    department = _pick(chance, [one for one in _departments(state, sparing) if one.get("parentId") not in sparing])
    if department is None or not state.premium:
        return None
    left = department.get("parentId")
    unit = _pick(chance, [one for one in _units(state, sparing) if one["_id"] != left])
    if unit is None:
        return None
    state.update(department["_id"], {"parentId": unit["_id"], "ancestors": [unit["_id"], *(unit.get("ancestors") or ())]})
    state.increment_departments(unit["_id"], 1)
    if left:
        state.increment_departments(left, -1)
    return {"edit": "move", "department": department["_id"], "unit": unit["_id"]}


def _add(state: State, chance: random.Random, sparing: frozenset[str]) -> Document | None:
    """Put an agent into a department that he is not in."""
    department = _pick(chance, _departments(state, sparing))
    if department is None:
        return None
    there = {row["agentId"] for row in state.rows_of(department["_id"])}
    agent = _pick(chance, [user for user in state.users.values() if "livechat-agent" in user.get("roles", ()) and user["_id"] not in there])
    if agent is None:
        return None
    fields = {"username": agent["username"], "departmentEnabled": department.get("enabled"), "count": 0, "order": 0}
    state.save_row(department["_id"], agent["_id"], fields)
    state.update(department["_id"], {"numAgents": state.count_rows(department["_id"])})
    return {"edit": "add", "department": department["_id"], "agent": agent["_id"]}


def _remove(state: State, chance: random.Random, sparing: frozenset[str]) -> Document | None:
    """Take an agent out of a department."""
    department = _pick(chance, [one for one in _departments(state, sparing) if state.count_rows(one["_id"])])
    if department is None:
        return None
    agent_id = chance.choice(state.rows_of(department["_id"]))["agentId"]
    state.remove_agent(department["_id"], agent_id)
    state.update(department["_id"], {"numAgents": state.count_rows(department["_id"])})
    return {"edit": "remove", "department": department["_id"], "agent": agent_id}


def _rename(state: State, chance: random.Random, sparing: frozenset[str]) -> Document | None:
    """Give a unit another name."""
    unit = _pick(chance, _units(state, sparing))
    if unit is None:
        return None
    name = f"{unit['name'].partition(' (renamed ')[0]} (renamed {chance.randrange(10_000)})"
    state.update(unit["_id"], {"name": name})
    return {"edit": "rename", "unit": unit["_id"], "name": name}


_KINDS: Final[tuple[Callable[[State, random.Random, frozenset[str]], Document | None], ...]] = (_move, _add, _remove, _rename)


def _departments(state: State, sparing: frozenset[str]) -> list[Document]:
    return [one for one in state.collection.values() if one.get("type") != UNIT and not one.get("archived") and one["_id"] not in sparing]


def _units(state: State, sparing: frozenset[str]) -> list[Document]:
    return [one for one in state.collection.values() if one.get("type") == UNIT and one["_id"] not in sparing]


def _pick(chance: random.Random, among: list[Document]) -> Document | None:
    return chance.choice(among) if among else None
