"""The two ways through a workbook, many cells at a time and by a parser, come to the same cells."""

# ruff: noqa: E501  # tables read best with a case on a line

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkjob.sheet.formats import ods, xlsx, xlsx_cells, xlsx_strings
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.formats.markup import OtherXmlError
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Exit, Stop

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.xlsx"))

Raw = Callable[..., bytes]


def refuse(*_: Any) -> None:
    raise OtherXmlError


def outcome(data: bytes) -> dict[str, Any] | str:
    """All that is in the grid, in values that compare; or the sentence why there is none."""
    try:
        with Archive(data, "p.xlsx") as archive:
            grid = xlsx.read_xlsx(archive, sheet_name=None, max_rows=1_000_000)
    except Stop as stop:
        return stop.message
    return values(grid)


def values(grid: Grid) -> dict[str, Any]:
    """All that is in the grid, in values that compare."""
    found = {field.name: getattr(grid, field.name) for field in fields(Grid)}
    found["numbers"] = grid.numbers.to_pylist()
    found["columns"] = [column.to_pylist() for column in grid.columns]
    found["oddities"] = sorted(grid.oddities, key=lambda odd: (odd.row, odd.column))
    return found


def by_parser(data: bytes) -> dict[str, Any] | str:
    """The same where everything is left to the parser."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xlsx, "read_at_once", refuse)
        patch.setattr(xlsx_strings, "_at_once", refuse)
        return outcome(data)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_golden_files_give_the_same_both_ways(path: Path) -> None:
    """Every workbook that a real program wrote gives the same cells both ways."""
    data = path.read_bytes()
    assert outcome(data) == by_parser(data)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_golden_files_are_read_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What these programs write is read many cells at a time: the comparison above compares two ways, not one with itself."""
    read: list[str] = []
    monkeypatch.setattr(xlsx_cells.XmlReader, "read", lambda *_: read.append("by the parser"))
    outcome(path.read_bytes())
    assert read == []


HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>department</t></is></c><c r="B1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'
STRINGS = ("<si><t>unit</t></si>", "<si><t>agent</t></si>", "<si><t>Sales</t></si>", "<si><r><t>No</t></r><r><t>rth</t></r></si>")

