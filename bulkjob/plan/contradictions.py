"""What rows ask for and contradict each other in, once names are ids."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from bulkjob.phrases import rows_listed
from bulkjob.plan.wanted import Wanted
from bulkjob.records import DEPARTMENT_COLUMNS, UNIT_COLUMNS, Naming
from bulkjob.sheet import conflicting_monitor, conflicting_value
from bulkjob.vocabulary import Code

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Rows that cannot all be done."""

    rows: tuple[int, ...]
    code: Code
    column: str
    message: str


def contradictions(wanted: Iterable[Wanted], naming: Naming) -> Iterator[Contradiction]:
    """All of them, each once."""
    rows = list(wanted)
    yield from _units(rows, naming)
    yield from _agents(rows, naming)
    yield from _monitors(rows, naming)
    yield from _values(rows, naming)


def _units(rows: list[Wanted], naming: Naming) -> Iterator[Contradiction]:
    for group in _repeated(rows, lambda row: row.department_id if row.about_unit else None):
        units = dict.fromkeys(row.unit_id for row in group)
        if len(units) > 1:
            named = _listed(naming.unit(unit) if unit else "none" for unit in units)
            said = f"Department {naming.department(group[0].department_id or '')} is given different units, {named},"
            yield _contradiction(group, Code.CONFLICTING_UNIT, "unit", said)


def _agents(rows: list[Wanted], naming: Naming) -> Iterator[Contradiction]:
    for group in _repeated(rows, lambda row: (row.department_id, row.agent_id) if row.agent_id else None):
        first = group[0]
        named = naming.agent(first.agent_id or "", first.username)
        agent = f"Agent {named} in department {naming.department(first.department_id or '')}"
        if len({row.removes for row in group}) > 1:
            yield _contradiction(group, Code.CONFLICTING_AGENT, "action", f"{agent} is both added and removed,")
        for column in ("count", "order"):
            given = [row for row in group if getattr(row, column) is not None]
            values = dict.fromkeys(str(getattr(row, column)) for row in given)
            if len(values) > 1:
                said = f"{agent} is given different {column}s, {_listed(values)},"
                yield _contradiction(given, Code.CONFLICTING_AGENT, column, said)


def _monitors(rows: list[Wanted], naming: Naming) -> Iterator[Contradiction]:
    for group in _repeated(rows, lambda row: (row.unit_id, row.monitor_id) if row.monitor_id else None):
        if len({row.monitor_leaves for row in group}) > 1:
            first, numbers = group[0], tuple(row.row for row in group)
            message = conflicting_monitor(
                naming.agent(first.monitor_id or "", first.monitor_name), naming.unit(first.unit_id or ""), numbers
            )
            yield Contradiction(rows=numbers, code=Code.CONFLICTING_MONITOR, column="action", message=message)


def _values(rows: list[Wanted], naming: Naming) -> Iterator[Contradiction]:
    """Two values in one of the columns about a department or a unit."""
    for column, name in DEPARTMENT_COLUMNS.items():
        about = ((row, row.department_id, dict(row.department_fields).get(name)) for row in rows if row.department_fields)
        yield from _different(about, column, lambda identifier: f"department {naming.department(identifier)}")
    for column, name in UNIT_COLUMNS.items():
        given = ((row, row.unit_id, dict(row.unit_fields).get(name)) for row in rows if row.unit_fields)
        yield from _different(given, column, lambda identifier: f"unit {naming.unit(identifier)}")


def _different(
    given: Iterable[tuple[Wanted, str | None, str | bool | None]], column: str, named: Callable[[str], str]
) -> Iterator[Contradiction]:
    by_thing: dict[str, list[tuple[Wanted, str | bool]]] = defaultdict(list)
    for row, identifier, value in given:
        if identifier is not None and value is not None:
            by_thing[identifier].append((row, value))
    for identifier, pairs in by_thing.items():
        values = list(dict.fromkeys(value for _, value in pairs))
        if len(values) > 1:
            numbers = tuple(row.row for row, _ in pairs)
            message = conflicting_value(named(identifier), column, values, numbers)
            yield Contradiction(rows=numbers, code=Code.CONFLICTING_VALUE, column=column, message=message)


def _contradiction(rows: list[Wanted], code: Code, column: str, said: str) -> Contradiction:
    numbers = tuple(row.row for row in rows)
    message = f"{said} in {rows_listed(numbers)}. Keep one of them and correct or delete the other rows."
    return Contradiction(rows=numbers, code=code, column=column, message=message)


def _repeated(rows: Iterable[Wanted], key: Callable[[Wanted], K | None]) -> Iterable[list[Wanted]]:
    """The rows with the same key, where there are several."""
    groups: dict[K, list[Wanted]] = defaultdict(list)
    for row in rows:
        found = key(row)
        if found is not None:
            groups[found].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _listed(texts: Iterable[str]) -> str:
    """``a and b``; ``a, b and 3 more``."""
    found = list(texts)
    shown, more = found[:5], len(found) - 5
    return ", ".join(shown) + f" and {more:,} more" if more > 0 else f"{', '.join(shown[:-1])} and {shown[-1]}"
