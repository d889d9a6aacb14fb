"""Requests byte for byte, and what every kind of answer of every server line means."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.records.server import Account
from bulkjob.records.workspace import Agent, Department, MemberChange, Membership, Monitor, Unit, members_by_id
from bulkjob.rocketchat import endpoints, payloads
from bulkjob.rocketchat.answers import interpret, rate_limit, server_time
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.rocketchat.pacing.tickets import RateLimit, ServerTime
from bulkjob.vocabulary import Code

FIVE = {"name": "Alpha", "email": "alpha@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": False}
UNIT = Unit(id="unit-a", name="Unit A", visibility="public")
CHANGE = MemberChange(agent_id="u-agent", username="agent", count=3, order=1)

PUT = endpoints.put_department("dept-a", FIVE, unit_id="unit-a", knows_units=True, members=())
POST_AGENTS = endpoints.post_department_agents("dept-a", [CHANGE], {})
POST_UNIT = endpoints.post_unit(UNIT, [], [])
READ = endpoints.department("dept-a")
LIST = endpoints.departments(0, 100)

TOO_MANY = (
    "Error, too many requests. Please slow down. You must wait 43 seconds before trying this endpoint again. [error-too-many-requests]"
)
LIMITED = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000043000"}
STORED_UNIT = {
    "name": "Unit A",
    "visibility": "public",
    "type": "u",
    "numMonitors": 1,
    "numDepartments": 2,
    "_updatedAt": "2027-01-15T08:00:00.250Z",
    "_id": "unit-a",
}


def answer(payload: object, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=json.dumps(payload).encode()
    )


def page(body: bytes, status: int, kind: str = "text/html") -> Answer:
    return Answer(status=status, headers={"content-type": kind}, body=body)


def failure(request: Request[Any], given: Answer) -> Failure:
    result = interpret(request, given)
    assert isinstance(result, Failure), f"taken for a good answer: {result}"
    return result


# ------------------------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("status", "body", "said", "error_type"),
    [
        (400, {"success": False, "error": "Match error: Missing key 'name'"}, "Match error: Missing key 'name'", ""),
        (
            400,
            {"success": False, "error": "Match error: Unknown key in field departmentUnit"},
            "Match error: Unknown key in field departmentUnit",
            "",
        ),
        (
            400,
            {"success": False, "error": "must NOT have additional properties [invalid-params]", "errorType": "invalid-params"},
            "must NOT have additional properties [invalid-params]",
            "invalid-params",
        ),
        (
            400,
            {
                "success": False,
                "error": "The last department in a unit can't be removed [error-unit-cant-be-empty]",
                "errorType": "error-unit-cant-be-empty",
                "details": {"method": "livechat:saveDepartment"},
            },
            "The last department in a unit can't be removed [error-unit-cant-be-empty]",
            "error-unit-cant-be-empty",
        ),
        (
            400,
            {
                "success": False,
                "error": "This is an enterprise feature [error-action-not-allowed]",
                "errorType": "error-action-not-allowed",
            },
            "This is an enterprise feature [error-action-not-allowed]",
            "error-action-not-allowed",
        ),
        (400, {"success": False, "error": "error-not-allowed"}, "error-not-allowed", ""),
        (404, {"success": False, "error": "Resource not found"}, "Resource not found", ""),
        (405, {"status": "error", "message": "API endpoint does not exist"}, "API endpoint does not exist", ""),
    ],
)
def test_a_refusal_concerns_this_row(status: int, body: object, said: str, error_type: str) -> None:
    """A refusal in the API's own words that comes before any change is final for its call only, and its words are kept."""
    refused = failure(PUT, answer(body, status))
    assert (refused.next, refused.code, refused.said, refused.status, refused.error_type) == (
        Next.ROW,
        Code.REJECTED,
        said,
        status,
        error_type,
    )
    assert not refused.undecided


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"success": False}),
        (400, {"success": False, "error": "Business hour 17 not found"}),
        (400, {"success": False, "error": "Match error: Missing key 'agentId' in field upsert[0]"}),
        (400, {"success": False, "error": "something else [error-else]", "errorType": "error-else"}),
        (409, {"success": False, "error": "conflict"}),
        (200, {"success": False, "error": "no"}),
        (200, {"success": False}),
    ],
)
def test_a_refusal_that_is_not_known_to_come_first_leaves_the_outcome_open(status: int, body: dict[str, object]) -> None:
    """What is not on the closed lists may follow none, a part or all of a write; a read is refused, whatever the words."""
    refused = failure(PUT, answer(body, status))
    assert (refused.next, refused.code, refused.undecided, refused.status) == (Next.ROW, Code.REJECTED, True, status)
    assert not failure(READ, answer(body, status)).undecided


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"status": "error", "message": "You must be logged in to do this."}),
        (
            401,
            {
                "success": False,
                "error": "You must be logged in to do this.",
                "status": "error",
                "message": "You must be logged in to do this.",
            },
        ),
        (401, {"success": False, "error": "You must be logged in to do this."}),
        (403, {"success": False, "error": "User does not have the permissions required for this action [error-unauthorized]"}),
        (403, {"success": False, "error": "unauthorized"}),
        (403, {"success": False, "error": "forbidden"}),
    ],
)
def test_a_refused_account_ends_the_job(status: int, body: dict[str, object]) -> None:
    """A 401 or 403 of Rocket.Chat's, of Restivus and of Hono, concerns every call."""
    refused = failure(READ, answer(body, status))
    assert (refused.next, refused.code, refused.status) == (Next.JOB, Code.REFUSED, status)
    assert refused.said == body.get("error", body.get("message"))


