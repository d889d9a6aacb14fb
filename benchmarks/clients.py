"""Clients in turns against one server: each writes an agent's order in every department, in a process of its own."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from benchmarks.processes import PROGRAMS, ROOT, Took, environment, fast_server, output_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to write."""

    client: str
    """A name of `WAYS` in `programs/client.py`."""
    in_flight: int
    share: float = 1.0
    """Of the writes: of a client that takes ten times as long, a tenth is enough."""
    more: Mapping[str, str] | None = None
    """Further variables of its environment."""


class Clients:
    """Runs clients against the server of an address, which has as many departments as there are writes."""

    def __init__(self, url: str, writes: int, peers: Path | None = None) -> None:
        self.url = url
        self._writes = writes
        self._paths = [ROOT, *([peers] if peers else [])]
        # Each client changes what it finds twice: for warming up and for good.
        self._orders = count(2, 2)

    def took(self, way: Way) -> Took:
        """What a write took."""
        writes = max(int(self._writes * way.share), 10)
        figures = map(str, (writes, way.in_flight, next(self._orders)))
        command = [sys.executable, str(PROGRAMS / "client.py"), way.client, self.url, *figures]
        clock, processor = json.loads(output_of(command, environment(*self._paths, more=way.more)))
        return Took(clock=clock / writes, processor=processor / writes)

    def in_turns(self, ways: Sequence[Way], turns: int) -> Sequence[Sequence[Took]]:
        """For each way what its writes took, every second turn in the other order, so that neighbours meet the same machine."""
        found: dict[int, list[Took]] = defaultdict(list)
        for turn in range(turns):
            for place in range(len(ways)) if turn % 2 == 0 else reversed(range(len(ways))):
                found[place].append(self.took(ways[place]))
        return [found[place] for place in range(len(ways))]

    def cost_of_server(self) -> float:
        """Seconds of the processor that the server has taken for each request so far."""
        with build_opener(ProxyHandler({})).open(f"{self.url}/_cost") as answer:
            cost = json.load(answer)
        return float(cost["processor"]) / int(cost["requests"])


@contextmanager
def clients(writes: int, *, latency: int = 0, peers: Path | None = None) -> Iterator[Clients]:
    """Clients with a server of their own; ``latency``: milliseconds that it takes for each call."""
    with fast_server(departments=writes, latency=latency) as url:
        yield Clients(url, writes, peers)
