"""What rows contradict each other in, once names are ids."""

from dataclasses import replace
from typing import Any

import pytest

from bulkjob.plan.contradictions import Contradiction, contradictions
from bulkjob.plan.resolve import resolve_names
from bulkjob.plan.wanted import Wanted
from bulkjob.records.naming import Naming, new_unit
from bulkjob.records.workspace import Agent, Department, Monitor, Unit, Workspace
from bulkjob.sheet import check, parse
from bulkjob.vocabulary import Code

THERE = Workspace(
    departments={
        each: Department(id=each, name=name, parent_id=None, archived=False) for each, name in (("d1", "Sales"), ("d2", "Support"))
    },
    units={each: Unit(id=each, name=name, visibility="public") for each, name in (("u1", "EMEA"), ("u2", "APAC"))},
    agents={each: Agent(id=each, username=name, department_ids=frozenset()) for each, name in (("a1", "anna"), ("a2", "bob"))},
    monitors={"u1": {}, "u2": {}},
    role_holders={"m1": Monitor(id="m1", username="mo")},
)


def row(number: int, **what: Any) -> Wanted:
    return replace(Wanted(row=number), **what)


def found(*rows: Wanted) -> list[Contradiction]:
    return list(contradictions(rows, Naming(THERE)))


def unit(number: int, unit_id: str | None, department: str = "d1") -> Wanted:
    return row(number, department_id=department, unit_given=True, unit_id=unit_id)


def agent(number: int, agent_id: str = "a1", /, **what: Any) -> Wanted:
    return row(number, department_id="d1", agent_id=agent_id, username="anna", **what)


def monitor(number: int, unit_id: str = "u1", **what: Any) -> Wanted:
    return row(number, unit_given=True, unit_id=unit_id, monitor_id="m1", monitor_name="mo", **what)


class TestUnits:
    def test_two_units(self) -> None:
        """A department is given two units, or one and none: all its rows that name a unit contradict each other, once."""
        (one,) = found(unit(2, "u1"), unit(3, "u2"), unit(4, None), row(5, department_id="d1"))
        assert (one.rows, one.code, one.column) == ((2, 3, 4), Code.CONFLICTING_UNIT, "unit")
        for text in ('Department "Sales" (d1)', '"EMEA" (u1), "APAC" (u2) and none', "rows 2, 3 and 4"):
            assert text in one.message

    def test_agreement(self) -> None:
        """The same unit twice, a blank one, and other departments' units contradict nothing."""
        assert found(unit(2, "u1"), unit(3, "u1"), row(4, department_id="d1"), unit(5, "u2", "d2")) == []

    def test_new_units(self) -> None:
        """Units that are to be made are units: two of them contradict, two spellings of one do not."""
        (one,) = found(unit(2, new_unit("West")), unit(3, new_unit("East")))
        assert '"West" (new) and "East" (new)' in one.message
        assert found(unit(2, new_unit("West")), unit(3, new_unit("West"))) == []

    def test_rows_about_units_only(self) -> None:
        """Rows without a department put nothing anywhere."""
        assert found(monitor(2, "u1"), monitor(3, "u2")) == []


class TestAgents:
    def test_added_and_removed(self) -> None:
        """The same agent of a department cannot come and go."""
        (one,) = found(agent(2), agent(3, removes=True))
        assert (one.rows, one.code, one.column) == ((2, 3), Code.CONFLICTING_AGENT, "action")

    @pytest.mark.parametrize("column", ["count", "order"])
    def test_numbers(self, column: str) -> None:
        """Two counts, or two orders, contradict each other; a blank one agrees with any, and its row is not among them."""
        (one,) = found(agent(2, **{column: 1}), agent(3), agent(4, **{column: 2}))
        assert (one.rows, one.column) == ((2, 4), column)
        assert f"different {column}s, 1 and 2," in one.message
        assert found(agent(2, count=1), agent(3, order=1), agent(4)) == []

    def test_others(self) -> None:
        """Different agents, and the same one of different departments, have nothing to do with each other."""
        assert found(agent(2), agent(3, "a2", removes=True), replace(agent(4, removes=True), department_id="d2")) == []


