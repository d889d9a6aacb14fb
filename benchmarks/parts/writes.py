"""What a write costs the processor: by bulkjob, and by a bare loop of aiohttp that does the same JSON work and nothing else."""

from collections.abc import Sequence
from typing import Final

from benchmarks.bench import Bench
from benchmarks.clients import Way, clients
from benchmarks.figures import Aim, Figure, ratios, spread_of
from benchmarks.processes import Took
from benchmarks.results import Measured, Table

IN_FLIGHT: Final = (8, 32, 128)

#: As Kubernetes puts one for each port of each service into every pod.
_CROWDED: Final = {f"SERVICE_{number}_PORT_8080_TCP_ADDR": f"tcp://10.96.{number % 256}.17:8080" for number in range(500)}


def measure(bench: Bench) -> Measured:
    """Loop ÷ bulkjob at each number of requests in flight, also among 500 more variables."""
    figures: list[Figure] = []
    columns = [
        "in flight",
        "bare loop, µs",
        "bulkjob, µs",
        "loop ÷ bulkjob",
        "with 500 more variables, µs",
        "without ÷ with them",
    ]
    table = Table(columns, [])
    with clients(bench.scaled(2_000, 200)) as running:
        for number in IN_FLIGHT:
            ways = [Way(client="bulkjob", in_flight=number), Way(client="aiohttp", in_flight=number)]
            crowded = [Way(client="bulkjob", in_flight=number, more=_CROWDED)] if number == 32 else []
            ours, bare, *among = map(_processor, running.in_turns([*ways, *crowded], bench.turns(5)))
            ratio = ratios(bare, ours)
            row = [str(number), spread_of(bare).told(0), spread_of(ours).told(0), ratio.told(bold=True), "", ""]
            if number == 32:
                figures.append(Figure(what="a write at 32 in flight: bare loop ÷ bulkjob", spread=ratio, aim=Aim(0.75, at_least=True)))
                more = ratios(ours, among[0])
                figures.append(Figure(what="the same write ÷ with 500 more variables", spread=more, aim=Aim(0.95, at_least=True)))
                row[-2:] = [spread_of(among[0]).told(0), more.told(bold=True)]
            table.rows.append(row)
        cost = running.cost_of_server()
    return Measured({"processor": table, "server": Table(["the server, µs a request"], [[f"{cost * 1e6:.0f}"]])}, figures)


def _processor(found: Sequence[Took]) -> list[float]:
    """Microseconds a write."""
    return [took.processor * 1e6 for took in found]
