"""`bulkjob export`: what a workspace holds becomes a sheet that `run` finds unchanged."""

import csv
import io
import json
import signal
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bulkjob.cli import main
from bulkjob.export.files import Extent, Origin, render_csv, render_xlsx
from bulkjob.export.names import natural
from bulkjob.export.rows import export_of
from bulkjob.plan.resolve import resolve_names
from bulkjob.records.workspace import Agent, Department, Membership, Unit, Workspace
from bulkjob.sandbox.state import DEFAULT_PERMISSIONS
from bulkjob.sheet import check, guard
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Exit, Stop
from tests.export.support import cells_of, export_in_process, law, names, states
from tests.support.rehearsal import rehearse
from tests.support.servers import serving
from tests.support.states import State

SAMPLE = Path(__file__).parents[2] / "samples" / "workspace.json"
MOMENT = datetime(2026, 11, 23, 0, 54, tzinfo=UTC)
COUNTED = Extent(with_counts=True)
ORIGIN = Origin(url="https://chat.example.org", moment=MOMENT)
FORMS = [(ending, with_counts) for ending in ("csv", "xlsx") for with_counts in (False, True)]


@pytest.fixture
def sample() -> State:
    state: State = json.loads(SAMPLE.read_text(encoding="utf-8"))
    return state


