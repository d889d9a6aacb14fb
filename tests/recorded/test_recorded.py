"""Run directories and plans that versions before have left: this one goes on with them, undoes them and carries them out.

`journal-1` to `journal-3`, by their formats, were recorded in process, against the sandbox as Rocket.Chat 7.0, with the settings'
defaults: a run that came to its end, the same run killed at a write, each with the server's state at that moment and before, and the plan
of the sheet.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec import structs

from bulkjob.changes import agree
from bulkjob.plan.file import parse_plan
from bulkjob.rundir.format import Concluded, Intent, Opened, records_of
from bulkjob.rundir.history import read_history
from bulkjob.vocabulary import Exit
from tests.support.rehearsal import Ran, rehearse, results_of
from tests.support.rollbacks import roll_back
from tests.support.states import State, differences, parents, places

HERE = Path(__file__).parent
FORMATS = ("journal-1", "journal-2", "journal-3")
SHEET = HERE / "journal-1" / "sheet.csv"
ROWS = 61


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A copy of a recorded run directory, and the server's states."""

    folder: Path
    """The run directory is `run` in it."""
    before: State
    now: State


def state(path: Path) -> State:
    found: State = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(params=FORMATS)
def by(request: pytest.FixtureRequest) -> Path:
    """What a version before has left."""
    return HERE / str(request.param)


@pytest.fixture
def recording(tmp_path: Path, by: Path) -> Callable[[str], Recording]:
    """A function that makes a copy of a recorded run, by name, to work with."""

    def copied(name: str) -> Recording:
        source = by / name
        (tmp_path / name / "run").mkdir(parents=True)
        for file in source.iterdir():
            if not file.name.startswith("workspace"):
                shutil.copy(file, tmp_path / name / "run")
        return Recording(folder=tmp_path / name, before=state(source / "workspace-before.json"), now=state(source / "workspace.json"))

    return copied


def unlike(ran: Ran, after: State) -> list[str]:
    """Where a state is another one than that which a run left, who began from the same; ids of new documents are nobody's business."""
    units = {department: unit for department, unit in parents(ran.after).items() if unit != parents(ran.before)[department]}
    old, new = places(ran.before), places(ran.after)
    agents = {place: new.get(place) for place in old.keys() | new.keys() if old.get(place) != new.get(place)}
    found: list[str] = differences(ran.before, after, units=units, agents=agents)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A whole run of the sheet by this version."""
    ran = rehearse(tmp_path_factory.mktemp("whole"), state(HERE / "journal-1" / "killed" / "workspace-before.json"), SHEET)
    assert ran.exit == Exit.OK
    return ran


def told(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows without the seconds, which no two runs share."""
    return [{name: cell for name, cell in row.items() if name != "seconds"} for row in rows]


