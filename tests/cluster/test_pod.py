"""The run overlay's pod, run: what its manifest says is what the program needs, also when it is told to end and starts again."""

import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from bulkjob.vocabulary import Exit
from tests.support.manifests import Manifest, containers, job_of
from tests.support.pods import SERVICE_LINKS, Ended, Node, claimed, node, projected
from tests.support.processes import wait_for
from tests.support.reports import report_of
from tests.support.states import State, differences
from tests.support.turns import Turn, workspace

GROUP: Final = 10001
#: Enough to read the workspace, and too few for the changes: a run has to wait for the next minute.
CALLS_A_MINUTE: Final = 30
SETTINGS: Final = """
url = "{url}"
user-id-file = "/secrets/user-id"
auth-token-file = "/secrets/auth-token"
run-dir = "/runs/run"
grace = 20
log-format = "json"
max-removals = "100%"
"""
UNITS: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 0.001}


def quantity(text: str) -> float:
    """What Kubernetes understands by ``256Mi`` or ``250m``."""
    number = text.rstrip("KMGim")
    return float(number) * UNITS.get(text.removeprefix(number), 1)


def account_of(folder: Path, name: str) -> Path:
    """A Secret with an account of the sandbox."""
    return projected(folder / f"secrets-{name}", {"user-id": f"u-{name}\n", "auth-token": f"token-{name}\n"}, GROUP)


def has_to_wait(machine: Node) -> bool:
    """Whether the server has seen writes, and as many calls of one kind as it takes in a minute."""
    counts = Counter((call["method"], call["route"]) for call in machine.calls())
    return max(counts.values(), default=0) >= CALLS_A_MINUTE and any(method != "GET" for method, _ in counts)


def pod_of(overlay: str, component: str = "run") -> Manifest:
    """The pod of an overlay's Job."""
    pod: Manifest = job_of(overlay, component)["spec"]["template"]["spec"]
    return pod


class Night:
    """The sheet, the settings and the secrets of one pod after the other."""

    def __init__(self, machine: Node, folder: Path) -> None:
        self.machine = machine
        self.pod = pod_of("run")
        self.turn = Turn(1)
        self.before: State = machine.state()
        self._volumes = {
            "settings": projected(folder / "settings", {"settings.toml": SETTINGS.format(url=machine.url)}, GROUP),
            "secrets": account_of(folder, "manager"),
            "sheet": projected(folder / "sheet", {"sheet": self.turn.sheet(folder).read_bytes()}, GROUP),
        }

    def rate_limit_is_lifted(self, folder: Path) -> None:
        """The pods from now on are of an account that the server's rate limit does not hold for."""
        self._volumes["secrets"] = account_of(folder, "admin")

    def volumes(self, runs: Path) -> Mapping[str, Path]:
        """Those of a pod that has this run directory's volume."""
        return {**self._volumes, "runs": runs}

    def ended(self, pod: Manifest, runs: Path) -> Ended:
        """A whole pod: one container after the other, until one does not end with 0."""
        for container in containers(pod):
            done = self.machine.ran(pod, container["name"], self.volumes(runs), SERVICE_LINKS)
            if done.exit:
                break
        return done

    def interrupted(self, runs: Path) -> Ended:
        """A pod that is told to end while it waits for the server's rate limit."""
        with self.machine.container(self.pod, "bulkjob", self.volumes(runs), SERVICE_LINKS) as container:
            wait_for(lambda: has_to_wait(self.machine), container.process)
            os.kill(container.pid, signal.SIGTERM)
            return container.ended()

    def hold(self, runs: Path) -> None:
        """The server holds what the sheet asks for and nothing else is different; every row is reported as a success, once."""
        assert self.turn.wrong(self.before, self.machine.state()) == []
        assert [row["status"] for row in report_of(runs / "run")] == ["success"] * len(self.turn.rows)


@contextmanager
def night(folder: Path, *options: str) -> Iterator[Night]:
    """A node with a server and what its pods are given."""
    with node(workspace(), folder, *options) as machine:
        yield Night(machine, folder)


