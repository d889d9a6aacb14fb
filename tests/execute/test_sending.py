"""One call on its way: what is known of its changes, whatever happens to it."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pytest

from bulkjob.changes.change import ALREADY_SO, Change, Outcome, Place, Prior, failed
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.execute.compose import Composed
from bulkjob.execute.sending import Sending
from bulkjob.records.workspace import Department, Membership, Workspace
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Request
from bulkjob.rocketchat.failures import CallFailed, Failure, Next
from bulkjob.rocketchat.transport import NothingLeft, Written
from bulkjob.vocabulary import Code, Effect, Status

T = TypeVar("T")


def coming(name: str) -> DepartmentAgent:
    return DepartmentAgent(department_id="d1", agent_id=name, username=name, rows=(2,))


ANNA, BOB, CEM = coming("anna"), coming("bob"), coming("cem")


def there(*names: str) -> Workspace:
    """The department with these agents."""
    members = {name: Membership(agent_id=name, username=name, count=0, order=0) for name in names}
    departments = {"d1": Department(id="d1", name="Sales", parent_id=None, archived=False)}
    return Workspace(departments=departments, units=None, agents={}, members={"d1": members})


def composed(*changes: DepartmentAgent, prior: Prior = None, settled: Mapping[Change, Outcome] = {}) -> Composed[bool]:
    """A call that carries these changes; without any there is none."""
    request = endpoints.post_department_agents("d1", [change.stored(prior) for change in changes], {}) if changes else None
    return Composed(request=request, pending=dict.fromkeys(changes, prior), settled=settled)


class Plain:
    """A `Writing` that composes and sees what it is told."""

    def __init__(self, *, compositions: Sequence[Composed[bool] | CallFailed] = (), looks: Sequence[Workspace | CallFailed] = ()) -> None:
        self.compositions = list(compositions)
        self.looks = list(looks)

    async def compose(self) -> Composed[bool]:
        return _told(self.compositions.pop(0))

    async def look(self) -> Workspace:
        return _told(self.looks.pop(0))

    def answer(self, after: Workspace) -> bool:
        return True


def _told(what: T | CallFailed) -> T:
    if isinstance(what, CallFailed):
        raise what
    return what


class Book:
    """A `Journal` that remembers: intents by their changes, and outcomes by the number of the intent."""

    def __init__(self) -> None:
        self.intents: list[tuple[Change, ...]] = []
        self.outcomes: dict[int, list[Outcome]] = {}

    async def intent(
        self, operation: str, request: Request[object], changes: Mapping[Change, Prior], snapshot: Mapping[str, object]
    ) -> int:
        self.intents.append(tuple(changes))
        return len(self.intents)

    def outcome(self, number: int, outcomes: Sequence[Outcome], rows: Sequence[object]) -> None:
        assert number not in self.outcomes
        self.outcomes[number] = list(outcomes)


async def begun(first: Composed[bool], writing: Plain, book: Book, under_way: dict[str, tuple[Change, ...]] | None = None) -> Sending[bool]:
    assert first.request is not None
    number = await book.intent("agents/d1", first.request, first.pending, {})
    journal: Any = book
    plain: Any = writing
    return Sending("agents/d1", plain, first, number, journal=journal, under_way={} if under_way is None else under_way)


REFUSED = CallFailed(Failure(next=Next.ROW, code=Code.REJECTED, said="No.", status=400), attempts=2)
SEEN_UNDONE = CallFailed(Failure(next=Next.REPEAT, code=Code.TIMEOUT, said="no answer"), attempts=5)
NOT_LOOKED_UP = CallFailed(Failure(next=Next.ROW, code=Code.TIMEOUT, said="no answer", undecided=True), attempts=5)
UPDATED = (Status.SUCCESS, Effect.UPDATED, None)


def told(outcomes: Mapping[Change, Outcome]) -> dict[Change, tuple[Status, Effect, Code | None]]:
    return {change: (outcome.status, outcome.change, outcome.code) for change, outcome in outcomes.items()}


class TestFailed:
    async def test_a_refused_call_fails_for_all_that_it_carried(self) -> None:
        """A call that was refused has changed nothing: each of its changes fails with the server's reason, and keeps what it had found."""
        sending = await begun(composed(ANNA, BOB, prior=Place(count=1, order=1)), Plain(), Book())
        outcomes = sending.failed(REFUSED)
        assert told(outcomes) == dict.fromkeys((ANNA, BOB), (Status.FAILED, Effect.NONE, Code.REJECTED))
        assert {outcome.prior for outcome in outcomes.values()} == {Place(count=1, order=1)}
        assert {(outcome.said, outcome.attempts, outcome.http_status) for outcome in outcomes.values()} == {("No.", 2, 400)}

    async def test_what_a_look_has_shown_is_done_is_a_success(self) -> None:
        """Of a write that failed half done, what the last look showed to be there is updated, the rest fails; each with what was found."""
        sending = await begun(composed(ANNA, BOB, CEM), Plain(looks=[there("anna", "cem")]), Book())
        assert await sending.look() is None
        outcomes = sending.failed(SEEN_UNDONE)
        assert told(outcomes) == {ANNA: UPDATED, BOB: (Status.FAILED, Effect.NONE, Code.TIMEOUT), CEM: UPDATED}
        assert (outcomes[ANNA].said, outcomes[BOB].said) == ("", "no answer")
        assert {outcome.prior for outcome in outcomes.values()} == {None}
        assert {(outcome.looked_up, outcome.attempts) for outcome in outcomes.values()} == {(True, 5)}

    async def test_the_last_look_counts(self) -> None:
        """What one look showed and the next one did not is not there."""
        sending = await begun(composed(ANNA, BOB), Plain(looks=[there("anna"), there("bob")]), Book())
        await sending.look()
        await sending.look()
        assert told(sending.failed(SEEN_UNDONE)) == {ANNA: (Status.FAILED, Effect.NONE, Code.TIMEOUT), BOB: UPDATED}

    async def test_nothing_is_known_where_the_last_sending_was_not_looked_up(self) -> None:
        """Where the last sending could not be looked up, what an earlier look showed is no certainty."""
        blind = CallFailed(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="down"))
        sending = await begun(composed(ANNA, BOB), Plain(looks=[there("anna"), blind]), Book())
        await sending.look()
        with pytest.raises(CallFailed):
            await sending.look()
        outcomes = sending.failed(NOT_LOOKED_UP)
        assert told(outcomes) == dict.fromkeys((ANNA, BOB), (Status.FAILED, Effect.NONE, Code.TIMEOUT))
        assert {outcome.looked_up for outcome in outcomes.values()} == {False}

    async def test_a_look_is_out_of_date_once_the_call_is_made_anew(self) -> None:
        """What a look showed and was no longer so when the call was made anew is not there, if that call is then refused."""
        writing = Plain(looks=[there("anna")], compositions=[composed(ANNA, BOB)])
        sending = await begun(composed(ANNA, BOB), writing, Book())
        await sending.look()
        await sending.again()
        assert told(sending.failed(REFUSED)) == dict.fromkeys((ANNA, BOB), (Status.FAILED, Effect.NONE, Code.REJECTED))

    async def test_a_look_counts_where_the_call_could_not_be_made_anew(self) -> None:
        """Where what a call is made from cannot be read, the look at its first sending is the last that is known."""
        writing = Plain(looks=[there("anna")], compositions=[SEEN_UNDONE])
        sending = await begun(composed(ANNA, BOB), writing, Book())
        await sending.look()
        with pytest.raises(CallFailed) as unread:
            await sending.again()
        # It has been tried as often as it may be: the write is not tried once more for its sake.
        assert unread.value.failure.next is Next.ROW
        assert told(sending.failed(unread.value)) == {ANNA: UPDATED, BOB: (Status.FAILED, Effect.NONE, Code.TIMEOUT)}

    async def test_an_answered_write_that_could_not_be_looked_up(self) -> None:
        """A write that was answered and not looked up fails with its own figures, unknown whether it is done."""
        sending = await begun(composed(ANNA), Plain(), Book())
        sending.written = Written(value=True, attempts=1, status=200, seconds=0.5)
        outcome = sending.failed(SEEN_UNDONE)[ANNA]
        assert (outcome.status, outcome.looked_up, outcome.http_status, outcome.attempts) == (Status.FAILED, False, 200, 1)

    async def test_what_was_found_first_is_what_it_was_before(self) -> None:
        """Of a call that was sent twice, what the first sending found is what there was before: the second may find its work."""
        writing = Plain(looks=[there("bob"), there()], compositions=[composed(ANNA, prior=Place(count=9, order=9))])
        sending = await begun(composed(ANNA, prior=Place(count=1, order=1)), writing, Book())
        await sending.look()
        await sending.again()
        assert sending.failed(REFUSED)[ANNA].prior == Place(count=1, order=1)


