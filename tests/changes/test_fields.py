"""Fields of a department and of a unit."""

from typing import Any

import msgspec
import pytest

from bulkjob.changes.change import ALREADY_SO, Attempt, Prior, settled
from bulkjob.changes.department_field import DepartmentField, DepartmentFieldEntry
from bulkjob.changes.drafts import DepartmentDraft, UnitDraft
from bulkjob.changes.entries import Line, Thing
from bulkjob.changes.fields import FieldChange, Value
from bulkjob.changes.unit_field import UnitField, UnitFieldEntry
from bulkjob.records.naming import Naming, new_unit
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.sheet import DEPARTMENT_COLUMNS, UNIT_COLUMNS
from bulkjob.records.workspace import Department, Unit, Workspace
from bulkjob.vocabulary import Code, Status

ADMIN = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)
FIELDS = {"name": "Sales", "email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": False}


def of_department(field: str, value: Value) -> DepartmentField:
    return DepartmentField(department_id="d1", field=field, value=value, rows=(2,))


def of_unit(field: str, value: str, unit_id: str = "emea") -> UnitField:
    return UnitField(unit_id=unit_id, field=field, value=value, rows=(2,))


def workspace(description: str | None = None, *, archived: bool = False, without: str = "", **fields: Any) -> Workspace:
    required = {name: value for name, value in {**FIELDS, **fields}.items() if name != without}
    department = Department(id="d1", name="Sales", parent_id=None, archived=archived, required=required, description=description)
    units = {"emea": Unit(id="emea", name="EMEA", visibility="public"), "odd": Unit(id="odd", name="", visibility=None)}
    return Workspace(departments={"d1": department}, units=units, agents={})


NAMING = Naming(workspace())


class TestIsSo:
    @pytest.mark.parametrize("now", ["Sales", " Sales", "Sales\u00a0", "\u200bSales ", "Sales\n"])
    def test_blanks_at_the_ends_make_no_difference(self, now: str) -> None:
        """What is stored with blanks at its ends, visible or not, is so already: a sheet's texts have none there."""
        assert of_department("name", "Sales").is_so(now)
        assert of_unit("name", "Sales").is_so(now)

    @pytest.mark.parametrize("now", ["sales", "Sales  West", "Sales West.", "Sale", "", None, True])
    def test_anything_else_is_a_change(self, now: Prior) -> None:
        """Case, blanks within and every letter count, and so does that nothing is stored, or something of another type."""
        for text in ("Sales West", "Sales"):
            assert not of_department("name", text).is_so(now)
            assert not of_unit("name", text).is_so(now)

    @pytest.mark.parametrize(("now", "so"), [(None, True), ("", True), ("  ", True), ("first", False), ("-", False)])
    def test_no_description(self, now: Prior, *, so: bool) -> None:
        """A dash in the sheet asks for no description, which is so where there is none, or one of blanks only."""
        assert of_department("description", "").is_so(now) is so

    @pytest.mark.parametrize("value", [True, False])
    def test_yes_or_no(self, *, value: bool) -> None:
        """A yes or no is so only as the very same; neither, which a damaged document may hold, is no answer."""
        change = of_department("enabled", value)
        assert change.is_so(value)
        assert not change.is_so(not value)
        assert not change.is_so(None)

    def test_what_is_put_back_has_its_blanks(self) -> None:
        """A name that was stored with blanks at its ends is put back with them, and is then as it was."""
        back = of_department("name", "Sales").undone(" Sales West ", [2])
        assert back.value == " Sales West "
        assert back.is_so(" Sales West ")
        assert not back.is_so("Sales")


