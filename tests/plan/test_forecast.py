"""What a plan costs: calls by method and route, and the time they take."""

from collections import Counter
from collections.abc import Callable, Sequence
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Operation, Terms, UnitPost, calls_of
from bulkjob.plan.forecast import Forecast, duration_text, forecast_of
from bulkjob.records.server import Account, Server, Version
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Route
from bulkjob.rocketchat.pacing.tickets import Limit

TEN_A_MINUTE = Limit(calls=10, window=60.0)
LIST = endpoints.LIST_DEPARTMENTS


def server(version: tuple[int, int] = (7, 0)) -> Server:
    account = Account(id="me", username="me", roles=frozenset({"admin"}))
    return Server(version=Version(*version), version_text="", account=account, permissions=None, modules=None)


def change(department: str) -> DepartmentAgent:
    return DepartmentAgent(department_id=department, agent_id="u", username="u", present=True, count=None, order=None, rows=(2,))


def put(department: str, *, after: tuple[str, ...] = ()) -> DepartmentPut:
    return DepartmentPut(department_id=department, unit=None, agents=(change(department),), after=after)


def post(department: str) -> AgentsPost:
    return AgentsPost(department_id=department, changes=(change(department),), after=())


def unit(name: str, *, after: tuple[str, ...] = (), repairs: bool = False) -> UnitPost:
    changes = () if repairs else (DepartmentUnit(department_id=f"d-{name}", unit_id=name, rows=(2,)),)
    return UnitPost(unit_id=name, changes=changes, lost=frozenset({"d"}), after=after)


def forecast(
    operations: Sequence[Operation],
    limit: Limit | None = TEN_A_MINUTE,
    *,
    reading: dict[Route, int] | None = None,
    concurrency: int = 8,
    version: tuple[int, int] = (7, 0),
    shares_lists: bool = True,
) -> Forecast:
    terms = Terms(server=server(version), shares_lists=shares_lists and limit is not None)
    return forecast_of(operations, terms, reading=reading or {LIST: 1}, limit=limit, concurrency=concurrency)


def calls(seen: Forecast) -> dict[str, int]:
    return {f"{cost.route.method} {cost.route.pattern}": cost.count for cost in seen.calls}


def test_calls() -> None:
    """A unit costs its reading, its monitors, a list before and after; a department a reading; removals a list before and after.

    And they cost a look at the department: by a call of its own, or by the list that writes share.
    """
    assert calls(forecast([unit("a")])) == {
        "POST livechat/units/:id": 1,
        "GET livechat/units/:id": 1,
        "GET livechat/units/:id/monitors": 1,
        "GET livechat/department": 2,
    }
    assert calls(forecast([unit("a", repairs=True)]))["GET livechat/department"] == 1
    assert calls(forecast([put("d")])) == {"PUT livechat/department/:id": 1, "GET livechat/department/:id": 1}
    removal = {"POST livechat/department/:id/agents": 1, "GET livechat/department/:id/agents": 2}
    assert calls(forecast([post("d")])) == {**removal, "GET livechat/department": 1}
    for each in (forecast([post("d")], shares_lists=False), forecast([post("d")], None)):
        assert calls(each) == {**removal, "GET livechat/department/:id": 1}
    # Before 6.6 an answer comes before the agents are stored: they are looked at.
    assert calls(forecast([put("d")], version=(6, 5)))["GET livechat/department/:id/agents"] == 1


def test_lists_are_shared() -> None:
    """Units that are written at the same time share their lists of departments; units in a row do not; a list may take several calls."""
    together = [unit(f"u{number}") for number in range(8)]
    assert calls(forecast(together))["GET livechat/department"] == 2
    assert calls(forecast(together, reading={LIST: 3}))["GET livechat/department"] == 6
    row = [unit("u0"), *(unit(f"u{number}", after=(f"unit/u{number - 1}",)) for number in range(1, 5))]
    assert calls(forecast(row))["GET livechat/department"] == 10


def test_as_it_is_said() -> None:
    """480 calls at ten a minute take about 48 minutes, and about one without the limit."""
    text = duration_text(forecast([put(f"d{number}") for number in range(480)]))
    assert text == (
        "About 48 minutes: PUT livechat/department/:id is called 480 times, and the server allows 10 a minute. "
        "About 1 minute if the account had api-bypass-rate-limit."
    )


