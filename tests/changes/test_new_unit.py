"""A unit as such: that it is made, or taken away again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bulkjob.changes.change import ALREADY_SO, Outcome, settled
from bulkjob.changes.drafts import UnitDraft
from bulkjob.changes.entries import Line, Thing
from bulkjob.changes.new_unit import Held, NewUnit, NewUnitEntry
from bulkjob.records.naming import Naming, new_unit
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Department, Monitor, Unit, Workspace
from bulkjob.vocabulary import Code, Status

ADMIN = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)
WEST = NewUnit(unit_id=new_unit("West"), name="West", rows=(2, 3))
HELD = Held(visibility="private", monitors=(("u-mo", "mo"), ("u-mia", "mia")), departments=(("d1", "emea"), ("d2", None)))
GOES = NewUnit(unit_id="u9", name="West", present=False, holds_only=HELD, rows=(2, 3))


def workspace(
    name: str = "West",
    visibility: str | None = "private",
    *,
    monitors: tuple[str, ...] | None = ("mo", "mia"),
    parents: Mapping[str, str | None] | None = None,
) -> Workspace:
    """The unit as a run left it; ``monitors`` None where they were not read."""
    homes = {"d1": "emea", "d2": None, "d3": "emea", **(parents or {})}
    listed = {} if monitors is None else {"u9": {f"u-{one}": Monitor(id=f"u-{one}", username=one) for one in monitors}}
    return Workspace(
        departments={each: Department(id=each, name=each.upper(), parent_id=parent, archived=False) for each, parent in homes.items()},
        units={
            "u9": Unit(id="u9", name=name, visibility=visibility),
            "emea": Unit(id="emea", name="EMEA", visibility="public"),
            "apac": Unit(id="apac", name="APAC", visibility="public"),
        },
        agents={},
        monitors=listed,
    )


NAMING = Naming(workspace())


def outcome_of(change: NewUnit, state: Workspace) -> Outcome | None:
    return settled(change, state, ADMIN)


class TestFound:
    def test_not_there(self) -> None:
        """What stands for a unit that is to be made is found nowhere: that it is there is not so, that it is gone is."""
        assert WEST.found(workspace()) is None
        assert not WEST.is_so(None)
        assert msgspec.structs.replace(WEST, present=False).is_so(None)

    def test_there(self) -> None:
        """A unit is found by its id, or as what stands for it where a look has put it there; what is found is its own id."""
        assert GOES.found(workspace()) == "u9"
        assert not GOES.is_so("u9")
        seen = replace(workspace(), units={new_unit("West"): Unit(id="u9", name="West", visibility="private")})
        assert WEST.found(seen) == "u9"
        assert WEST.is_so("u9")

    def test_units_that_were_not_read(self) -> None:
        """Where no units were read there is none."""
        assert GOES.found(Workspace(departments={}, units=None, agents={})) is None

    def test_gone_already(self) -> None:
        """A unit that is to go and is not there any more needs no call, whatever the account may."""
        state = Workspace(departments={}, units={}, agents={})
        assert settled(GOES, state, replace(ADMIN, permissions=frozenset())) == ALREADY_SO


class TestObstacles:
    def test_as_it_was_left(self) -> None:
        """A unit that holds what the run left, its departments still in it or home again, may go."""
        for parents in ({}, {"d1": "u9"}, {"d1": "u9", "d2": "u9"}):
            assert outcome_of(GOES, workspace(parents=parents)) is None

    @pytest.mark.parametrize(
        ("now", "seen"),
        [
            ({"name": "West 2"}, 'the unit is called "West 2" and is private now'),
            ({"name": "west"}, 'the unit is called "west" and is private now'),
            ({"visibility": "public"}, 'the unit is called "West" and is public now'),
            ({"visibility": None}, 'the unit is called "West" and is without a visibility now'),
            ({"monitors": ("mo",)}, "the unit has other monitors now"),
            ({"monitors": ("mo", "mia", "max")}, "the unit has other monitors now"),
            ({"monitors": ()}, "the unit has other monitors now"),
            ({"parents": {"d3": "u9"}}, 'the unit holds "D3" (d3) now'),
            ({"parents": {"d1": "apac"}}, '"D1" (d1) is in another unit now'),
            ({"parents": {"d1": "apac", "d2": "emea"}}, '"D1" (d1) and "D2" (d2) are in another unit now'),
        ],
    )
    def test_changed_meanwhile(self, now: dict[str, Any], seen: str) -> None:
        """A unit whose name, visibility, monitors or departments somebody has changed stays, and it is said what is otherwise."""
        outcome = outcome_of(GOES, workspace(**now))
        assert outcome is not None
        assert (outcome.status, outcome.code, outcome.seen) == (Status.FAILED, Code.CHANGED_MEANWHILE, seen)

    def test_monitors_that_nobody_saw_stored(self) -> None:
        """Monitors who were perhaps never stored may be missing; who is no monitor of the run's may still not be there."""
        perhaps = msgspec.structs.replace(GOES, holds_only=msgspec.structs.replace(HELD, perhaps=("u-mia",)))
        assert outcome_of(perhaps, workspace(monitors=("mo",))) is None
        assert outcome_of(perhaps, workspace()) is None
        for monitors in (("mia",), ("mo", "max")):
            outcome = outcome_of(perhaps, workspace(monitors=monitors))
            assert outcome is not None
            assert outcome.code is Code.CHANGED_MEANWHILE

    @pytest.mark.parametrize(
        ("number", "seen"),
        [(2, None), (1, "1 monitor"), (3, "3 monitors"), (0, "no monitors"), (None, "no monitors")],
    )
    def test_monitors_that_may_not_be_listed(self, number: int | None, seen: str | None) -> None:
        """For an account that may not list monitors, their number decides."""
        state = workspace(monitors=None)
        unit = Unit(id="u9", name="West", visibility="private", monitors=number)
        outcome = outcome_of(GOES, replace(state, units={**(state.units or {}), "u9": unit}))
        assert (outcome and outcome.seen) == (seen and f"the unit has {seen} now, whom this account may not list")

    def test_department_that_is_gone(self) -> None:
        """A department that was deleted since keeps no unit."""
        state = workspace()
        left = {identifier: department for identifier, department in state.departments.items() if identifier != "d1"}
        assert outcome_of(GOES, replace(state, departments=left)) is None

    def test_permission(self) -> None:
        """Without manage-livechat-units a unit is neither made nor taken away."""
        account = replace(ADMIN, permissions=frozenset({"manage-livechat-monitors"}))
        for change in (WEST, GOES):
            outcome = settled(change, workspace(), account)
            assert outcome is not None
            assert (outcome.code, outcome.said) == (Code.UNIT_NOT_PERMITTED, "the account lacks the permission manage-livechat-units")


