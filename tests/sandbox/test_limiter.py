"""The rate limiter's windows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.limiter import Limit, Limiter, parse_limit

UNITS = "/api/v1/livechat/units"


def test_spec() -> None:
    """A specification is calls and seconds, with fractions, or off."""
    assert parse_limit("10/60") == Limit(calls=10, window_ms=60_000)
    assert parse_limit("3/0.25") == Limit(calls=3, window_ms=250)
    assert parse_limit("3/0.0001") == Limit(calls=3, window_ms=1)
    assert parse_limit("off") is None


@pytest.mark.parametrize("spec", ["", "10", "10/", "/60", "1.5/60", "-1/60", "10/60s", "on", "١/60"])
def test_bad_spec(spec: str) -> None:
    """Anything else is refused in one sentence that shows it."""
    with pytest.raises(ValueError, match="the rate limit"):
        parse_limit(spec)


@pytest.mark.parametrize("spec", ["0/60", "10/0", "10/0.0", "0/0"])
def test_a_limit_of_nothing_is_none(spec: str) -> None:
    """Without calls or without time there is no limiter, as on the server."""
    assert parse_limit(spec) is None


@pytest.mark.parametrize("setting", ["API_Enable_Rate_Limiter_Limit_Calls_Default", "API_Enable_Rate_Limiter_Limit_Time_Default"])
def test_a_setting_of_0_is_no_limit(setting: str, workspace: Any, clock: Any, call: Any) -> None:
    """With 0 calls or 0 milliseconds in the settings nobody is limited, nor told of a limit."""
    workspace["settings"][setting] = 0
    sandbox = Sandbox(workspace, clock=clock)
    replies = [call(sandbox, "manager", "GET", UNITS) for _ in range(12)]
    assert {reply.status for reply in replies} == {200}
    assert not any(name.startswith("x-ratelimit") for reply in replies for name in reply.headers)


def test_window_begins_at_the_start_of_the_server() -> None:
    """The first window may be short: it was not begun by the first call."""
    limiter = Limiter(Limit(calls=2, window_ms=60_000), started_ms=1_000)
    assert limiter.check("GET me", "a", now_ms=50_000).reset_in_ms == 11_000


def test_window_restarts_at_the_first_call_after_its_end() -> None:
    """A window that has run out begins again with the next call, not on a grid; at its very end it still holds."""
    limiter = Limiter(Limit(calls=1, window_ms=1_000), started_ms=0)
    assert limiter.check("r", "a", now_ms=10).allowed
    assert not limiter.check("r", "a", now_ms=1_000).allowed
    later = limiter.check("r", "a", now_ms=1_700)
    assert (later.allowed, later.remaining, later.reset_in_ms) == (True, 0, 1_000)


def test_refused_calls_do_not_extend_the_window() -> None:
    """Asking again and again does not move the reset."""
    limiter = Limiter(Limit(calls=1, window_ms=1_000), started_ms=0)
    resets = [now + limiter.check("r", "a", now_ms=now).reset_in_ms for now in range(0, 1_000, 100)]
    assert set(resets) == {1_000}


def test_clients_share_the_window_and_not_the_count() -> None:
    """Each address has its own count; the reset is the same for all."""
    limiter = Limiter(Limit(calls=1, window_ms=1_000), started_ms=0)
    assert limiter.check("r", "a", now_ms=100).allowed
    assert not limiter.check("r", "a", now_ms=200).allowed
    other = limiter.check("r", "b", now_ms=300)
    assert (other.allowed, other.reset_in_ms) == (True, 700)


@given(gaps=st.lists(st.integers(0, 400), max_size=60), calls=st.integers(1, 5))
def test_no_window_lets_more_through_than_its_limit(gaps: list[int], calls: int) -> None:
    """Between one reset and the next at most the limit passes."""
    limiter = Limiter(Limit(calls=calls, window_ms=1_000), started_ms=0)
    now, passed = 0, dict[int, int]()
    for gap in gaps:
        now += gap
        verdict = limiter.check("r", "a", now_ms=now)
        reset = now + verdict.reset_in_ms
        passed[reset] = passed.get(reset, 0) + verdict.allowed
    assert all(count <= calls for count in passed.values())


def test_headers_name_the_reset_in_epoch_milliseconds(workspace: Any, clock: Any, call: Any) -> None:
    """Limit, remaining calls and the reset are on the reply, and the Date is the clock's."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="2/0.5")
    clock.now += 0.2
    headers = call(sandbox, "manager", "GET", UNITS).headers
    assert headers["x-ratelimit-limit"] == "2"
    assert headers["x-ratelimit-remaining"] == "1"
    assert headers["x-ratelimit-reset"] == str(round((clock.now + 0.3) * 1000))
    assert headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"


def test_429_says_how_long_to_wait(workspace: Any, clock: Any, call: Any) -> None:
    """The refused call names whole seconds, rounded up, and the route is free again after them."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="1/2")
    assert call(sandbox, "manager", "GET", UNITS).status == 200
    clock.now += 0.5
    refused = call(sandbox, "manager", "GET", UNITS)
    assert (refused.status, refused.json["error"]) == (
        429,
        "Error, too many requests. Please slow down. You must wait 2 seconds before trying this endpoint again. [error-too-many-requests]",
    )
    clock.now += 2
    assert call(sandbox, "manager", "GET", UNITS).status == 200


def test_addresses_and_real_ip(workspace: Any, clock: Any) -> None:
    """A client is told by its address, or by what a proxy says it is."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="1/60")
    manager = {"X-User-Id": "u-manager", "X-Auth-Token": "token-manager"}

    def status(address: str, **headers: str) -> int:
        return sandbox.answer("GET", UNITS, {}, {**manager, **headers}, b"", address=address).status

    assert [status("10.0.0.1"), status("10.0.0.1"), status("10.0.0.2")] == [200, 429, 200]
    assert status("10.0.0.1", **{"X-Real-IP": "10.0.0.3"}) == 200


def test_each_process_has_its_own_windows(workspace: Any, clock: Any, call: Any) -> None:
    """Behind a load balancer the quota is that of all processes, and what remains jumps about."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="2/60", processes=2)
    replies = [call(sandbox, "manager", "GET", UNITS) for _ in range(6)]
    assert [reply.status for reply in replies] == [200] * 4 + [429] * 2
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["1", "1", "0", "0", "0", "0"]


def test_info_and_off(workspace: Any, clock: Any, call: Any) -> None:
    """The server's version is never limited, and nothing is when the limiter is off."""
    sandbox = Sandbox(workspace, clock=clock, rate_limit="1/60")
    assert [call(sandbox, "manager", "GET", "/api/info").status for _ in range(3)] == [200] * 3
    free = Sandbox(workspace, clock=clock, rate_limit="off")
    replies = [call(free, "manager", "GET", UNITS) for _ in range(20)]
    assert {reply.status for reply in replies} == {200}
    assert "x-ratelimit-limit" not in replies[0].headers
