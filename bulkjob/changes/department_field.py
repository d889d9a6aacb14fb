"""A field of a department itself: its name, address, description, whether it is enabled and where it is shown."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from bulkjob.changes.change import Outcome, Prior, failed
from bulkjob.changes.department_unit import department_archived, department_missing
from bulkjob.changes.drafts import DepartmentDraft
from bulkjob.changes.entries import AboutDepartment, Line, NameOf, Thing
from bulkjob.changes.fields import FieldChange, FieldWords, Value, refuse_unknown
from bulkjob.records import MANAGE_DEPARTMENTS, Naming, Server, Workspace
from bulkjob.vocabulary import Code, Status

#: By the server's name of the field (``departmentsLib.ts``).
WORDS: Final[Mapping[str, FieldWords]] = {
    "name": FieldWords(label="name", renames=True),
    "email": FieldWords(label="address"),
    "description": FieldWords(label="description"),
    "enabled": FieldWords(label="enabled", on="enabled", off="disabled"),
    "showOnRegistration": FieldWords(
        label="show on registration", on="shown on the registration form", off="hidden from the registration form"
    ),
    "showOnOfflineForm": FieldWords(label="show on offline form", on="shown on the offline form", off="hidden from the offline form"),
}


class DepartmentField(FieldChange, frozen=True, kw_only=True, eq=False, tag="department-field"):
    """The desired value of one field of a department, by the server's name of the field."""

    part: ClassVar[str] = "department"
    rank: ClassVar[int] = 2

    department_id: str

    @property
    def target(self) -> tuple[str, ...]:
        return "department", self.department_id, "field", self.field

    @property
    def field_words(self) -> FieldWords:
        return WORDS[self.field]

    def thing_named(self, naming: Naming) -> str:
        return f"department {naming.department(self.department_id)}"

    def found(self, state: Workspace) -> Prior:
        department = state.departments.get(self.department_id)
        value = department.fields.get(self.field) if department else None
        return value if isinstance(value, Value) else None

    def missing(self, state: Workspace) -> Outcome | None:
        return department_missing(self.department_id, state)

    def obstacle(self, state: Workspace, server: Server) -> Outcome | None:
        not_permitted = None if server.may(MANAGE_DEPARTMENTS) else failed(Code.DEPARTMENT_NOT_PERMITTED)
        return department_archived(self.department_id, state) or not_permitted

    def apply_to_department(self, draft: DepartmentDraft, prior: Prior) -> None:  # noqa: ARG002 - as the others take it
        draft.fields[self.field] = self.value

    def entry(self, found: Prior, naming: Naming, status: Status, code: Code | None) -> "DepartmentFieldEntry":
        return DepartmentFieldEntry(
            department=Thing(id=self.department_id, name=naming.department_name(self.department_id)),
            field=self.field,
            found=found if isinstance(found, Value) else None,
            wanted=self.value,
            rows=self.rows,
            status=status,
            code=code,
        )


class DepartmentFieldEntry(AboutDepartment, frozen=True, kw_only=True, tag="department-field"):
    """A department's field in a plan's document; null is none."""

    field: str
    found: Value | None
    wanted: Value
    rows: tuple[int, ...]
    status: Status
    code: Code | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for an unknown field."""
        refuse_unknown(self.field, WORDS)

    def change(self) -> DepartmentField:
        """What it asks for."""
        return DepartmentField(department_id=self.department.id, field=self.field, value=self.wanted, rows=self.rows)

    def prior(self) -> Prior:
        """What the plan found."""
        return self.found

    def lines(self, name: NameOf) -> Iterable[Line]:  # noqa: ARG002 - as the others take it
        """The field under the department."""
        words = WORDS[self.field]
        text = f"{words.told(self.found)} to {words.described(self.wanted)}"
        yield Line(section="department", about=self.department, sign="~", text=text)
