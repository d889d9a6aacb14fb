"""Reports of a sheet or a plan that are asked for by name."""

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from bulkjob.records import CheckedSheet, Problem, RowResult
from bulkjob.report import PROBLEM_FILES, remove_problem_files, with_invalid_rows, write_plan_workbook, write_problem_files
from bulkjob.report import annotated as module
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Code, Exit, Status, Stop
from tests.report.test_plan_workbook import plan_of


@pytest.fixture
def checked() -> CheckedSheet:
    return check(parse(b"department,unit\nSales,\n", "s.csv"))


def test_the_list_and_the_marked_copy(tmp_path: Path, checked: CheckedSheet) -> None:
    """Both are written, with the same problems, and taken away again."""
    assert write_problem_files(tmp_path, checked) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PROBLEM_FILES)
    listed = list(csv.DictReader(io.StringIO((tmp_path / "problems.csv").read_bytes().decode("utf-8-sig"))))
    assert [row["code"] for row in listed] == ["nothing-to-do"]
    assert openpyxl.load_workbook(tmp_path / "annotated.xlsx").worksheets[0]["C2"].value == listed[0]["message"]
    remove_problem_files(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_that_the_server_does_not_know_are_marked(tmp_path: Path) -> None:
    """What the server's lists showed is written with what the sheet alone shows, by row and column."""
    checked = check(parse(b"department,unit,agent,count\nSales,EMEA,anna,x\nPress,Nowhere,bert,\n", "s.csv"))
    found = Problem(row=3, column="unit", cell="B3", value="Nowhere", code=Code.UNKNOWN_UNIT, message="There is no such unit.")
    results = {row: RowResult(row=row, status=Status.INVALID) for row in (2, 3)}
    whole = with_invalid_rows(checked, [found], results)
    assert [problem.cell for problem in whole.problems] == ["D2", "B3"]
    write_problem_files(tmp_path, whole)
    assert openpyxl.load_workbook(tmp_path / "annotated.xlsx").worksheets[0]["B3"].comment.text == found.message


def test_a_sheet_that_is_too_large(tmp_path: Path, checked: CheckedSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no workbook can hold the sheet, the list is written alone, an old copy goes, and a sentence says so."""
    write_problem_files(tmp_path, checked)
    monkeypatch.setattr(module, "MOST_ROWS", 1)
    assert write_problem_files(tmp_path, checked).startswith("annotated.xlsx was not written: ")
    assert [path.name for path in tmp_path.iterdir()] == ["problems.csv"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, checked: CheckedSheet) -> None:
    """A place that cannot be written to is 73, in one sentence."""
    for write in (
        lambda: write_problem_files(tmp_path / "nowhere", checked),
        lambda: write_plan_workbook(tmp_path / "nowhere" / "plan.xlsx", plan_of()),
    ):
        with pytest.raises(Stop, match="No such file") as stopped:
            write()
        assert stopped.value.exit_code is Exit.CANNOT_CREATE


def test_the_plan(tmp_path: Path) -> None:
    """plan.xlsx is written as a whole, over what was there."""
    (tmp_path / "plan.xlsx").write_bytes(b"old")
    write_plan_workbook(tmp_path / "plan.xlsx", plan_of())
    assert openpyxl.load_workbook(tmp_path / "plan.xlsx").sheetnames == ["Plan", "Units", "Departments", "Rows"]
    assert [path.name for path in tmp_path.iterdir()] == ["plan.xlsx"]
