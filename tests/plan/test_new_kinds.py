"""What has to be sent for fields, monitors and new units, in as few calls as there can be, and what an account may not do of it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import pytest

from bulkjob.changes.change import ALREADY_SO, Outcome
from bulkjob.changes.department_field import DepartmentField
from bulkjob.changes.new_unit import NewUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Plan, UnitCreate, UnitPost
from bulkjob.changes.unit_field import UnitField
from bulkjob.changes.unit_monitor import UnitMonitor
from bulkjob.plan.decide import make_plan
from bulkjob.plan.wanted import Wanted
from bulkjob.records.naming import new_unit
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Agent, Department, Monitor, Unit, Workspace
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Exit, Status, Stop

FIELDS = {"name": "Sales", "email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
DEPARTMENTS, AGENTS, UNITS, MONITORS = (
    "manage-livechat-departments",
    "add-livechat-department-agents",
    "manage-livechat-units",
    "manage-livechat-monitors",
)
AUTO, BY_DEPARTMENT = Choices(), Choices(unit_route="department")
WEST = new_unit("West")
HOLDERS = {f"u-{name}": Monitor(id=f"u-{name}", username=name) for name in ("mo", "mia", "max")}


def server(*, without: Iterable[str] = (), version: tuple[int, int] = (7, 0), roles: Iterable[str] = ("livechat-manager",)) -> Server:
    return Server(
        version=Version(*version),
        version_text=f"{version[0]}.{version[1]}",
        account=Account(id="me", username="me", roles=frozenset(roles)),
        permissions=frozenset({DEPARTMENTS, AGENTS, UNITS, MONITORS} - set(without)),
        modules=frozenset({"livechat-enterprise"}),
    )


def department(identifier: str, parent_id: str | None = None, *, archived: bool = False, without: Iterable[str] = ()) -> Department:
    required = {name: value for name, value in FIELDS.items() if name not in without}
    return Department(id=identifier, name="Sales", parent_id=parent_id, archived=archived, required=required)


def workspace(*departments: Department) -> Workspace:
    """Units ``a`` to ``c``, of which ``a`` is monitored by ``mo``; ``bob`` is in ``d1``."""
    return Workspace(
        departments={each.id: each for each in departments},
        units={unit: Unit(id=unit, name=unit.upper(), visibility="public") for unit in ("a", "b", "c")},
        agents={
            f"u-{name}": Agent(id=f"u-{name}", username=name, department_ids=frozenset(where))
            for name, where in (("ann", ()), ("bob", ("d1",)), ("cid", ()))
        },
        monitors={"a": {"u-mo": HOLDERS["u-mo"]}, "b": {}, "c": {}},
        role_holders=HOLDERS,
    )


THERE = workspace(department("d1", "a"), department("d2", "a"), department("d3", "b"), department("d4"))


def row(number: int, department_id: str | None = None, **what: Any) -> Wanted:
    return replace(Wanted(row=number, department_id=department_id), **what)


def to(number: int, department_id: str, unit_id: str | None) -> Wanted:
    return row(number, department_id, unit_given=True, unit_id=unit_id)


def agent(number: int, department_id: str, name: str, *, removes: bool = False) -> Wanted:
    return row(number, department_id, agent_id=f"u-{name}", username=name, removes=removes)


def fields(number: int, department_id: str, **values: str | bool) -> Wanted:
    return row(number, department_id, department_fields=tuple(values.items()))


def unit(number: int, unit_id: str, monitor: str = "", *, removes: bool = False, **values: str) -> Wanted:
    return row(
        number,
        unit_given=True,
        unit_id=unit_id,
        monitor_id=f"u-{monitor}" if monitor else None,
        monitor_name=monitor,
        removes=removes,
        unit_fields=tuple(values.items()),
    )


def planned(rows: Iterable[Wanted], there: Workspace = THERE, account: Server | None = None, choices: Choices = AUTO) -> Plan:
    plan = make_plan(rows, there, account or server(), choices)
    carried = [change for operation in plan.operations for change in operation.changes]
    # Of every plan: each change is settled or carried, exactly once.
    assert sorted(map(repr, (*carried, *plan.settled))) == sorted(map(repr, plan.changes))
    return plan


def ids(plan: Plan) -> list[str]:
    return [operation.id for operation in plan.operations]


def codes(plan: Plan) -> dict[int, Code | None]:
    """Row → the code of what is settled of it."""
    return {row: outcome.code for change, outcome in plan.settled.items() for row in change.rows}


class TestFewestCalls:
    def test_department_with_fields_two_agents_and_a_removal(self) -> None:
        """A department with new fields, two new agents and a removal is two calls: the fields, then the agents."""
        rows = [
            fields(2, "d1", name="Vertrieb", enabled=False, description="x"),
            agent(3, "d1", "ann"),
            agent(4, "d1", "cid"),
            agent(5, "d1", "bob", removes=True),
        ]
        put, post = planned(rows).operations
        assert isinstance(put, DepartmentPut)
        assert isinstance(post, AgentsPost)
        assert (len(put.fields), put.agents, len(post.changes), post.after) == (3, (), 3, (put.id,))

    def test_department_with_fields_agents_and_a_unit(self) -> None:
        """Without a removal all of it is one call on the department route, and on the unit route two, as the unit is written whole."""
        rows = [fields(2, "d4", name="Vertrieb"), agent(3, "d4", "ann"), to(4, "d4", "b")]
        (put,) = planned(rows, choices=BY_DEPARTMENT).operations
        assert isinstance(put, DepartmentPut)
        assert len(put.changes) == 3
        assert ids(planned(rows)) == ["unit/b", "department/d4"]

    def test_unit_with_moves_a_new_name_and_three_monitors(self) -> None:
        """A unit with moves, a new name, a visibility and three monitors is one call."""
        rows = [
            to(2, "d4", "a"),
            unit(3, "a", name="Europe", visibility="private"),
            unit(4, "a", "mia"),
            unit(5, "a", "max"),
            unit(6, "a", "mo", removes=True),
        ]
        (post,) = planned(rows).operations
        assert isinstance(post, UnitPost)
        assert [type(change).__name__ for change in post.changes] == ["DepartmentUnit", *["UnitMonitor"] * 3, *["UnitField"] * 2]

    @pytest.mark.parametrize("choices", [AUTO, BY_DEPARTMENT])
    def test_unit_that_is_only_renamed(self, choices: Choices) -> None:
        """A unit that is only renamed is one call, whatever route departments take."""
        assert ids(planned([unit(2, "a", name="Europe")], choices=choices)) == ["unit/a"]

    def test_what_is_so_needs_none(self) -> None:
        """Fields, names and monitors that are so already need no call."""
        rows = [
            fields(2, "d1", name="Sales", enabled=True, description=""),
            unit(3, "a", "mo", name="A", visibility="public"),
            unit(4, "b", "mo", removes=True),
        ]
        plan = planned(rows)
        assert (plan.operations, set(plan.settled.values())) == ((), {ALREADY_SO})


class TestNewUnits:
    ROWS = (
        to(2, "d1", WEST),
        to(3, "d3", WEST),
        to(4, "d4", WEST),
        unit(5, WEST, "mia"),
        unit(6, WEST, visibility="private"),
    )

    @pytest.mark.parametrize("choices", [AUTO, BY_DEPARTMENT])
    def test_one_call_first_and_losing_units_after_it(self, choices: Choices) -> None:
        """A new unit with departments, monitors and visibility is one call; the units that lose to it come after, on either route."""
        create, *others = planned(self.ROWS, choices=choices).operations
        assert isinstance(create, UnitCreate)
        assert isinstance(create.changes[0], NewUnit)
        assert (len(create.changes), create.after) == (6, ())
        assert [(other.id, other.after) for other in others] == [("unit/a/repair", (create.id,)), ("unit/b/repair", (create.id,))]
        assert [other.lost for other in others if isinstance(other, UnitPost)] == [{"d1"}, {"d3"}]

    def test_moves_beside_it(self) -> None:
        """On the department route other moves are puts of their own; those of units that lose departments are written at the end."""
        there = replace(THERE, departments={**THERE.departments, "d5": department("d5", "a")})
        plan = planned([*self.ROWS, to(7, "d2", "c")], there, choices=BY_DEPARTMENT)
        create, *others = ids(plan)
        assert create == f"unit/{WEST}"
        assert sorted(others) == ["department/d2", "unit/a/repair", "unit/b/repair"]
        repairs = {operation.id: operation.after for operation in plan.operations if isinstance(operation, UnitPost)}
        assert set(repairs["unit/a/repair"]) == {create, "department/d2"}

    def test_department_whose_agents_change_too(self) -> None:
        """A department that comes to a new unit is put only when that is made, and its old one written."""
        put = planned([to(2, "d1", WEST), agent(3, "d1", "ann")]).operations[-1]
        assert isinstance(put, DepartmentPut)
        assert set(put.after) == {f"unit/{WEST}", "unit/a/repair"}

    def test_last_department_may_leave_for_it(self) -> None:
        """By the making of a unit even the last department of another can leave; moves by the other route see that it is gone."""
        plan = planned([to(2, "d3", WEST)], choices=BY_DEPARTMENT)
        assert codes(plan) == {}
        there = workspace(department("d1", "a"), department("d2", "a"))
        plan = planned([to(2, "d1", WEST), to(3, "d2", "b")], there, choices=BY_DEPARTMENT)
        assert codes(plan) == {3: Code.LAST_DEPARTMENT_IN_UNIT}

    def test_each_is_made_once(self) -> None:
        """Two new units are two calls, which wait for nothing."""
        plan = planned([to(2, "d1", WEST), to(3, "d2", new_unit("East")), to(4, "d4", WEST)])
        creates = [operation for operation in plan.operations if isinstance(operation, UnitCreate)]
        assert [(create.unit_id, len(create.changes), create.after) for create in creates] == [(WEST, 3, ()), (new_unit("East"), 2, ())]

    def test_unit_of_which_nothing_can_be_done(self) -> None:
        """A unit is not made where nothing that is asked of it can be done: it would stay empty."""
        there = workspace(department("d1", "a", archived=True), department("d2"))
        plan = planned([to(2, "d1", WEST), to(3, "d2", "b")], there)
        assert (ids(plan), codes(plan)) == (["unit/b"], {2: Code.DEPARTMENT_ARCHIVED})

    def test_before_department_unit_was_known(self) -> None:
        """Before 6.13 units are made as on any server."""
        assert ids(planned([to(2, "d4", WEST)], account=server(version=(6, 0)))) == [f"unit/{WEST}"]


class TestFieldsBesideMoves:
    def test_by_the_department_route_they_come_after(self) -> None:
        """Beside moves by the department route a unit's own call comes after every put of a department that leaves it or comes to it."""
        rows = [unit(2, "a", name="Europe"), to(3, "d1", "b"), to(4, "d3", "a"), to(5, "d4", "c"), fields(6, "d2", enabled=False)]
        plan = planned(rows, choices=BY_DEPARTMENT)
        (post,) = [operation for operation in plan.operations if isinstance(operation, UnitPost)]
        assert post.id == "unit/a"
        assert set(post.after) == {"department/d1", "department/d3", "department/d2"}

    def test_by_the_unit_route_puts_come_after(self) -> None:
        """By the unit route a department's put, which says its unit, comes after the write of that unit."""
        put = planned([unit(2, "a", name="Europe"), fields(3, "d1", enabled=False)]).operations[-1]
        assert (put.id, put.after) == ("department/d1", ("unit/a",))


