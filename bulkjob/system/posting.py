"""One request to somebody who is told of the end, within a time that is kept whatever becomes of it."""

import errno
import socket
import ssl
import threading
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO, Final
from urllib.parse import urlsplit

from bulkjob.settings import Settings, basic_authorization, credentials_in, in_ascii
from bulkjob.system.certificates import trusted
from bulkjob.vocabulary import Stop

#: Seconds for all of it: finding the address, connecting, sending, waiting for the answer.
LONGEST: Final = 10.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What was posted would be asked for with GET elsewhere."""

    def redirect_request(  # noqa: PLR0917 - the library's own
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none."""


def sent(address: str, body: bytes, kind: str, settings: Settings, *, seconds: float = LONGEST) -> str:
    """Post ``body``, of a media type, to an http or https address; blank if it was taken, else why not, without anything of the address.

    Through the same proxy and with the same certificates as everything else. Never takes longer than ``seconds``.
    """
    outcome = "no answer within the time limit"

    def post() -> None:
        nonlocal outcome
        outcome = _posted(address, body, kind, settings, seconds)

    # In a thread that nobody waits for in the end: that a name is looked up cannot be given up.
    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome


def _posted(address: str, body: bytes, kind: str, settings: Settings, seconds: float) -> str:
    try:
        request = urllib.request.Request(_without_user(in_ascii(address)), data=body, headers={"Content-Type": kind}, method="POST")  # noqa: S310 - the settings take no other scheme
        if user := credentials_in(address):
            request.add_header("Authorization", basic_authorization(user).reveal())
        with _opener(address, settings).open(request, timeout=seconds):
            return ""
    except Stop as stop:
        return stop.message.rstrip(".")
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        return _reason(error.reason if isinstance(error, urllib.error.URLError) else error)


def _reason(error: object) -> str:
    """Why nothing was taken; not in the words of the libraries, which may repeat the address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted (--ca-file names the file with your company's own)"
    if isinstance(error, TimeoutError):
        return "no answer within the time limit"
    if isinstance(error, OSError) and error.errno in _UNCONNECTED:
        return f"no connection ({error.strerror})"
    return f"the connection broke ({type(error).__name__})"


_UNCONNECTED: Final = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, socket.EAI_NONAME, socket.EAI_AGAIN)


def _opener(address: str, settings: Settings) -> urllib.request.OpenerDirector:
    proxy = settings.proxies.towards(address)
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), proxy.whole.reveal()) if proxy else {}),
        urllib.request.HTTPSHandler(context=trusted(settings.ca_file)),
        _NoRedirects,
    )


def _without_user(address: str) -> str:
    """The library takes no user name in an address."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
