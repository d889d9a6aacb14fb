"""Lists read to their end: against the sandbox, and against lists that change while they are read."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.records.server import Account, Server, Version
from bulkjob.records.workspace import Workspace
from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer, Request
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.endpoints import PAGE_SIZE
from bulkjob.rocketchat.failures import CallFailed
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.rocketchat.workspace import (
    NeverComplete,
    read_departments,
    read_members,
    read_pages,
    read_workspace,
    with_members,
    with_monitors,
)
from bulkjob.sandbox import Sandbox
from bulkjob.vocabulary import Exit, Stop

Reply = Callable[[Request[Any]], Answer | NoAnswer]

FIVE = {"email": "a@example.org", "enabled": True, "showOnRegistration": True, "showOnOfflineForm": True}
REFUSED = {"success": False, "error": "User does not have the permissions required for this action [error-unauthorized]"}


class Scripted:
    """Answers as `reply` says; remembers route, offset and count."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.calls: list[tuple[str, int, int]] = []

    async def send(self, request: Request[Any]) -> Answer:
        query = dict(request.query)
        self.calls.append((request.route.pattern, int(query.get("offset", -1)), int(query.get("count", -1))))
        reply = self.reply(request)
        if isinstance(reply, NoAnswer):
            raise reply
        return reply


def as_json(payload: object, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=json.dumps(payload).encode())


def signed_in(sandbox: Sandbox, username: str) -> Reply:
    def reply(request: Request[Any]) -> Answer:
        headers = {"X-User-Id": f"u-{username}", "X-Auth-Token": f"token-{username}"}
        given = sandbox.answer(request.route.method, request.path, dict(request.query), headers, b"")
        return Answer(status=given.status, headers=given.headers, body=given.body)

    return reply


def listing(key: str, ids: Callable[[], list[str]], *, most: int = PAGE_SIZE, unlimited: bool = True, default: int = 50) -> Reply:
    """A list that is asked for anew on every call, with the server's rules for ``count``: clamped, 0 for everything or for the default."""

    def reply(request: Request[Any]) -> Answer:
        entries = ids()
        query = {name: int(value) for name, value in request.query if name in ("offset", "count")}
        size = min(query["count"], most) if query["count"] else (len(entries) if unlimited else default)
        part = entries[query["offset"] : query["offset"] + size]
        items = [{"_id": entry, "agentId": entry, "name": entry, "username": entry} for entry in part]
        return as_json({key: items, "count": len(part), "offset": query["offset"], "total": len(entries), "success": True})

    return reply


def client(transport: Scripted) -> Client:
    return Client.over(transport, concurrency=4, attempts=2, draw=lambda: 0.0)


def server(**changes: Any) -> Server:
    known: dict[str, Any] = {
        "version": Version(7, 0),
        "version_text": "7.0",
        "account": Account(id="u", username="u", roles=frozenset()),
        "permissions": None,
        "modules": frozenset({"livechat-enterprise"}),
    }
    return Server(**{**known, **changes})


async def departments(reply: Reply) -> tuple[list[str], list[tuple[str, int, int]]]:
    transport = Scripted(reply)
    return list(await read_departments(client(transport))), transport.calls


def names(number: int) -> list[str]:
    return [f"dept-{index:04}" for index in range(number)]


# ------------------------------------------------------------------------------------------------------------------ paging


async def test_a_whole_list_is_one_call() -> None:
    """Where the server hands out whole lists, one call reads any list."""
    assert await departments(listing("departments", lambda: names(2345))) == (names(2345), [("livechat/department", 0, 0)])


async def test_a_server_that_forbids_whole_lists_is_paged() -> None:
    """Where ``count=0`` means the default, what it gave is the first page, and the rest follows in pages."""
    found, calls = await departments(listing("departments", lambda: names(260), unlimited=False))
    assert found == names(260)
    assert [call[1:] for call in calls] == [(0, 0), (50, 100), (150, 100), (250, 100)]


@given(total=st.integers(0, 450), most=st.integers(1, 120), default=st.integers(1, 60), unlimited=st.booleans(), whole=st.booleans())
def test_paging_reads_each_entry_once(
    *, on_loop: Callable[[Any], Any], total: int, most: int, default: int, unlimited: bool, whole: bool
) -> None:
    """Whatever the administrator's limits are, every entry is read, in order, and the end is not overrun."""

    async def main() -> tuple[list[str], int]:
        transport = Scripted(listing("departments", lambda: names(total), most=most, unlimited=unlimited, default=default))
        found = await read_pages(client(transport), endpoints.departments, lambda department: department.id, whole=whole)
        return list(found), len(transport.calls)

    found, calls = on_loop(main())
    assert found == names(total)
    assert calls <= 2 + total // most


