"""What holds for every workspace, sheet, account, fault and order of events."""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkjob.settings.values import MaxRemovals
from bulkjob.vocabulary import Exit
from tests.support.rehearsal import rehearse
from tests.support.states import State, differences, parents, places, wrong_counters

#: So many times more cases, and other ones each time, for a soak.
SOAK = int(os.environ.get("BULKJOB_TEST_SOAK", "0"))


def law(examples: int) -> settings:
    """Cases that are the same every time, unless for a soak: a build does not fail by chance, and a failure can be seen again."""
    return settings(
        max_examples=examples * max(SOAK, 1),
        derandomize=not SOAK,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


DEPARTMENTS = ("Süd", "NA", "O'Brien", "0042", "=1+1", "Größe", "a b")
UNITS = ("DACH", "Élan", "null", "-x-")
AGENTS = ("anna", "bob", "00731", "cíd", "Eve")

KEEP = object()
"""The unit of a row that says nothing about it."""


@dataclass(frozen=True)
class Row:
    """A row of the sheet, and what it means."""

    cells: Mapping[str, str]
    department: str = ""
    unit: Any = KEEP
    agent: str = ""
    count: int | None = None
    order: int | None = None
    removes: bool = False
    broken: bool = False
    """Whether no server could make sense of it."""
    wrong_in_itself: bool = False
    """Whether that can be seen without one."""


@dataclass(frozen=True)
class Case:
    state: State = field(repr=False)
    rows: tuple[Row, ...]

    @property
    def sheet(self) -> list[Mapping[str, str]]:
        return [row.cells for row in self.rows]


@dataclass(frozen=True)
class Chosen:
    """What the rows of a sheet so far ask for, so that the next does not contradict them."""

    units: dict[str, Any] = field(default_factory=dict)
    places: dict[tuple[str, str], tuple[int | None, int | None, bool]] = field(default_factory=dict)
    spellings: dict[tuple[str, Any], str] = field(default_factory=dict)


@st.composite
def workspaces(draw: st.DrawFn) -> State:
    """A workspace that is consistent in itself: up to seven departments, four units, five agents."""
    units = [f"u{number}" for number in range(draw(st.integers(0, len(UNITS))))]
    agents = range(draw(st.integers(1, len(AGENTS))))
    departments: list[State] = []
    rows: list[State] = []
    for number in range(draw(st.integers(1, len(DEPARTMENTS)))):
        unit = draw(st.sampled_from([None, *units]))
        archived = draw(st.integers(0, 9)) == 9
        members = sorted(draw(st.sets(st.sampled_from(list(agents)))))
        department: State = {
            "_id": f"d{number}",
            "name": DEPARTMENTS[number],
            "email": f"{number}@example.org",
            "enabled": not archived,
            "showOnRegistration": draw(st.booleans()),
            "showOnOfflineForm": draw(st.booleans()),
            "type": "d",
            "numAgents": len(members),
            "archived": archived,
            "chatClosingTags": ["x"],
        }
        if unit:
            department |= {"parentId": unit, "ancestors": [unit]}
        if draw(st.integers(0, 9)) == 9:
            del department["email"]
        departments.append(department)
        for member in members:
            numbers = {"count": draw(st.integers(0, 3)), "order": draw(st.integers(0, 2)), "departmentEnabled": not archived}
            row = {"_id": f"p{len(rows)}", "agentId": f"a{member}", "departmentId": f"d{number}", "username": AGENTS[member]}
            rows.append({**row, **numbers})
    monitors = [{"_id": f"m-{unit}", "monitorId": "w0", "username": "watch", "unitId": unit} for unit in units if draw(st.booleans())]
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "admin", "username": "admin", "roles": ["admin"]},
            {"_id": "w0", "username": "watch", "roles": ["livechat-monitor"]},
            {"_id": "boss", "username": "boss", "roles": ["livechat-manager"]},
            *({"_id": f"a{number}", "username": AGENTS[number], "roles": ["livechat-agent"]} for number in agents),
        ],
        "departments": departments,
        "units": [
            {
                "_id": unit,
                "name": UNITS[number],
                "visibility": "private",
                "type": "u",
                "numMonitors": sum(monitor["unitId"] == unit for monitor in monitors),
                "numDepartments": sum(department.get("parentId") == unit for department in departments),
            }
            for number, unit in enumerate(units)
        ],
        "unitMonitors": monitors,
        "departmentAgents": rows,
    }


