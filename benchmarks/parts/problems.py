"""``validate --out`` of a sheet in which every tenth row has a problem."""

from benchmarks.bench import Bench
from benchmarks.figures import Aim, Figure, spread_of
from benchmarks.files import made, write_csv
from benchmarks.results import Measured, Table


def measure(bench: Bench) -> Measured:
    """From its start to its end, with problems.csv and annotated.xlsx."""
    rows = bench.scaled(100_000, 1_000)
    sheet = made(write_csv, bench.folder / "bad.csv", rows, bad=10)
    taken = [bench.bulkjob("validate", str(sheet), "--out", "out", codes=(65,)) for _ in range(bench.turns(3))]
    what = f"`validate --out`, {rows:,} rows, {rows // 10:,} problems"
    figure = Figure(what=what, spread=spread_of([each.processor for each in taken]), aim=Aim(3), unit="s")
    memory = f"{max(each.memory for each in taken) / 1e6:.0f} MB"
    table = Table(["what", "processor's time", "peak memory", "aim"], [[what, figure.told(bold=True), memory, figure.aim.told("s")]])
    return Measured({"marked": table}, [figure])
