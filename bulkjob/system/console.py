"""The terminal as rich knows it: its width and height, whether it shows colours (``NO_COLOR``), and how lines get onto it."""

import os
from collections.abc import Iterable
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

#: Where there is no terminal: a page that is short enough for a build log, and on which lines can be read.
_WIDTH: Final = 100
_HEIGHT: Final = 40


def console_on(stream: TextIO) -> Console:
    """The console for a stream: as large as the terminal, or as ``COLUMNS`` and ``LINES`` say; else a page."""
    terminal = stream.isatty()
    return Console(
        file=stream,
        # What the stream lets through as our own colours depends on this, too.
        force_terminal=terminal,
        width=None if terminal or "COLUMNS" in os.environ else _WIDTH,
        height=None if terminal or "LINES" in os.environ else _HEIGHT,
        # What is printed holds names that others have given; none of them is markup, an emoji or something to be coloured.
        markup=False,
        emoji=False,
        highlight=False,
    )


def show(console: Console, lines: Iterable[Text]) -> None:
    """Prints each on a line of its own, however long: a command that is to be pasted must not be broken."""
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    console.file.flush()
