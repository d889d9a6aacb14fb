"""What a client gets back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bulkjob.sandbox.kinds import LOST, Fault

HTML_HEADERS: Final = {"content-type": "text/html; charset=utf-8"}
_JSON_HEADERS: Final = {"content-type": "application/json", "cache-control": "no-store", "pragma": "no-cache"}
_WEB_CLIENT: Final = b"<!DOCTYPE html>\n<html><!-- web client boilerplate --></html>"
_BAD_REQUEST: Final = (
    b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
    b"<body>\n<pre>Bad Request</pre>\n</body>\n</html>\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the client gets. With a `fault` of `kinds.LOST` it gets nothing: then `status` is 0."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: Fault | None = None
    """What went wrong on purpose; the carrier acts on those of `kinds.LOST` and on `SLOW`, the others are already in the reply."""
    seconds: float = 0.0
    """How long the body takes to arrive (`SLOW`), connections are refused from now on (`REFUSE`), or else the reply is held back."""
    call: int | None = None
    """The place of this call in `Sandbox.calls`."""

    @property
    def lost(self) -> bool:
        """Whether the carrier must answer nothing: drop the connection, or keep it waiting for a timeout."""
        return self.fault in LOST


def json_reply(status: int, body: object, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply of the API."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Reply(status=status, headers={**_JSON_HEADERS, **(headers or {})}, body=text.encode(errors="replace"))


def proxy_page(status: int, title: str) -> Reply:
    """The page of a proxy before the server."""
    return Reply(status=status, headers=HTML_HEADERS, body=f"<html><h1>{status} {title}</h1></html>\n".encode())


def bad_request() -> Reply:
    """What the older HTTP stack says to JSON that is broken."""
    return Reply(status=400, headers=HTML_HEADERS, body=_BAD_REQUEST)


def no_route(method: str, *, hono: bool) -> Reply:
    """What is said to a path that is none: the older stack passes it on to the web client."""
    if hono:
        return Reply(status=404, headers={"content-type": "text/plain; charset=UTF-8"}, body=b"404 Not Found")
    if method in {"GET", "HEAD"}:
        return Reply(status=200, headers=HTML_HEADERS, body=_WEB_CLIENT)
    return Reply(status=405, headers={"allow": "OPTIONS, GET, HEAD"})


def no_method(methods: Mapping[str, object]) -> Reply:
    """What the older HTTP stack says to a method that a known path does not have."""
    body = {"status": "error", "message": "API endpoint does not exist"}
    return json_reply(405, body, {"allow": ", ".join([*methods, "OPTIONS"])})
