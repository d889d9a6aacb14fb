"""What is said of each reason."""

import re

import pytest

from bulkjob.report.pages.cards import TITLES
from bulkjob.report.pages.reasons import REASONS, reason_of
from bulkjob.report.pages.story import Kind, Who
from bulkjob.vocabulary import UNSENT_CODE, Code, Exit


@pytest.mark.parametrize("code", Code)
def test_every_code_has_its_card(code: Code) -> None:
    """No code that a report can have is without a heading, somebody who can mend it, and what they do then."""
    assert str(code) in REASONS


@pytest.mark.parametrize("code", REASONS)
def test_operations_read_no_flags(code: str) -> None:
    """What a card says by itself names no flag and no command, and is made of whole sentences."""
    reason = REASONS[code]
    assert not re.search(r"--\w|bulkjob run", f"{reason.title} {reason.happened} {reason.remedy}")
    assert reason.happened.endswith(".")
    assert reason.remedy.endswith(".")
    assert not reason.title.endswith(".")


def test_unheard_of_code_is_told_all_the_same() -> None:
    """A code without an entry has a card that says what is true of every row of its kind."""
    assert reason_of("no-such-code", Kind.INVALID).who is Who.OPERATIONS
    assert reason_of("no-such-code", Kind.FAILED).who is Who.ENGINEER


def test_every_early_end_has_a_heading() -> None:
    """Whatever stops a job has a heading of its own."""
    assert TITLES.keys() == set(UNSENT_CODE) - {Exit.OK}
