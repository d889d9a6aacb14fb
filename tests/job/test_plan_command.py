"""`plan`, and `run --plan`: what was approved is what is sent, or nothing is."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bulkjob.settings.values import MaxRemovals
from bulkjob.vocabulary import Exit, Stop
from tests.support.program import SECRET, Program
from tests.support.rehearsal import foresee, rehearse, results_of, sheet_text
from tests.support.servers import serving
from tests.support.states import State, parents, places
from tests.support.workspaces import SAMPLES

ROWS: list[dict[str, object]] = [
    {"department": "alpha", "unit": "south", "agent": "cid"},
    {"department": "alpha", "agent": "ann", "count": 9},
    {"department": "beta", "agent": "bob", "action": "remove"},
    {"department": "beta", "agent": "cid", "order": 2},
    {"department": "gamma", "unit": "north"},
    {"department": "free", "unit": "-"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a plan said, and the file that it left."""

    exit: Exit
    said: str
    calls: list[dict[str, Any]]
    before: State
    after: State
    file: Path
    document: Any
    """The file's; None if there is none."""


def planned(folder: Path, state: State, rows: Any = ROWS, **options: Any) -> Planned:
    """Plans into a file."""
    file = folder / "plan.json"
    seen = foresee(folder, state, rows, out=file, **options)
    document = json.loads(file.read_bytes()) if file.exists() else None
    return Planned(exit=seen.exit, said=seen.said, calls=seen.calls, before=seen.before, after=seen.after, file=file, document=document)


def next_step(out: str) -> str:
    """The last command that a plan prints."""
    return [line for line in out.splitlines() if line.startswith("  bulkjob ")][-1]


def writes(document: Any) -> Counter[tuple[str, str]]:
    """The writes that a plan holds."""
    return Counter((operation["method"], operation["path"]) for operation in document["operations"])


# ------------------------------------------------------------------------------------------------------------------- plan


def test_only_reads(small: State, tmp_path: Path) -> None:
    """A plan changes nothing on the server and makes no run directory."""
    seen = planned(tmp_path / "p", small)
    assert seen.exit == Exit.OK
    assert {call["method"] for call in seen.calls} == {"GET"}
    assert seen.before == seen.after
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["plan.json", "sheet.csv"]


def test_rows(small: State, tmp_path: Path) -> None:
    """Each row is told once: planned with what will be done, or a success that is so already."""
    seen = planned(tmp_path, small)
    rows = seen.document["rows"]
    assert [(row["row"], row["status"]) for row in rows] == [
        (2, "planned"),
        (3, "planned"),
        (4, "planned"),
        (5, "planned"),
        (6, "planned"),
        (7, "success"),
    ]
    assert [row["message"] for row in rows] == [
        'Will be moved to unit "SOUTH" (south) from "NORTH" (north). Agent @cid (u-cid) will be added.',
        "Agent @ann (u-ann) will be changed to count 9.",
        "Agent @bob (u-bob) will be removed.",
        "Agent @cid (u-cid) will be added with order 2.",
        'Will be moved to unit "NORTH" (north) from "SOUTH" (south).',
        "Already correct: the department is in no unit.",
    ]


