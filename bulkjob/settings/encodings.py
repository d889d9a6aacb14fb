"""How a whole secret looks in encodings that take its letters together: base64 and hex."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

#: Between two characters of base64, which mail breaks into lines; as a pattern.
LINE_ENDS: Final = r"(?:[\r\n]|\\{1,8}[rn]){0,4}"


#: The last character of base64, which has bits of what follows in it, and what fills it up; as a pattern.
REST: Final = r"[A-Za-z0-9+/_-]{0,1}(?:=|%3[dD]){0,2}"


_END: Final = 8


@dataclass(frozen=True, slots=True)
class Encoding:
    """The part of an encoded text that is the same whatever stands around the secret."""

    text: str = field(repr=False)
    in_hex: bool = False

    @property
    def ends(self) -> tuple[bytes, bytes]:
        """How its longest run of letters and digits, which nothing spells in another way, begins and ends."""
        longest = max(re.findall(b"[A-Za-z0-9]*", self.text.encode()), key=len)
        return longest[:_END], longest[-_END:]


def encodings_of(secret: str) -> Iterator[Encoding]:
    """The secret in hex, and in base64 behind any number of other bytes, as in that of ``user:token``."""
    data = secret.encode("utf-8", "surrogatepass")
    yield Encoding(data.hex(), in_hex=True)
    for before in range(3):
        # Six bits a character: those that hold bits of a neighbour are left away.
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        yield Encoding(b64encode(bytes(before) + data).decode()[first:last])
