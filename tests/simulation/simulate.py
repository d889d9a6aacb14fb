"""Simulations as a command.

``python -m tests.simulation.simulate --seed N`` replays one and tells what happened; ``--seeds FROM-TO`` tries many.
"""

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.more import scenario_of
from tests.simulation.simulation import Simulation, Told, sheet_text


def simulate(seed: int) -> Told:
    """What became of one seed; a defect that escapes is a broken law, too."""
    fast = Path("/dev/shm")  # noqa: S108 - `mkdtemp` makes a folder of its own there
    folder = Path(tempfile.mkdtemp(prefix="bulkjob-simulation-", dir=fast if os.access(fast, os.W_OK) else None))
    try:
        simulation = Simulation(seed, folder)
        try:
            return simulation.run()
        except Exception as error:
            error.add_note(f"seed {seed}: " + "; ".join(simulation.told.story))
            raise
    finally:
        shutil.rmtree(folder)


def command(seed: int) -> str:
    """What to type to see a seed again."""
    return f"python -m tests.simulation.simulate --seed {seed}"


def failures_of(told: Told) -> list[str]:
    """What to show of a simulation in which a law was broken: nothing if none was."""
    return [f"seed {told.seed}: {sentence}" for sentence in told.broken] + ([f"replay it: {command(told.seed)}"] if told.broken else [])


def _safely(seed: int) -> Told:
    try:
        return simulate(seed)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - shown, with the seed; also a kill that went astray
        return Told(seed, broken=[f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])


def main() -> int:
    """Replays one seed with its story, or tries many and shows those that fail."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int)
    which.add_argument("--seeds", metavar="FROM-TO")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per processor)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        scenario = scenario_of(arguments.seed)
        print(f"{scenario.version}, {scenario.user}, limit {scenario.rate_limit}, {dict(scenario.settings)}")
        print(sheet_text(scenario.rows))
        told = simulate(arguments.seed)
        print("\n".join([*told.story, told.digest, *failures_of(told)]))
        return 1 if told.broken else 0
    first, last = (int(number) for number in arguments.seeds.split("-"))
    return _many(range(first, last + 1), arguments.jobs)


def _many(seeds: range, jobs: int) -> int:
    started = time.monotonic()
    seen: Counter[str] = Counter()
    failed = tried = 0
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for told in pool.map(_safely, seeds, chunksize=20):
            tried += 1
            failed += bool(told.broken)
            seen += told.seen
            if told.broken:
                print("\n".join(failures_of(told)), flush=True)
            if tried % 1000 == 0:
                print(f"{tried} of {len(seeds)} seeds, {failed} failed, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{tried} seeds in {time.monotonic() - started:.0f} s, {failed} failed. What happened in them:")
    print("\n".join(f"  {count:8} {what}" for what, count in sorted(seen.items())))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
