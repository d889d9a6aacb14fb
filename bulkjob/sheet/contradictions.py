"""Rows that contradict each other by what is written: `contradictions`.

On a server, ids decide that. Here names that differ only in case or blanks are one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.phrases import quoted
from bulkjob.records import DEPARTMENT_COLUMNS, UNIT_COLUMNS, Problem
from bulkjob.sheet import row_messages as messages
from bulkjob.sheet.columns import caseless_column
from bulkjob.sheet.rows import BAD, REMOVE, Integers, Mask, Rows, blank
from bulkjob.vocabulary import NO_UNIT, Code


def contradictions(rows: Rows) -> Iterator[Problem]:
    """A problem of each row that asks for something else than another one, in the column in which they differ."""
    yield from _unit_conflicts(rows)
    yield from _agent_conflicts(rows)
    yield from _monitor_conflicts(rows)
    yield from _value_conflicts(rows, "department", rows.department, DEPARTMENT_COLUMNS)
    yield from _value_conflicts(rows, "unit", rows.unit, UNIT_COLUMNS)


def _keys(texts: pa.Array) -> Integers:
    """A number for each text, the same for names that are one."""
    encoded = texts.dictionary_encode()
    alike = caseless_column(encoded.dictionary).dictionary_encode()
    keys: Integers = np.asarray(alike.indices).astype(np.int64)[np.asarray(encoded.indices)]
    return keys


def _pairs(ones: Integers, others: Integers) -> Integers:
    """A number for each pair of numbers, the same for the same pair."""
    if not len(ones):
        return ones
    pairs, _ = pd.factorize(ones * (int(others.max()) + 1) + others)
    return pairs.astype(np.int64)


def _disagreeing(groups: Integers, values: Integers) -> Mask:
    """The rows whose group has more than one value."""
    if not len(groups):
        return np.zeros(0, np.bool_)
    span = int(values.max()) + 1
    pairs = pd.unique(groups * span + values)
    differ: Mask = np.bincount(pairs // span, minlength=int(groups.max()) + 1) > 1
    return differ[groups]


def _disagreements(indices: Integers, groups: Integers, values: Integers) -> Iterator[list[int]]:
    """The rows of each group that has more than one value."""
    disagree = _disagreeing(groups, values)
    by_group: dict[int, list[int]] = {}
    for index, group in zip(indices[disagree].tolist(), groups[disagree].tolist(), strict=True):
        by_group.setdefault(group, []).append(index)
    yield from by_group.values()


def _named(rows: Rows, **columns: pa.Array) -> Integers:
    """The places of the rows that have a name in all of these columns, as people typed it."""
    named = ~rows.ragged
    for name, texts in columns.items():
        named = named & ~blank(texts) & rows.sound(name.replace("_", " "))
    return np.flatnonzero(named)


def _problems(rows: Rows, group: Sequence[int], column: str, code: Code, message: str) -> Iterator[Problem]:
    for index in group:
        yield rows.problem(index, column, code, message)


def _numbers(rows: Rows, group: Iterable[int]) -> list[int]:
    return [int(rows.numbers[index]) for index in group]


def _unit_conflicts(rows: Rows) -> Iterator[Problem]:
    """One department, two units."""
    indices = _named(rows, department=rows.department, unit=rows.unit)
    departments, units = _keys(rows.department)[indices], _keys(rows.unit)[indices]
    for group in _disagreements(indices, departments, units):
        named = list(dict.fromkeys(rows.text("unit", index) for index in group))
        message = messages.conflicting_unit(rows.text("department", group[0]), named, _numbers(rows, group))
        yield from _problems(rows, group, "unit", Code.CONFLICTING_UNIT, message)


def _agent_conflicts(rows: Rows) -> Iterator[Problem]:
    """The same agent in the same department with differing count, order or action; a blank count or order agrees with any."""
    indices = _named(rows, department=rows.department, agent=rows.agent)
    if not len(indices):
        return
    pairs = _pairs(_keys(rows.department)[indices], _keys(rows.agent)[indices])
    repeated = np.bincount(pairs)[pairs] > 1
    indices, pairs = indices[repeated], pairs[repeated]
    for name, numbers in (("count", rows.count), ("order", rows.order), ("action", rows.action)):
        given = (numbers[indices] >= 0) & rows.sound(name)[indices]
        members, groups = indices[given], pairs[given]
        for group in _disagreements(members, groups, numbers[members]):
            values = list(dict.fromkeys(_said(rows, name, index) for index in group))
            agent, department = rows.text("agent", group[0]), rows.text("department", group[0])
            message = messages.conflicting_agent(agent, department, name, values, _numbers(rows, group))
            yield from _problems(rows, group, name, Code.CONFLICTING_AGENT, message)


def _said(rows: Rows, name: str, index: int) -> str:
    if name == "action":
        return "remove" if rows.action[index] == REMOVE else "add"
    return str((rows.count if name == "count" else rows.order)[index])


def _monitor_conflicts(rows: Rows) -> Iterator[Problem]:
    """The same monitor of the same unit added and removed; in a row with an agent, the action is the agent's, and the monitor is added."""
    if "unit monitor" not in rows.texts:
        return
    indices = _named(rows, unit=rows.unit, unit_monitor=rows.monitor)
    no_unit = np.asarray(pc.equal(rows.unit, NO_UNIT))[indices]
    alone = ~rows.filled("agent")[indices]
    unclear = alone & ((rows.action == BAD) | ~rows.sound("action"))[indices]
    indices = indices[~no_unit & ~unclear]
    leaves = ((rows.action == REMOVE) & ~rows.filled("agent"))[indices].astype(np.int64)
    pairs = _pairs(_keys(rows.unit)[indices], _keys(rows.monitor)[indices])
    for group in _disagreements(indices, pairs, leaves):
        monitor, unit = quoted(rows.text("unit monitor", group[0])), quoted(rows.text("unit", group[0]))
        message = messages.conflicting_monitor(monitor, unit, _numbers(rows, group))
        yield from _problems(rows, group, "unit monitor", Code.CONFLICTING_MONITOR, message)


def _value_conflicts(rows: Rows, thing: str, names: pa.Array, columns: Mapping[str, str]) -> Iterator[Problem]:
    """One department or unit, two values in one of the columns about it; a blank agrees with any."""
    present = [name for name in columns if name in rows.meanings]
    if not present:
        return
    keys = _keys(names)
    named = ~blank(names) & rows.sound(thing)
    if thing == "unit":
        named &= ~np.asarray(pc.equal(names, NO_UNIT))
    for name in present:
        values = rows.meanings[name]
        indices = np.flatnonzero(named & (values.places >= 0) & rows.sound(name))
        for group in _disagreements(indices, keys[indices], values.places[indices]):
            given = list(dict.fromkeys(values.distinct[values.places[index]] for index in group))
            of = f"{thing} {quoted(rows.text(thing, group[0]))}"
            message = messages.conflicting_value(of, name, given, _numbers(rows, group))
            yield from _problems(rows, group, name, Code.CONFLICTING_VALUE, message)
