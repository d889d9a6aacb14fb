"""`bulkjob export --full`: what departments and units are themselves, as rows that `run` finds unchanged, too."""

import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.cli import main
from bulkjob.export.files import Extent, Origin, render_csv, render_template, render_xlsx
from bulkjob.export.rows import export_of
from bulkjob.plan.resolve import resolve_names
from bulkjob.records import Naming
from bulkjob.records.workspace import Department, Membership, Monitor, Unit, Workspace
from bulkjob.sandbox.state import DEFAULT_PERMISSIONS
from bulkjob.sheet import check, column_index, stripped
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import SHEET_COLUMNS, Exit, Stop
from tests.export.support import NASTY, cells_of, export_in_process, law, names, states
from tests.support.rehearsal import rehearse
from tests.support.servers import serving
from tests.support.states import State
from tests.support.workspaces import sample_workspace

FULL = Extent(full=True)
ORIGIN = Origin(url="https://chat.example.org", moment=datetime(2026, 11, 23, 0, 54, tzinfo=UTC))
MORE = SHEET_COLUMNS[6:]
TEXTS = (
    "a\nb",
    "a\r\nb",
    "a\rb",
    "a\tb",
    "\n",
    " \n a",
    "a\n\n\nb\n",
    "x" * 32_767,
    "x" * 32_768,
    "a@b",
    "@",
    "a@",
    "a@b@c",
    " a@b ",
    "b@ü.example",
)
OBSERVED = ("Public", "public", "private", "", " public", "protected", 3, None)


@st.composite
def full_states(draw: st.DrawFn) -> State:
    """A workspace whose departments and units hold what people, programs and accidents have left there."""
    state: State = draw(states())
    state["license"] = ["livechat-enterprise"]
    texts = st.one_of(st.sampled_from([*NASTY, *TEXTS]), st.text(max_size=8), st.sampled_from([None, 5, True]))
    switches = st.sampled_from([True, False, None, "yes", 1])
    for department in state["departments"]:
        fields = {"email": texts, "enabled": switches, "showOnRegistration": switches, "showOnOfflineForm": switches, "description": texts}
        for name, values in fields.items():
            department.pop(name, None)
            if draw(st.integers(0, 5)):
                department[name] = draw(values)
    taken = [user["username"] for user in state["users"]]
    ids = [user["_id"] for user in state["users"]]
    for number in range(draw(st.integers(0, 4))):
        roles = draw(st.sampled_from([["livechat-monitor"], ["livechat-monitor"], ["livechat-agent", "livechat-monitor"], ["user"]]))
        state["users"].append({"_id": f"m{number}", "username": draw(names(ids, taken)), "roles": roles})
    people = [user["_id"] for user in state["users"] if user["_id"].startswith("m")] + ["u-monitor", "m-that-is-gone"]
    state["unitMonitors"] = []
    for unit in state["units"]:
        unit["visibility"] = draw(st.sampled_from(OBSERVED))
        for person in sorted(draw(st.sets(st.sampled_from(people)))):
            known = next((user["username"] for user in state["users"] if user["_id"] == person), "once.upon")
            username = draw(st.sampled_from([known, "old.name"]))
            row = {"_id": f"um{len(state['unitMonitors'])}", "monitorId": person, "username": username, "unitId": unit["_id"]}
            state["unitMonitors"].append(row)
    return state


