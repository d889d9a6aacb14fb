"""The plan as a file, and what of it still fits."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bulkjob.changes.change import Change, Place
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Plan
from bulkjob.plan.decide import plan_changes
from bulkjob.plan.document import PlanDocument, document_of
from bulkjob.plan.drift import Drifted, as_planned, hold_to, refuse_other_plan
from bulkjob.plan.file import parse_plan, pieces_of_plan
from bulkjob.plan.prepared import Prepared
from bulkjob.records.results import RowResult
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.sheet import Sheet
from bulkjob.records.workspace import Agent, Department, Membership, Unit, Workspace
from bulkjob.report.plan_listing import ambiguous, plan_lines
from bulkjob.rocketchat.endpoints import LIST_DEPARTMENTS
from bulkjob.settings import Choices
from bulkjob.vocabulary import Exit, Status, Stop
from tests.support.screens import screen, shown

FIELDS = MappingProxyType({"name": "", "email": "", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True})
SHEET = Sheet(
    name="reorg.csv",
    sha256="ab" * 32,
    sheet_name="",
    headers=("department",),
    letters=("A",),
    positions={"department": 0},
    cells=pd.DataFrame([[""]] * 9, index=range(2, 11), columns=range(1), dtype=str),
)
SERVER = Server(
    version=Version(7, 0),
    version_text="7.0",
    account=Account(id="me", username="me", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)
CHOICES = Choices(agents="add", unit_route="auto", skip_invalid=False)


IDS = ("d1", "d2", "d3")
UNITS = ("a", "b", "c", None)
AGENTS = ("u1", "u2", "u3")


def workspace(
    parents: dict[str, str | None], members: dict[str, dict[str, tuple[int, int]]] | None = None, names: dict[str, str] | None = None
) -> Workspace:
    """Departments with their units, and the agents of those whose lists were read: id → (count, order)."""
    there = {department: set(places) for department, places in (members or {}).items()}
    return Workspace(
        departments={
            name: Department(id=name, name=(names or {}).get(name, name.upper()), parent_id=parent, archived=False, required=FIELDS)
            for name, parent in parents.items()
        },
        units={unit: Unit(id=unit, name=f"Unit {unit}", visibility="public") for unit in ("a", "b", "c")},
        agents={
            agent: Agent(id=agent, username=agent, department_ids=frozenset(name for name, inside in there.items() if agent in inside))
            for agent in AGENTS
        },
        members={
            department: {
                agent: Membership(agent_id=agent, username=agent, count=count, order=order) for agent, (count, order) in places.items()
            }
            for department, places in (members or {}).items()
        },
    )


def unit_change(department: str, unit: str | None, row: int = 2) -> DepartmentUnit:
    return DepartmentUnit(department_id=department, unit_id=unit, rows=(row,))


def agent_change(
    department: str, agent: str, *, present: bool = True, count: int | None = None, order: int | None = None, row: int = 3
) -> DepartmentAgent:
    return DepartmentAgent(department_id=department, agent_id=agent, username=agent, present=present, count=count, order=order, rows=(row,))


def planned(changes: list[Change], there: Workspace) -> Plan:
    return plan_changes(changes, there, SERVER, Choices())


def document(plan: Plan, there: Workspace, results: tuple[RowResult, ...] = (), stop: Stop | None = None) -> PlanDocument:
    return document_of(
        sheet=SHEET,
        server_url="https://chat.example.org",
        choices=CHOICES,
        results=results,
        warnings=plan.warnings,
        refused=stop,
        prepared=Prepared(server=SERVER, workspace=there, plan=plan, reading={LIST_DEPARTMENTS: 1}, limit=None, concurrency=8),
    )


def whole(changes: Iterable[Change]) -> object:
    """Changes with everything that they say, rows and all: equality does not look at these."""
    return msgspec.to_builtins(list(changes))


numbers = st.integers(0, 5)
places = st.dictionaries(st.sampled_from(AGENTS), st.tuples(numbers, numbers))
workspaces = st.builds(
    workspace,
    st.fixed_dictionaries({name: st.sampled_from(UNITS) for name in IDS}),
    st.fixed_dictionaries(dict.fromkeys(IDS, places)),
    st.dictionaries(st.sampled_from(IDS), st.text(max_size=8)),
)


@st.composite
def change_lists(draw: st.DrawFn) -> list[Change]:
    """Changes, each of something else, each with a row of its own."""
    units = draw(st.dictionaries(st.sampled_from(IDS), st.sampled_from(UNITS)))
    agents = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(IDS), st.sampled_from(AGENTS)), st.tuples(st.booleans(), st.none() | numbers, st.none() | numbers)
        )
    )
    changes: list[Change] = [unit_change(department, unit, row=row) for row, (department, unit) in enumerate(units.items(), start=2)]
    for row, ((department, agent), (present, count, order)) in enumerate(agents.items(), start=20):
        kept = (count, order) if present else (None, None)
        changes.append(agent_change(department, agent, present=present, count=kept[0], order=kept[1], row=row))
    return changes


def rendered(told: PlanDocument) -> bytes:
    """A plan as its file holds it."""
    return b"".join(pieces_of_plan(told))


class TestFile:
    @given(change_lists(), workspaces)
    def test_round_trip(self, changes: list[Change], there: Workspace) -> None:
        """A plan that is written and read is the same; its changes are those of the plan; each operation names the changes it carries."""
        plan = planned(changes, there)
        written = document(plan, there)
        assert parse_plan(rendered(written)) == written
        assert json.loads(rendered(written))["format"] == 4
        assert whole([entry.change() for entry in written.changes]) == whole(plan.changes)
        assert [entry.prior() for entry in written.changes] == [change.found(there) for change in plan.changes]
        for entry, operation in zip(written.operations, plan.operations, strict=True):
            assert (entry.id, entry.after) == (operation.id, operation.after)
            assert whole([written.changes[place].change() for place in entry.changes]) == whole(operation.changes)
        assert {entry.status for entry in written.changes} <= {Status.PLANNED, Status.SUCCESS}

    def test_a_line_each(self) -> None:
        """Each operation, change and row has a line of its own, so that two plans can be compared line by line."""
        there = workspace({"d1": "a", "d2": "b"})
        plan = planned([unit_change("d1", "b"), unit_change("d2", None)], there)
        lines = rendered(document(plan, there)).decode().splitlines()
        assert sum(line.startswith('    {"about":"unit"') for line in lines) == 2
        assert sum(line.startswith('    {"id":"unit/') for line in lines) == 2

    def test_rows_that_removals_share_stand_once(self) -> None:
        """All removals that ``mirror`` makes in a department have the same rows: the file has them once, and gives them to each."""
        there = workspace({"d1": "a", "d2": "a"}, {"d1": {"u1": (3, 1), "u2": (0, 0)}, "d2": {"u1": (0, 0)}})
        staying = (20, 21, 22)
        first, second = (
            msgspec.structs.replace(agent_change("d1", agent, present=False), mirrored=True, rows=staying) for agent in ("u1", "u2")
        )
        alone = msgspec.structs.replace(agent_change("d2", "u1", present=False), mirrored=True, rows=(30, 31))
        written = document(planned([first, second, alone], there), there)
        told = json.loads(rendered(written))
        assert [entry["rows"] for entry in told["changes"]] == [[], [], [30, 31]]
        assert told["shared_rows"] == [{"rows": [20, 21, 22], "changes": [0, 1]}]
        read = parse_plan(rendered(written))
        assert read == written
        assert rendered(read) == rendered(written)

    def test_formats_that_gave_each_its_rows(self) -> None:
        """In a plan of format 3 every removal has its rows itself; it is read as it is."""
        there = workspace({"d1": "a"}, {"d1": {"u1": (3, 1), "u2": (0, 0)}})
        changes: list[Change] = [
            msgspec.structs.replace(agent_change("d1", agent, present=False), mirrored=True, rows=(20, 21)) for agent in ("u1", "u2")
        ]
        written = document(planned(changes, there), there)
        old = json.loads(rendered(msgspec.structs.replace(written, format=3)))
        del old["shared_rows"]
        for entry in old["changes"]:
            entry["rows"] = [20, 21]
        assert parse_plan(json.dumps(old).encode()) == msgspec.structs.replace(written, format=3)

    def test_in_pieces(self) -> None:
        """A plan is written piece by piece, none of which holds more than one entry: twice the plan is no larger piece."""

        def largest(number: int) -> int:
            changes: list[Change] = [agent_change("d1", f"u{place:03}", row=100 + place) for place in range(number)]
            results = tuple(RowResult(row=100 + place, status=Status.PLANNED, message="So.") for place in range(number))
            there = workspace({"d1": "a"})
            written = document(planned(changes, there), there, results)
            pieces = list(pieces_of_plan(msgspec.structs.replace(written, operations=())))
            return max(map(len, pieces))

        assert largest(200) == largest(100)

    def test_half_a_surrogate_pair(self) -> None:
        """A name that no file can hold is written with a question mark for what cannot be, and read again."""
        there = workspace({"d1": "a"}, names={"d1": "Sales \ud83d"})
        plan = planned([unit_change("d1", "b")], there)
        assert parse_plan(rendered(document(plan, there))).changes[0].departments[0].name == "Sales ?"

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (lambda text: text[: len(text) // 2], "not a bulkjob plan"),
            (lambda text: text.replace('"format": 4', '"format": 5'), "format is 5"),
            (lambda text: text.replace('"changes":[0]', '"changes":[7]'), "damaged"),
            (lambda text: text.replace('"changes":[0]', '"wishes":[0]'), "damaged"),
            (lambda text: text.replace('"about":"unit"', '"about":"weather"'), "damaged"),
            (lambda text: text.replace('"shared_rows": []', '"shared_rows": [{"rows":[2],"changes":[1]}]'), "damaged"),
            (lambda text: text.replace('"shared_rows": []', '"shared_rows": [2]'), "damaged"),
            (lambda text: text.replace('"agents":"add"', '"agents":"all"'), "damaged"),
            (lambda text: "[]", "not a bulkjob plan"),
            (lambda text: "[" * 100_000, "not a bulkjob plan"),
            (lambda text: text.replace("\n}", ',\n"more":' + "[" * 100_000), "not a bulkjob plan"),
            (lambda text: "\ufeff", "not a bulkjob plan"),
        ],
    )
    def test_damage_is_seen(self, damage: Callable[[str], str], said: str) -> None:
        """What is no plan, a damaged one or one of another format is told as such."""
        there = workspace({"d1": "a"})
        text = rendered(document(planned([unit_change("d1", "b")], there), there)).decode()
        with pytest.raises(ValueError, match=said):
            parse_plan(damage(text).encode())

    def test_what_found_and_wanted_look_like(self) -> None:
        """A unit is told by id and name, a place by its numbers where they are known; null is none."""
        there = workspace({"d1": "a", "d2": None}, {"d1": {"u1": (3, 1)}})
        plan = planned([unit_change("d1", None), agent_change("d1", "u1", count=5), agent_change("d2", "u2")], there)
        entries = json.loads(rendered(document(plan, there)))["changes"]
        assert [(entry["found"], entry["wanted"]) for entry in entries] == [
            ({"id": "a", "name": "Unit a"}, None),
            ({"count": 3, "order": 1}, {"count": 5}),
            (None, {}),
        ]


class TestDrift:
    @given(change_lists(), workspaces)
    def test_nothing_changed(self, changes: list[Change], there: Workspace) -> None:
        """In the workspace it was made from, a plan is held to as it is."""
        plan = planned(changes, there)
        approved = document(plan, there)
        assert as_planned(there, approved) == there
        held = hold_to(approved, plan, there, ())
        assert held == plan
        assert [whole(operation.changes) for operation in held.operations] == [whole(operation.changes) for operation in plan.operations]

    @given(change_lists(), workspaces, st.data())
    def test_half_done(self, changes: list[Change], there: Workspace, data: st.DataObject) -> None:
        """Whatever part of it is done already, and whatever counts have risen, the rest is sent, by operations that were approved."""
        plan = planned(changes, there)
        approved = document(plan, there)
        now = there
        for change in plan.changes:
            if change not in plan.settled and data.draw(st.booleans()):
                now = fulfilled(change, now)
        now = risen(now, data.draw(numbers))
        seen = as_planned(now, approved)
        held = hold_to(approved, planned(changes, seen), seen, ())
        carriers = {change: operation.id for operation in plan.operations for change in operation.changes}
        for operation in held.operations:
            assert {carriers[change] for change in operation.changes} <= {operation.id}
            assert set(operation.after) <= {other.id for other in held.operations}

    @pytest.mark.parametrize(
        ("change", "found", "now", "drifts"),
        [
            (unit_change("d1", "b"), "a", "a", False),
            (unit_change("d1", "b"), "a", "b", False),
            (unit_change("d1", "b"), "a", "c", True),
            (unit_change("d1", "b"), "a", None, True),
            (unit_change("d1", None), "a", None, False),
            (unit_change("d1", None), "a", "b", True),
            (unit_change("d1", "b"), None, "a", True),
            # It was so when the plan was made, and is not any longer.
            (unit_change("d1", "b"), "b", "a", True),
            (agent_change("d1", "u1", count=5), (3, 1), (3, 1), False),
            (agent_change("d1", "u1", count=5), (3, 1), (5, 1), False),
            (agent_change("d1", "u1", count=5), (3, 1), (4, 1), False),
            (agent_change("d1", "u1", count=5), (3, 1), (8, 1), False),
            (agent_change("d1", "u1", count=5), (3, 1), (2, 1), True),
            (agent_change("d1", "u1", count=5), (3, 1), (3, 2), True),
            (agent_change("d1", "u1", count=5), (3, 1), None, True),
            (agent_change("d1", "u1", count=5), None, (0, 0), True),
            (agent_change("d1", "u1", count=5), None, (6, 0), False),
            (agent_change("d1", "u1", count=2), (3, 1), (2, 1), False),
            (agent_change("d1", "u1", count=2, order=7), (3, 1), (2, 7), False),
            (agent_change("d1", "u1", order=7), (3, 1), (9, 7), False),
            (agent_change("d1", "u1", present=False), (3, 1), None, False),
            (agent_change("d1", "u1", present=False), (3, 1), (4, 1), False),
            (agent_change("d1", "u1", present=False), (3, 1), (3, 2), True),
            (agent_change("d1", "u1", present=False), None, (3, 1), True),
        ],
    )
    def test_table(self, change: Change, found: Any, now: Any, drifts: bool) -> None:  # noqa: FBT001 - a column of the table
        """Drift is what is neither as found nor as wanted; a count that has only risen is none."""

        def made(state: Any) -> Workspace:
            if isinstance(change, DepartmentUnit):
                return workspace({"d1": state})
            return workspace({"d1": None}, {"d1": {} if state is None else {"u1": state}})

        approved = document(planned([change], made(found)), made(found))
        seen = as_planned(made(now), approved)
        if not drifts:
            hold_to(approved, planned([change], seen), seen, ())
            return
        with pytest.raises(Drifted) as drift:
            hold_to(approved, planned([change], seen), seen, ())
        assert drift.value.exit_code is Exit.BAD_SHEET
        assert "D1" in drift.value.differences[0]
        # A row that an earlier attempt brought to success is not looked at again.
        hold_to(approved, planned([], seen), seen, change.rows)

    def test_approved_route(self) -> None:
        """Additions that were to go along with removals go by the same call when the removals are done, after what they come after."""
        changes: list[Change] = [
            unit_change("d1", "b"),
            agent_change("d1", "u1", present=False),
            agent_change("d1", "u2", row=4),
        ]
        before, now = workspace({"d1": "a"}, {"d1": {"u1": (0, 0)}}), workspace({"d1": "a"}, {"d1": {}})
        options = Choices(unit_route="department")
        other = replace(before, departments={**before.departments, "d9": msgspec.structs.replace(before.departments["d1"], id="d9")})
        now = replace(now, departments=other.departments)
        approved = document(plan_changes(changes, other, SERVER, options), other)
        fresh = plan_changes(changes, now, SERVER, options)
        assert [type(operation) for operation in fresh.operations] == [DepartmentPut]
        held = hold_to(approved, fresh, now, ())
        assert [(operation.id, operation.after) for operation in held.operations] == [
            ("department/d1", ()),
            ("agents/d1", ("department/d1",)),
        ]
        assert isinstance(held.operations[1], AgentsPost)

    def test_more_than_approved(self) -> None:
        """A change that the plan does not hold refuses it, also where it would go along with an approved call."""
        there = workspace({"d1": "a"}, {"d1": {}})
        approved = document(planned([agent_change("d1", "u1")], there), there)
        fresh = planned([agent_change("d1", "u1"), agent_change("d1", "u2", row=4)], there)
        with pytest.raises(Drifted) as drift:
            hold_to(approved, fresh, there, ())
        assert drift.value.differences == (
            'Agent @u2 (u2) would be added to department "D1" (d1), which the approved plan does not contain.',
        )

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (
                unit_change("d1", "b"),
                'Department "D1" (d1) would be moved to unit "Unit b" (b) from "Unit a" (a), which the approved plan does not contain.',
            ),
            (
                unit_change("d1", None),
                'Department "D1" (d1) would be taken out of unit "Unit a" (a), which the approved plan does not contain.',
            ),
            (
                agent_change("d1", "u1", count=5),
                'Agent @u1 (u1) in department "D1" (d1) would be changed to count 5, which the approved plan does not contain.',
            ),
            (
                agent_change("d1", "u1", present=False),
                'Agent @u1 (u1) would be removed from department "D1" (d1), which the approved plan does not contain.',
            ),
        ],
    )
    def test_what_is_more_is_told(self, change: Change, said: str) -> None:
        """What would be sent and is not in the plan is told as what it would do."""
        there = workspace({"d1": "a"}, {"d1": {"u1": (3, 1)}})
        with pytest.raises(Drifted) as drift:
            hold_to(document(planned([], there), there), planned([change], there), there, ())
        assert drift.value.differences[0] == said

    def test_what_cannot_be_changed_any_longer(self) -> None:
        """A department that was archived since is told with what was to be changed and why it cannot be; what is so needs nothing."""
        there = workspace({"d1": "a"}, {"d1": {"u1": (3, 1)}})
        changes: list[Change] = [unit_change("d1", "b"), agent_change("d1", "u1", count=5), agent_change("d1", "u2", row=4)]
        approved = document(planned(changes, there), there)
        now = replace(there, departments={"d1": msgspec.structs.replace(there.departments["d1"], archived=True)})
        now = fulfilled(changes[2], now)
        with pytest.raises(Drifted) as drift:
            hold_to(approved, planned(changes, now), now, ())
        assert drift.value.differences == (
            'Department "D1" (d1): can no longer be changed (department-archived).',
            'Agent @u1 (u1) in department "D1" (d1): can no longer be changed (department-archived).',
        )

    def test_what_nothing_asks_for_any_more(self) -> None:
        """What the plan holds and the sheet's rows no longer come to, because a name means nothing now, is told."""
        there = workspace({"d1": "a"})
        approved = document(planned([unit_change("d1", "b")], there), there)
        with pytest.raises(Drifted) as drift:
            hold_to(approved, planned([], there), there, ())
        assert drift.value.differences == ('Department "D1" (d1): can no longer be changed.',)

    def test_stored_twice_since(self) -> None:
        """An agent whose numbers the plan found, and who is stored twice by now, has drifted: nobody knows which numbers count."""
        there = workspace({"d1": None}, {"d1": {"u1": (3, 1)}})
        change = agent_change("d1", "u1", count=5)
        approved = document(planned([change], there), there)
        now = replace(there, members={"d1": {"u1": msgspec.structs.replace(there.members["d1"]["u1"], doubled=True)}})
        seen = as_planned(now, approved)
        with pytest.raises(Drifted) as drift:
            hold_to(approved, planned([change], seen), seen, ())
        (difference,) = drift.value.differences
        assert difference == (
            'Agent @u1 (u1) in department "D1" (d1): was there with count 3 and order 1 when planned, '
            "is now there with count 3 and order 1, more than once (the plan wants it there with count 5)."
        )

    def test_stored_twice_as_planned(self) -> None:
        """One who was stored twice already when the plan was made is written as approved; the document tells it."""
        there = workspace({"d1": None}, {"d1": {"u1": (3, 1)}})
        there = replace(there, members={"d1": {"u1": msgspec.structs.replace(there.members["d1"]["u1"], doubled=True)}})
        change = agent_change("d1", "u1", count=5)
        approved = parse_plan(rendered(document(planned([change], there), there)))
        assert approved.changes[0].prior() == Place(count=3, order=1, doubled=True)
        (operation,) = hold_to(approved, planned([change], there), there, ()).operations
        assert isinstance(operation, AgentsPost)

    def test_department_deleted(self) -> None:
        """A department that is no longer there is told, by the name that the plan has."""
        there = workspace({"d1": "a"})
        approved = document(planned([unit_change("d1", "b")], there), there)
        with pytest.raises(Drifted, match="1 difference") as drift:
            hold_to(approved, planned([], workspace({})), workspace({}), ())
        assert drift.value.differences == ('Department "D1" (d1): the department no longer exists.',)

    def test_unit_deleted(self) -> None:
        """A unit that is no longer there is told by the name that the plan has, one that is new by the name of now."""
        there = workspace({"d1": "a"})
        approved = document(planned([unit_change("d1", "b")], there), there)
        units = {"d": Unit(id="d", name="Unit d", visibility="public")}
        now = replace(there, units=units, departments={"d1": msgspec.structs.replace(there.departments["d1"], name="Moved", parent_id="d")})
        with pytest.raises(Drifted) as drift:
            hold_to(approved, planned([], now), now, ())
        (difference,) = drift.value.differences
        assert difference == (
            'Department "Moved" (d1): was in unit "Unit a" (a) when planned, is now in unit "Unit d" (d) '
            '(the plan wants it in unit "Unit b" (b)).'
        )

    def test_another_sheet_or_server(self) -> None:
        """A plan is for one sheet and one server."""
        there = workspace({"d1": "a"})
        approved = document(planned([unit_change("d1", "b")], there), there)
        refuse_other_plan(approved, SHEET, "https://chat.example.org")
        for sheet, url in (
            (replace(SHEET, sha256="cd" * 32), "https://chat.example.org"),
            (replace(SHEET, sheet_name="Two"), "https://chat.example.org"),
            (SHEET, "https://other.example.org"),
        ):
            with pytest.raises(Stop) as stop:
                refuse_other_plan(approved, sheet, url)
            assert stop.value.exit_code is Exit.BAD_SHEET


