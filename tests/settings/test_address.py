"""Addresses: which are taken, and the one spelling of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.settings.address import canonical_address, server_address, without_secrets


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://127.0.0.1.:3000", "http://127.0.0.1:3000"),
        ("https://chat.example.com/", "https://chat.example.com"),
        ("https://example.com/team/chat//", "https://example.com/team/chat"),
        ("HTTPS://Chat.Example.COM", "https://chat.example.com"),
        ("https://chat.example.com:443", "https://chat.example.com"),
        ("http://chat.example.com:80/", "http://chat.example.com"),
        ("https://chat.example.com:80", "https://chat.example.com:80"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        (" https://chät.example.com\n", "https://xn--cht-rla.example.com"),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
        ("http://BÜCHER.example", "http://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://chat.example.com/api/v1", "https://chat.example.com"),
        ("https://chat.example.com/Team/api/v1/", "https://chat.example.com/Team"),
        ("https://chat.example.com/büro", "https://chat.example.com/b%C3%BCro"),
        ("https://chat.example.com/b%C3%BCro", "https://chat.example.com/b%C3%BCro"),
        ("http://rocket_chat:3000", "http://rocket_chat:3000"),
    ],
)
def test_each_address_has_one_spelling(text: str, url: str) -> None:
    """Case, default port, closing slash, international letters and /api/v1 make no other server; and the one spelling stays as it is."""
    assert server_address(text) == url
    assert server_address(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "http://a..b",
        "http://-a.example",
        "http://a b",
        "http://" + "a" * 64,
        "http://xn--\u0300.example",
        "http://[1.2.3.4]",
        "http://é..b",
        "http://127.1",
        "http://1.2.3.4.5",
        "http://2130706433",
        "http://127.0.0.01",
        "http://chat.1",
    ],
)
def test_what_no_host_is_called(text: str) -> None:
    """A name that no host can have is refused at once, not looked up."""
    with pytest.raises(ValueError, match="an address such as"):
        server_address(text)


@given(st.text())
def test_any_text_has_a_spelling_that_stays(text: str) -> None:
    """Whatever an older run directory holds as its server, comparing it is no accident, and twice is as good as once."""
    assert canonical_address(canonical_address(text)) == canonical_address(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hunter2@h/x", "https://***@h/x"),
        ("https://me:hun@ter2@h/x?sig=hunter2", "https://***@h/x?***"),
        ("https://h/x", "https://h/x"),
        ("runs/x", "runs/x"),
    ],
)
def test_addresses_are_shown_without_their_secrets(text: str, shown: str) -> None:
    """User name, password and query of an address are masked, all else is as it was."""
    assert without_secrets(text) == shown
