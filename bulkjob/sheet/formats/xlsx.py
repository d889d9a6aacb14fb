"""`.xlsx` into a `Grid`, straight from the worksheet's XML.

Libraries that are fast lose what matters here: whether a cell is an error or empty, whether a formula has a result, how a number was
shown; and two far corners can make them ask for a terabyte. So the cells are read many at a time as spreadsheet programs write them
(`xlsx_at_once`); where anything looks different, the worksheet is read again by an XML parser (`xlsx_cells`), to the same cells.
"""

from collections.abc import Mapping
from posixpath import dirname, join, normpath

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types

from bulkjob.sheet import messages
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.cells import Cells, Surroundings
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.formats.markup import OtherXmlError
from bulkjob.sheet.formats.numbers import format_code, is_date_format
from bulkjob.sheet.formats.worksheets import Worksheet, chosen
from bulkjob.sheet.formats.xlsx_at_once import read_at_once
from bulkjob.sheet.formats.xlsx_cells import PLAIN_STYLE, Style, Workbook, XmlReader
from bulkjob.sheet.formats.xlsx_strings import read_strings
from bulkjob.vocabulary import Exit, Stop


def read_xlsx(archive: Archive, *, sheet_name: str | None, max_rows: int) -> Grid:
    """The chosen worksheet's rows as text; raises `Stop` where there are none to read."""
    if any(part.endswith("workbook.bin") for part in archive.parts):
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
    listed, properties, calculation = archive.elements(path, "sheets/sheet", "workbookPr", "calcPr")
    worksheets = [
        Worksheet(name=sheet.get("name", ""), part=target, hidden=(sheet.get("state") or "visible") != "visible")
        for sheet in listed
        for kind, target in [relations.get(_relation_id(sheet), ("", ""))]
        if kind == "worksheet"
    ]
    sheet, notes = chosen(worksheets, sheet_name, archive.name)
    workbook = Workbook.of(
        read_strings(archive, parts["sharedStrings"]) if parts.get("sharedStrings", "") in archive else pa.array([], pa.string()),
        _styles(archive, parts["styles"]) if parts.get("styles", "") in archive else (),
        from_1904=bool(properties) and properties[0].get("date1904") in ("1", "true"),
        is_uncalculated=bool(calculation) and _is_uncalculated(calculation[0]),
    )
    cells, around = Cells(archive.name, max_rows, archive.size), Surroundings(archive.name)
    try:
        read_at_once(archive, sheet.part, workbook, cells, around)
    except OtherXmlError:
        cells, around = Cells(archive.name, max_rows, archive.size), Surroundings(archive.name)
        XmlReader(cells, around, workbook).read(archive, sheet.part)
    return cells.grid(sheet.name, notes, around)


def _is_uncalculated(calculation: Mapping[str, str]) -> bool:
    """Whether XlsxWriter or its kin have written the workbook: they give the version of Excel 2007, and leave results to the program."""
    return calculation.get("calcId") == "124519" and calculation.get("fullCalcOnLoad") in ("1", "true")


def _relation_id(attributes: Mapping[str, str]) -> str:
    return next((value for key, value in attributes.items() if key.endswith(":id")), "")


def _relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """The part's relations: id → (kind, name of the other part)."""
    folder = dirname(part)
    path = join(folder, "_rels", f"{part.rpartition('/')[2]}.rels")
    if path not in archive:
        return {}
    (relations,) = archive.elements(path, "Relationship")
    return {
        relation.get("Id", ""): (
            relation.get("Type", "").rpartition("/")[2],
            normpath(join("/", folder, relation.get("Target", "").replace("\\", "/"))).lstrip("/"),
        )
        for relation in relations
    }


def _styles(archive: Archive, part: str) -> list[Style]:
    formats, cells = archive.elements(part, "numFmts/numFmt", "cellXfs/xf")
    custom = {_number(item): item.get("formatCode", "") for item in formats}
    numbers = [_number(item) for item in cells]
    known = {number: _style(format_code(number, custom)) for number in set(numbers)}
    return [known[number] for number in numbers]


def _number(item: Mapping[str, str]) -> int:
    """The number of the element's format; 0, which is none, where it has no number that can be one."""
    text = item.get("numFmtId", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def _style(code: str) -> Style:
    plain = code.lower() in ("", "general", "@")
    return PLAIN_STYLE if plain else Style(code=code, is_date=is_date_format(code))