@st.composite
def cases(draw: st.DrawFn, *, clean: bool = True) -> Case:
    """A workspace and a sheet for it; a clean one has no invalid row, though rows that say the same twice, by name and by id."""
    state = draw(workspaces())
    chosen = Chosen()
    rows = [draw(_rows(state, chosen, clean=clean)) for _ in range(draw(st.integers(1, 12)))]
    return Case(state, tuple(rows))


@st.composite
def _rows(draw: st.DrawFn, state: State, chosen: "Chosen", *, clean: bool) -> Row:
    department = draw(st.sampled_from(state["departments"]))["_id"]
    numbers = st.one_of(st.none(), st.integers(0, 3))
    choices = [KEEP, None, *(unit["_id"] for unit in state["units"])]
    unit = draw(st.sampled_from(choices))
    agents = [user for user in state["users"] if user["roles"] == ["livechat-agent"]]
    agent = draw(st.sampled_from([None, *agents]))
    if unit is KEEP and agent is None:
        agent = agents[0]
    removes = agent is not None and draw(st.booleans())
    given = (draw(numbers), draw(numbers), removes) if agent else (None, None, False)
    if clean and unit is not KEEP:
        unit = chosen.units.setdefault(department, unit)
    if clean and agent:
        given = chosen.places.setdefault((department, agent["_id"]), given)
    named = draw(_spelt(department, DEPARTMENTS))
    cells = {
        "department": named,
        # Without the server, two spellings of one unit for one spelling of a department are two units.
        "unit": ""
        if unit is KEEP
        else "-"
        if unit is None
        else chosen.spellings.setdefault((_folded(named), unit), draw(_spelt(unit, UNITS))),
        "agent": draw(st.sampled_from([agent["_id"], agent["username"], "@" + agent["username"], agent["username"].upper()]))
        if agent
        else "",
        "count": "" if given[0] is None else str(given[0]),
        "order": "" if given[1] is None else str(given[1]),
        "action": "remove" if given[2] else draw(st.sampled_from(["", "add", "ADD"])) if agent else "",
    }
    mistakes = {"department": "nowhere", "unit": "no such unit", "agent": "nobody", "count": "many", "action": "move"}
    mistake = None if clean else draw(st.sampled_from([None, None, *mistakes]))
    if mistake:
        cells[mistake] = mistakes[mistake]
        if mistake == "agent":
            # That somebody whom nobody knows shall leave is no mistake.
            cells["action"] = "add"
    return Row(
        cells=cells,
        department=department,
        unit=unit,
        agent=agent["_id"] if agent else "",
        count=given[0],
        order=given[1],
        removes=given[2],
        broken=mistake is not None,
        wrong_in_itself=mistake in ("count", "action"),
    )


@st.composite
def _spelt(draw: st.DrawFn, identifier: str, names: tuple[str, ...]) -> str:
    name = names[int(identifier[1:])]
    return draw(st.sampled_from([identifier, name, name.lower(), f" {name} ", name.replace(" ", "\u00a0 ")]))


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


# ------------------------------------------------------------------------------------------------------------------- the oracle


def asked(case: Case, *, mirror: bool) -> tuple[dict[str, str | None], dict[tuple[str, str], tuple[int, int] | None]]:
    """What a sheet without contradictions asks for: department → unit, and (department, agent) → (count, order) or None for gone."""
    held = {(row["departmentId"], row["agentId"]): (row["count"], row["order"]) for row in case.state["departmentAgents"]}
    units = {row.department: row.unit for row in case.rows if row.unit is not KEEP}
    places: dict[tuple[str, str], tuple[int, int] | None] = {}
    for row in case.rows:
        place = row.department, row.agent
        if row.agent and row.removes:
            places[place] = None
        elif row.agent:
            was = held.get(place, (0, 0))
            places[place] = (was[0] if row.count is None else row.count, was[1] if row.order is None else row.order)
    if mirror:
        mirrored = {row.department for row in case.rows if row.agent and not row.removes}
        places |= {place: None for place in held if place[0] in mirrored and place not in places}
    return units, places


