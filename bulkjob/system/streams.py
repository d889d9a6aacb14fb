"""Standard output and error that no terminal's encoding, closed pipe or full disk turns into a traceback."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast


class SturdyStream:
    """A text stream that remembers its first failure in ``failure`` and drops what is written from then on.

    A reader that goes away (``| head``) must not end a job that is sending.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write ``text`` as far as the stream still takes it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Send out what was written, as far as the stream still takes it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _give_up(self, error: OSError) -> None:
        self.failure = error
        # What is left in the buffers goes nowhere now; else the interpreter would fail on it once more as it ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def sturdy_standard_streams() -> Iterator[SturdyStream | None]:
    """While open, ``sys.stdout`` and ``sys.stderr`` are sturdy and print any character; yields the standard output, if there is one."""
    before = sys.stdout, sys.stderr
    out, err = (_sturdy(stream) for stream in before)
    sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
    try:
        yield out
    finally:
        for stream in filter(None, (out, err)):
            stream.flush()
        sys.stdout, sys.stderr = before


def _sturdy(stream: TextIO | None) -> SturdyStream | None:
    """None for a stream that was closed before the program began; `print` then does nothing."""
    if stream is None:
        return None
    if isinstance(stream, io.TextIOWrapper):
        # By line also into a pipe or file: whoever follows it sees what was said so far.
        stream.reconfigure(errors="backslashreplace", line_buffering=True)
    return SturdyStream(stream)