class TestFound:
    @pytest.mark.parametrize(("field", "value"), FIELDS.items())
    def test_department(self, field: str, value: Value) -> None:
        """What is found is the field as it is stored; None where it is not, or of a department that is gone."""
        change = of_department(field, value)
        assert change.found(workspace()) == value
        assert change.found(workspace(without=field)) is None
        gone = Workspace(departments={}, units=None, agents={})
        assert change.found(gone) is None
        missing = change.missing(gone)
        assert missing is not None
        assert missing.code is Code.DEPARTMENT_GONE

    def test_description(self) -> None:
        """The description, which a department need not have, is found where it is stored."""
        assert of_department("description", "x").found(workspace("first")) == "first"
        assert of_department("description", "x").found(workspace()) is None

    def test_unit(self) -> None:
        """Of a unit the name and the visibility are found; one that is gone is missing, one that is still to be made is not."""
        assert of_unit("name", "x").found(workspace()) == "EMEA"
        assert of_unit("visibility", "private").found(workspace()) == "public"
        assert of_unit("visibility", "private", "odd").found(workspace()) is None
        gone = of_unit("name", "x", "gone")
        missing = gone.missing(workspace())
        assert (gone.found(workspace()), missing and missing.code) == (None, Code.REJECTED)
        coming = of_unit("visibility", "private", new_unit("West"))
        assert (coming.found(workspace()), coming.missing(workspace())) == (None, None)

    def test_archived_department(self) -> None:
        """Nothing of an archived department is changed; what is so already is no failure."""
        there = workspace(archived=True)
        outcome = settled(of_department("name", "x"), there, ADMIN)
        assert outcome is not None
        assert outcome.code is Code.DEPARTMENT_ARCHIVED
        assert settled(of_department("name", "Sales"), there, ADMIN) == ALREADY_SO


class TestUndone:
    @pytest.mark.parametrize("field", ["email", "description", "name"])
    def test_text_that_was_absent_becomes_empty(self, field: str) -> None:
        """The server takes no field away: a text that was not stored goes back to an empty one."""
        back = of_department(field, "x@y").undone(None, [3, 4])
        assert (back.value, back.rows, back.field) == ("", (3, 4), field)
        assert back.is_so(None)

    def test_yes_or_no_that_was_absent_stays(self) -> None:
        """What was neither yes nor no has no way back, and needs no call."""
        change = of_department("showOnOfflineForm", value=True)
        back = change.undone(None, [2])
        assert back == change
        made = Attempt(change=change, prior=None, outcome=None, status=Status.SUCCESS)
        assert settled(back, workspace(showOnOfflineForm=True), ADMIN, [made]) == ALREADY_SO

    @pytest.mark.parametrize(
        ("change", "prior"), [(of_department("enabled", value=False), True), (of_unit("visibility", "private"), "public")]
    )
    def test_value_goes_back(self, change: FieldChange, prior: Value) -> None:
        """What was stored is what is put back, in the same field of the same thing."""
        back = change.undone(prior, [5])
        assert (back.value, back.target, back.rows) == (prior, change.target, (5,))

    def test_what_somebody_changed_since_is_left_alone(self) -> None:
        """A value that is neither the run's nor the one before is reported with what it is now; one that is back already is so."""
        change = of_department("email", "new@example.org")
        made = Attempt(change=change, prior="old@example.org", outcome=None, status=Status.SUCCESS)
        back = change.undone("old@example.org", [2])
        outcome = settled(back, workspace(email="other@example.org"), ADMIN, [made])
        assert outcome is not None
        assert (outcome.code, outcome.seen) == (Code.CHANGED_MEANWHILE, 'its address is "other@example.org" now')
        assert settled(back, workspace(email="old@example.org"), ADMIN, [made]) == ALREADY_SO
        assert settled(back, workspace(email="new@example.org"), ADMIN, [made]) is None


class TestDrafts:
    def test_department(self) -> None:
        """Of a department's fields only the one that is asked for changes."""
        draft = DepartmentDraft(fields=dict(FIELDS), unit_id="emea")
        of_department("email", "new@example.org").apply_to_department(draft, "a@example.org")
        assert (draft.fields, draft.unit_id) == ({**FIELDS, "email": "new@example.org"}, "emea")

    def test_unit(self) -> None:
        """Of a unit only the name, or only the visibility, changes."""
        draft = UnitDraft(id="emea", name="EMEA", visibility="public", monitors={}, departments={"d1": None})
        of_unit("name", "Europe").apply_to_unit(draft)
        assert (draft.name, draft.visibility, list(draft.departments)) == ("Europe", "public", ["d1"])
        of_unit("visibility", "private").apply_to_unit(draft)
        assert (draft.name, draft.visibility) == ("Europe", "private")


