"""What messages say."""

import pytest

from bulkjob.phrases import SAID_LIMIT, named, named_agent, one_line
from bulkjob.report.messages import Evidence, Half, Subject, failure_message, joined, success_message, unsent_message
from bulkjob.vocabulary import Code, Effect, Status

CODES = list(Code)
FAILED_CODES = CODES[CODES.index(Code.NOT_APPLIED) : CODES.index(Code.REFUSED)]
UNSENT_CODES = CODES[CODES.index(Code.REFUSED) :]

SALES = named("Sales", "d-sales")
MOVE = Subject(kind="unit", department=SALES, unit=named("DACH", "unit-dach"), from_unit=named("EMEA", "unit-emea"))
PUT_IN = Subject(kind="unit", department=SALES, unit=named("DACH", "unit-dach"))
TAKE_OUT = Subject(kind="unit", department=SALES, from_unit=named("EMEA", "unit-emea"))
ADD = Subject(kind="agent", department=SALES, agent=named_agent("anna", "u-anna"), order=2)
CHANGE = Subject(kind="agent", department=SALES, agent=named_agent("anna", "u-anna"), was_member=True, count=0, order=3)
REMOVE = Subject(kind="agent", department=SALES, agent=named_agent("anna", "u-anna"), was_member=True, removes=True)
SUBJECTS = [MOVE, PUT_IN, TAKE_OUT, ADD, CHANGE, REMOVE]


@pytest.mark.parametrize(
    ("subject", "updated", "unchanged"),
    [
        (MOVE, 'Moved to unit "DACH" (unit-dach) from "EMEA" (unit-emea).', 'Already so: in unit "DACH" (unit-dach).'),
        (PUT_IN, 'Put into unit "DACH" (unit-dach).', 'Already so: in unit "DACH" (unit-dach).'),
        (TAKE_OUT, 'Taken out of unit "EMEA" (unit-emea).', "Already so: in no unit."),
        (ADD, "Added agent @anna (u-anna) with order 2.", "Already so: agent @anna (u-anna) is in the department with order 2."),
        (
            CHANGE,
            "Changed agent @anna (u-anna) to count 0 and order 3.",
            "Already so: agent @anna (u-anna) is in the department with count 0 and order 3.",
        ),
        (REMOVE, "Removed agent @anna (u-anna).", "Already so: agent @anna (u-anna) is not in the department."),
    ],
)
def test_success_says_what_was_done(subject: Subject, updated: str, unchanged: str) -> None:
    """A success says what was done, or that it was so."""
    assert success_message(subject, Effect.UPDATED) == updated
    assert success_message(subject, Effect.UNCHANGED) == unchanged


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("code", FAILED_CODES)
def test_every_failure_names_things_and_a_next_step(code: Code, subject: Subject) -> None:
    """Every failure names department, unit or agent with their ids, what happened, and ends with what to do."""
    message = failure_message(code, subject, Evidence(said="Match error", http_status=400, attempts=3))
    named_things = [subject.department, subject.agent, subject.unit, "" if subject.unit else subject.from_unit]
    assert [thing for thing in named_things if thing not in message] == []
    what, remedy = message.rstrip(".").rsplit(". ", 1)
    assert ": " in what
    assert len(remedy) > 30
    assert message.endswith(".")
    assert ".." not in message
    assert "  " not in message


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_failure_of_one_subject_reads_differently(subject: Subject) -> None:
    """No two codes share their words."""
    assert len({failure_message(code, subject) for code in FAILED_CODES}) == len(FAILED_CODES)


def test_the_servers_own_words_are_in_a_rejection() -> None:
    """A rejection quotes the server and its status."""
    message = failure_message(Code.REJECTED, ADD, Evidence(said="Match error: Missing key 'name'", http_status=400))
    assert message == (
        'Agent @anna (u-anna) was not added to department "Sales" (d-sales): the server refused it (HTTP 400): '
        "“Match error: Missing key 'name'”. Put right what this names, then run the sheet again."
    )


def test_a_rejection_that_was_not_sent_does_not_speak_of_the_server() -> None:
    """Where nothing was sent, the reason stands in place of an answer."""
    message = failure_message(Code.REJECTED, MOVE, Evidence(said="the stored department has no email"))
    assert "it could not be sent: the stored department has no email. " in message
    assert "HTTP" not in message


