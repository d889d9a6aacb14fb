"""Every setting with its flag, variable, parser, default and the commands that take it."""

from dataclasses import dataclass
from typing import Final

from bulkjob.settings.address import api_path_dropped, secret_address, server_address, store_address
from bulkjob.settings.parsers import (
    Kind,
    Note,
    Parser,
    free_text,
    header_value,
    max_removals,
    on_or_off,
    one_of,
    path_of,
    seconds,
    token_value,
    whole_number,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: where it comes from, what it may be, which commands take it."""

    name: str
    """The attribute of `Settings` or of its `Choices`."""
    help: str
    """What it does, as a phrase."""
    default: str
    """The default in words, for people; the value stands in `Settings`."""
    parse: Parser
    commands: frozenset[str]
    kind: Kind = Kind.TEXT
    """What it is in a settings file."""
    flag: str = ""
    """Blank: it has none, as a secret must not stand on a command line."""
    metavar: str | None = None
    """The value's name in the help; None: the flag takes no value."""
    variable: str = ""
    """The environment variable; blank: it has none."""
    or_file: bool = False
    """Whether ``<variable>_FILE`` may name a file that holds the value, and ``<key>-file`` of a settings file."""
    secret: bool = False
    """Whether a settings file may only name the file that holds it."""
    required: bool = False
    """Whether the commands that take it cannot do without."""
    flag_only: bool = False
    """Whether a settings file may not say it."""
    note: Note | None = None
    """What to say of a text that is not taken as it is written."""

    @property
    def key(self) -> str:
        """Its name in a settings file, and in messages."""
        return self.name.replace("_", "-")

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return "address" if self.name == "url" else self.name.replace("_", " ")

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
        name="settings",
        flag="--settings",
        metavar="FILE",
        variable="BULKJOB_SETTINGS",
        parse=path_of,
        commands=_SERVER | {"validate"},
        flag_only=True,
        default="none",
        help="a TOML file with settings, spelt like the flags without the dashes",
    ),
    Setting(
        name="url",
        flag="--url",
        metavar="URL",
        variable="ROCKETCHAT_URL",
        parse=server_address,
        note=api_path_dropped,
        required=True,
        commands=_SERVER,
        default="none, required",
        help="the workspace's address, with its path if it has one",
    ),
    Setting(
        name="user_id",
        variable="ROCKETCHAT_USER_ID",
        or_file=True,
        parse=header_value,
        required=True,
        commands=_SERVER,
        default="none, required",
        help="the id of the account that bulkjob signs in with",
    ),
    Setting(
        name="auth_token",
        variable="ROCKETCHAT_AUTH_TOKEN",
        or_file=True,
        secret=True,
        parse=token_value,
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
        parse=path_of,
        commands=frozenset({"run", "doctor"}),
        default="runs/<UTC time>-<sheet's name>, with -2 if taken",
        help="where the reports go; name the same one again to resume",
    ),
    Setting(
        name="sheet_name",
        flag="--sheet-name",
        metavar="NAME",
        variable="BULKJOB_SHEET_NAME",
        parse=free_text,
        commands=_SHEET,
        default="the first visible sheet",
        help="which sheet of a workbook to read",
    ),
    Setting(
        name="max_rows",
        flag="--max-rows",
        metavar="N",
        variable="BULKJOB_MAX_ROWS",
        parse=whole_number(1),
        kind=Kind.WHOLE,
        commands=_SHEET,
        default="1000000",
        help="refuse a sheet with more rows than this",
    ),
    Setting(
        name="concurrency",
        flag="--concurrency",
        metavar="N",
        variable="BULKJOB_CONCURRENCY",
        parse=whole_number(1),
        kind=Kind.WHOLE,
        commands=_SERVER,
        default="8",
        help="how many requests may be in flight at once",
    ),
    Setting(
        name="retries",
        flag="--retries",
        metavar="N",
        variable="BULKJOB_RETRIES",
        parse=whole_number(1),
        kind=Kind.WHOLE,
        commands=_SERVER | {"validate"},
        default="5",
        help="how often a call is attempted, the first time included",
    ),
    Setting(
        name="timeout",
        flag="--timeout",
        metavar="SECONDS",
        variable="BULKJOB_TIMEOUT",
        parse=seconds(above_zero=True),
        kind=Kind.SECONDS,
        commands=_SERVER | {"validate"},
        default="30",
        help="how long to wait for the answer to a call",
    ),
    Setting(
        name="agents",
        flag="--agents",
        metavar="add|mirror",
        variable="BULKJOB_AGENTS",
        parse=one_of("add", "mirror"),
        commands=_PLANNING,
        default="add",
        help="mirror: the sheet is the complete list of agents for each department it adds agents to; everyone else is removed from them",
    ),
    Setting(
        name="unit_route",
        flag="--unit-route",
        metavar="auto|unit|department",
        variable="BULKJOB_UNIT_ROUTE",
        parse=one_of("auto", "unit", "department"),
        commands=_SERVER - {"export"},
        default="auto",
        help="through which endpoint departments are moved; leave at auto unless doctor says otherwise",
    ),
    Setting(
        name="skip_invalid",
        flag="--skip-invalid",
        variable="BULKJOB_SKIP_INVALID",
        parse=on_or_off,
        kind=Kind.SWITCH,
        commands=_PLANNING,
        default="off",
        help="send the valid rows, except those of a department that an invalid row is about; cannot be combined with --agents mirror",
    ),
    Setting(
        name="create_units",
        flag="--create-units",
        variable="BULKJOB_CREATE_UNITS",
        parse=on_or_off,
        kind=Kind.SWITCH,
        commands=_PLANNING,
        default="off",
        help="create units that the sheet names and the server does not know",
    ),
    Setting(
        name="max_failures",
        flag="--max-failures",
        metavar="N",
        variable="BULKJOB_MAX_FAILURES",
        parse=whole_number(0),
        kind=Kind.WHOLE,
        commands=_WRITING,
        default="25",
        help="start no further call once this many rows have failed; 0: no limit",
    ),
    Setting(
        name="max_removals",
        flag="--max-removals",
        metavar="N|N%",
        variable="BULKJOB_MAX_REMOVALS",
        parse=max_removals,
        kind=Kind.NUMBER_OR_SHARE,
        commands=_PLANNING,
        default="the larger of 20 and 10% of the workspace's agent assignments",
        help="refuse a sheet that removes more agent assignments than this; 0 allows none",
    ),
    Setting(
        name="plan",
        flag="--plan",
        metavar="FILE",
        parse=path_of,
        commands=frozenset({"run"}),
        flag_only=True,
        default="none",
        help="send exactly this plan, or refuse with what has drifted since",
    ),
    Setting(
        name="report",
        flag="--report",
        metavar="DIR",
        parse=path_of,
        commands=frozenset({"plan"}),
        flag_only=True,
        default="none",
        help="also write the whole plan to DIR, for whoever approves it",
    ),
    Setting(
        name="grace",
        flag="--grace",
        metavar="SECONDS",
        variable="BULKJOB_GRACE",
        parse=seconds(above_zero=False),
        kind=Kind.SECONDS,
        commands=_WRITING,
        default="20",
        help="how long calls in flight may take to finish after SIGTERM, SIGINT or SIGHUP",
    ),
    Setting(
        name="lock_timeout",
        flag="--lock-timeout",
        metavar="SECONDS",
        variable="BULKJOB_LOCK_TIMEOUT",
        parse=seconds(above_zero=False),
        kind=Kind.SECONDS,
        commands=_WRITING,
        default="0",
        help="how long to wait for another process to leave the run directory",
    ),
    Setting(
        name="notify_url",
        variable="BULKJOB_NOTIFY_URL",
        or_file=True,
        secret=True,
        parse=secret_address,
        commands=_WRITING,
        default="none",
        help="an incoming webhook (Rocket.Chat, Slack, Mattermost) that is told how the job ended",
    ),
    Setting(
        name="publish",
        flag="--publish",
        metavar="URL",
        variable="BULKJOB_PUBLISH",
        parse=store_address,
        commands=_WRITING,
        default="none",
        help="copy the run directory's files below this address when the program ends (https:// or s3://)",
    ),
    Setting(
        name="metrics_file",
        flag="--metrics-file",
        metavar="PATH",
        variable="BULKJOB_METRICS_FILE",
        parse=path_of,
        commands=_WRITING,
        default="none",
        help="write the figures of the run to this file, in Prometheus' text format",
    ),
    Setting(
        name="pushgateway",
        flag="--pushgateway",
        metavar="URL",
        variable="BULKJOB_PUSHGATEWAY",
        parse=secret_address,
        commands=_WRITING,
        default="none",
        help="push the figures of the run to this Prometheus Pushgateway",
    ),
    Setting(
        name="log_format",
        flag="--log-format",
        metavar="text|json",
        variable="BULKJOB_LOG_FORMAT",
        parse=one_of("text", "json"),
        commands=_SERVER | {"validate"},
        default="text on a terminal, json elsewhere",
        help="format of the log (written to stderr)",
    ),
    Setting(
        name="ca_file",
        flag="--ca-file",
        metavar="FILE",
        variable="BULKJOB_CA_FILE",
        parse=path_of,
        commands=_SERVER | {"validate"},
        default="the system's certificates",
        help="trust the certificates in this file (PEM)",
    ),
)


def settings_of(command: str) -> tuple[Setting, ...]:
    """The settings that ``command`` takes, in the order of the documentation."""
    return tuple(setting for setting in SETTINGS if command in setting.commands)
