"""The plan as a file, and what of it still fits."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.changes.change import without_rows
from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.changes.operations import AgentsPost, DepartmentPut, Plan
from bulkjob.plan.decide import Options, plan_wishes
from bulkjob.plan.document import Choices, PlanDocument, document_of, wish_of
from bulkjob.plan.drift import Drifted, as_planned, hold_to, refuse_other_plan
from bulkjob.plan.file import parse_plan, render_plan
from bulkjob.plan.forecast import forecast_of
from bulkjob.records.results import RowResult
from bulkjob.records.server import Account, Server, Version
from bulkjob.records.sheet import Sheet
from bulkjob.records.workspace import Agent, Department, Membership, Unit, Workspace
from bulkjob.report.plan_listing import Screen, ambiguous, in_encoding, next_step, plan_lines
from bulkjob.rocketchat.endpoints import LIST_DEPARTMENTS
from bulkjob.vocabulary import Exit, Status, Stop

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

SCREEN = Screen()

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


def unit_wish(department: str, unit: str | None, row: int = 2) -> DepartmentUnit:
    return DepartmentUnit(department_id=department, unit_id=unit, rows=(row,))


def agent_wish(
    department: str, agent: str, *, present: bool = True, count: int | None = None, order: int | None = None, row: int = 3
) -> DepartmentAgent:
    return DepartmentAgent(department_id=department, agent_id=agent, username=agent, present=present, count=count, order=order, rows=(row,))


def planned(wishes: list[Wish], there: Workspace) -> Plan:
    return plan_wishes(wishes, there, SERVER, Options())


def document(plan: Plan, there: Workspace, results: tuple[RowResult, ...] = (), stop: Stop | None = None) -> PlanDocument:
    forecast = forecast_of(plan.operations, SERVER, reading={LIST_DEPARTMENTS: 1}, limit=None, concurrency=8)
    return document_of(
        sheet=SHEET,
        server_url="https://chat.example.org",
        choices=CHOICES,
        results=results,
        warnings=plan.warnings,
        refused=stop,
        decided=(plan, there, SERVER, forecast),
    )


numbers = st.integers(0, 5)
places = st.dictionaries(st.sampled_from(AGENTS), st.tuples(numbers, numbers))
workspaces = st.builds(
    workspace,
    st.fixed_dictionaries({name: st.sampled_from(UNITS) for name in IDS}),
    st.fixed_dictionaries(dict.fromkeys(IDS, places)),
    st.dictionaries(st.sampled_from(IDS), st.text(max_size=8)),
)


@st.composite
def wish_lists(draw: st.DrawFn) -> list[Wish]:
    """Wishes, each about something else, each with a row of its own."""
    units = draw(st.dictionaries(st.sampled_from(IDS), st.sampled_from(UNITS)))
    agents = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(IDS), st.sampled_from(AGENTS)), st.tuples(st.booleans(), st.none() | numbers, st.none() | numbers)
        )
    )
    wishes: list[Wish] = [unit_wish(department, unit, row=row) for row, (department, unit) in enumerate(units.items(), start=2)]
    for row, ((department, agent), (present, count, order)) in enumerate(agents.items(), start=20):
        kept = (count, order) if present else (None, None)
        wishes.append(agent_wish(department, agent, present=present, count=kept[0], order=kept[1], row=row))
    return wishes


class TestFile:
    @given(wish_lists(), workspaces)
    def test_round_trip(self, wishes: list[Wish], there: Workspace) -> None:
        """A plan that is written and read is the same; its wishes are those of the plan; each operation names the wishes it carries."""
        plan = planned(wishes, there)
        written = document(plan, there)
        assert parse_plan(render_plan(written)) == written
        assert json.loads(render_plan(written))["format"] == 1
        assert tuple(wish_of(entry) for entry in written.wishes) == plan.wishes
        for entry, operation in zip(written.operations, plan.operations, strict=True):
            assert (entry.id, entry.after) == (operation.id, operation.after)
            assert tuple(wish_of(written.wishes[place]) for place in entry.wishes) == operation.wishes
        assert {entry.status for entry in written.wishes} <= {Status.PLANNED, Status.SUCCESS}

    def test_a_line_each(self) -> None:
        """Each operation, wish and row has a line of its own, so that two plans can be compared line by line."""
        there = workspace({"d1": "a", "d2": "b"})
        plan = planned([unit_wish("d1", "b"), unit_wish("d2", None)], there)
        lines = render_plan(document(plan, there)).decode().splitlines()
        assert sum(line.startswith('    {"about":"unit"') for line in lines) == 2
        assert sum(line.startswith('    {"id":"unit/') for line in lines) == 2

    def test_half_a_surrogate_pair(self) -> None:
        """A name that no file can hold is written with a question mark for what cannot be, and read again."""
        there = workspace({"d1": "a"}, names={"d1": "Sales \ud83d"})
        plan = planned([unit_wish("d1", "b")], there)
        assert parse_plan(render_plan(document(plan, there))).wishes[0].department.name == "Sales ?"

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (lambda text: text[: len(text) // 2], "no plan"),
            (lambda text: text.replace('"format": 1', '"format": 2'), "format 2"),
            (lambda text: text.replace('"wishes":[0]', '"wishes":[7]'), "damaged"),
            (lambda text: text.replace('"agents":"add"', '"agents":"all"'), "damaged"),
            (lambda text: "[]", "no plan"),
            (lambda text: "\ufeff", "no plan"),
        ],
    )
    def test_damage_is_seen(self, damage: Callable[[str], str], said: str) -> None:
        """What is no plan, a damaged one or one of another format is told as such."""
        there = workspace({"d1": "a"})
        text = render_plan(document(planned([unit_wish("d1", "b")], there), there)).decode()
        with pytest.raises(ValueError, match=said):
            parse_plan(damage(text).encode())

    def test_what_found_and_wanted_look_like(self) -> None:
        """A unit is told by id and name, a place by its numbers where they are known; null is none."""
        there = workspace({"d1": "a", "d2": None}, {"d1": {"u1": (3, 1)}})
        plan = planned([unit_wish("d1", None), agent_wish("d1", "u1", count=5), agent_wish("d2", "u2")], there)
        entries = json.loads(render_plan(document(plan, there)))["wishes"]
        assert [(entry["found"], entry["wanted"]) for entry in entries] == [
            ({"id": "a", "name": "Unit a"}, None),
            ({"count": 3, "order": 1}, {"count": 5, "order": None}),
            (None, {"count": None, "order": None}),
        ]


class TestDrift:
    @given(wish_lists(), workspaces)
    def test_nothing_changed(self, wishes: list[Wish], there: Workspace) -> None:
        """In the workspace it was made from, a plan is held to as it is."""
        plan = planned(wishes, there)
        approved = document(plan, there)
        assert as_planned(there, approved) == there
        assert hold_to(approved, plan, there, ()) == plan

    @given(wish_lists(), workspaces, st.data())
    def test_half_done(self, wishes: list[Wish], there: Workspace, data: st.DataObject) -> None:
        """Whatever part of it is done already, and whatever counts have risen, the rest is sent, by operations that were approved."""
        plan = planned(wishes, there)
        approved = document(plan, there)
        now = there
        for wish in plan.wishes:
            if wish not in plan.settled and data.draw(st.booleans()):
                now = fulfilled(wish, now)
        now = risen(now, data.draw(numbers))
        seen = as_planned(now, approved)
        held = hold_to(approved, planned(wishes, seen), seen, ())
        carriers = {without_rows(wish): operation.id for operation in plan.operations for wish in operation.wishes}
        for operation in held.operations:
            assert {carriers[without_rows(wish)] for wish in operation.wishes} <= {operation.id}
            assert set(operation.after) <= {other.id for other in held.operations}

    @pytest.mark.parametrize(
        ("wish", "found", "now", "drifts"),
        [
            (unit_wish("d1", "b"), "a", "a", False),
            (unit_wish("d1", "b"), "a", "b", False),
            (unit_wish("d1", "b"), "a", "c", True),
            (unit_wish("d1", "b"), "a", None, True),
            (unit_wish("d1", None), "a", None, False),
            (unit_wish("d1", None), "a", "b", True),
            (unit_wish("d1", "b"), None, "a", True),
            # It was so when the plan was made, and is not any longer.
            (unit_wish("d1", "b"), "b", "a", True),
            (agent_wish("d1", "u1", count=5), (3, 1), (3, 1), False),
            (agent_wish("d1", "u1", count=5), (3, 1), (5, 1), False),
            (agent_wish("d1", "u1", count=5), (3, 1), (4, 1), False),
            (agent_wish("d1", "u1", count=5), (3, 1), (8, 1), False),
            (agent_wish("d1", "u1", count=5), (3, 1), (2, 1), True),
            (agent_wish("d1", "u1", count=5), (3, 1), (3, 2), True),
            (agent_wish("d1", "u1", count=5), (3, 1), None, True),
            (agent_wish("d1", "u1", count=5), None, (0, 0), True),
            (agent_wish("d1", "u1", count=5), None, (6, 0), False),
            (agent_wish("d1", "u1", count=2), (3, 1), (2, 1), False),
            (agent_wish("d1", "u1", count=2, order=7), (3, 1), (2, 7), False),
            (agent_wish("d1", "u1", order=7), (3, 1), (9, 7), False),
            (agent_wish("d1", "u1", present=False), (3, 1), None, False),
            (agent_wish("d1", "u1", present=False), (3, 1), (4, 1), False),
            (agent_wish("d1", "u1", present=False), (3, 1), (3, 2), True),
            (agent_wish("d1", "u1", present=False), None, (3, 1), True),
        ],
    )
    def test_table(self, wish: Wish, found: Any, now: Any, drifts: bool) -> None:  # noqa: FBT001 - a column of the table
        """Drift is what is neither as found nor as wanted; a count that has only risen is none."""

        def made(state: Any) -> Workspace:
            if isinstance(wish, DepartmentUnit):
                return workspace({"d1": state})
            return workspace({"d1": None}, {"d1": {} if state is None else {"u1": state}})

        approved = document(planned([wish], made(found)), made(found))
        seen = as_planned(made(now), approved)
        if not drifts:
            hold_to(approved, planned([wish], seen), seen, ())
            return
        with pytest.raises(Drifted) as drift:
            hold_to(approved, planned([wish], seen), seen, ())
        assert drift.value.exit_code is Exit.BAD_SHEET
        assert "D1" in drift.value.differences[0]
        # A row that an earlier attempt brought to success is not looked at again.
        hold_to(approved, planned([], seen), seen, wish.rows)

    def test_approved_route(self) -> None:
        """Additions that were to go along with removals go by the same call when the removals are done, after what they come after."""
        wishes: list[Wish] = [
            unit_wish("d1", "b"),
            agent_wish("d1", "u1", present=False),
            agent_wish("d1", "u2", row=4),
        ]
        before, now = workspace({"d1": "a"}, {"d1": {"u1": (0, 0)}}), workspace({"d1": "a"}, {"d1": {}})
        options = Options(unit_route="department")
        other = replace(before, departments={**before.departments, "d9": replace(before.departments["d1"], id="d9")})
        now = replace(now, departments=other.departments)
        approved = document(plan_wishes(wishes, other, SERVER, options), other)
        fresh = plan_wishes(wishes, now, SERVER, options)
        assert [type(operation) for operation in fresh.operations] == [DepartmentPut]
        held = hold_to(approved, fresh, now, ())
        assert [(operation.id, operation.after) for operation in held.operations] == [
            ("department/d1", ()),
            ("agents/d1", ("department/d1",)),
        ]
        assert isinstance(held.operations[1], AgentsPost)

    def test_more_than_approved(self) -> None:
        """A wish that the plan does not hold refuses it, also where it would go along with an approved call."""
        there = workspace({"d1": "a"}, {"d1": {}})
        approved = document(planned([agent_wish("d1", "u1")], there), there)
        fresh = planned([agent_wish("d1", "u1"), agent_wish("d1", "u2", row=4)], there)
        with pytest.raises(Drifted) as drift:
            hold_to(approved, fresh, there, ())
        assert drift.value.differences == (
            'Agent @u2 (u2) would be put into department "D1" (d1), or changed there, which the plan does not hold.',
        )

    def test_department_deleted(self) -> None:
        """A department that is no longer there is told."""
        there = workspace({"d1": "a"})
        approved = document(planned([unit_wish("d1", "b")], there), there)
        with pytest.raises(Drifted, match="1 difference"):
            hold_to(approved, planned([], workspace({})), workspace({}), ())

    def test_another_sheet_or_server(self) -> None:
        """A plan is for one sheet and one server."""
        there = workspace({"d1": "a"})
        approved = document(planned([unit_wish("d1", "b")], there), there)
        refuse_other_plan(approved, SHEET, "https://chat.example.org")
        for sheet, url in (
            (replace(SHEET, sha256="cd" * 32), "https://chat.example.org"),
            (replace(SHEET, sheet_name="Two"), "https://chat.example.org"),
            (SHEET, "https://other.example.org"),
        ):
            with pytest.raises(Stop) as stop:
                refuse_other_plan(approved, sheet, url)
            assert stop.value.exit_code is Exit.BAD_SHEET


def fulfilled(wish: Wish, there: Workspace) -> Workspace:
    """A workspace in which a wish has come true."""
    department = there.departments[wish.department_id]
    if isinstance(wish, DepartmentUnit):
        return replace(there, departments={**there.departments, department.id: replace(department, parent_id=wish.unit_id)})
    members = dict(there.members[department.id])
    before = members.pop(wish.agent_id, None)
    if wish.present:
        change = wish.change(before)
        members[wish.agent_id] = Membership(agent_id=wish.agent_id, username=wish.username, count=change.count, order=change.order)
    return replace(there, members={**there.members, department.id: members})


def risen(there: Workspace, by: int) -> Workspace:
    """A workspace after some chats."""
    members = {
        department: {agent: replace(member, count=member.count + by) for agent, member in places.items()}
        for department, places in there.members.items()
    }
    return replace(there, members=members)


class TestListing:
    def lines(self, there: Workspace, wishes: list[Wish], screen: Screen = SCREEN, results: tuple[RowResult, ...] = ()) -> list[str]:
        seen = document(planned(wishes, there), there, results)
        return plan_lines(seen, with_ids=ambiguous(there), next_step=next_step(seen, run="bulkjob run x"), screen=screen)

    def test_ids_where_names_are_ambiguous(self) -> None:
        """Departments that share a name, or differ only in case, are told with their ids; others by name alone."""
        there = workspace({"d1": "a", "d2": "a", "d3": "a"}, names={"d1": "Sales", "d2": "SALES ", "d3": "Care"})
        text = "\n".join(self.lines(there, [unit_wish("d1", "b"), unit_wish("d2", "b"), unit_wish("d3", "b")]))
        assert '+ "Sales" (d1)  from "Unit a"' in text
        assert '"SALES" (d2)' in text
        assert '+ "Care"  from "Unit a"' in text

    def test_a_screenful(self) -> None:
        """A section takes no more than a screen; how much is left out is counted."""
        there = workspace({f"d{number:03}": "a" for number in range(300)}, names={})
        wishes: list[Wish] = [unit_wish(f"d{number:03}", "b") for number in range(300)]
        results = tuple(RowResult(row=number, status=Status.INVALID, message="Wrong.") for number in range(2, 302))
        lines = self.lines(there, wishes, Screen(width=80, height=24), results)
        sections = "\n".join(lines).split("\n\n")
        assert all(len(section.splitlines()) <= 23 for section in sections)
        assert "  … and 581 more changes, of 1 more unit among them" in lines
        assert "  … and 290 more changes, of 290 more departments among them" in lines
        assert "  … and 280 more; --json prints them all" in lines
        assert all(len(line) <= 80 for line in lines)

    def test_plain_signs(self) -> None:
        """A terminal that has no minus sign gets a hyphen."""
        assert in_encoding(["− a …"], "ascii") == ["- a ..."]
        assert in_encoding(["− a …"], "latin-1") == ["- a ..."]
        assert in_encoding(["− a …"], "utf-8") == ["− a …"]

    def test_names_that_would_move_the_cursor(self) -> None:
        """Nothing in a name reaches the terminal as a command."""
        lines = self.lines(workspace({"d1": "a"}, names={"d1": "x\x1b[2Jy\n"}), [unit_wish("d1", "b")])
        assert "\x1b" not in "".join(lines)

    def test_colour(self) -> None:
        """What comes, changes and goes has colours where they are asked for."""
        lines = self.lines(workspace({"d1": "a"}), [unit_wish("d1", "b")], Screen(colour=True))
        assert sum(line.startswith("\x1b[") for line in lines) == 3
