"""The command line: what is printed, and with which exit code every ending leaves."""

import ast
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bulkjob
from bulkjob import __version__
from bulkjob.cli import main
from bulkjob.commands.meanings import EXIT_MEANINGS
from bulkjob.commands.table import COMMANDS
from bulkjob.settings.table import SETTINGS, settings_of
from bulkjob.settings.values import Settings
from bulkjob.vocabulary import Exit, Stop

TOKEN = "s3cr3t-t0k3n"
CONNECTION = {"ROCKETCHAT_URL": "http://127.0.0.1:1", "ROCKETCHAT_USER_ID": "u1", "ROCKETCHAT_AUTH_TOKEN": TOKEN}
HEAVY = (
    "pandas",
    "numpy",
    "pyarrow",
    "aiohttp",
    "fsspec",
    "prometheus_client",
    "rich",
    "tenacity",
    "xlsxwriter",
    "msgspec",
    "xlrd",
    "asyncio",
)


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the shell that runs the tests, but a connection."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable or "-", raising=False)
        monkeypatch.delenv(f"{setting.variable}_FILE", raising=False)
    for variable, value in CONNECTION.items():
        monkeypatch.setenv(variable, value)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    """Put a module with ``members`` in the place of ``bulkjob.<name>``."""
    module = ModuleType(f"bulkjob.{name}")
    vars(module).update(members)
    package, _, word = module.__name__.rpartition(".")
    if package != "bulkjob":
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys.modules[package], word, module, raising=False)
    assert sys.modules["bulkjob"] is bulkjob


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Settings, Path, object], Exit]], None]:
    """A function that puts another job in the place of the real one."""
    return lambda run: stand_in(monkeypatch, "commands.run", run=run)


