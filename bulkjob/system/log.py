"""The log on standard error: one event a line, as text for people or as a JSON document for collectors.

Each line has the name of its event and its fields besides a sentence (`Event`, `tell`). No secret gets into it, and no line that the
program did not write: what others said appears as `printable` shows it.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal, TextIO

from bulkjob.phrases import printable
from bulkjob.settings import Mask, Secret
from bulkjob.vocabulary import Event

#: Before the lines of a traceback, which may hold somebody else's words: none of them begins like a line of the log.
_INDENT: Final = "    "


#: Where a record of `logging` keeps what `tell` was given.
_EVENT: Final = "bulkjob_event"
_FIELDS: Final = "bulkjob_fields"


#: What a field may be.
Field = str | int | float | bool | None


_log: Final = logging.getLogger("bulkjob")


def tell(event: Event, message: str, *, level: int = logging.INFO, traceback: bool = False, **fields: Field) -> None:
    """Writes one line into the log; a field that is None is left out. ``traceback``: with that of the error that is being handled."""
    extra = {_EVENT: event, _FIELDS: {name: value for name, value in fields.items() if value is not None}}
    _log.log(level, "%s", message, extra=extra, exc_info=traceback)


def warn(event: Event, message: str) -> None:
    """The same for what people should read."""
    tell(event, message, level=logging.WARNING)


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
        # What a library says has no event of ours.
        event: str = getattr(record, _EVENT, Event.LIBRARY)
        given: Mapping[str, Field] = getattr(record, _FIELDS, {})
        fields = {name: self._mask.text(value) if isinstance(value, str) else value for name, value in given.items()}
        if self.shape == "text":
            head = f"{self.formatTime(record, self.datefmt)} {record.levelname:<7} {event}: {printable(message.strip())}{_as_text(fields)}"
            return "\n".join([head, *(_INDENT + printable(line) for line in traceback.splitlines())])
        members: dict[str, Field] = {
            "time": self.formatTime(record, f"%Y-%m-%dT%H:%M:%S.{int(record.msecs):03d}Z"),
            "level": record.levelname.lower(),
            "event": str(event),
            "logger": record.name,
            "message": message,
            **fields,
        }
        if traceback:
            members["traceback"] = traceback
        return printable(json.dumps(members))


def _as_text(fields: Mapping[str, Field]) -> str:
    """``  rows=61 code="not applied"``: behind the sentence, so that people can leave it."""
    said = [f"{name}={printable(json.dumps(value, ensure_ascii=False))}" for name, value in fields.items()]
    return f"  [{' '.join(said)}]" if said else ""


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
