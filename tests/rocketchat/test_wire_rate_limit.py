"""What headers say of rate limits and of the time."""

import json
from typing import Any

import pytest

from bulkjob.rocketchat.answers import rate_limit, server_time
from bulkjob.rocketchat.call import Answer
from bulkjob.rocketchat.pacing.tickets import RateLimit, ServerTime
from bulkjob.vocabulary import Code
from tests.support.wire import DATE, LIMITED, LIST, POST_UNIT, PUT, READ, STORED_UNIT, TOO_MANY, answer, failure, page


def test_the_announced_limit_is_read() -> None:
    """The reset header has milliseconds; we count in seconds."""
    assert rate_limit(Answer(status=200, headers=LIMITED, body=b"")) == RateLimit(limit=10, remaining=0, reset=1_800_000_043.0)


@pytest.mark.parametrize("name", sorted(LIMITED))
@pytest.mark.parametrize("text", [None, "", "ten", "10, 10;w=60", "nan", "1e400", "9" * 400, "-1", "\u0661"])
def test_half_an_announcement_is_none(name: str, text: str | None) -> None:
    """Headers that are missing or are not Rocket.Chat's announce nothing."""
    headers = {key: value for key, value in LIMITED.items() if key != name} if text is None else {**LIMITED, name: text}
    assert rate_limit(Answer(status=200, headers=headers, body=b"")) is None


def test_a_limit_of_nothing_is_none() -> None:
    """A limit that allows no call at all announces nothing that could be kept to."""
    assert rate_limit(Answer(status=200, headers={**LIMITED, "x-ratelimit-limit": "0"}, body=b"")) is None


DATED = 1_800_000_000.0


def stamped(department: str, *agents: str, date: str = DATE) -> Answer:
    members = [{"agentId": f"u-{stamp}", "_updatedAt": stamp} for stamp in agents]
    return answer({"department": {"_id": "dept-a", "_updatedAt": department}, "agents": members, "success": True}, date=date)


def about(*, earliest: float, latest: float, own: bool) -> ServerTime:
    """Bounds that are compared as sums of floats are."""
    near: Any = pytest.approx
    return ServerTime(earliest=near(earliest), latest=near(latest), own=own)


def test_a_date_bounds_the_servers_clock_by_its_second() -> None:
    """``Date`` was made within its second, give or take how often a server renews it."""
    assert server_time(READ, answer(None, date=DATE)) == about(earliest=DATED, latest=DATED + 1.2, own=False)


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "Fri, 99 Jan 2027 08:00:00 GMT", "Fri, 31 Dec 2026 23:59:59 +99999999999999999999", "x" * 9000]
)
def test_without_a_date_nothing_is_known(date: str | None) -> None:
    """A missing or unreadable ``Date`` tells nothing."""
    assert server_time(READ, answer(None) if date is None else answer(None, date=date)) is None


def test_a_write_tells_the_time_to_the_millisecond() -> None:
    """What a write stores is stamped while it is carried out."""
    for request, told in ((PUT, stamped("2027-01-15T08:00:00.250Z")), (POST_UNIT, answer(STORED_UNIT, date=DATE))):
        assert server_time(request, told) == about(earliest=DATED + 0.25, latest=DATED + 0.251, own=True)


def test_a_refusal_tells_the_time_by_its_end() -> None:
    """A refusal says when its window ends and in how many seconds, rounded up: so the server's time is known, whoever dated the answer."""
    refusal = {"success": False, "error": TOO_MANY}
    told = server_time(
        READ, Answer(status=429, headers={**LIMITED, "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, body=json.dumps(refusal).encode())
    )
    assert told == about(earliest=DATED, latest=DATED + 1.001, own=True)
    assert server_time(READ, answer(refusal, 429)) is None


def test_the_end_of_the_window_bounds_the_time() -> None:
    """With a ``Date`` comes the end that it must be before; a stamp beside a ``Date`` beyond that end tells the time instead of it."""
    dated = Answer(status=200, headers={**LIMITED, "date": DATE}, body=b"null")
    assert server_time(READ, dated) == ServerTime(earliest=DATED, latest=DATED + 1.2, own=False, before=DATED + 43)
    ahead = stamped("2027-01-15T08:00:00.250Z", date="Fri, 15 Jan 2027 08:10:00 GMT")
    told = server_time(PUT, Answer(status=200, headers={**ahead.headers, **LIMITED}, body=ahead.body))
    assert told == ServerTime(earliest=DATED + 0.25, latest=DATED + 43, own=True)


def test_halves_of_characters_are_replaced() -> None:
    """A server that cut its words in the middle of a character says them all the same, so that they can be written anywhere."""
    said = failure(PUT, page(b'{"success":false,"error":"No such name: \\ud83d [error-x]"}', 400, "application/json")).said
    assert said == "No such name: \ufffd [error-x]"
    assert failure(PUT, Answer(status=302, headers={"location": "\udcff"}, body=b"")).said == "redirected to \\udcff"


@pytest.mark.parametrize("total", [b"9" * 400, b"9" * 4_200, b"9" * 5_000, b"1e300"])
def test_a_number_that_no_counter_holds_is_no_answer(total: bytes) -> None:
    """A total beyond all numbers makes the page one that cannot be used."""
    body = b'{"departments":[],"count":0,"offset":0,"total":' + total + b',"success":true}'
    assert failure(LIST, page(body, 200, "application/json")).code is Code.BAD_RESPONSE


def test_a_blank_id_is_no_answer() -> None:
    """What stands in a path is never blank."""
    assert failure(LIST, answer({"departments": [{"_id": ""}], "total": 1})).code is Code.BAD_RESPONSE


def test_other_peoples_stamps_tell_nothing() -> None:
    """The agents in an answer may have been stamped by another process, or at another time."""
    later = stamped("2027-01-15T08:00:00.250Z", "2031-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z")
    assert server_time(PUT, later) == server_time(PUT, stamped("2027-01-15T08:00:00.250Z"))


@pytest.mark.parametrize("stamp", ["2024-01-01T00:00:00.000Z", "soon", ""])
def test_a_stamp_that_no_write_made_tells_nothing(stamp: str) -> None:
    """A write that was answered and not carried out shows an old stamp: then ``Date`` counts."""
    assert server_time(PUT, stamped(stamp)) == server_time(READ, answer(None, date=DATE))


@pytest.mark.parametrize(
    "given", [page(b"{", 200), page(b"", 200), answer([]), answer(None), answer({"department": None}), answer({"_updatedAt": 5})]
)
def test_an_answer_without_a_stamp_has_its_date(given: Answer) -> None:
    """Whatever a write is answered with, its ``Date`` is left."""
    dated = Answer(status=200, headers={**given.headers, "date": DATE}, body=given.body)
    assert server_time(PUT, dated) == server_time(READ, answer(None, date=DATE))