def undone(case: Case, *, mirror: bool) -> tuple[set[str], set[tuple[str, str]]]:
    """Of what a sheet asks for, the units and places that cannot be, because the department is archived."""
    archived = {department["_id"] for department in case.state["departments"] if department["archived"]}
    units, agents = asked(case, mirror=mirror)
    parents = {department["_id"]: department.get("parentId") for department in case.state["departments"]}
    held = {(row["departmentId"], row["agentId"]): (row["count"], row["order"]) for row in case.state["departmentAgents"]}
    return (
        {department for department, unit in units.items() if department in archived and unit != parents[department]},
        {place for place, numbers in agents.items() if place[0] in archived and numbers != held.get(place)},
    )


def every_row_once(case: Case, ran: Any) -> None:
    """The report has the sheet's rows in the sheet's order, with the sheet's cells, each with one status that its figures agree with."""
    numbers = count(2)
    assert [int(row["row"]) for row in ran.rows] == [next(numbers) for _ in case.rows]
    for row, reported in zip(case.rows, ran.rows, strict=True):
        for name, cell in row.cells.items():
            shown = reported[name].removeprefix("'") if cell.strip()[:1] in "=@-" else reported[name]
            assert shown.split() == cell.split()
        success = reported["status"] == "success"
        assert reported["status"] in ("success", "failed", "invalid", "not_sent")
        assert (reported["change"] in ("updated", "unchanged")) == success
        assert (reported["code"] == "") == success
        assert reported["message"].endswith(".")
        if reported["change"] == "unchanged" or reported["status"] in ("invalid", "not_sent"):
            assert (reported["attempts"], reported["http_status"], reported["seconds"]) == ("", "", "")
    statuses = [row["status"] for row in ran.rows]
    counts = {name: statuses.count(name) for name in ("success", "failed", "invalid", "not_sent")}
    assert ran.summary["rows"] == {"total": len(statuses), **counts}
    assert ran.summary["exit_code"] == ran.exit
    assert (ran.exit == Exit.OK) == (set(statuses) == {"success"})
    assert ran.said.splitlines()[-1] == f"Report: {ran.folder}"
    assert "Traceback" not in ran.log


def success_is_held(case: Case, ran: Any) -> None:
    """What a successful row asks for is what the server holds."""
    unit_of, place_of = parents(ran.after), places(ran.after)
    for row, reported in zip(case.rows, ran.rows, strict=True):
        if reported["status"] != "success":
            continue
        assert not row.broken
        if row.unit is not KEEP:
            assert unit_of[row.department] == row.unit
        if row.agent:
            held = place_of.get((row.department, row.agent))
            assert (held is None) == row.removes
            if held is not None:
                assert row.count in (None, held[0])
                assert row.order in (None, held[1])


def writes_keep_apart(ran: Any) -> None:
    """No two writes on one unit or department at a time, and no department without a unit on its way from one to another."""
    assert ran.overlaps == []
    placed = {department for department, parent in parents(ran.before).items() if parent and parents(ran.after)[department]}
    assert not placed & ran.homeless


