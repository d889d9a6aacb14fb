"""How many writes a reorganisation takes, over the least number that could do it: counted by what differs, without the planner."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Aim, Figure, spread_of
from benchmarks.processes import account, sandbox
from benchmarks.results import Measured, Table
from benchmarks.workspaces import Place, calls_at, held_at, workspace, write_sheet

_DEPARTMENTS: Final = 500
_UNITS: Final = 40
_AGENTS: Final = 300


@dataclass(frozen=True, slots=True)
class Holding:
    """Who is where."""

    parents: Sequence[int | None]
    places: Mapping[Place, int]


def measure(bench: Bench) -> Measured:
    """Both routes, with moves in any direction and with moves out of units that close."""
    table = Table(["moves", "route", "rows", "departments", "units", "least writes", "writes", "writes ÷ least", "aim"], [])
    figures = []
    count = bench.scaled(_DEPARTMENTS, 2 * _UNITS)
    for moves, closing in (("in any direction", 0), ("out of ten units", 10)):
        before, wanted, rows = _reorganisation(count, closing)
        sheet = write_sheet(bench.folder / f"{closing}.csv", ("department", "unit", "agent", "order", "action"), rows)
        for route in ("unit",) if closing else ("unit", "department"):
            state = workspace(before.parents, units=_UNITS, agents=_AGENTS, places=before.places)
            with sandbox(state, "--rate-limit", "off") as url:
                run = ["run", sheet, "--run-dir", f"{closing}-{route}", "--unit-route", route, "--max-removals", "100%"]
                bench.bulkjob(*run, variables=account(url))
                writes, held = calls_at(url).writes, Holding(*held_at(url))
            assert held == wanted, "the sandbox does not hold what the sheet asks for"
            least = least_by_unit(before, wanted) if route == "unit" else least_by_department(before, wanted)
            figure = Figure(what=f"moves {moves}, `{route}` route: writes ÷ least", spread=spread_of([writes / least]), aim=Aim(1.05))
            table.rows.append(
                [
                    moves,
                    route,
                    f"{len(rows):,}",
                    str(count),
                    str(_UNITS),
                    str(least),
                    str(writes),
                    figure.told(bold=True),
                    figure.aim.told(),
                ]
            )
            figures.append(figure)
    return Measured({"writes": table}, figures)


def least_by_unit(before: Holding, wanted: Holding) -> int:
    """One call for each department whose agents differ, and one for each unit whose departments do.

    No call says something of the agents of two departments, or of two units; the ``POST`` of a unit that only loses departments corrects
    its counter, which the taking does not.
    """
    units = {unit for pair in zip(before.parents, wanted.parents, strict=True) if pair[0] != pair[1] for unit in pair if unit is not None}
    return len(_joined(before, wanted) | _left(before, wanted)) + len(units)


def least_by_department(before: Holding, wanted: Holding) -> int:
    """One call for each department that differs; two where it moves and somebody leaves it, as no call can say both."""
    moved = {number for number, pair in enumerate(zip(before.parents, wanted.parents, strict=True)) if pair[0] != pair[1]}
    left = _left(before, wanted)
    return len(_joined(before, wanted) | moved | left) + len(moved & left)


def _joined(before: Holding, wanted: Holding) -> set[int]:
    """Departments with somebody new, or with another order."""
    return {place[0] for place, order in wanted.places.items() if before.places.get(place) != order}


def _left(before: Holding, wanted: Holding) -> set[int]:
    """Departments that somebody has left."""
    return {place[0] for place in before.places.keys() - wanted.places.keys()}


def _reorganisation(departments: int, closing: int) -> tuple[Holding, Holding, list[tuple[object, ...]]]:
    """What is there, what shall be, and the sheet: four rows for each department, the first with its unit.

    In each department somebody new comes, somebody else gets another order, one stays as he is, and in one of five somebody leaves.
    The first department of each unit stays. ``closing``: all others of so many units go into other units; 0: six of ten go anywhere.
    """
    dice = random.Random(500)  # noqa: S311 - nobody's secret
    parents, rows = [], list[tuple[object, ...]]()
    there, places = dict[Place, int](), dict[Place, int]()
    for number in range(departments):
        unit = number % _UNITS
        moves = number >= _UNITS and (unit < closing if closing else dice.random() < 0.6)
        parents.append(dice.randrange(closing, _UNITS) if moves else unit)
        staying, ordered, leaving, new = dice.sample(range(_AGENTS), 4)
        leaves = number % 5 == 0
        there |= {(number, agent): 1 for agent in (staying, ordered, leaving)}
        places |= {(number, staying): 1, (number, ordered): 2, (number, new): 3, **({} if leaves else {(number, leaving): 1})}
        asked = [(staying, 1, ""), (ordered, 2, ""), (leaving, "", "remove") if leaves else (leaving, 1, ""), (new, 3, "")]
        units = [f"u{parents[-1]}", "", "", ""]
        rows += [
            (f"d{number}", unit_id, f"agent{agent}", order, action) for unit_id, (agent, order, action) in zip(units, asked, strict=True)
        ]
    return Holding([number % _UNITS for number in range(departments)], there), Holding(parents, places), rows