def worded_alike(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows as all versions word them: what was already as asked for was told in other words by the version before."""
    return [row | {"message": common_words(row["message"])} for row in told(rows)]


def common_words(message: str) -> str:
    """The message, unless it tells of something that was already as asked for."""
    return "" if "Already " in message else message


@pytest.mark.parametrize("name", ["finished", "killed"])
@pytest.mark.parametrize("format_", [1, 2, 3])
def test_recordings_are_of_their_formats(name: str, format_: int) -> None:
    """What these tests are about is a journal of an earlier format; a new recording would show nothing."""
    records, _ = records_of((HERE / f"journal-{format_}" / name / "journal.jsonl").read_bytes())
    assert [record.format for record in records if isinstance(record, Opened)] == [format_]
    assert sum(isinstance(record, Intent) for record in records) > 10


class TestFinished:
    def test_again(self, recording: Callable[[str], Recording]) -> None:
        """Run again, a finished run writes nothing, and tells of each row what the version before told."""
        recorded = recording("finished")
        before = told(results_of(recorded.folder / "run"))
        ran = rehearse(recorded.folder, recorded.now, SHEET)
        assert (ran.exit, ran.writes, ran.after) == (Exit.OK, [], ran.before)
        assert ran.column("status") == ["success"] * ROWS
        assert told(ran.rows) == before

    def test_rolled_back(self, recording: Callable[[str], Recording]) -> None:
        """All that it changed goes back, and nothing else is touched."""
        recorded = recording("finished")
        back = roll_back(recorded.folder / "run", recorded.now)
        assert back.exit == Exit.OK, back.said
        assert {row["status"] for row in back.rows} == {"success"}
        assert len(back.rows) == ROWS
        assert differences(recorded.before, back.after, units={}, agents={}) == []

    def test_as_this_version_does_it(self, whole: Ran, recording: Callable[[str], Recording]) -> None:
        """The version before has left the same on the server, and told the same of every row, as this one does."""
        recorded = recording("finished")
        assert unlike(whole, recorded.now) == []
        assert worded_alike(results_of(recorded.folder / "run")) == worded_alike(whole.rows)


class TestKilled:
    def test_goes_on(self, whole: Ran, recording: Callable[[str], Recording], by: Path) -> None:
        """The run goes on to its end: every row once and a success, the server as a whole run leaves it, nothing written twice."""
        recorded = recording("killed")
        ran = rehearse(recorded.folder, recorded.now, SHEET)
        assert ran.exit == Exit.OK, ran.said
        assert ran.column("row") == whole.column("row")
        assert ran.column("status") == ["success"] * ROWS
        assert unlike(whole, ran.after) == []
        # What was answered before the kill is not sent again; a repair whose answer was lost may be.
        records, _ = records_of((by / "killed" / "journal.jsonl").read_bytes())
        answered = {record.number for record in records if isinstance(record, Concluded)}
        done = {record.path for record in records if isinstance(record, Intent) and record.number in answered}
        history = read_history(by / "killed" / "journal.jsonl")
        assert history is not None
        done -= {f"/api/v1/livechat/units/{unit_id}" for unit_id in history.pending_repairs}
        assert len(done) >= 4
        assert {path for _, path in ran.write_paths} & done == set()
        again = rehearse(recorded.folder, ran.after, SHEET)
        assert (again.exit, again.writes, told(again.rows)) == (Exit.OK, [], told(ran.rows))

    def test_true_past(self, whole: Ran, recording: Callable[[str], Recording], by: Path) -> None:
        """Rows are told as if there had been no kill; only the figures of writes whose answers were lost are not known."""
        recorded = recording("killed")
        ran = rehearse(recorded.folder, recorded.now, SHEET)
        for name in ("change", "code", "status"):
            assert ran.column(name) == whole.column(name)
        pairs = list(zip(worded_alike(ran.rows), worded_alike(whole.rows), strict=True))
        assert [row["message"] for row, _ in pairs] == [full["message"] for _, full in pairs]
        blank = [row for row, full in pairs if row != full]
        assert {(row["attempts"], row["http_status"]) for row in blank} <= {("", "")}
        history = read_history(by / "killed" / "journal.jsonl")
        assert history is not None
        unknown = {str(row) for attempt in history.attempts if attempt.outcome is None for row in attempt.change.rows}
        assert {row["row"] for row in blank} <= unknown

    def test_rolled_back(self, recording: Callable[[str], Recording]) -> None:
        """Rolled back as it is, what it had done goes back; rows that it did not come to need nothing."""
        recorded = recording("killed")
        back = roll_back(recorded.folder / "run", recorded.now)
        assert back.exit == Exit.OK, back.said
        assert [row["status"] for row in back.rows] == ["success"] * ROWS
        assert differences(recorded.before, back.after, units={}, agents={}) == []

    def test_rolled_back_when_it_has_come_to_its_end(self, recording: Callable[[str], Recording]) -> None:
        """A run of both versions, one after the other, goes back as one."""
        recorded = recording("killed")
        ran = rehearse(recorded.folder, recorded.now, SHEET)
        back = roll_back(recorded.folder / "run", ran.after)
        assert back.exit == Exit.OK, back.said
        assert [row["status"] for row in back.rows] == ["success"] * ROWS
        assert differences(recorded.before, back.after, units={}, agents={}) == []


class TestPlan:
    def test_carried_out(self, whole: Ran, tmp_path: Path, by: Path) -> None:
        """A plan of a version before is carried out to the letter: its operations, and nothing else."""
        document = json.loads((by / "plan.json").read_bytes())
        ran = rehearse(tmp_path, whole.before, SHEET, plan=by / "plan.json")
        assert ran.exit == Exit.OK, ran.said
        assert told(ran.rows) == told(whole.rows)
        assert Counter(ran.write_paths) == Counter((operation["method"], operation["path"]) for operation in document["operations"])
        assert unlike(whole, ran.after) == []

    def test_same_as_of_this_version(self, whole: Ran, by: Path) -> None:
        """The plan that this version makes of the same sheet and workspace says the same of every change, operation and row."""
        made, recorded = (parse_plan(path.read_bytes()) for path in (whole.folder / "plan.json", by / "plan.json"))
        for name in ("server", "options", "statuses", "removals", "warnings"):
            assert getattr(made, name) == getattr(recorded, name), name
        for new, old in zip(made.rows, recorded.rows, strict=True):
            assert structs.replace(new, message=common_words(new.message)) == structs.replace(old, message=common_words(old.message))
        assert [entry.change() for entry in made.changes] == [entry.change() for entry in recorded.changes]
        # Of agents who are to leave the earlier version did not read the numbers.
        assert all(agree(old.prior(), new.prior()) for old, new in zip(recorded.changes, made.changes, strict=True))
        assert [(one.id, one.method, one.path, one.changes, one.after) for one in made.operations] == [
            (one.id, one.method, one.path, one.changes, one.after) for one in recorded.operations
        ]

    def test_drift(self, whole: Ran, tmp_path: Path, by: Path) -> None:
        """Where something is neither as it was found nor as it is wanted, the plan is refused by name, and nothing is sent."""
        now = json.loads(json.dumps(whole.before))
        department = next(one for one in now["departments"] if one["_id"] == "d-obrien")
        department.update(parentId="unit-nordics", ancestors=["unit-nordics"])
        ran = rehearse(tmp_path, now, SHEET, plan=by / "plan.json")
        assert (ran.exit, ran.writes) == (Exit.BAD_SHEET, [])
        assert "O'Brien Stores" in ran.said
        assert set(ran.column("status")) == {"not_sent"}

    def test_half_of_it_done(self, whole: Ran, recording: Callable[[str], Recording], by: Path) -> None:
        """Where the killed run has done a part of what it says, the rest of the plan is carried out."""
        recorded = recording("killed")
        ran = rehearse(recorded.folder / "planned", recorded.now, SHEET, plan=by / "plan.json")
        assert ran.exit == Exit.OK, ran.said
        # Of a unit's counter that the killed run did not come to put right, only its journal knows.
        assert (parents(ran.after), places(ran.after)) == (parents(whole.after), places(whole.after))
