"""What becomes of a text in a cell of a sheet: asked of the sheet's own check."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from bulkjob.records import DEPARTMENT_COLUMNS, UNIT_COLUMNS, Assignment
from bulkjob.sheet import check, column_letter, sheet_of_texts, stripped
from bulkjob.vocabulary import NO_UNIT

#: In UTF-16 units, as Excel counts them.
_LONGEST_CELL: Final = 32_767


#: Control characters, half surrogate pairs and non-characters: no file holds all of these, or nobody sees them.
_UNSTORABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


#: Those of them that people type within a description.
_BREAKS: Final = re.compile("[\t\n\r]")


#: What a cell of a column can mean, and what a field can hold.
Value = str | bool


def as_read(column: str, texts: Iterable[str]) -> Mapping[str, Value]:
    """What each text means in a cell of this column; those that no cell holds, or that make a row invalid, are absent.

    A probe: a sheet with a row for each of them, and the sheet's own check.
    """
    breaks = column == "department description"
    fitting = [text for text in texts if _fits_a_cell(text, breaks=breaks)]
    if not fitting:
        return {}
    rows = [_row(column, number, text) for number, text in enumerate(fitting)]
    headers = tuple(rows[0])
    sheet = sheet_of_texts(
        [[row[name] for row in rows] for name in headers],
        rows=range(len(rows)),
        positions={name: position for position, name in enumerate(headers)},
        headers=headers,
        letters=tuple(map(column_letter, range(len(headers)))),
        name="",
    )
    return {fitting[assignment.row]: _MEANING[column](assignment) for assignment in check(sheet).assignments}


def _row(column: str, number: int, text: str) -> Mapping[str, str]:
    """A row that is valid if the text is; another one than those of the other texts."""
    if column == "unit monitor" or column in UNIT_COLUMNS:
        return {"unit": str(number), column: text}
    if column in DEPARTMENT_COLUMNS:
        return {"department": str(number), column: text}
    return {"department": str(number), "unit": NO_UNIT, column: text}


def _value_of_department(assignment: Assignment) -> Value:
    return assignment.department_fields[0][1]


def _value_of_unit(assignment: Assignment) -> Value:
    return assignment.unit_fields[0][1]


_MEANING: Final[Mapping[str, Callable[[Assignment], Value]]] = {
    "department": lambda row: row.department,
    "unit": lambda row: row.unit,
    "agent": lambda row: row.agent,
    "unit monitor": lambda row: row.monitor,
    **dict.fromkeys(DEPARTMENT_COLUMNS, _value_of_department),
    **dict.fromkeys(UNIT_COLUMNS, _value_of_unit),
}


def _fits_a_cell(text: str, *, breaks: bool) -> bool:
    """Whether CSV files and workbooks give the text back as it is; ``breaks``: it may have line ends and tabs within."""
    # What is between these two tags would get into a workbook as it is, not as text (xlsxwriter, sharedstrings.py).
    is_markup = text.startswith("<r>") and text.endswith("</r>")
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    unstorable = _UNSTORABLE.search(_BREAKS.sub("", text) if breaks else text)
    return bool(text) and text == stripped(text) and length <= _LONGEST_CELL and not is_markup and not unstorable
