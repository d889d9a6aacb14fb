"""Flags, environment and settings file become `Settings`: a flag wins over the environment, which wins over the file.

`table.SETTINGS` is the only place that knows a setting's flag, variable, default and meaning: the command line, the
environment, the file and the table in docs/reference.md all come from it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkjob.phrases import quoted
from bulkjob.settings.file import NO_FILE, UNREADABLE, SettingsFile, read_settings_file
from bulkjob.settings.proxy import ProxyVariables
from bulkjob.settings.repeating import typed_flags
from bulkjob.settings.secret import Secret
from bulkjob.settings.table import Setting, settings_of
from bulkjob.settings.values import Settings
from bulkjob.vocabulary import Exit, Stop

#: Reads a text file; raises `OSError`, or `UnicodeDecodeError` where it is none.
ReadText = Callable[[Path], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The settings of a command, and what is to be said about them."""

    settings: Settings
    """What is wrong or missing has its default."""
    wrong: tuple[str, ...]
    """One sentence for each wrong value, of whatever origin but the command line."""
    missing: tuple[str, ...]
    """One line for each setting that the command cannot do without, such as ``address: --url or ROCKETCHAT_URL``."""
    notes: tuple[str, ...]
    """One sentence for each value that is not taken as it was written."""

    @property
    def complaints(self) -> tuple[str, ...]:
        """One sentence for each setting that is wrong or missing."""
        return (*self.wrong, *(f"Missing setting: {line}." for line in self.missing))

    @property
    def stop(self) -> Stop | None:
        """How a command ends that needs all of its settings; None if nothing is wrong with them."""
        missing = ["\n  ".join(("Missing settings:", *self.missing))] if self.missing else []
        told = "\n".join((*self.wrong, *missing))
        return Stop(Exit.BAD_SETTING, told) if told else None


def survey(
    command: str, flags: Mapping[str, object], environ: Mapping[str, str], read_text: ReadText, hidden: Iterable[Secret] = ()
) -> Survey:
    """The settings of ``command``, with everything that is wrong with them.

    ``flags`` maps a setting's name to its text (of a switch, to a bool); None and absence both mean not given. ``read_text`` is asked for
    the settings file and for those that hold secrets. ``hidden``: secrets beside those of the settings (`known_secrets`). Raises `Stop` (2)
    for the command line, which is judged first.
    """
    settings = settings_of(command)
    from_flags = {setting.name: _flag_value(setting, flags[setting.name]) for setting in settings if flags.get(setting.name) is not None}
    if _contradict(from_flags):
        raise Stop(Exit.USAGE, _CONTRADICTION)
    file = _settings_file(from_flags, environ, read_text) if settings else NO_FILE
    from_elsewhere: dict[str, object] = {}
    wrong: dict[str, str] = {}
    notes = [*file.notes]
    for setting in settings:
        if setting.name in from_flags:
            notes += _noted(setting, str(flags[setting.name]))
            continue
        try:
            if text := _environment_text(setting, environ, read_text):
                from_elsewhere[setting.name] = _environment_value(setting, text)
                notes += _noted(setting, text)
            elif setting.name in file.values:
                from_elsewhere[setting.name] = file.values[setting.name]
            elif setting.name in file.files:
                source, path = file.files[setting.name]
                from_elsewhere[setting.name] = _value_in_file(setting, source, path, read_text)
        except Stop as stop:
            wrong[setting.name] = stop.message
    values = from_elsewhere | from_flags
    if _contradict(values):
        if not _contradict(from_elsewhere):
            raise Stop(Exit.USAGE, _CONTRADICTION)
        wrong["skip_invalid"] = _CONTRADICTION
    proxies = ProxyVariables.of(environ)
    # What stands in a file that cannot be read is not known to be missing.
    known = values.keys() | wrong.keys() | file.wrong.keys()
    missing = [] if UNREADABLE in known else [setting for setting in settings if setting.required and setting.name not in known]
    return Survey(
        settings=Settings.of(
            {name: value for name, value in values.items() if name != "settings"} | {"proxies": proxies, "hidden": tuple(hidden)},
            typed=typed_flags(command, flags),
        ),
        wrong=(*file.wrong.values(), *wrong.values(), *_unusable(proxies, values)),
        missing=tuple(f"{setting.words}: {setting.source}" for setting in missing),
        notes=tuple(dict.fromkeys(notes)),
    )