def program(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """``python -m bulkjob`` in a process of its own."""
    return subprocess.run([sys.executable, "-m", "bulkjob", *arguments], capture_output=True, text=True, check=False, **options)


def loaded_by(arguments: Sequence[str], modules: Sequence[str]) -> list[str]:
    """Those of ``modules`` that are loaded once the program has answered ``arguments``, in a process of its own."""
    code = f"import sys, bulkjob.cli; bulkjob.cli.main({arguments!r}); print([m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [*ast.literal_eval(done.stdout.splitlines()[-1])]


class TestHelp:
    """What the program says of itself."""

    @pytest.mark.parametrize("arguments", [["--version"], ["--help"], *([command.name, "--help"] for command in COMMANDS)])
    def test_help_imports_nothing_heavy(self, arguments: list[str]) -> None:
        """Help and version come at once: none of the libraries that take their time is imported for them."""
        assert loaded_by(arguments, HEAVY) == []

    @pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["rnu"]])
    def test_what_no_command_answers_costs_little(self, arguments: list[str]) -> None:
        """As long as no command is typed nothing is imported that only commands need: settings, flags, the log, and records."""
        assert loaded_by(arguments, ("bulkjob.settings", "bulkjob.commands.flags", "dataclasses", "inspect", "json", "logging")) == []

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The version is printed to standard output."""
        assert main(["--version"]) == Exit.OK
        assert capsys.readouterr().out == f"bulkjob {__version__}\n"

    def test_module_is_the_command(self) -> None:
        """``python -m bulkjob`` is the same program."""
        assert program("--version").stdout == f"bulkjob {__version__}\n"

    def test_commands_and_exit_codes_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The help names every command that there is, and every exit code."""
        main(["--help"])
        said = capsys.readouterr().out
        assert [command.name for command in COMMANDS if f"\n    {command.name} " not in said] == []
        assert list(EXIT_MEANINGS) == list(Exit)
        assert [code for code, meaning in EXIT_MEANINGS.items() if f"{code:>2}  {meaning}" not in said] == []

    @pytest.mark.parametrize("command", [command.name for command in COMMANDS])
    def test_settings_are_in_the_help(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A command's help names the flag, the variable and the default of each setting that it takes."""
        main([command, "--help"])
        said = " ".join(capsys.readouterr().out.split())
        for setting in settings_of(command):
            assert setting.flag in said
            assert setting.variable in said
            assert setting.default in said or not setting.flag


def test_validate_loads_what_reads_a_sheet(tmp_path: Path) -> None:
    """To check a CSV nothing is imported that talks to a server, plans, or writes a workbook."""
    sheet = tmp_path / "s.csv"
    sheet.write_text("department,unit\nSales,EMEA\n", encoding="utf-8")
    of_others = (
        "aiohttp",
        "tenacity",
        "fsspec",
        "prometheus_client",
        "jinja2",
        "xlsxwriter",
        "bulkjob.plan.document",
        "bulkjob.changes.change",
    )
    assert loaded_by(["validate", str(sheet)], of_others) == []


def test_validate_shows_no_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also a command that has no use for the token does not show it where a sheet has it in a cell."""
    (tmp_path / "a.csv").write_text(f"department,unit,count\nSales,North,{TOKEN}\n", encoding="utf-8")
    assert main(["validate", str(tmp_path / "a.csv"), "--json", "--out", str(tmp_path / "out")]) == Exit.BAD_SHEET
    told = capsys.readouterr()
    assert TOKEN not in told.out + told.err + (tmp_path / "out/problems.csv").read_text(encoding="utf-8-sig")


def test_run_loads_what_it_was_asked_for(tmp_path: Path) -> None:
    """A run that publishes nothing and writes no metrics loads neither the libraries of stores nor that of metrics."""
    sheet = tmp_path / "s.csv"
    sheet.write_text("department,unit\nSales,EMEA\n", encoding="utf-8")
    asked = ["run", str(sheet), "--run-dir", str(tmp_path / "run"), "--retries", "1"]
    assert loaded_by(asked, ("fsspec", "prometheus_client", "xlsxwriter")) == ["xlsxwriter"]


class TestUsage:
    """A command line that is no good."""

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["walk"],
            ["run"],
            ["run", "a.csv", "b.csv"],
            ["run", "a.csv", "--nonsense"],
            ["run", "a.csv", "--conc", "3"],
            ["run", "a.csv", "--url"],
            ["run", "a.csv", "--concurrency", "0"],
            ["run", "a.csv", "--max-failures", "-1"],
            ["run", "a.csv", "--skip-invalid", "--agents", "mirror"],
            ["run", "a.csv", "--auth-token", "x"],
            ["validate"],
            ["validate", "a.csv", "--url", "http://x"],
            ["sandbox", "--port", "65536"],
            ["sandbox", "--port", "http"],
            ["sandbox", "--latency", "slow"],
        ],
    )
    def test_wrong_usage(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        """Wrong usage is 2, said on standard error, with nothing on standard output."""
        assert main(arguments) == Exit.USAGE
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err != ""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "bulkjob plan SHEET"),
            (["rnu", "a.csv"], "Did you mean run?"),
            (["frobnicate"], "validate, plan, run, rollback, export, doctor, summary and sandbox"),
            (["a.xlsx"], "bulkjob plan a.xlsx"),
            (["run"], "SHEET is missing"),
            (["run", "a.csv", "--max-removal", "5"], "Did you mean --max-removals?"),
            (["run", "a.csv", "--max_removals=5"], "Did you mean --max-removals?"),
            (["run", "--dry-run"], "bulkjob plan SHEET"),
            (["run", "a.csv", "--dry-run"], "bulkjob plan a.csv"),
            (["run", "my a.csv", "--agents", "mirror", "--run-dir", "x", "--dry-run"], "bulkjob plan 'my a.csv' --agents mirror\n"),
            (["rollback", "r", "--dry-run"], "bulkjob plan SHEET"),
            (["validate", "a.csv", "--url", "http://x"], "plan, run, rollback, export and doctor do"),
            (["run", "a.csv", "--url"], "--url needs a value"),
            (["run", "my", "sheet.csv"], "needs quotes"),
            (["sandbox", "--port", "http"], "from 0 to 65535"),
            (["export", "a.txt"], "neither .csv nor .xlsx"),
            (["r\x1b]52;n"], "There is no command"),
        ],
    )
    def test_what_to_type_instead(self, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Whatever is mistyped, the answer says what to type, in a line or a few, and where to read more."""
        assert main(arguments) == Exit.USAGE
        told = capsys.readouterr().err
        assert said in told
        assert "--help" in told
        assert len(told.splitlines()) <= 6
        assert "\x1b" not in told

    @pytest.mark.parametrize(
        "arguments",
        [
            [TOKEN],
            ["run", "a.csv", TOKEN],
            ["run", "a.csv", "--max-failures", TOKEN],
            ["run", "a.csv", f"--url={TOKEN}"],
            ["summary", "runs", "--expect", TOKEN],
            ["sandbox", "--port", TOKEN],
            ["sandbox", "--faults", TOKEN],
            [f"https://me:{TOKEN}@example.org/a.csv"],
            ["run", "a.csv", "https://you:other-s3cr3t@example.org/a.csv?sig=s3cr3t-signature"],
            ["run", "https://you:other-s3cr3t@example.org/a.csv?sig=s3cr3t-signature", "--dry-run"],
            ["export", "https://you:other-s3cr3t@example.org/a.txt"],
        ],
    )
    @pytest.mark.parametrize("from_file", [False, True])
    def test_nothing_that_was_typed_shows_a_secret(
        self, arguments: list[str], *, from_file: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What was pasted into the wrong place is not repeated where it is the token, or an address with a password."""
        if from_file:
            (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
            monkeypatch.delenv("ROCKETCHAT_AUTH_TOKEN")
            monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN_FILE", str(tmp_path / "token"))
        assert main(arguments) == Exit.USAGE
        told = capsys.readouterr()
        assert "s3cr3t" not in told.out + told.err
        assert "***" in told.err

    def test_module_says_the_same(self) -> None:
        """``python -m bulkjob`` speaks of itself as bulkjob, too."""
        assert program("rnu").stderr == 'bulkjob: There is no command "rnu". Did you mean run?\nSee bulkjob --help.\n'

    def test_settings_file(self, job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A settings file is read, its notes are logged, and what was typed reaches the command for its next step."""
        monkeypatch.delenv("ROCKETCHAT_URL")
        file = tmp_path / "s.toml"
        file.write_text('\ufeffurl = "https://chat.example.com/api/v1"\n', encoding="utf-8")
        given: list[Settings] = []

        def note(settings: Settings, _sheet: Path, _conclusion: object) -> Exit:
            given.append(settings)
            return Exit.OK

        job(note)
        assert main(["run", "a.csv", "--settings", str(file), "--retries", "2"]) == Exit.OK
        assert (given[0].url, given[0].typed) == ("https://chat.example.com", (("settings", str(file)), ("retries", "2")))
        assert "/api/v1" in capsys.readouterr().err

    def test_order_of_checks(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The command line is judged first, then the settings, then the sheet."""
        monkeypatch.setenv("BULKJOB_RETRIES", "0")
        assert main(["run", "no-such.csv", "--timeout", "0"]) == Exit.USAGE
        assert main(["run", "no-such.csv"]) == Exit.BAD_SETTING
        monkeypatch.delenv("BULKJOB_RETRIES")
        monkeypatch.setenv("HTTP_PROXY", "socks5://proxy")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("http_proxy", raising=False)
        assert main(["run", "no-such.csv"]) == Exit.BAD_SETTING
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert main(["run", "no-such.csv"]) == Exit.NO_INPUT

    def test_wrong_variable(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A bad value in the environment is 78, in one sentence, before the sheet is looked for."""
        monkeypatch.setenv("BULKJOB_TIMEOUT", "soon")
        assert main(["run", "no-such.csv"]) == Exit.BAD_SETTING
        assert capsys.readouterr().err == 'bulkjob: BULKJOB_TIMEOUT cannot be "soon": set it to a number of seconds above 0.\n'

    def test_token_file(self, job: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A mounted secret is read, also one that an editor gave a byte order mark and a line break."""
        (tmp_path / "token").write_text("\ufeffmounted-secret\r\n", encoding="utf-8")
        monkeypatch.delenv("ROCKETCHAT_AUTH_TOKEN")
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN_FILE", str(tmp_path / "token"))
        job(lambda settings, *_: Exit.OK if settings.auth_token.reveal() == "mounted-secret" else Exit.DEFECT)
        assert main(["run", "a.csv"]) == Exit.OK

    @pytest.mark.parametrize("variable", ["ROCKETCHAT_AUTH_TOKEN_FILE", "BULKJOB_NOTIFY_URL_FILE", "BULKJOB_SETTINGS"])
    def test_a_file_without_an_end(self, variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A file that a setting names is read as far as a setting may be long."""
        monkeypatch.delenv(variable.removesuffix("_FILE"), raising=False)
        monkeypatch.setenv(variable, "/dev/zero")
        assert main(["run", "a.csv"]) == Exit.BAD_SETTING
        said = capsys.readouterr().err
        assert "it is larger than 64 KB" in said
        assert variable in said

    def test_a_plan_without_an_end(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """No more of a plan is read than the largest one has."""
        monkeypatch.setattr("bulkjob.plan.approval.LARGEST_PLAN", 1000)
        (tmp_path / "a.csv").write_text("department,unit\nSales,North\n", encoding="utf-8")
        assert main(["run", str(tmp_path / "a.csv"), "--plan", "/dev/zero", "--run-dir", str(tmp_path / "run")]) == Exit.NO_INPUT
        assert "it is larger than 1 GB" in capsys.readouterr().err

    def test_a_file_that_gives_the_token_once(self, job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """The token may come through a pipe, as a shell makes one of a command's output."""
        reading, writing = os.pipe()
        os.write(writing, TOKEN.encode())
        os.close(writing)
        monkeypatch.delenv("ROCKETCHAT_AUTH_TOKEN")
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN_FILE", f"/dev/fd/{reading}")
        job(lambda settings, *_: Exit.OK if settings.auth_token.reveal() == TOKEN else Exit.DEFECT)
        assert main(["run", "a.csv"]) == Exit.OK
        os.close(reading)


class TestEndings:
    """How a command ends is how the program ends."""

    def test_job_gets_settings_and_sheet(self, job: Any) -> None:
        """The job is given the settled settings and the sheet's path."""
        given: list[tuple[Settings, Path]] = []

        def run(settings: Settings, sheet: Path, _conclusion: object) -> Exit:
            given.append((settings, sheet))
            return Exit.ROWS_NOT_DONE

        job(run)
        assert main(["run", "a.csv", "--retries", "2", "--no-skip-invalid"]) == Exit.ROWS_NOT_DONE
        [(settings, sheet)] = given
        assert (settings.url, settings.retries, settings.choices.skip_invalid, sheet) == ("http://127.0.0.1:1", 2, False, Path("a.csv"))

    @pytest.mark.parametrize("code", [code for code in Exit if code is not Exit.OK])
    def test_stop(self, job: Any, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
        """What stops the job is one sentence on standard error, and its exit code."""

        def run(_settings: Settings, _sheet: Path, _conclusion: object) -> Exit:
            raise Stop(code, "So it is.")

        job(run)
        assert main(["run", "a.csv"]) == code
        assert capsys.readouterr() == ("", "bulkjob: So it is.\n")

    def test_interrupt(self, job: Any, capsys: pytest.CaptureFixture[str]) -> None:
        """An interrupt that nobody took care of is 75, without a traceback."""

        def run(_settings: Settings, _sheet: Path, _conclusion: object) -> Exit:
            raise KeyboardInterrupt

        job(run)
        assert main(["run", "a.csv"]) == Exit.INTERRUPTED
        assert capsys.readouterr().err == "bulkjob: Interrupted. Nothing was sent.\n"

    @pytest.mark.parametrize("shape", ["text", "json"])
    def test_defect(self, job: Any, shape: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A defect is 70: the traceback goes to the log, without the token and without what variables held."""

        def run(settings: Settings, _sheet: Path, _conclusion: object) -> Exit:
            held_by_a_variable = "kept to itself"
            assert held_by_a_variable
            raise KeyError({"X-Auth-Token": settings.auth_token.reveal()})

        job(run)
        assert main(["run", "a.csv", "--log-format", shape]) == Exit.DEFECT
        said = capsys.readouterr().err
        assert TOKEN not in said
        assert "KeyError" in said
        assert "***" in said
        assert '"kept' not in said.replace('held_by_a_variable = "kept to itself"', "")
        assert said.splitlines()[-1] == "bulkjob: This is a defect in bulkjob; please report it, with the traceback from the log."
        if shape == "json":
            assert "Traceback" in json.loads(said.splitlines()[0])["traceback"]


class TestStreams:
    """Terminals, pipes and disks."""

    @pytest.fixture
    def sheet(self, tmp_path: Path) -> Path:
        """A sheet with so many problems that they do not fit into a pipe's buffer."""
        path = tmp_path / "bücher.csv"
        path.write_text("department,count,agent\n" + "Übersetzung,many,ägent\n" * 5000, encoding="utf-8")
        return path

    def test_reader_that_goes_away(self, sheet: Path) -> None:
        """A reader that has seen enough ends nothing: the exit code is the command's own, and there is no traceback."""
        with subprocess.Popen(
            [sys.executable, "-m", "bulkjob", "validate", str(sheet), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == Exit.BAD_SHEET

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    def test_full_disk(self, tmp_path: Path) -> None:
        """Output that could not be written is 73 where all else went well, in one sentence."""
        (tmp_path / "good.csv").write_text("department,unit\nSales,North\n", encoding="utf-8")
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            command = [sys.executable, "-m", "bulkjob", "validate", str(tmp_path / "good.csv")]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr) == (
            Exit.CANNOT_CREATE,
            f"bulkjob: The standard output cannot be written: {os.strerror(errno.ENOSPC)}.\n",
        )

    @pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
    def test_any_terminal(self, sheet: Path, encoding: str) -> None:
        """What a terminal cannot show is spelt out, and ends nothing."""
        done = program("validate", str(sheet), env=os.environ | {"PYTHONIOENCODING": encoding}, encoding=encoding)
        assert done.returncode == Exit.BAD_SHEET
        assert done.stderr == ""
        assert ("bücher.csv" if encoding != "ascii" else r"b\u00fccher.csv") in done.stdout

    def test_closed_standard_output(self, sheet: Path) -> None:
        """A standard output that was closed beforehand changes nothing either."""
        command = f'exec "{sys.executable}" -m bulkjob validate "{sheet}" >&-'
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (Exit.BAD_SHEET, "")


class TestSandbox:
    """The command that is the server."""

    @pytest.fixture
    def served(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
        """What the server was started with, without starting one."""
        calls: list[dict[str, object]] = []
        stand_in(monkeypatch, "sandbox.command", serve=lambda **given: calls.append(given))
        return calls

    def test_defaults(self, served: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> None:
        """Without flags it listens on this machine's port 3000, as release 7.0, and needs no setting at all."""
        monkeypatch.delenv("ROCKETCHAT_URL")
        assert main(["sandbox"]) == Exit.OK
        assert served == [
            {
                "host": "127.0.0.1",
                "port": 3000,
                "state": None,
                "rate_limit": None,
                "server_version": "7.0",
                "latency_ms": 0.0,
                "faults": None,
                "seed": None,
            },
        ]

    def test_flags(self, served: list[dict[str, object]]) -> None:
        """Every flag reaches the server."""
        flags = "--host ::1 --port 0 --state s.json --rate-limit 5/0.5 --server-version 6.12 --latency 1.5 --faults x --seed 7"
        assert main(["sandbox", *flags.split()]) == Exit.OK
        assert list(served[0].values()) == ["::1", 0, Path("s.json"), "5/0.5", "6.12", 1.5, "x", 7]

    def test_cannot_start(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A server that cannot start is wrong usage, and says why in one sentence."""

        def serve(**_given: object) -> None:
            raise ValueError("the rate limit 'x' is none")

        stand_in(monkeypatch, "sandbox.command", serve=serve)
        assert main(["sandbox"]) == Exit.USAGE
        assert capsys.readouterr().err == "bulkjob: the rate limit 'x' is none\n"
