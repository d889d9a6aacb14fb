"""A plan as people read it on a terminal: what changes, unit by unit and department by department, what it costs, what cannot be done."""

import textwrap
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bulkjob.phrases import counted, named, one_line
from bulkjob.plan import AgentEntry, Place, PlanDocument, RowEntry, Thing, UnitEntry
from bulkjob.records import Workspace
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


def plan_lines(document: PlanDocument, *, with_ids: Collection[str], next_step: str, screen: Screen = Screen()) -> list[str]:
    """The lines to print. ``with_ids``: the things that are named with their ids. ``next_step``: what to do now, as a sentence."""
    lister = _Listing(document, with_ids, screen)
    sections = (
        lister.head(),
        lister.section("Units", "unit", lister.units()),
        lister.section("Departments", "department", lister.departments()),
        lister.warnings(),
        lister.calls(),
        lister.rows(),
        lister.wrapped(f"Next: {next_step}"),
    )
    return [line for section in sections if section for line in (*section, "")][:-1]


def next_step(document: PlanDocument, *, run: str) -> str:
    """What to do after a plan; ``run`` is the command that carries it out."""
    if document.refused:
        return "put right what is named above, then plan again; a run would end in the same way, and nothing would be sent."
    undone = sum(document.statuses.get(status, 0) for status in (Status.FAILED, Status.INVALID, Status.NOT_SENT))
    if not document.operations:
        return "put right what is named above, then plan again; there is nothing to send." if undone else "nothing is left to do."
    return f"{run}" + (", which leaves out the rows named above; or put them right first." if undone else "")


def in_encoding(lines: Iterable[str], encoding: str) -> list[str]:
    """The lines with plain signs in the place of those that an encoding does not have."""
    try:
        "−…“”".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return [line.translate(_PLAIN_SIGNS) for line in lines]
    return list(lines)


#: A sign and what stands behind it.
Line = tuple[str, str]