_CONTRADICTION: Final = (
    "--skip-invalid (BULKJOB_SKIP_INVALID) cannot be combined with --agents mirror (BULKJOB_AGENTS): agents of the rows "
    "that are left out would be removed. Correct the sheet, or leave out one of the two."
)


def _contradict(values: Mapping[str, object]) -> bool:
    return values.get("skip_invalid") is True and values.get("agents") == "mirror"


def _noted(setting: Setting, text: str) -> list[str]:
    return [said] if setting.note and (said := setting.note(text)) else []


def _unusable(proxies: ProxyVariables, values: Mapping[str, object]) -> list[str]:
    """One sentence for each variable that names a proxy which is needed and cannot be used."""
    told: dict[str, None] = {}
    for address in (values[name] for name in ("url", "notify_url", "publish", "pushgateway") if name in values):
        text = address.reveal() if isinstance(address, Secret) else str(address)
        # Under which address an S3 store is reached, only its library knows.
        if text.lower().startswith("s3:"):
            continue
        try:
            proxies.towards(text)
        except ValueError as problem:
            told[str(problem)] = None
    return list(told)


# -------------------------------------------------------------------------------------------------------- command line, file


def _flag_value(setting: Setting, given: object) -> object:
    if isinstance(given, bool):
        return given
    try:
        return setting.parse(str(given))
    except ValueError as wanted:
        raise Stop(Exit.USAGE, f"{setting.flag} cannot be {_shown(setting, str(given))}: write {wanted}.") from None


def _settings_file(from_flags: Mapping[str, object], environ: Mapping[str, str], read_text: ReadText) -> SettingsFile:
    if isinstance(path := from_flags.get("settings"), Path):
        return read_settings_file(path, "--settings", read_text)
    named = environ.get("BULKJOB_SETTINGS", "").strip()
    return read_settings_file(Path(named), "BULKJOB_SETTINGS", read_text) if named else NO_FILE


# --------------------------------------------------------------------------------------------------------------- environment


def _environment_text(setting: Setting, environ: Mapping[str, str], read_text: ReadText) -> str:
    """The variable's text, or that of the file its ``_FILE`` names; blank where neither is set."""
    text = environ.get(setting.variable, "").strip() if setting.variable else ""
    variable = f"{setting.variable}_FILE"
    file = environ.get(variable, "").strip() if setting.or_file else ""
    if not file:
        return text
    if text:
        raise Stop(Exit.BAD_SETTING, f"{setting.variable} and {variable} are both set: unset one of them.")
    return _text_in(Path(file), variable, read_text)


def _environment_value(setting: Setting, text: str) -> object:
    try:
        return setting.parse(text)
    except ValueError as wanted:
        raise Stop(Exit.BAD_SETTING, f"{setting.variable} cannot be {_shown(setting, text)}: set it to {wanted}.") from None


def _value_in_file(setting: Setting, source: str, path: Path, read_text: ReadText) -> object:
    text = _text_in(path, source, read_text)
    try:
        return setting.parse(text)
    except ValueError as wanted:
        message = f"{source} names {quoted(str(path))}, which does not hold {wanted}."
        raise Stop(Exit.BAD_SETTING, message) from None


def _text_in(path: Path, source: str, read_text: ReadText) -> str:
    """What a file holds, without white space around it; ``source`` is what names it. Raises `Stop`."""
    named = f"{source} names {quoted(str(path))}"
    try:
        text = read_text(path).strip()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Stop(Exit.BAD_SETTING, f"{named}, which cannot be read ({reason}): name a readable file.") from None
    except ValueError:
        raise Stop(Exit.BAD_SETTING, f"{named}, which is not text: name a file with nothing but the value in it.") from None
    if not text:
        raise Stop(Exit.BAD_SETTING, f"{named}, which is empty: write the value into it.")
    return text


def _shown(setting: Setting, text: str) -> str:
    """The value for a message; not one that is a secret, or an address in which a password may stand."""
    if setting.or_file or any(sign in text for sign in "@?#"):
        return "what it is now"
    return quoted(text)
