"""How far a run is."""

from collections.abc import Collection

import pytest

from bulkjob.changes.change import ALREADY_SO, Change
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import DepartmentPut, Plan, UnitPost
from bulkjob.plan.prepared import Prepared
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Workspace
from bulkjob.report.standing import Course, Standing, about, headline, rows_text

MOVE = DepartmentUnit(department_id="d1", unit_id="u", rows=(2,))
ADDED = [
    DepartmentAgent(department_id=f"d{row}", agent_id="a", username="a", present=True, count=None, order=None, rows=(row,))
    for row in (3, 4)
]
SETTLED = DepartmentUnit(department_id="d9", unit_id="u", rows=(9,))
POST = UnitPost(unit_id="u", changes=(MOVE,), lost=frozenset(), after=())
PUTS = [DepartmentPut(department_id=change.department_id, unit=None, agents=(change,), after=()) for change in ADDED]
ALL = frozenset({POST.id, *(put.id for put in PUTS)})
SERVER = Server(
    version=Version(7, 0), version_text="7.0", account=Account(id="me", username="me", roles=frozenset()), permissions=None, modules=None
)


class Course8:
    """A run of a sheet of eight rows, four of which the plan is about; every operation takes a minute."""

    def __init__(self) -> None:
        changes: tuple[Change, ...] = (MOVE, *ADDED, SETTLED)
        plan = Plan(changes=changes, settled={SETTLED: ALREADY_SO}, operations=(POST, *PUTS), warnings=())
        workspace = Workspace(departments={}, units=None, agents={})
        prepared = Prepared(server=SERVER, workspace=workspace, plan=plan, reading={}, limit=None, concurrency=8)
        self.asked = 0
        self.course = Course(prepared, 8, seconds_of=self._seconds)

    def _seconds(self, left: Collection[str]) -> float:
        self.asked += 1
        return 60.0 * len(left)

    def at(
        self, now: float, done: int = 0, left: Collection[str] = ALL, under_way: Collection[str] = (), waiting: float | None = None
    ) -> Standing:
        return self.course.standing(now, (done, 0), left=frozenset(left), under_way=frozenset(under_way), calls=0, waiting=waiting)


def test_the_whole_sheet_counts() -> None:
    """Rows that the plan is not about have their outcome already: of eight, four are done before the first call."""
    assert (Course8().at(0).done, Course8().at(0).rows) == (4, 8)
    assert rows_text(Course8().at(0, done=4)) == "8 of 8 rows"


def test_phases() -> None:
    """Units are written first, then departments; once everything is sent the last changes are checked."""
    run = Course8()
    assert run.at(0).phase == "units"
    assert run.at(1, left=ALL - {POST.id}).phase == "departments"
    assert run.at(2, left=[PUTS[0].id], under_way=[PUTS[0].id]).phase == "checking"
    assert run.at(3, left=[]).phase == "checking"
    assert (run.at(0).units, run.at(0, left=[PUTS[0].id]).units) == ((0, 1), (1, 1))
    assert run.at(0, left=[PUTS[0].id]).departments == (1, 2)


def test_time_left() -> None:
    """The forecast is made now and then, counts down in between, and a wait that is under way comes on top."""
    run = Course8()
    assert run.at(100).left == 180
    assert run.at(104, left=[PUTS[0].id]).left == 176
    assert run.asked == 1
    assert run.at(110, left=[PUTS[0].id], waiting=30.0).left == 90
    assert run.asked == 2


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than a minute"),
        (61, "about 2 minutes"),
        (7_130, "about 119 minutes"),
        (7_200, "about 2 h"),
        (9_000, "about 2 h 30 min"),
    ],
)
def test_about(seconds: float, said: str) -> None:
    """A time to come is rounded up, in minutes or hours."""
    assert about(seconds) == said


def test_headline() -> None:
    """Before the time that is left is known, the calls are counted."""
    assert headline(Standing(phase="resolving", calls=1_200)) == "Looking up the sheet's names, 1,200 calls so far"
    assert headline(Standing(phase="checking", left=59.0)) == "Checking the last changes, less than a minute left"
