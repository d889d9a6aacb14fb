"""From what was typed to the end of the command: its settings, the log around it, and the exit code of whatever stopped it."""

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache

from bulkjob import __version__
from bulkjob.commands.table import Command
from bulkjob.settings import Mask, Secret, SheetAddress, known_secrets, survey
from bulkjob.system import LogFormatter, logging_to, mask_standard_streams, say, setting_text, tell
from bulkjob.vocabulary import Event, Exit, Stop


def answer(given: argparse.Namespace, words: Sequence[str]) -> Exit:
    """Call the command that was typed, as parsed and as ``words``; its exit code, whatever end it comes to."""
    with logging_to(sys.stderr) as log:
        try:
            # A command's imports alone take a second.
            return _called(given, words, log)
        except Stop as stop:
            say(stop.message)
            print(*stop.advice, sep="\n", end="\n" if stop.advice else "", file=sys.stderr)
            return stop.exit_code
        except Exception:  # noqa: BLE001 - the outermost one: whatever it is, it is a defect
            message = f"bulkjob {__version__} met a defect in bulkjob itself"
            tell(Event.DEFECT, message, level=logging.ERROR, traceback=True, version=__version__)
            say("This is a defect in bulkjob; please report it, with the traceback from the log.")
            return Exit.DEFECT


def _called(given: argparse.Namespace, words: Sequence[str], log: LogFormatter) -> Exit:
    command: Command = given.command
    # A file that is a pipe tells what it holds only once.
    read_text = cache(setting_text)
    hidden = {*known_secrets(words, os.environ, read_text)}
    # From the first word on: also what is wrong with the command line is said without them.
    _hide(hidden, log)
    found = survey(command.name, vars(given), os.environ, read_text, hidden)
    secrets = {*found.settings.secrets}
    if isinstance(sheet := getattr(given, "sheet", None), SheetAddress):
        secrets |= {*sheet.secrets}
    _hide(secrets, log)
    with command.concluding(found.settings) as given.conclusion:
        if found.stop and not command.tells_wrong_settings:
            raise found.stop
        given.wrong_settings = found.complaints
        if found.settings.log_format is not None:
            log.shape = found.settings.log_format
        for note in found.notes:
            tell(Event.SETTING_NOTE, note)
        return command.call(given, found.settings)


def _hide(secrets: Iterable[Secret], log: LogFormatter) -> None:
    log.hide(*secrets)
    mask_standard_streams(Mask(secrets).text)
