"""Reading and checking CSV, over the csv module and over what checks tables."""

from benchmarks.bench import Bench
from benchmarks.files import made, write_csv
from benchmarks.pieces import Comparison
from benchmarks.results import Measured


def measure(bench: Bench) -> Measured:
    """A million rows, and a hundred thousand for those that take long."""
    compared = Comparison(bench, "pandera", "pydantic", "frictionless")
    rows, fewer = bench.scaled(1_000_000, 1_000), bench.scaled(100_000, 1_000)
    plain = made(write_csv, bench.folder / "plain.csv", rows)
    compared.add(f"CSV, {rows:,} rows", plain, "ours, checked", "bare csv", 1.5, turns=bench.turns(3))
    quoted = made(write_csv, bench.folder / "quoted.csv", rows, quoted=True)
    compared.add(f"CSV, {rows:,} rows, every cell quoted", quoted, "ours, checked", "bare csv", 1.5, turns=bench.turns(3))
    some = made(write_csv, bench.folder / "some.csv", fewer)
    for peer, turns in {"pandera": 3, "pydantic": 3, "frictionless": 2}.items():
        compared.add(f"CSV, {fewer:,} rows", some, "ours, checked", peer, 0.3, turns=bench.turns(turns))
    return compared.measured
