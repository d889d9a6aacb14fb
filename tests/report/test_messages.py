"""What messages say."""

from dataclasses import dataclass, replace

import pytest

from bulkjob.changes.change import Change, Place, Prior, Words
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.unit_monitor import UnitMonitor
from bulkjob.phrases import SAID_LIMIT, named, named_agent, one_line
from bulkjob.records.naming import Naming
from bulkjob.records.server import ADD_AGENTS, MANAGE_DEPARTMENTS, MANAGE_MONITORS, MANAGE_UNITS, Account, Server, Version
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.report.messages import Evidence, Part, failure_message, joined, success_message, unsent_message
from bulkjob.vocabulary import Code, Effect, Status

CODES = list(Code)
FAILED_CODES = CODES[CODES.index(Code.NOT_APPLIED) : CODES.index(Code.REFUSED)]
UNSENT_CODES = CODES[CODES.index(Code.REFUSED) :]

NAMING = Naming(
    Workspace(
        departments={"d-sales": Department(id="d-sales", name="Sales", parent_id=None, archived=False)},
        units={
            "unit-dach": Unit(id="unit-dach", name="DACH", visibility="public"),
            "unit-emea": Unit(id="unit-emea", name="EMEA", visibility="public"),
        },
        agents={},
    )
)
SALES, DACH, EMEA = '"Sales" (d-sales)', '"DACH" (unit-dach)', '"EMEA" (unit-emea)'
ANNA = "@anna (u-anna)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A change that messages tell of, what it found, and the things that a failure has to name."""

    change: Change
    prior: Prior
    names: tuple[str, ...]

    @property
    def part(self) -> str:
        return self.change.part

    @property
    def words(self) -> Words:
        return self.change.words(self.prior, NAMING)


def unit(wanted: str | None, prior: str | None, *names: str) -> Told:
    change = DepartmentUnit(department_id="d-sales", unit_id=wanted, rows=(2,))
    return Told(change=change, prior=prior, names=(SALES, *names))


def agent(prior: Place | None, *, present: bool = True, count: int | None = None, order: int | None = None) -> Told:
    change = DepartmentAgent(
        department_id="d-sales", agent_id="u-anna", username="anna", present=present, count=count, order=order, rows=(2,)
    )
    return Told(change=change, prior=prior, names=(SALES, ANNA))


MOVE = unit("unit-dach", "unit-emea", DACH, EMEA)
PUT_IN = unit("unit-dach", None, DACH)
TAKE_OUT = unit(None, "unit-emea", EMEA)
ADD = agent(None, order=2)
CHANGE = agent(Place(count=7, order=1), count=0, order=3)
REMOVE = agent(Place(count=7, order=1), present=False)
MONITOR = Told(
    change=UnitMonitor(unit_id="unit-dach", monitor_id="u-mia", username="mia", rows=(2,)), prior=False, names=("@mia (u-mia)", DACH)
)
SUBJECTS = [MOVE, PUT_IN, TAKE_OUT, ADD, CHANGE, REMOVE]


def failure(code: Code, subject: Told, evidence: Evidence | None = None) -> str:
    return failure_message(code, subject.part, subject.words, evidence or Evidence())


