"""Proxies: what the three variables may say, and what is reached directly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.settings.proxy import ProxyVariables
from bulkjob.settings.secret import Secret

HTTP, HTTPS = "http://chat.example.com", "https://chat.example.com/sub"


@pytest.mark.parametrize(
    ("value", "address", "credentials"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128", ""),
        ("HTTP://Proxy.Example:3128/", "http://proxy.example:3128", ""),
        ("proxy.example:3128", "http://proxy.example:3128", ""),
        ("proxy", "http://proxy:80", ""),
        ("10.0.0.1:8080", "http://10.0.0.1:8080", ""),
        ("[::1]:8080", "http://[::1]:8080", ""),
        ("http://me:p%40ss@proxy:3128", "http://proxy:3128", "me:p@ss"),
        ("me:p@ss@proxy:3128", "http://proxy:3128", "me:p@ss"),
    ],
)
@pytest.mark.parametrize(
    ("variable", "towards"), [("HTTP_PROXY", HTTP), ("http_proxy", HTTP), ("HTTPS_PROXY", HTTPS), ("https_proxy", HTTPS)]
)
def test_what_a_variable_may_say(*, variable: str, towards: str, value: str, address: str, credentials: str) -> None:
    """A proxy is an address with or without a scheme; each variable is for its own kind of address."""
    variables = ProxyVariables.of({variable: value})
    proxy = variables.towards(towards)
    assert proxy is not None
    assert (proxy.address, proxy.credentials) == (address, Secret(credentials))
    assert variables.towards(HTTPS if towards == HTTP else HTTP) is None
    assert "p@ss" not in f"{variables!r} {proxy!r}"


@pytest.mark.parametrize(
    "value",
    [
        "https://me:hunter2@proxy:3128",
        "socks5://me:hunter2@proxy:1080",
        "socks5h://proxy",
        "ftp://proxy",
        "http://",
        "http://proxy:0",
        "http://proxy:99999",
        "http://proxy:port",
        "http://proxy/proxy.pac",
        "http://a..b",
        "://",
        "none at all",
        "http://[::1",
    ],
)
def test_what_cannot_be_used_is_never_passed_by(value: str) -> None:
    """A proxy that cannot be used is a wrong setting that names the variable, and no way around the proxy."""
    with pytest.raises(ValueError, match="HTTPS_PROXY") as wrong:
        ProxyVariables.of({"HTTPS_PROXY": value}).towards(HTTPS)
    assert "hunter2" not in str(wrong.value)


def test_which_spelling_wins() -> None:
    """The variable in lower case wins; an empty one counts as not set; no other variable names a proxy."""
    proxy = ProxyVariables.of({"http_proxy": "one:1", "HTTP_PROXY": "two:2"}).towards(HTTP)
    assert proxy is not None
    assert proxy.address == "http://one:1"
    proxy = ProxyVariables.of({"http_proxy": " ", "HTTP_PROXY": "two:2"}).towards(HTTP)
    assert proxy is not None
    assert proxy.address == "http://two:2"
    others = ProxyVariables.of({"ALL_PROXY": "http://three:3", "all_proxy": "http://three:3"})
    assert (others.towards(HTTP), others.towards(HTTPS)) == (None, None)


@pytest.mark.parametrize(
    ("without", "address", "directly"),
    [
        ("*", HTTP, True),
        ("chat.example.com", HTTP, True),
        ("CHAT.example.com.", HTTP, True),
        ("example.com", HTTP, True),
        (".example.com", HTTP, True),
        ("*.example.com", HTTP, True),
        ("other.example, example.com", HTTP, True),
        ("other.example example.com", HTTP, True),
        ("ample.com", HTTP, False),
        ("com.", HTTP, True),
        ("chat.example.com:80", HTTP, True),
        ("chat.example.com:443", HTTP, False),
        ("chat.example.com:443", "https://chat.example.com", True),
        ("bücher.example", "http://xn--bcher-kva.example", True),
        ("10.0.0.1", "http://10.0.0.1:3000", True),
        ("10.0.0.0/8", "http://10.20.30.40:3000", True),
        ("10.0.0.0/8", "http://11.20.30.40:3000", False),
        ("10.0.0.1:3000", "http://10.0.0.1:3000", True),
        ("0.0.0.1", "http://10.0.0.1", False),
        ("[::1]", "http://[::1]:3000", True),
        ("[::1]:3000", "http://[::1]:3000", True),
        ("::1", "http://[::1]:3000", True),
        ("fd00::/8", "http://[fd00::7]", True),
        ("10.0.0.0/8", "http://[fd00::7]", False),
        (",, ,", HTTP, False),
    ],
)
def test_what_is_reached_directly(*, without: str, address: str, directly: bool) -> None:
    """NO_PROXY names hosts, domains, addresses and networks, with a port or without; nothing else bypasses a proxy."""
    variables = ProxyVariables.of({"HTTP_PROXY": "proxy:1", "HTTPS_PROXY": "proxy:1", "NO_PROXY": without})
    assert (variables.towards(address) is None) is directly


@given(st.text(), st.text())
def test_any_text_is_a_proxy_or_a_sentence(proxy: str, without: str) -> None:
    """Whatever the variables hold, reading them is no accident."""
    variables = ProxyVariables.of({"HTTP_PROXY": proxy, "NO_PROXY": without})
    try:
        found = variables.towards(HTTP)
    except ValueError as wrong:
        assert "HTTP_PROXY" in str(wrong)  # noqa: PT017 - both ends are good
    else:
        assert found is None or found.address.startswith("http://")
