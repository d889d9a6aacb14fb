"""Commands as a printed next step shows them: with every flag that was given, quoted for a shell."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bulkjob.settings.address import without_secrets
from bulkjob.settings.sheet_address import SheetAddress
from bulkjob.settings.table import settings_of


def typed_flags(command: str, flags: Mapping[str, object]) -> tuple[tuple[str, str | bool], ...]:
    """The flags of ``command`` that were given, by setting, in the order of the documentation."""
    given = ((setting.name, flags.get(setting.name)) for setting in settings_of(command))
    return tuple((name, value if isinstance(value, bool) else str(value)) for name, value in given if value is not None)


def command_line(
    command: str,
    operands: Sequence[str | Path | SheetAddress],
    typed: Iterable[tuple[str, str | bool]],
    *,
    replaced: Mapping[str, str | Path] = MappingProxyType({}),
    without: Collection[str] = (),
    more: Sequence[str | Path] = (),
) -> str:
    """A line to be pasted into a shell: ``bulkjob run 'my sheet.csv' --agents mirror --run-dir night``.

    The flags in ``typed`` that ``command`` takes are repeated. ``replaced``: settings that this line gives, whatever was typed.
    ``without``: settings that it must not give. ``more``: flags that are no settings, with their values.
    """
    given: dict[str, str | bool] = {name: value for name, value in typed if name not in without}
    given.update({name: str(value) for name, value in replaced.items()})
    words = ["bulkjob", command, *(_quoted(_operand(str(operand))) for operand in operands), *(_quoted(str(word)) for word in more)]
    return " ".join(words) + repeated(given.items(), command=command)


def _operand(text: str) -> str:
    """A file whose name begins with a dash would be taken for a flag; a dash alone is standard input."""
    return f"./{text}" if text.startswith("-") and text != "-" else text


def repeated(typed: Iterable[tuple[str, str | bool]], *, command: str, without: Collection[str] = ()) -> str:
    """The flags in ``typed`` that ``command`` takes, quoted for a shell, with a blank before each; blank if there are none.

    ``without``: settings that the caller says itself, or that the next step has no use for. Passwords in addresses are masked.
    """
    given = dict(typed)
    words = [
        _word(setting.flag, given[setting.name])
        for setting in settings_of(command)
        if setting.name in given and setting.name not in without
    ]
    return "".join(f" {word}" for word in words)


def _word(flag: str, value: str | bool) -> str:  # noqa: FBT001 - what the flag was given is a text or a bool
    if isinstance(value, bool):
        return flag if value else f"--no-{flag.removeprefix('--')}"
    shown = without_secrets(value) if "://" in value else value
    # A value that begins with a dash would be taken for a flag.
    return _quoted(f"{flag}={shown}") if shown.startswith("-") else f"{flag} {_quoted(shown)}"


def _quoted(word: str) -> str:
    r"""The word for a shell; one that cannot be printed as it is as bash, zsh and ksh have it: ``$'a\x1bb'``."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_spelt(letter) for letter in word) + "'"


def _spelt(letter: str) -> str:
    if letter.isprintable():
        return f"\\{letter}" if letter in "\\'" else letter
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
