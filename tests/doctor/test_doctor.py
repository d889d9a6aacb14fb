"""Doctor: what is missing before the night, said truthfully, with what to do about it, and with nothing changed."""

import asyncio
import copy
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bulkjob.cli import main
from bulkjob.doctor.facts import DirectoryFacts, Facts, Listed, ListName, ServerFacts
from bulkjob.doctor.finding import ASKED, Finding, State
from bulkjob.doctor.findings import exit_code_of, findings_of
from bulkjob.doctor.look import gather_facts
from bulkjob.doctor.rights import NEEDS
from bulkjob.doctor.table import findings_lines
from bulkjob.records.server import (
    ADD_AGENTS,
    BYPASS_RATE_LIMIT,
    MANAGE_DEPARTMENTS,
    MANAGE_MONITORS,
    MANAGE_UNITS,
    Account,
    Server,
    Version,
)
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.failures import Failure, Next, ServerStop
from bulkjob.rocketchat.pacing import Limit
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.sandbox import Sandbox
from bulkjob.sandbox.state import DEFAULT_PERMISSIONS
from bulkjob.settings.secret import Secret
from bulkjob.settings.table import SETTINGS
from bulkjob.settings.values import MaxRemovals, Settings
from bulkjob.vocabulary import Code, Exit, Stop
from tests.support.in_process import EPOCH
from tests.support.screens import screen, shown
from tests.support.virtual_time import VirtualTimeLoop

SECRET = "s3cret-Zx9-of-the-service-account"
URL = "https://chat.example.org"
ALL = frozenset({ADD_AGENTS, MANAGE_DEPARTMENTS, MANAGE_UNITS, MANAGE_MONITORS, BYPASS_RATE_LIMIT})
LICENCE = frozenset({"livechat-enterprise"})
LISTS = {name: Listed(total=3) for name in ListName}
READ = ("view-livechat-departments", "transfer-livechat-guest")


# ------------------------------------------------------------------------------------------------------- findings from facts


def server(**changes: Any) -> Server:
    """A server and an account that lack nothing, but for ``changes``."""
    account = Account(id="u-bot", username="robot", roles=frozenset({"livechat-manager", "user"}))
    return replace(Server(version=Version(7, 0), version_text="7.0", account=account, permissions=ALL, modules=LICENCE), **changes)


def roles(*names: str) -> Account:
    return Account(id="u-bot", username="robot", roles=frozenset(names))


def facts(**changes: Any) -> Facts:
    """Facts of which none is bad, but for ``changes``: those of `ServerFacts`, or of `Facts`."""
    own = {name: changes.pop(name) for name in ("url", "directory", "wrong_settings", "unit_route", "sheet") if name in changes}
    answers = replace(ServerFacts(info="7.0", server=server(), lists=LISTS), **changes)
    return replace(Facts(url=URL, directory=DirectoryFacts(path="runs", tried="runs"), answers=answers), **own)


def refused(status: int | None = 403, code: Exit = Exit.NO_PERMISSION, said: str = "unauthorized") -> Listed:
    ends = Next.JOB if status == 403 else Next.REPEAT
    return Listed(failure=Failure(next=ends, code=Code.REFUSED, said=said, status=status), exit_code=code)


def missing(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.what for finding in findings if finding.state is State.MISSING]


def hints(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.what for finding in findings if finding.state is State.HINT]


def one(findings: tuple[Finding, ...], what: str) -> Finding:
    [finding] = [finding for finding in findings if finding.what == what]
    return finding


def unreached(stop: Exit, said: str = "no", **changes: Any) -> dict[str, Any]:
    failure = Failure(next=Next.REPEAT, code=Code.CONNECTION, said=said)
    return {"info": replace(failure, **changes), "stop": Stop(stop, "It ends."), "server": None, "lists": {}}


FAILURE_401 = Failure(next=Next.JOB, code=Code.REFUSED, said="unauthorized", status=401)
FAILURE_404 = Failure(next=Next.REPEAT, code=Code.BAD_RESPONSE, said="404 Not Found", status=404)
WITHOUT = {permission: ALL - {permission} for permission in ALL}

