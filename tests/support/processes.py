"""The program, and a sandbox, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.states import State, parents
from tests.support.turns import Turn


class ServedApart:
    """A sandbox in another process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _get(self, path: str) -> Any:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{self.url}/_sandbox/{path}", timeout=60) as answer:
            return json.load(answer)

    def state(self) -> State:
        state: State = self._get("state")
        return state

    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._get("calls")
        return calls

    def turn(self) -> Turn:
        """The turn that everything is not in by now."""
        return Turn(1 if parents(self.state())["d0"] == "unit0" else 0)


def environment(url: str, *, user: str = "admin") -> dict[str, str]:
    """That of the program: nothing of this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("BULKJOB_")}
    return kept | {"ROCKETCHAT_URL": url, "ROCKETCHAT_USER_ID": f"u-{user}", "ROCKETCHAT_AUTH_TOKEN": f"token-{user}"}


@contextmanager
def served(state: State, folder: Path, *options: str) -> Iterator[ServedApart]:
    """A sandbox with a workspace."""
    file = folder / "workspace.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    command = [sys.executable, "-m", "bulkjob", "sandbox", "--port", "0", "--state", str(file), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield ServedApart(process.stdout.readline().strip().removeprefix("listening on "))
        finally:
            process.kill()


@contextmanager
def started(
    url: str, *arguments: object, user: str = "admin", before: Sequence[str] = (), **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own; ``before`` goes before it on the command line."""
    command = [*before, sys.executable, "-m", "bulkjob", *map(str, arguments)]
    env = environment(url, user=user)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


class Done:
    """A process that has ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.out, self.err = process.communicate(timeout=60)
        self.exit = process.returncode
        self.said = " ".join((self.out + self.err).split())
        assert "Traceback" not in self.err, self.err
        assert "never retrieved" not in self.err, self.err


def ran(url: str, *arguments: object, **options: Any) -> Done:
    """The program, run to its end."""
    with started(url, *arguments, **options) as process:
        return Done(process)


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Waits until something is so that the running process brings about, or the process is over."""
    deadline = time.monotonic() + 60
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def holds_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open; meanwhile it opens and closes others."""
    sought = path.resolve()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if descriptor.readlink() == sought:
                return True
    return False


def asleep(pid: int) -> bool:
    """Whether a process waits for something."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "S"


def looks_after(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal, where the system tells; else that is taken for granted."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return True
    caught = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