SHEETS: dict[str, dict[str, Any]] = {
    "CR LF after the declaration": {"root": '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n<worksheet>'},
    "CR LF everywhere": {"rows": f'{HEADER}\r\n<row r="2">\r\n<c r="A2" t="s">\r\n<v>2</v>\r\n</c>\r\n</row>'},
    "a line break in a tag of a string": {"strings": ("<si\n><t>unit</t></si>", *STRINGS[1:])},
    "a line break in a closing tag of a string": {"strings": ("<si><t>unit</t></si\n>", *STRINGS[1:])},
    "a string without an element": {"strings": ("<si/>", *STRINGS[1:])},
    "a string with attributes": {"strings": ('<si><t xml:space="preserve"> unit </t></si>', *STRINGS[1:])},
    "a phonetic reading": {"strings": ("<si><t>unit</t><rPh sb='0' eb='1'><t>no</t></rPh></si>", *STRINGS[1:])},
    "a comment among the strings": {"strings": ("<!-- <si> -->", *STRINGS)},
    "a string within a comment": {"strings": ("<!-- <si><t>no</t></si> -->", *STRINGS)},
    "strings in CDATA": {"strings": ("<si><t><![CDATA[unit]]></t></si>", *STRINGS[1:])},
    "lower-case references": {"rows": HEADER + '<row r="2"><c r="a2" t="s"><v>2</v></c><c r="c2"><v>7</v></c></row>'},
    "absolute references": {"rows": HEADER + '<row r="2"><c r="$A$2" t="s"><v>2</v></c></row>'},
    "no references": {"rows": HEADER + '<row><c t="s"><v>2</v></c><c/><c><v>7</v></c></row>'},
    "some references": {"rows": HEADER + '<row r="2"><c t="s"><v>2</v></c><c r="C2"><v>7</v></c></row>'},
    "references without rows' numbers": {"rows": HEADER + '<row><c r="A5" t="s"><v>2</v></c><c><v>7</v></c></row>'},
    "rows that go back": {"rows": HEADER + '<row r="3"><c r="A3" t="s"><v>2</v></c></row><row r="2"><c r="A2"><v>7</v></c></row>'},
    "cells that go back": {"rows": HEADER + '<row r="2"><c r="B2" t="s"><v>2</v></c><c r="A2"><v>7</v></c></row>'},
    "an unreadable reference": {"rows": HEADER + '<row r="2"><c r="2A" t="s"><v>2</v></c></row>'},
    "a blank reference": {"rows": HEADER + '<row r="2"><c r="" t="s"><v>2</v></c></row>'},
    "a reference beyond the last column": {"rows": HEADER + '<row r="2"><c r="XFE2" t="s"><v>2</v></c></row>'},
    "a reference in a row that is not its own": {"rows": HEADER + '<row r="2"><c r="A3" t="s"><v>2</v></c></row>'},
    "a row beyond the last": {"rows": HEADER + '<row r="1048577"><c r="A1048577" t="s"><v>2</v></c></row>'},
    "a row number that is none": {"rows": HEADER + '<row r="two"><c r="A2" t="s"><v>2</v></c></row>'},
    "a cell twice": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="A2"><v>7</v></c></row>'},
    "a row twice": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>2</v></c></row><row r="2"><c r="C2"><v>7</v></c></row>'},
    "white space in values": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>\n 2 </v></c><c r="B2" t="b"><v> 1 </v></c><c r="C2"><v> 7\n</v></c></row>'},
    "an empty result of a formula": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="str"><f>""</f><v/></c></row>'},
    "an empty result, written out": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'},
    "no result of a formula": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2"><f>A1</f></c><c r="C2"><f>A1</f><v/></c></row>'},
    "a result of a shared formula": {"rows": HEADER + '<row r="2"><c r="A2" t="str"><f t="shared" si="0"/><v>x &amp; y</v></c></row>'},
    "a style that is not there": {"rows": HEADER + '<row r="2"><c r="A2" s="99"><v>42</v></c><c r="B2" s="x"><v>7</v></c></row>', "formats": ["00000"]},
    "attributes in another order": {"rows": HEADER + '<row spans="1:3" r="2"><c t="s" r="A2"><v>2</v></c></row>'},
    "a number of a row twice": {"rows": HEADER + '<row r="2" r="3"><c r="A2" t="s"><v>2</v></c></row>'},
    "numbers of rows in eight digits": {"rows": HEADER + '<row r="00000002"><c r="A00000002" t="s"><v>2</v></c></row>'},
    "numbers of rows with zeros before them": {"rows": HEADER + '<row r="0000002"><c r="A0000002" t="s"><v>2</v></c><c r="C2"><v>7</v></c></row>'},
    "a reference that goes on": {"rows": HEADER + '<row r="2"><c r="A22" t="s"><v>2</v></c></row>'},
    "a reference that ends early": {"rows": HEADER + '<row r="22"><c r="A2" t="s"><v>2</v></c></row>'},
    "places of strings in odd digits": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>00000002</v></c><c r="B2" t="s"><v>000000002</v></c><c r="C2" t="s"><v>2\ufffd</v></c></row>'},
    "a place of a string in no digits": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>:</v></c></row>'},
    "attributes of a row whose name is none": {"rows": HEADER + '<row r="2" ht,="9"><c r="A2" t="s"><v>2</v></c></row>'},
    "attributes of a cell whose name is none": {"rows": HEADER + '<row r="2"><c r="A2" t="s" x`y="9"><v>2</v></c></row>'},
    "attributes of a string whose name is none": {"strings": ('<si><t xml:s`ace="preserve">unit</t></si>', *STRINGS[1:])},
    "attributes of others": {"rows": HEADER + '<row r="2" x:r="9"><c r="A2" x:t="s" x:s="1" s="1"><v>2</v></c></row>', "formats": ["00000"]},
    "single quotes": {"rows": HEADER + "<row r='2'><c r='A2' t='s'><v>2</v></c></row>"},
    "a sign that XML need not escape": {"rows": HEADER + '<row r="2"><c r="A2" t="str"><v>a > b</v></c></row>'},
    "references to characters": {"rows": HEADER + '<row r="2"><c r="A2" t="str"><v>&#228;&#x1F6B2;&#128;</v></c></row>'},
    "a reference that XML does not know": {"rows": HEADER + '<row r="2"><c r="A2" t="str"><v>&auml;</v></c></row>'},
    "half a character": {"rows": HEADER + '<row r="2"><c r="A2" t="str"><v>&#xD800;_xD800_</v></c></row>'},
    "half a character as Excel escapes it": {"rows": HEADER + '<row r="2"><c r="A2" t="str"><v>_xD83D__xDEB2_ _xD800_</v></c></row>'},
    "a control character": {"rows": HEADER + '<row r="2"><c r="A2" t="str"><v>a\x01b</v></c></row>'},
    "text outside of values": {"rows": HEADER + '<row r="2">no<c r="A2" t="s">no<v>2</v>no</c>no</row>'},
    "a hidden row": {"rows": HEADER + '<row r="2" hidden="1"><c r="A2" t="s"><v>2</v></c></row><row r="3" hidden="true"/><row r="4" hidden="0"/>'},
    "a hidden column": {"before": '<cols><col min="2" max="16384" hidden="1"/></cols>'},
    "merged cells": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>2</v></c></row>', "after": '<mergeCells><mergeCell ref="a2:B4"/></mergeCells>'},
    "prefixed strings": {"more": {"xl/sharedStrings.xml": '<x:sst xmlns:x="x"><x:si><x:t>unit</x:t></x:si><x:si><x:t>agent</x:t></x:si></x:sst>'}},
    "strings in UTF-16": {"more": {"xl/sharedStrings.xml": "\ufeff<sst><si><t>unit</t></si><si><t>agent</t></si></sst>".encode("utf-16-le")}},
    "a table of the same elements elsewhere": {"after": '<extLst><ext><sheetData><row r="9"><v>1</v></row></sheetData></ext></extLst>'},
    "an error": {"rows": HEADER + '<row r="2"><c r="A2" t="e"><v> #N/A </v></c></row>'},
    "a date": {"rows": HEADER + '<row r="2"><c r="A2" t="d"><v>2009-01-01T10:59:59.9999999999984025</v></c></row>'},
    "a kind that is not known": {"rows": HEADER + '<row r="2"><c r="A2" t="x"><v>1</v></c></row>'},
    "numbers beyond all measure": {"rows": HEADER + '<row r="2"><c r="A2"><v>1e999</v></c><c r="B2"><v>-1e-999</v></c><c r="C2" s="1"><v>1e300</v></c></row>', "formats": ["yyyy"]},
    "a number that is none": {"rows": HEADER + '<row r="2"><c r="A2"><v>one</v></c></row>'},
    "no rows": {"data": ("<sheetData/>", "")},
    "a string that is not there": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>99</v></c></row>'},
    "a row within a row": {"rows": HEADER + '<row r="2"><row r="3"><c r="A3" t="s"><v>2</v></c></row></row>'},
    "a cell within a cell": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><c r="B2"><v>2</v></c></c></row>'},
    "not closed": {"rows": HEADER + '<row r="2"><c r="A2" t="s"><v>2</v></row>'},
}  # fmt: skip