@pytest.mark.parametrize(
    ("subject", "updated", "unchanged"),
    [
        (
            MOVE,
            'Moved to unit "DACH" (unit-dach) from "EMEA" (unit-emea).',
            'Already correct: the department is in unit "DACH" (unit-dach).',
        ),
        (PUT_IN, 'Put into unit "DACH" (unit-dach).', 'Already correct: the department is in unit "DACH" (unit-dach).'),
        (TAKE_OUT, 'Taken out of unit "EMEA" (unit-emea).', "Already correct: the department is in no unit."),
        (ADD, "Added agent @anna (u-anna) with order 2.", "Already correct: agent @anna (u-anna) is in the department with order 2."),
        (
            CHANGE,
            "Changed agent @anna (u-anna) to count 0 and order 3.",
            "Already correct: agent @anna (u-anna) is in the department with count 0 and order 3.",
        ),
        (REMOVE, "Removed agent @anna (u-anna).", "Already correct: agent @anna (u-anna) is not in the department."),
    ],
)
def test_success_says_what_was_done(subject: Told, updated: str, unchanged: str) -> None:
    """A success says what was done, or that it was so."""
    assert success_message(subject.words, Effect.UPDATED) == updated
    assert success_message(subject.words, Effect.UNCHANGED) == unchanged


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("code", FAILED_CODES)
def test_every_failure_names_things_and_a_next_step(code: Code, subject: Told) -> None:
    """Every failure names department, unit or agent with their ids, what happened, and ends with what to do."""
    message = failure(code, subject, Evidence(said="Match error", http_status=400, attempts=3))
    assert [thing for thing in subject.names if thing not in message] == []
    what, remedy = message.rstrip(".").rsplit(". ", 1)
    assert ": " in what
    assert len(remedy) > 30
    assert message.endswith(".")
    assert ".." not in message
    assert "  " not in message


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_failure_of_one_subject_reads_differently(subject: Told) -> None:
    """No two codes share their words."""
    assert len({failure(code, subject) for code in FAILED_CODES}) == len(FAILED_CODES)


def test_the_servers_own_words_are_in_a_rejection() -> None:
    """A rejection quotes the server and its status."""
    message = failure(Code.REJECTED, ADD, Evidence(said="Match error: Missing key 'name'", http_status=400))
    assert message == (
        'Agent @anna (u-anna) was not added to department "Sales" (d-sales): the server refused it (HTTP 400): '
        "“Match error: Missing key 'name'”. Fix the problem named here, then run the same sheet again."
    )


def test_a_rejection_that_was_not_sent_does_not_speak_of_the_server() -> None:
    """Where nothing was sent, the reason stands in place of an answer."""
    message = failure(Code.REJECTED, MOVE, Evidence(said="the stored department has no email"))
    assert "it could not be sent: the stored department has no email. " in message
    assert "HTTP" not in message


@pytest.mark.parametrize("http_status", [None, 200])
@pytest.mark.parametrize(
    ("subject", "undoes", "remedy"),
    [
        (MOVE, False, "Leave the row out of the sheet, or name the unit that replaces it."),
        (MOVE, True, "Put the department by hand, in Rocket.Chat, into the unit that it belongs to now."),
        (MONITOR, False, "Leave the row out of the sheet, or name the unit that replaces it."),
        (MONITOR, True, "There is nothing left to put back."),
    ],
)
def test_unit_that_is_gone(subject: Told, undoes: bool, remedy: str, http_status: int | None) -> None:  # noqa: FBT001
    """Nobody is sent round in a circle: the same again would find no unit either; what was seen is no answer of the server's."""
    evidence = Evidence(said="the unit is no longer there", http_status=http_status)
    message = failure_message(Code.REJECTED, subject.part, subject.words, evidence, undoes=undoes)
    assert message.endswith(f"{subject.words.deed}: the unit is no longer there. {remedy}")


def test_what_was_seen_is_said() -> None:
    """not-applied says what the server held instead, in general words where nothing more precise is known."""
    seen = failure(Code.NOT_APPLIED, MOVE, Evidence(seen='it is in unit "Nordics" (unit-n)'))
    assert 'afterwards it is in unit "Nordics" (unit-n). ' in seen
    for subject, words in ((MOVE, "was not in unit"), (TAKE_OUT, "was still in unit"), (REMOVE, "was still in the department's list")):
        assert words in failure(Code.NOT_APPLIED, subject)


ADMIN = Server(
    version=Version(7, 0),
    version_text="7.0.0",
    account=Account(id="u-admin", username="admin", roles=frozenset({"admin"})),
    permissions=frozenset({ADD_AGENTS, MANAGE_DEPARTMENTS}),
    modules=frozenset({"livechat-enterprise"}),
)


