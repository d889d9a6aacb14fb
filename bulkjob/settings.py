"""Every setting of every command: one table, and the function that turns flags and environment into `Settings`.

`SETTINGS` is the only place that knows a setting's flag, variable, default and meaning: the command line, the
environment and the README's table all come from it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, NoReturn
from urllib.parse import SplitResult, urlsplit

from bulkjob.vocabulary import Exit, Stop


class Secret:
    """A text that prints as ``***``; only `reveal` gives it away."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself, for the request that needs it."""
        return self.__text

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__text

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # A pickle would hold the text in the clear.
        raise TypeError("a secret is not to be pickled or copied")


_NO_SECRET: Final = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxRemovals:
    """How many agent assignments a sheet may end: exactly one of the two is given."""

    count: int | None = None
    percent: Fraction | None = None
    """Of the workspace's agent assignments, from 0 to 100."""

    def __str__(self) -> str:
        return str(self.count) if self.percent is None else f"{float(self.percent):g}%"


def removals_allowed(limit: MaxRemovals | None, assignments: int) -> int:
    """How many of the workspace's ``assignments`` a sheet may end; without a limit the larger of 20 and 10 %."""
    if limit is None:
        return max(20, assignments // 10)
    if limit.percent is not None:
        return math.floor(assignments * limit.percent / 100)
    return limit.count or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a command works with; a setting that the command does not take has its default."""

    url: str = ""
    """The workspace's address without a slash at its end; blank for a command that talks to no server."""
    user_id: str = ""
    auth_token: Secret = _NO_SECRET
    run_dir: Path | None = None
    """None: a new directory below ``runs``, named by time and sheet."""
    sheet_name: str | None = None
    """None: the workbook's first visible sheet."""
    concurrency: int = 8
    """Requests in flight."""
    retries: int = 5
    """Attempts for a call, the first one included."""
    timeout: float = 30.0
    """Seconds for a call."""
    agents: Literal["add", "mirror"] = "add"
    unit_route: Literal["auto", "unit", "department"] = "auto"
    skip_invalid: bool = False
    max_failures: int = 25
    """Failed rows after which no further call is started; 0: no limit."""
    max_removals: MaxRemovals | None = None
    """None: see `removals_allowed`."""
    plan: Path | None = None
    log_format: Literal["text", "json"] | None = None
    """None: text on a terminal, json elsewhere."""
    ca_file: Path | None = None
    """None: the system's certificates."""
    max_rows: int = 1_000_000
    grace: float = 20.0
    """Seconds in which calls in flight are finished after SIGTERM."""
    lock_timeout: float = 0.0
    """Seconds to wait for another process to leave the run directory."""


#: Turns a setting's text into its value; raises `ValueError` with what to write instead ("a whole number from 1 up").
Parser = Callable[[str], object]


def _whole_number(least: int) -> Parser:
    def parse(text: str) -> int:
        # Twelve digits are more of anything than there is; `int` itself would also take "1_000", and fail on very many digits.
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()) or int(text) < least:
            raise ValueError(f"a whole number from {least} up")
        return int(text)

    return parse


def _seconds(*, above_zero: bool) -> Parser:
    def parse(text: str) -> float:
        number = float(text) if re.fullmatch(r"[0-9]*\.?[0-9]+(e-?[0-9]+)?", text.strip(), re.IGNORECASE) else math.nan
        if not math.isfinite(number) or (above_zero and number == 0):
            raise ValueError(f"a number of seconds {'above 0' if above_zero else 'from 0 up'}")
        return number

    return parse


def _one_of(*words: str) -> Parser:
    def parse(text: str) -> str:
        if text.strip() not in words:
            raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")
        return text.strip()

    return parse


