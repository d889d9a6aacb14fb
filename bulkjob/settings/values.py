"""The settings of a command as one frozen value."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

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
class Settings:
    """What a command works with; a setting that the command does not take has its default."""

    url: str = ""
    """The workspace's address without a slash at its end; blank for a command that talks to no server."""
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
