"""The whole server without a socket: a call goes in, a reply comes out, and time is what the clock says.

`Sandbox` is what the web layer serves and what a test on virtual time calls directly.
"""

import json
import math
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, Final

from bulkjob.sandbox.bodies import parse_body
from bulkjob.sandbox.editor import edit
from bulkjob.sandbox.faults import DONE, LOST, PAGES, Fault, Faults, Strike
from bulkjob.sandbox.limiter import Limit, Limiter, parse_limit
from bulkjob.sandbox.routes import Endpoint, Match, Routes
from bulkjob.sandbox.rules import UNAUTHORIZED, Access, Call, Refusal, check_schema, coded
from bulkjob.sandbox.state import Document, State
from bulkjob.sandbox.versions import capabilities

_WEB_CLIENT: Final = b"<!DOCTYPE html>\n<html><!-- web client boilerplate --></html>"
_BAD_REQUEST: Final = (
    b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
    b"<body>\n<pre>Bad Request</pre>\n</body>\n</html>\n"
)
_JSON_HEADERS: Final = {"content-type": "application/json", "cache-control": "no-store", "pragma": "no-cache"}
_HTML_HEADERS: Final = {"content-type": "text/html; charset=utf-8"}
_OWN: Final = "/_sandbox/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the client gets. With a `fault` of `faults.LOST` it gets nothing: then `status` is 0."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: Fault | None = None
    """What went wrong on purpose; the carrier acts on those of `faults.LOST` and on `SLOW`, the others are already in the reply."""
    seconds: float = 0.0
    """How long the body takes to arrive (`SLOW`), or connections are refused from now on (`REFUSE`)."""
    call: int | None = None
    """The place of this call in `Sandbox.calls`."""

    @property
    def lost(self) -> bool:
        """Whether the carrier must answer nothing: drop the connection, or keep it waiting for a timeout."""
        return self.fault in LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One call on its way in."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    address: str
    match: Match | None
    limits: dict[str, str] = field(default_factory=dict)
    """The rate limiter's headers of the reply, filled in where it is asked."""


