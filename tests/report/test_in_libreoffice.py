"""Workbooks as another program opens them; where LibreOffice is not installed these are left out."""

import csv
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bulkjob.records import RowResult
from bulkjob.report.annotated import render_annotated
from bulkjob.report.results_workbook import render_results_workbook
from bulkjob.report.retry import render_retry_workbook
from bulkjob.sheet import check
from bulkjob.vocabulary import Code, Exit, Status
from tests.report.conftest import MakeEnding, MakeSheet
from tests.support.hostile import HOSTILE

PROGRAM = shutil.which("soffice")

#: Comma, quotation marks, UTF-8, all worksheets; cells as they are shown, so that a formula would show its result.
FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,false,false,false,-1"

Opened = Callable[[Mapping[str, bytes]], Path]
"""A folder with each worksheet of some workbooks as a CSV."""


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    def opened(books: Mapping[str, bytes]) -> Path:
        for name, data in books.items():
            (tmp_path / name).write_bytes(data)
        profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
        command = [str(PROGRAM), profile, "--headless", "--convert-to", FILTER, "--outdir", str(tmp_path / "csv")]
        subprocess.run([*command, *(str(tmp_path / name) for name in books)], check=True, capture_output=True, timeout=180)
        return tmp_path / "csv"

    return opened


@pytest.mark.skipif(PROGRAM is None, reason="needs LibreOffice: apt install libreoffice-calc")
def test_hostile_cells_are_shown_as_they_are(opened: Opened, make_sheet: MakeSheet, make_ending: MakeEnding) -> None:
    """LibreOffice shows each text of each workbook as it came, nothing calculated; a carriage return is a line end to it."""
    sheet = make_sheet(["department", "unit", "note"], [["d", "", note] for note in HOSTILE.values()])
    results = {
        row: RowResult(row=row, status=Status.FAILED, code=Code.REJECTED, message=note) for row, note in enumerate(HOSTILE.values(), 2)
    }
    retry = render_retry_workbook(sheet, results)
    assert retry is not None
    folder = opened(
        {
            "annotated.xlsx": render_annotated(check(sheet)),
            "results.xlsx": render_results_workbook(sheet, results, make_ending(Exit.ROWS_NOT_DONE)),
            "retry.xlsx": retry,
        }
    )
    for name in ("annotated-reorg", "results-Rows", "retry-Retry"):
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        shown = [row[header.index("note")] for row in rows]
        assert shown == [note.replace("\r\n", "\n").replace("\r", "\n") for note in HOSTILE.values()], name
