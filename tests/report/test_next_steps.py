"""What is printed as the next step: following it works, in whatever situation it is printed."""

import argparse
import itertools
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkjob.commands.usage import parser_of_commands
from bulkjob.plan.drift import Drifted
from bulkjob.plan.refusals import TooManyRemovals
from bulkjob.report.next_steps import (
    Commands,
    Step,
    step_lines,
    steps_after_doctor,
    steps_after_export,
    steps_after_rollback,
    steps_after_run,
    steps_after_validate,
)
from bulkjob.report.summary import Ending, RowCounts, RunFigures
from bulkjob.settings.reading import survey
from bulkjob.settings.secret import Secret
from bulkjob.settings.sheet_address import SheetAddress
from bulkjob.settings.values import Settings
from bulkjob.vocabulary import Exit, Stop
from tests.support.screens import screen, shown

MakeEnding = Callable[..., Ending]

#: The flags that decide what a sheet becomes, with values that a shell would take apart.
TYPED: dict[str, Any] = {
    "url": "https://chat.example.org/",
    "sheet_name": "Umzug 2; rm -rf *",
    "agents": "mirror",
    "max_removals": "5%",
    "unit_route": "unit",
    "concurrency": "2",
}
ENDINGS = [code for code in Exit if code not in {Exit.USAGE, Exit.NO_INPUT}]
SHEET = Path("Café $HOME/re org.xlsx")
ROWS = RowCounts(total=16, updated=5, unchanged=2, failed=6, invalid=2, not_sent=1)
RUN_DIR = Path("runs/20261123T005400Z-reorg")


def settings(**more: Any) -> Settings:
    """The settings of `TYPED` and of what is given besides, as they come from the command line."""
    given = {**TYPED, **more}
    return survey("run", given, {"ROCKETCHAT_USER_ID": "u", "ROCKETCHAT_AUTH_TOKEN": "token-token"}, lambda _: "").settings


def parsed(command: str) -> argparse.Namespace:
    """A printed command as a shell and the program's own parser understand it."""
    bulkjob, *words = shlex.split(command)
    assert bulkjob == "bulkjob"
    return parser_of_commands().parse_args(words)


def commands(**more: Any) -> Commands:
    return Commands(sheet=SHEET, settings=settings(**more))


def after_run(ending: Ending, stop: Stop | None = None, **more: Any) -> list[argparse.Namespace]:
    """The commands that a run's end prints, parsed."""
    return [parsed(step.command) for step in steps_after_run(ending, ROWS, commands(**more), stop) if step.command]


@pytest.mark.parametrize(("exit_code", "owned"), list(itertools.product(ENDINGS, (True, False))))
def test_every_flag_is_repeated(make_ending: MakeEnding, exit_code: Exit, owned: bool) -> None:  # noqa: FBT001 - a parameter of the case
    """Whatever ended the run, each command is parsed to the sheet and to the flags that were given."""
    found = after_run(replace(make_ending(exit_code), owned=owned))
    assert bool(found) == (exit_code is not Exit.OK)
    for given in found:
        assert given.sheet == SHEET
        values = vars(given)
        assert {name: values[name] for name in TYPED} == TYPED
        assert given.command.name == "doctor" or values["run_dir"]


def test_commands_of_the_other_endings() -> None:
    """A plan, an export, a check, a look and a rollback repeat the flags, too; what the next command does not take is left out."""
    given = settings(run_dir="night 1", plan="p.json")
    ending = Ending(
        exit_code=Exit.INTERRUPTED,
        sheet_name="s",
        sheet_sha256="",
        run_dir="r/rollback",
        bulkjob_version="",
        figures=RunFigures(),
        undoes=True,
    )
    steps = [
        *steps_after_export(Path("my export.xlsx"), given),
        *steps_after_validate(Commands(sheet=SHEET, settings=given), valid=True),
        *steps_after_validate(Commands(sheet=SHEET, settings=given), valid=False),
        *steps_after_doctor(given, SHEET, bad_sheet=True, missing=True),
        *steps_after_doctor(given, SHEET, bad_sheet=False, missing=False),
        *steps_after_doctor(given, None, bad_sheet=False, missing=True),
        *steps_after_rollback(ending, given, Path("r")),
    ]
    found = [parsed(step.command) for step in steps]
    names = [each.command.name for each in found]
    assert names == ["plan", "plan", "validate", "validate", "doctor", "plan", "doctor", "rollback"]
    for each in found:
        if "url" in vars(each):
            assert each.url == TYPED["url"]
        if "sheet_name" in vars(each):
            assert each.sheet_name == TYPED["sheet_name"]