class TestRoundTrip:
    """`run` of an untouched export."""

    @pytest.mark.parametrize(("ending", "with_counts"), FORMS)
    @law(15)
    @given(state=states(), user=st.sampled_from(["admin", "monitor", "clerk"]))
    def test_run_finds_everything_unchanged(self, ending: str, with_counts: bool, state: State, user: str) -> None:  # noqa: FBT001
        """Whatever the workspace, and whoever exports it: the sheet has a row for each assignment, all are unchanged, nothing is sent."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"all.{ending}"
            done = export_in_process(state, path, user=user, with_counts=with_counts)
            assert done.exit == Exit.OK
            # The id of somebody who is no agent may be an agent's name.
            assume(" is left " not in done.log)
            ran = rehearse(Path(folder), state, path, user=user, rate_limit="off")
        agents = {
            one["_id"]: {row["agentId"] for row in state["departmentAgents"] if row["departmentId"] == one["_id"]}
            for one in state["departments"]
        }
        expected = sum(max(1, len(agents[one["_id"]])) for one in state["departments"] if not one["archived"])
        assert ran.exit == Exit.OK, [row for row in ran.rows if row["status"] != "success"]
        assert ran.writes == []
        assert [(row["status"], row["change"]) for row in ran.rows] == [("success", "unchanged")] * expected

    @pytest.mark.parametrize(("ending", "with_counts"), FORMS)
    def test_sample(self, ending: str, with_counts: bool, sample: State, tmp_path: Path) -> None:  # noqa: FBT001
        """The sample workspace comes back unchanged, too, agent for agent."""
        path = tmp_path / f"all.{ending}"
        export_in_process(sample, path, with_counts=with_counts)
        ran = rehearse(tmp_path, sample, path)
        assert (ran.exit, ran.writes, {row["change"] for row in ran.rows}) == (Exit.OK, [], {"unchanged"})
        assert len([row for row in ran.rows if row["agent"]]) == len(sample["departmentAgents"])


@st.composite
def workspaces(draw: st.DrawFn) -> Workspace:
    """A workspace as it was read, with names that not even JSON should hold."""
    broken = ("\ud800", "a\udfffb", "x" * 32_767, "x" * 32_768, "😀" * 16_384, "  ", "\u200b")
    ids = [f"{kind}{number}" for kind in "dua" for number in range(4)]
    taken: list[str] = []
    units = {one: Unit(id=one, name=draw(names(ids, taken, more=broken)), visibility=None) for one in ("u0", "u1", "u2")}
    agents = {one: Agent(id=one, username=draw(names(ids, taken, more=broken)), department_ids=frozenset()) for one in ("a0", "a1", "a2")}
    departments: dict[str, Department] = {}
    members: dict[str, dict[str, Membership]] = {}
    numbers = st.integers(-1, 3) | st.just(2**31)
    for one in ("d0", "d1", "d2", "d3"):
        unit = draw(st.sampled_from([None, *units, "u3"]))
        departments[one] = Department(id=one, name=draw(names(ids, taken, more=broken)), parent_id=unit, archived=draw(st.booleans()))
        members[one] = {
            agent: Membership(agent_id=agent, username=draw(names(ids, taken, more=broken)), count=draw(numbers), order=draw(numbers))
            for agent in draw(st.sets(st.sampled_from(["a0", "a1", "a2", "a3"])))
        }
    return Workspace(departments=departments, units=draw(st.sampled_from([units, None])), agents=agents, members=members)


def holdable(number: int) -> int | None:
    return number if 0 <= number < 2**31 else None


class TestRows:
    """What is written for what."""

    @pytest.mark.parametrize("ending", ["csv", "xlsx"])
    @law(100)
    @given(workspace=workspaces())
    def test_every_row_means_what_it_was_made_from(self, ending: str, workspace: Workspace) -> None:
        """Read back and resolved, the rows name exactly what the workspace holds; what is left out is told."""
        export = export_of(workspace)
        data = render_csv(export, COUNTED) if ending == "csv" else render_xlsx(export, COUNTED, ORIGIN)
        resolution = resolve_names(check(parse(data, f"x.{ending}")), workspace)
        present = [department for department in workspace.departments.values() if not department.archived]
        expected = {
            (one.id, one.parent_id, member.agent_id, holdable(member.count), holdable(member.order))
            for one in present
            for member in workspace.members[one.id].values()
        } | {(one.id, one.parent_id, None, None, None) for one in present if not workspace.members[one.id]}
        rows = [(row.department_id, row.unit_id, row.agent_id, row.count, row.order) for row in resolution.wanted]
        assert resolution.problems == ()
        assert len(rows) == len(set(rows)) == len(export.rows)
        assert not any(row.removes for row in resolution.wanted)
        if export.left_out:
            # Somebody has the id of a thing that is not listed for a name.
            assert {row[:1] + row[2:] for row in rows} <= {row[:1] + row[2:] for row in expected} | {
                (row[0], None, None, None) for row in expected
            }
        else:
            assert all(row.about_unit for row in resolution.wanted)
            assert set(rows) == expected

    @law(40)
    @given(workspace=workspaces())
    def test_choices_are_the_workspace(self, workspace: Workspace) -> None:
        """A drop-down list offers each unit, agent and department once, by a text that means it."""
        choices = export_of(workspace).choices
        departments = [one.id for one in workspace.departments.values() if not one.archived]
        assume(not export_of(workspace).left_out)
        units = {one.parent_id for one in workspace.departments.values() if one.parent_id and not one.archived} | set(workspace.units or ())
        sheets = [[(name, "-", "") for name in choices["department"]], [("d0", "", name) for name in choices["agent"]]]
        # A sheet for each unit: one department cannot be in several.
        sheets += [[("d0", name, "")] for name in choices["unit"][1:]]
        found: dict[str, list[str | None]] = {"department": [], "unit": [], "agent": []}
        for rows in sheets:
            text = io.StringIO(newline="")
            csv.writer(text).writerows([("department", "unit", "agent"), *([guard(cell) for cell in row] for row in rows)])
            resolution = resolve_names(check(parse(text.getvalue().encode(), "x.csv")), workspace)
            assert resolution.problems == ()
            for wanted in resolution.wanted:
                column = "agent" if wanted.agent_id else "unit" if wanted.unit_id else "department"
                found[column].append(getattr(wanted, f"{column}_id"))
        assert choices["unit"][0] == "-"
        assert sorted(map(str, found["department"])) == sorted(departments)
        assert sorted(map(str, found["unit"])) == sorted(units)
        assert sorted(map(str, found["agent"])) == sorted(workspace.agents)

    def test_names_and_ids(self) -> None:
        """A name is written where it comes back to the same thing, else the id; an archived department is not written at all."""
        workspace = small_workspace()
        rows = [(row.unit, row.department, row.agent) for row in export_of(workspace).rows]
        assert rows == [
            ("u-dash", "d-twin-1", "u-bob"),
            ("u-dash", "d-twin-2", "@at"),
            ("Nord", "Team 9", "anna"),
            ("Nord", "Team 10", ""),
            ("-", "Old", "once.upon"),
        ]

    def test_ids_are_explained(self) -> None:
        """What stands behind an id is told, with the name that could not be written."""
        told = [(one.column, one.id, one.name) for one in export_of(small_workspace()).stand_ins]
        assert told == [
            ("department", "d-twin-1", "Twin"),
            ("department", "d-twin-2", "twin"),
            ("unit", "u-dash", "-"),
            ("agent", "u-bill", "Team"),
            ("agent", "u-bob", "team"),
        ]

    def test_what_no_text_means_is_said(self) -> None:
        """A thing whose name is taken and whose id is another one's name is left out, and that is told; the rest is written."""
        department = Department(id="d1", name="Sales", parent_id="u\x01", archived=False)
        bad = Department(id="bad\x01id", name="", parent_id=None, archived=False)
        workspace = Workspace(
            departments={"d1": department, bad.id: bad},
            units=None,
            agents={"a1": Agent(id="a1", username="a-2", department_ids=None)},
            members={"d1": {"a-2": Membership(agent_id="a-2", username="", count=0, order=0)}, bad.id: {}},
        )
        export = export_of(workspace)
        assert (export.rows, export.departments) == ((), 0)
        assert [sentence.split(" is left")[0] for sentence in export.left_out] == [
            r'Unit "u\u0001"',
            'Agent "a-2" of department "Sales" (d1)',
            'Department "Sales" (d1)',
            r'Department "bad\u0001id"',
        ]

    def test_natural_order(self) -> None:
        """Case and accents do not matter, and numbers count as numbers, however long."""
        wanted = ["0", "7", "08", "-", "Ärger", "arm", "Team 9", "team 10", "Team 10 b", "zoo", "zoo" + "1" * 5000]
        assert sorted(wanted[4:] + wanted[:4], key=natural) == wanted

    def test_columns(self) -> None:
        """The columns are the sheet's six; without the counts, the counter's column is not there at all."""
        assert COUNTED.columns == ("department", "unit", "agent", "count", "order", "action")
        assert Extent().columns == ("department", "unit", "agent", "order", "action")

    def test_agents_by_order(self, sample: State, tmp_path: Path) -> None:
        """Within a department, whoever gets chats first stands first."""
        path = tmp_path / "all.csv"
        export_in_process(sample, path)
        by_department: dict[str, list[int]] = {}
        for row in cells_of(path):
            if row["agent"]:
                by_department.setdefault(row["department"], []).append(int(row["order"]))
        assert any(len(set(orders)) > 1 for orders in by_department.values())
        assert all(orders == sorted(orders) for orders in by_department.values())