#: Facts → what is missing, what is a hint, and how it ends.
CASES: list[tuple[str, dict[str, Any], list[str], list[str], Exit]] = [
    ("nothing bad", {}, [], [], Exit.OK),
    ("wrong settings", {"wrong_settings": ("A is not set.", "B is wrong.")}, ["settings", "settings"], [], Exit.BAD_SETTING),
    ("directory", {"directory": DirectoryFacts(path="r", tried="/", problem="no")}, ["run directory"], [], Exit.CANNOT_CREATE),
    ("unreachable", unreached(Exit.UNAVAILABLE), ["address"], ["permissions, lists"], Exit.UNAVAILABLE),
    ("failing", unreached(Exit.UNAVAILABLE, status=502), ["address"], ["permissions, lists"], Exit.UNAVAILABLE),
    ("untrusted", unreached(Exit.BAD_SETTING, untrusted=True, remedy="Renew it."), ["TLS"], ["permissions, lists"], Exit.BAD_SETTING),
    (
        "redirect",
        unreached(Exit.BAD_SETTING, redirected=True, remedy="Set it."),
        ["address"],
        ["permissions, lists"],
        Exit.BAD_SETTING,
    ),
    ("no Rocket.Chat", unreached(Exit.BAD_SETTING, status=200), ["address"], ["permissions, lists"], Exit.BAD_SETTING),
    ("no TLS", {"url": "http://chat"}, [], ["TLS"], Exit.OK),
    (
        "too old",
        {"info": "5.4", "server": None, "stop": Stop(Exit.BAD_SETTING, "It ends.")},
        ["Rocket.Chat"],
        ["permissions, lists"],
        Exit.BAD_SETTING,
    ),
    ("before 6.13", {"info": "6.12"}, [], ["Rocket.Chat"], Exit.OK),
    ("hidden version", {"info": None}, [], ["Rocket.Chat"], Exit.OK),
    (
        "wrong token",
        {"server": None, "stop": ServerStop(Exit.NO_PERMISSION, "It ends.", FAILURE_401)},
        ["account"],
        ["permissions, lists"],
        Exit.NO_PERMISSION,
    ),
    ("no departments", {"lists": {**LISTS, ListName.DEPARTMENTS: refused()}}, [ListName.DEPARTMENTS], [], Exit.NO_PERMISSION),
    ("no agents", {"lists": {**LISTS, ListName.AGENTS: refused()}}, [ListName.AGENTS], [], Exit.NO_PERMISSION),
    ("failing list", {"lists": {**LISTS, ListName.AGENTS: refused(500, Exit.UNAVAILABLE)}}, [ListName.AGENTS], [], Exit.UNAVAILABLE),
    ("monitors unread", {"lists": {**LISTS, ListName.MONITORS: refused()}}, [ListName.MONITORS], [], Exit.NO_PERMISSION),
    (
        "monitors not needed",
        {"lists": {**LISTS, ListName.MONITORS: refused()}, "unit_route": "department"},
        [],
        [ListName.MONITORS],
        Exit.OK,
    ),
    ("no licence", {"server": server(modules=frozenset())}, ["licence"], [], Exit.NO_PERMISSION),
    ("silent licence", {"server": server(modules=None)}, [], [], Exit.OK),
    (
        "silent licence, no endpoint",
        {"server": server(modules=None), "lists": {**LISTS, ListName.UNITS: Listed(failure=FAILURE_404, exit_code=Exit.UNAVAILABLE)}},
        ["licence"],
        [],
        Exit.NO_PERMISSION,
    ),
    ("no add-agents", {"server": server(permissions=WITHOUT[ADD_AGENTS])}, [ADD_AGENTS], [], Exit.NO_PERMISSION),
    ("other route is open", {"server": server(permissions=WITHOUT[MANAGE_DEPARTMENTS])}, [], [MANAGE_DEPARTMENTS], Exit.OK),
    (
        "unit route is a hint",
        {"server": server(permissions=WITHOUT[MANAGE_MONITORS])},
        [],
        [MANAGE_MONITORS, "way to write units"],
        Exit.OK,
    ),
    (
        "unit route is wanted",
        {"server": server(permissions=WITHOUT[MANAGE_MONITORS]), "unit_route": "unit"},
        [MANAGE_MONITORS, "way to write units"],
        [],
        Exit.NO_PERMISSION,
    ),
    (
        "unit route is the only one",
        {"info": "6.12", "server": server(version=Version(6, 12), version_text="6.12", permissions=WITHOUT[MANAGE_MONITORS])},
        [MANAGE_MONITORS, "way to write units"],
        ["Rocket.Chat"],
        Exit.NO_PERMISSION,
    ),
    (
        "department route is wanted",
        {"server": server(permissions=WITHOUT[MANAGE_DEPARTMENTS]), "unit_route": "department"},
        [MANAGE_DEPARTMENTS, "way to write units"],
        [],
        Exit.NO_PERMISSION,
    ),
    (
        "department route wants a role",
        {"server": server(account=roles("custom")), "unit_route": "department"},
        ["way to write units"],
        [],
        Exit.NO_PERMISSION,
    ),
    (
        "monitor",
        {"server": server(account=roles("livechat-monitor")), "unit_route": "department"},
        [],
        ["way to write units"],
        Exit.OK,
    ),
    (
        "units of others unseen",
        {"server": server(permissions=WITHOUT[MANAGE_UNITS])},
        [],
        [ListName.UNITS, MANAGE_UNITS, "way to write units"],
        Exit.OK,
    ),
    (
        "no unit seen",
        {"server": server(permissions=WITHOUT[MANAGE_UNITS]), "lists": {**LISTS, ListName.UNITS: Listed(total=0)}},
        [ListName.UNITS, MANAGE_UNITS],
        ["way to write units"],
        Exit.NO_PERMISSION,
    ),
    ("silent permissions", {"server": server(permissions=None)}, [], ["permissions"], Exit.OK),
    ("rate limit", {"limit": Limit(calls=10, window=60.0)}, [], ["rate limit"], Exit.OK),
    ("clock", {"clock_ahead": -95.0}, [], ["clock"], Exit.OK),
]


