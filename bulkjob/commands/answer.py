"""From what was typed to the end of the command: its settings, the log around it, and the exit code of whatever stopped it."""

import argparse
import logging
import os
import sys

from bulkjob import __version__
from bulkjob.commands.table import Command
from bulkjob.settings import Mask, SheetAddress, survey
from bulkjob.system import LogFormatter, logging_to, mask_standard_streams, say, tell
from bulkjob.vocabulary import Event, Exit, Stop


def answer(given: argparse.Namespace) -> Exit:
    """Call the command that was typed; its exit code, whatever end it comes to."""
    with logging_to(sys.stderr) as log:
        try:
            # A command's imports alone take a second.
            return _called(given, log)
        except Stop as stop:
            say(stop.message)
            print(*stop.advice, sep="\n", end="\n" if stop.advice else "", file=sys.stderr)
            return stop.exit_code
        except Exception:  # noqa: BLE001 - the outermost one: whatever it is, it is a defect
            message = f"bulkjob {__version__} met a defect in bulkjob itself"
            tell(Event.DEFECT, message, level=logging.ERROR, traceback=True, version=__version__)
            say("This is a defect in bulkjob; please report it, with the traceback from the log.")
            return Exit.DEFECT


def _called(given: argparse.Namespace, log: LogFormatter) -> Exit:
    command: Command = given.command
    found = survey(command.name, vars(given), os.environ, lambda path: path.read_text(encoding="utf-8-sig"))
    secrets = {*found.settings.secrets}
    if isinstance(sheet := getattr(given, "sheet", None), SheetAddress):
        secrets |= {*sheet.secrets}
    log.hide(*secrets)
    mask_standard_streams(Mask(secrets).text)
    with command.concluding(found.settings) as given.conclusion:
        if found.stop and not command.tells_wrong_settings:
            raise found.stop
        given.wrong_settings = found.complaints
        if found.settings.log_format is not None:
            log.shape = found.settings.log_format
        for note in found.notes:
            tell(Event.SETTING_NOTE, note)
        return command.call(given, found.settings)
