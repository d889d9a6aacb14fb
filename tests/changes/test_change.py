"""What all kinds of change have in common."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest

from bulkjob.changes.change import (
    ALREADY_SO,
    Attempt,
    Change,
    Outcome,
    Place,
    Prior,
    agree,
    credited,
    failed,
    seen,
    settled,
)
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.kinds import AnyChange
from bulkjob.records.naming import Naming
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Department, Membership, Unit, Workspace
from bulkjob.vocabulary import Code, Effect, Status

SERVER = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)
MOVE = DepartmentUnit(department_id="d1", unit_id="emea", rows=(2,))
ANNA = DepartmentAgent(department_id="d1", agent_id="u-anna", username="anna", rows=(2,))


def anna(**what: Any) -> DepartmentAgent:
    return msgspec.structs.replace(ANNA, **what)


def workspace(
    parent: str | None = None, place: tuple[int, int] | None = None, *, archived: bool = False, doubled: bool = False
) -> Workspace:
    """One department, in a unit or none, with the agent or without."""
    members = {}
    if place:
        members["u-anna"] = Membership(agent_id="u-anna", username="anna", count=place[0], order=place[1], doubled=doubled)
    return Workspace(
        departments={"d1": Department(id="d1", name="Sales", parent_id=parent, archived=archived)},
        units={"emea": Unit(id="emea", name="EMEA", visibility="public"), "apac": Unit(id="apac", name="APAC", visibility="public")},
        agents={},
        members={"d1": members},
    )


class Untouchable(tuple[int, ...]):
    """Rows that nobody may walk through, nor compare."""

    __slots__ = ()

    def __hash__(self) -> int:
        raise AssertionError("the rows were hashed")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("the rows were compared")

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("the rows were walked through")


class TestEquality:
    @pytest.mark.parametrize("change", [MOVE, ANNA, anna(present=False), anna(count=3, order=4)])
    def test_rows_are_not_looked_at(self, change: DepartmentUnit | DepartmentAgent) -> None:
        """Equal are changes that ask for the same, whichever rows do; thousands of rows cost nothing where changes are kept by key."""
        many, few = (msgspec.structs.replace(change, rows=Untouchable(range(count))) for count in (5000, 1))
        assert many == few
        assert len({many: 1, few: 2, change: 3}) == 1
        assert hash(many) == hash(few)

    @pytest.mark.parametrize(
        ("change", "other"),
        [
            (MOVE, msgspec.structs.replace(MOVE, unit_id="apac")),
            (MOVE, msgspec.structs.replace(MOVE, unit_id=None)),
            (MOVE, msgspec.structs.replace(MOVE, department_id="d2")),
            (MOVE, anna()),
            (anna(), anna(agent_id="u-bob")),
            (anna(), anna(department_id="d2")),
            (anna(), anna(present=False)),
            (anna(), anna(count=0)),
            (anna(count=0), anna(count=1)),
            (anna(count=1), anna(order=1)),
        ],
    )
    def test_what_is_asked_is_looked_at(self, change: Change, other: Change) -> None:
        """Changes of other things, and those that ask something else of the same thing, are others."""
        assert change != other
        assert len({change, other}) == 2

    def test_names_and_reasons_are_no_difference(self) -> None:
        """How an agent is called, and whether a row or ``mirror`` asks for it, makes no other change of it."""
        assert anna(present=False) == anna(present=False, mirrored=True, username="Anna", rows=(9,))

    def test_other_things_are_unequal(self) -> None:
        """A change is equal to nothing that is none."""
        assert MOVE != ("department", "d1", "unit")
        assert MOVE != 5

    def test_limited_to_rows(self) -> None:
        """Limited to some rows it is the same change, for these."""
        limited = anna(rows=(2, 3, 4), mirrored=True).limited_to([3])
        assert (limited, limited.rows, limited.mirrored) == (ANNA, (3,), True)


@pytest.mark.parametrize(
    ("told", "now", "agrees"),
    [
        (None, None, True),
        ("emea", "emea", True),
        ("emea", None, False),
        (None, Place(count=1, order=1), False),
        (Place(count=1, order=1), None, False),
        (Place(), Place(count=7, order=7), True),
        (Place(count=7), Place(count=7, order=1), True),
        (Place(count=7), Place(count=8, order=1), False),
        (Place(order=1), Place(count=8, order=1), True),
        (Place(count=7, order=1), Place(), True),
        # Whose numbers these are nobody knows; that the agent is there is known.
        (Place(count=7), Place(count=7, order=1, doubled=True), False),
        (Place(order=1), Place(count=7, order=1, doubled=True), False),
        (Place(), Place(count=7, order=1, doubled=True), True),
        (Place(count=7, order=1, doubled=True), Place(count=7, order=1, doubled=True), True),
        (Place(count=7, order=1, doubled=True), Place(count=7, order=1), True),
    ],
)
def test_agreement(*, told: Prior, now: Prior, agrees: bool) -> None:
    """What was not told may be any; the numbers of an agent who is stored twice are nobody's word, unless they were told as such."""
    assert agree(told, now) is agrees