def small_workspace() -> Workspace:
    """Twins, things that are named like others, and a person who is no agent any more."""
    named = {"d9": "Team 9", "d10": "Team 10", "d-twin-1": "Twin", "d-twin-2": "twin", "d-old": "Old"}
    parents = {"d9": "u-n", "d10": "u-n", "d-twin-1": "u-dash", "d-twin-2": "u-dash"}
    departments = {one: Department(id=one, name=name, parent_id=parents.get(one), archived=False) for one, name in named.items()}
    # `Twin` and `twin` are told apart by case; that one is called like the other's id is what makes ids of both.
    departments["d-twin-3"] = Department(id="d-twin-3", name="TWIN", parent_id=None, archived=True)
    departments["Twin"] = Department(id="Twin", name="Old 2", parent_id="u-n", archived=True)
    departments["twin"] = Department(id="twin", name="Old 3", parent_id="u-n", archived=True)
    names = {"a": "anna", "u-bob": "team", "u-bill": "Team", "team": "u-zed", "Team": "u-zoe", "u-at": "@at"}
    agents = {one: Agent(id=one, username=name, department_ids=None) for one, name in names.items()}

    def member(agent_id: str, username: str = "") -> dict[str, Membership]:
        return {agent_id: Membership(agent_id=agent_id, username=username, count=0, order=0)}

    return Workspace(
        departments=departments,
        units={"u-n": Unit(id="u-n", name="Nord", visibility=None), "u-dash": Unit(id="u-dash", name="-", visibility=None)},
        agents=agents,
        members={
            "d9": member("a"),
            "d10": {},
            "d-twin-1": member("u-bob"),
            "d-twin-2": member("u-at"),
            "d-old": member("gone", "once.upon"),
        },
    )