@pytest.fixture(scope="session")
def on_loop() -> Callable[[Any], Any]:
    return asyncio.run


async def test_the_agents_list_is_never_asked_for_as_a_whole() -> None:
    """``count=0`` breaks the agents' list on the server."""
    transport = Scripted(listing("users", lambda: names(230)))
    replies = {"livechat/users/:type": transport.reply, "livechat/department": listing("departments", list)}
    both = Scripted(lambda request: replies[request.route.pattern](request))
    workspace = await read_workspace(client(both), server(), names_units=False, names_agents=True)
    assert list(workspace.agents) == names(230)
    assert [call[1:] for call in both.calls if call[0] == "livechat/users/:type"] == [(0, 100), (100, 100), (200, 100)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda entries: entries[1:], id="one goes"),
        pytest.param(lambda entries: ["dept-00", *entries], id="one comes"),
        pytest.param(lambda entries: entries[3:], id="three go"),
    ],
)
@pytest.mark.parametrize("after", [1, 2])
async def test_a_list_that_changes_is_read_anew(change: Callable[[list[str]], list[str]], after: int) -> None:
    """An entry that comes or goes while the pages are read shifts the others: nothing is missed, and nothing stays that is gone."""
    entries, calls = names(250), 0

    def ids() -> list[str]:
        nonlocal entries, calls
        calls += 1
        if calls == after + 1:
            entries = change(entries)
        return entries

    found, _ = await departments(listing("departments", ids, unlimited=False, default=100))
    assert found == entries


async def test_a_list_that_never_holds_still_is_given_up() -> None:
    """A list that changes each time that it is read is not taken for complete."""
    number = 0

    def ids() -> list[str]:
        nonlocal number
        number += 1
        return names(250 + number)

    with pytest.raises(NeverComplete):
        await departments(listing("departments", ids, unlimited=False))


async def test_a_total_that_is_not_reached_is_not_believed() -> None:
    """A list that ends before its ``total`` is no whole list."""
    transport = Scripted(lambda _: as_json({"departments": [], "count": 0, "offset": 0, "total": 3, "success": True}))
    with pytest.raises(NeverComplete):
        await read_departments(client(transport))
    assert len(transport.calls) <= 3


@pytest.mark.parametrize("fresh", [True, False], ids=["ever new entries", "the same page"])
async def test_a_list_without_an_end_is_given_up(*, fresh: bool) -> None:
    """A list whose ``total`` grows with each page, or that gives the same page again and again, ends after a hundred of them."""

    def reply(request: Request[Any]) -> Answer:
        assert len(transport.calls) <= 101, "it goes on and on"
        offset = int(dict(request.query)["offset"])
        items = [{"_id": f"dept-{offset + number if fresh else number}"} for number in range(2)]
        return as_json({"departments": items, "count": 2, "offset": offset, "total": offset + 100 if fresh else 10**5, "success": True})

    transport = Scripted(reply)
    with pytest.raises(NeverComplete, match="100 pages"):
        await read_departments(client(transport))
    assert len(transport.calls) == 101


@pytest.mark.parametrize("now_and_then", [True, False], ids=["grows now and then", "absurd from the start"])
async def test_a_list_that_no_workspace_holds_is_given_up(*, now_and_then: bool) -> None:
    """A list ends after a million entries, whatever its ``total`` does meanwhile; one that says that it has more is not begun."""

    def reply(request: Request[Any]) -> Answer:
        offset = int(dict(request.query)["offset"])
        size = 250_000 if now_and_then else 2
        total = offset + size + len(transport.calls) % 2 if now_and_then else 10**12
        items = [{"_id": f"dept-{number}"} for number in range(offset, offset + size)]
        return as_json({"departments": items, "count": size, "offset": offset, "total": total + 1, "success": True})

    transport = Scripted(reply)
    with pytest.raises(NeverComplete, match="1,000,000 entries"):
        await read_departments(client(transport))
    assert len(transport.calls) <= (5 if now_and_then else 1)


async def test_an_entry_twice_is_no_whole_list() -> None:
    """Two rows with one id are one entry, so that another is missing."""
    with pytest.raises(NeverComplete):
        await departments(listing("departments", lambda: ["a", "b", "b"]))