def _on_or_off(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError("1, true, yes or on, or else 0, false, no or off") from None


def _max_removals(text: str) -> MaxRemovals:
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(%?)", text.strip())
    if found and found[2] and Fraction(found[1]) <= 100:
        return MaxRemovals(percent=Fraction(found[1]))
    if found and not found[2] and found[1].isdigit():
        return MaxRemovals(count=int(found[1]))
    raise ValueError("a whole number from 0 up, or a percentage from 0% to 100%")


def _url(text: str) -> str:
    text = text.strip()
    wanted = "an address such as https://chat.example.com, which starts with http:// or https:// and may have a path"
    try:
        parts = urlsplit(text)
        usable = _is_address(text, parts)
    except ValueError:  # what urlsplit says of brackets and ports that are none
        usable = False
    else:
        if parts.username is not None or parts.password is not None:
            wanted += ", without user name and password"
            usable = False
        elif "?" in text or "#" in text:
            wanted += ", without a query (?) and a fragment (#)"
            usable = False
    if not usable:
        raise ValueError(wanted)
    return text.rstrip("/")


def _is_address(text: str, parts: SplitResult) -> bool:
    """Whether this is http or https, a host and a port that exists; raises `ValueError` for a port beyond all ports."""
    printable = text.isprintable() and not re.search(r"[\s\\]", text)
    return printable and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("a text that is not blank")
    return text


def _path(text: str) -> Path:
    return Path(_text(text))


def _header(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text.strip()):
        raise ValueError("the text that Rocket.Chat gave out, which has neither blanks nor letters beyond ASCII in it")
    return text.strip()


def _token(text: str) -> Secret:
    return Secret(_header(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: where it comes from, what it may be, which commands take it."""

    name: str
    """The attribute of `Settings`."""
    help: str
    """What it does, as a phrase."""
    default: str
    """The default in words, for people; the value stands in `Settings`."""
    parse: Parser
    commands: frozenset[str]
    flag: str = ""
    """Blank: it has none, as a secret must not stand on a command line."""
    metavar: str | None = None
    """The value's name in the help; None: the flag takes no value."""
    variable: str = ""
    """The environment variable; blank: it has none."""
    or_file: bool = False
    """Whether ``<variable>_FILE`` may name a file that holds the value."""
    required: bool = False
    """Whether the commands that take it cannot do without."""

    @property
    def source(self) -> str:
        """Where a person gives it: ``--url or ROCKETCHAT_URL``."""
        return " or ".join(filter(None, (self.flag, self.variable, f"{self.variable}_FILE" if self.or_file else "")))


_SERVER = frozenset({"plan", "run", "rollback", "export", "doctor"})
_WRITING = frozenset({"run", "rollback"})
_PLANNING = frozenset({"plan", "run", "doctor"})
_SHEET = frozenset({"validate", "plan", "run", "doctor"})

#: In the order of the documentation.
SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        name="url",
        flag="--url",
        metavar="URL",
        variable="ROCKETCHAT_URL",
        parse=_url,
        required=True,
        commands=_SERVER,
        default="none, required",
        help="the workspace's address, with its path if it has one",
    ),
    Setting(
        name="user_id",
        variable="ROCKETCHAT_USER_ID",
        or_file=True,
        parse=_header,
        required=True,
        commands=_SERVER,
        default="none, required",
        help="the id of the account that the job works as",
    ),
    Setting(
        name="auth_token",
        variable="ROCKETCHAT_AUTH_TOKEN",
        or_file=True,
        parse=_token,
        required=True,
        commands=_SERVER,
        default="none, required",
        help="a personal access token of that account",
    ),
    Setting(
        name="run_dir",
        flag="--run-dir",
        metavar="DIR",
        variable="BULKJOB_RUN_DIR",
        parse=_path,
        commands=frozenset({"run", "doctor"}),
        default="runs/<UTC time>-<sheet's name>, with -2 if taken",
        help="where the report goes; the same one again continues",
    ),
    Setting(
        name="sheet_name",
        flag="--sheet-name",
        metavar="NAME",
        variable="BULKJOB_SHEET_NAME",
        parse=_text,
        commands=_SHEET,
        default="the first visible sheet",
        help="which sheet of a workbook to read",
    ),
    Setting(
        name="max_rows",
        flag="--max-rows",
        metavar="N",
        variable="BULKJOB_MAX_ROWS",
        parse=_whole_number(1),
        commands=_SHEET,
        default="1000000",
        help="refuse a sheet with more rows than this",
    ),
    Setting(
        name="concurrency",
        flag="--concurrency",
        metavar="N",
        variable="BULKJOB_CONCURRENCY",
        parse=_whole_number(1),
        commands=_SERVER,
        default="8",
        help="requests in flight at most",
    ),
    Setting(
        name="retries",
        flag="--retries",
        metavar="N",
        variable="BULKJOB_RETRIES",
        parse=_whole_number(1),
        commands=_SERVER,
        default="5",
        help="attempts for a call, the first one included",
    ),
    Setting(
        name="timeout",
        flag="--timeout",
        metavar="SECONDS",
        variable="BULKJOB_TIMEOUT",
        parse=_seconds(above_zero=True),
        commands=_SERVER,
        default="30",
        help="seconds for a call",
    ),
    Setting(
        name="agents",
        flag="--agents",
        metavar="add|mirror",
        variable="BULKJOB_AGENTS",
        parse=_one_of("add", "mirror"),
        commands=_PLANNING,
        default="add",
        help="mirror: in each department for which a row says add, remove every agent without such a row",
    ),
    Setting(
        name="unit_route",
        flag="--unit-route",
        metavar="auto|unit|department",
        variable="BULKJOB_UNIT_ROUTE",
        parse=_one_of("auto", "unit", "department"),
        commands=_SERVER - {"export"},
        default="auto",
        help="how units are written; auto: unit where the account may manage units and read their monitors, else department",
    ),
    Setting(
        name="skip_invalid",
        flag="--skip-invalid",
        variable="BULKJOB_SKIP_INVALID",
        parse=_on_or_off,
        commands=_PLANNING,
        default="off",
        help="let the valid rows go ahead, except those of a department that an invalid row is about; not with --agents mirror",
    ),
    Setting(
        name="max_failures",
        flag="--max-failures",
        metavar="N",
        variable="BULKJOB_MAX_FAILURES",
        parse=_whole_number(0),
        commands=_WRITING,
        default="25",
        help="start no further call once so many rows have failed; 0: no limit",
    ),
    Setting(
        name="max_removals",
        flag="--max-removals",
        metavar="N|N%",
        variable="BULKJOB_MAX_REMOVALS",
        parse=_max_removals,
        commands=_PLANNING,
        default="the larger of 20 and 10% of the workspace's agent assignments",
        help="refuse a sheet that would end more agent assignments than this; 0 allows none",
    ),
    Setting(
        name="plan",
        flag="--plan",
        metavar="FILE",
        parse=_path,
        commands=frozenset({"run"}),
        default="none",
        help="send exactly this plan, or refuse with what has drifted since",
    ),
    Setting(
        name="grace",
        flag="--grace",
        metavar="SECONDS",
        variable="BULKJOB_GRACE",
        parse=_seconds(above_zero=False),
        commands=_WRITING,
        default="20",
        help="seconds to finish the calls in flight after SIGTERM",
    ),
    Setting(
        name="lock_timeout",
        flag="--lock-timeout",
        metavar="SECONDS",
        variable="BULKJOB_LOCK_TIMEOUT",
        parse=_seconds(above_zero=False),
        commands=_WRITING,
        default="0",
        help="seconds to wait for another process to leave the run directory",
    ),
    Setting(
        name="log_format",
        flag="--log-format",
        metavar="text|json",
        variable="BULKJOB_LOG_FORMAT",
        parse=_one_of("text", "json"),
        commands=_SERVER | {"validate"},
        default="text on a terminal, json elsewhere",
        help="of the log, which goes to standard error",
    ),
    Setting(
        name="ca_file",
        flag="--ca-file",
        metavar="FILE",
        variable="BULKJOB_CA_FILE",
        parse=_path,
        commands=_SERVER,
        default="the system's certificates",
        help="certificates to trust, as PEM",
    ),
)


def settings_of(command: str) -> tuple[Setting, ...]:
    """The settings that ``command`` takes, in the order of the documentation."""
    return tuple(setting for setting in SETTINGS if command in setting.commands)


def settle(
    command: str,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    read_text: Callable[[Path], str],
) -> Settings:
    """The settings of ``command``: a flag wins over the environment, which wins over the default.

    ``flags`` maps a setting's name to its text (``skip_invalid`` to a bool); None and absence both mean not given. ``read_text`` is asked
    for the file that a ``…_FILE`` variable names. Raises `Stop`: the whole command line is judged (2) before the environment (78).
    """
    settings, wrong = survey(command, flags, environ, read_text)
    if wrong:
        raise Stop(Exit.BAD_SETTING, wrong[0])
    return settings


def survey(
    command: str,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    read_text: Callable[[Path], str],
) -> tuple[Settings, tuple[str, ...]]:
    """As `settle`, but with one sentence for each thing that is wrong in the environment or missing; such a setting has its default.

    Raises `Stop` (2) for the command line only.
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


def settings_table() -> tuple[tuple[str, str, str, str], ...]:
    """One row per setting for the documentation: setting, environment, default, meaning."""
    return tuple(
        (
            f"{setting.flag} {setting.metavar or ''}".strip() or setting.name.replace("_", " "),
            f"{setting.variable} or {setting.variable}_FILE" if setting.or_file else setting.variable,
            setting.default,
            setting.help,
        )
        for setting in SETTINGS
    )