class TestFiles:
    """What the files look like."""

    def test_csv(self) -> None:
        """The CSV has a byte order mark, lines end with CR LF, what looks like a formula is guarded, a number out of range is blank."""
        department = Department(id="d", name='=1+1, "x"', parent_id=None, archived=False)
        member = Membership(agent_id="a", username="anna", count=5, order=-1)
        workspace = Workspace(departments={"d": department}, units={}, agents={}, members={"d": {"a": member}})
        data = render_csv(export_of(workspace), COUNTED)
        assert data == b'\xef\xbb\xbfdepartment,unit,agent,count,order,action\r\n"\'=1+1, ""x""",-,anna,5,,\r\n'

    @pytest.fixture
    def book(self) -> openpyxl.Workbook:
        return openpyxl.load_workbook(io.BytesIO(render_xlsx(export_of(small_workspace()), COUNTED, ORIGIN)))

    def test_workbook(self, book: openpyxl.Workbook) -> None:
        """A frozen header, filters, columns wide enough; people see the sheet and its explanation, not the lists."""
        sheet = book["Assignments"]
        assert [(one.title, one.sheet_state) for one in book] == [
            ("Assignments", "visible"),
            ("How to use", "visible"),
            ("Lists", "hidden"),
        ]
        assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:F6")
        assert all(10 <= sheet.column_dimensions[letter].width <= 61 for letter in "ABCDEF")
        assert [cell.value for cell in sheet[1]] == ["department", "unit", "agent", "count", "order", "action"]

    def test_drop_downs(self, book: openpyxl.Workbook) -> None:
        """Each column of names offers everything of its kind that the workspace has, below the last row, too."""
        rules = {str(rule.sqref): rule for rule in book["Assignments"].data_validations.dataValidation}
        assert list(rules) == [f"{letter}2:{letter}1048576" for letter in "ABCDEF"]
        offered = {}
        for letter in "ABC":
            area = rules[f"{letter}2:{letter}1048576"].formula1.removeprefix("Lists!").replace("$", "")
            offered[letter] = [row[0].value for row in book["Lists"][area]]
        assert offered["A"] == ["Old", "Team 9", "Team 10", "d-twin-1", "d-twin-2"]
        assert offered["B"] == ["-", "u-dash", "Nord"]
        assert offered["C"] == ["@at", "anna", "u-bill", "u-bob", "u-zed", "u-zoe"]
        assert rules["F2:F1048576"].formula1 == '"add,remove"'

    def test_explanation(self, book: openpyxl.Workbook) -> None:
        """The second sheet explains every column, tells when and where the export was made, and names what stands behind an id."""
        lines = [tuple(cell.value for cell in row) for row in book["How to use"].iter_rows()]
        assert [word for word, _ in lines[1:7]] == ["department", "unit", "agent", "count", "order", "action"]
        assert ("exported from", "https://chat.example.org") in lines
        assert ("at (UTC)", "2026-11-23 00:54") in lines
        assert ("d-twin-1", "department “Twin”") in lines

    @law(40)
    @given(workspace=workspaces())
    def test_nothing_is_live(self, workspace: Workspace) -> None:
        """Whatever things are called, the workbook is well-formed and holds neither a formula nor a link."""
        with ZipFile(io.BytesIO(render_xlsx(export_of(workspace), COUNTED, ORIGIN))) as parts:
            for name in parts.namelist():
                part = parts.read(name)
                if "worksheets" in name:
                    assert b"<f>" not in part
                    assert b"hyperlink" not in part
        openpyxl.load_workbook(io.BytesIO(render_xlsx(export_of(workspace), COUNTED, ORIGIN)))

    def test_same_workspace_same_bytes(self) -> None:
        """A workbook holds no time but the one it is told."""
        assert len({render_xlsx(export_of(small_workspace()), Extent(), ORIGIN) for _ in range(2)}) == 1


