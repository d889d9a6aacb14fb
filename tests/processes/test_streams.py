"""Standard streams that were closed, that nobody reads, or behind which there is no room: the work is done, and its exit code is told."""

import shlex
import sys
from pathlib import Path

import pytest

from bulkjob.vocabulary import Exit
from tests.support.processes import ServedApart, ran
from tests.support.reports import journalled, report_of

OPTIONS = ("--concurrency", "3", "--max-removals", "100%")
CLOSINGS = (">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-")


def redirected(*redirections: str) -> list[str]:
    """What goes before the program on a command line, so that its streams lead elsewhere."""
    return ["/bin/sh", "-c", f'exec "$@" {" ".join(redirections)}', "sh"]


class TestClosed:
    @pytest.mark.parametrize("closing", CLOSINGS)
    def test_run(self, shared: ServedApart, tmp_path: Path, closing: str) -> None:
        """A run does its work and leaves with 0; the files it opens have not got the streams' numbers, so nothing is printed into them."""
        turn, before = shared.turn(), shared.state()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
        command = ("run", sheet, "--run-dir", folder, *OPTIONS, "--log-format", "text")
        done = ran(shared.url, *command, before=redirected(closing))
        assert done.exit == Exit.OK, done.out + done.err
        assert turn.wrong(before, shared.state()) == []
        assert len(report_of(folder)) == 36
        journalled(folder)

    @pytest.mark.parametrize("closing", [CLOSINGS[0], CLOSINGS[-1]])
    @pytest.mark.parametrize("command", ["plan", "validate", "doctor", "export"])
    def test_commands_that_only_read(self, shared: ServedApart, tmp_path: Path, closing: str, command: str) -> None:
        """Each of them leaves with the code that it has with streams, and writes its files."""
        given: list[object] = [tmp_path / "now.csv"] if command == "export" else [shared.turn().sheet(tmp_path)]
        if command == "plan":
            given += ["--out", tmp_path / "plan.json", "--max-removals", "100%"]
        elif command == "doctor":
            given += ["--max-removals", "100%", "--run-dir", tmp_path / "run"]
        done = ran(shared.url, command, *given, before=redirected(closing))
        assert done.exit == Exit.OK, done.out + done.err
        assert command != "plan" or (tmp_path / "plan.json").stat().st_size
        assert command != "export" or (tmp_path / "now.csv").stat().st_size

    @pytest.mark.parametrize(
        ("arguments", "code"), [(["--version"], Exit.OK), (["run"], Exit.USAGE), (["validate", "gone.csv"], Exit.NO_INPUT)]
    )
    def test_endings_before_there_is_work(self, shared: ServedApart, arguments: list[str], code: Exit) -> None:
        """What has nobody to tell it still ends as it is."""
        assert ran(shared.url, *arguments, before=redirected(CLOSINGS[-1])).exit == code


class TestFull:
    @pytest.fixture(autouse=True)
    def _full(self) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("needs a device that is always full")

    def test_report_is_written_all_the_same(self, shared: ServedApart, tmp_path: Path) -> None:
        """With no room behind the standard output a run does its work; 73 says that it could not be told."""
        turn, before = shared.turn(), shared.state()
        sheet, folder = turn.sheet(tmp_path), tmp_path / "run"
        done = ran(shared.url, "run", sheet, "--run-dir", folder, *OPTIONS, before=redirected("> /dev/full"))
        assert done.exit == Exit.CANNOT_CREATE
        assert done.err.splitlines()[-1] == "bulkjob: The standard output cannot be written: No space left on device."
        assert turn.wrong(before, shared.state()) == []
        assert len(report_of(folder)) == 36

    def test_log_that_is_not_kept(self, shared: ServedApart, tmp_path: Path) -> None:
        """With no room behind the log nothing is different: that nobody can be told of."""
        done = ran(shared.url, "plan", shared.turn().sheet(tmp_path), "--max-removals", "100%", before=redirected("2> /dev/full"))
        assert (done.exit, done.err) == (Exit.OK, "")
        assert done.out


def test_reader_that_goes_away(shared: ServedApart, tmp_path: Path) -> None:
    """A run whose reader has seen enough ends its work and leaves with its own code."""
    turn, before = shared.turn(), shared.state()
    program = shlex.join([sys.executable, "-m", "bulkjob", "run", str(turn.sheet(tmp_path)), "--run-dir", str(tmp_path / "run"), *OPTIONS])
    script = f"{{ {program}; echo $? > {shlex.quote(str(tmp_path / 'code'))}; }} | true"
    done = ran(shared.url, before=["/bin/sh", "-c", script, "sh"])
    assert "Traceback" not in done.err
    assert (tmp_path / "code").read_text(encoding="utf-8") == "0\n"
    assert turn.wrong(before, shared.state()) == []
