"""Names that are not there, each with those that may be meant, over difflib."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Aim, Figure, ratios, seconds, spread_of
from benchmarks.pieces import work
from benchmarks.processes import ROOT
from benchmarks.results import Measured, Table

#: difflib is given a fiftieth of the names.
_FEWER: Final = 50


def measure(bench: Bench) -> Measured:
    """A thousand names among ten thousand; difflib's part of it is scaled up."""
    pairs = [(work("nearest", bench.folder, ROOT), work("nearest of all", bench.folder, ROOT)) for _ in range(bench.turns(2))]
    ours, theirs = ([each.processor for each in side] for side in zip(*pairs, strict=True))
    figure = Figure(what="1,000 names that are not there among 10,000", spread=spread_of(ours), aim=Aim(1), unit="s")
    ratio = ratios(ours, [each * _FEWER for each in theirs])
    all_of_them = seconds(spread_of(theirs).median * _FEWER)
    columns = ["what", "processor's time", "difflib over all", "ratio", "aim"]
    table = Table(columns, [[figure.what, figure.told(bold=True), all_of_them, ratio.told(4), figure.aim.told("s")]])
    return Measured({"names": table}, [figure])
