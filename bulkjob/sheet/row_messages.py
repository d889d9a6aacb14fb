"""The sentences about single rows and cells: what is wrong, and what to do about it."""

# ruff: noqa: D103  # each function is the sentence that it returns

from collections.abc import Sequence

from bulkjob.phrases import listed, quoted, rows_listed
from bulkjob.sheet.values import ABOUT_UNIT
from bulkjob.vocabulary import Code

_RETYPE = "Format the cell as Text in the spreadsheet program and type the value again."

#: What a cell of a column that is read is called that is not what people typed, and the remedy.
_ODD_CELLS = {
    Code.BAD_VALUE: (
        'The cell has the account\'s token or a password in it, which is shown as "***" and sent to no place in Rocket.Chat. '
        "Write what was meant; if others have seen the sheet, have the token or password replaced."
    ),
    Code.EXCEL_DATE: "The spreadsheet program has turned this cell into a date or time ({value}). " + _RETYPE,
    Code.EXCEL_ERROR: "The cell shows the error {value} instead of a value. Correct its formula, or type the value itself.",
    Code.EXCEL_NUMBER: "The spreadsheet program has turned this cell into a number and lost digits of it ({value}). " + _RETYPE,
    Code.EXCEL_FORMULA: "The cell holds a formula whose result is not stored in the file ({value}). "
    "Open the file in a spreadsheet program, let it calculate and save it, or type the value itself.",
}


def odd_cell(code: Code, value: str) -> str:
    return _ODD_CELLS[code].format(value=quoted(value)[1:-1])


def too_short(cells: int, headers: int) -> str:
    return (
        f"The row has {cells} cell{'s' if cells != 1 else ''} where the headers have {headers}. "
        "Find out which one is missing and put it in, blank if need be (in a CSV file: one more separator)."
    )


def beyond(value: str) -> str:
    return (
        f"There is something right of the last header ({quoted(value)}). "
        "If it belongs to a column, give that column a header. If cells have slipped to the right, move them back; in a CSV file, a cell "
        "that holds the separator must stand in quotation marks. Else delete it."
    )


MISSING_DEPARTMENT = "The row does not say which department it is about. Fill in the department, or delete the row."
_NO_COLUMN = "the sheet has no department column"


def missing_department(needing: Sequence[str], *, about_unit: bool, has_column: bool) -> str:
    """``needing``: the columns with a value that belongs to a department; ``about_unit``: without them the row could do without one."""
    if not has_column and needing:
        return f"The row has a value in {listed(needing)}, but {_NO_COLUMN}. Add one and fill it in, or clear {_them(needing)}."
    if not has_column:
        return (
            f"As {_NO_COLUMN}, a row needs a value in {_or(ABOUT_UNIT)}. Fill in one of them, or delete the row; "
            "to say something about departments, add the column."
        )
    if about_unit:
        return (
            f"The row has a value in {listed(needing)}, but does not say which department it is about. Fill in the department; "
            f"if the row is about the unit only, clear {_them(needing)}."
        )
    return MISSING_DEPARTMENT


NOTHING_TO_DO = "The row names neither a unit nor an agent, so there is nothing to do. Fill in one of them, or delete the row."
NOTHING_AT_ALL = (
    "The row names neither a unit nor an agent, and no other column says what is to change, so there is nothing to do. "
    "Fill in what is to change, or delete the row."
)


def only_at_sign(column: str) -> str:
    return f"The {column} is only an @ without a name. Type the username, or clear the cell."


def _them(columns: Sequence[str]) -> str:
    return "it" if len(columns) == 1 else "them"


def _or(columns: Sequence[str]) -> str:
    return " or ".join((", ".join(columns[:-1]), columns[-1]))


def bad_number(column: str, value: str) -> str:
    return f"{quoted(value)} cannot be the {column}. Write a whole number from 0 to 2147483647 in plain digits, or leave the cell blank."


def bad_action(value: str) -> str:
    return f"{quoted(value)} is not an action. Write add or remove, or leave it blank (which means add)."


