"""Every setting with its flag, variable, parser, default and the commands that take it."""

from dataclasses import dataclass
from typing import Final

from bulkjob.settings.parsers import (
    Parser,
    free_text,
    header_value,
    max_removals,
    on_or_off,
    one_of,
    path_of,
    seconds,
    server_address,
    token_value,
    whole_number,
)


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
        parse=server_address,
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
        help="the id of the account that the job works as",
    ),
    Setting(
        name="auth_token",
        variable="ROCKETCHAT_AUTH_TOKEN",
        or_file=True,
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
        help="where the report goes; the same one again continues",
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
        commands=_SERVER,
        default="8",
        help="requests in flight at most",
    ),
    Setting(
        name="retries",
        flag="--retries",
        metavar="N",
        variable="BULKJOB_RETRIES",
        parse=whole_number(1),
        commands=_SERVER,
        default="5",
        help="attempts for a call, the first one included",
    ),
    Setting(
        name="timeout",
        flag="--timeout",
        metavar="SECONDS",
        variable="BULKJOB_TIMEOUT",
        parse=seconds(above_zero=True),
        commands=_SERVER,
        default="30",
        help="seconds for a call",
    ),
    Setting(
        name="agents",
        flag="--agents",
        metavar="add|mirror",
        variable="BULKJOB_AGENTS",
        parse=one_of("add", "mirror"),
        commands=_PLANNING,
        default="add",
        help="mirror: in each department for which a row says add, remove every agent without such a row",
    ),
    Setting(
        name="unit_route",
        flag="--unit-route",
        metavar="auto|unit|department",
        variable="BULKJOB_UNIT_ROUTE",
        parse=one_of("auto", "unit", "department"),
        commands=_SERVER - {"export"},
        default="auto",
        help="how units are written; auto: unit where the account may manage units and read their monitors, else department",
    ),
    Setting(
        name="skip_invalid",
        flag="--skip-invalid",
        variable="BULKJOB_SKIP_INVALID",
        parse=on_or_off,
        commands=_PLANNING,
        default="off",
        help="let the valid rows go ahead, except those of a department that an invalid row is about; not with --agents mirror",
    ),
    Setting(
        name="max_failures",
        flag="--max-failures",
        metavar="N",
        variable="BULKJOB_MAX_FAILURES",
        parse=whole_number(0),
        commands=_WRITING,
        default="25",
        help="start no further call once so many rows have failed; 0: no limit",
    ),
    Setting(
        name="max_removals",
        flag="--max-removals",
        metavar="N|N%",
        variable="BULKJOB_MAX_REMOVALS",
        parse=max_removals,
        commands=_PLANNING,
        default="the larger of 20 and 10% of the workspace's agent assignments",
        help="refuse a sheet that would end more agent assignments than this; 0 allows none",
    ),
    Setting(
        name="plan",
        flag="--plan",
        metavar="FILE",
        parse=path_of,
        commands=frozenset({"run"}),
        default="none",
        help="send exactly this plan, or refuse with what has drifted since",
    ),
    Setting(
        name="grace",
        flag="--grace",
        metavar="SECONDS",
        variable="BULKJOB_GRACE",
        parse=seconds(above_zero=False),
        commands=_WRITING,
        default="20",
        help="seconds to finish the calls in flight after SIGTERM",
    ),
    Setting(
        name="lock_timeout",
        flag="--lock-timeout",
        metavar="SECONDS",
        variable="BULKJOB_LOCK_TIMEOUT",
        parse=seconds(above_zero=False),
        commands=_WRITING,
        default="0",
        help="seconds to wait for another process to leave the run directory",
    ),
    Setting(
        name="log_format",
        flag="--log-format",
        metavar="text|json",
        variable="BULKJOB_LOG_FORMAT",
        parse=one_of("text", "json"),
        commands=_SERVER | {"validate"},
        default="text on a terminal, json elsewhere",
        help="of the log, which goes to standard error",
    ),
    Setting(
        name="ca_file",
        flag="--ca-file",
        metavar="FILE",
        variable="BULKJOB_CA_FILE",
        parse=path_of,
        commands=_SERVER,
        default="the system's certificates",
        help="certificates to trust, as PEM",
    ),
)


def settings_of(command: str) -> tuple[Setting, ...]:
    """The settings that ``command`` takes, in the order of the documentation."""
    return tuple(setting for setting in SETTINGS if command in setting.commands)
