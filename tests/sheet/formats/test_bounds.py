"""Small files that ask for much: each ends in one sentence that names the bound, before anything large is made."""

# ruff: noqa: E501  # tables read best with a case on a line

import bz2
import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
import pytest

from bulkjob.sheet import headers
from bulkjob.sheet.formats import archive, cells, csvfile, merges, ods, xlsx, xlsx_cells, xlsx_strings
from bulkjob.vocabulary import Exit, Stop

Look = Callable[..., Any]
Raw = Callable[..., bytes]

HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>department</t></is></c><c r="B1" t="inlineStr"><is><t>unit</t></is></c></row>'
LONG = "x" * 30_000
WIDE = "".join(f'<c r="{letter}{{0}}"><v>1</v></c>' for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def rows(count: int, value: str = '<c r="A{0}" t="s"><v>0</v></c>') -> str:
    return HEADER + "".join(f'<row r="{row}">{value.format(row)}</row>' for row in range(2, count + 2))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a file of a moment's work is beyond."""
    monkeypatch.setattr(archive, "MOST_ELEMENTS", 200_000)
    monkeypatch.setattr(archive, "MOST_ELEMENTS_PER_BYTE", 0)
    monkeypatch.setattr(archive, "MOST_REFERENCES", 200_000)
    monkeypatch.setattr(archive, "MOST_ELEMENTS_OF_WHOLE_PART", 1000)
    monkeypatch.setattr(archive, "LARGEST_DIRECTORY", 2**20)
    monkeypatch.setattr(cells, "MOST_TEXT", 8 * 2**20)
    monkeypatch.setattr(cells, "MOST_REPEATED", 1000)
    monkeypatch.setattr(cells, "MOST_REPEATED_ODD", 100)
    monkeypatch.setattr(cells, "MOST_OF_LONG_FORMATS", 10_000)
    monkeypatch.setattr(merges, "MOST_MERGES", 100)
    monkeypatch.setattr(xlsx_cells, "LAST_ROW", 5000)
    for module in (cells, ods, xlsx_cells, xlsx_strings):
        monkeypatch.setattr(module, "LONGEST_CELL", 50_000)


XLSX: dict[str, tuple[dict[str, Any], str]] = {
    "a long string that many cells refer to": ({"rows": rows(400), "strings": [f"<si><t>{LONG}</t></si>"]}, "8 MB of text"),
    "the same in XML of another kind": ({"rows": rows(400, "<c r='A{0}' t='s'><v>0</v></c>"), "strings": [f"<si><t>{LONG}</t></si>"]}, "8 MB of text"),
    "a string beyond a cell": ({"rows": rows(1), "strings": [f"<si><t>{'x' * 60_000}</t></si>"]}, "50,000 characters"),
    "a string in runs beyond a cell": ({"rows": rows(1), "strings": [f"<si>{f'<r><t>{LONG}</t></r>' * 100}</si>"]}, "50,000 characters"),
    "a text beyond a cell": ({"rows": rows(1, f'<c r="A{{0}}" t="str"><v>{"x" * 110_000}</v></c>')}, "50,000 characters"),
    "a merge of a long text over many rows": ({"rows": rows(1, f'<c r="A{{0}}" t="str"><v>{LONG}</v></c>'), "after": '<mergeCells><mergeCell ref="A2:A500"/></mergeCells>'}, "8 MB of text"),
    "many merges": ({"rows": rows(2, WIDE), "after": "<mergeCells>" + "".join(f'<mergeCell ref="{column}2:{column}500"/>' for column in "ABC") + "</mergeCells>"}, "1,000 cells"),
    "a merge of an error over many rows": ({"rows": rows(1, '<c r="A{0}" t="e"><v>#N/A</v></c>'), "after": '<mergeCells><mergeCell ref="A2:A110"/></mergeCells>'}, "100 cells"),
    "a merge of a formatted number": ({"rows": rows(1, '<c r="A{0}" s="1"><v>7</v></c>'), "formats": ["000"], "after": '<mergeCells><mergeCell ref="A2:A110"/></mergeCells>'}, "100 cells"),
    "numbers in a long format": ({"rows": rows(30, '<c r="A{0}" s="1"><v>7.5</v></c>'), "formats": ["0." + "0" * 400]}, "10,000 characters"),
    "an area that is listed often": ({"rows": rows(2, WIDE), "after": "<mergeCells>" + '<mergeCell ref="Z9:Z9"/>' * 101 + "</mergeCells>"}, "100 merged areas"),
    "areas over many columns": ({"rows": rows(2, WIDE), "after": "<mergeCells>" + "".join(f'<mergeCell ref="A{row}:XFD{row}"/>' for row in range(2, 52)) + "</mergeCells>"}, "1,000 cells"),
    "more rows than there are": ({"rows": HEADER + "<row/>" * 5_100}, "5,000 rows"),
    "more elements than cells could have": ({"rows": HEADER + "<x/>" * 210_000}, "far more XML"),
    "more references than letters": ({"rows": rows(6, f"<c r='A{{0}}' t='inlineStr'><is><t>{'&#65;' * 40_000}</t></is></c>")}, "far more XML"),
    "Excel's own references": ({"rows": rows(6, f"<c r='A{{0}}' t='inlineStr'><is><t>{'_x0041_' * 40_000}</t></is></c>")}, "far more XML"),
    "references in strings": ({"rows": rows(1), "strings": [f"<si><t>{'&amp;' * 40_000}</t></si>"] * 6}, "far more XML"),
    "elements in elements": ({"rows": HEADER + "<a>" * 500 + "</a>" * 500}, "250 deep"),
    "styles in styles": ({"rows": rows(1), "more": {"xl/styles.xml": "<styleSheet>" + "<a>" * 500}}, "250 deep"),
    "many styles": ({"rows": rows(1), "more": {"xl/styles.xml": "<styleSheet>" + "<a/>" * 1100 + "</styleSheet>"}}, "1,000 XML elements"),
    "many worksheets": ({"rows": rows(1), "more": {"xl/workbook.xml": "<workbook><sheets>" + "<sheet/>" * 1100 + "</sheets></workbook>"}}, "1,000 XML elements"),
    "many relations": ({"rows": rows(1), "more": {"_rels/.rels": "<Relationships>" + "<Relationship/>" * 1100 + "</Relationships>"}}, "1,000 XML elements"),
}  # fmt: skip


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("case", XLSX)
def test_a_workbook_that_asks_for_much_is_refused(case: str, look: Look, raw_xlsx: Raw) -> None:
    """A few kilobytes of a workbook cannot ask for gigabytes."""
    parts, words = XLSX[case]
    assert words in look(raw_xlsx(**parts), "p.xlsx").stop.message


@pytest.mark.parametrize(
    "tag", ['<c r="A2">', '<c r="A2"><v>', "<row ", '<row r="2"><c r="A2"><f>', "<si>", '<c r="A2" t="inlineStr"><is>']
)
def test_tags_that_are_never_closed_are_looked_through_once(tag: str, look: Look, raw_xlsx: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a tag is opened and never closed, no part of the text is searched for its end again and again."""
    monkeypatch.setattr(xlsx_cells.XmlReader, "start", _counting(xlsx_cells.XmlReader.start, 1000))
    assert look(raw_xlsx(HEADER + tag * 300_000, strings=[tag * 300_000]), "p.xlsx").stop is not None


def _counting(start: Callable[..., None], most: int) -> Callable[..., None]:
    calls = 0

    def counted(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        assert calls < most
        start(*arguments)

    return counted


def test_hidden_columns_cost_nothing_each(look: Look, raw_xlsx: Raw) -> None:
    """However often all columns are said to be hidden, they are hidden once."""
    hidden = '<col min="1" max="16384" hidden="1"/>' * 20_000
    (warning,) = look(raw_xlsx(rows(1), before=f"<cols>{hidden}</cols>", strings=["<si><t>A</t></si>"]), "p.xlsx").checked.warnings
    assert warning.startswith("Columns A and B are hidden")


def test_the_same_area_is_merged_once(look: Look, raw_xlsx: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often an area is listed, its cell is repeated once for each of its rows."""
    monkeypatch.setattr(cells, "MOST_REPEATED", 2)
    listed = "<mergeCells>" + '<mergeCell ref="A2:A4"/>' * 1000 + "</mergeCells>"
    assert len(look(raw_xlsx(rows(1), strings=["<si><t>A</t></si>"], after=listed), "p.xlsx").rows) == 3


def test_numbers_in_ordinary_formats_have_no_bound_of_their_own(look: Look, raw_xlsx: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many numbers are shown in the formats that people use, and in those that Excel writes for an account."""
    monkeypatch.setattr(cells, "MOST_OF_LONG_FORMATS", 0)
    account = "_-* #,##0.00\\ [$€-407]_-;\\-* #,##0.00\\ [$€-407]_-;_-* &quot;-&quot;??\\ [$€-407]_-;_-@_-"
    written = rows(50, '<c r="A{0}" s="1"><v>7.5</v></c>')
    assert len(look(raw_xlsx(written, formats=[account]), "p.xlsx").rows) == 50


def test_a_format_without_end_is_none(look: Look, raw_xlsx: Raw) -> None:
    """A number format longer than any program allows counts as none."""
    written = HEADER + '<row r="2"><c r="A2" s="1"><v>42</v></c><c r="B2"><v>7</v></c></row>'
    assert look(raw_xlsx(written, formats=["[" * 3_000_000]), "p.xlsx").rows == {2: ["42", "7"]}


ODS = (
    '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body><office:spreadsheet><table:table table:name="P"><table:table-row>'
    "<table:table-cell><text:p>department</text:p></table:table-cell></table:table-row>{}</table:table></office:spreadsheet></office:body></office:document-content>"
)
ROW = '<table:table-row table:number-rows-repeated="{}"><table:table-cell table:number-columns-repeated="{}" {}><text:p>{}</text:p></table:table-cell></table:table-row>'

REPEATED = {
    "rows": (ROW.format(999_999_999_999, 1, "", "x"), "1,000 cells"),
    "columns": (ROW.format(1, 999_999_999_999, "", "x"), "16,384 columns"),
    "rows and columns": (ROW.format(1_000_000, 16_000, "", "x"), "1,000 cells"),
    "a long text": (ROW.format(900, 1, "", LONG), "8 MB of text"),
    "a date": (ROW.format(110, 1, 'office:value-type="date" office:date-value="2026-01-02"', "x"), "100 cells"),
    "merged cells in rows": (ROW.format(1_000_000, 1, 'table:number-rows-spanned="1000000"', "x"), "1,000 cells"),
    "spaces": (ROW.format(1, 1, "", '<text:s text:c="99999999999"/>' * 3), "50,000 characters"),
    "one space often": (ROW.format(1, 1, "", "<text:s/>" * 20_000 + "x" * 31_000), "50,000 characters"),
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("case", REPEATED)
def test_what_an_ods_repeats_has_bounds(case: str, look: Look, packed: Callable[..., bytes]) -> None:
    """A cell of an OpenDocument file that is said to repeat for ever is refused before it is repeated."""
    row, words = REPEATED[case]
    assert words in look(packed({"content.xml": ODS.format(row)}), "p.ods").stop.message


@pytest.mark.usefixtures("small")
def test_a_list_of_parts_without_end_is_not_read(look: Look, packed: Callable[..., bytes]) -> None:
    """An archive of a hundred thousand parts is refused by the size of its list."""
    assert "larger than 1 MB" in look(packed({f"xl/{number}": "" for number in range(20_000)}), "p.xlsx").stop.message


@pytest.mark.parametrize(
    ("method", "pack"), [(zipfile.ZIP_BZIP2, bz2.compress), (zipfile.ZIP_LZMA, lambda _: b"\x09\x04\x05\x00" + bytes(5))]
)
def test_only_what_can_be_unpacked_in_pieces_is(method: int, pack: Callable[[bytes], bytes], look: Look, raw_xlsx: Raw) -> None:
    """A part that is packed so that a piece of it gives any number of bytes is not unpacked, whatever size the list of parts names."""
    part, said_size, held = "xl/workbook.xml", 1000, pack(bytes(2_000_000))
    before = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw_xlsx(rows(1)))) as plain, zipfile.ZipFile(before, "w") as archive:
        for name in plain.namelist():
            archive.writestr(name, held if name == part else plain.read(name))
    data = bytearray(before.getvalue())
    # The local header, then the list of parts: in both stand the method of packing and the size.
    for mark, method_at, size_at, name_at in ((b"PK\x03\x04", 8, 22, 30), (b"PK\x01\x02", 10, 24, 46)):
        at = next(at for at in range(len(data)) if data.startswith(mark, at) and data.startswith(part.encode(), at + name_at))
        data[at + method_at : at + method_at + 2] = method.to_bytes(2, "little")
        data[at + size_at : at + size_at + 4] = said_size.to_bytes(4, "little")
    assert "packed in another way" in look(bytes(data), "p.xlsx").stop.message


def test_a_sheet_may_be_as_large_as_its_bounds(look: Look, monkeypatch: pytest.MonkeyPatch, raw_xlsx: Raw) -> None:
    """What lies just within the bounds is read."""
    monkeypatch.setattr(cells, "MOST_CELLS", 6)
    monkeypatch.setattr(cells, "MOST_TEXT", len("department") + len("unit") + 4)
    assert len(look(raw_xlsx(rows(4), strings=["<si><t>A</t></si>"]), "p.xlsx").rows) == 4
    monkeypatch.setattr(cells, "MOST_CELLS", 5)
    assert "5 cells" in look(raw_xlsx(rows(4), strings=["<si><t>A</t></si>"]), "p.xlsx").stop.message


def test_a_small_workbook_holds_no_large_texts(look: Look, monkeypatch: pytest.MonkeyPatch, raw_xlsx: Raw) -> None:
    """How much text a workbook may hold depends on its size: a string that many cells share, or that is packed well, costs memory for each."""
    monkeypatch.setattr(cells, "MOST_TEXT_ANYWHERE", 2**20)
    shared = raw_xlsx(rows(60), strings=[f"<si><t>{LONG}</t></si>"])
    assert "more than 1 MB of text together, the most that a workbook of its size may have" in look(shared, "p.xlsx").stop.message
    errors = raw_xlsx(rows(60, f'<c r="A{{0}}" t="e"><v>{LONG}</v></c>'))
    assert "a workbook of its size" in look(errors, "p.xlsx").stop.message
    monkeypatch.setattr(cells, "MOST_TEXT_PER_BYTE", 1000)
    assert len(look(shared, "p.xlsx").rows) == 60


def test_headers_have_a_bound_together(look: Look, monkeypatch: pytest.MonkeyPatch, raw_xlsx: Raw) -> None:
    """Each header is compared with all that one may mean, so they may not be long and many."""
    monkeypatch.setattr(headers, "MOST_OF_HEADERS", 100)
    wide = (
        '<row r="1"><c r="A1" t="str"><v>department</v></c><c r="B1" t="str"><v>unit</v></c><c r="C1" t="str"><v>{}</v></c></row>'
        + rows(1)[len(HEADER) :]
    )
    fits, beyond = (raw_xlsx(wide.format("x" * length), strings=["<si><t>A</t></si>"]) for length in (86, 87))
    assert look(fits, "p.xlsx").rows == {2: ["A", "", ""]}
    assert "Row 1 of p.xlsx is longer" in look(beyond, "p.xlsx").stop.message
    assert "Row 1 of sheet.csv is longer" in look("department,unit," + "x" * 87 + "\nA,,\n").stop.message


@pytest.mark.parametrize("value", ['t="e"><v>#N/A</v>', 't="d"><v>2026-01-02</v>', 's="1"><v>7</v>'], ids=["error", "date", "format"])
def test_odd_cells_have_a_bound(value: str, look: Look, monkeypatch: pytest.MonkeyPatch, raw_xlsx: Raw) -> None:
    """Dates, errors and numbers in formats are remembered one by one."""
    monkeypatch.setattr(cells, "MOST_ODD", 10)
    one = f'<c r="A{{0}}" {value}</c>'
    assert len(look(raw_xlsx(rows(10, one), formats=["000"]), "p.xlsx").rows) == 10
    assert "10 cells of p.xlsx hold a date" in look(raw_xlsx(rows(11, one), formats=["000"]), "p.xlsx").stop.message


def test_flaws_have_a_bound(look: Look, monkeypatch: pytest.MonkeyPatch, raw_xlsx: Raw) -> None:
    """Errors in a column that is read become a problem each; those in other columns do not count."""
    monkeypatch.setattr(headers, "MOST_FLAWS", 10)
    error = '<c r="A{0}" t="str"><v>x</v></c><c r="%s{0}" t="e"><v>#N/A</v></c>'
    assert "10 cells of p.xlsx in the columns that are read" in look(raw_xlsx(rows(11, error % "B")), "p.xlsx").stop.message
    for fits in (rows(10, error % "B"), rows(11, error % "C").replace("</row>", '<c r="C1" t="str"><v>since</v></c></row>', 1)):
        assert look(raw_xlsx(fits), "p.xlsx").stop is None


@pytest.mark.parametrize("error", [MemoryError, pa.ArrowMemoryError], ids=["Python's", "Arrow's"])
@pytest.mark.parametrize("name", ["p.csv", "p.xlsx", "p.xls"])
def test_a_sheet_that_memory_does_not_hold(
    name: str, error: type[MemoryError], look: Look, monkeypatch: pytest.MonkeyPatch, raw_xlsx: Raw
) -> None:
    """Where the pod has too little memory for a sheet, that is said, whichever library has found it out."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(csvfile, "_delimiter", fail)
    monkeypatch.setattr(xlsx, "read_at_once", fail)
    monkeypatch.setattr("xlrd.open_workbook", fail)
    data = {"p.csv": b"department\nA\n", "p.xlsx": raw_xlsx(rows(1)), "p.xls": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)}[name]
    stop = look(data, name).stop
    assert stop.exit_code == Exit.BAD_SHEET
    assert stop.message.startswith(f"There is not enough memory to read {name};")


@pytest.mark.parametrize("way", ["xlsx", "ods", "csv", "csv with quotes", "csv of short rows"])
def test_blank_cells_below_far_headers_have_a_bound(
    way: str, look: Look, monkeypatch: pytest.MonkeyPatch, raw_xlsx: Raw, packed: Callable[..., bytes]
) -> None:
    """A header far to the right makes blank cells of everything before it: so many, and no more."""

    def asked(rows: int) -> Any:  # what `look` gives
        if way == "xlsx":
            far = '<c r="L1" t="str"><v>z</v></c></row>'
            return look(
                raw_xlsx(
                    HEADER.replace("</row>", far) + "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, rows + 2))
                ),
                "p.xlsx",
            )
        if way == "ods":
            far = '<table:table-cell/><table:table-cell table:number-columns-repeated="9"/><table:table-cell><text:p>z</text:p></table:table-cell></table:table-row>'
            content = ODS.replace("</table:table-row>", far, 1).format("".join(ROW.format(1, 1, "", n) for n in range(rows)))
            return look(packed({"content.xml": content}), "p.ods")
        row = {"csv": f"A,{',' * 10}\n", "csv with quotes": f'"A",{"," * 10}\n', "csv of short rows": '"A"\n'}[way]
        return look(f"department,{',' * 10}z\n" + row * rows)

    for module in (cells, csvfile):
        monkeypatch.setattr(module, "MOST_BLANK_CELLS", 44)
    assert asked(4).stop is None
    assert "44 cells below its headers are blank" in asked(5).stop.message


def test_many_columns_of_a_csv_come_in_few_pieces() -> None:
    """Of a wide table, a piece of each column holds many rows: pieces of a few would take more room than the text."""
    data = b"department,unit" + b",x" * 7_998 + b"\n" + (b"A,u" + b",1" * 7_998 + b"\n") * 250
    assert csvfile.read_csv(data, "p.csv", max_rows=1000).columns[0].num_chunks == 1


@pytest.mark.parametrize("way", ["one by one", "many at a time", "repeated"])
def test_text_is_counted_in_bytes(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on all text counts bytes of UTF-8, however cells are kept: letters beyond ASCII take two and more."""
    monkeypatch.setattr(cells, "MOST_TEXT", 8)
    kept = cells.Cells("p.xlsx", 10, 1000)

    def keep(row: int, text: str) -> None:
        if way == "many at a time":
            kept.add(np.array([0]), np.array([row]), pa.array([text]))
        elif way == "repeated":
            kept.repeat(range(row, row + 1), range(1), text)
        else:
            kept.put(row, 0, text)

    keep(1, "üü")
    keep(2, "日x")
    with pytest.raises(Stop, match="of text"):
        keep(3, "x")


def test_blank_rows_of_a_csv_have_a_bound(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank rows cost time each, and are counted like others, only more generously."""
    monkeypatch.setattr(csvfile, "MOST_BLANK_ROWS", 100)
    assert len(look('department,unit\n"A",u\n' + "\n" * 99 + "B,u\n").rows) == 2
    assert "100 blank rows" in look('department,unit\n"A",u\n' + "\n" * 101 + "B,u\n").stop.message
    assert "is empty" in look("\n" * 101 + "department,unit\n").stop.message
