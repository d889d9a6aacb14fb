"""Runs to be shown on a page, made without a server."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from bulkjob.changes import ALREADY_SO, Change, DepartmentAgent, DepartmentUnit, Outcome, Plan
from bulkjob.changes.change import Place, Prior, failed
from bulkjob.plan import RunState
from bulkjob.records import Account, Agent, Department, Server, Unit, Version, Workspace
from bulkjob.report.ending import exit_code_of
from bulkjob.report.pages import render_page, story_of_run
from bulkjob.report.pages.story import Story
from bulkjob.report.rows import row_results
from bulkjob.report.summary import Ending, RunFigures, TimeSpent
from bulkjob.sheet import check
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Code, Effect, Status, Stop

SERVER = Server(
    version=Version(7, 0),
    version_text="7.0.0",
    account=Account(id="u-job", username="bulkjob", roles=frozenset({"admin"})),
    permissions=None,
    modules=None,
)

FIGURES = RunFigures(
    calls=(("GET", "livechat/department", 200, 20), ("POST", "livechat/units/:id", 200, 9), ("PUT", "livechat/department/:id", 0, 1)),
    duration_seconds=1020.0,
    wait_seconds=2000.0,
    spent=TimeSpent(reading=60.0, changing=100.0, checking=80.0, waiting=775.0),
    started=datetime(2026, 11, 23, 0, 54, tzinfo=UTC),
    server_url="https://chat.example.org",
)


C = TypeVar("C", bound=Change)


def done(prior: Prior = None) -> Outcome:
    """A change that was written, and what it found."""
    return Outcome(status=Status.SUCCESS, change=Effect.UPDATED, attempts=1, http_status=200, seconds=0.2, prior=prior)


def move(department: str, unit: str | None, row: int) -> DepartmentUnit:
    return DepartmentUnit(department_id=department, unit_id=unit, rows=(row,))


def agent(department: str, name: str, row: int, **more: Any) -> DepartmentAgent:
    return DepartmentAgent(department_id=department, agent_id=f"u-{name}", username=name, rows=(row,), **more)


def workspace(
    parents: Mapping[str, str | None], *, units: Mapping[str, str] | None = None, agents: Mapping[str, Sequence[str]] = {}
) -> Workspace:
    """Departments, named ``Dept x`` by their ids, with their units and agents by name; units with their names."""
    known = units if units is not None else {unit: unit.upper() for unit in parents.values() if unit}
    return Workspace(
        departments={one: Department(id=one, name=f"Dept {one}", parent_id=unit, archived=False) for one, unit in parents.items()},
        units={one: Unit(id=one, name=name, visibility="public") for one, name in known.items()},
        agents={f"u-{name}": Agent(id=f"u-{name}", username=name, department_ids=frozenset(there)) for name, there in agents.items()},
    )


def state_of(sheet: str, there: Workspace | None, outcomes: Mapping[C, Outcome | None] | Mapping[C, Outcome], **more: Any) -> RunState:
    """What a run knows that has come so far; None for a change that it did not come to."""
    plan = Plan(changes=tuple(outcomes), settled={}, operations=(), warnings=tuple(more.pop("foretold", ())))
    known: dict[Change, Outcome] = {change: outcome for change, outcome in outcomes.items() if outcome}
    checked = check(parse(sheet.encode(), "reorg.csv"))
    return RunState(checked=checked, server=SERVER, workspace=there, plan=plan, outcomes=known, **more)


def story_of(state: RunState, stop: Stop | None = None, figures: RunFigures = FIGURES, **more: Any) -> Story:
    """The story of a run that ended so."""
    results = row_results(state, stop)
    ending = Ending(
        exit_code=exit_code_of(results.values(), stop),
        message=stop.message if stop else "",
        sheet_name=state.checked.sheet.name,
        sheet_sha256="ab" * 32,
        run_dir="runs/night",
        bulkjob_version="1.0",
        figures=figures,
        undoes=state.undoes,
        **{"owned": True, "undo": "bulkjob rollback runs/night", **more},
    )
    return story_of_run(state, results, ending, stop)


def page_of(state: RunState, stop: Stop | None = None, **more: Any) -> str:
    """Its page."""
    return render_page(story_of(state, stop, **more)).decode()


#: Cells that want to be more than text.
HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    "<!--<script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload=window.hacked=1>',
    "{{ 7 * 7 }}",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "-1+2",
    "'=already guarded",
    "007",
    "\u202egnp.exe",
    "line\u2028separator",
    "🦊 العربية",
    'comma, "quotes"; semicolon',
)


def hostile_state() -> RunState:
    """A run in which every name and cell is one of `HOSTILE`."""
    text = io.StringIO(newline="")

    writer = csv.writer(text)
    writer.writerow(["department", "unit", "agent", HOSTILE[0]])
    writer.writerows([[f"d{place}", "b", "", value] for place, value in enumerate(HOSTILE)])
    there = Workspace(
        departments={
            f"d{place}": Department(id=f"d{place}", name=value, parent_id="a", archived=False) for place, value in enumerate(HOSTILE)
        },
        units={"a": Unit(id="a", name=HOSTILE[1], visibility=None), "b": Unit(id="b", name=HOSTILE[3], visibility=None)},
        agents={},
    )
    outcomes: dict[Change, Outcome | None] = {}
    for place, value in enumerate(HOSTILE):
        outcomes[move(f"d{place}", "b", place + 2)] = failed(Code.REJECTED, value) if place % 2 else done("a")
    outcomes[agent("d0", HOSTILE[1], 2)] = done()
    return state_of(text.getvalue(), there, outcomes, warnings=list(HOSTILE))


def reorganisation(rows: int, *, units: int = 5, bad: bool = True) -> RunState:
    """A run of so many rows about as many departments, every tenth of them failed unless it was a good one."""
    lines = ["department,unit,agent,order,team,comment"]
    parents: dict[str, str | None] = {f"d{place}": f"u{place % units}" for place in range(rows)}
    names = {f"u{place}": f"Unit {place}" for place in range(units)}
    outcomes: dict[Change, Outcome | None] = {}
    for place in range(rows):
        row, to = place + 2, (place * 7 + place // units) % units
        lines.append(f"Dept d{place},Unit {to},agent{place % 300},{place % 9},Team {place % 40},remark number {place}")
        refused = bad and place % 10 == 3
        outcomes[move(f"d{place}", f"u{to}", row)] = ALREADY_SO if to == place % units else done(parents[f"d{place}"])
        kind = place % 4
        member = agent(f"d{place}", f"agent{place % 300}", row, order=place % 9, present=kind != 1)
        outcomes[member] = failed(Code.NOT_APPLIED) if refused else done(Place(count=0, order=8) if kind in (1, 2) else None)
    agents = {f"agent{place}": [f"d{place}"] for place in range(min(rows, 300))}
    return state_of("\n".join(lines), workspace(parents, units=names, agents=agents), outcomes)


def without_tags(page: str) -> str:
    """What a page says."""
    return re.sub(r"<[^>]*>", "", page)
