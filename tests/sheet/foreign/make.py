"""Makes workbooks with the programs that people's sheets come from, for `compare.py`.

    python tests/sheet/foreign/make.py FOLDER

XlsxWriter, openpyxl and odfpy come with the development packages; exceljs and SheetJS are installed with npm into the folder; what
LibreOffice saves is made where `soffice` is installed, and left out with a word where it is not. Small ones are kept as golden files.
"""

# ruff: noqa: E501, T201  # tables read best with a case on a line; these are programs of their own

import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import xlsxwriter
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

HEADERS = ("Department", "Unit", "Agent", "Count", "Order", "Action", "Cost centre")

#: (value, number format or blank) by row and column; a dictionary is a formula with its result.
ROWS: tuple[tuple[tuple[object, str], ...], ...] = (
    (("Sales", ""), ("North", ""), ("@anna", ""), (5, ""), (0, ""), ("add", ""), ("plain", "")),
    ((7, "000"), ("North", ""), ("bert", ""), (None, ""), (None, ""), (None, ""), ("padded", "")),
    ((1001, ""), ("North", ""), ("carl", ""), (1234.5, "#,##0.00"), (0.125, "0.0%"), (None, ""), ("numbers", "")),
    ((True, ""), ("North", ""), ("dora", ""), (None, ""), (None, ""), (None, ""), (False, "")),
    ((dt.datetime(2026, 2, 1), "dd/mm/yyyy"), ("North", ""), ("emil", ""), (None, ""), (None, ""), (None, ""), (dt.datetime(2026, 1, 2, 3, 4, 5), "yyyy-mm-dd hh:mm:ss")),  # noqa: DTZ001  # cells have no zone
    (({"formula": '"Sup"&"port"', "result": "Support"}, ""), ("North", ""), ("hans", ""), (None, ""), (None, ""), (None, ""), ({"formula": "1+1", "result": 2}, "")),
    ((12345678901234567, ""), ("North", ""), ("iris", ""), (None, ""), (None, ""), (None, ""), ("digits lost", "")),
    (("00042", ""), ("South", ""), ("007", ""), (None, ""), (None, ""), (None, ""), ("text of digits", "")),
    ((None, ""),) * 7,
    (("  Ends\u00a0", ""), ("-", ""), ("x y", ""), (None, ""), (None, ""), (None, ""), ("a < b & c > d \"e\" 'f'\nsecond line\ttab", "")),
    (("Zürich – Öl 🚲", ""), ("שלום", ""), ("_x0041_", ""), (None, ""), (None, ""), (None, ""), ("x" * 5000, "")),
    (("NA", ""), ("null", ""), ("=1+1", ""), (3, ""), (4, ""), ("Remove", ""), ("#N/A", "")),
    ((0.1, ""), ("1e5", ""), ("TRUE", ""), (-7, ""), (1e21, ""), ("2026-01-02", ""), (1e-7, "")),
)  # fmt: skip

NODE = r"""
const [folder, table] = [process.argv[2], JSON.parse(require("fs").readFileSync(process.argv[3], "utf8"))];
const ExcelJS = require("exceljs"), SheetJS = require("xlsx"), path = require("path");
const value = cell => cell.date ? new Date(cell.date + "Z") : cell.formula ? {formula: cell.formula, result: cell.result} : cell.value;

function fill(sheet) {
  sheet.addRow(table.headers).commit();
  for (const row of table.rows) {
    const added = sheet.addRow(row.map(value));
    row.forEach((cell, index) => { if (cell.format) added.getCell(index + 1).numFmt = cell.format; });
    added.commit();
  }
}

async function exceljs() {
  const book = new ExcelJS.Workbook();
  fill(book.addWorksheet("Reorg"));
  await book.xlsx.writeFile(path.join(folder, "exceljs.xlsx"));
  for (const [name, useSharedStrings] of [["exceljs-stream", false], ["exceljs-stream-shared", true]]) {
    const stream = new ExcelJS.stream.xlsx.WorkbookWriter({filename: path.join(folder, name + ".xlsx"), useStyles: true, useSharedStrings});
    const sheet = stream.addWorksheet("Reorg");
    fill(sheet);
    sheet.commit();
    await stream.commit();
  }
}

function sheetjs() {
  const sheet = SheetJS.utils.aoa_to_sheet([table.headers, ...table.rows.map(row => row.map(cell => cell.formula ? null : value(cell)))], {UTC: true});
  table.rows.forEach((row, number) => row.forEach((cell, index) => {
    const place = SheetJS.utils.encode_cell({r: number + 1, c: index});
    if (cell.formula) sheet[place] = {t: typeof cell.result === "number" ? "n" : "s", v: cell.result, f: cell.formula};
    if (cell.format && sheet[place]) sheet[place].z = cell.format;
  }));
  const book = SheetJS.utils.book_new();
  SheetJS.utils.book_append_sheet(book, sheet, "Reorg");
  for (const [name, options] of [
    ["sheetjs.xlsx", {bookSST: true}], ["sheetjs-inline.xlsx", {bookSST: false}], ["sheetjs.xls", {bookType: "biff8"}],
    ["sheetjs-5.xls", {bookType: "biff5"}], ["sheetjs.ods", {}], ["sheetjs.xlsb", {}], ["sheetjs.fods", {}], ["sheetjs-2003.xls", {bookType: "xlml"}],
    ["sheetjs-html.xls", {bookType: "html"}], ["sheetjs-text.xls", {bookType: "txt"}], ["sheetjs.csv", {}],
  ]) SheetJS.writeFile(book, path.join(folder, name), {compression: true, ...options});
}

exceljs().then(sheetjs);
"""


