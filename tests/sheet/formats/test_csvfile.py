"""Nasty CSV files, each with what the user sees."""

# ruff: noqa: E501  # tables read best with a case on a line

import csv
import io
from collections.abc import Callable
from typing import Any

import pyarrow.csv as pacsv  # type: ignore[import-untyped]  # pyarrow ships no types
import pytest

from bulkjob.sheet.formats.csvfile import read_csv

Look = Callable[..., Any]
H = "department,unit,agent,count,order,action"


def rows(*lines: str, header: str = H) -> str:
    return "\n".join((header, *lines)) + "\n"


READ = {
    "plain": (rows("Sales,EMEA,anna,1,2,add"), {2: ["Sales", "EMEA", "anna", "1", "2", "add"]}),
    "words that pandas takes for missing": (rows("NA,null,None,,,"), {2: ["NA", "null", "None", "", "", ""]}),
    "words that look like numbers": (
        rows("007,1e5,1-2,,,", "TRUE,nan,-0,,,"),
        {2: ["007", "1e5", "1-2", "", "", ""], 3: ["TRUE", "nan", "-0", "", "", ""]},
    ),
    "a date that people typed stays text": (rows("2026-01-02,02-Jan,x,,,"), {2: ["2026-01-02", "02-Jan", "x", "", "", ""]}),
    "semicolons": (rows("Sales;E,MEA;anna;;;", header=H.replace(",", ";")), {2: ["Sales", "E,MEA", "anna", "", "", ""]}),
    "tabs": (rows("Sales\tE;M,EA\tanna\t\t\t", header=H.replace(",", "\t")), {2: ["Sales", "E;M,EA", "anna", "", "", ""]}),
    "CRLF": (
        rows("Sales,EMEA,,,,", "Support,EMEA,,,,").replace("\n", "\r\n"),
        {2: ["Sales", "EMEA", "", "", "", ""], 3: ["Support", "EMEA", "", "", "", ""]},
    ),
    "CR alone": (
        rows("Sales,EMEA,,,,", "Support,EMEA,,,,").replace("\n", "\r"),
        {2: ["Sales", "EMEA", "", "", "", ""], 3: ["Support", "EMEA", "", "", "", ""]},
    ),
    "mixed line ends": ("department,unit\r\nA,u\nB,u\rC,u", {2: ["A", "u"], 3: ["B", "u"], 4: ["C", "u"]}),
    "no line end at the end": ("department,unit\nA,u", {2: ["A", "u"]}),
    "many line ends at the end": ("department,unit\nA,u\n\n\n\r\n", {2: ["A", "u"]}),
    "quoted line break, row counted as the spreadsheet does": (
        'department,unit,note\nA,u,"1\n2\r\n3"\nB,u,x\n',
        {2: ["A", "u", "1\n2\r\n3"], 3: ["B", "u", "x"]},
    ),
    "quoted delimiter and quote": ('department,unit\n"A, ""the"" B",u\n', {2: ['A, "the" B', "u"]}),
    "a quote inside an unquoted cell": ('department,unit\n5" pipes,u\n', {2: ['5" pipes', "u"]}),
    "quoted header with line break": ('"depart\nment",unit\nA,u\n', {2: ["A", "u"]}),
    "blank lines before the headers": ("\n\n,,\ndepartment,unit\nA,u\n", {5: ["A", "u"]}),
    "blank rows keep their number": ("department,unit\nA,u\n\n,\nB,u\n  ,\u00a0\nC,u\n", {2: ["A", "u"], 5: ["B", "u"], 7: ["C", "u"]}),
    "Excel's sep line": ("sep=;\r\ndepartment;unit\r\nA,1;u\r\n", {2: ["A,1", "u"]}),
    "ends of names": (rows("  Sales\t,\u00a0EMEA\u200b,\ufeff@anna\u2060,,,"), {2: ["Sales", "EMEA", "@anna", "", "", ""]}),
    "inner blanks stay as typed": (rows("Sales  EMEA,x\u00a0y,,,,"), {2: ["Sales  EMEA", "x\u00a0y", "", "", "", ""]}),
    "other columns are untouched": ("note,department,unit, \n  x ,A,u,\t'y\n", {2: ["  x ", "A", "u", "\t'y"]}),
    "repeated and missing headers of other columns": ("department,x,x,,unit\nA,1,2,3,u\n", {2: ["A", "1", "2", "3", "u"]}),
    "commas after the last header": ("department,unit,,\nA,u,,\nB,u\n", {2: ["A", "u"], 3: ["B", "u"]}),
    "a column without header but with text": ("department,unit,\nA,u,note\nB,u,\n", {2: ["A", "u", "note"], 3: ["B", "u", ""]}),
    "header in another dress": ("\u00a0De-Part_ment ,U N I T\nA,u\n", {2: ["A", "u"]}),
    "outcome columns of a report are dropped": ("department,unit,row,Status,HTTP status,seconds\nA,u,7,failed,500,1.2\n", {2: ["A", "u"]}),
    "guarded cells": ("department,'=unit,unit\n'=1+1,'-x,''-\n", {2: ["=1+1", "-x", "'-"]}),
    "an apostrophe that guards nothing": ("department,unit\n'Sales',O'Brien\n", {2: ["'Sales'", "O'Brien"]}),
    "guard with a quoted line break": ('department,unit\n"x\n\'=y",u\n', {2: ["x\n'=y", "u"]}),
    "emoji, right-to-left, combining": (rows("Ve\u0301lo 🚲,שלום,Zoë,,,"), {2: ["Ve\u0301lo 🚲", "שלום", "Zoë", "", "", ""]}),
    "only headers": (rows(), {}),
    "numbers kept as text by a formula": ('department,unit\n="007","=""a """"b"""""""\n', {2: ["007", 'a "b"']}),
    "blanks around such a formula": (
        '="department" , ="unit"\n="007" ,\u00a0="008"\u200b\n\'="A" ,"=""u"" "\n',
        {2: ["007", "008"], 3: ['="A"', "u"]},
    ),
    "a header kept as text by a formula": ('="department",unit\nA,u\n', {2: ["A", "u"]}),
    "a formula that is more than a text": ('department,unit\n="0"&"7",\'="007"\n', {2: ['="0"&"7"', '="007"']}),
    "a closing Ctrl-Z": ("department,unit\r\nA,u\r\n\x1a", {2: ["A", "u"]}),
    "a Ctrl-Z in a cell": ("department,unit\r\nA\x1a,u\r\n", {2: ["A\x1a", "u"]}),
    "one column": ("department\nSales\n", {2: ["Sales"]}),
    "one column in quotes, a blank one between": ('department\n"A"\n""\n"B"\n', {2: ["A"], 4: ["B"]}),
    "text of a BOM at the start of a row": ("note,department,unit\n\ufeffx,A,u\n", {2: ["\ufeffx", "A", "u"]}),
    "vertical tab and form feed are no line ends": (
        "department,unit,note\nA,u,x\x0by\x0cz\x1c\x85\u2028w\n",
        {2: ["A", "u", "x\x0by\x0cz\x1c\x85\u2028w"]},
    ),
}


