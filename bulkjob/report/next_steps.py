"""What to do now: after a run, a rollback, a plan, an export and a look at a sheet, with commands that can be pasted into a shell.

A next step is printed only where following it helps: a run directory belongs to its sheet once a change was sent, so that a corrected sheet
needs another one from then on, and a sheet inside a run directory would be overwritten by the run.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from bulkjob.phrases import counted, printable
from bulkjob.plan import PlanRefused, TooManyRemovals
from bulkjob.report.lines import sentence
from bulkjob.report.summary import Ending, RowCounts
from bulkjob.rundir import room_for_corrections
from bulkjob.settings import Settings, SheetAddress, command_line
from bulkjob.vocabulary import Exit, Status, Stop

if TYPE_CHECKING:
    from bulkjob.plan import PlanDocument

_NEXT: Final = "Next: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to do."""

    text: str
    """A sentence; where there is a command, it leads up to it."""
    command: str = ""
    """To be pasted into a shell; blank if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """The commands that may follow a run, a plan or a check of one sheet, with the flags that were given."""

    sheet: Path | SheetAddress
    settings: Settings
    files: Mapping[str, Sequence[str | Path]] = field(default_factory=dict)
    """Command → the flags that it was given and that are no settings, each followed by its file."""
    given_once: bool = False
    """Whether the sheet came through standard input or a pipe: it has been read, and is not there another time."""

    def validate(self) -> str:
        """Lists every problem of the sheet."""
        return command_line("validate", [self.sheet], self.settings.typed, more=self.files.get("validate", ()))

    def doctor(self) -> str:
        """Looks at what is missing."""
        return command_line("doctor", [self.sheet], self.settings.typed)

    def plan(self, *, out: Path | None = None, max_removals: int | None = None) -> str:
        """Shows what the sheet would change; ``out``: the file to write the plan to."""
        replaced = {} if max_removals is None else {"max_removals": str(max_removals)}
        files = [*(("--out", out) if out else ()), *self.files.get("plan", ())]
        return command_line("plan", [self.sheet], self.settings.typed, replaced=replaced, more=files)

    def run(self, *, run_dir: Path | None = None, plan: Path | None = None, max_removals: int | None = None) -> str:
        """Sends the sheet; what is None is as it was typed."""
        given = {"run_dir": run_dir, "plan": plan, "max_removals": max_removals}
        replaced = {name: str(value) for name, value in given.items() if value is not None}
        return command_line("run", [self.sheet], self.settings.typed, replaced=replaced)

    def corrected(self, copy: Path, run_dir: Path) -> str:
        """Sends a corrected copy of what is left, or plans it where a plan had to be approved, in a run directory of its own."""
        replaced: dict[str, str | Path] = {"run_dir": run_dir} if self.settings.run_dir is not None else {}
        if self.settings.sheet_name is not None and copy.suffix == ".xlsx":
            replaced["sheet_name"] = _RETRY_WORKSHEET
        command, without = ("run" if self.settings.plan is None else "plan"), {"run_dir", "plan", "sheet_name"}
        return command_line(command, [copy], self.settings.typed, replaced=replaced, without=without)

    def completed(self, steps: Iterable[Step]) -> list[Step]:
        """The steps, and what whoever follows them has to add to their commands."""
        steps = _with_secrets(steps)
        if not self.given_once or not any(step.command for step in steps):
            return steps
        text = f"In the place of {self.sheet} name the sheet's file, or pipe the sheet in again: what came that way has been read."
        return [*steps, Step(text=text)]


def _with_secrets(steps: Iterable[Step]) -> list[Step]:
    """The steps, and that secrets have to be put back into the addresses in their commands."""
    steps = list(steps)
    masked = any(_MASKED.search(step.command) for step in steps)
    return [*steps, Step(text="In the place of *** write what stands there: it may be secret, so it is not shown.")] if masked else steps


#: A password or a query in an address that is not shown (`bulkjob.settings.without_secrets`).
_MASKED: Final = re.compile(r"//\*\*\*@|\?\*\*\*")


#: What the worksheet of retry.xlsx is called.
_RETRY_WORKSHEET: Final = "Retry"


# -------------------------------------------------------------------------------------------------------------- after a run


def steps_after_run(ending: Ending, rows: RowCounts, commands: Commands, stop: Stop | None = None) -> list[Step]:
    """What to do after a run; ``stop`` is what ended it early."""
    return commands.completed(_after_run(ending, rows, commands, stop))


def _after_run(ending: Ending, rows: RowCounts, commands: Commands, stop: Stop | None) -> list[Step]:
    run_dir = Path(ending.run_dir)
    again = commands.run(run_dir=run_dir)
    if ending.exit_code is Exit.OK:
        return [Step(text=f"Nothing left to do. Details of every row: {run_dir / 'results.csv'}")]
    if ending.exit_code is Exit.BAD_SHEET:
        return _after_refusal(ending, commands, stop, again)
    # Where nothing was sent there is nothing to resume.
    resume = "resume (finished rows are kept)" if ending.owned else "run it again"
    if ending.exit_code is Exit.ROWS_NOT_DONE:
        planned = "" if commands.settings.plan is None else " (rows that were planned as failed need a new plan)"
        text = f"Once the cause is fixed in Rocket.Chat, {resume}{planned}:"
        return [Step(text=text, command=again), *_corrections(ending, rows, commands)]
    doctor = [Step(text="To see everything that this account lacks:", command=commands.doctor())]
    return [*(doctor if ending.exit_code is Exit.NO_PERMISSION else []), *_simple(ending, resume, again)]


def _simple(ending: Ending, resume: str, again: str) -> list[Step]:
    """After an ending that the same command may get over."""
    texts = {
        Exit.UNAVAILABLE: f"When Rocket.Chat answers again, {resume}:",
        Exit.DEFECT: f"This is a defect in bulkjob: please report it with the log. If you want to go on, {resume}:",
        Exit.CANNOT_CREATE: f"Make sure that {ending.run_dir} can be written and that no other run works in it, then {resume}:",
        Exit.INTERRUPTED: f"{resume[0].upper()}{resume[1:]}:",
        Exit.NO_PERMISSION: f"Fix what is named above (missing permissions are granted by an administrator), then {resume}:",
        Exit.BAD_SETTING: f"Correct the setting named above, then {resume}:",
    }
    # Wrong usage ends before there is a run; should it ever get here, the message is all there is to say.
    text = texts.get(ending.exit_code)
    return [Step(text=text, command=again)] if text else [Step(text="See the message above.")]


def _corrections(ending: Ending, rows: RowCounts, commands: Commands) -> list[Step]:
    """How rows are corrected in the sheet: in a copy, as the file in the run directory is replaced by the next run there."""
    if not ending.owned and (plan := commands.settings.plan) is not None:
        return _without_plan(commands, plan, Path(ending.run_dir), lead="Or correct the sheet, make a new plan")
    if not ending.owned:
        return [Step(text="Or correct the sheet and run the same command: nothing was sent, so the run directory can be used again.")]
    if not ending.retry:
        return []
    run_dir = Path(ending.run_dir)
    copy = room_for_corrections(run_dir, ending.retry)
    left = rows.total - rows.success
    text = f"Or correct the sheet: save {run_dir / ending.retry} ({counted(left, 'row')}) as {copy}, correct it there, then:"
    return [Step(text=text, command=commands.corrected(copy, _another(run_dir)))]


def _after_refusal(ending: Ending, commands: Commands, stop: Stop | None, again: str) -> list[Step]:
    """After 65: nothing more was sent, but an earlier attempt may have sent something."""
    run_dir = Path(ending.run_dir)
    plan = commands.settings.plan
    # The sheet, the settings and the plan of a run that has sent something are those of its directory.
    other = _another(run_dir) if ending.owned else run_dir
    if isinstance(stop, PlanRefused) and plan is not None:
        return _without_plan(commands, plan, other)
    if isinstance(stop, TooManyRemovals):
        allowed = commands.run(run_dir=run_dir, max_removals=stop.removals)
        anew = "correct the sheet and run it again" if plan is None else "correct the sheet, make a new plan of it and run that"
        place = " in a run directory of its own" if ending.owned else ""
        return [Step(text=f"If not, {anew}{place}; if they are:", command=allowed)]
    first = [Step(text="If the cause can be fixed in Rocket.Chat, fix it there, then resume:", command=again)] if ending.owned else []
    if plan is not None:
        lead = (
            "A corrected sheet needs a plan and a run directory of its own: make the plan"
            if ending.owned
            else "Fix what is named above, make a new plan"
        )
        return [*first, *_without_plan(commands, plan, other, lead=lead)]
    if ending.owned:
        text = "A corrected sheet needs a run directory of its own, as this one belongs to the sheet as it was:"
        return [*first, Step(text=text, command=commands.run(run_dir=other))]
    return [Step(text="Fix what is named above, then:", command=again)]


def steps_without_plan(commands: Commands, plan: Path) -> list[Step]:
    """What to do where an approved plan cannot be used: a new one, and a run of it."""
    return commands.completed(_without_plan(commands, plan))


def _without_plan(commands: Commands, plan: Path, run_dir: Path | None = None, *, lead: str = "Make a new plan") -> list[Step]:
    """A new plan, and a run of it in ``run_dir`` (None: as it was typed)."""
    fresh = plan.with_name(f"new-{plan.name}")
    return [
        Step(text=f"{lead} and have it approved:", command=commands.plan(out=fresh)),
        Step(text="Then:", command=commands.run(run_dir=run_dir, plan=fresh)),
    ]


def _another(run_dir: Path) -> Path:
    """A run directory beside one that belongs to another sheet."""
    return room_for_corrections(run_dir, "corrected")


# -------------------------------------------------------------------------------------------------------- after a rollback


def steps_after_rollback(ending: Ending, settings: Settings, run_dir: Path) -> list[Step]:
    """What to do after a rollback of the run in ``run_dir``."""
    return _with_secrets(_after_rollback(ending, settings, run_dir))


def _after_rollback(ending: Ending, settings: Settings, run_dir: Path) -> list[Step]:
    again = command_line("rollback", [run_dir], settings.typed)
    if ending.exit_code is Exit.OK:
        return [Step(text="Nothing left to do. This run directory is closed now: to run the sheet again, use another one.")]
    resume = "resume (what is back stays)" if ending.owned else "try again"
    if ending.exit_code is Exit.ROWS_NOT_DONE:
        text = f"What somebody has changed since the run was left alone. Fix what else the messages name, then {resume}:"
        return [Step(text=text, command=again)]
    return _simple(ending, resume, again)


# ------------------------------------------------------------------------------------- after a plan, an export, doctor, validate


def steps_after_plan(document: "PlanDocument", commands: Commands, out: Path | None, stop: Stop | None = None) -> list[Step]:
    """What to do after a plan; ``out`` is the file that it was written to."""
    return commands.completed(_after_plan(document, commands, out, stop))


def _after_plan(document: "PlanDocument", commands: Commands, out: Path | None, stop: Stop | None) -> list[Step]:
    if isinstance(stop, TooManyRemovals):
        text = "A run would end in the same way. If these removals are intended:"
        return [Step(text=text, command=commands.plan(out=out, max_removals=stop.removals))]
    again = commands.plan(out=out)
    if document.refused:
        return [Step(text="A run would end in the same way. Fix what is named above, then plan again:", command=again)]
    undone = sum(document.statuses.get(status, 0) for status in (Status.FAILED, Status.INVALID, Status.NOT_SENT))
    if not document.operations:
        if undone:
            return [Step(text="There is nothing to send. Fix what is named above, then plan again:", command=again)]
        return [Step(text="Nothing to do: every row is already correct.")]
    text = "To carry it out, without the rows named above (or fix them first):" if undone else "To carry it out:"
    return [Step(text=text, command=commands.run(plan=out))]


def steps_after_validate(commands: Commands, *, valid: bool) -> list[Step]:
    """What to do after a sheet was checked."""
    if valid:
        return commands.completed([Step(text="To check the names and see what would change:", command=commands.plan())])
    return commands.completed([Step(text="Correct the sheet, then check it again:", command=commands.validate())])


def steps_after_export(file: Path, settings: Settings) -> list[Step]:
    """What to do with an exported sheet."""
    command = command_line("plan", [file], settings.typed)
    return _with_secrets([Step(text="Edit it, then preview what would change:", command=command)])


def steps_after_doctor(
    settings: Settings, sheet: Path | SheetAddress | None, *, bad_sheet: bool, missing: bool, given_once: bool = False
) -> list[Step]:
    """What to do after doctor has looked; ``bad_sheet``: it found rows that are invalid by themselves; ``given_once``: see `Commands`."""
    if sheet is None:
        command = command_line("doctor", [], settings.typed)
        return _with_secrets([Step(text="Fix what is missing, then look again:", command=command)] if missing else [])
    commands = Commands(sheet=sheet, settings=settings, given_once=given_once)
    problems = [Step(text="To list every problem of the sheet with its cell:", command=commands.validate())] if bad_sheet else []
    if missing:
        return commands.completed([*problems, Step(text="Fix what is missing, then look again:", command=commands.doctor())])
    return commands.completed([*problems, Step(text="To see what would change:", command=commands.plan())])


# ------------------------------------------------------------------------------------------------------------------- lines


def step_lines(console: Console, steps: Iterable[Step]) -> list[Text]:
    """The lines to print: sentences as wide as the screen, each command on one line of its own, however long."""
    lines: list[Text] = []
    for number, step in enumerate(steps):
        indent = " " * len(_NEXT)
        lines += sentence(console, printable(step.text), first=indent if number else _NEXT, others=indent)
        if step.command:
            lines.append(Text(f"  {step.command}", style="cyan"))
    return lines
