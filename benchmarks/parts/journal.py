"""What the journal costs: the writes of a plan carried out with it and with one that keeps nothing."""

from benchmarks.bench import Bench
from benchmarks.clients import Way, clients
from benchmarks.figures import Aim, Figure, ratios, spread_of
from benchmarks.results import Measured, Table


def measure(bench: Bench) -> Measured:
    """Writes a second at 32 requests in flight, with and without the journal."""
    ways = [Way(client=client, in_flight=32) for client in ("bulkjob", "bulkjob without its journal")]
    with clients(bench.scaled(2_000, 200)) as running:
        kept, forgotten = running.in_turns(ways, bench.turns(7))
    throughput = ratios([each.clock for each in forgotten], [each.clock for each in kept])
    cost = ratios([each.processor for each in kept], [each.processor for each in forgotten])
    rates = [spread_of([1 / each.clock for each in found]).told(0) for found in (kept, forgotten)]
    columns = ["writes/s with the journal", "without", "throughput", "processor's time"]
    table = Table(columns, [[*rates, throughput.told(3, bold=True), cost.told(3)]])
    figure = Figure(what="writes/s: with the journal ÷ without", spread=throughput, aim=Aim(0.9, at_least=True))
    return Measured({"throughput": table}, [figure])
