"""Whole states of the sandbox: who is where, and in what two of them differ."""

from collections.abc import Mapping, Sequence
from typing import Any

State = dict[str, Any]
"""A workspace as the sandbox holds it: kind of document → documents."""


def places(state: State) -> dict[tuple[str, str], tuple[int, int]]:
    """(department id, agent id) → (count, order)."""
    return {(row["departmentId"], row["agentId"]): (row.get("count", 0), row.get("order", 0)) for row in state["departmentAgents"]}


def parents(state: State) -> dict[str, str | None]:
    """Department id → id of its unit."""
    return {department["_id"]: department.get("parentId") for department in state["departments"]}


def differences(before: State, after: State, *, units: Mapping[str, str | None], agents: Mapping[tuple[str, str], Any]) -> list[str]:
    """Where ``after`` is anything else than ``before`` with these changes: department → unit, (department, agent) → (count, order).

    None is for no unit, and for an agent who is gone.
    Counters are compared with what they count, in what was touched; `_updatedAt` and the ids of new documents are nobody's business.
    """
    found: list[str] = []
    for key in ("license", "settings", "permissions", "users"):
        found += [] if before[key] == after[key] else [key]
    expected = {**parents(before), **units}
    found += _documents("departments", before, after, without=("parentId", "ancestors", "numAgents", "type"))
    for department in after["departments"]:
        parent = expected[department["_id"]]
        kept = department.get("parentId"), department.get("ancestors")
        if kept != (parent, [parent]) if parent else kept not in ((None, None), (None, [])):
            found.append(f"{department['_id']} is in {department.get('parentId')} ({department.get('ancestors')}), not in {parent}")
    wanted = {place: numbers for place, numbers in {**places(before), **agents}.items() if numbers is not None}
    found += [
        f"{place}: {places(after).get(place)}, not {wanted.get(place)}"
        for place in wanted.keys() | places(after).keys()
        if places(after).get(place) != wanted.get(place)
    ]
    found += [] if len(places(after)) == len(after["departmentAgents"]) else ["somebody is in a department twice"]
    found += _documents("departmentAgents", before, after, without=("count", "order"), same=False)
    found += _documents("units", before, after, without=("numDepartments",))
    found += _documents("unitMonitors", before, after)
    return found + wrong_counters(before, after)


def wrong_counters(before: State, after: State) -> list[str]:
    """The counters of what was touched that do not count what is there."""
    agents = {department["_id"]: 0 for department in after["departments"]}
    departments: dict[str, int] = {unit["_id"]: 0 for unit in after["units"]}
    for row in after["departmentAgents"]:
        agents[row["departmentId"]] += 1
    for parent in parents(after).values():
        if parent:
            departments[parent] += 1
    counted = [("departments", "numAgents", agents), ("units", "numDepartments", departments)]
    old = {document["_id"]: document for key, *_ in counted for document in before[key]}
    return [
        f"{name} of {document['_id']} is {document.get(name)}, not {counts[document['_id']]}"
        for key, name, counts in counted
        for document in after[key]
        if document.get(name) != counts[document["_id"]] and document.get(name) != old[document["_id"]].get(name)
    ]


def _documents(key: str, before: State, after: State, *, without: Sequence[str] = (), same: bool = True) -> list[str]:
    def bare(state: State) -> dict[str, Any]:
        return {
            document["_id"]: {name: value for name, value in document.items() if name not in ("_updatedAt", *without)}
            for document in state[key]
        }

    old, new = bare(before), bare(after)
    common = [identifier for identifier in old if identifier in new]
    found = [
        f"{key} {identifier}: {old[identifier]} became {new[identifier]}" for identifier in common if old[identifier] != new[identifier]
    ]
    return found + ([f"{key}: others than before"] if same and old.keys() != new.keys() else [])
