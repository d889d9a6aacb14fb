"""What doctor finds from what it has seen, and the table that people read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bulkjob.doctor.facts import DirectoryFacts, Facts, Listed, ListName, ServerFacts
from bulkjob.doctor.finding import ASKED, Finding, State
from bulkjob.doctor.findings import exit_code_of, findings_of
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
from bulkjob.rocketchat.failures import Failure, Next, ServerStop
from bulkjob.rocketchat.pacing import Limit
from bulkjob.vocabulary import Code, Exit, Stop
from tests.doctor.support import URL, hints, missing, one
from tests.support.screens import screen, shown

ALL = frozenset({ADD_AGENTS, MANAGE_DEPARTMENTS, MANAGE_UNITS, MANAGE_MONITORS, BYPASS_RATE_LIMIT})
LICENCE = frozenset({"livechat-enterprise"})
LISTS = {name: Listed(total=3) for name in ListName}


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
