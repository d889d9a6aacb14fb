"""Which operation comes after which: units and the departments that move between them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from heapq import heapify, heappop, heappush
from itertools import combinations
from math import comb
from typing import TypeVar

from bulkjob.changes import (
    DepartmentPut,
    DepartmentUnit,
    NewUnit,
    Operation,
    UnitChange,
    UnitCreate,
    UnitField,
    UnitMonitor,
    UnitPost,
    department_put_id,
    unit_post_id,
)
from bulkjob.records import Department, is_new_unit

O = TypeVar("O", bound=Operation)  # noqa: E741


#: A write of a whole unit, be it there or not.
UnitOperation = UnitPost | UnitCreate


#: Units that exchange departments get the fewest extra calls if looking at this many units and exchanges finds them (under a second);
#: otherwise just few.
_LOOKS = 400_000


def unit_posts(
    moves: Iterable[DepartmentUnit], departments: Mapping[str, Department], others: Sequence[UnitField | UnitMonitor | NewUnit] = ()
) -> list[UnitOperation]:
    """One write for each unit that gains or loses departments or has ``others`` of its own, each after those that take from it.

    So a department is in its new unit before its old one is written, and the last write of a unit finds it as it will stay: its counters
    come out right. Units that exchange departments in a cycle cannot all come after each other: one of them is written first, and once
    more at the end.
    """
    changes, lost, takers = _by_unit(moves, departments, others)
    cut = fewest_cuts({unit_id: takers[unit_id] for unit_id in changes})
    ahead = _ahead(cut, takers)
    posts: list[UnitOperation] = []
    for unit_id in dict.fromkeys((*changes, *lost)):
        own, gone = tuple(changes.get(unit_id, ())), frozenset(lost[unit_id])
        if is_new_unit(unit_id):
            posts.append(UnitCreate(unit_id=unit_id, changes=own))
            continue
        taking = [unit_post_id(taker, repairs=False) for taker in sorted(takers[unit_id])]
        first = tuple(unit_post_id(other, repairs=False) for other in ahead.get(unit_id, ()))
        if unit_id not in cut:
            posts.append(UnitPost(unit_id=unit_id, changes=own, lost=gone, after=tuple(dict.fromkeys((*taking, *first)))))
            continue
        # A unit that is made loses nothing, so that it is no part of a cycle: whatever it takes from comes after it.
        made = [unit_post_id(taker, repairs=False) for taker in sorted(takers[unit_id]) if is_new_unit(taker)]
        posts.append(UnitPost(unit_id=unit_id, changes=own, lost=frozenset(), after=(*made, *first)))
        again = (unit_post_id(unit_id, repairs=False), *taking)
        posts.append(UnitPost(unit_id=unit_id, changes=(), lost=gone, after=again))
    return posts


def _ahead(cut: Collection[str], takers: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Unit → those cut out of cycles whose first write comes before its own, so that no two writes ever work on one department.

    A cut unit goes ahead of those that take from it. Of two cut ones where either takes from the other, one goes first, no matter which.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for giver in cut:
        for taker in takers[giver]:
            first, second = sorted((giver, taker)) if taker in cut else (giver, taker)
            found[second].add(first)
    return {unit_id: sorted(others) for unit_id, others in found.items()}


def _by_unit(
    moves: Iterable[DepartmentUnit], departments: Mapping[str, Department], others: Sequence[UnitField | UnitMonitor | NewUnit]
) -> tuple[Mapping[str, list[UnitChange]], Mapping[str, set[str]], Mapping[str, set[str]]]:
    """Unit → what its write carries, the departments that others take from it, and those others."""
    changes: dict[str, list[UnitChange]] = defaultdict(list)
    lost: dict[str, set[str]] = defaultdict(set)
    takers: dict[str, set[str]] = defaultdict(set)
    for made in others:
        if isinstance(made, NewUnit):
            changes[made.unit_id].append(made)
    for move in moves:
        old = departments[move.department_id].parent_id
        if move.unit_id is None:
            changes[old or ""].append(move)
            continue
        changes[move.unit_id].append(move)
        if old is not None:
            lost[old].add(move.department_id)
            takers[old].add(move.unit_id)
    for change in others:
        if not isinstance(change, NewUnit):
            changes[change.unit_id].append(change)
    return changes, lost, takers


def without(posts: Iterable[UnitOperation], ids: Collection[str]) -> list[UnitOperation]:
    """The writes but some, which the others then do not wait for."""
    return [replace(post, after=tuple(before for before in post.after if before not in ids)) for post in posts if post.id not in ids]


def concerned(posts: Iterable[UnitOperation], departments: Mapping[str, Department]) -> dict[str, tuple[str, ...]]:
    """Department → the posts whose bodies hold it or let it go: those of its present unit, and of the one it goes to."""
    by_unit: dict[str, list[str]] = defaultdict(list)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for post in posts:
        by_unit[post.unit_id].append(post.id)
    for post in posts:
        for change in post.changes:
            if isinstance(change, DepartmentUnit):
                found[change.department_id].update(dict.fromkeys(by_unit[post.unit_id]))
    for department in departments.values():
        if department.parent_id in by_unit:
            found[department.id].update(dict.fromkeys(by_unit[department.parent_id]))
    return {department_id: tuple(identifiers) for department_id, identifiers in found.items()}


def units_around(put: DepartmentPut, departments: Mapping[str, Department]) -> frozenset[str]:
    """The units whose writes must not cross this put: bodies of its department's present unit name it, those of the next one must, too."""
    target = put.unit.unit_id if put.unit is not None else None
    return frozenset(unit_id for unit_id in (departments[put.department_id].parent_id, target) if unit_id is not None)