class TestFindings:
    """Facts are judged."""

    @pytest.mark.parametrize(("changes", "lacks", "better", "code"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
    def test_table_of_cases(self, changes: dict[str, Any], lacks: list[str], better: list[str], code: Exit) -> None:
        """Each thing that is bad is found, nothing else is, and only what is missing decides the exit code."""
        findings = findings_of(facts(**changes))
        assert (missing(findings), hints(findings), exit_code_of(findings)) == (lacks, better, code)

    @pytest.mark.parametrize("changes", [case[1] for case in CASES], ids=[case[0] for case in CASES])
    def test_whatever_is_missing_has_a_remedy(self, changes: dict[str, Any]) -> None:
        """No line says that something is missing without saying what to do, but for settings, whose sentences say it."""
        for finding in findings_of(facts(**changes)):
            assert finding.said.endswith((".", "…"))
            assert finding.state is not State.MISSING or finding.remedy.endswith(".") or finding.what == "settings"

    def test_first_missing_decides(self) -> None:
        """Settings come before the run directory, and that before the server; all of them are shown."""
        directory = DirectoryFacts(path="r", tried="/", problem="no")
        bad = facts(directory=directory, wrong_settings=("A is wrong.",), **unreached(Exit.UNAVAILABLE))
        assert missing(findings_of(bad)) == ["settings", "run directory", "address"]
        assert exit_code_of(findings_of(bad)) is Exit.BAD_SETTING
        assert exit_code_of(findings_of(replace(bad, wrong_settings=()))) is Exit.CANNOT_CREATE

    def test_remedy_names_permission_and_place(self) -> None:
        """What to grant is named, and where in Rocket.Chat that is done."""
        findings = findings_of(facts(server=server(permissions=WITHOUT[ADD_AGENTS], account=roles("custom"))))
        assert (
            one(findings, ADD_AGENTS).remedy == f"Tick {ADD_AGENTS} for a role of this account: Administration > Workspace > Permissions."
        )

    def test_every_need_is_looked_at(self) -> None:
        """What the table of needs names is a line of doctor's table, granted where it is, and some row of a sheet can ask for it."""
        findings = findings_of(facts())
        for need in NEEDS:
            assert need.use in ASKED
            assert [one(findings, permission).said for permission in need.permissions] == ["Granted."] * len(need.permissions)

    def test_redirect_names_the_address_to_set(self) -> None:
        """What to set is what a run that meets the redirect says."""
        remedy = "Set --url (ROCKETCHAT_URL) to https://new.example.org/chat."
        findings = findings_of(facts(**unreached(Exit.BAD_SETTING, status=308, redirected=True, remedy=remedy)))
        assert one(findings, "address").remedy == remedy

    @pytest.mark.parametrize(
        ("limit", "said"),
        [
            (Limit(calls=10, window=60.0), "10 calls a minute for each route: 100 calls of one route take about 10 minutes."),
            (Limit(calls=3, window=60.0), "3 calls a minute for each route: 100 calls of one route take about 34 minutes."),
            (
                Limit(calls=10, window=30.0),
                "10 calls for each route in a window of 30 seconds: 100 calls of one route take about 5 minutes.",
            ),
            (Limit(calls=10, window=300.0, certain=False), "10 calls for each route in a window of 5 minutes or more: "),
            (Limit(calls=10, window=60.0, certain=False), "10 calls for each route in a window whose length the server does not tell."),
        ],
    )
    def test_rate_limit_is_no_more_than_was_announced(self, limit: Limit, said: str) -> None:
        """The window's length is said only where answers told it, and the time that 100 calls take follows from it."""
        finding = one(findings_of(facts(limit=limit)), "rate limit")
        assert finding.said.startswith(said)

    def test_missing_limit_is_explained(self) -> None:
        """No announced limit is a permission only where the account has it."""
        assert BYPASS_RATE_LIMIT in one(findings_of(facts()), "rate limit").said
        assert "announces none" in one(findings_of(facts(server=server(permissions=WITHOUT[BYPASS_RATE_LIMIT]))), "rate limit").said

    def test_clock_says_which_way(self) -> None:
        """A clock that differs is ahead or behind."""
        assert "2 minutes behind" in one(findings_of(facts(clock_ahead=-120.0)), "clock").said
        assert "45 seconds ahead of" in one(findings_of(facts(clock_ahead=45.0)), "clock").said


def seen_at(width: int, findings: Sequence[Finding], *, with_sheet: bool = False, colour: bool = False) -> list[str]:
    on = screen(width, 24, colour=colour)
    return shown(findings_lines(on, findings, with_sheet=with_sheet), on)


class TestTable:
    """What people read."""

    def test_every_finding_is_a_line(self) -> None:
        """Each finding begins a line of its own, with its state, its name and what it is needed for."""
        findings = findings_of(facts(server=server(permissions=WITHOUT[ADD_AGENTS])))
        lines = seen_at(120, findings)
        lines = lines[lines.index("") + 1 :]
        starts = [line.split("  ")[0].strip() for line in lines[1 : lines.index("")] if not line.startswith(" ")]
        assert starts == [str(finding.state) for finding in findings]
        assert next(line for line in lines if ADD_AGENTS in line).split() == ["missing", ADD_AGENTS, "agents", "Not", "granted."]

    @pytest.mark.parametrize("width", [80, 120, 200])
    def test_width_is_kept(self, width: int) -> None:
        """No line is longer than the terminal is wide where that leaves room for sentences."""
        assert max(map(len, seen_at(width, findings_of(facts(limit=Limit(calls=10, window=60.0)))))) <= width

    def test_summary(self) -> None:
        """The last lines say what is missing, and the exit code."""
        assert "Nothing is missing." in seen_at(100, findings_of(facts()))
        lines = seen_at(100, findings_of(facts(directory=DirectoryFacts(path="r", tried="/", problem="no"))))
        assert "Missing: run directory. Exit code 73." in lines

    def test_colour_only_if_asked_for(self) -> None:
        """Without a terminal there is no escape in it."""
        findings = findings_of(facts())
        assert "\x1b" not in "".join(seen_at(100, findings))
        assert "\x1b" in "".join(seen_at(100, findings, colour=True))


# -------------------------------------------------------------------------------------------------------- against the sandbox


def department(name: str, unit: str | None = None) -> dict[str, Any]:
    fields = {"_id": name, "name": name.title(), "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True, "type": "d"}
    return {**fields, "email": f"{name}@example.org", **({"parentId": unit, "ancestors": [unit]} if unit else {})}


def workspace(**changes: Any) -> dict[str, Any]:
    """Two units, four departments, three agents, and an account of each kind."""
    people = {
        "admin": ["admin"],
        "manager": ["user", "livechat-manager"],
        "monitor": ["user", "livechat-monitor"],
        "stranger": ["user", "livechat-monitor"],
        "agent": ["user", "livechat-agent"],
        "other": ["user", "livechat-agent"],
        "nobody": ["user"],
        "robot": ["user", "custom"],
    }
    state: dict[str, Any] = {
        "license": ["livechat-enterprise"],
        "users": [{"_id": f"u-{name}", "username": name, "roles": held} for name, held in people.items()],
        "units": [{"_id": f"unit-{name}", "name": name.title(), "visibility": "public", "type": "u"} for name in ("north", "south")],
        "departments": [
            department("sales", "unit-north"),
            department("help", "unit-north"),
            department("post", "unit-south"),
            department("web"),
        ],
        "departmentAgents": [
            {
                "_id": "p1",
                "agentId": "u-agent",
                "departmentId": "sales",
                "username": "agent",
                "departmentEnabled": True,
                "count": 3,
                "order": 0,
            }
        ],
        "unitMonitors": [{"_id": "m1", "monitorId": "u-monitor", "unitId": "unit-north", "username": "monitor"}],
        "permissions": copy.deepcopy(dict(DEFAULT_PERMISSIONS)),
    }
    return {**state, **changes}


def granted(*permissions: str) -> dict[str, Any]:
    """Permissions in which the role ``custom`` has exactly these."""
    held = copy.deepcopy(dict(DEFAULT_PERMISSIONS))
    return {"permissions": {name: [*(names or ()), *(["custom"] if name in permissions else [])] for name, names in held.items()}}


class InProcess:
    """`Transport` onto a sandbox without a socket."""

    def __init__(self, sandbox: Sandbox, user: str, token: str) -> None:
        self._sandbox = sandbox
        self._headers = {"X-User-Id": f"u-{user}", "X-Auth-Token": token, "Content-Type": "application/json"}

    async def send(self, request: Request[Any]) -> Answer:
        await asyncio.sleep(0.05)
        reply = self._sandbox.answer(request.route.method, request.path, dict(request.query), self._headers, b"")
        if reply.lost:
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="the connection broke"))
        return Answer(status=reply.status, headers=reply.headers, body=reply.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What doctor found, and what the server saw of it."""

    findings: tuple[Finding, ...]
    lines: list[str]
    calls: list[dict[str, Any]]
    seconds: float

    @property
    def code(self) -> Exit:
        return exit_code_of(self.findings)

    @property
    def missing(self) -> list[str]:
        return missing(self.findings)

    def one(self, what: str) -> Finding:
        return one(self.findings, what)


Examine = Callable[..., Seen]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """A function that lets doctor look at a sandbox, on virtual time; whatever it changes there, or leaves here, fails the test."""
    monkeypatch.chdir(tmp_path)

    def examine(
        user: str = "manager",
        sheet: str | Path | None = None,
        *,
        version: str = "7.0",
        state: Mapping[str, Any] | None = None,
        rate_limit: str | None = None,
        faults: str | None = None,
        token: str = "",
        behind: float = 0.0,
        up: float = 0.0,
        **settings: Any,
    ) -> Seen:
        if isinstance(sheet, str):
            Path("sheet.csv").write_text(sheet, encoding="utf-8")
            sheet = Path("sheet.csv")
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            loop = runner.get_loop()
            sandbox = Sandbox(
                workspace() if state is None else state,
                clock=lambda: EPOCH + loop.time(),
                server_version=version,
                rate_limit=rate_limit,
                faults=faults,
            )

            @asynccontextmanager
            async def connect(_: Settings) -> Any:
                yield InProcess(sandbox, user, token or f"token-{user}")

            chosen = Settings.of({"url": URL, "user_id": f"u-{user}", "auth_token": Secret(SECRET), **settings})
            runner.run(asyncio.sleep(up))
            before, files = sandbox.state(), sorted(tmp_path.rglob("*"))
            seen = runner.run(gather_facts(chosen, sheet, connect=connect, now=lambda: EPOCH + loop.time() - behind))
            assert sandbox.state() == before
            assert sorted(tmp_path.rglob("*")) == files
            calls = sandbox.calls()
            assert {call["method"] for call in calls} <= {"GET"}
            findings = findings_of(seen)
            on = screen(120)
            lines = shown(findings_lines(on, findings, with_sheet=seen.assignments is not None), on)
            assert SECRET not in "".join(lines) + repr(seen)
            return Seen(findings=findings, lines=lines, calls=calls, seconds=loop.time() - up)

    return examine


MOVES = "department,unit,agent\nSales,South,\nWeb,,@other\n"
AGENTS = "department,agent\nWeb,other\n"
UNITS = "department,unit\nSales,South\n"

#: Account, version, what is missing without a sheet, and how it ends.
ACCOUNTS: list[tuple[str, str, list[str], Exit]] = [
    *[(user, version, [], Exit.OK) for user in ("admin", "manager") for version in ("6.0", "6.12", "7.0", "7.5", "8.0", "hidden")],
    *[("monitor", version, [], Exit.OK) for version in ("7.5", "8.0", "hidden")],
    ("monitor", "7.0", [ListName.UNITS, MANAGE_UNITS], Exit.NO_PERMISSION),
    ("monitor", "6.12", [ListName.UNITS, MANAGE_UNITS, MANAGE_MONITORS, "way to write units"], Exit.NO_PERMISSION),
    ("stranger", "8.0", [ListName.UNITS, MANAGE_UNITS], Exit.NO_PERMISSION),
    ("agent", "7.0", [ListName.UNITS, ADD_AGENTS, MANAGE_UNITS, MANAGE_MONITORS, "way to write units"], Exit.NO_PERMISSION),
    *[
        (
            "nobody",
            version,
            [
                *(ListName.DEPARTMENTS, ListName.AGENTS, ListName.UNITS),
                *(ADD_AGENTS, MANAGE_UNITS, MANAGE_MONITORS, "way to write units"),
            ],
            Exit.NO_PERMISSION,
        )
        for version in ("6.0", "6.12", "7.0", "7.5", "8.0")
    ],
]


class TestAccounts:
    """Who may what, on which release."""

    @pytest.mark.parametrize(("user", "version", "lacks", "code"), ACCOUNTS, ids=lambda value: str(value) if isinstance(value, str) else "")
    def test_without_a_sheet(self, examine: Examine, user: str, version: str, lacks: list[str], code: Exit) -> None:
        """Agents and units by at least one route are looked for; what the account lacks for them is missing."""
        seen = examine(user, version=version)
        assert (seen.missing, seen.code) == (lacks, code)

    @pytest.mark.parametrize("version", ["6.0", "7.0", "8.0"])
    def test_no_licence(self, examine: Examine, version: str) -> None:
        """Without a licence units are missing, and nothing else is made of the endpoints that are not there."""
        seen = examine("admin", version=version, state=workspace(license=[]))
        assert (seen.missing, seen.code) == (["licence"], Exit.NO_PERMISSION)
        assert examine("admin", AGENTS, version=version, state=workspace(license=[])).code is Exit.OK

    @pytest.mark.parametrize(
        ("permissions", "lacks"),
        [
            ([*READ, ADD_AGENTS, MANAGE_UNITS, MANAGE_MONITORS], []),
            ([*READ, ADD_AGENTS, MANAGE_UNITS, MANAGE_DEPARTMENTS], [MANAGE_MONITORS, "way to write units"]),
            ([*READ, MANAGE_UNITS, MANAGE_MONITORS], [ADD_AGENTS]),
            (["view-l-room", *READ[1:], ADD_AGENTS, MANAGE_UNITS, MANAGE_MONITORS], []),
            ([READ[0], ADD_AGENTS, MANAGE_UNITS, MANAGE_MONITORS], [ListName.AGENTS]),
        ],
    )
    def test_custom_role(self, examine: Examine, permissions: list[str], lacks: list[str]) -> None:
        """Permissions of a custom role count, but the way by departments is closed to it: there the role itself counts."""
        assert examine("robot", state=workspace(**granted(*permissions))).missing == lacks

    def test_wrong_token(self, examine: Examine) -> None:
        """A token that is not accepted is 77, and the rest of the server is said not to have been looked at."""
        seen = examine(token="wrong")
        assert (seen.missing, seen.code) == (["account"], Exit.NO_PERMISSION)
        assert "permissions, lists" in hints(seen.findings)

    @pytest.mark.parametrize(
        ("faults", "words"),
        [
            ("502@GET me+1x1,reset-before@GET permissions.listAll,reset-before@GET me+2", "what it may do: the connection broke"),
            ("reset-before@GET mex1,502@GET me+1", "The server cannot be reached or keeps failing: HTTP 502"),
        ],
        ids=["passed", "last"],
    )
    def test_the_failure_that_ended_it_is_told(self, examine: Examine, faults: str, words: str) -> None:
        """What is said of an account that could not be looked at is what a run would end with, not an earlier stumble."""
        seen = examine(faults=faults, retries=2)
        assert (seen.missing, seen.code) == (["account"], Exit.UNAVAILABLE)
        assert words in seen.one("account").said

    def test_too_old(self, examine: Examine) -> None:
        """A server before 6.0 is 78."""
        seen = examine(version="5.4")
        assert (seen.missing, seen.code) == (["Rocket.Chat"], Exit.BAD_SETTING)

    def test_dying_server(self, examine: Examine) -> None:
        """A server that fails half-way is 69, and no list after the one that showed it costs time."""
        seen = examine(faults="reset-before@GET livechat/users/*,reset-before@GET me+1", retries=2)
        assert (seen.missing, seen.code) == ([ListName.AGENTS], Exit.UNAVAILABLE)
        assert not any(call["route"] == "livechat/units" for call in seen.calls)

    @pytest.mark.parametrize("version", ["7.0", "8.0"])
    def test_few_calls(self, examine: Examine, version: str) -> None:
        """Each route is called a time or two, so that looking takes no window of the rate limit and leaves the rest to the run."""
        seen = examine("manager", MOVES, version=version)
        routes = [call["route"] for call in seen.calls]
        assert max(map(routes.count, routes)) <= 2
        assert seen.seconds < 5


class TestPace:
    """What the answers tell beside their contents."""

    @pytest.mark.parametrize(
        ("rate_limit", "up", "state", "said"),
        [
            ("10/60", 90.0, State.HINT, "10 calls a minute"),
            ("10/60", 0.0, State.HINT, "10 calls for each route in a window whose length the server does not tell"),
            ("5/300", 400.0, State.HINT, "5 calls for each route in a window of 5 minutes: "),
            ("5/300", 0.0, State.HINT, "5 calls for each route in a window of 5 minutes or more"),
            ("off", 0.0, State.OK, "none"),
        ],
    )
    def test_limit(self, examine: Examine, rate_limit: str, up: float, state: State, said: str) -> None:
        """The limit is that of the answers' headers; windows that were open since the server's start do not tell their length."""
        finding = examine("manager", rate_limit=rate_limit, up=up).one("rate limit")
        assert finding.state is state
        assert said in finding.said

    def test_bypass(self, examine: Examine) -> None:
        """An account that may bypass the limit is said to, also by a server that announces its limit to it all the same."""
        for version in ("7.0", "8.0", "8.9"):
            finding = examine("admin", version=version, rate_limit="10/60").one("rate limit")
            assert finding.said == f"None for this account: it has {BYPASS_RATE_LIMIT}."

    def test_clock(self, examine: Examine) -> None:
        """A clock that is two minutes off is named, one that is a second off is not."""
        assert "2 minutes ahead of" in examine(behind=121.0).one("clock").said
        assert "behind" in examine(behind=-121.0).one("clock").said
        assert not [finding for finding in examine(behind=1.0).findings if finding.what == "clock"]


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


class TestDirectory:
    """The run directory is tried."""

    @pytest.mark.parametrize("run_dir", [None, "there", "new/deep/down"])
    def test_writable(self, examine: Examine, tmp_path: Path, run_dir: str | None) -> None:
        """A directory that is there or can be made is fine, and is left as it was."""
        (tmp_path / "there").mkdir()
        assert examine(run_dir=Path(run_dir) if run_dir else None).one("run directory").state is State.OK

    def test_file_in_the_way(self, examine: Examine, tmp_path: Path) -> None:
        """A path that leads through a file is 73, whatever the server says."""
        (tmp_path / "file").write_text("", encoding="utf-8")
        seen = examine("nobody", run_dir=Path("file/run"))
        assert (seen.missing[0], seen.code) == ("run directory", Exit.CANNOT_CREATE)
        assert ADD_AGENTS in seen.missing

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
    def test_no_permission(self, examine: Examine, tmp_path: Path) -> None:
        """A folder that may not be written is 73."""
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
        assert examine(run_dir=closed / "run").code is Exit.CANNOT_CREATE


# ------------------------------------------------------------------------------------------------------------- as a program


@contextmanager
def answering(status: int, headers: Mapping[str, str], body: bytes, *, then: Callable[[], None] = lambda: None) -> Iterator[str]:
    """A web server that answers everything alike, and does something after each answer; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            then()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{web.server_address[1]}"
        finally:
            web.shutdown()
            thread.join()


class TestProgram:
    """``bulkjob doctor`` as it is typed."""

    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A folder of its own, and no setting but an account."""
        monkeypatch.chdir(tmp_path)
        for setting in SETTINGS:
            monkeypatch.delenv(setting.variable or "-", raising=False)
            monkeypatch.delenv(f"{setting.variable}_FILE", raising=False)
        monkeypatch.setenv("ROCKETCHAT_USER_ID", "u-1")
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN", SECRET)

    @pytest.fixture
    def unused(self) -> str:
        """An address at which nothing listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{taken.getsockname()[1]}"

    def test_unreachable(self, unused: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A server that is not there is 69."""
        assert main(["doctor", "--url", unused, "--retries", "1"]) == Exit.UNAVAILABLE
        said = capsys.readouterr()
        assert "missing  address" in said.out
        assert SECRET not in said.out + said.err

    def test_everything_at_once(self, unused: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A missing server does not hide a missing sheet or a closed run directory, nor they the server."""
        Path("file").write_text("", encoding="utf-8")
        assert main(["doctor", "none.csv", "--url", unused, "--retries", "1", "--run-dir", "file/run"]) == Exit.NO_INPUT
        assert [line.split("  ")[1].split(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("missing")] == [
            "sheet",
            "run directory",
            "address",
        ]

    @pytest.mark.parametrize(
        ("answer", "code", "words"),
        [
            ((301, {"Location": "https://new.example.org/api/info"}, b""), Exit.BAD_SETTING, "to https://new.example.org."),
            ((302, {"Location": "/sign-in"}, b""), Exit.BAD_SETTING, "to Rocket.Chat's own address"),
            ((200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"), Exit.BAD_SETTING, "is not Rocket.Chat"),
            ((503, {"Content-Type": "text/html"}, b"<html>Later</html>"), Exit.UNAVAILABLE, "only with failures"),
        ],
    )
    def test_not_rocket_chat(
        self, answer: tuple[int, dict[str, str], bytes], code: Exit, words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A redirect, somebody else's web page and a proxy's failure are told apart."""
        with answering(*answer) as url:
            assert main(["doctor", "--url", url, "--retries", "1"]) == code
        assert words in " ".join(capsys.readouterr().out.split())

    def test_settings_are_findings(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Missing and wrong settings are lines of the table beside the rest: 78."""
        monkeypatch.delenv("ROCKETCHAT_AUTH_TOKEN")
        monkeypatch.setenv("ROCKETCHAT_AUTH_TOKEN_FILE", "not-mounted")
        monkeypatch.setenv("BULKJOB_TIMEOUT", "soon")
        assert main(["doctor"]) == Exit.BAD_SETTING
        said = " ".join(capsys.readouterr().out.split())
        assert 'ROCKETCHAT_AUTH_TOKEN_FILE names "not-mounted", which cannot be read' in said
        assert 'BULKJOB_TIMEOUT cannot be "soon"' in said
        assert "--url or ROCKETCHAT_URL" in said
        assert "ok run directory" in said

    def test_interrupted(self) -> None:
        """A signal while the server is asked ends it with 75, and is no wrong setting."""
        with (
            answering(503, {}, b"later", then=lambda: os.kill(os.getpid(), signal.SIGTERM)) as url,
            pytest.raises(Stop, match="Doctor only looks") as stop,
        ):
            asyncio.run(gather_facts(Settings.of({"url": url, "user_id": "u-1", "auth_token": Secret(SECRET)}), None))
        assert stop.value.exit_code is Exit.INTERRUPTED

    def test_certificates(self, unused: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A --ca-file that holds no certificates is a wrong setting."""
        Path("ca.pem").write_text("none", encoding="utf-8")
        assert main(["doctor", "--url", unused, "--ca-file", "ca.pem"]) == Exit.BAD_SETTING
        assert "--ca-file ca.pem" in capsys.readouterr().out

    def test_wrong_usage(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Wrong usage is 2, with nothing on standard output."""
        assert main(["doctor", "--concurrency", "0"]) == Exit.USAGE
        assert capsys.readouterr().out == ""
