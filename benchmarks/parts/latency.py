"""Whether the requests in flight are used where each call takes its time: bulkjob over the bare loop."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.clients import Way, clients
from benchmarks.figures import Aim, Figure, ratios, spread_of
from benchmarks.results import Measured, Table

_IN_FLIGHT: Final = 32

#: Milliseconds that the server takes for each call → writes: enough for two seconds and more.
_LATENCIES: Final = {20: 1_600, 100: 640}


def measure(bench: Bench) -> Measured:
    """The share of 32 ÷ latency that each reaches, and one over the other."""
    table = Table(["a call takes", "most requests/s", "bare loop reaches", "bulkjob reaches", "bulkjob ÷ loop"], [])
    figures = []
    for latency, writes in _LATENCIES.items():
        with clients(bench.scaled(writes, 320), latency=latency) as running:
            ways = [Way(client=client, in_flight=_IN_FLIGHT) for client in ("bulkjob", "aiohttp")]
            ours, bare = ([each.clock for each in found] for found in running.in_turns(ways, bench.turns(3)))
        most = _IN_FLIGHT * 1000 / latency
        # A write is two requests.
        shares = [spread_of([2 / clock / most for clock in clocks]).told() for clocks in (bare, ours)]
        ratio = ratios(bare, ours)
        table.rows.append([f"{latency} ms", f"{most:,.0f}", *shares, ratio.told(bold=True)])
        what = f"share of 32 ÷ {latency} ms that is reached: bulkjob ÷ bare loop"
        figures.append(Figure(what=what, spread=ratio, aim=Aim(0.95, at_least=True)))
    return Measured({"shares": table}, figures)
