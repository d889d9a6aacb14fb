"""What is reported of each row: every row of the sheet exactly once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from bulkjob.changes.change import ALREADY_SO, Asked, Change, Outcome, Place, Prior, Words, failed
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import Plan
from bulkjob.plan.state import RunState
from bulkjob.records.naming import Naming
from bulkjob.records.results import RowResult
from bulkjob.records.sheet import CheckedSheet, Problem
from bulkjob.records.workspace import Agent, Department, Membership, Unit, Workspace
from bulkjob.report.rows import row_results
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Code, Effect, Exit, Status, Stop

THERE = Workspace(
    departments={
        "d1": Department(id="d1", name="Sales", parent_id="emea", archived=False),
        "d2": Department(id="d2", name="Support", parent_id=None, archived=False),
    },
    units={"emea": Unit(id="emea", name="EMEA", visibility="public"), "apac": Unit(id="apac", name="APAC", visibility="public")},
    agents={"u-anna": Agent(id="u-anna", username="anna", department_ids=frozenset({"d2"}))},
    members={"d1": {"u-bob": Membership(agent_id="u-bob", username="bob", count=3, order=0)}},
)
UPDATED = Outcome(status=Status.SUCCESS, change=Effect.UPDATED, attempts=1, http_status=200, seconds=0.25)
NOT_APPLIED = Outcome(
    status=Status.FAILED, code=Code.NOT_APPLIED, seen='it is in unit "EMEA" (emea)', attempts=2, http_status=200, seconds=0.5
)
REJECTED = Outcome(status=Status.FAILED, code=Code.REJECTED, said="No.", attempts=1, http_status=400, seconds=0.125)
STOPS = {
    Exit.ROWS_NOT_DONE: "25 rows have failed.",
    Exit.BAD_SHEET: "2 rows are invalid.",
    Exit.UNAVAILABLE: "The server cannot be reached.",
    Exit.DEFECT: "bulkjob itself failed; this is a defect.",
    Exit.CANNOT_CREATE: "runs/x/journal.jsonl cannot be written: No space left on device.",
    Exit.INTERRUPTED: "The job was interrupted.",
    Exit.NO_PERMISSION: "The server does not accept the user id and token.",
    Exit.BAD_SETTING: "The server answers with a redirect.",
}


def checked(rows: int) -> CheckedSheet:
    """A sheet of so many rows, which begin with number 2, without problems."""
    lines = "".join(f"Department {number};emea\n" for number in range(rows))
    return check(parse(f"department;unit\n{lines}".encode(), "reorg.csv"))


def unit(*rows: int, department_id: str = "d1", unit_id: str | None = "apac") -> DepartmentUnit:
    return DepartmentUnit(department_id=department_id, unit_id=unit_id, rows=rows)


def agent(
    *rows: int, name: str = "anna", present: bool = True, count: int | None = None, order: int | None = None, mirrored: bool = False
) -> DepartmentAgent:
    return DepartmentAgent(
        department_id="d1",
        agent_id=f"u-{name}",
        username=name,
        present=present,
        count=count,
        order=order,
        rows=rows,
        mirrored=mirrored,
    )


class Email(Asked, frozen=True, kw_only=True, eq=False, tag="email"):
    """A third kind of change that a row can ask for, as far as a report needs one."""

    part: ClassVar[str] = "email"
    rank: ClassVar[int] = 2

    @property
    def target(self) -> tuple[str, ...]:
        return "department", "d1", "email"

    @property
    def wanted(self) -> Prior:
        return "sales@example.org"

    def found(self, state: Workspace) -> Prior:
        return None

    def words(self, prior: Prior, naming: Naming) -> Words:
        return Words(
            done="Changed the email.",
            planned="The email will be changed.",
            thing="Department",
            subject="The email",
            deed="changed",
            state="the email is sales@example.org",
            opposite="it was another",
        )


def planned(*changes: Change) -> Plan:
    return Plan(changes=changes, settled={}, operations=(), warnings=())


def results_of(
    outcomes: Mapping[Change, Outcome | None], stop: Stop | None = None, *, rows: int | None = None, there: Workspace = THERE
) -> dict[int, RowResult]:
    """Of a plan with these changes; None for a change that was not settled."""
    known = RunState(
        checked=checked(rows or max(row for change in outcomes for row in change.rows) - 1),
        workspace=there,
        plan=planned(*outcomes),
        outcomes={change: outcome for change, outcome in outcomes.items() if outcome},
    )
    return row_results(known, stop)


def result_of(*parts: tuple[Change, Outcome | None], stop: Stop | None = None) -> RowResult:
    """Of row 2, the only one."""
    return results_of(dict(parts), stop)[2]


def problem(row: int, message: str = "Wrong.", code: Code = Code.UNKNOWN_AGENT) -> Problem:
    return Problem(row=row, column="agent", cell=f"C{row}", value="x", code=code, message=message)


outcomes = st.sampled_from(
    [None, ALREADY_SO, UPDATED, NOT_APPLIED, REJECTED, failed(Code.DEPARTMENT_ARCHIVED), Outcome(status=Status.FAILED, code=Code.TIMEOUT)]
)
stops = st.none() | st.sampled_from(list(STOPS)).map(lambda code: Stop(code, STOPS[code]))


def test_of_several_codes_a_row_has_the_first_in_their_order() -> None:
    """The code of an invalid row is the first in the order of the documentation, wherever it was found, and its words come first."""
    state = RunState(
        checked=replace(checked(1), problems=(problem(2, "A date.", Code.EXCEL_DATE), problem(2, "No agent.", Code.AGENT_NEEDED))),
        problems=(problem(2, "Two units.", Code.CONFLICTING_UNIT), problem(2, "Nobody.", Code.UNKNOWN_AGENT)),
    )
    result = row_results(state, None)[2]
    assert (result.code, result.message) == (Code.AGENT_NEEDED, "No agent. Two units. A date. Nobody.")


class TestLaws:
    @settings(deadline=None)
    @given(st.data())
    def test_every_row_once_and_success_only_if_all_of_it_is(self, data: st.DataObject) -> None:
        """Whatever problems, changes, outcomes and endings come together, each row is reported once, and as no better than it is."""
        rows = list(range(2, 2 + data.draw(st.integers(1, 6))))
        some = st.lists(st.sampled_from(rows), unique=True)
        problems = data.draw(some)
        held_back = [row for row in data.draw(some) if row not in problems]
        free = [row for row in rows if row not in problems and row not in held_back]
        changes: list[Change] = []
        if free:
            groups = st.lists(st.sampled_from(free), min_size=1, unique=True).map(sorted)
            changes = [
                *(unit(*group, department_id="d1") for group in data.draw(st.lists(groups, max_size=1))),
                *(agent(*group, name="anna") for group in data.draw(st.lists(groups, max_size=1))),
                *(
                    agent(*group, name="bob", present=False, mirrored=data.draw(st.booleans()))
                    for group in data.draw(st.lists(groups, max_size=1))
                ),
            ]
        drawn = [(change, data.draw(outcomes)) for change in changes]
        settled = {change: outcome for change, outcome in drawn if outcome}
        stop = data.draw(stops)
        known = RunState(
            checked=checked(len(rows)),
            problems=tuple(problem(row) for row in problems),
            held_back=frozenset(held_back),
            workspace=THERE,
            plan=planned(*changes),
            outcomes=data.draw(st.sampled_from([None, settled])),
        )
        results = row_results(known, stop)

        assert list(results) == rows
        for row, result in results.items():
            assert result.row == row
            assert result.message.endswith(".")
            asked = [settled.get(change) for change in changes if row in change.rows] if known.outcomes is not None else []
            succeeded = bool(asked) and all(outcome is not None and outcome.status is Status.SUCCESS for outcome in asked)
            assert (result.status is Status.SUCCESS) == succeeded
            assert (result.code is None) == succeeded
            assert (result.status is Status.INVALID) == (row in problems)
            assert (result.status is Status.FAILED) == any(outcome and outcome.status is Status.FAILED for outcome in asked)
            assert (result.change is Effect.UPDATED) == (
                succeeded and any(outcome and outcome.change is Effect.UPDATED for outcome in asked)
            )
            assert (result.change is Effect.NONE) == (not succeeded)
            if result.status in (Status.INVALID, Status.NOT_SENT):
                assert (result.attempts, result.http_status, result.seconds) == (None, None, None)


class TestBeforeThePlan:
    def test_invalid_rows_say_all_that_is_wrong(self) -> None:
        """An invalid row has its first problem's code and the messages of all, each once."""
        sheet = checked(2)
        known = RunState(
            checked=replace(sheet, problems=(problem(3, "First.", Code.BAD_NUMBER),)),
            problems=(problem(3, "Second."), problem(3, "Second.")),
        )
        result = row_results(known, Stop(Exit.BAD_SHEET, "1 row is invalid, so nothing was sent."))[3]
        assert (result.status, result.code, result.message) == (Status.INVALID, Code.BAD_NUMBER, "First. Second.")

    def test_valid_rows_say_why_nothing_was_sent(self) -> None:
        """Operations staff see only the report: a refused row says in it what stopped the job."""
        stop = Stop(Exit.BAD_SHEET, "1 row is invalid. Correct it.")
        result = row_results(RunState(checked=checked(1)), stop)[2]
        assert (result.status, result.code) == (Status.NOT_SENT, Code.REFUSED)
        assert result.message == ("Nothing was sent for this row: 1 row is invalid. Correct it. Fix what stopped the job first.")

    def test_held_back_rows_say_so(self) -> None:
        """With --skip-invalid, a valid row of a department that an invalid row is about is refused for that, however the job ends."""
        known = RunState(checked=checked(2), problems=(problem(2),), held_back=frozenset({3}), workspace=THERE, plan=planned(), outcomes={})
        for stop in (None, Stop(Exit.UNAVAILABLE, "The server cannot be reached.")):
            result = row_results(known, stop)[3]
            assert (result.status, result.code) == (Status.NOT_SENT, Code.REFUSED)
            assert "another row about the same department or unit is invalid" in result.message

    @pytest.mark.parametrize(
        ("exit_code", "code"),
        [
            (Exit.ROWS_NOT_DONE, Code.STOPPED),
            (Exit.BAD_SHEET, Code.REFUSED),
            (Exit.NO_PERMISSION, Code.REFUSED),
            (Exit.BAD_SETTING, Code.REFUSED),
            (Exit.UNAVAILABLE, Code.UNAVAILABLE),
            (Exit.DEFECT, Code.INTERRUPTED),
            (Exit.CANNOT_CREATE, Code.INTERRUPTED),
            (Exit.INTERRUPTED, Code.INTERRUPTED),
        ],
    )
    def test_code_of_unsent_rows_by_exit_code(self, exit_code: Exit, code: Code) -> None:
        """What ended the job decides the code of the rows it did not come to, before the plan and after it."""
        stop = Stop(exit_code, STOPS[exit_code])
        early = row_results(RunState(checked=checked(1)), stop)[2]
        late = result_of((unit(2), None), stop=stop)
        assert (early.status, early.code) == (late.status, late.code) == (Status.NOT_SENT, code)
        assert early.message == late.message

    def test_token_that_ends_half_way_is_not_called_a_refusal_before_the_first_write(self) -> None:
        """Rows that are left when the server refuses the account half-way say that, and nothing about a first write."""
        stop = Stop(Exit.NO_PERMISSION, "The server does not accept the user id and token (You must be logged in).")
        results = results_of({unit(2): UPDATED, agent(3): None}, stop)
        assert results[2].status is Status.SUCCESS
        assert results[3].message.startswith("Nothing was sent for this row: The server does not accept the user id and token")


