"""A file, or its bytes, becomes a `Sheet`; what the bytes are decides which reader they go to, not the file's name."""

import hashlib
import os
import stat
from io import BufferedIOBase
from pathlib import Path
from typing import Final

from bulkjob.records import Sheet
from bulkjob.settings import Mask, Settings
from bulkjob.sheet import messages, size_messages
from bulkjob.sheet.formats.archive import Archive
from bulkjob.sheet.formats.bounds import LARGEST_FILE
from bulkjob.sheet.formats.csvfile import read_csv
from bulkjob.sheet.formats.encodings import begins_like_text
from bulkjob.sheet.formats.grid import Grid
from bulkjob.sheet.formats.kinds import WORKBOOK_ENDINGS, XLS, ZIP, why_no_sheet, why_no_workbook
from bulkjob.sheet.formats.ods import read_ods
from bulkjob.sheet.formats.xls import read_xls
from bulkjob.sheet.formats.xlsx import read_xlsx
from bulkjob.sheet.headers import sheet_of
from bulkjob.sheet.masking import without_secrets
from bulkjob.vocabulary import Exit, Stop

_MAX_ROWS: Final = Settings().max_rows
_NO_MASK: Final = Mask()

#: The beginning of a file by which is seen what it cannot be, in bytes.
FIRST_LOOK = 2**20
#: What standard input is called.
STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def read_sheet(path: Path, *, sheet_name: str | None = None, max_rows: int = _MAX_ROWS, mask: Mask = _NO_MASK) -> Sheet:
    """The sheet in the file, or in standard input for ``-``; a pipe is read to its end. ``mask``: takes secrets out of it.

    Raises `Stop` with one sentence where it cannot be opened (66) or is no sheet (65).
    """
    from_standard_input = str(path) in STANDARD_INPUT
    name = "sheet" if from_standard_input else path.name or str(path)
    try:
        with open(0, "rb", closefd=False) if from_standard_input else path.open("rb") as file:  # a number is no path
            data = _all_of(file, name)
    except MemoryError:
        raise Stop(Exit.BAD_SHEET, size_messages.no_memory(name)) from None
    except FileNotFoundError:
        raise Stop(Exit.NO_INPUT, messages.missing(str(path))) from None
    except IsADirectoryError:
        raise Stop(Exit.NO_INPUT, messages.is_directory(name)) from None
    except PermissionError:
        raise Stop(Exit.NO_INPUT, messages.no_permission(str(path))) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Stop(Exit.NO_INPUT, messages.unreadable(str(path), reason)) from None
    return parse(data, name, sheet_name=sheet_name, max_rows=max_rows, mask=mask)


def _all_of(file: BufferedIOBase, name: str) -> bytes:
    """The file's bytes to its end; raises `Stop` as soon as they are too many, or cannot be a sheet's."""
    state = os.fstat(file.fileno())
    if stat.S_ISREG(state.st_mode) and state.st_size > LARGEST_FILE:
        raise Stop(Exit.BAD_SHEET, messages.file_too_large(name, LARGEST_FILE))
    first = file.read(FIRST_LOOK)
    refuse_garbage(first, name)
    pieces, left = [first], 0
    if stat.S_ISREG(state.st_mode):
        # A file is read in one piece from its beginning, as two put together would be twice the memory.
        file.seek(0)
        pieces, left = [], state.st_size
    while sum(map(len, pieces)) <= LARGEST_FILE:
        # A pipe gives no more than its buffer holds, whatever is asked for; the end has come only when it gives nothing.
        piece = file.read(max(left, FIRST_LOOK))
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        left = 0
    raise Stop(Exit.BAD_SHEET, messages.file_too_large(name, LARGEST_FILE))


def refuse_garbage(first: bytes, name: str) -> None:
    """Raises `Stop` (65) where the first bytes of a file called ``name`` cannot be a sheet's."""
    if not first.startswith((*ZIP, *XLS)) and not begins_like_text(first):
        raise Stop(Exit.BAD_SHEET, why_no_sheet(first, name) or messages.garbage(name))


def parse(data: bytes, name: str, *, sheet_name: str | None = None, max_rows: int = _MAX_ROWS, mask: Mask = _NO_MASK) -> Sheet:
    """The sheet in the bytes of a file called ``name``, without the secrets that ``mask`` knows; raises `Stop` where they are none."""
    try:
        grid = without_secrets(_grid(data, name, sheet_name=sheet_name, max_rows=max_rows), mask)
        return sheet_of(grid, mask.text(name), hashlib.sha256(data).hexdigest())
    except MemoryError:
        # Arrow's and numpy's are such, too.
        message = size_messages.no_memory(mask.text(name))
    # Raised out here, where nothing holds what was read so far.
    raise Stop(Exit.BAD_SHEET, message)


def _grid(data: bytes, name: str, *, sheet_name: str | None, max_rows: int) -> Grid:
    if reason := why_no_sheet(data, name):
        raise Stop(Exit.BAD_SHEET, reason)
    # Stripping all of it would copy all of it.
    if not data[:FIRST_LOOK].strip() and not data.strip():
        raise Stop(Exit.BAD_SHEET, messages.empty(name))
    if data.startswith(ZIP):
        with Archive(data, name) as archive:
            if archive.is_encrypted:
                raise Stop(Exit.BAD_SHEET, messages.encrypted(name))
            if reason := why_no_workbook(archive.parts, archive.media_type, name):
                raise Stop(Exit.BAD_SHEET, reason)
            reader = read_ods if archive.is_open_document else read_xlsx
            return reader(archive, sheet_name=sheet_name, max_rows=max_rows)
    if data.startswith(XLS):
        return read_xls(data, name, sheet_name=sheet_name, max_rows=max_rows)
    if sheet_name is not None:
        raise Stop(Exit.BAD_SHEET, messages.csv_has_no_worksheets(name, sheet_name))
    notes = (messages.text_in_spite_of_name(name),) if name.lower().endswith(WORKBOOK_ENDINGS) else ()
    return read_csv(data, name, max_rows=max_rows, notes=notes)
