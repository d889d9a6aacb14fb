"""The parser of the command line: help that can be read, and for whatever is mistyped what to type instead."""

import argparse
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

from bulkjob import __version__
from bulkjob.commands.meanings import EXIT_MEANINGS
from bulkjob.commands.table import COMMANDS, Command
from bulkjob.phrases import listed, nearest, printable
from bulkjob.settings import settings_of
from bulkjob.vocabulary import Exit

#: What other programs call it.
_DRY_RUN: Final = frozenset({"--dry-run", "--dryrun", "--dry", "--what-if", "--no-op", "--noop"})


#: What to type, in the order of a night's work, with what it does.
_FIRST_STEPS: Final = (
    ("validate SHEET", "check a sheet; no server is needed"),
    ("doctor SHEET", "check settings, server and account"),
    ("plan SHEET", "see what would change, without changing it"),
    ("run SHEET", "change it, and check the result"),
)


_SHEET_ENDINGS: Final = (".csv", ".xlsx", ".xls", ".ods", ".tsv", ".txt")


def parser_of_commands() -> argparse.ArgumentParser:
    """The parser of the whole command line; what it parses has the command as ``command``, and the text of each setting by its name."""
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
            epilog=_without_flag(command.name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        own.set_defaults(command=command)
        command.arguments(own)
        _add_settings(own, command.name)
    return parser


class _Parser(argparse.ArgumentParser):
    """Judges the words before argparse does, which would say of a mistyped one only that it does not know it."""

    def parse_known_args(  # type: ignore[override]  # argparse's own signature has two overloads for one behaviour
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """See `argparse`; ends the program (2) for a command or flag that does not exist."""
        words = list(sys.argv[1:] if args is None else args)
        command: Command | None = self.get_default("command")
        if command is None:
            self._judge_command(words)
        else:
            self._judge_flags(words, command)
        return super().parse_known_args(words, namespace)

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

    def _judge_flags(self, words: Sequence[str], command: Command) -> None:
        before = words[: words.index("--")] if "--" in words else words
        for word in before:
            flag = word.partition("=")[0]
            if not flag.startswith("--") or flag in self._option_string_actions:
                continue
            if flag.lower() in _DRY_RUN:
                self._leave(f"There is no {flag}. To see first what would change, use plan:", _planned(command, words))
            if others := _commands_with(flag):
                self._leave(f"{command.name} does not take {flag}; {listed(others)} {'do' if len(others) > 1 else 'does'}.")
            best, alike = nearest(flag, self._flags())
            self._leave(f"There is no flag {flag}. " + (f"Did you mean {best}?" if alike else f"The nearest one is {best}."))

    def _flags(self) -> Iterable[str]:
        return [flag for flag in self._option_string_actions if flag.startswith("--")]


def _planned(command: Command, words: Iterable[str]) -> str:
    """The plan of the sheet that was typed, with those of the flags that a plan takes."""
    if "SHEET" not in command.operands:
        return "bulkjob plan SHEET"
    settings = {setting.flag: setting.metavar is not None for setting in settings_of("plan") if setting.flag}
    every = [setting for other in COMMANDS for setting in settings_of(other.name)]
    others = {setting.flag for setting in every if setting.metavar} - settings.keys()
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        flag, equals, _ = word.partition("=")
        if not word.startswith("-"):
            kept.append(word)
        elif flag in settings:
            kept += [word, *([next(rest, "")] if settings[flag] and not equals else [])]
        elif flag in others and not equals:
            next(rest, "")
    return shlex.join(["bulkjob", "plan", *(kept or ["SHEET"])])


def _commands_with(flag: str) -> list[str]:
    """The commands that take the flag of a setting."""
    return [command.name for command in COMMANDS if any(setting.flag == flag for setting in settings_of(command.name))]


def _add_settings(parser: argparse.ArgumentParser, command: str) -> None:
    """Add the flags of the settings that ``command`` takes; their values stay text, which `survey` judges."""
    if not settings_of(command):
        return
    group = parser.add_argument_group("settings", "a flag wins over the environment variable, which wins over the settings file")
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
    """The settings of ``command`` that have no flag, for the end of its help."""
    secrets = [setting for setting in settings_of(command) if not setting.flag]
    lines = [f"  {setting.source}\n      {setting.help}" for setting in secrets]
    return "\n".join(["environment only, or the files that a settings file names:", *lines]) if lines else None