class TestSuccess:
    @pytest.mark.parametrize(
        ("parts", "change", "message"),
        [
            ([(unit(2), UPDATED)], Effect.UPDATED, 'Moved to unit "APAC" (apac) from "EMEA" (emea).'),
            ([(unit(2, unit_id=None), UPDATED)], Effect.UPDATED, 'Taken out of unit "EMEA" (emea).'),
            ([(unit(2, department_id="d2"), UPDATED)], Effect.UPDATED, 'Put into unit "APAC" (apac).'),
            ([(unit(2), ALREADY_SO)], Effect.UNCHANGED, 'Already correct: the department is in unit "APAC" (apac).'),
            ([(agent(2, count=3), UPDATED)], Effect.UPDATED, "Added agent @anna (u-anna) with count 3."),
            ([(agent(2, name="bob", order=4), UPDATED)], Effect.UPDATED, "Changed agent @bob (u-bob) to order 4."),
            ([(agent(2, name="bob", present=False), UPDATED)], Effect.UPDATED, "Removed agent @bob (u-bob)."),
            (
                [(unit(2), ALREADY_SO), (agent(2), UPDATED)],
                Effect.UPDATED,
                'Already correct: the department is in unit "APAC" (apac). Added agent @anna (u-anna).',
            ),
        ],
    )
    def test_message_says_what_was_done(self, parts: Sequence[tuple[Change, Outcome]], change: Effect, message: str) -> None:
        """A success says what was done, or that it is already correct, with names and ids."""
        result = result_of(*parts)
        assert (result.status, result.change, result.code, result.message) == (Status.SUCCESS, change, None, message)

    def test_figures_are_those_of_the_write(self) -> None:
        """A row of which one part is already correct has the figures of the part that was written; where none was, they are blank."""
        result = result_of((unit(2), ALREADY_SO), (agent(2), UPDATED))
        assert (result.attempts, result.http_status, result.seconds) == (1, 200, 0.25)
        result = result_of((unit(2), ALREADY_SO), (agent(2), ALREADY_SO))
        assert (result.change, result.attempts, result.http_status, result.seconds) == (Effect.UNCHANGED, None, None, None)

    def test_duplicates_share_the_outcome(self) -> None:
        """Rows that ask for the same share status, change, figures and words."""
        first, second = results_of({unit(2, 3): UPDATED, agent(2, 3): UPDATED}).values()
        assert structs.replace(second, row=2) == first