class TestRoundTrip:
    """`run` of an untouched full export."""

    @pytest.mark.parametrize("ending", ["csv", "xlsx"])
    @law(15)
    @given(state=full_states())
    def test_run_finds_everything_unchanged(self, ending: str, state: State) -> None:
        """Whatever departments and units hold: every row is unchanged, nothing is sent, and no row asks for nothing."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"all.{ending}"
            assert export_in_process(state, path, full=True).exit == Exit.OK
            ran = rehearse(Path(folder), state, path, rate_limit="off")
        assert ran.exit == Exit.OK, [row for row in ran.rows if row["status"] != "success"]
        assert ran.writes == []
        assert {(row["status"], row["change"]) for row in ran.rows} <= {("success", "unchanged")}

    @pytest.mark.parametrize("ending", ["csv", "xlsx"])
    def test_sample(self, ending: str, tmp_path: Path) -> None:
        """The sample workspace comes back unchanged: with every monitor, and every field of a department or unit that is not archived."""
        state, path = sample_workspace(), tmp_path / f"all.{ending}"
        done = export_in_process(state, path, full=True)
        ran = rehearse(tmp_path, state, path)
        assert (ran.exit, ran.writes, {row["change"] for row in ran.rows}) == (Exit.OK, [], {"unchanged"})
        assert " left " not in done.log
        assert sum(bool(row["unit monitor"]) for row in ran.rows) == len(state["unitMonitors"])
        departments = [department for department in state["departments"] if not department.get("archived")]
        filled = Counter(column for row in ran.rows for column in MORE if row[column])
        assert filled == {
            "unit monitor": 7,
            "unit visibility": 7,
            **dict.fromkeys([column for column in MORE if column.startswith("department ")], len(departments)),
        }


@st.composite
def read_workspaces(draw: st.DrawFn) -> Workspace:
    """A workspace as it was read, with values that not even JSON should hold."""
    texts = st.one_of(st.sampled_from([*NASTY, *TEXTS, "\ud800", "a\udfffb", "<r>\n</r>"]), st.text(max_size=6), st.none())
    taken: list[str] = []
    ids = ["d0", "d1", "u0", "u1", "u2", "m0", "m1"]
    departments = {}
    for one in ("d0", "d1"):
        required = {name: draw(st.booleans()) for name in ("enabled", "showOnRegistration", "showOnOfflineForm") if draw(st.integers(0, 4))}
        email = draw(texts)
        departments[one] = Department(
            id=one,
            name=draw(names(ids, taken)),
            parent_id=draw(st.sampled_from([None, "u0", "u3"])),
            archived=draw(st.booleans()),
            required={**required, **({} if email is None else {"email": email})},
            description=draw(texts),
        )
    visibilities = [visibility if isinstance(visibility, str) else None for visibility in OBSERVED]
    units = {one: Unit(id=one, name=draw(names(ids, taken)), visibility=draw(st.sampled_from(visibilities))) for one in ("u0", "u1", "u2")}
    holders = {one: Monitor(id=one, username=draw(names(ids, taken))) for one in ("m0", "m1")}
    monitors = {
        unit: {one: Monitor(id=one, username=draw(names(ids, taken))) for one in sorted(draw(st.sets(st.sampled_from(["m0", "m1", "m2"]))))}
        for unit in units
    }
    return Workspace(departments=departments, units=units, agents={}, monitors=monitors, role_holders=holders, members={"d0": {}, "d1": {}})


class TestRows:
    """What is written for what."""

    @pytest.mark.parametrize("ending", ["csv", "xlsx"])
    @law(60)
    @given(workspace=read_workspaces())
    def test_every_value_is_written_or_said(self, ending: str, workspace: Workspace) -> None:
        """Read back, the rows hold each monitor and each value that is stored; of what they lack each piece is said."""
        export = export_of(workspace, full=True)
        data = render_csv(export, FULL) if ending == "csv" else render_xlsx(export, FULL, ORIGIN)
        resolution = resolve_names(check(parse(data, f"x.{ending}")), workspace)
        assert resolution.problems == ()
        assert len(resolution.wanted) == len(export.rows)
        found: Counter[tuple[object, ...]] = Counter()
        for row in resolution.wanted:
            assert row.department_id or (row.unit_id and row.about_the_unit_itself and not row.removes)
            found.update({("department", row.department_id, name, value): 1 for name, value in row.department_fields})
            found.update({("unit", row.unit_id, name, value): 1 for name, value in row.unit_fields})
            if row.monitor_id:
                found["monitor", row.unit_id, row.monitor_id] += 1
        stored = set(everything_in(workspace))
        assert found.keys() <= stored
        unsaid = [one for one in stored - found.keys() if not any(is_about(sentence, one, workspace) for sentence in export.left_out)]
        assert unsaid == []
        assert all(times == 1 for (kind, *_), times in found.items() if kind != "unit")

    def test_what_is_left_out_is_said(self) -> None:
        """An address that is none, a monitor without the role, a row that would ask for nothing, a unit that is not seen: all four."""
        department = Department(id="d", name="Sales", parent_id="u9", archived=False, required={"email": "nobody"}, description="-")
        workspace = Workspace(
            departments={"d": department, "e": Department(id="e\x01", name="", parent_id=None, archived=False)},
            units={"u": Unit(id="u", name="North", visibility="Public")},
            all_units=False,
            agents={},
            members={"d": {}},
            monitors={"u": {"m": Monitor(id="m", username="mia")}},
            role_holders={},
        )
        assert export_of(workspace, full=True).left_out == (
            'Unit "North" (u): "unit visibility" is left blank, because a sheet cannot hold "Public".',
            'Monitor @mia (m) of unit "North" (u) is left out: this user no longer has the role of a monitor.',
            'Unit "North" (u) is left out: its row would ask for nothing.',
            'Department "Sales" (d): "department email" is left blank, because a sheet cannot hold "nobody".',
            'Department "Sales" (d): "department description" is left blank, because a sheet cannot hold "-".',
            r'Department "e\u0001" is left out: it cannot be written in a sheet unambiguously.',
            'Unit "u9" is left out: this account cannot see it.',
        )

    def test_units_first(self) -> None:
        """A unit's rows stand before those of its departments, the visibility on each; a department's fields on its first row only."""
        rows = [row for row in export_of(sample_as_read(), full=True).rows if row.unit == "DACH"]
        assert [(row.department, row.more) for row in rows[:3]] == [
            ("", {"unit monitor": "lukas.brunner", "unit visibility": "public"}),
            ("", {"unit monitor": "petra.koenig", "unit visibility": "public"}),
            ("Team", {"department enabled": "yes", "department email": "a@b", "department description": "one\r\ntwo"}),
        ]
        assert [row.more for row in rows[3:]] == [{}]

    def test_unit_without_monitors(self) -> None:
        """It has one row all the same."""
        workspace = replace(sample_as_read(), monitors={"u": {}})
        assert [row.more for row in export_of(workspace, full=True).rows if not row.department] == [{"unit visibility": "public"}]

    def test_not_full(self) -> None:
        """Without ``--full`` nothing is written of departments and units themselves."""
        export = export_of(sample_as_read())
        assert not any(row.more for row in export.rows)
        assert (export.units, len(export.rows), export.left_out) == (0, 2, ())


def everything_in(workspace: Workspace) -> list[tuple[object, ...]]:
    """Each value and each monitor that the workspace holds, as a row of the sheet would ask for it."""
    found: list[tuple[object, ...]] = []
    for department in workspace.departments.values():
        if not department.archived:
            values = {**department.required, "description": department.description or ""}
            found += [("department", department.id, name, cleaned(value)) for name, value in values.items()]
    for unit in (workspace.units or {}).values():
        found += [("unit", unit.id, "visibility", cleaned(unit.visibility))] if unit.visibility is not None else []
        found += [("monitor", unit.id, monitor) for monitor in workspace.monitors[unit.id]]
    return found


def cleaned(value: object) -> object:
    return stripped(value) if isinstance(value, str) else value


COLUMN = {"email": "department email", "description": "department description", "visibility": "unit visibility"}


def is_about(sentence: str, one: tuple[object, ...], workspace: Workspace) -> bool:
    """Whether a sentence says that something is not in the sheet."""
    kind, identifier, *rest = one
    naming = Naming(workspace)
    thing = naming.department(str(identifier)) if kind == "department" else naming.unit(str(identifier))
    whole = f"{'Department' if kind == 'department' else 'Unit'} {thing}"
    if sentence.startswith(f"{whole} is left out: no text"):
        return True
    if kind == "monitor":
        return f"({rest[0]}) of unit {thing} is left out" in sentence or f'"{rest[0]}" of unit {thing} is left out' in sentence
    return sentence.startswith(f'{whole}: "{COLUMN.get(str(rest[0]))}" is left blank')


def sample_as_read() -> Workspace:
    """A department with two agents in a unit with two monitors."""
    department = Department(
        id="d", name="Team", parent_id="u", archived=False, required={"enabled": True, "email": "a@b"}, description="one\r\ntwo"
    )
    monitors = {one: Monitor(id=f"m-{one}", username=one) for one in ("petra.koenig", "lukas.brunner")}
    agents = [Membership(agent_id=one, username=one, count=0, order=0) for one in ("ann", "bob")]
    return Workspace(
        departments={"d": department},
        units={"u": Unit(id="u", name="DACH", visibility="public")},
        agents={},
        members={"d": {one.agent_id: one for one in agents}},
        monitors={"u": {one.id: one for one in monitors.values()}},
        role_holders={one.id: one for one in monitors.values()},
    )


class TestWorkbook:
    """What people see of it."""

    @pytest.fixture
    def book(self) -> openpyxl.Workbook:
        return openpyxl.load_workbook(io.BytesIO(render_xlsx(export_of(sample_as_read(), full=True), FULL, ORIGIN)))

    def test_drop_downs(self, book: openpyxl.Workbook) -> None:
        """Yes and no, the visibilities, the units and the monitors are offered; texts that people make up are not restricted."""
        header = [cell.value for cell in book["Assignments"][1]]
        found = book["Assignments"].data_validations.dataValidation
        rules = {header[column_index(str(rule.sqref).partition("2")[0])]: rule.formula1 for rule in found}
        assert header == [column for column in SHEET_COLUMNS if column != "count"]
        offered = {}
        for column in ("department", "unit", "unit monitor"):
            area = rules.pop(column).removeprefix("Lists!").replace("$", "")
            offered[column] = [row[0].value for row in book["Lists"][area]]
        assert offered == {"department": ["Team"], "unit": ["-", "DACH"], "unit monitor": ["lukas.brunner", "petra.koenig"]}
        assert rules.pop("unit visibility") == '"public,private"'
        switches = ("department enabled", "department show on registration", "department show on offline form")
        assert [rules.pop(column) for column in switches] == ['"yes,no"'] * 3
        assert rules.keys() <= {"order", "action"}

    def test_explained(self, book: openpyxl.Workbook) -> None:
        """The second sheet explains each column, and what a row without a department is."""
        words = [str(row[0].value or "") for row in book["How to use"].iter_rows()]
        assert [word for word in words if word in SHEET_COLUMNS] == [column for column in SHEET_COLUMNS if column != "count"]
        assert any("without a department" in str(row[1].value) for row in book["How to use"].iter_rows())

    def test_cells_are_text(self, book: openpyxl.Workbook) -> None:
        """What people type there stays as they typed it, below the last row, too."""
        dimensions = book["Assignments"].column_dimensions.values()
        text = {column for one in dimensions if one.number_format == "@" for column in range(one.min, one.max + 1)}
        assert text == set(range(1, 15)) - {4}


class TestTemplate:
    """A workbook with every column and no row."""

    def test_whatever_is_filled_in_is_read(self) -> None:
        """It has each column of a sheet, words to choose from, nothing of any workspace, and is the same whenever it is made."""
        book = openpyxl.load_workbook(io.BytesIO(render_template()))
        assert [(one.title, one.sheet_state) for one in book] == [("Assignments", "visible"), ("How to use", "visible")]
        assert [[cell.value for cell in row] for row in book["Assignments"].iter_rows()] == [list(SHEET_COLUMNS)]
        offered = {str(rule.formula1) for rule in book["Assignments"].data_validations.dataValidation}
        assert offered == {"0", '"add,remove"', '"public,private"', '"yes,no"'}
        assert render_template() == render_template()

    def test_no_rows(self) -> None:
        """As it is, there is nothing in it to run."""
        assert len(parse(render_template(), "template.xlsx").cells) == 0


class TestCommand:
    """The command itself."""

    @pytest.mark.parametrize("lacking", ["licence", "permission"])
    def test_monitors_that_cannot_be_read(self, lacking: str, tmp_path: Path) -> None:
        """An account that may not read monitors ends with 77 and what is missing, before it reads anything else, without a file."""
        state = sample_workspace()
        if lacking == "licence":
            state["license"] = []
        else:
            state["permissions"] = {**DEFAULT_PERMISSIONS, "manage-livechat-monitors": []}
        with pytest.raises(Stop, match="livechat-enterprise" if lacking == "licence" else "manage-livechat-monitors") as stop:
            export_in_process(state, tmp_path / "all.csv", full=True)
        assert stop.value.exit_code == Exit.NO_PERMISSION
        assert list(tmp_path.iterdir()) == []

    def test_permission_that_is_not_told(self, tmp_path: Path) -> None:
        """Where the server does not say what the account may do, its refusal does: 77."""
        state = sample_workspace()
        state["permissions"] = {**DEFAULT_PERMISSIONS, "manage-livechat-monitors": []}
        with pytest.raises(Stop, match="manage-livechat-monitors") as stop:
            export_in_process(state, tmp_path / "all.csv", full=True, faults="400-before=other@GET permissions.listAll")
        assert stop.value.exit_code == Exit.NO_PERMISSION

    def test_units_that_are_not_seen(self, tmp_path: Path) -> None:
        """A monitor exports the own units; those of other departments are named, and so is that there may be more."""
        state = sample_workspace()
        state["permissions"] = {**DEFAULT_PERMISSIONS, "manage-livechat-monitors": ["livechat-monitor"]}
        path = tmp_path / "all.csv"
        done = export_in_process(state, path, user="petra.koenig", full=True, version="7.5")
        assert {row["unit"] for row in cells_of(path) if not row["department"]} == {"DACH", "After-Sales"}
        for unseen in ("k93sKHGAs8ose7hX4", "unit-nordics", "unit-key-accounts"):
            assert f'Unit "{unseen}" is left out: this account cannot see it.' in done.log
        assert "sees only the units that it monitors" in done.log
        ran = rehearse(tmp_path, state, path, user="petra.koenig", version="7.5")
        assert (ran.exit, ran.writes, {row["change"] for row in ran.rows}) == (Exit.OK, [], {"unchanged"})

    def test_last_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """It says of how many departments and units the rows are."""
        export_in_process(sample_workspace(), tmp_path / "all.csv", full=True)
        assert capsys.readouterr().out.startswith("Wrote 49 rows of 24 departments and 5 units to ")

    def test_through_the_command_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Typed as people type it, over a socket: every column is there, the counts only with their own flag."""
        with serving(sample_workspace()) as served:
            for name, value in (("URL", served.url), ("USER_ID", "u-admin"), ("AUTH_TOKEN", "token-admin")):
                monkeypatch.setenv(f"ROCKETCHAT_{name}", value)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            assert main(["export", str(tmp_path / "all.csv"), "--full"]) == Exit.OK
            assert main(["export", str(tmp_path / "counted.csv"), "--full", "--with-counts"]) == Exit.OK
        assert tuple(cells_of(tmp_path / "counted.csv")[0]) == SHEET_COLUMNS
        assert tuple(cells_of(tmp_path / "all.csv")[0]) == tuple(column for column in SHEET_COLUMNS if column != "count")
