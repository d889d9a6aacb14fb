"""What is found out about the server and the account, against the sandbox and against servers that are none."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from bulkjob.rocketchat.client import Client
from bulkjob.rocketchat.failures import Failure, Next, stop_for
from bulkjob.rocketchat.inspect import inspect_server
from bulkjob.rocketchat.transport import NoAnswer
from bulkjob.sandbox import Sandbox
from bulkjob.vocabulary import Code, Exit, Stop

Reply = Callable[[Request[Any]], Answer | NoAnswer]

USERS = [
    {"_id": "u-admin", "username": "admin", "roles": ["admin"]},
    {"_id": "u-manager", "username": "manager", "roles": ["user", "livechat-manager"]},
    {"_id": "u-monitor", "username": "monitor", "roles": ["user", "livechat-monitor"]},
    {"_id": "u-robot", "username": "robot", "roles": ["robot"]},
    {"_id": "u-nobody", "username": "nobody", "roles": ["user"]},
]
STATE: dict[str, Any] = {"license": ["livechat-enterprise"], "users": USERS}


class Scripted:
    """Answers as `reply` says; remembers the routes."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.routes: list[str] = []

    async def send(self, request: Request[Any]) -> Answer:
        self.routes.append(request.route.pattern)
        reply = self.reply(request)
        if isinstance(reply, NoAnswer):
            raise reply
        return reply


def signed_in(sandbox: Sandbox, username: str, token: str | None = None) -> Reply:
    """Carries each request to the sandbox, as one of its users."""

    def reply(request: Request[Any]) -> Answer:
        headers = {"X-User-Id": f"u-{username}", "X-Auth-Token": token or f"token-{username}"}
        given = sandbox.answer(request.route.method, request.path, dict(request.query), headers, b"")
        return Answer(status=given.status, headers=given.headers, body=given.body)

    return reply


def sandbox(version: str = "7.0", **state: Any) -> Sandbox:
    return Sandbox({**STATE, **state}, clock=time.time, server_version=version)


def client(transport: Scripted) -> Client:
    return Client.over(transport, concurrency=4, attempts=2, draw=lambda: 0.0)


async def inspected(reply: Reply) -> Server:
    return await inspect_server(client(Scripted(reply)))


async def stopped(reply: Reply) -> Stop:
    with pytest.raises(Stop) as caught:
        await inspected(reply)
    return caught.value


def page(status: int, body: bytes = b"<html>somebody else</html>", **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=body)


def as_json(payload: object, status: int = 200) -> Answer:
    return Answer(status=status, headers={}, body=json.dumps(payload).encode())


def a_server(**changes: Any) -> Server:
    known: dict[str, Any] = {
        "version": Version(7, 0),
        "version_text": "7.0",
        "account": Account(id="u", username="u", roles=frozenset({"livechat-manager"})),
        "permissions": frozenset({MANAGE_UNITS, MANAGE_MONITORS, MANAGE_DEPARTMENTS, ADD_AGENTS}),
        "modules": frozenset({"livechat-enterprise"}),
    }
    return Server(**{**known, **changes})


# ------------------------------------------------------------------------------------------------------------ real releases


@pytest.mark.parametrize(
    ("version", "knows_unit", "early"),
    [
        ("6.0", False, False),
        ("6.1", False, True),
        ("6.5", False, True),
        ("6.6", False, False),
        ("6.12", False, False),
        ("6.13", True, False),
    ]
    + [(version, True, False) for version in ("7.0", "7.5", "8.0")],
)
async def test_releases_are_told_apart(*, version: str, knows_unit: bool, early: bool) -> None:
    """Each release that is served is known by what it does differently."""
    server = await inspected(signed_in(sandbox(version), "admin"))
    assert server.version is not None
    assert f"{server.version.major}.{server.version.minor}" == version
    assert server.knows_department_unit is knows_unit
    assert server.answers_puts_early is (early or version == "6.0")
    assert server.account == Account(id="u-admin", username="admin", roles=frozenset({"admin"}))


