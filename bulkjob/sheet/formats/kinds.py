"""What kind of file the bytes are, whatever its name says, and for kinds that are no sheet the sentence that says so kindly."""

import re
from collections.abc import Iterable
from typing import Final

from bulkjob.sheet import messages
from bulkjob.sheet.text import column_meant

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
#: Excel 97 to 2003; Excel 2 to 4, and exports of web applications to this day, write the workbook without a container.
XLS: Final = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    *(b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"),
    *(b"\x09\x08\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00"),
)
WORKBOOK_ENDINGS: Final = (".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlt", ".xlsb", ".ods", ".ots")
_SHEET_ENDINGS: Final = (*WORKBOOK_ENDINGS, ".csv", ".tsv", ".txt")
#: Of the beginning, in bytes; comments before a web page may be long.
_LOOKED_AT: Final = 2**17
_BEFORE_TEXT: Final = b"\xef\xbb\xbf \t\r\n"

#: These may stand behind a byte order mark or a line end.
_DOCUMENTS: Final = ((b"%PDF-", "a PDF document"), (b"{\\rtf", "a text document (RTF)"))
_OTHERS: Final = (
    (b"\x89PNG\r\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"SQLite format 3\x00", "a database (SQLite)"),
    (b"PAR1", "a Parquet file"),
)
_PACKED: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
)
_OFFICE: Final = (("word/document.xml", "a Word document"), ("ppt/presentation.xml", "a PowerPoint presentation"))
#: What may stand before the first tag. Each piece is taken once: a comment that could swallow the next ones would double the time.
_PROLOG: Final = r"(?:<!--.*?-->|<\?.*?\?>|\s)*+"
_HTML = re.compile(
    rf"{_PROLOG}<(?:!doctype\s+html|html|head|body|table|meta|style|script|div)\b|mime-version:",
    re.DOTALL,
)
#: A piece of a web page, or of another file of tags: only where its first line does not hold headers.
_HTML_PIECE = re.compile(
    rf"{_PROLOG}</?(?:a|abbr|address|article|aside|b|base|big|blockquote|br|button|caption|center|code|col|colgroup|dd|dl|dt|em|"
    r"fieldset|figure|font|footer|form|frameset|h[1-6]|header|hr|i|iframe|img|input|label|li|link|main|nav|noscript|ol|p|pre|"
    r"section|small|span|strong|sub|sup|t[dhr]|tbody|tfoot|thead|title|u|ul)(?=[\s/>])",
    re.DOTALL,
)
_XML_PIECE = re.compile(rf"{_PROLOG}<(?:!doctype\s|([a-z_][\w:.-]*+)(?=[\s/>])(?:[^<>]*+(?:(?<=/)>|>\s*+<)|.*?</\1\s*>))", re.DOTALL)
_JSON = re.compile(r'\{\s*"|\[\s*[\[{"]')
_SYLK = re.compile(r"id;p[^\r\n]*+[\r\n]++(?:p;[pfe]|b;[xy]|c;[xyk]|f;|o;|nn;|e\b)")
_DIF = re.compile(r"table[\r\n]++0,1[\r\n]++\"")


def why_no_sheet(data: bytes, name: str) -> str | None:
    """The sentence that says what the file is, where it is known to be something else than a sheet; None for what may be one."""
    if name.startswith(("~$", ".~lock.")):
        return messages.lock_file(name)
    if data.startswith((*ZIP, *XLS)):
        return None
    for mark, kind in _PACKED:
        if data.startswith(mark):
            return messages.packed(name, kind)
    text = data[:_LOOKED_AT].lstrip(_BEFORE_TEXT)
    for start, kinds in ((data, _OTHERS), (text, _DOCUMENTS)):
        for mark, kind in kinds:
            if start.startswith(mark):
                return messages.other_kind(name, kind)
    # Without zero bytes, UTF-16 reads like any other text here.
    return _text(text.replace(b"\x00", b"").decode("latin-1").lstrip("\xff\xfe \t\r\n").lower(), name)


def _text(text: str, name: str) -> str | None:
    """The same for a text that begins so, in small letters."""
    if "urn:schemas-microsoft-com:office:spreadsheet" in text and text.startswith("<"):
        return messages.unread_kind(name, "an XML spreadsheet of Excel 2003")
    if "<office:document" in text and text.startswith("<"):
        return messages.unread_kind(name, "a flat OpenDocument file (.fods)")
    if _HTML.match(text):
        return messages.web_page(name)
    if text.startswith("<?xml"):
        return messages.other_kind(name, "an XML file")
    if _JSON.match(text):
        return messages.other_kind(name, "a JSON file")
    return None if _has_headers(text) else _piece(text, name)


def _has_headers(text: str) -> bool:
    """Whether the first line has a cell that is a header of the table, whatever the others look like."""
    line = next(iter(text[:_LOOKED_AT].splitlines()), "")
    return any(map(column_meant, re.split(r"[,;\t]", line.replace('"', ""))))


def _piece(text: str, name: str) -> str | None:
    """What a text without headers is that begins with a tag, or as exchange files of old do."""
    if _HTML_PIECE.match(text) or (text.startswith("<!--") and "-->" not in text):
        return messages.web_page(name)
    if _XML_PIECE.match(text):
        return messages.other_kind(name, "an XML file")
    if _SYLK.match(text):
        return messages.unread_kind(name, "a SYLK file (.slk)")
    return messages.unread_kind(name, "a DIF file") if _DIF.match(text) else None


def why_no_workbook(parts: Iterable[str], media_type: str, name: str) -> str | None:
    """The same for a zip archive with these parts (in lower case); ``media_type`` is what an OpenDocument file says about itself."""
    present = set(parts)
    if any(part.endswith(".iwa") or part == "index.zip" for part in present):
        return messages.numbers_workbook(name)
    if "opendocument" in media_type and "spreadsheet" not in media_type:
        return messages.other_kind(name, "an OpenDocument file, but no spreadsheet")
    if {"content.xml", "_rels/.rels"} & present or any(part.startswith("xl/") for part in present):
        kind = next((kind for part, kind in _OFFICE if part in present), "")
        return messages.other_kind(name, kind) if kind else None
    sheets = sorted(part for part in present if part.endswith(_SHEET_ENDINGS) and not part.startswith("__macosx/"))
    # Numbers saves a folder at times, which a mail program or a browser packs.
    is_numbers = not sheets and any(part.endswith(".numbers") or ".numbers/" in part for part in present)
    return messages.numbers_workbook(name) if is_numbers else messages.zip_archive(name, sheets)
