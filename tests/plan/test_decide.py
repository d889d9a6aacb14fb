"""What has to be sent, in which order, and what is certain without sending."""

from collections.abc import Iterable
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.changes.change import ALREADY_SO, Change
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Plan, UnitPost
from bulkjob.plan.decide import make_plan
from bulkjob.plan.wanted import Wanted
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Agent, Department, Membership, Unit, Workspace
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Exit, Status, Stop

FIELDS = {"name": "Sales", "email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
ALL = frozenset({"manage-livechat-departments", "add-livechat-department-agents", "manage-livechat-units", "manage-livechat-monitors"})
AUTO, BY_UNIT, BY_DEPARTMENT = Choices(), Choices(unit_route="unit"), Choices(unit_route="department")
MIRROR = Choices(agents="mirror")


def server(*, without: Iterable[str] = (), version: tuple[int, int] = (7, 0), roles: Iterable[str] = ("livechat-manager",)) -> Server:
    return Server(
        version=Version(*version),
        version_text=f"{version[0]}.{version[1]}",
        account=Account(id="me", username="me", roles=frozenset(roles)),
        permissions=ALL - set(without),
        modules=frozenset({"livechat-enterprise"}),
    )


def department(identifier: str, parent_id: str | None = None, *, archived: bool = False) -> Department:
    return Department(id=identifier, name=identifier, parent_id=parent_id, archived=archived, required=FIELDS)


def workspace(
    *departments: Department, agents: dict[str, str] | None = None, lists: dict[str, list[Membership]] | None = None
) -> Workspace:
    """Agents by name → the departments they are in, as ``d1 d2``; lists of agents by department."""
    found = {
        f"u-{name}": Agent(id=f"u-{name}", username=name, department_ids=frozenset(where.split())) for name, where in (agents or {}).items()
    }
    return Workspace(
        departments={each.id: each for each in departments},
        units={unit: Unit(id=unit, name=unit.upper(), visibility="public") for unit in ("a", "b", "c", "d")},
        agents=found,
        members={name: {each.agent_id: each for each in members} for name, members in (lists or {}).items()},
    )


def member(name: str, count: int = 0, order: int = 0) -> Membership:
    return Membership(agent_id=f"u-{name}", username=name, count=count, order=order)


def unit_row(row: int, department_id: str, unit_id: str | None) -> Wanted:
    return Wanted(row=row, department_id=department_id, unit_given=True, unit_id=unit_id)


def agent_row(
    row: int, department_id: str, name: str, *, removes: bool = False, count: int | None = None, order: int | None = None
) -> Wanted:
    return Wanted(
        row=row,
        department_id=department_id,
        unit_given=False,
        agent_id=f"u-{name}",
        username=name,
        removes=removes,
        count=count,
        order=order,
    )


def codes(plan: Plan) -> dict[int, Code | None]:
    """Row → the code of what is settled of it."""
    return {row: outcome.code for change, outcome in plan.settled.items() for row in change.rows}


def planned(wanted: Iterable[Wanted], there: Workspace, account: Server | None = None, choices: Choices = AUTO) -> Plan:
    plan = make_plan(wanted, there, account or server(), choices)
    carried = [change for operation in plan.operations for change in operation.changes]
    # Of every plan: each change is settled or carried, exactly once.
    assert sorted(map(repr, (*carried, *plan.settled))) == sorted(map(repr, plan.changes))
    assert len(set(plan.changes)) == len(plan.changes)
    return plan


class TestAlreadySo:
    def test_no_call(self) -> None:
        """What is as the sheet wants it needs no operation: units, agents by their own list, and numbers by the department's."""
        there = workspace(
            department("d1", "a"), department("d2"), agents={"anna": "d1", "bob": "", "cem": "d2"}, lists={"d2": [member("cem", 3, 4)]}
        )
        rows = [
            unit_row(2, "d1", "a"),
            unit_row(3, "d2", None),
            agent_row(4, "d1", "anna"),
            agent_row(5, "d1", "bob", removes=True),
            agent_row(6, "d2", "cem", count=3, order=4),
        ]
        plan = planned(rows, there)
        assert plan.operations == ()
        assert len(plan.settled) == 5
        assert set(plan.settled.values()) == {ALREADY_SO}

    def test_blank_number_agrees_with_any(self) -> None:
        """A count or order that the sheet does not give is kept, so an agent who is there is as they shall be."""
        there = workspace(department("d1"), agents={"anna": "d1"}, lists={"d1": [member("anna", 7, 2)]})
        assert planned([agent_row(2, "d1", "anna", order=2)], there).operations == ()
        assert len(planned([agent_row(2, "d1", "anna", order=1)], there).operations) == 1

    def test_departments_own_list_decides_where_it_was_read(self) -> None:
        """The agents' list and a department's own can differ; the department's is what the job writes."""
        there = workspace(department("d1"), agents={"anna": "d1", "bob": ""}, lists={"d1": [member("bob")]})
        plan = planned([agent_row(2, "d1", "anna"), agent_row(3, "d1", "bob")], there)
        assert [change.rows for operation in plan.operations for change in operation.changes] == [(2,)]

    def test_archived_department_that_is_so_is_no_failure(self) -> None:
        """A row about an archived department fails only if it would change it."""
        there = workspace(department("d1", "a", archived=True), agents={"anna": "d1", "bob": ""})
        rows = [unit_row(2, "d1", "a"), agent_row(3, "d1", "anna"), agent_row(4, "d1", "bob")]
        assert codes(planned(rows, there)) == {2: None, 3: None, 4: Code.DEPARTMENT_ARCHIVED}
        assert codes(planned([unit_row(2, "d1", "b")], there)) == {2: Code.DEPARTMENT_ARCHIVED}


class TestParts:
    def test_row_with_both_halves_has_two_changes(self) -> None:
        """A row with a unit and an agent asks for two changes, which different calls may carry."""
        row = Wanted(row=2, department_id="d1", unit_given=True, unit_id="a", agent_id="u-anna", username="anna")
        plan = planned([row], workspace(department("d1"), agents={"anna": ""}))
        assert [(change.part, change.rows) for change in plan.changes] == [("unit", (2,)), ("agent", (2,))]
        assert [type(operation) for operation in plan.operations] == [UnitPost, DepartmentPut]


class TestAgentRoutes:
    THERE = workspace(department("d1", "a"), department("d2"), agents={"anna": "", "bob": "d1", "cem": ""})

    def test_new_agents_of_a_department_are_one_put(self) -> None:
        """All new agents of a department go in one PUT."""
        (put,) = planned([agent_row(2, "d1", "anna"), agent_row(3, "d1", "cem", count=1)], self.THERE).operations
        assert isinstance(put, DepartmentPut)
        assert [change.rows for change in put.changes] == [(2,), (3,)]
        assert put.unit is None

    def test_removal_takes_the_others_along(self) -> None:
        """A removal goes by the agents' own route, which then carries that department's new agents too: one call."""
        rows = [agent_row(2, "d1", "anna"), agent_row(3, "d1", "bob", removes=True), agent_row(4, "d2", "cem")]
        plan = planned(rows, self.THERE)
        assert [(type(operation), len(operation.changes)) for operation in plan.operations] == [(AgentsPost, 2), (DepartmentPut, 1)]
        assert plan.removals == 1

    def test_department_that_lacks_a_field_is_not_put(self) -> None:
        """A stored department without one of the five fields is not given one: its agents go by their own route."""
        bare = msgspec.structs.replace(department("d1"), required={name: FIELDS[name] for name in FIELDS if name != "email"})
        (operation,) = planned([agent_row(2, "d1", "anna")], workspace(bare, agents={"anna": ""})).operations
        assert isinstance(operation, AgentsPost)

    def test_account_that_may_not_change_departments_posts_agents(self) -> None:
        """Who may add agents and not change departments still gets the agents done."""
        (operation,) = planned([agent_row(2, "d1", "anna")], self.THERE, server(without=["manage-livechat-departments"])).operations
        assert isinstance(operation, AgentsPost)

    def test_agent_who_is_stored_twice_is_posted(self) -> None:
        """An agent of whom the department's list has two rows is written by the agents' own route, which can take them out first."""
        twice = msgspec.structs.replace(member("bob", 3, 1), doubled=True)
        there = workspace(department("d1"), agents={"anna": "", "bob": "d1"}, lists={"d1": [twice]})
        (operation,) = planned([agent_row(2, "d1", "anna"), agent_row(3, "d1", "bob", count=3, order=1)], there).operations
        assert isinstance(operation, AgentsPost)
        assert [change.rows for change in operation.changes] == [(2,), (3,)]
        # Who shall only be there is there, however often.
        plan = planned([agent_row(2, "d1", "bob")], there)
        assert (plan.operations, list(plan.settled.values())) == ((), [ALREADY_SO])

    def test_agents_wait_for_posts_that_concern_their_department(self) -> None:
        """A PUT says the department's unit, so it goes out after every unit POST that the department is part of."""
        there = workspace(
            department("d1", "a"), department("d2", "b"), department("d3", "b"), department("d4", "c"), agents={"anna": "", "bob": "d2"}
        )
        rows = [
            unit_row(2, "d1", "b"),
            unit_row(3, "d2", "a"),
            *(agent_row(row, f"d{row - 3}", "anna") for row in (4, 5, 6, 7)),
            agent_row(8, "d2", "bob", removes=True),
        ]
        operations = planned(rows, there).operations
        after = {
            operation.department_id: set(operation.after) for operation in operations if isinstance(operation, DepartmentPut | AgentsPost)
        }
        posts = {operation.id for operation in operations if isinstance(operation, UnitPost)}
        assert posts == {"unit/a", "unit/b", "unit/a/repair"}
        assert after == {"d1": posts, "d2": posts, "d3": {"unit/b"}, "d4": set()}

    def test_numbers_of_the_plan_are_not_needed_for_new_agents(self) -> None:
        """A department's own list was not read where no number is asked for: the agents' list decides."""
        plan = planned([agent_row(2, "d1", "anna"), agent_row(3, "d1", "bob")], self.THERE)
        assert codes(plan) == {3: None}


class TestMirror:
    THERE = workspace(
        department("d1"),
        department("d2"),
        agents={"anna": "d1", "bob": "d1", "cem": "d1 d2"},
        lists={"d1": [member("anna"), member("bob"), member("cem"), member("gone")], "d2": [member("cem")]},
    )

    def test_who_has_no_row_is_removed(self) -> None:
        """In a department for which a row says add, everybody without a row leaves, also who is no agent any more."""
        plan = planned([agent_row(2, "d1", "anna"), agent_row(3, "d1", "cem", removes=True)], self.THERE, choices=MIRROR)
        (operation,) = plan.operations
        leaving = {
            change.agent_id: change.rows for change in operation.changes if isinstance(change, DepartmentAgent) and not change.present
        }
        assert leaving == {"u-bob": (2,), "u-cem": (3,), "u-gone": (2,)}
        assert plan.removals == 3

    def test_department_without_an_add_row_is_left_alone(self) -> None:
        """Rows that only remove, or are about the unit, say nothing about who else is there."""
        plan = planned([agent_row(2, "d1", "anna", removes=True), unit_row(3, "d2", None)], self.THERE, choices=MIRROR)
        assert plan.removals == 1

    def test_add_removes_nobody(self) -> None:
        """Without mirror, agents who are not in the sheet stay."""
        assert planned([agent_row(2, "d1", "anna")], self.THERE).removals == 0

    def test_second_run_changes_nothing(self) -> None:
        """A department that has exactly the sheet's agents needs no call."""
        rows = [agent_row(row, "d1", name) for row, name in enumerate(("anna", "bob", "cem", "gone"), start=2)]
        assert planned(rows, self.THERE, choices=MIRROR).operations == ()


class TestRowsDone:
    THERE = workspace(department("d1"), department("d2", "a"), agents={"anna": "", "bob": ""})

    def test_done_rows_ask_for_nothing(self) -> None:
        """A row that an earlier attempt brought to success asks for nothing; a change that other rows ask for, too, is theirs alone."""
        rows = [agent_row(2, "d1", "anna"), agent_row(3, "d1", "anna"), agent_row(4, "d1", "bob"), unit_row(5, "d2", "b")]
        plan = make_plan(rows, self.THERE, server(), AUTO, done={2, 4})
        assert {change.target[-1]: change.rows for change in plan.changes} == {"u-anna": (3,), "unit": (5,)}

    def test_done_rows_still_say_who_stays(self) -> None:
        """Whom a row that is done has added, ``mirror`` does not remove for another row."""
        there = workspace(department("d1"), agents={"anna": "d1", "bob": ""}, lists={"d1": [member("anna")]})
        plan = make_plan([agent_row(2, "d1", "anna"), agent_row(3, "d1", "bob")], there, server(), MIRROR, done={2})
        assert (plan.removals, [change.rows for change in plan.changes]) == (0, [(3,)])

    def test_rest_that_is_not_permitted_does_not_end_the_job(self) -> None:
        """Of a run that goes on, rows that cannot be done are reported: others are done already."""
        account = server(without=["add-livechat-department-agents"])
        plan = make_plan([agent_row(2, "d1", "anna"), agent_row(3, "d1", "bob")], self.THERE, account, AUTO, done={2})
        assert codes(plan) == {3: Code.AGENTS_NOT_PERMITTED}


class TestUnitRoute:
    THERE = workspace(department("d1", "a"), department("d2", "a"), department("d3"))

    def test_units_are_written_where_the_account_may(self) -> None:
        """With both units' permissions, moves go by one POST for each unit."""
        plan = planned([unit_row(2, "d1", "b"), unit_row(3, "d3", "b")], self.THERE)
        assert [operation.id for operation in plan.operations] == ["unit/b", "unit/a/repair"]

    @pytest.mark.parametrize("missing", ["manage-livechat-units", "manage-livechat-monitors"])
    def test_else_departments_are_put(self, missing: str) -> None:
        """Without one of the two, auto takes the department route: monitors that cannot be read would be wiped."""
        plan = planned([unit_row(2, "d1", "b")], self.THERE, server(without=[missing]))
        (put,) = plan.operations
        assert isinstance(put, DepartmentPut)
        assert put.unit == plan.changes[0]

    def test_route_that_was_asked_for_is_kept_to(self) -> None:
        """--unit-route department takes that route even where the other is open, and --unit-route unit never the other."""
        (put,) = planned([unit_row(2, "d1", "b")], self.THERE, choices=BY_DEPARTMENT).operations
        assert isinstance(put, DepartmentPut)
        account = server(without=["manage-livechat-units"])
        plan = planned([unit_row(2, "d1", "b"), unit_row(3, "d3", None)], self.THERE, account, BY_UNIT)
        assert codes(plan) == {2: Code.UNIT_NOT_PERMITTED, 3: None}
        assert plan.operations == ()

    def test_unit_that_becomes_empty_is_told(self) -> None:
        """The unit route may leave a unit without departments; the plan warns and names it."""
        plan = planned([unit_row(2, "d1", "b"), unit_row(3, "d2", None)], self.THERE)
        assert plan.warnings == ('Unit "A" (a) will be left without departments.',)
        assert planned([unit_row(2, "d1", "b")], self.THERE).warnings == ()
        odd = replace(self.THERE, units={"a": Unit(id="a", name="A\nB", visibility="public")})
        assert planned([unit_row(2, "d1", None), unit_row(3, "d2", None)], odd).warnings == (
            'Unit "A\\nB" (a) will be left without departments.',
        )
        unlisted = replace(self.THERE, units=None)
        assert planned([unit_row(2, "d1", None), unit_row(3, "d2", None)], unlisted).warnings == (
            'Unit "a" will be left without departments.',
        )

    def test_archived_department_fills_a_unit(self) -> None:
        """An archived department stays in its unit and keeps it from being empty, by either route."""
        there = workspace(department("d1", "a"), department("d2", "a", archived=True))
        assert planned([unit_row(2, "d1", "b")], there).warnings == ()
        assert codes(planned([unit_row(2, "d1", "b")], there, choices=BY_DEPARTMENT)) == {}


class TestDepartmentsWithoutAgents:
    """A department that loses its last agent is told of before that happens."""

    THERE = workspace(department("d1"), department("d2"), agents={"anna": "d1 d2", "ben": "d1"})
    WARNED = ('Department "d1" will be left without any agent.',)

    def test_last_agents_leave(self) -> None:
        """The plan warns where everybody leaves, and names the department."""
        rows = [agent_row(2, "d1", "anna", removes=True), agent_row(3, "d1", "ben", removes=True)]
        assert planned(rows, self.THERE).warnings == self.WARNED

    def test_somebody_stays_or_comes(self) -> None:
        """There is nothing to warn of where somebody stays, or somebody else comes."""
        leaving = [agent_row(2, "d1", "anna", removes=True), agent_row(3, "d1", "ben", removes=True)]
        assert planned(leaving[:1], self.THERE).warnings == ()
        there = replace(self.THERE, agents={**self.THERE.agents, "u-cid": Agent(id="u-cid", username="cid", department_ids=frozenset())})
        assert planned([*leaving, agent_row(4, "d1", "cid")], there).warnings == ()

    def test_the_departments_own_list_counts(self) -> None:
        """Where the department's own list was read, it has the say: somebody whom the list of agents does not know may be in it."""
        there = replace(self.THERE, members={"d1": {"u-anna": member("anna"), "u-ben": member("ben"), "u-old": member("old")}})
        rows = [agent_row(2, "d1", "anna", removes=True), agent_row(3, "d1", "ben", removes=True)]
        assert planned(rows, there).warnings == ()
        alone = replace(self.THERE, members={"d1": {"u-anna": member("anna")}})
        assert planned(rows[:1], alone).warnings == self.WARNED


class TestDepartmentRoute:
    def test_last_department_of_a_unit_stays(self) -> None:
        """Of the departments whose moves would empty a unit, the last in the sheet's order fails, and no other."""
        there = workspace(department("d1", "a"), department("d2", "a"), department("d3", "a"))
        rows = [unit_row(2, "d3", "b"), unit_row(3, "d1", None), unit_row(4, "d2", "b")]
        plan = planned(rows, there, choices=BY_DEPARTMENT)
        assert codes(plan) == {4: Code.LAST_DEPARTMENT_IN_UNIT}
        assert [operation.id for operation in plan.operations] == ["department/d3", "department/d1"]
        assert plan.warnings == ()

    def test_unit_that_others_come_into_may_lose_all_it_has(self) -> None:
        """What counts is how the unit will be: departments that come in let the others go, after they have come."""
        there = workspace(department("d1", "a"), department("d2", "b"), department("d3", "b"))
        plan = planned([unit_row(2, "d1", None), unit_row(3, "d2", "a")], there, choices=BY_DEPARTMENT)
        assert codes(plan) == {}
        assert [operation.id for operation in plan.operations] == ["department/d2", "department/d1"]

    def test_exchange_empties_nothing(self) -> None:
        """Two units that exchange their only departments are never empty in the end."""
        there = workspace(department("d1", "a"), department("d2", "b"))
        assert codes(planned([unit_row(2, "d1", "b"), unit_row(3, "d2", "a")], there, choices=BY_DEPARTMENT)) == {}

    def test_one_failure_can_bring_another(self) -> None:
        """A department that has to stay does not come into the unit it was to fill: the last one of that stays too, and so on."""
        there = workspace(department("d1", "a"), department("d2", "b"), department("d3", "c"))
        rows = [unit_row(2, "d3", "d"), unit_row(3, "d2", "c"), unit_row(4, "d1", "b")]
        plan = planned(rows, there, choices=BY_DEPARTMENT)
        assert codes(plan) == {2: Code.LAST_DEPARTMENT_IN_UNIT, 3: Code.LAST_DEPARTMENT_IN_UNIT, 4: Code.LAST_DEPARTMENT_IN_UNIT}

    @settings(deadline=None)
    @given(st.lists(st.tuples(*[st.none() | st.sampled_from("abcd")] * 2), max_size=10), st.randoms(use_true_random=False))
    def test_no_unit_is_emptied_and_no_row_fails_in_vain(self, places: list[tuple[str | None, str | None]], dice: object) -> None:
        """Whatever the moves, no unit ends empty; and each one that fails is the last in the sheet of those that would leave its unit."""
        there = workspace(*(department(f"d{number}", old) for number, (old, _) in enumerate(places)))
        rows = [unit_row(number, f"d{number}", new) for number, (_, new) in enumerate(places)]
        plan = planned(rows, there, choices=BY_DEPARTMENT)
        stays = {row for row, code in codes(plan).items() if code is Code.LAST_DEPARTMENT_IN_UNIT}
        after = {number: old if number in stays else new for number, (old, new) in enumerate(places)}
        assert {old for old, _ in places if old} <= set(after.values())
        for number in stays:
            unit = places[number][0]
            assert [other for other, now in after.items() if now == unit] == [number]
            assert number == max(other for other, (old, _) in enumerate(places) if old == unit)

    def test_department_that_lacks_a_field_is_rejected_unsent(self) -> None:
        """A PUT must carry the five fields: a department that lacks one keeps its unit, the message names the field, its agents go on."""
        bare = msgspec.structs.replace(department("d1", "a"), required={name: FIELDS[name] for name in FIELDS if name != "email"})
        there = workspace(bare, department("d2", "a"), agents={"anna": ""})
        plan = planned([unit_row(2, "d1", "b"), agent_row(3, "d1", "anna")], there, choices=BY_DEPARTMENT)
        ((change, outcome),) = plan.settled.items()
        assert (change.rows, outcome.code, outcome.said) == (
            (2,),
            Code.REJECTED,
            "the department has no email on the server, and no change can be sent without it",
        )
        assert [type(operation) for operation in plan.operations] == [AgentsPost]

    def test_one_put_carries_unit_and_agents(self) -> None:
        """A department's unit and its new agents go in one PUT; with a removal, the agents follow by their own route."""
        there = workspace(department("d1"), agents={"anna": "", "bob": "d1"})
        both = [unit_row(2, "d1", "b"), agent_row(3, "d1", "anna")]
        (put,) = planned(both, there, choices=BY_DEPARTMENT).operations
        assert len(put.changes) == 2
        put, post = planned([*both, agent_row(4, "d1", "bob", removes=True)], there, choices=BY_DEPARTMENT).operations
        assert isinstance(put, DepartmentPut)
        assert (put.agents, len(post.changes), post.after) == ((), 2, (put.id,))


class TestPermissions:
    THERE = workspace(department("d1"), department("d2", "a"), agents={"anna": "", "bob": "d1"})

    def test_agents_need_their_permission_by_any_route(self) -> None:
        """Without add-livechat-department-agents, rows that add, change or remove an agent fail unsent; the others go on."""
        rows = [
            unit_row(2, "d1", "a"),
            agent_row(3, "d1", "anna"),
            agent_row(4, "d1", "bob", removes=True),
            agent_row(5, "d1", "bob", count=1),
        ]
        plan = planned(rows[:3], self.THERE, server(without=["add-livechat-department-agents"]))
        assert codes(plan) == {3: Code.AGENTS_NOT_PERMITTED, 4: Code.AGENTS_NOT_PERMITTED}
        assert [operation.id for operation in plan.operations] == ["unit/a"]

    def test_units_need_one_of_two_ways(self) -> None:
        """Where both routes are closed, rows that move a department fail unsent with all that is missing; the others go on."""
        account = server(without=["manage-livechat-units", "manage-livechat-departments"])
        plan = planned([unit_row(2, "d1", "a"), agent_row(3, "d1", "anna")], self.THERE, account)
        assert codes(plan) == {2: Code.UNIT_NOT_PERMITTED}
        assert "manage-livechat-departments" in plan.settled[plan.changes[0]].said

    def test_role_that_the_server_ignores_is_no_way(self) -> None:
        """An account with the permission and none of the three roles would be ignored without a word."""
        account = server(without=["manage-livechat-units"], roles=["clerk"])
        assert codes(planned([unit_row(2, "d1", "a"), agent_row(3, "d1", "anna")], self.THERE, account)) == {2: Code.UNIT_NOT_PERMITTED}

    @pytest.mark.parametrize(
        "rows",
        [
            [agent_row(2, "d1", "anna")],
            # A row is done only if both its halves are.
            [replace(agent_row(2, "d1", "anna"), unit_given=True, unit_id="a"), agent_row(3, "d1", "bob", removes=True)],
            [replace(agent_row(2, "d2", "anna"), unit_given=True, unit_id="a")],
        ],
    )
    def test_no_row_can_be_done(self, rows: list[Wanted]) -> None:
        """Where every row needs what the account lacks, the job ends with 77 before the first write and names it."""
        with pytest.raises(Stop, match="add-livechat-department-agents") as stopped:
            make_plan(rows, self.THERE, server(without=["add-livechat-department-agents"]), AUTO)
        assert stopped.value.exit_code is Exit.NO_PERMISSION

    def test_one_row_that_is_so_already_is_enough_to_go_on(self) -> None:
        """One row that is done, if only because it is so already, is a report worth having."""
        rows = [agent_row(2, "d1", "anna"), agent_row(3, "d1", "bob")]
        assert codes(planned(rows, self.THERE, server(without=["add-livechat-department-agents"]))) == {
            2: Code.AGENTS_NOT_PERMITTED,
            3: None,
        }

    @pytest.mark.parametrize(("without", "choices"), [(["manage-livechat-units"], AUTO), ([], BY_DEPARTMENT)])
    def test_old_server_without_the_unit_route(self, without: list[str], choices: Choices) -> None:
        """Before 6.13 only the unit route changes a unit: where it is not to be had, that is said before the first write (77)."""
        rows = [unit_row(2, "d1", "a"), agent_row(3, "d1", "anna")]
        with pytest.raises(Stop, match=r"6\.12 .* Nothing was sent") as stopped:
            make_plan(rows, self.THERE, server(without=without, version=(6, 12)), choices)
        assert stopped.value.exit_code is Exit.NO_PERMISSION
        # Where no unit changes, there is nothing to refuse.
        settled = [unit_row(2, "d2", "a"), agent_row(3, "d1", "anna")]
        assert len(planned(settled, self.THERE, server(without=without, version=(6, 12)), choices).operations) == 1

    def test_old_server_with_the_unit_route(self) -> None:
        """Before 6.13 units are written whole as on any server."""
        (post,) = planned([unit_row(2, "d1", "a")], self.THERE, server(version=(6, 0))).operations
        assert isinstance(post, UnitPost)


class TestWhole:
    @settings(deadline=None)
    @given(st.data())
    def test_operations_leave_the_workspace_as_the_changes_want_it(self, data: st.DataObject) -> None:
        """Carried out on paper, the operations bring about every change that is not settled otherwise, and nothing else."""
        names, agents, units = [f"d{number}" for number in range(4)], ["anna", "bob", "cem"], [None, "a", "b"]
        there = {name: data.draw(st.sampled_from(units)) for name in names}
        lists = {name: data.draw(st.sets(st.sampled_from(agents))) for name in names}
        rows: list[Wanted] = []
        for name, unit in data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(units))).items():
            rows.append(unit_row(len(rows) + 2, name, unit))
        pairs = st.tuples(st.sampled_from(names), st.sampled_from(agents))
        for (name, agent), removes in data.draw(st.dictionaries(pairs, st.booleans())).items():
            rows.append(agent_row(len(rows) + 2, name, agent, removes=removes))
        choices = Choices(agents=data.draw(st.sampled_from(["add", "mirror"])), unit_route=data.draw(st.sampled_from(["auto", "unit"])))
        before = workspace(
            *(department(name, unit) for name, unit in there.items()),
            agents={agent: " ".join(name for name in names if agent in lists[name]) for agent in agents},
            lists={name: [member(agent) for agent in sorted(found)] for name, found in lists.items()},
        )
        plan = planned(rows, before, choices=choices)

        wanted_units, wanted_lists = dict(there), {name: set(found) for name, found in lists.items()}
        for row in rows:
            if row.about_unit:
                wanted_units[row.department_id or ""] = row.unit_id
            elif row.removes:
                wanted_lists[row.department_id or ""].discard(row.username)
        for name in names:
            adds = {row.username for row in rows if row.department_id == name and row.agent_id and not row.removes}
            wanted_lists[name] = adds if choices.agents == "mirror" and adds else wanted_lists[name] | adds
        for operation in plan.operations:
            for change in operation.changes:
                _carry_out(change, there, lists)
        assert (there, lists) == (wanted_units, wanted_lists)


def _carry_out(change: Change, units: dict[str, str | None], lists: dict[str, set[str]]) -> None:
    if isinstance(change, DepartmentUnit):
        assert units[change.department_id] != change.unit_id
        units[change.department_id] = change.unit_id
    elif isinstance(change, DepartmentAgent):
        assert (change.username in lists[change.department_id]) != change.present
        (lists[change.department_id].add if change.present else lists[change.department_id].remove)(change.username)


def test_changes_that_fail_unsent_say_so() -> None:
    """Whatever fails without a call is a failure without figures."""
    plan = planned([unit_row(2, "d1", "a"), unit_row(3, "d2", None)], workspace(department("d1", archived=True), department("d2", "a")))
    outcome = plan.settled[plan.changes[0]]
    assert (outcome.status, outcome.attempts, outcome.http_status, outcome.seconds) == (Status.FAILED, None, None, None)
