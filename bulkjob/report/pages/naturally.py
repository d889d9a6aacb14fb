"""The order in which people look for names."""

import re
from typing import Final

_DIGITS: Final = re.compile(r"([0-9]{1,18})")


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key to sort by: without regard to case, and ``Unit 2`` before ``Unit 10``."""
    parts = _DIGITS.split(name.casefold())
    return tuple((place % 2 == 0, int(part) if place % 2 else 0, part) for place, part in enumerate(parts))
