"""Many workspaces in one night: the Indexed Job's pods as processes, some killed, some of their servers down for a while.

WORKSPACES says how many; `make forty` has forty of them.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import xlsxwriter

from bulkjob.vocabulary import Exit
from tests.support.indexed_jobs import JobStatus, PodEnd, action_for, carried_out
from tests.support.manifests import Manifest, containers, expanded, job_of
from tests.support.processes import ServedApart, environment, ran
from tests.support.reports import report_of
from tests.support.states import State
from tests.support.turns import Turn, workspace

WORKSPACES: Final = int(os.environ.get("WORKSPACES", "4"))
#: Of a second of the controller's waiting, so much is waited.
SHORTENED: Final = 0.02
#: What a pod meets with, by the index of its workspace.
KILLED: Final = (1, 2, 3) if WORKSPACES > 5 else (1, 2)
DOWN: Final = (0, WORKSPACES - 1) if WORKSPACES > 5 else (0,)
SPOILT: Final = WORKSPACES - 2 if WORKSPACES > 5 else 3
#: The first write of such a workspace never gets an answer, so that its pod is surely still at work when it is killed.
STUCK: Final = "timeout@PUT livechat/department/:idx1"
#: So many pods of such a workspace find nobody there.
IN_VAIN: Final = 2
DISRUPTED: Final = {"DisruptionTarget": "True"}


class Night:
    """The workspaces, and what their pods are given."""

    def __init__(self, urls: Sequence[str], folder: Path) -> None:
        self.servers = [ServedApart(url) for url in urls]
        self.turn = Turn(1)
        self.folder = folder
        self.runs = folder / "runs"
        #: All begin alike.
        self.before: State = self.servers[1].state()
        for name in ("sheets", "settings", "secrets", "runs", "tmp"):
            (folder / name).mkdir()
        for index, url in enumerate(urls):
            self.write_sheet(index, self.turn.rows)
            (folder / "secrets" / f"{index}-auth-token").write_text("token-admin\n", encoding="utf-8")
            (folder / "settings" / f"{index}.toml").write_text(
                f'url = "{url}"\nuser-id = "u-admin"\nauth-token-file = "{folder}/secrets/{index}-auth-token"\n'
                f'retries = {1 if index in DOWN else 5}\ngrace = 1\nmax-removals = "100%"\nlog-format = "json"\n',
                encoding="utf-8",
            )

    def write_sheet(self, index: int, rows: Sequence[Sequence[str]]) -> None:
        """The sheet of a workspace."""
        with xlsxwriter.Workbook(self.folder / "sheets" / f"{index}.xlsx") as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([("department", "unit", "agent", "order", "action"), *rows]):
                sheet.write_row(number, 0, row)

    def arguments(self, container: Manifest, index: int) -> list[str]:
        """A container's arguments, with the folders in the place of the paths at which a pod has them."""
        told = [expanded(argument, {"JOB_COMPLETION_INDEX": str(index)}) for argument in container["args"]]
        places = tuple(f"{mount['mountPath']}/" for mount in container["volumeMounts"])
        return [f"{self.folder}{argument}" if argument.startswith(places) else argument for argument in told]

    @property
    def workspaces(self) -> Path:
        """The folder with a run directory for each."""
        return self.runs / "workspaces"


