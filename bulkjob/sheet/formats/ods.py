"""`.ods` into a `Grid`, straight from the document's XML, which keeps for each cell both its value and what people saw."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bulkjob.sheet import messages
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.bounds import LAST_ROW, LONGEST_CELL, MOST_COLUMNS
from bulkjob.sheet.formats.cells import Cells, Surroundings
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.formats.markup import OtherXmlError
from bulkjob.sheet.formats.numbers import iso_text, lost_digits, number_of, plain
from bulkjob.sheet.formats.ods_at_once import Rows, rows_apart
from bulkjob.sheet.formats.worksheets import Worksheet, chosen
from bulkjob.sheet.text import stripped
from bulkjob.vocabulary import Code, Exit, Stop

_CONTENT = "content.xml"
_DURATION = re.compile(r"PT([0-9]{1,6})H([0-9]{2})M([0-9]{2}(?:[.,][0-9]+)?)S")
#: What a column that is too narrow shows instead of a number, and a number with an exponent, which people did not type.
_NOT_AS_TYPED = re.compile(r"\s*(?:#+|[-+]?[0-9]+(?:[.,][0-9]*)?E[-+]?[0-9]+)\s*")
_CELLS = ("table-cell", "covered-table-cell")
_HIDDEN = ("collapse", "filter")
#: What lies in a cell's paragraphs without being its text.
_NOT_SHOWN = frozenset(("annotation", "frame", "ruby-text"))
_NUMERIC = ("float", "percentage", "currency")
_BOOLEANS = {"true": "TRUE", "false": "FALSE"}


def read_ods(archive: Archive, *, sheet_name: str | None, max_rows: int) -> Grid:
    """The chosen worksheet's rows as text; raises `Stop` where there are none to read."""
    if "META-INF/manifest.xml" in archive and b"encryption-data" in archive.whole("META-INF/manifest.xml"):
        raise Stop(Exit.BAD_SHEET, messages.encrypted(archive.name))
    try:
        try:
            sheet, notes, table = _read(archive, sheet_name, max_rows, at_once=True)
        except (OtherXmlError, Stop):
            # Without its rows, a document with tables in tables looks damaged; whether it is, and what else is wrong, the parser says.
            sheet, notes, table = _read(archive, sheet_name, max_rows, at_once=False)
    except (ValueError, OverflowError):
        # A number of columns or rows that is none.
        raise archive.damaged() from None
    return table.cells.grid(sheet.name, notes, table.around)


def _read(archive: Archive, sheet_name: str | None, max_rows: int, *, at_once: bool) -> tuple[Worksheet, tuple[str, ...], "_Table"]:
    """The chosen worksheet, notes and its cells; raises `OtherXmlError` where they are not certain to be right at once."""

    def parts(keep: Callable[[bytes], None]) -> Iterator[bytes]:
        return rows_apart(archive.chunks(_CONTENT), keep) if at_once else archive.chunks(_CONTENT)

    outline = _Outline()
    archive.walk(parts(lambda _: None), outline.start, outline.end, outline.text)
    sheet, notes = chosen(outline.worksheets(), sheet_name, archive.name)
    table = _Table(archive, max_rows, int(sheet.part))
    archive.walk(parts(lambda rows: table.keep_rows(archive, rows)), table.start, table.end, table.text)
    return sheet, notes, table


class _Outline:
    """The document's tables and whether they are hidden: a style says so."""

    def __init__(self) -> None:
        self._style = ""
        self._hidden_styles: set[str] = set()
        self._tables: list[tuple[str, str]] = []
        self._depth = 0

    def start(self, tag: str, raw: Mapping[str, str]) -> None:
        if tag == "style":
            self._style = _own(raw).get("name", "")
        elif tag == "table-properties" and _own(raw).get("display") == "false":
            self._hidden_styles.add(self._style)
        elif tag == "table":
            self._depth += 1
            if self._depth == 1:
                attributes = _own(raw)
                self._tables.append((attributes.get("name", ""), attributes.get("style-name", "")))

    def end(self, tag: str) -> None:
        if tag == "table":
            self._depth -= 1

    def text(self, characters: str) -> None:
        """Text does not matter here."""

    def worksheets(self) -> list[Worksheet]:
        return [
            Worksheet(name=name, part=str(index), hidden=style in self._hidden_styles) for index, (name, style) in enumerate(self._tables)
        ]