@pytest.mark.parametrize(
    "body",
    [answer({"success": False, "error": "Internal server error"}, 500), page(b"<h1>Server error.</h1>", 500)]
    + [page(b"<html>proxy</html>", status) for status in (502, 503, 504)],
    ids=lambda given: str(given.status),
)
def test_a_failing_server_is_asked_again(body: Answer) -> None:
    """A 5xx is repeated; a write may have been carried out all the same, a read needs no such care."""
    for request, undecided in ((PUT, True), (POST_AGENTS, True), (POST_UNIT, True), (READ, False)):
        failed = failure(request, body)
        assert (failed.next, failed.code, failed.status, failed.undecided) == (Next.REPEAT, Code.SERVER_ERROR, body.status, undecided)


@pytest.mark.parametrize(
    "body",
    [
        page(b"<!DOCTYPE html>\n<html><!-- web client --></html>", 200),
        page(b"<html>forbidden by the firewall</html>", 403),
        page(b"<html>login</html>", 401),
        page(b"404 Not Found", 404, "text/plain; charset=UTF-8"),
        page(b"", 405),
        page(b"", 204),
        page(b"<pre>Bad Request</pre>", 400),
        page(b"<html>too large</html>", 413),
        page(b"\xff\xfe\xfa", 200),
        page(b'{"error":{"code":403,"message":"denied"}}', 403, "application/json"),
        page(b"null", 400, "application/json"),
    ],
    ids=lambda given: f"{given.status}-{given.body[:12]!r}",
)
def test_what_is_not_the_apis_json_is_asked_again(body: Answer) -> None:
    """An answer that is not the API's own, whatever its status, is repeated; a write may have been passed on, unless the status says no."""
    for request, undecided in ((PUT, body.status in (200, 204, 400)), (LIST, False)):
        failed = failure(request, body)
        assert (failed.next, failed.code, failed.status, failed.undecided) == (Next.REPEAT, Code.BAD_RESPONSE, body.status, undecided)
        assert len(failed.said) < 500


@pytest.mark.parametrize("body", [b'{"departments":[{"_id":"dept-a","na', b"[" * 200_000, b""], ids=lambda given: repr(given[:12]))
def test_json_that_was_cut_short_is_as_good_as_no_answer(body: bytes) -> None:
    """What says that it is JSON and is not has no status: it is not the web client's page, which tells of a missing endpoint."""
    for request, undecided in ((PUT, True), (LIST, False)):
        failed = failure(request, page(body, 200, "application/json"))
        assert (failed.next, failed.code, failed.status, failed.undecided) == (Next.REPEAT, Code.BAD_RESPONSE, None, undecided)


