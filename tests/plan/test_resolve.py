"""From the sheet's names to the server's ids."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkjob.changes.change import Attempt
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.plan.meaning import SheetNames
from bulkjob.plan.names import Directory, Names
from bulkjob.plan.resolve import Resolution, departments_to_read, resolve_names
from bulkjob.records.sheet import Assignment, Problem
from bulkjob.records.workspace import Agent, Department, Membership, Unit, Workspace
from bulkjob.sheet.checks import check
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Code

#: (id, name) or (id, name, id of its unit); a name that begins with ``†`` is of an archived department.
Departments = Iterable[tuple[str, ...]]


def workspace(
    departments: Departments = (),
    units: Iterable[tuple[str, str]] | None = (),
    agents: Iterable[tuple[str, str]] = (),
    lists: dict[str, list[tuple[str, str]]] | None = None,
) -> Workspace:
    return Workspace(
        departments={
            each[0]: Department(
                id=each[0], name=each[1].removeprefix("†"), parent_id=each[2] if len(each) > 2 else None, archived=each[1].startswith("†")
            )
            for each in departments
        },
        units=None if units is None else {identifier: Unit(id=identifier, name=name, visibility="public") for identifier, name in units},
        agents={identifier: Agent(id=identifier, username=name, department_ids=frozenset()) for identifier, name in agents},
        members={
            name: {identifier: Membership(agent_id=identifier, username=username, count=0, order=0) for identifier, username in members}
            for name, members in (lists or {}).items()
        },
    )


def resolved(rows: str, there: Workspace, attempts: Iterable[Attempt] = ()) -> Resolution:
    """Of a sheet with the six columns; rows begin with number 2."""
    text = "department;unit;agent;count;order;action\n" + "\n".join(line.strip() for line in rows.strip().splitlines())
    return resolve_names(check(parse(text.encode(), "reorg.csv")), there, attempts)


def read_for(assignments: list[Assignment], there: Workspace, *, mirror: bool = False, free: bool = False) -> frozenset[str]:
    directory = Directory(there)
    return departments_to_read(assignments, SheetNames(directory, assignments), directory, mirror=mirror, free=free)


def departments_of(rows: str, there: Workspace) -> list[str | None]:
    return [row.department_id for row in resolved(rows, there).wanted]


def problems_of(rows: str, there: Workspace) -> dict[int, Problem]:
    found = resolved(rows, there).problems
    assert len({problem.row for problem in found}) == len(found), "this test has one problem in each row at most"
    return {problem.row: problem for problem in found}


def message_of(rows: str, there: Workspace) -> str:
    (problem,) = resolved(rows, there).problems
    return problem.message


TWO = workspace([("d1", "Sales"), ("d2", "Support")], [("u1", "EMEA"), ("u2", "APAC")], [("a1", "anna"), ("a2", "bob")])


class TestNames:
    def test_row_becomes_ids(self) -> None:
        """A row's names become ids; what it does not mention stays open."""
        first, second, third = resolved("Sales;EMEA;@anna;3;4;\nSupport;-;;;;\nd2;;bob;;;remove", TWO).wanted
        assert (first.department_id, first.about_unit, first.unit_id, first.agent_id, first.username) == ("d1", True, "u1", "a1", "anna")
        assert (first.count, first.order, first.removes) == (3, 4, False)
        assert (second.about_unit, second.unit_id, second.agent_id) == (True, None, None)
        assert (third.row, third.about_unit, third.agent_id, third.count, third.removes) == (4, False, "a2", None, True)

    def test_id_wins_over_name(self) -> None:
        """A department that is called as another's id is not meant by it."""
        assert departments_of("d2;-;;;;", workspace([("d1", "d2"), ("d2", "Support")])) == ["d2"]

    def test_id_must_be_exact(self) -> None:
        """Ids differ by case too: one that is nearly right is no id."""
        assert problems_of("D1;-;;;;", TWO)[2].code is Code.UNKNOWN_DEPARTMENT

    def test_exact_name_wins_over_case(self) -> None:
        """Of two names that differ only in case, each is meant by itself; another spelling of case fits both."""
        there = workspace([("d1", "Sales"), ("d2", "SALES")])
        assert departments_of("Sales;-;;;;", there) == ["d1"]
        assert departments_of("SALES;-;;;;", there) == ["d2"]
        assert problems_of("sales;-;;;;", there)[2].code is Code.AMBIGUOUS_DEPARTMENT

    @pytest.mark.parametrize("text", ["sales", "SALES", "Sales\u00a0", "\u200bSales"])
    def test_case_and_outer_blanks_do_not_matter(self, text: str) -> None:
        """Case and blanks at the ends, visible or not, do not keep a name from being found."""
        assert departments_of(f"{text};-;;;;", TWO) == ["d1"]

    @pytest.mark.parametrize("stored", ["Zu\u0308rich West", "Zürich\u00a0West", " Zürich   West ", "ZÜRICH west"])
    @pytest.mark.parametrize("text", ["Zu\u0308rich West", "Zürich\u00a0West", "Zürich  West", "zürich WEST"])
    def test_sheet_and_server_are_treated_alike(self, stored: str, text: str) -> None:
        """Unicode's two ways to write a letter, kinds of blanks, and their number are the same on both sides."""
        assert departments_of(f"{text};-;;;;", workspace([("d1", stored)])) == ["d1"]

    def test_nfc_is_exact(self) -> None:
        """A decomposed name is the same name, not a similar one: it wins over one in another case."""
        there = workspace([("d1", "Zürich"), ("d2", "ZÜRICH")])
        assert departments_of(f"{unicodedata.normalize('NFD', 'Zürich')};-;;;;", there) == ["d1"]

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from(["d1", "d2", "D1", "Sales", "sales", "SALES"]), st.booleans()), max_size=4),
        st.sampled_from(["d1", "D1", "Sales", "sales"]),
    )
    def test_precedence(self, stored: list[tuple[str, bool]], text: str) -> None:
        """Ids, then exact names, then names in another case; archived things only where no other fits: the first that fits decides."""
        names = [(f"d{number}", name, archived) for number, (name, archived) in enumerate(stored)]
        tiers = (
            [identifier for identifier, _, _ in names if identifier == text],
            *(
                [identifier for identifier, name, kept in names if kept is archived and alike(name) == alike(text)]
                for archived in (False, True)
                for alike in (str, str.casefold)
            ),
        )
        expected = next((tier for tier in tiers if tier), [])
        present, archived = ([(identifier, name) for identifier, name, kept in names if kept is flag] for flag in (False, True))
        assert sorted(Names(present, archived).find(text)) == sorted(expected)