def by_openpyxl(folder: Path) -> None:
    """A workbook, and one that is written row by row."""
    for name, write_only in (("openpyxl-plain.xlsx", False), ("openpyxl-write-only.xlsx", True)):
        book = openpyxl.Workbook(write_only=write_only)
        sheet = book.create_sheet("Reorg") if write_only else book.active
        for number, row in enumerate(_with_headers(), start=1):
            cells = [openpyxl.cell.WriteOnlyCell(sheet) if write_only else sheet.cell(number, column) for column in range(1, len(row) + 1)]
            for cell, (value, code) in zip(cells, row, strict=True):
                _set(cell, value, code)
            if write_only:
                sheet.append(cells)
        book.save(folder / name)


def _set(cell: openpyxl.cell.Cell, value: object, code: str) -> None:
    if isinstance(value, dict):
        cell.value = f"={value['formula']}"
    elif isinstance(value, str):
        cell.value = value
        cell.data_type = "s"
    else:
        cell.value = value
    if code:
        cell.number_format = code


def _with_headers() -> Iterator[tuple[tuple[object, str], ...]]:
    yield tuple((header, "") for header in HEADERS)
    yield from ROWS


def by_xlsxwriter(folder: Path) -> None:
    """A workbook, and one in constant memory, which keeps its strings in the cells."""
    for name, constant in (("xlsxwriter.xlsx", False), ("xlsxwriter-constant-memory.xlsx", True)):
        book = xlsxwriter.Workbook(folder / name, {"constant_memory": constant, "strings_to_formulas": False})
        sheet = book.add_worksheet("Reorg")
        for number, row in enumerate(_with_headers()):
            for column, (value, code) in enumerate(row):
                style = book.add_format({"num_format": code}) if code else None
                if isinstance(value, dict):
                    sheet.write_formula(number, column, f"={value['formula']}", style, value["result"])
                elif isinstance(value, dt.datetime):
                    sheet.write_datetime(number, column, value, style)
                elif isinstance(value, str):
                    sheet.write_string(number, column, value, style)
                else:
                    sheet.write(number, column, value, style)
        book.close()


def by_odfpy(folder: Path) -> None:
    """A document with texts and numbers."""
    document = OpenDocumentSpreadsheet()
    table = Table(name="Reorg")
    for row in _with_headers():
        line = TableRow()
        for value, _ in row:
            if isinstance(value, int | float) and not isinstance(value, bool):
                cell = TableCell(valuetype="float", value=str(value))
                cell.addElement(P(text=str(value)))
            else:
                cell = TableCell(valuetype="string")
                if isinstance(value, str):
                    cell.addElement(P(text=value))
            line.addElement(cell)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    document.save(folder / "odfpy.ods")


def by_node(folder: Path) -> None:
    """What exceljs and SheetJS write, each in several ways."""
    shutil.copy(Path(__file__).with_name("package.json"), folder)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)  # noqa: S607  # npm is where the user has it
    (folder / "make.js").write_text(NODE, encoding="utf-8")
    rows = [[_described(value, code) for value, code in row] for row in ROWS]
    (folder / "table.json").write_text(json.dumps({"headers": HEADERS, "rows": rows}), encoding="utf-8")
    subprocess.run(["node", "make.js", ".", "table.json"], cwd=folder, check=True)  # noqa: S607


def _described(value: object, code: str) -> dict[str, object]:
    if isinstance(value, dict):
        return {**value, "format": code}
    if isinstance(value, dt.datetime):
        return {"date": value.isoformat(), "format": code}
    return {"value": value, "format": code}


#: Export filters of LibreOffice, each with the ending of what it writes.
FILTERS = {
    "xlsx:Calc MS Excel 2007 XML": "xlsx",
    "xlsx:Calc Office Open XML": "strict.xlsx",
    "xls:MS Excel 97": "xls",
    "ods:calc8": "ods",
    "fods:OpenDocument Spreadsheet Flat XML": "fods",
    "html:HTML (StarCalc)": "html",
    "csv:Text - txt - csv (StarCalc):44,34,76": "csv",
}


def by_libreoffice(folder: Path) -> None:
    """What LibreOffice makes of XlsxWriter's workbook."""
    soffice = shutil.which("soffice")
    if soffice is None:
        print("soffice is not installed: nothing by LibreOffice", file=sys.stderr)
        return
    out = folder / "out"
    for number, (name, ending) in enumerate(FILTERS.items()):
        command = [soffice, "--headless", "--convert-to", name, "--outdir", str(out), str(folder / "xlsxwriter.xlsx")]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
        for made in out.iterdir() if out.exists() else ():
            made.rename(folder / f"libreoffice-{number}.{ending}")
        if not (folder / f"libreoffice-{number}.{ending}").exists():
            print(f"LibreOffice did not write {name}: {(said.stderr or said.stdout).strip()[:100]}", file=sys.stderr)


MAKERS: tuple[Callable[[Path], None], ...] = (by_openpyxl, by_xlsxwriter, by_odfpy, by_node, by_libreoffice)

if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for make in MAKERS:
        make(target)
    print(f"{sum(path.is_file() and path.suffix not in {'.js', '.json'} for path in target.iterdir())} files in {target}")
