"""Where a sheet lies that has to be fetched, and how it is told from the path of a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from bulkjob.settings.address import in_ascii, secrets_in, usable_address, without_secrets
from bulkjob.settings.secret import Secret

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


_WANTED: Final = "write the path of a file, or an address that starts with https://, http:// or s3://"


@dataclass(frozen=True, slots=True)
class SheetAddress:
    """The address of a sheet; shows itself without a password and without its query, which may be a signature."""

    whole: Secret

    def __str__(self) -> str:
        return without_secrets(self.whole.reveal())

    @property
    def name(self) -> str:
        """The last part of its path, as a file's name; ``sheet`` where there is none."""
        text = self.whole.reveal()
        if text.startswith("s3://"):
            return text.rstrip("/").rpartition("/")[2]
        return unquote(urlsplit(text).path).rstrip("/").rpartition("/")[2] or "sheet"

    @property
    def secrets(self) -> Iterator[Secret]:
        """What of it is in no output."""
        yield from secrets_in(self.whole.reveal())


def sheet_source(text: str) -> Path | SheetAddress:
    """A path, or the address that a text is. Raises `ValueError`, with a clause on what to write, for an address that cannot be used."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Path(text)
    text = scheme[0].lower() + text[scheme.end() :].strip()
    if scheme[1].lower() == "s3":
        bucket, _, key = text.removeprefix("s3://").partition("/")
        # A key may hold blanks and any letter; it is no part of an address that anybody encodes.
        if "@" in bucket or not usable_address(f"s3://{bucket}") or not key.strip("/") or not key.isprintable():
            raise ValueError("write the address of a sheet in a store as s3://BUCKET/KEY")
        if "?versionId=" in key:
            # Its library would take the latest one all the same.
            raise ValueError("write the address without ?versionId=: a store is asked for the latest version of a file")
        return SheetAddress(Secret(text))
    try:
        address = in_ascii(text)
    except ValueError:
        address = ""
    if not text.isprintable() or not usable_address(address, "http", "https"):
        raise ValueError(f"this address cannot be used: {_WANTED}")
    return SheetAddress(Secret(address))
