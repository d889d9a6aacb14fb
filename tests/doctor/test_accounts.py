"""Accounts, pace and directories: what is missing before the night, with nothing changed."""

import os
from pathlib import Path

import pytest

from bulkjob.doctor.facts import ListName
from bulkjob.doctor.finding import State
from bulkjob.records.server import (
    ADD_AGENTS,
    BYPASS_RATE_LIMIT,
    MANAGE_DEPARTMENTS,
    MANAGE_MONITORS,
    MANAGE_UNITS,
)
from bulkjob.vocabulary import Exit
from tests.doctor.support import AGENTS, MOVES, READ, Examine, granted, hints, workspace

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
            ("502@GET me+1x1,reset-before@GET permissions.listAll,reset-before@GET me+2", "what it may do: no answer"),
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
