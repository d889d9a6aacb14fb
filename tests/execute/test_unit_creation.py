"""Units that are made: once, whatever happens meanwhile, with all that the sheet asks of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkjob.rocketchat import Request
from bulkjob.vocabulary import Exit
from tests.support.in_process import InProcess
from tests.support.rehearsal import Ran, rehearse
from tests.support.rollbacks import roll_back
from tests.support.states import State, parents
from tests.support.workspaces import small_workspace

SHEET = "department;unit;unit monitor;unit visibility;agent\ngamma;West;;private;\nfree;west;;;ann\n;WEST;@second;;\nbeta;south;;;\n"
"""Rows 2 to 4 make a unit of two departments and a monitor, row 2 by the name that it gets; row 5 is about another unit."""
VERSIONS = ["6.0", "6.13", "7.0", "7.5", "8.0"]
CREATE = ("POST", "livechat/units")
WRITES = CREATE[1]


@pytest.fixture
def small() -> State:
    """The small workspace."""
    return small_workspace()


def run(folder: Path, state: State, sheet: str = SHEET, **settings: Any) -> Ran:
    return rehearse(folder, state, sheet, create_units=True, **settings)


def called(state: State, name: str) -> list[State]:
    """The units of a name, in any case."""
    return [unit for unit in state["units"] if unit["name"].casefold() == name.casefold()]


def monitors(state: State, unit: State) -> set[str]:
    return {row["username"] for row in state["unitMonitors"] if row["unitId"] == unit["_id"]}


def holds_all(state: State) -> State:
    """The one unit that the sheet makes, which has all that the sheet asks of it; everything else is as it was, or as row 5 wants it."""
    (west,) = called(state, "West")
    assert west["visibility"] == "private"
    assert monitors(state, west) == {"second"}
    assert parents(state) == {**parents(small_workspace()), "gamma": west["_id"], "free": west["_id"], "beta": "south"}
    counted = {unit["_id"]: sum(home == unit["_id"] for home in parents(state).values()) for unit in state["units"]}
    assert {unit["_id"]: unit["numDepartments"] for unit in state["units"]} == counted
    assert ("free", "u-ann") in {(row["departmentId"], row["agentId"]) for row in state["departmentAgents"]}
    return west


def once(number: int, action: Callable[[InProcess], object]) -> Callable[[InProcess, Request[Any]], None]:
    """What somebody else does just before a list of units is read for the nth time."""
    seen = [0]

    def meddle(transport: InProcess, request: Request[Any]) -> None:
        if (request.route.method, request.route.pattern) == ("GET", "livechat/units"):
            seen[0] += 1
            if seen[0] == number:
                action(transport)

    return meddle


def made_by_hand(*names: str, visibility: str = "public", departments: tuple[str, ...] = ()) -> Callable[[InProcess], None]:
    """A colleague's units."""

    def action(transport: InProcess) -> None:
        for name in names:
            body = {
                "unitData": {"name": name, "visibility": visibility},
                "unitMonitors": [],
                "unitDepartments": [{"departmentId": department} for department in departments],
            }
            transport.call("POST", "/api/v1/livechat/units", body)

    return action


class TestMade:
    @pytest.mark.parametrize(
        ("route", "version"), [*(("auto", each) for each in VERSIONS), *(("department", each) for each in VERSIONS[1:])]
    )
    def test_by_one_call(self, small: State, tmp_path: Path, route: str, version: str) -> None:
        """A unit is made by one call with its visibility, monitors and departments, before the units that lose to it, on either route."""
        ran = run(tmp_path, small, version=version, unit_route=route)
        assert ran.exit == Exit.OK, ran.said
        holds_all(ran.after)
        paths = [path for _, path in ran.write_paths]
        assert ran.writes.count(CREATE) == 1
        # The units that lose departments to it come after; what has nothing to do with it may go out at the same time.
        assert not any(path.endswith(("units/south", "units/north")) for path in paths[: ran.writes.index(CREATE)])
        assert ran.overlaps == []
        assert ran.column("change") == ["updated"] * 4
        assert (
            ran.rows[0]["message"]
            == 'Unit "West" created. Moved to unit "West" (new) from "SOUTH" (south). Visibility of unit "West" (new) set to "private".'
        )

    def test_nothing_is_homeless_in_between(self, small: State, tmp_path: Path) -> None:
        """A department that comes from another unit is never seen without one."""
        ran = run(tmp_path, small, latency=lambda _: 0.2)
        assert ran.homeless == {"free"}

    def test_a_second_run(self, small: State, tmp_path: Path) -> None:
        """A second run of the sheet makes no write, with the setting or without."""
        first = run(tmp_path / "1", small)
        for number, creates in ((2, True), (3, False)):
            again = rehearse(tmp_path / str(number), first.after, SHEET, create_units=creates)
            assert (again.exit, again.writes, set(again.column("change"))) == (Exit.OK, [], {"unchanged"})

    def test_without_the_setting(self, small: State, tmp_path: Path) -> None:
        """Without the setting the unit is unknown, and nothing is sent."""
        ran = rehearse(tmp_path, small, SHEET)
        assert (ran.exit, ran.writes) == (Exit.BAD_SHEET, [])
        assert ran.column("code") == ["unknown-unit"] * 3 + ["refused"]


