"""What stands behind a command's name: its own arguments, the flags of its settings, and what to say of a flag that it does not take."""

import argparse
import shlex
from collections.abc import Iterable, Sequence
from typing import Final

from bulkjob.commands.table import COMMANDS, Command
from bulkjob.phrases import listed, nearest
from bulkjob.settings import settings_of

#: What other programs call it.
_DRY_RUN: Final = frozenset({"--dry-run", "--dryrun", "--dry", "--what-if", "--no-op", "--noop"})


def add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    """Add what ``command`` takes; the values of its settings stay text, which `survey` judges."""
    command.arguments(parser)
    _add_settings(parser, command.name)
    parser.epilog = _without_flag(command.name)


def unknown_flag(words: Sequence[str], command: Command, known: Iterable[str]) -> tuple[str, str] | None:
    """What to say of the first of the words that is a flag and none of those that ``command`` knows, and a command to type instead."""
    before = words[: words.index("--")] if "--" in words else words
    known = [flag for flag in known if flag.startswith("--")]
    for word in before:
        flag = word.partition("=")[0]
        if not flag.startswith("--") or flag in known:
            continue
        if flag.lower() in _DRY_RUN:
            return f"There is no {flag}. To see first what would change, use plan:", _planned(command, words)
        if others := _commands_with(flag):
            return f"{command.name} does not take {flag}; {listed(others)} {'do' if len(others) > 1 else 'does'}.", ""
        best, alike = nearest(flag, known)
        return f"There is no flag {flag}. " + (f"Did you mean {best}?" if alike else f"The nearest one is {best}."), ""
    return None


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
