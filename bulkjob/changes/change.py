"""What rows can ask for, seen from outside: a `Change` knows its target, whether the server holds it, and what it is called.

Each kind of change is one module of this package. A change is the desired state of one thing (a department's unit, an agent's place in a
department); its *prior state* is what was there before it was written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol, Self

import msgspec

from bulkjob.changes.entries import Line, NameOf, Thing
from bulkjob.records import Naming, Server, Workspace, is_new_unit
from bulkjob.vocabulary import Code, Effect, Status

# Of what there is for every row, the garbage collector keeps no track (``gc=False``): none of it can lead back to itself.


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent's place in a department; a number is None where it was not read, or is to stay as it is; a file then leaves it out."""

    count: int | None = None
    order: int | None = None
    doubled: bool = False
    """Whether the server stores the agent there more than once; the numbers are those of one of the rows."""


_ANY_PLACE: Final = Place()


def place(count: int | None, order: int | None) -> Place:
    """A place that the server stores once; where neither number is known or asked for, always the same one."""
    return _ANY_PLACE if count is None and order is None else Place(count=count, order=order)


#: What a change found before it was written, or finds now: a unit's id, an agent's place, a field's value; None for nothing.
Prior = str | bool | Place | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a change."""

    status: Status
    change: Effect = Effect.NONE
    code: Code | None = None
    said: str = ""
    """The server's own words, or the reason why nothing was sent."""
    seen: str = ""
    """What the server was found to hold instead, as a clause."""
    looked_up: bool = True
    """False where a write went out and what became of it could not be looked up."""
    undecided: bool = False
    """Whether the write may be carried out all the same, wholly or in part: looked up, it was not, but that proves nothing."""
    attempts: int | None = None
    http_status: int | None = None
    seconds: float | None = None
    prior: Prior | msgspec.UnsetType = msgspec.UNSET
    """What the write that decided it had found; unset where nothing was written."""
    made: str = ""
    """The id of the unit that was made, or turned out to be there already, for a change that went by a stand-in for it."""


ALREADY_SO = Outcome(status=Status.SUCCESS, change=Effect.UNCHANGED)


def failed(code: Code, said: str = "", *, seen: str = "", undecided: bool = False) -> Outcome:
    """The outcome of a change that fails, as it is before anything is known of a call."""
    return Outcome(status=Status.FAILED, code=code, said=said, seen=seen, undecided=undecided)


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """How messages speak of a change; each text is a piece of a sentence, made with the state before."""

    done: str
    """A sentence: what was done."""
    planned: str
    """A sentence: what a plan will do."""
    thing: str
    """What it is about, as the beginning of a sentence: ``Agent @anna in department "Sales"``."""
    subject: str
    """The beginning of a failure's sentence: what should have been changed."""
    deed: str
    """What should have been done to the subject, behind ``was not``."""
    state: str
    """What is so once the change is made, as a clause."""
    opposite: str
    """What was seen where it was not made and nothing more precise is known, as a clause."""


class Change(Protocol):
    """One thing that rows ask for. Equal are changes that ask for the same, whichever rows do."""

    part: ClassVar[str]
    """What the part of a row that asks for it is called."""
    rank: ClassVar[int]
    """Of the parts of a row that failed, the one with the lowest rank decides the row."""

    @property
    def being(self) -> str:
        """How a clause about its target begins: ``it is``."""

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows that ask for it; of what ``mirror`` asks for, the rows that say who stays."""

    @property
    def target(self) -> tuple[str, ...]:
        """What it is about, whatever is asked."""

    @property
    def wanted(self) -> Prior:
        """The state that is asked for; a number that may be any is None."""

    @property
    def ends_assignment(self) -> bool:
        """Whether an agent leaves a department."""

    def limited_to(self, rows: Sequence[int]) -> Self:
        """The same, asked for by these rows only."""

    def in_units(self, ids: Mapping[str, str]) -> Self:
        """The same with units that went by a stand-in (`new_unit`) by their ids."""

    def found(self, state: Workspace) -> Prior:
        """What there is of its target."""

    def is_so(self, now: Prior) -> bool:
        """Whether this is what is asked for, to the number."""

    def holds(self, prior: Prior, now: Prior, *, certain: bool = False) -> bool:
        """Whether the server holds it after a write that found ``prior``.

        ``certain``: that write is known to have been carried out, so that a number that has risen rose after it.
        """

    def missing(self, state: Workspace) -> Outcome | None:
        """The outcome where what it is about is no longer there; None if it is."""

    def obstacle(self, state: Workspace, server: Server) -> Outcome | None:
        """Why what is there cannot be written, whatever the route; None if nothing is known to speak against it."""

    def undone(self, prior: Prior, rows: Sequence[int]) -> "Change":
        """The change that puts back what this one found."""

    def described(self, prior: Prior, naming: Naming) -> str:
        """A state of its target, as it stands behind `being`: ``in unit "DACH" (unit-dach)``."""

    def words(self, prior: Prior, naming: Naming) -> Words:
        """How messages speak of it."""

    def entry(self, found: Prior, naming: Naming, status: Status, code: Code | None) -> "Entry":
        """How a plan's document holds it."""


def agree(expected: Prior, now: Prior) -> bool:
    """Whether what is there is what is expected; a number that is left open may be any."""
    if not isinstance(expected, Place) or not isinstance(now, Place):
        return expected == now
    has_numbers = expected.count is not None or expected.order is not None
    if has_numbers and now.doubled and not expected.doubled:
        return False
    return _same(expected.count, now.count) and _same(expected.order, now.order)


