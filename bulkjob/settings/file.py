"""What a settings file says: a TOML document whose keys are the settings, judged as a whole whichever command reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkjob.phrases import nearest, printable, quoted
from bulkjob.settings.address import without_secrets
from bulkjob.settings.table import SETTINGS, Setting

_FILE: Final = "-file"


#: In a line.
_MOST_DOTS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """What a settings file says, by the names of the settings."""

    values: Mapping[str, object]
    files: Mapping[str, tuple[str, Path]]
    """The key, and the file that it names, of each setting that stands in a file of its own."""
    notes: tuple[str, ...]
    wrong: Mapping[str, str]
    """One sentence for each setting or unknown key that is wrong, below `UNREADABLE` for the file itself; it is in none of the others."""


UNREADABLE: Final = ""


NO_FILE: Final = SettingsFile(values={}, files={}, notes=(), wrong={})


def read_settings_file(path: Path, source: str, read_text: Callable[[Path], str]) -> SettingsFile:
    """What the file at ``path`` says. ``source`` is the flag or variable that names it."""
    # (Few use it, and it takes as long to import as everything else that --help needs.)
    import tomllib  # noqa: PLC0415

    name = printable(str(path))
    try:
        text = read_text(path)
        # The time and memory that the parser takes for a key grow with the square of its dots.
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise ValueError("dots")  # noqa: TRY301
        document = tomllib.loads(text)
    except OSError as error:
        wrong = f"The settings file {name} ({source}) cannot be read: {error.strerror or type(error).__name__}. Name a readable file."
    except UnicodeDecodeError:
        wrong = f"The settings file {name} ({source}) is not text in UTF-8. Name a TOML file."
    except (ValueError, RecursionError) as error:
        # What the parser says of a place has no values in it, but may have a character.
        reason = printable(str(error)) if isinstance(error, tomllib.TOMLDecodeError) else "its values are too large or too deep"
        wrong = f"The settings file {name} ({source}) is not TOML: {reason}."
    else:
        return _judged(document, name)
    return SettingsFile(values={}, files={}, notes=(), wrong={UNREADABLE: wrong})


def _judged(document: Mapping[str, object], name: str) -> SettingsFile:
    settings = {setting.key: setting for setting in SETTINGS if not setting.flag_only}
    named_files = {setting.key + _FILE: setting for setting in settings.values() if setting.or_file}
    values: dict[str, object] = {}
    files: dict[str, tuple[str, Path]] = {}
    wrong: dict[str, str] = {}
    notes: list[str] = []
    for key, value in document.items():
        try:
            if key in named_files:
                files[named_files[key].name] = (f"{key} in {name}", Path(_file_name(value)))
            elif key in settings and not settings[key].secret:
                values[settings[key].name] = _parsed(settings[key], value)
                if (note := settings[key].note) and (said := note(str(value))):
                    notes.append(said)
            else:
                raise ValueError(_unknown(key, [*(other for other in settings if not settings[other].secret), *named_files]))  # noqa: TRY301
        except ValueError as problem:
            setting = named_files.get(key) or settings.get(key)
            wrong[setting.name if setting else key] = f"{quoted(key)} in {name} {problem}"
    for both in values.keys() & files.keys():
        key = both.replace("_", "-")
        wrong[both] = f"{name} has both {key} and {key}{_FILE}: remove one of them."
    return SettingsFile(values=values, files=files, notes=tuple(notes), wrong=wrong)


def _parsed(setting: Setting, value: object) -> object:
    text = setting.kind.text_of(value)
    if text is None:
        raise ValueError(f"is of the wrong kind: write {setting.kind.value}.")
    try:
        return setting.parse(text)
    except ValueError as wanted:
        shown = quoted(without_secrets(text)) if isinstance(value, str) else text
        raise ValueError(f"cannot be {shown if len(shown) <= 100 else 'what it is now'}: write {wanted}.") from None


def _file_name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError('is of the wrong kind: write the path of a file in quotes, such as "/secrets/token".')
    return value.strip()


def _unknown(key: str, known: list[str]) -> str:
    """What is wrong with a key that no setting has, as the rest of a sentence."""
    if any(setting.flag_only and setting.key == key for setting in SETTINGS):
        return f"can only be given on the command line, as --{key}: remove it."
    if any(setting.secret and setting.key == key for setting in SETTINGS):
        return f"is a secret, which does not belong in this file: write {key}{_FILE} with the path of a file that holds it."
    best, alike = nearest(key, known)
    return f"is not a setting. Did you mean {best}?" if alike else f"is not a setting; the nearest one is {best}."