@pytest.mark.parametrize("case", SHEETS)
def test_odd_xml_gives_the_same_both_ways(case: str, raw_xlsx: Raw) -> None:
    """However the XML is written, both ways come to the same cells, or to the same sentence."""
    data = raw_xlsx(**{"rows": HEADER, "strings": STRINGS, **SHEETS[case]})
    assert outcome(data) == by_parser(data)


@pytest.mark.parametrize(
    ("case", "row"),
    [
        ("a line break in a tag of a string", None),
        ("a line break in a closing tag of a string", None),
        ("prefixed strings", None),
        ("strings in UTF-16", None),
        ("lower-case references", ["Sales", "", "7"]),
        ("absolute references", ["Sales", "", ""]),
        ("some references", ["Sales", "", "7"]),
        ("white space in values", ["Sales", "TRUE", "7"]),
        ("an empty result of a formula", ["Sales", "", ""]),
        ("an empty result, written out", ["Sales", "", ""]),
        ("a style that is not there", ["42", "7", ""]),
    ],
)
def test_odd_xml_is_read_as_it_is_meant(case: str, row: list[str] | None, raw_xlsx: Raw) -> None:
    """That both ways come to the same is not enough: each cell is where it belongs, and holds what people saw."""
    sheet = parse(raw_xlsx(**{"rows": HEADER, "strings": STRINGS, **SHEETS[case]}), "p.xlsx")
    assert sheet.headers == ("department", "unit", "agent")
    assert [list(cells) for cells in sheet.cells.itertuples()] == ([] if row is None else [[2, *row]])
    assert sheet.flaws == ()