class TestParts:
    def test_units_part_decides_where_both_failed(self) -> None:
        """Code and figures are the unit's; the message tells of both."""
        result = result_of((unit(2), NOT_APPLIED), (agent(2), REJECTED))
        assert (result.status, result.code) == (Status.FAILED, Code.NOT_APPLIED)
        assert (result.attempts, result.http_status, result.seconds) == (2, 200, 0.5)
        assert result.message.startswith('Department "Sales" (d1) was not moved to unit "APAC" (apac) from "EMEA" (emea): ')
        assert 'Agent @anna (u-anna) was not added to department "Sales" (d1): the server refused it (HTTP 400)' in result.message

    @pytest.mark.parametrize(
        ("unit_outcome", "agent_outcome", "status", "code", "other"),
        [
            (NOT_APPLIED, UPDATED, Status.FAILED, Code.NOT_APPLIED, "agent part of this row was changed"),
            (UPDATED, REJECTED, Status.FAILED, Code.REJECTED, "unit part of this row was changed"),
            (ALREADY_SO, REJECTED, Status.FAILED, Code.REJECTED, "unit part of this row is already correct"),
            (None, REJECTED, Status.FAILED, Code.REJECTED, "Nothing was sent for the unit part of this row"),
            (NOT_APPLIED, None, Status.FAILED, Code.NOT_APPLIED, "Nothing was sent for the agent part of this row"),
            (UPDATED, None, Status.NOT_SENT, Code.UNAVAILABLE, "Half done: the department is in unit"),
            (None, UPDATED, Status.NOT_SENT, Code.UNAVAILABLE, "Half done: agent @anna"),
        ],
    )
    def test_failed_part_decides_and_the_other_is_told(
        self, unit_outcome: Outcome | None, agent_outcome: Outcome | None, status: Status, code: Code, other: str
    ) -> None:
        """A row is what its worse part is, and says what became of the better one."""
        stop = Stop(Exit.UNAVAILABLE, "The server cannot be reached.")
        result = result_of((unit(2), unit_outcome), (agent(2), agent_outcome), stop=stop)
        assert (result.status, result.code, result.change) == (status, code, Effect.NONE)
        assert other in result.message

    def test_part_that_was_not_written_has_no_figures(self) -> None:
        """A part that failed without a call has no figures, whatever the other part took."""
        result = result_of((unit(2), UPDATED), (agent(2), failed(Code.AGENTS_NOT_PERMITTED)))
        assert (result.code, result.attempts, result.http_status, result.seconds) == (Code.AGENTS_NOT_PERMITTED, None, None, None)

    def test_unknown_outcome_is_failed(self) -> None:
        """A write that nobody could look up is failed, and the message says that it may have been done."""
        unknown = Outcome(status=Status.FAILED, code=Code.CONNECTION, said="reset", looked_up=False, attempts=5)
        result = result_of((agent(2), unknown))
        assert (result.status, result.code) == (Status.FAILED, Code.CONNECTION)
        assert "could not check whether it took effect" in result.message

    THREE: ClassVar[dict[str, Change]] = {"unit": unit(2), "agent": agent(2), "email": Email(rows=(2,))}  # type: ignore[dict-item]  # far enough

    @pytest.mark.parametrize("order", list(permutations(THREE)), ids=" ".join)
    def test_order_of_the_plan_does_not_matter(self, order: tuple[str, ...]) -> None:
        """A row's parts are told by their rank, and the first of that order that failed decides, however the plan lists them."""
        outcomes = {"unit": UPDATED, "agent": NOT_APPLIED, "email": REJECTED}
        result = results_of({self.THREE[name]: outcomes[name] for name in order})[2]
        assert (result.status, result.code, result.change) == (Status.FAILED, Code.NOT_APPLIED, Effect.NONE)
        assert (result.attempts, result.http_status, result.seconds) == (2, 200, 0.5)
        assert result.message == (
            'Agent @anna (u-anna) was not added to department "Sales" (d1): the server said yes, but afterwards it is in '
            'unit "EMEA" (emea). Either the account may not change agents, or the user was deleted, or somebody changed the list at the '
            "same moment: look at it in Rocket.Chat, then run the same sheet again. "
            'The unit part of this row was changed: the department is in unit "APAC" (apac). '
            "The email part of this row failed, too. The email was not changed: the server refused it (HTTP 400): “No.”. "
            "Fix the problem named here, then run the same sheet again."
        )

    @pytest.mark.parametrize("failing", THREE)
    @pytest.mark.parametrize("others", [UPDATED, ALREADY_SO, None], ids=["updated", "already so", "not sent"])
    def test_one_of_three_failed(self, failing: str, others: Outcome | None) -> None:
        """Whichever part failed decides the row with its code and figures, and each of the other two is told."""
        stop = Stop(Exit.UNAVAILABLE, "The server cannot be reached.")
        result = results_of({change: REJECTED if name == failing else others for name, change in self.THREE.items()}, stop)[2]
        assert (result.status, result.code, result.http_status, result.seconds) == (Status.FAILED, Code.REJECTED, 400, 0.125)
        for name in self.THREE.keys() - {failing}:
            if others is None:
                assert f"Nothing was sent for the {name} part of this row." in result.message
            else:
                so = "was changed" if others is UPDATED else "is already correct"
                assert f"The {name} part of this row {so}: {self.THREE[name].words(None, Naming(THERE)).state}." in result.message

    @pytest.mark.parametrize("unsent", THREE)
    def test_one_of_three_was_not_sent(self, unsent: str) -> None:
        """A row of which one part was not sent is not sent, and says what was done of it."""
        stop = Stop(Exit.INTERRUPTED, "The job was interrupted.")
        result = results_of({change: None if name == unsent else UPDATED for name, change in self.THREE.items()}, stop)[2]
        assert (result.status, result.code) == (Status.NOT_SENT, Code.INTERRUPTED)
        assert (result.attempts, result.http_status, result.seconds) == (None, None, None)
        assert result.message.startswith("Half done: ")
        assert f". Nothing was sent for the {unsent} part of this row: the job was interrupted. " in result.message
        for name in self.THREE.keys() - {unsent}:
            assert self.THREE[name].words(None, Naming(THERE)).state in result.message

    @pytest.mark.parametrize("written", THREE)
    def test_one_of_three_was_written(self, written: str) -> None:
        """A row of which one part was written is updated, has that one's figures, and says of all three what they are."""
        result = results_of({change: UPDATED if name == written else ALREADY_SO for name, change in self.THREE.items()})[2]
        assert (result.status, result.change, result.attempts, result.seconds) == (Status.SUCCESS, Effect.UPDATED, 1, 0.25)
        assert result.message.count("Already correct: ") == 2
        assert (
            self.THREE[written].words(THERE.departments["d1"].parent_id if written == "unit" else None, Naming(THERE)).done
            in result.message
        )


