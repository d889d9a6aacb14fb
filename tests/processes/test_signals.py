"""Signals at every stage of every command, also as a container's first process, which none reaches that it does not handle."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bulkjob.vocabulary import Exit
from tests.support.processes import Done, ServedApart, asleep, holds_open, ran, served, started, wait_for
from tests.support.reports import journalled, report_of
from tests.support.states import parents
from tests.support.turns import Turn, workspace

OPTIONS = ("--concurrency", "3", "--max-removals", "100%")
UNSHARE = ("unshare", "--pid", "--fork", "--kill-child")


@pytest.fixture(scope="session")
def first_process() -> None:
    """Passes over the test where no process can be the first of its own."""
    command = [*UNSHARE, sys.executable, "-c", "import os; print(os.getpid())"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare")
    if done.stdout != "1\n":
        pytest.skip(f"needs the right to make a namespace of processes: {done.stderr.strip()}")


@contextmanager
def contained(url: str, *command: object, **options: Any) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The program as process 1; yields the process that waits for it, and the program's own number."""
    with started(url, *command, before=UNSHARE, **options) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_for(lambda: children.exists() and children.read_text(encoding="utf-8"), process)
        inner = int(children.read_text(encoding="utf-8").split()[0])
        yield process, inner


@pytest.mark.usefixtures("first_process")
class TestFirstProcess:
    def test_while_the_sheet_is_read(self, shared: ServedApart, tmp_path: Path) -> None:
        """Nothing has begun: 75 and one sentence, no run directory."""
        sheet, folder = tmp_path / "sheet.csv", tmp_path / "run"
        os.mkfifo(sheet)
        with contained(shared.url, "run", sheet, "--run-dir", folder) as (process, inner), sheet.open("w") as writer:
            writer.write("department,agent\n")
            writer.flush()
            wait_for(lambda: asleep(inner), process)
            os.kill(inner, signal.SIGTERM)
            done = Done(process)
        assert (done.exit, done.out, done.err) == (Exit.INTERRUPTED, "", "bulkjob: Interrupted. Nothing was sent.\n")
        assert not folder.exists()

    def test_while_the_lock_is_waited_for(self, shared: ServedApart, tmp_path: Path) -> None:
        """Whoever waits for another run leaves at once, and leaves that run's directory alone."""
        turn = shared.turn()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
        with started(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS) as first:
            wait_for((folder / "journal.jsonl").exists, first)
            first.send_signal(signal.SIGSTOP)
            with contained(shared.url, "run", sheet, "--run-dir", folder, "--lock-timeout", "600") as (process, inner):
                wait_for(lambda: holds_open(inner, folder / ".lock"), process)
                os.kill(inner, signal.SIGTERM)
                done = Done(process)
            first.send_signal(signal.SIGCONT)
            assert Done(first).exit == Exit.OK
        assert (done.exit, done.out, done.err) == (Exit.INTERRUPTED, "", "bulkjob: Interrupted. Nothing was sent.\n")

    @pytest.mark.parametrize("reading", [True, False])
    def test_while_the_rate_limit_is_waited_for(self, tmp_path: Path, *, reading: bool) -> None:
        """A wait of a minute is given up at once, before the plan is made or after; what was sent is done, the rest `not_sent`."""
        sheet, folder = tmp_path / "sheet.csv", tmp_path / "run"
        rows = [f"d{number},unit{(number + 1) % 3},{'a6' if reading else ''},{'1' if reading else ''}" for number in range(12)]
        sheet.write_text("\n".join(("department,unit,agent,order", *rows)), encoding="utf-8")
        with served(workspace(), tmp_path, "--rate-limit", "8/60") as sandbox:
            command = ("run", sheet, "--run-dir", folder, "--unit-route", "department")
            with contained(sandbox.url, *command, user="manager") as (process, inner):
                wait_for(lambda: most_called(sandbox) == 8, process)
                os.kill(inner, signal.SIGTERM)
                done = Done(process)
            assert done.exit == Exit.INTERRUPTED, done.out + done.err
            units = parents(sandbox.state())
        report = report_of(folder)
        assert [row["department"] for row in report] == [f"d{number}" for number in range(12)]
        for row in report:
            assert row["status"] == ("success" if units[row["department"]] == row["unit"] else "not_sent"), row
        assert reading == ({row["code"] for row in report} == {"interrupted"})

    def test_while_the_report_is_written(self, shared: ServedApart, tmp_path: Path) -> None:
        """The report is finished, and the exit code is what it says."""
        sheet, folder = shared.turn().sheet(tmp_path), tmp_path / "run"
        struck = struck_by(signal.SIGTERM, tmp_path, "bulkjob.system.files", "_write_durably", only="summary.json")
        with started(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS, before=(*UNSHARE, *struck)) as process:
            done = Done(process)
        assert done.exit == Exit.OK, done.out + done.err
        assert len(report_of(folder)) == 36


def struck_by(number: int, folder: Path, module: str, name: str, *, only: str = "") -> list[str]:
    """What goes before the program on a command line, so that it gets a signal in the middle of one of its functions.

    ``only``: in calls whose first argument, as text, holds this.
    """
    place = folder / "struck"
    place.mkdir()
    (place / "sitecustomize.py").write_text(
        f"""
import importlib, os
module = importlib.import_module({module!r})
inner = module.{name}

def struck(*arguments, **named):
    if {only!r} in str(arguments[:1]):
        os.kill(os.getpid(), {int(number)})
    return inner(*arguments, **named)

module.{name} = struck
""",
        encoding="utf-8",
    )
    return ["env", f"PYTHONPATH={os.pathsep.join(filter(None, [str(place), *sys.path]))}"]