@pytest.mark.parametrize("payload", [None, 1, True, "departments", [], {}, {"success": True}, {"statusCode": 200, "body": None}], ids=repr)
@pytest.mark.parametrize(
    "request_",
    [
        READ,
        LIST,
        PUT,
        POST_UNIT,
        endpoints.me(),
        endpoints.permissions(),
        endpoints.licence(),
        endpoints.units(0, 0),
        endpoints.agents(0, 100),
        endpoints.department_agents("d", 0, 0),
        endpoints.unit_monitors("u"),
    ],
    ids=lambda request: request.route.pattern,
)
def test_json_of_another_shape_is_asked_again(request_: Request[Any], payload: object) -> None:
    """A 200 with JSON that this endpoint does not answer is no answer."""
    failed = failure(request_, answer(payload))
    assert (failed.next, failed.code, failed.undecided) == (Next.REPEAT, Code.BAD_RESPONSE, request_.writes)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_ends_the_job_and_names_its_target(status: int) -> None:
    """A redirect is not followed: it would turn a POST into a GET."""
    failed = failure(PUT, Answer(status=status, headers={"location": "https://chat.example.org/"}, body=b"<html>moved</html>"))
    assert (failed.next, failed.status) == (Next.JOB, status)
    assert "https://chat.example.org/" in failed.said


def test_the_servers_words_are_cut() -> None:
    """However much a server says, a report cell stays readable."""
    assert len(failure(PUT, answer({"success": False, "error": "x" * 10_000}, 400)).said) <= 300


@pytest.mark.parametrize(
    "body", [{"success": False, "error": TOO_MANY}, {"success": False, "error": TOO_MANY, "errorType": "error-too-many-requests"}]
)
@pytest.mark.parametrize("headers", [{}, LIMITED])
def test_a_429_of_rocket_chat_is_waited_out(body: dict[str, object], headers: dict[str, str]) -> None:
    """Refused by the rate limit, with or without headers, a call waits as long as the text says."""
    refused = failure(PUT, Answer(status=429, headers=headers, body=json.dumps(body).encode()))
    assert (refused.next, refused.code, refused.wait, refused.undecided) == (Next.WAIT, Code.RATE_LIMITED, 43.0, False)


def test_a_429_with_headers_alone_is_waited_out() -> None:
    """The announced end of the window is enough."""
    refused = failure(PUT, Answer(status=429, headers=LIMITED, body=b"Too Many Requests"))
    assert (refused.next, refused.wait) == (Next.WAIT, None)


@pytest.mark.parametrize(
    "refused",
    [
        page(b"<html><h1>429 Too Many Requests</h1></html>", 429),
        page(b"<html>Slow down and wait 5 minutes.</html>", 429),
        answer({"success": False, "error": "slow down"}, 429),
        answer({"success": False, "error": TOO_MANY.replace("43", "0")}, 429),
        Answer(status=429, headers={**LIMITED, "x-ratelimit-reset": "0"}, body=b""),
        Answer(status=429, headers={**LIMITED, "x-ratelimit-reset": "43"}, body=b""),
        Answer(status=429, headers={**LIMITED, "date": "Fri, 15 Jan 2027 08:00:43 GMT"}, body=b""),
        Answer(status=429, headers={"retry-after": "9" * 400}, body=b""),
        Answer(status=429, headers={**LIMITED, "x-ratelimit-reset": "soon"}, body=b""),
        Answer(status=429, headers={"retry-after": "0"}, body=b""),
        Answer(status=429, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, body=b""),
    ],
)
def test_a_429_that_names_no_end_is_an_attempt(refused: Answer) -> None:
    """A proxy's 429 is retried like a 503, but it certainly carried nothing out."""
    failed = failure(PUT, refused)
    assert (failed.next, failed.code, failed.undecided, failed.status) == (Next.REPEAT, Code.RATE_LIMITED, False, 429)


def test_a_refusal_at_the_very_end_of_a_window_is_waited_out() -> None:
    """Rocket.Chat's own refusal in the last millisecond says 0 seconds; its header names the moment, which is ahead."""
    words = {"success": False, "error": TOO_MANY.replace("43", "0")}
    headers = {**LIMITED, "x-ratelimit-reset": "1800000000008", "date": DATE}
    refused = failure(PUT, Answer(status=429, headers=headers, body=json.dumps(words).encode()))
    assert (refused.next, refused.wait) == (Next.WAIT, None)


