"""Makes the workbooks of this folder anew: `python samples/make.py [FOLDER]`, or `make samples`.

`template.xlsx` is what `bulkjob export --full` would write of a workspace without anything in it, and `reorganisation.xlsx` holds
what `reorganisation.csv` says, as somebody may keep it who works with a spreadsheet program.
"""

import csv
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import xlsxwriter

from bulkjob.export import render_template

HERE: Final = Path(__file__).parent
TITLE: Final = "Reorganisation"
WIDTHS: Final = (25, 20, 19, 8, 8, 10, 17, 18, 14, 19, 26, 50)
NOTES: Final = (
    "Reorganisation of customer chat, effective 1 December",
    "Unit “-”: the department leaves its unit. A blank unit stays as it is.",
    "Rows without a department are about their unit: its monitors, its new name, who may see it.",
    "North America is a new unit: run with --create-units.",
    "Order: who is asked first among agents with the same counter.",
    "Questions: Petra König (Central Europe), Fiona Walsh (Key Accounts)",
)


def make_reorganisation(path: Path) -> None:
    """Write the rows of the CSV as text, but for the order, and a worksheet with notes."""
    with (HERE / "reorganisation.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    with xlsxwriter.Workbook(path) as workbook:
        workbook.set_properties({"title": TITLE, "created": datetime(2026, 11, 20, 9, 0)})  # noqa: DTZ001 - a workbook knows no zone
        head = workbook.add_format({"bold": True, "font_color": "white", "bg_color": "#1F3864", "border": 1, "valign": "vcenter"})
        text, number = workbook.add_format({"num_format": "@"}), workbook.add_format({"num_format": "0"})
        sheet = workbook.add_worksheet(TITLE)
        for column, (name, width) in enumerate(zip(header, WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, name, head)
            for line, row in enumerate(rows, start=1):
                if row[column] and name == "Order":
                    sheet.write_number(line, column, int(row[column]), number)
                elif row[column]:
                    sheet.write_string(line, column, row[column], text)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(header) - 1)
        notes = workbook.add_worksheet("Notes")
        notes.set_column(0, 0, 90)
        for line, note in enumerate(NOTES):
            notes.write_string(line, 0, note)


def main(folder: Path) -> None:
    """Write both workbooks into the folder."""
    (folder / "template.xlsx").write_bytes(render_template())
    make_reorganisation(folder / "reorganisation.xlsx")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