def arrivals(puts: Sequence[DepartmentUnit], departments: Mapping[str, Department]) -> dict[str, tuple[str, ...]]:
    """Department that is the last to leave its unit for none → the puts that bring others into that unit.

    A unit must not be empty in between. As long as one of those that leave is still there it is not, so that only one has to wait: of each
    unit the last in the sheet's order.
    """
    leaving = {departments[move.department_id].parent_id: move.department_id for move in puts if move.unit_id is None}
    coming: dict[str, list[str]] = defaultdict(list)
    for move in puts:
        if move.unit_id is not None and move.unit_id in leaving:
            coming[leaving[move.unit_id]].append(department_put_id(move.department_id))
    return {department_id: tuple(identifiers) for department_id, identifiers in coming.items()}


def sorter_of(operations: Iterable[Operation]) -> TopologicalSorter[str]:
    """A prepared sorter of the operations' ids: what is ready comes in the order of the operations.

    Raises `ValueError` where operations wait for each other in a cycle, or for one that is not there.
    """
    waits = {operation.id: operation.after for operation in operations}
    strangers = {before for after in waits.values() for before in after} - waits.keys()
    if strangers:
        raise ValueError(f"operations wait for others that are not there: {', '.join(sorted(strangers))}")
    # Each once without what it waits for, so that the sorter knows them in their own order.
    sorter = TopologicalSorter(dict.fromkeys(waits, ()))
    for identifier, after in waits.items():
        sorter.add(identifier, *after)
    sorter.prepare()
    return sorter


def in_order(operations: Iterable[O]) -> tuple[O, ...]:
    """The operations so that each comes after those it names, else as they came. Raises `ValueError` as `sorter_of`."""
    by_id = {operation.id: operation for operation in operations}
    sorter = sorter_of(by_id.values())
    found: list[O] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found += [by_id[identifier] for identifier in ready]
        sorter.done(*ready)
    return tuple(found)