class Sandbox:
    """A Rocket.Chat with one workspace.

    `clock` gives epoch seconds. `rate_limit` is ``CALLS/SECONDS`` or ``off``; None leaves it to the state's settings. With
    several `processes`, calls go to them in turn, and each has rate-limit windows of its own. `faults` is a specification as in
    `bulkjob.sandbox.faults`; its ``processes`` wins. Ids and faults follow from `seed`. A wrong state or specification raises
    ValueError.
    """

    def __init__(
        self,
        state: Mapping[str, Any],
        *,
        clock: Callable[[], float],
        server_version: str = "7.0",
        rate_limit: str | None = None,
        processes: int = 1,
        faults: str | None = None,
        seed: int = 0,
    ) -> None:
        """Take a copy of `state` and start the server at the clock's present."""
        self._clock = clock
        self._can = capabilities(server_version)
        self._routes = Routes(self._can)
        # Ids must be the same again for the same seed; nothing secret hangs on them.
        self._state = State(state, clock=self._now, rng=random.Random(seed))  # noqa: S311
        self._faults = Faults(faults, seed=seed)
        self._limit = self._limit_of_state() if rate_limit is None else parse_limit(rate_limit)
        self._processes = processes
        self._calls: list[Document] = []
        self._edits: list[Document] = []
        self._refusing_until = -math.inf
        self._late: list[Callable[[], None]] = []
        self.restarts = 0
        """How often the server has restarted. A carrier that finds it changed since a call came in drops that call."""
        self._start()

    def _start(self, *, after: float = 0.0) -> None:
        """Begin anew in `after` seconds."""
        self._access = Access()
        started_ms = int((self._now() + after) * 1000)
        processes = range(self._faults.processes or self._processes)
        self._limiters = [Limiter(self._limit, started_ms=started_ms) for _ in processes] if self._limit else []
        self._turn = 0

    def _now(self) -> float:
        """The time that the server takes it to be."""
        return self._clock() + self._faults.skew

    def state(self) -> dict[str, Any]:
        """A deep copy of what is stored now, in the shape of a state file with all its keys."""
        self._catch_up()
        return self._state.dump()

    @property
    def store(self) -> State:
        """What is stored, itself: whoever changes it does so by hand, past the rules of every endpoint."""
        return self._state

    def set_faults(self, faults: str | None, *, seed: int = 0) -> None:
        """From the next call on, strike with these faults instead of the earlier ones."""
        self._faults = Faults(faults, seed=seed)

    def finish_late_work(self) -> bool:
        """Do what earlier calls left for after their answer, and return whether there was any."""
        waiting = bool(self._late)
        self._catch_up()
        return waiting

    def calls(self) -> list[dict[str, Any]]:
        """The calls received: ``method``, ``route``, ``path``, ``status``, ``time`` (epoch seconds), in the order they came.

        ``route`` is blank for a path that is none, ``status`` 0 for a call that was not answered, whether its work was done or not.
        ``time`` is the true one, whatever the server takes it to be. A connection that was refused is no call.
        """
        return [dict(call) for call in self._calls]

    def edits(self) -> list[dict[str, Any]]:
        """What the colleague of the fault ``editor`` has done, in order: ``edit``, ``department``, ``unit``, ``agent``, ``name``, ``time``.

        ``edit`` is ``move`` (department, unit), ``add`` or ``remove`` (department, agent) or ``rename`` (unit, name).
        """
        return [dict(edit) for edit in self._edits]

    def latency(self, method: str, path: str) -> float:
        """Seconds that the fault ``latency`` wants a call to take; a carrier asks once for each call, before `answer`."""
        if path.startswith(_OWN):
            return 0.0
        match = self._routes.find(path)
        return self._faults.latency(method, match.route.name if match else "", path)

    def drop(self, reply: Reply) -> None:
        """Note that a reply did not reach the client: its call gets the status 0."""
        if reply.call is not None:
            self._calls[reply.call]["status"] = 0

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        *,
        address: str = "127.0.0.1",
    ) -> Reply:
        """Carry out one call at once and return its reply.

        `path` is still quoted and has no query. `address` is the client's, for the rate limiter.
        """
        if path.startswith(_OWN):
            return self._own(method, path)
        if (refusing := self._refusing_until - self._clock()) > 0:
            return Reply(status=0, fault=Fault.REFUSE, seconds=refusing)
        self._catch_up()
        match = self._routes.find(path)
        route = match.route.name if match else ""
        self._meddle(method, route, path, match)
        strike = self._faults.decide(method, route, path)
        number = len(self._calls)
        self._calls.append({"method": method, "route": route, "path": path, "status": 0, "time": self._clock()})
        request = _Request(
            method=method,
            query=query,
            headers={key.lower(): text for key, text in headers.items()},
            body=body,
            address=address,
            match=match,
        )
        reply = self._struck(strike, request)
        self._calls[number]["status"] = reply.status
        dated = {**reply.headers, "date": formatdate(self._now(), usegmt=True)} if reply.status else {}
        return replace(reply, call=number, headers=dated)

    def _own(self, method: str, path: str) -> Reply:
        shown: dict[str, Callable[[], object]] = {"state": self.state, "calls": self.calls, "edits": self.edits}
        read = shown.get(path.removeprefix(_OWN))
        if method != "GET" or read is None:
            return _json(404, {"success": False, "error": f"only GET {', '.join(_OWN + name for name in shown)} are here"})
        return _json(200, read())

    def _meddle(self, method: str, route: str, path: str, match: Match | None) -> None:
        """Let a colleague do something elsewhere, if the faults want it."""
        chance = self._faults.editor(method, route, path)
        if chance is None:
            return
        done = edit(self._state, chance, sparing=frozenset(match.ids if match else ()))
        if done is not None:
            self._edits.append({**done, "time": self._clock()})

    def _struck(self, strike: Strike | None, request: _Request) -> Reply:
        """The reply to a call that meets `strike`."""
        fault, seconds = (strike.fault, strike.seconds) if strike else (None, 0.0)
        if fault in {Fault.RESTART, Fault.REFUSE}:
            self.restarts += 1
            self._start(after=seconds)
            self._refusing_until = self._clock() + seconds
        if fault in LOST and fault not in DONE:
            return Reply(status=0, fault=fault, seconds=seconds)
        if fault in PAGES:
            page = f"<html><h1>{fault} {PAGES[fault]}</h1></html>\n"
            return Reply(status=int(fault), headers=_HTML_HEADERS, body=page.encode(), fault=fault)
        if fault is Fault.ERROR:
            return replace(_json(500, {"success": False, "error": "Internal server error"}), fault=fault)
        reply = self._routed(request, forget=fault is Fault.FORGET)
        if fault in LOST:
            return Reply(status=0, fault=fault)
        if fault is Fault.TRUNCATE:
            return replace(reply, body=reply.body[: len(reply.body) // 2], fault=fault)
        return replace(reply, fault=fault, seconds=seconds)

    def _routed(self, request: _Request, *, forget: bool) -> Reply:
        """The reply of the server itself: route, body, checks, rule."""
        match = request.match
        if match is None or (match.route.premium and not self._state.premium and not self._can.units_always_registered):
            return self._no_route(request.method)
        endpoint = match.route.methods.get(request.method)
        if endpoint is None:
            return self._no_method(match, request.method)
        try:
            body = parse_body(request.method, request.headers, request.body, lenient=self._can.hono)
        except ValueError:
            return Reply(status=400, headers=_HTML_HEADERS, body=_BAD_REQUEST)
        try:
            user, body = self._admit(match, endpoint, request, body)
            call = self._call(match, request, user, body)
            result = (endpoint.forgotten if forget else endpoint.rule)(call)
        except Refusal as refusal:
            return _json(refusal.status, refusal.body, request.limits)
        if isinstance(result, tuple):
            result, late = result
            if late is not None:
                self._late.append(late)
                result = json.loads(json.dumps(result))
        if result is None and not self._can.hono:
            result = {"statusCode": 200, "body": None}
        return _json(200, result, request.limits)

    def _admit(self, match: Match, endpoint: Endpoint, request: _Request, body: Any) -> tuple[Document, Any]:  # noqa: ANN401 - JSON
        """Return the caller and the body as the schema coerces it; the checks come in the order of the server's release."""
        newest = self._can.middlewares_first
        if self._can.hono and not newest:
            self._check_licence(match)
        user = self._authenticate(endpoint, request.headers)
        if newest:
            self._check_permission(endpoint, user)
            self._check_licence(match)
        if match.route.versioned:
            self._check_limit(f"{request.method} {match.route.name}", user, request)
        if endpoint.query_schema is not None:
            check_schema(dict(request.query), endpoint.query_schema)
        if endpoint.body_schema is not None:
            body = check_schema(body, endpoint.body_schema)
        if not newest:
            self._check_permission(endpoint, user)
        return user, body

    def _call(self, match: Match, request: _Request, user: Document, body: Any) -> Call:  # noqa: ANN401 - JSON
        return Call(
            state=self._state,
            can=self._can,
            access=self._access,
            now_ms=int(self._now() * 1000),
            user=user,
            ids=match.ids,
            query=request.query,
            body=body,
        )

    def _authenticate(self, endpoint: Endpoint, headers: Mapping[str, str]) -> Document:
        user = self._state.users.get(headers.get("x-user-id", ""))
        if user is not None and user.get("active", True) and headers.get("x-auth-token") == user.get("token", f"token-{user['username']}"):
            return user
        if not endpoint.authenticated:
            return {}
        message = {"status": "error", "message": "You must be logged in to do this."}
        raise Refusal(401, {"success": False, "error": message["message"], **message} if self._can.hono else message)

    def _check_permission(self, endpoint: Endpoint, user: Document) -> None:
        if endpoint.any_of and not any(self._state.may(user, permission) for permission in endpoint.any_of):
            raise Refusal(403, UNAUTHORIZED)

    def _check_licence(self, match: Match) -> None:
        if match.route.premium and not self._state.premium:
            raise coded("error-action-not-allowed", "This is an enterprise feature")

    def _check_limit(self, route: str, user: Document, request: _Request) -> None:
        """Count the call and fill in the rate-limit headers; raise the 429."""
        if not self._limiters or self._limit is None or self._state.may(user, "api-bypass-rate-limit"):
            return
        now_ms = int(self._now() * 1000)
        limiter = self._limiters[self._turn % len(self._limiters)]
        self._turn += 1
        verdict = limiter.check(route, request.headers.get("x-real-ip", request.address), now_ms=now_ms)
        request.limits["x-ratelimit-limit"] = str(self._limit.calls)
        request.limits["x-ratelimit-remaining"] = str(verdict.remaining)
        request.limits["x-ratelimit-reset"] = str(now_ms + verdict.reset_in_ms)
        if not verdict.allowed:
            seconds = -(-verdict.reset_in_ms // 1000)
            wait = f"You must wait {seconds} seconds before trying this endpoint again."
            error = f"Error, too many requests. Please slow down. {wait} [error-too-many-requests]"
            raise Refusal(429, {"success": False, "error": error})

    def _no_route(self, method: str) -> Reply:
        if self._can.hono:
            return Reply(status=404, headers={"content-type": "text/plain; charset=UTF-8"}, body=b"404 Not Found")
        if method in {"GET", "HEAD"}:
            return Reply(status=200, headers=_HTML_HEADERS, body=_WEB_CLIENT)
        return Reply(status=405, headers={"allow": "OPTIONS, GET, HEAD"})

    def _no_method(self, match: Match, method: str) -> Reply:
        if self._can.hono:
            return self._no_route(method)
        body = {"status": "error", "message": "API endpoint does not exist"}
        return _json(405, body, {"allow": ", ".join([*match.route.methods, "OPTIONS"])})

    def _limit_of_state(self) -> Limit | None:
        settings = self._state.settings
        if settings.get("API_Enable_Rate_Limiter", True) is not True:
            return None
        calls = settings.get("API_Enable_Rate_Limiter_Limit_Calls_Default", 10)
        window_ms = settings.get("API_Enable_Rate_Limiter_Limit_Time_Default", 60000)
        if type(calls) is not int or type(window_ms) is not int:
            raise ValueError("the rate limiter's settings in the state are not whole numbers")
        return Limit(calls=calls, window_ms=window_ms)

    def _catch_up(self) -> None:
        """Do what earlier calls left for after their answer."""
        late, self._late = self._late, []
        for save in late:
            # Whoever sent the call was told that all went well, and learns no more.
            with suppress(Refusal):
                save()


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> Reply:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Reply(status=status, headers={**_JSON_HEADERS, **(headers or {})}, body=text.encode(errors="replace"))
