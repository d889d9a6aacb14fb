"""How sentences name, count and wrap, and the gate that foreign text goes through."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.phrases import SAID_LIMIT, counted, named, named_agent, one_line, printable, quoted

#: Categories of Unicode that act on a terminal, cannot be seen, or have no meaning here.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

#: Any code point, halves of surrogate pairs too.
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("DACH – Süd/東京 👍", "DACH – Süd/東京 👍"),
        ("\x1b]52;c;cm0gLXJm\x07", r"\u001b]52;c;cm0gLXJm\u0007"),
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("one\u2028two\x85three", r"one\u2028two\u0085three"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("a\u200bb\ufeffc\u00ad", r"a\u200bb\ufeffc\u00ad"),
        ("half \ud83d", r"half \ud83d"),
        ("tag \U000e0041", r"tag \udb40\udc41"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(said: str, shown: str) -> None:
    """Controls, line breaks, directions, zero width and halves of characters appear as escapes; letters and blanks stay."""
    assert printable(said) == shown


@given(ANYTHING)
def test_nothing_unseen_passes(text: str) -> None:
    """Whatever is said, what is shown can be seen, can be encoded, and needs no second time through the gate."""
    for shown in (printable(text), one_line(text), quoted(text), named(text, text + "x"), named_agent(text, "u1")):
        assert {unicodedata.category(letter) for letter in shown}.isdisjoint(UNSEEN)
        assert printable(shown) == shown
        shown.encode()


@given(st.text())
def test_a_json_document_still_says_the_same(text: str) -> None:
    """JSON that went through the gate is the same data."""
    assert json.loads(printable(json.dumps([text], ensure_ascii=False))) == [text]


@given(ANYTHING)
def test_one_line_has_a_length(text: str) -> None:
    """Other people's words are one line that ends somewhere, escapes included."""
    assert len(one_line(text)) <= SAID_LIMIT
    assert len(quoted(text, 40)) <= 42


@pytest.mark.parametrize(("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12000, "12,000 rows")])
def test_counts(number: int, said: str) -> None:
    """A count has its noun, and a comma at each thousand."""
    assert counted(number, "row") == said
