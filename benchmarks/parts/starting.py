"""What it costs to start, over an interpreter that does nothing."""

from collections.abc import Callable
from itertools import count
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Aim, Figure, ratios, seconds, spread_of
from benchmarks.processes import Took, account, fast_server
from benchmarks.results import Measured, Table

_ROWS: Final = 10


def measure(bench: Bench) -> Measured:
    """``--help``, ``validate`` of ten rows and ``run`` of ten rows over ``python -c pass``."""
    sheet = _sheet(bench, 0)
    table = Table(["what", "processor's time", "`python -c pass`", "ratio", "clock", "aim"], [])
    figures = []
    with fast_server(departments=_ROWS) as url:
        numbers = count(1)

        def run() -> Took:
            number = next(numbers)
            return bench.bulkjob("run", _sheet(bench, number), "--run-dir", f"run-{number}", variables=account(url))

        cases: dict[str, tuple[Callable[[], Took], float]] = {
            "`--help`": (lambda: bench.bulkjob("--help"), 5),
            "`validate` of ten rows": (lambda: bench.bulkjob("validate", sheet), 35),
            "`run` of ten rows": (run, 50),
        }
        for what, (start, bound) in cases.items():
            start()
            pairs = [(start(), bench.command("-c", "pass")) for _ in range(bench.turns(10))]
            ours, nothing = ([each.processor for each in side] for side in zip(*pairs, strict=True))
            figure = Figure(what=f"{what} ÷ python -c pass", spread=ratios(ours, nothing), aim=Aim(bound))
            clock = seconds(spread_of([each.clock for each, _ in pairs]).median)
            costs = [seconds(spread_of(side).median) for side in (ours, nothing)]
            table.rows.append([what, *costs, figure.told(bold=True), clock, figure.aim.told()])
            figures.append(figure)
    return Measured({"start": table}, figures)


def _sheet(bench: Bench, order: int) -> str:
    """A sheet that gives the agent of each of ten departments this order."""
    path = bench.folder / f"ten-{order}.csv"
    path.write_text("department,agent,order\n" + "".join(f"d{number},agent0,{order}\n" for number in range(_ROWS)), encoding="utf-8")
    return str(path)