@pytest.mark.parametrize("case", READ)
def test_cells_come_as_people_wrote_them(case: str, look: Look) -> None:
    """Every cell of a CSV file arrives as people wrote it, under the row number that the spreadsheet shows."""
    text, expected = READ[case]
    assert look(text).rows == expected


ENCODINGS = {
    "UTF-8": ("utf-8", b"", "UTF-8,"),
    "UTF-8 with BOM": ("utf-8", b"\xef\xbb\xbf", "UTF-8 with byte order mark"),
    "UTF-16 little": ("utf-16-le", b"\xff\xfe", "UTF-16 with byte order mark"),
    "UTF-16 big": ("utf-16-be", b"\xfe\xff", "UTF-16 with byte order mark"),
    "UTF-32": ("utf-32-le", b"\xff\xfe\x00\x00", "UTF-32 with byte order mark"),
    "UTF-16 little without BOM": ("utf-16-le", b"", "UTF-16 without byte order mark"),
    "UTF-16 big without BOM": ("utf-16-be", b"", "UTF-16 without byte order mark"),
    "Windows-1252": ("cp1252", b"", "Windows-1252"),
}


@pytest.mark.parametrize("case", ENCODINGS)
@pytest.mark.parametrize("line", ["Bücher – Öl,EMEA", '"Bücher – Öl","EMEA"'])
def test_every_encoding_is_read_and_named(case: str, line: str, look: Look) -> None:
    """Umlauts survive each encoding that spreadsheet programs write, and a note says which it was."""
    codec, mark, words = ENCODINGS[case]
    seen = look(mark + f"department,unit\n{line}\n".encode(codec))
    assert seen.rows == {2: ["Bücher – Öl", "EMEA"]}
    assert words in seen.sheet.notes[0]
    # What was only guessed is a warning, which programs read, too.
    assert [f"was read as {words}" in warning for warning in seen.checked.warnings] == [True] * (codec == "cp1252")


