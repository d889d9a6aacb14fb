"""Moves that would leave a unit without any department, which the server does not let happen where departments go by their own route."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush

from bulkjob.changes import DepartmentUnit
from bulkjob.records import Department


def last_of_their_units(
    moves: Sequence[DepartmentUnit], departments: Mapping[str, Department], gone: Collection[str] = (), ending: Collection[str] = ()
) -> set[DepartmentUnit]:
    """The moves that must not be made, so that no unit is left without any department: of each unit the last in the sheet's order.

    ``gone``: departments that have left their units before, for new ones. ``ending``: units that are deleted once all have left them.

    A move that is not made leaves a unit without the department that it would have gained, which may then be in danger in its turn; the
    last move in the sheet's order is always given up first.
    """
    staying = Counter(department.parent_id for department in departments.values() if department.id not in gone)
    leaving: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, move in enumerate(moves):
        origin = departments[move.department_id].parent_id
        staying[origin] -= 1
        staying[move.unit_id] += 1
        if origin and origin not in ending:
            leaving[origin].append((-move.rows[0], place))
    for places in leaving.values():
        heapify(places)
    danger = [(leaving[unit_id][0], unit_id) for unit_id in leaving if not staying[unit_id]]
    heapify(danger)
    given_up: set[DepartmentUnit] = set()
    while danger:
        (_, place), unit_id = heappop(danger)
        if staying[unit_id]:
            continue
        heappop(leaving[unit_id])
        move = moves[place]
        given_up.add(move)
        staying[unit_id] += 1
        target = move.unit_id
        if target:
            staying[target] -= 1
            if not staying[target] and leaving.get(target):
                heappush(danger, (leaving[target][0], target))
    return given_up
