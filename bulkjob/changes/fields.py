"""What fields of a department and of a unit have in common: one value, compared and stored as the sheet's text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import msgspec

from bulkjob.changes.change import Asked, Prior, Words
from bulkjob.phrases import quoted
from bulkjob.records import Naming
from bulkjob.sheet import stripped

#: What a field can hold; None where the server stores nothing, or something of another type.
Value = str | bool

#: A description may be long; a sentence is not.
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldWords:
    """How sentences speak of one field."""

    label: str
    """``name``, ``address``."""
    on: str = ""
    """What a thing is where a yes or no says yes (``enabled``); blank for a text."""
    off: str = ""
    renames: bool = False
    """Whether the thing is called by it."""

    def described(self, value: Prior) -> str:
        """A value, as it stands behind ``its name is`` or ``it is``."""
        if self.on:
            return self.on if value is True else self.off if value is False else f"neither {self.on} nor {self.off}"
        return quoted(value, _LONGEST) if isinstance(value, str) and value else "none"

    @property
    def being(self) -> str:
        """How a clause about it begins."""
        return "it is" if self.on else f"its {self.label} is"

    def told(self, value: Prior) -> str:
        """A value in a listing: ``name "Sales"``, ``enabled``."""
        return self.described(value) if self.on else f"{self.label} {self.described(value)}"


def refuse_unknown(field: str, words: Mapping[str, FieldWords]) -> None:
    """Raises `ValueError` for a field that is none of these: a document that names one is damaged."""
    if field not in words:
        raise ValueError(f"there is no field {field!r}")


class FieldChange(Asked, frozen=True, kw_only=True, eq=False):
    """The desired value of one field of a thing. Texts are compared to the letter, but for blanks at the ends."""

    part: ClassVar[str] = "field"

    field: str
    value: Value

    @property
    def field_words(self) -> FieldWords:
        """How sentences speak of the field."""
        raise TypeError(f"{type(self).__name__} says nothing of its field")

    def thing_named(self, naming: Naming) -> str:
        """What has the field: ``department "Sales" (d1)``."""
        raise TypeError(f"{type(self).__name__} says nothing of what has the field, by its name in {naming}")

    @property
    def being(self) -> str:
        """How a clause about its target begins."""
        return self.field_words.being

    @property
    def wanted(self) -> Prior:
        return self.value

    def is_so(self, now: Prior) -> bool:
        """What was never stored is as good as empty."""
        if isinstance(self.value, str):
            return self.value == (stripped(now) if isinstance(now, str) else "" if now is None else now) or self.value == now
        return self.value == now

    def undone(self, prior: Prior, rows: Sequence[int]) -> Self:
        """The value as it was.

        A text that was absent becomes empty, and what was neither yes nor no stays as it is: the server takes no field away.
        """
        nothing = "" if isinstance(self.value, str) else self.value
        return msgspec.structs.replace(self, value=prior if isinstance(prior, Value) else nothing, rows=tuple(rows))

    def described(self, prior: Prior, naming: Naming) -> str:  # noqa: ARG002 - as the others take it
        """A value, as it stands behind `being`."""
        return self.field_words.described(prior)

    def words(self, prior: Prior, naming: Naming) -> Words:
        """How messages speak of it."""
        words, thing = self.field_words, self.thing_named(naming)
        new, old = words.described(self.value), words.described(prior)
        if words.on:
            told = f"{thing} is now {new}"
            return Words(
                done=f"{_capital(told)}.",
                planned=f"{_capital(thing)} will be {new}.",
                thing=_capital(thing),
                subject=_capital(thing),
                deed=new,
                state=f"{thing} is {new}",
                opposite=f"it was still {words.described(not self.value)}",
            )
        if words.renames:
            return Words(
                done=f"{_capital(thing)} renamed.",
                planned=f"{_capital(thing)} will be renamed.",
                thing=f"Name of {thing}",
                subject=_capital(thing),
                deed=f"renamed to {new}",
                state=f"{thing} is called {new}",
                opposite="it still had another name",
            )
        change = f"{words.label} of {thing}"
        cleared = not self.value
        deed = "removed" if cleared else f"changed from {old} to {new}" if isinstance(prior, str) and prior else f"set to {new}"
        return Words(
            done=f"{_capital(change)} {deed}.",
            planned=f"{_capital(change)} will be {deed}.",
            thing=_capital(change),
            subject=f"The {change}",
            deed=deed,
            state=f"the {change} is {new}",
            opposite=f"its {words.label} was another one",
        )


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
