"""The columns about departments and units themselves: what is written for a value that is stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bulkjob.changes import DepartmentField, UnitField
from bulkjob.export.texts import Value, as_read
from bulkjob.records import DEPARTMENT_COLUMNS, UNIT_COLUMNS, Department, Unit
from bulkjob.sheet import stripped
from bulkjob.vocabulary import NO_UNIT

#: In the column ``department description``: there is none.
_NO_DESCRIPTION: Final = NO_UNIT


#: A thing's present name stands in the column that names it.
_NEW_NAMES: Final = frozenset({"new department name", "new unit name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a sheet says of one thing's fields."""

    cells: Mapping[str, str]
    """Column → text, without those that are left blank."""
    blank: Sequence[tuple[str, str]]
    """(column, value) of what is stored and left blank, because a run would refuse every text for it, or read it otherwise."""


class FieldTexts:
    """The texts for the fields of many things; what becomes of them is asked once for all."""

    def __init__(self, departments: Iterable[Department], units: Iterable[Unit]) -> None:
        texts: dict[str, set[str]] = {}
        for values in (*map(_of_department, departments), *map(_of_unit, units)):
            for column, value in values.items():
                texts.setdefault(column, set()).add(_text(column, value))
        self._read = {column: as_read(column, known) for column, known in texts.items()}

    def of_department(self, department: Department) -> Written:
        """The cells of a department's first row."""
        return self._written(_of_department(department))

    def of_unit(self, unit: Unit) -> Written:
        """The cells of each of a unit's rows."""
        return self._written(_of_unit(unit))

    def _written(self, values: Mapping[str, Value]) -> Written:
        texts = {column: _text(column, value) for column, value in values.items()}
        cells = {column: text for column, text in texts.items() if self._comes_back(column, text, values[column])}
        return Written(cells=cells, blank=[(column, str(value)) for column, value in values.items() if column not in cells])

    def _comes_back(self, column: str, text: str, value: Value) -> bool:
        """Whether whoever reads the text finds that the value is so already."""
        meant = self._read[column].get(text)
        if meant is None:
            return False
        if column in UNIT_COLUMNS:
            return UnitField(unit_id="", field=UNIT_COLUMNS[column], value=meant, rows=()).is_so(value)
        return DepartmentField(department_id="", field=DEPARTMENT_COLUMNS[column], value=meant, rows=()).is_so(value)


def _of_department(department: Department) -> Mapping[str, Value]:
    """What is stored, by column; a description that was never stored is as good as empty."""
    fields = {"description": "", **department.fields}
    pairs = ((column, fields.get(field)) for column, field in DEPARTMENT_COLUMNS.items() if column not in _NEW_NAMES)
    return {column: value for column, value in pairs if isinstance(value, Value)}


def _of_unit(unit: Unit) -> Mapping[str, Value]:
    return {} if unit.visibility is None else {"unit visibility": unit.visibility}


def _text(column: str, value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return stripped(value) or (_NO_DESCRIPTION if column == "department description" else "")
