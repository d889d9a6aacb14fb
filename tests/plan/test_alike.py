"""Names that look like a text, among very many."""

import random
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import pytest

from bulkjob.plan import alike
from bulkjob.plan.alike import Alike

WORDS = (
    *("sales", "support", "service", "billing", "retail", "north", "south", "berlin", "munich", "vienna", "premium", "basic", "hotline"),
    *("claims", "fraud", "inbound", "team", "level", "night"),
)
DICE = random.Random(15)  # noqa: S311  # names for a test
KINDS = {
    "numbered": [f"department {number}" for number in range(5_000)],
    "of words": sorted({" ".join(DICE.choices(WORDS, k=4)) for _ in range(5_000)}),
    "words and numbers": [f"{' '.join(DICE.choices(WORDS, k=2))} {number}" for number in range(5_000)],
}


def mistyped(name: str) -> str:
    """The name with a letter exchanged, missing or added."""
    place = DICE.randrange(len(name))
    return name[:place] + DICE.choice(["", "x", f"x{name[place]}"]) + name[place + 1 :]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistyped_name_is_found_among_thousands(kind: str) -> None:
    """The likeliest of thousands is nearly always the one that comparing with all of them would give."""
    names = KINDS[kind]
    texts = [mistyped(name) for name in DICE.sample(names, 20)]
    searched = Alike(names)
    same = [searched.nearest(text)[:1] == get_close_matches(text, names, n=1, cutoff=0.6) for text in texts]
    assert sum(same) >= 18


def test_among_few_names_all_are_compared() -> None:
    """Among a hundred names the answer is that of comparing with each."""
    names = KINDS["of words"][:100]
    texts = [mistyped(name) for name in names]
    assert [Alike(names).nearest(text) for text in texts] == [get_close_matches(text, names, n=3, cutoff=0.6) for text in texts]


@pytest.mark.parametrize("size", [500, 50_000])
def test_work_does_not_grow_with_the_names(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names there are, a text is compared with fifteen, and five thousand are counted up; also where all begin alike."""
    compared: list[int] = []
    counted: list[int] = []

    def close(text: str, some: list[str], **rest: Any) -> list[str]:
        compared.append(len(some))
        return get_close_matches(text, some, **rest)

    class Counting(Counter[int]):
        def update(self, some: Iterable[int] | None = None, /, **rest: int) -> None:  # type: ignore[override]
            places = list(some or ())
            counted.append(len(places))
            super().update(places, **rest)

    monkeypatch.setattr(alike, "get_close_matches", close)
    monkeypatch.setattr(alike, "Counter", Counting)
    searched = Alike(f"department {number}" for number in range(size))
    assert searched.nearest("deparment 123")[0] == "department 123"
    assert searched.nearest("departmemt") is not None
    assert searched.nearest("unheard of") == []
    assert max(compared) <= 15
    assert sum(counted) <= 3 * 5_000
