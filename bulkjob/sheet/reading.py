"""A file, or its bytes, becomes a `Sheet`; what the bytes are decides which reader they go to, not the file's name."""

import hashlib
from pathlib import Path

from bulkjob.records import Sheet
from bulkjob.sheet import messages
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.csvfile import read_csv
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.formats.ods import read_ods
from bulkjob.sheet.formats.xls import read_xls
from bulkjob.sheet.formats.xlsx import read_xlsx
from bulkjob.sheet.headers import sheet_of
from bulkjob.vocabulary import Exit, Stop

DEFAULT_MAX_ROWS = 1_000_000

#: No sheet of a million rows comes near this; it keeps a disk image from being read into memory.
LARGEST_FILE = 2 * 2**30

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: Excel 2 to 4 wrote the workbook without a container; Excel 5 and later are in `_OLE`.
_OLD_BIFF = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")
_WORKBOOK_ENDINGS = (".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlt", ".xlsb", ".ods", ".ots")


def read_sheet(path: Path, *, sheet_name: str | None = None, max_rows: int = DEFAULT_MAX_ROWS) -> Sheet:
    """The sheet in the file; raises `Stop` with one sentence where it cannot be opened (66) or is no sheet (65)."""
    name = path.name or str(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise Stop(Exit.NO_INPUT, messages.is_directory(name))
        if size > LARGEST_FILE:
            raise Stop(Exit.BAD_SHEET, messages.file_too_large(name, LARGEST_FILE))
        with path.open("rb") as file:
            # A device or a pipe has no size: it is read no further than the limit either.
            data = file.read(LARGEST_FILE + 1) if size else file.read(2**20)
    except FileNotFoundError:
        raise Stop(Exit.NO_INPUT, messages.missing(str(path))) from None
    except PermissionError:
        raise Stop(Exit.NO_INPUT, messages.no_permission(str(path))) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Stop(Exit.NO_INPUT, messages.unreadable(str(path), reason)) from None
    return parse(data, name, sheet_name=sheet_name, max_rows=max_rows)


def parse(data: bytes, name: str, *, sheet_name: str | None = None, max_rows: int = DEFAULT_MAX_ROWS) -> Sheet:
    """The sheet in the bytes of a file called ``name``; raises `Stop` where they are none."""
    grid = _grid(data, name, sheet_name=sheet_name, max_rows=max_rows)
    return sheet_of(grid, name, hashlib.sha256(data).hexdigest())


def _grid(data: bytes, name: str, *, sheet_name: str | None, max_rows: int) -> Grid:
    if not data.strip():
        raise Stop(Exit.BAD_SHEET, messages.empty(name))
    if data.startswith(_ZIP):
        with Archive(data, name) as archive:
            reader = read_ods if archive.is_open_document else read_xlsx
            return reader(archive, sheet_name=sheet_name, max_rows=max_rows)
    if data.startswith((_OLE, *_OLD_BIFF)):
        return read_xls(data, name, sheet_name=sheet_name, max_rows=max_rows)
    if name.lower().endswith(_WORKBOOK_ENDINGS):
        raise Stop(Exit.BAD_SHEET, messages.not_a_workbook(name))
    if sheet_name is not None:
        raise Stop(Exit.BAD_SHEET, messages.csv_has_no_worksheets(name, sheet_name))
    return read_csv(data, name, max_rows=max_rows)