async def test_an_agent_stored_twice_is_one_member() -> None:
    """An agent may stand twice in a department's list, as the collection has no unique index."""
    transport = Scripted(listing("agents", lambda: ["a", "b", "b"]))
    assert list(await read_members(client(transport), "dept-a")) == ["a", "b"]


async def test_a_ticket_is_for_the_first_page() -> None:
    """A reserved turn is used for the first call; the other pages take turns of their own."""
    transport = Scripted(listing("departments", lambda: names(250), unlimited=False))
    on = client(transport)
    ticket = await on.reserve(endpoints.LIST_DEPARTMENTS)
    assert len(await read_departments(on, ticket=ticket)) == 250


async def test_finishing_reads_after_the_end() -> None:
    """What belongs to a write in flight is read to its end after `close` too."""
    transport = Scripted(listing("agents", lambda: names(250), unlimited=False))
    on = client(transport)
    on.close()
    assert len(await read_members(on, "dept-a", finishing=True)) == 250


async def test_what_fails_is_told_by_the_call() -> None:
    """A page that the server refuses ends the reading with its failure."""
    with pytest.raises(CallFailed):
        await departments(lambda _: as_json({"success": False, "error": "no"}, 400))


# --------------------------------------------------------------------------------------------------------------- workspace


def state(**more: Any) -> dict[str, Any]:
    departments = [{"_id": f"dept-{index:03}", "name": f"Department {index}", "type": "d", **FIVE} for index in range(120)]
    departments[0] |= {"parentId": "unit-a", "ancestors": ["unit-a"]}
    departments[1] |= {"parentId": None, "ancestors": None}
    departments[2] |= {"archived": True, "enabled": False, "parentId": "unit-a", "ancestors": ["unit-a"]}
    agents = [{"_id": f"u-agent{index:03}", "username": f"agent{index:03}", "roles": ["livechat-agent"]} for index in range(130)]
    row = {"departmentId": "dept-000", "departmentEnabled": True}
    return {
        "license": ["livechat-enterprise"],
        "users": [
            {"_id": "u-admin", "username": "admin", "roles": ["admin"]},
            {"_id": "u-manager", "username": "manager", "roles": ["livechat-manager"]},
            {"_id": "u-nobody", "username": "nobody", "roles": ["user"]},
            *agents,
        ],
        "departments": departments,
        "departmentAgents": [
            {**row, "_id": "row-1", "agentId": "u-agent001", "username": "agent001", "count": 3, "order": 1},
            {**row, "_id": "row-2", "agentId": "u-agent002", "username": "agent002", "count": 0, "order": 0},
            {**row, "_id": "row-3", "agentId": "u-agent002", "username": "agent002", "count": 7, "order": 0},
        ],
        "units": [
            {"_id": "unit-a", "name": "Unit A", "visibility": "public", "type": "u", "numMonitors": 0, "numDepartments": 9},
            {"_id": "unit-b", "name": "Unit B", "visibility": "private", "type": "u", "numMonitors": 0, "numDepartments": 0},
        ],
        **more,
    }


def sandbox(version: str = "7.0", **more: Any) -> Sandbox:
    return Sandbox(state(**more), clock=time.time, server_version=version)


async def read(reply: Reply, *, names_units: bool = True, names_agents: bool = True, **about: Any) -> Workspace:
    return await read_workspace(client(Scripted(reply)), server(**about), names_units=names_units, names_agents=names_agents)


@pytest.mark.parametrize("version", ["6.0", "6.6", "6.13", "7.0", "7.5", "8.0"])
async def test_the_workspace_of_every_release_is_read(version: str) -> None:
    """Departments with the archived ones, units and agents are read to their ends from every release."""
    workspace = await read(signed_in(sandbox(version), "admin"))
    assert (len(workspace.departments), len(workspace.agents)) == (120, 130)
    assert workspace.units is not None
    assert set(workspace.units) == {"unit-a", "unit-b"}
    assert [workspace.departments[f"dept-00{index}"].parent_id for index in range(4)] == ["unit-a", None, "unit-a", None]
    assert [department.id for department in workspace.departments.values() if department.archived] == ["dept-002"]
    assert workspace.agents["u-agent001"].department_ids == frozenset({"dept-000"})


async def test_only_what_the_sheet_needs_is_read() -> None:
    """A sheet without units or agents costs no call for them."""
    transport = Scripted(signed_in(sandbox(), "admin"))
    workspace = await read_workspace(client(transport), server(), names_units=False, names_agents=False)
    assert (workspace.units, workspace.agents) == (None, {})
    assert {call[0] for call in transport.calls} == {"livechat/department"}