@pytest.mark.parametrize("case", ["an unreadable reference", "a blank reference", "a reference in a row that is not its own"])
def test_a_cell_without_a_certain_place_is_refused(case: str, raw_xlsx: Raw) -> None:
    """Where nobody can say which column or row a cell belongs to, nothing is guessed."""
    with pytest.raises(Stop, match="cannot be told where the cell") as refused:
        parse(raw_xlsx(**{"rows": HEADER, "strings": STRINGS, **SHEETS[case]}), "p.xlsx")
    assert refused.value.exit_code is Exit.BAD_SHEET


ATTRIBUTE = st.sampled_from(
    ['t="s"', 't="n"', 't="str"', 't="inlineStr"', 't="b"', 't="e"', 't="d"', 's="0"', 's="1"', 's="2"', 's="77"', 'x:y="z"', "s='1'"]
)
TEXT = st.one_of(
    st.sampled_from(["0", "1", "3", "42", "0.5", "-7", "1e5", " 2 ", "", " ", "1234567890123456", "2026-01-02", "#N/A", "_x0041_", "nan"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=5).map(escape),
    st.sampled_from(["&amp;", "&#65;", "&#0;", "&nbsp;", ">", "<!-- -->", "<![CDATA[x]]>", "\r\n"]),
)
SPACE = st.sampled_from(["", "", "", "", " ", "\n", "\r\n"])
CONTENT = st.one_of(
    TEXT.map("<v>{}</v>".format),
    TEXT.map("<is><t>{}</t></is>".format),
    TEXT.map("<is><r><t>{}</t></r></is>".format),
    st.tuples(TEXT, TEXT).map(lambda texts: f"<f>{texts[0]}</f><v>{texts[1]}</v>"),
    st.sampled_from(["", "<v/>", "<f>A1</f>", "<f/>", '<f t="shared" si="0"/><v>1</v>', "<v>1</v><v>2</v>", "<x><v>1</v></x>"]),
)


@st.composite
def rows(draw: st.DrawFn) -> str:
    """Rows of cells, mostly as a program would write them."""
    written = []
    for number in sorted(draw(st.sets(st.integers(1, 9), max_size=4))):
        cells = []
        for letter in sorted(draw(st.sets(st.sampled_from("ABCD"), max_size=4))):
            reference = draw(st.sampled_from([f'r="{letter}{number}"'] * 20 + [f'r="{letter.lower()}{number}"', "", f'r="{letter}9"']))
            attributes = [reference, *draw(st.lists(ATTRIBUTE, max_size=2, unique_by=lambda text: text[:2]))]
            spaces = [draw(SPACE) for _ in range(3)]
            cells.append(f"<c {' '.join(filter(None, attributes))}>{spaces[0]}{draw(CONTENT)}{spaces[1]}</c>{spaces[2]}")
        row = draw(st.sampled_from([f'r="{number}"'] * 9 + [f'r="{number}" hidden="1"', ""]))
        written.append(f"<row {row}>{''.join(cells)}</row>{draw(SPACE)}")
    return "".join(written)


@given(rows())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_rows_give_the_same_both_ways(raw_xlsx: Raw, written: str) -> None:
    """A law: whatever stands in the rows, both ways come to the same cells or the same sentence."""
    data = raw_xlsx(written, strings=STRINGS, formats=["00000", "yyyy-mm-dd"], root='<worksheet xmlns:x="x">')
    assert outcome(data) == by_parser(data)


STRING = st.one_of(
    TEXT.map("<si><t>{}</t></si>".format),
    TEXT.map('<si><t xml:space="preserve">{}</t></si>'.format),
    TEXT.map("<si><r><t>{}</t></r><r><t/></r></si>".format),
    st.sampled_from(["<si/>", "<si></si>", "<si><t/></si>", "<si\n><t>a</t></si>", "<si><t>a</t><rPh><t>b</t></rPh></si>", "<x:si><t>a</t></x:si>"]),
)  # fmt: skip


@given(st.lists(STRING, max_size=6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_strings_give_the_same_both_ways(raw_xlsx: Raw, strings: list[str]) -> None:
    """A law: no way of writing the shared strings moves one of them to the place of another."""
    cells = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>{row - 1}</v></c></row>' for row in range(1, len(strings) + 1))
    data = raw_xlsx(cells, strings=strings, more={"xl/sharedStrings.xml": f'<sst xmlns:x="x">{"".join(strings)}</sst>'})
    assert outcome(data) == by_parser(data)


def test_strings_across_pieces_of_the_part_keep_their_places(raw_xlsx: Raw) -> None:
    """Strings and rows that a piece of the unpacked part cuts in two come out whole and in order."""
    strings = [f"<si><t>{'ä' * 300}{index}</t></si>" for index in range(6_000)]
    written = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>{row - 1}</v></c></row>' for row in range(1, 6_001))
    found = outcome(raw_xlsx(written, strings=strings))
    assert isinstance(found, dict)
    assert found["columns"] == [[f"{'ä' * 300}{index}" for index in range(1, 6_000)]]


@pytest.fixture
def chunks_of_seven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts come in pieces of seven bytes."""
    monkeypatch.setattr("bulkjob.sheet.formats.archive.CHUNK", 7)


@pytest.mark.usefixtures("chunks_of_seven")
@pytest.mark.parametrize("case", SHEETS)
def test_pieces_make_no_difference(case: str, raw_xlsx: Raw) -> None:
    """Where a piece of a part ends makes no difference to what is read."""
    data = raw_xlsx(**{"rows": HEADER, "strings": STRINGS, **SHEETS[case]})
    assert outcome(data) == by_parser(data)


def ods_outcome(data: bytes, *, at_once: bool) -> dict[str, Any] | str:
    """As `outcome`, of an OpenDocument file."""
    with pytest.MonkeyPatch.context() as patch:
        if not at_once:
            patch.setattr(ods, "rows_apart", refuse)
        try:
            with Archive(data, "p.ods") as archive:
                return values(ods.read_ods(archive, sheet_name=None, max_rows=1_000_000))
        except Stop as stop:
            return stop.message


PREFIXED = {
    "xl/sharedStrings.xml": '<x:sst xmlns:x="x"><x:si><x:t>unit</x:t></x:si></x:sst>',
    "xl/worksheets/sheet1.xml": '<?xml version="1.0"?><x:worksheet xmlns:x="x"><x:sheetData><x:row r="1"><x:c r="A1" t="str"><x:v>department</x:v></x:c>'
    '<x:c r="B1" t="s"><x:v>0</x:v></x:c></x:row><x:row r="2"><x:c r="A2" t="str"><x:v>A</x:v></x:c></x:row></x:sheetData></x:worksheet>',
}
UTF16 = {name: f"\ufeff{text}".replace("x:", "").encode("utf-16-le") for name, text in PREFIXED.items()}


@pytest.mark.parametrize("parts", [PREFIXED, UTF16], ids=["prefixed", "UTF-16"])
def test_workbooks_of_other_dress_are_read(parts: dict[str, Any], raw_xlsx: Raw) -> None:
    """Elements with a prefix, as OpenXML SDK and ClosedXML write them, and parts in UTF-16 are read like any others."""
    found = outcome(raw_xlsx("", more=parts))
    assert isinstance(found, dict)
    assert (found["headers"], found["columns"]) == (("department", "unit"), [["A"], [""]])


ODS_FILES = sorted((Path(__file__).parents[1] / "golden").glob("*.ods"))


@pytest.mark.parametrize("path", ODS_FILES, ids=lambda path: path.name)
def test_golden_ods_files_give_the_same_both_ways(path: Path) -> None:
    """Every OpenDocument file that a real program wrote gives the same cells both ways."""
    data = path.read_bytes()
    assert ods_outcome(data, at_once=True) == ods_outcome(data, at_once=False)


ODS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:calcext="c"><office:body>'
    '<office:spreadsheet>{before}<table:table table:name="Plan"><table:table-row><table:table-cell><text:p>department</text:p></table:table-cell>'
    "<table:table-cell><text:p>unit</text:p></table:table-cell></table:table-row>{rows}</table:table>{after}</office:spreadsheet></office:body></office:document-content>"
)
C, R = "table:table-cell", "table:table-row"
ODS_CASES = {
    "a text": f"<{R}><{C} office:value-type='string'><text:p>A</text:p></{C}></{R}>",
    "the usual quotes": f'<{R}><{C} office:value-type="string" calcext:value-type="string"><text:p>A &amp; B</text:p></{C}></{R}>',
    "a number": f'<{R}><{C} office:value-type="float" office:value="7"><text:p>7</text:p></{C}></{R}>',
    "a number in its format": f'<{R}><{C} office:value-type="float" office:value="7"><text:p>007</text:p></{C}></{R}>',
    "a number that is none": f'<{R}><{C} office:value-type="float" office:value="x"><text:p>7</text:p></{C}></{R}>',
    "repeated cells": f'<{R}><{C} table:number-columns-repeated="3"/><{C} table:number-columns-repeated="2"><text:p>A</text:p></{C}></{R}>',
    "repeated rows": f'<{R} table:number-rows-repeated="3"><{C}><text:p>A</text:p></{C}></{R}><{R}><{C}><text:p>B</text:p></{C}></{R}>',
    "a number with other signs": f'<{R}><{C} office:value-type="float" office:value="1_0"><text:p>10</text:p></{C}></{R}>',
    "a number beyond all": f'<{R}><{C} office:value-type="float" office:value="nan"><text:p>nan</text:p></{C}></{R}>',
    "neither yes nor no": f'<{R}><{C} office:value-type="boolean" office:boolean-value="2"><text:p>2</text:p></{C}></{R}>',
    "a cell that repeats rows": f'<{R}><{C}><text:p>A</text:p></{C}><{C} table:number-rows-repeated="2"><text:p>007</text:p></{C}></{R}>',
    "a cell that repeats both": f'<{R}><{C} table:number-rows-repeated="2" table:number-columns-repeated="2"><text:p>007</text:p></{C}></{R}>',
    "a row that repeats columns": f'<{R} table:number-columns-repeated="3"><{C}><text:p>A</text:p></{C}></{R}><{R}><{C}><text:p>B</text:p></{C}></{R}>',
    "repetition with another prefix": f'<{R}><{C} text:number-columns-repeated="2"><text:p>A</text:p></{C}></{R}>',
    "blank rows between": f'<{R} table:number-rows-repeated="9"><{C}/></{R}><{R}/><{R}><{C}><text:p>B</text:p></{C}></{R}>',
    "hidden rows": f'<{R} table:visibility="collapse"><{C}><text:p>A</text:p></{C}></{R}><{R} table:visibility="filter" table:number-rows-repeated="2"><{C}><text:p>B</text:p></{C}></{R}>',
    "merged rows": f'<{R}><{C} table:number-rows-spanned="2"><text:p>A</text:p></{C}></{R}><{R}><table:covered-table-cell/><{C}><text:p>u</text:p></{C}></{R}>',
    "a covered cell with a text": f"<{R}><table:covered-table-cell><text:p>no</text:p></table:covered-table-cell><{C}><text:p>u</text:p></{C}></{R}>",
    "a comment in a cell": f"<{R}><{C}><office:annotation><text:p>no</text:p></office:annotation><text:p>A</text:p></{C}></{R}>",
    "a table in a cell": f"<{R}><{C}><draw:frame><table:table><{R}><{C}><text:p>no</text:p></{C}></{R}></table:table></draw:frame><text:p>A</text:p></{C}></{R}>",
    "a comment in the XML": f"<!-- <{R}> --><{R}><{C}><text:p>A</text:p></{C}></{R}>",
    "a group of rows": f"<table:table-row-group><{R}><{C}><text:p>A</text:p></{C}></{R}></table:table-row-group><{R}><{C}><text:p>B</text:p></{C}></{R}>",
    "headers of their own": f"<table:table-header-rows><{R}><{C}><text:p>A</text:p></{C}></{R}></table:table-header-rows>",
    "a shape before the rows": f"<table:shapes><draw:frame><table:table><{R}><{C}><text:p>no</text:p></{C}></{R}></table:table></draw:frame></table:shapes>",
    "a formula with an error": f'<{R}><{C} table:formula="of:=NA()" office:value-type="string"><text:p>#N/A</text:p></{C}></{R}>',
    "a date": f'<{R}><{C} office:value-type="date" office:date-value="2026-01-02T10:59:59.9999999"><text:p>x</text:p></{C}></{R}>',
    "two paragraphs": f"<{R}><{C}><text:p>A</text:p><text:p>B</text:p></{C}></{R}>",
    "a blank text": f"<{R}><{C}><text:p> </text:p></{C}><{C}><text:p>u</text:p></{C}></{R}>",
    "too far right": f'<{R}><{C} table:number-columns-repeated="16384"/><{C}><text:p>A</text:p></{C}></{R}>',
    "not closed": f"<{R}><{C}><text:p>A</text:p></{R}>",
    "CR LF": f"<{R}>\r\n<{C}>\r\n<text:p>A\r\nB</text:p></{C}>\r\n</{R}>\r\n",
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("size", [7, 2**20])
@pytest.mark.parametrize("case", ODS_CASES)
def test_odd_ods_gives_the_same_both_ways(case: str, size: int, packed: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the rows are written, and wherever a piece of them ends, both ways come to the same cells, or to the same sentence."""
    monkeypatch.setattr("bulkjob.sheet.formats.archive.CHUNK", size)
    data = packed({"content.xml": ODS.format(rows=ODS_CASES[case], before="", after='<table:table table:name="Other"/>')})
    assert ods_outcome(data, at_once=True) == ods_outcome(data, at_once=False)


@given(st.lists(st.sampled_from(sorted(set(ODS_CASES.values()) - {ODS_CASES["not closed"]})), max_size=6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_of_an_ods_give_the_same_both_ways(packed: Raw, rows: list[str]) -> None:
    """A law: in whatever order rows of all kinds come, both ways come to the same cells, or to the same sentence."""
    data = packed({"content.xml": ODS.format(rows="".join(rows), before="", after="")})
    assert ods_outcome(data, at_once=True) == ods_outcome(data, at_once=False)


def test_a_long_run_of_blanks_in_a_tag_is_looked_through_once(packed: Raw) -> None:
    """Blanks between attributes, and where none follow, cost what they are long, not the square of that: it would take for ever."""
    blanks = " " * 300_000
    row = f"<{R}><{C}{blanks}table:number-columns-repeated='1'{blanks}><text:p>A</text:p></{C}></{R}>"
    data = packed({"content.xml": ODS.format(rows=row, before="", after="")})
    assert ods_outcome(data, at_once=True) == ods_outcome(data, at_once=False)


def test_usual_rows_of_an_ods_are_read_at_once(packed: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts, plain numbers and blank cells as LibreOffice writes them never meet the slower reader."""
    monkeypatch.setattr(ods._Table, "_keep", refuse)  # noqa: SLF001 - nothing outside shows which way a row was read
    usual = [ODS_CASES[case] for case in ("the usual quotes", "a number", "repeated cells", "blank rows between")]
    found = ods_outcome(packed({"content.xml": ODS.format(rows="".join(usual), before="", after="")}), at_once=True)
    assert isinstance(found, dict)
    assert found["columns"] == [["A & B", "7", "", "B"], ["", "", "", ""]]
