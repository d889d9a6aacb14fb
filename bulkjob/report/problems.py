"""What is wrong with a sheet, worded: at most a screenful for people, and the whole list as JSON and CSV."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from itertools import chain
from typing import Final

from rich.console import Console
from rich.text import Text

from bulkjob.phrases import counted, printable
from bulkjob.records import CheckedSheet, Problem, RowResult
from bulkjob.report.lines import sentence
from bulkjob.report.results import csv_of_rows
from bulkjob.vocabulary import Status

PROBLEMS_FILE: Final = "problems.csv"
ANNOTATED_FILE: Final = "annotated.xlsx"
PROBLEM_FILES: Final = (PROBLEMS_FILE, ANNOTATED_FILE)

#: The columns of problems.csv and the keys of a problem in JSON.
COLUMNS: Final = tuple(field.name for field in fields(Problem))


#: Warnings and notes that people see one by one; a sheet may have very many of a kind.
_REMARKS: Final = 5


#: Longer values are cut for people.
_VALUE: Final = 30


def problems_document(checked: CheckedSheet) -> dict[str, object]:
    """The JSON document of ``validate --json``: rows, problems, warnings."""
    return {
        "rows": len(checked.sheet.cells),
        "problems": [asdict(problem) for problem in checked.problems],
        "warnings": list(checked.warnings),
    }


def render_problems(problems: Iterable[Problem]) -> bytes:
    """problems.csv: UTF-8 with BOM so that Excel opens it, CRLF, no cell a formula."""
    return csv_of_rows(chain([COLUMNS], ([str(getattr(problem, column)) for column in COLUMNS] for problem in problems)))


def with_invalid_rows(checked: CheckedSheet, found: Iterable[Problem], results: Mapping[int, RowResult]) -> CheckedSheet:
    """The sheet with every problem of the rows that are reported as invalid, by row and column.

    ``found``: what the server's lists showed, names that it does not know among it. A row that an earlier attempt brought to success has no
    problem any more.
    """
    places = {"": -1, **checked.sheet.positions}
    problems = [problem for problem in (*checked.problems, *found) if results[problem.row].status is Status.INVALID]
    problems.sort(key=lambda problem: (problem.row, places.get(problem.column, len(places))))
    return replace(checked, problems=tuple(problems))


def problem_lines(console: Console, checked: CheckedSheet, *, height: int, whole_list: str = "") -> list[Text]:
    """The lines that people read, the problems grouped by code: so few that, with the prompt, they fit into ``height``.

    ``whole_list`` is where the whole list has been written; blank if it has not.
    """
    remarks = [*_remarks(console, "Note", checked.sheet.notes), *_remarks(console, "Warning", checked.warnings)]
    rows = counted(len(checked.sheet.cells), "row")
    if not checked.problems:
        said = f"No problems in {rows}. Names were not checked against the server; bulkjob plan does that."
        return [*remarks, *sentence(console, said, style="bold green")]
    groups = _by_code(checked.problems)
    bad_rows = len({problem.row for problem in checked.problems})
    found = f"{counted(len(checked.problems), 'problem')} in {bad_rows:,} of {rows} of {printable(checked.sheet.name)}."
    head = [*remarks, *sentence(console, found, style="bold red")]
    return [*head, *_grouped(console, groups, whole_list, height - len(head) - 1)]


def _by_code(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(str(problem.code), []).append(problem)
    return groups


def _grouped(console: Console, groups: dict[str, list[Problem]], whole_list: str, room: int) -> list[Text]:
    """The groups in ``room`` lines: all problems in full, or else some of each, the places of the others, and where the whole list is."""
    count = sum(map(len, groups.values()))
    if count < room and len(full := _in_full(console, groups, groups)) <= room:
        return full
    # Room is kept for a line on each group, in any case.
    room -= len(_rest(console, count, len(groups), whole_list)) + 1
    shown = _within(console, groups, room - len(groups))
    lines = _in_full(console, shown, groups)
    unseen = [_with_places(console, code, problems) for code, problems in groups.items() if code not in shown]
    named = unseen[: max(room - len(lines), 0)]
    left = count - sum(map(len, shown.values()))
    return [*lines, *([Text("")] if named else []), *named, *_rest(console, left, len(unseen) - len(named), whole_list)]


def _within(console: Console, groups: dict[str, list[Problem]], room: int) -> dict[str, list[Problem]]:
    """The first problems of each group, so many that they take ``room`` lines beside the headings; one of the first group in any case.

    Every group gets its first one before any gets a second, so that people see each kind of mistake.
    """
    shown: dict[str, list[Problem]] = {}
    for place in range(max(map(len, groups.values()))):
        for code, problems in groups.items():
            if place >= len(problems):
                continue
            # The blank line before the heading counts with the first.
            room -= len(_problem_lines(console, problems[place])) + (place == 0)
            if room < 0 and shown:
                return shown
            shown.setdefault(code, []).append(problems[place])
    return shown


def _in_full(console: Console, shown: dict[str, list[Problem]], groups: dict[str, list[Problem]]) -> list[Text]:
    """Of each group a blank line, its heading (with the places, unless all its problems follow), and the problems that are shown."""
    lines: list[Text] = []
    for code, some in shown.items():
        everything = len(some) == len(groups[code])
        heading = Text(f"{code} ({len(some):,})") if everything else _with_places(console, code, groups[code])
        heading.stylize("bold")
        lines += [Text(""), heading]
        lines += [line for problem in some for line in _problem_lines(console, problem)]
    return lines


def _with_places(console: Console, code: str, problems: list[Problem]) -> Text:
    """The heading of a group with as many addresses as fit on its line: ``bad-number (97): D6, D7 and 95 more``."""
    line = f"{code} ({len(problems):,}):"
    for place, problem in enumerate(problems):
        left = len(problems) - place - 1
        longer = f"{line}{',' if place else ''} {problem.cell or f'row {problem.row}'}"
        if place and len(longer) + (len(f" and {left:,} more") if left else 0) > console.width:
            return Text(f"{line} and {left + 1:,} more")
        line = longer
    return Text(line)


def _problem_lines(console: Console, problem: Problem) -> list[Text]:
    """Where, what stands there, and what to do: ``row 17  C17  count  "1.5"  Write a whole number …``."""
    value = printable(problem.value)
    value = f'"{value if len(value) <= _VALUE else value[: _VALUE - 1] + "…"}"' if problem.value else ""
    where = "  ".join(filter(None, (f"row {problem.row}", problem.cell, problem.column, value)))
    return sentence(console, f"{where}  {printable(problem.message)}", first="  ", others="      ", whole_words=False)


def _rest(console: Console, count: int, kinds: int, whole_list: str) -> list[Text]:
    """A blank line, of how many problems at most the place is named, of how many kinds nothing is, and where all of them are to be had."""
    among = f", among them {counted(kinds, 'other kind')}" if kinds else ""
    whole = (
        f"{whole_list} has them all."
        if whole_list
        else "--out DIR writes all of them to DIR/problems.csv, and the sheet with the bad cells marked to DIR/annotated.xlsx."
    )
    return [Text(""), *sentence(console, f"{counted(count, 'problem')} not shown in full{among}. {whole}")]


def _remarks(console: Console, kind: str, remarks: tuple[str, ...]) -> list[Text]:
    lines = [line for remark in remarks[:_REMARKS] for line in sentence(console, f"{kind}: {printable(remark)}", others="    ")]
    rest = len(remarks) - _REMARKS
    return [*lines, Text(f"{kind}: {rest:,} more.")] if rest > 0 else lines
