"""results.csv, retry.csv and retry.xlsx."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.records.results import RowResult
from bulkjob.records.sheet import Sheet
from bulkjob.report import retry
from bulkjob.report.results import render_results, results_rows
from bulkjob.report.retry import render_retry, render_retry_workbook
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.sheet.text import stripped
from bulkjob.vocabulary import OUTCOME_COLUMNS, Code, Effect, Status

MakeSheet = Callable[..., Sheet]

# Neither surrogates nor NUL can be in a sheet: it was read from a file of text.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
risky_texts = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", "'=", "''@", "'", '"', "\n", ",", ";"]), texts)
cells = texts | risky_texts


def read(data: bytes) -> list[list[str]]:
    """Read a CSV report back as the csv module sees it."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def unguarded(cell: str) -> str:
    """Take one apostrophe off, if it stands before what a spreadsheet would take for a formula; written here once more on purpose."""
    return cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell


def done(row: int, message: str = "Already so.") -> RowResult:
    return RowResult(row=row, status=Status.SUCCESS, change=Effect.UNCHANGED, message=message)


def failed(row: int) -> RowResult:
    return RowResult(row=row, status=Status.FAILED, code=Code.REJECTED, message="No.", attempts=1, http_status=400, seconds=0.25)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]], list[int]]:
    width = draw(st.integers(1, 5))
    headers = draw(st.lists(cells, min_size=width, max_size=width))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=6))
    numbers = draw(st.lists(st.integers(2, 1_000_000), min_size=len(rows), max_size=len(rows), unique=True))
    return headers, rows, sorted(numbers)


@settings(deadline=None)
@given(table=tables(), message=cells)
def test_every_row_once_in_order_with_its_own_cells(
    make_sheet: MakeSheet, table: tuple[list[str], list[list[str]], list[int]], message: str
) -> None:
    """Whatever the cells hold, results.csv read back has the sheet's rows in the sheet's order with the very same cells."""
    headers, rows, numbers = table
    sheet = make_sheet(headers, rows, numbers)
    results = {number: done(number, message) for number in reversed(numbers)}
    header, *lines = read(render_results(sheet, results))
    assert [unguarded(cell) for cell in header] == [*headers, *OUTCOME_COLUMNS]
    assert [[unguarded(cell) for cell in line[: len(headers)]] for line in lines] == rows
    assert [line[len(headers)] for line in lines] == [str(number) for number in numbers]
    assert all(unguarded(line[len(headers) + 4]) == message for line in lines)