async def test_without_a_licence_no_unit_is_asked_for() -> None:
    """A licence that is known to have no units saves the call."""
    transport = Scripted(signed_in(sandbox(license=[]), "admin"))
    workspace = await read_workspace(client(transport), server(modules=frozenset()), names_units=True, names_agents=False)
    assert workspace.units is None
    assert "livechat/units" not in {call[0] for call in transport.calls}


@pytest.mark.parametrize("version", ["6.0", "7.0", "7.5", "8.0"])
async def test_units_that_cannot_be_listed_are_left_out(version: str) -> None:
    """Without a licence that is told beforehand, each release says in its own way that it has no units."""
    workspace = await read(signed_in(sandbox(version, license=[]), "admin"), modules=None)
    assert workspace.units is None
    assert len(workspace.departments) == 120


@pytest.mark.parametrize("page", [200, 404, 405])
async def test_a_list_of_units_that_may_not_be_there_is_asked_for_once(page: int) -> None:
    """Where nothing tells that there are units, a page in their place is no failure that would pass, and costs no second call."""
    whole = signed_in(sandbox(), "admin")
    answer = Answer(status=page, headers={}, body=b"<html>Rocket.Chat</html>")
    transport = Scripted(lambda request: answer if request.route.pattern == "livechat/units" else whole(request))
    workspace = await read_workspace(client(transport), server(modules=None), names_units=True, names_agents=False)
    assert workspace.units is None
    assert [call[0] for call in transport.calls].count("livechat/units") == 1


@pytest.mark.parametrize("answer", [as_json(REFUSED, 403), Answer(status=404, headers={}, body=b"404 Not Found")], ids=["403", "404"])
async def test_units_that_may_not_be_listed_are_left_out(answer: Answer) -> None:
    """An account that may not list units, or a server without the route, can still have its agents changed."""
    whole = signed_in(sandbox(), "admin")
    workspace = await read(lambda request: answer if request.route.pattern == "livechat/units" else whole(request))
    assert workspace.units is None


@pytest.mark.parametrize("body", [b"<html>restarting</html>", b'{"units":[{"_id"'])
async def test_a_server_that_breaks_while_units_are_read_is_unavailable(body: bytes) -> None:
    """Answers that are none, from every route, mean that the server fails, not that there are no units."""
    whole = signed_in(sandbox(), "admin")
    broken = False

    def reply(request: Request[Any]) -> Answer:
        nonlocal broken
        broken = broken or request.route.pattern == "livechat/units"
        return Answer(status=200, headers={}, body=body) if broken and request.route.pattern != "livechat/department" else whole(request)  # type: ignore[return-value]

    with pytest.raises(Stop) as stop:
        await read(reply, names_agents=False)
    assert stop.value.exit_code == Exit.UNAVAILABLE


@pytest.mark.parametrize("status", [429, 502])
async def test_a_proxy_in_the_way_of_the_units_is_not_their_absence(status: int) -> None:
    """A list of units that is held up for long ends the job with 69, as the next run may read it."""
    whole = signed_in(sandbox(), "admin")
    held_up = Answer(status=status, headers={}, body=b"<html>later</html>")
    with pytest.raises(Stop) as stop:
        await read(lambda request: held_up if request.route.pattern == "livechat/units" else whole(request))
    assert stop.value.exit_code == Exit.UNAVAILABLE


@pytest.mark.parametrize(
    ("route", "permission"), [("livechat/department", "view-livechat-departments"), ("livechat/users/:type", "transfer-livechat-guest")]
)
async def test_a_list_that_is_needed_and_refused_ends_the_job(route: str, permission: str) -> None:
    """Departments and agents are needed: where they may not be listed, the job ends with 77 and names the permission."""
    whole = signed_in(sandbox(), "admin")
    with pytest.raises(Stop, match=permission) as stop:
        await read(lambda request: as_json(REFUSED, 403) if request.route.pattern == route else whole(request))
    assert stop.value.exit_code == Exit.NO_PERMISSION


PROXYS_REFUSAL = Answer(status=403, headers={}, body=b"<html>blocked</html>")
REDIRECT = Answer(status=302, headers={"location": "https://sso.example/login"}, body=b"")


