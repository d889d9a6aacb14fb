"""Laws over all names and all bytes: what is written comes back, and nothing ends in a traceback."""

# ruff: noqa: E501  # tables read best with a case on a line

import csv
import io
import random
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from bulkjob.sheet import check, guard, parse
from bulkjob.sheet.text import stripped
from bulkjob.vocabulary import Exit, Stop

Look = Callable[..., Any]

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
    """The bytes give a sheet or one sentence; any other exception fails the test."""
    try:
        check(parse(data, name, max_rows=10_000))
    except Stop as refusal:
        stop = refusal
    else:
        return
    assert stop.exit_code is Exit.BAD_SHEET
    assert name in stop.message
    assert "\n" not in stop.message


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


@pytest.mark.parametrize("name", ["libreoffice.xlsx", "libreoffice.xls", "libreoffice.ods", "openpyxl.xlsx"])
def test_no_damaged_workbook_ends_in_a_traceback(name: str, golden: Callable[[str], bytes]) -> None:
    """A workbook with bytes changed, left out or doubled anywhere is a sheet or one sentence."""
    original = golden(name)
    chance = random.Random(name)  # noqa: S311  # the same damage in each run
    for _ in range(60):
        data = bytearray(original)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(data))
            damage = chance.randrange(3)
            if damage == 0:
                data[place] = chance.randrange(256)
            elif damage == 1:
                del data[place : place + chance.randint(1, 40)]
            else:
                data[place:place] = data[place : place + chance.randint(1, 40)]
        survives(bytes(data), name)


@pytest.mark.parametrize("name", ["libreoffice.xlsx", "libreoffice.ods", "openpyxl.xlsx"])
def test_no_damaged_part_ends_in_a_traceback(name: str, golden: Callable[[str], bytes], packed: Callable[..., bytes]) -> None:
    """A workbook whose XML says anything at all, in an intact archive, is a sheet or one sentence."""
    with zipfile.ZipFile(io.BytesIO(golden(name))) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    told = [part for part in parts if part.endswith((".xml", ".rels")) and "theme" not in part]
    chance = random.Random(name)  # noqa: S311  # the same damage in each run
    words = [
        b'"',
        b"<",
        b">",
        b"-1",
        b"99999999999",
        b"1e999",
        b"nan",
        b"\xff",
        b"A1",
        b"&#0;",
        b"",
        b"<c/>",
        b"<row>",
        b's="7"',
        b't="s"',
        b"\x00",
    ]
    for _ in range(150):
        part = chance.choice(told)
        data = bytearray(parts[part])
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(data))
            data[place : place + chance.randrange(4)] = chance.choice(words)
        survives(packed({**parts, part: bytes(data)}), name)