DEPARTMENT, UNIT = 'epartment "Sales" (d1)', 'nit "EMEA" (emea)'


class TestWords:
    @pytest.mark.parametrize(
        ("change", "prior", "done", "planned", "described"),
        [
            (of_department("name", "Sales West"), "Sales", f"D{DEPARTMENT} renamed.", f"D{DEPARTMENT} will be renamed.", '"Sales"'),
            (
                of_department("email", "b@x"),
                "a@x",
                f'Address of d{DEPARTMENT} changed from "a@x" to "b@x".',
                f'Address of d{DEPARTMENT} will be changed from "a@x" to "b@x".',
                '"a@x"',
            ),
            (
                of_department("email", "b@x"),
                None,
                f'Address of d{DEPARTMENT} set to "b@x".',
                f'Address of d{DEPARTMENT} will be set to "b@x".',
                "none",
            ),
            (
                of_department("description", ""),
                "old",
                f"Description of d{DEPARTMENT} removed.",
                f"Description of d{DEPARTMENT} will be removed.",
                '"old"',
            ),
            (
                of_department("enabled", value=False),
                True,
                f"D{DEPARTMENT} is now disabled.",
                f"D{DEPARTMENT} will be disabled.",
                "enabled",
            ),
            (
                of_department("enabled", value=True),
                None,
                f"D{DEPARTMENT} is now enabled.",
                f"D{DEPARTMENT} will be enabled.",
                "neither enabled nor disabled",
            ),
            (
                of_department("showOnRegistration", value=True),
                False,
                f"D{DEPARTMENT} is now shown on the registration form.",
                f"D{DEPARTMENT} will be shown on the registration form.",
                "hidden from the registration form",
            ),
            (
                of_department("showOnOfflineForm", value=False),
                True,
                f"D{DEPARTMENT} is now hidden from the offline form.",
                f"D{DEPARTMENT} will be hidden from the offline form.",
                "shown on the offline form",
            ),
            (of_unit("name", "Europe"), "EMEA", f"U{UNIT} renamed.", f"U{UNIT} will be renamed.", '"EMEA"'),
            (
                of_unit("visibility", "private"),
                "public",
                f'Visibility of u{UNIT} changed from "public" to "private".',
                f'Visibility of u{UNIT} will be changed from "public" to "private".',
                '"public"',
            ),
        ],
    )
    def test_of_each_field(self, change: FieldChange, prior: Prior, done: str, planned: str, described: str) -> None:
        """Each field is spoken of in its own words: what was done, what will be, and what there was."""
        words = change.words(prior, NAMING)
        assert (words.done, words.planned, change.described(prior, NAMING)) == (done, planned, described)

    @pytest.mark.parametrize(
        "change", [of_department(field, "x" if isinstance(FIELDS.get(field, ""), str) else True) for field in DEPARTMENT_COLUMNS.values()]
    )
    def test_every_column_has_words(self, change: FieldChange) -> None:
        """There are words for every column about a department; each sentence names the department."""
        words = change.words(None, NAMING)
        assert all('"Sales" (d1)' in text for text in (words.done, words.planned, words.thing, words.subject, words.state))
        assert words.deed
        assert words.opposite.startswith("it")

    @pytest.mark.parametrize("field", UNIT_COLUMNS.values())
    def test_every_column_of_a_unit_has_words(self, field: str) -> None:
        """There are words for both columns about a unit."""
        words = of_unit(field, "x").words(None, NAMING)
        assert all('"EMEA" (emea)' in text for text in (words.done, words.planned, words.thing, words.subject, words.state))

    def test_renamed_thing_has_both_names(self) -> None:
        """What the job renames is called by both names."""
        naming = Naming(workspace(), {"d1": "Sales West"})
        assert of_department("name", "Sales West").words("Sales", naming).done == 'Department "Sales" → "Sales West" (d1) renamed.'

    def test_long_or_odd_text(self) -> None:
        """A description of many lines becomes one short line of a sentence, without what cannot be printed."""
        said = of_department("description", "first\nsecond\u202e " + "x" * 500).words(None, NAMING).done
        assert "\n" not in said
        assert "\u202e" not in said
        assert len(said) < 160