@pytest.mark.parametrize(("answer", "code"), [(PROXYS_REFUSAL, Exit.UNAVAILABLE), (REDIRECT, Exit.BAD_SETTING)], ids=["page", "redirect"])
@pytest.mark.parametrize("route", ["livechat/department", "livechat/users/:type", "livechat/units"])
async def test_what_a_proxy_answers_is_no_missing_permission(route: str, answer: Answer, code: Exit) -> None:
    """A proxy's page with the status 403, or a redirect, tells nothing of what the account may."""
    whole = signed_in(sandbox(), "admin")
    with pytest.raises(Stop) as stop:
        await read(lambda request: answer if request.route.pattern == route else whole(request))
    assert stop.value.exit_code == code


@pytest.mark.parametrize(("answer", "code"), [(PROXYS_REFUSAL, Exit.UNAVAILABLE), (REDIRECT, Exit.BAD_SETTING)], ids=["page", "redirect"])
async def test_nor_does_it_hide_monitors(answer: Answer, code: Exit) -> None:
    """Only Rocket.Chat's own refusal says that the monitors may not be seen; then the rows about them fail, and the rest goes on."""
    workspace = Workspace(departments={}, units={}, agents={})
    with pytest.raises(Stop) as stop:
        await with_monitors(client(Scripted(lambda _: answer)), workspace, ["unit-a"])
    assert stop.value.exit_code == code
    refused = await with_monitors(client(Scripted(lambda _: as_json(REFUSED, 403))), workspace, ["unit-a"])
    assert (refused.role_holders, refused.monitors) == (None, {})


@pytest.mark.parametrize("version", ["6.0", "7.0", "8.0"])
async def test_an_account_without_rights_ends_the_job(version: str) -> None:
    """An account that may list nothing ends the job with 77, on every release."""
    with pytest.raises(Stop) as stop:
        await read(signed_in(sandbox(version), "nobody"))
    assert stop.value.exit_code == Exit.NO_PERMISSION


@pytest.mark.parametrize("key", ["departments", "users", "units"])
async def test_a_list_that_keeps_changing_ends_the_job(key: str) -> None:
    """A list that cannot be read to its end makes the server unavailable: nothing is planned on half of it."""
    number = 0

    def ids() -> list[str]:
        nonlocal number
        number += 1
        return names(250 + number)

    moving = listing(key, ids, unlimited=False)
    route = {"departments": "livechat/department", "users": "livechat/users/:type", "units": "livechat/units"}[key]
    whole = signed_in(sandbox(), "admin")
    with pytest.raises(Stop, match="keeps changing") as stop:
        await read(lambda request: moving(request) if request.route.pattern == route else whole(request))
    assert stop.value.exit_code == Exit.UNAVAILABLE


async def test_members_are_read_once_for_each_department() -> None:
    """The agents of the departments asked for are added to the workspace; what is known already is not read again."""
    transport = Scripted(signed_in(sandbox(), "admin"))
    on = client(transport)
    workspace = await read_workspace(on, server(), names_units=False, names_agents=False)
    workspace = await with_members(on, workspace, ["dept-000", "dept-001", "dept-000"])
    before = len(transport.calls)
    again = await with_members(on, workspace, ["dept-001", "dept-000"])
    assert len(transport.calls) == before
    assert again.members.keys() == {"dept-000", "dept-001"}
    counters = {member.username: (member.count, member.order) for member in again.members["dept-000"].values()}
    assert counters == {"agent001": (3, 1), "agent002": (7, 0)}
    assert again.members["dept-001"] == {}


async def test_members_that_may_not_be_seen_end_the_job() -> None:
    """Where a department's agents may not be listed, the job ends with 77."""
    workspace = Workspace(departments={}, units=None, agents={})
    with pytest.raises(Stop, match="view-livechat-departments") as stop:
        await with_members(client(Scripted(lambda _: as_json(REFUSED, 403))), workspace, ["dept-a", "dept-b"])
    assert stop.value.exit_code == Exit.NO_PERMISSION


async def test_the_reason_is_the_first_failure() -> None:
    """Of several readings that fail, the one that failed is told, not those that were given up for it."""
    whole = signed_in(sandbox(), "admin")

    def reply(request: Request[Any]) -> Answer | NoAnswer:
        return (
            as_json({"status": "error", "message": "You must be logged in to do this."}, 401) if "users" in request.path else whole(request)
        )

    with pytest.raises(Stop, match="ROCKETCHAT_AUTH_TOKEN") as stop:
        await read(reply)
    assert stop.value.exit_code == Exit.NO_PERMISSION
