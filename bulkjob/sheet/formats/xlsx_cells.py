"""What a cell of an `.xlsx` worksheet means, and a reader of the worksheet's XML: slower than `xlsx_at_once`, but sure whatever it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet import messages
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.bounds import LAST_ROW, LONGEST_CELL, MOST_COLUMNS
from bulkjob.sheet.formats.cells import Cells, Surroundings
from bulkjob.sheet.formats.numbers import iso_date, iso_text, number_of, plain, shown
from bulkjob.sheet.text import column_index, column_letter
from bulkjob.vocabulary import Code, Exit, Stop

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLACE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_AREA = re.compile(rf"{_PLACE.pattern}(?::{_PLACE.pattern})?")
_YES = ("1", "true", "on")
_BOOLEANS = {**dict.fromkeys(_YES, "TRUE"), **dict.fromkeys(("0", "false", "off"), "FALSE")}
#: What a row's and a cell's elements stand in; one that stands elsewhere would be passed over, whatever a program shows of it.
_STANDS_IN = {"row": ("sheetData",), "c": ("row",), "v": ("c",), "is": ("c",), "t": ("is", "r", "rPh")}
#: A cell of one of these kinds shows its own text, though it should not say so with this kind.
_MAY_BE_TEXT = ("", "n", "str", "inlineStr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How cells of one style show a number."""

    code: str = ""
    is_date: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell as the XML has it, unescaped."""

    row: int
    column: int
    kind: str
    style: str
    value: str | None
    """None where the cell has no element for it, which is less than an empty one."""
    formula: str | None
    """None where the cell has none."""


PLAIN_STYLE = Style()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workbook:
    """What the cells of all worksheets share."""

    strings: pa.Array
    """Blank ones as nothing."""
    sizes: npt.NDArray[np.int64]
    """Of each string, in bytes."""
    styles: Sequence[Style]
    from_1904: bool
    is_uncalculated: bool
    """Whether a program has written it that calculates nothing: a formula's 0 only keeps the place of its result."""

    @classmethod
    def of(cls, strings: pa.Array, styles: Sequence[Style], *, from_1904: bool, is_uncalculated: bool) -> "Workbook":
        """The workbook with these strings and styles."""
        sizes = np.asarray(pc.binary_length(strings)).astype(np.int64)
        return cls(strings=strings, sizes=sizes, styles=styles, from_1904=from_1904, is_uncalculated=is_uncalculated)

    def put(self, cells: Cells, cell: Cell) -> None:
        """Keeps one cell as people saw it; raises `ValueError` or `LookupError` for a value that its kind cannot have."""
        kind, value = cell.kind, cell.value
        if cell.formula is not None and self._lacks_result(kind, value):
            cells.put(cell.row, cell.column, f"={cell.formula}", code=Code.EXCEL_FORMULA)
        elif value is None or not value.strip():
            return
        elif kind == "s":
            index = _index(value.strip())
            cells.expect_text(int(self.sizes[index]))
            cells.put(cell.row, cell.column, self.strings[index].as_py())
        elif kind in ("str", "inlineStr"):
            cells.put(cell.row, cell.column, unescaped_units(value))
        elif kind == "b":
            self._put_boolean(cells, cell, value.strip())
        elif kind == "e":
            cells.put(cell.row, cell.column, value.strip(), code=Code.EXCEL_ERROR)
        elif kind == "d":
            cells.put(cell.row, cell.column, iso_text(value.strip()), code=Code.EXCEL_DATE)
        elif kind in ("", "n"):
            self._put_number(cells, cell, value.strip())
        else:
            raise ValueError(kind)

    def _lacks_result(self, kind: str, value: str | None) -> bool:
        """Whether a formula's value is none."""
        if value is None or not value.strip():
            return value is None or kind != "str"
        return self.is_uncalculated and kind in ("", "n") and value.strip() == "0"

    def _put_boolean(self, cells: Cells, cell: Cell, value: str) -> None:
        text = _BOOLEANS.get(value.lower())
        # What is neither is no value, as little as an error is.
        cells.put(cell.row, cell.column, text or value, code=None if text else Code.EXCEL_ERROR)

    def _put_number(self, cells: Cells, cell: Cell, value: str) -> None:
        number = number_of(value)
        if number is None:
            cells.put(cell.row, cell.column, value, code=Code.EXCEL_ERROR)
            return
        style = self.style(cell.style)
        if style.is_date:
            cells.put(cell.row, cell.column, iso_date(number, from_1904=self.from_1904), code=Code.EXCEL_DATE)
            return
        cells.expect_format(len(style.code))
        text, lost = shown(number, style.code)
        cells.put(cell.row, cell.column, text, code=Code.EXCEL_NUMBER if lost else None, exact=plain(number))

    def style(self, index: str) -> Style:
        """The style that a cell refers to; cells without one, or with one that the workbook lacks, are plain."""
        text = index.strip()
        known = text.isascii() and text.isdigit() and len(text) <= 9 and int(text) < len(self.styles)
        return self.styles[int(text)] if known else PLAIN_STYLE


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise ValueError(text[:40])
    return int(text)