class _Listing:
    def __init__(self, document: PlanDocument, with_ids: Collection[str], screen: Screen) -> None:
        self._document = document
        self._with_ids = with_ids
        self._screen = screen
        self._planned = [entry for entry in document.wishes if entry.status is Status.PLANNED]

    def head(self) -> list[str]:
        """What the plan is for, how many rows have which status, and what would refuse it."""
        document = self._document
        version = f" (Rocket.Chat {document.server.version})" if document.server.version else ""
        words = {Status.SUCCESS: "already so", Status.NOT_SENT: "not to be sent"}
        order = (Status.PLANNED, Status.SUCCESS, Status.FAILED, Status.INVALID, Status.NOT_SENT)
        counts = [f"{document.statuses[status]:,} {words.get(status, str(status))}" for status in order if document.statuses.get(status)]
        lines = [f"Plan for {one_line(document.sheet.name)} on {document.server.url}{version}"]
        lines.append(f"{counted(len(document.rows), 'row')}: {', '.join(counts)}" if counts else "The sheet has no rows.")
        return lines + (self.wrapped(document.refused.message) if document.refused else [])

    # --------------------------------------------------------------------------------------------------------- changes

    def units(self) -> dict[str, list[Line]]:
        """Unit → the departments that come and go."""
        groups: dict[str, tuple[str, list[Line]]] = {}

        def group(unit: Thing) -> list[Line]:
            return groups.setdefault(unit.id, (self._named(unit), []))[1]

        for entry in self._planned:
            if not isinstance(entry, UnitEntry):
                continue
            department = self._named(entry.department)
            if entry.wanted:
                group(entry.wanted).append(("+", f"{department}  from {self._named(entry.found) if entry.found else 'no unit'}"))
            if entry.found:
                group(entry.found).append(("−", f"{department}  to {self._named(entry.wanted) if entry.wanted else 'no unit'}"))
        return _by_name(groups)

    def departments(self) -> dict[str, list[Line]]:
        """Department → its unit if that changes, and the agents who come, change and go."""
        groups: dict[str, tuple[str, list[Line]]] = {}
        for entry in self._planned:
            lines = groups.setdefault(entry.department.id, (self._named(entry.department), []))[1]
            if isinstance(entry, UnitEntry):
                old, new = (self._named(unit) if unit else "none" for unit in (entry.found, entry.wanted))
                lines.append(("~", f"unit {old} to {new}"))
            else:
                lines.append(_agent_line(entry))
        return _by_name(groups)

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
            lines += [self._cut(f"  {heading}"), *(self._painted(sign, self._cut(f"    {sign} {text}")) for sign, text in some)]
            left -= len(some) + 1
            shown += len(some)
            headings += 1
        if rest := sum(map(len, groups.values())) - shown:
            others = len(groups) - headings
            lines.append(
                f"  … and {counted(rest, 'more change')}" + (f", of {counted(others, f'more {thing}')} among them" if others else "")
            )
        return lines

    # ------------------------------------------------------------------------------------------------------------ others

    def warnings(self) -> list[str]:
        """A screenful of the warnings."""
        return self._some("Warnings", self._document.warnings, lambda warning: self.wrapped(one_line(warning), first="  ", others="    "))

    def calls(self) -> list[str]:
        """The writes and reads that it takes, and how long that lasts."""
        document = self._document
        if not document.calls or document.forecast is None:
            return []
        total = sum(call.count for call in document.calls)
        before = f"{counted(document.forecast.reading_calls, 'call')} before the first write, to read what is there"
        lines = [f"Calls ({total:,}, after {before})"]
        lines += [f"  {call.count:>7,}  {call.method:<4} {call.route}" for call in document.calls]
        return lines + self.wrapped(f"Duration: {document.forecast.text}")

    def rows(self) -> list[str]:
        """A screenful of the rows that will not be done, with the reasons."""
        undone = [row for row in self._document.rows if row.status not in (Status.SUCCESS, Status.PLANNED)]
        # Rows that a refusal of the whole sheet holds back say the same as its message.
        telling = [row for row in undone if row.status is not Status.NOT_SENT] if self._document.refused else undone
        return self._some("Rows that will not be done", telling, self._row)

    def _row(self, row: RowEntry) -> list[str]:
        label = f"  row {row.row}  {row.status} {row.code or ''}".rstrip() + "  "
        return textwrap.wrap(
            one_line(row.message),
            max(self._screen.width, 40),
            initial_indent=label,
            subsequent_indent="      ",
            max_lines=_LINES_PER_ROW,
            placeholder=" …",
        )

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
        """Not broken within a word, so that paths and addresses can be copied."""
        return textwrap.wrap(
            text,
            max(self._screen.width, 40),
            initial_indent=first,
            subsequent_indent=others,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _named(self, thing: Thing) -> str:
        name = one_line(thing.name)
        return named(name, thing.id) if thing.id in self._with_ids or not name else f'"{name}"'

    def _painted(self, sign: str, line: str) -> str:
        return f"{_PAINT[sign]}{line}{_PLAIN}" if self._screen.colour else line

    def _cut(self, line: str) -> str:
        width = max(self._screen.width, 40)
        return line if len(line) <= width else line[: width - 1] + "…"


def _agent_line(entry: AgentEntry) -> Line:
    agent = f"@{one_line(entry.agent.name)}" if entry.agent.name else entry.agent.id
    if entry.wanted is None:
        return "−", agent
    if entry.found is None:
        return "+", f"{agent}{_numbers(entry.wanted)}"
    return "~", f"{agent}{_changes(entry.found, entry.wanted)}"


def _numbers(place: Place) -> str:
    told = [f"{word} {number}" for word, number in (("count", place.count), ("order", place.order)) if number is not None]
    return f"  {', '.join(told)}" if told else ""


def _changes(found: Place, wanted: Place) -> str:
    pairs = (("count", found.count, wanted.count), ("order", found.order, wanted.order))
    told = [f"{word} {old} to {new}" for word, old, new in pairs if new is not None and new != old]
    return f"  {', '.join(told)}" if told else ""


def _by_name(groups: Mapping[str, tuple[str, list[Line]]]) -> dict[str, list[Line]]:
    """By heading, in alphabetical order."""
    ordered: Iterable[tuple[str, list[Line]]] = sorted(groups.values(), key=lambda group: group[0].casefold())
    return dict(ordered)