class TestPermissions:
    EVERYTHING = (
        agent(2, "d1", "ann"),
        fields(3, "d1", enabled=False),
        to(4, "d2", "b"),
        unit(5, "b", "mia"),
        unit(6, "c", name="C 2"),
        unit(7, "c", visibility="private"),
        to(8, "d4", WEST),
        unit(9, WEST, "mia"),
        unit(10, WEST, visibility="private"),
    )

    @pytest.mark.parametrize(
        ("without", "expected"),
        [
            ([], {}),
            ([AGENTS], {2: Code.AGENTS_NOT_PERMITTED}),
            ([DEPARTMENTS], {3: Code.DEPARTMENT_NOT_PERMITTED}),
            ([UNITS], dict.fromkeys((5, 6, 7, 8, 9, 10), Code.UNIT_NOT_PERMITTED)),
            # Who cannot read monitors cannot write a unit that is there, but can make one without any.
            ([MONITORS], dict.fromkeys((5, 6, 7, 9), Code.UNIT_NOT_PERMITTED)),
            ([UNITS, DEPARTMENTS], {3: Code.DEPARTMENT_NOT_PERMITTED} | dict.fromkeys((4, 5, 6, 7, 8, 9, 10), Code.UNIT_NOT_PERMITTED)),
        ],
    )
    def test_each_that_is_missing(self, without: list[str], expected: dict[int, Code]) -> None:
        """Rows that need what the account lacks fail unsent with the code that says which, and the rest goes on."""
        plan = planned(self.EVERYTHING, account=server(without=without))
        assert codes(plan) == expected
        assert {row for operation in plan.operations for change in operation.changes for row in change.rows} >= set(range(2, 11)) - set(
            expected
        ) - {4}

    def test_missing_permission_is_named(self) -> None:
        """What is settled so says which permission is missing."""
        for permission, kind in ((UNITS, UnitField), (MONITORS, UnitMonitor), (UNITS, NewUnit)):
            plan = planned(self.EVERYTHING, account=server(without=[permission]))
            said = {outcome.said for change, outcome in plan.settled.items() if isinstance(change, kind)}
            assert said
            assert all(permission in text for text in said)

    @pytest.mark.parametrize(
        ("wanted", "permission"),
        [
            (agent(2, "d1", "ann"), AGENTS),
            (fields(2, "d1", enabled=False), DEPARTMENTS),
            (unit(2, "a", name="x"), UNITS),
            (unit(2, "a", "mia"), MONITORS),
            (to(2, "d4", WEST), UNITS),
        ],
    )
    def test_no_row_can_be_done(self, wanted: Wanted, permission: str) -> None:
        """Where no row can be done, the job ends with 77 before the first write and names just what is missing."""
        with pytest.raises(Stop) as stopped:
            make_plan([wanted], THERE, server(without=[permission]), AUTO)
        assert stopped.value.exit_code is Exit.NO_PERMISSION
        assert {name for name in (DEPARTMENTS, AGENTS, UNITS, MONITORS) if name in stopped.value.message} == {permission}

    def test_agents_of_a_department_whose_fields_may_not_change(self) -> None:
        """Who may add agents and not change departments still gets the agents done, by their own route."""
        plan = planned([fields(2, "d1", enabled=False), agent(3, "d1", "ann")], account=server(without=[DEPARTMENTS]))
        assert (ids(plan), codes(plan)) == (["agents/d1"], {2: Code.DEPARTMENT_NOT_PERMITTED})

    def test_account_that_is_restricted_to_its_own_units(self) -> None:
        """An account that is restricted to its own units makes none, and changes nothing of those of others."""
        there = replace(THERE, outside=frozenset({"c"}))
        account = server(roles=["livechat-monitor"])
        plan = planned([unit(2, "a", name="x"), unit(3, "c", name="y"), to(4, "d4", WEST), unit(5, WEST, "mia")], there, account)
        assert codes(plan) == dict.fromkeys((3, 4, 5), Code.UNIT_NOT_PERMITTED)
        assert ids(plan) == ["unit/a"]

    def test_without_a_list_of_monitors(self) -> None:
        """Where nobody knows who holds the role, rows with a monitor fail, and those about the unit's name go on."""
        plan = planned([unit(2, "a", "mia"), unit(3, "a", name="x")], replace(THERE, role_holders=None))
        assert codes(plan) == {2: Code.UNIT_NOT_PERMITTED}
        assert ids(plan) == ["unit/a"]

    def test_without_units(self) -> None:
        """Without a licence for units, nothing of a unit can be changed, and the departments' fields can."""
        account = replace(server(), modules=frozenset())
        plan = planned([fields(2, "d1", enabled=False), unit(3, "a", name="x"), unit(4, "a", "mia"), to(5, "d4", WEST)], account=account)
        assert codes(plan) == dict.fromkeys((3, 4, 5), Code.UNIT_NOT_PERMITTED)


