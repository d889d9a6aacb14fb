"""Standard output and error that no terminal's encoding, closed pipe, full disk or foreign text turns into something else than text.

Every print of the program goes through here, so this is where the promise of `printable` is kept for all of them.
"""

import codecs
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO, cast

from bulkjob.phrases import escaped, printable

#: How a character appears that the encoding of a stream does not have, in the words of `codecs`.
_ESCAPED: Final = "bulkjob-escaped"


#: What this program puts around its own words on a terminal: bold, faint and a few colours, none of which moves anything or hides text.
_OWN_COLOURS: Final = re.compile(r"(\x1b\[(?:[012]|(?:[12];)?3[1-6])m)")


#: The signs of our own sentences, where an encoding does not have them.
_PLAIN: Final = {"−": "-", "…": "...", "“": '"', "”": '"', "·": "-", "→": "->"}


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(letter) or escaped(letter) for letter in error.object[error.start : error.end]), error.end


codecs.register_error(_ESCAPED, _escape)


class SturdyStream:
    """A text stream that remembers its first failure in ``failure`` and drops what is written from then on.

    A reader that goes away (``| head``) must not end a job that is sending. What is written appears as `printable` shows it, line ends and
    our own colours on a terminal excepted; who draws on a terminal with its own means takes ``raw``.
    """

    def __init__(self, stream: TextIO) -> None:
        self.raw = _Failing(stream)
        self._colours = stream.isatty()
        self.masked: Callable[[str], str] = str
        """What takes secrets out of a text, once they are known."""

    @property
    def failure(self) -> OSError | None:
        """Why nothing is written any more."""
        return self.raw.failure

    def write(self, text: str) -> int:
        """Write ``text`` as far as the stream still takes it."""
        self.raw.write("\n".join(self._shown(line) for line in self.masked(text).split("\n")))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    def _shown(self, line: str) -> str:
        if not self._colours:
            return printable(line)
        parts = _OWN_COLOURS.split(line)
        return "".join(part if place % 2 else printable(part) for place, part in enumerate(parts))

    def flush(self) -> None:
        """Send out what was written, as far as the stream still takes it."""
        self.raw.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self.raw, name)


class _Failing:
    """The stream below, with its failures kept to itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
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
def sturdy_standard_streams() -> Iterator[SturdyStream]:
    """While open, ``sys.stdout`` and ``sys.stderr`` are sturdy and print any character; yields the standard output.

    One that was closed before the program began (``>&-``) takes everything and shows nothing.
    """
    _occupy_closed_descriptors()
    before = sys.stdin, sys.stdout, sys.stderr
    with ExitStack() as nowhere:

        def there(stream: TextIO | None) -> TextIO:
            """A stream in the place of one that the interpreter found closed."""
            return nowhere.enter_context(Path(os.devnull).open("r+", encoding="utf-8")) if stream is None else stream

        out, err = _sturdy(there(sys.stdout)), _sturdy(there(sys.stderr))
        sys.stdin, sys.stdout, sys.stderr = there(sys.stdin), cast("TextIO", out), cast("TextIO", err)
        try:
            yield out
        finally:
            for stream in (out, err):
                stream.flush()
            sys.stdin, sys.stdout, sys.stderr = before


def mask_standard_streams(masked: Callable[[str], str]) -> None:
    """Take secrets out of all that is printed from now on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, SturdyStream):
            stream.masked = masked


def say(sentence: str) -> None:
    """Print a sentence of the program's own to standard error."""
    sys.stderr.write(f"bulkjob: {sentence}\n")


def _occupy_closed_descriptors() -> None:
    """Opens the null device where a standard descriptor is closed: a file of ours that got its number would be printed into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The system gives the lowest number that is free.
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)


def _sturdy(stream: TextIO) -> SturdyStream:
    if isinstance(stream, io.TextIOWrapper):
        # By line also into a pipe or file: whoever follows it sees what was said so far.
        stream.reconfigure(errors=_ESCAPED, line_buffering=True)
    return SturdyStream(stream)
