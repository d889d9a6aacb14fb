"""The parser of the command line: help that can be read, and for whatever is mistyped what to type instead."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from bulkjob import __version__
from bulkjob.commands.meanings import EXIT_MEANINGS
from bulkjob.commands.table import COMMANDS, Command
from bulkjob.phrases import listed, nearest, printable
from bulkjob.system import mask_standard_streams, setting_text
from bulkjob.vocabulary import Exit

#: What to type, in the order of a night's work, with what it does.
_FIRST_STEPS: Final = (
    ("validate SHEET", "check a sheet; no server is needed"),
    ("doctor SHEET", "check settings, server and account"),
    ("plan SHEET", "see what would change, without changing it"),
    ("run SHEET", "change it, and check the result"),
)


#: Characters from which on a word that was typed may hold a secret.
_SHORTEST_SECRET: Final = 8


_SHEET_ENDINGS: Final = (".csv", ".xlsx", ".xls", ".ods", ".tsv", ".txt")


def parser_of_commands() -> argparse.ArgumentParser:
    """The parser of one whole command line; what it parses has the command as ``command``, and the text of each setting by its name."""
    parser = _Parser(
        prog="bulkjob",
        usage="bulkjob COMMAND …",
        description="Puts Rocket.Chat Omnichannel departments, units and agents where a spreadsheet says.",
        epilog="exit codes:\n" + "\n".join(f"  {code:>2}  {meaning}" for code, meaning in EXIT_MEANINGS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bulkjob {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="bulkjob", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.name,
            usage=" ".join(filter(None, (f"bulkjob {command.name}", command.operands, "[flags]"))),
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        own.set_defaults(command=command)
    return parser


class _Parser(argparse.ArgumentParser):
    """Judges the words before argparse does, which would say of a mistyped one only that it does not know it."""

    _words: Sequence[str] = ()

    def parse_known_args(  # type: ignore[override]  # argparse's own signature has two overloads for one behaviour
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See `argparse`; ends the program (2) for a command or flag that does not exist."""
        words = self._words = list(sys.argv[1:] if args is None else args)
        command: Command | None = self.get_default("command")
        if command is None:
            self._judge_command(words)
        else:
            self._take(words, command)
        return super().parse_known_args(words, namespace)

    def _take(self, words: Sequence[str], command: Command) -> None:
        # All commands together take a hundred flags, for none of which whoever types another one has to wait.
        from bulkjob.commands.flags import add_arguments, unknown_flag  # noqa: PLC0415

        add_arguments(self, command)
        if unknown := unknown_flag(words, command, self._option_string_actions):
            self._leave(*unknown)

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and how to learn more; ends the program (2)."""
        if missing := re.fullmatch(r"the following arguments are required: (.*)", message):
            message = f"{missing[1]} is missing: {self.usage}"
        elif wrong := re.fullmatch(r"argument (--[a-z-]+).*?: expected one argument", message):
            message = f"{wrong[1]} needs a value behind it."
        elif extra := re.fullmatch(r"unrecognized arguments: (.*)", message):
            message = f"{extra[1]} was not expected. A name with blanks in it needs quotes."
        self._leave(message)

    def _leave(self, message: str, example: str = "") -> NoReturn:
        """``example``: a command to type instead."""
        if any(len(word) >= _SHORTEST_SECRET for word in self._words):
            # Nobody else waits for the settings.
            from bulkjob.settings import Mask, known_secrets  # noqa: PLC0415

            mask_standard_streams(Mask(known_secrets(self._words, os.environ, setting_text)).text)
        shown = f"  {printable(example)}\n" if example else ""
        self.exit(Exit.USAGE, f"{self.prog}: {printable(message)}\n{shown}See {self.prog} --help.\n")

    def _judge_command(self, words: Sequence[str]) -> None:
        flags = [word for word in words if word.startswith("-")]
        word = next((word for word in words if not word.startswith("-")), None)
        if word is None and not any(flag in ("--help", "-h", "--version") for flag in flags):
            steps = "\n".join(f"  {f'{self.prog} {typed}':<24}  {does}" for typed, does in _FIRST_STEPS)
            self.exit(Exit.USAGE, f"{self.prog}: Say what to do, for example\n{steps}\nSee {self.prog} --help for all commands.\n")
        if word is None or word in (command.name for command in COMMANDS):
            return
        if word.lower().endswith(_SHEET_ENDINGS):
            self._leave(f"Say what to do with {word}, for example:", f"{self.prog} plan {shlex.quote(word)}")
        best, alike = nearest(word, [command.name for command in COMMANDS])
        every = listed(command.name for command in COMMANDS)
        self._leave(f'There is no command "{word}". ' + (f"Did you mean {best}?" if alike else f"The commands are {every}."))