class TestAmbiguous:
    THERE = workspace(
        [("d2", "Sales"), ("d1", "Sales"), ("d3", "Support")], [("u1", "EMEA"), ("u2", "EMEA")], [("a1", "Anna"), ("a2", "anna ")]
    )

    @pytest.mark.parametrize(
        ("row", "code", "message"),
        [
            ("Sales;-;;;;", Code.AMBIGUOUS_DEPARTMENT, '"Sales" fits 2 departments. Write the id of the one you mean: d1, d2.'),
            ("Support;emea;;;;", Code.AMBIGUOUS_UNIT, '"emea" fits 2 units. Write the id of the one you mean: u1, u2.'),
            ("Support;;ANNA;;;", Code.AMBIGUOUS_AGENT, '"ANNA" fits 2 agents. Write the id of the one you mean: a1, a2.'),
        ],
    )
    def test_ids_are_listed(self, row: str, code: Code, message: str) -> None:
        """A name that fits two things is an error that lists their ids; with an id it is none."""
        found = resolved(row, self.THERE)
        assert [(problem.code, problem.message) for problem in found.problems] == [(code, message)]
        assert found.wanted == ()
        assert len(resolved("d1;u2;a1;;;", self.THERE).wanted) == 1

    def test_problem_has_the_cell(self) -> None:
        """A problem names row, column, cell and value, as those of the sheet itself do."""
        (problem,) = resolved("d1;-;;;;\nSupport;EMEA;;;;", self.THERE).problems
        assert (problem.row, problem.column, problem.cell, problem.value) == (3, "unit", "B3", "EMEA")

    def test_both_halves_are_told(self) -> None:
        """Everything that is wrong with a row is told at once."""
        found = resolved("Support;EMEA;ANNA;;;", self.THERE)
        assert [problem.code for problem in found.problems] == [Code.AMBIGUOUS_UNIT, Code.AMBIGUOUS_AGENT]


