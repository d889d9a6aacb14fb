"""The tables of the documents that the program itself knows, as it knows them."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import openpyxl

from bulkjob.commands.validate import validate
from bulkjob.sandbox.kinds import KINDS
from bulkjob.settings import Settings
from tests.docs.documents import ROOT
from tests.support.rehearsal import foresee, rehearse
from tests.support.settings import settings_table
from tests.support.states import State
from tests.support.workspaces import sample_workspace

Table = list[list[str]]

DECEMBER: Final = ROOT / "samples" / "december.csv"
#: The colour of the cells that must change.
RED: Final = "FFFFC7CE"
#: Sheets of which README says how long they take: departments, units, rows for each department.
SIZES: Final = ((20, 5, 3), (160, 12, 5), (1000, 40, 5))
AGENTS: Final = 400


def sheet() -> Table:
    """The small sample."""
    with DECEMBER.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def report() -> Table:
    """What results.xlsx says of the small sample, by row."""
    with TemporaryDirectory() as folder:
        ran = rehearse(Path(folder), sample_workspace(), DECEMBER, rate_limit="off", create_units=True)
        book = openpyxl.load_workbook(ran.folder / "results.xlsx")
    header, *rows = ([str(cell or "") for cell in row[:3]] for row in book["Rows"].iter_rows(values_only=True))
    return [header, *sorted(rows, key=lambda row: int(row[0]))]


def settings() -> Table:
    """The settings, each in code but for the words that stand for a secret, and for what a default is."""
    rows = [["setting", "environment", "default", "meaning"]]
    for setting, environment, default, meaning in settings_table():
        names = " or ".join(f"`{name}`" for name in environment.split(" or ")) if environment else ""
        place = "`runs/<UTC time>-<sheet's name>`"
        rows.append([f"`{setting}`" if setting.startswith("--") else setting, names, default.replace(place.strip("`"), place), meaning])
    return rows


def marked_cells() -> Table:
    """Every marked cell of the sheet of six mistakes, what stands in it, and its note."""
    with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        validate(Settings.of({}), ROOT / "samples" / "six-mistakes.csv", out=Path(folder), as_json=False)
        marked = openpyxl.load_workbook(Path(folder) / "annotated.xlsx").worksheets[0]
    cells = [cell for row in marked.iter_rows() for cell in row if cell.fill.fgColor.rgb == RED]
    return [
        ["marked cell", "holds", "its note"],
        *([cell.coordinate, str(cell.value or ""), cell.comment.text if cell.comment else ""] for cell in cells),
    ]


def faults() -> Table:
    """What the sandbox can be told to do wrong."""
    return [["kind", "what happens"], *([f"`{kind}`", meaning] for kind, meaning in KINDS.items())]


def workspace_of(departments: int, units: int) -> State:
    """Departments dealt out to units, and agents who are in none of them; the account is limited."""
    fields = {
        "enabled": True,
        "showOnRegistration": True,
        "showOnOfflineForm": True,
        "email": "chat@example.org",
        "type": "d",
        "numAgents": 0,
    }
    home = [f"unit-{number % units}" for number in range(departments)]
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-manager", "username": "manager", "roles": ["livechat-manager"]},
            {"_id": "u-monitor", "username": "monitor", "roles": ["livechat-monitor"]},
            *({"_id": f"u-{number}", "username": f"agent.{number}", "roles": ["livechat-agent"]} for number in range(AGENTS)),
        ],
        "departments": [
            {"_id": f"d-{number}", "name": f"Department {number}", "parentId": unit, "ancestors": [unit], **fields}
            for number, unit in enumerate(home)
        ],
        "units": [
            {"_id": f"unit-{number}", "name": f"Unit {number}", "visibility": "public", "type": "u", "numDepartments": 0, "numMonitors": 1}
            for number in range(units)
        ],
        "unitMonitors": [
            {"_id": f"m-{number}", "unitId": f"unit-{number}", "monitorId": "u-monitor", "username": "monitor"} for number in range(units)
        ],
    }


def how_long() -> Table:
    """What plan says of sheets that move every department and add agents to it."""
    table = [["rows", "departments", "minutes with the limit", "without it"]]
    for departments, units, each in SIZES:
        rows = [
            {"department": f"d-{number}", "unit": f"unit-{(number + 1) % units}", "agent": f"agent.{(number * each + one) % AGENTS}"}
            for number in range(departments)
            for one in range(each)
        ]
        with TemporaryDirectory() as folder:
            planned = foresee(Path(folder), workspace_of(departments, units), rows, user="manager", rate_limit="10/60")
        found = re.search(
            r"About (\d+) minutes?: .* About (\d+) minutes? if the account had api-bypass-rate-limit", " ".join(planned.said.split())
        )
        assert found, planned.said
        table.append([f"{len(rows):,}", f"{departments:,}", *found.groups()])
    return table


#: Document and marker → what the table has to hold.
GENERATED: Final[Mapping[tuple[str, str], Callable[[], Table]]] = {
    ("README.md", "sheet"): sheet,
    ("README.md", "report"): report,
    ("README.md", "how long"): how_long,
    ("docs/reference.md", "settings"): settings,
    ("docs/reference.md", "marked cells"): marked_cells,
    ("docs/sandbox.md", "faults"): faults,
}