async def test_a_hidden_version_is_treated_as_new() -> None:
    """A server that hides its release is taken for a new one."""
    server = await inspected(signed_in(sandbox("hidden"), "admin"))
    assert (server.version, server.version_text, server.knows_department_unit, server.answers_puts_early) == (None, "", True, False)


def test_a_hidden_release_is_warned_of() -> None:
    """People are told that the server's release is not known, and what follows if it is an old one; of a known one nothing is said."""
    assert a_server().warnings == ()
    (hidden,) = a_server(version=None, version_text="").warnings
    assert "hides its version" in hidden
    assert "6.13" in hidden
    assert "'nightly'" in a_server(version=None, version_text="nightly").warnings[0]


@pytest.mark.parametrize("version", ["5.4", "4.8", "3.18"])
async def test_an_older_server_is_refused(version: str) -> None:
    """A release before 6.0 ends the job with 78 before anything else is asked."""
    transport = Scripted(lambda _: as_json({"version": version, "success": True}))
    with pytest.raises(Stop, match=rf"{version}.*6\.0") as stop:
        await inspect_server(client(transport))
    assert (stop.value.exit_code, transport.routes) == (Exit.BAD_SETTING, ["info"])


@pytest.mark.parametrize(
    ("user", "units", "monitors", "departments", "agents", "bypass"),
    [
        ("admin", True, True, True, True, True),
        ("manager", True, True, True, True, False),
        ("monitor", False, False, True, True, False),
        ("nobody", False, False, False, False, False),
    ],
)
@pytest.mark.parametrize("version", ["6.0", "7.0", "8.0"])
async def test_permissions_follow_from_roles(
    *, version: str, user: str, units: bool, monitors: bool, departments: bool, agents: bool, bypass: bool
) -> None:
    """What the account may is what any of its roles may."""
    server = await inspected(signed_in(sandbox(version), user))
    permissions = (MANAGE_UNITS, MANAGE_MONITORS, MANAGE_DEPARTMENTS, ADD_AGENTS, BYPASS_RATE_LIMIT)
    assert [server.may(permission) for permission in permissions] == [units, monitors, departments, agents, bypass]
    assert server.moves_any_department is (user in ("admin", "manager"))
    assert server.restricted_to_own_units is (user == "monitor")


@pytest.mark.parametrize(("version", "known"), [("6.0", False), ("6.4", False), ("6.5", True), ("7.0", True), ("8.0", True)])
@pytest.mark.parametrize("licence", [["livechat-enterprise", "auditing"], []])
async def test_the_licence_is_read_where_it_can_be(*, version: str, known: bool, licence: list[str]) -> None:
    """A server too old to tell its licence is taken to have units."""
    server = await inspected(signed_in(sandbox(version, license=licence), "manager"))
    assert server.modules == (frozenset(licence) if known else None)
    assert server.has_units is (bool(licence) or not known)


@pytest.mark.parametrize("version", ["6.0", "7.0", "8.0"])
async def test_a_wrong_token_is_no_permission(version: str) -> None:
    """A token that the server does not accept ends the job with 77, naming the two settings."""
    stop = await stopped(signed_in(sandbox(version), "admin", token="stale"))
    assert stop.exit_code == Exit.NO_PERMISSION
    assert "ROCKETCHAT_AUTH_TOKEN" in stop.message
    assert "stale" not in stop.message


# ------------------------------------------------------------------------------------------------- what is no Rocket.Chat


@pytest.mark.parametrize(
    "answer",
    [
        page(200),
        page(404),
        page(403),
        page(401),
        page(200, b"plain text"),
        as_json({"status": "UP"}),
        as_json({"message": "no Route matched with those values"}, 404),
        as_json([]),
    ],
)
async def test_another_program_is_a_wrong_address(answer: Answer) -> None:
    """A first answer below 500 that is not Rocket.Chat's ends the job with 78, whether the rest is answered or not."""
    for others in (answer, as_json({"_id": "u", "roles": [], "success": True})):
        stop = await stopped(lambda request, others=others: answer if request.route.pattern == "info" else others)  # type: ignore[misc]
        assert stop.exit_code == Exit.BAD_SETTING
        assert "ROCKETCHAT_URL" in stop.message