def test_text(small: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal shows, unit by unit and department by department, what comes, changes and goes, the calls, and the next step."""
    monkeypatch.setenv("COLUMNS", "400")
    seen = planned(tmp_path, small, url="https://chat.example.org")
    # A run does not read beforehand whom the server will drop: who holds the role, and the monitors of two units.
    before = len(seen.calls) - 3
    assert seen.said.splitlines() == [
        "Plan for sheet.csv on https://chat.example.org (Rocket.Chat 7.0)",
        "6 rows: 5 to change, 1 already correct",
        "",
        "Units (2)",
        '  "NORTH"',
        '    − "Alpha"  to "SOUTH"',
        '    + "Gamma"  from "SOUTH"',
        '  "SOUTH"',
        '    + "Alpha"  from "NORTH"',
        '    − "Gamma"  to "NORTH"',
        "",
        "Departments (3)",
        '  "Alpha"',
        '    ~ unit "NORTH" to "SOUTH"',
        "    + @cid",
        "    ~ @ann  count 7 to 9",
        '  "Beta"',
        "    − @bob",
        "    + @cid  order 2",
        '  "Gamma"',
        '    ~ unit "SOUTH" to "NORTH"',
        "",
        f"{20 + before} calls: {before} to read the workspace, 20 for the changes and their checks",
        "       1  PUT   livechat/department/:id",
        "       1  POST  livechat/department/:id/agents",
        "       3  POST  livechat/units/:id",
        "       5  GET   livechat/department",
        "       2  GET   livechat/department/:id",
        "       2  GET   livechat/department/:id/agents",
        "       3  GET   livechat/units/:id",
        "       3  GET   livechat/units/:id/monitors",
        "Less than a minute (no rate limit for this account).",
        "",
        "Next: To carry it out:",
        f"  bulkjob run {tmp_path}/sheet.csv --plan {tmp_path}/plan.json",
        "",
        "Plan: 2 units, 2 departments to move, 2 agents to add, 1 to change, 1 to remove",
    ]


def test_json_is_the_file(small: State, tmp_path: Path) -> None:
    """`--json` prints, byte for byte, what `--out` writes, and the same plan twice is the same file."""
    seen = planned(tmp_path, small, as_json=True)
    assert seen.said.encode() == seen.file.read_bytes()
    assert planned(tmp_path, small).file.read_bytes() == seen.said.encode()


def test_empty_after_a_run(small: State, tmp_path: Path) -> None:
    """A plan right after a run is empty, and says that nothing is left to do."""
    ran = rehearse(tmp_path / "1", small, ROWS)
    seen = planned(tmp_path / "2", ran.after)
    assert seen.exit == Exit.OK
    assert (seen.document["operations"], seen.document["calls"]) == ([], [])
    assert seen.document["statuses"] == {"success": 6}
    assert "every row is already correct" in seen.said


def test_no_rows(small: State, tmp_path: Path) -> None:
    """The plan of a sheet without rows is empty, too."""
    seen = planned(tmp_path, small, "department,unit\n")
    assert (seen.exit, seen.document["rows"], seen.document["operations"]) == (Exit.OK, [], [])


def test_invalid(small: State, tmp_path: Path) -> None:
    """Invalid rows are told with their reasons; the exit code is 65 as a run's, and no plan is written that could be approved."""
    rows: list[Mapping[str, object]] = [*ROWS, {"department": "nowhere", "unit": "north"}]
    seen = planned(tmp_path / "1", small, rows)
    assert (seen.exit, seen.document) == (Exit.BAD_SHEET, None)
    assert 'row 8 invalid, unknown-department There is no department "nowhere"' in " ".join(seen.said.split())
    assert seen.exit == rehearse(tmp_path / "2", small, rows).exit
    # The sheet alone shows it: the server is not asked.
    bad = planned(tmp_path / "3", small, [{"department": "", "unit": "north"}])
    assert (bad.exit, bad.calls) == (Exit.BAD_SHEET, [])
    document = json.loads(planned(tmp_path / "4", small, rows, as_json=True).said)
    assert document["refused"]["exit_code"] == 65
    assert Counter(row["status"] for row in document["rows"]) == {"not_sent": 6, "invalid": 1}


def test_skip_invalid(small: State, tmp_path: Path) -> None:
    """With `--skip-invalid` the others are planned, and the exit code is 1, as a run's would be."""
    rows: list[Mapping[str, object]] = [*ROWS, {"department": "gamma", "agent": "nobody"}]
    seen = planned(tmp_path / "1", small, rows, skip_invalid=True)
    assert (seen.exit, seen.document["statuses"]) == (Exit.ROWS_NOT_DONE, {"success": 1, "planned": 4, "invalid": 1, "not_sent": 1})
    assert "without the rows named above" in " ".join(seen.said.split())
    ran = rehearse(tmp_path / "2", small, rows, skip_invalid=True, plan=seen.file)
    assert (ran.exit, Counter(ran.write_paths)) == (Exit.ROWS_NOT_DONE, writes(seen.document))


def test_certain_failures(small: State, tmp_path: Path) -> None:
    """Rows that are certain to fail are told as failed with the reason, and the exit code is 1."""
    seen = planned(tmp_path, small, [*ROWS, {"department": "old", "unit": "north"}])
    assert (seen.exit, seen.document["rows"][-1]["status"], seen.document["rows"][-1]["code"]) == (1, "failed", "department-archived")
    assert "row 8  would fail, department-archived" in seen.said


def test_not_permitted(small: State, tmp_path: Path) -> None:
    """An account that can do none of the rows is 77, as for a run."""
    seen = planned(tmp_path, small, [{"department": "alpha", "unit": "south"}], user="custom")
    assert (seen.exit, seen.document) == (Exit.NO_PERMISSION, None)


def test_nowhere_to_write(small: State, tmp_path: Path) -> None:
    """A file that cannot be written is 73, before the server is asked."""
    (tmp_path / "folder").mkdir()
    for out in (tmp_path / "folder", tmp_path / "none" / "plan.json"):
        with pytest.raises(Stop) as stop:
            foresee(tmp_path, small, ROWS, out=out)
        assert stop.value.exit_code == Exit.CANNOT_CREATE


def test_csv(small: State, tmp_path: Path) -> None:
    """`--csv` writes the sheet's rows with what would become of them, in the report's columns."""
    foresee(tmp_path, small, ROWS, csv=tmp_path / "results.csv")
    rows = results_of(tmp_path)
    assert [row["status"] for row in rows] == ["planned"] * 5 + ["success"]
    assert rows[1]["agent"] == "ann"


def test_max_removals(small: State, tmp_path: Path) -> None:
    """More removals than allowed are 65, with the numbers, what to type if it is meant, and the removals themselves to look at."""
    rows = [{"department": "alpha", "agent": name, "action": "remove"} for name in ("ann", "bob")]
    seen = planned(tmp_path / "1", small, rows, max_removals=MaxRemovals(count=1))
    assert (seen.exit, seen.document) == (Exit.BAD_SHEET, None)
    said = " ".join(seen.said.split())
    assert "removes 2 of the workspace's 3 agent assignments; the safety limit is 1." in said
    assert "--max-removals 2" in said
    assert "− @ann − @bob" in said
    allowed = planned(tmp_path / "2", small, rows, max_removals=MaxRemovals(count=2))
    assert (allowed.exit, allowed.document["removals"]) == (Exit.OK, 2)
    # The guard holds for an approved plan, too.
    ran = rehearse(tmp_path / "3", small, rows, plan=allowed.file, max_removals=MaxRemovals(count=1))
    assert (ran.exit, ran.writes) == (Exit.BAD_SHEET, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted(small: State, tmp_path: Path, number: int) -> None:
    """Interrupted while it reads, `plan` leaves at once with 75 and one sentence, and writes no file."""
    (tmp_path / "sheet.csv").write_text(sheet_text(ROWS), encoding="utf-8")
    with serving(small, rate_limit="1/600") as served:
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("BULKJOB_")}
        environment |= {"ROCKETCHAT_URL": served.url, "ROCKETCHAT_USER_ID": "u-manager", "ROCKETCHAT_AUTH_TOKEN": "token-manager"}
        command = [
            sys.executable,
            "-m",
            "bulkjob",
            "plan",
            str(tmp_path / "sheet.csv"),
            "--agents",
            "mirror",
            "--out",
            str(tmp_path / "plan.json"),
        ]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 60
            while not any(call["route"] == "livechat/department/:id/agents" for call in served.sandbox.calls()):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (Exit.INTERRUPTED, ""), err
    assert "Interrupted" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "plan.json").exists()


