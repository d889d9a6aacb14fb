"""What the entries of a plan's document are made of: things by id and name, and the lines of a listing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec


class Thing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class AboutDepartment(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="about"):
    """What entries about a department itself have in common."""

    department: Thing

    @property
    def departments(self) -> tuple[Thing, ...]:
        """The one that it is about."""
        return (self.department,)

    @property
    def units(self) -> tuple[Thing, ...]:
        """It names none."""
        return ()


class AboutUnit(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="about"):
    """What entries about a unit itself have in common."""

    unit: Thing

    @property
    def departments(self) -> tuple[Thing, ...]:
        """It names none."""
        return ()

    @property
    def units(self) -> tuple[Thing, ...]:
        """The one that it is about."""
        return (self.unit,)
