"""What kind of file the bytes are, whatever its name says, and for kinds that are no sheet the sentence that says so kindly."""

import re
from collections.abc import Iterable
from typing import Final

from bulkjob.sheet import messages

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
#: Excel 97 to 2003; Excel 2 to 4 wrote the workbook without a container.
XLS: Final = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")
WORKBOOK_ENDINGS: Final = (".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlt", ".xlsb", ".ods", ".ots")
_SHEET_ENDINGS: Final = (*WORKBOOK_ENDINGS, ".csv", ".tsv", ".txt")
#: Of the beginning, in bytes.
_LOOKED_AT: Final = 8192

_OTHERS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a text document (RTF)"),
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
#: Each piece before the first tag is taken once and for all: a comment that could also swallow the next ones takes twice as long for each.
_HTML = re.compile(
    r"(?:<!--.*?-->|<\?xml[^>]*>|\s)*+<(?:!doctype html|html|head|body|table|meta|style|script|div)\b|mime-version:", re.DOTALL
)
_JSON = re.compile(r'\{\s*"|\[\s*[\[{"]')


def why_no_sheet(data: bytes, name: str) -> str | None:
    """The sentence that says what the file is, where it is known to be something else than a sheet; None for what may be one."""
    if name.startswith(("~$", ".~lock.")):
        return messages.lock_file(name)
    if data.startswith((*ZIP, *XLS)):
        return None
    for mark, kind in _PACKED:
        if data.startswith(mark):
            return messages.packed(name, kind)
    for mark, kind in _OTHERS:
        if data.startswith(mark):
            return messages.other_kind(name, kind)
    return _markup(data[:_LOOKED_AT], name)


def _markup(beginning: bytes, name: str) -> str | None:
    # Without zero bytes, UTF-16 reads like any other text here.
    text = beginning.replace(b"\x00", b"").decode("latin-1").lstrip("\ufeff\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if "urn:schemas-microsoft-com:office:spreadsheet" in text and text.startswith("<"):
        return messages.xml_workbook(name, "an XML spreadsheet of Excel 2003")
    if "<office:document" in text and text.startswith("<"):
        return messages.xml_workbook(name, "a flat OpenDocument file (.fods)")
    if _HTML.match(text):
        return messages.web_page(name)
    if text.startswith("<?xml"):
        return messages.other_kind(name, "an XML file")
    return messages.other_kind(name, "a JSON file") if _JSON.match(text) else None


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
    return messages.zip_archive(
        name, sorted(part for part in present if part.endswith(_SHEET_ENDINGS) and not part.startswith("__macosx/"))
    )