def test_sheet_is_planned_run_and_undone(tmp_path: Path) -> None:
    """The pods of the overlays plan and rollback, one after the other on one volume, each on a root that is read-only.

    The plan's log is the whole plan, the run sends it and needs no more than its manifest asks for, and the way back finds all of it.
    """
    with night(tmp_path, "--rate-limit", "off") as work:
        runs = claimed(tmp_path / "runs", GROUP)
        planned = work.ended(pod_of("plan", "plan"), runs)
        assert planned.exit == Exit.OK, planned.out + planned.err
        assert "more change" not in planned.out
        assert all(f'"{row[0].upper()}"' in planned.out for row in work.turn.rows)
        assert work.machine.state() == work.before
        done = work.ended(pod_of("plan"), runs)
        assert done.exit == Exit.OK, done.out + done.err
        work.hold(runs)
        assert {path.stat().st_uid for path in (runs / "run").iterdir()} == {GROUP}
        assert "All 36 rows are in place" in done.termination_message
        assert "token-manager" not in done.out + done.err + done.termination_message
        requests = containers(work.pod)[-1]["resources"]["requests"]
        assert 0 < done.memory <= quantity(requests["memory"])
        # Spread over the minute that the smallest rate limit makes of the smallest job.
        assert 0 < done.processor_seconds <= quantity(requests["cpu"]) * 60
        back = work.ended(pod_of("rollback", "rollback"), runs)
        assert back.exit == Exit.OK, back.out + back.err
        assert differences(work.before, work.machine.state(), units={}, agents={}) == []


def test_program_is_alone_in_its_pod(tmp_path: Path) -> None:
    """It is process 1 of a user without name, home, locale, capability or way to gain any, and finds nothing but the loopback."""
    with night(tmp_path, "--latency", "200") as work:
        runs = claimed(tmp_path / "runs", GROUP)
        with work.machine.container(work.pod, "bulkjob", work.volumes(runs), SERVICE_LINKS) as container:
            wait_for(lambda: any(call["path"] != "/api/info" for call in work.machine.calls()), container.process)
            assert container.process.poll() is None
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{container.pid}/status").read_text().splitlines() if ":\t" in line)
            variables = Path(f"/proc/{container.pid}/environ").read_bytes().split(b"\0")
            interfaces = Path(f"/proc/{container.pid}/net/dev").read_text().splitlines()[2:]
            root = f"/proc/{container.pid}/root"
            assert status["NSpid"].split()[-1] == "1"
            assert {*status["Uid"].split(), *status["Gid"].split()} == {str(GROUP)}
            assert status["NoNewPrivs"] == "1"
            assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {0}
            assert not {b"HOME", b"LANG", b"LC_ALL"} & {variable.partition(b"=")[0] for variable in variables}
            assert len(variables) > 500
            assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
            assert not Path(root, "etc/passwd").exists()
            for place in ("", "etc", "usr/lib", "settings", "secrets", "sheets"):
                assert os.statvfs(f"{root}/{place}").f_flag & os.ST_RDONLY, place


@pytest.mark.parametrize("volume", ["same", "empty"])
def test_pod_is_replaced(tmp_path: Path, volume: str) -> None:
    """Told to end in a wait, it leaves with 75 and a report; the next pod ends the work, on the same volume or on an empty one."""
    with night(tmp_path, "--rate-limit", f"{CALLS_A_MINUTE}/60") as work:
        runs = claimed(tmp_path / "runs", GROUP)
        first = work.interrupted(runs)
        assert first.exit == Exit.INTERRUPTED, first.out + first.err
        reported = [row["status"] for row in report_of(runs / "run")]
        assert len(reported) == len(work.turn.rows)
        assert "not_sent" in reported
        work.rate_limit_is_lifted(tmp_path)
        if volume == "empty":
            runs = claimed(tmp_path / "runs-2", GROUP)
        done = work.ended(work.pod, runs)
        assert done.exit == Exit.OK, done.out + done.err
        work.hold(runs)
