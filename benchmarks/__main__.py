"""``python -m benchmarks``: measures, keeps what it has found, and writes the page anew.

What is measured at less than its whole size goes into a folder of its own, so that a quick look changes no committed page.
"""

import argparse
import tempfile
import time
from importlib import import_module
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.machine import described, load
from benchmarks.page import PAGE, order, titles, written
from benchmarks.processes import ROOT
from benchmarks.results import Measured, Result, keep, kept


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=order(), metavar="PART", help=f"measure these alone: {', '.join(order())}")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the work, for a quick look: 0.1")
    parser.add_argument("--into", type=Path, help="folder of the page (benchmarks/; build/benchmarks/ for a quick look)")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page anew")
    given = parser.parse_args()
    folder = given.into or (ROOT / "benchmarks" if given.scale == 1 else ROOT / "build" / "benchmarks")
    began = time.monotonic()
    try:
        for part in [] if given.page else given.only or order():
            print(f"{titles()[part]} …", flush=True)
            result = _measured(part, given.scale)
            keep(folder, part, result)
            for figure in result.measured.figures:
                print(f"  {'✓' if figure.met else '✗'} {figure.what}: {figure.told()}, aim {figure.aim.told(figure.unit)}", flush=True)
            print(f"  in {result.seconds:.0f} s", flush=True)
    finally:
        for name, text in written(kept(folder)).items():
            (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder / PAGE} written, in {time.monotonic() - began:.0f} s.")


def _measured(part: str, scale: float) -> Result:
    """Makes one measurement."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder=Path(folder), scale=scale)
        before, began = load(), time.monotonic()
        measured: Measured = import_module(f"benchmarks.parts.{part}").measure(bench)
        seconds = time.monotonic() - began
    return Result(measured=measured, machine=described(before, bench.peers.named), seconds=round(seconds), scale=scale)


if __name__ == "__main__":
    main()