def test_forecast_is_kept(small: State, tmp_path: Path) -> None:
    """Where the server limits the account, the run takes as long as the plan says, within a window."""
    small["departments"] += [{**small["departments"][4], "_id": f"x{number}", "name": f"X{number}"} for number in range(45)]
    rows = [
        *({"department": f"x{number}", "agent": "ann"} for number in range(45)),
        *({"department": f"x{number}", "unit": ("north", "south")[number % 2]} for number in range(0, 45, 2)),
    ]
    seen = planned(tmp_path / "1", small, rows, user="manager", unit_route="unit")
    assert "About 3 minutes: PUT livechat/department/:id is called 30 times, and the server allows 10 a minute." in " ".join(
        seen.said.split()
    )
    ran = rehearse(tmp_path / "2", small, rows, user="manager", unit_route="unit", plan=seen.file)
    assert ran.exit == Exit.OK
    assert abs(ran.seconds - seen.document["forecast"]["seconds"]) <= 60
    foreseen = {(call["method"], call["route"]): call["count"] for call in seen.document["calls"]}
    made = Counter((call["method"], call["route"]) for call in ran.calls)
    before = Counter((call["method"], call["route"]) for call in seen.calls if "monitors" not in call["route"])
    assert {key: made[key] - before[key] for key in foreseen if key[1] != "livechat/department"} == {
        key: count for key, count in foreseen.items() if key[1] != "livechat/department"
    }


