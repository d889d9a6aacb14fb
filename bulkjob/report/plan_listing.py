"""A plan as people read it on a terminal: what changes, unit by unit and department by department, what it costs, what cannot be done."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Literal, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bulkjob.changes import Line, Thing
from bulkjob.phrases import MESSAGE_LIMIT, counted, named, one_line
from bulkjob.plan import PlanDocument, RowEntry
from bulkjob.records import Workspace, is_new_unit
from bulkjob.report.lines import cut, rows_of, sentence, spaced
from bulkjob.report.next_steps import Step, step_lines
from bulkjob.report.totals import totals_text
from bulkjob.sheet import comparable
from bulkjob.vocabulary import Status

T = TypeVar("T")


#: A section is not cut shorter than to so many lines, and takes no more than so much of the screen: the end of a plan, with its warnings
#: and what it costs, is then still to be seen.
_LEAST_ROOM: Final = 6
_SHARE: Final = 2


_LINES_PER_ROW: Final = 2


#: So many changes of a department are told by name in its line.
_IN_A_LINE: Final = 2


#: Whole routes of calls are told of so many kinds at most.
_ROUTES_SHOWN: Final = 8


#: Where the rest is.
_WHOLE: Final = "plan --report DIR writes all"


#: What people read of a row's status here.
_WORDS: Final = {
    Status.PLANNED: "to change",
    Status.SUCCESS: "already correct",
    Status.FAILED: "would fail",
    Status.INVALID: "invalid",
    Status.NOT_SENT: "not sent",
}


_PAINT: Final[dict[Literal["+", "~", "−"], str]] = {"+": "green", "~": "yellow", "−": "red"}


def ambiguous(workspace: Workspace) -> frozenset[str]:
    """The ids of the departments and units whose names do not tell them from others of their kind."""
    found: set[str] = set()
    for things in (workspace.departments.values(), (workspace.units or {}).values()):
        names = [(thing.id, comparable(thing.name).casefold()) for thing in things]
        counts = Counter(name for _, name in names)
        found.update(identifier for identifier, name in names if counts[name] > 1)
    return frozenset(found)


def plan_lines(console: Console, document: PlanDocument, *, with_ids: Collection[str], steps: Sequence[Step] = ()) -> list[Text]:
    """What to show of a plan, its totals last. ``with_ids``: the things that are named with their ids. ``steps``: what to do now."""
    lister = _Listing(console, document, with_ids)
    return spaced(
        [
            lister.head(),
            lister.section("Units", "unit", lister.groups("unit")),
            lister.section("Departments", "department", lister.groups("department")),
            lister.rows(),
            lister.calls(),
            lister.warnings(),
            step_lines(console, steps),
            lister.totals(),
        ]
    )


class _Listing:
    def __init__(self, console: Console, document: PlanDocument, with_ids: Collection[str]) -> None:
        self._console = console
        self._document = document
        self._with_ids = with_ids
        self._room = max(_LEAST_ROOM, console.height // _SHARE - 2)
        planned = (entry for entry in document.changes if entry.status is Status.PLANNED)
        self._lines = [line for entry in planned for line in entry.lines(self._named)]

    def head(self) -> list[Text]:
        """What the plan is for, how many rows have which status, and what would refuse it."""
        document = self._document
        version = f" (Rocket.Chat {document.server.version})" if document.server.version else ""
        order = (Status.PLANNED, Status.SUCCESS, Status.FAILED, Status.INVALID, Status.NOT_SENT)
        counts = [f"{document.statuses[status]:,} {_WORDS[status]}" for status in order if document.statuses.get(status)]
        rows = f"{counted(len(document.rows), 'row')}: {', '.join(counts)}" if counts else "The sheet has no rows."
        return [
            *sentence(self._console, f"Plan for {one_line(document.sheet.name)} on {document.server.url}{version}", style="bold"),
            *sentence(self._console, rows),
            *(sentence(self._console, document.refused.message, style="red") if document.refused else []),
        ]

    def totals(self) -> list[Text]:
        """What the plan comes to, in one line."""
        if self._document.refused:
            return []
        return sentence(self._console, f"Plan: {totals_text(self._document.changes) or 'nothing to change'}", style="bold")

    # --------------------------------------------------------------------------------------------------------- changes

    def groups(self, section: Literal["unit", "department"]) -> dict[str, list[Line]]:
        """Unit or department → what changes there: new units first, then by name."""
        groups: dict[str, tuple[str, list[Line]]] = {}
        for line in self._lines:
            if line.section == section:
                groups.setdefault(line.about.id, (self._named(line.about), []))[1].append(line)
        ordered = sorted(groups.items(), key=lambda group: (not is_new_unit(group[0]), group[1][0].casefold()))
        return {heading: lines for _, (heading, lines) in ordered}

    def section(self, title: str, thing: str, groups: Mapping[str, Sequence[Line]]) -> list[Text]:
        """The groups with their changes, or where they take more than half a screen, how many there are of each kind in a line each."""
        if not groups:
            return []
        lines = [Text(f"{title} ({len(groups):,})", style="bold")]
        if len(groups) + sum(map(len, groups.values())) <= self._room:
            return [*lines, *(line for heading, changes in groups.items() for line in self._group(heading, changes))]
        shown = dict(islice(groups.items(), self._room))
        lines += [self._counts(heading, changes) for heading, changes in shown.items()]
        rest = {heading: changes for heading, changes in groups.items() if heading not in shown}
        if rest:
            changes = counted(sum(map(len, rest.values())), "change")
            return [*lines, cut(self._console, f"  … and {changes} in {counted(len(rest), f'more {thing}')} ({_WHOLE})")]
        if any(len(changes) > _IN_A_LINE for changes in shown.values()):
            lines.append(cut(self._console, f"  … each of these changes by name ({_WHOLE})"))
        return lines

    def _group(self, heading: str, changes: Sequence[Line]) -> Iterator[Text]:
        yield cut(self._console, f"  {heading}")
        for line in changes:
            yield cut(self._console, f"    {line.sign} {line.text}", _PAINT[line.sign])

    def _counts(self, heading: str, changes: Sequence[Line]) -> Text:
        """``"Sales"  ~ unit "DACH" to "EMEA"  + @anna``; of many changes how many there are: ``"Sales"  +3 −1``."""
        if len(changes) <= _IN_A_LINE:
            line = Text(f"  {heading}")
            for change in changes:
                line.append("  ").append(f"{change.sign} {change.text}", style=_PAINT[change.sign])
            line.truncate(self._console.width, overflow="ellipsis")
            return line
        counts = Counter(line.sign for line in changes)
        signs = [Text(f"{sign}{counts[sign]:,}", style=style) for sign, style in _PAINT.items() if counts[sign]]
        name = Text(f"  {heading}")
        name.truncate(max(self._console.width - sum(len(sign) + 1 for sign in signs) - 1, 1), overflow="ellipsis")
        return Text(" ").join([name.append(" "), *signs])

    # ------------------------------------------------------------------------------------------------------------ others

    def warnings(self) -> list[Text]:
        """Half a screen of the warnings."""
        return self._some(
            "Warnings",
            self._document.warnings,
            lambda warning: sentence(self._console, one_line(warning, MESSAGE_LIMIT), first="  ", others="    "),
        )

    def calls(self) -> list[Text]:
        """The writes and reads that it takes, and how long that lasts."""
        document = self._document
        if not document.calls or document.forecast is None:
            return []
        total = sum(call.count for call in document.calls)
        reading = document.forecast.reading_calls
        said = f"{counted(reading + total, 'call')}: {reading:,} to read the workspace, {total:,} for the changes and their checks"
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
        table.add_column(justify="right", min_width=8)
        table.add_column()
        table.add_column(no_wrap=True)
        for call in document.calls[:_ROUTES_SHOWN]:
            table.add_row(f"{call.count:,}", call.method, call.route)
        rest = document.calls[_ROUTES_SHOWN:]
        others = counted(sum(call.count for call in rest), "more call")
        more = [cut(self._console, f"  … and {others} ({_WHOLE})")] if rest else []
        return [
            *sentence(self._console, said, style="bold"),
            *rows_of(self._console, table),
            *more,
            *sentence(self._console, document.forecast.text),
        ]

    def rows(self) -> list[Text]:
        """Half a screen of the rows that will not be done, with the reasons."""
        undone = [row for row in self._document.rows if row.status not in (Status.SUCCESS, Status.PLANNED)]
        # Rows that a refusal of the whole sheet holds back say the same as its message.
        telling = [row for row in undone if row.status is not Status.NOT_SENT] if self._document.refused else undone
        return self._some("Rows that would not be in place", telling, self._row)

    def _row(self, row: RowEntry) -> list[Text]:
        said = ", ".join(filter(None, (_WORDS[row.status], str(row.code or ""))))
        text = f"row {row.row}  {said}  {one_line(row.message, MESSAGE_LIMIT)}"
        return sentence(self._console, text, first="  ", others="      ", most=_LINES_PER_ROW)

    def _some(self, title: str, things: Sequence[T], lines_of: Callable[[T], list[Text]]) -> list[Text]:
        """As many as half a screen holds, and how many more there are."""
        if not things:
            return []
        left = self._room
        lines = [Text(f"{title} ({len(things):,})", style="bold")]
        for place, thing in enumerate(things):
            more = lines_of(thing)
            left -= len(more)
            if left < 0 and place:
                return [*lines, cut(self._console, f"  … and {len(things) - place:,} more ({_WHOLE})")]
            lines += more
        return lines

    def _named(self, thing: Thing) -> str:
        name = one_line(thing.name)
        return named(name, thing.id) if thing.id in self._with_ids or not name else f'"{name}"'
