"""The text of a flag or a variable as a value; each parser raises `ValueError` with a clause on what it takes."""

import math
import re
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Final

from bulkjob.settings.secret import Secret
from bulkjob.settings.values import MaxRemovals

#: Turns a setting's text into its value; raises `ValueError` with what to write instead ("a whole number from 1 up").
Parser = Callable[[str], object]


#: What to say of a text that is not taken as it is written; blank: nothing.
Note = Callable[[str], str]


#: A token that is shorter could not be told from the words of a message.
_SHORTEST_TOKEN: Final = 8


class Kind(Enum):
    """The kind of a value in a settings file, as a clause on what to write."""

    TEXT = 'a text in quotes, such as "text"'
    WHOLE = "a whole number without quotes"
    SECONDS = "a number of seconds without quotes"
    SWITCH = "true or false, without quotes"
    NUMBER_OR_SHARE = 'a whole number without quotes, or a percentage such as "10%"'

    def text_of(self, value: object) -> str | None:  # noqa: PLR0911 - one for each kind
        """The text that a flag would have for a value of a TOML document; None for a value of another kind."""
        match self, value:
            case Kind.SWITCH, bool():
                return "on" if value else "off"
            case _, bool():
                return None
            case ((Kind.WHOLE | Kind.NUMBER_OR_SHARE | Kind.SECONDS), int()):
                return str(value)
            case Kind.SECONDS, float():
                return repr(value)
            case Kind.NUMBER_OR_SHARE, str() if value.rstrip().endswith("%"):
                return value
            case Kind.TEXT, str():
                return value
            case _:
                return None


def whole_number(least: int) -> Parser:
    """A parser of whole numbers from ``least`` up."""

    def parse(text: str) -> int:
        # Twelve digits are more of anything than there is; `int` itself would also take "1_000", and fail on very many digits.
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()) or int(text) < least:
            raise ValueError(f"a whole number from {least} up")
        return int(text)

    return parse


def seconds(*, above_zero: bool) -> Parser:
    """A parser of finite numbers of seconds."""

    def parse(text: str) -> float:
        number = (
            float(text) if re.fullmatch(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", text.strip(), re.IGNORECASE) else math.nan
        )
        if not math.isfinite(number) or (above_zero and number == 0):
            raise ValueError(f"a number of seconds {'above 0' if above_zero else 'from 0 up'}")
        return number

    return parse


def one_of(*words: str) -> Parser:
    """A parser that takes exactly these words."""

    def parse(text: str) -> str:
        if text.strip() not in words:
            raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")
        return text.strip()

    return parse


def on_or_off(text: str) -> bool:
    """True for the words that mean on, False for those that mean off."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError("1, true, yes or on, or else 0, false, no or off") from None


def max_removals(text: str) -> MaxRemovals:
    """A number of assignments, or a percentage of them."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(%?)", text.strip())
    if found and found[2] and Fraction(found[1]) <= 100:
        return MaxRemovals(percent=Fraction(found[1]))
    if found and not found[2] and found[1].isdigit():
        return MaxRemovals(count=int(found[1]))
    raise ValueError("a whole number from 0 up, or a percentage from 0% to 100%")


def free_text(text: str) -> str:
    """Any text that is not blank, as it is."""
    if not text.strip():
        raise ValueError("a text that is not blank")
    return text


def path_of(text: str) -> Path:
    """A path, which counts from the working directory."""
    return Path(free_text(text))


def header_value(text: str) -> str:
    """A text that may stand in an HTTP header, without the white space around it."""
    if not re.fullmatch(r"[!-~]+", text.strip()):
        raise ValueError("the text that Rocket.Chat gave out, which has neither blanks nor letters beyond ASCII in it")
    return text.strip()


def token_value(text: str) -> Secret:
    """A token."""
    token = header_value(text)
    if len(token) < _SHORTEST_TOKEN:
        raise ValueError(f"the whole token that Rocket.Chat gave out, which has at least {_SHORTEST_TOKEN} characters")
    return Secret(token)
