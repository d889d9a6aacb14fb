"""A plan document as bytes, and back."""

import json
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, Final

import msgspec

from bulkjob.changes import SharedRows, given_back, held_once
from bulkjob.plan.document import READABLE, PlanDocument

# ------------------------------------------------------------------------------------------------------------- as bytes

_encoder = msgspec.json.Encoder()


_BY_LINE: Final = ("calls", "warnings", "operations", "changes", "shared_rows", "rows")


def pieces_of_plan(document: PlanDocument) -> Iterator[bytes]:
    """The document as JSON in UTF-8: each key has a line, and each entry of the long lists. In pieces: nobody need hold a large one.

    Rows that ask for several changes are a list of their own, ``shared_rows``: all removals that ``mirror`` makes in a department have the
    same ones.
    """
    changes, shared = held_once(document.changes)
    between = b"{\n"
    for name, value in (msgspec.structs.asdict(document) | {"changes": changes, "shared_rows": shared}).items():
        yield between + b"  " + _encode(name) + b": "
        if name in _BY_LINE and value:
            yield from (before + _encode(entry) for before, entry in zip(chain((b"[\n    ",), repeat(b",\n    ")), value, strict=False))
            yield b"\n  ]"
        else:
            yield _encode(value)
        between = b",\n"
    yield b"\n}\n"


def _encode(value: object) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        # A name may hold half a surrogate pair, which no file can.
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")


class _Head(msgspec.Struct):
    format: int


def parse_plan(data: bytes) -> PlanDocument:
    """The document of such pieces. Raises `ValueError`, with a clause on what is wrong, for anything else."""
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (ValueError, RecursionError):
        raise ValueError("it is not a bulkjob plan") from None
    if head.format not in READABLE:
        raise ValueError(f"its format is {head.format}, which this version of bulkjob does not know")
    try:
        document = msgspec.json.decode(data, type=PlanDocument) if head.format != 1 else msgspec.convert(_of_format_1(data), PlanDocument)
        shared = msgspec.json.decode(data, type=_Shared).shared_rows
        document = msgspec.structs.replace(document, changes=given_back(document.changes, shared))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is damaged: {error}") from None
    if any(not 0 <= place < len(document.changes) for operation in document.operations for place in operation.changes):
        raise ValueError("it is damaged: an operation carries a change that is not there")
    return document


class _Shared(msgspec.Struct):
    """What formats before 4 wrote with each change."""

    shared_rows: tuple[SharedRows, ...] = ()


class _Format1(msgspec.Struct):
    """What format 1 called by another name: it called changes wishes."""

    wishes: list[Any]
    operations: list[dict[str, Any]]


def _of_format_1(data: bytes) -> dict[str, object]:
    """A document of format 1 in the words of today. Raises `msgspec.DecodeError`."""
    document = msgspec.json.decode(data, type=dict[str, Any])
    old = msgspec.json.decode(data, type=_Format1)
    operations = [{**operation, "changes": operation.get("wishes")} for operation in old.operations]
    return {**document, "changes": old.wishes, "operations": operations}