def attempt(change: Change, prior: Prior, status: Status | None = Status.SUCCESS) -> Attempt:
    return Attempt(change=change, prior=prior, outcome=None, status=status)


class TestSettled:
    @pytest.mark.parametrize(
        ("change", "state", "outcome"),
        [
            (MOVE, workspace("emea"), ALREADY_SO),
            (MOVE, workspace("emea", archived=True), ALREADY_SO),
            (MOVE, workspace("apac"), None),
            (MOVE, workspace("apac", archived=True), failed(Code.DEPARTMENT_ARCHIVED)),
            (ANNA, workspace(place=(1, 1)), ALREADY_SO),
            (ANNA, workspace(), None),
            (ANNA, workspace(archived=True), failed(Code.DEPARTMENT_ARCHIVED)),
            (anna(count=1), workspace(place=(2, 1)), None),
            (anna(count=1), workspace(place=(1, 1), doubled=True), None),
            (anna(present=False), workspace(), ALREADY_SO),
            (anna(present=False), workspace(archived=True, place=(1, 1)), failed(Code.DEPARTMENT_ARCHIVED)),
        ],
    )
    def test_without_attempts(self, change: Change, state: Workspace, outcome: Outcome | None) -> None:
        """What is so needs no call, also in an archived department; what would change that has none; the rest needs one."""
        assert settled(change, state, SERVER) == outcome

    @pytest.mark.parametrize("change", [MOVE, ANNA, anna(present=False)])
    def test_department_that_is_gone(self, change: Change) -> None:
        """Nothing is so in a department that is gone, not even that somebody is not there; whatever was made of it."""
        gone = Workspace(departments={}, units=None, agents={}, members={"d1": {}})
        for attempts in ((), (attempt(change, None),)):
            assert settled(change, gone, SERVER, attempts) == failed(Code.DEPARTMENT_GONE)

    def test_agents_need_a_permission(self) -> None:
        """An account that may not add agents changes none; what is so is so for it, too."""
        server = replace(SERVER, permissions=frozenset({"manage-livechat-units"}))
        assert settled(ANNA, workspace(), server) == failed(Code.AGENTS_NOT_PERMITTED)
        assert settled(anna(present=False), workspace(place=(1, 1)), server) == failed(Code.AGENTS_NOT_PERMITTED)
        assert settled(ANNA, workspace(place=(1, 1)), server) == ALREADY_SO
        assert settled(ANNA, workspace(archived=True), server) == failed(Code.DEPARTMENT_ARCHIVED)
        assert settled(MOVE, workspace(), server) is None


# A change that puts back, with what the run made: (change back, attempts, now).
_UNIT = (DepartmentUnit(department_id="d1", unit_id=None, rows=(2,)), [attempt(MOVE, None)])
_ADDED = (anna(present=False), [attempt(ANNA, None)])
_REMOVED = (anna(count=5, order=2), [attempt(anna(present=False), Place(count=5, order=2))])
_COUNT = (anna(count=5), [attempt(anna(count=9), Place(count=5, order=2))])
_LOWERED = (anna(count=5), [attempt(anna(count=1), Place(count=5, order=2))])
_PERHAPS_LOWERED = (anna(count=5), [attempt(anna(count=1), Place(count=5, order=2), None)])
_ORDER = (anna(order=2), [attempt(anna(order=7), Place(count=5, order=2))])
_ADDED_WITH = (anna(present=False), [attempt(anna(order=7), None)])


