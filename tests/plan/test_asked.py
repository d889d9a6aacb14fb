"""From rows to changes."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.plan.asked import agents_asked, mirrored, units_asked
from bulkjob.plan.wanted import Wanted
from bulkjob.records.workspace import Membership, Workspace


def unit_row(row: int, department_id: str, unit_id: str | None) -> Wanted:
    return Wanted(row=row, department_id=department_id, unit_given=True, unit_id=unit_id)


def agent_row(row: int, name: str, *, removes: bool = False, count: int | None = None, order: int | None = None) -> Wanted:
    return Wanted(
        row=row,
        department_id="d1",
        unit_given=False,
        agent_id=f"u-{name}",
        username=name,
        removes=removes,
        count=count,
        order=order,
    )


def test_rows_that_agree_are_one_change() -> None:
    """Rows about one agent in one department are one change, with the count and the order that any of them gives."""
    (change,) = agents_asked([agent_row(2, "anna", count=5), agent_row(3, "anna", order=6), agent_row(4, "anna")])
    assert isinstance(change, DepartmentAgent)
    assert (change.rows, change.count, change.order, change.present, change.mirrored) == ((2, 3, 4), 5, 6, True, False)
    assert (change.department_id, change.agent_id, change.username) == ("d1", "u-anna", "anna")


def test_a_count_of_nothing_is_a_count() -> None:
    """A row that asks for 0 asks for something; blank asks for nothing."""
    (change,) = agents_asked([agent_row(2, "anna"), agent_row(3, "anna", count=0, order=0)])
    assert (change.count, change.order) == (0, 0)


def test_rows_about_one_department_are_one_change_of_its_unit() -> None:
    """Rows that ask for the same unit are one change, by first row; to be taken out of every unit is asked for, too."""
    rows = [unit_row(2, "d2", None), unit_row(3, "d1", "a"), agent_row(4, "anna"), unit_row(5, "d2", None)]
    assert [(change.department_id, change.unit_id, change.rows) for change in units_asked(rows)] == [
        ("d2", None, (2, 5)),
        ("d1", "a", (3,)),
    ]


def test_a_row_may_ask_for_both() -> None:
    """A row with a unit and an agent asks for a change of each kind; one without an agent asks for none of an agent."""
    both = replace(agent_row(2, "anna"), unit_given=True, unit_id="a")
    unit = unit_row(3, "d1", "a")
    assert [change.rows for change in units_asked([both, unit])] == [(2, 3)]
    assert [change.rows for change in agents_asked([both, unit])] == [(2,)]


def test_removal() -> None:
    """A row that removes an agent asks for their absence."""
    (change,) = agents_asked([agent_row(2, "anna", removes=True)])
    assert (change.present, change.wanted) == (False, None)


class TestMirrored:
    @staticmethod
    def there(*names: str) -> Workspace:
        members = {f"u-{name}": Membership(agent_id=f"u-{name}", username=name, count=1, order=1) for name in names}
        return Workspace(departments={}, units=None, agents={}, members={"d1": members})

    def test_who_has_no_row_leaves_for_the_rows_that_say_who_stays(self) -> None:
        """Everybody who is there without a row is removed, marked as what no row asks for, for the rows that add somebody."""
        rows = [agent_row(2, "anna"), agent_row(3, "bob", removes=True), agent_row(4, "cem")]
        (change,) = mirrored(rows, self.there("anna", "bob", "gone"))
        assert (change.agent_id, change.username, change.present, change.mirrored, change.rows) == ("u-gone", "gone", False, True, (2, 4))

    def test_only_where_a_row_adds(self) -> None:
        """Rows that only remove, or are about the unit, say nothing about who else is there."""
        assert mirrored([agent_row(2, "anna", removes=True), unit_row(3, "d1", "a")], self.there("anna", "bob")) == []

    def test_the_rows_are_shared(self) -> None:
        """A department of thousands of agents has its rows once, not once for each who leaves."""
        rows = [agent_row(2, "anna"), agent_row(3, "bob")]
        first, second = mirrored(rows, self.there("cem", "dora"))
        assert first.rows is second.rows


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, "x", "y"]), st.sampled_from([None, "anna", "bob"])), max_size=12))
def test_every_row_is_in_the_changes_that_it_asks_for(cells: list[tuple[str, str | None, str | None]]) -> None:
    """No row is lost, and none is in a change that it does not ask for; no two changes ask for the same."""
    rows = [
        Wanted(
            row=number,
            department_id=department,
            unit_given=unit is not None,
            unit_id=None if unit == "y" else unit,
            agent_id=f"u-{agent}" if agent else "",
            username=agent or "",
        )
        for number, (department, unit, agent) in enumerate(cells, start=2)
    ]
    units, agents = units_asked(rows), agents_asked(rows)
    assert {(change.department_id, change.unit_id, row) for change in units for row in change.rows} == {
        (row.department_id, row.unit_id, row.row) for row in rows if row.about_unit
    }
    assert {(change.department_id, change.agent_id, row) for change in agents for row in change.rows} == {
        (row.department_id, row.agent_id, row.row) for row in rows if row.agent_id
    }
    changes: list[DepartmentUnit | DepartmentAgent] = [*units, *agents]
    assert len(set(changes)) == len(changes)
