"""Who is let through to a rule: sign-in, permissions, licence, rate limit, schemas, in the order of the server's release.

As in Rocket.Chat's ``ApiClass.ts`` (``api.ts`` up to 6.x) and its middlewares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkjob.sandbox.limiter import Limit, Limiter, limit_of
from bulkjob.sandbox.routes import Endpoint, Match
from bulkjob.sandbox.rules import UNAUTHORIZED, Refusal, check_schema, coded
from bulkjob.sandbox.state import Document, State
from bulkjob.sandbox.versions import Capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
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


class Admission:
    """The door of a server that was started at `started_ms`, with so many `processes`, each with rate-limit windows of its own."""

    def __init__(self, state: State, can: Capabilities, *, limit: Limit | None, processes: int, started_ms: int) -> None:
        """Begin every window at the server's start."""
        self._state = state
        self._can = can
        self._limit = limit
        self._limiters = [Limiter(limit, started_ms=started_ms) for _ in range(processes)] if limit else []
        self._turn = 0

    def admit(self, match: Match, endpoint: Endpoint, request: Request, body: Any, *, now_ms: int) -> tuple[Document, Any]:  # noqa: ANN401 - JSON
        """Return the caller and the body as the schema coerces it; raise the refusal of who or what is not let through."""
        newest = self._can.middlewares_first
        if self._can.hono and not newest:
            self._check_licence(match)
        user = self._authenticate(endpoint, request.headers)
        if newest:
            self._check_permission(endpoint, user)
            self._check_licence(match)
        if match.route.versioned:
            self._check_limit(f"{request.method} {match.route.name}", user, request, now_ms=now_ms)
        if endpoint.query_schema is not None:
            check_schema(dict(request.query), endpoint.query_schema)
        if endpoint.body_schema is not None:
            body = check_schema(body, endpoint.body_schema, typed=endpoint.typed)
        if not newest:
            self._check_permission(endpoint, user)
        return user, body

    def _authenticate(self, endpoint: Endpoint, headers: Mapping[str, str]) -> Document:
        user = self._state.users.get(headers.get("x-user-id", ""))
        if user is not None and user.get("active", True) and headers.get("x-auth-token") == token_of(user):
            return user
        if not endpoint.authenticated:
            return {}
        message: Document = {"status": "error", "message": "You must be logged in to do this."}
        newer: Document = {"success": False, "error": message["message"]}
        if not self._can.hono:
            raise Refusal(401, message)
        raise Refusal(401, {**newer, **message} if self._can.status_in_401 else newer)

    def _check_permission(self, endpoint: Endpoint, user: Document) -> None:
        if endpoint.any_of and not any(self._state.may(user, permission) for permission in endpoint.any_of):
            raise Refusal(403, UNAUTHORIZED)

    def _check_licence(self, match: Match) -> None:
        if match.route.premium and not self._state.premium:
            raise coded("error-action-not-allowed", "This is an enterprise feature")

    def _check_limit(self, route: str, user: Document, request: Request, *, now_ms: int) -> None:
        """Count the call and fill in the rate-limit headers; raise the 429."""
        exempt = self._state.may(user, "api-bypass-rate-limit")
        if not self._limiters or self._limit is None or (exempt and not self._can.bypass_gets_headers):
            return
        limiter = self._limiters[self._turn % len(self._limiters)]
        self._turn += 1
        verdict = limiter.check(route, request.headers.get("x-real-ip", request.address), now_ms=now_ms)
        request.limits["x-ratelimit-limit"] = str(self._limit.calls)
        request.limits["x-ratelimit-remaining"] = str(verdict.remaining)
        request.limits["x-ratelimit-reset"] = str(now_ms + verdict.reset_in_ms)
        if not verdict.allowed and not exempt:
            seconds = -(-verdict.reset_in_ms // 1000)
            wait = f"You must wait {seconds} seconds before trying this endpoint again."
            error = f"Error, too many requests. Please slow down. {wait} [error-too-many-requests]"
            raise Refusal(429, {"success": False, "error": error})


def token_of(user: Mapping[str, Any]) -> str:
    """The token that a user signs in with."""
    return str(user.get("token", f"token-{user['username']}"))


def limit_of_state(settings: Mapping[str, Any]) -> Limit | None:
    """The rate limit that the settings name, None for none; raises ValueError with one sentence for numbers that are none."""
    if settings.get("API_Enable_Rate_Limiter", True) is not True:
        return None
    calls = settings.get("API_Enable_Rate_Limiter_Limit_Calls_Default", 10)
    window_ms = settings.get("API_Enable_Rate_Limiter_Limit_Time_Default", 60000)
    if type(calls) is not int or type(window_ms) is not int:
        raise ValueError("the rate limiter's settings in the state are not whole numbers")
    return limit_of(calls, window_ms)