class TestCommand:
    """The command itself."""

    @pytest.fixture(autouse=True)
    def _connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Nothing listens there: whoever asks the server gets 69.
        monkeypatch.setenv("ROCKETCHAT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("ROCKETCHAT_USER_ID", "u-admin")
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN", "token-admin")
        monkeypatch.setenv("BULKJOB_RETRIES", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    @pytest.mark.parametrize("name", ["all.ods", "all", "all.csv.gz", ".csv"])
    def test_other_endings(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A file that is to be neither CSV nor a workbook is wrong usage, whatever the settings."""
        monkeypatch.delenv("ROCKETCHAT_URL")
        assert main(["export", str(tmp_path / name)]) == Exit.USAGE
        assert ".xlsx" in capsys.readouterr().err

    def test_file_that_is_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A file is not replaced unless that is asked for; the server is not even asked."""
        path = tmp_path / "all.csv"
        path.write_text("precious")
        assert main(["export", str(path)]) == Exit.CANNOT_CREATE
        assert "--force" in capsys.readouterr().err
        assert main(["export", str(path), "--force"]) == Exit.UNAVAILABLE
        assert path.read_text() == "precious"

    def test_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        """What cannot be written is said at once, not after an hour of reading; not even ``--force`` replaces a directory."""
        (tmp_path / "folder.csv").mkdir()
        assert main(["export", str(tmp_path / "missing" / "all.csv")]) == Exit.CANNOT_CREATE
        assert main(["export", str(tmp_path / "folder.csv"), "--force"]) == Exit.CANNOT_CREATE

    def test_file_that_comes_meanwhile(self, sample: State, tmp_path: Path) -> None:
        """A file that somebody puts there during the reading is not replaced either."""
        path = tmp_path / "all.csv"
        with pytest.raises(Stop) as stop:
            export_in_process(sample, path, meddle=lambda *_: path.write_text("precious"))
        assert stop.value.exit_code == Exit.CANNOT_CREATE
        assert path.read_text() == "precious"

    def test_last_line(self, sample: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """One line says how much was written and where, the last is the command that comes next; ``--force`` replaces what was there."""
        path = tmp_path / "my sheet.XLSX"
        path.write_text("old")
        done = export_in_process(sample, path, force=True)
        written, step, command = capsys.readouterr().out.splitlines()
        rows = list(openpyxl.load_workbook(path)["Assignments"].iter_rows(min_row=2))
        departments = len([one for one in sample["departments"] if not one.get("archived")])
        assert done.exit == Exit.OK
        assert written == f"Wrote {len(rows)} rows of {departments} departments to {path}."
        assert step == "Next: Edit it, then preview what would change:"
        assert command == f"  bulkjob plan '{path}'"
        assert {call["method"] for call in done.calls} == {"GET"}
        assert [one.name for one in tmp_path.iterdir()] == [path.name]

    def test_through_the_command_line(self, sample: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Typed as people type it, over a socket: the flags mean what they say."""
        with serving(sample) as served:
            monkeypatch.setenv("ROCKETCHAT_URL", served.url)
            assert main(["export", str(tmp_path / "all.csv"), "--with-counts"]) == Exit.OK
        assert "count" in cells_of(tmp_path / "all.csv")[0]

    def test_paced(self, sample: State, tmp_path: Path) -> None:
        """A rate limit is kept to without a refused call, and the log tells that the reading goes on."""
        done = export_in_process(sample, tmp_path / "all.csv", user="manager", rate_limit="5/60")
        assert 429 not in {call["status"] for call in done.calls}
        assert "waiting for the server's rate limit until " in done.log

    def test_retried(self, sample: State, tmp_path: Path) -> None:
        """Calls that fail now and then are repeated, and the export is whole all the same."""
        export_in_process(sample, tmp_path / "good.csv")
        export_in_process(sample, tmp_path / "bad.csv", faults="503:0.2")
        assert (tmp_path / "bad.csv").read_bytes() == (tmp_path / "good.csv").read_bytes()

    def test_server_that_fails(self, sample: State, tmp_path: Path) -> None:
        """A server that keeps failing ends the export with 69, without a file."""
        with pytest.raises(Stop) as stop:
            export_in_process(sample, tmp_path / "all.csv", faults="503")
        assert stop.value.exit_code == Exit.UNAVAILABLE
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("permission", "other"),
        [("view-livechat-departments", "view-l-room"), ("transfer-livechat-guest", "edit-omnichannel-contact")],
    )
    def test_account_that_may_not_read(self, permission: str, other: str, sample: State, tmp_path: Path) -> None:
        """An account that may not read a list ends the export with 77, naming the permission, without a file."""
        state = deepcopy(sample)
        state["permissions"] = {**DEFAULT_PERMISSIONS, permission: [], other: []}
        with pytest.raises(Stop, match=permission) as stop:
            export_in_process(state, tmp_path / "all.csv")
        assert stop.value.exit_code == Exit.NO_PERMISSION
        assert list(tmp_path.iterdir()) == []

    def test_units_that_cannot_be_listed(self, sample: State, tmp_path: Path) -> None:
        """Without a licence for units their ids are written, and the log says why."""
        done = export_in_process({**sample, "license": []}, tmp_path / "all.csv")
        assert {row["unit"] for row in cells_of(tmp_path / "all.csv")} <= {"-", *(unit["_id"] for unit in sample["units"])}
        assert "cannot list units" in done.log

    def test_interrupted(self, sample: State, tmp_path: Path) -> None:
        """SIGTERM ends the export with 75, without a file."""
        with pytest.raises(Stop) as stop:
            export_in_process(sample, tmp_path / "all.csv", meddle=lambda *_: signal.raise_signal(signal.SIGTERM))
        assert stop.value.exit_code == Exit.INTERRUPTED
        assert list(tmp_path.iterdir()) == []