class TestArchived:
    def test_archived_is_known(self) -> None:
        """An archived department is found by its name, and by its id."""
        there = workspace([("d1", "†Old")])
        assert departments_of("old;-;;;;\nd1;-;;;;", there) == ["d1", "d1"]

    def test_any_other_that_fits_is_meant(self) -> None:
        """A name means an archived department only where no other fits, not even one in another case."""
        there = workspace([("d1", "†Sales"), ("d2", "SALES")])
        assert departments_of("Sales;-;;;;", there) == ["d2"]
        assert departments_of("d1;-;;;;", there) == ["d1"]

    def test_two_archived_ones_are_ambiguous(self) -> None:
        """Where only archived departments fit, they must not be two."""
        assert problems_of("Sales;-;;;;", workspace([("d1", "†Sales"), ("d2", "†Sales")]))[2].code is Code.AMBIGUOUS_DEPARTMENT


class TestUnknown:
    def test_suggestions(self) -> None:
        """What is nearly a name is suggested, and what is like nothing is not."""
        assert message_of("Saels;-;;;;", TWO) == (
            'There is no department "Saels" on the server. Did you mean Sales? '
            "Correct the name, or create the department in Rocket.Chat (Omnichannel → Departments)."
        )
        assert message_of("Warehouse;-;;;;", TWO) == (
            'There is no department "Warehouse" on the server. '
            "Correct the name, or create the department in Rocket.Chat (Omnichannel → Departments)."
        )
        assert "Did you mean APAC?" in message_of("Sales;APCA;;;;", TWO)
        assert "Did you mean anna?" in message_of("Sales;;ana;;;", TWO)

    def test_unit_in_the_department_column(self) -> None:
        """A unit in the department column is told from an unknown name, by name and by id."""
        for text in ("EMEA", "u1"):
            assert message_of(f"{text};-;;;;", TWO).startswith(f'"{text}" is a unit, not a department.')

    def test_department_in_the_unit_column(self) -> None:
        """And a department in the unit column."""
        for text in ("support", "d2"):
            assert message_of(f"Sales;{text};;;;", TWO).startswith(f'"{text}" is a department, not a unit.')

    @pytest.mark.parametrize("dash", ["–", "—", "−", "‐", "‑"])
    def test_dash_that_is_no_minus(self, dash: str) -> None:
        """A dash that a program has made of a minus sign is explained."""
        assert "plain minus sign" in message_of(f"Sales;{dash};;;;", TWO)

    def test_dash_may_be_a_name(self) -> None:
        """A unit that is called so is meant by it."""
        there = workspace([("d1", "Sales")], [("u1", "–")])
        assert [row.unit_id for row in resolved("Sales;–;;;;", there).wanted] == ["u1"]

    def test_agent_who_is_none(self) -> None:
        """Who is neither a live-chat agent nor in the department's list is unknown there, whatever other departments have them."""
        there = workspace([("d1", "Sales"), ("d2", "Support")], lists={"d1": [("a9", "zoe")], "d2": []})
        found = resolved("Sales;;zoe;;;\nSupport;;zoe;;;", there)
        assert [(row.row, row.agent_id, row.username) for row in found.wanted] == [(2, "a9", "zoe")]
        assert [(problem.row, problem.code) for problem in found.problems] == [(3, Code.UNKNOWN_AGENT)]

    def test_nobody_can_leave(self) -> None:
        """Somebody whom nobody knows any more may be asked to leave, and is not there: no problem, and nothing to do."""
        there = workspace([("d1", "Sales")], lists={"d1": [("a9", "zoe")]})
        found = resolved("Sales;;@greta;;;remove", there)
        assert [(row.agent_id, row.username, row.removes) for row in found.wanted] == [("@greta", "@greta", True)]
        assert found.problems == ()

    @pytest.mark.parametrize("text", ["zo", "zoee", "zpe", "oze", "@zo"])
    def test_a_leaver_who_may_be_mistyped(self, text: str) -> None:
        """One letter away from somebody who is there, a leaver's name is taken for a mistake and the likely one is named."""
        there = workspace([("d1", "Sales")], lists={"d1": [("a9", "zoe")]})
        (problem,) = resolved(f"Sales;;{text};;;remove", there).problems
        assert problem.code is Code.UNKNOWN_AGENT
        assert '"zoe"' in problem.message

    def test_an_old_name_that_somebody_else_has_now(self) -> None:
        """Whoever is to leave and is not there, while an entry bears the name as an old one: both are meant, and both ids are said."""
        there = workspace([("d1", "Sales")], agents=[("a2", "zoe")], lists={"d1": [("a1", "zoe")]})
        (problem,) = resolved("Sales;;zoe;;;remove", there).problems
        assert problem.code is Code.AMBIGUOUS_AGENT
        assert "a1, a2" in problem.message

    def test_whom_the_journal_knows(self) -> None:
        """A leaver whom no list has any more is who the journal says: an earlier attempt may have removed them."""
        there = workspace([("d1", "Sales")], lists={"d1": []})
        left = DepartmentAgent(department_id="d1", agent_id="a9", username="zoe", present=False, rows=(2,))
        attempt = Attempt(change=left, prior=None, outcome=None, status=None)
        found = resolved("Sales;;zoe;;;remove", there, [attempt])
        assert [row.agent_id for row in found.wanted] == ["a9"]

    @pytest.mark.parametrize(("text", "meant"), [("@alice:example.org", "a1"), ("@ann", "a2"), ("ann", "a2")])
    def test_a_username_as_it_stands_comes_first(self, text: str, meant: str) -> None:
        """Federated usernames begin with ``@``: a name is looked for as it stands, then without its ``@``."""
        there = workspace([("d1", "Sales")], agents=[("a1", "@alice:example.org"), ("a2", "ann")])
        assert [row.agent_id for row in resolved(f"Sales;;{text};;;", there).wanted] == [meant]

    def test_agent_in_the_list_only_by_id(self) -> None:
        """Who is only in the department's list is found by id and in any case too."""
        there = workspace([("d1", "Sales")], lists={"d1": [("a9", "Zoe")]})
        assert [row.agent_id for row in resolved("Sales;;a9;;;\nd1;;@ZOE;;;", there).wanted] == ["a9", "a9"]

    def test_live_chat_agents_come_first(self) -> None:
        """A name that a department's list keeps of somebody who is no agent means the agent who has it now."""
        there = workspace([("d1", "Sales")], agents=[("a2", "zoe")], lists={"d1": [("a1", "zoe")]})
        assert [row.agent_id for row in resolved("Sales;;zoe;;;\nSales;;a1;;;", there).wanted] == ["a2", "a1"]

    def test_agent_of_an_unknown_department_is_not_looked_for(self) -> None:
        """Nothing can be said about an agent while the department is not known."""
        assert [problem.code for problem in resolved("Nowhere;;nobody;;;", TWO).problems] == [Code.UNKNOWN_DEPARTMENT]

    def test_suggestions_have_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sheet full of unknown names is told in time: looking for likely ones stops, of a name that repeats it is done once."""
        monkeypatch.setattr("bulkjob.plan.resolve._LOOKED_FOR_AT_MOST", 10)
        there = workspace([("d1", "Sales 1"), ("d2", "Stock")])
        rows = "\n".join(f"Saels {number % 30};-;;;;" for number in range(60))
        messages = [problem.message for problem in resolved(rows, there).problems]
        assert ["Did you mean Sales 1?" in message for message in messages] == ([True] * 10 + [False] * 20) * 2

    def test_suggestions_do_not_end_where_there_are_many_names(self) -> None:
        """How many names the server has makes no difference to how many misspelt ones are helped."""
        there = workspace([(f"d{number}", f"Sales {number:05}") for number in range(5_000)])
        rows = "\n".join(f"Saels {number:05};-;;;;" for number in range(60))
        assert all("Did you mean Sales" in problem.message for problem in resolved(rows, there).problems)


class TestUnitIds:
    def test_unit_of_a_department_is_accepted_though_not_listed(self) -> None:
        """The id of the unit that a department is in exists, whether or not the account can list it."""
        for units in (None, (), [("u1", "EMEA")]):
            there = workspace([("d1", "Sales", "u9"), ("d2", "Support"), ("d3", "†Old", "u8")], units)
            assert [row.unit_id for row in resolved("Sales;u9;;;;\nSupport;u8;;;;", there).wanted] == ["u9", "u8"]

    def test_id_wins_over_a_name_though_not_listed(self) -> None:
        """An id is exact, also where a listed unit is called so."""
        there = workspace([("d1", "Sales", "u9")], [("u1", "u9")])
        assert [row.unit_id for row in resolved("Sales;u9;;;;", there).wanted] == ["u9"]

    def test_units_that_cannot_be_looked_up_are_no_problem_of_the_sheet(self) -> None:
        """Where units cannot be listed, those that the sheet names are told apart from problems, each once, in the sheet's order."""
        there = workspace([("d1", "Sales"), ("d2", "Support")], None)
        found = resolved("Sales;EMEA;;;;\nSupport;APAC;;;;\nd1;EMEA;;;;", there)
        assert found.unlisted_units == ("EMEA", "APAC")
        assert found.problems == ()

    def test_unit_that_a_cut_list_lacks_is_not_called_unknown(self) -> None:
        """Where the account sees only some of the units, those are known by name, and nobody can say that there is no other."""
        sheet = check(parse(b"department;unit\nSales;EMEA\nSupport;Nowhere\n", "reorg.csv"))
        found = resolve_names(sheet, replace(TWO, all_units=False))
        assert ([row.unit_id for row in found.wanted], found.unlisted_units, found.problems) == (["u1"], ("Nowhere",), ())
        assert [problem.code for problem in resolve_names(sheet, TWO).problems] == [Code.UNKNOWN_UNIT]

    def test_nobodys_row_is_held_back_for_them(self) -> None:
        """A row about a unit that cannot be looked up is not invalid, so no department is held back for it."""
        assert resolved("Sales;EMEA;;;;\nSales;;anna;;;", workspace([("d1", "Sales")], None, [("a1", "anna")])).about == frozenset()


