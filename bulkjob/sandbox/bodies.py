"""Request bodies as the server's parsers take them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from bulkjob.sandbox.state import Document

_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE"})


def parse_body(method: str, headers: Mapping[str, str], body: bytes, *, lenient: bool) -> Any:  # noqa: ANN401 - JSON
    """The body by its content type, an empty object for what is of no type that the server reads.

    Names in `headers` are in lower case. Raises ValueError for JSON that is broken, or neither object nor array; `lenient` takes
    that for an empty object too.
    """
    if method in _WITHOUT_BODY or not body:
        return {}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _form(body.decode(errors="replace"))
    if kind != "application/json":
        return {}
    try:
        return _json(body)
    except ValueError:
        if lenient:
            return {}
        raise


def json_of(text: str) -> Any:  # noqa: ANN401 - JSON
    """The value that a text is the JSON of. Raises ValueError, also where it is nested too deeply."""
    with _bottomed():
        return json.loads(text)


@contextmanager
def _bottomed() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _json(body: bytes) -> Any:  # noqa: ANN401 - JSON
    with _bottomed():
        parsed = json.loads(body, parse_float=_number, parse_constant=_no_number)
    if not isinstance(parsed, dict | list):
        raise ValueError("neither an object nor an array")  # noqa: TRY004 - broken JSON, as far as the server is concerned
    return parsed


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _form(text: str) -> Document:
    """What a form's fields say, ``a[b]=c`` being ``{"a": {"b": "c"}}``."""
    whole: Document = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *steps, last = name.replace("]", "").split("[")
        place = whole
        for step in steps:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[last] = value
    return whole
