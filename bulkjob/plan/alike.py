"""Which of very many names look like a text: those that share rare bits of three letters with it are compared, not all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Final

#: So few names are all compared.
_FEW: Final = 100
#: So many names at most are counted up for a text, from its rarest bit on, and so many of those are compared with it letter by letter.
_COUNTED, _COMPARED = 5_000, 15
#: In letters.
_BIT: Final = 3


class Alike:
    """Names among which is searched often; letters differ from those of another case."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: Sequence[str] = list(names)

    def nearest(self, text: str) -> list[str]:
        """Up to three that look like the text, the likeliest first."""
        some = self._names if len(self._names) <= _FEW else self._sharing_bits(text)
        return get_close_matches(text, some, n=3, cutoff=0.6)

    def _sharing_bits(self, text: str) -> list[str]:
        """Those with the most bits in common with the text, as far as its rarest bits tell."""
        shared = Counter[int]()
        left = _COUNTED
        for places in sorted((self._by_bit[bit] for bit in _bits(text) if bit in self._by_bit), key=len):
            left -= len(places)
            if left < 0:
                break
            shared.update(places)
        return [self._names[place] for place, _ in shared.most_common(_COMPARED)]

    @cached_property
    def _by_bit(self) -> Mapping[str, Sequence[int]]:
        """Bit → the places of the names that have it."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, name in enumerate(self._names):
            for bit in _bits(name):
                found[bit].append(place)
        return dict(found)


def _bits(text: str) -> set[str]:
    """Of a text, with its ends."""
    ended = f" {text} "
    return {ended[start : start + _BIT] for start in range(len(ended) - _BIT + 1)}
