"""Files that are something else than their name or their sender says."""

# ruff: noqa: E501  # tables read best with a case on a line

import gzip
from collections.abc import Callable
from typing import Any

import pytest

Look = Callable[..., Any]
Packed = Callable[..., bytes]

HTML = "<table><tr><td>department</td></tr></table>"

OTHERS: dict[str, tuple[str, bytes, str]] = {
    "a web page named .xls": ("p.xls", HTML.encode(), "web page (HTML) with the name of a workbook"),
    "a whole web page": ("p.csv", f"\ufeff\r\n <!DOCTYPE html><html>{HTML}</html>".encode(), "web page"),
    "a web page in UTF-16": ("p.xls", f"<html>{HTML}</html>".encode("utf-16"), "web page"),
    "a web page behind a comment": ("p.xls", f"<!-- Sign in --><html>{HTML}</html>".encode(), "web page"),
    "XHTML": ("p.xls", b'<?xml version="1.0"?><html></html>', "web page"),
    "a web page in one file": ("p.xls", b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n", "web page"),
    "a doctype over two lines": ("p.xls", b"<!DOCTYPE\nhtml><p>", "web page"),
    "a web page behind a long comment": ("p.xls", b"<!--" + b" x" * 10_000 + b"--><html>", "web page"),
    "a comment without end": ("p.xls", b"<!--" + b" x" * 100_000, "web page"),
    "a PDF behind a byte order mark": ("p.csv", b"\xef\xbb\xbf%PDF-1.4\n", "PDF"),
    "a PDF behind a line end": ("p.csv", b"\r\n%PDF-1.4\n", "PDF"),
    "XML without a prolog": ("p.xml", b"<rows><row><department>A</department></row></rows>", "XML file"),
    "XML of one element": ("p.xml", b'<!-- 2026 --><row department="A" unit="u"/>', "XML file"),
    "XML with a text first": ("p.xml", b'<row id="1">\nA, u\n</row>\n', "XML file"),
    "a doctype of XML": ("p.xml", b"<!DOCTYPE rows [\n]><rows/>", "XML file"),
    "SYLK": ("p.xls", b'ID;PWXL;N;E\r\nC;Y1;X1;K"department"\r\nC;X2;K"unit"\r\nE\r\n', "SYLK"),
    "DIF": ("p.dif", b'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,2\r\n""\r\n', "DIF"),
    "SpreadsheetML of 2003": ("p.xls", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "Excel 2003"),
    "a flat OpenDocument file": ("p.fods", b'<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>', "flat OpenDocument file"),
    "other XML": ("p.xml", b'<?xml version="1.0"?><departments/>', "XML file"),
    "JSON": ("p.json", b'{"departments": []}', "JSON"),
    "a list in JSON": ("p.json", b'[\n {"department": "A"}]', "JSON"),
    "gzip": ("p.csv.gz", gzip.compress(b"department,unit\nA,u\n"), "unpack it"),
    "bzip2": ("p.csv.bz2", b"BZh91AY&SY", "unpack it"),
    "7-Zip": ("p.7z", b"7z\xbc\xaf\x27\x1c\x00\x04", "unpack it"),
    "PDF": ("p.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
    "a picture": ("p.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "picture"),
    "RTF": ("p.rtf", b"{\\rtf1\\ansi department}", "text document"),
    "Excel's lock file": ("~$reorg.xlsx", b"\x04Anna" + b" " * 160, 'lock file that marks "reorg.xlsx"'),
    "LibreOffice's lock file": (".~lock.reorg.ods#", b",anna,host,01.01.2026 10:00,file:///home/anna;", 'lock file that marks "reorg.ods"'),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_no_sheet_is_called_by_its_name(case: str, look: Look) -> None:
    """A file of another kind is refused with what it is and what to do, never as damaged."""
    name, data, words = OTHERS[case]
    message = look(data, name).stop.message
    assert words in message
    assert "damaged" not in message


@pytest.mark.parametrize("tag", ["thead", "h2", "center", "font", "title", "form", "br", "b", "span", "link", "p", "tr", "td", "a"])
def test_a_piece_of_a_web_page_is_one(tag: str, look: Look) -> None:
    """What a server sends in place of a file, or copies from a page, need not begin as a page does."""
    assert "web page" in look(f'\n<{tag}>department</{tag}><{tag} class="x"/>\n', "p.xls").stop.message
    assert "web page" in look(f'<{tag.upper()} CLASS="x">'.encode("utf-16"), "p.xls").stop.message


ARCHIVES: dict[str, tuple[str, dict[str, str | bytes], str]] = {
    "a zip with a sheet": ("p.zip", {"2026/reorg.xlsx": b"", "__MACOSX/reorg.xlsx": b""}, 'unpack it and name the sheet inside it, "2026/reorg.xlsx"'),
    "a zip with sheets": ("p.zip", {"a.csv": b"", "b.csv": b""}, "one of the sheets inside it"),
    "a zip without a sheet": ("p.zip", {"a.txt.bak": b""}, "holds no spreadsheet"),
    "an empty zip": ("p.zip", {}, "holds no spreadsheet"),
    "Numbers": ("p.numbers", {"Index/Document.iwa": b"", "preview.jpg": b""}, "Apple Numbers"),
    "Numbers of old": ("p.numbers", {"Index.zip": b""}, "Apple Numbers"),
    "Numbers, packed on its way": ("p.numbers", {"p.numbers/Index.zip": b"", "p.numbers/preview.jpg": b""}, "Apple Numbers"),
    "Numbers in a zip": ("p.zip", {"2026/p.numbers": b"", "__MACOSX/2026/p.numbers": b""}, "Apple Numbers"),
    "Numbers beside a sheet": ("p.zip", {"p.numbers": b"", "p.csv": b""}, 'the sheet inside it, "p.csv"'),
    "Excel's binary one, whose parts stand elsewhere": ("p.xlsb", {"_rels/.rels": b"<Relationships/>", "x/workbook.bin": b""}, ".xlsb"),
    "Word": ("p.docx", {"_rels/.rels": b"", "word/document.xml": b""}, "Word document"),
    "PowerPoint": ("p.pptx", {"_rels/.rels": b"", "ppt/presentation.xml": b""}, "PowerPoint"),
    "OpenDocument text": ("p.odt", {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": b""}, "no spreadsheet"),
}  # fmt: skip


@pytest.mark.parametrize("case", ARCHIVES)
def test_an_archive_is_called_by_what_it_holds(case: str, look: Look, packed: Packed) -> None:
    """An archive that is no workbook is refused with what it is, and with the sheet that it holds."""
    name, parts, words = ARCHIVES[case]
    message = look(packed(parts), name).stop.message
    assert words in message
    assert "damaged" not in message


@pytest.mark.parametrize(
    "line", ["<5 agents,u", "{x},u", "[A],u", "GIFTS,u", "<b>x</b>,u", "<x><y>,u", "<!-- -->,u", "<rows/>,u", "TABLE,u"]
)
def test_a_text_that_only_begins_like_another_kind_is_read(line: str, look: Look) -> None:
    """Headers that begin with signs of other kinds of file make no other kind of them."""
    assert look(f"{line.partition(',')[0]},department,unit\nx,A,u\n").rows == {2: ["x", "A", "u"]}


def test_headers_like_the_beginning_of_an_exchange_file_are_read(look: Look) -> None:
    """A sheet whose first column is an ID and whose next begins with P is a sheet."""
    assert look("ID;P;department;unit\nC;X;A;u\n").rows == {2: ["C", "X", "A", "u"]}


@pytest.mark.parametrize("header", ["<department>", "<Dept>"])
def test_a_header_in_angle_brackets_is_none_of_a_file_of_tags(header: str, look: Look) -> None:
    """It is asked for as any other header that comes near."""
    assert f'Did you mean "{header}"?' in look(f"{header},<unit>,<agent>\nA,u,x\n").stop.message


@pytest.mark.parametrize("piece", ["<!---->", "<!-- --> ", "<?xml?>", "<!--", " ", "<?xml", "{ ", "[ "])
def test_what_may_stand_before_the_first_tag_is_looked_through_once(piece: str, look: Look) -> None:
    """However often it is repeated, a text that only begins like a web page is not looked through in every combination."""
    assert "sheet.csv" in look(piece * 1000 + "x").stop.message
