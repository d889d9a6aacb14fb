"""The machine: what it is, how busy it is, and which cores clients and servers run on."""

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

#: All cores that this process may use; none where the system does not say.
_CORES: Final = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

#: Where what is measured runs. The first core is the one that is most often interrupted.
CLIENT: Final = frozenset(_CORES[-1:])

#: Where what it is measured against runs.
SERVER: Final = frozenset(_CORES[:-1]) or CLIENT


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """What this thread starts meanwhile stays on these cores; none: wherever there is room."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def load() -> float:
    """How many processes wanted a core in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def described(before: float, peers: Sequence[str]) -> str:
    """``Intel Xeon, 2 cores, Python 3.11.7, November 2026, load 0.4 to 1.9; httpx 0.28``; ``before``: the load before the measurement."""
    low, high = sorted((before, load()))
    told = [_processor(), f"{len(_CORES) or os.cpu_count()} cores", f"Python {platform.python_version()}", f"{datetime.now(UTC):%B %Y}"]
    return "; ".join([f"{', '.join(told)}, load {low:.1f} to {high:.1f}", *([", ".join(peers)] if peers else [])])


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