class TestEntry:
    @pytest.mark.parametrize(
        ("change", "prior"),
        [
            (of_department("name", "x"), "Sales"),
            (of_department("description", ""), None),
            (of_department("description", "a\nb"), ""),
            (of_department("enabled", value=False), True),
            (of_department("showOnOfflineForm", value=True), None),
        ],
    )
    def test_department(self, change: DepartmentField, prior: Prior) -> None:
        """The document's entry gives the change and what was found back, to the last field, a yes as a yes and a text as a text."""
        entry = change.entry(prior, NAMING, Status.PLANNED, None)
        read = msgspec.json.decode(msgspec.json.encode(entry), type=DepartmentFieldEntry)
        assert msgspec.to_builtins(read.change()) == msgspec.to_builtins(change)
        assert (read.prior(), read.departments, read.units) == (prior, (Thing(id="d1", name="Sales"),), ())

    @pytest.mark.parametrize(
        ("change", "prior"), [(of_unit("name", "x"), "EMEA"), (of_unit("visibility", "private", new_unit("West")), None)]
    )
    def test_unit(self, change: UnitField, prior: Prior) -> None:
        """So does a unit's, also of one that is still to be made, which goes by its name."""
        entry = change.entry(prior, NAMING, Status.FAILED, Code.UNIT_NOT_PERMITTED)
        read = msgspec.json.decode(msgspec.json.encode(entry), type=UnitFieldEntry)
        assert msgspec.to_builtins(read.change()) == msgspec.to_builtins(change)
        assert (read.prior(), read.status, read.code) == (prior, Status.FAILED, Code.UNIT_NOT_PERMITTED)
        assert [unit.name for unit in read.units] == ["EMEA" if change.unit_id == "emea" else "West"]

    @pytest.mark.parametrize(
        ("change", "prior", "sign", "text"),
        [
            (of_department("name", "Sales West"), "Sales", "~", 'name "Sales" to "Sales West"'),
            (of_department("email", "b@x"), None, "~", 'address none to "b@x"'),
            (of_department("description", ""), "old", "~", 'description "old" to none'),
            (of_department("enabled", value=False), True, "~", "enabled to disabled"),
            (of_unit("visibility", "private"), "public", "~", 'visibility "public" to "private"'),
            (of_unit("visibility", "private", new_unit("West")), None, "+", 'visibility "private"'),
        ],
    )
    def test_lines(self, change: DepartmentField | UnitField, prior: Prior, sign: str, text: str) -> None:
        """In a listing a field stands under its department or unit, from what it was to what it will be."""
        entry = change.entry(prior, NAMING, Status.PLANNED, None)
        (line,) = entry.lines(lambda thing: thing.name)
        about = (*entry.departments, *entry.units)[0]
        section = "department" if entry.departments else "unit"
        assert line == Line(section=section, about=about, sign=sign, text=text)  # type: ignore[arg-type]  # one of the signs

    @pytest.mark.parametrize("change", [of_department("email", "x"), of_unit("visibility", "private")])
    def test_unknown_field(self, change: DepartmentField | UnitField) -> None:
        """A document that names a field that there is not is damaged, and is found out while it is read."""
        entry = change.entry(None, NAMING, Status.PLANNED, None)
        odd = msgspec.json.encode({**msgspec.to_builtins(entry), "field": "numAgents"})
        with pytest.raises(msgspec.ValidationError, match="there is no field 'numAgents'"):
            msgspec.json.decode(odd, type=type(entry))