class TestAppeared:
    @pytest.mark.parametrize("name", ["West", "WEST", " west "])
    def test_one_of_that_name_is_used(self, small: State, tmp_path: Path, name: str) -> None:
        """A unit of that name that has appeared since the plan was made is used instead, and gets what it lacks."""
        ran = run(tmp_path, small, meddle=once(2, made_by_hand(name)))
        assert ran.exit == Exit.OK, ran.said
        (west,) = [unit for unit in ran.after["units"] if unit["name"].strip().casefold() == "west"]
        assert west["name"] == name
        assert (west["visibility"], monitors(ran.after, west)) == ("private", {"second"})
        assert parents(ran.after)["gamma"] == parents(ran.after)["free"] == west["_id"]
        assert ran.writes.count(CREATE) == 1, "the colleague's"
        assert ran.rows[0]["message"].startswith('Already correct: there is a unit "West".')

    def test_what_it_has_stays(self, small: State, tmp_path: Path) -> None:
        """What a colleague has put into it stays in it."""
        ran = run(tmp_path, small, meddle=once(2, made_by_hand("West", visibility="private", departments=("alpha",))))
        assert ran.exit == Exit.OK, ran.said
        (west,) = called(ran.after, "West")
        assert [name for name, home in parents(ran.after).items() if home == west["_id"]] == ["alpha", "gamma", "free"]

    def test_it_is_no_work_of_the_run(self, small: State, tmp_path: Path) -> None:
        """A rollback takes out of it what the run put in, and leaves the unit, which a colleague has made."""
        ran = run(tmp_path, small, meddle=once(2, made_by_hand("West")))
        back = roll_back(ran.folder, ran.after)
        assert back.exit == Exit.OK, back.said
        (west,) = called(back.after, "West")
        assert (west["visibility"], monitors(back.after, west)) == ("public", set())
        assert parents(back.after) == parents(ran.before)

    def test_renamed_before_the_rollback(self, small: State, tmp_path: Path) -> None:
        """Also where it is called otherwise by then: the run knows its id."""
        ran = run(tmp_path, small, meddle=once(2, made_by_hand("West")))
        called(ran.after, "West")[0]["name"] = "Far West"
        back = roll_back(ran.folder, ran.after)
        assert back.exit == Exit.OK, back.said
        (west,) = called(back.after, "Far West")
        assert (west["visibility"], monitors(back.after, west)) == ("public", set())
        assert parents(back.after) == parents(ran.before)

    def test_two_of_that_name(self, small: State, tmp_path: Path) -> None:
        """Of two nobody can say which is meant: every row that names the unit fails, naming both ids, and the rest goes on."""
        ran = run(tmp_path, small, meddle=once(2, made_by_hand("West", "west")))
        assert ran.exit == Exit.ROWS_NOT_DONE
        assert ran.column("code") == ["not-applied"] * 3 + [""]
        two = [unit["_id"] for unit in called(ran.after, "West")]
        assert len(two) == 2
        assert all(identifier in row["message"] for identifier in two for row in ran.rows[:3])
        assert parents(ran.after) == {**parents(ran.before), "beta": "south"}

    def test_one_appears_beside_a_lost_answer(self, small: State, tmp_path: Path) -> None:
        """Where the answer is lost and another of the name has appeared beside, the rows fail with both ids; no third one is made."""

        def also(transport: InProcess) -> None:
            made_by_hand("west")(transport)

        ran = run(tmp_path, small, meddle=once(3, also), faults=f"reset-after@POST {WRITES}x1")
        assert ran.column("code")[:3] == ["not-applied"] * 3
        two = {unit["_id"] for unit in called(ran.after, "West")}
        assert len(two) == 2
        assert all(identifier in ran.rows[0]["message"] for identifier in two)


