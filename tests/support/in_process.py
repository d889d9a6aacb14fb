"""The sandbox behind a transport without a socket, for jobs on virtual time."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bulkjob.rocketchat import Answer, Failure, Next, NoAnswer, Request
from bulkjob.sandbox import Fault, Reply, Sandbox
from bulkjob.vocabulary import Code

EPOCH = 1_800_000_000.0
"""When virtual time begins, in seconds since 1970."""
TIMEOUT = 30.0
"""Seconds after which a call whose answer is lost is given up."""

Meddling = Callable[["InProcess", Request[Any]], object]
"""What somebody else does while a call is on its way."""


def departments_in(request: Request[Any]) -> set[str]:
    """The departments that a write of a unit names."""
    named: Any = (request.body or {}).get("unitDepartments", ())
    return {item["departmentId"] for item in named}


class InProcess:
    """`Transport` onto a sandbox without a socket; each call takes the seconds that `latency` gives it."""

    def __init__(self, sandbox: Sandbox, user: Mapping[str, Any], latency: Callable[[str], float], meddle: Meddling | None) -> None:
        self.sandbox = sandbox
        self.in_flight = self.most_in_flight = 0
        self.overlaps: list[str] = []
        """Writes that were under way at the same time and concern one unit or one department."""
        self.homeless: set[str] = set()
        """Departments that were seen without a unit by some call."""
        self._writing: dict[int, frozenset[str]] = {}
        self._headers = {"X-User-Id": user["_id"], "X-Auth-Token": user.get("token", f"token-{user['username']}")}
        self._latency = latency
        self._meddle = meddle

    async def send(self, request: Request[Any]) -> Answer:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self._begin(request)
        try:
            half = self._latency(request.path) / 2
            await asyncio.sleep(half)
            if self._meddle:
                self._meddle(self, request)
            reply = self.call(request.route.method, request.path, request.body, request.query)
            await asyncio.sleep(TIMEOUT if reply.fault in (Fault.TIMEOUT, Fault.TIMEOUT_AFTER) else half)
        finally:
            self.in_flight -= 1
            self._writing.pop(id(request), None)
        if reply.fault is Fault.REFUSE and reply.call is None:
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.CONNECTION, said="refused", unsent=True))
        if reply.lost:
            code = Code.TIMEOUT if reply.fault in (Fault.TIMEOUT, Fault.TIMEOUT_AFTER) else Code.CONNECTION
            raise NoAnswer(Failure(next=Next.REPEAT, code=code, said="no answer", undecided=request.writes))
        return Answer(status=reply.status, headers=reply.headers, body=reply.body)

    def _begin(self, request: Request[Any]) -> None:
        departments = [document for document in self.sandbox.store.collection.values() if document.get("type") != "u"]
        self.homeless |= {department["_id"] for department in departments if not department.get("parentId")}
        if not request.writes:
            return
        # A unit that is to be made has no id yet, and concerns only the departments that come to it.
        kind, *identifiers = request.path.split("/")[4:6]
        concerned = set(identifiers)
        if kind == "units":
            concerned |= departments_in(request)
            concerned |= {department["_id"] for department in departments if department.get("parentId") in identifiers}
        self.overlaps += [f"{request.path}: {both}" for other in self._writing.values() if (both := concerned & other)]
        self._writing[id(request)] = frozenset(concerned)

    def call(self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = ()) -> Reply:
        """One call as the job's account, at once."""
        headers = {**self._headers, "Content-Type": "application/json"}
        return self.sandbox.answer(method, path, dict(query), headers, b"" if body is None else json.dumps(body).encode())
