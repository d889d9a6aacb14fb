"""Pieces of work (`programs/work.py`), each in a process of its own, ours and a peer's in turns on the same file."""

import sys
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.bench import Bench
from benchmarks.figures import Aim, Figure, ratios, seconds, spread_of
from benchmarks.processes import PROGRAMS, ROOT, Took, environment, output_of
from benchmarks.results import Measured, Table

#: Whose work needs something from PyPI.
_PEERS: Final = {
    "calamine": "python-calamine",
    "frictionless": "frictionless",
    "pandera": "pandera[pandas]",
    "pydantic": "pydantic",
}


def work(name: str, path: Path, modules: Path) -> Took:
    """One piece of work, done once, with what lies in a folder of modules."""
    said = output_of([sys.executable, str(PROGRAMS / "work.py"), name, str(path)], environment(modules))
    return msgspec.json.decode(said, type=Took)


class Comparison:
    """A table with a line for each piece of work, and the figures that have an aim."""

    def __init__(self, bench: Bench, *peers: str) -> None:
        self._peers = bench.peers.folder(*(_PEERS[peer] for peer in peers))
        self._table = Table(["what", "against", "processor's time", "ratio", "peak memory", "aim"], [])
        self._figures: list[Figure] = []

    def add(self, what: str, path: Path, mine: str, peer: str, bound: float | None, *, turns: int) -> None:
        """A line on our work over a peer's on the same file."""
        # Peers bring other versions of much: whose work needs one has no bulkjob at hand, and ours has none of them.
        modules = self._peers if peer in _PEERS else ROOT
        pairs = [(work(mine, path, ROOT), work(peer, path, modules)) for _ in range(turns)]
        ours, theirs = zip(*pairs, strict=True)
        ratio = ratios([each.processor for each in ours], [each.processor for each in theirs])
        times = " / ".join(seconds(spread_of([each.processor for each in side]).median) for side in (ours, theirs))
        memory = " / ".join(f"{spread_of([each.memory for each in side]).median / 1e6:.0f}" for side in (ours, theirs))
        aim = "" if bound is None else Aim(bound).told()
        self._table.rows.append([what, peer, times, ratio.told(bold=True), f"{memory} MB", aim])
        if bound is not None:
            self._figures.append(Figure(what=f"{what} ÷ {peer}", spread=ratio, aim=Aim(bound)))

    @property
    def measured(self) -> Measured:
        """All lines so far."""
        return Measured({"comparison": self._table}, self._figures)
