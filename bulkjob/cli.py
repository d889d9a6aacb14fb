"""The command line: what can be typed, which command answers, and with which exit code every ending leaves.

Nothing heavy is imported before a command needs it: ``--help`` does not pay for pandas or aiohttp.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkjob import __version__
from bulkjob.settings import Settings, settings_of, survey
from bulkjob.system import LogFormatter, leaving_at_once, logging_to, sturdy_standard_streams
from bulkjob.vocabulary import Exit, Stop

#: What each exit code says, for the help and the documentation.
EXIT_MEANINGS: Final[dict[Exit, str]] = {
    Exit.OK: "every row is as the sheet says (validate: no problem found)",
    Exit.ROWS_NOT_DONE: "finished, or stopped by --max-failures, with rows that are not: read the report",
    Exit.USAGE: "wrong usage of the command line",
    Exit.BAD_SHEET: "the sheet is invalid or cannot be read, a guard refused it, or an approved plan no longer fits; nothing was sent",
    Exit.NO_INPUT: "the sheet cannot be opened",
    Exit.UNAVAILABLE: "the server cannot be reached or keeps failing; try again later",
    Exit.DEFECT: "a defect in bulkjob itself",
    Exit.CANNOT_CREATE: "the run directory or another output cannot be written, or belongs to another run",
    Exit.INTERRUPTED: "interrupted with something left undone, or another run is working in the directory; run it again",
    Exit.NO_PERMISSION: "the server refuses this account: 401, a missing permission, no licence for units",
    Exit.BAD_SETTING: "a setting is missing or wrong",
}


_log = logging.getLogger("bulkjob")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One word after ``bulkjob``: what it says of itself, what it takes beside the table of settings, and what it does."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    call: Callable[[argparse.Namespace, Settings], Exit]
    tells_wrong_settings: bool = False
    """Whether it goes on with settings that are missing or wrong, and tells about them itself: ``given.wrong_settings``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` names (the process's own arguments by default); its exit code."""
    with sturdy_standard_streams() as out:
        code = _exit_code(argv)
        out.flush()
        # A reader that has seen enough is no failure; a full disk behind ``> file`` is one.
        if code == Exit.OK and out.failure is not None and not isinstance(out.failure, BrokenPipeError):
            _say(f"The standard output cannot be written: {out.failure.strerror}.")
            code = Exit.CANNOT_CREATE
    return int(code)


def _exit_code(argv: Sequence[str] | None) -> int:
    try:
        # The process's own arguments: it ends with this command.
        with leaving_at_once(finally_ignored=argv is None):
            return _ended(argv)
    except KeyboardInterrupt:
        _say("Interrupted. Nothing was sent.")
        return Exit.INTERRUPTED


def _ended(argv: Sequence[str] | None) -> int:
    try:
        given = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has printed the help, the version, or what is wrong
        return int(end.code or 0)
    with logging_to(sys.stderr) as log:
        try:
            # A command's imports alone take a second.
            return _answer(given, log)
        except Stop as stop:
            _say(stop.message)
            return stop.exit_code
        except Exception:  # noqa: BLE001 - the outermost one: whatever it is, it is a defect
            _log.exception("bulkjob %s met a defect in bulkjob itself", __version__)
            _say("This is a defect in bulkjob; please report it, with the traceback from the log.")
            return Exit.DEFECT


def _answer(given: argparse.Namespace, log: LogFormatter) -> Exit:
    command: Command = given.command
    settings, wrong = survey(command.name, vars(given), os.environ, lambda path: path.read_text(encoding="utf-8-sig"))
    log.hide(settings.auth_token)
    if wrong and not command.tells_wrong_settings:
        raise Stop(Exit.BAD_SETTING, wrong[0])
    given.wrong_settings = wrong
    if settings.log_format is not None:
        log.shape = settings.log_format
    return command.call(given, settings)


def _say(sentence: str) -> None:
    print(f"bulkjob: {sentence}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bulkjob",
        description="Puts Rocket.Chat Omnichannel departments, units and agents where a spreadsheet says.",
        epilog="exit codes:\n" + "\n".join(f"  {code:>2}  {meaning}" for code, meaning in EXIT_MEANINGS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bulkjob {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=_without_flag(command.name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        own.set_defaults(command=command)
        command.arguments(own)
        _add_settings(own, command.name)
    return parser


def _add_settings(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the flags of the settings that ``command`` takes; their values stay text, which `settle` judges."""
    if not settings_of(command):
        return
    group = parser.add_argument_group("settings", "the flag wins over the environment variable")
    for setting in settings_of(command):
        if not setting.flag:
            continue
        origin = f" (default: {setting.default}{f'; {setting.variable}' if setting.variable else ''})"
        text = (setting.help + origin).replace("%", "%%")
        if setting.metavar is None:
            group.add_argument(setting.flag, dest=setting.name, action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            group.add_argument(setting.flag, dest=setting.name, metavar=setting.metavar, help=text)


def _without_flag(command: str) -> str | None:
    """The settings of ``command`` that only the environment gives, for the end of its help."""
    secrets = [setting for setting in settings_of(command) if not setting.flag]
    lines = [f"  {setting.source}\n      {setting.help}" for setting in secrets]
    return "\n".join(["from the environment only:", *lines]) if lines else None


def _sheet_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sheet", metavar="SHEET", type=Path, help="the sheet: .csv, .xlsx, .xls or .ods")


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    _sheet_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="also write DIR/problems.csv and DIR/annotated.xlsx, the sheet with its bad cells marked"
    )


def _validate(given: argparse.Namespace, settings: Settings) -> Exit:
    from bulkjob.commands import validate

    return validate.validate(settings, given.sheet, out=given.out, as_json=given.json)


def _plan_arguments(parser: argparse.ArgumentParser) -> None:
    _sheet_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as one JSON document instead of text")
    parser.add_argument("--out", metavar="FILE", type=Path, help="also write the plan to FILE, for run --plan")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="also write the sheet's rows with what would become of them to FILE")


def _plan(given: argparse.Namespace, settings: Settings) -> Exit:
    from bulkjob.commands import plan

    return plan.plan(settings, given.sheet, out=given.out, csv=given.csv, as_json=given.json)


def _run(given: argparse.Namespace, settings: Settings) -> Exit:
    from bulkjob.commands import run

    return run.run(settings, given.sheet)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=_export_file, help="the sheet to write: .csv or .xlsx")
    parser.add_argument("--with-counts", action="store_true", help="also write the agents' counters, which every chat moves")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def _export_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise argparse.ArgumentTypeError(f"{text!r} ends neither with .csv nor with .xlsx")
    return path


def _export(given: argparse.Namespace, settings: Settings) -> Exit:
    from bulkjob.commands import export

    return export.export(settings, given.file, with_counts=given.with_counts, force=given.force)


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sheet", metavar="SHEET", type=Path, nargs="?", help="the sheet that is to be run; without one, what any may need")


def _doctor(given: argparse.Namespace, settings: Settings) -> Exit:
    from bulkjob.commands import doctor

    return doctor.doctor(settings, given.sheet, wrong_settings=given.wrong_settings)


def _rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="RUN_DIR", type=Path, help="the run directory that the run has named")


def _rollback(given: argparse.Namespace, settings: Settings) -> Exit:
    from bulkjob.commands import rollback

    return rollback.rollback(settings, given.directory)


def _sandbox_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=3000, help="the port to listen on; 0 picks a free one (default: %(default)s)")
    parser.add_argument(
        "--state", metavar="FILE", type=Path, help="the workspace to serve, as JSON; never written to (default: a small one)"
    )
    parser.add_argument("--rate-limit", metavar="CALLS/SECONDS|off", help="calls of a route in a window (default: the state's, 10/60)")
    parser.add_argument("--server-version", metavar="VERSION", default="7.0", help="the release to behave as (default: %(default)s)")
    parser.add_argument("--latency", metavar="MS", type=float, default=0.0, help="milliseconds before each answer (default: 0)")
    parser.add_argument(
        "--faults", metavar="SPEC", help="what shall go wrong, such as 502:0.1,slow=3x2; 'help' explains it all and ends (default: nothing)"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="makes the faults repeatable")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"invalid port: {port}")
    return port


def _sandbox(given: argparse.Namespace, _settings: Settings) -> Exit:
    from bulkjob.sandbox import command

    try:
        command.serve(
            host=given.host,
            port=given.port,
            state=given.state,
            rate_limit=given.rate_limit,
            server_version=given.server_version,
            latency_ms=given.latency,
            faults=given.faults,
            seed=given.seed,
        )
    except ValueError as error:
        raise Stop(Exit.USAGE, str(error)) from error
    return Exit.OK


COMMANDS: Final = (
    Command(
        name="validate",
        help="check the sheet alone and list every problem with row, column, value and remedy",
        arguments=_validate_arguments,
        call=_validate,
    ),
    Command(
        name="plan",
        help="show what the sheet would change, with how many calls of which kind and how long, without changing anything",
        arguments=_plan_arguments,
        call=_plan,
    ),
    Command(
        name="run",
        help="the job: validate, plan, send, verify, report; again with the same --run-dir, it continues",
        arguments=_sheet_argument,
        call=_run,
    ),
    Command(
        name="rollback",
        help="put back what a run changed, as long as nobody changed it since",
        arguments=_rollback_arguments,
        call=_rollback,
    ),
    Command(
        name="export",
        help="write the workspace's present assignments as a sheet that run accepts and finds unchanged",
        arguments=_export_arguments,
        call=_export,
    ),
    Command(
        name="doctor",
        help="look at sheet, run directory, server and account before the night: what is missing and how to grant it",
        arguments=_doctor_arguments,
        call=_doctor,
        tells_wrong_settings=True,
    ),
    Command(
        name="sandbox",
        help="serve a local workspace that behaves as Rocket.Chat's endpoints do",
        arguments=_sandbox_arguments,
        call=_sandbox,
    ),
)