def agent_needed(columns: Sequence[str], *, monitors: bool) -> str:
    """``monitors``: the sheet has a column for them, of whom an action can be, too."""
    if monitors and list(columns) == ["action"]:
        return "The row has an action, but no agent and no unit monitor. Fill in one of them, or clear the action."
    given = listed(f"{_article(column)} {column}" for column in columns)
    return f"The row has {given} but no agent. Fill in the agent, or clear the {listed(columns)}."


def _article(column: str) -> str:
    return "an" if column[0] in "aeiou" else "a"


def unit_needed(columns: Sequence[str], *, leaves: bool) -> str:
    """``leaves``: the row's unit is ``-``."""
    if leaves:
        return (
            f"The row has a value in {listed(columns)}, but its unit is - (no unit). Write the unit that {_is_or_are(columns)} about, "
            f"or clear {_them(columns)}; a department is taken out of its unit in a row of its own."
        )
    return (
        f"The row has a value in {listed(columns)}, but does not say which unit it is about. Fill in the unit, or clear {_them(columns)}."
    )


def _is_or_are(columns: Sequence[str]) -> str:
    return "this is" if len(columns) == 1 else "these are"


_YES_OR_NO = "yes or no (true or false, and 1 or 0, are read the same way)"
#: What a column takes, as a sentence says it; all others take any text but dashes alone.
_TAKES = {
    "unit visibility": "public or private",
    "department enabled": _YES_OR_NO,
    "department show on registration": _YES_OR_NO,
    "department show on offline form": _YES_OR_NO,
    "department email": "one address, with one @ and something on both sides of it, like sales@example.com",
}


def bad_value(column: str, value: str) -> str:
    if column in _TAKES:
        return f"{quoted(value)} does not fit in {column}. Write {_TAKES[column]}, or leave the cell blank (then it stays as it is)."
    return f"{quoted(value)} is only dashes, which would look like no name. Write a name, or leave {column} blank (then it stays as it is)."


def conflicting_unit(department: str, units: Sequence[str], rows: Sequence[int]) -> str:
    named = [quoted(unit) if unit != "-" else "- (no unit)" for unit in units[:5]]
    more = f" and {len(units) - 5} more" if len(units) > 5 else ""  # as many as are named above
    return (
        f"A department can be in one unit only, but {rows_listed(rows)} ask for different ones for {quoted(department)}: "
        f"{', '.join(named)}{more}. Keep one of them in all these rows."
    )


def conflicting_agent(agent: str, department: str, column: str, values: Sequence[str], rows: Sequence[int]) -> str:
    return (
        f"{rows_listed(rows).capitalize()} ask for different things for agent {quoted(agent)} in department {quoted(department)}: "
        f"{column} {' or '.join(values[:5])}. Keep one of these rows, or make them agree."
    )


#: So many values are named in a sentence.
_MOST_VALUES = 5


def conflicting_monitor(monitor: str, unit: str, rows: Sequence[int]) -> str:
    """``monitor`` and ``unit`` as a sentence names them: in quotation marks, or by name and id."""
    return (
        f"{rows_listed(rows).capitalize()} both add and remove {monitor} as a monitor of unit {unit} (in a row with an agent, the "
        "action is about the agent, and the monitor is added). Keep one of these rows, or make them agree."
    )


def conflicting_value(thing: str, column: str, values: Sequence[str | bool], rows: Sequence[int]) -> str:
    """``thing`` as a sentence names it (``department "Sales"``), ``values`` each once, as `value_of` has them."""
    shown = [_shown(value) for value in values[:_MOST_VALUES]]
    more = f" and {len(values) - _MOST_VALUES:,} more" if len(values) > _MOST_VALUES else ""
    alike = " (which differ in blanks, in line ends, or further on than is shown here)" if len(set(shown)) < len(shown) else ""
    return (
        f"{rows_listed(rows).capitalize()} ask for different values of {column} for {thing}: {', '.join(shown)}{more}{alike}. "
        "Keep one of them in all these rows."
    )


def _shown(value: str | bool) -> str:  # noqa: FBT001  # what a yes or no means
    if isinstance(value, bool):
        return "yes" if value else "no"
    return quoted(value) if value else "- (none)"