async def test_another_programs_page_is_told_by_its_title() -> None:
    """Of a web page that answers instead, people read what it is called, and no markup."""
    body = b"<!DOCTYPE html>\n<html><head><meta charset='utf-8'><title>Error response</title></head><body><h1>Error</h1></body></html>"
    stop = await stopped(lambda _: page(404, body))
    assert '(not an answer from Rocket.Chat\'s API: HTTP 404, a web page with the title "Error response")' in stop.message
    assert "<" not in (await stopped(lambda _: page(404))).message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_wrong_address(status: int) -> None:
    """A redirect ends the job with 78 and says where it leads."""
    stop = await stopped(lambda _: page(status, location="https://chat.example.org/"))
    assert stop.exit_code == Exit.BAD_SETTING
    assert "https://chat.example.org/" in stop.message


@pytest.mark.parametrize(
    "reply",
    [page(500), page(502), page(503), page(504), page(429)]
    + [NoAnswer(Failure(next=Next.REPEAT, code=code, said="nothing")) for code in (Code.CONNECTION, Code.TIMEOUT, Code.BAD_RESPONSE)],
    ids=lambda reply: str(reply.status) if isinstance(reply, Answer) else str(reply.failure.code),
)
async def test_a_server_that_fails_is_unavailable(reply: Answer | NoAnswer) -> None:
    """A server that cannot be reached or keeps failing ends the job with 69, which is worth a retry."""
    assert (await stopped(lambda _: reply)).exit_code == Exit.UNAVAILABLE


async def test_an_untrusted_certificate_is_a_wrong_setting() -> None:
    """A certificate that nothing vouches for ends the job with 78, at once, and names the remedy."""
    transport = Scripted(
        lambda _: NoAnswer(Failure(next=Next.JOB, code=Code.CONNECTION, said="not trusted", untrusted=True, remedy="Name a --ca-file."))
    )
    with pytest.raises(Stop, match=r"not trusted\. Name a --ca-file\.") as stop:
        await inspect_server(client(transport))
    assert (stop.value.exit_code, len(transport.routes)) == (Exit.BAD_SETTING, 1)


@pytest.mark.parametrize("answer", [page(200), page(404), as_json({"success": False, "error": "unauthorized"}, 403)])
async def test_permissions_that_are_not_told_are_tried(answer: Answer) -> None:
    """Where the server does not tell permissions, nothing is held against the account."""
    whole = signed_in(sandbox(), "manager")
    server = await inspected(lambda request: answer if request.route.pattern == "permissions.listAll" else whole(request))
    assert server.permissions is None
    assert server.may(MANAGE_UNITS)
    assert server.unit_route_lacks() == []


@pytest.mark.parametrize("route", ["info", "me", "permissions.listAll", "licenses.info"])
async def test_a_redirect_of_any_of_them_is_a_wrong_address(route: str) -> None:
    """Whichever call is sent elsewhere, the job ends with 78 and says where that is."""
    whole = signed_in(sandbox(), "manager")
    with pytest.raises(Stop, match=r"https://sso\.example/") as stop:
        await inspected(lambda request: page(302, location="https://sso.example/") if request.route.pattern == route else whole(request))
    assert stop.value.exit_code == Exit.BAD_SETTING


