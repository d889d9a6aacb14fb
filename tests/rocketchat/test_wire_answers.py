"""What the answers of every server line hold."""

from dataclasses import replace

import pytest

from bulkjob.records.server import Account
from bulkjob.records.workspace import Agent, Department, Membership, Monitor, members_by_id
from bulkjob.rocketchat import endpoints, payloads
from bulkjob.rocketchat.answers import interpret
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.vocabulary import Code
from tests.support.wire import FIVE, LIST, POST_AGENTS, POST_UNIT, READ, STORED_UNIT, UNIT, answer, failure, page


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
    state = interpret(endpoints.department("unit-a"), answer({"department": unit, "agents": [], "success": True}))
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
    assert interpret(endpoints.unit("unit-a"), answer({**STORED_UNIT, "success": True})) == replace(UNIT, counted=2, monitors=1)


@pytest.mark.parametrize("payload", [None, {"statusCode": 200, "body": None}, {"success": True}], ids=repr)
def test_an_unknown_unit_is_none(payload: object) -> None:
    """Each server line has its own 200 for a unit that is not there."""
    assert interpret(endpoints.unit("nowhere"), answer(payload)) is None


@pytest.mark.parametrize("payload", [{}, [], "maintenance", 0, False, {"statusCode": 503, "body": None}, {"healthy": True}], ids=repr)
def test_what_is_no_unit_and_no_no_is_asked_again(payload: object) -> None:
    """A unit is taken for gone only where the server says so."""
    assert failure(endpoints.unit("unit-a"), answer(payload)).code is Code.BAD_RESPONSE


@pytest.mark.parametrize("name", [{}, {"name": None}, {"name": 5}, {"name": {"en": "Unit A"}}], ids=repr)
def test_a_unit_whose_name_is_not_known_is_asked_again(name: dict[str, object]) -> None:
    """A write sends a unit's name back as it was read: one without a name would lose it. A list may have such a unit."""
    entry = {key: value for key, value in STORED_UNIT.items() if key != "name"} | name
    failed = failure(endpoints.unit("unit-a"), answer(entry))
    assert (failed.next, failed.code) == (Next.REPEAT, Code.BAD_RESPONSE)
    assert not isinstance(interpret(endpoints.units(0, 0), answer({"units": [entry], "total": 1})), Failure)


@pytest.mark.parametrize("value", [None, "livechat-enterprise", {}, 5], ids=repr)
def test_roles_and_modules_that_are_no_list_are_not_none(value: object) -> None:
    """What cannot be read is asked for again: an account without roles, or a licence without modules, would end the job."""
    for request, payload in (
        (endpoints.me(), {"_id": "u", "username": "u", "roles": value}),
        (endpoints.licence(), {"license": {"activeModules": value}}),
    ):
        failed = failure(request, answer({**payload, "success": True}))
        assert (failed.next, failed.code) == (Next.REPEAT, Code.BAD_RESPONSE)
    assert interpret(endpoints.licence(), answer({"license": {"activeModules": []}, "success": True})) == frozenset()


@pytest.mark.parametrize("success", [{"success": True}, {}])
def test_a_stored_unit_is_read(success: dict[str, object]) -> None:
    """The answer to a unit's POST is read with and without ``success``."""
    assert interpret(POST_UNIT, answer({**STORED_UNIT, **success})) == payloads.StoredUnit(id=str(STORED_UNIT["_id"]), monitors=1)


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


PLACE = {"agentId": "u-agent", "username": "agent", "departmentId": "dept-b"}
PUT = endpoints.put_department("dept-a", FIVE, unit_id=None, knows_units=True, members=[])


@pytest.mark.parametrize(
    ("request_", "payload"),
    [
        (READ, {"department": department_entry(_id="dept-b"), "agents": []}),
        (READ, {"department": department_entry(), "agents": [PLACE]}),
        (PUT, {"department": department_entry(_id="dept-b"), "agents": []}),
        (endpoints.department_agents("dept-a", 0, 0), {"agents": [PLACE], "total": 1}),
        (endpoints.unit("unit-a"), {**STORED_UNIT, "_id": "unit-b"}),
        (POST_UNIT, {**STORED_UNIT, "_id": "unit-b"}),
        (endpoints.unit_monitors("unit-a"), {"monitors": [{"monitorId": "m", "username": "mona", "unitId": "unit-b"}]}),
    ],
)
def test_an_answer_about_another_one_is_no_answer(request_: Request[object], payload: dict[str, object]) -> None:
    """What a cache or a proxy mixes up is asked for again, and what became of a write is looked up: nothing is made from it."""
    failed = failure(request_, answer({**payload, "success": True}))
    assert (failed.code, failed.next, failed.undecided) == (Code.BAD_RESPONSE, Next.REPEAT, request_.writes)
    assert "was asked for" in failed.said
