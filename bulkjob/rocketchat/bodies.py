"""JSON as servers and proxies send it: whatever it holds, it is a value or `NOT_JSON`."""

import json
from collections.abc import Mapping
from typing import Final, TypeGuard

import msgspec

#: Half of a surrogate pair is no character: somebody has cut a text in the middle of one.
_HALVES: Final = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


class _NotJson:
    def __repr__(self) -> str:
        return "no JSON"


#: What a body that is no JSON reads as.
NOT_JSON: Final = _NotJson()


def decoded(body: bytes) -> object:
    """The value that ``body`` is the JSON of, or `NOT_JSON`; halves of characters become U+FFFD, as in Rocket.Chat's database."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        # The standard library takes more: halves of characters, NaN, a byte order mark.
        pass
    try:
        return _mended(json.loads(body))
    except (ValueError, RecursionError):
        return NOT_JSON


def encoded(value: Mapping[str, object]) -> bytes:
    """The JSON of a request's body."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A sheet may hold halves of characters; the standard library spells them as escapes.
        return json.dumps(value).encode()


def _mended(value: object) -> object:
    """The value with no half of a character in it, without recursion, as nothing bounds how deep it is."""
    whole = [value]
    pending: list[object] = [whole]
    while pending:
        match pending.pop():
            case dict() as found:
                items = [(key.translate(_HALVES), _text_mended(item)) for key, item in found.items()]
                found.clear()
                found.update(items)
                pending.extend(item for _, item in items if _holds_more(item))
            case list() as found:
                # One by one: a list as long as an answer may be is not held twice.
                for place, item in enumerate(found):
                    found[place] = _text_mended(item)
                pending.extend(filter(_holds_more, found))
    return whole[0]


def _text_mended(value: object) -> object:
    return value.translate(_HALVES) if isinstance(value, str) else value


def _holds_more(value: object) -> TypeGuard[dict[str, object] | list[object]]:
    return isinstance(value, dict | list)