class TestRunDirectory:
    """What the run directory allows is what is said."""

    @pytest.mark.parametrize("exit_code", [Exit.UNAVAILABLE, Exit.INTERRUPTED, Exit.NO_PERMISSION, Exit.BAD_SETTING])
    def test_nothing_to_resume(self, make_ending: MakeEnding, exit_code: Exit) -> None:
        """Before any write there is nothing to resume; after one there is."""
        text = " ".join(step.text for step in steps_after_run(make_ending(exit_code), ROWS, commands()))
        assert "un it again" in text
        assert "esume" not in text
        text = " ".join(step.text for step in steps_after_run(replace(make_ending(exit_code), owned=True), ROWS, commands()))
        assert "esume (finished rows are kept)" in text

    def test_corrected_sheet_before_a_write(self, make_ending: MakeEnding) -> None:
        """A sheet that was refused before any write may be corrected and run in the same directory."""
        (again,) = after_run(make_ending(Exit.BAD_SHEET))
        assert again.run_dir == str(RUN_DIR)

    def test_corrected_sheet_after_a_write(self, make_ending: MakeEnding) -> None:
        """After a write the same directory is for the same sheet, and a corrected one gets another."""
        again, corrected = after_run(replace(make_ending(Exit.BAD_SHEET), owned=True))
        assert again.run_dir == str(RUN_DIR)
        assert corrected.run_dir not in (None, str(RUN_DIR))

    @pytest.mark.parametrize("name", ["retry.xlsx", "retry.csv"])
    @pytest.mark.parametrize("run_dir", [None, str(RUN_DIR)])
    def test_what_is_left_is_corrected_in_a_copy(self, make_ending: MakeEnding, name: str, run_dir: str | None) -> None:
        """The rows that are left are never corrected in their place, where the next run would replace them."""
        ending = replace(make_ending(Exit.ROWS_NOT_DONE), owned=True, retry=name)
        given = commands(run_dir=run_dir)
        same, corrected = steps_after_run(ending, ROWS, given)
        copy = parsed(corrected.command)
        assert f"save {RUN_DIR / name} (9 rows) as {copy.sheet}, " in corrected.text
        assert RUN_DIR not in copy.sheet.parents
        assert copy.run_dir != str(RUN_DIR)
        # The worksheet of retry.xlsx has its own name, and a CSV has none.
        assert copy.sheet_name == ("Retry" if name == "retry.xlsx" else None)
        assert parsed(same.command).run_dir == str(RUN_DIR)

    def test_what_is_left_of_a_plan_is_planned_anew(self, make_ending: MakeEnding) -> None:
        """Where a plan had to be approved, the corrected rows get a plan of their own."""
        ending = replace(make_ending(Exit.ROWS_NOT_DONE), owned=True, retry="retry.xlsx")
        same, corrected = after_run(ending, plan="p.json")
        assert (same.command.name, same.plan) == ("run", "p.json")
        assert corrected.command.name == "plan"

    @pytest.mark.parametrize("exit_code", [Exit.BAD_SHEET, Exit.ROWS_NOT_DONE])
    def test_a_corrected_sheet_needs_another_plan(self, make_ending: MakeEnding, exit_code: Exit) -> None:
        """An approved plan fits the sheet that it was made of and no other: run with it, a corrected one would be refused (65)."""
        steps = steps_after_run(make_ending(exit_code), ROWS, commands(plan="p.json"))
        *_, made, sent = (parsed(step.command) for step in steps if step.command)
        assert (made.command.name, sent.command.name) == ("plan", "run")
        assert str(made.out) == sent.plan == "new-p.json"
        assert sent.run_dir == str(RUN_DIR)
        assert "same command" not in " ".join(step.text for step in steps)

    def test_a_corrected_sheet_needs_another_plan_after_a_write(self, make_ending: MakeEnding) -> None:
        """The same in a directory that belongs to the sheet as it was: what can be fixed in Rocket.Chat is resumed with the old plan."""
        again, made, sent = after_run(replace(make_ending(Exit.BAD_SHEET), owned=True), plan="p.json")
        assert (again.plan, again.run_dir) == ("p.json", str(RUN_DIR))
        assert str(made.out) == sent.plan == "new-p.json"
        assert sent.run_dir not in (None, str(RUN_DIR))

    def test_what_a_plan_does_not_hold_needs_another_one(self, make_ending: MakeEnding) -> None:
        """A row that the plan knew to fail is not in it: once its cause is fixed, the plan is too small for the sheet."""
        first, *_ = steps_after_run(make_ending(Exit.ROWS_NOT_DONE), ROWS, commands(plan="p.json"))
        assert "planned as failed" in first.text
        first, *_ = steps_after_run(make_ending(Exit.ROWS_NOT_DONE), ROWS, commands())
        assert "plan" not in first.text