class _Cell:
    """A cell while its element is open."""

    def __init__(self, attributes: Mapping[str, str], name: str) -> None:
        self.attributes = attributes
        self._name = name
        self._inside: list[str] = []
        self._pieces: list[str] = []
        self._length = 0
        self._paragraphs = 0

    @property
    def text(self) -> str:
        """What the cell shows."""
        return "".join(self._pieces)

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element within the cell begins."""
        self._inside.append(tag)
        if not self._is_own():
            return
        if tag == "p":
            self._paragraphs += 1
            self.add("\n" if self._paragraphs > 1 else "")
        elif tag == "s":
            self.add(" " * min(int(attributes.get("c", "1")), LONGEST_CELL))
        elif tag in ("tab", "line-break"):
            self.add("\t" if tag == "tab" else "\n")

    def end(self) -> bool:
        """An element ends; returns whether that is the cell's own."""
        if not self._inside:
            return True
        self._inside.pop()
        return False

    def add(self, characters: str) -> None:
        """More text."""
        if characters and self._is_own():
            self._pieces.append(characters)
            self._length += len(characters)
            if self._length > LONGEST_CELL:
                raise Stop(Exit.BAD_SHEET, messages.cell_too_long(self._name, LONGEST_CELL))

    def _is_own(self) -> bool:
        """Whether what comes now is the cell's text, not a comment's or a drawing's."""
        return self._inside[:1] == ["p"] and not _NOT_SHOWN & set(self._inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A cell that is not blank, with its place in the row."""

    column: int
    repeat: int
    rows: int
    """Over how many rows it is merged."""
    text: str
    code: Code | None
    exact: str | None


class _Table:
    """The cells of one table of the document."""

    def __init__(self, archive: Archive, max_rows: int, index: int) -> None:
        self._name = archive.name
        self.cells = Cells(archive.name, max_rows, archive.size)
        self.around = Surroundings(archive.name)
        self._index = index
        self._seen = -1
        self._depth = 0
        self._row = 0
        self._row_repeat = 1
        self._column = 0
        self._hidden = False
        self._grid_column = 0
        self._cell: _Cell | None = None
        self._cell_tag = ""
        self._row_cells: list[_Placed] = []

    def start(self, tag: str, raw: Mapping[str, str]) -> None:
        """An element begins."""
        if self._cell is not None:
            self._cell.start(tag, _own(raw))
        elif tag == "table":
            self._depth += 1
            self._seen += self._depth == 1
        elif self._depth != 1 or self._seen != self._index:
            return
        elif tag in _CELLS:
            self._cell, self._cell_tag = _Cell(_own(raw), self._name), tag
        elif tag == "table-row":
            attributes = _own(raw)
            self._row_repeat = _repeated(attributes, "number-rows-repeated")
            self._hidden = attributes.get("visibility") in _HIDDEN
            self._column = 0
            self._row_cells = []
        elif tag == "table-column":
            attributes = _own(raw)
            repeat = _repeated(attributes, "number-columns-repeated")
            if attributes.get("visibility") in _HIDDEN:
                self.around.hide_columns(self._grid_column, self._grid_column + repeat - 1)
            self._grid_column += repeat

    def text(self, characters: str) -> None:
        """Text of the element that is open."""
        if self._cell is not None:
            self._cell.add(characters)

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._cell is not None:
            if self._cell.end():
                repeat = _repeated(self._cell.attributes, "number-columns-repeated")
                if self._cell_tag == "table-cell":
                    self._keep(self._cell, repeat)
                self._column += repeat
                self._cell = None
        elif tag == "table":
            self._depth -= 1
        elif tag == "table-row" and self._depth == 1 and self._seen == self._index:
            self._end_row()

    def keep_rows(self, archive: Archive, data: bytes) -> None:
        """Keeps the cells of some whole rows, which stand where the parser is now."""
        if self._depth != 1 or self._seen != self._index or self._cell is not None:
            return
        rows = Rows.of(data, self._row)
        for number, row in rows.keep(self.cells):
            self._row = number - 1
            archive.walk(iter((row,)), self.start, self.end, self.text)
        self.around.hidden_rows += rows.hidden()
        self._row = int(rows.lasts[-1])

    def _end_row(self) -> None:
        first = self._row + 1
        self._row += self._row_repeat
        if not self._row_cells:
            return
        if self._hidden:
            self.around.hidden_rows.append((first, self._row))
        for cell in self._row_cells:
            columns = range(cell.column, cell.column + cell.repeat)
            self.cells.repeat(range(first, self._row + 1), columns, cell.text, code=cell.code, exact=cell.exact)
            if cell.rows > 1:
                # All rows that this one stands for show the same, so that one area does for those of each.
                self.around.merges.add((first, min(self._row, LAST_ROW) + cell.rows - 1), (cell.column, cell.column))

    def _keep(self, cell: _Cell, repeat: int) -> None:
        text, code, exact = _seen_as(cell)
        if stripped(text):
            if self._column + repeat > MOST_COLUMNS:
                raise Stop(Exit.BAD_SHEET, messages.too_many_columns(self._name, MOST_COLUMNS))
            rows = int(cell.attributes.get("number-rows-spanned", "1"))
            self._row_cells.append(_Placed(column=self._column, repeat=repeat, rows=rows, text=text, code=code, exact=exact))


def _own(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes by their names without prefix, leaving out those of LibreOffice's that only repeat others in another way."""
    return {key.rpartition(":")[2]: value for key, value in attributes.items() if not key.startswith(("calcext:", "loext:"))}


def _repeated(attributes: Mapping[str, str], name: str) -> int:
    return max(1, int(attributes.get(name, "1")))


def _seen_as(cell: _Cell) -> tuple[str, Code | None, str | None]:
    """What people saw, why it is odd, and the number itself."""
    attributes = cell.attributes
    text = cell.text
    kind = attributes.get("value-type")
    formula = attributes.get("formula")
    if formula is not None and kind is None and not text:
        return formula.removeprefix("of:"), Code.EXCEL_FORMULA, None
    if kind == "date":
        return iso_text(attributes.get("date-value", text)), Code.EXCEL_DATE, None
    if kind == "time":
        return _time(attributes.get("time-value", "")) or text, Code.EXCEL_DATE, None
    if kind in _NUMERIC and "value" in attributes:
        return _number_seen(attributes["value"], text)
    if kind == "boolean":
        value = attributes.get("boolean-value", "")
        # What is neither is no value, as little as an error is.
        return (_BOOLEANS[value], None, None) if value in _BOOLEANS else (text or value, Code.EXCEL_ERROR, None)
    # An error is a text like any other here; `checks` knows those of every program.
    return text or attributes.get("string-value", ""), None, None


def _number_seen(value: str, text: str) -> tuple[str, Code | None, str | None]:
    """The same of a number, whose cell shows ``text``."""
    number = number_of(value)
    if number is None:
        return text or value, Code.EXCEL_ERROR, None
    exact = plain(number)
    seen = text if stripped(text) and not _NOT_AS_TYPED.fullmatch(text) else exact
    return seen, Code.EXCEL_NUMBER if lost_digits(number) else None, exact


def _time(duration: str) -> str:
    """The time of day, or the hours beyond one, in ISO 8601 to whole seconds; blank for what is none."""
    parts = _DURATION.fullmatch(duration)
    if parts is None:
        return ""
    seconds = int(parts[1]) * 3600 + int(parts[2]) * 60 + round(float(parts[3].replace(",", ".")))
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
