"""The head of the page, its table and its time."""

import re
from typing import Any

import pytest

from bulkjob.changes import ALREADY_SO, DepartmentUnit, Outcome
from bulkjob.changes.change import failed
from bulkjob.plan import Drifted
from bulkjob.records import Naming
from bulkjob.report.pages import table as tables
from bulkjob.report.pages.story import Kind
from bulkjob.report.summary import RunFigures, TimeSpent
from bulkjob.vocabulary import Code, Exit, Stop
from tests.support.pages import FIGURES, done, move, page_of, reorganisation, state_of, story_of, without_tags, workspace

THERE = workspace({"a": "north", "b": "north", "c": "south"})
SHEET = "department,unit,note\na,south,one\nb,south,two\nc,south,three\n"
GOOD = {move("a", "south", 2): done("north"), move("b", "south", 3): done("north"), move("c", "south", 4): ALREADY_SO}
WRONG = {**GOOD, move("b", "south", 3): failed(Code.DEPARTMENT_GONE)}
LATE = {**GOOD, move("b", "south", 3): failed(Code.TIMEOUT)}


class TestVerdict:
    @pytest.mark.parametrize(
        ("outcomes", "stop", "verdict"),
        [
            (GOOD, None, "All 3 rows are in place"),
            (WRONG, None, "1 of 3 rows needs you"),
            (LATE, None, "1 of 3 rows is not in place"),
            ({**GOOD, move("b", "south", 3): None}, Stop(Exit.UNAVAILABLE, "Away."), "1 of 3 rows was not sent"),
            (GOOD, Stop(Exit.INTERRUPTED, "Ended."), "All rows are in place, but the run did not reach its end"),
        ],
    )
    def test_says_whether_somebody_is_needed(self, outcomes: dict[DepartmentUnit, Outcome | None], stop: Stop | None, verdict: str) -> None:
        """The first words tell whoever has the sheet whether there is anything to do for them."""
        story = story_of(state_of(SHEET, THERE, outcomes), stop)
        assert story.verdict == verdict
        assert story.good == (verdict == "All 3 rows are in place")

    def test_counts_every_row_once(self) -> None:
        """The numbers below the verdict add up to the rows, in the words that people use."""
        story = story_of(state_of(SHEET, THERE, LATE))
        assert [(count.word, count.number) for count in story.counts] == [("failed", 1), ("changed", 1), ("already correct", 1)]

    def test_rollback_speaks_of_putting_back(self) -> None:
        """The report of a rollback is told from one of a run by its words, and offers no undoing."""
        story = story_of(state_of(SHEET, THERE, GOOD, undoes=True), undo="")
        assert story.verdict == "Everything is back as it was"
        assert {count.word for count in story.counts} == {"put back", "already as before"}
        assert [fact for fact in story.facts if fact.command] == []

    def test_facts(self) -> None:
        """When, where, by whom, and how to undo it."""
        facts = {fact.word: fact.text for fact in story_of(state_of(SHEET, THERE, GOOD)).facts}
        assert facts == {
            "Sheet": "reorg.csv",
            "When": "23 November 2026, 00:54 UTC",
            "Server": "https://chat.example.org (Rocket.Chat 7.0.0)",
            "Account": "@bulkjob",
            "Files": "runs/night",
            "To undo it": "bulkjob rollback runs/night",
        }

    def test_nothing_changed_is_not_to_be_undone(self) -> None:
        """A run that changed nothing offers no undoing."""
        story = story_of(state_of(SHEET, THERE, dict.fromkeys(GOOD, ALREADY_SO)))
        assert [fact for fact in story.facts if fact.command] == []

    def test_drift_is_listed(self) -> None:
        """What somebody changed since a plan was approved is told thing by thing."""
        stop = Drifted(("Department a: was in NORTH, is now in SOUTH.",))
        story = story_of(state_of(SHEET, THERE, dict.fromkeys(GOOD)), stop)
        assert [watch.items for watch in story.watch] == [("Department a: was in NORTH, is now in SOUTH.",)]

    @pytest.mark.parametrize("bad", [True, False])
    def test_operations_read_no_flags(self, *, bad: bool) -> None:
        """Outside of the table of rows nothing on the page is a flag."""
        page = page_of(reorganisation(40, bad=bad))
        assert not re.search(
            r"--[a-z]", without_tags(page.partition("<style>")[0] + page.partition("</style>")[2].partition('id="rows"')[0])
        )


class TestTable:
    def test_has_the_sheets_columns(self) -> None:
        """Every row with its own cells, as they came."""
        table = story_of(state_of(SHEET, THERE, LATE)).table
        assert table.headers == ("department", "unit", "note")
        assert [(row.row, row.kind, row.cells) for row in table.rows] == [
            (2, Kind.CHANGED, ("a", "south", "one")),
            (3, Kind.FAILED, ("b", "south", "two")),
            (4, Kind.CORRECT, ("c", "south", "three")),
        ]
        assert table.left_out == ""

    def test_too_many_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of more rows than a page holds those that need somebody are there, and it is said where the rest is."""
        monkeypatch.setattr(tables, "MOST_ROWS", 10)
        table = story_of(reorganisation(50)).table
        assert len(table.rows) == 10
        assert sum(row.kind is Kind.FAILED for row in table.rows) == 5
        assert [row.row for row in table.rows] == sorted(row.row for row in table.rows)
        assert table.left_out == (
            "Only 10 of 50 rows are on this page, those that need somebody first among them. "
            "All of them are in results.csv beside this page."
        )

    def test_too_much_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A page also ends where its rows have more text than a mail can carry."""
        monkeypatch.setattr(tables, "MOST_TEXT", 3_000)
        table = story_of(reorganisation(50)).table
        assert 0 < len(table.rows) < 50
        assert "Only" in table.left_out


class TestTime:
    def test_bar_is_the_whole(self) -> None:
        """The parts fill the bar and are told in words, and so is what most of the time went on."""
        time = story_of(state_of(SHEET, THERE, GOOD)).time
        assert time is not None
        assert time.title == "Why it took 17 minutes"
        assert "waiting for Rocket.Chat's rate limit" in time.text
        assert "30 calls to Rocket.Chat, 10 of them changes." in time.text
        assert [(one.name, one.text) for one in time.segments] == [
            ("reading", "60 seconds"),
            ("changing", "2 minutes"),
            ("checking", "80 seconds"),
            ("waiting", "13 minutes"),
            ("own", "5 seconds"),
        ]
        assert sum(one.width for one in time.segments) == pytest.approx(1000, abs=1)
        assert {(call.route, call.status) for call in time.calls} >= {("livechat/department/:id", "no answer")}

    def test_waiting_has_its_true_reason(self) -> None:
        """Only where a limit held calls up is the waiting put down to it."""
        figures = RunFigures(duration_seconds=10.0, retries=2, spent=TimeSpent(waiting=9.0))
        time = story_of(state_of(SHEET, THERE, GOOD), figures=figures).time
        assert time is not None
        assert [one.word for one in time.segments] == ["Waiting before trying again", "bulkjob's own work"]
        assert FIGURES.wait_seconds > 0


def test_names_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """How things are called is worked out from all changes once, not again for each row: a large report would take minutes."""
    made = []

    def counting(*arguments: Any) -> Naming:
        made.append(arguments)
        return Naming(*arguments)

    monkeypatch.setattr("bulkjob.plan.state.Naming", counting)
    story_of(reorganisation(200))
    assert len(made) < 5
