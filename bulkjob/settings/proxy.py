"""The proxy through which an address is reached, from the three variables that name proxies and no others."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from bulkjob.settings.address import ascii_host, credentials_in, host_of, port_of
from bulkjob.settings.secret import NO_SECRET, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy."""

    address: str
    """``http://host:port``, without user name and password."""
    credentials: Secret = NO_SECRET
    """``user:password``; empty for a proxy that asks for none."""

    @property
    def whole(self) -> Secret:
        """The address with user name and password, as libraries take it that have no other way to be told."""
        user, _, password = self.credentials.reveal().partition(":")
        account = f"{quote(user, safe='')}:{quote(password, safe='')}@" if self.credentials else ""
        return Secret(self.address.replace("//", f"//{account}", 1))


def proxy_variable(*, secure: bool) -> str:
    """The variable that names the proxy for a server's scheme."""
    return "HTTPS_PROXY" if secure else "HTTP_PROXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyVariables:
    """What ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` said when the program started."""

    https: Secret = NO_SECRET
    http: Secret = NO_SECRET
    without: tuple[str, ...] = ()
    """The hosts that are reached directly, as they are written."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "ProxyVariables":
        """The variables of an environment; the lower-case spelling wins, as it does for curl, and an empty one counts as not set."""

        def text(name: str) -> str:
            return environ.get(name.lower(), "").strip() or environ.get(name, "").strip()

        without = re.split(r"[,\s]+", text("NO_PROXY"))
        return cls(https=Secret(text("HTTPS_PROXY")), http=Secret(text("HTTP_PROXY")), without=tuple(filter(None, without)))

    def towards(self, address: str) -> Proxy | None:
        """The proxy through which ``address`` is reached; None if directly. Raises `ValueError`: the variable cannot be used."""
        secure = address.lower().startswith("https:")
        text = (self.https if secure else self.http).reveal()
        if not text or any(_covers(entry, address) for entry in self.without):
            return None
        name = proxy_variable(secure=secure)
        scheme, separator, _ = text.partition("://")
        if separator and scheme.lower() != "http":
            said = scheme.lower() if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", scheme) else "something else"
            raise ValueError(f"{name} names a proxy that is reached by {said}: {_USABLE}")
        try:
            return _proxy(text if separator else f"http://{text}")
        except ValueError:
            raise ValueError(f"{name} does not name a proxy that can be used: {_USABLE}") from None


NO_PROXIES: Final = ProxyVariables()


_USABLE: Final = "set it to http://HOST:PORT or HOST:PORT, or name the server in NO_PROXY to reach it directly."


def _proxy(text: str) -> Proxy:
    parts = urlsplit(text)
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.port == 0 or not text.isprintable() or " " in text:
        raise ValueError("no address of a proxy")
    return Proxy(address=f"http://{ascii_host(parts.hostname or '')}:{parts.port or 80}", credentials=credentials_in(text))


def _covers(entry: str, address: str) -> bool:
    """Whether an entry of ``NO_PROXY`` covers an address: a host, a domain, an IP address or network, with a port or without, or ``*``."""
    if entry == "*":
        return True
    host, port = host_of(address), port_of(address)
    with_port = re.fullmatch(r"(\[.*\]|[^:]*):([0-9]{1,5})", entry)
    if with_port:
        if int(with_port[2]) != port:
            return False
        entry = with_port[1]
    number = _network(host)
    if number is not None:
        network = _network(entry.strip("[]"))
        return network is not None and number.version == network.version and number.network_address in network
    try:
        domain = ascii_host(entry.removeprefix("*").removeprefix(".").removesuffix("."))
    except ValueError:
        return False
    return f".{host.removesuffix('.')}".endswith(f".{domain}")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
