"""results.xlsx: the verdict, what to do, and every row, those that need somebody first."""

import io
from dataclasses import replace

import openpyxl
import pytest
from msgspec import structs

from bulkjob.records import RowResult, Sheet
from bulkjob.report import results_workbook
from bulkjob.report.results_workbook import render_results_workbook
from bulkjob.report.summary import RunFigures
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Code, Effect, Exit, Status
from tests.report.conftest import MakeEnding, MakeSheet
from tests.support.hostile import texts_in

RESULTS = {
    2: RowResult(row=2, status=Status.SUCCESS, change=Effect.UNCHANGED, message="Already correct."),
    3: RowResult(row=3, status=Status.SUCCESS, change=Effect.UPDATED, message="Moved.", attempts=1, http_status=200, seconds=0.1234),
    4: RowResult(row=4, status=Status.NOT_SENT, code=Code.STOPPED, message="Later."),
    5: RowResult(row=5, status=Status.INVALID, code=Code.UNKNOWN_UNIT, message='There is no unit "X".'),
    6: RowResult(row=6, status=Status.FAILED, code=Code.REJECTED, message="No. " * 50, attempts=1, http_status=400, seconds=1.0),
    7: RowResult(row=7, status=Status.FAILED, code=Code.REJECTED, message="Neither."),
    8: RowResult(row=8, status=Status.FAILED, code=Code.TIMEOUT, message="Late."),
}


@pytest.fixture
def sheet(make_sheet: MakeSheet) -> Sheet:
    return make_sheet(["department", "Kst"], [[f"d{row}", f"00{row}"] for row in RESULTS], list(RESULTS))


def test_every_row_is_there_problems_first(sheet: Sheet, make_ending: MakeEnding) -> None:
    """Failed, invalid and unsent rows come first, then changed ones, each kind in the sheet's order, with the sheet's own cells."""
    rows = texts_in(render_results_workbook(sheet, RESULTS, make_ending(Exit.ROWS_NOT_DONE)), 1)
    assert rows[0] == ["Row", "Status", "Message", "department", "Kst", "Code", "Attempts", "HTTP status", "Seconds"]
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        ("6", "failed", "d6"),
        ("7", "failed", "d7"),
        ("8", "failed", "d8"),
        ("5", "invalid", "d5"),
        ("4", "not sent", "d4"),
        ("3", "changed", "d3"),
        ("2", "already correct", "d2"),
    ]
    assert rows[6] == ["3", "changed", "Moved.", "d3", "003", "", "1", "200", "0.123"]


def test_it_can_be_looked_through(sheet: Sheet, make_ending: MakeEnding) -> None:
    """Headers stay in sight and have filters, what became of a row has its colour, ids are texts, and long messages have room."""
    book = openpyxl.load_workbook(io.BytesIO(render_results_workbook(sheet, RESULTS, make_ending(Exit.ROWS_NOT_DONE))))
    assert book.sheetnames == ["Summary", "Rows"]
    rows = book["Rows"]
    assert (rows.freeze_panes, rows.auto_filter.ref) == ("C2", "A1:I8")
    colours = {rows.cell(row, 2).value: rows.cell(row, 2).fill.fgColor.rgb for row in range(2, 9)}
    assert len(set(colours.values())) == len(colours) == 5
    assert rows["E2"].value == "006"
    assert rows["E2"].number_format == "@"
    assert rows["A2"].data_type == "n"
    assert (rows.row_dimensions[2].height or 0) > 40
    assert rows.row_dimensions[3].height is None


def test_fed_back_it_is_the_sheet(sheet: Sheet, make_ending: MakeEnding) -> None:
    """The worksheet with the rows, read as a sheet, has the sheet's own columns alone."""
    data = render_results_workbook(sheet, RESULTS, make_ending(Exit.ROWS_NOT_DONE))
    again = check(parse(data, "results.xlsx", sheet_name="Rows")).sheet
    assert again.headers == ("department", "Kst")
    assert sorted(again.cells.to_numpy().tolist()) == sorted(sheet.cells.to_numpy().tolist())


