"""A monitor of a unit."""

from dataclasses import replace

import msgspec
import pytest

from bulkjob.changes.change import ALREADY_SO, Attempt, settled
from bulkjob.changes.drafts import UnitDraft
from bulkjob.changes.entries import Line, Thing
from bulkjob.changes.unit_monitor import UnitMonitor, UnitMonitorEntry
from bulkjob.records.naming import Naming, new_unit
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Monitor, Unit, Workspace
from bulkjob.vocabulary import Code, Status

ADMIN = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)
COMES = UnitMonitor(unit_id="emea", monitor_id="u-mo", username="mo", rows=(2,))
LEAVES = msgspec.structs.replace(COMES, present=False)


def workspace(*monitors: str) -> Workspace:
    """A unit with these monitors."""
    return Workspace(
        departments={},
        units={"emea": Unit(id="emea", name="EMEA", visibility="public")},
        agents={},
        monitors={"emea": {f"u-{name}": Monitor(id=f"u-{name}", username=name) for name in monitors}},
    )


NAMING = Naming(workspace())


def test_found() -> None:
    """What is found is whether the user is one of the unit's monitors, by id, whatever the unit's list calls them."""
    assert COMES.found(workspace("mia", "mo")) is True
    assert COMES.found(workspace("mia")) is False
    renamed = Workspace(departments={}, units={}, agents={}, monitors={"emea": {"u-mo": Monitor(id="u-mo", username="moritz")}})
    assert COMES.found(renamed) is True
    there, gone = COMES.found(workspace("mo")), COMES.found(workspace())
    assert (COMES.is_so(there), COMES.is_so(gone), LEAVES.is_so(there), LEAVES.is_so(gone)) == (True, False, False, True)


def test_how_they_are_called_makes_no_difference() -> None:
    """The same user of the same unit is one change, by whichever name; another unit, or leaving, is another."""
    assert msgspec.structs.replace(COMES, username="Mo", rows=(7,)) == COMES
    assert len({COMES, LEAVES, msgspec.structs.replace(COMES, unit_id="apac"), msgspec.structs.replace(COMES, monitor_id="u-mia")}) == 4


def test_unit_that_is_gone() -> None:
    """Of a unit that is gone nothing can be changed; of one that is still to be made it can."""
    gone = msgspec.structs.replace(COMES, unit_id="gone").missing(workspace())
    assert gone is not None
    assert (gone.code, gone.said) == (Code.REJECTED, "the unit is no longer there")
    assert msgspec.structs.replace(COMES, unit_id=new_unit("West")).missing(workspace()) is None


def test_unit_that_may_only_be_unlisted() -> None:
    """A unit that is not in a list which may lack some is not known to be gone."""
    change = msgspec.structs.replace(COMES, unit_id="unlisted")
    assert change.missing(replace(workspace(), all_units=False)) is None
    assert change.missing(replace(workspace(), units=None)) is None


def test_drafts() -> None:
    """Monitors are a set: who is there stays with the name that the list has, who comes is added once, who leaves goes, others stay."""
    mia, mo = (Monitor(id=f"u-{name}", username=name) for name in ("mia", "mo"))
    draft = UnitDraft(id="emea", name="EMEA", visibility="public", monitors={mia.id: mia}, departments={})
    for _ in range(2):
        COMES.apply_to_unit(draft)
    assert draft.monitors == {mia.id: mia, mo.id: mo}
    msgspec.structs.replace(COMES, username="other").apply_to_unit(draft)
    assert draft.monitors[mo.id] == mo
    for _ in range(2):
        LEAVES.apply_to_unit(draft)
    assert draft.monitors == {mia.id: mia}


@pytest.mark.parametrize("change", [COMES, LEAVES])
@pytest.mark.parametrize("prior", [True, False])
def test_undone(change: UnitMonitor, *, prior: bool) -> None:
    """Put back is whether they were a monitor before; whoever was put back by hand needs no call."""
    back = change.undone(prior, [4, 5])
    assert (back.present, back.rows, back.target) == (prior, (4, 5), change.target)
    made = Attempt(change=change, prior=prior, outcome=None, status=Status.SUCCESS)
    assert settled(back, workspace(*(["mo"] if prior else [])), ADMIN, [made]) == ALREADY_SO


def test_in_units() -> None:
    """A monitor of a unit that is to be made is one of that unit, once its id is known."""
    change = msgspec.structs.replace(COMES, unit_id=new_unit("West"))
    assert change.in_units({new_unit("West"): "u9"}) == msgspec.structs.replace(COMES, unit_id="u9")
    assert COMES.in_units({new_unit("West"): "u9"}) == COMES


@pytest.mark.parametrize(
    ("change", "done", "deed", "state", "opposite"),
    [
        (
            COMES,
            'Monitor @mo (u-mo) added to unit "EMEA" (emea).',
            'added to unit "EMEA" (emea)',
            '@mo (u-mo) is a monitor of unit "EMEA" (emea)',
            "the user was not among the unit's monitors",
        ),
        (
            LEAVES,
            'Monitor @mo (u-mo) removed from unit "EMEA" (emea).',
            'removed from unit "EMEA" (emea)',
            '@mo (u-mo) is no monitor of unit "EMEA" (emea)',
            "the user was still one of the unit's monitors",
        ),
    ],
)
def test_words(change: UnitMonitor, done: str, deed: str, state: str, opposite: str) -> None:
    """A monitor is added to a unit, or removed from it, both by their names."""
    words = change.words(not change.present, NAMING)
    assert (words.done, words.deed, words.state, words.opposite) == (done, deed, state, opposite)
    assert words.planned == done.replace("mo) added", "mo) will be added").replace("mo) removed", "mo) will be removed")


@pytest.mark.parametrize("change", [COMES, LEAVES, msgspec.structs.replace(COMES, unit_id=new_unit("West"), username="")])
def test_entry(change: UnitMonitor) -> None:
    """The document's entry gives the change and what was found back; in a listing it stands under the unit."""
    entry = change.entry(not change.present, NAMING, Status.PLANNED, None)
    read = msgspec.json.decode(msgspec.json.encode(entry), type=UnitMonitorEntry)
    assert msgspec.to_builtins(read.change()) == msgspec.to_builtins(change)
    assert (read.prior(), read.departments) == (not change.present, ())
    (line,) = read.lines(lambda thing: thing.name)
    unit = Thing(id=change.unit_id, name="EMEA" if change.unit_id == "emea" else "West")
    shown = "monitor @mo" if change.username else "monitor u-mo"
    assert line == Line(section="unit", about=unit, sign="+" if change.present else "−", text=shown)
