"""report.html and plan.html, from the sheet to the page."""

import html
import os
import re
from pathlib import Path
from typing import Any

import pytest

from bulkjob.vocabulary import Exit, Stop
from tests.support.program import SECRET, Program
from tests.support.rehearsal import foresee, rehearse, sheet_text
from tests.support.servers import serving
from tests.support.states import State

ROWS: list[dict[str, object]] = [
    {"department": "alpha", "unit": "south", "agent": "cid"},
    {"department": "beta", "agent": "bob", "action": "remove"},
    {"department": "gamma", "unit": "north"},
]


@pytest.fixture
def secret(small: State) -> State:
    """The workspace, with a token that nobody else has."""
    small["users"][0]["token"] = SECRET
    return small


def said(path: Path) -> str:
    """What a page says, but for its rows."""
    text = path.read_text(encoding="utf-8").partition("</style>")[2].partition('<script type="application/json"')[0]
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", text).split()))


class TestReport:
    def test_good_run(self, small: State, tmp_path: Path) -> None:
        """A run that did all tells so first, then what moved, by name, and how to undo it."""
        ran = rehearse(tmp_path, small, ROWS)
        assert ran.exit == Exit.OK
        page = said(ran.folder / "report.html")
        assert "All 3 rows are in place" in page
        assert "NORTH → to SOUTH (1): Alpha" in page
        assert "+ added: @cid" in page
        assert f"bulkjob rollback {ran.folder}" in page
        assert "What you need to do" not in page

    def test_misspelt_name(self, small: State, tmp_path: Path) -> None:
        """Of a sheet that was refused for a name the page says whose turn it is, what is wrong, and that nothing was changed."""
        ran = rehearse(tmp_path, small, [*ROWS, {"department": "alpha", "agent": "cit"}])
        assert ran.exit == Exit.BAD_SHEET
        page = said(ran.folder / "report.html")
        assert "1 of 4 rows needs you" in page
        assert "nothing was changed" in page
        assert "Unknown agent 1 row" in page
        assert "Held back 3 rows" in page

    @pytest.mark.parametrize(
        ("options", "code", "expected"),
        [
            ({"faults": "502"}, Exit.UNAVAILABLE, "3 of 3 rows were not sent"),
            ({"user": "custom"}, Exit.NO_PERMISSION, "The account may not do this"),
            ({"faults": "forget@POST livechat/units/:id"}, Exit.ROWS_NOT_DONE, "Accepted, but not done"),
        ],
    )
    def test_every_ending_has_one(self, small: State, tmp_path: Path, options: dict[str, Any], code: Exit, expected: str) -> None:
        """However a run ends, its page lies beside results.csv and tells why."""
        ran = rehearse(tmp_path, small, ROWS, **options, retries=1)
        assert ran.exit == code
        assert expected in said(ran.folder / "report.html")

    def test_continued_run_tells_all_of_it(self, small: State, tmp_path: Path) -> None:
        """A run that goes on tells what its first attempt did, too."""
        with_faults = rehearse(tmp_path, small, ROWS, faults="400-before=other@POST livechat/department/:id/agents", retries=1)
        assert with_faults.exit == Exit.ROWS_NOT_DONE
        ran = rehearse(tmp_path, with_faults.after, ROWS)
        assert ran.exit == Exit.OK
        page = said(ran.folder / "report.html")
        assert "This run went on from an earlier attempt" in page
        assert "NORTH → to SOUTH (1): Alpha" in page
        assert "− removed: @bob" in page

    def test_rollback(self, program: Program, secret: State, tmp_path: Path) -> None:
        """A rollback has a page of its own, in its own words."""
        sheet = tmp_path / "reorg.csv"
        sheet.write_text("department,unit\nalpha,south\n", encoding="utf-8")
        with serving(secret) as served:
            assert program("run", sheet, "--run-dir", "run", url=served.url).exit == Exit.OK
            assert program("rollback", "run", url=served.url).exit == Exit.OK
        page = said(tmp_path / "run" / "rollback" / "report.html")
        assert "Everything is back as it was" in page
        assert "What was put back" in page
        assert "SOUTH → to NORTH (1): Alpha" in page
        assert "To undo it" not in page