class TestRemedies:
    """Remedies name only what can be the cause for this account."""

    @pytest.mark.parametrize("code", [Code.NOT_APPLIED, Code.UNIT_NOT_PERMITTED])
    def test_nobody_is_told_to_be_what_they_are(self, code: Code) -> None:
        """An account that is admin is not told that this takes a role; one without such a role is."""
        admin = failure_message(code, "unit", MOVE.words, server=ADMIN)
        clerk = replace(ADMIN, account=replace(ADMIN.account, roles=frozenset({"clerk"})))
        other = failure_message(code, "unit", MOVE.words, server=clerk)
        assert "livechat-manager" not in admin
        assert "livechat-manager" in other

    def test_a_permission_that_is_there_is_no_cause(self) -> None:
        """Where the permissions are known, agents that were not changed are not put down to them."""
        assert "may not change agents" not in failure_message(Code.NOT_APPLIED, "agent", ADD.words, server=ADMIN)
        assert "may not change agents" in failure_message(Code.NOT_APPLIED, "agent", ADD.words, server=replace(ADMIN, permissions=None))

    def test_an_account_that_is_restricted_to_its_units(self) -> None:
        """A monitor is told that only its own units can be changed."""
        monitor = replace(ADMIN, account=replace(ADMIN.account, roles=frozenset({"livechat-monitor"})))
        assert "only units that it monitors" in failure_message(Code.NOT_APPLIED, "unit", MOVE.words, server=monitor)

    def test_a_unit_that_could_be_emptied(self) -> None:
        """An account that may write whole units is told so, and that a setting of the run directory changes with it."""
        able = replace(ADMIN, permissions=frozenset({MANAGE_UNITS, MANAGE_MONITORS}))
        message = failure_message(Code.LAST_DEPARTMENT_IN_UNIT, "unit", TAKE_OUT.words, server=able)
        assert "have whole units written, in a new run directory" in message
        assert "use an account" in failure_message(Code.LAST_DEPARTMENT_IN_UNIT, "unit", TAKE_OUT.words, server=ADMIN)

    def test_a_page_of_a_proxy_is_not_quoted(self) -> None:
        """An error is told by its name; the first bytes of a page say nothing to people."""
        message = failure(Code.SERVER_ERROR, ADD, Evidence(said="HTTP 502, text/html, 44 bytes: <html>", http_status=502, attempts=5))
        assert "answered with an error after 5 attempts (502 Bad Gateway). " in message
        assert "html" not in message

    def test_what_the_plan_has_to_say_is_not_contradicted(self) -> None:
        """Rows that a refused plan holds back are not told to run the sheet again."""
        message = unsent_message(Code.REFUSED, "The approved plan no longer fits (1 difference). Nothing was sent. A new plan is needed.")
        assert "again" not in message


def test_doubt_is_said() -> None:
    """A write that could not be looked up says that its outcome is not known; one that could does not."""
    doubtful = failure(Code.TIMEOUT, ADD, Evidence(attempts=1, looked_up=False))
    assert "in time, and bulkjob could not check whether it took effect. " in doubtful
    assert "may not have been added" in doubtful
    known = failure(Code.TIMEOUT, ADD, Evidence(attempts=5))
    assert "was not added" in known
    assert "could not check" not in known


@pytest.mark.parametrize("code", [code for code in CODES if code not in FAILED_CODES])
def test_other_codes_have_no_failure_message(code: Code) -> None:
    """A code that is not one of a failed row is a defect."""
    with pytest.raises(KeyError):
        failure(code, ADD)


@pytest.mark.parametrize("code", UNSENT_CODES)
def test_unsent_rows_say_why_and_what_next(code: Code) -> None:
    """A row for which nothing went out says so, why, and what to do; a given reason takes the place of the general one."""
    assert unsent_message(code).startswith("Nothing was sent for this row: ")
    assert unsent_message(code).count(". ") == 1
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


def part(subject: Told, status: Status, change: Effect = Effect.NONE) -> Part:
    return Part(name=subject.part, state=subject.words.state, status=status, change=change, message=f"[{subject.part} {status}]")


