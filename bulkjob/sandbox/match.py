"""Meteor's `check` in small: patterns that say, in its words, what is wrong with a value and where.

The texts are those of Meteor's ``packages/check/match.js``. A pattern is a function from a value to a `Mismatch` or None.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


class Undefined:
    """JavaScript's ``undefined``: what a key that is not there reads as."""


UNDEFINED: Final = Undefined()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """What is wrong, and where (empty for the value itself)."""

    message: str
    path: str = ""

    def __str__(self) -> str:
        """Return the sentence that the API answers with."""
        return f"Match error: {self.message}" + (f" in field {self.path}" if self.path else "")

    def under(self, key: str | int) -> "Mismatch":
        """Return the same mismatch, seen from the value that holds it under `key`."""
        return Mismatch(message=self.message, path=_prepend(key, self.path))


Pattern = Callable[[object], Mismatch | None]


@dataclass(frozen=True, slots=True)
class Optional:
    """A key that may be missing; if it is there, its value must match (null does not count as missing)."""

    pattern: Pattern


def text(value: object) -> Mismatch | None:
    """Match a string."""
    return None if isinstance(value, str) else Mismatch(message=f"Expected string, got {_type(value)}")


def boolean(value: object) -> Mismatch | None:
    """Match true or false."""
    return None if isinstance(value, bool) else Mismatch(message=f"Expected boolean, got {_type(value)}")


def integer(value: object) -> Mismatch | None:
    """Match a whole number that fits 32 bits, with its sign."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return None
    return Mismatch(message=f"Expected Integer, got {_spell(value)}")


def array(value: object) -> Mismatch | None:
    """Match any array."""
    return None if isinstance(value, list) else Mismatch(message="Expected Array")


def list_of(pattern: Pattern) -> Pattern:
    """Match an array whose items all match."""

    def match(value: object) -> Mismatch | None:
        if not isinstance(value, list):
            return Mismatch(message=f"Expected array, got {_spell(value)}")
        for index, item in enumerate(value):
            if (found := pattern(item)) is not None:
                return found.under(index)
        return None

    return match


def one_of(*patterns: Pattern) -> Pattern:
    """Match what one of the patterns matches."""

    def match(value: object) -> Mismatch | None:
        if any(pattern(value) is None for pattern in patterns):
            return None
        return Mismatch(message="Failed Match.OneOf, Match.Maybe or Match.Optional validation")

    return match


def shape(keys: Mapping[str, Pattern | Optional], *, more: bool = False) -> Pattern:
    """Match an object with these keys; with `more`, others are allowed too.

    The value's keys are looked at first, in its own order; what is missing comes last.
    """
    required = {key: pattern for key, pattern in keys.items() if not isinstance(pattern, Optional)}

    def match(value: object) -> Mismatch | None:
        if not isinstance(value, dict):
            return Mismatch(message=_no_object(value))
        for key, item in value.items():
            pattern = keys.get(key)
            if pattern is None:
                if not more:
                    return Mismatch(message="Unknown key", path=_prepend(key, ""))
                continue
            found = pattern.pattern(item) if isinstance(pattern, Optional) else pattern(item)
            if found is not None:
                return found.under(key)
        missing = next((key for key in required if key not in value), None)
        return None if missing is None else Mismatch(message=f"Missing key '{missing}'")

    return match


anything = shape({}, more=True)
"""Match any object."""


def _no_object(value: object) -> str:
    if isinstance(value, list):
        return "Expected plain object"
    return f"Expected object, got {_type(value)}"


def _type(value: object) -> str:
    """Return what JavaScript's ``typeof`` says, except that null is null."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case Undefined():
            return "undefined"
        case _:
            return "object"


def _spell(value: object) -> str:
    return "undefined" if isinstance(value, Undefined) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_NUMBER: Final = re.compile(r"[0-9]+")
_IDENTIFIER: Final = re.compile(r"[a-z_$][0-9a-z_$.\[\]]*", re.IGNORECASE)
_KEYWORDS: Final = frozenset({
    "do", "if", "in", "for", "let", "new", "try", "var", "case",
    "else", "enum", "eval", "false", "null", "this", "true", "void", "with",
    "break", "catch", "class", "const", "super", "throw", "while", "yield", "delete",
    "export", "import", "public", "return", "static", "switch", "typeof", "default", "extends",
    "finally", "package", "private", "continue", "debugger", "function", "arguments", "interface", "protected",
    "implements", "instanceof",
})  # fmt: skip


def _prepend(key: str | int, path: str) -> str:
    spelt = str(key)
    if _NUMBER.fullmatch(spelt):
        spelt = f"[{spelt}]"
    elif not _IDENTIFIER.fullmatch(spelt) or spelt in _KEYWORDS:
        spelt = json.dumps([spelt], ensure_ascii=False)
    return f"{spelt}.{path}" if path and not path.startswith("[") else spelt + path
