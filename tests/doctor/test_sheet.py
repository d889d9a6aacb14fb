"""With a sheet, doctor looks for what its columns need, and for no more."""

from pathlib import Path

import pytest

from bulkjob.doctor.facts import ListName
from bulkjob.records.server import (
    ADD_AGENTS,
    MANAGE_DEPARTMENTS,
    MANAGE_MONITORS,
    MANAGE_UNITS,
)
from bulkjob.settings.values import MaxRemovals
from bulkjob.vocabulary import Exit
from tests.doctor.support import AGENTS, MOVES, READ, UNITS, Examine, department, granted, workspace


class TestSheet:
    """With a sheet only what it needs is missing."""

    @pytest.mark.parametrize(
        ("permissions", "sheet", "lacks"),
        [
            ([*READ, ADD_AGENTS], AGENTS, []),
            ([*READ, ADD_AGENTS], "department,unit,agent\nSales,unit-north,other\n", []),
            ([*READ, ADD_AGENTS], MOVES, [ListName.UNITS, "names in the sheet", MANAGE_UNITS, MANAGE_MONITORS, "way to write units"]),
            ([*READ, MANAGE_UNITS, MANAGE_MONITORS], UNITS, []),
            ([READ[0], MANAGE_UNITS, MANAGE_MONITORS], UNITS, []),
            ([*READ, MANAGE_UNITS, MANAGE_MONITORS], MOVES, [ADD_AGENTS]),
            ([*READ, MANAGE_UNITS, MANAGE_MONITORS], AGENTS, [ADD_AGENTS, "this sheet"]),
        ],
    )
    def test_need(self, examine: Examine, permissions: list[str], sheet: str, lacks: list[str]) -> None:
        """What the sheet does not need is a hint, what it needs is missing, and the table says which."""
        seen = examine("robot", sheet, state=workspace(**granted(*permissions)))
        assert (seen.missing, seen.code) == (lacks, Exit.NO_PERMISSION if lacks else Exit.OK)
        assert seen.one(ADD_AGENTS).needed == ("yes" if "agent" in sheet else "no")

    def test_what_is_so_already_needs_nothing(self, examine: Examine) -> None:
        """A sheet that is so already needs no permission to write; one that gives a number may."""
        state = workspace(**granted(*READ, MANAGE_UNITS))
        assert examine("robot", "department,unit,agent\nSales,North,agent\n", state=state).code is Exit.OK
        assert ADD_AGENTS in examine("robot", "department,agent,count\nSales,agent,3\n", state=state).missing

    def test_invalid_sheet(self, examine: Examine) -> None:
        """An invalid sheet is 65, and its other rows are looked up all the same."""
        seen = examine(sheet="department,agent,count\nSales,other,many\nNowhere,other,\n")
        assert (seen.missing, seen.code) == (["sheet", "names in the sheet"], Exit.BAD_SHEET)

    def test_skip_invalid(self, examine: Examine) -> None:
        """With --skip-invalid invalid rows stop nothing."""
        assert examine(sheet="department,agent,count\nSales,other,many\nNowhere,other,\n", skip_invalid=True).code is Exit.OK

    @pytest.mark.parametrize(
        ("sheet", "code"),
        [("Sales,North,nobody-at-all", "unknown-agent"), ("Sales,West,", "unknown-unit"), ("Salads,,other", "unknown-dep")],
    )
    def test_unknown_names(self, examine: Examine, sheet: str, code: str) -> None:
        """A name that the server does not know is 65."""
        seen = examine(sheet=f"department,unit,agent\n{sheet}\n")
        assert seen.code is Exit.BAD_SHEET
        assert code in seen.one("names in the sheet").said

    def test_units_of_others(self, examine: Examine) -> None:
        """A monitor's sheet about a unit that is not his is 77, as the server would change nothing."""
        seen = examine("monitor", "department,unit\nPost,unit-north\n", version="8.0")
        assert (seen.missing, seen.code) == (["this sheet"], Exit.NO_PERMISSION)

    def test_guard(self, examine: Examine) -> None:
        """A sheet that ends more assignments than allowed is 65, as in a run."""
        seen = examine(sheet="department,agent,action\nSales,agent,remove\n", max_removals=None)
        assert seen.code is Exit.OK
        seen = examine(sheet="department,agent,action\nSales,agent,remove\n", max_removals=MaxRemovals(count=0))
        assert (seen.missing, seen.code) == (["this sheet"], Exit.BAD_SHEET)

    def test_certain_failures(self, examine: Examine) -> None:
        """A row that will fail whatever is granted is a hint."""
        archived = {**department("web"), "archived": True}
        state = workspace(departments=[department("sales", "unit-north"), archived])
        assert "department-archived (1)" in examine(sheet=AGENTS, state=state).one("this sheet").said

    def test_many_doubtful_agents(self, examine: Examine) -> None:
        """Where very many departments' lists would have to be read, the doubt is said, and no minute is spent on it."""
        state = workspace(departments=[department(f"d{number}") for number in range(40)])
        seen = examine(sheet="department,agent\n" + "".join(f"d{number},nobody\n" for number in range(40)), state=state)
        assert seen.one("names in the sheet").said.startswith("40 rows with a user who is not a live-chat agent.")
        assert (seen.code, seen.seconds < 5) == (Exit.OK, True)

    def test_mirror(self, examine: Examine) -> None:
        """What mirror removes is said not to have been counted."""
        assert any("mirror" in finding.said for finding in examine(sheet="department,agent\nSales,agent\n", agents="mirror").findings)

    @pytest.mark.parametrize(("name", "code"), [("none.csv", Exit.NO_INPUT), ("bad.csv", Exit.BAD_SHEET)])
    def test_no_sheet(self, examine: Examine, tmp_path: Path, name: str, code: Exit) -> None:
        """A sheet that cannot be read at all is 66 or 65, and hides nothing of the rest."""
        (tmp_path / "bad.csv").write_bytes(b"")
        seen = examine("nobody", tmp_path / name)
        assert (seen.missing[0], seen.code) == ("sheet", code)
        assert ADD_AGENTS in seen.missing