def fulfilled(change: Change, there: Workspace) -> Workspace:
    """A workspace in which a change has been made."""
    if isinstance(change, DepartmentUnit):
        department = there.departments[change.department_id]
        return replace(
            there, departments={**there.departments, department.id: msgspec.structs.replace(department, parent_id=change.unit_id)}
        )
    assert isinstance(change, DepartmentAgent)
    members = dict(there.members[change.department_id])
    stored = change.stored(change.found(there))
    members.pop(change.agent_id, None)
    if change.present:
        members[change.agent_id] = Membership(agent_id=change.agent_id, username=change.username, count=stored.count, order=stored.order)
    return replace(there, members={**there.members, change.department_id: members})


def risen(there: Workspace, by: int) -> Workspace:
    """A workspace after some chats."""
    members = {
        department: {agent: msgspec.structs.replace(member, count=member.count + by) for agent, member in places.items()}
        for department, places in there.members.items()
    }
    return replace(there, members=members)


class TestListing:
    def lines(self, there: Workspace, changes: list[Change], on: Console | None = None, results: tuple[RowResult, ...] = ()) -> list[str]:
        seen = document(planned(changes, there), there, results)
        on = on or screen(100, 40)
        return shown(plan_lines(on, seen, with_ids=ambiguous(there)), on)

    def test_ids_where_names_are_ambiguous(self) -> None:
        """Departments that share a name, or differ only in case, are told with their ids; others by name alone."""
        there = workspace({"d1": "a", "d2": "a", "d3": "a"}, names={"d1": "Sales", "d2": "SALES ", "d3": "Care"})
        text = "\n".join(self.lines(there, [unit_change("d1", "b"), unit_change("d2", "b"), unit_change("d3", "b")]))
        assert '+ "Sales" (d1)  from "Unit a"' in text
        assert '"SALES" (d2)' in text
        assert '+ "Care"  from "Unit a"' in text

    def test_half_a_screen_for_each(self) -> None:
        """A section takes no more than half a screen, so that the end is still seen; how much is left out is counted, and where it is."""
        there = workspace({f"d{number:03}": "a" for number in range(300)}, names={})
        changes: list[Change] = [unit_change(f"d{number:03}", "b") for number in range(300)]
        results = tuple(RowResult(row=number, status=Status.INVALID, message="Wrong.") for number in range(2, 302))
        lines = self.lines(there, changes, screen(80, 24), results)
        sections = "\n".join(lines).split("\n\n")
        assert all(len(section.splitlines()) <= 12 for section in sections)
        assert lines[lines.index("Units (2)") + 1 :][:3] == [
            '  "Unit a"  −300',
            '  "Unit b"  +300',
            "  … each of these changes by name (plan --report DIR writes all)",
        ]
        assert any(line.endswith('  ~ unit "Unit a" to "Unit b"') for line in lines)
        assert "  … and 290 changes in 290 more departments (plan --report DIR writes all)" in lines
        assert "  … and 290 more (plan --report DIR writes all)" in lines
        assert all(len(line) <= 80 for line in lines)
        assert lines[-1] == "Plan: 2 units, 300 departments to move"

    def test_many_changes_of_one_thing_are_counted(self) -> None:
        """Where not everything can be told, what a thing gains and loses stands behind its name."""
        there = workspace({f"d{number:03}": "ab"[number % 2] for number in range(60)}, names={})
        lines = self.lines(there, [unit_change(f"d{number:03}", "ba"[number % 2]) for number in range(60)], screen(80, 24))
        assert '  "Unit a"  +30 −30' in lines

    def test_names_that_would_move_the_cursor(self) -> None:
        """Nothing in a name reaches the terminal as a command."""
        lines = self.lines(workspace({"d1": "a"}, names={"d1": "x\x1b[2Jy\n"}), [unit_change("d1", "b")])
        assert "\x1b" not in "".join(lines)

    def test_colour(self) -> None:
        """What comes, changes and goes has colours where they are asked for."""
        lines = self.lines(workspace({"d1": "a"}), [unit_change("d1", "b")], screen(colour=True))
        assert sum("\x1b[3" in line for line in lines) == 3