class TestSettledWithAttempts:
    @pytest.mark.parametrize(
        ("back", "now"),
        [
            (_UNIT, workspace("emea")),
            (_ADDED, workspace(place=(0, 0))),
            (_ADDED, workspace(place=(3, 0))),
            (_REMOVED, workspace()),
            (_COUNT, workspace(place=(9, 2))),
            (_COUNT, workspace(place=(12, 2))),
            (_LOWERED, workspace(place=(1, 2))),
            (_LOWERED, workspace(place=(4, 2))),
            # The write is known to have been made: what is more by now are chats.
            (_LOWERED, workspace(place=(8, 2))),
            (_ORDER, workspace(place=(5, 7))),
            (_ORDER, workspace(place=(50, 7))),
        ],
    )
    def test_what_the_run_made_goes_back(self, back: tuple[Change, list[Attempt]], now: Workspace) -> None:
        """What is there as the run made it, but for chats since, is put back."""
        change, attempts = back
        assert settled(change, now, SERVER, attempts) is None

    @pytest.mark.parametrize(
        ("back", "now", "seen"),
        [
            (_UNIT, workspace("apac"), 'it is in unit "APAC" (apac) now'),
            (_UNIT, workspace("apac", archived=True), 'it is in unit "APAC" (apac) now'),
            (_ADDED, workspace(place=(0, 4)), "they are there with count 0 and order 4 now"),
            (_ADDED_WITH, workspace(place=(0, 1)), "they are there with count 0 and order 1 now"),
            (_REMOVED, workspace(place=(5, 8)), "they are there with count 5 and order 8 now"),
            (_REMOVED, workspace(place=(4, 2)), "they are there with count 4 and order 2 now"),
            (_COUNT, workspace(), "they are not there now"),
            (_COUNT, workspace(place=(2, 2)), "they are there with count 2 and order 2 now"),
            # Somebody has set the order since: nobody knows whose count it is.
            (_COUNT, workspace(place=(9, 3)), "they are there with count 9 and order 3 now"),
            (_REMOVED, workspace(place=(6, 2), doubled=True), "they are there with count 6 and order 2, more than once now"),
            (_LOWERED, workspace(place=(0, 2)), "they are there with count 0 and order 2 now"),
            (_ORDER, workspace(place=(5, 3)), "they are there with count 5 and order 3 now"),
            (_ORDER, workspace(place=(5, 7), doubled=True), "they are there with count 5 and order 7, more than once now"),
            (_ORDER, workspace(), "they are not there now"),
        ],
    )
    def test_a_third_value_is_left_alone(self, back: tuple[Change, list[Attempt]], now: Workspace, seen: str) -> None:
        """What is neither as the run made it nor as it was before was changed by somebody since: it fails, with what is there."""
        change, attempts = back
        assert settled(change, now, SERVER, attempts) == failed(Code.CHANGED_MEANWHILE, seen=seen)

    @pytest.mark.parametrize(
        ("back", "now"),
        [
            (_UNIT, workspace(None)),
            (_ADDED, workspace()),
            (_REMOVED, workspace(place=(5, 2))),
            # As before, but for chats.
            (_REMOVED, workspace(place=(6, 2))),
            (_COUNT, workspace(place=(5, 2))),
            (_COUNT, workspace(place=(6, 2))),
            (_PERHAPS_LOWERED, workspace(place=(5, 2))),
            # Nobody knows whether the write was made; a count that is no lower says that it was not, and chats came in.
            (_PERHAPS_LOWERED, workspace(place=(6, 2))),
            (_ORDER, workspace(place=(9, 2))),
        ],
    )
    def test_what_is_as_it_was_needs_no_call(self, back: tuple[Change, list[Attempt]], now: Workspace) -> None:
        """What is as the run found it, if only but for chats since, is already so."""
        change, attempts = back
        assert settled(change, now, SERVER, attempts) == ALREADY_SO

    def test_one_attempt_that_holds_is_enough(self) -> None:
        """Of several attempts it is enough that what one of them made is there."""
        attempts = [attempt(anna(order=7), Place(count=5, order=2), None), attempt(anna(order=9), Place(count=5, order=7))]
        for order in (7, 9):
            assert settled(anna(order=2), workspace(place=(5, order)), SERVER, attempts) is None
        assert settled(anna(order=2), workspace(place=(5, 8)), SERVER, attempts) == failed(
            Code.CHANGED_MEANWHILE, seen="they are there with count 5 and order 8 now"
        )

    def test_what_would_go_back_may_be_impossible(self) -> None:
        """What holds and cannot be written, because the department was archived since, fails for that reason."""
        change, attempts = _UNIT
        assert settled(change, workspace("emea", archived=True), SERVER, attempts) == failed(Code.DEPARTMENT_ARCHIVED)


def test_seen() -> None:
    """What there is, as a clause that a message can end with."""
    naming = Naming(workspace())
    assert seen(MOVE, "emea", naming) == 'it is in unit "EMEA" (emea)'
    assert seen(MOVE, None, naming) == "it is in no unit"
    assert seen(ANNA, Place(count=1, order=2), naming) == "they are there with count 1 and order 2"
    assert seen(ANNA, None, naming) == "they are not there"


class TestCredited:
    def test_it_has_the_figures_of_the_earlier_write(self) -> None:
        """What an earlier attempt wrote is told as its work: what it found, and what its write took."""
        written = Outcome(status=Status.FAILED, code=Code.TIMEOUT, looked_up=False, attempts=5, http_status=504, seconds=9.0)
        made = Attempt(change=MOVE, prior="apac", outcome=written, status=None)
        assert credited(ALREADY_SO, made) == Outcome(
            status=Status.SUCCESS, change=Effect.UPDATED, prior="apac", attempts=5, http_status=504, seconds=9.0
        )

    def test_a_write_that_nobody_saw_the_end_of_has_none(self) -> None:
        """Of a write that was under way when the run ended, only what it found is known."""
        assert credited(ALREADY_SO, attempt(MOVE, None)) == Outcome(status=Status.SUCCESS, change=Effect.UPDATED, prior=None)


def test_changes_survive_a_file() -> None:
    """Every kind of change is read as it was written, told apart by its kind."""
    changes = [MOVE, ANNA, anna(present=False, mirrored=True, rows=(2, 3)), anna(count=0, order=1)]
    read = msgspec.json.decode(msgspec.json.encode(changes), type=list[AnyChange])
    assert [msgspec.to_builtins(change) for change in read] == [msgspec.to_builtins(change) for change in changes]
    assert read == cast("list[Any]", changes)