MONITORS = "unit,unit monitor\nSouth,monitor\n"
VISIBILITY = "unit,unit visibility\nSouth,private\n"
RENAMED = "unit,new unit name\nSouth,Far South\n"
FIELDS = "department,department email\nWeb,www@example.org\n"
NEW_UNIT = "department,unit\nWeb,East\n"


class TestColumns:
    """What the columns about departments and units need, and what --create-units does."""

    @pytest.mark.parametrize(
        ("permissions", "sheet", "lacks"),
        [
            ([MANAGE_UNITS, MANAGE_MONITORS], MONITORS, []),
            ([MANAGE_UNITS], MONITORS, [MANAGE_MONITORS, "this sheet"]),
            ([MANAGE_UNITS, MANAGE_MONITORS], VISIBILITY, []),
            ([MANAGE_UNITS], VISIBILITY, [MANAGE_MONITORS, "this sheet"]),
            ([MANAGE_UNITS], RENAMED, [MANAGE_MONITORS, "this sheet"]),
            ([MANAGE_DEPARTMENTS], FIELDS, []),
            ([MANAGE_UNITS, MANAGE_MONITORS, ADD_AGENTS], FIELDS, [MANAGE_DEPARTMENTS, "this sheet"]),
            ([MANAGE_UNITS], NEW_UNIT, []),
            ([MANAGE_MONITORS], NEW_UNIT, [ListName.UNITS, "names in the sheet", MANAGE_UNITS]),
        ],
    )
    def test_need(self, examine: Examine, permissions: list[str], sheet: str, lacks: list[str]) -> None:
        """Each column's permissions are needed where a row fills it in, and no others."""
        seen = examine("robot", sheet, state=workspace(**granted(*READ, *permissions)), create_units=True)
        assert [what for what in seen.missing if what != "way to write units"] == lacks, seen.lines
        assert seen.code is (Exit.NO_PERMISSION if lacks else Exit.OK)

    @pytest.mark.parametrize("sheet", [MONITORS, VISIBILITY, RENAMED])
    def test_whole_units_whatever_the_route(self, examine: Examine, sheet: str) -> None:
        """With ``--unit-route department``, too, a unit itself is written whole."""
        seen = examine("robot", sheet, state=workspace(**granted(*READ, MANAGE_DEPARTMENTS)), unit_route="department")
        assert {MANAGE_UNITS, MANAGE_MONITORS} <= set(seen.missing)
        assert seen.code is Exit.NO_PERMISSION

    @pytest.mark.parametrize("sheet", [MONITORS, VISIBILITY, FIELDS])
    def test_what_is_so_already_needs_nothing_to_be_written(self, examine: Examine, sheet: str) -> None:
        """A sheet that asks for what is there is already correct."""
        state = workspace()
        state["unitMonitors"].append({"_id": "m2", "monitorId": "u-monitor", "unitId": "unit-south", "username": "monitor"})
        state["units"][1]["visibility"] = "private"
        state["departments"][3]["email"] = "www@example.org"
        seen = examine("manager", sheet, state=state)
        assert (seen.code, seen.one("this sheet").said) == (Exit.OK, "Everything is already correct.")
        assert seen.one(MANAGE_DEPARTMENTS).needed == "no"

    def test_list_of_monitors(self, examine: Examine) -> None:
        """Who holds the role is read only for a sheet that names monitors; where it cannot be read, that is missing."""
        assert examine(sheet=MONITORS).one(ListName.ROLE_HOLDERS).said == "Can be read: 2."
        for sheet in (None, VISIBILITY):
            assert ListName.ROLE_HOLDERS not in [finding.what for finding in examine(sheet=sheet).findings]
        broken = examine(sheet=MONITORS, faults="400-before=other@GET livechat/monitors")
        assert ListName.ROLE_HOLDERS in broken.missing

    @pytest.mark.parametrize(
        ("route", "sheet", "lacks"),
        [
            ("livechat/units", MOVES, ListName.UNITS),
            ("livechat/units/:id/monitors", MONITORS, ListName.MONITORS),
            ("livechat/monitors", MONITORS, ListName.ROLE_HOLDERS),
        ],
    )
    def test_list_that_is_withheld(self, examine: Examine, route: str, sheet: str, lacks: ListName) -> None:
        """A list of units or monitors that the server answers and does not give is not permitted, as for a run; it is no outage."""
        seen = examine(sheet=sheet, faults=f"400-before=other@GET {route}")
        assert lacks in seen.missing
        assert seen.code is Exit.NO_PERMISSION

    def test_many_units(self, examine: Examine) -> None:
        """Where the sheet names so many units that their monitors are not read one by one, nothing is made of that."""
        state = workspace()
        names = [f"extra{number}" for number in range(11)]
        state["units"] += [{"_id": f"unit-{name}", "name": name, "visibility": "public", "type": "u"} for name in names]
        seen = examine(sheet="unit,unit monitor\n" + "".join(f"{name},monitor\n" for name in names), state=state)
        assert (seen.code, seen.one("this sheet").said) == (Exit.OK, "Adds or removes up to 11 monitors of units.")
        assert sum(call["route"] == "livechat/units/:id/monitors" for call in seen.calls) == 1

    def test_restricted_account(self, examine: Examine) -> None:
        """An account that is restricted to its own units makes none, whatever its permissions."""
        state = workspace()
        for permission in (MANAGE_UNITS, MANAGE_MONITORS):
            state["permissions"][permission] = ["livechat-monitor"]
        seen = examine("monitor", NEW_UNIT, state=state, create_units=True)
        assert "new units" in seen.missing
        assert seen.one("new units").remedy.startswith("Give the account the role livechat-manager")
        assert "new units" not in examine("monitor", UNITS, state=state, create_units=True).missing
        assert "new units" not in [finding.what for finding in examine("manager", NEW_UNIT, create_units=True).findings]

    def test_no_licence(self, examine: Examine) -> None:
        """Without a licence a sheet about departments alone is fine, one about units is not."""
        state = workspace(license=[], units=[], unitMonitors=[], departments=[department("web")], departmentAgents=[])
        assert examine("admin", FIELDS, state=state).code is Exit.OK
        assert "licence" in examine("admin", VISIBILITY, state=state).missing

    def test_what_it_does(self, examine: Examine) -> None:
        """The work is told kind by kind."""
        sheet = "department,unit,unit monitor,unit visibility,department email\nWeb,East,stranger,private,w@example.org\nSales,South,,,\n"
        said = examine(sheet=sheet, create_units=True).one("this sheet").said
        assert said == ("Creates 1 unit, moves 2 departments, adds or removes up to 1 monitor of units and sets 1 field of departments.")
