"""The samples are what they say they are: a consistent workspace, a reorganisation of it twice, and a sheet of mistakes."""

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bulkjob.sheet import check, parse, with_contradictions
from bulkjob.vocabulary import NO_UNIT, SHEET_COLUMNS, Code, Exit
from tests.support.rehearsal import rehearse

SAMPLES = Path(__file__).parent.parent / "samples"
REQUIRED_FIELDS = {"name": str, "email": str, "enabled": bool, "showOnRegistration": bool, "showOnOfflineForm": bool}

#: The validation codes that only a workbook can have: text files hold no dates, rounded numbers or formulas.
ONLY_IN_WORKBOOKS = {Code.EXCEL_DATE, Code.EXCEL_NUMBER, Code.EXCEL_FORMULA}
CODES_OF_THE_SHEET = {code for code in Code if list(Code).index(code) < list(Code).index(Code.UNKNOWN_DEPARTMENT)}

Record = Mapping[str, Any]


@pytest.fixture(scope="module")
def workspace() -> Mapping[str, Sequence[Record]]:
    """Return the sample workspace."""
    loaded: Mapping[str, Sequence[Record]] = json.loads((SAMPLES / "workspace.json").read_text(encoding="utf-8"))
    return loaded


def rows_of(name: str) -> list[list[str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def named(name: str) -> list[dict[str, str]]:
    """Return the rows of a sample that are not blank, by the headers in lower case; what is beyond the headers is left out."""
    headers, *rows = rows_of(name)
    return [dict(zip((header.lower() for header in headers), row, strict=False)) for row in rows if any(row)]


def ids(records: Sequence[Record]) -> set[str]:
    return {record["_id"] for record in records}


def fits(text: str, records: Sequence[Record], name: str = "name") -> list[str]:
    """Return the ids of the records that a cell means: an exact id, else an exact name."""
    return [record["_id"] for record in records if record["_id"] == text] or [record["_id"] for record in records if record[name] == text]


def test_ids_are_unique_and_references_lead_somewhere(workspace: Mapping[str, Sequence[Record]]) -> None:
    """Everything stored has an id of its own, and every reference to another thing finds it."""
    everything = [record["_id"] for key, records in workspace.items() if key != "license" for record in records]
    assert len(set(everything)) == len(everything)
    departments, units, users = ids(workspace["departments"]), ids(workspace["units"]), {user["_id"]: user for user in workspace["users"]}
    for department in workspace["departments"]:
        assert department.get("parentId") in {None, *units}
        assert department.get("ancestors") == ([department["parentId"]] if "parentId" in department else None)
        assert {department.get("fallbackForwardDepartment"), *department.get("departmentsAllowedToForward", ())} <= {None, *departments}
    for place in workspace["departmentAgents"]:
        assert place["departmentId"] in departments
        assert place["username"] == users[place["agentId"]]["username"]
        assert "livechat-agent" in users[place["agentId"]]["roles"]
    for monitor in workspace["unitMonitors"]:
        assert monitor["unitId"] in units
        assert monitor["username"] == users[monitor["monitorId"]]["username"]
        assert "livechat-monitor" in users[monitor["monitorId"]]["roles"]


def test_counters_are_right(workspace: Mapping[str, Sequence[Record]]) -> None:
    """The sample's counters are those that the server would have counted, and nobody is in one department twice."""
    agents = Counter(place["departmentId"] for place in workspace["departmentAgents"])
    departments = Counter(department.get("parentId") for department in workspace["departments"])
    monitors = Counter(monitor["unitId"] for monitor in workspace["unitMonitors"])
    assert {department["_id"]: department["numAgents"] for department in workspace["departments"]} == {
        department["_id"]: agents[department["_id"]] for department in workspace["departments"]
    }
    for unit in workspace["units"]:
        assert (unit["numDepartments"], unit["numMonitors"]) == (departments[unit["_id"]], monitors[unit["_id"]])
        assert unit["numMonitors"] > 0
    places = [(place["departmentId"], place["agentId"]) for place in workspace["departmentAgents"]]
    assert len(set(places)) == len(places)


def test_departments_have_the_five_fields(workspace: Mapping[str, Sequence[Record]]) -> None:
    """Every department has the five fields that a PUT must carry, of the right type."""
    for department in workspace["departments"]:
        assert {field: type(department[field]) for field in REQUIRED_FIELDS} == REQUIRED_FIELDS


def test_the_workspace_has_what_a_rehearsal_needs(workspace: Mapping[str, Sequence[Record]]) -> None:
    """It has the size, the accounts and the awkward names that the walk-through speaks of."""
    departments = {department["name"]: department for department in workspace["departments"]}
    users = {user["_id"]: user for user in workspace["users"]}
    assert len(departments) >= 22
    assert len(workspace["units"]) == 5
    assert sum("livechat-agent" in user["roles"] for user in users.values()) >= 25
    assert users["u-admin"]["username"] == "admin"
    assert "admin" in users["u-admin"]["roles"]
    assert "livechat-manager" in users["u-manager"]["roles"]
    assert sum("parentId" not in department for department in departments.values()) == 1
    assert [name for name, department in departments.items() if department.get("archived")] == ["Messe Köln 2025"]
    assert departments["Warranty"]["_id"] == "0042"
    assert {"NA", "O'Brien Stores", "Service Côte d'Ivoire", "Größenberatung", "Service Ålesund"} <= departments.keys()
    assert {len(identifier) for identifier in ids(workspace["departments"])} > {17}
    licence: Sequence[object] = workspace["license"]
    assert licence == ["livechat-enterprise"]


def test_csv_and_workbook_say_the_same() -> None:
    """Cell by cell, blank row included, the workbook shows what the CSV holds; only its order column is numbers."""
    book = openpyxl.load_workbook(SAMPLES / "reorganisation.xlsx")
    assert book.sheetnames == ["Reorganisation", "Notes"]
    shown = [["" if cell is None else str(cell) for cell in row] for row in book["Reorganisation"].iter_rows(values_only=True)]
    assert shown == rows_of("reorganisation.csv")
    kinds = {
        header: {cell.data_type for cell in column if cell.value is not None}
        for header, *column in book["Reorganisation"].iter_cols()
        for header in [header.value]
    }
    assert {header for header, types in kinds.items() if types != {"s"}} == {"Order"}
    assert kinds["Order"] == {"n"}


@pytest.mark.parametrize("name", ["reorganisation.csv", "reorganisation.xlsx"])
def test_the_reorganisation_is_valid(name: str) -> None:
    """Both files are read as the same rows with the same numbers, without a problem or a warning."""
    checked = check(parse((SAMPLES / name).read_bytes(), name))
    reference = check(parse((SAMPLES / "reorganisation.csv").read_bytes(), "reorganisation.csv"))
    assert checked.problems == ()
    assert checked.warnings == ()
    assert checked.assignments == reference.assignments
    assert len(checked.assignments) == len(named("reorganisation.csv"))
    assert checked.sheet.headers[6:11] == ("Unit monitor", "New unit name", "Unit visibility", "Department enabled", "Department email")
    assert checked.sheet.headers[11:] == ("Comment",)


def new_names() -> Mapping[str, str]:
    """Return the names that the reorganisation gives to units, with the units as it calls them."""
    return {row["new unit name"]: row["unit"] for row in named("reorganisation.csv") if row["new unit name"]}


def test_every_name_of_the_reorganisation_is_known(workspace: Mapping[str, Sequence[Record]]) -> None:
    """Each department, unit, agent and monitor means exactly one thing in the workspace, but for the one unit that is new."""
    agents, monitors = ([user for user in workspace["users"] if f"livechat-{role}" in user["roles"]] for role in ("agent", "monitor"))
    living = [department for department in workspace["departments"] if not department.get("archived")]
    unknown = set()
    for row in named("reorganisation.csv"):
        unit = new_names().get(row["unit"], row["unit"])
        assert (row["department"] == "" and row["unit"]) or len(fits(row["department"], living)) == 1, row
        assert not row["agent"] or len(fits(row["agent"].removeprefix("@"), agents, "username")) == 1, row
        assert not row["unit monitor"] or len(fits(row["unit monitor"], monitors, "username")) == 1, row
        if unit not in {"", NO_UNIT} and len(fits(unit, workspace["units"])) != 1:
            unknown.add(unit)
    assert unknown == {"North America"}


def test_the_reorganisation_is_the_one_described(workspace: Mapping[str, Sequence[Record]]) -> None:
    """It moves departments between units in both directions, takes one out, adds and removes agents, and holds rows that are already so."""
    rows = [row for row in named("reorganisation.csv") if row["department"]]
    now = {department["_id"]: department.get("parentId") for department in workspace["departments"]}
    then = {
        fits(row["department"], workspace["departments"])[0]: unit_meant(row["unit"], workspace["units"]) for row in rows if row["unit"]
    }
    moves = {(now[department], unit) for department, unit in then.items() if now[department] != unit}
    assert any((target, origin) in moves for origin, target in moves if origin and target)
    assert any(target is None for _, target in moves)
    assert any(origin is None for origin, _ in moves)
    assert set(then.values()) >= ids(workspace["units"])
    assert any(now[department] == unit for department, unit in then.items())
    assert 55 <= len(rows) <= 65
    assert len({row["department"] for row in rows}) == 21
    assert len({row["agent"].removeprefix("@") for row in rows if row["agent"]}) >= 25
    actions = Counter(row["action"].lower() for row in rows)
    assert actions["add"] > actions["remove"] > 3
    assert any(row["agent"].startswith("@") for row in rows)
    assert any(row["agent"] in ids(workspace["users"]) for row in rows)
    assert any(row["unit"] in ids(workspace["units"]) for row in rows)
    assert any(row["department"] in ids(workspace["departments"]) for row in rows)
    assert max(Counter(tuple(row.get(column, "") for column in SHEET_COLUMNS) for row in rows).values()) == 2


def unit_meant(text: str, units: Sequence[Record]) -> str | None:
    """Return the id of the unit that a cell means, by its present or its new name; of a unit that is new its name."""
    text = new_names().get(text, text)
    return None if text == NO_UNIT else (fits(text, units) or [text])[0]


def test_what_units_and_departments_become(workspace: Mapping[str, Sequence[Record]]) -> None:
    """Two units get new names, one is new, monitors come and go, a department is disabled, an address changes; a new name is used."""
    rows = named("reorganisation.csv")
    assert sorted(new_names()) == ["Central Europe", "Service & Repair"]
    assert any(row["unit"] in new_names() for row in rows)
    present = {(monitor["unitId"], monitor["username"]) for monitor in workspace["unitMonitors"]}
    named_there = [(unit_meant(row["unit"], workspace["units"]), row) for row in rows if row["unit monitor"]]
    leaving = {(unit, row["unit monitor"]) for unit, row in named_there if not row["agent"] and row["action"] == "remove"}
    coming = {(unit, row["unit monitor"]) for unit, row in named_there} - leaving - present
    assert leaving
    assert leaving < present
    assert ("North America", "fiona.walsh") in coming
    assert len(coming) > 1
    assert [row["department"] for row in rows if row["department enabled"] == "no"] == ["Service Iberia"]
    departments = {department["_id"]: department for department in workspace["departments"]}
    for row in rows:
        (identifier,) = fits(row["department"], workspace["departments"]) if row["department email"] else [""]
        assert not identifier or departments[identifier]["email"] != row["department email"]
    assert sum(bool(row["department email"]) for row in rows) == 2


def test_the_workbooks_are_what_the_script_makes(tmp_path: Path) -> None:
    """Made anew (`make samples`), template and reorganisation are the same: cells, formats, drop-downs, widths, worksheets."""
    subprocess.run([sys.executable, SAMPLES / "make.py", tmp_path], check=True)
    for name in ("template.xlsx", "reorganisation.xlsx"):
        assert looks(tmp_path / name) == looks(SAMPLES / name)


def looks(path: Path) -> list[object]:
    """Return what people see of a workbook, and the words that it offers."""
    return [
        (
            sheet.title,
            sheet.sheet_state,
            (sheet.freeze_panes, sheet.auto_filter.ref),
            [(cell.coordinate, cell.value, cell.number_format, cell.font.b) for row in sheet.iter_rows() for cell in row],
            [(letter, column.width, column.number_format) for letter, column in sheet.column_dimensions.items()],
            [(str(rule.sqref), rule.type, rule.formula1, rule.formula2, rule.error) for rule in sheet.data_validations.dataValidation],
        )
        for sheet in openpyxl.load_workbook(path)
    ]


def test_the_reorganisation_is_carried_out(workspace: Mapping[str, Sequence[Record]], tmp_path: Path) -> None:
    """With `--create-units` every row is a success, and a second run finds everything in place."""
    state = json.loads(json.dumps(workspace))
    first = rehearse(tmp_path / "1", state, SAMPLES / "reorganisation.csv", rate_limit="off", create_units=True)
    assert (first.exit, set(first.column("status"))) == (Exit.OK, {"success"})
    assert set(first.column("change")) == {"updated", "unchanged"}
    again = rehearse(tmp_path / "2", first.after, SAMPLES / "reorganisation.xlsx", rate_limit="off", create_units=True)
    assert (again.exit, set(again.column("change")), again.writes) == (Exit.OK, {"unchanged"}, [])
    units = {unit["name"]: unit for unit in first.after["units"]}
    assert sorted(units) == ["Central Europe", "Key Accounts", "Nordics", "North America", "Service & Repair", "Western Europe"]
    assert units["North America"]["visibility"] == "private"


def test_december_moves_renames_creates_and_appoints(workspace: Mapping[str, Sequence[Record]], tmp_path: Path) -> None:
    """README's small sheet is valid without a warning, does each of the four, and leaves one row as it was."""
    checked = check(parse((SAMPLES / "december.csv").read_bytes(), "december.csv"))
    assert (checked.problems, checked.warnings) == ((), ())
    ran = rehearse(tmp_path, json.loads(json.dumps(workspace)), SAMPLES / "december.csv", rate_limit="off", create_units=True)
    assert (ran.exit, ran.column("change")) == (Exit.OK, ["updated"] * 5 + ["unchanged"])
    units = {unit["name"]: unit["_id"] for unit in ran.after["units"]}
    homes = {department["name"]: department.get("parentId") for department in ran.after["departments"]}
    assert (homes["Sales Benelux"], homes["Onlineshop"]) == (units["DACH"], units["Digital"])
    assert {"Service & Repair", "Digital"} <= units.keys()
    monitors = {(monitor["unitId"], monitor["username"]) for monitor in ran.after["unitMonitors"]}
    assert {(units["Digital"], "fiona.walsh"), (units["Key Accounts"], "lukas.brunner")} <= monitors


def test_the_mistakes_are_the_ones_they_show(workspace: Mapping[str, Sequence[Record]]) -> None:
    """Each row of the sheet of mistakes has the problems that its column ``Shows`` announces, and together they show each code."""
    checked = with_contradictions(check(parse((SAMPLES / "mistakes.csv").read_bytes(), "mistakes.csv")))
    shows = next(position for position, header in enumerate(checked.sheet.headers) if header == "Shows")
    announced = {
        row: {Code(code) for code in text.split()} & CODES_OF_THE_SHEET for row, text in checked.sheet.cells[shows].items() if text.strip()
    }
    found: dict[int, set[Code]] = {}
    for problem in checked.problems:
        found.setdefault(problem.row, set()).add(problem.code)
    assert found == {row: codes for row, codes in announced.items() if codes}
    assert set().union(*found.values()) == CODES_OF_THE_SHEET - ONLY_IN_WORKBOOKS
    assert len(checked.assignments) > 1


def test_the_mistakes_name_things_that_the_workspace_lacks(workspace: Mapping[str, Sequence[Record]]) -> None:
    """Rows that announce an unknown department, unit or agent name one that is not in the workspace, and the others do not."""
    agents = [user for user in workspace["users"] if "livechat-agent" in user["roles"]]
    unknown: Counter[str] = Counter()
    for row in named("mistakes.csv"):
        codes = set(row.get("shows", "").split())
        if codes & CODES_OF_THE_SHEET:
            continue
        missing = {
            Code.UNKNOWN_DEPARTMENT: not fits(row["department"], workspace["departments"]),
            Code.UNKNOWN_UNIT: not fits(row["unit"], workspace["units"]),
            Code.UNKNOWN_AGENT: not fits(row["agent"].removeprefix("@"), agents, "username"),
        }
        assert {code for code, lacks in missing.items() if lacks} == codes, row
        unknown.update(codes)
    assert set(unknown) == {Code.UNKNOWN_DEPARTMENT, Code.UNKNOWN_UNIT, Code.UNKNOWN_AGENT}