@pytest.mark.parametrize(
    ("operations", "limit", "said"),
    [
        ([], TEN_A_MINUTE, "Nothing to send."),
        ([put("d")], TEN_A_MINUTE, "Less than a minute: PUT livechat/department/:id is called once, and the server allows 10 a minute."),
        ([put("d")], None, "Less than a minute (no rate limit for this account)."),
        (
            [put(f"d{number}") for number in range(21)],
            Limit(calls=10, window=30.0),
            "About 2 minutes: PUT livechat/department/:id is called 21 times, and the server allows 10 in 30 s.",
        ),
        ([put(f"d{number}") for number in range(2000)], TEN_A_MINUTE, "About 3 hours and 20 minutes: "),
    ],
)
def test_words(operations: list[Operation], limit: Limit | None, said: str) -> None:
    """The duration is told in minutes or hours, at the rate that was announced, and not at all where nothing is sent."""
    assert duration_text(forecast(operations, limit)).startswith(said)


def test_an_assumed_window_is_said_to_be_one() -> None:
    """Where no answer has told how long windows last, the usual length is reckoned with, and said to be a guess."""
    guessed = forecast([put("d")], Limit(calls=10, window=60.0, certain=False))
    assert duration_text(guessed).endswith("How long the server's window lasts is not known yet; 60 s is assumed.")
    assert "assumed" not in duration_text(forecast([put("d")]))


def test_both_durations_have_a_unit() -> None:
    """Next to hours, minutes are called minutes."""
    assert "About 2 minutes if the account had api-bypass-rate-limit." in duration_text(
        forecast([put(f"d{number}") for number in range(2000)])
    )


def test_routes_run_side_by_side() -> None:
    """Calls of different routes do not wait for each other; the one with the most decides."""
    puts: list[Operation] = [put(f"d{number}") for number in range(40)]
    posts: list[Operation] = [post(f"e{number}") for number in range(15)]
    both = forecast([*puts, *posts])
    assert both.seconds == pytest.approx(max(forecast(puts).seconds, forecast(posts).seconds), abs=5)
    assert both.busiest is not None
    assert (both.busiest.route, both.busiest.count) == (endpoints.PUT_DEPARTMENT, 40)


def test_what_waits_comes_later() -> None:
    """Departments that wait for units begin when these have ended: their windows add up."""
    units: list[Operation] = [unit(f"u{number}") for number in range(30)]
    alone = forecast([*units, *(put(f"d{number}") for number in range(30))])
    after = forecast([*units, *(put(f"d{number}", after=("unit/u29",)) for number in range(30))])
    assert alone.seconds < 190
    assert after.seconds >= 240


def test_reading_is_told() -> None:
    """Where the lists take long to read, that is a part of the duration, and said."""
    agents = endpoints.department_agents("", 0, 0).route
    seen = forecast([put("d")], reading={LIST: 1, agents: 300})
    assert seen.reading == 301
    assert seen.seconds >= seen.reading_seconds >= 29 * 60
    assert "About 30 minutes of it is reading, before the first change." in duration_text(seen)


@given(
    st.lists(st.sampled_from(["unit", "put", "post"]), max_size=60),
    st.integers(1, 20),
    st.sampled_from([1.0, 30.0, 60.0]),
    st.integers(1, 32),
    st.booleans(),
)
# Under a limit, lists are shared, which saves calls.
@example(kinds=["unit", "post"], allowed=2, window=1.0, concurrency=1, shares_lists=True)
def test_laws(kinds: list[str], allowed: int, window: float, concurrency: int, shares_lists: bool) -> None:  # noqa: FBT001 - drawn
    """No route has more calls than its windows allow; a limit never makes it shorter; calls are those of the operations and the lists."""
    makers: dict[str, Callable[[str], Operation]] = {"unit": unit, "put": put, "post": post}
    operations = [makers[kind](f"x{number}") for number, kind in enumerate(kinds)]
    seen = forecast(operations, Limit(calls=allowed, window=window), concurrency=concurrency, shares_lists=shares_lists)
    assert seen.seconds >= seen.unlimited_seconds - 1e-9
    terms = Terms(server=server(), shares_lists=shares_lists)
    own = sum((calls_of(operation, terms) for operation in operations), Counter[Route]())
    for cost in seen.calls:
        assert seen.seconds >= (ceil(cost.count / allowed) - 1) * window - 1e-9
        if cost.route != LIST:
            assert cost.count == own[cost.route]
        else:
            assert cost.count <= 2 * kinds.count("unit") + (kinds.count("post") if shares_lists else 0)
    assert {cost.route for cost in seen.calls} - {LIST} == own.keys()