# ------------------------------------------------------------------------------------------------------------- run --plan


def test_run_writes_its_plan(small: State, tmp_path: Path) -> None:
    """A run leaves in `plan.json` what it decided to send: the same as a plan, and what it then sent; a refused one leaves none."""
    seen = planned(tmp_path / "1", small)
    ran = rehearse(tmp_path / "2", small, ROWS)
    document = json.loads((ran.folder / "plan.json").read_bytes())
    assert document == seen.document
    assert Counter(ran.write_paths) == writes(document)
    rehearse(tmp_path / "3", small, ROWS, faults="500@GET+3")
    refused = rehearse(tmp_path / "3", small, [{"department": "nowhere", "unit": "-"}])
    assert not (refused.folder / "plan.json").exists()


@pytest.mark.parametrize("options", [{}, {"agents": "mirror"}, {"unit_route": "department"}, {"concurrency": 1}])
def test_exactly_the_plan(small: State, tmp_path: Path, options: dict[str, Any]) -> None:
    """An approved plan is sent write by write, with the settings it was made with; a second time nothing is."""
    seen = planned(tmp_path / "1", small, **options)
    ran = rehearse(tmp_path / "2", small, ROWS, plan=seen.file)
    assert (ran.exit, set(ran.column("status"))) == (Exit.OK, {"success"})
    assert Counter(ran.write_paths) == writes(seen.document)
    again = rehearse(tmp_path / "3", ran.after, ROWS, plan=seen.file)
    assert (again.exit, again.writes, set(again.column("change"))) == (Exit.OK, [], {"unchanged"})


def _department(state: State, identifier: str) -> State:
    found: State = next(department for department in state["departments"] if department["_id"] == identifier)
    return found


def _place(state: State, identifier: str) -> State:
    found: State = next(place for place in state["departmentAgents"] if place["_id"] == identifier)
    return found


def _other_unit(state: State) -> None:
    state["units"].append({"_id": "west", "name": "WEST", "visibility": "public", "type": "u", "numMonitors": 0, "numDepartments": 1})
    _department(state, "alpha").update(parentId="west", ancestors=["west"])


def _no_unit(state: State) -> None:
    _department(state, "gamma").update(parentId=None, ancestors=None)


def _into_a_unit(state: State) -> None:
    _department(state, "free").update(parentId="north", ancestors=["north"])


def _lower_count(state: State) -> None:
    _place(state, "p1")["count"] = 6


def _other_order(state: State) -> None:
    _place(state, "p1")["order"] = 5


def _left(state: State) -> None:
    state["departmentAgents"].remove(_place(state, "p1"))


def _archived(state: State) -> None:
    _department(state, "gamma").update(archived=True, enabled=False)


def _came(state: State) -> None:
    state["departmentAgents"].append({**_place(state, "p1"), "_id": "p9", "departmentId": "beta", "agentId": "u-ann", "username": "ann"})


def _came_with_an_order(state: State) -> None:
    state["departmentAgents"].append(
        {**_place(state, "p1"), "_id": "p9", "departmentId": "beta", "agentId": "u-cid", "username": "cid", "order": 7}
    )


