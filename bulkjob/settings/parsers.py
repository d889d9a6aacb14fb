"""The text of a flag or a variable as a value; each parser raises `ValueError` with a clause on what it takes."""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from bulkjob.settings.secret import Secret
from bulkjob.settings.values import MaxRemovals

#: Turns a setting's text into its value; raises `ValueError` with what to write instead ("a whole number from 1 up").
Parser = Callable[[str], object]


def whole_number(least: int) -> Parser:
    """An integer from ``least`` on."""

    def parse(text: str) -> int:
        # Twelve digits are more of anything than there is; `int` itself would also take "1_000", and fail on very many digits.
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()) or int(text) < least:
            raise ValueError(f"a whole number from {least} up")
        return int(text)

    return parse


def seconds(*, above_zero: bool) -> Parser:
    """A time in seconds."""

    def parse(text: str) -> float:
        number = float(text) if re.fullmatch(r"[0-9]*\.?[0-9]+(e-?[0-9]+)?", text.strip(), re.IGNORECASE) else math.nan
        if not math.isfinite(number) or (above_zero and number == 0):
            raise ValueError(f"a number of seconds {'above 0' if above_zero else 'from 0 up'}")
        return number

    return parse


def one_of(*words: str) -> Parser:
    """One of a few words."""

    def parse(text: str) -> str:
        if text.strip() not in words:
            raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")
        return text.strip()

    return parse


def on_or_off(text: str) -> bool:
    """A boolean: 1, true, yes or on; 0, false, no or off."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError("1, true, yes or on, or else 0, false, no or off") from None


def max_removals(text: str) -> MaxRemovals:
    """A number of agent assignments, or a percentage of all."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(%?)", text.strip())
    if found and found[2] and Fraction(found[1]) <= 100:
        return MaxRemovals(percent=Fraction(found[1]))
    if found and not found[2] and found[1].isdigit():
        return MaxRemovals(count=int(found[1]))
    raise ValueError("a whole number from 0 up, or a percentage from 0% to 100%")


def server_address(text: str) -> str:
    """The server's address without a closing slash."""
    text = text.strip()
    wanted = "an address such as https://chat.example.com, which starts with http:// or https:// and may have a path"
    try:
        parts = urlsplit(text)
        usable = _is_address(text, parts)
    except ValueError:  # what urlsplit says of brackets and ports that are none
        usable = False
    else:
        if parts.username is not None or parts.password is not None:
            wanted += ", without user name and password"
            usable = False
        elif "?" in text or "#" in text:
            wanted += ", without a query (?) and a fragment (#)"
            usable = False
    if not usable:
        raise ValueError(wanted)
    return text.rstrip("/")


def _is_address(text: str, parts: SplitResult) -> bool:
    """Whether this is http or https, a host and a port that exists; raises `ValueError` for a port beyond all ports."""
    printable = text.isprintable() and not re.search(r"[\s\\]", text)
    return printable and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0


def free_text(text: str) -> str:
    """Any text that is not blank."""
    if not text.strip():
        raise ValueError("a text that is not blank")
    return text


def path_of(text: str) -> Path:
    """A path."""
    return Path(free_text(text))


def header_value(text: str) -> str:
    """A text that can stand in a header."""
    if not re.fullmatch(r"[!-~]+", text.strip()):
        raise ValueError("the text that Rocket.Chat gave out, which has neither blanks nor letters beyond ASCII in it")
    return text.strip()


def token_value(text: str) -> Secret:
    """A token, as a secret."""
    return Secret(header_value(text))
