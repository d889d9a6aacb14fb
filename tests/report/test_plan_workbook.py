"""plan.xlsx: what somebody reads who is to approve a plan."""

import msgspec
import pytest

from bulkjob.changes import AnyEntry, Place, Thing
from bulkjob.changes.department_agent import DepartmentAgentEntry
from bulkjob.changes.department_unit import DepartmentUnitEntry
from bulkjob.plan.document import Calls, ForecastEntry, PlanDocument, Refusal, RowEntry, ServerEntry, SheetEntry
from bulkjob.report import workbook
from bulkjob.report.plan_workbook import render_plan_workbook
from bulkjob.report.totals import totals_text
from bulkjob.settings import Choices
from bulkjob.vocabulary import Code, Status
from tests.support.hostile import HOSTILE, is_inert, texts_in

SALES, PRESS = Thing(id="d1", name="Sales"), Thing(id="d2", name="Press")
DACH, EMEA = Thing(id="u-dach", name="DACH"), Thing(id="u-emea", name="EMEA")


def agent(name: str, *, found: bool = False, wanted: bool = True, status: Status = Status.PLANNED) -> DepartmentAgentEntry:
    return DepartmentAgentEntry(
        department=SALES,
        agent=Thing(id=f"a-{name}", name=name),
        found=Place(count=3, order=0) if found else None,
        wanted=Place(count=1) if wanted else None,
        rows=(2, 3),
        status=status,
    )


CHANGES: tuple[AnyEntry, ...] = (
    DepartmentUnitEntry(department=SALES, found=EMEA, wanted=DACH, rows=(2,), status=Status.PLANNED),
    DepartmentUnitEntry(department=PRESS, found=EMEA, wanted=None, rows=(5,), status=Status.FAILED, code=Code.DEPARTMENT_ARCHIVED),
    agent("anna"),
    agent("bert", found=True),
    agent("carla", found=True, wanted=False),
    agent("dora", found=True, status=Status.SUCCESS),
)
ROWS = (
    RowEntry(row=2, status=Status.PLANNED, change="", code=None, message="Agent @anna will be added."),
    RowEntry(row=3, status=Status.SUCCESS, change="unchanged", code=None, message="Already correct."),
    RowEntry(row=4, status=Status.INVALID, change="", code=Code.UNKNOWN_UNIT, message='There is no unit "X".'),
    RowEntry(row=5, status=Status.FAILED, change="", code=Code.DEPARTMENT_ARCHIVED, message="It is archived."),
)


def plan_of(changes: tuple[AnyEntry, ...] = CHANGES, *, refused: Refusal | None = None, name: str = "reorg.csv") -> PlanDocument:
    """A plan with a change of each kind."""
    forecast = ForecastEntry(
        text="12 calls at 10 a minute: about 2 minutes.",
        seconds=100,
        unlimited_seconds=3,
        limit=10,
        window_seconds=60,
        reading_calls=6,
    )
    return PlanDocument(
        sheet=SheetEntry(name=name, sha256="ab" * 32, sheet_name=""),
        server=ServerEntry(url="https://chat.example.org", version="7.0"),
        options=Choices(agents="add", unit_route="auto", skip_invalid=False),
        refused=refused,
        statuses={},
        removals=1,
        calls=(Calls(method="POST", route="livechat/units/:id", count=2), Calls(method="GET", route="livechat/department", count=4)),
        forecast=forecast,
        warnings=('Unit "EMEA" (u-emea) will be left without departments.',),
        operations=(),
        changes=changes,
        rows=ROWS,
    )


def filled(data: bytes, worksheet: int = 0) -> list[list[str]]:
    """The rows of a worksheet, without blank cells at their ends and blank rows."""
    rows = [row for row in texts_in(data, worksheet) if any(row)]
    return [row[: max(place for place, cell in enumerate(row, start=1) if cell)] for row in rows]