@pytest.mark.parametrize(
    ("unit", "agent", "message"),
    [
        (part(MOVE, Status.SUCCESS, Effect.UPDATED), part(ADD, Status.SUCCESS, Effect.UNCHANGED), "[unit success] [agent success]"),
        (part(MOVE, Status.NOT_SENT), part(ADD, Status.NOT_SENT), "[unit not_sent]"),
        (
            part(MOVE, Status.FAILED),
            part(ADD, Status.SUCCESS, Effect.UPDATED),
            "[unit failed] The agent part of this row was changed: agent @anna (u-anna) is in the department with order 2.",
        ),
        (
            part(MOVE, Status.SUCCESS, Effect.UNCHANGED),
            part(ADD, Status.FAILED),
            '[agent failed] The unit part of this row is already correct: the department is in unit "DACH" (unit-dach).',
        ),
        (part(MOVE, Status.FAILED), part(ADD, Status.FAILED), "[unit failed] The agent part of this row failed, too. [agent failed]"),
        (part(MOVE, Status.FAILED), part(ADD, Status.NOT_SENT), "[unit failed] Nothing was sent for the agent part of this row."),
        (part(MOVE, Status.NOT_SENT), part(ADD, Status.FAILED), "[agent failed] Nothing was sent for the unit part of this row."),
        (
            part(TAKE_OUT, Status.SUCCESS, Effect.UPDATED),
            part(ADD, Status.NOT_SENT),
            "Half done: the department is in no unit. [agent not_sent]",
        ),
        (
            part(MOVE, Status.FAILED),
            part(ADD, Status.PLANNED),
            "[unit failed] The agent part of this row would still be changed. [agent planned]",
        ),
    ],
)
def test_a_row_of_two_parts(unit: Part, agent: Part, message: str) -> None:
    """A row of two parts tells the one that failed (the unit's, if both did), and what became of the other."""
    assert joined([unit, agent]) == message


def other(name: str, status: Status, change: Effect = Effect.NONE) -> Part:
    return Part(name=name, state=f"its {name} is so", status=status, change=change, message=f"[{name} {status}]")


SUCCESS, FAILED, NOT_SENT, PLANNED = Status.SUCCESS, Status.FAILED, Status.NOT_SENT, Status.PLANNED


@pytest.mark.parametrize(
    ("statuses", "message"),
    [
        ((SUCCESS, SUCCESS, SUCCESS), "[unit success] [agent success] [email success]"),
        ((PLANNED, SUCCESS, PLANNED), "[unit planned] [agent success] [email planned]"),
        ((NOT_SENT, NOT_SENT, NOT_SENT), "[unit not_sent]"),
        (
            (SUCCESS, FAILED, FAILED),
            (
                "[agent failed] The unit part of this row was changed: its unit is so. "
                "The email part of this row failed, too. [email failed]"
            ),
        ),
        (
            (NOT_SENT, SUCCESS, FAILED),
            ("[email failed] Nothing was sent for the unit part of this row. The agent part of this row was changed: its agent is so."),
        ),
        (
            (FAILED, PLANNED, NOT_SENT),
            (
                "[unit failed] The agent part of this row would still be changed. [agent planned] "
                "Nothing was sent for the email part of this row."
            ),
        ),
        (
            (SUCCESS, NOT_SENT, NOT_SENT),
            "Half done: its unit is so. [agent not_sent] Nothing was sent for the email part of this row.",
        ),
    ],
)
def test_a_row_of_three_parts(statuses: tuple[Status, ...], message: str) -> None:
    """The first part that failed is told, else the first that was not sent; each of the others has a sentence, in their order."""
    effects, names = {SUCCESS: Effect.UPDATED}, ("unit", "agent", "email")
    parts = [other(name, status, effects.get(status, Effect.NONE)) for name, status in zip(names, statuses, strict=True)]
    assert joined(parts) == message


@pytest.mark.parametrize("told", [0, 1, 2])
def test_a_part_that_was_not_sent_is_told_by_its_name(told: int) -> None:
    """Where other parts of a row were done, the reason why one was not sent is not said of the whole row."""
    names = ("unit", "agent", "email")
    unsent = Part(name=names[told], state="so", status=NOT_SENT, message=unsent_message(Code.INTERRUPTED))
    parts = [other(name, SUCCESS, Effect.UPDATED) for name in names if name != names[told]]
    parts.insert(told, unsent)
    others = " and ".join(part.state for part in parts if part is not unsent)
    assert joined(parts).startswith(
        f"Half done: {others}. Nothing was sent for the {names[told]} part of this row: the job was interrupted. "
    )
    assert "for this row" not in joined(parts)