class TestRefusals:
    """A refusal has the remedy of its cause."""

    @pytest.mark.parametrize("owned", [True, False])
    def test_drift(self, make_ending: MakeEnding, owned: bool) -> None:  # noqa: FBT001 - a parameter of the case
        """After drift a new plan is made, not the sheet run again; a directory that belongs to the old plan is not used for it."""
        ending = replace(make_ending(Exit.BAD_SHEET), owned=owned)
        plan, run = steps_after_run(ending, ROWS, commands(plan="old plan.json"), Drifted(("It moved.",)))
        made, sent = parsed(plan.command), parsed(run.command)
        assert made.command.name == "plan"
        assert str(made.out) == sent.plan == "new-old plan.json"
        assert (sent.run_dir == str(RUN_DIR)) is not owned

    def test_many_removals(self, make_ending: MakeEnding) -> None:
        """What is meant is run with the number of its removals in the place of the limit that was given."""
        (allowed,) = after_run(make_ending(Exit.BAD_SHEET), TooManyRemovals(63, 500, 50))
        assert allowed.max_removals == "63"

    @pytest.mark.parametrize(("owned", "plan", "words"), [
        (False, None, "correct the sheet and run it again; if"),
        (True, None, "run it again in a run directory of its own; if"),
        (False, "p.json", "correct the sheet, make a new plan of it and run that; if"),
        (True, "p.json", "make a new plan of it and run that in a run directory of its own; if"),
    ])  # fmt: skip
    def test_removals_that_are_not_meant(self, make_ending: MakeEnding, owned: bool, plan: str | None, words: str) -> None:  # noqa: FBT001 - a parameter of the case
        """A corrected sheet is sent to no directory and with no plan that belongs to the sheet as it was."""
        ending = replace(make_ending(Exit.BAD_SHEET), owned=owned)
        (step,) = steps_after_run(ending, ROWS, commands(plan=plan), TooManyRemovals(63, 500, 50))
        assert words in step.text


class TestLines:
    def test_command_stands_alone(self) -> None:
        """However narrow the terminal, a command is one line, which a shell takes as it stands."""
        command = commands(plan="p.json").run()
        on = screen(40)
        lines = shown(step_lines(on, [Step(text="Word " * 40, command=command)]), on)
        assert lines[-1] == f"  {command}"
        assert all(len(line) <= 40 for line in lines[:-1])

    def test_no_secret(self) -> None:
        """A password in an address is not printed."""
        command = commands(pushgateway="https://night:hunter2hunter2@push.example.com").run()
        assert "hunter2" not in command

    def test_file_that_looks_like_a_flag(self) -> None:
        """A sheet whose name begins with a dash is not taken for a flag; a dash alone is standard input."""
        given = settings()
        assert parsed(Commands(sheet=Path("-x.csv"), settings=given).plan()).sheet == Path("-x.csv")
        assert parsed(Commands(sheet=Path("-"), settings=given).plan()).sheet == Path("-")


def test_files_that_were_asked_for_are_asked_for_again() -> None:
    """A check and a plan that are to be made once more write the same files; another command does not."""
    files: dict[str, list[str | Path]] = {"validate": ["--out", Path("my problems")], "plan": ["--csv", Path("x.csv")]}
    commands = Commands(sheet=SHEET, settings=settings(), files=files)
    assert parsed(commands.validate()).out == Path("my problems")
    again = parsed(commands.plan(out=Path("p.json")))
    assert (again.csv, again.out) == (Path("x.csv"), Path("p.json"))
    assert "x.csv" not in commands.run()


class TestWhatHasToBeAdded:
    """A command that cannot be pasted as it is says what to do about it."""

    @pytest.mark.parametrize("exit_code", [code for code in ENDINGS if code is not Exit.OK])
    def test_sheet_that_was_given_once(self, make_ending: MakeEnding, exit_code: Exit) -> None:
        """What came through a pipe is not there another time: the last step says so, after whatever command."""
        piped = Commands(sheet=Path("-"), settings=settings(), given_once=True)
        last = steps_after_run(make_ending(exit_code), ROWS, piped)[-1]
        assert (last.text, last.command) == (
            "In the place of - name the sheet's file, or pipe the sheet in again: what came that way has been read.",
            "",
        )
        assert steps_after_validate(piped, valid=True)[-1] == last
        assert steps_after_doctor(settings(), Path("-"), bad_sheet=False, missing=True, given_once=True)[-1] == last

    def test_nothing_to_follow(self, make_ending: MakeEnding) -> None:
        """Where there is nothing to run again, nothing is said."""
        piped = Commands(sheet=Path("-"), settings=settings(), given_once=True)
        assert len(steps_after_run(make_ending(Exit.OK), ROWS, piped)) == 1

    @pytest.mark.parametrize("address", ["https://files.example.com/r.csv?sig=abc", "https://ops:hunter2@files.example.com/r.csv"])
    def test_secret_that_is_not_shown(self, make_ending: MakeEnding, address: str) -> None:
        """An address of which a part is hidden has to be completed, whether it is the sheet's or a flag's."""
        of_sheet = Commands(sheet=SheetAddress(Secret(address)), settings=settings())
        steps = [
            steps_after_validate(of_sheet, valid=True),
            steps_after_run(make_ending(Exit.UNAVAILABLE), ROWS, commands(pushgateway=address)),
            steps_after_rollback(make_ending(Exit.UNAVAILABLE), settings(pushgateway=address), RUN_DIR),
        ]
        for said in steps:
            assert said[-1].text == "In the place of *** write what stands there: it may be secret, so it is not shown."
