"""Sheets as different programs save them: the same rows of seven columns, so that only their bytes differ."""

import csv
import multiprocessing
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import escape

import xlsxwriter

T = TypeVar("T")

HEADERS = ("department", "unit", "agent", "count", "order", "action", "note")
_LETTERS = "ABCDEFG"

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MICROSOFT = "http://schemas.microsoft.com/office/spreadsheetml"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def made(write: Callable[..., T], *arguments: object, **options: object) -> T:
    """What a function that writes a file returns, in a process of its own: who starts one hands its own peak of memory down."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(write, *arguments, **options).result()


def rows(count: int, *, bad: int = 0) -> Iterator[tuple[str | int, ...]]:
    """Twenty agents a department, sixty units; ``bad``: of so many rows, the first has no whole number."""
    for row in range(count):
        number: str | int = row % 7 if row % 2 else ""
        yield (
            f"Department {row // 20}",
            f"Unit {row // 20 % 60}",
            f"agent{row}",
            "1.5" if bad and row % bad == 0 else number,
            row % 3,
            "add" if row % 5 else "remove",
            f"cost centre {row % 90}",
        )


def write_csv(path: Path, count: int, *, quoted: bool = False, bad: int = 0) -> Path:
    """The rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
        writer.writerow(HEADERS)
        writer.writerows(rows(count, bad=bad))
    return path


def write_by_xlsxwriter(path: Path, count: int) -> Path:
    """The rows as XlsxWriter saves them."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([HEADERS, *rows(count)]):
            sheet.write_row(number, 0, row)
    return path


def write_like_excel(path: Path, count: int) -> Path:
    """The rows in the byte shape that Excel saves: an imitation, as no Excel runs here.

    CR LF behind each declaration, the namespaces of Excel 365, ``spans`` and ``x14ac:dyDescent`` in each row, shared strings in the order
    in which they come, no style where it is the first, nothing for a blank cell.
    """
    strings: dict[str, int] = {}
    body = [_row(number, row, strings) for number, row in enumerate([HEADERS, *rows(count)], start=1)]
    items = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in _parts_around().items():
            archive.writestr(name, _DECLARATION + xml)
        archive.writestr("xl/worksheets/sheet1.xml", _DECLARATION + _worksheet("".join(body), count + 1))
        archive.writestr("xl/sharedStrings.xml", f'{_DECLARATION}<sst xmlns="{_MAIN}" uniqueCount="{len(strings)}">{items}</sst>')
    return path


def _row(number: int, row: Iterable[str | int], strings: dict[str, int]) -> str:
    cells = [
        f'<c r="{letter}{number}" t="s"><v>{strings.setdefault(value, len(strings))}</v></c>'
        if isinstance(value, str)
        else f'<c r="{letter}{number}"><v>{value}</v></c>'
        for letter, value in zip(_LETTERS, row, strict=True)
        if value != ""
    ]
    return f'<row r="{number}" spans="1:7" x14ac:dyDescent="0.25">{"".join(cells)}</row>'


def _worksheet(body: str, last: int) -> str:
    return (
        f'<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        f'mc:Ignorable="x14ac xr xr2 xr3" xmlns:x14ac="{_MICROSOFT}/2009/9/ac" xmlns:xr="{_MICROSOFT}/2014/revision" '
        f'xmlns:xr2="{_MICROSOFT}/2015/revision2" xmlns:xr3="{_MICROSOFT}/2016/revision3" '
        'xr:uid="{00000000-0001-0000-0000-000000000000}">'
        f'<dimension ref="A1:G{last}"/><sheetViews><sheetView tabSelected="1" workbookViewId="0"/></sheetViews>'
        f'<sheetFormatPr baseColWidth="10" defaultRowHeight="15" x14ac:dyDescent="0.25"/><sheetData>{body}</sheetData>'
        '<pageMargins left="0.7" right="0.7" top="0.78740157499999996" bottom="0.78740157499999996" header="0.3" footer="0.3"/></worksheet>'
    )


def _parts_around() -> dict[str, str]:
    """What a workbook needs besides its cells."""
    kinds = {"workbook": "sheet.main", "worksheets/sheet1": "worksheet", "styles": "styles", "sharedStrings": "sharedStrings"}
    overrides = "".join(f'<Override PartName="/xl/{part}.xml" ContentType="{_KIND}.{kind}+xml"/>' for part, kind in kinds.items())
    relations = {"worksheet": "worksheets/sheet1", "styles": "styles", "sharedStrings": "sharedStrings"}
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{part}.xml"/>'
        for number, (kind, part) in enumerate(relations.items(), start=1)
    )
    fill = '<fill><patternFill patternType="none"/></fill>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><workbookPr defaultThemeVersion="166925"/>'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets><calcPr calcId="191029"/></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        f'<fills count="1">{fill}</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs></styleSheet>',
    }


def write_like_libreoffice(path: Path, count: int) -> Path:
    """The rows in the byte shape of an ODS that LibreOffice saves: an imitation for where there is none."""
    lines = ("".join(map(_ods_cell, row)) for row in [HEADERS, *rows(count)])
    body = "".join(f'<table:table-row table:style-name="ro1">{line}</table:table-row>' for line in lines)
    names = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    spaces = " ".join(f'xmlns:{name}="{urn}"' for name, urn in names.items())
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content {spaces} '
        'office:version="1.3"><office:automatic-styles><style:style style:name="ro1" style:family="table-row"/></office:automatic-styles>'
        '<office:body><office:spreadsheet><table:table table:name="Sheet1">'
        f'<table:table-column table:number-columns-repeated="{len(HEADERS)}" table:default-cell-style-name="Default"/>{body}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">'
        f"{entry.format('/', kind)}{entry.format('content.xml', 'text/xml')}</manifest:manifest>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def _ods_cell(value: str | int) -> str:
    if value == "":
        return "<table:table-cell/>"
    kind = f'float" office:value="{value}" calcext:value-type="float' if isinstance(value, int) else 'string" calcext:value-type="string'
    return f'<table:table-cell office:value-type="{kind}"><text:p>{escape(str(value))}</text:p></table:table-cell>'


def saved_by_libreoffice(source: Path, folder: Path, kind: str, export: str) -> Path | None:
    """What LibreOffice makes of a workbook; None where `soffice` is not installed."""
    soffice = shutil.which("soffice")
    if soffice is None:
        return None
    profile, out = folder / "libreoffice", folder / f"saved-{kind}"
    command = [soffice, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", f"{kind}:{export}"]
    subprocess.run([*command, "--outdir", str(out), str(source)], check=True, capture_output=True)
    return next(out.glob(f"*.{kind}"), None)