@settings(deadline=None)
@given(table=tables())
def test_no_cell_or_header_starts_a_formula(make_sheet: MakeSheet, table: tuple[list[str], list[list[str]], list[int]]) -> None:
    """No cell of a CSV report begins with a character that starts a formula, a lone ``-`` apart."""
    headers, rows, numbers = table
    results = {number: failed(number) for number in numbers}
    sheet = make_sheet(headers, rows, numbers)
    for data in (render_results(sheet, results), render_retry(sheet, results) or b""):
        found = [cell for line in read(data) for cell in line if cell != "-" and cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert found == []


def test_the_file_byte_by_byte(make_sheet: MakeSheet) -> None:
    """results.csv begins with a BOM and the fixed columns, quotes as RFC 4180 says and ends its lines with CRLF."""
    sheet = make_sheet(["department", "", "agent", ""], [["Köln, Süd", "a", "@anna", "-"], ['"NA"', "", "=x", ""]], [2, 5])
    results = {
        2: RowResult(row=2, status=Status.SUCCESS, change=Effect.UPDATED, message="Added.", attempts=2, http_status=200, seconds=1.23456),
        5: RowResult(row=5, status=Status.NOT_SENT, code=Code.REFUSED, message="-no-"),
    }
    assert (
        render_results(sheet, results)
        == (
            "\ufeffdepartment,,agent,,row,status,change,code,message,attempts,http_status,seconds\r\n"
            '"Köln, Süd",a,\'@anna,-,2,success,updated,,Added.,2,200,1.235\r\n'
            '"""NA""",,\'=x,,5,not_sent,,refused,\'-no-,,,\r\n'
        ).encode()
    )


def test_repeated_headers_stay_apart(make_sheet: MakeSheet) -> None:
    """Two columns of the same name both come through, each with its own cells."""
    header, line = read(render_results(make_sheet(["department", "note", "note"], [["Sales", "a", "b"]]), {2: done(2)}))
    assert (header[:3], line[:3]) == (["department", "note", "note"], ["Sales", "a", "b"])


def test_odd_characters_in_the_servers_words_still_give_a_file(make_sheet: MakeSheet) -> None:
    """What no file can hold becomes a question mark instead of a lost report."""
    _, line = read(render_results(make_sheet(["department"], [["Sales"]]), {2: done(2, "said \ud800 \0 so")}))
    assert line[5] == "said ? ? so"


@pytest.mark.parametrize(
    ("results", "complaint"),
    [
        ({2: done(2)}, "rows without a result: \\[3\\]"),
        ({2: done(2), 3: done(3), 9: done(9)}, "results of no row: \\[9\\]"),
        ({2: done(2), 3: done(2)}, "results kept for another row: \\[3\\]"),
    ],
)
def test_a_report_that_would_lie_about_rows_is_a_defect(make_sheet: MakeSheet, results: dict[int, RowResult], complaint: str) -> None:
    """A row without a result, or a result without its row, raises instead of being papered over."""
    with pytest.raises(ValueError, match=complaint):
        render_results(make_sheet(["department"], [["a"], ["b"]]), results)


def test_a_row_number_that_occurs_twice_is_a_defect(make_sheet: MakeSheet) -> None:
    """Two rows of the same number cannot both have the one result."""
    with pytest.raises(ValueError, match="row numbers that occur twice: \\[2\\]"):
        render_results(make_sheet(["department"], [["a"], ["b"]], [2, 2]), {2: done(2)})


def test_every_cell_is_text(make_sheet: MakeSheet) -> None:
    """The rows behind the file have the sheet's own cells, then the outcome, all of it text."""
    rows = list(results_rows(make_sheet(["department"], [["a"], ["b"]], [4, 9]), {4: done(4), 9: failed(9)}))
    assert [row[:2] for row in rows] == [("a", "4"), ("b", "9")]
    assert rows[1] == ("b", "9", "failed", "", "rejected", "No.", "1", "400", "0.250")


def test_an_empty_sheet_has_a_header_line(make_sheet: MakeSheet) -> None:
    """Without rows there is still the line of headers."""
    assert read(render_results(make_sheet(["department"], []), {})) == [["department", *OUTCOME_COLUMNS]]


def rows_of(data: bytes | None) -> Sequence[Sequence[str]]:
    assert data is not None
    return read(data)


def test_retry_holds_the_rows_that_are_not_done(make_sheet: MakeSheet) -> None:
    """retry.csv has the sheet's own columns alone, and just the rows that are not a success, in the sheet's order."""
    sheet = make_sheet(["department", "lead"], [["a", "x"], ["b", "y"], ["a", "z"]])
    results = {2: done(2), 3: failed(3), 4: RowResult(row=4, status=Status.INVALID, code=Code.BAD_NUMBER)}
    assert rows_of(render_retry(sheet, results)) == [["department", "lead"], ["b", "y"], ["a", "z"]]


def test_no_retry_file_when_all_is_done(make_sheet: MakeSheet) -> None:
    """Where every row is a success there is nothing to feed again."""
    assert render_retry(make_sheet(["department"], [["a"]]), {2: done(2)}) is None


def test_mirrored_departments_come_whole(make_sheet: MakeSheet) -> None:
    """With mirror, a row that is not done brings all rows of its department; a row without a known department stands for itself."""
    sheet = make_sheet(["department"], [["a"], ["b"], ["A"], ["?"], ["c"], ["!"]])
    results = {row: done(row) for row in (2, 3, 5, 6)} | {4: failed(4), 7: failed(7)}
    departments = {2: "d-a", 3: "d-b", 4: "d-a", 6: "d-c"}
    assert rows_of(render_retry(sheet, results, departments=departments)) == [["department"], ["a"], ["A"], ["!"]]


def test_rows_that_rename_what_is_left_come_along(make_sheet: MakeSheet) -> None:
    """A row that is not done brings the rows that rename what it names, these what they name, and with mirror all of their departments."""
    sheet = make_sheet(["department"], [["a"], ["b"], ["A"], ["c"], ["d"]])
    results = {row: done(row) for row in (2, 3, 4, 6)} | {5: failed(5)}
    renamers = {5: {3}, 3: {3, 2}, 4: {6}}
    assert rows_of(render_retry(sheet, results, renamers=renamers)) == [["department"], ["a"], ["b"], ["c"]]
    departments = {2: "d-a", 3: "d-b", 4: "d-a", 5: "d-c", 6: "d-d"}
    whole = [["department"], ["a"], ["b"], ["A"], ["c"], ["d"]]
    assert rows_of(render_retry(sheet, results, departments=departments, renamers=renamers)) == whole
    assert render_retry(sheet, {row: done(row) for row in results}, renamers=renamers) is None


@settings(deadline=None)
@given(table=tables())
def test_a_report_can_be_fed_back(make_sheet: MakeSheet, table: tuple[list[str], list[list[str]], list[int]]) -> None:
    """Read as a sheet again, results.csv and retry.csv give the same cells under the same headers, without the outcome columns."""
    headers, rows, numbers = table
    headers = ["department", *(f"{header}." for header in headers)]
    rows = [["Sales", *row] for row in rows]
    sheet = make_sheet(headers, rows, numbers)
    results = {number: failed(number) for number in numbers}
    for data in (render_results(sheet, results), render_retry(sheet, results)):
        if data is not None and rows:
            again = parse(data, "results.csv")
            assert again.cells.to_numpy().tolist() == rows
            assert again.headers == tuple(stripped(header) for header in headers)


RAGGED = {
    "too short": "department,unit,agent\nSales,EMEA\n",
    "too long": "department,unit,agent\nSales,EMEA,anna,x\n",
    "too long, after a blank": "department,unit,agent\nSales,EMEA,,,'=x,\n",
    "a report, too short": "department,unit,agent,row,status\nSales,EMEA\n",
    "a report, too long": "department,unit,agent,row,status\nSales,EMEA,anna,2,failed,x\n",
    "headers that end in blanks": "department,unit,agent,,\nSales,EMEA\n",
    "headers that end in blanks, too long": "department,unit,agent,,\nSales,EMEA,anna,,,x\n",
}


@pytest.mark.parametrize("case", RAGGED)
def test_a_ragged_row_is_refused_again(case: str) -> None:
    """A row with fewer cells than headers, or with something beyond them, comes back as it came: uncorrected it is refused again."""
    sheet = parse(RAGGED[case].encode(), "s.csv")
    data = render_retry(sheet, {2: failed(2)})
    assert data is not None
    again = check(parse(data, "retry.csv"))
    assert [problem.code for problem in again.problems] == [Code.RAGGED_ROW]
    assert again.sheet.headers[:3] == ("department", "unit", "agent")
    assert rows_of(data)[1][:2] == ["Sales", "EMEA"]


def test_the_cells_of_a_ragged_row_come_back() -> None:
    """What stands beyond the headers is in retry.csv at its place, and left out of results.csv, whose outcome columns would slip."""
    sheet = parse(b"department,unit\nSales,EMEA,,slipped\nService,EMEA\n", "s.csv")
    results = {2: failed(2), 3: failed(3)}
    assert rows_of(render_retry(sheet, results)) == [["department", "unit"], ["Sales", "EMEA", "", "slipped"], ["Service", "EMEA"]]
    assert [line[:3] for line in rows_of(render_results(sheet, results))[1:]] == [["Sales", "EMEA", "2"], ["Service", "EMEA", "3"]]


def test_a_text_far_beyond_the_headers_comes_nearer(make_sheet: MakeSheet) -> None:
    """A text in the last column of a workbook makes its row ragged again, but not sixteen thousand cells long."""
    sheet = replace(make_sheet(["department"], [["Sales"]]), beyond={2: ((16_383, "far"), (16_384, "further"))})
    line = rows_of(render_retry(sheet, {2: failed(2)}))[1]
    assert [cell for cell in line if cell] == ["Sales", "far", "further"]
    assert len(line) < 300


def workbook_rows(data: bytes | None) -> list[list[str]]:
    """The sheet's own cells, all of them texts, behind the number of the row that each was."""
    assert data is not None
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet.freeze_panes == "C2"
    assert [cell.value for cell in sheet[1][:3]] == ["Row", "Status", "Message"]
    assert {cell.data_type for row in sheet.iter_rows(min_col=2) for cell in row if cell.value is not None} == {"s"}
    return [[cell or "" for cell in row[3:]] for row in sheet.values]


def test_retry_workbook_has_the_same_rows(make_sheet: MakeSheet) -> None:
    """retry.xlsx holds what retry.csv holds, each cell a text without apostrophe, the headers frozen."""
    sheet = make_sheet(["department", "note", ""], [["a", "x", ""], ["=b", "007", "-"], ["@c", "http://x", "1"]])
    results = {2: done(2), 3: failed(3), 4: failed(4)}
    assert workbook_rows(render_retry_workbook(sheet, results)) == [["department", "note", ""], ["=b", "007", "-"], ["@c", "http://x", "1"]]
    assert len(workbook_rows(render_retry_workbook(sheet, results, departments={2: "d", 3: "d"}))) == 4
    assert render_retry_workbook(sheet, {row: done(row) for row in (2, 3, 4)}) is None


def test_retry_workbook_says_why_each_row_is_left(make_sheet: MakeSheet) -> None:
    """Before its cells each row has the number that it had, what became of it, and why; fed again, none of that is read or carried."""
    sheet = make_sheet(["department", "unit"], [["a", "u"], ["b", "u"], ["c", "u"]], [2, 5, 9])
    results = {2: done(2), 5: failed(5), 9: RowResult(row=9, status=Status.NOT_SENT, code=Code.STOPPED, message="Later.")}
    data = render_retry_workbook(sheet, results)
    assert data is not None
    rows = list(openpyxl.load_workbook(io.BytesIO(data)).active.values)
    assert [row[:4] for row in rows[1:]] == [(5, "failed", "No.", "b"), (9, "not sent", "Later.", "c")]
    again = parse(data, "retry.xlsx")
    assert again.headers == ("department", "unit")
    assert again.cells.to_numpy().tolist() == [["b", "u"], ["c", "u"]]


def test_retry_workbook_refuses_what_only_csv_can_hold(make_sheet: MakeSheet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a row has too few cells, a text or a row is too long, or the rows are too many, there is no retry.xlsx that would lie."""
    short = parse(b"department,unit\nSales\nService,EMEA\n", "s.csv")
    assert render_retry_workbook(short, {2: failed(2), 3: failed(3)}) is None
    assert workbook_rows(render_retry_workbook(short, {2: done(2), 3: failed(3)}))[1:] == [["Service", "EMEA"]]
    assert render_retry_workbook(make_sheet(["department"], [["x" * 32_768]]), {2: failed(2)}) is None
    wide = make_sheet(["department"], [["Sales"]])
    assert render_retry_workbook(replace(wide, beyond={2: tuple((1 + place, "x") for place in range(16_384))}), {2: failed(2)}) is None
    monkeypatch.setattr(retry, "MOST_WORKBOOK_ROWS", 1)
    assert render_retry_workbook(make_sheet(["department"], [["a"], ["b"]]), {2: failed(2), 3: failed(3)}) is None


def test_a_row_slipped_to_the_right_is_refused_again_from_the_workbook() -> None:
    """What stands beyond the headers is in retry.xlsx too, and makes its row ragged again."""
    sheet = parse(b"department,unit\nSales,EMEA,,slipped\n", "s.csv")
    data = render_retry_workbook(sheet, {2: failed(2)})
    assert data is not None
    assert [problem.cell for problem in check(parse(data, "retry.xlsx")).problems] == ["G2"]
