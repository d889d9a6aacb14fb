"""An operation's call, made from what the server holds at that moment."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.change import ALREADY_SO, Attempt, Change, Place
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.gone import UNIT_GONE
from bulkjob.changes.operations import AgentsPost, DepartmentPut, UnitPost
from bulkjob.execute.compose import Composed, agents_call, put_call, unit_call
from bulkjob.records.server import ADD_AGENTS, MANAGE_UNITS, Account, Server, Version
from bulkjob.records.workspace import REQUIRED_FIELDS, Department, Membership, Monitor, Unit, Workspace
from bulkjob.vocabulary import Code, Status

ADMIN = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)
MONITOR = replace(ADMIN, account=Account(id="me", username="me", roles=frozenset({"livechat-monitor"})))
OLD = replace(ADMIN, version=Version(6, 12), version_text="6.12")
EMEA = Unit(id="emea", name="EMEA", visibility="private")
MONITORS = (Monitor(id="u-mo", username="mo"), Monitor(id="u-mia", username="mia"))
FIELDS = {"name": "Sales", "email": "a@example.org", "enabled": False, "showOnRegistration": True, "showOnOfflineForm": True}


def department(identifier: str, parent_id: str | None = None, *, archived: bool = False) -> Department:
    return Department(id=identifier, name=identifier, parent_id=parent_id, archived=archived, required=FIELDS)


def state(*departments: Department, members: dict[str, Membership] | None = None) -> Workspace:
    """Departments, and the agents of ``d1``."""
    return Workspace(departments={one.id: one for one in departments}, units=None, agents={}, members={"d1": members or {}})


def member(name: str, count: int = 0, order: int = 0) -> Membership:
    return Membership(agent_id=f"u-{name}", username=name, count=count, order=order)


def members(*each: Membership) -> dict[str, Membership]:
    return {one.agent_id: one for one in each}


def agent(name: str, *, present: bool = True, count: int | None = None, order: int | None = None) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=f"u-{name}", username=name, present=present, count=count, order=order, rows=(2,))


def move(department_id: str, unit_id: str | None) -> DepartmentUnit:
    return DepartmentUnit(department_id=department_id, unit_id=unit_id, rows=(2,))


def post(*changes: DepartmentUnit, lost: tuple[str, ...] = ()) -> UnitPost:
    return UnitPost(unit_id="emea", changes=changes, lost=frozenset(lost), after=())


def put(*changes: DepartmentAgent, unit: DepartmentUnit | None = None) -> DepartmentPut:
    return DepartmentPut(department_id="d1", unit=unit, agents=changes, after=())


def body(composed: Composed[Any]) -> Mapping[str, Any]:
    assert composed.request is not None
    assert composed.request.body is not None
    return composed.request.body


def listed(composed: Composed[Any]) -> list[str]:
    return [entry["departmentId"] for entry in body(composed)["unitDepartments"]]


class TestUnitCall:
    def test_rest_of_the_unit_stays(self) -> None:
        """A unit keeps its name, visibility, every monitor, and every department it has, archived ones too."""
        fresh = state(department("d1"), department("d2", "emea"), department("d3", "emea", archived=True), department("d4", "apac"))
        composed = unit_call(post(move("d1", "emea")), EMEA, MONITORS, state=fresh, server=ADMIN, attempts={})
        assert body(composed) == {
            "unitData": {"name": "EMEA", "visibility": "private"},
            "unitMonitors": [{"monitorId": "u-mo", "username": "mo"}, {"monitorId": "u-mia", "username": "mia"}],
            "unitDepartments": [{"departmentId": "d2"}, {"departmentId": "d3"}, {"departmentId": "d1"}],
        }
        assert composed.request is not None
        assert composed.request.path == "/api/v1/livechat/units/emea"

    @given(st.data())
    def test_body_is_what_is_there_without_the_released_and_with_the_gained(self, data: st.DataObject) -> None:
        """Whatever the workspace looks like by then, the body is the unit's present departments, less those released, plus those gained."""
        names = [f"d{number}" for number in range(8)]
        places = data.draw(
            st.dictionaries(st.sampled_from(names), st.tuples(st.sampled_from([None, "emea", "apac"]), st.booleans()), min_size=1)
        )
        fresh = state(*(department(name, parent, archived=archived) for name, (parent, archived) in places.items()))
        asked = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(["emea", None])))
        lost = data.draw(st.sets(st.sampled_from(names)))
        operation = post(*(move(name, unit) for name, unit in asked.items()), lost=tuple(lost - asked.keys()))
        composed = unit_call(operation, EMEA, MONITORS, state=fresh, server=ADMIN, attempts={})

        held = {name for name, (parent, _) in places.items() if parent == "emea"}
        usable = {name for name, (_, archived) in places.items() if not archived}
        gained = {name for name, unit in asked.items() if unit and name in usable} - held
        released = {name for name, unit in asked.items() if unit is None and name in usable} & held
        assert {change.target[1] for change in composed.pending} == gained | released
        assert {*composed.pending, *composed.settled} == set(operation.changes)
        if composed.request is None:
            assert not gained | released
            assert operation.lost <= held
        else:
            assert set(listed(composed)) == (held - released) | gained
            assert len(listed(composed)) == len(set(listed(composed)))

    def test_nothing_to_do_is_not_sent(self) -> None:
        """A department that is where it shall be by now needs no call."""
        change = move("d1", "emea")
        composed = unit_call(post(change), EMEA, MONITORS, state=state(department("d1", "emea")), server=ADMIN, attempts={})
        assert (composed.request, composed.pending, composed.settled) == (None, {}, {change: ALREADY_SO})

    def test_repair_is_sent_only_if_something_was_taken(self) -> None:
        """A unit that only loses is written if another has really taken something, and as it is then."""
        operation = post(lost=("d1",))
        still_there = state(department("d1", "emea"), department("d2", "emea"))
        taken = state(department("d1", "apac"), department("d2", "emea"))
        assert unit_call(operation, EMEA, MONITORS, state=still_there, server=ADMIN, attempts={}).request is None
        assert listed(unit_call(operation, EMEA, MONITORS, state=taken, server=ADMIN, attempts={})) == ["d2"]
        assert listed(unit_call(operation, EMEA, MONITORS, state=state(department("d2", "emea")), server=ADMIN, attempts={})) == ["d2"]

    @pytest.mark.parametrize(("counted", "repaired"), [(1, False), (2, True), (None, True)])
    def test_a_counter_that_is_right_is_not_repaired(self, counted: int | None, repaired: bool) -> None:  # noqa: FBT001 - of the case
        """A unit that only lost departments is not written for the sake of a counter that is seen to be right already."""
        taken = state(department("d1", "apac"), department("d2", "emea"))
        unit = replace(EMEA, counted=counted)
        composed = unit_call(post(lost=("d1",)), unit, MONITORS, state=taken, server=ADMIN, attempts={})
        assert (composed.request is not None) is repaired

    def test_untaken_department_stays_listed(self) -> None:
        """A department whose taking unit could not be written stays in the unit that has it, also if that is written for another reason."""
        fresh = state(department("d1", "emea"), department("d2"))
        assert listed(unit_call(post(move("d2", "emea"), lost=("d1",)), EMEA, MONITORS, state=fresh, server=ADMIN, attempts={})) == [
            "d1",
            "d2",
        ]

    def test_unit_can_be_emptied(self) -> None:
        """The unit route may leave a unit without departments."""
        assert (
            listed(unit_call(post(move("d1", None)), EMEA, MONITORS, state=state(department("d1", "emea")), server=ADMIN, attempts={}))
            == []
        )

    @pytest.mark.parametrize(
        ("change", "fresh", "code"),
        [
            (move("d1", "emea"), (), Code.DEPARTMENT_GONE),
            (move("d1", "emea"), (department("d1", archived=True),), Code.DEPARTMENT_ARCHIVED),
            (move("d1", None), (department("d1", "emea", archived=True),), Code.DEPARTMENT_ARCHIVED),
            (move("d1", None), (department("d1", "apac"),), Code.REJECTED),
        ],
    )
    def test_what_changed_since_the_plan_fails_alone(self, change: DepartmentUnit, fresh: tuple[Department, ...], code: Code) -> None:
        """A department that vanished, was archived or went elsewhere fails by itself; the unit's other changes go on."""
        other = move("d9", "emea")
        composed = unit_call(post(change, other), EMEA, MONITORS, state=state(*fresh, department("d9")), server=ADMIN, attempts={})
        assert (composed.settled[change].status, composed.settled[change].code) == (Status.FAILED, code)
        assert composed.pending == {other: None}
        assert "d9" in listed(composed)
        assert ("d1" in listed(composed)) == (department("d1", "emea", archived=True) in fresh)

    def test_taken_out_by_somebody_else_is_so_already(self) -> None:
        """A department that is in no unit by now needs not be taken out."""
        change = move("d1", None)
        assert unit_call(post(change), EMEA, (), state=state(department("d1")), server=ADMIN, attempts={}).settled == {change: ALREADY_SO}

    def test_unit_that_cannot_be_written_back(self) -> None:
        """A unit that is gone, out of a monitor's reach or without visibility fails its changes, each for its reason, unsent."""
        fresh = state(department("d1"))
        change = move("d1", "emea")
        for unit, server, code, said in (
            (None, ADMIN, Code.REJECTED, "the unit is no longer there"),
            (None, MONITOR, Code.UNIT_NOT_PERMITTED, "the account is not a monitor of this unit"),
            (
                replace(EMEA, visibility=None),
                ADMIN,
                Code.REJECTED,
                "the unit has no visibility on the server, and no change can be sent without one",
            ),
        ):
            composed = unit_call(post(change), unit, MONITORS, state=fresh, server=server, attempts={})
            assert (composed.request, composed.pending) == (None, {})
            assert (composed.settled[change].code, composed.settled[change].said) == (code, said)
        assert unit_call(post(lost=("d1",)), None, (), state=fresh, server=ADMIN, attempts={}).request is None


