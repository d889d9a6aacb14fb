"""How time and memory of each command grow with the rows, and what took long once takes now."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Aim, Figure, exponent, seconds, spread_of
from benchmarks.files import made
from benchmarks.pieces import work
from benchmarks.processes import ROOT, Took, account, fast_server
from benchmarks.results import Measured, Table
from benchmarks.workspaces import write_sheet

_STEPS: Final = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)

#: Rows up to which a command is measured.
_MOST: Final = {"validate": 300_000, "plan": 100_000, "export": 100_000, "run": 30_000, "rollback": 30_000}

#: Rows of a department, units, and agents to choose from.
_EACH: Final = 20
_UNITS: Final = 40
_AGENTS: Final = 2_000

#: What is less than so many seconds beyond starting tells nothing.
_NOISE: Final = 0.3


def measure(bench: Bench) -> Measured:
    """Every command at each step, over what ten rows take; and single shapes."""
    steps = [rows for rows in _STEPS if rows <= _STEPS[-1] * bench.scale] or list(_STEPS[:2])
    tens = [_commands(bench, 10) for _ in range(3)]
    starts = {command: sorted((each[command] for each in tens), key=lambda took: took.processor)[1] for command in _MOST}
    taken = {rows: _commands(bench, rows) for rows in steps}
    columns = ["command", *(f"{rows:,} rows" for rows in steps), "exponent", "memory a row"]
    table, figures = Table(columns, []), []
    for command in _MOST:
        start = starts[command]
        points = {rows: taken[rows][command] for rows in steps if command in taken[rows]}
        beyond = [(float(rows), took.processor - start.processor) for rows, took in points.items()]
        telling = [point for point in beyond if point[1] > _NOISE]
        last = max(points)
        memory = f"{(points[last].memory - start.memory) / last:,.0f} B"
        told = [seconds(took.processor) for took in points.values()] + [""] * (len(steps) - len(points))
        if len(telling) > 1:
            figure = Figure(what=f"`{command}` up to {last:,} rows: exponent", spread=spread_of([exponent(telling)]), aim=Aim(1.1))
            figures.append(figure)
        table.rows.append([f"`{command}`", *told, figure.told(bold=True) if len(telling) > 1 else "", memory])
    shapes, more = _shapes(bench, starts["run"])
    return Measured({"growth": table, "shapes": shapes}, [*figures, *more])


def _commands(bench: Bench, rows: int) -> Mapping[str, Took]:
    """What each command takes of so many rows, against a server of its own."""
    folder = Path(tempfile.mkdtemp(dir=bench.folder))
    sheet = str(made(_sheet, folder / "sheet.csv", rows))
    with fast_server(departments=max(rows // _EACH, 1), units=_UNITS, agents=_AGENTS, members=_EACH // 2) as url:
        lines: dict[str, tuple[str, ...]] = {
            "validate": (sheet,),
            "plan": (sheet, "--out", str(folder / "plan.json")),
            "export": (str(folder / "export.csv"),),
            "run": (sheet, "--run-dir", str(folder / "run")),
            "rollback": (str(folder / "run"),),
        }
        variables = {**account(url), "BULKJOB_CONCURRENCY": "32", "BULKJOB_MAX_REMOVALS": "100%"}
        return {
            command: bench.bulkjob(command, *arguments, variables={} if command == "validate" else variables)
            for command, arguments in lines.items()
            if rows <= _MOST[command]
        }


def _sheet(path: Path, rows: int) -> str:
    """Twenty agents a department, of which every fourth goes to the next unit."""
    return write_sheet(
        path,
        ("department", "unit", "agent", "order"),
        (
            (
                f"d{(number := row // _EACH)}",
                f"u{number % _UNITS + (number % 4 == 0)}" if row % _EACH == 0 else "",
                f"agent{row * 7 % _AGENTS}",
                row % 3,
            )
            for row in range(rows)
        ),
    )


# -------------------------------------------------------------------------------------------------------------------- shapes


def _shapes(bench: Bench, start: Took) -> tuple[Table, list[Figure]]:
    """Shapes that once grew faster than their rows; ``start``: what a run of ten rows takes."""
    units, departments, agents = bench.scaled(400), bench.scaled(10_000), bench.scaled(2_000)
    last = "50,000 departments leave 2,000 units: which are the last"
    shapes: dict[str, tuple[Callable[[], float], float]] = {
        f"{units:,} unit POSTs over {departments:,} departments": (lambda: _unit_posts(bench, units, departments) - start.processor, 5),
        f"`mirror`: {agents:,} leave one department and {agents:,} come": (lambda: _mirrored(bench, agents) - start.processor, 2),
        last: (lambda: work("last of their units", bench.folder, ROOT).processor, 0.5),
    }
    table, figures = Table(["what", "processor's time", "aim"], []), []
    for what, (took, bound) in shapes.items():
        figure = Figure(what=what, spread=spread_of([took() for _ in range(bench.turns(3))]), aim=Aim(bound), unit="s")
        table.rows.append([what, figure.told(bold=True), figure.aim.told("s")])
        figures.append(figure)
    return table, figures


def _unit_posts(bench: Bench, units: int, departments: int) -> float:
    """Departments without a unit go into units, one into each."""
    rows = [(f"d{departments - units + number}", f"u{number}") for number in range(units)]
    sheet = write_sheet(bench.folder / "posts.csv", ("department", "unit"), rows)
    with fast_server(departments=departments, units=units, placed=departments - units) as url:
        return _ran(bench, sheet, url)


def _mirrored(bench: Bench, agents: int) -> float:
    """All agents of a department are replaced by others."""
    sheet = write_sheet(
        bench.folder / "mirror.csv", ("department", "agent"), [("d0", f"agent{agents + number}") for number in range(agents)]
    )
    with fast_server(departments=1, agents=2 * agents, members=agents) as url:
        return _ran(bench, sheet, url, "--agents", "mirror", "--max-removals", "100%")


def _ran(bench: Bench, sheet: str, url: str, *flags: str) -> float:
    """Seconds of the processor that `run` takes from its start to its end."""
    directory = bench.folder / f"run-{len(list(bench.folder.iterdir()))}"
    return bench.bulkjob("run", sheet, "--run-dir", str(directory), *flags, variables=account(url)).processor
