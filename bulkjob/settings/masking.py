"""Secrets are taken out of words that come from outside, in every spelling that they may have picked up on the way."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from bulkjob.settings.secret import Secret

MASK: Final = "***"


#: Characters that HTML spells by name, too.
_NAMED: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


#: Backslashes that may stand before a character: one of JSON, two of JSON within JSON. Without an end to it a body of nothing but
#: backslashes would take for ever.
_BACKSLASHES: Final = r"\\\\{0,3}"


class Mask:
    """Puts ``***`` in the place of secrets, also where they are spelt for a URL, for JSON, for HTML or by Python.

    Meant for secrets of some length: a short one is a word like any other.
    """

    __slots__ = ("__of_bytes", "__of_text", "__signs", "__signs_in_bytes", "__starts", "__starts_in_bytes")

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        # The longest first, so that one that holds another one is replaced as a whole.
        texts = sorted({secret.reveal() for secret in secrets} - {""}, key=len, reverse=True)
        patterns = ["".join(f"(?:{'|'.join(_spellings(character))})" for character in text) for text in texts]
        self.__of_text = tuple(map(re.compile, patterns))
        self.__of_bytes = tuple(re.compile(pattern.encode()) for pattern in patterns)
        self.__signs = tuple(dict.fromkeys(sign for text in texts for sign in _signs(text)))
        self.__signs_in_bytes = tuple(map(str.encode, self.__signs))
        # A single character is found several times as fast as two, and most texts hold neither ``\\`` nor ``&`` nor ``%``.
        self.__starts = (*texts, *{sign[0] for sign in self.__signs if sign not in texts})
        self.__starts_in_bytes = tuple(map(str.encode, self.__starts))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.__of_text)} secrets)"

    def suspects(self, text: str) -> bool:
        """Whether ``text`` may hold a secret: to look for signs of that costs a hundredth of looking for every spelling."""
        return any(start in text for start in self.__starts) and any(sign in text for sign in self.__signs)

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        if self.suspects(text):
            for pattern in self.__of_text:
                text = pattern.sub(MASK, text)
        return text

    def body(self, body: bytes) -> bytes:
        """The bytes of a text, or of JSON in any encoding that JSON has, without the secrets; in UTF-8 if it was UTF-16 or UTF-32."""
        if self.__signs and b"\0" in body:
            body = _as_utf_8(body)
        if any(start in body for start in self.__starts_in_bytes) and any(sign in body for sign in self.__signs_in_bytes):
            for pattern in self.__of_bytes:
                body = pattern.sub(MASK.encode(), body)
        return body


def _as_utf_8(body: bytes) -> bytes:
    """What `json.loads` would take for UTF-16 or UTF-32, as UTF-8."""
    try:
        return body.decode(json.detect_encoding(body), "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body


def _signs(text: str) -> Iterator[str]:
    """Texts of which every spelling of ``text`` has at least one in it."""
    yield text
    yield from ("%", "&#", "\\x", "\\u00" if text.isascii() else "\\u")
    for character in text:
        if character in _NAMED:
            yield _NAMED[character]
        if not character.isalnum():
            yield f"\\{character}"


def _spellings(character: str) -> Iterator[str]:
    """A pattern for each way of writing one character; all begin with a letter of their own, which makes them quick to look for."""
    code = ord(character)
    units = character.encode("utf-16-be", "surrogatepass")
    yield re.escape(character)
    yield "".join(f"{_BACKSLASHES}u{_in_hex(units[at : at + 2].hex())}" for at in range(0, len(units), 2))
    yield "".join(f"%{_in_hex(f'{byte:02x}')}" for byte in character.encode("utf-8", "surrogatepass"))
    yield f"&#[xX]0{{0,8}}{_in_hex(f'{code:x}')};"
    yield f"&#0{{0,8}}{code};"
    if code < 256:
        yield f"{_BACKSLASHES}x{_in_hex(f'{code:02x}')}"
    if character in _NAMED:
        yield _NAMED[character]
    if not character.isalnum():
        # A backslash before a sign is how JSON, Python and shells quote it.
        yield f"{_BACKSLASHES}{re.escape(character)}"


def _in_hex(digits: str) -> str:
    """A pattern for hexadecimal digits in either case."""
    return "".join(digit if digit.isdigit() else f"[{digit}{digit.upper()}]" for digit in digits)