class TestPutCall:
    def test_fields_and_unit_stay_and_only_changing_agents_are_sent(self) -> None:
        """The five fields and the unit are what is stored now; agents who are as they shall be are not touched."""
        changes = (agent("anna", count=3), agent("bob", order=4), agent("cem"), agent("dora"))
        there = members(member("bob", 7, 1), member("cem", 9, 9), member("eve", 1, 1))
        composed = put_call(put(*changes), state(department("d1", "emea"), members=there), ADMIN, {})
        assert body(composed) == {
            "department": {name: FIELDS[name] for name in REQUIRED_FIELDS},
            "departmentUnit": {"_id": "emea"},
            "agents": [
                {"agentId": "u-anna", "username": "anna", "count": 3, "order": 0},
                {"agentId": "u-bob", "username": "bob", "count": 7, "order": 4},
                {"agentId": "u-dora", "username": "dora", "count": 0, "order": 0},
            ],
        }
        assert composed.settled == {changes[2]: ALREADY_SO}
        assert composed.pending == {changes[0]: None, changes[1]: Place(count=7, order=1), changes[3]: None}

    def test_unit_that_is_asked_for_is_sent(self) -> None:
        """A department's own change about its unit goes with its agents in one call; without agents there is no such key."""
        there = state(department("d1", "emea"))
        assert body(put_call(put(unit=move("d1", "apac")), there, ADMIN, {})) == {
            "department": {name: FIELDS[name] for name in REQUIRED_FIELDS},
            "departmentUnit": {"_id": "apac"},
        }
        assert body(put_call(put(agent("anna"), unit=move("d1", None)), there, ADMIN, {}))["departmentUnit"] == {}

    def test_unit_that_is_gone(self) -> None:
        """A unit that is not in the whole list fails what is about it, and agents go on; one that is not in a part of it is tried."""
        change, server = move("d1", "gone"), replace(ADMIN, permissions=frozenset({MANAGE_UNITS, ADD_AGENTS}))
        there = replace(state(department("d1", "emea")), units={"emea": EMEA})
        composed = put_call(put(agent("anna"), unit=change), there, server, {})
        assert composed.settled == {change: UNIT_GONE}
        assert body(composed)["departmentUnit"] == {"_id": "emea"}
        for unknown in (replace(there, all_units=False), replace(there, units=None)):
            assert body(put_call(put(unit=change), unknown, server, {}))["departmentUnit"] == {"_id": "gone"}

    def test_unit_is_said_as_it_is_then(self) -> None:
        """A unit that somebody has changed since the plan is kept, not put back; a department without a unit stays without."""
        assert body(put_call(put(agent("anna")), state(department("d1", "new")), ADMIN, {}))["departmentUnit"] == {"_id": "new"}
        assert body(put_call(put(agent("anna")), state(department("d1")), ADMIN, {}))["departmentUnit"] == {}

    def test_unit_that_is_so_by_now_is_kept(self) -> None:
        """A change about the unit that somebody has fulfilled meanwhile is so already, and the call for the agents keeps it."""
        change = move("d1", "apac")
        composed = put_call(put(agent("anna"), unit=change), state(department("d1", "apac")), ADMIN, {})
        assert composed.settled == {change: ALREADY_SO}
        assert body(composed)["departmentUnit"] == {"_id": "apac"}

    def test_old_server_is_never_sent_the_unit(self) -> None:
        """Before 6.13 the key is unknown and would be refused."""
        assert "departmentUnit" not in body(put_call(put(agent("anna")), state(department("d1", "emea")), OLD, {}))

    def test_nothing_to_do_is_not_sent(self) -> None:
        """If all is so by now there is no call."""
        operation = put(agent("anna", order=1), unit=move("d1", "emea"))
        composed = put_call(operation, state(department("d1", "emea"), members=members(member("anna", 4, 1))), ADMIN, {})
        assert composed.request is None
        assert composed.settled == dict.fromkeys(operation.changes, ALREADY_SO)

    @pytest.mark.parametrize(
        ("there", "code"),
        [
            (None, Code.DEPARTMENT_GONE),
            (department("d1", archived=True), Code.DEPARTMENT_ARCHIVED),
            (msgspec.structs.replace(department("d1"), required={"name": "Sales"}), Code.REJECTED),
        ],
    )
    def test_department_that_cannot_be_put(self, there: Department | None, code: Code) -> None:
        """A department that vanished, was archived or lost a field fails unsent, unit and agents alike."""
        operation = put(agent("anna"), unit=move("d1", "emea"))
        composed = put_call(operation, state(*([there] if there else [])), ADMIN, {})
        assert (composed.request, composed.pending) == (None, {})
        assert {outcome.code for outcome in composed.settled.values()} == {code}
        assert set(composed.settled) == set(operation.changes)

    def test_archived_department_that_is_so_already_is_no_failure(self) -> None:
        """Only a row that would change an archived department fails."""
        composed = put_call(put(agent("anna")), state(department("d1", archived=True), members=members(member("anna"))), ADMIN, {})
        assert list(composed.settled.values()) == [ALREADY_SO]


