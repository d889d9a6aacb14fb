"""Every setting of every command: one table, and the function that turns flags and environment into `Settings`.

`SETTINGS` is the only place that knows a setting's flag, variable, default and meaning: the command line, the
environment and the README's table all come from it.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from bulkjob.settings.table import Setting, settings_of
from bulkjob.settings.values import Settings
from bulkjob.vocabulary import Exit, Stop


def survey(
    command: str,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    read_text: Callable[[Path], str],
) -> tuple[Settings, tuple[str, ...]]:
    """The settings of ``command``, and a sentence for each that is missing or wrong in the environment, which then has its default.

    A flag wins over the environment, which wins over the default. ``flags`` maps a setting's name to its text (``skip_invalid`` to a bool);
    None and absence both mean not given. ``read_text`` is asked for the file that a ``…_FILE`` variable names. The command line is judged
    first: raises `Stop` (2) for it, and for nothing else.
    """
    settings = settings_of(command)
    from_flags = {setting.name: _flag_value(setting, flags[setting.name]) for setting in settings if flags.get(setting.name) is not None}
    if _contradict(from_flags):
        raise Stop(Exit.USAGE, _CONTRADICTION)
    from_environment: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for setting in settings:
        try:
            if setting.name not in from_flags and (text := _environment_text(setting, environ, read_text)):
                from_environment[setting.name] = _environment_value(setting, text)
        except Stop as stop:
            wrong[setting.name] = stop.message
    values = from_environment | from_flags
    if _contradict(values):
        if not _contradict(from_environment):
            raise Stop(Exit.USAGE, _CONTRADICTION)
        wrong["skip_invalid"] = _CONTRADICTION
    missing = [setting.source for setting in settings if setting.required and setting.name not in values.keys() | wrong.keys()]
    if missing:
        wrong["missing"] = f"Something that is needed is not set: give {', and '.join(missing)}."
    # The table's parsers return what the attributes of their names are; a test holds that.
    return Settings(**values), tuple(wrong.values())  # type: ignore[arg-type]


_CONTRADICTION = (
    "--skip-invalid (BULKJOB_SKIP_INVALID) does not go together with --agents mirror (BULKJOB_AGENTS): agents of the rows "
    "that are left out would be removed. Correct the sheet, or leave one of the two out."
)


def _contradict(values: Mapping[str, object]) -> bool:
    return values.get("skip_invalid") is True and values.get("agents") == "mirror"


def _flag_value(setting: Setting, given: object) -> object:
    if isinstance(given, bool):
        return given
    try:
        return setting.parse(str(given))
    except ValueError as wanted:
        raise Stop(Exit.USAGE, f"{setting.flag} cannot be {_shown(setting, str(given))}: write {wanted}.") from None


def _environment_text(setting: Setting, environ: Mapping[str, str], read_text: Callable[[Path], str]) -> str:
    """The variable's text, or that of the file its ``_FILE`` names; blank where neither is set."""
    text = environ.get(setting.variable, "").strip() if setting.variable else ""
    variable = f"{setting.variable}_FILE"
    file = environ.get(variable, "").strip() if setting.or_file else ""
    if not file:
        return text
    if text:
        raise Stop(Exit.BAD_SETTING, f"{setting.variable} and {variable} are both set: unset one of them.")
    try:
        text = read_text(Path(file)).strip()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Stop(Exit.BAD_SETTING, f"{variable} names {file!r}, which cannot be read ({reason}): name a readable file.") from None
    except ValueError:
        raise Stop(
            Exit.BAD_SETTING, f"{variable} names {file!r}, which is not text: name a file with nothing but the value in it."
        ) from None
    if not text:
        raise Stop(Exit.BAD_SETTING, f"{variable} names {file!r}, which is empty: write the value into it.")
    return text


def _environment_value(setting: Setting, text: str) -> object:
    try:
        return setting.parse(text)
    except ValueError as wanted:
        raise Stop(Exit.BAD_SETTING, f"{setting.variable} cannot be {_shown(setting, text)}: set it to {wanted}.") from None


def _shown(setting: Setting, text: str) -> str:
    """The value for a message; not one that is a secret, or an address in which a password may stand."""
    if setting.or_file or (setting.name == "url" and re.search(r"[@?#]", text)):
        return "what it is now"
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