SCRIPTS = {
    "the first letter is Cyrillic": "Отдел,department,unit\nа,Sales,North\n",
    "mostly Chinese": "department,unit\n" + "一一,一丁\n" * 500,
    "a Chinese column first": "一一一一一一\tdepartment\n" + "一一\tSales\n" * 50,
    "line ends first": "\n\ndepartment;unit\nПродажи;Север\n",
}


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("case", SCRIPTS)
def test_utf16_without_a_mark_is_known_in_every_script(case: str, codec: str, look: Look) -> None:
    """What separates cells and lines has zero bytes in each language, wherever the letters have theirs."""
    seen = look(SCRIPTS[case].encode(codec))
    assert "UTF-16 without byte order mark" in seen.sheet.notes[0]
    assert seen.rows == look(SCRIPTS[case]).rows


MIXED = {
    "one row": (b"department,unit\nB\xc3\xbccher,u\nR\xe9gie,u\n", "row 3 is not"),
    "rows behind a quoted line break": (b'department;unit\nB\xc3\xbccher;"u\nv"\nR\xe9gie;u\nX;u\nR\xe9;u\n', "rows 3 and 5 are not"),
    "both in one row": (b"department,unit\nB\xc3\xbccher,R\xe9gie\n", "row 2 is not"),
    "behind a byte order mark": (b"\xef\xbb\xbfdepartment,unit\nA,u\nR\xe9gie,u\n", "row 3 is not"),
    "the headers": (b"department,unit,Stra\xdfe\nB\xc3\xbccher,u,\n", "row 1 is not"),
}


@pytest.mark.parametrize("case", MIXED)
def test_rows_that_are_not_utf8_are_named(case: str, look: Look) -> None:
    """A file that is UTF-8 but for some rows is refused with their numbers: read as one encoding, half of the names would be wrong."""
    data, words = MIXED[case]
    assert words in look(data).stop.message


ONLY_WINDOWS = {
    "a closing quotation mark": "„Spaß“,Süd\nMüller,West\n",
    "nothing but a word in quotation marks": "„Spaß“,Süd\n",
    "such a word alone in its row": "Café,u\nx Spaß“,u\n",
    "French quotation marks": "« Société »,Lyon\n",
    "capitals and three points": "CAFÉ…,Süd\n",
    "a chance letter that does not look like one": "Žižka Ä¶,Süd Köln\n",
}


@pytest.mark.parametrize("case", ONLY_WINDOWS)
def test_letters_that_are_utf8_by_chance_do_not_decide(case: str, look: Look) -> None:
    """Two letters of Windows-1252 may look like one of UTF-8; the rows around them tell which it is."""
    text = f"department,unit\n{ONLY_WINDOWS[case]}"
    assert look(text.encode("cp1252")).rows == look(text).rows


