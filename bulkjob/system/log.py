"""The log on standard error: text for people, one JSON document a line for collectors; no secret gets into it."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TextIO

from bulkjob.settings import Mask, Secret


class LogFormatter(logging.Formatter):
    """Writes records as text or JSON with UTC times; what `hide` was told is replaced by ``***``, also in tracebacks."""

    def __init__(self, shape: Literal["text", "json"]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self.shape = shape
        self._secrets: set[Secret] = set()
        self._mask = Mask()

    def hide(self, *secrets: Secret) -> None:
        """Replace these secrets from now on, in any spelling that an error message may have made of them."""
        self._secrets |= {*secrets}
        self._mask = Mask(self._secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One line (as text, a traceback follows it; as JSON, it is a member)."""
        if self.shape == "text":
            return self._mask.text(super().format(record))
        # Members are scrubbed before they become JSON: afterwards a secret would be spelt differently.
        members = {
            "time": self.formatTime(record, f"%Y-%m-%dT%H:%M:%S.{int(record.msecs):03d}Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._mask.text(record.getMessage()),
        }
        if record.exc_info:
            members["traceback"] = self._mask.text(self.formatException(record.exc_info))
        return json.dumps(members)


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
