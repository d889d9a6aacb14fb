"""Every command with what it says of itself, what it takes beside the table of settings, and what it does.

What a command needs is imported when it is called, so that ``--help`` does not pay for pandas or aiohttp, nor for the settings.
"""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bulkjob.vocabulary import Exit, Stop

if TYPE_CHECKING:
    from bulkjob.settings import Settings, SheetAddress


class Command(NamedTuple):
    """One word after ``bulkjob``."""

    name: str
    operands: str
    """What stands behind it, as the help shows it."""
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    call: Callable[[argparse.Namespace, "Settings"], Exit]
    concluding: Callable[["Settings"], AbstractContextManager[object]] = lambda _: nullcontext()
    """What goes on around the command, whatever end it comes to; a command is given what it yields as ``given.conclusion``."""
    tells_wrong_settings: bool = False
    """Whether it goes on with settings that are missing or wrong, and tells about them itself: ``given.wrong_settings``."""


def _sheet_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sheet", metavar="SHEET", type=_sheet, help=f"the sheet: {_SHEETS}")


def _sheet(text: str) -> "Path | SheetAddress":
    from bulkjob.settings import sheet_source

    try:
        return sheet_source(text)
    except ValueError as wanted:
        raise argparse.ArgumentTypeError(str(wanted)) from None


_SHEETS: Final = ".csv, .xlsx, .xls or .ods; a path, - for standard input, or an address (https://, http://, s3://BUCKET/KEY)"


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    _sheet_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="also write DIR/problems.csv and DIR/annotated.xlsx (the sheet with its bad cells marked)"
    )


def _validate(given: argparse.Namespace, settings: "Settings") -> Exit:
    from bulkjob.commands import validate

    return validate.validate(settings, given.sheet, out=given.out, as_json=given.json)


def _plan_arguments(parser: argparse.ArgumentParser) -> None:
    _sheet_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as one JSON document instead of text")
    parser.add_argument("--out", metavar="FILE", type=Path, help="also write the plan to FILE, for run --plan")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="also write every row of the sheet, and what would happen to it, to FILE")


def _plan(given: argparse.Namespace, settings: "Settings") -> Exit:
    from bulkjob.commands import plan

    return plan.plan(settings, given.sheet, out=given.out, csv=given.csv, as_json=given.json)


def _run(given: argparse.Namespace, settings: "Settings") -> Exit:
    from bulkjob.commands import run

    return run.run(settings, given.sheet, given.conclusion)


def _concluding_run(settings: "Settings") -> AbstractContextManager[object]:
    from bulkjob.report import concluding

    return concluding(settings)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=_export_file, help="the sheet to write: .csv or .xlsx")
    parser.add_argument("--with-counts", action="store_true", help="also write the agents' counters, which change with every chat")
    parser.add_argument("--full", action="store_true", help="also write units, monitors and what is set for each department and unit")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")


def _export_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise argparse.ArgumentTypeError(f"{text!r} ends in neither .csv nor .xlsx")
    return path


def _export(given: argparse.Namespace, settings: "Settings") -> Exit:
    from bulkjob.commands import export
    from bulkjob.export import Extent

    extent = Extent(with_counts=given.with_counts, full=given.full)
    return export.export(settings, given.file, extent, force=given.force)


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sheet", metavar="SHEET", type=_sheet, nargs="?", help="the sheet to be run; without one, everything a sheet may need"
    )


def _doctor(given: argparse.Namespace, settings: "Settings") -> Exit:
    from bulkjob.commands import doctor

    return doctor.doctor(settings, given.sheet, wrong_settings=given.wrong_settings)


def _rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="RUN_DIR", type=Path, help="the run directory, as the run named it in its last line")


def _rollback(given: argparse.Namespace, settings: "Settings") -> Exit:
    from bulkjob.commands import rollback

    return rollback.rollback(settings, given.directory, given.conclusion)


def _concluding_rollback(settings: "Settings") -> AbstractContextManager[object]:
    from bulkjob.report import concluding

    return concluding(settings, undoes=True)


def _summary_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directories", metavar="DIR", type=Path, nargs="+", help="a run directory, or one that holds run directories")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument("--expect", metavar="N", type=_expected, help="how many runs there should be; one that is missing counts as 75")


def _expected(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs")
    return int(text)


def _summary(given: argparse.Namespace, _settings: "Settings") -> Exit:
    from bulkjob.commands import summary

    return summary.summary(given.directories, as_json=given.json, expected=given.expect)


def _sandbox_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=3000, help="the port to listen on; 0 picks a free one (default: %(default)s)")
    parser.add_argument(
        "--state", metavar="FILE", type=Path, help="the workspace to serve, as JSON; never written to (default: a small one)"
    )
    parser.add_argument("--rate-limit", metavar="CALLS/SECONDS|off", help="calls per route and window (default: the state's, 10/60)")
    parser.add_argument("--server-version", metavar="VERSION", default="7.0", help="the release to behave like (default: %(default)s)")
    parser.add_argument("--latency", metavar="MS", type=_milliseconds, default=0.0, help="milliseconds before each answer (default: 0)")
    parser.add_argument(
        "--faults", metavar="SPEC", help="what goes wrong, such as 502:0.1,slow=3x2; 'help' explains it and exits (default: nothing)"
    )
    parser.add_argument("--seed", metavar="N", type=_seed, help="makes the faults repeatable")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number from 0 to 65535")
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds") from None


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _sandbox(given: argparse.Namespace, _settings: "Settings") -> Exit:
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


#: In the order of a night's work.
COMMANDS: Final = (
    Command(
        name="validate",
        operands="SHEET",
        help="check the sheet alone and list every problem with row, column, value and remedy",
        arguments=_validate_arguments,
        call=_validate,
    ),
    Command(
        name="plan",
        operands="SHEET",
        help="show what the sheet would change, how many calls that takes and how long, without changing anything",
        arguments=_plan_arguments,
        call=_plan,
    ),
    Command(
        name="run",
        operands="SHEET",
        help="apply the sheet and check the result; repeat with the same --run-dir to resume",
        arguments=_sheet_argument,
        call=_run,
        concluding=_concluding_run,
    ),
    Command(
        name="rollback",
        operands="RUN_DIR",
        help="put back what a run changed, as long as nobody has changed it since",
        arguments=_rollback_arguments,
        call=_rollback,
        concluding=_concluding_rollback,
    ),
    Command(
        name="export",
        operands="FILE",
        help="write the workspace's present assignments as a sheet that run accepts and finds unchanged",
        arguments=_export_arguments,
        call=_export,
    ),
    Command(
        name="doctor",
        operands="[SHEET]",
        help="before the night: check sheet, run directory, server and account, say what is missing and how to grant it",
        arguments=_doctor_arguments,
        call=_doctor,
        tells_wrong_settings=True,
    ),
    Command(
        name="summary",
        operands="DIR…",
        help="one table and one verdict over the reports of many runs",
        arguments=_summary_arguments,
        call=_summary,
    ),
    Command(
        name="sandbox",
        operands="",
        help="serve a local workspace that behaves like Rocket.Chat's endpoints, for rehearsals and tests",
        arguments=_sandbox_arguments,
        call=_sandbox,
    ),
)
