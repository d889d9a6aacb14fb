"""Secrets are taken out of foreign words, whatever those words did to them."""

import base64
import html
import json
import quopri
import time
from collections.abc import Callable
from html.entities import html5
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


def named(text: str) -> str:
    """For HTML, with a name for every sign that has one."""
    names = {character: f"&{name}" for name, character in html5.items() if name.endswith(";")}
    return "".join(letter if letter.isalnum() else names.get(letter, letter) for letter in text)


def wide(text: str) -> str:
    """In letters of full width."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "for a URL, twice": lambda token: quote(quote(token, safe=""), safe=""),
    "all for a URL, thrice": lambda token: "".join(f"%2525{byte:02X}" for byte in token.encode()),
    "for HTML, twice": lambda token: html.escape(html.escape(token)),
    "for HTML, thrice": lambda token: html.escape(html.escape(html.escape(token))),
    "for HTML, by name": named,
    "for HTML, by name, twice": lambda token: html.escape(named(token)),
    "for HTML, by number, no semicolon": lambda token: "".join(f"&#{ord(letter)}" for letter in token),
    "for HTML in JSON": lambda token: json.dumps(html.escape(token)).replace("&", "\\u0026")[1:-1],
    "in JSON in HTML": lambda token: html.escape(json.dumps(token)[1:-1]),
    "in JSON, thrice": lambda token: json.dumps(json.dumps(json.dumps(token)))[7:-7],
    "for a mail": lambda token: token.replace("=", "=3D"),
    "for a mail, all": lambda token: "".join(f"={byte:02X}" for byte in token.encode()),
    "for a mail, in lines": lambda token: quopri.encodestring(f"{'x' * 68}{token}".encode()).decode().removeprefix("x" * 68),
    "for a mail, in lines, in JSON": lambda token: f"{token[:4]}=\\r\\n{token[4:]}".replace("=", "=3D", token[:4].count("=")),
    "octal": lambda token: "".join(f"\\{ord(letter):03o}" for letter in token),
    "in braces": lambda token: "".join(f"\\u{{{ord(letter):x}}}" for letter in token),
    "in base64": lambda token: base64.b64encode(token.encode()).decode(),
    "in base64, unpadded": lambda token: base64.b64encode(token.encode()).decode().rstrip("="),
    "in base64, for a URL": lambda token: base64.urlsafe_b64encode(token.encode()).decode(),
    "in base64, in JSON": lambda token: base64.b64encode(token.encode()).decode().replace("/", "\\/"),
    "in base64, escaped": lambda token: quote(base64.b64encode(token.encode()).decode(), safe=""),
    "in hex": lambda token: token.encode().hex(),
    "in hex, upper": lambda token: token.encode().hex().upper(),
    "upper": str.upper,
    "lower": str.lower,
    "swapped": str.swapcase,
    "wide": wide,
    "wide, in JSON": lambda token: json.dumps(wide(token))[1:-1],
    "wide, for a URL": lambda token: quote(wide(token)),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("token", ['geheim+Tok/en=="7', "a8Kd-20slfjK_39", "<s3&r3t>'\\x\"t0k"])
def test_no_spelling_of_spellings_passes(*, spell: Callable[[str], str], token: str) -> None:
    """Escapes of escapes, other letters, mail, base64 and hex: of none is anything left in a text or a body."""
    mask = Mask([Secret(token)])
    for text in (f"bad {spell(token)} end", spell(token)):
        assert mask.text(text) in ("bad *** end", "***")
        assert mask.body(text.encode()).decode() == mask.text(text)


@pytest.mark.parametrize(
    "between", ["\n", "\r\n", "\0", "\x1b", "\xad", "\u200b", "\u202e", "\ufeff", "\u0301", "\ufe0f", "\ue000", "\u0378", "\ud800"]
)
@pytest.mark.parametrize(
    "escaped", [str, lambda text: json.dumps(text)[1:-1], lambda text: repr(text)[1:-1]], ids=["raw", "json", "python"]
)
def test_what_is_not_seen_may_stand_between(between: str, escaped: Callable[[str], str]) -> None:
    """A line break, a zero-width character or a colour of a terminal between two letters hides no secret."""
    mask = Mask([Secret("s3cr3t-t0ken")])
    for inside in (between, between * 3, f"\x1b[1;31m{between}\x1b[0m"):
        text = escaped(f"bad s3cr{inside}3t-t{inside}0ken end")
        assert mask.text(text) == "bad *** end"
        assert mask.body(text.encode("utf-8", "surrogatepass")) == b"bad *** end"
    for inside in ("%0A", "%E2%80%8B", "&shy;", "&#8203;", "&ZeroWidthSpace;", "=E2=80=8B", "=\n"):
        assert mask.text(f"bad s3cr{inside}3t-t0ken end") == "bad *** end"


@pytest.mark.parametrize("spell", [str.upper, lambda token: base64.b64encode(token.encode()).decode(), lambda token: token.encode().hex()])
def test_long_lists_are_looked_through_as_all_else_is(spell: Callable[[str], str]) -> None:
    """A name in a list of a megabyte is spelt in as many ways as one in a short answer."""
    token = "Zx9-of_the.service-account"
    names = [f"Department {number}" for number in range(50_000)]
    names[40_000] = spell(token)
    assert json.loads(Mask([Secret(token)]).body(json.dumps(names).encode()))[39_999:40_002] == [
        "Department 39999",
        "***",
        "Department 40001",
    ]


def test_user_and_token_together() -> None:
    """What a header says for ``user:token`` in base64 leads to no token, however long the user's name is."""
    for user in ("u", "us", "usr", "usr-svc"):
        shown = Mask([Secret("s3cr3t-t0ken")]).text(f"Basic {base64.b64encode(f'{user}:s3cr3t-t0ken'.encode()).decode()}, no")
        assert shown.startswith("Basic ")
        assert shown.endswith("***, no")
        assert len(shown) < len("Basic ***, no") + len(user) * 4 / 3 + 3


