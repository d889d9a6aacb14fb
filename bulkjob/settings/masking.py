"""Secrets are taken out of words that come from outside, in every spelling that they may have picked up on the way."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from html.entities import html5
from typing import Final

from bulkjob.settings.encodings import LINE_ENDS, REST, Encoding, encodings_of
from bulkjob.settings.secret import Secret

MASK: Final = "***"


#: What `_gist` leaves out of a text in UTF-8: everything but the visible characters of ASCII.
_NOT_PLAIN: Final = bytes(byte for byte in range(256) if not 32 <= byte < 127)
_LOWER: Final = bytes(range(256)).lower()


#: With what an escape begins, a terminal's code, or the UTF-8 of a letter of full width; and what of that may be the beginning of one.
_STARTS: Final = {
    start: re.compile(re.escape(start) + more)
    for start, more in (
        (b"\\", b""),
        (b"%", b"[0-9A-Fa-f]{2}"),
        (b"&", b"(?:#|[A-Za-z0-9]{1,31};|amp|lt|gt|quot)"),
        (b"=", rb"[0-9A-Fa-f\r\n]"),
        (b"\x1b", b""),
        (b"\xef\xbc", b""),
        (b"\xef\xbd", b""),
    )
}


#: Letters of a secret that are looked for first.
_FIRST: Final = 8


class Mask:
    """Puts ``***`` in the place of secrets, however they are spelt: for a URL, JSON, HTML, mail, a terminal, in base64, in hex.

    Escapes may be within escapes, letters in the other case or of full width, and what is not seen may stand between them. The other case
    does not hide a secret that is like a word (``password``): people write those with a capital letter. Meant for secrets of some length.
    """

    __slots__ = ("__encodings", "__gists", "__texts")

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        # The longest first, so that one that holds another one is replaced as a whole.
        self.__texts = sorted({secret.reveal() for secret in secrets} - {""}, key=len, reverse=True)
        self.__encodings = tuple((each, tuple(map(_gist, each.ends))) for text in self.__texts for each in encodings_of(text))
        ends = (end for _, ends in self.__encodings for end in ends)
        self.__gists = tuple({*(_gist(text.encode("utf-8", "surrogatepass")) for text in self.__texts), *ends})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.__texts)} secrets)"

    def suspects(self, body: bytes) -> bool:
        """Whether a text in UTF-8 may hold a secret: to ask that costs a fifth of looking for every spelling, or less."""
        if not self.__texts:
            return False
        # Two loops, as every answer is asked about, and to make generators would take as long again.
        for start, escape in _STARTS.items():
            if start in body and escape.search(body):
                return True
        gist = _gist(body)
        for secret in self.__gists:  # noqa: SIM110
            if secret in gist:
                return True
        return False

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        data = text.encode("utf-8", "surrogatepass")
        return self.__masked(text, _gist(data)) if self.suspects(data) else text

    def body(self, body: bytes) -> bytes:
        """The bytes of a text, or of JSON in any encoding that JSON has, without the secrets; in UTF-8 if it was UTF-16 or UTF-32."""
        if self.__texts and b"\0" in body:
            body = _as_utf_8(body)
        if self.suspects(body):
            text = body.decode("utf-8", "surrogateescape")
            if (masked := self.__masked(text, _gist(body))) != text:
                return masked.encode("utf-8", "surrogateescape")
        return body

    def __masked(self, text: str, gist: bytes) -> str:
        for secret in self.__texts:
            # The pattern for all of it takes a while to be made, and is seldom needed.
            if re.search(_pattern(secret[:_FIRST]), text):
                text = re.sub(_pattern(secret), MASK, text)
        for encoding, ends in self.__encodings:
            # A line may end within it, but not at both of its ends.
            if any(end in gist for end in ends):
                text = re.sub(_pattern_of_encoded(encoding), MASK, text)
        return text


def _as_utf_8(body: bytes) -> bytes:
    """What `json.loads` would take for UTF-16 or UTF-32, as UTF-8."""
    try:
        return body.decode(json.detect_encoding(body), "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body


def _gist(body: bytes) -> bytes:
    """What is left of a text if one looks at the visible characters of ASCII alone, and not at their case: quickly made and compared."""
    return body.translate(_LOWER, _NOT_PLAIN)


# ------------------------------------------------------------------------------------------------------------------ patterns

#: Backslashes before an escape: one of JSON, three of JSON within JSON, seven of that within JSON. None of these patterns repeats
#: something without an end: a body of nothing but backslashes would take for ever.
_MORE_BACKSLASHES: Final = r"\\{0,7}+"
#: What follows ``&`` and ``%`` that were escaped once more, in the same way; and ``=``, in a mail.
_AMPERSANDS: Final = "(?:amp;|#38;|#x26;){0,3}"
_PERCENTS: Final = "(?:25){0,3}"
_EQUALS: Final = "(?:3[dD]){0,3}"


#: What may stand between the letters of a secret of ASCII, and what no such secret has in it: a terminal's colours, and whatever is neither
#: visible ASCII nor a letter of full width; as it is, or escaped. That no letter can be taken for it keeps the search short.
_HEX: Final = "[0-9a-fA-F]"
_SEEN: Final = "[2-6][0-9a-fA-F]|7[0-9a-eA-E]"
_SEEN_CODE: Final = f"(?:{_SEEN}|[fF][fF][0-5]{_HEX})"
_SEEN_NUMBER: Final = "(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]|65[23][0-9]{2})"
_UNSEEN_BYTE: Final = f"(?!{_SEEN}|[eE][fF][%=](?:25|3[dD]){{0,3}}[bB][cCdD]){_HEX}{{2}}"
_COLOUR: Final = r"\[[0-9;]{0,16}[A-Za-z]"
_UNSEEN_ENTITY: Final = (
    f"(?:#0{{0,8}}+(?!{_SEEN_NUMBER};)[0-9]{{1,7}}|#[xX]0{{0,8}}+(?!{_SEEN_CODE};){_HEX}{{1,6}}"
    "|shy|zwn?j|lrm|rlm|NoBreak|NewLine|Tab|ZeroWidthSpace|Negative[A-Za-z]{4,9}Space);"
)
_UNSEEN_BACKSLASHED: Final = (
    rf"(?:u001[bB]|x1[bB]|e|033){_COLOUR}|u(?!00(?:{_SEEN})|[fF][fF][0-5]){_HEX}{{4}}"
    rf"|u\{{0{{0,6}}+(?!{_SEEN_CODE}\}}){_HEX}{{1,6}}\}}|x(?!{_SEEN}){_HEX}{{2}}|0[0-3][0-7]|[nrtbfav0e]"
)
_BETWEEN: Final = (
    rf"(?:\x1b{_COLOUR}|[^ -~\uff01-\uff5e]|\\{_MORE_BACKSLASHES}(?:{_UNSEEN_BACKSLASHED})|&{_AMPERSANDS}{_UNSEEN_ENTITY}"
    rf"|%{_PERCENTS}{_UNSEEN_BYTE}|={_EQUALS}{_UNSEEN_BYTE}|=(?=[\r\n]|\\{_MORE_BACKSLASHES}[rn])){{0,16}}"
)


@cache
def _pattern(secret: str) -> str:
    """A pattern for the secret letter by letter."""
    either_case = not (secret.isalpha() and secret in (secret.lower(), secret.upper(), secret.capitalize()))
    # Between letters that are no ASCII nothing is passed over: what could be might be a letter.
    between = _BETWEEN if secret.isascii() else ""
    return between.join(_spelt(letters, either_case=either_case) for letters in re.findall(r"\\+|[^\\]", secret))


@cache
def _pattern_of_encoded(encoding: Encoding) -> str:
    if encoding.in_hex:
        return _in_hex(encoding.text)
    other = {"+": "-", "/": "_"}
    letters = (letter if letter.isalnum() else f"(?:{_spelt(letter)}|{other[letter]})" for letter in encoding.text)
    return LINE_ENDS.join(letters) + REST


def _spelt(character: str, *, either_case: bool = False) -> str:
    """A pattern for every way of writing one character, or a run of backslashes, each of which may have become eight."""
    if character.startswith("\\"):
        length, each = len(character), _any(_spellings(["\\", "\uff3c"]))
        return f"(?:\\\\{{{length},{8 * length}}}+|(?:{each}){{{length}}})"
    looks = {character, character.swapcase()} if either_case and len(character.swapcase()) == 1 else {character}
    looks |= {chr(ord(look) + 0xFEE0) for look in looks if "!" <= look <= "~"}
    return f"(?:{'|'.join(_spellings(sorted(looks)))})"


def _spellings(looks: list[str]) -> Iterator[str]:
    """A pattern for each kind of spelling; all begin with a letter of their own, which makes them quick to look for."""
    yield from map(re.escape, looks)
    codes = [_in_hex(f"{ord(look):x}") for look in looks]
    numbers = f"#0{{0,8}}(?:{_any(str(ord(look)) for look in looks)})", f"#[xX]0{{0,8}}(?:{_any(codes)})"
    entity = f"(?:{_any((*numbers, *(name for look in looks for name in _names().get(look, ()))))});?"
    yield f"&{_AMPERSANDS}{entity}"
    backslashed = [*map(_in_units, looks), rf"u\{{0{{0,6}}(?:{_any(codes)})\}}", f"U0{{0,6}}(?:{_any(codes)})"]
    backslashed += [f"x{_in_hex(f'{ord(look):02x}')}|{ord(look):03o}" for look in looks if ord(look) < 256]
    # A backslash before a sign is how JSON, Python and shells quote it.
    backslashed += [re.escape(look) for look in looks if not look.isalnum() and look != "\\"]
    yield rf"\\{_MORE_BACKSLASHES}(?:{_any(backslashed)}|(?:&|u0026|x26){_AMPERSANDS}{entity})"
    for sign, again in (("%", _PERCENTS), ("=", _EQUALS)):
        yield f"{sign}{again}(?:{_any(_in_bytes(look, sign + again) for look in looks)})"


def _any(patterns: Iterable[str]) -> str:
    return "|".join(patterns)


def _in_hex(digits: str) -> str:
    """A pattern for hexadecimal digits in either case."""
    return re.sub("[a-f]", lambda digit: f"[{digit[0]}{digit[0].upper()}]", digits)


def _in_units(character: str) -> str:
    r"""``u00e4``, and ``ud83d\ude00`` for one beyond the first 65,536."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return rf"\\{_MORE_BACKSLASHES}".join(f"u{_in_hex(units[at : at + 4])}" for at in range(0, len(units), 4))


def _in_bytes(character: str, between: str) -> str:
    """The bytes of a character in hex."""
    return between.join(_in_hex(f"{byte:02x}") for byte in character.encode("utf-8", "surrogatepass"))


@cache
def _names() -> dict[str, list[str]]:
    """Character → what HTML calls it, without the semicolon."""
    names: dict[str, list[str]] = {}
    for name, character in html5.items():
        if name.endswith(";"):
            names.setdefault(character, []).append(name.removesuffix(";"))
    return names
