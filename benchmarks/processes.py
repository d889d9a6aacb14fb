"""Processes: those that are measured, and the servers that they speak to."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.machine import CLIENT, SERVER, on

ROOT: Final = Path(__file__).resolve().parents[1]
PROGRAMS: Final = ROOT / "benchmarks" / "programs"

#: `ru_maxrss` is told in these; on macOS in bytes.
_KILOBYTE: Final = 1 if sys.platform == "darwin" else 1024


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What a process, or a piece of work in one, took."""

    clock: float
    processor: float
    """Seconds of the processor, of all threads: a machine that others use, too, changes little of them."""
    memory: float = 0.0
    """Bytes at the peak."""


def environment(*paths: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """As this process has it, without proxies and without settings of the program; modules are found in these folders."""
    theirs = ("bulkjob_", "rocketchat_", "python")
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.lower().startswith(theirs)}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, paths)), **(more or {})}


def account(url: str, user: str = "u-admin", token: str = "token-admin") -> dict[str, str]:  # noqa: S107 - of servers of ours
    """The settings for a server, as variables."""
    return {"ROCKETCHAT_URL": url, "ROCKETCHAT_USER_ID": user, "ROCKETCHAT_AUTH_TOKEN": token}


def output_of(command: Sequence[str], variables: Mapping[str, str], *, folder: Path | None = None) -> str:
    """What a process prints that is measured from within. Raises `RuntimeError` if it fails."""
    with on(CLIENT):
        ended = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    return ended.stdout


def took(
    command: Sequence[str], variables: Mapping[str, str], *, folder: Path, codes: Collection[int] = (0,), cores: frozenset[int] = CLIENT
) -> Took:
    """A process from its start to its end, on these cores. Raises `RuntimeError` if it ends with another code."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        with on(cores):
            child = subprocess.Popen(command, env=variables, cwd=folder, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        clock = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in codes:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}: {said.read()[-2000:].decode()}")
    return Took(clock=clock, processor=used.ru_utime + used.ru_stime, memory=used.ru_maxrss * _KILOBYTE)


@contextmanager
def serving(*command: str) -> Iterator[str]:
    """The address of a server in a process of its own, which says it at the end of its first line."""
    with on(SERVER):
        process = subprocess.Popen([sys.executable, *command], env=environment(ROOT), stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield (process.stdout.readline() if process.stdout else "").split()[-1]
        finally:
            process.terminate()


@contextmanager
def sandbox(state: Mapping[str, object], *flags: str) -> Iterator[str]:
    """The address of `bulkjob sandbox` with this workspace, which does as Rocket.Chat does, and remembers every call."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "workspace.json")
        file.write_bytes(msgspec.json.encode(state))
        with serving("-m", "bulkjob", "sandbox", "--port", "0", "--state", str(file), *flags) as url:
            yield url


@contextmanager
def fast_server(
    *, departments: int, units: int = 0, placed: int | None = None, agents: int = 1, members: int = 1, latency: int = 0
) -> Iterator[str]:
    """The address of `programs/server.py` with so many departments, units, agents, and agents in each department.

    ``placed``: how many departments are in a unit (None: all, if there are units). ``latency``: milliseconds.
    """
    counts = {"departments": departments, "units": units, "placed": (departments if units else 0) if placed is None else placed}
    flags = {**counts, "agents": agents, "members": members, "latency": latency}
    with serving(str(PROGRAMS / "server.py"), *(f"--{name}={value}" for name, value in flags.items())) as url:
        yield url
