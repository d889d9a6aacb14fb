"""What every refusal and failure of every server line means."""

import json
from typing import Any

import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Next, stop_for
from bulkjob.vocabulary import Code
from tests.support.wire import DATE, LIMITED, LIST, POST_AGENTS, POST_UNIT, PUT, READ, TOO_MANY, answer, failure, page


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
    assert (failed.next, failed.status, failed.redirected) == (Next.JOB, status, True)
    assert "https://chat.example.org/" in failed.said


@pytest.mark.parametrize("body", [b"", b"null", b'{"departments":[],"total":0,"success":true}'])
def test_nothing_new_is_no_answer_and_sends_nobody_on(body: bytes) -> None:
    """A 304 is a cache's word to who asked whether something is new, which nobody did: no address is wrong, and the call is sent again."""
    for request in (PUT, LIST):
        failed = failure(request, Answer(status=304, headers={}, body=body))
        assert (failed.next, failed.code, failed.redirected) == (Next.REPEAT, Code.BAD_RESPONSE, False)
        assert failed.undecided == request.writes


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_write_that_is_redirected_may_have_been_carried_out(status: int) -> None:
    """A proxy that waits no longer may show a page of its own, although the server has done it."""
    assert failure(PUT, Answer(status=status, headers={}, body=b"")).undecided
    assert not failure(READ, Answer(status=status, headers={}, body=b"")).undecided


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("https://chat.example.org/api/v1/livechat/department/dept-a", "https://chat.example.org"),
        ("https://example.org/chat/api/v1/livechat/department/dept-a?x=1", "https://example.org/chat"),
        ("https://example.org/login?next=/api/v1/livechat/department/dept-a", None),
        ("https://example.org/api/v1/livechat/department/dept-a/more", None),
        ("/api/v1/livechat/department/dept-a", None),
        ("/login", None),
        ("", None),
    ],
)
def test_what_to_do_about_a_redirect(location: str, address: str | None) -> None:
    """Where the same call is to be made elsewhere, that address is to be set, without the call's own path; no other target is one."""
    headers = {"location": location} if location else {}
    stop = stop_for(failure(READ, Answer(status=302, headers=headers, body=b"")))
    assert stop.message.endswith(f"Set --url (ROCKETCHAT_URL) to {address}." if address else "ask for a way around.")


@pytest.mark.parametrize(
    "given",
    [
        answer({"success": False, "error": "no\x1b]52;c;eA==\x07 \u202eway\u2028on"}, 401),
        answer({"success": False, "error": "no\x1b[31m\u202e", "errorType": "error-\x1b"}, 400),
        Answer(status=302, headers={"location": "https://a.example/\x1b]52;c;eA==\x07\u202e"}, body=b""),
        Answer(status=502, headers={"content-type": "text/\x1b"}, body="<title>\x1b\u202e</title>".encode()),
        Answer(status=502, headers={}, body="<html><title>a\x1b\u202e</title>".encode()),
        answer({"department": {"_id": "\x1b\u202e"}}),
    ],
)
def test_foreign_words_are_printable_from_the_start(given: Answer) -> None:
    """Controls, and what turns the direction of writing, are shown as escapes wherever a failure is told: nobody has to think of it."""
    failed = failure(READ, given)
    assert (failed.said + failed.error_type + failed.remedy + stop_for(failed).message).isprintable()


@pytest.mark.parametrize("end", ["<script>", "", "<!--", "<html><title>Down for a while</title>"])
def test_comments_before_a_page(end: str) -> None:
    """However many comments a page begins with, it is looked at once: to try all ways of reading them would take for ever."""
    failed = failure(READ, page(("<!---->" * 100 + end).encode(), 502))
    assert ("Down for a while" in failed.said) is ("Down" in end)


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
        Answer(status=429, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": DATE}, body=b""),
        Answer(status=429, headers={"retry-after": DATE, "date": DATE}, body=b""),
        Answer(status=429, headers={"retry-after": "soon", "date": DATE}, body=b""),
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
    """A proxy may name its end in seconds, or as a time."""
    for headers in (
        {"retry-after": "7"},
        {"retry-after": "7", "date": DATE},
        {"retry-after": "Fri, 15 Jan 2027 08:00:07 GMT", "date": DATE},
    ):
        refused = failure(PUT, Answer(status=429, headers=headers, body=b""))
        assert (refused.next, refused.wait) == (Next.WAIT, 7.0)
