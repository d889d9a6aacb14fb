"""What every measurement is given: a folder, how much of its work to do, and the peers."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import CLIENT
from benchmarks.peers import Peers
from benchmarks.processes import ROOT, Took, environment, took


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The circumstances of a measurement."""

    folder: Path
    """Its own, thrown away afterwards."""
    scale: float = 1.0
    """Share of the work."""
    peers: Peers = field(default_factory=Peers)
    cores: frozenset[int] = CLIENT
    """Where commands run; none: wherever there is room."""

    def scaled(self, number: int, least: int = 1) -> int:
        """So much of a number, rounded."""
        return max(round(number * self.scale), least)

    def turns(self, number: int) -> int:
        """How often something is measured: less often where little is asked for, and twice at least."""
        return max(round(number * min(self.scale * 2, 1)), 2)

    def command(self, *arguments: str, variables: Mapping[str, str] | None = None, codes: tuple[int, ...] = (0,)) -> Took:
        """What a command line of this interpreter takes from its start to its end, with bulkjob from this source tree."""
        return took([sys.executable, *arguments], environment(ROOT, more=variables), folder=self.folder, codes=codes, cores=self.cores)

    def bulkjob(self, *arguments: str, variables: Mapping[str, str] | None = None, codes: tuple[int, ...] = (0,)) -> Took:
        """The same of a command of bulkjob."""
        return self.command("-m", "bulkjob", *arguments, variables=variables, codes=codes)
