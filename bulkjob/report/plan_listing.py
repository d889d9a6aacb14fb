"""A plan as people read it on a terminal: what changes, unit by unit and department by department, what it costs, what cannot be done."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from bulkjob.changes import Line, Thing
from bulkjob.phrases import MESSAGE_LIMIT, counted, named, one_line, wrapped
from bulkjob.plan import PlanDocument, RowEntry
from bulkjob.records import Workspace
from bulkjob.report.next_steps import Step, step_lines
from bulkjob.sheet import comparable
from bulkjob.vocabulary import Status

T = TypeVar("T")


#: A section is not cut shorter than to so many lines.
_LEAST_ROOM: Final = 6


#: Lines of a screen that a section leaves free: heading, count of the rest, prompt.
_FRAME: Final = 4


_LINES_PER_ROW: Final = 3


_PAINT: Final = {"+": "\x1b[32m", "~": "\x1b[33m", "−": "\x1b[31m"}


_PLAIN: Final = "\x1b[0m"


_PLAIN_SIGNS: Final = str.maketrans({"−": "-", "…": "...", "“": '"', "”": '"'})


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What the terminal can show."""

    width: int = 100
    """In characters."""
    height: int = 40
    """In lines."""
    colour: bool = False


def ambiguous(workspace: Workspace) -> frozenset[str]:
    """The ids of the departments and units whose names do not tell them from others of their kind."""
    found: set[str] = set()
    for things in (workspace.departments.values(), (workspace.units or {}).values()):
        names = [(thing.id, comparable(thing.name).casefold()) for thing in things]
        counts = Counter(name for _, name in names)
        found.update(identifier for identifier, name in names if counts[name] > 1)
    return frozenset(found)


def plan_lines(document: PlanDocument, *, with_ids: Collection[str], steps: Sequence[Step] = (), screen: Screen = Screen()) -> list[str]:
    """The lines to print. ``with_ids``: the things that are named with their ids. ``steps``: what to do now."""
    lister = _Listing(document, with_ids, screen)
    sections = (
        lister.head(),
        lister.section("Units", "unit", lister.groups("unit")),
        lister.section("Departments", "department", lister.groups("department")),
        lister.warnings(),
        lister.calls(),
        lister.rows(),
        step_lines(steps, screen.width),
    )
    return [line for section in sections if section for line in (*section, "")][:-1]


def in_encoding(lines: Iterable[str], encoding: str) -> list[str]:
    """The lines with plain signs in the place of those that an encoding does not have."""
    try:
        "−…“”".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return [line.translate(_PLAIN_SIGNS) for line in lines]
    return list(lines)