DRIFT: list[tuple[Callable[[State], None], dict[str, Any], str]] = [
    (
        _other_unit,
        {},
        'in unit "NORTH" (north) when planned, is now in unit "WEST" (west) (the plan wants it in unit "SOUTH" (south)).',
    ),
    (_no_unit, {}, 'Department "Gamma" (gamma): was in unit "SOUTH" (south) when planned, is now in no unit'),
    (_into_a_unit, {}, 'Department "Free" (free): was in no unit when planned, is now in unit "NORTH" (north)'),
    (
        _lower_count,
        {},
        'in department "Alpha" (alpha): was there with count 7 and order 1 when planned, is now there with count 6 and order 1',
    ),
    (_other_order, {}, "is now there with count 7 and order 5"),
    (_left, {}, "is now not there (the plan wants it there with count 9"),
    (_archived, {}, 'Department "Gamma" (gamma): can no longer be changed (department-archived).'),
    (
        _came,
        {"agents": "mirror"},
        'Agent @ann (u-ann) would be removed from department "Beta" (beta), which the approved plan does not',
    ),
    (
        _came_with_an_order,
        {},
        'Agent @cid (u-cid) in department "Beta" (beta): was not there when planned, is now there with count 7 and order 7',
    ),
]


@pytest.mark.parametrize("case", DRIFT, ids=[change.__name__.strip("_") for change, *_ in DRIFT])
def test_drift(small: State, tmp_path: Path, case: tuple[Callable[[State], None], dict[str, Any], str]) -> None:
    """What is neither as found nor as wanted refuses the plan with 65, is named with all three states, and nothing is sent."""
    change, options, said = case
    seen = planned(tmp_path / "1", small, **options)
    change(small)
    ran = rehearse(tmp_path / "2", small, ROWS, plan=seen.file)
    assert (ran.exit, ran.writes) == (Exit.BAD_SHEET, [])
    assert said in " ".join(ran.said.split())
    assert set(ran.column("code")) == {"refused"}
    assert "(1 difference)" in " ".join(ran.summary["message"].split())
    assert not (ran.folder / "journal.jsonl").exists()


def test_many_differences(small: State, tmp_path: Path) -> None:
    """Of very many differences a screenful is told, and how many there are beside."""
    small["departments"] += [{**small["departments"][4], "_id": f"x{number}", "name": f"X{number}"} for number in range(40)]
    rows = [{"department": f"x{number}", "unit": "south"} for number in range(40)]
    seen = planned(tmp_path / "1", small, rows)
    for number in range(40):
        _department(small, f"x{number}").update(parentId="north", ancestors=["north"])
    ran = rehearse(tmp_path / "2", small, rows, plan=seen.file)
    assert (ran.exit, ran.writes) == (Exit.BAD_SHEET, [])
    assert ran.said.count("is now in unit") == 15
    assert "… and 25 more differences." in ran.said


def test_what_the_plan_does_not_mention(small: State, tmp_path: Path) -> None:
    """What the plan does not touch may change: other agents, other departments of a unit, names."""
    seen = planned(tmp_path / "1", small)
    small["departments"].append({**_department(small, "beta"), "_id": "new", "name": "New"})
    small["departmentAgents"].remove(_place(small, "p2"))
    ran = rehearse(tmp_path / "2", small, ROWS, plan=seen.file)
    assert ran.exit == Exit.OK
    assert Counter(ran.write_paths) == writes(seen.document)
    assert parents(ran.after)["new"] == "north"


@pytest.mark.parametrize(
    "case",
    [(9, 7, 8, True), (7, 7, 8, False), (None, 7, 12, False), (3, 7, 9, True), (3, 7, 5, False)],
    ids=["still to be set", "so already", "not asked for", "to be lowered", "lowered, and a chat since"],
)
def test_risen_count(small: State, tmp_path: Path, case: tuple[int | None, int, int, bool]) -> None:
    """A count that has risen since the plan, or since it was carried out, is no drift, and no reason to send anything more."""
    wanted, before, now, sent = case
    _place(small, "p1")["count"] = before
    rows = [{"department": "alpha", "agent": "ann", "count": "" if wanted is None else wanted, "order": 1}]
    seen = planned(tmp_path / "1", small, rows)
    _place(small, "p1")["count"] = now
    ran = rehearse(tmp_path / "2", small, rows, plan=seen.file)
    assert (ran.exit, ran.column("status")) == (Exit.OK, ["success"])
    assert bool(ran.writes) == sent
    if sent:
        assert places(ran.after)["alpha", "u-ann"] == (wanted, 1)


