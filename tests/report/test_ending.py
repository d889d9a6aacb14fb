"""The end of a run: the exit code, and the files of the report."""

import csv
import io
import json
import os
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.change import ALREADY_SO, Change, Outcome, failed
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import Plan
from bulkjob.changes.unit_field import UnitField
from bulkjob.plan.state import RunState
from bulkjob.records.meanings import Meanings
from bulkjob.records.results import RowResult
from bulkjob.records.sheet import Problem
from bulkjob.records.workspace import Department, Workspace
from bulkjob.report import annotated, workbook
from bulkjob.report.ending import exit_code_of, write_report
from bulkjob.report.summary import Ending, RunFigures
from bulkjob.rundir.directory import RunDirectory
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.system import write_whole
from bulkjob.vocabulary import UNSENT_CODE, Code, Exit, Status, Stop

SHEET = check(parse(b"department;unit;note\nd1;a;one\nd2;a;two\nd3;a;=three\n", "reorg.csv"))
THERE = Workspace(
    departments={name: Department(id=name, name=name, parent_id=None, archived=False) for name in ("d1", "d2", "d3")}, units=None, agents={}
)
CHANGES = tuple(DepartmentUnit(department_id=f"d{number}", unit_id="a", rows=(number + 1,)) for number in (1, 2, 3))
INTERRUPTED = Stop(Exit.INTERRUPTED, "The job was interrupted.")

results = st.lists(st.sampled_from(Status).map(lambda status: RowResult(row=2, status=status)))


def known(*outcomes: Outcome | None, problems: tuple[Problem, ...] = ()) -> RunState:
    """Of the three rows; None for one that was not settled."""
    settled: dict[Change, Outcome] = {change: outcome for change, outcome in zip(CHANGES, outcomes, strict=False) if outcome}
    plan = Plan(changes=CHANGES[: len(outcomes)], settled={}, operations=(), warnings=())
    return RunState(checked=SHEET, workspace=THERE, plan=plan, outcomes=settled, problems=problems)


def written(path: Path, what: RunState, stop: Stop | None = None, *, mirror: bool = False) -> tuple[Ending, dict[int, Status]]:
    ending, found = write_report(RunDirectory(path), what, stop, RunFigures(), mirror=mirror)
    return ending, {row: result.status for row, result in found.items()}


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def text_of(path: Path) -> str:
    """All texts of a workbook's first worksheet."""
    return "\n".join(str(cell) for row in openpyxl.load_workbook(path).worksheets[0].values for cell in row if cell)


class TestExitCode:
    @given(results, st.sampled_from(sorted(UNSENT_CODE)))
    def test_what_stopped_the_job_decides(self, found: list[RowResult], code: Exit) -> None:
        """A job that was stopped ends with its reason's code, whatever the rows are."""
        assert exit_code_of(found, Stop(code, "Why.")) is code

    @given(results)
    def test_end_that_was_reached_is_0_or_1(self, found: list[RowResult]) -> None:
        """A job that reached its end is 0 only if every row is a success."""
        done = all(result.status is Status.SUCCESS for result in found)
        assert exit_code_of(found, None) is (Exit.OK if done else Exit.ROWS_NOT_DONE)


