"""The meaning of answers, without I/O: the value that was asked for, or a `Failure` that says what to do next; the limit; the time.

Whatever a server or a proxy sends, nothing here raises. Sources are named by release and by file of the Rocket.Chat repository.
"""

import re
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from math import ceil, inf
from typing import Final, TypeVar

from bulkjob.phrases import SAID_LIMIT, one_line, quoted
from bulkjob.rocketchat import refusals
from bulkjob.rocketchat.bodies import NOT_JSON
from bulkjob.rocketchat.call import Answer, Request, Unexpected
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.pacing import RateLimit, ServerTime
from bulkjob.vocabulary import Code

T = TypeVar("T")


#: Of a body that is none of the API's, so many bytes are looked at.
_LOOKED_AT: Final = 4 * SAID_LIMIT


#: What a cache answers to who has asked whether something is new, which nobody here has: it sends nobody on.
_NOT_MODIFIED: Final = 304


_OWN_ADDRESS: Final = "Rocket.Chat's own address; if a sign-in page stands before it, ask for a way around"


_COMMENT: Final = re.compile(r"<!--.*?-->")
_WEB_PAGE: Final = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>([^<]+)</title>", re.IGNORECASE)


#: A stamp that is older than ``Date`` by more than this, in seconds, is an earlier write's.
_STALE: Final = 2.0


#: ``X-RateLimit-Reset`` is a time in milliseconds; what others put there, seconds or a time in seconds, is less than this.
_LEAST_RESET: Final = 10**12


_LIMIT_HEADERS: Final = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


#: Numbers of a header with more digits than this are nobody's.
_DIGITS_AT_MOST: Final = 15


# ---------------------------------------------------------------------------------------------------------------- answers


def interpret(request: Request[T], answer: Answer) -> T | Failure:  # noqa: PLR0911 - one for each kind of answer
    """The value that `request` asked for, or why there is none."""
    if answer.status == 200 and request.shape is not None:
        with suppress(ValueError, RecursionError):
            # What a shape passes over, it does not check.
            answer.body.decode()
            return request.shape(answer.body)
    if 300 <= answer.status < 400 and answer.status != _NOT_MODIFIED:
        return _redirect(request, answer)
    payload = answer.payload
    if answer.status == 429:
        return _too_many(answer)
    if answer.status >= 500:
        said = said_by(payload) or _text(answer)
        return Failure(next=Next.REPEAT, code=Code.SERVER_ERROR, said=said, status=answer.status, undecided=request.writes)
    if payload is NOT_JSON or answer.status == _NOT_MODIFIED or (answer.status >= 400 and not said_by(payload)):
        return _no_answer_of_the_api(request, answer)
    if answer.status >= 400 or (isinstance(payload, dict) and payload.get("success") is False):
        return _refusal(request, answer.status, payload)
    try:
        return request.read(payload)
    except Unexpected as problem:
        said = f"an answer that does not look like this endpoint's: {one_line(str(problem))}"
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said=said, status=answer.status, undecided=request.writes)


def _redirect(request: Request[object], answer: Answer) -> Failure:
    """Sent on instead of answered: for a write by a proxy, perhaps, that has waited for the answer and shows a page about that."""
    target = one_line(answer.headers.get("location", ""))
    return Failure(
        next=Next.JOB,
        code=Code.REJECTED,
        said=f"redirected to {target or 'an address it does not name'}",
        status=answer.status,
        redirected=True,
        undecided=request.writes,
        remedy=f"Set --url (ROCKETCHAT_URL) to {_moved_to(request, target) or _OWN_ADDRESS}.",
    )


def _moved_to(request: Request[object], target: str) -> str:
    """The server's address, where it is what a redirect names: that of the same call elsewhere. Else blank."""
    address, _, path = target.partition("?")[0].rpartition(request.path)
    return "" if path or not address.startswith(("http://", "https://")) else address


def said_by(payload: object) -> str:
    """The words in an error envelope of any server line (``error``, or ``message`` of the Restivus lines); blank if there are none."""
    return one_line(_words(payload))


def _words(payload: object) -> str:
    if not isinstance(payload, dict):
        return ""
    for key in ("error", "message", "status"):
        words = payload.get(key)
        if isinstance(words, str) and words:
            return words
    return "the server gave no reason" if payload.get("success") is False else ""


def _no_answer_of_the_api(request: Request[object], answer: Answer) -> Failure:
    said = f"not an answer from Rocket.Chat's API: {_text(answer)}"
    # What says that it is JSON, and is not, was cut short on its way: as good as no answer.
    cut_short = answer.status < 300 and "json" in answer.headers.get("content-type", "")
    return Failure(
        next=Next.REPEAT,
        code=Code.BAD_RESPONSE,
        said=said,
        status=None if cut_short else answer.status,
        undecided=request.writes and not refusals.nothing_changed(request.route, answer.status, "", ""),
    )


def _refusal(request: Request[object], status: int, payload: object) -> Failure:
    words = _words(payload)
    error_type = payload.get("errorType") if isinstance(payload, dict) else None
    error_type = error_type if isinstance(error_type, str) else ""
    if status in (401, 403):
        return Failure(next=Next.JOB, code=Code.REFUSED, said=one_line(words), status=status, error_type=one_line(error_type))
    undecided = request.writes and not refusals.nothing_changed(request.route, status, error_type, words)
    # A read that fails for the database's sake is like any other that the server fails at.
    passes = (undecided or not request.writes) and refusals.passes(words)
    return Failure(
        next=Next.REPEAT if passes else Next.ROW,
        code=Code.SERVER_ERROR if passes and not request.writes else Code.REJECTED,
        said=one_line(words),
        status=status,
        error_type=one_line(error_type),
        undecided=undecided,
    )