def test_the_first_worksheet_is_the_verdict(sheet: Sheet, make_ending: MakeEnding) -> None:
    """The verdict first, then what to do, the reasons with their rows, how many rows of each kind, warnings, and how to read it."""
    figures = RunFigures(warnings=tuple(f"Warning {number}." for number in range(60)))
    ending = replace(make_ending(Exit.ROWS_NOT_DONE, figures=figures), owned=True, retry="retry.xlsx")
    rows = [[cell for cell in row if cell] for row in texts_in(render_results_workbook(sheet, RESULTS, ending, annotated=True))]
    assert rows[0] == ["reorg.csv: 3 of 7 rows failed, 1 is invalid, 1 was not sent; 2 are in place: 1 changed, 1 already correct."]
    todo = rows.index(["What to do"])
    assert [row[0].split(":")[0] for row in rows[todo + 1 : todo + 3]] == ["Invalid rows", "Failed rows"]
    assert "annotated.xlsx" in rows[todo + 1][0]
    assert rows[todo + 3][0].startswith("retry.xlsx has only the rows that are left")
    reasons = rows.index(["Rows", "Status", "Which", "What happened and what to do"])
    assert rows[reasons + 1][:3] == ["2", "failed", "rows 6 and 7"]
    assert rows[reasons + 1][3].startswith("Row 6, for example: No.")
    assert rows[reasons + 2 : reasons + 5] == [
        ["1", "failed", "row 8", "Late."],
        ["1", "invalid", "row 5", 'There is no unit "X".'],
        ["1", "not sent", "row 4", "Later."],
    ]
    counts = rows.index(["Rows", "Status"])
    assert rows[counts + 1 : counts + 7] == [
        ["3", "failed"],
        ["1", "invalid"],
        ["1", "not sent"],
        ["1", "changed"],
        ["1", "already correct"],
        ["7", "in all"],
    ]
    assert ["10 more warnings in summary.json."] in rows


def test_where_all_is_well_there_is_nothing_to_do(sheet: Sheet, make_ending: MakeEnding) -> None:
    """A run that has done everything says so, and gives no reasons."""
    results = {row: structs.replace(RESULTS[3], row=row) for row in RESULTS}
    rows = [row[0] for row in texts_in(render_results_workbook(sheet, results, make_ending(Exit.OK)))]
    assert rows[0] == "reorg.csv: All 7 rows are in place: 7 changed."
    assert rows[rows.index("What to do") + 1] == "Nothing left to do."
    assert not any("reason" in row for row in rows)


@pytest.mark.parametrize("exit_code", [each for each in Exit if each is not Exit.OK])
@pytest.mark.parametrize("undoes", [False, True])
def test_every_ending_has_something_to_do(sheet: Sheet, make_ending: MakeEnding, exit_code: Exit, undoes: bool) -> None:  # noqa: FBT001  # a case
    """However a run or a rollback ended early, there is something to do, and why it ended is said."""
    ending = replace(make_ending(exit_code, "Why."), undoes=undoes)
    for one in (RowResult(row=2, status=Status.NOT_SENT, code=Code.INTERRUPTED, message="Later."), RESULTS[3]):
        results = {row: structs.replace(one, row=row) for row in RESULTS}
        rows = [row[0] for row in texts_in(render_results_workbook(sheet, results, ending))]
        assert rows[1] == "Why."
        assert rows[rows.index("What to do") + 1]


def test_of_very_many_rows_those_that_need_nobody_are_left_out(
    sheet: Sheet, make_ending: MakeEnding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit rows are left out that need nobody, and both worksheets say where they are."""
    monkeypatch.setattr(results_workbook, "MOST_RESULT_ROWS", 5)
    data = render_results_workbook(sheet, RESULTS, make_ending(Exit.ROWS_NOT_DONE))
    rows = texts_in(data, 1)
    assert [row[1] for row in rows[1:6]] == ["failed", "failed", "failed", "invalid", "not sent"]
    assert rows[6][2] == "2 more rows in results.csv."
    assert ["Only the first 5 are in it; results.csv has all 7."] in [[cell for cell in row if cell] for row in texts_in(data)]


def test_a_sheet_as_wide_as_a_worksheet(make_sheet: MakeSheet, make_ending: MakeEnding, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sheet's own columns leave no room for what became of its rows, the last of them are left out."""
    monkeypatch.setattr(results_workbook, "MOST_COLUMNS", 10)
    wide = make_sheet(["department", "b", "c", "d"], [["1", "2", "3", "4"]])
    rows = texts_in(render_results_workbook(wide, {2: RESULTS[2]}, make_ending(Exit.OK)), 1)
    assert rows[0][3:7] == ["department", "b", "c", "Code"]
    assert rows[1][:6] == ["2", "already correct", "Already correct.", "1", "2", "3"]