class TestContradictions:
    def test_one_department_two_units(self) -> None:
        """One department by name and by id with two units is a contradiction on all rows that name a unit."""
        found = resolved("Sales;EMEA;;;;\nd1;APAC;;;;\nsales;;anna;;;\nSupport;EMEA;;;;", TWO)
        assert [(problem.row, problem.column, problem.cell, problem.value, problem.code) for problem in found.problems] == [
            (2, "unit", "B2", "EMEA", Code.CONFLICTING_UNIT),
            (3, "unit", "B3", "APAC", Code.CONFLICTING_UNIT),
        ]
        assert [row.row for row in found.wanted] == [4, 5]
        assert found.about == {"d1"}

    def test_unit_and_no_unit(self) -> None:
        """Being put into a unit and taken out of one is a contradiction too."""
        assert set(problems_of("Sales;EMEA;;;;\nd1;-;;;;", TWO)) == {2, 3}

    def test_same_unit_by_name_and_id_is_none(self) -> None:
        """One unit by name and by id is one unit."""
        assert [row.unit_id for row in resolved("Sales;EMEA;;;;\nd1;u1;;;;\nSALES;emea;;;;", TWO).wanted] == ["u1", "u1", "u1"]

    def test_units_that_differ_in_case(self) -> None:
        """Two units whose names differ only in case are two."""
        there = workspace([("d1", "Sales")], [("u1", "EMEA"), ("u2", "emea")])
        assert {problem.code for problem in resolved("Sales;EMEA;;;;\nSales;emea;;;;", there).problems} == {Code.CONFLICTING_UNIT}

    def test_agent_added_and_removed(self) -> None:
        """The same agent in the same department cannot come and go, however they are written."""
        found = problems_of("Sales;;anna;;;\nd1;;a1;;;remove\nSupport;;anna;;;remove", TWO)
        assert {(row, problem.column, problem.code) for row, problem in found.items()} == {
            (2, "action", Code.CONFLICTING_AGENT),
            (3, "action", Code.CONFLICTING_AGENT),
        }

    @pytest.mark.parametrize("column", ["count", "order"])
    def test_agent_with_two_numbers(self, column: str) -> None:
        """Two different numbers contradict each other; a blank one agrees with any."""
        cells = "{};;;" if column == "count" else ";{};;"
        rows = "\n".join(f"{department};;{agent};{cells.format(number)}" for department, agent, number in ROWS)
        found = problems_of(rows, TWO)
        assert {(row, problem.column, problem.value, problem.code) for row, problem in found.items()} == {
            (2, column, "1", Code.CONFLICTING_AGENT),
            (4, column, "2", Code.CONFLICTING_AGENT),
        }

    def test_message_stays_one_line(self) -> None:
        """Whatever the server's names hold, a message shows them escaped, so that it stays one line of a report."""
        odd = workspace([("d1", "Sales\nNorth")], [("u1", "EM\nEA"), ("u2", "APAC")], [("a1", "an\nna")])
        message = problems_of("d1;u1;;;;\nd1;u2;;;;", odd)[2].message
        assert message.startswith('Department "Sales\\nNorth" (d1) is given different units, "EM\\nEA" (u1) and "APAC" (u2), ')
        message = problems_of("d1;;a1;;;\nd1;;a1;;;remove", odd)[2].message
        assert message.startswith('Agent @an\\nna (a1) in department "Sales\\nNorth" (d1) is both added and removed, ')

    def test_message_shows_what_cannot_be_seen(self) -> None:
        """A text of the sheet that is not found stands in the message with its invisible characters escaped; so do names like it."""
        message = message_of("Sal\u202ees;u1;;;;", workspace([("d1", "Sa\u202eles")], [("u1", "EMEA")]))
        assert message.startswith('There is no department "Sal\\u202ees" on the server. Did you mean Sa\\u202eles? ')

    def test_message_names_everything_with_ids(self) -> None:
        """Rows that are spelt differently do not show what they have in common: the message says it, and where the other rows are."""
        assert problems_of("Sales;EMEA;;;;\nd1;u2;;;;\nSALES;emea;;;;", TWO)[2].message == (
            'Department "Sales" (d1) is given different units, "EMEA" (u1) and "APAC" (u2), in rows 2, 3 and 4. '
            "Keep one of them and correct or delete the other rows."
        )
        assert problems_of("Sales;-;;;;\nd1;u2;;;;", TWO)[3].message == (
            'Department "Sales" (d1) is given different units, none and "APAC" (u2), in rows 2 and 3. '
            "Keep one of them and correct or delete the other rows."
        )
        assert problems_of("Sales;;anna;;;\nd1;;a1;;;remove", TWO)[3].message == (
            'Agent @anna (a1) in department "Sales" (d1) is both added and removed, in rows 2 and 3. '
            "Keep one of them and correct or delete the other rows."
        )
        assert problems_of("Sales;;anna;1;;\nd1;;a1;;;\nSALES;;a1;2;;", TWO)[4].message == (
            'Agent @anna (a1) in department "Sales" (d1) is given different counts, 1 and 2, in rows 2 and 4. '
            "Keep one of them and correct or delete the other rows."
        )

    def test_long_lists_of_rows_are_cut(self) -> None:
        """A contradiction of very many rows names the first ten."""
        rows = "\n".join(f"Sales;{unit};;;;" if number else "d1;APAC;;;;" for number, unit in enumerate(["EMEA"] * 30))
        assert "in rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 20 more. " in problems_of(rows, TWO)[2].message

    def test_duplicates_by_id_are_none(self) -> None:
        """Rows that are identical once names are ids are no error."""
        found = resolved("Sales;EMEA;anna;1;;\nd1;u1;a1;1;;add", TWO)
        assert found.problems == ()
        first, second = found.wanted
        assert (first.department_id, first.unit_id, first.agent_id, first.count) == (
            second.department_id,
            second.unit_id,
            second.agent_id,
            second.count,
        )


