"""What became of a row, in the word that people read for it in every report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bulkjob.records import RowResult
from bulkjob.vocabulary import Code, Effect, Status

CHANGED: Final = "changed"


CORRECT: Final = "already correct"


#: Of rows that did not succeed.
_WORDS: Final = {
    Status.FAILED: "failed",
    Status.INVALID: "invalid",
    Status.NOT_SENT: "not sent",
    Status.PLANNED: "to change",
}


#: Of a plan, where it has not happened yet.
_WOULD: Final = {"failed": "would fail"}


_ORDER: Final = ("failed", "would fail", "invalid", "not sent", "to change", CHANGED, CORRECT)


def row_word(result: RowResult) -> str:
    """The word for what became of a row."""
    if result.status is Status.SUCCESS:
        return CHANGED if result.change is Effect.UPDATED else CORRECT
    return _WORDS[result.status]


def planned_word(result: RowResult) -> str:
    """The word for what would become of a row."""
    word = row_word(result)
    return _WOULD.get(word, word)


def is_row_word(text: str) -> bool:
    """Whether a text is one of these words."""
    return text in _ORDER


def place_of(word: str) -> int:
    """The place of a word in the order in which people want them: what needs somebody most comes first."""
    return _ORDER.index(word)


def problems_first(results: Mapping[int, RowResult]) -> list[RowResult]:
    """The rows that need somebody most first, and then as in the sheet."""
    return sorted(results.values(), key=lambda result: place_of(row_word(result)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Rows that are not in place for the same reason."""

    word: str
    code: Code | None
    results: tuple[RowResult, ...]


def reasons_of(results: Iterable[RowResult]) -> list[Reason]:
    """The reasons why rows are not in place: the word that needs somebody most first, then the most frequent first."""
    groups: dict[tuple[str, Code | None], list[RowResult]] = {}
    for result in results:
        if result.status is not Status.SUCCESS:
            groups.setdefault((row_word(result), result.code), []).append(result)
    reasons = [Reason(word=word, code=code, results=tuple(rows)) for (word, code), rows in groups.items()]
    return sorted(reasons, key=lambda reason: (place_of(reason.word), -len(reason.results), str(reason.code or "")))
