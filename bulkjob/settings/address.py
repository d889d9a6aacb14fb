"""The addresses of servers: what may be written for one, and the one spelling under which it is known."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from bulkjob.settings.secret import NO_SECRET, SHORTEST_HIDDEN, Secret, secrets_of

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "s3": None}


#: What may stand in a path as it is; a percent sign begins an escape that somebody has written already.
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~-._"


#: What an address may hold as it is: all of ASCII that can be seen.
_AS_IT_IS: Final = "".join(map(chr, range(0x21, 0x7F)))


_API: Final = "/api/v1"


#: Characters from which on a value in a query is taken for a signature; a shorter one may be the name of a file.
_SHORTEST_SIGNATURE: Final = 32


_WANTED: Final = "an address such as https://chat.example.com, which starts with http:// or https:// and may have a path"


def server_address(text: str) -> str:
    """The workspace's address in its one spelling: see `canonical_address`. Raises `ValueError` with what to write instead."""
    text = text.strip()
    parts = _parts(text, schemes=("http", "https"))
    if parts is None:
        raise ValueError(_WANTED)
    if "@" in parts.netloc:
        raise ValueError(f"{_WANTED}, without user name and password")
    if "?" in text or "#" in text:
        raise ValueError(f"{_WANTED}, without a query (?) and a fragment (#)")
    return _spelt(parts)


def canonical_address(text: str) -> str:
    """The one spelling of an address: scheme and host in lower case, the host in ASCII, no default port, no closing slash, no ``/api/v1``.

    Two addresses are of one server if their spellings are the same. What is no address comes back as it is.
    """
    try:
        return server_address(text)
    except ValueError:
        return text


def api_path_dropped(text: str) -> str:
    """A note for whoever wrote ``/api/v1`` behind an address; blank if nobody did."""
    return f"The address is taken without its ending {_API}, which bulkjob adds itself." if _path(text.strip()).endswith(_API) else ""


def secret_address(text: str) -> Secret:
    """An http or https address with whatever user name, password and query it has. Raises `ValueError` with what to write instead."""
    if _parts(text.strip(), schemes=("http", "https")) is None:
        raise ValueError("an address that starts with http:// or https://")
    return Secret(text.strip())


def store_address(text: str) -> Secret:
    """Where files are copied to, an https, http or s3 address. Raises `ValueError` with what to write instead."""
    if _parts(text.strip(), schemes=("http", "https", "s3")) is None:
        raise ValueError("an address that starts with https:// or s3://")
    return Secret(text.strip())


def usable_address(text: str, *schemes: str) -> bool:
    """Whether a text is an address with one of ``schemes`` (``s3`` if none is named) whose host and port can be used."""
    return _parts(text, schemes=schemes or ("s3",)) is not None


def without_secrets(text: str) -> str:
    """A text that may be an address, with ``***`` in the place of its user name and password, and of its query."""
    text = re.sub(r"(?<=//)[^/?#]*@", "***@", text)
    return re.sub(r"\?.*", "?***", text, flags=re.DOTALL)


def credentials_in(text: str) -> Secret:
    """``user:password`` of an address, with or without a scheme; empty where it has none."""
    user_info, at, _ = re.split(r"[/?#]", text.rpartition("://")[2], maxsplit=1)[0].rpartition("@")
    user, _, password = user_info.partition(":")
    return Secret(f"{unquote(user)}:{unquote(password)}") if at else NO_SECRET


def secrets_in(text: str) -> Iterator[Secret]:
    """Every part of an address that gives away how to use it: its password, and what a signed address has in its query."""
    yield from secrets_of(credentials_in(text))
    query = text.partition("?")[2].partition("#")[0]
    if len(query) >= SHORTEST_HIDDEN:
        yield Secret(query)
    for value in re.findall(r"=([^&]*)", query):
        if len(value) >= _SHORTEST_SIGNATURE:
            # A signature in base64 is told with its signs as they are, too.
            yield from {Secret(value), Secret(unquote(value))}


def in_ascii(text: str) -> str:
    """An http or https address as requests carry it: the host in ASCII, what else is no ASCII, and blanks, as escapes; the rest as it is.

    Escapes that are there already are left alone, as a signature may cover them. Raises `ValueError` for what is no address.
    """
    scheme, separator, rest = text.strip().partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, at, host = authority.rpartition("@")
    host, colon, port = (host, "", "") if host.endswith("]") else host.partition(":") if "[" not in host else host.rpartition(":")
    whole = f"{quote(user, safe=_AS_IT_IS)}{at}{ascii_host(host.strip('[]'))}{colon}{port}"
    return f"{scheme}{separator}{whole}{quote(rest[len(authority) :], safe=_AS_IT_IS)}"


def host_of(address: str) -> str:
    """The host of an address, in ASCII and lower case, without brackets."""
    host = urlsplit(address).hostname or ""
    try:
        return ascii_host(host).strip("[]")
    except ValueError:
        return host


def port_of(address: str) -> int | None:
    """The port of an address, also where its scheme implies it."""
    parts = urlsplit(address)
    return parts.port or _DEFAULT_PORTS.get(parts.scheme)


def ascii_host(host: str) -> str:
    """A host name or number in ASCII and lower case; an IPv6 address in brackets. Raises `ValueError` for what no host is called."""
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    if not host.isascii():
        # (Not the codec of the standard library: since 2010 ß and some others are letters of their own.)
        import idna  # noqa: PLC0415 - its tables are large, and few names need them

        host = idna.encode(host, uts46=True).decode("ascii")
    labels = host.lower().removesuffix(".").split(".")
    # Underscores are no part of host names, but of the names of containers.
    if len(host) > 253 or not all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels):
        raise ValueError(f"{host!r} is not a host name")
    if labels[-1].isdigit():
        # What ends in a number is no name; half-written numbers (127.1) are read differently by everybody.
        return str(ipaddress.IPv4Address(host.removesuffix(".")))
    return host.lower()


def _parts(text: str, *, schemes: tuple[str, ...]) -> SplitResult | None:
    """The parts of an address whose scheme, host and port can be used; None for any other text."""
    if not text.isprintable() or re.search(r"[\s\\]", text):
        return None
    try:
        parts = urlsplit(text)
        ascii_host(parts.hostname or "")
        usable = parts.scheme in schemes and parts.port != 0
    except ValueError:  # of brackets, ports and names that are none
        return None
    return parts if usable else None


def _spelt(parts: SplitResult) -> str:
    host, port = ascii_host(parts.hostname or ""), parts.port
    shown_port = f":{port}" if port is not None and port != _DEFAULT_PORTS[parts.scheme] else ""
    path = parts.path.rstrip("/").removesuffix(_API).rstrip("/")
    return f"{parts.scheme}://{host}{shown_port}{quote(path, safe=_PATH_SAFE)}"


def _path(text: str) -> str:
    try:
        return urlsplit(text).path.rstrip("/")
    except ValueError:
        return ""