class TestAgentsCall:
    def test_one_call_carries_who_leaves_and_who_is_new(self) -> None:
        """Who is not there needs not leave, who is as asked is not sent, all others go in one call."""
        changes = (agent("anna", present=False), agent("bob", present=False), agent("cem", count=2), agent("dora"), agent("eve", order=1))
        there = members(member("anna", 3, 3), member("dora", 5, 5), member("eve", 6, 6), member("finn"))
        composed = agents_call(AgentsPost(department_id="d1", changes=changes, after=()), state(department("d1"), members=there), ADMIN, {})
        assert body(composed) == {
            "upsert": [
                {"agentId": "u-cem", "username": "cem", "count": 2, "order": 0},
                {"agentId": "u-eve", "username": "eve", "count": 6, "order": 1},
            ],
            "remove": [{"agentId": "u-anna", "username": "anna"}],
        }
        assert composed.settled == {changes[1]: ALREADY_SO, changes[3]: ALREADY_SO}
        assert composed.pending == {changes[0]: Place(count=3, order=3), changes[2]: None, changes[4]: Place(count=6, order=6)}

    def test_nothing_to_do_is_not_sent(self) -> None:
        """If everybody is where they shall be, there is no call."""
        operation = AgentsPost(department_id="d1", changes=(agent("anna", present=False), agent("bob")), after=())
        composed = agents_call(operation, state(department("d1"), members=members(member("bob"))), ADMIN, {})
        assert composed.request is None
        assert composed.settled == dict.fromkeys(operation.changes, ALREADY_SO)

    @pytest.mark.parametrize(("there", "code"), [(None, Code.DEPARTMENT_GONE), (department("d1", archived=True), Code.DEPARTMENT_ARCHIVED)])
    def test_department_that_is_gone_or_archived_by_then(self, there: Department | None, code: Code) -> None:
        """A department that vanished or was archived since the plan fails unsent, who comes and who leaves alike."""
        operation = AgentsPost(department_id="d1", changes=(agent("anna"), agent("bob", present=False)), after=())
        composed = agents_call(operation, state(*([there] if there else []), members=members(member("bob"))), ADMIN, {})
        assert (composed.request, composed.pending) == (None, {})
        assert {change: (outcome.status, outcome.code) for change, outcome in composed.settled.items()} == dict.fromkeys(
            operation.changes, (Status.FAILED, code)
        )

    def test_archived_department_that_is_so_already_is_no_failure(self) -> None:
        """Who is there, or not there, as asked, is so in an archived department, too."""
        operation = AgentsPost(department_id="d1", changes=(agent("anna"), agent("bob", present=False)), after=())
        composed = agents_call(operation, state(department("d1", archived=True), members=members(member("anna"))), ADMIN, {})
        assert (composed.request, composed.settled) == (None, dict.fromkeys(operation.changes, ALREADY_SO))

    def test_who_is_stored_twice_is_taken_out_and_put_in_again(self) -> None:
        """An agent of whom the department has two rows stands in both lists of the call, with the numbers that are wanted or were found."""
        changes = (agent("anna", count=5), agent("bob"), agent("cem", present=False))
        there = members(*(msgspec.structs.replace(member(name, 3, 1), doubled=True) for name in ("anna", "bob", "cem")))
        composed = agents_call(AgentsPost(department_id="d1", changes=changes, after=()), state(department("d1"), members=there), ADMIN, {})
        assert body(composed) == {
            "upsert": [{"agentId": "u-anna", "username": "anna", "count": 5, "order": 1}],
            "remove": [{"agentId": "u-anna", "username": "anna"}, {"agentId": "u-cem", "username": "cem"}],
        }
        # Who shall only be there is there.
        assert composed.settled == {changes[1]: ALREADY_SO}
        assert composed.pending == dict.fromkeys((changes[0], changes[2]), Place(count=3, order=1, doubled=True))


