"""New names that something else bears: ``name-taken`` in all its forms, and what is none."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.plan.resolve import Resolution, resolve_names
from bulkjob.plan.taken import Use, taken_names
from bulkjob.records.meanings import Meanings
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.sheet import check, parse
from bulkjob.vocabulary import Code

DEPARTMENTS = {"d1": "Sales", "d2": "Support", "d3": "Stock", "d4": "†Shop"}
THERE = Workspace(
    departments={
        identifier: Department(id=identifier, name=name.removeprefix("†"), parent_id=None, archived=name.startswith("†"))
        for identifier, name in DEPARTMENTS.items()
    },
    units={identifier: Unit(id=identifier, name=name, visibility="public") for identifier, name in (("u1", "EMEA"), ("u2", "APAC"))},
    agents={},
)


def resolved(*rows: tuple[str, str], there: Workspace = THERE, kept: Meanings | None = None) -> Resolution:
    """Rows about departments: (name or id, new name); one that renames nothing says that it is enabled."""
    lines = [f"{text};{new};{'' if new else 'yes'}" for text, new in rows]
    checked = check(parse("\n".join(["department;new department name;department enabled", *lines]).encode(), "s.csv"))
    return resolve_names(checked, there, kept=kept or Meanings())


def taken(*rows: tuple[str, str], there: Workspace = THERE) -> list[int]:
    """The rows, counted from 0, whose names are taken; nothing else is wrong with any."""
    found = resolved(*rows, there=there)
    assert {problem.code for problem in found.problems} <= {Code.NAME_TAKEN}
    return sorted({problem.row - 2 for problem in found.problems})


class TestTaken:
    def test_something_else_bears_it_today(self) -> None:
        """A row that gives a name, not an id, cannot rename to what something else bears, nor can one with an id that leaves two of it."""
        assert taken(("Sales", "Support")) == [0]
        assert taken(("d1", "Support")) == [0]

    def test_also_where_that_is_to_lose_it(self) -> None:
        """With names, not even where the sheet gives the other one another name: nobody could say what the old one means later."""
        assert taken(("Sales", "Support"), ("d2", "Help")) == [0]
        assert taken(("Sales", "Support"), ("Support", "Help")) == [0, 1]

    def test_two_would_be_called_so(self) -> None:
        """Two things cannot get one name, whatever they are called by in the sheet."""
        assert taken(("Sales", "One"), ("Support", "One")) == [0, 1]
        assert taken(("d1", "One"), ("d2", "one")) == [0, 1]

    def test_a_row_uses_the_name_that_another_is_to_get(self) -> None:
        """A name that one thing bears today and another is to get cannot be used as a name by any row: it would have two meanings."""
        assert taken(("d1", "Support"), ("d2", "Sales"), ("Support", "")) == [0, 2]
        assert taken(("d1", "Support"), ("d2", "Sales"), ("sales", "")) == [1, 2]

    def test_case_makes_no_difference(self) -> None:
        """Names that differ in case only, or in kinds of blanks, are one name."""
        assert taken(("Sales", "SUPPORT")) == [0]
        assert taken(("Sales", " Support\u00a0")) == [0]

    def test_all_rows_that_rename_it_so(self) -> None:
        """Every row that gives the name has the code; those about others go on."""
        found = resolved(("Sales", "Support"), ("d1", "Support"), ("Stock", "Store"), ("d2", ""))
        assert [problem.row for problem in found.problems] == [2, 3]
        assert [row.row for row in found.wanted] == [4, 5]
        assert found.about == frozenset({"d1"})

    def test_chain(self) -> None:
        """A name that moves on by names is taken all along the chain; by ids it is not."""
        assert taken(("Sales", "Support"), ("Support", "Stock"), ("Stock", "Store")) == [0, 1, 2]
        assert taken(("d1", "Support"), ("d2", "Stock"), ("d3", "Store")) == []


class TestNotTaken:
    def test_exchange_by_ids(self) -> None:
        """With ids, names may be exchanged, by two or in a ring; done already, the sheet still is right."""
        assert taken(("d1", "Support"), ("d2", "Sales")) == []
        assert taken(("d1", "Support"), ("d2", "Stock"), ("d3", "Sales"), ("d1", "")) == []
        done = dict(THERE.departments) | {
            identifier: Department(id=identifier, name=name, parent_id=None, archived=False)
            for identifier, name in (("d1", "Support"), ("d2", "Sales"))
        }
        assert taken(("d1", "Support"), ("d2", "Sales"), there=Workspace(departments=done, units={}, agents={})) == []

    @pytest.mark.parametrize("new", ["SALES", "sales", "Sales"])
    def test_the_thing_itself_in_another_case(self, new: str) -> None:
        """A thing may get its own name in another case, or keep it; rows may use either."""
        assert taken(("Sales", new), ("sales", ""), ("SALES", "")) == []

    def test_archived_ones_do_not_count(self) -> None:
        """A name that only an archived department bears may be given."""
        assert taken(("Sales", "Shop"), ("Shop", "")) == []

    def test_units_and_departments_are_apart(self) -> None:
        """A department may get a unit's name, and a unit a department's."""
        assert taken(("Sales", "EMEA")) == []
        sheet = check(parse(b"unit;new unit name\nEMEA;Sales\n", "s.csv"))
        assert resolve_names(sheet, THERE).problems == ()

    def test_a_second_run(self) -> None:
        """A sheet that was carried out is as right as before."""
        done = dict(THERE.departments) | {"d1": Department(id="d1", name="Vertrieb", parent_id=None, archived=False)}
        assert taken(("Sales", "Vertrieb"), ("Vertrieb", ""), there=Workspace(departments=done, units={}, agents={})) == []

    def test_in_a_run_that_goes_on(self) -> None:
        """In a run directory with a write, that was looked at before the first: what is called so by now does not matter."""
        found = resolved(("Sales", "Support"), kept=Meanings(departments={"Sales": "d1"}))
        assert found.problems == ()


class TestUnits:
    @pytest.mark.parametrize(
        ("rows", "bad"),
        [
            (["EMEA;APAC"], [2]),
            (["u1;APAC", "u2;EMEA"], []),
            (["u1;APAC", "u2;EMEA", "APAC;"], [2, 4]),
            (["EMEA;emea"], []),
            (["EMEA;One", "APAC;One"], [2, 3]),
        ],
    )
    def test_as_departments(self, rows: list[str], bad: list[int]) -> None:
        """All of it holds of units, too."""
        text = "\n".join(["unit;new unit name;unit visibility", *(f"{row};public" for row in rows)])
        assert sorted({problem.row for problem in resolve_names(check(parse(text.encode(), "s.csv")), THERE).problems}) == bad


class TestSaid:
    def test_who_bears_it_and_where(self) -> None:
        """The message names the new name, who bears it, all rows and the way out; it stands at the cell that gives or uses it."""
        using, giving = sorted(resolved(("d1", "Support"), ("d2", "Sales"), ("Support", "")).problems, key=lambda problem: -problem.row)
        assert giving.message == using.message
        for text in ('"Support"', "(d2) has it", "rows 2 and 4", "write the ids of both"):
            assert text in giving.message
        assert (giving.column, giving.cell, giving.value) == ("new department name", "B2", "Support")
        assert (using.column, using.cell, using.value) == ("department", "A4", "Support")

    def test_two_would_be(self) -> None:
        """Where nothing bears the name yet, it is said that two would."""
        messages = {problem.message for problem in resolved(("d1", "One"), ("d2", "One")).problems}
        (message,) = messages
        assert "two would have it (rows 2 and 3)" in message


NAMES = ("a", "b", "c", "A")


def refused(uses: Sequence[Use], present: dict[str, str]) -> set[int]:
    """The rows that the contract's sentences name, one sentence after the other."""
    renamed = {use.id: use.new for use in uses if use.new and use.new != present[use.id]}
    after = {**present, **renamed}

    def same(one: str | None, other: str) -> bool:
        return one is not None and one.casefold() == other.casefold()

    bad: set[int] = set()
    for new in renamed.values():
        givers = [use for use in uses if use.new and same(renamed.get(use.id), new)]
        bearers = [identifier for identifier, name in present.items() if same(name, new) and not same(renamed.get(identifier), new)]
        users = [use for use in uses if use.by_name and same(use.text, new)]
        # A row that gives a name, not an id, renames to a name that something else bears today.
        named = bool(bearers) and any(use.by_name for use in givers)
        # After the sheet two things would bear one name, one of them renamed by it.
        doubled = sum(same(name, new) for name in after.values()) > 1
        # Any row uses as a name what one thing bears today and the sheet gives to another.
        used = bool(bearers) and bool(users)
        bad |= {use.row for use in givers if named or doubled or used}
        bad |= {use.row for use in users if bearers}
    return bad


@given(
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from(["", *NAMES])), max_size=5),
)
def test_against_the_words_of_the_contract(names: Sequence[str], rows: Sequence[tuple[int, bool, str]]) -> None:
    """Over all small workspaces: refused are just the rows that the three sentences of the contract name."""
    present = {f"id{number}": name for number, name in enumerate(names)}
    one_each: dict[str, str] = {}
    uses: list[Use] = []
    for row, (place, by_name, new) in enumerate(rows, start=2):
        identifier = f"id{place % len(names)}"
        given_name = one_each.setdefault(identifier, new) if new else ""
        uses.append(Use(row=row, id=identifier, text=present[identifier] if by_name else identifier, new=given_name))
    found = list(taken_names(uses, present, str))
    assert {row for each in found for row in (*each.renaming, *each.using)} == refused(uses, present)
    assert all(each.renaming for each in found)
