"""Which refusals prove that nothing was changed, and which words pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.rocketchat.call import Route
from bulkjob.rocketchat.refusals import nothing_changed, passes

PUT = Route(method="PUT", pattern="livechat/department/:id")
CREATE_DEPARTMENT = Route(method="POST", pattern="livechat/department")
AGENTS = Route(method="POST", pattern="livechat/department/:id/agents")
UNIT = Route(method="POST", pattern="livechat/units/:id")
CREATE_UNIT = Route(method="POST", pattern="livechat/units")
DELETE_UNIT = Route(method="DELETE", pattern="livechat/units/:id")
WRITES = [PUT, CREATE_DEPARTMENT, AGENTS, UNIT, CREATE_UNIT, DELETE_UNIT]

CHECK = "Match error: Expected string, got null in field name"
LATE_CHECK = "Match error: Missing key 'agentId' in field upsert[0]"


@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route.method} {route.pattern}")
@pytest.mark.parametrize(
    ("error_type", "words", "routes"),
    [
        ("invalid-params", "must be number [invalid-params]", WRITES),
        ("error-action-not-allowed", "This is an enterprise feature [error-action-not-allowed]", WRITES),
        ("totp-required", "TOTP Required [totp-required]", WRITES),
        ("error-unit-cant-be-empty", "The last department …", [PUT, CREATE_DEPARTMENT]),
        ("error-department-not-found", "Department not found [error-department-not-found]", [PUT, CREATE_DEPARTMENT, AGENTS]),
        ("error-archived-department-cant-be-enabled", "…", [PUT, CREATE_DEPARTMENT]),
        ("error-unit-not-found", "Unit not found [error-unit-not-found]", [UNIT]),
        ("unit-not-found", "Unit not found [unit-not-found]", [DELETE_UNIT]),
        ("", CHECK, [PUT, CREATE_DEPARTMENT, AGENTS, UNIT, CREATE_UNIT]),
        ("", LATE_CHECK, [AGENTS, UNIT, CREATE_UNIT]),
        ("", "error-not-allowed", [PUT, CREATE_DEPARTMENT]),
        ("", "it is error-not-allowed", []),
        ("", "Department dep-7 not found", []),
        ("", "connection 7 to 10.0.0.5:27017 timed out", []),
        ("", "not primary", []),
        ("error-something-new", CHECK, []),
    ],
)
def test_the_lists_are_closed(route: Route, error_type: str, words: str, routes: list[Route]) -> None:
    """A refusal counts as one that came before any change for the calls that can throw it there, and for no others."""
    assert nothing_changed(route, 400, error_type, words) is (route in routes)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 413, 429])
@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route.method} {route.pattern}")
def test_some_statuses_are_decided_before_the_work(route: Route, status: int) -> None:
    """Whatever it says, such an answer comes before the handler, or from a proxy that passed nothing on."""
    assert nothing_changed(route, status, "", "whatever")


@given(words=st.text(), error_type=st.text(), status=st.integers(400, 499))
def test_a_write_that_nobody_knows_is_never_certain(words: str, error_type: str, status: int) -> None:
    """A write that is not on the lists has no words of its own that would prove anything."""
    route = Route(method="POST", pattern="livechat/something")
    general = status in (401, 403, 404, 405, 413, 429) or error_type in ("invalid-params", "error-action-not-allowed")
    assert nothing_changed(route, status, error_type, words) is general


@pytest.mark.parametrize(
    "words",
    [
        "connection 7 to 10.0.0.5:27017 timed out",
        "connection 3 to 10.0.0.5:27017 closed",
        "not primary",
        "NotPrimaryNoSecondaryOk",
        "not master and slaveOk=false",
        "WriteConflict error: this operation conflicted with another operation.",
        "E11000 duplicate key error collection: rocketchat.rocketchat_livechat_department_agents",
        "Server selection timed out after 30000 ms",
        "MongoNetworkError: read ECONNRESET",
        "connect ECONNREFUSED 10.0.0.5:27017",
        "socket hang up",
        "interrupted at shutdown",
        "operation exceeded time limit",
    ],
)
def test_a_drivers_words_pass(words: str) -> None:
    """What a database or a network says that will be there again is worth another attempt."""
    assert passes(words)


@pytest.mark.parametrize("words", ["", "Business hour 17 not found", CHECK, "Department dep-7 not found", "the server gave no reason"])
def test_other_words_do_not_pass(words: str) -> None:
    """What a handler says about the call would be said again."""
    assert not passes(words)


@pytest.mark.parametrize("words", ["connection ", "mongonetwork", "interrupted ", "no primary and no ", "not " * 3 + "server selection"])
def test_long_words_are_looked_through_once(words: str) -> None:
    """A megabyte of what might become a driver's words is judged, and not looked through again and again: that would take for ever."""
    passes(words * (1_000_000 // len(words)))
