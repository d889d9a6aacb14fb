"""Whole screens of 80 columns and 24 lines, as people see them at the end of a run and of a plan."""

import logging
from pathlib import Path

import pytest

from bulkjob.vocabulary import Exit
from tests.job.test_plan_command import planned
from tests.support.rehearsal import foresee, rehearse
from tests.support.states import State

WIDTH, HEIGHT = 80, 24
MOVES = [{"department": "alpha", "unit": "south"}, {"department": "gamma", "unit": "north"}]
AGENTS = [{"department": "alpha", "agent": "cid"}, {"department": "beta", "agent": "bob", "action": "remove"}]


@pytest.fixture(autouse=True)
def _small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("LINES", str(HEIGHT))


def screen_of(said: str, folder: Path) -> list[str]:
    """What is seen, with the folder's name shortened; a line that is longer than the screen takes several there."""
    lines = said.replace(f"{folder}/", "").splitlines()
    assert sum(max(-(-len(line) // WIDTH), 1) for line in lines) < HEIGHT
    assert all(len(line) <= WIDTH or line.startswith("  bulkjob ") for line in lines)
    return lines


def test_a_good_run(small: State, tmp_path: Path) -> None:
    """A run that has reached everything says so in its first line, and names the report in its last."""
    ran = rehearse(tmp_path, small, [*MOVES, *AGENTS])
    lines = screen_of(ran.said, tmp_path)
    assert lines[0] == "sheet.csv: All 4 rows are in place: 4 changed."
    assert lines[2:4] == ["Warnings", '  Department "Beta" (beta) will be left without any agent.']
    assert "of them changes. Took " in lines[5]
    assert lines[7].startswith("Next: Nothing left to do. Details of every row:")
    assert lines[-1] == "Report: run"


def test_a_failing_run(small: State, tmp_path: Path) -> None:
    """One failure for each reason with how many rows, what to do with every flag, and the verdict first and last."""
    ran = rehearse(tmp_path, small, [*MOVES, *AGENTS], faults="forget")
    assert ran.exit == Exit.ROWS_NOT_DONE
    lines = screen_of(ran.said, tmp_path)
    assert lines[0] == "sheet.csv: 4 of 4 rows failed."
    assert lines[2] == "4 rows failed (not-applied), for example row 2:"
    assert lines[3].startswith('  Department "Alpha" (alpha) was not moved to unit "SOUTH" (south) from')
    assert "Next: Once the cause is fixed in Rocket.Chat, resume (finished rows are kept):" in lines
    assert lines[-2:] == ["4 of 4 rows failed.", "Report: run"]


def test_a_continued_run(small: State, tmp_path: Path) -> None:
    """A run that goes on counts the whole sheet, what was done before included."""
    rows = [*MOVES, *AGENTS]
    rehearse(tmp_path, small, rows, faults="forget@POST livechat/department/:id/agents")
    ran = rehearse(tmp_path, small, rows)
    assert ran.said.splitlines()[0] == "sheet.csv: All 4 rows are in place: 4 changed."


def test_a_run_that_waits(small: State, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the rate limit holds the run up, the log says how far it is, how long it waits, and how long it still takes."""
    caplog.set_level(logging.INFO, logger="bulkjob")
    small["departments"] += [{**small["departments"][4], "_id": f"x{number}", "name": f"X{number}"} for number in range(45)]
    ran = rehearse(tmp_path, small, [{"department": f"x{number}", "agent": "ann"} for number in range(45)], user="manager")
    waiting = [line for line in ran.log.splitlines() if "waiting" in line and "of 45 rows" in line]
    assert waiting
    assert all("for the server's rate limit" in line for line in waiting)
    assert any(line.startswith("Writing departments, about 2 minutes left, 15 of 45 rows") for line in waiting)


def test_a_plan_of_500_rows(small: State, tmp_path: Path) -> None:
    """A large plan is told on few screens: what is left out is counted, where the rest is is said, and the totals are the last line."""
    small["departments"] += [{**small["departments"][0], "_id": f"x{number}", "name": f"X {number:03}"} for number in range(250)]
    rows = [
        *({"department": f"x{number}", "unit": "south"} for number in range(250)),
        *({"department": f"x{number}", "agent": ("ann", "bob", "cid")[number % 3]} for number in range(250)),
    ]
    seen = planned(tmp_path, small, rows)
    lines = seen.said.splitlines()
    assert len(lines) <= 3 * HEIGHT
    assert all(len(line) <= WIDTH or line.startswith("  bulkjob ") for line in lines)
    assert lines[lines.index("Departments (250)") + 1].startswith('  "X 000"  ~ unit ')
    assert "  … and 480 changes in 240 more departments (plan --report DIR writes all)" in lines
    assert lines[-1] == "Plan: 2 units, 250 departments to move, 250 agents to add"


def test_which_columns_were_read_is_logged_once(small: State, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A plan and a run say which columns of the sheet were read, and which are only carried."""
    caplog.set_level(logging.INFO, "bulkjob")
    sheet = "department,unit,Business Region\nalpha,south,North\n"
    said = 'columns read: department, unit; only carried into the report: "Business Region"'
    foresee(tmp_path / "plan", small, sheet)
    assert caplog.text.count(said) == 1
    rehearse(tmp_path / "run", small, sheet)
    assert caplog.text.count(said) == 2
