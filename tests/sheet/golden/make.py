"""Makes the golden files: a workbook by openpyxl, and what LibreOffice (`soffice`) saves it as.

python tests/sheet/golden/make.py
"""

import shutil
import subprocess
import tempfile
from datetime import date, datetime, time
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import PatternFill

HERE = Path(__file__).parent

#: Each row with the number formats of its cells; the rows begin below the headers, at 2.
ROWS: list[tuple[list[object], dict[str, str]]] = [
    (["Sales", "EMEA", "@anna", 5, 0, "add", "text"], {}),
    ([7, "EMEA", "bert", None, None, None, "zero-padded"], {"A": "000"}),
    ([1001, "EMEA", "carl", None, None, None, "whole number"], {}),
    ([True, "EMEA", "dora", None, None, None, "boolean"], {}),
    ([date(2026, 2, 1), "EMEA", "emil", None, None, None, date(2026, 12, 24)], {"A": "dd/mm/yyyy", "G": "dd/mm/yyyy"}),
    (["=NA()", "EMEA", "fred", None, None, None, "error"], {}),
    (["=1/0", "EMEA", "gina", None, None, None, "=NA()"], {}),
    (['="Sup"&"port"', "EMEA", "hans", None, None, None, "formula"], {}),
    ([12345678901234567, "EMEA", "iris", None, None, None, "lost digits"], {}),
    (["00042", "APAC", "007", None, None, None, "text digits"], {}),
    ([None] * 7, {}),
    (["Merged", "Nordics", "m1", None, None, None, None], {}),
    ([None, None, "m2", None, None, None, None], {}),
    ([None, None, "m3", None, None, None, None], {}),
    (["Hidden", "APAC", "h1", None, None, None, "a hidden row"], {}),
    (["NA", "null", "None", 3, 4, "Remove", "words"], {}),
    (["  Ends\u00a0", "-", "x y", None, None, None, "a < b & c\nsecond line"], {}),
    ([0.5, "EMEA", "perc", None, None, None, 0.125], {"A": "0%", "G": "0.0%"}),
    ([time(13, 30), "EMEA", "time", None, None, None, datetime(2026, 1, 2, 3, 4, 5)], {"A": "hh:mm", "G": "yyyy-mm-dd hh:mm:ss"}),  # noqa: DTZ001  # cells have no zone
    ([1234567, "EMEA", "thou", 1000, None, None, 1234.5], {"A": "#,##0", "D": "#,##0", "G": "#,##0.00"}),
]


def make(path: Path) -> None:
    """Writes the workbook: a hidden worksheet before the one to be read, merges, a hidden row, formatted blank rows below."""
    book = Workbook()
    book.active.title = "Notes"
    book.active["A1"] = "hidden notes"
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("Reorg")
    book.active = 1
    sheet.append(["Department", "Unit", "Agent", "Count", "Order", "Action", "Cost centre"])
    for values, formats in ROWS:
        sheet.append(values)
        for column, code in formats.items():
            sheet[f"{column}{sheet.max_row}"].number_format = code
    sheet.merge_cells("A13:A15")
    sheet.merge_cells("B13:B15")
    sheet.row_dimensions[16].hidden = True
    for row in range(22, 300):
        sheet[f"A{row}"].fill = PatternFill("solid", fgColor="FFFF00")
    book.save(path)


#: The columns about departments and units: what spreadsheet programs make of a yes or no, and of lines within a cell.
VALUES: list[list[object]] = [
    ["Unit", "Unit visibility", "Department", "Department enabled", "Department description"],
    ["EMEA", "Public", "A", True, "one\ntwo"],
    [None, None, "B", False, "a  b\n\n c"],
    [None, None, "C", 1, "-"],
    [None, None, "D", 0, None],
    [None, None, "E", "=TRUE()", "=TRUE()"],
    [None, None, "F", "=1=2", "\nx\n"],
    [None, None, "G", "Yes", "=1"],
    [None, None, "H", 2, "yes"],
]


def make_values(path: Path) -> None:
    """Writes the workbook of the columns about departments and units."""
    book = Workbook()
    for row in VALUES:
        book.active.append(row)
    book.save(path)


def convert(source: Path, name: str, folder: str) -> None:
    """Has LibreOffice save a workbook in each of its formats, as files of this name."""
    soffice = shutil.which("soffice")
    if soffice is None:
        raise SystemExit("soffice is not installed")
    for ending in ("xlsx", "xls", "ods"):
        subprocess.run([soffice, "--headless", "--convert-to", ending, "--outdir", folder, source], check=True)
        shutil.copy(Path(folder, f"{source.stem}.{ending}"), HERE / f"{name}.{ending}")


if __name__ == "__main__":
    make(HERE / "openpyxl.xlsx")
    with tempfile.TemporaryDirectory() as folder:
        convert(HERE / "openpyxl.xlsx", "libreoffice", folder)
        # LibreOffice calculates the formulas: only what it saves has results.
        make_values(Path(folder, "values.xlsx"))
        convert(Path(folder, "values.xlsx"), "libreoffice-values", folder)
