"""What a page tells, as one frozen value: every text is ready to be shown, and needs no more than escaping."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bulkjob.vocabulary import Effect, Status


class Kind(StrEnum):
    """In which way a row ended, as people speak of it; the value is its name in the page."""

    FAILED = "failed"
    INVALID = "invalid"
    NOT_SENT = "not-sent"
    PLANNED = "planned"
    CHANGED = "changed"
    CORRECT = "correct"


def kind_of(status: Status, change: Effect) -> Kind:
    """The kind of a row with this status."""
    if status is Status.SUCCESS:
        return Kind.CHANGED if change is Effect.UPDATED else Kind.CORRECT
    return Kind(str(status).replace("_", "-"))


class Who(StrEnum):
    """Who can mend something; the value is how the page calls them."""

    OPERATIONS = "You, in the sheet"
    ADMINISTRATOR = "An administrator of Rocket.Chat"
    ENGINEER = "The engineer who runs bulkjob"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows ended in one way."""

    kind: Kind
    word: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of the head of the page."""

    word: str
    text: str
    command: bool = False
    """Whether the text is to be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message, and the rows that have it."""

    text: str
    rows: tuple[int, ...]
    more: int = 0
    """How many more rows have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One thing that keeps rows from being in place, with what to do about it."""

    code: str
    """Blank for what concerns no row."""
    kind: Kind | None
    title: str
    who: Who
    happened: str
    remedy: str
    rows: int
    said: tuple[Said, ...]
    more: int = 0
    """Rows whose messages are not on the card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Departments that went from one unit to another."""

    origin: str
    target: str
    departments: tuple[str, ...]
    more: int = 0

    @property
    def number(self) -> int:
        """How many departments."""
        return len(self.departments) + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """A flow as a shape."""

    path: str
    """As SVG spells it."""
    shade: int
    """Which of the colours; that of its origin."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A unit at one side of the ribbons."""

    label: str
    name: str
    """In full."""
    number: int
    x: float
    y: float
    height: float
    left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbons:
    """Flows as a picture: units before on the left, after on the right."""

    width: int
    height: int
    ribbons: tuple[Ribbon, ...]
    posts: tuple[Post, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """The departments that left one unit, by where they went."""

    origin: str
    cells: tuple[int, ...]
    shades: tuple[int, ...]
    """Of each cell, from 0 for none to 4."""
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Flows as a table, unit by unit."""

    targets: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    more: int = 0
    """Departments between units that have no room in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One line about a unit or a department."""

    sign: str
    """``+``, ``−`` or ``~``."""
    text: str

    @property
    def word(self) -> str:
        """The sign for whoever hears the page."""
        return {"+": "added", "−": "removed"}.get(self.sign, "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What changed of one unit or department."""

    name: str
    marks: tuple[Mark, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What changed, or will."""

    totals: str
    """In one sentence, blank where nothing did."""
    flows: tuple[Flow, ...] = ()
    more_flows: int = 0
    ribbons: Ribbons | None = None
    matrix: Matrix | None = None
    units: tuple[Group, ...] = ()
    """What changed of units beside their departments."""
    more_units: int = 0
    departments: tuple[Group, ...] = ()
    """Their agents and fields; their units are in the flows."""
    more_departments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Something to look at."""

    title: str
    items: tuple[str, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the time."""

    name: str
    """In the page: ``reading``, ``changing`` …"""
    word: str
    text: str
    """How long."""
    x: float
    width: float
    """Place and length in thousandths of the bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of one kind."""

    method: str
    route: str
    status: str
    """Blank where none is known yet."""
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """How long it took, or will."""

    title: str
    text: str
    segments: tuple[Segment, ...]
    calls: tuple[Calls, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of the sheet."""

    row: int
    kind: Kind
    status: str
    change: str
    code: str
    message: str
    cells: tuple[str, ...]
    """As they came: what of them cannot be seen is escaped when the page is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of the sheet."""

    headers: tuple[str, ...]
    rows: tuple[TableRow, ...]
    left_out: str = ""
    """Where those are that are not on the page, as a sentence."""
    file: str
    """What a file of some of these rows is called, without its ending."""
    words: Mapping[Kind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headings:
    """What the parts of the page are called."""

    cards: str
    moves: str
    message: str
    """Of the column of the table that tells what became of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that a page tells."""

    title: str
    """Of the window."""
    subject: str
    """What the page is, above the verdict."""
    verdict: str
    """In a few words."""
    good: bool
    """Whether nobody has to do anything."""
    sentences: tuple[str, ...]
    """What else has to be known at once."""
    counts: tuple[Count, ...]
    facts: tuple[Fact, ...]
    headings: Headings
    cards: tuple[Card, ...]
    then: str
    """What to do once the cards are dealt with; blank where nothing is."""
    moves: Moves
    watch: tuple[Watch, ...]
    time: Time | None
    table: Table
    made_by: str
