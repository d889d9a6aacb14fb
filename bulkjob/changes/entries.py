"""What the entries of a plan's document are made of: things by id and name, and the lines of a listing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A department, unit or agent."""

    id: str
    name: str


#: A thing as a listing names it.
NameOf = Callable[[Thing], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a plan's listing, under the unit or department that it is about."""

    section: Literal["unit", "department"]
    about: Thing
    sign: Literal["+", "~", "−"]
    text: str
