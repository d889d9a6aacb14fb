"""Nasty cells and workbooks, each with what the user sees."""

# ruff: noqa: E501  # tables read best with a case on a line

import datetime as dt
import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from openpyxl import Workbook

Look = Callable[..., Any]

HEADERS = '<row r="1"><c r="A1" t="inlineStr"><is><t>department</t></is></c><c r="B1" t="inlineStr"><is><t>unit</t></is></c><c r="C1" t="inlineStr"><is><t>note</t></is></c><c r="D1" t="inlineStr"><is><t>agent</t></is></c><c r="E1" t="inlineStr"><is><t>count</t></is></c></row>'
UNIT = '<c r="B2" t="inlineStr"><is><t>u</t></is></c>'

#: Each cell stands in A2 (a column that matters) and in C2 (one that does not): what A2 shows, the code of its problem, what C2 shows.
CELLS = {
    "shared string": ('t="s"', "<v>0</v>", "Sales & Co", "", None),
    "shared string in runs, without its phonetic reading": ('t="s"', "<v>1</v>", "Sales EMEA", "", None),
    "inline string": ('t="inlineStr"', "<is><t>NA</t></is>", "NA", "", None),
    "inline string in runs": ('t="inlineStr"', '<is><r><t>North</t></r><r><t xml:space="preserve"> West</t></r></is>', "North West", "", None),
    "escaped characters": ('t="inlineStr"', "<is><t>a &lt; b &amp; c &#233; _x0041__x005F_x0041_</t></is>", "a < b & c é A_x0041_", "", None),
    "own text without its kind": ("", "<is><t>North</t></is>", "North", "", None),
    "own text with the kind of a number": ('t="n"', "<is><t>007</t></is>", "007", "", None),
    "own text with the kind of a result": ('t="str"', "<is><t>007</t></is>", "007", "", None),
    "own text as a value": ('t="inlineStr"', "<v>North</v>", "North", "", None),
    "own text and the same value": ('t="inlineStr"', "<is><t>North</t></is><v>North</v>", "North", "", None),
    "own text and an empty value": ('t="inlineStr"', "<v/><is><t>North</t></is>", "North", "", None),
    "number with spaces": ("", "<v> 7 </v>", "7", "", None),
    "number with a point only": ("", "<v>7.</v>", "7", "", None),
    "true in letters": ('t="b"', "<v>true</v>", "TRUE", "", None),
    "false in letters": ('t="b"', "<v>false</v>", "FALSE", "", None),
    "a zero that is not shown": ('s="9"', "<v>0</v>", "", "missing-department", None),
    "digits with an underscore": ("", "<v>1_0</v>", "1_0", "excel-error", None),
    "not a number": ("", "<v>nan</v>", "nan", "excel-error", None),
    "not a finite number": ('t="n"', "<v>Infinity</v>", "Infinity", "excel-error", None),
    "digits of another script": ("", "<v>٣</v>", "٣", "excel-error", None),
    "neither true nor false": ('t="b"', "<v>2</v>", "2", "excel-error", None),
    "text that looks like a number": ('t="inlineStr"', "<is><t>007</t></is>", "007", "", None),
    "text that looks like a formula": ('t="inlineStr"', "<is><t>=1+1</t></is>", "=1+1", "", None),
    "text with an apostrophe stays": ('t="inlineStr"', "<is><t>'=1+1</t></is>", "'=1+1", "", None),
    "whole number": ("", "<v>1001</v>", "1001", "", None),
    "whole number written as a fraction": ("", "<v>1001.0</v>", "1001", "", None),
    "number with an exponent": ("", "<v>1E5</v>", "100000", "", None),
    "negative number": ("", "<v>-7</v>", "-7", "", None),
    "fraction with arithmetic noise": ("", "<v>0.30000000000000004</v>", "0.3", "", None),
    "fifteen digits": ("", "<v>123456789012345</v>", "123456789012345", "", None),
    "sixteen digits": ("", "<v>1234567890123450</v>", "1234567890123450", "excel-number", None),
    "seventeen digits with an exponent": ("", "<v>1.2345678901234499E+16</v>", "12345678901234500", "excel-number", None),
    "twenty-five digits": ("", "<v>1.2345678901234499E+24</v>", "1.23456789012345E+24", "excel-number", None),
    "zero-padded": ('s="1"', "<v>42</v>", "00042", "", None),
    "thousands": ('s="2"', "<v>1234567</v>", "1,234,567", "", None),
    "per cent": ('s="3"', "<v>0.125</v>", "12.5%", "", None),
    "prefix in quotes": ('s="4"', "<v>17</v>", "EMP-017", "", None),
    "scientific that keeps the digits": ('s="5"', "<v>100000</v>", "1.00E+05", "", None),
    "scientific that loses digits": ('s="5"', "<v>123456</v>", "1.23E+05", "excel-number", None),
    "date": ('s="6"', "<v>46054</v>", "2026-02-01", "excel-date", None),
    "date and time": ('s="7"', "<v>46054.5</v>", "2026-02-01T12:00:00", "excel-date", None),
    "time": ('s="8"', "<v>0.25</v>", "06:00:00", "excel-date", None),
    "date as text of ISO 8601": ('t="d"', "<v>2026-02-02</v>", "2026-02-02", "excel-date", None),
    "date beyond the calendar": ('s="6"', "<v>99999999</v>", "99999999", "excel-date", None),
    "true": ('t="b"', "<v>1</v>", "TRUE", "", None),
    "false": ('t="b"', "<v>0</v>", "FALSE", "", None),
    "error": ('t="e"', "<v>#N/A</v>", "#N/A", "excel-error", None),
    "error of a formula": ('t="e"', "<f>1/0</f><v>#DIV/0!</v>", "#DIV/0!", "excel-error", None),
    "error as text": ('t="inlineStr"', "<is><t>#REF!</t></is>", "#REF!", "excel-error", None),
    "formula with a text": ('t="str"', "<f>A9&amp;B9</f><v>Sales &amp; Co</v>", "Sales & Co", "", None),
    "formula with a number": ("", "<f>1+1</f><v>2</v>", "2", "", None),
    "formula without a result": ("", "<f>A9&amp;B9</f>", "=A9&B9", "excel-formula", None),
    "formula with an empty result element": ("", "<f>A9</f><v></v>", "=A9", "excel-formula", None),
    "formula with a closed result element": ("", "<f>A9</f><v/>", "=A9", "excel-formula", None),
    "shared formula without a result": ("", '<f t="shared" si="0"/>', "=", "excel-formula", None),
    "formula with no text as its result": ('t="str"', '<f>IF(1,"")</f><v></v>', "", "missing-department", None),
    "formatted but empty": ('s="6"', "", "", "missing-department", None),
    "blank text": ('t="inlineStr"', "<is><t> \u00a0</t></is>", "", "missing-department", ""),
    "ends of a text": ('t="inlineStr"', '<is><t xml:space="preserve"> \u00a0Sales\u200b</t></is>', "Sales", "", " \u00a0Sales\u200b"),
}  # fmt: skip
STRINGS = (
    "<si><t>Sales &amp; Co</t></si>",
    '<si><r><t>Sales</t></r><r><rPr><b/></rPr><t xml:space="preserve"> EMEA</t></r><rPh sb="0" eb="1"><t>x</t></rPh></si>',
)
FORMATS = ("00000", "#,##0", "0.0%", "&quot;EMP-&quot;000", "0.00E+00", "dd/mm/yyyy", "yyyy\\-mm\\-dd hh:mm", "hh:mm:ss", "#,###")


