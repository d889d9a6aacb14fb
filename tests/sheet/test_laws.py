"""Laws over all names and all bytes: what is written comes back, and nothing ends in a traceback."""

# ruff: noqa: E501  # tables read best with a case on a line

import contextlib
import csv
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

import bulkjob
from bulkjob.cli import main
from bulkjob.sheet import guard, parse
from bulkjob.sheet.text import stripped
from bulkjob.vocabulary import Exit

#: What spreadsheets and programs like to misread.
TRAPS = st.sampled_from(
    ["007", "NA", "null", "None", "TRUE", "1e5", "1-2", "=1+1", "'=1+1", "@anna", "-", "+1", "a,b;c\td", 'say "hi"', '"', "''", "🚲", "שלום", "e\u0301", "x\ny", "\u200f", "_x0041_", "&amp;", "<b>"]
)  # fmt: skip
#: XML cannot hold control characters, and turns \r into \n.
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n"), min_size=1, max_size=20)
CSV_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)


def tables(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str, str]]]:
    named = st.one_of(TRAPS, texts).filter(stripped)
    return st.lists(st.tuples(named, named, st.one_of(st.just(""), texts)), min_size=1, max_size=6)


def expected(rows: list[tuple[str, str, str]]) -> list[list[str]]:
    """The six columns without blanks at their ends, the rest as it was."""
    return [[stripped(department), stripped(agent), note] for department, agent, note in rows]


@given(
    tables(CSV_TEXT),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(max_examples=200, deadline=None)
def test_csv_gives_back_every_text(rows: list[tuple[str, str, str]], delimiter: str, encoding: str, quoting: Any) -> None:
    """Whatever text a report writes into a CSV file comes back from it, in any encoding, with any delimiter."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting)
    writer.writerow(["department", "agent", "note"])
    writer.writerows([guard(cell) for cell in row] for row in rows)
    assert parse(buffer.getvalue().encode(encoding), "s.csv").cells.to_numpy().tolist() == expected(rows)


@given(tables(XML_TEXT), st.booleans())
@settings(max_examples=60, deadline=None)
def test_xlsx_gives_back_every_text(rows: list[tuple[str, str, str]], inline: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
    """Whatever text is written into an .xlsx file comes back from it."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer, {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": inline, "in_memory": True}
    )
    sheet = book.add_worksheet()
    for number, row in enumerate([("department", "agent", "note"), *rows]):
        for column, text in enumerate(row):
            sheet.write_string(number, column, text)
    book.close()
    assert parse(buffer.getvalue(), "s.xlsx").cells.to_numpy().tolist() == [
        [cell if stripped(cell) else "" for cell in row] for row in expected(rows)
    ]


@given(tables(XML_TEXT))
@settings(max_examples=40, deadline=None)
def test_ods_gives_back_every_text(rows: list[tuple[str, str, str]]) -> None:
    """Whatever text is written into an .ods file comes back from it."""
    document = OpenDocumentSpreadsheet()
    table = Table(name="Plan")
    for row in [("department", "agent", "note"), *rows]:
        line = TableRow()
        for text in row:
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=text))
            line.addElement(cell)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    buffer = io.BytesIO()
    document.write(buffer)
    assert parse(buffer.getvalue(), "s.ods").cells.to_numpy().tolist() == [
        [cell if stripped(cell) else "" for cell in row] for row in expected(rows)
    ]


def survives(data: bytes, name: str) -> None:
    """The command line reads the bytes or refuses them in one sentence; anything else fails the test."""
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        path = Path(folder, name)
        path.write_bytes(data)
        code = main(["validate", str(path)])
    if out.getvalue():
        assert (code in {Exit.OK, Exit.BAD_SHEET}, err.getvalue()) == (True, "")
    else:
        assert code == Exit.BAD_SHEET
        assert name in err.getvalue()
        assert err.getvalue().count("\n") == 1


NAMED = st.sampled_from(["s.csv", "s.xlsx", "s.xls", "s.ods", "s"])
STARTS = st.sampled_from(
    [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe", b"\xef\xbb\xbf", b"department,unit\n", b'department,unit\n"']
)


@given(STARTS, st.binary(max_size=400), NAMED)
@settings(max_examples=300, deadline=None)
def test_no_bytes_end_in_a_traceback(start: bytes, rest: bytes, name: str) -> None:
    """Any bytes under any name are a sheet or one sentence."""
    survives(start + rest, name)


@given(st.text(st.sampled_from("dep,;\t\"\n\r'= \u00a0ä0\x00"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_ends_in_a_traceback(body: str) -> None:
    """Any mess of quotes, separators and line ends below the headers is a sheet or one sentence."""
    survives(f"department,unit,agent\n{body}".encode(), "s.csv")


#: Beyond what a small good sheet takes.
MOST_MEGABYTES = 64


@pytest.mark.parametrize("kind", ["bytes", "workbooks"])
def test_no_file_ends_in_a_traceback_or_takes_much_memory(kind: str) -> None:
    """Hundreds of random files and of damaged workbooks are a sheet or one sentence, in little memory."""
    fuzzer = Path(__file__).with_name("fuzz.py")
    # The package under test, installed or not.
    environment = {**os.environ, "PYTHONPATH": str(Path(bulkjob.__file__).parents[1])}
    ran = subprocess.run([sys.executable, fuzzer, kind, "400"], capture_output=True, text=True, check=False, env=environment)
    said = re.fullmatch(r"400 files: (\d+) read, (\d+) refused; peak (\d+) MB\n", ran.stdout)
    assert said, ran.stderr
    read, refused, megabytes = map(int, said.groups())
    assert min(read, refused) > 0
    assert megabytes <= MOST_MEGABYTES
