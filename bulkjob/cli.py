"""The program: which command answers what was typed, and with which exit code every ending leaves.

Nothing heavy is imported before a command needs it: ``--help`` does not pay for pandas or aiohttp.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from bulkjob import __version__
from bulkjob.commands.table import Command
from bulkjob.commands.usage import parser_of_commands
from bulkjob.settings import SheetAddress, survey
from bulkjob.system import LogFormatter, leaving_at_once, logging_to, sturdy_standard_streams, tell
from bulkjob.vocabulary import Event, Exit, Stop


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
        given = parser_of_commands().parse_args(argv)
    except SystemExit as end:  # argparse has printed the help, the version, or what is wrong
        return int(end.code or 0)
    with logging_to(sys.stderr) as log:
        try:
            # A command's imports alone take a second.
            return _answer(given, log)
        except Stop as stop:
            _say(stop.message)
            print(*stop.advice, sep="\n", end="\n" if stop.advice else "", file=sys.stderr)
            return stop.exit_code
        except Exception:  # noqa: BLE001 - the outermost one: whatever it is, it is a defect
            message = f"bulkjob {__version__} met a defect in bulkjob itself"
            tell(Event.DEFECT, message, level=logging.ERROR, traceback=True, version=__version__)
            _say("This is a defect in bulkjob; please report it, with the traceback from the log.")
            return Exit.DEFECT


def _answer(given: argparse.Namespace, log: LogFormatter) -> Exit:
    command: Command = given.command
    found = survey(command.name, vars(given), os.environ, lambda path: path.read_text(encoding="utf-8-sig"))
    log.hide(*found.settings.secrets)
    if isinstance(sheet := getattr(given, "sheet", None), SheetAddress):
        log.hide(*sheet.secrets)
    with command.concluding(found.settings) as given.conclusion:
        if found.stop and not command.tells_wrong_settings:
            raise found.stop
        given.wrong_settings = found.complaints
        if found.settings.log_format is not None:
            log.shape = found.settings.log_format
        for note in found.notes:
            tell(Event.SETTING_NOTE, note)
        return command.call(given, found.settings)


def _say(sentence: str) -> None:
    print(f"bulkjob: {sentence}", file=sys.stderr)
