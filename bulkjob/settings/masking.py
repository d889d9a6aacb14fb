"""Secrets are taken out of words that come from outside, in every spelling that they may have picked up on the way."""

import json
import re
from collections.abc import Iterable
from typing import Final

from bulkjob.settings.secret import Secret

MASK: Final = "***"


#: Without one of these there is no other spelling than the plain one.
_ESCAPES: Final = ("\\", "%", "&")


_NAMED: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


class Mask:
    """Puts ``***`` in the place of secrets, also where they are spelt for a URL, for JSON, for HTML or by Python.

    Meant for secrets of some length: a short one is a word like any other.
    """

    __slots__ = ("__bytes_pattern", "__plain", "__text_pattern")

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        # The longest first, so that one that holds another one is replaced as a whole.
        plain = sorted({secret.reveal() for secret in secrets} - {""}, key=len, reverse=True)
        pattern = "|".join("".join(map(_spellings, text)) for text in plain)
        self.__plain = tuple(plain)
        self.__text_pattern = re.compile(pattern)
        self.__bytes_pattern = re.compile(pattern.encode())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.__plain)} secrets)"

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        # Looking for plain characters costs a hundredth of the pattern.
        if not self.__plain or not any(sign in text for sign in (*self.__plain, *_ESCAPES)):
            return text
        return self.__text_pattern.sub(MASK, text)

    def body(self, body: bytes) -> bytes:
        """The bytes of a text, or of JSON in any encoding that JSON has, without the secrets; UTF-8 if there were any in another one."""
        if not self.__plain:
            return body
        if b"\0" in body:
            body = _as_utf_8(body)
        if not any(sign.encode() in body for sign in (*self.__plain, *_ESCAPES)):
            return body
        return self.__bytes_pattern.sub(MASK.encode(), body)


def _as_utf_8(body: bytes) -> bytes:
    """What `json.loads` would take for UTF-16 or UTF-32, as UTF-8."""
    try:
        return body.decode(json.detect_encoding(body), "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body


def _spellings(character: str) -> str:
    """A pattern for every way of writing one character."""
    code = ord(character)
    units = character.encode("utf-16-be", "surrogatepass")
    escaped = "".join(rf"\\+u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    percent = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    ways = [rf"(?i:{escaped}|{percent}|&#x0*{code:x};|&#0*{code};)"]
    if code < 256:
        ways.append(rf"(?i:\\+x{code:02x})")
    if character in _NAMED:
        ways.append(f"&{_NAMED[character]};")
    # A backslash before a sign is how JSON, Python and shells quote it.
    plain = re.escape(character)
    ways.append(plain if character.isalnum() else rf"\\*{plain}")
    return f"(?:{'|'.join(ways)})"
