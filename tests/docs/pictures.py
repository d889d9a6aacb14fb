"""`make pictures`: the two pictures of README.md, by LibreOffice and Chromium: the sample, and the report that a run of it writes."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import openpyxl

from tests.docs.documents import ROOT, typing
from tests.support.servers import serving
from tests.support.workspaces import sample_workspace

SAMPLE: Final = ROOT / "samples" / "reorganisation.xlsx"
#: Of the sheet's page, in dots: left, top, width, height.
CUT: Final = (146, 146, 1155, 650)
#: Of the window in which the report is opened, in pixels.
WINDOW: Final = (1155, 860)


def draw_sheet(picture: Path, folder: Path) -> None:
    """Draws the upper part of the sample as LibreOffice prints it, with its row numbers and column letters, all columns on one page."""
    book = openpyxl.load_workbook(SAMPLE)
    for name in book.sheetnames[1:]:
        del book[name]
    sheet = book.active
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = openpyxl.worksheet.properties.PageSetupProperties(fitToPage=True)
    sheet.print_options.headings = sheet.print_options.gridLines = True
    book.save(folder / "sheet.xlsx")
    subprocess.run(["soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, folder / "sheet.xlsx"], check=True)
    left, top, width, height = map(str, CUT)
    cut = ["-x", left, "-y", top, "-W", width, "-H", height]
    subprocess.run(
        ["pdftoppm", "-r", "218", "-f", "1", "-singlefile", *cut, "-png", folder / "sheet.pdf", picture.with_suffix("")], check=True
    )


def draw_report(picture: Path, folder: Path) -> None:
    """Draws the upper part of report.html of a run of the sample, as Chromium shows it."""
    with serving(sample_workspace()) as served, typing(folder, served.url.partition("//")[2]) as typist:
        code, printed = typist.typed(f"bulkjob run samples/{SAMPLE.name} --create-units --run-dir night", "")
        assert code == 0, printed
    size = ",".join(map(str, WINDOW))
    window = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}", f"--screenshot={picture}"]
    subprocess.run(["chromium", *window, (folder / "night" / "report.html").as_uri()], check=True)


def main() -> None:
    """Draw both into docs/."""
    for program in ("soffice", "pdftoppm", "chromium"):
        assert shutil.which(program), (
            f"there is no {program} here (Debian, Ubuntu: apt-get install libreoffice-calc poppler-utils chromium)"
        )
    for draw, name in ((draw_sheet, "sheet.png"), (draw_report, "report.png")):
        with TemporaryDirectory() as folder:
            draw(ROOT / "docs" / name, Path(folder))


if __name__ == "__main__":
    main()
