"""`.xls`, Excel's format until 2003, into a `Grid`."""

import io
from collections.abc import Sequence
from typing import Any

import xlrd  # type: ignore[import-untyped]  # xlrd ships no types
from xlrd import compdoc
from xlrd.sheet import Sheet  # type: ignore[import-untyped]  # as above

from bulkjob.sheet import messages
from bulkjob.sheet.formats.cells import Cells, Surroundings
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.formats.numbers import is_date_format, iso_date, plain, shown, usable_format
from bulkjob.sheet.formats.worksheets import Worksheet, chosen
from bulkjob.vocabulary import Code, Exit, Stop

_LAST_ROW = 65_536
#: The type of an entry of a container that holds others.
_STORAGE = 1
#: The name of the stream in which an encrypted .xlsx lies, in an OLE container as .xls does.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def _family_tree(entries: Sequence[Any], storage: int, first: int) -> None:
    """Puts the entries of a container below those that hold them; raises where one is named twice.

    In the place of xlrd's own, which follows an entry each time that it is named: where each names the next one twice, for ever.
    """
    seen: set[int] = set()
    pending = [(storage, first)]
    while pending:
        parent, place = pending.pop()
        if place < 0:
            continue
        if place in seen:
            raise compdoc.CompDocError("an entry of the container is named twice")
        seen.add(place)
        entry = entries[place]
        entry.parent = parent
        entries[parent].children.append(place)
        pending += [(parent, entry.left_DID), (parent, entry.right_DID)]
        if entry.etype == _STORAGE:
            pending.append((place, entry.root_DID))


_get_stream = compdoc.CompDoc._get_stream  # noqa: SLF001  # as below


def _stream(container: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401  # xlrd ships no types
    """What xlrd's own returns; raises where a chain of sectors comes back to one of them.

    Xlrd looks for that among large sectors only, and would follow a chain of short ones for ever.
    """
    _, _, following, _, sector = given[:5]
    seen: set[int] = set()
    while 0 <= sector < len(following):
        if sector in seen:
            raise compdoc.CompDocError("a chain of the container has no end")
        seen.add(sector)
        sector = following[sector]
    return _get_stream(container, *given, **named)


def _pass_over(*_: object) -> None:
    """Links are not read: xlrd keeps each at every cell of its area, which may be billions."""


compdoc._build_family_tree = _family_tree  # noqa: SLF001  # there is no other way to say it
compdoc.CompDoc._get_stream = _stream  # noqa: SLF001  # as above
Sheet.handle_hlink = Sheet.handle_quicktip = _pass_over


def read_xls(data: bytes, name: str, *, sheet_name: str | None, max_rows: int) -> Grid:
    """The chosen worksheet's rows as text; raises `Stop` where there are none to read."""
    if _ENCRYPTED in data:
        raise Stop(Exit.BAD_SHEET, messages.encrypted(name))
    try:
        # xlrd reports on damage by print.
        book = xlrd.open_workbook(file_contents=data, formatting_info=True, on_demand=True, logfile=io.StringIO())
        return _grid(book, Cells(name, max_rows, len(data)), sheet_name)
    except (Stop, MemoryError):
        raise
    except xlrd.XLRDError as error:
        encrypted = "encrypted" in str(error).lower()
        raise Stop(Exit.BAD_SHEET, messages.encrypted(name) if encrypted else messages.not_a_workbook(name)) from None
    except Exception:  # noqa: BLE001  # xlrd answers damage with whatever its arithmetic ends in: struct.error, AssertionError, IndexError …
        raise Stop(Exit.BAD_SHEET, messages.not_a_workbook(name)) from None


def _grid(book: xlrd.Book, cells: Cells, sheet_name: str | None) -> Grid:
    worksheets = [
        Worksheet(name=title, part=str(index), hidden=book._sheet_visibility[index] != 0)  # noqa: SLF001  # Sheet.visibility without loading the sheet
        for index, title in enumerate(book.sheet_names())
    ]
    chosen_sheet, notes = chosen(worksheets, sheet_name, cells.name)
    sheet = book.sheet_by_index(int(chosen_sheet.part))
    for row in range(sheet.nrows):
        for column, kind in enumerate(sheet.row_types(row)):
            if kind not in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                _put(cells, book, sheet, row, column)
    around = Surroundings(cells.name)
    around.hidden_rows = [(row + 1, row + 1) for row, info in sheet.rowinfo_map.items() if info.hidden]
    for top, bottom, left, right in sheet.merged_cells:
        around.merges.add((top + 1, bottom), (left, right - 1))
    for column, info in sheet.colinfo_map.items():
        if info.hidden:
            around.hide_columns(column, column)
    return cells.grid(chosen_sheet.name, notes, around, last_possible_row=_LAST_ROW)


def _put(cells: Cells, book: xlrd.Book, sheet: xlrd.sheet.Sheet, row: int, column: int) -> None:
    cell = sheet.cell(row, column)
    if cell.ctype == xlrd.XL_CELL_TEXT:
        cells.put(row + 1, column, cell.value)
    elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
        cells.put(row + 1, column, "TRUE" if cell.value else "FALSE")
    elif cell.ctype == xlrd.XL_CELL_ERROR:
        cells.put(row + 1, column, xlrd.error_text_from_code.get(cell.value, "#ERROR!"), code=Code.EXCEL_ERROR)
    else:
        code = usable_format(book.format_map[book.xf_list[cell.xf_index].format_key].format_str)
        if cell.ctype == xlrd.XL_CELL_DATE or is_date_format(code):
            cells.put(row + 1, column, iso_date(cell.value, from_1904=book.datemode == 1), code=Code.EXCEL_DATE)
            return
        cells.expect_format(len(code))
        text, lost = shown(cell.value, "" if code.lower() == "general" else code)
        cells.put(row + 1, column, text, code=Code.EXCEL_NUMBER if lost else None, exact=plain(cell.value))
