"""Sentences as lines of a screen, by rich: wrapped at its width as it is shown (some letters take two places), indented, coloured."""

import re
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

#: A screen is not taken for narrower.
_NARROWEST: Final = 40


_MORE: Final = " …"


_WORD: Final = re.compile(r"\S+")


def sentence(
    console: Console, text: str, *, first: str = "", others: str = "", most: int | None = None, style: str = "", whole_words: bool = True
) -> list[Text]:
    """``text`` in lines as wide as the screen, with ``first`` and ``others`` before them.

    ``whole_words``: so that a path or an address can be copied, a word is not broken; only a line that begins with such a one is longer. Of
    more than ``most`` lines the rest is left out, with an ellipsis.
    """
    width = max(console.width, _NARROWEST)
    found: list[str] = []
    indent, left = first, text.strip()
    while left:
        line = _first_line(console, left, max(width - Text(indent).cell_len, 1), whole_words=whole_words)
        found.append(indent + line)
        left = left[len(line) :].lstrip()
        indent = others
    if most is not None and len(found) > most:
        last = Text(found[most - 1])
        last.truncate(width - len(_MORE))
        found[most - 1 :] = [last.plain.rstrip() + _MORE]
    return [Text(line, style=style) for line in found]


def _first_line(console: Console, text: str, width: int, *, whole_words: bool) -> str:
    line = Text(text).wrap(console, width, overflow="crop" if whole_words else "fold")[0].plain.rstrip()
    # A word that is longer than the line was cut.
    rest = _WORD.match(text, len(line)) if whole_words else None
    return line + (rest[0] if rest else "")


def cut(console: Console, text: str, style: str = "") -> Text:
    """One line; what does not fit is left out, with an ellipsis."""
    line = Text(text, style=style)
    line.truncate(max(console.width, _NARROWEST), overflow="ellipsis")
    return line


def rows_of(console: Console, table: Table) -> list[Text]:
    """The lines of a table, without blanks at their ends."""
    lines = [Text.assemble(*((part.text, part.style or "") for part in row)) for row in console.render_lines(table, pad=False)]
    for line in lines:
        line.rstrip()
    return lines


def height_of(console: Console, lines: Iterable[Text]) -> int:
    """How many lines of the screen they take."""
    return sum(max(-(-line.cell_len // console.width), 1) for line in lines)


def spaced(blocks: Iterable[Iterable[Text]]) -> list[Text]:
    """The blocks that hold anything, with a blank line between two of them."""
    lines: list[Text] = []
    for block in map(list, blocks):
        lines += [Text(""), *block] if block and lines else block
    return lines
