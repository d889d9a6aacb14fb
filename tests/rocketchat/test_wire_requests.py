"""Requests byte for byte."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.records.workspace import MemberChange, Monitor, Unit
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Request
from tests.support.wire import CHANGE, FIVE, LIST, POST_AGENTS, POST_UNIT, PUT, READ


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