def nothing_else_changed(case: Case, ran: Any, *, mirror: bool = False) -> None:
    """Whatever the sheet does not mention is as it was; what it mentions is as it was or as some row asks."""
    before, after = places(ran.before), places(ran.after)
    old, new = parents(ran.before), parents(ran.after)
    usable = [row for row in case.rows if not row.broken]
    for department, parent in new.items():
        assert parent in {old[department], *(row.unit for row in usable if row.department == department and row.unit is not KEEP)}
    moved = {department: parent for department, parent in new.items() if parent != old[department]}
    changed = {place: after.get(place) for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
    mirrored = {row.department for row in usable if row.agent and not row.removes} if mirror else set()
    for place, numbers in changed.items():
        mine = [row for row in usable if (row.department, row.agent) == place]
        assert mine or (place[0] in mirrored and numbers is None)
        assert numbers is not None or not mine or any(row.removes for row in mine)
        if numbers is not None:
            was = before.get(place, (0, 0))
            assert numbers[0] in {was[0], *(row.count for row in mine if not row.removes)}
            assert numbers[1] in {was[1], *(row.order for row in mine if not row.removes)}
    wrong = wrong_counters(ran.before, ran.after)
    assert [found for found in differences(ran.before, ran.after, units=moved, agents=changed) if found not in wrong] == []


def shape(ran: Any, rows: tuple[Row, ...]) -> Any:
    """What must not depend on chance: each row's outcome, and what is stored."""

    def bare(key: str, *without: str) -> Any:
        documents = ran.after[key]
        left_out = ("_updatedAt", *without)
        return sorted(sorted((name, str(document[name])) for name in document if name not in left_out) for document in documents)

    outcomes = sorted(
        (sorted(row.cells.items()), reported["status"], reported["change"], reported["code"])
        for row, reported in zip(rows, ran.rows, strict=True)
    )
    return ran.exit, outcomes, bare("departments"), bare("departmentAgents", "_id"), bare("units"), bare("unitMonitors", "_id")


def jitter(seed: int) -> Any:
    """Latencies that bring answers in another order for each seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    return lambda _path: chance.choice((0.001, 0.01, 0.2, 1.0))


folders = count()


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """A function that gives a new folder each time."""
    return lambda: tmp_path / str(next(folders))


# ------------------------------------------------------------------------------------------------------------------------ laws


@law(60)
@given(
    case=cases(), mirror=st.booleans(), seed=st.integers(0, 9), version=st.sampled_from(["6.0", "6.5", "6.12", "6.13", "7.0", "7.5", "8.0"])
)
def test_a_sheet_is_carried_out_to_the_letter(folder: Any, *, case: Case, mirror: bool, seed: int, version: str) -> None:
    """On every server line the state changes by exactly what the sheet says, and a second run writes nothing."""
    options: dict[str, Any] = {"version": version, "agents": "mirror" if mirror else "add", "max_removals": MaxRemovals(count=1000)}
    ran = rehearse(folder(), case.state, case.sheet, latency=jitter(seed), **options)
    every_row_once(case, ran)
    writes_keep_apart(ran)
    success_is_held(case, ran)
    units, agents = asked(case, mirror=mirror)
    no_units, no_places = undone(case, mirror=mirror)
    units = {department: unit for department, unit in units.items() if department not in no_units}
    agents = {place: numbers for place, numbers in agents.items() if place not in no_places}
    assert differences(ran.before, ran.after, units=units, agents=agents) == []
    expected = [
        "failed"
        if (row.unit is not KEEP and row.department in no_units)
        or (row.department, row.agent) in no_places
        or (mirror and row.agent and not row.removes and any(place[0] == row.department and not _named(case, place) for place in no_places))
        else "success"
        for row in case.rows
    ]
    assert ran.column("status") == expected
    assert {row["code"] for row in ran.rows} <= {"", "department-archived"}
    again = rehearse(folder(), ran.after, case.sheet, **options)
    assert again.writes == []
    assert [row["change"] for row in again.rows] == ["unchanged" if status == "success" else "" for status in expected]


def _named(case: Case, place: tuple[str, str]) -> bool:
    return any((row.department, row.agent) == place for row in case.rows)


@law(25)
@given(case=cases(), seed=st.integers(0, 9), route=st.sampled_from(["unit", "department"]), chance=st.randoms(use_true_random=False))
def test_chance_decides_nothing(folder: Any, *, case: Case, seed: int, route: str, chance: random.Random) -> None:
    """Final state and statuses do not depend on how many calls are in flight, in which order answers come, or how the rows are sorted."""
    options: dict[str, Any] = {"unit_route": route, "max_failures": 0}
    first = rehearse(folder(), case.state, case.sheet, concurrency=1, **options)
    for concurrency in (2, 8, 64):
        other = rehearse(folder(), case.state, case.sheet, concurrency=concurrency, latency=jitter(seed), **options)
        assert shape(other, case.rows) == shape(first, case.rows)
        assert other.most_in_flight <= concurrency
    if route == "unit":
        rows = tuple(chance.sample(case.rows, len(case.rows)))
        other = rehearse(folder(), case.state, [row.cells for row in rows], latency=jitter(seed), **options)
        assert shape(other, rows) == shape(first, case.rows)


@law(40)
@given(case=cases(), seed=st.integers(0, 9), version=st.sampled_from(["6.13", "7.0", "8.0"]))
def test_department_route(folder: Any, *, case: Case, seed: int, version: str) -> None:
    """By `departmentUnit` rows are told the truth, nothing else changes, no unit is emptied, and a second run ends alike, unsent."""
    options: dict[str, Any] = {"version": version, "unit_route": "department", "user": "boss"}
    ran = rehearse(folder(), case.state, case.sheet, latency=jitter(seed), rate_limit="off", **options)
    every_row_once(case, ran)
    writes_keep_apart(ran)
    success_is_held(case, ran)
    nothing_else_changed(case, ran)
    assert not wrong_counters(ran.before, ran.after)
    assert {row["code"] for row in ran.rows} <= {"", "department-archived", "last-department-in-unit", "rejected"}
    assert ("POST", "livechat/units/:id") not in ran.writes
    filled = {parent for parent in parents(ran.before).values() if parent}
    assert filled <= {*parents(ran.after).values()}
    again = rehearse(folder(), ran.after, case.sheet, rate_limit="off", **options)
    assert again.writes == []
    assert again.column("status") == ran.column("status")


@law(60)
@given(case=cases(clean=False), skip=st.booleans())
def test_invalid_rows(folder: Any, *, case: Case, skip: bool) -> None:
    """An invalid row is `invalid`, and nothing is sent for any row, or with --skip-invalid nothing for its department."""
    ran = rehearse(folder(), case.state, case.sheet, skip_invalid=skip)
    every_row_once(case, ran)
    success_is_held(case, ran)
    nothing_else_changed(case, ran)
    statuses = ran.column("status")
    # Mistakes that only the server's lists show are not looked for in a sheet that is wrong in itself.
    looked_up = bool(ran.calls)
    assert looked_up or not skip
    assert all(
        status == "invalid" for row, status in zip(case.rows, statuses, strict=True) if row.wrong_in_itself or (row.broken and looked_up)
    )
    if "invalid" not in statuses:
        assert ran.exit in (Exit.OK, Exit.ROWS_NOT_DONE)
    elif skip:
        assert ran.exit == Exit.ROWS_NOT_DONE
        about = {
            row.department
            for row, status in zip(case.rows, statuses, strict=True)
            if status == "invalid" and row.cells["department"] != "nowhere"
        }
        for row, reported in zip(case.rows, ran.rows, strict=True):
            if reported["status"] == "not_sent":
                assert reported["code"] == "refused"
            assert (reported["status"] == "not_sent") == (row.department in about and reported["status"] != "invalid")
    else:
        assert ran.exit == Exit.BAD_SHEET
        assert ran.writes == []
        assert all(row["code"] == "refused" for row in ran.rows if row["status"] == "not_sent")


FAULTS = (
    "reset-before:0.3",
    "reset-after:0.3",
    "500:0.3",
    "502:0.3",
    "truncate@livechat*:0.3",
    "429:0.2",
    "timeout-after:0.2",
    "forget:0.4",
    "forget@POST livechat/units/:id",
    "reset-after@POST livechat/units/:id",
    "reset-after@PUT:0.6",
    "503@PUT",
    "truncate@POST livechat/department/:id/agents",
    "restart:0.05",
    "500@GET+9",
    "reset-before+12",
    "502@GET livechat/department+2",
)


@law(100)
@given(
    case=cases(),
    faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=2, unique=True),
    seed=st.integers(0, 99),
    mirror=st.booleans(),
    route=st.sampled_from(["auto", "department"]),
)
def test_faults(folder: Any, *, case: Case, faults: list[str], seed: int, mirror: bool, route: str) -> None:
    """Whatever goes wrong, every row is told the truth and nothing unmentioned changes; when it goes well again, the sheet is finished."""
    random.seed(seed)
    options: dict[str, Any] = {"agents": "mirror" if mirror else "add", "max_removals": MaxRemovals(count=1000), "unit_route": route}
    ran = rehearse(
        folder(), case.state, case.sheet, faults=",".join(faults), seed=seed, latency=jitter(seed), retries=1 + seed % 4, **options
    )
    every_row_once(case, ran)
    writes_keep_apart(ran)
    success_is_held(case, ran)
    nothing_else_changed(case, ran, mirror=mirror)
    assert ran.exit in (Exit.OK, Exit.ROWS_NOT_DONE, Exit.UNAVAILABLE, Exit.BAD_SETTING)
    assert all(row["code"] == "unavailable" for row in ran.rows if row["status"] == "not_sent" and ran.exit == Exit.UNAVAILABLE)
    again = rehearse(folder(), ran.after, case.sheet, **options)
    every_row_once(case, again)
    success_is_held(case, again)
    assert {row["code"] for row in again.rows} <= {"", "department-archived", "last-department-in-unit", "rejected"}
    assert rehearse(folder(), again.after, case.sheet, **options).writes == []
