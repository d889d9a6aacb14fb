"""What a write costs: one reading and one ``PUT`` of a department, by bulkjob and by what people would use instead.

    python benchmarks/writes.py [WRITES [ROUNDS]]

Processor time first: machines are shared, and a client that waits for another process costs nothing. Each measurement is a process of
its own (`clients/client.py`), in turns with the others, so that neighbours meet the same machine; the ratio is the median over pairs of
neighbours. The server (`clients/server.py`) is a third process. Peers come from PyPI into a folder that is thrown away. Prints tables for
`README.md`.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

_CLIENTS: Final = Path(__file__).parent / "clients"

IN_FLIGHT: Final = (8, 32, 128)

#: Requests in flight where the peers are compared; rocketchat_API makes one call after the other.
_COMPARED: Final = {"bulkjob": 32, "aiohttp": 32, "rocketchat_API": 1, "requests": 32, "httpx": 32}

#: As Kubernetes puts one for each port of each service into every pod.
_CROWDED: Final = {f"SERVICE_{number}_PORT_8080_TCP_ADDR": f"tcp://10.96.{number % 256}.17:8080" for number in range(500)}

#: Of httpx, which takes ten times as long, a tenth is enough.
_SLOW: Final = frozenset({"httpx", "requests", "rocketchat_API"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One column of the measurement."""

    client: str
    in_flight: int
    crowded: bool = False
    """Whether there are 500 more environment variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What one write took, in microseconds."""

    clock: float
    processor: float


class Bench:
    """Runs clients against one server."""

    def __init__(self, url: str, writes: int, peers: Path) -> None:
        self._url = url
        self._writes = writes
        self._peers = peers
        # Each client changes what it finds twice: for warming up and for good.
        self._orders = count(2, 2)
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def took(self, way: Way) -> Took:
        """One process of this way."""
        writes = self._writes // 10 if way.client in _SLOW else self._writes
        figures = map(str, (writes, way.in_flight, next(self._orders)))
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        environment |= (_CROWDED if way.crowded else {}) | {"PYTHONPATH": os.pathsep.join((str(_CLIENTS.parent.parent), str(self._peers)))}
        pinned = ["taskset", "-c", str(self._cores[0])] if len(self._cores) > 1 else []
        command = [*pinned, sys.executable, str(_CLIENTS / "client.py"), way.client, self._url, *figures]
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        clock, processor = (seconds / writes * 1e6 for seconds in json.loads(ended.stdout))
        return Took(clock=clock, processor=processor)

    def rounds(self, ways: Sequence[Way], rounds: int) -> Mapping[Way, Sequence[Took]]:
        """All ways in turns, every second time in the other order."""
        found: dict[Way, list[Took]] = defaultdict(list)
        for turn in range(rounds):
            for way in ways if turn % 2 == 0 else reversed(ways):
                found[way].append(self.took(way))
        return found


@contextmanager
def served(departments: int) -> Iterator[str]:
    """The address of the server, in another process."""
    command = [sys.executable, str(_CLIENTS / "server.py"), str(departments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield (process.stdout.readline() if process.stdout else "").strip()
        finally:
            process.kill()


@contextmanager
def peers() -> Iterator[Path]:
    """A folder with the clients that people would use instead."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder]
        subprocess.run([*command, "httpx", "requests", "rocketchat_API"], check=True, stderr=subprocess.DEVNULL)
        yield Path(folder)


def _spread(values: Sequence[float], digits: int = 0) -> str:
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def _processor_table(bench: Bench, rounds: int) -> None:
    print("| in flight | bare aiohttp loop, µs | bulkjob, µs | loop ÷ bulkjob | with 500 more variables, µs | loop ÷ bulkjob |")
    print(f"|{'---|' * 6}", flush=True)
    for in_flight in IN_FLIGHT:
        bare, ours = Way(client="aiohttp", in_flight=in_flight), Way(client="bulkjob", in_flight=in_flight)
        crowded = Way(client="bulkjob", in_flight=in_flight, crowded=True)
        found = bench.rounds((ours, bare, crowded), rounds)
        costs = {way: [took.processor for took in found[way]] for way in found}
        ratios = {way: [base / cost for base, cost in zip(costs[bare], costs[way], strict=True)] for way in (ours, crowded)}
        shown = [_spread(costs[bare])]
        for way in (ours, crowded):
            shown += [_spread(costs[way]), f"**{_spread(ratios[way], 2)}**"]
        print(f"| {in_flight} | {' | '.join(shown)} |", flush=True)


def _peers_table(bench: Bench, rounds: int) -> None:
    ways = [Way(client=client, in_flight=in_flight) for client, in_flight in _COMPARED.items()]
    found = bench.rounds(ways, rounds)
    print("| client | in flight | requests/s | bulkjob's ÷ its | processor time a write, µs |")
    print(f"|{'---|' * 5}")
    for way in ways:
        ratios = [other.clock / ours.clock for ours, other in zip(found[ways[0]], found[way], strict=True)]
        rates = [2e6 / took.clock for took in found[way]]
        costs = [took.processor for took in found[way]]
        print(f"| {way.client} | {way.in_flight} | {_spread(rates)} | {_spread(ratios, 2)} | {_spread(costs)} |", flush=True)


def main() -> None:
    """Measures, prints."""
    writes = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{writes:,} writes, {rounds} rounds; {os.cpu_count()} cores{load}, Python {platform.python_version()}, {platform.machine()}\n")
    with served(writes) as url, peers() as folder:
        bench = Bench(url, writes, folder)
        _processor_table(bench, rounds)
        print()
        _peers_table(bench, rounds)
        with opener.open(f"{url}/_cost") as answer:
            cost = json.load(answer)
    print(f"\nThe server took {cost['processor'] / cost['requests'] * 1e6:.0f} µs of the processor for a request.")


if __name__ == "__main__":
    main()