@pytest.mark.parametrize("version", ["6.13", "7.0"])
@pytest.mark.parametrize("route", ["info", "me", "permissions.listAll", "licenses.info"])
@pytest.mark.parametrize(
    "stumble",
    [
        NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="reset")),
        page(503),
        page(200, b'{"lice', **{"content-type": "application/json"}),
    ],
    ids=["reset", "503", "cut short"],
)
async def test_one_stumble_costs_one_attempt(route: str, stumble: Answer | NoAnswer, version: str) -> None:
    """One broken call, whichever it is, is made again, and everything is known as if nothing had happened."""
    whole = signed_in(sandbox(version), "manager")
    expected = await inspected(whole)
    stumbled = False

    def answer(request: Request[Any]) -> Answer | NoAnswer:
        nonlocal stumbled
        if request.route.pattern != route or stumbled:
            return whole(request)
        stumbled = True
        return stumble

    assert await inspected(answer) == expected


@pytest.mark.parametrize(("version", "asked"), [("6.4", 1), ("7.0", 2)])
async def test_an_endpoint_that_may_not_be_there_is_asked_for_once(version: str, asked: int) -> None:
    """Where the release may be older than the licence's endpoint, a page in its place is no failure that would pass."""
    whole = signed_in(sandbox(version), "manager")
    transport = Scripted(lambda request: page(404) if request.route.pattern == "licenses.info" else whole(request))
    assert (await inspect_server(client(transport))).modules is None
    assert transport.routes.count("licenses.info") == asked


@pytest.mark.parametrize(("user", "told", "exempt"), [("admin", True, True), ("manager", True, False), ("admin", False, False)])
async def test_the_client_is_told_of_an_exempt_account(*, user: str, told: bool, exempt: bool) -> None:
    """An account that has the permission to bypass the limit, and only one that is known to, is not held by what is announced."""
    whole = signed_in(sandbox(), user)

    def limited(request: Request[Any]) -> Answer | NoAnswer:
        if not told and request.route.pattern == "permissions.listAll":
            return page(404)
        given = whole(request)
        assert isinstance(given, Answer)
        limit = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time() * 1000) + 100)}
        return Answer(status=given.status, headers={**given.headers, **limit}, body=given.body)

    on = client(Scripted(limited))
    await inspect_server(on)
    assert (on.limit is None) is exempt


@pytest.mark.parametrize(
    ("roles", "version", "restricted", "route"),
    [
        ({"livechat-monitor"}, Version(6, 13), True, True),
        ({"livechat-monitor"}, Version(7, 10), True, True),
        ({"livechat-agent"}, Version(7, 9), False, False),
        ({"livechat-agent"}, Version(7, 10), True, False),
        ({"livechat-agent"}, None, True, False),
        ({"livechat-agent", "livechat-manager"}, Version(7, 10), False, True),
        ({"livechat-agent", "admin"}, Version(8, 0), False, True),
        ({"robot"}, Version(8, 0), False, False),
    ],
)
def test_restricted_accounts_are_known(*, roles: set[str], version: Version | None, restricted: bool, route: bool) -> None:
    """A monitor is restricted to own units, since 7.10 an agent, too; the role of an agent alone opens no way to write units."""
    server = a_server(version=version, account=Account(id="u", username="u", roles=frozenset(roles)))
    assert server.restricted_to_own_units is restricted
    assert (server.department_route_lacks() == []) is route


@pytest.mark.parametrize("route", ["me", "permissions.listAll", "licenses.info"])
@pytest.mark.parametrize("reply", [NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="gone")), page(401, b'{"message":"no"}')])
async def test_a_server_that_fails_meanwhile_ends_the_job(route: str, reply: Answer | NoAnswer) -> None:
    """If the server goes away, or the account is shut out, while it is asked, the job ends rather than guess."""
    whole = signed_in(sandbox(), "manager")
    down = False

    def answer(request: Request[Any]) -> Answer | NoAnswer:
        nonlocal down
        down = down or request.route.pattern == route
        return reply if down else whole(request)

    stop = await stopped(answer)
    assert stop.exit_code == (Exit.NO_PERMISSION if isinstance(reply, Answer) else Exit.UNAVAILABLE)


# ---------------------------------------------------------------------------------------------------------- what is lacking