def unescaped_units(text: str) -> str:
    """The text with ``_x000D_`` and the like turned into the characters they stand for."""
    if "_x" not in text:
        return text
    units = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class XmlReader:
    """Reads a worksheet by callbacks of a parser. Rows and cells may lack their numbers: then each follows the one before.

    Raises `Stop` where it is not certain in which row or column a cell belongs.
    """

    def __init__(self, cells: Cells, around: Surroundings, workbook: Workbook) -> None:
        self._cells = cells
        self._around = around
        self._workbook = workbook
        self._rows = 0
        self._row = 0
        self._row_is_certain = False
        self._column = -1
        self._inside: list[str] = []
        self._extension = 0
        """How deep in one that other programs may pass over."""
        self._cell: Mapping[str, str] = {}
        self._texts: dict[str, list[str]] = {}
        self._length = 0
        self._has_stray_text = False

    def read(self, archive: Archive, part: str) -> None:
        """Keeps the cells of a whole part of the archive."""
        archive.walk(archive.chunks(part), self.start, self.end, self.text)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        parent = self._inside[-1] if self._inside else ""
        self._inside.append(tag)
        if self._extension or tag == "extLst":
            self._extension += 1
        elif tag == "c" and parent == "row":
            self._start_cell(attributes)
        elif tag in ("v", "f", "is") and parent == "c":
            if tag != "f" and tag in self._texts:
                raise Stop(Exit.BAD_SHEET, messages.cell_twice(self._cells.name))
            self._texts[tag] = []
        elif parent not in _STANDS_IN.get(tag, (parent,)) and "sheetData" in self._inside:
            raise self._uncertain(f"a cell near row {self._row}" if tag in ("row", "c") else "")
        elif tag == "row" and parent == "sheetData":
            self._start_row(attributes)
        elif tag == "col" and attributes.get("hidden") in _YES:
            self._around.hide_columns(int(attributes["min"]) - 1, int(attributes["max"]) - 1)
        elif tag == "mergeCell":
            self._merge(attributes.get("ref", ""))

    def _uncertain(self, what: str = "") -> Stop:
        """The end of a job where nobody can say what the cell shows, or ``what``."""
        return Stop(Exit.BAD_SHEET, messages.uncertain_value(self._cells.name, what or f"cell {column_letter(self._column)}{self._row}"))

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        number = attributes.get("r")
        if number is not None and not (number.strip().isdecimal() and 1 <= int(number) <= LAST_ROW):
            raise Stop(Exit.BAD_SHEET, messages.bad_reference(self._cells.name, number))
        self._rows += 1
        if self._rows > LAST_ROW:
            raise Stop(Exit.BAD_SHEET, messages.too_many_row_elements(self._cells.name, LAST_ROW))
        self._row = self._row + 1 if number is None else int(number)
        self._row_is_certain = number is not None
        self._column = -1
        if attributes.get("hidden") in _YES:
            self._around.hidden_rows.append((self._row, self._row))

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._cell, self._texts, self._length, self._has_stray_text = attributes, {}, 0, False
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
        else:
            place = _PLACE.fullmatch(reference.strip())
            row, column = (int(place[2]), column_index(place[1].upper())) if place else (0, 0)
            if not place or (self._row_is_certain and row != self._row):
                raise Stop(Exit.BAD_SHEET, messages.bad_reference(self._cells.name, reference))
            self._row, self._row_is_certain, self._column = row, True, column
        if not (self._column < MOST_COLUMNS and 1 <= self._row <= LAST_ROW):
            raise Stop(Exit.BAD_SHEET, messages.bad_reference(self._cells.name, reference or ""))

    def _merge(self, reference: str) -> None:
        area = _AREA.fullmatch(reference.strip())
        if area and area[3]:
            self._around.merges.add((int(area[2]), int(area[4])), (column_index(area[1].upper()), column_index(area[3].upper())))

    def text(self, characters: str) -> None:
        """Text of the element that is open."""
        tag = "" if self._extension else self._inside[-1]
        if tag in ("v", "f"):
            texts = self._texts.get(tag)
        elif tag == "t" and "rPh" not in self._inside:
            # Phonetic readings (rPh) stand beside the text, not in it.
            texts = self._texts.get("is")
        else:
            texts = None
            self._has_stray_text |= tag in ("c", "is", "r") and bool(characters.strip())
        if texts is not None:
            texts.append(characters)
            self._length += len(characters)
            if self._length > 2 * LONGEST_CELL:
                raise Stop(Exit.BAD_SHEET, messages.cell_too_long(self._cells.name, LONGEST_CELL))

    def end(self, tag: str) -> None:
        """An element ends."""
        self._inside.pop()
        if self._extension:
            self._extension -= 1
            return
        if tag != "c" or self._inside[-1:] != ["row"]:
            return
        kind, value = self._kind_and_value()
        formula = self._texts.get("f")
        if value is not None or formula is not None:
            self._workbook.put(
                self._cells,
                Cell(
                    row=self._row,
                    column=self._column,
                    kind=kind,
                    style=self._cell.get("s", ""),
                    value=value,
                    formula=None if formula is None else "".join(formula),
                ),
            )
        self._cell, self._texts = {}, {}

    def _kind_and_value(self) -> tuple[str, str | None]:
        """The cell's kind and what it holds as such; raises `Stop` where that is not certain."""
        kind = self._cell.get("t", "").strip()
        value, own = ("".join(self._texts[tag]) if tag in self._texts else None for tag in ("v", "is"))
        if value and value.strip() and own and own.strip() and value != own:
            raise Stop(Exit.BAD_SHEET, messages.cell_twice(self._cells.name))
        if own is not None and own.strip():
            if kind not in _MAY_BE_TEXT:
                raise self._uncertain()
            return "inlineStr", own
        if self._has_stray_text and "f" not in self._texts and not (value and value.strip()):
            raise self._uncertain()
        return kind, own if value is None else value
