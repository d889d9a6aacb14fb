"""The log on standard error: text for people, one JSON document a line for collectors.

No secret gets into it, and no line that the program did not write: what others said appears as `printable` shows it.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, TextIO

from bulkjob.phrases import printable
from bulkjob.settings import Mask, Secret

#: Before the lines of a traceback, which may hold somebody else's words: none of them begins like a line of the log.
_INDENT: Final = "    "


class LogFormatter(logging.Formatter):
    """Writes records as text or JSON with UTC times; what `hide` was told is replaced by ``***``, also in tracebacks."""

    def __init__(self, shape: Literal["text", "json"]) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self.shape = shape
        self._secrets: set[Secret] = set()
        self._mask = Mask()

    def hide(self, *secrets: Secret) -> None:
        """Replace these secrets from now on, in any spelling that an error message may have made of them."""
        self._secrets |= {*secrets}
        self._mask = Mask(self._secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One line (as text, a traceback follows it, indented; as JSON, it is a member)."""
        # Secrets first: as an escape, in text or in JSON, one would be spelt differently.
        message = self._mask.text(record.getMessage())
        traceback = self._mask.text(self.formatException(record.exc_info)) if record.exc_info else ""
        if self.shape == "text":
            head = f"{self.formatTime(record, self.datefmt)} {record.levelname:<7} {printable(message.strip())}"
            return "\n".join([head, *(_INDENT + printable(line) for line in traceback.splitlines())])
        members = {
            "time": self.formatTime(record, f"%Y-%m-%dT%H:%M:%S.{int(record.msecs):03d}Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        if traceback:
            members["traceback"] = traceback
        return printable(json.dumps(members))


@contextmanager
def logging_to(stream: TextIO) -> Iterator[LogFormatter]:
    """While open, everything that is logged, and every Python warning, goes to ``stream``: as text on a terminal, else as JSON.

    Yields the formatter: the shape may still be changed, and secrets be added. Afterwards logging is as it was before.
    """
    formatter = LogFormatter("text" if stream.isatty() else "json")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root, own = logging.getLogger(), logging.getLogger("bulkjob")
    before = own.level
    root.addHandler(handler)
    own.setLevel(logging.INFO)
    # Libraries warn about what they find in workbooks; in between the lines of a JSON log that would be no JSON.
    logging.captureWarnings(capture=True)
    try:
        yield formatter
    finally:
        logging.captureWarnings(capture=False)
        own.setLevel(before)
        root.removeHandler(handler)
