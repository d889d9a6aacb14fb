"""How a change stands in a plan's document, seen from outside: what was found, what is wanted, and what becomes of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from bulkjob.vocabulary import Code, Status

if TYPE_CHECKING:
    from bulkjob.changes.change import Change, Prior


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


class Entry(Protocol):
    """A change in a plan's document."""

    @property
    def department(self) -> Thing:
        """The department that it is about."""

    @property
    def units(self) -> tuple[Thing, ...]:
        """The units that it names."""

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows that ask for it."""

    @property
    def status(self) -> Status:
        """``planned`` where an operation carries it."""

    @property
    def code(self) -> Code | None:
        """Why it fails, where that is certain."""

    def change(self) -> "Change":
        """What it asks for."""

    def prior(self) -> "Prior":
        """What the plan found."""

    def lines(self, name: NameOf) -> Iterable[Line]:
        """What a listing says of it."""