def test_a_proxys_retry_after_is_waited_out() -> None:
    """A proxy may name its end in seconds."""
    assert failure(PUT, Answer(status=429, headers={"retry-after": "7"}, body=b"")).wait == 7.0


# -------------------------------------------------------------------------------------------------------------- rate limit


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


DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
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
    assert failure(PUT, Answer(status=302, headers={"location": "\udcff"}, body=b"")).said.encode() == b"redirected to ?"


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


# ---------------------------------------------------------------------------------------------------------------- requests


def test_put_carries_the_five_fields_the_unit_and_the_agents() -> None:
    """A PUT has the five required fields, the unit, and the agents with exactly the keys that every release takes."""
    fields = {**FIVE, "numAgents": 7, "ancestors": None, "_id": "dept-a"}
    request = endpoints.put_department("dept-a", fields, unit_id="unit-a", knows_units=True, members=[CHANGE])
    assert (request.route.method, request.route.pattern, request.path) == (
        "PUT",
        "livechat/department/:id",
        "/api/v1/livechat/department/dept-a",
    )
    assert request.body == {
        "department": FIVE,
        "agents": [{"agentId": "u-agent", "username": "agent", "count": 3, "order": 1}],
        "departmentUnit": {"_id": "unit-a"},
    }


def test_put_says_no_unit_in_so_many_words() -> None:
    """A department that shall be in no unit gets an empty ``departmentUnit``; null would be refused."""
    assert endpoints.put_department("d", FIVE, unit_id=None, knows_units=True, members=()).body == {
        "department": FIVE,
        "departmentUnit": {},
    }


def test_put_never_says_a_unit_before_6_13() -> None:
    """A server that does not know ``departmentUnit`` refuses it."""
    body = endpoints.put_department("d", FIVE, unit_id="unit-a", knows_units=False, members=[CHANGE]).body
    assert body is not None
    assert set(body) == {"department", "agents"}


def test_put_without_a_required_field_is_not_made() -> None:
    """A field that is not stored is not invented."""
    with pytest.raises(KeyError):
        endpoints.put_department("d", {"name": "Alpha"}, unit_id=None, knows_units=True, members=())


identifiers = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
numbers = st.integers(0, 2**31 - 1)
changes = st.builds(MemberChange, agent_id=identifiers, username=identifiers, count=numbers, order=numbers)


@given(department=identifiers, unit=st.none() | identifiers, members=st.lists(changes))
def test_put_always_says_the_unit(department: str, unit: str | None, members: list[MemberChange]) -> None:
    """To a server that knows it, no PUT goes out without ``departmentUnit``; each agent comes with count and order."""
    body = endpoints.put_department(department, FIVE, unit_id=unit, knows_units=True, members=members).body
    assert body is not None
    assert body["departmentUnit"] == ({} if unit is None else {"_id": unit})
    sent = body.get("agents", [])
    assert isinstance(sent, list)
    assert [set(item) for item in sent] == [{"agentId", "username", "count", "order"}] * len(members)


@given(
    unit=st.builds(Unit, id=identifiers, name=identifiers, visibility=identifiers),
    monitors=st.lists(st.builds(Monitor, id=identifiers, username=identifiers)),
    departments=st.lists(identifiers),
)
def test_post_unit_carries_everything_given(unit: Unit, monitors: list[Monitor], departments: list[str]) -> None:
    """A unit is replaced as a whole: each monitor and department that was given is in the body, and nothing else."""
    assert endpoints.post_unit(unit, monitors, departments).body == {
        "unitData": {"name": unit.name, "visibility": unit.visibility},
        "unitMonitors": [{"monitorId": monitor.id, "username": monitor.username} for monitor in monitors],
        "unitDepartments": [{"departmentId": identifier} for identifier in departments],
    }


def test_post_unit_does_not_invent_a_visibility() -> None:
    """A unit that is stored without a visibility is not given one."""
    with pytest.raises(ValueError, match="visibility"):
        endpoints.post_unit(Unit(id="u", name="U", visibility=None), [], [])