@pytest.mark.parametrize(("delimiter", "word"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_the_delimiter_is_named(delimiter: str, word: str, look: Look) -> None:
    """A note says what separated the cells."""
    assert word in look(f"department{delimiter}unit\nA{delimiter}u\n").sheet.notes[0]


PROBLEMS = {
    "missing department": (rows(",EMEA,,,,"), ["2 A2 missing-department"]),
    "nothing to do": (rows("Sales,,,,,"), ["2 - nothing-to-do"]),
    "a note alone": ("department,unit,note\n,,Total\n", ["2 - nothing-to-do", "2 A2 missing-department"]),
    "negative": (rows("A,,x,-1,,"), ["2 D2 bad-number"]),
    "plus sign": (rows("A,,x,+1,,"), ["2 D2 bad-number"]),
    "fraction": (rows("A,,x,1.5,,"), ["2 D2 bad-number"]),
    "too large": (rows("A,,x,2147483648,2147483647,"), ["2 D2 bad-number"]),
    "huge": (rows("A,,x,99999999999999999999999999999999,,"), ["2 D2 bad-number"]),
    "other digits": (rows("A,,x,٣,²,"), ["2 D2 bad-number", "2 E2 bad-number"]),
    "exponent": (rows("A,,x,1e3,1_000,"), ["2 D2 bad-number", "2 E2 bad-number"]),
    "thousands": ('department,agent,count\nA,x,"1,000"\n', ["2 C2 bad-number"]),
    "decimal comma": ("department;agent;count\nA;x;5,0\n", ["2 C2 bad-number"]),
    "point without digits": (rows("A,,x,5.,.0,"), ["2 D2 bad-number", "2 E2 bad-number"]),
    "leading zeros and 5.0 are numbers": (rows("A,,x,007,5.0,"), []),
    "action in any case": (rows("A,,x,,,ADD", "A,,y,,,Remove "), []),
    "bad action": (rows("A,,x,,,delete"), ["2 F2 bad-action"]),
    "count without agent": (rows("A,u,,1,,"), ["2 C2 agent-needed"]),
    "action without agent": (rows("A,u,,,,add"), ["2 C2 agent-needed"]),
    "only an at sign": (rows("A,u,@,,,"), ["2 C2 agent-needed"]),
    "agent needed but there is no such column": ("department,unit,count\nA,u,1\n", ["2 - agent-needed"]),
    "everything at once": (
        rows(",,,x,-,maybe"),
        ["2 - nothing-to-do", "2 A2 missing-department", "2 C2 agent-needed", "2 D2 bad-number", "2 E2 bad-number", "2 F2 bad-action"],
    ),
    "two units": (rows("A,u,,,,", "B,u,,,,", "A,v,x,,,", "A,,y,,,"), ["2 B2 conflicting-unit", "4 B4 conflicting-unit"]),
    "a unit and none": (rows("A,u,,,,", "A,-,,,,"), ["2 B2 conflicting-unit", "3 B3 conflicting-unit"]),
    "three rows of two units": (
        rows("A,u,,,,", "A,v,,,,", "A,u,x,,,"),
        ["2 B2 conflicting-unit", "3 B3 conflicting-unit", "4 B4 conflicting-unit"],
    ),
    "units that compare as equal": (rows("A,North  West,,,,", "A,North\u00a0West,x,,,", "A,Ve\u0301lo,,,,".replace("A", "B"), "B,V\u00e9lo,,,,"), []),
    "departments that compare as equal": (rows("A  B,u,,,,", "A B,v,,,,"), ["2 B2 conflicting-unit", "3 B3 conflicting-unit"]),
    "units that differ in case are for the server to say": (rows("A,u,,,,", "A,U,,,,"), []),
    "departments that differ only in case are one by what is written": (rows("A,u,,,,", "a,v,,,,"), ["2 B2 conflicting-unit", "3 B3 conflicting-unit"]),
    "agent with two counts": (rows("A,,x,1,,", "A,,@x,2,,", "A,,x,,,"), ["2 D2 conflicting-agent", "3 D3 conflicting-agent"]),
    "agent with two orders": (rows("A,,x,,1,", "A,,x,,2,"), ["2 E2 conflicting-agent", "3 E3 conflicting-agent"]),
    "agent added and removed": (
        rows("A,,x,,,", "A,,x,,,remove", "A,,x,,,add"),
        ["2 F2 conflicting-agent", "3 F3 conflicting-agent", "4 F4 conflicting-agent"],
    ),
    "the same agent elsewhere is another matter": (rows("A,,x,1,,", "B,,x,2,,"), []),
    "blank count agrees with any": (rows("A,,x,,,", "A,,x,2,,", "A,,x,2.0,,add"), []),
    "identical rows are no problem": (rows("A,u,x,1,1,add", "A,u,x,1,1,add"), []),
    "too few cells": ("department,unit,agent\nA,u,x\nB,u\n", ["3 - ragged-row"]),
    "too few cells, nothing else is said": ("department,unit,agent,count\nB\n", ["2 - ragged-row"]),
    "something beyond the headers": ("department,unit\nA,u,,x\nB,u,,\n", ["2 D2 ragged-row"]),
    "a row that is not closed": ('department,unit\nA,"u"\nB\n', ["3 - ragged-row"]),
    "error values as text": (rows("#N/A,u,,,,", "A,#REF!,,,,", "B,,#NAME?,,,", "C,,x,#DIV/0!,,", "D,,######,,,"), [
        "2 A2 excel-error", "3 B3 excel-error", "4 C4 excel-error", "5 D5 excel-error", "6 C6 excel-error",
    ]),
    "error values in other languages": (rows("#N/D,u,,,,", "A,#RIF!,,,,", "B,,#ЗНАЧ!,,,"), ["2 A2 excel-error", "3 B3 excel-error", "4 C4 excel-error"]),
    "error values elsewhere": ("department,unit,note\nA,u,#N/A\n", []),
    "a name with a hash": (rows("#sales,u,##,,,"), []),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_problems_have_row_cell_and_code(case: str, look: Look) -> None:
    """Every problem of a sheet is found, each with its row, its cell's address and its code."""
    text, expected = PROBLEMS[case]
    seen = look(text)
    assert seen.problems == expected
    invalid = {int(line.split()[0]) for line in expected}
    assert [wish.row for wish in seen.checked.assignments] == [row for row in seen.rows if row not in invalid]


REFUSED = {
    "empty": ("", "is empty"),
    "only blanks": (" \n\t\n", "is empty"),
    "only separators": (",,\n;;\n", "department"),
    "only a BOM": ("\ufeff", "is empty"),
    "no department": ("unit,agent\nu,x\n", 'no "department" column'),
    "department a letter off": ("departmen,unit\nA,u\n", '"departmen"'),
    "two departments": ("department,unit,Department\nA,u,B\n", "two columns for department"),
    "two spellings of one column": ("department,unit,U-nit\nA,u,v\n", '"U-nit"'),
    "plural": ("department,unit,actions\nA,u,add\n", '"actions"'),
    "plural of department": ("Departments,unit\nA,u\n", '"Departments"'),
    "NUL": ("department,unit\nA\x00,u\n", "neither a spreadsheet"),
    "UTF-16 that is no table": (b"\xff\xfed\x00e\x00", "department"),
    "half a character of UTF-16": (b"\xff\xfed\x00e\x00p", "neither a spreadsheet"),
    "bytes of no encoding": (b"department,unit\n\x81\x8d,u\n", "neither a spreadsheet"),
    "a quote that is never closed": ('department,unit\nA,"u\nB,u\n', "quotation marks near row 2"),
    "text after a closing quote": ('department,unit\nB,u\n"A"x,u\n', "quotation marks near row 3"),
    "bytes that are no text": (b"\x00\x00\x01\x02" * 20, "neither a spreadsheet"),
    "cells between pipes": ("department|unit\nA|u\n", "separated by |"),
    "a cell of a million letters": ("department,unit\nA," + "u" * (2**20 + 1) + "\n", "1,048,576 characters"),
    "a cell of a million letters in quotes": ('department,unit\nA,"' + "u" * (2**20 + 1) + '"\n', "1,048,576 characters"),
    "more columns than a sheet may have": ("department" + ",x" * 16_384 + "\n", "16,384 columns"),
    "a million columns": ("department" + ",x" * 1_100_000 + "\n", "16,384 columns"),
    "a million cells in a row": ("department,unit\nA,u" + ",x" * 1_100_000 + "\n", "16,384 columns"),
    "more beyond the headers than a sheet may have": ("department\n" + ("A" + ",x" * 10_001 + "\n") * 100, "right of its last header"),
    "too wide for its length": ("department" + ",x" * 16_000 + "\n" + ("A" + "," * 16_000 + "\n") * 5_001, "80,000,000 cells"),
    "a record without end": ("department,unit\nA,u\nB," + '"x\n",' * 7_000_000, "Row 3 of sheet.csv is longer than 32 MB"),
    "a line without end": ("department,unit\n" + "x" * (65 * 2**20), "32 MB"),
    "a long cell without end": ('department,unit\nA,"' + "x\n" * 100_000, "quotation marks near row 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_sheet_is_refused_in_one_sentence(case: str, look: Look) -> None:
    """A file that is no sheet ends in one sentence that names the file and what is wrong."""
    data, words = REFUSED[case]
    seen = look(data)
    assert seen.stop is not None
    assert words in seen.stop.message


SEPARATED = {
    "carets": ("department^unit^agent\nSales^North^anna\n", "separated by ^, which"),
    "tildes": ("department~unit\nSales~North\n", "separated by ~, which"),
    "broken bars": ("department¦unit\nSales¦North\n", "separated by ¦, which"),
    "unit separators": ("department\x1funit\nSales\x1fNorth\n", "U+001F"),
    "another control character": ("department\x01unit\nSales\x01North\n", "U+0001"),
    "colons": ("department:unit\nSales:North\n", "separated by colons"),
    "slashes": ("Department/Unit/Agent\nSales/North/anna\n", "separated by slashes"),
    "one known header": ("department|notes\nSales|x\n", "separated by |, which"),
    "headers that come near": ("Department Name|Business Unit|Agent Username\nSales|x|a\n", "separated by |, which"),
    "a comma in a header": ("department|unit|note, more\nSales|x|a\n", "separated by |, which"),
    "below blank lines": ("\n\n  \nDept^Username\nSales^x\n", "separated by ^, which"),
    "below a title": ("Reorganisation\ndepartment^unit\nSales^x\n", "separated by ^, which"),
}


@pytest.mark.parametrize("case", SEPARATED)
def test_cells_that_something_else_separates_are_told_so(case: str, look: Look) -> None:
    """Headers that come apart at another sign are never taken for one header."""
    text, words = SEPARATED[case]
    assert words in look(text).stop.message


@pytest.mark.parametrize("headers", ["department", "Department: Sales\n\ndepartment;unit", "department,unit/agent", "a|b,department"])
def test_signs_within_a_header_separate_nothing(headers: str, look: Look) -> None:
    """Where the headers come apart as they should, or not at all, other signs are text."""
    seen = look(f"{headers}\nA,u\n" if "," in headers else f"{headers}\nA\n")
    assert seen.stop is None or "headers of sheet.csv seem to be in row 3" in seen.stop.message


def test_a_plural_beside_its_singular_is_another_column(look: Look) -> None:
    """`agents` beside `agent` is a column like any other."""
    seen = look("department,agent,agents\nA,x,3\n")
    assert (seen.problems, seen.checked.warnings) == ([], ())


@pytest.mark.parametrize("header", ["unti", "uni", "unitt", "umit", "Un-it2"])
def test_a_header_one_letter_off_is_warned_about(header: str, look: Look) -> None:
    """A header that is one letter from a known one gets a warning with its column letter."""
    (warning,) = look(f"department,agent,{header}\nA,x,u\n").checked.warnings
    assert "Column C" in warning
    assert '"unit"' in warning


@pytest.mark.parametrize("header", ["note", "team", "united", "item", "cost"])
def test_other_headers_are_not_warned_about(header: str, look: Look) -> None:
    """Columns with names of their own raise no warning."""
    assert look(f"department,agent,{header}\nA,x,u\n").checked.warnings == ()


@pytest.mark.parametrize("dash", "–—−－﹣﹘‐‑")
def test_a_long_dash_as_unit_is_pointed_out(dash: str, look: Look) -> None:
    """Who types a dash that is not the plain one is told what it is taken for."""
    seen = look(f"department,unit\nA,{dash}\nB,-\n")
    (warning,) = seen.checked.warnings
    assert "row 2" in warning
    assert [wish.unit for wish in seen.checked.assignments] == [dash, "-"]


def test_shortened_numbers_in_text_are_pointed_out(look: Look) -> None:
    """A name that a spreadsheet program has written with an exponent is read as text, with a warning."""
    seen = look("department,unit\n1.23457E+15,u\n1e5,u\n")
    (warning,) = seen.checked.warnings
    assert "Row 2:" in warning
    assert seen.column("department") == ["1.23457E+15", "1e5"]


def test_dropped_columns_are_named(look: Look) -> None:
    """A note says which columns were taken for those of a report."""
    assert any("status" in note for note in look("department,unit,status\nA,u,x\n").sheet.notes)


def test_letters_count_dropped_columns(look: Look) -> None:
    """Cell addresses are those of the file, also right of a dropped column."""
    assert look("row,department,status,unit,agent,count\n7,A,x,u,y,z\n").problems == ["2 F2 bad-number"]


def test_max_rows_counts_rows_that_are_not_blank(look: Look) -> None:
    """A sheet may have exactly as many rows as the limit says; one more is refused, however it is written."""
    body = "A,u\n,\nB,u\n\n"
    assert list(look(f"department,unit\n{body}", max_rows=2).rows) == [2, 4]
    for text in (f"department,unit\n{body}", "department,unit\nA,u\nB,u\n", 'department,unit\n"A",u\nB,u\n'):
        stop = look(text, max_rows=1).stop
        assert stop is not None
        assert "--max-rows" in stop.message


def test_assignments_say_what_rows_ask_for(look: Look) -> None:
    """An assignment has what the row asks for with numbers as numbers, the agent as it is written, and blanks as nothing."""
    first, second = look(rows("Sales,-,@anna,5.0,,Remove", "Support,EMEA,,,,")).checked.assignments
    assert (first.row, first.department, first.unit, first.agent, first.count, first.order, first.removes) == (
        2,
        "Sales",
        "-",
        "@anna",
        5,
        None,
        True,
    )
    assert (second.row, second.unit, second.agent, second.count, second.removes) == (3, "EMEA", "", None, False)


def test_both_ways_through_a_csv_agree(look: Look) -> None:
    """Arrow's parser and the standard library's give the same sheet: quoting a cell changes nothing."""
    plain = rows("Sales,EMEA,anna,1,2,add", "'=x,O'Brien,  @bert,,,", ",x,,,,", "A,u,,,,", "B,#N/A,,,,")
    quoted = plain.replace("Sales", '"Sales"')
    left, right = look(plain), look(quoted)
    assert left.rows == right.rows
    assert left.checked.problems == right.checked.problems
    assert left.checked.assignments == right.checked.assignments
    assert left.sheet.cells.dtypes.equals(right.sheet.cells.dtypes)


def test_threads_that_outlive_the_reading_hold_no_bytes_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of Arrow's lets go of what it has read some time later; if those were Python's bytes as the program ends, it would abort."""
    held: list[object] = []
    read = pacsv.read_csv

    def outlived(source: object, **options: object) -> object:
        held.append(source)
        return read(source, **options)

    monkeypatch.setattr(pacsv, "read_csv", outlived)
    data = bytearray(b"department,unit\nA,u\n")
    read_csv(data, "sheet.csv", max_rows=10)  # type: ignore[arg-type]  # bytes that know whether somebody holds them
    data.clear()
    assert held


def test_a_large_sheet_keeps_its_rows_in_order(look: Look) -> None:
    """Rows beyond one portion of reading and of walking keep their order and numbers, with and without quotes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["department", "agent"])
    writer.writerows([f"D{number % 7}", f"a{number}"] for number in range(45_000))
    for text in (buffer.getvalue(), buffer.getvalue().replace("a44999", '"a44999"')):
        wishes = look(text).checked.assignments
        assert len(wishes) == 45_000
        assert [(wish.row, wish.agent) for wish in wishes] == [(number + 2, f"a{number}") for number in range(45_000)]
        assert wishes[-1].agent == "a44999"
        assert [wish.row for wish in wishes[10:13]] == [12, 13, 14]


def test_texts_by_a_formula_are_read_a_piece_at_a_time() -> None:
    """A column of ``="007"`` never becomes Python's texts as a whole, which would take several times the memory of the file."""
    data = b"department,unit\n" + b'="007",u\n' * 45_000 + b'"a",u\n'
    column = read_csv(data, "p.csv", max_rows=50_000).columns[0]
    assert column.num_chunks > 2
    assert column.to_pylist() == ["007"] * 45_000 + ["a"]