def test_half_done(small: State, tmp_path: Path) -> None:
    """Broken off after any number of writes and without its run directory, the plan goes on where it stopped."""
    seen = planned(tmp_path / "plan", small)
    states: list[State] = []

    def meddle(transport: Any, request: Any) -> None:
        if request.writes:
            states.append(transport.sandbox.state())

    rehearse(tmp_path / "whole", small, ROWS, plan=seen.file, concurrency=1, meddle=meddle)
    assert len(states) == len(seen.document["operations"])
    for number, state in enumerate(states):
        ran = rehearse(tmp_path / str(number), state, ROWS, plan=seen.file)
        assert (ran.exit, set(ran.column("status"))) == (Exit.OK, {"success"}), ran.said
        assert not Counter(ran.write_paths) - writes(seen.document)
        assert parents(ran.after) == {"alpha": "south", "beta": "north", "gamma": "north", "old": "south", "free": None}


@pytest.mark.parametrize("fault", ["500@PUT", "500@POST", "500@POST+1", "500@POST+2", "forget@PUT"])
def test_half_done_in_its_run_directory(small: State, tmp_path: Path, fault: str) -> None:
    """Broken off with its run directory, the plan goes on there: what is done keeps its result, the rest is sent."""
    seen = planned(tmp_path / "plan", small)
    half = rehearse(tmp_path / "run", small, ROWS, plan=seen.file, faults=fault, concurrency=1, retries=1)
    assert half.exit in (Exit.ROWS_NOT_DONE, Exit.UNAVAILABLE)
    ran = rehearse(tmp_path / "run", half.after, ROWS, plan=seen.file)
    assert (ran.exit, set(ran.column("status"))) == (Exit.OK, {"success"}), ran.said
    assert not Counter(ran.write_paths) - writes(seen.document)
    # Without the plan, or with another one, the directory belongs to another run.
    for other in (None, _touched(seen.file)):
        with pytest.raises(Stop) as stop:
            rehearse(tmp_path / "run", ran.after, ROWS, plan=other)
        assert stop.value.exit_code == Exit.CANNOT_CREATE
        assert "--plan" in stop.value.message


def _touched(file: Path) -> Path:
    other = file.with_name("other.json")
    other.write_bytes(file.read_bytes() + b"\n")
    return other


def test_removals_done_by_hand(small: State, tmp_path: Path) -> None:
    """What somebody did by hand as the plan wants it is skipped; the rest goes by the routes that were approved."""
    seen = planned(tmp_path / "1", small)
    small["departmentAgents"].remove(_place(small, "p3"))
    ran = rehearse(tmp_path / "2", small, ROWS, plan=seen.file)
    assert ran.exit == Exit.OK
    assert Counter(ran.write_paths) == writes(seen.document)
    assert ran.rows[2]["change"] == "unchanged"


def test_another_sheet_or_server(small: State, tmp_path: Path) -> None:
    """A plan of another sheet or server is 65: every row is in the report, and nothing is asked or sent."""
    seen = planned(tmp_path / "1", small)
    for name, rows, url, said in (
        ("2", ROWS[1:], "", "another sheet"),
        ("3", ROWS, "https://other.example.org", "https://other.example.org"),
    ):
        ran = rehearse(tmp_path / name, small, rows, plan=seen.file, url=url)
        assert (ran.exit, ran.calls, set(ran.column("code"))) == (Exit.BAD_SHEET, [], {"refused"})
        assert said in ran.summary["message"]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, Exit.NO_INPUT, "plan.json"),
        (b"", Exit.BAD_SHEET, "not a bulkjob plan"),
        (b"department,unit\n", Exit.BAD_SHEET, "not a bulkjob plan"),
        (b'{"a": 1}', Exit.BAD_SHEET, "not a bulkjob plan"),
        (b'{"format": 99}', Exit.BAD_SHEET, "format is 99"),
        (b'{"format": 1}', Exit.BAD_SHEET, "damaged"),
    ],
)
def test_file_that_is_no_plan(program: Program, tmp_path: Path, content: bytes | None, code: Exit, said: str) -> None:
    """A plan that is missing is 66, one that is none 65, with the commands for a new one, each before a run directory is made."""
    (tmp_path / "sheet.csv").write_text("department,unit\na,b\n", encoding="utf-8")
    if content is not None:
        (tmp_path / "plan.json").write_bytes(content)
    done = program("run", "sheet.csv", "--plan", "plan.json", "--run-dir", "run", url="http://127.0.0.1:9")
    assert (done.exit, done.out) == (code, "")
    message, *advice = done.err.splitlines()
    assert said in message
    if code is Exit.BAD_SHEET:
        assert advice[1:4:2] == [
            "  bulkjob plan sheet.csv --out new-plan.json",
            "  bulkjob run sheet.csv --run-dir run --plan new-plan.json",
        ]
    else:
        assert advice == []
    assert not (tmp_path / "run").exists()


