"""The whole server without a socket: a call goes in, a reply comes out, and time is what the clock says.

`Sandbox` is what the web layer serves and what a test on virtual time calls directly.
"""

import json
import math
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate
from typing import Any, Final

from bulkjob.sandbox.admission import Admission, Request, limit_of_state
from bulkjob.sandbox.bodies import parse_body
from bulkjob.sandbox.editor import edit
from bulkjob.sandbox.faults import Faults, Strike
from bulkjob.sandbox.kinds import DONE, HALF, LOST, PAGES, Fault
from bulkjob.sandbox.limiter import parse_limit
from bulkjob.sandbox.reply import Reply, bad_request, json_reply, no_method, no_route, proxy_page
from bulkjob.sandbox.routes import Match, Routes
from bulkjob.sandbox.rules import Access, Call, Refusal
from bulkjob.sandbox.state import Document, State
from bulkjob.sandbox.versions import capabilities
from bulkjob.sandbox.work import carry_out

_OWN: Final = "/_sandbox/"


class Sandbox:
    """A Rocket.Chat with one workspace.

    `clock` gives epoch seconds. `rate_limit` is ``CALLS/SECONDS`` or ``off``; None leaves it to the state's settings. With
    several `processes`, calls go to them in turn, and each has rate-limit windows of its own. `faults` is a specification as in
    `bulkjob.sandbox.faults`; its ``processes`` wins. `toggles` are fields of `versions.Capabilities` that shall be otherwise than in
    that release. Ids and faults follow from `seed`. A wrong state, version or specification raises ValueError.
    """

    def __init__(
        self,
        state: Mapping[str, Any],
        *,
        clock: Callable[[], float],
        server_version: str = "7.0",
        toggles: Mapping[str, bool] | None = None,
        rate_limit: str | None = None,
        processes: int = 1,
        faults: str | None = None,
        seed: int = 0,
    ) -> None:
        """Take a copy of `state` and start the server at the clock's present."""
        self._clock = clock
        self._can = capabilities(server_version, toggles)
        self._routes = Routes(self._can)
        # Ids must be the same again for the same seed; nothing secret hangs on them.
        self._chance = random.Random(seed)  # noqa: S311
        self._faults = Faults(faults, seed=seed)
        self._state = State(state, clock=self._now, rng=self._chance)
        self._limit = limit_of_state(self._state.settings) if rate_limit is None else parse_limit(rate_limit)
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
        self._access = Access(self._can)
        self._admission = Admission(
            self._state,
            self._can,
            limit=self._limit,
            processes=self._faults.processes or self._processes,
            started_ms=int((self._now() + after) * 1000),
        )

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
        """What the colleague of ``editor`` and ``vanish`` has done, in order, each with its ``time``.

        ``edit`` is ``move`` (``department``, ``unit``), ``add`` or ``remove`` (``department``, ``agent``), ``rename`` (``unit``, ``name``)
        or ``delete`` (``unit`` or ``department``).
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
        request = Request(
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
            return json_reply(404, {"success": False, "error": f"only GET {', '.join(_OWN + name for name in shown)} are here"})
        return json_reply(200, read())

    def _meddle(self, method: str, route: str, path: str, match: Match | None) -> None:
        """Let a colleague do something elsewhere, if the faults want it."""
        chance = self._faults.editor(method, route, path)
        if chance is None:
            return
        done = edit(self._state, chance, sparing=frozenset(match.ids if match else ()))
        if done is not None:
            self._note(done)

    def _note(self, done: Document) -> None:
        self._edits.append({**done, "time": self._clock()})

    def _struck(self, strike: Strike | None, request: Request) -> Reply:
        """The reply to a call that meets `strike`."""
        fault, seconds = (strike.fault, strike.seconds) if strike else (None, 0.0)
        if fault in {Fault.RESTART, Fault.REFUSE}:
            self.restarts += 1
            self._start(after=seconds)
            self._refusing_until = self._clock() + seconds
        carried_out = fault is None or fault in DONE | HALF or fault in {Fault.FORGET, Fault.BROKEN_BEFORE}
        reply = self._routed(request, strike) if carried_out else Reply(status=0, seconds=seconds)
        if fault in LOST:
            return Reply(status=0, fault=fault, seconds=seconds)
        if fault in PAGES:
            return replace(proxy_page(*PAGES[fault]), fault=fault)
        if fault is Fault.ERROR:
            return replace(json_reply(500, {"success": False, "error": "Internal server error"}), fault=fault)
        if fault is Fault.TRUNCATE:
            return replace(reply, body=reply.body[: len(reply.body) // 2], fault=fault)
        return replace(reply, fault=fault, seconds=seconds or reply.seconds)

    def _routed(self, request: Request, strike: Strike | None) -> Reply:
        """The reply of the server itself: route, body, checks, rule."""
        match = request.match
        if match is None or (match.route.premium and not self._state.premium and not self._can.units_always_registered):
            return no_route(request.method, hono=self._can.hono)
        endpoint = match.route.methods.get(request.method)
        if endpoint is None:
            return no_route(request.method, hono=True) if self._can.hono else no_method(match.route.methods)
        try:
            body = parse_body(request.method, request.headers, request.body, lenient=self._can.hono)
        except ValueError:
            return bad_request()
        try:
            user, body = self._admission.admit(match, endpoint, request, body, now_ms=int(self._now() * 1000))
            result = carry_out(endpoint, self._call(match, request, user, body), strike, self._note)
        except Refusal as refusal:
            return replace(json_reply(refusal.status, refusal.body, request.limits), seconds=self._held_back(refusal.status))
        if isinstance(result, tuple):
            result, late = result
            if late is not None:
                self._late.append(late)
                result = json.loads(json.dumps(result))
        if result is None and not self._can.hono:
            result = {"statusCode": 200, "body": None}
        return json_reply(200, result, request.limits)

    def _call(self, match: Match, request: Request, user: Document, body: Any) -> Call:  # noqa: ANN401 - JSON
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

    def _held_back(self, status: int) -> float:
        """Seconds by which a refusal is late, so that its time says nothing of its reason (Restivus' ``route.js``)."""
        return self._chance.uniform(0.5, 1.0) if self._can.slow_refusals and status in {401, 403} else 0.0

    def _catch_up(self) -> None:
        """Do what earlier calls left for after their answer."""
        late, self._late = self._late, []
        for save in late:
            # Whoever sent the call was told that all went well, and learns no more.
            with suppress(Refusal):
                save()