class TestMirror:
    LEAVES = agent(2, 3, name="bob", present=False, mirrored=True)

    def test_failed_removal_fails_the_rows_that_share_it(self) -> None:
        """Where somebody could not be removed by mirror, every row that says who stays has failed, names them and tells of itself."""
        results = results_of({agent(2): UPDATED, agent(3, name="cem"): ALREADY_SO, self.LEAVES: REJECTED})
        assert {(result.status, result.code, result.http_status) for result in results.values()} == {(Status.FAILED, Code.REJECTED, 400)}
        for row, own in ((2, "was changed: agent @anna"), (3, "is already correct: agent @cem")):
            assert 'Agent @bob (u-bob) was not removed from department "Sales" (d1)' in results[row].message
            assert own in results[row].message

    def test_removal_is_an_update(self) -> None:
        """A row that is already correct and shares a removal has been updated, and says by what."""
        results = results_of({agent(2): UPDATED, agent(3, name="cem"): ALREADY_SO, self.LEAVES: UPDATED})
        assert {(result.status, result.change) for result in results.values()} == {(Status.SUCCESS, Effect.UPDATED)}
        removed = "Removed from the department, because no row names them: @bob (u-bob)."
        assert results[2].message == f"Added agent @anna (u-anna). {removed}"
        assert results[3].message == f"Already correct: agent @cem (u-cem) is in the department. {removed}"

    def test_own_failure_comes_first(self) -> None:
        """A row whose own agent failed says that, and then whom mirror could not remove."""
        result = results_of({agent(2): failed(Code.AGENTS_NOT_PERMITTED), self.LEAVES: REJECTED})[2]
        assert result.code is Code.AGENTS_NOT_PERMITTED
        assert result.message.startswith("Agent @anna (u-anna) was not added")
        assert "The mirror part of this row failed, too. Agent @bob (u-bob) was not removed from department" in result.message

    def test_who_comes_back(self) -> None:
        """What puts a removal back says who is back, also in a row for which nothing else is put back."""
        back = agent(2, 3, name="bob", mirrored=True)
        results = results_of({agent(2, present=False): UPDATED, back: UPDATED})
        said = "Back in the department, from which mirror had removed them: @bob (u-bob)."
        assert (results[2].message, results[3].message) == (f"Removed agent @anna (u-anna). {said}", said)
        assert {result.change for result in results.values()} == {Effect.UPDATED}

    def test_unit_and_removal(self) -> None:
        """A row with a unit tells of the unit beside the removal that failed."""
        result = results_of({unit(2): UPDATED, agent(2): UPDATED, self.LEAVES: REJECTED})[2]
        assert "@bob" in result.message
        assert "The unit part of this row was changed" in result.message

    def test_all_own_parts_beside_a_removal(self) -> None:
        """Where a removal by mirror failed, each of the row's own parts is told."""
        result = results_of({unit(2): UPDATED, agent(2): ALREADY_SO, self.LEAVES: REJECTED})[2]
        assert result.message.startswith("Agent @bob (u-bob) was not removed")
        assert "The unit part of this row was changed: the department is in unit" in result.message
        assert "The agent part of this row is already correct: agent @anna (u-anna) is in the department." in result.message

    def test_removal_that_was_not_sent(self) -> None:
        """A row whose own agent was added says so, and that it is the removal by mirror for which nothing was sent."""
        result = results_of({agent(2): UPDATED, self.LEAVES: None}, Stop(Exit.INTERRUPTED, "The job was interrupted."))[2]
        assert (result.status, result.code) == (Status.NOT_SENT, Code.INTERRUPTED)
        assert result.message.startswith(
            "Half done: agent @anna (u-anna) is in the department. "
            "Nothing was sent for the mirror part of this row: the job was interrupted. "
        )

    def test_own_failure_comes_first_wherever_it_stands(self) -> None:
        """A row's own agent decides before a removal that it shares, also where the plan lists the removal first."""
        result = results_of({self.LEAVES: REJECTED, agent(2): failed(Code.AGENTS_NOT_PERMITTED)})[2]
        assert result.code is Code.AGENTS_NOT_PERMITTED

    def test_removal_by_a_row_of_its_own_is_told_as_such(self) -> None:
        """Who is removed by a row is that row's own matter."""
        assert result_of((agent(2, name="bob", present=False), UPDATED)).message == "Removed agent @bob (u-bob)."