class TestLook:
    async def test_whole_or_not(self) -> None:
        """A sending of unknown outcome counts as answered only if all that it carried is there."""
        sending = await begun(composed(ANNA, BOB), Plain(looks=[there("anna"), there("anna", "bob")]), Book())
        assert await sending.look() is None
        assert await sending.look() is True

    async def test_what_was_perhaps_made_is_remembered(self) -> None:
        """What went out and was not answered may have been made, whatever a later call carries."""
        writing = Plain(looks=[there()], compositions=[composed(BOB)])
        sending = await begun(composed(ANNA), writing, Book())
        assert sending.perhaps_made == {}
        await sending.look()
        await sending.again()
        assert sending.perhaps_made == {ANNA: None}


class TestAgain:
    async def test_the_same_call_has_one_intent(self) -> None:
        """A call that is made anew and comes out the same is the write that the journal has already."""
        book = Book()
        sending = await begun(composed(ANNA), Plain(compositions=[composed(ANNA)]), book)
        await sending.again()
        assert (sending.number, book.intents, book.outcomes) == (1, [(ANNA,)], {})

    async def test_another_call_has_an_intent_of_its_own(self) -> None:
        """One that comes out otherwise is another write; the first one's changes are written down as what is known of them."""
        book, under_way = Book(), dict[str, tuple[Change, ...]]()
        first = composed(ANNA, BOB, CEM)
        anew = composed(BOB, settled={ANNA: ALREADY_SO, CEM: failed(Code.DEPARTMENT_GONE)})
        sending = await begun(first, Plain(looks=[there("anna")], compositions=[anew]), book, under_way)
        assert under_way == {"agents/d1": (ANNA, BOB, CEM)}
        await sending.look()
        request = await sending.again()
        assert anew.request is not None
        assert request.body == anew.request.body
        assert (sending.number, sending.journalled, book.intents) == (2, (BOB,), [(ANNA, BOB, CEM), (BOB,)])
        assert [(outcome.status, outcome.code) for outcome in book.outcomes[1]] == [
            (Status.SUCCESS, None),
            (Status.FAILED, None),
            (Status.FAILED, Code.DEPARTMENT_GONE),
        ]
        # Of what went out nobody knows the end until the call has one.
        assert set(under_way["agents/d1"]) == {ANNA, BOB, CEM}

    async def test_nothing_left(self) -> None:
        """Where all is so by then, nothing is sent; what a sending of unknown outcome may have made is its work, the rest was so."""
        writing = Plain(looks=[there("anna")], compositions=[composed(settled={ANNA: ALREADY_SO, BOB: ALREADY_SO})])
        sending = await begun(composed(ANNA, prior=Place(count=1, order=1)), writing, Book())
        await sending.look()
        with pytest.raises(NothingLeft):
            await sending.again()
        settled = sending.settled()
        assert told(settled) == {ANNA: UPDATED, BOB: (Status.SUCCESS, Effect.UNCHANGED, None)}
        assert settled[ANNA].prior == Place(count=1, order=1)

    async def test_credit_has_the_figures_of_the_answered_write(self) -> None:
        """What the first sending made and the second one found has the figures of the write as a whole."""
        writing = Plain(looks=[there("anna")], compositions=[composed(BOB, settled={ANNA: ALREADY_SO})])
        sending = await begun(composed(ANNA, BOB), writing, Book())
        await sending.look()
        await sending.again()
        sending.written = Written(value=True, attempts=2, status=200, seconds=3.0)
        outcome = sending.settled()[ANNA]
        assert (outcome.change, outcome.attempts, outcome.http_status, outcome.seconds) == (Effect.UPDATED, 2, 200, 3.0)

    async def test_what_may_still_arrive_is_undecided(self) -> None:
        """What the first sending, of unknown outcome, carried is not known to be undone, whatever the second one found or was answered."""
        anew = composed(BOB, CEM, settled={ANNA: failed(Code.DEPARTMENT_ARCHIVED)})
        sending = await begun(composed(ANNA, BOB), Plain(looks=[there()], compositions=[anew]), Book())
        await sending.look()
        await sending.again()
        sending.written = Written(value=True, attempts=2, status=200, seconds=3.0)
        answered = sending.doubted({BOB: failed(Code.NOT_APPLIED), CEM: failed(Code.NOT_APPLIED)})
        outcomes = {**sending.settled(), **answered}
        assert {change: outcome.undecided for change, outcome in outcomes.items()} == {ANNA: True, BOB: True, CEM: False}
        assert (outcomes[ANNA].code, outcomes[ANNA].attempts, outcomes[ANNA].http_status) == (Code.DEPARTMENT_ARCHIVED, 2, 200)