class TestMonitors:
    def test_added_and_removed(self) -> None:
        """The same monitor of a unit cannot come and go, whatever the rows call both."""
        (one,) = found(monitor(2), monitor(3, removes=True), monitor(4))
        assert (one.rows, one.code, one.column) == ((2, 3, 4), Code.CONFLICTING_MONITOR, "action")
        assert "@mo (m1)" in one.message
        assert '"EMEA" (u1)' in one.message

    def test_action_of_an_agent(self) -> None:
        """In a row with an agent the action is about the agent: the monitor comes."""
        both = replace(agent(3, removes=True), unit_given=True, unit_id="u1", monitor_id="m1", monitor_name="mo")
        assert found(monitor(2), both) == []
        assert found(monitor(2), monitor(3, "u2", removes=True)) == []


class TestValues:
    @pytest.mark.parametrize(
        ("first", "second", "column"),
        [
            (("name", "A"), ("name", "a"), "new department name"),
            (("enabled", True), ("enabled", False), "department enabled"),
            (("email", "a@x"), ("email", "b@x"), "department email"),
            (("description", ""), ("description", "x"), "department description"),
            (("showOnRegistration", True), ("showOnRegistration", False), "department show on registration"),
            (("showOnOfflineForm", True), ("showOnOfflineForm", False), "department show on offline form"),
        ],
    )
    def test_department(self, first: tuple[str, str | bool], second: tuple[str, str | bool], column: str) -> None:
        """Two values in one column about a department contradict each other, to the letter; rows with a blank are not among them."""
        rows = [
            row(2, department_id="d1", department_fields=(first,)),
            row(3, department_id="d1"),
            row(4, department_id="d1", department_fields=(second,)),
        ]
        (one,) = found(*rows)
        assert (one.rows, one.code, one.column) == ((2, 4), Code.CONFLICTING_VALUE, column)
        assert 'department "Sales" (d1)' in one.message
        assert found(rows[0], replace(rows[0], row=5), replace(rows[2], department_id="d2")) == []

    @pytest.mark.parametrize(("field", "column"), [("name", "new unit name"), ("visibility", "unit visibility")])
    def test_unit(self, field: str, column: str) -> None:
        """The same of a unit, be it one that is to be made."""
        for unit_id in ("u1", new_unit("West")):
            rows = [row(number, unit_given=True, unit_id=unit_id, unit_fields=((field, value),)) for number, value in ((2, "x"), (3, "y"))]
            (one,) = found(*rows)
            assert (one.rows, one.code, one.column) == ((2, 3), Code.CONFLICTING_VALUE, column)
            assert found(rows[0], replace(rows[1], unit_id="u2")) == []

    def test_no_description_twice(self) -> None:
        """A dash and a dash agree: both ask for no description."""
        rows = [row(number, department_id="d1", department_fields=(("description", ""),)) for number in (2, 3)]
        assert found(*rows) == []


class TestByIds:
    @pytest.mark.parametrize(
        ("text", "code", "rows"),
        [
            ("department;unit\nSales;EMEA\nd1;APAC\n", Code.CONFLICTING_UNIT, [2, 3]),
            ("department;agent;action\nSales;anna;\nsales;a1;remove\n", Code.CONFLICTING_AGENT, [2, 3]),
            ("unit;unit monitor;action\nEMEA;@mo;\nu1;m1;remove\n", Code.CONFLICTING_MONITOR, [2, 3]),
            ("unit;unit visibility\nEMEA;public\nu1;private\n", Code.CONFLICTING_VALUE, [2, 3]),
            ("department;department enabled\nSales;yes\nd1;FALSE\n", Code.CONFLICTING_VALUE, [2, 3]),
            ("department;new department name;department email\nSales;Vertrieb;a@x\nVertrieb;;b@x\n", Code.CONFLICTING_VALUE, [2, 3]),
            ("unit;unit visibility\nWest;public\nWEST;private\n", Code.CONFLICTING_VALUE, [2, 3]),
        ],
    )
    def test_names_and_ids_of_one_thing(self, text: str, code: Code, rows: list[int]) -> None:
        """What contradicts is seen through all the ways to call a thing: id, name, case, new name, and a new unit's spellings."""
        found = resolve_names(check(parse(text.encode(), "s.csv")), THERE, creates_units=True)
        assert [(problem.row, problem.code) for problem in found.problems] == [(row, code) for row in rows]
        assert found.wanted == ()

    def test_same_texts_of_two_things(self) -> None:
        """What one thing is called by as a name and the other as an id is two things, which contradict nothing."""
        there = replace(
            THERE, units={"u1": Unit(id="u1", name="u2", visibility="public"), "u2": Unit(id="u2", name="EMEA", visibility="public")}
        )
        text = b"unit;unit visibility\nu2;public\nEMEA;public\nu1;private\n"
        assert resolve_names(check(parse(text, "s.csv")), there).problems == ()