def test_as_typed(program: Program, sample: State, tmp_path: Path) -> None:
    """`plan`, then the command that its last line names: the sample is changed as planned, and a plan after it has nothing left."""
    next(user for user in sample["users"] if user["username"] == "admin")["token"] = SECRET
    with serving(sample) as served:
        first = program("plan", SAMPLES / "reorganisation.csv", "--create-units", "--out", "plan.json", url=served.url)
        assert first.exit == Exit.OK, first.err
        assert {call["method"] for call in served.sandbox.calls()} == {"GET"}
        bulkjob, *run = shlex.split(next_step(first.out))
        assert bulkjob == "bulkjob"
        done = program(*run, "--run-dir", "run", url=served.url)
        assert done.exit == Exit.OK, done.out
        document = json.loads((tmp_path / "plan.json").read_bytes())
        assert Counter((call["method"], call["path"]) for call in served.sandbox.calls() if call["method"] != "GET") == writes(document)
        after = program("plan", SAMPLES / "reorganisation.csv", "--create-units", "--json", url=served.url)
    assert json.loads(after.out)["operations"] == []


NIGHT = "Night of 23 Nov; it's final"


@pytest.mark.parametrize(
    ("flags", "code", "removed"),
    [
        (("--agents", "mirror", "--max-removals", "2", "--unit-route", "department"), Exit.OK, {"u-ann", "u-bob"}),
        (("--agents", "mirror", "--max-removals", "100%", "--unit-route", "unit"), Exit.OK, {"u-ann", "u-bob"}),
        (("--skip-invalid", "--unit-route", "unit"), Exit.ROWS_NOT_DONE, set()),
    ],
    ids=["mirror by departments", "mirror by units", "skip invalid"],
)
@pytest.mark.parametrize("out", [(), ("--out", "my plan.json")], ids=["sheet", "plan"])
def test_next_step_does_what_the_plan_said(  # noqa: PLR0917 - what is typed, and what is to come of it
    program: Program, small: State, tmp_path: Path, flags: tuple[str, ...], code: Exit, removed: set[str], out: tuple[str, ...]
) -> None:
    """The command that a plan prints, typed as it stands, changes exactly what that plan said: of that worksheet, by that route."""
    next(user for user in small["users"] if user["username"] == "admin")["token"] = SECRET
    rows = [{"department": "alpha", "unit": "south", "agent": "cid"}, {"department": "gamma", "unit": "north"}]
    if "--skip-invalid" in flags:
        rows.append({"department": "beta", "agent": "nobody.here"})
    book = openpyxl.Workbook()
    # The first worksheet says something else.
    book.active.append(["department", "unit"])
    book.active.append(["beta", "-"])
    night = book.create_sheet(NIGHT)
    night.append(["department", "unit", "agent"])
    for row in rows:
        night.append([row.get("department"), row.get("unit"), row.get("agent")])
    book.save(tmp_path / "re org.xlsx")
    with serving(small) as served:
        seen = program("plan", "re org.xlsx", "--sheet-name", NIGHT, "--url", served.url, *flags, *out)
        assert seen.exit == code, seen.out + seen.err
        document = json.loads(program("plan", "re org.xlsx", "--sheet-name", NIGHT, "--url", served.url, *flags, "--json").out)
        bulkjob, *typed = shlex.split(next_step(seen.out))
        assert (bulkjob, typed[0]) == ("bulkjob", "run")
        before = served.sandbox.state()
        served.sandbox.calls().clear()
        done = program(*typed)
        assert done.exit == code, done.out + done.err
        after = served.sandbox.state()
        sent = Counter((call["method"], call["path"]) for call in served.sandbox.calls() if call["method"] != "GET")
    assert sent == writes(document)
    assert parents(after) == {**parents(before), "alpha": "south", "gamma": "north"}
    gone = {place for place in places(before) if place not in places(after)}
    assert gone == {("alpha", agent) for agent in removed}
