"""`.xlsx` into a `Grid`, straight from the worksheet's XML.

Libraries that are fast lose what matters here: whether a cell is an error or empty, whether a formula has a result,
how a number was shown; and two far corners can make them ask for a terabyte. So the cells are found by one expression
over the XML as spreadsheet programs write it (`_as_written`); where a chunk of it looks any different, the worksheet is
read again by an XML parser (`_as_xml`), to the same cells.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname, join, normpath

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]

from bulkjob.sheet import messages
from bulkjob.sheet.formats.archive import Archive, attribute, children
from bulkjob.sheet.formats.cells import Cells, Integers, Merge, Surroundings
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.formats.numbers import PLAIN_WHOLE, format_code, is_date_format, iso_date, plain, shown
from bulkjob.sheet.formats.worksheets import Worksheet, chosen
from bulkjob.sheet.text import column_index, stripped_column
from bulkjob.vocabulary import Code, Exit, Stop

#: Letters, row, attributes, and either a plain value or all else that is in the cell; the most frequent shape comes first.
_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"([^<>/]*)(?:><v>([^<]*)</v></c>|/>|>(.*?)</c>)', re.DOTALL)
_ATTRIBUTES = re.compile(rb'(?: [A-Za-z:]+="[^"]*")* ?')
_INSIDE = re.compile(
    rb"(?:<f[^<>]*/>|<f(?: [^<>]*)?>(?P<formula>[^<]*)</f>)?"
    rb"(?:<v ?/>|<v(?: [^<>]*)?>(?P<value>[^<]*)</v>)?"
    rb"(?:<is>(?:<t ?/>|<t(?: [^<>]*)?>(?P<text>[^<]*)</t>)</is>)?"
)
_ATTRIBUTE = re.compile(rb' ([A-Za-z:]+)="([^"]*)"')
_ELEMENT = re.compile(rb'<(col|mergeCell)((?: [A-Za-z:]+="[^"]*")*) ?/?>')
_HIDDEN_ROW = re.compile(rb'<row [^>]*hidden="(?:1|true)"[^>]*>')
_ROW_NUMBER = re.compile(rb' r="([0-9]+)"')
_STRING = re.compile(rb"<si>(?:<t ?/>|<t(?: [^<>]*)?>([^<]*)</t>)</si>|<si ?/>")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?\Z")
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
#: Of XML, in bytes: a full row of 16,384 cells is shorter.
_LONGEST_ROW = 64 * 2**20


class _OtherXmlError(Exception):
    """The XML is not written the way the expressions read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """How cells of one style show a number."""

    code: str = ""
    is_date: bool = False


