"""The program: which command answers what was typed, and with which exit code every ending leaves.

Nothing heavy is imported before a command needs it: ``--help`` does not pay for pandas or aiohttp, nor for settings and log.
"""

import sys
from collections.abc import Sequence

from bulkjob.commands.usage import parser_of_commands
from bulkjob.system import leaving_at_once, say, sturdy_standard_streams
from bulkjob.vocabulary import Exit


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` names (the process's own arguments by default); its exit code."""
    with sturdy_standard_streams() as out:
        code = _exit_code(argv)
        out.flush()
        # A reader that has seen enough is no failure; a full disk behind ``> file`` is one.
        if code == Exit.OK and out.failure is not None and not isinstance(out.failure, BrokenPipeError):
            say(f"The standard output cannot be written: {out.failure.strerror}.")
            code = Exit.CANNOT_CREATE
    return int(code)


def _exit_code(argv: Sequence[str] | None) -> int:
    try:
        # The process's own arguments: it ends with this command.
        with leaving_at_once(finally_ignored=argv is None):
            return _ended(argv)
    except KeyboardInterrupt:
        say("Interrupted. Nothing was sent.")
        return Exit.INTERRUPTED


def _ended(argv: Sequence[str] | None) -> int:
    try:
        given = parser_of_commands().parse_args(argv)
    except SystemExit as end:  # argparse has printed the help, the version, or what is wrong
        return int(end.code or 0)
    from bulkjob.commands.answer import answer  # noqa: PLC0415 - help and version pay neither for settings nor for the log

    return answer(given, sys.argv[1:] if argv is None else argv)
