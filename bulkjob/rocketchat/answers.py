"""The meaning of answers, without I/O: the value that was asked for, or a `Failure` that says what to do next; the limit; the time.

Sources are named by release and by file of the Rocket.Chat repository.
"""

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from bulkjob.rocketchat.call import Answer, Request, Unexpected
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.pacing import RateLimit, ServerTime
from bulkjob.vocabulary import Code

T = TypeVar("T")


_SAID_AT_MOST = 300


#: A stamp that is older than ``Date`` by more than this, in seconds, is an earlier write's.
_STALE = 2.0


# ---------------------------------------------------------------------------------------------------------------- answers


def interpret(request: Request[T], answer: Answer) -> T | Failure:  # noqa: PLR0911 - one for each kind of answer
    """The value that `request` asked for, or why there is none."""
    payload, is_json = _json(answer.body)
    if 300 <= answer.status < 400:
        target = answer.headers.get("location", "an address it does not name")
        return Failure(next=Next.JOB, code=Code.REJECTED, said=f"redirected to {target}", status=answer.status)
    if answer.status == 429:
        return _too_many(answer, payload)
    if answer.status >= 500:
        said = said_by(payload) or _text(answer)
        return Failure(next=Next.REPEAT, code=Code.SERVER_ERROR, said=said, status=answer.status, undecided=request.writes)
    if not is_json or (answer.status >= 400 and not said_by(payload)):
        said = f"not an answer of Rocket.Chat's API: {_text(answer)}"
        # What says that it is JSON, and is not, was cut short on its way: as good as no answer.
        cut_short = answer.status < 300 and "json" in answer.headers.get("content-type", "")
        status = None if cut_short else answer.status
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said=said, status=status, undecided=request.writes)
    if answer.status >= 400 or (isinstance(payload, dict) and payload.get("success") is False):
        return _refusal(answer.status, payload)
    try:
        return request.read(payload)
    except Unexpected as problem:
        said = f"an answer of another shape than this endpoint's: {problem}"
        return Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said=said, status=answer.status, undecided=request.writes)


def said_by(payload: object) -> str:
    """The words in an error envelope of any server line (``error``, or ``message`` of the Restivus lines); blank if there are none."""
    if not isinstance(payload, dict):
        return ""
    for key in ("error", "message", "status"):
        words = payload.get(key)
        if isinstance(words, str) and words:
            return words[:_SAID_AT_MOST]
    return "the server gave no reason" if payload.get("success") is False else ""


def _refusal(status: int, payload: object) -> Failure:
    error_type = payload.get("errorType") if isinstance(payload, dict) else None
    ends_job = status in (401, 403)
    return Failure(
        next=Next.JOB if ends_job else Next.ROW,
        code=Code.REFUSED if ends_job else Code.REJECTED,
        said=said_by(payload),
        status=status,
        error_type=error_type if isinstance(error_type, str) else "",
    )


def _too_many(answer: Answer, payload: object) -> Failure:
    """A 429 of Rocket.Chat names its end in a header or in its text; a proxy's may do neither.

    The text is "You must wait N seconds …" (``ApiClass.ts``, ``enforceRateLimit``); ``Retry-After`` is a proxy's at best.
    """
    said = said_by(payload)
    wait = _named_wait(payload)
    if wait is None:
        wait = _number(answer.headers.get("retry-after", "")) or None
    named = wait is not None or rate_limit(answer) is not None
    return Failure(next=Next.WAIT if named else Next.REPEAT, code=Code.RATE_LIMITED, said=said or _text(answer), status=429, wait=wait)


def _named_wait(payload: object) -> float | None:
    """The seconds that a refusal's text tells to wait; None if it tells none."""
    words = said_by(payload).split()
    after = words.index("wait") + 1 if "wait" in words else len(words)
    return _number(words[after]) if after < len(words) else None


def _json(body: bytes) -> tuple[object, bool]:
    try:
        return json.loads(body), True
    except (ValueError, RecursionError):
        return None, False


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _text(answer: Answer) -> str:
    text = " ".join(answer.body[: 4 * _SAID_AT_MOST].decode("utf-8", "replace").split())
    kind = answer.headers.get("content-type", "no content type").split(";")[0]
    return f"HTTP {answer.status}, {kind}, {len(answer.body)} bytes: {text[:_SAID_AT_MOST]}"


# ------------------------------------------------------------------------------------------------------------- rate limit


def rate_limit(answer: Answer) -> RateLimit | None:
    """The announced limit; None where the server does not limit this account, or something strips the headers."""
    try:
        limit = RateLimit(
            limit=int(answer.headers["x-ratelimit-limit"]),
            remaining=int(answer.headers["x-ratelimit-remaining"]),
            reset=int(answer.headers["x-ratelimit-reset"]) / 1000,
        )
    except (KeyError, ValueError):
        return None
    return limit if limit.limit > 0 else None


def server_time(request: Request[object], answer: Answer) -> ServerTime | None:
    """The time that an answer tells.

    There is ``Date``, in whole seconds, which servers renew once a second. A write stamps the department or unit that it stores with
    ``_updatedAt``, to the millisecond; one much older than ``Date`` was not made by this write. A refusal tells the end of its window
    twice: as a time, and in words as whole seconds from now, rounded up (``ApiClass.ts``).
    """
    if answer.status == 429 and (limit := rate_limit(answer)) and (wait := _named_wait(_json(answer.body)[0])) is not None:
        return ServerTime(earliest=limit.reset - wait, latest=limit.reset - wait + 1.001, own=True)
    try:
        date = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None
    stamp = _stamp(answer.body) if request.writes and answer.status == 200 else None
    if stamp is None or stamp < date - _STALE:
        return ServerTime(earliest=date, latest=date + 1.2, own=False)
    return ServerTime(earliest=stamp, latest=stamp + 0.001, own=True)


def _stamp(body: bytes) -> float | None:
    """When a write stored what it answers, in seconds since the epoch; agents in the answer may bear other people's stamps."""
    payload, _ = _json(body)
    stored = payload.get("department", payload) if isinstance(payload, dict) else None
    stamp = stored.get("_updatedAt") if isinstance(stored, dict) else None
    try:
        return datetime.fromisoformat(stamp).timestamp() if isinstance(stamp, str) else None
    except ValueError:
        return None