def _same(expected: int | None, now: int | None) -> bool:
    return expected is None or now is None or expected == now


def as_before(prior: Prior, now: Prior) -> bool:
    """Whether what is there is what was found, if a counter that chats have raised since is taken as it was."""
    if isinstance(prior, Place) and isinstance(now, Place) and (now.count or 0) > (prior.count or 0):
        return agree(msgspec.structs.replace(prior, count=None), now)
    return agree(prior, now)


def stand_in(change: Change) -> str:
    """What stands for a unit that is still to be made (`new_unit`) in what a change is about or asks for; blank where nothing does."""
    return next((part for part in (*change.target, change.wanted) if isinstance(part, str) and is_new_unit(part)), "")


def seen(change: Change, now: Prior, naming: Naming) -> str:
    """What there is of a change's target, as a clause: ``it is in no unit``."""
    return f"{change.being} {change.described(now, naming)}"


class Entry(Protocol):
    """A change in a plan's document."""

    @property
    def departments(self) -> tuple[Thing, ...]:
        """The departments that it names."""

    @property
    def units(self) -> tuple[Thing, ...]:
        """The units that it names."""

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows that ask for it."""

    @property
    def status(self) -> Status:
        """``planned`` where an operation carries it."""

    @property
    def code(self) -> Code | None:
        """Why it fails, where that is certain."""

    def change(self) -> Change:
        """What it asks for."""

    def prior(self) -> Prior:
        """What the plan found."""

    def lines(self, name: NameOf) -> Iterable[Line]:
        """What a listing says of it."""


#: A change and what became of it.
ChangeOutcome = tuple[Change, Outcome]


class Asked(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False, tag_field="kind"):
    """What every kind of change has; equality does not look at the rows, of which there may be thousands."""

    rows: tuple[int, ...]

    @property
    def target(self) -> tuple[str, ...]:
        """What it is about, whatever is asked."""
        raise TypeError(f"{type(self).__name__} says nothing of what it is about")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Asked) and (self.target, self.wanted) == (other.target, other.wanted)

    def __hash__(self) -> int:
        # What is asked of the same thing is seldom more than one in a plan, and equality tells these apart.
        return hash(self.target)

    @property
    def wanted(self) -> Prior:
        """The state that is asked for; a number that may be any is None."""
        raise TypeError(f"{type(self).__name__} says nothing of what it asks for")

    @property
    def ends_assignment(self) -> bool:
        """Whether an agent leaves a department."""
        return False

    def is_so(self, now: Prior) -> bool:
        """Whether this is what is asked for, to the number."""
        return agree(self.wanted, now)

    def holds(self, prior: Prior, now: Prior, *, certain: bool = False) -> bool:  # noqa: ARG002 - matters where chats change what is there
        """Whether the server holds it after a write that found ``prior``."""
        return self.is_so(now)

    def limited_to(self, rows: Sequence[int]) -> Self:
        """The same, asked for by these rows only."""
        return msgspec.structs.replace(self, rows=tuple(rows))

    def in_units(self, ids: Mapping[str, str]) -> Self:  # noqa: ARG002 - matters where a unit is named
        """The same with units that went by a stand-in (`new_unit`) by their ids."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One change that a run made, or may have made, and what it found."""

    change: Change
    prior: Prior
    outcome: Outcome | None
    """None where the run ended before it was known."""
    status: Status | None
    """None where nobody knows: the run ended before, or the write's outcome could not be looked up."""

    def still_holds(self, now: Prior) -> bool:
        """Whether what it made is there; a counter may have risen by chats."""
        return self.change.holds(self.prior, now, certain=self.status is Status.SUCCESS)


def settled(change: Change, state: Workspace, server: Server, attempts: Sequence[Attempt] = ()) -> Outcome | None:
    """The outcome of a change that needs no call or cannot have one, given what the server holds; None where a call is needed.

    ``attempts``: for a change that puts something back, what the run made; the first of them found the state that is to be restored. What
    somebody has changed since is left alone.
    """
    now = change.found(state)
    if missing := change.missing(state):
        return missing
    if change.is_so(now):
        return ALREADY_SO
    if attempts and not any(attempt.still_holds(now) for attempt in attempts):
        if as_before(attempts[0].prior, now):
            return ALREADY_SO
        return failed(Code.CHANGED_MEANWHILE, seen=f"{seen(change, now, Naming(state))} now")
    return change.obstacle(state, server)


def credited(outcome: Outcome, attempt: Attempt) -> Outcome:
    """The outcome of a change in a run of which an earlier attempt has written it, or may have.

    A change that turns out to be in place is that attempt's work, and is reported with its figures. Where a chat has raised the counter
    since, so that it was written once more, the state before the run is still the one that the earlier attempt found.
    """
    if outcome.status is Status.SUCCESS and outcome.change is Effect.UNCHANGED:
        before = attempt.outcome
        return msgspec.structs.replace(
            outcome,
            change=Effect.UPDATED,
            prior=attempt.prior,
            attempts=before.attempts if before else None,
            http_status=before.http_status if before else None,
            seconds=before.seconds if before else None,
        )
    written_again = not isinstance(outcome.prior, msgspec.UnsetType) and attempt.still_holds(outcome.prior)
    return msgspec.structs.replace(outcome, prior=attempt.prior) if written_again else outcome