class TestMissingFields:
    def test_supplied_by_the_sheet(self) -> None:
        """What a stored department lacks of the five fields the sheet may supply: then the one call carries it, and the agents too."""
        there = workspace(department("d1", "a", without=["email", "enabled"]))
        (put,) = planned([fields(2, "d1", email="b@x", enabled=True), fields(3, "d1", name="x"), agent(4, "d1", "ann")], there).operations
        assert isinstance(put, DepartmentPut)
        assert (len(put.fields), len(put.agents)) == (3, 1)

    def test_still_lacking_one(self) -> None:
        """If one is still lacking, its fields fail unsent, naming that one only; agents and the unit go on by other ways."""
        there = workspace(department("d1", "a", without=["email", "enabled"]))
        plan = planned([fields(2, "d1", enabled=True), fields(3, "d1", description="x"), agent(4, "d1", "ann"), to(5, "d1", "b")], there)
        assert codes(plan) == dict.fromkeys((2, 3), Code.REJECTED)
        said = {outcome.said for change, outcome in plan.settled.items() if isinstance(change, DepartmentField)}
        assert said == {"the department has no email on the server, and no change can be sent without it"}
        assert ids(plan) == ["unit/b", "unit/a/repair", "agents/d1"]

    def test_supplied_for_a_move(self) -> None:
        """A move by the department route is possible where the sheet supplies what is lacking, and else is rejected with the fields."""
        there = workspace(department("d1", "a", without=["email"]), department("d2", "a"))
        (put,) = planned([fields(2, "d1", email="b@x"), to(3, "d1", "b")], there, choices=BY_DEPARTMENT).operations
        assert len(put.changes) == 2
        plan = planned([fields(2, "d1", enabled=False), to(3, "d1", "b")], there, choices=BY_DEPARTMENT)
        assert codes(plan) == dict.fromkeys((2, 3), Code.REJECTED)

    def test_rows_that_are_done(self) -> None:
        """A row that an earlier attempt brought to success asks for nothing; what other rows ask for, too, is theirs alone."""
        rows = [fields(2, "d1", enabled=False), fields(3, "d1", enabled=False), unit(4, "a", "mia"), to(5, "d4", WEST), to(6, "d4", WEST)]
        plan = make_plan(rows, THERE, server(), AUTO, done={2, 4, 5})
        assert {type(change).__name__: change.rows for change in plan.changes} == {
            "DepartmentField": (3,),
            "NewUnit": (6,),
            "DepartmentUnit": (6,),
        }


