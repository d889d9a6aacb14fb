"""What is wrong with a sheet, worded: at most a screenful for people, and the whole list as JSON and CSV."""

import csv
import io
import textwrap
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Final

from bulkjob.records import CheckedSheet, Problem
from bulkjob.sheet.guard import guard

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
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for problem in problems:
        writer.writerow(guard(str(getattr(problem, column))) for column in COLUMNS)
    # An unpaired surrogate in a cell has no UTF-8.
    return text.getvalue().encode("utf-8-sig", errors="replace")


def listing(checked: CheckedSheet, *, width: int, height: int) -> list[str]:
    """The lines that people read, the problems grouped by code: so few that, with the prompt, they fit into ``height``."""
    remarks = [*_remarks("Note", checked.sheet.notes, width), *_remarks("Warning", checked.warnings, width)]
    rows = _counted(len(checked.sheet.cells), "row")
    if not checked.problems:
        return [*remarks, f"No problem found in {rows}."]
    groups = _by_code(checked.problems)
    bad_rows = len({problem.row for problem in checked.problems})
    found = f"{_counted(len(checked.problems), 'problem')} in {bad_rows} of {rows} of {printable(checked.sheet.name)}."
    head = [*remarks, *_wrapped(found, width)]
    room = height - len(head) - 1
    shown, foot = _within(groups, width, room), list[str]()
    if sum(map(len, shown.values())) < len(checked.problems):
        # Once more, with room for the longest sentence about what is left out.
        shown = _within(groups, width, room - len(_rest(groups, {}, width)))
        foot = _rest(groups, shown, width)
    return [*head, *(line for code, some in shown.items() for line in _group_lines(code, some, len(groups[code]), width)), *foot]


def printable(text: str) -> str:
    """``text`` with everything that would move a terminal's cursor, or cannot be seen, as an escape."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)


def _by_code(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(str(problem.code), []).append(problem)
    return groups


def _within(groups: dict[str, list[Problem]], width: int, room: int) -> dict[str, list[Problem]]:
    """The first problems of each group, so many that they take ``room`` lines at most; one of the first group in any case.

    Every group gets its first one before any gets a second, so that people see each kind of mistake.
    """
    shown: dict[str, list[Problem]] = {}
    for place in range(max(map(len, groups.values()))):
        for code, problems in groups.items():
            if place >= len(problems):
                continue
            room -= len(_problem_lines(problems[place], width)) + (2 if place == 0 else 0)
            if room < 0 and shown:
                return shown
            shown.setdefault(code, []).append(problems[place])
    return shown


def _group_lines(code: str, some: list[Problem], total: int, width: int) -> list[str]:
    """A blank line, the code with how many there are, and the problems."""
    heading = f"{code} ({total})" if len(some) == total else f"{code} ({len(some)} of {total})"
    return ["", heading, *(line for problem in some for line in _problem_lines(problem, width))]


def _problem_lines(problem: Problem, width: int) -> list[str]:
    """Where, what stands there, and what to do: ``row 17  C17  count  "1.5"  Write a whole number …``."""
    value = printable(problem.value)
    value = f'"{value if len(value) <= _VALUE else value[: _VALUE - 1] + "…"}"' if problem.value else ""
    where = "  ".join(filter(None, (f"row {problem.row}", problem.cell, problem.column, value)))
    return _wrapped(f"{where}  {printable(problem.message)}", width, first="  ", others="      ")


def _rest(groups: dict[str, list[Problem]], shown: dict[str, list[Problem]], width: int) -> list[str]:
    """A blank line, how many are not shown, of which kinds nothing is, and where all of them are to be had."""
    count = sum(map(len, groups.values())) - sum(map(len, shown.values()))
    unseen = [f"{code} ({len(problems)})" for code, problems in groups.items() if code not in shown]
    among = f", among them {', '.join(unseen)}" if unseen else ""
    return ["", *_wrapped(f"{count} more{among}. --out DIR writes all of them to DIR/problems.csv, --json prints them.", width)]


def _remarks(kind: str, remarks: tuple[str, ...], width: int) -> list[str]:
    lines = [line for remark in remarks[:_REMARKS] for line in _wrapped(f"{kind}: {printable(remark)}", width, others="    ")]
    rest = len(remarks) - _REMARKS
    return [*lines, f"{kind}: {rest} more."] if rest > 0 else lines


def _wrapped(text: str, width: int, *, first: str = "", others: str = "") -> list[str]:
    return textwrap.wrap(text, max(width, 40), initial_indent=first, subsequent_indent=others)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