class _Listing:
    def __init__(self, document: PlanDocument, with_ids: Collection[str], screen: Screen) -> None:
        self._document = document
        self._with_ids = with_ids
        self._screen = screen
        planned = (entry for entry in document.changes if entry.status is Status.PLANNED)
        self._lines = [line for entry in planned for line in entry.lines(self._named)]

    def head(self) -> list[str]:
        """What the plan is for, how many rows have which status, and what would refuse it."""
        document = self._document
        version = f" (Rocket.Chat {document.server.version})" if document.server.version else ""
        words = {Status.PLANNED: "to change", Status.SUCCESS: "already correct", Status.FAILED: "would fail", Status.NOT_SENT: "not sent"}
        order = (Status.PLANNED, Status.SUCCESS, Status.FAILED, Status.INVALID, Status.NOT_SENT)
        counts = [f"{document.statuses[status]:,} {words.get(status, str(status))}" for status in order if document.statuses.get(status)]
        lines = [f"Plan for {one_line(document.sheet.name)} on {document.server.url}{version}"]
        lines.append(f"{counted(len(document.rows), 'row')}: {', '.join(counts)}" if counts else "The sheet has no rows.")
        return lines + (self.wrapped(document.refused.message) if document.refused else [])

    # --------------------------------------------------------------------------------------------------------- changes

    def groups(self, section: Literal["unit", "department"]) -> dict[str, list[Line]]:
        """Unit or department → what changes there, by name."""
        groups: dict[str, tuple[str, list[Line]]] = {}
        for line in self._lines:
            if line.section == section:
                groups.setdefault(line.about.id, (self._named(line.about), []))[1].append(line)
        ordered = sorted(groups.values(), key=lambda group: group[0].casefold())
        return dict(ordered)

    def section(self, title: str, thing: str, groups: Mapping[str, Sequence[Line]]) -> list[str]:
        """At most a screenful of the groups, and how much is left out."""
        if not groups:
            return []
        left = max(_LEAST_ROOM, self._screen.height - _FRAME)
        lines, shown, headings = [f"{title} ({len(groups):,})"], 0, 0
        for heading, changes in groups.items():
            if left < 2:
                break
            some = changes[: left - 1]
            lines += [self._cut(f"  {heading}"), *(self._painted(line.sign, self._cut(f"    {line.sign} {line.text}")) for line in some)]
            left -= len(some) + 1
            shown += len(some)
            headings += 1
        if rest := sum(map(len, groups.values())) - shown:
            others = len(groups) - headings
            where = f" in {counted(others, f'more {thing}')}" if others else ""
            lines.append(f"  … and {counted(rest, 'more change')}{where} (--json prints all)")
        return lines

    # ------------------------------------------------------------------------------------------------------------ others

    def warnings(self) -> list[str]:
        """A screenful of the warnings."""
        return self._some(
            "Warnings", self._document.warnings, lambda warning: self.wrapped(one_line(warning, MESSAGE_LIMIT), first="  ", others="    ")
        )

    def calls(self) -> list[str]:
        """The writes and reads that it takes, and how long that lasts."""
        document = self._document
        if not document.calls or document.forecast is None:
            return []
        total = sum(call.count for call in document.calls)
        reading = document.forecast.reading_calls
        lines = [f"{counted(reading + total, 'call')}: {reading:,} to read the workspace, {total:,} for the changes and their checks"]
        lines += [f"  {call.count:>7,}  {call.method:<4} {call.route}" for call in document.calls]
        return lines + self.wrapped(document.forecast.text)

    def rows(self) -> list[str]:
        """A screenful of the rows that will not be done, with the reasons."""
        undone = [row for row in self._document.rows if row.status not in (Status.SUCCESS, Status.PLANNED)]
        # Rows that a refusal of the whole sheet holds back say the same as its message.
        telling = [row for row in undone if row.status is not Status.NOT_SENT] if self._document.refused else undone
        return self._some("Rows that would not be in place", telling, self._row)

    def _row(self, row: RowEntry) -> list[str]:
        label = f"  row {row.row}  {row.status} {row.code or ''}".rstrip() + "  "
        return wrapped(one_line(row.message), self._screen.width, first=label, others="      ", most=_LINES_PER_ROW)

    def _some(self, title: str, things: Sequence[T], lines_of: Callable[[T], list[str]]) -> list[str]:
        """As many as a screen holds, and how many more there are."""
        if not things:
            return []
        left = max(_LEAST_ROOM, self._screen.height - _FRAME)
        lines = [f"{title} ({len(things):,})"]
        for place, thing in enumerate(things):
            more = lines_of(thing)
            left -= len(more)
            if left < 0 and place:
                return [*lines, f"  … and {len(things) - place:,} more; --json prints them all"]
            lines += more
        return lines

    def wrapped(self, text: str, *, first: str = "", others: str = "") -> list[str]:
        """In lines as wide as the screen."""
        return wrapped(text, self._screen.width, first=first, others=others)

    def _named(self, thing: Thing) -> str:
        name = one_line(thing.name)
        return named(name, thing.id) if thing.id in self._with_ids or not name else f'"{name}"'

    def _painted(self, sign: str, line: str) -> str:
        return f"{_PAINT[sign]}{line}{_PLAIN}" if self._screen.colour else line

    def _cut(self, line: str) -> str:
        width = max(self._screen.width, 40)
        return line if len(line) <= width else line[: width - 1] + "…"