class TestPlan:
    def test_whole_plan(self, small: State, tmp_path: Path) -> None:
        """`--report` makes the directory, and the page has totals, moves, agents, duration and calls."""
        folder = tmp_path / "to" / "approve"
        seen = foresee(tmp_path / "p", small, ROWS, report=folder)
        assert seen.exit == Exit.OK
        assert seen.before == seen.after
        page = said(folder / "plan.html")
        assert "Plan: 2 units, 2 departments to move, 1 agent to add, 1 to remove" in page
        assert "nothing has been changed yet" in page
        assert "NORTH → to SOUTH (1): Alpha" in page
        assert "Less than a minute" in page
        assert "livechat/units/:id" in page

    def test_new_units_and_fields(self, small: State, tmp_path: Path) -> None:
        """What else rows ask for is told under its unit or department; a unit that is made is no department that moves."""
        rows = [
            {"department": "alpha", "unit": "Alps", "new department name": "Summit"},
            {"unit": "SOUTH", "new unit name": "Deep South"},
        ]
        columns = ("department", "unit", "new department name", "new unit name")
        foresee(tmp_path / "p", small, sheet_text(rows, columns), report=tmp_path / "r", create_units=True)
        page = said(tmp_path / "r" / "plan.html")
        assert "Plan: 3 units, 1 unit to create, 1 to rename, 1 department to move, 1 to rename" in page
        assert "NORTH → to Alps (1): Alpha" in page
        assert "Alps + added: new unit" in page
        assert 'SOUTH ~ changed: name "SOUTH" to "Deep South"' in page
        assert 'Alpha ~ changed: name "Alpha" to "Summit"' in page

    def test_department_left_without_agents(self, small: State, tmp_path: Path) -> None:
        """Whoever approves is told of a department that loses its last agent."""
        there = {row["agentId"] for row in small["departmentAgents"] if row["departmentId"] == "alpha"}
        rows = [{"department": "alpha", "agent": agent, "action": "remove"} for agent in sorted(there)]
        foresee(tmp_path / "p", small, rows, report=tmp_path / "r")
        assert 'Department "Alpha" (alpha) will be left without any agent.' in said(tmp_path / "r" / "plan.html")

    @pytest.mark.parametrize(("rate_limit", "with_report", "told"), [("1/60", True, True), ("1/60", False, False), ("2/60", False, True)])
    def test_dropped_monitors(
        self,
        small: State,
        tmp_path: Path,
        *,
        rate_limit: str,
        with_report: bool,
        told: bool,
    ) -> None:
        """Who will be dropped is found out where that costs one window of calls at most, and for whoever approves always."""
        monitors = [one["username"] for one in small["unitMonitors"]]
        for user in small["users"]:
            if user["username"] in monitors:
                user["roles"] = ["user"]
        report = tmp_path / "r" if with_report else None
        seen = foresee(tmp_path / "p", small, ROWS, user="manager", rate_limit=rate_limit, as_json=True, report=report)
        page = said(report / "plan.html") if report else seen.said
        assert ("removes monitors who no longer have the role" in page) is told
        assert (("GET", "livechat/monitors") in {(call["method"], call["route"]) for call in seen.calls}) is told

    def test_refused_sheet(self, small: State, tmp_path: Path) -> None:
        """A sheet that would be refused has a page, too, with whose turn it is."""
        seen = foresee(tmp_path / "p", small, [*ROWS, {"department": "alpha", "agent": "cit"}], report=tmp_path / "r")
        assert seen.exit == Exit.BAD_SHEET
        page = said(tmp_path / "r" / "plan.html")
        assert "This sheet would be refused" in page
        assert "Unknown agent 1 row" in page

    def test_old_page_is_replaced(self, small: State, tmp_path: Path) -> None:
        """A page of an earlier plan gives way."""
        (tmp_path / "r").mkdir()
        (tmp_path / "r" / "plan.html").write_text("old", encoding="utf-8")
        foresee(tmp_path / "p", small, ROWS, report=tmp_path / "r")
        assert "Plan:" in said(tmp_path / "r" / "plan.html")

    @pytest.mark.parametrize("kind", ["file", "link", "sheet"])
    def test_place_that_cannot_be_written(self, small: State, tmp_path: Path, kind: str) -> None:
        """Where the page cannot be put nothing is asked of the server: 73."""
        folder, sheet = tmp_path / "r", tmp_path / "sheet.csv"
        sheet.write_text("department,unit\nalpha,south\n", encoding="utf-8")
        if kind == "file":
            folder.write_text("", encoding="utf-8")
        else:
            folder.mkdir()
        if kind == "link":
            (folder / "plan.html").symlink_to(tmp_path / "elsewhere")
        elif kind == "sheet":
            os.link(sheet, folder / "plan.html")
        small["users"] = [user for user in small["users"] if user["username"] == "admin"]
        with pytest.raises(Stop) as stop:
            foresee(tmp_path / "p", small, sheet, report=folder)
        assert stop.value.exit_code is Exit.CANNOT_CREATE

    def test_next_step_repeats_it(self, program: Program, secret: State, tmp_path: Path) -> None:
        """The line that plans again has the flag; the one that runs, which has no use for it, does not."""
        sheet = tmp_path / "reorg.csv"
        sheet.write_text("department,unit\nalpha,nowhere\n", encoding="utf-8")
        with serving(secret) as served:
            assert "--report to-approve" in program("plan", sheet, "--report", "to-approve", url=served.url).out
            sheet.write_text("department,unit\nalpha,south\n", encoding="utf-8")
            out = program("plan", sheet, "--report", "to-approve", url=served.url).out
        assert "bulkjob run" in out
        assert "--report" not in out
