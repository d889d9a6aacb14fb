"""How a sentence names, counts, lists, quotes and wraps; the one gate through which foreign text becomes printable."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final


def span(seconds: float) -> str:
    """A duration as people say it: ``41 seconds``, ``17 minutes``."""
    if seconds < 90:
        return many(round(seconds), "second")
    minutes = round(seconds / 60)
    return many(minutes, "minute") if minutes < 120 else many(round(minutes / 60), "hour")


def many(number: int, noun: str) -> str:
    """A number with its noun: ``1 row``, ``12,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def printable(text: str) -> str:
    """``text`` with everything that would move a terminal's cursor, or cannot be seen, as an escape."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)


def wrapped(text: str, width: int, *, first: str = "", others: str = "") -> list[str]:
    """A text as lines of at most ``width`` columns."""
    return textwrap.wrap(text, max(width, 40), initial_indent=first, subsequent_indent=others)


def counted(number: int, thing: str) -> str:
    """A number with its noun: ``1 row``, ``12,000 rows``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


#: The server's own words are cut after so many characters: enough for its sentences, too few for a proxy's web page.
SAID_LIMIT: Final = 300


def named(name: str, identifier: str) -> str:
    """Return a department or unit as messages name it: ``"DACH" (unit-dach)``."""
    return f'"{name}" ({identifier})' if name and name != identifier else f'"{identifier}"'


def named_agent(username: str, identifier: str) -> str:
    """Return an agent as messages name them: ``@anna (u-anna)``."""
    return f"@{username} ({identifier})" if username else f'"{identifier}"'


def one_line(said: str) -> str:
    """Return somebody else's words (the server's, mostly) as one printable line, cut to a length that fits a cell."""
    words = " ".join("".join(character if character.isprintable() else " " for character in said).split())
    return words if len(words) <= SAID_LIMIT else words[: SAID_LIMIT - 1].rstrip() + "…"


#: From here on two words are taken for one that was mistyped, on a scale from 0 to 1.
_ALIKE: Final = 0.6


#: In characters. A sentence stays a sentence, whatever stands in the cell.
_LONGEST_QUOTE = 80


def quoted(text: str, at_most: int = _LONGEST_QUOTE) -> str:
    """``"text"`` on one line, cut where it is long, with what cannot be seen as an escape."""
    line = " ".join(text.split())
    line = line if len(line) <= at_most else f"{line[: at_most - 1]}…"
    seen = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in line)
    return f'"{seen}"'


def listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def nearest(word: str, known: Iterable[str]) -> tuple[str, bool]:
    """Which of ``known`` a word is most like, and whether it is so like it that it may be a mistake of typing."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only whoever has mistyped something waits for it

    likeness = {other: SequenceMatcher(None, word.lower().replace("_", "-"), other.lower()).ratio() for other in known}
    best = max(likeness, key=likeness.__getitem__)
    return best, likeness[best] >= _ALIKE


def rows_listed(rows: Sequence[int], at_most: int = 10) -> str:
    """``row 5``, ``rows 5, 7 and 9``, or the first few and how many more there are."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    if len(rows) <= at_most:
        return f"rows {listed(map(str, rows))}"
    return f"rows {', '.join(map(str, rows[:at_most]))} and {len(rows) - at_most:,} more"