class TestBefore:
    @pytest.mark.parametrize(
        ("change", "prior", "message"),
        [
            (unit(2), "lost", 'Moved to unit "APAC" (apac) from "lost".'),
            (unit(2), None, 'Put into unit "APAC" (apac).'),
            (unit(2, unit_id=None), "apac", 'Taken out of unit "APAC" (apac).'),
            (agent(2, count=1), Place(count=2, order=0), "Changed agent @anna (u-anna) to count 1."),
            (agent(2, name="bob", count=1), None, "Added agent @bob (u-bob) with count 1."),
        ],
    )
    def test_what_the_write_found_counts(self, change: Change, prior: Prior, message: str) -> None:
        """What the write that decided had found is told, whatever the workspace held when it was read."""
        assert results_of({change: structs.replace(UPDATED, prior=prior)})[2].message == message

    @pytest.mark.parametrize(
        ("members", "departments", "message"),
        [
            ({"d1": ["anna"]}, "", "Changed agent @anna (u-anna) to order 1."),
            ({"d1": []}, "d1", "Added agent @anna (u-anna) with order 1."),
            ({}, "d1", "Changed agent @anna (u-anna) to order 1."),
            ({}, "d2", "Added agent @anna (u-anna) with order 1."),
        ],
    )
    def test_added_or_changed(self, members: dict[str, list[str]], departments: str, message: str) -> None:
        """Whether an agent was there before is told by the department's list where it was read, else by the agent's."""
        there = replace(
            THERE,
            agents={"u-anna": Agent(id="u-anna", username="anna", department_ids=frozenset(departments.split()))},
            members={
                name: {f"u-{each}": Membership(agent_id=f"u-{each}", username=each, count=0, order=0) for each in found}
                for name, found in members.items()
            },
        )
        assert results_of({agent(2, order=1): UPDATED}, there=there)[2].message == message

    def test_department_of_a_row(self) -> None:
        """A row stands for its department's id where that is known, else for the sheet's word."""
        known = RunState(checked=checked(3), plan=planned(unit(2, department_id="d2"), agent(4)))
        assert known.departments == {2: "d2", 3: "Department 1", 4: "d1"}