def _too_many(answer: Answer) -> Failure:
    """A 429 of Rocket.Chat names its end in a header or in its text; a proxy's may do neither, or name one that is not ahead.

    The text is "You must wait N seconds …" (``ApiClass.ts``, ``enforceRateLimit``), with 0 for less than a millisecond, as its header
    tells; ``Retry-After`` is a proxy's at best.
    """
    wait = _named_wait(answer)
    if wait is None:
        wait = _retry_after(answer)
    named = bool(wait) or _announces_an_end(answer, unless_dated=wait is None)
    return Failure(
        next=Next.WAIT if named else Next.REPEAT,
        code=Code.RATE_LIMITED,
        said=said_by(answer.payload) or _text(answer),
        status=429,
        wait=float(wait) if wait else None,
    )


def _announces_an_end(answer: Answer, *, unless_dated: bool) -> bool:
    """Whether the header names an end that is ahead by ``Date``; ``unless_dated``: what to believe of one without that."""
    limit, date = rate_limit(answer), _http_time(answer.headers.get("date", ""))
    if limit is None:
        return False
    return unless_dated if date is None else limit.reset > date


def _named_wait(answer: Answer) -> int | None:
    """The seconds that a refusal's text tells to wait; None if it tells none."""
    words = said_by(answer.payload).split()
    after = words.index("wait") + 1 if "wait" in words else len(words)
    return _whole(words[after]) if after < len(words) else None


def _retry_after(answer: Answer) -> int | None:
    """The seconds that ``Retry-After`` tells to wait, as a number or as a time, which is reckoned from ``Date`` (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "")
    until, date = _http_time(text), _http_time(answer.headers.get("date", ""))
    return _whole(text) if until is None or date is None else max(0, ceil(until - date))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_AT_MOST else None


def _text(answer: Answer) -> str:
    """An answer that is none of the API's, in a few words; of a web page only the title, which is all that was written for people."""
    text = " ".join(answer.body[:_LOOKED_AT].decode("utf-8", "replace").split())
    if _WEB_PAGE.match(_COMMENT.sub("", text)):
        title = _TITLE.search(text)
        return f"HTTP {answer.status}, a web page" + (f" with the title {quoted(title[1])}" if title else "")
    kind = answer.headers.get("content-type", "no content type").split(";")[0]
    return f"HTTP {answer.status}, {one_line(kind, 60)}, {len(answer.body)} bytes: {one_line(text)}"


# ------------------------------------------------------------------------------------------------------------- rate limit


def rate_limit(answer: Answer) -> RateLimit | None:
    """The announced limit; None where the server does not limit this account, or something strips the headers."""
    if "x-ratelimit-limit" not in answer.headers:
        return None
    limit, remaining, reset = (_whole(answer.headers.get(name, "")) for name in _LIMIT_HEADERS)
    if not limit or remaining is None or reset is None or reset < _LEAST_RESET:
        return None
    return RateLimit(limit=limit, remaining=remaining, reset=reset / 1000)


def server_time(request: Request[object], answer: Answer) -> ServerTime | None:
    """The time that an answer tells.

    There is ``Date``, in whole seconds, which servers renew once a second. A write stamps the department or unit that it stores with
    ``_updatedAt``, to the millisecond; one much older than ``Date`` was not made by this write, unless ``Date`` is wrong. A refusal tells
    the end of its window twice: as a time, and in words as whole seconds from now, rounded up (``ApiClass.ts``).
    """
    limit = rate_limit(answer)
    ends = limit.reset if limit else inf
    if answer.status == 429 and limit and (wait := _named_wait(answer)) is not None:
        return ServerTime(earliest=ends - wait, latest=ends - wait + 1.001, own=True)
    date = _http_time(answer.headers.get("date", ""))
    stamp = _stamp(answer) if request.writes and answer.status == 200 else None
    if stamp is not None and date is not None and stamp >= date - _STALE:
        return ServerTime(earliest=stamp, latest=stamp + 0.001, own=True)
    if stamp is not None and stamp <= ends < (date or 0.0) - _STALE:
        # Whoever has dated the answer is ahead of the clock by which windows end: a stamp is never ahead of that, and it of no reset.
        return ServerTime(earliest=stamp, latest=ends, own=True)
    return None if date is None else ServerTime(earliest=date, latest=date + 1.2, own=False, before=ends)


@lru_cache(maxsize=16)
def _http_time(text: str) -> float | None:
    """``Date`` in seconds since the epoch; it is the same text for a second, in many answers."""
    try:
        return parsedate_to_datetime(text[:64]).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _stamp(answer: Answer) -> float | None:
    """When a write stored what it answers, in seconds since the epoch; agents in the answer may bear other people's stamps."""
    payload = answer.payload
    stored = payload.get("department", payload) if isinstance(payload, dict) else None
    stamp = stored.get("_updatedAt") if isinstance(stored, dict) else None
    try:
        return datetime.fromisoformat(stamp).timestamp() if isinstance(stamp, str) else None
    except (ValueError, OverflowError, OSError):
        return None
