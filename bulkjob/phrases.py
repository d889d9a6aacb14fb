"""How a sentence names, counts, lists and quotes; the one gate through which foreign text becomes printable."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

#: What may need an escape; everything else is plain ASCII. Runs, as nearly all of them are letters of some language.
_NOT_PLAIN: Final = re.compile(r"[^ -~]+")


#: The server's own words are cut after so many characters: enough for its sentences, too few for a proxy's web page.
SAID_LIMIT: Final = 300
#: Our own messages are whole, as what to do often comes last; only one that a foreign name makes absurdly long is cut.
MESSAGE_LIMIT: Final = 1_500


#: In characters. A sentence stays a sentence, whatever stands in the cell.
_LONGEST_QUOTE: Final = 80


# ------------------------------------------------------------------------------------------------------------ foreign text


def printable(text: str) -> str:
    r"""``text`` with an escape for everything that cannot be seen or acts on a terminal.

    These are controls and line breaks, what sets the direction of writing, zero-width characters, halves of surrogate pairs, and code
    points without a meaning of their own. Blanks of any width stay. The escapes are JSON's (``\n``, ``\u202e``), so that a JSON
    document still says the same.
    """
    # Nearly every text is printable as it is, and to ask that costs a tenth of looking through it.
    return (
        text if text.isprintable() else _NOT_PLAIN.sub(lambda run: run[0] if run[0].isprintable() else "".join(map(_shown, run[0])), text)
    )


def _shown(letter: str) -> str:
    return letter if letter.isprintable() or unicodedata.category(letter) == "Zs" else escaped(letter)


def escaped(letter: str) -> str:
    r"""A character as JSON may spell it: ``\n``, ``\u202e``, two such codes for one beyond the first 65,536."""
    if letter in _SHORT:
        return _SHORT[letter]
    units = letter.encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def one_line(text: str, at_most: int = SAID_LIMIT) -> str:
    """Somebody else's words as one printable line: each run of blanks and line breaks is one space, and what is too long is cut."""
    line = printable(" ".join(text.split())[: at_most + 1])
    return line if len(line) <= at_most else f"{line[: at_most - 1].rstrip()}…"


def quoted(text: str, at_most: int = _LONGEST_QUOTE) -> str:
    """``"text"`` as `one_line` has it, short enough for the middle of a sentence."""
    return f'"{one_line(text, at_most)}"'


# ------------------------------------------------------------------------------------------------------------------- names


def named(name: str, identifier: str) -> str:
    """A department or unit as messages name it: ``"DACH" (unit-dach)``."""
    return f'"{printable(name)}" ({printable(identifier)})' if name and name != identifier else f'"{printable(identifier)}"'


def named_agent(username: str, identifier: str) -> str:
    """An agent as messages name them: ``@anna (u-anna)``."""
    return f"@{printable(username)} ({printable(identifier)})" if username else f'"{printable(identifier)}"'


# ---------------------------------------------------------------------------------------------------------- counts, lists


def counted(number: int, noun: str) -> str:
    """``1 row``, ``12,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``. There must be one."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def rows_listed(rows: Sequence[int], at_most: int = 10) -> str:
    """``row 5``, ``rows 5, 7 and 9``, or the first few and how many more there are."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    if len(rows) <= at_most:
        return f"rows {listed(map(str, rows))}"
    return f"rows {', '.join(map(str, rows[:at_most]))} and {len(rows) - at_most:,} more"


# ------------------------------------------------------------------------------------------------------------------- times


def span(seconds: float) -> str:
    """A length of time as people say it: ``42 seconds``, ``5 minutes``, ``3 hours``."""
    if seconds < 90:
        return counted(round(seconds), "second")
    minutes = round(seconds / 60)
    return counted(minutes, "minute") if minutes < 120 else counted(round(minutes / 60), "hour")


# -------------------------------------------------------------------------------------------------------------- likeness


#: From here on two words are taken for one that was mistyped, on a scale from 0 to 1.
_ALIKE: Final = 0.6


def nearest(word: str, known: Iterable[str]) -> tuple[str, bool]:
    """Which of ``known`` a word is most like, and whether it is so like it that it may be a mistake of typing."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only whoever has mistyped something waits for it

    likeness = {other: SequenceMatcher(None, word.lower().replace("_", "-"), other.lower()).ratio() for other in known}
    best = max(likeness, key=likeness.__getitem__)
    return best, likeness[best] >= _ALIKE