def test_a_whole_account_lacks_nothing() -> None:
    """With permissions, role, licence and release both routes are open."""
    assert a_server().unit_route_lacks() == a_server().department_route_lacks() == []


@pytest.mark.parametrize("permission", [MANAGE_UNITS, MANAGE_MONITORS])
def test_the_unit_route_needs_both_permissions(permission: str) -> None:
    """Without the monitors' permission a unit's monitors could not be read, and would be wiped."""
    known = a_server().permissions
    assert known is not None
    server = a_server(permissions=known - {permission})
    assert [permission in clause for clause in server.unit_route_lacks()] == [True]
    assert server.department_route_lacks() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": Version(6, 12), "version_text": "6.12"}, "6.13"),
        ({"account": Account(id="u", username="u", roles=frozenset({"robot"}))}, "livechat-manager"),
        ({"permissions": frozenset({MANAGE_UNITS, MANAGE_MONITORS})}, MANAGE_DEPARTMENTS),
        ({"modules": frozenset()}, "livechat-enterprise"),
    ],
)
def test_the_department_route_says_what_it_lacks(changes: dict[str, Any], said: str) -> None:
    """Release, role, permission and licence: each that is missing is named."""
    clauses = a_server(**changes).department_route_lacks()
    assert len(clauses) == 1
    assert said in clauses[0]


def test_a_monitor_changes_units_within_his_own() -> None:
    """For a monitor the department route is open, within the units he supervises."""
    server = a_server(account=Account(id="u", username="u", roles=frozenset({"livechat-monitor"})))
    assert (server.department_route_lacks(), server.restricted_to_own_units, server.moves_any_department) == ([], True, False)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("7.0", Version(7, 0)),
        ("6.13.1", Version(6, 13)),
        ("8.0.0-develop", Version(8, 0)),
        ("10.2.0-rc.1", Version(10, 2)),
        ("", None),
        ("7", None),
        ("seven.zero", None),
        ("7.x", None),
        ("7.²", None),
        ("-1.0", None),
    ],
)
def test_versions_are_read(text: str, version: Version | None) -> None:
    """A release is read with or without patch and suffix; anything else is no release."""
    assert Version.parse(text) == version


@given(st.text())
def test_any_text_is_a_version_or_none(text: str) -> None:
    """Whatever a server calls its version, reading it is no accident."""
    assert Version.parse(text) is None or Version.parse(text) >= Version(0, 0)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("failure", "exit_code"),
    [
        (Failure(next=Next.JOB, code=Code.REFUSED, said="no", status=401), Exit.NO_PERMISSION),
        (Failure(next=Next.JOB, code=Code.REFUSED, said="no", status=403), Exit.NO_PERMISSION),
        (Failure(next=Next.JOB, code=Code.REJECTED, said="redirected", status=302, redirected=True), Exit.BAD_SETTING),
        (Failure(next=Next.JOB, code=Code.CONNECTION, said="not trusted", untrusted=True), Exit.BAD_SETTING),
        (Failure(next=Next.JOB, code=Code.CONNECTION, said="refused"), Exit.UNAVAILABLE),
        (Failure(next=Next.JOB, code=Code.SERVER_ERROR, said="down", status=503), Exit.UNAVAILABLE),
    ],
)
def test_every_end_has_its_exit_code(failure: Failure, exit_code: Exit) -> None:
    """What ends the job decides its exit code, and the server's words are passed on."""
    stop = stop_for(failure)
    assert stop.exit_code == exit_code
    assert failure.said in stop.message


@pytest.mark.parametrize("status", [401, 403])
async def test_a_proxys_page_is_not_taken_for_the_servers_no(status: int) -> None:
    """A 401 or 403 that is a proxy's page, all the time, says that the server keeps failing, not that the account is refused."""
    whole = signed_in(sandbox(), "manager")
    stop = await stopped(lambda request: page(status) if request.route.pattern != "info" else whole(request))
    assert stop.exit_code == Exit.UNAVAILABLE