LOST = ["reset-after", "timeout-after", "504-after", "400-after=network", "400-after=driver", "400-after=other"]
BROKEN_OFF = [f"{kind}-half={steps}" for kind in ("400", "reset", "timeout") for steps in (1, 2, 3)]


class TestBrokenOff:
    @pytest.mark.parametrize("fault", LOST)
    @pytest.mark.parametrize("version", ["6.13", "8.0"])
    def test_answer_lost(self, small: State, tmp_path: Path, fault: str, version: str) -> None:
        """A unit whose making was not answered, or answered with an error that comes after it, is found by its name, and not made twice."""
        ran = run(tmp_path, small, faults=f"{fault}@POST {WRITES}x1", version=version)
        assert ran.exit == Exit.OK, ran.said
        holds_all(ran.after)
        assert ran.writes.count(CREATE) == 1
        assert set(ran.column("change")) == {"updated"}

    @pytest.mark.parametrize("fault", BROKEN_OFF)
    def test_half_made(self, small: State, tmp_path: Path, fault: str) -> None:
        """What a unit lacks whose making broke off half-way is sent to it; it is not made twice."""
        ran = run(tmp_path, small, faults=f"{fault}@POST {WRITES}x1")
        assert ran.exit == Exit.OK, ran.said
        holds_all(ran.after)
        assert ran.writes.count(CREATE) == 1
        assert set(ran.column("change")) == {"updated"}

    @pytest.mark.parametrize("fault", [*LOST, *BROKEN_OFF])
    def test_rolled_back(self, small: State, tmp_path: Path, fault: str) -> None:
        """However it came to be there, the rollback takes the unit away, and everything is as it was."""
        ran = run(tmp_path, small, faults=f"{fault}@POST {WRITES}x1")
        back = roll_back(ran.folder, ran.after)
        assert back.exit == Exit.OK, back.said
        assert called(back.after, "West") == []
        assert parents(back.after) == parents(ran.before)

    def test_words_that_are_not_the_drivers(self, small: State, tmp_path: Path) -> None:
        """Half made and refused in other words it is not sent again: rows are told as they are found, and the next run ends the work."""
        first = run(tmp_path, small, faults=f"400-half=1/other@POST {WRITES}x1")
        assert first.exit == Exit.ROWS_NOT_DONE
        assert len(called(first.after, "West")) == 1
        assert set(first.column("status")) == {"success", "failed"}
        second = run(tmp_path, first.after)
        assert second.exit == Exit.OK, second.said
        holds_all(second.after)
        assert CREATE not in second.writes
        assert set(second.column("change")) == {"updated"}

    @pytest.mark.parametrize("fault", ["503", "forget", "400-before=driver", "400-before=other"])
    def test_refused(self, small: State, tmp_path: Path, fault: str) -> None:
        """Where the making fails, every row that names the unit has that call's code; the rest goes on, and the next run ends the work."""
        first = run(tmp_path, small, faults=f"{fault}@POST {WRITES}", retries=2)
        codes = first.column("code")
        assert codes[0] == codes[1] == codes[2] != ""
        assert codes[3] == ""
        assert called(first.after, "West") == []
        second = run(tmp_path, first.after)
        assert second.exit == Exit.OK, second.said
        holds_all(second.after)

    @pytest.mark.parametrize("after", range(6))
    def test_server_gone_and_back(self, small: State, tmp_path: Path, after: int) -> None:
        """Where the server goes away after the nth write and its answer is lost, the next run ends the work and makes none twice."""
        first = run(tmp_path, small, faults=f"reset-after@POST*+{after}, 503@GET*+{12 + after}", retries=2)
        second = run(tmp_path, first.after)
        assert second.exit == Exit.OK, second.said
        holds_all(second.after)


class TestNothingLeftToMakeItFor:
    def test_departments_are_gone_meanwhile(self, small: State, tmp_path: Path) -> None:
        """Where nothing that is asked of a unit can be done any more just before it is made, it is not made: it would stay empty."""

        def archives(transport: InProcess) -> None:
            transport.sandbox.store.update("gamma", {"archived": True, "enabled": False})

        ran = run(tmp_path, small, "department;unit\ngamma;West\nbeta;south\n", meddle=once(2, archives))
        assert (ran.exit, ran.column("code")) == (Exit.ROWS_NOT_DONE, ["department-archived", ""])
        assert called(ran.after, "West") == []
        assert CREATE not in ran.writes