class _Around(Surroundings):
    """What the worksheet's elements say besides its cells."""

    def element(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Takes note of a ``col`` or ``mergeCell`` element."""
        if tag == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = int(attributes["min"]), int(attributes["max"])
            self.hidden_columns += range(first - 1, min(last, _LAST_COLUMN))
        elif tag == "mergeCell" and (area := _REFERENCE.match(attributes.get("ref", ""))) and area[3]:
            self.merges.append(Merge(column=column_index(area[1]), first_row=int(area[2]), last_row=int(area[4])))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workbook:
    """What the cells of all worksheets share."""

    strings: pa.Array
    """Blank ones as nothing."""
    styles: Sequence[_Style]
    from_1904: bool

    def put(self, cells: Cells, cell: "_Cell") -> None:
        """Keeps one cell as people saw it."""
        kind, value = cell.kind, cell.value
        if cell.formula is not None and (value is None or (value == "" and kind != "str")):
            cells.put(cell.row, cell.column, f"={cell.formula}", code=Code.EXCEL_FORMULA)
        elif value is None or value == "":
            return
        elif kind == "s":
            cells.put(cell.row, cell.column, self.strings[_index(value)].as_py())
        elif kind in ("str", "inlineStr"):
            cells.put(cell.row, cell.column, _unescaped(value))
        elif kind == "b":
            cells.put(cell.row, cell.column, "TRUE" if value.strip() in ("1", "true") else "FALSE")
        elif kind in _ODD_KINDS:
            cells.put(cell.row, cell.column, value, code=_ODD_KINDS[kind])
        else:
            self._put_number(cells, cell, float(value))

    def _put_number(self, cells: Cells, cell: "_Cell", number: float) -> None:
        style = self.style(cell.style)
        if style.is_date:
            cells.put(cell.row, cell.column, iso_date(number, from_1904=self.from_1904), code=Code.EXCEL_DATE)
            return
        text, lost = shown(number, style.code)
        cells.put(cell.row, cell.column, text, code=Code.EXCEL_NUMBER if lost else None, exact=plain(number))

    def style(self, index: str) -> _Style:
        """The style that a cell refers to; cells without one are plain."""
        return self.styles[_index(index)] if index and self.styles else _Style()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """A cell as the XML has it, unescaped."""

    row: int
    column: int
    kind: str
    style: str
    value: str | None
    formula: str | None
    """None where the cell has none."""


_ODD_KINDS = {"e": Code.EXCEL_ERROR, "d": Code.EXCEL_DATE}


def _index(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def read_xlsx(archive: Archive, *, sheet_name: str | None, max_rows: int) -> Grid:
    """The chosen worksheet's rows as text; raises `Stop` where there are none to read."""
    if "xl/workbook.bin" in archive:
        raise Stop(Exit.BAD_SHEET, messages.binary_workbook(archive.name))
    try:
        return _read(archive, sheet_name, max_rows)
    except (ValueError, IndexError, KeyError, OverflowError):
        # A number, a string or a style that the file refers to is not there.
        raise archive.damaged() from None


def _read(archive: Archive, sheet_name: str | None, max_rows: int) -> Grid:
    path = next((target for kind, target in _relations(archive, "").values() if kind == "officeDocument"), "xl/workbook.xml")
    relations = _relations(archive, path)
    parts = {kind: target for kind, target in relations.values() if kind in ("sharedStrings", "styles")}
    tree = archive.tree(path)
    properties = children(tree, "workbookPr")
    worksheets = [
        Worksheet(name=attribute(sheet, "name") or "", part=target, hidden=(attribute(sheet, "state") or "visible") != "visible")
        for sheet in children(tree, "sheets", "sheet")
        for kind, target in [relations.get(_relation_id(sheet.attrib), ("", ""))]
        if kind == "worksheet"
    ]
    sheet, notes = chosen(worksheets, sheet_name, archive.name)
    workbook = _Workbook(
        strings=_strings(archive, parts["sharedStrings"]) if parts.get("sharedStrings", "") in archive else pa.array([], pa.string()),
        styles=_styles(archive, parts["styles"]) if parts.get("styles", "") in archive else (),
        from_1904=bool(properties) and attribute(properties[0], "date1904") in ("1", "true"),
    )
    try:
        cells, around = _as_written(archive, sheet.part, workbook, max_rows)
    except _OtherXmlError:
        cells, around = _as_xml(archive, sheet.part, workbook, max_rows)
    return cells.grid(sheet.name, notes, around, last_possible_row=_LAST_ROW)


def _relation_id(attributes: Mapping[str, str]) -> str:
    return next((value for key, value in attributes.items() if key.startswith("{") and key.endswith("}id")), "")


def _relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """The part's relations: id → (kind, name of the other part)."""
    folder = dirname(part)
    path = join(folder, "_rels", f"{part.rpartition('/')[2]}.rels")
    if path not in archive:
        return {}
    return {
        attribute(relation, "Id") or "": (
            (attribute(relation, "Type") or "").rpartition("/")[2],
            normpath(join("/", folder, (attribute(relation, "Target") or "").replace("\\", "/"))).lstrip("/"),
        )
        for relation in children(archive.tree(path), "Relationship")
    }


def _styles(archive: Archive, part: str) -> list[_Style]:
    tree = archive.tree(part)
    custom = {int(attribute(item, "numFmtId") or 0): attribute(item, "formatCode") or "" for item in children(tree, "numFmts", "numFmt")}
    codes = [format_code(int(attribute(item, "numFmtId") or 0), custom) for item in children(tree, "cellXfs", "xf")]
    return [_Style(code="" if code.lower() in ("general", "@") else code, is_date=is_date_format(code)) for code in codes]


def _strings(archive: Archive, part: str) -> pa.Array:
    """The workbook's shared strings; blank ones as nothing."""
    data = b"".join(archive.chunks(part))
    found = _STRING.findall(data)
    if len(found) == data.count(b"<si>") + data.count(b"<si/>") + data.count(b"<si ") and _is_plain(data):
        strings = pa.array(found, pa.binary()).cast(pa.string())
        if b"&" in data or b"_x" in data:
            strings = pa.array([_unescaped(html.unescape(text)) for text in strings.to_pylist()], pa.string())
    else:
        strings = pa.array(_strings_of_any_xml(archive, data), pa.string())
    return pc.if_else(pc.equal(stripped_column(strings), ""), "", strings)


def _strings_of_any_xml(archive: Archive, data: bytes) -> list[str]:
    strings: list[str] = []
    texts: list[str] = []
    inside: list[str] = []

    def start(tag: str, _: Mapping[str, str]) -> None:
        inside.append(tag)
        if tag == "si":
            texts.clear()

    def end(tag: str) -> None:
        inside.pop()
        if tag == "si":
            strings.append(_unescaped("".join(texts)))

    def text(characters: str) -> None:
        # Phonetic readings (rPh) stand beside the text, not in it.
        if inside[-1] == "t" and "rPh" not in inside:
            texts.append(characters)

    archive.walk(iter((data,)), start, end, text)
    return strings


def _is_plain(data: bytes) -> bool:
    """Whether the XML is UTF-8 and free of what an expression over its bytes would misread."""
    head = data[:200]
    return not any(mark in data for mark in (b"<!", b"\r")) and (b"encoding=" not in head or b'encoding="utf-8"' in head.lower())


def _unescaped(text: str) -> str:
    """The text with ``_x000D_`` and the like turned into the characters they stand for."""
    if "_x" not in text:
        return text
    units = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_written(archive: Archive, part: str, workbook: _Workbook, max_rows: int) -> tuple[Cells, _Around]:
    """The worksheet's cells by one expression; raises `_OtherXmlError` where a chunk has cells that it does not match."""
    cells, around = Cells(archive.name, max_rows), _Around()
    stream = archive.chunks(part)
    head, start, rest = _until(b"", stream, b"<sheetData>")
    if not start or not _is_plain(head) or b"<worksheet" not in head:
        raise _OtherXmlError
    _note_elements(around, head)
    ended = False
    while not ended:
        body, end, after = rest.partition(b"</sheetData>")
        if end:
            ended, cut = True, len(body)
        else:
            cut = body.rfind(b"</row>") + 6
            if cut < 6:
                cut = 0
        _put_chunk(cells, around, body[:cut], workbook)
        if not ended:
            chunk = next(stream, b"")
            if not chunk or len(body) - cut > _LONGEST_ROW:
                raise _OtherXmlError
            rest = body[cut:] + chunk
    tail = after + b"".join(stream)
    if not _is_plain(tail):
        raise _OtherXmlError
    _note_elements(around, tail)
    return cells, around


def _until(data: bytes, stream: Iterator[bytes], mark: bytes) -> tuple[bytes, bytes, bytes]:
    """The stream cut at the mark: before, the mark (blank if it never comes), what has been read beyond."""
    while mark not in data and (chunk := next(stream, b"")):
        data += chunk
    return data.partition(mark)


def _put_chunk(cells: Cells, around: _Around, data: bytes, workbook: _Workbook) -> None:
    """Keeps the cells of some whole rows: strings and plain numbers a column at a time, the rest one by one."""
    found = _CELL.findall(data)
    # Nothing but cells begins with this between sheetData's tags.
    if len(found) != data.count(b"<c") or b"<!" in data or b"\r" in data:
        raise _OtherXmlError
    if b"hidden=" in data:
        around.hidden_rows += [int(number[1]) for row in _HIDDEN_ROW.findall(data) if (number := _ROW_NUMBER.search(row))]
    if not found:
        return
    # Five walks take a quarter of the time of zip(*found).
    letters, numbers, attributes, values, insides = ([cell[part] for cell in found] for part in range(5))
    rows = pa.array(numbers, pa.binary()).cast(pa.string()).cast(pa.int64()).to_numpy()
    columns = pa.array(letters, pa.binary()).dictionary_encode()
    styles = pa.array(attributes, pa.binary()).dictionary_encode()
    texts = pa.array(values, pa.binary()).cast(pa.string())
    meanings = [_kind_and_style(attributes) for attributes in styles.dictionary.to_pylist()]
    shared = np.array([kind == "s" for kind, _ in meanings])[styles.indices]
    plainly = np.array([kind in ("", "n") and workbook.style(style) == _Style() for kind, style in meanings])[styles.indices]
    has_value = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    shared &= has_value
    plainly &= pc.match_substring_regex(texts, PLAIN_WHOLE).to_numpy(zero_copy_only=False)
    strings = workbook.strings.take(texts.filter(pa.array(shared)).cast(pa.int64()))
    _add(cells, columns, rows, np.flatnonzero(shared), strings)
    _add(cells, columns, rows, np.flatnonzero(plainly), texts.filter(pa.array(plainly)))
    left = has_value & ~shared & ~plainly
    if any(insides):
        left |= np.fromiter(map(bool, insides), np.bool_)
    for index in np.flatnonzero(left).tolist():
        letter, number, attribute_text, value, inside = found[index]
        kind, style = _kind_and_style(attribute_text)
        raw, formula = _inside(inside, kind) if inside else (value, None)
        workbook.put(
            cells,
            _Cell(
                row=int(number),
                column=column_index(letter.decode()),
                kind=kind,
                style=style,
                value=None if raw is None else html.unescape(raw.decode()),
                formula=None if formula is None else html.unescape(formula.decode()),
            ),
        )


def _add(cells: Cells, columns: pa.DictionaryArray, rows: Integers, indices: Integers, texts: pa.Array) -> None:
    """Keeps the cells at ``indices``, whose texts are given, column by column."""
    filled = pc.not_equal(texts, "")
    if not pc.all(filled).as_py():
        indices, texts = indices[filled.to_numpy(zero_copy_only=False)], texts.filter(filled)
    codes = columns.indices.to_numpy()[indices]
    for code, letters in enumerate(columns.dictionary.to_pylist()):
        members = np.flatnonzero(codes == code)
        if len(members):
            cells.add(column_index(letters.decode()), rows[indices[members]], texts.take(pa.array(members)))


def _note_elements(around: _Around, data: bytes) -> None:
    for tag, attributes in _ELEMENT.findall(data):
        around.element(tag.decode(), {key.decode(): value.decode() for key, value in _ATTRIBUTE.findall(attributes)})


def _kind_and_style(attributes: bytes) -> tuple[str, str]:
    if not _ATTRIBUTES.fullmatch(attributes):
        raise _OtherXmlError
    named = dict(_ATTRIBUTE.findall(attributes))
    return named.get(b"t", b"").decode(), named.get(b"s", b"").decode()


def _inside(inside: bytes, kind: str) -> tuple[bytes | None, bytes | None]:
    """Value and formula of a cell with more in it than a value."""
    match = _INSIDE.fullmatch(inside)
    if match is None:
        raise _OtherXmlError
    formula = (match["formula"] or b"") if inside.startswith(b"<f") else None
    return (match["text"] if kind == "inlineStr" else match["value"]), formula


def _as_xml(archive: Archive, part: str, workbook: _Workbook, max_rows: int) -> tuple[Cells, _Around]:
    """The worksheet's cells by an XML parser: slower, but whatever the XML looks like."""
    reader = _XmlReader(Cells(archive.name, max_rows), _Around(), workbook)
    archive.walk(archive.chunks(part), reader.start, reader.end, reader.text)
    return reader.cells, reader.around


class _XmlReader:
    """The callbacks of `_as_xml`. Rows and cells may lack their numbers: then each follows the one before."""

    def __init__(self, cells: Cells, around: _Around, workbook: _Workbook) -> None:
        self.cells = cells
        self.around = around
        self._workbook = workbook
        self._row = 0
        self._column = -1
        self._inside: list[str] = []
        self._cell: Mapping[str, str] = {}
        self._texts: dict[str, list[str]] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = -1
            if attributes.get("hidden") in ("1", "true"):
                self.around.hidden_rows.append(self._row)
        elif tag == "c":
            self._cell = attributes
            self._texts = {}
            place = _REFERENCE.match(attributes.get("r", ""))
            self._column = column_index(place[1]) if place else self._column + 1
            if place:
                self._row = int(place[2])
        else:
            self.around.element(tag, attributes)
        if tag in ("v", "f", "is") and self._inside[-1:] == ["c"]:
            self._texts[tag] = []
        self._inside.append(tag)

    def text(self, characters: str) -> None:
        tag = self._inside[-1]
        if tag in ("v", "f") and tag in self._texts:
            self._texts[tag].append(characters)
        elif tag == "t" and "is" in self._texts and "rPh" not in self._inside:
            self._texts["is"].append(characters)

    def end(self, tag: str) -> None:
        self._inside.pop()
        if tag != "c":
            return
        kind = self._cell.get("t", "")
        value = self._texts.get("is" if kind == "inlineStr" else "v")
        formula = self._texts.get("f")
        self._workbook.put(
            self.cells,
            _Cell(
                row=self._row,
                column=self._column,
                kind=kind,
                style=self._cell.get("s", ""),
                value=None if value is None else "".join(value),
                formula=None if formula is None else "".join(formula),
            ),
        )
        self._cell, self._texts = {}, {}