def attempts(change: Change, prior: str | Place | None, back: Change) -> dict[Change, list[Attempt]]:
    """What a run made, of a change that puts it back."""
    return {back: [Attempt(change=change, prior=prior, outcome=None, status=Status.SUCCESS)]}


def left_alone(composed: Composed[Any]) -> Code | None:
    """Why a call's only change is left alone, and the call not made; None where it is made."""
    (outcome,) = composed.settled.values() or (None,)
    assert (composed.request is None) == (outcome is not None)
    return outcome.code if outcome else None


class TestPuttingBack:
    """What somebody has changed since the run is left alone, up to the moment of the write; what holds goes back."""

    @pytest.mark.parametrize(("now", "code"), [("emea", None), ("apac", Code.CHANGED_MEANWHILE), ("other", Code.CHANGED_MEANWHILE)])
    def test_unit_by_its_post(self, now: str, code: Code | None) -> None:
        """A department that somebody has moved meanwhile is not taken out of where it is."""
        back = move("d1", None)
        composed = unit_call(
            post(back), EMEA, MONITORS, state=state(department("d1", now)), server=ADMIN, attempts=attempts(move("d1", "emea"), None, back)
        )
        assert left_alone(composed) == code

    @pytest.mark.parametrize(("now", "code"), [("emea", None), ("apac", Code.CHANGED_MEANWHILE), (None, Code.CHANGED_MEANWHILE)])
    def test_unit_by_a_put(self, now: str | None, code: Code | None) -> None:
        """Nor is it put back by a write of its own."""
        back = move("d1", "old")
        made = attempts(move("d1", "emea"), "old", back)
        composed = put_call(put(unit=back), state(department("d1", now)), ADMIN, made)
        assert left_alone(composed) == code

    @pytest.mark.parametrize(
        ("now", "code"),
        [
            (member("anna", 9, 1), None),
            (member("anna", 11, 1), None),
            (member("anna", 2, 1), Code.CHANGED_MEANWHILE),
            (member("anna", 9, 4), Code.CHANGED_MEANWHILE),
            (None, Code.CHANGED_MEANWHILE),
        ],
    )
    def test_numbers_by_either_route(self, now: Membership | None, code: Code | None) -> None:
        """Numbers that somebody has set since are left alone, by the PUT as by the agents' own route; chats are nobody's change."""
        back = agent("anna", count=3)
        made = attempts(agent("anna", count=9), Place(count=3, order=1), back)
        there = state(department("d1"), members=members(now) if now else {})
        for composed in (
            put_call(put(back), there, ADMIN, made),
            agents_call(AgentsPost(department_id="d1", changes=(back,), after=()), there, ADMIN, made),
        ):
            assert left_alone(composed) == code

    def test_numbers_that_chats_alone_changed_are_back_already(self) -> None:
        """An agent who was put back by somebody and has had chats since needs no call."""
        back = agent("anna", count=3)
        made = attempts(agent("anna", count=9), Place(count=3, order=1), back)
        composed = put_call(put(back), state(department("d1"), members=members(member("anna", 4, 1))), ADMIN, made)
        assert (composed.request, composed.settled) == (None, {back: ALREADY_SO})
