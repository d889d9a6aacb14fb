"""Texts with which cells do harm, or come to harm, in a spreadsheet program; and what a workbook holds of a text."""

import io
import re
import zipfile
from typing import Final

import openpyxl
from openpyxl.utils.escape import unescape

#: By what is bad about it.
HOSTILE: Final = {
    "command": "=cmd|' /C calc'!A0",
    "sum": "@SUM(1+1)*cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "array": "{=1+1}",
    "link": "https://example.org/?x=1",
    "internal link": "internal:Sheet1!A1",
    "external link": "external:c:\\temp\\x.xlsx",
    "mail": "mailto:nobody@example.org",
    "tab": "\t=1+1",
    "carriage return": "a\rb\r\nc",
    "line end": "first\nsecond",
    "escape": "_x0041_ and _x000D_",
    "controls": "bell \x07 escape \x1b delete \x7f next line \x85",
    "emoji": "👩‍👩‍👧 🇩🇪 ok",
    "right to left": "שלום \u202egpj.exe",
    "zeros": "007",
    "exponent": "1e5",
    "date": "1-2",
    "truth": "TRUE",
    "error": "#N/A",
    "apostrophe": "'quoted",
    "markup": '<script>alert("x")</script>&amp;]]>',
    "blanks": "  spaced  ",
}

#: What no file can hold, with what is there instead.
UNHOLDABLE: Final = {"half \ud83d of a pair": "half ? of a pair", "no\ufffe character\uffff": "no? character?"}

LONG: Final = "x" * 40_000
LONG_EMOJI: Final = "😀" * 40_000


def texts_in(data: bytes, worksheet: int = 0) -> list[list[str]]:
    """What openpyxl reads of a worksheet, as `said`; numbers as texts, and nothing for nothing."""
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[worksheet]
    return [["" if cell is None else said(str(cell)) for cell in row] for row in sheet.values]


def said(text: str) -> str:
    """A text without Excel's escapes: openpyxl leaves them to whoever uses it, but for half of a double one in the table of strings."""
    return str(unescape(unescape(text)))


def is_inert(data: bytes) -> bool:
    """Whether no worksheet has a formula, a link to anywhere outside it, or anything else that acts."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheets = [part for name, part in parts.items() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
    relations = b"".join(part for name, part in parts.items() if name.endswith(".rels"))
    acting = [name for name in parts if re.search("vba|macro|externalLink|connections|activeX", name)]
    links = [link for sheet in sheets for link in re.findall(rb"<hyperlink [^>]*>", sheet) if b'location="' not in link]
    return not any(b"<f>" in sheet or b"<f " in sheet for sheet in sheets) and b"External" not in relations and not acting and not links