@given(upsert=st.lists(changes), remove=st.dictionaries(identifiers, identifiers))
def test_post_agents_carries_both_keys_and_no_others(upsert: list[MemberChange], remove: dict[str, str]) -> None:
    """Both lists are always there; their items have exactly the keys that every release takes."""
    body = endpoints.post_department_agents("dept-a", upsert, remove).body
    assert body == {
        "upsert": [{"agentId": one.agent_id, "username": one.username, "count": one.count, "order": one.order} for one in upsert],
        "remove": [{"agentId": identifier, "username": username} for identifier, username in remove.items()],
    }


@pytest.mark.parametrize(
    ("identifier", "quoted"),
    [
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        ("50%", "50%25"),
        ("ä ö", "%C3%A4%20%C3%B6"),
        ("\\1", "%5C1"),
        (":id", "%3Aid"),
        ("+", "%2B"),
    ],
)
@pytest.mark.parametrize(
    ("make", "before", "after"),
    [
        (endpoints.department, "livechat/department/", ""),
        (endpoints.unit, "livechat/units/", ""),
        (endpoints.unit_monitors, "livechat/units/", "/monitors"),
        (lambda identifier: endpoints.department_agents(identifier, 0, 0), "livechat/department/", "/agents"),
        (lambda identifier: endpoints.post_department_agents(identifier, [], {}), "livechat/department/", "/agents"),
        (lambda identifier: endpoints.post_unit(Unit(id=identifier, name="", visibility=""), [], []), "livechat/units/", ""),
    ],
)
def test_ids_are_encoded_in_paths(make: Callable[[str], Request[Any]], before: str, after: str, identifier: str, quoted: str) -> None:
    """Whatever an id contains, it is one piece of the path, and the route keeps its pattern."""
    request = make(identifier)
    assert request.path == f"/api/v1/{before}{quoted}{after}"
    assert request.route.pattern == f"{before}:id{after}"


def test_lists_ask_for_everything_by_id() -> None:
    """Lists are sorted by id, as names have no order among equals, and departments come with the archived ones."""
    assert dict(endpoints.departments(100, 50).query) == {"offset": "100", "count": "50", "sort": '{"_id":1}', "showArchived": "true"}
    for request in (endpoints.units(0, 0), endpoints.agents(0, 0), endpoints.department_agents("d", 0, 0)):
        assert set(dict(request.query)) == {"offset", "count", "sort"}


def test_only_what_changes_something_is_a_write() -> None:
    """Reads may be repeated at will; writes may not."""
    assert [request.writes for request in (PUT, POST_AGENTS, POST_UNIT, READ, LIST, endpoints.info(), endpoints.me())] == [True] * 3 + [
        False
    ] * 4
    assert endpoints.info().path == "/api/info"


# ----------------------------------------------------------------------------------------------------------------- answers


def department_entry(**changes: object) -> dict[str, object]:
    return {"_id": "dept-a", **FIVE, "numAgents": 2, "type": "d", "parentId": "unit-a", "ancestors": ["unit-a"], **changes}


def test_a_department_is_read() -> None:
    """Of a stored department the job keeps its place and the five fields."""
    state = interpret(READ, answer({"department": department_entry(), "agents": [], "success": True}))
    assert state == payloads.DepartmentState(
        department=Department(id="dept-a", name="Alpha", parent_id="unit-a", archived=False, required=FIVE), members=()
    )


@pytest.mark.parametrize("parent", [None, "", 5])
def test_no_unit_is_no_unit_however_it_is_stored(parent: object) -> None:
    """Null, blank and missing are the same: removals up to 7.x leave null, since 8.x nothing."""
    entries = [department_entry(parentId=parent), {key: value for key, value in department_entry().items() if key != "parentId"}]
    found = interpret(LIST, answer({"departments": entries, "count": 2, "offset": 0, "total": 2, "success": True}))
    assert not isinstance(found, Failure)
    assert [department.parent_id for department in found.items] == [None, None]


@pytest.mark.parametrize(
    ("field", "value"), [("name", None), ("email", 5), ("enabled", "true"), ("enabled", 1), ("showOnRegistration", None)]
)
def test_a_required_field_of_another_type_is_missing(field: str, value: object) -> None:
    """A field that is stored with a type that a PUT may not carry counts as not stored."""
    state = interpret(READ, answer({"department": department_entry(**{field: value}), "agents": []}))
    assert not isinstance(state, Failure)
    assert state.department is not None
    assert set(state.department.required) == set(FIVE) - {field}