class TestInterrupted:
    def test_with_nothing_left_is_no_interruption(self, tmp_path: Path) -> None:
        """A signal that came when all was done changes nothing."""
        ending, _ = written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO), INTERRUPTED)
        assert (ending.exit_code, ending.message) == (Exit.OK, "")

    def test_invalid_rows_are_not_left_by_it(self, tmp_path: Path) -> None:
        """Rows that were invalid would not have been sent anyhow: what counts then is that they are no success."""
        problem = Problem(row=4, column="unit", cell="B4", value="x", code=Code.UNKNOWN_UNIT, message="Wrong.")
        assert written(tmp_path, known(ALREADY_SO, ALREADY_SO, problems=(problem,)), INTERRUPTED)[0].exit_code is Exit.ROWS_NOT_DONE

    @pytest.mark.parametrize("left", [None, Outcome(status=Status.FAILED, code=Code.TIMEOUT, looked_up=False)])
    def test_with_something_left(self, tmp_path: Path, left: Outcome | None) -> None:
        """A row that was not sent, or given up under way, is left undone: 75."""
        ending, statuses = written(tmp_path, known(ALREADY_SO, ALREADY_SO, left), INTERRUPTED)
        assert (ending.exit_code, ending.message) == (Exit.INTERRUPTED, "The job was interrupted.")
        assert statuses[4] is (Status.FAILED if left else Status.NOT_SENT)

    def test_other_reasons_stay(self, tmp_path: Path) -> None:
        """Only an interruption can come too late: any other reason ends the job with its code."""
        stop = Stop(Exit.UNAVAILABLE, "Away.")
        assert written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO), stop)[0].exit_code is Exit.UNAVAILABLE


