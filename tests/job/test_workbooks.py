"""The workbooks of a run, from the sheet with a mistake in it to the sheet that was mended in them."""

import csv
import io
from pathlib import Path

import openpyxl

from bulkjob.vocabulary import Exit
from tests.support.rehearsal import rehearse
from tests.support.states import State, parents

SHEET = "department,unit,agent,note\nalpha,south,cid,007\nbeta,nowhere,bob,=1+1\n"


def texts(path: Path, worksheet: int = 0) -> list[list[object]]:
    return [[cell for cell in row if cell is not None] for row in openpyxl.load_workbook(path).worksheets[worksheet].values]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix in (".csv", ".xlsx"))


def test_a_name_that_the_server_does_not_know_is_marked(tmp_path: Path, small: State) -> None:
    """A misspelt name, which only the server shows, is red in annotated.xlsx, with what to do; the other files say the same."""
    ran = rehearse(tmp_path, small, SHEET)
    assert ran.exit == Exit.BAD_SHEET
    assert names(ran.folder) == ["annotated.xlsx", "problems.csv", "results.csv", "results.xlsx", "retry.csv", "retry.xlsx"]
    (problem,) = csv.DictReader(io.StringIO((ran.folder / "problems.csv").read_bytes().decode("utf-8-sig")))
    assert (problem["cell"], problem["value"], problem["code"]) == ("B3", "nowhere", "unknown-unit")
    sheet = openpyxl.load_workbook(ran.folder / "annotated.xlsx").worksheets[0]
    marked = [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.fill.fgColor.rgb == "FFFFC7CE"]
    assert marked == ["B3"]
    assert sheet["E3"].value == sheet["B3"].comment.text == problem["message"]
    assert [1, "invalid", "row 3", problem["message"]] in texts(ran.folder / "results.xlsx")


def test_the_marked_sheet_is_corrected_and_run(tmp_path: Path, small: State) -> None:
    """annotated.xlsx with its red cell corrected is a sheet that runs, and the good run takes the marks of the bad one away."""
    ran = rehearse(tmp_path, small, SHEET)
    book = openpyxl.load_workbook(ran.folder / "annotated.xlsx")
    book.worksheets[0]["B3"].value = "north"
    book.save(tmp_path / "corrected.xlsx")
    again = rehearse(tmp_path, small, tmp_path / "corrected.xlsx")
    assert again.exit == Exit.OK
    assert names(again.folder) == ["results.csv", "results.xlsx"]
    assert parents(again.after)["alpha"] == "south"
    assert again.column("note") == ["007", "'=1+1"]
    assert texts(again.folder / "results.xlsx")[0] == ["corrected.xlsx: All 2 rows are in place: 1 changed, 1 already correct."]
    rows = texts(again.folder / "results.xlsx", 1)[1:]
    assert [row[:2] + row[3:7] for row in rows] == [
        [2, "changed", "alpha", "south", "cid", "007"],
        [3, "already correct", "beta", "north", "bob", "=1+1"],
    ]


def test_what_is_left_is_corrected_and_run(tmp_path: Path, small: State) -> None:
    """retry.xlsx of a run that went ahead without its invalid row has that row alone and its reason; corrected, it runs."""
    ran = rehearse(tmp_path, small, SHEET, skip_invalid=True)
    assert ran.exit == Exit.ROWS_NOT_DONE
    head, left = texts(ran.folder / "retry.xlsx")
    assert head[:3] == ["Row", "Status", "Message"]
    assert (left[:2], left[3:]) == ([3, "invalid"], ["beta", "nowhere", "bob", "=1+1"])
    book = openpyxl.load_workbook(ran.folder / "retry.xlsx")
    book.worksheets[0]["E2"].value = "south"
    book.save(tmp_path / "corrected.xlsx")
    again = rehearse(tmp_path / "second", ran.after, tmp_path / "corrected.xlsx")
    assert again.exit == Exit.OK
    assert list(again.rows[0])[:4] == ["department", "unit", "agent", "note"]
    assert parents(again.after)["beta"] == "south"