def test_a_secret_that_is_a_word_hides_that_word_only() -> None:
    """People write words with a capital letter; one that has a digit or a sign in it is no word."""
    assert Mask([Secret("password")]).text("Password PASSWORD password") == "Password PASSWORD ***"
    assert Mask([Secret("Password")]).text("Password password") == "*** password"
    assert Mask([Secret("passw0rd")]).text("Passw0rd PASSW0RD") == "*** ***"
    assert Mask([Secret("pAssword")]).text("password") == "***"


@given(st.text())
def test_other_words_stay(text: str) -> None:
    """What holds no secret is not changed, and without a secret nothing ever is."""
    assert Mask([Secret("s3cr3t-t0ken")]).text(text) == text
    assert Mask().text(text) == text
    assert Mask([Secret("")]).text(text) == text


@pytest.mark.parametrize("token", ["s3cr3t-t0ken", "ssssssssssss", "\\\\\\s\\\\-%%&&=="])
def test_a_body_of_nothing_but_escapes_is_read_once(token: str) -> None:
    """Two megabytes that look like the beginning of a spelling at every place come to an end, and stay as they are."""
    mask = Mask([Secret(token)])
    pieces = [
        "\\",
        "%",
        "&",
        "=",
        "%73",
        "%2525",
        "\\\\x73",
        "s3cr3t-t0ke",
        "&#0",
        "&amp;",
        "s" + "\u200b" * 15,
        "\uff53\u200b",
        "\x1b[0",
        "\\u00",
        "ssssss\n\n-",
    ]
    for piece in pieces:
        text = piece * (2_000_000 // len(piece.encode()))
        started = time.process_time()
        shown = mask.body(text.encode())
        assert time.process_time() - started < 5
        assert token[0] == token[1] or shown == text.encode()


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
