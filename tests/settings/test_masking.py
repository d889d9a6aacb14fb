"""Secrets are taken out of foreign words, whatever those words did to them."""

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.settings.masking import Mask
from bulkjob.settings.secret import Secret

TOKENS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=43)


@given(TOKENS, st.text(), st.text())
def test_no_spelling_passes(token: str, before: str, after: str) -> None:
    """Plain, for a URL, for JSON (once and twice), for HTML and as Python writes it: none is left in a text or a body."""
    mask = Mask([Secret(token)])
    for spelt in (
        token,
        quote(token, safe=""),
        json.dumps(token)[1:-1],
        json.dumps(json.dumps(token))[3:-3],
        html.escape(token),
        repr(token)[1:-1],
    ):
        text = f"{before}{spelt}{after}"
        assert spelt not in mask.text(text).replace("***", "\0") or spelt in f"{before}\0{after}"
        assert "***" in mask.text(text)
        assert mask.body(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass") == mask.text(text)


@given(st.text())
def test_other_words_stay(text: str) -> None:
    """What holds no secret is not changed, and without a secret nothing ever is."""
    assert Mask([Secret("s3cr3t-t0ken")]).text(text) == text
    assert Mask().text(text) == text
    assert Mask([Secret("")]).text(text) == text


def test_a_body_of_nothing_but_escapes_is_read_once() -> None:
    """Two megabytes that look like the beginning of a spelling at every place come to an end, and stay as they are."""
    mask = Mask([Secret("s3cr3t-t0ken")])
    for piece in ("\\", "%73", "\\\\x73", "s3cr3t-t0ke", "&#0"):
        text = piece * (2_000_000 // len(piece))
        assert mask.body(text.encode()) == text.encode()


def test_one_secret_in_another() -> None:
    """Of two secrets of which one holds the other no rest is left."""
    assert Mask([Secret("correct-horse"), Secret("me:correct-horse-battery")]).text("me:correct-horse-battery correct-horse") == "*** ***"


def test_a_password_in_other_letters() -> None:
    """A password need not be ASCII."""
    mask = Mask([Secret("pässwörter")])
    for spelt in ("pässwörter", quote("pässwörter"), json.dumps("pässwörter")[1:-1]):
        assert mask.text(f"a {spelt} b") == "a *** b"
        assert mask.body(f"a {spelt} b".encode()) == b"a *** b"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_json_in_any_encoding(encoding: str) -> None:
    """What a reader of JSON makes of the body holds no secret, whatever encoding it came in."""
    body = Mask([Secret("s3cr3t-t0ken")]).body('{"a": "s3cr3t-t0ken", "ü": 1}'.encode(encoding))
    assert json.loads(body) == {"a": "***", "ü": 1}


def test_a_mask_does_not_show_what_it_hides() -> None:
    """No printer of objects or of their attributes gets at the secrets."""
    mask = Mask([Secret("s3cr3t-t0ken")])
    assert "s3cr3t" not in repr(mask)
    with pytest.raises(TypeError):
        vars(mask)