ROWS = [("Sales", "anna", "1"), ("d1", "a1", ""), ("SALES", "a1", "2"), ("Support", "anna", "7")]


class TestAbout:
    THERE = workspace(
        [("d1", "Sales"), ("d2", "SALES"), ("d3", "Support"), ("d4", "†Old"), ("d5", "Other")], [("u1", "EMEA")], [("a1", "anna")]
    )

    @pytest.mark.parametrize(
        ("row", "about"),
        [
            ("Support;Nowhere;;;;", {"d3"}),
            ("Support;;nobody;;;", {"d3"}),
            ("sales;-;;;;", {"d1", "d2"}),
            ("sales;Nowhere;;;;", {"d1", "d2"}),
            ("Nowhere;-;;;;", set()),
            ("old;Nowhere;;;;", {"d4"}),
            # Of the sheet's own making:
            ("Support;;anna;x;;", {"d3"}),
            ("sales;;;;;", {"d1", "d2"}),
            (";EMEA;;;;", set()),
            ("Nowhere;;;;;", set()),
        ],
    )
    def test_departments_that_invalid_rows_are_about(self, row: str, about: set[str]) -> None:
        """An invalid row is about its department; an ambiguous name about each that it fits, a missing or unknown one about none."""
        assert resolved(f"{row}\nOther;-;;;;", self.THERE).about == about

    def test_valid_rows_are_about_nothing(self) -> None:
        """A sheet without problems holds nothing back."""
        assert resolved("Sales;EMEA;anna;;;", self.THERE).about == frozenset()