def test_what_was_seen_is_said() -> None:
    """not-applied says what the server held instead, in general words where nothing more precise is known."""
    seen = failure_message(Code.NOT_APPLIED, MOVE, Evidence(seen='it is in unit "Nordics" (unit-n)'))
    assert 'afterwards it is in unit "Nordics" (unit-n). ' in seen
    for subject, words in ((MOVE, "was not in unit"), (TAKE_OUT, "was still in unit"), (REMOVE, "was still in the department's list")):
        assert words in failure_message(Code.NOT_APPLIED, subject)


def test_doubt_is_said() -> None:
    """A write that could not be looked up says that its outcome is not known; one that could does not."""
    doubtful = failure_message(Code.TIMEOUT, ADD, Evidence(attempts=1, looked_up=False))
    assert "at the only attempt, and whether it was done all the same could not be looked up. " in doubtful
    assert "may not have been added" in doubtful
    known = failure_message(Code.TIMEOUT, ADD, Evidence(attempts=5))
    assert "was not added" in known
    assert "looked up" not in known


@pytest.mark.parametrize("code", [code for code in CODES if code not in FAILED_CODES])
def test_other_codes_have_no_failure_message(code: Code) -> None:
    """A code that is not one of a failed row is a defect."""
    with pytest.raises(KeyError):
        failure_message(code, ADD)


@pytest.mark.parametrize("code", UNSENT_CODES)
def test_unsent_rows_say_why_and_what_next(code: Code) -> None:
    """A row for which nothing went out says so, why, and what to do; a given reason takes the place of the general one."""
    assert unsent_message(code).startswith("Nothing was sent for this row: ")
    assert "un the s" in unsent_message(code)
    assert unsent_message(code, "the moon was full.").startswith("Nothing was sent for this row: the moon was full. ")


def test_others_words_are_one_short_line() -> None:
    """A proxy's web page becomes one line of bounded length without control characters."""
    line = one_line("<html>\r\n\t<b>\x1b[31mBad\x00 Gateway</b>" + "x" * 1000)
    assert line.startswith("<html> <b>\\u001b[31mBad\\u0000 Gateway</b>xxx")
    assert len(line) == SAID_LIMIT
    assert line.isprintable()


def test_names_and_ids() -> None:
    """A thing is named with its id, once if both are the same or there is no name."""
    assert named("NA", "0042") == '"NA" (0042)'
    assert named("0042", "0042") == named("", "0042") == '"0042"'
    assert named_agent("", "u-gone") == '"u-gone"'


def half(subject: Subject, status: Status, change: Effect = Effect.NONE) -> Half:
    return Half(subject=subject, status=status, change=change, message=f"[{subject.kind} {status}]")


@pytest.mark.parametrize(
    ("unit", "agent", "message"),
    [
        (half(MOVE, Status.SUCCESS, Effect.UPDATED), half(ADD, Status.SUCCESS, Effect.UNCHANGED), "[unit success] [agent success]"),
        (half(MOVE, Status.NOT_SENT), half(ADD, Status.NOT_SENT), "[unit not_sent]"),
        (
            half(MOVE, Status.FAILED),
            half(ADD, Status.SUCCESS, Effect.UPDATED),
            "[unit failed] The agent part of the row was done all the same: agent @anna (u-anna) is in the department with order 2.",
        ),
        (
            half(MOVE, Status.SUCCESS, Effect.UNCHANGED),
            half(ADD, Status.FAILED),
            '[agent failed] The unit part of the row was so already: in unit "DACH" (unit-dach).',
        ),
        (half(MOVE, Status.FAILED), half(ADD, Status.FAILED), "[unit failed] The agent part of the row failed too. [agent failed]"),
        (half(MOVE, Status.FAILED), half(ADD, Status.NOT_SENT), "[unit failed] For the agent part of the row nothing was sent."),
        (half(MOVE, Status.NOT_SENT), half(ADD, Status.FAILED), "[agent failed] For the unit part of the row nothing was sent."),
        (
            half(TAKE_OUT, Status.SUCCESS, Effect.UPDATED),
            half(ADD, Status.NOT_SENT),
            "[agent not_sent] The unit part of the row was done all the same: in no unit.",
        ),
    ],
)
def test_a_row_of_two_halves(unit: Half, agent: Half, message: str) -> None:
    """A row of two halves tells the one that failed (the unit's, if both did), and what became of the other."""
    assert joined(unit, agent) == message