async def ended(arguments: Sequence[str], at_work: Path | None = None, number: int = 0) -> int:
    """The exit code of a process, which gets a signal as soon as a file is there; 137 for one that was killed, as in a pod."""
    command = [sys.executable, "-m", "bulkjob", *arguments]
    variables = {name: text for name, text in environment("").items() if not name.startswith("ROCKETCHAT_")}
    process = await asyncio.create_subprocess_exec(*command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while at_work is not None and process.returncode is None:
        if at_work.exists():
            process.send_signal(number)
            break
        await asyncio.sleep(0.01)
    code = await process.wait()
    return 128 - code if code < 0 else code


async def listening(url: str) -> None:
    """Waits until somebody is there."""
    where = urlsplit(url)
    while True:
        try:
            _, writer = await asyncio.open_connection(where.hostname, where.port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def strike(index: int, number: int) -> tuple[int, Mapping[str, str]]:
    """What happens to the pod of an index: a signal, and what the cluster says of it; none for most."""
    if number or index not in KILLED:
        return 0, {}
    # Its memory ran out; its node is gone; it is drained.
    return {1: (signal.SIGKILL, {}), 2: (signal.SIGKILL, DISRUPTED), 3: (signal.SIGTERM, DISRUPTED)}[index]


def run_job(night: Night, spec: Manifest) -> JobStatus:
    """Runs the Indexed Job to its end."""

    async def pod(index: int, number: int) -> PodEnd:
        signal_number, conditions = strike(index, number)
        if index in DOWN and number == IN_VAIN:
            (night.folder / f"{index}-is-back").touch()
            await listening(night.servers[index].url)
        (container,) = containers(spec["template"]["spec"])
        struck = night.workspaces / str(index) / "journal.jsonl" if signal_number else None
        code = await ended(night.arguments(container, index), struck, signal_number)
        return PodEnd(exit=code, conditions=conditions)

    return asyncio.run(carried_out(spec, pod, shortened=SHORTENED))


@contextmanager
def night_of(count: int, folder: Path) -> Iterator[Night]:
    """So many workspaces in one process."""
    servers: list[dict[str, Any]] = [{"state": workspace(), "rate_limit": "off", "seed": index} for index in range(count)]
    for index in KILLED:
        servers[index]["faults"] = STUCK
    for index in DOWN:
        servers[index]["away_until"] = str(folder / f"{index}-is-back")
    file = folder / "servers.json"
    file.write_text(json.dumps(servers), encoding="utf-8")
    command = [sys.executable, "-m", "tests.support.many_servers", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Night(json.loads(process.stdout.readline()), folder)
        finally:
            process.kill()


def test_all_workspaces_end_right(tmp_path: Path) -> None:
    """Pods are killed and servers are away for a while: in the end every workspace holds what its sheet asks for, and no more.

    One sheet has a mistake: its index fails at once, the others go on, and the summary tells which.
    """
    spec = {**job_of("many-workspaces")["spec"], "completions": WORKSPACES}
    with night_of(WORKSPACES, tmp_path) as night:
        night.write_sheet(SPOILT, [("d0", "unit1", "", "first", ""), *night.turn.rows[1:]])
        status = run_job(night, spec)
        assert status.failed == {SPOILT}
        assert [end.exit for end in status.ends[SPOILT]] == [Exit.BAD_SHEET]
        codes = {index: [end.exit for end in ends[:-1]] for index, ends in status.ends.items() if len(ends) > 1}
        assert [codes[index] for index in KILLED] == [[137], [137], [Exit.INTERRUPTED]][: len(KILLED)]
        assert [codes[index] for index in DOWN] == [[Exit.UNAVAILABLE] * IN_VAIN] * len(DOWN)
        assert codes.keys() == {*KILLED, *DOWN}
        assert status.most_at_once == min(spec["parallelism"], WORKSPACES)
        for index, server in enumerate(night.servers):
            after = server.state()
            assert (night.before == after) if index == SPOILT else (night.turn.wrong(night.before, after) == []), index
            if index != SPOILT:
                assert [row["status"] for row in report_of(night.workspaces / str(index))] == ["success"] * len(night.turn.rows)
        told = ran("", "summary", night.workspaces, "--expect", WORKSPACES, "--json")
        assert told.exit == Exit.BAD_SHEET, told.out + told.err
        # The sheet is corrected, and the same Job made again: the others have nothing left to do.
        night.write_sheet(SPOILT, night.turn.rows)
        again = run_job(night, spec)
        assert again.complete
        assert [night.turn.wrong(night.before, server.state()) for server in night.servers] == [[]] * WORKSPACES
        told = ran("", "summary", night.workspaces, "--expect", WORKSPACES)
        assert told.exit == Exit.OK, told.out + told.err
        sys.stdout.write(told.out)


class TestTheController:
    """It does what Kubernetes' documentation says of an Indexed Job."""

    SPEC: Final = {"completionMode": "Indexed", "completions": 5, "parallelism": 2, "backoffLimitPerIndex": 2}

    def carried_out(self, ends: Mapping[int, Sequence[PodEnd]], **changes: object) -> JobStatus:
        """The Job of pods that end so; where nothing is said, with 0."""
        spec = {**self.SPEC, "podFailurePolicy": job_of("many-workspaces")["spec"]["podFailurePolicy"], **changes}

        async def pod(index: int, number: int) -> PodEnd:
            await asyncio.sleep(0)
            told = ends.get(index, ())
            return told[number] if number < len(told) else PodEnd(exit=0)

        return asyncio.run(carried_out(spec, pod, shortened=0))

    def test_parallelism_is_kept(self) -> None:
        """So many pods at once, and no more."""
        status = self.carried_out({})
        assert (status.complete, status.most_at_once, status.succeeded) == (True, 2, {0, 1, 2, 3, 4})

    def test_limit_is_that_of_an_index(self) -> None:
        """An index fails with one failure more than its limit; another one is not touched by it."""
        status = self.carried_out({1: [PodEnd(exit=69)] * 3, 2: [PodEnd(exit=75)] * 2})
        assert (status.failed, status.complete) == ({1}, False)
        assert len(status.ends[2]) == 3

    @pytest.mark.parametrize(
        ("end", "action"),
        [
            (PodEnd(exit=69), "Count"),
            (PodEnd(exit=75), "Count"),
            (PodEnd(exit=137), "Count"),
            (PodEnd(exit=1), "FailIndex"),
            (PodEnd(exit=65), "FailIndex"),
            (PodEnd(exit=78), "FailIndex"),
            (PodEnd(exit=1, conditions=DISRUPTED), "Count"),
            (PodEnd(exit=1, conditions={"DisruptionTarget": "False"}), "FailIndex"),
        ],
    )
    def test_first_rule_that_fits_holds(self, end: PodEnd, action: str) -> None:
        """A disruption before exit codes, and what no rule names is counted."""
        assert action_for(job_of("many-workspaces")["spec"], end) == action