def test_a_missing_name_is_blank() -> None:
    """A name that is null or missing is blank, not the word ``None``, which could be somebody's name."""
    departments = interpret(LIST, answer({"departments": [department_entry(name=None), {"_id": "d"}], "total": 2}))
    units = interpret(endpoints.units(0, 0), answer({"units": [{"_id": "u", "name": None}, {"_id": "v"}], "total": 2}))
    assert not isinstance(departments, Failure)
    assert not isinstance(units, Failure)
    assert [*(entry.name for entry in departments.items), *(entry.name for entry in units.items)] == [""] * 4


@pytest.mark.parametrize("archived", [(True, True), (False, False), (None, False), ("true", False)])
def test_archived_is_read(archived: tuple[object, bool]) -> None:
    """Only what says so is archived."""
    stored, read = archived
    state = interpret(READ, answer({"department": department_entry(archived=stored), "agents": []}))
    assert not isinstance(state, Failure)
    assert state.department is not None
    assert state.department.archived is read


def test_a_missing_department_is_none() -> None:
    """An unknown id is answered with 200 and null."""
    assert interpret(READ, answer({"department": None, "agents": [], "success": True})) == payloads.DepartmentState(
        department=None, members=()
    )


def test_a_unit_is_no_department() -> None:
    """A unit's id reads as the unit itself; a PUT would turn the unit into a department."""
    unit = {"_id": "unit-a", "name": "Unit A", "visibility": "public", "type": "u", "numMonitors": 1, "numDepartments": 2}
    state = interpret(READ, answer({"department": unit, "agents": [], "success": True}))
    assert not isinstance(state, Failure)
    assert state.department is None


def test_agents_that_may_not_be_seen_are_unknown() -> None:
    """Without ``view-livechat-departments`` the key is absent, which is not the same as no agents."""
    state = interpret(READ, answer({"department": department_entry(), "success": True}))
    assert not isinstance(state, Failure)
    assert state.members is None


def test_an_agent_that_is_stored_twice_is_seen_twice() -> None:
    """Simultaneous writers can store an agent twice in a department; by id it is one place that is known to be doubled."""
    row = {"agentId": "u-agent", "username": "agent", "count": 1, "order": 2}
    state = interpret(READ, answer({"department": department_entry(), "agents": [row, {**row, "count": 5}]}))
    assert not isinstance(state, Failure)
    assert [member.count for member in state.members or ()] == [1, 5]
    place = Membership(agent_id="u-agent", username="agent", count=5, order=2, doubled=True)
    assert members_by_id(state.members or ()) == {"u-agent": place}


@pytest.mark.parametrize(("stored", "read"), [(3, 3), (3.0, 3), (None, 0), (-1, -1)])
def test_a_counter_is_read(stored: object, read: int) -> None:
    """A routing counter may be stored as a double, or not at all."""
    found = interpret(
        endpoints.department_agents("d", 0, 0), answer({"agents": [{"agentId": "u", "count": stored}, {"agentId": "v"}], "total": 2})
    )
    assert not isinstance(found, Failure)
    assert [(member.count, member.order, member.username) for member in found.items] == [(read, 0, ""), (0, 0, "")]


@pytest.mark.parametrize("stored", [b'"1"', b"true", b"NaN", b"Infinity", b"1e400", b"[]"])
def test_a_counter_that_is_no_number_is_no_answer(stored: bytes) -> None:
    """What cannot be sent back as a number is not guessed at."""
    body = b'{"agents":[{"agentId":"u","count":' + stored + b'}],"total":1}'
    assert failure(endpoints.department_agents("d", 0, 0), page(body, 200, "application/json")).code is Code.BAD_RESPONSE


def test_a_unit_is_read() -> None:
    """A unit's fields stand at the top level."""
    assert interpret(endpoints.unit("unit-a"), answer({**STORED_UNIT, "success": True})) == replace(UNIT, counted=2)


