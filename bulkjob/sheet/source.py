"""A sheet from wherever it lies: a file, standard input, or an address."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Final

from bulkjob.records import Sheet
from bulkjob.settings import Mask, Settings, SheetAddress
from bulkjob.sheet import messages
from bulkjob.sheet.formats.bounds import LARGEST_FILE
from bulkjob.sheet.reading import FIRST_LOOK, STANDARD_INPUT, parse, read_sheet, refuse_garbage
from bulkjob.vocabulary import Exit, Stop

#: Where the system shows a process the files that it was started with.
_OPEN_FILES: Final = ("/dev/fd", "/proc/self/fd")


def sheet_at(source: Path | SheetAddress, settings: Settings) -> Sheet:
    """The sheet of a command, without the secrets that its settings have.

    Raises `Stop`: 65 for what is no sheet, 66 where it cannot be had, 69 where its store keeps failing, 78.
    """
    if isinstance(source, Path):
        return read_sheet(source, sheet_name=settings.sheet_name, max_rows=settings.max_rows, mask=Mask(settings.secrets))
    data = _fetched(source, settings)
    mask = Mask([*settings.secrets, *source.secrets])
    return parse(data, source.name, sheet_name=settings.sheet_name, max_rows=settings.max_rows, mask=mask)


def given_once(source: Path | SheetAddress) -> bool:
    """Whether a sheet comes through standard input, another open file or a pipe, which do not give it another time."""
    if not isinstance(source, Path):
        return False
    try:
        return str(source) in STANDARD_INPUT or str(source.parent) in _OPEN_FILES or source.is_fifo()
    except OSError:
        return False


def files_of(source: Path | SheetAddress) -> tuple[Path, ...]:
    """The file that a sheet is read from, which nothing may overwrite; none for an address."""
    return (source,) if isinstance(source, Path) else ()


def _fetched(source: SheetAddress, settings: Settings) -> bytes:
    # Only a sheet that lies elsewhere has to wait until aiohttp is imported.
    from bulkjob.system import StoreFailed, fetched  # noqa: PLC0415

    try:
        return fetched(source.whole.reveal(), settings, _watch(source.name), f"The sheet {source} could not be fetched")
    except StoreFailed as failed:
        address, said, attempts = str(source), failed.said, settings.retries
        message = (
            messages.store_fails(address, said, attempts) if failed.exit_code is Exit.UNAVAILABLE else messages.unfetched(address, said)
        )
        code = failed.exit_code
    # Raised out here, so that no traceback shows what the libraries have said.
    raise Stop(code, message)


def _watch(name: str) -> Callable[[BytesIO], None]:
    """Ends the reading as soon as what has come is too large, or cannot be a sheet's."""
    looked = False

    def watch(received: BytesIO) -> None:
        nonlocal looked
        if received.tell() > LARGEST_FILE:
            raise Stop(Exit.BAD_SHEET, messages.file_too_large(name, LARGEST_FILE))
        if not looked and received.tell() >= FIRST_LOOK:
            looked = True
            refuse_garbage(bytes(received.getbuffer()[:FIRST_LOOK]), name)

    return watch
