"""What somebody has to do: one card for each reason."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.records import RowResult
from bulkjob.report.pages.cards import MOST_MESSAGES, MOST_ROWS, cards_of, needing
from bulkjob.report.pages.story import Kind, Who
from bulkjob.vocabulary import UNSENT_CODE, Code, Effect, Exit, Status, Stop


def failing(row: int, code: Code, message: str = "Why.") -> RowResult:
    return RowResult(row=row, status=Status.FAILED, code=code, message=message)


def invalid(row: int, code: Code = Code.UNKNOWN_AGENT, message: str = "Wrong.") -> RowResult:
    return RowResult(row=row, status=Status.INVALID, code=code, message=message)


def unsent(row: int, code: Code) -> RowResult:
    return RowResult(row=row, status=Status.NOT_SENT, code=code, message="Nothing was sent.")


def test_one_card_for_each_reason() -> None:
    """Rows that fail for one reason share a card, on which rows with the same message share a line."""
    results = [failing(2, Code.TIMEOUT, "Late."), failing(3, Code.TIMEOUT, "Late."), failing(5, Code.TIMEOUT, "Later."), invalid(9)]
    cards = cards_of(results, None)
    assert [(card.code, card.rows, card.who) for card in cards] == [("unknown-agent", 1, Who.OPERATIONS), ("timeout", 3, Who.ENGINEER)]
    assert [(said.text, said.rows) for said in cards[1].said] == [("Late.", (2, 3)), ("Later.", (5,))]
    assert needing(cards) == 4


def test_success_needs_no_card() -> None:
    """A run that left nothing has none."""
    assert cards_of([RowResult(row=2, status=Status.SUCCESS, change=Effect.UPDATED)], None) == ()


@given(
    st.lists(st.tuples(st.sampled_from((Status.FAILED, Status.INVALID, Status.NOT_SENT)), st.sampled_from(Code), st.sampled_from("abcdef")))
)
def test_every_row_is_on_one_card(found: list[tuple[Status, Code, str]]) -> None:
    """Each row that is not in place is on exactly one card, by number or among those that are only counted."""
    results = [RowResult(row=row, status=status, code=code, message=text) for row, (status, code, text) in enumerate(found, start=2)]
    cards = cards_of(results, None)
    told = Counter(row for card in cards for said in card.said for row in said.rows)
    assert set(told.values()) <= {1}
    assert sum(card.rows for card in cards) == len(found)
    assert told.total() + sum(card.more + sum(said.more for said in card.said) for card in cards) == len(found)


def test_long_cards_are_cut() -> None:
    """A card names so many messages and rows, and counts the rest."""
    many = [failing(row, Code.REJECTED, f"Because of {row}.") for row in range(2, 102)]
    same = [failing(row, Code.TIMEOUT, "Late.") for row in range(200, 500)]
    late, rejected = cards_of([*many, *same], None)
    assert (len(rejected.said), rejected.more) == (MOST_MESSAGES, 100 - MOST_MESSAGES)
    assert (len(late.said[0].rows), late.said[0].more, late.more) == (MOST_ROWS, 300 - MOST_ROWS, 0)


def test_held_back_rows_wait_for_the_others() -> None:
    """Rows of a sheet that was refused for other rows are told as fine; those who hold them up come first."""
    cards = cards_of([invalid(2), unsent(3, Code.REFUSED)], Stop(Exit.BAD_SHEET, "One row is invalid."))
    assert [card.kind for card in cards] == [Kind.INVALID, Kind.NOT_SENT]
    assert "Nothing is wrong with them" in cards[1].remedy
    assert needing(cards) == 1


@pytest.mark.parametrize("code", sorted(UNSENT_CODE))
def test_what_stopped_the_job_is_told_once(code: Exit) -> None:
    """Whatever ends a job early is told in its own words, by one card, whether or not rows were left by it."""
    stop = Stop(code, "The roof fell in.")
    for results in ([unsent(2, UNSENT_CODE[code])], [RowResult(row=2, status=Status.SUCCESS)]):
        cards = cards_of(results, stop)
        assert [card.happened.count("The roof fell in.") for card in cards] == [1]


def test_rollback_is_run_again_as_such() -> None:
    """In the report of a rollback nobody is told to run a sheet."""
    (card,) = cards_of([failing(2, Code.TIMEOUT)], None, undoes=True)
    assert "the same rollback" in card.remedy