@pytest.mark.parametrize("case", CELLS)
@pytest.mark.parametrize("written", ["as programs write it", "with a prefix", "with other quotes"])
def test_a_cell_is_as_people_saw_it_or_a_problem(case: str, written: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A cell of a workbook comes as people saw it, or is a problem with its address; columns of no meaning never are one."""
    attributes, inside, shown, code, elsewhere = CELLS[case]
    cells = [f'<c r="{place}" {attributes}>{inside}</c>' if attributes else f'<c r="{place}">{inside}</c>' for place in ("A2", "C2")]
    rows = f'{HEADERS}<row r="2">{cells[0]}{UNIT}{cells[1]}</row>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    if written == "with a prefix":
        prefixed = rows.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
        data = raw_xlsx(
            prefixed,
            strings=STRINGS,
            formats=FORMATS,
            root=f'<x:worksheet xmlns:x="{main}">',
            end="</x:worksheet>",
            data=("<x:sheetData>", "</x:sheetData>"),
        )
    elif written == "with other quotes":
        data = raw_xlsx(rows.replace('r="A2"', "r='A2'"), strings=STRINGS, formats=FORMATS)
    else:
        data = raw_xlsx(rows, strings=STRINGS, formats=FORMATS)
    seen = look(data, "plan.xlsx")
    assert seen.rows[2][:3] == [shown, "u", shown if elsewhere is None else elsewhere]
    assert seen.problems == ([f"2 A2 {code}"] if code else [])


NUMBERS = {
    "5": ("<v>5</v>", "", "5", []),
    "5.0": ("<v>5.0</v>", "", "5", []),
    "thousands": ("<v>1000</v>", 's="2"', "1000", []),
    "two decimals": ("<v>5</v>", 's="10"', "5", []),
    "a zero that is not shown": ("<v>0</v>", 's="9"', "0", []),
    "a fraction that a format hides": ("<v>5.4</v>", 's="1"', "5.4", ["2 E2 bad-number"]),
    "negative": ("<v>-1</v>", "", "-1", ["2 E2 bad-number"]),
    "too large": ("<v>2147483648</v>", "", "2147483648", ["2 E2 bad-number"]),
    "largest": ("<v>2147483647</v>", "", "2147483647", []),
    "lost digits": ("<v>1E+16</v>", "", "10000000000000000", ["2 E2 excel-number"]),
    "text": ("<is><t>5.0</t></is>", 't="inlineStr"', "5.0", []),
    "true": ("<v>1</v>", 't="b"', "TRUE", ["2 E2 bad-number"]),
    "date": ("<v>5</v>", 's="6"', "1900-01-05", ["2 E2 excel-date"]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_count_takes_the_number_not_its_format(case: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """In `count` the number itself counts, however its cell is formatted."""
    inside, attributes, shown, problems = NUMBERS[case]
    agent = '<c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="D2" t="inlineStr"><is><t>x</t></is></c>'
    count = f'<c r="E2" {attributes}>{inside}</c>' if attributes else f'<c r="E2">{inside}</c>'
    seen = look(raw_xlsx(f'{HEADERS}<row r="2">{agent}{count}</row>', formats=(*FORMATS, "0.00")), "plan.xlsx")
    assert seen.rows[2][4] == shown
    assert seen.problems == problems


UNCERTAIN = {
    "two values": ('<c r="A2"><v>1</v><v>2</v></c>', "two values for one cell"),
    "two texts": ('<c r="A2" t="inlineStr"><is><t>A</t></is><is><t>B</t></is></c>', "two values for one cell"),
    "a text and another value": ('<c r="A2" t="inlineStr"><is><t>A</t></is><v>B</v></c>', "two values for one cell"),
    "a place of a string as text": ('<c r="A2" t="s"><is><t>0</t></is></c>', "what cell A2 shows"),
    "a date as text": ('<c r="A2" t="d"><is><t>2026-01-02</t></is></c>', "what cell A2 shows"),
    "a text outside of its element": ('<c r="A2" t="inlineStr"><t>A</t></c>', "what cell A2 shows"),
    "a text in no element": ('<c r="A2" t="inlineStr">A</c>', "what cell A2 shows"),
    "a text in half its elements": ('<c r="A2" t="inlineStr"><is>A</is></c>', "what cell A2 shows"),
    "a value for some programs": ('<c r="A2"><mc:AlternateContent><mc:Choice><v>1</v></mc:Choice></mc:AlternateContent></c>', "what cell A2 shows"),
    "a cell for some programs": ('<mc:AlternateContent><mc:Choice><c r="A2"><v>1</v></c></mc:Choice></mc:AlternateContent>', "a cell near row 2"),
}  # fmt: skip


@pytest.mark.parametrize("written", ["as programs write it", "with other quotes"])
@pytest.mark.parametrize("case", UNCERTAIN)
def test_a_value_that_is_not_certain_is_not_passed_over(case: str, written: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """What may be a cell's value, and may not, is neither left out nor guessed at: the workbook is refused."""
    cell, words = UNCERTAIN[case]
    unit = UNIT if written == "as programs write it" else UNIT.replace('r="B2"', "r='B2'")
    assert words in look(raw_xlsx(f'{HEADERS}<row r="2">{cell}{unit}</row>', strings=STRINGS), "p.xlsx").stop.message


def test_what_stands_beside_the_cells_is_no_value(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """Extensions of cells and rows, and alternatives elsewhere in the worksheet, do not matter."""
    extension = "<extLst><ext><v>2</v><x:row><x:c/></x:row></ext></extLst>"
    rows = f'{HEADERS}<row r="2"><c r="A2"><v>1</v>{extension}</c>{UNIT}{extension}</row>'
    after = "<mc:AlternateContent><mc:Choice><controls><c><v>7</v></c></controls></mc:Choice></mc:AlternateContent>"
    assert look(raw_xlsx(rows, after=after), "p.xlsx").rows[2][:2] == ["1", "u"]


@pytest.mark.parametrize("merged", [False, True])
def test_a_zero_that_is_not_shown_is_no_text(merged: bool, look: Look, raw_xlsx: Callable[..., bytes]) -> None:  # noqa: FBT001  # a parameter
    """A row of zeros that nobody sees is blank; merged over rows, such a count is that of each of them."""
    agent = '<c r="A{0}" t="inlineStr"><is><t>A{0}</t></is></c><c r="D{0}" t="inlineStr"><is><t>x</t></is></c>'
    zero = '<c r="E{0}" s="9"><v>0</v></c>'
    rows = [agent.format(2) + zero.format(2), agent.format(3), agent.format(4) + zero.format(4), "", zero.format(6)]
    xml = HEADERS + "".join(f'<row r="{number}">{row}</row>' for number, row in enumerate(rows, start=2))
    after = '<mergeCells><mergeCell ref="E2:E3"/></mergeCells>' if merged else ""
    seen = look(raw_xlsx(xml, formats=FORMATS, after=after), "p.xlsx")
    assert {row: cells[4] for row, cells in seen.rows.items()} == {2: "0", 3: "0" if merged else "", 4: "0"}


@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
def test_libreoffice_files_are_read_as_people_see_them(ending: str, look: Look, golden: Callable[[str], bytes]) -> None:
    """The same sheet saved by LibreOffice in three families of files comes out the same, with the same problems."""
    seen = look(golden(f"libreoffice.{ending}"), f"plan.{ending}")
    rows = seen.rows
    assert seen.sheet.sheet_name == "Reorg"
    assert rows[2] == ["Sales", "EMEA", "@anna", "5", "0", "add", "text"]
    assert [rows[row][0] for row in (3, 4, 9, 11)] == ["007", "1001", "Support", "00042"]
    assert rows[6][6] == "2026-12-24"
    assert rows[8][6] == "#N/A"
    assert [rows[row][:3] for row in (13, 14, 15)] == [
        ["Merged", "Nordics", "m1"],
        ["Merged", "Nordics", "m2"],
        ["Merged", "Nordics", "m3"],
    ]
    assert rows[17][:6] == ["NA", "null", "None", "3", "4", "Remove"]
    assert rows[18][:3] == ["Ends", "-", "x y"]
    assert rows[18][6] == "a < b & c\nsecond line"
    assert [rows[19][column] for column in (0, 6)] == ["50%", "12.5%"]
    assert [rows[21][column] for column in (0, 3, 6)] == ["1,234,567", "1000", "1,234.50"]
    assert seen.problems == ["6 A6 excel-date", "7 A7 excel-error", "8 A8 excel-error", "10 A10 excel-number", "20 A20 excel-date"]
    assert [word for word in seen.checked.warnings if "hidden" in word] == [
        "Row 16 is hidden or filtered out in the spreadsheet, and was read all the same."
    ]
    assert 12 not in rows
    assert max(rows) == 21


def test_openpyxl_formulas_have_no_result(look: Look, golden: Callable[[str], bytes]) -> None:
    """A workbook that a program wrote and no spreadsheet program has calculated says so at each formula."""
    seen = look(golden("openpyxl.xlsx"), "plan.xlsx")
    assert [line for line in seen.problems if "formula" in line] == ["7 A7 excel-formula", "8 A8 excel-formula", "9 A9 excel-formula"]
    assert seen.rows[5][0] == "TRUE"


def test_a_zero_that_keeps_the_place_of_a_result_is_none(look: Look) -> None:
    """XlsxWriter calculates nothing and writes 0 for what a formula comes to, unless it is told the result."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["department", "unit", "agent", "count"])
    sheet.write_row(1, 0, ["A", "u", "anna"])
    sheet.write_formula(1, 3, "=2+3")
    sheet.write_row(2, 0, ["B", "u", "bert"])
    sheet.write_formula(2, 3, "=2+3", None, 5)
    sheet.write_formula(3, 0, '="C"&"D"')
    sheet.write_row(3, 1, ["u", "carl", 0])
    book.close()
    seen = look(buffer.getvalue(), "p.xlsx")
    assert seen.problems == ["2 D2 excel-formula", "4 A4 excel-formula"]
    assert seen.column("count") == ["=2+3", "5", "0"]


@pytest.fixture
def workbook() -> Workbook:
    book = Workbook()
    book.active.title = "Plan"
    book.active.append(["department", "unit"])
    book.active.append(["A", "u"])
    return book


def test_merged_headers_and_wide_merges_do_not_spread(look: Look, saved: Callable[..., bytes]) -> None:
    """A merged header stays one header; a cell merged over columns counts for its first column only."""
    book = Workbook()
    sheet = book.active
    sheet.append(["department", "unit", "agent"])
    sheet.merge_cells("A1:A2")
    sheet.append([])
    sheet.append(["A", "u", None])
    sheet.merge_cells("B3:C4")
    sheet["A4"] = "B"
    assert look(saved(book), "p.xlsx").rows == {3: ["A", "u", ""], 4: ["B", "u", ""]}


def test_a_merge_to_the_end_of_the_worksheet_ends_with_the_rows(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A column merged to its very end counts for the rows that are there, not for a million."""
    cells = '<c r="A{0}" t="inlineStr"><is><t>{1}</t></is></c><c r="D{0}" t="inlineStr"><is><t>{2}</t></is></c>'
    rows = f'{HEADERS}<row r="2">{cells.format(2, "A", "x")}</row><row r="3">{cells.format(3, "", "y")}</row>'
    merge = '<mergeCells count="1"><mergeCell ref="A2:A1048576"/></mergeCells>'
    assert look(raw_xlsx(rows, after=merge), "p.xlsx").rows == {2: ["A", "", "", "x", ""], 3: ["A", "", "", "y", ""]}


def test_a_merged_odd_cell_is_odd_in_each_row(look: Look, saved: Callable[..., bytes]) -> None:
    """A date merged over two rows is a problem of both, each with its address."""
    book = Workbook()
    book.active.append(["department", "agent"])
    book.active.append([dt.date(2026, 1, 2), "x"])
    book.active.append([None, "y"])
    book.active.merge_cells("A2:A3")
    assert look(saved(book), "p.xlsx").problems == ["2 A2 excel-date", "3 A3 excel-date"]


MERGED = {
    "over rows": (["A2:A3"], [["Sales", "u2", "x2"], ["Sales", "u3", "x3"], ["Ops", "u4", "x4"]]),
    "over columns": (["A2:B2"], [["Sales", "", "x2"], ["HR", "u3", "x3"], ["Ops", "u4", "x4"]]),
    "over both": (["A2:B3"], [["Sales", "", "x2"], ["Sales", "", "x3"], ["Ops", "u4", "x4"]]),
    "over columns without the first": (["B2:C4"], [["Sales", "u2", ""], ["HR", "u2", ""], ["Ops", "u2", ""]]),
    "to the end": (["B2:B1048576"], [["Sales", "u2", "x2"], ["HR", "u2", "x3"], ["Ops", "u2", "x4"]]),
    "from the last to the first": (["A3:A2"], [["Sales", "u2", "x2"], ["Sales", "u3", "x3"], ["Ops", "u4", "x4"]]),
    "two with the same first cell": (["A2:A3", "A2:A4"], [["Sales", "u2", "x2"], ["Sales", "u3", "x3"], ["Sales", "u4", "x4"]]),
    "one that begins in another": (["A2:A3", "A3:A4"], [["Sales", "u2", "x2"], ["Sales", "u3", "x3"], ["", "u4", "x4"]]),
    "with the header": (["A1:A2"], [["", "u2", "x2"], ["HR", "u3", "x3"], ["Ops", "u4", "x4"]]),
}  # fmt: skip


@pytest.mark.parametrize("written", ["as programs write it", "with other quotes"])
@pytest.mark.parametrize("case", MERGED)
def test_what_lies_under_a_merged_cell_is_not_read(case: str, written: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A merged area shows its first cell, in each of its rows; what its other cells still hold was seen by nobody."""
    areas, shown = MERGED[case]
    cell = '<c r="{0}{1}" t="inlineStr"><is><t>{2}</t></is></c>'
    lines = [["department", "unit", "agent"], *([name, f"u{row}", f"x{row}"] for row, name in enumerate(("Sales", "HR", "Ops"), start=2))]
    rows = "".join(
        f'<row r="{row}">{"".join(cell.format(letter, row, text) for letter, text in zip("ABC", texts, strict=True))}</row>'
        for row, texts in enumerate(lines, start=1)
    )
    rows = rows.replace('r="A2"', "r='A2'") if written == "with other quotes" else rows
    merges = "".join(f'<mergeCell ref="{area}"/>' for area in areas)
    seen = look(raw_xlsx(rows, after=f"<mergeCells>{merges}</mergeCells>"), "p.xlsx")
    assert list(seen.rows.values()) == shown


def test_an_error_under_a_merged_cell_is_none(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """What is odd about a cell that nobody sees is no problem; what is odd about the one above is one in each row."""
    rows = (
        f'{HEADERS}<row r="2"><c r="A2"><v>7</v></c>{UNIT}</row><row r="3"><c r="A3" t="e"><v>#N/A</v></c>{UNIT.replace("B2", "B3")}</row>'
    )
    merges = '<mergeCells><mergeCell ref="A2:A3"/></mergeCells>'
    assert look(raw_xlsx(rows, after=merges), "p.xlsx").problems == []
    swapped = rows.replace('<c r="A2"><v>7</v>', '<c r="A2" t="e"><v>#REF!</v>')
    assert look(raw_xlsx(swapped, after=merges), "p.xlsx").problems == ["2 A2 excel-error", "3 A3 excel-error"]


def test_hidden_worksheets_are_skipped_and_can_be_named(workbook: Workbook, look: Look, saved: Callable[..., bytes]) -> None:
    """The first visible worksheet is read; a name chooses another, hidden or not, in any case."""
    second = workbook.create_sheet("Next year")
    second.append(["department", "unit"])
    second.append(["B", "v"])
    workbook["Plan"].sheet_state = "veryHidden"
    workbook.active = 1
    data = saved(workbook)
    assert look(data, "p.xlsx").rows == {2: ["B", "v"]}
    assert '"Plan"' in look(data, "p.xlsx").sheet.notes[0]
    assert look(data, "p.xlsx", sheet_name="Plan").rows == {2: ["A", "u"]}
    assert look(data, "p.xlsx", sheet_name="next YEAR").sheet.sheet_name == "Next year"
    stop = look(data, "p.xlsx", sheet_name="Plans").stop
    assert '"Next year"' in stop.message


def test_a_workbook_of_hidden_worksheets_is_refused(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """Where all worksheets are hidden, the sentence says so."""
    assert "hidden" in look(raw_xlsx(HEADERS, state="hidden"), "p.xlsx").stop.message


def test_something_beyond_the_headers_is_ragged(workbook: Workbook, look: Look, saved: Callable[..., bytes]) -> None:
    """Text right of the last header makes its row ragged, with the address of the text; blank cells there do not."""
    workbook.active["D2"] = "slipped"
    workbook.active.append(["B", "u", None, None, " "])
    assert look(saved(workbook), "p.xlsx").problems == ["2 D2 ragged-row"]


def test_hidden_columns_are_named(workbook: Workbook, look: Look, saved: Callable[..., bytes]) -> None:
    """A hidden column that is read is named in a warning."""
    workbook.active.column_dimensions["B"].hidden = True
    assert look(saved(workbook), "p.xlsx").checked.warnings == ("Column B is hidden in the spreadsheet, and read all the same.",)


def test_headers_may_stand_anywhere(look: Look, saved: Callable[..., bytes]) -> None:
    """Blank rows and columns before the table do not matter; numbers and letters stay the spreadsheet's."""
    book = Workbook()
    book.active["C4"], book.active["D4"] = "department", "count"
    book.active["C7"], book.active["D7"] = "A", "x"
    seen = look(saved(book), "p.xlsx")
    assert seen.problems == ["7 - nothing-to-do", "7 D7 bad-number", "7 - agent-needed"]
    assert seen.sheet.letters[-2:] == ("C", "D")


def test_dates_since_1904(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A workbook that counts days from 1904 shows its own dates."""
    rows = f'{HEADERS}<row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c>{UNIT}<c r="C2" s="6"><v>1</v></c></row>'
    assert look(raw_xlsx(rows, formats=FORMATS, date1904=True), "p.xlsx").rows[2][2] == "1904-01-02"


def test_rows_and_cells_without_numbers_follow_each_other(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """XML that leaves out the cells' references is read all the same."""
    cells = "<row><c t='inlineStr'><is><t>{}</t></is></c><c t='inlineStr'><is><t>{}</t></is></c></row>"
    rows = cells.format("department", "unit") + "<row/>" + cells.format("A", "u")
    assert look(raw_xlsx(rows), "p.xlsx").rows == {3: ["A", "u"]}


def test_two_far_corners_cost_nothing(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A cell in the last column of the last row is one ragged row, not a terabyte."""
    rows = f'{HEADERS}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert "1048576 XFD1048576 ragged-row" in look(raw_xlsx(rows), "p.xlsx").problems


def test_a_header_in_the_last_column_of_a_long_sheet_is_refused(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A table too wide for its length is refused before it is laid out."""
    body = "".join(f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(2, 6000))
    rows = f'{HEADERS.replace("</row>", "")}<c r="XFD1"><v>1</v></c></row>{body}'
    assert "too many columns" in look(raw_xlsx(rows), "p.xlsx").stop.message


def test_max_rows_of_a_workbook(workbook: Workbook, look: Look, saved: Callable[..., bytes]) -> None:
    """A workbook may have exactly as many rows as the limit says."""
    workbook.active.append(["B", "u"])
    assert len(look(saved(workbook), "p.xlsx", max_rows=2).rows) == 2
    assert "--max-rows" in look(saved(workbook), "p.xlsx", max_rows=1).stop.message


def test_a_zip_bomb_is_refused_before_it_is_unpacked(look: Look, packed: Callable[..., bytes]) -> None:
    """An archive that claims to unpack to more than a sheet needs is refused unopened."""
    data = bytearray(packed({"xl/workbook.xml": "<x/>", "xl/worksheets/sheet1.xml": "<x/>"}))
    size = data.rindex(b"PK\x01\x02") + 24
    data[size : size + 4] = struct.pack("<I", 2**32 - 2)
    assert "unpack" in look(bytes(data), "p.xlsx").stop.message


def test_a_large_part_that_should_be_small_is_refused(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """Styles of a hundred megabytes are refused before they are read."""
    assert "unpack" in look(raw_xlsx(HEADERS, more={"xl/styles.xml": b" " * (40 * 2**20)}), "p.xlsx").stop.message


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_entities_are_refused(part: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A document type, with which a few bytes can become gigabytes, is refused in every part."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    seen = look(raw_xlsx(HEADERS, more={part: bomb}), "p.xlsx")
    assert seen.stop is not None


BROKEN = {
    "no worksheet part": {"xl/_rels/workbook.xml.rels": "<Relationships/>"},
    "half a worksheet": {"xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="1"><c r="A1"><v>1</v>'},
    "a string that is not there": {"xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>9</v></c></row></sheetData></worksheet>'},
    "a string before the first": {"xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>-1</v></c></row></sheetData></worksheet>'},
    "a number that is none": {"xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="1"><c r="A1"><v>one</v></c></row></sheetData></worksheet>'},
    "no XML": {"xl/workbook.xml": "hello"},
    "a binary workbook": {"xl/workbook.bin": b"\x00"},
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_workbook_is_refused_in_one_sentence(case: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A workbook with a part missing or damaged ends in one sentence."""
    assert look(raw_xlsx(HEADERS, more=BROKEN[case]), "p.xlsx").stop is not None


def test_a_part_that_an_archive_holds_twice_is_not_guessed(look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """Programs differ in which of two parts of one name they read; where those say the same, it does not matter."""
    sheet = '<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row></sheetData></worksheet>'
    for part, other in (("xl/worksheets/Sheet1.xml", "unit"), ("xl\\worksheets\\sheet1.xml", "agent")):
        both = {"xl/worksheets/sheet1.xml": sheet.format("department"), part: sheet.format(other)}
        assert "two versions" in look(raw_xlsx("", more=both), "p.xlsx").stop.message
    alike = {"xl/worksheets/sheet1.xml": sheet.format("department"), "xl/worksheets/Sheet1.xml": sheet.format("department")}
    assert look(raw_xlsx("", more=alike), "p.xlsx").sheet.headers == ("department",)


def test_workbooks_are_known_by_content_not_by_name(workbook: Workbook, look: Look, saved: Callable[..., bytes]) -> None:
    """A workbook under the name of a CSV is read, and so is a text under the name of a workbook, with a note."""
    assert look(saved(workbook), "p.csv").rows == {2: ["A", "u"]}
    for name in ("p.xlsx", "p.xls", "p.ods"):
        seen = look(b"department\tunit\nA\tu\n", name)
        assert seen.rows == {2: ["A", "u"]}
        assert any("text file" in note for note in seen.sheet.notes)


@pytest.mark.parametrize("version", [0x0409, 0x0809])
def test_an_xls_without_a_container_is_a_workbook(version: int, look: Look) -> None:
    """What the simplest web exports write, records one after the other as Excel 4 did, is read as Excel reads it."""
    cells = [("department", "unit"), ("Sales", "North")]
    records = [struct.pack("<HHHHH", version, 6, 0, 0x10, 0) if version == 0x0409 else struct.pack("<HHHHHH", version, 8, 0, 0x10, 0, 0)]
    records += [
        struct.pack("<HHHHHH", 0x0204, 8 + len(text), row, column, 0, len(text)) + text.encode()
        for row, texts in enumerate(cells)
        for column, text in enumerate(texts)
    ]
    seen = look(b"".join((*records, struct.pack("<HH", 0x0A, 0))), "export.xls")
    assert seen.rows == {2: ["Sales", "North"]}


def test_a_csv_has_no_worksheets(look: Look) -> None:
    """A worksheet named for a CSV file is refused rather than ignored."""
    assert "--sheet-name" in look(b"department,unit\nA,u\n", sheet_name="Plan").stop.message


def test_encrypted_files_are_told_apart(look: Look, golden: Callable[[str], bytes], packed: Callable[..., bytes]) -> None:
    """A password-protected file is called that, not damaged."""
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(900)
    ods = packed({"content.xml": b"\x01\x02", "META-INF/manifest.xml": "<m><encryption-data/></m>"})
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    whole = packed({"mimetype": mimetype, "META-INF/manifest.xml": "<m><encryption-data/></m>", "encrypted-package": b"\x01\x02"})
    for data, name in ((ole, "p.xlsx"), (ods, "p.ods"), (whole, "p.ods")):
        assert "password" in look(data, name).stop.message


@pytest.mark.parametrize("name", ["libreoffice.xlsx", "libreoffice.xls", "libreoffice.ods"])
def test_half_a_workbook_is_refused(name: str, look: Look, golden: Callable[[str], bytes]) -> None:
    """A workbook that was cut off on its way ends in one sentence."""
    data = golden(name)
    assert look(data[: len(data) // 2], name).stop is not None
    assert look(data[:40], name).stop is not None


@pytest.mark.parametrize("style", ["s='1'", "s ='1'", 's = "1"', "\ts='1'", "t='n' s='1'"])
def test_attributes_in_any_dress_count(style: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A cell's style counts however XML allows it to be written."""
    data = raw_xlsx(f'{HEADERS}<row r="2"><c r="A2" {style}><v>42</v></c>{UNIT}</row>', formats=FORMATS)
    assert look(data, "p.xlsx").rows[2][0] == "00042"


#: What everybody's workbooks show, by cell; they are made by ``tests/sheet/foreign/make.py``.
SHOWN = {
    "A2": "Sales", "C2": "@anna", "A3": "007", "A4": "1001", "D4": "1234.5", "E4": "0.125", "A5": "TRUE", "G5": "FALSE", "A6": "2026-02-01",
    "G6": "2026-01-02T03:04:05", "A7": "Support", "G7": "2", "A9": "00042", "C9": "007", "B11": "-", "A12": "Zürich – Öl 🚲", "B12": "שלום",
    "A13": "NA", "B13": "null", "C13": "=1+1", "G13": "#N/A", "A14": "0.1", "B14": "1e5", "C14": "TRUE", "D14": "-7", "F14": "2026-01-02",
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        *("exceljs.xlsx", "exceljs-stream.xlsx", "sheetjs.xlsx", "sheetjs-inline.xlsx", "sheetjs.xls"),
        *("libreoffice-ooxml.xlsx", "xlsxwriter.xlsx", "xlsxwriter-constant-memory.xlsx"),
    ],
)
def test_every_program_writes_the_same_sheet(name: str, look: Look, golden: Callable[[str], bytes]) -> None:
    """The same table, written by different programs, is the same sheet."""
    rows = look(golden(name), name).rows
    assert {place: rows[int(place[1:])]["ABCDEFG".index(place[0])] for place in SHOWN} == SHOWN
    assert 10 not in rows


@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
def test_a_spreadsheets_own_yes_and_no(ending: str, look: Look, golden: Callable[[str], bytes]) -> None:
    """TRUE and FALSE of a spreadsheet program, typed or calculated, are a yes and a no in each of its formats, and so are 1 and 0."""
    seen = look(golden(f"libreoffice-values.{ending}"), f"values.{ending}")
    assert seen.column("department enabled") == ["TRUE", "FALSE", "1", "0", "TRUE", "FALSE", "Yes", "2"]
    assert seen.problems == ["9 D9 bad-value"]
    fields = [dict(wish.department_fields) for wish in seen.checked.assignments]
    assert [each["enabled"] for each in fields] == [True, False, True, False, True, False, True]
    assert [each.get("description") for each in fields] == ["one\ntwo", "a  b\n\n c", "", None, "TRUE", "x", "1"]


@pytest.mark.parametrize(
    ("written", "kept"), [("a&#10;b", "a\nb"), ("a\r\nb", "a\nb"), ("a_x000D_\nb", "a\r\nb"), ("a&#13;&#10;b", "a\r\nb")]
)
def test_line_ends_within_a_cell_are_kept(written: str, kept: str, look: Look, raw_xlsx: Callable[..., bytes]) -> None:
    """A line end within a cell is what the file says it is: a bare CR LF is one to XML, an escaped CR is kept."""
    data = raw_xlsx(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>department</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>department description</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>A</t></is></c>'
        f'<c r="B2" t="inlineStr"><is><t xml:space="preserve">{written}</t></is></c></row>'
    )
    assert look(data, "p.xlsx").column("department description") == [kept]


def test_all_columns_of_the_table_are_looked_at_for_what_nobody_typed(look: Look, saved: Callable[[Workbook], bytes]) -> None:
    """A date, an error, a number that lost digits or a formula without a result is a problem in the later columns, too."""
    book = Workbook()
    for line in (
        ["department", "department description", "new department name", "department email", "department enabled", "note"],
        ["A", dt.date(2026, 1, 2), 12345678901234567, "#N/A", "=1=1", dt.date(2026, 1, 2)],
    ):
        book.active.append(line)
    assert look(saved(book), "p.xlsx").problems == ["2 B2 excel-date", "2 C2 excel-number", "2 D2 excel-error", "2 E2 excel-formula"]