@pytest.mark.parametrize("payload", [None, {"statusCode": 200, "body": None}, {"success": True}], ids=repr)
def test_an_unknown_unit_is_none(payload: object) -> None:
    """Each server line has its own 200 for a unit that is not there."""
    assert interpret(endpoints.unit("nowhere"), answer(payload)) is None


@pytest.mark.parametrize("payload", [{}, [], "maintenance", 0, False, {"statusCode": 503, "body": None}, {"healthy": True}], ids=repr)
def test_what_is_no_unit_and_no_no_is_asked_again(payload: object) -> None:
    """A unit is taken for gone only where the server says so."""
    assert failure(endpoints.unit("unit-a"), answer(payload)).code is Code.BAD_RESPONSE


@pytest.mark.parametrize("success", [{"success": True}, {}])
def test_a_stored_unit_is_read(success: dict[str, object]) -> None:
    """The answer to a unit's POST is read with and without ``success``."""
    assert interpret(POST_UNIT, answer({**STORED_UNIT, **success})) == payloads.StoredUnit(id="unit-a", monitors=1)


def test_post_agents_tells_nothing() -> None:
    """The answer to the agents' POST says only that it was accepted."""
    assert interpret(POST_AGENTS, answer({"success": True})) is True


def test_monitors_are_read_once_each() -> None:
    """A monitor that is stored twice in a unit is one monitor."""
    row = {"_id": "1", "monitorId": "u-monitor", "unitId": "unit-a", "username": "monitor"}
    monitors = interpret(endpoints.unit_monitors("unit-a"), answer({"monitors": [row, {**row, "_id": "2"}], "success": True}))
    assert monitors == (Monitor(id="u-monitor", username="monitor"),)


def test_live_chat_agents_are_read() -> None:
    """An agent's departments may be missing, which is not the same as none."""
    rows = [
        {"_id": "u-agent", "username": "agent", "departments": ["dept-a", None]},
        {"_id": "u-other", "departments": []},
        {"_id": "u-third", "username": None},
    ]
    found = interpret(endpoints.agents(0, 100), answer({"users": rows, "count": 3, "offset": 0, "total": 3, "success": True}))
    assert not isinstance(found, Failure)
    assert found.items == (
        Agent(id="u-agent", username="agent", department_ids=frozenset({"dept-a"})),
        Agent(id="u-other", username="", department_ids=frozenset()),
        Agent(id="u-third", username="", department_ids=None),
    )


@pytest.mark.parametrize(
    ("payload", "version"),
    [
        ({"version": "7.0", "success": True}, "7.0"),
        ({"info": {"version": "6.13.1"}, "version": "6.13.1", "success": True}, "6.13.1"),
        ({"info": {"version": "6.13.1"}, "success": True}, "6.13.1"),
        ({"success": True}, None),
    ],
)
def test_the_version_is_read(payload: object, version: str | None) -> None:
    """A server tells its version, to some accounts in more detail, or hides it."""
    assert interpret(endpoints.info(), answer(payload)) == version


@pytest.mark.parametrize("payload", [{}, {"version": 7}, {"version": {"major": 7}}, {"status": "ok"}, [], None], ids=repr)
def test_another_servers_info_is_no_version(payload: object) -> None:
    """What some other program answers there is not taken for Rocket.Chat's."""
    assert failure(endpoints.info(), answer(payload)).code is Code.BAD_RESPONSE


def test_the_account_and_what_it_may_are_read() -> None:
    """Account, permissions and modules are read from what 6.x to 8.x answer."""
    account = interpret(endpoints.me(), answer({"_id": "u", "username": "bot", "roles": ["bot", "livechat-manager"], "success": True}))
    assert account == Account(id="u", username="bot", roles=frozenset({"bot", "livechat-manager"}))
    rights = interpret(
        endpoints.permissions(), answer({"update": [{"_id": "view-l-room", "roles": ["admin"]}, {"_id": "x"}], "remove": []})
    )
    assert rights == {"view-l-room": frozenset({"admin"}), "x": frozenset()}
    modules = interpret(endpoints.licence(), answer({"license": {"activeModules": ["livechat-enterprise"], "limits": {}}, "success": True}))
    assert modules == frozenset({"livechat-enterprise"})
