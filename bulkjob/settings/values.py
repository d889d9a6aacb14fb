"""The settings of a command as one frozen value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Literal

from bulkjob.settings.address import secrets_in
from bulkjob.settings.proxy import NO_PROXIES, ProxyVariables
from bulkjob.settings.secret import NO_SECRET, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxRemovals:
    """How many agent assignments a sheet may end: exactly one of the two is given."""

    count: int | None = None
    percent: Fraction | None = None
    """Of the workspace's agent assignments, from 0 to 100."""

    def __str__(self) -> str:
        return str(self.count) if self.percent is None else f"{float(self.percent):g}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What decides which calls a sheet becomes: a plan and a run directory belong to one set of these."""

    agents: Literal["add", "mirror"] = "add"
    unit_route: Literal["auto", "unit", "department"] = "auto"
    skip_invalid: bool = False
    create_units: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a command works with; a setting that the command does not take has its default."""

    url: str = ""
    """The workspace's address in its one spelling (`canonical_address`); blank for a command that talks to no server."""
    user_id: str = ""
    auth_token: Secret = NO_SECRET
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
    choices: Choices = Choices()
    max_failures: int = 25
    """Failed rows after which no further call is started; 0: no limit."""
    max_removals: MaxRemovals | None = None
    """None: see `removals_allowed`."""
    plan: Path | None = None
    report: Path | None = None
    """Where the files for whoever approves a plan go; None: nowhere."""
    log_format: Literal["text", "json"] | None = None
    """None: text on a terminal, json elsewhere."""
    ca_file: Path | None = None
    """None: the system's certificates."""
    max_rows: int = 1_000_000
    grace: float = 20.0
    """Seconds in which calls in flight are finished after SIGTERM."""
    lock_timeout: float = 0.0
    """Seconds to wait for another process to leave the run directory."""
    notify_url: Secret = NO_SECRET
    """The incoming webhook that is told of the end; empty: nobody is."""
    publish: Secret = NO_SECRET
    """The address below which the run directory's files are copied, with whatever password it has; empty: nowhere."""
    metrics_file: Path | None = None
    pushgateway: Secret = NO_SECRET
    """The address to which figures are pushed, with whatever password it has; empty: nowhere."""
    proxies: ProxyVariables = NO_PROXIES
    hidden: tuple[Secret, ...] = ()
    """Secrets of settings that the command does not take, of its environment and its command line; only known so that none is shown."""
    typed: tuple[tuple[str, str | bool], ...] = ()
    """The flags that were given, by setting, as they were typed: what `repeated` makes a printed next step from."""

    @classmethod
    def of(cls, values: Mapping[str, object], *, typed: tuple[tuple[str, str | bool], ...] = ()) -> "Settings":
        """Settings from the values of the table's settings, by their names; what is not among them has its default."""
        chosen = {field.name for field in fields(Choices)}
        # The table's parsers return what the attributes of their names are; a test holds that.
        choices = Choices(**{name: value for name, value in values.items() if name in chosen})  # type: ignore[arg-type]
        others = {name: value for name, value in values.items() if name not in chosen}
        return cls(**others, choices=choices, typed=typed)  # type: ignore[arg-type]

    @property
    def secrets(self) -> Iterator[Secret]:
        """Every text that nobody is to see in an output."""
        yield from (secret for secret in (self.auth_token, self.notify_url) if secret)
        for address in (self.notify_url, self.publish, self.pushgateway, self.proxies.https, self.proxies.http):
            yield from secrets_in(address.reveal())
        yield from self.hidden