Struck = Callable[..., tuple[Done, Path]]

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

#: Of each command that changes nothing: what it is given, the files that it writes, and functions that render, with their modules.
READING = {
    "validate": (
        ("--out", "{folder}"),
        ("problems.csv", "annotated.xlsx"),
        ("report.files.render_problems", "report.files.render_annotated"),
    ),
    "plan": (
        ("--out", "{folder}/plan.json", "--csv", "{folder}/rows.csv"),
        ("plan.json", "rows.csv"),
        ("commands.plan.pieces_of_plan", "commands.plan.render_results", "commands.plan.plan_lines"),
    ),
    "export": (("{folder}/now.csv",), ("now.csv",), ("commands.export.render_csv",)),
    "doctor": ((), (), ("commands.doctor.findings_lines",)),
}


@pytest.fixture
def struck(shared: ServedApart, tmp_path: Path) -> Struck:
    """Runs a command that gets a signal as `struck_by` says; the command, ended, and the folder of its files."""
    folder = tmp_path / "files"
    folder.mkdir()

    def run(command: str, number: int, module: str, name: str, **options: str) -> tuple[Done, Path]:
        sheet = [] if command == "export" else [shared.turn().sheet(tmp_path)]
        given = [option.format(folder=folder) for option in READING[command][0]]
        return ran(shared.url, command, *sheet, *given, before=struck_by(number, tmp_path, module, name, **options)), folder

    return run


class TestCommandsThatOnlyRead:
    @pytest.mark.parametrize(
        ("command", "name", "number"),
        [
            (command, name, SIGNALS[place % len(SIGNALS)])
            for place, (command, name) in enumerate((command, name) for command, (*_, names) in READING.items() for name in names)
        ],
    )
    def test_while_it_renders(self, struck: Struck, command: str, name: str, number: int) -> None:
        """Each signal ends each command at once with 75 and one sentence, also when it reads no more; files are whole or absent."""
        module, _, function = name.rpartition(".")
        done, folder = struck(command, number, f"bulkjob.{module}", function)
        assert (done.exit, done.err.splitlines()[-1:]) == (Exit.INTERRUPTED, ["bulkjob: Interrupted. Nothing was sent."])
        for path in folder.iterdir():
            assert path.name in READING[command][1]
            assert path.read_bytes().endswith((b"\n", b"\x00"))

    @pytest.mark.parametrize(("command", "file"), [(command, file) for command, (_, files, _) in READING.items() for file in files])
    def test_while_it_writes(self, struck: Struck, command: str, file: str) -> None:
        """So it is in the middle of a file: that one is absent, and nothing lies beside where it would be."""
        done, folder = struck(command, signal.SIGTERM, "bulkjob.system.files", "_write_durably", only=file)
        assert (done.exit, done.err.splitlines()[-1:]) == (Exit.INTERRUPTED, ["bulkjob: Interrupted. Nothing was sent."])
        assert not (folder / file).exists()
        assert {path.name for path in folder.iterdir()} <= set(READING[command][1])


def test_hangup_is_an_end_like_any_other(shared: ServedApart, tmp_path: Path) -> None:
    """When its terminal goes, a run finishes what is in flight and writes its report; the next run ends the work."""
    turn, before = shared.turn(), shared.state()
    sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
    with started(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS) as process:
        wait_for((folder / "journal.jsonl").exists, process)
        process.send_signal(signal.SIGHUP)
        done = Done(process)
    assert done.exit in (Exit.INTERRUPTED, Exit.OK), done.out + done.err
    assert len(report_of(folder)) == 36
    assert ran(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS).exit == Exit.OK
    assert turn.wrong(before, shared.state()) == []


def most_called(sandbox: ServedApart) -> int:
    """Of the route that was called most, how often."""
    return max(Counter((call["method"], call["route"]) for call in sandbox.calls()).values(), default=0)


def test_second_interrupt(tmp_path: Path) -> None:
    """A second SIGINT ends the job at once: the journal is whole, the report is written, and the next run ends the work."""
    turn, folder = Turn(1), tmp_path / "run"
    with served(workspace(), tmp_path, "--rate-limit", "off", "--faults", "timeout-after@POST+9x3") as sandbox:
        command = ("run", turn.sheet(tmp_path), "--run-dir", folder, *OPTIONS)
        before = sandbox.state()
        with started(sandbox.url, *command, "--timeout", "600", "--grace", "600") as process:
            wait_for(lambda: sum(call["method"] == "POST" for call in sandbox.calls()) >= 12, process)
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
            process.send_signal(signal.SIGINT)
            done = Done(process)
        assert done.exit == Exit.INTERRUPTED, done.out + done.err
        rows = report_of(folder)
        assert {row["status"] for row in rows} == {"success", "failed", "not_sent"}
        assert any("no answer had come yet: it was given up when the job was interrupted" in row["message"] for row in rows)
        for row in rows:
            assert turn.holds(sandbox.state(), int(row["row"])) or row["status"] != "success", row
        journalled(folder)
        assert ran(sandbox.url, *command).exit == Exit.OK
        assert turn.wrong(before, sandbox.state()) == []
