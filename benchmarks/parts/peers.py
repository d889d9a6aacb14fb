"""How many requests a second bulkjob makes where nothing waits, and how many others make that people would use instead."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.clients import Way, clients
from benchmarks.figures import Aim, Figure, ratios, spread_of
from benchmarks.results import Measured, Table

#: rocketchat_API makes one call after the other.
_WAYS: Final = (
    Way(client="bulkjob", in_flight=32),
    Way(client="aiohttp", in_flight=32),
    Way(client="rocketchat_API", in_flight=1, share=0.2),
    Way(client="requests", in_flight=32, share=0.2),
    Way(client="httpx", in_flight=32, share=0.1),
)

_AIMS: Final = {"rocketchat_API": 5.0, "requests": 1.0, "httpx": 4.0}


def measure(bench: Bench) -> Measured:
    """Requests a second of each client, and bulkjob's over them."""
    table = Table(["client", "in flight", "requests/s", "bulkjob's ÷ its", "processor's time a write, µs"], [])
    figures = []
    with clients(bench.scaled(2_000, 200), peers=bench.peers.folder("httpx", "requests", "rocketchat_API")) as running:
        found = running.in_turns(_WAYS, bench.turns(5))
    for way, taken in zip(_WAYS, found, strict=True):
        ratio = ratios([each.clock for each in taken], [each.clock for each in found[0]])
        costs = spread_of([each.processor * 1e6 for each in taken])
        # A write is two requests.
        rate = spread_of([2 / each.clock for each in taken])
        table.rows.append([way.client, str(way.in_flight), rate.told(0), ratio.told(bold=True), costs.told(0)])
        if way.client in _AIMS:
            aim = Aim(_AIMS[way.client], at_least=True)
            figures.append(Figure(what=f"requests/s: bulkjob ÷ {way.client}", spread=ratio, aim=aim))
    return Measured({"requests": table}, figures)