def fewest_cuts(graph: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The fewest nodes without which a graph (node → nodes it waits for) has no cycle; few of them where a component is large.

    The problem is NP-hard in general (feedback vertex set); reorganisations have cycles of two or three units.
    """
    cuts: set[str] = set()
    for component in _cyclic_components(graph):
        inside = {node: {other for other in graph[node] if other in component} for node in component}
        cuts |= _exact(inside) or _greedy(inside)
    return frozenset(cuts)


def _exact(component: Mapping[str, set[str]]) -> set[str]:
    nodes = sorted(component)
    once = len(nodes) + sum(map(len, component.values()))
    looks = 0
    for size in range(1, len(nodes)):
        looks += comb(len(nodes), size) * once
        if looks > _LOOKS:
            return set()
        for cut in combinations(nodes, size):
            if not _cyclic_components({node: others - set(cut) for node, others in component.items() if node not in cut}):
                return set(cut)
    return set(nodes)


def _greedy(component: Mapping[str, set[str]]) -> set[str]:
    """The cuts found by taking out the node with the most ways through it until no cycle is left.

    What has fallen apart is looked for only within the component that a node was taken from, and only when a good part of that is gone.
    """
    cuts: set[str] = set()
    knots = [component]
    while knots:
        knot = _Knot(knots.pop())
        cuts |= knot.taken_apart()
        knots += [{node: knot.forth[node] & inside for node in inside} for inside in _cyclic_components(knot.forth)]
    return cuts


class _Knot:
    """Nodes that all reach each other, of which some are taken out; what then leads nowhere, or is led to from nowhere, goes as well."""

    def __init__(self, component: Mapping[str, set[str]]) -> None:
        self.forth = {node: set(others) for node, others in component.items()}
        self._back: dict[str, set[str]] = {node: set() for node in component}
        for node, others in component.items():
            for other in others:
                self._back[other].add(node)

    def taken_apart(self) -> set[str]:
        """Takes out the nodes with the most ways through them, until a quarter of all is gone; returns those that it took."""
        cuts: set[str] = set()
        enough = 3 * len(self.forth) // 4
        ways = [(-self._ways(node), node) for node in self.forth]
        heapify(ways)
        while len(self.forth) > enough:
            told, node = heappop(ways)
            if node not in self.forth:
                continue
            # The ways through a node only become fewer.
            if -told != self._ways(node):
                heappush(ways, (-self._ways(node), node))
                continue
            cuts.add(node)
            self._remove(node)
        return cuts

    def _ways(self, node: str) -> int:
        return len(self.forth[node]) * len(self._back[node])

    def _remove(self, node: str) -> None:
        gone = [node]
        while gone:
            node = gone.pop()
            if node not in self.forth:
                continue
            ahead, behind = self.forth.pop(node), self._back.pop(node)
            for other in ahead:
                self._back[other].discard(node)
            for other in behind:
                self.forth[other].discard(node)
            gone += [other for other in ahead | behind if not self._ways(other)]


def _cyclic_components(graph: Mapping[str, Collection[str]]) -> list[set[str]]:
    """The strongly connected components that hold a cycle, in an order that is always the same (Kosaraju's algorithm)."""
    forth = {node: [other for other in sorted(others) if other in graph] for node, others in graph.items()}
    back: dict[str, list[str]] = {node: [] for node in graph}
    for node, others in forth.items():
        for other in others:
            back[other].append(node)
    seen: set[str] = set()
    ended = [node for root in forth if root not in seen for node in _reached(root, forth, seen)]
    seen = set()
    components = [set(_reached(root, back, seen)) for root in reversed(ended) if root not in seen]
    return [component for component in components if len(component) > 1]


def _reached(root: str, graph: Mapping[str, Iterable[str]], seen: set[str]) -> list[str]:
    """The nodes reached from one that are not yet ``seen`` (which grows by them), in the order in which their own search ends."""
    seen.add(root)
    work = [(root, iter(graph[root]))]
    ended = []
    while work:
        node, others = work[-1]
        other = next((other for other in others if other not in seen), None)
        if other is None:
            ended.append(node)
            work.pop()
        else:
            seen.add(other)
            work.append((other, iter(graph[other])))
    return ended