def test_the_first_worksheet_is_what_is_approved() -> None:
    """Totals first, then rows by what would become of them, what could go wrong, how long it takes and why, and the calls."""
    rows = filled(render_plan_workbook(plan_of()))
    assert rows[0] == ["Plan for reorg.csv: 2 units, 1 department to move, 1 agent to add, 1 to change, 1 to remove"]
    assert rows[1] == ["Nothing has been changed yet. Server: https://chat.example.org (Rocket.Chat 7.0)"]
    counts = rows.index(["Rows", "Status"])
    words = [["1", "would fail"], ["1", "invalid"], ["1", "to change"], ["1", "already correct"], ["4", "in all"]]
    assert rows[counts + 1 : counts + 6] == words
    wrong = rows.index(["What could go wrong"])
    assert rows[wrong + 1] == ['Unit "EMEA" (u-emea) will be left without departments.']
    assert rows[wrong + 2][0].startswith("2 rows would not be in place")
    calls = rows.index(["Calls", "Method", "Route"])
    assert rows[calls - 2 : calls] == [
        ["12 calls at 10 a minute: about 2 minutes."],
        ["12 calls: 6 to read the workspace, 6 for the changes and their checks."],
    ]
    assert rows[calls + 1] == ["2", "POST", "livechat/units/:id"]


def test_every_change_is_there() -> None:
    """Each change that would be sent is a line under each unit and department that it is about, with the rows that ask for it."""
    data = render_plan_workbook(plan_of())
    assert filled(data, 1) == [
        ["Unit", "Id", "Change", "What", "Asked for in"],
        ["DACH", "u-dach", "+ add", '"Sales" from "EMEA"', "row 2"],
        ["EMEA", "u-emea", "− remove", '"Sales" to "DACH"', "row 2"],
    ]
    assert filled(data, 2) == [
        ["Department", "Id", "Change", "What", "Asked for in"],
        ["Sales", "d1", "~ change", 'unit "EMEA" to "DACH"', "row 2"],
        ["Sales", "d1", "+ add", "@anna count 1", "rows 2 and 3"],
        ["Sales", "d1", "~ change", "@bert count 3 to 1", "rows 2 and 3"],
        ["Sales", "d1", "− remove", "@carla", "rows 2 and 3"],
    ]


def test_rows_that_would_not_be_in_place_come_first() -> None:
    """Every row is there with what would become of it, those that need somebody first."""
    rows = filled(render_plan_workbook(plan_of()), 3)
    assert [row[:2] for row in rows] == [
        ["Row", "Status"],
        ["5", "would fail"],
        ["4", "invalid"],
        ["2", "to change"],
        ["3", "already correct"],
    ]
    assert rows[2] == ["4", "invalid", "unknown-unit", 'There is no unit "X".']


def test_a_refused_plan_says_so() -> None:
    """Where a run would be refused, that stands before everything but the totals."""
    refused = Refusal(exit_code=65, message="The sheet removes 63 of 500 agent assignments; the safety limit is 50.")
    rows = filled(render_plan_workbook(plan_of(refused=refused)))
    assert rows[2:4] == [["This plan would be refused"], [refused.message]]
    nothing = msgspec.structs.replace(plan_of(()), rows=(), warnings=(), forecast=None, calls=())
    rows = filled(render_plan_workbook(nothing))
    assert rows[0] == ["Plan for reorg.csv: nothing to change"]
    assert ["Nothing that can be seen from here."] in rows


def test_things_are_named_with_their_ids_where_names_are_not_enough() -> None:
    """Of two things of one name the id is said."""
    assert filled(render_plan_workbook(plan_of(), with_ids={"d1"}), 1)[1][3] == '"Sales" (d1) from "EMEA"'


def test_totals_count_what_is_sent_alone() -> None:
    """What is already so and what fails are not in the totals; one is singular, and the noun is said once."""
    assert totals_text([agent("anna", status=Status.FAILED)]) == ""
    assert totals_text([agent("a", wanted=False, found=True), agent("b", wanted=False, found=True)]) == "2 agents to remove"
    assert totals_text([agent("a", found=True), agent("b", wanted=False, found=True)]) == "1 agent to change, 1 to remove"


@pytest.mark.parametrize("large", [False, True])
def test_foreign_names_are_texts(monkeypatch: pytest.MonkeyPatch, large: bool) -> None:  # noqa: FBT001  # a case
    """Whatever departments and the sheet's file are called, nothing in the file acts."""
    monkeypatch.setattr(workbook, "MANY_CELLS", 0 if large else 100_000)
    things = [Thing(id=f"={place}", name=name) for place, name in enumerate(HOSTILE.values())]
    changes = tuple(DepartmentUnitEntry(department=one, found=None, wanted=one, rows=(2,), status=Status.PLANNED) for one in things)
    data = render_plan_workbook(plan_of(changes, name="=cmd|' /C calc'!A0"))
    assert is_inert(data)
    assert {row[1] for row in filled(data, 2)[1:]} == {thing.id for thing in things}