class TestFiles:
    def test_all_is_written(self, tmp_path: Path) -> None:
        """The directory holds every row, those to try again, and the run in figures, all saying the same."""
        ending, statuses = written(tmp_path, known(ALREADY_SO, failed(Code.DEPARTMENT_ARCHIVED), None), Stop(Exit.UNAVAILABLE, "Away."))
        assert statuses == {2: Status.SUCCESS, 3: Status.FAILED, 4: Status.NOT_SENT}
        rows = table(tmp_path / "results.csv")
        assert [(row["row"], row["department"], row["status"], row["code"]) for row in rows] == [
            ("2", "d1", "success", ""),
            ("3", "d2", "failed", "department-archived"),
            ("4", "d3", "not_sent", "unavailable"),
        ]
        assert rows[2]["note"] == "'=three"
        assert [row["department"] for row in table(tmp_path / "retry.csv")] == ["d2", "d3"]
        summary = json.loads((tmp_path / "summary.json").read_bytes())
        assert (summary["exit_code"], summary["sheet_sha256"]) == (69, SHEET.sheet.sha256)
        assert summary["rows"] == {"total": 3, "success": 1, "failed": 1, "invalid": 0, "not_sent": 1}
        assert (ending.run_dir, ending.sheet_name) == (str(tmp_path), "reorg.csv")
        names = ["report.html", "results.csv", "results.xlsx", "retry.csv", "retry.xlsx", "summary.json"]
        assert sorted(path.name for path in tmp_path.iterdir()) == names
        assert ending.retry == "retry.xlsx"

    def test_invalid_rows_are_marked(self, tmp_path: Path) -> None:
        """Where rows are invalid, the list and the marked sheet are there, names that the server does not know included."""
        problem = Problem(row=4, column="unit", cell="B4", value="a", code=Code.UNKNOWN_UNIT, message='There is no unit "a".')
        written(tmp_path, known(ALREADY_SO, ALREADY_SO, problems=(problem,)))
        assert [(row["row"], row["code"], row["cell"]) for row in table(tmp_path / "problems.csv")] == [("4", "unknown-unit", "B4")]
        sheet = openpyxl.load_workbook(tmp_path / "annotated.xlsx").worksheets[0]
        assert (sheet["B4"].comment.text, sheet["D4"].value) == ('There is no unit "a".', 'There is no unit "a".')
        assert "annotated.xlsx" in text_of(tmp_path / "results.xlsx")

    def test_old_marks_go(self, tmp_path: Path) -> None:
        """A run without invalid rows takes away what an earlier one said of them."""
        problem = Problem(row=4, column="unit", cell="B4", value="a", code=Code.UNKNOWN_UNIT, message="No.")
        written(tmp_path, known(ALREADY_SO, ALREADY_SO, problems=(problem,)))
        written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.csv", "results.xlsx", "summary.json"]

    def test_rows_that_succeeded_before_are_not_marked(self, tmp_path: Path) -> None:
        """A row that an earlier attempt brought to success is not invalid any more, whatever its name means by now."""
        problem = Problem(row=4, column="unit", cell="B4", value="a", code=Code.UNKNOWN_UNIT, message="No.")
        what = known(ALREADY_SO, ALREADY_SO, problems=(problem,))
        what.earlier = {4: RowResult(row=4, status=Status.SUCCESS)}
        written(tmp_path, what)
        assert not (tmp_path / "annotated.xlsx").exists()

    def test_a_sheet_too_large_to_be_marked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sheet that no workbook can hold is not marked; the list is there, and a warning says why."""
        monkeypatch.setattr(annotated, "MOST_ROWS", 3)
        problem = Problem(row=4, column="unit", cell="B4", value="a", code=Code.UNKNOWN_UNIT, message="No.")
        ending, _ = written(tmp_path, known(ALREADY_SO, ALREADY_SO, problems=(problem,)))
        assert ending.figures.warnings[0].startswith("annotated.xlsx was not written: ")
        assert json.loads((tmp_path / "summary.json").read_bytes())["warnings"] == list(ending.figures.warnings)
        assert sorted(path.name for path in tmp_path.glob("*.xlsx")) == ["results.xlsx", "retry.xlsx"]

    def test_temporary_files_lie_in_the_run_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Workbooks of large sheets need no other place that can be written to than the run directory, and leave nothing there."""
        monkeypatch.setattr(workbook, "MANY_CELLS", 0)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        assert written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO))[0].exit_code is Exit.OK
        assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.csv", "results.xlsx", "summary.json"]

    def test_workbooks_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where only the workbooks cannot be written it is 73 as well, but the tables are there, and the summary says the same."""
        (tmp_path / "results.xlsx").write_bytes(b"old")
        monkeypatch.setattr(workbook, "MANY_CELLS", 0)
        monkeypatch.setattr(tempfile, "mkstemp", lambda **_: os.open(tmp_path / "nowhere" / "file", os.O_RDONLY))
        ending, _ = written(tmp_path, known(ALREADY_SO, ALREADY_SO, None), INTERRUPTED)
        assert (ending.exit_code, ending.reported, ending.retry) == (Exit.CANNOT_CREATE, True, "retry.csv")
        assert "need room for temporary files" in ending.message
        assert ending.message.endswith("without workbooks. Before that: The job was interrupted.")
        assert json.loads((tmp_path / "summary.json").read_bytes())["exit_code"] == Exit.CANNOT_CREATE
        assert [row["status"] for row in table(tmp_path / "results.csv")] == ["success", "success", "not_sent"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.csv", "retry.csv", "summary.json"]

    def test_a_page_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where only the page cannot be written it is 73 as well; all else is there, and the summary says the same."""

        def full(path: Path, data: bytes) -> None:
            if path.name == "report.html":
                raise Stop(Exit.CANNOT_CREATE, f"{path} cannot be written: No space left on device.")
            write_whole(path, data)

        monkeypatch.setattr("bulkjob.report.ending.write_whole", full)
        ending, _ = written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO))
        assert (ending.exit_code, ending.reported) == (Exit.CANNOT_CREATE, True)
        assert ending.message.endswith("without its page.")
        assert json.loads((tmp_path / "summary.json").read_bytes())["exit_code"] == Exit.CANNOT_CREATE
        assert (tmp_path / "results.xlsx").exists()

    def test_a_defect_of_the_page_costs_nothing_else(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A page that cannot be made is a defect, but every row is on disk by then, and no old page is left to be taken for the new one."""
        (tmp_path / "report.html").write_bytes(b"old")
        monkeypatch.setattr("bulkjob.report.ending.story_of_run", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["results.csv", "results.xlsx", "summary.json"]

    def test_old_retry_goes(self, tmp_path: Path) -> None:
        """A run that left nothing to try again takes away what an earlier one left."""
        written(tmp_path, known(ALREADY_SO, ALREADY_SO, None), INTERRUPTED)
        assert (tmp_path / "retry.csv").exists()
        written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO))
        assert not (tmp_path / "retry.csv").exists()

    def test_mirror_tries_whole_departments_again(self, tmp_path: Path) -> None:
        """With mirror, all rows of a department come along, however they spell it: a sheet without them would remove their agents."""
        sheet = check(parse(b"department;unit\nSales;a\nd1;a\nd2;a\n", "reorg.csv"))
        changes = (
            DepartmentUnit(department_id="d1", unit_id="a", rows=(2,)),
            DepartmentUnit(department_id="d1", unit_id="b", rows=(3,)),
            DepartmentUnit(department_id="d2", unit_id="a", rows=(4,)),
        )
        outcomes: dict[Change, Outcome] = {changes[0]: failed(Code.REJECTED, "No."), changes[1]: ALREADY_SO, changes[2]: ALREADY_SO}
        plan = Plan(changes=changes, settled={}, operations=(), warnings=())
        what = RunState(checked=sheet, workspace=THERE, plan=plan, outcomes=outcomes)
        written(tmp_path, what, mirror=True)
        assert [row["department"] for row in table(tmp_path / "retry.csv")] == ["Sales", "d1"]
        written(tmp_path, what)
        assert [row["department"] for row in table(tmp_path / "retry.csv")] == ["Sales"]

    def test_renaming_rows_are_tried_again(self, tmp_path: Path) -> None:
        """The rows that rename what a row that is left names come along, however that calls it; fed again, all of them are understood."""
        text = "unit;new unit name;unit visibility\nEMEA;Europe;\nAPAC;Asia;\nEurope;;private\n"
        sheet = check(parse(text.encode(), "reorg.csv"))
        changes = (
            UnitField(unit_id="u1", field="name", value="Europe", rows=(2,)),
            UnitField(unit_id="u2", field="name", value="Asia", rows=(3,)),
            UnitField(unit_id="u1", field="visibility", value="private", rows=(4,)),
        )
        outcomes: dict[Change, Outcome] = {changes[0]: ALREADY_SO, changes[1]: ALREADY_SO, changes[2]: failed(Code.REJECTED, "No.")}
        plan = Plan(changes=changes, settled={}, operations=(), warnings=())
        meanings = Meanings(units={"EMEA": "u1", "APAC": "u2", "Europe": "u1"})
        written(tmp_path, RunState(checked=sheet, workspace=THERE, plan=plan, outcomes=outcomes, meanings=meanings))
        assert [row["unit"] for row in table(tmp_path / "retry.csv")] == ["EMEA", "Europe"]

    @pytest.mark.parametrize("stop", [None, Stop(Exit.UNAVAILABLE, "Away.")])
    def test_unwritable_directory(self, tmp_path: Path, stop: Stop | None) -> None:
        """A report that cannot be written is 73 and names the file; then none of its files is, and what was to be said is not lost."""
        (tmp_path / "summary.json").mkdir()
        (tmp_path / ".summary.json.part").mkdir()
        (tmp_path / "results.csv").write_bytes(b"old")
        ending, statuses = written(tmp_path, known(ALREADY_SO, ALREADY_SO, ALREADY_SO if stop is None else None), stop)
        assert (ending.exit_code, ending.reported) == (Exit.CANNOT_CREATE, False)
        assert ending.message.startswith(f"{tmp_path / 'summary.json'} cannot be written: Is a directory.")
        assert ending.message.endswith("Before that: Away.") == (stop is not None)
        assert list(statuses) == [2, 3, 4]
        assert (tmp_path / "results.csv").read_bytes() == b"old"
        assert sorted(path.name for path in tmp_path.iterdir()) == [".summary.json.part", "results.csv", "summary.json"]
