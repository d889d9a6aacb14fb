"""Screens of a fixed size, and what stands on them as text."""

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.text import Text

from bulkjob.system.console import show


def screen(width: int = 100, height: int = 40, *, colour: bool = False) -> Console:
    """A console of this size that nobody sees; with ``colour`` it is a terminal."""
    return Console(
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def shown(lines: Iterable[Text], on: Console | None = None) -> list[str]:
    """What is printed of them."""
    on = on or screen()
    on.file = file = io.StringIO()
    show(on, lines)
    return file.getvalue().splitlines()


def drawn(picture: RenderableType, on: Console) -> list[str]:
    """What is seen of something that is drawn, without blanks at the ends of lines."""
    on.file = file = io.StringIO()
    on.print(picture)
    return [line.rstrip() for line in file.getvalue().splitlines()]
