"""How long somebody else's edit of a unit can be lost: from the reading that a unit's body is made from to its writing."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import spread_of
from benchmarks.processes import account, sandbox
from benchmarks.results import Measured, Table
from benchmarks.workspaces import LIST_DEPARTMENTS, POST_UNIT, Calls, calls_at, workspace, write_sheet

_UNITS: Final = 30

#: Milliseconds that the sandbox takes for each call.
_LATENCIES: Final = (0, 20, 100)


def measure(bench: Bench) -> Measured:
    """Thirty units, each of which gives a department to the next, at three latencies; by the sandbox's own clock."""
    parents = [number % _UNITS for number in range(10 * _UNITS)]
    rows = [(f"d{number}", f"u{(number + 1) % _UNITS}") for number in range(_UNITS)]
    sheet = write_sheet(bench.folder / "moves.csv", ("department", "unit"), rows)
    table = Table(["a call takes", "units written", "median", "at most"], [])
    for latency in _LATENCIES:
        with sandbox(workspace(parents, units=_UNITS, agents=0, places={}), "--rate-limit", "off", "--latency", str(latency)) as url:
            bench.bulkjob("run", sheet, "--run-dir", f"run-{latency}", variables=account(url))
            found = _gaps(calls_at(url))
        table.rows.append([f"{latency} ms", str(len(found)), f"{spread_of(found).median * 1000:.0f} ms", f"{max(found) * 1000:.0f} ms"])
    return Measured({"gaps": table}, [])


def _gaps(calls: Calls) -> list[float]:
    """Seconds between each unit's writing and the latest list of departments that was asked for before it."""
    found, listed = [], 0.0
    for call in calls.made:
        if call.kind == LIST_DEPARTMENTS:
            listed = call.time
        elif call.kind == POST_UNIT:
            found.append(call.time - listed)
    return found
