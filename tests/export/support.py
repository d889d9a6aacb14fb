"""Workspaces with names as they come, and exports of them on virtual time."""

import asyncio
import csv
import io
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bulkjob.commands.export import exported
from bulkjob.export import Extent
from bulkjob.rocketchat import Transport
from bulkjob.sandbox import Sandbox
from bulkjob.settings import Settings
from bulkjob.vocabulary import Exit
from tests.support.in_process import EPOCH, InProcess, Meddling
from tests.support.states import State
from tests.support.virtual_time import VirtualTimeLoop

NASTY = (
    *("", " ", "-", "–", " - ", "\u200b-", "--", "@", "@anna", "@@anna", " @anna", "=1+1", "+1", "-1", "'=1+1", "''", "'", "\t=x"),
    *('"', '""', '"a"', "a,b", "a;b", "a\tb", "a\nb", "a\r\nb", "a\rb", "sep=;", "department", "unit", "remove", "add"),
    *("007", "0042", "1e5", "1.0", "1-2", "1.23E+05", "NA", "null", "None", "TRUE", "nan", "#N/A", "#REF!", "#WERT!", "####", "Err:502"),
    *("<r>x</r>", "<r><t>x</t></r>", "<b>", "&amp;", "&", "_x0041_", "_x000D_", "]]>", "http://x.example", "mailto:a@x.example"),
    *("Süd", "Su\u0308d", "süd", "SÜD", "STRASSE", "Straße", "İ", "ı", "ﬁ", "K", "Anna", "anna", "ANNA", "\u0301a"),
    *("a b", "a  b", "a\u00a0b", " a b ", "a\u200bb", "\ufeffa b", "internal:A1", "ανά", "שלום", "\u202eabc", "👩‍👩‍👧", "日本"),
    *("x" * 300, "\x01", "a\x00b", "\x7f", "\x85a", "\ufffe", "\uffff"),
)


def law(examples: int) -> settings:
    """Cases that are the same every time: a build does not fail by chance."""
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@st.composite
def names(draw: st.DrawFn, ids: Sequence[str], taken: list[str], *, more: Sequence[str] = ()) -> str:
    """A name as people, programs and accidents make them: often one that is taken, or nearly so, or that is an id of something else."""
    twins = [twin for name in taken for twin in (name, name.upper(), name.lower(), f" {name}", f"{name} ", name.replace(" ", "  "))]
    choices = [st.sampled_from([*NASTY, *more]), st.text(max_size=8), st.sampled_from(ids)]
    name: str = draw(st.one_of(*choices, *([st.sampled_from(twins)] if twins else [])))
    taken.append(name)
    return name


@st.composite
def states(draw: st.DrawFn) -> State:
    """A workspace of a server, names and numbers as they come."""
    units = [f"u{number}" for number in range(draw(st.integers(0, 4)))]
    departments = [f"d{number}" for number in range(draw(st.integers(0, 6)))]
    people = [f"a{number}" for number in range(draw(st.integers(0, 6)))]
    ids = [*units, *departments, *people, "D0", "A0"]
    usernames: list[str] = []
    users = [
        {"_id": one, "username": draw(names(ids, usernames)), "roles": draw(st.sampled_from([["livechat-agent"]] * 4 + [["user"]]))}
        for one in people
    ]
    department_names: list[str] = []
    unit_names: list[str] = []
    numbers = st.sampled_from([0, 0, 1, 2, 7, 2**31 - 1, 2**31, -1])
    places: list[State] = []
    documents: list[State] = []
    for identifier in departments:
        archived = draw(st.integers(0, 4)) == 4
        document: State = {
            "_id": identifier,
            "name": draw(names(ids, department_names)),
            "email": "x@example.org",
            "enabled": True,
            "showOnRegistration": True,
            "showOnOfflineForm": True,
            "archived": archived,
        }
        if unit := draw(st.sampled_from([None, *units, "u-that-is-gone"])):
            document |= {"parentId": unit, "ancestors": [unit]}
        documents.append(document)
        members = draw(st.sets(st.sampled_from([*people, "a-that-is-gone"]))) if people else set[str]()
        for member in sorted(members):
            stale = draw(st.integers(0, 5)) == 5
            username = next((user["username"] for user in users if user["_id"] == member and not stale), "once.upon")
            place = {"agentId": member, "departmentId": identifier, "username": username, "count": draw(numbers), "order": draw(numbers)}
            places.append({"_id": f"p{len(places)}", **place})
    return {
        "license": draw(st.sampled_from([["livechat-enterprise"]] * 4 + [[]])),
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["admin"]},
            {"_id": "u-monitor", "username": "monitor", "roles": ["livechat-monitor"]},
            {"_id": "u-clerk", "username": "clerk", "roles": ["clerk"]},
            *users,
        ],
        "permissions": {
            "view-livechat-departments": ["admin", "livechat-monitor", "clerk"],
            "transfer-livechat-guest": ["admin", "livechat-monitor", "clerk"],
            "manage-livechat-departments": ["admin", "livechat-monitor"],
            "manage-livechat-units": ["admin"],
            "manage-livechat-monitors": ["admin"],
            "add-livechat-department-agents": ["admin"],
        },
        "departments": documents,
        "departmentAgents": places,
        "units": [{"_id": unit, "name": draw(names(ids, unit_names)), "visibility": "public", "type": "u"} for unit in units],
        "unitMonitors": [{"_id": "m0", "monitorId": "u-monitor", "username": "monitor", "unitId": unit} for unit in units[:1]],
    }


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What is logged, from the information on."""
    text = io.StringIO()
    handler, own = logging.StreamHandler(text), logging.getLogger("bulkjob")
    level = own.level
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    try:
        yield text
    finally:
        own.setLevel(level)
        own.removeHandler(handler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What became of an export."""

    exit: Exit
    calls: list[dict[str, Any]]
    log: str


def export_in_process(
    state: State,
    path: Path,
    *,
    user: str = "admin",
    version: str = "7.0",
    faults: str | None = None,
    rate_limit: str = "off",
    with_counts: bool = False,
    full: bool = False,
    force: bool = False,
    meddle: Meddling | None = None,
) -> Exported:
    """Export a sandbox's workspace on virtual time: the exit code, the calls, the log."""
    with logged() as log, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        sandbox = Sandbox(state, clock=lambda: EPOCH + loop.time(), faults=faults, rate_limit=rate_limit, server_version=version)
        before = sandbox.state()
        account = next(someone for someone in state["users"] if someone["username"] == user)

        @asynccontextmanager
        async def connect(_: Settings) -> AsyncIterator[Transport]:
            yield InProcess(sandbox, account, lambda _: 0.0, meddle)

        extent = Extent(with_counts=with_counts, full=full)
        code = runner.run(exported(Settings(url="https://chat.example.org"), path, extent, force=force, connect=connect))
        assert sandbox.state() == before
        return Exported(exit=code, calls=sandbox.calls(), log=log.getvalue())


def cells_of(path: Path) -> list[dict[str, str]]:
    """The rows of an exported CSV by header."""
    text = path.read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [dict(zip(header, row, strict=True)) for row in rows]
