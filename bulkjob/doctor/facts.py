"""Everything that was looked at before it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from bulkjob.doctor.outlook import Outlook
from bulkjob.records import Assignment, CheckedSheet, Server
from bulkjob.rocketchat import Failure
from bulkjob.rocketchat.pacing import Limit
from bulkjob.vocabulary import Exit, Stop


class ListName(StrEnum):
    """A list of the workspace, as the table names it."""

    DEPARTMENTS = "list of departments"
    MEMBERS = "a department's agents"
    AGENTS = "list of agents"
    UNITS = "list of units"
    MONITORS = "a unit's monitors"
    ROLE_HOLDERS = "list of monitors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the first page of a list answered."""

    total: int = 0
    failure: Failure | None = None
    exit_code: Exit = Exit.OK
    """How a run ends that needs the list; OK where it could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFacts:
    """The sheet, if one was given."""

    stop: Stop | None = None
    """Why it could not be read."""
    checked: CheckedSheet | None = None
    outlook: Outlook | None = None
    """None where it was not compared with the server."""
    unread: Stop | None = None
    """What went wrong while the lists that it needs were read to their end."""
    skip_invalid: bool = False
    mirror: bool = False
    creates_units: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryFacts:
    """Where the run directory will be, and whether a file could be written there."""

    path: str
    """The run directory, or the folder in which each run makes its own."""
    tried: str
    """The folder that is there, in which a file was tried."""
    problem: str = ""
    """Blank: the file was written and removed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What the server answered."""

    info: str | Failure | None
    """The version as it tells it, None where it hides it, or why there is no answer."""
    stop: Stop | None = None
    """What a run would end with before it knows the account; None if it comes to know it."""
    server: Server | None = None
    lists: Mapping[ListName, Listed] = field(default_factory=dict)
    """Those that were tried, in the order of trying."""
    limit: Limit | None = None
    """The tightest that was announced for a route; None where none was, or none for this account."""
    clock_ahead: float = 0.0
    """Seconds by which the server's clock is ahead of ours at least; below 0: behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that was looked at."""

    url: str
    directory: DirectoryFacts
    wrong_settings: Sequence[str] = ()
    """One sentence each."""
    unit_route: Literal["auto", "unit", "department"] = "auto"
    sheet: SheetFacts | None = None
    answers: ServerFacts | None = None
    """None where a setting keeps the server from being asked."""

    @property
    def assignments(self) -> Sequence[Assignment] | None:
        """What the sheet asks for; None without one, or where it cannot be read."""
        return self.sheet.checked.assignments if self.sheet and self.sheet.checked else None

    @property
    def outlook(self) -> Outlook | None:
        """What would come of the sheet; None without one, or where it was not compared with the server."""
        return self.sheet.outlook if self.sheet else None