class TestDepartmentsToRead:
    THERE = Workspace(
        departments=workspace([("d1", "Sales"), ("d2", "Support"), ("d3", "SALES")]).departments,
        units=None,
        agents={
            "a1": Agent(id="a1", username="anna", department_ids=frozenset({"d1"})),
            "a2": Agent(id="a2", username="bob", department_ids=None),
        },
    )

    @pytest.mark.parametrize(
        ("assignment", "mirror", "read"),
        [
            (Assignment(row=2, department="d1", unit="x"), False, set()),
            (Assignment(row=2, department="d1", unit="x"), True, set()),
            (Assignment(row=2, department="d1", agent="anna"), False, set()),
            (Assignment(row=2, department="d1", agent="anna"), True, {"d1"}),
            (Assignment(row=2, department="d1", agent="anna", count=0), False, {"d1"}),
            (Assignment(row=2, department="d1", agent="anna", order=0), False, {"d1"}),
            (Assignment(row=2, department="d1", agent="anna", count=0, removes=True), False, set()),
            (Assignment(row=2, department="d1", agent="anna", removes=True), True, set()),
            # Nobody by that name among the agents: only the department's own list can know them.
            (Assignment(row=2, department="Support", agent="zoe"), False, {"d2"}),
            # The server does not say where this agent is.
            (Assignment(row=2, department="d1", agent="bob"), False, {"d1"}),
            (Assignment(row=2, department="sales", agent="zoe"), False, set()),
            (Assignment(row=2, department="Nowhere", agent="zoe"), True, set()),
        ],
    )
    def test_only_where_its_own_list_decides(self, assignment: Assignment, read: set[str], *, mirror: bool) -> None:
        """A department's own list costs a call, and is read only where counts, orders, mirror or unknown agents need it."""
        assert read_for([assignment], self.THERE, mirror=mirror) == read

    @pytest.mark.parametrize(("there", "read"), [(("a1", "a3"), {"d1"}), (("a1",), {"d1"}), ((), set()), (("a2",), set())])
    def test_where_an_old_name_may_hide(self, there: tuple[str, ...], read: set[str]) -> None:
        """Whoever is to leave and is not there may be meant by an old name: the list tells, if somebody whom no row names is in it."""
        names = {"a1": "renamed", "a2": "zoe", "a3": "anna"}
        agents = {
            one: Agent(id=one, username=name, department_ids=frozenset({"d1"} if one in there else ())) for one, name in names.items()
        }
        rows = [
            Assignment(row=2, department="d1", agent="zoe", removes=True),
            Assignment(row=3, department="d1", agent="anna"),
        ]
        assert read_for(rows, replace(TWO, agents=agents)) == read
