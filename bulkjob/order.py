"""Which operation comes after which: units and the departments that move between them."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import TypeVar

from bulkjob.operations import Operation, UnitPost, UnitWish, department_put_id, unit_post_id
from bulkjob.records import Department

O = TypeVar("O", bound=Operation)  # noqa: E741

#: A knot of exchanges gets the fewest extra calls if that can be found in so many tries; a larger one gets few.
_TRIES = 20_000


def unit_posts(moves: Iterable[UnitWish], departments: Mapping[str, Department]) -> list[UnitPost]:
    """One post for each unit that gains or loses departments, each after those of the units that take from it.

    So a department is in its new unit before its old one is written, and the last write of a unit finds it as it will stay: its counters
    come out right. Units that exchange departments in a circle cannot all come after each other: one of them is written first, and once
    more at the end.
    """
    wishes: dict[str, list[UnitWish]] = defaultdict(list)
    lost: dict[str, set[str]] = defaultdict(set)
    takers: dict[str, set[str]] = defaultdict(set)
    for wish in moves:
        old = departments[wish.department_id].parent_id
        if wish.unit_id is None:
            wishes[old or ""].append(wish)
            continue
        wishes[wish.unit_id].append(wish)
        if old is not None:
            lost[old].add(wish.department_id)
            takers[old].add(wish.unit_id)
    cut = fewest_cuts({unit_id: takers[unit_id] for unit_id in wishes})
    posts = []
    for unit_id in dict.fromkeys((*wishes, *lost)):
        own, gone = tuple(wishes.get(unit_id, ())), frozenset(lost[unit_id])
        others = [unit_post_id(taker, repairs=False) for taker in sorted(takers[unit_id])]
        # A unit that is cut out of its circle goes ahead of those that take from it, so that no two writes ever work on one department.
        ahead = [other for other in sorted(cut) if unit_id in takers[other] and (unit_id not in cut or other < unit_id)]
        first = tuple(unit_post_id(other, repairs=False) for other in ahead)
        if unit_id not in cut:
            posts.append(UnitPost(unit_id=unit_id, wishes=own, lost=gone, after=tuple(dict.fromkeys((*others, *first)))))
            continue
        posts.append(UnitPost(unit_id=unit_id, wishes=own, lost=frozenset(), after=first))
        again = (unit_post_id(unit_id, repairs=False), *others)
        posts.append(UnitPost(unit_id=unit_id, wishes=(), lost=gone, after=again))
    return posts


def concerned(posts: Iterable[UnitPost], departments: Mapping[str, Department]) -> dict[str, tuple[str, ...]]:
    """Department → the posts whose bodies hold it or let it go: those of its present unit, and of the one it goes to."""
    by_unit: dict[str, list[str]] = defaultdict(list)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for post in posts:
        by_unit[post.unit_id].append(post.id)
    for post in posts:
        for wish in post.wishes:
            found[wish.department_id].update(dict.fromkeys(by_unit[post.unit_id]))
    for department in departments.values():
        if department.parent_id in by_unit:
            found[department.id].update(dict.fromkeys(by_unit[department.parent_id]))
    return {department_id: tuple(identifiers) for department_id, identifiers in found.items()}


def arrivals(puts: Sequence[UnitWish], departments: Mapping[str, Department]) -> dict[str, tuple[str, ...]]:
    """Department that is to leave its unit for none → the puts that bring others into that unit, which must not be empty in between."""
    coming: dict[str, list[str]] = defaultdict(list)
    for wish in puts:
        if wish.unit_id:
            coming[wish.unit_id].append(department_put_id(wish.department_id))
    return {wish.department_id: tuple(coming[departments[wish.department_id].parent_id or ""]) for wish in puts if wish.unit_id is None}


def in_order(operations: Collection[O]) -> tuple[O, ...]:
    """The operations so that each comes after those it names, else as they came."""
    waiting = {operation.id: len(set(operation.after)) for operation in operations}
    followers: dict[str, list[O]] = defaultdict(list)
    for operation in operations:
        for before in set(operation.after):
            followers[before].append(operation)
    ready = deque(operation for operation in operations if not operation.after)
    found: list[O] = []
    while ready:
        operation = ready.popleft()
        found.append(operation)
        for follower in followers[operation.id]:
            waiting[follower.id] -= 1
            if not waiting[follower.id]:
                ready.append(follower)
    if len(found) != len(operations):
        message = "operations wait for each other in a circle, or for one that is not there"
        raise ValueError(message)
    return tuple(found)


def fewest_cuts(graph: Mapping[str, Collection[str]]) -> frozenset[str]:
    """The fewest nodes without which a graph (node → nodes it waits for) has no circle; few of them where the knot is large.

    The problem is NP-hard in general (feedback vertex set); reorganisations have knots of two or three units.
    """
    cuts: set[str] = set()
    for knot in _knots(graph):
        inside = {node: {other for other in graph[node] if other in knot} for node in knot}
        cuts |= _exact(inside) or _greedy(inside)
    return frozenset(cuts)


def _exact(knot: Mapping[str, set[str]]) -> set[str]:
    nodes = sorted(knot)
    tries = 0
    for size in range(1, len(nodes)):
        tries += comb(len(nodes), size)
        if tries > _TRIES:
            return set()
        for cut in combinations(nodes, size):
            if not _knots({node: others - set(cut) for node, others in knot.items() if node not in cut}):
                return set(cut)
    return set(nodes)


def _greedy(knot: Mapping[str, set[str]]) -> set[str]:
    """Takes out the node with the most ways through it until no circle is left."""
    left = {node: set(others) for node, others in knot.items()}
    cuts: set[str] = set()
    while knots := _knots(left):
        tangled = max(knots, key=len)
        entering: dict[str, int] = defaultdict(int)
        for node in tangled:
            for other in left[node] & tangled:
                entering[other] += 1
        worst = max(sorted(tangled), key=lambda node: len(left[node] & tangled) * entering[node])
        cuts.add(worst)
        left = {node: others - {worst} for node, others in left.items() if node != worst}
    return cuts


def _knots(graph: Mapping[str, Collection[str]]) -> list[set[str]]:
    """The strongly connected components that hold a circle (Tarjan's algorithm, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[set[str]] = []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, others = work[-1]
            for other in others:
                if other not in graph:
                    continue
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(graph[other])))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: set[str] = set()
                    while node not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    if len(component) > 1:
                        found.append(component)
    return found
