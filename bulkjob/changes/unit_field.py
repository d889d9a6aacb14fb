"""A field of a unit itself: its name and its visibility."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, Self

import msgspec

from bulkjob.changes.change import Outcome, Prior
from bulkjob.changes.drafts import UnitDraft
from bulkjob.changes.entries import AboutUnit, Line, NameOf, Thing
from bulkjob.changes.fields import FieldChange, FieldWords, refuse_unknown
from bulkjob.changes.gone import unit_missing
from bulkjob.records import Naming, Server, Workspace, is_new_unit
from bulkjob.vocabulary import Code, Status

#: By the server's name of the field (``LivechatUnit.ts``).
WORDS: Final[Mapping[str, FieldWords]] = {"name": FieldWords(label="name", renames=True), "visibility": FieldWords(label="visibility")}


class UnitField(FieldChange, frozen=True, kw_only=True, eq=False, tag="unit-field"):
    """The desired value of one field of a unit, by the server's name of the field."""

    part: ClassVar[str] = "unit's own"
    rank: ClassVar[int] = 3

    unit_id: str

    @property
    def target(self) -> tuple[str, ...]:
        return "unit", self.unit_id, "field", self.field

    @property
    def field_words(self) -> FieldWords:
        return WORDS[self.field]

    def thing_named(self, naming: Naming) -> str:
        return f"unit {naming.unit(self.unit_id)}"

    def found(self, state: Workspace) -> Prior:
        unit = (state.units or {}).get(self.unit_id)
        return (unit.name if self.field == "name" else unit.visibility) if unit else None

    def missing(self, state: Workspace) -> Outcome | None:
        return unit_missing(self.unit_id, state)

    def obstacle(self, state: Workspace, server: Server) -> Outcome | None:  # noqa: ARG002 - which route is open is the plan's to say
        return None

    def in_units(self, ids: Mapping[str, str]) -> Self:
        return msgspec.structs.replace(self, unit_id=ids.get(self.unit_id, self.unit_id))

    def apply_to_unit(self, draft: UnitDraft) -> None:
        if isinstance(self.value, str):
            setattr(draft, self.field, self.value)

    def entry(self, found: Prior, naming: Naming, status: Status, code: Code | None) -> "UnitFieldEntry":
        return UnitFieldEntry(
            unit=Thing(id=self.unit_id, name=naming.unit_name(self.unit_id)),
            field=self.field,
            found=found if isinstance(found, str) else None,
            wanted=str(self.value),
            rows=self.rows,
            status=status,
            code=code,
        )


class UnitFieldEntry(AboutUnit, frozen=True, kw_only=True, tag="unit-field"):
    """A unit's field in a plan's document; null is none."""

    field: str
    found: str | None
    wanted: str
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for an unknown field."""
        refuse_unknown(self.field, WORDS)

    def change(self) -> UnitField:
        """What it asks for."""
        return UnitField(unit_id=self.unit.id, field=self.field, value=self.wanted, rows=self.rows)

    def prior(self) -> Prior:
        """What the plan found."""
        return self.found

    def lines(self, name: NameOf) -> Iterable[Line]:  # noqa: ARG002 - as the others take it
        """The field under the unit."""
        words = WORDS[self.field]
        if is_new_unit(self.unit.id):
            yield Line(section="unit", about=self.unit, sign="+", text=words.told(self.wanted))
        else:
            yield Line(section="unit", about=self.unit, sign="~", text=f"{words.told(self.found)} to {words.described(self.wanted)}")