class TestUnitThatIsGone:
    GONE: Final = Outcome(status=Status.FAILED, code=Code.REJECTED, said="the unit is no longer there")

    @pytest.mark.parametrize("choices", [AUTO, BY_DEPARTMENT, Choices(unit_route="unit")])
    def test_nothing_is_sent_for_it(self, choices: Choices) -> None:
        """Neither moves into it nor what is about itself; both routes decide alike."""
        plan = planned([to(2, "d1", "gone"), unit(3, "gone", "mia"), unit(4, "gone", visibility="private")], choices=choices)
        assert plan.operations == ()
        assert set(plan.settled.values()) == {self.GONE}

    def test_what_is_in_it_by_the_servers_word_is_so(self) -> None:
        """A department that still names a unit that is gone needs no move into it."""
        there = workspace(department("d1", "gone"))
        assert set(planned([to(2, "d1", "gone")], there).settled.values()) == {ALREADY_SO}

    def test_not_listed_is_not_gone(self) -> None:
        """Where the list may lack units, or nobody knows whether it does, a move is tried."""
        partial = replace(THERE, all_units=False)
        account = server(without=(UNITS,))
        plan = planned([to(2, "d4", "unlisted"), unit(3, "unlisted", "mia")], partial, account)
        assert ids(plan) == ["department/d4"]
        assert [(outcome.code, outcome.said) for outcome in plan.settled.values()] == [
            (Code.UNIT_NOT_PERMITTED, f"the account lacks the permission {UNITS}")
        ]
        untold = replace(server(), permissions=None)
        assert ids(planned([to(2, "d4", "unlisted")], account=untold, choices=BY_DEPARTMENT)) == ["department/d4"]

    def test_monitors_that_the_server_did_not_tell(self) -> None:
        """An account is not said to lack what it has."""
        plan = planned([unit(2, "a", "mia"), to(3, "d4", "b")], replace(THERE, monitors={}))
        (outcome,) = plan.settled.values()
        assert (outcome.code, outcome.said) == (Code.UNIT_NOT_PERMITTED, "the server did not tell who monitors the unit")