class TestUndone:
    def test_made(self) -> None:
        """A unit that a run has made goes, by the id that it has got."""
        back = WEST.in_units({WEST.unit_id: "u9"}).undone(None, [4])
        assert (back.unit_id, back.name, back.present, back.rows) == ("u9", "West", False, (4,))

    def test_taken_away(self) -> None:
        """One that a rollback has taken away is made once more, with its visibility and monitors, and has another id then."""
        back = GOES.undone("u9", [4])
        assert (back.unit_id, back.present, back.holds_only, back.rows) == (new_unit("West"), True, HELD, (4,))
        draft = UnitDraft(id=back.unit_id, name="", visibility="", monitors={}, departments={})
        back.apply_to_unit(draft)
        assert (draft.name, draft.visibility, list(draft.monitors)) == ("West", "private", ["u-mo", "u-mia"])

    def test_never_there(self) -> None:
        """What was not there before it was taken away does not come back."""
        assert not GOES.undone(None, [4]).present


def test_drafts() -> None:
    """A new unit has its name as the sheet gives it, is public, and has nobody until another change adds them."""
    draft = UnitDraft(id=WEST.unit_id, name="", visibility="", monitors={}, departments={})
    WEST.apply_to_unit(draft)
    assert (draft.name, draft.visibility, draft.monitors, draft.departments) == ("West", "public", {}, {})


@pytest.mark.parametrize(
    ("change", "done", "planned", "state", "opposite"),
    [
        (WEST, 'Unit "West" created.', 'Unit "West" will be created.', 'there is a unit "West"', "there was no such unit"),
        (
            GOES,
            'Unit "West" (u9) deleted.',
            'Unit "West" (u9) will be deleted.',
            'there is no unit "West" (u9)',
            "the unit was still there",
        ),
    ],
)
def test_words(change: NewUnit, done: str, planned: str, state: str, opposite: str) -> None:
    """A unit is created by its name, and deleted by name and id."""
    words = change.words(None, NAMING)
    assert (words.done, words.planned, words.state, words.opposite) == (done, planned, state, opposite)
    assert (change.described("u9", NAMING), change.described(None, NAMING)) == ("there", "not there")
    assert (change.described(prior=True, naming=NAMING), change.described(prior=False, naming=NAMING)) == ("there", "not there")


@pytest.mark.parametrize(("change", "prior", "sign", "text"), [(WEST, None, "+", "new unit"), (GOES, "u9", "−", "deleted")])
def test_entry(change: NewUnit, prior: str | None, sign: str, text: str) -> None:
    """The document's entry gives the change and what was found back, all that the unit holds included."""
    entry = change.entry(prior, NAMING, Status.PLANNED, None)
    read = msgspec.json.decode(msgspec.json.encode(entry), type=NewUnitEntry)
    assert msgspec.to_builtins(read.change()) == msgspec.to_builtins(change)
    assert (read.prior(), read.departments, read.units) == (prior, (), (Thing(id=change.unit_id, name="West"),))
    (line,) = read.lines(lambda thing: thing.name)
    assert line == Line(section="unit", about=Thing(id=change.unit_id, name="West"), sign=sign, text=text)  # type: ignore[arg-type]
